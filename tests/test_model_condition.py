"""Conditions as bytes and as text; resource attributes.  [MS-DTYP] 2.4.4.17 and 2.4.10."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.model.condition import (
    Attribute,
    Composite,
    Condition,
    Integer,
    Octets,
    Operator,
    SidValue,
    Text,
    Values,
    attribute_bytes,
    attribute_text,
    condition_bytes,
    condition_from_text,
    condition_text,
    parse_attribute,
    parse_condition,
)
from kdtoken.model.condition.resource_attribute import read_attribute
from kdtoken.model.cursor import Cursor
from kdtoken.model.sid import Sid
from tests.examples import examples

# Example 1 of [MS-DTYP] 2.4.4.17.9, its three bytes of padding at the end.
TITLE = bytes.fromhex(
    "61727478"  # "artx"
    "f8 0a000000 5400 6900 7400 6c00 6500"  # local attribute, 10 bytes, "Title"
    "10 04000000 5600 5000"  # string, 4 bytes, "VP"
    "80 000000"  # ==, padding
)


def test_the_example_of_the_specification() -> None:
    seen = parse_condition(TITLE)
    assert seen == Condition((Attribute("Local", "Title"), Text("VP"), Operator(0x80)))
    assert condition_bytes(seen) == TITLE[:-3]
    assert condition_text(seen) == '(Title == "VP")'
    assert condition_from_text('(Title=="VP")') == seen


def test_the_order_of_example_2() -> None:
    text = '(@User.smartcard==1 || @Device.managed==1) && (@Resource.dept Any_of{"Sales","HR"})'
    names = [
        token.name
        if isinstance(token, (Attribute, Operator))
        else token.value
        if isinstance(token, Integer)
        else [item.value for item in token.items if isinstance(item, Text)]
        if isinstance(token, Composite)
        else None
        for token in condition_from_text(text).tokens
    ]
    # The row of tokens that the specification prints.
    assert names == ["smartcard", 1, "==", "managed", 1, "==", "||", "dept", ["Sales", "HR"], "Any_of", "&&"]


def test_minus_one_as_the_specification_stores_it() -> None:
    data = bytes.fromhex("61727478 f802000000 6100 04 ffffffffffffffff 02 02 80")
    assert parse_condition(data).tokens[1] == Integer(-1, sign=2, base=2, size=4)
    assert condition_from_text("a == -1") == parse_condition(data)


@pytest.mark.parametrize(
    "text, written",
    [
        # && before ||, both from left to right; parentheses as Windows writes them.
        ("(@User.A || @Device.B && @User.C)", "((@USER.A) || ((@DEVICE.B) && (@USER.C)))"),
        ("(@User.A && @Device.B || @User.C)", "(((@USER.A) && (@DEVICE.B)) || (@USER.C))"),
        ("(@User.A && @Device.B && @User.C)", "(((@USER.A) && (@DEVICE.B)) && (@USER.C))"),
        ("(!(! (Member_of{SID(AA)})))", "(!(!(Member_of {SID(AA)})))"),
        ("(member_OF sid(s-1-1-0))", "(Member_of SID(WD))"),
        ("(Member_of {SID( BA ) , SID(BU)})", "(Member_of {SID(BA), SID(BU)})"),
        ("( a  ==  1 )", "(a == 1)"),
        ("(a Any_of {  1 , 2  })", "(a Any_of {1, 2})"),
        ("(Member_of((SID(S-1-1-0))))", "(Member_of SID(WD))"),
        ("(Exists a)", "(Exists a)"),
        ("(not_exists @resource.a)", "(Not_Exists @RESOURCE.a)"),
        ("(a==##1#2#3##)", "(a == #01020300)"),
        ("(a==#1)", "(a == #01)"),
        ("(a==0x1F)", "(a == 0x1f)"),
        ("(a==017)", "(a == 017)"),
        ("(a==+5)", "(a == +5)"),
        ("(a==0)", "(a == 0)"),
        ("(a==0xffffffffffffffff)", "(a == 0xffffffffffffffff)"),
        ("(a==-9223372036854775808)", "(a == -9223372036854775808)"),
        ('(@User.ad://ext/Silo == "x")', '(@USER.ad://ext/Silo == "x")'),
        ("(@User.a%0020b%0025 == 1)", "(@USER.a%0020b%0025 == 1)"),
        ("(@User.a == {})", "(@USER.a == {})"),
        ('(@User.a == {"x", 1, #02, SID(BA)})', '(@USER.a == {"x", 1, #02, SID(BA)})'),
        ("(Member_of_like == 1)", "(Member_of_like == 1)"),  # only a word of its own is an operator
    ],
)
def test_text(text: str, written: str) -> None:
    seen = condition_from_text(text)
    assert condition_text(seen) == written
    assert condition_from_text(written) == seen
    assert parse_condition(condition_bytes(seen)) == seen


@pytest.mark.parametrize(
    "text, column",
    [
        ("", 1),
        ("(", 2),
        ("(a == )", 7),
        ("(a == b)", 7),  # a local attribute may not stand on the right
        ("(a = 1)", 4),
        ("(! Member_of{SID(BA)})", 4),
        ("(!!(a))", 3),
        ("(@Nobody.a)", 2),
        ("(@User.)", 8),
        ("(a == 089)", 7),
        ("(a == 18446744073709551616)", 7),
        ('(a == "x)', 7),
        ("(Member_of {SID(BA)", 20),
        ("(Member_of {SID(BA) SID(BU)})", 21),
        ("(Member_of {SID(ernie)})", 17),
        ("(Member_of {SID(QQ)})", 17),
        ("(a == 1) b", 10),
        ("(a like 1)", 4),
        ("(a == 1 && )", 12),
    ],
)
def test_errors_say_the_column(text: str, column: int) -> None:
    with pytest.raises(BadFormat, match="condition, column %d:" % column):
        condition_from_text(text)


def test_parentheses_are_limited_and_do_not_end_the_interpreter() -> None:
    assert condition_from_text("(" * 60 + "a" + ")" * 60).tokens == (Attribute("Local", "a"),)
    for deep in ("(" * 5000 + "a", "!(" * 5000, "Member_of" + "(" * 5000, "a == " + "(" * 5000):
        with pytest.raises(BadFormat):
            condition_from_text(deep)


def test_a_thousand_terms_in_a_row() -> None:
    text = " && ".join("a%d == %d" % (number, number) for number in range(1000))
    seen = condition_from_text(text)
    assert len(seen.tokens) == 3999 and parse_condition(condition_bytes(seen)) == seen
    assert condition_text(seen).count("&&") == 999


@pytest.mark.parametrize(
    "data, words",
    [
        ("", "begin"),
        ("61727479", "begin"),
        ("61727478", "leaves 0"),
        ("61727478 80", "lacks an operand"),
        ("61727478 f802000000 6100 f802000000 6200", "leaves 2"),
        ("61727478 f802000000 61", "cut off"),
        ("61727478 f803000000 610062", "UTF-16"),
        ("61727478 f800000000", "without a name"),
        ("61727478 04 0000", "cut off"),
        ("61727478 00 a2", "padding"),
        ("61727478 99", "0x99"),
        ("61727478 51 0c000000 0101000000000005 12000000 89 80", "lacks"),
        ("61727478 51 10000000 0101000000000005 12000000 00000000 89", "SID of 12 bytes in 16"),
        ("61727478 50 02000000 a2a2", "0xa2"),
    ],
)
def test_bytes_that_are_no_condition(data: str, words: str) -> None:
    with pytest.raises(BadFormat, match=words):
        parse_condition(bytes.fromhex(data))


LITERALS = st.one_of(
    st.builds(Integer, st.integers(0, (1 << 63) - 1), st.just(3), st.integers(1, 3)),
    st.builds(Integer, st.integers(-(1 << 63), -1), st.just(2), st.just(2)),
    st.builds(Text, st.text(alphabet=st.characters(blacklist_characters='"'), max_size=8)),
    st.builds(Octets, st.binary(max_size=6)),
    st.builds(lambda rid: SidValue(Sid(5, (32, rid))), st.integers(0, 999)),
)
ATTRIBUTES = st.builds(
    Attribute,
    st.sampled_from(["User", "Device", "Resource"]),
    st.text(min_size=1, max_size=8).filter(lambda text: "\ud800" > max(text)),
)


@settings(max_examples=examples(300), deadline=None)
@given(ATTRIBUTES, LITERALS | st.builds(lambda items: Composite(tuple(items)), st.lists(LITERALS, max_size=4)))
def test_every_term_comes_back_from_bytes_and_text(attribute: Attribute, value: object) -> None:
    term = Condition((attribute, value, Operator(0x80)))  # type: ignore[arg-type]
    assert parse_condition(condition_bytes(term)) == term
    assert condition_from_text(condition_text(term)) == term


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_condition_or_refused(data: bytes) -> None:
    try:
        seen = parse_condition(b"artx" + data)
    except BadFormat:
        return
    assert condition_bytes(seen) == (b"artx" + data).rstrip(b"\0") or parse_condition(condition_bytes(seen)) == seen


def test_a_quotation_mark_has_no_text() -> None:
    with pytest.raises(BadFormat, match="quotation"):
        condition_text(Condition((Attribute("User", "a"), Text('"'), Operator(0x80))))


@pytest.mark.parametrize(
    "tokens, words",
    [
        ((), "a condition has one result, this one leaves 0"),
        ((Attribute("User", "a"), Attribute("User", "b")), "a condition has one result, this one leaves 2"),
        ((Attribute("User", "a"), Operator(0x80)), "a condition whose operator == lacks an operand"),
        ((Operator(0x87),), "a condition whose operator Exists lacks an operand"),
    ],
)
def test_tokens_that_are_no_condition_have_no_text(tokens: "tuple[Attribute | Operator, ...]", words: str) -> None:
    with pytest.raises(BadFormat) as caught:
        condition_text(Condition(tokens))
    assert caught.value.message == words


# [MS-DTYP] 2.4.4.17.5 to .8: the byte code of each operator, how it is written, and how many operands it has.
@pytest.mark.parametrize(
    "code, name, operands",
    [
        *zip(range(0x80, 0x86), ("==", "!=", "<", "<=", ">", ">="), (2,) * 6),
        (0x86, "Contains", 2),
        (0x87, "Exists", 1),
        (0x88, "Any_of", 2),
        (0x89, "Member_of", 1),
        (0x8A, "Device_Member_of", 1),
        (0x8B, "Member_of_Any", 1),
        (0x8C, "Device_Member_of_Any", 1),
        (0x8D, "Not_Exists", 1),
        (0x8E, "Not_Contains", 2),
        (0x8F, "Not_Any_of", 2),
        (0x90, "Not_Member_of", 1),
        (0x91, "Not_Device_Member_of", 1),
        (0x92, "Not_Member_of_Any", 1),
        (0x93, "Not_Device_Member_of_Any", 1),
        (0xA0, "&&", 2),
        (0xA1, "||", 2),
        (0xA2, "!", 1),
    ],
)
def test_each_operator(code: int, name: str, operands: int) -> None:
    assert (Operator(code).name.lower(), Operator(code).operands) == (name.lower(), operands)
    if name in ("&&", "||"):
        text, tokens = "a %s b" % name, (Attribute("Local", "a"), Attribute("Local", "b"), Operator(code))
    elif name == "!":
        text, tokens = "!(a)", (Attribute("Local", "a"), Operator(code))
    elif "Exists" in name:
        text, tokens = "%s a" % name, (Attribute("Local", "a"), Operator(code))
    elif operands == 1:
        text, tokens = "%s {}" % name, (Composite(()), Operator(code))
    else:
        text, tokens = "a %s 1" % name, (Attribute("Local", "a"), Integer(1), Operator(code))
    assert condition_from_text(text) == Condition(tokens)


@pytest.mark.parametrize(
    "code, space, written",
    [(0xF8, "Local", "x"), (0xF9, "User", "@USER.x"), (0xFA, "Resource", "@RESOURCE.x"), (0xFB, "Device", "@DEVICE.x")],
)
def test_each_space_of_attributes(code: int, space: str, written: str) -> None:
    """[MS-DTYP] 2.4.4.17.8: the byte code of an attribute tells whose it is; its name is UTF-16, counted in bytes."""
    data = b"artx" + bytes([code]) + b"\2\0\0\0x\0"
    assert parse_condition(data) == condition_from_text(written) == Condition((Attribute(space, "x"),))
    assert condition_bytes(condition_from_text(written)) == data
    assert condition_text(parse_condition(data)) == "(%s)" % written


@pytest.mark.parametrize(
    "text, words",
    [
        ("a == %s1" % ("0" * 80), "a number of 64 bits"),  # more digits than any number of 64 bits has
        ("a == -9223372036854775809", "a number of 64 bits"),
        ("a == 08", "an octal number, as it begins with 0"),
        ("(a == 1) || (@User.)", "the name of an attribute"),
        ("a == @b", "@User., @Device. or @Resource."),
        ("@Userx.a", "@User., @Device. or @Resource."),
        ("Member_of", "SIDs behind Member_of, such as {SID(BA)}"),
        ("Member_of!", "SIDs behind Member_of, such as {SID(BA)}"),
        ("Exists(a)", "a blank and an attribute behind Exists"),
        ("Member_of {1,", 'a number, a "string", #hex, SID(...) or a list of these in {}'),
        ("Member_of {1 2}", '"," or "}"'),
        ("Member_of {SID(BA}", "a SID or its alias, and a parenthesis"),
        ("(a", 'an operator or ")"'),
        ("a == 1 1", 'an operator, "&&", "||" or the end'),
        ("!a", '"(" after "!"'),
        ("a like 1", "an operator (==, !=, <, <=, >, >=, Contains, Any_of, &&, ||) or the end"),
        ("&& a", "an attribute (Name, @User.Name, @Device.Name, @Resource.Name), Member_of, Exists or a parenthesis"),
    ],
)
def test_what_is_expected_is_said(text: str, words: str) -> None:
    with pytest.raises(BadFormat) as caught:
        condition_from_text(text)
    assert ": expected %s, found " % words in caught.value.message


def test_the_deepest_parentheses_that_are_read() -> None:
    """64 in each other, of either kind; one more is refused."""
    for opens in ("(", "!("):
        assert condition_from_text(opens * 32 + "a" + ")" * 32)
    assert condition_from_text("(" * 64 + "a" + ")" * 64)
    with pytest.raises(BadFormat, match="column 66: expected at most 64 parentheses in each other"):
        condition_from_text("(" * 65 + "a" + ")" * 65)


@pytest.mark.parametrize(
    "digits, data", [("#", ""), ("#1", "01"), ("#12", "12"), ("#123", "0123"), ("##", "00"), ("#aBcD", "abcd")]
)
def test_octets_of_an_odd_number_of_digits_begin_with_a_0(digits: str, data: str) -> None:
    assert condition_from_text("a == " + digits).tokens[1] == Octets(bytes.fromhex(data))


def test_letters_that_sddl_would_misread_are_escaped() -> None:
    """Of a local attribute's name fewer characters are plain than of another's ([MS-DTYP] attr-char1 and attr-char2)."""
    assert condition_text(condition_from_text("a%0024b")) == "(a%0024b)"
    assert condition_text(condition_from_text("@User.a$b")) == "(@USER.a$b)"
    # lit-char of [MS-DTYP] 2.5.1.1, which a local attribute's name has only in part.
    for character in "#$'*+-./:;?@[\\]^_`{}~":
        attribute = Condition((Attribute("User", "a" + character),))
        assert condition_text(attribute) == "(@USER.a%s)" % character
        assert condition_from_text(condition_text(attribute)) == attribute
        local = "(a%s)" % (character if character in ":./_@" else "%%%04x" % ord(character))
        assert condition_text(Condition((Attribute("Local", "a" + character),))) == local
    for character in '!&()=<>|%" ,\x7f\x01':
        written = "@USER.a%%%04x" % ord(character)
        assert condition_text(Condition((Attribute("User", "a" + character),))) == "(%s)" % written
        assert condition_from_text(written).tokens == (Attribute("User", "a" + character),)
    assert condition_text(Condition((Attribute("User", "\u00e9\U0001f600"),))) == "(@USER.\u00e9\U0001f600)"


# --- resource attributes

# Laid out as Windows does, taken from a descriptor's bytes that a Windows gave: header, offset, name, value.
COLOUR = bytes.fromhex(
    "14000000 0300 0000 00000000 01000000"  # name at 20, STRING, flags 0, one value
    "22000000"  # it is at 34
    "63006f006c006f00750072000000"  # "colour"
    "62006c00750065000000"  # "blue"
)


def test_a_string_attribute() -> None:
    assert parse_attribute(COLOUR) == ("colour", Values(3, ("blue",)))
    assert attribute_bytes("colour", Values(3, ("blue",))) == COLOUR
    assert attribute_text("colour", Values(3, ("blue",))) == '("colour",TS,0x0,"blue")'


@pytest.mark.parametrize(
    "text, kind, values, flags",
    [
        ('("a",TI,0xa,7774,-8)', 1, (7774, -8), 0xA),
        ('("a",TU,0x0,18446744073709551615)', 2, ((1 << 64) - 1,), 0),
        ('("a",TS,0x2,"x","")', 3, ("x", ""), 2),
        ('("a",TD,0x0,SID(BA),SID(S-1-5-21-1-2-3))', 5, (Sid(5, (32, 544)), Sid(5, (21, 1, 2, 3))), 0),
        ('("a",TB,0x0,1,0)', 6, (1, 0), 0),
        ('("a",TX,0x0,0077,00)', 16, (b"\0\x77", b"\0"), 0),
        ('("a",TI,0x10001)', 1, (), 0x10001),
    ],
)
def test_attributes_of_every_type(text: str, kind: int, values: object, flags: int) -> None:
    name, seen = read_attribute(Cursor(text))
    assert (name, seen.type, seen.values, seen.flags) == ("a", kind, values, flags)
    assert attribute_text(name, seen) == text
    assert parse_attribute(attribute_bytes(name, seen)) == (name, seen)


def test_names_with_characters_that_sddl_cannot_have() -> None:
    name, _ = read_attribute(Cursor('("a%0020b%0016",TI,0,1)'))
    assert name == "a b\x16"
    assert attribute_text(name, Values(1, (1,))).startswith('("a%0020b%0016"')


@pytest.mark.parametrize(
    "text",
    ['("a",TI,0,x)', '("a",TB,0,2)', '("a",TU,0,-1)', '("",TI,0,1)', '("a"TI,0,1)', '("a",TS,0,x)', '("a",TD,0,QQ)'],
)
def test_attributes_that_are_wrong(text: str) -> None:
    with pytest.raises(BadFormat, match="column"):
        read_attribute(Cursor(text))


def test_every_cut_of_an_attribute_is_refused_or_whole() -> None:
    for size in range(len(COLOUR)):
        with pytest.raises(BadFormat):
            parse_attribute(COLOUR[:size])
    with pytest.raises(BadFormat, match="more than fits"):
        parse_attribute(COLOUR[:12] + b"\xff\xff\xff\x7f" + COLOUR[16:])
    with pytest.raises(BadFormat, match="0x4"):
        parse_attribute(COLOUR[:4] + b"\x04" + COLOUR[5:])


@pytest.mark.parametrize(
    "data, words",  # a header of 16 bytes, the offset of one value, and what lies from byte 20 on
    [
        ("14000000 0100 0000 00000000 01000000 16000000 0000 01000000000000", "8 bytes at offset 0x16 are cut off"),
        ("14000000 1000 0000 00000000 01000000 16000000 0000 0200000001", "2 bytes at offset 0x1a are cut off"),
        ("14000000 1000 0000 00000000 01000000 16000000 0000 020000", "4 bytes at offset 0x16 are cut off"),
        ("14000000 0300 0000 00000000 01000000 16000000 0000 6100", "the string at offset 0x16 has no end"),
        ("18000000 0100 0000 00000000 01000000 14000000 6100000000000000", ""),
        ("14000000 0700 0000 00000000 00000000 0000", "ValueType (byte 4) is 0x7, which is none"),
        ("14000000 0100 0000 00000000 02000000 14000000", "ValueCount (byte 12) is more than fits"),
    ],
)
def test_bytes_that_are_no_attribute(data: str, words: str) -> None:
    raw = bytes.fromhex(data)
    if not words:  # a name that lies in the last four bytes of its value is one all the same
        assert parse_attribute(raw) == ("", Values(1, (0x61,)))
        return
    with pytest.raises(BadFormat) as caught:
        parse_attribute(raw)
    assert caught.value.message == "resource attribute: " + words and caught.value.subject == raw.hex()


@pytest.mark.parametrize("kind, value", [(1, -1), (1, (1 << 63) - 1), (2, (1 << 64) - 1), (6, 1)])
def test_numbers_of_an_attribute_are_64_bits_with_a_sign_where_the_type_has_one(kind: int, value: int) -> None:
    data = attribute_bytes("", Values(kind, (value,), 0x10))
    # Name at 20, type, flags, one value at 22; an empty name; the number.
    expected = "14000000 %02x00 0000 10000000 01000000 16000000 0000" % kind
    assert data == bytes.fromhex(expected) + (value % (1 << 64)).to_bytes(8, "little")
    assert parse_attribute(data) == ("", Values(kind, (value,), 0x10))


@pytest.mark.parametrize(
    "text, words",
    [
        ('("a",TI,0,9223372036854775808)', "a number of 64 bits with a sign"),
        ('("a",TI,0,-9223372036854775809)', "a number of 64 bits with a sign"),
        ('("a",TU,0,18446744073709551616)', "a number of 64 bits without a sign"),
        ('("a",TB,0,-1)', "0 or 1"),
        ('("a",TI,0x100000000,1)', "the attribute's flags (0x0)"),
        ('("a",TI,-1,1)', "the attribute's flags (0x0)"),
        ('("a",TI,08,1)', "the attribute's flags (0x0)"),
        ('("a",TD,0,SID(SY,1)', "a SID, as S-1-5-18, SY or SID(SY)"),
        ('("a",TD,0,1)', "a SID, as S-1-5-18, SY or SID(SY)"),
        ('("a",TS,0,"x)', "a string in quotation marks"),
        ('("a",TT,0)', "the type of its values: TB, TD, TI, TS, TU, TX"),
        ('("a",TI,0,1', '"," and a value, or ")"'),
        ("(a,TI,0)", "the attribute's name in quotation marks"),
        ('("",TI,0)', "a name that is not empty"),
        ('"a",TI,0)', '"(" before a resource attribute'),
    ],
)
def test_what_an_attribute_s_text_lacks_is_said(text: str, words: str) -> None:
    with pytest.raises(BadFormat) as caught:
        read_attribute(Cursor(text))
    assert ": expected %s, found " % words in caught.value.message


@pytest.mark.parametrize(
    "text, value",
    [
        ('("a",TI,0,-0x10)', -16),
        ('("a",TI,0,+017)', 15),
        ('("a",TI,0,-9223372036854775808)', -(1 << 63)),
        ('("a",TU,0xffffffff,18446744073709551615)', (1 << 64) - 1),
        ('("a",tx,0,#123)', b"\x01\x23"),
        ('( "a" , TX , 0 , 12 )', b"\x12"),
        ('("a",TD,0,sy)', Sid(5, (18,))),
        ('("a",TD,0,sid(S-1-1-0))', Sid(1, (0,))),
    ],
)
def test_values_as_they_may_be_written(text: str, value: object) -> None:
    assert read_attribute(Cursor(text))[1].values == (value,)


def test_a_string_with_a_quotation_mark_has_no_text() -> None:
    with pytest.raises(BadFormat, match="SDDL cannot write a string with a quotation mark in it"):
        attribute_text("a", Values(3, ("x", '"')))


@pytest.mark.parametrize("value", ["1", "(1)", "( 1)", "(1 )", "( ( 1 ) )", "  (  1  )"])
def test_a_literal_in_parentheses_and_spaces(value: str) -> None:
    """Windows was seen to take parentheses (Samba's data/conditional_aces*.txt); spaces go between tokens as elsewhere."""
    assert condition_text(condition_from_text("(@User.a == %s)" % value)) == "(@USER.a == 1)"
    listed = value.replace("1", "{1, 2}")
    assert condition_text(condition_from_text("(@User.a Any_of %s)" % listed)) == "(@USER.a Any_of {1, 2})"


@pytest.mark.parametrize(
    "text, number",
    [
        # 64 bits: those above the largest signed number stand for the negative ones with the same bits ([MS-DTYP] 2.4.4.17.5).
        ("0x7fffffffffffffff", (1 << 63) - 1),
        ("0x8000000000000000", -(1 << 63)),
        ("0xffffffffffffffff", -1),
        ("-0x8000000000000000", -(1 << 63)),
    ],
)
def test_the_limits_of_a_number(text: str, number: int) -> None:
    condition = condition_from_text("(@User.a == %s)" % text)
    (literal,) = [token for token in condition.tokens if isinstance(token, Integer)]
    assert literal.number == number or literal.number == number % (1 << 64)
    assert number.to_bytes(8, "little", signed=True) in condition_bytes(condition)
    for beyond in ("0x10000000000000000", "-0x8000000000000001"):
        with pytest.raises(BadFormat):
            condition_from_text("(@User.a == %s)" % beyond)
