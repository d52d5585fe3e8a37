"""The synthetic kernel against an independent reading.

Offsets in HAND are copied by hand from the public type data of the six kernels (what `dt` prints
there), and every read below is plain struct.unpack: no kdtoken decoder, no code of the builder.
"""

import json
import struct
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from kdtoken.errors import MemoryUnreadable, SymbolNotFound, TypeNotFound
from kdtoken.layout.layout_file import LayoutFile, load_layouts
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import Kernel, build
from tests.machine.synthetic import SyntheticSource

FILES = sorted((Path(__file__).parent.parent / "fixtures" / "layouts").glob("nt-*.json"))

# _EPROCESS: UniqueProcessId, ActiveProcessLinks, ImageFileName, Token, ThreadListHead;
# _ETHREAD: Cid, ClientSecurity, CrossThreadFlags, ThreadListEntry.
HAND: Dict[str, Tuple[int, ...]] = {
    "6.1.7601.24540": (0x180, 0x188, 0x2E0, 0x208, 0x308, 0x3B8, 0x3E8, 0x450, 0x428),
    "6.3.9600.21620": (0x2E0, 0x2E8, 0x438, 0x348, 0x470, 0x620, 0x650, 0x6B4, 0x688),
    "10.0.17763.5933": (0x2E0, 0x2E8, 0x450, 0x358, 0x488, 0x638, 0x668, 0x6D0, 0x6A8),
    "10.0.19041.3570": (0x440, 0x448, 0x5A8, 0x4B8, 0x5E0, 0x478, 0x4A8, 0x510, 0x4E8),
    "10.0.20348.2529": (0x440, 0x448, 0x5A8, 0x4B8, 0x5E0, 0x4C8, 0x4F8, 0x560, 0x538),
    "10.0.22000.2538": (0x440, 0x448, 0x5A8, 0x4B8, 0x5E0, 0x4C8, 0x4F8, 0x560, 0x538),
}
IMPERSONATING = 1 << 3  # _ETHREAD.ActiveImpersonationInfo, on all six
# _TOKEN of Windows 7 differs from the later ones from SessionId on:
# UserAndGroupCount, RestrictedSidCount, UserAndGroups, RestrictedSids, PrimaryGroup, DefaultDacl, SidHash
TOKEN_7 = (0x78, 0x7C, 0x90, 0x98, 0xA0, 0xB0, 0xE0)
TOKEN_8 = (0x7C, 0x80, 0x98, 0xA0, 0xA8, 0xB8, 0xE8)


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def layouts(request: pytest.FixtureRequest) -> LayoutFile:
    return load_layouts(request.param)


@pytest.fixture(scope="module")
def kernel(layouts: LayoutFile) -> Kernel:
    return build(MACHINE, layouts)


def q(kernel: Kernel, address: int) -> int:
    return int(struct.unpack("<Q", kernel.memory.peek(address, 8))[0])


def d(kernel: Kernel, address: int) -> int:
    return int(struct.unpack("<I", kernel.memory.peek(address, 4))[0])


def ring(kernel: Kernel, head: int) -> List[int]:
    """Entries of a list, forwards; backwards must tell the same."""
    there: List[int] = []
    back: List[int] = []
    for found, step in ((there, 0), (back, 8)):
        at = q(kernel, head + step)
        while at != head:
            found.append(at)
            at = q(kernel, at + step)
    assert there == back[::-1]
    return there


def sid_text(kernel: Kernel, address: int) -> str:
    revision, count = struct.unpack("<BB", kernel.memory.peek(address, 2))
    authority = int.from_bytes(kernel.memory.peek(address + 2, 6), "big")
    numbers = struct.unpack("<%dI" % count, kernel.memory.peek(address + 8, 4 * count))
    return "-".join(["S", str(revision), str(authority)] + [str(number) for number in numbers])


