"""collect.py before a Windows that is played: which calls it makes, what it makes of each answer and of each refusal."""

import ctypes
import json
import struct
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest

from kdtoken import collect
from kdtoken.collect import CannotCollect, Windows

TEXTS = {
    5: "Access is denied.",
    24: "bad length",
    87: "parameter",
    122: "too small",
    1008: "no token",
    1300: "not all",
    1313: "none",
}


class Call:
    """A function of a DLL: takes what ctypes sets on it, and records its calls."""

    def __init__(self, answer: Callable[..., Any]) -> None:
        self.answer = answer
        self.calls: List[Tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> Any:
        self.calls.append(arguments)
        return self.answer(*arguments)


class Played:
    """kernel32, advapi32 and ntdll in one: a function that is not given answers 0, which Windows' means failed."""

    def __init__(self, **functions: Callable[..., Any]) -> None:
        self.code = 5
        self.closed: List[Any] = []
        self.functions = {name: Call(function) for name, function in functions.items()}
        self.functions.setdefault(
            "CloseHandle", Call(lambda handle: self.closed.append(getattr(handle, "value", handle)))
        )

    def __getattr__(self, name: str) -> Call:
        return self.functions.setdefault(name, Call(lambda *arguments: 0))


def windows(monkeypatch: pytest.MonkeyPatch, played: Played) -> Windows:
    with monkeypatch.context() as patch:
        patch.setattr(ctypes, "WinDLL", lambda name, use_last_error=False: played, raising=False)
        patch.setattr(collect.sys, "platform", "win32")
        made = Windows()
    monkeypatch.setattr(made, "error", lambda: (played.code, TEXTS[played.code]))
    return made


def test_the_last_error_is_its_code_and_windows_s_text(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Windows.__new__(Windows)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: 5, raising=False)
    monkeypatch.setattr(ctypes, "FormatError", lambda code: " text of %d \r\n" % code, raising=False)
    assert made.error() == (5, "text of 5")


@pytest.mark.parametrize(
    ("what", "function", "first", "second"),
    [("process", "OpenProcess", 0x1000, 0x400), ("thread", "OpenThread", 0x800, 0x40)],
)
def test_a_process_and_a_thread_are_opened_with_as_little_as_will_do(
    what: str, function: str, first: int, second: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUERY_LIMITED_INFORMATION, and QUERY_INFORMATION for Windows before Vista (learn.microsoft.com)."""
    played = Played(**{function: lambda access, inherit, number: 77 if access == second else 0})
    assert getattr(windows(monkeypatch, played), what)(1234) == 77
    assert played.functions[function].calls == [(first, False, 1234), (second, False, 1234)]
    once = Played(**{function: lambda access, inherit, number: 78})
    assert getattr(windows(monkeypatch, once), what)(4) == 78 and len(once.functions[function].calls) == 1
    for code, message in (
        (5, "cannot open %s 9: error 5, Access is denied.\n  next: run elevated, or with --debug-privilege" % what),
        (87, "there is no %s 9 (the number is decimal)\n  next: " % what),
    ):
        refused = Played()
        refused.code = code
        with pytest.raises(CannotCollect) as caught:
            getattr(windows(monkeypatch, refused), what)(9)
        assert str(caught.value).startswith(message)
        if code == 87:
            step = "tasklist" if what == "process" else "in PowerShell (Get-Process -Id PID).Threads.Id"
            assert str(caught.value).endswith(step + " lists them")


def test_tokens_are_opened_with_their_source_or_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """TOKEN_QUERY 8, TOKEN_QUERY_SOURCE 0x10; a thread's as the process itself, whomever it impersonates."""

    def of_process(process: int, access: int, token: Any) -> bool:
        token._obj.value = 55
        return access == 8

    def of_thread(thread: int, access: int, as_self: bool, token: Any) -> bool:
        token._obj.value = 56
        return access == 8

    played = Played(OpenProcessToken=of_process, OpenThreadToken=of_thread)
    made = windows(monkeypatch, played)
    assert made.process_token(1, "process 4").value == 55
    assert [call[:2] for call in played.functions["OpenProcessToken"].calls] == [(1, 0x18), (1, 8)]
    assert made.thread_token(2, 9).value == 56
    assert [call[:3] for call in played.functions["OpenThreadToken"].calls] == [(2, 0x18, True), (2, 8, True)]
    refused = Played()
    with pytest.raises(CannotCollect) as caught:
        windows(monkeypatch, refused).process_token(1, "process 4")
    assert str(caught.value) == (
        "cannot open the token of process 4: error 5, Access is denied.\n  next: run elevated, or as SYSTEM"
    )
    with pytest.raises(CannotCollect) as caught:
        windows(monkeypatch, refused).thread_token(1, 9)
    assert str(caught.value).startswith("cannot open the token of thread 9: error 5")
    refused.code = 1008
    with pytest.raises(CannotCollect) as caught:
        windows(monkeypatch, refused).thread_token(1, 9)
    assert str(caught.value) == "thread 9 impersonates nobody: it runs under its process's token\n  next: --pid PID"


def answers(played: Played, data: Optional[bytes], tells: bool, code: int) -> Callable[..., bool]:
    """A GetTokenInformation that fills `data` into a buffer that is large enough, else fails with `code`."""

    def function(token: Any, number: int, buffer: Any, size: int, needed: Any) -> bool:
        needed._obj.value = len(data or b"") if tells else 0
        if data is None or size < len(data):
            played.code = code
            return False
        if buffer is not None:
            ctypes.memmove(buffer, data, len(data))
        return True

    return function


@pytest.mark.parametrize(
    ("length", "tells", "code", "sizes"),
    [
        (0, True, 122, [0]),
        (20, True, 122, [0, 20]),  # it says how much it needs
        (20, False, 24, [0, 4, 8, 16, 32]),  # some classes refuse a wrong size without a word
        (4, False, 24, [0, 4]),
    ],
)
def test_a_class_is_asked_for_until_it_fits(
    length: int, tells: bool, code: int, sizes: List[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    played, data = Played(), bytes(range(1, length + 1))
    played.functions["GetTokenInformation"] = Call(answers(played, data, tells, code))
    block, error = windows(monkeypatch, played).query(5, 3)
    assert block is not None and error == {}
    assert block.data[: len(data)] == data and len(block.data) == (length if tells else sizes[-1])
    assert [call[3] for call in played.functions["GetTokenInformation"].calls] == sizes
    assert {call[:2] for call in played.functions["GetTokenInformation"].calls} == {(5, 3)}
    assert block.pointer_size == ctypes.sizeof(ctypes.c_void_p) and (block.base != 0) is (length > 0)


@pytest.mark.parametrize(
    ("asked", "returned", "kept"),
    [
        (20, 20, 20),
        (20, 12, 12),  # a list that got shorter between two calls: what lies behind was never written
        (20, 1, 1),
        (20, 0, 20),  # some classes do not say how much they wrote: all of the buffer then
        (20, 24, 20),  # no more than there is room for
    ],
)
def test_of_the_buffer_only_what_windows_says_it_wrote_is_kept(
    asked: int, returned: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ReturnLength of GetTokenInformation (learn.microsoft.com)."""
    played, data = Played(), bytes(range(1, 21))

    def function(token: Any, number: int, buffer: Any, size: int, needed: Any) -> bool:
        if size < asked:
            needed._obj.value, played.code = asked, 122
            return False
        ctypes.memmove(buffer, data, len(data))
        needed._obj.value = returned
        return True

    played.functions["GetTokenInformation"] = Call(function)
    block, error = windows(monkeypatch, played).query(5, 3)
    assert block is not None and (block.data, error) == (data[:kept], {})


def test_a_class_that_is_refused_is_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played()
    played.functions["GetTokenInformation"] = Call(answers(played, None, True, 5))
    assert windows(monkeypatch, played).query(5, 3) == (None, {"error": 5, "message": "Access is denied."})
    assert len(played.functions["GetTokenInformation"].calls) == 1
    # One that asks for more without end is left.
    endless = Played()

    def more(token: Any, number: int, buffer: Any, size: int, needed: Any) -> bool:
        needed._obj.value, endless.code = 2 * size + 1, 122
        return False

    endless.functions["GetTokenInformation"] = Call(more)
    assert windows(monkeypatch, endless).query(5, 3) == (None, {"error": 122, "message": "too small"})
    assert len(endless.functions["GetTokenInformation"].calls) <= 24


def test_names_and_paths_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def name(system: None, luid: Any, text: Any, size: Any) -> bool:
        text.value = "Se%d" % struct.unpack("<Q", luid._obj.raw[:8])
        return True

    def path(process: int, flags: int, text: Any, size: Any) -> bool:
        text.value = "C:\\%d.exe" % process
        return True

    made = windows(monkeypatch, Played(LookupPrivilegeNameW=name, QueryFullProcessImageNameW=path))
    assert made.privilege_name(struct.pack("<Q", 19)) == "Se19" and made.image(7) == "C:\\7.exe"
    refused = windows(monkeypatch, Played())
    assert refused.privilege_name(bytes(8)) is None is refused.image(7)


def test_what_windows_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(info: Any) -> int:
        assert struct.unpack_from("<I", info._obj.raw)[0] == 276  # its own size, or it is refused
        text = "Service Pack 1".encode("utf-16-le")
        ctypes.memmove(ctypes.addressof(info._obj) + 4, struct.pack("<IIII", 6, 1, 7601, 2) + text, 16 + len(text))
        return 0

    made = windows(monkeypatch, Played(RtlGetVersion=fill))
    assert made.version() == {"major": 6, "minor": 1, "build": 7601, "service_pack": "Service Pack 1"}


@pytest.mark.parametrize(
    ("opens", "has", "adjusts", "code", "said"),
    [
        (True, True, True, 0, "enabled"),
        (True, True, True, 1300, "not enabled: error 1300, not all"),
        (True, True, False, 5, "not enabled: error 5, Access is denied."),
        (True, False, True, 1313, "no SeDebugPrivilege: error 1313, none"),
        (False, True, True, 5, "cannot open the own token: error 5, Access is denied."),
    ],
)
def test_how_enabling_the_debug_privilege_went(
    opens: bool, has: bool, adjusts: bool, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_token(process: int, access: int, token: Any) -> bool:
        assert (process, access) == (99, 0x28)  # TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES
        token._obj.value = 55
        return opens

    def value(system: None, name: str, luid: Any) -> bool:
        assert name == "SeDebugPrivilege"
        luid._obj.raw = struct.pack("<Q", 20)
        return has

    def adjust(token: Any, none: bool, wanted: Any, *rest: Any) -> bool:
        # TOKEN_PRIVILEGES: one, its LUID, SE_PRIVILEGE_ENABLED.
        assert not none and wanted._obj.raw[:16] == struct.pack("<IQI", 1, 20, 2)
        return adjusts

    played = Played(
        GetCurrentProcess=lambda: 99,
        OpenProcessToken=open_token,
        LookupPrivilegeValueW=value,
        AdjustTokenPrivileges=adjust,
    )
    made = windows(monkeypatch, played)
    played.code = code
    monkeypatch.setitem(TEXTS, 0, "")
    assert made.enable_debug_privilege() == said
    assert played.closed == ([55] if opens else [])


def test_all_classes_and_the_linked_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of privileges are asked of Windows; the linked token is asked everything but its own link, and closed."""
    width = ctypes.sizeof(ctypes.c_void_p)
    number_of = {name: at for at, name in enumerate(collect.CLASSES, 1)}
    data = {
        number_of["TokenPrivileges"]: struct.pack("<IQIQI", 2, 19, 2, 40, 0),
        number_of["TokenLinkedToken"]: (77).to_bytes(width, "little"),
        number_of["TokenSessionId"]: struct.pack("<I", 3),
        len(collect.CLASSES) + 8: b"new",
    }
    asked: List[Tuple[Any, int]] = []

    class Asked(Windows):
        def __init__(self) -> None:
            self.closed: List[Any] = []

        def query(self, token: Any, number: int) -> Tuple[Optional[collect.Block], Dict[str, Any]]:
            asked.append((getattr(token, "value", token), number))
            if number in data:
                return collect.Block(0x1000, data[number], width), {}
            return None, {"error": 5, "message": "no"}

        def privilege_name(self, luid: bytes) -> Optional[str]:
            return {19: "SeShutdownPrivilege"}.get(*struct.unpack("<Q", luid))

        def close(self, handle: Any) -> None:
            self.closed.append(handle.value)

    made = Asked()
    found, linked = collect.classes_of(made, 55, True)
    assert found["TokenPrivileges"] == {
        "decoded": [
            {"luid": "0x0:13", "attributes": 2, "name": "SeShutdownPrivilege"},
            {"luid": "0x0:28", "attributes": 0, "name": None},
        ],
        "base": "0x1000",
        "raw": data[number_of["TokenPrivileges"]].hex(),
        "class": 3,
    }
    assert found["TokenSessionId"]["decoded"] == 3 and found["TokenUser"] == {"error": 5, "message": "no", "class": 1}
    last = len(collect.CLASSES) + 8
    assert found["Class%d" % last]["class"] == last and "Class%d" % (last - 1) not in found
    assert "TokenLinkedToken" in found and linked is not None and "TokenLinkedToken" not in linked
    assert set(linked) == set(found) - {"TokenLinkedToken"} and made.closed == [77]
    assert [number for token, number in asked if token == 55] == list(range(1, last + 1))
    assert (77, number_of["TokenLinkedToken"]) not in asked
    data[number_of["TokenLinkedToken"]] = bytes(width)
    assert collect.classes_of(made, 55, True)[1] is None


@pytest.mark.parametrize("tid", [None, 9])
def test_whose_token_it_is_and_that_all_is_closed(tid: Optional[int], monkeypatch: pytest.MonkeyPatch) -> None:
    closed: List[Any] = []

    class Told:
        kernel32 = Played(GetProcessIdOfThread=lambda thread: 44, GetCurrentProcessId=lambda: 33)

        def process(self, pid: int) -> str:
            return "process %d" % pid

        def thread(self, number: int) -> str:
            return "thread %d" % number

        def thread_token(self, thread: str, number: int) -> str:
            return "token of " + thread

        def process_token(self, process: str, whose: str) -> str:
            assert whose == process
            return "token of " + process

        def image(self, process: str) -> str:
            return "image of " + process

        def version(self) -> Dict[str, int]:
            return {"build": 22000}

        def enable_debug_privilege(self) -> str:
            return "enabled"

        def close(self, handle: Any) -> None:
            closed.append(handle)

    monkeypatch.setattr(collect, "Windows", Told)
    monkeypatch.setattr(collect, "classes_of", lambda windows, token, link: ({"token": token, "link": link}, "other"))
    found = collect.collect(None, tid, True)
    whose = "thread 9" if tid else "process 33"
    pid = 44 if tid else 33
    assert found["about"] == {
        "debug_privilege": "enabled",
        "pid": pid,
        "tid": tid,
        "image": "image of process %d" % pid,
    }
    assert found["classes"] == {"token": "token of " + whose, "link": True} and found["linked"] == "other"
    assert found["windows"] == {"build": 22000} and found["format"] == "kdtoken-collect" and found["version"] == 1
    assert found["pointer_size"] == struct.calcsize("P") and found["python"] == sys.version.split()[0]
    assert sorted(closed) == sorted({whose, "token of " + whose, "process %d" % pid})
    assert "debug_privilege" not in collect.collect(7)["about"] and collect.collect(7)["about"]["pid"] == 7


def test_generic_rights_are_mapped_each_to_its_own() -> None:
    """winnt.h: GENERIC_READ 1 << 31, WRITE 1 << 30, EXECUTE 1 << 29, ALL 1 << 28; MAXIMUM_ALLOWED 1 << 25."""
    mapping = (0x1, 0x20, 0x300, 0x4000)
    for word, mask in (("read", 0x1), ("write", 0x20), ("execute", 0x300), ("all", 0x4000), ("maximum", 1 << 25)):
        assert collect.mapped_wish(word, mapping) == mask
    assert (
        collect.mapped_wish("0xf0000008", mapping) == 0x4329
        and collect.mapped_wish("0xffffffff", mapping) == 0x0FFFFFFF
    )
    assert collect.mapped_wish("0", mapping) == 0


def test_each_class_that_collect_decodes() -> None:
    """As people read it; TOKEN_SOURCE is eight bytes of name and a LUID."""
    block = collect.Block(0x1000, b"User32\0\0" + struct.pack("<II", 0x12, 0x3), 8)
    assert collect.decoded("TokenSource", block) == {"decoded": {"name": "User32", "luid": "0x3:12"}}
    for data, found in ((b"\1\2\3\4", {"decoded": 0x4030201}), (b"\7", {"decoded": 7}), (b"", {}), (bytes(5), {})):
        assert collect.decoded("TokenNew", collect.Block(0, data, 8)) == found
    cut = collect.decoded("TokenOrigin", collect.Block(0, bytes(7), 8))
    assert cut == {"problem": "4 bytes at offset 4 are not there"}
    # A pointer before the bytes, and a SID of an authority of more than 32 bits ([MS-DTYP] 2.4.2.1: in hexadecimal).
    assert "problem" in collect.decoded("TokenOwner", collect.Block(0x1000, struct.pack("<Q", 0xFFF), 8))
    sid = bytes([1, 1, 0, 1, 0, 0, 0, 0]) + struct.pack("<I", 7)
    owner = collect.Block(0x1000, struct.pack("<Q", 0x1008) + sid, 8)
    assert collect.decoded("TokenOwner", owner) == {"decoded": "S-1-0x000100000000-7"}
    dacl = collect.Block(0x1000, struct.pack("<Q", 0x1008) + b"\2\0\x08\0\0\0\0\0rest", 8)
    assert collect.decoded("TokenDefaultDacl", dacl) == {"decoded": "0200080000000000"}
    assert collect.decoded("TokenDefaultDacl", collect.Block(0x1000, bytes(8), 8)) == {"decoded": None}


def test_a_question_s_type_is_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    played = windows(monkeypatch, Played())
    question = {"type": "File", "want": "0x1", "sddl": "D:"}
    answer = collect.one_check(played, lambda *arguments: 0, None, question)
    assert answer["type"] == "file" and answer["wish"] == 1 and "SDDL refused" in answer["problem"]
    with pytest.raises(CannotCollect, match="no mapping for the type 'no'"):
        collect.one_check(played, lambda *arguments: 0, None, dict(question, type="No"))


def test_what_was_collected_goes_to_the_file_that_was_named_and_else_to_the_screen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(collect, "collect", lambda pid, thread, debug: {"pid": pid, "thread": thread, "debug": debug})
    named = tmp_path / "token.json"
    assert collect.main(["--pid", "7", "-o", str(named)]) == 0
    assert json.loads(named.read_text()) == {"pid": 7, "thread": None, "debug": False}
    assert capsys.readouterr() == ("", "")
    assert collect.main(["--thread", "8", "--debug-privilege"]) == 0
    assert json.loads(capsys.readouterr().out) == {"pid": None, "thread": 8, "debug": True}


@pytest.mark.parametrize("told, length", [(4, 4), (16, 16), (0, 16), (40, 16)])
def test_a_class_is_as_long_as_windows_says_and_never_longer_than_the_buffer(
    told: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some classes take a buffer that is too long and fill a part of it."""

    def ask(token: Any, number: int, buffer: Any, size: int, needed: Any) -> int:
        needed._obj.value = 16 if buffer is None else told
        return 0 if buffer is None else 1

    played = Played(GetTokenInformation=ask)
    played.code = 122
    block, error = windows(monkeypatch, played).query(5, 3)
    assert block is not None and len(block.data) == length and error == {}


@pytest.mark.parametrize(
    "called, status, granted, used, said",
    [
        # NtAccessCheck succeeds and tells its answer by AccessStatus; PRIVILEGE_SET begins with the count used.
        (0, 0, 0x120089, 0, {"status": 0, "granted": 0x120089, "privileges_used": 0}),
        (0, 0, 0x1000000, 1, {"status": 0, "granted": 0x1000000, "privileges_used": 1}),
        (0, 0xC0000022, 0, 0, {"status": 0xC0000022, "granted": 0, "privileges_used": 0}),
        # The call itself failed, STATUS_INVALID_SECURITY_DESCR: what the buffers hold is no answer.
        (0xC0000079, 0, 0x7, 3, {"status": 0xC0000079, "granted": 0, "call_failed": True}),
    ],
)
def test_a_question_is_asked_with_the_type_s_mapping_and_its_answer_kept(
    called: int, status: int, granted: int, used: int, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: List[Any] = []

    def access_check(*given: Any) -> int:
        descriptor, client, wish, mapping, privileges, size, rights, answer = given
        assert (descriptor.value, client, wish) == (0x5000, 0x44, 0x120089)
        # GENERIC_MAPPING of files: read, write, execute, all.
        assert struct.unpack("<4I", mapping.raw) == (0x120089, 0x120116, 0x1200A0, 0x1F01FF)
        assert size._obj.value == 1024 == len(privileges)
        struct.pack_into("<I", privileges, 0, used)
        rights._obj.value, answer._obj.value = granted, status
        return called

    def convert(sddl: str, revision: int, to: Any, size: Any) -> int:
        assert (sddl, revision, size) == ("D:", 1, None)
        to._obj.value = 0x5000
        return 1

    played = windows(monkeypatch, Played(NtAccessCheck=access_check, LocalFree=lambda one: freed.append(one.value)))
    question = {"type": "file", "want": "read", "sddl": "D:", "id": "mine"}
    answer = collect.one_check(played, convert, 0x44, question)
    head = {"id": "mine", "type": "file", "want": "read", "sddl": "D:", "wish": 0x120089}
    assert answer == {**head, "mapping": [0x120089, 0x120116, 0x1200A0, 0x1F01FF], **said} and freed == [0x5000]
