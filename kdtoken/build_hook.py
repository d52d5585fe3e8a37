"""Makes the files that let WinDbg users type `!py kdtoken.dump NAME`, when the wheel is built.

Two for each verb of the one list in __main__.py, with the same text:

    kdtoken.VERB      in the Scripts folder: the pykd-ext bootstrapper looks along PATH for a file
                      of exactly that name, since it adds ".py" only to names without a dot
    kdtoken.VERB.py   beside the package: pykd.pyd's own `!py` looks along sys.path, and does

Used by the build only; the wheel does not carry this file.
"""

import ast
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCRIPT = '''\
"""What `!py kdtoken.{verb}` runs inside WinDbg."""

from kdtoken.cli import run_in_windbg
from kdtoken.{verb} import main

run_in_windbg(main)
'''


def verbs(source):
    """The keys of VERBS in __main__.py, read without importing it (its imports may be missing here)."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "VERBS":
            return [key.value for key in node.value.keys]
    raise ValueError("kdtoken/__main__.py has no list VERBS")


class WinDbgScripts(BuildHookInterface):
    """Adds the script files to every wheel, also to an editable one."""

    def initialize(self, version, build_data):
        """Hatchling calls this before it builds: write the script files, and tell it of them."""
        folder = Path(self.root, "build", "windbg")
        folder.mkdir(parents=True, exist_ok=True)
        for verb in verbs(Path(self.root, "kdtoken", "__main__.py").read_text(encoding="utf-8")):
            script = folder / ("kdtoken.%s.py" % verb)
            script.write_text(SCRIPT.format(verb=verb), encoding="utf-8")
            build_data["shared_scripts"][str(script)] = "kdtoken.%s" % verb
            placed = "force_include_editable" if version == "editable" else "force_include"
            build_data[placed][str(script)] = "kdtoken.%s.py" % verb
