"""What a person types for a process, and which of the processes it means."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence, Tuple, Union

from kdtoken.errors import ProcessAmbiguous, ProcessNotFound, UsageError
from kdtoken.model.process import Process

NAME_ROOM = 15  # bytes of _EPROCESS.ImageFileName in every known build, where nobody can ask the layout

_ADDRESS_64 = re.compile(r"(?:0x)?([fF]{4}[0-9a-fA-F]{4})`?([0-9a-fA-F]{8})$")
_ADDRESS_32 = re.compile(r"(?:0x)?([89a-fA-F][0-9a-fA-F]{7})$")
_THREAD = re.compile(r"(.+):(0n\d{1,20}|0x[0-9a-fA-F]{1,16}|\d{1,20})$")
_NEGATIVE = re.compile(r"-\d+$")
_BARE_HEX = re.compile(r"[0-9a-fA-F]{1,8}$")
# What has more digits is a name: no pid and no address has as many.
_NUMBER = re.compile(r"(0n\d{1,20}|0x[0-9a-fA-F]{1,16}|\d{1,20})$")
# The same as WinDbg prints it: 32 bits with their sign extended.
_ADDRESS_32_LONG = re.compile(r"(?:0x)?[fF]{8}`?([89a-fA-F][0-9a-fA-F]{7})$")


def parse_process_argument(text: str, pointer_bytes: int) -> Tuple[str, Union[str, int]]:
    """("name", NAME), ("pid", N) or ("address", A), by the form of the text.

    1234 and 0n1234 are decimal, 0x4d2 is hexadecimal; a kernel address is told by its width
    and high bits (ffffe001`2c3d4080, 0xffffe0012c3d4080; 8 digits on a 32-bit target,
    or 16 with the sign extended).
    What only looks hexadecimal (17d8, as !process prints a pid) is a name first: `choose` knows more.
    Raises UsageError for what can be none of these.
    """
    text = text.strip()
    if not text:
        raise UsageError("no process was named", None, "give a name, a pid or an EPROCESS address")
    if _NEGATIVE.match(text):
        raise UsageError("%s is no pid: pids are multiples of 4, from 0 on" % text, text, "kdtoken walk lists them")
    match = _ADDRESS_64.match(text)
    if match and pointer_bytes == 8:
        return "address", int(match[1] + match[2], 16)
    match = _ADDRESS_32.match(text) or _ADDRESS_32_LONG.match(text)
    if match and pointer_bytes == 4:
        return "address", int(match[1], 16)
    if _NUMBER.match(text):
        return "pid", _number(text)
    return "name", text


def split_thread(text: str) -> Tuple[str, Optional[int]]:
    """(process, thread id) of PROCESS:TID; the id is None where none is given.  Both numbers as for a process."""
    match = _THREAD.match(text.strip())
    if match is None:
        return text, None
    return match[1], _number(match[2])


def _number(text: str) -> int:
    return int(text[2:]) if text.startswith("0n") else int(text, 16 if "x" in text else 10)


def choose(
    processes: Sequence[Process],
    argument: str,
    kind: str,
    value: Union[str, int],
    problems: Sequence[str] = (),
    room: int = NAME_ROOM,
) -> Process:
    """The one process that the argument means.  `kind` and `value` are parse_process_argument's.

    problems  what was wrong with the list: a process that is not found may be missing for that
    room      bytes of _EPROCESS.ImageFileName
    Raises ProcessNotFound (with near names), ProcessAmbiguous (with all of that name).
    """
    if kind == "address":
        matches = [p for p in processes if p.address == value]
    else:
        matches = [p for p in processes if kind == "pid" and p.pid == value]
        # A number may also be what somebody called their program.
        matches = matches or named(processes, argument if kind == "pid" else str(value), room)
        if not matches and kind == "name" and _BARE_HEX.match(str(value)):
            matches = [p for p in processes if p.pid == int(str(value), 16)]  # 17d8, as !process prints a pid
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise _ambiguous(argument, matches)
    raise _not_found(argument, kind, processes, problems)


def named(processes: Sequence[Process], name: str, room: int = NAME_ROOM) -> List[Process]:
    """Processes called `name`: any case, with or without .exe, also past where the kernel cut it.

    ImageFileName keeps 15 bytes, of which older builds leave the last for a NUL.
    """
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


def _describe(processes: List[Process]) -> str:
    return "\n".join("    pid %-6s EPROCESS 0x%x  %s" % (p.pid, p.address, p.image_name) for p in processes)


def _ambiguous(argument: str, matches: List[Process]) -> ProcessAmbiguous:
    return ProcessAmbiguous(
        "%d processes are called %s:\n%s" % (len(matches), argument, _describe(matches)),
        argument,
        tuple((p.pid, p.address) for p in matches if isinstance(p.pid, int)),
        "give one of the pids instead of the name",
    )


def _not_found(argument: str, kind: str, processes: Sequence[Process], problems: Sequence[str]) -> ProcessNotFound:
    what = {"pid": "pid %s", "address": "the EPROCESS address %s"}.get(kind, "the name %s") % argument
    from kdtoken.model.token_words import counted  # costs time, which only this error should

    message = "no process has %s (%s seen)" % (what, counted(len(processes), "process", "processes"))
    if problems:
        message += "; the list is not whole: " + problems[0]
    if not processes and "cut short" in message:
        return ProcessNotFound(
            message, argument, "copy the dump again, whole; an EPROCESS address goes without the list"
        )
    if not processes:
        step = "the list of processes is not there, so walk shows none either; an EPROCESS address goes without it"
        return ProcessNotFound(message, argument, step)
    names = sorted({p.image_name for p in processes if isinstance(p.image_name, str)})
    import difflib  # as above

    # Without the ending that nearly all have: it would make them all look alike.
    stems = {_stem(name): name for name in names}
    near = [stems[s] for s in difflib.get_close_matches(_stem(argument), list(stems), 5, 0.6)]
    near += [n for n in names if argument.lower() in n.lower() and n not in near]
    hint: Optional[str] = None
    thread = re.match(r"([0-9]+):[0-9a-fA-Fx]+$", argument)
    if thread and any(p.pid == int(thread.group(1)) for p in processes):
        return ProcessNotFound(
            "%s is a thread of pid %s, and a process is asked for here" % (argument, thread.group(1)),
            argument,
            "kdtoken dump %s tells whom its threads act for; kdtoken diff takes PID:TID" % thread.group(1),
        )
    if kind == "name" and near:
        hint = "near names: " + ", ".join(near[:5])
    if kind == "pid" and _BARE_HEX.match(argument):
        meant = [p for p in processes if p.pid == int(argument, 16)]
        if meant:
            hint = "0x%s is pid %s, %s: write 0x%s for it" % (argument, meant[0].pid, meant[0].image_name, argument)
    return ProcessNotFound(message, argument, hint or "kdtoken walk lists all processes")


def _stem(name: str) -> str:
    name = name.lower()
    return name[:-4] if name.endswith(".exe") else name
