"""Many sources over the cores of this machine, or over the workers of a Dask cluster: each by work.add_source.

What a worker writes has one name and one content whoever writes it, so a source that is given out again, since its
worker or the scheduler was lost, is written over by the same; nothing is lost and nothing is there twice.
"""

import asyncio
import os
import signal
import time
from dataclasses import replace
from importlib import import_module
from typing import Any, Dict, Iterator, List, Sequence

from kdtoken.dataset.parts import need
from kdtoken.dataset.work import Job, Summary, add_broken, add_source
from kdtoken.errors import KdTokenError, UsageError

LOCAL = "local"
_CONNECT = 10.0  # seconds that a scheduler may take to answer
_RETURN = 60.0  # seconds that one may stay away while work is given out


def cores() -> int:
    """Cores that this process may use, where the system tells; else those there are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def add_all(jobs: Sequence[Job], cluster: str = "", workers: int = 0) -> Iterator[Summary]:
    """What became of each source, as they are done.

    cluster  "" for the cores of this machine, "local" for a Dask cluster of them, else a scheduler's tcp://...
    workers  how many processes where they are started here; 0 for as many as there are cores
    Raises KdTokenError where the lake does not take what is written, or the scheduler does not answer.
    """
    if not jobs or not jobs[0].request.download:
        yield from _done(jobs, cluster, workers)
        return
    # Symbols are fetched once: first whatever needs none, then one source of each kernel, then the rest.
    by_name = {job.name: job for job in jobs}
    waiting: Dict[str, List[Job]] = {}
    for summary in _done([_without(job) for job in jobs], cluster, workers):
        if summary.wanted:
            waiting.setdefault(summary.wanted, []).append(by_name[summary.name])
        else:
            yield summary
    yield from _done([several[0] for several in waiting.values()], cluster, workers)
    yield from _done([job for several in waiting.values() for job in several[1:]], cluster, workers)


def _without(job: Job) -> Job:
    return job._replace(request=replace(job.request, download=False))


def _done(jobs: Sequence[Job], cluster: str, workers: int) -> Iterator[Summary]:
    count = min(len(jobs), workers or cores(), 61)  # 61: what Windows can wait for at once
    if cluster and jobs:
        need("distributed")
        yield from _on_cluster(jobs, cluster, count)
    elif count > 1:
        yield from _on_cores(jobs, count)
    else:
        yield from map(add_source, jobs)


def _end_at_once() -> None:
    """In a process of the pool: Ctrl+C, which reaches all of them, ends it without a word; the first one speaks."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _on_cores(jobs: Sequence[Job], count: int) -> Iterator[Summary]:
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # pyarrow and fsspec have threads of their own, which a fork would leave without their locks' holders.
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_at_once) as pool:
        given = {pool.submit(add_source, job): job for job in jobs}
        died: List[Job] = []
        try:
            for future in as_completed(given):
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    died.append(given[future])
                else:
                    yield future.result() if error is None else _failed(given[future], error)
        finally:
            for future in given:
                future.cancel()
    for job in died:  # one process that died takes its pool along: its neighbours are asked again, each alone
        yield _alone(job)


def _alone(job: Job) -> Summary:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_end_at_once) as pool:
        try:
            return pool.submit(add_source, job).result()
        except BrokenProcessPool:
            return _given_up(job)


def _given_up(job: Job) -> Summary:
    return add_broken(job, "the process that read it was ended (out of memory?)")


def _failed(job: Job, error: BaseException) -> Summary:
    """A source that no worker could do, as a row that says so.  What is wrong with the lake is raised."""
    if isinstance(error, KdTokenError):
        raise error
    if isinstance(error, ImportError):
        return add_broken(job, "the worker lacks what it needs (%s): pip install kdtoken[lake] there" % error.name)
    return add_broken(job, "a fault in kdtoken itself (%s)" % type(error).__name__)


def _on_cluster(jobs: Sequence[Job], address: str, count: int) -> Iterator[Summary]:
    """Give out what is not done yet, until all is; a scheduler that comes back gets the rest."""
    distributed: Any = import_module("distributed")

    if address != LOCAL and "://" not in address:
        raise UsageError(
            "%s is no scheduler's address" % address, address, "--cluster tcp://HOST:8786, or --cluster local"
        )
    own = None
    if address == LOCAL:
        own = distributed.LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None)
    left: Dict[int, Job] = dict(enumerate(jobs))
    try:
        while left:
            before = len(left)
            client = _client(address if own is None else own, _CONNECT if before == len(jobs) else _RETURN)
            try:
                yield from _given_out(client, left)
            finally:
                client.close(timeout=5)
    finally:
        if own is not None:
            own.close()


def _client(where: Any, patience: float) -> Any:
    """A client of the scheduler, which may be away for so long."""
    distributed: Any = import_module("distributed")
    until = time.monotonic() + patience
    while True:
        try:
            if isinstance(where, str):
                asyncio.run(_probe(distributed, where, min(patience, _CONNECT)))
            return distributed.Client(where, timeout=_CONNECT, set_as_default=False)
        except ValueError:
            raise _silent(where) from None
        except (OSError, asyncio.TimeoutError):  # distributed's own are OSErrors
            if time.monotonic() >= until:
                raise _silent(where) from None
            time.sleep(0.5)


async def _probe(distributed: Any, address: str, patience: float) -> None:
    """Ask the scheduler who it is.  A client that is made at once would wait without end for one that says nothing."""
    rpc = distributed.core.rpc(address, timeout=patience)
    try:
        await asyncio.wait_for(rpc.identity(), patience)
    finally:
        await rpc.close_rpc()


def _silent(where: Any) -> KdTokenError:
    return KdTokenError(
        "no Dask scheduler answers at %s; what was added so far is in the lake" % where,
        str(where),
        "is it started (dask scheduler), and can this machine reach it?  Without --cluster this machine's cores do it",
    )


def _given_out(client: Any, left: Dict[int, Job]) -> Iterator[Summary]:
    """What comes back of `left`, which is then no more in it; ends early where the scheduler was lost."""
    distributed: Any = import_module("distributed")

    given = {
        client.submit(add_source, job, pure=False, key="add-%d-%s" % (at, os.urandom(4).hex())): at
        for at, job in left.items()
    }
    for future in distributed.as_completed(list(given), loop=client.loop):
        at = given[future]
        if future.status == "finished":
            try:
                summary = future.result(timeout=_CONNECT)
            except (OSError, TimeoutError, distributed.client.FutureCancelledError):
                continue
            del left[at]
            yield summary
        elif future.status == "error":
            error, job = future.exception(), left.pop(at)
            # as many workers as distributed.scheduler.allowed-failures says died over it
            killed = isinstance(error, distributed.scheduler.KilledWorker)
            yield _given_up(job) if killed else _failed(job, error)
        else:
            continue  # cancelled: the scheduler went away
