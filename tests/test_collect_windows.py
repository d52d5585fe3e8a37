"""What collect.py asks of Windows, and what it makes of each answer: the functions of Windows stand in here."""

import ctypes
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest

from kdtoken import collect

DENIED, BAD_LENGTH, TOO_SMALL, NO_SUCH, NO_TOKEN, NOT_ALL = 5, 24, 122, 87, 1008, 1300


class Library:
    """Functions by name; every other one is 0, and what was called is kept."""

    def __init__(self, **functions: Callable[..., Any]) -> None:
        self.calls: List[Tuple[str, Tuple[Any, ...]]] = []
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        def call(*values: Any) -> Any:
            self.calls.append((name, values))
            return self._functions[name](*values) if name in self._functions else 0

        setattr(self, name, call)
        return call

    def named(self, name: str) -> List[Tuple[Any, ...]]:
        return [values for called, values in self.calls if called == name]


class Windows(collect.Windows):
    """The same as the real one, without Windows."""

    def __init__(self, code: int = DENIED) -> None:
        self.kernel32, self.advapi32, self.ntdll = Library(), Library(), Library()
        self.code = code

    def error(self) -> Tuple[int, str]:
        return self.code, "said Windows"

    @property
    def closed(self) -> List[Any]:
        return [handle for (handle,) in self.kernel32.named("CloseHandle")]


def put(reference: Any, value: int) -> int:
    """Fill what byref points to; the call succeeded."""
    reference._obj.value = value
    return 1


# --- what is opened, with how little access, and what is said where nothing is


@pytest.mark.parametrize(
    "kind, function, first, second",
    [("process", "OpenProcess", 0x1000, 0x400), ("thread", "OpenThread", 0x800, 0x40)],
)
def test_a_process_or_thread_is_opened_with_the_least_access_that_is_given(
    kind: str, function: str, first: int, second: int
) -> None:
    """PROCESS_QUERY_LIMITED_INFORMATION first, which Windows XP does not know; likewise of a thread."""
    windows = Windows()
    windows.kernel32 = Library(**{function: lambda access, inherit, number: 7})
    assert getattr(windows, kind)(44) == 7 and windows.kernel32.calls == [(function, (first, False, 44))]
    windows.kernel32 = Library(**{function: lambda access, inherit, number: 8 if access == second else 0})
    assert getattr(windows, kind)(44) == 8 and len(windows.kernel32.calls) == 2
    windows.kernel32 = Library()
    with pytest.raises(collect.CannotCollect) as error:
        getattr(windows, kind)(44)
    assert str(error.value) == (
        "cannot open %s 44: error 5, said Windows\n  next: run elevated, or with --debug-privilege" % kind
    )
    windows.code = NO_SUCH
    with pytest.raises(collect.CannotCollect) as error:
        getattr(windows, kind)(44)
    assert str(error.value).startswith("there is no %s 44 (the number is decimal)\n  next: " % kind)
    assert ("tasklist" in str(error.value)) is (kind == "process")


def test_a_token_is_opened_with_its_source_where_that_is_given() -> None:
    windows = Windows()
    windows.advapi32 = Library(
        OpenProcessToken=lambda process, access, token: put(token, 9) if access == 8 else 0,
        OpenThreadToken=lambda thread, access, own, token: put(token, 10) if access == 8 and own is True else 0,
    )
    assert windows.process_token(7, "process 44").value == 9
    assert windows.thread_token(7, 45).value == 10
    assert [values[1] for values in windows.advapi32.named("OpenProcessToken")] == [0x18, 8]
    assert [values[1] for values in windows.advapi32.named("OpenThreadToken")] == [0x18, 8]
    windows.advapi32 = Library()
    for ask, said in (
        (lambda: windows.process_token(7, "process 44"), "cannot open the token of process 44: error 5, said Windows"),
        (lambda: windows.thread_token(7, 45), "cannot open the token of thread 45: error 5, said Windows"),
    ):
        with pytest.raises(collect.CannotCollect) as error:
            ask()  # type: ignore[no-untyped-call]
        assert str(error.value) == said + "\n  next: run elevated, or as SYSTEM"
    windows.code = NO_TOKEN
    with pytest.raises(collect.CannotCollect, match="thread 45 impersonates nobody: .*\n  next: --pid PID"):
        windows.thread_token(7, 45)


