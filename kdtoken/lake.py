"""lake: a thousand dumps as tables: each source once into Parquet files, then questions in SQL.

    kdtoken lake CASE add dumps/ --symbols STORE        what is there already is not read again
    kdtoken lake CASE add s3://bucket/a.dmp --cluster tcp://scheduler:8786
    kdtoken lake CASE ask                               the tables, and the questions that ship
    kdtoken lake CASE ask --named stolen-token
    kdtoken lake CASE ask "SELECT host, image FROM running WHERE user_sid = 'S-1-5-18'" --csv

Needs pip install "kdtoken[lake]", and for --cluster "kdtoken[cluster]".
Exit code: 0 done, 1 a list of a kernel is torn, so that processes may be missing, 2 a source could not be read (or the command line not carried out).
"""

import os
import sys
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING, Iterator, List, Optional, Sequence

from kdtoken import cli
from kdtoken.cli.files import files_of
from kdtoken.cli.outfile import PARQUET, One, check_output
from kdtoken.cli.progress import Progress
from kdtoken.errors import UsageError
from kdtoken.files import write_whole
from kdtoken.machine.open import Request
from kdtoken.machine.sniff import CARRIED, STDIN, is_attach_string
from kdtoken.render.words import clean, columns

if TYPE_CHECKING:
    from kdtoken.dataset.work import Summary

ADD, ASK = "add", "ask"


def _parser() -> cli.Parser:
    made = cli.Parser(prog="kdtoken lake", description="Many dumps as tables, and questions to them.")
    made.add_argument(
        "lake", metavar="DIR", help="the lake: a folder, or an address that fsspec knows (s3://bucket/lake)"
    )
    made.add_argument("what", metavar="add|ask", choices=(ADD, ASK), help="add sources, or ask a question in SQL")
    made.add_argument(
        "words",
        metavar="SOURCE|SQL",
        nargs="*",
        help="dumps, recordings, logs, folders of them, addresses; or a SELECT",
    )
    add = made.add_argument_group("add")
    add.add_argument(
        "--symbols", metavar="PATH", default="", help="of dumps: a PDB, an ISF, a folder or a symbol store"
    )
    add.add_argument("--download", action="store_true", help="fetch symbols that are not here, each once")
    add.add_argument("--services", metavar="FILE", help="names of services, one a line, to name S-1-5-80 SIDs by")
    add.add_argument(
        "--cluster",
        metavar="ADDRESS",
        default="",
        help="a Dask scheduler (tcp://HOST:8786), or local; else these cores",
    )
    ask = made.add_argument_group("ask")
    ask.add_argument(
        "--named", metavar="NAME", nargs="?", const="", help="a question that ships; without a name: list them"
    )
    ask.add_argument("--show", action="store_true", help="print the SQL of --named, and do not ask")
    ask.add_argument("--csv", action="store_true", help="for spreadsheets: comma-separated values")
    ask.add_argument("--json", action="store_true", help="for programs: JSON")
    ask.add_argument("--parquet", metavar="FILE", action=One, help="for data tools: write the answer with its types")
    made.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return made


def _main(arguments: List[str]) -> int:
    options = _parser().parse_intermixed_args(arguments)
    if options.what == ASK:
        return _ask(options)
    return _add(options)


