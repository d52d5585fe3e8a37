"""Asks the process of tests/starts.py for a run, with this one's own streams, folder, environment and limits.

As a program it stands in a shell line for `python -m kdtoken`: `python -I -S ask.py SOCKET WORDS`.  It imports as little
as it can: it is started hundreds of times.
"""

import os
import resource
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket

LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_FSIZE)


def _is_open(number):  # type: ignore[no-untyped-def]
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def ask(path, words, streams, folder, environment, limits, timeout=None):  # type: ignore[no-untyped-def]
    """The exit status of a run, as os.waitpid gives it; TimeoutError if it takes too long, and it is ended.

    streams      file descriptors of its stdin, stdout and stderr, None for a closed one
    folder       file descriptor of the folder that it runs in
    environment  all of it
    limits       resource -> limits, soft and hard
    """
    given = [one for one in streams if one is not None]
    told = repr((words, [one is not None for one in streams], environment, limits)).encode("ascii", "backslashreplace")
    with_rights = b"".join(one.to_bytes(4, sys.byteorder) for one in (folder, *given))
    line = socket(AF_UNIX, SOCK_STREAM)
    try:
        line.connect(path)
        line.sendmsg([len(told).to_bytes(8, "little")], [(SOL_SOCKET, SCM_RIGHTS, with_rights)])
        line.sendall(told)
        child = int.from_bytes(line.recv(8), "little")
        line.settimeout(timeout)
        try:
            return int.from_bytes(line.recv(8), "little")
        except OSError:
            os.kill(child, 9)
            raise TimeoutError("it was not done within %s s" % timeout) from None
    finally:
        line.close()


def main():  # type: ignore[no-untyped-def]
    """End as the run did."""
    streams = [number if _is_open(number) else None for number in range(3)]
    limits = {one: resource.getrlimit(one) for one in LIMITS}
    status = ask(sys.argv[1], sys.argv[2:], streams, os.open(".", os.O_RDONLY), dict(os.environ), limits)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main()
