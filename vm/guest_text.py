"""What bcdedit and its neighbours said in the guest, in whatever language of Windows it was pasted.

bcdedit translates its titles, its sentences and the word "identifier"; the names of elements, Yes and No
stay English. So an entry is known by its shape: a title, a line of dashes, then `name    value` lines.
Sources: learn.microsoft.com, "BCDEdit /enum", "BCDEdit /dbgsettings", "BCDEdit /debug", "BCDEdit /bootsequence".
"""

import re
from typing import Dict, List, NamedTuple, Optional

from findings import Finding, broken, fine, note

# "The value is protected by Secure Boot policy", error 0x1145, as Windows says it elsewhere.
_SECURE_BOOT = re.compile(
    r"protected by Secure Boot|Richtlinie f.r den sicheren Start|Secure.?Boot-Richtlinie|strat.gie de d.marrage s.curis"
    r"|directiva de arranque seguro|pol.tica de Inicializa..o Segura|安全引导策略|安全启动策略|安全開機|セキュア ?ブート"
    r"|보안 부팅|безопасной загрузк|Secure Boot policy",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"Access is denied|Zugriff verweigert|Acc.s refus|Acceso denegado|Acesso negado|Accesso negato|拒绝访问|存取被拒"
    r"|アクセスが拒否|액세스가 거부|Отказано в доступе|Odmowa dost.pu|administrator",
    re.IGNORECASE,
)
_BITLOCKER = re.compile(
    r"Protection On\b|Schutz (?:ist )?aktiviert|Protection activ.e|Protecci.n activada"
    r"|保护(?:已)?(?:启用|打开)|保護は?オン|Защита включена",
    re.IGNORECASE,
)
_ELEMENT = re.compile(r"^\s*([^\s{}]+)\s{2,}(\S+(?:\s+\S+)*)\s*$")
_SETTINGS = ("debugtype", "debugport", "baudrate", "hostip", "port")
_YES = re.compile(r"^(yes|ja|oui|s[ií]|sim|да|是|はい|예|tak)$", re.IGNORECASE)


class Guest(NamedTuple):
    """What the guest's own words say."""

    entries: List[Dict[str, str]]
    settings: Dict[str, str]

    @property
    def loaders(self) -> List[Dict[str, str]]:
        return [
            entry
            for entry in self.entries
            if "osdevice" in entry or "systemroot" in entry or "winload" in entry.get("path", "").lower()
        ]

    @property
    def current(self) -> Optional[Dict[str, str]]:
        """The entry that was booted, as last pasted; with one loader only, that one."""
        named = [entry for entry in self.loaders if entry["id"].lower() == "{current}"]
        return named[-1] if named else self.loaders[0] if len(self.loaders) == 1 else None


def says_yes(value: Optional[str]) -> bool:
    return bool(_YES.match(value or ""))


def read(text: str) -> Guest:
    """Entries and debugger settings. What stands under {dbgsettings}, or outside of any entry, is a setting."""
    entries: List[Dict[str, str]] = []
    settings: Dict[str, str] = {}
    entry: Optional[Dict[str, str]] = None
    for line in text.splitlines():
        if re.match(r"^\s*-{5,}\s*$", line):
            entry = {}
            entries.append(entry)
            continue
        hit = _ELEMENT.match(line)
        if hit is None:
            if re.search(r">\s*\S", line):
                entry = None  # the next prompt: what follows is another command's
            continue
        name, value = hit.group(1).lower(), hit.group(2)
        if entry is not None and not entry and re.match(r"^\{.*\}$", value):
            entry["id"] = value
        elif entry is not None:
            entry.setdefault(name, value)
        if entry is None or entry.get("id") == "{dbgsettings}":
            if name in _SETTINGS:
                settings[name] = value
    return Guest([one for one in entries if "id" in one], settings)


