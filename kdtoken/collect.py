"""Everything that Windows tells about a token in user mode, as JSON.  This one file runs alone inside the guest.

    python collect.py                  the token of this very process
    python collect.py --pid 1234       of another process
    python collect.py --thread 5678    what a thread impersonates
    python collect.py -o token.json

Python 3.5 or newer, nothing else (hence the type comments): copy the file over and run it.  It changes nothing, unless --debug-privilege is
given, which enables SeDebugPrivilege in its own token so that more processes can be opened.

GetTokenInformation, OpenProcessToken, OpenThreadToken and the structures: learn.microsoft.com; the classes and their
numbers: winnt.h TOKEN_INFORMATION_CLASS.  Each class is given as the bytes that came (with the address at which they
lay, since pointers in them point there) and decoded; a class that was refused gives Windows's error.
`kdtoken/view/collect/token_information.py` reads the JSON.
"""

import argparse
import ctypes
import json
import os
import re
import struct
import sys
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple  # noqa: F401 (named in type comments)

FORMAT = "kdtoken-collect"
VERSION = 1

CLASSES = tuple(
    """
    TokenUser TokenGroups TokenPrivileges TokenOwner TokenPrimaryGroup TokenDefaultDacl TokenSource TokenType
    TokenImpersonationLevel TokenStatistics TokenRestrictedSids TokenSessionId TokenGroupsAndPrivileges
    TokenSessionReference TokenSandBoxInert TokenAuditPolicy TokenOrigin TokenElevationType TokenLinkedToken
    TokenElevation TokenHasRestrictions TokenAccessInformation TokenVirtualizationAllowed TokenVirtualizationEnabled
    TokenIntegrityLevel TokenUIAccess TokenMandatoryPolicy TokenLogonSid TokenIsAppContainer TokenCapabilities
    TokenAppContainerSid TokenAppContainerNumber TokenUserClaimAttributes TokenDeviceClaimAttributes
    TokenRestrictedUserClaimAttributes TokenRestrictedDeviceClaimAttributes TokenDeviceGroups
    TokenRestrictedDeviceGroups TokenSecurityAttributes TokenIsRestricted TokenProcessTrustLevel
    TokenPrivateNameSpace TokenSingletonAttributes TokenBnoIsolation TokenChildProcessFlags
    TokenIsLessPrivilegedAppContainer TokenIsSandboxed TokenIsAppSilo
    """.split()
)
LINKED = "TokenLinkedToken"

# winnt.h and winerror.h
TOKEN_QUERY, TOKEN_QUERY_SOURCE, TOKEN_ADJUST_PRIVILEGES = 0x8, 0x10, 0x20
PROCESS_QUERY_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION = 0x400, 0x1000
THREAD_QUERY_INFORMATION, THREAD_QUERY_LIMITED_INFORMATION = 0x40, 0x800
ERROR_BAD_LENGTH, ERROR_INSUFFICIENT_BUFFER, ERROR_INVALID_PARAMETER, ERROR_NO_TOKEN = 24, 122, 87, 1008
ERROR_NOT_ALL_ASSIGNED = 1300
LARGEST = 1 << 22  # bytes; no token is near this


class CannotCollect(Exception):
    """The token cannot be had at all; the message says why, a second line what to do."""


class Block:
    """Bytes that Windows filled, and the address at which it did so."""

    def __init__(self, base: int, data: bytes, pointer_size: int) -> None:
        self.base, self.data, self.pointer_size = base, data, pointer_size

    def number(self, offset: int, size: int) -> int:
        """An unsigned number; beyond the bytes is an error."""
        piece = self.data[offset : offset + size]
        if offset < 0 or len(piece) < size:
            raise ValueError("%d bytes at offset %d are not there" % (size, offset))
        return int.from_bytes(piece, "little")

    def pointer(self, offset: int) -> Optional[int]:
        """Where in the bytes a pointer points, None if it is null."""
        value = self.number(offset, self.pointer_size)
        return value - self.base if value else None

    def sid(self, offset: Optional[int]) -> Optional[str]:
        """The text of the SID there ([MS-DTYP] 2.4.2)."""
        if offset is None:
            return None
        count = self.number(offset + 1, 1)
        self.number(offset + 2, 6)
        authority = int.from_bytes(self.data[offset + 2 : offset + 8], "big")
        words = [self.number(offset + 8 + 4 * at, 4) for at in range(count)]
        head = str(authority) if authority < 1 << 32 else "0x%012x" % authority
        return "-".join(["S", str(self.number(offset, 1)), head] + [str(word) for word in words])

    def luid(self, offset: int) -> str:
        """`high:low` in hex, as the debugger prints it."""
        return "0x%x:%x" % (self.number(offset + 4, 4), self.number(offset, 4))


