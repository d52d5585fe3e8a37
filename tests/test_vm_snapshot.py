"""vm/snapshot.py: the VM's memory in a file, and what to type then. vmrun is a stand-in here."""

import os
from pathlib import Path
from typing import Any, List, Sequence

import pytest

from tests.vm_tools import tool

vmx: Any = tool("vmx")
snapshot: Any = tool("snapshot")
doctor: Any = tool("doctor")
Refused = tool("vmx_file").Refused

PLAIN = 'config.version = "8"\nvirtualHW.version = "19"\ndisplayName = "Windows 10"\n'
ENCRYPTED = PLAIN + 'vmx.encryptionType = "partial"\nencryption.keySafe = "vmware:key/list/(pair)"\n'


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A VM that runs: VMware holds its lock."""
    path = tmp_path / "Windows 10.vmx"
    path.write_text(PLAIN)
    lock = tmp_path / "Windows 10.vmx.lck"
    lock.mkdir()
    (lock / "M12345.lck").write_text("x")
    return path


def lines(path: Path, run: Any = None, dry_run: bool = False, host: str = "windows") -> List[str]:
    settings = vmx.VmxFile(path.read_bytes())
    found: List[str] = snapshot.lines(path, settings, host, vmx.why_busy(path, settings), dry_run, run)
    return found


def test_vmrun_takes_it_and_the_line_names_its_memory(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = machine.with_name("Windows 10-Snapshot1.vmem")
    for one in (old, old.with_suffix(".vmsn")):
        one.write_bytes(b"old")
        os.utime(str(one), (1, 1))
    typed: List[Sequence[str]] = []

    def run(command: Sequence[str]) -> str:
        typed.append(command)
        machine.with_name("Windows 10-Snapshot2.vmem").write_bytes(b"m")
        machine.with_name("Windows 10-Snapshot2.vmsn").write_bytes(b"s")
        machine.with_name("another-Snapshot9.vmem").write_bytes(b"m")  # of another machine, in the same folder
        return ""

    monkeypatch.setattr(snapshot, "find_vmrun", lambda host: "vmrun.exe")
    said = lines(machine, run)
    assert typed == [["vmrun.exe", "-T", "ws", "snapshot", str(machine), "kdtoken-look"]]
    memory = machine.with_name("Windows 10-Snapshot2.vmem")
    assert '  kdtoken dump notepad.exe --dump "%s" --download' % memory in said
    assert any("deleteSnapshot" in line for line in said)


def test_a_snapshot_without_memory_is_told_in_vmruns_words(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "find_vmrun", lambda host: "vmrun.exe")
    with pytest.raises(Refused, match="made no snapshot with memory: Error: Insufficient permissions"):
        lines(machine, lambda command: "Error: Insufficient permissions\n")


def test_without_vmrun_and_with_dry_run_it_is_printed(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "find_vmrun", lambda host: None)
    said = lines(machine, host="mac")
    assert "vmrun is not here" in said[0]
    assert '  vmrun -T fusion snapshot "%s" kdtoken-look' % machine in said
    assert any("Windows 10-SnapshotN.vmem" in line and "kdtoken dump notepad.exe" in line for line in said)
    monkeypatch.setattr(snapshot, "find_vmrun", lambda host: "vmrun")
    assert "nothing run" in lines(machine, lambda command: pytest.fail("it ran"), dry_run=True)[0]


def test_a_suspended_machine_has_it_already(machine: Path) -> None:
    machine.write_text(PLAIN + 'checkpoint.vmState = "Windows 10-abc.vmss"\n')
    (machine.with_name("Windows 10.vmx.lck") / "M12345.lck").unlink()
    memory = machine.with_name("Windows 10-abc.vmem")
    memory.write_bytes(b"m")
    memory.with_suffix(".vmss").write_bytes(b"s")
    assert '  kdtoken dump notepad.exe --dump "%s" --download' % memory in lines(machine)


def test_what_cannot_be_read_so(machine: Path) -> None:
    with pytest.raises(Refused, match="the VM is off"):
        (machine.with_name("Windows 10.vmx.lck") / "M12345.lck").unlink()
        lines(machine)
    machine.write_text(ENCRYPTED)
    with pytest.raises(Refused, match="this VM is encrypted"):
        lines(machine)


def test_the_command_line(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vmx.main([str(machine), "--snapshot", "--dry-run"]) == 0
    assert "kdtoken-look" in capsys.readouterr().out
    assert machine.read_text() == PLAIN


def test_the_doctor_knows_of_it(machine: Path) -> None:
    memory = machine.with_name("Windows 10-Snapshot1.vmem")
    assert not any("needs no debugger" in one.found for one in doctor.check_file(machine))
    memory.write_bytes(b"m")
    memory.with_suffix(".vmsn").write_bytes(b"s")
    assert any("needs no debugger: kdtoken dump notepad.exe" in one.found for one in doctor.check_file(machine))
    machine.write_text(ENCRYPTED)
    assert any("the serial port is the way" in one.found for one in doctor.check_file(machine))
