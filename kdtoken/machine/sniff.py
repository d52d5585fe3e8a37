"""What a file is, by what is in it: the one place where that is decided.

A new kind of source is a row of KINDS here, and a function of the same name in machine/open.py that opens it.
Each row looks at a Head, the beginning of the file with gzip taken off; the first that says yes has it, so the
sure signs (a magic number) stand before the doubtful ones (a size, a text).
"""

import os
import re
from typing import BinaryIO, Callable, List, NamedTuple, Optional, Tuple

from kdtoken.errors import BadFormat, UsageError
from kdtoken.frozen import dataclass

HEAD = 1 << 16  # bytes that are looked at
GZIP = b"\x1f\x8b"
_ELF, _ELF_CORE = b"\x7fELF", b"\4\0"  # its magic; e_type ET_CORE
_VMWARE = (b"\xd0\xbe\xd2\xbe", b"\xd1\xba\xd1\xba", b"\xd2\xbe\xd2\xbe", b"\xd3\xbe\xd3\xbe")  # .vmss, .vmsn
_LEAST_MEMORY = 1 << 20
_MEMORY_NAME = re.compile(r"\.(?:vmem|vmss|vmsn|raw|mem|memory|img|bin|dd)(?:\.gz)?$", re.IGNORECASE)
STDIN = "-"
TOUR = "tour"  # the recording of a small machine that every kdtoken carries
# What else it carries for the tour: two texts of whoami, and the same machine after somebody wrote into its kernel.
CARRIED = (TOUR, "tour-whoami", "tour-unknown", "tour-incident")
LIVE = "live"
# What dbgeng's AttachKernel takes (learn.microsoft.com, "-k (Attach to Kernel)").
_ATTACH = re.compile(r"(?:com|net|1394|usb|usb2|usb3|exdi):", re.IGNORECASE)


# The lines of a log that are wanted; source/log/source.py reads them.
_LINES = re.compile(r"^(.+)(:\d{1,12}-(?:\d{1,12})?)$")
_FILE = re.compile(r"[/\\]|\.(?:dmp|mdmp|log|txt|json|gz|kdtoken|raw|vmem|mem|elf|img)(?::\d*-\d*)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Head:
    """How a file begins.

    name    as it was given, for messages
    data    at most HEAD bytes, unpacked
    size    of the file as it lies there; -1 where that is not known (stdin)
    packed  whether gzip was taken off
    """

    name: str
    data: bytes
    size: int
    packed: bool = False


class Kind(NamedTuple):
    """A kind of source.

    name    its function in machine/open.py
    words   for messages: "X is WORDS"
    option  the option of the command line that asks for it, "" where there is none
    is_it   whether a file that begins so is one
    sure    whether the sign cannot be an accident; else an option, or the file's name, may know better
    """

    name: str
    words: str
    option: str
    is_it: Callable[[Head], bool]
    sure: bool = True


def _begins(*magics: bytes) -> Callable[[Head], bool]:
    return lambda head: head.data.startswith(magics)


def _json_with(*keys: bytes) -> Callable[[Head], bool]:
    """A JSON object with one of the keys in its beginning, in whatever Unicode encoding."""

    def is_it(head: Head) -> bool:
        plain = head.data.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
        return plain.startswith(b"{") and any(key in plain for key in keys)

    return is_it


def _is_text(head: Head) -> bool:
    from kdtoken.view.lines import decode_text

    try:
        decode_text(head.data, head.name)
    except BadFormat:
        return False
    return True


def _is_memory(head: Head) -> bool:
    """An ELF core, VMware's suspended state, or by its name and size raw memory, of which the content says nothing."""
    if head.data.startswith(_VMWARE):
        return True
    if head.data.startswith(_ELF):
        return head.data[16:18] == _ELF_CORE
    if (head.size < _LEAST_MEMORY and not head.packed) or _MEMORY_NAME.search(head.name) is None:
        return False
    return not any(head.data.startswith(magic) for magic, _, _ in FOREIGN) and not _is_text(head)


KINDS: Tuple[Kind, ...] = (
    Kind("recording", "a recording of kdtoken", "--session", _json_with(b'"kdtoken-session"')),
    Kind("crash_dump", "a kernel crash dump", "--dump", _begins(b"PAGEDU64", b"PAGEDUMP")),
    Kind("memory", "an image of a machine's memory", "", _is_memory),
    Kind("collected", "the JSON of kdtoken's collect", "", _json_with(b'"kdtoken-collect"')),
    Kind("log", "text", "--log", _is_text, sure=False),
)
_OF_A_VERB = _json_with(b'{"kdtoken":', b'{\n "kdtoken":')
BY_NAME = {kind.name: kind for kind in KINDS}
BY_OPTION = {kind.option: kind for kind in KINDS if kind.option}

# What else somebody may hand over: how it begins, what it is, what helps.
FOREIGN: Tuple[Tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"MSCF", "a CAB archive", "unpack it first: expand -F:* FILE FOLDER, or 7z x"),
    (b"BZh", "packed by bzip2", "unpack it first: bzip2 -d"),
    (b"\xfd7zXZ\0", "packed by xz", "unpack it first: xz -d"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "unpack it first: zstd -d"),
    (
        b"MDMP",
        "a user-mode minidump: one process's memory, without the kernel's tokens",
        "make a kernel dump: .dump /f in a kernel session, or Task Manager > System > Create live kernel memory dump",
    ),
    (b"hibr", "a hibernation file", "turn it into a raw or crash dump with a tool made for that"),
    (b"MZ", "a Windows program", "give a dump, a recording, a log, or the text that a command printed"),
    (
        _ELF,
        "an ELF file, but no core of a machine",
        "of a virtual machine: virsh dump --memory-only, dump-guest-memory",
    ),
    (b"Microsoft C/C++", "a symbol file (PDB)", "it goes with a crash dump: MEMORY.DMP --symbols FILE"),
    (b"BSJB", "a portable PDB (.NET): it describes no kernel", "the kernel's own PDB goes with --symbols"),
    (b"%PDF", "a PDF", "give the text that the command printed"),
    (b"\x89PNG", "a picture", "give the text that the command printed"),
    (b"\xff\xd8\xff", "a picture", "give the text that the command printed"),
)


