"""What the synthetic kernel is written as: a crash dump, and the text of `!process` and `!token`.

The dump is read back with a page walk of its own; the text is compared with lines of published
output of a real Windows 10, its trailing blanks included.
"""

import struct
from pathlib import Path

import pytest

from kdtoken.errors import MemoryUnreadable
from kdtoken.layout.layout_file import load_layouts
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build
from tests.machine.standin_text import commands, write_standin

LAYOUTS = Path(__file__).parent.parent / "fixtures" / "layouts"


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return build(MACHINE, load_layouts(LAYOUTS / "nt-10.0.19041.3570.json"))


class Dump:
    """A full dump with one run: header of 0x2000 bytes, then the pages."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        assert data[:8] == b"PAGEDU64"
        self.root: int = struct.unpack_from("<Q", data, 0x10)[0]
        runs, pages, first, count = struct.unpack_from("<QQQQ", data, 0x88)
        self.first = int(first)
        assert runs == 1 and pages == count and len(data) == 0x2000 + count * 0x1000

    def physical(self, address: int) -> int:
        """Offset in the file."""
        return 0x2000 + address - self.first * 0x1000

    def entry(self, address: int, root: int = 0) -> int:
        """The last page table entry of a virtual address; 0 where the walk ends before it."""
        table: int = root or self.root
        for shift in (39, 30, 21, 12):
            at = self.physical(table) + (address >> shift & 511) * 8
            entry = int(struct.unpack_from("<Q", self.data, at)[0])
            if shift == 12 or not entry & 1:
                return entry if shift == 12 else 0
            table = entry & 0xFFFFFFFFFF000
        raise AssertionError

    def page(self, address: int, root: int = 0) -> bytes:
        entry = self.entry(address, root)
        assert entry & 1
        at = self.physical(entry & 0xFFFFFFFFFF000)
        return self.data[at : at + 0x1000]


def test_dump_holds_every_page(kernel: Kernel, tmp_path: Path) -> None:
    size = write_dump(kernel, tmp_path / "kernel.dmp")
    dump = Dump((tmp_path / "kernel.dmp").read_bytes())
    assert size == len(dump.data)
    assert struct.unpack_from("<Q", dump.data, 0x28)[0] == kernel.symbols["PsActiveProcessHead"]
    own_root = kernel.directory_base[6104]
    assert own_root != kernel.directory_base[4] == dump.root
    for number, page in kernel.memory.pages.items():
        if number in kernel.memory.paged_out:
            entry = dump.entry(number << 12)
            assert entry and not entry & 1  # there is an entry, and it says: in the page file
        else:
            assert dump.page(number << 12) == page
            assert dump.page(number << 12, own_root) == page
    assert dump.entry(0xFFFFCC8AFFFF0000) == 0


def test_dump_names_itself_synthetic(kernel: Kernel, tmp_path: Path) -> None:
    write_dump(kernel, tmp_path / "kernel.dmp")
    assert (tmp_path / "kernel.dmp").read_bytes()[0xFB0:0xFC0].rstrip(b"\0") == b"synthetic"


def test_process_text(kernel: Kernel) -> None:
    text = commands(kernel)["!process 0 1 explorer.exe"].splitlines()
    assert text[0] == "PROCESS %x" % kernel.processes[4120]
    assert text[1].startswith("    SessionId: 1  Cid: 1018    Peb: 5d")
    assert text[3] == "    Image: explorer.exe"
    assert "    Token                             %x" % kernel.tokens["explorer"] in text
    assert commands(kernel)["!process 0 0 chrome.exe"].count("PROCESS ") == 2
    assert "    SessionId: none  Cid: 0004    Peb: 00000000  ParentCid: 0000\n" in commands(kernel)["!process 0 0"]


def test_token_text(kernel: Kernel) -> None:
    """Lines as real Windows 10 machines printed them, for System's token and for a filtered one."""
    system = commands(kernel)["!token %x" % kernel.tokens["system"]]
    for line in (
        "TS Session ID: 0",
        "User: S-1-5-18",
        " 00 S-1-5-32-544\n    Attributes - Default Enabled Owner ",
        " 03 S-1-16-16384\n    Attributes - GroupIntegrity GroupIntegrityEnabled ",
        "Primary Group: S-1-5-18",
        " 02 0x000000002 SeCreateTokenPrivilege            Attributes - ",
        " 36 0x000000024 SeDelegateSessionUserImpersonatePrivilege  Attributes - Enabled Default ",
        "Authentication ID:         (0,3e7)",
        "Impersonation Level:       Anonymous",
        "TokenType:                 Primary",
        "Token ID: 3eb              ParentToken ID: 0",
        "Modified ID:               (0, 3ec)",
        "RestrictedSidCount: 0      RestrictedSids: 0x0000000000000000",
        "OriginatingLogonSession: 0",
        "PackageSid: (null)",
        "CapabilityCount: 0      Capabilities: 0x0000000000000000",
        "LowboxNumberEntry: 0x0000000000000000",
        "Process Token TrustLevelSid: S-1-19-1024-8192",
    ):
        assert line + "\n" in system
    explorer = commands(kernel)["!token %x" % kernel.tokens["explorer"]]
    assert "Source: User32             TokenFlags: 0x2a00 ( Token in use )\n" in explorer
    assert "    Attributes - DenyOnly \n" in explorer


def test_token_text_is_left_out_where_memory_is(kernel: Kernel) -> None:
    for key, token in MACHINE.tokens.items():
        assert ("!token %x" % kernel.tokens[key] in commands(kernel)) == (not token.paged_out)
    with pytest.raises(MemoryUnreadable):
        kernel.memory.read(kernel.tokens["token-paged-out"], 8)


def test_no_hostile_name_is_a_command(kernel: Kernel) -> None:
    assert not [command for command in commands(kernel) if ";" in command or '"' in command]


def test_standin_file(kernel: Kernel, tmp_path: Path) -> None:
    write_standin(kernel, tmp_path / "standin.txt")
    text = (tmp_path / "standin.txt").read_text(encoding="utf-8")
    assert text.startswith(">>> !process ") and text.count("\n>>> ") == len(commands(kernel)) - 1
