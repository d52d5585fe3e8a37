"""The rules of the audit: each guilty machine is found out, and no innocent one is accused."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import pytest

from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import BY_ID, RULES, across, audit, marks, of_process, worst_of
from kdtoken.analysis.audit.sharing import _names
from kdtoken.model.absent import NotSaid
from kdtoken.model.privilege import NUMBERS
from kdtoken.model.snapshot import Snapshot
from tests.examples import ALL, some
from tests.expected import FEW_FILES, FILES, WINDOWS_11
from tests.machine.declared import MACHINE
from tests.machine.guilty import GUILTY
from tests.machine.innocent import INNOCENT
from tests.machine.kernel import Kernel
from tests.machine.spec import GroupSpec, Machine
from tests.machine.strange import CONHOST, NOTEPAD, QUIET, Case, with_process, with_token
from tests.machine.structs import Structs
from tests.machine.synthetic import SyntheticSource
from tests.snapshots import (
    dump_file,
    kernel_of_machine,
    printed,
    snapshot_of_dump,
    snapshot_of_machine,
    snapshot_of_memory_log,
    snapshot_of_recording,
    snapshot_of_source,
    snapshot_of_text,
)

RANK = {"!!": 0, "!": 1, "i": 2, "": 3}


def named(case: Case) -> str:
    return case.name


def hit(case: Case, found: Tuple[Finding, ...], kernel: Kernel) -> List[Finding]:
    """Findings of the case's rule, with its mark, about its process, that name its token by address."""
    return [
        one
        for one in found
        if one.rule == case.rule
        and one.severity.value == case.mark
        and (case.pid is None or one.processes[0].process.pid == case.pid)
        and (case.pid is None or one.processes[0].process.address == kernel.processes[case.pid])
        and (case.token is None or kernel.tokens[case.token] in [fact.address for fact in one.evidence])
    ]


def in_memory(machine: Machine, folder: Path) -> Snapshot:
    return snapshot_of_machine(machine)


def in_a_dump(machine: Machine, folder: Path) -> Snapshot:
    return snapshot_of_dump(dump_file(machine, folder))


WAYS: Dict[str, Callable[[Machine, Path], Snapshot]] = {
    "memory": in_memory,
    "dump": in_a_dump,
    "recording": snapshot_of_recording,
}


FIRST_OF_EACH_RULE = list({case.rule: case for case in reversed(GUILTY)}.values())
# From memory all of them; through the bytes of a file one of each rule, and all with KDTOKEN_EXAMPLES=all.
READ = [
    pytest.param(case, way, id="%s-%s" % (case.name, way))
    for case in GUILTY
    for way in WAYS
    if ALL or way == "memory" or case in FIRST_OF_EACH_RULE
]


@pytest.mark.parametrize("case, way", READ)
def test_guilty(case: Case, way: str, tmp_path: Path) -> None:
    found = audit(WAYS[way](case.machine, tmp_path))
    # A dump's kernel has an image of its own size: addresses of pool are the same in all three.
    assert hit(case, found, kernel_of_machine(case.machine)), [(one.rule, one.severity.value, one.saw) for one in found]


@pytest.mark.parametrize("case", [case for case in GUILTY if case.shown], ids=named)
def test_guilty_in_printed_text(case: Case) -> None:
    """What a text shows is found there too, at most one step milder: it is of many moments."""
    kernel = kernel_of_machine(case.machine)
    found = audit(snapshot_of_text(printed(kernel)))
    milder = [replace(case, mark=mark) for mark in (case.mark, "!") if mark]
    assert any(hit(one, found, kernel) for one in milder), [(one.rule, one.severity.value, one.saw) for one in found]


@pytest.mark.parametrize("case", INNOCENT, ids=named)
def test_innocent(case: Case) -> None:
    found = audit(snapshot_of_machine(case.machine))
    assert [one.saw for one in found if one.severity is Severity.IMPOSSIBLE] == []
    worse = [one.saw for one in found if one.rule == case.rule and RANK[one.severity.value] < RANK[case.mark]]
    assert worse == []
    # Nothing else of it is worth a look either.
    assert [(one.rule, one.saw) for one in found if one.severity is Severity.UNUSUAL] == []


@pytest.mark.parametrize("case", some(INNOCENT, 3), ids=named)
def test_innocent_in_printed_text(case: Case) -> None:
    found = audit(snapshot_of_text(printed(kernel_of_machine(case.machine))))
    assert [one.saw for one in found if one.severity is Severity.IMPOSSIBLE] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_impossible_on_the_declared_machine(path: Path) -> None:
    for machine in (MACHINE, QUIET):
        found = audit(snapshot_of_source(SyntheticSource(kernel_of_machine(machine, path))), ["sid-hash-bits"])
        assert [one.saw for one in found if one.severity is Severity.IMPOSSIBLE] == []


