"""What Sysinternals' `accesschk -l` prints: the name of an object, and under it its whole descriptor as words.

    NAME
      DESCRIPTOR FLAGS:
          [SE_DACL_PRESENT]
      OWNER: NT AUTHORITY\\SYSTEM
      [0] ACCESS_ALLOWED_ACE_TYPE: BUILTIN\\Users
            [CONTAINER_INHERIT_ACE]
            FILE_READ_DATA

Rights stand one a line as the headers spell them, flags of the ACE in brackets before them.  Accounts stand by name,
so the SID of one that is not the same on every machine is not told.  The form is that of outputs that people published
(versions 6.13 and 6.14, services; learn.microsoft.com's troubleshooting pages, a folder): none shows a group, a label, or
what stands there for a null or an empty DACL, so those are not said.
"""

import re
from typing import Callable, List, Optional, Set

from kdtoken.model.acl import ACE_TYPES, Ace
from kdtoken.model.descriptor import CONTROL_NAMES, DACL_PRESENT, NOT_SAID, PRESENT, SecurityDescriptor
from kdtoken.model.sid import Sid
from kdtoken.view.descriptor.header_rights import HeaderRights
from kdtoken.view.descriptor.partial import PartialDescriptor, told_ace, told_acl
from kdtoken.view.lines import Line, command_of, is_decoration

_HEAD = "DESCRIPTOR FLAGS:"
_BANNER = re.compile(
    r"\s*(?:Accesschk v[0-9.]{1,12} - |Copyright \S{1,9} [0-9-]{4,9} Mark Russinovich|Sysinternals - www\.)"
)
_OWNER = re.compile(r"\s*OWNER: ?(.*\S)\s*$")
_SECTION = re.compile(r"\s*(DACL|SACL):?\s*$")
_ACE = re.compile(r"\s*\[([0-9]{1,5})\] ([A-Z_]{3,60}): ?(.*\S)\s*$")
_FLAG = re.compile(r"\s*\[([A-Z_]{4,60})\]\s*$")
_RIGHT = re.compile(r"\s*([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|DELETE|SYNCHRONIZE|0x[0-9A-Fa-f]{1,8})\s*$")
_TYPES = {name + "_ACE_TYPE": code for code, name in ACE_TYPES.items()}
_CONTROLS = {"SE_" + name: bit for bit, name in CONTROL_NAMES}
_FLAGS = {
    "OBJECT_INHERIT_ACE": 0x01,
    "CONTAINER_INHERIT_ACE": 0x02,
    "NO_PROPAGATE_INHERIT_ACE": 0x04,
    "INHERIT_ONLY_ACE": 0x08,
    "INHERITED_ACE": 0x10,
    "SUCCESSFUL_ACCESS_ACE_FLAG": 0x40,
    "FAILED_ACCESS_ACE_FLAG": 0x80,
}
_NOTE = "accesschk -l tells neither the group nor the integrity label; with -i it leaves inherited ACEs out"


class _AceDraft:
    def __init__(self, kind: Optional[int], account: str, sid: Optional[Sid]) -> None:
        self.kind, self.account, self.sid = kind, account, sid
        self.flags = 0
        self.rights = HeaderRights()

    def ace(self) -> Ace:
        problem = "" if self.kind is not None else "its type is not understood"
        if self.sid is None:
            problem = problem or "the SID of %s is not told, only the machine knows it" % ascii(self.account)
        if not self.rights.words or self.rights.unknown:
            words = " ".join(self.rights.unknown) or "none"
            problem = problem or "its rights are not understood: %s" % words
        mask = None if self.rights.unknown or not self.rights.words else self.rights.mask
        return told_ace(0xFF if self.kind is None else self.kind, mask, self.sid, self.flags, problem)


