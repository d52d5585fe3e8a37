"""A file that a verb is about to write: said before hours of reading, not behind them, where it cannot or must not be.

What is there already is replaced only where it is the same kind of thing, made by an earlier run: nobody means to
lose a dump to a slip of the hand.  A device, a pipe and an empty file hold nothing to lose.
"""

import argparse
import os
from typing import Any, Iterable, NamedTuple, Optional

from kdtoken.errors import UsageError
from kdtoken.machine.sniff import GZIP

_BEGINNING = 1 << 16
_STEP = "another name, or remove it first"


class Made(NamedTuple):
    """What a verb writes: its words for messages, and what stands in the beginning of such a file, unpacked."""

    what: str
    signs: Iterable[bytes]


RECORDING = Made("recording", (b'"kdtoken-session"',))
REPORT = Made("report", (b'<meta name="generator" content="kdtoken ',))
PARQUET = Made("Parquet file", (b"PAR1",))


class One(argparse.Action):
    """An option that names the one file that is written."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Optional[str] = None) -> None:
        if getattr(namespace, self.dest):
            raise UsageError("%s names one file, and here are two" % option_string, option_string, "leave one away")
        setattr(namespace, self.dest, values)


def check_output(path: str, made: Made, sources: Iterable[str] = ()) -> None:
    """Raises UsageError where the file cannot be written, or is one that must not be replaced.

    sources  what the same run reads
    """
    cannot = "cannot write the %s %s: " % (made.what, path)
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise UsageError(cannot + "it is a folder", path, "name a file in it: %s" % os.path.join(path, "NAME"))
    if not os.path.isdir(folder):
        raise UsageError(cannot + "there is no folder %s" % folder, path, "make that folder, or name another")
    if not os.access(folder, os.W_OK) and not (os.path.exists(path) and not os.path.isfile(path)):
        raise UsageError(cannot + "no file can be made in %s" % folder, path, "a folder where you may write")
    for source in sources:
        if source and os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
            raise UsageError(cannot + "it is what is read", path, "another name")
    if os.path.isfile(path) and os.path.getsize(path):
        beginning = _beginning(path)
        if beginning is None or not any(sign in beginning for sign in made.signs):
            raise UsageError("%s is there already, and no %s of ours" % (path, made.what), path, _STEP)


def _beginning(path: str) -> Optional[bytes]:
    """How the file begins, gzip taken off; None where that cannot be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(_BEGINNING)
    except OSError:
        return None
    if not data.startswith(GZIP):
        return data
    import zlib

    try:
        return zlib.decompressobj(31).decompress(data, _BEGINNING)
    except zlib.error:
        return None
