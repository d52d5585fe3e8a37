"""SDDL text -> security descriptor.

What is read is what Windows reads, with three exceptions, where Windows would turn a slip into another descriptor:
numbers that do not fit their field (Windows takes the largest), negative masks, and SIDs in which the 1 of ``S-1-`` is
a hexadecimal number are errors here.
"""

import re
from typing import List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.acl import (
    CALLBACK_TYPES,
    OBJECT_TYPES,
    SYSTEM_ACCESS_FILTER,
    SYSTEM_MANDATORY_LABEL,
    SYSTEM_RESOURCE_ATTRIBUTE,
    Ace,
    Acl,
)
from kdtoken.model.condition import attribute_bytes, condition_bytes, read_condition
from kdtoken.model.condition.resource_attribute import read_attribute
from kdtoken.model.cursor import LONGEST_NUMBER, Cursor
from kdtoken.model.descriptor import (
    ABSENT,
    DACL_PRESENT,
    NULL,
    PRESENT,
    SACL_PRESENT,
    SELF_RELATIVE,
    SecurityDescriptor,
)
from kdtoken.model.object_type import ObjectType
from kdtoken.model.sddl.words import ACE_WORDS, FLAG_WORDS, READABLE
from kdtoken.model.sid import Sid
from kdtoken.model.sid_aliases import sid_of_alias

NULL_ACL = "NO_ACCESS_CONTROL"
# Control bits that the flags of an ACL set: for the DACL, for the SACL.
ACL_FLAGS = (("P", 0x1000, 0x2000), ("AR", 0x0100, 0x0200), ("AI", 0x0400, 0x0800))

_WORD = re.compile(r"[A-Za-z]+")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]+|[0-9]+")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_SID = re.compile(r"[sS]-[0-9]+(?:-(?:0[xX][0-9A-Fa-f]+|[0-9]+))+|[A-Za-z]{2}")
_PARTS = ("O", "G", "D", "S")
_QUOTE = 'quote it whole, for instance "D:(A;;FA;;;BA)(A;;FR;;;BU)"'
_CONDITION = 'a condition is written as in (XA;;FA;;;WD;(Member_of {SID(BA)} && @User.Title == "PM"))'
_FORM = "an ACE is (TYPE;FLAGS;RIGHTS;OBJECT GUID;INHERITED OBJECT GUID;SID), for instance (A;;FA;;;BA)"


def from_sddl(text: str, domain: Optional[Sid] = None, object_type: Optional[ObjectType] = None) -> SecurityDescriptor:
    """The descriptor that an SDDL text stands for, self-relative.

    domain       SID of the domain or machine, for aliases such as DA and LA
    object_type  whose rights may also be written in full (``VM_READ|SYNCHRONIZE``), which Windows does not read

    Parts that the text does not have are absent.  Raises :class:`BadFormat` with the column, what was expected there,
    and what stands there.
    """
    try:
        return _Reader(Cursor(text), domain, object_type).descriptor()
    except BadFormat as error:
        cut = "found the end of the text" in error.message
        error.next_step = _QUOTE if cut else error.next_step or _FORM
        raise


