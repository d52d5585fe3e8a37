"""A kernel of the time of XP and Server 2003, 32 or 64 bits wide: what tokens were before Vista.

A token's privileges are an array that it points to, a thread's client lies behind a pointer of its own, an object's
header points to its type, and there are neither integrity levels nor linked logons.  Members and their order are those
of the public symbols of that time (and of ReactOS, which keeps to them); only those are laid out that a reader of tokens
asks for, each by the alignment of C.  The processes and tokens are the declared machine's.
"""

from dataclasses import replace
from typing import Dict, List, Mapping, Sequence, Tuple

from kdtoken.errors import SymbolNotFound
from kdtoken.layout.layout import PRIMITIVE_SIZES, Field, Layout, make_layout, size_of
from kdtoken.layout.layout_file import LayoutFile, layouts_of
from kdtoken.source.base import About, Source
from tests.machine.binary import acl_bytes, sid_bytes, sids_array
from tests.machine.declared import MACHINE
from tests.machine.memory import Memory, Pool
from tests.machine.spec import Machine, ProcessSpec, ThreadSpec, TokenSpec
from tests.machine.structs import Structs, link

# member:type; `P X` is a pointer to X
_TYPES: Tuple[Tuple[str, str], ...] = (
    ("_LIST_ENTRY", "Flink:P _LIST_ENTRY, Blink:P _LIST_ENTRY"),
    ("_LUID", "LowPart:Uint4B, HighPart:Int4B"),
    ("_LARGE_INTEGER", "QuadPart:Int8B"),
    ("_CLIENT_ID", "UniqueProcess:P Void, UniqueThread:P Void"),
    ("_UNICODE_STRING", "Length:Uint2B, MaximumLength:Uint2B, Buffer:P Wchar"),
    ("_SID_AND_ATTRIBUTES", "Sid:P Void, Attributes:Uint4B"),
    ("_TOKEN_SOURCE", "SourceName:[8] Char, SourceIdentifier:_LUID"),
    ("_SEP_AUDIT_POLICY", "Overlay:Uint8B"),
    ("_OBJECT_TYPE", "TypeList:_LIST_ENTRY, Name:_UNICODE_STRING, Index:Uint4B, Key:Uint4B"),
    (
        "_OBJECT_HEADER",
        "PointerCount:P Void, HandleCount:P Void, Type:P _OBJECT_TYPE, NameInfoOffset:UChar, HandleInfoOffset:UChar, "
        "QuotaInfoOffset:UChar, Flags:UChar, QuotaBlockCharged:P Void, SecurityDescriptor:P Void, Body:Uint8B",
    ),
    (
        "_TOKEN",
        "TokenSource:_TOKEN_SOURCE, TokenId:_LUID, AuthenticationId:_LUID, ParentTokenId:_LUID, "
        "ExpirationTime:_LARGE_INTEGER, TokenLock:P _ERESOURCE, AuditPolicy:_SEP_AUDIT_POLICY, ModifiedId:_LUID, "
        "SessionId:Uint4B, UserAndGroupCount:Uint4B, RestrictedSidCount:Uint4B, PrivilegeCount:Uint4B, "
        "VariableLength:Uint4B, DynamicCharged:Uint4B, DynamicAvailable:Uint4B, DefaultOwnerIndex:Uint4B, "
        "UserAndGroups:P _SID_AND_ATTRIBUTES, RestrictedSids:P _SID_AND_ATTRIBUTES, PrimaryGroup:P Void, "
        "Privileges:P _LUID_AND_ATTRIBUTES, DynamicPart:P Uint4B, DefaultDacl:P _ACL, TokenType:_TOKEN_TYPE, "
        "ImpersonationLevel:_SECURITY_IMPERSONATION_LEVEL, TokenFlags:Uint4B, TokenInUse:UChar, "
        "ProxyData:P _SECURITY_TOKEN_PROXY_DATA, AuditData:P _SECURITY_TOKEN_AUDIT_DATA, "
        "LogonSession:P _SEP_LOGON_SESSION_REFERENCES, OriginatingLogonSession:_LUID, VariablePart:Uint4B",
    ),
    (
        "_SEP_LOGON_SESSION_REFERENCES",
        "Next:P _SEP_LOGON_SESSION_REFERENCES, LogonId:_LUID, ReferenceCount:Uint4B, Flags:Uint4B, "
        "pDeviceMap:P _DEVICE_MAP, TokenList:_LIST_ENTRY",
    ),
    (
        "_PS_IMPERSONATION_INFORMATION",
        "Token:P Void, CopyOnOpen:UChar, EffectiveOnly:UChar, ImpersonationLevel:_SECURITY_IMPERSONATION_LEVEL",
    ),
    (
        "_ETHREAD",
        "CreateTime:_LARGE_INTEGER, Cid:_CLIENT_ID, ImpersonationInfo:P _PS_IMPERSONATION_INFORMATION, "
        "ThreadListEntry:_LIST_ENTRY, CrossThreadFlags:Uint4B",
    ),
    (
        "_EPROCESS",
        "CreateTime:_LARGE_INTEGER, ExitTime:_LARGE_INTEGER, UniqueProcessId:P Void, ActiveProcessLinks:_LIST_ENTRY, "
        "Token:_EX_FAST_REF, InheritedFromUniqueProcessId:P Void, Session:P Void, ImageFileName:[16] Char, "
        "ThreadListHead:_LIST_ENTRY, ActiveThreads:Uint4B",
    ),
)
SYMBOLS = ("PsActiveProcessHead", "SeTokenObjectType", "PsProcessType", "PsThreadType", "SepLogonSessions")
_BUCKETS = 16


