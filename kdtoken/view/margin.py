"""Texts that were cut off at a right margin: by a screen, a page, a form's field, a printer.

Where the longest lines of a text's outputs all end in one column, whatever stands there may have gone on.  Such an end
is marked with CUT_OFF, which no reader takes for a part of a value: a shortened number, SID or name is never one, and of
attributes only those are not known that may have followed.
"""

import re
from typing import List

from kdtoken.view.lines import ENDED, Line
from kdtoken.view.markup import CUT_OFF
from kdtoken.view.whoami.words import attributes_of, state_of

__all__ = ("CUT_OFF", "LONGEST_CUT", "ends_at_a_margin")

# A log of this many lines was written by a debugger, and never cut.
LONGEST_CUT = 1 << 14
# Narrower than any margin that people have; and fewer lines of one width than this are no margin.
_NARROWEST, _FEWEST = 24, 2
# Lines of `!token`, of `!process` and of dt whose ends are values; and others of theirs, which are as wide as they are.
_VALUES = re.compile(
    r"\s{0,40}(?:\d{1,3}\s{1,4}(?:S-1-|0x[0-9a-f]{6})|Attributes? ?-|Se[A-Z]\w{2,60}\s{1,40}Attributes? ?-"
    r"|(?:TS Session ID|User|Primary Group|Auth(?:entication)? ID|Impersonation Level|Token ?Type|Source|Token ?Flags|Token ID"
    r"|Modified ID|RestrictedSidCount|OriginatingLogonSession|PackageSid|CapabilityCount|LowboxNumberEntry|Lowbox Number"
    r"|Security Attributes|Process Token TrustLevelSid|Elevation Type|Mandatory Policy|Integrity Level|Image) ?:"
    r"|\+0x[0-9a-f]{3}\s|User\s{2,8}S-1-|Owning Process|Searching for|Process Id:|(?:.{1,16}> ?)?dt\s|\s(?:S-1-[0-9]|Se[A-Z]\w))"
)
_OTHERS = re.compile(r"\s{0,40}(?:PROCESS|THREAD|DirBase:|SessionId:|[0-9a-f]{8}`[0-9a-f]{8} )")
# The number of handles has a full stop behind it, and what stands for it a bracket: with neither, the line was cut there.
_TORN = re.compile(r"\s{0,40}DirBase: .{0,200}HandleCount:\s{0,12}(?:<[^>]{0,40}|[0-9]{0,10})$")
# Consoles are 80, 120 or 132 columns wide, and some leave the last one free; a blank at the end may be lost, too.
_CONSOLES = (78, 79, 80, 118, 119, 120, 131, 132)
# What a console's width broke off a line stands in the next one.
_REST = re.compile(r"(?:Mandatory|Default|Enabled|Owner|DenyOnly|LogonId|Group\w+)(?:\s|$)")
# Words of which none can have stood in between.
_IN_ORDER = (
    ("Mandatory", "Default"),
    ("Default", "Enabled"),
    ("Enabled", "Default"),
    ("Enabled", "Owner"),
    ("Enabled", "LogonId"),
    ("GroupIntegrity", "GroupIntegrityEnabled"),
)
_NEXT, _LATER = "next", "later"
_BOLD = 5  # asterisks that were around a word, and the blank behind it
_WORDS = ("Mandatory", "Default", "Enabled", "Owner", "DenyOnly", "LogonId", "UsedForAccess", "GroupIntegrityEnabled")
# Attributes of which the last is a word's beginning.
_HALF_WORD = re.compile(
    r"Attributes? - (?:.* )?(?:%s)$" % "|".join(word[:end] for word in _WORDS for end in range(1, len(word)))
)
# In a whole output these are never the longest: one of them is enough.
_SHORT = re.compile(r"\s{0,40}(?:Owning Process|Searching for|Image:)")
_PAIR = re.compile(r"[^\s:][^:]{0,60}: {1,20}\S")  # a line of whoami's list form
_SID_PAIR = re.compile(r"SID: {1,20}S-1-")
_DT = re.compile(r"\s{0,12}(?:.{1,16}> ?)?dt\s")  # whatever address it ends in, an offset may follow
# Behind these nothing more is ever printed: a bracket, a quote, a whole 64-bit pointer, a file's kind, a last attribute.
_CLOSED = re.compile(
    r"(?:[)\]\"'>]|\.exe|\.EXE|[0-9a-f]{8}`[0-9a-f]{8}|(?<![0-9a-f])[0-9a-f]{16}"
    r"|Se\w+ +Attributes - (?:.*\bDefault|UsedForAccess)|\b(?:DenyOnly|Owner|LogonId|GroupIntegrityEnabled|GroupResource|Resource))\s*$"
)
_ENABLED = re.compile(r"\s{0,12}\S.*Se\w+ +Attributes -(?: Enabled)?\s*$")
# Only in tokens of the system itself, all of which have this one enabled by default, have rows that are longer the default.
_NO_SYSTEM = re.compile(r"\s{0,12}\S.{0,24}\bSeTcbPrivilege +Attributes -(?: Enabled)?\s*$")
_INTEGRITY = re.compile(r"Attributes - GroupIntegrity(?: GroupIntegrity)?\s*$")
_DEFAULT = re.compile(r"Se\w+ +Attributes - Enabled Default\s*$")
# An account's number begins at 496 ([MS-DTYP] 2.4.2.4): with less, the end of it is not there;
# and no integrity level but the lowest is below 4096.
_SMALL_RID = re.compile(
    r"S-1-(?:5-21(?:-[0-9]{7,10}){3}-(?:[0-9]{1,2}|[1-3][0-9]{2}|4[0-8][0-9]|49[0-5])"
    r"|16-(?:[1-9][0-9]{0,2}|[1-3][0-9]{3}|40[0-8][0-9]|409[0-5]))$"
)
# SIDs made of a hash have all its 32-bit parts: of an app container 7 (its child 11), of a capability 8 or its container's
# 7, of a service and of an application pool 5 (learn.microsoft.com "CreateAppContainerProfile", "Capability SIDs").
_PART_OF_A_HASH = re.compile(
    r"S-1-(?:15-3-1024(?:-[0-9]{3,10}){1,7}|15-2(?:-[0-9]{5,10}){1,6}|15-2(?:-[0-9]{5,10}){8,10}"
    r"|15-3(?:-[0-9]{5,10}){1,6}|5-8[02](?:-[0-9]{5,10}){1,4})$"
)
# Of one part in 430 the number is so short; at the end of the longest line it was longer.
_SHORT_HASH = re.compile(
    r"S-1-(?:15-3-1024(?:-[0-9]{1,10}){7}|15-2(?:-[0-9]{1,10}){6}(?:(?:-[0-9]{1,10}){4})?|15-3(?:-[0-9]{1,10}){6}"
    r"|5-8[02](?:-[0-9]{1,10}){4})-[0-9]{1,7}$"
)
# Accounts of one domain are equally long, and those of a text's beginning its longest lines.
_WHOLE_SID = re.compile(r"S-1-5-21(?:-[0-9]{1,10}){3}-(?:49[6-9]|[5-9][0-9]{2}|[0-9]{4,10})\s*$")