def sid_and_attributes(block: Block, offset: int = 0) -> Any:
    """SID_AND_ATTRIBUTES; also TOKEN_USER and TOKEN_MANDATORY_LABEL, which hold nothing else."""
    sid = block.sid(block.pointer(offset))
    return {"sid": sid, "attributes": block.number(offset + block.pointer_size, 4)}


def token_groups(block: Block) -> Any:
    """TOKEN_GROUPS."""
    size = block.pointer_size
    return [sid_and_attributes(block, size + 2 * size * at) for at in range(block.number(0, 4))]


def token_privileges(block: Block) -> Any:
    """TOKEN_PRIVILEGES."""
    rows = []
    for at in range(block.number(0, 4)):
        offset = 4 + 12 * at
        rows.append({"luid": block.luid(offset), "attributes": block.number(offset + 8, 4)})
    return rows


def pointed_sid(block: Block) -> Any:
    """TOKEN_OWNER, TOKEN_PRIMARY_GROUP, TOKEN_APPCONTAINER_INFORMATION, TOKEN_PROCESS_TRUST_LEVEL: one PSID."""
    return block.sid(block.pointer(0))


def default_dacl(block: Block) -> Any:
    """TOKEN_DEFAULT_DACL: the ACL's bytes, None for no ACL."""
    offset = block.pointer(0)
    if offset is None:
        return None
    size = block.number(offset + 2, 2)
    block.number(offset, size)
    return block.data[offset : offset + size].hex()


def token_source(block: Block) -> Any:
    """TOKEN_SOURCE."""
    name = block.data[:8].rstrip(b"\0").decode("latin-1")
    return {"name": name, "luid": block.luid(8)}


def token_statistics(block: Block) -> Any:
    """TOKEN_STATISTICS."""
    return {
        "token_id": block.luid(0),
        "authentication_id": block.luid(8),
        "expiration_time": block.number(16, 8),
        "type": block.number(24, 4),
        "impersonation_level": block.number(28, 4),
        "dynamic_charged": block.number(32, 4),
        "dynamic_available": block.number(36, 4),
        "group_count": block.number(40, 4),
        "privilege_count": block.number(44, 4),
        "modified_id": block.luid(48),
    }


def token_origin(block: Block) -> Any:
    """TOKEN_ORIGIN."""
    return block.luid(0)


def dword(block: Block) -> Any:
    """A number, whose size is that of the answer."""
    return block.number(0, min(len(block.data), 4))


DECODERS = dict.fromkeys(
    (
        "TokenGroups",
        "TokenRestrictedSids",
        "TokenLogonSid",
        "TokenCapabilities",
        "TokenDeviceGroups",
        "TokenRestrictedDeviceGroups",
    ),
    token_groups,
)  # type: Dict[str, Callable[[Block], Any]]
DECODERS.update(
    TokenUser=sid_and_attributes,
    TokenIntegrityLevel=sid_and_attributes,
    TokenPrivileges=token_privileges,
    TokenDefaultDacl=default_dacl,
    TokenSource=token_source,
    TokenStatistics=token_statistics,
    TokenOrigin=token_origin,
    TokenOwner=pointed_sid,
    TokenPrimaryGroup=pointed_sid,
    TokenAppContainerSid=pointed_sid,
    TokenProcessTrustLevel=pointed_sid,
)


def decoded(name: str, block: Block) -> Dict[str, Any]:
    """`{"decoded": ...}`, or `{"problem": ...}` where the bytes are not what they should be; empty if nobody knows."""
    # All the others that the header names are one ULONG, or a structure that this does not decode.
    decoder = DECODERS.get(name) or (dword if 0 < len(block.data) <= 4 else None)
    if decoder is None:
        return {}
    try:
        return {"decoded": decoder(block)}
    except ValueError as error:
        return {"problem": str(error)}


