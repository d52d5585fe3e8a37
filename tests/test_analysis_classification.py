"""What kind of token it is, and what is unusual; nothing is concluded from what was not read."""

from dataclasses import replace
from typing import Any, Dict, List, Optional

import pytest

from kdtoken.analysis.classification import (
    Elevation,
    dump_remarks,
    elevation,
    integrity_level,
    kinds,
    managed_pair,
    of_another_user,
    token_remarks,
)
from kdtoken.decode.process_dump import Tokens
from kdtoken.model.absent import Absent, ElevationSaid, NotAsked, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import CrossCheck, FastRef, Impersonation, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.token import Doubt, LogonSession, SidHash, Token
from kdtoken.model.token_flags import TokenFlags
from kdtoken.render.words import account_of
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
TOKENS = Tokens(SyntheticSource(KERNEL))
GONE = Unreadable(0x10, "paged out")


def token(key: str) -> Token:
    found = TOKENS.at(KERNEL.tokens[key])
    assert isinstance(found, Token)
    return found


def texts(one: Token, serious: bool) -> List[str]:
    return [remark.text for remark in token_remarks(one) if remark.serious is serious]


@pytest.mark.parametrize("key", sorted(MACHINE.tokens))
def test_no_declared_token_is_taken_for_tampered(key: str) -> None:
    assert texts(token(key), True) == []


@pytest.mark.parametrize(
    "key, kind",
    [("notepad", Elevation.LIMITED), ("cmd", Elevation.FULL), ("system", Elevation.DEFAULT)],
)
def test_elevation(key: str, kind: Elevation) -> None:
    assert elevation(token(key)) is kind


def test_elevation_is_what_a_view_says_it_is() -> None:
    one = replace(token("notepad"), flags=NotSaid("!token"))
    for said, kind in ((1, Elevation.DEFAULT), (2, Elevation.FULL), (3, Elevation.LIMITED), (4, Elevation.UNKNOWN)):
        assert elevation(replace(one, logon_session=ElevationSaid("!token", elevation=said))) is kind


def test_elevation_is_unknown_where_a_part_is_missing() -> None:
    one = token("notepad")
    assert elevation(replace(one, flags=GONE)) is Elevation.UNKNOWN
    assert elevation(replace(one, logon_session=GONE)) is Elevation.UNKNOWN
    assert isinstance(one.logon_session, LogonSession)
    blind = replace(one.logon_session, buddy_logon_id=GONE)
    assert elevation(replace(one, logon_session=blind)) is Elevation.UNKNOWN


def test_integrity_and_kinds() -> None:
    assert integrity_level(token("cmd")) == 0x3000
    assert integrity_level(replace(token("cmd"), user_and_groups=GONE)) is None
    assert integrity_level(replace(token("cmd"), integrity_level_index=0xFFFFFFFF)) is None
    assert kinds(token("calculator")) == ("AppContainer",)
    assert kinds(token("bfe")) == ("write-restricted",)
    assert kinds(token("restricted")) == ("restricted",)
    assert kinds(token("notepad")) == ()
    assert kinds(replace(token("notepad"), flags=GONE, package=GONE)) == ()


def test_a_privilege_enabled_without_being_present_is_serious() -> None:
    ghost = Privilege(20, "SeDebugPrivilege", False, True, False)
    assert texts(replace(token("notepad"), privileges=(ghost,)), True) == [
        "enabled without being present, which no documented call can do: SeDebugPrivilege"
    ]


def test_strong_privileges_below_high_are_serious() -> None:
    debug = Privilege(20, "SeDebugPrivilege", True, True, False)
    assert texts(replace(token("notepad"), privileges=(debug,)), True) == [
        "sensitive privileges enabled below High: SeDebugPrivilege"
    ]
    assert "sensitive privileges enabled: SeDebugPrivilege" in texts(replace(token("cmd"), privileges=(debug,)), False)
    impersonate = Privilege(29, "SeImpersonatePrivilege", True, True, True)
    assert not any("sensitive" in text for text in texts(replace(token("cmd"), privileges=(impersonate,)), False))


