"""Prompts and commands in a saved log: what was asked in front of each output.

Prompt forms are those of "Debugger Command Prompt" and "Thread/Processor syntax" on
learn.microsoft.com: `kd>`, `0: kd>` (processor), `lkd>` (local), `1: kd:x86>` (machine mode),
`||0:0: kd>` (several systems), `0:000>` (user mode).  Engines that are driven by a program echo a
command without a prompt; such a line counts only when it is one of the commands known here.
"""

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

PROMPT = re.compile(
    r"^[ \t]*(?:(?:[|0-9:.]{1,12} ?){0,3}(?P<kernel>l?kd)|[|0-9:. ]{0,12}[0-9]{1,3}:[0-9]{3})(?::\w{1,8})?>[ \t]?(?P<command>.*)$"
)
_DUMP = r"d[bcdpqwW]|d[dpq]s"
BARE = re.compile(
    r"^(?:dt +[-\w!(]|(?:%s) +[-/\w@(!]|x +(?:/\w+ +)?\w+!|\?\?? |ln +[\w!@]|!(?:process|token|thread|object|list)\b|"
    r"(?:lm\w{0,4}|vertarget|version)(?: +m? *\S+)?$)" % _DUMP
)
_DUMP_COMMAND = re.compile(r"^(?:%s)(?:\s|/|$)" % _DUMP)
_SYMBOL = re.compile(r"^&?(?:nt|ntkrnl\w{1,3}|ntoskrnl|ntkrpamp)!([A-Za-z_?@$][\w?@$]*)$")
_NUMBER = re.compile(r"^(?:0x)?([0-9a-fA-F]{1,8}(?:`?[0-9a-fA-F]{8})?)$")
_DECIMAL = re.compile(r"^0n([0-9]{1,20})$")
_TYPE = re.compile(r"^(?:(\w+)!)?([A-Za-z_<][\w<>\-$]*)$")
_SIZEOF = re.compile(r"sizeof\s*\(\s*(?:(?:struct|union)\s+)?(?:\w+!)?(\w+)\s*\)")
# Extensions that print memory in the shape of `dq` without it being memory of that address; these do not.
_PASSES_ON = re.compile(r"^!(?:list|for_each|py|dml_|dd\b|dq\b)")
# A type of these modules is the kernel's; the same names in others may be other structs.
KERNEL_MODULES = ("nt", "ntdll", "ntkrnlmp", "ntkrnlpa", "ntoskrnl", "ntkrpamp", "ntkrla57")


def split_prompt(text: str) -> Optional[str]:
    """The command behind a prompt ("" for an empty one); None where the line has no prompt."""
    match = PROMPT.match(text)
    if match:
        return match["command"].strip()
    return text.strip() if BARE.match(text) else None


def folded(command: str) -> str:
    """The form in which commands are compared: blanks, case and how numbers are written do not count."""
    return " ".join(re.sub(r"(?<![\w])0x(?=[0-9a-f])", "", command.replace("`", "").lower()).split())


def parts_of(command: str) -> List[str]:
    """`dq X; dt Y` -> the commands one by one; a `;` between quotes or braces separates nothing."""
    parts: List[str] = []
    begin = depth = 0
    quoted = False
    for at, mark in enumerate(command):
        if mark == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif mark in "{(":
            depth += 1
        elif mark in "})":
            depth = max(0, depth - 1)
        elif mark == ";" and not depth:
            parts.append(command[begin:at].strip())
            begin = at + 1
    parts.append(command[begin:].strip())
    return [part for part in parts if part]


class Dt(NamedTuple):
    """A `dt` command: the type asked for, the address if it can be told, and how it was asked.

    known     the type's module is the kernel's, or not named
    filtered  only some fields were asked for
    nested    -r or -b: members of members are printed under them
    """

    type: str
    address: Optional[int]
    known: bool
    filtered: bool
    nested: bool


