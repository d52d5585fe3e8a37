"""What no view may lose: every SID, privilege name and token address of a text is in the result or listed unread."""

import re
from typing import Iterable, Set

from kdtoken.model.absent import Unreadable
from kdtoken.model.process import FastRef, Impersonation
from kdtoken.model.sid import Sid
from kdtoken.view.debugger.text import DebuggerText
from kdtoken.view.lines import Line, split_lines
from kdtoken.view.partial import PartialToken
from kdtoken.view.whoami.reader import WhoamiTexts

# Not the views' own patterns: a mistake there must not hide itself here.
# A SID that a line break cut ends in "-": its half is no SID.
_SID = re.compile(r"S-1-\d+(?:-\d+)*(?![-\d])", re.IGNORECASE)
_PRIVILEGE = re.compile(r"\bSe[A-Z][A-Za-z]+Privilege\b")
_TOKEN_ADDRESS = re.compile(
    r"(?:_TOKEN |[Tt]oken:? {2,}|!token |Impersonation token:? +)(?:0x)?([0-9a-f]{8}`?[0-9a-f]{8}|[0-9a-f]{8})(?![0-9a-f`])"
)


def facts_in(text: str) -> Set[str]:
    """SIDs, privilege names and token addresses, each in one spelling."""
    found = set()
    for line in split_lines(text):
        found |= {one.upper() for one in _SID.findall(line.text)} | set(_PRIVILEGE.findall(line.text))
        for one in _TOKEN_ADDRESS.findall(line.text):
            found.add("%x" % int(one.replace("`", ""), 16))
    return found


def _of_lines(lines: Iterable[Line]) -> Set[str]:
    found: Set[str] = set()
    for line in lines:
        found |= facts_in(line.text)
    return found


def _of_token(token: PartialToken) -> Set[str]:
    found = {str(one.sid) for one in token.groups + token.restricted + token.capabilities}
    found |= {one.name for one in token.privileges}
    for sid in (token.token.primary_group, token.token.package, token.token.trust_level_sid):
        if isinstance(sid, Sid):
            found.add(str(sid))
    # What is doubtful is kept as the reason of the doubt.
    for value in vars(token.token).values():
        for one in value if isinstance(value, tuple) else (value,):
            found |= facts_in(str(one)) if isinstance(one, Unreadable) else set()
    return found | {"%x" % token.token.address} | _of_lines(token.not_understood)


def facts_of_debugger(result: DebuggerText) -> Set[str]:
    """The same, of what the two debugger views made of a text."""
    found = _of_lines(result.not_understood) | _of_lines(result.tokens.commands)
    for token in result.tokens.tokens:
        found |= _of_token(token)
    for error in result.tokens.errors:
        found |= facts_in(error.text)
    threads = list(result.processes.threads)
    for process in result.processes.processes:
        threads += process.threads
        if isinstance(process.process.token, FastRef):
            found.add("%x" % process.process.token.value)
    for thread in threads:
        if isinstance(thread.thread.impersonation, Impersonation):
            found.add("%x" % thread.thread.impersonation.token)
    return found


def facts_of_whoami(result: WhoamiTexts) -> Set[str]:
    """The same, of what the whoami view made of a text."""
    found = _of_lines(result.not_understood) | _of_lines(result.commands)
    for token in result.tokens:
        found |= _of_token(token)
    return found
