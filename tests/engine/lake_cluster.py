"""A Dask scheduler and its workers, each a process on loopback, to be killed and restarted."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Cluster:
    """A scheduler and workers of one thread each; they write what they say into `folder`."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self._port, self._folder = free_port(), folder
        self.address = "tcp://127.0.0.1:%d" % self._port
        self.scheduler = self._scheduler()
        self.workers: List["subprocess.Popen[bytes]"] = [self._worker() for _ in range(workers)]
        self.killed = 0  # workers, each of which may have been writing
        self.wait_for(workers)

    def _start(self, module: str, *words: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "distributed.cli." + module, *words]
        with open(str(self._folder / (module + ".log")), "ab") as log:
            env = dict(os.environ, PYTHONPATH=str(ROOT))
            return subprocess.Popen(command, cwd=str(self._folder), env=env, stdout=log, stderr=log)

    def _scheduler(self) -> "subprocess.Popen[bytes]":
        return self._start("dask_scheduler", "--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard")

    def _worker(self) -> "subprocess.Popen[bytes]":
        return self._start("dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def wait_for(self, workers: int) -> None:
        """Until that many have said that they are there."""
        import distributed

        deadline = time.monotonic() + 60
        while True:
            try:
                with distributed.Client(self.address, timeout=5, set_as_default=False) as client:
                    client.wait_for_workers(workers, timeout=60)
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def kill_worker(self) -> None:
        """As the system kills one: without a word."""
        self.workers[0].send_signal(signal.SIGKILL)
        self.workers[0].wait()
        self.killed += 1

    def restart_scheduler(self) -> None:
        """It dies, and another one is there that knows of nothing; workers that lost theirs end, and are started again."""
        for one in (self.scheduler, *self.workers):
            one.send_signal(signal.SIGKILL)
            one.wait()
        self.killed += len(self.workers)
        self.scheduler = self._scheduler()
        self.workers = [self._worker() for _ in self.workers]

    def close(self) -> None:
        """End all of it."""
        for one in (*self.workers, self.scheduler):
            one.kill()
            one.wait()
        self.killed += len(self.workers)
