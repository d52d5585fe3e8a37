"""What turns a no into a yes: each kind of change by itself, in its order, and pairs where one is not enough.

The expected changes follow from the rules of the check (tests/access_cases/README.md): what stops the caller is known,
and so is what lifts it.
"""

from typing import Any, List

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.turn import Other, turns
from kdtoken.model.acl import SYSTEM_MANDATORY_LABEL
from kdtoken.model.descriptor import SecurityDescriptor
from tests.access_rows import caller
from tests.test_analysis_access_check_check import asked

USER, USERS, ADMINS = "S-1-5-21-1-2-3-1001", "S-1-5-32-545", "S-1-5-32-544"
TO_USER = "an ACE in the DACL that allows %s %%s" % USER
LEVEL = "impersonate at Impersonation: the client has to allow it"
ENABLE = "enable %s, which the token holds (AdjustTokenPrivileges)"
DEBUG, TAKE, SECURITY = (ENABLE % ("Se%sPrivilege" % name) for name in ("Debug", "TakeOwnership", "Security"))


def told(token: str, sddl: str, wish: int, kind: str = "file", others: Any = (), **more: Any) -> List[str]:
    request = asked(token, sddl, wish, kind, **more)
    found = turns(request, check(request), others)
    assert all(turn.outcome.allowed and check(turn.request).allowed for turn in found)
    return [" + ".join(change.text for change in turn.changes) for turn in found]


@pytest.mark.parametrize(
    "token, sddl, wish, kind, changes",
    [
        # Below Impersonation nothing is opened; who is at Anonymous or Identification has to be let higher.
        *(
            ("user level=%d" % level, "O:{X}G:{X}D:(A;;0x1;;;BU)", 0x1, "file", [text])
            for level, text in ((0, LEVEL), (1, LEVEL))
        ),
        (
            "admin p-SeDebugPrivilege",
            "O:{X}G:{X}D:",
            0x10,
            "process",
            [DEBUG, TO_USER % "0x10 (VM_READ)"],
        ),
        ("user p-SeTakeOwnershipPrivilege", "O:{X}G:{X}D:", 0x80000, "file", [TAKE, TO_USER % "0x80000 (WRITE_OWNER)"]),
        ("user p-SeSecurityPrivilege", "O:{X}G:{X}D:", 0x1000000, "file", [SECURITY]),
        (
            "user /BA",
            "O:{X}G:{X}D:(A;;0x1;;;BA)",
            0x1,
            "file",
            ["enable the group %s (AdjustTokenGroups)" % ADMINS, TO_USER % "0x1 (READ_DATA)"],
        ),
        (
            "user -BA",
            "O:BAG:{X}D:",
            0x40000,
            "file",
            [
                "a token in which %s is enabled: in this one it counts for deny only" % ADMINS,
                TO_USER % "0x40000 (WRITE_DAC)",
            ],
        ),
        ("user r=RC", "O:{X}G:{X}D:(A;;0x1;;;BU)", 0x1, "file", ["a token without the restricting SIDs"]),
        (
            "user pkg",
            "O:{X}G:{X}D:(A;;0x1;;;BU)",
            0x1,
            "file",
            [
                "a token outside the AppContainer",
                "an ACE in the DACL that allows S-1-15-2-1-2-3-4-5-6-7 0x1 (READ_DATA)",
            ],
        ),
        (
            "user",
            "O:{X}G:{X}D:(A;;0x2;;;BU)S:(ML;;NW;;;HI)",
            0x2,
            "file",
            ["a caller at High Mandatory Level", "label the object Medium Mandatory Level"],
        ),
        (
            "user",
            "O:{X}G:{X}D:(A;;0x1;;;BU)S:(TL;;0x0;;;S-1-19-512-8192)",
            0x1,
            "file",
            ["a caller with the trust S-1-19-512-8192"],
        ),
        (
            "user",
            "O:{X}G:{X}D:(A;;0x1;;;BU)",
            0x3,
            "file",
            ["ask for READ_DATA only", TO_USER % "0x3 (READ_DATA WRITE_DATA)"],
        ),
        # The deny ACE is explicit, and an allow ACE stands behind those.
        (
            "user",
            "O:{X}G:{X}D:(D;;0x1;;;BU)(A;;0x1;;;WD)",
            0x1,
            "file",
            ["take ACE 0 out of the DACL (it denies %s)" % USERS],
        ),
        # It is inherited, and an explicit allow ACE stands before those (canonical order).
        (
            "user",
            "O:{X}G:{X}D:(D;ID;0x1;;;BU)(A;ID;0x1;;;WD)",
            0x1,
            "file",
            [TO_USER % "0x1 (READ_DATA)", "take ACE 0 out of the DACL (it denies %s)" % USERS],
        ),
    ],
)
def test_one_change(token: str, sddl: str, wish: int, kind: str, changes: List[str]) -> None:
    assert told(token, sddl, wish, kind) == changes