def places_of(build_name: str) -> Tuple[int, ...]:
    """The offsets of HAND for any build, out of its fixture's JSON as it stands."""
    path = next(path for path in FILES if path.stem == "nt-" + build_name)
    types = json.loads(path.read_text(encoding="utf-8"))["types"]

    def at(type_name: str, member: str) -> int:
        return next(int(field[1]) for field in types[type_name]["fields"] if field[0] == member)

    process = ("UniqueProcessId", "ActiveProcessLinks", "ImageFileName", "Token", "ThreadListHead")
    thread = ("Cid", "ClientSecurity", "CrossThreadFlags", "ThreadListEntry")
    return tuple([at("_EPROCESS", name) for name in process] + [at("_ETHREAD", name) for name in thread])


def test_what_was_copied_by_hand_is_in_the_fixtures() -> None:
    """A build that comes new needs no row: its places are read out of its file."""
    assert {name: places_of(name) for name in HAND} == HAND


def test_process_list(kernel: Kernel) -> None:
    pid, links, name, token, threads, cid, _security, _flags, entry = places_of(kernel.layouts.build)
    seen = [at - links for at in ring(kernel, kernel.symbols["PsActiveProcessHead"])]
    assert seen == [kernel.processes[process.pid] for process in MACHINE.processes]
    for process, at in zip(MACHINE.processes, seen):
        assert q(kernel, at + pid) == process.pid
        assert kernel.memory.peek(at + name, 15) == process.image_name.ljust(15, b"\0")
        reference = q(kernel, at + token)
        if process.token is None:
            assert reference == 0
        else:
            assert reference & ~0xF == kernel.tokens[process.token]
            assert reference & 0xF == MACHINE.tokens[process.token].fast_ref
        seen_threads = [one - entry for one in ring(kernel, at + threads)]
        assert seen_threads == [kernel.threads[thread.tid] for thread in process.threads]
        for thread, at_thread in zip(process.threads, seen_threads):
            assert (q(kernel, at_thread + cid), q(kernel, at_thread + cid + 8)) == (process.pid, thread.tid)


def test_impersonation(kernel: Kernel) -> None:
    security, flags = places_of(kernel.layouts.build)[6:8]
    for tid, at in kernel.threads.items():
        thread = MACHINE.thread(tid)
        word = q(kernel, at + security)
        if thread.impersonates is None:
            assert word == 0 and not d(kernel, at + flags) & IMPERSONATING
            continue
        assert word & ~7 == kernel.tokens[thread.impersonates]
        assert word & 3 == thread.level and bool(word & 4) == thread.effective_only
        assert bool(d(kernel, at + flags) & IMPERSONATING) != thread.stale


def test_object_headers(kernel: Kernel) -> None:
    """_OBJECT_HEADER is 0x30 bytes before the body on all six: TypeIndex +0x18, InfoMask +0x1a."""
    for kind, index, tag, bodies in (
        ("Token", 5, b"Toke", kernel.tokens.values()),
        ("Process", 7, b"Proc", kernel.processes.values()),
        ("Thread", 8, b"Thre", kernel.threads.values()),
    ):
        assert q(kernel, kernel.symbols["ObTypeIndexTable"] + 8 * index) == kernel.types[kind]
        for body in bodies:
            header = body - 0x30
            raw = kernel.memory.peek(header + 0x18, 1)[0]
            if kernel.layouts.build.startswith("10."):
                cookie = kernel.memory.peek(kernel.symbols["ObHeaderCookie"], 1)[0]
                raw ^= cookie ^ (header >> 8 & 0xFF)
            else:
                assert "ObHeaderCookie" not in kernel.symbols
            assert raw == index
            assert kernel.memory.peek(header + 0x1A, 1) == b"\x08"  # quota info, 0x20 bytes
            seen = kernel.memory.peek(header - 0x20 - 0x10 + 4, 4)
            high = 0x80 if kernel.layouts.build.startswith("6.1.") else 0
            assert seen == tag[:3] + bytes([tag[3] | high])
            assert body % 16 == 0
    assert q(kernel, kernel.symbols["SeTokenObjectType"]) == kernel.types["Token"]
    name = kernel.types["Token"] + 0x10
    assert kernel.memory.peek(q(kernel, name + 8), 10).decode("utf-16-le") == "Token"


