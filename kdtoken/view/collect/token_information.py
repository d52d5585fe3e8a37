"""The JSON of `collect` -> a token, as GetTokenInformation tells it in user mode.

The bytes of each class are decoded here again, from the structures of winnt.h (learn.microsoft.com
"TOKEN_INFORMATION_CLASS" names the one of each class); what `collect` decoded itself is for people.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.absent import ElevationSaid, Maybe, NotSaid, Unreadable
from kdtoken.model.acl import Acl
from kdtoken.model.group import Group
from kdtoken.model.privilege import (
    ATTRIBUTE_ENABLED,
    ATTRIBUTE_ENABLED_BY_DEFAULT,
    ATTRIBUTE_REMOVED,
    name_of,
)
from kdtoken.model.sid import Sid
from kdtoken.model.token import TYPE_IMPERSONATION
from kdtoken.view.collect.token_bytes import Block
from kdtoken.view.lines import Line
from kdtoken.view.partial import (
    PartialGroup,
    PartialPrivilege,
    PartialToken,
    TextPlace,
    partial_token,
    privileges_field,
)

VIEW = "GetTokenInformation"
FORMAT = "kdtoken-collect"

NO_ALL_PACKAGES = "WIN://NOALLAPPPKG"

NEVER_SHOWN = (
    "privileges: those that were removed are not listed",
    "flags: only single bits are told, each by a class of its own",
    "parent_token_id, and all addresses: not told to user mode",
    "lowbox_number: 0 where there is none",
)


@dataclass(frozen=True)
class Collected:
    """A run of `collect`.

    linked       the other half of a UAC pair, None where there is none or it was refused
    errors       class -> Windows's error for it
    facts        class -> number, for the classes that answer with one and have no field in a Token
    attributes   names of the token's security attributes, None where they were not told
    about        whose token it is: pid, tid, image; `windows` its version, `time` when (UTC)
    """

    token: PartialToken
    linked: Optional[PartialToken]
    errors: Mapping[str, str]
    facts: Mapping[str, int]
    about: Mapping[str, Any]
    windows: Mapping[str, Any]
    time: str
    attributes: Optional[FrozenSet[str]] = None

    @property
    def is_less_privileged(self) -> Optional[bool]:
        """Whether it is a less privileged AppContainer's token (LPAC); None where it was not told.

        TokenIsLessPrivilegedAppContainer says so, on builds that have the class; before, it is the token's attribute
        WIN://NOALLAPPPKG (LEARN, UpdateProcThreadAttribute: ALL_APPLICATION_PACKAGES_POLICY; NtCoreLib NtToken).
        """
        answer = self.facts.get("TokenIsLessPrivilegedAppContainer")
        if answer is not None:
            return bool(answer)
        return None if self.attributes is None else NO_ALL_PACKAGES in self.attributes


class _Token:
    """Fields of one token as its classes come by."""

    def __init__(
        self, classes: Mapping[str, Any], lines_of: Dict[str, List[int]], file: str, pointer_size: int
    ) -> None:
        self.classes, self.lines_of, self.file, self.pointer_size = classes, lines_of, file, pointer_size
        self.fields: Dict[str, Any] = {}
        self.places: Dict[str, TextPlace] = {}
        self.errors: Dict[str, str] = {}
        self.facts: Dict[str, int] = {}
        self.attributes: Optional[FrozenSet[str]] = None
        self.problems: List[str] = []
        self.unknown: List[Line] = []
        self.privileges: List[PartialPrivilege] = []
        self.user: Maybe[Group] = NotSaid(VIEW)
        self.groups: Optional[Tuple[Maybe[Group], ...]] = None
        self.owner: Optional[Sid] = None
        self.label: Optional[Sid] = None

    def read(self) -> PartialToken:
        for name, entry in self.classes.items():
            line = self.lines_of.get(name, [0])
            number = line.pop(0) if len(line) > 1 else line[0]
            if not isinstance(entry, dict):
                self.unknown.append(Line(number, name))
                continue
            if "error" in entry:
                self.errors[name] = "error %s, %s" % (entry["error"], entry.get("message", ""))
                continue
            try:
                self._class(name, entry, number)
            except (BadFormat, ValueError, TypeError, KeyError, OverflowError) as error:
                self.problems.append("%s: %s" % (name, error))
                self.unknown.append(Line(number, name))
        return self._finished()

    def _class(self, name: str, entry: Mapping[str, Any], line: int) -> None:
        block = Block(int(str(entry["base"]), 16), bytes.fromhex(str(entry["raw"])), self.pointer_size)
        if name in _READERS:
            _READERS[name](self, block)
        elif name in _NUMBERS:
            value = block.number(0, min(4, max(1, len(block.data))))
            if _NUMBERS[name]:
                self.fields[_NUMBERS[name]] = value
            else:
                self.facts[name] = value
            if name == "TokenElevationType" and 1 <= value <= 3:
                # The logon session, which it takes to tell, is nothing that a user-mode call shows.
                self.fields["logon_session"] = ElevationSaid(VIEW, elevation=value)
        elif name not in _RAW_ONLY:
            self.unknown.append(Line(line, name))
            return
        self.places[name] = TextPlace(self.file, line)

    def _finished(self) -> PartialToken:
        listed: Tuple[Maybe[Group], ...] = ()
        if self.groups is not None or not isinstance(self.user, NotSaid):
            user = Unreadable(0, "TokenUser was refused") if isinstance(self.user, NotSaid) else self.user
            missing: Tuple[Maybe[Group], ...] = (Unreadable(0, "TokenGroups was refused"),)
            listed = (user,) + (missing if self.groups is None else self.groups)
            self.fields["user_and_groups"] = listed
            sids = [one.sid if isinstance(one, Group) else None for one in listed]
            if self.owner in sids and self.owner is not None:
                self.fields["default_owner_index"] = sids.index(self.owner)
            if self.label in sids and self.label is not None:
                self.fields["integrity_level_index"] = sids.index(self.label)
            elif self.label is not None:
                self.problems.append("the integrity label %s is not among the groups" % self.label)
            elif self.label is None and "TokenIntegrityLevel" in self.places:
                self.fields["integrity_level_index"] = 0xFFFFFFFF
        if "TokenPrivileges" in self.places:
            self.fields["privileges"] = privileges_field(VIEW, tuple(self.privileges))
        return PartialToken(
            VIEW,
            partial_token(VIEW, 0, self.fields, tuple(self.problems)),
            self.places,
            tuple(self.unknown),
            tuple(PartialGroup(one.sid, one.attributes) for one in listed if isinstance(one, Group)),
            privileges=tuple(self.privileges),
            never_shown=NEVER_SHOWN,
        )

    # --- a reader a class ---

    def read_user(self, block: Block) -> None:
        self.user = block.entry()

    def read_groups(self, block: Block) -> None:
        self.groups = block.entries()

    def read_privileges(self, block: Block) -> None:
        for at in range(block.number(0)):
            luid, bits = block.luid(4 + 12 * at), block.number(12 + 12 * at)
            if bits & ATTRIBUTE_REMOVED:
                continue
            rows = self.classes["TokenPrivileges"].get("decoded")
            given = rows[at].get("name") if isinstance(rows, list) and at < len(rows) else None
            name = given if isinstance(given, str) else name_of(luid.value)
            enabled, default = bool(bits & ATTRIBUTE_ENABLED), bool(bits & ATTRIBUTE_ENABLED_BY_DEFAULT)
            self.privileges.append(PartialPrivilege(name, luid.value, enabled, default))

    def read_owner(self, block: Block) -> None:
        self.owner = block.sid()

    def read_primary_group(self, block: Block) -> None:
        self.fields["primary_group"] = block.sid()

    def read_dacl(self, block: Block) -> None:
        at = block.pointer(0)
        self.fields["default_dacl"] = None if at is None else Acl.parse(block.data, at)

    def read_source(self, block: Block) -> None:
        self.fields["source_name"] = block.data[:8].split(b"\0")[0].decode("latin-1")
        self.fields["source_id"] = block.luid(8)

    def read_statistics(self, block: Block) -> None:
        expires = block.number(16, 8)
        self.fields.update(
            token_id=block.luid(0),
            authentication_id=block.luid(8),
            modified_id=block.luid(48),
            expiration_time=expires,
            token_type=block.number(24),
            dynamic_charged=block.number(32),
            dynamic_available=block.number(36),
        )
        # The level means nothing in a primary token, and user mode gets it as anything.
        if block.number(24) == TYPE_IMPERSONATION:
            self.fields["impersonation_level"] = block.number(28)
        self.facts["GroupCount"], self.facts["PrivilegeCount"] = block.number(40), block.number(44)

    def read_restricted(self, block: Block) -> None:
        self.fields["restricted_sids"] = block.entries()
        self.fields["restricted_sid_count"] = block.number(0)

    def read_capabilities(self, block: Block) -> None:
        self.fields["capabilities"] = block.entries()
        self.fields["capability_count"] = block.number(0)

    def read_package(self, block: Block) -> None:
        self.fields["package"] = block.sid()

    def read_trust(self, block: Block) -> None:
        self.fields["trust_level_sid"] = block.sid()

    def read_origin(self, block: Block) -> None:
        self.fields["originating_logon_session"] = block.luid()

    def read_label(self, block: Block) -> None:
        self.label = block.sid()

    def read_policy(self, block: Block) -> None:
        # TOKEN_AUDIT_POLICY: PerUserPolicy and nothing else.
        self.fields["audit_policy"] = block.data

    def read_lowbox(self, block: Block) -> None:
        self.fields["lowbox_number"] = block.number(0) or None

    def read_attributes(self, block: Block) -> None:
        self.attributes = block.attribute_names()

    def read_logon_sid(self, block: Block) -> None:
        if self.groups is None:
            self.groups = block.entries()


_READERS: Dict[str, Callable[[_Token, Block], None]] = {
    "TokenUser": _Token.read_user,
    "TokenGroups": _Token.read_groups,
    "TokenPrivileges": _Token.read_privileges,
    "TokenOwner": _Token.read_owner,
    "TokenPrimaryGroup": _Token.read_primary_group,
    "TokenDefaultDacl": _Token.read_dacl,
    "TokenSource": _Token.read_source,
    "TokenStatistics": _Token.read_statistics,
    "TokenRestrictedSids": _Token.read_restricted,
    "TokenCapabilities": _Token.read_capabilities,
    "TokenAppContainerSid": _Token.read_package,
    "TokenAppContainerNumber": _Token.read_lowbox,
    "TokenProcessTrustLevel": _Token.read_trust,
    "TokenOrigin": _Token.read_origin,
    "TokenIntegrityLevel": _Token.read_label,
    "TokenAuditPolicy": _Token.read_policy,
    "TokenLogonSid": _Token.read_logon_sid,
    "TokenSecurityAttributes": _Token.read_attributes,
}
# Class -> field of Token; an empty name is a fact of its own.
_NUMBERS = dict.fromkeys(
    (
        "TokenSandBoxInert",
        "TokenElevationType",
        "TokenElevation",
        "TokenHasRestrictions",
        "TokenVirtualizationAllowed",
        "TokenVirtualizationEnabled",
        "TokenUIAccess",
        "TokenIsAppContainer",
        "TokenIsRestricted",
        "TokenPrivateNameSpace",
        "TokenChildProcessFlags",
        "TokenIsLessPrivilegedAppContainer",
        "TokenIsSandboxed",
        "TokenIsAppSilo",
    ),
    "",
)
_NUMBERS.update(
    TokenType="token_type",
    TokenImpersonationLevel="impersonation_level",
    TokenSessionId="session_id",
    TokenMandatoryPolicy="mandatory_policy",
)
# Claims that the model has no place for, and what other classes tell already.
_RAW_ONLY = frozenset(
    (
        "TokenGroupsAndPrivileges",
        "TokenSessionReference",
        "TokenLinkedToken",
        "TokenAccessInformation",
        "TokenUserClaimAttributes",
        "TokenDeviceClaimAttributes",
        "TokenRestrictedUserClaimAttributes",
        "TokenRestrictedDeviceClaimAttributes",
        "TokenDeviceGroups",
        "TokenRestrictedDeviceGroups",
        "TokenSingletonAttributes",
        "TokenBnoIsolation",
    )
)
_CLASS_LINE = re.compile(r'\s{0,40}"(\w{1,60})": ?\{')


def read_token_information(text: str, file: str = "text") -> Collected:
    """What a run of `collect` told; a text that is no such JSON is BadFormat."""
    try:
        data = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        at = " (line %d, column %d)" % (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else ""
        raise BadFormat(
            "%s is not JSON, cut off or changed%s" % (file, at), file, "give the output of `collect`"
        ) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("classes"), dict):
        raise BadFormat("%s is JSON, but not from `collect`" % file, file, "give the output of `collect`")
    pointer_size = data.get("pointer_size")
    if pointer_size not in (4, 8):
        raise BadFormat("%s: pointer_size is %r, must be 4 or 8" % (file, pointer_size), file)
    lines_of: Dict[str, List[int]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        found = _CLASS_LINE.match(line)
        if found:
            lines_of.setdefault(found.group(1), []).append(number)
    main = _Token(data["classes"], lines_of, file, pointer_size)
    token = main.read()
    other = data.get("linked")
    linked = _Token(other, lines_of, file, pointer_size).read() if isinstance(other, dict) else None
    about, windows = data.get("about"), data.get("windows")
    return Collected(
        token,
        linked,
        main.errors,
        main.facts,
        about if isinstance(about, dict) else {},
        windows if isinstance(windows, dict) else {},
        str(data.get("time", "")),
        main.attributes,
    )
