"""What the verbs have in common of their command line: sources, widths, names, words of argparse made ours."""

import hashlib
import os
import struct
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Tuple

import pytest

from kdtoken import cli
from kdtoken.cli.parsing import _EXAMPLES, Done
from kdtoken.errors import UsageError
from kdtoken.machine.open import TIMEOUT
from kdtoken.model.sid import Sid
from kdtoken.model.view import Unread


def options(*words: str, verb: str = "walk", **more: Any) -> Namespace:
    parser = cli.parser(verb, "")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("words", nargs="*")
    return parser.parse_intermixed_args(list(words))


def asked(*words: str, files: Tuple[str, ...] = (), **how: bool) -> Any:
    return cli.request(options(*words), files, **how)


@pytest.mark.parametrize(
    "words, files, option, sources",
    [
        ([], (), "", ()),
        ([], ("a.dmp", "b.dmp"), "", ("a.dmp", "b.dmp")),
        (["--session", "a"], (), "--session", ("a",)),
        (["--dump", "a"], (), "--dump", ("a",)),
        (["--log", "a", "--log", "b"], (), "--log", ("a", "b")),
        (["--attach", "net:x"], (), "--attach", ("net:x",)),
    ],
)
def test_a_source_is_named_by_an_option_or_as_a_file(
    words: List[str], files: Tuple[str, ...], option: str, sources: Tuple[str, ...]
) -> None:
    found = asked(*words, files=files)
    assert (found.option, found.sources, found.timeout, found.stay) == (option, sources, TIMEOUT, False)
    assert (found.symbols, found.download, found.lenient) == ("", False, False)


def test_what_goes_with_a_source_is_passed_on() -> None:
    found = asked("--attach", "net:x", "--stay", "--timeout", "0.5", "--symbols", "s", "--download", lenient=True)
    assert (found.stay, found.timeout, found.symbols, found.download, found.lenient) == (True, 0.5, "s", True, True)
    # A file stands instead of what the options name: then what belongs to those is in nobody's way.
    instead = asked("--attach", "net:x", "--stay", files=("a",), instead=True)
    assert (instead.sources, instead.option) == (("a",), "")


@pytest.mark.parametrize(
    "words, files, said",
    [
        (["--session", "a", "--dump", "b"], (), "give one of --session and --dump"),
        (["--session", "a", "--dump", "b", "--log", "c"], (), "give one of --session, --dump and --log"),
        (["--attach", "net:x"], ("a",), "give one of --attach and a file's name"),
        (["--stay"], (), "--stay belongs to --attach CONNECTION"),
        (["--timeout", "5"], ("a",), "--timeout belongs to --attach CONNECTION"),
        (["--attach", "x", "--timeout", "0"], (), "--timeout takes seconds, not 0"),
        (["--attach", "x", "--timeout", "-1"], (), "--timeout takes seconds, not -1"),
        (["--attach", "x", "--timeout", "nan"], (), "--timeout takes seconds, not nan"),
        (["--attach", "x", "--timeout", "1e9"], (), "--timeout takes seconds, not 1e+09"),
    ],
)
def test_two_sources_at_once_and_what_belongs_to_none_are_refused(
    words: List[str], files: Tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError) as error:
        asked(*words, files=files)
    assert error.value.message == said and error.value.next_step


@pytest.mark.parametrize(
    "words, said, step",
    [
        (["--sesion", "x"], "there is no option --sesion", "did you mean --session?  kdtoken walk --help"),
        (["--zzz"], "there is no option --zzz", "kdtoken walk --help"),
        (["--csv"], "there is no option --csv: kdtoken walk has it", "kdtoken walk --help"),
        (["--color", "pink"], "--color takes one of auto, always, never, not pink", "kdtoken walk --help"),
        (["--timeout", "x"], "--timeout takes a number, not x", "kdtoken walk --help"),
        (["--session"], "--session needs a word behind it", "kdtoken walk --help"),
        (["--all=1"], "--all takes no word", "kdtoken walk --help"),
        (["--s", "x"], "--s may be each of --session, --symbols, --services, --stay", "kdtoken walk --help"),
    ],
)
def test_a_wrong_word_is_told_in_our_words(words: List[str], said: str, step: str) -> None:
    with pytest.raises(UsageError) as error:
        options(*words)
    assert error.value.message == said and error.value.next_step.startswith(step)


