"""What conditions come to.

fixtures/sddl/conditions.json: random conditions, callers and objects of ours, answers by Samba 4.22's access check, as
far as it is believed (no Exists, which it always answers with UNKNOWN; no attribute that is missing or stands alone).
The rest is written out from [MS-DTYP] 2.4.4.17.6 and .7.
"""

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.model.condition import (
    UNKNOWABLE,
    Attribute,
    Composite,
    Condition,
    Integer,
    Operator,
    Outcome,
    Text,
    Truth,
    Values,
    condition_from_text,
    evaluate,
    parse_condition,
)
from kdtoken.model.condition.evaluate import Unknowable
from kdtoken.model.sid import Sid
from tests.examples import examples
from tests.over import over

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "sddl"
CASES: List[Any] = json.loads((FIXTURES / "conditions.json").read_text(encoding="utf-8"))

Claims = Mapping[str, Mapping[str, Tuple[List[Union[int, str]], int]]]


class Caller:
    """A caller made of SIDs as text and claims as {space: {name: ([values], flags)}}."""

    def __init__(self, sids: List[str], device: List[str], claims: Claims) -> None:
        self.sids, self.device, self.claims = sids, device, claims

    def member(self, sid: Sid, device: bool) -> Optional[bool]:
        return str(sid) in (self.device if device else self.sids)

    def attribute(self, space: str, name: str) -> Union[Values, None, Unknowable]:
        for key, (values, flags) in self.claims.get(space, {}).items():
            if key.lower() == name.lower():
                return Values(1 if isinstance(values[0], int) else 3, tuple(values), flags)
        return None


@over([tuple(row) for row in CASES], lambda text, *_: text)
def test_as_samba_answers(text: str, truth: str, sids: List[str], device: List[str], claims: Claims) -> None:
    seen = evaluate(condition_from_text(text), Caller(sids, device, claims))
    assert Truth(truth) in seen.possible
    assert len(seen.possible) == 1 or seen.conflicts


def test_samba_was_asked_for_every_answer() -> None:
    for truth in Truth:
        assert sum(row[1] == truth.value for row in CASES) >= 90


def outcome(text: str, **known: object) -> Outcome:
    """Of a caller in Everyone and Administrators, on a device in Users; user claims by name."""
    claims: Dict[str, Values] = {}
    for name, value in known.items():
        values = value if isinstance(value, Values) else Values(1 if isinstance(value, int) else 3, (value,))  # type: ignore[arg-type]
        claims[name] = values

    class Someone:
        def member(self, sid: Sid, device: bool) -> Optional[bool]:
            return str(sid) in (["S-1-5-32-545"] if device else ["S-1-1-0", "S-1-5-32-544"])

        def attribute(self, space: str, name: str) -> Union[Values, None, Unknowable]:
            return claims.get(name) if space == "User" else None

    return evaluate(condition_from_text(text), Someone())


TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


