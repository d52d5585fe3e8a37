"""Layouts from an ISF file, the JSON form in which memory-forensics tools keep PDB types.

Format: "Intermediate Symbol Format" of Volatility 3, versions 4 to 6 (base_types, user_types,
enums, symbols), plain, .gz or .xz.
"""

import re
from pathlib import Path
from typing import Any, Dict, Iterable, List, Union

from kdtoken.errors import BadFormat, TypeNotFound
from kdtoken.files import json_of, read_packed
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.layout.layout_file import LayoutFile

_UNNAMED = re.compile(r"__unnamed_[0-9a-fA-F]+$|<(unnamed|anonymous)[-_ ].*>$")


class IsfFile:
    """One ISF file, opened once; types are converted when asked for."""

    def __init__(self, data: Dict[str, Any], origin: str = "ISF") -> None:
        try:
            self._base: Dict[str, Any] = data["base_types"]
            self._user: Dict[str, Any] = data["user_types"]
            self._enums: Dict[str, Any] = data["enums"]
            if not all(isinstance(table, dict) for table in (self._base, self._user, self._enums)):
                raise TypeError("a table that is none")
            self.symbols: Dict[str, int] = {name: int(entry["address"]) for name, entry in data["symbols"].items()}
            pdb = data["metadata"].get("windows", {}).get("pdb", {})
            self.pdb = "%s%X" % (pdb["GUID"].upper(), int(pdb["age"])) if pdb else ""
            self.pointer_size = int(self._base["pointer"]["size"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise BadFormat(
                "%s is not an ISF symbol file, or a damaged one" % origin,
                origin,
                "Volatility's symbol tables are ISF files",
            ) from error
        self.origin = origin

    def names(self) -> List[str]:
        """All type names of the file."""
        return sorted(set(self._user) | set(self._enums))

    def layout(self, name: str) -> Layout:
        """RVA-free layout of one type.  Raises TypeNotFound or BadFormat."""
        try:
            if name in self._user:
                body = self._user[name]
                fields = [
                    self._field(member, entry["offset"], entry["type"]) for member, entry in body["fields"].items()
                ]
                return make_layout(name, int(body["size"]), fields)
            if name in self._enums:
                body = self._enums[name]
                return make_layout(name, int(body["size"]), (), body["constants"].items())
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise BadFormat("%s: type %s is damaged" % (self.origin, name), name) from error
        raise TypeNotFound("%s has no type %s" % (self.origin, name), name)

    def layouts(self, names: Iterable[str], build: str) -> LayoutFile:
        """The named types and every type that they hold by value."""
        types: Dict[str, Layout] = {}
        todo = list(names)
        while todo:
            name = todo.pop()
            if name in types:
                continue
            types[name] = self.layout(name)
            for member in types[name].fields:
                inner = member.type
                while inner.startswith("["):
                    inner = inner.split("] ", 1)[1]
                if inner in self._user or inner in self._enums:
                    todo.append(inner)
        return LayoutFile(build, self.pdb, self.pointer_size, types)

    def _field(self, name: str, offset: int, kind: Dict[str, Any]) -> Field:
        if kind["kind"] == "bitfield":
            width = int(kind["bit_length"])
            text = "Pos %d, %d Bit%s" % (kind["bit_position"], width, "" if width == 1 else "s")
            return Field(name, int(offset), text, self._text(kind["type"]))
        return Field(name, int(offset), self._text(kind))

    def _text(self, kind: Dict[str, Any]) -> str:
        """A type in the debugger's words."""
        what = kind["kind"]
        if what == "base":
            return self._primitive(kind["name"])
        if what == "pointer":
            return "Ptr%d %s" % (self.pointer_size * 8, self._text(kind["subtype"]))
        if what == "array":
            return "[%d] %s" % (kind["count"], self._text(kind["subtype"]))
        if what == "function":
            return "Function"
        if what in ("struct", "union", "class", "enum"):
            name = str(kind["name"])
            return name
        raise ValueError("unknown kind of type %r" % what)

    def _primitive(self, name: str) -> str:
        entry = self._base[name]
        size, signed, kind = int(entry["size"]), bool(entry["signed"]), entry["kind"]
        if kind == "void" or name == "void":
            return "Void"
        if kind == "bool":
            return "Bool"
        if kind == "float":
            return {4: "Float", 8: "Double"}[size]
        if name in ("wchar", "wchar_t"):
            return "Wchar"
        if size == 1:
            return "Char" if signed else "UChar"
        return "%s%dB" % ("Int" if signed else "Uint", size)


def load_isf(path: Union[str, Path]) -> IsfFile:
    """Open a plain, .gz or .xz ISF file.  Raises BadFormat naming the file."""
    data = read_packed(path, "ISF symbol file")
    try:
        parsed = json_of(data.decode("utf-8-sig"), str(path), "ISF symbol file")
    except (ValueError, RecursionError) as error:
        raise BadFormat("%s is not an ISF symbol file: it is no JSON" % path, str(path)) from error
    if not isinstance(parsed, dict):
        raise BadFormat("%s is not an ISF symbol file" % path, str(path))
    return IsfFile(parsed, str(path))
