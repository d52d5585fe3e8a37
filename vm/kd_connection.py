r"""The string behind -k: made for a hypervisor, read out of what people type, and checked.

Source: learn.microsoft.com, "Setting Up Kernel-Mode Debugging of a Virtual Machine Manually using a Virtual
COM Port" and "WinDbg Command-Line Options":

    com:pipe,port=\\.\pipe\NAME[,resets=0][,reconnect]     resets=0 and reconnect are for machines whose pipe drops
                                                           bytes and goes away at a restart; VMware's does neither
    com:port=COM1,baud=115200                              a real port, or a debugger in a VM of its own
    net:port=50000,key=1.2.3.4                             KDNET
"""

import re
from typing import List, NamedTuple, Optional

from vmx_file import Refused

# What a hypervisor's pipe needs behind its name.
SUFFIX = {
    "vmware": "",
    "hyperv": ",resets=0,reconnect",
    "virtualbox": ",resets=0,reconnect",
    "qemu": ",resets=0,reconnect",
}
# The name becomes part of a debugger's command line, and of lines that people paste: no quote, blank, comma,
# nor anything that a shell or a .vmx's |22 could turn into a further option or command.
PIPE = re.compile(r"\\\\(?:\.|[\w.\-]+)\\pipe\\[\w.+#@{}()\-]+\Z", re.IGNORECASE)


_DIGITS = re.compile("[0-9]{1,9}$")


class Fault(NamedTuple):
    """What is wrong with a string; `sure` is False for what works and yet should be otherwise."""

    found: str
    sure: bool = True


class Connection(NamedTuple):
    """A -k string, taken apart as far as it could be."""

    text: str
    transport: str = ""
    pipe: bool = False
    port: str = ""
    baud: Optional[int] = None
    resets: Optional[int] = None
    reconnect: bool = False

    @property
    def pipe_name(self) -> str:
        """The last part of the port: what the .vmx must have too."""
        return re.split(r"[\\/]+", self.port)[-1] if self.pipe or "pipe" in self.port.lower() else ""


def build(pipe: str, hypervisor: str = "vmware") -> str:
    r"""The string for a pipe, given as NAME or as \\.\pipe\NAME.  Raises Refused for what is no pipe's name."""
    port = pipe if pipe.startswith("\\\\") else "\\\\.\\pipe\\" + pipe
    if not PIPE.match(port):
        raise Refused("%r is not the name of a pipe: letters, digits and _ - . + are" % pipe, "--pipe kd_Win11")
    return "com:pipe,port=%s%s" % (port, SUFFIX[hypervisor])


def find(text: str) -> List[Connection]:
    """Every -k of a command line in the text, in its order. A word beginning with com: or net: is enough."""
    found = []
    for line in text.splitlines():
        # The debugger repeats the string in its complaint; older ones misspell "parameters".
        line = re.sub(r"(?i)(Could not start kernel debugging using \S+) .*", r"\1", line)
        hit = re.search(r"""(?:^|\s)-k\s+(?P<rest>["']?[^-\s].*)$""", line)
        if hit is None:
            hit = re.search(r"""(?P<rest>["']?\b(?:com:(?:pipe|port|modem)|net:port|com,pipe)\S*.*)$""", line)
        if hit is not None:
            found.append(read(hit.group("rest")))
    return found


def read(rest: str) -> Connection:
    """The string at the start of what follows -k; a quoted one ends at its quote, another at the next option."""
    rest = rest.strip()
    if rest[:1] in "\"'" and rest[:1]:
        text = rest[1:].split(rest[0])[0]
    else:
        text = re.split(r"\s+-{1,2}[A-Za-z]+\b|[\"'`]|\s{2,}|\s+#|\s*[&|>]", rest)[0].strip()
        # "com:pipe,port=x in an elevated prompt": words that have no sign of belonging to it are left out.
        text = re.match(r"\S*(?:\s+[^\s,=]*[,=]\S*|(?<=,)\s+\S+)*", text).group()  # type: ignore[union-attr]
    text = text.rstrip(".;")
    transport, _, parts = text.partition(":")
    made = Connection(text, transport.strip().lower() if parts else "")
    for part in re.split(r"[,\s]+", parts or text):
        key, sign, value = part.partition("=")
        key = key.strip().lower()
        if key == "pipe" and not sign:
            made = made._replace(pipe=True)
        elif key == "port":
            made = made._replace(port=value)
        elif key == "baud" and _DIGITS.match(value):
            made = made._replace(baud=int(value))
        elif key == "resets" and _DIGITS.match(value):
            made = made._replace(resets=int(value))
        elif key == "reconnect":
            made = made._replace(reconnect=True)
        elif not made.port and re.match(r"^[\\/]{1,4}[^,]*pipe", part, re.IGNORECASE):
            made = made._replace(port=part)
    return made


