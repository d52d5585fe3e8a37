"""A process with its token, its threads, and the tokens that they impersonate."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Tuple

from kdtoken.decode.image_path import image_path
from kdtoken.decode.logon_session import find_logon_session
from kdtoken.decode.process import process_details
from kdtoken.decode.thread import walk_threads
from kdtoken.decode.token import decode_token
from kdtoken.errors import KdTokenError, LookupFailed, NoCommands
from kdtoken.model.absent import Maybe, Missing, Unreadable, known
from kdtoken.model.privilege import NAMES
from kdtoken.model.process import CrossCheck, FastRef, Impersonation, Process, ProcessDump, Thread
from kdtoken.model.token import LogonSession, Token
from kdtoken.source.base import Source

_TOKEN_LINE = re.compile(r"^[^\S\n]*Token\s+([0-9a-fA-F][0-9a-fA-F`]{7,16})\s*$", re.MULTILINE)


class Tokens:
    """Tokens of one target, each decoded once however many processes and threads share it.

    follow  whether to read what a token points to outside itself (see decode_token)
    """

    def __init__(self, target: Source, follow: bool = True) -> None:
        self.target = target
        self._follow = follow
        self._tokens: Dict[int, Maybe[Token]] = {}

    def at(self, address: int, pair: bool = False) -> Maybe[Token]:
        """The token object at `address`.  Raises LookupFailed when the symbols know no _TOKEN.

        pair  linked_with is asked of it next
        """
        if address not in self._tokens:
            self._tokens[address] = decode_token(self.target, address, NAMES, self._follow, pair)
        return self._tokens[address]

    def of(self, process: Process, pair: bool = False) -> Maybe[Optional[Token]]:
        """A process's primary token; None when its reference is null."""
        ref = process.token
        if isinstance(ref, Missing):
            return ref
        return self.at(ref.object, pair) if ref.object else None

    def linked_with(self, token: Token) -> Maybe[Optional[Token]]:
        """The other half of a UAC pair: the token that the buddy logon session keeps.

        None where there is no buddy.  Way: _TOKEN.LogonSession -> BuddyLogonId ->
        nt!SepLogonSessions -> that session's Token.
        """
        session = token.logon_session
        if not isinstance(session, LogonSession):
            return session
        buddy = session.buddy_logon_id
        if isinstance(buddy, Missing):
            return buddy
        if buddy.value == 0:
            return None
        other = find_logon_session(self.target, buddy)
        if isinstance(other, Missing):
            return other
        if other is None:
            return Unreadable(session.address, "no logon session %s in the kernel's table" % buddy)
        back = other.buddy_logon_id
        if known(back) and known(session.logon_id) and back != session.logon_id:
            # A pair knows each other.
            return Unreadable(
                other.address,
                "no half of this pair: logon session %s is paired with %s, not with %s"
                % (buddy, back, session.logon_id),
            )
        if isinstance(other.token, Missing):
            return other.token
        if other.token == 0:
            return None
        linked = self.at(other.token)
        if isinstance(linked, Token) and known(linked.authentication_id) and linked.authentication_id != buddy:
            # Somebody wrote into the logon session, or its memory is used for something else by now.
            return Unreadable(
                other.token,
                "no half of this pair: the token there is of logon session %s, not of %s"
                % (linked.authentication_id, buddy),
            )
        return linked


def dump_process(
    tokens: Tokens, process: Process, others: Optional[Tuple[Process, ...]] = None, check: bool = True
) -> ProcessDump:
    """Everything about one process's security context.

    others  the process list, where it was walked, to see who shares the token
    check   ask the debugger's own !process as well, where there is one
    """
    target = tokens.target
    problems: List[str] = []
    details = process_details(target, process)
    token = tokens.of(process, pair=True)
    threads: List[Thread] = []
    try:
        threads, torn = walk_threads(target, details.thread_list_head)
        problems += torn
    except LookupFailed as error:
        problems.append("threads cannot be listed: %s" % error.message)
    counted = details.active_threads
    if not problems and isinstance(counted, int) and counted > len(threads) and target.kept_threads is None:
        # Those that ended stay on the list as long as somebody holds them: more of them than counted are none.
        problems.append(
            "ActiveThreads is %d, and %d thread%s on the list: some are hidden, or the count is wrong"
            % (counted, len(threads), " is" if len(threads) == 1 else "s are")
        )
    impersonated: Dict[int, Maybe[Token]] = {}
    for thread in threads:
        if isinstance(thread.pid, int) and thread.pid != process.pid:
            problems.append(
                "the thread at 0x%x is on this process's list and says that it belongs to pid %d"
                % (thread.address, thread.pid)
            )
        if isinstance(thread.impersonation, Impersonation):
            address = thread.impersonation.token
            impersonated[address] = tokens.at(address)
    return ProcessDump(
        process,
        details,
        token,
        tuple(threads),
        impersonated,
        tokens.linked_with(token) if isinstance(token, Token) else None,
        None if others is None else tuple(p for p in others if _same_object(p, process)),
        cross_check(target, process) if check else None,
        tuple(problems),
        image_path(target, process.address),
    )


def _same_object(other: Process, process: Process) -> bool:
    mine, theirs = process.token, other.token
    return (
        other.address != process.address
        and isinstance(mine, FastRef)
        and isinstance(theirs, FastRef)
        and mine.object == theirs.object != 0
    )


def cross_check(target: Source, process: Process) -> Optional[CrossCheck]:
    """Ask `!process ADDRESS 1` and compare its Token line with the field.

    None where the target has no interpreter.  Only the address goes into the command, never
    the name: a name is chosen by whoever made the process.
    """
    command = "!process %x 1" % process.address
    try:
        output = target.command(command)
    except NoCommands:
        return None
    except KdTokenError as error:
        return CrossCheck(command, None, None, error.message)
    if not output.strip():
        return None  # an engine without the extension that has !process says nothing
    found = _TOKEN_LINE.search(output)
    if found is None:
        return CrossCheck(command, None, None, "it printed no Token line")
    said = int(found[1].replace("`", ""), 16)
    if not isinstance(process.token, FastRef):
        return CrossCheck(command, said, None)
    return CrossCheck(command, said, said == process.token.object)
