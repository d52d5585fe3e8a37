"""What `Get-Acl PATH | Format-List` prints: Path, Owner, Group, Access, Audit, Sddl, long values wrapped.

Sddl says all that Access says, and more; Access is read where Sddl was left out.  Get-Acl does not ask for the integrity
label, and for the SACL only with -Audit.  Source: learn.microsoft.com, "Get-Acl" (its examples) and .NET's enumerations.
"""

import re
from typing import Callable, Dict, List, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.acl import Ace
from kdtoken.model.descriptor import DACL_PRESENT, NOT_SAID, PRESENT, SecurityDescriptor
from kdtoken.model.sddl import from_sddl
from kdtoken.model.sid import Sid
from kdtoken.model.sid_lookup import sid_of_name
from kdtoken.view.descriptor.partial import PartialDescriptor, told_ace, told_acl
from kdtoken.view.descriptor.rights import FILE_RIGHTS, KEY_RIGHTS, mask_of
from kdtoken.view.lines import Line, command_of

_FIELD = re.compile(r"\s{0,4}(Path|Owner|Group|Access|Audit|Sddl)\s{0,8}: ?(.*)", re.DOTALL)
_KIND = re.compile(r"(?<=\S)\s+(Allow|Deny)\s+(?=\S)")  # between whom and what
_LABEL_NOTE = "Get-Acl does not tell the integrity label"


class GetAclDescriptors:
    """Reads line after line; `take` says whether a line was understood.

    resolve  the SID of an account's name, None where nobody here can tell
    """

    def __init__(self, resolve: Callable[[str], Optional[Sid]] = sid_of_name) -> None:
        self._resolve = resolve
        self.found: List[PartialDescriptor] = []
        self.lost: List[Line] = []
        self._fields: Dict[str, List[Line]] = {}
        self._last = ""

    def take(self, line: Line) -> bool:
        """Whether the line is of Get-Acl's list."""
        match = _FIELD.match(line.text)
        if match is not None and (match[1] == "Path" or self._fields or match[1] == "Sddl"):
            name = match[1]
            if name in self._fields:
                self._end()
            self._fields[name] = [Line(line.number, match[2])]
            self._last = name
            return True
        if command_of(line.text) is not None:
            self._end()
            return "get-acl" in line.text.lower()
        if not self._fields:
            return False
        if not line.text.strip():
            return True
        if line.text[:1].isspace() and self._last:
            self._fields[self._last].append(Line(line.number, line.text.strip()))
            return True
        return False

    def finish(self) -> List[PartialDescriptor]:
        """All that was found; `lost` are lines of it whose facts are in no result."""
        self._end()
        return self.found

    def _end(self) -> None:
        fields, self._fields, self._last = self._fields, {}, ""
        if not fields:
            return
        path = "".join(line.text for line in fields.get("Path", []))
        provider, _, name = path.rpartition("::")
        kind = "key" if "Registry" in provider else "file" if "FileSystem" in provider else ""
        first = min(lines[0].number for lines in fields.values())
        sddl = fields.get("Sddl")
        if sddl and sddl[0].text.strip():
            descriptor, notes = self._of_sddl(sddl)
        else:
            descriptor, notes = self._of_access(fields, kind), (_LABEL_NOTE, "read from Access, as Sddl is not there")
        self.found.append(PartialDescriptor(descriptor, "Get-Acl", first, name or path, kind, notes))

    def _of_sddl(self, lines: List[Line]) -> Tuple[SecurityDescriptor, Tuple[str, ...]]:
        text = "".join(line.text for line in lines)
        try:
            seen = from_sddl(text)
        except BadFormat as error:
            raise BadFormat(
                "Sddl of Get-Acl, line %d: %s" % (lines[0].number, error.message), error.subject, error.next_step
            ) from None
        if seen.sacl is not None:
            return seen, ()
        descriptor = SecurityDescriptor(
            seen.owner, seen.group, seen.control, seen.dacl, None, seen.dacl_state, NOT_SAID, seen.sbz1
        )
        return descriptor, (_LABEL_NOTE,)

    def _of_access(self, fields: Dict[str, List[Line]], kind: str) -> SecurityDescriptor:
        table = KEY_RIGHTS if kind == "key" else FILE_RIGHTS
        aces: List[Ace] = []
        for line in fields.get("Access", []):
            if not line.text.strip():
                continue
            match = _KIND.search(line.text)
            if match is None:
                self.lost.append(line)
                aces.append(told_ace(0, None, None, 0, "a rule that is not understood: %s" % line.text.strip()[:60]))
                continue
            who, rights = line.text[: match.start()], line.text[match.end() :].rstrip()
            sid, mask = self._resolve(who), mask_of(rights, table)
            problem = "" if sid is not None else "the SID of %s is not told" % ascii(who)
            if mask is None:
                problem = problem or "its rights are not understood: %s" % rights
                self.lost.append(line)
            # Access does not show inheritance: an ACE that is only to be inherited would be told as any other.
            aces.append(told_ace(1 if match[1] == "Deny" else 0, mask, sid, 0, problem))
        owner, owner_state = self._account(fields.get("Owner"))
        group, group_state = self._account(fields.get("Group"))
        return SecurityDescriptor(
            owner,
            group,
            0x8000 | DACL_PRESENT,
            told_acl(aces),
            None,
            PRESENT if "Access" in fields else NOT_SAID,
            NOT_SAID,
            owner_state=owner_state,
            group_state=group_state,
        )

    def _account(self, lines: Optional[List[Line]]) -> Tuple[Optional[Sid], str]:
        sid = self._resolve("".join(line.text for line in lines)) if lines else None
        return sid, NOT_SAID if sid is None else PRESENT
