"""The exercises of the tour: a task, and a check that works the answer out anew by what the verbs use.

Nothing here holds an answer: who is right is computed from the machine, and so is why a wrong one is wrong.
"""

import shlex
from dataclasses import dataclass
from typing import Callable, List, Sequence, Tuple

from kdtoken import cli
from kdtoken.analysis.access_check.run import Place
from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.differences.comparison import Comparison, Outcome
from kdtoken.analysis.differences.fields import compare
from kdtoken.analysis.lineage.edges import Change
from kdtoken.analysis.lineage.origin import Kind, Lineages, Step
from kdtoken.analysis.lineage.tree import Node, tree
from kdtoken.cli.tour.steps import checked, typed, view_of
from kdtoken.errors import KdTokenError, ProcessAmbiguous, UsageError
from kdtoken.machine.base import Machine
from kdtoken.machine.open import open_machine
from kdtoken.machine.process import MachineProcess
from kdtoken.model.process import ProcessDump
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from kdtoken.render.words import clean


@dataclass(frozen=True)
class Checked:
    """What the answer is worth, and why, in sentences."""

    right: bool
    why: Tuple[str, ...]


@dataclass(frozen=True)
class Exercise:
    """One task.

    look    commands that show what is needed, as typed behind `kdtoken`
    answer  what an answer looks like
    """

    title: str
    task: str
    look: Tuple[str, ...]
    answer: str
    hint: str
    check: Callable[[str], Checked]


def _process(machine: Machine, word: str) -> MachineProcess:
    """The process that an answer names; an error of it leads back to the exercise."""
    try:
        return machine.find(word)
    except ProcessAmbiguous as error:
        pids = ", ".join(str(pid) for pid, _ in error.choices)
        raise UsageError("%d processes are called %s" % (len(error.choices), word), word, "one of: " + pids) from error
    except KdTokenError as error:
        if "walk lists" in error.next_step:
            error.next_step = typed("walk tour") + " lists them"
        raise


def _called(row: ProcessDump) -> str:
    return "%s (%s)" % (clean(str(row.process.image_name)), row.process.pid)


def _differing(comparison: Comparison) -> str:
    names = [row.shown for row in comparison.with_outcome(Outcome.DIFFERS)]
    more = " and %d more" % (len(names) - 3) if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _fits(comparison: Comparison) -> bool:
    """Whether all that both sides can know was read, and agrees."""
    return comparison.exit_code == 0 and not comparison.with_outcome(Outcome.UNREADABLE)


# 1. Which process


def _whose_whoami(answer: str) -> Checked:
    text = view_of("tour-unknown")
    with open_machine("tour") as machine:
        process = _process(machine, answer)
        if not isinstance(process.token, Token):
            return Checked(False, ("The token of %s cannot be read." % process.name,))
        comparison = compare(machine.view(process), text)
        unread = comparison.with_outcome(Outcome.UNREADABLE)
        if comparison.exit_code:
            return Checked(
                False,
                (
                    "The kernel's token of %s and the text differ: %s." % (process.name, _differing(comparison)),
                    "diff says: %s." % comparison.verdict,
                ),
            )
        if unread:
            sentence = "What can be read of the token of %s agrees, but %s cannot, so it cannot be told."
            return Checked(False, (sentence % (process.name, unread[0].shown),))
        others = [
            _called(row)
            for row in machine.snapshot().processes
            if row.process.address != process.address
            and isinstance(row.token, Token)
            and _fits(compare(machine.view(str(row.process.pid)), text))
        ]
    why = ["All that both sides can know agrees."]
    if others:
        why.append(
            "So it does for %s: whoami prints neither TokenId nor package, so text alone cannot tell these apart, and "
            "memory can." % ", ".join(others)
        )
    return Checked(True, tuple(why))


# 2. Who made this token

_FILTERED = "5952"


def _filtering(snapshot: Snapshot, row: ProcessDump) -> Step:
    """The step that took something away."""
    assert isinstance(row.token, Token)
    return next(step for step in Lineages(snapshot).of(row.token).steps if step.kind is Kind.FILTERING)


