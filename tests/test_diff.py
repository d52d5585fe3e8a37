"""The verb: every source, each way to name a token in it, one message for what is none, and the exit codes."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Tuple

import pytest

from kdtoken import cli, diff
from kdtoken.errors import UsageError
from kdtoken.layout.layout_file import load_layouts
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.open import open_machine
from kdtoken.source.session import RecordingSource
from tests.declared_views import WIN11, collected, token_lines, whoami_lines
from tests.dump_bytes import Dump
from tests.engine.volatility import isf
from tests.expected import kernel_of
from tests.fake_image import as_image, fake_image
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.standin_text import process_details, process_head
from tests.machine.synthetic import SyntheticSource
from tests.sessions import MACHINE_22000

MACHINE_FILE = str(MACHINE_22000)
NOTEPAD = MACHINE_FILE + "@notepad.exe"
LOG = Path(__file__).parent.parent / "fixtures" / "logs" / "capture-10.0.22000.2538-synthetic.log.gz"
GOLDEN = Path(__file__).parent.parent / "fixtures" / "golden" / "notepad-22000.json"


def run(capsys: Any, *arguments: object) -> Tuple[int, str, str]:
    """(exit code, stdout, stderr)."""
    code = diff.main([str(one) for one in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def file(folder: Path, name: str, data: Any) -> str:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return str(path)


def refused(capsys: Any, *arguments: object) -> str:
    """The one message of a comparison that cannot be made."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "") and err.startswith("kdtoken: ") and "Traceback" not in err
    assert len(err.strip().split("\n")) <= 2, err
    return err


def first(capsys: Any, *arguments: object) -> Tuple[int, str]:
    code, out, err = run(capsys, *arguments)
    assert err == ""
    return code, out.split("\n")[0]


def test_recordings_and_exit_codes(capsys: Any) -> None:
    assert first(capsys, NOTEPAD, NOTEPAD) == (0, "A and B are the same token")
    assert first(capsys, NOTEPAD, MACHINE_FILE + "@cmd.exe") == (1, "A is B's UAC-filtered twin")
    assert first(capsys, NOTEPAD, MACHINE_FILE + "@4120")[1].startswith("copies of one token")


def test_the_session_of_the_options_is_the_side_before_an_at(capsys: Any) -> None:
    assert first(capsys, "--session", MACHINE_FILE, "@explorer.exe", "live@5300")[1].endswith("another integrity level")
    # A side with a source of its own is read from there.
    assert first(capsys, "--session", MACHINE_FILE, "@notepad.exe", NOTEPAD)[0] == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_texts_in_any_encoding(capsys: Any, tmp_path: Path, encoding: str) -> None:
    for name, text, verdict in (
        ("token.txt", token_lines("notepad"), "A and B are the same token"),
        ("who.txt", whoami_lines("notepad"), "A and B agree in all that both can know"),
        ("collect.json", collected("notepad"), "A and B are the same token"),
    ):
        side = file(tmp_path, name, text.encode(encoding))
        assert first(capsys, NOTEPAD, side) == (0, verdict), name
        assert first(capsys, side, NOTEPAD) == (0, verdict), name
    assert first(capsys, tmp_path / "who.txt", tmp_path / "collect.json")[0] == 0


def test_collect_names_whose_it_is(capsys: Any, tmp_path: Path) -> None:
    data = json.loads(collected("cmd"))
    data["linked"] = json.loads(collected("anna-filtered"))["classes"]
    side = file(tmp_path, "collect.json", json.dumps(data, indent=1))
    assert first(capsys, side, side + "@linked") == (1, "B is A's UAC-filtered twin")
    assert first(capsys, side + "@6104", side + "@NOTEPAD.EXE")[0] == 0
    assert "of pid 6104, notepad.exe" in refused(capsys, side + "@lsass.exe", NOTEPAD)
    alone = file(tmp_path, "alone.json", collected("cmd"))
    assert "no linked token" in refused(capsys, alone + "@linked", NOTEPAD)
    broken = file(tmp_path, "broken.json", collected("cmd")[:-40])
    assert "is not JSON" in refused(capsys, broken, NOTEPAD)


