"""Any text as a whole: the tokens that `!token` and whoami printed in it, in their order, processes and threads.

What a line is, is decided once: a line that one reader took is no other reader's.
"""

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import List, Tuple

from kdtoken.errors import BadFormat
from kdtoken.view.debugger.dt_values import read_dt_values
from kdtoken.view.debugger.process_text import PartialProcesses
from kdtoken.view.debugger.text import DebuggerText, read_debugger_lines
from kdtoken.view.debugger.threadtoken import read_thread_tokens
from kdtoken.view.debugger.token_text import PartialTokens
from kdtoken.view.leftovers import among
from kdtoken.view.lines import Line, split_lines
from kdtoken.view.margin import LONGEST_CUT, ends_at_a_margin
from kdtoken.view.partial import PartialToken
from kdtoken.view.runs import EMPTY, Run, apart, lines_and_runs
from kdtoken.view.whoami.reader import read_whoami_lines
from kdtoken.view.whoami.rows import WhoamiTexts
from kdtoken.view.words import has_facts

_MOST_LINES = 1 << 21  # some 250 bytes each, once all readers have seen it; empty lines and call stacks count for none
_BLOCK = 1 << 20  # characters: a whole text in lower case is one more of it in memory
_ASKED = re.compile(r"whoami(?:\.exe)?[\"']? {1,4}[/-]", re.IGNORECASE)


@dataclass(frozen=True)
class AnyText:
    """All readers' results; `tokens` are those of all of them, `not_understood` the lines that none knew."""

    tokens: Tuple[PartialToken, ...]
    debugger: PartialTokens
    processes: PartialProcesses
    whoami: WhoamiTexts
    not_understood: Tuple[Line, ...]
    file: str = "text"


def read_text(text: str, file: str = "text") -> AnyText:
    """All that a pasted text or a log tells.  Raises BadFormat where it has more lines than memory is for."""
    lines = _lines(text, file)
    debugger = read_debugger_lines(lines, file)
    dt_tokens, dt_processes, dt_lines = read_dt_values(lines, file)
    thread_tokens, thread_lines = read_thread_tokens(lines, file)
    whoami, neither = _whoami(text, lines, debugger, file)
    if dt_lines or thread_lines:
        neither = [line for line, other in zip(neither, among(neither, dt_lines + thread_lines)) if not other]
    tokens: List[PartialToken] = [*debugger.tokens.tokens, *whoami.tokens, *dt_tokens, *thread_tokens]
    tokens.sort(key=lambda one: min((place.line for place in one.places.values()), default=0))
    printed = replace(debugger.tokens, tokens=tuple(dt_tokens) + debugger.tokens.tokens)
    processes = replace(debugger.processes, processes=tuple(dt_processes) + debugger.processes.processes)
    return AnyText(tuple(tokens), printed, processes, whoami, tuple(neither), file)


def _lines(text: str, file: str) -> List[Line]:
    """The lines, those that a margin may have cut marked; of a log, which none has cut, threads are put together."""
    is_long = text.count("\n") >= LONGEST_CUT
    lines = list(islice(lines_and_runs(text) if is_long else split_lines(text, EMPTY), _MOST_LINES + 1))
    count = len(lines) + sum(line.count() - 1 for line in lines if isinstance(line, Run))
    if count > _MOST_LINES:
        lines.clear()  # the error would keep them, and somebody may ask once more
        raise BadFormat(
            "%s has over %d lines, which is too much to be read as text" % (file, _MOST_LINES),
            file,
            "choose lines of it: FILE:FIRST-LAST, or cut the file",
        )
    return lines if count > LONGEST_CUT else ends_at_a_margin(apart(lines, every=True))


def _whoami(text: str, lines: List[Line], debugger: DebuggerText, file: str) -> Tuple[WhoamiTexts, List[Line]]:
    """What whoami printed, and the lines that neither its reader nor the debugger's understood."""
    # Of a log of many megabytes most has nothing that whoami could have printed.
    may_be = any("hoam" in text[at : at + _BLOCK + 3].lower() for at in range(0, len(text), _BLOCK))
    asked = may_be and _ASKED.search(text) is not None
    if not asked and not any(has_facts(line.text) for line in debugger.not_understood):
        return WhoamiTexts((), (), (), (), ()), list(debugger.not_understood)
    lines = apart(lines, every=True)
    taken = among(lines, [*debugger.tokens.taken, *debugger.tokens.commands])
    # What the debugger printed is a prompt's end to whoami's reader: a table does not go on behind it.
    rest = [Line(line.number, "kd>") if its else line for line, its in zip(lines, taken)]
    whoami = read_whoami_lines(rest, file)
    left, unknown = among(rest, whoami.not_understood), among(lines, debugger.not_understood)
    return whoami, [line for at, line in enumerate(lines) if unknown[at] and (left[at] or taken[at])]
