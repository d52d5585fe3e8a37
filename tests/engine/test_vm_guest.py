"""The guest's .cmd files under Wine's cmd.exe, where bcdedit and the like are stand-ins that record their calls.

All situations run in one cmd.exe, since each start of Wine costs more than all of them together.
"""

import re
import shutil
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

import pytest

from tests.engine.assemble import compile_native
from tests.engine.windows import Windows, wine_path

GUEST = Path(__file__).resolve().parent.parent.parent / "vm" / "guest"
STAND_INS = ("bcdedit", "manage-bde", "net", "reg", "icacls", "whoami", "py", "python")

SYSTEM_DRIVE = "C:"
UNPROTECTED = "manage-bde -status\t1\tProtection Off"
SERIAL = (
    "bcdedit /dbgsettings\t0\tdebugtype               Serial\\ndebugport               1\\n"
    "baudrate                57600\\nThe operation completed successfully."
)
ENTRY = "0a1b2c3d-1111-2222-3333-44445555abc5"
COPIED = "bcdedit /copy\t0\tDer Eintrag wurde erfolgreich in {%s} kopiert." % ENTRY
SECURE = "reg query HKLM\\SYSTEM\t0\t\\nHKEY_LOCAL_MACHINE\\\\x\\n    UEFISecureBootEnabled    REG_DWORD    0x1\\n"
INSECURE = SECURE.replace("0x1", "0x0")
KEY = "1kk2o9.3zz8.4abc.5def"
DENIED = "bcdedit /debug on\t1\tDas System findet {current} nicht.\\nThe parameter is incorrect."

LOOKS = [
    "net session",
    "reg query HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecureBoot\\State /v UEFISecureBootEnabled",
    "manage-bde -status C: -protectionaserrorlevel",
]
SAVES = [
    "icacls STATE /inheritance:r /grant:r *S-1-5-32-544:(OI)(CI)F *S-1-5-18:(OI)(CI)F",
    "bcdedit /enum {current}",
    "bcdedit /dbgsettings",
    "bcdedit /export STATE\\bcd-before",
]
OFF_LOOKS = ["net session", "manage-bde -status C: -protectionaserrorlevel"]
SERIAL_ON = ["bcdedit /dbgsettings serial debugport:1 baudrate:115200", "bcdedit /debug on"]


class Situation(NamedTuple):
    """What the stand-ins answer, and the commands that are run one after another."""

    answers: Sequence[str]
    commands: Sequence[str]


