"""Leftovers: no SID and no privilege name of a text may vanish, however it was mangled.

A reader knows forms; a line glued out of two of them can satisfy one and drop the other.  After
reading, every line with a SID or a privilege name that is nowhere in the results is listed as not
understood, where a person finds it.
"""

from itertools import islice
from operator import attrgetter, gt
from typing import Callable, Iterable, List, Sequence, Set, Tuple

from kdtoken.model.absent import Missing, Unreadable
from kdtoken.model.sid import Sid
from kdtoken.view.lines import Line
from kdtoken.view.partial import PartialToken
from kdtoken.view.words import PRIVILEGE, SID, has_facts

_number = attrgetter("number")


def read_each(lines: Iterable[Line], read: Callable[[Line], None]) -> List[Line]:
    """Give each line to a reader; returns those with facts, for `with_leftovers`."""
    facts = []
    for line in lines:
        if has_facts(line.text):
            facts.append(line)
        read(line)
    return facts


def facts_of_line(text: str) -> Set[str]:
    """SIDs (in upper case) and privilege names of a line."""
    found = {one.upper() for one in SID.findall(text)}
    return found.union(PRIVILEGE.findall(text)) if "Se" in text else found


def facts_of_token(token: PartialToken) -> Set[str]:
    """The same, of all that a view made of a token, its own not-understood lines included."""
    found = {str(one.sid).upper() for one in token.groups + token.restricted + token.capabilities}
    found |= {one.name for one in token.privileges}
    for sid in (token.token.user, token.token.primary_group, token.token.package, token.token.trust_level_sid):
        if isinstance(sid, Sid):
            found.add(str(sid).upper())
    for listed in (token.token.user_and_groups, token.token.restricted_sids, token.token.capabilities):
        if isinstance(listed, tuple):
            # What is doubtful is kept as the reason of the doubt.
            for entry in listed:
                found |= facts_of_line(str(entry)) if isinstance(entry, Missing) else set()
    for value in vars(token.token).values():
        found |= facts_of_line(value.reason) if isinstance(value, Unreadable) else set()
    for line in token.not_understood:
        found |= facts_of_line(line.text)
    return found


def among(lines: Sequence[Line], some: Sequence[Line]) -> bytearray:
    """Of each line whether it is one of `some`, by identity: two lines of one text may be equal.

    lines  in the order of their numbers, which pieces of one line share
    some   may have others, too; they come nearly always in that order, and of a log there are millions: no set is made
           but of those with one number
    """
    found, at, count = bytearray(len(lines)), 0, len(some)
    if any(map(gt, map(_number, some), map(_number, islice(some, 1, None)))):
        some = sorted(some, key=_number)
    same: Set[int] = set()
    same_number = -1
    for index, line in enumerate(lines):
        if at < count and some[at] is line:
            found[index], at = 1, at + 1
            continue
        number = line.number
        if number != same_number:
            while at < count and some[at].number < number:
                at += 1
            same_number, same, behind = number, set(), at
            while behind < count and some[behind].number == number:
                same.add(id(some[behind]))
                behind += 1
        found[index] = id(line) in same
    return found


def with_leftovers(
    lines: Sequence[Line], tokens: Iterable[PartialToken], kept: Iterable[Line], unknown: List[Line]
) -> Tuple[Line, ...]:
    """`unknown`, and in the order of the text those of `lines` of which a fact is in no result.

    lines  all lines with facts (words.has_facts)
    kept   lines that the result keeps elsewhere: commands, errors
    """
    reported: Set[str] = set()
    for token in tokens:
        reported |= facts_of_token(token)
    for line in kept:
        reported |= facts_of_line(line.text)
    lost = [
        line
        for line, listed in zip(lines, among(lines, unknown))
        if not listed and not facts_of_line(line.text) <= reported
    ]
    if not lost:
        return tuple(unknown)
    return tuple(sorted(unknown + lost, key=lambda line: line.number))
