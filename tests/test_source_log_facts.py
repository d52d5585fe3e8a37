"""What single lines of a log tell: an address, a size, a build, a base, and what of it is the kernel's."""

from pathlib import Path
from typing import Any, List, Optional, Tuple

import pytest

from kdtoken.errors import KdTokenError, SymbolNotFound, TypeNotFound
from kdtoken.source.log.commands import Asked
from kdtoken.source.log.facts import Facts
from kdtoken.source.log.source import LogSource

HEAD = 0xFFFFF80312403010
X = "fffff803`12403010 nt!PsActiveProcessHead"


def taken(line: str, **asked: Any) -> Facts:
    """Facts of one line that begins with an address."""
    facts = Facts()
    assert facts.address_line(line, 5, Asked("x", **asked))
    facts.memory.finish()
    return facts


@pytest.mark.parametrize(
    "line, name, address",
    [
        (X, "PsActiveProcessHead", HEAD),
        ("0x" + X, "PsActiveProcessHead", HEAD),
        ("fffff80312403010 nt!PsActiveProcessHead", "PsActiveProcessHead", HEAD),
        ("82f7c5b8          nt!PsLow = <no type information>", "PsLow", 0x82F7C5B8),
        ("fffff803`12403010 ntkrnlmp!?Odd@@$x", "?Odd@@$x", HEAD),
        ("fffff803`12403010 ntoskrnl!KeBugCheckEx (void)", "KeBugCheckEx", HEAD),
    ],
)
def test_a_line_of_x_tells_an_address(line: str, name: str, address: int) -> None:
    facts = taken(line)
    assert facts.symbols == {name: address} and facts.symbol_lines == {name: 5}
    assert facts.wide is (address > 1 << 32)


def test_another_modules_symbol_is_none_of_the_kernels() -> None:
    assert not Facts().address_line("fffff803`12403010 hal!PsActiveProcessHead", 5, Asked("x"))


@pytest.mark.parametrize(
    "links, data",
    [
        ("0xffffa080`110014a8 - 0xffffa080`110514a8", "a814001180a0ffff a814051180a0ffff"),
        ("0xffffa080110014a8 - 0xffffa080110514a8", "a814001180a0ffff a814051180a0ffff"),
        ("0x81a3b020 - 0x81a3b030", "20b0a381 30b0a381"),
        ("0xffffffff - 0xffffffff", "ffffffff ffffffff"),
        ("0x81a3b020 - 0xffffa080`110514a8", ""),
        ("0xffffa080`110514a8 - 0x81a3b020", ""),
        ("0xffffa080`110514a8f - 0xffffa080`110514a8f", ""),
    ],
)
def test_the_two_pointers_behind_a_symbol_are_memory_where_they_are_of_one_width(links: str, data: str) -> None:
    facts = taken(X + " = struct _LIST_ENTRY [ %s ]" % links)
    memory = bytes.fromhex(data)
    assert facts.symbols == {"PsActiveProcessHead": HEAD}
    assert facts.memory.pieces(HEAD, 32) == ([(HEAD, memory)] if memory else [])


def test_two_addresses_of_a_symbol_are_doubted_and_the_same_twice_is_not() -> None:
    facts = Facts()
    asked = Asked("x")
    facts.address_line(X, 5, asked)
    facts.address_line(X, 6, asked)
    assert not facts.doubted_symbols and facts.symbol_lines["PsActiveProcessHead"] == 5
    facts.address_line(X.replace("3010", "3020"), 7, asked)
    facts.address_line(X.replace("3010", "3030"), 8, asked)
    assert facts.doubted_symbols == {"PsActiveProcessHead": (5, 7)}
    assert facts.symbols["PsActiveProcessHead"] == HEAD


@pytest.mark.parametrize("wide, lowest", [(True, 1 << 63), (False, 1 << 31)])
def test_user_mode_addresses_are_nobodys_up_to_the_kernels_lowest(wide: bool, lowest: int) -> None:
    """Below it, the same address is another byte in each process."""
    for address, ours in ((lowest - 4, False), (lowest, True)):
        text = "%08x`%08x" % (address >> 32, address & 0xFFFFFFFF) if wide else "%08x" % address
        facts = taken(text + "  00000007", dumps=True)
        assert facts.memory.pieces(address, 4) == ([(address, bytes([7, 0, 0, 0]))] if ours else [])
        assert facts.wide is (wide if ours else None)


