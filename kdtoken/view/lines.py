"""Text that people paste, made readable again: encodings, markup, prompts and prefixes, line by line.

Nothing is thrown away unseen: a physical line becomes one Line or more, each with the number of the physical
line, and a view says of each whether it understood it.  What is removed here is what no Windows tool wrote:
HTML and debugger mark-up, entities, code fences, the prefix that remote shells put before each line.
The forms of the debugger's prompts: learn.microsoft.com "Debugger command window".
"""

import html
import re
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional

from kdtoken.errors import BadFormat
from kdtoken.view.markup import CUT_OFF, JOINT, ends_with_tag, is_cut_in_a_link, joined_at_tags
from kdtoken.view.pasted import as_printed
from kdtoken.view.words import has_facts


class Line(NamedTuple):
    """A line of the text.  A tuple, since a log has millions of them.

    number  of the physical line, from 1; a physical line that was several (HTML, a string's repr) gives them all
            the same number
    text    without mark-up; blanks before and behind are kept
    width   of the physical line that ends with it, where mark-up was taken out of it; 0 where it is the text's own,
            ENDED where a tag ends it, and negative where a tag in it does not end
    """

    number: int
    text: str
    width: int = 0


class Decoded(NamedTuple):
    """Text out of bytes, with the encoding that was taken and, when that is doubtful, why."""

    text: str
    encoding: str
    note: str = ""


_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x08\x1b\0") | {0x7F})
_SAMPLE = 65536


def decode_text(data: bytes, name: str = "the text") -> Decoded:
    """The text that the bytes hold; an empty or binary file is BadFormat.

    Tried in turn: a byte order mark, UTF-16 by where its NULs lie, UTF-8, then a code page of one byte a
    character: an OEM one (437) when most letters lie where only OEM pages have letters, else Windows-1252.
    """
    if not data:
        raise BadFormat("%s is empty" % name, name, "copy it again")
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _text(data[len(bom) :].decode(encoding, "replace"), encoding, name)
    head = data[:_SAMPLE]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 > len(head) // 2 and min(even, odd) * 8 <= max(even, odd):
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        return _text(data.decode(encoding, "replace"), encoding, name, "no byte order mark; told by its NULs")
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls * 20 > len(head) or head.count(0) * 3 > len(head):
        raise BadFormat("%s is binary data, not text" % name, name, "give the text that the command printed")
    try:
        return _text(data.decode("utf-8"), "utf-8", name)
    except UnicodeDecodeError:
        pass
    high = len(data) - len(data.translate(None, bytes(range(0x80, 0x100))))
    guess = data.decode("utf-8", "replace")
    bad = guess.count("\ufffd")
    if bad <= 1 or bad * 20 <= high:
        return _text(guess, "utf-8", name, "%d places are not UTF-8 and stand as U+FFFD" % bad)
    low_half = len(data) - len(data.translate(None, bytes(range(0x80, 0xA8))))
    if low_half * 2 >= high:
        return _text(data.decode("cp437"), "cp437", name, "not UTF-8; letters where an OEM code page has them")
    try:
        return _text(data.decode("cp1252"), "cp1252", name, "not UTF-8; read as the Windows code page")
    except UnicodeDecodeError:
        return _text(data.decode("latin-1"), "latin-1", name, "not UTF-8, nor any byte of it certain")


def _text(text: str, encoding: str, name: str, note: str = "") -> Decoded:
    if not text.strip("\0 \t\r\n\f\ufeff"):
        raise BadFormat("%s holds nothing but blanks" % name, name)
    return Decoded(text, encoding, note)


# Tags of web pages and of the debugger's own mark-up (learn.microsoft.com "Customizing debugger output using
# DML").  A list, since `<Data Not Accessible>` is the debugger's text.
_TAG = re.compile(
    r"</?(?:a|b|i|u|s|em|br|td|tr|th|ul|ol|li|hr|p|h[1-6]|div|pre|col|img|sup|sub|span|code|font|exec|link|table"
    r"|tbody|thead|strong|figure|altlink|section|details|summary)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s?/?>|</(?:div|tr|li|p|pre|h[1-6])>", re.IGNORECASE)
