"""Who may have started whom, on Windows before Vista too, and whose token a rule speaks of."""

from dataclasses import replace
from typing import Any, List

import pytest

from kdtoken.analysis.audit.finding import Severity
from kdtoken.analysis.audit.rules import audit
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.process import FastRef
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.nt52 import Old, desktop
from tests.machine.synthetic import SyntheticSource


@pytest.mark.parametrize("pointer", [4, 8])
def test_a_desktop_of_that_time_is_accused_of_nothing(pointer: int) -> None:
    """winlogon.exe above services.exe and lsass.exe, people in session 0, administrators that are so all the time."""
    old = Old(pointer, desktop())
    found = audit(KernelMachine(old).snapshot())
    assert [one.saw for one in found if one.severity is not Severity.INFORMATION] == []
    rows = KernelMachine(old).processes()
    assert all(isinstance(one.process.token, FastRef) for one in rows) and len(rows) == len(old.machine.processes)


def test_what_an_impersonating_thread_does_is_laid_at_its_door() -> None:
    """A token that only a thread has is not said to be the process's."""
    machine = desktop()
    stolen = replace(machine.tokens["client-anna-full"], auth_id=0x3E7)
    old = Old(4, replace(machine, tokens={**machine.tokens, "client-anna-full": stolen}))
    said: List[str] = [
        one.saw for one in audit(KernelMachine(old).snapshot(threads(old))) if one.rule == "logon-session"
    ]
    assert len(said) == 1 and said[0].startswith("token of thread 696 of svchost.exe (684): S-1-5-21-")


def threads(old: Old) -> Any:
    return list(KernelMachine(old).walk(threads=True).rows)


def test_since_vista_winlogon_above_lsass_is_strange() -> None:
    """The same family on a kernel whose tokens have levels."""
    moved = tuple(replace(one, parent=668) if one.pid == 744 else one for one in MACHINE.processes)
    machine = KernelMachine(SyntheticSource(build(replace(MACHINE, processes=moved), kernel_of(WINDOWS_11).layouts)))
    said = [one.saw for one in audit(machine.snapshot()) if one.rule == "parent-and-image"]
    assert any(one.startswith("lsass.exe (744) was started by winlogon.exe (668)") for one in said)
