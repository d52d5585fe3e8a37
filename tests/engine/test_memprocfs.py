"""MemProcFS reads from the synthetic kernels what their declarations say, and what kdtoken reads."""

import re
from pathlib import Path
from typing import List, Tuple

import pytest

from kdtoken.decode.process import walk_processes
from kdtoken.decode.process_dump import Tokens
from kdtoken.layout.layout_file import load_layouts
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.token import Token
from kdtoken.source.cached import CachedSource
from kdtoken.source.crashdump.dump import open_dump
from tests.engine import memproc
from tests.engine.conftest import BUILDS, LAYOUTS, make_lab
from tests.engine.memproc import INTEGRITY, MemProcError, Row, rows
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE, grown
from tests.machine.kernel import Kernel, build
from tests.machine.spec import TokenSpec

pytest.importorskip("memprocfs", reason="pip install memprocfs==%s" % memproc.VERSION)


def found_by_memprocfs(path: Path) -> bool:
    """MemProcFS looks for VadRoot right behind an ExitStatus of 0x103 (the last update of Windows 8.1 has them
    apart).  It would ask a PDB then, and on Linux it reads none."""
    process = load_layouts(path).layout("_EPROCESS")
    return process.field("VadRoot").offset == process.field("ExitStatus").offset + 4


JUDGED = [name for name, path in zip(BUILDS, LAYOUTS) if found_by_memprocfs(path)]
NOT_JUDGED = [name for name in BUILDS if name not in JUDGED]
Judged = Tuple[List[Row], Kernel]


@pytest.fixture(scope="module", params=JUDGED)
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    lab = make_lab(request.param)
    path = tmp_path_factory.mktemp("nt") / "kernel.dmp"
    write_dump(lab.kernel, path, memproc.LEAST_PAGES)
    return rows(path), lab.kernel


def file_name(name: bytes) -> str:
    """A name as MemProcFS gives it: fit for a file of its file system."""
    return re.sub(r'[^ -~]|[<>:"/\\|?*]', "_", name.decode("latin-1"))


def test_processes(judged: Judged) -> None:
    found, kernel = judged
    assert [row["pid"] for row in found] == [process.pid for process in MACHINE.processes]
    for row, process in zip(found, MACHINE.processes):
        assert row["ppid"] == process.parent
        assert row["name"] == file_name(process.image_name)
        assert row["eprocess"] == kernel.processes[process.pid]
        assert row["peb"] == process.peb
        if process.path.startswith("\\Device\\"):
            assert row["path"] == process.path


def test_tokens(judged: Judged) -> None:
    read = 0
    for row, process in zip(judged[0], MACHINE.processes):
        token = None if process.token is None else MACHINE.tokens[process.token]
        if token is None or "token" in token.paged_out:
            assert (row["user"], row["sids"]) == ("", []), row["pid"]
            continue
        assert (row["token_id"], row["session"]) == (token.token_id, token.session_id)
        if "sids" in token.paged_out:
            assert (row["user"], row["sids"]) == ("", []), row["pid"]
            continue
        read += 1
        assert row["user"] == token.user
        assert row["sids"] == [group.sid for group in token.all_groups]
        assert INTEGRITY[row["integrity"]] == token.integrity
        assert row["privileges"] == privileges(token)
    assert read > 20


def privileges(token: TokenSpec) -> List[List[object]]:
    """Number and flags of each privilege that any of the three masks has."""
    present, enabled, default = token.privileges.masks
    found: List[List[object]] = []
    for number in range(2, 37):
        flags = "".join(
            letter if mask >> number & 1 else "-" for letter, mask in (("e", enabled), ("p", present), ("d", default))
        )
        if flags != "---":
            found.append([number, flags])
    return found


def test_two_thousand_processes_against_kdtoken(tmp_path: Path) -> None:
    """Neither has a table of the other: 300 tokens, every SID in its place."""
    lab = make_lab("10.0.22000.2538")
    path = tmp_path / "grown.dmp"
    write_dump(build(grown(MACHINE, 2000, 300), lab.kernel.layouts, lab.image), path)
    theirs = rows(path)
    target = CachedSource(open_dump(path, str(lab.image.pdb)))
    tokens = Tokens(target, follow=False)
    processes, problems = walk_processes(target)
    assert not problems and [row["eprocess"] for row in theirs] == [process.address for process in processes]
    compared = set()
    for row, process in zip(theirs, processes):
        token = tokens.of(process)
        if isinstance(token, Token) and row["user"]:
            assert row["user"] == str(token.user)
            assert row["sids"][1:] == [str(group.sid) for group in token.groups if isinstance(group, Group)], row["pid"]
            assert Luid(0, row["token_id"]) == token.token_id
            compared.add(row["token_id"])
    assert len(compared) > 280


@pytest.mark.parametrize("name", NOT_JUDGED)
def test_a_build_that_is_not_judged_is_one_that_it_does_not_open(name: str, tmp_path: Path) -> None:
    write_dump(make_lab(name).kernel, tmp_path / "kernel.dmp", memproc.LEAST_PAGES)
    with pytest.raises(MemProcError, match="Unable to locate EPROCESS offsets"):
        rows(tmp_path / "kernel.dmp")


def test_most_builds_are_judged() -> None:
    assert len(JUDGED) > len(NOT_JUDGED)


def test_failure_is_said_in_memprocfs_words(tmp_path: Path) -> None:
    small, empty = tmp_path / "small.dmp", tmp_path / "empty.dmp"
    small.write_bytes(bytes(0x10000))
    empty.write_bytes(bytes(memproc.LEAST_PAGES * 0x1000 + 0x2000))
    with pytest.raises(MemProcError, match="Failed opening file"):
        rows(small)
    with pytest.raises(MemProcError, match="Unable to auto-identify operating system"):
        rows(empty)
