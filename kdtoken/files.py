"""Small files as wholes: read within bounds (plain, gzip, xz), written whole or not at all.

A file from a stranger may be a FIFO that never ends, or one megabyte that unpacks to a thousand: neither is
waited for.  Sources, symbols and layouts read their files here; crash dumps and images are mapped instead.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, Iterable, Optional, Union

from kdtoken.errors import BadFormat, KdTokenError

if TYPE_CHECKING:
    from pathlib import Path

# Bytes, unpacked.  The largest ISF of a Windows kernel is 15 MB, a recording of 2,000 processes 40 MB.
LARGEST = 1 << 28
GZIP, XZ = b"\x1f\x8b", b"\xfd7zXZ\0"
_CHUNK = 1 << 20
# Of JSON: the largest ISF of a kernel has some 500,000 lists and objects, and 1,500,000 commas and colons.
_FEW, _MOST_LISTS, _MOST_VALUES = 1 << 21, 1 << 21, 1 << 23


def read_packed(path: Union[str, Path], what: str, largest: int = LARGEST) -> bytes:
    """The file's bytes, unpacked.

    what  "recording", "ISF symbol file": what the caller takes it for, for the message
    Raises BadFormat that names the file: not there, no regular file, too large, damaged.
    """
    return unpack(read_bounded(path, what, largest), str(path), what, largest)


def read_bounded(path: Union[str, Path], what: str, largest: int = LARGEST) -> bytes:
    """The file's bytes as they are.  Raises BadFormat."""
    name = str(path)
    try:
        status = os.stat(name)
        if stat.S_ISDIR(status.st_mode):
            raise BadFormat("%s is a folder, and a %s is wanted" % (name, what), name, "name the file in it")
        if not stat.S_ISREG(status.st_mode):
            raise BadFormat("%s is no regular file: only those are read" % name, name, "copy it into a file first")
        if status.st_size > largest:
            raise _too_large(name, what, largest)
        with open(name, "rb") as file:
            return file.read(min(largest, status.st_size) + 1)  # a buffer of that size is made first
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BadFormat("cannot read the %s %s: %s" % (what, name, why(error)), name) from error


def unpack(data: bytes, origin: str, what: str, largest: int = LARGEST) -> bytes:
    """Unpack gzip or xz; other data is returned as it is.  Raises BadFormat where it is damaged or too large."""
    if data.startswith(GZIP):
        return _gunzip(data, origin, what, largest)
    if data.startswith(XZ):
        return _unxz(data, origin, what, largest)
    if len(data) > largest:
        raise _too_large(origin, what, largest)
    return data


def json_of(text: str, origin: str, what: str) -> Any:
    """What JSON says.  Raises BadFormat where it holds more values than fit into memory, ValueError where it is none.

    A list or a pair of three letters takes 64 to 230 bytes once it is parsed, and no parser of the standard library can
    be told when to stop: what could be one is counted first.
    """
    import json  # who packs and unpacks only does without

    if len(text) > _FEW and (
        text.count("[") + text.count("{") > _MOST_LISTS or text.count(",") + text.count(":") > _MOST_VALUES
    ):
        raise BadFormat("%s holds millions of values, and no %s does" % (origin, what), origin)
    return json.loads(text)


def why(error: Exception) -> str:
    """An operating system's reason in its own words, without the class and the number around it."""
    text: Optional[str] = getattr(error, "strerror", None)
    if text is None and isinstance(error, ValueError):
        text = "it is empty" if "empty" in str(error) else "no file can have that name"  # mmap says the former so
    return text or "it cannot be done"


def _gunzip(data: bytes, origin: str, what: str, largest: int) -> bytes:
    import zlib  # each run that unpacks nothing does without

    parts, size, rest = [], 0, data
    try:
        while rest.startswith(GZIP):  # a file may be several packed ones behind one another
            unpacker = zlib.decompressobj(31)  # 31: with gzip's head and checksum
            part = unpacker.decompress(rest, largest + 1 - size)
            size += len(part)
            if size > largest or unpacker.unconsumed_tail:
                raise _too_large(origin, what, largest)
            if not unpacker.eof:
                raise BadFormat("%s is cut short: its gzip data does not end" % origin, origin, "copy it again, whole")
            parts.append(part)
            rest = unpacker.unused_data
    except zlib.error as error:
        raise BadFormat("%s is damaged: its gzip data does not unpack" % origin, origin, "copy it again") from error
    return b"".join(parts)


def _unxz(data: bytes, origin: str, what: str, largest: int) -> bytes:
    import lzma  # some Pythons are built without

    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, 1 << 27)  # 128 MB for the dictionary: xz -9 takes 64
    parts, size = [], 0
    try:
        while not unpacker.eof:
            part = unpacker.decompress(data, _CHUNK)
            data = b""
            size += len(part)
            if size > largest:
                raise _too_large(origin, what, largest)
            if not part and unpacker.needs_input:
                raise BadFormat("%s is cut short: its xz data does not end" % origin, origin, "copy it again, whole")
            parts.append(part)
    except lzma.LZMAError as error:
        raise BadFormat("%s is damaged: its xz data does not unpack" % origin, origin, "copy it again") from error
    return b"".join(parts)


def _too_large(origin: str, what: str, largest: int) -> BadFormat:
    return BadFormat("%s holds over %d MB, and no %s is that large" % (origin, largest >> 20, what), origin)


def write_whole(path: Union[str, Path], data: Iterable[bytes], what: str) -> None:
    """Write a file whole or not at all: beside it, onto the disk, then under its name.

    A full disk, a closed pipe or Ctrl+C leaves what was there before.  Where the name is a device, a FIFO or
    something else that cannot be replaced, it is written in place.  Raises KdTokenError that names the file.
    """
    name, fresh = str(path), ""
    try:
        name = os.path.realpath(name)  # a link stays, and what it leads to is replaced
        if os.path.exists(name) and not os.path.isfile(name):
            with open(name, "wb") as out:
                out.writelines(data)
            return
        import tempfile  # only who writes needs it

        handle, fresh = tempfile.mkstemp(".part", "." + os.path.basename(name)[:100], os.path.dirname(name) or ".")
        with os.fdopen(handle, "wb") as out:
            out.writelines(data)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(fresh, _mode_of(name))
        os.replace(fresh, name)
        fresh = ""
    except (OSError, ValueError) as error:
        step = (
            "give a file in a folder that takes it"
            if os.path.isdir(name)
            else "another folder, with room, where you may"
        )
        raise KdTokenError("cannot write the %s %s: %s" % (what, path, why(error)), str(path), step) from error
    finally:
        if fresh and os.path.exists(fresh):
            os.remove(fresh)


def _mode_of(name: str) -> int:
    """The permissions of the file that is replaced; those of a new one where there is none."""
    try:
        return stat.S_IMODE(os.stat(name).st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
