"""Whole tokens: what is decoded equals what was declared, and damage never passes for a value."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, List, Set

import pytest

from kdtoken.decode.process import walk_processes
from kdtoken.decode.thread import walk_threads
from kdtoken.decode.token import MEMBERS, decode_token
from kdtoken.errors import FieldNotFound, TypeNotFound
from kdtoken.layout.dt import parse_dt
from kdtoken.layout.layout import Field, Layout, make_layout, size_of
from kdtoken.layout.layout_file import LayoutFile
from kdtoken.model.absent import Absent, NotAsked, Unreadable, known
from kdtoken.model.group import Group
from kdtoken.model.privilege import NAMES
from kdtoken.model.token import SidHash, Token
from kdtoken.source.cached import CachedSource
from tests import expected
from tests.expected import FILES, WINDOWS_7, WINDOWS_11, kernel_of, layouts_of_build
from tests.machine.binary import sid_hash
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build
from tests.machine.synthetic import SyntheticSource

FIELDS = {member.attribute: member.path for member in MEMBERS}
NEWEST = WINDOWS_11  # 10.0.22000
SEVEN = WINDOWS_7
KEYS = sorted(MACHINE.tokens)
HUGE = (0xFFFFFFFF).to_bytes(4, "little")
NOWHERE = (0xFFFFDEAD00000000).to_bytes(8, "little")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


def decode(target: Any, key: str = "notepad") -> Any:
    return decode_token(target, _kernel(target).tokens[key], NAMES)


def _kernel(target: Any) -> Kernel:
    kernel: Kernel = target.kernel
    return kernel


def damaged(key: str, member: str, data: bytes, path: Path = NEWEST) -> SyntheticSource:
    """A target where one member of one token holds other bytes."""
    target = SyntheticSource(kernel_of(path))
    return target.poke_field(target.kernel.tokens[key], "_TOKEN", member, data)


def pointer(kernel: Kernel, key: str, member: str) -> int:
    """What a pointer member of a token holds."""
    at = kernel.tokens[key] + kernel.layouts.layout("_TOKEN").field(member).offset
    return int.from_bytes(kernel.memory.peek(at, 8), "little")


# --- what is declared is what is decoded


def test_every_token_of_every_build(kernel: Kernel) -> None:
    target = SyntheticSource(kernel)
    names = NAMES
    for key in KEYS:
        expected.assert_equal(decode_token(target, kernel.tokens[key], names), kernel, key)


def test_hashes_of_sids(kernel: Kernel) -> None:
    for key in KEYS:
        spec, token = MACHINE.tokens[key], decode(SyntheticSource(kernel), key)
        for seen, member, groups in (
            (token.sid_hash, "UserAndGroups", spec.all_groups),
            (token.restricted_sid_hash, "RestrictedSids", spec.restricted),
        ):
            assert seen == SidHash(len(groups), pointer(kernel, key, member), sid_hash([one.sid for one in groups]))


def test_capability_hash_covers_the_capabilities() -> None:
    token = decode(SyntheticSource(kernel_of(NEWEST)), "calculator")
    sids = [one.sid for one in MACHINE.tokens["calculator"].capabilities]
    assert token.capabilities_hash.words == sid_hash(sids)


def test_every_member_of_the_known_builds_has_a_name(kernel: Kernel) -> None:
    covered = {path.split(".")[0] for path in FIELDS.values()}
    members = {member.name for member in kernel.layouts.layout("_TOKEN").fields}
    assert members - covered == set()
    assert decode(SyntheticSource(kernel)).unnamed == ()


def test_fields_are_attributes_of_the_model() -> None:
    assert set(FIELDS) <= set(Token.__dataclass_fields__)


def test_every_value_says_where_it_came_from(kernel: Kernel) -> None:
    target = SyntheticSource(kernel)
    token = decode(target, "calculator")
    layout = kernel.layouts.layout("_TOKEN")
    for name, path in FIELDS.items():
        if isinstance(getattr(token, name), Absent):
            continue
        top = layout.field(path.split(".")[0])
        origin = token.origins.get(name)
        if origin is None:  # hashes are three members, each of its own
            assert "hash" in name, name
            continue
        start = token.address + top.offset
        assert start <= origin.address < start + size_of(top.type, kernel.layouts.layout), name
        assert origin.raw == kernel.memory.peek(origin.address, len(origin.raw)), name


@pytest.mark.parametrize("name, path", sorted(FIELDS.items()))
def test_a_member_that_the_build_lacks_is_absent_not_zero(name: str, path: str) -> None:
    """Let the newest kernel's type lose one member at a time."""
    target = SyntheticSource(kernel_of(NEWEST))
    if target.layout("_TOKEN").has(path.split(".")[0]):  # else it is of a newer build, and lacks already
        target.without_field("_TOKEN", path.split(".")[0])
    token = decode(target, "calculator")
    assert isinstance(getattr(token, name), Absent)
    assert path.split(".")[0] in str(getattr(token, name)) or "." in path


