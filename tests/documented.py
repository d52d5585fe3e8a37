"""The commands that the project's texts tell people to type, and a place in which each of them can be typed.

commands_of(path)   what a page or a verb's own help tells
Place(folder)       files of the names that the texts use, a live kernel and one to attach to, all the tour's machine
"""

import ast
import glob
import gzip
import io
import json
import os
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from kdtoken import __main__ as front
from kdtoken.__main__ import VERBS
from kdtoken.cli.tour.practice import practice_files
from kdtoken.source import attach, live
from tests.declared_views import collected
from tests.machine.declared import MACHINE
from tests.machine.paging import FIRST_PFN
from tests.machine.synthetic import SyntheticSource
from tests.sessions import INCIDENT_22000, MACHINE_22000
from tests.snapshots import kernel_of_machine
from tests.test_analysis_access_check_lab import ORDER

ROOT = Path(__file__).parent.parent
# Not what `make docs` writes beside them: the helps that it holds are read from the verbs themselves.
PAGES = [
    ROOT / "README.md",
    ROOT / "vm" / "README.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if "_generated" not in page.parts),
]
HELPS = [ROOT / "kdtoken" / (verb + ".py") for verb in VERBS]
# What ours begin with; everything else that a page tells to type is another's program.
OURS = re.compile(
    r"(?<![\w.-])(?:kdtoken (?=[a-zV])|!py (?=-m|-3|kdtoken)|python -m kdtoken\.(?=\w)|python (?:kdtoken/)?collect\.py\b ?"
    r"|python vm[\\/]\w+\.py\b ?)"
)
# A word of a text that stands for what the reader has, and what stands for it here.
STANDS_FOR = {
    "VERB": "walk",
    "FILE": "machine.kdtoken.gz",
    "PROCESS": "notepad.exe",
    "NAME": "notepad.exe",
    "RULE": "shared-token",
    "ANSWER": "cmd.exe",
    "FOLDER": "laid",
    "STORE": ".",
    "GOOD.dmp": "good.dmp",
    "PID": "6104",
    "SDDL": "D:(A;;FR;;;WD)",
    "DIR": "CASE",
    "/mnt/share/dumps": "dumps/",
    "/mnt/share/symbols": ".",
}


class Command(NamedTuple):
    """One command, and where it stands."""

    where: str
    text: str


def commands_of(path: Path) -> Iterator[Command]:
    """Every command of ours in a page: lines of code, and code in a sentence; of a verb, the lines of its help."""
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT).as_posix()
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    for line in text.split("\n"):
        if path.suffix == ".py" or line.startswith("    "):
            found = [one for one in re.split(r"\s{2,}|; ", line.strip())]
        else:
            found = re.findall(r"`([^`]+)`", line)
        for one in found:
            one = one[2:] if one.startswith("$ ") else one
            if OURS.match(one):
                yield Command(name, one.split("  ")[0].rstrip(":"))


def words_of(text: str) -> List[str]:
    """The words, as a Windows prompt splits them: a backslash is one, quotes hold words together."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    words = [word for word in lexer if word != "..."]
    written = ("-o", "--output", "--parquet")  # a file that is made, and must not stand in for one that is read
    return [
        "made.out" if word == "FILE" and before in written else STANDS_FOR.get(word, word)
        for before, word in zip(["", *words], words)
    ]


class _WindbgOut(io.StringIO):
    """pykd's stdout has no fileno."""

    @property
    def fileno(self) -> Any:  # type: ignore[override]
        raise AttributeError


class Live(SyntheticSource):
    """The session that a debugger has open, or a kernel that is attached to."""

    def __init__(self, *_connection: object) -> None:
        super().__init__(kernel_of_machine(MACHINE))
        self.with_commands()

    def release(self) -> None:
        """Nothing stands still here."""


