"""One machine as rows: what each column of schema.py gets from the model.

A value that is missing is None, and the row's `missing` says why.  So is one that does not fit its column's type: a
text or a damaged dump may say anything.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.classification import Elevation, elevation, kinds
from kdtoken.analysis.consistency import integrity_level
from kdtoken.dataset.schema import BY_NAME, TABLES
from kdtoken.machine.base import Machine
from kdtoken.model.absent import Missing, Unreadable
from kdtoken.model.filetime import NEVER
from kdtoken.model.group import Group, HalfGroup, attribute_words
from kdtoken.model.integrity import integrity_text
from kdtoken.model.luid import Luid
from kdtoken.model.process import Impersonation, ProcessDetails, ProcessDump, Thread
from kdtoken.model.protection import Protection
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import Names
from kdtoken.model.snapshot import Snapshot, token_address
from kdtoken.model.token import TYPE_PRIMARY, LogonSession, Token
from kdtoken.model.token_words import IMPERSONATION_LEVELS, TOKEN_TYPES
from kdtoken.render.walk_files import host_of
from kdtoken.render.words import clean, sid_name

Row = Dict[str, Any]
_WIDEST = {"uint8": 8, "uint32": 32, "uint64": 64}
_EPOCH = 116_444_736_000_000_000  # FILETIME of 1970-01-01 00:00 UTC
_LAST = 2_650_467_744_000_000_000  # of 10000-01-01: no date lies behind it
_SEVERITIES = {Severity.IMPOSSIBLE: "impossible", Severity.UNUSUAL: "unusual", Severity.INFORMATION: "information"}
_NULL = "the pointer is null"


class Machined(NamedTuple):
    """The rows of one machine by table (all but `sources`), and what is known of it as a whole.

    captured  FILETIME, 0 where the source does not say
    """

    tables: Dict[str, List[Row]]
    host: str
    captured: int
    build: str
    synthetic: bool
    whole: bool
    problems: Tuple[str, ...]


def rows_of(machine: Machine) -> Machined:
    """Walk a machine, with its threads, audit it, and put all into rows.  Raises as `Machine.walk`."""
    snapshot = machine.snapshot()
    about, names = machine.about, machine.names
    findings = audit(snapshot)
    host = next((found for found in (host_of(row.token) for row in snapshot.processes) if found), "")
    tables: Dict[str, List[Row]] = {table.name: [] for table in TABLES if table.name != "sources"}
    for row in snapshot.processes:
        tables["processes"].append(_process(row))
        tables["threads"] += [_thread(one, row.process.address) for one in row.threads]
    for token in _tokens(snapshot):
        tables["tokens"].append(_token(token, names))
        tables["groups"] += _groups(token, names)
        tables["privileges"] += _privileges(token)
    tables["findings"] = [_finding(one) for one in findings]
    problems = tuple(_text(one) for one in snapshot.problems)
    return Machined(tables, host, about.captured, about.build, about.synthetic, snapshot.whole, problems)


class _Cells:
    """A row that is being filled."""

    def __init__(self, table: str) -> None:
        self._types = {column.name: column.type for column in BY_NAME[table].columns}
        self.row: Row = dict.fromkeys(self._types)
        self._missing: Dict[str, str] = {}

    def put(self, name: str, value: Any, convert: Optional[Callable[[Any], Any]] = None) -> None:
        """A value, or why there is none; None stays None."""
        if isinstance(value, Missing):
            self._missing[name] = _text(str(value))
            return
        if value is not None and convert is not None:
            value = convert(value)
        bits = _WIDEST.get(self._types[name])
        if bits and value is not None and not 0 <= value < 1 << bits:
            self._missing[name] = "%d does not fit %d bits" % (value, bits)
            return
        self.row[name] = _text(value) if isinstance(value, str) else value

    def time(self, name: str, value: Any) -> None:
        """A FILETIME; 0 and what never comes are no times."""
        if isinstance(value, int) and value not in (0, NEVER):
            if 0 < value < _LAST:
                self.row[name] = microseconds(value)
            else:
                self._missing[name] = "0x%x is no date" % (value & 0xFFFFFFFFFFFFFFFF)
        else:
            self.put(name, None if isinstance(value, int) else value)

    def why(self, name: str, reason: str) -> None:
        """Why a column stays null."""
        self._missing[name] = _text(reason)

    def done(self) -> Row:
        """The row, with the reasons in the order of the columns."""
        if "missing" in self.row and self._missing:
            self.row["missing"] = [(name, self._missing[name]) for name in self.row if name in self._missing]
        return self.row


def microseconds(filetime: int) -> int:
    """FILETIME -> microseconds since 1970, rounded down."""
    return (filetime - _EPOCH) // 10


def _text(value: str) -> str:
    """Text that UTF-8 can hold: what a target said may hold halves of surrogate pairs."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return clean(value)
    return value


