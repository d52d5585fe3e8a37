"""Raw images: a machine's memory and nothing else, so that where the hole for devices was has to be found out.

A padded image has the hole as zeros: offset and address are the same.  Others leave it out, and what lay above 4 GiB
follows what lay below the hole.  Where holes begin: VMware 3 GiB; QEMU's q35 2 GiB, its pc 3 or 3.5 GiB; VirtualBox 3.5 GiB.
"""

from typing import List, Tuple

from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.image.segments import Segments

_GIB = 1 << 30
HIGH_START = 4 * _GIB
LOW_ENDS = (3 * _GIB, 2 * _GIB, 7 * _GIB // 2)
LEAST = 1 << 20  # below this nothing is taken for memory: real mode alone has as much


def layouts(size: int, origin: str, padded_first: bool = True) -> List[Tuple[str, Segments]]:
    """How memory may be spread in a file of `size` bytes, the likeliest first, each with its words."""
    padded = [("offset is address", Segments([(0, size // PAGE_SIZE, 0)], size, origin, exact=False))]
    split = []
    for low in LOW_ENDS:
        if size > low:
            parts = [(0, low // PAGE_SIZE, 0), (HIGH_START // PAGE_SIZE, (size - low) // PAGE_SIZE, low)]
            words = "a hole from %g to 4 GiB is left out" % (low / _GIB)
            split.append((words, Segments(parts, size, origin, exact=False)))
    return padded + split if padded_first else split + padded
