"""Each step that a token's fields tell of, by ntifs.h's TOKEN_STATISTICS and TOKEN_ORIGIN, and each edge from a parent's."""

from typing import Any, Optional, Tuple

import pytest

from kdtoken.analysis.lineage.chain import chain
from kdtoken.analysis.lineage.edges import Change, edge
from kdtoken.analysis.lineage.origin import Kind, Lineages
from kdtoken.analysis.lineage.parents import Family, How
from kdtoken.analysis.lineage.tree import path, tree, user_of
from kdtoken.frozen import replace
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import FastRef, Impersonation, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import BootTokens, Snapshot
from kdtoken.model.token import LogonSession, Token
from tests.declared_views import decoded

GONE, UNSAID = Unreadable(0x10, "paged out"), NotSaid("!token")
PLAIN = replace(
    decoded("notepad"),
    address=0xFFFF898D00001000,
    source_name="User32",
    authentication_id=Luid.from_value(0x2F3D2),
    originating_logon_session=Luid.from_value(0x3E7),
    parent_token_id=Luid.from_value(0),
    token_id=Luid.from_value(0x1000),
    modified_id=Luid.from_value(0x1002),
    token_type=1,
    flags=0x2000,
    package=None,
    restricted_sid_count=0,
)


def of(boot: Optional[BootTokens] = None, **members: Any) -> Tuple[Tuple[Kind, str, bool], ...]:
    token = replace(PLAIN, **members)
    snapshot = Snapshot("x", ()) if boot is None else Snapshot("x", (), boot=boot)
    return tuple((one.kind, one.words, one.certain) for one in Lineages(snapshot).of(token).steps)


@pytest.mark.parametrize(
    "place, words",
    [
        (0, "the kernel's own token, made at its start (nt!PspBootAccessToken)"),
        (1, "made at the start of the kernel for anonymous logons (nt!SeAnonymousLogonToken)"),
        (2, "made at the start of the kernel (nt!SeAnonymousLogonTokenNoEveryone)"),
    ],
)
def test_the_kernels_own_tokens(place: int, words: str) -> None:
    boot = [0, 0, 0]
    boot[place] = PLAIN.address
    assert of(BootTokens(*boot)) == ((Kind.BOOT, words, True),)


@pytest.mark.parametrize(
    "members, kind, words, certain",
    [
        ({"authentication_id": GONE}, Kind.UNKNOWN, "its logon session is not known", False),
        (
            {"authentication_id": Luid.from_value(0x3E7), "source_name": "*SYSTEM*", "originating_logon_session": GONE},
            Kind.BOOT,
            "a line that began with the kernel's own token: its source is *SYSTEM*",
            False,
        ),
        (
            {"authentication_id": Luid.from_value(0x3E6), "source_name": "*SYSTEM*"},
            Kind.BOOT,
            "a line that began with the kernel's anonymous token: its source is *SYSTEM*",
            False,
        ),
        (
            {"authentication_id": Luid.from_value(0x3E7), "source_name": UNSAID},
            Kind.UNKNOWN,
            "SYSTEM's logon session; whether from the boot or a service logon is not told",
            False,
        ),
        (
            {"authentication_id": Luid.from_value(0x3E7)},  # a service's, which SYSTEM asked for
            Kind.AUTHENTICATION,
            "logged on: logon session 0x3e7 (SYSTEM, shared by all of its logons), asked for by logon session 0x3e7"
            " (SYSTEM)",
            True,
        ),
        ({"originating_logon_session": GONE}, Kind.AUTHENTICATION, "logged on: logon session 0x2f3d2", True),
        (
            {"originating_logon_session": Luid.from_value(0)},
            Kind.AUTHENTICATION,
            "logged on: logon session 0x2f3d2, asked for by nobody with credentials (a network logon, or not told)",
            True,
        ),
        (
            {"originating_logon_session": Luid.from_value(0x4567)},
            Kind.AUTHENTICATION,
            "logged on: logon session 0x2f3d2, asked for by logon session 0x4567",
            True,
        ),
    ],
)
def test_how_a_line_began(members: Any, kind: Kind, words: str, certain: bool) -> None:
    assert of(**members) == ((kind, words, certain),)