class Windows:
    """The few functions of Windows that this needs; every failure is a CannotCollect or an error in the result."""

    def __init__(self) -> None:
        if sys.platform != "win32":
            raise CannotCollect(
                "collect asks Windows about a token, and this is %s\n  next: copy collect.py into the guest, and there: "
                "python collect.py --pid PID" % sys.platform
            )
        load = getattr(ctypes, "WinDLL")
        self.kernel32 = load("kernel32", use_last_error=True)  # type: Any
        self.advapi32 = load("advapi32", use_last_error=True)  # type: Any
        self.ntdll = load("ntdll")  # type: Any
        handle = ctypes.c_void_p
        for function in (self.kernel32.OpenProcess, self.kernel32.OpenThread, self.kernel32.GetCurrentProcess):
            function.restype = handle
        self.kernel32.CloseHandle.argtypes = self.kernel32.GetProcessIdOfThread.argtypes = [handle]
        self.kernel32.QueryFullProcessImageNameW.argtypes = [handle, ctypes.c_uint32, ctypes.c_wchar_p, handle]
        self.advapi32.OpenProcessToken.argtypes = [handle, ctypes.c_uint32, handle]
        self.advapi32.OpenThreadToken.argtypes = [handle, ctypes.c_uint32, ctypes.c_int, handle]
        self.advapi32.GetTokenInformation.argtypes = [handle, ctypes.c_int, handle, ctypes.c_uint32, handle]
        self.advapi32.LookupPrivilegeNameW.argtypes = [ctypes.c_wchar_p, handle, ctypes.c_wchar_p, handle]
        self.advapi32.LookupPrivilegeValueW.argtypes = [ctypes.c_wchar_p, ctypes.c_wchar_p, handle]
        self.advapi32.AdjustTokenPrivileges.argtypes = [handle, ctypes.c_int, handle, ctypes.c_uint32, handle, handle]

    def error(self) -> Tuple[int, str]:
        """The last error's code and Windows's text for it."""
        code = int(getattr(ctypes, "get_last_error")())
        return code, str(getattr(ctypes, "FormatError")(code)).strip()

    def failed(self, what: str, advice: str = "") -> CannotCollect:
        """An error to raise for the last error."""
        code, text = self.error()
        return CannotCollect("%s: error %d, %s%s" % (what, code, text, "\n  next: " + advice if advice else ""))

    def _unopened(self, what: str, number: int) -> CannotCollect:
        if self.error()[0] == ERROR_INVALID_PARAMETER:
            step = "tasklist" if what == "process" else "in PowerShell (Get-Process -Id PID).Threads.Id"
            text = "there is no %s %d (the number is decimal)\n  next: %s lists them"
            return CannotCollect(text % (what, number, step))
        return self.failed("cannot open %s %d" % (what, number), "run elevated, or with --debug-privilege")

    def close(self, handle: Any) -> None:
        """CloseHandle."""
        self.kernel32.CloseHandle(handle)

    def process(self, pid: int) -> Any:
        """A handle of the process that lets its token be opened."""
        for access in (PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_QUERY_INFORMATION):
            handle = self.kernel32.OpenProcess(access, False, pid)
            if handle:
                return handle
        raise self._unopened("process", pid)

    def thread(self, tid: int) -> Any:
        """A handle of the thread that lets its token be opened."""
        for access in (THREAD_QUERY_LIMITED_INFORMATION, THREAD_QUERY_INFORMATION):
            handle = self.kernel32.OpenThread(access, False, tid)
            if handle:
                return handle
        raise self._unopened("thread", tid)

    def process_token(self, process: Any, whose: str) -> Any:
        """A handle of the process's token."""
        token = ctypes.c_void_p()
        for access in (TOKEN_QUERY | TOKEN_QUERY_SOURCE, TOKEN_QUERY):
            if self.advapi32.OpenProcessToken(process, access, ctypes.byref(token)):
                return token
        raise self.failed("cannot open the token of %s" % whose, "run elevated, or as SYSTEM")

    def thread_token(self, thread: Any, tid: int) -> Any:
        """A handle of the token that the thread impersonates."""
        token = ctypes.c_void_p()
        for access in (TOKEN_QUERY | TOKEN_QUERY_SOURCE, TOKEN_QUERY):
            # Open as self: what this very thread impersonates is of no account.
            if self.advapi32.OpenThreadToken(thread, access, True, ctypes.byref(token)):
                return token
        if self.error()[0] == ERROR_NO_TOKEN:
            raise CannotCollect(
                "thread %d impersonates nobody: it runs under its process's token\n  next: --pid PID" % tid
            )
        raise self.failed("cannot open the token of thread %d" % tid, "run elevated, or as SYSTEM")

    def query(self, token: Any, number: int) -> Tuple[Optional[Block], Dict[str, Any]]:
        """One class: its bytes, or the error."""
        size, needed = 0, ctypes.c_uint32()
        for _ in range(12):
            buffer = ctypes.create_string_buffer(size) if size else None
            if self.advapi32.GetTokenInformation(token, number, buffer, size, ctypes.byref(needed)):
                if buffer is None:
                    return Block(0, b"", ctypes.sizeof(ctypes.c_void_p)), {}
                filled = min(size, needed.value) if needed.value else size
                return Block(ctypes.addressof(buffer), buffer.raw[:filled], ctypes.sizeof(ctypes.c_void_p)), {}
            code, text = self.error()
            if code not in (ERROR_BAD_LENGTH, ERROR_INSUFFICIENT_BUFFER) or size > LARGEST:
                break
            # Some classes refuse a wrong size without telling the right one.
            size = needed.value if needed.value > size else max(4, 2 * size)
        return None, {"error": code, "message": text}

    def privilege_name(self, luid: bytes) -> Optional[str]:
        """The name this machine has for a privilege."""
        name, size = ctypes.create_unicode_buffer(128), ctypes.c_uint32(128)
        value = ctypes.create_string_buffer(luid, 8)
        found = self.advapi32.LookupPrivilegeNameW(None, ctypes.byref(value), name, ctypes.byref(size))
        return name.value if found else None

    def image(self, process: Any) -> Optional[str]:
        """The path of the process's program."""
        name, size = ctypes.create_unicode_buffer(32768), ctypes.c_uint32(32768)
        found = self.kernel32.QueryFullProcessImageNameW(process, 0, name, ctypes.byref(size))
        return name.value if found else None

    def enable_debug_privilege(self) -> str:
        """Enable SeDebugPrivilege in this process's own token; says how that went."""
        token = ctypes.c_void_p()
        if not self.advapi32.OpenProcessToken(
            self.kernel32.GetCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, ctypes.byref(token)
        ):
            return "cannot open the own token: error %d, %s" % self.error()
        try:
            luid = ctypes.create_string_buffer(8)
            if not self.advapi32.LookupPrivilegeValueW(None, "SeDebugPrivilege", ctypes.byref(luid)):
                return "no SeDebugPrivilege: error %d, %s" % self.error()
            wanted = ctypes.create_string_buffer(struct.pack("<I8sI", 1, luid.raw, 2), 16)
            done = self.advapi32.AdjustTokenPrivileges(token, False, ctypes.byref(wanted), 0, None, None)
            failed = not done or self.error()[0] == ERROR_NOT_ALL_ASSIGNED
            return "not enabled: error %d, %s" % self.error() if failed else "enabled"
        finally:
            self.close(token)

    def version(self) -> Dict[str, Any]:
        """What Windows this is: RtlGetVersion, which no manifest shims."""
        # RTL_OSVERSIONINFOW: five ULONGs, then WCHAR szCSDVersion[128].
        info = ctypes.create_string_buffer(struct.pack("<I", 276), 276)
        self.ntdll.RtlGetVersion(ctypes.byref(info))
        major, minor, build = struct.unpack_from("<III", info.raw, 4)
        service_pack = info.raw[20:276].decode("utf-16-le", "replace").split("\0")[0]
        return {"major": major, "minor": minor, "build": build, "service_pack": service_pack}


