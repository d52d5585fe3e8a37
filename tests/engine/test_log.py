"""vm/capture.wds in the genuine engine: the log it writes decodes to what the live session shows."""

from pathlib import Path
from typing import Any, Dict, List

import pytest

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.layout.dt import parse_dt
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import ProcessDump
from kdtoken.source.cached import CachedSource
from kdtoken.source.log.source import LogSource
from tests.engine.conftest import ROOT, Lab
from tests.engine.whole import whole
from tests.engine.windows import Windows, wine_path

LOG = "kdtoken-capture.log"


def capture(lab: Lab, windows: Windows, folder: Path, arguments: str) -> Path:
    """Run the script on the lab's dump, in a folder of its own; the log it wrote."""
    (folder / "capture.wds").write_bytes((ROOT / "vm" / "capture.wds").read_bytes())
    form = "$$>a<capture.wds " + arguments if arguments else "$$><capture.wds"
    printed = windows.debugger(
        lab.dump, [".reload /f nt", form], cwd=folder, timeout=300, env={"_NT_SYMBOL_PATH": wine_path(lab.folder)}
    )
    assert "end of capture" in printed, printed[-2000:]
    return folder / LOG


def dump_of(log: Path, process: str) -> ProcessDump:
    target = CachedSource(LogSource([str(log)]))
    found, others, problems = find_process(target, process)
    assert problems == []
    return dump_process(Tokens(target), found, tuple(others), check=False)


def live(seen: Dict[str, Any], pid: int) -> ProcessDump:
    return next(dump for dump in seen["dumps"] if dump.process.pid == pid)


def test_the_log_of_one_process_decodes_to_the_live_dump(
    lab: Lab, windows: Windows, seen: Dict[str, Any], tmp_path: Path, record_property: Any
) -> None:
    log = capture(lab, windows, tmp_path, "notepad.exe")
    size = log.stat().st_size
    print("\n%s: %d bytes of log" % (lab.folder.name, size))
    record_property("log", size)
    assert size < 200_000
    target = LogSource([str(log)])
    assert target.about.build == seen["about"].build
    assert target.conflicts() == []
    for name, layout in seen["layouts"].items():
        assert target.layout(name) == layout
    dump = dump_of(log, "notepad.exe")
    assert dump == live(seen, 6104)
    where = target.where(dump.process.address)
    assert where is not None and where.startswith(LOG + ", line ")


def test_a_process_by_its_id_with_threads_that_impersonate(
    lab: Lab, windows: Windows, seen: Dict[str, Any], tmp_path: Path
) -> None:
    dump = dump_of(capture(lab, windows, tmp_path, "pid 0n1120"), "1120")
    assert len(dump.tokens) >= 4
    assert dump == live(seen, 1120)


@pytest.mark.parametrize("lab", ["6.1.7601.24540", "10.0.22000.2538"], indirect=True)
def test_all_processes(lab: Lab, windows: Windows, seen: Dict[str, Any], tmp_path: Path) -> None:
    target = CachedSource(LogSource([str(capture(lab, windows, tmp_path, ""))]))
    processes, problems = walk_processes(target)
    assert problems == []
    tokens = Tokens(target)
    assert len(processes) == len(seen["dumps"])
    for process in processes:
        dump = dump_process(tokens, process, tuple(processes), check=False)
        assert whole(dump) == whole(live(seen, process.pid)), process.image_name
    gone = [d for d in seen["dumps"] if isinstance(d.token, Unreadable)]
    assert gone, "the machine has a token that is paged out"


def test_a_log_of_single_commands(lab: Lab, windows: Windows, seen: Dict[str, Any], tmp_path: Path) -> None:
    """Every form of the memory commands, `dt` with values, and symbols, as the engine of today writes them."""
    address = lab.kernel.tokens["notepad"]
    memory = seen["tokens"][address].origins
    commands: List[str] = [".reload /f nt", ".logopen one.log", "vertarget"]
    commands += [
        "%s %x L20" % (form, address)
        for form in ("db", "dw", "dd", "dq", "dp", "dps", "dqs", "dds", "dc", "dW", "dyd", "dyb")
    ]
    commands += ["dq /c1 %x L40" % address, "db /c 8 %x L40" % address, "dq 0xffff800000001000 L4"]
    commands += [
        "dt -v nt!_TOKEN",
        "dt nt!_LUID",
        "dt nt!_TOKEN %x" % address,
        "dt -r nt!_TOKEN %x" % address,
        "dt -v -r1 nt!_TOKEN",
        "?? sizeof(nt!_LUID)",
        "? nt!PsActiveProcessHead",
        "x nt!PsInitialSystemProcess",
        "dq nt!SepLogonSessions L1",
        "? nt!NoSuchThing",
        "dt nt!_NO_SUCH_TYPE",
        ".logclose",
    ]
    # The host types commands without an echo of its own: the log has them as `.logopen` of a real session would.
    printed = windows.debugger(lab.dump, commands, cwd=tmp_path, env={"_NT_SYMBOL_PATH": wine_path(lab.folder)})
    for name, text in (("one.log", None), ("pasted.txt", printed)):
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8")
        target = LogSource([str(tmp_path / name)])
        assert target.conflicts() == []
        for origin in memory.values():
            if origin.address < address + 0x100:
                assert target.read(origin.address, len(origin.raw)) == origin.raw, origin
        assert target.layout("_TOKEN") == lab.kernel.layouts.layout("_TOKEN")
        assert target.layout("_SEP_TOKEN_PRIVILEGES") == lab.kernel.layouts.layout("_SEP_TOKEN_PRIVILEGES")
        luid = target.layout("_LUID")
        assert luid.size == 8 and luid.fields == parse_dt("_LUID", seen["dt"]["_LUID"]).fields
        assert target.symbol("PsActiveProcessHead") == lab.kernel.symbols["PsActiveProcessHead"]
        assert target.symbol("nt!SepLogonSessions") == lab.kernel.symbols["SepLogonSessions"]