@pytest.mark.parametrize(
    "own, modified, step",
    [
        (0x1000, 0xFFF, (Kind.DUPLICATION, "duplicated, and not adjusted since: ModifiedId is below TokenId", True)),
        (0x1000, 0x1000, None),
        (0x1000, 0x1002, None),  # made and finished in one go
        (0x1000, 0x1003, (Kind.ADJUSTMENT, "adjusted since it was made: ModifiedId is above TokenId", True)),
    ],
)
def test_what_the_two_ids_tell(own: int, modified: int, step: Any) -> None:
    found = of(token_id=Luid.from_value(own), modified_id=Luid.from_value(modified))
    assert found[1:] == ((step,) if step else ())


def test_copies_for_threads() -> None:
    copy = (Kind.DUPLICATION, "an impersonation token: a copy for the thread of a server", False)
    assert of(token_type=2)[1:] == (copy,)
    (only,) = of(token_type=2, modified_id=Luid.from_value(0xFFF))[1:]
    assert only[0] is Kind.DUPLICATION and only[2], "the ids say so already"


def test_app_containers() -> None:
    step = (Kind.APP_CONTAINER, "put into an AppContainer: a package and its capabilities were added", True)
    assert of(flags=0x4000)[1:] == (step,) == of(package=Sid.from_text("S-1-15-2-1-2-3-4-5-6-7"))[1:]


def test_filtering() -> None:
    nameless = "filtered (IS_FILTERED) out of a token that it does not name"
    session = PLAIN.logon_session
    assert isinstance(session, LogonSession)
    for buddy, half in ((0x2F3A1, ", in the limited half of a UAC pair"), (0, "")):
        paired = replace(session, buddy_logon_id=Luid.from_value(buddy))
        assert of(flags=0x800, logon_session=paired)[1][1] == nameless + half
    assert of(flags=0x800, parent_token_id=UNSAID)[1:] == ()
    # Every token of the machine was read, and it is none of them; or not all were.
    parent = replace(PLAIN, parent_token_id=Luid.from_value(0x555))
    gone = "which nobody runs under now: it is gone, as is usual, or open by a handle only"
    for whole, why in ((True, gone), (False, "which is none of the tokens read here")):
        steps = Lineages(Snapshot("x", (), whole=whole)).of(parent).steps
        assert steps[1].words == "filtered out of token 0x555, " + why
    restricted = of(parent_token_id=Luid.from_value(0x555), restricted_sid_count=2)[1][1]
    assert restricted.startswith("restricted (it has restricting SIDs) out of token 0x555")


# --- from parent to child


def between(**members: Any) -> Tuple[Change, Tuple[str, ...]]:
    child = replace(PLAIN, address=PLAIN.address + 0x1000, **members)
    found = edge(PLAIN, child)
    return found.change, found.details


def paired(token: Token, buddy: int) -> LogonSession:
    assert isinstance(token.logon_session, LogonSession)
    return replace(token.logon_session, buddy_logon_id=Luid.from_value(buddy))


def test_edges_where_something_is_not_known() -> None:
    assert edge(GONE, PLAIN).details == ("the parent's token is not known",)
    assert edge(PLAIN, GONE).details == ("its token is not known",)
    assert edge(PLAIN, replace(PLAIN, modified_id=GONE)).change is Change.SAME_OBJECT
    assert between(user_and_groups=GONE) == (Change.UNKNOWN, ("the user of one of the two is not known",))
    assert between(authentication_id=UNSAID) == (
        Change.UNKNOWN,
        ("the logon session of one of the two is not known",),
    )


