"""Runs in the Windows Python: what kdtoken sees of a dump of any size through the genuine pykd and dbgeng.

python seen_walk.py DUMP OUT.pickle      symbols are found by _NT_SYMBOL_PATH
"""

import pickle
import sys

import pykd

pykd.initialize()
pykd.loadDump(sys.argv[1])
pykd.dbgCommand(".reload /f nt")

from kdtoken.decode.process import process_details, walk_processes  # noqa: E402
from kdtoken.decode.process_dump import Tokens  # noqa: E402
from kdtoken.source.cached import CachedSource  # noqa: E402
from kdtoken.source.live import LiveSource  # noqa: E402

target = CachedSource(LiveSource())
tokens = Tokens(target, follow=False)
processes, problems = walk_processes(target)
seen = [(process, process_details(target, process), tokens.of(process)) for process in processes]
with open(sys.argv[2], "wb") as file:
    pickle.dump((seen, problems), file)
