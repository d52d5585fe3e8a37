"""Every field of a token in words, section by section."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from kdtoken.model.absent import Absent, Fragment, Maybe, Missing, NotSaid
from kdtoken.model.access_mask import mask_words
from kdtoken.model.acl import Acl
from kdtoken.model.group import Group, HalfGroup, attribute_words
from kdtoken.model.sid import Sid
from kdtoken.model.token import AttributeList, Diagnostics, Origin, RawMember, SidHash, Token
from kdtoken.model.token_words import (
    IMPERSONATION_LEVELS,
    MANDATORY_POLICY,
    TOKEN_TYPES,
    audit_entries,
    bit_words,
    value_word,
)
from kdtoken.render import words
from kdtoken.render.dml import privilege_link
from kdtoken.render.marked import styled
from kdtoken.render.meaning import level, privilege
from kdtoken.render.report import LABEL, Report, origin_text
from kdtoken.render.words import clean, show


def token_sections(page: Report, token: Token) -> None:
    """Every field of the token; what is none, null or 0 is kept back for one line at the end."""
    page.gathering = True
    o = token.origins
    page.section("Identity")
    page.row("User", show(token.user, _sid(page, token)), o.get("user_and_groups"))
    groups = token.user_and_groups
    user = groups[0] if isinstance(groups, tuple) and groups else None
    if isinstance(user, Group) and user.attributes:
        # A sandbox can take even the user's own SID out of play.
        page.row("User attributes", words.group_words(user))
    label = level(token.integrity, show(token.integrity, _sid(page), "none"))
    page.row("Integrity label", label, o.get("integrity_level_index"))
    page.row("Primary group", show(token.primary_group, _sid(page)), o.get("primary_group"))
    page.row("Default owner", show(token.default_owner, _sid(page, token)), o.get("default_owner_index"))
    page.row("Source", show(token.source_name, lambda s: clean(s.strip())), o.get("source_name"))
    page.row("Session", show(token.session_id, words.number), o.get("session_id"))
    page.row("Type", show(token.token_type, _token_type), o.get("token_type"))
    depth = show(token.impersonation_level, lambda v: value_word(v, IMPERSONATION_LEVELS))
    if token.is_primary:
        depth += "  (means nothing for a primary token)"
    page.row("Impersonation level", depth, o.get("impersonation_level"))
    _privileges(page, token)
    _groups(page, "Groups", token.groups, token.user_and_groups)
    restricted = token.restricted_sids
    if restricted != () and not isinstance(restricted, (Absent, NotSaid)):
        _groups(page, "Restricting SIDs", restricted if isinstance(restricted, tuple) else (), restricted)
    _app_container(page, token)
    _policy(page, token)
    _logon(page, token)
    _dacl(page, token)
    _bookkeeping(page, token)
    unnamed_section(page, "_TOKEN", token.unnamed)
    page.gathering = False


def unnamed_section(page: Report, kind: str, members: Sequence[RawMember]) -> None:
    """Members of this build's type that nothing here stands for, raw; no section where there are none."""
    if not members:
        return
    page.section("Members of %s this version has no name for (%d)" % (kind, len(members)))
    for one in members:
        name, value = clean(one.member), "%s  %s" % (_raw(one), clean(one.c_type))
        label = name if len(name) <= LABEL else ""
        page.row(label, value if label else "%s: %s" % (name, value), _origin_of(one))


def _raw(member: RawMember) -> str:
    if member.number is not None:
        return hex(member.number) + (" %s" % clean(member.word) if member.word else "")
    return show(member.raw, lambda raw: " ".join("%02x" % byte for byte in raw) or "no bytes")


def _origin_of(member: RawMember) -> Optional[Origin]:
    raw = member.raw
    return None if isinstance(raw, Missing) else Origin(member.type, member.member, member.address, raw)


def _sid(page: Report, token: Optional[Token] = None) -> Callable[[Sid], str]:
    return lambda sid: "%s  %s" % (sid, page.name(sid, token))


def _token_type(value: int) -> str:
    return value_word(value, TOKEN_TYPES)


