"""Puts tokens and logon sessions in memory."""

from functools import lru_cache
from typing import Dict, List, Mapping, Sequence, Tuple

from kdtoken.layout.layout_file import LayoutFile
from tests.machine.binary import acl_bytes, sid_bytes, sid_hash, sids_array
from tests.machine.memory import PAGE
from tests.machine.objects import Objects
from tests.machine.spec import GroupSpec, LogonSessionSpec, TokenSpec
from tests.machine.structs import Structs, Value, link

LOGON_BUCKETS = 16  # SepLogonSessions: a session is in bucket LogonId.LowPart & 0xf

LOWBOX = 0x4000  # TokenFlags: an AppContainer; unknown to a kernel that has no packages

Pairs = List[Tuple[str, int]]


def _pairs(groups: Sequence[GroupSpec]) -> Pairs:
    return [(group.sid, group.attributes) for group in groups]


@lru_cache(maxsize=4096)
def _hash_bytes(sids: Tuple[str, ...], width: int) -> bytes:
    return b"".join(word.to_bytes(8, "little")[:width] for word in sid_hash(sids))


def put_logon_sessions(
    structs: Structs, objects: Objects, sessions: Sequence[LogonSessionSpec], symbol: int
) -> Dict[int, int]:
    """Fill the table that SepLogonSessions (at `symbol`) points to; LogonId -> address."""
    kind = "_SEP_LOGON_SESSION_REFERENCES"
    width = structs.layouts.pointer_size
    table = objects.block(LOGON_BUCKETS * width, b"SeLs")
    structs.pointer(symbol, table)
    heads: Dict[int, int] = {}
    placed: Dict[int, int] = {}
    for session in sessions:
        at = objects.block(structs.size(kind), b"SeLs")
        bucket = session.logon_id & (LOGON_BUCKETS - 1)
        values: Dict[str, Value] = {
            "Next": heads.get(bucket, 0),
            "LogonId": session.logon_id.to_bytes(8, "little"),
            "BuddyLogonId": session.buddy_id.to_bytes(8, "little"),
            "ReferenceCount": session.references,
            "Flags": session.flags,
        }
        structs.put(kind, at, values)
        for member, text in (("AccountName", session.account), ("AuthorityName", session.authority)):
            if structs.has(kind, member):
                objects.unicode_string(at + structs.offset(kind, member), text, b"SeLn")
        heads[bucket] = placed[session.logon_id] = at
        structs.pointer(table + bucket * width, at)
    return placed


# What `TokenWriter.put` did: layouts, whose id nobody else gets so; address; next of the pool; bytes from its last one on; lowbox entries.
_PUT: Dict[Tuple[object, ...], Tuple[LayoutFile, int, int, bytes, Dict[int, int]]] = {}


