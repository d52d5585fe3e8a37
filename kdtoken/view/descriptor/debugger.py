"""What the debugger's `!sd` and `!acl` print.

The forms are those of learn.microsoft.com ("!sd", "!acl") and of outputs that people published: a part that is not there
"is NULL", whether the descriptor has none or an empty pointer; Control tells which.
"""

import re
from typing import Dict, List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.acl import ACE_TYPES, Ace, Acl
from kdtoken.model.descriptor import (
    ABSENT,
    CONTROL_NAMES,
    DACL_PRESENT,
    NOT_SAID,
    NULL,
    PRESENT,
    SACL_PRESENT,
    UNREADABLE,
    SecurityDescriptor,
)
from kdtoken.model.sid import Sid
from kdtoken.view.descriptor.partial import PartialDescriptor, told_ace, told_acl
from kdtoken.view.lines import Line, command_of, is_cut, is_decoration

_FIELD = re.compile(r"\s*->(Revision|Sbz1|Control|Owner|Group|Dacl|Sacl)\s{0,12}:(.*)", re.DOTALL)
_ACL = re.compile(r"\s*ACL is:(.*)", re.DOTALL)
_OF_ACL = re.compile(r"\s*->(AclRevision|Sbz1|AclSize|AceCount|Sbz2)\s{0,12}:\s*(0x[0-9a-fA-F]{1,8}|\d{1,9})\s*$")
_OF_ACE = re.compile(r"\s*->Ace\[(\d{1,5})\]:\s*((?:\S+(?:\s+\S+)*)?)\s*$", re.DOTALL)
_MEMBER = re.compile(r"->(AceType|AceFlags|AceSize|Mask|SID)\s{0,8}:\s*(.*)$", re.DOTALL)
_SID = re.compile(r"(S-1-[0-9xA-Fa-f-]{1,180}?)(?:\s+\((.*)\))?\s*$", re.IGNORECASE | re.DOTALL)
_HEX = re.compile(r"(0x[0-9a-fA-F]{1,8})\b")
_FLAG_WORD = re.compile(r"[A-Z_]{4,40}(?:_ACE|_FLAG|_ACE_FLAG)\s*$")
_TYPES = {name + "_ACE_TYPE": code for code, name in ACE_TYPES.items()}
_CONTROLS = {"SE_" + name for _, name in CONTROL_NAMES} | {"SE_RM_CONTROL_VALID", "SE_SERVER_SECURITY"}
_NULL = "is NULL"


class _AceDraft:
    def __init__(self) -> None:
        self.kind: Optional[int] = None
        self.flags = 0
        self.size: Optional[int] = None
        self.mask: Optional[int] = None
        self.sid: Optional[Sid] = None
        self.problem = ""

    def ace(self) -> Ace:
        kind = 0xFF if self.kind is None else self.kind
        problem = self.problem or ("the text does not tell its type" if self.kind is None else "")
        made = told_ace(kind, self.mask, self.sid, self.flags, problem)
        if self.size is not None and made.raw and made.size != self.size:
            problem = "AceSize is %d, what the text tells of it takes %d" % (self.size, made.size)
            made = told_ace(kind, self.mask, self.sid, self.flags, problem)
        return made


class _AclDraft:
    def __init__(self) -> None:
        self.revision = 0
        self.count: Optional[int] = None
        self.null = False
        self.aces: Dict[int, _AceDraft] = {}

    def acl(self) -> Acl:
        count = self.count
        gaps = sorted(self.aces) != list(range(len(self.aces)))
        made = told_acl([self.aces[index].ace() for index in sorted(self.aces)], self.revision, count)
        if gaps and not made.problem:
            made = told_acl(list(made.aces), self.revision, max(self.aces) + 1)
        return made


class _Draft:
    def __init__(self, line: int, form: str) -> None:
        self.line = line
        self.form = form
        self.control: Optional[int] = None
        self.sids: Dict[str, Optional[Sid]] = {}
        self.unread: List[str] = []
        self.acls: Dict[str, _AclDraft] = {}

    def finish(self) -> PartialDescriptor:
        control = self.control
        dacl, dacl_state = self._acl("Dacl", DACL_PRESENT)
        sacl, sacl_state = self._acl("Sacl", SACL_PRESENT)
        if self.form == "!acl":
            sacl, sacl_state = None, NOT_SAID
        descriptor = SecurityDescriptor(
            self.sids.get("Owner"),
            self.sids.get("Group"),
            control if control is not None else 0x8000 | (DACL_PRESENT if dacl else 0) | (SACL_PRESENT if sacl else 0),
            dacl,
            sacl,
            dacl_state,
            sacl_state,
            problem="; ".join(self.unread),
            owner_state=self._state("Owner"),
            group_state=self._state("Group"),
        )
        return PartialDescriptor(descriptor, self.form, self.line)

    def _state(self, part: str) -> str:
        if part not in self.sids:
            return UNREADABLE if any(text.startswith(part) for text in self.unread) else NOT_SAID
        return ABSENT if self.sids[part] is None else PRESENT

    def _acl(self, part: str, bit: int) -> Tuple[Optional[Acl], str]:
        draft = self.acls.get(part)
        if draft is None:
            return None, NOT_SAID
        if draft.null and not draft.aces:
            # "is NULL" says the same of an ACL that is not there and of a null one.
            return None, NULL if self.control is not None and self.control & bit else ABSENT
        return draft.acl(), PRESENT


