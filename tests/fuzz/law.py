"""The law: no reader takes over 60 s of a processor or 1 GB of memory, whatever 100 MB it is given.

    python -m tests.fuzz.law [--megabytes 100] [NAME ...]

Each row is a file of that size in the worst shape that was thought of for its reader, given to the command that a person
types, in a process of its own whose address space ends at 1.5 GB.  What breaks the law, ends with a traceback or in
another code than 0, 1, 2 or 3 is named, and the exit code is 1.
"""

import argparse
import json
import lzma
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

ROOT = Path(__file__).resolve().parents[2]
SECONDS, MEMORY = 60, 1 << 30
_SPACE, _KILL = 3 << 29, 4 * SECONDS  # address space; seconds of a processor after which nobody waits any more
_DUMP = ["-m", "kdtoken", "dump"]
_WALK = ["-m", "kdtoken", "walk"]
_TOUR = str(ROOT / "fixtures" / "sessions" / "notepad-22000-synthetic.kdtoken.gz")

_SYMBOLS = "{symbols}"  # an ISF of the declared kernel

_MOST_UNPACKED = 1 << 31  # what a bomb is made of; to make more takes minutes

Pieces = Iterator[bytes]


class Case(NamedTuple):
    """make: the file's bytes in pieces, for so many bytes; ending: of its name; command: `{}` is the file."""

    make: Callable[[int], Pieces]
    ending: str
    command: List[str]


