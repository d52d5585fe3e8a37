"""THE synthetic machine: the processes of a small Windows 10, in the order of the process list.

Odd ones are here too, since a decoder meets them: processes that have ended, tokens that are paged
out, and image names that someone chose to confuse whoever looks.
"""

from dataclasses import replace
from typing import Dict, Tuple

from tests.machine import spec, tokens
from tests.machine.spec import Machine, ProcessSpec, ThreadSpec, TokenSpec

BOOT = 0x01D8F0A0B0C0D0E0  # FILETIME: 4 November 2022
SECOND = 10_000_000
DRIVE = "\\Device\\HarddiskVolume3"
WINDOWS = DRIVE + "\\Windows\\"
SYSTEM32 = WINDOWS + "System32\\"
ANNAS = DRIVE + "\\Users\\Anna\\"
WIN_TCB_LIGHT, LSA_LIGHT = 0x61, 0x41  # _PS_PROTECTION.Level: signer in the high half, 1 is "light"


def _threads(first: int, count: int) -> Tuple[ThreadSpec, ...]:
    return tuple(ThreadSpec(first + 4 * index) for index in range(count))


def _system(
    pid: int, path: str, token: str, parent: int, at: int, protection: int = 0, session: int = 0
) -> ProcessSpec:
    return ProcessSpec(
        pid,
        SYSTEM32 + path,
        token,
        parent=parent,
        session=session,
        threads=_threads(pid + 4, 2),
        protection=protection,
        create_time=BOOT + at * SECOND,
        peb=0x5D40000000 + pid * 0x1000,
    )


def _user(pid: int, path: str, token: str, at: int, parent: int = 4120, count: int = 1) -> ProcessSpec:
    return ProcessSpec(
        pid,
        path,
        token,
        parent=parent,
        session=1,
        threads=_threads(pid + 4, count),
        create_time=BOOT + at * SECOND,
        peb=0x5D40000000 + pid * 0x1000,
    )


# A service's threads: one client at each level, two under one token, one that has gone back.
IMPERSONATORS: Tuple[ThreadSpec, ...] = (
    ThreadSpec(1124),
    ThreadSpec(1128, "anonymous", spec.ANONYMOUS),
    ThreadSpec(1132, "client-anna", spec.IDENTIFICATION),
    ThreadSpec(1136, "client-network", spec.IMPERSONATE),
    ThreadSpec(1140, "client-anna-full", spec.DELEGATION, effective_only=True),
    ThreadSpec(1144, "client-network", spec.IMPERSONATE),
    ThreadSpec(1148, "client-anna", spec.IDENTIFICATION, stale=True),
)

