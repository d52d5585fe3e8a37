"""kdtoken: what security context is this process or thread really presenting?

    >>> import kdtoken
    >>> machine = kdtoken.open("fixtures/sessions/machine-22000-synthetic.kdtoken.gz")
    >>> machine.processes()[0]
    <Process System pid 4 at 0xffffa08011001060>
    >>> notepad = machine.process("notepad.exe")
    >>> notepad.token
    <Token 0xffffcc8a1420a800: ANNA-PC\\Anna, Medium, 5 privileges (1 enabled), 14 groups>
    >>> [thread.tid for thread in notepad.threads]
    [6108]
    >>> kdtoken.diff(notepad, machine.process("cmd.exe"))
    <Comparison: A is B's UAC-filtered twin>
    >>> kdtoken.explain(notepad, "D:(A;;FA;;;BA)(A;;FR;;;BU)", "write", type="file")
    <Answer: no, by the dacl: no ACE grants the caller 0x116 (WRITE_DATA APPEND_DATA WRITE_EA WRITE_ATTRIBUTES)>

The names in `__all__`, and what their docstrings say of them, are the public interface: they keep their meaning within
a major version (semantic versioning).  All else may change in any release.

Nothing is imported before it is used: neither pykd, which exists only where a debugger is, nor construct.
"""

import sys

if sys.version_info < (3, 8):
    # pykd's bootstrapper takes Python 2.7 where there is one.  This file is plain enough for it to come this far.
    sys.stderr.write(
        "kdtoken: this is Python %d.%d, and kdtoken needs 3.8 or later\n"
        "  next: python3 -m kdtoken;  inside WinDbg: !py -3.9 -m kdtoken.dump NAME\n" % sys.version_info[:2]
    )
    raise SystemExit(2)

from typing import TYPE_CHECKING, Any, Dict, List, Tuple  # noqa: E402, F401

__version__ = "0.1.0"

if TYPE_CHECKING:
    from kdtoken.analysis.audit.finding import Finding as Finding
    from kdtoken.analysis.differences.comparison import Comparison as Comparison
    from kdtoken.audit import audit as audit
    from kdtoken.diff import diff as diff
    from kdtoken.errors import KdTokenError as KdTokenError
    from kdtoken.explain import explain as explain
    from kdtoken.machine.base import Machine as Machine
    from kdtoken.machine.open import open_machine as open
    from kdtoken.machine.process import MachineProcess as Process
    from kdtoken.machine.process import MachineThread as Thread
    from kdtoken.model.absent import Absent as Absent
    from kdtoken.model.absent import Missing as Missing
    from kdtoken.model.absent import NotSaid as NotSaid
    from kdtoken.model.absent import Unreadable as Unreadable
    from kdtoken.model.sid import Sid as Sid
    from kdtoken.model.token import Token as Token

# public name -> where it is.  A verb's function has its module's name, and the module can be called in its stead.
_PUBLIC = {
    "open": ("kdtoken.machine.open", "open_machine"),
    "diff": ("kdtoken.diff", ""),
    "explain": ("kdtoken.explain", ""),
    "audit": ("kdtoken.audit", ""),
    "Finding": ("kdtoken.analysis.audit.finding", "Finding"),
    "Machine": ("kdtoken.machine.base", "Machine"),
    "Process": ("kdtoken.machine.process", "MachineProcess"),
    "Thread": ("kdtoken.machine.process", "MachineThread"),
    "Token": ("kdtoken.model.token", "Token"),
    "Sid": ("kdtoken.model.sid", "Sid"),
    "Comparison": ("kdtoken.analysis.differences.comparison", "Comparison"),
    "Missing": ("kdtoken.model.absent", "Missing"),
    "Unreadable": ("kdtoken.model.absent", "Unreadable"),
    "Absent": ("kdtoken.model.absent", "Absent"),
    "NotSaid": ("kdtoken.model.absent", "NotSaid"),
    "KdTokenError": ("kdtoken.errors", "KdTokenError"),
}  # type: Dict[str, Tuple[str, str]]
__all__ = [
    "Absent",
    "Comparison",
    "Finding",
    "KdTokenError",
    "Machine",
    "Missing",
    "NotSaid",
    "Process",
    "Sid",
    "Thread",
    "Token",
    "Unreadable",
    "audit",
    "diff",
    "explain",
    "open",
]


def __getattr__(name):  # type: (str) -> Any
    """A public name, when it is first used (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError("module 'kdtoken' has no attribute %r" % name)
    from importlib import import_module

    module, attribute = _PUBLIC[name]
    found = import_module(module)
    value = getattr(found, attribute) if attribute else found
    globals()[name] = value
    return value


def __dir__():  # type: () -> List[str]
    """The public names too, though they are not there yet."""
    return sorted({name for name in globals() if name.startswith("__")} | set(_PUBLIC))
