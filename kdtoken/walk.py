"""walk: every process on one line: whose token it runs under, at what integrity, and what is odd.

!py -m kdtoken.walk --user SYSTEM --threads
kdtoken walk --session FILE --integrity high --csv
kdtoken walk A.dmp B.dmp --json --symbols STORE
"""

import gc
import os
import sys
from argparse import Namespace
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Deque, Iterator, List, Optional, Sequence, Tuple

from kdtoken import cli
from kdtoken.analysis.classification import integrity_level
from kdtoken.decode.process import process_details, walk_processes
from kdtoken.decode.process_dump import Tokens
from kdtoken.decode.thread import walk_threads
from kdtoken.errors import KdTokenError, LookupFailed, MemoryUnreadable, UsageError
from kdtoken.model.absent import Maybe
from kdtoken.model.integrity import BY_WORD as LEVELS
from kdtoken.model.process import Impersonation, Process, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import learn_accounts
from kdtoken.model.token import Token
from kdtoken.render.walk import csv_lines, json_lines, text_lines
from kdtoken.render.walk_files import Part, failed, host_of, lines_of_all, parquet_bytes, part_of, require_pyarrow
from kdtoken.render.words import clean, sid_name
from kdtoken.source.cached import CachedSource

if TYPE_CHECKING:
    from concurrent.futures import Future  # of no use where one dump is read, and slow to import


def add_arguments(parser: cli.Parser) -> None:
    """What `walk` understands."""
    parser.add_argument("--threads", action="store_true", help="read every thread too: who impersonates whom")
    parser.add_argument("--user", metavar="TEXT", help="only tokens whose user's name or SID holds this text")
    parser.add_argument("--integrity", metavar="LEVEL", help="only this level: %s, or a number" % ", ".join(LEVELS))
    parser.add_argument("--json", action="store_true", help="for programs: JSON")
    parser.add_argument("--csv", action="store_true", help="for spreadsheets: comma-separated values")


def report(target: CachedSource, options: Namespace) -> List[str]:
    """The lines that `walk` prints of one target."""
    if options.json and options.csv:
        raise UsageError("--json or --csv, not both")
    rows, total, problems, _ = _read(target, options)
    if options.json:
        return json_lines(rows, cli.about(target), problems, options.threads)
    if options.csv:
        return csv_lines(rows)
    return text_lines(rows, cli.source(target), total, problems, options.threads)


def _read(target: CachedSource, options: Namespace) -> Tuple[List[ProcessDump], int, List[str], str]:
    """The processes that were asked for, how many there are, what was wrong, and the machine's name or ""."""
    level = _level(options.integrity) if options.integrity else None
    try:
        processes, problems = walk_processes(target, details=True)
    except (LookupFailed, MemoryUnreadable) as error:
        if not options.log:
            raise
        found = _told_rows(target, options.log, error)
        problems = ["%s: %s" % (row.process.image_name, problem) for row in found for problem in row.problems]
        total, all_rows = len(found), iter(found)
    else:
        total, all_rows = len(processes), _rows(target, processes, options.threads, problems)
    rows, host = [], ""
    for row in all_rows:
        host = host or host_of(row.token)
        if _wanted(row, options.user, level):
            rows.append(row)
    return rows, total, problems, host


def _told_rows(target: CachedSource, logs: Sequence[str], error: KdTokenError) -> List[ProcessDump]:
    """The processes that !process printed, of a log that shows no memory; raises `error` where it printed none."""
    from kdtoken.source.log.source import log_texts
    from kdtoken.view.merged import account_names, merge_processes, read_logs

    texts = read_logs(log_texts(logs))
    learn_accounts(account_names(texts))
    told = merge_processes(texts)
    if not told:
        raise error
    target.about = replace(target.about, source=target.about.source + ", the text of !process and !token, no memory")
    return [one.dump for one in told]


def _rows(
    target: CachedSource, processes: List[Process], with_threads: bool, problems: List[str]
) -> Iterator[ProcessDump]:
    """A lean ProcessDump a process: no DACL, no linked token, threads only when asked for."""
    tokens = Tokens(target, follow=False)
    progress = cli.Progress("processes", len(processes))
    for at, process in enumerate(processes):
        progress.at(at)
        details = process_details(target, process, origins=False)
        threads: List[Thread] = []
        if with_threads:
            try:
                threads, torn = walk_threads(target, details.thread_list_head)
                problems += ["pid %d: %s" % (process.pid, problem) for problem in torn]
            except LookupFailed as error:
                problems.append("pid %d: threads cannot be listed: %s" % (process.pid, error.message))
        impersonated = {
            thread.impersonation.token: tokens.at(thread.impersonation.token)
            for thread in threads
            if isinstance(thread.impersonation, Impersonation)
        }
        yield ProcessDump(process, details, tokens.of(process), tuple(threads), impersonated)


def _level(text: str) -> int:
    known = LEVELS.get(text.lower().replace(" ", "").replace("-", ""))
    if known is not None:
        return known
    try:
        return int(text, 0)
    except ValueError:
        raise UsageError(
            "no integrity level is called %r" % text, text, "one of %s, or a number" % ", ".join(LEVELS)
        ) from None


def _wanted(row: ProcessDump, user: Optional[str], level: Optional[int]) -> bool:
    """Whether the process's token, or one that a thread of it impersonates, passes the filters."""
    if user is None and level is None:
        return True
    return any(_matches(token, user, level) for token in [row.token, *row.tokens.values()])


