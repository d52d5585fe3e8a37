"""A file that holds descriptors of objects: SDDL, what !sd, icacls, accesschk or Get-Acl printed, or a descriptor's bytes."""

from typing import Dict, Mapping, Optional

from kdtoken.errors import UsageError
from kdtoken.files import read_packed
from kdtoken.model.object_type import ObjectType, documented_type
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from kdtoken.view.descriptor import read_descriptor_bytes

LARGEST = 1 << 20  # bytes of such a file; a descriptor has at most 64 KB an ACL


def descriptor_of_file(
    path: str, number: int = 0, kind: Optional[ObjectType] = None, accounts: Optional[Mapping[Sid, str]] = None
) -> SecuredObject:
    """The object that the file describes, or the one with that number (from 1) where it describes several.

    kind      its type, where the file does not say it
    accounts  what the caller's source calls SIDs: a text that has an account's name alone means that one
    Raises BadFormat where no descriptor is there, UsageError where the number or the type is wanting.
    """
    named = {name.lower(): (sid, name) for sid, name in (accounts or {}).items()}
    used: Dict[str, Sid] = {}

    def account(name: str) -> Optional[Sid]:
        sid, spelled = named.get(name.strip().lower(), (None, ""))
        if sid is not None:
            used[spelled] = sid
        return sid

    text = read_descriptor_bytes(read_packed(path, "descriptor", LARGEST), path, kind, account)
    many = text.descriptors
    if len(many) > 1 and not number:
        listed = ", ".join("#%d %s (line %d)" % (at, one.name or one.form, one.line) for at, one in enumerate(many, 1))
        raise UsageError("%s holds %d descriptors" % (path, len(many)), path, "%s#NUMBER: %s" % (path, listed))
    if not 0 <= number <= len(many):
        raise UsageError("%s holds %d descriptor(s), no #%d" % (path, len(many), number), path)
    one = many[max(number, 1) - 1]
    if kind is None and not one.object_type:
        raise UsageError("%s does not say what type of object it guards" % path, path, "--type file, key, process ...")
    notes = one.notes + tuple(
        "line %d is not understood: %s" % (line.number, line.text) for line in text.not_understood
    )
    notes += tuple(
        "the text names %s without a SID: it is taken for %s, whom the caller's source calls so" % (name, sid)
        for name, sid in sorted(used.items())
    )
    return SecuredObject(None, one.name or path, kind or documented_type(one.object_type), one.descriptor, notes)