def lint(connection: Connection, hypervisor: str = "") -> List[Fault]:
    """What is wrong with it, worst first. The hypervisor is one of SUFFIX, or empty where it is not known."""
    text, port = connection.text, connection.port
    faults: List[Fault] = []
    if connection.transport == "net":
        return _lint_net(text)
    if connection.transport not in ("com", ""):
        return faults
    if re.search(r"\s", text):
        faults.append(Fault("a blank ends the string (PowerShell makes one out of each comma: put it in quotes)"))
    if not connection.transport:
        faults.append(Fault("`com:` is missing at its start"))
    looks_pipe = connection.pipe or "pipe" in port.lower()
    if not port:
        faults.append(Fault("`port=` is missing"))
    elif not re.search(r"(?i)(^|[,:\s])port=", text):
        faults.append(Fault("`port=` is missing in front of %s" % port))
    if looks_pipe and not connection.pipe:
        faults.append(Fault("`pipe,` is missing, so the pipe's name is taken for that of a COM port"))
    if looks_pipe and port and not PIPE.match(port):
        faults.append(Fault(_bad_pipe(port)))
    if connection.pipe and re.match(r"(?i)^com\d", port):
        faults.append(Fault("%s is a COM port, and `pipe` is said: one or the other" % port))
    if hypervisor == "vmware" and (connection.resets is not None or connection.reconnect) and looks_pipe:
        which = " and ".join(
            word
            for word, there in (
                ("resets=%s" % connection.resets, connection.resets is not None),
                ("reconnect", connection.reconnect),
            )
            if there
        )
        faults.append(
            Fault(
                "%s with VMware, whose pipe neither drops bytes nor goes away at a restart: the "
                "debugger's documentation says not to" % which
            )
        )
    if SUFFIX.get(hypervisor) and looks_pipe and not (connection.resets == 0 and connection.reconnect):
        faults.append(Fault("resets=0,reconnect is missing, and %s needs both" % hypervisor))
    if not hypervisor and looks_pipe and (connection.resets == 0 or connection.reconnect):
        faults.append(Fault("resets=0 or reconnect: right for Hyper-V and VirtualBox, wrong for VMware", sure=False))
    return faults


def _bad_pipe(port: str) -> str:
    if "/" in port:
        return "%s has slashes: a pipe is written with backslashes, \\\\.\\pipe\\NAME" % port
    if re.match(r"^\\[^\\]", port):
        return "%s has lost a backslash: it begins with two, \\\\.\\pipe\\NAME" % port
    if port.startswith("\\\\\\\\") or "\\\\pipe" in port[2:]:
        return "%s has its backslashes doubled, as in a C string: \\\\.\\pipe\\NAME" % port
    return "%s is no pipe: \\\\.\\pipe\\NAME is" % port


def _lint_net(text: str) -> List[Fault]:
    faults = []
    port = re.search(r"(?i)\bport=([0-9]{1,9})(?![0-9])", text)
    if port is None:
        faults.append(Fault("`port=` is missing"))
    elif not 49152 <= int(port.group(1)) <= 65535:
        faults.append(Fault("port %s: KDNET takes 49152 to 65535" % port.group(1), sure=False))
    key = re.search(r"(?i)\bkey=([^,\s]*)", text)
    if key is None:
        faults.append(Fault("`key=` is missing: it is what `bcdedit /dbgsettings net` answered in the guest"))
    elif not re.match(r"^[0-9a-z]+(\.[0-9a-z]+){3}$", key.group(1)):
        faults.append(Fault("the key is not of four parts with dots between"))
    return faults


def without_key(text: str) -> str:
    """The same text, with no KDNET key in it."""
    return re.sub(r"(?i)(\bkey\s*[=:]\s*|^\s*key\s{2,})[0-9a-z]+(?:\.[0-9a-z]+){1,3}", r"\1(key)", text)
