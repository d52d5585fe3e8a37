"""Pasted text made readable: encodings, mark-up, prompts; nothing that comes in gets lost or stops a reader."""

import random
import time
from pathlib import Path
from typing import Callable, List, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.view.debugger.process_command import read_process_text
from kdtoken.view.debugger.text import read_debugger_text
from kdtoken.view.debugger.token_command import read_token_text
from kdtoken.view.lines import (
    broken_width,
    command_of,
    decode_text,
    is_cut,
    is_debugger_command,
    is_decoration,
    split_lines,
    width_of,
)
from kdtoken.view.markup import ends_with_tag
from kdtoken.view.whoami.reader import read_whoami_text
from tests.examples import examples
from tests.view_facts import facts_in, facts_of_debugger, facts_of_whoami

VIEWS = Path(__file__).resolve().parent.parent / "fixtures" / "views"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(VIEWS.glob("*.txt"))}
NAMES = sorted(TEXTS)


def texts(text: str) -> List[str]:
    return [line.text for line in split_lines(text)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["token-filtered.txt", "whoami-all.txt", "whoami-csv-es.txt"])
def test_encodings_are_told(name: str, encoding: str) -> None:
    assert decode_text(TEXTS[name].encode(encoding)).text == TEXTS[name]


def test_code_pages_of_one_byte() -> None:
    oem = decode_text("Descripción: Habilitación, opción, símbolo, sesión".encode("cp437"))
    assert (oem.encoding, oem.text) == ("cp437", "Descripción: Habilitación, opción, símbolo, sesión")
    ansi = decode_text("Descripción: Habilitación, opción, símbolo, sesión".encode("cp1252"))
    assert (ansi.encoding, ansi.text) == ("cp1252", "Descripción: Habilitación, opción, símbolo, sesión")
    assert ansi.note != ""


def test_a_cut_in_the_middle_of_a_letter() -> None:
    decoded = decode_text("特権名 特権名 特権名".encode("utf-8")[:-1])
    assert decoded.encoding == "utf-8" and decoded.text.startswith("特権名 特権名 特権") and "1 places" in decoded.note


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \r\n\t",
        b"\0\0\0\0",
        b"\xef\xbb\xbf",
        b"MZ\x90\0\3\0\0\0",
        b"PAGEDU64" + bytes(100),
        bytes(range(256)) * 20,
        random.Random(1).getrandbits(80000).to_bytes(10000, "little"),
    ],
)
def test_hopeless_input_is_one_clear_error(data: bytes) -> None:
    with pytest.raises(BadFormat) as caught:
        decode_text(data, "some.log")
    assert "some.log" in str(caught.value) and len(str(caught.value).splitlines()) <= 2


def test_nuls_and_other_blanks() -> None:
    assert texts("_TOKEN\0\u00a0e1c0ffe0\r\nUser:\tS-1-5-18\n\ufeffx") == ["_TOKEN e1c0ffe0", "User: S-1-5-18", "x"]


def test_markup_goes_and_the_debuggers_own_brackets_stay() -> None:
    assert texts('<exec cmd="!token 1">ffffd102&#96;03046060</exec> &lt;Data Not Accessible&gt;') == [
        "ffffd102`03046060 <Data Not Accessible>"
    ]
    assert texts("HandleCount: <Data Not Accessible>") == ["HandleCount: <Data Not Accessible>"]
    assert texts("a<br>b<br/>c") == ["a", "b", "c"]
    assert [line.number for line in split_lines("a<br>b\nc")] == [1, 1, 2]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("0: kd> !token 1", "!token 1"),
        ("lkd> !process 0 0", "!process 0 0"),
        ("kd>", ""),
        ("16: kd> dt x", "dt x"),
        ("0: kd:x86> r", "r"),
        ("0:000> !token -n", "!token -n"),
        ("0:000>0: kd> !process", "!process"),
        ("C:\\Users\\anna>whoami /all", "whoami /all"),
        ("PS C:\\> whoami", "whoami"),
        ("PS>whoami", "whoami"),
        ("*Evil-WinRM* PS C:\\Users\\anna\\Documents> whoami /priv", "whoami /priv"),
        ("whoami /all", "whoami /all"),
        ("!token", "!token"),
        ("$ whoami /groups", "whoami /groups"),
    ],
)
def test_prompts(line: str, command: str) -> None:
    assert command_of(line) == command


