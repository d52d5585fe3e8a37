"""`python -m kdtoken WORDS` as a process of its own, without the tenth of a second that Python and its imports take.

A process that has imported what kdtoken imports, one for each worker of the tests, forks for each run; the child gets
the run's own standard streams, folder, environment and limits, runs the module, and ends as any Python does.
What is no part of it is the start of Python itself: tests of that (a locale, a broken installation, a signal that comes
early) start it.  Where there is no fork, and with KDTOKEN_EXAMPLES=all, as CI has it, every run is a start.

run(words, ...)   one run, told as subprocess.run tells it
prelude()         functions for a line of bash: `k` is kdtoken, `tool` a program of vm/
"""

import ast
import atexit
import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from tests.examples import ALL

ROOT = Path(__file__).parent.parent
FORKS = hasattr(os, "fork") and sys.platform == "linux" and not ALL
Limits = Dict[int, Tuple[int, int]]


def run(
    words: Sequence[str],
    cwd: Path = ROOT,
    env: Optional[Mapping[str, str]] = None,
    limits: Optional[Limits] = None,
    timeout: float = 60,
) -> "subprocess.CompletedProcess[str]":
    """One run of kdtoken, with nothing on its stdin; raises TimeoutError or subprocess.TimeoutExpired.

    limits  resource -> limits, as resource.setrlimit takes them
    """
    environment = dict(os.environ if env is None else env)
    if not FORKS:
        return subprocess.run(
            [sys.executable, "-m", "kdtoken", *words], cwd=str(cwd), env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=timeout,
            preexec_fn=(lambda: _limit(limits)) if limits else None,
        )  # fmt: skip
    from tests.ask import ask

    folder = os.open(str(cwd), os.O_RDONLY)
    try:
        with open(os.devnull) as nothing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            streams = [nothing.fileno(), out.fileno(), err.fileno()]
            status = ask(socket_path(), list(words), streams, folder, environment, limits or {}, timeout)
            code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            told = [_read(one) for one in (out, err)]
            return subprocess.CompletedProcess(list(words), code, told[0], told[1])
    finally:
        os.close(folder)


def _read(file: Any) -> str:
    file.seek(0)
    text: str = file.read().decode("utf-8")
    return text


def _limit(limits: Limits) -> None:
    import resource

    for one, values in limits.items():
        resource.setrlimit(one, values)


def prelude(as_another: Sequence[str] = ()) -> str:
    """Functions of bash: k, tool, and as_nobody, which is k as whom the words before a command make it."""
    start, tool = '"$PYTHON" -m kdtoken "$@"', '"$PYTHON" "$VM/$@"'
    # Another user is one by Python's start: what it may read, this one's process has read already.
    nobody = " ".join([*as_another, '"$PYTHON" -B -m kdtoken "$@"']) if as_another else 'k "$@"'
    if FORKS:
        start = '"$PYTHON" -I -S "%s" "%s" "$@"' % (ROOT / "tests" / "ask.py", socket_path())
        tool = start.replace('"$@"', '"$VM/$@"')
    return "k() { %s; }; tool() { %s; }; as_nobody() { %s; }; " % (start, tool, nobody)


@lru_cache(maxsize=None)
def socket_path() -> str:
    """Where the process that forks listens; it ends with this one."""
    folder = tempfile.mkdtemp(prefix="kdt-")
    path = os.path.join(folder, "s")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.starts", path], cwd=str(ROOT), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin and server.stdout and server.stdout.readline() == b"ready\n"
    owner = os.getpid()

    def end() -> None:
        if os.getpid() == owner:  # not in a child of it
            server.stdin.close()  # type: ignore[union-attr]
            server.stdout.close()  # type: ignore[union-attr]
            server.wait()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return path


