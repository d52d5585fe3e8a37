r"""What WinDbg and kd printed: the connection, symbols, Python, the bootstrapper, the script files.

The sentences are the debugger's own and English everywhere; the error behind "Win32 error" may be in any
language, so only its number is read. Where a later line says otherwise (a `.reload` that helped), it counts.
Sources: learn.microsoft.com, "Setting up ... using a Virtual COM Port", "lm", ".symfix", ".load"; Win32 error
codes; pykd's page on PyPI (its wheels), and the behaviour of its bootstrapper, pykd-ext.
"""

import re
from typing import Callable, Dict, List, Optional

from findings import Finding, broken, fine, note

PYKD_WHEELS = ("2.7", "3.5", "3.6", "3.7", "3.8", "3.9")  # pykd 0.3.4.15 on PyPI
NIGHTLY = "its maker's nightly builds (githomelab.ru/pykd/pykd) go to 3.13"
INSTALL_PYTHON = "winget install Python.Python.3.9"
INSTALL_PYKD = 'py -3.9 -m pip install ".[windbg]"     (in the folder of kdtoken)'
SYMBOLS = ".symfix+ C:\\Symbols; .reload /f nt     (then `lm m nt` must say (pdb symbols))"

_ERROR = re.compile(r"Win32 error (?:0n)?(?P<code>[0-9]{1,9})\b|HRESULT 0x8007(?P<low>[0-9A-F]{1,8})", re.IGNORECASE)


def _code(line: str) -> Optional[int]:
    hit = _ERROR.search(line)
    if hit is None:
        return None
    return int(hit.group("code")) if hit.group("code") else int(hit.group("low"), 16)


def connection(text: str, start: str, restart: str) -> List[Finding]:
    """How far the debugger got. start: the command that starts it right; restart: what to do for the guest to speak."""
    found: Dict[str, Finding] = {}
    for line in text.splitlines():
        opened = re.search(r"\bOpened\s+(\\\\\S+)", line)
        if opened:
            found["pipe"] = fine("pipe", "the debugger opened %s" % opened.group(1))
            found.pop("elevated", None)
        if re.search(
            r"Kernel debugger failed initialization|Could not start kernel debugging|Failed to open \\\\", line
        ):
            failed = _failed_start(_code(line), start)
            if failed is not None:
                found[failed.link] = failed
        if "Waiting to reconnect" in line:
            found["connection"] = broken(
                "connection",
                "the debugger waits, and the guest has not spoken: never a line `Connected to Windows`",
                restart,
            )
        if re.search(r"Connected to Windows \S+ \d+", line) or "Kernel Debugger connection established" in line:
            build = re.search(r"Connected to (Windows .+? target)", line)
            was = found.get("connection")
            if build or was is None or was.status.value != "ok":
                found["connection"] = fine("connection", "connected to " + (build.group(1) if build else "the guest"))
        if re.search(r"Retry sending the same data packet|transport connection between host .* seems lost", line):
            found["connection"] = broken(
                "connection",
                "the connection was lost (a VM reset through VMware does that): start the debugger anew",
                start,
            )
        waiting = "connection" in found and "waits" in found["connection"].found
        if re.match(r"^\s*(?:\d+: )?kd>", line) and (waiting or "connection" not in found):
            found["connection"] = fine("connection", "a kernel session (prompt kd>)")
        if re.match(r"^\s*\d+:\d{3}>", line):
            found.setdefault(
                "connection",
                broken(
                    "connection",
                    "this is a user-mode session (prompt 0:000>): kernel tokens are out of its sight",
                    start,
                ),
            )
    return list(found.values())


def _failed_start(code: Optional[int], start: str) -> Optional[Finding]:
    if code in (2, 53):
        return broken(
            "pipe",
            "the pipe is not there (error %d): the VM makes it when it starts" % code,
            'vmrun start "NAME.vmx"     (then the debugger)',
        )
    if code == 5:
        return broken(
            "elevated",
            "access denied (error 5): the debugger is not elevated",
            "Start-Process -Verb RunAs windbg -ArgumentList '-k','%s'" % start.split("-k ")[-1].strip('"'),
        )
    if code in (121, 231, 32):
        return broken(
            "pipe",
            "the pipe is busy (error %d): another debugger holds it" % code,
            "Get-Process windbg,kd,DbgX.Shell,EngHost -ErrorAction Ignore     (close the other one)",
        )
    if code in (3, 87, 123, 161):
        return broken("-k string", "the debugger could make nothing of the port's name (error %d)" % code, start)
    return None


