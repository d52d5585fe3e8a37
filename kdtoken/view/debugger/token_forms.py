"""Forms of `!token`'s lines: its labels, its rows, its errors, and which of them are nobody else's."""

import re
from functools import lru_cache
from typing import List, NamedTuple, Optional, Tuple

from kdtoken.view.lines import command_of, is_decoration
from kdtoken.view.words import GOES_ON, SID, pointer_at

# An address has 8 digits or 16: with any other number of them, its end is not there.
HEAD = re.compile(r"(?:nt!)?_?TOKEN\s+((?:0x)?[0-9a-fA-F]{8}(?:`?[0-9a-fA-F]{8})?)\s*$")
LABELS = (
    "TS Session ID",
    "User Groups",
    "Users Groups",
    "User",
    "Groups",
    "Primary Group",
    "Privs",
    "Privileges",
    "Authentication ID",
    "Auth ID",
    "Impersonation Level",
    "TokenType",
    "Token Type",
    "Source",
    "TokenFlags",
    "Token Flags",
    "Token ID",
    "ParentToken ID",
    "Parent Token ID",
    "Modified ID",
    "RestrictedSidCount",
    "RestrictedSids",
    "Restricted SIDs",
    "Restricting SIDs",
    "OriginatingLogonSession",
    "PackageSid",
    "Package",
    "CapabilityCount",
    "Capabilities",
    "LowboxNumberEntry",
    "LowboxNumber",
    "Lowbox Number",
    "Security Attributes",
    "Process Token TrustLevelSid",
    "TrustLevelSid",
    "Is restricted token",
    "SandBoxInert",
    "Elevation Type",
    "Mandatory Policy",
    "Integrity Level",
    "Process Trust Label",
    "RestrictedSdCount",
)
LABEL = re.compile(
    r"(?<!\S)(?:%s|Pr[a-z]{2,6}(?=:\s*$)) ?:"
    % "|".join(sorted((re.escape(one).replace(r"\ ", " {1,4}") for one in LABELS), key=len, reverse=True)),
    re.IGNORECASE,
)
# With such a value a label is this command's, and no other tool's.
STRONG = {
    "usergroups": re.compile(r"$"),
    "usersgroups": re.compile(r"$"),
    "privs": re.compile(r"$"),
    "tssessionid": re.compile(r"(?:0x[0-9a-fA-F]{1,8}|0)$"),
    "authenticationid": re.compile(r"\([0-9a-fA-F]{1,8}, ?[0-9a-fA-F]{1,8}\)$"),
    "modifiedid": re.compile(r"\([0-9a-fA-F]{1,8}, ?[0-9a-fA-F]{1,8}\)$"),
    "tokenid": re.compile(r"[0-9a-fA-F]{1,16}$"),
    "restrictedsidcount": re.compile(r"\d{1,5}$"),
    "originatinglogonsession": re.compile(r"[0-9a-fA-F]{1,16}$"),
    "packagesid": re.compile(r"\(null\)$|S-1-15-2-\d"),
    "capabilitycount": re.compile(r"\d{1,5}$"),
    "lowboxnumberentry": re.compile(r"(?:0x)?[0-9a-fA-F]{8,16}$"),
    "processtokentrustlevelsid": re.compile(r"\(null\)$|S-1-19-\d"),
    "source": re.compile(r"\S{1,8}(?: \S{1,6}){0,3}$"),
}
# These are printed in pairs on a line; alone they may be anybody's.
PAIRS = {"tokenid": "parenttokenid", "source": "tokenflags"}
NEIGHBOURS = frozenset((("user", "usergroups"), ("user", "groups"), ("primarygroup", "privs")))
ROW = re.compile(r"(?:(\d{1,4})[.:)]? {0,8})?(S-1-[0-9A-Fa-fx-]{1,250}%s)(.*)$" % GOES_ON, re.IGNORECASE)
# `!token` of a SID that is paged out; the second line says it again.
UNREAD_ROW = re.compile(r"(\d{1,4}) {1,8}((?:0x)?[0-9a-fA-F][0-9a-fA-F`]{7,18}): (Unable to .{4,60})$")
UNREAD = re.compile(r"((?:0x)?[0-9a-fA-F][0-9a-fA-F`]{7,18}): (Unable to .{4,60})$")
NUMBER_AND_LABEL = re.compile(r"\d{1,3} (?=[A-Z][A-Za-z ]{3,40}:)")
ATTRIBUTES = re.compile(r"Attributes? ?[-\u2010-\u2015:] ?(.*)$", re.IGNORECASE)
PRIVILEGE_ROW = re.compile(
    r"(?:(\d{1,3})[.:)]? {1,8})?(?:0x([0-9a-fA-F]{1,16}) {1,8})?((?:Se[A-Za-z]{3,64}|Unknown Privilege))\s*"
    r"(?:Attributes? ?[-\u2010-\u2015:](.*))?$"
)
SPLIT = re.compile(
    r"(?<!User)(?<!Users)\s(?=\d{2,3} (?:S-1-\d|0x[0-9a-fA-F]{6,16} )|(?:Primary Group|Privs|User Groups|Groups|Authentication ID"
    r"|Impersonation Level|TokenType|Source|TS Session ID|RestrictedSidCount|User): |_TOKEN (?:0x)?[0-9a-fA-F]{8})"
)
ROW_ATTRIBUTES = re.compile(r"\s(?=Attributes - )")
# The rest of a SID that a line's end cut, alone or with a name behind it: `10 S-1-5-11` is the next row.
REST_OF_SID = re.compile(r"(?:\d{1,10})(?:-\d{1,10}){0,14}(?= {1,8}(?:\(|Attributes - )|\s*$)")
NO_TOKEN = re.compile(
    r"does not point to a token|not a token object|Could not read token|Unable to .{0,40}token"
    r"|InitTypeRead\(.{0,60}_TOKEN\) failed",
    re.IGNORECASE,
)
# What the form without an argument says first, and what `-n` says of a dump.
WHOSE = re.compile(
    r"Thread is (?:not )?impersonating|Using (?:process|thread) token|\*\*\* Friendly name lookup", re.IGNORECASE
)
OWNER = re.compile(r"_EPROCESS ((?:0x)?[0-9a-fA-F][0-9a-fA-F`]{7,18}), _TOKEN ((?:0x)?[0-9a-fA-F][0-9a-fA-F`]{0,18})$")
ERROR = re.compile(
    r"(?:\*{3} )?(?:ERROR|Error|Unable to|Could not|Couldn't|Cannot|Failed|Invalid|Memory read error|GetContextState|<Unable)",
)
# `!token` by whatever name, and no other extension whose name has that word in it.
COMMAND = re.compile(r"!(?:\w{1,12}\.)?token(?![\w.])", re.IGNORECASE)
# What another command prints under labels that a token has too.
_OTHERS = re.compile(r"structure offsets|->(?:Owner|Group|Dacl|Sacl|Ace)\b|^\+0x[0-9a-f]{3}")

