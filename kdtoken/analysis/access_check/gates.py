"""The gates of user mode before a process's token can be read, as one chain.

OpenProcess, OpenProcessToken, GetTokenInformation: three checks, of two objects' descriptors.  Each handle keeps what it
was granted.  Rights: LEARN, "Access Rights for Access-Token Objects" and the pages of the calls.
"""

from dataclasses import dataclass, replace
from typing import Dict, Optional, Tuple

from kdtoken.analysis.access_check.caller import Caller
from kdtoken.analysis.access_check.questions import READINGS
from kdtoken.analysis.access_check.request import Request
from kdtoken.analysis.access_check.truth import Answer, Conflict, Verdict, decide
from kdtoken.model.object_type import ObjectType
from kdtoken.model.secured_object import SecuredObject

PROCESS_QUERY_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION = 0x0400, 0x1000
TOKEN_ASSIGN_PRIMARY, TOKEN_DUPLICATE, TOKEN_IMPERSONATE, TOKEN_QUERY, TOKEN_QUERY_SOURCE = 0x1, 0x2, 0x4, 0x8, 0x10
# What can be done with a token handle -> the rights that it needs.
USES: Dict[str, int] = {
    "GetTokenInformation, all classes but TokenSource": TOKEN_QUERY,
    "GetTokenInformation(TokenSource)": TOKEN_QUERY_SOURCE,
    "DuplicateTokenEx": TOKEN_DUPLICATE,
    "ImpersonateLoggedOnUser": TOKEN_QUERY | TOKEN_DUPLICATE,
    "CreateProcessAsUser": TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_ASSIGN_PRIMARY,
    "AdjustTokenPrivileges": 0x20,
    "AdjustTokenGroups": 0x40,
}


@dataclass(frozen=True)
class GateAnswer:
    """One gate: the call, what it asks, and the answer."""

    call: str
    answer: Answer


@dataclass(frozen=True)
class Chain:
    """All gates that were reached, and what the last handle is good for.

    ``uses`` name -> whether the granted rights are enough; empty unless every gate was passed.
    """

    gates: Tuple[GateAnswer, ...]
    verdict: Verdict
    uses: Dict[str, bool]
    conflicts: Tuple[Conflict, ...] = ()


def token_gates(
    caller: Caller,
    process: SecuredObject,
    process_type: ObjectType,
    token: SecuredObject,
    token_type: ObjectType,
    wish: int,
    protection: Optional[int] = 0,
    own: bool = False,
    default_level: int = 0x2000,
) -> Chain:
    """OpenProcess with what OpenProcessToken needs, then the token's own descriptor, then the uses of the handle.

    own  the caller's own process: GetCurrentProcess needs no check, so the first gate is left out
    """
    gates = []
    conflicts: Tuple[Conflict, ...] = ()
    verdict = Verdict.YES
    if not own:
        first = Request(
            caller,
            process,
            process_type,
            PROCESS_QUERY_LIMITED_INFORMATION,
            protection=protection,
            default_level=default_level,
        )
        answer = decide(first)
        gates.append(GateAnswer("OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION)", answer))
        other = decide(replace(first, wish=PROCESS_QUERY_INFORMATION), False)
        if (other.verdict, other.outcome.allowed) != (answer.verdict, answer.outcome.allowed):
            depends = other.verdict is Verdict.DEPENDS
            conflicts = (Conflict(READINGS["open-process-token"], other.outcome, depends),)
        verdict = answer.verdict
    uses: Dict[str, bool] = {}
    if verdict is not Verdict.NO:
        second = decide(Request(caller, token, token_type, wish, default_level=default_level))
        gates.append(GateAnswer("OpenProcessToken", second))
        if second.verdict is not Verdict.YES:
            verdict = second.verdict
        if verdict is Verdict.YES:
            uses = {name: rights & ~second.outcome.granted == 0 for name, rights in USES.items()}
    return Chain(tuple(gates), verdict, uses, conflicts)
