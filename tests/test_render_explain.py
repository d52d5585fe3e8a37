"""An explanation as text and as JSON: the verdict first, one place, the reasons, what would turn it; nothing unescaped."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List
from uuid import UUID

import jsonschema
import pytest

from kdtoken.analysis.access_check.by_type import NodeResult, node_results
from kdtoken.analysis.access_check.gates import token_gates
from kdtoken.analysis.access_check.lab import LabAnswer
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED, Request
from kdtoken.analysis.access_check.truth import Verdict, decide
from kdtoken.analysis.access_check.turn import Other, turns
from kdtoken.model.object_type import documented_type
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid_names import NO_NAMES
from kdtoken.render.explain import _bits, _nodes, _speaker, chain_lines, explain_lines, lab_lines, who_lines
from kdtoken.render.explain_json import explain_json
from kdtoken.render.marked import segments
from kdtoken.render.words import _Page, set_columns
from tests.access_rows import PUBLIC, Row, caller, descriptor, request, rows

SCHEMA = json.loads(
    (Path(__file__).parent.parent / "kdtoken" / "render" / "explain.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ROWS = rows() + rows(PUBLIC)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def explained(row: Row) -> List[str]:
    answer = decide(request(row))
    return explain_lines(answer, turns(answer.request, answer.outcome))


def asked(token: str, sddl: str, kind: str, wish: int) -> Request:
    made = documented_type(kind)
    return Request(caller(token), SecuredObject(None, "a thing", made, descriptor(sddl)), made, wish)


@pytest.mark.parametrize("row", ROWS[::3], ids=lambda row: row.name)
def test_text_begins_with_the_verdict_and_names_one_place(row: Row) -> None:
    lines = explained(row)
    answer = decide(request(row))
    verdict = next(line for line in lines if line.startswith(("YES", "NO", "DEPENDS")))
    assert verdict.startswith(answer.verdict.value.upper())
    assert lines.index(verdict) <= 3
    places = [line for line in lines if line.startswith("  it comes from: ")]
    assert len(places) == (0 if answer.outcome.allowed else 1)
    assert "Steps" in lines and all(len(line) <= 99 for line in lines)
    if answer.conflicts:
        assert any(line.startswith("The authorities disagree: ") for line in lines)


@pytest.mark.parametrize("row", ROWS[1::3], ids=lambda row: row.name)
def test_json_fits_its_schema(row: Row) -> None:
    answer = decide(request(row))
    document = json.loads(explain_json([answer], [turns(answer.request, answer.outcome)]))
    VALIDATOR.validate(document)
    (one,) = document["checks"]
    assert one["allowed"] is answer.outcome.allowed and len(one["reasons"]) == 32
    for bit, reason in enumerate(one["reasons"]):
        assert int(reason["reason"], 16) == answer.outcome.reasons[bit].value


def test_reasons_are_the_numbers_of_winnt_h() -> None:
    """ACCESS_REASON_TYPE: allowed ACE 0x10000, denied ACE 0x20000, ownership 0x400000; the index in the low 16 bits."""
    outcome = decide(asked("user", "O:{U}G:{X}D:(D;;0x2;;;BU)(A;;0x1;;;BU)", "file", 0x20003)).outcome
    assert [hex(outcome.reason(bit).value) for bit in (0x1, 0x2, 0x20000)] == ["0x0", "0x20000", "0x400000"]
    outcome = decide(asked("user", "O:{U}G:{X}D:(D;;0x2;;;BU)(A;;0x1;;;BU)", "file", 0x20001)).outcome
    assert [hex(outcome.reason(bit).value) for bit in (0x1, 0x20000)] == ["0x10001", "0x400000"]


def test_what_would_turn_it_names_the_privilege_and_the_group() -> None:
    request_ = asked("filtered p-SeTakeOwnershipPrivilege", "O:{X}G:{X}D:(A;;0x80000;;;BA)", "file", 0x80000)
    answer = decide(request_)
    text = "\n".join(explain_lines(answer, turns(request_, answer.outcome)))
    assert "enable SeTakeOwnershipPrivilege, which the token holds" in text
    assert "a token in which BUILTIN\\Administrators (S-1-5-32-544) is enabled" in text


def test_the_linked_token_and_its_privilege_together() -> None:
    request_ = asked("user", "O:{X}G:{X}D:(A;;0x1;;;SY)", "process", 0x10)
    elevated = caller("admin p-SeDebugPrivilege")
    answer = decide(request_)
    found = turns(request_, answer.outcome, (Other("linked", "the linked token", elevated),))
    kinds = [tuple(change.kind for change in turn.changes) for turn in found]
    assert ("linked", "privilege") in kinds or any(len(kind) == 1 for kind in kinds)
    only_pair = replace(
        request_, object=SecuredObject(None, "x", request_.type, descriptor("O:SYG:SYD:S:(ML;;NWNR;;;SI)"))
    )
    answer = decide(only_pair)
    found = turns(only_pair, answer.outcome, (Other("linked", "the linked token", elevated),))
    assert ("linked", "privilege") in [tuple(change.kind for change in turn.changes) for turn in found]


def test_names_from_a_target_are_escaped() -> None:
    kind = documented_type("file")
    evil = "evil\x1b[2Jfile\u202e"
    answer = decide(Request(caller("user"), SecuredObject(None, evil, kind, from_sddl("D:")), kind, 1))
    for text in ("\n".join(explain_lines(answer)), "\n".join(who_lines([(evil, evil, answer)] * 2))):
        assert "\x1b" not in text and "\u202e" not in text
    assert "\x1b" not in explain_json([answer])


def test_it_depends_shows_both_sides_and_the_command() -> None:
    """Whether an AppContainer is a less privileged one stands in no dump."""
    request_ = asked("user @L pkg", "O:{X}G:{X}D:(A;;0x1;;;BU)(A;;0x1;;;AC)", "file", 0x1)
    answer = decide(replace(request_, caller=replace(request_.caller, lpac=None, settle="kdtoken collect --pid 5716")))
    assert answer.verdict is Verdict.DEPENDS
    lines = explain_lines(answer)
    assert any(line.startswith("DEPENDS: ") for line in lines)
    text = " ".join(line.strip() for line in lines)
    assert "It depends on whether the token is a less privileged AppContainer's" in text
    assert "if so: no, by the AppContainer's side" in text and "if not: yes, 0x1 (READ_DATA)" in text
    assert "what would tell: kdtoken collect --pid 5716" in text


def chain(token: str, process: str, of_token: str, protection: int = 0) -> Any:
    kinds = documented_type("process"), documented_type("token")
    things = [SecuredObject(None, name, kind, descriptor(sddl)) for name, kind, sddl in zip(("lsass.exe", "its token"), kinds, (process, of_token))]  # fmt: skip
    return token_gates(caller(token), things[0], kinds[0], things[1], kinds[1], 0x8, protection)


@pytest.mark.parametrize(
    "mask, ours, theirs",
    [
        (0x1000, Verdict.YES, "no, by the DACL"),  # PROCESS_QUERY_LIMITED_INFORMATION alone
        (0x0400, Verdict.NO, "yes, 0x400 (QUERY_INFORMATION)"),  # PROCESS_QUERY_INFORMATION alone
        (0x1400, Verdict.YES, ""),  # both: nothing hangs on it
        (0x0010, Verdict.NO, ""),  # neither
    ],
)
def test_what_open_process_token_needs_is_in_dispute(mask: int, ours: Verdict, theirs: str) -> None:
    """The two authorities of "open-process-token", each by the DACL of the process alone."""
    found = chain("user", "O:SYG:SYD:(A;;0x%x;;;BU)" % mask, "O:SYG:SYD:(A;;0x8;;;BU)")
    assert found.verdict is ours
    text = " ".join(" ".join(chain_lines(found)).split())
    assert ("then the first gate says %s" % theirs in text) is bool(theirs)
    assert ("The authorities disagree" in text) is bool(theirs) is bool(found.conflicts)
    document = json.loads(explain_json([gate.answer for gate in found.gates], chain=found))
    VALIDATOR.validate(document)
    assert [one["their_answer"]["allowed"] for one in document["chain"]["conflicts"]] == (
        [theirs.startswith("yes")] if theirs else []
    )


def test_what_they_say_may_depend_as_well() -> None:
    """A group that may be the caller's is allowed QUERY_INFORMATION: that gate is neither open nor closed then."""
    who = replace(caller("user"), sids_whole=False)
    kinds = documented_type("process"), documented_type("token")
    process = SecuredObject(None, "p", kinds[0], descriptor("O:SYG:SYD:(A;;0x1000;;;BU)(A;;0x400;;;{G})"))
    token = SecuredObject(None, "t", kinds[1], descriptor("O:SYG:SYD:(A;;0x8;;;BU)"))
    found = token_gates(who, process, kinds[0], token, kinds[1], 0x8)
    assert found.verdict is Verdict.YES
    text = " ".join(" ".join(chain_lines(found)).split())
    assert "then the first gate says it depends, as far as is known no, by the DACL" in text
    # The same where caution would take it for a yes: a group that may be the caller's is denied it.
    process = replace(process, descriptor=descriptor("O:SYG:SYD:(D;;0x400;;;{G})(A;;0x1400;;;BU)"))
    text = " ".join(" ".join(chain_lines(token_gates(who, process, kinds[0], token, kinds[1], 0x8))).split())
    assert "then the first gate says it depends, as far as is known yes, 0x400 (QUERY_INFORMATION)" in text


