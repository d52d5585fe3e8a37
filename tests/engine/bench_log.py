"""`make bench`: what `walk --log`, `dump --log` and `diff` need for long logs, end to end, beside a plain loop over lines.

    python -m tests.engine.bench_log [--megabytes 100] [--rounds 3] [--shapes stacks,deep,memory,tokens]

The logs are made here, in the shapes that the debugger prints.  The ratio to the plain loop is what counts: it says the
same on a slow machine.  A quarter of each log tells whether the time grows with the length.
"""

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from tests.engine.__main__ import ROOT
from tests.engine.bench_rows import Spent, add, calibrate, spend, spread_of

AREA = "log"
PLAIN = "import sys\nwith open(sys.argv[1], encoding='utf-8') as file:\n    for line in file: pass"
VIEW = (
    "import sys\nfrom kdtoken.cli.output import nothing_collected\n"
    "from kdtoken.machine.idle_lines import passed_over\nfrom kdtoken.machine.merged import read_texts\n"
    "from kdtoken.source.log.source import log_texts\n"
    "with nothing_collected(): read_texts(log_texts([sys.argv[1]], passed_over))"
)
HEAD = (
    "| log           |  MB | verb | MB per CPU second | times a plain loop | +-  | four times as long | memory MB |\n"
    "| ------------- | --: | ---- | ----------------: | -----------------: | --: | -----------------: | --------: |"
)


def frames(depth: int) -> str:
    """A call stack."""
    line = "        ffffb20f`%08x fffff807`%08x : ffffe689`%08x 00000000`00000000 ffffe689`%08x fffff807`12345678 : nt!Frame%d+0x%x\n"
    made = [(0x1000 * n, 0x24681357 + n, 0x13579BDF + n, 0x2468ACE0 + n, n, 0x11 * n + 3) for n in range(depth)]
    return "".join(line % one for one in made)


def process_text(index: int, depth: int = 12) -> str:
    """One process with twenty threads, their stacks so deep."""
    address = 0xFFFFE68900000000 + index * 0x1000
    lines = [
        "PROCESS %016x" % (address + 0x80),
        "    SessionId: 1  Cid: %04x    Peb: 5c%08x  ParentCid: 0f14" % (4 * index + 8, index * 0x1000),
        "    DirBase: %x002  ObjectTable: ffff9a8f%08x  HandleCount: %3d."
        % (0x1000 + index, index * 0x40, index % 900),
        "    Image: made%04d.exe" % (index % 10000),
        "    VadRoot ffffe689`12345678 Vads 98 Clone 0 Private 1234. Modified 5. Locked 0.",
        "    DeviceMap ffff9a8f`00012340",
        "    Token                             ffff9a8f%08x" % (0x10000000 + index * 0x500),
        "    ElapsedTime                       02:21:12.045",
        "",
    ]
    for thread in range(20):
        lines += [
            "        THREAD %016x  Cid %04x.%04x  Teb: 0000005c00%06x Win32Thread: 0000000000000000 WAIT:"
            " (UserRequest) UserMode Non-Alertable"
            % (address + 0x40 * thread, 4 * index + 8, 4 * thread, thread * 0x2000),
            "            ffffe689`0abc%04x  SynchronizationEvent" % thread,
            "        Not impersonating",
            "        DeviceMap                 ffff9a8f`00012340",
            "        Owning Process            %016x       Image:         made.exe" % (address + 0x80),
            "        Wait Start TickCount      12345          Ticks: 678 (0:00:00:10.593)",
            "        Child-SP          RetAddr           : Args to Child  : Call Site",
            frames(depth),
        ]
    return "\n".join(lines) + "\n"


def memory_text(index: int) -> str:
    """What `dq` and `db` print of two ranges of random bytes."""
    made, start = random.Random(index), 0xFFFFA08011002380 + index * 0x10000
    lines = ["kd> dq %08x`%08x L200" % (start >> 32, start & 0xFFFFFFFF)]
    for at in range(start, start + 0x1000, 16):
        cells = " ".join("%08x`%08x" % (made.getrandbits(32), made.getrandbits(32)) for _ in range(2))
        lines.append("%08x`%08x  %s" % (at >> 32, at & 0xFFFFFFFF, cells))
    lines.append("kd> db %08x`%08x L800" % (start >> 32, start + 0x1000 & 0xFFFFFFFF))
    for at in range(start + 0x1000, start + 0x1800, 16):
        data = bytes(made.getrandbits(8) for _ in range(16))
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
        cells = "-".join(" ".join("%02x" % byte for byte in half) for half in (data[:8], data[8:]))
        lines.append("%08x`%08x  %s  %s" % (at >> 32, at & 0xFFFFFFFF, cells, shown))
    return "\n".join(lines) + "\n"