_HALF_TAG = re.compile(r"""\b(?:exec|link|altlink) cmd=(?:"[^"<>]{0,500}"|'[^'<>]{0,500}')\s?>""")
_REPR = re.compile(r"""\s{0,20}b?['"]""")
_REPR_ENDS = 3  # behind the quote, a list's comma or bracket may stand
# NetExec and its ancestors: protocol, address, port, host; then the output.
_PREFIX = re.compile(
    r"\s{0,20}(?:SMB|MSSQL|WINRM|LDAP|SSH|WMI|RDP|FTP|VNC)\s{1,20}[0-9A-Fa-f.:]{2,45}\s{1,20}\d{1,5}"
    r"\s{1,20}\S{1,64}(?:\s{1,20}|$)"
)
_BLANKS = str.maketrans(
    {
        "\t": " ",
        "\u00a0": " ",
        "\u3000": " ",
        "\0": "",
        "\ufeff": "",
        "\u200b": "",
        "\u200e": "",
        "\u200f": "",
        "\u2028": "\n",
        "\x08": "",
        "\x0c": " ",
        "\x0b": " ",
        "\u2007": " ",
        "\u202f": " ",
        "\u2010": "-",
        "\u2011": "-",
        "\u2212": "-",
        JOINT: "",
    }
)
_ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_ODD = re.compile("[^ -%'-;=?-~]")  # a line with none of these needs no work: neither & nor < nor >
_NOT_ODD = bytes(set(range(0x20, 0x7F)) - set(b"&<>")) + b"\n"
_FENCE = re.compile(r"\s{0,20}(?:```|~~~)[\w+#. -]{0,30}$")


_BLOCK = 1 << 16
_SHARED = 1 << 10  # different texts of lines, from the beginning, that are kept once
# No console that breaks lines is narrower.
_NARROWEST = 60
# The width of a line that a tag ends: no console's width did.
ENDED = 1


def width_of(line: Line) -> int:
    """Columns of the physical line."""
    return abs(line.width) or len(line.text)


def broken_width(lines: Iterable[Line]) -> int:
    """How wide a line is that a console may have broken: as the widest of the text, if that is wide enough for one."""
    widest = max((abs(width) or len(text) for _, text, width in lines), default=0)
    return widest if widest >= _NARROWEST else 1 << 30


def split_lines(
    text: str, most: int = 1 << 62, split: Callable[[str], Iterable[str]] = lambda block: block.split("\n")
) -> Iterator[Line]:
    """The lines of a text, un-mangled; of empty ones in a row at most so many.

    split  takes a part of the text apart; what it leaves together, with line breaks in it, stays one Line of that width
    """
    text = as_printed(joined_at_tags(text.replace("\r\n", "\n"), is_cut))
    number, start, end = 0, 0, len(text)
    empty = 0
    shared: Dict[str, str] = {}  # of the same text again and again, one is kept
    while start <= end:
        # A log is plain for megabytes: one search a block, not one a line, decides that it stays as it is.
        stop = text.find("\n", start + _BLOCK)
        block = text[start : end if stop < 0 else stop]
        start += len(block) + 1
        plain = block.isascii() and not block.encode("ascii").translate(None, _NOT_ODD) and "**" not in block
        for physical in split(block):
            number += 1
            if "\n" in physical:
                empty = 0
                yield Line(number, physical, max(map(len, physical.split("\n"))))
                number += physical.count("\n")
                continue
            if not physical:
                empty += 1
                if empty <= most:
                    yield Line(number, physical)
                continue
            if (plain or (_ODD.search(physical) is None and "**" not in physical)) and physical[0] not in _LEADS:
                empty = 0
                if len(shared) < _SHARED:
                    physical = shared.setdefault(physical, physical)
                else:
                    physical = shared.get(physical, physical)
                yield Line(number, physical)
                continue
            # A tag that goes on in the next line may have taken a row with it.
            width = len(physical.rpartition(JOINT)[2]) * (-1 if physical.count("<") > physical.count(">") else 1)
            several = _unmangled(physical)
            widths = [ENDED] * (len(several) - 1) + [ENDED if width > 0 and ends_with_tag(physical) else width]
            for one, its in zip(several, widths):
                empty = 0 if one else empty + 1
                if empty <= most:
                    yield Line(number, one, its)
            number += physical.count(JOINT)