@pytest.mark.parametrize(
    "text, truth",
    [
        ("Exists local", FALSE),
        ("Not_Exists @Resource.nope", TRUE),
        ("@User.nope == 1", UNKNOWN),
        ("@User.nope == 1 || Member_of {SID(BA)}", TRUE),
        ("@User.nope == 1 && Member_of {SID(BU)}", FALSE),
        ("@User.nope == 1 && Member_of {SID(BA)}", UNKNOWN),
        ("!(@User.nope == 1)", UNKNOWN),
        # An operand of another type makes the whole UNKNOWN, whatever the rest says.
        ('@User.n == "3" || Member_of {SID(BA)}', UNKNOWN),
        ("(@User.n == 3) && (@User.s)", TRUE),
        ("(@User.zero) || Member_of {SID(BU)}", FALSE),
        ("(@User.empty) || Member_of {SID(BU)}", FALSE),
        ('@User.s == "pM"', TRUE),
        ('@User.exact == "pM"', FALSE),
        ('@User.exact == "PM"', TRUE),
        # One side that is case-sensitive is enough, whichever it is.
        ("@User.low == @User.exact", FALSE),
        ("@User.exact == @User.low", FALSE),
        ("@User.low == @User.s", TRUE),
        # A string that is the start of another is less.
        ('@User.s < "PMO"', TRUE),
        ("@User.flag == 1", TRUE),
        ("@User.flag != 0", TRUE),
        ("@User.flag < 1", UNKNOWN),
        ("@User.flag == 2", UNKNOWN),
        ("@User.flag == {0, 2}", UNKNOWN),
        ("@User.flag != {2, 1}", UNKNOWN),
        # "compared to the literal integers": an attribute that holds a number is another type.
        ("@User.flag == @User.one", UNKNOWN),
        ("@User.one != @User.flag", UNKNOWN),
        ("@User.flag == @User.flag", TRUE),
        # An attribute that is missing has no logical value (2.4.4.17.7).
        ("@User.nope", UNKNOWN),
        ("!(@User.nope)", UNKNOWN),
        ("(@User.nope) || Member_of {SID(BU)}", UNKNOWN),
        ("(@User.nope) && Member_of {SID(BU)}", FALSE),
        # "only when using the == or != operators", so no other compares a Boolean with a number.
        ("@User.flag Contains 1", UNKNOWN),
        ("@User.flag Not_Contains {0}", UNKNOWN),
        ("@User.flag Any_of {1}", UNKNOWN),
        ("@User.flag Not_Any_of {0}", UNKNOWN),
        # The sign that is written counts, and none is a plus.
        ("@User.big == 0xffffffffffffffff", TRUE),
        ("@User.big == -1", FALSE),
        ("Member_of {1}", UNKNOWN),
        ("Device_Member_of {SID(BU)} && Not_Device_Member_of {SID(BA)}", TRUE),
        ("Member_of {SID(BA), SID(BU)}", FALSE),
        ("Member_of_Any {SID(BA), SID(BU)}", TRUE),
        ("Not_Member_of_Any {SID(BG), SID(BU)}", TRUE),
        ('@User.many Contains {"a", "B"}', TRUE),
        ('@User.many Contains {"a", "x"}', FALSE),
        ('@User.many Any_of {"x", "b"}', TRUE),
        ('@User.many Not_Any_of {"x"}', TRUE),
        ('@User.many == {"c", "b", "a"}', TRUE),
    ],
)
def test_rules_of_the_specification(text: str, truth: Truth) -> None:
    seen = outcome(
        text,
        n=3,
        zero=0,
        one=1,
        s="PM",
        low="pm",
        empty="",
        exact=Values(3, ("PM",), 2),
        flag=Values(6, (1,)),
        big=Values(2, ((1 << 64) - 1,)),
        many=Values(3, ("a", "b", "c")),
    )
    assert seen.possible == {truth}, seen


@pytest.mark.parametrize(
    "less, more",
    [
        (3, 4),
        (-4, -3),
        (-1, 0),
        (Values(2, (1 << 63,)), Values(2, ((1 << 64) - 1,))),  # UINT64, whose highest bit is no sign
        ("PM", "PMO"),
        ("a", "B"),  # letter case does not count
        (Values(0x10, (b"\x01\xff",)), Values(0x10, (b"\x02",))),  # octets by their bytes, the first first
    ],
)
def test_each_relation_orders_what_is_less_the_same_and_more(less: Any, more: Any) -> None:
    """[MS-DTYP] 2.4.4.17.6: <, <=, >, >=, == and != of two operands of one type."""
    for left, right, holds in ((less, more, "< <= !="), (less, less, "<= >= =="), (more, less, "> >= !=")):
        for relation in ("<", "<=", ">", ">=", "==", "!="):
            seen = outcome("@User.l %s @User.r" % relation, l=left, r=right)
            assert seen.possible == {TRUE if relation in holds.split() else FALSE}, (left, relation, right)


