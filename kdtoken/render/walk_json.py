"""The processes of a walk as JSON, a line each, made as they are printed; walk.schema.json describes every key."""

from __future__ import annotations

import json
from functools import lru_cache
from operator import attrgetter
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from kdtoken.analysis.audit.finding import Finding, by_process
from kdtoken.analysis.classification import elevation, kinds
from kdtoken.analysis.consistency import integrity_level
from kdtoken.frozen import member_names
from kdtoken.model.absent import Maybe, Missing
from kdtoken.model.luid import Luid
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import Token
from kdtoken.render.audit import remarks_data
from kdtoken.render.json import ADDRESSES, OF_DUMPS, SAFE, SCHEMA, WORDS, named, plain, token_flags
from kdtoken.render.words import account_of, show, sid_name, time


def json_lines(
    rows: Sequence[ProcessDump],
    about: Dict[str, Any],
    problems: Sequence[str],
    with_threads: bool,
    names: Names = NO_NAMES,
    findings: Sequence[Finding] = (),
) -> Iterator[str]:
    """One JSON document, made as it is printed; a process a line, so that it can be read and compared."""
    yield json.dumps({"kdtoken": SCHEMA, "about": about, "problems": list(problems)})[:-1] + ', "processes": ['
    before = ""
    for line in json_rows(rows, with_threads, names, findings):
        if before:
            yield before + ","
        before = " " + line
    yield before
    yield "]}"


def json_rows(
    rows: Iterable[ProcessDump], with_threads: bool, names: Names = NO_NAMES, findings: Sequence[Finding] = ()
) -> Iterator[str]:
    """The JSON of each process, on one line."""
    parts = _Parts()
    known: Dict[int, str] = {}
    found = by_process(findings)

    def token_text(token: Maybe[Optional[Token]]) -> str:
        """A token's JSON, made once: many processes may share it."""
        if not isinstance(token, Token):
            return json.dumps(plain(token))
        text = known.get(token.address)
        if text is None:
            if len(known) >= _MOST_TOKENS:
                known.clear()
            text = known[token.address] = _lean(token, names, parts)
        return text

    for row in rows:
        details, remarks = row.details, found.get(row.process.address)
        line = '{"process": ' + _PROCESS.text(row.process) + ', "details": '
        line += _DETAILS.text(details) if isinstance(details, ProcessDetails) else json.dumps(plain(details))
        line += ', "token": ' + token_text(row.token)
        line += ', "remarks": ' + (json.dumps(remarks_data(remarks, row.process.address)) if remarks else "[]")
        if with_threads:
            tokens = ", ".join('"0x%x": %s' % (a, token_text(t)) for a, t in sorted(row.tokens.items()))
            line += ', "threads": %s, "tokens": {%s}' % (json.dumps([plain(t) for t in row.threads]), tokens)
        yield line + "}"