def test_several_tokens_in_one_text(capsys: Any, tmp_path: Path) -> None:
    kernel = kernel_of(WIN11)
    process = next(one for one in MACHINE.processes if one.image_name == b"notepad.exe")
    shown = "\n".join(process_head(kernel, process) + process_details(kernel, process))
    text = "0: kd> !process 0 1\n%s\n0: kd> !token\n%s\n0: kd> !token\n%s" % (
        shown,
        token_lines("cmd"),
        token_lines("notepad"),
    )
    side = file(tmp_path, "both.txt", text)
    said = refused(capsys, side, NOTEPAD)
    assert "holds 2 tokens: #1 0x" in said and "@#1" in said
    addresses = {key: kernel.tokens[key] for key in ("cmd", "notepad")}
    assert first(capsys, NOTEPAD, "%s@%x" % (side, addresses["notepad"]))[0] == 0
    assert first(capsys, NOTEPAD, "%s@0x%x" % (side, addresses["cmd"]))[1] == "A is B's UAC-filtered twin"
    tick = "%016x" % addresses["notepad"]
    assert first(capsys, NOTEPAD, "%s@%s`%s" % (side, tick[:8], tick[8:]))[0] == 0
    assert first(capsys, NOTEPAD, side + "@#2")[0] == 0
    for name in ("notepad.exe", "6104"):
        assert first(capsys, NOTEPAD, "%s@%s" % (side, name))[0] == 0
    for nobody in ("#3", "#0", "#x", "lsass.exe"):
        assert "it holds #1 0x" in refused(capsys, NOTEPAD, "%s@%s" % (side, nobody))


def test_several_users_in_one_text(capsys: Any, tmp_path: Path) -> None:
    text = "C:\\>whoami /all\n\n%s\nC:\\>runas /user:x cmd\nC:\\>whoami /all\n\n%s" % (
        whoami_lines("notepad"),
        whoami_lines("cmd"),
    )
    side = file(tmp_path, "who.txt", text)
    assert "holds 2 tokens: #1 of S-1-5-21-" in refused(capsys, side, NOTEPAD)
    assert first(capsys, side + "@#1", side + "@#2") == (1, "A is B's UAC-filtered twin")
    assert "holds 2 tokens" in refused(capsys, side + "@pc\\anna", NOTEPAD)
    one = file(tmp_path, "one.txt", whoami_lines("notepad"))
    assert first(capsys, one + "@PC\\Anna", NOTEPAD)[0] == 0


def test_a_log_that_shows_the_memory(capsys: Any, tmp_path: Path) -> None:
    log = file(tmp_path, "capture@home.log", gzip.decompress(LOG.read_bytes()))
    code, out, _ = run(capsys, NOTEPAD, log + "@notepad.exe")
    assert code in (0, 1) and "kernel memory: log capture@home.log" in " ".join(out.split())
    assert first(capsys, "--log", log, "@notepad.exe", log + "@notepad.exe") == (0, "A and B are the same token")
    assert "nobody.exe" in refused(capsys, NOTEPAD, log + "@nobody.exe")


def test_a_crash_dump_with_symbols(capsys: Any, tmp_path: Path) -> None:
    layouts = load_layouts(WIN11)
    image = fake_image(layouts)
    dump = file(tmp_path, "memory.dmp", Dump.of(build(MACHINE, layouts, image)).full())
    symbols = file(tmp_path, "symbols.json", json.dumps(isf(layouts, as_image(image))))
    told = file(tmp_path, "who.txt", whoami_lines("notepad"))
    assert first(capsys, "--symbols", symbols, dump + "@notepad.exe", told)[0] == 0
    # --symbols belong to the dump, and do not stand in the recording's way.
    assert first(capsys, "--symbols", symbols, dump + "@cmd.exe", NOTEPAD)[1] == "B is A's UAC-filtered twin"
    assert first(capsys, "--symbols", symbols, "--dump", dump, "@cmd.exe", dump + "@cmd.exe")[0] == 0
    assert "which process" in refused(capsys, "--symbols", symbols, dump, NOTEPAD)
    torn = file(tmp_path, "torn.dmp", b"PAGEDU64" + bytes(50))
    refused(capsys, "--symbols", symbols, torn + "@notepad.exe", NOTEPAD)