def test_only_the_next_line_of_memory_tells_the_symbol_that_was_asked_for() -> None:
    facts = Facts()
    facts.wanted = "SepToken"
    asked = Asked("dq nt!SepToken L1", dumps=True)
    assert facts.address_line("fffff803`12403050  ffffcc8a`14200090", 5, asked)
    assert facts.address_line("fffff803`12403060  ffffcc8a`14200090", 6, asked)
    assert facts.symbols == {"SepToken": 0xFFFFF80312403050} and facts.wanted is None
    # What an extension prints in that shape is no memory.
    assert not Facts().address_line("fffff803`12403050  ffffcc8a`14200090", 5, Asked("!vtop", memory=False))


def test_a_hole_is_kept_as_one() -> None:
    facts = taken("fffff803`12403050  ????????`???????? 00000000`00000001", dumps=True)
    assert facts.memory.was_gone(0xFFFFF80312403050) and facts.memory.was_gone(0xFFFFF80312403057)
    assert not facts.memory.was_gone(0xFFFFF80312403058)


def single(*lines: str, **asked: Any) -> Facts:
    facts = Facts()
    for number, line in enumerate(lines, 5):
        facts.single(line.strip(), line, number, Asked("x", **asked))
    return facts


def test_what_was_evaluated_is_a_symbols_address_or_a_types_size() -> None:
    line = "Evaluate expression: -8795786977264 = fffff803`12403010"
    assert single(line, evaluated="PsActiveProcessHead").symbols == {"PsActiveProcessHead": HEAD}
    size = "Evaluate expression: 1160 = 00000000`00000488"
    facts = single(size, size.replace("488", "490"), sizeof="_TOKEN")
    assert facts.types.sizes == {"_TOKEN": 0x488} and not facts.symbols
    asked_nothing = single(line)
    assert not asked_nothing.symbols and not asked_nothing.types.sizes
    assert single("unsigned int64 0x488", sizeof="_TOKEN").types.sizes == {"_TOKEN": 0x488}
    assert single("unsigned int 8 ", "unsigned int 9", sizeof="_LUID").types.sizes == {"_LUID": 8}
    assert single("unsigned int64 00000184", sizeof="_X").types.sizes == {"_X": 184}  # no number of Python's
    assert not single("unsigned int64 0x488").types.sizes


def test_what_the_symbols_lack_is_a_type_or_a_symbol() -> None:
    facts = single(
        "Couldn't resolve error at 'nt!PsNone'", "Symbol nt!_NONE not found.", "Symbol PsOther not found.",
        "Symbol nt!_NONE not found.",
    )  # fmt: skip
    assert facts.missing_symbols == {"PsNone", "PsOther"} and facts.types.missing == {"_NONE": 6}


def test_ln_tells_the_symbol_at_and_the_one_behind() -> None:
    facts = single("(fffff803`12500010)   nt!KeBugCheck2   |  (fffff803`12500400)   nt!KeBugCheck3")
    assert facts.symbols == {"KeBugCheck2": 0xFFFFF80312500010, "KeBugCheck3": 0xFFFFF80312500400}
    # Where the address lies within a symbol, it is not the symbol's.
    assert not single("(fffff803`12500010)   nt!KeBugCheck2 + 0x10").symbols
    assert not single("(fffff803`12500010)   hal!KeBugCheck2").symbols


@pytest.mark.parametrize(
    "line, build, wide",
    [
        ("Windows 10 Kernel Version 22000 MP (4 procs) Free x64", 22000, True),
        ("Windows 11 Kernel Version 26100 MP (4 procs) Free ARM 64-bit (AArch64)", 26100, True),
        ("Windows XP Kernel Version 2600 UP Free x86 compatible", 2600, False),
        ("Connected to Windows 10 19041 x64 target at (Thu Dec  9 22:30:54.719 2021), ptr64 TRUE", 19041, True),
        ("Windows 10 Kernel Version twenty", None, None),
    ],
)
def test_the_banner_tells_the_build_and_the_width(line: str, build: Optional[int], wide: Optional[bool]) -> None:
    facts = single(line, line)
    assert facts.builds == ({} if build is None else {build: 5})
    assert facts.wide is wide