def test_an_administrator_and_a_token() -> None:
    """SeDebugPrivilege opens the process, and not its token: who may read that, the token's own descriptor says."""
    debug = "admin p+SeDebugPrivilege"
    closed = chain(debug, "O:SYG:SYD:", "O:SYG:SYD:(A;;0xf01ff;;;SY)", 0x41)
    assert closed.verdict is Verdict.NO and [gate.answer.verdict for gate in closed.gates] == [Verdict.YES, Verdict.NO]
    opened = chain(debug, "O:SYG:SYD:", "O:SYG:SYD:(A;;0xf01ff;;;SY)(A;;0x8;;;BA)", 0x41)
    assert opened.verdict is Verdict.YES
    assert opened.uses["GetTokenInformation, all classes but TokenSource"]
    assert not opened.uses["GetTokenInformation(TokenSource)"] and not opened.uses["DuplicateTokenEx"]
    assert [conflict.reading.name for conflict in opened.conflicts] == ["open-process-token"], "LIMITED or not: PPL"
    lines = chain_lines(opened)
    assert lines[0] == "YES: every gate is passed" and any("Gate 2 of 2: OpenProcessToken" in line for line in lines)
    assert (
        "OpenProcessToken needs PROCESS_QUERY_LIMITED_INFORMATION (its own page); or else it needs"
        " PROCESS_QUERY_INFORMATION (LEARN's table of process rights, DDI NtOpenProcessTokenEx): then the first gate says"
        " no, by the process is protected"
    ) in " ".join(" ".join(lines).split())
    first = chain("admin", "O:SYG:SYD:", "O:SYG:SYD:(A;;0xf01ff;;;WD)")
    assert first.verdict is Verdict.NO and len(first.gates) == 1
    assert "The gates behind it are not reached." in chain_lines(first)


