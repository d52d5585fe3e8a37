"""The text that `!process` and `!token` would print for a synthetic kernel, out of its declaration.

kdexts.dll, which has the two commands, is not on the bench; a stand-in prints what this file renders.
The forms follow output of real Windows 10 machines that was published with the debugger's own
spacing and trailing blanks kept, and what the genuine extension 10.0.25877 printed on this very machine
(fixtures/genuine).  Tokens with a part paged out get no block here: those texts hold what is printed of them.
"""

from pathlib import Path
from typing import Dict, List, Sequence, Union

from kdtoken.model.privilege import NAMES
from tests.machine.kernel import Kernel
from tests.machine.spec import GroupSpec, ProcessSpec, TokenSpec

_ATTRIBUTES = (
    (0x01, "Mandatory"),
    (0x02, "Default"),
    (0x04, "Enabled"),
    (0x08, "Owner"),
    (0x10, "DenyOnly"),
    (0x20, "GroupIntegrity"),
    (0x40, "GroupIntegrityEnabled"),
    (0xC0000000, "LogonId"),
)
_LEVELS = ("Anonymous", "Identification", "Impersonation", "Delegation")
_TYPES = {1: "Primary", 2: "Impersonation"}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def _words(attributes: int) -> str:
    words = "".join(name + " " for bits, name in _ATTRIBUTES if attributes & bits == bits)
    return "    Attributes - %s" % words


def _groups(groups: Sequence[GroupSpec]) -> List[str]:
    lines = []
    for index, group in enumerate(groups):
        lines += [" %02d %s" % (index, group.sid), _words(group.attributes)]
    return lines


def process_head(kernel: Kernel, process: ProcessSpec) -> List[str]:
    """The four lines that `!process 0 0` prints for each process."""
    session = "none" if process.session is None else "%d" % process.session
    gone = bool(process.exit_time)
    return [
        "PROCESS %016x" % kernel.processes[process.pid],
        "    SessionId: %s  Cid: %04x    Peb: %08x  ParentCid: %04x"
        % (session, process.pid, process.peb, process.parent),
        "    DirBase: %08x  ObjectTable: %08x  HandleCount: %3d."
        % (
            kernel.directory_base[process.pid],
            0 if gone else kernel.object_tables[process.pid],
            0 if gone else process.handles,
        ),
        "    Image: %s" % process.image_name.decode("latin-1"),
    ]


def process_details(kernel: Kernel, process: ProcessSpec) -> List[str]:
    """What `!process ... 1` prints below that; times and sizes are made up, and always the same."""
    token = 0 if process.token is None else kernel.tokens[process.token]
    return [
        "    VadRoot 0000000000000000 Vads 0 Clone 0 Private 425. Modified 17. Locked 0.",
        "    DeviceMap 0000000000000000",
        "    Token                             %016x" % token,
        "    ElapsedTime                       00:12:46.426",
        "    UserTime                          00:00:00.000",
        "    KernelTime                        00:00:00.015",
        "    QuotaPoolUsage[PagedPool]         212341",
        "    QuotaPoolUsage[NonPagedPool]      22528",
        "    Working Set Sizes (now,min,max)  (5654, 50, 345) (22616KB, 200KB, 1380KB)",
        "    PeakWorkingSetSize                6261",
        "    VirtualSize                       2101321 Mb",
        "    PeakVirtualSize                   2101329 Mb",
        "    PageFaultCount                    9562",
        "    MemoryPriority                    BACKGROUND",
        "    BasePriority                      8",
        "    CommitCharge                      1963",
    ]


