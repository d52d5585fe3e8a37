"""A target that needs no synthetic kernel: the Windows Python's own memory, as a user-mode minidump.

Enough for a debugger to open and an extension to run in; it has no nt and no symbols. Also the right answer to
"what does kdtoken say when the session is no kernel?".
"""

from pathlib import Path

from tests.engine.windows import Windows

# Run by the Windows Python. Wine's own dbghelp writes the dump: the engine's one has no MiniDumpWriteDump.
_SCRIPT = """
import ctypes, sys
kernel32, dbghelp = ctypes.windll.kernel32, ctypes.WinDLL('dbghelp.dll')
kernel32.CreateFileW.restype = kernel32.GetCurrentProcess.restype = ctypes.c_void_p
GENERIC_WRITE, CREATE_ALWAYS, MINIDUMP_NORMAL = 0x40000000, 2, 0
file = kernel32.CreateFileW(ctypes.c_wchar_p(sys.argv[1]), GENERIC_WRITE, 0, None, CREATE_ALWAYS, 0, None)
written = dbghelp.MiniDumpWriteDump(
    ctypes.c_void_p(kernel32.GetCurrentProcess()), kernel32.GetCurrentProcessId(), ctypes.c_void_p(file),
    MINIDUMP_NORMAL, None, None, None)
sys.exit(0 if written else 1)
"""


def write_user_dump(windows: Windows, path: Path) -> Path:
    """Write the minidump to `path`."""
    done = windows.python("-c", _SCRIPT, path, env={"WINEDLLOVERRIDES": "dbghelp=b"})
    if done.returncode:
        raise RuntimeError(f"no minidump: status {done.returncode}, {done.stderr}")
    return path