def _matches(token: Maybe[Optional[Token]], user: Optional[str], level: Optional[int]) -> bool:
    if not isinstance(token, Token):
        return False
    if level is not None and integrity_level(token) != level:
        return False
    if user is None:
        return True
    sid = token.user
    return isinstance(sid, Sid) and user.lower() in ("%s %s" % (sid_name(sid, token), sid)).lower()


def _one(options: Namespace) -> Part:
    """One source of several, read and rendered, in a process of its own; what is wrong with it is its answer."""
    file = options.dump or options.session or ", ".join(options.log or ["the debugger"])
    try:
        target = cli.open_source(options)
        rows, total, problems, host = _read(target, options)
        form = "parquet" if options.parquet else "json" if options.json else "csv" if options.csv else "text"
        source = cli.source(target) + (", host %s" % host if host else "")
        if form == "text":
            lines = text_lines(rows, source, total, problems, options.threads)
            return Part(file, host, cli.about(target), tuple(problems), len(rows), tuple(lines))
        return part_of(form, file, host, rows, cli.about(target), problems, options.threads)
    except KdTokenError as error:
        return failed(file, " ".join(clean(line.strip()) for line in str(error).split("\n")))
    except (RecursionError, MemoryError) as error:
        return failed(file, type(error).__name__)


def _parts(jobs: Sequence[Namespace]) -> Iterator[Part]:
    """The answer of each, in their order; as many at once as there are cores."""
    workers = min(len(jobs), _cores(), 61)  # 61: what Windows can wait for at once
    # Two must not fetch the same symbols at once; and inside a debugger sys.executable is the debugger.
    if workers < 2 or jobs[0].download or cli.in_debugger():
        yield from map(_one, jobs)
        return
    from concurrent.futures import ProcessPoolExecutor

    # What is loaded by now stays: no child's collector shall go through it, and copy its pages by doing so.
    gc.freeze()
    with ProcessPoolExecutor(workers) as pool:
        waiting: "Deque[Future[Part]]" = deque(pool.submit(_one, job) for job in jobs)
        try:
            for job in jobs:
                yield _answer(waiting.popleft(), job)
        finally:
            for future in waiting:  # the reader went away
                future.cancel()


def _answer(future: "Future[Part]", job: Namespace, alone: bool = False) -> Part:
    """What a process found; one that died takes its pool along, so its neighbours are asked again, each alone."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, BrokenProcessPool):
        return failed(job.dump, "%s: %s" % (type(error).__name__, clean(str(error))))
    if alone:
        return failed(job.dump, "the process that read it was ended (out of memory?)")
    with ProcessPoolExecutor(1) as pool:
        return _answer(pool.submit(_one, job), job, True)


def _cores() -> int:
    """Cores that this process may use, where the system tells; else those there are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _files(options: Namespace) -> List[str]:
    """The dumps that were named; a pattern that the shell left alone (on Windows it does) is looked up."""
    if options.dumps and (options.dump or options.session or options.log or options.attach):
        raise UsageError(
            "name a source by its option or dumps by their paths, not both", None, "kdtoken walk A.dmp B.dmp"
        )
    files: List[str] = []
    for name in options.dumps:
        found = []
        if any(mark in name for mark in "*?") and not os.path.exists(name):
            from glob import glob

            found = sorted(glob(name))
        files += found or [name]
    return files


def _all(options: Namespace, files: Sequence[str]) -> int:
    """Several dumps in one report, or any source as Parquet; 1 if one of them could not be read."""
    if bool(options.json) + bool(options.csv) + bool(options.parquet) > 1:
        raise UsageError("one of --json, --csv and --parquet")
    if options.integrity:
        _level(options.integrity)  # a wrong word is told once, not of every dump
    if options.parquet:
        require_pyarrow()
    jobs = [Namespace(**{**vars(options), "dump": file}) for file in files] or [options]
    bad: List[str] = []
    parts = _told(_parts(jobs), bad, bool(options.csv or options.parquet))
    if options.parquet:
        read = list(parts)
        data = parquet_bytes(read)
        try:
            with open(options.parquet, "wb") as out:
                out.write(data)
        except OSError as error:
            raise UsageError("cannot write %s: %s" % (options.parquet, error.strerror), options.parquet) from error
        cli.write_lines(["%s: %d processes of %d sources" % (options.parquet, sum(p.shown for p in read), len(read))])
    else:
        cli.write_lines(lines_of_all(parts, "json" if options.json else "csv" if options.csv else "text"))
    return 1 if bad else 0


def _told(parts: Iterator[Part], bad: List[str], problems: bool) -> Iterator[Part]:
    """Pass them on; what failed is told on stderr too, and so are `problems` that the form has no room for."""
    for part in parts:
        if part.error:
            bad.append(part.file)
            cli.complain(part.complaint)
        for problem in part.problems if problems else ():
            cli.complain("%s: %s" % (part.file, problem))
        yield part


def _main(arguments: List[str]) -> int:
    parser = cli.parser("walk", "List every process with the token it runs under.")
    add_arguments(parser)
    parser.add_argument(
        "dumps", metavar="DUMP", nargs="*", help="crash dumps, any number of them: as --dump, read on all cores"
    )
    parser.add_argument("--parquet", metavar="FILE", help="for data tools: write a Parquet file (needs pyarrow)")
    options = parser.parse_intermixed_args(arguments)
    files = _files(options)
    if options.parquet or len(files) > 1:
        return _all(options, files)
    if files:
        options.dump = files[0]
    cli.write_lines(report(cli.open_source(options), options))
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
