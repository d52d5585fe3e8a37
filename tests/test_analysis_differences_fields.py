"""Two views compared: what was planted is found and nothing else, and no blind spot is a difference."""

import re
from dataclasses import replace
from typing import Any, Callable, Dict, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.analysis.differences.comparison import Comparison, Kind, Outcome, Part, View
from kdtoken.analysis.differences.fields import compare
from kdtoken.model.absent import Absent, ElevationSaid, NotSaid, Unreadable
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import NAMES, Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import FIELD_NAMES, RawMember, Token
from kdtoken.model.view import Unread
from kdtoken.view.whoami.reader import read_whoami_text
from tests.declared_views import VIEWS, command, decoded, information, kernel, of_text, whoami, whoami_lines
from tests.examples import examples
from tests.expected import FILES
from tests.machine.declared import MACHINE

EVERYONE, ADMINS, STRANGER = (Sid.from_text(one) for one in ("S-1-1-0", "S-1-5-32-544", "S-1-5-32-551"))
GONE = Unreadable(0xFFFF8000, "paged out")
BASE = decoded("notepad")
WHOLE = [key for key, token in MACHINE.tokens.items() if not token.paged_out]


def kernels(a: Token, b: Token) -> Comparison:
    return compare(View(a, Kind.KERNEL, "a"), View(b, Kind.KERNEL, "b"))


def names(comparison: Comparison, *outcomes: Outcome) -> Set[str]:
    return {row.name for row in comparison.with_outcome(*outcomes)}


def differing(comparison: Comparison) -> Set[str]:
    return names(comparison, Outcome.DIFFERS)


def groups_of(token: Token) -> Tuple[Group, ...]:
    assert isinstance(token.user_and_groups, tuple)
    return token.user_and_groups  # type: ignore[return-value]


def regroup(token: Token, change: Callable[[Group], Any]) -> Token:
    return replace(token, user_and_groups=tuple(change(one) for one in groups_of(token)))


def attributes(sid: Sid, bits: int) -> Callable[[Token], Token]:
    return lambda token: regroup(token, lambda one: Group(sid, bits) if one.sid == sid else one)


def with_group(token: Token) -> Token:
    entries = groups_of(token)
    return replace(
        token, user_and_groups=entries[:-1] + (Group(STRANGER, 7), entries[-1]), integrity_level_index=len(entries)
    )


def without_group(token: Token) -> Token:
    left = tuple(one for one in groups_of(token) if one.sid != EVERYONE)
    return replace(token, user_and_groups=left, integrity_level_index=len(left) - 1)


def relabel(token: Token, sid: str = "S-1-16-4096", bits: int = 0x60) -> Token:
    return replace(token, user_and_groups=groups_of(token)[:-1] + (Group(Sid.from_text(sid), bits),))


def another_user(token: Token) -> Token:
    first, *rest = groups_of(token)
    return replace(token, user_and_groups=(Group(STRANGER, first.attributes), *rest))


def privilege(number: int, present: bool, enabled: bool, default: bool = False) -> Callable[[Token], Token]:
    def change(token: Token) -> Token:
        assert isinstance(token.privileges, tuple)
        kept = {one.number: one for one in token.privileges}
        kept[number] = Privilege(number, NAMES[number], present, enabled, default)
        return replace(token, privileges=tuple(kept[n] for n in sorted(kept)))

    return change


def setting(**values: Any) -> Callable[[Token], Token]:
    return lambda token: replace(token, **values)