def token_text(index: int) -> str:
    """What `!token` prints of one: its text is fixture's, its address and user are its own."""
    text = (ROOT / "fixtures" / "views" / "token-filtered.txt").read_text(encoding="utf-8")
    address = 0xFFFF9A8F10000000 + index * 0x500
    head, _, rest = text[text.index("_TOKEN ") :].partition("\n")
    return "kd> !token %x\n%s\n%s\n" % (address, head.replace(head.split()[1], "0x%x" % address), rest.rstrip())


class Shape(NamedTuple):
    """A kind of log: what its pieces are, and how much of the usual size is made of it."""

    name: str
    piece: Callable[[int], str]
    dumped: str  # what `dump` is asked for
    part: float = 1.0


SHAPES = {
    "stacks": Shape("stacks of 12", process_text, "made0001.exe"),
    "deep": Shape("stacks of 25", lambda index: process_text(index, 25), "made0001.exe"),
    "memory": Shape("dq and db", memory_text, "ffffa08011002380"),
    "tokens": Shape("!token", token_text, "#1", 0.05),
}


def make(path: Path, shape: Shape, megabytes: float) -> None:
    """Write a log."""
    written = index = 0
    with open(str(path), "w", encoding="utf-8") as file:
        file.write("kd> !process 0 7\n**** NT ACTIVE PROCESS DUMP ****\n" if "stacks" in shape.name else "")
        while written < megabytes * 1e6:
            written += file.write(shape.piece(index))
            index += 1
        file.write("kd> .logclose\n")


def jobs(shape: Shape, long: Path, short: Path) -> Iterator[List[str]]:
    """The verbs on both logs; "" stands for the plain loop."""
    for file in (long, short):
        yield ["", sys.executable, "-c", PLAIN, str(file)]
        yield ["walk", sys.executable, "-m", "kdtoken", "walk", "--log", str(file)]
        yield ["dump", sys.executable, "-m", "kdtoken", "dump", shape.dumped, "--log", str(file)]
    if "stacks" in shape.name:
        yield ["view", sys.executable, "-c", VIEW, str(long)]  # of the text alone, as `diff` reads it
    if "token" in shape.name:
        yield ["diff", sys.executable, "-m", "kdtoken", "diff", "%s@#1" % long, "%s@#2" % long]


def measure(shape: Shape, megabytes: float, rounds: int, folder: Path) -> None:
    """The lines of one shape; the jobs in turn, so that what slows the machine down slows them all."""
    long, short = folder / "long.log", folder / "short.log"
    make(long, shape, megabytes * shape.part)
    make(short, shape, megabytes * shape.part / 4)
    size = long.stat().st_size / 1e6
    spent: Dict[str, List[Spent]] = {}
    for _ in range(rounds):
        for verb, *command in jobs(shape, long, short):
            name = verb + ("/4" if any(str(short) in word for word in command) else "")
            # A log that names no process, or tells of no token, is answered so: status 1 or 2 is an answer, too.
            spent.setdefault(name, []).append(spend(command, ROOT, answers=(0, 1, 2)))
    plain = statistics.median(one.cpu for one in spent[""])
    for verb in (name for name in spent if name and "/" not in name):
        cpu = [one.cpu for one in spent[verb]]
        middle, spread = statistics.median(cpu), spread_of(cpu)
        most = max(one.memory for one in spent[verb])
        quarter = statistics.median(one.cpu for one in spent.get(verb + "/4", [Spent(0, 0, 0)]))
        longer = "%.1f" % (middle / quarter) if quarter else ""
        line = "| %-13s | %3.0f | %-4s | %17.1f | %18.1f | %2.0f%% | %18s | %9.0f |"
        print(line % (shape.name, size, verb, size / middle, middle / plain, 100 * spread, longer, most), flush=True)
        name = "%s of a log, %s, %.0f MB" % (verb, shape.name, size)
        add(AREA, name, middle / plain, "plain loops", spread)
        add(AREA, name + ", memory", most, "MB", spread_of([one.memory for one in spent[verb]]))


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.bench_log", description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", default=",".join(SHAPES))
    options = parser.parse_args(arguments)
    print("%s\n%s" % (calibrate().text(), HEAD), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in options.shapes.split(","):
            measure(SHAPES[name], options.megabytes, options.rounds, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
