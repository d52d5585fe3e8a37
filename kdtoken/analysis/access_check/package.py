"""The package's side of an AppContainer: granted is what user and package are both granted."""

from typing import Optional

from kdtoken.analysis.access_check.dacl import is_open
from kdtoken.analysis.access_check.questions import OF_THE_OBJECT, Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import GRANTABLE
from kdtoken.analysis.access_check.run import STATUS_ACCESS_DENIED, Denial, Place, Run
from kdtoken.analysis.access_check.walk import package_granted
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.token_words import counted


def package_side(run: Run) -> Optional[Denial]:
    """Everything asked needs an ACE for the package, a capability or ALL (RESTRICTED) APPLICATION PACKAGES.

    What a privilege or ownership gave the user is no exception; and an absent or null DACL, which grants everything to
    others, grants a package nothing (Windows Security Internals).
    """
    caller = run.caller
    if caller.container is False:
        return None
    if caller.container is None:
        question = Question("container", "the token is an AppContainer's", caller.settle)
        if not run.answers.ask(question, False):
            run.step("AppContainer", "not known", "goes on", "the token is taken as no AppContainer's")
            return None
    descriptor = run.request.object.descriptor
    capabilities = counted(len(caller.capabilities), "capability", "capabilities")
    looked = "package %s, %s" % (caller.package or "not known", capabilities)
    interest = run.wish | (GRANTABLE if run.maximum else 0)
    if is_open(run):
        if run.answers.other("appcontainer-null-dacl"):
            run.step("AppContainer", looked, "goes on", "there is no DACL")
            return None
        granted = 0
        why = "without a DACL an AppContainer is granted nothing"
    elif not isinstance(descriptor, SecurityDescriptor) or descriptor.dacl is None:
        text = "the DACL grants the package what is asked"
        if run.answers.ask(Question("package-dacl", text, OF_THE_OBJECT), False):
            return None
        granted, why = 0, "the DACL is not known"
    else:
        granted, by = package_granted(run, descriptor.dacl, interest)
        if descriptor.dacl.problem and run.wish & ~granted:
            text = "the ACEs that could not be read grant the package 0x%x" % (run.wish & ~granted)
            if run.answers.ask(Question("package-rest", text, OF_THE_OBJECT), False):
                granted |= run.wish
        known = (
            "that is known to be "
            if run.asked_about("lpac", "capability", "package", "package-rest", "ace", "dacl")
            else ""
        )
        why = "no ACE %sfor the package or its capabilities grants %s" % (
            known,
            run.rights(run.wish & ~granted or interest & ~granted & run.mapping.all),
        )
        looked += "".join("; ACE %d grants 0x%x" % (index, mask & interest) for index, mask in by.items())
    missing = run.wish & ~granted
    run.because(run.granted & ~granted, Reason(ReasonType.NOT_GRANTED_TO_APPCONTAINER))
    run.granted &= granted
    if missing or (run.maximum and not run.granted):
        run.step("AppContainer", looked, "refused", why)
        return Denial(Place.APPCONTAINER, STATUS_ACCESS_DENIED, why)
    run.step("AppContainer", looked, "goes on", "the package is granted %s too" % run.rights(run.granted))
    return None
