"""`make bench`: a crash dump of 2,000 processes and 300 tokens, read by kdtoken, Volatility 3 and MemProcFS.

    python -m tests.engine.bench_dump [--build 10.0.22000.2538] [--quick]

All in one run and on one machine, each as a process that starts with nothing; the file is in the page
cache.  The ratios are what counts.  The synthetic PDB is a quarter of a megabyte, a real one is ten.
"""

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from contextlib import redirect_stdout
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from kdtoken import walk
from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.lineage.parents import Family
from kdtoken.analysis.lineage.tree import tree
from kdtoken.cli.output import nothing_collected
from kdtoken.layout.layout_file import load_layouts
from kdtoken.machine.open import Request, open_request
from kdtoken.source.base import PAGE_SIZE
from kdtoken.source.crashdump import dump as crashdump
from kdtoken.source.paging import PageTables, Place
from tests.engine.__main__ import ROOT, install_judges
from tests.engine.assemble import default_folder
from tests.engine.bench_rows import add, calibrate, spend, spread_of
from tests.engine.image import build_image
from tests.engine.volatility import Volatility, table
from tests.machine.crashdump import HEADER_SIZE, write_dump
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import build

PROCESSES, TOKENS = 2000, 300
ROUNDS = 5
# As where a package was installed by pip: with its bytecode there, and with buffered output.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
}
# Of a process that reads some pages of a file and does nothing else.  Copies, since kdtoken copies.
_READER = """
import mmap, sys, time
from array import array
at = array("Q", open(sys.argv[2], "rb").read())
with open(sys.argv[1], "rb") as file:
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
start = time.perf_counter()
for offset in at:
    data[offset:offset + 4096]
print(time.perf_counter() - start)
"""
_LISTER = """
import sys, memprocfs
memory = memprocfs.Vmm(["-device", sys.argv[1], "-disable-symbolserver", "-disable-python", "-norefresh"])
for process in memory.process_list():
    print(process.pid, process.ppid, process.name)
"""


HEAD = (
    "crash dump: %s, %d processes, %d tokens, %.0f MB; %d cores; median of %d\n"
    "| way                                                  |        s | beside the first line        |\n"
    "| ---------------------------------------------------- | -------: | ---------------------------- |"
)


class Job(NamedTuple):
    """A process to time; `cores` holds it on these.  `beside` runs at the same time, and is waited for."""

    command: List[str]
    cores: Optional[Set[int]] = None
    beside: Optional[List[str]] = None


class Peak(NamedTuple):
    """Most memory that a process had, in MB: all that was resident, and the part that no file is behind."""

    resident: float
    anonymous: float


def seconds(job: Job, out: Path) -> float:
    """Wall clock of a process from its start to its end, its output in a file; it must succeed."""
    allowed = os.sched_getaffinity(0)
    commands = [job.command] + ([job.beside] if job.beside else [])
    with open(str(out), "wb") as file, tempfile.TemporaryFile() as errors:
        try:
            os.sched_setaffinity(0, job.cores or allowed)  # a child inherits it
            start = time.perf_counter()
            running = [
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL if at else file,
                    stderr=errors,
                    cwd=str(ROOT),
                    env=ENVIRONMENT,
                )
                for at, command in enumerate(commands)
            ]
            codes = [process.wait() for process in running]
            took = time.perf_counter() - start
        finally:
            os.sched_setaffinity(0, allowed)
        if any(codes):
            errors.seek(0)
            raise SystemExit("%s\n%s" % (" ".join(job.command), errors.read().decode("utf-8", "replace")[-2000:]))
    return took


def medians(jobs: Dict[str, Job], work: Path) -> Dict[str, Tuple[float, float]]:
    """By name: the median, and its spread.  All in turn, so that what slows the machine down for a while slows them all; the first round
    only warms the caches.  The output of each stays in a file of its name."""
    rounds = [{name: seconds(job, work / name) for name, job in jobs.items()} for _ in range(ROUNDS + 1)]
    taken = {name: [one[name] for one in rounds[1:]] for name in jobs}
    return {name: (statistics.median(all_of), spread_of(all_of)) for name, all_of in taken.items()}


def peak(command: Sequence[str]) -> Peak:
    """Looked at every two milliseconds: getrusage has one number for all, and counts the parent's memory in."""
    top: Dict[str, int] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=str(ROOT), env=ENVIRONMENT) as process:
        while process.poll() is None:
            with open("/proc/%d/status" % process.pid, encoding="ascii", errors="replace") as file:
                told = dict(line.split(":", 1) for line in file)
            for name in ("VmHWM", "RssAnon"):
                if name in told:  # a process that has just ended has no memory
                    top[name] = max(top.get(name, 0), int(told[name].split()[0]))
            time.sleep(0.002)
    return Peak(top["VmHWM"] / 1024, top["RssAnon"] / 1024)