# What is planted -> the rows that it must give, and how serious each is.
PLANTED: Dict[str, Tuple[Callable[[Token], Token], Dict[str, str]]] = {
    "user": (another_user, {"user": "identity", "default owner": "policy"}),
    "user for deny only": (attributes(groups_of(BASE)[0].sid, 0x10), {"user attributes": "policy"}),
    "a group more": (with_group, {"group S-1-5-32-551": "identity"}),
    "a group less": (without_group, {"group S-1-1-0": "identity"}),
    "deny only": (attributes(EVERYONE, 0x10), {"group S-1-1-0": "policy"}),
    "admins on again": (attributes(ADMINS, 0xF), {"group S-1-5-32-544": "policy"}),
    "a group twice": (
        lambda t: replace(t, user_and_groups=groups_of(t) + (Group(ADMINS, 0xF),)),
        {"group S-1-5-32-544 (again)": "identity"},
    ),
    "integrity lowered": (relabel, {"integrity label": "identity"}),
    "label's attributes": (lambda t: relabel(t, "S-1-16-8192", 0x20), {"label attributes": "policy"}),
    "a second label": (
        lambda t: replace(t, user_and_groups=groups_of(t) + (Group(Sid.from_text("S-1-16-16384"), 0x60),)),
        {"group S-1-16-16384": "identity"},
    ),
    "enabled": (privilege(19, True, True), {"SeShutdownPrivilege": "policy"}),
    "removed": (privilege(19, False, False), {"SeShutdownPrivilege": "policy"}),
    "added": (privilege(20, True, False), {"SeDebugPrivilege": "policy"}),
    "by default": (privilege(19, True, False, True), {"SeShutdownPrivilege": "policy"}),
    "enabled and not held": (privilege(20, False, True), {"SeDebugPrivilege": "policy"}),
    "mark of removal gone": (privilege(30, False, False), {"SeCreateGlobalPrivilege": "policy"}),
    "restricted": (setting(restricted_sids=(Group(EVERYONE, 7),)), {"restricting SID S-1-1-0": "identity"}),
    "capability": (setting(capabilities=(Group(STRANGER, 4),)), {"capability S-1-5-32-551": "identity"}),
    "package": (setting(package=STRANGER), {"package": "identity"}),
    "lowbox": (setting(lowbox_number=3), {"lowbox number": "identity"}),
    "trust": (setting(trust_level_sid=Sid.from_text("S-1-19-512-8192")), {"trust level": "identity"}),
    "type": (setting(token_type=2), {"type": "identity"}),
    "source": (setting(source_name="Evil"), {"source": "identity"}),
    "logon": (setting(authentication_id=Luid.from_value(0x3E7)), {"authentication id": "identity"}),
    "origin": (setting(originating_logon_session=Luid.from_value(5)), {"originating logon": "identity"}),
    "flags": (setting(flags=0x2000), {"TokenFlags": "policy"}),
    "session": (setting(session_id=0), {"session": "policy"}),
    "mandatory policy": (setting(mandatory_policy=0), {"mandatory policy": "policy"}),
    "primary group": (setting(primary_group=EVERYONE), {"primary group": "policy"}),
    "default owner": (setting(default_owner_index=2), {"default owner": "policy"}),
    "no DACL": (setting(default_dacl=None), {"default DACL": "policy"}),
    "empty DACL": (setting(default_dacl=Acl.build(())), {"default DACL": "policy"}),
    "audit": (setting(audit_policy=b"\1" * 4), {"audit policy": "policy"}),
    "token id": (setting(token_id=Luid.from_value(7)), {"token id": "bookkeeping"}),
    "modified id": (setting(modified_id=Luid.from_value(7)), {"modified id": "bookkeeping"}),
    "parent": (setting(parent_token_id=Luid.from_value(7)), {"parent token id": "bookkeeping"}),
    "source id": (setting(source_id=Luid.from_value(7)), {"source id": "bookkeeping"}),
    "expiry": (setting(expiration_time=1), {"expiration": "bookkeeping"}),
    "in use": (setting(in_use=0), {"in use": "bookkeeping"}),
}
IN_NO_ROW = {"change without trace"}


@pytest.mark.parametrize("what", PLANTED)
def test_the_planted_difference_and_nothing_else(what: str) -> None:
    change, rows = PLANTED[what]
    found = kernels(BASE, change(BASE))
    assert {
        row.name: row.part.value for row in found.with_outcome(Outcome.DIFFERS) if row.name not in IN_NO_ROW
    } == rows
    assert names(found, Outcome.UNREADABLE, Outcome.EXPECTED, Outcome.ONLY_A, Outcome.ONLY_B) == set()
    assert found.exit_code == 1


