"""The worst shapes that were thought of for a PDB: rows of `python -m tests.fuzz.law`."""

import struct
from typing import Any, Callable, Dict

from tests.fuzz.shapes import Case, Pieces
from tests.pdb_bytes import FIELDLIST, MAGIC, STRUCTURE, ULONG, Pdb, goes_on, member

# No dump is of that PDB, so what reads it is called by itself.
_READ_PDB = """
import sys
from kdtoken.errors import KdTokenError
from kdtoken.layout.pdb.pdb import load_pdb
try:
    pdb = load_pdb(sys.argv[1])
    print(len(pdb.names()), len(pdb.symbol_names()), pdb.rva("PsActiveProcessHead"), pdb.layout("_T7").size)
except KdTokenError as error:
    sys.exit(str(error))
"""


def _types(size: int, pdb: Any) -> None:
    """Small structs with one member each."""
    for number in range(size // 120):
        pdb.struct("_T%d" % number, 8, pdb.type(FIELDLIST, member("m%d" % number, 0, ULONG)), STRUCTURE)


def _pdb_of_streams(size: int) -> Pieces:
    """A directory of the size of the file, whose streams are all empty."""
    block = 4096
    blocks = size // block
    words = [block, 1, blocks + 8 + blocks // 1024, blocks * block, 0, 3]  # the directory's blocks are listed from 3 on
    yield (MAGIC + struct.pack("<6I", *words)).ljust(3 * block, b"\0")
    first = 3 + -(-blocks // 1024)
    yield struct.pack("<%dI" % blocks, *range(first, first + blocks)).ljust((first - 3) * block, b"\0")
    yield struct.pack("<I", blocks * 1024 - 1).ljust(block, b"\0")
    yield bytes((blocks + 8) * block)


def _pdb_of(fill: Callable[[int, Any], None]) -> Callable[[int], Pieces]:
    def make(size: int) -> Pieces:
        pdb = Pdb()
        pdb.struct("_T7", 8, pdb.type(FIELDLIST, member("m", 0, ULONG)))
        fill(size, pdb)
        yield pdb.data()

    return make


def _publics(size: int, pdb: Any) -> None:
    for number in range(size // 36):
        pdb.public("PsActiveProcessHea%d" % number, 1, number)


def _same_publics(size: int, pdb: Any) -> None:
    for _ in range(size // 36):
        pdb.public("PsActiveProcessHead", 9, 0)  # there is no section 9


def _omap(size: int, pdb: Any) -> None:
    pdb.omap = [(number, number) for number in range(size // 8)]
    pdb.public("PsActiveProcessHead", 1, 0)


def _members(size: int, pdb: Any) -> None:
    last = 0
    for number in range(size // 60000):
        one = b"".join(member("m%d" % (number * 3000 + at), at, ULONG) for at in range(2900))
        last = pdb.fields(one + (goes_on(last) if last else b""))
    pdb.struct("_T7", 8, last)


CASES: Dict[str, Case] = {
    "pdb of types": Case(_pdb_of(_types), ".pdb", ["-c", _READ_PDB, "{}"]),
    "pdb of streams": Case(_pdb_of_streams, ".pdb", ["-c", _READ_PDB, "{}"]),
    "pdb of symbols": Case(_pdb_of(_publics), ".pdb", ["-c", _READ_PDB, "{}"]),
    "pdb of one symbol": Case(_pdb_of(_same_publics), ".pdb", ["-c", _READ_PDB, "{}"]),
    "pdb of a map of addresses": Case(_pdb_of(_omap), ".pdb", ["-c", _READ_PDB, "{}"]),
    "pdb of members": Case(_pdb_of(_members), ".pdb", ["-c", _READ_PDB, "{}"]),
}