@pytest.mark.parametrize("path", FEW_FILES, ids=lambda path: path.stem)
def test_every_guilty_machine_on_every_build(path: Path) -> None:
    missed = []
    for case in GUILTY:
        kernel = kernel_of_machine(case.machine, path)
        seen = snapshot_of_machine(case.machine) if path == WINDOWS_11 else snapshot_of_source(SyntheticSource(kernel))
        if not hit(case, audit(seen), kernel):
            missed.append(case.name)
    assert missed == []


def test_what_is_not_known_accuses_nobody() -> None:
    """A text with a hole in place of everything but addresses and names."""
    for case in GUILTY[:12]:
        kernel = kernel_of_machine(case.machine)
        text = printed(kernel).split("0: kd> !token", 1)[0]
        assert not [one for one in audit(snapshot_of_text(text)) if one.severity is Severity.IMPOSSIBLE] or (
            case.rule in ("boot-token",)
        ), case.name


def test_pages_that_are_gone_accuse_nobody() -> None:
    kernel = kernel_of_machine(QUIET)
    for key in sorted(kernel.tokens):
        source = SyntheticSource(kernel).without_pages([kernel.tokens[key]])
        assert [one.saw for one in audit(snapshot_of_source(source)) if one.severity is not Severity.INFORMATION] == []


def test_a_rule_says_all_that_a_person_needs() -> None:
    assert len(RULES) >= 23 and len(BY_ID) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
        assert rule.title and rule.why.endswith(".") and rule.source
        # What may be innocent says how.
        assert rule.innocent or rule.severity is Severity.IMPOSSIBLE, rule.id
    asked = {case.rule for case in GUILTY}
    assert {rule.id for rule in RULES if not rule.extra} - asked == {"traceless-change"}  # below
    innocents = {case.rule for case in INNOCENT}
    assert {rule.id for rule in RULES if not rule.extra} - innocents == {"traceless-change"}


def test_the_hash_bits_are_asked_for_by_name() -> None:
    tampered = with_token(QUIET, NOTEPAD, written=(("SidHash.SidCount", 14),))
    kernel = kernel_of_machine(tampered)
    at = kernel.tokens["of-6104"]
    source = SyntheticSource(kernel).poke_field(at, "_TOKEN", "SidHash.Hash", b"\1" * 8)
    snapshot = snapshot_of_source(source)
    assert "sid-hash-bits" not in {one.rule for one in audit(snapshot)}
    found = [one for one in audit(snapshot, ["sid-hash-bits"]) if one.rule == "sid-hash-bits"]
    assert [one.processes[0].process.pid for one in found] == [NOTEPAD]
    assert "do not fit" in found[0].saw and found[0].severity is Severity.INFORMATION


def looks(text: str, changed: str) -> str:
    """One `!token` output, then the same token with another privilege mask."""
    return text + "\n" + text.replace("SeTimeZonePrivilege             ", changed)


TOKEN = "\n".join(
    (
        "0: kd> !token ffff898d050a6670",
        "_TOKEN 0xffff898d050a6670",
        "TS Session ID: 0x1",
        "User: S-1-5-21-1-2-3-1001",
        "User Groups: ",
        " 00 S-1-1-0",
        "    Attributes - Mandatory Default Enabled ",
        " 01 S-1-16-8192",
        "    Attributes - GroupIntegrity GroupIntegrityEnabled ",
        "Primary Group: S-1-5-21-1-2-3-513",
        "Privs: ",
        " 23 0x000000017 SeChangeNotifyPrivilege           Attributes - Enabled Default ",
        " 34 0x000000022 SeTimeZonePrivilege               Attributes - ",
        "Authentication ID:         (0,1e50f)",
        "Impersonation Level:       Anonymous",
        "TokenType:                 Primary",
        "Source: User32             TokenFlags: 0x2a00 ( Token in use )",
        "Token ID: eede5            ParentToken ID: 0",
        "Modified ID:               (0, 1e51b)",
        "RestrictedSidCount: 0      RestrictedSids: 0x0000000000000000",
        "OriginatingLogonSession: 3e7",
        "",
    )
)
ENABLED = TOKEN.replace(
    "SeTimeZonePrivilege               Attributes - ", "SeTimeZonePrivilege               Attributes - Enabled "
)


