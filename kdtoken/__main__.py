"""`kdtoken VERB ...`, `python -m kdtoken VERB ...`, and the list of verbs that all ways in share."""

import sys
from importlib import import_module
from typing import Dict, List, Optional, Sequence

from kdtoken import __version__

# The one list: the command line, the WinDbg script files (build_hook.py) and the tests read it.
VERBS: Dict[str, str] = {
    "dump": "one process: its token, every field, and what its threads run under",
    "walk": "all processes, one line each: whose token they run under",
    "diff": "two views of a token: kernel and user mode, or before and after",
    "explain": "why Windows says yes or no to a caller who wants something of an object",
    "audit": "what is strange on one machine or many, and how it may be innocent",
    "lineage": "where a process's token came from: parents, steps, logon session",
    "collect": "inside the guest: what GetTokenInformation says of a process, as JSON",
    "sid": "a SID's name, or a name's SID, without asking any machine",
    "mask": "an access mask in words, or words as a mask",
    "tour": "access tokens in twelve steps, on the recording that kdtoken carries",
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

    found = difflib.get_close_matches(words[0].lower(), list(VERBS), 1, 0.6)
    if found:
        return "did you mean %s?\n  next: kdtoken %s" % (found[0], " ".join([found[0], *words[1:]]))
    return "there are: %s" % ", ".join(VERBS)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb that the first argument names; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["help"] and len(words) > 1:
        words = [words[1], "--help"]
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write("\n".join(usage()) + "\n")
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        sys.stdout.write("kdtoken %s\n" % __version__)
        return 0
    if words[0] not in VERBS:
        sys.stderr.write("kdtoken: no verb %r; %s\n" % (words[0], _near(words)))
        return 2
    code: int = import_module("kdtoken." + words[0]).main(words[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