class AccesschkDescriptors:
    """Reads line after line; `take` says whether a line was understood.

    resolve  the SID of an account's name, None where nobody here can tell
    claimed  numbers of lines that turned out to be names of objects after they had been read
    """

    def __init__(self, resolve: Callable[[str], Optional[Sid]]) -> None:
        self.claimed: Set[int] = set()
        self._resolve = resolve
        self._found: List[PartialDescriptor] = []
        self._before: Optional[Line] = None
        self._clear()

    def _clear(self) -> None:
        self._line = 0
        self._name = ""
        self._control = 0
        self._owner = ""
        self._in_flags = self._in_sacl = self._has_owner = False
        self._aces: List[_AceDraft] = []
        self._gap = ""

    def take(self, line: Line) -> bool:
        """Whether the line is of accesschk's output."""
        text = line.text
        if text.strip() == _HEAD:
            self._begin(line)
            return True
        understood = _BANNER.match(text) is not None or self._of_descriptor(line)
        if understood:
            return True
        if self._line and is_decoration(text):
            return True
        command = command_of(text)
        if self._line and (command is not None or not text[:1].isspace()):
            self._end()
        if text.strip():
            self._before = None if command is not None else line
        return command is not None and "accesschk" in command.lower()

    def finish(self) -> List[PartialDescriptor]:
        """All that was found."""
        self._end()
        return self._found

    def _begin(self, line: Line) -> None:
        before = self._before
        self._end()
        self._line, self._in_flags = line.number, True
        if before is not None:
            self._name, self._line = before.text.strip(), before.number
            self.claimed.add(before.number)

    def _of_descriptor(self, line: Line) -> bool:
        text = line.text
        ace = _ACE.match(text)
        if ace is not None and ace[2] in _TYPES:
            if not self._line:
                self._line = line.number  # a text that was cut out of a longer one
            return self._ace(int(ace[1]), ace[2], ace[3])
        if not self._line:
            return False
        owner, section, flag = _OWNER.match(text), _SECTION.match(text), _FLAG.match(text)
        if owner is not None and not self._has_owner:
            self._owner, self._has_owner, self._in_flags = owner[1], True, False
            return True
        if section is not None:
            self._in_flags, self._in_sacl = False, section[1] == "SACL"
            return True
        if flag is not None:
            return self._flag(flag[1])
        right = _RIGHT.match(text)
        if right is None or not self._aces or self._in_sacl:
            return False
        return bool(self._gap) or self._aces[-1].rights.add(right[1])

    def _ace(self, index: int, kind: str, account: str) -> bool:
        self._in_flags = False
        if self._in_sacl:
            return False
        if index != len(self._aces) and not self._gap:
            self._gap = "the text has ACE [%d] where [%d] is due" % (index, len(self._aces))
        if self._gap:
            return True  # its place is not known, and what stands before it might deny
        self._aces.append(_AceDraft(_TYPES.get(kind), account, self._resolve(account)))
        return True

    def _flag(self, word: str) -> bool:
        if self._in_flags:
            self._control |= _CONTROLS.get(word, 0)
            return word in _CONTROLS or word in ("SE_RM_CONTROL_VALID", "SE_SERVER_SECURITY")
        if word in _FLAGS and self._aces and not self._in_sacl:
            if not self._gap:
                self._aces[-1].flags |= _FLAGS[word]
            return True
        return False

    def _end(self) -> None:
        if self._line and (self._aces or self._has_owner or self._control or self._gap):
            self._found.append(self._made())
        self._clear()
        self._before = None

    def _made(self) -> PartialDescriptor:
        aces = [draft.ace() for draft in self._aces]
        kinds = [draft.rights for draft in self._aces]
        notes = [_NOTE]
        state = PRESENT
        if not aces and not self._gap:
            state = NOT_SAID
            notes.append("no ACE is listed: whether there is no DACL, a null or an empty one is not told")
        acl = told_acl(aces, 0, len(aces) + 1 if self._gap else None) if state == PRESENT else None
        owner = self._resolve(self._owner) if self._owner else None
        if self._owner and owner is None:
            notes.append("the SID of the owner %s is not told" % ascii(self._owner))
        if self._gap:
            notes.append("%s: what follows is not judged" % self._gap)
        descriptor = SecurityDescriptor(
            owner,
            None,
            0x8000 | self._control | (DACL_PRESENT if aces else 0),
            acl,
            None,
            state,
            NOT_SAID,
            owner_state=NOT_SAID if owner is None else PRESENT,
            group_state=NOT_SAID,
        )
        kind = HeaderRights.type_of(kinds)
        return PartialDescriptor(descriptor, "accesschk -l", self._line, self._name, kind, tuple(notes))