def test_windows_7_has_no_packages() -> None:
    token = decode(SyntheticSource(kernel_of(SEVEN)), "calculator")
    for name in ("package", "capabilities", "capability_count", "lowbox_number", "trust_level_sid"):
        assert isinstance(getattr(token, name), Absent), name


def test_null_pointers_are_none_not_absent() -> None:
    token = decode(SyntheticSource(kernel_of(NEWEST)), "restricted")
    assert (token.default_dacl, token.package, token.trust_level_sid, token.lowbox_number) == (None,) * 4
    assert token.capabilities == ()


def test_a_dacl_with_nobody_in_it_is_not_no_dacl() -> None:
    dacl = decode(SyntheticSource(kernel_of(NEWEST)), "sandbox").default_dacl
    assert dacl is not None and dacl.aces == () and dacl.problem == ""


def test_a_token_without_a_logon_session_has_none() -> None:
    target = damaged("notepad", "LogonSession", bytes(8))
    assert decode(target).logon_session is None


def test_diagnostics_of_who_made_the_token() -> None:
    """A hand-made _SEP_TOKEN_DIAG_TRACK_ENTRY, by the layout's offsets."""
    kernel = kernel_of(NEWEST)
    target = SyntheticSource(kernel)
    layout = kernel.layouts.layout("_SEP_TOKEN_DIAG_TRACK_ENTRY")
    at = 0xFFFFCC8A77770000
    target.poke(at, bytes(layout.size or 0))
    target.poke_field(kernel.tokens["notepad"], "_TOKEN", "DiagnosticInfo", at.to_bytes(8, "little"))
    for member, data in (
        ("ProcessCid", (4120).to_bytes(8, "little")),
        ("ThreadCid", (4124).to_bytes(8, "little")),
        ("ImageFileName", b"explorer.exe\0junk"[: size_of(layout.field("ImageFileName").type, target.layout)]),
        ("CreateMethod", (3).to_bytes(4, "little")),
    ):
        target.poke_field(at, layout.name, member, data)
    seen = decode(target).diagnostics
    assert (seen.address, seen.process_cid, seen.thread_cid, seen.image_file_name, seen.create_method) == (
        at,
        4120,
        4124,
        "explorer.exe",
        3,
    )


# --- layouts that nobody hard-coded


