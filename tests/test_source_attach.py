"""The clock beside an engine that waits without end: it says once that nobody answers, and leaves the rest to others."""

import time
import warnings
from typing import Any, Dict, List, Tuple

import pytest

from kdtoken.errors import TargetError
from kdtoken.source import attach, live
from kdtoken.source.attach import AttachedSource, Watch, attach_failed, check_pipe, nobody_answers, warn
from tests.expected import WINDOWS_11, kernel_of
from tests.test_source_live import DbgException, FakePykd


def wait_for(said: List[str], count: int) -> None:
    for _ in range(100):
        if len(said) >= count:
            return
        time.sleep(0.05)


def test_it_gives_up_once_and_only_while_it_is_told_to_watch() -> None:
    said: List[str] = []
    watch = Watch(said.append)
    try:
        with watch.limit(60, "never"):
            with watch.limit(0, "nobody answers"):
                wait_for(said, 1)
                time.sleep(0.5)  # the watching thread looks five times a second
        time.sleep(0.3)
        assert said == ["nobody answers"]
    finally:
        watch.stop()


def test_a_library_warns_and_does_not_end_the_program() -> None:
    with pytest.warns(RuntimeWarning, match="nobody answers"):
        warn("nobody answers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warn("x")  # still here


def test_who_gives_up_says_that_the_machine_may_stand_still_and_what_to_type() -> None:
    said = nobody_answers("com:pipe,port=x", 30.0)
    for words in ("nobody answers at com:pipe,port=x (30 s)", "--timeout", "stands still", "`qd`", "type `g`"):
        assert words in said


# --- attaching, on a pykd that stands in for the engine


class Engine(FakePykd):
    """pykd outside of a debugger: nothing is open until it is attached; `fails` names what it refuses."""

    def __init__(self) -> None:
        super().__init__(kernel_of(WINDOWS_11))
        self.session = "not initialized"
        self.fails: Dict[str, str] = {}
        self.done: List[str] = []

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what in self.fails:
            raise DbgException(self.fails[what])

    def initialize(self) -> None:
        self._do("initialize")

    def attachKernel(self, connection: str) -> None:
        self._do("attach " + connection)
        self.session = "kernel"

    def isDumpAnalyzing(self) -> bool:
        return False

    def dbgCommand(self, text: str) -> Any:
        self._do(text)
        return super().dbgCommand(text)


CONNECTION = "net:port=50000,key=1.2.3.4"
TAKEN = ["initialize", "attach " + CONNECTION, ".reload /f nt"]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(live, "pykd", made)
    monkeypatch.delenv("_NT_SYMBOL_PATH", raising=False)
    return made


def test_an_attached_kernel_is_asked_as_any_and_runs_again_at_the_end(engine: Engine) -> None:
    source = AttachedSource(CONNECTION)
    assert engine.done == TAKEN and source.about.live
    assert (source.about.source, source.about.build) == ("the live kernel at " + CONNECTION, "10.0.22000")
    head = engine.kernel.symbols["PsActiveProcessHead"]
    assert source.symbol("PsActiveProcessHead") == head and source.layout("_LIST_ENTRY").size == 16
    assert source.read(head, 8) == engine.target.read(head, 8)
    assert source.command("vertarget") == "Windows 10 Kernel\n"
    source.release()
    source.release()
    assert engine.done == [*TAKEN, "vertarget", "qd"]  # let go of once


def test_who_wants_to_stay_leaves_the_machine_standing(engine: Engine) -> None:
    AttachedSource(CONNECTION, stay=True).release()
    assert engine.done == TAKEN


@pytest.mark.parametrize(
    "fails, said, step, released",
    [
        ("initialize", "cannot attach to net:port=50000,key=1.2.3.4: no luck", "windbg -k ", False),
        ("attach " + CONNECTION, "cannot attach to net:port=50000,key=1.2.3.4: no luck", "windbg -k ", False),
        (".reload /f nt", "nt's symbols cannot be loaded: no luck", "set _NT_SYMBOL_PATH=", True),
    ],
)
def test_what_fails_on_the_way_is_said_and_the_machine_let_go(
    fails: str, said: str, step: str, released: bool, engine: Engine
) -> None:
    engine.fails[fails] = "no\n  luck"
    with pytest.raises(TargetError) as error:
        AttachedSource(CONNECTION)
    assert error.value.message == said and error.value.next_step.startswith(step)
    assert (engine.done[-1] == "qd") is released


def test_symbols_that_lack_types_are_said_before_anything_is_asked(engine: Engine) -> None:
    engine.symfile = "C:\\symbols\\ntkrnlmp.exe"  # export symbols
    with pytest.raises(TargetError, match="the symbols of nt are not loaded") as error:
        AttachedSource(CONNECTION)
    assert error.value.next_step.startswith("set _NT_SYMBOL_PATH=srv*") and engine.done[-1] == "qd"


def test_a_machine_that_cannot_be_let_run_is_said_to_stand(engine: Engine) -> None:
    source = AttachedSource(CONNECTION)
    engine.fails["qd"] = "lost"
    with pytest.raises(TargetError, match="the machine could not be let run: lost") as error:
        source.release()
    assert "leave with `qd` or type `g`" in error.value.next_step


def test_what_cannot_be_attached_with_is_said_first(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.session = "kernel"
    with pytest.raises(TargetError, match="a debugging session is open here already") as error:
        AttachedSource(CONNECTION)
    assert error.value.next_step == "leave --attach away" and not engine.done
    monkeypatch.setattr(live, "pykd", None)
    with pytest.raises(TargetError, match="pykd is not here, so nothing can be attached"):
        AttachedSource(CONNECTION)


def test_how_long_is_waited_for_symbols_goes_by_where_they_come_from(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: List[Tuple[float, str]] = []
    real = Watch.limit

    def limit(self: Watch, seconds: float, message: str) -> Any:
        limits.append((seconds, message))
        return real(self, seconds, message)

    monkeypatch.setattr(Watch, "limit", limit)
    for path, wait in (("", 45), ("srv*C:\\symbols", 45), ("srv*HTTPS://msdl.microsoft.com/download/symbols", 600)):
        monkeypatch.setenv("_NT_SYMBOL_PATH", path)
        engine.session = "not initialized"
        limits.clear()
        source = AttachedSource(CONNECTION, 45)
        source.read(engine.kernel.symbols["PsActiveProcessHead"], 8)
        source.symbol("PsActiveProcessHead")
        source.release()
        waited = {message.partition("waited ")[2].partition("\n")[0]: seconds for seconds, message in limits}
        assert waited.pop("") == 45  # for an answer at all
        assert waited == {
            "45 s for the module list": 45, "%d s for nt's symbols" % wait: wait, "%d s for symbols" % wait: wait,
            "45 s for memory": 45, "45 s for its leave": 45,
        }  # fmt: skip
    assert (
        "the connection to %s was lost: " % CONNECTION in limits[1][1]
        and "\n  next: the machine may stand" in limits[1][1]
    )
    monkeypatch.setenv("_NT_SYMBOL_PATH", "http://x")
    engine.session = "not initialized"
    limits.clear()
    AttachedSource(CONNECTION, 1000).release()
    assert {seconds for seconds, _ in limits} == {1000}  # who has more patience than that keeps it


def test_a_limit_within_another_never_waits_longer_and_the_outer_one_comes_back() -> None:
    watch = Watch(lambda message: None)
    try:
        with watch.limit(1000, "outer"):
            outer = watch._limit
            with watch.limit(5000, "inner"):
                assert (watch._limit, watch._message) == (outer, "inner")
            with watch.limit(5, "inner"):
                assert watch._limit < outer
            assert (watch._limit, watch._message) == (outer, "outer")
        assert watch._limit == float("inf")
    finally:
        watch.stop()


@pytest.mark.parametrize(
    "said, error, message, step",
    [
        ("HRESULT 0x80070002", 0, "there is no such pipe or port: x", "start the virtual machine"),
        ("", 2, "there is no such pipe or port: x", "start the virtual machine"),
        ("HRESULT 0x800700e7", 0, "the pipe is in use: x", "another debugger has it"),
        ("", 231, "the pipe is in use: x", "another debugger has it"),
        ("", 121, "the pipe is in use: x", "another debugger has it"),
        ("HRESULT 0x80070005", 0, "Windows refuses access to x", "run as the user who started"),
        ("", 5, "Windows refuses access to x", "run as the user who started"),
        ("odd words", 0, "cannot attach to x: odd words", "windbg -k x"),
        ("HRESULT 0x80040205", 0, "cannot attach to x: HRESULT 0x80040205", "windbg -k x"),
        ("HRESULT 0x80070006", 0, "cannot attach to x: HRESULT 0x80070006", "windbg -k x"),
        ("", 6, "cannot attach to x: Windows error 6", "windbg -k x"),
        ("HRESULT 0x80070002", 5, "Windows refuses access to x", "run as the user"),  # what was asked of Windows itself
    ],
)
def test_why_nothing_was_attached_goes_by_windows_own_error(said: str, error: int, message: str, step: str) -> None:
    found = attach_failed("x", said, error)
    assert found.message == message and found.next_step.startswith(step)


@pytest.mark.parametrize(
    "connection, pipe",
    [
        ("com:pipe,port=\\\\.\\pipe\\kd_Win11", "\\\\.\\pipe\\kd_Win11"),
        ("COM:PIPE,resets=0, port = \\\\.\\pipe\\kd ,reconnect", "\\\\.\\pipe\\kd"),
        ("com:port=\\\\.\\com1,baud=115200", None),
        ("com:port=com1,baud=115200", None),
        ("net:port=50000,key=1.2.3.4", None),
    ],
)
def test_only_a_pipe_is_looked_for_before_anything_is_attached(
    connection: str, pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: List[str] = []
    for answer in (0, 2):
        asked.clear()
        monkeypatch.setattr(attach, "_pipe_error", lambda name, code=answer: (asked.append(name), code)[1])
        if pipe is None or not answer:
            check_pipe(connection)
        else:
            with pytest.raises(TargetError, match="no such pipe or port"):
                check_pipe(connection)
        assert asked == ([] if pipe is None else [pipe])
