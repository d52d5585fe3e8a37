"""Volatility 3 as a judge: an independent reader of the same synthetic kernel.

    judge = Volatility(dump, layouts, image, work)
    judge.rows("windows.getsids")       # [{"PID": 4, "Process": "System", "SID": "S-1-5-18", ...}, ...]

It finds the kernel by itself, as for a dump of a real machine: the page tables by the header, nt by
its MZ and PDB name, and the symbols by GUID and age, in an ISF file that is made here out of the
layouts and the image's link map.  Its own code for lists, tokens and SIDs does the rest.

Wanted: `pip install volatility3==2.28.2` next to the Python that runs this.  No network is used.
"""

import json
import lzma
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from kdtoken.layout.layout import Field, Layout, array_of, pointer_size
from kdtoken.layout.layout_file import LayoutFile
from tests.engine.image import Image

VERSION = "2.28.2"

Json = Dict[str, object]
Row = Dict[str, object]

# ISF's base types: name -> (kind, signed, size).  Volatility asks for some of them by name.
_BASE_TYPES: Dict[str, Tuple[str, bool, int]] = {
    "void": ("void", True, 0),
    "bool": ("bool", False, 1),
    "char": ("char", True, 1),
    "unsigned char": ("char", False, 1),
    "wchar": ("int", True, 2),
    "short": ("int", True, 2),
    "unsigned short": ("int", False, 2),
    "int": ("int", True, 4),
    "long": ("int", True, 4),
    "unsigned int": ("int", False, 4),
    "unsigned long": ("int", False, 4),
    "long long": ("int", True, 8),
    "unsigned long long": ("int", False, 8),
    "float": ("float", True, 4),
    "double": ("float", True, 8),
}
_PRIMITIVES = {
    "Void": "void",
    "Bool": "bool",
    "Char": "char",
    "Int1B": "char",
    "UChar": "unsigned char",
    "Uint1B": "unsigned char",
    "Wchar": "wchar",
    "Int2B": "short",
    "Uint2B": "unsigned short",
    "Int4B": "long",
    "Uint4B": "unsigned long",
    "Int8B": "long long",
    "Uint8B": "unsigned long long",
    "Float": "float",
    "Double": "double",
}

# Volatility reads its own name as an argument too, and would take the `-c` there for an option.
_START = "import sys; from volatility3.cli import main; sys.argv[0] = 'vol'; main()"


class VolatilityError(Exception):
    """Volatility is not there, or could not make sense of the dump; with its own words."""


def isf(layouts: LayoutFile, image: Image) -> Json:
    """What an ISF file of this kernel's PDB would hold."""
    base: Json = {
        name: {"endian": "little", "kind": kind, "signed": signed, "size": size}
        for name, (kind, signed, size) in _BASE_TYPES.items()
    }
    base["pointer"] = {
        "endian": "little",
        "kind": "int",
        "signed": False,
        "size": layouts.pointer_size,
    }
    structs: Json = {}
    enums: Json = {}
    for layout in layouts.types.values():
        if layout.is_enum:
            constants = dict(layout.values)
            enums[layout.name] = {"base": "int", "constants": constants, "size": layout.size}
        else:
            structs[layout.name] = _struct(layout, layouts)
    pdb = {"GUID": image.guid, "age": image.age, "database": "ntkrnlmp.pdb", "machine_type": 34404}
    return {
        "metadata": {
            "format": "6.1.0",
            "producer": {"name": "kdtoken-bench", "version": "1", "datetime": "2000-01-01T00:00:00"},
            "windows": {"pdb": pdb},
        },
        "base_types": base,
        "user_types": structs,
        "enums": enums,
        "symbols": {name: {"address": rva} for name, rva in sorted(image.symbols.items())},
    }


def _struct(layout: Layout, layouts: LayoutFile) -> Json:
    fields = {member.name: _member(member, layouts) for member in layout.fields}
    return {"kind": "struct", "size": layout.size, "fields": fields}


def _member(member: Field, layouts: LayoutFile) -> Json:
    if member.bits is None:
        return {"offset": member.offset, "type": _type(member.type, layouts)}
    position, width = member.bits
    container = _type(member.container or "Uint8B", layouts)
    bits = {"kind": "bitfield", "bit_position": position, "bit_length": width, "type": container}
    return {"offset": member.offset, "type": bits}


def _type(text: str, layouts: LayoutFile) -> Json:
    array = array_of(text)
    if array is not None:
        return {"kind": "array", "count": array[0], "subtype": _type(array[1], layouts)}
    if pointer_size(text) is not None:
        return {"kind": "pointer", "subtype": _type(text.split(" ", 1)[1], layouts)}
    if text == "Function":
        return {"kind": "function"}
    if text in _PRIMITIVES:
        return {"kind": "base", "name": _PRIMITIVES[text]}
    known: Optional[Layout] = layouts.types.get(text)
    return {"kind": "enum" if known is not None and known.is_enum else "struct", "name": text}


class Volatility:
    """One dump, judged.

    work   folder for the symbol file and Volatility's cache; good for any number of dumps
    """

    def __init__(self, dump: Path, layouts: LayoutFile, image: Image, work: Path) -> None:
        self._dump = dump.resolve()
        self._symbols = (work / "volatility-symbols").resolve()
        self._cache = (work / "volatility-cache").resolve()
        self._cache.mkdir(parents=True, exist_ok=True)
        # Where Volatility looks for the symbols of a kernel that calls itself by this GUID and age.
        folder = self._symbols / "windows" / "ntkrnlmp.pdb"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / ("%s-%d.json.xz" % (image.guid, image.age))
        if not file.exists():
            file.write_bytes(lzma.compress(json.dumps(isf(layouts, image)).encode(), preset=1))

    def command(self, plugin: str, *options: str) -> List[str]:
        """What to run for a plugin's table as JSON on stdout."""
        return [
            sys.executable,
            "-c",
            _START,
            "--offline",
            "-q",
            "-r",
            "json",
            "--cache-path",
            str(self._cache),
            "-s",
            str(self._symbols),
            "-f",
            str(self._dump),
            plugin,
            *options,
        ]

    def rows(self, plugin: str, *options: str, timeout: float = 120) -> List[Row]:
        """The table that a plugin prints, e.g. `rows("windows.pslist", "--pid", "4")`.

        Rows are flat: what Volatility nests (a tree of processes) follows its parent.
        Addresses are cut to 48 bits: 0xffffa08011000670 is printed as 0xa08011000670.
        """
        try:
            done = subprocess.run(
                self.command(plugin, *options),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=timeout,
                env=dict(os.environ, PYTHONIOENCODING="utf-8"),
            )
        except subprocess.TimeoutExpired as error:
            raise VolatilityError("%s did not end in %s s" % (plugin, timeout)) from error
        errors = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode:
            if "No module named 'volatility3'" in errors:
                errors = "not installed: pip install volatility3==%s" % VERSION
            raise VolatilityError("%s: %s" % (plugin, errors[-2000:]))
        try:
            return table(done.stdout)
        except ValueError as error:
            raise VolatilityError("%s printed no table: %s" % (plugin, errors)) from error


def table(printed: bytes) -> List[Row]:
    """The rows of what a plugin printed."""
    rows: List[Row] = []
    _flatten(json.loads(printed.decode("utf-8")), rows)
    return rows


def _flatten(tree: List[Row], rows: List[Row]) -> None:
    for node in tree:
        children = node.pop("__children", [])
        rows.append(node)
        if isinstance(children, list):
            _flatten(children, rows)