def test_who() -> None:
    sddl = "O:SYG:SYD:(A;;0x1;;;BA)"
    answers = [
        (name, "a file", decide(asked(name, sddl, "file", 0x1), False)) for name in ("admin", "filtered", "user")
    ]
    lines = who_lines(answers)
    assert lines[0] == "1 of 3 get READ_DATA (0x1) of a file"
    assert [line.split()[:2] for line in lines[3:6]] == [["admin", "yes"], ["filtered", "no"], ["user", "no"]]
    two = who_lines([answers[0], ("user", "another", answers[2][2])])  # then a column tells them apart
    assert two[0] == "1 of 2 get it" and [line.split()[:4] for line in two[3:5]] == [
        ["admin", "a", "file", "yes"],
        ["user", "another", "no", "dacl:"],
    ]
    below = decide(asked("user", "O:SYG:SYD:(A;;0x1f01ff;;;WD)S:(ML;;NW;;;HI)", "file", 0x2), False)
    assert any(
        line.endswith("label: a caller below the object's gets no WRITE_DATA")
        for line in who_lines([("a", "b", below)])
    )


def test_each_object_type_by_itself() -> None:
    root, one, other = (UUID(int=number) for number in (1, 2, 3))
    sddl = "O:SYG:SYD:(OA;;0x1;%s;;BU)(OD;;0x2;%s;;BU)(OA;;0x2;%s;;BU)" % (root, one, other)
    request = replace(asked("user", sddl, "key", 0x3), type_list=((0, root), (1, one), (1, other)))
    answer = decide(request)
    lines = explain_lines(answer, nodes=node_results(request))
    at = lines.index("Each object type by itself (AccessCheckByTypeResultList)")
    assert lines[at + 1 : at + 6] == [
        "  %s  no: ACE 1 denies 0x2 (SET_VALUE); by itself it gets 0x1" % root,
        "    (QUERY_VALUE)",
        "    %s  no: ACE 1 denies 0x2 (SET_VALUE); by itself it gets 0x1" % one,
        "      (QUERY_VALUE)",
        "    %s  yes, 0x3 (QUERY_VALUE SET_VALUE)" % other,
    ]
    document = json.loads(explain_json([answer], nodes=node_results(request)))
    VALIDATOR.validate(document)
    nodes = document["checks"][0]["object_types"]
    assert [(node["level"], node["verdict"], node["granted"], node["status"]) for node in nodes] == [
        (0, "no", "0x00000001", "0xc0000022"),
        (1, "no", "0x00000001", "0xc0000022"),
        (1, "yes", "0x00000003", "0x00000000"),
    ]


