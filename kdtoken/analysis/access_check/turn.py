"""What would turn a no into a yes: the smallest changes, each tried by running the check again."""

from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from kdtoken.analysis.access_check.caller import DENY_ONLY, DISABLED, ENABLED, IMPERSONATION_LEVEL, Caller
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.integrity import label_of
from kdtoken.analysis.access_check.privileges import (
    SE_BACKUP,
    SE_DEBUG,
    SE_RELABEL,
    SE_RESTORE,
    SE_SECURITY,
    SE_TAKE_OWNERSHIP,
)
from kdtoken.analysis.access_check.questions import Answers
from kdtoken.analysis.access_check.request import Request
from kdtoken.analysis.access_check.run import Outcome, Run
from kdtoken.analysis.access_check.sacl import aces_of
from kdtoken.analysis.access_check.truth import Verdict, decide
from kdtoken.model.acl import SYSTEM_MANDATORY_LABEL, SYSTEM_PROCESS_TRUST_LABEL, Ace, Acl
from kdtoken.model.descriptor import SACL_PRESENT, SecurityDescriptor
from kdtoken.model.integrity import integrity_text
from kdtoken.model.protection import Protection
from kdtoken.model.sid import Sid

MOST_CANDIDATES = 24  # that are tried in pairs: 276 runs at most


# From the least to the most that has to change.
_EFFORT = (
    "revert privilege backup linked level group wish restricted container integrity trust protection ace deny label"
).split()
IN_CHECK = (SE_DEBUG, SE_SECURITY, SE_TAKE_OWNERSHIP, SE_RELABEL)


class Change(NamedTuple):
    """One change: what kind, what to do in words, and the request with it made."""

    kind: str
    text: str
    apply: Callable[[Request], Request]


class Turn(NamedTuple):
    """Changes that together turn the no, the request with them made, and the yes that it gives.

    depends  whether that yes still hangs on what is not known
    """

    changes: Tuple[Change, ...]
    request: Request
    outcome: Outcome
    depends: bool = False


class Other(NamedTuple):
    """Another token that the caller could act under: the linked half, the process's own."""

    kind: str
    text: str
    caller: Caller


def turns(request: Request, outcome: Outcome, others: Sequence[Other] = ()) -> Tuple[Turn, ...]:
    """The changes that turn the no: one at a time, or in pairs where no single one does."""
    if outcome.allowed:
        return ()
    candidates = list(_candidates(request, outcome, others))
    found = [turn for turn in (_tried(request, (one,)) for one in candidates) if turn is not None]
    if found:
        return tuple(sorted(found, key=_effort))
    pairs = combinations(candidates[:MOST_CANDIDATES], 2)
    fitting = [(one, other) for one, other in pairs if one.kind != other.kind]
    fitting += [pair for other in others for pair in _then_enable(other)]
    tried = [turn for turn in (_tried(request, pair) for pair in fitting) if turn is not None]
    return tuple(sorted(tried, key=_effort))


def _effort(turn: Turn) -> int:
    """How far-reaching the changes are: what the caller can do itself first, what is done to the object last."""
    return sum(_EFFORT.index(change.kind.partition(" ")[0]) for change in turn.changes)


def _tried(request: Request, changes: Tuple[Change, ...]) -> Optional[Turn]:
    changed = request
    for change in changes:
        changed = change.apply(changed)
    answers = Answers()
    outcome = check(changed, answers, False)
    if not outcome.allowed:
        return None
    return Turn(changes, changed, outcome, bool(answers.asked) and decide(changed, False).verdict is Verdict.DEPENDS)


def _then_enable(other: Other) -> Iterator[Tuple[Change, Change]]:
    """To take another token and enable a privilege that it holds disabled: what an elevated prompt is for."""
    first = Change(other.kind, other.text, partial(_with_caller, caller=other.caller))
    for name in IN_CHECK:
        if (other.caller.privileges or {}).get(name) is False:
            text = "enable %s, which that token holds (AdjustTokenPrivileges)" % name
            yield first, Change("privilege", text, partial(_with_privilege, name=name))


def _candidates(request: Request, outcome: Outcome, others: Sequence[Other]) -> Iterator[Change]:
    """Changes of the caller first, of the object last; which of them help is found by trying."""
    yield from _of_level(request)
    for other in others:
        yield Change(other.kind, other.text, partial(_with_caller, caller=other.caller))
    yield from _of_privileges(request)
    yield from _of_groups(request)
    yield from _of_confinement(request)
    yield from _of_labels(request)
    yield from _of_wish(request)
    yield from _of_dacl(request, outcome)


def _caller(kind: str, text: str, **fields: object) -> Change:
    def apply(one: Request) -> Request:
        return replace(one, caller=replace(one.caller, **fields))  # type: ignore[arg-type]

    return Change(kind, text, apply)


def _with_caller(request: Request, caller: Caller) -> Request:
    return replace(request, caller=caller)


def _with_privilege(request: Request, name: str) -> Request:
    return replace(request, caller=request.caller.with_privilege(name))


def _with_group(request: Request, sid: Sid) -> Request:
    return replace(request, caller=request.caller.with_sid(sid, ENABLED))


def _with_wish(request: Request, wish: int) -> Request:
    return replace(request, wish=wish)


def _of_level(request: Request) -> Iterator[Change]:
    level = request.caller.level
    if level is not None and level < IMPERSONATION_LEVEL:
        yield _caller("level", "impersonate at Impersonation: the client has to allow it", level=IMPERSONATION_LEVEL)