@pytest.mark.parametrize(
    "small, large, pair",
    [
        # Unicode's DerivedAge.txt: both letters of a pair were there in 5.1 ...
        ("\u0523", "\u0522", True),
        ("\u0373", "\u0372", True),
        ("\u0377", "\u0376", True),
        ("\ua663", "\ua662", True),
        ("\ua697", "\ua696", True),
        ("\ua78c", "\ua78b", True),
        ("\u2c65", "\u023a", True),
        ("\u0251", "\u2c6d", True),
        ("\u2ce3", "\u2ce2", True),
        # ... or the later one of them came with 5.2, 6.0, 7.0, 8.0.
        ("\u0525", "\u0524", False),
        ("\u0527", "\u0526", False),
        ("\u0252", "\u2c70", False),
        ("\u023f", "\u2c7e", False),
        ("\u0240", "\u2c7f", False),
        ("\u2cec", "\u2ceb", False),
        ("\ua661", "\ua660", False),
        ("\ua699", "\ua698", False),
        ("\ua69b", "\ua69a", False),
        ("\u0265", "\ua78d", False),
        ("\u03f3", "\u037f", False),
        ("\u13f8", "\u13f0", False),
        ("\uab70", "\u13a0", False),
        # A letter of two UTF-16 units: upper case is made unit by unit (RtlUpcaseUnicodeChar takes a WCHAR).
        ("\U00010428", "\U00010400", False),
    ],
)
def test_pairs_of_letters_are_those_of_unicode_5_1(small: str, large: str, pair: bool) -> None:
    assert outcome("@User.l == @User.r", l=small, r=large).possible == {TRUE if pair else FALSE}


# Types of claims: winnt.h CLAIM_SECURITY_ATTRIBUTE_TYPE_* (INT64 1, UINT64 2, STRING 3, SID 5, BOOLEAN 6, OCTET_STRING 0x10).
@pytest.mark.parametrize(
    "kind, values, truth",
    [
        # [MS-DTYP] 2.4.4.17.7: a number is true where it is not 0, a string where it is not empty; others have no value.
        (1, (0,), FALSE),
        (1, (-1,), TRUE),
        (2, (0,), FALSE),
        (2, (1 << 63,), TRUE),
        (2, (0, 7), TRUE),
        (3, ("",), FALSE),
        (3, ("0",), TRUE),
        (6, (0,), FALSE),
        (6, (1,), TRUE),
        (0x10, (b"\x01",), UNKNOWN),
        (5, (Sid.from_text("S-1-5-18"),), UNKNOWN),
        (1, (), UNKNOWN),
        (3, (), UNKNOWN),
    ],
)
def test_the_logical_value_of_an_attribute_goes_by_its_type(kind: int, values: Any, truth: Truth) -> None:
    inverse = {TRUE: FALSE, FALSE: TRUE, UNKNOWN: UNKNOWN}[truth]
    mine = Values(kind, values)
    assert outcome("@User.l", l=mine).possible == {truth}
    assert outcome("!(@User.l)", l=mine).possible == {inverse}
    assert outcome("(@User.l) && Member_of {SID(BA)}", l=mine).possible == {truth}  # as one of the Administrators


def test_where_the_authorities_differ_both_are_possible() -> None:
    several = outcome("@User.many == 1", many=Values(1, (1, 2)))
    assert several.possible == {FALSE, UNKNOWN} and several.conflicts
    # What Windows was seen to do of ! of an attribute, it does not do of ! of anything else, nor behind a relation.
    for text in ("@User.n || !(@User.n == 3)", "(@User.n == 3) || !(@User.n)", "!(@User.n) && @User.n"):
        assert len(outcome(text, n=3).possible) == 1 and outcome(text, n=3).conflicts == (), text
    for text in ("@User.n || !(@User.n)", "@User.n && !(@User.n)"):
        assert UNKNOWN in outcome(text, n=3).possible and len(outcome(text, n=3).conflicts) == 1, text
    for text in ('@User.s Any_of "PM"', '@User.s Not_Any_of "PM"'):
        assert len(outcome(text, s="PM").conflicts) == 1 and UNKNOWN in outcome(text, s="PM").possible, text
    for text in ('@User.s Any_of {"PM"}', '@User.s Contains "PM"', "@User.s Any_of @User.s"):
        assert outcome(text, s="PM").possible == {TRUE} and outcome(text, s="PM").conflicts == (), text
    exists = outcome("Exists @User.n", n=3)
    assert exists.possible == {TRUE, UNKNOWN} and exists.conflicts


S = ("foo", "bar")