def _who_made(answer: str) -> Checked:
    with open_machine("tour") as machine:
        snapshot = machine.snapshot()
        child = next(row for row in snapshot.processes if str(row.process.pid) == _FILTERED)
        step = _filtering(snapshot, child)
        token = child.token
        assert isinstance(token, Token)
        parent = "ParentTokenId of %s's token is %s" % (_called(child), token.parent_token_id)
        if answer.lower() in ("boot", "authentication", "logon", "filtering"):
            sentence = (
                "It was filtered, yes; name the process whose token it was made of."
                if answer.lower() == ("filtering")
                else "No: a token of the boot or of a logon names no other, and %s." % parent
            )
            return Checked(False, (sentence,))
        named = _process(machine, answer).token
        if isinstance(named, Token) and named.address == step.of:
            return Checked(
                True, ("%s, and that is the TokenId of this one." % parent, "lineage says: %s." % step.words)
            )
        own = named.token_id if isinstance(named, Token) else "not readable"
        same = isinstance(named, Token) and named.address == token.address
        ask = " That is the token itself; it was made of another." if same else ""
        return Checked(False, ("%s; the TokenId of this one is %s.%s" % (parent, own, ask),))


# 3. Predict an access check

_CHECK = 'explain tour 1120:1132 --to "O:BAG:BAD:(A;;FA;;;SY)(A;;FR;;;BU)" --type file --want read'
_PLACES = ("level", "label", "privilege", "dacl", "appcontainer", "restricted", "protected")
_SYNONYMS = {"integrity": "label", "impersonation": "level", "acl": "dacl"}


def _predict(answer: str) -> Checked:
    words = answer.lower().replace(",", " ").split()
    said = [_SYNONYMS.get(word, word) for word in words if word not in ("no", "by", "the")]
    if said not in [[]] + [[place] for place in _PLACES + ("yes",)]:
        raise UsageError("%s is no answer here" % answer, answer, "yes, or one of: %s" % ", ".join(_PLACES))
    outcome = checked(shlex.split(_CHECK)[1:])[0].outcome
    denial = outcome.denial
    truth = "yes" if denial is None else denial.place.value
    because = "It is granted 0x%x." % outcome.granted if denial is None else "explain says: %s." % denial.why
    if said == [truth]:
        return Checked(True, (because,))
    if not said:
        return Checked(False, ("No it is; now say where it comes from." if denial else because,))
    if said == ["yes"]:
        return Checked(False, ("The list would have granted it, but it is not asked.", because))
    order = [place.value for place in Place]
    if denial and said[0] in order and order.index(said[0]) > order.index(truth):
        return Checked(False, ("It never comes to that: something before it refuses.", because))
    return Checked(False, (because,))


# 4. Find the stolen token


def _worst(snapshot: Snapshot) -> Sequence[Finding]:
    return [one for one in audit(snapshot) if one.severity is Severity.IMPOSSIBLE and one.processes]


def _stolen(answer: str) -> Checked:
    with open_machine("tour-incident") as machine:
        found = _worst(machine.snapshot())
        process = _process(machine, answer)
        for one in found:
            places = [row.process.address for row in one.processes]
            if process.address not in places:
                continue
            if places[0] == process.address:
                return Checked(True, ("audit says: %s." % one.saw, _evidence(one)))
            return Checked(False, ("That token is its own. Another process points to it too: which?",))
        findings = [one for one in audit(machine.snapshot()) if one.processes[:1] and _is(one, process)]
    if findings:
        return Checked(False, ("What is to be said of it has innocent causes: %s." % findings[0].saw,))
    return Checked(False, ("Its token is its own: no other process points to it, and nothing in it was written over.",))


def _evidence(finding: Finding) -> str:
    first = finding.evidence[0]
    return "The evidence: %s, %s." % (first.what, first.value)


def _is(finding: Finding, process: MachineProcess) -> bool:
    return finding.processes[0].process.address == process.address


# 5. Parent and child

_PARENT = "explorer.exe"
_LESS = (Change.SAME, Change.ADJUSTED, Change.SAME_OBJECT, Change.CONFINED)


def _children(snapshot: Snapshot) -> List[Node]:
    return [
        node for node in tree(snapshot) if node.parent.row is not None and node.parent.row.process.image_name == _PARENT
    ]


