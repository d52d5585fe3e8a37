"""Wrong uses, each typed as a stranger would: the code is the documented one, the thing and a next step are named.

tests.wrong_uses has the table; what it stands for was written down before it was typed, out of
docs/reference/exit-codes.md.  tests/test_errors.py has more, whose wording matters.
"""

import gzip
import io
import json
import os
import re
import shlex
import sys
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest

from kdtoken import __main__ as front
from tests.documented import Place
from tests.wrong_uses import TABLES, Use

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the place has names that only POSIX can have")

# What Python or a library says; no person should have to read it.
LIBRARY = re.compile(
    r"Traceback|Errno|codec|Expecting |JSONDecode|json\.[a-w]|zlib|gzip\.|struct\.|object has no attribute|invalid literal"
    r"|<class|Error: |Exception|unrecognized arguments|expected one argument|invalid choice|argument -|duckdb|pyarrow\."
    r"|fsspec|NoneType|a fault in kdtoken"
)
EXTRAS = {"lake": ("duckdb", "pyarrow"), "report": ("jinja2",), "walk --parquet": ("pyarrow",)}


def _made(place: Path) -> None:
    """What strangers have beside dumps: files that are no source, cut ones, folders, links, a FIFO."""
    dump = (place / "MEMORY.DMP").read_bytes()
    recording = gzip.decompress((place / "machine.kdtoken.gz").read_bytes())
    packed = gzip.compress(recording)
    log = (place / "session.log").read_bytes()
    files: Dict[str, bytes] = {
        "nothing.dmp": b"",
        "nothing.kdtoken.gz": b"",
        "nothing.log": b"",
        "junk.bin": bytes(range(256)) * 40,
        "junk.txt": b"just a note\n" * 5,
        "blanks.txt": b" \r\n\t\r\n" * 9,
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "junkfolder/picture.png": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "occupied/practice.dmp": b"somebody's own",
        "program.exe": b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0" + bytes(200),
        "list.json": b"[]",
        "number.json": b"3",
        "deep.json": b"[" * 100_000,
        "walk.json": b'{"processes": []}',
        "other.json": (place / "fixtures/layouts/nt-6.1.7601.24540.json").read_bytes(),
        "report.html": b"<!DOCTYPE html>\n<html><body>hello</body></html>\n",
        "stump.dmp": dump[: 16 << 10],
        "half.dmp": dump[: len(dump) // 2],
        "user.dmp": b"MDMP" + bytes(4096),
        "cut.pdb": (place / "ntkrnlmp.pdb").read_bytes()[:3000],
        "cut.dmp.gz": gzip.compress(dump)[:-9000],
        "cut.log.gz": gzip.compress(log)[:-100],
        "crc.dmp.gz": gzip.compress(dump[: 1 << 18])[:-8] + bytes(8),  # the checksum and the size of what is packed
        "crc.kdtoken.gz": packed[:-8] + bytes(8),
        "cut.kdtoken": recording[:5000],
        "changed.kdtoken": json.dumps({"format": 99, "reads": 3}).encode(),
    }
    for name, data in files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(data)
    (place / "empty").mkdir()
    with zipfile.ZipFile(str(place / "archive.zip"), "w") as archive:
        archive.writestr("MEMORY.DMP", b"PAGEDU64")
    os.symlink("gone.dmp", str(place / "nowhere.dmp"))
    os.symlink("ring.dmp", str(place / "ring.dmp"))
    os.link(str(place / "machine.kdtoken.gz"), str(place / "same.kdtoken.gz"))
    os.mkfifo(str(place / "pipe.dmp"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("wrong"))
    _made(made.folder)
    if find_spec("duckdb") and find_spec("pyarrow"):
        with redirect_stdout(io.StringIO()):
            front.main(["lake", str(made.folder / "LAKE"), "add", str(made.folder / "machine.kdtoken.gz")])
    return made


LEFT: Dict[Path, Dict[str, Any]] = {}


def _inventory(folder: Path) -> Dict[str, Any]:
    """Every file and what is in it."""
    found: Dict[str, Any] = {}
    for root, folders, files in os.walk(str(folder)):
        found.update(dict.fromkeys(os.path.join(root, name) for name in folders))
        for name in files:
            path = os.path.join(root, name)
            found[path] = None
            if os.path.isfile(path) and "fixtures" not in Path(path).parts:
                with open(path, "rb", buffering=0) as file:
                    found[path] = (os.fstat(file.fileno()).st_mtime_ns, file.read(4096))
    return found


def typed(line: str, stdin: bytes = b"") -> Tuple[int, str, str]:
    """(exit code, stdout, stderr) of a line, split as a shell does."""
    words = [word.format(long="n" * 300, esc="\x1b") if "{" in word else word for word in shlex.split(line)]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = front.main(words)
        except SystemExit as ended:  # collect runs alone, where that is an end like any
            code = int(ended.code or 0)
    return code, out.getvalue(), err.getvalue()


def _extras(line: str) -> None:
    for start, needed in EXTRAS.items():
        if line.startswith(start.split(" ")[0]) and start.split(" ")[-1] in line:
            for name in needed:
                pytest.importorskip(name)


ROWS = [(verb, use) for verb, uses in TABLES.items() for use in uses]


@pytest.mark.parametrize("verb, use", ROWS, ids=[use.line for _, use in ROWS])
def test_a_wrong_use(verb: str, use: Use, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    _extras(use.line)
    monkeypatch.chdir(place.folder)
    monkeypatch.setenv("_NT_SYMBOL_PATH", str(place.folder) if "--symbols" not in use.line else "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    # What the one before left is what this one finds: only these tests stand in the folder.
    before = LEFT.pop(place.folder, None) or _inventory(place.folder)
    code, out, err = typed(use.line)
    told = out + err
    assert code == use.code, told
    assert not LIBRARY.search(told), told
    for word in use.words.split(";"):
        assert word in told, told
    if code == 2:
        starts = "collect: " if verb == "collect" else "kdtoken: "
        assert err.startswith(starts) and "next: " in err, told
        assert max(map(len, err.split("\n"))) < 600, err
    else:
        assert err == ""
    if "not-read" not in use.words:  # a lake keeps what it could not read
        after = _inventory(place.folder)
        assert after == before, "something was written"
        LEFT[place.folder] = after