@pytest.mark.parametrize(
    "left, text, right, answers",
    [
        # What a Windows answered to the same questions, as the authors of Samba's tests for it report: TRUE and FALSE were
        # told apart by an allowing and a denying policy.  Where other authorities say something else, both are possible.
        ("foo bar", "@User.l == @User.r", "Foo BAR", {TRUE}),
        ("foo", "@User.l < @User.r", "foo bar", {TRUE}),
        # Upper case is one character for one, of Unicode 5.1, and compared by UTF-16 units.
        ("a", "@User.l < @User.r", "_", {TRUE}),
        ("\u00df", "@User.l > @User.r", "SS", {TRUE}),
        ("\u00df", "@User.l < @User.r", "\u1e9e", {TRUE}),
        ("\u029e", "@User.l < @User.r", "\ua7b0", {TRUE}),
        ("\u2cec", "@User.l > @User.r", "\u2ceb", {TRUE}),
        ("\u0107\u00e0\u021b", "@User.l == @User.r", "\u0106\u00c0\u021a", {TRUE}),
        ("\u2c66", "@User.l == @User.r", "\u023e", {TRUE}),
        ("\ud7fb", "@User.l < @User.r", "\U00010000", {TRUE}),
        ("\U00010000", "@User.l < @User.r", "\uf900", {TRUE}),
        (S, "@User.l == @User.r", ("BAR", "FOO"), {TRUE}),
        (S, "@User.l != @User.r", ("foo", "bar", "baz"), {TRUE}),
        (S, "@User.l < @User.r", S, {UNKNOWN}),
        (S, "@User.l Contains @User.r", "FOO", {TRUE}),
        (S, "@User.l Not_Contains @User.r", ("foo", "bar", "baz"), {TRUE}),
        ("foo", "@User.l Any_of @User.r", "foo", {TRUE}),
        (S, '@User.l Any_of {"baz"}', None, {FALSE}),
        (None, "@User.l Contains {}", None, {FALSE}),
        (None, "@User.l Not_Contains {}", None, {TRUE}),
        (None, '@User.l Contains {"foo"}', None, {UNKNOWN}),
        ("foo", "@User.l Contains {}", None, {FALSE}),
        ("foo", "@User.l Not_Any_of {}", None, {TRUE}),
        (S, '@User.l Contains {"foo", "bar", "bar"}', None, {TRUE}),
        (("654", "321"), "@User.l == {654, 321}", None, {UNKNOWN}),
        ("42", "@User.l == 42", None, {UNKNOWN}),
        ("foo", '@User.l Any_of "foo"', None, {TRUE, UNKNOWN}),
        (S, '@User.l == {"foo", "bar", "foo"}', None, {TRUE}),  # there: FALSE
        # An attribute alone counts by its value, one of several values is enough.
        ("foo bar", "@User.l", None, {TRUE}),
        (0, "@User.l", None, {FALSE}),
        ((0, 1), "@User.l", None, {TRUE}),
        (0, "!(!(!(!(@User.l))))", None, {FALSE}),
        (1, "!(@User.l) || @User.l", None, {TRUE}),
        (1, "@User.l || !(@User.l)", None, {TRUE, UNKNOWN}),
    ],
)
def test_as_a_windows_answered(left: Any, text: str, right: Any, answers: object) -> None:
    def values(value: Any) -> Optional[Values]:
        listed = value if isinstance(value, tuple) else (value,)
        return None if value is None else Values(1 if isinstance(listed[0], int) else 3, listed)

    class Asked:
        def member(self, sid: Sid, device: bool) -> Optional[bool]:
            return False

        def attribute(self, space: str, name: str) -> Union[Values, None, Unknowable]:
            return values(left if name == "l" else right)

    seen = evaluate(condition_from_text(text), Asked())
    assert seen.possible == answers
    assert len(seen.possible) == 1 or seen.conflicts


class Dump:
    """A dump: it has the SIDs, and cannot tell of claims."""

    def member(self, sid: Sid, device: bool) -> Optional[bool]:
        return None if device else str(sid) == "S-1-5-32-544"

    def attribute(self, space: str, name: str) -> Union[Values, None, Unknowable]:
        return None if space == "Resource" else UNKNOWABLE