def _ask(options: Namespace) -> int:
    from kdtoken.dataset import ask
    from kdtoken.dataset.store import Store

    if bool(options.csv) + bool(options.json) + bool(options.parquet) > 1:
        raise UsageError("one of --csv, --json and --parquet", None, "leave the others away")
    if len(options.words) + (options.named is not None) > 1:
        raise UsageError("one question at a time", None, "put the SELECT in quotes")
    for option in ("symbols", "download", "services", "cluster"):
        if getattr(options, option):
            raise UsageError("--%s belongs to add" % option, option, "leave it away")
    if options.show and not options.named:
        raise UsageError(
            "--show belongs to --named NAME", "--show", "kdtoken lake %s ask lists the names" % options.lake
        )
    if options.parquet:
        check_output(options.parquet, PARQUET)
    sql = options.words[0] if options.words else ""
    if options.named:
        chosen = ask.question(options.named)
        sql = chosen.sql
        if options.show:
            cli.write_lines(sql.rstrip("\n").split("\n"))
            return 0
    store = Store(options.lake)
    store.check()
    if not sql:
        cli.write_lines(ask.question_lines() if options.named is not None else ask.guide_lines())
        return 0
    answer = ask.ask(store, sql)
    if options.parquet:
        write_whole(options.parquet, [ask.parquet_of(answer)], "Parquet file")
        cli.write_lines(["%s: %d rows" % (clean(options.parquet), len(answer.rows))])
    elif options.json:
        cli.write_lines(ask.json_lines(answer))
    else:
        cli.write_lines(
            ask.csv_lines(answer) if options.csv else ask.table_lines(answer, columns() if cli.has_width() else 0)
        )
    return 0


def _add(options: Namespace) -> int:
    from kdtoken.dataset.pack import known_sources, pack
    from kdtoken.dataset.spread import add_all
    from kdtoken.dataset.store import Store
    from kdtoken.dataset.work import ADDED, BROKEN, THERE, Job

    for option in ("named", "show", "csv", "json", "parquet"):
        if getattr(options, option) not in (None, False):
            raise UsageError("--%s belongs to ask" % option, option, "leave it away")
    if not options.words:
        raise UsageError("add what?", None, "kdtoken lake %s add DUMP|FOLDER..." % options.lake)
    lake = options.lake if "://" in options.lake else os.path.abspath(options.lake)
    names = list(dict.fromkeys(_sources(options.words)))
    store = Store(lake)
    store.check(create=True)
    there = {str(one.row["path"]): one for one in known_sources(store)}
    request = Request((), "", options.symbols, options.download, True, cli.service_names(options.services))
    jobs = [Job(lake, replace(request, sources=(name,)), there.get(name)) for name in names]
    counts = {ADDED: 0, THERE: 0, BROKEN: 0}
    torn = 0
    for summary in _watched(add_all(jobs, options.cluster), len(jobs)):
        counts[summary.status] += 1
        torn += summary.torn
        if summary.error:
            cli.complain(summary.error)
    if counts[ADDED]:
        pack(store)
    words = ["%d added" % counts[ADDED], "%d there already" % counts[THERE]]
    words += ["%d could not be read" % counts[BROKEN]] if counts[BROKEN] else []
    words += ["%d with a torn list" % torn] if torn else []
    ending = "; ask --named not-read tells why" if counts[BROKEN] or torn else ""
    total = "%d source%s" % (len(jobs), "" if len(jobs) == 1 else "s")
    cli.write_lines(["%s: %s: %s%s" % (clean(options.lake), total, ", ".join(words), ending)])
    return 2 if counts[BROKEN] else 1 if torn else 0


def _sources(words: Sequence[str]) -> Iterator[str]:
    """The sources, by names that hold on any machine that sees the same folders."""
    from kdtoken.dataset.work import is_remote, remote_files

    for word in words:
        if word == STDIN or is_attach_string(word):
            what = "standard input" if word == STDIN else "a live machine"
            raise UsageError(
                "a lake takes files, and %s is none" % what, word, "keep it first: kdtoken record -o FILE all"
            )
        if is_remote(word):
            yield from remote_files(word)
        else:
            for name in files_of([word], "lake"):
                yield name if name in CARRIED and not os.path.exists(name) else os.path.abspath(name)


def _watched(summaries: "Iterator[Summary]", total: int) -> "Iterator[Summary]":
    """Pass them on, and show how far it is."""
    progress = Progress("sources", total, slow=0)
    try:
        progress.at(0)
        for count, summary in enumerate(summaries, 1):
            progress.at(count)
            yield summary
    finally:
        progress.close()


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