def touched(dump: Path, pdb: Path) -> "array[int]":
    """Offsets of the pages in the file that `walk --json` needs, page tables and the header among them."""
    found = set(range(0, HEADER_SIZE, PAGE_SIZE))

    class Noting(PageTables):
        """Every page goes through here, once at least."""

        def _file(self, page: int) -> Place:
            place = super()._file(page)
            if isinstance(place, int):
                found.add(place)
            return place

    crashdump.PageTables = Noting  # type: ignore[misc]
    try:
        with redirect_stdout(io.StringIO()):
            assert walk.main(["--json", "--dump", str(dump), "--symbols", str(pdb)]) == 0
    finally:
        crashdump.PageTables = PageTables  # type: ignore[misc]
    return array("Q", sorted(found))


def judging(dump: Path, symbols: Path) -> Tuple[List[float], List[float]]:
    """Findings and tree, CPU time, a ratio a round: beside the reading that they judge, and beside all of `walk --json`
    but the findings that are in it."""
    command = [sys.executable, "-m", "kdtoken", "walk", "--json", "--dump", str(dump), "--symbols", str(symbols)]
    by_reading, by_walk = [], []
    with nothing_collected():  # as walk does
        for _ in range(ROUNDS):
            whole = spend(command, ROOT, ENVIRONMENT).cpu
            with open_request(Request((str(dump),), symbols=str(symbols))) as machine:
                start = time.process_time()
                rows = list(machine.walk().rows)
                read = time.process_time() - start
                snapshot = machine.snapshot(rows)
                start = time.process_time()
                family = Family(snapshot)
                audit(snapshot, family=family)
                found = time.process_time() - start
                tree(snapshot, family)
                judged = time.process_time() - start
            by_reading.append(judged / read)
            by_walk.append(judged / (whole - found))
    return by_reading, by_walk


def users_of_kdtoken(out: Path) -> Dict[int, str]:
    """pid -> the user's SID, "" where the token cannot be read."""
    users = {}
    for row in json.loads(out.read_text(encoding="utf-8"))["processes"]:
        user = (row["token"] or {}).get("user") or {}
        users[row["process"]["pid"]] = user.get("sid") or ""
    return users


def users_of_volatility(out: Path) -> Dict[int, str]:
    """The same of getsids: the user is the first SID of each process."""
    users: Dict[int, str] = {}
    for row in table(out.read_bytes()):
        sid = str(row["SID"])
        users.setdefault(int(str(row["PID"])), sid if sid.startswith("S-1-") else "")
    return users


def row(name: str, took: float, ratio: str) -> None:
    """A line of the table."""
    print("| %-52s | %8.3f | %-28s |" % (name, took, ratio), flush=True)


def against_volatility(judge: Volatility, ours: float, mine: Dict[int, str], work: Path) -> None:
    """Its two plugins, as two processes; and whether it says the same."""
    # It indexes its symbols in the first run, and shall not be blamed for that.
    seconds(Job(judge.command("windows.pslist", "--pid", "4")), work / "pslist")
    took = sum(seconds(Job(judge.command("windows." + name)), work / name) for name in ("getsids", "privileges"))
    row("Volatility 3: getsids + privileges, once", took, "%.0f times" % (took / ours))
    theirs = users_of_volatility(work / "getsids")
    # getsids has no row for a token whose SIDs are paged out; the privileges are elsewhere in it.
    listed = set(theirs) | {int(str(one["PID"])) for one in table((work / "privileges").read_bytes())}
    assert listed == set(mine), sorted(listed ^ set(mine))
    read = [pid for pid, user in theirs.items() if user and mine[pid]]
    assert all(mine[pid] == theirs[pid] for pid in read), [pid for pid in read if mine[pid] != theirs[pid]]
    assert len(read) > len(mine) - 10
    print(
        "Volatility lists the same %d processes, and the same user for all %d whose token both can read."
        % (len(mine), len(read))
    )


