"""walk: every process on one line: whose token it runs under, at what integrity, and what is odd.

!py -m kdtoken.walk --user SYSTEM --threads
kdtoken walk machine.kdtoken.gz --integrity high --csv
kdtoken walk A.dmp B.dmp logs/ --json --symbols STORE
"""

import os
import signal
import sys
from argparse import Namespace
from collections import deque
from typing import TYPE_CHECKING, Deque, Iterator, List, NamedTuple, Optional, Sequence

from kdtoken import cli
from kdtoken.cli.files import files_of
from kdtoken.cli.outfile import PARQUET, One, check_output
from kdtoken.cli.output import all_kept, nothing_collected
from kdtoken.cli.progress import QUIET, Progress
from kdtoken.cli.walk_report import add_arguments, answer, level_of, lines_of, read
from kdtoken.cli.walk_report import report as report  # what `walk` is, for tests and programs
from kdtoken.errors import KdTokenError, UsageError
from kdtoken.files import write_whole
from kdtoken.frozen import replace
from kdtoken.machine.open import Request
from kdtoken.model.token_words import counted
from kdtoken.render.walk_files import Part, failed, lines_of_all, parquet_bytes, part_of, require_pyarrow
from kdtoken.render.words import clean, columns, set_columns

if TYPE_CHECKING:
    from concurrent.futures import Future  # of no use where one source is read, and slow to import


class Job(NamedTuple):
    """One source of several: what to open, and what is asked of it."""

    request: Request
    options: Namespace

    @property
    def name(self) -> str:
        """What messages and rows call it."""
        return ", ".join(self.request.sources) or "the debugger"


def _one(job: Job) -> Part:
    """One source of several, read and rendered, in a process of its own; what is wrong with it is its answer."""
    with nothing_collected():
        return _read_one(job)


def _read_one(job: Job) -> Part:
    options = job.options
    try:
        machine = cli.opened(job.request)
        found = read(machine, options)
        form = "parquet" if options.parquet else "json" if options.json else "csv" if options.csv else "text"
        about = cli.about(found.about)
        if form == "text":
            source = cli.source(found.about) + (", host %s" % found.host if found.host else "")
            lines = lines_of(found, options, source)
            return Part(job.name, found.host, about, tuple(found.problems), len(found.rows), tuple(lines))
        part = part_of(
            form, job.name, found.host, found.rows, about, found.problems, options.threads, found.names, found.findings
        )
        return part._replace(unread=found.unread)
    except KdTokenError as error:
        return failed(job.name, " ".join(clean(line.strip()) for line in str(error).split("\n")))
    except (RecursionError, MemoryError) as error:
        why = "there is not enough memory for it" if isinstance(error, MemoryError) else "it nests too deep"
        return failed(job.name, why)


def _parts(jobs: Sequence[Job]) -> Iterator[Part]:
    """The answer of each, in their order; as many at once as there are cores."""
    workers = min(len(jobs), _cores(), 61)  # 61: what Windows can wait for at once
    # Two must not fetch the same symbols at once; and inside a debugger sys.executable is the debugger.
    if workers < 2 or jobs[0].request.download or cli.in_debugger():
        yield from map(_one, jobs)
        return
    from concurrent.futures import ProcessPoolExecutor

    with all_kept(), ProcessPoolExecutor(workers, initializer=_at_start, initargs=(columns(),)) as pool:
        waiting: Deque[Future[Part]] = deque(pool.submit(_one, job) for job in jobs)
        try:
            for job in jobs:
                yield _answer(waiting.popleft(), job)
        finally:
            for future in waiting:  # the reader went away
                future.cancel()


def _answer(future: "Future[Part]", job: Job, alone: bool = False) -> Part:
    """What a process found; one that died takes its pool along, so its neighbours are asked again, each alone."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, BrokenProcessPool):
        return failed(
            job.name, "a fault in kdtoken itself (%s); alone, with --debug, it says more" % type(error).__name__
        )
    if alone:
        return failed(job.name, "the process that read it was ended (out of memory?)")
    with ProcessPoolExecutor(1, initializer=_at_start, initargs=(columns(),)) as pool:
        return _answer(pool.submit(_one, job), job, True)


def _at_start(width: int) -> None:
    """In a process of the pool: Ctrl+C, which reaches all of them, ends it without a word; the first one speaks."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    set_columns(width)
    QUIET.append(True)


def _cores() -> int:
    """Cores that this process may use, where the system tells; else those there are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _all(options: Namespace, files: Sequence[str]) -> int:
    """Several sources in one report, or any source as Parquet; 1 if a list of one is torn, 2 if one is unreadable."""
    if bool(options.json) + bool(options.csv) + bool(options.parquet) > 1:
        raise UsageError("one of --json, --csv and --parquet", None, "leave the others away")
    if options.integrity:
        level_of(options.integrity)  # a wrong word is told once, not of every source
    if options.parquet:
        require_pyarrow()
        check_output(options.parquet, PARQUET, files)
    asked = cli.request(options, files, lenient=True)
    jobs = [Job(replace(asked, sources=(file,)), options) for file in files] or [Job(asked, options)]
    bad: List[str] = []
    torn: List[str] = []
    parts = _watched(_parts(jobs), bad, torn, options, len(jobs))
    if options.parquet:
        read = list(parts)
        data = parquet_bytes(read)
        write_whole(options.parquet, [data], "Parquet file")
        cli.write_lines(
            [
                "%s: %s of %s"
                % (
                    options.parquet,
                    counted(sum(p.shown for p in read), "process", "processes"),
                    counted(len(read), "source"),
                )
            ]
        )
    else:
        cli.write_lines(lines_of_all(parts, "json" if options.json else "csv" if options.csv else "text"))
    return 2 if bad else 1 if torn else 0


def _watched(parts: Iterator[Part], bad: List[str], torn: List[str], options: Namespace, total: int) -> Iterator[Part]:
    """Pass them on; what failed is told on stderr too, and so are problems that the form has no room for."""
    problems = bool(options.csv or options.parquet)
    progress = Progress("sources", total, slow=0)
    progress.at(0)
    for number, part in enumerate(parts, 1):
        progress.close()
        if part.error:
            bad.append(part.file)
            cli.complain(part.complaint)
        if part.problems:
            torn.append(part.file)
        for problem in part.problems if problems else ():
            cli.complain("%s: %s" % (part.file, problem))
        if part.unread:
            cli.tell_unread(part.unread, options)
        yield part
        progress.at(number)


def _main(arguments: List[str]) -> int:
    parser = cli.parser("walk", "List every process with the token it runs under.")
    add_arguments(parser)
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="crash dumps, recordings, logs, texts, or folders of them, any number: each a machine, read on all cores",
    )
    parser.add_argument(
        "--parquet", metavar="FILE", action=One, help="for data tools: write a Parquet file (needs pyarrow)"
    )
    options = parser.parse_intermixed_args(arguments)
    files = files_of(options.files, "walk")
    if options.parquet or len(files) > 1:
        return _all(options, files)
    machine = cli.open_machine(options, files)
    with nothing_collected():
        lines, problems = answer(machine, options)
        cli.write_lines(lines)
    if options.csv:
        cli.tell_unread(machine.unread(), options)
    for problem in problems if options.csv else ():
        cli.complain(problem)  # a table of rows has no room for what is missing from it
    return 1 if problems else 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
