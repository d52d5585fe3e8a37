"""A next step in the words of the place where one is: `!py` inside WinDbg; elsewhere with the file that was asked."""

import re
from typing import Sequence

from kdtoken.machine.open import Request

_NEXT = "\n  next: "
_VERB = re.compile(r"(?<![\w.-])kdtoken ([a-z]+)\b")
# Verbs that look at a machine, where no source stands behind them but a pid, or the rest of the sentence.
_NO_SOURCE = re.compile(
    r"(?<![\w.-])kdtoken (walk|dump|lineage)(?= (?:lists\b|shows\b|--token\b|\d+(?:[\s,;:]|\.?$|\.\s)))"
)


def here(message: str, asked: Sequence[Request], in_debugger: bool) -> str:
    """The message of an error, its next step made one that can be typed here.

    asked  what this run opened: where that was one file, a command without any means that one
    """
    told, mark, step = message.partition(_NEXT)
    if len(asked) == 1 and len(asked[0].sources) == 1:
        words = [asked[0].sources[0]] + (["--symbols", asked[0].symbols] if asked[0].symbols else [])
        source = " ".join('"%s"' % word if " " in word else word for word in words)
        step = _NO_SOURCE.sub(lambda found: "%s %s" % (found.group(), source), step)
    if in_debugger:
        step = _VERB.sub(r"!py -m kdtoken.\1", step)
    return told + mark + step