# How a string's repr, a fence, a remote shell's prefix and xp_cmdshell's NULL begin.
_LEADS = frozenset(("'", '"', "b", "S", "M", "`", "~", "N", "L", "W", "R", "F", "V"))


# As HTML has them, but bounded: &#11...1; of 5,000 digits is no character.
_ENTITY = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31})(?![0-9]);?")


def _unmangled(physical: str) -> List[str]:
    text = physical.replace("\r", "\n").translate(_BLANKS)
    numbered = 'class="gutter"' in text
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if text.count("\\n") >= 2 and _REPR.match(text):
        text = text.strip().lstrip("b")
        # Without the quote at its end, a margin has cut the string.
        end = text.rfind(text[0], max(1, len(text) - _REPR_ENDS))
        text = text[1:end] if end > 0 else text[1:] + CUT_OFF
        text = text.replace("\\r", "").replace("\\n", "\n").replace("\\\\", "\\")
    if "<" in text or "&" in text or 'cmd="' in text:
        text += CUT_OFF if is_cut_in_a_link(text) else ""
        if "<" in text or 'cmd="' in text:
            text = "".join([_HALF_TAG.sub(_tag, _TAG.sub(_tag, _BREAK.sub("\n", one))) for one in _pieces(text, "<")])
        # Twice: text that went through two pages has &amp;lt; for <.
        for _ in range(2):
            text = "".join([_ENTITY.sub(_character, one) for one in _pieces(text, "&")]) if "&" in text else text
        text = text.translate(_BLANKS)
    lines = [_plain(one) for one in text.rstrip("\n").split("\n")]
    # A blog's line numbers stand in a column of their own.
    return ["" if numbered and one.strip().isdigit() else one for one in lines]


def _pieces(text: str, sign: str) -> Iterator[str]:
    """A long line in pieces that begin with the sign, which stands only at the beginning of what is looked for: all that
    is found in 100 MB of tags would take ten times as much."""
    at = 0
    while len(text) - at > _BLOCK:
        end = text.find(sign, at + _BLOCK)
        if end < 0:
            break
        yield text[at:end]
        at = end
    yield text[at:]


def _character(found: "re.Match[str]") -> str:
    return html.unescape(found.group())


def _tag(found: "re.Match[str]") -> str:
    """What is left of a tag: nothing, unless a broken one swallowed what a view must see."""
    inside = found.group()
    return " %s " % inside.strip("<>") if "S-1-" in inside or "Privilege" in inside else ""


# A mail's or a page's quote marks; `>` with a word behind it and nothing else before is somebody's prompt, too.
_QUOTE = re.compile(r"(?:>{1,8} ?){1,8}")
# Bold that a page's editor left as it was typed, whole or half; the debugger's own banners have more asterisks.
_BOLD = re.compile(r"(?<!\*)\*\*(?!\*)")


def _plain(text: str) -> str:
    if text[:1] == ">":
        quote = _QUOTE.match(text)
        text = text[quote.end() :] if quote else text
    if "**" in text:
        text = _BOLD.sub("", text)
    prefix = _PREFIX.match(text)
    if prefix:
        text = text[prefix.end() :]
    if _FENCE.match(text):
        return ""
    if text[:1] == "`" and text.rstrip()[-1:] == "`":
        text = text.rstrip()[1:-1]
    # xp_cmdshell gives NULL for an empty line.
    return "" if text.strip() == "NULL" else text


