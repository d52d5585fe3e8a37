"""Values that `dt TYPE ADDRESS` printed of a token, a process and what they are linked by, without any layout.

`dt nt!_TOKEN ADDR`, `_SEP_TOKEN_PRIVILEGES`, `_EPROCESS`, `_EX_FAST_REF`; also `-r`, where the members of a member stand
below it, deeper.  Members are told by their names; where one begins, the text itself says (`+0x040`).
"""

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

from kdtoken.model.absent import NotSaid
from kdtoken.model.privilege import privileges_of
from kdtoken.model.process import FastRef, Process
from kdtoken.view.debugger.process_text import PartialProcess
from kdtoken.view.debugger.token_labels import NEVER_SHOWN
from kdtoken.view.lines import Line, broken_width, command_of, is_cut, width_of
from kdtoken.view.partial import PartialToken, TextPlace, partial_token, refuse_more_tokens

VIEW = "dt"
_COMMAND = re.compile(
    r"dt +(?:-\w+ +)*(?:nt!|ntdll!|ntkrnlmp!)?(_TOKEN|_EPROCESS|_SEP_TOKEN_PRIVILEGES|_EX_FAST_REF)\s+(?:-\w+ +)*"
    r"(?:0x)?([0-9a-f][0-9a-f`]{7,17})(?: ?\+ ?(?:0x)?([0-9a-f]{1,4}))?(?=\s|;|$)",
    re.IGNORECASE,
)
_MEMBER = re.compile(r"(\s*)\+0x([0-9a-f]{3,4})\s+(\w{1,60})\s*:\s*((?:\S+(?:\s+\S+)*)?)\s*$", re.IGNORECASE)
# `dx` of the same: a cast of the address, members in brackets, the C type behind each value (learn.microsoft.com "dx").
_DX = re.compile(
    r"\bdx\b.{0,40}?\(\((?:nt!|ntkrnlmp!)?(_TOKEN|_EPROCESS|_SEP_TOKEN_PRIVILEGES|_EX_FAST_REF) ?\*\) ?(0x[0-9a-f]{8,16})\)",
    re.IGNORECASE,
)
_DX_MEMBER = re.compile(
    r"(\s{1,40})\[\+0x([0-9a-f]{3,4})\]\s{1,4}(\w{1,60})\s{0,60}:\s?(?:\w{1,60} \((\d{1,10})\)|(\S{1,40}))(?:\s\[Type: [^\]]{1,120}\])?\s*$"
)
_DX_STRUCT = re.compile(r"(\s{1,40})\[\+0x([0-9a-f]{3,4})\]\s{1,4}(\w{1,60})\s{1,60}\[Type: (_\w{1,60})\]\s*$")
_NUMBER = re.compile(r"(0x[0-9a-f][0-9a-f`]{0,17}|0y[01]{1,64}|0n-?\d{1,20}|\d{1,20})(?=\s|$)", re.IGNORECASE)
_IMAGE = re.compile(r'\[15\]\s+"([^"]{1,15})"')
_DML_HEAD = re.compile(r"\s*Address\s+PID\s+Image file name\s*$")
_DML_ROW = re.compile(r"\s*((?:0x)?[0-9a-f]{8}(?:`?[0-9a-f]{8})?)\s+([0-9a-f]{1,8})\s+(\S[^\t]{0,40}?)\s*$")
_MASKS = ("Present", "Enabled", "EnabledByDefault")
# Member of _TOKEN -> field of Token, for numbers.
_FIELDS = {
    "SessionId": "session_id",
    "UserAndGroupCount": "user_and_group_count",
    "RestrictedSidCount": "restricted_sid_count",
    "CapabilityCount": "capability_count",
    "VariableLength": "variable_length",
    "DynamicCharged": "dynamic_charged",
    "DynamicAvailable": "dynamic_available",
    "DefaultOwnerIndex": "default_owner_index",
    "TokenType": "token_type",
    "ImpersonationLevel": "impersonation_level",
    "TokenFlags": "flags",
    "TokenInUse": "in_use",
    "IntegrityLevelIndex": "integrity_level_index",
    "MandatoryPolicy": "mandatory_policy",
}


