"""Images of physical memory: the same tokens as from the kernel itself, whatever the container."""

import os
import random
import re
import struct
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest

from kdtoken import dump as dump_verb
from kdtoken.decode.process_dump import Tokens
from kdtoken.errors import BadFormat, KdTokenError, TargetError
from kdtoken.source.crashdump.dump import CrashDumpSource, open_dump
from kdtoken.source.image.image import MemoryImage
from tests.dump_bytes import FRAME, PAGE, Dump
from tests.expected import FEW_FILES, assert_equal, file_of, layouts_of_build
from tests.fake_image import GUID_TEXT, fake_image
from tests.machine import paging
from tests.machine.arm64 import arm64_layouts, to_arm64
from tests.machine.containers import (
    HIGH_START,
    LOW_END,
    Pages,
    physical_pages,
    start_block,
    vmss,
    write_elf,
    write_raw,
    write_vmem,
)
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.synthetic import SyntheticSource
from tests.test_source_crashdump_dump import LAYOUTS, Case, everything


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(LAYOUTS[3], tmp_path_factory.mktemp("image"))


def opened(path: Path, case: Case) -> CrashDumpSource:
    return open_dump(path, str(case.symbols))


@pytest.mark.parametrize("layout_file", FEW_FILES, ids=lambda path: path.stem)
def test_every_container_gives_the_tokens_of_the_crash_dump(layout_file: Path, tmp_path: Path) -> None:
    case = Case(layout_file, tmp_path)
    expected = everything(case.open(case.dump.copy().full()))
    pages, bare = physical_pages(case.kernel), physical_pages(case.kernel, block=False)
    files = [
        write_raw(pages, tmp_path / "padded.raw"),
        write_raw(bare, tmp_path / "searched.raw"),  # no start block: found by its page tables
        write_vmem(pages, tmp_path / "suspended.vmem", "vmss"),
        write_vmem(pages, tmp_path / "snapshot.vmem", "vmsn"),
        write_vmem(pages, tmp_path / "alone.vmem", None),
        write_elf(pages, tmp_path / "qemu.elf", case.dump.root),
        write_elf(bare, tmp_path / "cr3.elf", case.dump.root),
        write_elf(pages, tmp_path / "virtualbox.elf", virtual_box=True),
    ]
    for path in files:
        target = opened(path, case)
        assert everything(target) == expected, path.name
        assert target.about.build == case.kernel.layouts.build.rsplit(".", 1)[0], path.name
        nt = target.dump.nt
        assert nt is not None and (nt.base, nt.identity and nt.identity.key) == (case.kernel.base, GUID_TEXT + "1")
        target.dump.close()


def moved(case: Case, addresses: List[int], to: int) -> Pages:
    """The machine's pages, those at the addresses moved to the physical address `to` and what follows."""
    dump = case.dump.copy()
    gone: Dict[int, int] = {}
    for address in addresses:
        entry = dump.entry(address)
        frame = (entry & FRAME) // PAGE
        if frame not in gone and entry & 1:
            gone[frame] = to // PAGE + len(gone)
            dump.set_entry(address, entry & ~FRAME | gone[frame] * PAGE)
            dump.pages[gone[frame]] = dump.pages.pop(frame)
    pages = dict(dump.pages)
    pages[1] = start_block(dump.root, case.kernel.symbols["KiSystemStartup"])
    return pages


def test_memory_above_the_hole(case: Case, tmp_path: Path) -> None:
    """Processes and tokens at 4 GiB and above: by the region table, and found out by trying where there is none."""
    everywhere = sorted({**case.kernel.processes, **case.kernel.threads}.values())
    pages = moved(case, everywhere + sorted(case.kernel.tokens.values()), HIGH_START)
    expected = everything(SyntheticSource(case.kernel))
    size = LOW_END + 64 * PAGE * 16
    for path, words in (
        (write_vmem(pages, tmp_path / "a.vmem", "vmss", size), "VMware memory with a.vmss"),
        (write_vmem(pages, tmp_path / "b.vmem", None, size), "by trying: a hole from 3 to 4 GiB is left out"),
        (write_raw(pages, tmp_path / "c.raw"), "by trying: offset is address"),
        (write_raw(pages, tmp_path / "d.raw", low_end=2 << 30), "by trying: a hole from 2 to 4 GiB is left out"),
        (write_raw(pages, tmp_path / "e.raw", low_end=7 << 29), "by trying: a hole from 3.5 to 4 GiB is left out"),
        (write_elf(pages, tmp_path / "f.elf"), "ELF core"),
    ):
        target = opened(path, case)
        assert everything(target) == expected, path.name
        assert words in target.about.source
        assert "NOT PROVEN" not in target.about.source
        target.dump.close()


