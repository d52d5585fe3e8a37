"""A text or bytes about security descriptors: which form it is, and what it tells."""

import re
from functools import partial
from typing import Callable, List, Optional

from kdtoken.errors import BadFormat
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import ObjectType
from kdtoken.model.sddl import from_sddl
from kdtoken.model.sid import Sid
from kdtoken.model.sid_lookup import sid_of_name
from kdtoken.view.descriptor.accesschk import AccesschkDescriptors
from kdtoken.view.descriptor.debugger import DebuggerDescriptors
from kdtoken.view.descriptor.get_acl import GetAclDescriptors
from kdtoken.view.descriptor.icacls import IcaclsDescriptors, read_saved
from kdtoken.view.descriptor.partial import DescriptorText, PartialDescriptor
from kdtoken.view.lines import Line, decode_text, is_decoration, split_lines

# "D:" and what may follow it, and not "D:\\folder" or "S:1".
_SDDL = re.compile(r'\s*["\']?(?:[OG]:(?:S-1-|[A-Za-z]{2})|[DS]:(?:\(|P|AR|AI|NO_ACCESS|\s*$))')
_HEX_LINE = re.compile(
    r"\s*(?:[0-9a-fA-F]{4,16}`?[0-9a-fA-F]{0,8}[:\s]\s?)?((?:[0-9a-fA-F]{2}[ \t,-]?)+)(?:\s{1,60}[^\n]{0,20})?$"
)
_PLAIN_HEX = re.compile(r"(?:0[xX]|#)?[0-9a-fA-F\s,]{40,}$")
_NEXT = "SDDL, what !sd, icacls, accesschk -l or Get-Acl | Format-List printed, or the descriptor's bytes in hex"
_Accounts = Callable[[str], Optional[Sid]]  # the SID of an account's name, None for one that is not known


def _nobody(name: str) -> Optional[Sid]:
    return None


def read_descriptor_bytes(
    data: bytes,
    name: str = "the file",
    object_type: Optional[ObjectType] = None,
    accounts: _Accounts = _nobody,
) -> DescriptorText:
    """The descriptors of a file: raw self-relative bytes, or a text in any encoding.

    accounts  the SID of an account by its name, beside those that are the same on every machine
    """
    if data[:1] == b"\x01" and len(data) >= 20 and data[3] & 0x80:
        try:
            return DescriptorText((PartialDescriptor(SecurityDescriptor.parse(data), "bytes", 1),))
        except BadFormat:
            pass
    try:
        text = decode_text(data, name).text
    except BadFormat as error:
        if data:
            error.message = "%s is neither a text nor the bytes of a self-relative descriptor" % name
            error.next_step = _NEXT
        raise
    return read_descriptor_text(text, name, object_type, accounts=accounts)


def read_descriptor_text(
    text: str,
    name: str = "the text",
    object_type: Optional[ObjectType] = None,
    domain: Optional[Sid] = None,
    accounts: _Accounts = _nobody,
) -> DescriptorText:
    """Every descriptor of a text, each line of which is understood or listed.

    Raises BadFormat where there is none, or where one is spelled wrong (SDDL says the column).
    """
    one = _one_value(text, object_type, domain)
    if one is not None:
        return DescriptorText((one,))
    lines = list(split_lines(text))
    debugger = DebuggerDescriptors()
    resolve = partial(_sid_of, accounts)
    icacls, get_acl = IcaclsDescriptors(resolve), GetAclDescriptors(resolve)
    accesschk = AccesschkDescriptors(resolve)
    if not _has_listing(lines):
        saved, lost = read_saved(lines)
        if saved:
            return DescriptorText(tuple(saved), tuple(lost))
    unknown: List[Line] = []
    for line in lines:
        # Each reader sees the line, so that one's end is told by another's beginning.
        taken = [reader.take(line) for reader in (debugger, get_acl, icacls, accesschk)]
        if not any(taken) and not is_decoration(line.text):
            unknown.append(line)
    found = debugger.finish() + get_acl.finish() + icacls.finish() + accesschk.finish()
    unknown = [line for line in unknown if line.number not in accesschk.claimed] + get_acl.lost
    if not found:
        raise BadFormat("no security descriptor is in %s" % name, name, _NEXT)
    return DescriptorText(
        tuple(sorted(found, key=lambda one: one.line)), tuple(sorted(unknown, key=lambda line: line.number))
    )


def _sid_of(accounts: _Accounts, name: str) -> Optional[Sid]:
    """The SID of a name that is the same everywhere, or that the accounts have."""
    return sid_of_name(name) or accounts(name)


def _has_listing(lines: List[Line]) -> bool:
    return any("->Dacl" in line.text or "Sddl" in line.text or line.text.startswith("Path ") for line in lines)


def _one_value(text: str, object_type: Optional[ObjectType], domain: Optional[Sid]) -> Optional[PartialDescriptor]:
    """The descriptor where the whole text is one SDDL string, or its bytes in hex."""
    stripped = text.strip().strip("\"'").strip()
    if _SDDL.match(stripped) and "\n" not in stripped:
        return PartialDescriptor(from_sddl(stripped, domain, object_type), "SDDL", 1)
    data = _hex_bytes(stripped)
    if data is None:
        if _SDDL.match(stripped) and not re.search(r"\n[^\S\n]*[^\s(SDOG;]*:\\|->|\bAllow\b|\n[^\n]*\n[DS]:", stripped):
            # SDDL that a console wrapped.
            joined = "".join(line.strip() for line in stripped.split("\n"))
            return PartialDescriptor(from_sddl(joined, domain, object_type), "SDDL", 1)
        return None
    return PartialDescriptor(SecurityDescriptor.parse(data), "bytes", 1)


def _hex_bytes(text: str) -> Optional[bytes]:
    """The bytes of a hex string, or of a dump such as `db` prints; None where the text is neither."""
    if _PLAIN_HEX.match(text):
        digits = re.sub(r"[\s,]|^0[xX]|^#", "", text)
        return bytes.fromhex(digits) if len(digits) % 2 == 0 else None
    data = b""
    for line in text.split("\n"):
        match = _HEX_LINE.match(line)
        if match is None:
            return None
        data += bytes.fromhex(re.sub(r"[\s,-]", "", match[1]))
    return data if len(data) >= 20 else None
