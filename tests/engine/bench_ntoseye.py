"""Runs with ntoseye on PYTHONPATH: its own KD client on the same kernel.

python bench_ntoseye.py SOCKET CONTROL_PORT NAME (name|walk)
"""

import socket
import sys

import ntoseye  # type: ignore[import-not-found,unused-ignore]

_, path, port, name, what = sys.argv
control = socket.create_connection(("127.0.0.1", int(port)))


def mark(text: str) -> None:
    """Have the target's counters kept under that name."""
    control.sendall(("mark %s\n" % text).encode("ascii"))
    control.recv(16)


debugger = ntoseye.attach("kd", path, memory_source="kd")
title = "ntoseye, " + {"name": "token by name", "walk": "walk"}[what]
mark(title + " <")
if what == "name":
    token = debugger.processes.find(name)[0].token()
    print(token.user, len(token.groups.value), token.privileges)
else:
    seen = 0
    for process in debugger.processes:
        try:
            seen += process.token().user is not None
        except ntoseye.NtoseyeError:
            pass  # a process in the middle of its end has no token
    print(seen)
mark(title + " >")