def symbols(text: str) -> List[Finding]:
    """What the last word on nt's symbols was."""
    last: Optional[Finding] = None
    for line in text.splitlines():
        if re.match(r"^\s*(?:\d+: )?l?kd>", line) and "lm" not in line:
            continue
        kind = re.search(
            r"(?:^|\s)nt\s+(?:\S\s+)?\((private pdb symbols|pdb symbols|export symbols|deferred|no symbols"
            r"|no debug info|coff symbols)\)",
            line,
        )
        if kind and "pdb" in kind.group(1):
            last = fine("symbols", "nt has (%s)" % kind.group(1))
        elif kind and kind.group(1) == "deferred":
            last = note("symbols", "nt is (deferred): not loaded yet", ".reload /f nt")
        elif kind:
            last = broken("symbols", "nt has (%s), which know no types" % kind.group(1), SYMBOLS)
        elif re.search(r"Symbol file could not be found.*(?:ntkrnl|ntoskrnl|\bnt\b)", line):
            last = broken("symbols", "no symbol file for the kernel was found; export symbols know no types", SYMBOLS)
        elif re.search(
            r"(?:NT symbols are incorrect|Kernel symbols are WRONG|symbols could not be loaded for nt"
            r"|not using the correct symbols|doesn't have full symbol information"
            r"|Symbol nt!\S+ not found|Couldn't resolve error at 'nt!)",
            line,
            re.IGNORECASE,
        ):
            last = broken("symbols", "the debugger says the kernel's symbols are wrong or missing", SYMBOLS)
        elif re.search(r"Symbol search path is:\s*\*\*\*\s*Invalid", line):
            last = last or broken("symbols", "no symbol path is set", SYMBOLS)
    return [last] if last else []


def python(text: str) -> List[Finding]:
    """Whether the Python that !py chose can have pykd."""
    found: List[Finding] = []
    versions = re.findall(r"(?i)\bPython[ \\/]?(\d)\.?(\d{1,2})(?:[.\s\\/:(]|$)|\bcp(\d)(\d{1,2})\b", text)
    seen = ["%s.%s" % (major or cmajor, minor or cminor) for major, minor, cmajor, cminor in versions]
    wrong = [one for one in seen if one not in PYKD_WHEELS]
    why = "pykd on PyPI has wheels for Python 2.7 and 3.5 to 3.9 only; " + NIGHTLY
    missing = re.search(
        r"No module named '?\"?pykd\b|No matching distribution found for pykd"
        r"|satisfies the requirement pykd|DLL load failed while importing pykd",
        text,
    )
    right = [one for one in seen if one in PYKD_WHEELS and one.startswith("3.")]
    if missing and wrong:
        mend = INSTALL_PYKD if right else INSTALL_PYTHON + "     (then %s)" % INSTALL_PYKD
        found.append(broken("python", "Python %s was used; %s" % (wrong[0], why), mend))
    elif missing:
        found.append(broken("python", "this Python has no pykd; " + why, INSTALL_PYKD))
    elif "failed to find python interpreter" in text:
        found.append(broken("python", "the bootstrapper finds no Python", INSTALL_PYTHON))
    elif wrong and re.search(r"(?m)^.*kd>\s*!py", text):
        # It ran, and no import of pykd failed: this Python may well have one of the maker's own builds.
        found.append(note("python", "!py runs Python %s; %s" % (wrong[0], why), "!py -m kdtoken.dump notepad.exe"))
    elif right:
        found.append(fine("python", "Python %s" % right[-1]))
    if re.search(r"No module named '?(?:kdtoken|construct)\b", text):
        found.append(broken("scripts", "the Python that !py runs has no kdtoken", INSTALL_PYKD))
    return found


_LOAD = {
    2: "there is no such file in the debugger's extension folders",
    126: "the file, or a DLL that it needs, is not found (the Visual C++ runtime, or python39.dll for pykd.pyd)",
    127: "it is of another version than the DLLs it needs",
    193: "it is 32-bit in a 64-bit debugger, or the other way round",
    225: "Windows Security has blocked it",
    5: "Windows will not let it be read: files from the internet are blocked (Properties > Unblock)",
}


def bootstrapper(text: str) -> List[Finding]:
    """Whether !py exists."""
    last: Optional[Finding] = None
    for line in text.splitlines():
        hit = re.search(r"LoadLibrary\(([^)]*pykd[^)]*)\) failed", line, re.IGNORECASE)
        if hit:
            code = _code(line)
            why = _LOAD.get(code or 0, "error %s" % code)
            if code == 126 and ".pyd" not in hit.group(1).lower():
                why = "the bootstrapper pykd.dll, or the Visual C++ runtime that it needs, is not found"
            mend = "python vm/start.py --install --bootstrapper DOWNLOADED\\pykd.dll"
            if code == 5:
                mend = "Unblock-File DOWNLOADED\\pykd.dll"
            last = broken("bootstrapper", ".load %s failed (error %s): %s" % (hit.group(1), code, why), mend)
        elif re.search(r"No export py found", line):
            last = last or broken("bootstrapper", "!py is unknown: no bootstrapper is loaded", ".load pykd")
        elif re.search(r"^\s*pykd(?:\.dll)?: (?:image|API)|^\s*pykd_ext|pykd bootstrapper \d", line, re.IGNORECASE):
            last = fine("bootstrapper", "pykd is loaded")
        elif re.search(r"can not run !py command recursive", line):
            last = broken("bootstrapper", "a !py inside a !py, or one that never ended", ".unload pykd; .load pykd")
    return [last] if last else []


def scripts(text: str) -> List[Finding]:
    """Whether !py finds kdtoken's files."""
    if re.search(r"(?im)^\s*script (?:file )?not found", text):
        return [
            broken(
                "scripts",
                "!py finds no file of that name along PATH; as a module it needs none",
                "!py -m kdtoken.dump notepad.exe",
            )
        ]
    return []


READERS: List[Callable[[str], List[Finding]]] = [symbols, python, bootstrapper, scripts]