def test_what_stopped_them_goes_on_in_its_own_column(monkeypatch: Any) -> None:
    monkeypatch.setattr(_Page, "columns", 80)
    sddl = "O:SYG:SYD:(D;;0x1;;;BU)(A;;0x1f01ff;;;BA)"
    rows = [
        (name, "an object", decide(asked(name, sddl, "file", MAXIMUM_ALLOWED), False)) for name in ("admin", "user")
    ]
    lines = who_lines(rows)
    column = lines[2].index("GRANTED")
    assert all(len(line) <= 80 for line in lines), lines
    assert all(line[column - 1] == " " != line[column] for line in lines[3:]), lines
    assert any(not line[:column].strip() for line in lines[3:]), "the long one goes on below itself"


@pytest.mark.parametrize(
    "token, sddl, kind, wish, name, ours, theirs",
    [
        ("user", "D:(A;;0x1f;;;BU)(D;;0x2;;;BU)", "file", "max", "maximum-order", 0x1F, 0x1D),
        ("user", "D:(A;;GA;;;BU)", "file", 0x1, "generic-ace", 0, 0x1),
        ("user pkg @L", "D:NO_ACCESS_CONTROL", "file", 0x1, "appcontainer-null-dacl", 0, 0x1),
        ("user pkg @L", "D:(A;;0x2;;;BU)(A;;0x2;;;AC)", "file", 0x2, "appcontainer-label", 0x2, 0),
        ("user pkg @L", "D:(D;;0x1;;;AC)(A;;0x1;;;BU)(A;;0x1;;;AC)", "file", 0x1, "package-deny", 0x1, 0),
        ("user p+SeRelabelPrivilege", "D:", "file", 0x80000, "relabel-write-owner", 0x80000, 0),
        ("admin p+SeSecurityPrivilege", "D:S:(ML;;NW;;;SI)", "file", 0x1000000, "label-system-security", 0, 0x1000000),
        ("user r:BU wr", "D:(A;;0x3;;;AU)(A;;0x2;;;BU)", "file", 0x3, "write-restricted-rest", 0, 0x3),
        ("user", "D:(OA;;0x1;00000000-0000-0000-0000-000000000001;;BU)", "file", 0x1, "object-ace-no-list", 0, 0x1),
        ("user level=0", "D:(A;;0x1;;;BU)", "file", 0x1, "anonymous-level", 0, 0x1),
        (
            "user",
            "D:(OD;;0x1;00000000-0000-0000-0000-000000000001;;BU)(A;;0x1;;;BU)",
            "file",
            0x1,
            "object-ace-no-list-ignored",
            0,
            0x1,
        ),
        ("filtered", "D:(XD;;0x1;;;WD;(Member_of {SID(BA)}))(A;;0x1;;;WD)", "file", 0x1, "deny-only-member", 0x1, 0),
        ("admin", "D:(A;;0x1fffff;;;BA)", "process prot=0x31", 0x1, "protected-signer", 0, 0x1),
        ("admin", "D:(A;;0x1fffff;;;BA)", "process prot=0x41", 0x1, "protected-lsa", 0x1, 0),
        ("admin prot=0x12", "D:(A;;0x1fffff;;;BA)", "process prot=0x41", 0x10, "protected-full", 0, 0x10),
        ("admin", "D:(A;;0x1011;;;BA)", "process prot=0x51", "max", "protected-maximum", 0x1001, 0),
        ("user", "D:(A;;0x20039;;;BU)", "key", 0x20000000, "key-execute", 0x20019, 0x20039),
    ],
)
def test_a_conflict_shows_both_outcomes(
    token: str, sddl: str, kind: str, wish: Any, name: str, ours: int, theirs: int
) -> None:
    """The two answers of each are those of access-check authorities named in READINGS, worked out by hand."""
    kind, _, protection = kind.partition(" prot=")
    request = asked(token, "O:SYG:SY" + sddl, kind, MAXIMUM_ALLOWED if wish == "max" else wish)
    answer = decide(replace(request, protection=int(protection or "0", 16)))
    (conflict,) = [one for one in answer.conflicts if one.reading.name == name]
    assert (answer.outcome.granted, conflict.theirs.granted) == (ours, theirs)
    text = " ".join(" ".join(explain_lines(answer)).split())
    said = "yes, 0x%x" % theirs if theirs else "no, by"
    assert (
        "The authorities disagree: %s; or else %s: then %s" % (conflict.reading.ours, conflict.reading.theirs, said)
        in text
    )
    (document,) = json.loads(explain_json([answer]))["checks"]
    (shown,) = [one for one in document["conflicts"] if one["name"] == name]
    assert shown["their_answer"]["allowed"] is bool(theirs) and int(shown["their_answer"]["granted"], 16) == theirs
    assert int(document["granted"], 16) == ours