@dataclass
class _Object:
    """One listing, or several of one address: member -> (offset, value), those of a member under "Member.Inner"."""

    type: str
    address: int
    line: Line
    members: Dict[str, Tuple[int, str]] = field(default_factory=dict)
    places: Dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> Optional[int]:
        """A member's number; None where the text shows none."""
        found = _NUMBER.match(self.members.get(name, (0, ""))[1])
        if not found:
            return None
        if "`" in found.group(1) and len(found.group(1).partition("`")[2]) != 8:
            return None  # a margin has cut it
        digits = found.group(1).replace("`", "").lower()
        bases = {"0x": 16, "0y": 2, "0n": 10}
        return int(digits[2:], bases[digits[:2]]) if digits[:2] in bases else int(digits)


_Objects = Dict[Tuple[str, int], _Object]  # by type in lower case and address


def read_dt_values(lines: Sequence[Line], file: str) -> Tuple[List[PartialToken], List[PartialProcess], List[Line]]:
    """Tokens and processes of all such listings, and the lines that told something of them.

    Raises BadFormat where they are more than memory is for.
    """
    objects, used = _objects(lines, file)
    tokens = [_token(one, objects, file) for one in objects.values() if one.type == "_token"]
    processes = [_process(one, objects, file) for one in objects.values() if one.type == "_eprocess"]
    listed, rows = _dml_processes(lines, file)
    return [one for one in tokens if one is not None], listed + processes, used + rows


def _dml_processes(lines: Sequence[Line], file: str) -> Tuple[List[PartialProcess], List[Line]]:
    """The rows of `!dml_proc`: address, process id in hexadecimal, ImageFileName."""
    found: List[PartialProcess] = []
    used: List[Line] = []
    nothing, inside = NotSaid("!dml_proc"), False
    for line in lines:
        if "Image file name" in line.text:
            inside = _DML_HEAD.match(line.text) is not None
            used += [line] if inside else []
            continue
        row = _DML_ROW.match(line.text) if inside else None
        inside = row is not None
        if row is None:
            continue
        address = int(row.group(1).replace("`", ""), 16)
        process = Process(address, int(row.group(2), 16), row.group(3), nothing, nothing)
        places = {"address": TextPlace(file, line.number)}
        found.append(PartialProcess(process, nothing, nothing, nothing, nothing, nothing, (), places))
        used.append(line)
    return found, used


def _as_dt(text: str) -> str:
    """A line of `dx` as `dt` has it; any other line as it is."""
    member = _DX_MEMBER.match(text)
    if member:
        return "%s+0x%s %s : %s" % (*member.group(1, 2, 3), member.group(4) or member.group(5))
    asked = _DX.search(text)
    if asked:
        return "dt nt!%s %s" % asked.groups()
    inner = _DX_STRUCT.match(text)  # no value, but where it lies
    return "%s+0x%s %s : %s" % inner.groups() if inner else text


