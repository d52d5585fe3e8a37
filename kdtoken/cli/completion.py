"""Tab in a shell: what may come next, by argcomplete, which asks the verb's own parser.

register-python-argcomplete kdtoken >> ~/.bashrc       bash; zsh after bashcompinit; fish and PowerShell: --shell

The shell runs `kdtoken` with the line in COMP_LINE and _ARGCOMPLETE set, and no arguments.  Without argcomplete
(the extra `completion`), or anywhere else, nothing of this is loaded.
"""

import argparse
import os
import re
import sys
from typing import Dict, List

VARIABLE = "_ARGCOMPLETE"


def words_typed(verbs: Dict[str, str]) -> List[str]:
    """[the verb] where the line has one and the cursor is behind it, so that its parser is asked; else the verbs are told."""
    line = os.environ.get("COMP_LINE", "")
    try:
        line = line[: int(os.environ.get("COMP_POINT", len(line)))]
    except ValueError:
        pass  # a shell that does not say where the cursor is: at the end
    typed = re.split(r"\s+", line.lstrip())
    if len(typed) > 2 and typed[1] in verbs:
        # argcomplete counts the program's words from 1: with 2, the verb is the program.
        os.environ[VARIABLE] = "2"
        return [typed[1]]
    parser = argparse.ArgumentParser(prog="kdtoken")
    parser.add_argument("verb", choices=list(verbs))
    parser.add_argument("--version", action="store_true")
    complete(parser)
    return []


def complete(parser: argparse.ArgumentParser) -> None:
    """Tell the shell what this parser takes next, and end; without argcomplete nothing is told."""
    try:
        import argcomplete
    except ImportError:
        sys.exit(1)
    argcomplete.autocomplete(parser)
    sys.exit(1)
