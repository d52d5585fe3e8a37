"""The words of SDDL: ACE types, flags, rights.  [MS-DTYP] 2.5.1.1; TL, FL, CR, TP and the alarms are in sddl.h only."""

from typing import Dict, Tuple

from kdtoken.model.acl import (
    ACE_TYPES,
    CONTAINER_INHERIT,
    CRITICAL,
    FAILED_ACCESS,
    INHERIT_ONLY,
    INHERITED,
    NO_PROPAGATE_INHERIT,
    OBJECT_INHERIT,
    SUCCESSFUL_ACCESS,
    SYSTEM_ACCESS_FILTER,
    SYSTEM_MANDATORY_LABEL,
    TRUST_PROTECTED_FILTER,
)

ACE_WORDS: Dict[str, int] = {
    "A": 0x00,
    "D": 0x01,
    "AU": 0x02,
    "AL": 0x03,
    "OA": 0x05,
    "OD": 0x06,
    "OU": 0x07,
    "OL": 0x08,
    "XA": 0x09,
    "XD": 0x0A,
    "ZA": 0x0B,
    "XU": 0x0D,
    "ML": 0x11,
    "RA": 0x12,
    "SP": 0x13,
    "TL": 0x14,
    "FL": 0x15,
}
ACE_NAMES = {code: word for word, code in ACE_WORDS.items()}

# In the order that Windows writes them.
FLAG_WORDS: Tuple[Tuple[str, int], ...] = (
    ("OI", OBJECT_INHERIT),
    ("CI", CONTAINER_INHERIT),
    ("NP", NO_PROPAGATE_INHERIT),
    ("IO", INHERIT_ONLY),
    ("ID", INHERITED),
    ("SA", SUCCESSFUL_ACCESS),
    ("FA", FAILED_ACCESS),
    ("TP", TRUST_PROTECTED_FILTER),
    ("CR", CRITICAL),
)

# Bits of ANY mask, in the order that Windows writes them.
BIT_WORDS: Tuple[Tuple[str, int], ...] = (
    ("CC", 0x00000001),
    ("DC", 0x00000002),
    ("LC", 0x00000004),
    ("SW", 0x00000008),
    ("RP", 0x00000010),
    ("WP", 0x00000020),
    ("DT", 0x00000040),
    ("LO", 0x00000080),
    ("CR", 0x00000100),
    ("SD", 0x00010000),
    ("RC", 0x00020000),
    ("WD", 0x00040000),
    ("WO", 0x00080000),
    ("GA", 0x10000000),
    ("GX", 0x20000000),
    ("GW", 0x40000000),
    ("GR", 0x80000000),
)
# Whole masks; KX says the same as KR and is only read.
WHOLE_WORDS: Tuple[Tuple[str, int], ...] = (
    ("FA", 0x001F01FF),
    ("FR", 0x00120089),
    ("FW", 0x00120116),
    ("FX", 0x001200A0),
    ("KA", 0x000F003F),
    ("KR", 0x00020019),
    ("KW", 0x00020006),
    ("KX", 0x00020019),
)
# A mandatory label's mask is its policy: winnt.h SYSTEM_MANDATORY_LABEL_NO_*.
LABEL_WORDS: Tuple[Tuple[str, int], ...] = (("NW", 0x1), ("NR", 0x2), ("NX", 0x4))

READABLE: Dict[str, int] = dict(BIT_WORDS + WHOLE_WORDS + LABEL_WORDS)


def rights_text(mask: int, ace_type: int = 0) -> str:
    """An ACE's mask as Windows writes it: one word for a whole mask, words for bits, or hex where a bit has none."""
    if ace_type == SYSTEM_MANDATORY_LABEL:
        return _bits(mask, LABEL_WORDS)
    for word, whole in WHOLE_WORDS:
        if mask == whole:
            return word
    return _bits(mask, BIT_WORDS)


def _bits(mask: int, words: Tuple[Tuple[str, int], ...]) -> str:
    rest = mask
    for _, bit in words:
        rest &= ~bit
    return "0x%x" % mask if rest else "".join(word for word, bit in words if mask & bit)


def flags_text(flags: int, ace_type: int) -> str:
    """AceFlags as SDDL writes them; bits that have no word for this type are passed over by Windows as well.

    Bits 0x20 and 0x40 mean CRITICAL and SUCCESSFUL_ACCESS, or TRUST_PROTECTED_FILTER, by the type.
    """
    out = ""
    for word, bit in FLAG_WORDS:
        of_filter = ace_type == SYSTEM_ACCESS_FILTER
        fits = {"SA": not of_filter, "TP": of_filter, "CR": ACE_TYPES.get(ace_type, "").startswith("ACCESS_ALLOWED")}
        if flags & bit and fits.get(word, True):
            out += word
    return out