@pytest.mark.parametrize("key", WHOLE)
@pytest.mark.parametrize("one", VIEWS)
def test_two_views_of_one_token_agree(key: str, one: str) -> None:
    """Whatever a view cannot know is never a difference, and something can always be compared."""
    for other in VIEWS:
        found = compare(VIEWS[one](key), VIEWS[other](key))
        assert differing(found) == set(), other
        assert names(found, Outcome.UNREADABLE) == set(), other
        assert found.exit_code == 0, other


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_token_is_itself_on_every_build(path: Any) -> None:
    found = compare(kernel("cmd", path), kernel("cmd", path))
    assert (found.exit_code, found.verdict) == (0, "A and B are the same token")
    assert names(found, Outcome.SAME, Outcome.NEITHER) == {row.name for row in found.rows}


@pytest.mark.parametrize("view", ["command", "information", "whoami"])
def test_a_view_finds_what_it_can_see(view: str) -> None:
    told = VIEWS[view]("notepad")
    for what in ("a group more", "a group less", "deny only", "integrity lowered", "enabled", "removed", "added"):
        change, rows = PLANTED[what]
        assert differing(compare(View(change(BASE), Kind.KERNEL, "a"), told)) - IN_NO_ROW == set(rows), what


def test_blind_spots_of_whoami_are_explained() -> None:
    found = compare(kernel("notepad"), whoami("notepad"))
    notes = {row.name: row.note for row in found.with_outcome(Outcome.EXPECTED)}
    assert notes == {
        "group S-1-5-5-0-192837": "whoami does not print the logon SID",
        "group S-1-5-21-1004336348-1177238915-682003330-513": "whoami does not print the primary group",
    }
    # Nobody but the kernel shows a privilege that was taken away.
    blind = names(found, Outcome.ONLY_A)
    assert {
        "token id",
        "default DACL",
        "primary group",
        "TokenFlags",
        "user attributes",
        "SeCreateGlobalPrivilege",
    } <= blind


def test_a_bare_label_and_a_bare_logon_sid_are_no_difference() -> None:
    odd = relabel(BASE, "S-1-16-8192", 0x20)
    found = compare(View(odd, Kind.KERNEL, "a"), whoami("notepad"))
    assert differing(found) == set() and "label attributes" in names(found, Outcome.EXPECTED)
    text = "C:\\>whoami /logonid\nS-1-5-5-0-192837\n\nC:\\>whoami /all\n\n" + whoami_lines("notepad")
    told = read_whoami_text(text).tokens
    assert len(told) == 1
    found = compare(kernel("notepad"), of_text(told[0], Kind.WHOAMI))
    assert differing(found) == set() and "group S-1-5-5-0-192837" in names(found, Outcome.EXPECTED)


def test_whoami_has_no_words_for_some_attributes() -> None:
    odd = attributes(EVERYONE, 0x7 | 0x100)(BASE)
    assert "group S-1-1-0" in names(compare(View(odd, Kind.KERNEL, "a"), whoami("notepad")), Outcome.EXPECTED)
    assert differing(compare(View(odd, Kind.KERNEL, "a"), information("notepad"))) == {
        "change without trace",
        "group S-1-1-0",
    }


def test_words_of_an_unknown_language_are_unknown_and_not_absent() -> None:
    told = read_whoami_text(whoami_lines("notepad", phrases=False)).tokens[0]
    found = compare(kernel("notepad"), of_text(told, Kind.WHOAMI))
    assert differing(found) == set()
    row = next(row for row in found.rows if row.name == "group S-1-1-0")
    assert row.outcome is Outcome.UNREADABLE and "attributes" in row.note
    # A group that the text does not list at all is missing all the same.
    more = View(with_group(BASE), Kind.KERNEL, "a")
    assert differing(compare(more, of_text(told, Kind.WHOAMI))) == {"group S-1-5-32-551"}


def test_what_the_command_does_not_print() -> None:
    found = compare(kernel("notepad"), command("notepad"))
    assert {"default DACL", "default owner", "mandatory policy", "expiration", "audit policy"} <= names(
        found, Outcome.ONLY_A
    )


