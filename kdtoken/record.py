"""record: run a verb and keep every read, layout, symbol and command output in one file.

!py -m kdtoken.record -o notepad.kdtoken.gz dump notepad.exe
!py -m kdtoken.record -o machine.kdtoken.gz all            every process, thread and token
kdtoken record -o machine.kdtoken.gz all MEMORY.DMP        of a dump, without its symbols and the rest of its size
kdtoken dump --session machine.kdtoken.gz notepad.exe      later, anywhere
"""

import sys
from argparse import REMAINDER, Namespace
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from kdtoken import cli
from kdtoken.cli import dump_report, walk_report
from kdtoken.cli.outfile import RECORDING, One, check_output
from kdtoken.cli.progress import Progress
from kdtoken.decode.process import walk_processes
from kdtoken.errors import KdTokenError, UsageError
from kdtoken.machine.base import Machine
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.objects import Objects
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.process import FastRef
from kdtoken.source.base import Source
from kdtoken.source.session import RecordingSource


class Recordable(NamedTuple):
    """Something whose reads can be recorded: its options, and what it asks and prints."""

    add_arguments: Callable[[cli.Parser], None]
    report: Callable[[Machine, Namespace], List[str]]
    files: Callable[[Namespace], Sequence[str]] = lambda options: ()


def _output_argument(parser: cli.Parser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", action=One, help="the recording; .gz packs it")


def _file_argument(parser: cli.Parser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help="a dump, a log or a recording that is read")


def _walk_arguments(parser: cli.Parser) -> None:
    walk_report.add_arguments(parser)
    _file_argument(parser)


def _all_arguments(parser: cli.Parser) -> None:
    _file_argument(parser)
    parser.add_argument("--check", action="store_true", help="ask the debugger's !process for each process too")


def read_all(machine: Machine, options: Namespace) -> List[str]:
    """Read what any dump and any walk of this machine would, so that a replay can answer all of them.

    What guards the processes and their tokens is read too, for explain; the threads' and other objects' is not.
    """
    processes = machine.processes()
    progress = Progress("processes", len(processes))
    threads = 0
    for at, process in enumerate(processes):
        progress.at(at)
        threads += len(process.dump(options.check).threads)
    guarded = read_guards(machine.source) if isinstance(machine, KernelMachine) else 0
    counts = ((len(processes), "process", "es"), (threads, "thread", "s"), (guarded, "security descriptor", "s"))
    counted = ("%d %s%s" % (count, one, "" if count == 1 else more) for count, one, more in counts)
    return [", ".join(counted), *machine.problems]


def read_guards(source: Source) -> int:
    """Read type and descriptor of each process and its primary token, and the default label; how many there were."""
    objects, count = Objects(source), 0
    try:
        objects.default_label()
        processes = walk_processes(source)[0]
    except KdTokenError:
        return 0  # symbols without the types of objects: the rest of the recording is as good as before
    for process in processes:
        token = process.token.object if isinstance(process.token, FastRef) else 0
        for body in (process.address, token):
            try:
                count += isinstance(objects.at(body).descriptor, SecurityDescriptor) if body else 0
            except KdTokenError:
                pass  # not readable now; a replay says the same of it
    return count


RECORDABLE: Dict[str, Recordable] = {
    "dump": Recordable(dump_report.add_arguments, dump_report.report_alone, lambda o: dump_report.split(o)[0]),
    "walk": Recordable(_walk_arguments, walk_report.report, lambda o: [o.file] if o.file else []),
    "all": Recordable(_all_arguments, read_all, lambda o: [o.file] if o.file else []),
}


def _main(arguments: List[str]) -> int:
    outer = cli.Parser(prog="kdtoken record", description="Run a verb and keep all that it read, for --session.")
    _output_argument(outer)
    outer.add_argument("--synthetic", action="store_true", help="mark the recording as not from a real machine")
    outer.add_argument("verb", choices=tuple(RECORDABLE), help="all: every process, thread and token")
    outer.add_argument("rest", nargs=REMAINDER, metavar="...", help="the verb's own arguments and options")
    options = outer.parse_args(arguments)
    asked = RECORDABLE[options.verb]
    inner = cli.parser("record" if options.verb == "all" else options.verb, "Options of what is recorded.")
    asked.add_arguments(inner)
    _output_argument(inner)  # behind the verb it is understood as well
    inner_options = inner.parse_intermixed_args(options.rest)
    if options.output and inner_options.output:
        raise UsageError("-o names one file, and here are two", "-o", "leave one away")
    output = options.output or inner_options.output
    if not output:
        words = " ".join('"%s"' % word if " " in word else word for word in [options.verb, *options.rest])
        raise UsageError("-o FILE is missing", "-o", "kdtoken record -o machine.kdtoken.gz %s" % words)
    files = asked.files(inner_options)
    named = [inner_options.session, inner_options.dump, *(inner_options.log or ()), *files]
    check_output(output, RECORDING, [one for one in named if one])
    recordings: List[RecordingSource] = []
    machine = cli.open_machine(inner_options, files, recordings)
    lines = asked.report(machine, inner_options)
    if not recordings:
        raise UsageError(
            "%s shows no kernel whose answers could be kept" % machine.about.source, None, "keep the file itself"
        )
    if options.synthetic:
        recordings[0].mark_synthetic()
    # Before anything is printed: a stdout that is full or closed must not cost what was read.
    try:
        recordings[0].save(output)
    except KdTokenError:
        cli.write_lines(lines)  # what was found is not lost with the file
        raise
    cli.write_lines([*lines, "", "recorded in %s: %d requests, %d bytes" % (output, *machine.cost)])
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
