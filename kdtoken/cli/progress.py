"""How far long work is: rich's bar on a terminal's stderr, a line now and then in a debugger, nothing in a pipe."""

import sys
import time
from typing import Any, List

from kdtoken.cli.output import BARS, close_all

# In a process that works for another one, which shows how far all of them are.
QUIET: List[bool] = []


class Progress:
    """Counts up to `total` while something slow goes on; silent when it is quick.

    what   what is counted: "processes"; of bytes what is done with them, said as megabytes
    slow   seconds before a person is told anything
    """

    EVERY = 3.0  # seconds between two lines in a debugger
    REDRAW = 0.1  # seconds between two looks of a bar

    def __init__(self, what: str, total: int, of_bytes: bool = False, slow: float = 0.5) -> None:
        self._what, self._total, self._of_bytes = what, total, of_bytes
        self._slow = slow
        self._began = self._last = time.monotonic()
        self._bar: Any = None

    def at(self, count: int) -> None:
        """Tell how far it is, if the last telling was long ago; at the end the bar goes away."""
        now = time.monotonic()
        if now - self._began < min(self._slow, self.EVERY) and count < self._total:
            return  # nearly always: whether stderr is a terminal is a question to the system
        if self._total and count >= self._total:
            self.close()
        elif _has_bars():
            if now - self._began >= self._slow and (self._bar is None or now - self._last >= self.REDRAW):
                self._last = now
                self._draw(count)
        elif now - self._last >= self.EVERY and _has_lines():
            self._last = now
            sys.stderr.write("... %s\n" % self._words(count))

    def close(self) -> None:
        """Take the bar off the terminal, so that what is written next stands alone; `at` brings it back."""
        if self in BARS:
            BARS.remove(self)
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _words(self, count: int) -> str:
        if self._of_bytes:
            of = " of %d" % (self._total >> 20) if self._total else ""
            return "%s: %d%s MB" % (self._what, count >> 20, of)
        return "%d of %d %s" % (count, self._total, self._what)

    def _draw(self, count: int) -> None:
        if self._bar is None:
            close_all()  # two bars would draw over one another
            self._bar = _rich_bar(self._total)
            self._bar.start()
            BARS.append(self)
        self._bar.update(self._bar.task_ids[0], completed=count, description=self._words(count))
        self._bar.refresh()


def _has_bars() -> bool:
    if QUIET or not hasattr(sys.stderr, "fileno") or not sys.stderr.isatty():
        return False
    from importlib.util import find_spec

    return find_spec("rich") is not None


def _has_lines() -> bool:
    """A debugger's window, or a terminal where rich is not installed."""
    return not QUIET and sys.stderr is not None and (not hasattr(sys.stderr, "fileno") or sys.stderr.isatty())


def _rich_bar(total: int) -> Any:
    from rich.console import Console  # costs time, which only slow work on a terminal pays
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    # No thread of its own: the processes that `walk` makes must not be copies of one that has several.
    bar = Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    bar.add_task("", total=total or None)
    return bar
