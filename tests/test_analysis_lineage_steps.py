"""Each step that a token's fields tell of, by ntifs.h's TOKEN_STATISTICS and TOKEN_ORIGIN, and each edge from a parent's."""

from typing import Any, Optional, Tuple

import pytest

from kdtoken.analysis.lineage.edges import Change, edge
from kdtoken.analysis.lineage.origin import Kind, Lineages
from kdtoken.frozen import replace
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.luid import Luid
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
