"""`walk`: every process of the declared machine, its filters, its forms, and what it costs."""

import csv
import gc
import io
import json
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken import cli, walk
from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import audit, of_process
from kdtoken.cli.output import nothing_collected
from kdtoken.cli.walk_report import level_of
from kdtoken.errors import SymbolNotFound, UsageError
from kdtoken.frozen import replace
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.absent import Absent, NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import NUMBERS, Privilege, privileges_of
from kdtoken.model.process import FastRef, Process, ProcessDetails, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.render.audit import head_lines, remarks_data
from kdtoken.render.json import plain
from kdtoken.render.marked import segments
from kdtoken.render.walk import _marked_oddities, _row, _user, csv_lines, csv_text, text_lines
from kdtoken.render.walk_files import Part
from kdtoken.render.walk_json import json_rows
from kdtoken.render.words import set_command
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, WINDOWS_11, kernel_of, layouts_of_build
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import build
from tests.machine.synthetic import SyntheticSource
from tests.snapshots import snapshot_of_machine
from tests.test_analysis_audit_users import FULL, SERVICE, SYSTEM, process
from tests.verbs import main_on, run_on

KERNEL = kernel_of(WINDOWS_11)
LEVELS = {"S-1-16-0": 0, "S-1-16-4096": 0x1000, "S-1-16-8192": 0x2000, "S-1-16-12288": 0x3000, "S-1-16-16384": 0x4000}


@pytest.fixture
def target() -> SyntheticSource:
    return SyntheticSource(KERNEL).with_commands()


def as_json(target: Any, *arguments: str) -> Dict[str, Any]:
    data: Dict[str, Any] = json.loads("\n".join(run_on(target, "walk", "--json", *arguments)))
    return data


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_process_of_the_declaration(path: Any) -> None:
    rows = as_json(SyntheticSource(kernel_of(path)), "--threads")["processes"]
    assert [row["process"]["pid"] for row in rows] == [one.pid for one in MACHINE.processes]
    for row, declared in zip(rows, MACHINE.processes):
        assert row["process"]["address"] == hex(kernel_of(path).processes[declared.pid])
        assert [one["tid"] for one in row["threads"]] == [one.tid for one in declared.threads]
        busy = {one.tid: one for one in declared.threads if one.impersonates and not one.stale}
        assert {one["tid"] for one in row["threads"] if one["impersonation"]} == set(busy)
        for one in row["threads"]:
            if one["impersonation"]:
                spec = busy[one["tid"]]
                assert one["impersonation"]["level"]["value"] == spec.level
                assert one["impersonation"]["effective_only"] == spec.effective_only
                assert one["impersonation"]["token"] == hex(kernel_of(path).tokens[str(spec.impersonates)])
        if declared.token is None:
            assert row["token"] is None
            continue
        token = MACHINE.tokens[declared.token]
        assert row["token"]["user"]["sid"] == token.user
        assert row["token"]["integrity"] == LEVELS[token.integrity]
        numbers = set(token.privileges.present) & set(token.privileges.enabled)
        assert len(row["token"]["enabled_privileges"]) == len(numbers)


def pids(lines: List[str]) -> List[int]:
    """The first column of the table, which stands between the heading and an empty line."""
    table = lines[lines.index("") + 2 :]
    return [int(line.split()[0]) for line in table[: table.index("")] if line[:8].strip()]


def test_filters(target: SyntheticSource) -> None:
    def declared(wanted: Any) -> List[int]:
        tokens = [(one.pid, MACHINE.tokens[one.token]) for one in MACHINE.processes if one.token]
        return [pid for pid, token in tokens if wanted(token)]

    high = declared(lambda token: token.integrity == "S-1-16-12288")
    for text in ("high", "High", "0x3000", "12288"):
        assert pids(run_on(target, "walk", "--integrity", text)) == high
    assert pids(run_on(target, "walk", "--user", "anna-pc\\anna", "--integrity", "low")) == declared(
        lambda token: token.integrity == "S-1-16-4096"
    )
    assert pids(run_on(target, "walk", "--user", "S-1-5-20")) == declared(lambda token: token.user == "S-1-5-20")
    assert run_on(target, "walk", "--user", "nobody")[-1] == "0 of 31 processes"


def test_a_filter_finds_who_is_impersonated(target: SyntheticSource) -> None:
    found = as_json(target, "--threads", "--user", "ANONYMOUS LOGON")["processes"]
    assert [row["process"]["pid"] for row in found] == [1120]


