"""Tokens that are alike: what was concluded of one need not be worked out again for two thousand others."""

from __future__ import annotations

from typing import Dict, Hashable, List

from kdtoken.model.absent import NotAsked
from kdtoken.model.token import Token


class Likeness:
    """Numbers of tokens: two with the same number agree in all but what is each token's own.

    Its own are the address, TokenId, ModifiedId, ParentTokenId, SessionId, the SID hashes, what could not be read and
    where each value was read.  Two with different numbers may agree all the same.  The tokens have to be kept as long
    as this is.

    tokens  by number, the first that had it: what holds of it by the rest holds of all its like
    """

    def __init__(self) -> None:
        self.tokens: List[Token] = []
        self._numbers: Dict[int, int] = {}
        self._known: Dict[Hashable, int] = {}

    def of(self, token: Token) -> int:
        """The token's number."""
        found = self._numbers.get(id(token))
        if found is None:
            # Pointers that a walk leaves alone: what lies there is not known, wherever they lead.
            package, label, capabilities = token.package, token.integrity_level_sid_value, token.capabilities
            key = (
                token.flags,
                token.mandatory_policy,
                token.integrity_level_index,
                token.restricted_sid_count,
                token.default_owner_index,
                token.token_type,
                token.in_use,
                token.source_name,
                # Decoders see to it that equal lists, sessions and LUIDs of a target are one object.
                id(token.user_and_groups),
                id(token.restricted_sids),
                id(token.privileges),
                id(token.authentication_id),
                id(token.logon_session),
                id(token.originating_logon_session),
                NotAsked if type(package) is NotAsked else id(package),
                NotAsked if type(label) is NotAsked else id(label),
                NotAsked if type(capabilities) is NotAsked else id(capabilities),
            )
            found = self._numbers[id(token)] = self._known.setdefault(key, len(self.tokens))
            if found == len(self.tokens):
                self.tokens.append(token)
        return found
