"""The object manager's namespace: from a path such as \\BaseNamedObjects\\Name to the object.

`_OBJECT_DIRECTORY` is a table of buckets, each a chain of `_OBJECT_DIRECTORY_ENTRY`; an object's name lies in the optional
header `_OBJECT_HEADER_NAME_INFO` in front of it.  Public: Windows Internals, part 2, "Object names" and "Object headers".
"""

from typing import Iterator, List, NamedTuple, Optional, Set, Tuple, Union

from kdtoken.decode.object_header import body_offset, read_unicode, type_name, type_object
from kdtoken.decode.structure import pointer_width, read_members, read_structure
from kdtoken.errors import KdTokenError, LookupFailed, ObjectNotFound
from kdtoken.layout.layout import stride
from kdtoken.model.absent import Missing
from kdtoken.source.base import Source, read_span

ROOT = "ObpRootDirectoryObject"
DIRECTORY, ENTRY, NAME_INFO, LINK = (
    "_OBJECT_DIRECTORY",
    "_OBJECT_DIRECTORY_ENTRY",
    "_OBJECT_HEADER_NAME_INFO",
    "_OBJECT_SYMBOLIC_LINK",
)
HEADER = "_OBJECT_HEADER"
# Bits of _OBJECT_HEADER.InfoMask, nearest to the header first (Windows Internals, "Object headers").
_BEFORE_NAME = ((0x01, "_OBJECT_HEADER_CREATOR_INFO"),)
_NAME_BIT = 0x02
_MAX_LINKS = 16
_MAX_ENTRIES = 100_000  # of one directory; a chain that runs in a circle ends sooner


class Named(NamedTuple):
    """An object that a path led to: its body, the path with the names as they are spelled, links that were followed."""

    body: int
    path: str
    links: Tuple[str, ...]


def object_name(target: Source, body: int) -> Optional[str]:
    """The name in the object's own header; None where it has none or it cannot be read."""
    start = body_offset(target)
    header = body - start
    # Header and what may lie in front of it, in one request.
    room = sum(_size(target, kind) for kind in (NAME_INFO, *(kind for _, kind in _BEFORE_NAME)))
    read_span(target, header - room, room + start)
    structure = read_members(target, HEADER, header, ["InfoMask", "NameInfoOffset"])
    if structure.has("InfoMask"):
        mask = structure.uint("InfoMask")
        if isinstance(mask, Missing) or not mask & _NAME_BIT:
            return None
        before = _size(target, NAME_INFO)
        for bit, kind in _BEFORE_NAME:
            if mask & bit:
                before += _size(target, kind)
    else:  # before Windows 7 the header says how far in front of it the name lies
        offset = structure.uint("NameInfoOffset")
        if isinstance(offset, Missing) or not offset:
            return None
        before = offset
    return read_unicode(target, read_structure(target, NAME_INFO, header - before), "Name")


def _size(target: Source, kind: str) -> int:
    return stride(target.layout(kind), target.layout)


def find_path(target: Source, path: str) -> Named:
    """The object at a path of the namespace, symbolic links followed.

    Names are looked for as they are spelled, then in any letter case.  Raises ObjectNotFound, which names the directory
    that lacks the name, and LookupFailed where the symbols cannot describe the namespace.
    """
    links: List[str] = []
    while True:
        found = _walk(target, path)
        if isinstance(found, Named):
            return found._replace(links=tuple(links))
        at, path = found
        links.append("%s -> %s" % (at, path))
        if len(links) > _MAX_LINKS:
            raise ObjectNotFound("%s: symbolic links lead in a circle" % links[0], path)


def _walk(target: Source, path: str) -> Union[Named, Tuple[str, str]]:
    """The object, or (where a link stands, the path to go on with).

    Two requests to get to the root, then three a name, each of which has to wait for the one before: the entry, the
    object with its header and all that a directory is, the text of the name.
    """
    names = [name for name in path.split("\\") if name]
    root = body = _pointer_at(target, target.symbol(ROOT))
    _read_whole(target, root)
    here = ""
    for index, name in enumerate(names):
        if not _is_like(target, body, root):
            _check_directory(target, body, name, here or "\\")
        entry = _lookup(target, body, name, here or "\\")
        body, spelled = entry
        here += "\\" + spelled
        if not _is_like(target, body, root) and _kind(target, body) == "SymbolicLink":
            goal = _link_target(target, body)
            if goal is None:
                raise ObjectNotFound("the symbolic link %s cannot be read" % here, here)
            return here, "\\".join([goal.rstrip("\\")] + names[index + 1 :])
    return Named(body, here or "\\", ())


def _read_whole(target: Source, body: int) -> None:
    """An object's optional headers, its header, and as much of it as a directory has, in one request."""
    start = body_offset(target)
    before = start + sum(_size(target, kind) for kind in (NAME_INFO, *(kind for _, kind in _BEFORE_NAME)))
    read_span(target, body - before, before + _size(target, DIRECTORY))


