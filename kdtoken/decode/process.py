"""Processes: the list at nt!PsActiveProcessHead, and finding one by name, pid or address."""

import re
from typing import List, Optional, Tuple, Union

from kdtoken.decode.cid_table import process_by_id
from kdtoken.decode.fast_ref import fast_ref, fast_ref_mask
from kdtoken.decode.lists import walk_list
from kdtoken.decode.object_header import PROCESS_TYPE, is_object_of, type_name
from kdtoken.decode.structure import Structure, pointer_width, read_members
from kdtoken.decode.variables import fetch_variables
from kdtoken.errors import LookupFailed, ProcessAmbiguous, ProcessNotFound, UsageError
from kdtoken.layout.layout import array_of
from kdtoken.model.absent import Maybe, Unreadable
from kdtoken.model.process import Process, ProcessDetails
from kdtoken.target.base import Target

TYPE = "_EPROCESS"
_LINK = "ActiveProcessLinks"
_REQUIRED = ("UniqueProcessId", _LINK, "ImageFileName", "Token")
_WALK = _REQUIRED + ("InheritedFromUniqueProcessId",)
_DETAILS = ("CreateTime", "ExitTime", "Protection.Level", "ActiveThreads", "ThreadListHead")

_ADDRESS_64 = re.compile(r"(?:0x)?([fF]{4}[0-9a-fA-F]{4})`?([0-9a-fA-F]{8})$")
_ADDRESS_32 = re.compile(r"(?:0x)?([89a-fA-F][0-9a-fA-F]{7})$")
_NUMBER = re.compile(r"(0n\d+|0x[0-9a-fA-F]+|\d+)$")


def parse_process_argument(text: str, pointer_bytes: int) -> Tuple[str, Union[str, int]]:
    """("name", NAME), ("pid", N) or ("address", A), by the form of the text.

    1234 and 0n1234 are decimal, 0x4d2 is hexadecimal; a kernel address is told by its width
    and high bits (ffffe001`2c3d4080, 0xffffe0012c3d4080; 8 digits on a 32-bit target).
    """
    text = text.strip()
    if not text:
        raise UsageError("no process was named", None, "give a name, a pid or an EPROCESS address")
    match = _ADDRESS_64.match(text)
    if match and pointer_bytes == 8:
        return "address", int(match[1] + match[2], 16)
    match = _ADDRESS_32.match(text)
    if match and pointer_bytes == 4:
        return "address", int(match[1], 16)
    if _NUMBER.match(text):
        return "pid", int(text[2:]) if text.startswith("0n") else int(text, 16 if "x" in text else 10)
    return "name", text


def walk_processes(target: Target, details: bool = False) -> Tuple[List[Process], List[str]]:
    """All processes of nt!PsActiveProcessHead, one request each, and what was wrong with the list.

    details  process_details of each will be asked next: fetch its members in the same request
    Raises SymbolNotFound, TypeNotFound or FieldNotFound when the symbols cannot describe it.
    """
    layout = target.layout(TYPE)
    for name in _REQUIRED:
        layout.field(name)
    fast_ref_mask(target)
    fetch_variables(target)

    def read(address: int) -> Tuple[Structure, Process]:
        s = read_members(target, TYPE, address, _WALK + _DETAILS if details else _WALK)
        return s, _process(target, s)

    def is_process(address: int) -> Maybe[bool]:
        return is_object_of(target, address, PROCESS_TYPE)

    return walk_list(target, target.symbol("PsActiveProcessHead"), TYPE, _LINK, read, is_process)


def process_at(target: Target, address: int) -> Process:
    """The process whose EPROCESS is at `address`.

    Raises ProcessNotFound when nothing can be read there or the object header says otherwise.
    """
    try:
        verdict = is_object_of(target, address, PROCESS_TYPE)
    except LookupFailed:
        verdict = Unreadable(address, "symbols missing")
    if verdict is False:
        kind = type_name(target, address)
        raise ProcessNotFound(
            "0x%x is not a process: its object header says %s" % (address, kind or "something else"),
            address,
            "!process 0 0 lists the processes with their addresses",
        )
    s = read_members(target, TYPE, address, _WALK)
    if isinstance(s.uint("UniqueProcessId"), Unreadable):
        raise ProcessNotFound(
            "0x%x cannot be read, so no process can be shown from there" % address,
            address,
            "!process 0 0 lists the processes with their addresses",
        )
    return _process(target, s)