def shuffled(layouts: LayoutFile, name: str, shuffle: Callable[[List[Any]], Any], gap: Callable[[], int]) -> LayoutFile:
    """The layouts with the members of one type in another order and with other gaps.

    Members that share bytes (unions, bit-fields and their integer) move together.
    """
    old, path = layouts.layout(name), FILES[[one.stem for one in FILES].index("nt-" + layouts.build)]
    original = layouts_of_build(path).layout  # embedded structs may have grown since
    clusters: List[List[Field]] = []
    end = 0
    for member in old.fields:
        if clusters and member.offset < end:
            clusters[-1].append(member)
        else:
            clusters.append([member])
        end = max(end, member.offset + size_of(member.type, original))
    # What must stay last: the groups follow VariablePart, the object follows its header.
    last = [one for one in clusters if one[0].name in ("VariablePart", "Body")]
    moving = [one for one in clusters if one not in last]
    shuffle(moving)
    at, fields = 0, []
    for members in moving + last:
        at = -(-at // 16) * 16 + (0 if members in last else 8 * gap())
        start = members[0].offset
        fields += [replace(one, offset=one.offset - start + at) for one in members]
        at += max(one.offset - start + size_of(one.type, layouts.layout) for one in members)
    types = dict(layouts.types)
    types[name] = make_layout(name, -(-at // 16) * 16, fields)
    return replace(layouts, types=types)


# Embedded types first, so that those around them make room.
MOVED = (
    "_TOKEN_SOURCE",
    "_SEP_TOKEN_PRIVILEGES",
    "_SEP_AUDIT_POLICY",
    "_SID_AND_ATTRIBUTES_HASH",
    "_CLIENT_ID",
    "_SEP_LOWBOX_NUMBER_ENTRY",
    "_SEP_LOGON_SESSION_REFERENCES",
    "_OBJECT_TYPE",
    "_TOKEN",
    "_EPROCESS",
    "_ETHREAD",
    "_OBJECT_HEADER",
)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("path", [SEVEN, NEWEST], ids=lambda path: path.stem)
def test_an_invented_build(path: Path, seed: int) -> None:
    """Other offsets and another order of members: an offset from memory would not survive."""
    dice = random.Random(seed)
    layouts = layouts_of_build(path)
    for name in MOVED:
        if name in layouts.types:
            layouts = shuffled(layouts, name, dice.shuffle, lambda: dice.randrange(4))
    assert layouts.layout("_TOKEN").fields != layouts_of_build(path).layout("_TOKEN").fields
    kernel = build(MACHINE, layouts, seed=seed)
    kernel.memory.paged_out = set()
    target = SyntheticSource(kernel)
    for key in KEYS:
        expected.assert_equal(decode_token(target, kernel.tokens[key], NAMES), kernel, key)
    processes, problems = walk_processes(target)
    assert problems == []
    assert [p.pid for p in processes] == [p.pid for p in MACHINE.processes]
    head = layouts.layout("_EPROCESS").field("ThreadListHead").offset
    for declared in MACHINE.processes:
        threads, problems = walk_threads(target, kernel.processes[declared.pid] + head)
        assert problems == []
        assert [t.tid for t in threads] == [t.tid for t in declared.threads]


def test_layouts_without_sizes_decode_the_same() -> None:
    """Plain `dt` text prints no size; C's rule has to give it."""
    kernel = kernel_of(NEWEST)

    class Plain(SyntheticSource):
        def layout(self, name: str) -> Layout:
            found = super().layout(name)
            return replace(found, size=None) if found.fields else found

    for key in KEYS:
        expected.assert_equal(decode(Plain(kernel), key), kernel, key)


# --- bad memory: Unreadable in its place, and the rest stays


def test_a_paged_out_token_is_unreadable_as_a_whole() -> None:
    kernel = kernel_of(NEWEST, False)
    token = decode(SyntheticSource(kernel), "token-paged-out")
    assert isinstance(token, Unreadable) and token.reason == "paged out"


def test_sids_paged_out_leave_the_fixed_part() -> None:
    kernel = kernel_of(NEWEST, False)
    token = decode(SyntheticSource(kernel), "sids-paged-out")
    spec = MACHINE.tokens["sids-paged-out"]
    assert (token.token_id.value, token.session_id) == (spec.token_id, spec.session_id)
    assert len(token.user_and_groups) == len(spec.all_groups)
    assert any(isinstance(one, Unreadable) and one.reason == "paged out" for one in token.user_and_groups)
    for seen, declared in zip(token.user_and_groups, expected.groups(spec.all_groups)):
        assert isinstance(seen, Unreadable) or seen == declared


def test_dynamic_part_paged_out_costs_only_the_group_and_the_dacl() -> None:
    kernel = kernel_of(NEWEST, False)
    token = decode(SyntheticSource(kernel), "dynamic-paged-out")
    for value in (token.primary_group, token.default_dacl):
        assert isinstance(value, Unreadable) and value.reason == "paged out"
    assert token.user_and_groups == expected.groups(MACHINE.tokens["dynamic-paged-out"].all_groups)


def test_a_token_that_ends_in_the_middle_keeps_its_first_half() -> None:
    """The second page of a token that crosses a border is gone."""
    kernel = kernel_of(NEWEST, False)
    address = kernel.tokens["sids-paged-out"]
    border = (address // 0x1000 + 1) * 0x1000
    layout = kernel.layouts.layout("_TOKEN")
    # move the struct so that the border falls after ModifiedId
    inside = layout.field("Privileges").offset
    moved = border - inside
    target = SyntheticSource(kernel)
    target.poke(moved, kernel.memory.peek(address, inside))
    target.poke(moved - 0x30, kernel.memory.peek(address - 0x30, 0x30))
    header = moved - 0x30
    cookie = kernel.cookie or 0
    target.poke(header + 0x18, bytes([5 ^ cookie ^ (header >> 8 & 0xFF)]))
    target.without_mapping([border])
    token = decode_token(target, moved, NAMES)
    assert isinstance(token, Token)
    assert token.modified_id == expected.fields(kernel, "sids-paged-out")["modified_id"]
    assert isinstance(token.privileges, Unreadable) and token.privileges.address == border
    assert isinstance(token.user, Unreadable) and isinstance(token.logon_session, Unreadable)


@pytest.mark.parametrize("count", ["UserAndGroupCount", "RestrictedSidCount", "CapabilityCount"])
def test_a_count_of_four_billion_is_not_walked(count: str) -> None:
    target = damaged("calculator", count, HUGE)
    token = decode(target, "calculator")
    name = {"UserAndGroupCount": "user_and_groups", "RestrictedSidCount": "restricted_sids"}.get(count, "capabilities")
    value = getattr(token, name)
    assert isinstance(value, Unreadable) and "0xffffffff" in value.reason
    assert target.bytes_read < 0x4000


def test_a_huge_sid_count_of_a_hash_is_only_a_number() -> None:
    kernel = kernel_of(NEWEST)
    at = kernel.tokens["notepad"] + kernel.layouts.layout("_TOKEN").field("SidHash").offset
    target = SyntheticSource(kernel).poke(at, HUGE)
    token = decode(target)
    assert token.sid_hash.count == 0xFFFFFFFF
    assert target.bytes_read < 0x4000


def test_a_huge_variable_length_is_told_and_not_read() -> None:
    target = damaged("notepad", "VariableLength", HUGE)
    token = decode(target)
    assert token.problems == ("VariableLength 0xffffffff is not believable",)
    assert token.user_and_groups == expected.groups(MACHINE.tokens["notepad"].all_groups)
    assert target.bytes_read < 0x4000


def test_a_wild_group_array_is_unreadable_entry_by_entry() -> None:
    token = decode(damaged("notepad", "UserAndGroups", NOWHERE))
    assert all(isinstance(one, Unreadable) and one.reason == "not mapped" for one in token.user_and_groups)
    assert isinstance(token.user, Unreadable)


def test_a_null_group_array_with_a_count_is_unreadable() -> None:
    token = decode(damaged("notepad", "UserAndGroups", bytes(8)))
    assert isinstance(token.user_and_groups, Unreadable) and "null" in token.user_and_groups.reason


@pytest.mark.parametrize(
    "start, reason", [(b"\x01\x10", "SubAuthorityCount"), (b"\x02\x01", "Revision"), (b"\x01\xff", "SubAuthorityCount")]
)
def test_a_primary_group_that_is_no_sid(start: bytes, reason: str) -> None:
    target = SyntheticSource(kernel_of(NEWEST))
    at = pointer(target.kernel, "notepad", "PrimaryGroup")
    token = decode(target.poke(at, start))
    assert isinstance(token.primary_group, Unreadable) and reason in token.primary_group.reason
    assert known(token.default_dacl)


def test_an_acl_shorter_than_its_header_is_no_acl() -> None:
    target = SyntheticSource(kernel_of(NEWEST))
    at = pointer(target.kernel, "notepad", "DefaultDacl")
    token = decode(target.poke(at + 2, b"\x07\x00"))
    assert isinstance(token.default_dacl, Unreadable) and "AclSize" in token.default_dacl.reason


def test_an_acl_that_claims_64_kib_does_not_take_the_rest_along() -> None:
    target = SyntheticSource(kernel_of(NEWEST))
    at = pointer(target.kernel, "notepad", "DefaultDacl")
    target.poke(at + 2, b"\xff\xff")
    token = decode(target)
    assert target.bytes_read < 0x40000
    assert token.primary_group == expected.fields(target.kernel, "notepad")["primary_group"]


def test_memory_that_stops_inside_the_dacl() -> None:
    """The DACL is moved so that only its header and half an ACE are there."""
    target = SyntheticSource(kernel_of(NEWEST))
    at = pointer(target.kernel, "notepad", "DefaultDacl")
    raw = target.kernel.memory.peek(at, 20)
    page = 0xFFFFCC8A55550000
    target.poke(page - 20, raw)
    target.poke_field(target.kernel.tokens["notepad"], "_TOKEN", "DefaultDacl", (page - 20).to_bytes(8, "little"))
    token = decode(target)
    assert isinstance(token.default_dacl, Unreadable) and token.default_dacl.reason == "not mapped"
    assert known(token.primary_group)


def test_memory_that_stops_inside_a_sid() -> None:
    target = SyntheticSource(kernel_of(NEWEST))
    kernel = target.kernel
    page = 0xFFFFCC8A55560000
    sid = kernel.memory.peek(pointer(kernel, "notepad", "PrimaryGroup"), 16)
    target.poke(page - 16, sid)
    target.poke_field(kernel.tokens["notepad"], "_TOKEN", "PrimaryGroup", (page - 16).to_bytes(8, "little"))
    token = decode(target)
    assert isinstance(token.primary_group, Unreadable) and token.primary_group.reason == "not mapped"


def test_an_address_of_a_process_is_said_to_be_one(kernel: Kernel) -> None:
    address = kernel.processes[6104]
    seen = decode_token(SyntheticSource(kernel), address, NAMES)
    assert isinstance(seen, Unreadable) and "a Process object" in seen.reason and seen.address == address


def test_an_address_beside_a_token_is_no_token(kernel: Kernel) -> None:
    seen = decode_token(SyntheticSource(kernel), kernel.tokens["notepad"] + 0x10, NAMES)
    assert isinstance(seen, Unreadable)


@pytest.mark.parametrize("address", [0, 8, 0x1000, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFF0000])
def test_no_memory_there_at_all(address: int) -> None:
    assert isinstance(decode_token(SyntheticSource(kernel_of(NEWEST)), address, NAMES), Unreadable)


@pytest.mark.parametrize("symbol", ["SeTokenObjectType", "ObTypeIndexTable"])
def test_without_the_type_table_the_token_is_shown_with_a_warning(symbol: str) -> None:
    kernel = kernel_of(NEWEST)
    token = decode(SyntheticSource(kernel).without_symbol(symbol))
    assert len(token.problems) == 1 and symbol in token.problems[0]
    assert replace(token, problems=()) == replace(decode(SyntheticSource(kernel)), problems=())


def test_without_the_cookie_a_token_is_not_called_something_else() -> None:
    token = decode(SyntheticSource(kernel_of(NEWEST)).without_symbol("ObHeaderCookie"))
    assert isinstance(token, Token)
    assert len(token.problems) == 1 and "ObHeaderCookie" in token.problems[0]


def test_without_object_headers_in_the_symbols_the_token_is_shown() -> None:
    token = decode(SyntheticSource(kernel_of(NEWEST)).without_type("_OBJECT_HEADER"))
    assert isinstance(token, Token)
    assert len(token.problems) == 1 and "_OBJECT_HEADER" in token.problems[0]


def test_symbols_without_tokens_are_named() -> None:
    with pytest.raises(TypeNotFound, match="_TOKEN") as error:
        decode(SyntheticSource(kernel_of(NEWEST)).without_type("_TOKEN"))
    assert error.value.subject == "_TOKEN"


def test_symbols_without_a_members_type_are_named() -> None:
    with pytest.raises((TypeNotFound, FieldNotFound), match="_SEP_TOKEN_PRIVILEGES"):
        decode(SyntheticSource(kernel_of(NEWEST)).without_type("_SEP_TOKEN_PRIVILEGES"))


def test_missing_type_of_the_logon_session_costs_only_that() -> None:
    token = decode(SyntheticSource(kernel_of(NEWEST)).without_type("_SEP_LOGON_SESSION_REFERENCES"))
    assert isinstance(token.logon_session, Absent)
    assert known(token.user)


def test_privileges_that_were_an_array_in_xp_are_absent() -> None:
    """`Privileges` of Windows XP is a pointer to LUIDs: its members are not there to be asked."""
    kernel = kernel_of(NEWEST)

    class Xp(SyntheticSource):
        def layout(self, name: str) -> Layout:
            if name != "_TOKEN":
                return super().layout(name)
            text = "   +0x000 TokenSource : _TOKEN_SOURCE\n   +0x074 Privileges : Ptr32 _LUID_AND_ATTRIBUTES\n"
            return parse_dt("_TOKEN", text)

    token = decode(Xp(kernel))
    assert isinstance(token.privileges, Absent)
    assert token.source_name == "User32 "


# --- what it costs


@pytest.mark.parametrize("key", ["system", "notepad", "cmd", "csrss-0"])
def test_a_token_costs_at_most_six_requests(kernel: Kernel, key: str) -> None:
    cached = CachedSource(SyntheticSource(kernel))
    decode_token(cached, kernel.tokens[key], NAMES)
    assert cached.requests <= 6


@pytest.mark.parametrize("everything", [True, False])
def test_no_byte_is_asked_twice(everything: bool) -> None:
    """Not even of pages that were refused."""
    kernel = kernel_of(NEWEST, everything)
    for key in KEYS:
        inner = SyntheticSource(kernel)
        decode_token(CachedSource(inner), kernel.tokens[key], NAMES)
        seen: Set[int] = set()
        for start, size in inner.log:
            asked = set(range(start, start + size))
            got = {at for at in asked if _readable(kernel, at)}
            assert not seen & got, (key, hex(start))
            seen |= got


def _readable(kernel: Kernel, address: int) -> bool:
    return address // 0x1000 in kernel.memory.pages and address // 0x1000 not in kernel.memory.paged_out


def test_caching_changes_no_answer(kernel: Kernel) -> None:
    plain = SyntheticSource(kernel)
    cached = CachedSource(SyntheticSource(kernel))
    for key in KEYS:
        assert decode_token(cached, kernel.tokens[key], NAMES) == decode(plain, key)


def test_groups_keep_their_type() -> None:
    token = decode(SyntheticSource(kernel_of(NEWEST)))
    assert all(isinstance(one, Group) for one in token.user_and_groups)


OUTSIDE = (
    "primary_group",
    "default_dacl",
    "security_attributes",
    "package",
    "capabilities",
    "lowbox_number",
    "claim_attributes",
    "trust_level_sid",
    "integrity_level_sid_value",
    "sid_values",
    "diagnostics",
)


@pytest.mark.parametrize("key", ["notepad", "calculator", "system"])
def test_a_lean_decode_follows_no_pointer_out_of_the_token(key: str) -> None:
    """Each pointer is NotAsked with where it leads, null stays null, and nothing is read there."""
    target = SyntheticSource(kernel_of(NEWEST))
    token = decode_token(target, target.kernel.tokens[key], NAMES, follow=False)
    assert isinstance(token, Token) and token.origins == {}
    asked = 0
    for name in OUTSIDE:
        value = pointer(target.kernel, key, FIELDS[name])
        if value == 0:
            assert getattr(token, name) in (None, ()), name
            continue
        asked += 1
        empty = name == "capabilities" and token.capability_count == 0
        assert getattr(token, name) == (() if empty else NotAsked(value)), name
        own = token.address <= value < token.address + 0x1000  # a label within the groups is read with them
        assert own or not any(at <= value < at + size for at, size in target.log), name
    assert asked >= 2
