"""Pointers that were read in memory by hand lead from a process to its token."""

from pathlib import Path

import pytest

from kdtoken.machine.open import open_machine
from kdtoken.model.token import Token
from kdtoken.view.debugger.memory_read import Pointer, pointers, pointers_to, referred
from kdtoken.view.lines import split_lines

PROCESS = """kd> !process 0 0 cmd.exe
PROCESS ffffab887e89d080
    SessionId: 1  Cid: 1b40    Peb: 92bee25000  ParentCid: 0c70
    Image: cmd.exe

"""
TOKEN = """
kd> !token ffff898d050a6670
_TOKEN 0xffff898d050a6670
User: S-1-5-21-1-2-3-1000
User Groups:
 00 S-1-1-0
    Attributes - Mandatory Default Enabled
Primary Group: S-1-5-21-1-2-3-513
Privs:
 23 0x000000017 SeChangeNotifyPrivilege           Attributes - Enabled Default
Authentication ID:         (0,1e50f)
"""
DX = """kd> dx -r1 (*((nt!_EX_FAST_REF *)0xffffab887e89d3e0))
(*((nt!_EX_FAST_REF *)0xffffab887e89d3e0))                 [Type: _EX_FAST_REF]
    [+0x000] Object           : 0xffff898d050a667c [Type: void *]
    [+0x000 ( 3: 0)] RefCnt           : 0xc [Type: unsigned __int64]
"""
DT = """kd> dt nt!_EX_FAST_REF ffffab887e89d080+360
   +0x000 Object           : 0xffff898d`050a667c Void
   +0x000 RefCnt           : 0y1100
"""
RESULT = "\nEvaluate expression: -130222222222224 = ffff898d`050a6670"
AT = 0xFFFFAB887E89D3E0  # the process's address and 0x360
VALUE = 0xFFFF898D050A667C  # the token's address, and 12 references in the low bits


@pytest.mark.parametrize(
    "text, found",
    [
        ("kd> dq ffffab887e89d080+360 L1\nffffab88`7e89d3e0  ffff898d`050a667c", Pointer(AT, VALUE)),
        ("kd> dps ffffab887e89d080+360 L1\nffffab88`7e89d3e0  ffff898d`050a667c", Pointer(AT, VALUE)),
        # The second of a row lies 8 bytes behind the first.
        ("ffffab88`7e89d3d8  00000000`00000000 ffff898d`050a667c", Pointer(AT, VALUE)),
        ("kd> ? poi(ffffab887e89d080+360) & ~f" + RESULT, Pointer(AT, VALUE & ~15)),
        ("kd> ? poi(0xffffab88`7e89d080 + 0x360) & 0xfffffffffffffff0" + RESULT, Pointer(AT, VALUE & ~15)),
        ("kd> ? @@(((nt!_EPROCESS *)0xffffab887e89d080)->Token.Value) & ~f" + RESULT, Pointer(AT - 0x360, VALUE & ~15)),
        (DX, Pointer(AT, VALUE)),
        (DT, Pointer(AT, VALUE)),
    ],
)
def test_each_way_to_read_one_leads_to_the_token(text: str, found: Pointer, tmp_path: Path) -> None:
    assert found in [one._replace(line=0) for one in pointers(split_lines(text))]
    path = tmp_path / "a.txt"
    path.write_text(PROCESS + text + TOKEN, encoding="utf-8")
    token = open_machine(str(path)).find("cmd.exe").token
    assert isinstance(token, Token) and token.address == 0xFFFF898D050A6670


@pytest.mark.parametrize(
    "text",
    [
        "kd> ? poi(ffffab887e89d080+360) + poi(ffffab887e89d080+368)" + RESULT,  # of two places
        "kd> ? poi(ffffab887e89d080+360) & ~f\nkd> !process 0 0\n" + RESULT,  # another command came between
        "Evaluate expression: -130222222222224 = ffff898d`050a6670",  # of nobody knows what
        "fffff805`1a2b3c4d fffff805`1a2b3c4d : 0 0",  # a call stack
    ],
)
def test_what_is_no_pointer_with_its_place(text: str) -> None:
    assert pointers(split_lines(text)) == ()


def test_only_a_token_that_is_shown_and_only_near_its_process() -> None:
    processes, tokens = (0x1000_00000000, 0x2000_00000000), {0x3000_00000010: "one", 0x3000_00000020: "two"}
    at = 0x2000_00000360
    assert referred([Pointer(at, 0x3000_0000001F)], processes, tokens) == {0x2000_00000000: "one"}
    # Written in between: the later counts.
    both = [Pointer(at, 0x3000_0000001F), Pointer(at, 0x3000_00000025)]
    assert referred(both, processes, tokens) == {0x2000_00000000: "two"}
    assert referred([Pointer(at, 0x3000_00000031)], processes, tokens) == {}
    # Here another process may begin that the text does not list; and here none does.
    for far in (0x2000_00000500, 0x0FFF_FFFFFFF8):
        assert referred([Pointer(far, 0x3000_0000001F)], processes, tokens) == {}