def classes_of(windows: Windows, token: Any, follow_link: bool) -> Tuple[Dict[str, Any], Optional[Dict[str, Any]]]:
    """All classes of one token, and those of the token linked to it."""
    found = {}  # type: Dict[str, Any]
    linked = None  # type: Optional[Dict[str, Any]]
    # A few numbers past the last that is named here, for a Windows newer than this file.
    for number in range(1, len(CLASSES) + 9):
        name = CLASSES[number - 1] if number <= len(CLASSES) else "Class%d" % number
        if name == LINKED and not follow_link:
            continue
        block, error = windows.query(token, number)
        if block is None:
            if number <= len(CLASSES):
                found[name] = dict(error, **{"class": number})
            continue
        entry = dict(decoded(name, block), base="0x%x" % block.base, raw=block.data.hex(), **{"class": number})
        if name == "TokenPrivileges" and "decoded" in entry:
            for at, row in enumerate(entry["decoded"]):
                row["name"] = windows.privilege_name(block.data[4 + 12 * at : 12 + 12 * at])
        if name == LINKED and block.data:
            handle = ctypes.c_void_p(block.number(0, min(len(block.data), block.pointer_size)))
            if handle.value:
                linked = classes_of(windows, handle, False)[0]
                windows.close(handle)
        found[name] = entry
    return found, linked


