"""`kdtoken lake`, as people run it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")
pytest.importorskip("fsspec")

from kdtoken import lake  # noqa: E402
from kdtoken.dataset import parts  # noqa: E402
from kdtoken.dataset.schema import VERSION  # noqa: E402
from tests.lake_dumps import Dumps, host_of, some, tree  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
COUNT = 6


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Dumps:
    made = Dumps(tmp_path_factory.mktemp("dumps"), builds=2)
    some(made, COUNT)  # the fifth is cut, the sixth is no dump
    return made


@pytest.fixture(scope="module")
def filled(dumps: Dumps, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = str(tmp_path_factory.mktemp("filled") / "lake")
    assert lake.main([folder, "add", str(dumps.folder), "--symbols", str(dumps.symbols)]) == 2
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Tuple[int, List[str], str]:
    capsys.readouterr()
    code = lake.main(list(words))
    told = capsys.readouterr()
    return code, told.out.split("\n")[:-1], told.err


def test_a_folder_of_dumps(dumps: Dumps, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "lake")
    code, out, err = run(capsys, folder, "add", str(dumps.folder), "--symbols", str(dumps.symbols))
    assert code == 2
    ending = "1 could not be read, 1 with a torn list; ask --named not-read tells why"
    assert out == ["%s: 6 sources: 5 added, 0 there already, %s" % (folder, ending)]
    assert "passed over, being no source: symbols/" in err
    complaints = [line for line in err.split("\n") if line.startswith("kdtoken: ") and ".dmp" in line]
    assert len(complaints) == 1 and all("0005.dmp" in line for line in complaints)
    before = tree(folder)
    code, out, _ = run(capsys, folder, "add", str(dumps.folder), "--symbols", str(dumps.symbols))
    assert code == 2 and "0 added, 5 there already, " + ending in out[0] and tree(folder) == before
    code, out, _ = run(capsys, folder, "add", str(dumps.folder / "0001.dmp"))
    assert (code, out) == (0, ["%s: 1 source: 0 added, 1 there already" % folder])  # no symbols: it is not opened


def test_a_recording_and_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "lake")
    log = str(ROOT / "fixtures" / "logs" / "capture-10.0.22000.2538-synthetic.log.gz")
    code, out, _ = run(capsys, folder, "add", "tour", log)
    assert code in (0, 1) and "2 sources: 2 added" in out[0]
    code, out, _ = run(capsys, folder, "ask", "SELECT kind, whole, processes FROM sources ORDER BY kind", "--csv")
    assert out[0] == "kind,whole,processes" and out[1].startswith("log,") and out[2] == "recording,yes,31"
    # What a log does not print is null, and the row says why.
    code, out, _ = run(
        capsys, folder, "ask", "SELECT count(*) FROM tokens WHERE token_id IS NULL AND missing IS NULL", "--csv"
    )
    assert out[1] == "0"


def test_ask(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT host, count(*) AS n FROM processes GROUP BY host ORDER BY host"
    code, out, err = run(capsys, filled, "ask", sql)
    assert (code, err) == (0, "") and out[0].split() == ["host", "n"] and out[-1] == "4 rows"
    assert [line.split() for line in out[1:5]] == [[host_of(number), "30"] for number in range(4)]
    code, out, _ = run(capsys, filled, "ask", sql, "--json")
    assert json.loads("\n".join(out))["rows"] == [[host_of(number), 30] for number in range(4)]
    code, out, _ = run(capsys, filled, "ask", sql, "--csv")
    assert out == ["host,n"] + ["%s,30" % host_of(number) for number in range(4)]


def test_ask_as_parquet(filled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pyarrow import parquet

    file = str(tmp_path / "out.parquet")
    code, out, _ = run(capsys, filled, "ask", "SELECT token FROM tokens", "--parquet", file)
    assert code == 0 and out == ["%s: %d rows" % (file, parquet.read_table(file).num_rows)]
    code, _, err = run(capsys, filled, "ask", "SELECT 1", "--parquet", str(tmp_path / "no" / "out.parquet"))
    assert code == 2 and "cannot write the Parquet file" in err


def test_named(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, filled, "ask", "--named", "not-read")
    assert code == 0 and out[-1] == "2 rows"
    code, out, _ = run(capsys, filled, "ask", "--named", "not-read", "--show")
    assert code == 0 and out[0].startswith("-- Sources that could not be read")
    for words in (["--named"], []):
        code, out, _ = run(capsys, filled, "ask", *words)
        assert code == 0 and any(line.startswith("  stolen-token") for line in out)
        assert any(line.startswith("tables, ") for line in out) == (words == [])


@pytest.mark.parametrize(
    "words, told",
    [
        (["ask", "--named", "stolen-tokens"], "near: stolen-token"),
        (["ask", "SELECT 1", "SELECT 2"], "one question at a time"),
        (["ask", "SELECT 1", "--named", "not-read"], "one question at a time"),
        (["ask", "SELECT 1", "--csv", "--json"], "one of --csv, --json and --parquet"),
        (["ask", "SELECT nothing"], "no column is called nothing"),
        (["add"], "add what?"),
        (["add", "-"], "standard input is none"),
        (["add", "net:port=50000,key=1.2.3.4"], "a live machine is none"),
        (["add", "nowhere"], "there is none called nowhere"),
        (["add", "tour", "--csv"], "--csv belongs to ask"),
        (["add", "tour", "--named"], "--named belongs to ask"),
        (["add", "frobnicate://bucket/a.dmp"], "its store refuses"),
        (["drink"], "takes one of add, ask, not drink"),
    ],
)
def test_what_cannot_be(filled: str, capsys: pytest.CaptureFixture[str], words: List[str], told: str) -> None:
    before = tree(filled)
    code, out, err = run(capsys, filled, *words)
    assert code == 2 and out == [] and told in err and "next: " in err and "Traceback" not in err
    assert tree(filled) == before


def test_no_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for words in (["ask", "SELECT 1"], ["add", "tour"]):
        code, out, err = run(capsys, str(tmp_path), *words)
        assert (
            (code, out) == (2, []) and "is no lake" in err and [one.name for one in tmp_path.iterdir()] == ["notes.txt"]
        )


def test_a_newer_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kdtoken-lake.json").write_text(json.dumps({"kdtoken-lake": VERSION + 1}))
    for words in (["ask"], ["add", "tour"]):
        code, _, err = run(capsys, str(tmp_path), *words)
        assert code == 2 and "of version %d" % (VERSION + 1) in err and "next: a newer kdtoken" in err
    assert len(tree(str(tmp_path))) == 1


def test_a_package_that_is_not_here(
    filled: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "find_spec", lambda name: None)
    code, _, err = run(capsys, filled, "ask", "SELECT 1")
    assert code == 2 and "needs the package fsspec" in err and 'pip install "kdtoken[lake]"' in err


def test_no_other_verb_imports_any_of_it() -> None:
    """Inside WinDbg there is only construct."""
    code = (
        "import sys; from kdtoken import dump, walk, audit; from kdtoken.__main__ import main; main(['dump', 'tour', '4'])\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('pyarrow', 'duckdb', 'fsspec', 'distributed', 'rich')"
        " or n.startswith('kdtoken.dataset')])"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, cwd=str(ROOT))
    assert done.stdout.decode().strip().split("\n")[-1].strip() == "[]"


def test_a_torn_list_alone_is_said_by_the_exit_code(
    dumps: Dumps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2 is for what could not be read; 1 says that of what was read processes may be missing."""
    folder = str(tmp_path / "lake")
    words = (folder, "add", str(dumps.folder / "0004.dmp"), "--symbols", str(dumps.symbols))  # the one that is cut
    code, out, _ = run(capsys, *words)
    ending = "0 there already, 1 with a torn list; ask --named not-read tells why"
    assert (code, out) == (1, ["%s: 1 source: 1 added, %s" % (folder, ending)])
    # There already, its list is as torn as before.
    code, out, _ = run(capsys, *words)
    assert code == 1 and "0 added, 1 there already, 1 with a torn list" in out[0]
    code, out, _ = run(capsys, folder, "add", str(dumps.folder / "0001.dmp"), "--symbols", str(dumps.symbols))
    assert code == 0 and out[0].endswith(": 1 source: 1 added, 0 there already")


def test_what_the_package_carries_is_known_by_its_word_unless_a_file_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.dmp").write_bytes(b"x")
    assert list(lake._sources(["tour", "a.dmp"])) == ["tour", str(tmp_path / "a.dmp")]
    (tmp_path / "tour").write_bytes(b"x")
    assert list(lake._sources(["tour"])) == [str(tmp_path / "tour")]
