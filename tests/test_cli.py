"""What all verbs share: output that survives any stdout, errors in one message, a pipe that closes."""

import html
import io
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, List, Optional

import pytest

from kdtoken import cli, diff, dump, walk
from kdtoken.cli import output
from kdtoken.cli.parsing import Done
from kdtoken.errors import KdTokenError, UsageError
from kdtoken.model.sid import Sid
from kdtoken.render.marked import Mark, Marked
from tests.declared_views import token_lines, whoami_lines
from tests.expected import file_of, kernel_of
from tests.machine.synthetic import SyntheticSource
from tests.sessions import MACHINE_22000

ROOT = Path(__file__).parent.parent
KDTOKEN = [sys.executable, "-m", "kdtoken"]


def fails(error: BaseException) -> "cli.Callable[[List[str]], int]":
    def main(words: List[str]) -> int:
        raise error

    return main


def test_an_error_is_one_message_and_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(fails(KdTokenError("it broke", None, "mend it")), []) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "kdtoken: it broke\n  next: mend it\n")


def test_debug_shows_the_traceback_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(fails(KdTokenError("it broke")), ["--debug"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback ") and err.endswith("kdtoken: it broke\n")


def test_too_low_a_recursion_limit_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(fails(RecursionError("too deep")), []) == 2
    err = capsys.readouterr().err
    assert err.startswith("kdtoken: the recursion limit of this Python (") and "next: raise it" in err
    assert "too deep)" not in err  # the library's own words


def test_no_message_carries_terminal_commands(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(fails(KdTokenError("\x1b[2Jgone\n\u202eback")), [])
    # Our own lines that go on begin with blanks; this is a name with a line break, that would look like a message of ours.
    assert capsys.readouterr().err == "kdtoken: \\u001b[2Jgone\\u000a\\u202eback\n"
    cli.run(fails(KdTokenError("two words\n  the one  x\n  the other  y", None, "a step")), [])
    assert capsys.readouterr().err == "kdtoken: two words\n  the one  x\n  the other  y\n  next: a step\n"


class AsciiOut(io.StringIO):
    """A stdout as WinDbg's: ASCII only, no fileno, no buffer."""

    def write(self, text: str) -> int:
        text.encode("ascii")
        return super().write(text)


class WinDbgOut:
    """pykd's stdout: five names and no more; what is too long for it is cut."""

    encoding = "ascii"
    closed = False

    def __init__(self) -> None:
        self.parts: List[str] = []

    def write(self, text: str) -> None:
        self.parts.append(text.encode("ascii").decode("ascii")[:16376])

    def writedml(self, text: str) -> None:
        """What the engine shows of it: tags are gone, escapes are their letters."""
        self.parts.append(html.unescape(re.sub("<[^<>]*>", "", text.encode("ascii").decode("ascii")[:16376])))

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def test_a_console_without_the_character_gets_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    out = AsciiOut()
    monkeypatch.setattr(sys, "stdout", out)
    cli.write_lines(["Zo\u00eb \u65e5", "plain"])
    assert out.getvalue() == "Zo\\xeb \\u65e5\nplain\n"


def test_lines_go_out_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    out = WinDbgOut()
    monkeypatch.setattr(sys, "stdout", out)
    cli.write_lines(["x" * 900] * 40)
    assert len(out.parts) == 40


@pytest.mark.parametrize("line", ["x" * 70000, "\u65e5\U0001f511" * 9000, "x" * 1599, "x" * 1600])
def test_one_long_line_arrives_whole_where_writes_are_cut(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON and CSV have lines of any length, and the engine keeps 16,376 characters of a write."""
    out = WinDbgOut()
    monkeypatch.setattr(sys, "stdout", out)
    cli.write_lines([line, "next"])
    monkeypatch.undo()
    assert max(map(len, out.parts)) < 16376
    assert "".join(out.parts) == line.encode("ascii", "backslashreplace").decode("ascii") + "\nnext\n"


@pytest.mark.parametrize("verb", ["dump", "walk", "record"])
def test_help_in_windbg_raises_no_system_exit(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = WinDbgOut()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "argv", ["kdtoken." + verb, "--help"])
    cli.run_in_windbg(import_module("kdtoken." + verb).main)
    assert "usage: kdtoken %s" % verb in "".join(out.parts)


def test_exit_code_stays_away_from_windbg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", WinDbgOut())
    cli.exit_with(1)
    monkeypatch.undo()
    with pytest.raises(SystemExit) as ended:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.FileIO(os.devnull, "w")))
        cli.exit_with(1)
    assert ended.value.code == 1
    cli.exit_with(0)


def test_a_bad_option_is_an_error_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    def main(words: List[str]) -> int:
        cli.parser("dump", "").parse_args(words)
        return 0

    assert cli.run(main, ["--nonsense"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("kdtoken: there is no option --nonsense\n  next: kdtoken dump --help")


def test_source_says_synthetic() -> None:
    known = SyntheticSource(kernel_of(file_of("10.0.17763"))).about
    assert cli.source(known).endswith("(SYNTHETIC: made for tests, no real machine)")
    assert cli.about(known)["synthetic"] is True


def test_a_pipe_that_closes_is_no_error() -> None:
    run = subprocess.Popen(
        KDTOKEN + ["walk", "--threads", "--json", "--session", str(MACHINE_22000)],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdout is not None and run.stderr is not None
    run.stdout.close()
    err = run.stderr.read()
    run.stderr.close()
    assert (run.wait(), err) == (0, b"")


def test_ascii_stdout_in_a_process_of_its_own() -> None:
    done = subprocess.run(
        KDTOKEN + ["dump", "--session", str(MACHINE_22000), "OneDrive.exe"],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0
    done.stdout.decode("ascii")


def test_a_low_recursion_limit_is_enough() -> None:
    code = (
        "import sys; sys.setrecursionlimit(500); from kdtoken import dump, walk; "
        "s = %r; sys.exit(dump.main(['--session', s, '1120', '--why']) or dump.main(['--session', s, '1120', '--json']) "
        "or walk.main(['--session', s, '--threads']))" % str(MACHINE_22000)
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=str(ROOT), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert (done.returncode, done.stderr) == (0, b"")


# What kdtoken may bring along, beside the standard library.
OURS = {"kdtoken"}


def test_dump_imports_few_modules_of_the_standard_library_alone() -> None:
    code = (
        "import sys; before = set(sys.modules); import kdtoken.dump; "
        "print('\\n'.join(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import site; site.main(); " + code],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        check=True,
        universal_newlines=True,
    )
    loaded = set(done.stdout.split("\n")) - {""}
    standard = os.path.dirname(os.__file__)
    for name in {one.split(".")[0] for one in loaded} - OURS:
        where = getattr(sys.modules.get(name) or __import__(name), "__file__", None)
        assert where is None or "site-packages" not in where and where.startswith(standard), name
    # Each `!py` starts with an empty Python, and each module takes a third of a millisecond or more.
    # argparse of 3.8 brings shutil and what that needs.
    assert len(loaded) <= (95 if sys.version_info >= (3, 9) else 108), sorted(loaded)
    # These cost time, and a live dump has no need of them.
    for name in (
        "construct",
        "dataclasses",
        "inspect",
        "hashlib",
        "tempfile",
        "gzip",
        "difflib",
        "csv",
        "json",
        "kdtoken.source.session",
        "kdtoken.render.json",
    ):
        assert name not in loaded, name


def test_dump_of_a_dump_file_imports_what_it_needs() -> None:
    """The rest of its way: options, the file, its symbols, what these were kept under, the rules, the page."""
    code = (
        "import sys; before = set(sys.modules); import kdtoken.dump\n"
        "import kdtoken.source.crashdump.dump, kdtoken.symbols.layout_cache as kept, kdtoken.layout.pdb.pdb\n"
        "import kdtoken.cli.beside, kdtoken.analysis.audit.rules, kdtoken.render.screen, kdtoken.cli.colour\n"
        "kdtoken.cli.dump_report.add_arguments(kdtoken.cli.parser('dump', ''))\n"
        "assert kept.digest_of(b'') == 'cae66941d9efbd404e4d88758ea67670'\n"  # BLAKE2b-128 of nothing
        # A service's SID, which takes SHA-1: the token of a parent or a neighbour names one.
        "from kdtoken.model.sid_names import Sid, name_of\n"
        "assert name_of(Sid.from_text('S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464'))\n"
        "print('\\n'.join(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import site; site.main(); " + code],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        check=True,
        universal_newlines=True,
    )
    loaded = set(done.stdout.split("\n")) - {"", "_sha1", "kdtoken.model.sid_derive"}  # only where a service is named
    assert len(loaded) <= (162 if sys.version_info >= (3, 9) else 173), sorted(loaded)
    # OpenSSL; urllib with pathlib; two compressors with shutil, which argparse of 3.8 imports at once
    absent = ["_hashlib", "pathlib", "urllib.parse", "importlib.util", "kdtoken.layout.pdb.types"]
    absent += ["kdtoken.source.paging_arm64", "kdtoken.analysis.differences.fields", "kdtoken.model.watch"]
    for name in absent + (["shutil", "bz2", "lzma"] if sys.version_info >= (3, 9) else []):
        assert name not in loaded, name


@pytest.mark.parametrize("verb", ["dump --json", "dump", "walk --json", "walk --threads", "walk --csv"])
def test_no_verb_loads_datetime(verb: str) -> None:
    """Its C module fails in the second sub-interpreter that loads it, and inside WinDbg each !py is one."""
    name, *options = verb.split()
    arguments = options + ["--session", str(MACHINE_22000)] + (["1120"] if name == "dump" else [])
    code = "import sys; import kdtoken.%s as verb; verb.main(%r); sys.exit('_datetime' in sys.modules)" % (
        name,
        arguments,
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=str(ROOT), stdout=subprocess.DEVNULL).returncode == 0


def test_usage_error_is_an_error_of_ours() -> None:
    assert issubclass(UsageError, KdTokenError)


MACHINE_FILE = str(MACHINE_22000)


@pytest.mark.parametrize(
    "words, message",
    [
        (["--session", "F", "--attach", "com:x", "a.exe"], "give one of --session and --attach"),
        (["--session", "F", "--dump", "F", "--log", "F", "a.exe"], "give one of --session, --dump and --log"),
        (["--stay", "--session", MACHINE_FILE, "a.exe"], "--stay belongs to --attach CONNECTION"),
        (["--timeout", "3", "--session", MACHINE_FILE, "a.exe"], "--timeout belongs to --attach CONNECTION"),
        (["--session", MACHINE_FILE, "notepad.exe", "cmd.exe"], "one process at a time: notepad.exe, cmd.exe"),
        ([MACHINE_FILE], "no process was named\n  next: kdtoken dump %s notepad.exe" % MACHINE_FILE),
        ([MACHINE_FILE, "-1"], "-1 is no pid"),
        (["none.dmp", "a.exe"], "cannot read none.dmp: there is no such file"),
        (["--sesion", MACHINE_FILE, "a.exe"], "did you mean --session?"),
    ],
)
def test_words_that_cannot_be_carried_out(words: List[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that was typed is passed over in silence."""
    assert dump.main(words) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and "Traceback" not in err and len(err.strip().split("\n")) <= 2


def test_a_file_needs_no_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dump.main(["--session", MACHINE_FILE, "notepad.exe"]) == 0
    wanted = capsys.readouterr().out
    for words in ([MACHINE_FILE, "notepad.exe"], ["--json", MACHINE_FILE, "6104"], [MACHINE_FILE, "17d8"]):
        assert dump.main(words) == 0
        assert (capsys.readouterr().out == wanted) == (words[0] == MACHINE_FILE)
    # An option decides: then a word is a process, whatever lies in the folder.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notepad.exe").write_text("just a text")
    assert dump.main(["--session", MACHINE_FILE, "notepad.exe"]) == 0
    assert capsys.readouterr().out == wanted
    assert walk.main([MACHINE_FILE, "--format", "csv"]) == 0
    rows = capsys.readouterr().out
    assert walk.main(["--session", MACHINE_FILE, "--csv"]) == 0
    assert capsys.readouterr().out == rows


def test_a_text_of_one_token_needs_no_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "who.txt").write_text(whoami_lines("notepad"), encoding="utf-8")
    (tmp_path / "two.txt").write_text(token_lines("notepad") + "0: kd> !token\n" + token_lines("cmd"), encoding="utf-8")
    assert dump.main([str(tmp_path / "who.txt")]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == "TOKEN" and any("Runs as" in line and "pc\\anna" in line for line in lines)
    assert dump.main([str(tmp_path / "two.txt")]) == 2
    assert "holds 2 tokens" in capsys.readouterr().err
    assert dump.main([str(tmp_path / "two.txt"), "#2"]) == 0
    assert "  Integrity    High Mandatory Level" in capsys.readouterr().out


def test_in_a_debugger_a_word_is_a_process_of_its_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from kdtoken.cli.dump_report import add_arguments, split

    parser = cli.parser("dump", "")
    add_arguments(parser)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notepad.exe").write_bytes(b"MZ")
    for inside, files, process in ((True, [], "notepad.exe"), (False, ["notepad.exe"], "")):
        monkeypatch.setattr(cli, "in_debugger", lambda inside=inside: inside)
        assert split(parser.parse_args(["notepad.exe"])) == (files, process)
    monkeypatch.setattr(cli, "in_debugger", lambda: True)
    assert split(parser.parse_args([MACHINE_FILE, "notepad.exe"])) == ([MACHINE_FILE], "notepad.exe")


def test_walk_takes_folders_and_says_what_it_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.kdtoken.gz").write_bytes(MACHINE_22000.read_bytes())
    (tmp_path / "picture.png").write_bytes(b"\x89PNG" + bytes(300))
    (tmp_path / "inner").mkdir()
    assert walk.main([str(tmp_path), "--csv"]) == 0
    out, err = capsys.readouterr()
    assert out.count("notepad.exe") == 1
    assert err == "kdtoken: %s: passed over, being no source: inner%s, picture.png\n" % (tmp_path, os.sep)
    assert walk.main([str(tmp_path / "inner")]) == 2
    assert "nothing in" in capsys.readouterr().err
    assert walk.main(["notepad.exe"]) == 2
    assert "kdtoken dump notepad.exe shows one process" in capsys.readouterr().err


def test_a_filter_that_leaves_nobody_says_whom_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert walk.main([MACHINE_FILE, "--user", "Bob"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "none has the user Bob; the users here are: ANNA-PC\\Anna, NT AUTHORITY\\LOCAL SERVICE, " in out
    assert "??" not in out and out.endswith("0 of 31 processes")


def test_diff_takes_processes_of_the_named_source_and_threads(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff.main(["--session", MACHINE_FILE, "notepad.exe", "cmd.exe"]) == 1
    assert capsys.readouterr().out.startswith("A is B's UAC-filtered twin\n")
    assert diff.main(["--session", MACHINE_FILE, "1120", "1120:1128"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("A and B speak for different users\n") and "thread 1128 of pid 1120" in " ".join(out.split())
    assert diff.main([MACHINE_FILE + "@svchost.exe:1128", MACHINE_FILE + "@1120"]) == 2
    assert "give one of the pids" in capsys.readouterr().err
    assert diff.main([MACHINE_FILE + "@1120:9", MACHINE_FILE + "@1120"]) == 2
    assert "pid 1120 has no thread 9" in capsys.readouterr().err


def test_options_of_an_attached_side_do_not_stand_in_a_files_way() -> None:
    options = cli.parser("diff", "").parse_args(["--attach", "com:x", "--timeout", "3", "--stay"])
    assert cli.request(options).sources == ("com:x",) and cli.request(options).timeout == 3
    other = cli.request(options, ("a.kdtoken",), lenient=True, instead=True)
    assert (other.sources, other.option) == (("a.kdtoken",), "")


class Terminal(io.StringIO):
    """A stdout that says it is a terminal."""

    def __init__(self, is_one: bool) -> None:
        super().__init__()
        self.is_one = is_one

    def fileno(self) -> int:
        return 1

    def isatty(self) -> bool:
        return self.is_one


@pytest.mark.parametrize(
    ("typed", "terminal", "columns", "has"),
    [
        ("", None, 99, False),
        ("", 80, 79, True),
        ("", 61, 60, True),
        ("", 60, 60, True),
        ("", 161, 160, True),
        ("", 200, 160, True),
        ("120", None, 119, True),
        ("120", 80, 119, True),
        ("0", None, 60, True),
        ("9999", None, 160, True),
        ("99999", None, 99, False),
        ("x", None, 99, False),
    ],
)
def test_how_wide_lines_may_be(
    typed: str, terminal: Optional[int], columns: int, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One column less than there are: in the last one some terminals break the line.  COLUMNS wins, if it is a number."""
    monkeypatch.setenv("COLUMNS", typed)
    monkeypatch.setattr(sys, "stdout", Terminal(terminal is not None))
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((terminal or 0, 24)))
    found, its = cli.width(), cli.has_width()
    monkeypatch.undo()
    assert (found, its) == (columns, has)


def test_names_of_services_are_lines_of_text(tmp_path: Path) -> None:
    path = tmp_path / "services.txt"
    path.write_bytes(b"\xef\xbb\xbfSpooler\r\nWinmgmt\r\n")
    # S-1-5-80 and the SHA-1 of the name in capitals, in UTF-16 (sc showsid Spooler).
    spooler = Sid.from_text("S-1-5-80-3951239711-1671533544-1416304335-3763227691-3930497994")
    assert cli.service_names(str(path)).of(spooler) == "NT SERVICE\\Spooler"
    for data in (b"Spooler\0\n", b"Spo\xffler\n"):
        path.write_bytes(data)
        with pytest.raises(UsageError) as caught:
            cli.service_names(str(path))
        assert caught.value.message == "%s is no text, so holds no names of services" % path
    assert cli.service_names(None) is cli.service_names("")


@pytest.mark.parametrize(
    ("marks", "links", "markup"),
    [
        ((), True, False),
        (("bold",), True, True),
        (("", "bold"), True, True),
        (("",), True, False),
    ],
)
def test_a_line_with_any_mark_that_shows_is_markup_in_windbg(marks: Any, links: bool, markup: bool) -> None:
    line = Marked("ab", [Mark(at, at + 1, style) for at, style in enumerate(marks)])
    assert output._has_marks(line, links) is markup
    assert output._has_marks("ab", links) is False
    command = Marked("ab", [Mark(0, 1, "", "!py x"), Mark(1, 2, "")])
    assert output._has_marks(command, True) is True and output._has_marks(command, False) is False


@pytest.mark.parametrize(
    "error, said",
    [
        (MemoryError(), "there is not enough memory for this\n  next: ask for less at once: one file, or one process"),
        (KeyboardInterrupt(), "stopped by Ctrl+C; the answer is not whole\n  next: the same command again"),
    ],
)
def test_what_stops_a_verb_is_one_message_and_code_2(
    error: BaseException, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(fails(error), []) == 2
    assert capsys.readouterr() == ("", "kdtoken: %s\n" % said)


def test_an_end_of_the_parser_is_code_0_and_its_words_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for words, out in (("kdtoken 1.0\n", "kdtoken 1.0\n"), ("", "")):
        assert cli.run(fails(Done(words)), []) == 0
        assert capsys.readouterr() == (out, "")


def test_a_watching_thread_ends_the_program_with_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes: List[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    cli._end_program("the machine is silent")
    assert codes == [2] and capsys.readouterr().err == "kdtoken: the machine is silent\n"


def test_where_stderr_is_closed_nobody_is_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.run(fails(KdTokenError("it broke")), []) == 2


@pytest.mark.parametrize(
    "text, count, words",
    [
        ("notepad.exe", 1, ["notepad.exe"]),
        ('"my program.exe" --all', 2, ["my program.exe", "--all"]),
        ('--log="my log.txt"', 1, ["--log=my log.txt"]),
        ("  a   b ", 2, ["a", "b"]),
    ],
)
def test_arguments_out_of_the_debugger_s_alias(
    text: str, count: int, words: List[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: List[str] = []

    def command(line: str) -> str:
        asked.append(line)
        return text + "\n"

    monkeypatch.setattr(cli, "debugger_command", command)
    assert cli.alias_arguments(count) == words and asked == [".echo ${%s}" % cli.ALIAS]
    for other in (count - 1, count + 1):  # one that is left over from before must not choose the process
        with pytest.raises(UsageError, match="%d argument" % other):
            cli.alias_arguments(other)
    monkeypatch.setattr(cli, "debugger_command", lambda line: "${%s}\n" % cli.ALIAS)
    with pytest.raises(UsageError, match="destroys its arguments"):
        cli.alias_arguments(1)


def test_a_verb_s_module_is_called_as_its_function() -> None:
    sys.modules["kdtoken_test_verb"] = ModuleType("kdtoken_test_verb")
    try:
        cli.make_callable("kdtoken_test_verb", lambda a, b=0: (a, b))
        made: Any = sys.modules["kdtoken_test_verb"]
        assert made(1, b=2) == (1, 2) and isinstance(made, ModuleType)
    finally:
        del sys.modules["kdtoken_test_verb"]


@pytest.mark.parametrize("size, told", [((1 << 25) - 1, []), (1 << 25, [("reading", 5, 1 << 25)])])
def test_only_a_long_reading_tells_how_far_it_is(size: int, told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: List[Any] = []
    monkeypatch.setattr(cli, "_work", lambda *one: seen.append(one))
    cli._log_progress(5, size)
    assert seen == told
    cli._download_progress(5, 0)
    assert seen[-1] == ("symbols", 5, 0)
