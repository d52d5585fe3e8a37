"""The answer on one screen: it fits, and it never looks whole where something could not be read."""

import json
from dataclasses import replace
from typing import Any, List, Optional

import pytest

from kdtoken import cli
from kdtoken.analysis.lineage.origin import Lineages
from kdtoken.analysis.lineage.parents import Family, How, Parent
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Absent, Fragment, NotAsked, NotSaid, Unreadable
from kdtoken.model.acl import Acl
from kdtoken.model.group import ENABLED, USE_FOR_DENY_ONLY, Group
from kdtoken.model.process import Impersonation, Process, ProcessDetails, ProcessDump, Thread
from kdtoken.model.sid import Sid
from kdtoken.model.snapshot import Snapshot
from kdtoken.model.token import FIELD_NAMES, LogonSession, Token
from kdtoken.render.screen import SHOWN, left_out, screen_lines, screen_token
from kdtoken.render.screen_token import few
from kdtoken.render.text import parent_words
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource
from tests.verbs import run_on

KERNEL = kernel_of(WINDOWS_11)
GONE = Unreadable(0x10, "paged out")


def dump_of(name: str) -> ProcessDump:
    source = SyntheticSource(KERNEL)
    process, others, _ = find_process(source, name)
    return dump_process(Tokens(source), process, tuple(others))


NOTEPAD = dump_of("notepad.exe")
assert isinstance(NOTEPAD.token, Token)
TOKEN = NOTEPAD.token


def row(lines: List[str], label: str) -> str:
    """The value of a labelled row, with the lines that go on below it."""
    start = next(at for at, line in enumerate(lines) if line.startswith("  " + label.ljust(12) + " "))
    value = [lines[start][15:]]
    for line in lines[start + 1 :]:
        if not line.startswith(" " * 15):
            break
        value.append(line.strip())
    return " ".join(value)


def screen_with(**changed: Any) -> List[str]:
    return screen_lines(replace(NOTEPAD, token=replace(TOKEN, **changed)), "here")