class _Reader:
    def __init__(self, cursor: Cursor, domain: Optional[Sid], object_type: Optional[ObjectType]) -> None:
        self.cursor = cursor
        self.domain = domain
        self.object_type = object_type
        self.control = SELF_RELATIVE

    def descriptor(self) -> SecurityDescriptor:
        cursor = self.cursor
        owner: Optional[Sid] = None
        group: Optional[Sid] = None
        dacl: Tuple[Optional[Acl], str] = (None, ABSENT)
        sacl: Tuple[Optional[Acl], str] = (None, ABSENT)
        seen = ""
        while True:
            cursor.spaces()
            if cursor.done:
                break
            letter = cursor.peek()
            if letter not in _PARTS or cursor.peek(2)[1:] != ":":
                raise cursor.fail(
                    'a part, "O:", "G:", "D:" or "S:"' + (' or an ACE "("' if seen[-1:] in ("D", "S") else "")
                )
            if letter in seen:
                raise cursor.fail('only one part "%s:"' % letter)
            seen += letter
            cursor.at += 2
            cursor.spaces()
            if letter == "O":
                owner = self.sid()
            elif letter == "G":
                group = self.sid()
            elif letter == "D":
                dacl = self.acl(0)
            else:
                sacl = self.acl(1)
        return SecurityDescriptor(owner, group, self.control, dacl[0], sacl[0], dacl_state=dacl[1], sacl_state=sacl[1])

    def acl(self, which: int) -> Tuple[Optional[Acl], str]:
        """The ACL behind "D:" (which 0) or "S:" (1), and its state."""
        cursor = self.cursor
        self.control |= SACL_PRESENT if which else DACL_PRESENT
        while True:
            cursor.spaces()
            if cursor.take_any_case(NULL_ACL):
                return None, NULL
            for word, *bits in ACL_FLAGS:
                # "P" may begin nothing else here, but "S:" follows "D:" at once: a part begins with letter and colon.
                if cursor.peek(len(word) + 1)[len(word) :] != ":" and cursor.take_any_case(word):
                    self.control |= bits[which]
                    break
            else:
                break
        aces: List[Ace] = []
        while cursor.peek() == "(":
            aces.append(self.ace())
            cursor.spaces()
        size = 8 + sum(ace.size for ace in aces)
        if size > 0xFFFF:
            raise cursor.fail("the end: the ACL already has %d bytes, more than AclSize can say" % size)
        return Acl.build(tuple(aces)), PRESENT

    def ace(self) -> Ace:
        cursor = self.cursor
        start = cursor.at
        cursor.need("(")
        cursor.spaces()
        kind = self.ace_type()
        self.separator("the ACE's type")
        flags = self.flags()
        self.separator("the ACE's flags")
        mask = self.rights(kind)
        cursor.need(";", '";" after the rights')
        first = self.guid(kind, "the object type's GUID")
        self.separator("the object type")
        second = self.guid(kind, "the inherited object type's GUID")
        self.separator("the inherited object type")
        cursor.spaces()
        sid = self.sid()
        if cursor.text[cursor.at - 1].isalpha():
            cursor.spaces()  # behind an alias only, as in Windows
        data = self.data(kind)
        if data:
            cursor.spaces()
        cursor.need(")", '")" at the end of the ACE')
        try:
            return Ace.build(kind, mask, sid, flags, first, second, data)
        except BadFormat as error:
            raise BadFormat("SDDL, column %d: %s" % (start + 1, error.message), cursor.text) from None

    def ace_type(self) -> int:
        start = self.cursor.at
        word = self.cursor.match(_WORD).upper()
        if word not in ACE_WORDS:
            raise self.cursor.fail("an ACE type (%s)" % " ".join(ACE_WORDS), start)
        return ACE_WORDS[word]

    def separator(self, after: str) -> None:
        self.cursor.spaces()
        self.cursor.need(";", '";" after %s' % after)

    def flags(self) -> int:
        cursor = self.cursor
        cursor.spaces()
        flags = 0
        while cursor.peek() not in (";", ""):
            for word, bit in FLAG_WORDS:
                if cursor.take_any_case(word):
                    flags |= bit
                    break
            else:
                if cursor.peek().isspace():
                    break
                raise cursor.fail('an ACE flag (%s) or ";"' % " ".join(word for word, _ in FLAG_WORDS))
        return flags

    def rights(self, kind: int) -> int:
        cursor = self.cursor
        cursor.spaces()
        start = cursor.at
        number = cursor.match(_NUMBER)
        if number:
            return self.number(number, start)
        if self.object_type is not None and kind != SYSTEM_MANDATORY_LABEL:  # whose mask is a policy
            full = self.full_rights(self.object_type)
            if full is not None:
                return full
        mask = 0
        while cursor.peek().isalpha() or mask and cursor.rest.lstrip(" ")[:1].isalpha():
            while cursor.take(" "):
                pass  # Windows takes spaces between words, and none behind them
            word = cursor.peek(2).upper()
            is_label_word = word in ("NW", "NR", "NX")
            if word not in READABLE or is_label_word and kind != SYSTEM_MANDATORY_LABEL:
                raise cursor.fail('rights, as a number or words (%s), or ";"' % " ".join(READABLE))
            mask |= READABLE[word]
            cursor.at += 2
        return mask

    def number(self, word: str, start: int) -> int:
        if len(word) > LONGEST_NUMBER:
            raise self.cursor.fail("rights that fit 32 bits", start)
        if len(word) > 1 and word[0] == "0" and word[1] not in "xX":
            if word.strip("01234567"):
                raise self.cursor.fail("an octal number, as it begins with 0", start)
            number = int(word, 8)
        else:
            number = int(word, 0)
        if number >> 32:
            raise self.cursor.fail("rights that fit 32 bits", start)
        return number

    def full_rights(self, object_type: ObjectType) -> Optional[int]:
        """Rights by the names of the headers, None where the text does not look like that."""
        cursor = self.cursor
        end = cursor.text.find(";", cursor.at)
        word = cursor.text[cursor.at : end] if end >= 0 else ""
        if "_" not in word and "|" not in word and word.strip().upper() not in object_type.rights:
            return None
        try:
            mask = object_type.parse_access(word)
        except BadFormat as error:
            raise BadFormat("SDDL, column %d: %s" % (cursor.at + 1, error.message), cursor.text) from None
        cursor.at = end
        return mask

    def guid(self, kind: int, what: str):  # type: ignore[no-untyped-def]  # Optional[UUID], imported on demand
        cursor = self.cursor
        cursor.spaces()
        if cursor.peek() == ";":
            return None
        start = cursor.at
        word = cursor.match(_GUID)
        if not word:
            raise cursor.fail('%s or ";"' % what)
        if kind not in OBJECT_TYPES:
            raise cursor.fail('";": only object ACEs (OA OD OU OL ZA) have GUIDs', start)
        from uuid import UUID

        return UUID(word)

    def sid(self) -> Sid:
        cursor = self.cursor
        start = cursor.at
        found = _SID.match(cursor.text, start)
        word = found[0] if found else ""
        if not word:
            raise cursor.fail("a SID (S-1-5-18) or an alias of one (SY)")
        cursor.at += len(word)
        if cursor.peek() == ":" and word[-1] in "dD" and len(word) > 2:
            # The D of "D:" was taken for a hexadecimal digit.
            word = word[:-1]
            cursor.at -= 1
        try:
            if len(word) == 2:
                return sid_of_alias(word, self.domain)
            return Sid.from_text(_decimal(word))
        except BadFormat as error:
            raise BadFormat("SDDL, column %d: %s" % (start + 1, error.message), cursor.text, error.next_step) from None

    def data(self, kind: int) -> bytes:
        """What follows the SID: a condition, a resource attribute, or nothing."""
        cursor = self.cursor
        takes_condition = kind in CALLBACK_TYPES or kind == SYSTEM_ACCESS_FILTER
        if kind != SYSTEM_RESOURCE_ATTRIBUTE and not takes_condition:
            return b""
        if cursor.peek() == ")" and kind == SYSTEM_ACCESS_FILTER:
            return b""  # a filter without a condition always applies
        what = "a condition" if takes_condition else "a resource attribute"
        cursor.need(";", '";" and %s' % what)
        cursor.spaces()
        if cursor.peek() != "(":
            raise cursor.fail("%s in parentheses" % what)
        if takes_condition:
            cursor.at += 1
            try:
                condition = read_condition(cursor, self.domain)
            except BadFormat as error:
                error.next_step = error.next_step or _CONDITION
                raise
            cursor.spaces()
            cursor.need(")", 'an operator or ")" at the end of the condition')
            return condition_bytes(condition)
        name, values = read_attribute(cursor, self.domain)
        return attribute_bytes(name, values)


def _decimal(word: str) -> str:
    """A SID's text with numbers of the form 0x1f after the authority in decimal, which only SDDL allows."""
    parts = word.split("-")
    head, rest = parts[:3], parts[3:]
    return "-".join(head + [str(int(part, 16)) if part[:2] in ("0x", "0X") else part for part in rest])
