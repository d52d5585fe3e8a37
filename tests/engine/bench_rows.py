"""What a bench measured, kept in build/bench.json by area and name; and what moved since another run.

    add("walk", "2000 processes, own tokens", 0.31, "loops", spread=0.04)
    python -m tests.engine.bench_rows OLD.json [NEW.json]      # make bench-compare OLD=...

Times are told in `loops`: CPU time divided by that of a pure loop in the same run, so that two machines, or one that is
busy, can be compared.  What is counted (requests, bytes, pages) is exact: any change of it has moved.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

FILE = Path(__file__).resolve().parents[2] / "build" / "bench.json"
# A median may differ by as many spreads, and by this part of itself, before it has moved.
SPREADS, LEAST = 3.0, 0.08
_LOOP = "for i in range(5000000): pass"

Row = Dict[str, Any]


class Spent(NamedTuple):
    """What a process and its children used: CPU time and wall clock in seconds, most resident memory in MB."""

    cpu: float
    wall: float
    memory: float


def spend(
    command: Sequence[str],
    cwd: Optional[Path] = None,
    env: Optional[Mapping[str, str]] = None,
    answers: Sequence[int] = (0,),
) -> Spent:
    """Run a program, its output thrown away; it must end with one of these statuses."""
    # A child's peak of memory begins with that of its parent at the fork: so a parent that is small.
    launch = [sys.executable, "-S", "-c", _LAUNCH, *command]
    done = subprocess.run(
        launch,
        cwd=None if cwd is None else str(cwd),
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if answers == (0,) else subprocess.DEVNULL,
        check=False,
    )
    if done.returncode not in answers:
        raise SystemExit("status %d: %s" % (done.returncode, " ".join(command)))
    cpu, wall, memory = map(float, done.stdout.split())
    return Spent(cpu, wall, memory)


_LAUNCH = """
import os, sys, time
start = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ,
                        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, used = os.wait4(child, 0)
print(used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss / 1024)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 255)
"""


class Calibration(NamedTuple):
    """How fast this machine is now, and what a second core adds.

    loop   CPU seconds of a pure loop in this Python
    cores  of two such loops at once: how many times faster than one after the other
    """

    loop: float
    cores: float

    def text(self) -> str:
        """One line, for the top of a table."""
        return "machine: Python %d.%d, a loop of five million takes %.3f s; two cores give %.2f times one" % (
            *sys.version_info[:2],
            self.loop,
            self.cores,
        )


def calibrate(rounds: int = 5) -> Calibration:
    """Medians of a few rounds."""
    command = [sys.executable, "-c", _LOOP]
    alone = [spend(command) for _ in range(rounds)]
    together = []
    for _ in range(rounds):
        start = time.perf_counter()
        for process in [subprocess.Popen(command) for _ in range(2)]:
            process.wait()
        together.append(time.perf_counter() - start)
    one = statistics.median(spent.wall for spent in alone)
    return Calibration(statistics.median(spent.cpu for spent in alone), 2 * one / statistics.median(together))


def spread_of(values: Sequence[float]) -> float:
    """Half the distance of the quartiles, as a part of the median; 0 of a single value."""
    if len(values) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4)
    return (high - low) / 2 / middle if middle else 0.0


def add(area: str, name: str, value: float, unit: str, spread: Optional[float] = None, file: Path = FILE) -> None:
    """Keep a figure; `spread` is None for what is counted and does not vary."""
    rows = read(file) if file.exists() else {}
    rows["%s: %s" % (area, name)] = {"value": round(value, 6), "unit": unit, "spread": spread}
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(file.name + ".part")
    aside.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    aside.replace(file)


def read(file: Path) -> Dict[str, Row]:
    """The figures of a run.  Raises SystemExit where the file is none of ours."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        for row in rows.values():
            float(row["value"]), str(row["unit"]), row["spread"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise SystemExit("%s holds no figures of `make bench`" % file) from None
    found: Dict[str, Row] = rows
    return found


def compare(old: Mapping[str, Row], new: Mapping[str, Row]) -> List[str]:
    """A line for each figure that moved beyond noise, or is in one run only."""
    lines = []
    for name in sorted(set(old) | set(new)):
        before, after = old.get(name), new.get(name)
        if before is None or after is None or before["unit"] != after["unit"]:
            lines.append("%-60s only in the %s run" % (name, "new" if before is None else "old"))
            if before is not None and after is not None:
                lines[-1] = "%-60s was in %s, is in %s" % (name, before["unit"], after["unit"])
            continue
        was, now = float(before["value"]), float(after["value"])
        if abs(now - was) > noise(before, after):
            how = "%+.0f %%" % (100 * (now - was) / was) if was else "from nothing"
            lines.append("%-60s %g -> %g %s (%s)" % (name, was, now, after["unit"], how))
    return lines


def noise(before: Row, after: Row) -> float:
    """What two runs of the same may differ by; nothing, where it is counted."""
    if before["spread"] is None or after["spread"] is None:
        return 0.0
    part = max(SPREADS * float(before["spread"]), SPREADS * float(after["spread"]), LEAST)
    return part * abs(float(before["value"]))


def main(arguments: Optional[Sequence[str]] = None, say: Callable[[str], Any] = print) -> int:
    """Print what moved between two runs; 0, for a figure that moved is no failure by itself."""
    files = list(sys.argv[1:] if arguments is None else arguments)
    if not 1 <= len(files) <= 2:
        say("usage: make bench-compare OLD=bench-before.json [NEW=build/bench.json]")
        return 2
    old, new = read(Path(files[0])), read(Path(files[1]) if files[1:] else FILE)
    moved = compare(old, new)
    for line in moved or ["nothing moved beyond noise, of %d figures" % len(new)]:
        say(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