@pytest.mark.parametrize(
    "state, words", [("+", "open it with backup intent"), ("-", "open it with backup intent, with %s enabled")]
)
@pytest.mark.parametrize("name, wish", [("SeBackupPrivilege", 0x120089), ("SeRestorePrivilege", 0x120116)])
def test_backup_intent(state: str, words: str, name: str, wish: int) -> None:
    text = (words % name if "%" in words else words) + ": the token holds " + name
    assert told("user p%s%s" % (state, name), "O:{X}G:{X}D:", wish)[0] == text
    assert told("user p%s%s" % (state, name), "O:{X}G:{X}D:", 0x20019, "key")[:1] == (
        [text] if name == "SeBackupPrivilege" else told("user", "O:{X}G:{X}D:", 0x20019, "key")[:1]
    )
    # Of no other type: FILE_OPEN_FOR_BACKUP_INTENT and REG_OPTION_BACKUP_RESTORE are of files and keys.
    assert not any("backup" in one for one in told("user p%s%s" % (state, name), "O:{X}G:{X}D:", 0x1, "event"))


def test_a_protected_process() -> None:
    found = told("admin p+SeDebugPrivilege", "O:{X}G:{X}D:(A;;0x10;;;BA)", 0x10, "process", protection=0x61)
    assert found == ["a caller as protected as the process: PsProtectedSignerWinTcb-Light"]


def test_a_new_label_leaves_the_rest_of_the_sacl() -> None:
    request = asked("user", "O:{X}G:{X}D:(A;;0x2;;;BU)S:(ML;;NW;;;HI)(AU;SAFA;0x2;;;WD)", 0x2)
    (turn,) = [one for one in turns(request, check(request)) if one.changes[0].kind == "label"]
    found = turn.request.object.descriptor
    assert isinstance(found, SecurityDescriptor) and found.sacl is not None
    (label, audit) = found.sacl.aces
    assert (label.type, label.mask, str(label.sid)) == (SYSTEM_MANDATORY_LABEL, 0x1, "S-1-16-8192")
    assert audit == request.object.descriptor.sacl.aces[1]  # type: ignore[union-attr]


def test_pairs_where_one_change_is_not_enough() -> None:
    """Administrators is off, and the object is High: one of each, the caller's own doing first."""
    group, level = "enable the group %s (AdjustTokenGroups)" % ADMINS, "a caller at High Mandatory Level"
    ace, label = TO_USER % "0x2 (WRITE_DATA)", "label the object Medium Mandatory Level"
    found = told("user /BA", "O:{X}G:{X}D:(A;;0x2;;;BA)S:(ML;;NW;;;HI)", 0x2)
    assert found == [" + ".join(pair) for pair in ((group, level), (group, label), (level, ace), (label, ace))]


def test_another_token_at_hand() -> None:
    linked = Other("linked", "the linked token", caller("admin"))
    revert = Other("revert", "stop impersonating", caller("admin"))
    found = told("filtered", "O:{X}G:{X}D:(A;;0x1;;;BA)", 0x1, others=(linked, revert))
    assert found[:2] == ["stop impersonating", "the linked token"]
    assert (
        turns(asked("admin", "O:{X}G:{X}D:(A;;0x1;;;BA)", 0x1), check(asked("user", "nulldacl", 0x1)), [linked]) == ()
    )


def test_what_an_elevated_prompt_can_enable() -> None:
    linked = Other("linked", "the linked token", caller("admin p-SeDebugPrivilege p+SeSecurityPrivilege"))
    found = told("filtered", "O:{X}G:{X}D:S:(ML;;NWNR;;;SI)", 0x10, "process", others=(linked,))
    assert found[0] == "the linked token + enable SeDebugPrivilege, which that token holds (AdjustTokenPrivileges)"
    assert sum("SeSecurityPrivilege" in one for one in found) == 0
