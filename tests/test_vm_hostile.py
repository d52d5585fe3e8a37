"""vm/ on files and texts that somebody prepared: nothing of them becomes a command, and nothing hangs or is ruined."""

import os
import sys
from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vm_tools import tool

start: Any = tool("start")
doctor: Any = tool("doctor")
vmx: Any = tool("vmx")
vmx_file: Any = tool("vmx_file")
kd: Any = tool("kd_connection")
findings: Any = tool("findings")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links as POSIX has them")

VMX = (
    'config.version = "8"\nserial0.present = "TRUE"\nserial0.fileType = "pipe"\nserial0.fileName = "%s"\n'
    'serial0.pipe.endPoint = "server"\n'
)
# |22 is how a .vmx writes a quote.
HOSTILE = [
    r"\\.\pipe\x|22 -c |22.shell calc.exe",
    r"\\.\pipe\x|22|26 calc |26|22",
    r"\\.\pipe\x -c .shell",
    r"\\.\pipe\x,reconnect",
    r"\\.\pipe\%COMSPEC%",
    r"\\.\pipe\$(calc)",
    r"\\.\pipe\x`calc`",
    r"\\.\pipe\x;calc",
    r"\\a&calc\pipe\x",
    r"\\.\pipe\x|0acalc",
]


@pytest.mark.parametrize("pipe", HOSTILE)
def test_a_pipe_of_a_vmx_that_is_no_pipe_starts_nothing(pipe: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.vmx").write_text(VMX % pipe)
    assert start.main(["--vmx", str(tmp_path / "a.vmx"), "--print"]) == 2
    out = capsys.readouterr()
    assert "is not the name of a pipe" in out.err and out.out == ""


@pytest.mark.parametrize("pipe", HOSTILE)
def test_the_doctor_prints_no_command_with_it(pipe: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.vmx").write_text(VMX % pipe)
    (tmp_path / "text").write_text('windbg -k "com:pipe,port=%s"\n' % pipe.replace("|22", '"').replace("|0a", "\n"))
    for words in (["--vmx", str(tmp_path / "a.vmx")], ["--text", str(tmp_path / "text")]):
        doctor.main(words)
        printed = capsys.readouterr().out
        commands = [line for line in printed.splitlines() if 'windbg -k "' in line]
        assert not any("calc" in line or "COMSPEC" in line or "shell" in line for line in commands), printed


@given(st.text(max_size=20))
def test_whatever_the_pipes_name_the_command_has_one_quoted_string(name: str) -> None:
    try:
        text = kd.build(name)
    except vmx_file.Refused:
        return
    assert not set(text) & set("\"'`$%;&|<>^, \n\r\t") - set(",") and text.count(",") == 1


@pytest.mark.parametrize("name", ["kd_Win11", "com_1", r"\\.\pipe\kd_Windows_11", r"\\HOST-1\pipe\kd", "a.b-c"])
def test_ordinary_names_are_taken(name: str) -> None:
    assert kd.build(name).endswith(name.rpartition("\\")[2])


@pytest.mark.parametrize("process", ["a.exe; .shell calc", 'a.exe"', "a\nb", "$><x", ""])
def test_a_process_that_is_no_name_does_not_become_a_debugger_command(process: str, capsys: Any) -> None:
    assert start.main(["--pipe", "kd", "--process", process, "--print"]) == 2
    assert "is not the name of a process" in capsys.readouterr().err


@pytest.mark.parametrize("name", ['a" & calc & "b.vmx', "$(calc).vmx", "a`b.vmx", "%PATH%.vmx"])
def test_a_files_name_that_a_shell_would_read_is_not_printed_for_pasting(
    name: str, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / name).write_text(VMX.replace("TRUE", "FALSE") % "x")
    doctor.main(["--vmx", str(tmp_path / name)])
    lines = [line for line in capsys.readouterr().out.splitlines() if "python vm/" in line or "vmrun" in line]
    assert lines and not any("calc" in line or "PATH%" in line or "`" in line for line in lines)
    assert any('"FILE.vmx"' in line for line in lines)


def test_what_is_printed_of_a_file_is_clean(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.vmx").write_text(VMX % "\x1b]0;title\x07\u202e", encoding="utf-8")
    doctor.main(["--vmx", str(tmp_path / "a.vmx")])
    vmx.main([str(tmp_path / "a.vmx"), "--dry-run", "--host", "windows"])
    out = capsys.readouterr()
    assert "\x1b" not in out.out + out.err and "\u202e" not in out.out + out.err and "\\u001b" in out.out


# --- .encoding


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7", "rot13", "base64", "zlib", "cp037", "a\0"]
)
def test_a_character_set_that_the_file_is_not_in_ruins_nothing(encoding: str, tmp_path: Path) -> None:
    before = ('.encoding = "%s"\nconfig.version = "8"\ndisplayName = "x"\n' % encoding.replace("\0", "")).encode()
    file = vmx_file.VmxFile(before)
    assert file.codec() == "latin-1"
    vmx.edit(file, "windows")
    assert file.data().startswith(before) and b'serial0.fileName = "\\\\.\\pipe\\kd_x"' in file.data()
    with pytest.raises(vmx_file.Refused, match="cannot be written in this file's character set"):
        file.put("serial0.fileName", "kd_é", "serial0.")  # a guess is good enough to read by, not to write by


def test_a_file_that_is_not_in_the_character_set_it_says_gets_no_letters_beyond_ascii() -> None:
    file = vmx_file.VmxFile(b'.encoding = "UTF-8"\nconfig.version = "8"\ndisplayName = "D\xe9bogage"\n')
    with pytest.raises(vmx_file.Refused, match="cannot be written"):
        file.put("serial0.fileName", "kd_é", "serial0.")
    assert file.put("serial0.fileName", "kd_e", "serial0.")


# --- time


def test_long_runs_of_blanks_and_of_empty_lines_take_no_time(tmp_path: Path, capsys: Any) -> None:
    """Each of these took minutes: a pattern tried every way to share the run between two parts of it."""
    line = b"serial0.fileName =" + b" " * 200000 + b"x" + b" " * 200000 + b"y\n"
    file = vmx_file.VmxFile(b'config.version = "8"\n' + line)
    assert file.get("serial0.fileName") == "x" + " " * 200000 + "y"
    (tmp_path / "text").write_text("\n" * 200000 + "x  " + " " * 200000 + "y\n" + ("kd> " + " " * 3000 + "\n") * 50)
    assert doctor.main(["--text", str(tmp_path / "text")]) == 0
    assert "a kernel session (prompt kd>)" in capsys.readouterr().out


def test_a_text_that_nobody_pasted_is_refused(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "text").write_bytes(b"a\n" * (3 << 20))
    assert doctor.main(["--text", str(tmp_path / "text")]) == 2
    assert "has over 4 MB" in capsys.readouterr().err
    assert doctor.main(["--text", str(tmp_path)]) == 2
    assert "is no file" in capsys.readouterr().err


LINES = st.lists(
    st.sampled_from([b"a", b" ", b"\t", b"=", b'"', b"#", b"\\", b"|22", b"\r", b"\xe9", b".x"]), max_size=14
)


@given(LINES, st.sampled_from([b"\n", b"\r\n", b""]))
def test_the_parts_of_a_line_make_it_up_again(pieces: List[bytes], end: bytes) -> None:
    line = b"".join(pieces) + end
    parts = vmx_file.parts_of(line)
    if parts is not None:
        assert parts.head + parts.value + parts.tail + parts.end == line
        assert parts.key.encode() in parts.head.lower() and b"\n" not in parts.head + parts.value + parts.tail


# --- backups


@POSIX
def test_a_backup_is_not_written_through_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "a.vmx"
    path.write_bytes(b"old")
    (tmp_path / "a.vmx.before-kd").symlink_to(tmp_path / "elsewhere")
    assert vmx.write(path, b"new").name == "a.vmx.before-kd-2"
    assert not (tmp_path / "elsewhere").exists() and (tmp_path / "a.vmx.before-kd-2").read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_a_backup_that_could_not_be_written_whole_is_taken_away(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a.vmx"
    path.write_bytes(b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        vmx.write(path, b"new")
    assert os.listdir(str(tmp_path)) == ["a.vmx"] and path.read_bytes() == b"old"
