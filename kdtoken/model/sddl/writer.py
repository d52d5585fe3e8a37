"""Security descriptor -> SDDL text, spelled as Windows spells it."""

from typing import Optional

from kdtoken.errors import BadFormat
from kdtoken.model.acl import (
    CALLBACK_TYPES,
    SYSTEM_ACCESS_FILTER,
    SYSTEM_MANDATORY_LABEL,
    SYSTEM_RESOURCE_ATTRIBUTE,
    Ace,
    Acl,
)
from kdtoken.model.condition import attribute_text, condition_text, is_condition, parse_condition, resource_attribute
from kdtoken.model.descriptor import ABSENT, NULL, PRESENT, SecurityDescriptor
from kdtoken.model.object_type import ObjectType
from kdtoken.model.sddl.reader import ACL_FLAGS, NULL_ACL
from kdtoken.model.sddl.words import ACE_NAMES, flags_text, rights_text
from kdtoken.model.sid import Sid
from kdtoken.model.sid_aliases import alias_of_sid


def to_sddl(
    descriptor: SecurityDescriptor, object_type: Optional[ObjectType] = None, domain: Optional[Sid] = None
) -> str:
    """The descriptor in SDDL, as Windows writes it: O:, G:, D:, S:, a part that is absent left out.

    object_type  write specific rights by the names of that type, which SDDL's letters do not tell; such a text is for
                 people (kdtoken reads it again, Windows does not)
    domain       write accounts of this domain or machine by their alias, as Windows does with its own

    Raises :class:`BadFormat` where SDDL has no way to say it: an ACE type without a word, a part that is unreadable or
    cut, application data that is no condition.
    """
    out = ""
    for letter, sid, state in (
        ("O", descriptor.owner, descriptor.owner_state),
        ("G", descriptor.group, descriptor.group_state),
    ):
        if sid is not None:
            out += "%s:%s" % (letter, alias_of_sid(sid, domain))
        else:
            _sayable(letter, state, descriptor.problem)
    for which, letter, acl, state in (
        (0, "D", descriptor.dacl, descriptor.dacl_state),
        (1, "S", descriptor.sacl, descriptor.sacl_state),
    ):
        if state == ABSENT:
            continue
        flags = "".join(word for word, *bits in ACL_FLAGS if descriptor.control & bits[which])
        if state == NULL:
            out += "%s:%s%s" % (letter, flags, NULL_ACL)
            continue
        _sayable(letter, state, descriptor.problem)
        assert acl is not None
        out += "%s:%s%s" % (letter, flags, _acl(acl, letter, object_type, domain))
    return out


def _sayable(letter: str, state: str, problem: str) -> None:
    if state not in (PRESENT, ABSENT):
        raise BadFormat('part "%s:" of the descriptor is %s, SDDL cannot say that: %s' % (letter, state, problem))


def _acl(acl: Acl, letter: str, object_type: Optional[ObjectType], domain: Optional[Sid]) -> str:
    if acl.problem:
        raise BadFormat('the ACL "%s:" is not whole: %s' % (letter, acl.problem))
    out = []
    for index, ace in enumerate(acl.aces):
        try:
            out.append(ace_to_sddl(ace, object_type, domain))
        except BadFormat as error:
            raise BadFormat('ACE %d of "%s:": %s' % (index, letter, error.message), error.subject) from None
    return "".join(out)


def ace_to_sddl(ace: Ace, object_type: Optional[ObjectType] = None, domain: Optional[Sid] = None) -> str:
    """One ACE in SDDL, parentheses included; :class:`BadFormat` where SDDL has no way to say it."""
    if ace.type not in ACE_NAMES:
        raise BadFormat("SDDL has no word for the ACE type %s" % ace.type_name, ace.type)
    if ace.problem or ace.mask is None or ace.sid is None:
        raise BadFormat("the ACE is not whole: %s" % (ace.problem or "no SID"), ace.raw.hex())
    rights = rights_text(ace.mask, ace.type)
    of_the_type = ace.type != SYSTEM_MANDATORY_LABEL and (rights[:2] == "0x" or ace.mask & 0xFFFF)
    if object_type is not None and of_the_type:  # a label's mask is a policy
        rights = "|".join(object_type.words(ace.mask))
    fields = [
        ACE_NAMES[ace.type],
        flags_text(ace.flags, ace.type),
        rights,
        "" if ace.object_type is None else str(ace.object_type),
        "" if ace.inherited_object_type is None else str(ace.inherited_object_type),
        alias_of_sid(ace.sid, domain),
    ]
    data = _data(ace, domain)
    return "(%s)" % ";".join(fields + ([data] if data else []))


def _data(ace: Ace, domain: Optional[Sid]) -> str:
    data = ace.application_data
    if ace.type == SYSTEM_RESOURCE_ATTRIBUTE:
        return attribute_text(*resource_attribute(ace), domain)
    if ace.type in CALLBACK_TYPES or ace.type == SYSTEM_ACCESS_FILTER:
        if is_condition(data):
            return condition_text(parse_condition(data), domain)
        if ace.type == SYSTEM_ACCESS_FILTER and not data.strip(b"\0"):
            return ""
        raise BadFormat("the application data of a callback ACE is no condition", data.hex())
    if data.strip(b"\0"):
        raise BadFormat("%d bytes follow the SID, and SDDL has no place for them" % len(data), data.hex())
    return ""
