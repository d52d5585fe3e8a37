"""What cannot be done, said by kdtoken inside the genuine engine; and a kernel that nobody has seen."""

import pickle
import random
import shutil
from pathlib import Path

from kdtoken.model.token import Token
from tests import expected
from tests.engine.conftest import ROOT, Lab, make_lab
from tests.engine.image import build_image
from tests.engine.user_dump import write_user_dump
from tests.engine.windows import Windows, answers
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.test_decode_token import shuffled

DUMP = "!py -m kdtoken.dump notepad.exe"
NEWEST = "10.0.22000.2538"
# Types that no other type of the PDB holds by value, so that they can move alone.
ALONE = ("_SEP_LOGON_SESSION_REFERENCES", "_OBJECT_TYPE", "_TOKEN", "_EPROCESS", "_ETHREAD", "_OBJECT_HEADER")


def said(windows: Windows, dump: Path, *commands: str) -> str:
    """What the last command printed."""
    return answers(windows.debugger(dump, list(commands), dump.parent, "bootstrapper"))[-1][1]


def test_without_symbols_it_says_what_to_type(windows: Windows, tmp_path: Path) -> None:
    lab = make_lab(NEWEST)
    shutil.copy(str(lab.dump), str(tmp_path / "kernel.dmp"))  # and no PDB beside it
    printed = said(windows, tmp_path / "kernel.dmp", DUMP)
    assert "the symbols of nt are not loaded" in printed
    assert ".symfix; .reload /f nt" in printed
    assert "Traceback" not in printed


def test_a_user_mode_session_is_refused(windows: Windows, tmp_path: Path) -> None:
    printed = said(windows, write_user_dump(windows, tmp_path / "user.dmp"), DUMP)
    assert "this is a user-mode session" in printed
    assert "windbg -z MEMORY.DMP" in printed
    assert "Traceback" not in printed


def test_outside_a_debugger_there_is_no_session(windows: Windows) -> None:
    done = windows.python("-m", "kdtoken", "dump", "notepad.exe")
    assert done.returncode == 2
    assert done.stderr.count("\n") <= 3
    assert "--session FILE" in done.stderr


def test_an_address_that_is_no_token(windows: Windows) -> None:
    lab = make_lab(NEWEST)
    process = lab.kernel.processes[6104]
    printed = said(windows, lab.dump, ".reload /f nt", "!py -m kdtoken.dump --token %x" % process)
    assert "0x%x is not a token: its object header says a Process object" % process in printed


def test_a_hostile_name_is_only_a_name(windows: Windows) -> None:
    lab = make_lab(NEWEST)
    printed = said(windows, lab.dump, ".reload /f nt", "!py -m kdtoken.dump 6700")
    assert printed.startswith('a;.quit"x  pid 6700')
    assert "Threads      1; all under the primary token" in printed  # the session went on after it


def test_a_kernel_that_nobody_has_seen(windows: Windows, tmp_path: Path) -> None:
    """Other offsets and another order of members in six types: only the symbols can tell."""
    dice = random.Random(7)
    layouts = expected.layouts_of_build(ROOT / "fixtures" / "layouts" / ("nt-%s.json" % NEWEST))
    for name in ALONE:
        layouts = shuffled(layouts, name, dice.shuffle, lambda: dice.randrange(4))
    image = build_image(layouts, tmp_path)
    lab = Lab(tmp_path, image, build(MACHINE, layouts, image, seed=7))
    write_dump(lab.kernel, lab.dump)
    done = windows.python(Path(__file__).with_name("seen.py"), lab.dump, tmp_path / "seen.pickle", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = pickle.loads((tmp_path / "seen.pickle").read_bytes())
    assert [d.process.pid for d in seen["dumps"]] == [p.pid for p in MACHINE.processes]
    keys = {address: key for key, address in lab.kernel.tokens.items()}
    whole = [key for key, token in MACHINE.tokens.items() if not token.paged_out]
    compared = 0
    for dump in seen["dumps"]:
        if isinstance(dump.token, Token) and keys[dump.token.address] in whole:
            expected.assert_equal(dump.token, lab.kernel, keys[dump.token.address])
            compared += 1
    assert compared >= 25