def test_a_failure_without_advice_is_one_line() -> None:
    assert str(Windows().failed("cannot do it")) == "cannot do it: error 5, said Windows"


# --- one class of a token


def answering(data: bytes, tells: bool = True, refuses: int = TOO_SMALL, needs: Optional[int] = None) -> Windows:
    """A Windows whose GetTokenInformation gives these bytes.

    tells    whether it says how many there are where the buffer is too small
    refuses  the error for that
    """
    windows = Windows(refuses)

    def get(token: Any, number: int, buffer: Any, size: int, needed: Any) -> int:
        if size < (len(data) if needs is None else needs):
            needed._obj.value = len(data) if tells else 0
            return 0
        if data:
            ctypes.memmove(buffer, data, len(data))
        return put(needed, len(data) if tells else 0)

    windows.advapi32 = Library(GetTokenInformation=get)
    return windows


def test_a_class_is_asked_for_its_size_and_then_for_its_bytes() -> None:
    windows = answering(b"0123456789")
    block, error = windows.query(3, 2)
    assert block is not None and (block.data, error) == (b"0123456789", {})
    assert block.base and block.pointer_size == struct.calcsize("P")
    assert [values[3] for values in windows.advapi32.named("GetTokenInformation")] == [0, 10]
    nothing, error = answering(b"").query(3, 2)
    assert nothing is not None and (nothing.base, nothing.data, error) == (0, b"", {})


@pytest.mark.parametrize("refuses", [BAD_LENGTH, TOO_SMALL])
def test_a_class_that_does_not_tell_its_size_is_asked_with_twice_as_much(refuses: int) -> None:
    windows = answering(b"0123456789", tells=False, refuses=refuses)
    block, _ = windows.query(3, 2)
    assert block is not None and block.data == b"0123456789" + bytes(6)  # as much as was offered: it told no less
    assert [values[3] for values in windows.advapi32.named("GetTokenInformation")] == [0, 4, 8, 16]


def test_what_is_beyond_the_bytes_that_it_filled_is_not_of_the_class() -> None:
    windows = answering(b"01234", tells=True, needs=8)
    windows.query(3, 2)
    block, _ = windows.query(3, 2)
    assert block is not None and block.data == b"01234"


def test_a_class_that_is_refused_or_never_satisfied_is_an_error() -> None:
    windows = answering(b"x", refuses=DENIED)
    assert windows.query(3, 2) == (None, {"error": 5, "message": "said Windows"})
    assert len(windows.advapi32.calls) == 1
    endless = answering(b"", needs=1 << 40)
    assert endless.query(3, 2)[0] is None and len(endless.advapi32.calls) == 12
    huge = answering(b"")
    huge.advapi32 = Library(GetTokenInformation=lambda token, number, buffer, size, needed: put(needed, 1 << 23) - 1)
    assert huge.query(3, 2)[0] is None and len(huge.advapi32.calls) == 2  # no token is near 4 MB


# --- names, the own privilege, the version


def test_names_of_privileges_and_programs_are_what_windows_says_or_none() -> None:
    windows = Windows()
    assert windows.privilege_name(bytes(8)) is None and windows.image(7) is None

    def name(system: Any, luid: Any, buffer: Any, size: Any) -> int:
        assert system is None and luid._obj.raw == struct.pack("<Q", 20) and size._obj.value == 128
        buffer.value = "SeDebugPrivilege"
        return 1

    def image(process: Any, form: int, buffer: Any, size: Any) -> int:
        assert (process, form, size._obj.value) == (7, 0, 32768)
        buffer.value = "C:\\a.exe"
        return 1

    windows.advapi32, windows.kernel32 = (
        Library(LookupPrivilegeNameW=name),
        Library(QueryFullProcessImageNameW=image),
    )
    assert windows.privilege_name(struct.pack("<Q", 20)) == "SeDebugPrivilege" and windows.image(7) == "C:\\a.exe"