_KD = re.compile(
    r"\s{0,40}(?:\d{1,3}: ?|\d{1,3}\.\d{1,3}: ?)?[lx]?kd(?::[\w-]{1,10})?-?> ?|\s{0,40}\d{1,4}:\d{3,4}(?::\w{1,8})?> ?"
)
_COMMAND_BEGINS = re.compile(r"(?:[\w-]{0,10}kd[\w:]{0,10}> ?)*[.!?$@~|*;a-z]")
_SHELL = re.compile(
    r"\s{0,40}(?:\*Evil-WinRM\*\s?)?(?:CMD\s[^>]{1,100}\s)?(?:\(\w{1,40}\)\s?)?(?:PS )?[A-Za-z]:\\?[^<>|?*\"]{0,260}>[> ]?"
    r"|\s{0,40}PS>[> ]?|\s{0,40}SQL(?: \([^()]{0,80}\))?>[> ]?|\s{0,40}meterpreter ?> ?|\s{0,40}└─[#$] ?|\s{0,40}[$>] {1,99}(?=\S)"
    r"|\s{0,40}[\w.-]{1,40}@[\w.-]{1,60}:[^#$]{0,120}[#$] ?|\s{0,40}[┌╭]──[^\n]{0,200}$"
    r"|\s{0,40}[\w.\\-]{1,60}@[\w.-]{1,60} [A-Za-z]:\\[^<>|?*\"]{0,260}>[> ]?|\s{0,40}PS [^<>|?*\"]{0,100}>[> ]?"
)
# Whatever prompt stands in front of it: whoami with its own switches, or nothing, at the end of a line.
_ASKS_WHOAMI = re.compile(
    r"[^|]{0,160}?[>$#%❯»➜λ:\])] {0,4}((?:[\w:\\.]{0,80}\\)?whoami(?:\.exe)?(?: +[/-](?:all|user|groups|priv|logonid|fo|upn|fqdn)\b.{0,80})?)$",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"\s{0,40}(?:!(?:\w{1,12}\.)?(?:token|process|thread)\b|(?:[\w:\\.]{0,80}\\)?whoami(?:\.exe)?(?:\s+[/-]\w|$))",
    re.IGNORECASE,
)


def command_of(text: str) -> Optional[str]:
    """The command that a line with a prompt holds (empty for a bare prompt); None for a line that is no prompt.

    A line that is only `!token ...`, `!process ...`, `!thread ...` or `whoami /...` counts too: prompts get lost.
    """
    if ">" in text:
        found = _KD.match(text) or _SHELL.match(text)
        if found:
            # A log written while the target ran has several prompts before one command.
            for _ in range(4):
                more = _KD.match(text, found.end())
                found = more or found
            return text[found.end() :].strip()
    elif text[:1] in "┌╭└ $" or "@" in text:
        found = _SHELL.match(text)
        if found:
            return text[found.end() :].strip()
    if ("!" in text or "whoami" in text.lower()) and _BARE.match(text):
        return text.strip()
    asked = _ASKS_WHOAMI.match(text.strip()) if "hoami" in text else None
    return asked.group(1) if asked else None


def is_debugger_command(text: str) -> bool:
    """Whether a line is a debugger's prompt and one of its commands: they begin in lower case or with a sign.

    Not where a SID or a privilege stands in it: that may be output behind a prompt.
    """
    found = _KD.match(text) if ">" in text else None
    return found is not None and _COMMAND_BEGINS.match(text, found.end()) is not None and not has_facts(text)


# An author's "here is more": three dots in many forms, or a word that says so.
_CUT = re.compile(
    r"\W{0,6}(?:\.{2,}|…{1,3}|(?:snip(?:ped)?|略|省略|省略部分|后略|중략|생략|truncated|cut|omitted|more|elided))\W{0,10}$",
    re.IGNORECASE,
)
_CUT_BEGINS = frozenset("sStTcCoOmMeE\u017f略省后중생")  # how those words begin
_RULE = re.compile(r"[-=_*~─━+|#\s]+$")


def is_cut(text: str) -> bool:
    """Whether the line says that its author left lines out."""
    if len(text) > 40 or (text[:1].isalnum() and text[0] not in _CUT_BEGINS):
        return False  # nearly every line: three readers ask of each
    return _CUT.match(text.strip()) is not None


def is_decoration(text: str) -> bool:
    """Blank, or a rule and nothing else."""
    if text[-1:].isalnum():
        return False  # nearly every line
    return not text or text.isspace() or _RULE.match(text) is not None