def test_the_kernels_base_is_told_with_the_head_of_its_modules() -> None:
    line = "Kernel base = 0xfffff803`12400000 PsLoadedModuleList = 0xfffff803`12403010"
    facts = single(line, line)
    assert facts.bases == {0xFFFFF80312400000: 5} and facts.wide is True
    assert facts.symbols == {"PsLoadedModuleList": HEAD}
    narrow = single("Kernel base = 0x82a00000 PsLoadedModuleList = 0x82b48810")
    assert narrow.wide is False and narrow.bases == {0x82A00000: 5}
    module = taken("fffff803`12400000 fffff803`12fd0000   nt         (pdb symbols)")
    assert module.bases == {0xFFFFF80312400000: 5} and module.wide is True


def test_whether_a_process_was_printed_and_whether_it_is_all_made_up() -> None:
    assert single("PROCESS ffffe68900001080  SessionId: 1").has_processes
    assert not single("PROCESS of thought").has_processes
    assert single("Comment: 'Synthetic kernel'", "Comment: 'more'").synthetic
    assert not single("Comment: 'a real one'").synthetic and not single("synthetic").synthetic


# --- and as a log says it


def log(folder: Path, text: str) -> LogSource:
    (folder / "one.log").write_text(text, encoding="utf-8")
    return LogSource([str(folder / "one.log")])


@pytest.mark.parametrize(
    "build, version",
    [
        (26100, "10.0"), (10240, "10.0"), (10239, "6.3"), (9600, "6.3"), (9599, "6.2"), (9200, "6.2"), (9199, "6.1"),
        (7600, "6.1"), (7599, "6.0"), (6000, "6.0"), (5999, "5.2"), (3790, "5.2"), (3789, "5.1"), (2600, "5.1"),
    ],
)  # fmt: skip
def test_the_version_that_a_build_belongs_to(build: int, version: str, tmp_path: Path) -> None:
    """The lowest builds: "Operating System Version", learn.microsoft.com."""
    found = log(tmp_path, "Windows 7 Kernel Version %d MP (4 procs) Free x64\n" % build)
    assert found.about.build == "%s.%d" % (version, build)


def test_a_build_that_is_older_than_all_has_no_version(tmp_path: Path) -> None:
    assert log(tmp_path, "Windows 2000 Kernel Version 2195 UP Free x86\n").about.build == ""


def test_what_is_indented_is_told_as_well(tmp_path: Path) -> None:
    """As it looks when it was copied into a mail."""
    source = log(
        tmp_path, "  kd> ln x\n  (fffff803`12500010)   nt!KeBugCheck2   |  (fffff803`12500400)   nt!KeBugCheck3\n"
    )
    assert source.symbol("KeBugCheck2") == 0xFFFFF80312500010


def test_what_two_lines_tell_differently_names_both_and_what_is_missing_names_the_command(tmp_path: Path) -> None:
    source = log(tmp_path, "kd> x nt!A\nfffff803`12403010 nt!A\nkd> x nt!A\nfffff803`12403020 nt!A\n")
    with pytest.raises(KdTokenError, match="two addresses of nt!A: one.log, line 2 and one.log, line 4"):
        source.symbol("A")
    with pytest.raises(SymbolNotFound) as caught:
        source.symbol("nt!B")
    assert caught.value.next_step == "x nt!B"
    with pytest.raises(TypeNotFound) as missing:
        source.layout("_B")
    assert missing.value.next_step == "dt -v nt!_B"


def places(source: LogSource, addresses: List[int]) -> List[Tuple[int, Optional[str]]]:
    return [(at, source.where(at)) for at in addresses]


def test_values_at_addresses_of_user_mode_are_no_memory(tmp_path: Path) -> None:
    """The same limit as for `dq`, of each width."""
    listing = "kd> dt nt!_L %s\n   +0x000 A : 0x00000000`00000001\n"
    low, high = 0x7FFFFFFFFFFFFFF8, 1 << 63
    text = "".join(listing % ("%08x`%08x" % (at >> 32, at & 0xFFFFFFFF)) for at in (low, high))
    source = log(tmp_path, text + "kd> x nt!A\nfffff803`12403010 nt!A\n")
    assert places(source, [low, high]) == [(low, None), (high, "one.log, line 4")]
    narrow = "Windows XP Kernel Version 2600 UP Free x86 compatible\n" + "".join(
        "kd> dt nt!_L %08x\n   +0x000 A : 0x865ce8a8 Void\n" % at for at in (0x7FFFFFFC, 0x80000000)
    )
    assert places(log(tmp_path, narrow), [0x7FFFFFFC, 0x80000000]) == [
        (0x7FFFFFFC, None),
        (0x80000000, "one.log, line 5"),
    ]
