"""Processes out of a debugger's text: what `!process`, `!thread` and `!token` printed, put together.

For a log that shows no memory.  The shape is that of a dump, with holes: what no command printed is NotSaid.
What was printed more than once is shown as it was printed last, and what two outputs tell differently is told.
"""

from typing import Any, Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from kdtoken.frozen import dataclass, member_names, replace
from kdtoken.machine.idle_lines import without_idle_lines
from kdtoken.model.absent import NOT_SAID_HERE, Fragment, Maybe, Missing, NotSaid, Unreadable, known
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import FastRef, Impersonation, Process, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.view.debugger.memory_read import referred
from kdtoken.view.debugger.process_text import VIEW, PartialProcess, PartialThread
from kdtoken.view.debugger.text import DebuggerText, read_debugger_text
from kdtoken.view.debugger.token_text import NoToken
from kdtoken.view.partial import PartialToken, TextPlace
from kdtoken.view.text import AnyText, read_text

T = TypeVar("T")
# SID_NAME_USE (winnt.h) in the words of `!token -n`.
_NAME_KINDS = ("User", "Group", "Domain", "Alias", "Well Known Group", "Computer")
# Of these a difference is said of each entry.
_LISTS = ("user_and_groups", "restricted_sids", "capabilities", "privileges")


class MergedProcess(NamedTuple):
    """A process, and where it and its token stand in the text (None: no `!token` of it)."""

    dump: ProcessDump
    process_at: TextPlace
    token_at: Optional[TextPlace]


@dataclass(frozen=True)
class _Tokens:
    """What a text says about tokens, by address; `of_process` by the EPROCESS that the text names with them."""

    by_address: Dict[int, PartialToken]
    of_process: Dict[int, PartialToken]
    errors: Dict[int, NoToken]
    pointed: Dict[int, PartialToken]  # by the EPROCESS in which a pointer to it was read


def read_logs(logs: Iterable[Tuple[str, str]]) -> List[DebuggerText]:
    """What the commands of each (name, text) printed; call stacks, which tell nothing here, are left out.

    `!process 0 7` is nearly all call stacks: without them it is read ten times as fast.
    """
    return [read_debugger_text(without_idle_lines(text), name) for name, text in logs]


def read_texts(texts: Iterable[Tuple[str, str]]) -> List[AnyText]:
    """The same with what whoami printed, in the order of the text; idle lines are left out already."""
    return [read_text(text, name) for name, text in texts]


def merge_processes(
    texts: Sequence[DebuggerText], by_address: Optional[Dict[int, PartialToken]] = None
) -> List[MergedProcess]:
    """Every process that a text shows, in the order in which they appear first.

    A process or thread that was printed more than once is one: what a later output says counts.  A process of which
    only a thread or a token tells has no more than that.

    by_address  what `merge_tokens` made of the texts, where that is there already
    """
    blocks: Dict[int, List[PartialProcess]] = {}
    owned: Dict[int, List[PartialThread]] = {}
    for text in texts:
        for block in text.processes.processes:
            blocks.setdefault(block.process.address, []).append(block)
        for thread in text.processes.threads:
            if isinstance(thread.owner, int):
                owned.setdefault(thread.owner, []).append(thread)
    tokens = _tokens(texts, blocks, merge_tokens(texts) if by_address is None else by_address)
    found = [_merge(address, many, owned.get(address, []), tokens) for address, many in blocks.items()]
    alone = [address for address in dict.fromkeys([*owned, *tokens.of_process]) if address not in blocks]
    return found + [_merge(address, [], owned.get(address, []), tokens) for address in alone]


def merge_tokens(texts: Iterable[DebuggerText]) -> Dict[int, PartialToken]:
    """The tokens by address: what a later output says counts, what it differs in from an earlier is a problem of it."""
    return _put_together((token.token.address, token) for text in texts for token in text.tokens.tokens)


def _tokens(texts: Sequence[DebuggerText], processes: Iterable[int], by_address: Dict[int, PartialToken]) -> _Tokens:
    of_process = _put_together((token.process, token) for text in texts for token in text.tokens.tokens)
    errors = {one.address: one for text in texts for one in text.tokens.errors if one.address}
    read = [one for text in texts for one in text.processes.pointers]
    return _Tokens(by_address, of_process, errors, referred(read, processes, by_address))


