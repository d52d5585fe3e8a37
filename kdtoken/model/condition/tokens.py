"""The tokens of a condition, and the operators: [MS-DTYP] 2.4.4.17.5 to 2.4.4.17.8."""

from typing import Dict, Tuple, Union

from kdtoken.frozen import dataclass
from kdtoken.model.sid import Sid

# Byte codes of attribute tokens, and how SDDL writes them; a local attribute has no prefix.
ATTRIBUTE_CODES: Dict[int, str] = {0xF8: "Local", 0xF9: "User", 0xFA: "Resource", 0xFB: "Device"}
SPACE_CODES = {space: code for code, space in ATTRIBUTE_CODES.items()}

# Signs and bases of integer literals: how they were written.
PLUS, MINUS, NO_SIGN = 1, 2, 3
OCTAL, DECIMAL, HEXADECIMAL = 1, 2, 3


@dataclass(frozen=True)
class Attribute:
    """A security attribute by its name; ``space`` is Local, User, Resource or Device."""

    space: str
    name: str


@dataclass(frozen=True)
class Integer:
    """A number of 64 bits, signed.  ``size`` 1 to 4 is int8 to int64; ``sign`` and ``base`` are how it was written."""

    value: int
    sign: int = NO_SIGN
    base: int = DECIMAL
    size: int = 4

    @property
    def number(self) -> int:
        """What relational operators compare: the sign that was written overrides that of the stored number."""
        if self.sign == MINUS:
            return -abs(self.value)
        return self.value if self.value >= 0 else self.value + (1 << 64)


@dataclass(frozen=True)
class Text:
    """A string of UTF-16 characters; half a surrogate pair is kept."""

    value: str


@dataclass(frozen=True)
class Octets:
    """A string of bytes."""

    value: bytes


@dataclass(frozen=True)
class SidValue:
    """A SID."""

    sid: Sid


Literal = Union[Integer, Text, Octets, SidValue]


@dataclass(frozen=True)
class Composite:
    """A list of literals, which may be of several types."""

    items: Tuple[Literal, ...]


@dataclass(frozen=True)
class Operator:
    """An operator by its byte code."""

    code: int

    @property
    def name(self) -> str:
        """As Windows writes it in SDDL."""
        return OPERATORS[self.code][0]

    @property
    def operands(self) -> int:
        """1 or 2."""
        return OPERATORS[self.code][1]


Token = Union[Attribute, Integer, Text, Octets, SidValue, Composite, Operator]


@dataclass(frozen=True)
class Condition:
    """A conditional expression: its tokens in postfix order, as its bytes have them."""

    tokens: Tuple[Token, ...]


# Byte code -> name in SDDL, number of operands.
OPERATORS: Dict[int, Tuple[str, int]] = {
    0x80: ("==", 2),
    0x81: ("!=", 2),
    0x82: ("<", 2),
    0x83: ("<=", 2),
    0x84: (">", 2),
    0x85: (">=", 2),
    0x86: ("Contains", 2),
    0x87: ("Exists", 1),
    0x88: ("Any_of", 2),
    0x89: ("Member_of", 1),
    0x8A: ("Device_Member_of", 1),
    0x8B: ("Member_of_any", 1),
    0x8C: ("Device_Member_of_Any", 1),
    0x8D: ("Not_Exists", 1),
    0x8E: ("Not_Contains", 2),
    0x8F: ("Not_Any_of", 2),
    0x90: ("Not_Member_of", 1),
    0x91: ("Not_Device_Member_of", 1),
    0x92: ("Not_Member_of_Any", 1),
    0x93: ("Not_Device_Member_of_Any", 1),
    0xA0: ("&&", 2),
    0xA1: ("||", 2),
    0xA2: ("!", 1),
}
CODES = {name.lower(): code for code, (name, _) in OPERATORS.items()}
AND, OR, NOT = 0xA0, 0xA1, 0xA2
LOGICAL = frozenset((AND, OR, NOT))
EXISTS, NOT_EXISTS = 0x87, 0x8D
# Operators on SIDs: code -> (of the device, any one is enough, negated).
MEMBERSHIP: Dict[int, Tuple[bool, bool, bool]] = {
    0x89: (False, False, False),
    0x8A: (True, False, False),
    0x8B: (False, True, False),
    0x8C: (True, True, False),
    0x90: (False, False, True),
    0x91: (True, False, True),
    0x92: (False, True, True),
    0x93: (True, True, True),
}

# CLAIM_SECURITY_ATTRIBUTE_TYPE_* of winnt.h, [MS-DTYP] 2.4.10.1, and their names in SDDL.
INT64, UINT64, STRING, SID, BOOLEAN, OCTET_STRING = 1, 2, 3, 5, 6, 0x10
TYPE_WORDS: Dict[int, str] = {INT64: "TI", UINT64: "TU", STRING: "TS", SID: "TD", BOOLEAN: "TB", OCTET_STRING: "TX"}
TYPE_CODES = {word: code for code, word in TYPE_WORDS.items()}
CASE_SENSITIVE = 0x0002  # CLAIM_SECURITY_ATTRIBUTE_VALUE_CASE_SENSITIVE


@dataclass(frozen=True)
class Values:
    """What an attribute holds: ``type`` is CLAIM_SECURITY_ATTRIBUTE_TYPE_*, ``flags`` CLAIM_SECURITY_ATTRIBUTE_*.

    The values are int (also for booleans: 0 or 1), str, bytes or Sid, by the type.
    """

    type: int
    values: Tuple[Union[int, str, bytes, Sid], ...]
    flags: int = 0