def _privileges(page: Report, token: Token) -> None:
    privileges = token.privileges
    if isinstance(privileges, Missing):
        page.section("Privileges")
        page.row("Privileges", show(privileges, str))
        return
    held = [p for p in privileges if p.present]
    part = isinstance(privileges, Fragment)
    counts = (len(held), len(token.enabled_privileges))
    page.section(
        ("Privileges (at least %d held, %d of these enabled)" if part else "Privileges (%d held, %d enabled)") % counts
    )
    rows = []
    for p in privileges:
        state = ("enabled" if p.enabled else "disabled") if p.present else ("GHOST" if p.enabled else "removed")
        # What a privilege can do matters when it is on; the words would drown a list of disabled ones.
        why = p.danger if p.present and p.enabled else None
        ghost = styled(state, "impossible") if state == "GHOST" else state
        rows.append(
            (ghost, privilege_link(privilege(p, p.name), p.name), "default" if p.enabled_by_default else "", why or "")
        )
    page.table(rows, 1)
    if any(p.enabled_by_default is None for p in privileges):
        page.row("By default", "which of these are enabled by default is not said by this text")
    _missing_part(page, privileges)
    if "privileges" in token.origins:
        page.note(origin_text(token.origins["privileges"]))


def _groups(page: Report, title: str, groups: Tuple[Maybe[Group], ...], whole: Maybe[object]) -> None:
    least = "at least " if isinstance(whole, Fragment) else ""
    page.section("%s (%s%d)" % (title, least, len(groups)) if not isinstance(whole, Missing) else title)
    if isinstance(whole, Missing):
        page.row(title, show(whole, str))
        return
    rows: List[Tuple[str, ...]] = []
    for group in groups:
        if isinstance(group, Missing):
            bits = group.attributes if isinstance(group, HalfGroup) else None
            rows.append((show(group, str) + (" (%s)" % " ".join(attribute_words(bits)) if bits else ""),))
        else:
            style = "deny" if group.deny_only else ""
            rows.append((styled(words.group_words(group), style), styled(page.name(group.sid), style), str(group.sid)))
    page.table(rows, 2)
    _missing_part(page, whole)


def _missing_part(page: Report, listed: object) -> None:
    """Why there may be more than is listed, and entries of which only a part is known."""
    if isinstance(listed, Fragment):
        page.row("Not all of it", clean(listed.why))
        for note in listed.notes:
            page.row("Listed too", clean(note))


def _app_container(page: Report, token: Token) -> None:
    capabilities = token.capabilities
    parts = (token.package, token.lowbox_number, capabilities)
    if all(part is None or part == () or isinstance(part, (Absent, NotSaid)) for part in parts):
        return  # what could not be read does not count as nothing
    page.section("AppContainer")
    page.row("Package", show(token.package, _sid(page)), token.origins.get("package"))
    page.row("Lowbox number", show(token.lowbox_number, words.number), token.origins.get("lowbox_number"))
    _groups(page, "Capabilities", capabilities if isinstance(capabilities, tuple) else (), capabilities)


def _policy(page: Report, token: Token) -> None:
    o = token.origins
    page.section("Policy")
    page.row(
        "TokenFlags", show(token.flags, lambda v: "0x%x" % v), None if isinstance(token.flags, int) else o.get("flags")
    )
    if isinstance(token.flags, int):
        page.row("", " ".join(token.flag_words) or "none", o.get("flags"))
    page.row(
        "Mandatory policy",
        show(token.mandatory_policy, lambda v: " ".join(bit_words(v, MANDATORY_POLICY)) or "off"),
        o.get("mandatory_policy"),
    )
    page.row("Audit policy", show(token.audit_policy, _audit), o.get("audit_policy"))
    page.row("Trust level", show(token.trust_level_sid, _sid(page)), o.get("trust_level_sid"))
    page.row("In use", show(token.in_use, lambda v: "yes" if v else "no"), o.get("in_use"))


def _audit(policy: bytes) -> str:
    entries = audit_entries(policy)
    if not entries:
        return "nothing set"
    return "; ".join("entry %d %s" % (index, " ".join(bits)) for index, bits in entries)


def _logon(page: Report, token: Token) -> None:
    o = token.origins
    page.section("Logon")
    page.row("Authentication id", show(token.authentication_id, words.luid), o.get("authentication_id"))
    page.row("Originating logon", show(token.originating_logon_session, words.luid), o.get("originating_logon_session"))
    session = token.logon_session
    if isinstance(session, Missing) or session is None:
        page.row("Logon session", show(session, str, "null"), o.get("logon_session"))
        return
    page.row("Logon session", hex(session.address), o.get("logon_session"))
    account = words.account_of(token)
    # The SID itself holds no name: where ours is the account of the logon, the reader should know.
    user = token.user
    lent = isinstance(user, Sid) and page.name(user, token) == account != page.name(user)
    page.row(
        "  Account", (account or show(session.account_name, clean)) + ("  (taken for the user's name)" if lent else "")
    )
    page.row("  Linked logon id", show(session.buddy_logon_id, lambda v: words.luid(v) if v.value else "none"))
    page.row(
        "  References, flags",
        "%s, %s" % (show(session.reference_count, words.number), show(session.flags, words.hexadecimal)),
    )


