"""The folder of a lake: where its parts lie, how they are written, what is there already.

    kdtoken-lake.json                                                    what this is, and of which version
    sources/host=H/captured=T/source=S/rows.parquet                      written last: it makes the source count
    processes/host=H/captured=T/source=S/rows.parquet, tokens/...        its rows

A part's name follows from the source alone, and so do its bytes: whoever writes it, however often, at the same time as
another, writes the same.  Each is written under another name and moved, or by one request where a store takes whole
objects only; what has no row in `sources` is left out, so that a run which was killed leaves a whole lake.
"""

import json
import os
from importlib import import_module
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple
from urllib.parse import quote, unquote

from kdtoken.dataset.parts import need, part_schema
from kdtoken.dataset.schema import DATA, PARTITION, VERSION
from kdtoken.errors import KdTokenError, UsageError
from kdtoken.files import why, write_whole

MARKER = "kdtoken-lake.json"
PACKED = "packed"
_FILE = "rows.parquet"
_NULL = "__HIVE_DEFAULT_PARTITION__"  # how Hive, and all who read such folders, write null
_LONGEST = 150  # characters of a folder's name; systems take 255 bytes
OF_KNOWN = ("path", "size", "modified", "error", "part_bytes", "processes", "problems")
# Stores that know nothing but whole objects: what is put there is there at once, or not at all.
_WHOLE_OBJECTS = frozenset("s3 s3a gs gcs abfs abfss az adl memory".split())


def fs_of(url: str) -> Tuple[Any, str]:
    """(file system, path in it) of an address, by fsspec.  Raises whatever that file system does."""
    core: Any = import_module("fsspec.core")
    fs, path = core.url_to_fs(url)
    return fs, str(path)


class Key(NamedTuple):
    """What a part belongs to.

    host, captured  "" where it is not known; captured as 20221104T225533Z
    source          32 hex digits
    """

    host: str
    captured: str
    source: str

    @property
    def folder(self) -> str:
        """The path below the table."""
        return "/".join("%s=%s" % (name, _written(value)) for name, value in zip(PARTITION, self))


class Known(NamedTuple):
    """A source that is there: its key, and what its row says."""

    key: Key
    row: Dict[str, Any]