def test_handle_table(kernel: Kernel) -> None:
    table = q(kernel, kernel.symbols["PspCidTable"])
    windows7 = kernel.layouts.build.startswith("6.1.")
    code = q(kernel, table + (0 if windows7 else 8))
    assert code & 3 == 1  # two levels: ids go beyond 256 * 4
    found = {}
    for page in range(8):
        leaf = q(kernel, (code & ~3) + 8 * page)
        for index in range(256 if leaf else 0):
            low = q(kernel, leaf + 16 * index)
            if low:
                number = 4 * (256 * page + index)
                found[number] = low & ~7 if windows7 else 0xFFFF000000000000 | low >> 20 << 4
    assert found == {**kernel.processes, **kernel.threads}


def test_tokens(kernel: Kernel) -> None:
    places = TOKEN_7 if kernel.layouts.build.startswith("6.1.") else TOKEN_8
    count, restricted_count, groups, restricted, primary, dacl, sid_hash = places
    for key, at in kernel.tokens.items():
        token = MACHINE.tokens[key]
        ids = struct.unpack("<8sQQQQq", kernel.memory.peek(at, 0x30))
        assert ids[0] == token.source_name
        assert ids[1:] == (token.source_id, token.token_id, token.auth_id, token.parent_id, token.expiration)
        assert struct.unpack("<QQQ", kernel.memory.peek(at + 0x40, 24)) == token.privileges.masks
        for array, length, declared in (
            (groups, d(kernel, at + count), token.all_groups),
            (restricted, d(kernel, at + restricted_count), token.restricted),
        ):
            start = q(kernel, at + array)
            read = [
                (sid_text(kernel, q(kernel, start + 16 * index)), d(kernel, start + 16 * index + 8))
                for index in range(length)
            ]
            assert read == [(group.sid, group.attributes) for group in declared]
        assert sid_text(kernel, q(kernel, at + primary)) == token.primary_group
        acl = q(kernel, at + dacl)
        if token.default_dacl is None:
            assert acl == 0
        else:
            revision, size, aces = struct.unpack("<BxHH", kernel.memory.peek(acl, 6))
            assert (revision, aces) == (2, len(token.default_dacl))
            assert size == 8 + sum(8 + 8 + 4 * (ace.sid.count("-") - 2) for ace in token.default_dacl)
        assert d(kernel, at + sid_hash) == len(token.all_groups)
        # User: bit 0, in the word that the low half of his last number picks.
        low = int(token.user.rsplit("-", 1)[1]) & 0xF
        assert q(kernel, at + sid_hash + 0x10 + 8 * low) & 1


def test_logon_sessions(kernel: Kernel) -> None:
    """Next +0, LogonId +8, BuddyLogonId +0x10 on all six; Token and the names moved after 7."""
    table = q(kernel, kernel.symbols["SepLogonSessions"])
    found = {}
    for bucket in range(16):
        at = q(kernel, table + 8 * bucket)
        while at:
            logon_id = q(kernel, at + 8)
            assert logon_id & 0xF == bucket
            found[logon_id] = (at, q(kernel, at + 0x10))
            at = q(kernel, at)
    assert found == {
        session.logon_id: (kernel.logon_sessions[session.logon_id], session.buddy_id)
        for session in MACHINE.logon_sessions
    }
    name = 0x30 if kernel.layouts.build.startswith("6.1.") else 0x38
    at = kernel.logon_sessions[MACHINE.tokens["explorer"].auth_id]
    length, room, buffer = struct.unpack("<HHxxxxQ", kernel.memory.peek(at + name, 16))
    assert (length, room) == (8, 10)
    assert kernel.memory.peek(buffer, length).decode("utf-16-le") == "Anna"


