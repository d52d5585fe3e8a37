"""Two sources' words for one machine, compared member by member: what each could not read it says in its own words."""

from typing import Any, Tuple

from kdtoken.frozen import member_names
from kdtoken.model.absent import Unreadable
from kdtoken.source.log.memory import NOT_PRESENT

# The engine has one reason for what is not there; a page walk has several, and a log what the engine printed.
_REASONS: Tuple[str, ...] = ("not present (paged out or not mapped)", NOT_PRESENT, "paged out", "not mapped")


def whole(value: Any) -> Any:
    """Every member of a model's value and of the values in it; `repr` of a token is a summary.

    Of what could not be read its address counts, not the reason.
    """
    if isinstance(value, Unreadable):
        return "unreadable", value.address
    if isinstance(value, str):
        for reason in _REASONS:
            value = value.replace(reason, "unreadable")
        return value
    names = member_names(value)
    if names:
        return type(value).__name__, [(name, whole(getattr(value, name))) for name in names]
    if isinstance(value, dict):
        return {key: whole(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value).__name__, [whole(one) for one in value]
    return value