@pytest.mark.parametrize(
    "line", ["", "User: S-1-5-18", "    Token    e1", "HandleCount: <x>", "a > b", "# note", "1 > 0"]
)
def test_what_is_no_prompt(line: str) -> None:
    assert command_of(line) is None


def test_decoration_and_cuts() -> None:
    assert is_decoration("") and is_decoration("=====  ===") and is_decoration("-----") and not is_decoration("a -")
    assert is_cut("...") and is_cut("(略)") and is_cut("[snip]") and not is_cut("...more groups than one")


def _loses_nothing(text: str) -> None:
    wanted = facts_in(text)
    assert wanted - facts_of_debugger(read_debugger_text(text)) == set()
    assert {one for one in wanted if one[:2] in ("S-", "Se")} - facts_of_whoami(read_whoami_text(text)) == set()


@pytest.mark.parametrize("name", NAMES)
def test_each_view_survives_the_others_texts(name: str) -> None:
    _loses_nothing(TEXTS[name])


@settings(max_examples=examples(200))
@given(st.sampled_from(NAMES), st.integers(0, 1 << 32))
def test_lines_deleted_shuffled_indented_collapsed(name: str, seed: int) -> None:
    chance = random.Random(seed)
    lines = [line for line in TEXTS[name].split("\n") if chance.random() > 0.1]
    if chance.random() < 0.3:
        lines = [" ".join(line.split()) for line in lines]
    if chance.random() < 0.3:
        lines = [" " * chance.randrange(9) + line for line in lines]
    if chance.random() < 0.2:
        chance.shuffle(lines)
    if chance.random() < 0.2:
        lines = [line + " " + other for line, other in zip(lines[::2], lines[1::2])]
    _loses_nothing("\n".join(lines))


@settings(max_examples=examples(200))
@given(st.sampled_from(NAMES), st.integers(0, 1 << 32))
def test_bytes_changed_cut_and_put_in(name: str, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(TEXTS[name].encode("utf-8"))
    for _ in range(chance.randrange(1, 40)):
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(3)))
    try:
        text = decode_text(bytes(data)).text
    except BadFormat:
        return
    _loses_nothing(text)


@given(st.text(max_size=300))
def test_any_text_at_all(text: str) -> None:
    read_debugger_text(text)
    read_whoami_text(text)


READERS = {"token": read_token_text, "process": read_process_text, "whoami": read_whoami_text}
# What patterns that try again and again choke on: long runs of what each of them half matches.
EVIL = (
    "S-1-5-" * 99,
    "S-1-" + "1-" * 999,
    "a:" * 999,
    "a: " * 999,
    "<exec cmd=" * 300,
    "&lt;" * 500,
    "'\\n" * 400,
    " " * 2000,
    "=" * 999,
    "= " * 999,
    '","' * 500,
    "Token " + " " * 999,
    "PROCESS 81234567 DirBase: Image: " * 60,
    "0" * 2000,
    "0`" * 900,
    "SMB 1.2.3.4 " * 90,
    "Se" * 999,
    "kd> " * 400,
    "C:\\" * 500,
    "Enabled " * 200,
    "," * 900,
    "|" * 900,
    "é " * 500,
    "User: User Groups: " * 90,
    "Attributes - " * 150,
    "Unable to " * 200,
    "(略" * 500,
    "\x1b[" * 500,
)


def _seconds(reader: Callable[[str], object], text: str) -> float:
    best = 9.0
    for _ in range(3):
        start = time.process_time()
        reader(text)
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("view", sorted(READERS))
def test_time_grows_as_the_text_does(view: str) -> None:
    text = "\n".join(TEXTS.values())
    once, eightfold = _seconds(READERS[view], text), _seconds(READERS[view], text * 8)
    assert eightfold < 8 * once * 3


@pytest.mark.parametrize("view", sorted(READERS))
def test_time_grows_as_a_line_does(view: str) -> None:
    for evil in EVIL:
        once, eightfold = _seconds(READERS[view], evil), _seconds(READERS[view], evil * 8)
        # Quadratic would be 64; tiny times are not compared.
        assert eightfold < 0.02 or eightfold < 30 * once, evil[:20]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("plain", [3, 4, 7, 10])