def test_enabled_administrators_below_high_are_serious() -> None:
    one = token("notepad")
    assert isinstance(one.user_and_groups, tuple)
    admins = Sid.from_text("S-1-5-32-544")
    raised = tuple(Group(admins, 7) if isinstance(g, Group) and g.sid == admins else g for g in one.user_and_groups)
    assert "BUILTIN\\Administrators is enabled below High integrity" in texts(
        replace(one, user_and_groups=raised), True
    )
    assert "BUILTIN\\Administrators counts for deny only" in texts(one, False)


def test_fields_that_contradict_each_other() -> None:
    one = token("notepad")
    assert isinstance(one.flags, int)
    assert texts(replace(one, flags=one.flags & ~0x2000), True) == ["TokenFlags lacks NOT_LOW, but the label is 0x2000"]
    assert texts(replace(one, integrity_level_sid_value=Sid.from_text("S-1-16-12288")), True) == [
        "IntegrityLevelSidValue is S-1-16-12288, but the label is S-1-16-8192"
    ]
    # Nothing public shows how the hashes follow the groups on a real token: they are printed, not judged.
    assert texts(replace(one, sid_hash=SidHash(3, 0x1000, ())), True) == []
    for level, flags in ((0x1000, one.flags), (0x1800, one.flags), (0x1800, 0)):
        assert isinstance(one.user_and_groups, tuple)
        label = one.user_and_groups[:-1] + (Group(Sid(16, (level,)), 0x60),)
        serious = [t for t in texts(replace(one, user_and_groups=label, flags=flags), True) if "NOT_LOW" in t]
        assert bool(serious) is (level == 0x1000)


def test_a_logon_session_of_another_token_names_nobody() -> None:
    """192 of 200 swapped pointers printed another account's name beside Anna's SID."""
    one = token("notepad")
    assert isinstance(one.logon_session, LogonSession) and account_of(one)
    other = replace(one, logon_session=replace(one.logon_session, logon_id=Luid(0, 0x3E5)))
    assert texts(other, True) == [
        "its LogonSession is that of 0x3e5, but its AuthenticationId is %s: the account's name is not to be believed"
        % one.authentication_id
    ]
    assert account_of(other) is None
    for gone in (
        replace(one, authentication_id=GONE),
        replace(one, logon_session=replace(one.logon_session, logon_id=GONE)),
    ):
        assert texts(gone, True) == []


@pytest.mark.parametrize(
    "key, flags, changes, says",
    [
        ("notepad", 0x4000, {}, "TokenFlags has LOWBOX, but there is no package"),
        ("calculator", -0x4000, {}, "there is a package, but TokenFlags lacks LOWBOX"),
        ("notepad", 0x10, {}, "TokenFlags has IS_RESTRICTED, but RestrictedSidCount is 0"),
        ("restricted", -0x10, {}, "RestrictedSidCount is 3, but TokenFlags lacks IS_RESTRICTED"),
        ("notepad", 0x4000, {"package": Absent("_TOKEN.Package")}, None),  # Windows 7 has no packages
        ("notepad", 0x10, {"restricted_sid_count": GONE}, None),
        ("notepad", 0, {}, None),
    ],
)
def test_flags_against_what_they_are_about(key: str, flags: int, changes: Dict[str, Any], says: Optional[str]) -> None:
    one = token(key)
    assert isinstance(one.flags, int)
    found = texts(replace(one, flags=one.flags + flags, **changes), True)
    assert found == ([says] if says else [])


def test_an_index_that_leads_to_no_label_is_no_integrity() -> None:
    """ "Integrity Administrators" was printed, 200 of 200."""
    moved = replace(token("notepad"), integrity_level_index=3).integrity
    assert isinstance(moved, Unreadable) and moved.reason.startswith("IntegrityLevelIndex 3 leads to S-1-5-")
    assert integrity_level(replace(token("notepad"), integrity_level_index=3)) is None