def test_an_option_that_takes_one_file_is_not_given_two() -> None:
    for option in ("--session", "--dump"):
        with pytest.raises(UsageError, match="%s names one file" % option):
            options(option, "a", option, "b")


# --- widths

TERMINAL = SimpleNamespace(fileno=lambda: 1, isatty=lambda: True)
PIPE = SimpleNamespace(fileno=lambda: 1, isatty=lambda: False)
DEBUGGER = SimpleNamespace()


@pytest.mark.parametrize(
    "typed, stdout, columns, width, known",
    [
        ("", PIPE, 200, 99, False),
        ("", TERMINAL, 100, 99, True),
        ("", TERMINAL, 120, 119, True),
        ("", TERMINAL, 40, 60, True),
        ("", TERMINAL, 61, 60, True),
        ("", TERMINAL, 62, 61, True),
        ("", TERMINAL, 161, 160, True),
        ("", TERMINAL, 162, 160, True),
        ("", DEBUGGER, 120, 99, False),
        ("", None, 120, 99, False),
        ("80", PIPE, 120, 79, True),
        ("80", TERMINAL, 120, 79, True),
        ("9999", PIPE, 120, 160, True),
        ("10", PIPE, 120, 60, True),
        ("99999", PIPE, 120, 99, False),  # no number of columns
        ("wide", PIPE, 120, 99, False),
    ],
)
def test_the_width_is_what_was_typed_or_the_terminal_s_within_bounds(
    typed: str, stdout: Any, columns: int, width: int, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setenv("COLUMNS", typed) if typed else monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *_: os.terminal_size((columns, 24)))
    monkeypatch.setattr(sys, "stdout", stdout)
    found = (cli.width(), cli.has_width())
    monkeypatch.undo()
    assert found == (width, known)


# --- names of services, and lines that were not understood