@pytest.mark.parametrize(
    "text, possible, not_known",
    [
        ("Exists a", {TRUE, FALSE}, ("a",)),
        ("(@User.a == 1) && Member_of {SID(BU)}", {FALSE, UNKNOWN}, ("@USER.a",)),
        ("(@User.a == 1) || Member_of {SID(BA)}", {TRUE, UNKNOWN}, ("@USER.a",)),
        ("(Exists a) || Member_of {SID(BA)}", {TRUE}, ("a",)),
        ("Device_Member_of {SID(BA)}", {TRUE, FALSE}, ("Device_Member_of {SID(S-1-5-32-544)}",)),
        ("@Resource.a == 1", {UNKNOWN}, ()),
        ("Member_of {SID(BA)}", {TRUE}, ()),
    ],
)
def test_what_a_source_cannot_know_is_never_decided(text: str, possible: object, not_known: Tuple[str, ...]) -> None:
    seen = evaluate(condition_from_text(text), Dump())
    assert seen.possible == possible and seen.not_known == not_known


def test_the_terms_tell_the_way() -> None:
    seen = outcome("!(@User.n >= 2) || Member_of {SID(BA)}", n=3)
    assert [(text, {one.value for one in found}) for text, found in seen.terms] == [
        ("@USER.n >= 2", {"true"}),
        ("!(@USER.n >= 2)", {"false"}),
        ("Member_of {SID(BA)}", {"true"}),
        ("(!(@USER.n >= 2)) || (Member_of {SID(BA)})", {"true"}),
    ]


def test_a_malformed_expression_says_why() -> None:
    seen = evaluate(parse_condition(b"artx" + bytes.fromhex("10 02000000 6100 a2")), Dump())  # !("a")
    assert seen.possible == {UNKNOWN} and "literal" in seen.problem


@pytest.mark.parametrize(
    "tokens, problem",  # byte codes of [MS-DTYP] 2.4.4.17.6 to .8
    [
        ((), "it leaves 0 results"),
        ((Text("a"), Text("b")), "it leaves 2 results"),
        ((Attribute("User", "a"), Operator(0x80)), "== lacks an operand"),
        ((Operator(0xA2),), "! lacks an operand"),
        ((Text("a"), Operator(0x87)), "Exists asks for an attribute"),
        ((Text("a"), Operator(0x8D)), "Not_Exists asks for an attribute"),
        ((Attribute("User", "a"), Operator(0x89)), "Member_of asks for SIDs that are written out"),
        ((Text("a"), Operator(0x90)), 'Not_Member_of asks for SIDs, not "a"'),
        ((Text("a"), Attribute("User", "a"), Operator(0x80)), "left of == stands no attribute"),
        (
            (Attribute("User", "a"), Operator(0xA2), Integer(1), Operator(0x82)),
            "< compares with the outcome of an expression",
        ),
        ((Integer(1), Operator(0xA2)), "a literal has no logical value: 1"),
    ],
)
def test_each_way_to_be_malformed_is_told(tokens: Tuple[Any, ...], problem: str) -> None:
    seen = evaluate(Condition(tokens), Dump())
    assert seen.possible == {UNKNOWN} and seen.problem == problem


# Types of claims: winnt.h CLAIM_SECURITY_ATTRIBUTE_TYPE_*.
@pytest.mark.parametrize(
    "kind, value, text, truth, problem",
    [
        (5, Sid(5, (18,)), "@User.l == SID(SY)", TRUE, ""),
        (5, Sid(5, (18,)), "@User.l Any_of {SID(BA), SID(SY)}", TRUE, ""),
        (5, Sid(5, (18,)), "@User.l == SID(BA)", FALSE, ""),
        (5, Sid(5, (18,)), "@User.l < SID(SY)", UNKNOWN, "< does not order a SID"),
        (5, Sid(5, (18,)), '@User.l == "SY"', UNKNOWN, "== compares a SID with a string"),
        (6, 1, "@User.l >= @User.l", UNKNOWN, ">= does not order a Boolean"),
        (6, 1, "@User.l == 2", UNKNOWN, "== compares a Boolean with a number"),
        (6, 1, "@User.l == 0", FALSE, ""),
        (0x10, b"\x01\x02", "@User.l == #0102", TRUE, ""),
        (0x10, b"\x01\x02", "@User.l > #01", TRUE, ""),
        (0x10, b"\x01\x02", "@User.l == 1", UNKNOWN, "== compares an octet string with a number"),
        (1, 3, "@User.l == #03", UNKNOWN, "== compares a number with an octet string"),
        # Literals of two types are no set that anything equals, and no error of the whole.
        (1, 3, '@User.l Any_of {3, "3"}', UNKNOWN, ""),
        (1, 3, "@User.l Any_of {#03, SID(SY)}", UNKNOWN, ""),
        (1, 3, '@User.l Any_of {"3", #03}', UNKNOWN, ""),
    ],
)
def test_literals_of_each_type(kind: int, value: Any, text: str, truth: Truth, problem: str) -> None:
    seen = outcome(text, l=Values(kind, (value,)))
    assert (seen.possible, seen.problem) == ({truth}, problem)


