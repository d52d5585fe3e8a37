"""Privileges: what each grants in an access check, what it does at OpenProcess, and what it does elsewhere."""

from typing import Optional

from kdtoken.analysis.access_check.questions import Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import (
    ACCESS_CHECK,
    ACCESS_SYSTEM_SECURITY,
    DELETE,
    READ_CONTROL,
    WRITE_DAC,
    WRITE_OWNER,
)
from kdtoken.analysis.access_check.run import STATUS_PRIVILEGE_NOT_HELD, Denial, Place, Run
from kdtoken.model.privilege import NUMBERS

SE_SECURITY = "SeSecurityPrivilege"
SE_TAKE_OWNERSHIP = "SeTakeOwnershipPrivilege"
SE_RELABEL = "SeRelabelPrivilege"
SE_DEBUG = "SeDebugPrivilege"
SE_BACKUP = "SeBackupPrivilege"
SE_RESTORE = "SeRestorePrivilege"


def state(run: Run, name: str) -> str:
    """A privilege in words: enabled, held but disabled, not held, not known to be enabled."""
    held = run.caller.privileges
    if held is None:
        return "not known to be enabled"
    if name not in held:
        return "not held"
    return "enabled" if held[name] else "held but disabled"


def enabled(run: Run, name: str) -> bool:
    """Whether a privilege is enabled; where that is not known it is asked."""
    held = run.caller.privileges
    if held is None:
        return run.answers.ask(Question("privilege:%s" % name, "%s is enabled" % name, run.caller.settle), False)
    return bool(held.get(name))


def debug(run: Run) -> None:
    """SeDebugPrivilege at OpenProcess and OpenThread: all is granted before the descriptor is looked at.

    LEARN ("ignoring the DACL"), ReactOS NtOpenProcess; a server's AccessCheck knows nothing of it.
    """
    request = run.request
    if not request.is_process or request.call == ACCESS_CHECK:
        return
    if not enabled(run, SE_DEBUG):
        run.step("SeDebugPrivilege", state(run, SE_DEBUG), "goes on", "it would open the object whatever guards it")
        return
    everything = run.wish | (run.mapping.all if run.maximum else 0)
    run.by(SE_DEBUG, NUMBERS[SE_DEBUG], everything)
    run.over = True
    why = "opening a process or a thread, it grants what is asked before the descriptor is looked at"
    run.step("SeDebugPrivilege", "enabled", "grants %s" % run.rights(everything), why)


def backup(run: Run) -> None:
    """SeBackup and SeRestore: the file system grants their rights before the check, with backup intent only.

    LEARN ("Privilege Constants") lists the rights.  The registry does the same for REG_OPTION_BACKUP_RESTORE.
    """
    request = run.request
    if not request.backup_intent or request.type.name not in ("File", "File Directory", "Key"):
        return
    mapping = run.mapping
    for name, rights in (
        (SE_BACKUP, mapping.read | mapping.execute | READ_CONTROL | ACCESS_SYSTEM_SECURITY),
        (SE_RESTORE, mapping.write | WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY | DELETE),
    ):
        wins = rights & (run.rest if not run.maximum else run.rest | rights & ~ACCESS_SYSTEM_SECURITY)
        if wins and enabled(run, name):
            run.by(name, NUMBERS[name], wins)
            why = "the object is opened with backup intent, which makes it grant its rights before the check"
            run.step(name, "enabled", "grants %s" % run.rights(wins), why)


def in_check(run: Run) -> Optional[Denial]:
    """What privileges grant inside the check: only what is asked for by name (DDI SeAccessCheck)."""
    if run.rest & ACCESS_SYSTEM_SECURITY:
        if not enabled(run, SE_SECURITY):
            run.because(ACCESS_SYSTEM_SECURITY, Reason(ReasonType.MISSING_PRIVILEGE, NUMBERS[SE_SECURITY]))
            why = "ACCESS_SYSTEM_SECURITY comes from SeSecurityPrivilege alone, which is " + state(run, SE_SECURITY)
            run.step("privileges", SE_SECURITY, "refused", why)
            return Denial(Place.PRIVILEGE, STATUS_PRIVILEGE_NOT_HELD, why)
        run.by(SE_SECURITY, NUMBERS[SE_SECURITY], ACCESS_SYSTEM_SECURITY)
        run.step("privileges", SE_SECURITY, "grants ACCESS_SYSTEM_SECURITY", "it is enabled")
    for name, reading in ((SE_TAKE_OWNERSHIP, ""), (SE_RELABEL, "relabel-write-owner")):
        if run.rest & WRITE_OWNER and enabled(run, name) and not (reading and run.answers.other(reading)):
            run.by(name, NUMBERS[name], WRITE_OWNER)
            run.step("privileges", name, "grants WRITE_OWNER", "it is enabled")
    if run.detail and run.rest & WRITE_OWNER and run.caller.privileges is not None:
        run.step("privileges", SE_TAKE_OWNERSHIP, "goes on", "it is %s" % state(run, SE_TAKE_OWNERSHIP))
    return None