class TokenWriter:
    """Puts tokens in memory and keeps the lowbox number entries that they share."""

    def __init__(self, structs: Structs, objects: Objects, sessions: Dict[int, int]) -> None:
        self.structs = structs
        self.objects = objects
        self.sessions = sessions
        self._lowbox: Dict[int, int] = {}

    def put(self, token: TokenSpec) -> int:
        """Address of the new `_TOKEN`."""
        objects, pool, memory = self.objects, self.objects.paged, self.structs.memory
        if token.paged_out:
            return self._put(token)
        # All of it lies in fresh paged pool, and is the same bytes wherever the same token starts at the same address.
        session = self.sessions.get(token.auth_id, 0)
        lowbox = tuple(self._lowbox.items())
        which = (id(self.structs.layouts), objects.cookie, objects.protected_tag, pool.next, token, session, lowbox)
        start, dropped = pool.next, dict(self.structs.dropped)
        known = _PUT.get(which)
        if known is None:
            at = self._put(token)
            if self.structs.dropped == dropped and start % PAGE:  # and so is mapped
                if len(_PUT) > 4096:
                    _PUT.clear()
                data = memory.peek(start, pool.next - start)
                _PUT[which] = self.structs.layouts, at, pool.next, data, dict(self._lowbox)
            return at
        _, at, pool.next, data, self._lowbox = known[:4] + (dict(known[4]),)
        memory.write(start, data)
        return at

    def _put(self, token: TokenSpec) -> int:
        s = self.structs
        groups, restricted = _pairs(token.all_groups), _pairs(token.restricted)
        variable = s.offset("_TOKEN", "VariablePart")
        groups_size = len(sids_array(0, groups))
        restricted_size = len(sids_array(0, restricted)) if restricted else 0
        size = variable + groups_size + restricted_size
        # A border in the middle of the SIDs: the fixed part and the arrays stay readable.
        crossing = variable + 16 * len(groups) + 0x18 if "sids" in token.paged_out else 0
        crossing -= crossing % 16
        at = self.objects.create("Token", size, crossing=crossing, own_pages="token" in token.paged_out)
        first = at + variable
        second = first + groups_size
        s.memory.write(first, sids_array(first, groups))
        if restricted:
            s.memory.write(second, sids_array(second, restricted))
        self._fixed_part(token, at, first, second if restricted else 0, groups_size + restricted_size)
        self._dynamic_part(token, at)
        self._hash(at, "SidHash", first, groups)
        self._hash(at, "RestrictedSidHash", second if restricted else 0, restricted)
        self._app_container(token, at)
        self._no_claims(at)
        if token.trust_sid is not None:
            self._put_sid(at, "TrustLevelSid", token.trust_sid, b"SeSd")
        s.put("_TOKEN", at, dict(token.written))
        if "token" in token.paged_out:
            s.memory.page_out(at, size)
        elif crossing:
            s.memory.page_out(at + crossing, size - crossing)
        return at

    def finish(self, tokens: Mapping[str, int], sessions: Sequence[LogonSessionSpec]) -> None:
        """Point the logon sessions to the tokens that they keep."""
        for session in sessions:
            if session.token is not None:
                at = self.sessions[session.logon_id]
                self.structs.put("_SEP_LOGON_SESSION_REFERENCES", at, {"Token": tokens[session.token]})

    def _fixed_part(self, token: TokenSpec, at: int, groups: int, restricted: int, length: int) -> None:
        s = self.structs
        present, enabled, default = token.privileges.masks
        session = self.sessions.get(token.auth_id, 0)
        s.put(
            "_TOKEN",
            at,
            {
                "TokenSource.SourceName": token.source_name,
                "TokenSource.SourceIdentifier": token.source_id.to_bytes(8, "little"),
                "TokenId": token.token_id.to_bytes(8, "little"),
                "AuthenticationId": token.auth_id.to_bytes(8, "little"),
                "ParentTokenId": token.parent_id.to_bytes(8, "little"),
                "ModifiedId": token.modified_id.to_bytes(8, "little"),
                "ExpirationTime": token.expiration.to_bytes(8, "little"),
                "Privileges.Present": present,
                "Privileges.Enabled": enabled,
                "Privileges.EnabledByDefault": default,
                "SessionId": token.session_id,
                "UserAndGroupCount": len(token.all_groups),
                "UserAndGroups": groups,
                "RestrictedSidCount": len(token.restricted),
                "RestrictedSids": restricted,
                "VariableLength": length,
                "DefaultOwnerIndex": token.default_owner_index,
                "TokenType": token.type,
                "ImpersonationLevel": token.level,
                "TokenFlags": token.flags & ~(0 if s.has("_TOKEN", "Package") else LOWBOX),
                "TokenInUse": int(token.in_use),
            },
        )
        audit = "AuditPolicy.AdtTokenPolicy.PerUserPolicy"
        s.put_present(
            "_TOKEN",
            at,
            {
                audit: token.audit_policy[: s.width("_TOKEN", audit)],
                "IntegrityLevelIndex": len(token.all_groups) - 1,
                "MandatoryPolicy": token.mandatory_policy,
                "OriginatingLogonSession": token.originating_id.to_bytes(8, "little"),
                "LogonSession": session,
                # Ordinary tokens have none: they find it by IntegrityLevelIndex.
                "IntegrityLevelSidValue": 0,
            },
        )

    def _no_claims(self, at: int) -> None:
        """pSecurityAttributes as most tokens have it: there, and with nothing in its two lists."""
        s = self.structs
        kind = "_AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION"
        if not s.has(kind):
            return
        block = self.objects.block(s.size(kind), b"SeSa")
        for member in ("SecurityAttributesList", "WorkingSecurityAttributesList"):
            link(s, block + s.offset(kind, member), ())
        s.put_present("_TOKEN", at, {"pSecurityAttributes": block})

    def _dynamic_part(self, token: TokenSpec, at: int) -> None:
        """Primary group, then the default DACL, in a block of their own."""
        s = self.structs
        group = sid_bytes(token.primary_group)
        dacl = b"" if token.default_dacl is None else acl_bytes(token.default_dacl)
        out = "dynamic" in token.paged_out
        block = self.objects.block(len(group) + len(dacl), b"SeTd", own_pages=out)
        s.memory.write(block, group + dacl)
        values: Dict[str, Value] = {
            "DynamicPart": block,
            "PrimaryGroup": block,
            "DefaultDacl": block + len(group) if dacl else 0,
            # The kernel charges a whole page for a part below one.
            "DynamicCharged": 0x1000,
            "DynamicAvailable": 0,
        }
        s.put("_TOKEN", at, values)
        if out:
            s.memory.page_out(block, 1)

    def _app_container(self, token: TokenSpec, at: int) -> None:
        """Package, Capabilities and the lowbox number; only kernels from Windows 8 on have them."""
        s = self.structs
        if token.package is not None:
            package = self._put_sid(at, "Package", token.package, b"SePa")
            if package:
                s.put("_TOKEN", at, {"LowboxNumberEntry": self._lowbox_entry(token.lowbox_number, package)})
        if not s.has("_TOKEN", "Capabilities"):
            s.put_present("_TOKEN", at, {"Capabilities": len(token.capabilities)})
            return
        pairs = _pairs(token.capabilities)
        array = 0
        if pairs:
            array = self.objects.block(len(sids_array(0, pairs)), b"SeCa")
            s.memory.write(array, sids_array(array, pairs))
        s.put("_TOKEN", at, {"Capabilities": array, "CapabilityCount": len(pairs)})
        self._hash(at, "CapabilitiesHash", array, pairs)

    def _lowbox_entry(self, number: int, package: int) -> int:
        kind = "_SEP_LOWBOX_NUMBER_ENTRY"
        if not self.structs.has(kind):
            return 0
        if number not in self._lowbox:
            at = self.objects.block(self.structs.size(kind), b"SeLb")
            values: Dict[str, Value] = {"ReferenceCount": 1, "PackageSid": package, "LowboxNumber": number}
            self.structs.put(kind, at, values)
            self._lowbox[number] = at
        return self._lowbox[number]

    def _put_sid(self, token: int, member: str, sid: str, tag: bytes) -> int:
        """Point a member of the token to a SID in a block of its own; 0 where there is no such member."""
        block = 0
        data = sid_bytes(sid)
        if self.structs.has("_TOKEN", member):
            block = self.objects.block(len(data), tag)
            self.structs.memory.write(block, data)
        self.structs.put_present("_TOKEN", token, {member: block or 1})
        return block

    def _hash(self, token: int, member: str, array: int, pairs: Pairs) -> None:
        s = self.structs
        width = s.layouts.pointer_size
        values: Dict[str, Value] = {
            member + ".SidCount": len(pairs),
            member + ".SidAttr": array,
            member + ".Hash": _hash_bytes(tuple(sid for sid, _ in pairs), width),
        }
        s.put("_TOKEN", token, values)
