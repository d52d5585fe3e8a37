"""Memory out of the text of `db dw dd dq dps ...`: what is rendered is read back, and nothing else."""

from pathlib import Path
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat, MemoryUnreadable, NotRecorded
from kdtoken.source.log import memory as memory_module
from kdtoken.source.log.memory import NOT_PRESENT, LogMemory, dump_command, memory_line
from kdtoken.source.log.source import LogSource

BASE = 0xFFFFA08011002380
_SHOWN = bytes(b if 0x20 <= b < 0x7F else ord(".") for b in range(256))
UNITS = {"db": 1, "dw": 2, "dd": 4, "dq": 8}


def rendered(form: str, address: int, data: bytes, wide: bool = True) -> str:
    """`data` as the engine prints it, 16 bytes a line; whole units only."""
    unit = UNITS[form]
    lines: List[str] = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        cells = [part[i : i + unit][::-1].hex() for i in range(0, len(part), unit)]  # the lowest byte comes first
        where = address + at
        head = "%08x`%08x" % (where >> 32, where & 0xFFFFFFFF) if wide else "%08x" % where
        if form == "dq":
            cells = [cell[:8] + "`" + cell[8:] for cell in cells]
        text = " ".join(cells)
        if form == "db":
            text = " ".join(cells[:8]) + ("-" + " ".join(cells[8:]) if len(cells) > 8 else "")
            shown = part.translate(_SHOWN).decode("ascii")
            text = text.ljust(47) + "  " + shown
        lines.append("%s  %s" % (head, text))
    return "\n".join(lines) + "\n"


