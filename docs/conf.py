"""Sphinx: the site, the man page and the doctests, all from the pages in this folder.

Sphinx and not MkDocs, since one set of pages becomes both the site and a man page, and since the examples in the
reference are run (`make docs` runs them) and every link between pages is checked (`-n -W`).
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, List

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import kdtoken  # noqa: E402
from kdtoken.__main__ import VERBS  # noqa: E402
from kdtoken.dataset import schema  # noqa: E402
from kdtoken.dataset.ask import questions  # noqa: E402

project = "kdtoken"
author = "the kdtoken developers"
copyright = "the kdtoken developers, MIT licence"
release = version = kdtoken.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.doctest", "sphinx.ext.viewcode"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
# Notebooks are run, in a Python that finds this very kdtoken; what fails in one ends the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH", "")]))
root_doc = "index"
exclude_patterns = ["_build", "_generated"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
nitpicky = True
nitpick_ignore_regex = [("py:.*", "kdtoken\\.machine\\..*")]  # what a public name is called where it is written
autodoc_typehints = "none"
autodoc_member_order = "bysource"
html_theme = "furo"
html_title = "kdtoken %s" % release
html_static_path = ["_static"]
html_copy_source = False
html_show_sphinx = False
man_pages = [("reference/man", "kdtoken", "Windows access tokens as the kernel holds them", [author], 1)]
# What the examples of the reference may use without saying so, and where they stand.
doctest_global_setup = "import os; os.chdir(%r)" % str(HERE.parent)


def write_help(app: Any) -> None:
    """Each verb's own --help, as a file that the reference includes: it cannot differ from the program."""
    folder = HERE / "_generated"
    folder.mkdir(exist_ok=True)
    environment = dict(os.environ, COLUMNS="92", PYTHONPATH=str(HERE.parent), NO_COLOR="1")
    pages = []
    for verb, words in VERBS.items():
        done = subprocess.run(
            [sys.executable, "-m", "kdtoken", verb, "--help"],
            stdout=subprocess.PIPE,
            check=True,
            env=environment,
            encoding="utf-8",
        )
        pages.append("### %s\n\n%s.\n\n```text\n%s```\n" % (verb, _sentence(words), done.stdout))
    (folder / "verbs.md").write_text("\n".join(pages), encoding="utf-8")
    (folder / "lake.md").write_text(_lake(), encoding="utf-8")


def _lake() -> str:
    """The tables of a lake, and the questions that ship, each with its SQL."""
    lines = ["## Tables", "", schema.markdown(), "## Questions that ship", ""]
    for one in questions().values():
        lines += ["### %s" % one.name, "", one.title + ":", "", "```sql", one.sql.rstrip(), "```", ""]
    return "\n".join(lines)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def as_written(app: Any, what: str, name: str, item: Any, options: Any, lines: List[str]) -> None:
    """Docstrings here are plain text with columns, not reStructuredText: behind the first sentence they stay as they are."""
    first = lines.index("") if "" in lines else len(lines)
    head = [line.replace("`", "``").replace("*", "\\*") for line in lines[:first]]
    rest = lines[first:]
    while rest and not rest[-1]:
        rest.pop()
    lines[:] = head + ([""] + ["::", ""] + ["    " + line for line in rest[1:]] + [""] if rest else [""])


def setup(app: Any) -> None:
    app.connect("builder-inited", write_help)
    app.connect("autodoc-process-docstring", as_written)
