"""Layouts from the text of WinDbg's `dt nt!_X` and `dt -v nt!_X`.

Both forms are read, with or without an address (then each line ends in a value instead of a
type, and only `dt -v` or the type listing can give a layout).  Nested output (`dt -r`) is
refused: its inner lines are members of other types.
"""

import re
from typing import List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.layout.layout import PRIMITIVE_SIZES, Field, Layout, make_layout

_MEMBER = re.compile(r"^(\s*)\+0x([0-9a-fA-F]{1,16})\s+(\S+)\s*:\s*((?:\S+(?:\s+\S+)*)?)\s*$")
_HEAD = re.compile(r"^\s*(?:struct|union|class)\s+(\S+?),\s+\d+\s+elements?,\s+0x([0-9a-fA-F]{1,16})\s+bytes")
_ENUM_HEAD = re.compile(r"^\s*Enum\s+(\S+?),\s+\d+\s+total enums")
_ENUM_VALUE = re.compile(r"^\s+([A-Za-z_?$@][\w?$@]*)\s*=\s*(0n-?[0-9]{1,20}|0x[0-9a-fA-F]{1,16}|-?[0-9]{1,20})\s*$")
_BITS = re.compile(r"^(?:Bitfield )?Pos ([0-9]{1,3}), ([0-9]{1,3}) Bits?$")
_POINTER = re.compile(r"^Ptr(32|64)\s+(?:to )?(.*)$")
_ARRAY = re.compile(r"^\[([0-9]{1,9})\]\s*(.*)$")
_NAMED = re.compile(r"^(?:struct|union|class) (.+?), \d+ elements?, 0x[0-9a-fA-F]+ bytes$")
_ENUM = re.compile(r"^Enum (.+?),\s+\d+ total enums$")
_NAME = re.compile(r"^[A-Za-z_<][\w<>\-$:?@]*$")
# An author's "here is more".
_LEFT_OUT = re.compile(
    r"(?:\.{2,}|\u2026|[(<\[]{1,3}[-. ]{0,5}(?:snip|cut|truncated|omitted|\.\.))\W{0,10}\w{0,10}\W{0,10}$",
    re.IGNORECASE,
)
# Deeper than any kernel type goes: `Ptr64 Ptr64 Void` and `[2] [4] Uint4B` are two.
_MAX_DEPTH = 8


def type_text(text: str) -> Optional[str]:
    """A type as `dt` or `dt -v` prints it -> the one form that layouts use; None if it is no type.

    >>> type_text("Ptr64 to struct _ACL, 5 elements, 0x8 bytes")
    'Ptr64 _ACL'
    """
    around = ""
    for _ in range(_MAX_DEPTH):
        text = text.strip()
        pointer, array = _POINTER.match(text), _ARRAY.match(text)
        if pointer:
            # A pointer to a function is printed with its whole signature behind many blanks.
            if re.match(r"^Ptr(32|64)(?: to)?\s{2,}", text) or "(" in pointer[2] or "function" in pointer[2]:
                return "%sPtr%s Function" % (around, pointer[1])
            around, text = "%sPtr%s " % (around, pointer[1]), pointer[2]
        elif array:
            around, text = "%s[%s] " % (around, array[1]), array[2]
        else:
            break
    plain = _plain_type(text)
    return None if plain is None else around + plain


def _plain_type(text: str) -> Optional[str]:
    """The same for what is no pointer and no array."""
    bits = _BITS.match(text)
    if bits:
        return "Pos %d, %d Bit%s" % (int(bits[1]), int(bits[2]), "" if int(bits[2]) == 1 else "s")
    named = _NAMED.match(text) or _ENUM.match(text)
    if named:
        return named[1]
    if text == "WChar":
        return "Wchar"
    if text in ("Ptr32", "Ptr64"):
        return None  # `dt -b` says no more of a pointer
    if text in PRIMITIVE_SIZES or _NAME.match(text):
        return text
    return None


def parse_dt(name: str, text: str) -> Layout:
    """The layout of `name` out of the output of `dt nt!name` or `dt -v nt!name`.

    `size` is None for the plain form, which does not print it.
    The engine prints a double as `Float`, like a float: here the text cannot be made right.
    Raises BadFormat when the text is an error message, a listing of values, or nested.
    """
    size: Optional[int] = None
    fields: List[Field] = []
    values: List[Tuple[str, int]] = []
    indent: Optional[int] = None
    for line in text.replace("\r", "").split("\n"):
        member = _MEMBER.match(line)
        if member:
            depth = len(member[1].expandtabs())
            if indent is None:
                indent = depth
            if depth > indent:
                raise BadFormat(
                    "this dt of %s is nested (dt -r); its inner fields are of other types" % name,
                    name,
                    "use plain: dt nt!%s" % name,
                )
            kind = type_text(member[4])
            if kind is None:
                raise BadFormat(
                    "dt of %s: field %s shows %r, which is no type" % (name, member[3], member[4]),
                    name,
                    "a dt with an address shows values; use: dt nt!%s" % name,
                )
            fields.append(Field(member[3], int(member[2], 16), kind))
            continue
        head = _HEAD.match(line)
        if head:
            if head[1] == name:
                size = int(head[2], 16)
            continue
        if fields and size is None and _LEFT_OUT.match(line.strip()):
            raise BadFormat(
                "this dt of %s was cut: its text ends at +0x%03x" % (name, fields[-1].offset),
                name,
                "give all of what dt nt!%s prints" % name,
            )
        value = _ENUM_VALUE.match(line)
        if value and not fields:
            digits = value[2]
            number = int(digits[2:]) if digits.startswith("0n") else int(digits, 16 if "x" in digits else 10)
            if digits.startswith("0x") and number >> 31 == 1:
                number -= 1 << 32  # the engine writes -1 as 0xffffffff, and what is not negative as 0n
            values.append((value[1], number))
    if values and not fields:
        return make_layout(name, 4, (), values)
    if not fields and size is None:
        first = next((line.strip() for line in text.split("\n") if line.strip()), "nothing")
        raise BadFormat("dt of %s shows no fields: %s" % (name, first[:120]), name)
    return make_layout(name, size, fields)