def _is_like(target: Source, body: int, root: int) -> bool:
    """Whether the object is of the root's own type, which is told without reading a type."""
    kind = type_object(target, body)
    return isinstance(kind, int) and kind != 0 and kind == type_object(target, root)


def _kind(target: Source, body: int) -> Optional[str]:
    """The name of the object's type, which is read as a whole: whoever is led to the object asks for the rest of it."""
    kind = type_object(target, body)
    if isinstance(kind, int) and kind:
        read_span(target, kind, _size(target, "_OBJECT_TYPE"))
    return type_name(target, body)


def _check_directory(target: Source, directory: int, name: str, where: str) -> None:
    """Raise ObjectNotFound where something that is no directory stands in the middle of a path."""
    kind = _kind(target, directory)
    if kind != "Directory":
        step = (
            "%s itself can be asked about" % where if kind else "!object %s tells what the debugger sees there" % where
        )
        if kind == "Device":
            step = "the rest of the path belongs to the driver behind it, which no dump shows"
        raise ObjectNotFound(
            "%s is %s, no directory, so nothing named %s is in it"
            % (where, "of type %s" % kind if kind else "unreadable", name),
            where,
            step,
        )


def _lookup(target: Source, directory: int, name: str, where: str) -> Tuple[int, str]:
    """(body, name as it is spelled) of an entry of the directory."""
    other: Optional[Tuple[int, str]] = None
    unread = 0
    for body in _entries(target, directory, name):
        if body is None:
            if other is not None:
                break  # names that differ in letter case only are in one bucket, and this one is through
            continue
        _read_whole(target, body)
        spelled = object_name(target, body)
        if spelled == name:
            return body, spelled
        if spelled is None:
            unread += 1
        elif spelled.lower() == name.lower() and other is None:
            other = body, spelled
    if other is not None:
        return other
    more = "; %d names there cannot be read" % unread if unread else ""
    raise ObjectNotFound(
        "there is no object %s in %s%s" % (name, where, more),
        name,
        "names of programs of a user's session are in \\Sessions\\N\\BaseNamedObjects"
        if "basenamedobjects" in where.lower()
        else "!object %s lists what is there" % where,
    )


def _entries(target: Source, directory: int, name: str) -> Iterator[Optional[int]]:
    """Bodies of the directory's objects, None behind those of a bucket: first those of the bucket that the name should be in, then the others.

    The bucket is a guess (the hash is not documented), which saves hundreds of requests where it is right and costs
    nothing where it is not: what is found is told by its own name.  So it is with an entry's HashValue, which Windows 7
    and later keep: those that have the expected one come first.
    """
    s = read_members(target, DIRECTORY, directory, ["HashBuckets"])
    buckets = s.array("HashBuckets")
    if isinstance(buckets, Missing):
        raise ObjectNotFound("the directory at 0x%x cannot be read: %s" % (directory, buckets), directory)
    order = list(range(len(buckets)))
    if order:
        likely = bucket_of(name, len(order))
        order.remove(likely)
        order.insert(0, likely)
    seen: Set[int] = set()
    for number in order:
        at = buckets[number]
        later: List[int] = []
        while at and at not in seen and len(seen) < _MAX_ENTRIES:
            seen.add(at)
            entry = read_structure(target, ENTRY, at)
            body, after, kept = entry.uint("Object"), entry.uint("ChainLink"), entry.uint("HashValue")
            if isinstance(body, int) and body:
                if isinstance(kept, int) and kept != hash_of(name):
                    later.append(body)
                else:
                    yield body
            at = after if isinstance(after, int) else 0
        yield from later
        yield None


def bucket_of(name: str, buckets: int) -> int:
    """Which bucket the object manager most likely puts a name in."""
    return hash_of(name) % buckets


def hash_of(name: str) -> int:
    """The 32 bits that the object manager most likely makes of a name.

    Fact from the open object manager of ReactOS (ob/obdir.c): of each upper-case character h += 2h + h/2, h += c.
    """
    hashed = 0
    for character in name.upper():
        hashed = (hashed + (hashed << 1) + (hashed >> 1) + ord(character)) & 0xFFFFFFFF
    return hashed


def _link_target(target: Source, body: int) -> Optional[str]:
    try:
        return read_unicode(target, read_structure(target, LINK, body), "LinkTarget")
    except LookupFailed:
        return None


def _pointer_at(target: Source, address: int) -> int:
    try:
        return int.from_bytes(target.read(address, pointer_width(target)), "little")
    except KdTokenError as error:
        raise ObjectNotFound("nt!%s cannot be read: %s" % (ROOT, error.message), ROOT) from None
