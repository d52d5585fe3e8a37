"""The same report for programs: JSON in which every absence says what it is.

    {"unreadable": "0xffff...", "reason": "paged out"}    memory that could not be read
    {"absent": "_TOKEN.TrustLevelSid"}                     this build has no such field
    {"not_said": "!token"}                                 that view does not tell it
    {"not_asked": "0xffff..."}                             it lies there, and was left alone
    null                                                   a null pointer

Addresses, LUIDs, times and whatever else needs more than 53 bits are hexadecimal text, since
64-bit numbers do not survive every reader.  A number that has a name is {"value": ..., "words": ...}.
dump.schema.json and walk.schema.json describe every key.
"""

import json
from typing import Any, Callable, Dict, List, Sequence

from kdtoken.analysis.classification import Remark, dump_remarks, elevation, kinds, token_remarks
from kdtoken.analysis.consistency import integrity_level
from kdtoken.model.absent import Absent, Fragment, NotAsked, NotSaid, Unreadable
from kdtoken.model.access_mask import mask_words
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.group import Group, HalfGroup, attribute_words
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import CrossCheck, FastRef, Impersonation, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.protection import Protection
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import AttributeList, Diagnostics, LogonSession, Origin, RawMember, SidHash, Token
from kdtoken.model.token_words import (
    IMPERSONATION_LEVELS,
    MANDATORY_POLICY,
    TOKEN_TYPES,
    bit_words,
    value_word,
)
from kdtoken.render.words import account_of, time

SCHEMA = 1
# Of details: what only the dump of a single process has.
OF_DUMPS = ("origins", "unnamed")
# Numbers that are addresses, whatever part of the model they are in.
ADDRESSES = {
    "address",
    "token_lock",
    "dynamic_part",
    "lowbox_handles_entry",
    "trust_linked_token",
    "index_entry",
    "bno_isolation_handles_entry",
    "session_object",
    "variable_part",
    "sid_attr",
    "token",
    "thread_list_head",
}
SAFE = 1 << 53  # integers below it survive a reader that keeps numbers as doubles
# Numbers that have words, by the attribute's name in the model.
WORDS: Dict[str, Callable[[int], Any]] = {
    "mandatory_policy": lambda v: list(bit_words(v, MANDATORY_POLICY)),
    "token_type": lambda v: value_word(v, TOKEN_TYPES),
    "impersonation_level": lambda v: value_word(v, IMPERSONATION_LEVELS),
    "level": lambda v: value_word(v, IMPERSONATION_LEVELS),
    "protection": lambda v: str(Protection(v)),
    "expiration_time": time,
    "create_time": time,
    "exit_time": time,
}


_NAMED_ROWS = frozenset((ProcessDetails, Impersonation))
_ROWS = frozenset((LogonSession, Diagnostics, Process, Thread, CrossCheck))


def plain(value: Any, name: str = "", why: bool = False, names: Names = NO_NAMES) -> Any:
    """A model value as JSON types; `names` are those of its source."""
    kind = type(value)  # first what nearly all values are
    if kind is int:
        return hex(value) if name in ADDRESSES or not -SAFE < value < SAFE else value
    if kind is str or kind is bool or value is None:
        return value
    if kind in _NAMED_ROWS:  # a walk has two of these a process
        return {key: named(item, key, names) for key, item in vars(value).items() if key not in OF_DUMPS}
    if kind in _ROWS:
        return {key: plain(item, key, names=names) for key, item in vars(value).items()}
    if isinstance(value, Unreadable):
        # A text has no addresses of what it does not show.
        row: Dict[str, Any] = {"unreadable": hex(value.address) if value.address else None, "reason": value.reason}
        if value.hint:
            row["hint"] = value.hint
        if isinstance(value, HalfGroup):
            if value.sid is not None:
                row["sid"] = str(value.sid)
            if value.attributes is not None:
                row["attributes"] = list(attribute_words(value.attributes))
        return row
    if isinstance(value, Absent):
        return {"absent": value.what}
    if isinstance(value, NotSaid):
        return {"not_said": value.what, "hint": value.hint} if value.hint else {"not_said": value.what}
    if isinstance(value, NotAsked):
        return {"not_asked": hex(value.address)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Sid):
        return {"sid": str(value), "name": names.of(value)}
    if isinstance(value, Luid):
        return str(value)
    if isinstance(value, Group):
        return {"sid": str(value.sid), "name": names.of(value.sid), "attributes": list(value.words)}
    if isinstance(value, Privilege):
        return {
            "number": value.number,
            "name": value.name,
            "present": value.present,
            "enabled": value.enabled,
            "default": value.enabled_by_default,
        }
    if isinstance(value, Ace):
        known = value.mask is not None
        return {
            "type": value.type_name,
            "flags": list(value.flag_words),
            "mask": hex(value.mask or 0) if known else None,
            "rights": list(mask_words(value.mask or 0)) if known else None,
            "sid": plain(value.sid, names=names),
            "problem": value.problem,
        }
    if isinstance(value, Acl):
        return {
            "revision": value.revision,
            "count": value.count,
            "aces": [plain(a, names=names) for a in value.aces],
            "problem": value.problem,
        }
    if isinstance(value, Token):
        return _token(value, why, names)
    if isinstance(value, AttributeList):
        return {"address": hex(value.address), "counts": {key: plain(count) for key, count in value.counts}}
    if isinstance(value, FastRef):
        return {
            "value": hex(value.value),
            "mask": hex(value.mask),
            "object": hex(value.object),
            "ref_count": value.ref_count if value.mask else None,
        }
    if isinstance(value, RawMember):
        return _raw_member(value)
    if isinstance(value, (tuple, list)):
        return [plain(item, names=names) for item in value]
    if isinstance(value, SidHash):
        return {"count": value.count, "sid_attr": hex(value.sid_attr), "words": [hex(word) for word in value.words]}
    raise TypeError("no JSON form for %s" % type(value).__name__)


