"""The text of the user-mode debugger's `!threadtoken` -> a token: groups without attributes, counts before the lists."""

import re
from typing import Any, Dict, List, Optional, Sequence, Tuple

from kdtoken.model.absent import NOT_SAID_HERE, Fragment, Maybe, NotSaid
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import NUMBERS, Privilege
from kdtoken.model.sid import Sid
from kdtoken.view.debugger.token_labels import LEVELS, TYPES
from kdtoken.view.lines import Line, command_of
from kdtoken.view.partial import PartialGroup, PartialPrivilege, PartialToken, TextPlace, partial_token
from kdtoken.view.words import sid_of

VIEW = "!threadtoken"
_BEGIN = re.compile(r"\s*\*{3}Thread is (?:not )?impersonating")
_LUID = re.compile(
    r"\s*(Auth Id|Token Id|Mod Id|Modified Id|Parent Id)\s+([0-9a-f]{1,8}) : 0x([0-9a-f]{1,8})\s*$", re.IGNORECASE
)
_WORD = re.compile(r"\s*(Type|Imp Level)\s+(\w{4,20})\s*$", re.IGNORECASE)
_COUNT = re.compile(r"\s*(Groups|Privileges)\s+(\d{1,4})\s*$")
_USER = re.compile(r"\s*User\s+(S-1-[0-9-]{1,200})\s*$")
_SID = re.compile(r"\s*(S-1-[0-9-]{1,200})\s*$")
_PRIVILEGE = re.compile(r"\s*(Se[A-Za-z]{3,60}) \( ?((?:(?:Enabled|Default) )*)\)\s*$")
_LUIDS = {"auth id": "authentication_id", "token id": "token_id", "mod id": "modified_id", "modified id": "modified_id"}


def read_thread_tokens(lines: Sequence[Line], file: str) -> Tuple[List[PartialToken], List[Line]]:
    """All tokens of this form, and their lines."""
    tokens: List[PartialToken] = []
    used: List[Line] = []
    block: Optional[List[Line]] = None
    for line in [*lines, Line(0, "kd>")]:
        begins = "***" in line.text and _BEGIN.match(line.text) is not None
        if block is not None and (begins or _is_end(line.text)):
            token = _token(block, file)
            if token is not None:
                tokens.append(token)
                used += block
            block = None
        if begins:
            block = [line]
        elif block is not None:
            block.append(line)
    return tokens, used


def _is_end(text: str) -> bool:
    """Whether a block of lines ends there: at an empty line, also in a run (view.runs), or at a prompt."""
    return not text.strip() or "\n\n" in text or command_of(text) is not None


def _token(block: Sequence[Line], file: str) -> Optional[PartialToken]:
    fields: Dict[str, Any] = {}
    places = {"user": TextPlace(file, block[0].number)}
    user: Maybe[Group] = NOT_SAID_HERE
    counts: Dict[str, int] = {}
    sids: List[Sid] = []
    privileges: List[Privilege] = []
    for line in block[1:]:
        luid, word, count = _LUID.match(line.text), _WORD.match(line.text), _COUNT.match(line.text)
        if luid and luid.group(1).lower() in _LUIDS:
            fields[_LUIDS[luid.group(1).lower()]] = Luid(int(luid.group(2), 16), int(luid.group(3), 16))
        elif word:
            name = "token_type" if word.group(1) == "Type" else "impersonation_level"
            number = (TYPES if word.group(1) == "Type" else LEVELS).get(word.group(2).lower())
            if number is not None:
                fields[name] = number
        elif count:
            counts[count.group(1)] = int(count.group(2))
        else:
            user = _row(line.text, counts, user, sids, privileges)
    if not fields or not (counts or isinstance(user, Group)):
        return None
    groups: Tuple[Maybe[Group], ...] = (
        user,
        *(HalfGroup(0, "its attributes are not printed", sid=sid) for sid in sids),
    )
    if "Groups" in counts or isinstance(user, Group):
        whole = counts.get("Groups") == len(sids)
        fields["user_and_groups"] = groups if whole else Fragment(groups, "the text does not list all of its groups")
    if "Privileges" in counts:
        held = tuple(sorted(privileges, key=lambda one: one.number))
        whole = counts["Privileges"] == len(held)
        fields["privileges"] = held if whole else Fragment(held, "the text does not list all that it counts")
    incomplete = tuple(name for name in ("user_and_groups", "privileges") if isinstance(fields.get(name), Fragment))
    first = (PartialGroup(user.sid, 0),) if isinstance(user, Group) else ()
    return PartialToken(
        VIEW,
        partial_token(VIEW, 0, fields),
        places,
        groups=first + tuple(PartialGroup(sid, NotSaid(VIEW)) for sid in sids),
        privileges=tuple(PartialPrivilege(p.name, p.number, p.enabled, bool(p.enabled_by_default)) for p in privileges),
        incomplete=incomplete,
        never_shown=("user_and_groups: printed without attributes",),
    )


def _row(
    text: str, counts: Dict[str, int], user: Maybe[Group], sids: List[Sid], privileges: List[Privilege]
) -> Maybe[Group]:
    """A row of a list, or the user; returns the user."""
    found, row, privilege = _USER.match(text), _SID.match(text), _PRIVILEGE.match(text)
    sid = sid_of((found or row).group(1)) if found or row else None  # type: ignore[union-attr]
    if found and sid is not None:
        return Group(sid, 0)
    if row and sid is not None and "Groups" in counts and "Privileges" not in counts:
        sids.append(sid)
    if privilege and privilege.group(1) in NUMBERS:
        words = privilege.group(2).split()
        number = NUMBERS[privilege.group(1)]
        privileges.append(Privilege(number, privilege.group(1), True, "Enabled" in words, "Default" in words))
    return user