@pytest.mark.parametrize("field", FIELD_NAMES)
def test_unreadable_is_neither_the_same_nor_different(field: str) -> None:
    broken = replace(BASE, **{field: GONE})
    there = kernels(BASE, BASE)
    for found in (kernels(BASE, broken), kernels(broken, BASE), kernels(broken, broken)):
        assert differing(found) == set()
    gone = names(kernels(BASE, broken), Outcome.UNREADABLE)
    left = names(there, Outcome.SAME) - names(kernels(BASE, broken), Outcome.SAME)
    assert not left or gone
    absent = replace(BASE, **{field: Absent("x")})
    assert differing(kernels(BASE, absent)) == set() == names(kernels(absent, absent), Outcome.UNREADABLE)


def test_a_hole_in_one_list_excuses_that_list_only() -> None:
    holed = regroup(BASE, lambda one: GONE if one.sid == EVERYONE else one)
    found = kernels(with_group(BASE), holed)
    # What B lacks may be what could not be read in B.
    assert differing(found) == set()
    assert names(found, Outcome.UNREADABLE) == {"group S-1-1-0", "group S-1-5-32-551", "unreadable entries of groups"}
    # What B has and A lacks, A's whole list denies.
    found = kernels(BASE, with_group(holed))
    assert differing(found) - IN_NO_ROW == {"group S-1-5-32-551"}


def test_a_cut_text_is_not_believed_to_be_whole() -> None:
    told = command("notepad")
    less = without_group(told.token)
    for cut in ("user_and_groups", "the rest"):
        found = compare(kernel("notepad"), replace(told, token=less, incomplete=(cut,)))
        assert differing(found) == set() and "group S-1-1-0" in names(found, Outcome.UNREADABLE)
    # Cut is B; what only B has is a difference.
    found = compare(View(without_group(BASE), Kind.KERNEL, "a"), replace(told, incomplete=("user_and_groups",)))
    assert differing(found) - IN_NO_ROW == {"group S-1-1-0"}
    fewer = replace(told.token, privileges=told.token.privileges[1:])  # type: ignore[index]
    found = compare(kernel("notepad"), replace(told, token=fewer, incomplete=("privileges",)))
    assert differing(found) == set() and names(found, Outcome.UNREADABLE) == {"SeShutdownPrivilege"}
    assert differing(compare(kernel("notepad"), replace(told, token=fewer))) - IN_NO_ROW == {"SeShutdownPrivilege"}


def test_room_and_padding_are_no_difference() -> None:
    dacl = BASE.default_dacl
    assert isinstance(dacl, Acl) and isinstance(BASE.audit_policy, bytes)
    wider = replace(
        BASE,
        default_dacl=replace(dacl, slack=b"\0" * 8, size=dacl.size + 8),
        source_name="User32",
        audit_policy=BASE.audit_policy + bytes(4),
    )
    assert kernels(BASE, wider).exit_code == 0
    deny = Ace.build(1, 0x40000, EVERYONE)
    assert differing(kernels(BASE, replace(BASE, default_dacl=replace(dacl, aces=(deny, *dacl.aces))))) == {
        "default DACL"
    }


def test_the_level_of_a_primary_token_means_nothing() -> None:
    found = kernels(BASE, replace(BASE, impersonation_level=2))
    assert names(found, Outcome.EXPECTED) == {"impersonation level"} and found.exit_code == 0
    client = decoded("client-anna")
    assert differing(kernels(client, replace(client, impersonation_level=3))) == {"impersonation level"}


def test_nothing_in_common_is_exit_code_2() -> None:
    nothing = read_whoami_text("PRIVILEGES INFORMATION\n" + whoami_lines("notepad").split("PRIVILEGES INFORMATION")[1])
    only_user = replace(BASE, **{name: Absent("x") for name in FIELD_NAMES})
    found = compare(of_text(nothing.tokens[0], Kind.WHOAMI), View(only_user, Kind.KERNEL, "b"))
    assert (found.exit_code, found.verdict) == (2, "A and B could not be compared: they have nothing in common")


MIRROR = {Outcome.ONLY_A: Outcome.ONLY_B, Outcome.ONLY_B: Outcome.ONLY_A}
ALL_CHANGES = [change for change, _ in PLANTED.values()] + [
    setting(**{field: value})
    for field in ("user_and_groups", "privileges", "flags", "default_dacl", "restricted_sids")
    for value in (GONE, Absent("x"))
]