def is_attach_string(source: str) -> bool:
    """Whether it tells the debugger engine where a live kernel is: `com:pipe,port=...`, `net:port=50000,key=...`."""
    return _ATTACH.match(source) is not None and not os.path.exists(source)


def refuse_odd(path: str) -> None:
    """Raises BadFormat for a FIFO, a device, a socket: opening one may block for ever, and reading never end."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise BadFormat(
            "%s is no regular file: only those are read" % path, path, "copy it into a file first, or give it as -"
        )


def head_of(path: str, name: Optional[str] = None) -> Head:
    """The beginning of a file.  Raises BadFormat that says why it cannot be read."""
    shown = path if name is None else name
    refuse_odd(path)
    try:
        with open(path, "rb") as file:
            return read_head(file, shown, os.fstat(file.fileno()).st_size)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise cannot_read(shown, error) from error


def _near(name: str) -> str:
    """The next step where a file is not there: the one beside it that is called nearly so, where there is one."""
    import difflib  # costs time, which only this error should

    folder, base = os.path.split(name)
    try:
        others = [one for one in sorted(os.listdir(folder or "."))[:10000] if one != base and one.isprintable()]
        found = difflib.get_close_matches(base, others, 1, 0.7)
    except (OSError, ValueError):
        found = []
    return "did you mean %s?" % os.path.join(folder, found[0]) if found else "name a file that is there"


def cannot_read(name: str, error: Exception) -> BadFormat:
    """The error for a file that the system does not give."""
    if os.path.islink(name) and not os.path.exists(name):
        return BadFormat("cannot read %s: it is a link that leads to no file" % name, name, "name the file itself")
    if isinstance(error, FileNotFoundError):
        return BadFormat("cannot read %s: there is no such file" % name, name, _near(name))
    if isinstance(error, IsADirectoryError) or os.path.isdir(name):
        return BadFormat("cannot read %s: it is a folder" % name, name, "name the file in it; walk takes folders")
    if isinstance(error, PermissionError):
        return BadFormat("cannot read %s: the system refuses access" % name, name, "copy it to where you may read it")
    return BadFormat(
        "cannot read %s: %s" % (name, getattr(error, "strerror", None) or "no such name can be"), name, _near(name)
    )


def read_head(file: BinaryIO, name: str, size: int = -1) -> Head:
    """The same of a file that is open."""
    data = file.read(HEAD)
    if not data.startswith(GZIP):
        return Head(name, data, size)
    import zlib  # a live session has no need of it

    unpacker = zlib.decompressobj(31)
    try:
        return Head(name, unpacker.decompress(data, HEAD), size, True)
    except zlib.error as error:
        raise BadFormat(
            "cannot read %s: it is gzip data, but damaged from the start" % name, name, "copy it again"
        ) from error


def kind_of(head: Head, option: str = "") -> Kind:
    """What it is.  `option` is the one that named it: it decides where the content leaves room for doubt.

    Raises BadFormat that says what it is instead.
    """
    if _OF_A_VERB(head):
        raise BadFormat(
            "%s is what a verb printed with --json, which keeps no token to compare" % head.name,
            head.name,
            "keep the run itself: kdtoken record -o FILE dump NAME",
        )
    found = next((kind for kind in KINDS if kind.is_it(head)), None)
    if found is not None and found.sure:
        return found
    if any(head.data.startswith(magic) for magic, _, _ in FOREIGN):
        raise not_a_source(head)
    if option == "--session" and found is not None:
        raise BadFormat(
            '%s is %s, not a recording, which begins with {"kdtoken-session": 1, ...}' % (head.name, found.words),
            head.name,
            "kdtoken record makes one; a saved log, a text or a dump needs no option: kdtoken dump %s PROCESS"
            % head.name,
        )
    if option == "--dump" and found is not None and found.name == "log":
        raise BadFormat(
            "%s is %s, not a crash dump" % (head.name, found.words),
            head.name,
            "a saved log or a text needs no option: kdtoken dump %s PROCESS" % head.name,
        )
    wanted = None if option == "--session" else BY_OPTION.get(option)
    if wanted is None and head.name.lower().endswith(".dmp"):
        wanted = BY_NAME["crash_dump"]
    if wanted is not None:
        return wanted  # whose opener says what is wrong with it
    if found is None:
        raise not_a_source(head)
    return found


def not_a_source(head: Head) -> BadFormat:
    """The error for what is none of the kinds."""
    name = head.name
    if not head.data.strip(b"\0 \t\r\n\f\x1a"):
        what = "is empty" if not head.data else "holds nothing but blanks and zeros"
        step = "what stands before the | printed nothing to read" if name == STDIN else "copy it again"
        return BadFormat("%s %s" % (name, what), name, step)
    for magic, what, step in FOREIGN:
        if head.data.startswith(magic):
            return BadFormat("%s is %s, not text, nor a dump or recording" % (name, what), name, step)
    return BadFormat(
        "%s is binary data, no crash dump, recording or text: it begins with %s" % (name, head.data[:8].hex()),
        name,
        "give a dump, a recording, a log, or the text that a command printed",
    )


def is_source(word: str) -> bool:
    """Whether a word names something that can be opened: a file, lines of one, stdin, a connection."""
    if word == STDIN or word in CARRIED or is_attach_string(word):
        return True
    try:
        kind_of(head_of(split_lines(word)[0]))
    except BadFormat:
        return False
    return True


def is_there(word: str) -> bool:
    """Whether a word names something that can be opened and is there: a file, a folder, what kdtoken carries, stdin."""
    return word == STDIN or word in CARRIED or os.path.exists(word) or bool(matching(word))


def matching(pattern: str) -> List[str]:
    """The files that a pattern with * or ? names, sorted; none for a file's own name, or what is no pattern."""
    if not any(mark in pattern for mark in "*?") or os.path.exists(pattern):
        return []
    from glob import glob  # few need it: most shells have looked patterns up already

    return sorted(glob(pattern))


