"""Steps that the tables do not reach: kernel mode, backup intent, central policy, compound ACEs, what is not known, readings."""

from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple
from uuid import UUID

import pytest

from kdtoken.analysis.access_check.caller import Caller
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import READINGS, Answers
from kdtoken.analysis.access_check.reason import ReasonType
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED, Request, parse_type_list
from kdtoken.analysis.access_check.run import Place
from kdtoken.analysis.access_check.truth import Verdict, decide
from kdtoken.errors import BadFormat
from kdtoken.model.absent import Unreadable
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.descriptor import NOT_SAID, UNREADABLE, SecurityDescriptor
from kdtoken.model.object_type import GenericMapping, documented_type
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from tests.access_rows import caller, descriptor

FILE = documented_type("file")


def asked(token: str, sddl: str, wish: int, kind: str = "file", **more: Any) -> Request:
    made = documented_type(kind)
    return Request(caller(token), SecuredObject(None, "a thing", made, descriptor(sddl)), made, wish, **more)


def guarded(request: Request, found: Any) -> Request:
    return replace(request, object=replace(request.object, descriptor=found))


def test_kernel_mode_is_not_checked() -> None:
    request = asked("user @0 level=0", "O:{X}G:{X}D:", 0x1F01FF)
    outcome = check(replace(request, caller=replace(request.caller, kernel_mode=True)))
    assert outcome.granted == 0x1F01FF


@pytest.mark.parametrize(
    "privilege, wish, allowed",
    [
        ("SeBackupPrivilege", 0x120089, True),
        ("SeBackupPrivilege", 0x20, True),  # FILE_TRAVERSE
        ("SeBackupPrivilege", 0x01000000, True),
        ("SeBackupPrivilege", 0x2, False),
        ("SeRestorePrivilege", 0x120116, True),
        ("SeRestorePrivilege", 0xD0000, True),  # WRITE_DAC, WRITE_OWNER, DELETE
        ("SeRestorePrivilege", 0x01000000, True),
        ("SeRestorePrivilege", 0x1, False),
    ],
)
def test_backup_and_restore_with_intent(privilege: str, wish: int, allowed: bool) -> None:
    """LEARN, "Privilege Constants": the rights that each grants; and only to an open with backup intent."""
    request = asked("user p+%s" % privilege, "O:{X}G:{X}D:", wish)
    assert check(replace(request, backup_intent=True)).allowed is allowed
    assert not check(request).allowed
    disabled = asked("user p-%s" % privilege, "O:{X}G:{X}D:", wish, backup_intent=True)
    assert not check(disabled).allowed
    assert not check(asked("user p+%s" % privilege, "O:{X}G:{X}D:", 0x1, "event", backup_intent=True)).allowed


def test_a_central_policy_is_named_and_may_still_refuse() -> None:
    """Its rules are not in the descriptor: a yes depends on it, a no stays one ([MS-DTYP] 2.5.3.2 only narrows)."""
    sddl = "O:{X}G:{X}D:(A;;0x1;;;BU)S:(SP;;;;;S-1-17-1-2-3)(SP;;;;;S-1-17-9)"
    answer = decide(asked("user", sddl, 0x1))
    assert answer.verdict is Verdict.DEPENDS and answer.outcome.allowed
    (dependence,) = answer.depends
    assert "S-1-17-1-2-3" in dependence.question.text and not dependence.if_false.allowed
    assert dependence.if_false.reason(0x1).type is ReasonType.NOT_GRANTED_BY_CAPE
    assert any("S-1-17-1-2-3 also applies" in note for note in answer.outcome.notes)
    assert decide(asked("user", sddl, 0x2)).verdict is Verdict.NO


def compound(mask: int, server: Sid, client: Sid) -> Ace:
    """Mask, type 1 (impersonation), reserved, the server's SID, the client's: winnt.h ACCESS_ALLOWED_COMPOUND_ACE_TYPE 4."""
    body = mask.to_bytes(4, "little") + (1).to_bytes(2, "little") + bytes(2) + server.to_bytes() + client.to_bytes()
    return Ace.parse(bytes((4, 0)) + (4 + len(body)).to_bytes(2, "little") + body)


