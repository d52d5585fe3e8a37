"""Tokens as the text of the debugger's `!token` tells them."""

from dataclasses import dataclass
from typing import Optional, Tuple

from kdtoken.view.lines import Line
from kdtoken.view.partial import PartialToken, TextPlace


@dataclass(frozen=True)
class NoToken:
    """An error that `!token` printed in place of a token."""

    place: TextPlace
    text: str
    address: Optional[int]


@dataclass(frozen=True)
class PartialTokens:
    """Everything that a text says about tokens.

    commands        lines with a prompt and `!token`
    not_understood  lines of the whole text that are no part of a token's output, and those in it nobody knew
    taken           lines that are a token's, for whoever gives the rest to another reader
    """

    tokens: Tuple[PartialToken, ...]
    errors: Tuple[NoToken, ...]
    commands: Tuple[Line, ...]
    not_understood: Tuple[Line, ...]
    taken: Tuple[Line, ...] = ()
