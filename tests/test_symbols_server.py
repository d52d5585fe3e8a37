"""A symbol server that answers oddly: one message each, in our own words, and nothing kept that is not the file."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, List

import pytest

from kdtoken.errors import TargetError
from kdtoken.layout.pdb.identity import PdbIdentity
from kdtoken.symbols import server as symbol_server
from kdtoken.symbols.server import download
from tests.pdb_bytes import Pdb

GUID = "030201000504070608090A0B0C0D0E0F"  # of tests.pdb_bytes: bytes 0 to 15
WANTED = PdbIdentity("ntkrnlmp.pdb", GUID, 3)
DATA = Pdb().data()  # age 3
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(DATA) + DATA


class RawServer:
    """Answers each connection with the next of `answers` (the last for ever), to the byte."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.asked = list(answers), 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = "http://127.0.0.1:%d/symbols" % self.port
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            answer = self.answers[min(self.asked, len(self.answers) - 1)]
            self.asked += 1
            try:
                connection.sendall(answer)
            except OSError:
                return

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def servers() -> Iterator[List[RawServer]]:
    made: List[RawServer] = []
    yield made
    for one in made:
        one.close()


def quiet(done: int, total: int) -> None:
    """No progress."""


ODD = {
    "no status line": (b"hello\r\n\r\n", "does not speak HTTP as it should"),
    "a status that is none": (b"HTTP/1.1 abc\r\n\r\n", "does not speak HTTP as it should"),
    "headers without end": (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000, "does not speak HTTP as it should"),
    "one endless header": (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200000, "does not speak HTTP as it should"),
    "nothing": (b"", "cannot fetch|does not speak HTTP"),
    "500": (b"HTTP/1.1 500 \x1b]0;title\x07\r\nContent-Length: 0\r\n\r\n", "answers with the HTTP status 500: http"),
    "a length that is none": (
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nxx",
        "sent something that is not ntkrnlmp",
    ),
    "a huge length": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nxx", "no kernel's PDB is that large"),
    "cut short": (OK[:-100], "the connection ended after"),
    "a cut chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nabc",
        "does not speak HTTP as it should",
    ),
    "to a file": (
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        "sends on to where it is not followed",
    ),
    "to ftp": (b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\n\r\n", "sends on to ftp, which is not"),
    "in circles": (b"HTTP/1.1 302 Found\r\nLocation: /symbols/a\r\n\r\n", "sends on to where it is not followed"),
    "another file": (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", "sent something that is not ntkrnlmp.pdb"),
}


@pytest.mark.parametrize("kind", sorted(ODD))
def test_an_odd_answer_is_one_message(servers: List[RawServer], kind: str, tmp_path: Path) -> None:
    answer, words = ODD[kind]
    servers.append(RawServer(answer))
    with pytest.raises(TargetError, match=words) as caught:
        download(servers[0].url, tmp_path, WANTED, quiet)
    text = str(caught.value)
    assert "\x1b" not in text and "Error" not in text and "Exception" not in text and text.count("\n") <= 1
    assert not [file for file in tmp_path.rglob("*") if file.name == "ntkrnlmp.pdb" and file.is_file()]
    servers.append(RawServer(OK))
    assert download(servers[1].url, tmp_path, WANTED, quiet).read_bytes() == DATA  # whatever was left of it


def test_from_https_to_http_is_not_followed() -> None:
    import urllib.request

    request = urllib.request.Request("https://symbols.example/a")
    with pytest.raises(symbol_server._Refused, match="sends on to http, which is not followed"):
        symbol_server._Redirects().redirect_request(request, None, 302, "", {}, "http://symbols.example/a")


def test_a_part_of_another_file_is_begun_anew(servers: List[RawServer], tmp_path: Path) -> None:
    """416, asked to go on behind the end of something else: once more, from the start."""
    part = tmp_path / "ntkrnlmp.pdb" / (GUID + "3") / "ntkrnlmp.pdb.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(5000))
    servers.append(RawServer(b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n", OK))
    assert download(servers[0].url, tmp_path, WANTED, quiet).read_bytes() == DATA
    assert servers[0].asked == 2 and not part.exists()


def test_eight_runs_at_once_fetch_one_file_once(servers: List[RawServer], tmp_path: Path) -> None:
    servers.append(RawServer(OK))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: download(servers[0].url, tmp_path, WANTED, quiet).read_bytes(), range(8)))
    assert found == [DATA] * 8 and servers[0].asked == 1


@pytest.mark.parametrize("server", ["no address", "http://[", "http:///x"])
def test_what_is_no_server(server: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError) as caught:
        download(server, tmp_path, WANTED, quiet)
    assert "is no address of a symbol server" in str(caught.value) or "cannot fetch" in str(caught.value)


def test_a_store_that_cannot_be_written(servers: List[RawServer], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    servers.append(RawServer(OK))
    with pytest.raises(TargetError, match="cannot keep ntkrnlmp.pdb in .*: Not a directory|File exists"):
        download(servers[0].url, tmp_path / "file", WANTED, quiet)
