"""`report` as people run it: sources of every kind, exit codes, a file that is whole or not there."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Dict, Tuple

import pytest

from kdtoken import audit, report
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.open import open_machine
from tests.machine.spec import PrivilegesSpec
from tests.machine.strange import NOTEPAD, QUIET, with_process, with_token
from tests.machine.synthetic import SyntheticSource
from tests.report_pages import Page, seen_of
from tests.snapshots import dump_file, kernel_of_machine, printed

pytest.importorskip("jinja2")

ROOT = Path(__file__).resolve().parent.parent
STOLEN = with_process(QUIET, NOTEPAD, token="system")
# The token's privileges are others than before, and its ModifiedId is not.
REWRITTEN = with_token(QUIET, NOTEPAD, privileges=PrivilegesSpec((19, 23, 25, 33, 34), (23, 34), (23, 30)))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """Dumps of a quiet and a strange machine, the text of a log, whoami's, and a file that is nothing."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "symbols").mkdir()
    made = {}
    for name, machine in (("quiet", QUIET), ("stolen", STOLEN), ("rewritten", REWRITTEN)):
        made[name] = str(dump_file(machine, folder, name))
        (folder / (name + ".json")).rename(folder / "symbols" / "one.json")
    (folder / "log.txt").write_text(printed(kernel_of_machine(STOLEN)))
    (folder / "nothing.dmp").write_bytes(b"\0\1\2nothing at all" * 40)
    made.update(log=str(folder / "log.txt"), nothing=str(folder / "nothing.dmp"), symbols=str(folder / "symbols"))
    made["whoami"] = str(ROOT / "fixtures" / "views" / "whoami-list.txt")
    made["two"] = str(ROOT / "fixtures" / "views" / "whoami-all.txt")
    made["none"] = str(ROOT / "fixtures" / "views" / "process-threads.txt")
    return made


def run(files: Dict[str, str], out: Path, *words: str) -> Tuple[int, str, str]:
    told, wrong = io.StringIO(), io.StringIO()
    with redirect_stdout(told), redirect_stderr(wrong):
        code = report.main([*[files.get(word, word) for word in words], "--symbols", files["symbols"], "-o", str(out)])
    return code, told.getvalue(), wrong.getvalue()