def token_text(kernel: Kernel, token: TokenSpec) -> List[str]:
    """What `!token` prints for one token."""
    has = kernel.layouts.layout("_TOKEN").has
    present, enabled, default = token.privileges.masks
    lines = [
        "_TOKEN 0x%016x" % kernel.tokens[token.key],
        "TS Session ID: %s" % ("0x%x" % token.session_id if token.session_id else "0"),
        "User: %s" % token.user,
        "User Groups: ",
    ]
    lines += _groups(token.all_groups[1:])
    lines += ["Primary Group: %s" % token.primary_group, "Privs: "]
    for number in range(64):
        if present >> number & 1:
            state = ("Enabled " if enabled >> number & 1 else "") + ("Default " if default >> number & 1 else "")
            name = NAMES.get(number, "Unknown Privilege")
            lines.append(" %02d 0x%09x %-32s  Attributes - %s" % (number, number, name, state))
    in_use = "( Token in use )" if token.in_use else "( Token NOT in use ) "
    if token.type == 2:
        in_use = ""
    flags = token.flags if has("Package") else token.flags & ~0x4000
    source = token.source_name.rstrip(b"\0").decode("latin-1")
    restricted = kernel.pointer_at("_TOKEN", kernel.tokens[token.key], "RestrictedSids")
    lines += [
        "Authentication ID:         (%x,%x)" % (token.auth_id >> 32, token.auth_id & 0xFFFFFFFF),
        "Impersonation Level:       %s" % _LEVELS[token.level],
        "TokenType:                 %s" % _TYPES[token.type],
        "Source: %-18s TokenFlags: 0x%x %s" % (source, flags, in_use),
        "Token ID: %-16x ParentToken ID: %x" % (token.token_id, token.parent_id),
        "Modified ID:               (%x, %x)" % (token.modified_id >> 32, token.modified_id & 0xFFFFFFFF),
        "RestrictedSidCount: %-6d RestrictedSids: 0x%016x" % (len(token.restricted), restricted),
    ]
    if token.restricted:
        lines += ["Restricted SIDs:"] + _groups(token.restricted)
    lines.append("OriginatingLogonSession: %x" % token.originating_id)
    if has("Package"):
        lines += _app_container(kernel, token)
    return lines


def _app_container(kernel: Kernel, token: TokenSpec) -> List[str]:
    at = kernel.tokens[token.key]
    lines = [
        "PackageSid: %s" % (token.package or "(null)"),
        "CapabilityCount: %-6d Capabilities: 0x%016x"
        % (len(token.capabilities), kernel.pointer_at("_TOKEN", at, "Capabilities")),
    ]
    if token.capabilities:
        lines += ["Capabilities:"] + _groups(token.capabilities)
    lines.append("LowboxNumberEntry: 0x%016x" % kernel.pointer_at("_TOKEN", at, "LowboxNumberEntry"))
    if token.package:
        lines.append("LowboxNumber: %-6d" % token.lowbox_number)
    return lines + [
        "Security Attributes:",
        "Invalid AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION with no claims",
        "Process Token TrustLevelSid: %s" % (token.trust_sid or "(null)"),
    ]


def commands(kernel: Kernel) -> Dict[str, str]:
    """Command -> its output, for every process and every token; addresses are without "0x"."""
    found: Dict[str, str] = {}
    by_name: Dict[str, List[ProcessSpec]] = {}
    everything: List[str] = ["**** NT ACTIVE PROCESS DUMP ****"]
    for process in kernel.machine.processes:
        head, details = process_head(kernel, process), process_details(kernel, process)
        address = kernel.processes[process.pid]
        everything += head + [""]
        by_name.setdefault(process.image_name.decode("latin-1"), []).append(process)
        found["!process %x 0" % address] = _text(head)
        found["!process %x 1" % address] = _text(head + details)
    found["!process 0 0"] = _text(everything)
    for name, processes in by_name.items():
        if not _PLAIN.issuperset(name):
            continue  # nobody may type such a name
        heads = [process_head(kernel, process) + [""] for process in processes]
        full = [process_head(kernel, one) + process_details(kernel, one) + [""] for one in processes]
        found["!process 0 0 %s" % name] = _text(sum(heads, []))
        found["!process 0 1 %s" % name] = _text(sum(full, []))
    for key, token in kernel.machine.tokens.items():
        if not token.paged_out:
            found["!token %x" % kernel.tokens[key]] = _text(token_text(kernel, token))
    return found


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def write_standin(kernel: Kernel, path: Union[str, Path]) -> None:
    """Write all of them as the stand-in reads them: `>>> command`, then its output."""
    blocks = [">>> %s\n%s" % (command, text) for command, text in commands(kernel).items()]
    Path(path).write_bytes("".join(blocks).encode("utf-8"))