def test_usage(target: SyntheticSource) -> None:
    with pytest.raises(UsageError, match="no integrity level is called 'hihg'"):
        run_on(target, "walk", "--integrity", "hihg")
    with pytest.raises(UsageError, match="--json or --csv, not both"):
        run_on(target, "walk", "--json", "--csv")


def test_without_symbols_nothing_is_guessed(target: SyntheticSource, monkeypatch: pytest.MonkeyPatch) -> None:
    target.without_symbol("PsActiveProcessHead")
    with pytest.raises(SymbolNotFound):
        run_on(target, "walk")
    code, out, err = main_on(monkeypatch, target, "walk")
    assert (code, out) == (2, "") and err.startswith("kdtoken: the synthetic kernel has no symbol PsActiveProcessHead")


def test_a_torn_list_is_a_note_and_the_rest_is_kept(target: SyntheticSource) -> None:
    link = KERNEL.processes[4120] + KERNEL.layouts.layout("_EPROCESS").field("ActiveProcessLinks").offset
    target.poke(link, (0xFFFFDEAD00001000).to_bytes(8, "little"))
    lines = run_on(target, "walk")
    assert pids(lines) == [one.pid for one in MACHINE.processes]  # the way back along Blink finds them all
    assert any(line.startswith("!! ") for line in lines)
    assert as_json(target)["problems"]