SITUATIONS: Dict[str, Situation] = {
    "plain": Situation([UNPROTECTED, SERIAL], ["debug-on.cmd", "debug-on.cmd", "debug-off.cmd", "debug-off.cmd"]),
    "second-port": Situation([UNPROTECTED, INSECURE], ["debug-on.cmd 2"]),
    "bad-port": Situation([UNPROTECTED], ["debug-on.cmd 9", "debug-on.cmd net", "debug-on.cmd /?"]),
    "not-elevated": Situation(
        ["net session\t2\tAccess denied", "reg query HKU\t1\tdenied"], ["debug-on.cmd", "debug-off.cmd"]
    ),
    "no-server-service": Situation(["net session\t2\tThe service is not started", UNPROTECTED], ["debug-on.cmd"]),
    "secure-boot": Situation([UNPROTECTED, SECURE], ["debug-on.cmd"]),
    "bitlocker": Situation(["manage-bde -status\t0\tProtection On"], ["debug-on.cmd"]),
    "own-entry": Situation([UNPROTECTED, COPIED], ["debug-on.cmd 1 entry", "debug-on.cmd 1 entry", "debug-off.cmd"]),
    "was-debugging": Situation(
        [UNPROTECTED, "bcdedit /enum\t0\tdebug                   Yes", SERIAL], ["debug-on.cmd 2", "debug-off.cmd"]
    ),
    "kdnet": Situation(
        [UNPROTECTED, "bcdedit /dbgsettings net\t0\tKey=" + KEY],
        ["debug-on.cmd net 192.168.1.10 50000", "debug-off.cmd"],
    ),
    "was-kdnet": Situation(
        [
            UNPROTECTED,
            "bcdedit /dbgsettings net\t0\tdone",
            "bcdedit /dbgsettings serial\t0\tdone",
            "bcdedit /dbgsettings\t0\tkey                     %s\\ndebugtype               NET\\n"
            "hostip                  10.0.0.9\\nport                    50009\\ndhcp                    Yes" % KEY,
        ],
        ["debug-on.cmd", "debug-off.cmd"],
    ),
    "was-usb": Situation(
        [UNPROTECTED, "bcdedit /dbgsettings serial\t0\tdone", "bcdedit /dbgsettings\t0\tdebugtype               USB"],
        ["debug-on.cmd", "debug-off.cmd"],
    ),
    "bcdedit-fails": Situation([UNPROTECTED, DENIED], ["debug-on.cmd"]),
    "settings-fail": Situation([UNPROTECTED, "bcdedit /dbgsettings serial\t1\tNo such port."], ["debug-on.cmd"]),
    "export-fails": Situation([UNPROTECTED, "bcdedit /export\t1\tThe disk is full."], ["debug-on.cmd"]),
    "copy-fails": Situation([UNPROTECTED, "bcdedit /copy\t1\tNo more entries."], ["debug-on.cmd 1 entry"]),
    "off-fails": Situation(
        [UNPROTECTED, "bcdedit /debug off\t1\tAccess is denied."], ["debug-on.cmd", "debug-off.cmd"]
    ),
    "views": Situation(
        [
            "whoami /all /fo csv\t0\tcsv!",
            "whoami /all /fo list\t0\tlist!",
            "whoami /all\t0\ttable!",
            "py -3 --version\t0\tPython 3.9.13",
            "py -3\t0\t{}",
        ],
        ["collect-views.cmd out", "collect-views.cmd other 1234"],
    ),
    "views-no-domain": Situation(["whoami /all /fo csv\t1\tcsv!"], ["collect-views.cmd out"]),
    "views-no-python": Situation(["py -3\t9009\t", "python\t9009\t"], ["collect-views.cmd out"]),
    "views-bad-python": Situation(
        ["py -3\t9009\t", "python --version\t0\tPython 3.9", "python\t1\t"], ["collect-views.cmd out"]
    ),
}


class Run(NamedTuple):
    """What one situation left behind."""

    folder: Path
    calls: List[List[str]]
    printed: List[str]
    codes: List[int]

    @property
    def all_calls(self) -> List[str]:
        return [call for calls in self.calls for call in calls]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


@pytest.fixture(scope="module")
def runs(windows: Windows, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Run]:
    """Every situation, run once."""
    base = tmp_path_factory.mktemp("guest")
    compile_native("recorder.c", base / "recorder.exe")
    lines = ["@echo off"]
    for name, situation in SITUATIONS.items():
        folder = base / name
        folder.mkdir()
        for script in GUEST.glob("*.cmd"):
            shutil.copy(str(script), str(folder))
        if name.startswith("views"):
            (folder / "collect.py").write_text("", encoding="ascii")
        for program in STAND_INS:
            shutil.copy(str(base / "recorder.exe"), str(folder / (program + ".exe")))
        (folder / "answers.txt").write_text("\n".join(situation.answers) + "\n", encoding="ascii")
        here = wine_path(folder)
        lines += [
            "cd /d %s" % here,
            "set RECORD_ANSWERS=%s\\answers.txt" % here,
            "set ProgramData=%s" % here,
            "set SystemDrive=C:",
            "set PATH=%s;%%SystemRoot%%\\system32" % here,
        ]
        for number, command in enumerate(situation.commands):
            lines += [
                "set RECORD_LOG=%s\\calls%d.txt" % (here, number),
                "call %s >printed%d.txt 2>&1" % (command, number),
                ">code%d.txt echo %%ERRORLEVEL%%" % number,
            ]
    (base / "all.cmd").write_bytes("\r\n".join(lines + [""]).encode("ascii"))
    done = windows.run(["cmd.exe", "/c", "all.cmd"], cwd=base, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: gather(base / name, len(situation.commands)) for name, situation in SITUATIONS.items()}


