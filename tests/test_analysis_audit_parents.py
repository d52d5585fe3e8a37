"""Who may have started whom, on Windows before Vista too, and whose token a rule speaks of."""

from dataclasses import replace
from typing import Any, List, Tuple

import pytest

from kdtoken.analysis.audit.finding import Severity
from kdtoken.analysis.audit.rules import audit
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import Token
from tests.declared_views import decoded
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.nt52 import Old, desktop
from tests.machine.synthetic import SyntheticSource
from tests.test_analysis_audit_users import made


@pytest.mark.parametrize("pointer", [4, 8])
def test_a_desktop_of_that_time_is_accused_of_nothing(pointer: int) -> None:
    """winlogon.exe above services.exe and lsass.exe, people in session 0, administrators that are so all the time."""
    old = Old(pointer, desktop())
    found = audit(KernelMachine(old).snapshot())
    assert [one.saw for one in found if one.severity is not Severity.INFORMATION] == []
    rows = KernelMachine(old).processes()
    assert all(isinstance(one.process.token, FastRef) for one in rows) and len(rows) == len(old.machine.processes)


def test_what_an_impersonating_thread_does_is_laid_at_its_door() -> None:
    """A token that only a thread has is not said to be the process's."""
    machine = desktop()
    stolen = replace(machine.tokens["client-anna-full"], auth_id=0x3E7)
    old = Old(4, replace(machine, tokens={**machine.tokens, "client-anna-full": stolen}))
    said: List[str] = [
        one.saw for one in audit(KernelMachine(old).snapshot(threads(old))) if one.rule == "logon-session"
    ]
    assert len(said) == 1 and said[0].startswith("token of thread 696 of svchost.exe (684): S-1-5-21-")


def threads(old: Old) -> Any:
    return list(KernelMachine(old).walk(threads=True).rows)


def test_since_vista_winlogon_above_lsass_is_strange() -> None:
    """The same family on a kernel whose tokens have levels."""
    moved = tuple(replace(one, parent=668) if one.pid == 744 else one for one in MACHINE.processes)
    machine = KernelMachine(SyntheticSource(build(replace(MACHINE, processes=moved), kernel_of(WINDOWS_11).layouts)))
    said = [one.saw for one in audit(machine.snapshot()) if one.rule == "parent-and-image"]
    assert any(one.startswith("lsass.exe (744) was started by winlogon.exe (668)") for one in said)


LIMITED, FULL, SYSTEM, SERVICE = (decoded(key) for key in ("notepad", "cmd", "system", "bfe"))
GONE = Unreadable(0x10, "paged out")


def pair(
    rule: str, child: Any, parent: Any, name: str = "a.exe", above: str = "b.exe", **more: Any
) -> List[Tuple[str, str]]:
    """What a rule says of a process and its parent; `more`: session, born, ended, up_born, up_ended."""
    up_token = replace(parent, address=0x20000) if isinstance(parent, Token) else parent
    own = replace(child, address=0x10000) if isinstance(child, Token) else child
    details = ProcessDetails(more.get("born", 20), more.get("ended", 0), 0, 1, 0, session_id=more.get("session", 1))
    row = ProcessDump(Process(0x100, 12, name, FastRef(0x10000, 15), 8), details, own)
    up = ProcessDump(
        Process(0x200, 8, above, FastRef(0x20000, 15), 3),
        ProcessDetails(more.get("up_born", 10), more.get("up_ended", 0), 0, 1, 0),
        up_token,
    )
    return [(one.severity.value, one.saw) for one in audit(Snapshot("memory", (up, row)), only=[rule])]


def test_system_below_a_user_s_process() -> None:
    anna = "S-1-5-21-1004336348-1177238915-682003330-1001"
    words = "a.exe (12) runs as SYSTEM in session 1, and its parent b.exe (8) as " + anna
    assert pair("system-under-user", SYSTEM, LIMITED) == [("!", words)]
    assert pair("system-under-user", SERVICE, LIMITED) == pair("system-under-user", LIMITED, LIMITED) == []
    assert pair("system-under-user", SYSTEM, SYSTEM) == pair("system-under-user", SYSTEM, GONE) == []
    assert pair("system-under-user", SYSTEM, LIMITED, session=0) == []
    # The session by the token, where the process's own is not told.
    for unknown in (GONE, None):
        told = replace(SYSTEM, session_id=1)
        assert pair("system-under-user", told, LIMITED, session=unknown) == [("!", words)]
        assert pair("system-under-user", replace(SYSTEM, session_id=0), LIMITED, session=unknown) == []
        assert pair("system-under-user", replace(SYSTEM, session_id=GONE), LIMITED, session=unknown) == []
    assert pair("system-under-user", replace(SYSTEM, session_id=1), LIMITED, session=0) == []
    # Whose id that is now is not sure.
    assert pair("system-under-user", SYSTEM, LIMITED, up_born=0) == [("i", words)]


