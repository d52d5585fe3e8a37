"""Layouts kept on disk: each `!py` starts with an empty Python and would ask the engine for the same types again.

    cache = LayoutCache(pdb.key, digest_of_file(path), "pdb")
    cache.layout("_TOKEN", pdb.layout)        # from the disk, or asked for and kept

One file a PDB, FOLDER/FORMAT/GUIDAGE-DIGEST.txt, named by what the PDB says of itself and by what is in it: a PDB
with the right GUID and other contents, a customer's, a damaged or a hostile one, never answers for the
genuine one.  Folder and files are the user's alone, or else nothing is kept.  A line a type, with a head that tells what it is and a checksum; a line that is torn,
damaged or foreign counts as none, and what it should have held is asked for and added anew.  Lines are
only ever added, each in one write, so that two sessions at once do no harm.  The folder may be deleted at any time.

One file and not one a type: under Wine, opening 14 of them took longer (80 ms) than asking the engine again (20 ms).
What is not there is not kept.
"""

from __future__ import annotations

import json
import os
import re
import stat
from binascii import crc32
from typing import Any, Callable, Dict, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.layout.layout import Layout, layout_from_json, layout_to_json

VARIABLE = "KDTOKEN_CACHE"  # a folder to keep things in instead, or "off"
FORMAT = "layouts-2"  # another number when what a layout says of a type changes
_LIMIT = 1 << 24  # no build's file is near this
# Names of files on every system; what a hostile PDB calls its types besides is not kept.
_KEY = re.compile(r"[0-9A-F]{33,40}-[0-9a-f]{32}")
_NAME = re.compile(r"[A-Za-z_]\w{0,99}", re.ASCII)
_ANY = "any"  # instead of a reader's name


def cache_home() -> Optional[str]:
    """The folder where kdtoken keeps what it can get again; None where it is told to keep nothing."""
    named = os.environ.get(VARIABLE, "")
    if named.lower() == "off":
        return None
    return named or default_home()


def default_home() -> str:
    """The folder that the system has for such things."""
    local = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(local, "kdtoken")


def _blake2b() -> Any:
    """A hash with 16 bytes of digest, of the module that hashlib takes it from.

    hashlib brings OpenSSL along: 3 ms, and nothing of it is used.
    """
    try:
        from _blake2 import blake2b
    except ImportError:  # a Python that has it elsewhere
        from hashlib import blake2b
    return blake2b(digest_size=16)


def digest_of(data: Any) -> str:
    """What names a PDB's contents: BLAKE2b of all its bytes (bytes or a mapped file), 32 hex digits."""
    made = _blake2b()
    made.update(data)
    return str(made.hexdigest())


def digest_of_file(path: str) -> str:
    """The same of a file; "" where it cannot be read, and then nothing is kept."""
    made = _blake2b()
    try:
        with open(path, "rb") as file:
            while True:
                chunk = file.read(1 << 20)
                if not chunk:
                    return str(made.hexdigest())
                made.update(chunk)
    except (OSError, ValueError):
        return ""