def gather(folder: Path, count: int) -> Run:
    state = re.compile(r'"?%s"?' % re.escape(wine_path(folder) + "\\kd-lab"))
    calls = [
        [
            state.sub("STATE", line).replace('STATE\\bcd-before"', "STATE\\bcd-before")
            for line in read(folder / ("calls%d.txt" % n)).splitlines()
        ]
        for n in range(count)
    ]
    return Run(
        folder,
        calls,
        [read(folder / ("printed%d.txt" % n)) for n in range(count)],
        [int(read(folder / ("code%d.txt" % n)).split()[0]) for n in range(count)],
    )


def test_first_run_looks_saves_and_then_changes(runs: Dict[str, Run]) -> None:
    run = runs["plain"]
    assert run.calls[0] == LOOKS + SAVES + SERIAL_ON, run.printed[0]
    assert run.codes[0] == 0 and "shutdown /r" in run.printed[0] and "COM1" in run.printed[0]


def test_second_run_does_not_save_its_own_settings_over_the_first(runs: Dict[str, Run]) -> None:
    run = runs["plain"]
    assert run.calls[1] == LOOKS + SAVES[:1] + SERIAL_ON and run.codes[1] == 0


def test_debug_off_puts_back_what_was_there_once(runs: Dict[str, Run]) -> None:
    run = runs["plain"]
    assert run.calls[2] == OFF_LOOKS + ["bcdedit /debug off", "bcdedit /dbgsettings serial debugport:1 baudrate:57600"]
    assert run.codes[2] == 0
    assert run.calls[3] == ["net session"] and run.codes[3] == 1 and "nothing to put back" in run.printed[3]


def test_second_com_port(runs: Dict[str, Run]) -> None:
    assert runs["second-port"].calls[0][-2:] == [
        "bcdedit /dbgsettings serial debugport:2 baudrate:115200",
        "bcdedit /debug on",
    ]


def test_wrong_words_run_nothing(runs: Dict[str, Run]) -> None:
    run = runs["bad-port"]
    assert run.all_calls == [] and run.codes == [1, 1, 1] and "usage" in run.printed[0]


def test_elevation_is_refused_before_anything_is_looked_at(runs: Dict[str, Run]) -> None:
    run = runs["not-elevated"]
    assert run.calls == [["net session", "reg query HKU\\S-1-5-19"]] * 2
    assert run.codes == [1, 1] and all("not elevated" in printed for printed in run.printed)


def test_stopped_server_service_is_not_taken_for_a_lack_of_elevation(runs: Dict[str, Run]) -> None:
    assert runs["no-server-service"].codes == [0]


@pytest.mark.parametrize(
    "name, word",
    [("secure-boot", "--secure-boot off"), ("bitlocker", "manage-bde -protectors -disable C: -RebootCount 1")],
)
def test_security_that_stands_in_the_way_stops_it_with_what_to_do(runs: Dict[str, Run], name: str, word: str) -> None:
    run = runs[name]
    assert run.codes == [1] and word in run.printed[0] and "nothing was changed" in run.printed[0]
    assert not [call for call in run.all_calls if call.startswith("bcdedit")]


def test_entry_of_its_own_leaves_the_ordinary_boot_alone(runs: Dict[str, Run]) -> None:
    run = runs["own-entry"]
    assert run.calls[0][-3:] == [
        "bcdedit /dbgsettings serial debugport:1 baudrate:115200",
        'bcdedit /copy {current} /d "Windows with kernel debugger"',
        "bcdedit /debug {%s} on" % ENTRY,
    ]
    assert not [call for call in run.calls[1] if "/copy" in call] and run.calls[1][-1] == run.calls[0][-1]
    assert "bcdedit /debug on" not in run.all_calls
    assert run.calls[2][2] == "bcdedit /delete {%s} /cleanup" % ENTRY and run.codes == [0, 0, 0]


def test_debugging_that_was_on_before_stays_on(runs: Dict[str, Run]) -> None:
    assert runs["was-debugging"].calls[1][2:] == [
        "bcdedit /debug on",
        "bcdedit /dbgsettings serial debugport:1 baudrate:57600",
    ]


