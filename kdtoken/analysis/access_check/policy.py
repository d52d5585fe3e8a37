"""Central access policy: it is named in the descriptor, and stands elsewhere."""

from typing import Optional

from kdtoken.analysis.access_check.questions import Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.run import STATUS_ACCESS_DENIED, Denial, Place, Run
from kdtoken.analysis.access_check.sacl import aces_of
from kdtoken.model.acl import SYSTEM_SCOPED_POLICY_ID


def central_policy(run: Run) -> Optional[Denial]:
    """A policy S-1-17-... narrows what was granted; its rules are not in the descriptor, so it is asked about.

    Only the first such ACE counts ([MS-DTYP] 2.5.3.1.3), and what is refused already is refused.
    """
    found = aces_of(run, SYSTEM_SCOPED_POLICY_ID)
    if not found:
        return None
    index, ace = found[0]
    run.notes.append("a central access policy %s also applies (SACL ACE %d), and is not seen here" % (ace.sid, index))
    text = "the central access policy %s grants it as well" % ace.sid
    settle = "Get-ADCentralAccessPolicy, on the domain"
    looked = "SACL ACE %d, policy %s" % (index, ace.sid)
    if run.answers.ask(Question("policy:%s" % ace.sid, text, settle), True):
        run.step("central access policy", looked, "goes on", "taken as granting: its rules are not in the descriptor")
        return None
    run.because(run.wish or run.granted, Reason(ReasonType.NOT_GRANTED_BY_CAPE))
    why = "the central access policy %s does not grant it" % ace.sid
    run.step("central access policy", looked, "refused", "taken as refusing: its rules are not in the descriptor")
    return Denial(Place.POLICY, STATUS_ACCESS_DENIED, why)
