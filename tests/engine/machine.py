"""THE synthetic machine: the processes of a small Windows 10, in the order of the process list."""

from typing import Tuple

from tests.engine import tokens
from tests.engine.spec import Machine, ProcessSpec, ThreadSpec

BOOT = 0x01D8F0A0B0C0D0E0  # FILETIME: 4 November 2022
SECOND = 10_000_000
DRIVE = "\\Device\\HarddiskVolume3"
SYSTEM32 = DRIVE + "\\Windows\\System32\\"


def _threads(first: int, count: int) -> Tuple[ThreadSpec, ...]:
    return tuple(ThreadSpec(first + 4 * index) for index in range(count))


PROCESSES: Tuple[ProcessSpec, ...] = (
    ProcessSpec(4, "", "system", parent=0, name=b"System", session=None, threads=_threads(12, 3),
                create_time=BOOT),
    ProcessSpec(4120, DRIVE + "\\Windows\\explorer.exe", "explorer", parent=4072, session=1,
                threads=_threads(4124, 4), create_time=BOOT + 41 * SECOND, peb=0x6FC000),
    ProcessSpec(6104, SYSTEM32 + "notepad.exe", "notepad", parent=4120, session=1,
                threads=_threads(6108, 1), create_time=BOOT + 900 * SECOND, peb=0x25F000),
)  # fmt: skip

MACHINE = Machine(PROCESSES, tokens.TOKENS, tokens.LOGON_SESSIONS)
