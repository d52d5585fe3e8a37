"""What the tables of a lake and their columns are: the one list, from which files are made and the docs are told.

VERSION changes when a column changes its meaning or goes away, or when the folder is laid out otherwise; a lake of a
newer version is not read.  A column that is added at the end leaves it as it is: in older parts it reads as null.
"""

from typing import Dict, NamedTuple, Tuple

VERSION = 1
# Columns that stand in a part's path and not in its file, in this order.
PARTITION = ("host", "captured", "source")


class Column(NamedTuple):
    """A column.

    name    as SQL knows it
    type    of Arrow: "uint64", "string", "timestamp" (microseconds, UTC), "list<string>", "map<string, string>"
    c_type  the member of the kernel and its C type, or what it is derived from
    doc     what it says; its unit where it has one
    kind    "address" or "luid": a number that people and JSON get in hexadecimal; else ""
    """

    name: str
    type: str
    c_type: str
    doc: str
    kind: str = ""


class Table(NamedTuple):
    """A table: what one row of it is, and its columns behind those of PARTITION."""

    name: str
    doc: str
    columns: Tuple[Column, ...]


_IDENTITY = (
    Column("host", "string", "-", "the machine's name, by the account of SYSTEM's logon session; null where unknown"),
    Column("captured", "timestamp", "FILETIME", "when the source says it was taken, UTC, whole seconds; null if not"),
    Column("source", "string", "-", "hash of the source's content: 32 hex digits, the same wherever the file lies"),
)
_MISSING = Column(
    "missing",
    "map<string, string>",
    "-",
    "column of this row -> why it is null: unreadable at an address, not in this build, not said; null if none is",
)
_EPROCESS = Column("eprocess", "uint64", "_EPROCESS *", "address of the process object", "address")
_TOKEN = Column(
    "token", "uint64", "_TOKEN *", "address of the token object; with host, captured, source it joins", "address"
)
_SID = Column("sid", "string", "SID", "S-1-...")
_NAME = Column("name", "string", "-", "the SID's name, as far as it can be told without asking the machine")

