"""Finding symbols: files, folders, stores, symbol paths; and a symbol server on the loopback."""

import gzip
import http.server
import json
import lzma
import threading
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

import pytest

from kdtoken.errors import BadFormat, TargetError
from kdtoken.layout.pdb.identity import PdbIdentity
from kdtoken.symbols import server as symbol_server
from kdtoken.symbols.file import SymbolFile, open_symbols
from kdtoken.symbols.path import default_store, find_symbols, split_path
from kdtoken.symbols.server import download
from tests.pdb_bytes import UCHAR, Pdb, member

GUID = "030201000504070608090A0B0C0D0E0F"
WANTED = PdbIdentity("ntkrnlmp.pdb", GUID, 3)


def pdb_data(age: int = 3) -> bytes:
    pdb = Pdb(age)
    # Long enough to come in several pieces.
    for index in range(6000):
        pdb.struct("_T%d" % index, 1, pdb.fields(member("Byte%d" % index, 0, UCHAR)))
    pdb.public("PsActiveProcessHead", 2, 0x10)
    return pdb.data()


DATA = pdb_data()


@pytest.fixture(autouse=True)
def no_symbol_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("_NT_SYMBOL_PATH", raising=False)
    for name in ("LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


def isf(age: int = 3) -> bytes:
    return json.dumps(
        {
            "base_types": {"pointer": {"size": 8, "signed": False, "kind": "int"}},
            "user_types": {},
            "enums": {},
            "symbols": {"PsActiveProcessHead": {"address": 0x5010}},
            "metadata": {"windows": {"pdb": {"GUID": GUID, "age": age}}},
        }
    ).encode()


@pytest.mark.parametrize(
    "path, folders, servers",
    [
        ("", [], []),
        ("C:\\sym", ["C:\\sym"], []),
        ("srv*C:\\a*https://one/x;D:\\b", ["C:\\a", "D:\\b"], ["https://one/x"]),
        ("SRV*https://one", [], ["https://one"]),
        ("symsrv*symsrv.dll*C:\\a*\\\\share\\b*http://one", ["C:\\a", "\\\\share\\b"], ["http://one"]),
        ("cache*C:\\c; srv*C:\\c*https://one ;;", ["C:\\c"], ["https://one"]),
    ],
)
def test_symbol_paths(path: str, folders: List[str], servers: List[str]) -> None:
    assert split_path(path) == (folders, servers)


@pytest.mark.parametrize(
    "name, data",
    [
        ("ntkrnlmp.pdb/%s3/ntkrnlmp.pdb" % GUID, DATA),
        ("ntkrnlmp.pdb", DATA),
        ("renamed.pdb", DATA),
        ("windows/ntkrnlmp.pdb/%s-3.json.xz" % GUID, lzma.compress(isf())),
        ("%s-3.json.gz" % GUID, gzip.compress(isf())),
        ("any name.json", isf()),
    ],
    ids=["store", "folder", "renamed", "isf.xz", "isf.gz", "isf"],  # gzip's bytes hold the time
)
def test_where_symbols_may_lie_in_a_folder(name: str, data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "s" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    (tmp_path / "s" / "another.json").write_bytes(isf(age=9))
    (tmp_path / "s" / "broken.pdb").write_bytes(b"no PDB")
    found = find_symbols(str(tmp_path / "s"), WANTED, "a.dmp")
    assert found.origin == str(file) and found.rva("PsActiveProcessHead") == 0x5010
    assert find_symbols("srv*%s*https://192.0.2.1/" % (tmp_path / "s"), WANTED, "a.dmp").origin == str(file)


def test_the_environment_is_asked_where_nothing_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nt.json").write_bytes(isf())
    monkeypatch.setenv("_NT_SYMBOL_PATH", "srv*%s*https://192.0.2.1/" % tmp_path)
    assert find_symbols("", WANTED, "a.dmp").pdb == GUID + "3"


def test_symbols_that_lie_beside_the_dump_are_offered_and_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be another kernel's: whoever asks says so."""
    monkeypatch.delenv("_NT_SYMBOL_PATH", raising=False)
    for is_there in (False, True):
        if is_there:
            (tmp_path / "ntkrnlmp.pdb").write_bytes(b"a PDB")
        with pytest.raises(TargetError) as failed:
            find_symbols("", WANTED, str(tmp_path / "a.dmp"))
        offered = '--symbols "%s", where a ntkrnlmp.pdb lies' % tmp_path
        assert failed.value.next_step.startswith(offered) == is_there


def test_what_was_found_and_did_not_fit_is_told(tmp_path: Path) -> None:
    (tmp_path / "nt.json").write_bytes(isf(age=9))
    (tmp_path / "broken.json").write_bytes(b"{")
    with pytest.raises(TargetError) as failed:
        find_symbols(str(tmp_path), WANTED, "a.dmp")
    text = str(failed.value)
    assert "needed: ntkrnlmp.pdb, GUID and age %s3" % GUID in text
    assert text.count("not it: ") == 2
    (tmp_path / "ntkrnlmp.pdb").write_bytes(pdb_data(age=4))  # where it should be, and one of the folder's: said once
    with pytest.raises(TargetError) as failed:
        find_symbols(str(tmp_path), WANTED, "a.dmp")
    assert str(failed.value).count("not it: ") == 3
    assert "nt.json: %s9" % GUID in text and "broken.json" in text and "--download" in text
    with pytest.raises(TargetError, match="GUID and age") as failed:
        find_symbols("", WANTED, "a.dmp")
    with pytest.raises(TargetError, match="there are no symbols at"):
        find_symbols(str(tmp_path / "none"), WANTED, "a.dmp")


def test_a_named_file_of_another_kernel_is_refused_with_both_values(tmp_path: Path) -> None:
    file = tmp_path / "nt.pdb"
    file.write_bytes(pdb_data(age=4))
    with pytest.raises(TargetError) as failed:
        find_symbols(str(file), WANTED, "a.dmp")
    assert GUID + "3" in str(failed.value) and GUID + "4" in str(failed.value)
    assert find_symbols(str(file), None, "a.dmp").pdb == GUID + "4"  # the dump does not say: its target judges


@pytest.mark.parametrize(
    "data, words",
    [
        (b"MSCF" + bytes(60), "CAB"),
        (b"MZ" + bytes(60), "program"),
        (b"PAGEDU64", "crash dump"),
        (b"", "no symbols"),
        (b"hello", "no symbols"),
        (b"{}", "ISF"),
        (b"[" * 100000, "no symbols"),
        (b'{"a":' * 100000, "ISF"),
        (b"\x1f\x8b\x08 broken", "gzip"),
        (b'{"format": 1}', "layout file"),
    ],
)
def test_what_holds_no_symbols_is_told(data: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(BadFormat, match=words):
        open_symbols(file)
    with pytest.raises(BadFormat, match="cannot open"):
        open_symbols(tmp_path / "none")


class Server(http.server.ThreadingHTTPServer):
    """Files by path; `log` holds (path, Range) of each request.

    stop_after  bytes of the next answer before the connection breaks
    ranges      whether it can go on in the middle
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: Dict[str, bytes] = {}
        self.log: List[Tuple[str, Optional[str]]] = []
        self.stop_after: Optional[int] = None
        self.ranges = True

    @property
    def url(self) -> str:
        return "http://127.0.0.1:%d/symbols/" % self.server_address[1]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.log.append((self.path, wanted))
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = int(wanted.split("=")[1].rstrip("-")) if wanted and self.server.ranges else 0
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        stop, self.server.stop_after = self.server.stop_after, None
        self.wfile.write(data[start : None if stop is None else start + stop])

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is its own."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


PATH = "/symbols/ntkrnlmp.pdb/%s3/ntkrnlmp.pdb" % GUID


def test_a_download_goes_on_where_it_broke_off(server: Server, tmp_path: Path) -> None:
    server.files[PATH] = DATA
    server.stop_after = 100000
    told: List[Tuple[int, int]] = []
    with pytest.raises(TargetError, match="run it again"):
        download(server.url, tmp_path, WANTED, lambda done, total: told.append((done, total)))
    final = tmp_path / "ntkrnlmp.pdb" / (GUID + "3") / "ntkrnlmp.pdb"
    part = final.with_name("ntkrnlmp.pdb.part")
    have = part.stat().st_size
    assert not final.exists() and 0 < have <= 100000
    assert download(server.url, tmp_path, WANTED, lambda done, total: told.append((done, total))) == final
    assert final.read_bytes() == DATA and not part.exists()
    assert server.log == [(PATH, None), (PATH, "bytes=%d-" % have)]
    assert told[-1] == (len(DATA), len(DATA))
    assert download(server.url, tmp_path, WANTED) == final and len(server.log) == 2  # not fetched again


def test_a_server_that_cannot_go_on_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.files[PATH] = DATA
    server.ranges, server.stop_after = False, 70000
    with pytest.raises(TargetError):
        download(server.url, tmp_path, WANTED)
    assert download(server.url, tmp_path, WANTED).read_bytes() == DATA


def test_a_part_that_is_already_whole_or_of_another_file(server: Server, tmp_path: Path) -> None:
    server.files[PATH] = DATA
    part = tmp_path / "ntkrnlmp.pdb" / (GUID + "3") / "ntkrnlmp.pdb.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA)
    assert download(server.url, tmp_path, WANTED).read_bytes() == DATA
    part.with_name("ntkrnlmp.pdb").unlink()
    part.write_bytes(bytes(len(DATA)))  # of another file: 416, and begun anew
    assert download(server.url, tmp_path, WANTED).read_bytes() == DATA
    assert not part.exists()


def test_a_file_that_is_not_there_and_one_that_is_another(server: Server, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="has no such file"):
        download(server.url, tmp_path, WANTED)
    server.files[PATH] = pdb_data(age=4)
    with pytest.raises(TargetError, match="is not ntkrnlmp.pdb"):
        download(server.url, tmp_path, WANTED)
    assert not list(tmp_path.rglob("*.part"))


def test_no_server_is_asked_unless_allowed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files[PATH] = DATA
    monkeypatch.setenv("_NT_SYMBOL_PATH", "srv*%s*%s" % (tmp_path, server.url))
    monkeypatch.setattr(symbol_server, "TIMEOUT", 5)
    with pytest.raises(TargetError):
        find_symbols("", WANTED, "a.dmp")
    assert server.log == []
    assert find_symbols("", WANTED, "a.dmp", allow_server=True).pdb == GUID + "3"
    assert find_symbols("", WANTED, "a.dmp").pdb == GUID + "3"  # it is in the store now
    assert len(server.log) == 1


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot fetch"):
        find_symbols("srv*%s*http://127.0.0.1:9/" % tmp_path, WANTED, "a.dmp", allow_server=True)


def test_progress_goes_to_whoever_asked_and_to_nobody_else(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files[PATH] = DATA
    said: List[Tuple[int, int]] = []
    path = "srv*%s*%s" % (tmp_path, server.url)
    find_symbols(path, WANTED, "a.dmp", allow_server=True, progress=lambda done, size: said.append((done, size)))
    assert said and said[-1][0] == said[-1][1] > 0
    assert capsys.readouterr() == ("", "")


def test_of_many_files_that_do_not_fit_ten_are_named(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / ("nt%02d.json" % number)).write_bytes(isf(age=20 + number))
    with pytest.raises(TargetError) as failed:
        find_symbols(str(tmp_path), WANTED, "a.dmp")
    assert str(failed.value).count("not it: ") == 10


@pytest.mark.parametrize(
    "name, taken", [("x.JSON", True), ("x.json.xz", True), ("x.json.old", False), ("x.txt", False)]
)
def test_of_a_folder_files_with_the_endings_of_symbols_are_looked_at(name: str, taken: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(isf())
    if taken:
        assert find_symbols(str(tmp_path), WANTED, "a.dmp").origin == str(tmp_path / name)
        return
    with pytest.raises(TargetError) as failed:
        find_symbols(str(tmp_path), WANTED, "a.dmp")
    assert name not in str(failed.value)


def test_of_a_folder_with_very_many_files_so_many_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of their names; what a store's own place or name says is looked at whatever else is there."""
    monkeypatch.setattr("kdtoken.symbols.path._MOST_FILES", 3)
    for number in range(3):
        (tmp_path / ("a%d.json" % number)).write_bytes(isf(age=9))
    (tmp_path / "b.json").write_bytes(isf())
    with pytest.raises(TargetError):
        find_symbols(str(tmp_path), WANTED, "a.dmp")
    (tmp_path / "a2.json").unlink()
    (tmp_path / "a2.json.xz").mkdir()  # a folder of that name is none of them
    assert find_symbols(str(tmp_path), WANTED, "a.dmp").origin == str(tmp_path / "b.json")
    (tmp_path / "a2.json").write_bytes(isf(age=9))
    (tmp_path / "ntkrnlmp.pdb").write_bytes(DATA)
    assert find_symbols(str(tmp_path), WANTED, "a.dmp").origin == str(tmp_path / "ntkrnlmp.pdb")


def test_where_downloads_go_when_no_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDTOKEN_CACHE", str(tmp_path / "kept"))
    assert default_store() == tmp_path / "kept" / "symbols"
    # Where nothing is to be kept, downloads still have to go somewhere.
    monkeypatch.setenv("KDTOKEN_CACHE", "off")
    assert default_store().name == "symbols" and default_store() != tmp_path / "kept" / "symbols"


@pytest.mark.parametrize(
    "path, message",
    [
        ("/no/such/place", "there are no symbols at /no/such/place"),
        (
            "srv*/no/such/place*https://192.0.2.1/",
            "no symbols of the kernel in a.dmp were found in srv*/no/such/place*",
        ),
        ("/no/such/place;/nor/this", "no symbols of the kernel in a.dmp were found in /no/such/place;/nor/this"),
        ("", "no symbols were named for a.dmp"),
    ],
)
def test_where_symbols_were_looked_for_is_said(path: str, message: str) -> None:
    with pytest.raises(TargetError) as failed:
        find_symbols(path, WANTED, "a.dmp")
    first, second = failed.value.message.split("\n")
    assert first.startswith(message) and second == "  needed: ntkrnlmp.pdb, GUID and age %s3" % GUID
    assert failed.value.subject == GUID + "3"
    assert failed.value.next_step == "--symbols FILE_OR_FOLDER, or --download to ask a symbol server"


@pytest.mark.parametrize(
    "data, message, step",
    [
        (b"MSCF" + bytes(60), "%s is packed (CAB)", "expand it: expand FILE.pd_ FILE.pdb, or 7z x"),
        (
            b"BSJB" + bytes(60),
            "%s is a portable PDB (.NET): it describes no kernel",
            "the kernel's own PDB is wanted: ntkrnlmp.pdb",
        ),
        (b"MZ" + bytes(60), "%s is a program, not its symbols", "its PDB is wanted"),
        (b"PAGEDU64", "%s is a crash dump, not symbols", "--dump takes the dump"),
        (b"PAGEDUMP", "%s is a crash dump, not symbols", "--dump takes the dump"),
        (b"hello", "%s holds no symbols that are known here", "a PDB or an ISF (.json, .json.xz)"),
        (b"", "%s holds no symbols that are known here", "a PDB or an ISF (.json, .json.xz)"),
    ],
)
def test_what_a_file_is_instead_of_symbols(data: bytes, message: str, step: str, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(data)
    with pytest.raises(BadFormat) as failed:
        open_symbols(file)
    assert (failed.value.message, failed.value.subject, failed.value.next_step) == (message % file, str(file), step)
    with pytest.raises(BadFormat, match="cannot open the symbols ") as failed:
        open_symbols(tmp_path / "none")
    assert failed.value.next_step == "--symbols names a PDB, an ISF, a folder or a store that is there"


def test_a_dump_that_names_no_pdb_takes_the_first_file_that_fits(tmp_path: Path) -> None:
    """In the order of their names; of what did not fit, how many and the first."""
    for name in ("a.json", "b.json", "c.json"):
        (tmp_path / name).write_bytes(isf(age=ord(name[0])))
    (tmp_path / "broken.pdb").write_bytes(b"no PDB")

    def misfit(symbols: SymbolFile) -> str:
        return "" if symbols.origin.endswith("c.json") else "another kernel's"

    assert find_symbols(str(tmp_path), None, "a.dmp", misfit=misfit).origin == str(tmp_path / "c.json")
    (tmp_path / "c.json").unlink()
    with pytest.raises(TargetError) as failed:
        find_symbols(str(tmp_path), None, "a.dmp", misfit=misfit)
    assert failed.value.message == (
        "a.dmp does not say which PDB its kernel needs, and none of 3 symbol files fits, such as %s"
        % (tmp_path / "a.json")
    )
    assert failed.value.next_step == "name the file: --symbols FILE"
    with pytest.raises(TargetError) as failed:
        find_symbols("", None, "a.dmp (CUT SHORT)", misfit=misfit)
    assert failed.value.message == "a.dmp (CUT SHORT) does not say which PDB its kernel needs"
    assert failed.value.next_step == "copy the dump again, whole; symbols come after"


@pytest.mark.parametrize(
    "place",
    ["ntoskrnl.json", "ntkrnlmp.pdb/x.json", "ntkrnlmp.pdb/%s3/ntkrnlmp.pdb" % GUID, "windows/ntkrnlmp.pdb/x.json.gz"],
)
def test_where_a_kernel_s_symbols_may_lie_that_no_dump_names(place: str, tmp_path: Path) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(DATA if place.endswith(".pdb") else gzip.compress(isf()) if place.endswith(".gz") else isf())
    for other in ("hal.pdb/x.json", "windows/hal.pdb/x.json", "deep/er/ntkrnlmp.json", "ntoskrnl.txt"):
        (tmp_path / other).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / other).write_bytes(isf())
    asked: List[str] = []

    def misfit(symbols: SymbolFile) -> str:
        asked.append(symbols.origin)
        return "no"

    with pytest.raises(TargetError):
        find_symbols(str(tmp_path), None, "a.dmp", misfit=misfit)
    assert asked == [str(file)]
