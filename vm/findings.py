"""What the doctor says of each link of the chain, from the VM's settings to the script in the debugger."""

import re
from enum import Enum
from typing import Iterable, List, NamedTuple, Optional

# In the order in which one depends on the other: the first broken one is what to mend first.
LINKS = (
    "vmx",  # the serial port in the VM's settings
    "running",  # the VM runs
    "pipe",  # the pipe exists, and nobody else holds it
    "elevated",  # the debugger may open it
    "-k string",  # the debugger is told the same pipe
    "guest",  # Windows in the VM listens, on the same port
    "connection",  # they have spoken
    "symbols",  # the kernel's types are known
    "python",  # a Python for which there is a pykd, with kdtoken in it
    "bootstrapper",  # !py exists
    "scripts",  # !py finds kdtoken's script files
)


class Status(Enum):
    """How a link is. WINDOWS: it can be seen on Windows only, and this is not it."""

    OK = "ok"
    BROKEN = "BROKEN"
    NOTE = "note"
    UNSEEN = "?"
    WINDOWS = "Windows"


class Finding(NamedTuple):
    """One link: what was found, and the one command that mends it."""

    link: str
    status: Status
    found: str
    mend: str = ""


# What may stand between double quotes on a command line of cmd, PowerShell and a Unix shell and mean only itself.
_INERT = re.compile(r"[\w .:\\/()+,\-=~@#\[\]{}&']*")


def pasteable(text: str, instead: str) -> str:
    """The text, where it may be part of a command that people paste; else a word that stands for it."""
    return text if _INERT.fullmatch(text) else instead


def broken(link: str, found: str, mend: str) -> Finding:
    return Finding(link, Status.BROKEN, found, mend)


def fine(link: str, found: str) -> Finding:
    return Finding(link, Status.OK, found)


def note(link: str, found: str, mend: str = "") -> Finding:
    return Finding(link, Status.NOTE, found, mend)


# Where each link is to be seen. What the machine itself shows, only Windows shows.
_BY_VMX, _BY_TEXT, _BY_WINDOWS = "give --vmx FILE", "give --text FILE", "only Windows shows it: run doctor.py there"
SEEN_BY = {
    "vmx": _BY_VMX,
    "running": _BY_VMX,
    "-k string": _BY_TEXT,
    "guest": _BY_TEXT,
    "connection": _BY_TEXT,
    "symbols": _BY_TEXT,
}


def in_order(findings: Iterable[Finding], on_windows: bool = False) -> List[Finding]:
    """By link, broken before the rest; a link of which nothing was seen gets a line that says where it can be."""
    given = list(findings)
    ranks = [Status.BROKEN, Status.NOTE, Status.OK, Status.UNSEEN, Status.WINDOWS]
    for link in LINKS:
        if not any(finding.link == link for finding in given):
            where = SEEN_BY.get(link, _BY_WINDOWS)
            only_there = where == _BY_WINDOWS and not on_windows
            given.append(
                Finding(
                    link,
                    Status.WINDOWS if only_there else Status.UNSEEN,
                    "not seen; " + ("run doctor.py without --text" if where == _BY_WINDOWS and on_windows else where),
                )
            )
    return sorted(dict.fromkeys(given), key=lambda one: (LINKS.index(one.link), ranks.index(one.status)))


def first_to_mend(findings: Iterable[Finding]) -> Optional[Finding]:
    """The first broken link, else the first note that has a command."""
    ordered = in_order(findings)
    for status in (Status.BROKEN, Status.NOTE):
        for finding in ordered:
            if finding.status is status and finding.mend:
                return finding
    return None


def report(findings: Iterable[Finding], on_windows: bool = False) -> List[str]:
    """The lines to print."""
    ordered = in_order(findings, on_windows)
    lines = []
    for finding in ordered:
        lines.append("%-8s %-13s %s" % (finding.status.value, finding.link, finding.found))
        if finding.mend:
            lines.append("%-8s %-13s   %s" % ("", "", finding.mend))
    first = first_to_mend(ordered)
    if first is None:
        seen = any(finding.status in (Status.OK, Status.NOTE) for finding in ordered)
        return lines + ["", "nothing broken in what could be seen" if seen else "nothing was seen"]
    word = "first to mend" if first.status is Status.BROKEN else "worth mending"
    return lines + ["", "%s: %s: %s" % (word, first.link, first.found), "  %s" % first.mend]