@pytest.mark.parametrize("name", "utilman.exe atbroker.exe spoolsv.exe printisolationhost.exe werfault.exe werfaultsecure.exe wermgr.exe tiworker.exe trustedinstaller.exe msiexec.exe svchost.exe winlogon.exe csrss.exe logonui.exe consent.exe fontdrvhost.exe dwm.exe".split())  # fmt: skip
def test_programs_of_windows_that_are_system_s_below_a_user_s_process(name: str) -> None:
    """ImageFileName keeps 14 letters in some builds and 15 in others."""
    for kept in (name[:14], name[:15], name[:15].upper()):
        ((mark, words),) = pair("system-under-user", SYSTEM, LIMITED, kept)
        assert mark == "i" and words.endswith("; this program does so by design")


def test_a_child_that_has_more_than_its_parent_had_to_give() -> None:
    low, high = made(LIMITED, 0x2000), made(LIMITED, 0x3000)
    words = "a.exe (12) has more than its parent b.exe (8) could give: integrity High, its parent's is Medium"
    older = {"token_id": Luid(0, 0x999999)}
    assert pair("child-gained", replace(high, **older), low) == [("!", words)]
    assert pair("child-gained", replace(low, **older), low) == []
    assert pair("child-gained", replace(high, **older), low, ended=30) == []
    assert pair("child-gained", replace(high, **older), low, "consent.exe")[0][0] == "i"
    assert pair("child-gained", replace(high, **older), low, up_born=0)[0][0] == "i"
    # The parent's was adjusted after the child's was made: it may have had that then.
    since = {"token_id": Luid(0, 0x50)}
    adjusted = replace(low, modified_id=Luid(0, 0x51))
    assert pair("child-gained", replace(high, **since), adjusted) == [
        ("i", words + " (the parent's token was adjusted since)")
    ]
    same = replace(low, modified_id=Luid(0, 0x50))
    assert pair("child-gained", replace(high, **since), same) == [("!", words)]
    assert pair("child-gained", replace(high, token_id=GONE), low) == [("i", words)]
    # Who may give tokens away may have given this one; who is not known to hold such a privilege is not accused.
    for name in ("SeAssignPrimaryTokenPrivilege", "SeImpersonatePrivilege", "SeCreateTokenPrivilege", "SeTcbPrivilege"):
        giving = Privilege(3, name, True, False, False)
        assert isinstance(low.privileges, tuple)
        assert pair("child-gained", replace(high, **older), replace(low, privileges=(*low.privileges, giving))) == []
        lost = (*low.privileges, replace(giving, present=False))
        assert pair("child-gained", replace(high, **older), replace(low, privileges=lost)) == [("!", words)]
    assert pair("child-gained", replace(high, **older), replace(low, privileges=GONE)) == []


def test_a_child_of_another_user_is_more_only_as_system() -> None:
    newer = {"token_id": Luid(0, 0x999999)}
    anna = "S-1-5-21-1004336348-1177238915-682003330-1001"
    words = "a.exe (12) has more than its parent b.exe (8) could give: it is SYSTEM, the parent is " + anna
    assert pair("child-gained", replace(SYSTEM, **newer), LIMITED) == [("!", words)]
    assert pair("child-gained", replace(SERVICE, **newer), LIMITED) == []
    quiet = replace(SERVICE, privileges=())
    assert pair("child-gained", replace(SYSTEM, **newer), quiet) == []
    assert pair("child-gained", replace(LIMITED, **newer), replace(SYSTEM, privileges=())) == []


def test_the_parent_s_user_in_a_logon_of_its_own() -> None:
    own = replace(LIMITED, authentication_id=Luid(0, 0x77777), logon_session=GONE)
    said = "a.exe (12) runs in a logon session of its own (0x77777), as the user of its parent b.exe (8) (%s)"
    assert pair("new-credentials", own, LIMITED) == [("i", said % LIMITED.authentication_id)]
    assert pair("new-credentials", own, LIMITED, ended=30) == []
    assert pair("new-credentials", LIMITED, LIMITED) == pair("new-credentials", FULL, LIMITED) == []
    assert pair("new-credentials", replace(SERVICE, authentication_id=Luid(0, 0x77777)), SERVICE) == []


