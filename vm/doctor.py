"""Looks at each link between a VM and the first token, and says what mends the first broken one.

    python vm/doctor.py --vmx "Windows 11.vmx"      what can be seen from this machine
    python vm/doctor.py --text session.txt          what was pasted: any mix of .vmx lines, command lines, bcdedit's
                                                     answers, WinDbg's window. Works on any OS; `-` reads what is typed
    both together                                    compares the two

Nothing is changed. KDNET keys are not repeated. Exit code 1 when a link is broken, 2 when nothing could be looked at.
"""

import re
import sys
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

import debugger_text
import guest_text
import kd_connection
import snapshot
import vmx
import windbg_side
from findings import Finding, Status, broken, fine, first_to_mend, note, pasteable, report
from said import COULD_NOT, Parser, complain, ended, say
from vmx_file import Refused, VmxFile


class Seen(NamedTuple):
    """What one source tells the checks of another: the VM's port, and which hypervisor it is."""

    port: Optional[vmx.Port] = None
    hypervisor: str = ""
    path: str = "NAME.vmx"


TOOL = "doctor.py"
LARGEST = 1 << 22  # bytes of a pasted text: a day in WinDbg is less
# Of a .vmx, among what somebody pasted.
_SETTING = re.compile(
    r"[ \t]*(?:serial[0-9]|uefi|displayName|config|virtualHW|guestOS|firmware|\.encoding)[\w.]*[ \t]*="
)
_LONGEST = 1000  # characters of a line: no console is wider