def test_edges_of_one_logon() -> None:
    assert between() == (Change.SAME, ())
    assert between(modified_id=Luid.from_value(0x2000)) == (
        Change.SAME,
        ("adjusted since, to the same in the end: ModifiedId differs",),
    )


def test_edges_of_another_logon() -> None:
    own, other = 0x2F3D2, Luid.from_value(0x2F3A1)
    unpaired = paired(PLAIN, 0x9999)
    limited = replace(PLAIN, flags=0x2800, logon_session=paired(PLAIN, 0x2F3A1))
    full = replace(PLAIN, address=0x1000, authentication_id=other, flags=0x2000, logon_session=paired(PLAIN, own))
    assert edge(limited, full).change is Change.ELEVATED and edge(full, limited).change is Change.LIMITED
    both = edge(replace(limited, flags=0x2000), full)
    assert (both.change, both.details) == (Change.OTHER_LOGON, ("the two logon sessions name each other as a pair",))
    lone = edge(replace(PLAIN, logon_session=unpaired), replace(full, logon_session=unpaired))
    assert (lone.change, lone.details) == (Change.OTHER_LOGON, ())
    dark = edge(replace(PLAIN, logon_session=GONE), replace(full, logon_session=GONE))
    assert dark.details == ("whether it is the other half of a UAC pair cannot be told",)


def test_one_logon_session_that_names_the_other_is_enough() -> None:
    own, other = 0x2F3D2, Luid.from_value(0x2F3A1)
    limited = replace(PLAIN, flags=0x2800, logon_session=paired(PLAIN, 0x2F3A1))
    full = replace(PLAIN, address=0x1000, authentication_id=other, flags=0x2000, logon_session=paired(PLAIN, own))
    for gone in (GONE, paired(PLAIN, 0x9999)):
        assert edge(replace(limited, logon_session=gone), full).change is Change.ELEVATED
        assert edge(limited, replace(full, logon_session=gone)).change is Change.ELEVATED
        assert edge(full, replace(limited, logon_session=gone)).change is Change.LIMITED
    # One that names somebody else is no pair, and that is told; of two that are not known nothing is.
    half = edge(replace(limited, logon_session=GONE), replace(full, logon_session=paired(PLAIN, 0x9999)))
    assert (half.change, half.details) == (Change.OTHER_LOGON, ())
    back = edge(replace(limited, logon_session=paired(PLAIN, 0x9999)), replace(full, logon_session=GONE))
    assert (back.change, back.details) == (Change.OTHER_LOGON, ())
    # Both filtered, or neither, or it is not known: a pair, and no word of which half is which.
    for flags in ((0x2800, 0x2800), (0x2000, 0x2000), (GONE, 0x2000), (0x2800, GONE)):
        assert edge(replace(limited, flags=flags[0]), replace(full, flags=flags[1])).change is Change.OTHER_LOGON


def test_system_s_source_and_who_asked_for_the_logon() -> None:
    """The kernel's own token has no origin; one that SYSTEM asked for is no line of the boot."""
    members = {"authentication_id": Luid.from_value(0x3E7), "source_name": "*SYSTEM*"}
    for origin in (Luid.from_value(0), GONE):
        assert of(originating_logon_session=origin, **members)[0][0] is Kind.BOOT
    ((kind, _, certain),) = of(originating_logon_session=Luid.from_value(0x3E7), **members)
    assert (kind, certain) == (Kind.AUTHENTICATION, False)
    padded = of(**{**members, "source_name": "*SYSTEM* ", "originating_logon_session": GONE})
    assert padded[0][0] is Kind.BOOT
    assert of(authentication_id=Luid.from_value(0x3E6))[0][:1] == (Kind.AUTHENTICATION,)
    assert of(source_name=UNSAID)[0][0] is Kind.AUTHENTICATION, "another logon session than SYSTEM's"