def test_an_attribute_that_holds_a_value_twice_is_malformed() -> None:
    """[MS-DTYP] 2.4.10.1: the values of a claim are different ones; letter case counts where the claim says so."""
    twice = "an attribute holds a value twice"
    for left, right in (((1, 1), (1, 2)), ((1, 2), (2, 2))):
        seen = outcome("@User.l Any_of @User.r", l=Values(1, left), r=Values(1, right))
        assert (seen.possible, seen.problem) == ({UNKNOWN}, twice)
    assert outcome('@User.l Contains {"a"}', l=Values(3, ("a", "A"))).problem == twice
    assert outcome('@User.l Contains {"a"}', l=Values(3, ("a", "A"), 2)).possible == {TRUE}


def test_an_operand_that_sddl_cannot_write_is_told_all_the_same() -> None:
    quoted = (Attribute("User", "a"), Text('say "x"'), Operator(0x81))
    listed = (Attribute("User", "a"), Composite((Text('"'), Integer(1))), Operator(0x86))
    assert evaluate(Condition(quoted), Dump()).terms[0][0] == "@USER.a != 'say \"x\"'"
    assert evaluate(Condition(listed), Dump()).terms[0][0] == "@USER.a Contains {'\"', 1}"


@pytest.mark.parametrize(
    "text, not_known",
    [
        ("@User.a", ("@USER.a",)),
        ("@User.a == @Device.b", ("@USER.a", "@DEVICE.b")),
        ("@Resource.x == @Device.b", ("@DEVICE.b",)),
        (
            "Not_Device_Member_of_Any {SID(SY), SID(BA)}",
            ("Device_Member_of {SID(S-1-5-18)}", "Device_Member_of {SID(S-1-5-32-544)}"),
        ),
    ],
)
def test_all_that_is_not_known_is_named(text: str, not_known: Tuple[str, ...]) -> None:
    assert evaluate(condition_from_text(text), Dump()).not_known == not_known


def test_an_attribute_of_which_nothing_is_known_may_be_anything() -> None:
    """Its own value, that of a relation to it, and of ! of it."""
    for text in ("@User.a", "!(@User.a)", "@User.a == 1", "!(@User.a == 1)"):
        assert evaluate(condition_from_text(text), Dump()).possible == {TRUE, FALSE, UNKNOWN}
    # Even of one that is missing, nothing is contained in a set.
    assert evaluate(condition_from_text("@Resource.a Contains {}"), Dump()).possible == {FALSE}
    assert evaluate(condition_from_text("@User.a Contains {}"), Dump()).possible == {TRUE, FALSE, UNKNOWN}


@settings(max_examples=examples(200), deadline=None)
@given(st.binary(max_size=40))
def test_whatever_is_parsed_is_evaluated(data: bytes) -> None:
    from kdtoken.errors import BadFormat

    try:
        condition = parse_condition(b"artx" + data)
    except BadFormat:
        return
    assert evaluate(condition, Dump()).possible


@pytest.mark.parametrize(
    "text, value, truth",
    [
        ('@User.x < "b"', "\ud800", FALSE),
        ('@User.x > "b"', "\ud800", TRUE),
        ('@User.x < "\ud800"', "b", TRUE),
        ('@User.x >= "\uffee"', "\U0001f600", FALSE),  # by its UTF-16 units, which begin with 0xd83d
    ],
)
def test_strings_are_ordered_by_their_utf_16_units_halves_of_a_pair_too(text: str, value: str, truth: Truth) -> None:
    """Windows' strings are units of 16 bits; one that a target holds may end in the middle of a pair."""
    assert outcome(text, x=value).possible == {truth}
