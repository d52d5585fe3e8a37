"""What is asked for: generic bits mapped, an empty wish refused."""

from typing import Optional

from kdtoken.analysis.access_check.request import GENERIC_BITS
from kdtoken.analysis.access_check.run import STATUS_ACCESS_DENIED, Denial, Place, Run


def map_wish(run: Run) -> Optional[Denial]:
    """Generic rights of the wish become the type's own ([MS-DTYP] 2.4.3); nothing asked is refused (ReactOS)."""
    request = run.request
    if run.detail:
        words = " ".join(request.type.words(run.wish)) or "nothing by name"
        if run.maximum:
            words += ", and MAXIMUM_ALLOWED"
        run.step(
            "wish",
            "0x%x, objects of type %s (mapping: %s)" % (request.wish, request.type.name, request.type.origin),
            words,
            "generic rights stand for the type's own" if request.wish & GENERIC_BITS else "no generic right is in it",
        )
    if run.wish or run.maximum:
        return None
    why = "nothing is asked for, and an open that asks for nothing is refused"
    run.step("wish", "0", "refused", why)
    return Denial(Place.WISH, STATUS_ACCESS_DENIED, why)