def test_a_token_that_names_its_source_and_how_many_answer_to_that() -> None:
    child = replace(PLAIN, parent_token_id=Luid.from_value(0x555))
    source = replace(PLAIN, address=0x5000, token_id=Luid.from_value(0x555))

    def step(*sources: Token) -> Any:
        rows = tuple(
            ProcessDump(Process(at, at, "a", FastRef(one.address, 15), 4), GONE, one) for at, one in enumerate(sources)
        )
        return Lineages(Snapshot("x", rows)).of(child).steps[1]

    one = step(source)
    assert (one.words, one.certain, one.of) == ("filtered out of token 0x555", True, 0x5000)
    two = step(source, replace(source, address=0x6000))
    assert (two.words, two.of) == ("filtered out of token 0x555, which several tokens claim to be", None)
    # It is not its own source, though it should claim so.
    mine = replace(child, token_id=Luid.from_value(0x555))
    row = ProcessDump(Process(1, 8, "a", FastRef(mine.address, 15), 4), GONE, mine)
    words = Lineages(Snapshot("x", (row,))).of(mine).steps[1].words
    assert (
        words
        == "filtered out of token 0x555, which nobody runs under now: it is gone, as is usual, or open by a handle only"
    )
    # A process whose token was not read may have it.
    blind = ProcessDump(Process(1, 8, "a", GONE, 4), GONE, GONE)
    assert Lineages(Snapshot("x", (blind,))).of(child).steps[1].words.endswith("which is none of the tokens read here")


def labelled(level: int) -> Any:
    assert isinstance(PLAIN.user_and_groups, tuple)
    return (*PLAIN.user_and_groups[:-1], Group(Sid(16, (level,)), 0x60))


def between_levels(low: int, high: int, **members: Any) -> Tuple[Change, Tuple[str, ...]]:
    parent = replace(PLAIN, user_and_groups=labelled(low))
    found = edge(parent, replace(PLAIN, address=0x1000, user_and_groups=labelled(high), **members))
    return found.change, found.details


def test_a_level_that_is_more_and_one_that_is_less() -> None:
    """Between Medium and High lie the levels of UIAccess programs and of their children."""
    assert between_levels(0x2000, 0x3000) == (Change.RAISED, ("integrity High, its parent's is Medium",))
    assert between_levels(0x1FFF, 0x2000)[0] is Change.RAISED and between_levels(0x2FFF, 0x3000)[0] is Change.RAISED
    assert between_levels(0x2000, 0x2FFF) == (Change.SAME, ()) == between_levels(0x2001, 0x2FFF)
    assert between_levels(0x1FFF, 0x2FFF)[0] is Change.RAISED
    assert between_levels(0x3000, 0x3001)[0] is Change.RAISED
    assert between_levels(0x2000, 0x3000, flags=0x3000) == (Change.SAME, ())  # UIAccess
    assert between_levels(0x2000, 0x1000) == (Change.CONFINED, ("integrity Low, its parent's is Medium",))
    assert between_levels(0x2001, 0x2000)[0] is Change.CONFINED and between_levels(0x2000, 0x2000)[0] is Change.SAME
    assert between_levels(0x2000, 0x3000, integrity_level_index=GONE) == (Change.SAME, ())


P = {number: Privilege(number, "Se%d" % number, True, False, False) for number in range(2, 12)}


def changed(parent: Any, child: Any) -> Tuple[Change, Tuple[str, ...]]:
    found = edge(replace(PLAIN, **parent), replace(PLAIN, address=0x1000, **child))
    return found.change, found.details


def held(*privileges: Privilege) -> Any:
    return {"privileges": tuple(privileges)}