ALLOWED = [
    # From Microsoft's and others' lists of what starts what: child, parents that are usual.
    ("smss.exe", "system smss.exe"),
    ("csrss.exe", "smss.exe"),
    ("wininit.exe", "smss.exe"),
    ("winlogon.exe", "smss.exe"),
    ("services.exe", "wininit.exe"),
    ("lsass.exe", "wininit.exe"),
    ("lsaiso.exe", "wininit.exe"),
    ("svchost.exe", "services.exe svchost.exe msmpeng.exe tiworker.exe ngen.exe mrt.exe rpcnet.exe"),
    ("userinit.exe", "winlogon.exe"),
    ("fontdrvhost.exe", "wininit.exe winlogon.exe"),
    ("dwm.exe", "wininit.exe winlogon.exe"),
    ("logonui.exe", "wininit.exe winlogon.exe"),
    ("consent.exe", "svchost.exe"),
    ("runtimebroker.exe", "svchost.exe"),
    ("tiworker.exe", "svchost.exe"),
    ("wmiprvse.exe", "svchost.exe"),
    ("wsmprovhost.exe", "svchost.exe"),
    ("taskhostw.exe", "services.exe svchost.exe"),
    ("spoolsv.exe", "services.exe"),
    ("searchindexer.exe", "services.exe"),
    ("dllhost.exe", "services.exe svchost.exe"),
    ("sihost.exe", "svchost.exe"),
]


@pytest.mark.parametrize("child, parents", ALLOWED)
def test_who_starts_the_programs_of_windows(child: str, parents: str) -> None:
    for kept in (child[:14], child[:15]):
        for name in "system smss.exe wininit.exe winlogon.exe services.exe svchost.exe explorer.exe".split():
            said = pair("parent-and-image", SYSTEM, SYSTEM, kept.upper(), name)
            assert [mark for mark, _ in said] == ([] if name in parents.split() else ["!"]), name
    for name in parents.split():
        assert pair("parent-and-image", SYSTEM, SYSTEM, child[:14], name) == []
    ((mark, words),) = pair("parent-and-image", SYSTEM, SYSTEM, child[:14], "evil.exe", up_born=0)
    usual = " or ".join(sorted(name[:14] for name in parents.split()))
    assert (mark, words) == ("i", "%s (12) was started by evil.exe (8); usual is %s" % (child[:14], usual))


def test_a_process_whose_parent_or_its_name_is_not_known_is_accused_of_no_parent() -> None:
    assert pair("parent-and-image", SYSTEM, SYSTEM, "lsass.exe", "") == []
    # The id belongs to a later process.
    assert pair("parent-and-image", SYSTEM, SYSTEM, "lsass.exe", "evil.exe", up_born=21) == []
    old = replace(SYSTEM, integrity_level_index=Absent("_TOKEN.IntegrityLevelIndex"))
    for child, fine in (("services.exe", True), ("lsass.exe", True), ("wininit.exe", False)):
        assert (pair("parent-and-image", old, SYSTEM, child, "winlogon.exe") == []) is fine
        assert pair("parent-and-image", SYSTEM, SYSTEM, child, "winlogon.exe") != []


# (birth of the parent, its end; 0 where there is none or it is not told) of a child born at 20.
@pytest.mark.parametrize(
    "up_born, up_ended, certain",
    [
        (10, 0, True),  # it is still there
        (10, 25, True),  # it ended behind the child's birth: its object is still held, and it was it
        (10, 20, True),  # in the very tick of the birth
        (0, 0, False),  # whether the id was given to another meanwhile nobody can tell
        (0, 25, False),
    ],
)
def test_a_parent_that_has_ended_is_as_certain_as_one_that_lives(up_born: int, up_ended: int, certain: bool) -> None:
    """Only of an id that may have been used again is nobody accused."""
    mark = "!" if certain else "i"
    told: Any = {"up_born": up_born, "up_ended": up_ended}
    assert [one for one, _ in pair("parent-and-image", SYSTEM, SYSTEM, "lsass.exe", "evil.exe", **told)] == [mark]
    assert [one for one, _ in pair("system-under-user", SYSTEM, LIMITED, **told)] == [mark]
    # Its token, made later than the last change of its parent's, which has no right to give others.
    high, low = replace(made(LIMITED, 0x3000), token_id=Luid(0, 0x999999)), made(LIMITED, 0x2000)
    assert [one for one, _ in pair("child-gained", high, low, **told)] == [mark]


def test_who_ended_before_the_child_was_born_is_no_parent_of_it() -> None:
    for rule, child, name in (("parent-and-image", SYSTEM, "lsass.exe"), ("system-under-user", SYSTEM, "a.exe")):
        assert pair(rule, child, LIMITED, name, "evil.exe", up_ended=19) == []
