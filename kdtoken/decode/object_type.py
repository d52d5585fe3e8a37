"""`_OBJECT_TYPE`: what rights a type of object has, as the kernel itself says it."""

from kdtoken.decode.object_header import is_in_type_table, unicode_string
from kdtoken.decode.structure import Structure, read_structure
from kdtoken.model.absent import Maybe, Missing, Unreadable
from kdtoken.model.object_type import TARGET, GenericMapping, ObjectType
from kdtoken.source.base import Source

TYPE = "_OBJECT_TYPE"
_MAPPING = ("GenericRead", "GenericWrite", "GenericExecute", "GenericAll")


def read_object_type(target: Source, address: int, known_as: str = "") -> Maybe[ObjectType]:
    """Name, generic mapping and valid access mask of the type object at `address`, in two requests.

    known_as  its name, where a variable of the kernel (nt!PsThreadType) has led to it: then in one
    Raises TypeNotFound when the symbols know no _OBJECT_TYPE.
    """
    s = read_structure(target, TYPE, address)
    if known_as:
        return _masks(s, known_as)
    index = s.uint("Index")
    if isinstance(index, Unreadable):
        return index
    if isinstance(index, int) and not is_in_type_table(target, address, index):
        return Unreadable(address, "no type object: the kernel's table of types does not have it")
    name = unicode_string(target, s, "Name")
    if isinstance(name, Missing):
        return name
    if not name:
        return Unreadable(address, "the type object has no name")
    return _masks(s, name)


def _masks(s: Structure, name: str) -> Maybe[ObjectType]:
    masks = []
    for member in tuple("GenericMapping." + right for right in _MAPPING) + ("ValidAccessMask",):
        value = s.uint("TypeInfo." + member)
        if isinstance(value, Missing):
            return value
        masks.append(value)
    return ObjectType(name, GenericMapping(*masks[:4]), masks[4], TARGET)
