"""What values mean, as the style of the words for them: integrity, findings, privileges."""

from __future__ import annotations

from typing import Optional

from kdtoken.analysis.audit.finding import Severity
from kdtoken.model.absent import Maybe, Missing
from kdtoken.model.integrity import IntegrityLevel
from kdtoken.model.privilege import Privilege
from kdtoken.model.sid import Sid
from kdtoken.render.marked import styled

_SEVERITIES = {Severity.IMPOSSIBLE: "impossible", Severity.UNUSUAL: "unusual"}


def level_style(level: Optional[int]) -> str:
    """The style of an integrity level (0x2000 is Medium, of which nothing is said)."""
    if level is None:
        return ""
    if level >= IntegrityLevel.SYSTEM:
        return "system"
    if level >= IntegrityLevel.HIGH:
        return "high"
    if level >= IntegrityLevel.MEDIUM:
        return ""
    return "low" if level >= IntegrityLevel.LOW else "untrusted"


def level(value: Maybe[Optional[Sid]], words: str) -> str:
    """Words for an integrity label, which its SID gives; what could not be read is a gap."""
    if isinstance(value, Missing):
        return gap(value, words)
    label = value.subauthorities[0] if value is not None and value.is_integrity_label else None
    return styled(words, level_style(label))


def gap(value: object, words: str) -> str:
    """Words for a value, or for why it is not there."""
    return styled(words, "gap") if isinstance(value, Missing) else words


def severity(value: Optional[Severity], words: str) -> str:
    """Words that are as serious as a finding."""
    return styled(words, _SEVERITIES.get(value, "") if value is not None else "")


def privilege(value: Privilege, words: str) -> str:
    """Words for a privilege: one that is on and gives power over others."""
    return styled(words, "sensitive" if value.present and value.enabled and value.danger else "")