def test_a_compound_ace_needs_both_its_sids() -> None:
    users, everyone, stranger = Sid(5, (32, 545)), Sid(1, (0,)), Sid(5, (21, 9, 9, 9, 9))
    for server, client, allowed in ((users, everyone, True), (users, stranger, False), (stranger, users, False)):
        found = SecurityDescriptor(
            stranger, stranger, 0x8004, Acl.build((compound(0x1, server, client),)), None, "present"
        )
        assert check(guarded(asked("user", "nodacl", 0x1), found)).allowed is allowed


@pytest.mark.parametrize("kind", ["compound", "plain"])
def test_no_ace_gives_more_than_specific_and_standard_rights(kind: str) -> None:
    """LEARN, "SACL Access Right": a DACL never gives ACCESS_SYSTEM_SECURITY; MAXIMUM_ALLOWED and generic bits are no rights."""
    users, everyone, stranger = Sid(5, (32, 545)), Sid(1, (0,)), Sid(5, (21, 9, 9, 9, 9))
    mask = 0x03000001  # ACCESS_SYSTEM_SECURITY, MAXIMUM_ALLOWED, READ_DATA
    ace = compound(mask, users, everyone) if kind == "compound" else Ace.build(0, mask, users)
    found = SecurityDescriptor(stranger, stranger, 0x8004, Acl.build((ace,)), None, "present")
    assert check(guarded(asked("user", "nodacl", MAXIMUM_ALLOWED), found)).granted == 0x1
    assert check(guarded(asked("user", "nodacl", 0x1000001), found)).place is Place.PRIVILEGE


def test_an_unreadable_descriptor_is_not_a_null_one() -> None:
    """PrivescCheck#68: unreadable reported as full access."""
    request = guarded(asked("user", "nodacl", 0x1), Unreadable(0xFFFF800012345678, "paged out"))
    answer = decide(request)
    assert answer.verdict is Verdict.DEPENDS and not answer.outcome.allowed
    assert "paged out" in answer.depends[0].question.text
    for state in (UNREADABLE, NOT_SAID):
        bare = descriptor("nodacl")
        assert bare is not None
        assert decide(guarded(request, replace(bare, dacl_state=state))).verdict is Verdict.DEPENDS


def test_what_no_answer_could_change_is_decided_all_the_same() -> None:
    """SeDebugPrivilege opens a process whose descriptor is paged out; Identification opens nothing."""
    missing = Unreadable(0xFFFF800012345678, "paged out")
    debug = guarded(asked("admin p+SeDebugPrivilege", "nodacl", 0x10, "process"), missing)
    assert decide(debug).verdict is Verdict.YES
    assert decide(guarded(asked("user level=1", "nodacl", 0x1), missing)).verdict is Verdict.NO


def test_a_label_that_the_source_does_not_show_matters_for_writing() -> None:
    """icacls and Get-Acl tell of the DACL only."""
    found = descriptor("O:{X}G:{X}D:(A;;0x3;;;BU)")
    assert found is not None
    hidden = replace(found, sacl_state=NOT_SAID)
    assert decide(guarded(asked("user", "nodacl", 0x1), hidden)).verdict is Verdict.YES
    answer = decide(guarded(asked("user", "nodacl", 0x2), hidden))
    assert answer.verdict is Verdict.DEPENDS and answer.outcome.allowed
    assert "label above the caller's level" in answer.depends[0].question.text


def test_an_owner_that_the_source_does_not_show() -> None:
    found = descriptor("O:{X}G:{X}D:(A;;0x1;;;BU)")
    assert found is not None
    hidden = replace(found, owner=None, owner_state=NOT_SAID)
    assert decide(guarded(asked("user", "nodacl", 0x1), hidden)).verdict is Verdict.YES
    assert decide(guarded(asked("user", "nodacl", 0x40000), hidden)).verdict is Verdict.DEPENDS


def test_an_ace_that_a_text_tells_in_part_is_asked_about() -> None:
    users = Sid(5, (32, 545))
    told = Ace(0x09, 0, b"", 0x1, users, problem="the text does not show its condition or attribute")
    found = SecurityDescriptor(users, users, 0x8004, Acl(2, 8, 1, (told,)), None, "present")
    answer = decide(guarded(asked("user", "nodacl", 0x1), found))
    assert answer.verdict is Verdict.DEPENDS and "ACE 0" in answer.depends[0].question.text
    assert decide(guarded(asked("user", "nodacl", 0x2), found)).verdict is Verdict.NO, "its mask has no such bit"
    other = replace(told, sid=Sid(5, (32, 551)))
    found = replace(found, dacl=Acl(2, 8, 1, (other,)))
    assert decide(guarded(asked("user", "nodacl", 0x1), found)).verdict is Verdict.NO, "nor is it the caller's"


