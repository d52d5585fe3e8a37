"""A next step in the words of the place where one is: `!py` inside WinDbg; elsewhere with the file that was asked."""

import re
from typing import Callable, Sequence

from kdtoken.errors import UsageError
from kdtoken.machine.open import Request

_NEXT = "\n  next: "
_VERB = re.compile(r"(?<![\w.-])kdtoken ([a-z]+)\b")
# Verbs that look at a machine, where no source stands behind them but a pid, or the rest of the sentence.
_NO_SOURCE = re.compile(
    r"(?<![\w.-])kdtoken (walk|dump|lineage)(?= (?:lists\b|shows\b|--token\b|\d+(?:[\s,;:]|\.?$|\.\s)))"
)


def with_step(message: str, main: Callable[..., object]) -> str:
    """The message with a next step, if it has none: what the verb takes, its help tells."""
    spec = main.__globals__.get("__spec__")  # by which a module goes also where it is run as __main__
    package, _, verb = str(getattr(spec, "name", "")).rpartition(".")
    if package != "kdtoken" or _NEXT in message:
        return message
    return "%s%s%s" % (message, _NEXT, "kdtoken %s --help tells what it takes" % verb)


def refuse_empty(words: Sequence[str]) -> None:
    """Raises UsageError: a word of a command line that is empty names nothing."""
    at = words.index("")
    before = words[at - 1] if at and words[at - 1].startswith("-") else ""
    what = (
        "%s has nothing behind it but an empty word" % before
        if before
        else "word %d behind the verb is empty" % (at + 1)
    )
    raise UsageError(what, None, "fill it in, or leave it away; a variable that is not set leaves one")


def here(message: str, asked: Sequence[Request], in_debugger: bool) -> str:
    """The message of an error, its next step made one that can be typed here.

    asked  what this run opened: where that was one file, a command without any means that one
    """
    what, mark, step = message.partition(_NEXT)
    if len(asked) == 1 and len(asked[0].sources) == 1:
        words = [asked[0].sources[0]] + (["--symbols", asked[0].symbols] if asked[0].symbols else [])
        source = " ".join('"%s"' % word if " " in word else word for word in words)
        step = _NO_SOURCE.sub(lambda found: "%s %s" % (found.group(), source), step)
    if in_debugger:
        step = _VERB.sub(r"!py -m kdtoken.\1", step)
    return what + mark + step
