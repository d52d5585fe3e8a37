"""A machine whose every string is hostile: nothing is left for the last gate to escape, in any verb, and stdout is clean."""

import gzip
import io
import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.__main__ import main
from kdtoken.cli import output
from kdtoken.render.words import clean, printable
from tests.sessions import MACHINE_22000

EVIL = "\x1b]0;t\x07\u202e\u3164\u2800\ufe0f\x9b31m\ud800\n\r\\u202e"
# The same where memory holds bytes, or UTF-16 without room for more.
SHORT = "\x1b[5m\u202e\u3164"


def hostile() -> List[str]:
    """The lines of a recorded machine in which each text that a stranger chooses is another."""
    lines = gzip.open(str(MACHINE_22000), "rt", encoding="utf-8").read().rstrip("\n").split("\n")
    made = []
    for line in lines:
        row: Dict[str, Any] = json.loads(line)
        if "kdtoken-session" in row:
            row.update({"source": EVIL, "build": "10.0.22000" + EVIL, "made-by": EVIL})
        elif row.get("layout") in ("_TOKEN", "_EPROCESS"):
            # Members that nobody has a name for are shown with theirs and with their type's.
            row["fields"] = [[EVIL + "Token", 0, "Uint4B"], *row["fields"]]
        elif row.get("layout") == "_TOKEN_TYPE":
            row["values"] = [[name + EVIL, number] for name, number in row["values"]]
        elif "memory" in row:
            row["bytes"] = _renamed(row["bytes"])
        elif "unreadable" in row:
            row["reason"] = EVIL
        elif "command" in row:
            row["output"] = row["output"].replace("notepad", EVIL)
        made.append(json.dumps(row))
    return made


def _renamed(data: str) -> str:
    """Names of the declared machine, wherever they lie in its memory, as long as before."""
    raw = bytes.fromhex(data)
    for name in ("svchost.exe", "explorer.exe", "mspaint.exe", "User32 ", "Advapi  "):
        wide = len(name)
        raw = raw.replace(name.encode(), ("\x1b]0;\x07\x9b\x7f" + name).encode("latin-1")[:wide].ljust(wide, b"\xff"))
    for name in ("Anna", "ANNA-PC", "WORKGROUP", "Event", "Process"):
        evil = (SHORT + name)[: len(name)]
        raw = raw.replace(name.encode("utf-16-le"), evil.encode("utf-16-le"))
    return raw.hex()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: Any) -> str:
    path = tmp_path_factory.mktemp("hostile") / "a\x1b]0;x\x07\u202e.kdtoken"
    path.write_bytes(("\n".join(hostile()) + "\n").encode("utf-8"))
    return str(path)


VERBS = [
    ["dump", "6104"],
    ["dump", "6104", "--all"],
    ["dump", "6104", "--why"],
    ["dump", "6104", "--json"],
    ["dump", "6104", "--format", "windbg"],
    ["dump", "1120", "--all"],
    ["dump", "nosuch\x1b[31m"],
    ["dump", "svchost.exe"],
    ["walk"],
    ["walk", "--threads"],
    ["walk", "--tree"],
    ["walk", "--strange"],
    ["walk", "--csv"],
    ["walk", "--json"],
    ["walk", "--user", "nosuch\u202e"],
    ["audit"],
    ["audit", "--json"],
    ["lineage", "6104"],
    ["explain", "6104", "--to", "744", "--want", "VM_READ"],
    ["explain", "744", "--to", "6104", "--want", "VM_READ", "--who"],
    ["diff", "@6104", "@6488"],
]


@pytest.mark.parametrize("words", VERBS, ids=lambda words: ascii(" ".join(words))[1:40])
def test_nothing_is_left_for_the_last_gate(machine: str, words: List[str], monkeypatch: Any) -> None:
    let_through: List[str] = []
    caught: List[Tuple[str, str]] = []

    def gate(line: str) -> str:
        safe = printable(line)
        if safe != line:
            caught.append((line, safe))
        let_through.append(safe)
        return safe

    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(output, "printable", gate)
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    if words[0] == "diff":
        arguments = ["diff", *(machine + word for word in words[1:])]
    else:
        arguments = [*words, "--session", machine]
    code = main(arguments)
    assert code in (0, 1, 2, 3), code
    assert not caught, caught[:3]
    # Every line of stdout came through the gate, and stderr is as clean.
    assert out.getvalue() == "".join(line + "\n" for line in let_through)
    for text in (out.getvalue(), err.getvalue()):
        assert all(printable(line) == line for line in text.split("\n")), text
    assert "a fault in kdtoken" not in err.getvalue(), err.getvalue()
    if code != 2:
        assert let_through


def test_the_machine_is_hostile_indeed(machine: str, capsys: Any) -> None:
    """Else the test above would prove nothing: names, accounts, source, members and reasons are seen, escaped."""
    main(["dump", "6104", "--all", "--session", machine])
    out = capsys.readouterr().out
    for seen in ("\\u001b]0;t\\u0007\\u202e", "\\u001b[5m", "a\\u001b]0;x\\u0007\\u202e.kdtoken"):
        assert seen in out, seen


@given(st.text())
def test_the_gate_lets_through_what_was_cleaned_and_nothing_else(text: str) -> None:
    assert printable(clean(text)) == clean(text)
    assert clean(printable(text)).isprintable() and printable(text).isprintable()
    assert (printable(text) == text) is (clean(text).replace("\\\\", "\\") == text.replace("\\\\", "\\"))


def test_what_a_renderer_forgets_is_escaped_all_the_same(monkeypatch: Any) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    output.write_lines(["a\x1b[31mb\u202ec\u3164"])
    assert out.getvalue() == "a\\u001b[31mb\\u202ec\\u3164\n"


def test_only_one_module_of_the_verbs_writes_to_stdout() -> None:
    """collect.py stands alone in the guest; the others write by kdtoken.cli.output."""
    root = Path(__file__).parent.parent / "kdtoken"
    writers = [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*.py"))
        if "stdout.write" in path.read_text(encoding="utf-8") or "\n    print(" in path.read_text(encoding="utf-8")
    ]
    assert writers == ["cli/output.py", "collect.py"], writers
