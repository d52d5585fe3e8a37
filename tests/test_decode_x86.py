"""A 32-bit kernel: 4-byte pointers and three reference bits, from the text of `dt` to a whole token.

The layouts are a made-up build in the form of Windows 7's; nothing in the decoders may care.
"""

import re
from pathlib import Path
from typing import Dict, List

import pytest

from kdtoken.decode.fast_ref import fast_ref_mask
from kdtoken.decode.logon_session import find_logon_session
from kdtoken.decode.process import pointer_bytes, process_details, walk_processes
from kdtoken.decode.thread import walk_threads
from kdtoken.decode.token import decode_token
from kdtoken.errors import SymbolNotFound
from kdtoken.layout.dt import parse_dt
from kdtoken.layout.layout import Layout, stride
from kdtoken.layout.layout_file import LayoutFile, layouts_of
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import NAMES
from kdtoken.model.process import FastRef, Impersonation
from kdtoken.model.sid import Sid
from kdtoken.model.token import LogonSession, SidHash, Token
from kdtoken.source.base import Source
from kdtoken.source.cached import CachedSource
from tests.expected import seen_aces
from tests.machine.binary import acl_bytes, sid_bytes, sid_hash, sids_array
from tests.machine.memory import Memory
from tests.machine.spec import AceSpec
from tests.machine.structs import Structs, link

TEXT = Path(__file__).parent.parent / "fixtures" / "layouts" / "nt-x86-made-up.dt.txt"

# name -> address; all in the upper half, where a sign bit could do harm
SYMBOLS = {
    "PsActiveProcessHead": 0x82950000,
    "SeTokenObjectType": 0x82950010,
    "PsProcessType": 0x82950014,
    "PsThreadType": 0x82950018,
    "ObTypeIndexTable": 0x82951000,
    "SepLogonSessions": 0x82950020,
}
SYSTEM, NOTEPAD = 0x84F3A020, 0x8237DC70  # _EPROCESS
THREAD, SERVER_THREAD = 0x85001020, 0x85002020  # _ETHREAD of notepad
TOKEN, CLIENT = 0xE265A018, 0xE2660018  # _TOKEN, 8 bytes aligned
DYNAMIC, SESSION, TABLE, TYPES_AT = 0xE2670000, 0xE2671000, 0xE2672000, 0x84000000

ANNA = "S-1-5-21-790525478-1844823847-1801674531-1000"
GROUPS = [(ANNA, 0), ("S-1-1-0", 7), ("S-1-5-32-544", 0x10), ("S-1-16-8192", 0x60)]
RESTRICTED = [("S-1-5-12", 7)]
ACES = (AceSpec(ANNA), AceSpec("S-1-5-18"))


def load() -> LayoutFile:
    """Every type of the listing; each section is what one `dt` printed."""
    parts = re.split(r"^kd> dt nt!(\w+)$", TEXT.read_text(encoding="ascii"), flags=re.MULTILINE)
    return layouts_of("6.1.7601", "", 4, [parse_dt(name, body) for name, body in zip(parts[1::2], parts[2::2])])


