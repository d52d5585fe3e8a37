"""Fixed little-endian formats of a dump's file, as lists of names and `struct` codes.

Their parser is the standard library's: construct, which reads what varies (conditions, resource attributes), takes
longer to import than a dump takes to read.
"""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any, Tuple


class Form:
    """Fields behind each other without gaps, as (name, code): I and Q are 32 and 64 bits, "4s" four bytes, "8x" eight
    bytes that nobody asks for and that have no name; "4Q" is a tuple of four.

    size  bytes of all
    """

    def __init__(self, *fields: Tuple[str, str]) -> None:
        self._fields = [(name, _count(code)) for name, code in fields if name]
        self._struct = struct.Struct("<" + "".join(code for _, code in fields))
        self.size = self._struct.size

    def parse(self, data: bytes) -> Any:
        """The fields by their names, of the first `size` bytes.  Raises struct.error where there are fewer."""
        values = iter(self._struct.unpack_from(data))
        found = SimpleNamespace()
        for name, count in self._fields:
            value = next(values) if count is None else tuple(next(values) for _ in range(count))
            setattr(found, name, value)
        return found


def _count(code: str) -> Any:
    """How many values the code stands for, where they are to be a tuple; None for a single one."""
    return None if code.endswith("s") or code[:-1] == "" else int(code[:-1])