class Asked(NamedTuple):
    """What is known of one command line.

    text     the line
    dts      its `dt` commands
    symbols  nt symbols whose address the first number of the output tells, by kind of output
    sizeof   type whose size the output tells
    memory   whether lines shaped like `dq`'s are memory of the address that they begin with
    dumps    the line is one memory command, so its spacing need not be right
    """

    text: str
    dts: Tuple[Dt, ...] = ()
    evaluated: Optional[str] = None
    dumped: Optional[str] = None
    sizeof: Optional[str] = None
    memory: bool = True
    dumps: bool = False


NOTHING = Asked("")


def asked_by(command: str, symbols: Dict[str, int]) -> Asked:
    """What a command line asks; `symbols` are those known so far, for addresses like nt!X."""
    parts = parts_of(command[:4096])
    dts = [dt for dt in (_parse_dt(part, symbols) for part in parts) if dt is not None]
    evaluated = dumped = sizeof = None
    first = parts[0] if len(parts) == 1 else ""
    if first.startswith("?"):
        body = first.lstrip("?").strip()
        symbol = _SYMBOL.match(body)
        evaluated = symbol[1] if symbol else None
        size = _SIZEOF.search(body)
        if size and re.match(r"^(?:@@(?:c\+\+)?\(\s*)?sizeof\s*\([^()]*\)\s*\)?$", body):
            sizeof = size[1]
    dumps = all(_DUMP_COMMAND.match(part) for part in parts) and bool(parts)
    if first and dumps:
        words = re.sub(r"^(\w+)\s*/c\s*\w*", r"\1", first).split()
        if len(words) in (2, 3) and (len(words) == 2 or re.match(r"^[lL]", words[2])):
            symbol = _SYMBOL.match(words[1])
            dumped = symbol[1] if symbol else None
    memory = not any(part.startswith("!") and not _PASSES_ON.match(part) for part in parts)
    return Asked(command, tuple(dts), evaluated, dumped, sizeof, memory, dumps)


def value_of(expression: str, symbols: Dict[str, int]) -> Optional[int]:
    """The number that an address expression stands for: sums of numbers and known nt symbols, else None.

    Plain digits are hexadecimal, as in the debugger's MASM expressions.
    """
    total = 0
    for sign, term in re.findall(r"([+-]?)([^+-]+)", expression.strip()):
        number, decimal, symbol = _NUMBER.match(term), _DECIMAL.match(term), _SYMBOL.match(term)
        if decimal:
            value = int(decimal[1])
        elif number:
            value = int(number[1].replace("`", ""), 16)
        elif symbol and symbol[1] in symbols:
            value = symbols[symbol[1]]
        else:
            return None
        total += -value if sign == "-" else value
    return total if total > 0 else None


def _parse_dt(part: str, symbols: Dict[str, int]) -> Optional[Dt]:
    words = part.split()
    if not words or words[0] != "dt":
        return None
    nested = filtered = False
    type_name: Optional[str] = None
    known = True
    address: Optional[int] = None
    index = 1
    while index < len(words):
        word = words[index]
        index += 1
        if re.match(r"^-[a-zA-Z]+[0-9]{0,2}$", word):
            nested = nested or word[1] in "rb"
            if word[1] in "yn":
                # -y: what follows is the beginning of field names; -n: a name that looks like a number
                filtered = True
                index += 1
            elif word[1] in "acilos" and word[1] != "o":
                filtered = True  # listings in other shapes: arrays, one line a struct, linked lists, sizes
            continue
        if type_name is None:
            match = _TYPE.match(word)
            value = value_of(word, symbols) if not (match and match[1]) else None
            if value is not None and value > 0xFFFFFF:
                address = value
                continue
            if match is None:
                return None
            type_name = match[2]
            known = match[1] is None or match[1].lower() in KERNEL_MODULES
            continue
        value = value_of(word, symbols)
        if address is None and value is not None and value > 0xFFFF:
            address = value
        elif word not in ("//",):
            # A field's name, or an address that cannot be told (@$t0, poi(...)).
            filtered = filtered or bool(re.match(r"^[A-Za-z_*][\w.*\[\]]*$", word))
    if type_name is None:
        return None
    return Dt(type_name, address, known, filtered, nested)
