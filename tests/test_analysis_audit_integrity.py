"""What the kernel keeps in step inside a token: each rule at its limits, and what it says."""

from typing import Any, List, Tuple

import pytest

from kdtoken.analysis.audit.integrity import bearer, holder, token_fact
from kdtoken.analysis.audit.rules import audit
from kdtoken.frozen import replace
from kdtoken.model.absent import NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import Impersonation, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import SidHash, Token
from tests.declared_views import decoded
from tests.test_analysis_audit_users import FULL, LIMITED, SYSTEM, made, process, told

GONE = Unreadable(0x10, "paged out")
CLIENT = decoded("client-anna")


def found(rule: str, **members: Any) -> List[Tuple[str, str]]:
    """Of Anna's token with other members."""
    who = "token of a.exe (8): "
    said = told(rule, process(replace(LIMITED, **members)))
    assert all(words.startswith(who) for _, words in said)
    return [(mark, words[len(who) :]) for mark, words in said]


def bits(*numbers: int, present: bool = False, enabled: bool = True) -> Tuple[Privilege, ...]:
    return tuple(Privilege(number, "Se%d" % number, present, enabled, False) for number in numbers)


def test_privileges_that_are_enabled_and_not_held() -> None:
    words = "privileges are enabled that it does not hold: "
    assert found("enabled-not-present", privileges=bits(20)) == [("!!", words + "Se20")]
    assert found("enabled-not-present", privileges=bits(20, present=True)) == []
    assert found("enabled-not-present", privileges=bits(20, enabled=False)) == []
    assert found("enabled-not-present", privileges=GONE) == []
    six = "Se20, Se21, Se22, Se23, Se24, Se25"
    assert found("enabled-not-present", privileges=bits(*range(20, 26))) == [("!!", words + six)]
    assert found("enabled-not-present", privileges=bits(*range(20, 27))) == [("!!", words + six + " and 1 more")]


def test_bits_that_stand_for_no_privilege() -> None:
    """ntifs.h: the first privilege is 2, the last that any header names 36; 0 and 1 never were any."""
    words = "bits are set that stand for no privilege: "
    for number, mark in ((0, "!!"), (1, "!!"), (2, ""), (36, ""), (37, "!"), (63, "!")):
        expected = [(mark, words + "%d" % number)] if mark else []
        assert found("nameless-privileges", privileges=bits(number)) == expected
        assert found("nameless-privileges", privileges=bits(number, present=True, enabled=False)) == expected
    assert found("nameless-privileges", privileges=bits(37, enabled=False)) == []
    assert found("nameless-privileges", privileges=bits(37, 1)) == [("!!", words + "37, 1")]
    eight = "40, 41, 42, 43, 44, 45, 46, 47"
    assert found("nameless-privileges", privileges=bits(*range(40, 48))) == [("!", words + eight)]
    assert found("nameless-privileges", privileges=bits(*range(40, 49))) == [("!", words + eight + " ...")]


def test_what_the_two_indices_lead_to() -> None:
    assert isinstance(LIMITED.user_and_groups, tuple)
    count = len(LIMITED.user_and_groups)
    assert found("label-entry") == []
    past = [("!!", "IntegrityLevelIndex points past its groups")]
    assert found("label-entry", integrity_level_index=count) == past == found("label-entry", integrity_level_index=99)
    for none in (0xFFFFFFFF, GONE):
        assert found("label-entry", integrity_level_index=none) == []
    assert found("label-entry", integrity_level_index=1) == [
        ("!!", "its integrity label is %s, which is none" % LIMITED.user_and_groups[1].sid)  # type: ignore[union-attr]
    ]
    bare = (*LIMITED.user_and_groups[:-1], Group(Sid(16, (0x2000,)), 0x40))
    assert found("label-entry", user_and_groups=bare) == [("!!", "its integrity label lacks the attribute Integrity")]
    dark = (*LIMITED.user_and_groups[:-1], GONE)
    assert found("label-entry", user_and_groups=dark) == found("label-entry", user_and_groups=GONE) == []
    assert found("label-entry", user_and_groups=()) == []
    past = [("!!", "DefaultOwnerIndex points past its groups")]
    assert found("label-entry", default_owner_index=count) == past
    # The user may always own, whatever its attributes; a group with SE_GROUP_OWNER (8) only.
    assert found("label-entry", default_owner_index=0) == found("label-entry", default_owner_index=GONE) == []
    owned = [at for at, one in enumerate(LIMITED.user_and_groups) if isinstance(one, Group) and one.attributes & 8]
    other = next(at for at in range(1, count) if at not in owned)
    sid = LIMITED.user_and_groups[other].sid  # type: ignore[union-attr]
    said = [("!!", "its default owner %s is not allowed as one" % sid)]
    assert found("label-entry", default_owner_index=other) == said
    lent = list(LIMITED.user_and_groups)
    lent[other] = Group(sid, 0xF)
    assert found("label-entry", default_owner_index=other, user_and_groups=tuple(lent)) == []