class Place:
    """A current folder with all that the texts name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder.parent / (folder.name + "-cache")
        content = practice_files(str(folder))
        machine, incident = content["practice.dmp"], content["incident.dmp"]
        log = gzip.decompress((ROOT / "fixtures/logs/capture-10.0.22000.2538-synthetic.log.gz").read_bytes())
        lab = dict(json.loads(collected("notepad")), checks=[dict(ORDER, status=0, granted=0x1F)])
        token = collected("notepad").encode()
        files: Dict[str, bytes] = {
            "ntkrnlmp.pdb": content["ntkrnlmp.pdb"],
            "whoami.txt": content["whoami.txt"],
            "sd.txt": b"D:(A;;KA;;;BA)(A;;KR;;;BU)\n",
            "collect.json": token,
            "C:\\views\\collect.json": token,
            "questions.json": (ROOT / "fixtures" / "lab" / "questions.json").read_bytes(),
            "lab.json": json.dumps(lab).encode(),
            "session.log": log,
            "kdtoken-capture.log": log,
            "logs/one.log": log,
            "dumps/one.dmp": machine,
            # the pages that the dump holds, each at its physical address
            "Windows 11-Snapshot1.vmem": bytes(FIRST_PFN << 12) + machine[0x2000:],
        }
        for name in "MEMORY.DMP A.dmp before.dmp good.dmp suspect.dmp".split():
            files[name] = machine
        for name in "B.dmp after.dmp other.dmp".split():
            files[name] = incident
        for name in "machine before notepad".split():
            files[name + ".kdtoken.gz"] = MACHINE_22000.read_bytes()
        files["after.kdtoken.gz"] = INCIDENT_22000.read_bytes()
        files["C:\\symbols/ntkrnlmp.pdb"] = content["ntkrnlmp.pdb"]
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        self._laid = files
        os.symlink(str(ROOT / "fixtures"), str(folder / "fixtures"))

    def enter(self, monkeypatch: Any) -> None:
        """Stand in the folder, in front of that machine."""
        monkeypatch.chdir(self.folder)
        monkeypatch.setenv("_NT_SYMBOL_PATH", str(self.folder))
        # What was read of the symbols is kept, as it is for everybody, but in a place of the tests.
        monkeypatch.setenv("KDTOKEN_CACHE", str(self.cache))
        monkeypatch.setattr(live, "LiveSource", Live)
        monkeypatch.setattr(attach, "AttachedSource", Live)

    def run(self, command: str, shell: bool = True) -> Tuple[int, str, str]:
        """(exit code, stdout, stderr) of a command of kdtoken, `!py`, or `python -m kdtoken.VERB`.

        shell  whether patterns are looked up before kdtoken sees them, as all shells do but those of Windows
        """
        words = words_of(command)
        in_windbg = words[0] == "!py"
        if words[0] == "kdtoken":
            arguments = words[1:]
        else:
            at = next(at for at, word in enumerate(words) if word.startswith("kdtoken."))
            arguments = [words[at].split(".")[1].replace("VERB", "walk"), *words[at + 1 :]]
        target = ""
        if ">" in arguments:
            target = arguments[arguments.index(">") + 1]
            arguments = arguments[: arguments.index(">")]
        if "|" in arguments:
            arguments = arguments[: arguments.index("|")]
        if shell and not in_windbg:
            arguments = [
                one for word in arguments for one in (sorted(glob.glob(word)) if "*." in word else []) or [word]
            ]
        if arguments[0] == "lake" and "ask" in arguments and not (self.folder / "CASE").exists():
            self.run("kdtoken lake CASE add dumps/")
        out: io.StringIO = _WindbgOut() if in_windbg else io.StringIO()
        err = io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = front.main(arguments)
        if target:
            (self.folder / target).write_text(out.getvalue(), encoding="utf-8")
        for name in set(words) & set(self._laid):
            # One command's recording is not what another one was written for; which of them comes first, no one knows.
            if (self.folder / name).read_bytes() != self._laid[name]:
                (self.folder / name).write_bytes(self._laid[name])
        return code, out.getvalue(), err.getvalue()