def test_utf_16_without_a_mark_of_a_text_that_is_mostly_no_latin(encoding: str, plain: int) -> None:
    """Three characters of ten have a NUL beside them: less than half of one side, and UTF-16 all the same."""
    text = ("a" * plain + "\u7279" * (10 - plain)) * 40
    assert decode_text(text.encode(encoding))[:2] == (text, encoding)


def test_a_few_nuls_make_no_utf_16() -> None:
    """A log of a crashed editor ends in NULs, on both sides alike."""
    assert decode_text(b"S-1-5-32-544 Administrators, and more" * 3 + bytes(30)).encoding == "utf-8"


def test_a_page_in_one_long_line_is_read_in_pieces_as_it_is_read_whole() -> None:
    """Tags and entities of all kinds, in a line that is longer than what is looked through at once."""
    piece = "<b>S-1-5-%d</b>&#x41;&amp;lt;&lt;x &nbsp;<exec cmd=\"!process 0 7\">go</exec> a < b & c <i class='q'>"
    many = [piece % number for number in range(1200)]  # some 110,000 characters
    whole = "".join(many)
    one_by_one = "".join("".join(texts(one)) for one in many)
    assert len(whole) > 1 << 16
    assert "".join(texts(whole)) == one_by_one
    assert one_by_one.startswith("S-1-5-0A<<x  go a < b & c S-1-5-1A<")


@pytest.mark.parametrize(
    ("letters", "page"),
    [
        # In the OEM pages the letters lie from 0x80 to 0xa7, in Windows-1252 from 0xc0 on.
        (b"\x82" * 2 + b"\xe9" * 2, "cp437"),
        (b"\x82" * 2 + b"\xe9" * 3, "cp1252"),
        (b"\x82" * 10 + b"\xe9" * 10, "cp437"),
        (b"\x82" * 10 + b"\xe9" * 11, "cp1252"),
        (b"\xa7" * 9, "cp437"),
        (b"\xa8" * 9, "cp1252"),
        (b"\x80" * 9, "cp437"),
        (b"\x81" + b"\xe9" * 9, "latin-1"),  # 0x81 is nothing in Windows-1252
    ],
)
def test_which_code_page_most_letters_speak_for(letters: bytes, page: str) -> None:
    data = b" ".join(bytes([one]) for one in letters)
    found = decode_text(data)
    assert (found.encoding, found.text) == (page, data.decode(page)) and found.note


def test_how_many_places_may_be_no_utf_8() -> None:
    """One is a cut in a letter; of more, one in twenty of the high bytes."""
    good = "\u7279".encode("utf-8")  # three bytes
    for data, encoding in (
        (good + b"\xe7", "utf-8"),
        (good * 13 + b"a\xe7a\xe7a", "utf-8"),  # two of forty-one
        (good * 12 + b"a\xe7a\xe7a", "cp1252"),  # two of thirty-eight
    ):
        assert decode_text(data).encoding == encoding, len(data)
    assert decode_text(good * 13 + b"a\xe7a\xe7a").note == "2 places are not UTF-8 and stand as U+FFFD"


def test_how_many_controls_make_binary_data() -> None:
    text = b"x" * 19
    assert decode_text(text + b"\x01").text == "x" * 19 + "\x01"  # one in twenty
    for data in (text + b"\x01\x01", b"xxx" + bytes(2) + b"xx\0\0\0"):
        with pytest.raises(BadFormat, match="is binary data, not text"):
            decode_text(data)
    # What terminals and remote shells leave is text.
    assert decode_text(b"\x1b[0m\x08\x0c\t\r\n" * 3 + b"x").encoding == "utf-8"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("NULL     \nNULL\nNULLS", ["", "", "NULLS"]),  # xp_cmdshell's empty lines
        ("> quoted\n>> more\n>>> PS C:\\>", ["quoted", "more", "PS C:\\>"]),
        ("**bold** *** 5 ***", ["bold *** 5 ***"]),
        ("```text\nx\n~~~", ["", "x", ""]),
        ("`x y`", ["x y"]),
        ("SMB 10.0.0.1 445 HOST User: S-1-5-18", ["User: S-1-5-18"]),
        ("WINRM 10.0.0.1 5985 HOST", [""]),
        ("SMB 10.0.0.1 HOST x", ["SMB 10.0.0.1 HOST x"]),
        ("b'one\\r\\ntwo\\n'", ["one", "two"]),
        ("'one\\n'", ["'one\\n'"]),  # one line's end: no string of lines
        ("\x1b[1;31mred\x1b[0m", ["red"]),
        ("a\tb\u00a0c\u200bd", ["a b cd"]),
        ("&amp;lt;b&amp;gt; &#96; &#x41; &nosuch;", ["<b> ` A &nosuch;"]),
        ("a\rb", ["a", "b"]),
        ('<td class="gutter"> 12 <br>13</td><td>x 14</td>', ["", "13x 14"]),
    ],
)
def test_what_was_put_around_a_line_goes(text: str, lines: List[str]) -> None:
    assert texts(text) == lines


