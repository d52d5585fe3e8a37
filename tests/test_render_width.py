"""Every verb at 80, 120 and 160 columns: lines fit, nothing is lost, no word is broken, no blank is left at an end."""

import io
import re
import sys
from importlib import import_module
from typing import Dict, List

import pytest

from kdtoken import cli
from tests.sessions import INCIDENT_22000, MACHINE_22000

MACHINE = str(MACHINE_22000)
VERBS: Dict[str, List[str]] = {
    "dump": ["dump", MACHINE, "1120"],
    "dump of a hostile name": ["dump", MACHINE, "6740"],
    "dump of an AppContainer": ["dump", MACHINE, "5716"],
    "dump --all": ["dump", MACHINE, "1120", "--all"],
    "dump --all, restricted": ["dump", MACHINE, "5996", "--all"],
    "dump --why": ["dump", MACHINE, "notepad.exe", "--why"],
    "walk": ["walk", MACHINE],
    "walk --threads": ["walk", MACHINE, "--threads"],
    "walk --tree": ["walk", MACHINE, "--tree"],
    "walk of several": ["walk", MACHINE, MACHINE],
    "audit": ["audit", MACHINE, "--all"],
    "lineage": ["lineage", MACHINE, "notepad.exe"],
    "explain": ["explain", MACHINE, "notepad.exe", "--to", "cmd.exe", "--want", "VM_READ"],
    "explain token": ["explain", MACHINE, "cmd.exe", "--to", "token:notepad.exe", "--want", "QUERY"],
    "explain --who": ["explain", MACHINE, "--who", "--to", "lsass.exe", "--want", "VM_READ"],
    "sid": ["sid", "S-1-5-21-1-2-3-512", "BA"],
    "dump --watch": ["dump", MACHINE, "notepad.exe", "--watch"],
    "walk, filtered": ["walk", MACHINE, "--integrity", "high"],
    "tour": ["tour"],
    "help": ["__main__", "--help"],
    "diff": ["diff", MACHINE + "@notepad.exe", MACHINE + "@cmd.exe"],
}


def shown(words: List[str], columns: int, monkeypatch: pytest.MonkeyPatch) -> List[str]:
    out = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setenv("COLUMNS", "%d" % columns)
        patch.setattr(sys, "stdout", out)
        import_module("kdtoken." + words[0]).main(words[1:])
    lines = out.getvalue().split("\n")
    assert len(lines) > 5
    return lines


@pytest.mark.parametrize("name", list(VERBS))
def test_lines_fit_and_say_the_same_at_every_width(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: Dict[int, str] = {}
    for columns in (80, 120, 160):
        lines = shown(VERBS[name], columns, monkeypatch)
        for line in lines:
            # a SID or a path is one word that nothing may break
            assert len(line) < columns or max(map(len, line.split())) > 40, line
            assert line == line.rstrip(), repr(line)
        # At 80 columns elevation is a note among others, parted by commas.
        said[columns] = re.sub(r"[\s,]+|ELEVATED", "", "".join(lines))
    if name != "diff":  # it sets two values side by side where there is room, and one below the other where not
        assert said[80] == said[120] == said[160]


def test_a_gate_is_wrapped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that were made for the whole width and wrapped again under an indent left single words on lines."""
    lines = shown(VERBS["explain token"], 80, monkeypatch)
    assert [line for line in lines if line.strip() in ("the", "only", "QUERY_SOURCE)")] == []
    assert any(len(line) > 70 for line in lines)


def test_a_wide_terminal_needs_fewer_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("walk --threads", "dump", "audit"):
        heights = [len(shown(VERBS[name], columns, monkeypatch)) for columns in (80, 120, 160)]
        assert heights[0] > heights[1] > heights[2], (name, heights)


def test_a_short_note_stands_in_its_row_at_80_columns_and_a_long_one_below(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(VERBS["walk"], 80, monkeypatch)
    assert "   4 System          0   SYSTEM          System    4 sensitive" in lines
    assert " 512 csrss.exe       0   SYSTEM          System    PPL-WinTcb, 4 sensitive" in lines
    at = next(number for number, line in enumerate(lines) if line.startswith("6488 cmd.exe"))
    assert lines[at].endswith(" High      full, ! debug-privilege,")
    assert lines[at + 1].endswith(" " * 12 + "+Debug +Impersonate") and len(lines[at + 1]) < 80


def test_a_mark_stays_with_its_rule_in_a_narrow_column(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(["walk", str(INCIDENT_22000)], 80, monkeypatch)
    at = next(number for number, line in enumerate(lines) if line.startswith("6240 mspaint.exe"))
    assert [line.split("  ")[-1].strip() for line in lines[at : at + 3]] == [
        "!! shared-token,",
        "! system-under-user,",
        "4 sensitive",
    ]


def test_a_row_of_a_table_ends_without_an_empty_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(VERBS["dump --all"], 80, monkeypatch)
    at = lines.index("Default DACL (2 ACEs)")
    assert lines[at + 1] == "  ACCESS_ALLOWED  NT AUTHORITY\\SYSTEM     GENERIC_ALL"
    assert lines[at + 2 : at + 4] == [
        "  ACCESS_ALLOWED  BUILTIN\\Administrators",
        "        GENERIC_READ GENERIC_EXECUTE READ_CONTROL",
    ]


@pytest.mark.parametrize("step", ["1", "4", "5", "12", "16", "17"])
def test_what_a_step_of_the_tour_quotes_has_room_for_its_margin(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (80, 100, 160):
        for line in shown(["tour", step], columns, monkeypatch):
            # a command stays one line, and a SID one word
            assert len(line) < columns or line.startswith("   kdtoken ") or "(S-1-5-21-" in line, line


def test_a_long_name_moves_its_neighbours_and_no_column_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(VERBS["walk"], 80, monkeypatch)
    plain, longer = (next(one for one in lines if one.startswith(pid)) for pid in ("6700 ", "6740 "))
    # 20 characters in a column of 15: session and user stand further right, integrity and notes do not.
    assert longer.startswith("6740 caf\\xe9\\x80\\xff.exe 1 ANNA-PC\\Anna ")
    assert longer.index("Medium") == plain.index("Medium") and longer.index("filtered") == plain.index("filtered")


class _Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def complained(text: str, monkeypatch: pytest.MonkeyPatch, terminal: bool = True) -> List[str]:
    err = _Terminal() if terminal else io.StringIO()
    with monkeypatch.context() as patch:
        patch.setenv("COLUMNS", "60")
        patch.setattr(sys, "stderr", err)
        cli.complain(text)
    return err.getvalue().split("\n")


def test_a_message_breaks_between_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "'nonesuch' is no name that is the same on every machine that there is\n  next: name one of %s" % ", ".join(
        ["Administrators"] * 5
    )
    assert complained(text, monkeypatch) == [
        "kdtoken: 'nonesuch' is no name that is the same on every",
        "   machine that there is",
        "  next: name one of Administrators, Administrators,",
        "     Administrators, Administrators, Administrators",
        "",
    ]
    assert complained(text, monkeypatch, terminal=False) == [
        "kdtoken: %s" % text.split("\n")[0],
        text.split("\n")[1],
        "",
    ]


def test_a_command_in_a_message_stays_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there to be copied: a line's end in it would end the command."""
    step = '  next: kdtoken diff "/cases/of last year/MEMORY.DMP@notepad.exe" whoami.txt --symbols store'
    assert len(step) > 80 and complained("B is missing\n" + step, monkeypatch)[1] == step