def test_kdnet_key_goes_to_its_file_only(runs: Dict[str, Run]) -> None:
    run = runs["kdnet"]
    assert run.calls[0][-2:] == ["bcdedit /dbgsettings net hostip:192.168.1.10 port:50000", "bcdedit /debug on"]
    assert run.codes == [0, 0] and KEY not in "".join(run.printed) and "kdnet-key.txt" in run.printed[0]
    assert not (run.folder / "kd-lab" / "kdnet-key.txt").exists()  # debug-off took it away
    left = [path for path in (run.folder / "kd-lab").iterdir() if KEY in read(path)]
    assert left == []


def test_kdnet_from_before_comes_back_with_its_key_unseen(runs: Dict[str, Run]) -> None:
    run = runs["was-kdnet"]
    assert run.calls[1][-1] == "bcdedit /dbgsettings net hostip:10.0.0.9 port:50009 key:" + KEY
    assert run.codes == [0, 0] and KEY not in "".join(run.printed)


def test_settings_that_cannot_be_put_back_singly_name_the_saved_store(runs: Dict[str, Run]) -> None:
    run = runs["was-usb"]
    assert run.codes == [0, 1] and "bcdedit /import" in run.printed[1] and run.calls[1][-1] == "bcdedit /debug off"


@pytest.mark.parametrize(
    "name, message, last",
    [
        ("bcdedit-fails", "The parameter is incorrect.", "bcdedit /debug on"),
        ("settings-fail", "No such port.", "bcdedit /dbgsettings serial debugport:1 baudrate:115200"),
        ("export-fails", "The disk is full.", "bcdedit /export STATE\\bcd-before"),
        ("copy-fails", "No more entries.", 'bcdedit /copy {current} /d "Windows with kernel debugger"'),
    ],
)
def test_failing_bcdedit_stops_the_script_with_its_message(
    runs: Dict[str, Run], name: str, message: str, last: str
) -> None:
    run = runs[name]
    assert run.codes == [1] and message in run.printed[0] and run.all_calls[-1] == last
    assert "Done" not in run.printed[0] and re.split(r" STATE| /d", last)[0] in run.printed[0]


def test_failing_debug_off_keeps_what_it_needs_for_another_try(runs: Dict[str, Run]) -> None:
    run = runs["off-fails"]
    assert run.codes == [0, 1] and "Access is denied." in run.printed[1]
    assert (run.folder / "kd-lab" / "saved.txt").exists()


def test_views_are_collected_into_one_folder(runs: Dict[str, Run]) -> None:
    run = runs["views"]
    out = run.folder / "out"
    assert run.codes == [0, 0], run.printed
    found: List[Tuple[str, str]] = [
        (name, read(out / name).strip()) for name in ("whoami.txt", "whoami.list.txt", "whoami.csv")
    ]
    assert found == [("whoami.txt", "table!"), ("whoami.list.txt", "list!"), ("whoami.csv", "csv!")]
    assert run.calls[0][:3] == ["whoami /all", "whoami /all /fo list", "whoami /all /fo csv"]
    assert re.search(r'collect\.py"  -o "out\\token\.json"$', run.calls[0][-1])
    assert (
        run.calls[1][-1].endswith('collect.py" --pid 1234 -o "other\\token.json"')
        and read(out / "windows.txt").strip()
        and read(out / "codepage.txt").strip()
    )


def test_error_of_whoami_loses_neither_its_answer_nor_the_rest(runs: Dict[str, Run]) -> None:
    run = runs["views-no-domain"]
    assert run.codes == [0] and "whoami /all /fo csv reported an error" in run.printed[0]
    assert read(run.folder / "out" / "whoami.csv").strip() == "csv!" and "collect.py" in run.all_calls[-1]


def test_views_without_python_or_with_a_failing_one_are_whoami_only(runs: Dict[str, Run]) -> None:
    for name, word in (("views-no-python", "No Python"), ("views-bad-python", "collect.py failed")):
        run = runs[name]
        assert run.codes == [0] and word in run.printed[0] and not (run.folder / "out" / "token.json").exists()
        assert (run.folder / "out" / "whoami.csv").exists()