def find_process(target: Target, argument: str) -> Tuple[Process, List[Process], List[str]]:
    """The one process that a name, pid or address stands for, the list walked on the way to it
    (empty for an address, and for a pid that nt!PspCidTable knows), and what was wrong with the list.

    Raises ProcessNotFound (with near names), ProcessAmbiguous (with all of that name).
    """
    width = pointer_bytes(target)
    kind, value = parse_process_argument(argument, width)
    if kind == "address":
        assert isinstance(value, int)
        return process_at(target, value), [], []
    if kind == "pid":
        assert isinstance(value, int)
        fetch_variables(target, with_list=False)
        known = process_by_id(target, value)
        if known is not None:
            return process_at(target, known), [], []
    processes, problems = walk_processes(target)
    if kind == "pid":
        matches = [p for p in processes if p.pid == value]
        # A number may also be what somebody called their program.
        if not matches:
            matches = named(target, processes, argument)
    else:
        matches = named(target, processes, str(value))
    if len(matches) == 1:
        return matches[0], processes, problems
    if matches:
        raise _ambiguous(argument, matches)
    raise _not_found(argument, kind, processes, problems)


def named(target: Target, processes: List[Process], name: str) -> List[Process]:
    """Processes called `name`: any case, with or without .exe, also past where the kernel cut it.

    ImageFileName keeps 15 bytes, of which older builds leave the last for a NUL.
    """
    shape = array_of(target.layout(TYPE).field("ImageFileName").type)
    room = shape[0] if shape else 15
    for wanted in (name.lower(), name.lower() + ".exe"):
        exact = []
        for process in processes:
            if not isinstance(process.image_name, str):
                continue
            have = process.image_name.lower()
            cut = len(have) >= room - 1 and len(wanted) > len(have) and wanted.startswith(have)
            if have == wanted or cut:
                exact.append(process)
        if exact:
            return exact
    return []


def process_details(target: Target, process: Process) -> ProcessDetails:
    """Times, protection and threads of one process, in one more request."""
    s = read_members(target, TYPE, process.address, _DETAILS)
    return ProcessDetails(
        create_time=s.sint("CreateTime"),
        exit_time=s.sint("ExitTime"),
        protection=s.uint("Protection.Level"),
        active_threads=s.uint("ActiveThreads"),
        thread_list_head=s.address_of("ThreadListHead"),
        origins=dict(s.origins),
    )


def pointer_bytes(target: Target) -> int:
    """4 or 8: how wide this target's addresses are."""
    return pointer_width(target)


def _process(target: Target, s: Structure) -> Process:
    pid = s.uint("UniqueProcessId")
    parent = s.uint("InheritedFromUniqueProcessId")
    value = s.uint("Token.Value" if s.has("Token.Value") else "Token")
    return Process(
        address=s.address,
        pid=pid if isinstance(pid, int) else -1,
        image_name=s.text("ImageFileName"),
        token=fast_ref(target, value),
        parent_pid=parent,
    )


def _describe(processes: List[Process]) -> str:
    return "\n".join("    pid %-6d EPROCESS 0x%x  %s" % (p.pid, p.address, p.image_name) for p in processes)


def _ambiguous(argument: str, matches: List[Process]) -> ProcessAmbiguous:
    return ProcessAmbiguous(
        "%d processes are called %s:\n%s" % (len(matches), argument, _describe(matches)),
        argument,
        tuple((p.pid, p.address) for p in matches),
        "give one of the pids instead of the name",
    )


def _not_found(
    argument: str, kind: str, processes: List[Process], problems: List[str]
) -> ProcessNotFound:
    what = "pid %s" % argument if kind == "pid" else "the name %s" % argument
    message = "no process has %s (%d processes seen)" % (what, len(processes))
    if problems:
        message += "; the list is not whole: " + problems[0]
    names = sorted({p.image_name for p in processes if isinstance(p.image_name, str)})
    import difflib  # costs time, which only this error should

    # Without the ending that nearly all have: it would make them all look alike.
    stems = {_stem(name): name for name in names}
    near = [stems[s] for s in difflib.get_close_matches(_stem(argument), list(stems), 5, 0.6)]
    near += [n for n in names if argument.lower() in n.lower() and n not in near]
    hint: Optional[str] = None
    if kind == "name" and near:
        hint = "near names: " + ", ".join(near[:5])
    return ProcessNotFound(message, argument, hint or "kdtoken walk lists all processes")


def _stem(name: str) -> str:
    name = name.lower()
    return name[:-4] if name.endswith(".exe") else name