def test_how_enabling_the_debug_privilege_went_is_said() -> None:
    opened: Any = lambda process, access, token: put(token, 9) if access == 0x28 else 0  # noqa: E731
    windows = Windows()
    assert windows.enable_debug_privilege() == "cannot open the own token: error 5, said Windows"
    assert windows.closed == []
    windows.advapi32 = Library(OpenProcessToken=opened)
    assert windows.enable_debug_privilege() == "no SeDebugPrivilege: error 5, said Windows"
    assert len(windows.closed) == 1

    def luid(system: Any, name: str, value: Any) -> int:
        assert (system, name) == (None, "SeDebugPrivilege")
        value._obj.raw = struct.pack("<Q", 20)
        return 1

    def adjust(token: Any, disable_all: bool, wanted: Any, size: int, before: Any, returned: Any) -> int:
        # TOKEN_PRIVILEGES of one: SE_PRIVILEGE_ENABLED is 2.
        assert (disable_all, wanted._obj.raw) == (False, struct.pack("<IQI", 1, 20, 2))
        return outcome[0]

    outcome: List[int] = []
    for done, code, said in (
        (1, 0, "enabled"),
        (1, NOT_ALL, "not enabled: error 1300, said Windows"),
        (0, DENIED, "not enabled: error 5, said Windows"),
    ):
        outcome[:] = [done]
        windows = Windows(code)
        windows.advapi32 = Library(OpenProcessToken=opened, LookupPrivilegeValueW=luid, AdjustTokenPrivileges=adjust)
        assert windows.enable_debug_privilege() == said
        assert [handle.value for handle in windows.closed] == [9]


def test_the_version_is_what_rtlgetversion_fills() -> None:
    def version(info: Any) -> int:
        raw = info._obj.raw
        assert len(raw) == 276 and raw[:4] == struct.pack("<I", 276)
        text = "Service Pack 3".encode("utf-16-le")
        info._obj.raw = struct.pack("<5I", 276, 5, 1, 2600, 2) + text.ljust(256, b"\0")
        return 0

    windows = Windows()
    windows.ntdll = Library(RtlGetVersion=version)
    assert windows.version() == {"major": 5, "minor": 1, "build": 2600, "service_pack": "Service Pack 3"}


# --- a whole token

PRIVILEGES = struct.pack("<IQIQI", 2, 20, 0, 23, 3)
NUMBERS = {name: number for number, name in enumerate(collect.CLASSES, 1)}  # winnt.h counts from TokenUser = 1


def token_machine(monkeypatch: pytest.MonkeyPatch, tokens: Dict[int, Dict[str, bytes]]) -> Windows:
    """A Windows with a process 44, whose thread 45 impersonates; what each token's handle answers is in `tokens`."""
    windows = Windows()

    def query(token: Any, number: int) -> Tuple[Optional[collect.Block], Dict[str, Any]]:
        answers = {NUMBERS.get(name, 99): data for name, data in tokens[token.value].items()}
        answers.update({int(name[5:]): data for name, data in tokens[token.value].items() if name[:5] == "Class"})
        if number in answers:
            return collect.Block(0x2000, answers[number], 8), {}
        return None, {"error": NO_SUCH, "message": "said Windows"}

    windows.query = query  # type: ignore[method-assign]
    windows.privilege_name = lambda luid: {20: "SeDebugPrivilege"}.get(struct.unpack("<Q", luid)[0])  # type: ignore
    windows.kernel32 = Library(
        OpenProcess=lambda access, inherit, pid: 700 + pid,
        OpenThread=lambda access, inherit, tid: 800 + tid,
        GetProcessIdOfThread=lambda thread: 44 if thread == 845 else 0,
        GetCurrentProcessId=lambda: 46,
        GetCurrentProcess=lambda: -1,
    )
    windows.advapi32 = Library(
        OpenProcessToken=lambda process, access, token: put(token, 9),
        OpenThreadToken=lambda thread, access, own, token: put(token, 10),
    )
    windows.image = lambda process: "C:\\a.exe" if process else None  # type: ignore[method-assign]
    monkeypatch.setattr(collect, "Windows", lambda: windows)
    return windows


