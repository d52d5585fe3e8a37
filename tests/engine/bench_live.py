"""Runs in the Windows Python: each way to a token, once, with the engine's cache empty before it.

    python bench_live.py CONNECTION CONTROL_PORT PID NAME (1|0: the slow script walk, or not)

The target counts what crosses the wire between the marks; nothing is counted here.
"""

import os
import socket
import sys
import tempfile
from typing import Any, Callable, List

import pykd  # type: ignore[import-not-found,unused-ignore]

from kdtoken import cli, dump, walk
from kdtoken.decode.process_dump import Tokens
from kdtoken.machine.kernel import KernelMachine, find_process
from kdtoken.model.token import Token
from kdtoken.source.attach import AttachedSource
from kdtoken.source.cached import CachedSource

# What was kept of a kernel before is of another machine: these here have the same nt and the same moment of start.
os.environ["KDTOKEN_CACHE"] = tempfile.mkdtemp()
CONNECTION, PID, NAME = sys.argv[1], sys.argv[3], sys.argv[4]
WITH_SCRIPT_WALK = sys.argv[5] == "1"
control = socket.create_connection(("127.0.0.1", int(sys.argv[2])))


def mark(name: str) -> None:
    """Have the target's counters kept under that name."""
    control.sendall(("mark %s\n" % name).encode("ascii"))
    control.recv(16)


def row(name: str, work: Callable[[], Any]) -> None:
    """Do one thing between two marks, with nothing in the engine's cache."""
    pykd.dbgCommand(".cache flushall")
    mark(name + " <")
    done = work()
    mark(name + " >")
    print("%s: %s" % (name, done), flush=True)


def kdtoken_token(live: AttachedSource, argument: str) -> str:
    """Find the process, decode its token."""
    target = CachedSource(live)
    token = Tokens(target).of(find_process(target, argument)[0])
    assert isinstance(token, Token)
    return str(token.user)


def kdtoken_verb(live: AttachedSource, verb: Any, arguments: List[str]) -> str:
    """A whole report, as printed."""
    parser = cli.parser("bench", "")
    verb.add_arguments(parser)
    return "%d lines" % len(verb.report(KernelMachine(live), parser.parse_args(arguments)))


# ---------------------------------------------------------------- as one writes it with pykd


def leaves(value: Any) -> int:
    """Read every number in a typed variable."""
    kind = value.type()
    if kind.isArray():
        return sum(leaves(value[index]) for index in range(len(value)))
    if kind.isUserDefined() and not kind.isPointer():
        return sum(leaves(member[-1]) for member in value.fields())
    int(value)
    return 1


def typed_token(address: int) -> int:
    """What kdtoken's `walk` reads of a token, too: its fields, its SIDs, its logon session with the names."""
    token = pykd.typedVar("nt!_TOKEN", address)
    read = leaves(token)
    for one in pykd.typedVarArray(int(token.UserAndGroups), "nt!_SID_AND_ATTRIBUTES", int(token.UserAndGroupCount)):
        sid = int(one.Sid)
        int(one.Attributes)
        pykd.loadBytes(sid, 8 + 4 * pykd.loadBytes(sid, 8)[1])
        read += 2
    session = pykd.typedVar("nt!_SEP_LOGON_SESSION_REFERENCES", int(token.LogonSession))
    read += leaves(session)
    for text in (session.AccountName, session.AuthorityName):
        if int(text.Length):
            pykd.loadBytes(int(text.Buffer), int(text.Length))
    return read


def typed_list() -> Any:
    """Every process as a typed variable."""
    return pykd.typedVarList(pykd.module("nt").PsActiveProcessHead, "nt!_EPROCESS", "ActiveProcessLinks")


def typed_name(process: Any) -> str:
    """Image name of a typed process."""
    return "".join(chr(c & 0xFF) for c in process.ImageFileName if c)


def typed_by_pid() -> int:
    """Find a process in the list by its id, then its token."""
    for process in typed_list():
        if int(process.UniqueProcessId) == int(PID):
            return typed_token(int(process.Token.Value) & ~15)
    raise SystemExit("no pid " + PID)


def typed_by_name() -> int:
    """Find a process in the list, then its token."""
    for process in typed_list():
        if typed_name(process) == NAME:
            return typed_token(int(process.Token.Value) & ~15)
    raise SystemExit("no " + NAME)


def typed_walk() -> int:
    """Every process: pid, name, token."""
    tokens = {}
    for process in typed_list():
        int(process.UniqueProcessId)
        typed_name(process)
        address = int(process.Token.Value) & ~15
        if address and address not in tokens:
            try:
                tokens[address] = typed_token(address)
            except pykd.MemoryException:
                tokens[address] = 0
    return len(tokens)


def main() -> None:
    live = AttachedSource(CONNECTION, patience=600)
    try:
        live.layout("_TOKEN")  # the symbols are not what is measured
        row("kdtoken, token by pid, first of boot", lambda: kdtoken_token(live, PID))
        row("kdtoken, token by pid", lambda: kdtoken_token(live, PID))
        row("kdtoken, token by name", lambda: kdtoken_token(live, NAME))
        row("kdtoken dump PID (threads, twin)", lambda: kdtoken_verb(live, dump, [PID, "--no-check"]))
        row("kdtoken dump NAME (threads, twin)", lambda: kdtoken_verb(live, dump, [NAME, "--no-check"]))
        row("kdtoken walk", lambda: kdtoken_verb(live, walk, []))
        row("typedVar script, token by pid", typed_by_pid)
        row("typedVar script, token by name", typed_by_name)
        if WITH_SCRIPT_WALK:
            row("typedVar script, walk", typed_walk)
        token = find_process(CachedSource(live), NAME)[0].token
        address = token.object  # type: ignore[union-attr]
        row("dt -r1 nt!_TOKEN ADDRESS (no SIDs)", lambda: len(pykd.dbgCommand("dt -r1 nt!_TOKEN %x" % address)))
    finally:
        live.release()


main()
