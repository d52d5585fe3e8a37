"""One source of a lake: read, made into parts, written.  This is what a worker does, here or on another machine."""

import contextlib
import hashlib
import json
import os
import stat
from dataclasses import replace
from typing import BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Tuple

from kdtoken import __version__
from kdtoken.dataset.parts import part_bytes
from kdtoken.dataset.rows import Machined, rows_of, source_row
from kdtoken.dataset.schema import DATA
from kdtoken.dataset.store import Answered, Key, Known, Store, fs_of
from kdtoken.errors import BadFormat, KdTokenError, UsageError
from kdtoken.machine.open import Request, carried, open_request
from kdtoken.machine.sniff import CARRIED, cannot_read, head_of, kind_of, looks_like_file, split_lines
from kdtoken.model.filetime import TICKS_PER_SECOND, date_of

# Bytes of a file up to which all of it is hashed; above, this many pages evenly spread are.
HASHED_WHOLE = 1 << 26
_SAMPLES, _SAMPLE, _CHUNK = 1024, 4096, 1 << 20
ADDED, THERE, BROKEN = "added", "there", "broken"


class Job(NamedTuple):
    """One source to add.

    lake     address of the lake
    request  what to open
    known    what the lake has already of a source of this name
    """

    lake: str
    request: Request
    known: Optional[Known] = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.request.sources[0]


class Summary(NamedTuple):
    """What became of a source: all that crosses between processes.

    status   ADDED, THERE (was there already) or BROKEN (a row in `sources` with `error`, and nothing else)
    torn     a list of its kernel is: processes or threads may be missing
    wanted   the PDB that is missing, "" where that is not what is wrong
    """

    name: str
    status: str
    source: str = ""
    host: str = ""
    processes: int = 0
    error: str = ""
    wanted: str = ""
    torn: bool = False


class Print(NamedTuple):
    """What tells a file from others without understanding it.

    sample    hash of the bytes that were looked at
    all_of_it whether these were all
    modified  ns since 1970; 0 where the store does not tell
    """

    sample: str
    all_of_it: bool
    size: int
    modified: int


def is_remote(name: str) -> bool:
    """Whether a source's name is an address that fsspec opens."""
    return "://" in name and not os.path.exists(name)


def stat_of(name: str) -> Tuple[int, int]:
    """(size, time of the last change) of a source.  Raises BadFormat where it is not there."""
    if is_remote(name):
        with Answered(lambda error: _refused(name)):
            fs, path = fs_of(name)
            info = fs.info(path)
        changed = next(
            (info[one] for one in ("mtime", "LastModified", "modified", "last_modified") if info.get(one)), 0
        )
        stamp = getattr(changed, "timestamp", None)
        seconds = stamp() if stamp else changed if isinstance(changed, (int, float)) else 0
        return int(info.get("size") or 0), int(seconds * 1_000_000_000)
    try:
        status = os.stat(_file_of(name))
    except (OSError, ValueError) as error:
        raise cannot_read(name, error) from error
    return status.st_size, status.st_mtime_ns


def _refused(name: str) -> BadFormat:
    return BadFormat("cannot read %s: its store has no such file, or refuses" % name, name)


def _file_of(name: str) -> str:
    file, _ = split_lines(name)
    return carried(file) if file in CARRIED and not os.path.exists(file) else file


def remote_files(name: str) -> List[str]:
    """The addresses that one address stands for: a pattern, a folder, or itself.  Raises UsageError for none."""
    refused = UsageError("cannot read %s: its store refuses" % name, name, "is the address right, and may you?")
    with Answered(lambda error: refused):
        fs, path = fs_of(name)
        if "*" in path:
            found = sorted(fs.glob(path))
        elif fs.isdir(path):
            found = sorted(one["name"] for one in fs.ls(path, detail=True) if one["type"] == "file")
        else:
            return [name]
    if not found:
        raise UsageError("there is nothing at %s" % name, name, "name the files")
    return [str(fs.unstrip_protocol(one)) for one in found if looks_like_file(one.rsplit("/", 1)[-1])]


@contextlib.contextmanager
def brought(name: str) -> Iterator[str]:
    """A path where the source can be opened: its own, or of a copy that is made here of what lies in a store."""
    if not is_remote(name):
        yield name
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="kdtoken-") as folder:
        path = os.path.join(folder, os.path.basename(name.split("?")[0].rstrip("/")) or "source")
        with Answered(lambda error: _refused(name)):
            fs, there = fs_of(name)
            fs.get_file(there, path)
        yield path


def print_of(path: str, name: str, modified: int) -> Print:
    """The hash of a file that lies at `path`.  Raises BadFormat where it cannot be read."""
    _, lines = split_lines(path)
    file = _file_of(path)
    made = hashlib.sha256()
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise BadFormat("%s is no regular file: only those are read" % name, name, "copy it into a file first")
        size = os.path.getsize(file)
        made.update(b"kdtoken source 1 %d %s\n" % (size, lines.encode()))
        with open(file, "rb") as opened:
            all_of_it = size <= HASHED_WHOLE
            for piece in _pieces(opened, size, all_of_it):
                made.update(piece)
    except (OSError, ValueError) as error:
        raise cannot_read(name, error) from error
    return Print(made.hexdigest()[:32], all_of_it, size, modified)


