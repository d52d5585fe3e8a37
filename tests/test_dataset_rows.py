"""What a row says, against the declaration of the machine that it is of."""

from typing import Any, Dict, List

import pytest

from kdtoken.dataset import rows, schema
from kdtoken.frozen import replace
from kdtoken.layout.layout_file import load_layouts
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.sid import Sid
from kdtoken.model.sid_names import NO_NAMES
from tests.declared_views import decoded
from tests.expected import FILES
from tests.machine.declared import BOOT, MACHINE, SECOND
from tests.machine.kernel import Kernel, build
from tests.machine.synthetic import SyntheticSource

NOTEPAD, SCHEDULE, LSASS, USERINIT, WHOAMI = 6104, 1120, 744, 4072, 6560
ANNA = "S-1-5-21-1004336348-1177238915-682003330-1001"


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return build(MACHINE, load_layouts(FILES[3]))


@pytest.fixture(scope="module")
def made(kernel: Kernel) -> rows.Machined:
    return rows.rows_of(KernelMachine(SyntheticSource(kernel)))


def of(made: rows.Machined, table: str, **values: Any) -> List[Dict[str, Any]]:
    return [row for row in made.tables[table] if all(row[name] == value for name, value in values.items())]


def one(made: rows.Machined, table: str, **values: Any) -> Dict[str, Any]:
    found = of(made, table, **values)
    assert len(found) == 1, (table, values, len(found))
    return found[0]


def token_of(made: rows.Machined, pid: int) -> Dict[str, Any]:
    return one(made, "tokens", token=one(made, "processes", pid=pid)["token"])


def test_every_row_has_the_columns_of_its_table(made: rows.Machined) -> None:
    assert set(made.tables) == set(schema.DATA)
    for name, listed in made.tables.items():
        assert listed
        for row in listed:
            assert list(row) == [column.name for column in schema.BY_NAME[name].columns]


def test_the_machine(made: rows.Machined) -> None:
    assert made.host == "ANNA-PC" and made.build.startswith("10.0.22000") and made.synthetic and made.whole
    assert made.captured == 0  # no header tells


def test_processes(made: rows.Machined, kernel: Kernel) -> None:
    assert [row["pid"] for row in made.tables["processes"]] == [one.pid for one in MACHINE.processes]
    row = one(made, "processes", pid=NOTEPAD)
    assert row["image"] == "notepad.exe" and row["parent_pid"] == 4120 and row["session"] == 1
    assert row["eprocess"] == kernel.processes[NOTEPAD] and row["token"] == kernel.tokens["notepad"]
    # FILETIME counts 100 ns from 1601; 11,644,473,600 seconds lie between that and 1970.
    assert row["created"] == (BOOT + 900 * SECOND) // 10 - 11_644_473_600 * 1_000_000
    assert row["ended"] is None and row["missing"] is None
    assert row["protection"] == 0 and row["protection_name"] == "not protected"
    assert one(made, "processes", pid=LSASS)["protection_name"] == "PsProtectedSignerLsa-Light"
    assert one(made, "processes", pid=LSASS)["protection"] == 0x41
    ended = one(made, "processes", pid=USERINIT)
    assert ended["ended"] == (BOOT + 70 * SECOND) // 10 - 11_644_473_600 * 1_000_000
    # The reference is null: that is why there is no token, and it is no token at 0.
    gone = one(made, "processes", pid=WHOAMI)
    assert gone["token"] is None and gone["missing"] == [("token", "the reference is null")]
    # Outside all sessions: null, and nothing is missing.
    assert one(made, "processes", pid=4)["session"] is None and one(made, "processes", pid=4)["missing"] is None


