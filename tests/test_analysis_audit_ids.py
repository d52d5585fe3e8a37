"""Sources, logon sessions, the order of TokenIds, what marks a token as in use: both sides of each limit."""

from itertools import combinations, product
from typing import Any, List, Tuple

import pytest

from kdtoken.analysis.audit.ids import _longest_rise
from kdtoken.frozen import replace
from kdtoken.model.absent import Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.token import LogonSession, Token
from tests.declared_views import decoded
from tests.test_analysis_audit_users import ANNA, LIMITED, SYSTEM, process, told

GONE = Unreadable(0x10, "paged out")
SECOND = 10_000_000  # of FILETIME
ALONE = replace(LIMITED, logon_session=GONE)
OTHER = Sid.from_text("S-1-5-21-1-2-3-1002")


def found(rule: str, **members: Any) -> List[str]:
    return [words.partition(": ")[2] or words for _, words in told(rule, process(replace(LIMITED, **members)))]


@pytest.mark.parametrize(
    "name, odd",
    [
        *[(name, None) for name in "*SYSTEM* User32 Advapi AdvApi NtLmSsp Kerberos Negotiat seclogo IAS CredPro Schannel *NTLM* CHAP".split()],
        ("User32  ", None),  # eight characters, padded
        ("UserX", None),
        ("Adva", None),
        ("AdvA", None),
        ("user32", "user32"),
        ("MyLogon ", "MyLogon"),
        ("XUser32", "XUser32"),
        ("", ""),
        (GONE, None),
    ],
)  # fmt: skip
def test_sources_that_real_tokens_have_and_others(name: Any, odd: Any) -> None:
    said = told("token-source", process(replace(LIMITED, source_name=name)))
    expected = [] if odd is None else [("i", "token of a.exe (8) was made by a source called %r" % odd)]
    assert said == expected


def test_a_token_and_its_logon_session() -> None:
    assert isinstance(LIMITED.logon_session, LogonSession)
    auth = LIMITED.authentication_id
    assert found("logon-session") == []
    assert found("logon-session", logon_session=None) == ["it belongs to no logon session"]
    foreign = replace(LIMITED.logon_session, logon_id=Luid(0, 0x777))
    assert found("logon-session", logon_session=foreign) == [
        "its AuthenticationId is %s, its logon session's LogonId 0x777" % auth
    ]
    for fine in (GONE, replace(LIMITED.logon_session, logon_id=GONE)):
        assert found("logon-session", logon_session=fine) == []
    assert found("logon-session", authentication_id=GONE, logon_session=None) == []


@pytest.mark.parametrize(
    "luid, sid, name",
    [
        (0x3E7, "S-1-5-18", "SYSTEM"),
        (0x3E6, "S-1-5-7", "ANONYMOUS LOGON"),
        (0x3E5, "S-1-5-19", "LOCAL SERVICE"),
        (0x3E4, "S-1-5-20", "NETWORK SERVICE"),
        (0x3E3, "S-1-5-17", "IUSR"),
    ],
)
def test_five_logon_sessions_are_one_account_s_each(luid: int, sid: str, name: str) -> None:
    """winnt.h: SYSTEM_LUID, ANONYMOUS_LOGON_LUID, LOCALSERVICE_LUID, NETWORKSERVICE_LUID, IUSER_LUID."""
    assert isinstance(ALONE.user_and_groups, tuple)
    user, *groups = ALONE.user_and_groups
    ours = (replace(user, sid=Sid.from_text(sid)), *groups)
    auth = Luid(0, luid)
    assert found("logon-session", logon_session=GONE, authentication_id=auth, user_and_groups=ours) == []
    (words,) = found("logon-session", logon_session=GONE, authentication_id=auth)
    assert words == "%s in the logon session of %s" % (ANNA, auth.logon_name) and name in words
    assert found("logon-session", logon_session=GONE, authentication_id=auth, user_and_groups=GONE) == []


def of_user(sid: Sid, at: int, auth: int = 0x55555) -> ProcessDump:
    assert isinstance(ALONE.user_and_groups, tuple)
    user, *groups = ALONE.user_and_groups
    token = replace(
        ALONE, address=at << 8, user_and_groups=(replace(user, sid=sid), *groups), authentication_id=Luid(0, auth)
    )
    return process(token, "p%x.exe" % at)


def test_a_logon_is_one_user_s() -> None:
    anna, guests = Sid.from_text(ANNA), Sid.from_text("S-1-5-32-546")
    assert told("logon-session", of_user(anna, 1), of_user(anna, 2)) == []
    assert told("logon-session", of_user(anna, 1), of_user(OTHER, 2, 0x66666)) == []
    words = "token of p%x.exe (8): %s in logon session 0x55555, whose other tokens are of %s"
    # Of three the one is the stranger; of two nobody knows which.
    three = told("logon-session", of_user(anna, 1), of_user(OTHER, 2), of_user(anna, 3))
    assert three == [("!", words % (2, OTHER, anna))]
    two = told("logon-session", of_user(anna, 1), of_user(guests, 2))
    assert two == [("!", words % (1, anna, "BUILTIN\\Guests")), ("!", words % (2, "BUILTIN\\Guests", anna))]
    # No logon session, and those that all services share.
    assert told("logon-session", of_user(anna, 1, 0), of_user(OTHER, 2, 0)) == []
    shared = told("logon-session", of_user(anna, 1, 0x3E7), of_user(OTHER, 2, 0x3E7))
    assert all("whose other tokens" not in one for _, one in shared)