def traceless(text: str) -> List[str]:
    return [one.saw for one in audit(snapshot_of_text(text)) if one.rule == "traceless-change"]


def test_one_token_changed_without_trace_in_one_log() -> None:
    found = traceless(TOKEN + ENABLED)
    assert len(found) == 1 and "SeTimeZonePrivilege" in found[0]


@pytest.mark.parametrize(
    "later",
    [
        TOKEN,  # nothing changed
        ENABLED.replace("(0, 1e51b)", "(0, ff011)"),  # adjusted, with the kernel's trace of it
        ENABLED.replace("Token ID: eede5", "Token ID: eede6"),  # another token at that address
        ENABLED.replace("(0,1e50f)", "(0,2e50f)"),  # of another logon: another start of the machine
        ENABLED.replace("_TOKEN 0xffff898d050a6670", "_TOKEN 0xffff898d050a7000").replace(
            "!token ffff898d050a6670", ""
        ),
        "\n".join(TOKEN.split("\n")[:11]),  # cut in the middle of the privileges
        TOKEN.replace("TokenFlags: 0x2a00", "TokenFlags: 0x2a00").replace("Enabled Default ", "Enabled Default"),
    ],
    ids=["same", "adjusted", "another-id", "another-logon", "another-address", "cut", "blanks"],
)
def test_one_token_not_changed_without_trace(later: str) -> None:
    assert traceless(TOKEN + later) == []


def test_across_two_captures_of_one_machine() -> None:
    """Before and after in two files; the kernel's own adjustment in between is none of it."""
    before = snapshot_of_machine(QUIET)
    rewritten = with_token(QUIET, NOTEPAD, privileges=replace(QUIET.tokens["of-6104"].privileges, enabled=(23, 34)))
    told = across([before, snapshot_of_machine(rewritten), before])
    assert [len(one) for one in told] == [0, 1, 1]
    assert told[1][0].processes[0].process.pid == NOTEPAD and "SeTimeZonePrivilege" in told[1][0].saw
    adjusted = with_token(rewritten, NOTEPAD, modified_id=0x99999)
    assert across([before, snapshot_of_machine(adjusted)]) == [(), ()]
    assert [len(one) for one in across([snapshot_of_text(TOKEN), snapshot_of_text(ENABLED)])] == [0, 1]
    # A file that shows the change itself: the next one is held against what it showed last.
    assert [len(one) for one in across([snapshot_of_text(TOKEN + ENABLED), snapshot_of_text(ENABLED)])] == [0, 0]


def test_findings_of_a_process_and_marks() -> None:
    snapshot = snapshot_of_machine(with_process(QUIET, NOTEPAD, token="system"))
    found = audit(snapshot)
    address = next(row.process.address for row in snapshot.processes if row.process.pid == NOTEPAD)
    assert marks(found) == {address: Severity.IMPOSSIBLE}
    told = [one.rule for one in of_process(found, address)]
    assert told[:2] == ["shared-token", "boot-token"] and set(told[2:]) > {"system-under-user", "child-gained"}
    assert of_process(found, address + 8) == ()
    assert worst_of(found) is Severity.IMPOSSIBLE and worst_of(()) is None
    assert [one.severity.rank for one in found] == sorted(one.severity.rank for one in found)
    assert [one.rule for one in audit(snapshot, only=["boot-token"])] == ["boot-token"]


def test_a_finding_keeps_its_identity_on_another_machine() -> None:
    """What a baseline knows it by has no address and no id in it."""
    machine = with_process(QUIET, NOTEPAD, token="system")
    other = replace(
        machine,
        processes=tuple(replace(one, pid=one.pid + 8 if one.pid > 4200 else one.pid) for one in machine.processes),
    )
    mine, theirs = ({one.identity for one in audit(snapshot_of_machine(each))} for each in (machine, other))
    assert mine == theirs and not any(re.search("0x|[0-9]{4}", one) for one in mine)


def test_holes_of_a_text_are_not_said() -> None:
    snapshot = snapshot_of_text(printed(kernel_of_machine(QUIET)))
    assert isinstance(snapshot.boot.boot, NotSaid) and isinstance(snapshot.logon_sessions, NotSaid)
    assert not snapshot.whole and snapshot.printed and not snapshot.at_once
    assert len(snapshot.processes) == len(QUIET.processes)


@pytest.mark.parametrize("case", some(FIRST_OF_EACH_RULE, 3), ids=named)
def test_a_log_of_memory_says_what_a_dump_says(case: Case, tmp_path: Path) -> None:
    """`dq`, `db` and `dt -v` by hand, no extension: the same findings, with the same evidence, none more or less."""
    assert audit(snapshot_of_memory_log(case.machine, tmp_path)) == audit(snapshot_of_machine(case.machine))


