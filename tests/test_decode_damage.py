"""Any page gone, any 8 bytes overwritten: decoders end, and what they call known is right.

The oracle is the declaration (tests.expected) and the places that each value is read from, worked out
here from the layout.  A value may become Unreadable by any damage; it may become another value only
where the damage lies in the value's own places.
"""

from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.decode.process import walk_processes
from kdtoken.decode.thread import walk_threads
from kdtoken.decode.token import MEMBERS, decode_token
from kdtoken.errors import KdTokenError, MemoryUnreadable
from kdtoken.layout.layout import size_of
from kdtoken.model.absent import Missing, Unreadable
from kdtoken.model.privilege import NAMES
from kdtoken.model.process import FastRef
from kdtoken.model.token import LogonSession, Token
from kdtoken.source.cached import CachedSource
from tests import expected
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
KEYS = ["notepad", "calculator", "bfe", "restricted", "system"]
PAGES = sorted(number * 0x1000 for number in KERNEL.memory.pages)
BY_ADDRESS = {address: key for key, address in KERNEL.tokens.items()}
Ranges = List[Tuple[int, int]]


def pointer(at: int) -> int:
    return int.from_bytes(KERNEL.memory.peek(at, 8), "little")


def member(type_name: str, address: int, path: str) -> Tuple[int, int]:
    """(start, stop) of a member in memory."""
    offset, kind = 0, type_name
    for name in path.split("."):
        one = KERNEL.layouts.layout(kind).field(name)
        offset, kind = offset + one.offset, one.type
    return address + offset, address + offset + size_of(kind, KERNEL.layouts.layout)


def sid_places(at: int) -> Ranges:
    return [(at, at + 8 + 4 * KERNEL.memory.peek(at + 1, 1)[0])] if at else []


def array_places(array: int, count: int) -> Ranges:
    places = [(array, array + 16 * count)]
    for index in range(count):
        places += sid_places(pointer(array + 16 * index))
    return places


def places(key: str) -> Dict[str, Ranges]:
    """attribute of Token -> the ranges that decide it."""
    at, spec = KERNEL.tokens[key], MACHINE.tokens[key]
    own = {name: [member("_TOKEN", at, path)] for name, path, _, _ in MEMBERS}
    for name, count, size in (
        ("user_and_groups", "UserAndGroupCount", len(spec.all_groups)),
        ("restricted_sids", "RestrictedSidCount", len(spec.restricted)),
        ("capabilities", "CapabilityCount", len(spec.capabilities)),
    ):
        own[name].append(member("_TOKEN", at, count))
        own[name] += array_places(pointer(own[name][0][0]), size)
    for name in ("primary_group", "package", "trust_level_sid"):
        own[name] += sid_places(pointer(own[name][0][0]))
    dacl = pointer(own["default_dacl"][0][0])
    if dacl:
        own["default_dacl"].append((dacl, dacl + int.from_bytes(KERNEL.memory.peek(dacl + 2, 2), "little")))
    entry = pointer(own["lowbox_number"][0][0])
    if entry:
        own["lowbox_number"].append(member("_SEP_LOWBOX_NUMBER_ENTRY", entry, "LowboxNumber"))
    return own


PLACES = {key: places(key) for key in KEYS}


class Damage:
    """What was done to a kernel."""

    def __init__(self, target: SyntheticSource) -> None:
        self.target = target
        self.changed: Ranges = []

    def touches(self, ranges: Ranges) -> bool:
        return any(a < stop and start < b for a, b in self.changed for start, stop in ranges)

    def overwrite(self, address: int, value: int) -> None:
        try:
            self.target.read(address & ~0xFFF, 0x1000)
        except MemoryUnreadable:
            return  # the page was taken away before; writing would bring it back, full of zeros
        self.target.poke(address, value.to_bytes(8, "little"))
        self.changed.append((address, address + 8))


