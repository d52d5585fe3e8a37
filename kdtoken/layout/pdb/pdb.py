"""Layouts and symbols straight from a PDB, with no debugger and no other program.

pdb = load_pdb("ntkrnlmp.pdb")
pdb.layout("_TOKEN").field("UserAndGroups").offset
pdb.rva("PsActiveProcessHead")
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Union

from kdtoken.errors import BadFormat
from kdtoken.files import why
from kdtoken.layout.layout import Layout
from kdtoken.layout.pdb.identity import PdbIdentity, identity_of
from kdtoken.layout.pdb.msf import Msf
from kdtoken.layout.pdb.symbols import SymbolStream

if TYPE_CHECKING:
    from pathlib import Path

    from kdtoken.layout.pdb.types import TypeStream

_TYPE_STREAM = 2


class PdbFile:
    """One PDB, opened once; types and symbols are decoded when asked for."""

    def __init__(self, data: Any, origin: str) -> None:
        """data  bytes or a mapped file.  Raises BadFormat."""
        self.origin = origin
        self._data = data
        self._msf = Msf(data, origin)
        self.identity: PdbIdentity = identity_of(self._msf)
        self._symbols = SymbolStream(self._msf)
        self._types: Optional[TypeStream] = None

    @property
    def pdb(self) -> str:
        """GUID and age in one."""
        return self.identity.key

    def names(self) -> List[str]:
        """All type names of the file."""
        return self._type_stream().names()

    def layout(self, name: str) -> Layout:
        """Raises TypeNotFound or BadFormat."""
        return self._type_stream().layout(name)

    def rva(self, name: str) -> Optional[int]:
        """Offset of a symbol from the image's base, None where there is none."""
        return self._symbols.rva(name)

    def symbol_names(self) -> List[str]:
        """All public and global symbols."""
        return self._symbols.names()

    def digest(self, function: Callable[[Any], str]) -> str:
        """What a function of all the file's bytes says."""
        return function(self._data)

    def close(self) -> None:
        """Let go of the file: on Windows nobody can rename or delete it before."""
        if not isinstance(self._data, bytes):
            self._data.close()

    def _type_stream(self) -> TypeStream:
        if self._types is None:
            from kdtoken.layout.pdb.types import TypeStream  # layouts that were read before are kept beside

            self._types = TypeStream(self._msf.stream(_TYPE_STREAM), self.origin)
        return self._types


def load_pdb(path: Union[str, Path]) -> PdbFile:
    """Open a PDB; it is mapped, not read.  Raises BadFormat naming the file."""
    try:
        with open(str(path), "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise BadFormat("cannot open the PDB %s: %s" % (path, why(error)), str(path)) from error
    try:
        return PdbFile(data, str(path))
    except BadFormat:
        data.close()
        raise
