"""Writes fixtures/golden/: `python -m tests.golden`, or `make golden`.  Read the diff before you commit it.

Each file is what a verb prints, as it prints it; test_golden.py compares.
"""

import importlib
import io
import os
import sys
import textwrap
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

from kdtoken import dump, explain, walk
from kdtoken.analysis.audit.rules import BY_ID, audit
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, kernel_of
from tests.machine.guilty import GUILTY
from tests.machine.synthetic import SyntheticSource
from tests.sessions import MACHINE_22000, SESSIONS
from tests.snapshots import snapshot_of_machine
from tests.verbs import run_on
from tests.wordings import questions, steps, tables

VERBS: Dict[str, Any] = {"dump": dump, "walk": walk, "explain": explain}
GOLDEN = Path(__file__).parent.parent / "fixtures" / "golden"
NOTEPAD = SESSIONS / "notepad-22000-synthetic.kdtoken.gz"

# file -> (COLUMNS=n where not 100, verb, its arguments) on the recording of the genuine engine
NOTEPAD_FILES: Dict[str, List[str]] = {
    "notepad-22000.txt": ["dump", "notepad.exe"],
    "notepad-22000-80.txt": ["COLUMNS=80", "dump", "notepad.exe"],
    "notepad-22000-all.txt": ["dump", "notepad.exe", "--all"],
    "notepad-22000-why.txt": ["dump", "notepad.exe", "--why"],
    "notepad-22000-windbg.txt": ["dump", "notepad.exe", "--format", "windbg"],
    "notepad-22000.json": ["dump", "notepad.exe", "--json"],
}
# the same on the recording of the whole machine
MACHINE_FILES: Dict[str, List[str]] = {
    "walk-22000.txt": ["walk"],
    "walk-22000-threads.txt": ["walk", "--threads"],
    "walk-22000.csv": ["walk", "--csv"],
    "walk-22000.json": ["walk", "--json", "--threads"],
    "impersonating-22000.txt": ["dump", "1120"],
    "impersonating-22000-80.txt": ["COLUMNS=80", "dump", "1120"],
    "impersonating-22000-all.txt": ["dump", "1120", "--all"],
    "impersonating-22000.json": ["dump", "1120", "--json"],
    "appcontainer-22000.txt": ["dump", "CalculatorApp.exe"],
    "appcontainer-22000-all.txt": ["dump", "CalculatorApp.exe", "--all"],
    "appcontainer-22000.json": ["dump", "CalculatorApp.exe", "--json"],
    "appcontainer-22000-windbg.txt": ["dump", "CalculatorApp.exe", "--format", "windbg"],
    "write-restricted-22000.txt": ["dump", "1048"],
    "write-restricted-22000-all.txt": ["dump", "1048", "--all"],
    "elevated-22000.txt": ["dump", "cmd.exe"],
    "elevated-22000-all.txt": ["dump", "cmd.exe", "--all"],
    "protected-22000.txt": ["dump", "lsass.exe"],
    "protected-22000-all.txt": ["dump", "lsass.exe", "--all"],
    "sids-paged-out-22000.txt": ["dump", "6040"],
    "sids-paged-out-22000-all.txt": ["dump", "6040", "--all"],
    "sids-paged-out-22000.json": ["dump", "6040", "--json"],
    "token-paged-out-22000.txt": ["dump", "OneDrive.exe"],
    "token-paged-out-22000-all.txt": ["dump", "OneDrive.exe", "--all"],
    "no-token-22000.txt": ["dump", "whoami.exe"],
    "no-token-22000-all.txt": ["dump", "whoami.exe", "--all"],
    "no-token-22000.json": ["dump", "whoami.exe", "--json"],
}
# `explain` on the same: file -> (exit code, arguments)
SDDL = "D:(A;;FA;;;BA)(A;;FR;;;BU)"  # a file that administrators own and users may read
EXPLAIN_FILES: Dict[str, Tuple[int, List[str]]] = {
    "explain-yes-22000.txt": (0, ["notepad.exe", "--to", SDDL, "--type", "file", "--want", "read"]),
    "explain-no-by-label-22000.txt": (1, ["notepad.exe", "--to", "cmd.exe", "--want", "VM_READ"]),
    "explain-no-by-dacl-22000.txt": (1, ["notepad.exe", "--to", SDDL, "--type", "file", "--want", "write"]),
    "explain-no-by-protection-22000.txt": (1, ["cmd.exe", "--to", "lsass.exe", "--want", "VM_READ"]),
    "explain-thread-22000.txt": (1, ["1120:1128", "--to", "lsass.exe", "--want", "VM_READ"]),
    "explain-token-gates-22000.txt": (0, ["cmd.exe", "--to", "token:notepad.exe", "--want", "QUERY"]),
    "explain-who-22000.txt": (0, ["--who", "--to", "lsass.exe", "--want", "VM_READ"]),
    "explain-no-by-label-22000.json": (1, ["notepad.exe", "--to", "cmd.exe", "--want", "VM_READ", "--json"]),
    "explain-token-gates-22000.json": (0, ["cmd.exe", "--to", "token:notepad.exe", "--want", "QUERY", "--json"]),
}
# The other verbs, as typed in fixtures/: file -> (exit code, verb and arguments)
MACHINE, INCIDENT = ("sessions/%s-22000-synthetic.kdtoken.gz" % name for name in ("machine", "incident"))
FILTERED, WHOAMI = "views/token-filtered.txt", "views/whoami-all.txt"
TYPED_FILES: Dict[str, Tuple[int, List[str]]] = {
    "audit-machine-22000.txt": (1, ["audit", MACHINE, "--all"]),
    "audit-incident-22000.txt": (1, ["audit", INCIDENT, "--all"]),
    "audit-both-22000.txt": (1, ["audit", MACHINE, INCIDENT]),
    "audit-incident-22000.json": (1, ["audit", INCIDENT, "--json"]),
    "lineage-notepad-22000.txt": (0, ["lineage", MACHINE, "notepad.exe"]),
    "lineage-notepad-22000.json": (0, ["lineage", MACHINE, "notepad.exe", "--json"]),
    "lineage-service-22000.txt": (0, ["lineage", MACHINE, "1120"]),
    "lineage-elevated-22000.txt": (0, ["lineage", MACHINE, "cmd.exe"]),
    "lineage-appcontainer-22000.txt": (0, ["lineage", MACHINE, "CalculatorApp.exe"]),
    "lineage-stolen-22000.txt": (0, ["lineage", INCIDENT, "mspaint.exe"]),
    "walk-tree-22000.txt": (0, ["walk", MACHINE, "--tree"]),
    "walk-incident-22000.txt": (0, ["walk", INCIDENT]),
    "diff-elevated-22000.txt": (1, ["diff", MACHINE, "notepad.exe", "cmd.exe", "--all"]),
    "diff-elevated-22000.json": (1, ["diff", MACHINE, "notepad.exe", "cmd.exe", "--json"]),
    "diff-service-22000.txt": (1, ["diff", MACHINE, "1048", "1120"]),
    "diff-machines-22000.txt": (1, ["diff", MACHINE, INCIDENT]),
    "diff-machines-22000.json": (1, ["diff", MACHINE, INCIDENT, "--json"]),
    "diff-texts.txt": (1, ["diff", FILTERED, WHOAMI + "@#1"]),
    "token-text.txt": (0, ["dump", FILTERED]),
    "token-text-all.txt": (0, ["dump", FILTERED, "--all"]),
    "token-text.json": (0, ["dump", FILTERED, "--json"]),
    "whoami-text.txt": (0, ["dump", WHOAMI, "#1"]),
    "whoami-text-all.txt": (0, ["dump", WHOAMI, "#2", "--all"]),
    "explain-matrix-22000.txt": (
        0,
        ["explain", MACHINE, "6104", "6488", "--to", "lsass.exe", "--to", "services.exe", "--want", "0x1"],
    ),
}
# the same on a synthetic kernel of an older build, without a recording between
BUILD_FILES: Dict[str, Dict[str, List[str]]] = {
    "19041": {
        "notepad-19041.txt": ["dump", "notepad.exe"],
        "notepad-19041-all.txt": ["dump", "notepad.exe", "--all"],
        "walk-19041-threads.txt": ["walk", "--threads"],
    },
    "7601": {
        "notepad-7601.txt": ["dump", "notepad.exe"],
        "notepad-7601-all.txt": ["dump", "notepad.exe", "--all"],
        "notepad-7601-why.json": ["dump", "notepad.exe", "--json", "--why"],
        "notepad-7601-windbg.txt": ["dump", "notepad.exe", "--format", "windbg"],
        "walk-7601-threads.txt": ["walk", "--threads"],
        "walk-7601.csv": ["walk", "--csv"],
        "walk-7601.json": ["walk", "--json"],
    },
}