def check(text: str, debugport: Optional[int], kind: str, baud: Optional[int]) -> List[Finding]:
    """The findings on the guest. What it should have: the COM port of the pipe, "com" or "net", the -k's baud rate.

    A value that is not known (no .vmx, no -k seen) is None or empty, and is not compared.
    """
    guest = read(text)
    port = debugport or 1
    on = "debug-on.cmd %d     (in the guest, elevated prompt)" % port
    found: List[Finding] = _security(text, guest)
    current = guest.current
    if current is not None:
        others = [entry for entry in guest.loaders if entry is not current and says_yes(entry.get("debug"))]
        if says_yes(current.get("debug")):
            found.append(fine("guest", "debug Yes in the entry that was booted"))
        elif others:
            found.append(
                broken(
                    "guest",
                    "booted without the debug entry: %s has debug Yes, the one that was booted has not"
                    % (others[0].get("description") or others[0]["id"]),
                    "bcdedit /bootsequence %s     (in the guest, elevated; then restart)" % others[0]["id"],
                )
            )
        elif says_yes(current.get("bootdebug")):
            found.append(
                broken("guest", "bootdebug is on, which is the boot loader's; the kernel's is `debug`, and off", on)
            )
        else:
            found.append(broken("guest", "debugging is off: the entry that was booted has no `debug Yes`", on))
    own = {name: value for name, value in (current or {}).items() if name in _SETTINGS}
    return found + _settings(
        {**guest.settings, **own}, debugport, kind, baud, on
    )  # an entry's own go before the global


def _settings(
    settings: Dict[str, str], debugport: Optional[int], kind: str, baud: Optional[int], on: str
) -> List[Finding]:
    found: List[Finding] = []
    debugtype = settings.get("debugtype", "").lower()
    if not debugtype:
        return found
    if kind and debugtype != {"com": "serial", "net": "net"}.get(kind, debugtype):
        return [
            broken(
                "guest",
                "the guest debugs over %s, the debugger waits on %s"
                % (settings["debugtype"], "a serial port" if kind == "com" else kind),
                on if kind == "com" else "debug-on.cmd net HOSTIP PORT     (in the guest, elevated prompt)",
            )
        ]
    if debugtype != "serial":
        return [fine("guest", "debugger settings: %s" % settings["debugtype"])]
    has = settings.get("debugport", "1")
    if debugport is not None and has != str(debugport):
        found.append(
            broken(
                "guest",
                "wrong debugport: the guest debugs on COM%s, the pipe is COM%d (serial%d)"
                % (has, debugport, debugport - 1),
                on,
            )
        )
    rate = settings.get("baudrate", "115200")
    if baud is not None and rate != str(baud):
        found.append(
            broken(
                "guest",
                "baud mismatch: baudrate %s in the guest, %d behind -k" % (rate, baud),
                "bcdedit /dbgsettings serial debugport:%s baudrate:%d     (in the guest, elevated)"
                % (debugport or has, baud),
            )
        )
    if not found:
        found.append(fine("guest", "debugger settings: serial, COM%s, %s baud" % (has, rate)))
    return found


def _security(text: str, guest: Guest) -> List[Finding]:
    """Secure Boot, BitLocker and elevation: what stops bcdedit in the first place."""
    found: List[Finding] = []
    off = 'python vm/vmx.py "NAME.vmx" --secure-boot off     (on the host, VM shut down, BitLocker suspended)'
    denied = False
    command = ""
    for line in text.splitlines():
        prompt = re.search(r">\s*(\S.*)$", line)
        if prompt and "bcdedit" in prompt.group(1).lower():
            command = prompt.group(1).lower()
        elif prompt:
            command = ""
        elif command and _DENIED.search(line):
            denied = True
        # Outside of a prompt's answer, the sentence that bcdedit alone says.
        if re.search(r"boot configuration data store could not be opened", line, re.IGNORECASE):
            denied = True
    if _SECURE_BOOT.search(text):
        found.append(
            broken("guest", "Secure Boot is on, and Windows refuses to change debugger settings under it", off)
        )
    elif re.search(r"UEFISecureBootEnabled\s+REG_DWORD\s+0x1\b", text) or re.search(
        r"Confirm-SecureBootUEFI\s+True\b", text, re.IGNORECASE
    ):
        found.append(broken("guest", "Secure Boot is on: bcdedit will refuse debugger settings", off))
    elif denied:
        found.append(
            broken(
                "guest",
                "bcdedit was refused: the guest's prompt is not elevated",
                "debug-on.cmd     (in the guest: Start menu, cmd, Ctrl+Shift+Enter)",
            )
        )
    if _BITLOCKER.search(text):
        said = "BitLocker is on, and asks for its recovery key when boot settings change"
        suspend = "manage-bde -protectors -disable C: -RebootCount 1     (in the guest, elevated)"
        changed = any(says_yes(entry.get("debug")) for entry in guest.loaders)
        found.append(note("guest", said, suspend) if changed else broken("guest", said, suspend))
    return found
