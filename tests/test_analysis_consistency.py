"""What the kernel keeps twice: each pair that does not agree is said, and no innocent token or process is blamed."""

from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest

from kdtoken.analysis.consistency import (
    faults,
    flag_faults,
    hash_faults,
    integrity_level,
    not_low_denied,
    oddities,
    process_oddities,
)
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import NotAsked, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.luid import Luid
from kdtoken.model.process import ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.token import LogonSession, SidHash, Token
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.innocent import INNOCENT
from tests.machine.kernel import Kernel
from tests.machine.strange import Case
from tests.machine.synthetic import SyntheticSource
from tests.snapshots import kernel_of_machine, paged_out_of_machine

KERNEL = kernel_of(WINDOWS_11)
TOKENS = Tokens(SyntheticSource(KERNEL))
GONE = Unreadable(0x10, "paged out")
USERS = Sid.from_text("S-1-5-32-545")


def token(key: str) -> Token:
    found = TOKENS.at(KERNEL.tokens[key])
    assert isinstance(found, Token)
    return found


def dumped(pid: int = 6104) -> ProcessDump:
    source = SyntheticSource(KERNEL)
    return dump_process(Tokens(source), find_process(source, "%d" % pid)[0], None, False)


def said_of_all(kernel: Kernel, gone: Sequence[int] = ()) -> List[str]:
    tokens = Tokens(SyntheticSource(kernel).without_pages(gone))
    seen = 0
    texts: List[str] = []
    for key, address in kernel.tokens.items():
        # Machines differ in a token or two: of equal ones at one address, with the same sessions, the same is said.
        which = (kernel.layouts.build, kernel.machine.tokens[key], address, kernel.machine.logon_sessions, tuple(gone))
        if which not in SAID:
            one = tokens.at(address)
            SAID[which] = (*one.problems, *faults(one), *oddities(one)) if isinstance(one, Token) else None
        said = SAID[which]
        seen += said is not None
        texts += said or ()
    assert seen > 10
    return texts


SAID: Dict[Any, Optional[Tuple[str, ...]]] = {}  # None where the token cannot be read


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_said_of_declared_tokens(path: Any) -> None:
    assert said_of_all(kernel_of(path)) == []


@pytest.mark.parametrize("case", INNOCENT, ids=lambda case: case.name)
def test_nothing_is_said_of_an_innocent_machine(case: Case) -> None:
    found = said_of_all(kernel_of_machine(case.machine), paged_out_of_machine(case.machine))
    if case.name == "a token without a label":
        # Its index is all that this case writes: the label's entry is still there, and that is what is said.
        assert found == ["IntegrityLevelIndex says that it has no label, and entry 14 is S-1-16-8192"]
        return
    # Programs that the declared machines have lowered in place, which audit's rule tells of.
    assert [text for text in found if "NOT_LOW" not in text] == []


CHANGED: List[Any] = [
    # whose, what is changed, what is said
    ("notepad", {"primary_group": Sid.from_text("S-1-5-32-546")}, "PrimaryGroup is S-1-5-32-546, which is none of its SIDs"),
    ("notepad", {"trust_level_sid": USERS}, "TrustLevelSid is S-1-5-32-545, which is no trust label"),
    ("calculator", {"package": Sid.from_text("S-1-15-3-1")}, "Package is S-1-15-3-1, which is no package's SID"),
    ("calculator", {"package": Sid.from_text("S-1-5-2-1")}, "Package is S-1-5-2-1, which is no package's SID"),
    ("notepad", {"token_type": 3}, "TokenType is 3, which means nothing"),
    ("notepad", {"token_type": 0}, "TokenType is 0, which means nothing"),
    ("notepad", {"impersonation_level": 4}, "ImpersonationLevel is 4, which means nothing"),
    ("notepad", {"in_use": 3}, "TokenInUse is 3, which means nothing"),
    (
        "notepad",
        {"dynamic_charged": 0x1000, "dynamic_available": 0x1001},
        "DynamicAvailable is 4097, more than the 4096 bytes of DynamicCharged",
    ),
    ("notepad", {"token_id": Luid(0, 5), "parent_token_id": Luid(0, 0)}, "AuthenticationId 0x2f3d2 is newer than its TokenId 0x5"),
    (
        "notepad",
        {"token_id": Luid(0, 0x90000), "parent_token_id": Luid(1, 0)},
        "ParentTokenId 0x1:0 is newer than its TokenId 0x90000",
    ),
]  # fmt: skip


