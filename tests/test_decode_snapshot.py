"""What a snapshot needs of a kernel beside a walk: its own tokens, sessions, logon sessions, places to watch."""

from pathlib import Path

import pytest

from kdtoken.decode.logon_session import all_logon_sessions
from kdtoken.decode.process import process_details, walk_processes
from kdtoken.decode.snapshot import boot_tokens, snapshot_of
from kdtoken.decode.watch import watch_points
from kdtoken.model.absent import Absent, Missing, Unreadable
from kdtoken.model.process import FastRef, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.source.cached import CachedSource
from tests.expected import FILES
from tests.machine.declared import MACHINE
from tests.machine.spec import Machine
from tests.machine.strange import QUIET, with_process
from tests.machine.synthetic import SyntheticSource
from tests.snapshots import kernel_of_machine

every_build = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@every_build
def test_the_kernels_own_tokens(path: Path) -> None:
    machine = Machine(MACHINE.processes, MACHINE.tokens, MACHINE.logon_sessions, anonymous_token="anonymous")
    kernel = kernel_of_machine(machine, path)
    found = boot_tokens(SyntheticSource(kernel))
    assert (found.boot, found.anonymous) == (kernel.tokens["system"], kernel.tokens["anonymous"])
    assert found.anonymous_no_everyone == 0
    hidden = boot_tokens(SyntheticSource(kernel).without_symbol("PspBootAccessToken"))
    assert hidden.boot == Absent("nt!PspBootAccessToken") and hidden.anonymous == found.anonymous
    gone = boot_tokens(SyntheticSource(kernel).without_pages([kernel.symbols["PspBootAccessToken"]]))
    assert isinstance(gone.boot, Unreadable)


@every_build
def test_session_and_frozen_token(path: Path) -> None:
    kernel = kernel_of_machine(with_process(QUIET, 6104, frozen=1), path)
    source = SyntheticSource(kernel)
    target = CachedSource(source)
    for process in walk_processes(target)[0]:
        declared = QUIET.process(process.pid)
        details = process_details(target, process)
        assert details.session_id == declared.session and details.token_frozen == (process.pid == 6104)
    # A session's space is asked for once, whether or not it can be read.
    source = SyntheticSource(kernel).without_pages([kernel.regions.session, kernel.regions.session + 0x10000])
    target = CachedSource(source)
    rows = walk_processes(target, details=True)[0]
    source.reset_counters()
    seen = [process_details(target, process).session_id for process in rows]
    assert sum(isinstance(one, Unreadable) for one in seen) > 20
    assert len({address for address, _ in source.log if address >= kernel.regions.session}) <= 2


@every_build
def test_all_logon_sessions(path: Path) -> None:
    kernel = kernel_of_machine(MACHINE, path)
    problems: list = []  # type: ignore[type-arg]
    found = all_logon_sessions(SyntheticSource(kernel), problems)
    assert isinstance(found, tuple) and problems == []
    assert {one.address for one in found} == set(kernel.logon_sessions.values())
    # A chain that leads back to itself ends, and says so.
    first = kernel.logon_sessions[0x2F3D2]
    source = SyntheticSource(kernel).poke_field(first, "_SEP_LOGON_SESSION_REFERENCES", "Next", first)
    again = all_logon_sessions(source, problems)
    assert isinstance(again, tuple) and first in {one.address for one in again} and "circle" in problems[0]
    gone = all_logon_sessions(SyntheticSource(kernel).without_pages([kernel.symbols["SepLogonSessions"]]), problems)
    assert isinstance(gone, Unreadable)
    assert isinstance(all_logon_sessions(SyntheticSource(kernel).without_symbol("SepLogonSessions"), []), Missing)


@every_build
def test_places_to_watch(path: Path) -> None:
    """Each address holds what it is said to be, and is aligned as a processor wants it."""
    kernel = kernel_of_machine(QUIET, path)
    source = SyntheticSource(kernel)
    process = next(one for one in walk_processes(source)[0] if one.pid == 6104)
    points = watch_points(source, ProcessDump(process, process_details(source, process), None))
    assert len(points) == 4 and all(point.size in (4, 8) and point.address % point.size == 0 for point in points)
    reference, present, enabled, label = (source.read(one.address, one.size) for one in points)
    assert isinstance(process.token, FastRef) and int.from_bytes(reference, "little") == process.token.value
    masks = QUIET.tokens["of-6104"].privileges.masks
    assert (int.from_bytes(present, "little"), int.from_bytes(enabled, "little")) == masks[:2]
    assert Sid(16, (int.from_bytes(label, "little"),)) == Sid.from_text(QUIET.tokens["of-6104"].integrity)


def test_what_was_not_asked_of_a_snapshot_is_said_and_a_walk_counts_as_whole() -> None:
    source = SyntheticSource(kernel_of_machine(QUIET))
    found = snapshot_of(source, [], ["torn"])
    assert found.logon_sessions == Absent("nt!SepLogonSessions was not read")
    assert found.whole and found.problems == ("torn",)
    assert not snapshot_of(source, [], whole=False).whole
    assert isinstance(snapshot_of(source, [], with_sessions=True).logon_sessions, tuple)


def test_nothing_to_watch_in_a_process_without_a_token() -> None:
    source = SyntheticSource(kernel_of_machine(QUIET))
    process = next(one for one in walk_processes(source)[0] if one.pid == 6560)
    points = watch_points(source, ProcessDump(process, process_details(source, process), None))
    assert [one.what for one in points] == ["the process's reference to its token"]
    shrunk = SyntheticSource(kernel_of_machine(QUIET)).without_field("_TOKEN", "IntegrityLevelIndex")
    process = next(one for one in walk_processes(shrunk)[0] if one.pid == 6104)
    assert len(watch_points(shrunk, ProcessDump(process, process_details(shrunk, process), None))) == 3