def test_a_long_wish_goes_on_behind_its_step() -> None:
    """Below its own name, and not where what was looked at stands."""
    set_columns(79)
    try:
        lines = explain_lines(decide(asked("user", "O:{X}G:{X}D:(A;;FA;;;BA)", "file", 0x40000000)))
    finally:
        set_columns()
    at = next(at for at, line in enumerate(lines) if line.startswith("  2. wish: "))
    assert lines[at : at + 2] == [
        "  2. wish: SYNCHRONIZE READ_CONTROL WRITE_DATA APPEND_DATA WRITE_EA",
        "          WRITE_ATTRIBUTES",
    ]


@pytest.mark.parametrize("wish, told", [(0, []), (1, ["", "Rights, and why"])])
def test_where_no_right_was_asked_for_or_granted_there_is_no_table_of_them(wish: int, told: List[str]) -> None:
    outcome = SimpleNamespace(wish=wish, granted=0, reasons={0: SimpleNamespace(words="because")})
    answer = SimpleNamespace(outcome=outcome, request=SimpleNamespace(type=documented_type("file")))
    assert _bits(answer, str)[:2] == told  # type: ignore[arg-type]


def test_the_gates_behind_a_closed_one_are_told_apart_from_it() -> None:
    first = chain("admin", "O:SYG:SYD:", "O:SYG:SYD:(A;;0xf01ff;;;WD)")
    assert chain_lines(first)[-2:] == ["", "The gates behind it are not reached."]


@pytest.mark.parametrize(
    "verdict, granted, told",
    [
        (Verdict.YES, 0x1, "yes, 0x1 (QUERY_VALUE)"),
        (Verdict.YES, 0, "yes, 0x0"),
        (Verdict.NO, 0, "no: the reason"),
        (Verdict.NO, 0x2, "no: the reason; by itself it gets 0x2 (SET_VALUE)"),
        (Verdict.DEPENDS, 0x1, "depends the reason; as far as is known 0x1 (QUERY_VALUE)"),
        (Verdict.DEPENDS, 0, "depends the reason; as far as is known no"),
    ],
)
def test_a_node_in_a_line(verdict: Verdict, granted: int, told: str) -> None:
    guid = UUID(int=7)
    answer: Any = SimpleNamespace(request=SimpleNamespace(type=documented_type("key")))
    lines = _nodes(answer, [NodeResult(1, guid, verdict, granted, 0, "the reason")], str)
    text = " ".join(" ".join(lines).split())
    assert text == "Each object type by itself (AccessCheckByTypeResultList) %s %s" % (guid, told)
    assert lines[0] == "" and lines[2].startswith("    0000") and _nodes(answer, [], str) == []


