"""One SID or one access mask, in words: what `kdtoken sid` and `kdtoken mask` print."""

from typing import Any, Dict, List, Optional

from kdtoken.model.access_mask import mask_words
from kdtoken.model.object_type import ObjectType
from kdtoken.model.sddl import rights_text
from kdtoken.model.sid import Sid
from kdtoken.model.sid_aliases import alias_of_sid
from kdtoken.model.sid_names import kind_of, name_of
from kdtoken.render.words import clean, columns, wrapped

UNMAPPED = "not documented"  # origin of a type whose rights have names, and whose mapping only a machine knows
_GENERIC_BITS = 0xF0000000


def sid_facts(sid: Sid, asked: str = "") -> Dict[str, Any]:
    """What can be told of a SID without the machine that made it; None for what cannot.

    asked  the name that it was made of: no hash tells its name, so that is the only one there is
    """
    alias = alias_of_sid(sid)
    return {
        "sid": str(sid),
        "name": name_of(sid) or (clean(asked) if asked and asked[:2].upper() != "S-" else None),
        "kind": kind_of(sid),
        "sddl": alias if alias != str(sid) else None,
        "bytes": sid.to_bytes().hex(),
    }


def sid_lines(sid: Sid, asked: str = "") -> List[str]:
    """The same for people."""
    facts = sid_facts(sid, asked)
    name = facts["name"] or "(only the machine or domain that made it knows)"
    lines = [facts["sid"], "  name   %s" % name, "  kind   %s" % facts["kind"]]
    if facts["sddl"]:
        lines.append("  SDDL   %s" % facts["sddl"])
    return lines + ["  " + line for line in wrapped("bytes  %s" % sid.to_bytes().hex(" "), columns() - 2, " " * 7)]


def mask_facts(mask: int, kind: Optional[ObjectType]) -> Dict[str, Any]:
    """A mask's words; with a type also what its generic bits stand for, and the bits that the type does not have."""
    name = kind.name if kind is not None else ""
    facts: Dict[str, Any] = {
        "mask": "0x%08x" % mask,
        "type": name or None,
        "words": list(mask_words(mask, name)),
        "sddl": rights_text(mask),
    }
    if kind is not None:
        mapped = mask if kind.origin == UNMAPPED else kind.mapping.map(mask)
        facts["mapped"] = "0x%08x" % mapped if mapped != mask else None
        facts["mapped_words"] = list(kind.words(mapped)) if mapped != mask else None
        foreign = mapped & ~kind.valid_access & ~(_GENERIC_BITS | 0x03000000)
        facts["not_of_the_type"] = "0x%08x" % foreign if foreign else None
        facts["mapping_from"] = kind.origin
    return facts


def mask_lines(mask: int, kind: Optional[ObjectType]) -> List[str]:
    """The same for people."""
    facts = mask_facts(mask, kind)
    lines = ["%s%s" % (facts["mask"], " for objects of type %s" % kind.name if kind is not None else "")]
    lines += ["  %s" % word for word in facts["words"]] or ["  (nothing)"]
    lines.append("  SDDL: %s" % (facts["sddl"] or "(empty)"))
    if kind is None:
        lines.append("  name a type for its specific rights: kdtoken mask %s process" % facts["mask"])
        return lines
    if facts["mapped"]:
        lines.append("generic rights mapped: %s" % facts["mapped"])
        lines += ["  %s" % word for word in facts["mapped_words"]]
    if facts["not_of_the_type"]:
        lines.append("not among the type's rights: %s" % facts["not_of_the_type"])
    if kind.origin == UNMAPPED:
        return lines + [
            "what generic rights stand for is not documented for this type; the type object of a machine says it"
        ]
    mapping = kind.mapping
    words = "the type's mapping: read 0x%x, write 0x%x, execute 0x%x, all 0x%x"
    return lines + wrapped(words % (mapping.read, mapping.write, mapping.execute, mapping.all), columns())
