"""Running a verb on a target, for tests: its lines, without a process of its own."""

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, List, Optional, Tuple

from kdtoken import cli, dump, walk
from kdtoken.machine.kernel import KernelMachine
from kdtoken.source.base import Source

VERBS: Any = {"dump": dump, "walk": walk}


def run_on(target: Source, verb: str, *arguments: str, alone: bool = False) -> List[str]:
    """The lines that a verb prints on a target.  Raises what the verb raises.

    alone  nothing is read beside the process that is asked for, as for a recording of it
    """
    parser = cli.parser(verb, "")
    VERBS[verb].add_arguments(parser)
    options = parser.parse_args(list(arguments))
    options.alone = alone
    lines: List[str] = VERBS[verb].report(KernelMachine(target), options)
    return lines


def main_on(monkeypatch: Any, target: Optional[Source], verb: str, *arguments: str) -> Tuple[int, str, str]:
    """(exit code, stdout, stderr) of the verb's own main, with the target in place of a live session."""
    if target is not None:
        monkeypatch.setattr(cli, "open_machine", lambda options, *rest: KernelMachine(target))
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = VERBS[verb].main(list(arguments))
    return code, out.getvalue(), err.getvalue()