def test_what_is_no_source(capsys: Any, tmp_path: Path) -> None:
    for data, words in (
        (b"", "is empty"),
        (bytes(range(256)) * 40, "binary data"),
        (b"MZ" + bytes(200), "not text"),
        (b"nothing of interest\n", "tells of no token"),
        (b"\x1f\x8b\x08 no gzip at all", ""),
        (b'{"kdtoken": 1, "about": {}}', "keeps no token to compare"),
        (b'{"some": "JSON"}', "tells of no token"),
        (GOLDEN.read_bytes(), "keeps no token to compare"),
    ):
        side = file(tmp_path, "a side", data)
        assert words in refused(capsys, NOTEPAD, side), data[:20]
        refused(capsys, side + "@notepad.exe", NOTEPAD)
    assert "cannot read" in refused(capsys, NOTEPAD, tmp_path)
    assert "cannot read" in refused(capsys, NOTEPAD, tmp_path / "missing.txt")
    assert "cannot read" in refused(capsys, NOTEPAD, "nul\0.txt")


def test_what_is_no_token(capsys: Any, tmp_path: Path) -> None:
    assert "which process?" in refused(capsys, MACHINE_FILE, NOTEPAD)
    assert "no process has the name" in refused(capsys, MACHINE_FILE + "@nope.exe", NOTEPAD)
    assert "no token: its reference is null" in refused(capsys, MACHINE_FILE + "@whoami.exe", NOTEPAD)
    assert "unreadable" in refused(capsys, MACHINE_FILE + "@OneDrive.exe", NOTEPAD)
    code, out, err = run(capsys, MACHINE_FILE + "@svchost.exe", NOTEPAD)
    assert (code, out) == (2, "") and err.count("EPROCESS") == 4 and "give one of the pids" in err
    assert "which process?" in refused(capsys, "live", NOTEPAD)
    code, _, err = run(capsys, NOTEPAD)
    assert code == 2 and "missing" in err


def test_live_without_a_debugger(capsys: Any) -> None:
    try:
        import pykd  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        assert "pykd" in refused(capsys, "live@notepad.exe", NOTEPAD)


