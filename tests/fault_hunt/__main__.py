"""`make faults COUNT=100000`: single faults at random, what became of them, and what was silent.

python -m tests.fault_hunt [--count 10000] [--seed 0] [--build 22000] [--through memory|recording|log]
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Optional, Sequence

from tests.expected import FILES, kernel_of
from tests.fault_hunt.hunt import KINDS, Hunt
from tests.fault_hunt.through import THROUGH

OUTCOMES = ("without effect", "marked", "true", "true, and noted", "undetectable", "silent")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fault_hunt", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--build", default="22000", help="of fixtures/layouts")
    parser.add_argument("--through", choices=sorted(THROUGH), default="memory")
    options = parser.parse_args(arguments)
    kernel = kernel_of(next(path for path in FILES if ".%s." % options.build in path.name))
    with tempfile.TemporaryDirectory() as folder:
        hunt = Hunt(kernel, THROUGH[options.through](Path(folder)))
        start = time.monotonic()
        result = hunt.run(options.seed, options.count)
    seconds = time.monotonic() - start
    print("%d faults through %s in %.0f s" % (sum(result.counts.values()), options.through, seconds))
    print("%-8s" % "" + "".join("%17s" % outcome for outcome in OUTCOMES))
    for kind in KINDS:
        print("%-8s" % kind + "".join("%17d" % result.counts[kind, outcome] for outcome in OUTCOMES))
    for reason, count in result.reasons.most_common():
        print("%6d  %s" % (count, reason))
    for (kind, where, path), count in Counter((one.kind, one.where, one.path) for one in result.silent).most_common():
        print("SILENT %d: %s %s: %s" % (count, kind, where, path))
        print(
            "    " + next(one.words for one in result.silent if (one.kind, one.where, one.path) == (kind, where, path))
        )
    return 1 if result.silent else 0


if __name__ == "__main__":
    sys.exit(main())