def test_integrity_is_off_where_the_policy_lacks_its_lowest_bit() -> None:
    """winnt.h: TOKEN_MANDATORY_POLICY_NO_WRITE_UP 1, NEW_PROCESS_MIN 2."""
    off = [("!", "mandatory integrity is off for it: its policy lacks NO_WRITE_UP")]
    for policy, said in ((0, off), (1, []), (2, off), (3, [])):
        assert found("integrity-off", mandatory_policy=policy) == said
    for unknown in (GONE, NotSaid("!token")):
        assert found("integrity-off", mandatory_policy=unknown) == []
    assert found("integrity-off", mandatory_policy=0, token_type=2) == []


def test_the_label_against_the_flag_and_against_the_sid_that_is_kept_beside_it() -> None:
    assert found("label-and-flags") == []
    # Somebody else has NOT_LOW: so this build sets it, and Anna's lacks it.
    lacking = process(replace(LIMITED, flags=0x800))
    says = ("!", "token of a.exe (8): TokenFlags lacks NOT_LOW, and its label is Medium Mandatory Level")
    assert told("label-and-flags", lacking) == []
    assert told("label-and-flags", lacking, process(FULL)) == [says]
    assert told("label-and-flags", process(made(LIMITED, 0x1000))) == [
        ("!", "token of a.exe (8): TokenFlags has NOT_LOW, and its label is Low Mandatory Level")
    ]
    separate = Sid.from_text("S-1-16-12288")
    assert found("label-and-flags", integrity_level_sid_value=separate) == [
        ("!", "IntegrityLevelSidValue is S-1-16-12288, its label S-1-16-8192")
    ]
    same = Sid.from_text("S-1-16-8192")
    for fine in (same, None, GONE):
        assert found("label-and-flags", integrity_level_sid_value=fine) == []
    # Beside a label that is not known, or none, it contradicts nothing.
    assert found("label-and-flags", integrity_level_sid_value=separate, integrity_level_index=0xFFFFFFFF) == []
    assert found("label-and-flags", integrity_level_sid_value=separate, user_and_groups=GONE) == []


def test_the_evidence_of_a_finding_is_the_field_by_its_address() -> None:
    (one,) = audit(Snapshot("memory", (process(replace(LIMITED, mandatory_policy=2)),)), only=["integrity-off"])
    assert one.evidence[0].address == LIMITED.address and one.tokens == (LIMITED.address,)
    field = LIMITED.origins["mandatory_policy"]
    assert (one.evidence[1].what, one.evidence[1].value, one.evidence[1].address) == (
        "MandatoryPolicy",
        "0x2",
        field.address,
    )


def test_a_token_is_named_after_who_has_it() -> None:
    touched = replace(SYSTEM, privileges=bits(20))
    rows = [replace(process(touched), process=replace(process(touched).process, pid=pid)) for pid in (8, 12, 16)]
    (one,) = told("enabled-not-present", *rows)
    assert one[1].startswith("token of a.exe (8) and 2 more: ")
    assert told("enabled-not-present", *rows[:2])[0][1].startswith("token of a.exe (8) and 1 more: ")
    # A thread's: whose process it is runs under another.
    stolen = replace(CLIENT, privileges=bits(20))
    using, other = Impersonation(stolen.address, 2, False), Impersonation(0x4000, 2, False)

    def threads(*used: Any) -> str:
        listed = tuple(Thread(0x100 * tid, 8, tid, one) for tid, one in zip((20, 24, 28, 32), used))
        row = replace(process(LIMITED), threads=listed, tokens={stolen.address: stolen})
        return told("enabled-not-present", row)[0][1].partition(": ")[0]

    assert threads(None, using) == "token of thread 24 of a.exe (8)"
    assert threads(other, using, GONE, using) == "token of thread 24 and 1 more of a.exe (8)"
    assert threads(using, using, using) == "token of thread 20 and 2 more of a.exe (8)"
    assert threads() == "token of a.exe (8)"


@pytest.mark.parametrize("level, words", [(0x1000, "has"), (0x1001, ""), (0x1FFF, "")])
def test_between_low_and_medium_nobody_tells_what_the_flag_should_be(level: int, words: str) -> None:
    token: Token = made(LIMITED, level)
    assert bool(told("label-and-flags", process(token))) is bool(words)
    assert told("label-and-flags", process(replace(token, flags=0x800)), process(FULL)) == []