def test_privileges_that_a_child_has_more_less_or_switched() -> None:
    on = {number: replace(one, enabled=True) for number, one in P.items()}
    gone = {number: replace(one, present=False) for number, one in on.items()}
    assert changed(held(P[2]), held(P[2], P[3])) == (Change.RAISED, ("holds Se3, which its parent does not",))
    assert changed(held(P[2], gone[3]), held(P[2], P[3]))[0] is Change.RAISED
    assert changed(held(P[2]), held(P[2], gone[3])) == (Change.SAME, ())
    assert changed(held(P[2], P[3]), held(P[2])) == (Change.ADJUSTED, ("without Se3",))
    assert changed(held(P[2], P[3]), held(P[2], gone[3])) == (Change.ADJUSTED, ("without Se3",))
    assert changed(held(P[2]), held(on[2])) == (Change.ADJUSTED, ("enabled Se2",))
    assert changed(held(on[2]), held(P[2])) == (Change.ADJUSTED, ("disabled Se2",))
    both = changed(held(P[2], on[3], P[4]), held(on[2], P[3]))
    assert both == (Change.ADJUSTED, ("without Se4", "enabled Se2", "disabled Se3"))
    four, five = [P[number] for number in range(2, 6)], [P[number] for number in range(2, 7)]
    assert changed(held(), held(*four))[1] == ("holds Se2, Se3, Se4, Se5, which its parent does not",)
    assert changed(held(), held(*five))[1] == ("holds Se2, Se3, Se4, Se5 and 1 more, which its parent does not",)
    for hole in ({"privileges": GONE}, {"privileges": UNSAID}):
        assert changed(hole, held(P[2])) == changed(held(P[2]), hole)
        assert changed(hole, held(P[2])) == (Change.UNKNOWN, ("same logon; not all of both could be read",))


def grouped(*groups: Any) -> Any:
    """Anna, these groups, her logon SID and her label."""
    assert isinstance(PLAIN.user_and_groups, tuple)
    entries = (PLAIN.user_and_groups[0], *groups, PLAIN.user_and_groups[-1])
    return {"user_and_groups": entries, "integrity_level_index": len(entries) - 1}


ADMINS, USERS, STRANGERS = (Sid.from_text("S-1-5-32-%d" % rid) for rid in (544, 545, 551))
LOGON = Group(Sid.from_text("S-1-5-5-0-4711"), 0xC0000007)


def test_groups_that_a_child_has_more_less_or_for_denying_only() -> None:
    admins, denied, users = Group(ADMINS, 0xF), Group(ADMINS, 0x10), Group(USERS, 7)
    assert changed(grouped(users), grouped(users, admins)) == (
        Change.RAISED,
        ("in BUILTIN\\Administrators, which its parent is not in",),
    )
    assert changed(grouped(users, denied), grouped(users, admins)) == (
        Change.RAISED,
        ("BUILTIN\\Administrators for more than denying",),
    )
    assert changed(grouped(users, admins), grouped(users, denied)) == (
        Change.ADJUSTED,
        ("BUILTIN\\Administrators for denying only",),
    )
    assert changed(grouped(users, admins), grouped(users)) == (Change.ADJUSTED, ("not in BUILTIN\\Administrators",))
    assert changed(grouped(users), grouped(users, LOGON)) == (Change.SAME, ()), "each logon has a SID of its own"
    other = Group(Sid(16, (0x1000,)), 0x60)
    assert changed(grouped(users, other), grouped(users)) == (Change.SAME, ())
    assert changed(grouped(users), grouped(users, other)) == (Change.SAME, ())
    # Where the parent's list has a hole the group may stand there; so where the child's has one.
    assert changed(grouped(users, GONE), grouped(users, admins))[0] is Change.UNKNOWN
    assert changed(grouped(users, admins), grouped(users, GONE))[0] is Change.UNKNOWN
    assert changed(grouped(denied, GONE), grouped(admins, users))[1] == (
        "BUILTIN\\Administrators for more than denying",
    )


