"""The genuine engine opens every synthetic kernel and sees in it what the machine declares."""

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from kdtoken.layout.layout_file import load_layouts
from tests.engine.image import build_image
from tests.engine.windows import Windows, answers
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build
from tests.machine.spec import GroupSpec, TokenSpec
from tests.machine.standin_text import commands, write_standin

FIXTURES = sorted((Path(__file__).parents[2] / "fixtures" / "layouts").glob("nt-*.json"))
Written = Tuple[Kernel, Path]


@pytest.fixture(scope="module", params=FIXTURES, ids=lambda path: path.stem)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    layouts = load_layouts(request.param)
    folder = tmp_path_factory.mktemp("kernel")
    kernel = build(MACHINE, layouts, build_image(layouts, folder))
    write_dump(kernel, folder / "kernel.dmp")
    return kernel, folder


def pairs(groups: Tuple[GroupSpec, ...]) -> List[List[Any]]:
    return [[group.sid, group.attributes] for group in groups]


def declared(kernel: Kernel, token: TokenSpec) -> Any:
    """What walk_kernel.py is to say of a token."""
    if token.paged_out:
        return "unreadable"
    has_packages = kernel.layouts.layout("_TOKEN").has("Package")
    return {
        "id": token.token_id,
        "flags": token.flags if has_packages else token.flags & ~0x4000,
        "privileges": list(token.privileges.masks[:2]),
        "groups": pairs(token.all_groups),
        "restricted": pairs(token.restricted),
        "primary group": token.primary_group,
    }


def test_the_engine_walks_processes_threads_and_tokens(written: Written, windows: Windows) -> None:
    kernel, folder = written
    done = windows.python(Path(__file__).with_name("walk_kernel.py"), "kernel.dmp", cwd=folder)
    assert done.stdout.startswith("{"), done.stdout[-2000:] + done.stderr
    seen: Dict[str, Any] = json.loads(done.stdout)
    assert "Kernel Version %d " % kernel.version[2] in seen["version"]
    processes, threads, used = [], [], set()
    for process in MACHINE.processes:
        reference = 0
        if process.token is not None:
            reference = kernel.tokens[process.token] | MACHINE.tokens[process.token].fast_ref
            used.add(process.token)
        name = process.image_name.ljust(15, b"\0").decode("latin-1")
        processes.append([process.pid, kernel.processes[process.pid], reference, name])
        for thread in process.threads:
            word = 0
            if thread.impersonates is not None:
                word = kernel.tokens[thread.impersonates] | thread.level | int(thread.effective_only) << 2
                used.add(thread.impersonates)
            threads.append([thread.tid, int(bool(word) and not thread.stale), word])
    assert seen["processes"] == processes
    assert seen["threads"] == threads
    assert seen["tokens"] == {str(kernel.tokens[key]): declared(kernel, MACHINE.tokens[key]) for key in used}


def test_a_debugger_shows_it(written: Written, windows: Windows) -> None:
    kernel, folder = written
    write_standin(kernel, folder / "standin.txt")
    explorer, gone = kernel.processes[4120], kernel.tokens["token-paged-out"]
    asked = [
        "lm",
        "r rip",
        ".process /p %x" % explorer,
        "dt nt!_EPROCESS ImageFileName %x" % explorer,
        "dd %x L1" % gone,
        "!process 0 1 explorer.exe",
        "!token %x" % kernel.tokens["explorer"],
    ]
    printed = answers(windows.debugger(folder / "kernel.dmp", asked, cwd=folder, kdexts=folder / "standin.txt"))
    seen = dict(printed)
    assert "(private pdb symbols)" in seen["lm"]
    assert "%x" % kernel.symbols["KeBugCheckEx"] in seen["r rip"]
    assert "Implicit process is now" in seen[asked[2]]
    assert '"explorer.exe"' in seen[asked[3]]
    assert "????????" in seen[asked[4]]
    for command in asked[5:]:
        assert seen[command].strip() == commands(kernel)[command].strip()