def test_of_empty_lines_in_a_row_no_more_than_asked_for() -> None:
    assert [one.number for one in split_lines("a\n\n\n\nb\n\nc", 2)] == [1, 2, 3, 5, 6, 7]
    assert [one.number for one in split_lines("a\n\n\nb", 0)] == [1, 4]
    assert [one.number for one in split_lines("<b></b>\n<b></b>\n<b>x</b>", 1)] == [1, 3]


def test_widths_of_lines() -> None:
    """Of the physical line; the widest is one that a console may have broken, from 60 columns on."""
    lines = list(split_lines("x" * 60 + "\n" + "<b>y</b>\n<b z"))
    assert [width_of(one) for one in lines] == [60, 8, 4] and lines[2].width == -4
    assert broken_width(lines) == 60 and broken_width(lines[1:]) == 1 << 30 == broken_width([])
    assert broken_width(list(split_lines("x" * 59))) == 1 << 30


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("x<br>", True),
        ("x<br/>  ", True),
        ("x</div></span> ", True),
        ("x&lt;/p&gt;", True),
        ("x</b>", False),
        ("x<br>y", False),
        ("x", False),
    ],
)
def test_a_tag_that_ends_a_line(line: str, ends: bool) -> None:
    assert ends_with_tag(line) is ends


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("kd> !token 0", True),
        ("0: kd> dt x", True),
        ("kd> .reload", True),
        ("kd> ?? 5", True),
        ("kd>", False),
        ("kd> Output of something", False),
        ("!token 0", False),
        ("kd> !sid S-1-5-18", False),  # that may be output
        ("C:\\>dir", False),
    ],
)
def test_a_prompt_with_a_command_of_the_debugger(text: str, asks: bool) -> None:
    assert is_debugger_command(text) is asks


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("..", True),
        (".", False),
        ("\u2026", True),
        ("<--- Truncated --->", True),
        ("[snipped]", True),
        ("(more)", True),
        ("more", True),
    ]
    + [("more groups", False), ("." * 40, True), ("." * 41, False)],
)
def test_an_author_s_mark_for_what_was_left_out(text: str, cut: bool) -> None:
    assert is_cut(text) is cut


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('a <a href="S-1-5-18">b</a> c', 'a  a href="S-1-5-18" b c'),
        ('a <a name="SeDebugPrivilege">b</a> c', 'a  a name="SeDebugPrivilege" b c'),
        ('a <a href="x">b</a> c', "a b c"),
    ],
)
def test_a_tag_that_swallowed_a_fact_leaves_it_there(line: str, read: str) -> None:
    """A SID or a privilege's name in a broken tag is listed, whatever else of it is gone."""
    assert texts(line) == [read]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("$ ls", "ls"),
        ("  $ ls -l", "ls -l"),
        ("\u2514\u2500$ id", "id"),
        ("\u2514\u2500# id", "id"),
        ("\u250c\u2500\u2500(anna\u327fkali)-[~]", ""),
        ("\u256d\u2500\u2500 anna", ""),
        ("root@host:/tmp# id", "id"),
        ("anna@host:~$", ""),
        ("x $ ls", None),
        ("$", None),
        ("a sum of $ 5", None),
        ("anna at host: no prompt", None),
    ],
)
def test_prompts_of_shells_that_are_not_windows(line: str, command: Optional[str]) -> None:
    assert command_of(line) == command


def test_the_end_of_a_long_line_is_read_where_no_tag_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdtoken.view.lines._BLOCK", 16)
    for tail in ("y" * 15, "y" * 100):
        assert texts("<b>x</b>&lt;" + tail) == ["x<" + tail]