def _written(value: str) -> str:
    if not value:
        return _NULL
    # A name that ends in a dot loses it on Windows.
    text = quote(value, safe="").replace(".", "%2E").replace("~", "%7E")
    return text if len(text) <= _LONGEST else quote(value[: _LONGEST // 12], safe="").replace(".", "%2E") + "~cut"


def _key_of(path: str) -> Optional[Key]:
    """The key in a part's path; None where it is another file."""
    words = path.replace("\\", "/").split("/")[-4:]
    if len(words) < 4 or words[3] != _FILE:
        return None
    found = []
    for name, word in zip(PARTITION, words):
        before, mark, value = word.partition("=")
        if before != name or not mark:
            return None
        found.append("" if value == _NULL else unquote(value))
    return Key(*found)


class Store:
    """A lake.

    url  as it was given: a folder, or an address that fsspec knows (s3://bucket/lake)
    """

    def __init__(self, url: str) -> None:
        """Raises UsageError where nothing can lie at such an address."""
        need("fsspec", "pyarrow")
        self.url = url
        try:
            self.fs, base = fs_of(url)
        except (ValueError, ImportError) as error:
            scheme = url.split("://")[0]
            missing = isinstance(error, ImportError)
            raise UsageError(
                "%s cannot be opened: %s"
                % (url, "the package for %s:// is not here" % scheme if missing else "no such kind of address"),
                url,
                "install what fsspec needs for it (s3: s3fs, smb: smbprotocol, sftp: paramiko)"
                if missing
                else "a folder, or s3://, smb://, sftp:// ...",
            ) from None
        self.base = str(base).rstrip("/\\") or str(base)
        protocol = self.fs.protocol
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        self.is_local = bool(names & {"file", "local"})
        self._puts_whole = bool(names & _WHOLE_OBJECTS)

    # -- what it is

    def check(self, create: bool = False) -> None:
        """Raises UsageError where this is no lake, or one of a newer version; `create` makes one of an empty folder."""
        marker = self.below(MARKER)
        with _told(self, "read"):
            self.fs.invalidate_cache()
            there = self.fs.exists(marker)
            empty = there or not self.fs.exists(self.base) or not self._has_files()
        if not there:
            if not create or not empty:
                raise UsageError(
                    "%s is no lake%s" % (self.url, "" if empty else ": there is no %s in it" % MARKER),
                    self.url,
                    "kdtoken lake FOLDER add DUMP... makes one of a new or empty folder",
                )
            self.put(MARKER, (json.dumps({"kdtoken-lake": VERSION}) + "\n").encode())
            return
        with _told(self, "read"):
            data = self.fs.cat_file(marker)
        try:
            version = json.loads(data)["kdtoken-lake"]
        except (ValueError, KeyError, TypeError, RecursionError):
            version = None
        if type(version) is not int or version < 1:
            raise UsageError("%s is no lake: its %s says nothing" % (self.url, MARKER), self.url, "another folder")
        if version > VERSION:
            raise UsageError(
                "the lake %s is of version %d, and this kdtoken knows %d" % (self.url, version, VERSION),
                self.url,
                "a newer kdtoken: pip install -U kdtoken",
            )

    def _has_files(self) -> bool:
        if not self.fs.isdir(self.base):
            raise UsageError("%s is a file, and a lake is a folder" % self.url, self.url, "name a folder")
        return bool(self.fs.ls(self.base, detail=False))

    # -- what is in it

    def keys(self) -> List[Key]:
        """All sources that count, in the order of their paths."""
        with _told(self, "read"):
            self.fs.invalidate_cache()
            paths = self._find(self.below("sources"))
        return [key for key in map(_key_of, sorted(paths)) if key is not None]

    def _find(self, folder: str) -> List[str]:
        if not self.is_local:
            return list(self.fs.find(folder)) if self.fs.exists(folder) else []
        # fsspec asks the system for each file's size besides, which takes ten times as long
        return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]

    def path(self, table: str, key: Key) -> str:
        """Where a part lies, as its file system knows it."""
        return self.below("%s/%s/%s" % (table, key.folder, _FILE))

    def shown(self, path: str) -> str:
        """The same for a person."""
        return path if self.is_local else self.fs.unstrip_protocol(path)

    def below(self, below: str) -> str:
        """Where a file of the lake lies, as its file system knows it."""
        return os.path.join(self.base, *below.split("/")) if self.is_local else "%s/%s" % (self.base, below)

    def arrow_fs(self) -> Any:
        """The file system for pyarrow."""
        arrow: Any = import_module("pyarrow.fs")
        return arrow.LocalFileSystem() if self.is_local else arrow.PyFileSystem(arrow.FSSpecHandler(self.fs))

    def table(
        self,
        name: str,
        keys: Optional[List[Key]] = None,
        columns: Optional[List[str]] = None,
        pack: Optional[str] = None,
    ) -> Any:
        """The rows of a table, for pyarrow and DuckDB: a dataset, or the columns of it, read at once.

        keys  of the parts; None for all
        pack  a file that has the rows of others

        Its columns host, captured and source are text, as they stand in the paths.
        """
        dataset: Any = import_module("pyarrow.dataset")
        pyarrow: Any = import_module("pyarrow")
        fragments, files, form = [], self.arrow_fs(), dataset.ParquetFileFormat()
        if pack is not None:
            fragments.append(form.make_fragment(self.below(pack), files))
        for key in self.keys() if keys is None else keys:
            said = None
            for column, value in zip(PARTITION, key):
                is_it = dataset.field(column) == value if value else dataset.field(column).is_null()
                said = is_it if said is None else said & is_it
            fragments.append(form.make_fragment(self.path(name, key), files, said))
        made = dataset.FileSystemDataset(fragments, part_schema(name, True), form, files)
        if columns is None:
            return made
        try:
            return made.to_table(columns=columns)
        except (pyarrow.ArrowException, OSError) as error:
            raise self.torn() or self.changed() from error

    def packs(self) -> List[str]:
        """Names of the packs (see pack.py), whole or not."""
        with _told(self, "read"):
            folder = self.below(PACKED)
            found = self.fs.ls(folder, detail=False) if self.fs.exists(folder) else []
        return sorted(str(one).replace("\\", "/").rstrip("/").rpartition("/")[2] for one in found)

    def forget_pack(self, name: str) -> None:
        """Take a pack away, first what makes it count."""
        with _told(self, "write"):
            try:
                self.fs.rm_file(self.below("%s/%s/sources.parquet" % (PACKED, name)))
                self.fs.rm(self.below("%s/%s" % (PACKED, name)), recursive=True)
            except FileNotFoundError:
                return

    def row(self, key: Key) -> Optional[Dict[str, Any]]:
        """The row of a source; None where it is not there, or cannot be read."""
        pyarrow: Any = import_module("pyarrow")
        try:
            with self.arrow_fs().open_input_file(self.path("sources", key)) as file:
                read: Any = import_module("pyarrow.parquet").ParquetFile(file).read()
            found: Dict[str, Any] = read.to_pylist()[0]
            return found
        except (pyarrow.ArrowException, OSError, IndexError):
            return None

    def is_whole(self, known: Known) -> bool:
        """Whether all parts of a source are there, and as long as they were written."""
        total = 0
        self.fs.invalidate_cache()
        for table in DATA if known.row["error"] is None else ():
            try:
                total += int(self.fs.info(self.path(table, known.key))["size"])
            except (OSError, KeyError, TypeError):
                return False
        return total == (known.row["part_bytes"] or 0)

    def torn(self) -> Optional[KdTokenError]:
        """The error for a part or pack that cannot be read, the first one; None where all can be."""
        for path in self._torn_packs():
            shown = self.shown(path)
            return KdTokenError(
                "%s is damaged: half written, or changed by something else" % shown,
                shown,
                "delete the folder that it is in: it holds nothing that the parts do not",
            )
        for path, key in self._torn():
            shown, row = self.shown(path), self.row(key)
            again = "kdtoken lake %s add %s" % (self.url, row["path"] if row else "ITS-SOURCE")
            return KdTokenError(
                "%s is damaged or missing: half written, or changed by something else" % shown,
                shown,
                "delete it, if it is there, then: %s" % again,
            )
        return None

    def changed(self) -> KdTokenError:
        """The error for a lake that could not be read, and now can be."""
        return KdTokenError("the lake %s changed while it was read" % self.url, self.url, "the same again")

    def _torn_packs(self) -> Iterator[str]:
        parquet: Any = import_module("pyarrow.parquet")
        pyarrow: Any = import_module("pyarrow")
        for name in self.packs():
            for table in (*DATA, "sources"):
                path = self.below("%s/%s/%s.parquet" % (PACKED, name, table))
                try:
                    with self.arrow_fs().open_input_file(path) as file:
                        for _ in parquet.ParquetFile(file).iter_batches():
                            pass
                except FileNotFoundError:
                    break  # it was never finished, or is being made
                except (pyarrow.ArrowException, OSError):
                    yield path

    def _torn(self) -> Iterator[Tuple[str, Key]]:
        """Parts that should be there and cannot be read."""
        parquet: Any = import_module("pyarrow.parquet")
        pyarrow: Any = import_module("pyarrow")
        files = self.arrow_fs()
        for key in self.keys():
            row = self.row(key)
            if row is None:
                yield self.path("sources", key), key
                continue
            for table in DATA if row["error"] is None else ():
                try:
                    with files.open_input_file(self.path(table, key)) as file:
                        parquet.ParquetFile(file).read()
                except (pyarrow.ArrowException, OSError):
                    yield self.path(table, key), key

    # -- writing

    def put(self, below: str, data: bytes) -> None:
        """Write a file whole or not at all.  Raises KdTokenError where it cannot be."""
        path = self.below(below)
        if self.is_local:
            with _told(self, "write"):
                os.makedirs(os.path.dirname(path), exist_ok=True)
            write_whole(path, [data], "part of the lake")
            return
        with _told(self, "write"):
            if self._puts_whole:
                self.fs.pipe_file(path, data)
                return
            folder, _, name = path.rpartition("/")
            fresh = "%s/.%s.%s.part" % (folder, name, os.urandom(8).hex())
            self.fs.makedirs(folder, exist_ok=True)
            try:
                with self.fs.open(fresh, "wb") as out:
                    out.write(data)
                if self.fs.exists(path):
                    self.fs.rm_file(path)  # what lies there is the same, or damaged
                self.fs.mv(fresh, path)
            except BaseException:  # Ctrl+C too: no part under another name stays
                if self.fs.exists(fresh):
                    self.fs.rm_file(fresh)
                raise

    def put_part(self, table: str, key: Key, data: bytes) -> None:
        """Write a part."""
        self.put("%s/%s/%s" % (table, key.folder, _FILE), data)

    def forget(self, key: Key) -> None:
        """Take a source's row away: then it counts no more."""
        with _told(self, "write"):
            try:
                self.fs.rm_file(self.path("sources", key))
            except FileNotFoundError:
                return  # another run was quicker


class Answered:
    """What a file system raises inside, as an error of ours; the only place that catches whatever a package raises.

    fsspec's file systems hand on what their packages raise: botocore's ClientError, aiohttp's and azure's own, beside
    OSError and ValueError.  They have no base in common but Exception, and most of these packages are not here to name.

    as_ours  makes the error that a person gets of the one that came
    """

    def __init__(self, as_ours: Callable[[Exception], KdTokenError]) -> None:
        self._as_ours = as_ours

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, KdTokenError):
            raise self._as_ours(error) from error


def _told(store: Store, what: str) -> Answered:
    """What a file system raises, as an error that says what could not be done."""
    url = store.url
    step = "another folder, with room, where you may" if store.is_local else "is the address right, and may you?"

    def as_ours(error: Exception) -> KdTokenError:
        reason = why(error) if isinstance(error, (OSError, ValueError)) else "its store refuses"
        return KdTokenError("cannot %s the lake %s: %s" % (what, url, reason), url, step)

    return Answered(as_ours)
