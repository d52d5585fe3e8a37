"""`kdtoken VERB ...`, `python -m kdtoken VERB ...`, and the list of verbs that all ways in share."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import import_module
from typing import Any, Dict, List, Optional, Sequence

from kdtoken import __version__

# The one list: the command line, the WinDbg script files (build_hook.py) and the tests read it.
VERBS: Dict[str, str] = {
    "dump": "one process: its token, every field, and what its threads run under",
    "walk": "all processes, one line each: whose token they run under",
    "diff": "two views of a token: kernel and user mode, or before and after",
    "explain": "why Windows says yes or no to a caller who wants something of an object",
    "audit": "what is strange on one machine or many, and how it may be innocent",
    "report": "one HTML file to hand on: findings, processes, tokens, lineage",
    "lineage": "where a process's token came from: parents, steps, logon session",
    "lake": "a thousand dumps as tables: each read once into Parquet, then questions in SQL",
    "collect": "inside the guest: what GetTokenInformation says of a process, as JSON",
    "sid": "a SID's name, or a name's SID, without asking any machine",
    "mask": "an access mask in words, or words as a mask",
    "tour": "access tokens step by step, with exercises, on a machine that kdtoken carries",
    "record": "run a verb and keep every read, to replay it anywhere",
}


def usage() -> List[str]:
    """The help text, a line a verb."""
    lines = ["usage: kdtoken VERB ...      (kdtoken VERB --help tells a verb's options)", ""]
    lines += ["  %-8s %s" % (verb, words) for verb, words in VERBS.items()]
    return lines + ["", "Inside WinDbg: !py -m kdtoken.VERB ..."]


def _near(words: Sequence[str]) -> str:
    """What was meant, where a verb is near; else which verbs there are."""
    import difflib  # costs time, which only this error should

    if os.path.exists(words[0]):
        return "it is a %s\n  next: kdtoken walk %s" % ("folder" if os.path.isdir(words[0]) else "file", words[0])
    if words[0].lower().endswith(".exe"):
        return "a verb comes first\n  next: kdtoken dump tour %s   (for tour: your dump, recording or log)" % words[0]
    found = difflib.get_close_matches(words[0].lower(), list(VERBS), 1, 0.6)
    if found:
        return "did you mean %s?\n  next: kdtoken %s" % (found[0], " ".join([found[0], *words[1:]]))
    return "there are: %s\n  next: kdtoken --help tells what each does" % ", ".join(VERBS)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb that the first argument names; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        atexit.register(gc.freeze)  # the process is this command's: as it ends, nobody need look for garbage
    if "_ARGCOMPLETE" in os.environ:  # a shell asks, on Tab, what may come next
        from kdtoken.cli.completion import words_typed

        words = words_typed(VERBS)
    if words[:1] == ["help"] and len(words) > 1:
        words = [words[1], "--help"]
    if words and words[0] in VERBS:
        return _verb(words)
    from kdtoken import cli

    return cli.run(_front, words)


def _verb(words: Sequence[str]) -> int:
    try:
        code: int = _loaded(words[0]).main(words[1:])
        return code
    except KeyboardInterrupt:  # while it was loaded
        return _end("stopped by Ctrl+C")
    except Exception as error:  # the last net: a person gets no traceback unasked
        if "--debug" in words:
            raise
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        where = "" if last is None else " (%s, line %d)" % (last.tb_frame.f_globals.get("__name__"), last.tb_lineno)
        what = "a fault in kdtoken itself%s: %s" % (where, type(error).__name__)
        return _end(what + "\n  next: the same with --debug shows the traceback, which belongs into a report of it")


def _loaded(verb: str) -> Any:
    """The verb's module.  Of what loading makes nothing is garbage: Python's collector would go through it in vain."""
    was = gc.isenabled()
    gc.disable()
    try:
        return import_module("kdtoken." + verb)
    finally:
        if was:
            gc.enable()


def _end(message: str) -> int:
    from kdtoken import cli

    cli.complain(message)
    return cli.COULD_NOT


def _front(words: List[str]) -> int:
    from kdtoken import cli
    from kdtoken.errors import UsageError

    if not words or words[0] in ("-h", "--help", "help"):
        from kdtoken.render.words import columns, wrapped

        for line in usage():
            indent = line[: len(line) - len(line.lstrip())]
            cli.write_lines(indent + part for part in wrapped(line.lstrip(), columns() - 2, " " * 9))
        if not words:
            raise UsageError(
                "no verb was named", None, "kdtoken tour shows around; kdtoken walk FILE lists what a dump holds"
            )
        return 0
    if words[0] in ("-V", "--version"):
        cli.write_lines(["kdtoken %s" % __version__])
        return 0
    raise UsageError("no verb %r; %s" % (words[0], _near(words)), words[0])


if __name__ == "__main__":
    sys.exit(main())
