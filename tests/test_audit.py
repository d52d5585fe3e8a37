"""`audit`, `lineage`, `walk --tree`, `diff` of machines, as people run them."""

import gzip
import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest

import kdtoken
import kdtoken.audit as audit
import kdtoken.diff as diff
from kdtoken import cli, lineage, walk
from kdtoken.analysis.audit.finding import Finding, Severity
from kdtoken.analysis.audit.rules import RULES
from kdtoken.cli import dump_report
from kdtoken.cli.beside import judged, with_others
from kdtoken.errors import MemoryUnreadable
from kdtoken.machine.kernel import KernelMachine
from kdtoken.record import RECORDABLE
from kdtoken.render.audit import Report, audit_lines
from kdtoken.source.session import RecordingSource, load_session
from tests.machine.declared import MACHINE
from tests.machine.spec import PrivilegesSpec
from tests.machine.strange import CMD, NOTEPAD, QUIET, child, fresh, with_new, with_process, with_token
from tests.machine.synthetic import SyntheticSource
from tests.schemas import validator
from tests.sessions import INCIDENT_22000, MACHINE_22000
from tests.snapshots import dump_file, kernel_of_machine, printed
from tests.verbs import run_on

ON = PrivilegesSpec((19, 23, 25, 33, 34), (23, 34), (23, 30))
HOSTILE = b"\x1b]0;x\x07=1+1|a"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """Dumps of one machine at four times, the text of a log, and a file that is nothing."""
    folder = tmp_path_factory.mktemp("machines")
    (folder / "symbols").mkdir()
    made: Dict[str, str] = {}
    for name, machine in (
        ("quiet", QUIET),
        ("stolen", with_process(QUIET, NOTEPAD, token="system")),
        ("rewritten", with_token(QUIET, NOTEPAD, privileges=ON)),
        ("adjusted", with_token(QUIET, NOTEPAD, privileges=ON, modified_id=0x99999)),
        (
            "hostile",
            with_new(
                QUIET, replace(child("x.exe", NOTEPAD), name=HOSTILE), fresh(QUIET, CMD, integrity="S-1-16-16384")
            ),
        ),
    ):
        path = dump_file(machine, folder, name)
        made[name] = str(path)
        (folder / (name + ".json")).rename(folder / "symbols" / "one.json")  # the same for all
    (folder / "log.txt").write_text(printed(kernel_of_machine(with_process(QUIET, NOTEPAD, token="system"))))
    (folder / "nothing.dmp").write_bytes(b"\0\1\2nothing at all" * 40)
    made.update(log=str(folder / "log.txt"), nothing=str(folder / "nothing.dmp"), symbols=str(folder / "symbols"))
    return made


def run(verb: Any, *arguments: str) -> Tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = verb.main(list(arguments))
    return code, out.getvalue(), err.getvalue()


def ask(verb: Any, files: Dict[str, str], *arguments: str) -> Tuple[int, str, str]:
    return run(verb, *[files.get(word, word) for word in arguments], "--symbols", files["symbols"])


def data_of(verb: Any, form: str, files: Dict[str, str], *arguments: str) -> Any:
    code, out, _ = ask(verb, files, *arguments, "--json")
    data = json.loads(out)
    validator(form).validate(data)
    return data


def test_one_machine(files: Dict[str, str]) -> None:
    code, out, err = ask(audit, files, "stolen")
    assert code == 1 and not err
    assert (
        "needs a look" in " ".join(out.split()) and "!! boot-token:" in out and "innocent:" in out and "source:" in out
    )
    assert all(len(line) < 100 for line in out.split("\n"))
    code, out, _ = ask(audit, files, "quiet")
    assert code == 0 and "nothing strange" in " ".join(out.split()) and "!" not in out.replace("kdtoken", "")


def test_many_machines_grouped_by_rule(files: Dict[str, str]) -> None:
    code, out, err = ask(audit, files, "quiet", "stolen", "log", "nothing")
    assert code == 2 and out.startswith("2 of 4 need a look.")
    assert out.count("boot-token:") == 1 and out.count("runs under System's own token") == 2
    words = " ".join(out.split())
    assert "nothing strange: " + files["quiet"] in words and "could not be read: " + files["nothing"] in words
    assert files["nothing"] in err
    data = data_of(audit, "audit", files, "quiet", "stolen", "log", "nothing")
    assert [one["needs_a_look"] for one in data["machines"]] == [False, True, True, False]
    assert data["machines"][3]["error"] and data["needs_a_look"] == 2
    assert set(data["rules"]) == {one["rule"] for machine in data["machines"] for one in machine["findings"]}