@pytest.mark.parametrize("key, changes, says", CHANGED, ids=[one[2][:40] for one in CHANGED])
def test_a_value_that_contradicts_another(key: str, changes: Dict[str, Any], says: str) -> None:
    assert said(token(key)) == []
    assert said(replace(token(key), **changes)) == [says]


def said(one: Token) -> List[str]:
    return faults(one) + oddities(one)


def entry(bits: int, sid: Sid = USERS) -> List[str]:
    one = token("notepad")
    assert isinstance(one.user_and_groups, tuple)
    at = [group.sid for group in one.user_and_groups if isinstance(group, Group)].index(USERS)
    groups = (*one.user_and_groups[:at], Group(sid, bits), *one.user_and_groups[at + 1 :])
    changed = replace(one, user_and_groups=groups)
    return [text.partition(") ")[2] for text in faults(changed) + oddities(changed)]


def test_attributes_that_exclude_each_other_or_the_sid() -> None:
    assert entry(0x7) == entry(0xF) == entry(0x10) == entry(0x20000007) == []
    assert entry(0x14) == ["is enabled and for deny only"]
    assert entry(0x27) == entry(0x47) == ["has the attribute of an integrity label, and is none"]
    assert entry(0xC0000007) == ["has the attribute LogonId, and is no logon's SID"]
    assert entry(0xC0000007, Sid.from_text("S-1-5-5-0-1234")) == []
    assert entry(0x107) == ["has attributes without a name: 0x100"]
    assert entry(0x40000007) == ["has attributes without a name: 0x40000000"]
    assert entry(0x80000007) == ["has attributes without a name: 0x80000000"]


def test_a_label_that_the_index_denies() -> None:
    one = replace(token("notepad"), integrity_level_index=0xFFFFFFFF)
    assert said(one) == ["IntegrityLevelIndex says that it has no label, and entry 14 is S-1-16-8192"]
    assert isinstance(one.user_and_groups, tuple)
    assert said(replace(one, user_and_groups=one.user_and_groups[:-1], user_and_group_count=14)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"primary_group": GONE},
        {"primary_group": None},
        {"primary_group": USERS, "user_and_groups": GONE},
        # One of the groups could not be read, or fewer are listed than counted: it may be that one.
        {"primary_group": Sid.from_text("S-1-5-32-546"), "user_and_group_count": 99},
        {"token_id": GONE},
        {"token_type": GONE, "in_use": GONE, "impersonation_level": GONE},
        {"dynamic_charged": GONE, "dynamic_available": 5},
        {"package": GONE},
    ],
)
def test_nothing_is_made_of_what_was_not_read(changes: Dict[str, Any]) -> None:
    assert said(replace(token("notepad"), **changes)) == []


def test_a_primary_group_may_be_the_user_itself_and_an_anonymous_token_s_is_left_alone() -> None:
    assert token("system").primary_group == token("system").user
    assert said(token("anonymous")) == []


def test_a_duplicate_keeps_an_older_modified_id() -> None:
    """Five of eleven published outputs of !token show one older than the TokenId."""
    assert said(replace(token("notepad"), modified_id=Luid(0, 1))) == []


def test_the_policys_nameless_bits() -> None:
    assert oddities(replace(token("notepad"), mandatory_policy=3)) == []
    assert oddities(replace(token("notepad"), mandatory_policy=7)) == ["MandatoryPolicy has bits without a name: 0x4"]


NAMES = [
    ("notepad.exe", "\\Device\\HarddiskVolume3\\Windows\\System32\\notepad.exe", True),
    ("NOTEPAD.EXE", "\\Device\\HarddiskVolume3\\Windows\\System32\\notepad.exe", True),
    ("svchost.exe", "\\Device\\HarddiskVolume3\\Windows\\System32\\notepad.exe", False),
    ("SearchIndexer.", "\\Device\\HarddiskVolume3\\Windows\\System32\\SearchIndexer.exe", True),
    ("SearchIndexer.e", "\\Device\\HarddiskVolume3\\Windows\\System32\\SearchIndexer.exe", True),
    ("SearchIndexes.e", "\\Device\\HarddiskVolume3\\Windows\\System32\\SearchIndexer.exe", False),
    ("caf\\xe9.exe", "\\Device\\HarddiskVolume3\\caf\u00e9.exe", True),  # a byte cannot say each letter
    ("?.exe", "\\Device\\HarddiskVolume3\\\u65e5.exe", True),
    ("", "\\Device\\HarddiskVolume3\\a.exe", True),
    ("Registry", None, True),
    ("a.exe", "", True),
]