def test_paged_out(kernel: Kernel) -> None:
    source = SyntheticSource(kernel)
    fixed = 0x300
    with pytest.raises(MemoryUnreadable) as error:
        source.read(kernel.tokens["token-paged-out"], fixed)
    assert error.value.reason == "paged out" and error.value.partial == b""
    at = kernel.tokens["sids-paged-out"]
    assert source.read(at, fixed)
    with pytest.raises(MemoryUnreadable) as error:
        source.read(at, 0x800)
    assert error.value.partial
    assert source.read(kernel.tokens["dynamic-paged-out"], fixed)
    with pytest.raises(MemoryUnreadable) as error:
        source.read(0x1000, 8)
    assert error.value.reason == "not mapped"


def test_same_input_same_bytes(layouts: LayoutFile) -> None:
    one, two, other = build(MACHINE, layouts), build(MACHINE, layouts), build(MACHINE, layouts, seed=1)
    assert one.memory.pages == two.memory.pages
    assert one.tokens == two.tokens
    assert set(one.tokens.values()).isdisjoint(other.tokens.values())


def test_grown(layouts: LayoutFile) -> None:
    kernel = build(grown(MACHINE, 400, 120), layouts)
    assert len(ring(kernel, kernel.symbols["PsActiveProcessHead"])) == len(kernel.processes) == 400
    assert len(set(kernel.tokens.values())) == 120


def test_dropped_fields(kernel: Kernel) -> None:
    """What a kernel has no field for is said, not lost."""
    if kernel.layouts.build.startswith("6.1."):
        assert {"_TOKEN.Package", "_TOKEN.Capabilities", "_TOKEN.TrustLevelSid"} <= set(kernel.dropped_fields)
    else:
        assert kernel.dropped_fields == {}


def test_target_can_be_made_to_fail(kernel: Kernel) -> None:
    source = SyntheticSource(kernel)
    at = kernel.tokens["notepad"]
    source.poke(at, b"changed!")
    assert source.read(at, 8) == b"changed!"
    assert kernel.memory.read(at, 8) == b"User32 \0"
    assert (source.requests, source.bytes_read) == (1, 8)
    source.poke_field(at, "_TOKEN", "Privileges.Enabled", 1 << 20)
    assert source.read(at + 0x48, 8) == (1 << 20).to_bytes(8, "little")
    assert kernel.memory.peek(at + 0x48, 8) == (1 << 23).to_bytes(8, "little")
    source.without_pages([at])
    with pytest.raises(MemoryUnreadable):
        source.read(at, 8)
    assert source.layout("_TOKEN").has("LogonSession")
    source.without_field("_TOKEN", "LogonSession")
    assert not source.layout("_TOKEN").has("LogonSession")
    assert source.symbol("nt!PspCidTable") == kernel.symbols["PspCidTable"]
    with pytest.raises(SymbolNotFound):
        source.without_symbol("PspCidTable").symbol("nt!PspCidTable")
    with pytest.raises(TypeNotFound):
        source.without_type("_TOKEN").layout("_TOKEN")
    assert source.answer("!process 0  0", "PROCESS").command("!PROCESS 0 0") == "PROCESS"
    assert "notepad.exe" in source.with_commands().command("!process 0 0")


class FakeImage:
    """An nt file that nobody compiled: 'MZ', and the same addresses as without one."""

    def __init__(self, layouts: LayoutFile) -> None:
        plain = build(MACHINE, layouts)
        self.symbols = {name: at - plain.base for name, at in plain.symbols.items()}
        self.memory_image = b"MZ" + bytes(plain.image_size - 2)


def test_into_an_image(layouts: LayoutFile) -> None:
    image = FakeImage(layouts)
    kernel = build(MACHINE, layouts, image)
    assert kernel.memory.read(kernel.base, 2) == b"MZ"
    assert kernel.image_size == len(image.memory_image)
    assert kernel.symbols["PspCidTable"] == kernel.base + image.symbols["PspCidTable"]
    # Only Windows 10 and later have the cookie.
    assert ("ObHeaderCookie" in kernel.symbols) == layouts.build.startswith("10.")