def _objects(lines: Sequence[Line], file: str) -> Tuple[_Objects, List[Line]]:
    found: _Objects = {}
    used: List[Line] = []
    current: Optional[_Object] = None
    outer, depth = "", -1
    broken, at_end = broken_width(lines), ""  # a member at the end of a line as wide as the widest
    for line in lines:
        printed = line
        if "[+0x" in line.text or "dx " in line.text:
            line = line._replace(text=_as_dt(line.text), width=width_of(line))
        if current is not None and at_end and line.text.strip() and _MEMBER.match(line.text) is None:
            current.members.pop(at_end, None)  # its value may go on in this line
        at_end = ""
        if "+0x" not in line.text and "dt " not in line.text:
            if current is not None and line.text.strip() and not is_cut(line.text):
                # A head, an author's note; another command ends the listing.
                current = None if command_of(line.text) is not None else current
            continue
        member = _MEMBER.match(line.text)
        if member is None:
            asked = _COMMAND.search(line.text)
            if asked or command_of(line.text) is not None:
                current = None
            if asked and not _is_cut_address(asked.group(2).replace("`", "")):
                address = int(asked.group(2).replace("`", ""), 16) + int(asked.group(3) or "0", 16)
                key = asked.group(1).lower(), address
                current = found.setdefault(key, _Object(key[0], address, line))
                refuse_more_tokens(len(found), 0, file)  # at once: each takes some kilobytes
                outer, depth = "", -1
            continue
        if current is None:
            continue
        inner, offset, name, value = len(member.group(1).expandtabs()), int(member.group(2), 16), *member.group(3, 4)
        depth = inner if depth < 0 else depth
        if inner > depth:
            name = "%s.%s" % (outer, name)
        else:
            outer = name
        if name not in current.members or inner <= depth:
            current.members[name] = offset, value
            current.places[name] = line.number
        at_end = name if width_of(line) >= broken else ""
        used.append(printed)
    return found, used


def _is_cut_address(digits: str) -> bool:
    """Whether an address lost its end: one of 64 bits has 16 digits, and no pool of 32 bits lies at its very top."""
    return 8 < len(digits) < 16 or (len(digits) == 8 and digits.lower().startswith("ffff"))


def _inside(outer: _Object, member: str, kind: str, objects: _Objects) -> Optional[_Object]:
    """The listing of a member of another listing, by where that member lies."""
    if member not in outer.members:
        return None
    return objects.get((kind, outer.address + outer.members[member][0]))


def _token(one: _Object, objects: _Objects, file: str) -> Optional[PartialToken]:
    fields: Dict[str, Any] = {}
    places = {"address": TextPlace(file, one.line.number)}
    for member, name in _FIELDS.items():
        value = one.number(member)
        if value is not None:
            fields[name] = value
            places[name] = TextPlace(file, one.places[member])
    masks = _inside(one, "Privileges", "_sep_token_privileges", objects)
    numbers = [masks.number(name) if masks else one.number("Privileges.%s" % name) for name in _MASKS]
    if None not in numbers:
        present, enabled, default = (number or 0 for number in numbers)
        fields["privileges"] = privileges_of(present, enabled, default)
        places["privileges"] = TextPlace(file, masks.line.number if masks else one.line.number)
    if not fields:
        return None
    return PartialToken(VIEW, partial_token(VIEW, one.address, fields), places, never_shown=NEVER_SHOWN[:1])


def _reference(one: _Object, objects: _Objects) -> Optional[FastRef]:
    """The fast reference Token; how many of its bits count references, the width of RefCnt tells."""
    apart = _inside(one, "Token", "_ex_fast_ref", objects)
    source, prefix = (apart, "") if apart else (one, "Token.")
    value, bits = source.number(prefix + "Value"), source.members.get(prefix + "RefCnt", (0, ""))[1]
    width = re.match(r"0y([01]{3,4})$", bits)
    if value is None or width is None:
        return None
    return FastRef(value, (1 << len(width.group(1))) - 1)


def _process(one: _Object, objects: _Objects, file: str) -> PartialProcess:
    nothing = NotSaid(VIEW)
    pid, parent = one.number("UniqueProcessId"), one.number("InheritedFromUniqueProcessId")
    image = _IMAGE.search(one.members.get("ImageFileName", (0, ""))[1])
    reference = _reference(one, objects)
    process = Process(
        one.address,
        nothing if pid is None else pid,
        image.group(1) if image else nothing,
        reference or nothing,
        nothing if parent is None else parent,
    )
    places = {"address": TextPlace(file, one.line.number)}
    return PartialProcess(process, nothing, nothing, nothing, nothing, nothing, (), places)