# Pointers that a damaged machine may hold: null, wild, into the kernel's own memory, and plain numbers.
VALUES = st.one_of(
    st.sampled_from([0, 1, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF, 0xFFFFDEAD00000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000]),
    st.sampled_from(sorted(KERNEL.tokens.values())),
    st.sampled_from(sorted(KERNEL.processes.values())).map(lambda at: at + 0x448),
    st.sampled_from(PAGES),
    st.integers(0, 2**64 - 1),
)


@st.composite
def damages(draw: Any, near: Tuple[int, ...] = ()) -> Damage:
    """Up to three damages: pages gone, or 8 bytes overwritten, most of them where the decoder goes."""
    damage = Damage(SyntheticSource(KERNEL))
    for _ in range(draw(st.integers(1, 3))):
        page = draw(st.one_of(st.sampled_from(PAGES), st.sampled_from(near or PAGES)))
        how = draw(st.sampled_from(["paged out", "unmapped", "overwritten"]))
        if how == "paged out":
            damage.target.without_pages([page])
        elif how == "unmapped":
            damage.target.without_mapping([page])
        else:
            damage.overwrite(page & ~0xFFF | 8 * draw(st.integers(0, 511)), draw(VALUES))
    return damage


def spots(key: str) -> Tuple[int, ...]:
    """Addresses that decoding a token visits."""
    target = SyntheticSource(KERNEL)
    decode_token(target, KERNEL.tokens[key], {})
    return tuple(sorted({at for at, _ in target.log}))


def check_token(token: Any, key: str, damage: Damage) -> None:
    """Known and not touched has to mean declared."""
    if isinstance(token, Unreadable):
        return
    assert isinstance(token, Token)
    own = PLACES[key]
    for name, value in expected.fields(KERNEL, key).items():
        if name == "address":
            continue
        seen = getattr(token, name)
        if seen == value or isinstance(seen, Unreadable) or damage.touches(own[name]):
            continue
        # a list may hold unreadable entries in the places of right ones
        assert isinstance(seen, tuple) and len(seen) == len(value), (name, seen)
        for one, right in zip(seen, value):
            assert one == right or isinstance(one, Unreadable), (name, one)
    if not damage.touches(own["privileges"]) and isinstance(token.privileges, tuple):
        assert [p.number for p in token.privileges] == [one[0] for one in expected.privileges(MACHINE.tokens[key])]
    dacl = token.default_dacl
    if not isinstance(dacl, Unreadable) and not damage.touches(own["default_dacl"]):
        assert expected.seen_aces(dacl) == expected.aces(MACHINE.tokens[key])
    if isinstance(token.logon_session, LogonSession) and not damage.touches(own["logon_session"]):
        check_logon(token.logon_session, MACHINE.tokens[key].auth_id, damage)


def check_logon(session: LogonSession, logon_id: int, damage: Damage) -> None:
    kind, at = "_SEP_LOGON_SESSION_REFERENCES", KERNEL.logon_sessions[logon_id]
    members = {
        "logon_id": "LogonId",
        "buddy_logon_id": "BuddyLogonId",
        "reference_count": "ReferenceCount",
        "flags": "Flags",
        "account_name": "AccountName",
        "authority_name": "AuthorityName",
        "token": "Token",
    }
    for name, value in expected.logon(KERNEL, logon_id).items():
        if name == "address":
            continue
        ranges = [member(kind, at, members[name])]
        if name.endswith("_name"):
            buffer = pointer(ranges[0][0] + 8)
            ranges.append((buffer, buffer + 64))
        seen = getattr(session, name)
        assert seen == value or isinstance(seen, Missing) or damage.touches(ranges), name


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("key", KEYS)
def test_a_token_in_damaged_memory(key: str, cached: bool) -> None:
    @given(damages(spots(key)))
    def check(damage: Damage) -> None:
        target: Any = CachedSource(damage.target) if cached else damage.target
        try:
            token = decode_token(target, KERNEL.tokens[key], NAMES)
        except KdTokenError:
            return
        check_token(token, key, damage)
        assert damage.target.bytes_read < 0x200000
        assert damage.target.requests < 500

    check()


