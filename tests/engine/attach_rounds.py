"""Attach, dump, detach with one fault at one step of the protocol: the guest runs again, or whoever asked was told.

    python -m tests.engine.attach_rounds --rounds 1000 [--streams 3] [--first 0]

A clean session is some 160 packets each way and 80 requests.  A round is one of these with one kind of fault in it; all
of them, shuffled once and for all, are the plan.  Runs of the genuine engine, each a second of processor and as long as
the engine waits for a packet that is lost.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from tests.engine.conftest import NEWEST, ROOT, Lab, make_lab
from tests.engine.kd.faults import Faults
from tests.engine.kd.pipe import connection, named_pipe
from tests.engine.kd.serve import Server
from tests.engine.kd.target import KdTarget
from tests.engine.windows import TimedOut, Windows, build
from tests.fault_hunt.shown import changes

PACKETS = ("lose out", "lose in", "corrupt out", "corrupt in", "duplicate out", "duplicate in", "delay out")
REQUESTS = ("silent", "dead", "page out")
READS = 44  # of memory, of the requests of a session
NOTEPAD = "6104"
LATE = 5.0  # seconds that a delayed packet takes: the engine waits four before it sends its own again
PATIENCE, DEAD_PATIENCE = 120, 8  # --timeout: of what goes on, however slow this machine is; of a line that is dead
AGAIN = 3  # attaches that may be needed to let it run again where others take all of the processor


class Step(NamedTuple):
    """kind of PACKETS or REQUESTS; number of the packet of its direction, or of the request, from 1."""

    kind: str
    number: int

    def faults(self, token: int) -> Faults:
        """What the line does."""
        if self.kind in PACKETS:
            return Faults(once={self.kind: self.number}, delay_seconds=LATE)
        if self.kind == "page out":
            return Faults(page_out={self.number: [token]})
        return Faults(silent_from=self.number, silent_for=self.kind == "silent")


class Round(NamedTuple):
    """outcome: "right", "told, runs", "told, stands", or what is wrong (then `wrong`)."""

    step: Step
    outcome: str
    seconds: float
    wrong: bool = False
    hit: bool = True


def plan(packets: int, requests: int) -> List[Step]:
    """Every kind at every step, in an order that is the same each time."""
    steps = [Step(kind, number) for kind in PACKETS for number in range(1, packets + 1)]
    steps += [Step(kind, number) for kind in REQUESTS for number in range(1, requests + 1)]
    steps = [one for one in steps if one.kind != "page out" or one.number <= READS]
    # Half of the packets are acknowledgements, which have no data that could be damaged.
    steps = [one for one in steps if not one.kind.startswith("corrupt") or one.number <= requests]
    random.Random(17).shuffle(steps)
    return steps


class Stream:
    """One target on one pipe, and rounds one after the other."""

    def __init__(self, windows: Windows, lab: Lab, server: Server, pipe: str) -> None:
        self._windows, self._lab, self._server, self._pipe = windows, lab, server, pipe
        self._right: Optional[Dict[str, Any]] = None

    def clean(self) -> Dict[str, Any]:
        """The token as it is shown when nothing goes wrong."""
        if self._right is None:
            done = self._dump(PATIENCE)
            assert done.returncode == 0, done.stderr
            self._right = json.loads(done.stdout)["token"]
            assert self._server.wait_until_running()
        return self._right

    def round(self, step: Step) -> Round:
        """One session with that fault; a guest that stands is let run by the next, as the message says."""
        right, start = self.clean(), time.monotonic()
        before = sum(self._server.counters().faults.values())
        self._server.target.line.faults = step.faults(self._lab.kernel.tokens["notepad"])
        try:
            done = self._dump(DEAD_PATIENCE if step.kind == "dead" else PATIENCE)
        except TimedOut:
            self._server.target.line.faults = Faults()
            return Round(step, "did not end", time.monotonic() - start, True)
        hit = sum(self._server.counters().faults.values()) > before or step.kind in ("dead", "page out")
        outcome = self._judged(done, right)
        self._server.target.line.faults = Faults()
        for _ in range(AGAIN):
            if self._server.wait_until_running(0):
                break
            again = self._dump(PATIENCE)
            if again.returncode == 0 and not self._server.wait_until_running():
                outcome = "exit 0 of the next attach, and the guest stands: %s" % again.stderr
        if not self._server.wait_until_running(0):
            outcome = "no later attach lets it run, after: %s" % done.stderr
        self._server.target.ram.page_in()
        wrong = outcome not in ("right", "told, runs", "told, stands")
        return Round(step, outcome, time.monotonic() - start, wrong, hit)

    def _judged(self, done: Any, right: Dict[str, Any]) -> str:
        runs = self._server.wait_until_running()
        if "Traceback" in done.stderr:
            return "a traceback: " + done.stderr
        if done.returncode == 0:
            if not runs:
                return "exit 0, and the guest stands: " + done.stderr
            other = changes(right, json.loads(done.stdout)["token"])
            return "right" if not other else "another value, unmarked: %s" % other[:3]
        if done.returncode != 2 or not done.stderr.startswith("kdtoken: ") or done.stderr.count("kdtoken: ") != 1:
            return "exit %d, and no clear error: %s" % (done.returncode, done.stderr)
        if runs:
            return "told, runs"
        told = "stand" in done.stderr and "attach again" in done.stderr and "`g`" in done.stderr
        return "told, stands" if told else "stands, and nobody is told: " + done.stderr

    def _dump(self, patience: int) -> Any:
        return self._windows.python(
            "-m", "kdtoken", "dump", NOTEPAD, "--attach", connection(self._pipe), "--json", "--timeout", str(patience),
            cwd=self._lab.folder, timeout=400,
        )  # fmt: skip


def run(windows: Windows, steps: Sequence[Step], streams: int, seconds: float = float("inf")) -> List[Round]:
    """All of them, dealt to so many targets at once; none is begun any more after so many seconds."""
    end = time.monotonic() + seconds
    lab, waiting, rounds, lock = make_lab(NEWEST), list(reversed(steps)), [], threading.Lock()

    def work() -> None:
        with Server(KdTarget(lab.kernel, running=True)) as server, named_pipe(windows, server) as pipe:
            stream = Stream(windows, lab, server, pipe)
            while True:
                with lock:
                    if not waiting or time.monotonic() > end:
                        return
                    step = waiting.pop()
                one = stream.round(step)
                with lock:
                    rounds.append(one)
                    if one.wrong or len(rounds) % 20 == 0:
                        print("%d rounds; %s %d: %s" % (len(rounds), *step, one.outcome), flush=True)

    threads = [threading.Thread(target=work) for _ in range(streams)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return rounds


def table(rounds: Sequence[Round]) -> List[str]:
    """Kinds of faults by what became of them."""
    outcomes = ("right", "told, runs", "told, stands", "wrong")
    counts = Counter((one.step.kind, "wrong" if one.wrong else one.outcome) for one in rounds)
    lines = ["%-14s%14s%14s%14s%14s%14s" % ("", *outcomes, "not met")]
    for kind in (*PACKETS, *REQUESTS):
        missed = sum(not one.hit for one in rounds if one.step.kind == kind)
        lines.append("%-14s" % kind + "".join("%14d" % counts[kind, outcome] for outcome in outcomes) + "%14d" % missed)
    return lines


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.engine.attach_rounds", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number in the plan")
    parser.add_argument("--streams", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="none is begun after these")
    parser.add_argument("--packets", type=int, default=160)
    parser.add_argument("--requests", type=int, default=80)
    options = parser.parse_args(arguments)
    windows = build()
    windows.install(ROOT)
    steps = plan(options.packets, options.requests)[options.first : options.first + options.rounds]
    start = time.monotonic()
    with windows.awake():
        rounds = run(windows, steps, options.streams, 60 * options.minutes)
    print("%d rounds in %.0f s" % (len(rounds), time.monotonic() - start))
    print("\n".join(table(rounds)))
    for one in rounds:
        if one.wrong:
            print("WRONG %s %d: %s" % (*one.step, one.outcome))
    return 1 if any(one.wrong for one in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