@pytest.mark.parametrize("case", some(INNOCENT[::9], 3), ids=named)
def test_a_log_of_an_innocent_machines_memory(case: Case, tmp_path: Path) -> None:
    found = audit(snapshot_of_memory_log(case.machine, tmp_path))
    assert [(one.rule, one.saw) for one in found if one.severity is not Severity.INFORMATION] == []


def without_tokens(snapshot: Snapshot) -> Snapshot:
    """What a source tells that shows each process's fast reference and no token."""
    rows = tuple(replace(row, token=NotSaid("the log"), tokens={}) for row in snapshot.processes)
    return replace(snapshot, processes=rows)


def sharing(snapshot: Snapshot) -> List[Tuple[str, str]]:
    return [(one.severity.value, one.saw) for one in audit(snapshot) if one.rule == "shared-token"]


@pytest.mark.parametrize(
    "machine, full, less",
    [
        # Its parent's own token is what it has: told by addresses alone.
        (with_process(QUIET, CONHOST, token="of-6488"), ("!", "anyway"), ("!", "anyway")),
        # A sibling's: a copy of explorer's would be no less, which tokens tell.
        (with_process(QUIET, NOTEPAD, token="of-6240"), ("!", "anyway"), ("!", "cannot be told here: the parent's")),
        (
            with_process(QUIET, NOTEPAD, token="of-668"),
            ("!!", "of winlogon"),
            ("!", "cannot be told here: the parent's"),
        ),
        # The kernel's own token is nobody's copy, whatever is in it.
        (with_process(QUIET, NOTEPAD, token="system"), ("!!", "of System"), ("!!", "of System")),
        # A parent that is gone excuses nobody: the list was seen from end to end.
        (with_process(QUIET, NOTEPAD, token="of-668", parent=64), ("!!", "winlogon"), ("!!", "winlogon")),
    ],
    ids=["of the parent", "of a sibling", "of winlogon", "of System", "parent gone"],
)
def test_a_source_that_shows_less_never_accuses_more(
    machine: Machine, full: Tuple[str, str], less: Tuple[str, str]
) -> None:
    whole = snapshot_of_machine(machine)
    for snapshot, (mark, words) in ((whole, full), (without_tokens(whole), less)):
        ((severity, saw),) = sharing(snapshot)
        assert severity == mark and words in saw and not saw.startswith(("winlogon", "System", "cmd"))
    if mark == "!!" and "winlogon" in words:
        ((severity, saw),) = sharing(replace(whole, whole=False))
        assert severity == "!" and "its parent is not among the processes shown" in saw


@pytest.mark.parametrize("more", [20, 31, 50, 51, 70])
def test_the_hash_bits_are_of_the_first_64_groups(more: int) -> None:
    """Wine's dlls/ntdll/sec.c, RtlSidHashInitialize; tests.machine.binary writes them by it."""
    old = QUIET.tokens["of-6104"].groups
    groups = (*old, *(GroupSpec("S-1-5-21-7-8-9-%d" % (2000 + 7 * number), 7) for number in range(more)))
    kernel = kernel_of_machine(with_token(QUIET, NOTEPAD, groups=groups))
    asked = ["sid-hash-bits"]
    assert "sid-hash-bits" not in {one.rule for one in audit(snapshot_of_source(SyntheticSource(kernel)), asked)}
    # The bit of the last entry that has one.
    source = SyntheticSource(kernel)
    at = kernel.tokens["of-6104"]
    last = min(len(old) + more + 2, 64) - 1
    where = at + Structs(kernel.memory, kernel.layouts).offset("_TOKEN", "SidHash.Hash")
    words = [int.from_bytes(source.read(where + 8 * word, 8), "little") for word in range(32)]
    assert sum(word >> last & 1 for word in words) == 2
    word = next(number for number in range(32) if words[number] >> last & 1)
    changed = (words[word] ^ 1 << last).to_bytes(8, "little")
    source = SyntheticSource(kernel).poke_field(
        at,
        "_TOKEN",
        "SidHash.Hash",
        b"".join(changed if number == word else words[number].to_bytes(8, "little") for number in range(32)),
    )
    found = [one for one in audit(snapshot_of_source(source), asked) if one.rule == "sid-hash-bits"]
    assert [one.processes[0].process.pid for one in found] == [NOTEPAD]


