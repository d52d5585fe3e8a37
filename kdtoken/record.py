"""record: run a verb and keep every read, layout, symbol and command output in one file.

!py -m kdtoken.record -o notepad.kdtoken.gz dump notepad.exe
!py -m kdtoken.record -o machine.kdtoken.gz all            every process, thread and token
kdtoken dump --session machine.kdtoken.gz notepad.exe      later, anywhere
"""

import sys
from argparse import REMAINDER, Namespace
from importlib import import_module
from typing import List, Optional, Sequence

from kdtoken import cli
from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.source.cached import CachedSource
from kdtoken.source.session import RecordingSource

# Verbs whose reads can be recorded; each has add_arguments and report.
RECORDABLE = ("dump", "walk")
ALL = "all"


def read_all(target: CachedSource, check: bool) -> List[str]:
    """Read what any dump and any walk of this machine would, so that a replay can answer all of them."""
    tokens = Tokens(target)
    processes, problems = walk_processes(target)
    progress = cli.Progress("processes", len(processes))
    threads = 0
    for at, process in enumerate(processes):
        progress.at(at)
        threads += len(dump_process(tokens, process, tuple(processes), check).threads)
    return ["%d processes, %d threads" % (len(processes), threads)] + problems


def _main(arguments: List[str]) -> int:
    outer = cli.Parser(prog="kdtoken record", description="Run a verb and keep all that it read, for --session.")
    outer.add_argument("-o", "--output", metavar="FILE", required=True, help="the recording; .gz packs it")
    outer.add_argument("--synthetic", action="store_true", help="mark the recording as not from a real machine")
    outer.add_argument("verb", choices=RECORDABLE + (ALL,), help="%s: every process, thread and token" % ALL)
    outer.add_argument("rest", nargs=REMAINDER, metavar="...", help="the verb's own arguments and options")
    options = outer.parse_args(arguments)
    inner = cli.parser("record ... " + options.verb, "Options of what is recorded.")
    module = None if options.verb == ALL else import_module("kdtoken." + options.verb)
    if module is None:
        inner.add_argument("--check", action="store_true", help="ask the debugger's !process for each process too")
    else:
        module.add_arguments(inner)
    return _record(options, inner.parse_args(options.rest), module)


def _record(options: Namespace, inner: Namespace, module: object) -> int:
    recordings: List[RecordingSource] = []
    target = cli.open_source(inner, recordings)
    report = getattr(module, "report", None)
    cli.write_lines(report(target, inner) if report else read_all(target, inner.check))
    if options.synthetic:
        recordings[0].mark_synthetic()
    recordings[0].save(options.output)
    cli.write_lines(
        ["", "recorded in %s: %d requests, %d bytes" % (options.output, target.requests, target.bytes_read)]
    )
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
