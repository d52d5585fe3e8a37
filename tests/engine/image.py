"""A synthetic nt: ntoskrnl.exe and ntkrnlmp.pdb with a real build's types, made by clang and lld.

    image = build_image(load_layouts("fixtures/layouts/nt-10.0.22000.2538.json"), Path("work"))
    image.symbols["PsActiveProcessHead"]            # RVA

There is no code of Windows in it: three empty functions, and the variables of symbols.py, all
zero, for kernel.py to fill in memory.  The debugger learns every type from the PDB as usual.
"""

import hashlib
import re
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from kdtoken.layout.layout_file import LayoutFile
from tests.engine.c_types import c_types, variables
from tests.machine.symbols import FUNCTIONS, variables_of

IMAGE_BASE = 0x140000000  # preferred base of every 64-bit nt; nothing is ever run from there

# The PDB's GUID is a hash of its content, so no path of this machine may be in it: hence the
# folder that is said to be the current one.
_COMPILE = (
    "clang --target=x86_64-pc-windows-msvc -std=c17 -g -gcodeview -fstandalone-debug "
    "-ffile-compilation-dir=. -ffreestanding -Wno-everything -c nt.c -o nt.obj"
).split()
_LINK = (
    "lld-link /nologo /debug /pdb:ntkrnlmp.pdb /pdbaltpath:ntkrnlmp.pdb /pdbsourcepath:C:\\nt /entry:KiSystemStartup "
    "/subsystem:native /driver /nodefaultlib /Brepro /base:0x%x /map:nt.map /out:ntoskrnl.exe nt.obj" % IMAGE_BASE
).split()
# By this section of every nt since Windows XP memory tools tell it from other images.
_POOL_CODE = '__attribute__((section("POOLCODE"))) void ExAllocatePool(void) { __builtin_trap(); }\n'
_MAP_LINE = re.compile(r"^ [0-9a-f]{4}:[0-9a-f]{8}\s+(\S+)\s+([0-9a-f]{16})\s", re.MULTILINE)


class ImageError(Exception):
    """The image could not be built, or is not what was asked for."""


@dataclass(frozen=True)
class Image:
    """A built kernel.

    exe, pdb       the files; a symbol path that holds their folder is enough for the engine
    guid, age      of the PDB, as the EXE names it: 32 hex digits and a number
    memory_image   the EXE as it lies in memory: SizeOfImage bytes, sections where they belong
    symbols        name -> RVA
    replaced       "_TYPE.Field: why" for fields that had to become bytes; none in all fixtures
    """

    exe: Path
    pdb: Path
    guid: str
    age: int
    memory_image: bytes
    symbols: Dict[str, int]
    replaced: Tuple[str, ...]

    @property
    def pdb_id(self) -> str:
        """GUID and age in one, as symbol servers write them and LayoutFile.pdb does."""
        return "%s%X" % (self.guid, self.age)


def build_image(layouts: LayoutFile, work: Path) -> Image:
    """Compile and link the kernel in the folder `work`; what is there already is used again.

    Raises ImageError with the compiler's own words.
    """
    work.mkdir(parents=True, exist_ok=True)
    declared = variables_of(layouts)
    types = c_types(layouts, declared.values())
    functions = "".join("__declspec(dllexport) void %s(void) { __builtin_trap(); }\n" % name for name in FUNCTIONS)
    source = types.text + variables(declared) + functions + _POOL_CODE
    stamp = hashlib.sha256("\n".join((source, *_COMPILE, *_LINK)).encode()).hexdigest()
    exe, pdb, made = work / "ntoskrnl.exe", work / "ntkrnlmp.pdb", work / "nt.sha256"
    if not (exe.exists() and pdb.exists() and made.exists() and made.read_text() == stamp):
        (work / "nt.c").write_text(source)
        _run(_COMPILE, work)
        _run(_LINK, work)
        made.write_text(stamp)  # last, so that a build cut short is begun anew
    memory = map_image(exe.read_bytes())
    guid, age = pdb_identity(memory)
    symbols = _symbols((work / "nt.map").read_text())
    missing = [name for name in (*declared, *FUNCTIONS) if name not in symbols]
    if missing:
        raise ImageError("the link map lacks %s" % ", ".join(missing))
    return Image(exe, pdb, guid, age, memory, symbols, types.replaced)


def _run(command: Sequence[str], work: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=str(work),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
    except FileNotFoundError as error:
        raise ImageError("%s is not installed (Debian: clang, lld)" % command[0]) from error
    if done.returncode:
        words = done.stdout.decode(errors="replace").splitlines()
        raise ImageError("%s failed:\n%s" % (command[0], "\n".join(words[:20])))


def _symbols(link_map: str) -> Dict[str, int]:
    """Name -> RVA of everything of ours in the map; `??_C@` and the like are the compiler's."""
    found: Dict[str, int] = {}
    for match in _MAP_LINE.finditer(link_map):
        if re.fullmatch(r"\w+", match[1]):
            found[match[1]] = int(match[2], 16) - IMAGE_BASE
    return found


def _headers(pe: bytes) -> Tuple[int, List[Tuple[int, int, int, int]]]:
    """(offset of the optional header, sections as (rva, virtual size, file offset, file size)).

    Of a PE file or its image in memory: both begin with the same headers.
    """
    new = struct.unpack_from("<I", pe, 0x3C)[0]
    count, optional_size = struct.unpack_from("<H12xH", pe, new + 6)
    first = new + 24 + optional_size
    sections = []
    for index in range(count):
        virtual, rva, raw_size, raw = struct.unpack_from("<4I", pe, first + 40 * index + 8)
        sections.append((rva, virtual, raw, raw_size))
    return new + 24, sections


def map_image(pe: bytes) -> bytes:
    """A PE file's bytes as the loader would map them, not relocated."""
    optional, sections = _headers(pe)
    image_size, headers_size = struct.unpack_from("<2I", pe, optional + 56)
    memory = bytearray(image_size)
    memory[:headers_size] = pe[:headers_size]
    for rva, virtual, raw, raw_size in sections:
        size = min(virtual, raw_size)
        memory[rva : rva + size] = pe[raw : raw + size]
    return bytes(memory)


def pdb_identity(memory: bytes) -> Tuple[str, int]:
    """(GUID as 32 hex digits, age) out of the debug directory of an image in memory."""
    optional, _sections = _headers(memory)
    # PE32+ keeps its data directories at +112; the debug directory is number 6.
    directory, size = struct.unpack_from("<2I", memory, optional + 112 + 6 * 8)
    for entry in range(directory, directory + size, 28):
        kind, _length, rva = struct.unpack_from("<3I", memory, entry + 12)
        if kind == 2 and memory[rva : rva + 4] == b"RSDS":
            first, second, third = struct.unpack_from("<IHH", memory, rva + 4)
            rest = memory[rva + 12 : rva + 20].hex().upper()
            age = struct.unpack_from("<I", memory, rva + 20)[0]
            return "%08X%04X%04X%s" % (first, second, third, rest), age
    raise ImageError("the image does not name its PDB")