class X86(Source):
    """The machine below: two processes, two threads of one of them, two tokens, one logon session."""

    def __init__(self) -> None:
        self.layouts = load()
        self.memory = Memory()
        self.structs = Structs(self.memory, self.layouts)
        self._types()
        self._token(TOKEN, token_id=0x4A319A, kind=1, level=0)
        self._token(CLIENT, token_id=0x4A31A0, kind=2, level=2)
        self._session()
        self._processes()

    def read(self, address: int, size: int) -> bytes:
        return self.memory.read(address, size)

    def layout(self, name: str) -> Layout:
        return self.layouts.layout(name)

    def symbol(self, name: str) -> int:
        if name not in SYMBOLS:
            raise SymbolNotFound("no symbol %s" % name, name)
        return SYMBOLS[name]

    def _text(self, at: int, buffer: int, text: str) -> None:
        self.memory.write(buffer, text.encode("utf-16-le"))
        self.structs.put(
            "_UNICODE_STRING", at, {"Length": 2 * len(text), "MaximumLength": 2 * len(text) + 2, "Buffer": buffer}
        )

    def _types(self) -> None:
        for index, name, variable in (
            (2, "Type", ""),
            (5, "Token", "SeTokenObjectType"),
            (7, "Process", "PsProcessType"),
        ):
            at = TYPES_AT + 0x100 * index + 0x80
            self._header(at, 2)
            self.structs.put("_OBJECT_TYPE", at, {"Index": index})
            self._text(at + 8, at + 0x40, name)
            self.structs.pointer(SYMBOLS["ObTypeIndexTable"] + 4 * index, at)
            if variable:
                self.structs.pointer(SYMBOLS[variable], at)

    def _header(self, body: int, index: int) -> None:
        at = body - self.structs.offset("_OBJECT_HEADER", "Body")
        self.structs.put("_OBJECT_HEADER", at, {"TypeIndex": index, "PointerCount": 3, "HandleCount": 1})

    def _token(self, at: int, token_id: int, kind: int, level: int) -> None:
        self._header(at, 5)
        first = at + self.structs.offset("_TOKEN", "VariablePart")
        array = sids_array(first, GROUPS, 4)
        second = first + len(array)
        more = sids_array(second, RESTRICTED, 4)
        self.memory.write(first, array + more)
        group = sid_bytes("S-1-5-21-790525478-1844823847-1801674531-513")
        self.memory.write(DYNAMIC, group + acl_bytes(ACES))
        hashes = b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in sid_hash([sid for sid, _ in GROUPS]))
        self.structs.put(
            "_TOKEN",
            at,
            {
                "TokenSource.SourceName": b"User32 \0",
                "TokenId": token_id.to_bytes(8, "little"),
                "AuthenticationId": (0x10166).to_bytes(8, "little"),
                "ModifiedId": (0x4A319C).to_bytes(8, "little"),
                "ExpirationTime": (0x7FFFFFFFFFFFFFFF).to_bytes(8, "little"),
                "Privileges.Present": 1 << 23 | 1 << 19,
                "Privileges.Enabled": 1 << 23,
                "Privileges.EnabledByDefault": 1 << 23,
                "SessionId": 1,
                "UserAndGroupCount": len(GROUPS),
                "RestrictedSidCount": 1,
                "VariableLength": len(array) + len(more),
                "UserAndGroups": first,
                "RestrictedSids": second,
                "PrimaryGroup": DYNAMIC,
                "DynamicPart": DYNAMIC,
                "DefaultDacl": DYNAMIC + len(group),
                "TokenType": kind,
                "ImpersonationLevel": level,
                "TokenFlags": 0x2A00,
                "TokenInUse": 1,
                "IntegrityLevelIndex": 3,
                "MandatoryPolicy": 3,
                "LogonSession": SESSION,
                "SidHash.SidCount": len(GROUPS),
                "SidHash.SidAttr": first,
                "SidHash.Hash": hashes,
            },
        )

    def _session(self) -> None:
        kind = "_SEP_LOGON_SESSION_REFERENCES"
        self.structs.put(
            kind,
            SESSION,
            {
                "LogonId": (0x10166).to_bytes(8, "little"),
                "BuddyLogonId": (0x10150).to_bytes(8, "little"),
                "ReferenceCount": 12,
                "Flags": 0xD,
                "Token": TOKEN,
            },
        )
        self._text(SESSION + self.structs.offset(kind, "AccountName"), SESSION + 0x100, "Anna")
        self._text(SESSION + self.structs.offset(kind, "AuthorityName"), SESSION + 0x120, "ANNA-PC")
        self.structs.pointer(SYMBOLS["SepLogonSessions"], TABLE)
        self.structs.pointer(TABLE + 4 * (0x10166 & 0xF), SESSION)

    def _processes(self) -> None:
        for at, pid, name, token in ((SYSTEM, 4, b"System", 0), (NOTEPAD, 0x834, b"notepad.exe", TOKEN | 5)):
            self._header(at, 7)
            self.structs.put(
                "_EPROCESS",
                at,
                {
                    "UniqueProcessId": pid,
                    "ImageFileName": name,
                    "Token.Value": token,
                    "ActiveThreads": 2,
                    "InheritedFromUniqueProcessId": 4 if pid != 4 else 0,
                    "CreateTime": (0x01C9000000000000 + pid).to_bytes(8, "little"),
                },
            )
        links = self.structs.offset("_EPROCESS", "ActiveProcessLinks")
        link(self.structs, SYMBOLS["PsActiveProcessHead"], (SYSTEM + links, NOTEPAD + links))
        entry = self.structs.offset("_ETHREAD", "ThreadListEntry")
        head = self.structs.offset("_EPROCESS", "ThreadListHead")
        link(self.structs, NOTEPAD + head, (THREAD + entry, SERVER_THREAD + entry))
        link(self.structs, SYSTEM + head, ())
        for at, tid in ((THREAD, 0x838), (SERVER_THREAD, 0x83C)):
            self.structs.put("_ETHREAD", at, {"Cid.UniqueProcess": 0x834, "Cid.UniqueThread": tid})
        self.structs.put("_ETHREAD", SERVER_THREAD, {"ActiveImpersonationInfo": 1})
        self.structs.put("_ETHREAD", SERVER_THREAD, {"ClientSecurity.ImpersonationData": CLIENT | 4 | 2})


@pytest.fixture(scope="module")
def target() -> X86:
    return X86()


