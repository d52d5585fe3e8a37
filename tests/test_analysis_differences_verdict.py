"""The one line that says how two tokens are related."""

from dataclasses import replace
from typing import Any, List

import pytest

from kdtoken.analysis.differences.comparison import Kind, View
from kdtoken.analysis.differences.fields import compare
from kdtoken.analysis.differences.verdict import Findings, one_token, verdict_of
from kdtoken.model.absent import Fragment, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.view.partial import partial_token
from tests.declared_views import VIEWS, command, decoded, information, kernel, whoami

BASE = decoded("notepad")
COPIES = "copies of one token: the same identity and policy, with ids of their own"
LATER = Luid.from_value(0x99999)


def verdict(a: View, b: View) -> str:
    return compare(a, b).verdict


def over_time(after: Token, before: Token = BASE, process: str = "") -> str:
    return verdict(View(before, Kind.KERNEL, "a", process=process), View(after, Kind.KERNEL, "b", process=process))


def enabled(token: Token, number: int = 19, **more: Any) -> Token:
    assert isinstance(token.privileges, tuple)
    return replace(
        token, privileges=tuple(replace(p, enabled=True) if p.number == number else p for p in token.privileges), **more
    )


def with_group(token: Token, **more: Any) -> Token:
    assert isinstance(token.user_and_groups, tuple)
    return replace(token, user_and_groups=token.user_and_groups + (Group(Sid.from_text("S-1-5-32-551"), 7),), **more)


@pytest.mark.parametrize("full", VIEWS)
@pytest.mark.parametrize("limited", VIEWS)
def test_uac_twins_are_known_by_every_pair_of_views(full: str, limited: str) -> None:
    """By the ids of their logons where both are told, by their shape where not."""
    assert verdict(VIEWS[full]("cmd"), VIEWS[limited]("notepad")) == "B is A's UAC-filtered twin"
    assert verdict(VIEWS[limited]("notepad"), VIEWS[full]("cmd")) == "A is B's UAC-filtered twin"


def test_logons_that_do_not_name_each_other_are_no_twins() -> None:
    stranger = replace(BASE, authentication_id=Luid.from_value(0x123456))
    text = verdict(kernel("cmd"), View(stranger, Kind.KERNEL, "b"))
    assert text.startswith("the same user from another logon: integrity label")


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ("notepad", "notepad", "A and B are the same token"),
        ("explorer", "notepad", COPIES),
        ("notepad", "sandbox", "B is A's user under confinement: restricted"),
        ("restricted", "notepad", "A is B's user under confinement: restricted"),
        ("notepad", "calculator", "B is A's user under confinement: AppContainer"),
        ("sandbox", "calculator", "the same user, confined in different ways"),
        ("cmd", "calculator", "B is A's UAC-filtered twin, AppContainer"),
        ("notepad", "reader", "the same user at another integrity level"),
        ("notepad", "lsass", "A and B speak for different users"),
        ("notepad", "client-anna", "B is an impersonation copy of A"),
        ("client-anna", "notepad", "A is an impersonation copy of B"),
        ("bfe", "rpcss", "A and B speak for different users"),
    ],
)
def test_relations_of_declared_tokens(a: str, b: str, words: str) -> None:
    assert verdict(kernel(a), kernel(b)) == words


@pytest.mark.parametrize(("a", "b"), [(kernel, whoami), (whoami, whoami), (command, whoami), (information, whoami)])
def test_views_that_share_no_id_agree(a: Any, b: Any) -> None:
    for key in ("notepad", "cmd", "calculator", "sandbox"):
        assert verdict(a(key), b(key)) == "A and B agree in all that both can know"


def test_a_view_that_is_blind_for_confinement_makes_none_of_it() -> None:
    """whoami in an AppContainer knows of no package; a privilege that differs does not make it one."""
    told = whoami("calculator")
    changed = replace(told, token=enabled(told.token))
    text = verdict(kernel("calculator"), changed)
    assert text == "the same identity under another policy: SeShutdownPrivilege"