class DebuggerDescriptors:
    """Reads line after line; `take` says whether a line was understood."""

    def __init__(self) -> None:
        self.found: List[PartialDescriptor] = []
        self._draft: Optional[_Draft] = None

    def take(self, line: Line) -> bool:
        """Whether the line is of a `!sd` or `!acl` output, and its facts are kept."""
        text = line.text
        command = command_of(text)
        if command is not None:
            self._end()
            return command.lstrip().startswith(("!sd", "!acl", "!ext.sd", "!exts.sd", "!exts.acl"))
        match = _FIELD.match(text)
        if match is not None:
            return self._field(line, match[1], match[2].rstrip())
        match = _ACL.match(text)
        if match is not None:
            if self._draft is None or (not match[1].strip() and "Dacl" in self._draft.acls):
                self._begin(line, "!acl")
            return self._of_acl("Dacl", match[1])
        if self._draft is None:
            return False
        if text.strip() in _CONTROLS:
            return self._control_word(text.strip())
        return is_decoration(text) or is_cut(text)

    def finish(self) -> List[PartialDescriptor]:
        """All that was found."""
        self._end()
        return self.found

    def _begin(self, line: Line, form: str) -> None:
        self._end()
        self._draft = _Draft(line.number, form)

    def _end(self) -> None:
        if self._draft is not None:
            self.found.append(self._draft.finish())
        self._draft = None

    def _field(self, line: Line, name: str, value: str) -> bool:
        if name == "Revision" or self._draft is None:
            self._begin(line, "!sd")
        draft = self._draft
        assert draft is not None
        if name in ("Revision", "Sbz1"):
            return _HEX.search(value) is not None
        if name == "Control":
            number = _HEX.search(value)
            draft.control = int(number[1], 16) if number else draft.control
            return number is not None
        if name in ("Owner", "Group"):
            return self._sid(draft, name, value)
        return self._of_acl(name, value)

    def _sid(self, draft: _Draft, name: str, value: str) -> bool:
        if value.strip() == _NULL:
            draft.sids[name] = None
            return True
        sid = _sid_of(value)
        if sid is None:
            draft.unread.append("%s: %s" % (name, value.strip()))
            return False
        draft.sids[name] = sid
        return True

    def _control_word(self, word: str) -> bool:
        """Whether Control says the same."""
        assert self._draft is not None
        bit = next((bit for bit, name in CONTROL_NAMES if "SE_" + name == word), 0)
        return self._draft.control is None or bool(self._draft.control & bit)

    def _of_acl(self, part: str, value: str) -> bool:
        assert self._draft is not None
        draft = self._draft.acls.setdefault(part, _AclDraft())
        if not value.strip():
            return True
        if value.strip() == _NULL:
            draft.null = True
            return True
        match = _OF_ACL.match(value)
        if match is not None:
            number = int(match[2], 16 if match[2][:2] == "0x" else 10)  # digits may begin with zeros
            if match[1] == "AclRevision":
                draft.revision = number
            elif match[1] == "AceCount":
                draft.count = number
            return True
        match = _OF_ACE.match(value)
        return match is not None and _of_ace(draft.aces.setdefault(int(match[1]), _AceDraft()), match[2])


def _of_ace(ace: _AceDraft, text: str) -> bool:
    if _FLAG_WORD.match(text):
        return True  # AceFlags in words, which its number says already
    match = _MEMBER.match(text)
    if match is None:
        ace.problem = ace.problem or "a line of it is not understood: %s" % text.strip()[:60]
        return False
    name, value = match[1], match[2].strip()
    if name == "SID":
        ace.sid = _sid_of(value)
        return ace.sid is not None
    if name == "AceType":
        ace.kind = _TYPES.get(value.split(" ")[0])
        if ace.kind is None:
            number = _HEX.search(value)
            ace.kind = int(number[1], 16) & 0xFF if number else None
        return ace.kind is not None
    number = _HEX.search(value)
    if number is None:
        return False
    setattr(ace, {"AceFlags": "flags", "AceSize": "size", "Mask": "mask"}[name], int(number[1], 16))
    return True


def _sid_of(value: str) -> Optional[Sid]:
    match = _SID.match(value.strip())
    if match is None:
        return None
    try:
        return Sid.from_text(match[1])
    except BadFormat:
        return None