def _of_privileges(request: Request) -> Iterator[Change]:
    held = request.caller.privileges or {}
    for name in IN_CHECK:
        if held.get(name) is False:
            text = "enable %s, which the token holds (AdjustTokenPrivileges)" % name
            yield Change("privilege", text, partial(_with_privilege, name=name))
    if request.type.name in ("File", "File Directory", "Key") and not request.backup_intent:
        for name in (SE_BACKUP, SE_RESTORE):
            if name in held:
                do = "open it with backup intent" + ("" if held[name] else ", with %s enabled" % name)
                yield Change("backup", "%s: the token holds %s" % (do, name), partial(_backup, name=name))


def _backup(request: Request, name: str) -> Request:
    return replace(request, backup_intent=True, caller=request.caller.with_privilege(name))


def _of_groups(request: Request) -> Iterator[Change]:
    """SIDs of the token that the descriptor names, and that are not enabled."""
    descriptor = request.object.descriptor
    if not isinstance(descriptor, SecurityDescriptor):
        return
    named: List[Sid] = [descriptor.owner] if descriptor.owner is not None else []
    named += [ace.sid for ace in descriptor.dacl.aces if ace.sid is not None] if descriptor.dacl is not None else []
    for sid in dict.fromkeys(named):
        state = request.caller.sids.get(sid)
        if state == DISABLED:
            text = "enable the group %s (AdjustTokenGroups)" % sid
        elif state == DENY_ONLY:
            text = "a token in which %s is enabled: in this one it counts for deny only" % sid
        else:
            continue
        yield Change("group", text, partial(_with_group, sid=sid))


def _of_confinement(request: Request) -> Iterator[Change]:
    """What is not known to confine is taken not to, as the check itself takes it where nobody answers."""
    caller = request.caller
    if caller.restricting:
        yield _caller("restricted", "a token without the restricting SIDs", restricting=frozenset())
    if caller.container:
        yield _caller("container", "a token outside the AppContainer", container=False, package=None)
    if request.is_process and request.protection:
        text = "a caller as protected as the process: %s" % Protection(request.protection)
        yield _caller("protection", text, protection=request.protection)


def _of_labels(request: Request) -> Iterator[Change]:
    level, _, _ = label_of(Run(request, Answers(), False))
    mine = request.caller.integrity
    if mine is not None and mine < level:
        yield _caller("integrity", "a caller at %s" % integrity_text(level), integrity=level)
        if isinstance(request.object.descriptor, SecurityDescriptor):
            text = "label the object %s" % integrity_text(mine)
            yield Change("label", text, partial(_labelled, level=mine))
    for _, ace in aces_of(Run(request, Answers(), False), SYSTEM_PROCESS_TRUST_LABEL)[:1]:
        yield _caller("trust", "a caller with the trust %s" % ace.sid, trust=ace.sid, trust_known=True)


def _labelled(request: Request, level: int) -> Request:
    descriptor = request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor)
    old = descriptor.sacl.aces if descriptor.sacl is not None else ()
    kept = tuple(ace for ace in old if ace.type != SYSTEM_MANDATORY_LABEL)
    label = Ace.build(SYSTEM_MANDATORY_LABEL, 0x1, Sid(16, (level,)))
    sacl = Acl.build((label,) + kept)
    changed = replace(descriptor, sacl=sacl, sacl_state="present", control=descriptor.control | SACL_PRESENT)
    return replace(request, object=replace(request.object, descriptor=changed))


def _of_wish(request: Request) -> Iterator[Change]:
    """Asking for less: the bits that would be granted one by one, asked together."""
    mapped = request.type.mapping.map(request.wish)
    single = 0
    for bit in range(32):
        if mapped >> bit & 1 and check(replace(request, wish=1 << bit), Answers(), False).allowed:
            single |= 1 << bit
    if single and single != mapped:
        words = " ".join(request.type.words(single))
        yield Change("wish", "ask for %s only" % words, partial(_with_wish, wish=single))


def _of_dacl(request: Request, outcome: Outcome) -> Iterator[Change]:
    descriptor = request.object.descriptor
    if not isinstance(descriptor, SecurityDescriptor) or descriptor.dacl is None:
        return
    denying = {one.ace for one in outcome.reasons if one.type.word == "denied-ace"}
    for index in sorted(index for index in denying if index is not None):
        sid = descriptor.dacl.aces[index].sid
        yield Change(
            "deny", "take ACE %d out of the DACL (it denies %s)" % (index, sid), partial(_without, index=index)
        )
    mask = request.type.mapping.map(request.wish) & 0x00FFFFFF or request.type.mapping.read
    who = [request.caller.user] if request.caller.user is not None else []
    who += [request.caller.package] if request.caller.package is not None else []
    rights = Run(request, Answers(), False).rights(mask)
    for sid in who:
        text = "an ACE in the DACL that allows %s %s" % (sid, rights)
        yield Change("ace %s" % sid, text, partial(_with, sid=sid, mask=mask))


def _without(request: Request, index: int) -> Request:
    descriptor = request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor) and descriptor.dacl is not None
    aces = descriptor.dacl.aces
    return _dacl(request, aces[:index] + aces[index + 1 :])


def _with(request: Request, sid: Sid, mask: int) -> Request:
    """An allow ACE where the canonical order wants it: behind the explicit deny ACEs."""
    descriptor = request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor) and descriptor.dacl is not None
    aces = descriptor.dacl.aces
    place = 0
    while place < len(aces) and aces[place].type_name.startswith("ACCESS_DENIED") and not aces[place].flags & 0x10:
        place += 1
    return _dacl(request, aces[:place] + (Ace.build(0, mask, sid),) + aces[place:])


def _dacl(request: Request, aces: Tuple[Ace, ...]) -> Request:
    descriptor = request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor) and descriptor.dacl is not None
    dacl = replace(descriptor.dacl, aces=aces, count=len(aces))
    return replace(request, object=replace(request.object, descriptor=replace(descriptor, dacl=dacl)))
