"""Packed files and stdin as plain files, for sources that map a file or go back in it."""

import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from typing import BinaryIO, cast

from kdtoken.errors import BadFormat
from kdtoken.machine.sniff import GZIP, STDIN, cannot_read

_CHUNK = 1 << 20
# gzip makes a thousand bytes out of one at most.  Memory of a machine that is hardly used is packed to a hundredth; of
# text, memory that is all zeros is packed best: `db` of it to a 29th.
_MOST_TIMES, _MOST_TIMES_OF_TEXT, _FREE = 200, 50, 1 << 28


class _Counted:
    """A file of which is known how much was read."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file, self.done = file, 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.done += len(data)
        return data


class Unpacked:
    """The plain content of a packed file or of stdin, in a folder of its own until `close`.

    path  of the plain file; its name is the packed one's without `.gz`, since reports show it
    """

    def __init__(self, source: str) -> None:
        """Raises BadFormat where it cannot be read or unpacked."""
        self._folder = tempfile.mkdtemp(prefix="kdtoken-")
        name = "stdin" if source == STDIN else os.path.basename(source)
        self.path = os.path.join(self._folder, name[:-3] if name.lower().endswith(".gz") else name)
        try:
            self._unpack(source)
        except BadFormat:
            self.close()
            raise

    def _unpack(self, source: str) -> None:
        try:
            if source == STDIN:
                self._copy(io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer)), source)
            else:
                with open(source, "rb") as file:
                    self._copy(file, source)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadFormat(
                "cannot read %s: its gzip data breaks off or is damaged" % source, source, "copy it again"
            ) from error
        except ValueError as error:  # it was read, and closed behind that
            raise BadFormat(
                "standard input (-) was read already",
                source,
                "name it once; what is wanted twice goes into a file first",
            ) from error
        except (OSError, AttributeError) as error:  # AttributeError: a stdin without bytes, as in WinDbg
            raise cannot_read(source, error) from error

    def _copy(self, file: io.BufferedReader, source: str) -> None:
        with open(self.path, "wb") as out:
            if file.peek(2)[:2] != GZIP:
                shutil.copyfileobj(file, out, _CHUNK)
                return
            counted, size, most = _Counted(file), 0, 0
            with gzip.GzipFile(fileobj=cast(BinaryIO, counted), mode="rb") as packed:
                for chunk in iter(lambda: packed.read(_CHUNK), b""):
                    size += len(chunk)
                    most = most or (_MOST_TIMES if b"\0" in chunk else _MOST_TIMES_OF_TEXT)  # no memory without a zero
                    if size > max(_FREE, most * counted.done):
                        raise BadFormat(
                            "%s unpacks to over %d times its size, as no %s does"
                            % (source, most, "memory" if most == _MOST_TIMES else "log"),
                            source,
                            "look at what it is; gzip -d unpacks it whatever it is",
                        )
                    out.write(chunk)

    def close(self) -> None:
        """Delete it; safe to call twice."""
        shutil.rmtree(self._folder, ignore_errors=True)