def mutated(key: str, changes: Any) -> Token:
    token = decoded(key)
    for change in changes:
        try:
            token = change(token)
        except (AssertionError, TypeError):
            continue  # no user or no list left to change
    return token


@settings(deadline=None, max_examples=examples(100))
@given(
    st.sampled_from(["notepad", "cmd", "calculator", "sandbox", "lsass", "client-anna"]),
    st.sampled_from(["notepad", "cmd"]),
    st.lists(st.sampled_from(ALL_CHANGES), max_size=4),
    st.lists(st.sampled_from(ALL_CHANGES), max_size=4),
    st.sampled_from(list(Kind)),
    st.sampled_from(list(Kind)),
    st.sampled_from(["", "p"]),
)
def test_both_directions_mirror_each_other(
    key: str, other: str, mine: Any, theirs: Any, one: Kind, two: Kind, process: str
) -> None:
    a = View(mutated(key, mine), one, "a", process=process)
    b = View(mutated(other, theirs), two, "b", process=process)
    there, back = compare(a, b), compare(b, a)
    assert there.exit_code == back.exit_code
    assert [
        (row.part, row.name, MIRROR.get(row.outcome, row.outcome), row.b, row.a, row.note) for row in there.rows
    ] == [(row.part, row.name, row.outcome, row.a, row.b, row.note) for row in back.rows]
    swapped = re.sub(r"\b[AB]\b", lambda letter: "B" if letter.group() == "A" else "A", there.verdict)
    # Where a verdict speaks of both alike, it reads the same from either side.
    assert back.verdict in (swapped, there.verdict)
    assert back.verdict == swapped or " is " not in there.verdict.split(":")[0]
    same = compare(a, a)
    assert same.exit_code in (0, 2) and not differing(same)
    assert all(row.part in Part for row in there.rows)


def test_a_modified_id_that_neither_side_knows_accuses_nobody() -> None:
    """Two looks at one token without ModifiedId: what changed may have left its trace."""
    for unknown in (GONE, Absent("x")):
        before = replace(BASE, modified_id=unknown)
        after = replace(with_group(BASE), modified_id=unknown)
        found = kernels(before, after)
        assert "change without trace" not in names(found, *Outcome)
        assert "without the kernel's own trace" not in found.verdict


def test_whoami_leaves_domain_users_out_whatever_the_primary_group() -> None:
    """It leaves "None" (RID 513) out by its RID; the primary group it leaves out by being that."""
    domain = Sid.from_text("S-1-5-21-1000000001-1000000002-1000000003-513")
    users = Group(domain, 7)
    entries = groups_of(BASE)
    token = replace(
        BASE,
        primary_group=EVERYONE,
        user_and_groups=tuple(one for one in entries[:-1] if one.sid.rid != 513) + (users, entries[-1]),
        integrity_level_index=len([one for one in entries[:-1] if one.sid.rid != 513]) + 1,
    )
    found = compare(View(token, Kind.KERNEL, "a"), whoami("notepad"))
    row = next(one for one in found.rows if one.name == "group %s" % domain)
    assert (row.outcome, row.note) == (Outcome.EXPECTED, "whoami does not print the primary group")


def unnamed(**members: Any) -> Token:
    """Members that no version has a name for: name=(type, number or bytes)."""
    found = []
    for name, (kind, value) in members.items():
        raw = value if isinstance(value, bytes) else value.to_bytes(8, "little")
        found.append(RawMember("_TOKEN", name, kind, 0x10, raw, None if isinstance(value, bytes) else value))
    return replace(BASE, unnamed=tuple(found))