TABLES: Tuple[Table, ...] = (
    Table(
        "sources",
        "one source that was added, readable or not; its row is written last: what has none is not there",
        (
            Column("path", "string", "-", "as it was named when it was added first"),
            Column("kind", "string", "-", "crash_dump, memory, recording, log, collected; null where it is none"),
            Column("size", "uint64", "bytes", "of the file as it lies there"),
            Column(
                "modified",
                "int64",
                "ns since 1970, UTC",
                "of the file; with path and size it tells that nothing changed",
            ),
            Column(
                "sample",
                "string",
                "-",
                "hash of the bytes that were looked at for `source`: all, or of large files a part",
            ),
            Column("build", "string", "-", "version of the kernel, as 10.0.22000; null where it is not told"),
            Column("synthetic", "bool", "-", "made for tests: no real machine's"),
            Column("whole", "bool", "-", "the list of processes was seen from end to end"),
            Column("processes", "uint32", "-", "rows of `processes`; likewise below"),
            Column("tokens", "uint32", "-", ""),
            Column("threads", "uint32", "-", ""),
            Column("part_bytes", "uint64", "bytes", "of the source's other files in the lake"),
            Column("problems", "list<string>", "-", "what was wrong with the lists that were walked"),
            Column("error", "string", "-", "why nothing could be read; null where something could"),
            Column("kdtoken", "string", "-", "version of kdtoken that read it"),
        ),
    ),
    Table(
        "processes",
        "one process of one source, ended ones too",
        (
            _EPROCESS,
            Column("pid", "uint64", "UniqueProcessId, void *", ""),
            Column("image", "string", "ImageFileName, UCHAR[15]", "at most 15 bytes of the file's name"),
            Column("parent_pid", "uint64", "InheritedFromUniqueProcessId, void *", "which may have been used again"),
            Column("created", "timestamp", "CreateTime, LARGE_INTEGER", "UTC"),
            Column("ended", "timestamp", "ExitTime, LARGE_INTEGER", "UTC; null while it runs"),
            Column("session", "uint32", "_MM_SESSION_SPACE.SessionId, ULONG", "null outside all sessions"),
            Column("protection", "uint8", "_PS_PROTECTION.Level, UCHAR", "0: not protected"),
            Column("protection_name", "string", "-", "PsProtectedSignerLsa-Light; `not protected`"),
            Column(
                "token",
                "uint64",
                "Token, _EX_FAST_REF",
                "address of its primary token, reference bits removed",
                "address",
            ),
            Column("thread_count", "uint32", "-", "rows of `threads` for it"),
            _MISSING,
        ),
    ),
    Table(
        "tokens",
        "one token object, once, whoever runs on it",
        (
            _TOKEN,
            Column("user_sid", "string", "UserAndGroups[0], SID", ""),
            Column("user_name", "string", "-", "by its logon session, else by what its SID says"),
            Column("integrity", "uint32", "label of the groups, ULONG", "0x2000 is Medium; null where it has no label"),
            Column("integrity_name", "string", "-", "Medium, High, ..."),
            Column(
                "elevation", "string", "TOKEN_ELEVATION_TYPE", "default, full, limited; null where it cannot be told"
            ),
            Column("type", "string", "TokenType, ULONG", "primary or impersonation"),
            Column("impersonation_level", "string", "ImpersonationLevel, ULONG", "of an impersonation token"),
            Column("session", "uint32", "SessionId, ULONG", ""),
            Column("flags", "uint32", "TokenFlags, ULONG", ""),
            Column("flag_names", "list<string>", "-", "of the bits of flags that are set"),
            Column(
                "confined", "list<string>", "-", "AppContainer, restricted, write-restricted, UIAccess, sandbox-inert"
            ),
            Column("mandatory_policy", "uint32", "MandatoryPolicy, ULONG", "1 no write up, 2 new process min"),
            Column("token_id", "uint64", "TokenId, LUID", "", "luid"),
            Column("modified_id", "uint64", "ModifiedId, LUID", "changes with each adjustment", "luid"),
            Column("parent_token_id", "uint64", "ParentTokenId, LUID", "0 where it has none", "luid"),
            Column("logon_id", "uint64", "AuthenticationId, LUID", "the logon session that it stands for", "luid"),
            Column("origin_logon_id", "uint64", "OriginatingLogonSession, LUID", "who asked for that logon", "luid"),
            Column("logon_account", "string", "AccountName, UNICODE_STRING", "of the logon session"),
            Column("logon_authority", "string", "AuthorityName, UNICODE_STRING", "of the logon session"),
            Column("source_name", "string", "TokenSource.SourceName, CHAR[8]", "who made it: User32, Advapi, *SYSTEM*"),
            Column("group_count", "uint32", "-", "rows of `groups` for it; null where the list could not be read"),
            Column("privilege_count", "uint32", "-", "rows of `privileges` for it; null where they could not be read"),
            Column("problems", "list<string>", "-", "what was wrong with it"),
            _MISSING,
        ),
    ),
    Table(
        "groups",
        "one SID that a token lists",
        (
            _TOKEN,
            Column("list", "string", "-", "user, groups, restricted or capabilities"),
            Column("position", "uint32", "-", "in the list, from 0; the user is 0 of UserAndGroups"),
            _SID,
            _NAME,
            Column("attributes", "uint32", "SE_GROUP_*, ULONG", ""),
            Column("attribute_names", "list<string>", "-", "of the bits of attributes"),
            Column("enabled", "bool", "SE_GROUP_ENABLED", "it counts for allow entries"),
            Column("deny_only", "bool", "SE_GROUP_USE_FOR_DENY_ONLY", "it counts for deny entries only"),
            _MISSING,
        ),
    ),
    Table(
        "privileges",
        "one privilege that a token has a bit of",
        (
            _TOKEN,
            Column(
                "number",
                "uint32",
                "bit of Privileges.Present, ULONGLONG",
                "low half of its LUID: 20 is SeDebugPrivilege",
            ),
            Column("name", "string", "-", "SeDebugPrivilege"),
            Column("present", "bool", "Privileges.Present", "it is held"),
            Column("enabled", "bool", "Privileges.Enabled", "its bit is set; it counts only where it is present"),
            Column("enabled_by_default", "bool", "Privileges.EnabledByDefault", "null where the source does not say"),
            Column("sensitive", "bool", "-", "whoever holds it can become SYSTEM, or reach any object"),
        ),
    ),
    Table(
        "threads",
        "one thread",
        (
            Column("ethread", "uint64", "_ETHREAD *", "address of the thread object", "address"),
            _EPROCESS,
            Column("pid", "uint64", "Cid.UniqueProcess, void *", ""),
            Column("tid", "uint64", "Cid.UniqueThread, void *", ""),
            Column(
                "token",
                "uint64",
                "ClientSecurity, _TOKEN *",
                "whom it impersonates; null: its process's counts",
                "address",
            ),
            Column("level", "string", "ClientSecurity.ImpersonationLevel", "anonymous ... delegation"),
            Column("effective_only", "bool", "ClientSecurity.EffectiveOnly", "it cannot change privileges and groups"),
            Column("problems", "list<string>", "-", "what was wrong with it"),
            _MISSING,
        ),
    ),
    Table(
        "findings",
        "one thing that a rule of `audit` saw; kdtoken audit --explain RULE tells its innocent causes",
        (
            Column("rule", "string", "-", "the rule's id"),
            Column("severity", "string", "-", "impossible, unusual or information: !!, !, i of audit"),
            Column("saw", "string", "-", "what it saw, in a sentence; may hold names that a stranger chose"),
            Column("identity", "string", "-", "the same for the same finding on another machine"),
            Column("eprocess", "uint64", "_EPROCESS *", "the process that should be looked at first", "address"),
            Column("pid", "uint64", "UniqueProcessId, void *", "of that process"),
            Column("image", "string", "ImageFileName, UCHAR[15]", "of that process"),
            Column("tokens", "list<uint64>", "_TOKEN *", "addresses of the tokens concerned"),
            Column("evidence", "list<string>", "-", "the facts that it rests on, each with its address"),
        ),
    ),
)
BY_NAME: Dict[str, Table] = {table.name: table for table in TABLES}
# Every part but the one that says that a source is there.
DATA = tuple(table.name for table in TABLES if table.name != "sources")
HEXADECIMAL = frozenset(column.name for table in TABLES for column in table.columns if column.kind)
IDENTITY = _IDENTITY


def columns_of(table: str) -> Tuple[Column, ...]:
    """All columns of a table as SQL has them, those of the path first."""
    return _IDENTITY + BY_NAME[table].columns


def markdown() -> str:
    """The tables for the page of the reference."""
    lines = ["Columns that every table has:", "", *_rows(_IDENTITY), ""]
    for table in TABLES:
        lines += ["### %s" % table.name, "", table.doc[:1].upper() + table.doc[1:] + ".", "", *_rows(table.columns), ""]
    return "\n".join(lines)


def _rows(columns: Tuple[Column, ...]) -> Tuple[str, ...]:
    head = ("| column | type | of the kernel | what it says |", "| --- | --- | --- | --- |")
    cells = (
        "| `%s` | %s | %s | %s |"
        % (one.name, _kind(one), "" if one.c_type == "-" else "`%s`" % one.c_type, one.doc.replace("|", "\\|"))
        for one in columns
    )
    return head + tuple(cells)


def _kind(column: Column) -> str:
    return column.type.replace("<", "&lt;") + (" (%s)" % column.kind if column.kind else "")
