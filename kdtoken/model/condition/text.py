"""A condition as text, the way SDDL writes it: ``(@USER.Title == "PM")``.  [MS-DTYP] 2.5.1.1 "cond-expr".

Where [MS-DTYP] allows more than Windows takes, Windows decides: ``!`` wants parentheses, a local attribute may not
stand on the right.  What is written is what Windows writes: operands of ``&&``, ``||`` and ``!`` in parentheses.
"""

import re
from typing import List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.condition.tokens import (
    AND,
    CODES,
    DECIMAL,
    EXISTS,
    HEXADECIMAL,
    LOGICAL,
    MEMBERSHIP,
    MINUS,
    NO_SIGN,
    NOT,
    NOT_EXISTS,
    OCTAL,
    OR,
    PLUS,
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
)
from kdtoken.model.cursor import LONGEST_NUMBER, Cursor
from kdtoken.model.sid import Sid
from kdtoken.model.sid_aliases import alias_of_sid, sid_of_alias

MAX_DEPTH = 64  # parentheses in each other; nobody's expression comes near, and the interpreter's stack is short

_PREFIXES = (("@user.", "User"), ("@device.", "Device"), ("@resource.", "Resource"))
_WRITTEN = {"User": "@USER.", "Device": "@DEVICE.", "Resource": "@RESOURCE.", "Local": ""}
# [MS-DTYP] attr-char1 and attr-char2; Windows takes letters of any script.  %XXXX stands for any other character.
_LOCAL_NAME = re.compile(r"(?:%[0-9A-Fa-f]{4}|[\w:./@])+")
_NAME = re.compile(r"(?:%[0-9A-Fa-f]{4}|[\w#$'*+\-./:;?@\[\\\]^`{}~]|%|[^\x00-\x7f])+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{4})")
_PLAIN = re.compile(r"[A-Za-z0-9#$'*+\-./:;?@\[\\\]^_`{}~]")
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9:./_@]")
_WORD = re.compile(r"[A-Za-z_]+")
_NUMBER = re.compile(r"([+-]?)(0[xX][0-9A-Fa-f]+|[0-9]+)")
_HEX = re.compile(r"[0-9A-Fa-f#]*")
_SID_TEXT = re.compile(r"[sS]-[0-9A-Za-z-]+|[A-Za-z]{2}")
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")  # longer ones first


def condition_from_text(text: str, domain: Optional[Sid] = None) -> Condition:
    """The condition that the text stands for, with or without parentheses around it.

    ``domain`` resolves SID aliases such as DA.  :class:`BadFormat` says the column and what was expected there.
    """
    cursor = Cursor(text, what="condition")
    condition = read_condition(cursor, domain)
    cursor.spaces()
    if not cursor.done:
        raise cursor.fail('an operator, "&&", "||" or the end')
    return condition


def read_condition(cursor: Cursor, domain: Optional[Sid] = None) -> Condition:
    """The condition that starts at the cursor, which is left behind it."""
    tokens: List[Token] = []
    _Reader(cursor, domain, tokens).alternatives(0)
    return Condition(tuple(tokens))


