"""How fast a long log is read, beside a plain `for line in file`: a row for `make bench`.

    python -m tests.engine.bench_log [MEGABYTES]

The log is `!process 0 7` text made here, in the shape that the extension prints.  The ratio is what
counts: it says the same on a slow machine.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Tuple

from kdtoken.source.log.source import LogSource
from tests.engine.bench_rows import add, calibrate

_FRAMES = "".join(
    "        ffffb20f`%08x fffff807`%08x : ffffe689`%08x 00000000`00000000 ffffe689`%08x fffff807`12345678 : nt!Frame%d+0x%x\n"
    % (0x1000 * n, 0x24681357 + n, 0x13579BDF + n, 0x2468ACE0 + n, n, 0x11 * n + 3)
    for n in range(12)
)


def process_text(index: int) -> str:
    """One process with twenty threads, their stacks twelve deep."""
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
        ]
        lines.append(_FRAMES)
    return "\n".join(lines) + "\n"


def make(path: Path, megabytes: int) -> int:
    """Write the log; how many processes are in it."""
    index = written = 0
    with open(str(path), "w", encoding="ascii") as file:
        file.write("kd> !process 0 7\n**** NT ACTIVE PROCESS DUMP ****\n")
        while written < megabytes << 20:
            written += file.write(process_text(index))
            index += 1
        file.write("kd> .logclose\n")
    return index


def measure(path: Path) -> Tuple[float, float, LogSource]:
    """Seconds of a plain loop over the lines, seconds of LogSource, and what it read."""
    start = time.perf_counter()
    with open(str(path), encoding="utf-8") as file:
        for _ in file:
            pass
    plain = time.perf_counter() - start
    start = time.perf_counter()
    target = LogSource([str(path)])
    return plain, time.perf_counter() - start, target


def row(megabytes: int = 200) -> Dict[str, float]:
    """The figures, by name."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.log", Path(folder) / "large.log"
        make(small, max(megabytes // 4, 1))
        count = make(large, megabytes)
        _, quarter, _ = measure(small)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        plain, seconds, target = measure(large)
        assert "!process 0 7" in target.commands()
        size = large.stat().st_size / 1e6
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {
        "MB": size,
        "MB/s": size / seconds,
        "ratio": seconds / plain,
        "plain MB/s": size / plain,
        "four times as long": seconds / quarter,
        "processes": count,
        "memory MB": grown,
    }


def main() -> None:
    found = row(int(sys.argv[1]) if sys.argv[1:] else 200)
    print(calibrate().text())
    add("log", "LogSource beside a plain loop over the lines", found["ratio"], "times", 0.1)
    add("log", "four times as long a log", found["four times as long"], "times", 0.1)
    print("log: " + ", ".join("%s %.1f" % (name, value) for name, value in found.items()))


if __name__ == "__main__":
    main()
