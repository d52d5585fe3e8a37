"""The two-letter names of SIDs in SDDL.

[MS-DTYP] 2.5.1.1 "sid-token" and sddl.h (AS, SS, AP, KA, EK, HO and SH are only there).  Those of a domain stand for
that domain's SID and a RID, so that nobody but the domain, or the machine for LA and LG, can say which SID is meant.
"""

from typing import Dict, Optional

from kdtoken.errors import BadFormat
from kdtoken.model.sid import BUILTIN_DOMAIN_RID, NT_AUTHORITY, Sid

_FIXED = {
    "WD": "S-1-1-0",
    "CO": "S-1-3-0",
    "CG": "S-1-3-1",
    "OW": "S-1-3-4",
    "NU": "S-1-5-2",
    "IU": "S-1-5-4",
    "SU": "S-1-5-6",
    "AN": "S-1-5-7",
    "ED": "S-1-5-9",
    "PS": "S-1-5-10",
    "AU": "S-1-5-11",
    "RC": "S-1-5-12",
    "SY": "S-1-5-18",
    "LS": "S-1-5-19",
    "NS": "S-1-5-20",
    "WR": "S-1-5-33",
    "UD": "S-1-5-84-0-0-0-0-0",
    "AC": "S-1-15-2-1",
    "LW": "S-1-16-4096",
    "ME": "S-1-16-8192",
    "MP": "S-1-16-8448",
    "HI": "S-1-16-12288",
    "SI": "S-1-16-16384",
    "AS": "S-1-18-1",
    "SS": "S-1-18-2",
}
# S-1-5-32-RID.
_BUILTIN = {
    "BA": 544,
    "BU": 545,
    "BG": 546,
    "PU": 547,
    "AO": 548,
    "SO": 549,
    "PO": 550,
    "BO": 551,
    "RE": 552,
    "RU": 554,
    "RD": 555,
    "NO": 556,
    "MU": 558,
    "LU": 559,
    "IS": 568,
    "CY": 569,
    "ER": 573,
    "CD": 574,
    "RA": 575,
    "ES": 576,
    "MS": 577,
    "HA": 578,
    "AA": 579,
    "RM": 580,
    "HO": 584,
    "SH": 585,
}
# Domain SID and RID.  RO, SA, EA and EK are of the forest's root domain, LA and LG of the machine itself.
DOMAIN_ALIASES: Dict[str, int] = {
    "RO": 498,
    "LA": 500,
    "LG": 501,
    "DA": 512,
    "DU": 513,
    "DG": 514,
    "DC": 515,
    "DD": 516,
    "CA": 517,
    "SA": 518,
    "EA": 519,
    "PA": 520,
    "CN": 522,
    "AP": 525,
    "KA": 526,
    "EK": 527,
    "RS": 553,
}

ALIASES: Dict[str, Sid] = {name: Sid.from_text(text) for name, text in _FIXED.items()}
ALIASES.update({name: Sid(NT_AUTHORITY, (BUILTIN_DOMAIN_RID, rid)) for name, rid in _BUILTIN.items()})
_NAMES: Dict[Sid, str] = {sid: name for name, sid in ALIASES.items()}


def sid_of_alias(name: str, domain: Optional[Sid] = None) -> Sid:
    """The SID of a two-letter name, any letter case.

    ``domain`` is the SID of the machine or domain (``S-1-5-21-a-b-c``).  :class:`BadFormat` where there is no such
    name, or where it needs a domain that was not given.
    """
    key = name.upper()
    if key in ALIASES:
        return ALIASES[key]
    if key not in DOMAIN_ALIASES:
        raise BadFormat(
            "%s is no alias of a SID" % ascii(name),
            name,
            "the SID itself (S-1-5-32-544), or an alias that SDDL has, such as BA, BU, SY, WD, AU, IU",
        )
    if domain is None:
        raise BadFormat(
            "%s stands for RID %d of a domain or machine, and which one the text does not say"
            % (key, DOMAIN_ALIASES[key]),
            name,
            "write the whole SID (S-1-5-21-...-%d), or give the SID of the domain or machine" % DOMAIN_ALIASES[key],
        )
    return Sid(domain.authority, domain.subauthorities + (DOMAIN_ALIASES[key],))


def alias_of_sid(sid: Sid, domain: Optional[Sid] = None) -> str:
    """The SID as SDDL writes it: its alias where it has one, else ``S-1-...``.

    ``domain`` also gives aliases to the accounts of that domain or machine, as Windows does for its own.
    """
    if domain is not None and sid.authority == domain.authority and sid.subauthorities[:-1] == domain.subauthorities:
        for name, rid in DOMAIN_ALIASES.items():
            if rid == sid.rid:
                return name
    return _NAMES.get(sid) or str(sid)