def born(at: int, luid: int, name: str = "", **members: Any) -> ProcessDump:
    """A process of a token of its own, started at a second; its pid is four times that number."""
    token = replace(LIMITED, address=0x10000 + luid, token_id=Luid(0, luid), **members)
    one = Process(0x100 * luid, 4 * luid, name or "p%d.exe" % luid, FastRef(token.address, 15), 3)
    return ProcessDump(one, ProcessDetails(at * SECOND, 0, 0, 1, 0), token)


def order(*rows: ProcessDump) -> List[Tuple[str, str]]:
    found = told("token-order", *rows)
    assert all(" has a token that is newer than those of " in words for _, words in found)
    return [(mark, words.replace(" has a token that is newer than those of", ":")) for mark, words in found]


def test_a_token_newer_than_those_of_later_processes() -> None:
    in_time = [born(10 * at, 10 * at) for at in range(1, 6)]
    assert order(*in_time) == [] == order() == order(in_time[0])
    # Made for the purpose: newer than all that came since.
    early = born(15, 99)
    assert order(*in_time, early) == [("!", "p99.exe (396): 4 processes started after it")]
    # Newer than some only: an old token that it was given, or one that its neighbours were.
    assert order(*in_time, born(15, 45)) == [("i", "p45.exe (180): 3 processes started after it")]
    # Of one later process alone it is a remark.
    assert order(*in_time[:3], born(25, 99)) == [("i", "p99.exe (396): 1 process started after it")]
    # Two later ones are enough.
    assert order(*in_time[:4], born(25, 99)) == [("!", "p99.exe (396): 2 processes started after it")]
    # An old token that one was given hides none of those behind it.
    given = born(35, 15)
    assert order(*in_time, given, born(36, 99)) == [("!", "p99.exe (396): 2 processes started after it")]
    # The kernel's own processes are left out.
    system = born(15, 99)
    assert order(*in_time, replace(system, process=replace(system.process, pid=4))) == []


def test_processes_that_were_made_within_two_seconds_were_made_at_once() -> None:
    later = [born(17, 20), born(30, 30), born(40, 40)]
    assert order(born(15, 99), *later) == [("!", "p99.exe (396): 2 processes started after it")]
    later[0] = born(18, 20)
    assert order(born(15, 99), *later) == [("!", "p99.exe (396): 3 processes started after it")]


def test_a_token_that_several_have_counts_once_for_the_oldest() -> None:
    shared = born(50, 35)
    again = replace(born(60, 35), process=replace(shared.process, pid=8, address=0x8000))
    rows = [born(10, 10), born(20, 20), born(30, 30), born(40, 40)]
    # Its TokenId is lower than that of the one before, but of one only: that one is told.
    assert order(*rows, shared, again) == [("i", "p40.exe (160): 1 process started after it")]


def marked(frozen: Any, in_use: Any = 1, pid: int = 8, name: str = "a.exe") -> ProcessDump:
    row = process(replace(LIMITED, in_use=in_use), name)
    assert isinstance(row.details, ProcessDetails)
    return replace(
        row,
        process=replace(row.process, pid=pid, parent_pid=4),
        details=replace(row.details, token_frozen=frozen),
    )


def test_a_primary_token_that_is_not_marked_as_the_others_are() -> None:
    open_ = ("i", "a.exe (8) may still be given another primary token: PrimaryTokenFrozen is 0")
    unused = ("i", "the token of a.exe (8) is not marked as in use")
    others = [marked(1, pid=12), marked(1, pid=16)]
    assert told("token-flags", *others, marked(1)) == [] == told("token-flags", *others, marked(GONE))
    assert told("token-flags", *others, marked(0)) == [open_]
    # Where it is not usual nothing follows: half of them, or on a build that does not set it.
    assert told("token-flags", others[0], marked(0)) == [] == told("token-flags", marked(0))
    assert told("token-flags", marked(1), marked(1, 0)) == [unused]
    assert told("token-flags", *others, marked(0, 0)) == [open_, unused]
    assert told("token-flags", marked(1, GONE)) == []
    for system in (marked(0, 0, pid=4, name="System"), marked(0, 0, name="Registry")):
        assert told("token-flags", *others, system) == []


def test_only_a_primary_token_is_a_process_s() -> None:
    said = [("!!", "a.exe (8) runs under a token of type Impersonation")]
    assert told("primary-type", process(decoded("client-anna"))) == said
    for kind in (1, GONE):
        assert told("primary-type", process(replace(LIMITED, token_type=kind))) == []
    assert told("primary-type", process(SYSTEM)) == []
    token: Token = replace(LIMITED, token_type=3)
    assert told("primary-type", process(token)) == said


def test_the_longest_rise_is_as_long_as_the_longest_of_all() -> None:
    """Of each short list every part is tried."""
    for length in range(6):
        for values in product(range(4), repeat=length):
            rising = [
                part
                for count in range(length + 1)
                for part in combinations(range(length), count)
                if all(values[one] < values[other] for one, other in zip(part, part[1:]))
            ]
            found = _longest_rise(list(values))
            assert tuple(found) in rising and len(found) == max(map(len, rising)), values


def test_a_process_whose_members_were_not_read_has_no_flag() -> None:
    others = [marked(1, pid=8 + 4 * at) for at in range(3)]
    blank = replace(marked(0, pid=80), details=Unreadable(0x10, "paged out"))
    assert told("token-flags", *others, blank) == []
    assert [mark for mark, _ in told("token-flags", *others, marked(0, pid=80))] == ["i"]