def ends_at_a_margin(lines: List[Line]) -> List[Line]:
    """The lines, CUT_OFF behind those that end where a margin may have cut them."""
    if len(lines) > LONGEST_CUT:
        return lines
    listed = any("SID:" in line.text and _SID_PAIR.match(line.text) for line in lines)
    values, others, same, torn = [], 0, 0, False
    for at, line in enumerate(lines):
        text = line.text
        if _VALUES.match(text) is not None or (listed and _PAIR.match(text) is not None):
            values.append(at)
        elif len(text) >= others and _OTHERS.match(text) is not None:
            same, torn = (same + 1, torn) if len(text) == others else (1, False)
            others, torn = len(text), torn or _TORN.match(text) is not None
        if text[-1:].isdigit() and "S-1-" in text and (_SMALL_RID.search(text) or _PART_OF_A_HASH.search(text)):
            lines[at] = _cut_off(line)
    if listed and len({lines[at].number for at in values}) < len(values):
        return lines  # a string's repr: its lines are no lines of the file
    widths = [_width_of(lines[at]) for at in values]
    widest = max(widths, default=0)
    for at, width in zip(values, widths):
        if width == widest and _SHORT_HASH.search(lines[at].text) is not None:
            lines[at] = _cut_off(lines[at])
    lone = any(width == widest and _is_everybodys(lines[at].text) for at, width in zip(values, widths))
    if others == widest + 1 and (same >= _FEWEST or torn or lone):
        widest = others  # the values' lines lost the blank that stood there
    if widest < _NARROWEST or others > widest:
        return lines
    # With the blanks at their ends lost, lines end one column earlier.
    near = sum(width == widest - 1 and not _is_closed(lines[at].text, listed) for at, width in zip(values, widths))
    near += same if others == widest else 0
    if widths.count(widest) + near < _FEWEST and not _one_is_enough(lines, values, widths, widest, others):
        return lines
    there = [lines[at].text for at, width in zip(values, widths) if width == max(widths)]
    # Rows whose blank was lost there, too.
    there += [
        lines[at].text for at, width in zip(values, widths) if width == max(widths) - 1 and _is_bare(lines[at].text)
    ]
    if all(_WHOLE_SID.search(text) is not None or _is_closed(text, listed) for text in there):
        return lines
    if listed and not any(width == widest and _is_broken(lines, at, listed) for at, width in zip(values, widths)):
        return lines
    # Beside half a word, rows are narrower that had some of their words in bold.
    half = any(width == widest and _HALF_WORD.search(lines[at].text) is not None for at, width in zip(values, widths))
    least = widest - (_BOLD if half else 1)
    open_ones = []
    for at, width in zip(values, widths):
        text = lines[at].text
        is_closed = _is_closed(text, listed) and not (text.rstrip().endswith(" Owner") and _is_logon(lines, at))
        if width >= least and not text.endswith(CUT_OFF) and not is_closed:
            open_ones.append(at)
    broken = {at: _goes_on(lines, at) for at, width in zip(values, widths) if width == widest and at in open_ones}
    for at in open_ones:
        # What a console broke goes on in the next line; unless the whole was cut once more, and a word lost in between.
        if not broken.get(at) or (
            broken[at] is not _NEXT and len([one for one in open_ones if not broken.get(one)]) > 0
        ):
            lines[at] = _cut_off(lines[at])
    return lines


