"""Tokens that are alike: what was concluded of one need not be worked out again for two thousand others."""

from operator import attrgetter
from typing import Any, Dict, Tuple

from kdtoken.model.luid import Luid
from kdtoken.model.token import Token

# What edges of the tree and the rules about groups, privileges, integrity and elevation look at.
_LOOKED_AT = attrgetter(
    "user_and_groups",
    "privileges",
    "restricted_sid_count",
    "flags",
    "mandatory_policy",
    "integrity_level_index",
    "authentication_id",
    "logon_session",
    "package",
)
_BY_VALUE = (int, Luid)


class Likeness:
    """Numbers of tokens: two with the same number agree in all but their addresses, their own ids and ModifiedId.

    Two with different numbers may agree all the same: lists are compared by identity, which decoders see to (equal
    lists of a target are one object).  So the tokens have to be kept as long as this is.
    """

    def __init__(self) -> None:
        self._numbers: Dict[int, int] = {}
        self._known: Dict[Tuple[Any, ...], int] = {}

    def of(self, token: Token) -> int:
        """The token's number."""
        found = self._numbers.get(id(token))
        if found is None:
            # An identity in a tuple of its own is never taken for a value.
            key = tuple([one if type(one) in _BY_VALUE else (id(one),) for one in _LOOKED_AT(token)])
            found = self._numbers[id(token)] = self._known.setdefault(key, len(self._known))
        return found