def _dacl(page: Report, token: Token) -> None:
    dacl = token.default_dacl
    if not isinstance(dacl, Acl):
        page.section("Default DACL")
        page.row(
            "Default DACL",
            show(dacl, str, "null: objects get no protection by default"),
            token.origins.get("default_dacl"),
        )
        return
    whole = len(dacl.aces) == dacl.count
    page.section(
        "Default DACL (%s)" % ("%d ACEs" % dacl.count if whole else "%d of %d ACEs" % (len(dacl.aces), dacl.count))
    )
    rows = []
    for ace in dacl.aces:
        name = page.name(ace.sid, token) if ace.sid is not None else "no SID"
        rights = " ".join(mask_words(ace.mask)) if ace.mask is not None else "no mask"
        rows.append((ace.type_name, name, rights, " ".join(ace.flag_words), ace.problem or ""))
    page.table(rows)
    if dacl.problem:
        page.row("Damaged", dacl.problem)


def _bookkeeping(page: Report, token: Token) -> None:
    """Ids, lengths, pointers and hashes: what nobody asks first, but nothing is hidden."""
    page.section("Bookkeeping")
    for name, (label, form) in _BOOKS.items():
        value = getattr(token, name)
        if isinstance(value, (Absent, NotSaid)):
            continue  # what this build does not have is listed in one line below
        page.row(label, show(value, form), token.origins.get(name))
    values = list(vars(token).values())
    absent = sorted({value.what for value in values if isinstance(value, Absent)})
    if absent:
        page.row("Not in this build", ", ".join(absent))
    for view in sorted({value.what for value in values if isinstance(value, NotSaid)}):
        page.row("Not said by %s" % view, "any field of _TOKEN that is not listed here")


def _hash(value: SidHash) -> str:
    """How many SIDs the hash was made for; the hash itself is a filter, not a name."""
    if not value.sid_attr and not value.count:
        return "none"
    return "of %d SIDs at 0x%x: %s ..." % (value.count, value.sid_attr, " ".join("0x%x" % w for w in value.words[:4]))


def _attributes(value: AttributeList) -> str:
    """Public symbols give the counts of such lists, not the names in them."""
    return "0x%x: %s (public symbols do not name them)" % (
        value.address,
        ", ".join("%s %s" % (name, show(count, str)) for name, count in value.counts),
    )


def _maker(value: Diagnostics) -> str:
    """Who made the token, where the build keeps track."""
    return "%s (pid %s, thread %s), method %s" % (
        show(value.image_file_name, clean),
        show(value.process_cid, str),
        show(value.thread_cid, str),
        show(value.create_method, str),
    )


_BOOKS: Dict[str, Tuple[str, Callable[[Any], str]]] = {
    "token_id": ("Token id", words.luid),
    "parent_token_id": ("Parent token id", words.luid),
    "modified_id": ("Modified id", words.luid),
    "source_id": ("Source id", words.luid),
    "expiration_time": ("Expires", words.time),
    "diagnostics": ("Made by", _maker),
    "user_and_group_count": ("User and groups", words.number),
    "restricted_sid_count": ("Restricting SIDs", words.number),
    "capability_count": ("Capabilities", words.number),
    "variable_length": ("Variable length", words.number),
    "dynamic_charged": ("Dynamic charged", words.number),
    "dynamic_available": ("Dynamic available", words.number),
    "audit_policy_status": ("Audit policy status", words.number),
    "integrity_level_index": ("Integrity index", words.number),
    "integrity_level_sid_value": ("Integrity SID value", str),
    "sid_hash": ("SID hash", _hash),
    "restricted_sid_hash": ("Restricted SID hash", _hash),
    "capabilities_hash": ("Capabilities hash", _hash),
    "security_attributes": ("Security attributes", _attributes),
    "claim_attributes": ("Claims", _attributes),
    "sid_values": ("Token SID values", _attributes),
    "trust_linked_token": ("Trust-linked token", words.pointer),
    "token_lock": ("Lock", words.pointer),
    "dynamic_part": ("Dynamic part", words.pointer),
    "variable_part": ("Variable part", words.pointer),
    "index_entry": ("Index entry", words.pointer),
    "lowbox_handles_entry": ("Lowbox handles", words.pointer),
    "bno_isolation_handles_entry": ("BNO isolation handles", words.pointer),
    "session_object": ("Session object", words.pointer),
}