def test_a_spread_that_nothing_proves_is_said_to_be_unproven(case: Case, tmp_path: Path) -> None:
    """All of the kernel lies low: where the rest of a file of 5 GiB belongs, nobody can tell."""
    path = write_raw(physical_pages(case.kernel), tmp_path / "a.raw", 5 << 30)
    assert "how memory above 2 GiB lies in it is NOT PROVEN" in opened(path, case).about.source
    path = write_vmem(physical_pages(case.kernel), tmp_path / "b.vmem", "vmss", 2 << 30)
    assert "NOT PROVEN" not in opened(path, case).about.source


def test_two_kernels_are_both_told(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = physical_pages(case.kernel)
    monkeypatch.setattr(paging, "FIRST_PFN", 0x4000)
    monkeypatch.setattr(paging.DirectoryBases, "first", 0x4000 * PAGE)
    other = build(MACHINE, case.kernel.layouts, fake_image(case.kernel.layouts), seed=9)
    second = physical_pages(other, block=False)
    assert not set(second) & set(pages)
    both = {**pages, **second, 2: start_block(0x4000 * PAGE, other.symbols["KiSystemStartup"])}
    target = opened(write_raw(both, tmp_path / "two.raw"), case)
    assert "ANOTHER kernel is in it, at 0x%x: ntkrnlmp.pdb" % other.base in target.about.source
    assert everything(target) == everything(SyntheticSource(case.kernel))
    # The same without start blocks, by their page tables.
    del both[1], both[2]
    target = opened(write_raw(both, tmp_path / "two.raw"), case)
    assert "ANOTHER kernel is in it, at 0x%x" % other.base in target.about.source


def test_a_start_block_that_leads_to_nothing_is_not_believed(case: Case, tmp_path: Path) -> None:
    """Left over from an earlier boot: its root is another page now."""
    pages = physical_pages(case.kernel)
    pages[2] = pages[1]
    pages[1] = start_block(0x200 * PAGE, case.kernel.symbols["KiSystemStartup"])
    target = opened(write_raw(pages, tmp_path / "a.raw"), case)
    assert everything(target) == everything(SyntheticSource(case.kernel))
    del pages[2]
    assert everything(opened(write_raw(pages, tmp_path / "a.raw"), case)) == everything(SyntheticSource(case.kernel))


def test_a_kernel_whose_list_does_not_begin_with_system_is_not_believed(case: Case, tmp_path: Path) -> None:
    dump = case.dump.copy()
    address = case.kernel.processes[4] + case.kernel.layouts.layout("_EPROCESS").field("ImageFileName").offset
    frame = (dump.entry(address) & FRAME) // PAGE
    page = bytearray(dump.pages[frame])
    page[address % PAGE] = ord("s")
    pages = dict(dump.pages)
    pages[frame] = bytes(page)
    path = write_raw(pages, tmp_path / "a.raw")
    with pytest.raises(BadFormat, match="no Windows could be proven .* first process of its list is not System"):
        opened(path, case)


def test_symbols_that_are_not_there_are_named_and_nothing_is_searched_for(case: Case, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    path = write_raw(physical_pages(case.kernel), tmp_path / "a.raw")
    with pytest.raises(TargetError, match="ntkrnlmp.pdb, GUID and age %s1" % GUID_TEXT):
        open_dump(path, str(tmp_path / "none"), reading=lambda done, size: pytest.fail("it searched"))


def test_the_search_tells_how_far_it_is(case: Case, tmp_path: Path) -> None:
    told: List[Tuple[int, int]] = []
    path = write_raw(physical_pages(case.kernel, block=False), tmp_path / "a.raw")
    open_dump(path, str(case.symbols), reading=lambda done, size: told.append((done, size)))
    assert told and told[-1][0] == told[-1][1] == path.stat().st_size // PAGE * PAGE


def test_an_image_of_64_gib_nearly_all_of_it_a_hole(case: Case, tmp_path: Path) -> None:
    answers = []
    for block in (True, False):  # without a start block all of it is gone through, but for the hole
        path = write_raw(physical_pages(case.kernel, block), tmp_path / "a.raw", 64 << 30)
        target = opened(path, case)
        answers.append(everything(target))
        target.dump.close()
    assert answers[0] == answers[1] == everything(SyntheticSource(case.kernel))


def test_the_side_files_of_vmware(case: Case, tmp_path: Path) -> None:
    pages = physical_pages(case.kernel)
    path = write_vmem(pages, tmp_path / "a.vmem", None)
    memory = path.read_bytes()
    for magic in (b"\xd0\xbe\xd2\xbe", b"\xd1\xba\xd1\xba", b"\xd3\xbe\xd3\xbe"):
        (tmp_path / "a.vmss").write_bytes(vmss([(0, 0, len(memory) // PAGE)], magic))
        assert everything(opened(path, case)) == everything(SyntheticSource(case.kernel))
    # Little memory: no regions at all.
    (tmp_path / "a.vmss").write_bytes(vmss([]))
    assert everything(opened(path, case)) == everything(SyntheticSource(case.kernel))
    # The side file was named.
    with pytest.raises(BadFormat, match="tells where memory lies in a.vmem"):
        opened(tmp_path / "a.vmss", case)
    # Memory within the .vmss, as old versions keep it.
    (tmp_path / "b.vmss").write_bytes(vmss([], inner=memory))
    assert everything(opened(tmp_path / "b.vmss", case)) == everything(SyntheticSource(case.kernel))
    (tmp_path / "c.vmss").write_bytes(vmss([]))
    with pytest.raises(BadFormat, match="holds no memory, and the .vmem of its name is not beside it"):
        opened(tmp_path / "c.vmss", case)
    (tmp_path / "a.vmss").write_bytes(vmss([(0, 0, len(memory) // PAGE + 40)]))
    assert "CUT SHORT: 40 of" in opened(path, case).about.source
    (tmp_path / "a.vmss").write_bytes(vmss([(0, 0, 100), (50, 100, 100)]))
    with pytest.raises(BadFormat, match="table of memory is damaged"):
        opened(path, case)
    (tmp_path / "a.vmss").write_bytes(vmss([])[:100])
    with pytest.raises(BadFormat, match="tells nothing of memory"):
        opened(path, case)


def test_a_machine_that_runs(case: Case, tmp_path: Path) -> None:
    path = write_vmem(physical_pages(case.kernel), tmp_path / "a.vmem")
    (tmp_path / "a.vmem.lck").mkdir()
    assert "RUNNING, and memory changes while it is read: take a snapshot" in opened(path, case).about.source


def test_an_encrypted_machine_and_a_linux_and_nothing(case: Case, tmp_path: Path) -> None:
    noise = bytes(range(256)) * 16
    path = write_vmem({n: noise for n in range(1, 600)}, tmp_path / "a.vmem", None)
    with pytest.raises(BadFormat, match="holds no 64-bit Windows that could be found"):
        opened(path, case)
    (tmp_path / "a.vmx").write_text('encryption.keySafe = "vmware:key/list/(pair"\n')
    with pytest.raises(BadFormat, match="encrypted virtual machine") as failed:
        opened(path, case)
    assert "remove the encryption" in str(failed.value)
    linux = b"Linux version 6.1.0-27-amd64 (debian-kernel@lists.debian.org)".ljust(PAGE, b"\0")
    path = write_raw({**{n: noise for n in range(1, 600)}, 300: linux}, tmp_path / "linux.raw")
    with pytest.raises(BadFormat, match="holds a Linux"):
        opened(path, case)


def test_a_side_file_that_is_none(case: Case, tmp_path: Path) -> None:
    """Encrypted machines' begin with anything; so do damaged ones, and then the .vmem is not read on a guess."""
    path = write_vmem(physical_pages(case.kernel), tmp_path / "a.vmem")
    side = tmp_path / "a.vmss"
    side.write_bytes(b"\x17" * 5000)
    for name in (path, side):
        with pytest.raises(BadFormat, match="a.vmss is no suspended state of VMware: it is damaged") as damaged:
            opened(name, case)
        assert "move it away, and the usual places are tried" in damaged.value.next_step
    (tmp_path / "a.vmx").write_text('encryption.keySafe = "vmware:key/list/(pair"\n')
    for name in (path, side):
        with pytest.raises(BadFormat, match="%s belongs to an encrypted virtual machine" % re.escape(str(name))):
            opened(name, case)


def test_why_there_is_none_is_told_with_what_is_known_of_the_file(case: Case, tmp_path: Path) -> None:
    path = write_vmem(physical_pages(case.kernel), tmp_path / "a.vmem")
    os.truncate(str(path), path.stat().st_size // 2 // PAGE * PAGE)
    with pytest.raises(BadFormat, match=r"CUT SHORT: \d+ of \d+ pages are missing") as cut:
        opened(path, case)
    assert cut.value.next_step.startswith("copy or take it again, whole")
    noise = random.Random(7).getrandbits(8 * 300 * PAGE).to_bytes(300 * PAGE, "little")
    (tmp_path / "noise.raw").write_bytes(noise)
    with pytest.raises(BadFormat, match="its bytes look random throughout, as encrypted or packed ones do"):
        opened(tmp_path / "noise.raw", case)
    # A third of it zeros: no image is taken for encrypted by what else it holds, programs and photographs.
    (tmp_path / "text.raw").write_bytes(noise[: 100 * PAGE] + bytes(100 * PAGE) + noise[200 * PAGE :])
    with pytest.raises(BadFormat, match="holds no 64-bit Windows that could be found\n"):
        opened(tmp_path / "text.raw", case)


def test_what_windows_says_of_itself_is_passed_on(case: Case, tmp_path: Path) -> None:
    """Names of processes that tell of memory that cannot be read as it is."""
    dump = case.dump.copy()
    offset = case.kernel.layouts.layout("_EPROCESS").field("ImageFileName").offset
    for pid, name in zip(sorted(case.kernel.processes)[1:3], (b"MemCompression\0", b"Secure System\0\0")):
        address = case.kernel.processes[pid] + offset
        frame = (dump.entry(address) & FRAME) // PAGE
        page = bytearray(dump.pages[frame])
        page[address % PAGE : address % PAGE + 15] = name
        dump.pages[frame] = bytes(page)
    words = opened(write_raw(dict(dump.pages), tmp_path / "a.raw"), case).about.source
    assert "Windows compresses memory there" in words and "VBS is on" in words


def test_a_list_that_breaks_off_is_said_to(case: Case, tmp_path: Path) -> None:
    dump = case.dump.copy()
    victim = sorted(case.kernel.processes.items())[9][1]
    page = victim // PAGE * PAGE
    pages = dict(dump.set_entry(page, 0x77 << 32 | 0x80).pages)
    assert "list of processes breaks off after" in opened(write_raw(pages, tmp_path / "a.raw"), case).about.source


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A kernel by the types of ARM64."""
    folder = tmp_path_factory.mktemp("arm64")
    (folder / "nt.json").write_text(arm64_layouts(layouts_of_build(file_of("10.0.19041"))).dumps())
    return Case(folder / "nt.json", folder)


@pytest.mark.parametrize("container", ["full", "bitmap", "ranges"])
def test_arm64_crash_dumps(arm: Case, container: str, tmp_path: Path) -> None:
    target = arm.open(getattr(to_arm64(arm.dump), container)())
    assert everything(target) == everything(SyntheticSource(arm.kernel))


def test_arm64_tokens_are_the_declared_ones(arm: Case) -> None:
    """By what was declared alone; the pages that are paged out in memory are there for this."""
    layout = arm.kernel.layouts.layout("_EPROCESS")
    assert (layout.field("Token").offset, layout.field("ActiveProcessLinks").offset) == (0x470, 0x400)
    target = arm.open(to_arm64(arm.dump).full())
    tokens = Tokens(target)
    whole = [key for key, token in MACHINE.tokens.items() if not token.paged_out]
    for key in whole:
        assert_equal(tokens.at(arm.kernel.tokens[key]), arm.kernel, key)
    assert len(whole) > 20


def test_arm64_images(arm: Case, tmp_path: Path) -> None:
    pages = to_arm64(arm.dump).pages
    for path in (
        write_raw(pages, tmp_path / "a.raw"),
        write_elf(pages, tmp_path / "a.elf", machine=183),
        write_vmem(pages, tmp_path / "a.vmem"),
    ):
        assert everything(opened(path, arm)) == everything(SyntheticSource(arm.kernel)), path.name


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda head: head[:40], "cut short within its ELF header"),
        (lambda head: head[:4] + b"\1" + head[5:], "32 bits or big-endian"),
        (lambda head: head[:16] + b"\2\0" + head[18:], "no core: a program"),
        (lambda head: head[:18] + b"\x03\0" + head[20:], "machine of type 3"),
        (lambda head: head[:56] + b"\0\0" + head[58:], "damaged or cut off"),
        (lambda head: head[:32] + struct.pack("<Q", 1 << 60) + head[40:], "damaged or cut off"),
    ],
)
def test_elf_files_that_are_no_core_of_a_machine(change, words: str, case: Case, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = write_elf(physical_pages(case.kernel), tmp_path / "a.elf")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadFormat, match=words):
        opened(path, case)


def test_a_core_of_a_process(tmp_path: Path, case: Case) -> None:
    """Its segments have virtual addresses only."""
    path = write_elf(physical_pages(case.kernel), tmp_path / "a.elf")
    data = bytearray(path.read_bytes())
    for index in range(struct.unpack_from("<H", data, 56)[0]):
        struct.pack_into("<Q", data, 64 + 56 * index + 24, 0)  # p_paddr
    path.write_bytes(data)
    with pytest.raises(BadFormat, match="core of a process"):
        opened(path, case)


def test_a_core_of_more_than_65535_segments_keeps_their_number_elsewhere(tmp_path: Path, case: Case) -> None:
    path = write_elf(physical_pages(case.kernel), tmp_path / "a.elf")
    data = bytearray(path.read_bytes())
    count = struct.unpack_from("<H", data, 56)[0]
    struct.pack_into("<H", data, 56, 0xFFFF)
    struct.pack_into("<Q", data, 40, len(data))  # e_shoff
    path.write_bytes(bytes(data) + bytes(44) + struct.pack("<I", count) + bytes(16))
    assert everything(opened(path, case)) == everything(SyntheticSource(case.kernel))


def test_dump_as_a_person_calls_it(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_vmem(physical_pages(case.kernel), tmp_path / "Windows 11 Snapshot.vmem", "vmsn")
    assert dump_verb.main(["--dump", str(path), "--symbols", str(case.folder), "notepad.exe"]) == 0
    out = capsys.readouterr().out
    assert "VMware memory with Windows 11 Snapshot.vmsn" in out and "ANNA-PC\\Anna" in out


def test_the_file_is_let_go_when_it_is_refused(case: Case, tmp_path: Path) -> None:
    """Windows lets nobody move or delete a mapped file."""
    path = write_raw(physical_pages(case.kernel), tmp_path / "a.raw")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        with pytest.raises(KdTokenError):
            open_dump(path, str(tmp_path / "none"))
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_physical_pages(case: Case, tmp_path: Path) -> None:
    image = opened(write_raw(physical_pages(case.kernel), tmp_path / "a.raw"), case).dump
    assert isinstance(image, MemoryImage)
    table: Optional[bytes] = image.physical_page(case.dump.root // PAGE)
    assert table == Dump.of(case.kernel).pages[case.dump.root // PAGE]


def test_kilobytes_are_read_first(case: Case, tmp_path: Path) -> None:
    """A start block, or a processor's CR3, leads there: nothing is searched."""
    for path in (
        write_raw(physical_pages(case.kernel), tmp_path / "a.raw"),
        write_elf(physical_pages(case.kernel, block=False), tmp_path / "b.elf", case.dump.root),
    ):
        open_dump(path, str(case.symbols), reading=lambda done, size: pytest.fail("it searched")).dump.close()


def test_the_whole_list_wins_where_only_system_lies_low(case: Case, tmp_path: Path) -> None:
    """System is found however memory is spread; the others only where they are."""
    others = [at for pid, at in sorted(case.kernel.processes.items()) if pid != 4]
    low = {case.kernel.processes[4] // PAGE, case.kernel.symbols["PsActiveProcessHead"] // PAGE}
    pages = moved(case, [at for at in others if at // PAGE not in low], HIGH_START)
    noise = bytes(range(256)) * 16
    for low_end, words in ((2 << 30, "a hole from 2 to 4 GiB"), (0, "offset is address")):
        # What the wrong ways to spread it find there is something else, not nothing.
        filled = {**{HIGH_START // PAGE + n: noise for n in range(64)}, **pages}
        path = write_raw(filled, tmp_path / "a.raw", 9 << 30, low_end)
        target = opened(path, case)
        assert words in target.about.source and "NOT PROVEN" not in target.about.source, target.about.source
        assert everything(target) == everything(SyntheticSource(case.kernel))
        target.dump.close()


def test_a_system_whose_page_tables_are_elsewhere_is_not_believed(case: Case, tmp_path: Path) -> None:
    dump = case.dump.copy()
    layouts = case.kernel.layouts
    offset = (
        layouts.layout("_EPROCESS").field("Pcb").offset + layouts.layout("_KPROCESS").field("DirectoryTableBase").offset
    )
    address = case.kernel.processes[4] + offset
    frame = (dump.entry(address) & FRAME) // PAGE
    page = bytearray(dump.pages[frame])
    struct.pack_into("<Q", page, address % PAGE, 0x200 * PAGE)
    pages = dict(dump.pages)
    pages[frame] = bytes(page)
    with pytest.raises(BadFormat, match="System's page tables at 0x200000 lead elsewhere"):
        opened(write_raw(pages, tmp_path / "a.raw"), case)
