"""What a condition comes to: [MS-DTYP] 2.4.4.17.3, .6, .7 and 2.5.3.1.5 (EvaluateAceCondition).

TRUE, FALSE and UNKNOWN are Windows' own three values.  Beside them stands what the source of a token cannot know (claims
in a dump): then several of the three are possible, and all that are possible are told.  So they are where the authorities
differ, which is told as well.
"""

import re
from enum import Enum
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Protocol, Tuple, Union

from kdtoken.model.condition.text import operation_text, token_text
from kdtoken.model.condition.tokens import (
    AND,
    BOOLEAN,
    CASE_SENSITIVE,
    EXISTS,
    INT64,
    LOGICAL,
    MEMBERSHIP,
    NOT,
    NOT_EXISTS,
    OCTET_STRING,
    SID,
    STRING,
    UINT64,
    Attribute,
    Composite,
    Condition,
    Integer,
    Literal,
    Octets,
    Operator,
    SidValue,
    Text,
    Token,
    Values,
)
from kdtoken.model.sid import Sid


class Truth(Enum):
    """Windows' three values of a conditional expression."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
Possible = FrozenSet[Truth]
_ANY: Possible = frozenset(Truth)
_NOT = {TRUE: FALSE, FALSE: TRUE, UNKNOWN: UNKNOWN}


class Unknowable(Enum):
    """Stands for the values of an attribute that the source cannot tell of, be there one or not."""

    UNKNOWABLE = "cannot be known from this source"


UNKNOWABLE = Unknowable.UNKNOWABLE


class Context(Protocol):
    """Who asks, and for what: the facts that a condition looks at.  To be filled in by the access check."""

    def member(self, sid: Sid, device: bool) -> Optional[bool]:
        """Whether the token (or its device part) has the SID; None where the source cannot tell."""

    def attribute(self, space: str, name: str) -> Union[Values, None, Unknowable]:
        """The values of an attribute (letter case of names does not count), None where there is none such."""


class Outcome(NamedTuple):
    """What a condition comes to.

    possible   one value: decided.  Several: it depends on what `not_known` names
    not_known  attributes and memberships that the source cannot tell of, as SDDL writes them
    problem    why the whole is UNKNOWN though its terms are not, "" otherwise
    terms      each operator with its operands, as text, and what it came to, in the order of evaluation
    conflicts  where authorities differ on this condition, so that several values are possible
    """

    possible: Possible
    not_known: Tuple[str, ...] = ()
    problem: str = ""
    terms: Tuple[Tuple[str, Possible], ...] = ()
    conflicts: Tuple[str, ...] = ()


class _Notes:
    """What is noted while evaluating; dicts for their order."""

    def __init__(self) -> None:
        self.not_known: Dict[str, None] = {}
        self.conflicts: Dict[str, None] = {}
        self.may_fail = False  # a rule may return an error, which makes the whole UNKNOWN


class _Error(Exception):
    """A rule returned an error: the whole expression is UNKNOWN, whatever the rest says."""


class _Item(NamedTuple):
    """What lies on the stack: an operand, or the outcome of an operator."""

    text: str
    token: Optional[Token]  # None for an outcome
    values: Union[Values, Tuple[Literal, ...], None, Unknowable, Possible]
    of_not: bool = False  # the outcome of ! of an attribute


def evaluate(condition: Condition, context: Context) -> Outcome:
    """The outcome of a condition for one caller and object.  Never raises for a condition that was parsed."""
    stack: List[_Item] = []
    notes = _Notes()
    terms: List[Tuple[str, Possible]] = []
    try:
        for token in condition.tokens:
            if not isinstance(token, Operator):
                item = _operand(token, context)
                stack.append(item)
                continue
            if len(stack) < token.operands:
                raise _Error("%s lacks an operand" % token.name)
            operands = stack[-token.operands :]
            del stack[-token.operands :]
            found = _apply(token, operands, context, notes)
            text = operation_text(token, [_wrapped(item, token) for item in operands])
            terms.append((text, found))
            of_not = token.code == NOT and isinstance(operands[0].token, Attribute)
            stack.append(_Item(text, None, found, of_not))
        if len(stack) != 1:
            raise _Error("it leaves %d results" % len(stack))
        possible = _logical(stack[0], notes)
    except _Error as error:
        return Outcome(frozenset((UNKNOWN,)), tuple(notes.not_known), str(error), tuple(terms), tuple(notes.conflicts))
    if notes.may_fail:
        possible = possible | {UNKNOWN}
    return Outcome(possible, tuple(notes.not_known), "", tuple(terms), tuple(notes.conflicts))


def _wrapped(item: _Item, operator: Operator) -> str:
    return "(%s)" % item.text if operator.code in LOGICAL else item.text


def _operand(token: Token, context: Context) -> _Item:
    text = token_text_of(token)
    if isinstance(token, Attribute):
        return _Item(text, token, context.attribute(token.space, token.name))
    if isinstance(token, Composite):
        return _Item(text, token, token.items)
    assert not isinstance(token, Operator)
    return _Item(text, token, (token,))


def token_text_of(token: Token) -> str:
    """An operand as text, also where SDDL has no way to write it."""
    if isinstance(token, Text) and '"' in token.value:
        return ascii(token.value)
    if isinstance(token, Composite):
        return "{%s}" % ", ".join(token_text_of(item) for item in token.items)
    return token_text(token)


def _apply(operator: Operator, operands: List[_Item], context: Context, notes: _Notes) -> Possible:
    code = operator.code
    if code in LOGICAL:
        sides = [_logical(item, notes) for item in operands]
        if code != NOT and isinstance(operands[0].token, Attribute) and operands[1].of_not:
            notes.conflicts["an attribute and then ! of an attribute: all UNKNOWN (as Windows answered)"] = None
            notes.may_fail = True
        if code == NOT:
            return frozenset(_NOT[one] for one in sides[0])
        return frozenset(_both(code == AND, left, right) for left in sides[0] for right in sides[1])
    if code in MEMBERSHIP:
        return _membership(operator, operands[0], context, notes)
    if code in (EXISTS, NOT_EXISTS):
        if not isinstance(operands[0].token, Attribute):
            raise _Error("%s asks for an attribute" % operator.name)
        if operands[0].token.space not in ("Local", "Resource"):
            notes.conflicts[
                "%s of a user's or device's attribute: an error, so all UNKNOWN ([MS-DTYP])" % operator.name
            ] = None
            notes.may_fail = True
        if operands[0].values is UNKNOWABLE:
            notes.not_known[operands[0].text] = None
            return frozenset((TRUE, FALSE))
        return _truth((operands[0].values is None) == (code == NOT_EXISTS))
    return _relation(operator, operands[0], operands[1], notes)


def _both(is_and: bool, left: Truth, right: Truth) -> Truth:
    """Three-valued AND and OR."""
    decides = FALSE if is_and else TRUE
    if decides in (left, right):
        return decides
    return UNKNOWN if UNKNOWN in (left, right) else _NOT[decides]


def _truth(value: bool) -> Possible:
    return frozenset((TRUE if value else FALSE,))


def _logical(item: _Item, notes: _Notes) -> Possible:
    """The logical value of an operand of AND, OR and NOT, and of the whole."""
    values = item.values
    if item.token is None:
        assert isinstance(values, frozenset)
        return values
    if not isinstance(item.token, Attribute):
        raise _Error("a literal has no logical value: %s" % item.text)
    if values is UNKNOWABLE:
        notes.not_known[item.text] = None
        return _ANY
    if values is None:
        return frozenset((UNKNOWN,))
    assert isinstance(values, Values)
    if not values.values or values.type not in (INT64, UINT64, BOOLEAN, STRING):
        # [MS-DTYP] gives a logical value to numbers and strings only.
        return frozenset((UNKNOWN,))
    # Of several values one that counts is enough: so Windows answers (see test_model_condition_evaluate.py).
    return _truth(any(bool(value) for value in values.values))


def _membership(operator: Operator, item: _Item, context: Context, notes: _Notes) -> Possible:
    device, any_one, negated = MEMBERSHIP[operator.code]
    sids: List[Sid] = []
    if isinstance(item.values, tuple):
        for literal in item.values:
            if not isinstance(literal, SidValue):
                raise _Error("%s asks for SIDs, not %s" % (operator.name, item.text))
            sids.append(literal.sid)
    elif isinstance(item.token, Attribute):
        raise _Error("%s asks for SIDs that are written out" % operator.name)
    answers = [(sid, context.member(sid, device)) for sid in sids]
    decided = [answer for _, answer in answers if answer is not None]
    if any_one and True in decided:
        possible = {True}
    elif not any_one and False in decided:
        possible = {False}
    elif len(decided) < len(answers):
        possible = {True, False}
        for sid, answer in answers:
            if answer is None:
                notes.not_known["%sMember_of {SID(%s)}" % ("Device_" if device else "", sid)] = None
    else:
        possible = {not any_one}
    return frozenset(TRUE if one != negated else FALSE for one in possible)


# --- relations


class _Side(NamedTuple):
    kind: str  # "number", "boolean", "string", "octets", "sid"
    values: Tuple[Union[int, str, bytes, Sid], ...]
    sensitive: bool
    literal: bool
    listed: bool  # several values, or a list in braces


_A = {
    "number": "a number",
    "boolean": "a Boolean",
    "string": "a string",
    "octets": "an octet string",
    "sid": "a SID",
}
_KINDS = {INT64: "number", UINT64: "number", BOOLEAN: "boolean", STRING: "string", OCTET_STRING: "octets", SID: "sid"}


def _relation(operator: Operator, left: _Item, right: _Item, notes: _Notes) -> Possible:
    for item in (left, right):
        if item.token is None:
            raise _Error("%s compares with the outcome of an expression" % operator.name)
    if not isinstance(left.token, Attribute):
        raise _Error("left of %s stands no attribute" % operator.name)
    unknowable = [item for item in (left, right) if item.values is UNKNOWABLE]
    missing = [item for item in (left, right) if item.values is None]
    for item in unknowable:
        notes.not_known[item.text] = None
    empty = isinstance(right.token, Composite) and not right.token.items
    if empty and operator.name in ("Contains", "Not_Contains") and not unknowable:
        return _truth(operator.name == "Not_Contains")  # even of a missing attribute, so Windows answers
    if missing:
        return frozenset((UNKNOWN,))
    if unknowable:
        notes.may_fail = True  # its type might be another
        return _ANY
    one, two = _side(left), _side(right)
    if one is None or two is None:
        return frozenset((UNKNOWN,))
    name = operator.name
    if not _comparable(one, two, name):
        raise _Error("%s compares %s with %s" % (name, _A[one.kind], _A[two.kind]))
    sensitive = one.sensitive or two.sensitive
    mine, theirs = [_key(v, sensitive) for v in one.values], [_key(v, sensitive) for v in two.values]
    if not one.literal and len(set(mine)) != len(mine) or not two.literal and len(set(theirs)) != len(theirs):
        # A claim's values differ from each other; one that does not keep to it is malformed.
        raise _Error("an attribute holds a value twice")
    if name in ("==", "!="):
        found = _truth((set(mine) == set(theirs)) == (name == "=="))
        # A list that says a value twice is a set all the same ("exact value, single or set value"; Samba); one Windows
        # that was asked called it unequal, which nobody has explained.
        if one.listed != two.listed:
            # [MS-DTYP] 2.4.4.17.6 compares sets "exactly", and lets an operation "fail" on several values elsewhere.
            notes.conflicts["%s of several values with one: %s, or all UNKNOWN (Samba)" % (name, _words(found))] = None
            notes.may_fail = True
        return found
    if name in ("Contains", "Not_Contains"):
        return _truth((set(theirs) <= set(mine)) == (name == "Contains"))
    if name in ("Any_of", "Not_Any_of"):
        if two.literal and not two.listed:
            # "RHS can be either a set or a single value" ([MS-DTYP]); a Windows that was asked took no single one.
            notes.conflicts["%s of a single literal: all UNKNOWN (as Windows answered)" % name] = None
            notes.may_fail = True
        return _truth(bool(set(mine) & set(theirs)) == (name == "Any_of"))
    if one.listed or two.listed:
        # "The operation will fail and produce an UNKNOWN value": of this term, or an error of the whole.
        notes.conflicts["%s of several values: UNKNOWN, or the whole is UNKNOWN (Samba)" % name] = None
        notes.may_fail = True
        return frozenset((UNKNOWN,))
    if one.kind in ("boolean", "sid"):  # both are of one kind by now
        raise _Error("%s does not order %s" % (name, _A[one.kind]))
    less, same = _ordered(mine[0], theirs[0])
    return _truth({"<": less, "<=": less or same, ">": not less and not same, ">=": not less}[name])


def _ordered(left: Union[int, str, bytes, Sid], right: Union[int, str, bytes, Sid]) -> Tuple[bool, bool]:
    if isinstance(left, int) and isinstance(right, int):
        return left < right, left == right
    one = left.encode("utf-16-be", "surrogatepass") if isinstance(left, str) else left
    two = right.encode("utf-16-be", "surrogatepass") if isinstance(right, str) else right
    assert isinstance(one, bytes) and isinstance(two, bytes)
    return one < two, one == two


def _comparable(one: _Side, two: _Side, name: str) -> bool:
    if one.kind == two.kind or not one.values or not two.values:
        return True
    if {one.kind, two.kind} == {"boolean", "number"} and name in ("==", "!="):
        number = one if one.kind == "number" else two
        return number.literal and all(value in (0, 1) for value in number.values)
    return False


def _side(item: _Item) -> Optional[_Side]:
    """The values of an operand, all of one kind; None for literals of several kinds, which equal nothing."""
    values = item.values
    if isinstance(values, Values):
        return _Side(
            _KINDS[values.type], values.values, bool(values.flags & CASE_SENSITIVE), False, len(values.values) != 1
        )
    assert isinstance(values, tuple)
    found: List[Union[int, str, bytes, Sid]] = []
    kinds = set()
    for literal in values:
        if isinstance(literal, Integer):
            found.append(literal.number)
            kinds.add("number")
        elif isinstance(literal, Text):
            found.append(literal.value)
            kinds.add("string")
        elif isinstance(literal, Octets):
            found.append(literal.value)
            kinds.add("octets")
        else:
            found.append(literal.sid)
            kinds.add("sid")
    if len(kinds) > 1:
        return None
    return _Side(kinds.pop() if kinds else "number", tuple(found), False, True, isinstance(item.token, Composite))


def _words(possible: Possible) -> str:
    return " or ".join(sorted(one.value.upper() for one in possible))


def _key(value: Union[int, str, bytes, Sid], sensitive: bool) -> Union[int, str, bytes, Sid]:
    return "".join([_upper(one) for one in value]) if isinstance(value, str) and not sensitive else value


def _upper(character: str) -> str:
    """Upper case as Windows has it: one UTF-16 unit for one, and no pair that Unicode got after 5.1."""
    upper = character.upper()
    if len(upper) != 1 or ord(character) > 0xFFFF or _LATER.search(character + upper):  # two units are no letters
        return character
    return upper


# Letters, as far as they have two cases, that came with Unicode 5.2 and later (its DerivedAge.txt).
_LATER = re.compile(
    "[\u037f\u0524-\u052f\u10c7-\u10cd\u13f8-\u13fd\u1c80-\u1cbf\u2c2f\u2c5f\u2c70\u2c7e\u2c7f\u2ceb-\u2cf3\ua660\ua661"
    "\ua698-\ua69b\ua78d-\ua7ff\uab30-\uabbf]"
)