@pytest.mark.parametrize("form", ["--csv", "--json", "--tree", "--threads"])
def test_a_torn_list_shows_in_the_exit_code_and_beside_the_rows(
    form: str, target: SyntheticSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of CSV have no room for what is missing from them: it is on stderr, once."""
    assert main_on(monkeypatch, target, "walk", form)[0] == 0
    link = KERNEL.processes[4120] + KERNEL.layouts.layout("_EPROCESS").field("ActiveProcessLinks").offset
    target.poke(link, (0xFFFFDEAD00001000).to_bytes(8, "little"))
    code, out, err = main_on(monkeypatch, target, "walk", form)
    assert code == 1 and out.count("notepad.exe") >= 1
    assert ("some in between may be missing" in err) == (form == "--csv") and "Traceback" not in err


# What a cell may hold, by the name of an account; and what stands first in a field of it where that separator counts.
EVIL = ("x;=cmd|'/C calc'!A0;y", "x\t=1+1", "+1", "-1;-2", "@SUM(1)", 'a;"=1"', "a| =1", "\uff1d1", "x,@1", ";;=1")


@pytest.mark.parametrize("separator", list(",;\t| :") + ['"'])
@pytest.mark.parametrize("evil", EVIL)
def test_csv_cells_are_inert_with_any_list_separator(evil: str, separator: str) -> None:
    """As a spreadsheet reads the line that takes this separator for its own: no field begins a formula."""
    for line in csv_text([["1", evil, "3"]]):
        for field in line.split(separator):
            assert field.strip(' "')[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20"), (line, field)


def test_csv_leaves_alone_what_begins_nothing() -> None:
    assert csv_text([["a-b", "S-1-5-18", "x=1", "c++"]]) == ["a-b,S-1-5-18,x=1,c++"]


def test_csv_is_read_back_and_starts_no_formula(target: SyntheticSource) -> None:
    rows = list(csv.DictReader(io.StringIO("\n".join(run_on(target, "walk", "--csv")))))
    assert [int(row["pid"]) for row in rows] == [one.pid for one in MACHINE.processes]
    assert next(row for row in rows if row["pid"] == "6700")["image"] == 'a;.quit"x'
    machine = build(MACHINE, layouts_of_build(WINDOWS_11))
    evil = SyntheticSource(machine)
    name = KERNEL.layouts.layout("_EPROCESS").field("ImageFileName").offset
    evil.poke(machine.processes[6104] + name, b"=cmd|'/c calc'!")
    rows = list(csv.DictReader(io.StringIO("\n".join(run_on(evil, "walk", "--csv")))))
    assert next(row for row in rows if row["pid"] == "6104")["image"].startswith("'=cmd")


def test_protection_in_short_words(target: SyntheticSource) -> None:
    lines = run_on(target, "walk")
    assert any(" lsass.exe " in line and "PPL-Lsa" in line for line in lines)


def test_cost_and_each_token_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from kdtoken.decode import process_dump

    decoded: List[int] = []
    real = process_dump.decode_token

    def counting(target: Any, address: int, *rest: Any) -> Any:
        decoded.append(address)
        return real(target, address, *rest)

    monkeypatch.setattr(process_dump, "decode_token", counting)
    for machine in (MACHINE, grown(MACHINE, 120, 60), grown(MACHINE, 120, len(MACHINE.tokens))):
        decoded.clear()
        target = CachedSource(SyntheticSource(build(machine, layouts_of_build(WINDOWS_11))))
        run_on(target, "walk")
        tokens = {one.token for one in machine.processes if one.token}
        assert len(decoded) == len(set(decoded)) == len(tokens)
        assert target.requests <= 2 * len(machine.processes) + 2 * len(tokens) + 5


def test_a_build_without_integrity_levels_says_so() -> None:
    """Not an empty table: before Vista there was nothing to match."""
    target = SyntheticSource(KERNEL).without_field("_TOKEN", "IntegrityLevelIndex")
    lines = run_on(target, "walk", "--integrity", "high")
    assert any("tokens of this build have no integrity level" in line for line in lines)
    lines = run_on(SyntheticSource(KERNEL), "walk", "--integrity", "0x1234")
    assert not any("no integrity level" in line for line in lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_tokens_have_in_common_is_never_taken_for_another(path: Any) -> None:
    """Pieces of JSON are made once for all tokens of a walk: each row is the one that it is by itself."""
    rows = list(KernelMachine(SyntheticSource(kernel_of(path))).walk(threads=True).rows)
    assert list(json_rows(rows, True)) == [text for row in rows for text in json_rows([row], True)]
    assert list(json_rows(rows[::-1], True)) == list(json_rows(rows, True))[::-1]


def numbers() -> st.SearchStrategy[Any]:
    odd = [0, 4, -1, (1 << 53) - 1, 1 << 53, 0xFFFF800000000010, (1 << 63) - 1, 133_000_000_000_000_000]
    return st.sampled_from([*odd, None, Unreadable(0x10, "paged out"), Absent("_X.Y"), NotSaid("this text"), True])


@given(numbers(), numbers(), numbers(), st.text(max_size=8), st.integers(0, (1 << 64) - 1), st.sampled_from([0, 7, 15]))
def test_a_row_says_of_a_process_what_every_other_report_says(
    pid: Any, time: Any, other: Any, name: str, value: int, mask: int
) -> None:
    """The writer of rows knows the usual kinds of values; in JSON each is what `plain` and `named` make of it."""
    process = Process(0xFFFF800000000010, pid, name, FastRef(value, mask), other)
    details = ProcessDetails(time, other, pid, time, 0x10, session_id=other, token_frozen=pid)
    for row in (
        ProcessDump(process, details, None),
        ProcessDump(replace(process, token=Unreadable(1, name), image_name=NotSaid("x")), NotSaid("x"), None),
    ):
        (text,) = json_rows([row], False)
        head = json.dumps({"process": plain(row.process), "details": plain(row.details)})[:-1]
        assert text == head + ', "token": null, "remarks": []}'


@pytest.mark.parametrize(
    "name, other",
    [
        ("privileges", privileges_of(1 << 20, 1 << 20, 0)),
        ("user_and_groups", (Group(Sid(5, (19,)), 7),)),
        ("logon_session", None),
        ("authentication_id", Luid(0, 0x777)),
        ("package", Sid(15, (2, 7))),
        ("session_id", 9),
        ("token_type", 2),
        ("impersonation_level", 3),
        ("flags", 0x4800),
        ("integrity_level_index", 0xFFFFFFFF),
        ("mandatory_policy", Absent("_TOKEN.MandatoryPolicy")),
        ("token_id", Luid(0, 7)),
        ("address", 0x1234560),
        ("problems", ("odd",)),
    ],
)
def test_tokens_that_differ_in_one_thing_are_not_written_alike(name: str, other: Any) -> None:
    rows = list(KernelMachine(SyntheticSource(KERNEL)).walk().rows)
    row = next(one for one in rows if isinstance(one.token, Token) and one.token.flags & 8)  # type: ignore[operator]
    token: Any = row.token
    changed = replace(row, token=replace(token, **{"address": token.address + 0x10, name: other}))
    alone = [text for one in (row, changed, row) for text in json_rows([one], False)]
    assert list(json_rows([row, changed, row], False)) == alone and alone[0] != alone[1]
    if name != "address":
        same = replace(row, token=replace(token, address=token.address + 0x10))
        assert list(json_rows([same], False)) != alone[1:2]  # what differs is told


def test_no_row_outlives_its_walk_where_the_collector_rests() -> None:
    """An error that is kept keeps the frames that it came through, and what these had: here all tokens."""

    def tokens() -> int:
        return sum(type(one) is Token for one in gc.get_objects())

    before = tokens()
    source = SyntheticSource(KERNEL)
    source.without_pages([KERNEL.tokens["notepad"]])
    with nothing_collected():
        rows = list(KernelMachine(source).walk(threads=True).rows)
        assert any(isinstance(row.token, Unreadable) for row in rows) and tokens() > before + 20
        del rows
        assert tokens() == before


def test_what_came_while_the_collector_rested_is_not_gone_through_at_once() -> None:
    gc.unfreeze()
    with nothing_collected():
        kept = [[number] for number in range(5000)]
        assert gc.get_count()[0] > 4000
    assert gc.get_count()[0] < 1000 and gc.get_freeze_count() == 0 and len(kept) == 5000
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with nothing_collected():
            pass
        assert gc.get_freeze_count() == frozen  # somebody's own stay frozen
    finally:
        gc.unfreeze()


def test_the_collector_rests_while_rows_are_made_and_goes_on_afterwards(target: SyntheticSource) -> None:
    """Also after an error; one that was off before stays off."""
    seen = []
    with nothing_collected():
        seen.append(gc.isenabled())
    with pytest.raises(ValueError), nothing_collected():
        raise ValueError
    assert seen == [False] and gc.isenabled()
    gc.disable()
    try:
        with nothing_collected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_sessions_cookie_and_types_are_read_once_a_walk() -> None:
    """However many tokens hang on them: twice the processes, the same reads of what they share."""
    reads = []
    for count in (100, 200):
        seen: List[int] = []

        class Watched(SyntheticSource):
            def read(self, address: int, size: int, seen: List[int] = seen) -> bytes:
                seen.append(address)
                return super().read(address, size)

        kernel = build(grown(MACHINE, count, count), layouts_of_build(WINDOWS_11))
        source = Watched(kernel)
        source.cheap = True  # no cache in front
        list(KernelMachine(source).walk().rows)
        shared = {*kernel.logon_sessions.values(), kernel.symbols["ObHeaderCookie"]}
        reads.append(sorted((address, seen.count(address)) for address in shared & set(seen)))
    assert [count for _, count in reads[0]] == [count for _, count in reads[1]] and reads[0]
    assert max(count for _, count in reads[1]) == 1


def test_remarks_of_all_processes_are_looked_up_once() -> None:
    """2,000 processes with 4,000 findings: each row asks for its own and goes through no others."""

    class Counted(list):  # type: ignore[type-arg]
        gone_through = 0

        def __iter__(self) -> Any:
            Counted.gone_through += 1
            return super().__iter__()

    seen = snapshot_of_machine(MACHINE)
    findings = Counted(audit(seen))
    assert findings and len(seen.processes) > 20
    plain_rows = [
        json.dumps(remarks_data(of_process(findings, row.process.address), row.process.address))
        for row in seen.processes
    ]
    Counted.gone_through = 0
    rows = list(json_rows(seen.processes, False, findings=findings))
    table = csv_lines(seen.processes, findings=findings)
    assert Counted.gone_through == 2 and len(table) == len(rows) + 1
    assert [json.dumps(json.loads(row)["remarks"]) for row in rows] == plain_rows
    assert any(json.loads(row) for row in plain_rows)


def test_of_a_service_account_four_strong_privileges_are_counted_and_three_are_listed() -> None:
    held = ["SeTcbPrivilege", "SeDebugPrivilege", "SeBackupPrivilege", "SeRestorePrivilege"]

    def notes(token: Token, *names: str) -> str:
        privileges = tuple(Privilege(NUMBERS[name], name, True, True, True) for name in sorted(names))
        row = process(replace(token, privileges=privileges))
        lines = text_lines([row], "here", 1, [], False)
        at = next(at for at, line in enumerate(lines) if line.split()[:1] == ["8"])
        return " ".join(" ".join(lines[at : at + 2]).split())  # what has no room in the row stands below it

    for token in (SYSTEM, SERVICE):
        assert notes(token, *held[:3]).endswith("+Backup +Debug +Tcb")
        assert notes(token, *held).endswith("4 sensitive")
    # Anybody else's are listed, however many there are.
    assert notes(FULL, *held).endswith("+Backup +Debug +Restore +Tcb")


@pytest.mark.parametrize(
    "text, level",
    [
        ("0x2010", 0x2010),
        ("8448", 8448),
        ("0", 0),
        ("medium plus", 0x2100),
        ("Medium-Plus", 0x2100),
        ("0x80000000", 1 << 31),  # the last sub-authority of S-1-16-LEVEL has 32 bits
        ("4294967295", (1 << 32) - 1),
        ("4294967296", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_a_level_by_its_word_or_its_number(text: str, level: Any) -> None:
    if level is None:
        with pytest.raises(UsageError, match="no integrity level is called"):
            level_of(text)
    else:
        assert level_of(text) == level


def test_a_user_that_nobody_can_name_is_told_by_the_ends_of_its_sid() -> None:
    account = Sid.from_text("S-1-5-21-1004336348-1177238915-682003330-1001")
    assert _user("<domain user or group>", account) == "S-1-5-21-...-1001"
    assert _user("<unknown>", Sid.from_text("S-1-9-7")) == "S-1-9-7"
    assert _user("NT AUTHORITY\\SYSTEM", Sid.from_text("S-1-5-18")) == "SYSTEM"
    assert _user("ANNA-PC\\Anna", account) == "ANNA-PC\\Anna"


def test_inside_windbg_the_head_names_the_command_that_is_typed_there() -> None:
    finding = Finding("shared-token", Severity.UNUSUAL, "it is said so", ())
    assert "kdtoken audit --explain RULE" in " ".join(head_lines([finding], 1))
    set_command("!py -m kdtoken.VERB ARGUMENTS")
    try:
        assert "!py -m kdtoken.audit --explain RULE" in " ".join(head_lines([finding], 1))
    finally:
        set_command()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--csv"], ["a.dmp: the list is torn", "a.dmp: another", "b.dmp: gone"]),
        (["--parquet", "out.parquet"], ["a.dmp: the list is torn", "a.dmp: another", "b.dmp: gone"]),
        (["--json"], ["b.dmp: gone"]),  # these two have room for problems
        ([], ["b.dmp: gone"]),
    ],
)
def test_problems_that_the_form_has_no_room_for_are_told_beside_it(
    options: List[str], told: List[str], capsys: pytest.CaptureFixture[str]
) -> None:
    parser = cli.parser("walk", "")
    walk.add_arguments(parser)
    parser.add_argument("--parquet")
    parts = [
        Part("a.dmp", "", {}, ("the list is torn", "another"), 3),
        Part("b.dmp", "", {}, (), 0, error="gone"),
        Part("c.dmp", "", {}, (), 5),
    ]
    bad: List[str] = []
    torn: List[str] = []
    assert list(walk._watched(iter(parts), bad, torn, parser.parse_args(options), 3)) == parts
    assert (bad, torn) == (["b.dmp"], ["a.dmp"])
    said = [line for line in capsys.readouterr().err.splitlines() if line]
    assert said == ["kdtoken: " + one for one in told]


@pytest.mark.parametrize(
    "room, length, beside",
    [(20, 40, True), (19, 38, False), (20, 45, False), (45, 45, True), (45, 40, True), (20, 20, True)],
)
def test_notes_stand_beside_a_row_where_two_lines_of_twenty_columns_hold_them(
    room: int, length: int, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they are told below, over the whole width."""
    notes = ("note " * 20)[: length - 1] + "."
    cell = "c" * (99 - room - 5)  # two blanks before and behind it
    lines = _row(["4", cell], [1, len(cell)], notes)
    assert len(lines[0].split(notes[:4])[0]) <= 99
    assert (notes[:4] in lines[0]) is beside and " ".join(" ".join(lines).split()).endswith(notes)
    assert all(len(line) <= 99 for line in lines)


def test_the_columns_of_rows_for_programs(target: SyntheticSource) -> None:
    """docs/reference and scripts of others know them by name and by place: a new one comes last."""
    (head, *_) = run_on(target, "walk", "--csv")
    first = "pid,image,session,user,sid,integrity,elevation,oddities,privileges,token,eprocess,remarks"
    assert head == first


@pytest.mark.parametrize(
    "text, parts",
    [
        ("", []),
        ("restricted", []),
        ("!! restricted", ["!!"]),
        ("a, !! b", ["!!"]),
        ("!! a, b, !! c", ["!!", "!!"]),
        ("a!! b, c", []),  # a mark stands at the start
        ("!!a", []),
    ],
)
def test_marks_of_what_is_odd_are_coloured_and_nothing_is_lost(text: str, parts: List[str]) -> None:
    line = _marked_oddities(text)
    assert str(line) == text
    assert [part for part, style, _ in segments(line) if style == "impossible"] == parts