@pytest.mark.parametrize("columns", [80, 100])
def test_every_declared_process_fits_a_screen(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 lines of 80 columns, 35 of 100; WinDbg's window and a terminal that was made a little larger hold them."""
    monkeypatch.setenv("COLUMNS", "%d" % columns)
    target = SyntheticSource(kernel_of(WINDOWS_11, everything_there=False)).with_commands()
    for process in MACHINE.processes:
        lines = run_on(target, "dump", "%d" % process.pid)
        assert len(lines) <= (50 if columns == 80 else 40), "\n".join(lines)
        # a hostile name of the declared machine is one long word
        assert all(len(line) < columns or max(map(len, line.split())) > 46 for line in lines), "\n".join(lines)
        assert lines[-1].startswith("--all for every field")


def test_what_the_screen_tells_of_a_filtered_administrator() -> None:
    lines = screen_lines(NOTEPAD, "here")
    assert lines[0].startswith("notepad.exe  pid 6104 (0x17d8)  EPROCESS 0x")
    assert row(lines, "Runs as") == "ANNA-PC\\Anna  (S-1-5-21-1004336348-1177238915-682003330-1001)"
    assert row(lines, "Integrity") == "Medium Mandatory Level"
    assert row(lines, "Elevation") == "filtered by UAC (limited half of a pair)"
    assert row(lines, "Privileges") == "5 held, 4 off, 1 on: SeChangeNotifyPrivilege"
    assert row(lines, "Groups").startswith("11 on: ") and "for deny only: " in row(lines, "Groups")
    assert row(lines, "Confined") == "not restricted, in no AppContainer"
    assert row(lines, "Threads") == "1; all under the primary token"
    linked = NOTEPAD.linked
    assert isinstance(linked, Token)
    wanted = "the full token at 0x%x, High Mandatory Level, 19 more privileges" % linked.address
    assert row(lines, "Linked") == wanted


def test_sensitive_privileges_are_marked_and_those_that_wait_too() -> None:
    told = row(screen_lines(dump_of("cmd.exe"), "here"), "Privileges")
    assert "24 held, 20 off, 4 on sensitive, on: SeDebugPrivilege, SeImpersonatePrivilege others, on: " in told
    assert "sensitive, off: " in told and "SeLoadDriverPrivilege" in told.split("sensitive, off: ")[1]


def test_a_service_host_names_its_service_and_its_machine() -> None:
    lines = screen_lines(dump_of("1120"), "here")
    assert row(lines, "Services") == "Schedule" and row(lines, "Machine") == "ANNA-PC, of WORKGROUP"
    assert row(lines, "Groups").startswith("9 on, 1 of them for services: BUILTIN\\Administrators, ")
    threads = row(lines, "Threads")
    assert threads.startswith("7; 2 under the primary token ") and "ANNA-PC\\Anna, Delegation: thread 1140" in threads
    assert "NT AUTHORITY\\NETWORK SERVICE, Impersonation: threads 1136, 1144" in threads


@pytest.mark.parametrize("name", FIELD_NAMES)
def test_no_field_is_missing_in_silence(name: str) -> None:
    for lines in (screen_with(**{name: GONE}), screen_token(replace(TOKEN, **{name: GONE}), "here")):
        assert "not all of the token could be read: " + name.replace("_", " ") in row(lines, "Note")


def test_a_gap_within_a_field_is_said_too() -> None:
    session, dacl = TOKEN.logon_session, TOKEN.default_dacl
    assert isinstance(session, LogonSession) and isinstance(dacl, Acl)
    assert not any("Incomplete" in line for line in screen_lines(NOTEPAD, "here"))
    for field, value in (
        ("logon_session", replace(session, account_name=GONE)),
        ("default_dacl", replace(dacl, problem="torn")),
        ("default_dacl", replace(dacl, count=dacl.count + 1)),
    ):
        words = "a part could not be read of: " + field.replace("_", " ")
        assert row(screen_with(**{field: value}), "Incomplete") == words
    torn = screen_with(user_and_groups=TOKEN.user_and_groups[:3] + (GONE,) + TOKEN.user_and_groups[4:])  # type: ignore
    assert row(torn, "Groups").startswith("at least ") and "?? 1 more could not be read" in row(torn, "Groups")


def test_lists_of_which_a_part_is_told() -> None:
    assert not isinstance(TOKEN.privileges, (Unreadable, Absent))
    part = screen_with(privileges=Fragment(TOKEN.privileges, "the text ends"))  # type: ignore[arg-type]
    assert row(part, "Privileges").startswith("at least 5 held, 4 off, 1 on")
    assert "privileges cannot be compared" in row(part, "Linked") and "more privileges" not in row(part, "Linked")
    part = screen_with(user_and_groups=Fragment(TOKEN.user_and_groups, "the text ends"))  # type: ignore[arg-type]
    assert row(part, "Groups").startswith("at least 11 on")


def test_what_a_text_does_not_tell_is_counted() -> None:
    lines = screen_with(flags=NotSaid("whoami"), package=NotSaid("whoami"), session_id=NotSaid("whoami"))
    assert row(lines, "Not told") == "3 fields of the token are not said by whoami"
    assert row(lines, "Confined") == "not known whether TokenFlags, package: not told"
    assert row(lines, "Elevation") == "not known: not said by whoami"
    assert row(lines, "Logon") == "0x2f3d2"
    lines = screen_token(replace(TOKEN, address=0, token_type=NotSaid("x"), authentication_id=NotSaid("x")), "here")
    assert not any(line.startswith("  Token ") for line in lines) and row(lines, "Logon") == "session 1"
    lines = screen_with(flags=GONE)
    assert row(lines, "Confined") == "not known whether TokenFlags ?? unreadable at 0x10: paged out"
    assert row(lines, "Elevation") == "not known: ?? unreadable at 0x10: paged out"


def test_confinement_tells_the_package_and_the_restricting_sids() -> None:
    told = row(screen_lines(dump_of("5996"), "here"), "Confined")
    assert told == "restricted restricting SIDs: NULL SID"
    lines = screen_lines(dump_of("5716"), "here", width=79)
    assert "AppContainer package S-1-15-2-3624051433-...-737981194 3 capabilities: " in row(lines, "Confined")
    assert max(map(len, lines)) < 80


def process(name: str, pid: int, parent: int) -> Process:
    return Process(0x1000 + pid, pid, name, NotAsked(0), parent)


def lean(one: Process, born: Optional[int] = None, ended: int = 0) -> ProcessDump:
    details = NotAsked(0) if born is None else ProcessDetails(born, ended, 0, 1, 0)
    return ProcessDump(one, details, NotAsked(0))


def test_a_parent_is_named_only_with_its_doubts() -> None:
    child = process("a.exe", 20, 12)
    for others, whole, wanted in (
        ([], True, "12 (0xc), no longer there"),
        ([], False, "12 (0xc)"),
        ([lean(process("p.exe", 12, 4))], True, "p.exe  12 (0xc), if that id was not used again"),
        ([lean(process("p.exe", 12, 4), 50)], True, "p.exe  12 (0xc)"),
        ([lean(process("p.exe", 12, 4), 50, 150)], True, "p.exe  12 (0xc), which has ended"),
        (
            [lean(process("p\x1b.exe", 12, 4), 150)],
            True,
            "12 (0xc), no longer there; its id was given to a later process, p\\u001b.exe",
        ),
    ):
        row_of_child = lean(child, 100)
        parent = Family(Snapshot("", (row_of_child, *others), whole=whole)).parent(row_of_child)
        assert parent_words(child, parent) == wanted
    assert parent_words(process("System", 4, 0), Parent(How.NOBODY, 0)) == "none: made by the kernel"
    assert parent_words(replace(child, parent_pid=GONE), None) == "?? unreadable at 0x10: paged out"


def test_a_token_that_nobody_looked_for_is_not_said_to_be_gone() -> None:
    alone = replace(NOTEPAD, tokens={})
    for whole, others, words in (
        (True, (), "which nobody runs under now: it is gone, as is usual, or open by a handle only"),
        (False, (), "which is none of the tokens read here"),
        (True, (lean(process("p.exe", 12, 4)),), "which is none of the tokens read here"),
    ):
        steps = Lineages(Snapshot("", (alone, *others), whole=whole)).of(TOKEN).steps
        assert any(words in one.words for one in steps), whole


def test_the_count_of_what_is_left_out() -> None:
    assert left_out(None) == 0
    told = [name for name in FIELD_NAMES if not isinstance(getattr(TOKEN, name), (Absent, NotSaid))]
    assert left_out(TOKEN) == len(set(told) - SHOWN) == len(told) - 10
    assert left_out(replace(TOKEN, token_lock=Absent("_TOKEN.TokenLock"))) == left_out(TOKEN) - 1


def test_threads_whose_token_is_not_known() -> None:
    odd = (
        Thread(1, 6104, 8, GONE, ("its list is torn",)),
        Thread(2, 6104, 12, Impersonation(0x50, 2, False)),
        Thread(3, 6104, 16, None),
    )
    told = row(screen_lines(replace(NOTEPAD, threads=odd, tokens={0x50: GONE}), "here"), "Threads")
    assert told.startswith("3; 1 under the primary token ")
    assert "token not known, ?? unreadable at 0x10: paged out: thread 8" in told
    assert "token 0x50, ?? unreadable at 0x10: paged out, Impersonation: thread 12" in told
    assert "!! thread 8: its list is torn" in told
    assert row(screen_lines(replace(NOTEPAD, threads=()), "here"), "Threads") == "none on the process's list"


def test_who_decides_most_is_named_first() -> None:
    many = [Group(Sid(5, (32, 1000 + at)), ENABLED) for at in range(9)]
    admins, nobody = Group(Sid(5, (32, 544)), ENABLED), Group(Sid(5, (32, 545)), USE_FOR_DENY_ONLY)
    assert isinstance(TOKEN.user_and_groups, tuple)
    groups = (TOKEN.user_and_groups[0], *many, nobody, admins)
    told = row(screen_with(user_and_groups=groups), "Groups")
    assert told.startswith("10 on: BUILTIN\\Administrators, ") and " and 4 more for deny only: BUILTIN\\Users" in told


def test_all_why_and_json() -> None:
    target = SyntheticSource(KERNEL).with_commands()
    everything = run_on(target, "dump", "notepad.exe", "--all")
    assert "Bookkeeping" in everything and everything[-4].startswith("Nothing there, none: Trust level, ")
    assert "  Session                1" in everything and not any("<- _TOKEN" in line for line in everything)
    why = run_on(target, "dump", "notepad.exe", "--why")
    assert "Bookkeeping" in why and "  Lock                   null" in why and not any("--all" in line for line in why)
    plain, full = (run_on(target, "dump", "notepad.exe", "--json", *more) for more in ((), ("--all",)))
    assert json.loads("\n".join(plain)) == json.loads("\n".join(full))
    address = "%x" % KERNEL.tokens["bfe"]
    assert run_on(target, "dump", "--token", address)[-1] == "--all for every field (40 more)"
    assert "Bookkeeping" in run_on(target, "dump", "--token", address, "--all")


@pytest.mark.parametrize(
    "columns, wanted",
    [("80", 79), ("100", 99), ("160", 159), ("500", 160), ("20", 60), ("", 99), ("x", 99), ("-5", 99)],
)
def test_the_width_is_that_of_the_terminal(columns: str, wanted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(cli.sys.stdout, "isatty", lambda: False, raising=False)
    assert cli.width() == wanted


def test_rows_that_stand_only_where_there_is_something_to_tell() -> None:
    details = NOTEPAD.details
    assert isinstance(details, ProcessDetails)
    quiet = screen_lines(NOTEPAD, "here")
    assert not any(line.startswith(("  Ended", "  Protected")) for line in quiet)
    ended = screen_lines(replace(NOTEPAD, details=replace(details, exit_time=116444736000000000, protection=GONE)), "")
    assert row(ended, "Ended").startswith("1970-01-01 00:00:00")  # FILETIME of Unix time 0
    assert row(ended, "Protected") == "?? unreadable at 0x10: paged out"
    assert row(screen_lines(dump_of("lsass.exe"), "here"), "Protected") == "PsProtectedSignerLsa-Light"
    assert row(screen_lines(replace(NOTEPAD, details=GONE), ""), "Process") == "?? unreadable at 0x10: paged out"


def test_a_twin_of_which_a_part_could_not_be_read() -> None:
    linked = NOTEPAD.linked
    assert isinstance(linked, Token) and isinstance(linked.user_and_groups, tuple)
    torn = replace(linked, user_and_groups=linked.user_and_groups[:2] + (GONE,) + linked.user_and_groups[3:])
    for one in (torn, replace(linked, user_and_groups=GONE)):
        told = row(screen_lines(replace(NOTEPAD, linked=one), ""), "Linked")
        assert told.endswith("not all of its groups could be read")
    assert row(screen_lines(replace(NOTEPAD, linked=GONE), ""), "Linked") == "?? unreadable at 0x10: paged out"
    assert not any(line.startswith("  Linked") for line in screen_lines(replace(NOTEPAD, linked=None), ""))


def test_a_single_name_is_not_counted_away() -> None:
    names = list("abcdefgh")
    assert few(names[:6]) == "a, b, c, d, e, f" and few(names[:7]) == "a, b, c, d, e, f, g"
    assert few(names) == "a, b, c, d, e, f and 2 more"


def test_the_machine_is_named_by_any_token_of_its_own() -> None:
    """Thread 988 of the service host acts for SYSTEM, whose account is the machine's."""
    assert row(screen_lines(dump_of("980"), ""), "Machine") == "ANNA-PC, of WORKGROUP"
    assert row(screen_lines(dump_of("4"), ""), "Machine") == "ANNA-PC, of WORKGROUP"
    assert not any(line.startswith("  Machine") for line in screen_lines(NOTEPAD, ""))


def test_the_other_half_of_a_pair_and_what_it_has_more_or_less() -> None:
    """learn.microsoft.com, "How User Account Control works": a filtered and a full token of one user."""
    linked = NOTEPAD.linked
    assert isinstance(linked, Token) and isinstance(linked.privileges, tuple) and isinstance(TOKEN.privileges, tuple)

    def told(one: Any, other: Any) -> str:
        return row(screen_lines(replace(NOTEPAD, token=one, linked=other), ""), "Linked")

    assert told(TOKEN, linked).startswith("the full token at 0x%x, " % linked.address)
    assert told(linked, TOKEN).startswith("the filtered twin at 0x%x, " % TOKEN.address)
    assert told(linked, TOKEN).endswith("19 fewer privileges")
    assert told(replace(TOKEN, logon_session=None), linked).startswith("the other at ")
    # What is not there in one list is not there; what was not read may be.
    assert told(TOKEN, replace(linked, privileges=TOKEN.privileges)).endswith("Mandatory Level")
    unknown = "privileges cannot be compared: not all of them are known"
    assert told(TOKEN, replace(linked, privileges=GONE)).endswith(unknown)
    assert told(replace(TOKEN, privileges=GONE), linked).endswith(unknown)
    # Administrator Protection: the other half is another account's.
    assert isinstance(linked.user_and_groups, tuple)
    admin = replace(linked, user_and_groups=(Group(Sid(5, (18,)), 0), *linked.user_and_groups[1:]))
    assert told(TOKEN, admin).startswith("NT AUTHORITY\\SYSTEM's at ")
