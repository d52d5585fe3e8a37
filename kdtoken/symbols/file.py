"""Any file that tells nt's types and symbols: a PDB, an ISF, or the layouts that this project keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Protocol, Union

from kdtoken.errors import BadFormat, TargetError
from kdtoken.files import why
from kdtoken.layout.layout import Layout
from kdtoken.layout.pdb.identity import PdbIdentity
from kdtoken.layout.pdb.msf import MAGIC
from kdtoken.layout.pdb.pdb import PdbFile, load_pdb
from kdtoken.symbols.layout_cache import LayoutCache, digest_of

if TYPE_CHECKING:
    from pathlib import Path

if TYPE_CHECKING:  # nearly all dumps are read with a PDB: the others are imported where one is opened
    from kdtoken.layout.isf import IsfFile
    from kdtoken.layout.layout_file import LayoutFile


class SymbolFile(Protocol):
    """What a dump is read with."""

    @property
    def origin(self) -> str:
        """The file."""

    @property
    def pdb(self) -> str:
        """GUID and age of the PDB that this comes from, in one; "" where it does not say."""

    def layout(self, name: str) -> Layout:
        """Raises TypeNotFound or BadFormat."""

    def rva(self, name: str) -> Optional[int]:
        """Offset of a symbol from the image's base, None where there is none."""


class PdbSymbols:
    """A PDB, the types of which are kept on disk once they were worked out.

    Only a PDB's: what an ISF or a layout file says of the GUID it belongs to, anybody could have written.
    """

    def __init__(self, pdb: PdbFile) -> None:
        self.origin, self.pdb, self.rva = pdb.origin, pdb.pdb, pdb.rva
        self._file = pdb
        self._cache: Optional[LayoutCache] = None

    def layout(self, name: str) -> Layout:
        """Layout of a type of the PDB.  Raises TypeNotFound."""
        if self._cache is None:
            self._cache = LayoutCache(self.pdb, self._file.digest(digest_of), "pdb")
        return self._cache.layout(name, self._file.layout)


class IsfSymbols:
    """An ISF file, whose addresses are offsets from the image's base."""

    def __init__(self, isf: IsfFile) -> None:
        self.origin, self.pdb, self.layout = isf.origin, isf.pdb, isf.layout
        self._symbols = isf.symbols

    def rva(self, name: str) -> Optional[int]:
        """Offset of a symbol from the start of the image; None where the file has none of that name."""
        return self._symbols.get(name)


class LayoutSymbols:
    """A layout file: types only.  The dump's own header tells where the process list is, and no more."""

    def __init__(self, layouts: LayoutFile, origin: str) -> None:
        self.origin, self.pdb, self.layout = origin, layouts.pdb, layouts.layout

    def rva(self, name: str) -> Optional[int]:
        """None: layouts have no symbols."""
        return None


def open_symbols(path: Union[str, Path]) -> SymbolFile:
    """Open a file by what is in it.  Raises BadFormat that says what it is instead."""
    origin = str(path)
    try:
        with open(origin, "rb") as file:
            head = file.read(32)
    except (OSError, ValueError) as error:
        what = "cannot open the symbols %s: %s" % (path, why(error))
        raise BadFormat(what, origin, "--symbols names a PDB, an ISF, a folder or a store that is there") from error
    if head.startswith(MAGIC[:17]):
        return PdbSymbols(load_pdb(path))
    if head.startswith(b"MSCF"):
        raise BadFormat("%s is packed (CAB)" % path, origin, "expand it: expand FILE.pd_ FILE.pdb, or 7z x")
    if head.startswith(b"BSJB"):
        what = "%s is a portable PDB (.NET): it describes no kernel" % path
        raise BadFormat(what, origin, "the kernel's own PDB is wanted: ntkrnlmp.pdb")
    if head.startswith(b"MZ"):
        raise BadFormat("%s is a program, not its symbols" % path, origin, "its PDB is wanted")
    if head.startswith(b"PAGE"):
        raise BadFormat("%s is a crash dump, not symbols" % path, origin, "--dump takes the dump")
    if not head.lstrip().startswith((b"{", b"\xfd7zXZ\0", b"\x1f\x8b", b"\xef\xbb\xbf{")):
        raise BadFormat("%s holds no symbols that are known here" % path, origin, "a PDB or an ISF (.json, .json.xz)")
    if _is_layout_file(path, head):
        from kdtoken.layout.layout_file import load_layouts

        return LayoutSymbols(load_layouts(path), origin)
    from kdtoken.layout.isf import load_isf

    return IsfSymbols(load_isf(path))


def _is_layout_file(path: Union[str, Path], head: bytes) -> bool:
    """Whether it is a layout file: those begin with their format, and are never packed."""
    return head.lstrip().startswith(b'{"format"') or (head[:1] == b"{" and b'"pointer_size"' in _start(path))


def _start(path: Union[str, Path]) -> bytes:
    with open(str(path), "rb") as file:
        return file.read(400)


def check_match(symbols: SymbolFile, wanted: PdbIdentity, dump: str) -> None:
    """Raises TargetError, with both values, unless the symbols are those of the dumped kernel."""
    if symbols.pdb.upper() == wanted.key.upper():
        return
    raise TargetError(
        "%s is not the symbol file of the kernel in %s:\n  the dump's kernel needs  %s\n  the symbols are of       %s"
        % (symbols.origin, dump, wanted.key, symbols.pdb or "an unknown PDB"),
        symbols.origin,
        "get %s with GUID %s and age %d from a symbol server (--download does)"
        % (wanted.name, wanted.guid, wanted.age),
    )