def names_of(tokens: Iterable[PartialToken]) -> Dict[Sid, str]:
    r"""The accounts that tokens name, whoever printed them: whoami's `lab\anna`, `(User: LAB\anna)` of `!token -n`."""
    names: Dict[Sid, str] = {}
    for token in tokens:
        for sid, text in token.names.items():
            kind, _, name = text.partition(": ")
            if name.strip() and kind in _NAME_KINDS:
                names[sid] = name.strip()
            elif token.view == "whoami" and "\\" in text:
                names[sid] = text
    return names


def place_of(token: PartialToken) -> Optional[TextPlace]:
    """Where a token's output begins."""
    return min(token.places.values(), key=lambda place: place.line, default=None)


# --- two outputs of one token ---

_MOST_CHANGES = 256  # outputs of one token, of each of which is told what it differs in


class _Together:
    """What several outputs of one token have in common, which grows with each."""

    def __init__(self, first: PartialToken) -> None:
        self.places, self.names = dict(first.places), dict(first.names)
        self.problems = dict.fromkeys(first.token.problems)
        self.changed = 0
        self._of: Dict[str, Tuple[object, FrozenSet[object]]] = {}  # by field: a list, and what is in it

    def agrees(self, name: str, whole: Sequence[Any], part: Sequence[Any]) -> bool:
        """Whether a part of a list has nothing that the other output has not."""
        known_list, inside = self._of.get(name, (None, frozenset()))
        if known_list is not whole:
            inside = frozenset(whole)
            self._of[name] = whole, inside
        return all(one in inside for one in part if not isinstance(one, Missing))


def _put_together(outputs: Iterable[Tuple[int, PartialToken]]) -> Dict[int, PartialToken]:
    """One token of all outputs with the same number, which is not 0.  In linear time: a log may repeat one for a week."""
    found: Dict[int, PartialToken] = {}
    together: Dict[int, _Together] = {}
    for number, token in outputs:
        if number and number not in found:
            found[number] = token
        elif number:
            if number not in together:
                together[number] = _Together(found[number])
            found[number] = _later_token(found[number], token, together[number])
    for number, several in together.items():
        one = found[number]
        found[number] = replace(one, token=replace(one.token, problems=tuple(several.problems)))
    return found


def _later_token(before: PartialToken, after: PartialToken, together: _Together) -> PartialToken:
    """The later output, with what only the earlier tells; its problems stand in `together`."""
    values: Dict[str, Any] = {}
    changes: List[str] = []
    tell = together.changed < _MOST_CHANGES
    for name in member_names(Token):
        if name in ("address", "problems", "origins"):
            continue
        old, new = getattr(before.token, name), getattr(after.token, name)
        if not known(new) or (isinstance(new, Fragment) and known(old) and together.agrees(name, old, new)):
            values[name] = old if known(old) else new
        else:
            values[name] = new
            changes += _changes(name, old, new) if tell else []
    together.problems.update(dict.fromkeys(after.token.problems))
    if changes:
        where = "%s and %s" % (place_of(before), place_of(after))
        problem = "the text shows two outputs of it (%s) that differ: %s" % (where, "; ".join(changes))
        together.changed += 1
        if together.changed == _MOST_CHANGES:
            problem += "; of more outputs it is not told what they differ in"
        together.problems[problem] = None
    together.places.update(after.places)
    together.names.update(after.names)
    token = replace(after.token, **values)
    incomplete = tuple(name for name in _LISTS if isinstance(values[name], Fragment))
    return replace(
        after,
        token=token,
        places=together.places,
        groups=after.groups if len(after.groups) >= len(before.groups) else before.groups,
        incomplete=incomplete,
        names=together.names,
        process=after.process or before.process,
    )


def _changes(name: str, old: object, new: object) -> List[str]:
    """What an earlier and a later value differ in, in words; nothing where one of them is not known."""
    if not known(old) or old == new:
        return []
    if name not in _LISTS or not isinstance(old, tuple) or not isinstance(new, tuple):
        return ["%s was %s, then %s" % (name.replace("_", " "), _plain(old), _plain(new))]
    before, after = ({_key(one): one for one in entries if not isinstance(one, Missing)} for entries in (old, new))
    changes = []
    for key in sorted(set(before) | set(after), key=str):
        one, other = before.get(key), after.get(key)
        if one is None and not isinstance(old, Fragment):
            changes.append("%s only in the later (%s)" % (key, _state(other)))
        elif other is None and not isinstance(new, Fragment):
            changes.append("%s only in the earlier (%s)" % (key, _state(one)))
        elif one is not None and other is not None and one != other:
            changes.append("%s was %s, then %s" % (key, _state(one), _state(other)))
    return changes