# Public (an open ntdll's RtlSidHashInitialize): of the first entries, a bit each, as many as a word has (64, on x86 32);
# by the low byte of the last sub-authority, its low nibble picks one of words 0-15, its high nibble one of words 16-31.
ONES = {count: (1 << count) - 1 for count in (31, 32, 33, 63, 64)}


@pytest.mark.parametrize(
    "count, words",
    [
        # 544 is 0x220: low nibble 0, high nibble 2.
        (1, {0: 1, 18: 1}),
        (31, {0: ONES[31], 18: ONES[31]}),
        (32, {0: ONES[32], 18: ONES[32]}),
        (33, {0: ONES[33], 18: ONES[33]}),
        (33, {0: ONES[32], 18: ONES[32]}),  # x86
        (64, {0: ONES[64], 18: ONES[64]}),
        (65, {0: ONES[64], 18: ONES[64]}),
        (65, {0: ONES[32], 18: ONES[32]}),  # x86
    ],
)
def test_the_bits_of_the_hash_of_many_groups(count: int, words: Any) -> None:
    entries = tuple(Group(Sid.from_text("S-1-5-32-544"), 7) for _ in range(count))

    def strange(hashed: Any) -> List[Tuple[str, str]]:
        token = replace(LIMITED, user_and_groups=entries, sid_hash=SidHash(count, 0x4000, hashed))
        rows = Snapshot("memory", (process(token),))
        return [(one.severity.value, one.saw) for one in audit(rows, ["sid-hash-bits"]) if one.rule == "sid-hash-bits"]

    right = [words.get(at, 0) for at in range(32)]
    said = [("i", "token of a.exe (8): the bits of SidHash do not fit its groups")]
    assert strange(tuple(right)) == []
    for at in (0, 1, 18, 31):  # one bit more or less, in the words that are used and in others
        assert strange(tuple(word ^ 1 if number == at else word for number, word in enumerate(right))) == said


def test_each_nibble_has_its_own_words_and_a_list_with_a_hole_has_no_hash_to_compare() -> None:
    entries: Any = (
        Group(Sid.from_text("S-1-5-18"), 0),  # 0x12
        Group(Sid.from_text("S-1-5-32-545"), 7),  # 0x221: 0x21
        Group(Sid.from_text("S-1-16-16384"), 0x60),  # 0x4000: 0x00
    )
    # Low nibbles 2, 1, 0; high nibbles 1, 2, 0.
    words = {2: 1, 1: 2, 0: 4, 17: 1, 18: 2, 16: 4}
    fits = SidHash(3, 0x4000, tuple(words.get(at, 0) for at in range(32)))
    wrong = replace(fits, words=fits.words[::-1])
    for listed, hashed, said in (
        (entries, fits, 0),
        (entries, wrong, 1),
        (entries[:2] + (GONE,), wrong, 0),
        (GONE, wrong, 0),
        (entries, GONE, 0),
    ):
        rows = Snapshot("memory", (process(replace(LIMITED, user_and_groups=listed, sid_hash=hashed)),))
        assert [one.rule for one in audit(rows, ["sid-hash-bits"])].count("sid-hash-bits") == said


@pytest.mark.parametrize(
    "own, tids, others, name, key",
    [
        (True, (), 0, "a.exe (8)", "a.exe"),
        (True, (20,), 1, "a.exe (8) and 1 more", "a.exe"),  # whose threads act for itself, too
        (False, (20,), 0, "thread 20 of a.exe (8)", "a.exe"),
        (False, (20, 24, 28), 2, "thread 20 and 2 more of a.exe (8) and 2 more", "a.exe"),
        (False, (), 0, "a.exe (8)", "a.exe"),
    ],
)
def test_who_has_a_token(own: bool, tids: Tuple[int, ...], others: int, name: str, key: str) -> None:
    token = replace(FULL, address=0x7000)
    threads = tuple(Thread(0x100 + tid, 8, tid, Impersonation(0x7000, 2, False)) for tid in tids)
    threads += (Thread(1, 8, 99, Impersonation(0x6000, 2, False)), Thread(2, 8, 98, None))
    user = replace(process(token if own else replace(FULL, address=0x6000)), threads=threads)
    users = (user, *[process(token)] * others)
    assert holder(token, users) == ("token of " + name, key)
    bare = name[: name.rindex(" and ")] if others else name
    assert bearer(token, users) == bare and token_fact(token, users)[:3] == ("token of " + bare, "0x7000", 0x7000)


def test_a_token_that_nobody_has_is_named_by_its_address() -> None:
    token = replace(FULL, address=0x7000)
    assert holder(token, ()) == ("token 0x7000", "no process") and bearer(token, ()) == "token 0x7000"
    assert token_fact(token, ()) == ("token", "0x7000", 0x7000, "token")