def test_a_lab_s_differences_come_first_and_are_marked() -> None:
    def answer(name: str, status: int, ours: int, differs: bool, *agreeing: str, settled: str = "") -> LabAnswer:
        outcome: Any = SimpleNamespace(granted=ours, allowed=bool(ours), status=0xC0000022)
        conflicts = [SimpleNamespace(reading=SimpleNamespace(name=settled))] if settled else []
        decided: Any = SimpleNamespace(outcome=outcome, conflicts=conflicts)
        return LabAnswer(name, "", 0x1F, status, decided, differs, agreeing)

    lines = lab_lines(
        [
            answer("one", 0, 0x1F, False),
            answer("two", 0, 0, True),
            answer("three", 0xC0000022, 0x1, True, "a", "b"),
            answer("four", 0xC0000001, 0, False, settled="generic-ace"),
        ]
    )
    assert lines[:2] == ["2 of 4 checks are answered as Windows did", ""]
    assert [line.split() for line in lines[2:]] == [
        ["CHECK", "WINDOWS", "KDTOKEN"],
        ["two", "0x1f", "STATUS_ACCESS_DENIED", "DIFFERS"],
        "three STATUS_ACCESS_DENIED 0x1 DIFFERS; Windows sides with: a, b".split(),
        ["one", "0x1f", "0x1f"],
        "four 0xc0000001 STATUS_ACCESS_DENIED settles generic-ace our way".split(),
    ]
    styles = [[style for _, style, _ in segments(line) if style] for line in lines[3:]]
    assert styles == [["impossible"], ["impossible"], [], []]


@pytest.mark.parametrize("settle, told", [("kdtoken collect", 1), ("", 0)])
def test_what_would_tell_is_said_where_something_would(settle: str, told: int) -> None:
    request_ = asked("user @L pkg", "O:{X}G:{X}D:(A;;0x1;;;BU)(A;;0x1;;;AC)", "file", 0x1)
    answer = decide(replace(request_, caller=replace(request_.caller, lpac=None, settle=settle)))
    text = "\n".join(explain_lines(answer))
    assert answer.depends and text.count("what would tell: %s" % settle) == told
    assert text.count("what would tell") == told


def test_a_caller_about_whom_the_authorities_disagree_is_told_so_in_the_table() -> None:
    disputed = decide(asked("user", "O:{X}G:{X}D:(A;;GA;;;BU)", "file", 0x1))
    plain = decide(asked("user", "O:{X}G:{X}D:(A;;0x1;;;BU)", "file", 0x1))
    text = " ".join(" ".join(who_lines([("anna", "a", disputed), ("boris", "a", plain)])).split())
    assert text.count("(the authorities disagree: generic-ace)") == 1
    assert text.endswith("boris yes 0x1 READ_DATA")


@pytest.mark.parametrize("depends, head", [(0, "1 of 2 get it"), (1, "1 of 2 get it, 1 more depend on something")])
def test_the_table_s_first_line_counts(depends: int, head: str) -> None:
    yes = decide(asked("user", "O:{X}G:{X}D:(A;;0x1;;;BU)", "file", 0x1))
    no = decide(asked("user", "O:{X}G:{X}D:", "file", 0x1))
    unsure = asked("user", "O:{X}G:{X}D:(A;;0x1;;;BA)", "file", 0x1)
    other = decide(replace(unsure, caller=replace(unsure.caller, sids_whole=False))) if depends else no
    lines = who_lines([("anna", "a", yes), ("boris", "b", other)], unjudged=["carl: gone"])
    assert lines[0] == head and lines[-3:] == ["", "Not judged: 1", "  carl: gone"]
    assert ("depends on whether" in " ".join(lines)) is bool(depends)


@pytest.mark.parametrize(
    "wish, said",
    [
        (0, "asks a thing (File) for nothing"),
        (MAXIMUM_ALLOWED, "asks a thing (File) for all it can get (MAXIMUM_ALLOWED)"),
        (0x1, "asks a thing (File) for READ_DATA (0x1)"),
    ],
)
def test_the_first_line_says_what_is_asked(wish: int, said: str) -> None:
    lines = explain_lines(decide(asked("user", "O:{X}G:{X}D:(A;;0x1;;;BU)", "file", wish)))
    assert lines[0] == "user " + said


def test_where_more_is_unknown_than_could_be_tried_that_is_said() -> None:
    answer = decide(asked("user", "O:{X}G:{X}D:(A;;0x1;;;BU)", "file", 0x1))
    words = "More is not known than could be tried: 7 runs were made"
    assert words in explain_lines(answer._replace(cut_short=True, runs=7))
    assert words not in explain_lines(answer)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("S-1-5-18 may", "NT AUTHORITY\\SYSTEM (S-1-5-18) may"),
        ("S-1-5-21-1-2-3-1001 may", "S-1-5-21-1-2-3-1001 may"),  # which only a machine can name
        ("S-1-5-99999999999 may", "S-1-5-99999999999 may"),  # no SID: a number of it has more than 32 bits
        ("a\x1b[m", "a\\u001b[m"),
    ],
)
def test_sids_in_a_sentence_get_their_names(text: str, shown: str) -> None:
    assert _speaker(NO_NAMES)(text) == shown