def test_tokens(made: rows.Machined) -> None:
    told = MACHINE.tokens["notepad"]
    row = token_of(made, NOTEPAD)
    assert row["user_sid"] == ANNA and row["user_name"] == "ANNA-PC\\Anna"
    assert (row["integrity"], row["integrity_name"]) == (0x2000, "Medium")
    assert (row["elevation"], row["type"], row["impersonation_level"]) == ("limited", "primary", None)
    assert row["token_id"] == told.token_id and row["modified_id"] == told.modified_id
    assert row["parent_token_id"] == told.parent_id and row["origin_logon_id"] == told.originating_id
    assert row["logon_id"] == 0x2F3D2 and row["logon_account"] == "Anna" and row["logon_authority"] == "ANNA-PC"
    assert row["flags"] == told.flags and "IS_FILTERED" in row["flag_names"] and row["confined"] == []
    assert row["mandatory_policy"] == told.mandatory_policy and row["session"] == told.session_id
    assert row["missing"] is None and row["problems"] == []
    assert token_of(made, 5716)["confined"] == ["AppContainer"]
    # A token object is one row, however many processes run on it.
    assert len(of(made, "processes", token=token_of(made, 6488)["token"])) == 2
    addresses = [row["token"] for row in made.tables["tokens"]]
    assert len(addresses) == len(set(addresses))


def test_groups_and_privileges(made: rows.Machined) -> None:
    told = MACHINE.tokens["notepad"]
    at = token_of(made, NOTEPAD)["token"]
    listed = of(made, "groups", token=at)
    assert [(row["sid"], row["attributes"]) for row in listed] == [(one.sid, one.attributes) for one in told.all_groups]
    assert [row["position"] for row in listed] == list(range(len(told.all_groups)))
    assert [row["list"] for row in listed] == ["user"] + ["groups"] * (len(told.all_groups) - 1)
    assert token_of(made, NOTEPAD)["group_count"] == len(listed)
    # Restricting SIDs and capabilities are rows of `groups` too, and counted with them.
    for row in made.tables["tokens"]:
        assert row["group_count"] == len(of(made, "groups", token=row["token"]))
    some = Group(Sid(5, (12,)), 7)
    token = replace(decoded("notepad"), restricted_sids=(some,), capabilities=(some, some, some))
    assert rows._token(token, NO_NAMES)["group_count"] == len(rows._groups(token, NO_NAMES)) == len(listed) + 4
    whole = [(row["list"], row["position"]) for row in rows._groups(token, NO_NAMES)[len(listed) :]]
    assert whole == [("restricted", 0), ("capabilities", 0), ("capabilities", 1), ("capabilities", 2)]
    admins = next(row for row in listed if row["sid"] == "S-1-5-32-544")
    assert admins["deny_only"] and not admins["enabled"] and admins["name"] == "BUILTIN\\Administrators"
    assert admins["attribute_names"] == ["UseForDenyOnly"]
    everyone = next(row for row in listed if row["sid"] == "S-1-1-0")
    assert everyone["enabled"] and not everyone["deny_only"]
    held = of(made, "privileges", token=at)
    assert {row["number"] for row in held if row["present"]} == set(told.privileges.present)
    assert {row["number"] for row in held if row["enabled"]} == set(told.privileges.enabled)
    assert token_of(made, NOTEPAD)["privilege_count"] == len(held)
    assert not any(row["sensitive"] for row in held)
    debug = one(made, "privileges", token=token_of(made, 6488)["token"], name="SeDebugPrivilege")
    assert debug["sensitive"] and debug["number"] == 20
    restricted = of(made, "groups", token=token_of(made, 5952)["token"], list="restricted")
    assert [row["sid"] for row in restricted] == [one.sid for one in MACHINE.tokens["restricted"].restricted]


def test_threads(made: rows.Machined, kernel: Kernel) -> None:
    acting = one(made, "threads", tid=1140)
    assert acting["pid"] == SCHEDULE and acting["eprocess"] == kernel.processes[SCHEDULE]
    assert acting["token"] == kernel.tokens["client-anna-full"]
    assert acting["level"] == "delegation" and acting["effective_only"] is True
    assert one(made, "threads", tid=1132)["level"] == "identification"
    # One that has gone back: whom it acted for once counts no more.
    back = one(made, "threads", tid=1148)
    assert back["token"] is None and back["level"] is None and back["missing"] is None
    assert token_of(made, SCHEDULE)["type"] == "primary"
    client = one(made, "tokens", token=kernel.tokens["client-anna"])
    assert client["type"] == "impersonation" and client["impersonation_level"] == "identification"
    assert len(of(made, "threads", pid=SCHEDULE)) == one(made, "processes", pid=SCHEDULE)["thread_count"] == 7


