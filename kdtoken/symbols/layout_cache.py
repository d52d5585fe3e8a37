"""Layouts kept on disk: each `!py` starts with an empty Python and would ask the engine for the same types again.

    cache = LayoutCache(pdb.key, "pdb")
    cache.layout("_TOKEN", pdb.layout)        # from the disk, or asked for and kept

One file a build, FOLDER/FORMAT/GUIDAGE.txt, named by the PDB that the types come from, so that no other
build's is ever looked at.  A line a type, with a head that tells what it is and a checksum; a line that is torn,
damaged or foreign counts as none, and what it should have held is asked for and added anew.  Lines are
only ever added, each in one write, so that two sessions at once do no harm.  The folder may be deleted at any time.

One file and not one a type: under Wine, opening 14 of them took longer (80 ms) than asking the engine again (20 ms).
What is not there is not kept: a PDB with private symbols has the GUID of the public one, and more types.
"""

import json
import os
import re
from binascii import crc32
from typing import Callable, Dict, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.layout.layout import Layout, layout_from_json, layout_to_json

VARIABLE = "KDTOKEN_CACHE"  # a folder to keep things in instead, or "off"
FORMAT = "layouts-1"  # another number when what a layout says of a type changes
_LIMIT = 1 << 24  # no build's file is near this
# Names of files on every system; what a hostile PDB calls its types besides is not kept.
_KEY = re.compile(r"[0-9A-F]{33,40}")
_NAME = re.compile(r"[A-Za-z_]\w{0,99}", re.ASCII)
_ANY = "any"  # instead of a reader's name


def cache_home() -> Optional[str]:
    """The folder where kdtoken keeps what it can get again; None where it is told to keep nothing."""
    told = os.environ.get(VARIABLE, "")
    if told.lower() == "off":
        return None
    return told or default_home()


def default_home() -> str:
    """The folder that the system has for such things."""
    local = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(local, "kdtoken")


class LayoutCache:
    """The layouts of one PDB."""

    def __init__(self, pdb: str, reader: str) -> None:
        """pdb     its GUID (32 hex digits) and age in one; any other text, and nothing is kept
        reader  who reads the types ("pykd", "pdb"): a type without a name is called otherwise by each, so
                what mentions one is of use to the same reader only
        """
        home = cache_home()
        self._pdb, self._reader = pdb.upper(), reader
        self._file = os.path.join(home, FORMAT, self._pdb + ".txt") if home and _KEY.fullmatch(self._pdb) else ""
        self._lines: Optional[Dict[Tuple[bytes, bytes], bytes]] = None  # (name, reader) -> the line's layout

    def layout(self, name: str, read: Callable[[str], Layout]) -> Layout:
        """The type, from the disk or else from `read`, whose errors pass through."""
        if not self._file or not _NAME.fullmatch(name):
            return read(name)
        found = self._load(name)
        if found is None:
            found = read(name)
            self._add(found)
        return found

    def _load(self, name: str) -> Optional[Layout]:
        """None where the file has no line of that type that can be trusted."""
        if self._lines is None:
            self._lines = self._read()
        for reader in (_ANY, self._reader):
            body = self._lines.get((name.encode("ascii"), reader.encode("ascii")))
            if body is not None and len(body) > 8 and body[:8] == self._seal(name, reader, body[9:]):
                try:
                    return layout_from_json(name, json.loads(body[9:].decode("ascii")))
                except (ValueError, RecursionError, BadFormat):
                    continue
        return None

    def _read(self) -> Dict[Tuple[bytes, bytes], bytes]:
        try:
            with open(self._file, "rb") as file:
                rows = [line.split(b" ", 2) for line in file.read(_LIMIT).split(b"\n")]
        except OSError:
            return {}
        return {(row[0], row[1]): row[2] for row in rows if len(row) == 3}

    def _add(self, layout: Layout) -> None:
        """Keep it if that can be done; a full or forbidden disk is no reason to fail."""
        if layout.size is None:
            return  # from a source that did not tell all
        reader = self._reader if _mentions_unnamed(layout) else _ANY
        body = json.dumps(layout_to_json(layout)).encode("ascii")
        # A line break in front as well: the last line may have been torn off.
        line = b"\n%s %s %s %s\n" % (
            layout.name.encode("ascii"),
            reader.encode("ascii"),
            self._seal(layout.name, reader, body),
            body,
        )
        try:
            os.makedirs(os.path.dirname(self._file), exist_ok=True)
            with open(self._file, "ab", buffering=0) as file:
                file.write(line)
        except OSError:
            return

    def _seal(self, name: str, reader: str, body: bytes) -> bytes:
        """A checksum of the layout, and of the build, the type and the reader that it belongs to."""
        return b"%08x" % crc32(("%s %s %s %s " % (FORMAT, self._pdb, name, reader)).encode("ascii") + body)


def _mentions_unnamed(layout: Layout) -> bool:
    return any("unnamed" in member.type or "<" in member.type for member in layout.fields)
