"""A file that holds descriptors of objects: SDDL, what !sd, icacls or Get-Acl printed, or a descriptor's bytes."""

from typing import Optional

from kdtoken.errors import UsageError
from kdtoken.files import read_packed
from kdtoken.model.object_type import ObjectType, documented_type
from kdtoken.model.secured_object import SecuredObject
from kdtoken.view.descriptor import read_descriptor_bytes

LARGEST = 1 << 20  # bytes of such a file; a descriptor has at most 64 KB an ACL


def descriptor_of_file(path: str, number: int = 0, kind: Optional[ObjectType] = None) -> SecuredObject:
    """The object that the file describes, or the one with that number (from 1) where it describes several.

    kind  its type, where the file does not say it
    Raises BadFormat where no descriptor is there, UsageError where the number or the type is wanting.
    """
    text = read_descriptor_bytes(read_packed(path, "descriptor", LARGEST), path, kind)
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
    return SecuredObject(None, one.name or path, kind or documented_type(one.object_type), one.descriptor, notes)