def _repeated(piece: bytes, size: int, before: bytes = b"", after: bytes = b"") -> Pieces:
    yield before
    many = piece * max(1, (1 << 20) // len(piece))
    for _ in range(max(1, (size - len(before) - len(after)) // len(many))):
        yield many
    yield after


def _counted(form: str, size: int, before: bytes = b"", after: bytes = b"", step: int = 1) -> Pieces:
    """A form with one number, which counts up."""
    yield before
    number, left = 0, size - len(before) - len(after)
    while left > 0:
        many = "".join([form % n for n in range(number, number + 4096 * step, step)]).encode()
        number += 4096 * step
        left -= len(many)
        yield many
    yield after


def _lines(piece: str, before: str = "", after: str = "") -> Callable[[int], Pieces]:
    return lambda size: _repeated(piece.encode(), size, before.encode(), after.encode())


def _numbered(form: str, before: str = "", after: str = "", step: int = 1) -> Callable[[int], Pieces]:
    return lambda size: _counted(form, size, before.encode(), after.encode(), step)


def _dump_of(which: int, *changes: "tuple[int, int]") -> Callable[[int], Pieces]:
    """A sound crash dump whose header says what it should not, and much more behind it."""

    def make(size: int) -> Pieces:
        from tests.test_source_crashdump_fuzz import CONTAINERS

        data = bytearray(CONTAINERS[which])
        for at, value in changes:
            struct.pack_into("<Q", data, at, value)
        yield bytes(data)
        yield from _repeated(b"\xff" * 8, size - len(data))

    return make


def _isf_of(inside: Callable[[int], Pieces], key: str = "user_types") -> Callable[[int], Pieces]:
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
        yield from _repeated(inside, size)
        yield b"0]}"

    return make


def _pdb(size: int) -> Pieces:
    """A type stream of small structs with one member each, all forward references of each other's."""
    from tests.pdb_bytes import FIELDLIST, STRUCTURE, ULONG, Pdb, member

    pdb = Pdb()
    for number in range(size // 120):
        pdb.struct("_T%d" % number, 8, pdb.type(FIELDLIST, member("m%d" % number, 0, ULONG)), STRUCTURE)
    yield pdb.data()


def _elf(size: int) -> Pieces:
    """A core of as many program headers as its head can count, each a byte further than the last."""
    count = min(0xFFFF, size // 56)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    yield struct.pack("<16sHHIQQQIHHHHHH", ident, 4, 62, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    yield b"".join(struct.pack("<IIQQQQQQ", 1, 0, 4096, 0, n << 12, 1 << 40, 1 << 40, 0) for n in range(count))
    yield from _repeated(b"\x63\0\0\0\0\0\0\0", size - 56 * count)


def _raw(size: int) -> Pieces:
    """An image of which each page could be a table of pages, or the block that starts processors."""
    page = (b"\xe9\x4d\x06\x00\x01\x00\x00\x00" + struct.pack("<Q", 0x1AD063) * 511)[:4096]
    return _repeated(page, size)


def _vmss(size: int) -> Pieces:
    tag = b"\x44\x0dregionPageNum\0\0\0\0\0\0\0\0"
    yield b"\xd2\xbe\xd2\xbe" + struct.pack("<II", 8, 1) + struct.pack("<64sQQ", b"memory", 92, size)
    yield from _repeated(tag, size)


def _packed(make: Callable[[int], Pieces], how: str, times: int) -> Callable[[int], Pieces]:
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


_HEAD = '{"kdtoken-session": 1, "source": "x", "build": "10.0.22000.1", "synthetic": true, "made-by": "kdtoken 0"}\n'
_TYPE = (
    '"_T%d": {"kind": "struct", "size": 8, "fields": {"m": {"offset": 0, "type": {"kind": "base", "name": "int"}}}},'
)
_PROCESS = (
    "PROCESS ffffc102%08x\n    SessionId: 1  Cid: 0010    Peb: 00000000  ParentCid: 0004\n"
    "    DirBase: 1ad000  ObjectTable: 00000000  HandleCount:   0.\n    Image: notepad.exe\n"
)
# No dump is of that PDB, so what reads it is called by itself.
_READ_PDB = (
    "import sys; from kdtoken.layout.pdb.pdb import load_pdb; pdb = load_pdb(sys.argv[1]); "
    "print(len(pdb.names()), pdb.layout('_T7').size, len(pdb.symbol_names()))"
)
_GROUPS = "GROUP INFORMATION\n-----------------\n\n"
_REPLAY = ["-m", "kdtoken", "dump", "--session", "{}", "4"]
_AGAINST = ["-m", "kdtoken", "explain"]
_DOCTOR = [str(ROOT / "vm" / "doctor.py"), "--text", "{}"]
_VMX = [str(ROOT / "vm" / "vmx.py"), "{}", "--dry-run"]

CASES: Dict[str, Case] = {
    "dump: zeros behind it": Case(_dump_of(0), ".dmp", [*_WALK, "{}", "--symbols", _SYMBOLS]),
    "dump: 2**32 runs": Case(_dump_of(0, (0x88, 1 << 32), (0x90, 1 << 40)), ".dmp", [*_WALK, "{}", "--symbols", _SYMBOLS]),
    "dump: bitmap of all": Case(_dump_of(1, (0x2028, 1 << 29), (0x2020, 1 << 40)), ".dmp", [*_WALK, "{}", "--symbols", _SYMBOLS]),
    "dump: table of ranges": Case(_dump_of(3, (0x2020, 1 << 26), (0x2028, 1 << 26)), ".dmp", [*_WALK, "{}", "--symbols", _SYMBOLS]),
    "raw image": Case(_raw, ".raw", [*_WALK, "{}"]),
    "elf of 65535 segments": Case(_elf, ".elf", [*_WALK, "{}"]),
    "vmss of tags": Case(_vmss, ".vmss", [*_WALK, "{}"]),
    "pdb of types": Case(_pdb, ".pdb", ["-c", _READ_PDB, "{}"]),
    "isf of types": Case(_isf_of(_numbered(_TYPE, "{", '"_E": {"kind": "struct", "size": 0, "fields": {}}}')), ".json", []),
    "isf of empty lists": Case(_isf_of(_lines("[],", "[", "0]")), ".json", []),
    "isf nested": Case(_isf_of(_lines("[")), ".json", []),
    "isf of one number": Case(_isf_of(_lines("9")), ".json", []),
    "isf of symbols": Case(_isf_of(_numbered('"s%d": {"address": 1},', "{", '"z": {"address": 1}}'), "symbols"), ".json", []),
    "recording of pieces": Case(_numbered('{"memory": "0xffff8000%08x", "bytes": "00"}\n', _HEAD), ".kdtoken", _REPLAY),
    "recording of one piece": Case(
        _lines("00", _HEAD + '{"memory": "0xffff800000000000", "bytes": "', '"}\n'), ".kdtoken", _REPLAY
    ),
    "recording of holes": Case(
        _numbered('{"unreadable": "0xffff8000%08x", "size": 1048576, "reason": "x"}\n', _HEAD), ".kdtoken", _REPLAY
    ),
    "recording of layouts": Case(
        _numbered('{"layout": "_T%d", "size": 8, "fields": [["a", 0, "Uint8B"]]}\n', _HEAD), ".kdtoken", _REPLAY
    ),
    "recording of one layout": Case(
        _numbered('["m%d", 0, "Uint4B"],', _HEAD + '{"layout": "_TOKEN", "size": 8, "fields": [', '["z", 4, "Uint4B"]]}\n'),
        ".kdtoken",
        _REPLAY,
    ),
    "recording of empty lists": Case(
        _lines("[],", _HEAD + '{"layout": "_TOKEN", "size": 8, "fields": [', '["z", 4, "Uint4B"]]}'), ".kdtoken", _REPLAY
    ),
    "recording nested": Case(_lines("[", _HEAD), ".kdtoken", _REPLAY),
    "log of one line": Case(_lines("a", "kd> !process 0 0\n"), ".log", [*_WALK, "--log", "{}"]),
    "log of blanks": Case(_lines(" ", "kd> !process 0 0\nPROCESS"), ".log", [*_WALK, "--log", "{}"]),
    "log of empty lines": Case(_lines("\n", "kd> !process 0 0\n"), ".log", [*_WALK, "--log", "{}"]),
    "log of processes": Case(_numbered(_PROCESS, "kd> !process 0 0\n", "", 0x1000), ".log", [*_WALK, "--log", "{}"]),
    "log of memory": Case(
        _numbered("ffff8000`%08x  00000000`00000001 00000000`00000002\n", "kd> dq ffff800000000000\n", "", 16),
        ".log",
        [*_WALK, "--log", "{}"],
    ),
    "log of doubled memory": Case(
        _numbered("ffff8000`%08x  00000000`00000001 00000000`00000002\n", "kd> dq ffff800000000000\n", "", 8),
        ".log",
        [*_WALK, "--log", "{}"],
    ),
    "log of members": Case(
        _numbered("   +0x%03x Member          : Uint4B\n", "kd> dt -v nt!_TOKEN\nstruct _TOKEN, 2 elements, 0x8 bytes\n"),
        ".log",
        [*_WALK, "--log", "{}"],
    ),
    "log of commands": Case(_numbered("kd> dt -v nt!_T%d\n"), ".log", [*_WALK, "--log", "{}"]),
    "whoami of one line": Case(_lines("=", "C:\\>whoami /all\n\nUSER INFORMATION\n"), ".txt", [*_DUMP, "{}"]),
    "whoami of groups": Case(
        _numbered("BUILTIN\\Users%d   Alias   S-1-5-32-545 Mandatory group, Enabled group\n", _GROUPS), ".txt", [*_DUMP, "{}"]
    ),
    "!token of groups": Case(
        _numbered(" %02d S-1-5-32-545\n    Attributes - Mandatory Default Enabled \n", "_TOKEN 0xffffb88f00001060\nUser: S-1-5-18\nUser Groups: \n"),
        ".txt",
        [*_DUMP, "{}"],
    ),
    "html of tags": Case(_lines("<b>&#x41;", "<html><pre>_TOKEN 0xffffb88f00001060\n"), ".html", [*_DUMP, "{}"]),
    "html of one tag": Case(_lines("<", "<html><pre>_TOKEN 0xffffb88f00001060\n"), ".html", [*_DUMP, "{}"]),
    "collect of groups": Case(_collected(b'{"sid": "S-1-5-21-1-2-3-4", "attributes": 7},'), ".json", [*_DUMP, "{}"]),
    "collect of empty lists": Case(_collected(b"[],"), ".json", [*_DUMP, "{}"]),
    "collect nested": Case(_lines('{"a":', ""), ".json", [*_DUMP, "{}"]),
    "descriptor text": Case(
        _lines("(A;;FA;;;WD)", "D:"), ".sddl", ["-m", "kdtoken", "explain", "--session", _TOUR, "notepad.exe", "--to", "{}", "--want", "read", "--type", "file"]
    ),
    "against": Case(_collected(b'{"id": "a", "sddl": "D:", "want": "read"},'), ".json", [*_AGAINST, "--against", "{}"]),
    "baseline": Case(
        _numbered('{"identity": "r%d"},', '{"machines": [{"findings": [', '{"identity": ""}]}]}'),
        ".json",
        ["-m", "kdtoken", "audit", "--session", _TOUR, "--baseline", "{}"],
    ),
    "services": Case(_numbered("svc%d\n"), ".txt", [*_DUMP, "--session", _TOUR, "notepad.exe", "--services", "{}"]),
    "vmx of lines": Case(_numbered('a%d = "b"\n', '.encoding = "windows-1252"\n'), ".vmx", _VMX),
    "vmx of one line": Case(_lines(" ", 'serial0.fileName ='), ".vmx", _VMX),
    "doctor of lines": Case(_lines("kd> lm m nt\nOpened \\\\.\\pipe\\kd_Win11\n"), ".txt", _DOCTOR),
    "doctor of one line": Case(_lines(" ", "serial0.fileName ="), ".txt", _DOCTOR),
    "text of short lines": Case(_lines("a\n", "kd> !process 0 0\n"), ".log", [*_WALK, "--log", "{}"]),
    "text of other lines": Case(_numbered("what is line %d\n", "kd> !process 0 0\n"), ".log", [*_WALK, "--log", "{}"]),
    "whoami of short lines": Case(_lines("=\n", "C:\\>whoami /all\n\nUSER INFORMATION\n"), ".txt", [*_DUMP, "{}"]),
    "questions of collect": Case(
        _numbered('{"id": "q%d", "sddl": "D:", "want": "read"},', '{"questions": [', '{}]}'),
        ".json",
        ["-m", "kdtoken.collect", "--questions", "{}"],
    ),
    "questions nested": Case(_lines("["), ".json", ["-m", "kdtoken.collect", "--questions", "{}"]),
    "gz that is all gzip can": Case(_packed(_lines("\n", "kd> !process 0 0\n"), "gz", 1000), ".log.gz", [*_WALK, "{}"]),
    "gz of a recording": Case(
        _packed(_lines("0", _HEAD + '{"memory": "0xffff800000000000", "bytes": "'), "gz", 8), ".kdtoken.gz", _REPLAY
    ),
    "xz of a recording": Case(
        _packed(_lines("0", _HEAD + '{"memory": "0xffff800000000000", "bytes": "'), "xz", 8), ".kdtoken.xz", _REPLAY
    ),
    "gz of a log": Case(_packed(_lines("\n", "kd> !process 0 0\n"), "gz", 8), ".log.gz", [*_WALK, "{}"]),
    "gz of whoami": Case(_packed(_lines("\n", "USER INFORMATION\n"), "gz", 8), ".txt.gz", [*_DUMP, "{}"]),
    "xz of an isf": Case(_packed(_lines(" ", "{"), "xz", 8), ".json.xz", []),
}  # fmt: skip


class Measured(NamedTuple):
    """code: of the process, negative for the signal that ended it; said: its last line."""

    name: str
    megabytes: float
    seconds: float
    peak: float
    code: int
    said: str

    @property
    def breaks(self) -> bool:
        """Whether the law is broken."""
        odd = self.code not in (0, 1, 2, 3) or "Traceback" in self.said or "not enough memory" in self.said
        return self.seconds > SECONDS or self.peak > MEMORY / 1e6 or odd


def measure(name: str, size: int, folder: Path) -> Measured:
    """Make the file, run the command."""
    case = CASES[name]
    path = folder / ("case" + case.ending)
    with open(str(path), "wb") as out:
        out.writelines(case.make(size))
    command = case.command or [*_WALK, str(_some_dump(folder)), "--symbols", "{}"]
    words = [
        sys.executable,
        *(word.replace("{}", str(path)).replace(_SYMBOLS, str(_symbols(folder))) for word in command),
    ]
    with open(str(folder / "out"), "w+b") as out, open(str(folder / "err"), "w+b") as err:
        process = subprocess.Popen(
            words, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=str(ROOT), preexec_fn=_limits
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = 0  # it has been waited for
        err.seek(0)
        told = err.read().decode("utf-8", "replace").strip().splitlines()
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    said = next((line for line in told if "Traceback" in line), told[0] if told else "")
    size_now = path.stat().st_size / 1e6
    path.unlink()
    return Measured(name, size_now, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6, code, said[:110])


def _symbols(folder: Path) -> Path:
    from tests.engine.volatility import isf
    from tests.fake_image import as_image, fake_image
    from tests.test_source_crashdump_fuzz import LAYOUTS

    path = folder / "symbols.json"
    if not path.exists():
        path.write_text(json.dumps(isf(LAYOUTS, as_image(fake_image(LAYOUTS)))))
    return path


def _some_dump(folder: Path) -> Path:
    from tests.test_source_crashdump_fuzz import CONTAINERS

    path = folder / "some.dmp"
    path.write_bytes(CONTAINERS[0])
    return path


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_SPACE, _SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (_KILL, _KILL))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.law", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the rows; a part of a name is enough")
    parser.add_argument("--megabytes", type=float, default=100)
    options = parser.parse_args(arguments)
    names = [one for one in CASES if not options.names or any(part in one for part in options.names)]
    broken = 0
    print("%-26s%8s%9s%9s%6s  %s" % ("what is read", "MB", "s", "peak MB", "code", "what it says"))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            one = measure(name, int(options.megabytes * 1e6), Path(folder))
            broken += one.breaks
            mark = "BREAKS IT  " if one.breaks else ""
            print("%-26s%8.1f%9.1f%9.0f%6d  %s%s" % (*one[:5], mark, one.said), flush=True)
    print("%d of %d break the law of %d s and %d MB" % (broken, len(names), SECONDS, MEMORY >> 20))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