def log(path: Path, text: str) -> LogSource:
    path.write_bytes(text.encode("latin-1"))
    return LogSource([str(path)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@given(
    form=st.sampled_from(sorted(UNITS)),
    data=st.binary(min_size=8, max_size=200),
    asked=st.booleans(),
    noise=st.lists(st.sampled_from(["", "nt!DbgPrint: 12", "watchdog fired", "    at line 7", "[...]"]), max_size=4),
)
def test_what_is_rendered_is_read_back(folder: Path, form: str, data: bytes, asked: bool, noise: List[str]) -> None:
    data = data[: len(data) // 8 * 8]
    text = rendered(form, BASE, data)
    if noise:
        lines = text.split("\n")
        lines[1:1] = noise
        text = "\n".join(lines)
    target = log(folder / "one.log", ("kd> %s %x\n" % (form, BASE) if asked else "") + text)
    assert target.read(BASE, len(data)) == data


def test_a_32_bit_log() -> None:
    shown = memory_line("82f5a000  8054a678 82f5a010 00000000 0000ffff", False)
    assert shown is not None and not shown.wide
    assert shown.pieces == [(0x82F5A000, bytes.fromhex("78a6548010a0f58200000000ffff0000"))]


@pytest.mark.parametrize(
    "line",
    [
        "fffff880`03a5e8c8 fffff800`02c8a3e9 : 00000000`00000001 00000000`00000002 : nt!KeBugCheckEx",  # a stack
        "fffff803`12403000  00010001 00000000 00010100 10101000  110014a8",  # dyd: the digits are bits
        "fffff803`12403000  10101000 00010100 00000000 00010001  a8 14 00 11",  # dyb
        'fffff803`12403000  "Token"',  # da
        "ffffc18b3a7cd3a0  12      7ff60 7ff6f       3 Mapped",  # !vad
        "ffffe00012345678  Directory",
        "fffff803`12400000 fffff803`12404000   nt",  # lm
        "#  187000  00 11 22 33",  # !db: physical
    ],
)
def test_what_only_looks_like_memory(line: str) -> None:
    assert memory_line(line, False) is None


def test_a_symbol_behind_the_only_cell() -> None:
    shown = memory_line("fffff803`12403000  fffff803`12410000 nt!KeBugCheckEx", False)
    assert shown is not None and shown.symbol == ("KeBugCheckEx", 0xFFFFF80312410000)
    further = memory_line("fffff803`12403000  fffff803`12410004 nt!KeBugCheckEx+0x4", False)
    assert further is not None and further.symbol is None


def test_the_text_column_decides_for_db() -> None:
    line = "fffff803`12403000  41 42 43                                         ABC"
    assert memory_line(line, False) is not None
    assert memory_line(line.replace("ABC", "ABD"), False) is None
    blank = "fffff803`12403000  20 42 20                                          B"
    shown = memory_line(blank, False)
    assert shown is not None and shown.pieces == [(0xFFFFF80312403000, b" B ")]


def test_question_marks_are_no_bytes(folder: Path) -> None:
    text = "fffff803`12403ff0  ffffa080`11053bf0 00000000`00000001\nfffff803`12404000  ????????`???????? ????????`????????\n"
    target = log(folder / "gone.log", text)
    with pytest.raises(MemoryUnreadable) as caught:
        target.read(0xFFFFF80312403FF0, 0x20)
    assert caught.value.reason == NOT_PRESENT
    assert len(caught.value.partial) == 16
    assert not isinstance(caught.value, NotRecorded)


def test_what_was_never_printed_names_the_command(folder: Path) -> None:
    target = log(folder / "few.log", rendered("dq", BASE, bytes(range(32))) + rendered("dq", BASE + 0x40, bytes(16)))
    with pytest.raises(NotRecorded) as caught:
        target.read(BASE + 4, 0x4C)
    assert caught.value.next_step == "dq ffffa080`110023a0 L6"
    assert caught.value.partial == bytes(range(4, 32))
    assert caught.value.known == ((BASE + 0x40, bytes(16)),)
    assert dump_command(0x82F5A002, 4, False) == "dd 82f5a000 L2"


def test_two_values_for_a_byte_name_both_lines(folder: Path) -> None:
    text = rendered("dq", BASE, bytes(32)) + "kd> eq ...\n" + rendered("dq", BASE + 16, b"\1" + bytes(15))
    target = log(folder / "two.log", text)
    assert target.conflicts() == ["ffffa080`11002390: two.log, line 2 and two.log, line 4"]
    assert target.read(BASE, 16) == bytes(16)
    with pytest.raises(BadFormat, match=r"two.log, line 2 and two.log, line 4") as caught:
        target.read(BASE + 8, 16)
    assert "FILE:FIRST-LAST" in caught.value.next_step
    chosen = LogSource([str(folder / "two.log") + ":3-9"])
    assert chosen.read(BASE + 16, 1) == b"\1"


def test_user_mode_addresses_are_nobodys(folder: Path) -> None:
    target = log(folder / "user.log", "kd> dq 401000\n00000000`00401000  ffffa080`11053bf0\n")
    with pytest.raises(NotRecorded):
        target.read(0x401000, 8)


@given(st.lists(st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=20)), max_size=12))
def test_overlapping_pieces(parts: List[tuple]) -> None:
    """Against a plain dict of bytes: the same bytes, the same conflicts."""
    memory = LogMemory()
    plain: dict = {}
    doubted = set()
    for line, (start, data) in enumerate(parts, 1):
        memory.add(start, data, 10 * line)
        for at, byte in enumerate(data, start):
            if plain.setdefault(at, byte) != byte:
                doubted.add(at)
    memory.finish()
    for at in range(90):
        assert (memory.conflict_in(at, 1) is not None) == (at in doubted)
        if at in plain and at not in doubted:
            assert memory.read(at, 1, True) == bytes([plain[at]])
            line = memory.line_of(at)
            assert line is not None and line % 10 == 0
        elif at not in plain:
            assert memory.line_of(at) is None


def test_a_hole_within_a_hole_leaves_the_outer_one_as_long_as_it_was() -> None:
    """The same range asked for twice, the second time less of it: what `??` stood for stays unreadable to its end."""
    memory = LogMemory()
    memory.add_hole(BASE, 64, 1)
    memory.add_hole(BASE + 16, 16, 3)
    memory.finish()
    gone = [memory.was_gone(BASE + at) for at in (-1, 0, 16, 31, 32, 63, 64)]
    assert gone == [False, True, True, True, True, True, False]
    with pytest.raises(MemoryUnreadable):
        memory.read(BASE + 40, 8, True)


# --- rows, holes and runs at their edges


@pytest.mark.parametrize(
    "line, sure, pieces, holes",
    [
        ("82f5a000  0001 0203", False, [(0x82F5A000, "01000302")], []),
        ("82f5a000  00010203 ????????", False, [(0x82F5A000, "03020100")], [(0x82F5A004, 4)]),
        ("82f5a000  ???????? ???????? 00000001", False, [(0x82F5A008, "01000000")], [(0x82F5A000, 8)]),
        ("82f5a000  00000001 ???????? 00000002", False, [(0x82F5A000, "01000000"), (0x82F5A008, "02000000")],
         [(0x82F5A004, 4)]),
        ("82f5a000  00000001 ????????", True, [(0x82F5A000, "01000000")], [(0x82F5A004, 4)]),
        ("82f5a000  41 42-43 44  ABCD", False, [(0x82F5A000, "41424344")], []),
        ("82f5a000  41 42 ??-44  AB?D", False, [(0x82F5A000, "4142"), (0x82F5A003, "44")], [(0x82F5A002, 1)]),
        ("0x82f5a000  00000001", False, [(0x82F5A000, "01000000")], []),
        ("fffff803`12403000  00000001`00000002", False, [(0xFFFFF80312403000, "0200000001000000")], []),
    ],
)  # fmt: skip
def test_the_cells_of_a_row_and_its_holes(line: str, sure: bool, pieces: List[tuple], holes: List[tuple]) -> None:
    shown = memory_line(line, sure)
    assert shown is not None and shown.address == pieces[0][0] - (holes[0][1] if line[10:18] == "????????" else 0)
    assert shown.pieces == [(at, bytes.fromhex(data)) for at, data in pieces] and shown.holes == holes


@pytest.mark.parametrize(
    "line, unsure, sure",
    [
        ("82f5a000  00000001", True, True),
        ("82f5a000 00000001", False, True),  # one blank: only behind a memory command
        ("82f5a000   00000001", False, True),
        ("82f5a000  0001", True, True),
        ("82f5a000  0001 x", False, True),  # a number and a word: a list of another kind
        ("82f5a000  0001 0002 x", True, True),
        ("82f5a000  41 42", False, True),  # db without its text
        ("82f5a000  20 20", True, True),  # blanks show as blanks, which may have been cut
        ("82f5a000  ?? ??", True, True),
        ("82f5a000  41 42  AB", True, True),
        ("82f5a000  41 42  A.", False, False),
        ("82f5a000  41 1f  A.", True, True),
        ("82f5a000  41 7f  A.", True, True),
        ("82f5a000  41 7e  A~", True, True),
        ("82f5a000  41 7e  A.", False, True),
        ("82f5a000  41 42  ABC", False, True),
        ("82f5a000  20 42  B", True, True),  # a leading blank cannot be told from the gap
        ("82f5a000  00000001 00010000  ....", True, True),  # dc shows such bytes as dots
        ("82f5a000  00000001 00010000  a8", False, False),  # dyd: the digits are bits
        ("82f5a000  00000001 00010002  a8", True, True),
        ("82f5a000  zz", False, False),
    ],
)
def test_which_lines_are_rows_with_and_without_a_command_before_them(line: str, unsure: bool, sure: bool) -> None:
    if line.endswith("A."):
        sure = sure or "42" in line  # behind `db`, the text may be of another code page
    assert (memory_line(line, False) is not None) is unsure
    assert (memory_line(line, True) is not None) is sure


def test_only_a_lone_pointer_s_symbol_is_the_address_of_its_cell() -> None:
    def symbol(line: str) -> object:
        shown = memory_line(line, True)
        assert shown is not None
        return shown.symbol

    assert symbol("82f5a000  82f60000 nt!KeBugCheckEx") == ("KeBugCheckEx", 0x82F60000)
    assert symbol("82f5a000  82f60000 82f60000 nt!KeBugCheckEx") is None
    assert symbol("82f5a000  ???????? nt!KeBugCheckEx") is None
    assert symbol("82f5a000  82f60000 hal!KeBugCheckEx") is None


def test_rows_of_one_width_are_one_run_and_the_line_of_each_byte_is_kept() -> None:
    memory = LogMemory()
    memory.add_rows(BASE, bytes(32), 10, 16)
    memory.add_rows(BASE + 32, bytes(32), 12, 16)  # goes on
    memory.add_rows(BASE + 64, bytes(16), 14, 8)  # of another width
    memory.add(BASE + 80, bytes(8), 20)  # elsewhere in the log
    memory.add(BASE + 88, bytes(8), 21)
    memory.finish()
    lines = [memory.line_of(BASE + at) for at in (0, 15, 16, 31, 32, 48, 64, 71, 72, 79, 80, 87, 88, 95, 96)]
    assert lines == [10, 10, 11, 11, 12, 13, 14, 14, 15, 15, 20, 20, 21, 21, None]
    assert memory.line_of(BASE - 1) is None and memory.lowest() == BASE and len(memory) == 96
    assert LogMemory().lowest() is None


def test_rows_that_go_on_with_another_width_are_those_of_their_lines() -> None:
    memory = LogMemory()
    memory.add(BASE, bytes([1] * 16), 10)
    memory.add_rows(BASE + 16, bytes([2] * 16), 11, 8)
    memory.finish()
    assert [memory.line_of(BASE + at) for at in (0, 16, 23, 24, 31)] == [10, 11, 11, 12, 12]
    assert memory.read(BASE, 32, True) == bytes([1] * 16 + [2] * 16)


@pytest.mark.parametrize("gap, line", [(0, 12), (1, 11), (0, 11)])
def test_what_stands_behind_other_lines_is_a_run_of_its_own(gap: int, line: int) -> None:
    memory = LogMemory()
    memory.add(BASE, bytes(16), 10)
    memory.add(BASE + 16 + gap, bytes(16), line)
    memory.finish()
    assert memory.line_of(BASE + 16 + gap) == line and memory.line_of(BASE + 15) == 10
    assert (memory.line_of(BASE + 16) is None) is bool(gap)


def test_each_stretch_in_which_two_lines_differ_is_told_with_its_lines() -> None:
    memory = LogMemory()
    memory.add_rows(BASE, bytes(32), 10, 16)
    memory.add_rows(BASE, bytes([0, 1, 1, 0] + [0] * 12 + [0] * 15 + [7]), 20, 16)
    memory.finish()
    assert memory.conflicts == [(BASE + 1, BASE + 3, 10, 20), (BASE + 31, BASE + 32, 11, 21)]
    assert memory.conflict_in(BASE, 1) is None and memory.conflict_in(BASE, 2) == memory.conflicts[0]
    assert memory.conflict_in(BASE + 2, 1) == memory.conflicts[0] and memory.conflict_in(BASE + 3, 28) is None
    assert memory.conflict_in(BASE + 3, 29) == memory.conflicts[1] and memory.conflict_in(BASE + 32, 9) is None
    # A third line within the first two: those two say enough.
    third = LogMemory()
    for at, value in enumerate((0, 1, 2)):
        third.add(BASE, bytes([value] * 4), 10 * at + 10)
    third.finish()
    assert third.conflicts == [(BASE, BASE + 4, 10, 20)]


def test_holes_that_touch_are_one_and_bytes_beside_one_are_there() -> None:
    memory = LogMemory()
    memory.add_hole(BASE, 8, 1)
    memory.add_hole(BASE + 8, 8, 2)
    memory.add_hole(BASE + 32, 8, 3)
    memory.add(BASE + 16, bytes(16), 9)
    memory.finish()
    gone = [memory.was_gone(BASE + at) for at in (-1, 0, 8, 15, 16, 31, 32, 39, 40)]
    assert gone == [False, True, True, True, False, False, True, True, False]
    assert memory.read(BASE + 16, 16, True) == bytes(16)
    with pytest.raises(MemoryUnreadable) as caught:
        memory.read(BASE + 24, 16, True)
    assert caught.value.reason == NOT_PRESENT and len(caught.value.partial) == 8
    assert memory.pieces(BASE, 64) == [(BASE + 16, bytes(16))]
    assert memory.pieces(BASE + 20, 4) == [(BASE + 20, bytes(4))] and memory.pieces(BASE + 32, 4) == []


@pytest.mark.parametrize(
    "address, size, wide, command",
    [
        (0xFFFFA08011002380, 8, True, "dq ffffa080`11002380 L1"),
        (0xFFFFA08011002381, 8, True, "dq ffffa080`11002380 L2"),
        (0xFFFFA08011002387, 1, True, "dq ffffa080`11002380 L1"),
        (0xFFFFA08011002380, 9, True, "dq ffffa080`11002380 L2"),
        (0x82F5A000, 4, False, "dd 82f5a000 L1"),
        (0x82F5A003, 5, False, "dd 82f5a000 L2"),
        (0x82F5A000, 0x44, False, "dd 82f5a000 L11"),
    ],
)
def test_the_command_that_shows_a_range(address: int, size: int, wide: bool, command: str) -> None:
    assert dump_command(address, size, wide) == command


def test_a_log_of_more_moments_than_anybody_reads_is_refused_with_a_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "_MOST_CONFLICTS", 5)
    first = rendered("dq", BASE, bytes(16 * 8))
    # Each second word of it is another one later: as many places as there may be, and one more.
    for count in (5, 6):
        later = b"".join(bytes(8) + (b"\1" + bytes(7)) for _ in range(count))
        text = "kd> dq %x\n%skd> dq %x\n%s" % (BASE, first, BASE, rendered("dq", BASE, later))
        if count == 5:
            assert len(log(folder / "five.log", text).conflicts()) == 5
        else:
            with pytest.raises(BadFormat, match="over 5 places") as caught:
                log(folder / "six.log", text)
            assert "FILE:FIRST-LAST" in str(caught.value)