def test_sizes_follow_from_the_members(target: X86) -> None:
    sizes = {name: stride(target.layout(name), target.layout) for name in target.layouts.types}
    want: Dict[str, int] = {
        "_SID_AND_ATTRIBUTES": 8,
        "_SID_AND_ATTRIBUTES_HASH": 0x88,
        "_LIST_ENTRY": 8,
        "_UNICODE_STRING": 8,
        "_EX_FAST_REF": 4,
        "_TOKEN": 0x1E0,
        "_SEP_AUDIT_POLICY": 0x1A,
        "_TOKEN_TYPE": 4,
    }
    assert {name: sizes[name] for name in want} == want


def test_pointers_and_reference_bits(target: X86) -> None:
    assert pointer_bytes(target) == 4
    assert fast_ref_mask(target) == 7


def test_processes(target: X86) -> None:
    processes, problems = walk_processes(target)
    assert problems == []
    assert [(p.address, p.pid, p.image_name, p.parent_pid) for p in processes] == [
        (SYSTEM, 4, "System", 0),
        (NOTEPAD, 0x834, "notepad.exe", 4),
    ]
    assert processes[1].token == FastRef(TOKEN | 5, 7)
    assert isinstance(processes[1].token, FastRef) and processes[1].token.object == TOKEN


@pytest.mark.parametrize("argument", ["8237dc70", "0x8237DC70", "notepad", "2100", "0x834"])
def test_ways_to_name_a_process(target: X86, argument: str) -> None:
    assert find_process(target, argument)[0].address == NOTEPAD


def test_details(target: X86) -> None:
    details = process_details(target, find_process(target, "notepad")[0])
    assert (details.create_time, details.exit_time, details.active_threads) == (0x01C9000000000834, 0, 2)
    assert details.protection == Absent("_EPROCESS.Protection.Level")


def test_threads(target: X86) -> None:
    head = process_details(target, find_process(target, "notepad")[0]).thread_list_head
    threads, problems = walk_threads(target, head)
    assert problems == []
    assert [(t.pid, t.tid, t.impersonation) for t in threads] == [
        (0x834, 0x838, None),
        (0x834, 0x83C, Impersonation(CLIENT, 2, True)),
    ]


def groups(pairs: List[tuple]) -> tuple:  # type: ignore[type-arg]
    return tuple(Group(Sid.from_text(text), bits) for text, bits in pairs)


@pytest.mark.parametrize("at, token_id, kind, level", [(TOKEN, 0x4A319A, 1, 0), (CLIENT, 0x4A31A0, 2, 2)])
def test_a_token(target: X86, at: int, token_id: int, kind: int, level: int) -> None:
    token = decode_token(target, at, NAMES)
    assert isinstance(token, Token)
    assert token.problems == ()
    assert (token.source_name, token.token_id, token.modified_id) == ("User32 ", Luid(0, token_id), Luid(0, 0x4A319C))
    assert token.expiration_time == 0x7FFFFFFFFFFFFFFF
    assert token.user_and_groups == groups(GROUPS)
    assert token.restricted_sids == groups(RESTRICTED)
    assert (str(token.integrity), str(token.user)) == ("S-1-16-8192", ANNA)
    assert str(token.primary_group).endswith("-513")
    assert seen_aces(token.default_dacl) == tuple((0, 0, 0x10000000, ace.sid) for ace in ACES)
    assert (token.token_type, token.impersonation_level, token.flags, token.in_use) == (kind, level, 0x2A00, 1)
    assert isinstance(token.privileges, tuple)
    assert [(p.number, p.enabled) for p in token.privileges] == [(19, False), (23, True)]
    assert isinstance(token.sid_hash, SidHash) and len(token.sid_hash.words) == 32
    assert (token.audit_policy, token.session_id, token.mandatory_policy) == (bytes(25), 1, 3)
    for later in (token.package, token.capabilities, token.trust_level_sid, token.diagnostics):
        assert isinstance(later, Absent)


def test_the_logon_session_from_the_token_and_from_the_table(target: X86) -> None:
    token = decode_token(target, TOKEN, NAMES)
    assert isinstance(token, Token) and isinstance(token.logon_session, LogonSession)
    session = token.logon_session
    assert (session.account_name, session.authority_name, session.token) == ("Anna", "ANNA-PC", TOKEN)
    assert session.buddy_logon_id == Luid(0, 0x10150)
    assert find_logon_session(target, Luid(0, 0x10166)) == session


def test_an_object_of_another_type(target: X86) -> None:
    seen = decode_token(target, NOTEPAD, NAMES)
    assert isinstance(seen, Unreadable) and "a Process object" in seen.reason


def test_the_cache_serves_it_too(target: X86) -> None:
    cached = CachedSource(target)
    assert decode_token(cached, TOKEN, NAMES) == decode_token(target, TOKEN, NAMES)
    assert cached.requests <= 8