PROCESSES: Tuple[ProcessSpec, ...] = (
    ProcessSpec(
        4, "", "system", parent=0, name=b"System", session=None, threads=_threads(12, 3), create_time=BOOT, handles=2486
    ),
    # shares System's token
    ProcessSpec(92, "Registry", "system", parent=4, session=None, threads=_threads(96, 1), create_time=BOOT - SECOND),
    replace(_system(396, "smss.exe", "smss", 4, 1, WIN_TCB_LIGHT), session=None),
    _system(512, "csrss.exe", "csrss-0", 496, 5, WIN_TCB_LIGHT),
    _system(588, "wininit.exe", "wininit", 496, 6, WIN_TCB_LIGHT),
    _system(608, "csrss.exe", "csrss-1", 580, 6, WIN_TCB_LIGHT, session=1),
    _system(668, "winlogon.exe", "winlogon", 580, 6, session=1),
    _system(724, "services.exe", "services", 588, 7, WIN_TCB_LIGHT),
    _system(744, "lsass.exe", "lsass", 588, 7, LSA_LIGHT),
    _system(868, "svchost.exe", "dcomlaunch", 724, 8),
    # a client's SYSTEM token in a NETWORK SERVICE process
    replace(
        _system(980, "svchost.exe", "rpcss", 724, 8),
        threads=(ThreadSpec(984), ThreadSpec(988, "client-system", spec.IMPERSONATE)),
    ),
    _system(1048, "svchost.exe", "bfe", 724, 9),
    replace(_system(1120, "svchost.exe", "schedule", 724, 9), threads=IMPERSONATORS),
    # Ended, but somebody holds a handle: the object is there, and its token with it, since the
    # kernel gives the token back only when the process object itself goes.
    replace(_user(4072, SYSTEM32 + "userinit.exe", "denying", 40, 668), threads=(), exit_time=BOOT + 70 * SECOND),
    _user(4120, WINDOWS + "explorer.exe", "explorer", 41, 4072, 4),
    _user(5300, DRIVE + "\\Program Files\\Reader\\AcroRd32.exe", "reader", 500),
    _user(5716, DRIVE + "\\Program Files\\WindowsApps\\CalculatorApp.exe", "calculator", 520, 868, 2),
    _user(5804, SYSTEM32 + "ApplicationFrameHost.exe", "frame-host", 521, 868),
    _user(5952, DRIVE + "\\Program Files\\Google\\Chrome\\Application\\chrome.exe", "restricted", 600),
    _user(5996, DRIVE + "\\Program Files\\Google\\Chrome\\Application\\chrome.exe", "sandbox", 601, 5952),
    _user(6020, ANNAS + "OneDrive.exe", "token-paged-out", 620),
    _user(6040, SYSTEM32 + "SearchIndexer.exe", "sids-paged-out", 630),
    _user(6064, SYSTEM32 + "dllhost.exe", "dynamic-paged-out", 640, 868),
    _user(6104, SYSTEM32 + "notepad.exe", "notepad", 900),
    _user(6240, SYSTEM32 + "mspaint.exe", "notepad-2", 960),
    _user(6488, SYSTEM32 + "cmd.exe", "cmd", 1000),
    # runs under the very token of its parent
    _user(6520, SYSTEM32 + "conhost.exe", "cmd", 1001, 6488),
    # In the middle of being deleted: still on the list, its token given back already.
    replace(
        _user(6560, SYSTEM32 + "whoami.exe", "cmd", 1100, 6488),
        token=None,
        threads=(),
        peb=0,
        exit_time=BOOT + 1101 * SECOND,
    ),
    replace(_user(6700, ANNAS + 'a;.quit"x', "denying", 1200), name=b'a;.quit"x'),
    # bytes as an ANSI code page gives them; no valid UTF-8
    replace(_user(6740, ANNAS + "caf\u00e9.exe", "denying", 1210), name=b"caf\xe9\x80\xff.exe"),
    # all 15 bytes used, which the kernel itself never does: no 0 ends the name
    replace(_user(6780, ANNAS + "ABCDEFGHIJKLMNOP.exe", "denying", 1220), name=b"ABCDEFGHIJKLMNO"),
)

MACHINE = Machine(PROCESSES, tokens.TOKENS, tokens.LOGON_SESSIONS)


def grown(machine: Machine, processes: int, tokens: int) -> Machine:
    """The machine with further children of explorer, up to that many processes and tokens.

    New tokens are copies of notepad's; when there are fewer tokens than processes they are shared.
    """
    more: Dict[str, TokenSpec] = {}
    base = machine.tokens["notepad"]
    for index in range(tokens - len(machine.tokens)):
        token_id = 0x100000 + 0x40 * index
        key = "grown-%d" % index
        more[key] = replace(base, key=key, token_id=token_id, modified_id=token_id + 7, fast_ref=index % 16)
    keys = list(more) or ["notepad"]
    added = tuple(
        _user(10000 + 8 * index, SYSTEM32 + "child%04d.exe" % index, keys[index % len(keys)], 2000 + index)
        for index in range(processes - len(machine.processes))
    )
    return Machine(machine.processes + added, {**machine.tokens, **more}, machine.logon_sessions)