# dt's members have a blank in front of the colon.
IS_OF_DT = re.compile(r"[A-Z]\w{2,40} {1,20}: ")

FIRST_WORDS = frozenset(one.split(" ")[0].lower() for one in LABELS)


def is_strong(label: str, value: str, after: str) -> bool:
    """Whether a label with this value, and with this one behind it on the line, is `!token`'s and nobody else's."""
    if value.startswith("S-1-") and (label, after) in NEIGHBOURS:
        return True
    form = STRONG.get(label)
    return form is not None and form.match(value) is not None and PAIRS.get(label, after) == after


def labels_of(text: str) -> Tuple[Tuple[str, str, str], ...]:
    """(label without blanks in lower case, value, the label behind it) of a line that begins with one; else none."""
    return _labels_of(text) if len(text) <= _SHORT else _labels_of.__wrapped__(text)


_SHORT = 200  # longer lines are not worth keeping


@lru_cache(4096)  # of each token most labels are as in the one before
def _labels_of(text: str) -> Tuple[Tuple[str, str, str], ...]:
    found = list(LABEL.finditer(text))
    if not found or found[0].start() != 0:
        return ()
    names = [one.group().rstrip(" :").replace(" ", "").lower() for one in found] + [""]
    ends = [one.start() for one in found[1:]] + [len(text)]
    values = (text[one.end() : end].strip() for one, end in zip(found, ends))
    return tuple(zip(names, values, names[1:]))


def weak(text: str) -> bool:
    """Whether a line can be a token's first only together with the next one."""
    row = ROW.match(text)
    if row:
        return row.group(1) is not None
    return text.startswith(("User:", "Primary Group:")) and "S-1-" in text and len(LABEL.findall(text)) == 1


def confirms(first: str, text: str) -> bool:
    """Whether the next line shows that the one before was a token's."""
    if first.startswith("User:"):
        return text.rstrip(" :") in ("User Groups", "Groups") and text.rstrip().endswith(":")
    if first.startswith("Primary Group:"):
        return re.match(r"Pri?v\w{0,4}:\s*$", text) is not None
    return ATTRIBUTES.match(text) is not None


def is_of_another(text: str) -> bool:
    """Whether another command printed the line."""
    if "->" not in text and text[:1] != "+" and "offsets" not in text:
        return False
    return _OTHERS.search(text) is not None


