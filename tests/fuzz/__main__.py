"""`make fuzz MINUTES=10`: every reader, for so many minutes each; what fails is kept in tests/fuzz/corpus.

    python -m tests.fuzz [--minutes 10] [--seed 0] [INPUT ...]

A finding is an exception that is not ours, or a run of over SECONDS; its input is written as corpus/INPUT/HASH and from
then on is a test (tests/test_fuzz_corpus.py).  Where atheris is installed, it guides what is tried by coverage.
"""

import argparse
import hashlib
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, List, Optional, Sequence

from tests.fuzz.inputs import INPUTS, ROOT, SECONDS, Input
from tests.fuzz.mutate import mutated

CORPUS = Path(__file__).parent / "corpus"
VM = [path.stem for path in (ROOT / "vm").glob("*.py")]  # they stand alone, under their bare names
MEMORY = 3 << 30  # bytes of address space: a reader that takes more ends in a MemoryError, which is a finding


class TooLong(Exception):
    """A reader that did not come back."""


def _alarm(number: int, frame: Any) -> None:
    raise TooLong("over %d s" % SECONDS)


def attempt(one: Input, data: bytes) -> Optional[str]:
    """None, or what went wrong.  Its time is the processor's, since others use the same; what waits gets ten times as long."""
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGPROF, _alarm)
    signal.alarm(10 * SECONDS)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        one.run(data)
        return None
    except Exception:  # noqa: BLE001 - that is what is looked for
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)


def kind_of(wrong: str) -> str:
    """What two findings of one fault have in common."""
    lines = wrong.strip().splitlines()
    return lines[-1][:80] + lines[-3][:120]


def keep(name: str, data: bytes) -> Path:
    """Write a failing input into the corpus."""
    path = CORPUS / name / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def fuzz(name: str, seconds: float, seed: int) -> int:
    """How many findings."""
    one = INPUTS[name]
    seeds: List[bytes] = one.seeds()
    for data in seeds:
        wrong = attempt(one, data)
        assert wrong is None, "%s: a sound input fails\n%s" % (name, wrong)
    chance = random.Random("%s %d" % (name, seed))
    end, runs, kinds = time.monotonic() + seconds, 0, set()
    while time.monotonic() < end:
        data = mutated(chance.choice(seeds), chance.choice(seeds), one.binary, chance)
        runs += 1
        wrong = attempt(one, data)
        if wrong is None:
            continue
        if kind_of(wrong) not in kinds:
            kinds.add(kind_of(wrong))
            print("FINDING %s\n%s" % (keep(name, data), wrong))
    print("%-14s %8d runs, %d kinds of findings" % (name, runs, len(kinds)), flush=True)
    return len(kinds)


def guided(name: str, seconds: float, seed: int) -> None:
    """The same by coverage; atheris ends the process itself."""
    import atheris

    one, kinds = INPUTS[name], set()
    with atheris.instrument_imports(
        include=["kdtoken", *VM]
    ):  # all that is here would take minutes, and guide elsewhere
        seeds = one.seeds()
        for data in seeds:
            attempt(one, data)  # imports what it needs

    def run(data: bytes) -> None:
        wrong = attempt(one, data)
        if wrong is not None and kind_of(wrong) not in kinds:
            kinds.add(kind_of(wrong))
            print("FINDING %s\n%s" % (keep(name, data), wrong))

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        return mutated(data or seeds[0], seeds[seed % len(seeds)], one.binary, random.Random(seed))[:size]

    folder = tempfile.mkdtemp("-" + name)  # what it starts from, and what it finds worth keeping; atheris ends here
    for number, data in enumerate(seeds):
        (Path(folder) / ("seed-%d" % number)).write_bytes(data)
    slow = (
        Path(__file__).resolve().parents[2] / "build" / "fuzz"
    )  # where libFuzzer lays what it found slow; git passes over it
    slow.mkdir(parents=True, exist_ok=True)
    times = ["-max_total_time=%d" % seconds, "-seed=%d" % seed, "-max_len=1000000", "-len_control=0"]
    atheris.Setup(
        [sys.argv[0], *times, "-artifact_prefix=%s/" % slow, folder],
        run,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("inputs", nargs="*", choices=[[], *INPUTS], help="which readers; all without")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--coverage", action="store_true", help="guided by coverage, with atheris; one reader")
    options = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    names = options.inputs or list(INPUTS)
    if options.coverage:
        guided(names[0], 60 * options.minutes, options.seed)
    return 1 if sum(fuzz(name, 60 * options.minutes, options.seed) for name in names) else 0


if __name__ == "__main__":
    sys.exit(main())
