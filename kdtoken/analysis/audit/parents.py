"""Rules about a process beside its parent: who may start whom, and what a child cannot get from its parent."""

from __future__ import annotations

from typing import Dict, Iterator, Tuple

from kdtoken.analysis.audit.finding import (
    Evidence,
    Finding,
    Rule,
    Severity,
    image_of,
    name_of,
    process_evidence,
    token_evidence,
)
from kdtoken.analysis.audit.integrity import at
from kdtoken.analysis.audit.scene import (
    IMAGE_LENGTH,
    Scene,
    holds,
    is_person,
    is_service_account,
    is_system,
    session_of,
)
from kdtoken.analysis.audit.users import user_words
from kdtoken.analysis.lineage.edges import Change, gains
from kdtoken.analysis.lineage.parents import How
from kdtoken.model.absent import Absent
from kdtoken.model.luid import Luid
from kdtoken.model.snapshot import NO_PID, ended, pid_of
from kdtoken.model.token import Token

# learn.microsoft.com and elastic/detection-rules (via_token_theft): programs that run as SYSTEM below a user's process.
BY_DESIGN = frozenset(
    "utilman.exe atbroker.exe spoolsv.exe printisolationhost.exe werfault.exe werfaultsecure.exe wermgr.exe tiworker.exe "
    "trustedinstaller.exe msiexec.exe svchost.exe winlogon.exe csrss.exe logonui.exe consent.exe fontdrvhost.exe dwm.exe".split()
)


_BY_DESIGN = frozenset(name[:14] for name in BY_DESIGN)


# What lets a process give a child any token that it can open: CreateProcessAsUser, CreateProcessWithTokenW.
_GIVING = ("SeAssignPrimaryTokenPrivilege", "SeImpersonatePrivilege", "SeCreateTokenPrivilege", "SeTcbPrivilege")


def system_under_user(scene: Scene) -> Iterator[Finding]:
    """SYSTEM in a user's session, started by that user's process."""
    for row, token in scene.primary_of(is_system):
        parent = scene.parent(row)
        if parent.row is None or not isinstance(parent.row.token, Token):
            continue
        session = session_of(row)
        session = token.session_id if session is None and isinstance(token.session_id, int) else session
        if not session or not is_person(parent.row.token):
            continue
        usual = image_of(row)[:14] in _BY_DESIGN
        severity = Severity.UNUSUAL if parent.certain and not usual else Severity.INFORMATION
        saw = "%s runs as SYSTEM in session %d, and its parent %s as %s" % (
            name_of(row),
            session,
            name_of(parent.row),
            user_words(parent.row.token),
        )
        if usual:
            saw += "; this program does so by design"
        yield Finding(
            UNDER_USER.id,
            severity,
            saw,
            (
                process_evidence(row),
                token_evidence(row, token.address),
                process_evidence(parent.row, "parent, %s" % parent.how.value),
                token_evidence(parent.row, parent.row.token.address),
            ),
            (row, parent.row),
            (token.address, parent.row.token.address),
            "%s below %s" % (image_of(row), image_of(parent.row)),
        )


def child_gained(scene: Scene) -> Iterator[Finding]:
    """A child's token that is more than its parent had to give."""
    givers: Dict[int, bool] = {}
    for parent, up, row, edge in scene.family.links().values():
        if edge.change is not Change.RAISED and edge.change is not Change.OTHER_USER:
            continue
        above, token = up.token, row.token
        if ended(row) or not isinstance(above, Token) or not isinstance(token, Token) or above.address == token.address:
            continue
        giving = givers.get(id(above))
        if giving is None:
            giving = givers[id(above)] = holds(above, *_GIVING) is not False
        # A parent that may give tokens away may have given this one.
        what = () if giving else _won(edge.change, above, token)
        if not what:
            continue
        severity = Severity.UNUSUAL if parent.certain else Severity.INFORMATION
        since = _adjusted_since(above, token)
        if since is not False or image_of(row)[:14] in _BY_DESIGN:
            severity = Severity.INFORMATION
        saw = "%s has more than its parent %s could give: %s" % (name_of(row), name_of(up), "; ".join(what))
        if since:
            saw += " (the parent's token was adjusted since)"
        evidence = (
            token_evidence(row, token.address),
            token_evidence(up, above.address),
            Evidence("parent", "%s, %s" % (name_of(up), parent.how.value), up.process.address, "process"),
            *[Evidence("more", one) for one in what],
        )
        key = "%s below %s" % (image_of(row), image_of(up))
        yield Finding(GAINED.id, severity, saw, evidence, (row, up), (token.address, above.address), key)


