"""More machines with something written into them: what whoever has a write into the kernel does, and hides."""

from dataclasses import replace
from typing import Any, Dict, Tuple

from tests.machine import owner, spec, tokens
from tests.machine.spec import PrivilegesSpec
from tests.machine.strange import (
    BORIS,
    CALCULATOR,
    CHROME,
    CMD,
    EXPLORER,
    LSASS,
    NOTEPAD,
    QUIET,
    RPCSS,
    SANDBOX,
    SERVICES,
    WINLOGON,
    Case,
    client,
    impersonating,
    with_process,
    with_token,
)

_NEWEST = {"token_id": 0x91000, "modified_id": 0x91001}


def duplicate_of(pid: int, **more: Any) -> Dict[str, Any]:
    """What a duplicate of a process's token has, made after all others: an object of its own, so that none is shared."""
    key = QUIET.process(pid).token
    assert key is not None
    token = QUIET.tokens[key]
    copied = (
        "user auth_id privileges groups integrity source_name originating_id parent_id flags default_owner session_id"
    )
    return {**{name: getattr(token, name) for name in copied.split()}, **_NEWEST, **more}


REDTEAM: Tuple[Case, ...] = (
    Case(
        "calculator on services' token, below a SYSTEM parent",
        "shared-token",
        with_process(QUIET, CALCULATOR, token="of-724"),
        "!!",
        CALCULATOR,
        "of-724",
    ),
    Case(
        "stolen and adjusted afterwards",
        "shared-token",
        with_token(
            with_process(QUIET, NOTEPAD, token="of-668"), NOTEPAD, modified_id=0x95000, privileges=owner.USER_PRIVILEGES
        ),
        "!!",
        NOTEPAD,
        "of-668",
    ),
    Case(
        "a duplicate of lsass's token, its parent forged",
        "token-order",
        with_process(with_token(QUIET, NOTEPAD, **duplicate_of(LSASS, session_id=1)), NOTEPAD, parent=SERVICES),
        "!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "a duplicate of lsass's token, under a service's name",
        "parent-and-image",
        with_process(with_token(QUIET, NOTEPAD, **duplicate_of(LSASS)), NOTEPAD, name=b"svchost.exe"),
        "!",
        NOTEPAD,
    ),
    Case(
        "notepad and winlogon exchange their tokens",
        "user-and-image",
        with_process(with_process(QUIET, NOTEPAD, token="of-668"), WINLOGON, token="of-6104"),
        "!",
        WINLOGON,
        "of-6104",
        True,
    ),
    Case(
        "not filtered any more",
        "child-gained",
        with_token(QUIET, NOTEPAD, flags=0x2000),
        "!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "a group more",
        "child-gained",
        with_token(
            QUIET,
            NOTEPAD,
            groups=(*QUIET.tokens["of-6104"].groups, spec.GroupSpec(owner.MACHINE_SID + "-512")),
        ),
        "!",
        NOTEPAD,
        "of-6104",
    ),
    Case(
        "another user in Anna's logon session",
        "logon-session",
        with_token(QUIET, NOTEPAD, user=BORIS),
        "!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "anonymous in Anna's logon session",
        "logon-session",
        with_token(QUIET, NOTEPAD, user=tokens.ANONYMOUS),
        "!",
        NOTEPAD,
        "of-6104",
        True,
    ),
    Case(
        "restricting SIDs without their flag",
        "flags-and-members",
        with_token(QUIET, CHROME, flags=0x2A00),
        "!",
        CHROME,
        "of-5952",
        True,
    ),
    Case(
        "SeTcbPrivilege in an administrator's shell",
        "system-privileges",
        with_token(
            QUIET, CMD, privileges=replace(owner.ADMIN_PRIVILEGES, present=(7, *owner.ADMIN_PRIVILEGES.present))
        ),
        "!",
        CMD,
        "of-6488",
        True,
    ),
    Case(
        "SeDebugPrivilege in a service of NETWORK SERVICE",
        "system-privileges",
        with_token(QUIET, RPCSS, privileges=PrivilegesSpec((*tokens.NETWORK_PRIVILEGES.present, 20), (23, 20), (23,))),
        "!",
        RPCSS,
        "of-980",
        True,
    ),
    Case(
        "a sandbox acts unrestricted",
        "impersonates-stronger",
        impersonating(QUIET, SANDBOX, client(QUIET, EXPLORER), spec.IMPERSONATE),
        "!",
        SANDBOX,
        "client",
    ),
    Case(
        "the groups of another token",
        "sid-hash",
        with_token(QUIET, NOTEPAD, written=(("UserAndGroupCount", 5),)),
        "!!",
        NOTEPAD,
        "of-6104",
    ),
)