class _Reader:
    """Reads by precedence: || of && of factors.  Tokens are put out in postfix order as they are complete."""

    def __init__(self, cursor: Cursor, domain: Optional[Sid], tokens: List[Token]) -> None:
        self.cursor = cursor
        self.domain = domain
        self.tokens = tokens

    def alternatives(self, depth: int) -> None:
        self.conjunction(depth)
        while True:
            self.cursor.spaces()
            if not self.cursor.take("||"):
                return
            self.conjunction(depth)
            self.tokens.append(Operator(OR))

    def conjunction(self, depth: int) -> None:
        self.factor(depth)
        while True:
            self.cursor.spaces()
            if not self.cursor.take("&&"):
                return
            self.factor(depth)
            self.tokens.append(Operator(AND))

    def factor(self, depth: int) -> None:
        cursor = self.cursor
        if depth > MAX_DEPTH:
            raise cursor.fail("at most %d parentheses in each other" % MAX_DEPTH)
        cursor.spaces()
        if cursor.take("("):
            self.alternatives(depth + 1)
            cursor.spaces()
            cursor.need(")", 'an operator or ")"')
        elif cursor.take("!"):
            cursor.spaces()
            if cursor.peek() != "(":
                raise cursor.fail('"(" after "!"')
            self.factor(depth + 1)
            self.tokens.append(Operator(NOT))
        else:
            self.term()

    def term(self) -> None:
        cursor = self.cursor
        start = cursor.at
        word = cursor.match(_WORD)
        code = CODES.get(word.lower())
        after = cursor.peek()
        if code in MEMBERSHIP:
            if not after or after not in "{(" and not after.isspace():
                raise cursor.fail("SIDs behind %s, such as {SID(BA)}" % word)
            self.tokens.append(self.value())  # what is no SID fails when evaluated, as in Windows
            self.tokens.append(Operator(code))
            return
        if code in (EXISTS, NOT_EXISTS):
            if not after.isspace():
                raise cursor.fail("a blank and an attribute behind %s" % word)
            cursor.spaces()
            self.tokens.append(self.attribute(local=True))
            self.tokens.append(Operator(code))
            return
        cursor.at = start
        self.tokens.append(self.attribute(local=True))
        cursor.spaces()
        relation = self.relation()
        if relation is None:
            return
        cursor.spaces()
        self.tokens.append(self.attribute(local=False) if cursor.peek() == "@" else self.value())
        self.tokens.append(Operator(relation))

    def relation(self) -> Optional[int]:
        """The operator between two operands, None where the term ends."""
        for sign in _COMPARISONS:
            if self.cursor.take(sign):
                return CODES[sign]
        start = self.cursor.at
        word = self.cursor.match(_WORD).lower()
        if word in ("contains", "any_of", "not_contains", "not_any_of"):
            return CODES[word]
        if word:
            raise self.cursor.fail("an operator (==, !=, <, <=, >, >=, Contains, Any_of, &&, ||) or the end", start)
        return None

    def attribute(self, local: bool) -> Attribute:
        cursor = self.cursor
        start = cursor.at
        for prefix, space in _PREFIXES:
            if cursor.take_any_case(prefix):
                name = cursor.match(_NAME)
                if not name:
                    raise cursor.fail("the name of an attribute")
                return Attribute(space, _unescaped(name))
        if cursor.peek() == "@":
            raise cursor.fail("@User., @Device. or @Resource.", start)
        name = cursor.match(_LOCAL_NAME)
        if not name or not local:
            raise cursor.fail(
                "an attribute (Name, @User.Name, @Device.Name, @Resource.Name), Member_of, Exists or a parenthesis"
                if local
                else "an attribute with @User., @Device. or @Resource.",
                start,
            )
        return Attribute("Local", _unescaped(name))

    def value(self) -> Token:
        """A literal or a list of them, in any number of parentheses, which Windows takes."""
        cursor = self.cursor
        inside = 0
        cursor.spaces()
        while cursor.take("("):
            inside += 1
            cursor.spaces()
        found: Token = Composite(self.items()) if cursor.peek() == "{" else self.literal()
        for _ in range(inside):
            cursor.spaces()
            cursor.need(")")
        return found

    def items(self) -> Tuple[Literal, ...]:
        cursor = self.cursor
        cursor.need("{")
        found: List[Literal] = []
        cursor.spaces()
        if cursor.take("}"):
            return ()
        while True:
            cursor.spaces()
            found.append(self.literal())
            cursor.spaces()
            if cursor.take("}"):
                return tuple(found)
            cursor.need(",", '"," or "}"')

    def literal(self) -> Literal:
        cursor = self.cursor
        start = cursor.at
        if cursor.take('"'):
            end = cursor.text.find('"', cursor.at)
            if end < 0:
                raise cursor.fail("a string that ends with a quotation mark", start)
            text = cursor.text[cursor.at : end]
            cursor.at = end + 1
            return Text(text)
        if cursor.take("#"):
            # Windows reads # inside as the digit 0, and puts a 0 before an odd number of digits.
            digits = cursor.match(_HEX).replace("#", "0")
            return Octets(bytes.fromhex("0" * (len(digits) % 2) + digits))
        if cursor.take_any_case("SID("):
            return SidValue(self.sid())
        found = _NUMBER.match(cursor.text, start)
        if found is None:
            raise cursor.fail('a number, a "string", #hex, SID(...) or a list of these in {}')
        cursor.at = found.end()
        return _integer(cursor, found[1], found[2], start)

    def sid(self) -> Sid:
        cursor = self.cursor
        cursor.spaces()
        start = cursor.at
        word = cursor.match(_SID_TEXT)
        cursor.spaces()
        if not word or cursor.peek() != ")":
            raise cursor.fail("a SID or its alias, and a parenthesis", start)
        cursor.at += 1
        try:
            return sid_of_alias(word, self.domain) if len(word) == 2 else Sid.from_text(word)
        except BadFormat as error:
            raise BadFormat(
                "%s, column %d: %s" % (cursor.what, start + 1, error.message), cursor.text, error.next_step
            ) from None


