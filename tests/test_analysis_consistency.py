"""What the kernel keeps twice: each pair that does not agree is said, and no innocent token or process is blamed."""

from dataclasses import replace
from typing import Any, Dict, List

import pytest

from kdtoken.analysis.consistency import faults, oddities, process_oddities
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.process import ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.token import LogonSession, Token
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.innocent import INNOCENT
from tests.machine.kernel import Kernel, build
from tests.machine.strange import Case
from tests.machine.synthetic import SyntheticSource

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


def said_of_all(kernel: Kernel) -> List[str]:
    tokens = Tokens(SyntheticSource(kernel))
    found = [one for one in (tokens.at(address) for address in kernel.tokens.values()) if isinstance(one, Token)]
    assert len(found) > 10
    return [text for one in found for text in (*one.problems, *faults(one), *oddities(one))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_said_of_declared_tokens(path: Any) -> None:
    assert said_of_all(kernel_of(path)) == []


@pytest.mark.parametrize("case", INNOCENT, ids=lambda case: case.name)
def test_nothing_is_said_of_an_innocent_machine(case: Case) -> None:
    found = said_of_all(build(case.machine, KERNEL.layouts))
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