def _pieces(file: BinaryIO, size: int, all_of_it: bool) -> Iterator[bytes]:
    if all_of_it:
        while True:
            piece = file.read(_CHUNK)
            if not piece:
                return
            yield piece
    for number in range(_SAMPLES):
        file.seek((size - _SAMPLE) * number // (_SAMPLES - 1))
        yield file.read(_SAMPLE)


# What lies in memory and not in our words for it, so that another version of kdtoken comes to the same.
_FACTS = {
    "processes": ("eprocess", "pid", "parent_pid", "created", "ended", "token"),
    "tokens": ("token", "flags", "token_id", "modified_id", "logon_id"),
    "groups": ("token", "position", "sid", "attributes"),
    "privileges": ("token", "number", "present", "enabled"),
    "threads": ("ethread", "tid", "token"),
}


def source_of(found: Print, made: Optional[Machined]) -> str:
    """The name of a source by its content: 32 hex digits.

    Of a file that was hashed whole, that hash.  Two dumps of one machine taken soon after one another may be alike in
    every page that was looked at; so of a large one what the kernel's lists say is hashed besides.
    """
    if found.all_of_it or made is None:
        return found.sample
    digest = hashlib.sha256(found.sample.encode())
    for table, names in _FACTS.items():
        digest.update(json.dumps([[row[name] for name in names] for row in made.tables[table]]).encode())
    return digest.hexdigest()[:32]


def captured_text(filetime: int) -> str:
    """FILETIME -> 20221104T225533Z, "" where it is none."""
    seconds = filetime // TICKS_PER_SECOND
    if seconds <= 0 or seconds >= 265_046_774_400:  # 10000-01-01
        return ""
    days, rest = divmod(seconds, 86_400)
    return "%04d%02d%02dT%02d%02d%02dZ" % (date_of(days) + (rest // 3600, rest // 60 % 60, rest % 60))


def unchanged(known: Known, size: int, modified: int) -> bool:
    """Whether what is there was read out of a file of this size and time, and could be."""
    row = known.row
    return row["error"] is None and bool(modified) and (row["size"], row["modified"]) == (size, modified)


def add_source(job: Job) -> Summary:
    """Read one source and write its parts; what is wrong with the source is its summary.

    Raises KdTokenError where the lake itself does not take it.
    """
    store, name = Store(job.lake), job.name
    read = _Read()
    try:
        size, modified = stat_of(name)
        if job.known is not None and unchanged(job.known, size, modified) and store.is_whole(job.known):
            return _there(name, job.known)
        with brought(name) as path:
            _read(job, path, modified, read)
    except KdTokenError as problem:
        read.error, read.wanted = _message(problem, name, name), _symbols_wanted(problem)
    return _write(store, job, read)


class _Read:
    """What is known of a source so far.

    wanted  the PDB that is missing, "" where that is not what is wrong
    """

    found: Optional[Print] = None
    kind: Optional[str] = None
    made: Optional[Machined] = None
    error = ""
    wanted = ""


def _read(job: Job, path: str, modified: int, read: _Read) -> None:
    try:
        read.found = print_of(path, job.name, modified)
        read.kind = kind_of(head_of(_file_of(path), path)).name
        with open_request(replace(job.request, sources=(path,))) as machine:
            read.made = rows_of(machine)
    except KdTokenError as problem:
        read.error, read.wanted = _message(problem, job.name, path), _symbols_wanted(problem)
    except MemoryError:
        read.error = "there is not enough memory for it"
    except RecursionError:
        read.error = "it nests too deep"


def add_broken(job: Job, error: str) -> Summary:
    """Write the row of a source that nobody could read, and why."""
    read = _Read()
    read.error = "%s: %s" % (job.name, error)
    return _write(Store(job.lake), job, read)


def _there(name: str, known: Known) -> Summary:
    return Summary(
        name, THERE, known.key.source, known.key.host, known.row["processes"] or 0, torn=bool(known.row["problems"])
    )


def _message(problem: KdTokenError, name: str, path: str) -> str:
    """The error on one line; the path of a copy is nothing to a person."""
    lines = (line.strip() for line in str(problem).replace("\n  next: ", "; next: ").split("\n"))
    text = " ".join(lines).replace(path, name)
    return text if name in text else "%s: %s" % (name, text)


def _symbols_wanted(problem: KdTokenError) -> str:
    """The PDB that is missing, "" where that is not what is wrong."""
    text = problem.message
    mark = "needed: "
    return text[text.index(mark) + len(mark) :].split("\n")[0] if mark in text else ""


def _write(store: Store, job: Job, read: _Read) -> Summary:
    made = read.made
    found = read.found or Print(_hash(("kdtoken source 1 " + job.name).encode("utf-8", "replace")), True, 0, 0)
    source = source_of(found, made)
    key = Key(made.host, captured_text(made.captured), source) if made is not None else Key("", "", source)
    before = store.row(key)
    if before is not None and made is not None and store.is_whole(Known(key, before)):
        return _there(job.name, Known(key, before))
    parts: Dict[str, bytes] = {}
    if made is not None:
        parts = {table: part_bytes(table, made.tables[table]) for table in DATA}
    row = source_row(
        job.name if before is None else before["path"],
        made,
        kind=read.kind,
        size=found.size,
        modified=found.modified,
        sample=found.sample,
        part_bytes=sum(map(len, parts.values())),
        error=read.error or None,
        kdtoken=__version__,
    )
    for table, data in parts.items():
        store.put_part(table, key, data)
    store.put_part("sources", key, part_bytes("sources", [row]))
    # What could not be read before, and now can be or fails in another way: one row of it is enough.
    gone = {Key("", "", found.sample)}
    if job.known is not None and job.known.row["error"] is not None:
        gone.add(job.known.key)
    for one in gone - {key}:
        store.forget(one)
    if made is None:
        return Summary(job.name, BROKEN, source, error=read.error, wanted=read.wanted)
    return Summary(job.name, ADDED, source, key.host, len(made.tables["processes"]), torn=bool(made.problems))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
