"""Runs in the Windows Python: all that kdtoken and the engine see in a dump, for the judges on the Linux side.

    python seen.py DUMP OUT.pickle       symbols are found by _NT_SYMBOL_PATH

kdtoken goes through LiveSource, so through the genuine pykd and dbgeng; the engine's own words for
the same addresses (`dt`) and types are kept beside it.
"""

import pickle
import sys
import time

import pykd

pykd.initialize()
pykd.loadDump(sys.argv[1])
pykd.dbgCommand(".reload /f nt")

from kdtoken.decode.process import walk_processes  # noqa: E402
from kdtoken.decode.process_dump import Tokens, dump_process  # noqa: E402
from kdtoken.model.token import Token  # noqa: E402
from kdtoken.source.cached import CachedSource  # noqa: E402
from kdtoken.source.live import LiveSource  # noqa: E402

live = LiveSource()
target = CachedSource(live)
tokens = Tokens(target)
processes, problems = walk_processes(target)
dumps = [dump_process(tokens, process, tuple(processes), check=False) for process in processes]
found = {one.token.address: one.token for one in dumps if isinstance(one.token, Token)}
for one in dumps:
    found.update({a: t for a, t in one.tokens.items() if isinstance(t, Token)})

# The cost of one dump by name, from nothing.
alone = CachedSource(LiveSource())
start = time.perf_counter()
listed, _ = walk_processes(alone)
walked = alone.requests
notepad = next(process for process in listed if process.image_name == "notepad.exe")
dump_process(Tokens(alone), notepad, tuple(listed), check=False)
cost = {"walk": walked, "requests": alone.requests, "bytes": alone.bytes_read, "seconds": time.perf_counter() - start}

names = [
    "_TOKEN",
    "_EPROCESS",
    "_ETHREAD",
    "_EX_FAST_REF",
    "_SEP_LOGON_SESSION_REFERENCES",
    "_OBJECT_HEADER",
    "_SID_AND_ATTRIBUTES",
    "_SID_AND_ATTRIBUTES_HASH",
    "_SEP_TOKEN_PRIVILEGES",
    "_PS_CLIENT_SECURITY_CONTEXT",
    "_UNICODE_STRING",
    "_TOKEN_TYPE",
    "_SECURITY_IMPERSONATION_LEVEL",
    "_LUID",
    "_LIST_ENTRY",
    "_OBJECT_TYPE",
]
with open(sys.argv[2], "wb") as out:
    pickle.dump(
        {
            "dumps": dumps,
            "problems": problems,
            "cost": cost,
            "token_dt": {address: pykd.dbgCommand("dt -r2 nt!_TOKEN %x" % address) for address in found},
            "tokens": found,
            "layouts": {name: live.layout(name) for name in names},
            "dt": {name: pykd.dbgCommand("dt nt!" + name) for name in names},
            "dt_v": {name: pykd.dbgCommand("dt -v nt!" + name) for name in names},
            "about": target.about,
        },
        out,
    )