def test_restriction_containers_and_filtering_do_not_come_off_from_parent_to_child() -> None:
    assert changed({"restricted_sid_count": 2}, {"restricted_sid_count": 0}) == (
        Change.RAISED,
        ("unrestricted, its parent is restricted",),
    )
    assert changed({"restricted_sid_count": 0}, {"restricted_sid_count": 2, "flags": 0x2010}) == (
        Change.CONFINED,
        ("restricted",),
    )
    assert changed({}, {"restricted_sid_count": 2, "flags": 0x2018})[1] == ("write-restricted",)
    for one, other in ((GONE, 0), (0, GONE), (2, 2), (GONE, 2), (2, GONE)):
        assert changed({"restricted_sid_count": one}, {"restricted_sid_count": other}) == (Change.SAME, ())
    assert changed({"flags": 0x6000}, {}) == (Change.RAISED, ("outside the AppContainer that its parent is in",))
    assert changed({}, {"flags": 0x6000}) == (Change.CONFINED, ("AppContainer",))
    assert changed({"flags": 0x6000}, {"flags": 0x6000}) == (Change.SAME, ())
    assert changed({"flags": 0x2800}, {}) == (Change.RAISED, ("not filtered, its parent is",))
    assert changed({}, {"flags": 0x2800}) == (Change.SAME, ())
    assert changed({"flags": 0x6800}, {"flags": GONE}) == (Change.SAME, ())
    assert changed({"flags": GONE}, {}) == (Change.SAME, ())


def test_a_token_of_another_user_and_where_little_was_read() -> None:
    assert isinstance(PLAIN.user_and_groups, tuple)
    user, *groups = PLAIN.user_and_groups
    other = replace(user, sid=Sid.from_text("S-1-5-18"))
    low = (other, *groups[:-1], Group(Sid(16, (0x1000,)), 0x60))
    assert changed({}, {"user_and_groups": low}) == (Change.OTHER_USER, ())
    assert changed({}, {"user_and_groups": low, "flags": 0x6000}) == (Change.OTHER_USER, ("AppContainer",))
    # No address is told of either: two tokens, not one.
    assert edge(replace(PLAIN, address=0), replace(PLAIN, address=0)).change is Change.SAME
    alone = (user,)
    assert changed({"user_and_groups": alone}, {"user_and_groups": alone})[0] is Change.UNKNOWN


# --- parents


def row(pid: Any, parent: Any = 3, born: Any = 10, died: Any = 0, token: Any = GONE, at: int = 0) -> ProcessDump:
    process = Process(at or 0x1000 * (pid if isinstance(pid, int) else 1), pid, "a.exe", FastRef(0x10, 15), parent)
    return ProcessDump(process, ProcessDetails(born, died, 0, 1, 0), token)


def how(child: ProcessDump, *others: ProcessDump, whole: bool = True) -> Tuple[How, Any]:
    found = Family(Snapshot("x", (*others, child), whole=whole)).parent(child)
    return found.how, found.row and found.row.process.address


def test_which_process_was_the_parent() -> None:
    child = row(12, 8, 20)
    assert how(child, row(8)) == (How.ALIVE, 0x8000) == how(child, row(8, born=20))
    assert how(child, row(8, born=21)) == (How.REUSED, None)
    assert how(child) == (How.GONE, None) and how(child, whole=False) == (How.UNKNOWN, None)
    assert how(row(12, 0)) == (How.NOBODY, None) and how(row(12, GONE)) == (How.UNKNOWN, None)
    # Ended, but not before the child was made.
    assert how(child, row(8, died=21)) == how(child, row(8, died=20)) == (How.ENDED, 0x8000)
    assert how(child, row(8, died=19)) == (How.GONE, None)
    # Of several that had the id the last one before the child; the living one of them.
    older, newer = row(8, born=5, died=12, at=0x1), row(8, born=15, died=25, at=0x2)
    assert how(child, older, newer) == how(child, newer, older) == (How.ENDED, 0x2)
    assert how(child, row(8, born=5, at=0x3), row(8, born=30, at=0x4)) == (How.ALIVE, 0x3)
    # Where a birth is not known it may be that one, but for who is known to be it.
    assert how(child, row(8, born=GONE)) == how(row(12, 8, GONE), row(8)) == (How.UNSURE, 0x8000)
    assert how(child, row(8, born=GONE, at=0x5), row(8, at=0x6)) == (How.ALIVE, 0x6)
    assert how(child, row(8, born=GONE, at=0x5), row(8, born=30, at=0x6)) == (How.UNSURE, 0x5)
    # System's clock is set after it was started.
    assert how(row(12, 4, 20), row(4, 0, born=30)) == (How.ALIVE, 0x4000)
    # Nobody is its own parent.
    assert how(row(12, 12, 20)) == (How.GONE, None)