def test_the_same_token_seen_by_kernel_and_user_mode() -> None:
    for other in (command, information):
        assert verdict(kernel("notepad"), other("notepad")) == "A and B are the same token"
    lied = replace(information("notepad"), token=enabled(information("notepad").token))
    found = compare(kernel("notepad"), lied)
    assert found.verdict.startswith("one token, changed")
    assert found.rows[0].note == "two views of one token, with the same ModifiedId, disagree"


def test_adjusted_properly() -> None:
    after = enabled(BASE, modified_id=LATER)
    assert over_time(after) == "one token, adjusted between A and B: SeShutdownPrivilege"
    assert over_time(replace(BASE, modified_id=LATER)) == "one token, adjusted between A and B: modified id"


def test_changed_without_trace() -> None:
    found = compare(View(BASE, Kind.KERNEL, "a"), View(enabled(BASE), Kind.KERNEL, "b"))
    assert found.verdict == (
        "one token, changed between A and B without the kernel's own trace of it: SeShutdownPrivilege"
    )
    assert (found.rows[0].name, found.rows[0].part.value) == ("change without trace", "identity")
    # The session and the flags are not promised to move ModifiedId.
    for quiet in (replace(BASE, session_id=2), replace(BASE, flags=0x2800), replace(BASE, in_use=0)):
        assert over_time(quiet).startswith("one token, adjusted between A and B: ")


def test_what_could_not_be_read_is_no_change_without_trace() -> None:
    for field in ("privileges", "user_and_groups"):
        text = over_time(replace(BASE, **{field: Unreadable(1, "paged out")}))
        assert text == "A and B are the same token, as far as both could be read"
    text = over_time(enabled(BASE, modified_id=Unreadable(1, "paged out")))
    assert text.startswith("one token, adjusted between A and B: SeShutdownPrivilege")


def test_an_identity_that_changed_in_place() -> None:
    text = over_time(with_group(BASE, modified_id=LATER))
    assert (
        text
        == "one token, but with another identity, which no documented call gives it: group BUILTIN\\Backup Operators"
    )
    stolen = replace(BASE, user_and_groups=decoded("system").user_and_groups, modified_id=LATER)
    assert over_time(stolen).startswith("one token, but with another identity, which no documented call gives it: user")


def test_the_token_of_a_process_was_replaced() -> None:
    assert over_time(decoded("system"), process="pid 6104") == (
        "the process's token was replaced between A and B: it speaks for another user"
    )
    assert over_time(decoded("explorer"), process="pid 6104") == (
        "the process's token was replaced between A and B by one of the same identity"
    )
    assert over_time(decoded("cmd"), process="pid 6104") == (
        "the process's token was replaced between A and B: authentication id"
    )
    found = compare(replace(kernel("notepad"), process="p"), replace(kernel("explorer"), process="p"))
    assert (found.rows[0].name, found.exit_code) == ("token replaced", 1)
    # Another process, or nobody knows: two tokens.
    assert over_time(decoded("explorer")) == COPIES
    assert verdict(replace(kernel("notepad"), process="p"), replace(kernel("explorer"), process="q")) == COPIES


def test_equal_ids_of_two_machines_are_not_one_token() -> None:
    """System's token has the same id after each start of each machine."""
    moved = replace(decoded("system"), address=decoded("system").address + 0x1000)
    assert over_time(moved, decoded("system")) == "A and B agree in all that both can know"
    elsewhere = replace(BASE, address=0, authentication_id=Luid.from_value(0x777))
    assert over_time(elsewhere) == "the same user from another logon"


def test_little_is_known() -> None:
    gone = replace(BASE, user_and_groups=Unreadable(1, "paged out"), token_id=LATER)
    untold = " (not both name their user)"
    assert over_time(gone) == "they differ in token id" + untold + ", as far as both could be read"
    gone = replace(gone, source_name="x")
    assert over_time(gone) == "they differ in identity: source" + untold