def old_layouts(pointer: int) -> LayoutFile:
    """The types above for pointers of 4 or 8 bytes."""
    word = "Ptr%d " % (8 * pointer)
    made: Dict[str, Layout] = {
        # What C cannot align by itself: unions, enums, and the bits that a fast reference has to spare.
        "_EX_FAST_REF": make_layout(
            "_EX_FAST_REF",
            pointer,
            [
                Field("Object", 0, word + "Void"),
                Field("RefCnt", 0, "Pos 0, %d Bits" % (3 if pointer == 4 else 4), "Uint%dB" % pointer),
                Field("Value", 0, "Uint%dB" % pointer),
            ],
        ),
        "_TOKEN_TYPE": make_layout("_TOKEN_TYPE", 4, (), [("TokenPrimary", 1), ("TokenImpersonation", 2)]),
        "_SECURITY_IMPERSONATION_LEVEL": make_layout(
            "_SECURITY_IMPERSONATION_LEVEL", 4, (), [("SecurityAnonymous", 0), ("SecurityDelegation", 3)]
        ),
    }
    alignments = {"_EX_FAST_REF": pointer, "_TOKEN_TYPE": 4, "_SECURITY_IMPERSONATION_LEVEL": 4}

    def alignment(kind: str) -> int:
        kind = kind.partition("] ")[2] or kind
        if kind.startswith("Ptr"):
            return pointer
        return alignments.get(kind) or PRIMITIVE_SIZES[kind]

    for name, text in _TYPES:
        at, widest, fields = 0, 1, []
        for member in text.split(", "):
            called, _, kind = member.partition(":")
            kind = word + kind[2:] if kind.startswith("P ") else kind
            step = alignment(kind)
            at = -(-at // step) * step
            fields.append(Field(called, at, kind))
            at, widest = at + size_of(kind, made.__getitem__), max(widest, step)
        if name == "_ETHREAD":  # its bit 3, as in every build since XP
            fields.append(Field("ActiveImpersonationInfo", fields[-1].offset, "Pos 3, 1 Bit", "Uint4B"))
        alignments[name] = widest
        made[name] = make_layout(name, -(-at // widest) * widest, fields)
    return layouts_of("5.2.3790", "", pointer, list(made.values()))


def old_machine() -> Machine:
    """The declared machine without what came with Vista: no labels, no AppContainers, nothing paged out."""
    tokens = {
        key: replace(one, package=None, capabilities=(), paged_out=frozenset(), trust_sid=None)
        for key, one in MACHINE.tokens.items()
    }
    return replace(MACHINE, tokens=tokens)


def desktop() -> Machine:
    """A desktop of that time: one session for all, winlogon above the services, and whoever administers does so always."""
    system = MACHINE.tokens["system"]
    tokens = dict(old_machine().tokens)
    tokens["anna"] = replace(
        tokens["anna-full"],
        key="anna",
        session_id=0,
        privileges=replace(
            tokens["anna-full"].privileges, present=(17, 18, 20, 23, 29), enabled=(23, 29), default=(23, 29)
        ),
    )
    for key in ("smss", "csrss-1", "winlogon", "services", "lsass"):
        tokens[key] = replace(tokens[key], session_id=0, groups=system.groups)
    rows = (
        (4, "System", "system", 0),
        (316, "smss.exe", "smss", 4),
        (380, "csrss.exe", "csrss-1", 316),
        (404, "winlogon.exe", "winlogon", 316),
        (448, "services.exe", "services", 404),
        (460, "lsass.exe", "lsass", 404),
        (620, "svchost.exe", "dcomlaunch", 448),
        (684, "svchost.exe", "rpcss", 448),
        (760, "svchost.exe", "schedule", 448),
        (988, "spoolsv.exe", "schedule", 448),
        (1236, "logon.scr", "anna", 404),
        (1320, "userinit.exe", "anna", 404),
        (1372, "explorer.exe", "anna", 1320),
        (1440, "ctfmon.exe", "anna", 1372),
        (1500, "cmd.exe", "anna", 1372),
        (1552, "wuauclt.exe", "anna", 760),
    )
    processes = tuple(
        ProcessSpec(
            pid,
            name,
            token,
            parent=parent,
            name=name.encode(),
            threads=(ThreadSpec(pid + 4),),
            create_time=MACHINE.processes[0].create_time + pid * 10_000_000,
            exit_time=MACHINE.processes[0].create_time + 1400 * 10_000_000 if name == "userinit.exe" else 0,
        )
        for pid, name, token, parent in rows
    )
    # One token object a process, as each child gets a copy.
    single = {one.pid: "%s %d" % (one.token, one.pid) for one in processes if one.token}
    for number, one in enumerate(processes):
        base = tokens[one.token or "system"]
        identity = system.token_id if one.pid == 4 else 0x10000 + 0x40 * number
        tokens[single[one.pid]] = replace(base, key=single[one.pid], token_id=identity, modified_id=identity - 1)
    rpcss = next(one for one in processes if one.pid == 684)
    clients = (ThreadSpec(688), ThreadSpec(692, "client-system", 2), ThreadSpec(696, "client-anna-full", 1))
    processes = tuple(replace(one, threads=clients) if one is rpcss else one for one in processes)
    return Machine(
        tuple(replace(one, token=single[one.pid]) for one in processes), tokens, MACHINE.logon_sessions, boot_token=None
    )


def attributes_of(token: TokenSpec) -> Dict[int, int]:
    """LUID -> LUID_AND_ATTRIBUTES.Attributes: 1 enabled by default, 2 enabled (winnt.h)."""
    one = token.privileges
    return {number: (number in one.default) + 2 * (number in one.enabled) for number in one.present}


def pairs(token: TokenSpec) -> List[Tuple[str, int]]:
    """UserAndGroups: the user and the groups; there is no label."""
    return [(token.user, token.user_attributes)] + [(group.sid, group.attributes) for group in token.groups]


class Old(Source):
    """That kernel.  `processes`, `threads` and `tokens` say where everything lies."""

    def __init__(self, pointer: int, machine: Machine) -> None:
        self.about = About("synthetic kernel", "5.2.3790", synthetic=True)
        self.machine = machine
        self.layouts = old_layouts(pointer)
        self.memory = Memory()
        self.structs = Structs(self.memory, self.layouts)
        high = 0xFFFFF80000000000 if pointer == 8 else 0
        self.symbols = {name: high + 0x80550000 + 0x40 * at for at, name in enumerate(SYMBOLS)}
        self._pool = Pool(self.memory, high + 0xE1000000)
        self.types = self._make_types()
        self.sessions = self._make_sessions()
        self.tokens = {key: self._token(one) for key, one in machine.tokens.items()}
        self.threads: Dict[int, int] = {}
        self.processes = {one.pid: self._process(one) for one in machine.processes}
        links = self.structs.offset("_EPROCESS", "ActiveProcessLinks")
        link(self.structs, self.symbols["PsActiveProcessHead"], tuple(at + links for at in self.processes.values()))

    def read(self, address: int, size: int) -> bytes:
        return self.memory.read(address, size)

    def layout(self, name: str) -> Layout:
        return self.layouts.layout(name)

    def symbol(self, name: str) -> int:
        if name not in self.symbols:
            raise SymbolNotFound("no symbol %s" % name, name)
        return self.symbols[name]

    def _object(self, size: int, kind: int) -> int:
        body = self.structs.offset("_OBJECT_HEADER", "Body")
        at = self._pool.take(body + size)
        self.structs.put("_OBJECT_HEADER", at, {"PointerCount": 2, "HandleCount": 1, "Type": kind})
        return at + body

    def _make_types(self) -> Dict[str, int]:
        size, made = self.structs.size("_OBJECT_TYPE"), {}
        first = made["Type"] = self._object(size, 0)
        for name in ("Token", "Process", "Thread"):
            made[name] = self._object(size, first)
        for name, at in made.items():
            body = self.structs.offset("_OBJECT_HEADER", "Body")
            self.structs.put("_OBJECT_HEADER", at - body, {"Type": first})
            text = name.encode("utf-16-le")
            buffer = self._pool.take(len(text))
            self.memory.write(buffer, text)
            self.structs.put(
                "_OBJECT_TYPE",
                at,
                {"Name.Length": len(text), "Name.MaximumLength": len(text), "Name.Buffer": buffer},
            )
        for symbol, name in (
            ("SeTokenObjectType", "Token"),
            ("PsProcessType", "Process"),
            ("PsThreadType", "Thread"),
        ):
            self.structs.pointer(self.symbols[symbol], made[name])
        return made

    def _make_sessions(self) -> Dict[int, int]:
        width = self.layouts.pointer_size
        table = self._pool.take(_BUCKETS * width)
        self.structs.pointer(self.symbols["SepLogonSessions"], table)
        heads: Dict[int, int] = {}
        made: Dict[int, int] = {}
        for one in self.machine.logon_sessions:
            kind = "_SEP_LOGON_SESSION_REFERENCES"
            at, bucket = self._pool.take(self.structs.size(kind)), one.logon_id % _BUCKETS
            values = {"Next": heads.get(bucket, 0), "ReferenceCount": one.references, "Flags": one.flags}
            self.structs.put(kind, at, {**values, "LogonId": one.logon_id.to_bytes(8, "little")})
            heads[bucket] = made[one.logon_id] = at
            self.structs.pointer(table + bucket * width, at)
        return made

    def _token(self, token: TokenSpec) -> int:
        s, width = self.structs, self.layouts.pointer_size
        # LUID_AND_ATTRIBUTES is packed to 4 bytes on both: {LUID Luid; DWORD Attributes;}
        privileges = b"".join(
            number.to_bytes(8, "little") + attributes.to_bytes(4, "little")
            for number, attributes in attributes_of(token).items()
        )
        restricted = [(one.sid, one.attributes) for one in token.restricted]
        start = s.offset("_TOKEN", "VariablePart")
        start = -(-start // width) * width
        sizes = len(privileges) + -len(privileges) % 8, len(sids_array(0, pairs(token), width))
        length = sum(sizes) + len(sids_array(0, restricted, width))
        at = self._object(start + length, self.types["Token"])
        first = at + start + sizes[0]
        second = first + sizes[1]
        self.memory.write(at + start, privileges)
        self.memory.write(first, sids_array(first, pairs(token), width) + sids_array(second, restricted, width))
        group = sid_bytes(token.primary_group)
        acl = acl_bytes(token.default_dacl) if token.default_dacl is not None else b""
        dynamic = self._pool.take(len(group) + len(acl))
        self.memory.write(dynamic, group + acl)
        owners = [sid for sid, _ in pairs(token)]
        luids: Mapping[str, int] = {
            "TokenSource.SourceIdentifier": token.source_id,
            "TokenId": token.token_id,
            "AuthenticationId": token.auth_id,
            "ParentTokenId": token.parent_id,
            "ModifiedId": token.modified_id,
            "ExpirationTime": token.expiration,
            "OriginatingLogonSession": token.originating_id,
        }
        s.put("_TOKEN", at, {path: value.to_bytes(8, "little") for path, value in luids.items()})
        s.put("_TOKEN", at, {"TokenSource.SourceName": token.source_name})
        s.put(
            "_TOKEN",
            at,
            {
                "SessionId": token.session_id,
                "UserAndGroupCount": len(owners),
                "RestrictedSidCount": len(restricted),
                "PrivilegeCount": len(token.privileges.present),
                "VariableLength": length,
                "DynamicCharged": 500,
                "DefaultOwnerIndex": owners.index(token.default_owner) if token.default_owner else 0,
                "UserAndGroups": first,
                "RestrictedSids": second if restricted else 0,
                "PrimaryGroup": dynamic,
                "Privileges": at + start,
                "DynamicPart": dynamic,
                "DefaultDacl": dynamic + len(group) if token.default_dacl is not None else 0,
                "TokenType": token.type,
                "ImpersonationLevel": token.level,
                "TokenFlags": 0x10 if restricted else 0,
                "TokenInUse": int(token.in_use),
                "LogonSession": self.sessions.get(token.auth_id, 0),
            },
        )
        return at

    def _process(self, process: ProcessSpec) -> int:
        s = self.structs
        at = self._object(s.size("_EPROCESS"), self.types["Process"])
        mask = (1 << (3 if self.layouts.pointer_size == 4 else 4)) - 1
        token = process.token
        s.put(
            "_EPROCESS",
            at,
            {
                "CreateTime": process.create_time.to_bytes(8, "little"),
                "ExitTime": process.exit_time.to_bytes(8, "little"),
                "UniqueProcessId": process.pid,
                "InheritedFromUniqueProcessId": process.parent,
                "Token.Value": self.tokens[token] | self.machine.tokens[token].fast_ref & mask if token else 0,
                "ImageFileName": process.image_name,
                "ActiveThreads": len(process.threads),
            },
        )
        entry = s.offset("_ETHREAD", "ThreadListEntry")
        threads: Sequence[int] = [self._thread(one, process.pid) for one in process.threads]
        link(s, at + s.offset("_EPROCESS", "ThreadListHead"), tuple(one + entry for one in threads))
        return at

    def _thread(self, thread: ThreadSpec, pid: int) -> int:
        s = self.structs
        at = self.threads[thread.tid] = self._object(s.size("_ETHREAD"), self.types["Thread"])
        s.put("_ETHREAD", at, {"Cid.UniqueProcess": pid, "Cid.UniqueThread": thread.tid})
        if thread.impersonates is None:
            return at
        kind = "_PS_IMPERSONATION_INFORMATION"
        info = self._pool.take(s.size(kind))
        s.put(kind, info, {"Token": self.tokens[thread.impersonates], "ImpersonationLevel": thread.level})
        s.put(kind, info, {"EffectiveOnly": int(thread.effective_only)})
        # The structure stays when the thread reverts; then the flag is off.
        s.put("_ETHREAD", at, {"ImpersonationInfo": info, "ActiveImpersonationInfo": int(not thread.stale)})
        return at