def _key(entry: object) -> object:
    return entry.sid if isinstance(entry, Group) else entry.name if isinstance(entry, Privilege) else entry


def _state(entry: object) -> str:
    return " ".join(entry.words) if isinstance(entry, (Group, Privilege)) else str(entry)


def _plain(value: object) -> str:
    return hex(value) if isinstance(value, int) else str(value)


# --- a process ---


def _merge(address: int, blocks: List[PartialProcess], owned: List[PartialThread], tokens: _Tokens) -> MergedProcess:
    process, problems = _merged(address, blocks, owned)
    problems += [problem for block in blocks for problem in block.problems]
    threads: Dict[int, Thread] = {}
    for one in [thread for block in blocks for thread in block.threads] + owned:
        before = threads.get(one.thread.address)
        threads[one.thread.address] = one.thread if before is None else _later(before, one.thread)
    text = tokens.of_process.get(address)
    ref = process.token
    if text is None and not isinstance(ref, FastRef):
        text = tokens.pointed.get(address)
    if isinstance(ref, FastRef) and (text is None or not text.token.address or text.token.address == ref.object):
        text = tokens.by_address.get(ref.object) or text
    token: Maybe[Optional[Token]] = ref if isinstance(ref, Missing) else _token(ref.object, tokens)
    if text is not None:
        token = text.token
        printed = text.token.address
        if printed and not isinstance(ref, FastRef):
            process = replace(process, token=FastRef(printed, 0))
        elif printed and isinstance(ref, FastRef) and ref.object != printed:
            said = (ref.object, printed)
            problems.append("the text shows two tokens of it: !process names 0x%x, and !token printed 0x%x" % said)
    torn = [block.threads.why for block in blocks if isinstance(block.threads, Fragment)]
    whole = any(block.threads and not isinstance(block.threads, Fragment) for block in blocks)
    problems += ["its threads may not all be here: %s" % why for why in torn if not whole]
    listed = tuple(threads.values())
    dump = ProcessDump(
        process,
        NotSaid(VIEW),
        token,
        Fragment(listed, torn[0]) if torn and not whole else listed,
        {
            one.impersonation.token: _token(one.impersonation.token, tokens) or NotSaid("!token")
            for one in listed
            if isinstance(one.impersonation, Impersonation)
        },
        linked=NotSaid("!token"),
        image_path=NotSaid(VIEW),
        problems=tuple(dict.fromkeys(problems)),
    )
    places = [block.places["address"] for block in blocks] + [one.places["address"] for one in owned]
    place = places[len(blocks) - 1] if blocks else places[0] if places else place_of(text) if text else None
    return MergedProcess(dump, place or TextPlace("text", 0), None if text is None else place_of(text))


def _token(address: int, tokens: _Tokens) -> Maybe[Optional[Token]]:
    if not address:
        return None
    text = tokens.by_address.get(address)
    if text:
        return text.token
    error = tokens.errors.get(address)
    if error:
        return Unreadable(address, "the debugger said: %s" % error.text)
    # Named, and no more: nobody tried to read it.
    return NotSaid(NOT_SAID_HERE.what, "!token %x" % address)


def _merged(address: int, blocks: List[PartialProcess], owned: List[PartialThread]) -> Tuple[Process, List[str]]:
    """One process out of all its blocks; what two of them tell differently is a problem of its own."""
    nothing = NotSaid(VIEW)
    merged, problems = Process(address, nothing, nothing, nothing, nothing), []
    for block in blocks:
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
            _known(merged.pid, later.pid),
            _known(merged.image_name, later.image_name),
            _known(merged.token, later.token),
            _known(merged.parent_pid, later.parent_pid),
        )
    for thread in owned:
        merged = replace(
            merged,
            pid=_known(thread.thread.pid, merged.pid),
            image_name=_known(thread.image, merged.image_name),
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