def test_a_handle_gets_what_its_rights_imply() -> None:
    """LEARN, process and thread rights: QUERY_INFORMATION brings QUERY_LIMITED_INFORMATION along."""
    outcome = check(asked("user", "O:{X}G:{X}D:(A;;0x1fffff;;;BU)", 0x400, "process"))
    assert (outcome.granted, outcome.implied) == (0x400, 0x1000)
    outcome = check(asked("user", "O:{X}G:{X}D:(A;;0x1fffff;;;BU)", 0x60, "thread"))
    assert (outcome.granted, outcome.implied) == (0x60, 0xC00)


def test_maximum_allowed_on_a_protected_process_is_what_protection_leaves() -> None:
    answer = decide(asked("admin", "O:{X}G:{X}D:(A;;0x1fffff;;;BA)", MAXIMUM_ALLOWED, "process", protection=0x41))
    # 0x1fffff without DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER and LEARN's nine rights of processes
    assert answer.outcome.granted == 0x1FFFFF & ~(0xF0000 | 0x7FA)
    assert {conflict.reading.name for conflict in answer.conflicts} >= {"protected-maximum"}


# A request for each point on which the authorities disagree, where the two sides give different answers.
DISAGREEING: Dict[str, Tuple[str, str, int, str, int]] = {
    "anonymous-level": ("user level=0", "O:{X}G:{X}D:(A;;0x1;;;BU)", 0x1, "file", 0),
    "generic-ace": ("user", "O:{X}G:{X}D:(A;;GA;;;BU)", 0x1, "file", 0),
    "label-system-security": ("user @L p+SeSecurityPrivilege", "O:{X}G:{X}D:", 0x1000000, "file", 0),
    "appcontainer-label": ("user @L pkg", "O:{X}G:{X}D:(A;;0x2;;;BU)(A;;0x2;;;{PKG})", 0x2, "file", 0),
    "relabel-write-owner": ("admin p+SeRelabelPrivilege", "O:{X}G:{X}D:", 0x80000, "file", 0),
    "appcontainer-null-dacl": ("user @L pkg", "nulldacl", 0x1, "file", 0),
    "maximum-order": ("user", "O:{X}G:{X}D:(A;;0x3;;;BU)(D;;0x2;;;BU)", MAXIMUM_ALLOWED, "file", 0),
    "maximum-named": ("user", "O:{X}G:{X}D:(A;;0x1;;;BU)", MAXIMUM_ALLOWED | 0x2, "file", 0),
    "object-ace-no-list": ("user", "O:{X}G:{X}D:(OA;;0x1;R;;BU)", 0x1, "file", 0),
    "object-ace-no-list-ignored": ("user", "O:{X}G:{X}D:(OD;;0x1;R;;BU)(A;;0x1;;;BU)", 0x1, "file", 0),
    "package-deny": ("user @L pkg", "O:{X}G:{X}D:(D;;0x1;;;{PKG})(A;;0x1;;;BU)(A;;0x1;;;AC)", 0x1, "file", 0),
    "write-restricted-rest": ("user r:S-1-5-33 wr", "O:{X}G:{X}D:(A;;0x3;;;BU)(A;;0x2;;;S-1-5-33)", 0x3, "file", 0),
    "deny-only-member": ("filtered", "O:{X}G:{X}D:(XD;;0x1;;;WD;(Member_of {SID(BA)}))(A;;0x1;;;WD)", 0x1, "file", 0),
    "key-execute": ("user", "O:{X}G:{X}D:(A;;0x20039;;;BU)", 0x20000000, "key", 0),
    "protected-full": ("admin prot=0x12", "O:{X}G:{X}D:(A;;0x1fffff;;;BA)", 0x10, "process", 0x61),
    "protected-signer": ("admin", "O:{X}G:{X}D:(A;;0x1fffff;;;BA)", 0x1, "process", 0x31),
    "protected-lsa": ("admin", "O:{X}G:{X}D:(A;;0x1fffff;;;BA)", 0x1, "process", 0x41),
    "protected-maximum": ("admin", "O:{X}G:{X}D:(A;;0x1fffff;;;BA)", MAXIMUM_ALLOWED, "process", 0x41),
}


