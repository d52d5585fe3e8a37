"""The worst shapes that were thought of for each reader: the rows of `python -m tests.fuzz.law`."""

import json
import lzma
import struct
import zlib
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DUMP = ["-m", "kdtoken", "dump"]
WALK = ["-m", "kdtoken", "walk"]
TOUR = str(ROOT / "fixtures" / "sessions" / "notepad-22000-synthetic.kdtoken.gz")

SYMBOLS = "{symbols}"  # an ISF of the declared kernel
FRESH = "{fresh}"  # a folder that is not there

_MOST_UNPACKED = 1 << 31  # what a bomb is made of; to make more takes minutes

Pieces = Iterator[bytes]


class Case(NamedTuple):
    """make: the file's bytes in pieces, for so many bytes; ending: of its name; command: `{}` is the file."""

    make: Callable[[int], Pieces]
    ending: str
    command: List[str]


def repeated(piece: bytes, size: int, before: bytes = b"", after: bytes = b"") -> Pieces:
    yield before
    many = piece * max(1, (1 << 20) // len(piece))
    for _ in range(max(1, (size - len(before) - len(after)) // len(many))):
        yield many
    yield after


def counted(form: str, size: int, before: bytes = b"", after: bytes = b"", step: int = 1) -> Pieces:
    """A form with one number, which counts up."""
    yield before
    number, left = 0, size - len(before) - len(after)
    while left > 0:
        many = "".join([form % n for n in range(number, number + 4096 * step, step)]).encode()
        number += 4096 * step
        left -= len(many)
        yield many
    yield after


def lines(piece: str, before: str = "", after: str = "") -> Callable[[int], Pieces]:
    return lambda size: repeated(piece.encode(), size, before.encode(), after.encode())


def numbered(form: str, before: str = "", after: str = "", step: int = 1) -> Callable[[int], Pieces]:
    return lambda size: counted(form, size, before.encode(), after.encode(), step)


def _dump_of(which: int, *changes: "tuple[int, int]") -> Callable[[int], Pieces]:
    """A sound crash dump whose header says what it should not, and much more behind it."""

    def make(size: int) -> Pieces:
        from tests.test_source_crashdump_fuzz import CONTAINERS

        data = bytearray(CONTAINERS[which])
        for at, value in changes:
            struct.pack_into("<Q", data, at, value)
        yield bytes(data)
        yield from repeated(b"\xff" * 8, size - len(data))

    return make


def isf_of(inside: Callable[[int], Pieces], key: str = "user_types") -> Callable[[int], Pieces]:
    """A sound ISF in which one table is much longer, or another thing altogether."""

    def make(size: int) -> Pieces:
        from tests.test_layout_isf import SAMPLE

        yield json.dumps({name: value for name, value in SAMPLE.items() if name != key}).encode()[:-1]
        yield b', "%s": ' % key.encode()
        yield from inside(size)
        yield b"}"

    return make


def _collected(inside: bytes) -> Callable[[int], Pieces]:
    """What collect writes, with a list in it that is as long as the file."""

    def make(size: int) -> Pieces:
        from tests.declared_views import collected

        yield collected("notepad").rstrip().encode()[:-1] + b', "more": ['
        yield from repeated(inside, size)
        yield b"0]}"

    return make


def _elf(size: int) -> Pieces:
    """A core of as many program headers as its head can count, each a byte further than the last."""
    count = min(0xFFFF, size // 56)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    yield struct.pack("<16sHHIQQQIHHHHHH", ident, 4, 62, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    yield b"".join(struct.pack("<IIQQQQQQ", 1, 0, 4096, 0, n << 12, 1 << 40, 1 << 40, 0) for n in range(count))
    yield from repeated(b"\x63\0\0\0\0\0\0\0", size - 56 * count)


def _raw(size: int) -> Pieces:
    """An image of which each page could be a table of pages, or the block that starts processors."""
    page = (b"\xe9\x4d\x06\x00\x01\x00\x00\x00" + struct.pack("<Q", 0x1AD063) * 511)[:4096]
    return repeated(page, size)


def _vmss(size: int) -> Pieces:
    tag = b"\x44\x0dregionPageNum\0\0\0\0\0\0\0\0"
    yield b"\xd2\xbe\xd2\xbe" + struct.pack("<II", 8, 1) + struct.pack("<64sQQ", b"memory", 92, size)
    yield from repeated(tag, size)


def packed(make: Callable[[int], Pieces], how: str, times: int) -> Callable[[int], Pieces]:
    """A bomb: what unpacks to `times` the size."""

    def pack(size: int) -> Pieces:
        if how == "gz":
            gzipped = zlib.compressobj(9, zlib.DEFLATED, 31)
            for piece in make(min(size * times, _MOST_UNPACKED)):
                yield gzipped.compress(piece)
            yield gzipped.flush()
            return
        packer = lzma.LZMACompressor(preset=1)
        for piece in make(size * times):
            yield packer.compress(piece)
        yield packer.flush()

    return pack


HEAD = '{"kdtoken-session": 1, "source": "x", "build": "10.0.22000.1", "synthetic": true, "made-by": "kdtoken 0"}\n'
_TYPE = (
    '"_T%d": {"kind": "struct", "size": 8, "fields": {"m": {"offset": 0, "type": {"kind": "base", "name": "int"}}}},'
)
PROCESS = (
    "PROCESS ffffc102%08x\n    SessionId: 1  Cid: 0010    Peb: 00000000  ParentCid: 0004\n"
    "    DirBase: 1ad000  ObjectTable: 00000000  HandleCount:   0.\n    Image: notepad.exe\n"
)
GROUPS = "GROUP INFORMATION\n-----------------\n\n"
REPLAY = ["-m", "kdtoken", "dump", "--session", "{}", "4"]
_AGAINST = ["-m", "kdtoken", "explain"]
DOCTOR = [str(ROOT / "vm" / "doctor.py"), "--text", "{}"]
_VMX = [str(ROOT / "vm" / "vmx.py"), "{}", "--dry-run"]

CASES: Dict[str, Case] = {
    "dump: zeros behind it": Case(_dump_of(0), ".dmp", [*WALK, "{}", "--symbols", SYMBOLS]),
    "dump: 2**32 runs": Case(_dump_of(0, (0x88, 1 << 32), (0x90, 1 << 40)), ".dmp", [*WALK, "{}", "--symbols", SYMBOLS]),
    "dump: bitmap of all": Case(_dump_of(1, (0x2028, 1 << 29), (0x2020, 1 << 40)), ".dmp", [*WALK, "{}", "--symbols", SYMBOLS]),
    "dump: table of ranges": Case(_dump_of(3, (0x2020, 1 << 26), (0x2028, 1 << 26)), ".dmp", [*WALK, "{}", "--symbols", SYMBOLS]),
    "raw image": Case(_raw, ".raw", [*WALK, "{}"]),
    "elf of 65535 segments": Case(_elf, ".elf", [*WALK, "{}"]),
    "vmss of tags": Case(_vmss, ".vmss", [*WALK, "{}"]),
    "isf of types": Case(isf_of(numbered(_TYPE, "{", '"_E": {"kind": "struct", "size": 0, "fields": {}}}')), ".json", []),
    "isf of empty lists": Case(isf_of(lines("[],", "[", "0]")), ".json", []),
    "isf nested": Case(isf_of(lines("[")), ".json", []),
    "isf of one number": Case(isf_of(lines("9")), ".json", []),
    "isf of symbols": Case(isf_of(numbered('"s%d": {"address": 1},', "{", '"z": {"address": 1}}'), "symbols"), ".json", []),
    "recording of pieces": Case(numbered('{"memory": "0xffff8000%08x", "bytes": "00"}\n', HEAD), ".kdtoken", REPLAY),
    "recording of one piece": Case(
        lines("00", HEAD + '{"memory": "0xffff800000000000", "bytes": "', '"}\n'), ".kdtoken", REPLAY
    ),
    "recording of holes": Case(
        numbered('{"unreadable": "0xffff8000%08x", "size": 1048576, "reason": "x"}\n', HEAD), ".kdtoken", REPLAY
    ),
    "recording of layouts": Case(
        numbered('{"layout": "_T%d", "size": 8, "fields": [["a", 0, "Uint8B"]]}\n', HEAD), ".kdtoken", REPLAY
    ),
    "recording of one layout": Case(
        numbered('["m%d", 0, "Uint4B"],', HEAD + '{"layout": "_TOKEN", "size": 8, "fields": [', '["z", 4, "Uint4B"]]}\n'),
        ".kdtoken",
        REPLAY,
    ),
    "recording of empty lists": Case(
        lines("[],", HEAD + '{"layout": "_TOKEN", "size": 8, "fields": [', '["z", 4, "Uint4B"]]}'), ".kdtoken", REPLAY
    ),
    "recording nested": Case(lines("[", HEAD), ".kdtoken", REPLAY),
    "log of one line": Case(lines("a", "kd> !process 0 0\n"), ".log", [*WALK, "--log", "{}"]),
    "log of blanks": Case(lines(" ", "kd> !process 0 0\nPROCESS"), ".log", [*WALK, "--log", "{}"]),
    "log of empty lines": Case(lines("\n", "kd> !process 0 0\n"), ".log", [*WALK, "--log", "{}"]),
    "log of processes": Case(numbered(PROCESS, "kd> !process 0 0\n", "", 0x1000), ".log", [*WALK, "--log", "{}"]),
    "log of memory": Case(
        numbered("ffff8000`%08x  00000000`00000001 00000000`00000002\n", "kd> dq ffff800000000000\n", "", 16),
        ".log",
        [*WALK, "--log", "{}"],
    ),
    "log of doubled memory": Case(
        numbered("ffff8000`%08x  00000000`00000001 00000000`00000002\n", "kd> dq ffff800000000000\n", "", 8),
        ".log",
        [*WALK, "--log", "{}"],
    ),
    "log of members": Case(
        numbered("   +0x%03x Member          : Uint4B\n", "kd> dt -v nt!_TOKEN\nstruct _TOKEN, 2 elements, 0x8 bytes\n"),
        ".log",
        [*WALK, "--log", "{}"],
    ),
    "log of commands": Case(numbered("kd> dt -v nt!_T%d\n"), ".log", [*WALK, "--log", "{}"]),
    "whoami of one line": Case(lines("=", "C:\\>whoami /all\n\nUSER INFORMATION\n"), ".txt", [*DUMP, "{}"]),
    "whoami of groups": Case(
        numbered("BUILTIN\\Users%d   Alias   S-1-5-32-545 Mandatory group, Enabled group\n", GROUPS), ".txt", [*DUMP, "{}"]
    ),
    "!token of groups": Case(
        numbered(" %02d S-1-5-32-545\n    Attributes - Mandatory Default Enabled \n", "_TOKEN 0xffffb88f00001060\nUser: S-1-5-18\nUser Groups: \n"),
        ".txt",
        [*DUMP, "{}"],
    ),
    "html of tags": Case(lines("<b>&#x41;", "<html><pre>_TOKEN 0xffffb88f00001060\n"), ".html", [*DUMP, "{}"]),
    "html of one tag": Case(lines("<", "<html><pre>_TOKEN 0xffffb88f00001060\n"), ".html", [*DUMP, "{}"]),
    "collect of groups": Case(_collected(b'{"sid": "S-1-5-21-1-2-3-4", "attributes": 7},'), ".json", [*DUMP, "{}"]),
    "collect of empty lists": Case(_collected(b"[],"), ".json", [*DUMP, "{}"]),
    "collect nested": Case(lines('{"a":', ""), ".json", [*DUMP, "{}"]),
    "descriptor text": Case(
        lines("(A;;FA;;;WD)", "D:"), ".sddl", ["-m", "kdtoken", "explain", "--session", TOUR, "notepad.exe", "--to", "{}", "--want", "read", "--type", "file"]
    ),
    "against": Case(_collected(b'{"id": "a", "sddl": "D:", "want": "read"},'), ".json", [*_AGAINST, "--against", "{}"]),
    "baseline": Case(
        numbered('{"identity": "r%d"},', '{"machines": [{"findings": [', '{"identity": ""}]}]}'),
        ".json",
        ["-m", "kdtoken", "audit", "--session", TOUR, "--baseline", "{}"],
    ),
    "services": Case(numbered("svc%d\n"), ".txt", [*DUMP, "--session", TOUR, "notepad.exe", "--services", "{}"]),
    "vmx of lines": Case(numbered('a%d = "b"\n', '.encoding = "windows-1252"\n'), ".vmx", _VMX),
    "vmx of one line": Case(lines(" ", 'serial0.fileName ='), ".vmx", _VMX),
    "doctor of lines": Case(lines("kd> lm m nt\nOpened \\\\.\\pipe\\kd_Win11\n"), ".txt", DOCTOR),
    "doctor of one line": Case(lines(" ", "serial0.fileName ="), ".txt", DOCTOR),
    "text of short lines": Case(lines("a\n", "kd> !process 0 0\n"), ".log", [*WALK, "--log", "{}"]),
    "text of other lines": Case(numbered("what is line %d\n", "kd> !process 0 0\n"), ".log", [*WALK, "--log", "{}"]),
    "whoami of short lines": Case(lines("=\n", "C:\\>whoami /all\n\nUSER INFORMATION\n"), ".txt", [*DUMP, "{}"]),
    "questions of collect": Case(
        numbered('{"id": "q%d", "sddl": "D:", "want": "read"},', '{"questions": [', '{}]}'),
        ".json",
        ["-m", "kdtoken.collect", "--questions", "{}"],
    ),
    "questions nested": Case(lines("["), ".json", ["-m", "kdtoken.collect", "--questions", "{}"]),
    "gz that is all gzip can": Case(packed(lines("\n", "kd> !process 0 0\n"), "gz", 1000), ".log.gz", [*WALK, "{}"]),
    "gz of a recording": Case(
        packed(lines("0", HEAD + '{"memory": "0xffff800000000000", "bytes": "'), "gz", 8), ".kdtoken.gz", REPLAY
    ),
    "xz of a recording": Case(
        packed(lines("0", HEAD + '{"memory": "0xffff800000000000", "bytes": "'), "xz", 8), ".kdtoken.xz", REPLAY
    ),
    "gz of a log": Case(packed(lines("\n", "kd> !process 0 0\n"), "gz", 8), ".log.gz", [*WALK, "{}"]),
    "gz of whoami": Case(packed(lines("\n", "USER INFORMATION\n"), "gz", 8), ".txt.gz", [*DUMP, "{}"]),
    "xz of an isf": Case(packed(lines(" ", "{"), "xz", 8), ".json.xz", []),
}  # fmt: skip
