"""Who a process speaks for against integrity, elevation, image and session: both sides of every limit."""

from typing import Any, List, Tuple

import pytest

from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.audit.users import user_words
from kdtoken.frozen import replace
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import LogonSession, Token
from tests.declared_views import decoded

GONE, UNSAID = Unreadable(0x10, "paged out"), Absent("_EPROCESS.Session")
LIMITED, FULL, SYSTEM, SERVICE = (decoded(key) for key in ("notepad", "cmd", "system", "bfe"))
ADMINISTRATORS = Sid.from_text("S-1-5-32-544")
ANNA = "S-1-5-21-1004336348-1177238915-682003330-1001"


def process(token: Any, name: Any = "a.exe", session: Any = UNSAID, died: int = 0) -> ProcessDump:
    """A running process of that name under the token."""
    address = token.address if isinstance(token, Token) else 0x9000
    details = ProcessDetails(5, died, 0, 1, 0x1500, session_id=session)
    return ProcessDump(Process(0x1000, 8, name, FastRef(address, 15), 4), details, token)


def told(rule: str, *rows: ProcessDump) -> List[Tuple[str, str]]:
    """(mark, what was seen) of what one rule finds."""
    return [(one.severity.value, one.saw) for one in audit(Snapshot("memory", rows), only=[rule])]


def made(token: Token, level: int, administrators: Any = None, **members: Any) -> Token:
    """The token with another label, and with Administrators of these attributes; None leaves them as they are."""
    assert isinstance(token.user_and_groups, tuple)
    groups: List[Any] = []
    for one in token.user_and_groups:
        assert isinstance(one, Group)
        if one.sid.is_integrity_label:
            one = replace(one, sid=Sid(16, (level,)))
        if one.sid == ADMINISTRATORS and administrators is not None:
            one = replace(one, attributes=administrators)
        groups.append(one)
    return replace(token, user_and_groups=tuple(groups), **members)


def unpaired(token: Token) -> LogonSession:
    assert isinstance(token.logon_session, LogonSession)
    return replace(token.logon_session, buddy_logon_id=Luid(0, 0))


PLAIN = {"logon_session": unpaired(LIMITED), "flags": 0x2000}  # no half of a pair
DENIED = "integrity High, and Administrators counts for denying only"


@pytest.mark.parametrize(
    "token, faults",
    [
        (SYSTEM, []),
        (made(SYSTEM, 0x5000), []),
        (made(SYSTEM, 0x3FFF), [("!", "SYSTEM at integrity between High and System (0x3fff)")]),
        (made(SYSTEM, 0x3000), [("!", "SYSTEM at integrity High")]),
        (made(SYSTEM, 0x1001), [("!", "SYSTEM at integrity between Low and Medium (0x1001)")]),
        # It lowered itself, or is a sandbox.
        (made(SYSTEM, 0x1000), [("i", "SYSTEM at integrity Low")]),
        (made(SYSTEM, 0x3000, flags=0x4000), [("i", "SYSTEM at integrity High")]),
        (made(SYSTEM, 0x3000, flags=0x10), [("i", "SYSTEM at integrity High")]),
        (made(SERVICE, 0x2000), []),
        (made(LIMITED, 0x2000), []),
        (made(LIMITED, 0x2FFF), []),
        (made(LIMITED, 0x3000), [("!", "the limited half of a UAC pair at integrity High")]),
        (made(LIMITED, 0x3000, flags=0x2800 | 0x1000), [("i", "the limited half of a UAC pair at integrity High")]),
        (made(LIMITED, 0x4000), [("!", ANNA + ", an ordinary user, at integrity System")]),
        (made(LIMITED, 0x3FFF), [("!", "the limited half of a UAC pair at integrity between High and System (0x3fff)")]),
        # No half of a pair, Administrators for denying only: nothing filtered it, so High is nobody's gift.
        (made(LIMITED, 0x3000, 0x10, **PLAIN), [("!", DENIED)]),
        (made(LIMITED, 0x2FFF, 0x10, **PLAIN), []),
        (made(LIMITED, 0x3000, 0x10, **{**PLAIN, "flags": 0x3000}), []),  # UIAccess
        (made(LIMITED, 0x3000, 0xF, **PLAIN), []),  # the built-in Administrator
        (made(LIMITED, 0x2FFF, 0xF, **PLAIN), [("!", "Administrators is enabled at integrity between Medium Plus and High (0x2fff)")]),
        (made(LIMITED, 0x1001, 0xF, **PLAIN), [("!", "Administrators is enabled at integrity between Low and Medium (0x1001)")]),
        (made(LIMITED, 0x1000, 0xF, **PLAIN), [("i", "Administrators is enabled at integrity Low")]),
        (made(LIMITED, 0x2000, 0xF, **{**PLAIN, "flags": 0x6000}), [("i", "Administrators is enabled at integrity Medium")]),
        (made(LIMITED, 0x2000, 0xF, **{**PLAIN, "flags": 0x2010}), [("i", "Administrators is enabled at integrity Medium")]),
        (FULL, []),
        (made(FULL, 0x2FFF, 0), [("i", "the full half of a UAC pair at integrity between Medium Plus and High (0x2fff)")]),
        (made(FULL, 0x2000, 0x10), [("i", "the full half of a UAC pair at integrity Medium")]),
        (made(FULL, 0x1FFF, 0), []),
        (made(FULL, 0x3000, 0), []),
        (made(FULL, 0x2000, 0xF), [("!", "Administrators is enabled at integrity Medium")]),
        (replace(LIMITED, user_and_groups=GONE), []),
        (replace(made(SYSTEM, 0x3000), integrity_level_index=GONE), []),
    ],
)  # fmt: skip
def test_the_level_against_user_groups_and_half(token: Token, faults: List[Tuple[str, str]]) -> None:
    found = told("integrity-and-user", process(token))
    assert found == [(mark, "a.exe (8): " + words) for mark, words in faults]