@pytest.mark.parametrize("typed, width", [("70", 68), ("140", 138)])
def test_help_is_as_wide_as_what_it_is_shown_on(
    typed: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """argparse keeps two columns free (shutil.get_terminal_size, which COLUMNS overrides)."""
    monkeypatch.setenv("COLUMNS", typed)
    lines = cli.parser("walk", "word " * 60).format_help().split("\n")
    # The description is broken at words of four letters: no line that another had room for is shorter by more.
    longest = max(map(len, lines))
    assert width - 5 < longest <= width
    assert "word " * 3 in lines[-1] or any(line.startswith("word word") for line in lines)


def test_names_of_services_name_their_sids(tmp_path: Path) -> None:
    assert cli.service_names(None) is cli.service_names("") is cli.NO_NAMES
    file = tmp_path / "services.txt"
    # MS: the SID of a service is the SHA-1 of its name in capitals ("sc showsid TrustedInstaller").
    trusted = Sid(5, (80, 956008885, 3418522649, 1831038044, 1853292631, 2271478464))
    for data in (b"Dhcp\r\nTrustedInstaller\r\n", b"\xef\xbb\xbfTrustedInstaller"):
        file.write_bytes(data)
        assert cli.service_names(str(file)).of(trusted) == "NT SERVICE\\TrustedInstaller"
    for data in (b"Dhcp\nTrusted\xffInstaller\n", b"Dhcp\nA\0B\n", b"\xff\nDhcp\n"):
        file.write_bytes(data)
        with pytest.raises(UsageError, match="is no text, so holds no names of services"):
            cli.service_names(str(file))
    with pytest.raises(UsageError, match="cannot read the list of service names") as error:
        cli.service_names(str(tmp_path / "gone"))
    assert error.value.next_step == "name a file that is there, a service a line"


def test_a_byte_order_mark_is_no_part_of_the_first_service_s_name(tmp_path: Path) -> None:
    """Services that no list of ours has; what PowerShell writes as UTF-8 begins with a mark."""
    file = tmp_path / "services.txt"
    file.write_bytes(b"\xef\xbb\xbfLabOne\r\nLabTwo\r\n")
    names = cli.service_names(str(file))
    for name in ("LabOne", "LabTwo"):
        # S-1-5-80 and the SHA-1 of the name in capitals, in UTF-16 ("sc showsid" prints it for any name).
        words = struct.unpack("<5I", hashlib.sha1(name.upper().encode("utf-16-le")).digest())
        assert names.of(Sid(5, (80, *words))) == "NT SERVICE\\" + name


@pytest.mark.parametrize("how", [{}, {"json": True}, {"csv": True}])
def test_lines_that_were_not_understood_stand_beside_what_programs_read(
    how: Dict[str, bool], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.tell_unread([Unread(7, "odd", "a.txt")], Namespace(unread=True, **how))
    said = capsys.readouterr()
    shown, other = (said.err, said.out) if how else (said.out, said.err)
    assert "1 line not understood" in shown and "a.txt:7: odd" in shown and other == ""


def test_a_log_of_32_mb_and_more_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: List[Tuple[str, int, int]] = []
    monkeypatch.setattr(cli, "_work", lambda what, done, size: seen.append((what, done, size)))
    cli._log_progress(1, (1 << 25) - 1)
    cli._log_progress(1, 1 << 25)
    cli._download_progress(2, 0)
    assert seen == [("reading", 1, 1 << 25), ("symbols", 2, 0)]


def test_work_that_is_done_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    cli._WORK.clear()
    cli._work("reading", 1, 10)
    first = cli._WORK["reading"]
    cli._work("reading", 9, 10)
    assert cli._WORK["reading"] is first
    cli._work("reading", 10, 10)
    assert "reading" not in cli._WORK
    cli._work("symbols", 5, 0)  # of which nobody knows how many there are
    assert "symbols" in cli._WORK
    cli._WORK.clear()


def test_prose_is_no_wider_than_the_terminal_nor_than_is_read_well() -> None:
    from kdtoken.render.words import set_columns

    text = "word " * 60
    for columns, room in ((200, 96), (99, 96), (70, 70)):
        set_columns(columns)
        lines = cli.paragraph(text, "  ")
        assert all(line.startswith("  ") for line in lines) and room - 5 < max(map(len, lines)) <= room
    set_columns()


# --- inside WinDbg


@pytest.mark.parametrize(
    "text, count, words",
    [
        ("notepad.exe", 1, ["notepad.exe"]),
        ('-o "C:\\my files\\a.gz" all', 3, ["-o", "C:\\my files\\a.gz", "all"]),
        ('--to "D:(A;;FA;;;BA)" --type=file', 3, ["--to", "D:(A;;FA;;;BA)", "--type=file"]),
        ("", 0, []),
    ],
)
def test_arguments_out_of_the_alias(text: str, count: int, words: List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "debugger_command", lambda command: text + "\n")
    assert cli.alias_arguments(count) == words
    with pytest.raises(UsageError, match="%d argument.s. were typed, but the alias" % (count + 1)):
        cli.alias_arguments(count + 1)


def test_without_the_alias_it_is_said_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "debugger_command", lambda command: "${KDARGS}\n")
    with pytest.raises(UsageError, match="put them in the alias KDARGS first") as error:
        cli.alias_arguments(1)
    assert error.value.next_step.startswith("as KDARGS notepad.exe")


@pytest.mark.parametrize("verb", sorted(_EXAMPLES))
def test_what_a_verb_is_typed_like_is_that_verb_s(verb: str) -> None:
    assert _EXAMPLES[verb].split(" ")[0] == verb


@pytest.mark.parametrize(
    "message, near",
    [
        ("unrecognized arguments: --sesion x", "--session"),
        ("unrecognized arguments: --sesion=x", "--session"),
        ("unrecognized arguments: --session", ""),  # it is one: nothing was mistyped
        ("unrecognized arguments: --zzz", ""),
        ("unrecognized arguments: x", ""),
    ],
)
def test_the_option_that_a_mistyped_one_is_nearest_to(message: str, near: str) -> None:
    assert cli.parser("walk", "")._near(message) == near


def test_the_end_of_the_program_carries_its_message() -> None:
    for message, said in (("text", "text"), ("", ""), (None, "")):
        with pytest.raises(Done) as caught:
            cli.parser("walk", "").exit(0, message)
        assert str(caught.value) == said