def _luid(value: Luid) -> int:
    return value.value


def _process(row: ProcessDump) -> Row:
    cells, process, details = _Cells("processes"), row.process, row.details
    cells.put("eprocess", process.address)
    cells.put("pid", process.pid)
    cells.put("image", process.image_name)
    cells.put("parent_pid", process.parent_pid)
    if isinstance(details, ProcessDetails):
        cells.time("created", details.create_time)
        cells.time("ended", details.exit_time)
        cells.put("session", details.session_id)
        cells.put("protection", details.protection)
        cells.put("protection_name", details.protection, lambda level: str(Protection(level)))
    else:
        for name in ("created", "ended", "session", "protection", "protection_name"):
            cells.put(name, details)
    if isinstance(process.token, Missing):
        cells.put("token", process.token)
    elif token_address(row):
        cells.put("token", token_address(row))
    else:
        cells.why("token", "the reference is null")
    cells.put("thread_count", len(row.threads))
    return cells.done()


def _thread(thread: Thread, eprocess: int) -> Row:
    cells, acts = _Cells("threads"), thread.impersonation
    cells.put("ethread", thread.address)
    cells.put("eprocess", eprocess)
    cells.put("pid", thread.pid)
    cells.put("tid", thread.tid)
    if isinstance(acts, Impersonation):
        cells.put("token", acts.token)
        cells.put("level", acts.level, _level)
        cells.put("effective_only", acts.effective_only, bool)
    else:
        cells.put("token", acts)
    cells.put("problems", [_text(one) for one in thread.problems])
    return cells.done()


def _tokens(snapshot: Snapshot) -> List[Token]:
    """Every token that can be told from others; one without an address is nobody's."""
    return [token for token in snapshot.tokens() if token.address]


def _token(token: Token, names: Names) -> Row:
    cells, session = _Cells("tokens"), token.logon_session
    cells.put("token", token.address)
    cells.put("user_sid", token.user, str)
    cells.put("user_name", token.user, lambda sid: sid_name(sid, token, names))
    _integrity(cells, token)
    known = elevation(token)
    if known is Elevation.UNKNOWN:
        cells.why("elevation", _why_no_elevation(token))
    else:
        cells.put("elevation", known.name.lower())
    cells.put("type", token.token_type, lambda number: TOKEN_TYPES.get(number, "unknown (%d)" % number).lower())
    if token.token_type != TYPE_PRIMARY:
        cells.put("impersonation_level", token.impersonation_level, _level)
    cells.put("session", token.session_id)
    cells.put("flags", token.flags)
    cells.put("flag_names", token.flags, lambda flags: list(token.flag_words))
    cells.put("confined", token.flags, lambda flags: list(kinds(token)))
    cells.put("mandatory_policy", token.mandatory_policy)
    cells.put("token_id", token.token_id, _luid)
    cells.put("modified_id", token.modified_id, _luid)
    cells.put("parent_token_id", token.parent_token_id, _luid)
    cells.put("logon_id", token.authentication_id, _luid)
    cells.put("origin_logon_id", token.originating_logon_session, _luid)
    for name, attribute in (("logon_account", "account_name"), ("logon_authority", "authority_name")):
        cells.put(name, getattr(session, attribute) if isinstance(session, LogonSession) else session)
    cells.put("source_name", token.source_name)
    lists = (token.user_and_groups, token.restricted_sids, token.capabilities)
    cells.put("group_count", token.user_and_groups, lambda _: sum(len(one) for one in lists if isinstance(one, tuple)))
    cells.put("privilege_count", token.privileges, len)
    cells.put("problems", [_text(one) for one in token.problems])
    return cells.done()