def test_what_is_paged_out_says_so(made: rows.Machined, kernel: Kernel) -> None:
    # OneDrive's whole token object is paged out: the process leads to it, and no row of it can be.
    lost = kernel.tokens["token-paged-out"]
    assert one(made, "processes", pid=6020)["token"] == lost and of(made, "tokens", token=lost) == []
    half = one(made, "tokens", token=kernel.tokens["sids-paged-out"])
    reasons = dict(half["missing"])
    assert half["integrity"] is None and "paged out" in reasons["integrity"] and "0x" in reasons["integrity"]
    assert all(half[name] is None for name in reasons)


def test_findings(made: rows.Machined) -> None:
    shared = of(made, "findings", rule="shared-token")
    assert {row["pid"] for row in shared} == {6520, 6740} and {row["severity"] for row in shared} == {"unusual"}
    assert all(row["evidence"] and row["tokens"] and row["identity"].startswith("shared-token: ") for row in shared)


def test_an_older_build_has_no_such_field() -> None:
    made = rows.rows_of(KernelMachine(SyntheticSource(build(MACHINE, load_layouts(FILES[4])))))  # Windows 7
    lsass = one(made, "processes", pid=LSASS)
    assert lsass["protection"] is None
    assert dict(lsass["missing"])["protection"] == "not in this build (no _EPROCESS.Protection.Level)"


def test_numbers_that_do_not_fit_are_no_numbers() -> None:
    cells = rows._Cells("processes")
    cells.put("eprocess", 1 << 64)
    cells.put("pid", -1)
    cells.put("session", (1 << 32) - 1)
    cells.put("parent_pid", Absent("_EPROCESS.InheritedFromUniqueProcessId"))
    cells.put("image", Unreadable(0x1000, "paged \ud800out"))
    cells.time("created", 1 << 62)
    cells.time("ended", 0)
    row = cells.done()
    assert [row[name] for name in ("eprocess", "pid", "parent_pid", "image", "created", "ended")] == [None] * 6
    assert row["session"] == 0xFFFFFFFF
    assert dict(row["missing"]) == {
        "eprocess": "18446744073709551616 does not fit 64 bits",
        "pid": "-1 does not fit 64 bits",
        "image": "unreadable at 0x1000: paged \\ud800out",  # UTF-8 has no half of a surrogate pair
        "parent_pid": "not in this build (no _EPROCESS.InheritedFromUniqueProcessId)",
        "created": "0x4000000000000000 is no date",
    }


def test_times() -> None:
    assert rows.microseconds(116_444_736_000_000_000) == 0  # 1970 ([MS-DTYP] 2.3.3 counts from 1601)
    assert rows.microseconds(116_444_736_000_000_019) == 1
    assert rows.microseconds(1) == -11_644_473_600_000_000


@pytest.mark.parametrize(
    "value, cell, why",
    [
        (0, None, None),  # it never was
        (0x7FFFFFFFFFFFFFFF, None, None),  # it never comes
        (None, None, None),
        (116444736000000000, 0, None),  # FILETIME of Unix time 0
        (116444736000000010, 1, None),  # in microseconds
        (-1, None, "0xffffffffffffffff is no date"),
        (Unreadable(0x10, "paged out"), None, "unreadable at 0x10: paged out"),
    ],
)
def test_a_moment_or_why_there_is_none(value: Any, cell: Any, why: Any) -> None:
    cells = rows._Cells("processes")
    cells.time("created", value)
    done = cells.done()
    assert done["created"] == cell and done["missing"] == ([("created", why)] if why else None)