def _serve(path: str) -> Optional[List[str]]:
    """Fork for everybody who asks; in the child, the words to run."""
    import socket

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(8)
    learned, teach = os.pipe()
    os.write(1, b"ready\n")
    while True:
        ready, _, _ = select.select([listener, 0, learned], [], [])
        if 0 in ready:
            sys.exit(0)
        if learned in ready:
            _import_as_well(os.read(learned, 1 << 16).decode())
        while True:
            try:
                if not os.waitpid(-1, os.WNOHANG)[0]:
                    break
            except ChildProcessError:
                break
        if listener not in ready:
            continue
        line, _ = listener.accept()
        if os.fork():
            line.close()
            continue
        listener.close()
        child = os.fork()
        if not child:
            return _become(line, teach)
        # Between the two: it waits for the child, so that the others can be served.
        line.sendall(child.to_bytes(8, "little"))
        line.sendall(os.waitpid(child, 0)[1].to_bytes(8, "little"))
        os._exit(0)


def _import_as_well(names: str) -> None:
    """What a run imported, the next one finds; only imports, so that no run sees what another did."""
    import importlib

    for name in names.split():
        if name not in sys.modules:
            with contextlib.suppress(ImportError, OSError):  # then each run does it, and tells of it
                importlib.import_module(name)


def _become(line: Any, teach: int) -> List[str]:
    """Be the process that was asked for; returns its words."""
    import array
    import resource

    numbers = array.array("i")
    head, sent, _, _ = line.recvmsg(8, 4 * numbers.itemsize + 64)
    for _, _, data in sent:
        numbers.frombytes(data)
    told = b""
    while len(told) < int.from_bytes(head, "little"):
        told += line.recv(1 << 16)
    words, there, environment, limits = ast.literal_eval(told.decode("ascii"))
    line.close()
    sys.dont_write_bytecode = True  # under a limit of a file's size, half a file would be kept
    before = set(sys.modules)
    atexit.register(lambda: os.write(teach, " ".join(_worth_it(set(sys.modules) - before)).encode()[: 1 << 15] + b"\n"))
    os.fchdir(numbers[0])
    given = iter(numbers[1:])
    for number in range(3):
        if there[number]:
            os.dup2(next(given), number)
        else:
            os.close(number)
    for number in numbers:
        os.close(number)
    os.environ.clear()
    os.environ.update(environment)
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "utf-8").partition(":")
    # As Python makes them at its start; None for a closed one.
    sys.stdin = open(0, encoding=encoding, errors=errors or None, closefd=False) if there[0] else None  # type: ignore[assignment]
    sys.stdout = open(1, "w", encoding=encoding, errors=errors or None, closefd=False) if there[1] else None  # type: ignore[assignment]
    sys.stderr = (
        open(2, "w", 1, encoding=encoding, errors="backslashreplace", closefd=False) if there[2] else None  # type: ignore[assignment]
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc, assignment]
    for limit, values in limits.items():
        resource.setrlimit(limit, values)
    result: List[str] = words
    return result


def _worth_it(names: "set[str]") -> List[str]:
    return [name for name in names if name.split(".")[0] not in ("tests", "__main__", "__mp_main__")]


def main() -> None:
    """The process that forks, and in its children what they run."""
    import gc
    import runpy

    signal.signal(signal.SIGINT, signal.default_int_handler)
    import kdtoken  # noqa: F401

    gc.freeze()
    words = _serve(sys.argv[1])
    assert words is not None
    try:
        if words and words[0].endswith(".py"):
            sys.argv[:] = words
            sys.path.insert(0, os.path.dirname(words[0]))
            runpy.run_path(words[0], run_name="__main__")
        else:
            sys.argv[1:] = words
            runpy.run_module("kdtoken", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else _told(end.code)
    except BaseException:  # noqa: BLE001
        sys.excepthook(*sys.exc_info())
        code = 1
    os._exit(_ended(code))


def _told(last_words: object) -> int:
    print(last_words, file=sys.stderr)
    return 1


def _ended(code: int) -> int:
    """What Python does at its end, but for taking every module apart, which takes longer than many a run."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except (OSError, ValueError) as error:
            code = 120
            if stream is sys.stdout and sys.stderr is not None:
                print("Exception ignored in: %r\n%s: %s" % (stream, type(error).__name__, error), file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
