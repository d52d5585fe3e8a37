"""An image of 64 GiB, nearly all of it a hole: how long, and how much of it is read, until `dump` answers.

    python -m tests.engine.bench_image [FOLDER]      the folder needs a file system with sparse files

The kernel is the one of 2,000 processes. Beside it: Volatility 3 on the same file, and the arithmetic minimum, which is the pages
that hold what is shown and the page tables on the way to them.  What was read is what the page cache holds of the file
afterwards, the cache having been emptied of it before; readahead is the system's and counts.
"""

import ctypes
import json
import mmap
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, List, Set, Tuple

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.layout.layout_file import load_layouts
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import open_dump
from kdtoken.source.paging import PageTables
from tests.engine.volatility import Volatility, VolatilityError, isf
from tests.fake_image import as_image, fake_image
from tests.machine.containers import physical_pages, write_raw
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import build

SIZE = 64 << 30
PAGE = 0x1000
LAYOUTS = Path(__file__).parents[2] / "fixtures" / "layouts" / "nt-10.0.22000.2538.json"
NAME = "notepad.exe"
ENOUGH = 60  # Volatility is not waited for longer than so many times kdtoken's own time


def forget(path: Path) -> None:
    """Empty the page cache of the file."""
    with open(str(path), "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cached(path: Path) -> int:
    """Bytes of the file that the page cache holds."""
    libc = ctypes.CDLL(None, use_errno=True)
    total, step = 0, 1 << 30
    with open(str(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        for at in range(0, size, step):
            length = min(step, size - at)
            view = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_COPY, offset=at)
            held = (ctypes.c_ubyte * (-(-length // PAGE)))()
            start = ctypes.addressof(ctypes.c_char.from_buffer(view))
            if libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(length), held) == 0:
                total += sum(one & 1 for one in bytes(held)) * PAGE
    return total


def minimum(path: Path, symbols: Path) -> int:
    """Bytes of the pages that the answer needs, page tables included."""
    pages: Set[int] = set()
    plain = PageTables._file

    def noted(self: PageTables, page: int) -> object:
        pages.add(page)
        return plain(self, page)

    PageTables._file = noted  # type: ignore[assignment, method-assign]
    try:
        target = open_dump(path, str(symbols))
        pages.clear()  # finding Windows is not part of it
        # What the proof looked up, which followed the list of processes to its end, is looked up again.
        target.dump.tables._regions.clear()  # type: ignore[attr-defined]
        target.dump.tables._known.clear()  # type: ignore[attr-defined]
        source = CachedSource(target)
        processes, _ = walk_processes(source)
        dump_process(Tokens(source), next(one for one in processes if one.image_name == NAME), tuple(processes))
        return len(pages) * PAGE
    finally:
        PageTables._file = plain  # type: ignore[method-assign]


def measured(path: Path, run: Callable[[], object]) -> Tuple[float, int]:
    forget(path)
    start = time.perf_counter()
    run()
    return time.perf_counter() - start, cached(path)


def main(arguments: List[str]) -> None:
    layouts = load_layouts(LAYOUTS)
    image = fake_image(layouts)
    with tempfile.TemporaryDirectory(dir=arguments[0] if arguments else None) as name:
        folder = Path(name)
        kernel = build(grown(MACHINE, 2000, 300), layouts, image)
        path = write_raw(physical_pages(kernel), folder / "memory.raw", SIZE)
        symbols = folder / "symbols.json"
        symbols.write_text(json.dumps(isf(layouts, as_image(image))))
        command = [sys.executable, "-m", "kdtoken", "dump", NAME, "--dump", str(path), "--symbols", str(symbols)]
        judge = Volatility(path, layouts, as_image(image), folder)
        print("an image of %d GiB, %d MB of it there" % (SIZE >> 30, path.stat().st_blocks * 512 >> 20))
        print("%-32s %10s %12s" % ("", "seconds", "KB read"))
        print("%-32s %10s %12d" % ("arithmetic minimum", "", minimum(path, symbols) >> 10), flush=True)
        ours, size = measured(path, lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True))
        print("%-32s %10.2f %12d" % ("kdtoken dump %s" % NAME, ours, size >> 10), flush=True)
        limit = max(60.0, ENOUGH * ours)
        try:
            theirs, size = measured(path, lambda: judge.rows("windows.getsids", timeout=limit))
            print("%-32s %10.2f %12d" % ("volatility3 windows.getsids", theirs, size >> 10))
            print("kdtoken is %.0f times as fast" % (theirs / ours))
        except VolatilityError:
            print("%-32s %9.0f+ %12d" % ("volatility3 windows.getsids", limit, cached(path) >> 10))
            print("kdtoken is more than %.0f times as fast" % (limit / ours))


if __name__ == "__main__":
    main(sys.argv[1:])
