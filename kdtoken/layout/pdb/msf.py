"""The container of a PDB: MSF 7.00, a file of numbered streams made of blocks.

Format: "The MSF File Format" of LLVM's documentation (llvm.org/docs/PDB), and microsoft/microsoft-pdb.
"""

from __future__ import annotations

import struct
from typing import Any, List, Optional, Sequence

from kdtoken.errors import BadFormat

MAGIC = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0"
_OLD_MAGIC = b"Microsoft C/C++ program database 2.00"
_NIL = 0xFFFFFFFF  # size of a stream that was deleted
_MOST_STREAMS = 0xFFFF  # streams name each other by 16 bits, of which the last number says "none"
_SUPERBLOCK = struct.Struct("<6I")  # BlockSize FreeBlockMapBlock NumBlocks NumDirectoryBytes Unknown BlockMapAddr


class Msf:
    """Streams by number; joined when asked for.

    No stream is larger than the file, whatever a damaged directory says.
    """

    def __init__(self, data: Any, origin: str) -> None:
        """data  bytes or a mapped file.  Raises BadFormat."""
        self.origin = origin
        self._data = data
        head = bytes(data[: len(MAGIC) + _SUPERBLOCK.size])
        if head.startswith(_OLD_MAGIC):
            raise BadFormat("%s is a PDB of the 1990s (format 2.00); only 7.00 is read" % origin, origin)
        if not head.startswith(MAGIC) or len(head) < len(MAGIC) + _SUPERBLOCK.size:
            raise BadFormat("%s is no PDB" % origin, origin)
        self._block, _free, self._count, size, _unknown, where = _SUPERBLOCK.unpack_from(head, len(MAGIC))
        if self._block not in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536):
            raise self._bad("its block size is %d" % self._block)
        if size > len(data) or self._count * self._block > len(data) + self._block:
            raise self._bad("it is cut short: it should have %d blocks of %d bytes" % (self._count, self._block))
        if size > 4 * (1 + _MOST_STREAMS + self._count):  # how many there are, the size of each, where each block is
            raise self._bad("its directory has room for more streams than there can be")
        blocks = -(-size // self._block)
        start = where * self._block
        numbers = bytes(data[start : start + 4 * blocks])
        if len(numbers) < 4 * blocks:
            raise self._bad("its directory lies outside the file")
        self._read_directory(self._join(struct.unpack("<%dI" % blocks, numbers), size))

    def _read_directory(self, data: bytes) -> None:
        words: Sequence[int] = struct.unpack("<%dI" % (len(data) // 4), data[: len(data) // 4 * 4])
        if not words or words[0] >= len(words) or words[0] > _MOST_STREAMS:
            raise self._bad("its directory is damaged")
        self._sizes: List[int] = [0 if size == _NIL else size for size in words[1 : 1 + words[0]]]
        self._blocks: List[Sequence[int]] = []
        at = 1 + words[0]
        for size in self._sizes:
            count = -(-size // self._block)
            if at + count > len(words):
                raise self._bad("its directory is damaged")
            self._blocks.append(words[at : at + count])
            at += count

    def stream(self, number: int, most: Optional[int] = None) -> bytes:
        """All bytes of a stream, or the first `most`; none for one that does not exist.  Raises BadFormat."""
        if not 0 <= number < len(self._sizes):
            return b""
        size = self._sizes[number]
        if most is not None and most < size:
            return self._join(self._blocks[number][: -(-most // self._block)], most)
        return self._join(self._blocks[number], size)

    def _join(self, blocks: Sequence[int], size: int) -> bytes:
        if size > len(self._data):
            raise self._bad("one of its streams is larger than the file")
        width, data = self._block, self._data
        if any(block >= self._count for block in blocks):
            raise self._bad("one of its streams lies outside the file")
        joined = b"".join([data[block * width : block * width + width] for block in blocks])[:size]
        if len(joined) < size:
            raise self._bad("it is cut short")
        return joined

    def _bad(self, what: str) -> BadFormat:
        return BadFormat("%s is a damaged PDB: %s" % (self.origin, what), self.origin, "fetch it again")