def report(took: Dict[str, float], loop: float, pages: int) -> None:
    """The rows of all but Volatility."""
    one, together = took["one"], took["together"]
    row("kdtoken walk --json --dump A", one, "1")
    row("reading the same %d pages, and Python's start" % pages, took["read"], "%.1f %%" % (100 * took["read"] / one))
    inner = one - took["bare"]
    row("the same, of neither the start of Python", loop, "%.1f %% of its %.3f s" % (100 * loop / inner, inner))
    row("kdtoken walk A B --json, 2 cores", together, "%.2f times" % (together / one))
    row(
        "kdtoken walk A B --json, held on one core",
        took["alone"],
        "%.2f times as long as on 2" % (took["alone"] / together),
    )
    row("the first line twice, one after the other", 2 * one, "%.2f times as long as on 2" % (2 * one / together))
    row(
        "two of the first line at the same time",
        took["beside"],
        "what these 2 cores can give: %.2f" % (2 * one / took["beside"]),
    )
    row("MemProcFS: start, process list", took["listed"], "%.2f times" % (took["listed"] / one))
    row("MemProcFS: the same, SIDs and privileges of each", took["told"], "%.2f times" % (took["told"] / one))


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.bench_dump", description=__doc__.partition("\n")[0])
    parser.add_argument("--build", default="10.0.22000.2538")
    parser.add_argument("--quick", action="store_true", help="without Volatility, which takes minutes")
    options = parser.parse_args(arguments)
    install_judges()
    layouts = load_layouts(ROOT / "fixtures" / "layouts" / ("nt-%s.json" % options.build))
    image = build_image(layouts, default_folder() / "kernels" / options.build)
    cores = sorted(os.sched_getaffinity(0))[:2]
    python = sys.executable
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        # kdtoken keeps layouts on disk and Volatility its symbols: both begin with nothing, and fill it unmeasured.
        os.environ["KDTOKEN_CACHE"] = ENVIRONMENT["KDTOKEN_CACHE"] = str(work / "cache")
        dump, other, offsets = work / "a.dmp", work / "b.dmp", work / "pages"
        size = write_dump(build(grown(MACHINE, PROCESSES, TOKENS), layouts, image), dump)
        shutil.copyfile(str(dump), str(other))
        pages = touched(dump, image.pdb)
        offsets.write_bytes(pages.tobytes())
        walk_json = [python, "-m", "kdtoken", "walk", "--json", "--symbols", str(image.pdb)]
        reader = [python, "-c", _READER, str(dump), str(offsets)]
        measured = medians(
            {
                "one": Job([*walk_json, "--dump", str(dump)]),
                "together": Job([*walk_json, str(dump), str(other)], set(cores)),
                "alone": Job([*walk_json, str(dump), str(other)], {cores[0]}),
                "beside": Job([*walk_json, "--dump", str(dump)], set(cores), [*walk_json, "--dump", str(other)]),
                "bare": Job([python, "-c", "pass"]),
                "read": Job(reader),
                "listed": Job([python, "-c", _LISTER, str(dump)]),
                "told": Job([python, "-m", "tests.engine.memproc", str(dump)]),
            },
            work,
        )
        took = {name: middle for name, (middle, _) in measured.items()}
        for name, (middle, spread) in measured.items():  # beside the reading of the pages, which is no code of ours
            add("dump of %d" % PROCESSES, name, middle / took["read"], "times mere reading", spread)
        loops = []
        for _ in range(ROUNDS):
            seconds(Job(reader), work / "read")
            loops.append(float((work / "read").read_text()))
        write_dump(build(grown(MACHINE, PROCESSES, PROCESSES), layouts, image), other)
        judged = {TOKENS: judging(dump, image.pdb), PROCESSES: judging(other, image.pdb)}
        for tokens, (by_reading, by_walk) in judged.items():
            area, name = "dump of %d" % PROCESSES, "findings and tree, %d tokens" % tokens
            add(area, name, statistics.median(by_reading), "times reading", spread_of(by_reading))
            add(area, name + ", of walk", statistics.median(by_walk), "times walk", spread_of(by_walk))
        users = users_of_kdtoken(work / "one")
        assert len(users) == PROCESSES
        print(calibrate().text())
        print(HEAD % (options.build, PROCESSES, TOKENS, size / 1e6, len(cores), ROUNDS), flush=True)
        report(took, statistics.median(loops), len(pages))
        for tokens, (by_reading, by_walk) in judged.items():
            print(
                "findings and tree, %d tokens: CPU time %.2f of walk --json without them, %.2f of its reading"
                % (tokens, statistics.median(by_walk), statistics.median(by_reading))
            )
        if not options.quick:
            against_volatility(Volatility(dump, layouts, image, work), took["one"], users, work)
        most = peak([*walk_json, "--dump", str(dump)])
        print("memory of the first line: %.0f MB at most, %.0f MB of them beside the mapped files" % most)
    return 0


if __name__ == "__main__":
    sys.exit(main())