def _won(change: Change, above: Token, token: Token) -> Tuple[str, ...]:
    if change is Change.RAISED:
        return gains(above, token)
    if change is Change.OTHER_USER and is_person(above) and is_service_account(token) and is_system(token):
        return ("it is SYSTEM, the parent is %s" % user_words(above),)
    return ()


def _adjusted_since(above: Token, token: Token) -> object:
    """Whether the parent's token was changed after the child's was made; None where that cannot be told."""
    if isinstance(above.modified_id, Luid) and isinstance(token.token_id, Luid):
        return above.modified_id.value > token.token_id.value
    return None


def new_credentials(scene: Scene) -> Iterator[Finding]:
    """The parent's user in another logon session that is no half of a pair."""
    for _, up, row, edge in scene.family.links().values():
        if edge.change is not Change.OTHER_LOGON or ended(row):
            continue
        above, token = up.token, row.token
        if not isinstance(above, Token) or not isinstance(token, Token) or not is_person(token):
            continue
        saw = "%s runs in a logon session of its own (%s), as the user of its parent %s (%s)" % (
            name_of(row),
            token.authentication_id,
            name_of(up),
            above.authentication_id,
        )
        evidence = (
            token_evidence(row, token.address),
            token_evidence(up, above.address),
            Evidence("AuthenticationId", str(token.authentication_id), at(token, "authentication_id")),
        )
        key = "%s below %s" % (image_of(row), image_of(up))
        yield Finding(NEW_LOGON.id, Severity.INFORMATION, saw, evidence, (row, up), (token.address,), key)


# Child -> who may have started it. MemProcFS; elastic unusual_parentchild_relationship; Sigma
# proc_creation_win_susp_proc_wrong_parent; the products that Sigma leaves out are left out here.
_SERVICES_AND_HOSTS = "services.exe svchost.exe"


_FOUND: Dict[str, str] = {
    "smss.exe": "system smss.exe",
    "csrss.exe": "smss.exe",
    "wininit.exe": "smss.exe",
    "winlogon.exe": "smss.exe",
    "services.exe": "wininit.exe",
    "lsass.exe": "wininit.exe",
    "lsaiso.exe": "wininit.exe",
    "svchost.exe": "services.exe svchost.exe msmpeng.exe tiworker.exe ngen.exe mrt.exe rpcnet.exe",
    "userinit.exe": "winlogon.exe",
    "fontdrvhost.exe": "wininit.exe winlogon.exe",
    "dwm.exe": "wininit.exe winlogon.exe",
    "logonui.exe": "wininit.exe winlogon.exe",
    "consent.exe": "svchost.exe",
    "runtimebroker.exe": "svchost.exe",
    "tiworker.exe": "svchost.exe",
    "wmiprvse.exe": "svchost.exe",
    "wsmprovhost.exe": "svchost.exe",
    "taskhostw.exe": _SERVICES_AND_HOSTS,
    "spoolsv.exe": "services.exe",
    "searchindexer.exe": "services.exe",
    "dllhost.exe": _SERVICES_AND_HOSTS,
    "sihost.exe": "svchost.exe",
}