def told(**fields: Any) -> View:
    """What a text tells of these fields, and no more."""
    return View(partial_token("!token", 0, fields), Kind.TOKEN_COMMAND, "x")


OFF, ON = ((Privilege(19, "SeShutdownPrivilege", True, on, False),) for on in (False, True))
ANNA, USERS = (Group(Sid.from_text(one), 7) for one in ("S-1-5-21-1-2-3-1001", "S-1-5-32-545"))


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        # Nothing of who they are is told: no word of an identity, of a user, of copies.
        ({"privileges": OFF}, {"privileges": ON}, "they differ in SeShutdownPrivilege (not both name their user)"),
        ({"token_type": 1}, {"token_type": 2}, "they differ in identity: type (not both name their user)"),
        ({"flags": 0x2000}, {"flags": 0x4000}, "B is confined: AppContainer (not both name their user)"),
        ({"session_id": 0}, {"session_id": 1}, "they differ in session (not both name their user)"),
        (
            {"token_id": Luid(0, 1), "session_id": 0},
            {"token_id": Luid(0, 2), "session_id": 0},
            "they differ in token id (not both name their user)",
        ),
        # The user, and of the groups a part.
        (
            {"user_and_groups": Fragment((ANNA,), "cut"), "privileges": OFF},
            {"user_and_groups": (ANNA,), "privileges": ON},
            "the same user under another policy: SeShutdownPrivilege",
        ),
        (
            {"user_and_groups": (ANNA, USERS), "privileges": OFF},
            {"user_and_groups": (ANNA, USERS), "privileges": ON},
            "the same identity under another policy: SeShutdownPrivilege",
        ),
    ],
)
def test_no_identity_is_spoken_of_that_not_both_tell(a: Any, b: Any, words: str) -> None:
    views = [
        replace(told(**one), incomplete=tuple(name for name, value in one.items() if isinstance(value, Fragment)))
        for one in (a, b)
    ]
    assert compare(*views).verdict == words


def test_a_replaced_token_is_not_called_one_of_the_same_identity_where_the_user_is_not_told() -> None:
    one, other = (replace(told(token_id=Luid(0, at), session_id=0), process="pid 8") for at in (1, 2))
    assert compare(one, other).verdict == "the process's token was replaced between A and B"


def test_a_removed_privilege_is_named() -> None:
    assert isinstance(BASE.privileges, tuple)
    less = replace(
        BASE,
        token_id=LATER,
        privileges=tuple(
            Privilege(p.number, p.name, False, False, p.enabled_by_default) if p.number == 19 else p
            for p in BASE.privileges
        ),
    )
    assert over_time(less) == "the same identity under another policy: SeShutdownPrivilege"


def test_two_of_one_level_are_no_twins() -> None:
    """UAC's filtered half is lower than the full one; nothing else tells here."""
    full, limited = whoami("cmd"), whoami("notepad")
    assert verdict(full, limited) == "B is A's UAC-filtered twin"
    assert isinstance(full.token.user_and_groups, tuple) and isinstance(limited.token.user_and_groups, tuple)
    label = full.token.user_and_groups[-1]
    raised = replace(
        limited, token=replace(limited.token, user_and_groups=limited.token.user_and_groups[:-1] + (label,))
    )
    assert raised.token.integrity == full.token.integrity
    assert "twin" not in verdict(full, raised)


def findings(differing: Any = (), **members: Any) -> Findings:
    return Findings(dict(differing), **members)


@pytest.mark.parametrize(
    "name, shows",
    [
        ("package", True),
        ("TokenFlags", True),
        ("restricting SID S-1-1-0", True),
        ("restricting SIDs", True),
        ("capability S-1-15-3-1", True),
        ("capabilities", True),
        ("session", False),
        ("group S-1-1-0", False),
    ],
)
def test_confinement_is_told_where_what_differs_has_to_do_with_it(name: str, shows: bool) -> None:
    boxed = replace(BASE, flags=0x4000 | 0x800)
    words = verdict_of(
        BASE, replace(boxed, address=0x1, token_id=LATER), findings({name: "policy", "token id": "bookkeeping"})
    )
    assert (words == "B is A's user under confinement: AppContainer") is shows