def test_what_is_missing_is_named_and_nothing_is_made_of_it() -> None:
    one = token("notepad")
    assert texts(replace(one, privileges=GONE, flags=GONE, session_id=GONE), False)[0] == (
        "not all of the token could be read: privileges, session id, flags"
    )
    assert texts(replace(one, privileges=GONE, flags=GONE, sid_hash=GONE, user_and_groups=GONE), True) == []
    assert not any("could be read" in text for text in texts(replace(one, package=Absent("_TOKEN.Package")), False))
    lean = replace(one, default_dacl=NotAsked(0x10))
    assert not any("could be read" in text for text in texts(lean, False))


def dump(**changes: object) -> ProcessDump:
    process = Process(0x1000, 8, "a.exe", FastRef(0x2000, 15), 4)
    details = ProcessDetails(1, 0, 0, 1, 0x1500)
    return replace(ProcessDump(process, details, token("system")), **changes)  # type: ignore[arg-type]


def test_remarks_on_a_process() -> None:
    def said(**changes: object) -> List[str]:
        return [("!! " if one.serious else "") + one.text for one in dump_remarks(dump(**changes))]

    assert said() == []
    assert said(problems=("torn",)) == ["!! torn"]
    assert said(token=None) == ["the process has no token: its reference is null, as after exit"]
    assert said(token=GONE) == ["!! its token is unreadable at 0x10: paged out"]
    assert said(token=token("client-system")) == ["!! the process runs under a token of type Impersonation"]
    assert said(details=ProcessDetails(1, 2, 0, 0, 0)) == [
        "the process has ended; it is still on the list because somebody holds it open"
    ]
    others = tuple(Process(at, at, "p%d" % at, GONE, 4) for at in range(6))
    assert said(shared_with=others) == [
        "shares its token object with p0 (0), p1 (1), p2 (2), p3 (3) and 2 more; an ordinary process has its own copy"
    ]
    assert said(cross_check=CrossCheck("!process 1000 1", None, False)) == [
        "!! !process 1000 1 says that the token is none: one of the two is wrong"
    ]
    threads = (Thread(1, 8, 12, None), Thread(2, 8, 16, Impersonation(3, 2, False)), Thread(4, 8, 20, GONE))
    assert said(threads=threads) == ["1 of 3 threads impersonates, so does not act under this token"]
    threads += (Thread(5, 8, 24, Impersonation(3, 2, False)),)
    assert said(threads=threads) == ["2 of 4 threads impersonate, so do not act under this token"]


def test_bit_8_of_the_flags_was_the_administrators_before_vista() -> None:
    """An administrator of XP has TokenFlags 0x9 and no restricting SIDs ("!token", learn.microsoft.com)."""
    bfe = token("bfe")
    assert bfe.has_flag(TokenFlags.WRITE_RESTRICTED) is True and "WRITE_RESTRICTED" in bfe.flag_words
    old = replace(bfe, flags=0x19, mandatory_policy=Absent("_TOKEN.MandatoryPolicy"))  # by memory: the build tells
    assert (
        old.has_flag(TokenFlags.WRITE_RESTRICTED) is False
        and kinds(old) == ("restricted",)
        and "HAS_ADMIN_GROUP" in old.flag_words
    )
    told = replace(bfe, flags=0x9, mandatory_policy=NotSaid("!token"), restricted_sid_count=0, restricted_sids=())
    assert kinds(told) == () and told.flag_words == ("HAS_TRAVERSE_PRIVILEGE", "HAS_ADMIN_GROUP")


def test_impersonate_alone_is_usual_at_high_and_serious_below() -> None:
    """A service account's everyday privilege; below High it makes a potato of whoever has it."""
    impersonate = Privilege(29, "SeImpersonatePrivilege", True, True, True)
    one = replace(token("notepad"), privileges=(impersonate,))
    assert texts(one, True) == ["sensitive privileges enabled below High: SeImpersonatePrivilege"]
    debug = Privilege(20, "SeDebugPrivilege", True, True, False)
    two = replace(token("cmd"), privileges=(debug, impersonate))
    assert "sensitive privileges enabled: SeDebugPrivilege, SeImpersonatePrivilege" in texts(two, False)