def inside(folder: str) -> List[str]:
    """What lies in a folder, sorted.  Raises BadFormat where the system does not tell it."""
    try:
        return sorted(os.path.join(folder, one) for one in os.listdir(folder))
    except OSError as error:
        raise BadFormat(
            "cannot look into the folder %s: the system refuses it" % folder, folder, "copy it to where you may read it"
        ) from error


def the_one_of(name: str) -> str:
    """The file that a folder or a pattern means, where that is one alone; any other name is returned as it is.

    Raises UsageError that lists them, where there are several.
    """
    found = matching(name)
    if os.path.isdir(name):
        found = [one for one in inside(name) if os.path.isfile(one) and is_source(one)]
    if len(found) > 1:
        more = ", ..." if len(found) > 5 else ""
        raise UsageError(
            "%s holds %d that can be read: %s%s" % (name, len(found), ", ".join(found[:5]), more),
            name,
            "name one of them; kdtoken walk and kdtoken audit take all",
        )
    return found[0] if found else name


def looks_like_file(word: str) -> bool:
    """Whether a word can only be meant for a file: it is one, or is written as one."""
    return word in CARRIED or os.path.exists(word) or _FILE.search(word) is not None


def split_lines(name: str) -> Tuple[str, str]:
    """(file, ":FIRST-LAST") of a name that asks for these lines only; (name, "") of one that asks for all."""
    found = _LINES.match(name)
    return (name, "") if found is None or os.path.exists(name) else (found[1], found[2])