def test_a_log_of_more_pieces_than_fit_into_memory_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece is what does not go on where the line before ended, in the log and in memory alike."""
    monkeypatch.setattr(memory_module, "_MOST_PIECES", 3)
    words = "the log shows memory in over 3 pieces that do not follow each other"
    made = LogMemory()
    for line in range(9):
        made.add(BASE + 16 * line, bytes(16), line)  # one piece, however long
    made.add(BASE + 0x1000, bytes(16), 9)
    made.add_rows(BASE + 0x800, bytes(64), 10, 16)
    for more in (
        lambda: made.add(BASE, bytes(16), 14),
        lambda: made.add_rows(BASE, bytes(32), 14, 16),
        lambda: made.add_rows(BASE + 0x840, bytes(8), 15, 8),  # goes on in memory, and a line is between
    ):
        with pytest.raises(BadFormat, match=words) as caught:
            more()
        assert "FILE:FIRST-LAST" in str(caught.value)
    made.add(BASE + 0x840, bytes(16), 14)  # goes on with the last
    made.finish()
    assert made.line_of(BASE + 0x840) == 14

    holes = LogMemory()
    for at in (0x5000, 0x5010, 0x3000, 0x1000):
        holes.add_hole(at, 16, 1)
    with pytest.raises(BadFormat, match=words):
        holes.add_hole(0x100, 16, 2)
    holes.add_hole(0x1010, 16, 2)