def test_a_32_bit_reference_counts_in_three_bits() -> None:
    assert referred([Pointer(0x8D4010C8, 0x8D4012DF)], [0x8D401000], {0x8D4012D8: "one"}) == {0x8D401000: "one"}
    assert referred([Pointer(0x8D401200, 0x8D4012DF)], [0x8D401000], {0x8D4012D8: "one"}) == {}


def test_of_a_long_text_only_pointers_to_the_tokens_are_taken() -> None:
    """Each with its line; the low four bits count references, and a neighbour's pointer is none of it."""
    first = "kd> dq ffffab887e89d3e0\nffffab88`7e89d3e0  ffff898d`050a667c ffff898d`050a6690\n"
    second = "ffffab88`7e89d3f0  00000000`00000000 ffff898d`050a6671\n"
    found = list(pointers_to([VALUE & ~0xF], [first, second]))
    assert found == [Pointer(AT, VALUE, 2), Pointer(AT + 0x18, 0xFFFF898D050A6671, 3)]
    assert list(pointers_to([], [first])) == []


def test_where_a_pointer_stops_being_near_a_process_s_beginning() -> None:
    """In 64 bits 0x500 bytes, in 32 bits 0x200; and of two processes the nearer one below it."""
    token, start = {0x3000_00000010: "one"}, 0x2000_00000000
    for offset, near in ((0, True), (0x4F8, True), (0x4FF, True), (0x500, False)):
        found = referred([Pointer(start + offset, 0x3000_00000010)], [start], token)
        assert found == ({start: "one"} if near else {}), hex(offset)
    for offset, near in ((0x1FF, True), (0x200, False)):
        found = referred([Pointer(0x8D401000 + offset, 0x8D4012DF)], [0x8D401000], {0x8D4012D8: "one"})
        assert found == ({0x8D401000: "one"} if near else {}), hex(offset)
    two = referred([Pointer(start + 0x408, 0x3000_00000010)], [start + 0x400, start], token)
    assert two == {start + 0x400: "one"}


def test_a_value_stands_within_six_lines_of_what_was_asked() -> None:
    member = "   +0x000 Object           : 0xffff898d`050a667c Void\n"
    asked = "kd> dt nt!_EX_FAST_REF ffffab887e89d3e0\n"
    for between, found in ((5, True), (6, False)):
        text = asked + "   a line of it\n" * between + member
        assert pointers(split_lines(text)) == ((Pointer(AT, VALUE, between + 2),) if found else ())
    # One value each; and a form that asks for nothing resets nothing.
    assert len(pointers(split_lines(asked + member + member))) == 1
    assert pointers(split_lines(asked + "kd> k\n" + member)) == ()
    assert pointers(split_lines("_EX_FAST_REF at ffffab887e89d3e0\n" + member)) == ()  # no prompt: nobody asked
    assert pointers(split_lines("kd> ? poi(8d4010c8)\nEvaluate expression: -1924128033 = 8d4012df\n")) == (
        Pointer(0x8D4010C8, 0x8D4012DF, 2),
    )


def test_each_cell_of_a_row_has_its_place_and_line() -> None:
    text = "x\nffffab88`7e89d3d8  00000000`00000001 ffff898d`050a667c\n"
    assert pointers(split_lines(text)) == (Pointer(AT - 8, 1, 2), Pointer(AT, VALUE, 2))


def test_in_a_long_text_lines_are_counted_over_its_pieces() -> None:
    row = "ffffab88`7e89d3e0  ffff898d`050a667c\n"
    found = list(pointers_to([VALUE & ~0xF], ["a\n" + row + "b\n", "c\n" + row, row]))
    assert [one.line for one in found] == [2, 5, 6]
    # Of the second cell of a row, whatever the first one holds; a token of another upper half is not meant.
    second = "ffffab88`7e89d3d8  00000000`00000000 ffff898d`050a667c\n"
    assert list(pointers_to([VALUE & ~0xF], [second])) == [Pointer(AT, VALUE, 1)]
    assert list(pointers_to([VALUE & ~0xF, 0x7FFF_00001230], [second])) == [Pointer(AT, VALUE, 1)]
    assert list(pointers_to([(VALUE & ~0xF) + (1 << 32)], [second])) == []
    # A token of 32 bits has no upper half to look for.
    assert list(pointers_to([0x8D4012D8], [row])) == []
    assert list(pointers_to([0x8D4012D0], ["ffffab88`7e89d3e0  00000000`8d4012d0\n"])) == []
    # Many tokens: more than one pattern holds, all the same found.
    many = [(number << 32) | 0x10 for number in range(1, 80)] + [VALUE & ~0xF]
    assert [one.line for one in pointers_to(many, [row])] == [1]
