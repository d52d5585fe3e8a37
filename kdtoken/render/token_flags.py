"""A word of TokenFlags told: its bit, what it says, and whether it is set in a token."""

from typing import List, Optional

from kdtoken.model.absent import Maybe
from kdtoken.model.token import Token
from kdtoken.model.token_flags import HAS_ADMIN_GROUP, MEANING_OF_HAS_ADMIN_GROUP, MEANINGS, TokenFlags
from kdtoken.render.words import columns, show, wrapped


def flag_lines(name: str, token: Maybe[Optional[Token]] = None, whose: str = "") -> List[str]:
    """All about one word; `whose` names the holder of `token`, "" where none was asked for."""
    bit = TokenFlags.WRITE_RESTRICTED if name == HAS_ADMIN_GROUP else TokenFlags[name]
    meaning = MEANING_OF_HAS_ADMIN_GROUP if name == HAS_ADMIN_GROUP else MEANINGS[bit]
    rows = [meaning]
    if whose:
        rows.append("%s: " % whose + _state(name, token))
    head = "%s  (TokenFlags 0x%x)" % (name, int(bit))
    return [head] + ["  " + line for row in rows for line in wrapped(row, columns() - 2)]


def _state(name: str, token: Maybe[Optional[Token]]) -> str:
    if not isinstance(token, Token):
        return show(token, str, "there is no token")
    if not isinstance(token.flags, int):
        return show(token.flags, str)
    return "set" if name in token.flag_words else "not set"


def all_lines() -> List[str]:
    """A line for each word, by bit."""
    lines: List[str] = []
    for flag, meaning in MEANINGS.items():
        first, *rest = wrapped("%s: %s" % (flag.name, meaning), columns() - 12)
        lines += ["0x%08x  " % int(flag) + first] + [" " * 12 + line for line in rest]
    return lines