class LineFile:
    """One file of sealed lines, FOLDER/FORMAT/NAME.txt: a pair of words and what was kept under them."""

    def __init__(self, kind: str, pdb: str, digest: str) -> None:
        """kind    the format's name and number
        pdb     GUID (32 hex digits) and age in one; any other text, and nothing is kept
        digest  of its contents (`digest_of`); "" and nothing is kept
        """
        home = cache_home()
        self._kind, self._pdb = kind, "%s-%s" % (pdb.upper(), digest)
        self._file = os.path.join(home, kind, self._pdb + ".txt") if home and _KEY.fullmatch(self._pdb) else ""
        self._lines: Optional[Dict[Tuple[bytes, bytes], bytes]] = None

    def __bool__(self) -> bool:
        """Whether anything is kept at all."""
        return bool(self._file)

    def get(self, first: str, second: str) -> Any:
        """What JSON the last whole line of that pair holds; None where no line of it can be trusted."""
        if self._lines is None:
            self._lines = self._read()
        body = self._lines.get((first.encode("ascii"), second.encode("ascii")))
        if body is None or body[:8] != self._seal(first, second, body[9:]):
            return None
        try:
            return json.loads(body[9:].decode("ascii"))
        except (ValueError, RecursionError):
            return None

    def add(self, first: str, second: str, value: Any) -> None:
        """Keep it if that can be done; a full or forbidden disk is no reason to fail."""
        if not self._file:
            return
        body = json.dumps(value).encode("ascii")
        words = first.encode("ascii"), second.encode("ascii")
        # A line break in front as well: the last line may have been torn off.
        line = b"\n%s %s %s %s\n" % (*words, self._seal(first, second, body), body)
        try:
            os.makedirs(os.path.dirname(self._file), 0o700, exist_ok=True)
        except OSError:
            return
        handle = _open_own(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        if handle is None:
            return
        try:
            os.write(handle, line)
            if self._lines is not None:
                self._lines[words] = line.rstrip(b"\n").split(b" ", 2)[2]
        except OSError:
            pass  # a full disk: the line is torn, and counts as none
        finally:
            os.close(handle)

    def _read(self) -> Dict[Tuple[bytes, bytes], bytes]:
        handle = _open_own(self._file, os.O_RDONLY)
        if handle is None:
            return {}
        with os.fdopen(handle, "rb") as file:
            rows = [line.split(b" ", 2) for line in file.read(_LIMIT).split(b"\n")]
        return {(row[0], row[1]): row[2] for row in rows if len(row) == 3}

    def _seal(self, first: str, second: str, body: bytes) -> bytes:
        """A checksum of the value, and of the format, the build and the words that it belongs to."""
        return b"%08x" % crc32(("%s %s %s %s " % (self._kind, self._pdb, first, second)).encode("ascii") + body)


class LayoutCache:
    """The layouts of one PDB."""

    def __init__(self, pdb: str, digest: str, reader: str) -> None:
        """pdb, digest  as LineFile has them
        reader  who reads the types ("pykd", "pdb"): a type without a name is called otherwise by each, so
                what mentions one is of use to the same reader only
        """
        self._file, self._reader = LineFile(FORMAT, pdb, digest), reader

    def layout(self, name: str, read: Callable[[str], Layout]) -> Layout:
        """The type, from the disk or else from `read`, whose errors pass through."""
        if not self._file or not _NAME.fullmatch(name):
            return read(name)
        found = self._load(name)
        if found is None:
            found = read(name)
            if found.size is not None:  # else from a source that did not tell all
                reader = self._reader if _mentions_unnamed(found) else _ANY
                self._file.add(found.name, reader, layout_to_json(found))
        return found

    def _load(self, name: str) -> Optional[Layout]:
        """None where the file has no line of that type that can be trusted."""
        for reader in (_ANY, self._reader):
            kept = self._file.get(name, reader)
            if kept is not None:
                try:
                    return layout_from_json(name, kept)
                except (ValueError, RecursionError, BadFormat):
                    continue
        return None


def _open_own(path: str, flags: int) -> Optional[int]:
    """A handle of a regular file that nobody but this user can have written; else None.

    In a folder that others may write to, anybody could say where the members of _TOKEN are.
    """
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        if not _is_own(os.stat(os.path.dirname(path))):
            return None
        handle = os.open(path, flags, 0o600)
    except (OSError, ValueError):
        return None
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and _is_own(status):
        return handle
    os.close(handle)
    return None


def _is_own(status: os.stat_result) -> bool:
    """On Windows %LOCALAPPDATA% is the user's own by its access list, and st_mode says nothing of it."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _mentions_unnamed(layout: Layout) -> bool:
    return any("unnamed" in member.type or "<" in member.type for member in layout.fields)
