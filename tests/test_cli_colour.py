"""Colour: who asks for it, how it looks on black and on white, and that a pipe gets the bytes it always got."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from kdtoken import cli
from kdtoken.cli.colour import LOOK, is_wanted
from kdtoken.render.dml import COLOURS
from kdtoken.render.marked import STYLES, styled
from tests.sessions import MACHINE_22000

color = pytest.importorskip("rich.color")
ROOT = Path(__file__).parent.parent
ESCAPE = re.compile("\x1b\\[([0-9;]*)m")
MACHINE = str(MACHINE_22000)


class Stdout(io.StringIO):
    """A text file that may be a terminal."""

    errors = "strict"

    def __init__(self, tty: bool, encoding: str = "utf-8") -> None:
        super().__init__()
        self._tty, self._encoding = tty, encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._tty


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def written(monkeypatch: pytest.MonkeyPatch, lines: List[str], tty: bool, *words: str, encoding: str = "utf-8") -> str:
    out = Stdout(tty, encoding)
    monkeypatch.setattr(sys, "stdout", out)

    def main(arguments: List[str]) -> int:
        cli.Parser(prog="x").parse_args(arguments)
        cli.write_lines(lines)
        return 0

    assert cli.run(main, words) == 0
    return out.getvalue()


def test_every_meaning_has_a_look() -> None:
    assert set(LOOK) == STYLES


@pytest.mark.parametrize("look", sorted(set(LOOK.values())))
def test_a_look_can_be_read_on_black_and_on_white(look: str) -> None:
    """WCAG 2.1 asks 3:1 of what is not small text; its formula, worked out here.  0.0037: Windows's black, #0c0c0c."""
    number = re.search("color\\(([0-9]+)\\)", look)
    if number is None:
        return  # italic: the terminal's own colour
    rgb = color.Color.parse(number.group()).get_truecolor()
    parts = [part / 255 / 12.92 if part / 255 <= 0.03928 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in rgb]
    luminance = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    assert (luminance + 0.05) / 0.0537 >= 3.5 and 1.05 / (luminance + 0.05) >= 3.5


@pytest.mark.parametrize(
    "when, environment, tty, wanted",
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),  # no-color.org: "when present and not an empty string"
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_who_wins(
    when: str, environment: Dict[str, str], tty: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Stdout(tty))
    assert is_wanted(when) is wanted


def test_only_what_means_something_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["plain", "a " + styled("High", "high") + " b"]
    assert written(monkeypatch, lines, True) == "plain\na \x1b[38;5;166mHigh\x1b[0m b\n"
    assert written(monkeypatch, lines, False) == "plain\na High b\n"
    assert written(monkeypatch, lines, False, "--color", "always") == "plain\na \x1b[38;5;166mHigh\x1b[0m b\n"
    assert written(monkeypatch, lines, True, "--color=never") == "plain\na High b\n"
    assert written(monkeypatch, lines, True) != "plain\na High b\n"  # what one run said is forgotten by the next
    color_style = pytest.importorskip("rich.style").Style
    color_style.parse.cache_clear()  # rich keeps the codes of a style whatever the terminal; a run has one
    monkeypatch.setenv("TERM", "xterm")  # sixteen colours: the nearest
    assert re.fullmatch("plain\na \x1b\\[[39][0-7]mHigh\x1b\\[0m b\n", written(monkeypatch, lines, True))
    color_style.parse.cache_clear()


def test_without_rich_all_is_plain_and_always_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    assert written(monkeypatch, [styled("High", "high")], True) == "High\n"

    def main(arguments: List[str]) -> int:
        cli.Parser(prog="x").parse_args(arguments)
        cli.write_lines(["a"])
        return 0

    assert cli.run(main, ["--color", "always"]) == 2
    assert 'pip install "kdtoken[color]"' in capsys.readouterr().err


def test_a_terminal_that_cannot_show_a_letter_gets_its_escape_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "\u65e5 " + styled("\u672c", "low")
    assert written(monkeypatch, [line], True, encoding="ascii") == "\\u65e5 \x1b[38;5;30m\\u672c\x1b[0m\n"


