"""A token as one view shows it: what a comparison is made of."""

from enum import Enum
from typing import NamedTuple, Optional, Tuple

from kdtoken.frozen import dataclass, field
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import Token


class Unread(NamedTuple):
    """A line of a text that no reader understood.

    line  counted from 1
    file  as the caller named it
    """

    line: int
    text: str
    file: str = ""


class Kind(Enum):
    """Who saw the token."""

    KERNEL = "kernel memory"
    TOKEN_COMMAND = "text of !token"
    WHOAMI = "whoami"
    TOKEN_INFORMATION = "GetTokenInformation"


@dataclass(frozen=True)
class View:
    """A token, who saw it, and where it came from in words.

    incomplete      fields of which it holds a part only, because its text was cut
    listed          SIDs that it lists with attributes that are not known (words of an unknown language)
    process         whose token the kernel says this is, so that two looks at one process are known
                    for that; empty where there is no saying
    not_understood  what its reader did not understand: a fact may hide there, so what the view does not list may be
                    listed all the same
    names           what its source calls SIDs
    eprocess        address of the _EPROCESS that has the token, 0 where the view does not say it
    ethread         address of the _ETHREAD that impersonates it, 0 where none does
    less_privileged whether it is a less privileged AppContainer's (LPAC), None where its source does not say
    """

    token: Token
    kind: Kind
    label: str
    incomplete: Tuple[str, ...] = ()
    listed: Tuple[Sid, ...] = ()
    process: str = ""
    not_understood: Tuple[Unread, ...] = ()
    names: Names = field(default=NO_NAMES, compare=False)
    less_privileged: Optional[bool] = field(default=None, compare=False)
    eprocess: int = field(default=0, compare=False)
    ethread: int = field(default=0, compare=False)

    def is_cut(self, attribute: str) -> bool:
        """Whether more of this list may have stood in the text."""
        return attribute in self.incomplete or "the rest" in self.incomplete
