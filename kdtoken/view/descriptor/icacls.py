"""What `icacls FILE` prints, and what `icacls FILE /save` writes.

Printed: the file's name and the first ACE on one line, further ACEs under it; `(OI)(CI)(IO)(NP)(I)` are flags, `(DENY)`
makes it a denying one, the last parenthesis holds the rights.  Saved: a name, and on the next line the DACL in SDDL.
Source: learn.microsoft.com, "icacls".
"""

import re
from typing import Callable, List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.acl import (
    CONTAINER_INHERIT,
    INHERIT_ONLY,
    INHERITED,
    NO_PROPAGATE_INHERIT,
    OBJECT_INHERIT,
    SYSTEM_MANDATORY_LABEL,
    Ace,
)
from kdtoken.model.descriptor import DACL_PRESENT, NOT_SAID, PRESENT, SACL_PRESENT, SecurityDescriptor
from kdtoken.model.sddl import from_sddl
from kdtoken.model.sid import Sid
from kdtoken.model.sid_lookup import sid_of_name
from kdtoken.view.descriptor.partial import PartialDescriptor, told_ace, told_acl
from kdtoken.view.descriptor.rights import ICACLS_RIGHTS, mask_of
from kdtoken.view.lines import Line, command_of, is_cut, is_decoration

_ACE = re.compile(r"(.*?):((?:\([A-Za-z,]{1,80}\))+)\s*$", re.DOTALL)
_FLAGS = {
    "OI": OBJECT_INHERIT,
    "CI": CONTAINER_INHERIT,
    "IO": INHERIT_ONLY,
    "NP": NO_PROPAGATE_INHERIT,
    "I": INHERITED,
}
_POLICY = {"NW": 1, "NR": 2, "NX": 4}
_ENDS = re.compile(r"\s*(?:Successfully processed|Failed processing)\b.*\d")
_SAVED = re.compile(r"\s*D:(?:P|AR|AI|NO_ACCESS_CONTROL)*(?:\(|\s*$|S:)")
# In a name of an account: each tail of a line of a million blanks is as long as the line.
_MOST_BLANKS = 256
_LABEL_NOTE = "of the SACL, icacls shows the integrity label only"


class IcaclsDescriptors:
    """Reads line after line; `take` says whether a line was understood.

    resolve  the SID of an account's name, None where nobody here can tell
    """

    def __init__(self, resolve: Callable[[str], Optional[Sid]] = sid_of_name) -> None:
        self._resolve = resolve
        self.found: List[PartialDescriptor] = []
        self._name = ""
        self._line = 0
        self._aces: List[Ace] = []
        self._labels: List[Ace] = []
        self._indent = 0

    def take(self, line: Line) -> bool:
        """Whether the line is of icacls' output."""
        text = line.text
        match = _ACE.match(text)
        if match is not None and command_of(text) is None:
            return self._ace(line, match[1], match[2])
        if _ENDS.match(text):
            self._end()
            return True
        if command_of(text) is not None:
            self._end()
            return "icacls" in text.lower()
        if self._line and (is_decoration(text) or is_cut(text)):
            if not text.strip():
                self._end()  # a blank line stands between two files
            return True
        return False

    def finish(self) -> List[PartialDescriptor]:
        """All that was found."""
        self._end()
        return self.found

    def _ace(self, line: Line, who: str, words: str) -> bool:
        indent = len(who) - len(who.lstrip())
        name, account = ("", who.strip()) if indent and self._line else _split(who.strip(), self._resolve)
        if not indent or not self._line:
            self._end()
            self._name, self._line = name, line.number
        parts = words[1:-1].split(")(")
        flags, deny = 0, False
        while parts and (parts[0] in _FLAGS or parts[0] == "DENY"):
            word = parts.pop(0)
            deny = deny or word == "DENY"
            flags |= _FLAGS.get(word, 0)
        sid = self._resolve(account)
        problem = "" if sid is not None else "the SID of %s is not told, only the machine knows it" % ascii(account)
        if sid is not None and sid.is_integrity_label:
            policy = [_POLICY.get(word) for word in ",".join(parts).split(",")]
            mask = None if None in policy else sum(bit for bit in policy if bit is not None)
            problem = "" if mask is not None else "its policy is not understood: %s" % words
            self._labels.append(told_ace(SYSTEM_MANDATORY_LABEL, mask, sid, flags, problem))
            return mask is not None
        rights = mask_of(",".join(parts), ICACLS_RIGHTS)
        if rights is None:
            problem = problem or "its rights are not understood: %s" % words
        self._aces.append(told_ace(1 if deny else 0, rights, sid, flags, problem))
        return rights is not None

    def _end(self) -> None:
        if self._line:
            descriptor = SecurityDescriptor(
                None,
                None,
                0x8000 | DACL_PRESENT | SACL_PRESENT,
                told_acl(self._aces),
                told_acl(self._labels),
                PRESENT,
                PRESENT,
                owner_state=NOT_SAID,
                group_state=NOT_SAID,
            )
            self.found.append(PartialDescriptor(descriptor, "icacls", self._line, self._name, "file", (_LABEL_NOTE,)))
        self._name, self._line, self._aces, self._labels = "", 0, [], []


def _split(text: str, resolve: Callable[[str], Optional[Sid]]) -> Tuple[str, str]:
    """(file name, account) of icacls' first line, where only a blank stands between them.

    The account is the longest tail that is a known name; else what follows the last blank before a backslash or, without
    one, the last blank.
    """
    starts = [0] + [index + 1 for index, character in enumerate(text) if character == " "]
    for at in starts if len(starts) <= _MOST_BLANKS else starts[:1] + starts[-_MOST_BLANKS:]:
        if resolve(text[at:]) is not None:
            return text[:at].strip(), text[at:]
    head, slash, tail = text.rpartition("\\")
    if slash and " " in head:
        start = head.rindex(" ") + 1
        return text[:start].strip(), text[start:]
    name, _, account = text.rpartition(" ")
    return name, account


def read_saved(lines: List[Line]) -> Tuple[List[PartialDescriptor], List[Line]]:
    """The pairs of name and SDDL of an `icacls /save` file, and the lines that are none."""
    found: List[PartialDescriptor] = []
    lost: List[Line] = []
    name: Optional[Line] = None
    for line in lines:
        if not _SAVED.match(line.text):
            if name is not None:
                lost.append(name)
            name = line if line.text.strip() else None
            continue
        try:
            seen = from_sddl(line.text.strip())
        except BadFormat as error:
            raise BadFormat("line %d: %s" % (line.number, error.message), error.subject, error.next_step) from None
        has_sacl = seen.sacl is not None and bool(seen.sacl.aces)
        descriptor = SecurityDescriptor(
            None,
            None,
            seen.control,
            seen.dacl,
            seen.sacl if has_sacl else None,
            seen.dacl_state,
            seen.sacl_state if has_sacl else NOT_SAID,
            owner_state=NOT_SAID,
            group_state=NOT_SAID,
        )
        number = name.number if name is not None else line.number
        spelled = name.text.strip() if name is not None else ""
        found.append(PartialDescriptor(descriptor, "icacls /save", number, spelled, "file", (_SAVE_NOTE,)))
        name = None
    if name is not None:
        lost.append(name)
    return found, lost


_SAVE_NOTE = "icacls /save writes the DACL only: owner and integrity label are not said"
