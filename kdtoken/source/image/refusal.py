"""What is no memory of Windows: which files are not looked into at all, and why there was none in the others.

One sentence each, with the next step: an encrypted or running machine, a file cut short, a Linux, nothing but zeros.
"""

import os
from typing import Any, Sequence

from kdtoken.errors import BadFormat, KdTokenError
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.image import elf, raw, vmware

_LINUX = b"Linux version "
_LINUX_ROOM = 1 << 31  # a Linux kernel's banner lies in its first GiB
# What is large and is no memory: packed files, programs, symbols, minidumps, hibernation files.
_FOREIGN = (
    b"PK\x03\x04",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"MSCF",
    b"Rar!",
    b"MDMP",
    b"hibr",
    b"EMiL",
    b"MZ",
    b"Microsoft C/C++",
)
# Of so many pages, spread over the file, each has nearly every value of a byte: no machine's memory is like that, and
# random bytes always are (256 - 256 * (255/256)**4096 is none missing).
_SAMPLED, _VALUES = 64, 250


def could_be_image(path: str, head: bytes, size: int) -> bool:
    """Whether a file that is no crash dump may hold physical memory: by its first bytes, its size, and what lies beside it."""
    if head.startswith(elf.MAGIC) or head[:4] in vmware.MAGICS or path.lower().endswith(vmware.SIDE_FILES):
        return True
    if size < raw.LEAST or head.startswith(_FOREIGN):
        return False
    return not head.startswith(b"PAGEDU")


def encrypted(path: str) -> BadFormat:
    """Of a file of a virtual machine whose .vmx says so."""
    return BadFormat(
        "%s belongs to an encrypted virtual machine: its memory cannot be read from the file" % path,
        path,
        "remove the encryption (VM > Settings > Options > Access Control), then suspend or snapshot it again",
    )


def no_side_file(path: str) -> BadFormat:
    """Of a .vmss or .vmsn that is none, without which nobody can say where the memory beside it belongs."""
    return BadFormat(
        "%s is no suspended state of VMware: it is damaged, or of another program" % path,
        path,
        "copy it again with its .vmem; where it is lost, move it away, and the usual places are tried",
    )


def no_windows(path: str, data: Any, words: str, notes: Sequence[str], failures: Sequence[KdTokenError]) -> BadFormat:
    """Why there is none, as far as can be told.

    data   the mapped file
    words  what kind of file it is
    notes  what is known of it: that pages are missing, that its machine runs
    """
    if failures:
        return BadFormat("no Windows could be proven in %s: %s" % (path, failures[0].message), path)
    if path.lower().endswith(".vmem") and vmware.is_encrypted(path):
        return encrypted(path)
    if data.find(_LINUX, 0, _LINUX_ROOM) >= 0:
        step = "a memory image of the Windows machine is wanted; for Linux there is Volatility 3"
        return BadFormat("%s holds a Linux: there are no access tokens in it" % path, path, step)
    step = "a crash dump or a .vmem with its .vmss can be read; kdtoken diff and --log read texts"
    sample = [bytes(data[at : at + PAGE_SIZE]) for at in _places(len(data))]
    known = "".join("; %s" % note for note in notes)
    if len(sample) == _SAMPLED and all(len(set(page)) >= _VALUES for page in sample):
        known += "; its bytes look random throughout, as encrypted or packed ones do"
        step = "take the memory anew from a machine without encryption, or unpack the file first"
    elif notes:
        step = "copy or take it again, whole: the .vmem and its .vmss or .vmsn, of a machine that does not run"
    found = "%s (%s, %d MB) holds no 64-bit Windows that could be found%s" % (path, words, len(data) >> 20, known)
    return BadFormat(found, path, step)


def _places(size: int) -> Sequence[int]:
    """Offsets of pages that are spread evenly over a file."""
    pages = size // PAGE_SIZE
    return [pages * number // _SAMPLED * PAGE_SIZE for number in range(_SAMPLED)] if pages >= _SAMPLED else ()


def named_instead(path: str, beside: str) -> BadFormat:
    """Of a side file that was named where its memory lies beside it."""
    memory = os.path.basename(beside)
    return BadFormat("%s tells where memory lies in %s" % (path, memory), path, "name %s instead" % beside)