class _Writer:
    """The JSON of values of a class, member for member what `named` makes of them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._form = "{%s}" % ", ".join('"%s": %%s' % name for name in names)
        self._values = attrgetter(*names)
        self._writers = [self._writer(name) for name in names]

    def text(self, value: Any) -> str:
        """Of one value."""
        return self._form % tuple([write(one) for write, one in zip(self._writers, self._values(value))])

    @staticmethod
    def _writer(name: str) -> Callable[[Any], str]:
        """What writes a member: at once what nearly all are, the rest as everywhere."""
        is_time, is_address, is_number = name.endswith("_time"), name in ADDRESSES, name not in WORDS

        def write(value: Any) -> str:
            kind = type(value)
            if kind is int:
                if is_address:
                    return '"%s"' % hex(value)
                if is_time:
                    return '{"value": "0x%x", "words": %s}' % (value & 0xFFFFFFFFFFFFFFFF, _quoted(time(value)))
                if is_number and 0 <= value < SAFE:
                    return "%d" % value
            if kind is str:
                return _quoted(value)
            if kind is FastRef and value.mask:
                form = '{"value": "0x%x", "mask": "0x%x", "object": "0x%x", "ref_count": %d}'
                return form % (value.value, value.mask, value.object, value.ref_count)
            return _named_text(name, value)

        return write


@lru_cache(maxsize=1024)
def _named_text(name: str, value: Any) -> str:
    return json.dumps(named(value, name))


_quoted = json.encoder.encode_basestring_ascii
_PROCESS = _Writer(member_names(Process))
_DETAILS = _Writer([name for name in member_names(ProcessDetails) if name not in OF_DUMPS])

# Kept at once; a machine has a few hundred.
_MOST_PARTS = 4096


class _Parts:
    """Pieces of JSON that many tokens have in common, each made once."""

    def __init__(self) -> None:
        self._texts: Dict[Any, str] = {}
        self._kinds: Dict[Any, Tuple[Token, str, str]] = {}

    def of(self, name: str, on: Any, make: Callable[[], Any]) -> str:
        """`"name": value`; `on` is all that the value hangs on."""
        key = name, type(on), on  # True is no 1 here
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= _MOST_PARTS:
                self._texts.clear()
            text = self._texts[key] = '"%s": %s' % (name, json.dumps(make()))
        return text

    def around(self, token: Token, names: Names) -> Tuple[str, str]:
        """All that tokens of one kind have in common: what stands in front of a token's id and behind it."""
        if type(token.user) is not Sid:  # what is wrong with it may name the token's own address
            return _around(token, names, self)
        key = (
            # Decoders see to it that what is equal is one object; two that are not are two kinds, and no harm.
            id(token.user_and_groups),
            id(token.privileges),
            id(token.logon_session),
            id(token.authentication_id),
            token.package if type(token.package) is Sid else None,
            token.session_id,
            token.token_type,
            token.impersonation_level,
            token.flags,
            token.integrity_level_index,
            token.has_admin_group_bit,
        )
        known = self._kinds.get(key)
        if known is None:
            if len(self._kinds) >= _MOST_PARTS:
                self._kinds.clear()
            # With the token, so that nothing else gets the id of what it has.
            known = self._kinds[key] = (token, *_around(token, names, self))
        return known[1], known[2]


_MOST_TOKENS = 512  # whole ones, in case that other processes have them, too


_LEAN = ("session_id", "token_type", "impersonation_level")


def _lean(token: Token, names: Names, parts: _Parts) -> str:
    """The part of a token that a walk reads, as JSON."""
    before, behind = parts.around(token, names)
    luid = token.token_id
    form = '{"address": "0x%x", %s, "token_id": %s, %s, "problems": %s}'
    mine = '"%s"' % luid if type(luid) is Luid else json.dumps(plain(luid))
    problems = json.dumps(list(token.problems)) if token.problems else "[]"
    return form % (token.address, before, mine, behind, problems)


def _around(token: Token, names: Names, parts: _Parts) -> Tuple[str, str]:
    """What stands in front of a token's id and behind it."""
    user, flags, privileges = token.user, token.flags, token.privileges
    cells: List[str] = []
    for name in _LEAN:
        value = getattr(token, name)
        cells.append(parts.of(name, value, lambda name=name, value=value: named(value, name)))  # type: ignore[misc]
    cells.append(parts.of("flags", (flags, token.has_admin_group_bit), lambda: token_flags(token)))
    cells.append(parts.of("authentication_id", token.authentication_id, lambda: plain(token.authentication_id)))
    before, cells = ", ".join(cells), []
    cells.append(parts.of("user", user, lambda: plain(user, names=names)))
    account = account_of(token)  # a user that nobody can name is named by the logon session
    cells.append(parts.of("user_name", (user, account), lambda: show(user, lambda sid: sid_name(sid, token, names))))
    cells.append('"integrity": ' + json.dumps(integrity_level(token)))
    cells.append('"elevation": "%s"' % elevation(token).name.lower())
    cells.append(parts.of("confined", kinds(token), lambda: list(kinds(token))))
    if isinstance(privileges, Missing):
        cells.append('"enabled_privileges": ' + json.dumps(plain(privileges)))
    else:
        enabled = tuple([one.name for one in privileges if one.present and one.enabled])
        cells.append(parts.of("enabled_privileges", enabled, lambda: enabled))
    return before, ", ".join(cells)