def test_one_machine_is_one_file(files: Dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    code, told, wrong = run(files, out, "stolen")
    page = Page(out.read_text(encoding="utf-8"))
    assert (
        code == 1 and not wrong and told.startswith("%s: %d processes of 1 source\nfindings: " % (out, len(page.rows)))
    )
    assert len(page.rows) == len(QUIET.processes) and any("System's own token" in one for one in page.findings)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert run(files, out, "quiet")[0] == 0


def test_many_machines_one_of_them_broken(files: Dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    code, told, wrong = run(files, out, "quiet", "nothing", "stolen")
    page = Page(out.read_text(encoding="utf-8"))
    assert code == 2 and files["nothing"] in wrong and "Traceback" not in wrong and "of 3 sources" in told
    assert "1 of 3 machines needs a look. 1 could not be read." in page.text and files["nothing"] in page.text
    assert len(page.rows) == 2 * len(QUIET.processes)


def test_what_changed_between_two_of_one_machine(files: Dict[str, str], tmp_path: Path) -> None:
    code, told, _ = run(files, tmp_path / "report.html", "quiet", "rewritten")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert code == 1 and "findings: 1 that cannot" in told and "traceless-change" in page.text


def test_a_log_has_rows_and_cards_with_holes(files: Dict[str, str], tmp_path: Path) -> None:
    code, _, wrong = run(files, tmp_path / "report.html", "log")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert code == 1 and not wrong and len(page.rows) == len(QUIET.processes)
    words = page.data["strings"]
    assert any(one.startswith("-  not said by !token") for one in words)


def test_a_token_by_itself_has_a_card(files: Dict[str, str], tmp_path: Path) -> None:
    """whoami tells of a token and of no process."""
    code, told, wrong = run(files, tmp_path / "report.html", "whoami")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert (code, wrong, page.rows) == (0, "", [])
    assert told.endswith("report.html: 1 token of a text, which tells of no process: nothing was judged\n")
    assert "It tells of no process, so there was nothing to judge." in page.text and "Nothing strange" not in page.text
    assert len(page.data["tokens"]) == 1 and any(
        one.startswith("lab\\anna  (S-1-5-21-") for one in page.data["strings"]
    )
    assert [value for tag, name, value in page.attributes if tag == "li" and name == "id"] == ["t0"]
    run(files, tmp_path / "report.html", "two")
    assert len(Page((tmp_path / "report.html").read_text(encoding="utf-8")).data["tokens"]) == 2


def test_a_process_without_a_token_is_a_row(files: Dict[str, str], tmp_path: Path) -> None:
    code, _, wrong = run(files, tmp_path / "report.html", "none")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert (code, wrong) == (1, "")  # as audit has it: nothing could be judged
    words = page.data["strings"]
    assert all(any(at in words[one[7]] for one in page.data["processes"]) for at in ("c10203040040", "c10203042080"))
    assert {row.cells[1] for row in page.rows} == {"token not known"}


def test_what_cannot_be_read_leaves_no_file(files: Dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    code, told, wrong = run(files, out, "nothing")
    assert code == 2 and not told and files["nothing"] in wrong and not out.exists()
    out.write_text("before")
    assert run(files, out, "nothing")[0] == 2 and out.read_text() == "before"
    code, told, wrong = run(files, tmp_path / "none" / "report.html", "quiet")
    assert code == 2 and "cannot write the report" in wrong and "next: " in wrong and not told


def test_without_jinja2_one_message_and_no_file(
    files: Dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdtoken.render.html.page.find_spec", lambda name: None)
    code, told, wrong = run(files, tmp_path / "report.html", "quiet")
    assert code == 2 and not told and "needs the package jinja2" in wrong and "kdtoken[report]" in wrong
    assert list(tmp_path.iterdir()) == []


def test_the_file_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["x.dmp"]) == 2
    wrong = capsys.readouterr().err
    assert "-o" in wrong and "--help" in wrong


def test_other_verbs_do_without_jinja2() -> None:
    """Inside WinDbg there is none: it is imported where the page is made, and nowhere else."""
    import subprocess

    code = "import sys, kdtoken.report, kdtoken.dump, kdtoken.walk; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, cwd=str(ROOT))
    assert done.stdout.decode().strip() == "False"


def test_a_program_gets_the_same() -> None:
    seen = seen_of(STOLEN)
    assert seen.report.needs_a_look and seen.report.processes == len(STOLEN.processes)
    machine = KernelMachine(SyntheticSource(kernel_of_machine(QUIET)))
    assert report.judged([report.read(machine)])[0].report.source == machine.about.source


def test_findings_are_chosen_as_audit_chooses_them(files: Dict[str, str], tmp_path: Path) -> None:
    """--rule tells one rule's alone, --baseline what a machine that is known to be good has not."""
    out = tmp_path / "report.html"
    assert run(files, out, "stolen", "--rule", "debug-privilege")[:2] == (
        0,
        "%s: %d processes of 1 source\nfindings: 0 that cannot happen innocently (!!), 0 unusual (!)\n"
        % (out, len(QUIET.processes)),
    )
    assert (
        "findings: 1 that cannot happen innocently (!!), 0 unusual (!)"
        in run(files, out, "stolen", "--rule", "shared-token")[1]
    )
    good = io.StringIO()
    with redirect_stdout(good):
        assert audit.main([files["stolen"], "--symbols", files["symbols"], "--json"]) == 1
    (tmp_path / "good.json").write_text(good.getvalue(), encoding="utf-8")
    code, told, _ = run(files, out, "stolen", "--baseline", str(tmp_path / "good.json"))
    assert code == 0 and "findings: 0 that cannot happen innocently (!!), 0 unusual (!)" in told
    assert (
        "findings: 1 that cannot" in run(files, out, "rewritten", "quiet", "--baseline", str(tmp_path / "good.json"))[1]
    )


def test_another_file_is_left_alone_and_a_report_replaced(files: Dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "notes.html"
    out.write_text("<!DOCTYPE html>mine")
    code, told, wrong = run(files, out, "quiet")
    assert (code, told, out.read_text()) == (2, "", "<!DOCTYPE html>mine")
    assert "notes.html is there already, and no report of ours\n  next: another name, or remove it first" in wrong
    out.write_bytes(b"")  # as mktemp makes it
    assert run(files, out, "quiet")[0] == 0 and run(files, out, "stolen")[0] == 1


def test_a_text_without_processes_is_called_as_it_was_named_or_as_its_source(files: Dict[str, str]) -> None:
    with open_machine(files["whoami"]) as machine:
        assert report.read(machine).report.source == machine.about.source != ""
        named = report.read(machine, "anna's")
        assert named.report.source == "anna's" == getattr(named.snapshot, "label", "") and len(named.tokens) == 1