def test_members_without_a_name_are_compared_but_for_pointers() -> None:
    one = unnamed(New=("Uint4B", 1), Blob=("[4] UChar", b"abcd"), At=("Ptr64 _THING", 0x1000))
    other = unnamed(New=("Uint4B", 2), Blob=("[4] UChar", b"abcd"), At=("Ptr64 _THING", 0x2000))
    found = kernels(one, other)
    rows = {row.name: (row.outcome, row.a, row.b, row.note) for row in found.rows if row.name.startswith("member ")}
    assert rows == {
        "member New": (Outcome.DIFFERS, 1, 2, "this version has no name for it"),
        "member Blob": (Outcome.SAME, b"abcd", b"abcd", ""),
    }
    # A build that lacks the pointer, or has a number there: no two tokens have pointers alike.
    for lacking in (unnamed(), unnamed(At=("Uint4B", 1))):
        for pair in ((one, lacking), (lacking, one)):
            assert not any(row.name == "member At" for row in kernels(*pair).rows)
    lone = {row.name: row.outcome for row in kernels(one, unnamed(New=("Uint4B", 1))).rows}
    assert (lone["member New"], lone["member Blob"]) == (Outcome.SAME, Outcome.ONLY_A)
    back = {row.name: row.outcome for row in kernels(unnamed(), one).rows}
    assert back["member Blob"] is Outcome.ONLY_B


def test_a_member_that_a_text_cannot_tell_of_is_not_said_and_one_that_a_build_lacks_absent() -> None:
    one = View(unnamed(New=("Uint4B", 1)), Kind.KERNEL, "a")
    for kind, missing in ((Kind.KERNEL, Absent("_TOKEN.New")), (Kind.WHOAMI, NotSaid(Kind.WHOAMI.value))):
        row = next(row for row in compare(one, View(BASE, kind, "b")).rows if row.name == "member New")
        assert (row.outcome, row.b) == (Outcome.ONLY_A, missing)


@pytest.mark.parametrize(
    "lines, words",
    [((3,), "3"), ((3, 4, 5), "3, 4, 5"), ((3, 4, 5, 6), "3, 4, 5 and 1 more"), (range(3, 9), "3, 4, 5 and 3 more")],
)
def test_lines_that_were_not_understood_excuse_what_a_text_seems_to_lack(lines: Any, words: str) -> None:
    told = command("notepad")
    text = replace(told, token=without_group(told.token), not_understood=tuple(Unread(at, "x") for at in lines))
    row = next(row for row in compare(kernel("notepad"), text).rows if row.name == "group S-1-1-0")
    assert (row.outcome, row.note) == (
        Outcome.UNREADABLE,
        "the other text has lines that were not understood: " + words,
    )
    fewer = replace(told.token, privileges=told.token.privileges[1:])  # type: ignore[index]
    row = next(
        row for row in compare(kernel("notepad"), replace(text, token=fewer)).rows if row.name == "SeShutdownPrivilege"
    )
    assert (row.outcome, row.note) == (
        Outcome.UNREADABLE,
        "the other text has lines that were not understood: " + words,
    )


@pytest.mark.parametrize(
    "types, outcome",
    [((1, 1), Outcome.EXPECTED), ((2, 1), Outcome.DIFFERS), ((1, 2), Outcome.DIFFERS), ((2, 2), Outcome.DIFFERS)],
)
def test_the_level_counts_where_one_of_the_two_is_an_impersonation_token(types: Any, outcome: Outcome) -> None:
    a, b = (replace(BASE, token_type=kind, impersonation_level=level) for kind, level in zip(types, (1, 2)))
    row = next(row for row in kernels(a, b).rows if row.name == "impersonation level")
    assert (row.outcome, row.note) == (
        outcome,
        "it means nothing for a primary token" if outcome is Outcome.EXPECTED else "",
    )


def test_which_changes_leave_a_trace() -> None:
    """ModifiedId moves with identity, groups and privileges; of session, flags and counts nobody promises that."""
    for what in ("session", "flags", "mandatory policy", "token id", "in use", "default owner", "no DACL", "expiry"):
        assert "change without trace" not in differing(kernels(BASE, PLANTED[what][0](BASE))), what
    for what in (
        "source",
        "a group more",
        "deny only",
        "enabled",
        "removed",
        "user for deny only",
        "integrity lowered",
    ):
        found = kernels(BASE, PLANTED[what][0](BASE))
        assert "change without trace" in differing(found), what
        moved = replace(PLANTED[what][0](BASE), modified_id=Luid.from_value(0x99999))
        assert "change without trace" not in differing(kernels(BASE, moved)), what