def test_every_class_is_asked_for_and_some_that_have_no_name_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    last = len(collect.CLASSES) + 8
    answers = {"TokenPrivileges": PRIVILEGES, "TokenSessionId": bytes([1, 0, 0, 0]), "Class%d" % last: b"\5"}
    windows = token_machine(monkeypatch, {9: answers})
    found, linked = collect.classes_of(windows, ctypes.c_void_p(9), True)
    assert linked is None and sorted(found) == sorted([*collect.CLASSES, "Class%d" % last])
    assert found["TokenSessionId"] == {"class": 12, "decoded": 1, "base": "0x2000", "raw": "01000000"}
    assert found["TokenUser"] == {"class": 1, "error": 87, "message": "said Windows"}  # refused, and not left out
    assert found["Class%d" % last]["class"] == last
    assert [(row["luid"], row["name"]) for row in found["TokenPrivileges"]["decoded"]] == [
        ("0x0:14", "SeDebugPrivilege"),
        ("0x0:17", None),
    ]


def test_the_linked_token_is_followed_once_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"TokenLinkedToken": struct.pack("<Q", 11)}
    windows = token_machine(monkeypatch, {9: answers, 11: {**answers, "TokenSessionId": bytes([2, 0, 0, 0])}})
    found, linked = collect.classes_of(windows, ctypes.c_void_p(9), True)
    assert linked is not None and linked["TokenSessionId"]["decoded"] == 2 and "TokenLinkedToken" not in linked
    assert [handle.value for handle in windows.closed] == [11] and found["TokenLinkedToken"]["class"] == 19
    for none in (b"", bytes(8)):
        windows = token_machine(monkeypatch, {9: {"TokenLinkedToken": none}})
        assert collect.classes_of(windows, ctypes.c_void_p(9), True)[1] is None and windows.closed == []