def named(value: Any, name: str, names: Names = NO_NAMES) -> Any:
    """A number with its words, where it has some; else as `plain`."""
    if isinstance(value, int) and not isinstance(value, bool) and name in WORDS:
        # A time is a LARGE_INTEGER, of which people write the 64 bits: all ones is no -1.
        shown = hex(value & 0xFFFFFFFFFFFFFFFF) if name.endswith("_time") else value
        return {"value": shown, "words": WORDS[name](value)}
    return plain(value, name, names=names)


def _token(token: Token, why: bool, names: Names) -> Dict[str, Any]:
    row = {key: named(item, key, names) for key, item in vars(token).items() if key not in ("origins", "problems")}
    row["flags"] = token_flags(token)
    row["user"] = plain(token.user, names=names)
    row["account"] = account_of(token)
    row["integrity"] = plain(token.integrity, names=names)
    row["integrity_level"] = integrity_level(token)
    row["elevation"] = elevation(token).name.lower()
    row["confined"] = list(kinds(token))
    row["problems"] = list(token.problems)
    parts = {key: item for key, item in vars(token).items() if isinstance(item, Fragment)}
    if parts:
        row["partial"] = {key: {"why": item.why, "notes": list(item.notes)} for key, item in parts.items()}
    if why:
        row["origins"] = {key: _origin(origin) for key, origin in token.origins.items()}
    return row


def _raw_member(value: RawMember) -> Dict[str, Any]:
    return {
        "member": value.member,
        "type": value.c_type,
        "address": hex(value.address),
        "raw": plain(value.raw),
        "value": None if value.number is None else hex(value.number),
        "word": value.word or None,
    }


def token_flags(token: Token) -> Any:
    """TokenFlags with its words, which depend on more than the number."""
    return (
        plain(token.flags)
        if not isinstance(token.flags, int)
        else {"value": token.flags, "words": list(token.flag_words)}
    )


def _origin(origin: Origin) -> Dict[str, str]:
    return {"type": origin.type, "field": origin.field, "address": hex(origin.address), "raw": origin.raw.hex()}


def _remarks(remarks: List[Remark]) -> List[Dict[str, Any]]:
    return [{"text": remark.text, "serious": remark.serious} for remark in remarks]


def dump_to_json(
    dump: ProcessDump,
    about: Dict[str, Any],
    why: bool = False,
    names: Names = NO_NAMES,
    findings: Sequence[Dict[str, Any]] = (),
) -> str:
    """A process dump as JSON text, keys in a fixed order."""
    row: Dict[str, Any] = {
        "kdtoken": SCHEMA,
        "about": about,
        "process": plain(dump.process),
        "details": plain(dump.details),
        "image_path": plain(dump.image_path),
        "token": plain(dump.token, why=why, names=names),
        "linked": plain(dump.linked, why=why, names=names),
        "threads": [plain(thread) for thread in dump.threads],
        "tokens": {hex(address): plain(token, why=why, names=names) for address, token in sorted(dump.tokens.items())},
        "shared_with": plain(dump.shared_with),
        "cross_check": plain(dump.cross_check),
        "findings": list(findings),
        "remarks": _remarks(dump_remarks(dump)),
        "problems": list(dump.problems),
    }
    if isinstance(dump.details, ProcessDetails):
        row["details"]["unnamed"] = plain(dump.details.unnamed)
    return json.dumps(row, indent=1, ensure_ascii=True)


def token_to_json(token: Token, about: Dict[str, Any], why: bool = False, names: Names = NO_NAMES) -> str:
    """A token by itself as JSON text."""
    row = {
        "kdtoken": SCHEMA,
        "about": about,
        "token": plain(token, why=why, names=names),
        "remarks": _remarks(token_remarks(token)),
    }
    return json.dumps(row, indent=1, ensure_ascii=True)