def replay(session: Path, words: List[str], wanted: int = 0) -> str:
    """What `kdtoken VERB --session ...` prints."""
    out = io.StringIO()
    with redirect_stdout(out), columns(words) as words:
        code = VERBS[words[0]].main(["--session", str(session)] + words[1:])
    if code != wanted:
        raise RuntimeError("%s ended with %d" % (" ".join(words), code))
    return out.getvalue()


@contextmanager
def columns(words: List[str]) -> Iterator[List[str]]:
    """The words behind COLUMNS=n, which holds meanwhile, whatever the terminal is that this runs in."""
    wide = words[0].startswith("COLUMNS=")
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = words[0].split("=")[1] if wide else "100"
    try:
        yield words[1:] if wide else words
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def synthetic(build: str, words: List[str]) -> str:
    """What the verb prints on the synthetic kernel of that build."""
    path = next(path for path in FILES if ".%s." % build in path.name)
    target = CachedSource(SyntheticSource(kernel_of(path, everything_there=False)).with_commands())
    with columns(words) as words:
        return "".join(line + "\n" for line in run_on(target, *words))


def typed(words: List[str], wanted: int) -> str:
    """What `kdtoken VERB ...` prints where it is typed in fixtures/, so that no path of a machine is in it."""
    out, before = io.StringIO(), os.getcwd()
    os.chdir(GOLDEN.parent)
    try:
        with redirect_stdout(out), columns(words) as words:
            code = importlib.import_module("kdtoken." + words[0]).main(words[1:])
    finally:
        os.chdir(before)
    if code != wanted:
        raise RuntimeError("%s ended with %d" % (" ".join(words), code))
    return out.getvalue()


