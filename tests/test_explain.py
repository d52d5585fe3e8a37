"""The verb explain on the declared machine, on texts, and on bad input: each error names the thing and the next step."""

import io
import json
import re
from argparse import Namespace
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List, Optional, Tuple

import jsonschema
import pytest

import kdtoken
from kdtoken import cli, explain
from kdtoken.analysis.access_check.caller import Caller
from kdtoken.cli.sides import Party, Wanted
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.absent import Unreadable
from kdtoken.model.object_type import documented_type
from kdtoken.model.sddl import from_sddl
from kdtoken.model.secured_object import SecuredObject
from tests.declared_views import token_lines, whoami_lines
from tests.expected import WINDOWS_7, WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource
from tests.sessions import MACHINE_22000

KERNEL = kernel_of(WINDOWS_11)
ROOT = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((ROOT / "kdtoken" / "render" / "explain.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def machine() -> KernelMachine:
    return KernelMachine(SyntheticSource(KERNEL))


def run(monkeypatch: Any, *words: str, on: Optional[KernelMachine] = None) -> Tuple[int, str, str]:
    """(exit code, stdout, stderr) on the declared machine."""
    made = machine() if on is None else on
    monkeypatch.setattr(cli, "open_machine", lambda options, *rest: made)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = explain.main(list(words))
    return code, out.getvalue(), err.getvalue()


def test_a_filtered_administrator_and_a_file(monkeypatch: Any) -> None:
    code, out, _ = run(
        monkeypatch, "notepad.exe", "--to", "D:(A;;FA;;;BA)(A;;FR;;;BU)", "--type", "file", "--want", "write"
    )
    assert code == 1
    assert "NO: STATUS_ACCESS_DENIED (error 5)" in out and "it comes from: the DACL" in out
    assert "ACE 0 (allow 0x1f01ff BUILTIN\\Administrators (S-1-5-32-544)): that SID is for deny only" in " ".join(
        out.split()
    )
    assert "- the linked token of its UAC pair (run elevated, or not)" in out


def test_the_same_user_may_read(monkeypatch: Any) -> None:
    code, out, _ = run(
        monkeypatch, "notepad.exe", "--to", "D:(A;;FA;;;BA)(A;;FR;;;BU)", "--type", "file", "--want", "read"
    )
    assert code == 0 and "YES: granted 0x120089" in out


def test_a_process_and_another(monkeypatch: Any) -> None:
    code, out, _ = run(monkeypatch, "notepad.exe", "--to", "lsass.exe", "--want", "VM_READ")
    assert code == 1 and "objects of type Process (mapping: target)" in out
    assert "it comes from: the object's integrity label" in out


def test_a_process_may_open_itself_whatever_protects_it(monkeypatch: Any) -> None:
    code, out, _ = run(monkeypatch, "lsass.exe", "--to", "lsass.exe", "--want", "VM_READ")
    assert code == 0, out


@pytest.mark.parametrize("asker, asked, protection", [(0x1000, 0x1000, 0), (0x1000, 0x2000, None), (0, 0, None)])
def test_a_process_s_own_protection_is_no_matter_to_it_even_where_it_cannot_be_told(
    asker: int, asked: int, protection: Optional[int]
) -> None:
    """What nobody knows of both is the same of both: a question about it would be one about nothing."""
    kind = documented_type("process")
    party = Party(Caller("a.exe", None, {}, protection=None), process=asker)
    what = Wanted(SecuredObject(asked, "b.exe", kind, None), kind, None, asked)
    words = Namespace(want="VM_READ", object_type=None, access_check=False, backup_intent=False)
    words.self = None
    assert explain._request(words, party, what, 0x2000).protection == protection


def test_a_protected_process_refuses_an_administrator_with_debug_privilege(monkeypatch: Any) -> None:
    code, out, _ = run(monkeypatch, "4", "--to", "lsass.exe", "--want", "VM_READ", "--json")
    document = json.loads(out)
    VALIDATOR.validate(document)
    assert code == 1 and document["checks"][0]["place"] == "protected"


def test_a_thread_at_identification(monkeypatch: Any) -> None:
    code, out, _ = run(monkeypatch, "1120:01132", "--to", "services.exe", "--want", "QUERY_LIMITED_INFORMATION")
    assert code == 1 and "STATUS_BAD_IMPERSONATION_LEVEL" in out
    assert "at Identification because the client allowed no more" in out
    assert "stop impersonating (RevertToSelf)" in out


@pytest.mark.parametrize("words", ["744:748", "lsass.exe:748", "LSASS:748", "0x2e8:0x2ec", "lsass.exe:0n748"])
def test_a_thread_is_named_alike_as_caller_and_as_object(monkeypatch: Any, words: str) -> None:
    """A process as everywhere, a colon, the thread's id (0x2e8 is 744, 0x2ec 748): what `diff` and `walk` take too."""
    code, out, err = run(monkeypatch, words, "--to", "services.exe", "--want", "QUERY_LIMITED_INFORMATION")
    assert (code, err) == (0, "") and "thread 744:748 of lsass.exe" in out.splitlines()[0]
    code, out, err = run(monkeypatch, "lsass.exe", "--to", "thread:" + words, "--want", "QUERY_LIMITED_INFORMATION")
    assert (code, err) == (0, "") and "thread " + words in out.splitlines()[0]


def test_a_caller_s_thread_that_is_not_there(monkeypatch: Any) -> None:
    code, _, err = run(monkeypatch, "lsass.exe:4", "--to", "services.exe", "--want", "QUERY_LIMITED_INFORMATION")
    assert code == 2 and "process 744 has no thread 4" in err and "kdtoken dump 744 lists its threads" in err
    code, _, err = run(monkeypatch, "nope.exe:748", "--to", "services.exe", "--want", "QUERY_LIMITED_INFORMATION")
    assert code == 2 and "no process has the name nope.exe" in err


def test_the_gates_before_a_token(monkeypatch: Any) -> None:
    code, out, _ = run(monkeypatch, "notepad.exe", "--to", "token:lsass.exe", "--want", "QUERY")
    assert code == 1 and out.startswith("NO: a gate is closed")
    assert "Gate 1 of 2: OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION)" in out
    code, out, _ = run(monkeypatch, "notepad.exe", "--to", "token:notepad.exe", "--want", "QUERY", "--json")
    document = json.loads(out)
    VALIDATOR.validate(document)
    assert (code, document["chain"]["verdict"]) == (0, "yes")
    assert document["chain"]["calls"] == ["OpenProcessToken"], "GetCurrentProcess needs no check"


def test_everybody_and_a_matrix(monkeypatch: Any) -> None:
    on = machine()
    code, out, _ = run(monkeypatch, "--who", "--to", "lsass.exe", "--want", "VM_READ", on=on)
    assert code == 0
    assert "of lsass.exe (744)" in out.splitlines()[0]
    rows = [line for line in out.splitlines() if re.match(r"  \S.* \(\d+\) +(yes|no|depends)\b", line)]
    assert len(rows) == len(on.processes()) - sum(process.token is None for process in on.processes())
    code, out, _ = run(monkeypatch, "--who", "--threads", "--to", "lsass.exe", "--want", "VM_READ")
    assert "svchost.exe (1120), thread 1132" in out and "level: the thread impersonates at Identification" in out
    code, out, _ = run(
        monkeypatch, "4", "notepad.exe", "--to", "lsass.exe", "--to", "\\BaseNamedObjects", "--want", "0x1"
    )
    assert sum("BaseNamedObjects" in line for line in out.splitlines()) == 2


def test_text_against_text_needs_no_machine(tmp_path: Path) -> None:
    token, sd = tmp_path / "whoami.txt", tmp_path / "sd.txt"
    token.write_text(whoami_lines("notepad"), encoding="utf-8")
    sd.write_text("O:BAG:SYD:(A;;KR;;;BU)(A;;KA;;;BA)\n", encoding="utf-8")
    out = io.StringIO()
    with redirect_stdout(out):
        code = explain.main([str(token), "--to", str(sd), "--type", "key", "--want", "maximum"])
    assert code == 3 and "DEPENDS: as far as is known yes, 0x20019" in out.getvalue()
    assert "It depends on whether the token has restricting SIDs" in " ".join(out.getvalue().split())


def test_what_whoami_does_not_list_is_asked_about(tmp_path: Path) -> None:
    """The logon SID and the primary group: an ACE for them may be the caller's; one for another group is not."""
    token = tmp_path / "whoami.txt"
    token.write_text(whoami_lines("notepad"), encoding="utf-8")
    for sid, code in (("S-1-5-5-0-12345", 3), ("S-1-5-21-9-9-9-513", 1), ("S-1-5-32-551", 1)):
        out = io.StringIO()
        with redirect_stdout(out):
            said = explain.main([str(token), "--to", "O:SYG:SYD:(A;;KR;;;%s)" % sid, "--type", "key", "--want", "read"])
        assert said == code, out.getvalue()


def test_what_accesschk_prints_and_an_account_that_the_caller_s_text_names(tmp_path: Path) -> None:
    """The SID of an account stands in whoami's text alone; another account's is what the answer depends on."""
    token, listing = tmp_path / "whoami.txt", tmp_path / "accesschk.txt"
    token.write_text(whoami_lines("notepad"), encoding="utf-8")
    for account, verdict, said in (
        (
            "PC\\anna",
            "yes, 0x10",
            "the text names pc\\anna without a SID: it is taken for pc\\anna (S-1-5-21-1004336348-1177238915",
        ),
        ("PC\\bert", "no, by the DACL", "the SID of 'PC\\\\bert' is not told"),
    ):
        listing.write_text(
            "Mixer\n  DESCRIPTOR FLAGS:\n      [SE_DACL_PRESENT]\n  OWNER: NT AUTHORITY\\SYSTEM\n"
            "  [0] ACCESS_ALLOWED_ACE_TYPE: %s\n        SERVICE_START\n" % account,
            encoding="ascii",
        )
        out = io.StringIO()
        with redirect_stdout(out):
            code = explain.main([str(token), "--to", str(listing), "--want", "START"])
        text = " ".join(out.getvalue().split())
        assert code == 3 and "asks Mixer (Service) for START (0x10) DEPENDS: as far as is known " + verdict in text
        assert said in text
        assert ("whether ACE 0" in text) is (account == "PC\\bert")


def test_a_descriptor_as_bytes_and_as_hex(monkeypatch: Any, tmp_path: Path) -> None:
    data = from_sddl("O:BAG:SYD:(A;;0x1;;;WD)").to_bytes()
    raw, hexadecimal = tmp_path / "sd.bin", tmp_path / "sd.hex"
    raw.write_bytes(data)
    hexadecimal.write_text(" ".join("%02x" % byte for byte in data), encoding="ascii")
    for path in (raw, hexadecimal):
        code, out, _ = run(monkeypatch, "notepad.exe", "--to", str(path), "--type", "file", "--want", "0x1")
        assert code == 0 and "ACE 0 (allow 0x1 Everyone (S-1-1-0)): grants 0x1" in out


def test_a_descriptor_that_is_cut_is_what_it_depends_on(monkeypatch: Any, tmp_path: Path) -> None:
    """The DACL says two ACEs and holds one: the other might allow."""
    data = from_sddl("O:BAG:SYD:(A;;0x1;;;WD)(A;;0x2;;;WD)").to_bytes()
    whole = bytearray(data)
    at = int.from_bytes(data[16:20], "little")  # offset of the DACL
    size = 8 + 20  # its header and the first ACE, 20 bytes for S-1-1-0
    whole[at + 2 : at + 4] = size.to_bytes(2, "little")  # AclSize says so, AceCount still 2
    path = tmp_path / "cut.bin"
    path.write_bytes(bytes(whole))
    code, out, _ = run(monkeypatch, "notepad.exe", "--to", str(path), "--type", "file", "--want", "0x2")
    assert code == 3 and "the ACEs that could not be read" in out
    code, out, _ = run(monkeypatch, "notepad.exe", "--to", str(path), "--type", "file", "--want", "0x1")
    assert code == 0, "what the first ACE grants does not depend on the rest"


@pytest.mark.parametrize(
    "words, message",
    [
        (["--to", "D:(A;;FA;;;ZZ)", "--type", "file", "--want", "read"], "SDDL, column"),
        (["--to", "D:(A;;FA;;;BA", "--type", "file", "--want", "read"], "SDDL, column"),
        (
            ["--to", "D:", "--type", "sock", "--want", "read"],
            "no documented mapping of rights for objects of type sock",
        ),
        (["--to", "D:", "--want", "read"], "does not say what type of object it guards"),
        (["--to", "0xffffcc8a00000000", "--want", "read"], "0xffffcc8a00000000"),
        (["--to", "lsass.exe", "--want", "FLY"], "the type Process has no access right FLY"),
        (
            ["--to", "D:", "--type", "key", "--want", "SYNCHRONIZE"],
            "objects of type Key have no right SYNCHRONIZE (0x100000)",
        ),
        (["--to", "nobody.exe", "--want", "read"], "nobody.exe"),
        (["--to", "lsass.exe"], "--want RIGHTS is missing"),
        (["--want", "read"], "--to OBJECT is missing"),
        (["--to", "D:", "--type", "file", "--want", "1", "--self", "Anna"], "not the text of a SID"),
        (["--to", "D:", "--type", "file", "--want", "1", "--object-type", "x"], "x is no GUID"),
    ],
)
def test_bad_input_gets_one_clear_error(monkeypatch: Any, words: Any, message: str) -> None:
    code, out, err = run(monkeypatch, "notepad.exe", *words)
    assert (code, out) == (2, "") and message in err and "Traceback" not in err


@pytest.mark.parametrize(
    "words, message, step",
    [
        (
            ["--to", "D:(A;;FA;;;ZZ)", "--type", "file"],
            "column 12: 'ZZ' is no alias of a SID",
            "an alias that SDDL has",
        ),
        (["--to", "D:(A;;FA;;;DA)", "--type", "file"], "which one the text does not say", "S-1-5-21-...-512"),
        (["--to", "D:(A;;FA;;;BA", "--type", "file"], "column 14: expected", "quote it whole"),
        (["--to", "D:(A;;FA;;BA)", "--type", "file"], "column 11", "(TYPE;FLAGS;RIGHTS;OBJECT GUID"),
        (
            ["--to", "D:(XA;;FA;;;BA;(Member_of))", "--type", "file"],
            "column 26: expected SIDs behind Member_of",
            "(XA;",
        ),
        (
            ["--to", "D:(XA;;FA;;;BA;(Exists))", "--type", "file"],
            "column 23: expected a blank and an attribute",
            "(XA;",
        ),
        (["--to", "(A;;FA;;;BA)", "--type", "file"], "is an ACE, and no descriptor", "D:(A;;FA;;;BA)"),
        (["--to", "A;;FA;;;BA", "--type", "file"], "is an ACE, and no descriptor", "D:(A;;FA;;;BA)"),
        (["--to", "{folder}", "--type", "file"], "is a folder", "name the file in it"),
        (["--to", "sd-that-is-not-here.txt", "--type", "file"], "there is no such file here", "walk"),
        (["--to", "0x1000"], "no process has pid 0x1000 (31 processes seen), and no object lies at so low", "walk"),
        (["--to", "thread:lsass.exe:"], "thread:lsass.exe: names no thread", "thread:PROCESS:1188"),
        (
            ["--to", "{random}", "--type", "file"],
            "neither a text nor the bytes of a self-relative descriptor",
            "icacls",
        ),
    ],
)
def test_bad_input_tells_the_next_step_that_works_there(
    monkeypatch: Any, tmp_path: Path, words: Any, message: str, step: str
) -> None:
    random = tmp_path / "random.bin"
    random.write_bytes(bytes(range(1, 32)) * 8)
    filled = [word.replace("{folder}", str(tmp_path)).replace("{random}", str(random)) for word in words]
    code, out, err = run(monkeypatch, "notepad.exe", *filled, "--want", "read")
    said, _, following = err.partition("\n  next: ")
    assert (code, out) == (2, "") and message in said and step in following, err


@pytest.mark.parametrize(
    "words, message, step",
    [
        # KEY_ALL_ACCESS is 0xf003f: no SYNCHRONIZE, and WOW64_64KEY is no right that a key has.
        (["key", "SYNCHRONIZE"], "objects of type Key have no right SYNCHRONIZE (0x100000)", "CREATE_LINK, DELETE"),
        (["key", "0x101"], "objects of type Key have no right WOW64_64KEY (0x100)", "QUERY_VALUE"),
        (["key", "0x08000000"], "objects of type Key have no right 0x8000000", "WRITE_OWNER"),
        (["process", "1e3"], "the type Process has no access right 1e3", "did you mean 0x1e3?"),
        (["process", "VM_REED"], "the type Process has no access right VM_REED", "did you mean VM_READ?"),
        (["filee", "read"], "no documented mapping of rights for objects of type filee", "did you mean file?"),
    ],
)
def test_a_wish_that_the_type_does_not_have(monkeypatch: Any, words: Any, message: str, step: str) -> None:
    kind, wish = words
    code, out, err = run(monkeypatch, "notepad.exe", "--to", "D:", "--type", kind, "--want", wish)
    said, _, following = err.partition("\n  next: ")
    assert (code, out) == (2, "") and message in said and step in following, err


@pytest.mark.parametrize("word, mask", [("KEY_READ", 0x20019), ("key_write", 0x20006), ("KEY_ALL_ACCESS", 0xF003F)])
def test_the_unions_of_a_key_s_rights_by_their_names(monkeypatch: Any, word: str, mask: int) -> None:
    code, out, _ = run(monkeypatch, "notepad.exe", "--to", "D:(A;;KA;;;WD)", "--type", "key", "--want", word)
    assert code == 0 and "YES: granted 0x%x" % mask in out


@pytest.mark.parametrize(
    "content, message",
    [
        (b"O:BAG:SYD:(A;;KR;;;BU)", "is no lab run: that is JSON, which collect writes"),
        (b'{"a": 1}', "is JSON, but holds no checks"),
        (b"[1, 2]", "is JSON, but holds no checks"),
        (b'{"checks": []}', "holds no checks"),
        (b'{"checks": {"a": 1}}', "holds no checks"),
        (bytes(range(256)), "is no lab run"),
        (b"USER INFORMATION\n----------------\n", "is no lab run"),
    ],
)
def test_what_is_no_lab_run_is_not_asked_for_a_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert explain.main(["--against", str(path)]) == 2
    said = capsys.readouterr().err
    assert message in said and "next: on a Windows: kdtoken collect --check" in said and "tells of no token" not in said


def test_a_recording_is_no_lab_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.main(["--against", str(MACHINE_22000)]) == 2
    assert "is no lab run" in capsys.readouterr().err


def test_a_lab_run_with_a_number_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON as Python reads it has Infinity, which no mask is."""
    from kdtoken.analysis.access_check.lab import lab_answers
    from kdtoken.errors import BadFormat
    from tests.test_analysis_access_check_lab import CALLER, ORDER

    text = json.dumps({"checks": [dict(ORDER, status=0, granted=float("inf"))]})
    with pytest.raises(BadFormat, match="check 1 lacks a part"):
        lab_answers(CALLER, text.encode(), "lab.json")


def test_an_object_type_list_is_one_tree(monkeypatch: Any) -> None:
    guid = "00000000-0000-0000-0000-00000000000%d"
    for levels in (("", ""), ("", "++"), ("+",)):
        words = [part for number, level in enumerate(levels) for part in ("--object-type", level + guid % number)]
        code, _, err = run(monkeypatch, "notepad.exe", "--to", "D:", "--type", "file", "--want", "1", *words)
        assert code == 2 and "not one tree" in err


def test_who_or_a_caller_and_not_both(monkeypatch: Any) -> None:
    assert run(monkeypatch, "--to", "lsass.exe", "--want", "read")[0] == 2
    assert run(monkeypatch, "notepad.exe", "--who", "--to", "lsass.exe", "--want", "read")[0] == 2


def beyond_two_dumps(monkeypatch: Any, thing: str, caller: str = "notepad.exe", owner: str = "lsass.exe") -> int:
    """Requests of one explain more than dumps of the caller and of the process that owns the object need."""
    two = machine()
    for name in (caller, owner):
        two.dump(two.find(name), False)
    on = machine()
    code, out, _ = run(monkeypatch, caller, "--to", thing, "--want", "0x1", on=on)
    assert code in (0, 1, 3) and "Steps" in out
    return on.cost[0] - two.cost[0]


@pytest.mark.parametrize("thing", ["lsass.exe", "744", "token:lsass.exe", "thread:lsass.exe:748", "thread:748"])
def test_it_costs_at_most_one_request_beyond_two_dumps(monkeypatch: Any, thing: str) -> None:
    """The caller's protection comes with its dump, and who was found is not looked for again."""
    assert beyond_two_dumps(monkeypatch, thing) <= 1


@pytest.mark.parametrize(
    "path", ["\\BaseNamedObjects", "\\BaseNamedObjects\\Open", "\\Device\\Null", "\\Sessions\\1\\BaseNamedObjects"]
)
def test_a_path_costs_three_requests_a_name(monkeypatch: Any, path: str) -> None:
    """docs/howto/why-was-i-denied.md: two to the root, three a name, three for the type, one for the descriptor, two for the
    default label; each waits for the one before.  Against two dumps, of which it needs one, that is five."""
    assert beyond_two_dumps(monkeypatch, path) <= 5
    assert beyond_two_dumps(monkeypatch, path, owner="notepad.exe") <= 8 + 3 * path.count("\\")


@pytest.mark.parametrize("names", [0, 1, 2])
def test_a_key_costs_two_requests_a_name(monkeypatch: Any, names: int) -> None:
    """The same page: the list's head, the hives up to the key's own (here the second), the path of that one, the bucket, two a
    name below the hive, two for the type, one for the descriptor, one for the default label."""
    path = "\\".join(["key:HKLM\\SYSTEM", "ControlSet001", "Services"][: 1 + names])
    assert beyond_two_dumps(monkeypatch, path) <= (1 + 2 * names if names else 2)
    assert beyond_two_dumps(monkeypatch, path, owner="notepad.exe") <= (9 + 2 * names if names else 10)


def test_a_lab_run_is_worked_out_again(monkeypatch: Any, tmp_path: Path) -> None:
    from tests.test_analysis_access_check_lab import ORDER

    path = tmp_path / "lab.json"
    path.write_text(json.dumps({"checks": [dict(ORDER, status=0, granted=0x1D)]}), encoding="ascii")
    party = explain.Party(machine_caller())  # the token that stands in the same file
    monkeypatch.setattr(explain.Sides, "caller", lambda self, word: party)
    out = io.StringIO()
    with redirect_stdout(out):
        assert explain.main(["--against", str(path)]) == 1
    assert "0 of 1 checks are answered as Windows did" in out.getvalue()
    assert "Windows sides with: maximum-order" in out.getvalue()


def machine_caller() -> Any:
    from tests.test_analysis_access_check_lab import CALLER

    return CALLER


def test_a_file_with_several_descriptors_asks_which(monkeypatch: Any, tmp_path: Path) -> None:
    path = tmp_path / "icacls.txt"
    path.write_text(
        "C:\\a BUILTIN\\Administrators:(F)\r\n     BUILTIN\\Users:(RX)\r\n\r\nC:\\b BUILTIN\\Administrators:(F)\r\n\r\n"
        "Successfully processed 2 files; Failed processing 0 files\r\n",
        encoding="ascii",
    )
    code, _, err = run(monkeypatch, "notepad.exe", "--to", str(path), "--type", "file", "--want", "read")
    assert code == 2 and "holds 2 descriptors" in err and "#1 C:\\a" in err and "#2 C:\\b" in err
    code, out, _ = run(monkeypatch, "notepad.exe", "--to", str(path) + "#1", "--want", "read")
    assert code == 0 and "C:\\a (File)" in out, "icacls says that it is a file, and what it does not tell cannot matter"
    code, out, _ = run(monkeypatch, "notepad.exe", "--to", str(path) + "#2", "--want", "read")
    assert code in (1, 3), out
    assert run(monkeypatch, "notepad.exe", "--to", str(path) + "#3", "--want", "read")[0] == 2


def test_from_a_script() -> None:
    """kdtoken.explain: a process, and a thread by the token that it presents."""
    on = machine()
    answer = kdtoken.explain(on.process("notepad.exe"), "D:(A;;FA;;;BA)(A;;FR;;;BU)", "write", type="file")
    assert (answer.verdict.value, answer.outcome.granted) == ("no", 0)
    assert (
        repr(answer)
        == "<Answer: no, by the dacl: no ACE grants the caller 0x116 (WRITE_DATA APPEND_DATA WRITE_EA WRITE_ATTRIBUTES)>"
    )
    thread = next(one for one in on.process("1120").threads if one.tid == 1132)
    answer = kdtoken.explain(thread, "services.exe", "QUERY_LIMITED_INFORMATION")
    assert answer.outcome.place is not None and answer.outcome.place.value == "level"
    assert kdtoken.explain(on.process("4"), "notepad.exe", "VM_READ").outcome.allowed


def test_whose_token_cannot_be_read_is_named_and_not_left_out(monkeypatch: Any) -> None:
    on = machine()
    real = on.walk

    def torn(threads: bool = False) -> Any:
        walk = real(threads)
        rows = [
            replace(row, token=Unreadable(0xDEAD, "paged out")) if row.process.pid == 744 else row for row in walk.rows
        ]
        return walk._replace(rows=iter(rows))

    monkeypatch.setattr(on, "walk", torn)
    code, out, _ = run(monkeypatch, "--who", "--to", "lsass.exe", "--want", "VM_READ", on=on)
    assert code == 0 and "Not judged: 2" in out
    assert "lsass.exe (744): its token is unreadable at 0xdead: paged out" in out
    assert "whoami.exe (6560): its token is gone, its reference is null" in out, "it has exited"


def test_of_system_its_kernel_mode_is_said(monkeypatch: Any) -> None:
    assert "kernel mode" in run(monkeypatch, "4", "--to", "lsass.exe", "--want", "VM_READ")[1]


def test_the_machines_file_may_stand_first(capsys: pytest.CaptureFixture[str]) -> None:
    """FILE PROCESS, FILE@PROCESS, FILE --who; a text that stands first is the caller."""
    file, rest = str(MACHINE_22000), ["--to", "D:(A;;FA;;;BA)(A;;FR;;;BU)", "--type", "file", "--want", "write"]
    for words in ([file, "notepad.exe"], [file + "@notepad.exe"], ["--session", file, "notepad.exe"]):
        assert explain.main(words + rest) == 1
        assert "notepad.exe (6104) asks " in capsys.readouterr().out
    assert explain.main([file, "--who"] + rest) == 0
    assert "notepad.exe (6104)" in capsys.readouterr().out
    assert explain.main([file] + rest) == 2
    assert "name a caller" in capsys.readouterr().err


def test_a_log_is_a_machine_and_the_text_of_a_token_a_caller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(ROOT / "fixtures" / "logs" / "capture-10.0.22000.2538-synthetic.log.gz")
    rest = ["--to", "D:(A;;FR;;;BU)", "--type", "file", "--want", "write"]
    for words in ([log, "notepad.exe"], ["--log", log, "notepad.exe"]):
        assert explain.main(words + rest) == 1
        assert "notepad.exe (6104) asks " in capsys.readouterr().out
    token = tmp_path / "token.txt"
    token.write_text("kd> !token 0xffffcc8a1420a800\n" + token_lines("notepad"), encoding="utf-8")
    assert explain.main([str(token)] + rest) == 1
    assert "token.txt, line 2 asks " in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "path", ["C:\\Windows\\win.ini", "C:/a", "\\??\\C:\\a", "\\\\?\\C:\\a", "\\\\server\\share\\a"]
)
def test_a_file_s_path_is_told_where_its_descriptor_lies(monkeypatch: Any, path: str) -> None:
    code, _, err = run(monkeypatch, "notepad.exe", "--to", path, "--want", "read")
    assert code == 2 and "a file's descriptor is kept by its file system" in err
    assert "icacls FILE" in err and "no process has the name" not in err


def test_a_build_without_protection_protects_nobody(monkeypatch: Any) -> None:
    """_EPROCESS.Protection came with 8.1: before, no process is protected by a level, and nothing depends on one."""
    seven = KernelMachine(SyntheticSource(kernel_of(WINDOWS_7)))
    code, out, _ = run(monkeypatch, "4", "--to", "services.exe", "--want", "VM_READ", on=seven)
    assert code == 0 and "YES: granted 0x10 (VM_READ)" in out, out


def test_a_label_that_is_inherited_only_is_not_the_object_s_own(monkeypatch: Any) -> None:
    """[MS-DTYP] 2.4.4.1, INHERIT_ONLY_ACE: the ACE does not control access to the object it is attached to."""
    source = SyntheticSource(KERNEL)
    high = 0xFFFFE00012340000  # the default label of a machine where it is High: S-1-16-12288
    source.poke(high, bytes.fromhex("010100000000001000300000"))
    source.poke(source.symbol("SepDefaultMandatorySid"), high.to_bytes(8, "little"))
    for label, code in (("(ML;;NW;;;ME)", 0), ("(ML;OICIIO;NW;;;ME)", 1)):
        words = ("notepad.exe", "--to", "D:(A;;FA;;;WD)S:" + label, "--type", "file", "--want", "0x2")
        found, out, _ = run(monkeypatch, *words, on=KernelMachine(source))
        assert found == code, out


@pytest.mark.parametrize("differs, code", [([], 0), ([False, False], 0), ([True, False], 1), ([True, True], 1)])
def test_one_answer_of_a_real_windows_that_differs_is_enough(
    differs: List[bool], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [SimpleNamespace(differs=one) for one in differs]
    for name in ("head_of", "read_packed", "lab_checks"):
        monkeypatch.setattr(explain, name, lambda *words: {})
    monkeypatch.setattr(explain, "lab_answers", lambda *words: given)
    monkeypatch.setattr(explain, "lab_lines", lambda *words: [])
    sides = SimpleNamespace(caller=lambda word: SimpleNamespace(caller=None), names=None)
    assert explain._against(sides, SimpleNamespace(against="run.json")) == code  # type: ignore[arg-type]