def test_an_attached_kernel_is_attached_to_once(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = diff.cli.opened

    def once(request: Any, record: Any = None) -> Any:
        opened.append((request.option, request.sources))
        return real(replace(request, option="--session", sources=(MACHINE_FILE,)), record)

    monkeypatch.setattr(diff.cli, "opened", once)
    assert first(capsys, "--attach", "com:x", "live@notepad.exe", "@cmd.exe")[0] == 1
    assert opened == [("--attach", ("com:x",))]


def test_json_and_all(capsys: Any, tmp_path: Path) -> None:
    code, out, _ = run(capsys, "--json", NOTEPAD, MACHINE_FILE + "@cmd.exe")
    data = json.loads(out)
    assert code == data["exit_code"] == 1 and data["a"]["kind"] == "kernel"
    code, out, _ = run(capsys, "--all", NOTEPAD, NOTEPAD)
    assert code == 0 and "SeChangeNotifyPrivilege" in out
    only = file(
        tmp_path, "priv.txt", "PRIVILEGES INFORMATION" + whoami_lines("notepad").split("PRIVILEGES INFORMATION")[1]
    )
    user = file(tmp_path, "user.txt", whoami_lines("notepad").split("GROUP INFORMATION")[0])
    code, out, err = run(capsys, only, user)
    assert (code, out.split("\n")[0]) == (2, "A and B could not be compared: they have nothing in common")
    assert err.endswith("\n  next: give the whole text: whoami /all, or !token with all that it prints\n")


def recorded(path: Path, change: Any) -> str:
    """A recording of notepad's token, after a change to the machine."""
    kernel = kernel_of(WIN11)
    target = SyntheticSource(kernel)
    change(target, kernel)
    recording = RecordingSource(target)
    sides = diff.Sides(diff.cli.parser("diff", "").parse_args([]))
    sides._machines[""] = KernelMachine(recording)
    sides.open("@6104")
    recording.save(path)
    return str(path) + "@6104"


def test_one_process_before_and_after(capsys: Any, tmp_path: Path) -> None:
    before = recorded(tmp_path / "before.gz", lambda target, kernel: None)
    assert first(capsys, before, NOTEPAD) == (0, "A and B are the same token")

    def steal(target: SyntheticSource, kernel: Any) -> None:
        target.poke_field(kernel.processes[6104], "_EPROCESS", "Token.Object", kernel.tokens["system"] | 0xF)

    after = recorded(tmp_path / "stolen.gz", steal)
    assert first(capsys, before, after) == (
        1,
        "the process's token was replaced between A and B: it speaks for another user",
    )
    # Only two looks at one process are serious; of two processes nothing else is to be expected.
    assert "this is serious" in run(capsys, before, after)[1]
    assert "this is serious" not in run(capsys, before, MACHINE_FILE + "@lsass.exe")[1]

    def privileges(modified: int) -> Any:
        def change(target: SyntheticSource, kernel: Any) -> None:
            masks = kernel.machine.tokens["notepad"].privileges.masks
            address = kernel.tokens["notepad"]
            target.poke_field(address, "_TOKEN", "Privileges.Present", masks[0] | 1 << 20)
            target.poke_field(address, "_TOKEN", "Privileges.Enabled", masks[1] | 1 << 20)
            if modified:
                target.poke_field(address, "_TOKEN", "ModifiedId.LowPart", modified)

        return change

    after = recorded(tmp_path / "written.gz", privileges(0))
    code, verdict = first(capsys, before, after)
    assert code == 1 and verdict.startswith("one token, changed between A and B without the kernel's own trace of it")
    after = recorded(tmp_path / "adjusted.gz", privileges(0x777777))
    assert first(capsys, before, after) == (1, "one token, adjusted between A and B: SeDebugPrivilege")


@pytest.mark.parametrize("option", ["--session", "--dump", "--log", "--attach"])
def test_with_a_source_named_by_an_option_a_word_is_a_process_of_it(option: str) -> None:
    options = cli.parser("diff", "").parse_args([option, "x"])
    assert diff._is_process("notepad.exe", options) and diff._is_process("1120:1132", options)
    for other in ("a@b", "a.txt", "MEMORY.DMP", "-", "live"):
        assert not diff._is_process(other, options), other
    assert not diff._is_process("notepad.exe", cli.parser("diff", "").parse_args([]))


def test_an_error_says_which_of_the_two_sides_it_is_about(capsys: Any, tmp_path: Path) -> None:
    """Once: not where the message names the side or its file already."""
    text = tmp_path / "two.txt"
    text.write_text(token_lines("notepad") + "\nkd> g\n" + token_lines("cmd"), encoding="utf-8")
    code, _, err = run(capsys, NOTEPAD, MACHINE_FILE + "@1120:9")
    assert code == 2 and err.startswith("kdtoken: %s@1120:9: " % MACHINE_FILE) and err.count(MACHINE_FILE) == 1
    code, _, err = run(capsys, str(text), NOTEPAD)
    assert code == 2 and err.split("\n")[0].count(str(text)) == 1


def test_a_side_of_another_source_than_the_option_s_is_not_of_the_debugger_s_session() -> None:
    made = diff.Sides(cli.parser("diff", "").parse_args([]))
    assert made.is_here("live@notepad.exe") and not made.is_here("a.txt") and not made.is_here("a.dmp@4")
    for option in ("--session", "--dump", "--log", "--attach"):
        assert not diff.Sides(cli.parser("diff", "").parse_args([option, "x"])).is_here("live@notepad.exe")


@pytest.mark.parametrize(
    "text, parts",
    [
        ("a@b", ("a", "b")),
        ("a@b@c", ("a@b", "c")),
        ("@b", ("", "b")),
        ("a@", ("a", "")),
        ("a", ("a", "")),
        ("a@1120:1128", ("a", "1120:1128")),
    ],
)
def test_the_last_at_divides_source_and_process(text: str, parts: Any) -> None:
    assert diff._split(text) == parts


def test_a_file_with_an_at_in_its_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a@b").write_text("x", encoding="utf-8")
    assert diff._split(str(tmp_path / "a@b")) == (str(tmp_path / "a@b"), "")


def test_three_words_are_a_file_and_two_of_its_processes(capsys: Any) -> None:
    assert first(capsys, MACHINE_FILE, "notepad.exe", "6104")[0] == 0
    assert "here are three words" in refused(capsys, "notepad.exe", "cmd.exe", "lsass.exe")


def test_what_a_script_compares() -> None:
    with open_machine(MACHINE_FILE) as machine:
        process = machine.find("1120")
        thread = next(one for one in process.threads if one.token is not process.token)
        assert diff.diff(process, machine.view("1120")).exit_code == 0
        assert diff.diff(thread, thread).exit_code == 0 and diff.diff(process, thread).exit_code == 1
        assert diff.diff(process, MACHINE_FILE + "@1120").exit_code == 0
        with pytest.raises(UsageError, match="5 cannot be compared"):
            diff.diff(process, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "a, b, compared",
    [
        ("two", "two", True),
        ("two", "many", True),
        ("two", "one", False),
        ("one", "two", False),
        ("two", "none", False),  # a text of tokens, or no source at all
        ("two@notepad.exe", "two", False),
        ("two", "two@4", False),
        ("two", "live", False),
        ("live", "two", False),
    ],
)
def test_two_sources_of_several_processes_each_are_compared_as_machines(a: str, b: str, compared: bool) -> None:
    """Of one process there is one token: that is a side.  The debugger's own machine is never read as a whole."""
    sides = diff.Sides(cli.parser("diff", "").parse_args([]))
    for name, count in (("one", 1), ("two", 2), ("many", 9)):
        sides._machines[name] = SimpleNamespace(processes=lambda count=count: range(count))  # type: ignore[assignment]

    def refuse() -> None:
        raise UsageError("it tells of tokens alone")

    sides._machines["none"] = SimpleNamespace(processes=refuse)  # type: ignore[assignment]
    both = sides.machines(a, b)
    assert (both is not None) is compared
    assert both is None or both == (sides._machines[a], sides._machines[b])
    assert "live" not in sides._machines


@pytest.mark.parametrize("source", ["com:pipe,port=\\\\.\\pipe\\x", "net:port=50000,key=1.2.3.4"])
def test_a_side_that_is_a_connection_is_no_file_that_is_missing(source: str) -> None:
    class Asked:
        def view(self, which: str) -> Any:
            raise UsageError("which process?", None, "name one")

    sides = diff.Sides(SimpleNamespace(session=None, dump=None, log=None, attach=None))  # type: ignore[arg-type]
    sides._machines[source] = Asked()  # type: ignore[assignment]
    with pytest.raises(UsageError) as refused:
        sides.open(source)
    assert refused.value.message == "%s: which process?" % source


def test_the_sides_of_a_comparison_may_be_of_other_kinds_than_the_options(capsys: Any, tmp_path: Path) -> None:
    """--symbols is for the side that is a dump; --session for the one that names no source."""
    text = file(tmp_path, "token.txt", token_lines("notepad"))
    for more in (["--symbols", str(tmp_path)], ["--session", MACHINE_FILE]):
        assert run(capsys, text, NOTEPAD, *more)[0] != 2, more
    assert run(capsys, "--symbols", str(tmp_path), "--session", MACHINE_FILE, "@notepad.exe", text)[0] != 2