def _cut_off(line: Line) -> Line:
    """The line with the mark; its width stays."""
    return line._replace(text=line.text + CUT_OFF, width=line.width or len(line.text))


def _goes_on(lines: List[Line], at: int) -> str:
    """How a line goes on in the one behind it: not at all, with the very word that comes next in every output, with another."""
    rest = _REST.match(lines[at + 1].text) if at + 1 < len(lines) else None
    if rest is None:
        return ""
    return _NEXT if (lines[at].text.split()[-1], rest.group().strip()) in _IN_ORDER else _LATER


def _width_of(line: Line) -> int:
    """Columns of a line as it stood in the file: mark-up at its sides, bold left over, took some of a margin's."""
    return abs(line.width) if abs(line.width) > ENDED else len(line.text.rstrip(CUT_OFF))


def _one_is_enough(lines: List[Line], values: List[int], widths: List[int], widest: int, others: int) -> bool:
    """Whether a single line of that width shows a margin: in no whole output is it the longest."""
    longest = [lines[at].text for at, width in zip(values, widths) if width >= widest - 1]
    if any((others and _SHORT.match(text) is not None) or _INTEGRITY.search(text) is not None for text in longest):
        return True
    # Of all tokens, one privilege at least is enabled by default; its row is longer than those that are not.
    if any(_is_everybodys(text) or _HALF_WORD.search(text) is not None for text in longest):
        return True
    rows = [text for text in longest if _ENABLED.match(text) is not None]
    if widest in _CONSOLES and any(_is_an_open_row(lines[at], widest) for at in values):
        most = widest + (longest[-1][-1:] != " ")  # with the blank that it has lost
        return all(len(one.text.rstrip(CUT_OFF)) <= most and _NO_SYSTEM.match(one.text) is None for one in lines)
    if len(values) < _FEWEST:
        return False  # a row by itself, as people quote one
    if sum("Attributes - " in lines[at].text and " Se" in lines[at].text for at in values) < _FEWEST:
        rows = [text for text in rows if text.rstrip().endswith("Enabled")]
    return bool(rows) and not any(_DEFAULT.search(lines[at].text) for at in values)


def _is_everybodys(text: str) -> bool:
    """Whether it is the row of the privilege that nobody has but enabled by default, and does not say so."""
    return "SeChangeNotifyPrivilege" in text and _ENABLED.match(text) is not None


def _is_bare(text: str) -> bool:
    """Whether a row of a privilege ends in "Attributes -" without the blank that is printed behind it."""
    return text[-1:] == "-" and _ENABLED.match(text) is not None


def _is_an_open_row(line: Line, width: int) -> bool:
    """Whether a row of !token's has this width, and a word at its end that another one may follow."""
    return len(line.text) == width and line.width != ENDED and _ENABLED.match(line.text) is not None


def _is_logon(lines: List[Line], at: int) -> bool:
    """Whether the line below a logon session's SID has this number: its last attribute is LogonId."""
    return at > 0 and "S-1-5-5-" in lines[at - 1].text


def _is_broken(lines: List[Line], at: int, listed: bool) -> bool:
    """Whether a line is a SID's, or that of the attributes behind it, and not known to be whole; names can be anything."""
    text = lines[at].text
    if _PAIR.match(text) is None or _SID_PAIR.match(text):
        return True
    return at > 0 and _SID_PAIR.match(lines[at - 1].text) is not None and not _is_closed(text, listed)


def _is_closed(text: str, listed: bool) -> bool:
    if _DT.match(text) is not None:
        return False
    if _SHORT.match(text) is not None:
        return text.lower().endswith(".exe")  # a name can have any other sign in it
    if _CLOSED.search(text) is not None:
        return True
    pair = _PAIR.match(text) if listed else None
    words = text[pair.end() - 1 :] if pair is not None else ""
    return bool(words) and (isinstance(attributes_of(words), int) or state_of(words) is not None)
