"""More of the worst shapes: texts, logs and descriptors, packed ones that unpack, and what a lake makes of them."""

import struct
from typing import Callable, Dict

from tests.fuzz.shapes import (
    DUMP,
    FRESH,
    GROUPS,
    HEAD,
    PROCESS,
    REPLAY,
    TOUR,
    WALK,
    Case,
    Pieces,
    counted,
    isf_of,
    lines,
    numbered,
    packed,
)

_LOG = [*WALK, "--log", "{}"]
_TEXT = [*DUMP, "{}"]
_AUDIT = ["-m", "kdtoken", "audit", "{}"]
_TO = ["-m", "kdtoken", "explain", "--session", TOUR, "notepad.exe", "--to", "{}", "--want", "read", "--type", "file"]
_ASKED = "kd> !process 0 7\n" + PROCESS % 0
_DESCRIPTOR = (1 << 20) - 1  # bytes of a descriptor's text; more are refused


def _each(form: str, before: str = "") -> Callable[[int], Pieces]:
    """A form with several numbers, which are the same one and count up."""

    def make(size: int) -> Pieces:
        count, number, left = form.count("%") - form.count("%%"), 0, size
        yield before.encode()
        while left > 0:
            many = "".join([form % ((one,) * count) for one in range(number, number + 2048)]).encode()
            number, left = number + 2048, left - len(many)
            yield many

    return make


def _at_most(most: int, make: Callable[[int], Pieces]) -> Callable[[int], Pieces]:
    """No larger than what its reader takes."""

    def smaller(size: int) -> Pieces:
        left = min(size, most)
        for piece in make(min(size, most)):
            yield piece[:left]
            left -= min(left, len(piece))

    return smaller


