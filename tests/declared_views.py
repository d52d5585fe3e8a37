"""A declared token as each kind of view tells it, for comparisons: kernel memory, `!token`, whoami, collect."""

import json
import struct
from functools import lru_cache
from typing import Any, Dict, List, Sequence

from kdtoken.analysis.differences.comparison import Kind, View
from kdtoken.decode.process_dump import Tokens
from kdtoken.model.acl import Ace, Acl
from kdtoken.model.privilege import NAMES
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.source.cached import CachedSource
from kdtoken.view.collect.token_information import read_token_information
from kdtoken.view.debugger.token_command import read_token_text
from kdtoken.view.partial import PartialToken
from kdtoken.view.whoami.reader import read_whoami_text
from tests.expected import FILES, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.spec import GroupSpec, TokenSpec
from tests.machine.standin_text import token_text
from tests.machine.synthetic import SyntheticSource

WIN11 = next(path for path in FILES if ".22000." in path.name)
_PHRASES = (
    (1, "Mandatory group"),
    (2, "Enabled by default"),
    (4, "Enabled group"),
    (8, "Group owner"),
    (0x10, "Group used for deny only"),
)
_BASE = 0x10000


@lru_cache(maxsize=None)
def decoded(key: str, path: Any = WIN11) -> Token:
    """The token as kdtoken reads it from the kernel."""
    kernel = kernel_of(path)
    token = Tokens(CachedSource(SyntheticSource(kernel))).at(kernel.tokens[key])
    assert isinstance(token, Token)
    return token


def kernel(key: str, path: Any = WIN11) -> View:
    """The view of kernel memory."""
    return View(decoded(key, path), Kind.KERNEL, key)


def of_text(text: PartialToken, kind: Kind, label: str = "text") -> View:
    """A View of what a reader of text gave."""
    listed = tuple(one.sid for one in text.groups if not isinstance(one.attributes, int))
    return View(text.token, kind, label, text.incomplete, listed)


def token_lines(key: str) -> str:
    """What `!token` prints."""
    return "\n".join(token_text(kernel_of(WIN11), MACHINE.tokens[key])) + "\n"


def command(key: str) -> View:
    """The view of `!token`."""
    return of_text(read_token_text(token_lines(key)).tokens[0], Kind.TOKEN_COMMAND)


def whoami_lines(key: str, phrases: bool = True) -> str:
    """What whoami /all prints: no logon SID, no domain users, the label bare, nothing of what is not held."""
    token = MACHINE.tokens[key]
    rows = [
        (one.sid, ", ".join(words for bit, words in _PHRASES if one.attributes & bit))
        for one in token.groups
        if not (one.attributes & 0xC0000000 or one.sid == token.primary_group)
    ]
    rows.append((token.integrity, ""))
    lines = [
        "USER INFORMATION",
        "----------------",
        "",
        "User Name SID",
        "========= " + "=" * len(token.user),
        "pc\\anna   " + token.user,
        "",
        "GROUP INFORMATION",
        "-----------------",
        "",
        "Group Name".ljust(12) + "Type".ljust(12) + "SID".ljust(70) + "Attributes",
        "=" * 11 + " " + "=" * 11 + " " + "=" * 69 + " " + "=" * 66,
    ]
    for sid, words in rows:
        lines.append(
            ("PC\\group".ljust(12) + "Alias".ljust(12) + sid.ljust(70) + (words if phrases else "Xyzzy")).rstrip()
        )
    lines += [
        "",
        "PRIVILEGES INFORMATION",
        "----------------------",
        "",
        "Privilege Name".ljust(46) + "Description".ljust(12) + "State",
        "=" * 45 + " " + "=" * 11 + " " + "=" * 8,
    ]
    for number in token.privileges.present:
        state = "Enabled" if number in token.privileges.enabled else "Disabled"
        lines.append(NAMES[number].ljust(46) + "Words".ljust(12) + state)
    # The prompt behind it: a list of which no end is to be seen may go on.
    lines += ["", "C:\\>"]
    return "\n".join(lines) + "\n"


def whoami(key: str) -> View:
    """The view of whoami."""
    return of_text(read_whoami_text(whoami_lines(key)).tokens[0], Kind.WHOAMI)


def _listed(entries: Sequence[GroupSpec], head: bool = True) -> bytes:
    data = struct.pack("<Q", len(entries)) if head else b""
    at = _BASE + len(data) + 16 * len(entries)
    tail = b""
    for one in entries:
        data += struct.pack("<QQ", at + len(tail), one.attributes)
        tail += Sid.from_text(one.sid).to_bytes()
    return data + tail


def _sid(text: Any) -> bytes:
    return struct.pack("<Q", _BASE + 8) + Sid.from_text(text).to_bytes() if text else bytes(8)


def collected(key: str) -> str:
    """What `collect` writes for a process that runs under the token."""
    token: TokenSpec = MACHINE.tokens[key]
    privileges: List[bytes] = []
    for number in token.privileges.present:
        bits = 2 * (number in token.privileges.enabled) + (number in token.privileges.default)
        privileges.append(struct.pack("<QI", number, bits))
    dacl = bytes(8)
    if token.default_dacl is not None:
        aces = tuple(Ace.build(one.kind, one.mask, Sid.from_text(one.sid), one.flags) for one in token.default_dacl)
        dacl = struct.pack("<Q", _BASE + 8) + Acl.build(aces).to_bytes()
    label = [one for one in token.all_groups if one.sid == token.integrity][-1:]
    raw: Dict[str, bytes] = {
        "TokenUser": _listed(token.all_groups[:1], head=False),
        "TokenGroups": _listed(token.all_groups[1:]),
        "TokenPrivileges": struct.pack("<I", len(privileges)) + b"".join(privileges),
        "TokenOwner": _sid(token.default_owner or token.user),
        "TokenPrimaryGroup": _sid(token.primary_group),
        "TokenDefaultDacl": dacl,
        "TokenSource": token.source_name.ljust(8, b"\0")[:8] + struct.pack("<Q", token.source_id),
        "TokenStatistics": struct.pack(
            "<QQQIIIIIIQ",
            token.token_id,
            token.auth_id,
            token.expiration,
            token.type,
            token.level,
            4096,
            100,
            len(token.groups),
            len(privileges),
            token.modified_id,
        ),
        "TokenSessionId": struct.pack("<I", token.session_id),
        "TokenRestrictedSids": _listed(token.restricted),
        "TokenCapabilities": _listed(token.capabilities),
        "TokenAppContainerSid": _sid(token.package),
        "TokenProcessTrustLevel": _sid(token.trust_sid),
        "TokenAppContainerNumber": struct.pack("<I", token.lowbox_number if token.package else 0),
        "TokenOrigin": struct.pack("<Q", token.originating_id),
        "TokenIntegrityLevel": _listed(label, head=False),
        "TokenMandatoryPolicy": struct.pack("<I", token.mandatory_policy),
    }
    classes = {name: {"base": hex(_BASE), "raw": data.hex()} for name, data in raw.items()}
    about = {"pid": 6104, "image": "C:\\Windows\\notepad.exe"}
    return json.dumps({"format": "kdtoken-collect", "pointer_size": 8, "about": about, "classes": classes}, indent=1)


def information(key: str) -> View:
    """The view of GetTokenInformation."""
    return of_text(read_token_information(collected(key)).token, Kind.TOKEN_INFORMATION)


VIEWS = {"kernel": kernel, "command": command, "whoami": whoami, "information": information}