@pytest.mark.parametrize("name, path, same", NAMES)
def test_the_name_that_is_kept_twice(name: str, path: Any, same: bool) -> None:
    one = dumped()
    found = process_oddities(replace(one, process=replace(one.process, image_name=name), image_path=path))
    words = ["the kernel keeps its name twice, and they differ: ImageFileName is %s, its path %s" % (name, path)]
    assert found == ([] if same else words)


def test_ids_that_are_none_or_two_threads() -> None:
    one = dumped()
    assert process_oddities(one) == []
    threads = (
        Thread(0x10, 8, 12, None),
        Thread(0x20, 8, 12, None),
        Thread(0x30, 8, 17, None),
        Thread(0x40, 8, GONE, None),
    )
    assert process_oddities(replace(one, threads=threads)) == [
        "thread id 12 is that of two threads, at 0x10 and 0x20",
        "thread id 17 is no multiple of four, as ids are",
    ]
    assert process_oddities(replace(one, process=replace(one.process, parent_pid=4121))) == [
        "its parent's id 4121 is no multiple of four, as ids are"
    ]


def renamed(one: Token, **names: Any) -> Token:
    assert isinstance(one.logon_session, LogonSession)
    return replace(one, logon_session=replace(one.logon_session, **names))


def test_both_halves_of_a_pair_are_called_the_same() -> None:
    one = dumped()
    assert isinstance(one.token, Token) and isinstance(one.linked, Token) and one.token.user == one.linked.user
    other = replace(one, linked=renamed(one.linked, account_name="Boris"))
    assert process_oddities(other) == [
        "the halves of its pair are one user's, and one's session calls it ANNA-PC\\Anna, the other's ANNA-PC\\Boris"
    ]
    assert process_oddities(replace(one, linked=renamed(one.linked, account_name="ANNA"))) == []
    assert process_oddities(replace(one, linked=renamed(one.linked, account_name=GONE))) == []
    assert (
        process_oddities(replace(one, linked=replace(renamed(one.linked, account_name="x"), user_and_groups=GONE)))
        == []
    )
    # A session that is another's is told of by itself.
    assert process_oddities(replace(one, linked=renamed(one.linked, account_name="x", logon_id=Luid(0, 1)))) == []


def test_the_ids_and_the_level_at_their_limits() -> None:
    one = token("notepad")
    own = Luid(0, 0x90000)
    assert oddities(replace(one, token_id=own, authentication_id=own, parent_token_id=own)) == []
    newer = Luid(0, 0x90001)
    assert oddities(replace(one, token_id=own, authentication_id=newer, parent_token_id=newer)) == [
        "AuthenticationId 0x90001 is newer than its TokenId 0x90000",
        "ParentTokenId 0x90001 is newer than its TokenId 0x90000",
    ]
    for kind in (1, 2):
        assert faults(replace(one, token_type=kind)) == []
    for value in (0, 1, 2, 3):
        assert faults(replace(one, impersonation_level=value)) == []
    assert faults(replace(one, in_use=0)) == faults(replace(one, in_use=1)) == []
    assert faults(replace(one, in_use=2)) == ["TokenInUse is 2, which means nothing"]
    assert faults(replace(one, dynamic_charged=0x1000, dynamic_available=0x1000)) == []
    assert faults(replace(one, dynamic_charged=5, dynamic_available=GONE)) == []
    for policy in (0, 1, 2):
        assert oddities(replace(one, mandatory_policy=policy)) == []
    assert oddities(replace(one, mandatory_policy=0xC)) == ["MandatoryPolicy has bits without a name: 0xc"]


def labelled(level: Any, flags: int) -> Token:
    one = token("notepad")
    assert isinstance(one.user_and_groups, tuple)
    label = level if isinstance(level, HalfGroup) else Group(Sid(16, (level,)), 0x60)
    return replace(one, user_and_groups=(*one.user_and_groups[:-1], label), flags=flags)


@pytest.mark.parametrize(
    "level, not_low, denied",
    [
        (0, True, True),
        (0x1000, True, True),
        (0x1001, True, False),
        (0x1FFF, True, False),
        (0x2000, True, False),
        (0, False, False),
        (0x1000, False, False),
        (0x1001, False, False),
        (0x1FFF, False, False),
        (0x2000, False, True),
        (0x4000, False, True),
    ],
)
def test_not_low_against_the_label(level: int, not_low: bool, denied: bool) -> None:
    """Low is 0x1000, Medium 0x2000 (winnt.h); of levels between the two nobody tells."""
    assert not_low_denied(labelled(level, 0x2000 if not_low else 0)) is denied
    words = "TokenFlags %s NOT_LOW, but the label is 0x%x" % ("has" if not_low else "lacks", level)
    assert faults(labelled(level, 0x2000 if not_low else 0)) == ([words] if denied else [])


