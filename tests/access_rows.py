"""Reads tests/access_cases/rows.txt: access checks worked out by hand (tests/access_cases/README.md)."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple
from uuid import UUID

from kdtoken.analysis.access_check.caller import DENY_ONLY, DISABLED, ENABLED, Caller
from kdtoken.analysis.access_check.request import ACCESS_CHECK, MAXIMUM_ALLOWED, OPEN, Request
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import TARGET, GenericMapping, documented_type
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid

ROWS = Path(__file__).resolve().parent / "access_cases" / "rows.txt"
PUBLIC = ROWS.with_name("public.txt")
# The one-letter GUIDs of public.txt.
GUIDS = {letter: "00000000-0000-0000-0000-0000000000%02x" % number for number, letter in enumerate("RABCDE", 1)}
PLACES = {
    "{U}": "S-1-5-21-1-2-3-1001",
    "{X}": "S-1-5-21-1-2-3-1002",
    "{G}": "S-1-5-21-1-2-3-2001",
    "{PKG2}": "S-1-15-2-9-9-9-9-9-9-9",
    "{PKG}": "S-1-15-2-1-2-3-4-5-6-7",
    "{CAP2}": "S-1-15-3-2",
    "{CAP}": "S-1-15-3-1",
    "{OR}": "S-1-3-4",
}
# SDDL's two letters, for the SIDs that the rows use ([MS-DTYP] 2.5.1.1).
ALIASES = {
    "WD": "S-1-1-0",
    "AU": "S-1-5-11",
    "BU": "S-1-5-32-545",
    "BA": "S-1-5-32-544",
    "BG": "S-1-5-32-546",
    "IU": "S-1-5-4",
    "SY": "S-1-5-18",
    "RC": "S-1-5-12",
    "AC": "S-1-15-2-1",
}
LEVELS = {"0": 0, "L": 0x1000, "M": 0x2000, "H": 0x3000, "S": 0x4000}
READY: Dict[str, Tuple[str, str, int]] = {
    "user": ("{U}", "+WD +BU +AU +IU", 0x2000),
    "filtered": ("{U}", "+WD +BU +AU +IU -BA", 0x2000),
    "admin": ("{U}", "+WD +BU +AU +IU +BA", 0x3000),
    "system": ("SY", "+BA +WD +AU", 0x4000),
    "bare": ("{U}", "", 0x2000),
}


class Row(NamedTuple):
    """One line of the file, as it stands."""

    name: str
    token: str
    descriptor: str
    object: str
    wish: str
    answer: str
    source: str


def rows(path: Path = ROWS) -> List[Row]:
    """All of a file, in order."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            found.append(Row(*[part.strip() for part in line.split(" ~ ")]))
    return found


def filled(text: str) -> str:
    """The text with its {PLACES} filled in."""
    for place, sid in PLACES.items():
        text = text.replace(place, sid)
    return re.sub(r"(?<=;)([RABCDE])(?=;;)", lambda match: GUIDS[match.group(1)], text)


def sid(text: str) -> Sid:
    """A SID by alias, place or number."""
    return Sid.from_text(ALIASES.get(text, PLACES.get(text, text)))


def caller(words: str) -> Caller:
    """The token that a row describes."""
    first, *rest = words.split()
    user, groups, level = READY[first]
    who = sid(user)
    one = Caller(first, who, {who: ENABLED}, integrity=level, privileges={}, lpac=False)
    for word in groups.split() + rest:
        one = _changed(one, word)
    return one


def _changed(one: Caller, word: str) -> Caller:
    states = {"+": ENABLED, "-": DENY_ONLY, "/": DISABLED}
    if word[0] in states:
        return one.with_sid(sid(word[1:]), states[word[0]])
    if word[0] == "@":
        return replace(one, integrity=LEVELS[word[1:]] if word[1:] in LEVELS else int(word[1:]))
    if word[:2] in ("p+", "p-"):
        return replace(one, privileges={**(one.privileges or {}), word[2:]: word[1] == "+"})
    if word == "wr":
        return replace(one, write_restricted=True)
    if word == "pkg":
        return replace(one, container=True, package=sid("{PKG}"))
    if word == "lpac":
        return replace(one, lpac=True)
    if word == "user-":
        assert one.user is not None
        return one.with_sid(one.user, DENY_ONLY)
    name, value = re.split("[:=]", word, maxsplit=1)
    if name == "user":
        assert one.user is not None
        others = {group: state for group, state in one.sids.items() if group != one.user}
        return replace(one, user=sid(value), sids={sid(value): ENABLED, **others})
    if name == "r":
        return replace(one, restricting=frozenset(sid(part) for part in value.split(",")))
    if name == "cap":
        return replace(one, capabilities=frozenset(sid(part) for part in value.split(",")))
    if name == "trust":
        return replace(one, trust=Sid.from_text("S-1-19-" + value))
    if name == "policy":
        return replace(one, policy=int(value))
    if name == "level":
        return replace(one, level=int(value))
    assert name == "prot", word
    return replace(one, protection=int(value, 16))


def descriptor(text: str) -> Optional[SecurityDescriptor]:
    """The descriptor that a row describes."""
    if text == "none":
        return None
    owned = from_sddl(filled("O:{X}G:{X}"))
    if text == "nodacl":
        return owned
    if text == "nulldacl":
        return replace(owned, dacl_state="null", control=owned.control | 0x4)
    return from_sddl(filled(text))


def request(row: Row) -> Request:
    """The row as a question to the check."""
    kind, *words = row.object.split()
    self_sid, protection, types = None, 0, []  # type: Optional[Sid], int, List[Tuple[int, UUID]]
    call = ACCESS_CHECK if "call" in words else OPEN
    for word in words:
        if word == "call" or word.startswith("map="):
            continue
        if word.startswith("prot="):
            protection = int(word[5:], 16)
        elif word.startswith("self="):
            self_sid = sid(word[5:])
        else:
            assert word.startswith("list:"), word
            for part in word[5:].split(","):
                bare = part.lstrip(">")
                types.append((len(part) - len(bare), UUID(GUIDS.get(bare, bare))))
    wish = 0
    for part in row.wish.split("|"):
        wish |= MAXIMUM_ALLOWED if part == "max" else int(part, 16)
    object_type = documented_type(kind)
    for word in words:
        if word.startswith("map="):
            mapping = GenericMapping(*[int(mask, 16) for mask in word[4:].split(",")])
            object_type = replace(object_type, mapping=mapping, origin=TARGET)
    thing = SecuredObject(None, row.name, object_type, descriptor(row.descriptor))
    return Request(caller(row.token), thing, object_type, wish, self_sid, tuple(types), protection, call)