@pytest.mark.parametrize(
    "asked, about, opened",
    [
        ({}, {"pid": 46, "tid": None, "image": "C:\\a.exe"}, [9, 746]),
        ({"pid": 44}, {"pid": 44, "tid": None, "image": "C:\\a.exe"}, [9, 744]),
        ({"tid": 45}, {"pid": 44, "tid": 45, "image": "C:\\a.exe"}, [845, 10, 744]),
        ({"tid": 47}, {"pid": None, "tid": 47, "image": None}, [847, 10]),  # of which process, Windows does not say
        ({"pid": 0}, {"pid": 0, "tid": None, "image": "C:\\a.exe"}, [9, 700]),
    ],
)
def test_whose_token_it_is_and_that_all_is_closed(
    asked: Dict[str, int], about: Dict[str, Any], opened: List[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = token_machine(monkeypatch, {9: {}, 10: {}})
    found = collect.collect(asked.get("pid"), asked.get("tid"))
    assert found["about"] == about and (found["format"], found["version"]) == ("kdtoken-collect", 1)
    assert found["pointer_size"] == struct.calcsize("P") and found["linked"] is None
    assert [getattr(handle, "value", handle) for handle in windows.closed] == opened
    assert "TokenUser" in found["classes"] and found["time"].endswith("Z")


def test_the_debug_privilege_is_enabled_only_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = token_machine(monkeypatch, {9: {}})
    windows.enable_debug_privilege = lambda: "enabled"  # type: ignore[method-assign]
    assert "debug_privilege" not in collect.collect(44)["about"]
    assert collect.collect(44, debug_privilege=True)["about"]["debug_privilege"] == "enabled"


# --- the real access check


def asked(question: Dict[str, Any], converts: int = 1, called: int = 0, status: int = 0, granted: int = 0) -> Any:
    windows = Windows()
    seen: List[Any] = []

    def convert(sddl: str, revision: int, descriptor: Any, size: Any) -> int:
        seen.append((sddl, revision))
        return converts and put(descriptor, 0x77)

    def check(descriptor: Any, client: Any, wish: int, mapping: Any, privileges: Any, size: Any, g: Any, s: Any) -> int:
        seen.append((wish, struct.unpack("<4I", mapping.raw), size._obj.value))
        struct.pack_into("<I", privileges, 0, 2)
        g._obj.value, s._obj.value = granted, status
        return called

    windows.ntdll = Library(NtAccessCheck=check)
    answer = collect.one_check(windows, convert, 3, question)
    return answer, seen, len(windows.kernel32.named("LocalFree"))


FILE = (0x120089, 0x120116, 0x1200A0, 0x1F01FF)


def test_what_the_access_check_answers_is_kept_with_what_was_asked() -> None:
    question = {"id": "1", "sddl": "D:(A;;FA;;;BA)", "want": "read"}
    answer, seen, freed = asked(question, status=0, granted=0x120089)
    assert answer == {
        **question, "type": "file", "mapping": list(FILE), "wish": 0x120089, "status": 0, "granted": 0x120089,
        "privileges_used": 2,
    }  # fmt: skip
    assert seen == [("D:(A;;FA;;;BA)", 1), (0x120089, FILE, 1024)] and freed == 1
    answer, _, _ = asked({**question, "type": "KEY"}, status=0xC0000022)
    assert (answer["type"], answer["status"], answer["granted"]) == ("key", 0xC0000022, 0)
    failed, _, freed = asked(question, called=0xC0000005, granted=7)
    assert (failed["status"], failed["granted"], failed["call_failed"], freed) == (0xC0000005, 0, True, 1)
    refused, seen, freed = asked(question, converts=0)
    assert (refused["status"], refused["granted"], refused["error"]) == (0xC0000079, 0, 5) and freed == 0
    assert refused["problem"] == "SDDL refused: said Windows" and len(seen) == 1
    with pytest.raises(collect.CannotCollect, match="no mapping for the type 'desk'; there are: event, file, key"):
        asked({**question, "type": "desk"})


def test_the_check_is_of_an_impersonation_copy_of_the_own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = token_machine(monkeypatch, {9: {}})
    question = {"sddl": "D:", "want": "read"}
    monkeypatch.setattr(collect, "one_check", lambda w, convert, client, one: dict(one, client=client.value))
    with pytest.raises(collect.CannotCollect, match="DuplicateTokenEx: said Windows"):
        collect.access_checks([question])
    windows.advapi32 = Library(
        OpenProcessToken=lambda process, access, token: put(token, 9) if access == 0xA else 0,
        DuplicateTokenEx=lambda own, access, sd, level, kind, copy: put(copy, 12) if (access, level, kind) == (0xC, 2, 2) else 0,
    )  # fmt: skip
    assert collect.access_checks([question, question]) == [dict(question, client=12)] * 2
    assert [handle.value for handle in windows.closed][-2:] == [12, 9]
    windows.advapi32 = Library()
    with pytest.raises(collect.CannotCollect, match="OpenProcessToken: said Windows"):
        collect.access_checks([question])


# --- the command line

FOUND: Dict[str, Any] = {"format": "kdtoken-collect", "version": 1}


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> List[Tuple[Any, ...]]:
    calls: List[Tuple[Any, ...]] = []

    def collect_it(*values: Any) -> Dict[str, Any]:
        calls.append(values)
        return dict(FOUND)

    monkeypatch.setattr(collect, "collect", collect_it)
    monkeypatch.setattr(collect, "access_checks", lambda questions: [dict(one, status=0) for one in questions])
    return calls


def test_what_is_asked_is_what_is_collected(
    collected: List[Tuple[Any, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert collect.main([]) == collect.main(["--pid", "0"]) == collect.main(["--thread", "45"]) == 0
    assert collect.main(["--pid", "44", "--debug-privilege"]) == 0
    assert collected == [(None, None, False), (0, None, False), (None, 45, False), (44, None, True)]
    out = capsys.readouterr()
    assert not out.err and json.loads(out.out[: out.out.index("}\n") + 1]) == FOUND
    file = tmp_path / "token.json"
    for _ in range(2):  # what an earlier run made is replaced
        assert collect.main(["-o", str(file)]) == 0
        assert json.loads(file.read_text(encoding="ascii")) == FOUND and not capsys.readouterr().out
    assert os.listdir(str(tmp_path)) == ["token.json"]


def test_checks_of_the_command_line_and_of_a_file_are_asked_together(
    collected: List[Tuple[Any, ...]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "questions.json"
    file.write_text(json.dumps({"questions": [{"id": "q", "sddl": "D:", "want": "write"}]}), encoding="utf-8")
    words = ["--check", "D:(A;;FA;;;BA)", "--check", "D:", "--type", "key", "--want", "read", "--questions", str(file)]
    assert collect.main(words) == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert checks == [
        {"id": "check 1", "sddl": "D:(A;;FA;;;BA)", "type": "key", "want": "read", "status": 0},
        {"id": "check 2", "sddl": "D:", "type": "key", "want": "read", "status": 0},
        {"id": "q", "sddl": "D:", "want": "write", "status": 0},
    ]
    for own in (["--pid", "0"], ["--thread", "0"]):
        assert collect.main([*own, "--check", "D:"]) == 2
        assert "--check asks with this process's own token" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, said",
    [
        (["--pid", "-1"], "-1 is no id of a process or a thread"),
        (["--thread", "-1"], "-1 is no id of a process or a thread"),
        (["-o", "{there}"], "is there already, and no JSON of collect"),
        (["-o", "{folder}/none/x"], "cannot write"),
        (["--questions", "{folder}/none"], "cannot read {folder}/none: "),
    ],
)
def test_what_cannot_be_carried_out_is_one_message_with_a_next_step(
    words: List[str], said: str, collected: List[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").write_text("a letter", encoding="ascii")
    places = {"there": str(tmp_path / "there"), "folder": str(tmp_path)}
    assert collect.main([word.format(**places) for word in words]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("collect: ") and said.format(**places) in told.err and not told.out
    assert told.err.count("\n  next: ") == 1 and (tmp_path / "there").read_text(encoding="ascii") == "a letter"


@pytest.mark.parametrize(
    "words, said",
    [
        (["--pid", "x"], "--pid takes a number in decimal, not x"),
        (["--pid"], "--pid needs a word behind it"),
        (["--pid", "1", "--thread", "2"], "--thread and --pid exclude each other"),
        (["--debug-privilege=1"], "--debug-privilege takes no word"),
        (["-o"], "-o needs a word behind it"),
        (["what"], "nothing takes what"),
    ],
)
def test_a_wrong_word_is_one_line_with_a_next_step(
    words: List[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as error:
        collect.main(words)
    assert error.value.code == 2
    assert (
        capsys.readouterr().err
        == "collect: %s\n  next: --pid PID names a process (tasklist lists them); --help\n" % said
    )


def test_an_empty_file_is_written_over_and_a_stdout_that_is_closed_is_said(
    collected: List[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_bytes(b"")
    assert collect.main(["-o", str(tmp_path / "x")]) == 0
    monkeypatch.setattr(sys, "stdout", None)
    assert collect.main([]) == 2 and collect.main(["-o", str(tmp_path / "x")]) == 0
    assert capsys.readouterr().err == "collect: standard output is closed\n  next: -o FILE writes a file\n"


def test_ctrl_c_and_a_message_without_a_step_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*values: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(collect, "collect", stop)
    assert collect.main([]) == 2
    assert capsys.readouterr().err == "collect: stopped by Ctrl+C\n  next: the same command again\n"
    collect.complain("odd")
    assert capsys.readouterr().err == "collect: odd\n  next: python collect.py --help tells what it takes\n"
