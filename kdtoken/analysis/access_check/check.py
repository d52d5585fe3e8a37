"""The whole check, in order.

The order and the rules are those of [MS-DTYP] 2.5.3, the Windows documentation and the script of "Windows Security
Internals" (which agree but where :mod:`questions` says so): token, level, wish, SeDebugPrivilege, trust label, access
filters, integrity, privileges, owner, DACL, AppContainer, restricting SIDs, central policy, protected process.
"""

from typing import Optional

from kdtoken.analysis.access_check import (
    dacl,
    integrity,
    level,
    owner,
    package,
    policy,
    privileges,
    protected,
    restricted,
    sacl,
    wish,
)
from kdtoken.analysis.access_check.questions import Answers
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import Request
from kdtoken.analysis.access_check.run import Denial, Outcome, Run


def check(request: Request, answers: Optional[Answers] = None, detail: bool = True) -> Outcome:
    """One run of the check.  Pure.

    answers  what to go by where the source does not know; afterwards, what was asked.  By default the caution of
             each step: a SID that may be there is not, a policy that is not seen grants
    detail   whether to keep steps; without, the answer and its reasons only
    """
    run = Run(request, answers if answers is not None else Answers(), detail)
    return run.outcome(_decide(run))


def _decide(run: Run) -> Optional[Denial]:
    level.which_token(run)
    if run.caller.kernel_mode:
        everything = run.wish | (run.mapping.all if run.maximum else 0)
        run.granted = everything
        run.because(everything, Reason(ReasonType.NONE, 0, "a caller in kernel mode"))
        run.step("kernel mode", "the caller's mode", "grants %s" % run.rights(everything), "kernel mode is not checked")
        return None
    denial = level.level_gate(run) or wish.map_wish(run)
    if denial is not None:
        return denial
    privileges.debug(run)
    if run.over:
        return protected.protected(run)
    if run.request.object.descriptor is None:
        denial = privileges.in_check(run)
        if denial is None:
            dacl.no_descriptor(run)
    else:
        privileges.backup(run)
        denial = _by_descriptor(run)
    return denial or protected.protected(run)


def _by_descriptor(run: Run) -> Optional[Denial]:
    for narrowing in (sacl.trust_label, sacl.access_filters, integrity.integrity, privileges.in_check):
        denial = narrowing(run)
        if denial is not None:
            return denial
    owner.owner(run)
    for side in (dacl.dacl, package.package_side, restricted.second_pass, policy.central_policy):
        denial = side(run)
        if denial is not None:
            return denial
    return None
