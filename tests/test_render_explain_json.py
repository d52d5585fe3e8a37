"""An access check for programs: every key against what was asked and answered, bit by bit."""

import json
from dataclasses import replace
from typing import Any, Dict
from uuid import UUID

import pytest

from kdtoken.analysis.access_check.by_type import NodeResult
from kdtoken.analysis.access_check.truth import Verdict, decide
from kdtoken.render.explain_json import explain_json
from tests.test_analysis_access_check_check import asked


def check_of(*answers: Any, **more: Any) -> Dict[str, Any]:
    document: Dict[str, Any] = json.loads(explain_json(list(answers), **more))
    found: Dict[str, Any] = document["checks"][0]
    return found


# user: a member of BUILTIN\Users at Medium; winnt.h: FILE_READ_DATA 1, FILE_WRITE_DATA 2, READ_CONTROL 0x20000.
ANSWER = decide(asked("user", "O:{X}G:{X}D:(A;;0x1;;;BU)(D;;0x2;;;BU)", 0x20003))


def test_who_asked_what_for_what() -> None:
    one = check_of(ANSWER)
    user = ANSWER.request.caller.user
    assert one["caller"]["name"] == "user" and one["caller"]["user"] == str(user)
    assert (one["caller"]["impersonation_level"], one["caller"]["integrity"]) == (ANSWER.request.caller.level, 0x2000)
    assert one["object"] == {"name": "a thing", "address": None, "type": "File", "mapping_from": "documented"}
    assert (one["wish"], one["wish_words"]) == ("0x00020003", ["READ_CONTROL", "READ_DATA", "WRITE_DATA"])
    nobody = replace(ANSWER.request, caller=replace(ANSWER.request.caller, user=None))
    caller = check_of(decide(nobody))["caller"]
    assert caller["user"] is None and caller["user_name"] is None
    placed = replace(ANSWER.request, object=replace(ANSWER.request.object, address=0xABC0))
    assert check_of(decide(placed))["object"]["address"] == "0xabc0"
    known = decide(asked("user user=SY", "O:{X}G:{X}D:", 0x1))
    assert check_of(known)["caller"]["user_name"] == "NT AUTHORITY\\SYSTEM"


def test_the_answer_and_where_a_no_comes_from() -> None:
    one = check_of(ANSWER)
    assert (one["verdict"], one["allowed"], one["place"]) == ("no", False, "dacl")
    # ntstatus.h STATUS_ACCESS_DENIED; winerror.h ERROR_ACCESS_DENIED
    assert (one["status"], one["status_name"], one["error"]) == ("0xc0000022", "STATUS_ACCESS_DENIED", 5)
    assert one["why"] == "ACE 1 denies 0x2 (WRITE_DATA)" and one["missing"] == "0x00020002"
    assert (one["granted"], one["granted_words"]) == ("0x00000000", [])  # NtAccessCheck grants nothing with an error
    yes = check_of(decide(asked("user", "O:{X}G:{X}D:(A;;0x1;;;BU)", 0x1)))
    assert (yes["verdict"], yes["allowed"], yes["place"], yes["why"]) == ("yes", True, None, None)
    assert (yes["status"], yes["granted"], yes["granted_words"]) == ("0x00000000", "0x00000001", ["READ_DATA"])
    # LEARN: PROCESS_QUERY_INFORMATION brings PROCESS_QUERY_LIMITED_INFORMATION along.
    process = check_of(decide(asked("user", "O:{X}G:{X}D:(A;;0x400;;;BU)", 0x400, "process")))
    assert (process["granted"], process["implied"]) == ("0x00000400", "0x00001000")


def test_each_bit_has_its_right_and_its_reason() -> None:
    reasons = check_of(ANSWER)["reasons"]
    assert [int(one["bit"], 16) for one in reasons] == [1 << bit for bit in range(32)]
    told = {one["right"]: one for one in reasons}
    # winnt.h ACCESS_REASON_TYPE: allowed ACE 0x10000, denied ACE 0x20000, no grant 0x800000; the ACE's number below.
    assert (told["READ_DATA"]["bit"], told["READ_DATA"]["reason"]) == ("0x00000001", "0x00010000")
    assert (told["WRITE_DATA"]["bit"], told["WRITE_DATA"]["reason"]) == ("0x00000002", "0x00020001")
    assert (told["READ_DATA"]["type"], told["READ_DATA"]["ace"]) == ("allowed-ace", 0)
    assert (told["WRITE_DATA"]["type"], told["WRITE_DATA"]["ace"]) == ("denied-ace", 1)
    assert told["DELETE"]["bit"] == "0x00010000" and told["READ_CONTROL"]["bit"] == "0x00020000"
    assert told["DELETE"]["ace"] is None


def test_what_it_depends_on_with_both_sides() -> None:
    request = asked("user", "O:{X}G:{X}D:(A;;0x1;;;BA)", 0x1)
    answer = decide(replace(request, caller=replace(request.caller, sids_whole=False, settle="kdtoken collect")))
    (one,) = check_of(answer)["depends"]
    assert one == {
        "question": "S-1-5-32-544 is an enabled group of the token",
        "settle": "kdtoken collect",
        "if_true": {"allowed": True, "granted": "0x00000001", "place": None},
        "if_false": {"allowed": False, "granted": "0x00000000", "place": "dacl"},
    }


def test_where_else_a_no_may_come_from() -> None:
    request = asked("user @L", "O:{X}G:{X}D:(A;;0x1;;;BU)S:(ML;;NW;;;HI)", 0x2)
    answer = decide(replace(request, caller=replace(request.caller, integrity=None)))
    found = check_of(answer)
    assert found["verdict"] == "no" and {found["place"], *(one["place"] for one in found["elsewhere"])} == {
        "dacl",
        "label",
    }
    assert [sorted(one) for one in found["elsewhere"]] == [["place", "why"]]


@pytest.mark.parametrize("why", ["ACE 1 denies", ""])
def test_a_node_of_an_object_type_list(why: str) -> None:
    node = NodeResult(1, UUID(int=7), Verdict.NO, 0x1, 0xC0000022, why)
    (one,) = check_of(ANSWER, nodes=[node])["object_types"]
    assert one == {
        "level": 1,
        "guid": "00000000-0000-0000-0000-000000000007",
        "verdict": "no",
        "status": "0xc0000022",
        "granted": "0x00000001",
        "granted_words": ["READ_DATA"],
        "why": why or None,
    }
    # Of several checks none is the list's.
    assert check_of(ANSWER, ANSWER, nodes=[node])["object_types"] == []


def test_the_document_is_ascii_and_has_what_is_told_beside() -> None:
    request = replace(ANSWER.request, object=replace(ANSWER.request.object, name="b\u00fcro\x1b"))
    text = explain_json([decide(request)], about={"source": "x"}, stories=["a story"])
    document = json.loads(text)
    assert text.isascii() if hasattr(text, "isascii") else True
    assert document["source"] == {"source": "x"} and document["stories"] == ["a story"] and "chain" not in document
    assert document["checks"][0]["object"]["name"] == "b\u00fcro\x1b" and "\\u00fc" in text