@pytest.mark.parametrize("count, more", [(1, ""), (6, ""), (7, " and 1 more"), (9, " and 3 more")])
def test_of_what_changed_without_trace_six_are_named_and_the_others_counted(count: int, more: str) -> None:
    names = ["SeBackupPrivilege", "SeRestorePrivilege", "SeShutdownPrivilege", "SeDebugPrivilege", "SeAuditPrivilege"]
    names += ["SeSystemEnvironmentPrivilege", "SeUndockPrivilege", "SeManageVolumePrivilege", "SeImpersonatePrivilege"]
    named = sorted((NUMBERS[one], one) for one in names[:count])
    rows = {number: " %02d 0x%09x %-33s Attributes - \n" % (number, number, name) for number, name in named}
    rows[23] = " 23 0x000000017 SeChangeNotifyPrivilege           Attributes - Enabled Default \n"
    last = " 34 0x000000022 SeTimeZonePrivilege               Attributes - \n"
    assert rows[23] + last in TOKEN
    before = TOKEN.replace(rows[23] + last, "".join(row for _, row in sorted(rows.items())))
    (saw,) = traceless(before + before.replace("Attributes - \n", "Attributes - Enabled \n"))
    told = saw.split("ModifiedId had not: ")[1]
    assert told == ", ".join(name for _, name in named[:6]) + more


@pytest.mark.parametrize("count, more", [(1, ""), (4, ""), (5, " and 1 more"), (7, " and 3 more")])
def test_of_those_who_share_a_token_four_are_named_and_the_others_counted(count: int, more: str) -> None:
    rows = list(snapshot_of_machine(QUIET).processes[:count])
    names = ["%s (%d)" % (row.process.image_name, row.process.pid or 0) for row in rows[:4]]
    assert _names(rows) == ", ".join(names) + more


# A word or two of each innocent cause, in order: none gets lost, and none is told of another rule.
INNOCENT_WORDS = {
    "shared-token": ["kernel makes", "last handle", "torn between", "two moments", "nothing was won", "neither"],
    "boot-token": ["MemCompression"],
    "twin-token": ["one token twice", "two starts"],
    "nameless-privileges": ["above 36"],
    "traceless-change": ["same ids"],
    "label-entry": ["0xffffffff"],
    "label-and-flags": ["between Low and Medium", "does not set the flag"],
    "flags-and-members": ["torn inside"],
    "sid-hash": ["torn inside"],
    "integrity-off": ["none is documented"],
    "sid-hash-bits": ["another in your build"],
    "token-source": ["authentication packages"],
    "logon-session": ["being closed", "containers", "two starts"],
    "token-order": ["CreateProcessAsUser", "suspended", "clock"],
    "token-flags": ["suspended", "System's own"],
    "user-and-image": ["kiosk", "name of one"],
    "integrity-and-user": ["AppContainer", "UIAccess", "built-in Administrator", "SAFER"],
    "session-and-token": ["between sessions", "SeTcbPrivilege"],
    "parent-and-image": ["used again", "by attribute", "containers"],
    "system-under-user": ["WerFault", "winlogon", "psexec", "used again"],
    "child-gained": ["ModifiedId", "SeImpersonate", "seclogon"],
    "new-credentials": ["/netonly"],
    "impersonates-stronger": ["RPC", "cannot open", "password", "higher level", "removed since"],
    "debug-privilege": ["PowerShell", "developers", "administrative tool"],
    "strong-and-filtered": ["user right"],
    "system-privileges": ["protocol transition", "person's account"],
}


def test_every_innocent_cause_is_told() -> None:
    for rule in RULES:
        words = INNOCENT_WORDS.get(rule.id, [])
        assert len(rule.innocent) == len(words), rule.id
        assert all(word in cause for word, cause in zip(words, rule.innocent)), rule.id


def test_a_process_is_marked_with_the_worst_that_is_said_of_it_whatever_comes_first() -> None:
    row = snapshot_of_machine(QUIET).processes[0]
    address = row.process.address
    worst, odd, quiet = (Finding("r", one, "", (), (row,)) for one in Severity)
    for given, mark in (
        ((worst, odd, quiet), Severity.IMPOSSIBLE),
        ((quiet, odd, worst), Severity.IMPOSSIBLE),
        ((odd, worst, odd), Severity.IMPOSSIBLE),
        ((odd, quiet), Severity.UNUSUAL),
        ((quiet,), None),
        ((), None),
    ):
        assert marks(given) == ({address: mark} if mark else {})
    assert marks((Finding("r", Severity.IMPOSSIBLE, "", ()),)) == {}
    assert worst_of((quiet, odd)) is Severity.UNUSUAL and worst_of((odd, worst)) is Severity.IMPOSSIBLE
