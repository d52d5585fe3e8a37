"""Volatility 3 and MemProcFS open the same raw images and .vmem files, find the same Windows, and read the same tokens."""

from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens
from kdtoken.model.group import Group
from kdtoken.model.token import Token
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import open_dump
from tests.engine import memproc, volatility
from tests.engine.conftest import BUILDS, Lab, make_lab
from tests.engine.memproc import rows
from tests.engine.test_memprocfs import NOT_JUDGED
from tests.engine.volatility import Volatility
from tests.machine.containers import physical_pages, write_elf, write_raw, write_vmem
from tests.machine.declared import MACHINE

SIZE = memproc.LEAST_PAGES * 0x1000  # MemProcFS opens nothing smaller


def files(lab: Lab, folder: Path) -> List[Path]:
    pages = physical_pages(lab.kernel)
    return [write_raw(pages, folder / "padded.raw", SIZE), write_vmem(pages, folder / "snapshot.vmem", "vmsn", SIZE)]


def sids_of(path: Path, lab: Lab) -> Dict[int, List[str]]:
    """pid -> user and groups, of the tokens that are whole."""
    target = CachedSource(open_dump(path, str(lab.image.pdb)))
    tokens = Tokens(target, follow=False)
    found: Dict[int, List[str]] = {}
    processes, problems = walk_processes(target)
    assert not problems and len(processes) == len(MACHINE.processes)
    for process in processes:
        token = tokens.of(process)
        if isinstance(token, Token) and all(isinstance(group, Group) for group in token.groups):
            found[process.pid] = [str(token.user)] + [str(one.sid) for one in token.groups if isinstance(one, Group)]
    return found


@pytest.fixture(params=BUILDS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Tuple[Lab, List[Path]]:
    lab = make_lab(request.param)
    return lab, files(lab, tmp_path)


def test_volatility_reads_the_same_sids(case: Tuple[Lab, List[Path]], tmp_path: Path) -> None:
    pytest.importorskip("volatility3", reason="pip install volatility3==%s" % volatility.VERSION)
    lab, paths = case
    for path in paths + [write_elf(physical_pages(lab.kernel), tmp_path / "qemu.elf")]:
        mine = sids_of(path, lab)
        judge = Volatility(path, lab.kernel.layouts, lab.image, tmp_path)
        theirs: Dict[int, List[str]] = {}
        for row in judge.rows("windows.getsids"):
            theirs.setdefault(int(str(row["PID"])), []).append(str(row["SID"]))
        assert len(mine) > 20
        for pid, sids in mine.items():
            assert theirs[pid] == sids, (path.name, pid)


def test_memprocfs_reads_the_same_sids(case: Tuple[Lab, List[Path]]) -> None:
    pytest.importorskip("memprocfs", reason="pip install memprocfs==%s" % memproc.VERSION)
    lab, paths = case
    if lab.kernel.layouts.build in NOT_JUDGED:
        with pytest.raises(memproc.MemProcError):
            rows(paths[0])
        return
    for path in paths:
        mine = sids_of(path, lab)
        theirs = {row["pid"]: row["sids"] for row in rows(path)}
        assert len(mine) > 20
        for pid, sids in mine.items():
            assert theirs[pid] == sids, (path.name, pid)