def _integrity(cells: _Cells, token: Token) -> None:
    level, label = integrity_level(token), token.integrity
    if level is not None:
        cells.put("integrity", level)
        cells.put("integrity_name", integrity_text(level).replace(" Mandatory Level", ""))
    else:  # None is a token that has no label
        cells.put("integrity", label if isinstance(label, Missing) else None)
        cells.put("integrity_name", label if isinstance(label, Missing) else None)


def _why_no_elevation(token: Token) -> str:
    session = token.logon_session
    parts = (session, token.flags, session.buddy_logon_id if isinstance(session, LogonSession) else None)
    return next((str(one) for one in parts if isinstance(one, Missing)), _NULL)


def _level(number: int) -> str:
    return IMPERSONATION_LEVELS.get(number, "unknown (%d)" % number).lower()


def _groups(token: Token, names: Names) -> List[Row]:
    made: List[Row] = []
    lists = (
        ("groups", token.user_and_groups),
        ("restricted", token.restricted_sids),
        ("capabilities", token.capabilities),
    )
    for word, listed in lists:
        for position, group in enumerate(listed if isinstance(listed, tuple) else ()):
            cells = _Cells("groups")
            cells.put("token", token.address)
            cells.put("list", "user" if word == "groups" and position == 0 else word)
            cells.put("position", position)
            sid, attributes = _halves(group)
            cells.put("sid", sid, str)
            cells.put("name", sid, lambda sid: sid_name(sid, token, names))
            cells.put("attributes", attributes)
            cells.put("attribute_names", attributes, lambda bits: list(attribute_words(bits)))
            cells.put("enabled", attributes, lambda bits: Group(_NOBODY, bits).enabled)
            cells.put("deny_only", attributes, lambda bits: Group(_NOBODY, bits).deny_only)
            made.append(cells.done())
    return made


_NOBODY = Sid(0, (0,))  # S-1-0-0


def _halves(group: Any) -> Tuple[Any, Any]:
    """(SID, attributes) of an entry, each a value or why it is none."""
    if isinstance(group, Group):
        return group.sid, group.attributes
    if isinstance(group, HalfGroup):
        why = Unreadable(group.address, group.reason, group.hint)
        return why if group.sid is None else group.sid, why if group.attributes is None else group.attributes
    return group, group


def _privileges(token: Token) -> List[Row]:
    if isinstance(token.privileges, Missing):
        return []
    made = []
    for one in token.privileges:
        cells = _Cells("privileges")
        cells.put("token", token.address)
        cells.put("number", one.number)
        cells.put("name", one.name)
        cells.put("present", one.present)
        cells.put("enabled", one.enabled)
        cells.put("enabled_by_default", one.enabled_by_default)
        cells.put("sensitive", one.danger is not None)
        made.append(cells.done())
    return made


def _finding(finding: Finding) -> Row:
    cells = _Cells("findings")
    cells.put("rule", finding.rule)
    cells.put("severity", _SEVERITIES[finding.severity])
    cells.put("saw", finding.saw)
    cells.put("identity", finding.identity)
    if finding.processes:
        process = finding.processes[0].process
        cells.put("eprocess", process.address)
        for name, value in (("pid", process.pid), ("image", process.image_name)):
            cells.put(name, None if isinstance(value, Missing) else value)
    cells.put("tokens", [one for one in finding.tokens if 0 <= one < 1 << 64])
    cells.put("evidence", [_text(_fact(one.what, one.value, one.address)) for one in finding.evidence])
    return cells.done()


def _fact(what: str, value: str, address: int) -> str:
    return "%s: %s" % (what, value) + (" (at 0x%x)" % address if address else "")


def source_row(path: str, made: Optional[Machined], **values: Any) -> Row:
    """The row of `sources`; `values` are the columns that are no machine's."""
    cells = _Cells("sources")
    cells.put("path", path)
    if made is not None:
        cells.put("build", made.build or None)
        cells.put("synthetic", made.synthetic)
        cells.put("whole", made.whole)
        for name in ("processes", "tokens", "threads"):
            cells.put(name, len(made.tables[name]))
        cells.put("problems", list(made.problems))
    for name, value in values.items():
        cells.put(name, value)
    return cells.done()
