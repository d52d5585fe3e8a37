"""`make bench`: `walk --json` of dumps of 31 to 50,000 processes, with shared and with own tokens, caches cold and warm.

    python -m tests.engine.bench_shapes [--processes 31,200,2000,10000,50000] [--rounds 5]

The machine's calibration stands on top; CPU time is told in loops of it.  MemProcFS reads the same dumps in turn with
kdtoken, and both are told in wall clock as well: it waits much.  No Wine.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from kdtoken.layout.layout_file import load_layouts
from tests.engine.__main__ import ROOT, install_judges
from tests.engine.assemble import default_folder
from tests.engine.bench_rows import Calibration, Spent, add, calibrate, spend, spread_of
from tests.engine.image import build_image
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import build

AREA, SHARED, JUDGED = "walk", 300, 2000
HEAD = (
    "walk --json of a dump: build %s; median of %d\n%s\n"
    "| procs | tokens | what                          | CPU s  | wall s | loops | +-   | ms/process | MB    |\n"
    "| ----: | -----: | ----------------------------- | -----: | -----: | ----: | ---: | ---------: | ----: |"
)


def tell(count: int, tokens: int, what: str, spent: Sequence[Spent], machine: Calibration) -> None:
    """A line of the table, and two figures of build/bench.json."""
    cpu = [one.cpu for one in spent]
    middle, spread = statistics.median(cpu), spread_of(cpu)
    most = max(one.memory for one in spent)
    wall = statistics.median(one.wall for one in spent)
    line = "| %5d | %6d | %-29s | %6.3f | %6.3f | %5.2f | %3.0f%% | %10.3f | %5.0f |"
    loops = middle / machine.loop
    print(line % (count, tokens, what, middle, wall, loops, 100 * spread, 1000 * middle / count, most), flush=True)
    name = "%d processes, %d tokens, %s" % (count, tokens, what)
    add(AREA, name, loops, "loops", spread)
    add(AREA, name + ", memory", most, "MB", spread_of([one.memory for one in spent]))


def measure(jobs: Dict[str, List[str]], env: Dict[str, str], rounds: int) -> Dict[str, List[Spent]]:
    """All in turn, so that what slows the machine down slows them all; "cold" has an empty cache of layouts each time."""
    spent: Dict[str, List[Spent]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, command in jobs.items():
            if "cold" in name:
                with tempfile.TemporaryDirectory() as empty:
                    spent[name].append(spend(command, ROOT, dict(env, KDTOKEN_CACHE=empty)))
            else:
                spent[name].append(spend(command, ROOT, env))
    return spent


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.bench_shapes", description=__doc__.partition("\n")[0])
    parser.add_argument("--build", default="10.0.22000.2538")
    parser.add_argument("--processes", default="31,200,2000,10000,50000")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    install_judges()
    layouts = load_layouts(ROOT / "fixtures" / "layouts" / ("nt-%s.json" % options.build))
    image = build_image(layouts, default_folder() / "kernels" / options.build)
    machine = calibrate()
    print(HEAD % (options.build, options.rounds, machine.text()), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        dump = Path(scratch) / "a.dmp"
        # As where a package was installed by pip: with its bytecode there, and with buffered output.
        unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
        env = {name: value for name, value in os.environ.items() if name not in unwanted}
        env["KDTOKEN_CACHE"] = str(Path(scratch) / "cache")
        walk = [sys.executable, "-m", "kdtoken", "walk", "--json", "--dump", str(dump), "--symbols", str(image.pdb)]
        spend(walk[:4] + ["--help"], ROOT, env)  # bytecode
        for count in map(int, options.processes.split(",")):
            for tokens in sorted({min(SHARED, count), count}):
                write_dump(build(grown(MACHINE, count, tokens), layouts, image), dump, 0x1000)
                spend(walk, ROOT, env)  # the page cache, and that of layouts
                jobs = {"kdtoken": walk, "kdtoken, cold": walk}
                if count == JUDGED:
                    jobs["Python's start and imports"] = [sys.executable, "-c", "import kdtoken.walk"]
                    jobs["MemProcFS, SIDs and privileges"] = [sys.executable, "-m", "tests.engine.memproc", str(dump)]
                for what, spent in measure(jobs, env, options.rounds).items():
                    tell(count, tokens, what, spent, machine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