def collect(pid: Optional[int] = None, tid: Optional[int] = None, debug_privilege: bool = False) -> Dict[str, Any]:
    """The token of a process, of a thread, or (neither given) of this process."""
    windows = Windows()
    about = {}  # type: Dict[str, Any]
    if debug_privilege:
        about["debug_privilege"] = windows.enable_debug_privilege()
    opened = []  # type: List[Any]
    try:
        if tid is not None:
            opened.append(windows.thread(tid))
            pid = int(windows.kernel32.GetProcessIdOfThread(opened[0])) or None
            token = windows.thread_token(opened[0], tid)
            process = windows.process(pid) if pid else None
        else:
            pid = int(windows.kernel32.GetCurrentProcessId()) if pid is None else pid
            process = windows.process(pid)
            token = windows.process_token(process, "process %d" % pid)
        opened += [token] + ([process] if process else [])
        classes, linked = classes_of(windows, token, True)
        about.update({"pid": pid, "tid": tid, "image": windows.image(process) if process else None})
    finally:
        for handle in opened:
            windows.close(handle)
    return {
        "format": FORMAT,
        "version": VERSION,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "windows": windows.version(),
        "python": sys.version.split()[0],
        "pointer_size": ctypes.sizeof(ctypes.c_void_p),
        "about": about,
        "classes": classes,
        "linked": linked,
    }


# Generic read, write, execute and all of the types that a check may name: winnt.h, and a Windows 10 kernel's type objects.
MAPPINGS = {
    "file": (0x120089, 0x120116, 0x1200A0, 0x1F01FF),
    "key": (0x20019, 0x20006, 0x20019, 0xF003F),
    "process": (0x20410, 0x20BEA, 0x121001, 0x1FFFFF),
    "token": (0x2001A, 0x201E0, 0x20005, 0xF01FF),
    "event": (0x20001, 0x20002, 0x120000, 0x1F0003),
}  # type: Dict[str, Tuple[int, int, int, int]]
WISHES = {"read": 1 << 31, "write": 1 << 30, "execute": 1 << 29, "all": 1 << 28, "maximum": 1 << 25}


def mapped_wish(text: str, mapping: Tuple[int, int, int, int]) -> int:
    """read, write, execute, all, maximum or a number; generic rights mapped, since AccessCheck refuses them."""
    try:
        wish = WISHES[text] if text in WISHES else int(text if len(text) < 32 else "", 0)
        struct.pack("<I", wish)  # ctypes would cut it to 32 bits without a word
    except (ValueError, struct.error):
        raise CannotCollect("%.40r is no wish: read, write, execute, all, maximum, or a number as 0x3" % text) from None
    for bit, meaning in zip((1 << 31, 1 << 30, 1 << 29, 1 << 28), mapping):
        if wish & bit:
            wish = wish & ~bit | meaning
    return wish