def test_the_level_is_that_of_the_entry_which_the_index_names() -> None:
    one = token("notepad")
    assert isinstance(one.user_and_groups, tuple)
    count = len(one.user_and_groups)
    assert integrity_level(one) == 0x2000 and integrity_level(labelled(0x1234, 0)) == 0x1234
    for index in (count, 0xFFFFFFFF, 0, GONE):
        assert integrity_level(replace(one, integrity_level_index=index)) is None
    # Its attributes could not be read, its SID could: a level that has a name is one.
    half = HalfGroup(0x10, "paged out", sid=Sid(16, (0x3000,)))
    assert integrity_level(labelled(half, 0)) == 0x3000
    for sid in (Sid(16, (0x3001,)), USERS, None):
        assert integrity_level(labelled(HalfGroup(0x10, "paged out", sid=sid), 0)) is None


def test_hashes_that_are_another_list_s() -> None:
    one = replace(
        token("notepad"), user_and_group_count=15, restricted_sid_count=0, capability_count=0, sid_hash=GONE,
        restricted_sid_hash=GONE, capabilities_hash=GONE,
    )  # fmt: skip
    assert hash_faults(one) == []
    fine = SidHash(15, 0x5000, (), 0x5000)
    for member, name, count in (
        ("sid_hash", "SidHash", "user_and_group_count"),
        ("restricted_sid_hash", "RestrictedSidHash", "restricted_sid_count"),
        ("capabilities_hash", "CapabilitiesHash", "capability_count"),
    ):

        def said(hashed: SidHash, listed: Any = 15, member: str = member, count: str = count) -> List[str]:
            return hash_faults(replace(one, **{member: hashed, count: listed}))

        assert said(fine) == said(replace(fine, list_at=None)) == said(fine, GONE) == []
        assert said(replace(fine, count=14)) == ["%s.SidCount is 14, the list has 15" % name]
        assert said(fine, 16) == ["%s.SidCount is 15, the list has 16" % name]
        assert said(replace(fine, sid_attr=0x5010)) == ["%s.SidAttr is 0x5010, the list is at 0x5000" % name]
        # An empty list has no hash to speak of; one that is empty on one side only contradicts itself.
        assert said(SidHash(0, 0, (), 0x5000), 0) == []
        assert said(SidHash(0, 0x5000, (), 0x5000)) == ["%s.SidCount is 0, the list has 15" % name]
        assert said(fine, 0) == ["%s.SidCount is 15, the list has 0" % name]


def test_packages_and_trust_labels_are_of_one_kind() -> None:
    """winnt.h: S-1-15-2-... is a package's SID, S-1-19-... a trust label's."""
    one = token("calculator")
    assert said(one) == [] == said(replace(one, package=Sid.from_text("S-1-15-2-9")))
    for sid in ("S-1-15-3-9", "S-1-5-2-9", "S-1-15"):
        assert said(replace(one, package=Sid.from_text(sid))) == ["Package is %s, which is no package's SID" % sid]
    assert said(replace(one, trust_level_sid=Sid.from_text("S-1-19-512-8192"))) == []
    for sid in ("S-1-18-512-8192", "S-1-20-512-8192"):
        found = said(replace(one, trust_level_sid=Sid.from_text(sid)))
        assert found == ["TrustLevelSid is %s, which is no trust label" % sid]


def test_a_package_that_was_not_followed_is_there() -> None:
    lacks = ["there is a package, but TokenFlags lacks LOWBOX"]
    one = token("notepad")
    assert faults(replace(one, package=NotAsked(0x5000))) == lacks
    assert faults(replace(one, package=GONE)) == []
    assert faults(replace(one, package=NotAsked(0x5000), flags=GONE)) == []


def test_an_attribute_is_of_each_list_and_every_entry_told_by_its_place() -> None:
    both = (Group(USERS, 7), Group(USERS, 0x14))
    one = replace(token("notepad"), restricted_sids=both, restricted_sid_count=2, capabilities=both, capability_count=2)
    one = replace(one, flags=0x2810)
    assert faults(one) == [
        "RestrictedSids: entry 1 (S-1-5-32-545) is enabled and for deny only",
        "Capabilities: entry 1 (S-1-5-32-545) is enabled and for deny only",
    ]
    strange = replace(one, capabilities=(Group(USERS, 0x107),), restricted_sids=GONE)
    assert oddities(strange) == ["Capabilities: entry 0 (S-1-5-32-545) has attributes without a name: 0x100"]