def _integer(cursor: Cursor, sign: str, digits: str, start: int) -> Integer:
    if len(digits) > LONGEST_NUMBER:
        raise cursor.fail("a number of 64 bits", start)
    if digits[:2] in ("0x", "0X"):
        number, base = int(digits, 16), HEXADECIMAL
    elif digits[0] == "0" and len(digits) > 1:
        if digits.strip("01234567"):
            raise cursor.fail("an octal number, as it begins with 0", start)
        number, base = int(digits, 8), OCTAL
    else:
        number, base = int(digits), DECIMAL
    if sign == "-":
        number = -number
    if not -(1 << 63) <= number < 1 << 64:
        raise cursor.fail("a number of 64 bits", start)
    stored = number if number < 1 << 63 else number - (1 << 64)
    return Integer(stored, {"+": PLUS, "-": MINUS, "": NO_SIGN}[sign], base)


def _unescaped(name: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), name)


def condition_text(condition: Condition, domain: Optional[Sid] = None) -> str:
    """The condition as Windows writes it in SDDL, parentheses around it included.

    ``domain`` lets accounts of that domain or machine be written by their alias.
    """
    stack: List[str] = []
    for token in condition.tokens:
        if not isinstance(token, Operator):
            stack.append(token_text(token, domain))
            continue
        if len(stack) < token.operands:
            raise BadFormat("a condition whose operator %s lacks an operand" % token.name)
        operands = stack[-token.operands :]
        del stack[-token.operands :]
        if token.code in LOGICAL:
            operands = ["(%s)" % text for text in operands]
        stack.append(operation_text(token, operands))
    if len(stack) != 1:
        raise BadFormat("a condition has one result, this one leaves %d" % len(stack))
    return "(%s)" % stack[0]


def operation_text(operator: Operator, operands: List[str]) -> str:
    """An operator between or before its operands."""
    if operator.operands == 2:
        return "%s %s %s" % (operands[0], operator.name, operands[1])
    return "%s%s%s" % (operator.name, "" if operator.code == NOT else " ", operands[0])


def token_text(token: Token, domain: Optional[Sid] = None) -> str:
    """One operand as SDDL writes it."""
    if isinstance(token, Attribute):
        return _WRITTEN[token.space] + escaped(token.name, token.space == "Local")
    if isinstance(token, Composite):
        return "{%s}" % ", ".join(token_text(item, domain) for item in token.items)
    if isinstance(token, Integer):
        return _integer_text(token)
    if isinstance(token, Text):
        if '"' in token.value:
            raise BadFormat("SDDL cannot write a string with a quotation mark in it", token.value)
        return '"%s"' % token.value
    if isinstance(token, Octets):
        return "#" + token.value.hex()
    if isinstance(token, SidValue):
        return "SID(%s)" % alias_of_sid(token.sid, domain)
    return token.name


def escaped(name: str, local: bool = False) -> str:
    """A name with every character that SDDL would misread as %XXXX (UTF-16 units)."""
    plain = _PLAIN_LOCAL if local else _PLAIN
    out = []
    for unit in _units(name):
        out.append(chr(unit) if unit > 0x7F or plain.match(chr(unit)) else "%%%04x" % unit)
    return "".join(out).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _units(text: str) -> List[int]:
    data = text.encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]


def _integer_text(token: Integer) -> str:
    number = abs(token.number)
    digits = {OCTAL: "0%o", HEXADECIMAL: "0x%x"}.get(token.base, "%d") % number
    return {MINUS: "-", PLUS: "+"}.get(token.sign, "") + digits