def test_at_most_four_are_named() -> None:
    four = {name: "policy" for name in "abcd"}
    head = "the same identity under another policy: "
    other = replace(BASE, address=0x1, token_id=LATER)
    assert verdict_of(BASE, other, findings(four)) == head + "a, b, c, d"
    assert verdict_of(BASE, other, findings({**four, "e": "policy"})) == head + "a, b, c, d and 1 more"
    assert verdict_of(BASE, other, findings({**four, "e": "policy", "f": "policy"})) == head + "a, b, c, d and 2 more"


def test_what_was_not_read_is_a_reserve_where_nothing_weighs_more() -> None:
    other, reserve = replace(BASE, address=0x1, token_id=LATER), ", as far as both could be read"
    for differing, reserved in (
        ({}, True),
        ({"token id": "bookkeeping"}, True),
        ({"session": "policy"}, False),
        ({"source": "identity"}, False),
    ):
        assert verdict_of(BASE, other, findings(differing, unread=True)).endswith(reserve) is reserved
        assert not verdict_of(BASE, other, findings(differing)).endswith(reserve)


def test_two_tokens_that_agree_but_for_bookkeeping() -> None:
    other = replace(BASE, address=0x1, token_id=LATER)
    ids = {"token id": "bookkeeping"}
    assert verdict_of(BASE, other, findings(ids)) == COPIES
    assert verdict_of(BASE, other, findings(ids, identity=False)) == (
        "two tokens of the same user that agree in all else that both can know"
    )
    use = {"in use": "bookkeeping"}
    assert verdict_of(BASE, other, findings(use)) == "the same identity and policy, but for in use"
    assert verdict_of(BASE, other, findings(use, identity=False)) == "the same user and policy, but for in use"
    assert verdict_of(BASE, other, findings()) == "A and B agree in all that both can know"


def test_confinement_of_both_of_one_and_of_nobody_s() -> None:
    a, b = replace(BASE, flags=0x4000), replace(BASE, flags=0x10, address=0x1, token_id=LATER)
    flags = {"TokenFlags": "policy"}
    assert verdict_of(a, b, findings(flags)) == "the same user, confined in different ways"
    nobody = replace(b, user_and_groups=Unreadable(1, "paged out"))
    assert verdict_of(a, nobody, findings(flags)) == "confined in different ways"
    plain = replace(nobody, flags=0)
    assert verdict_of(a, plain, findings(flags)) == "A is confined: AppContainer (not both name their user)"
    assert verdict_of(plain, a, findings(flags)) == "B is confined: AppContainer (not both name their user)"
    both = replace(a, address=0x1, token_id=LATER, session_id=9)
    assert verdict_of(a, both, findings({**flags, "session": "policy"})).startswith(
        "the same identity under another policy"
    )


@pytest.mark.parametrize(
    "changes, same",
    [
        ({}, True),
        ({"token_id": LATER}, False),
        ({"token_id": Unreadable(1, "paged out")}, False),
        ({"address": 0x5000}, False),
        # Where one of the two has no address, the logon has to agree.
        ({"address": 0}, True),
        ({"address": 0, "authentication_id": LATER}, False),
        ({"address": 0, "authentication_id": Unreadable(1, "paged out")}, False),
        ({"authentication_id": LATER}, True),
    ],
)
def test_one_token_object_seen_twice(changes: Any, same: bool) -> None:
    assert one_token(BASE, replace(BASE, **changes)) is same is one_token(replace(BASE, **changes), BASE)


def test_neither_of_two_unknown_ids_says_that_it_is_one_token() -> None:
    gone = replace(BASE, token_id=Unreadable(1, "paged out"))
    assert one_token(gone, gone) is False
    blind = replace(BASE, address=0, authentication_id=Unreadable(1, "paged out"))
    assert one_token(blind, blind) is False


FULL = decoded("cmd")