PARENTS = {child[:14]: frozenset(name[:14] for name in names.split()) for child, names in _FOUND.items()}


# Before Vista and its wininit.exe, winlogon.exe started both ("Windows Internals", fourth edition, chapter 5).
_BEFORE_VISTA = {"services.exe": frozenset(("winlogon.exe",)), "lsass.exe": frozenset(("winlogon.exe",))}


def parent_and_image(scene: Scene) -> Iterator[Finding]:
    """A process of Windows that another started than always does."""
    for row in scene.named(PARENTS):
        allowed = PARENTS[image_of(row)[:IMAGE_LENGTH]]
        parent = scene.parent(row)
        if parent.row is None or pid_of(row) == NO_PID:
            continue
        if isinstance(row.token, Token) and isinstance(row.token.integrity_level_index, Absent):
            allowed |= _BEFORE_VISTA.get(image_of(row), frozenset())
        image = image_of(parent.row)
        if not image or image[:14] in allowed:
            continue
        severity = Severity.UNUSUAL if parent.how in (How.ALIVE, How.ENDED) else Severity.INFORMATION
        saw = "%s was started by %s; usual is %s" % (name_of(row), name_of(parent.row), " or ".join(sorted(allowed)))
        evidence = (process_evidence(row), process_evidence(parent.row, "parent, %s" % parent.how.value))
        key = "%s below %s" % (image_of(row), image)
        yield Finding(PARENT.id, severity, saw, evidence, (row, parent.row), (), key)


PARENT = Rule(
    "parent-and-image",
    Severity.UNUSUAL,
    "the parent does not fit the program",
    "Most processes of Windows are always started by the same one.",
    (
        "the parent's id was used again and no creation time shows it (i only)",
        "security products and installers that start them, a parent set by attribute",
        "containers, and a program that only has such a name",
    ),
    "MemProcFS; elastic unusual_parentchild_relationship; Sigma proc_creation_win_susp_proc_wrong_parent",
    parent_and_image,
)


UNDER_USER = Rule(
    "system-under-user",
    Severity.UNUSUAL,
    "SYSTEM in a user's session, below that user's process",
    "No user's process can start one as SYSTEM by itself; after token stealing this is what is left to be seen.",
    (
        "Utilman, AtBroker, spoolsv and its print hosts, WerFault, TiWorker, msiexec, svchost (i only)",
        "winlogon, csrss, LogonUI, consent, dwm: by design (i only)",
        "remote support and endpoint products, psexec -s, a parent set by attribute",
        "the parent's id was used again and no creation time shows it (i only)",
    ),
    "elastic/detection-rules privilege_escalation_via_token_theft; Sigma (Medium parent, System child)",
    system_under_user,
)


GAINED = Rule(
    "child-gained",
    Severity.UNUSUAL,
    "a child's token that is more than its parent's could give it",
    "A child gets a copy of its parent's token; without privileges to give tokens away, a parent has nothing better.",
    (
        "the parent's token was cut down after it started the child: its ModifiedId says so (i only)",
        "a parent with SeAssignPrimaryToken or SeImpersonate may have given it (left out here)",
        "a service that set the parent by attribute: consent, WerFault, seclogon",
    ),
    "learn.microsoft.com CreateProcess, CreateProcessAsUser, PROC_THREAD_ATTRIBUTE_PARENT_PROCESS",
    child_gained,
)


NEW_LOGON = Rule(
    "new-credentials",
    Severity.INFORMATION,
    "the parent's user in a logon session of its own",
    "What runas /netonly and pass-the-hash leave: the same local user, other credentials for the network.",
    ("runas /netonly, backup and security products, scheduled tasks, a second logon of the same user",),
    "Sigma (logon type 9); elastic newcreds_logon_rare_process; winsiderss/systeminformer#1541",
    new_credentials,
)

RULES = (PARENT, UNDER_USER, GAINED, NEW_LOGON)