def access_checks(questions: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """What NtAccessCheck answers each question, for this process's own token duplicated to Impersonation."""
    windows = Windows()
    handle, dword = ctypes.c_void_p, ctypes.c_uint32
    windows.advapi32.DuplicateTokenEx.argtypes = [handle, dword, handle, ctypes.c_int, ctypes.c_int, handle]
    convert = windows.advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW
    convert.argtypes = [ctypes.c_wchar_p, dword, handle, handle]
    windows.ntdll.NtAccessCheck.argtypes = [handle, handle, dword, handle, handle, handle, handle, handle]
    windows.ntdll.NtAccessCheck.restype = dword
    windows.kernel32.LocalFree.argtypes = [handle]
    own, client = handle(), handle()
    try:
        # TOKEN_QUERY | TOKEN_DUPLICATE
        if not windows.advapi32.OpenProcessToken(windows.kernel32.GetCurrentProcess(), 0xA, ctypes.byref(own)):
            raise CannotCollect("OpenProcessToken: %s" % windows.error()[1])
        # TOKEN_QUERY | TOKEN_IMPERSONATE, SecurityImpersonation, TokenImpersonation.
        if not windows.advapi32.DuplicateTokenEx(own, 0xC, None, 2, 2, ctypes.byref(client)):
            raise CannotCollect("DuplicateTokenEx: %s" % windows.error()[1])
        return [one_check(windows, convert, client, question) for question in questions]
    finally:
        windows.close(client)
        windows.close(own)


def one_check(windows: Windows, convert: Any, client: Any, question: Dict[str, Any]) -> Dict[str, Any]:
    """One question with its answer: `status` and `granted` as NtAccessCheck gives them."""
    kind = str(question.get("type", "file")).lower()
    if kind not in MAPPINGS:
        raise CannotCollect("no mapping for the type %r; there are: %s" % (kind, ", ".join(sorted(MAPPINGS))))
    wish = mapped_wish(str(question["want"]), MAPPINGS[kind])
    descriptor = ctypes.c_void_p()
    answer = dict(question, type=kind, mapping=list(MAPPINGS[kind]), wish=wish)
    if not convert(str(question["sddl"]), 1, ctypes.byref(descriptor), None):
        code, text = windows.error()
        return dict(answer, status=0xC0000079, granted=0, error=code, problem="SDDL refused: %s" % text)
    try:
        masks = struct.pack("<4I", *MAPPINGS[kind])
        mapping = ctypes.create_string_buffer(masks, len(masks))
        privileges, size = ctypes.create_string_buffer(1024), ctypes.c_uint32(1024)
        granted, status = ctypes.c_uint32(0), ctypes.c_uint32(0)
        called = windows.ntdll.NtAccessCheck(
            descriptor,
            client,
            wish,
            mapping,
            privileges,
            ctypes.byref(size),
            ctypes.byref(granted),
            ctypes.byref(status),
        )
    finally:
        windows.kernel32.LocalFree(descriptor)
    if called:
        return dict(answer, status=called, granted=0, call_failed=True)
    used = struct.unpack_from("<I", privileges.raw)[0]
    return dict(answer, status=status.value, granted=granted.value, privileges_used=used)


def questions_of(options: argparse.Namespace) -> List[Dict[str, Any]]:
    """What --check and --questions ask; empty for neither."""
    found = []  # type: List[Dict[str, Any]]
    for number, sddl in enumerate(options.check or (), 1):
        found.append({"id": "check %d" % number, "sddl": sddl, "type": options.type, "want": options.want})
    if options.questions:
        with open(options.questions, encoding="utf-8") as stream:
            try:  # of 4 MB at most, which are some 20,000: what is cut off there is no JSON
                asked = json.loads(stream.read(1 << 22))["questions"]
                found += [dict(one, want=one["want"], sddl=one["sddl"]) for one in asked]
            except (ValueError, KeyError, TypeError, RecursionError):
                raise CannotCollect("%r holds no questions in JSON" % options.questions) from None
    return found


class Parser(argparse.ArgumentParser):
    """argparse, whose error is one message with a next step."""

    def error(self, message: str) -> Any:
        """One message with a next step."""
        words = re.sub("unrecognized arguments: ", "nothing takes ", message)
        words = re.sub("argument ([^ ]+): invalid int value: '(.*)'", r"\1 takes a number in decimal, not \2", words)
        words = re.sub("argument ([^ ]+): expected .*", r"\1 needs a word behind it", words)
        words = re.sub("argument ([^ ]+): not allowed with argument (.*)", r"\1 and \2 exclude each other", words)
        words = re.sub("argument ([^ ]+): ignored explicit argument .*", r"\1 takes no word", words)
        words = words.replace("-o/--output", "-o")
        self.exit(2, "collect: %s\n  next: --pid PID names a process (tasklist lists them); --help\n" % words)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The command line; returns the exit code."""
    parser = Parser(prog="collect", description="All that Windows tells about a token, as JSON.")
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--pid", type=int, help="of this process (decimal)")
    whose.add_argument("--thread", type=int, metavar="TID", help="that this thread impersonates (decimal)")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to FILE, not to the screen")
    parser.add_argument("--debug-privilege", action="store_true", help="enable SeDebugPrivilege first, in this process")
    parser.add_argument(
        "--check", action="append", metavar="SDDL", help="ask the real access check about this descriptor"
    )
    parser.add_argument("--type", default="file", help="of --check: %s (file)" % ", ".join(sorted(MAPPINGS)))
    parser.add_argument("--want", default="maximum", help="of --check: read, write, maximum, 0x3 ... (maximum)")
    parser.add_argument("--questions", metavar="FILE", help="ask every question of fixtures/lab/questions.json")
    options = parser.parse_args(arguments)
    try:
        for number in (options.pid, options.thread):
            if number is not None and number < 0:
                raise CannotCollect("%d is no id of a process or a thread\n  next: tasklist lists them" % number)
        if options.output:
            check_file(options.output)
        questions = questions_of(options)
        if questions and (options.pid is not None or options.thread is not None):
            raise CannotCollect("--check asks with this process's own token\n  next: leave --pid and --thread away")
        found = collect(options.pid, options.thread, options.debug_privilege)
        if questions:
            found["checks"] = access_checks(questions)
        # ASCII only, so that no console's code page can spoil it.
        text = json.dumps(found, indent=1) + "\n"
        if options.output:
            write_file(options.output, text)
        elif sys.stdout is None:
            raise CannotCollect("standard output is closed\n  next: -o FILE writes a file")
        else:
            sys.stdout.write(text)
            sys.stdout.flush()
    except (CannotCollect, KeyboardInterrupt) as error:
        complain(
            str(error) if isinstance(error, CannotCollect) else "stopped by Ctrl+C\n  next: the same command again"
        )
        return 2
    except OSError as error:  # stdout, or a file of questions
        about = " %s" % error.filename if error.filename else ""
        what = (
            "cannot read%s: %s\n  next: name a file that is there" if about else "cannot print%s: %s\n  next: -o FILE"
        )
        complain(what % (about, error.strerror))
        if not about:  # or Python tries the rest once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 2
    return 0


def complain(text: str) -> None:
    """One message on stderr, with a next step."""
    step = "" if "\n  next: " in text else "\n  next: python collect.py --help tells what it takes"
    if sys.stderr is not None:
        sys.stderr.write("collect: %s%s\n" % (text, step))


def check_file(path: str) -> None:
    """Raises CannotCollect where another's file would be replaced."""
    if os.path.isfile(path) and os.path.getsize(path):
        with open(path, "rb") as stream:
            if FORMAT.encode() not in stream.read(4096):
                raise CannotCollect(
                    "%s is there already, and no JSON of collect\n  next: another name, or remove it first" % path
                )


def write_file(path: str, text: str) -> None:
    """Write the whole file or leave what was there: beside it first, then renamed.  Raises CannotCollect."""
    beside = path + ".part"
    try:
        with open(beside, "w", encoding="ascii", newline="\n") as stream:
            stream.write(text)
        os.replace(beside, path)
    except OSError as error:
        if os.path.isfile(beside):
            os.remove(beside)
        raise CannotCollect(
            "cannot write %s: %s\n  next: -o FILE where there is room" % (path, error.strerror)
        ) from error


if __name__ == "__main__":
    sys.exit(main())
