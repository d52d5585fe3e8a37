"""Wrong uses, each typed as a new user would: what the message names, the next step, no library's words, the code.

A row: the words of the command line, in which {names} are files of `files`; words that must be there; the exit code.
"""

import gzip
import io
import re
import struct
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from typing import Dict, List, Tuple

import pytest

from kdtoken import __main__ as front
from tests.declared_views import whoami_lines
from tests.machine.declared import MACHINE
from tests.sessions import MACHINE_22000
from tests.snapshots import dump_file

LOG = MACHINE_22000.parent.parent / "logs" / "capture-10.0.22000.2538-synthetic.log.gz"

# What a library or Python itself says; no person should have to read it.
LIBRARY = re.compile(
    r"Traceback|Errno|codec can't|Expecting value|Expecting property|JSONDecode|zlib|object has no attribute"
    r"|invalid literal|<class|Error: |struct\.error|unrecognized arguments"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    folder = tmp_path_factory.mktemp("errors")
    dump = dump_file(MACHINE, folder)  # kernel.dmp, its symbols kernel.json
    whole = dump.read_bytes()
    made: Dict[str, bytes] = {
        "stump.dmp": whole[: 16 << 10],
        "half.dmp": whole[: len(whole) // 2],
        "user.dmp": b"MDMP" + bytes(4096),
        "junk.txt": b"just a note\n" * 5,
        "empty.txt": b"",
        "cut.kdtoken.gz": MACHINE_22000.read_bytes()[:4000],
        "cut.kdtoken": gzip.decompress(MACHINE_22000.read_bytes())[:5000],
        "who.txt": whoami_lines("notepad").encode(),
        "who.txt.gz": gzip.compress(whoami_lines("notepad").encode()),
        "binary.bin": bytes(range(256)),
        "portable.pdb": b"BSJB" + struct.pack("<HHI", 1, 1, 0) + bytes(64),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    named = {name.replace(".", "_"): str(folder / name) for name in made}
    return {
        **named,
        "dmp": str(dump),
        "isf": str(dump.with_suffix(".json")),
        "folder": str(folder),
        "rec": str(MACHINE_22000),
        "log": str(LOG),
    }


def typed(line: str, files: Dict[str, str]) -> Tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command line."""
    words = [word.format(**files) for word in line.split(" ")]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = front.main(words)
    return code, out.getvalue(), err.getvalue()


COULD_NOT: List[Tuple[str, List[str]]] = [
    ("dump --session {junk_txt} a.exe", ["junk.txt is text, not a recording", "kdtoken record makes one"]),
    ("dump --session {cut_kdtoken_gz} a.exe", ["cut.kdtoken.gz is cut short", "next: copy it again"]),
    ("dump --session {cut_kdtoken} a.exe", ["cut.kdtoken", "next: "]),
    ("dump --session {folder} a.exe", ["that can be read: ", "name one of them; kdtoken walk"]),
    ("dump --session nosuch.gz a.exe", ["nosuch.gz", "there is no such file", "next: "]),
    ("dump nosuch.dmp a.exe", ["nosuch.dmp", "there is no such file", "next: "]),
    ("dump {stump_dmp} a.exe", ["stump.dmp", "CUT SHORT", "copy the dump again"]),
    ("dump {user_dmp} a.exe", ["user-mode minidump", "next: "]),
    ("dump {empty_txt}", ["empty.txt is empty", "next: "]),
    ("dump {dmp} --symbols {portable_pdb} a.exe", ["portable", ".NET", "next: "]),
    ("dump {rec}:900000- a.exe", ["a.exe", "next: "]),
    ("dump {junk_txt}:90- a.exe", ["junk.txt", "the file has 5", "next: "]),
    ("dump {rec} 0xffffa08011999060", ["0xffffa08011999060", "next: "]),
    ("dump {rec} 0x-537", ["0x-537", "next: "]),
    ("dump {rec} -1", ["-1 is no pid", "next: "]),
    ("dump {rec} 460", ["no process has pid 460", "0x460 is pid 1120"]),
    ("dump {rec} notepad.exe cmd.exe", ["one process at a time", "kdtoken diff compares two"]),
    ("dump {rec} notpad.exe", ["notpad.exe", "notepad.exe", "next: "]),
    ("dump {rec} notepad.exe --csv", ["there is no option --csv: kdtoken walk has it", "next: "]),
    ("dump {rec} notepad.exe --jsno", ["--jsno", "did you mean --json?"]),
    ("dump", ["next: "]),
    ("dump {rec}", ["no process was named", "notepad.exe"]),
    ("dump notepad.exe", ["next: "]),
    ("dump --session {rec} --attach com:x a.exe", ["--session and --attach", "one source at a time"]),
    ("dump {rec} a.exe --symbols x", ["--symbols", "leave them away"]),
    ("walk {folder}/kernl.dmp", ["there is no such file", "did you mean {folder}/kernel.dmp?"]),
    ("walk notepad.exe", ["walk takes files", "kdtoken dump notepad.exe shows one process"]),
    ("walk nosuch.dmp", ["nosuch.dmp", "there is no such file", "next: "]),
    ("walk {rec} --integrity hihg", ["hihg", "one of"]),
    ("walk {rec} --json --csv", ["--json or --csv, not both", "next: "]),
    ("walk {rec} --format yaml", ["--format takes one of text, json, csv, not yaml", "next: "]),
    ("walk {rec} --services nosuch.txt", ["cannot read the list of service names nosuch.txt", "next: "]),
    ("walk {rec} --timeout x", ["--timeout takes a number, not x", "next: "]),
    (
        "walk {rec} --parquet {folder}",
        ["Parquet file" if find_spec("pyarrow") else "needs the package pyarrow", "next: "],
    ),
    ("diff {rec}@notepad.exe", ["B is missing", "next: "]),
    ("diff {rec}@notepad.exe {rec}@nobody.exe", ["nobody.exe", "next: "]),
    ("diff {rec}@notepad.exe nosuch.txt", ["nosuch.txt", "next: "]),
    ("diff {who_txt} {junk_txt}", ["junk.txt", "next: "]),
    ("explain {rec} notepad.exe --want VM_READ", ["--to OBJECT is missing", "next: "]),
    ("explain {rec} notepad.exe --to lsass.exe --want FLY", ["FLY", "next: "]),
    ("explain {rec} notepad.exe --to lsas.exe --want VM_READ", ["lsas.exe", "next: "]),
    ("explain {rec} notepad.exe --to D:(A;;FA;;;BA --type file --want read", ["next: "]),
    ("explain {rec} notepad.exe --to D:(A;;FA;;;BA) --type flie --want read", ["flie", "next: "]),
    ("explain {rec} notepad.exe --to lsass.exe --want VM_READ --self X", ["X", "next: "]),
    ("audit nosuch.dmp", ["nosuch.dmp", "next: "]),
    ("audit {rec} --rule nosuch", ["nosuch", "next: "]),
    ("audit {rec} --baseline {junk_txt}", ["junk.txt is no output of audit --json", "next: "]),
    ("lineage {rec} nobody.exe", ["nobody.exe", "next: "]),
    ("sid S-1-5-x", ["S-1-5-x", "next: "]),
    ("mask 0xzz", ["0xzz", "next: "]),
    ("mask 0x1 nosuch", ["nosuch", "next: "]),
    ("tour 99", ["99", "next: "]),
    ("record dump notepad.exe", ["-o", "next: "]),
    ("record -o {folder}/no/x.gz dump notepad.exe --session {rec}", ["there is no folder", "next: "]),
    ("record -o {folder}/x.gz fly --session {rec}", ["fly", "next: "]),
    ("record -o {folder}/x.gz dump nobody.exe --session {rec}", ["nobody.exe", "next: "]),
    ("dmp a.exe", ["did you mean dump?", "kdtoken dump a.exe"]),
    ("Dump a.exe", ["did you mean dump?", "kdtoken dump a.exe"]),
    ("frobnicate", ["no verb 'frobnicate'", "next: "]),
    ("{dmp}", ["it is a file", "next: kdtoken walk {dmp}"]),
    ("notepad.exe", ["a verb comes first", "next: kdtoken dump tour notepad.exe"]),
    # An option that another verb has; one that is spelt right is not asked for once more.
    ("walk {rec} --want READ", ["there is no option --want READ: kdtoken explain has it", "kdtoken walk --help"]),
    ("dump {rec} 6104 --integrity=low", ["there is no option --integrity=low: kdtoken walk has it"]),
    ("audit {rec} --named x", ["kdtoken lake has it"]),
    ("dump {rec} 6104 --format html", ["not html\n  next: kdtoken dump --help"]),
    ("walk {rec} --user", ["--user needs a word behind it\n  next: kdtoken walk --help"]),
    ("tour --write", ["--write needs a word behind it\n  next: kdtoken tour --help"]),
    ("diff", ["A, B are missing", "next: "]),
    # No source at all: the next step is no other verb's.
    ("audit", ["pykd is not here, so there is no live session", "next: name a file: a dump, a recording, a log"]),
    ("walk", ["pykd is not here, so there is no live session", "next: name a file"]),
    ("lineage {rec}", ["no process was named", "next: kdtoken lineage {rec} notepad.exe"]),
    ("lineage {who_txt}", ["tells of a token, and of no process that has it", "next: kdtoken dump {who_txt}"]),
    ("dump {rec} 6104:6108", ["6104:6108 is a thread of pid 6104", "next: kdtoken dump {rec} 6104"]),
    ("walk {rec} --services {binary_bin}", ["binary.bin is no text", "next: a service a line"]),
    ("mask 0xzz process", ["0xzz is no number", "next: a mask is 0x"]),
    ("explain {rec} 6104 --to 744 --want 0xzz", ["0xzz is no number", "next: "]),
    ("mask VM_RAED process", ["no access right VM_RAED", "next: did you mean VM_READ?"]),
    ("mask raed file", ["no access right raed", "next: did you mean read?"]),
    ("mask 0x10 proces", ["type proces", "next: did you mean process?"]),
    ("explain {rec} 6104 --to D:(A;;FA;;;BA) --want read --type fiel", ["fiel", "next: did you mean file?"]),
    ("dump --log {log} cmd.exe", ["next: type this in the debugger while it logs, then this again: dq "]),
    (
        "explain --log {log} 6104 --to lsass.exe --want VM_READ",
        ["where lsass.exe (744) should be: not recorded", '--to "D:(A;;GA;;;BA)" --type process'],
    ),
    ("diff --log {log} 6104 4120", ["nothing of the two tokens could be compared", "next: dq "]),
]
ANSWERED: List[Tuple[str, List[str]]] = [
    ("walk {rec} --user Bob", ["none has the user Bob; the users here are: ANNA-PC\\Anna"]),
    ("dump {rec} 17d8", ["notepad.exe  pid 6104"]),
    ("dump {rec} notepad.exe", ["notepad.exe  pid 6104"]),
    ("dump --session {dmp} notepad.exe --symbols {isf}", ["notepad.exe  pid 6104"]),
    ("dump --log {dmp} notepad.exe --symbols {isf}", ["notepad.exe  pid 6104"]),
    ("dump --dump {rec} notepad.exe", ["notepad.exe  pid 6104"]),
    ("dump {rec} --why notepad.exe", ["notepad.exe  pid 6104"]),
    ("dump --log {who_txt_gz}", ["Runs as"]),
    ("walk {rec} --format json", ['"processes"']),
    ("help dump", ["usage: kdtoken dump"]),
]


@pytest.mark.parametrize("line, words", COULD_NOT, ids=[line for line, _ in COULD_NOT])
def test_what_cannot_be_done_is_one_message_with_a_next_step(
    line: str, words: List[str], files: Dict[str, str]
) -> None:
    code, out, err = typed(line, files)
    assert code == 2, out + err
    assert err.startswith("kdtoken: ")
    assert not LIBRARY.search(err), err
    for word in words:
        assert word.format(**files) in err, err


@pytest.mark.parametrize("line", ["walk {folder}/zqx.xyz", "mask ZQX process", "mask 0x10 zqx", "dump a.exe --zqx"])
def test_nothing_is_guessed_where_nothing_is_near(line: str, files: Dict[str, str]) -> None:
    code, _, err = typed(line, files)
    assert code == 2 and "next: " in err and "did you mean" not in err, err


@pytest.mark.parametrize(
    "line, words",
    [
        ("collect 6104", ["nothing takes 6104", "next: --pid PID"]),
        ("collect lsass.exe", ["nothing takes lsass.exe", "next: --pid PID"]),
        ("collect --pid x", ["--pid takes a number in decimal, not x", "next: --pid PID names a process (tasklist"]),
        ("collect --pid", ["--pid needs a word behind it", "next: --pid PID"]),
        ("collect --pid 4 --thread 8", ["exclude each other", "; --help"]),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_collect_which_runs_alone_says_it_in_its_own_words(
    line: str, words: List[str], files: Dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    err = io.StringIO()
    with redirect_stderr(err), pytest.raises(SystemExit) as ended:
        front.main(line.split(" "))
    assert ended.value.code == 2 and err.getvalue().startswith("collect: ")
    assert not LIBRARY.search(err.getvalue()) and all(word in err.getvalue() for word in words), err.getvalue()


@pytest.mark.parametrize("line, words", ANSWERED, ids=[line for line, _ in ANSWERED])
def test_what_is_only_said_otherwise_is_answered(line: str, words: List[str], files: Dict[str, str]) -> None:
    code, out, err = typed(line, files)
    assert (code, err) == (0, "")
    for word in words:
        assert word in " ".join(out.split()) or word in out