def test_a_primary_group_that_may_be_one_of_those_that_were_not_read() -> None:
    one = token("notepad")
    stranger = Sid.from_text("S-1-5-32-546")
    assert isinstance(one.user_and_groups, tuple)
    for at in range(len(one.user_and_groups)):
        groups = (*one.user_and_groups[:at], GONE, *one.user_and_groups[at + 1 :])
        assert oddities(replace(one, user_and_groups=groups, primary_group=stranger)) == []
    anonymous = token("anonymous")
    assert oddities(replace(anonymous, primary_group=stranger)) == []


def test_names_that_could_not_be_read_or_differ_within_what_is_kept() -> None:
    one = dumped()
    path = "\\Device\\HarddiskVolume3\\Windows\\System32\\notepad.exe"

    def found(name: Any, path: Any) -> int:
        return len(process_oddities(replace(one, process=replace(one.process, image_name=name), image_path=path)))

    assert found(GONE, path) == found("notepad.exe", GONE) == found("notepad.exe", None) == 0
    assert found("notepad.exe", "notepad.exe") == found("notepad.exe", "C:/Windows/notepad.exe") == 0
    # The fourteenth letter is the last that counts.
    assert found("abcdefghijklmn", "\\abcdefghijklmnop.exe") == 0 == found("abcdefghijklmnX", "\\abcdefghijklmnop.exe")
    assert found("abcdefghijklmX", "\\abcdefghijklmnop.exe") == 1
    assert found("abc", "\\abcd") == found("abcd", "\\abc") == 1


def test_a_parent_s_id_is_a_multiple_of_four() -> None:
    one = dumped()
    for pid, odd in ((0, 0), (4, 0), (4120, 0), (4121, 1), (4122, 1), (4123, 1), (GONE, 0)):
        assert len(process_oddities(replace(one, process=replace(one.process, parent_pid=pid)))) == odd
    three = tuple(Thread(at, 8, 12, None) for at in (0x10, 0x20, 0x30))
    assert process_oddities(replace(one, threads=three)) == [
        "thread id 12 is that of two threads, at 0x10 and 0x20",
        "thread id 12 is that of two threads, at 0x20 and 0x30",
    ]


def test_two_names_of_a_pair_are_compared_where_both_are_told_of_one_user() -> None:
    one = dumped()
    assert isinstance(one.linked, Token) and isinstance(one.token, Token)
    renamed_ = renamed(one.linked, account_name="x")
    for other in (
        replace(one, token=GONE, linked=renamed_),
        replace(one, linked=GONE),
        replace(one, linked=replace(renamed_, logon_session=GONE)),
        replace(one, linked=renamed(renamed_, authority_name=None)),
        replace(one, linked=renamed(renamed_, logon_id=GONE)),
        replace(one, token=renamed(one.token, account_name=GONE), linked=renamed_),
    ):
        assert process_oddities(other) == []
    domain = process_oddities(replace(one, linked=renamed(one.linked, authority_name="OTHER")))
    assert len(domain) == 1 and domain[0].endswith("calls it ANNA-PC\\Anna, the other's OTHER\\Anna")


@pytest.mark.parametrize(
    "session, kept, said",
    [
        # The pointer of a filtered explorer's session, as a Windows 10 of 2018 has it.
        (0xFFFF8B8E143FC870, 0xFFFF8B8E20C65060, False),
        (0xFFFF8B8E143FC870, 0, False),  # no half of a pair keeps one
        (0xFFFF8B8E143FC870, 0xFFFF8B8E20C65061, True),
        (0xFFFF8B8E143FC870, 0xFFFF8B8E20C65064, True),
        (0xFFFF8B8E143FC870, 0x7FFF8B8E20C65060, True),  # its highest bit is gone
        (0xFFFF8B8E143FC870, 0x20C65060, True),  # the low half alone
        (0x8A204060, 0x8A20406C, False),  # of a 32-bit kernel
        (0x8A204060, 0x0A204068, True),
        (0x8A204060, 0x8A20406A, True),
    ],
)
def test_the_token_that_a_session_keeps_lies_where_the_kernel_has_its_objects(
    session: int, kept: int, said: bool
) -> None:
    one = token("notepad")
    assert isinstance(one.logon_session, LogonSession)
    changed = replace(one, logon_session=replace(one.logon_session, address=session, token=kept))
    words = "its LogonSession's Token is 0x%x, which is no address of the kernel's" % kept
    assert [text for text in faults(changed) if "LogonSession's Token" in text] == ([words] if said else [])
    gone = replace(one, logon_session=replace(one.logon_session, token=GONE))
    assert not any("LogonSession's Token" in text for text in faults(gone))