VERBS: List[List[str]] = [
    ["dump", MACHINE, "1120"],
    ["dump", MACHINE, "cmd.exe"],
    ["dump", MACHINE, "5952", "--all"],
    ["walk", MACHINE, "--threads"],
    ["walk", MACHINE, "--tree"],
    ["audit", MACHINE],
    ["lineage", MACHINE, "notepad.exe"],
    ["explain", MACHINE, "notepad.exe", "--to", "cmd.exe", "--want", "VM_READ"],
    ["explain", MACHINE, "--who", "--to", "lsass.exe", "--want", "VM_READ"],
]
# What must be coloured in each: (code, text).
SHOWN: Dict[str, List[str]] = {
    "dump 1120": ["38;5;133mSystem Mandatory Level", "38;5;166mSeTcbPrivilege"],
    "dump cmd.exe": ["1;38;5;166m!", "38;5;166mHigh Mandatory Level"],
    "dump 5952": ["38;5;102mBUILTIN\\Administrators"],
    "walk --threads": ["38;5;30mLow", "3;38;5;30mUntrusted", "1;38;5;166m!", "38;5;166m+Debug", "3m?? paged out"],
    "walk --tree": ["38;5;30mLow", "1;38;5;166m!"],
    "audit": ["1;38;5;166m!"],
    "lineage notepad.exe": ["38;5;133mSystem"],
    "explain notepad.exe": ["1;38;5;196mNO"],
    "explain --who": ["1;38;5;196mno"],
}


@pytest.mark.parametrize("words", VERBS, ids=lambda words: " ".join([words[0], *words[2:3]]))
def test_colour_changes_no_letter_of_any_verb(words: List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    module = __import__("kdtoken.__main__").__main__
    monkeypatch.setenv("COLUMNS", "100")
    shown: Dict[str, str] = {}
    for when in ("never", "always"):
        out: Any = Stdout(False)
        monkeypatch.setattr(sys, "stdout", out)
        module.main([*words, "--color", when])
        shown[when] = out.getvalue()
    assert ESCAPE.sub("", shown["always"]) == shown["never"] and "\x1b" not in shown["never"]
    for part in SHOWN[" ".join([words[0], *words[2:3]])]:
        assert "\x1b[" + part in shown["always"], part
    # Each colour ends where it should: on the same line.
    assert all(len(ESCAPE.findall(line)) % 2 == 0 for line in shown["always"].split("\n"))


def test_machine_formats_have_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    module = __import__("kdtoken.__main__").__main__
    for words in (["walk", MACHINE, "--csv"], ["walk", MACHINE, "--json"], ["dump", MACHINE, "cmd.exe", "--json"]):
        out: Any = Stdout(True)
        monkeypatch.setattr(sys, "stdout", out)
        module.main([*words, "--color", "always"])
        assert "\x1b" not in out.getvalue()


def test_rich_is_not_loaded_in_a_pipe() -> None:
    code = "import sys; from kdtoken import dump; dump.main(%r); assert 'rich' not in sys.modules" % (["--help"],)
    subprocess.run(
        [sys.executable, "-c", code], cwd=str(ROOT), env=dict(os.environ), stdout=subprocess.DEVNULL, check=True
    )


def test_colours_mean_the_same_in_a_terminal_and_in_windbg() -> None:
    """Red is for what cannot be or is refused, as the engine's colour for errors; orange for what needs a look."""
    alike = {"errfg": (255, 0, 0), "warnfg": (215, 95, 0), "verbfg": (0, 135, 135)}
    for meaning, name in COLOURS.items():
        number = re.search("color\\(([0-9]+)\\)", LOOK[meaning])
        if number is not None and name in alike:
            assert tuple(color.Color.parse(number.group()).get_truecolor()) == alike[name], meaning
    assert {one for one in COLOURS if COLOURS[one] == "errfg"} == {"impossible", "no"}
    assert {one for one in COLOURS if COLOURS[one] == "warnfg"} == {"unusual", "high", "sensitive", "depends"}
    assert {one for one in COLOURS if COLOURS[one] == "verbfg"} == {"untrusted", "low"}
    assert {one for one in COLOURS if COLOURS[one] == "subfg"} == {"deny", "gap"}
    green, violet = (color.Color.parse(LOOK[one].split(" ")[-1]).get_truecolor() for one in ("yes", "system"))
    assert green.green > max(green.red, green.blue) and violet.green < min(violet.red, violet.blue)
    assert {one for one in LOOK if LOOK[one].startswith("bold")} == {"impossible", "unusual", "yes", "no", "depends"}