def flagged(bits: int, **members: Any) -> Token:
    """Notepad's token with these TokenFlags (ntifs.h TOKEN_*, public type headers) and no package."""
    return replace(token("notepad"), flags=bits, package=None, **members)


@pytest.mark.parametrize(
    "one, words",
    [
        (flagged(0), ()),
        (flagged(0x4000), ("AppContainer",)),
        (replace(flagged(0), package=Sid.from_text("S-1-15-2-1")), ("AppContainer",)),
        (flagged(0x10), ("restricted",)),
        (flagged(0x8), ("write-restricted",)),
        (flagged(0x18), ("write-restricted",)),
        (flagged(0x1000), ("UIAccess",)),
        (flagged(0x40), ("sandbox-inert",)),
        (flagged(0x5058), ("AppContainer", "write-restricted", "UIAccess", "sandbox-inert")),
        (replace(flagged(0), flags=GONE), ()),
    ],
)
def test_what_confines_a_token(one: Token, words: Any) -> None:
    assert kinds(one) == words
    said = [text for text in texts(one, False) if "checked a second time" in text]
    for word, what in (("restricted", "every access is"), ("write-restricted", "writes are")):
        if word in words:
            assert said == ["%s: %s checked a second time, against the restricting SIDs" % (word, what)]
    assert bool(said) is any("restricted" in word for word in words)


def test_the_half_is_the_flag_of_one_whose_logon_names_another() -> None:
    one = token("notepad")
    assert isinstance(one.logon_session, LogonSession)
    alone = replace(one.logon_session, buddy_logon_id=Luid(0, 0))
    for flags in (0x800, 0):
        assert elevation(replace(one, flags=flags, logon_session=alone)) is Elevation.DEFAULT
    assert elevation(replace(one, flags=0x800)) is Elevation.LIMITED
    assert elevation(replace(one, flags=0x2000)) is Elevation.FULL
    high = replace(one.logon_session, buddy_logon_id=Luid(1, 0))
    assert elevation(replace(one, flags=0, logon_session=high)) is Elevation.FULL


def test_a_pair_of_two_users_is_administrator_protection_s() -> None:
    one, other = token("notepad"), token("system")
    assert of_another_user(one, other) and not of_another_user(one, one)
    blind = replace(other, user_and_groups=GONE)
    assert not of_another_user(one, blind) and not of_another_user(blind, one)
    full = TokenFlags.SYSTEM_MANAGED_ADMIN_FULL_TOKEN.value
    for mine, theirs in ((full, 0), (0, full), (full, full)):
        said = managed_pair(replace(one, flags=mine), replace(other, flags=theirs))
        assert said.startswith("Administrator Protection: what is elevated runs as an account")
    said = managed_pair(replace(one, flags=0), replace(other, flags=0))
    assert said.startswith("the halves of a pair are one user's") and said.endswith("whose flag neither has")


@pytest.mark.parametrize(
    "level, uncommon",
    [(0x0000, ""), (0x1000, ""), (0x2000, ""), (0x2100, ""), (0x3000, ""), (0x4000, ""), (0x5000, "")]
    + [(0x7000, "Secure Process Mandatory Level"), (0x2800, "between Medium Plus and High (0x2800)")],
)
def test_levels_that_no_program_has(level: int, uncommon: str) -> None:
    said = [text for text in texts(labelled(level), False) if "uncommon" in text]
    assert said == (["its integrity level is uncommon: " + uncommon] if uncommon else [])


def labelled(level: int, key: str = "notepad", **members: Any) -> Token:
    one = token(key)
    assert isinstance(one.user_and_groups, tuple)
    return replace(one, user_and_groups=one.user_and_groups[:-1] + (Group(Sid(16, (level,)), 0x60),), **members)


