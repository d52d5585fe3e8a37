"""Processes out of a debugger's text: what `!process`, `!thread` and `!token` printed, put together.

For a log that shows no memory.  The shape is that of a dump, with holes: what no command printed is NotSaid.
"""

import re
from dataclasses import replace
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from kdtoken.model.absent import Maybe, Missing, NotSaid, Unreadable, known
from kdtoken.model.process import FastRef, Impersonation, Process, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.view.debugger.process_text import NO_PID, VIEW, PartialProcess, PartialThread
from kdtoken.view.debugger.text import DebuggerText, read_debugger_text
from kdtoken.view.partial import PartialToken, TextPlace

T = TypeVar("T")
# SID_NAME_USE (winnt.h) in the words of `!token -n`.
_NAME_KINDS = ("User", "Group", "Domain", "Alias", "Well Known Group", "Computer")
# Child-SP and RetAddr of a 64-bit stack, and what follows; the line break stays, so that lines keep their numbers.
_STACK_LINE = re.compile(r"\n[ \t]*[0-9a-f]{8}`[0-9a-f]{8} [0-9a-f]{8}`[0-9a-f]{8} {1,8}: [^\n]*")


class MergedProcess(NamedTuple):
    """A process, and where it and its token stand in the text (None: no `!token` of it)."""

    dump: ProcessDump
    process_at: TextPlace
    token_at: Optional[TextPlace]


def read_logs(logs: Iterable[Tuple[str, str]]) -> List[DebuggerText]:
    """What the commands of each (name, text) printed; call stacks, which tell nothing here, are left out.

    `!process 0 7` is nearly all call stacks: without them it is read ten times as fast.
    """
    return [read_debugger_text(_STACK_LINE.sub("\n", text), name) for name, text in logs]


def merge_processes(texts: Sequence[DebuggerText]) -> List[MergedProcess]:
    """Every process that a text shows, in the order in which they appear first.

    A process or thread that was printed more than once is one: what a later output says counts.
    """
    blocks: Dict[int, List[PartialProcess]] = {}
    owned: Dict[int, List[PartialThread]] = {}
    for text in texts:
        for block in text.processes.processes:
            blocks.setdefault(block.process.address, []).append(block)
        for thread in text.processes.threads:
            if isinstance(thread.owner, int):
                owned.setdefault(thread.owner, []).append(thread)
    tokens = merge_tokens(texts)
    return [_merge(many, owned.get(address, []), tokens) for address, many in blocks.items()]


def merge_tokens(texts: Iterable[DebuggerText]) -> Dict[int, PartialToken]:
    """The tokens by address; of several outputs the one that tells most, and of equal ones the last."""
    found: Dict[int, PartialToken] = {}
    for text in texts:
        for token in text.tokens.tokens:
            address = token.token.address
            if address and (address not in found or _known_fields(token) >= _known_fields(found[address])):
                found[address] = token
    return found


def account_names(texts: Iterable[DebuggerText]) -> Dict[Sid, str]:
    r"""The accounts that `!token -n` names: "(User: LAB\anna)" -> LAB\anna."""
    names: Dict[Sid, str] = {}
    for text in texts:
        for token in text.tokens.tokens:
            for one in token.groups + token.restricted:
                kind, _, name = one.name.partition(": ")
                if name.strip() and kind in _NAME_KINDS:
                    names[one.sid] = name.strip()
    return names


def place_of(token: PartialToken) -> Optional[TextPlace]:
    """Where a token's output begins."""
    return min(token.places.values(), key=lambda place: place.line, default=None)


def _known_fields(text: PartialToken) -> int:
    return sum(known(value) for value in vars(text.token).values())


def _merge(blocks: List[PartialProcess], owned: List[PartialThread], tokens: Dict[int, PartialToken]) -> MergedProcess:
    process, problems = _merged(blocks)
    problems += [problem for block in blocks for problem in block.problems]
    threads: Dict[int, Thread] = {}
    for one in [thread for block in blocks for thread in block.threads] + owned:
        before = threads.get(one.thread.address)
        threads[one.thread.address] = one.thread if before is None else _later(before, one.thread)
    ref = process.token
    text = tokens.get(ref.object) if isinstance(ref, FastRef) else None
    dump = ProcessDump(
        process,
        NotSaid(VIEW),
        _token(ref.object, tokens) if isinstance(ref, FastRef) else ref,
        tuple(threads.values()),
        {
            one.impersonation.token: _token(one.impersonation.token, tokens) or NotSaid("!token")
            for one in threads.values()
            if isinstance(one.impersonation, Impersonation)
        },
        linked=NotSaid("!token"),
        problems=tuple(dict.fromkeys(problems)),
    )
    return MergedProcess(dump, blocks[-1].places["address"], None if text is None else place_of(text))


def _token(address: int, tokens: Dict[int, PartialToken]) -> Maybe[Optional[Token]]:
    if not address:
        return None
    text = tokens.get(address)
    return text.token if text else Unreadable(address, "the text has no !token of it", "!token %x" % address)


def _merged(blocks: List[PartialProcess]) -> Tuple[Process, List[str]]:
    """One process out of all its blocks; what two of them tell differently is a problem of its own."""
    merged, problems = blocks[0].process, []
    for block in blocks[1:]:
        later = block.process
        for name, before, after in (
            ("image", merged.image_name, later.image_name),
            ("token", _object(merged.token), _object(later.token)),
        ):
            if known(before) and known(after) and before != after:
                words = [hex(value) if isinstance(value, int) else str(value) for value in (before, after)]
                problems.append("the text shows two outputs of it with another %s: %s, then %s" % (name, *words))
        merged = Process(
            merged.address,
            merged.pid if later.pid == NO_PID else later.pid,
            _known(merged.image_name, later.image_name),
            _known(merged.token, later.token),
            _known(merged.parent_pid, later.parent_pid),
        )
    return merged, problems


def _later(before: Thread, after: Thread) -> Thread:
    return replace(
        after,
        pid=_known(before.pid, after.pid),
        tid=_known(before.tid, after.tid),
        impersonation=_known(before.impersonation, after.impersonation),
    )


def _known(before: Maybe[T], after: Maybe[T]) -> Maybe[T]:
    return after if known(after) or isinstance(before, Missing) else before


def _object(ref: Maybe[FastRef]) -> Maybe[int]:
    return ref.object if isinstance(ref, FastRef) else ref