@pytest.mark.parametrize(
    "name, token, words",
    [
        ("lsass.exe", LIMITED, "lsass.exe (8) runs as %s, and should run as an account of Windows" % ANNA),
        ("LSASS.EXE", LIMITED, "LSASS.EXE (8) runs as %s, and should run as an account of Windows" % ANNA),
        ("lsass.exe", SYSTEM, None),
        ("lsass.exe", SERVICE, None),
        ("explorer.exe", LIMITED, None),
        ("explorer.exe", SYSTEM, "explorer.exe (8) runs as NT AUTHORITY\\SYSTEM, and should run as a person"),
        ("sihost.exe", SERVICE, "sihost.exe (8) runs as NT AUTHORITY\\LOCAL SERVICE, and should run as a person"),
        ("a.exe", LIMITED, None),
        ("a.exe", SYSTEM, None),
        ("lsass.exe", replace(LIMITED, user_and_groups=GONE), None),
        ("lsass.exe", GONE, None),
        (GONE, LIMITED, None),
    ],
)
def test_the_user_against_the_program(name: Any, token: Any, words: Any) -> None:
    assert told("user-and-image", process(token, name)) == ([("!", words)] if words else [])
    assert told("user-and-image", process(token, name, died=9)) == []


@pytest.mark.parametrize("name", "system registry memcompression smss.exe csrss.exe wininit.exe winlogon.exe services.exe lsass.exe".split())  # fmt: skip
def test_each_of_the_first_processes_runs_as_an_account_of_windows(name: str) -> None:
    assert [mark for mark, _ in told("user-and-image", process(LIMITED, name[:14]))] == ["!"]


def test_the_session_of_a_process_against_its_token_s() -> None:
    def found(session: Any, its: Any, token: Token = LIMITED) -> Any:
        return told("session-and-token", process(replace(token, session_id=its), session=session))

    assert found(1, 1) == found(0, 0) == []
    assert found(0, 1) == [("!", "a.exe (8) runs in session 0, and its token says 1")]
    assert found(1, 0) == [("!", "a.exe (8) runs in session 1, and its token says 0")]
    assert found(1, 0, SYSTEM) == [("i", "a.exe (8) runs in session 1, and its token says 0")]
    # Who it is is not known: nobody is accused.
    blind = replace(LIMITED, user_and_groups=GONE)
    assert [mark for mark, _ in found(1, 0, blind)] == ["i"]
    assert found(GONE, 1) == found(None, 1) == found(1, GONE) == []


@pytest.mark.parametrize(
    "user, words",
    [
        (Sid(5, (18,)), "NT AUTHORITY\\SYSTEM"),
        (Sid(5, (21, 1, 2, 3, 1001)), "S-1-5-21-1-2-3-1001"),  # whose name only the machine knows
        (Unreadable(0x10, "paged out"), "?"),
    ],
)
def test_a_user_is_named_by_what_is_known_everywhere_and_never_by_its_session(user: Any, words: str) -> None:
    first = Group(user, 0) if isinstance(user, Sid) else user
    assert isinstance(LIMITED.user_and_groups, tuple)
    assert user_words(replace(LIMITED, user_and_groups=(first, *LIMITED.user_and_groups[1:]))) == words


@pytest.mark.parametrize(
    "name, token, accused",
    [
        *[(name, LIMITED, True) for name in ("smss.exe", "csrss.exe", "WININIT.EXE", "winlogon.exe", "lsass.exe")],
        *[(name, LIMITED, True) for name in ("System", "Registry", "MemCompression", "services.exe")],
        *[(name, SYSTEM, True) for name in ("sihost.exe", "Explorer.EXE")],
        ("lsass.exe", SYSTEM, False),
        ("explorer.exe", LIMITED, False),
        ("svchost.exe", LIMITED, False),  # either's
        ("lsass.exe", Unreadable(0x10, "paged out"), False),
        ("lsass.exe", replace(LIMITED, user_and_groups=Unreadable(0x10, "paged out")), False),
    ],
)
def test_programs_that_are_always_the_system_s_or_a_person_s(name: str, token: Any, accused: bool) -> None:
    """Behind one of which nothing is known, too."""
    blind = replace(process(Unreadable(0x10, "paged out"), "lsass.exe"), process=process(SYSTEM, "lsass.exe").process)
    for rows in ((process(token, name),), (blind, process(token, name))):
        said = told("user-and-image", *rows)
        assert [mark for mark, _ in said] == (["!"] if accused else [])
        assert all(words.startswith("%s (8) runs as " % name) for _, words in said)
    if accused:
        who = "a person" if "host" in name or "xplorer" in name else "an account of Windows"
        assert said[0][1].endswith(", and should run as " + who)
