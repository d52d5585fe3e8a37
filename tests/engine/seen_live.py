"""Runs in the Windows Python: all that kdtoken sees of a live kernel, for the judges on the Linux side.

python seen_live.py CONNECTION CONTROL_PORT OUT.pickle
"""

import pickle
import socket
import sys

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.source.attach import AttachedSource
from kdtoken.source.cached import CachedSource

control = socket.create_connection(("127.0.0.1", int(sys.argv[2])))


def mark(name: str) -> None:
    """Have the target's counters kept under that name."""
    control.sendall(("mark %s\n" % name).encode("ascii"))
    control.recv(16)


attached = AttachedSource(sys.argv[1])
try:
    mark("attached")
    target = CachedSource(attached)
    processes, problems = walk_processes(target)
    tokens = Tokens(target)
    dumps = [dump_process(tokens, process, tuple(processes), check=False) for process in processes]
    mark("read")
finally:
    attached.release()
with open(sys.argv[3], "wb") as out:
    pickle.dump({"dumps": dumps, "problems": problems, "about": attached.about}, out)