def shape(level: int, administrators: int, **members: Any) -> Token:
    """Anna's token as a view without flags and logon session shows it."""
    assert isinstance(BASE.user_and_groups, tuple)
    groups: List[Any] = []
    for one in BASE.user_and_groups:
        assert isinstance(one, Group)
        if one.sid.is_integrity_label:
            one = replace(one, sid=Sid(16, (level,)))
        groups.append(replace(one, attributes=administrators) if str(one.sid) == "S-1-5-32-544" else one)
    gone = Unreadable(1, "paged out")
    return replace(BASE, user_and_groups=tuple(groups), **{"flags": gone, "logon_session": gone, **members})


HIGH, LOW = shape(0x3000, 0xF), shape(0x2000, 0x10)


@pytest.mark.parametrize(
    "full, limited, twins",
    [
        (HIGH, LOW, True),
        (LOW, HIGH, False),
        (HIGH, shape(0x3000, 0x10), False),
        (HIGH, shape(0x2FFF, 0x10), True),
        (HIGH, shape(0x2000, 0xF), False),  # Administrators counts
        (shape(0x3000, 0x10), LOW, False),
        (shape(0x3000, 0xB), LOW, False),
        (shape(0x3000, 0xF, flags=0x2000), shape(0x2000, 0x10, flags=0x2800), True),
        (shape(0x3000, 0xF, flags=0x2800), LOW, False),
        (HIGH, shape(0x2000, 0x10, flags=0x2000), False),
        (HIGH, shape(0x2000, 0x10, integrity_level_index=Unreadable(1, "paged out")), False),
        # By their logons, whatever the shape.
        (replace(FULL, flags=0x2000), BASE, True),
        (replace(FULL, flags=0x2800), BASE, False),
        (FULL, replace(BASE, flags=0x2000), False),
    ],
)
def test_what_uac_makes_of_a_token(full: Token, limited: Token, twins: bool) -> None:
    a, b = replace(full, address=0x1, token_id=LATER), replace(limited, address=0x2)
    assert (verdict(View(a, Kind.KERNEL, "a"), View(b, Kind.KERNEL, "b")) == "B is A's UAC-filtered twin") is twins


def test_a_filtered_half_of_which_one_logon_session_alone_tells() -> None:
    gone = Unreadable(1, "paged out")
    for a, b in ((replace(FULL, logon_session=gone), BASE), (FULL, replace(BASE, logon_session=gone))):
        assert verdict(View(a, Kind.KERNEL, "a"), View(b, Kind.KERNEL, "b")) == "B is A's UAC-filtered twin"
    stranger = replace(BASE, logon_session=gone, authentication_id=LATER)
    assert "twin" not in verdict(kernel("cmd"), View(stranger, Kind.KERNEL, "b"))


def test_restriction_without_flags_is_told_by_the_sids() -> None:
    gone = Unreadable(1, "paged out")
    sids = (Group(Sid.from_text("S-1-1-0"), 7),)
    a = replace(BASE, flags=gone, token_id=LATER, address=0x1, restricted_sids=())
    b = replace(BASE, flags=gone, restricted_sids=sids)
    words = verdict(View(a, Kind.KERNEL, "a"), View(b, Kind.KERNEL, "b"))
    assert words == "B is A's user under confinement: restricted"


def test_a_token_of_one_process_that_was_replaced_names_what_is_another() -> None:
    other = replace(BASE, address=0x1, token_id=LATER)
    text = "the process's token was replaced between A and B"
    assert verdict_of(BASE, other, findings(replaced=True)) == text + " by one of the same identity"
    assert verdict_of(BASE, other, findings(replaced=True, identity=False)) == text
    # That it runs at another level says nothing of who it is.
    level = {"integrity label": "identity"}
    assert verdict_of(BASE, other, findings(level, replaced=True)) == text + " by one of the same identity"
    source = {"source": "identity", **level}
    assert verdict_of(BASE, other, findings(source, replaced=True)) == text + ": source"