def test_strong_privileges_at_the_limit_of_high_and_of_a_service() -> None:
    debug = Privilege(20, "SeDebugPrivilege", True, True, False)
    held = {"privileges": (debug,)}
    below, above = (
        "sensitive privileges enabled below High: SeDebugPrivilege",
        "sensitive privileges enabled: SeDebugPrivilege",
    )
    assert below in texts(labelled(0x2FFF, **held), True) and above in texts(labelled(0x3000, **held), False)
    # What is not known is not below.
    assert above in texts(replace(token("notepad"), integrity_level_index=GONE, **held), False)
    for key in ("system", "bfe", "rpcss"):
        one = replace(token(key), privileges=(debug,))
        assert not any("sensitive" in text for text in texts(one, False) + texts(one, True))
    off = replace(debug, enabled=False)
    assert not any("sensitive" in text for text in texts(replace(token("cmd"), privileges=(off,)), False))
    weak = Privilege(23, "SeChangeNotifyPrivilege", True, True, True)
    assert not any("sensitive" in text for text in texts(replace(token("cmd"), privileges=(weak,)), False))


@pytest.mark.parametrize(
    "bits, level, says",
    [
        (0x10, 0x2000, [("BUILTIN\\Administrators counts for deny only", False)]),
        (0x10, 0x3000, [("BUILTIN\\Administrators counts for deny only", False)]),
        (0xF, 0x2FFF, [("BUILTIN\\Administrators is enabled below High integrity", True)]),
        (0xF, 0x3000, []),
        (0xB, 0x2000, []),  # not enabled
    ],
)
def test_administrators_below_high(bits: int, level: int, says: Any) -> None:
    one = labelled(level)
    admins = Sid.from_text("S-1-5-32-544")
    assert isinstance(one.user_and_groups, tuple)
    groups = tuple(Group(admins, bits) if isinstance(g, Group) and g.sid == admins else g for g in one.user_and_groups)
    said = [(remark.text, remark.serious) for remark in token_remarks(replace(one, user_and_groups=groups))]
    assert [pair for pair in said if "Administrators" in pair[0]] == says


def test_five_of_what_could_not_be_read_are_named_and_holes_counted() -> None:
    one = token("notepad")
    names = ("source_name", "token_id", "modified_id", "session_id", "flags", "in_use")
    five = replace(one, **dict.fromkeys(names[:5], GONE))
    assert texts(five, False)[0] == (
        "not all of the token could be read: source name, token id, modified id, session id, flags"
    )
    assert texts(replace(five, in_use=GONE), False)[0].endswith("session id, flags and 1 more")
    assert isinstance(one.user_and_groups, tuple)
    half = HalfGroup(0x10, "paged out", sid=Sid.from_text("S-1-1-0"))
    holed = replace(one, user_and_groups=(*one.user_and_groups[:3], GONE, GONE, half, *one.user_and_groups[6:]))
    assert texts(holed, False)[0] == "not all of the token could be read: 2 of user and groups"


def test_a_doubt_is_no_accusation() -> None:
    one = replace(token("notepad"), problems=(Doubt("perhaps"), "torn"))
    assert ("perhaps" in texts(one, False), "torn" in texts(one, True)) == (True, True)
    beside = dump(linked=one, tokens={0x5000: one})
    said = [
        (remark.text, remark.serious)
        for remark in dump_remarks(beside)
        if ": perhaps" in remark.text or ": torn" in remark.text
    ]
    assert said == [
        ("the linked token: perhaps", False),
        ("the linked token: torn", True),
        ("the impersonation token at 0x5000: perhaps", False),
        ("the impersonation token at 0x5000: torn", True),
    ]


@pytest.mark.parametrize(
    "used, allowed, kind, says",
    [(2, 2, 2, False), (3, 2, 2, True), (1, 2, 2, False), (3, 2, 1, False), (3, GONE, 2, False), (3, 2, GONE, False)],
)
def test_a_thread_goes_no_further_than_its_client_s_token_allows(
    used: int, allowed: Any, kind: Any, says: bool
) -> None:
    client = replace(token("client-anna"), impersonation_level=allowed, token_type=kind)
    one = dump(threads=(Thread(1, 8, 12, Impersonation(0x5000, used, False)),), tokens={0x5000: client})
    words = "thread 12 impersonates at level %d, and its token allows 2" % used
    assert ([r.serious for r in dump_remarks(one) if r.text == words] == [True]) is says
    assert any("and its token allows" in r.text for r in dump_remarks(one)) is says