@pytest.mark.parametrize("name", sorted(set(READINGS) - {"open-process-token", "package-object-ace"}))
def test_a_disagreement_is_named_with_both_answers(name: str) -> None:
    token, sddl, wish, kind, protection = DISAGREEING[name]
    answer = decide(asked(token, sddl, wish, kind, protection=protection))
    named = {conflict.reading.name: conflict for conflict in answer.conflicts}
    assert name in named
    theirs = named[name].theirs
    assert (theirs.allowed, theirs.granted) != (answer.outcome.allowed, answer.outcome.granted)


def test_what_is_named_beside_maximum_allowed_has_to_be_granted() -> None:
    """ReactOS and Samba refuse; by [MS-DTYP] 2.5.3.2 what the DACL grants is enough.  Nothing at all is a no to both."""
    answer = decide(asked("user", "O:{X}G:{X}D:(A;;0x9;;;BU)", MAXIMUM_ALLOWED | 0x2))
    assert not answer.outcome.allowed
    (conflict,) = answer.conflicts
    assert (conflict.reading.name, conflict.theirs.granted) == ("maximum-named", 0x9)
    assert decide(asked("user", "O:{X}G:{X}D:(A;;0x9;;;AN)", MAXIMUM_ALLOWED | 0x2)).conflicts == ()


ROOT, CHILD, SISTER, ELSEWHERE = (UUID(int=number) for number in (1, 2, 3, 4))


@pytest.mark.parametrize(
    "types, guid, disputed",
    [
        (((0, ROOT), (1, CHILD), (1, SISTER)), ROOT, ["package-object-ace"]),
        (((0, ROOT), (1, CHILD), (1, SISTER)), CHILD, []),  # its sister has it not, so the object has it not
        (((0, ROOT), (1, CHILD)), CHILD, ["package-object-ace"]),  # the only child: what it has goes up
        (((0, ROOT), (1, CHILD)), ELSEWHERE, []),
    ],
)
def test_an_object_ace_gives_a_package_nothing(types: Any, guid: UUID, disputed: List[str]) -> None:
    """Windows Security Internals passes it over; the others are silent."""
    sddl = "O:{X}G:{X}D:(A;;0x10;;;BU)(OA;;0x10;%s;;{PKG})" % guid
    answer = decide(asked("user @L pkg", sddl, 0x10, type_list=types))
    assert not answer.outcome.allowed and answer.outcome.place is Place.APPCONTAINER
    assert [one.reading.name for one in answer.conflicts] == disputed
    assert all(one.theirs.granted == 0x10 for one in answer.conflicts)


def test_without_a_type_list_an_object_ace_counts_for_a_package_by_the_reading_that_takes_it_as_plain() -> None:
    answer = decide(asked("user @L pkg", "O:{X}G:{X}D:(A;;0x10;;;BU)(OA;;0x10;%s;;{PKG})" % ROOT, 0x10))
    assert not answer.outcome.allowed
    assert [(one.reading.name, one.theirs.granted) for one in answer.conflicts] == [("object-ace-no-list", 0x10)]


@pytest.mark.parametrize(
    "level, allowed, disputed",
    [
        # by signer, all of them light: Authenticode, CodeGen, Antimalware, Lsa, Windows, WinTcb, WinSystem, App
        (0x11, True, []),
        (0x21, True, []),
        (0x31, False, ["protected-signer"]),
        (0x41, True, ["protected-lsa"]),
        (0x51, True, []),
        (0x61, False, ["protected-signer"]),
        (0x71, True, []),
        (0x81, True, []),
    ],
)
def test_whose_process_may_be_ended(level: int, allowed: bool, disputed: Any) -> None:
    """Windows Internals, 7th edition, part 1, table 3-2, names two signers; of a third the sources differ."""
    answer = decide(asked("admin", "O:{X}G:{X}D:(A;;0x1fffff;;;BA)", 0x1, "process", protection=level))
    assert answer.outcome.allowed is allowed
    assert [conflict.reading.name for conflict in answer.conflicts] == disputed


