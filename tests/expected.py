"""What a decoder has to say of a declared machine, worked out from the declaration alone.

Nothing here reads memory and nothing calls a decoder; the formats are spelled again on purpose.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Tuple

from kdtoken.layout.layout import size_of
from kdtoken.layout.layout_file import LayoutFile, load_layouts
from kdtoken.model.absent import Absent, known
from kdtoken.model.acl import Acl
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import NAMES
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from tests.examples import ALL
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build
from tests.machine.spec import GroupSpec, TokenSpec

LOWBOX = 0x4000  # TokenFlags bit that a kernel without packages has no use for


def groups(specs: Tuple[GroupSpec, ...]) -> Tuple[Group, ...]:
    """Groups as the model has them."""
    return tuple(Group(Sid.from_text(one.sid), one.attributes) for one in specs)


def aces(token: TokenSpec) -> Any:
    """(type, flags, mask, SID) of each ACE of the default DACL, None for no DACL."""
    if token.default_dacl is None:
        return None
    return tuple((ace.kind, ace.flags, ace.mask, ace.sid) for ace in token.default_dacl)


def seen_aces(dacl: Any) -> Any:
    """The same of a decoded ACL; what is not an ACL stays as it is."""
    if not isinstance(dacl, Acl):
        return dacl
    return tuple((ace.type, ace.flags, ace.mask, str(ace.sid)) for ace in dacl.aces)


def privileges(token: TokenSpec) -> List[Tuple[int, str, bool, bool, bool]]:
    """(number, name, present, enabled, enabled by default) of every privilege with a bit anywhere."""
    one = token.privileges
    numbers = sorted(set(one.present) | set(one.enabled) | set(one.default))
    return [(n, NAMES[n], n in one.present, n in one.enabled, n in one.default) for n in numbers]


def fields(kernel: Kernel, key: str) -> Dict[str, Any]:
    """attribute of model.token.Token -> value, for the token `key` of a kernel whose pages are all there."""
    token = kernel.machine.tokens[key]
    layouts = kernel.layouts
    has = layouts.layout("_TOKEN").has

    def present(member: str, value: Any) -> Any:
        """The value, or Absent where the build has no such member."""
        return value if has(member) else Absent("_TOKEN." + member)

    policy = size_of("_TOKEN_AUDIT_POLICY", layouts.layout)
    flags = token.flags if has("Package") else token.flags & ~LOWBOX
    package = None if token.package is None else Sid.from_text(token.package)
    trust = None if token.trust_sid is None else Sid.from_text(token.trust_sid)
    return {
        "address": kernel.tokens[key],
        "source_name": token.source_name.split(b"\0")[0].decode("ascii"),
        "source_id": Luid.from_value(token.source_id),
        "token_id": Luid.from_value(token.token_id),
        "authentication_id": Luid.from_value(token.auth_id),
        "parent_token_id": Luid.from_value(token.parent_id),
        "modified_id": Luid.from_value(token.modified_id),
        "originating_logon_session": Luid.from_value(token.originating_id),
        "expiration_time": token.expiration,
        "audit_policy": token.audit_policy[:policy].ljust(policy, b"\0"),
        "session_id": token.session_id,
        "user_and_group_count": len(token.all_groups),
        "user_and_groups": groups(token.all_groups),
        "restricted_sid_count": len(token.restricted),
        "restricted_sids": groups(token.restricted),
        "default_owner_index": token.default_owner_index,
        "primary_group": Sid.from_text(token.primary_group),
        "token_type": token.type,
        "impersonation_level": token.level,
        "flags": flags,
        "in_use": int(token.in_use),
        "integrity_level_index": len(token.all_groups) - 1,
        "mandatory_policy": token.mandatory_policy,
        "package": present("Package", package),
        "capability_count": present("CapabilityCount", len(token.capabilities)),
        "capabilities": present("Capabilities", groups(token.capabilities)),
        "lowbox_number": present("LowboxNumberEntry", token.lowbox_number if package else None),
        "trust_level_sid": present("TrustLevelSid", trust),
    }


def derived(kernel: Kernel, key: str) -> Dict[str, Any]:
    """Properties of Token that a reader asks for."""
    token = kernel.machine.tokens[key]
    return {
        "user": Sid.from_text(token.user),
        "groups": groups(token.groups) + groups(token.all_groups[-1:]),
        "integrity": Sid.from_text(token.integrity),
        "default_owner": Sid.from_text(token.default_owner or token.user),
        "is_primary": token.type == 1,
    }


def logon(kernel: Kernel, logon_id: int) -> Dict[str, Any]:
    """attribute of model.token.LogonSession -> value."""
    session = next(one for one in kernel.machine.logon_sessions if one.logon_id == logon_id)
    layout = kernel.layouts.layout("_SEP_LOGON_SESSION_REFERENCES")

    def text(member: str, value: str) -> Any:
        # an empty name has no buffer at all
        return (value or None) if layout.has(member) else Absent("%s.%s" % (layout.name, member))

    return {
        "address": kernel.logon_sessions[logon_id],
        "logon_id": Luid.from_value(logon_id),
        "buddy_logon_id": Luid.from_value(session.buddy_id),
        "reference_count": session.references,
        "flags": session.flags,
        "account_name": text("AccountName", session.account),
        "authority_name": text("AuthorityName", session.authority),
        "token": (kernel.tokens[session.token] if session.token else 0)
        if layout.has("Token")
        else Absent("%s.Token" % layout.name),
    }


def seen_privileges(token: Token) -> Any:
    """Privileges of a decoded token in the form of `privileges`."""
    if not isinstance(token.privileges, tuple):
        return token.privileges
    return [(p.number, p.name, p.present, p.enabled, p.enabled_by_default) for p in token.privileges]


def assert_equal(token: Any, kernel: Kernel, key: str) -> None:
    """Every declared value, field by field; the first that differs is named."""
    assert isinstance(token, Token), (key, token)
    for name, value in fields(kernel, key).items():
        assert getattr(token, name) == value, (key, name)
    assert seen_privileges(token) == privileges(kernel.machine.tokens[key]), key
    assert seen_aces(token.default_dacl) == aces(kernel.machine.tokens[key]), key
    for name, value in derived(kernel, key).items():
        assert getattr(token, name) == value, (key, name)
    declared = kernel.machine.tokens[key].auth_id
    if declared in kernel.logon_sessions:
        for name, value in logon(kernel, declared).items():
            assert getattr(token.logon_session, name) == value, (key, name)
    assert token.problems == (), key
    assert known(token.logon_session), key


FILES = sorted((Path(__file__).parent.parent / "fixtures" / "layouts").glob("nt-*.json"))


def file_of(version: str) -> Path:
    """The fixture of the build whose version begins so, "10.0.22000" for one; a new fixture moves none of them."""
    (path,) = (path for path in FILES if path.stem.startswith("nt-%s." % version))
    return path


def newest_of_each_generation() -> List[Path]:
    """Windows 7, 8 and 10 in the last build that is here of each: three kinds of kernel, and six builds at most."""
    newest: Dict[Tuple[int, int], Tuple[int, Path]] = {}
    for path in FILES:
        major, minor, build_number = (int(part) for part in path.stem[len("nt-") :].split(".")[:3])
        newest[major, minor] = max(newest.get((major, minor), (0, path)), (build_number, path))
    return sorted(path for _, path in newest.values())


# For what costs much in every build.
FEW_FILES = FILES if ALL else newest_of_each_generation()
WINDOWS_11, WINDOWS_7 = file_of("10.0.22000"), file_of("6.1.7601")


@lru_cache(maxsize=None)
def layouts_of_build(path: Path) -> LayoutFile:
    """A fixture's layouts, parsed once for all tests."""
    return load_layouts(path)


@lru_cache(maxsize=None)
def kernel_of(path: Path, everything_there: bool = True) -> Kernel:
    """The declared machine by a fixture's layouts, built once; by default with no page paged out."""
    kernel = build(MACHINE, layouts_of_build(path))
    if everything_there:
        kernel.memory.paged_out = set()
    return kernel