def _other_child(answer: str) -> Checked:
    with open_machine("tour") as machine:
        process = _process(machine, answer)
        node = next((one for one in _children(machine.snapshot()) if one.row.process.address == process.address), None)
    if node is None:
        return Checked(False, ("%s is no child of %s." % (process.name, _PARENT),))
    details = "; ".join(node.edge.details)
    said = "lineage says: %s%s." % (node.edge.change.value, ": " + details if details else "")
    if node.edge.change in _LESS:
        return Checked(False, ("Its token is a copy of its parent's, or less.", said))
    if node.edge.change is Change.UNKNOWN:
        return Checked(False, ("Its token cannot be read, so nothing can be said of it.", said))
    return Checked(True, (said, "The usual reason: %s." % node.reason))


EXERCISES = (
    Exercise(
        "Match whoami to the kernel",
        "Somebody kept the text of `whoami /all` (tour-unknown) and forgot where it was typed. Which process of the "
        "machine has the token that it tells of?",
        ("dump tour-unknown", "walk tour", "diff tour@notepad.exe tour-unknown"),
        "a process, by name or pid",
        "User, groups and privileges are those of all of Anna's ordinary programs; one line of the text is not. Compare "
        "one of them with the text, and look at what differs.",
        _whose_whoami,
    ),
    Exercise(
        "Who made this token?",
        "chrome.exe (5952) runs under a token that was not made by a logon. Of which process's token was it made?",
        ("lineage tour 5952", "lineage tour explorer.exe", "dump tour 5952 --all"),
        "a process, by name or pid",
        "A filtered token names the TokenId of the one it was made of: ParentTokenId, in `dump --all`.",
        _who_made,
    ),
    Exercise(
        "Predict an access check",
        "Thread 1132 of the service in process 1120 opens a file for reading. The file's list gives SYSTEM everything "
        "and Users reading. Yes or no, and if no, by what? Answer before you run it.",
        ("dump tour 1120 --all", _CHECK),
        "yes, or one of: %s" % ", ".join(_PLACES),
        "First ask which token counts: the process's, or one that the thread carries; then how far that one may be used.",
        _predict,
    ),
    Exercise(
        "Find the stolen token",
        "The same machine on another day (tour-incident): somebody wrote into the kernel's memory. Which process runs "
        "under a token that is not its own?",
        ("walk tour-incident", "audit tour-incident", "walk tour-incident --tree"),
        "a process, by name or pid",
        "One token object belongs to one process. Two processes that point to one: which of them fits it by user, session "
        "and parent?",
        _stolen,
    ),
    Exercise(
        "Parent and child",
        "One child of explorer.exe got neither a copy of its parent's token nor a weaker one. Which?",
        ("walk tour --tree", "lineage tour notepad.exe"),
        "a process, by name or pid",
        "Compare user, integrity and logon session of explorer.exe with those of each of its children.",
        _other_child,
    ),
)


def task_lines(number: int, hint: bool = False) -> List[str]:
    """The task, with commands that can be typed here; `hint`: the hint instead of the task."""
    one = EXERCISES[number - 1]
    lines = ["Exercise %d. %s" % (number, one.title), ""]
    if hint:
        return lines + cli.paragraph(one.hint, "   ") + [""]
    lines += cli.paragraph(one.task, "   ") + [""]
    lines += ["   " + typed(command) for command in one.look]
    lines += ["", *cli.paragraph("Answer: %s" % one.answer, "   ")]
    return lines + ["   " + typed("tour --exercise %d ANSWER" % number), ""]


def answer_lines(number: int, answer: str) -> Tuple[bool, List[str]]:
    """Whether an answer is right, and the lines that say why."""
    one = EXERCISES[number - 1]
    result = one.check(answer)
    lines = ["Exercise %d, %s: %s" % (number, clean(answer), "right." if result.right else "no."), ""]
    for sentence in result.why:
        lines += cli.paragraph(clean(sentence), "   ")
    if not result.right:
        lines += ["", "   " + typed("tour --exercise %d --hint" % number)]
    elif number < len(EXERCISES):
        lines += ["", "   " + typed("tour --exercise %d" % (number + 1))]
    return result.right, lines
