"""Volatility 3 reads from the synthetic kernels what their declarations say: neither knows the other's code."""

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

import pytest

from kdtoken.layout.isf import IsfFile
from kdtoken.layout.layout_file import load_layouts
from tests.engine import volatility
from tests.engine.image import build_image
from tests.engine.volatility import Volatility, VolatilityError, isf
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build
from tests.machine.namespace import KEYS
from tests.machine.spec import TokenSpec

pytest.importorskip("volatility3", reason="pip install volatility3==%s" % volatility.VERSION)

FIXTURES = sorted((Path(__file__).parents[2] / "fixtures" / "layouts").glob("nt-*.json"))
Judged = Tuple[Volatility, Kernel]
ADDRESS = (1 << 48) - 1  # Volatility prints addresses without their sign bits


@pytest.fixture(scope="module", params=FIXTURES, ids=lambda path: path.stem)
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    layouts = load_layouts(request.param)
    folder = tmp_path_factory.mktemp("nt")
    image = build_image(layouts, folder)
    kernel = build(MACHINE, layouts, image)
    write_dump(kernel, folder / "kernel.dmp")
    return Volatility(folder / "kernel.dmp", layouts, image, folder), kernel


def tokens_in_memory(*parts: str) -> Iterator[Tuple[int, TokenSpec]]:
    """(pid, token) of the processes that have one, of which these parts are not paged out."""
    for process in MACHINE.processes:
        if process.token is not None:
            token = MACHINE.tokens[process.token]
            if not token.paged_out.intersection(parts):
                yield process.pid, token


def test_the_symbol_file_says_what_the_layouts_say(judged: Judged, tmp_path: Path) -> None:
    """Read back by kdtoken's own reader, of which real ISF files are the other source."""
    _judge, kernel = judged
    image = build_image(kernel.layouts, tmp_path)
    made = IsfFile(isf(kernel.layouts, image))
    assert made.layouts(made.names(), kernel.layouts.build).dumps() == replace(kernel.layouts, pdb=image.pdb_id).dumps()
    assert made.symbols == image.symbols


def test_processes(judged: Judged) -> None:
    judge, kernel = judged
    rows = judge.rows("windows.pslist")
    assert [row["PID"] for row in rows] == [process.pid for process in MACHINE.processes]
    for row, process in zip(rows, MACHINE.processes):
        assert row["PPID"] == process.parent
        assert row["SessionId"] == process.session
        assert row["Offset(V)"] == kernel.processes[process.pid] & ADDRESS
        created = datetime.datetime(1601, 1, 1) + datetime.timedelta(microseconds=process.create_time // 10)
        assert str(row["CreateTime"])[:19] == created.isoformat()[:19]


def test_the_sids_of_each_token(judged: Judged) -> None:
    by_pid: Dict[int, List[str]] = {}
    for row in judged[0].rows("windows.getsids"):
        by_pid.setdefault(int(str(row["PID"])), []).append(str(row["SID"]))
    tokens = dict(tokens_in_memory("token", "sids", "dynamic"))
    assert len(tokens) > 20
    for pid, token in tokens.items():
        assert by_pid[pid] == [group.sid for group in token.all_groups], pid


def test_the_privileges_of_each_token(judged: Judged) -> None:
    seen: Dict[int, Set[Tuple[int, str]]] = {}
    for row in judged[0].rows("windows.privileges"):
        if row["Attributes"]:  # it lists absent ones too
            seen.setdefault(int(str(row["PID"])), set()).add((int(str(row["Value"])), str(row["Attributes"])))
    for pid, token in tokens_in_memory("token"):
        masks = token.privileges.masks
        expected = set()
        for number in range(2, 36):  # 36, SeDelegateSessionUserImpersonate, is newer than its table
            # Each mask by itself: an odd token has a privilege by default that is not present.
            words = [word for word, mask in zip(("Present", "Enabled", "Default"), masks) if mask >> number & 1]
            if words:
                expected.add((number, ",".join(words)))
        assert {pair for pair in seen.get(pid, set()) if pair[0] < 36} == expected, pid


def test_failure_is_said_in_volatilitys_words(tmp_path: Path) -> None:
    layouts = load_layouts(FIXTURES[0])
    image = build_image(layouts, tmp_path)
    empty = tmp_path / "empty.dmp"
    empty.write_bytes(bytes(0x10000))
    judge = Volatility(empty, layouts, image, tmp_path)
    with pytest.raises(VolatilityError, match="windows.pslist: (?s:.*)kernel"):
        judge.rows("windows.pslist")
    with pytest.raises(VolatilityError, match="windows.pslist: (?s:.*)'four'"):
        judge.rows("windows.pslist", "--pid", "four")
    with pytest.raises(VolatilityError, match="windows.pslist did not end in 0.01 s"):
        judge.rows("windows.pslist", timeout=0.01)


def test_hives(judged: Judged) -> None:
    """The registry's hives, in the order of the list; it believes in one by its signature."""
    found = [row["FileFullPath"] for row in judged[0].rows("windows.registry.hivelist")]
    assert found == [key.path for key in KEYS if key.hive]