SHORT = 40  # characters of a line that is worth a look whatever it says


def may_begin(text: str) -> bool:
    """Whether a line outside all tokens needs a look: a log is full of lines that do not."""
    if len(text) <= SHORT or "S-1-" in text or "s-1-" in text or "oken" in text or "TOKEN" in text or ">" in text:
        return True
    if "rivilege" in text or text[:1] in "!$┌╭└" or "@" in text:
        return True
    return text.partition(" ")[0].partition(":")[0].lower() in FIRST_WORDS or is_decoration(text)


# Most lines of `!process` that are no call stack: so they need no closer look here.
_OF_PROCESS = re.compile(
    r"(?:(?:THREAD|PROCESS) [0-9a-f]{8}|Owning Process  |Not impersonating$|DirBase: |Image: "
    r"|[0-9a-f]{8}`[0-9a-f]{8}  [A-Z])[\w .:()`-]*$"
)
_NOT_OF_PROCESS = re.compile(r"S[-e]|(?i:token)|hoami|Attributes|offsets")


def is_of_process(text: str) -> bool:
    """Whether a line outside all tokens is one of a process or a thread, in which no token can begin."""
    return _OF_PROCESS.match(text) is not None and _NOT_OF_PROCESS.search(text) is None


def first_pointer(text: str) -> Optional[int]:
    """The first number in a line that is as long as an address."""
    found = re.search(r"\b(?:0x[0-9a-fA-F][0-9a-fA-F`]{3,18}|[0-9a-fA-F]{8}`?[0-9a-fA-F]{8}|[0-9a-fA-F]{8})\b", text)
    return pointer_at(found.group().replace("`", ""))[0] if found else None


def may_be_several(text: str) -> bool:
    """Whether a line may hold several of a token's."""
    if "_TOKEN " in text[1:] and not OWNER.match(text):
        return True
    return len(text) > 60 and text.count("S-1-") + text.count("Attributes - ") + text.count("Se") > 1


def pieces(text: str) -> List[str]:
    """A line that was several, taken apart where rows begin."""
    pieces: List[str] = []
    for piece in SPLIT.split(text):
        if SID.match(piece.lstrip("0123456789 ")) and " Attributes - " in piece:
            pieces += ROW_ATTRIBUTES.split(piece, 1)
        else:
            pieces.append(piece)
    return [piece.strip() for piece in pieces if piece.strip()]


class Seen(NamedTuple):
    """What a line is, by itself.

    nothing  a rule, and no more
    command  behind a prompt; None where there is none
    others   whether another command printed it
    pieces   what it holds of a token's lines: nearly always itself
    """

    nothing: bool
    command: Optional[str]
    others: bool
    pieces: Tuple[str, ...]


class Piece(NamedTuple):
    """What one of a token's lines is, by itself: each None where it is not that.

    head        its address
    owner       of `!token` without an argument: EPROCESS and token
    row         number, SID, what stands behind it
    attributes  their words
    label       the line from its first label on, if it may have one
    """

    head: Optional[int]
    owner: Optional[Tuple[int, int]]
    row: Optional["re.Match[str]"]
    attributes: Optional[str]
    privilege: Optional["re.Match[str]"]
    label: Optional[str]


def seen(text: str) -> Seen:
    """A line without blanks at its ends, looked at once: of the next token most are the same."""
    return _seen(text) if len(text) <= _SHORT else _seen.__wrapped__(text)


def piece_of(text: str) -> Piece:
    """The same of a piece of one."""
    return _piece_of(text) if len(text) <= _SHORT else _piece_of.__wrapped__(text)


@lru_cache(2048)
def _seen(text: str) -> Seen:
    several = may_be_several(text)
    return Seen(is_decoration(text), command_of(text), is_of_another(text), tuple(pieces(text)) if several else (text,))


@lru_cache(2048)
def _piece_of(text: str) -> Piece:
    head = HEAD.match(text)
    owner = OWNER.match(text) if "_EPROCESS" in text else None
    attributes = ATTRIBUTES.match(text) if text[:4].lower() == "attr" else None
    number = NUMBER_AND_LABEL.match(text)
    return Piece(
        pointer_at(head.group(1).replace("`", ""))[0] if head else None,
        (_number(owner.group(1)), _number(owner.group(2))) if owner else None,
        ROW.match(text) if "S-1-" in text or "s-1-" in text else None,
        attributes.group(1) if attributes else None,
        PRIVILEGE_ROW.match(text) if "Se" in text or "Unknown Privilege" in text else None,
        None if ":" not in text else text[number.end() :] if number else text,
    )


def _number(digits: str) -> int:
    return int(digits.replace("`", ""), 16)
