"""What a text about security descriptors gives: descriptors with holes, and the lines that nobody understood."""

from dataclasses import dataclass
from typing import List, Optional, Tuple

from kdtoken.model.acl import CALLBACK_TYPES, OBJECT_TYPES, SYSTEM_RESOURCE_ATTRIBUTE, Ace, Acl
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.sid import Sid
from kdtoken.view.lines import Line


@dataclass(frozen=True)
class PartialDescriptor:
    """One descriptor of a text.

    descriptor   parts that the view does not tell are in the state "not said"
    form         which view told it: "SDDL", "!sd", "!acl", "Get-Acl", "icacls", "icacls /save",
                 "accesschk -l", "bytes"
    line         where it begins in the text, from 1
    name         what it guards, as the text calls it; "" where it does not
    object_type  "file", "key", "service" ... where the form says so
    notes        what a person should know of it
    """

    descriptor: SecurityDescriptor
    form: str
    line: int
    name: str = ""
    object_type: str = ""
    notes: Tuple[str, ...] = ()


@dataclass(frozen=True)
class DescriptorText:
    """All descriptors of a text, and in order the lines that no reader knew."""

    descriptors: Tuple[PartialDescriptor, ...]
    not_understood: Tuple[Line, ...] = ()


def told_ace(kind: int, mask: Optional[int], sid: Optional[Sid], flags: int, problem: str = "") -> Ace:
    """An ACE that a text tells.

    Where its SID, its mask or what follows them is not told, `problem` says so and the ACE has no bytes.
    """
    if kind in CALLBACK_TYPES or kind == SYSTEM_RESOURCE_ATTRIBUTE:
        problem = problem or "the text does not show its condition or attribute"
    elif kind in OBJECT_TYPES:
        problem = problem or "the text does not show which object types it is for"
    if problem or mask is None or sid is None:
        return Ace(kind, flags, b"", mask, sid, problem=problem or "the text does not tell its SID or mask")
    return Ace.build(kind, mask, sid, flags)


def told_acl(aces: List[Ace], revision: int = 0, count: Optional[int] = None) -> Acl:
    """The ACL of these ACEs; `count` is how many the text says there are, where it says so."""
    if revision == 0:
        revision = 4 if any(ace.type in OBJECT_TYPES for ace in aces) else 2
    said = len(aces) if count is None else count
    problem = "" if said == len(aces) else "%d ACEs, of which %d are in the text" % (said, len(aces))
    return Acl(revision, 8 + sum(ace.size for ace in aces), said, tuple(aces), problem=problem)
