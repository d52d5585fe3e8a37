"""Protected processes: the byte ``_PS_PROTECTION`` of ``_EPROCESS`` (Windows 8.1 and later).

``Type`` is bits 0-2, ``Audit`` bit 3, ``Signer`` bits 4-7; the names are those of the public symbols' enumerations
``_PS_PROTECTED_TYPE`` and ``_PS_PROTECTED_SIGNER`` (the same from 6.3.9600 to 10.0.22000, but WinSystem and App,
which are later than 6.3).
"""

from __future__ import annotations

from typing import Dict

from kdtoken.frozen import dataclass

TYPES: Dict[int, str] = {0: "None", 1: "ProtectedLight", 2: "Protected"}
SIGNERS: Dict[int, str] = {
    0: "None",
    1: "Authenticode",
    2: "CodeGen",
    3: "Antimalware",
    4: "Lsa",
    5: "Windows",
    6: "WinTcb",
    7: "WinSystem",
    8: "App",
}


@dataclass(frozen=True)
class Protection:
    """``_PS_PROTECTION`` as its one byte, ``Level``."""

    level: int

    @property
    def type(self) -> int:
        """PS_PROTECTED_TYPE: 0 none, 1 light, 2 full."""
        return self.level & 7

    @property
    def audit(self) -> bool:
        """The Audit bit."""
        return bool(self.level & 8)

    @property
    def signer(self) -> int:
        """PS_PROTECTED_SIGNER."""
        return self.level >> 4 & 15

    def __str__(self) -> str:
        """``PsProtectedSignerLsa-Light``; full protection has no ending, and odd values are shown as numbers."""
        if self.level == 0:
            return "not protected"
        text = "PsProtectedSigner" + SIGNERS.get(self.signer, str(self.signer))
        if self.type != 2:
            text += {1: "-Light", 0: "-None"}.get(self.type, "-type{}".format(self.type))
        return text + (" (audit)" if self.audit else "")
