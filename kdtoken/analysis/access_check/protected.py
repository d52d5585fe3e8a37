"""Protected processes: rights that a less protected caller is refused, whatever the descriptor and privileges gave.

The lists are those of LEARN, "Process Security and Access Rights" and "Thread Security and Access Rights".
"""

from typing import Dict, Optional

from kdtoken.analysis.access_check.questions import Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import ACCESS_CHECK, DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER
from kdtoken.analysis.access_check.run import STATUS_ACCESS_DENIED, Denial, Place, Run
from kdtoken.model.access_mask import SPECIFIC
from kdtoken.model.protection import Protection

_PROCESS = (
    "CREATE_PROCESS CREATE_THREAD DUP_HANDLE QUERY_INFORMATION SET_INFORMATION SET_QUOTA VM_OPERATION VM_READ VM_WRITE"
)
_THREAD = "DIRECT_IMPERSONATION GET_CONTEXT IMPERSONATE QUERY_INFORMATION SET_CONTEXT SET_INFORMATION SET_THREAD_TOKEN TERMINATE"


def _mask(kind: str, names: str) -> int:
    bits = {name: bit for bit, name in SPECIFIC[kind].items()}
    return sum(bits[name] for name in names.split())


REFUSED: Dict[str, int] = {
    "Process": _mask("process", _PROCESS) | DELETE | READ_CONTROL | WRITE_DAC | WRITE_OWNER,
    "Thread": _mask("thread", _THREAD),
}
_TERMINATE_PROCESS = 0x1  # winnt.h PROCESS_TERMINATE
# _PS_PROTECTED_SIGNER: whose processes a less protected caller may not end either, and of whom that is in dispute.
_NOT_ENDED, _PERHAPS_NOT_ENDED = (3, 6), (4,)


def less_protected(caller: int, target: int, full_is_above: bool = False) -> bool:
    """Whether a caller with one _PS_PROTECTION.Level is less protected than the process with another.

    Light protection stands below full, and a signer below the other's is less.  LEARN speaks of "less protected"
    without saying how signers compare; the order is that of the enumeration _PS_PROTECTED_SIGNER (Windows Internals,
    7th edition, part 1, table 3-2).

    full_is_above  full protection stands above every light one, whatever the signers are
    """
    mine, other = Protection(caller), Protection(target)
    if mine.type != other.type and (mine.type < other.type or full_is_above):
        return mine.type < other.type
    return mine.signer < other.signer


def protected(run: Run) -> Optional[Denial]:
    """Refuse a less protected caller what LEARN lists."""
    request = run.request
    if not request.is_process or request.call == ACCESS_CHECK or request.protection == 0:
        return None
    kind = request.type.name
    target, mine = request.protection, run.caller.protection
    asked = run.granted | run.wish if run.maximum else run.wish
    may_refuse = REFUSED[kind] | (_TERMINATE_PROCESS if kind == "Process" else 0)
    if target is None or mine is None:
        if not asked & may_refuse or (target is not None and not Protection(target).type):
            return None
        looked = "a protection that is not known"
        text = "the caller is less protected than the process"
        if not run.answers.ask(Question("protection", text, run.caller.settle), False):
            run.step("protected process", looked, "goes on", "the caller is taken as not less protected")
            return None
    else:
        looked = "caller %s; process %s" % (Protection(mine), Protection(target))
        if not Protection(target).type or not _is_less(run, mine, target):
            run.step("protected process", looked, "goes on", "the caller is not less protected")
            return None
    refused = asked & REFUSED[kind]
    if asked & may_refuse & _TERMINATE_PROCESS and kind == "Process" and _not_ended(run, target):
        refused |= _TERMINATE_PROCESS
    if run.maximum and refused and not run.wish & refused and run.answers.other("protected-maximum"):
        refused |= run.granted
    if not refused:
        run.step("protected process", looked, "goes on", "protection leaves a less protected caller what is asked")
        return None
    why = "less protected callers are refused %s" % run.rights(refused)
    run.because(refused, Reason(ReasonType.NONE, 0, "refused by a protected process"))
    run.granted &= ~refused
    if run.wish & refused or not run.granted:
        run.step("protected process", looked, "refused", why)
        return Denial(Place.PROTECTED, STATUS_ACCESS_DENIED, why)
    run.step("protected process", looked, "takes %s" % run.rights(refused), why)
    return None


def _not_ended(run: Run, target: Optional[int]) -> bool:
    """Whether a less protected caller may not even end the process: that goes by its signer."""
    if target is None:
        text = "the process's signer is Antimalware or WinTcb"
        return run.answers.ask(Question("protection-signer", text, run.caller.settle), False)
    signer = Protection(target).signer
    if signer in _NOT_ENDED:
        return not run.answers.other("protected-signer")
    return signer in _PERHAPS_NOT_ENDED and run.answers.other("protected-lsa")


def _is_less(run: Run, caller: int, target: int) -> bool:
    """Whether the caller is less protected; where the authorities disagree, by the side that the run takes."""
    less = less_protected(caller, target)
    if less and not less_protected(caller, target, full_is_above=True):
        return not run.answers.other("protected-full")
    return less