def test_the_replaced_token_of_a_process_is_told_by_both_addresses() -> None:
    other = replace(BASE, address=0x5000, token_id=Luid.from_value(7))
    views = [View(one, Kind.KERNEL, "x", process="process 0x10") for one in (BASE, other)]
    row = compare(*views).rows[0]
    assert (row.name, row.outcome, row.a, row.b) == ("token replaced", Outcome.DIFFERS, BASE.address, 0x5000)
    for process in ("process 0x20", ""):
        assert compare(views[0], replace(views[1], process=process)).rows[0].name != "token replaced"
    assert compare(replace(views[0], process=""), replace(views[1], process="")).rows[0].name != "token replaced"
    assert compare(*views).over_time and not compare(views[0], replace(views[1], process="")).over_time


@pytest.mark.parametrize("key, kind", [("notepad", 3), ("cmd", 2), ("system", 1)])
def test_an_elevation_type_that_a_text_says_is_compared_with_the_kernels_fields(key: str, kind: int) -> None:
    """The declared machine: notepad is anna's filtered half, cmd her full one, System has no pair."""
    token = decoded(key)
    assert "elevation" not in {row.name for row in kernels(token, token).rows}
    for said in (1, 2, 3):
        text = View(replace(token, logon_session=ElevationSaid("!token", elevation=said)), Kind.TOKEN_COMMAND, "b")
        found = compare(View(token, Kind.KERNEL, "a"), text)
        assert differing(found) == (set() if said == kind else {"elevation"})
        assert ("elevation" in names(found, Outcome.SAME)) is (said == kind)
        # It hangs on a logon session, so that nothing is said about the token's own trace of changes.
        assert all(row.part is Part.POLICY for row in found.rows if row.name == "elevation")
    # What the kernel's side has not got is no difference.
    for missing, outcome in ((GONE, Outcome.UNREADABLE), (NotSaid("x"), Outcome.ONLY_B), (None, Outcome.ONLY_B)):
        found = compare(View(replace(token, logon_session=missing), Kind.KERNEL, "a"), text)
        assert "elevation" in names(found, outcome) and not differing(found)


OTHER_ID, USER = Luid(0, 0x999), Sid(5, (18,))


@pytest.mark.parametrize(
    "before, after, replaced",
    [
        ({}, {}, False),
        ({}, {"token_id": OTHER_ID}, True),
        ({}, {"address": 0x7000}, True),  # two objects with one id
        # An id that was not read, or that a text does not show, says nothing: nobody is accused by it.
        ({"token_id": GONE}, {}, False),
        ({}, {"token_id": GONE}, False),
        ({"token_id": GONE}, {"token_id": GONE}, False),
        ({"token_id": NotSaid("x")}, {"token_id": NotSaid("x")}, False),
        ({"token_id": GONE, "address": 0}, {}, False),
        ({"token_id": GONE}, {"address": 0}, False),
        # Another place, or another user, is another object whatever the id is.
        ({"token_id": GONE}, {"address": 0x7000}, True),
        ({"token_id": GONE}, {"authentication_id": OTHER_ID}, True),
        ({"token_id": GONE, "authentication_id": GONE}, {"authentication_id": OTHER_ID}, False),
        # What a token may be adjusted to is none.
        ({"token_id": GONE}, {"privileges": ()}, False),
        ({"token_id": GONE}, {"session_id": 7}, False),
        # SetTokenInformation sets these, of what is identity else: TokenIntegrityLevel, TokenOrigin.
        ({"token_id": GONE}, {"user_and_groups": relabel(BASE).user_and_groups}, False),
        ({"token_id": GONE}, {"originating_logon_session": OTHER_ID}, False),
        ({"token_id": GONE}, {"user_and_groups": another_user(relabel(BASE)).user_and_groups}, True),
    ],
)
def test_a_process_holds_another_token_only_where_that_is_seen(
    before: Dict[str, Any], after: Dict[str, Any], replaced: bool
) -> None:
    looks = [View(replace(BASE, **members), Kind.KERNEL, "x", process="pid 8") for members in (before, after)]
    comparison = compare(*looks)
    assert ("token replaced" in differing(comparison)) is replaced
    # Of two processes it is nothing to hold two.
    other = compare(looks[0], replace(looks[1], process="pid 12"))
    assert "token replaced" not in names(other, *Outcome)