def test_remarks_on_a_process_at_their_limits() -> None:
    def said(**changes: object) -> List[str]:
        return [("!! " if one.serious else "") + one.text for one in dump_remarks(dump(**changes))]

    four = tuple(Process(at, at, "p%d" % at, GONE, 4) for at in range(4))
    assert said(shared_with=four)[0].startswith(
        "shares its token object with p0 (0), p1 (1), p2 (2), p3 (3); an ordinary"
    )
    assert said(shared_with=()) == []
    five = (*four, Process(9, 9, "p9", GONE, 4))
    assert "p3 (3) and 1 more; an ordinary" in said(shared_with=five)[0]
    assert said(cross_check=CrossCheck("!process", 0x5000, False)) == [
        "!! !process says that the token is 0x5000: one of the two is wrong"
    ]
    assert (
        said(cross_check=CrossCheck("!process", 0x5000, True))
        == said(cross_check=CrossCheck("!process", None, None))
        == []
    )
    assert said(details=GONE) == said(details=ProcessDetails(1, GONE, 0, 1, 0)) == []
    assert said(token=NotSaid("a text")) == ["its token is %s" % NotSaid("a text")]
    hinted = Unreadable(0x10, "paged out", "try again")
    assert said(token=hinted) == ["!! its token is %s; next: try again" % hinted]
    assert said(threads=(Thread(1, 8, 12, None), Thread(2, 8, 16, GONE))) == []


def test_each_thread_and_each_token_beside_is_looked_at_whatever_stands_before_it() -> None:
    """A client says how far a server may go: no thread acts at a higher level than its token allows."""
    client = replace(token("client-system"), address=0x7000, impersonation_level=1)
    used = [
        None,
        GONE,
        Impersonation(0x6000, 3, False),
        Impersonation(0x7000, 1, False),
        Impersonation(0x7000, 2, False),
    ]
    threads = tuple(Thread(0x100 + at, 8, 20 + 4 * at, one) for at, one in enumerate(used))
    beside = dump(threads=threads, tokens={0x6000: GONE, 0x7000: client}, linked=GONE)
    said = [one.text for one in dump_remarks(beside) if "level" in one.text]
    assert said == ["thread 36 impersonates at level 2, and its token allows 1"]
    # A fault of the second token beside is told, though the first was not read.
    wrong = replace(client, token_type=7)
    found = [one.text for one in dump_remarks(replace(beside, threads=(), tokens={0x6000: GONE, 0x7000: wrong}))]
    assert "the impersonation token at 0x7000: TokenType is 7, which means nothing" in found


@pytest.mark.parametrize(
    "missing, text, serious",
    [
        (NotAsked(0x10), "its token is %s", True),
        (Unreadable(0x10, "paged out", "dq 10"), "its token is %s; next: dq 10", True),
        (NotSaid("a text"), "its token is %s", False),  # that a text does not tell of it is nothing strange
    ],
)
def test_a_token_that_is_not_there_says_why_and_what_to_do(missing: Any, text: str, serious: bool) -> None:
    (one,) = dump_remarks(dump(token=missing))
    assert (one.text, one.serious) == (text % missing, serious)


@pytest.mark.parametrize(
    "flags, said",
    [
        # winnt.h TokenFlags: WRITE_RESTRICTED 0x8, IS_RESTRICTED 0x10.
        (0x10, ["restricted: every access is checked a second time, against the restricting SIDs"]),
        (0x18, ["write-restricted: writes are checked a second time, against the restricting SIDs"]),
        (0, []),
    ],
)
def test_what_restriction_means(flags: int, said: List[str]) -> None:
    restricted = replace(token("notepad"), flags=flags, restricted_sid_count=2 if flags else 0)
    assert [one.text for one in token_remarks(restricted) if "second time" in one.text] == said