def _tokens(groups: int, whoami: bool = False) -> Callable[[int], Pieces]:
    """Tokens of so many groups, all with SIDs of their own."""

    def make(size: int) -> Pieces:
        number, left = 0, size
        while left > 0:
            many = "".join(_token(number + one, groups, whoami) for one in range(max(1, 512 // groups))).encode()
            number, left = number + max(1, 512 // groups), left - len(many)
            yield many

    return make


def _token(number: int, groups: int, whoami: bool) -> str:
    if whoami:
        row = "LAB\\g%d  Group  S-1-5-21-1-2-%d-%d Mandatory group, Enabled by default, Enabled group\n"
        listed = "".join(row % (one, number, 1000 + one) for one in range(groups))
        return "C:\\>whoami /groups\n\n" + GROUPS + listed + "\n"
    row = " %02d S-1-5-21-1-2-%d-%d\n    Attributes - Mandatory Default Enabled \n"
    listed = "".join(row % (one, number, 1000 + one) for one in range(groups))
    head = "_TOKEN 0xffffb88f%08x\nTS Session ID: 0x1\nUser: S-1-5-18\nUser Groups: \n" % (number * 16)
    return head + listed + "Primary Group: S-1-5-18\n"


def _deeper(form: str, before: str) -> Callable[[int], Pieces]:
    """Lines of which each stands deeper than the one above."""

    def make(size: int) -> Pieces:
        depth, left = 1, size - len(before)
        yield before.encode()
        while left > 0:
            line = (" " * 3 * depth + form % depth).encode()
            depth, left = depth + 1, left - len(line)
            yield line

    return make


def _backwards(form: str, before: str, step: int) -> Callable[[int], Pieces]:
    def make(size: int) -> Pieces:
        number, left = 1 << 31, size
        yield before.encode()
        while left > 0:
            many = "".join([form % one for one in range(number, number - 4096 * step, -step)]).encode()
            number, left = number - 4096 * step, left - len(many)
            yield many

    return make


def _bytes_of_groups(size: int) -> Pieces:
    """What GetTokenInformation answers for as many groups as the largest file of collect has room for."""
    from tests.declared_views import collected

    size = min(size, (1 << 24) - (1 << 16))
    count, base = size // 2 // 28, 0x1000
    sid = bytes((1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0))
    entries = b"".join(struct.pack("<QQ", base + 8 + 16 * count + 12 * one, 7) for one in range(count))
    raw = struct.pack("<Q", count) + entries + sid * count
    text = collected("notepad").rstrip()
    begin = text.index('"TokenGroups"')
    end = text.index("}", begin)
    yield text[:begin].encode()
    yield b'"TokenGroups": {"base": "0x1000", "raw": "' + raw.hex().encode() + b'"'
    yield text[end:].encode()


_MEMBER = '"m%d": {"offset": 0, "type": {"kind": "base", "name": "int"}},'
_LAST = '"z": {"offset": 0, "type": {"kind": "base", "name": "int"}}'
_THREAD = "THREAD ffffb88f%08x  Cid 0010.%04x  Teb: 0 Win32Thread: 0 WAIT\n"
_AGAIN = "User: S-1-5-18\nUser Groups: \n 00 S-1-5-21-1-2-3-%d\n    Attributes - Mandatory Default Enabled \n"
_WHOAMI = numbered("BUILTIN\\Users%d   Alias   S-1-5-32-545 Mandatory group, Enabled group\n", GROUPS)
_PIECES = numbered('{"memory": "0xffff8000%08x", "bytes": "00"}\n', HEAD)
_ROWS = numbered("ffff8000`%08x  00000000`00000001 00000000`00000002\n", "kd> dq ffff800000000000\n", "", 16)
# What a lake answers: as many rows as the file has letters in hundreds, each a text that a spreadsheet takes for a formula.
_ANSWER = (
    "import os, sys; from kdtoken.__main__ import main; lake = sys.argv[2]; main(['lake', lake, 'add', %r]); "
    "rows = os.path.getsize(sys.argv[1]) // 100; "
    "sys.exit(main(['lake', lake, 'ask', \"SELECT '=' || repeat('\\\"', 90) AS x FROM range(%%d)\" %% rows, '--csv']))"
) % TOUR

CASES: Dict[str, Case] = {
    # Packed, and let through: what is measured is the reading.
    "gz that is read: whoami": Case(packed(_WHOAMI, "gz", 1), ".txt.gz", _TEXT),
    "gz that is read: log": Case(packed(_ROWS, "gz", 1), ".log.gz", [*WALK, "{}"]),
    "gz that is read: recording": Case(packed(_PIECES, "gz", 1), ".kdtoken.gz", REPLAY),
    "whoami of SIDs": Case(
        _each("BUILTIN\\U%d   Alias   S-1-5-21-1-2-3-%d Mandatory group, Enabled group\n", GROUPS), ".txt", _TEXT
    ),
    "whoami as csv": Case(
        _each('"BUILTIN\\U%d","Alias","S-1-5-21-1-2-3-%d","Mandatory group, Enabled group"\n'), ".txt", _TEXT
    ),
    "whoami as lists": Case(
        _each("Group Name: BUILTIN\\U%d\nType:       Alias\nSID:        S-1-5-21-1-2-3-%d\nAttributes: Enabled group\n\n", GROUPS),
        ".txt",
        _TEXT,
    ),
    "whoami of privileges": Case(
        lines("SeChangeNotifyPrivilege Bypass traverse checking Enabled\n", "PRIVILEGES INFORMATION\n------\n\n"), ".txt", _TEXT
    ),
    "whoami of tokens": Case(_tokens(1000, True), ".txt", _TEXT),
    "!token of tokens": Case(_tokens(1), ".txt", _TEXT),
    "!token of tokens, audit": Case(_tokens(100), ".txt", _AUDIT),
    "!token of one, again": Case(_each("_TOKEN 0xffffb88f00001060\nTS Session ID: 0x%x\n" + _AGAIN), ".txt", _AUDIT),
    "!token of named groups": Case(
        lines(" %02d S-1-5-21-1111111111-2222222222-3333333333-%d (Group: LAB\\Admins)\n    Attributes - Mandatory Default Enabled \n" % (7, 1001), "_TOKEN 0xffffb88f00001060\nUser Groups: \n"),
        ".txt",
        _TEXT,
    ),
    "!token of one number": Case(
        lines(" 00 S-1-5-32-545\n    Attributes - Mandatory Default Enabled \n", "_TOKEN 0xffffb88f00001060\nUser Groups: \n"),
        ".txt",
        _TEXT,
    ),
    "!token of privileges": Case(
        lines(" 23 0x000000017 SeChangeNotifyPrivilege   Attributes - Enabled Default \n", "_TOKEN 0xffffb88f00001060\nPrivs: \n"),
        ".txt",
        _TEXT,
    ),
    "!token without heads": Case(_each("TS Session ID: 0x%x\nUser: S-1-5-18\n"), ".txt", _TEXT),
    "threads of one process": Case(_each(_THREAD, _ASKED), ".log", _LOG),
    "threads that impersonate": Case(
        _each(_THREAD + "    Impersonation token:  ffffc102%08x (Level Impersonation)\n", _ASKED), ".log", [*_LOG, "--threads"]
    ),
    "threads of nobody": Case(
        _each(_THREAD + "Owning Process            ffffc102%08x       Image:         a.exe\n", "kd> !thread\n"), ".log", _LOG
    ),
    "processes, audit": Case(numbered(PROCESS, "kd> !process 0 0\n", "", 0x1000), ".log", _AUDIT),
    "dt of tokens": Case(_each("kd> dt nt!_TOKEN ffffb88f%08x\n   +0x078 SessionId : 0x%x\n"), ".log", _TEXT),
    "dt of members": Case(_each("   +0x%03x Member%d : 0x1\n", "kd> dt nt!_TOKEN ffffb88f00001060\n"), ".log", _TEXT),
    "dt of members in members": Case(_deeper("+0x000 M%d : _T\n", "kd> dt -r nt!_TOKEN\n"), ".log", _LOG),
    "dq downwards": Case(
        _backwards("ffff8000`%08x  00000000`00000001 00000000`00000002\n", "kd> dq ffff800000000000\n", 16), ".log", _LOG
    ),
    "dq of holes": Case(
        numbered("ffff8000`%08x  ????????`???????? ????????`????????\n", "kd> dq ffff800000000000\n", "", 32), ".log", _LOG
    ),
    "log of symbols": Case(_each("fffff803`%08x nt!S%d = <no type information>\n", "kd> x nt!*\n"), ".log", _LOG),
    "log of questions": Case(_each("kd> ? nt!S%d\nEvaluate expression: -%d = fffff803`12345678\n"), ".log", _LOG),
    "text of SIDs": Case(numbered("he said S-1-5-21-1-2-3-%d and so on\n"), ".log", _TEXT),
    "!sd of ACEs": Case(
        _at_most(_DESCRIPTOR, _each("->Dacl    : ->Ace[%d]: ->SID: S-1-5-18\n", "->Revision: 0x1\n->Dacl    : \n")), ".txt", _TO
    ),
    "icacls of one line": Case(_at_most(_DESCRIPTOR, lambda size: iter([b"a " * (size // 2 - 3), b":(F)\n"])), ".txt", _TO),
    "icacls of files": Case(_at_most(_DESCRIPTOR, numbered("C:\\a%d BUILTIN\\Users:(F)\n\n")), ".txt", _TO),
    "accesschk of rights": Case(
        _at_most(_DESCRIPTOR, lines("        FILE_READ_DATA\n", "  [0] ACCESS_ALLOWED_ACE_TYPE: BUILTIN\\Users\n")), ".txt", _TO
    ),
    "bytes in hex": Case(_at_most(_DESCRIPTOR, lines("01 00 04 80 14 00 00 00 24 00 00 00 00 00 00 00\n")), ".txt", _TO),
    "sddl of brackets": Case(_at_most(_DESCRIPTOR, lines("(", "D:(XA;;FA;;;WD;")), ".sddl", _TO),
    "sddl of conditions": Case(
        _at_most(_DESCRIPTOR, lines("(@User.a == 1) && ", "D:(XA;;FA;;;WD;(", "(@User.a == 1)))")), ".sddl", _TO
    ),
    "sddl over lines": Case(_at_most(_DESCRIPTOR, lines("(A;;FA;;;WD)\n", "D:")), ".sddl", _TO),
    "collect of bytes": Case(_bytes_of_groups, ".json", _TEXT),
    "isf of members": Case(
        isf_of(numbered(_MEMBER, '{"_T": {"kind": "struct", "size": 8, "fields": {', _LAST + "}}}")), ".json", []
    ),
    "recording downwards": Case(_backwards('{"memory": "0xffff8000%08x", "bytes": "00"}\n', HEAD, 1), ".kdtoken", REPLAY),
    "recording of gaps": Case(
        lambda size: counted('{"memory": "0xffff8000%08x", "bytes": "00"}\n', size, HEAD.encode(), b"", 4096), ".kdtoken", REPLAY
    ),
    "lake of a log": Case(numbered(PROCESS, "kd> !process 0 0\n", "", 0x1000), ".log", ["-m", "kdtoken", "lake", FRESH, "add", "{}"]),
    "lake of whoami": Case(_WHOAMI, ".txt", ["-m", "kdtoken", "lake", FRESH, "add", "{}"]),
    "lake's answer as csv": Case(lines("a"), ".txt", ["-c", _ANSWER, "{}", FRESH]),
}  # fmt: skip