def test_names_of_a_pair_are_compared_whatever_their_letters() -> None:
    one = dumped()
    assert isinstance(one.linked, Token) and isinstance(one.token, Token)
    for account, authority in (("ANNA", "anna-pc"), ("anna", "Anna-PC")):
        assert (
            process_oddities(replace(one, linked=renamed(one.linked, account_name=account, authority_name=authority)))
            == []
        )
    # Of two users nothing is compared.
    boris = renamed(one.linked, account_name="boris")
    assert isinstance(boris.user_and_groups, tuple)
    other = replace(boris, user_and_groups=(Group(Sid(5, (21, 1, 2, 3, 1002)), 0), *boris.user_and_groups[1:]))
    for linked, said in ((boris, 1), (other, 0)):
        assert sum("halves" in words for words in process_oddities(replace(one, linked=linked))) == said


OTHER_LABEL = Sid(16, (0x3000,))


@pytest.mark.parametrize(
    "value, says",
    [
        (Sid(16, (0x2000,)), []),
        (OTHER_LABEL, ["IntegrityLevelSidValue is S-1-16-12288, but the label is S-1-16-8192"]),
        (GONE, []),
        (None, []),
    ],
)
def test_the_label_s_sid_that_is_kept_beside_it(value: Any, says: List[str]) -> None:
    assert faults(replace(token("notepad"), integrity_level_sid_value=value)) == says
    # Of a label that was not read nothing follows.
    blind = replace(token("notepad"), integrity_level_sid_value=OTHER_LABEL, user_and_groups=GONE)
    assert not [words for words in faults(blind) if "IntegrityLevelSidValue" in words]


def test_the_session_s_logon_is_the_token_s() -> None:
    one = token("notepad")
    assert isinstance(one.authentication_id, Luid)
    said_ = (
        "its LogonSession is that of 0x7:9, but its AuthenticationId is %s: the account's name is not to be believed"
        % one.authentication_id
    )
    assert (
        faults(renamed(one, logon_id=Luid(7, 9))) == [said_]
        and faults(renamed(one, logon_id=one.authentication_id)) == []
    )
    assert faults(renamed(one, logon_id=GONE)) == []
    assert not [
        words
        for words in faults(replace(renamed(one, logon_id=Luid(7, 9)), authentication_id=GONE))
        if "LogonSession" in words
    ]
    assert faults(replace(one, logon_session=GONE)) == []


@pytest.mark.parametrize(
    "key, changes, says",
    [
        # winnt.h TokenFlags: IS_RESTRICTED 0x10, LOWBOX 0x4000.
        ("notepad", {"flags": 0x4000}, ["TokenFlags has LOWBOX, but there is no package"]),
        (
            "notepad",
            {"flags": 0x10, "restricted_sid_count": 0},
            ["TokenFlags has IS_RESTRICTED, but RestrictedSidCount is 0"],
        ),
        (
            "notepad",
            {"flags": 0, "restricted_sid_count": 2},
            ["RestrictedSidCount is 2, but TokenFlags lacks IS_RESTRICTED"],
        ),
        ("notepad", {"flags": 0x10, "restricted_sid_count": 2}, []),
        ("notepad", {"flags": 0, "restricted_sid_count": GONE}, []),
        ("notepad", {"flags": 0x10, "restricted_sid_count": GONE}, []),
        ("notepad", {"flags": 0, "package": Sid(15, (2, 1))}, ["there is a package, but TokenFlags lacks LOWBOX"]),
        ("notepad", {"flags": 0, "package": NotAsked(0x10)}, ["there is a package, but TokenFlags lacks LOWBOX"]),
        ("notepad", {"flags": 0, "package": GONE}, []),
        ("notepad", {"flags": GONE, "package": Sid(15, (2, 1))}, []),
    ],
)
def test_flags_that_what_they_are_about_denies(key: str, changes: Dict[str, Any], says: List[str]) -> None:
    assert list(flag_faults(replace(token(key), **changes))) == says
