"""The report of a comparison: verdict first, aligned, under 100 columns, names for numbers; and its JSON."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, List

import jsonschema
import pytest

from kdtoken.analysis.differences.comparison import Comparison, Difference, Kind, Outcome, Part, View
from kdtoken.analysis.differences.fields import compare
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import Names
from kdtoken.render.diff import _number, _privilege, _Words, diff_json, diff_lines
from kdtoken.render.marked import segments
from tests.declared_views import VIEWS, decoded, kernel, whoami
from tests.machine.declared import MACHINE

SCHEMA = Path(__file__).parent.parent / "kdtoken" / "render" / "diff.schema.json"
WHOLE = [key for key, token in MACHINE.tokens.items() if not token.paged_out]


def text(comparison: Comparison, everything: bool = False) -> str:
    return "\n".join(diff_lines(comparison, everything))


def flat(comparison: Comparison) -> str:
    """Without the places where lines were broken."""
    return " ".join(text(comparison).split())


@pytest.mark.parametrize("key", WHOLE)
@pytest.mark.parametrize("view", VIEWS)
def test_lines_are_narrow_and_none_is_empty_without_reason(key: str, view: str) -> None:
    for everything in (False, True):
        lines = diff_lines(compare(kernel("notepad"), VIEWS[view](key)), everything)
        assert lines[0] and lines[-1]
        for line, after in zip(lines, lines[1:] + ["end"]):
            assert line == line.rstrip()
            assert len(line) < 100 or max(len(word) for word in line.split()) > 60, line
            assert line or after and not after.startswith(" ") or after.startswith("  A  ")


def test_the_verdict_comes_first_and_the_sides_are_named() -> None:
    lines = diff_lines(compare(kernel("notepad"), whoami("cmd")))
    token = "token 0x%x" % kernel("notepad").token.address
    assert lines[:4] == ["A is B's UAC-filtered twin", "", "  A  kernel memory: notepad, " + token, "  B  whoami: text"]


def test_a_long_verdict_is_wrapped() -> None:
    found = replace(compare(kernel("notepad"), kernel("notepad")), verdict="word " * 60)
    assert max(len(line) for line in diff_lines(found)) < 100


def test_groups_and_privileges_are_gathered() -> None:
    found = flat(compare(kernel("notepad"), kernel("cmd")))
    assert "DenyOnly -> Mandatory Default Enabled Owner: BUILTIN\\Administrators" in found
    assert "held by B only Disabled: SeIncreaseQuotaPrivilege, SeSecurityPrivilege" in found
    assert "Enabled: SeDebugPrivilege, SeImpersonatePrivilege" in found
    assert "held by A only" not in found
    back = flat(compare(kernel("cmd"), kernel("notepad")))
    assert "held by A only Disabled: SeIncreaseQuotaPrivilege" in back and "held by B only" not in back
    found = flat(compare(kernel("notepad"), kernel("lsass")))
    assert "switched Disabled -> Enabled Default: SeIncreaseWorkingSetPrivilege, SeTimeZonePrivilege" in found
    assert "groups in A only LOCAL, CONSOLE LOGON" in found


def test_numbers_have_names() -> None:
    found = flat(compare(kernel("explorer"), kernel("client-anna")))
    assert "type Primary -> Impersonation" in found and "in use yes -> no" in found
    found = flat(compare(kernel("notepad"), kernel("sandbox")))
    assert (
        "IS_RESTRICTED" in found and "no ACEs: nobody is let in" in found and "restricting in B only NULL SID" in found
    )
    assert "user attributes ordinary -> DenyOnly" in found
    assert "ANNA-PC\\Anna S-1-5-21-" in flat(compare(kernel("notepad"), kernel("lsass")))
    assert "default DACL A Anna GENERIC_ALL" in flat(compare(kernel("notepad"), kernel("restricted")))


def test_bits_that_nobody_sets_by_a_documented_call_are_pointed_out() -> None:
    base = decoded("notepad")
    assert isinstance(base.privileges, tuple)
    ghost = Privilege(20, "SeDebugPrivilege", False, True, False)
    other = replace(base, privileges=(*base.privileges, ghost))
    found = flat(compare(View(base, Kind.KERNEL, "a"), View(other, Kind.KERNEL, "b")))
    assert "not held, but marked none -> NotPresent Enabled: SeDebugPrivilege" in found
    held = replace(base, privileges=(*base.privileges, replace(ghost, present=True, enabled=False)))
    found = flat(compare(View(held, Kind.KERNEL, "a"), View(other, Kind.KERNEL, "b")))
    assert "held by A only Disabled (and marked Enabled in B, though not held): SeDebugPrivilege" in found


def test_blind_spots_have_their_reason_and_the_rest_its_names() -> None:
    found = text(compare(kernel("notepad"), whoami("notepad")))
    assert "  whoami does not print the logon SID: Logon session 0:2f145" in found
    assert "only A can know" in found and "Same: " in found and "(--all lists them)" in found
    everything = text(compare(kernel("notepad"), whoami("notepad")), True)
    assert "--all" not in everything and "Everyone: Mandatory Default Enabled" in " ".join(everything.split())


def test_a_hostile_label_and_name_are_made_safe() -> None:
    odd = View(replace(decoded("notepad"), source_name="\x1b[2J\u202e"), Kind.KERNEL, "a\x1b]0;x\x07\u202eb")
    shown = text(compare(odd, kernel("notepad")))
    assert "\x1b" not in shown and "\u202e" not in shown and "\\u001b" in shown


def validator() -> Any:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def every_comparison() -> List[Comparison]:
    some = ("notepad", "cmd", "calculator", "sandbox", "lsass", "bfe")
    found = [compare(VIEWS[view](key), kernel("notepad")) for view in VIEWS for key in some]
    base = decoded("notepad")
    for value in (Unreadable(1 << 63, "paged out", "page it in"), Absent("_TOKEN.X"), None):
        for field in ("user_and_groups", "privileges", "default_dacl", "primary_group", "token_id", "audit_policy"):
            if value is not None or field in ("default_dacl", "primary_group"):
                found.append(compare(View(replace(base, **{field: value}), Kind.KERNEL, "a"), kernel("cmd")))
    return found + [compare(replace(kernel("notepad"), process="p"), replace(kernel("system"), process="p"))]


def test_json_follows_its_schema() -> None:
    judge = validator()
    for comparison in every_comparison():
        data = json.loads(diff_json(comparison))
        judge.validate(data)
        assert [row["name"] for row in data["rows"]] == [row.name for row in comparison.rows]
        assert data["exit_code"] == comparison.exit_code and data["verdict"] == comparison.verdict


def test_the_schema_is_sound_and_strict() -> None:
    whole = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(whole)

    def strict(part: Any) -> None:
        if isinstance(part, dict):
            if "properties" in part and "required" in part:
                assert part["additionalProperties"] is False
                assert set(part["required"]) <= set(part["properties"])
                assert all("description" in value for value in part["properties"].values())
            for value in part.values():
                strict(value)
        elif isinstance(part, list):
            for value in part:
                strict(value)

    strict(whole)
    judge, data = validator(), json.loads(diff_json(compare(kernel("notepad"), kernel("cmd"))))
    for break_it in (
        lambda d: d.update(more=1),
        lambda d: d["rows"][0].update(more=1),
        lambda d: d["a"].update(more=1),
        lambda d: d["rows"][0].update(outcome="maybe"),
        lambda d: d["rows"][0].update(a={"x": 1}),
    ):
        broken = json.loads(json.dumps(data))
        break_it(broken)
        assert not judge.is_valid(broken)


def test_names_of_one_side_name_nothing_of_the_other() -> None:
    """Two machines may have given one SID to two people."""
    a, b = kernel("notepad"), kernel("cmd")
    assert isinstance(a.token.user, Sid) and isinstance(a.token.user_and_groups, tuple)
    stranger = Sid.from_text("S-1-5-21-9-9-9-1234")
    listed = replace(b.token, user_and_groups=(*b.token.user_and_groups, Group(stranger, 7)))  # type: ignore[misc]
    named = Names().with_accounts({stranger: "LAB\\impostor"})
    shown = "\n".join(diff_lines(compare(replace(a, names=named), replace(b, token=listed))))
    assert str(stranger) in shown and "impostor" not in shown
    shown = "\n".join(diff_lines(compare(a, replace(b, token=listed, names=named))))
    assert "LAB\\impostor" in shown


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [  # winnt.h, ntifs.h: TOKEN_TYPE, SECURITY_IMPERSONATION_LEVEL, TOKEN_MANDATORY_POLICY_*
        ("type", 1, "Primary"),
        ("type", 2, "Impersonation"),
        ("impersonation level", 3, "Delegation"),
        ("mandatory policy", 0, "off"),
        ("mandatory policy", 1, "NO_WRITE_UP"),
        ("mandatory policy", 3, "NO_WRITE_UP NEW_PROCESS_MIN"),
        ("in use", 0, "no"),
        ("in use", 1, "yes"),
        ("member Whatever", 255, "0xff"),
        ("token replaced", 0x1234, "token at 0x1234"),
        ("session", 12, "12"),
        ("expiration", 0x7FFFFFFFFFFFFFFF, "never"),
    ],
)
def test_a_number_is_told_in_the_words_of_its_field(name: str, value: int, words: str) -> None:
    found = _number(name, value, decoded("notepad"))
    assert found.replace("TOKEN_MANDATORY_POLICY_", "") == words


def held(present: bool, enabled: bool) -> Privilege:
    return Privilege(20, "SeDebugPrivilege", present, enabled, False)


@pytest.mark.parametrize(
    ("one", "other", "label", "state"),
    [
        (held(True, True), None, "held by A only", "Enabled"),
        (held(True, False), None, "held by A only", "Disabled"),
        (None, held(True, True), "held by B only", "Enabled"),
        (held(False, False), held(True, False), "held by B only", "Disabled"),
        # Enabled without being held: only a writer leaves that.
        (held(True, False), held(False, True), "held by A only", "Disabled (and marked Enabled in B, though not held)"),
        (held(False, True), held(True, True), "held by B only", "Enabled (and marked Enabled in A, though not held)"),
    ],
)
def test_a_privilege_that_one_side_holds(one: object, other: object, label: str, state: str) -> None:
    assert _privilege(one, other) == (label, state)


def test_a_privilege_that_was_switched_or_only_marked() -> None:
    label, words = _privilege(held(True, True), held(True, False))
    assert label == "switched" and words.count(" -> ") == 1
    assert words.split(" -> ")[0] != words.split(" -> ")[1] and "Enabled" in words.split(" -> ")[0]
    assert _privilege(None, held(False, True))[0] == "not held, but marked"
    assert _privilege(None, held(False, True))[1].startswith("none -> ")


@pytest.mark.parametrize(
    "one, other, style",
    [
        # SeDebugPrivilege gives power over others: enabled on either side it is told in colour.
        (held(True, True), None, "sensitive"),
        (None, held(True, True), "sensitive"),
        (held(True, False), held(True, True), "sensitive"),
        (held(True, False), None, ""),
        (held(False, True), None, ""),  # marked as enabled without being held, it is none
        (replace(held(True, True), name="SeChangeNotifyPrivilege", number=23), None, ""),
    ],
)
def test_a_privilege_that_gives_power_is_coloured_where_it_is_on(one: Any, other: Any, style: str) -> None:
    words = _Words(compare(kernel("notepad"), kernel("notepad")))
    name = (one or other).name
    listed = words._listed(Difference(Part.POLICY, name, Outcome.DIFFERS, one, other))
    assert listed is not None and [mark for _, mark, _ in segments(listed[2])] == [style] and str(listed[2]) == name


USERS, ORDINARY = Sid(5, (32, 545)), 7


@pytest.mark.parametrize(
    "name, one, other, label, how, shown",
    [
        ("group S-1-5-32-545", Group(USERS, ORDINARY), None, "groups in A only", "", "BUILTIN\\Users"),
        ("group S-1-5-32-545", None, Group(USERS, ORDINARY), "groups in B only", "", "BUILTIN\\Users"),
        (
            "group S-1-5-32-545 (again)",
            None,
            Group(USERS, ORDINARY),
            "groups in B only",
            "",
            "BUILTIN\\Users (listed again)",
        ),
        ("group S-1-5-32-545", Group(USERS, 0x10), None, "groups in A only", "DenyOnly", "BUILTIN\\Users"),
        (
            "group S-1-5-32-545",
            Group(USERS, 0x10),
            Group(USERS, ORDINARY),
            "group switched",
            "DenyOnly -> Mandatory Default Enabled",
            "BUILTIN\\Users",
        ),
        # Of a restricting SID the attributes say nothing.
        ("restricting S-1-5-32-545", Group(USERS, 0x10), None, "restricting in A only", "", "BUILTIN\\Users"),
    ],
)
def test_a_group_that_one_side_lists(name: str, one: Any, other: Any, label: str, how: str, shown: str) -> None:
    words = _Words(compare(kernel("notepad"), kernel("notepad")))
    assert words._listed(Difference(Part.IDENTITY, name, Outcome.DIFFERS, one, other)) == (label, how, shown)
    assert words._listed(Difference(Part.IDENTITY, "user", Outcome.DIFFERS, 1, 2)) is None


@pytest.mark.parametrize(
    "acl, text",
    [
        (Acl(2, 8, 0, ()), "no ACEs: nobody is let in"),
        (Acl(2, 8, 1, (), problem="it is cut off\x1b"), "no ACEs: nobody is let in (it is cut off\\u001b)"),
        (Acl(2, 28, 1, (Ace.build(0, 0x10000000, Sid(5, (18,)), 0),)), "SYSTEM GENERIC_ALL"),
        (Acl(2, 28, 1, (Ace.build(1, 0x10000, Sid(5, (18,)), 0),)), "ACCESS_DENIED SYSTEM DELETE"),
    ],
)
def test_an_acl_in_short(acl: Acl, text: str) -> None:
    words = _Words(compare(kernel("notepad"), kernel("notepad")))
    row = Difference(Part.POLICY, "default DACL", Outcome.DIFFERS, acl, None)
    assert str(words.value(row, acl, kernel("notepad").token)) == text


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "none"),
        (Unreadable(0x10, "paged out\x1b"), "unreadable at 0x10: paged out\\u001b"),
        (Sid(5, (32, 545)), "BUILTIN\\Users S-1-5-32-545"),
        (Group(Sid(5, (32, 545)), 0x10), "DenyOnly"),
        (Group(Sid(5, (32, 545)), 0), "ordinary"),
        (b"\x01\x02", "0102"),
        ((), "none"),
        ("User32 ", "User32"),
    ],
)
def test_a_value_in_words(value: Any, text: str) -> None:
    words = _Words(compare(kernel("notepad"), kernel("notepad")))
    row = Difference(Part.IDENTITY, "x", Outcome.DIFFERS, value, None)
    assert str(words.value(row, value, kernel("notepad").token)) == text


def test_an_audit_policy_of_zeros_audits_nothing() -> None:
    words = _Words(compare(kernel("notepad"), kernel("notepad")))
    row = Difference(Part.POLICY, "audit policy", Outcome.DIFFERS, bytes(4), None)
    token = kernel("notepad").token
    assert words.value(row, bytes(4), token) == "nothing audited" and words.value(row, b"\1\0", token) == "0100"
    assert words.value(replace(row, name="other"), bytes(2), token) == "0000"
