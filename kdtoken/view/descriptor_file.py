"""A file that holds an object's security descriptor: SDDL, bytes, bytes as hex, or what a tool printed."""

import re

from kdtoken.errors import BadFormat
from kdtoken.model.descriptor import HEADER_SIZE, SecurityDescriptor
from kdtoken.model.object_type import ObjectType
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from kdtoken.view.lines import decode_text

_SDDL = re.compile(r"\s*[OGDS]:", re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?[0-9a-f]{2}(?:[\s,:]*(?:0x)?[0-9a-f]{2})*\s*\Z", re.IGNORECASE)


def descriptor_of_file(data: bytes, name: str, kind: ObjectType) -> SecuredObject:
    """The object that a file's content describes, of the type that the caller says.

    Raises BadFormat with what the file may hold, and for SDDL with the column.
    """
    if _is_bytes(data):
        return SecuredObject(None, name, kind, SecurityDescriptor.parse(data))
    text = decode_text(data, name).text
    if _SDDL.match(text):
        return SecuredObject(None, name, kind, from_sddl(text.strip(), object_type=kind))
    if _HEX.match(text.strip()) and len(text) >= 2 * HEADER_SIZE:
        digits = re.sub(r"0x|[\s,:]", "", text, flags=re.IGNORECASE)
        return SecuredObject(None, name, kind, SecurityDescriptor.parse(bytes.fromhex(digits)))
    raise BadFormat(
        "%s holds no security descriptor that can be read" % name,
        name,
        'SDDL (powershell "(Get-Acl FILE).Sddl"), or the bytes of a self-relative descriptor, raw or as hex',
    )


def _is_bytes(data: bytes) -> bool:
    """A self-relative descriptor: revision 1, its control's top bit; no text begins so."""
    return len(data) >= HEADER_SIZE and data[0] == 1 and bool(data[3] & 0x80)