def text_of(path: str) -> str:
    """A pasted text, in any encoding that Windows saves in.  Raises Refused for what nobody can have pasted."""
    if path != "-" and not Path(path).is_file():
        raise Refused("%s is no file" % path, "--text FILE: a session, pasted into a file; - for what is typed here")
    if path == "-":
        data = sys.stdin.buffer.read(LARGEST + 1)
    else:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Refused("%s has over %d MB: paste the part about the connection" % (path, LARGEST >> 20))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return bounded(data.decode("utf-16", "replace"))
    try:
        return bounded(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return bounded(data.decode("cp1252", "replace"))


def bounded(text: str) -> str:
    """The same text with no line, no run of blanks and no run of empty lines beyond what a console prints.

    The checks look for sentences with patterns that take their time on such runs; here none is left.
    """
    lines: List[str] = []
    for line in text.splitlines():
        line = re.sub(r"[ \t]{40,}", " " * 40, line[: 4 * _LONGEST])[:_LONGEST].rstrip()
        if line or not lines or lines[-1]:
            lines.append(line)
    return "\n".join(lines)


def hypervisor_in(text: str) -> str:
    """Which hypervisor a text is about, where it says so."""
    for name, signs in (
        ("vmware", r"\.vmx\b|(?m:^\s*serial\d\.)|\bvmware\b|vmrun"),
        ("hyperv", r"VMComPort|hyper-v"),
        ("virtualbox", r"VBoxManage|virtualbox"),
        ("qemu", r"qemu-system|-chardev"),
    ):
        if re.search(signs, text, re.IGNORECASE):
            return name
    return ""


def vmx_in(text: str) -> Optional[VmxFile]:
    """The .vmx lines among others, as a file; None where there are none."""
    lines = [line.strip(" \t") for line in text.splitlines() if _SETTING.match(line)]
    lines = [line for line in lines if '"' not in line.partition("=")[2].strip(' \t"')]
    if not lines:
        return None
    return VmxFile(
        ('virtualHW.version = "0"\n' + "\n".join(line for line in lines if "virtualHW" not in line)).encode()
    )


def check_vmx(settings: VmxFile, seen: Seen) -> List[Finding]:
    """The serial port in the VM's settings."""
    mend = 'python vm/vmx.py "%s"     (with the VM shut down)' % seen.path
    try:
        settings.refuse_if_twice("serial")
    except Refused as refusal:
        return [broken("vmx", str(refusal), mend)]
    found = []
    for number in vmx.PORTS:
        name = "serial%d" % number
        if (settings.get(name + ".fileType") or "").lower() != "pipe":
            continue
        pipe, end = settings.get(name + ".fileName") or "", settings.get(name + ".pipe.endPoint") or ""
        if not settings.is_true(name + ".present"):
            found.append(broken("vmx", "%s has a pipe, but %s.present is not TRUE" % (name, name), mend))
        elif not pipe:
            found.append(broken("vmx", "%s is a pipe with no name" % name, mend))
        elif not kd_connection.PIPE.match(pipe) and not pipe.startswith("/"):
            found.append(broken("vmx", "%s.fileName %s is no pipe: \\\\.\\pipe\\NAME is" % (name, pipe), mend))
        elif end.lower() != "server":
            found.append(
                broken(
                    "vmx",
                    "wrong end point: %s.pipe.endPoint is %s; the VM must be the server, for a "
                    "debugger is always a client" % (name, end or "not set"),
                    mend,
                )
            )
        elif settings.get(name + ".startConnected") is not None and not settings.is_true(name + ".startConnected"):
            found.append(broken("vmx", "%s is not connected when the VM starts" % name, mend))
        else:
            found.append(fine("vmx", "%s (COM%d) is the pipe %s, server" % (name, number + 1, pipe)))
            if (settings.get(name + ".tryNoRxLoss") or "").upper() != "TRUE":
                found.append(
                    note(
                        "vmx", "%s.tryNoRxLoss is not TRUE: bytes may be lost on the way to an application" % name, mend
                    )
                )
    if not found:
        used = ["serial%d is %s" % (n, vmx.taken_by(settings, n)) for n in vmx.PORTS if vmx.taken_by(settings, n)]
        found.append(
            broken("vmx", "no serial port leads to a pipe%s" % (" (%s)" % "; ".join(used) if used else ""), mend)
        )
    return found


def port_of(settings: VmxFile) -> Optional[vmx.Port]:
    there = vmx.pipes(settings)
    return there[0] if there and there[0].pipe else None


def check_text(text: str, seen: Seen) -> List[Finding]:
    """Everything that a pasted text shows."""
    found: List[Finding] = []
    pasted = vmx_in(text)
    if pasted is not None and seen.port is None:
        if any(True for _ in pasted.entries("serial")) or pasted.get("displayName") or pasted.get("config.version"):
            found += check_vmx(pasted, seen)
        seen = seen._replace(port=port_of(pasted))
    hypervisor = seen.hypervisor or hypervisor_in(text)
    strings = kd_connection.find(text)
    last = strings[-1] if strings else None
    opened = re.findall(r"\bOpened\s+\\\\[^\\\s]+\\pipe\\(\S+)", text)
    start = 'windbg -k "%s"' % kd_connection.build(_pipe_to_name(seen, last), hypervisor or "vmware")
    if last is not None:
        found += check_string(last, hypervisor, seen, start)
    for pipe in opened:
        if seen.port and pipe.lower() != kd_connection.read("com:pipe,port=" + seen.port.pipe).pipe_name.lower():
            found.append(
                broken(
                    "-k string",
                    "pipe name mismatch: the debugger opened %s, the VM has %s" % (pipe, seen.port.pipe),
                    start,
                )
            )
    network = "Using NET for debugging" in text
    kind = last.transport if last else "net" if network else "com" if seen.port or opened else ""
    baud = last.baud if last and not last.pipe else None
    debugport = seen.port.debugport if seen.port else None
    found += guest_text.check(text, debugport, kind, baud)
    if last is not None and last.pipe and last.baud:
        rate = guest_text.read(text).settings.get("baudrate")
        if rate and rate != str(last.baud):
            found.append(
                note(
                    "guest",
                    "baud mismatch: baudrate %s in the guest, %d behind -k (a pipe has no speed of its "
                    "own, so this alone does not stop it)" % (rate, last.baud),
                    start,
                )
            )
    debug_on = any(f.link == "guest" and f.found.startswith("debug Yes") for f in found)
    restart = (
        "shutdown /r /t 0     (in the guest, with the debugger waiting)"
        if debug_on
        else "debug-on.cmd %s     (in the guest, elevated; then shutdown /r /t 0)"
        % ("net HOSTIP PORT" if kind == "net" else debugport or 1)
    )
    found += debugger_text.connection(text, start, restart)
    for reader in debugger_text.READERS:
        found += reader(text)
    return consequences(found)


def _pipe_to_name(seen: Seen, last: Optional[kd_connection.Connection]) -> str:
    """The pipe of the command that is printed for pasting; one that is no pipe's name never becomes part of it.

    It is taken from the VM first, for that is where the pipe is made.
    """
    said = [seen.port.pipe] if seen.port else [last.port, last.pipe_name] if last else []
    for name in said:
        whole = name if name.startswith("\\\\") else "\\\\.\\pipe\\" + name
        if kd_connection.PIPE.match(whole):
            return whole
    return "\\\\.\\pipe\\NAME"


def check_string(last: kd_connection.Connection, hypervisor: str, seen: Seen, start: str) -> List[Finding]:
    """The -k string by itself, and against the VM's pipe."""
    text = kd_connection.without_key(last.text)
    mend = "windbg -k net:port=50000,key=KEY" if last.transport == "net" else start
    if not last.pipe and last.port.lower().startswith("com"):
        mend = "windbg -k com:port=%s,baud=%d" % (last.port, last.baud or 115200)
    found = [
        (broken if fault.sure else note)("-k string", "%s: %s" % (text, fault.found), mend)
        for fault in kd_connection.lint(last, hypervisor)
    ]
    if seen.port and last.pipe_name:
        has = kd_connection.read("com:pipe,port=" + seen.port.pipe).pipe_name
        if has.lower() != last.pipe_name.lower():
            found.append(
                broken("-k string", "pipe name mismatch: -k says %s, the VM has %s" % (last.pipe_name, has), mend)
            )
    return found or [fine("-k string", text)]


def consequences(found: Sequence[Finding]) -> List[Finding]:
    """A pipe that is not there is no fault of its own where the VM's settings or the -k string name another one."""
    cause = any(one.status is Status.BROKEN and one.link in ("vmx", "-k string") for one in found)
    return [
        one._replace(status=Status.NOTE) if cause and one.link == "pipe" and one.status is Status.BROKEN else one
        for one in found
    ]


def check_file(path: Path) -> List[Finding]:
    """The .vmx on this machine, and whether the VM runs: VMware's lock files tell, on any OS."""
    try:
        settings = VmxFile(path.read_bytes())
    except Refused as refusal:
        return [broken("vmx", str(refusal), 'python vm/vmx.py "%s"' % pasteable(str(path), "FILE.vmx"))]
    name = pasteable(str(path), "FILE.vmx")
    found = check_vmx(settings, Seen(path=name))
    busy = vmx.why_busy(path, settings)
    if "suspended" in busy:
        found.append(broken("running", "the VM is suspended", 'vmrun start "%s"' % name))
    elif busy:
        found.append(fine("running", "the VM is open in VMware (its lock files are there)"))
    else:
        found.append(broken("running", "the VM is off: there is no lock file", 'vmrun start "%s"' % name))
    return found + check_memory(path, settings)


def check_memory(path: Path, settings: VmxFile) -> List[Finding]:
    """Whether a token can be had with none of these links: out of the VM's memory in a file."""
    if snapshot.is_encrypted(settings):
        return [note("vmx", "the VM is encrypted, so its memory in files cannot be read: the serial port is the way")]
    there = snapshot.memories(path)
    if there:
        line = snapshot.dump_line(str(there[0]))
        return [note("vmx", "the VM's memory is in %s: that needs no debugger: %s" % (there[0].name, line))]
    return []


def main(arguments: Optional[Sequence[str]] = None, host: Optional[windbg_side.Host] = None) -> int:
    parser = Parser(prog="doctor.py", description="what is broken between a VM and the first token")
    parser.add_argument("--vmx", metavar="FILE", help="the VM's configuration")
    parser.add_argument("--text", metavar="FILE", help="a pasted session; - for what is typed here")
    parser.add_argument("--hypervisor", choices=sorted(kd_connection.SUFFIX), help="where the text does not say it")
    options = parser.parse_args(arguments)
    machine = host or windbg_side.Host()
    seen = Seen(hypervisor=options.hypervisor or ("vmware" if options.vmx else ""))
    found: List[Finding] = []
    try:
        if options.vmx:
            path = Path(options.vmx).resolve()
            found += check_file(path)
            seen = seen._replace(path=pasteable(str(path), "FILE.vmx"))
            if not any(one.link == "vmx" and "not a .vmx" in one.found for one in found):
                seen = seen._replace(port=port_of(VmxFile(path.read_bytes())))
        if options.text:
            found += check_text(text_of(options.text), seen)
    except Refused as refusal:
        if not found:  # else check_file has said it already
            complain(TOOL, str(refusal), refusal.command)
            return COULD_NOT
    except OSError as error:
        complain(TOOL, "%s: %s" % (error.filename, error.strerror), "name a file that is there")
        return COULD_NOT
    if not options.text:
        found += windbg_side.look(machine, seen.port.pipe if seen.port else "")
    say(report(found, machine.windows))
    first = first_to_mend(found)
    return 1 if first is not None and first.status is Status.BROKEN else 0


if __name__ == "__main__":
    sys.exit(ended(TOOL, main))