def test_a_machine_s_own_key_type_is_not_in_dispute() -> None:
    """GENERIC_EXECUTE is what the type object holds; and the label lets a bit of the execute mapping through."""
    documented = asked("user @L", "O:{X}G:{X}D:(A;;0xf003f;;;BU)", 0x20, "key")
    answer = decide(documented)
    assert not answer.outcome.allowed, "CREATE_LINK is no part of KEY_EXECUTE in winnt.h"
    (conflict,) = answer.conflicts
    assert (conflict.reading.name, conflict.theirs.granted) == ("key-execute", 0x20)
    for execute, allowed in ((0x20019, False), (0x20039, True)):
        own = replace(
            documented.type,
            origin="target",
            mapping=GenericMapping(0x20019, 0x20006, execute, 0xF003F),
        )
        found = decide(replace(documented, type=own))
        assert (found.outcome.allowed, found.conflicts) == (allowed, ())


@pytest.mark.parametrize(
    "wish, left",
    [
        # KEY_ALL_ACCESS is 0xf003f: of the filter's 0x100101 the type has 0x1 alone, and an ACE has 0x100000 besides;
        # ACCESS_SYSTEM_SECURITY passes every filter.
        (MAXIMUM_ALLOWED, "narrows to 0x1100001 (ACCESS_SYSTEM_SECURITY SYNCHRONIZE QUERY_VALUE) only"),
        (0x1, "narrows to 0x1000001 (ACCESS_SYSTEM_SECURITY QUERY_VALUE) only"),
        (0x100001, "narrows to 0x1100001 (ACCESS_SYSTEM_SECURITY SYNCHRONIZE QUERY_VALUE) only"),
    ],
)
def test_what_is_left_is_told_whole(wish: int, left: str) -> None:
    """A right that the type lacks and that the answer grants all the same is among what a narrowing leaves."""
    sddl = "O:{X}G:{X}D:(A;;0x100001;;;BU)S:(FL;;0x100101;;;WD;(Member_of {SID(BA)}))"
    outcome = check(asked("user", sddl, wish, "key"))
    assert outcome.granted == (0x100001 if wish == MAXIMUM_ALLOWED else wish)
    (step,) = [one for one in outcome.steps if one.name == "access filter"]
    assert step.decided == left


def test_a_label_with_no_policy_forbids_nothing() -> None:
    """Nothing is narrowed away, SYNCHRONIZE of a key neither, which its GENERIC_ALL lacks."""
    outcome = check(asked("user @L", "O:{X}G:{X}D:(A;;0x100002;;;BU)S:(ML;;;;;SI)", MAXIMUM_ALLOWED, "key"))
    assert outcome.granted == 0x100002
    (step,) = [one for one in outcome.steps if one.name == "integrity"]
    assert step.decided == "goes on" and "no policy" in step.looked_at and "forbids nothing" in step.why


def test_where_the_sides_give_the_same_answer_nothing_is_said() -> None:
    assert decide(asked("user", "O:{X}G:{X}D:(D;;0x2;;;BU)(A;;0x3;;;BU)", MAXIMUM_ALLOWED)).conflicts == ()


def test_unknown_facts_are_asked_once_each() -> None:
    base = caller("user")
    blind = Caller("blind", base.user, {}, False, None, None, None, None, None, None, None)
    request = replace(asked("user", "O:{X}G:{X}D:(A;;0x2;;;BU)(D;;0x2;;;BA)(A;;0x2;;;AU)", 0x2), caller=blind)
    answers = Answers()
    check(request, answers)
    keys = [question.key for question in answers.asked]
    assert len(keys) == len(set(keys)) and "sid:S-1-5-32-545" in keys
    answer = decide(request)
    assert answer.verdict is Verdict.DEPENDS and not answer.cut_short
    assert {one.question.key for one in answer.depends} >= {"sid:S-1-5-32-545", "sid:S-1-5-11", "level:8192"}


@pytest.mark.parametrize("words", [["x"], ["+%s"], ["%s", "%s"], ["%s", "++%s"]])
def test_a_type_list_that_is_no_tree(words: Any) -> None:
    guid = "00000000-0000-0000-0000-000000000001"
    with pytest.raises(BadFormat):
        parse_type_list([word % guid if "%" in word else word for word in words])


@pytest.mark.parametrize("deepest, taken", [(0, True), (4, True), (5, False)])
def test_a_type_list_has_levels_from_0_to_4(deepest: int, taken: bool) -> None:
    """winnt.h: ACCESS_OBJECT_GUID 0, ACCESS_PROPERTY_SET_GUID 1, ACCESS_PROPERTY_GUID 2, ACCESS_MAX_LEVEL 4."""
    words = ["+" * level + "00000000-0000-0000-0000-00000000000%d" % level for level in range(deepest + 1)]
    if taken:
        assert [level for level, _ in parse_type_list(words)] == list(range(deepest + 1))
        return
    with pytest.raises(BadFormat, match="not one tree"):
        parse_type_list(words)