def findings() -> str:
    """What the audit finds on each machine with one thing strange on it, in all words that a finding has."""
    lines: List[str] = []

    def add(text: str, first: str, rest: str) -> None:
        lines.extend(textwrap.wrap(text, 99, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False))

    for case in GUILTY:
        lines += ["", "%s (%s)" % (case.name, case.rule)]
        for one in audit(snapshot_of_machine(case.machine), only=[case.rule]):
            add(one.saw, "  %-2s " % one.severity.value, " " * 7)
            for fact in one.evidence:
                add("%s: %s, 0x%x %s" % fact, " " * 7, " " * 9)
            add("known to a baseline as: " + one.key, " " * 7, " " * 9)
    return "\n".join(lines[1:]) + "\n"


def rules() -> str:
    """What `audit --explain` says of every rule."""
    return "\n".join(typed(["audit", "--explain", rule], 0) for rule in BY_ID)


def files() -> Dict[str, Callable[[], str]]:
    """File name -> how its text comes about."""
    made: Dict[str, Callable[[], str]] = {}
    for session, names in ((NOTEPAD, NOTEPAD_FILES), (MACHINE_22000, MACHINE_FILES)):
        for name, words in names.items():
            made[name] = _later(replay, session, words)
    for name, (code, words) in EXPLAIN_FILES.items():
        made[name] = _later(replay, MACHINE_22000, ["explain", *words], code)
    for name, (code, words) in TYPED_FILES.items():
        made[name] = _later(typed, words, code)
    made.update({"findings-22000.txt": findings, "rules.txt": rules})
    made.update({"explain-steps.txt": steps, "explain-questions.txt": questions, "tables.txt": tables})
    for build, names in BUILD_FILES.items():
        for name, words in names.items():
            made[name] = _later(synthetic, build, words)
    return made


def _later(make: Callable[..., str], *arguments: object) -> Callable[[], str]:
    return lambda: make(*arguments)


def write(folder: Path = GOLDEN) -> Tuple[int, int]:
    """Write all of them; how many there are, and how many changed."""
    changed = 0
    for name, make in files().items():
        data = make().encode("utf-8")
        path = folder / name
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
            changed += 1
    return len(files()), changed


def main() -> int:
    """Write fixtures/golden/."""
    print("fixtures/golden/: %d files, %d changed; read the diff" % write())
    return 0


if __name__ == "__main__":
    sys.exit(main())