def test_before_and_after_in_two_files(files: Dict[str, str]) -> None:
    code, out, _ = ask(audit, files, "quiet", "rewritten")
    assert code == 1 and "!! traceless-change" in out and "SeTimeZonePrivilege" in out
    assert ask(audit, files, "quiet", "adjusted")[0] == 0
    assert ask(audit, files, "rewritten")[0] == 0  # by itself it looks as it might


def test_a_baseline_is_not_told_again(files: Dict[str, str], tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_text(ask(audit, files, "stolen", "--json")[1])
    code, out, _ = ask(audit, files, "stolen", "--baseline", str(good))
    assert code == 0 and "known from the baseline" in out and "boot-token" not in out
    code, out, _ = ask(audit, files, "hostile", "--baseline", str(good))
    assert code == 1
    (tmp_path / "bad.json").write_text("[1, 2]")
    for name in ("bad.json", "none.json"):
        code, out, err = ask(audit, files, "quiet", "--baseline", str(tmp_path / name))
        assert code == 2 and not out and "--json" in err and "Traceback" not in err


def test_rules_are_explained() -> None:
    code, out, _ = run(audit, "--explain")
    assert code == 0 and [line.split()[1] for line in out.splitlines() if line[:1] in "!i"] == [
        rule.id for rule in RULES
    ]
    for rule in RULES:
        code, out, _ = run(audit, "--explain", rule.id)
        words = " ".join(out.split())
        assert code == 0 and rule.title in words and " ".join(rule.source.split()) in words
        assert all(" ".join(cause.split()) in words for cause in rule.innocent)
    code, out, err = run(audit, "--explain", "boot-tokem")
    assert code == 2 and "boot-token" in err


def test_one_rule_and_the_extra_one(files: Dict[str, str]) -> None:
    data = data_of(audit, "audit", files, "stolen", "--rule", "shared-token", "--rule", "sid-hash-bits")
    assert {one["rule"] for one in data["machines"][0]["findings"]} == {"shared-token"}


def test_watch_lines_are_printed(files: Dict[str, str]) -> None:
    code, out, _ = ask(audit, files, "stolen", "--watch")
    at = kernel_of_machine(QUIET).processes[NOTEPAD]
    offset = kernel_of_machine(QUIET).layouts.layout("_EPROCESS").field("Token").offset
    assert "ba w8 0x%x" % (at + offset) in out and out.count("ba w8") >= 3
    assert "ba w" not in ask(audit, files, "stolen")[1]


def test_hostile_names_are_escaped_everywhere(files: Dict[str, str]) -> None:
    for verb, words in (
        (audit, ("hostile",)),
        (walk, ("hostile", "--tree")),
        (walk, ("hostile", "--csv")),
        (lineage, ("hostile", "9000")),
        (diff, ("quiet", "hostile")),
    ):
        _, out, err = ask(verb, files, *words)
        assert "1+1" in out, words  # it is there
        assert not set(out + err) & set("\x1b\x07"), words
    cell = next(line for line in ask(walk, files, "hostile", "--csv")[1].splitlines() if line.startswith("9000,"))
    assert ",=" not in cell


def test_lineage(files: Dict[str, str]) -> None:
    code, out, _ = ask(lineage, files, "quiet", "cmd.exe")
    words = " ".join(out.split())
    assert code == 0 and "elevated by UAC" in words and "1. authentication" in words and "Cannot be told" in words
    data = data_of(lineage, "lineage", files, "quiet", "cmd.exe")
    assert [one["pid"] for one in data["path"]] == [668, 4072, 4120, CMD]
    assert data["path"][-1]["change"] == "elevated" and data["token"]["root"] == "authentication"
    # What is strange about a process is said before the line that its token claims.
    stolen = ask(lineage, files, "stolen", "notepad.exe")[1]
    assert "!! notepad.exe (6104) runs under" in " ".join(stolen.split("From parent to child")[0].split())
    quiet = ask(lineage, files, "quiet", "notepad.exe")[1]
    assert "!" not in quiet and "strange" not in quiet
    code, out, err = ask(lineage, files, "quiet", "nobody.exe")
    assert code == 2 and "nobody.exe" in err
    assert "token is not known" in " ".join(ask(lineage, files, "quiet", "6560")[1].split())


def test_the_tree(files: Dict[str, str]) -> None:
    code, out, _ = ask(walk, files, "stolen", "--tree")
    lines = {line.split(" (")[0].split()[-1]: line for line in out.splitlines() if " (" in line and "[" in line}
    assert code == 0 and lines["notepad.exe"].startswith("!! ") and "[elevated" in lines["cmd.exe"]
    assert lines["explorer.exe"].index("explorer") > lines["userinit.exe"].index("userinit")
    data = data_of(walk, "lineage", files, "stolen", "--tree", "--strange")
    # What is strange, and its ancestors.
    assert [one["pid"] for one in data["tree"]] == [668, 4072, 4120, NOTEPAD]


def test_walk_says_it_first(files: Dict[str, str]) -> None:
    code, out, _ = ask(walk, files, "stolen")
    lines = out.splitlines()
    head = lines[: lines.index("")]
    assert code == 0 and next(line for line in head if line[2:3] == "!").startswith("  !! notepad.exe (6104)")
    row = next(at for at, line in enumerate(lines) if line.startswith("6104  notepad.exe"))
    assert "!! shared-token, !! boot-token, " in " ".join(" ".join(lines[row : row + 2]).split())
    assert "Nothing strange among" in ask(walk, files, "quiet")[1]
    data = data_of(walk, "walk", files, "stolen", "--strange")
    assert [row["process"]["pid"] for row in data["processes"]] == [NOTEPAD]
    assert data["processes"][0]["remarks"][0]["severity"] == "!!"


def test_dump_says_it_at_its_top() -> None:
    stolen = SyntheticSource(kernel_of_machine(with_process(QUIET, NOTEPAD, token="system")))
    lines = run_on(stolen, "dump", "notepad.exe")
    at = next(number for number, line in enumerate(lines) if line.startswith("  Strange"))
    assert at < 10 and "!! notepad.exe (6104) runs under" in lines[at]
    data = json.loads("\n".join(run_on(stolen, "dump", "notepad.exe", "--json")))
    validator("dump").validate(data)
    assert {"boot-token", "shared-token"} <= {one["rule"] for one in data["findings"]}
    # One that shares with its parent has won nothing, and that is known only of the parent's own token.
    shared = SyntheticSource(kernel_of_machine(with_process(QUIET, 6520, token="of-6488")))
    found = [line for line in run_on(shared, "dump", "conhost.exe") if "Strange" in line]
    assert len(found) == 1 and found[0].split()[1] == "!"
    assert not any(
        "Strange" in line for line in run_on(SyntheticSource(kernel_of_machine(QUIET)), "dump", "notepad.exe")
    )


def test_an_ordinary_dump_costs_no_more_for_its_findings() -> None:
    """On a live target, where each request takes its time; a file's findings are those of the whole machine."""
    quiet = SyntheticSource(kernel_of_machine(QUIET))
    quiet.about = replace(quiet.about, live=True)
    machine = KernelMachine(quiet)
    machine.find("notepad.exe").dump(False)
    alone = quiet.requests
    quiet.reset_counters()
    run_on(quiet, "dump", "notepad.exe", "--no-check")
    assert quiet.requests == alone + 1  # when the parent began, which tells whether it is the parent


def test_dump_tells_where_to_watch() -> None:
    quiet = SyntheticSource(kernel_of_machine(QUIET))
    lines = run_on(quiet, "dump", "notepad.exe", "--watch")
    assert sum("ba w8 0x" in line for line in lines) == 3 and any("nothing was set" in line for line in lines)


def test_diff_of_machines(files: Dict[str, str]) -> None:
    code, out, _ = ask(diff, files, "quiet", "rewritten")
    assert code == 1 and out.startswith("1 token changed without trace") and "policy: SeTimeZonePrivilege" in out
    code, out, _ = ask(diff, files, "quiet", "stolen")
    assert code == 1 and "1 token replaced" in out and "notepad.exe (6104): token 0x" in " ".join(out.split())
    assert "; ANNA-PC\\Anna, Medium -> NT AUTHORITY\\SYSTEM, System; identity: user" in " ".join(out.split())
    assert max(map(len, out.split("\n"))) <= 100
    assert ask(diff, files, "quiet", "quiet")[0] == 0
    data = data_of(diff, "machines", files, "quiet", "adjusted")
    assert data["exit_code"] == 1 and data["processes"][0]["fate"] == "adjusted" and data["same_start"]
    # A process named on one side is a token, as ever.
    code, out, _ = ask(diff, files, files["quiet"] + "@notepad.exe", files["stolen"] + "@notepad.exe")
    assert code == 1 and "identity" in out.lower()


def test_the_public_function() -> None:
    machine = KernelMachine(SyntheticSource(kernel_of_machine(with_process(QUIET, NOTEPAD, token="system"))))
    assert kdtoken.audit(machine)[0].rule in ("shared-token", "boot-token")


def test_the_verbs_run_as_modules() -> None:
    for verb in ("audit", "lineage"):
        done = subprocess.run(
            [sys.executable, "-m", "kdtoken", verb, "--help"], stdout=subprocess.PIPE, check=True, encoding="utf-8"
        )
        assert "usage: kdtoken " + verb in done.stdout


def test_a_text_with_one_token_and_no_process(tmp_path: Path) -> None:
    kernel = kernel_of_machine(with_token(QUIET, NOTEPAD, privileges=replace(ON, present=(19, 23, 25, 33, 34, 20))))
    text = printed(kernel).split("0: kd> ")
    one = next(part for part in text if part.startswith("!token %x" % kernel.tokens["of-6104"]))
    path = tmp_path / "token.txt"
    path.write_text("0: kd> " + one)
    code, out, _ = run(audit, str(path))
    assert code == 1 and "SeDebugPrivilege" in out and "0x%x" % kernel.tokens["of-6104"] in out


def test_what_could_not_be_read_is_no_clean_bill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a machine whose list of processes is gone nothing strange is known, and nothing else: exit code 1."""
    rows = [json.loads(line) for line in gzip.open(str(MACHINE_22000), "rt", encoding="utf-8").read().splitlines()]
    head = next(row["address"] for row in rows if row.get("symbol") == "PsActiveProcessHead")
    kept = [row for row in rows if "memory" not in row or not _holds(row, int(head, 16))]
    path = tmp_path / "torn.kdtoken"
    path.write_text("\n".join(json.dumps(row) for row in kept) + "\n", encoding="utf-8")
    code = audit.main([str(path)])
    out = capsys.readouterr().out
    assert code == 1 and "nothing strange in what could be read" in " ".join(out.split()) and "not whole: " in out


def _holds(row: "dict[str, str]", address: int) -> bool:
    start = int(row["memory"], 16)
    return start <= address < start + len(row["bytes"]) // 2


@pytest.mark.parametrize("asked", ["6520", "conhost.exe", "6740", "6104"])
def test_dump_says_of_a_process_what_audit_says(asked: str) -> None:
    """By its id or by its name: a shared token is told, and no worse than among all processes."""
    machine = SyntheticSource(kernel_of_machine(MACHINE))
    data: Any = json.loads("\n".join(run_on(machine, "dump", asked, "--json")))
    whole = kdtoken.audit(KernelMachine(SyntheticSource(kernel_of_machine(MACHINE))))
    here = int(data["process"]["address"], 16)
    told = [(one.rule, one.severity.value, one.saw) for one in whole if one.processes[0].process.address == here]
    assert [(one["rule"], one["severity"], one["saw"]) for one in data["findings"]] == told
    assert ("shared-token" in [rule for rule, _, _ in told]) == (asked != "6104")
    sharers = {one["pid"] for one in data["shared_with"]}
    assert sharers == {"6520": {6488}, "conhost.exe": {6488}, "6740": {4072, 6700, 6780}, "6104": set()}[asked]


def test_a_recording_of_one_process_holds_no_others_token(tmp_path: Path) -> None:
    """What `dump` reads of a file to judge a process by is none of what `record dump` keeps."""
    kernel = kernel_of_machine(QUIET)
    recording = RecordingSource(SyntheticSource(kernel))
    parser = cli.parser("dump", "")
    dump_report.add_arguments(parser)
    assert RECORDABLE["dump"].report(KernelMachine(recording), parser.parse_args(["6104"]))
    recording.save(tmp_path / "x.kdtoken.gz")
    kept = load_session(str(tmp_path / "x.kdtoken.gz"))
    assert kept.read(kernel.tokens["of-6104"], 16)
    with pytest.raises(MemoryUnreadable):
        kept.read(kernel.tokens["of-744"], 16)


def test_a_list_of_processes_begins_with_what_is_strange_among_those_that_it_shows() -> None:
    """cmd.exe and its conhost.exe are at High, and of each something is said; of two others, too."""
    whole, filtered = (run(walk, str(MACHINE_22000), *words)[1] for words in ((), ("--integrity", "high")))
    assert "SearchIndexer. (6040) was started by" in whole and "not shown" not in whole
    head = filtered.partition(" PID ")[0]
    assert "cmd.exe (6488) has SeDebug" in head and "SearchIndexer" not in head
    assert "(2 more findings about processes that are not shown here)" in head
    head = run(walk, str(MACHINE_22000), "--tree", "--user", "system")[1].partition("System (4)")[0]
    assert "Nothing strange among these; 4 more findings about processes that are not shown here." in head
    # A stolen token is told, whoever was asked for.
    head = run(walk, str(INCIDENT_22000), "--user", "anna")[1].partition(" PID ")[0]
    assert "!! mspaint.exe (6240) runs under the very token object of winlogon.exe (668)" in head


def test_what_could_not_be_read_of_many_processes_is_one_line() -> None:
    ways = tuple("pid %d: _ETHREAD list: Flink of 0x%x is unreadable" % (pid, pid * 16) for pid in (4, 8, 12))
    text = audit_lines([Report("here", "10.0", 3, problems=(*ways, "the list of processes is torn"))])
    assert [line for line in text if line.startswith("not whole")] == [
        "not whole: pid 4: _ETHREAD list: Flink of 0x40 is unreadable; and 2 more like it (--json lists all)",
        "not whole: the list of processes is torn",
    ]
    two = audit_lines([Report("here", "10.0", 3, problems=ways[:2])])
    assert [line for line in two if line.startswith("not whole")] == ["not whole: " + one for one in ways[:2]]


def test_a_rule_that_is_not_there_tells_where_they_are_listed() -> None:
    code, _, err = run(audit, "--explain", "stolen-token")
    assert code == 2 and err.endswith(
        "next: near: twin-token, shared-token, boot-token; kdtoken audit --explain lists them\n"
    )


def test_watch_lines_are_of_what_needs_a_look_and_has_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding of the machine as a whole has none; information needs no look."""
    machine = KernelMachine(SyntheticSource(kernel_of_machine(QUIET)))
    snapshot = machine.snapshot()
    first, second = snapshot.processes[:2]
    found = (
        Finding("of-all", Severity.IMPOSSIBLE, "x", ()),
        Finding("known", Severity.INFORMATION, "x", (), (first,)),
        Finding("odd", Severity.UNUSUAL, "x", (), (second, first)),
        Finding("worse", Severity.IMPOSSIBLE, "x", (), (second,)),
    )
    monkeypatch.setattr(audit, "run_rules", lambda one: found)
    options = cli.parser("audit", "")
    audit.add_arguments(options)
    lines = audit._watch(machine, snapshot, options.parse_args(["--watch"]))
    assert lines and {line.split(" ")[0] for line in lines} == {"%x" % second.process.address}
    assert len(lines) == len(set(lines)) and audit._watch(machine, snapshot, options.parse_args([])) == ()


def test_a_source_that_cannot_be_read_loses_none_behind_it(files: Dict[str, str]) -> None:
    code, out, _ = ask(audit, files, "quiet", "nothing", "stolen")
    assert code == 2 and out.startswith("1 of 3 needs a look.") and "boot-token:" in out
    data = data_of(audit, "audit", files, "nothing", "stolen", "quiet")
    assert [one["source"] for one in data["machines"]] == [files[name] for name in ("nothing", "stolen", "quiet")]
    assert [one["needs_a_look"] for one in data["machines"]] == [False, True, False]


@pytest.mark.parametrize("option", ["--session", "--log", "--dump"])
def test_of_a_source_by_an_option_a_word_is_a_process_even_if_a_file_is_called_so(
    option: str, files: Dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notepad.exe").write_bytes(b"MZ")
    named = {"--session": str(MACHINE_22000), "--log": files["log"], "--dump": files["quiet"]}[option]
    symbols = ["--symbols", files["symbols"]] if option == "--dump" else []
    code, out, err = run(lineage, option, named, "notepad.exe", *symbols)
    assert code == 0 and "notepad.exe (6104)" in " ".join(out.split()), err


def test_a_process_alone_is_judged_by_its_parent() -> None:
    """Who is recorded alone is told with its parent and no others; a list that was read tells all of them."""
    machine = KernelMachine(SyntheticSource(kernel_of_machine(QUIET)))
    found = machine.find(str(CMD))
    assert found.others is None
    beside, _ = judged(machine, found, found.dump(), True)
    assert [one.process.pid for one in beside.processes] == [CMD, 4120] and not beside.whole
    listed = with_others(machine, found, False)
    beside, _ = judged(machine, listed, listed.dump(), True)
    assert sorted(one.process.pid for one in beside.processes) == sorted(one.pid for one in QUIET.processes)
    assert beside.whole