def test_a_type_list() -> None:
    guid: Optional[str] = "00000000-0000-0000-0000-000000000001"
    assert [level for level, _ in parse_type_list(["%s" % guid, "+%s" % guid, "++%s" % guid, "+%s" % guid])] == [
        0,
        1,
        2,
        1,
    ]


@pytest.mark.parametrize("wish, reasons", [(0x1, [0]), (0x3, [0, 1]), (MAXIMUM_ALLOWED, [0, 1])])
def test_a_policy_that_refuses_is_the_reason_of_each_bit_that_it_takes_away(wish: int, reasons: List[int]) -> None:
    """winnt.h: AccessReasonNotGrantedByCape is 0x50000.  With MAXIMUM_ALLOWED it takes what was granted."""
    request = asked("user", "O:{X}G:{X}D:(A;;0x3;;;BU)S:(SP;;;;;S-1-17-1)", wish)
    outcome = check(request, Answers({"policy:S-1-17-1": False}))
    assert not outcome.allowed and outcome.place is Place.POLICY
    assert [bit for bit in range(32) if outcome.reasons[bit].value == 0x50000] == reasons
    assert check(request).allowed, "what is not seen is taken as granting"


@pytest.mark.parametrize(
    "whole, words", [(True, "no ACE grants the caller "), (False, "no ACE that is known to be the caller's grants ")]
)
def test_whether_a_group_is_the_caller_s_may_not_be_known(whole: bool, words: str) -> None:
    request = asked("user", "O:{X}G:{X}D:(A;;0x1;;;BA)", 0x1)
    outcome = check(replace(request, caller=replace(request.caller, sids_whole=whole)))
    assert outcome.denial is not None and outcome.denial.why == words + "0x1 (READ_DATA)"


@pytest.mark.parametrize(
    "wish, granted",
    [(0x1, 0x1), (MAXIMUM_ALLOWED, 0x1F01FF), (MAXIMUM_ALLOWED | 0x1000000, 0x11F01FF), (0, 0)],
)
def test_in_kernel_mode_all_is_granted_that_is_asked_and_with_maximum_all_that_the_type_has(
    wish: int, granted: int
) -> None:
    """DDI SeAccessCheck: for KernelMode access is granted, with MAXIMUM_ALLOWED as the mapping's GenericAll."""
    request = asked("user", "O:{X}G:{X}D:", wish)
    outcome = check(replace(request, caller=replace(request.caller, kernel_mode=True)))
    assert outcome.allowed and outcome.granted & ~MAXIMUM_ALLOWED == granted


@pytest.mark.parametrize("wish, allowed", [(0x1, False), (MAXIMUM_ALLOWED, False), (0x40000, True), (0x20000, True)])
def test_a_dacl_that_is_not_known_refuses_by_default_what_the_owner_does_not_have_anyway(
    wish: int, allowed: bool
) -> None:
    """The owner may read the descriptor and write its DACL whatever that says; of MAXIMUM_ALLOWED the rest is open."""
    request = asked("user", "O:{U}G:{X}D:", wish)
    found = request.object.descriptor
    assert isinstance(found, SecurityDescriptor)
    hidden = guarded(request, replace(found, dacl=None, dacl_state=UNREADABLE))
    outcome = check(hidden)
    assert outcome.allowed is allowed
    assert allowed or outcome.denial is not None and outcome.denial.why.startswith("the DACL is not known")
    assert check(hidden, Answers({"dacl": True})).allowed


@pytest.mark.parametrize("mask, noted", [("GA", "0x10000000"), ("0x80000001", "0x80000001"), ("0x1", "")])
def test_generic_rights_in_an_ace_are_noted(mask: str, noted: str) -> None:
    """[MS-DTYP] 2.4.3: they are mapped when a descriptor is set; one that still has them gives nothing."""
    notes = check(asked("user", "O:{X}G:{X}D:(A;;%s;;;BU)" % mask, 0x1)).notes
    said = "ACE 0 has generic rights (%s), which count for nothing in a check" % noted
    assert [note for note in notes if "generic" in note] == ([said] if noted else [])
