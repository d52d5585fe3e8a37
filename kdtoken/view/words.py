"""Small pieces that the text views share: numbers, SIDs and privilege names as tools print them."""

import re
from functools import lru_cache
from typing import Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid

# Not where it goes on in what is no digit: somebody blacked a part of it out, or a scanner misread one.
GOES_ON = r"(?![-\w*#?\u2022\u2026\u2580-\u259f\ufffd]|\.\.|\[|<| {1,3}-?[0-9]{1,10}-[0-9]| {1,3}-[0-9])"
SID = re.compile(r"S-1-(?:0x[0-9a-fA-F]{1,12}|[0-9]{1,15})(?:-[0-9]{1,10}){0,15}" + GOES_ON, re.IGNORECASE)
# The same where lines were put together, and a word may stand right behind it.
SID_BESIDE_WORDS = re.compile(
    r"S-1-(?:0x[0-9a-fA-F]{1,12}|[0-9]{1,15})(?:-[0-9]{1,10}){0,15}(?![-0-9*#?\u2022\u2026\u2580-\u259f\ufffd]|\.\.)",
    re.IGNORECASE,
)
# Names of winnt.h end in Privilege or Right; more may come with a later build.
PRIVILEGE = re.compile(r"\bSe[A-Z][A-Za-z]{1,60}(?:Privilege|Right)\b")
POINTER = re.compile(r"\b(?:0x)?([0-9a-fA-F]{8})`?([0-9a-fA-F]{8})\b|\b(?:0x)?([0-9a-fA-F]{1,16})\b")


# S-1-5-21, three numbers of the domain, and the account's own ([MS-DTYP] 2.4.2.4).
_DOMAIN, _OF_AN_ACCOUNT = 21, 5


_LONGEST = 300  # characters of what is remembered: no SID has more


def sid_of(text: str) -> Optional[Sid]:
    """The SID that the text is, or None; numbers spelled as no tool does (01) are no SID either."""
    return _sid_of(text) if len(text) <= _LONGEST else None


@lru_cache(4096)  # a log names the same few SIDs in each token
def _sid_of(text: str) -> Optional[Sid]:
    try:
        sid = Sid.from_text(text)
    except BadFormat:
        return None
    if sid.authority == 5 and sid.subauthorities[:1] == (_DOMAIN,) and len(sid.subauthorities) < _OF_AN_ACCOUNT:
        return None  # a domain's own, of which nobody runs: the end of an account's was cut off
    if not sid.subauthorities:
        return None  # an authority alone, which is nobody's
    return sid if str(sid) == text.strip().upper() or "x" in text or "X" in text else None


_CUT_SID = re.compile(r"S-1-[0-9]{1,15}-(?:[0-9]{1,10}-){0,14}$", re.IGNORECASE)


def is_cut_sid(text: str) -> bool:
    """Whether the text is a SID that a line's end cut behind a hyphen."""
    return _CUT_SID.match(text) is not None


def may_have_facts(text: str) -> bool:
    """Whether `has_facts` needs a look, in a third of its time."""
    return "Se" in text or "S-1-" in text or "s-1-" in text


def has_facts(text: str) -> bool:
    """Whether a text holds a SID (or what was one) or the name of a privilege: what no view may lose."""
    if "S-1-" in text or "s-1-" in text:
        return True
    return "Se" in text and PRIVILEGE.search(text) is not None


def pointer_at(text: str) -> Tuple[Optional[int], str]:
    """The pointer that the text starts with (0x or not, with or without the debugger's back-quote), and the rest."""
    text = text.lstrip()
    found = POINTER.match(text)
    if not found:
        return None, text
    high, low, short = found.groups()
    return int(high + low if high else short, 16), text[found.end() :]


def luid_of(text: str) -> Optional[Luid]:
    """A LUID as `3e7`, `0x3e7`, `(0,3e7)`, `(0, 3e7)`, `0:3e7`; None for anything else, and where a bracket lost its end."""
    if text.lstrip()[:1] == "(" and text.rstrip()[-1:] != ")":
        return None
    try:
        return Luid.from_text(text)
    except BadFormat:
        return None


_HEXADECIMAL = re.compile(r"(?:0[xX])?([0-9a-fA-F]{1,16})")


@lru_cache(1024)  # a log names the same process hundreds of times
def hexadecimal(text: str) -> Optional[int]:
    """A hex number with or without 0x, back-quotes allowed; None for anything else."""
    found = _HEXADECIMAL.fullmatch(text.strip().replace("`", ""))
    return int(found.group(1), 16) if found else None


def unbracketed(text: str) -> str:
    """A name as `!token -n` prints it behind a SID, without its brackets."""
    name = text.strip()
    return name[1:-1] if name[:1] == "(" and name[-1:] == ")" else name