@given(st.sampled_from(KEYS), st.sampled_from(PAGES))
def test_only_pages_gone_changes_no_value(key: str, page: int) -> None:
    """Nothing was overwritten, so nothing may differ, only be unreadable."""
    damage = Damage(SyntheticSource(KERNEL).without_pages([page]))
    check_token(decode_token(damage.target, KERNEL.tokens[key], {}), key, damage)


@pytest.mark.parametrize("key", KEYS)
def test_each_word_of_a_token_overwritten_in_turn(key: str) -> None:
    """Every 8 bytes of the struct and its header, with a pointer to nowhere and with all ones."""
    size = KERNEL.layouts.layout("_TOKEN").size or 0
    for offset in range(-0x30, size, 8):
        for value in (0xFFFFDEAD00000000, 0xFFFFFFFFFFFFFFFF):
            damage = Damage(SyntheticSource(KERNEL))
            damage.overwrite(KERNEL.tokens[key] + offset, value)
            check_token(decode_token(damage.target, KERNEL.tokens[key], {}), key, damage)
            assert damage.target.bytes_read < 0x100000, hex(offset)


LINKS = tuple(at + 0x440 for at in KERNEL.processes.values())
HEAD = KERNEL.symbols["PsActiveProcessHead"]


@given(damages(LINKS + (HEAD,)))
def test_the_process_list_in_damaged_memory(damage: Damage) -> None:
    try:
        processes, problems = walk_processes(damage.target)
    except KdTokenError:
        return
    declared = {KERNEL.processes[one.pid]: one for one in MACHINE.processes}
    for seen in processes:
        # an entry that is none can only come from damage to a link, and then the walk says so
        if seen.address not in declared:
            assert damage.changed and problems
            continue
        one = declared[seen.address]
        paths = {"pid": "UniqueProcessId", "image_name": "ImageFileName", "parent_pid": "InheritedFromUniqueProcessId"}
        for name, value in (("pid", one.pid), ("parent_pid", one.parent)):
            if not damage.touches([member("_EPROCESS", seen.address, paths[name])]):
                have = getattr(seen, name)
                assert have == value or isinstance(have, Unreadable) or have == -1
        token = seen.token
        if isinstance(token, FastRef) and not damage.touches([member("_EPROCESS", seen.address, "Token")]):
            assert token.object == (KERNEL.tokens[one.token] if one.token else 0)
    if not problems:
        assert len(processes) == len(declared)


@given(st.sampled_from([p for p in MACHINE.processes if p.threads]), st.data())
def test_thread_lists_in_damaged_memory(process: Any, data: Any) -> None:
    near = tuple(KERNEL.threads[t.tid] for t in process.threads)
    damage = data.draw(damages(near))
    head = member("_EPROCESS", KERNEL.processes[process.pid], "ThreadListHead")[0]
    threads, problems = walk_threads(damage.target, head)
    declared = {KERNEL.threads[t.tid]: t for t in process.threads}
    if not problems:
        assert [t.address for t in threads] == list(declared)
    for seen in threads:
        if seen.address in declared and not damage.touches([member("_ETHREAD", seen.address, "Cid")]):
            assert seen.tid == declared[seen.address].tid or isinstance(seen.tid, Unreadable)


@given(st.integers(0, 2**64 - 1) | st.sampled_from(PAGES))
def test_a_token_is_not_made_of_whatever_lies_there(address: int) -> None:
    """Where no token is, either that is said or, if it cannot be told, a problem is."""
    seen = decode_token(SyntheticSource(KERNEL), address, {})
    assert isinstance(seen, Missing) or address in BY_ADDRESS or seen.problems