def test_children_and_who_took_the_id() -> None:
    one, two, three, late = row(8), row(12, 8, 20), row(16, 8, 30), row(20, 12, 15)
    family = Family(Snapshot("x", (one, two, three, late)))
    assert family.children(one) == (two, three) and family.children(two) == ()
    taken = family.parent(late)
    assert (taken.how, taken.taken_by, taken.certain) == (How.REUSED, two, False)
    assert family.parent(two).certain and family.parent(two).pid == 8
    assert [link.row for link in family.links().values()] == [two, three]


def test_a_root_says_why_it_is_one() -> None:
    rows = (row(8, 0), row(12, 99), row(16, GONE), row(20, 12, 5))
    assert [(node.depth, node.edge.details) for node in tree(Snapshot("x", rows))] == [
        (0, ("made by the kernel",)),
        (0, ("its parent is gone",)),
        (0, ("its parent is not known",)),
        (0, ("its parent is gone, and that id belongs to a later process",)),
    ]
    circle = (row(8, 12, born=GONE), row(12, 8, born=GONE), row(16, 12, born=GONE))
    assert [(node.row.process.pid, node.depth) for node in tree(Snapshot("x", circle))] == [(8, 0), (12, 1), (16, 2)]
    assert [node.row.process.pid for node in path(Snapshot("x", circle), circle[2])] == [8, 12, 16]


def test_the_user_of_a_row_is_named_or_a_sid_or_not_known() -> None:
    assert user_of(row(8, token=PLAIN)) == str(PLAIN.user)
    assert user_of(row(8, token=decoded("system"))) == "NT AUTHORITY\\SYSTEM"
    assert user_of(row(8)) == user_of(row(8, token=replace(PLAIN, user_and_groups=GONE))) == ""


def test_a_chain_names_what_is_gone_what_is_elsewhere_and_who_uses_what() -> None:
    auth = PLAIN.authentication_id
    assert isinstance(auth, Luid)
    mine = replace(PLAIN, parent_token_id=Luid(0, 0x50), token_id=Luid(0, 0x60), address=0x6000)
    copy = replace(PLAIN, parent_token_id=Luid(0, 0x51), token_id=Luid(0, 0x61), address=0x7000)
    other = replace(PLAIN, token_id=Luid(0, 0x51), authentication_id=Luid(0, 1), address=0x8000)
    using = [Thread(at, 8, at, Impersonation(0x7000, 2, False)) for at in (1, 2)]
    busy = replace(row(12, token=other), threads=(*using, Thread(3, 8, 3, None)), tokens={0x7000: copy})
    once = replace(row(16, token=other), threads=(using[0],), tokens={0x7000: copy})
    links = chain(Snapshot("x", (row(8, token=mine), busy, once)), auth)
    assert [
        (link.luid.value, link.what, link.token, [(one.process.pid, how) for one, how in link.users]) for link in links
    ] == [
        (0x50, "token that others were filtered from, none of those read here", None, []),
        (0x51, "token that others were filtered from, of another logon session", None, []),
        (0x60, "token", mine, [(8, "primary")]),
        (0x61, "token", copy, [(12, "impersonated by 2 threads"), (16, "impersonated by 1 thread")]),
        (auth.value, "logon session", None, []),
    ]
    assert [link.luid for link in chain(Snapshot("x", ()), auth)] == [auth]
