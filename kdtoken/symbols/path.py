"""Finding the symbol file of a dumped kernel: a file, a folder, a symbol store, _NT_SYMBOL_PATH.

The grammar of symbol paths is that of "Symbol path for Windows debuggers" (learn.microsoft.com):
elements apart by `;`, each a folder, `srv*A*B*URL`, `symsrv*symsrv.dll*A*URL` or `cache*A`.  A store keeps a
PDB as NAME/GUIDAGE/NAME.  Servers are left alone unless the caller allows them.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Callable, Iterator, List, Optional, Tuple

from kdtoken.errors import BadFormat, KdTokenError, TargetError
from kdtoken.layout.pdb.identity import PdbIdentity
from kdtoken.layout.pdb.image import ImageIdentity, read_image
from kdtoken.symbols.file import SymbolFile, check_match, open_symbols
from kdtoken.symbols.layout_cache import cache_home, default_home

if TYPE_CHECKING:
    from pathlib import Path  # brings urllib along: imported where no file was named

VARIABLE = "_NT_SYMBOL_PATH"
_ENDINGS = (".pdb", ".json", ".json.xz", ".json.gz")
_MOST_FILES = 200  # of a folder that are opened to look for the right one


def find_symbols(
    where: str,
    wanted: Optional[PdbIdentity],
    dump: str,
    allow_server: bool = False,
    misfit: Optional[Callable[[SymbolFile], str]] = None,
    progress: Optional[Callable[[int, int], None]] = None,
    image: Optional[ImageIdentity] = None,
) -> SymbolFile:
    """The symbols of the kernel in `dump`.

    where         a file, a folder or a symbol path; "" for _NT_SYMBOL_PATH
    wanted        what the dump asks for; None where it does not tell
    misfit        then: why a file's symbols are not the dump's, "" where they are; without it only a file will do
    allow_server  whether what is not there may be fetched
    progress      called with (bytes so far, of how many: 0 where unknown) meanwhile
    image         the kernel's EXE, of a dump that names this and no PDB: a store or a server that has it tells

    A file that is named must fit; one that lies in a folder and does not is passed over.
    Raises TargetError or BadFormat that says what is needed.
    """
    path = where or os.environ.get(VARIABLE, "")
    if where and os.path.isfile(where):
        symbols = open_symbols(where)
        if wanted is not None:
            check_match(symbols, wanted, dump)
        return symbols
    from pathlib import Path

    folders, servers = split_path(path)
    if wanted is None and image is not None:
        wanted = _named_by(image, folders, servers, allow_server, progress)
    if wanted is None:
        return _by_trying(path, dump, misfit, image)
    seen: List[str] = []
    for folder in folders:
        for file in _candidates(Path(folder), wanted):
            try:
                symbols = open_symbols(file)
            except KdTokenError as error:
                seen.append("%s: %s" % (file, str(error).split("\n")[0]))
                continue
            if symbols.pdb.upper() == wanted.key.upper():
                return symbols
            seen.append("%s: %s" % (file, symbols.pdb))
    if allow_server:
        from kdtoken.symbols.server import DEFAULT  # urllib and ssl: slow to import, and seldom of use

        store = Path(folders[0]) if folders else default_store()
        return _fetched(servers or [DEFAULT], store, wanted, dump, progress)
    raise _not_found(where, path, wanted, dump, seen)


def _named_by(
    image: ImageIdentity,
    folders: List[str],
    servers: List[str],
    allow_server: bool,
    progress: Optional[Callable[[int, int], None]],
) -> Optional[PdbIdentity]:
    """The PDB that a kernel's image names, out of the stores, else from a server; None where it is in neither.

    Raises TargetError where a server was to be asked and none has it.
    """
    from pathlib import Path

    for folder in folders:
        file = Path(folder) / image.name / image.key / image.name
        try:
            if file.is_file():
                found, pdb = read_image(file)
                if found.key == image.key and pdb is not None:
                    return pdb
        except (BadFormat, OSError):
            continue  # a damaged file is as good as none
    if not allow_server:
        return None
    from kdtoken.symbols.server import DEFAULT, download, no_progress

    problems = []
    for server in servers or [DEFAULT]:
        try:
            store = Path(folders[0]) if folders else default_store()
            pdb = read_image(download(server, store, image, progress or no_progress))[1]
            if pdb is not None:
                return pdb
            problems.append("%s names no PDB" % image)
        except (TargetError, BadFormat) as error:
            problems.append(str(error))
    raise TargetError("\n".join(problems), image.key)


def _by_trying(
    path: str, dump: str, misfit: Optional[Callable[[SymbolFile], str]], image: Optional[ImageIdentity]
) -> SymbolFile:
    """The first file of the kernel's in the path's folders whose symbols fit a dump that names none."""
    from pathlib import Path

    seen: List[str] = []
    if misfit is not None:
        for folder in split_path(path)[0]:
            for file in _kernel_files(Path(folder)):
                try:
                    symbols = open_symbols(file)
                    why = misfit(symbols)
                except KdTokenError as error:
                    why = str(error).split("\n")[0]
                if not why:
                    return symbols
                seen.append(str(file))
    message = "%s does not say which PDB its kernel needs" % dump
    if seen:
        message += ", and none of %d symbol files fits, such as %s" % (len(seen), seen[0])
    if image is not None:
        message += "\n  its kernel: %s, time stamp and size %s" % (image.name, image.key)
    # What would have said it may be in the part that is missing; then no symbols help either.
    step = "name the file: --symbols FILE%s" % (
        ", or --download: a server knows the PDB by the kernel" if image else ""
    )
    if "CUT SHORT" in dump:
        step = "copy the dump again, whole; symbols come after"
    raise TargetError(message, dump, step)


def _kernel_files(folder: Path) -> List[Path]:
    """Symbol files of kernels: those that lie openly, and those of a store or of a tree of ISF files."""
    found: List[Path] = []
    for pattern in ("*", "nt*.pdb/*", "nt*.pdb/*/*", "windows/nt*.pdb/*"):
        try:
            found += sorted(
                one for one in folder.glob(pattern) if one.name.lower().endswith(_ENDINGS) and one.is_file()
            )
        except OSError:
            continue
    return found[:_MOST_FILES]


def _fetched(
    servers: List[str],
    store: Path,
    wanted: PdbIdentity,
    dump: str,
    progress: Optional[Callable[[int, int], None]],
) -> SymbolFile:
    problems = []
    for server in servers:
        try:
            from kdtoken.symbols.server import download, no_progress

            symbols = open_symbols(download(server, store, wanted, progress or no_progress))
            check_match(symbols, wanted, dump)
            return symbols
        except (TargetError, BadFormat) as error:
            problems.append(str(error))
    raise TargetError("\n".join(problems), wanted.key)


def _not_found(where: str, path: str, wanted: PdbIdentity, dump: str, seen: List[str]) -> TargetError:
    if where and not os.path.exists(where) and "*" not in where and ";" not in where:
        message = "there are no symbols at %s" % where
    elif path:
        message = "no symbols of the kernel in %s were found in %s" % (dump, path)
    else:
        message = "no symbols were named for %s" % dump
    message += "\n  needed: %s, GUID and age %s" % (wanted.name, wanted.key)
    for line in seen[:10]:
        message += "\n  not it: " + line
    step = "--symbols FILE_OR_FOLDER, or --download to ask a symbol server"
    beside = os.path.dirname(dump) or "."
    if not path and os.path.isfile(os.path.join(beside, wanted.name)):  # not read unasked: it may be another kernel's
        step = '--symbols "%s", where a %s lies; or --download to ask a symbol server' % (beside, wanted.name)
    return TargetError(message, wanted.key, step)


def split_path(path: str) -> Tuple[List[str], List[str]]:
    """(folders, servers) of a symbol path, each once, in order."""
    folders: List[str] = []
    servers: List[str] = []
    for element in path.split(";"):
        parts = [part.strip() for part in element.split("*")]
        kind = parts[0].lower()
        if len(parts) > 1 and kind in ("srv", "cache", "symsrv"):
            parts = parts[2:] if kind == "symsrv" else parts[1:]
        for part in parts:
            found = servers if re.match(r"(?i)https?://", part) else folders
            if part and part not in found:
                found.append(part)
    return folders, servers


def default_store() -> Path:
    """Where downloads go when the symbol path names no folder."""
    from pathlib import Path

    return Path(cache_home() or default_home()) / "symbols"


def _candidates(folder: Path, wanted: PdbIdentity) -> Iterator[Path]:
    """Files of a folder that may be the one: first where stores keep it, then what lies there openly."""
    from pathlib import Path

    stem = "%s-%d" % (wanted.guid, wanted.age)
    names = [Path(wanted.name) / wanted.key / wanted.name, Path(wanted.name) / wanted.key.lower() / wanted.name]
    names += [Path(*above, wanted.name, stem + end) for above in ((), ("windows",)) for end in _ENDINGS[1:]]
    names += [Path(stem + end) for end in _ENDINGS] + [Path(wanted.name)]
    done = set()
    for name in names:
        file = folder / name
        if file.is_file():
            done.add(file)
            yield file
    try:
        rest = sorted(file for file in folder.iterdir() if file.name.lower().endswith(_ENDINGS) and file.is_file())
    except OSError:
        return
    yield from [file for file in rest[:_MOST_FILES] if file not in done]
