"""Which token counts, and whether its level lets it do anything at all."""

from typing import Optional

from kdtoken.analysis.access_check.caller import ANONYMOUS_LEVEL, IMPERSONATION_LEVEL
from kdtoken.analysis.access_check.request import ACCESS_CHECK, GENERIC_BITS
from kdtoken.analysis.access_check.run import (
    STATUS_BAD_IMPERSONATION_LEVEL,
    STATUS_GENERIC_NOT_MAPPED,
    STATUS_INVALID_SECURITY_DESCR,
    STATUS_NO_IMPERSONATION_TOKEN,
    Denial,
    Place,
    Run,
)
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.token_words import IMPERSONATION_LEVELS, value_word


def which_token(run: Run) -> None:
    """Say which token is looked at: the thread's if it has one (LEARN, "Impersonation Levels")."""
    caller = run.caller
    if not run.detail:
        return
    if caller.level is None:
        run.step("token", caller.name, "the primary token counts", "no impersonation token stands before it")
    else:
        run.step(
            "token",
            caller.name,
            "the impersonation token counts",
            "a thread that impersonates is checked by that token, not by its process's",
        )


def level_gate(run: Run) -> Optional[Denial]:
    """Below Impersonation nothing can be opened (ReactOS SeAccessCheck); a server's AccessCheck takes Identification."""
    if run.request.call == ACCESS_CHECK:
        return _of_access_check(run)
    level = run.caller.level
    if level is None:
        return None
    word = value_word(level, IMPERSONATION_LEVELS)
    if level >= IMPERSONATION_LEVEL:
        run.step("level", word, "goes on", "a token at %s can open objects" % word)
        return None
    if level == ANONYMOUS_LEVEL and run.answers.other("anonymous-level"):
        return None
    why = "the thread impersonates at %s, and opening an object needs Impersonation or more" % word
    run.step("level", word, "refused", why + "; nothing else is looked at")
    return Denial(Place.LEVEL, STATUS_BAD_IMPERSONATION_LEVEL, why)


def _of_access_check(run: Run) -> Optional[Denial]:
    """What AccessCheck itself insists on (LEARN AccessCheck), in the order that ReactOS' tests show."""
    level, descriptor = run.caller.level, run.request.object.descriptor
    found = None
    if run.request.wish & GENERIC_BITS:
        why = "AccessCheck refuses generic bits in the wish: MapGenericMask comes first"
        found = Denial(Place.WISH, STATUS_GENERIC_NOT_MAPPED, why)
    elif level is None:
        why = "AccessCheck takes an impersonation token, and this is a primary one"
        found = Denial(Place.LEVEL, STATUS_NO_IMPERSONATION_TOKEN, why)
    elif level == ANONYMOUS_LEVEL:
        why = "AccessCheck needs a token at Identification or more, and this is at Anonymous"
        found = Denial(Place.LEVEL, STATUS_BAD_IMPERSONATION_LEVEL, why)
    elif isinstance(descriptor, SecurityDescriptor) and (
        (descriptor.owner is None and descriptor.owner_state == "absent")
        or (descriptor.group is None and descriptor.group_state == "absent")
    ):
        why = "AccessCheck refuses a descriptor without an owner or a group"
        found = Denial(Place.WISH, STATUS_INVALID_SECURITY_DESCR, why)
    if found is not None:
        run.step("level", "what AccessCheck insists on", "refused", found.why)
    return found
