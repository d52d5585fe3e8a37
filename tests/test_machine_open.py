"""Opening whatever is given: what it is is told by its content, plain, packed, or on stdin."""

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict

import pytest

from kdtoken.errors import BadFormat, KdTokenError, NothingPrinted, UsageError
from kdtoken.layout.layout_file import load_layouts
from kdtoken.machine.collected import CollectedMachine
from kdtoken.machine.kernel import KernelMachine
from kdtoken.machine.log import LogMachine
from kdtoken.machine.open import OPENERS, Request, carried, open_machine, open_request
from kdtoken.machine.sniff import FOREIGN, HEAD, KINDS, Head, head_of, is_attach_string, kind_of
from kdtoken.model.view import Kind
from tests.declared_views import WIN11, collected, token_lines, whoami_lines
from tests.dump_bytes import Dump
from tests.engine.volatility import isf
from tests.expected import WINDOWS_11, kernel_of
from tests.fake_image import as_image, fake_image
from tests.machine.containers import physical_pages, vmss, write_elf, write_raw
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.synthetic import SyntheticSource
from tests.sessions import MACHINE_22000

LOG = Path(__file__).parent.parent / "fixtures" / "logs" / "capture-10.0.22000.2538-synthetic.log.gz"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, bytes]:
    """One file of each kind, plain, by the kind's name; `symbols` are those of the crash dump."""
    layouts = load_layouts(WIN11)
    image = fake_image(layouts)
    kernel = build(MACHINE, layouts, image)
    core = write_elf(physical_pages(kernel), tmp_path_factory.mktemp("core") / "core")
    return {
        "recording": gzip.decompress(MACHINE_22000.read_bytes()),
        "crash_dump": Dump.of(kernel).full(),
        "memory": core.read_bytes(),
        "collected": collected("notepad").encode("utf-8"),
        "log": gzip.decompress(LOG.read_bytes()),
        "symbols": json.dumps(isf(layouts, as_image(image))).encode("utf-8"),
    }


MACHINES = {
    "recording": KernelMachine,
    "crash_dump": KernelMachine,
    "memory": KernelMachine,
    "collected": CollectedMachine,
    "log": LogMachine,
}


def test_every_kind_has_its_opener_and_its_test() -> None:
    assert set(OPENERS) == {kind.name for kind in KINDS}
    assert set(MACHINES) <= set(OPENERS)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", sorted(MACHINES))
def test_by_content_whatever_the_name(kind: str, packed: bool, sources: Dict[str, bytes], tmp_path: Path) -> None:
    data = sources[kind]
    (tmp_path / "a thing").write_bytes(gzip.compress(data, 1) if packed else data)
    (tmp_path / "symbols.json").write_bytes(sources["symbols"])
    symbols = str(tmp_path / "symbols.json") if kind in ("crash_dump", "memory") else ""
    with open_machine(tmp_path / "a thing", symbols) as machine:
        assert type(machine) is MACHINES[kind]
        process = machine.process("notepad.exe")
        assert process.pid == 6104
        token: Any = process.token
        assert str(token.user) == MACHINE.tokens["notepad"].user
    assert not [name for name in os.listdir(str(tmp_path)) if name not in ("a thing", "symbols.json")]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["recording", "collected", "log"])
def test_on_stdin(kind: str, packed: bool, sources: Dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    data = gzip.compress(sources[kind], 1) if packed else sources[kind]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    with open_machine("-") as machine:
        assert machine.find("6104").pid == 6104
        assert "stdin" in machine.about.source or "-" in machine.about.source


def test_what_was_unpacked_is_gone_when_the_machine_is_closed(
    sources: Dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = tmp_path / "x.log.gz"
    file.write_bytes(gzip.compress(sources["log"], 1))
    machine = open_machine(file)
    assert machine.find("notepad.exe").pid == 6104
    assert machine.about.source.startswith("log x.log")  # not the copy's folder, nor .gz
    assert len(os.listdir(str(tmp_path))) == 2
    machine.close()
    machine.close()
    assert os.listdir(str(tmp_path)) == ["x.log.gz"]
    file.write_bytes(gzip.compress(sources["log"], 1)[:-2000])
    with pytest.raises(BadFormat, match="its gzip data breaks off"):
        open_machine(file)
    assert os.listdir(str(tmp_path)) == ["x.log.gz"]
    file.write_bytes(gzip.compress(b"PAGEDU64" + bytes(9000), 1))
    with pytest.raises(BadFormat):
        open_machine(file)  # unpacked well, and then no dump that can be read
    assert os.listdir(str(tmp_path)) == ["x.log.gz"]


def test_texts_of_commands(tmp_path: Path) -> None:
    for name, text, kind in (
        ("token.txt", token_lines("notepad"), Kind.TOKEN_COMMAND),
        ("who.txt", whoami_lines("notepad"), Kind.WHOAMI),
    ):
        (tmp_path / name).write_text(text, encoding="utf-16")
        machine = open_machine(tmp_path / name)
        assert machine.about.source == "text %s" % (tmp_path / name)
        view = machine.view()
        assert view.kind is kind and str(view.token.user) == MACHINE.tokens["notepad"].user
        with pytest.raises(NothingPrinted, match="tells of a token, and of no process"):
            machine.processes()


def test_several_logs_are_one_machine_and_nothing_else_is(sources: Dict[str, bytes], tmp_path: Path) -> None:
    lines = sources["log"].split(b"\n")
    half = len(lines) // 2
    (tmp_path / "1.log").write_bytes(b"\n".join(lines[:half]) + b"\n")
    (tmp_path / "2.log.gz").write_bytes(gzip.compress(b"\n".join(lines[half:])))
    with open_machine([str(tmp_path / "1.log"), str(tmp_path / "2.log.gz")]) as machine:
        token: Any = machine.find("notepad.exe").token
        assert str(token.user) == MACHINE.tokens["notepad"].user
    with pytest.raises(UsageError, match="is a recording of kdtoken"):
        open_machine([str(tmp_path / "1.log"), str(MACHINE_22000)])


def test_lines_of_a_log_also_of_a_packed_one(sources: Dict[str, bytes], tmp_path: Path) -> None:
    lines = sources["log"].count(b"\n")
    for name, data in (("a.log", sources["log"]), ("b.log.gz", gzip.compress(sources["log"], 1))):
        (tmp_path / name).write_bytes(
            b"chatter\n" * 3 + data if name == "a.log" else gzip.compress(b"chatter\n" * 3 + sources["log"], 1)
        )
        with open_machine("%s:4-%d" % (tmp_path / name, lines + 4)) as machine:
            assert machine.find("notepad.exe").pid == 6104
        with open_machine("%s:1-3" % (tmp_path / name)) as machine, pytest.raises(KdTokenError):
            machine.find("notepad.exe")


def test_an_option_decides_only_where_the_content_leaves_doubt(sources: Dict[str, bytes]) -> None:
    def named(data: bytes, option: str, name: str = "x") -> str:
        return kind_of(Head(name, data[:HEAD], len(data)), option).name

    for kind in MACHINES:
        for option in ("", "--session", "--dump", "--log"):
            if kind != "log":
                assert named(sources[kind], option) == kind
    with pytest.raises(BadFormat, match="x is text, not a recording, which begins with"):
        named(sources["log"], "--session")
    with pytest.raises(BadFormat, match="x is text, not a crash dump\n  next: .* needs no option: kdtoken dump x"):
        named(sources["log"], "--dump")
    assert named(b"no dump", "", "C:\\MEMORY.DMP") == "crash_dump"
    assert named(b"no dump", "--log", "C:\\MEMORY.DMP") == "log"


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "is empty"),
        (bytes(5000), "holds nothing but blanks and zeros"),
        (b"PK\x03\x04" + bytes(30), "is a zip archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(30), "is a 7z archive"),
        (b"BZh9" + bytes(30), "packed by bzip2"),
        (b"\xfd7zXZ\0" + bytes(30), "packed by xz"),
        (b"\x28\xb5\x2f\xfd" + bytes(30), "packed by zstd"),
        (b"MSCF" + bytes(30), "is a CAB archive"),
        (b"MDMP\x93\xa7" + bytes(30), "is a user-mode minidump"),
        (b"MZ\x90\0" + bytes(30), "is a Windows program"),
        (b"Microsoft C/C++ MSF 7.00\r\n\x1aDS" + bytes(range(256)) * 4, "is a symbol file"),
        (bytes(range(256)) * 40, "is binary data.*it begins with 0001020304050607"),
        (b"\x1f\x8bno gzip", "it is gzip data, but damaged from the start"),
        (b'{"kdtoken": 1, "about": {}}', "what a verb printed with --json"),
    ],
)
@pytest.mark.parametrize("option", ["", "--dump", "--log", "--session"])
def test_what_is_no_source_is_called_by_its_name(data: bytes, said: str, option: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    if option and option != "--session" and not any(data.startswith(magic) for magic, _, _ in FOREIGN):
        return  # the reader that the option asks for says what is wrong
    with pytest.raises(BadFormat, match=said) as error:
        open_request(Request((str(tmp_path / "x"),), option))
    assert str(tmp_path / "x") in error.value.message and error.value.subject == str(tmp_path / "x")


def test_what_cannot_be_read_at_all(tmp_path: Path) -> None:
    for name, said in (("none.dmp", "there is no such file"), ("", "it is a folder"), ("nul\0", "no such name can be")):
        with pytest.raises(BadFormat, match="cannot read .*%s" % said):
            open_machine(str(tmp_path / name))


def test_connections() -> None:
    for text in (r"com:pipe,port=\\.\pipe\kd", "net:port=50000,key=1.2.3.4", "COM:port=com1,baud=115200"):
        assert is_attach_string(text)
    for text in ("notepad.exe", "C:\\net:x", "command.log", "10.0.0.1:50000"):
        assert not is_attach_string(text)


def test_symbols_are_refused_where_nothing_needs_them() -> None:
    for asked in ({"symbols": "x"}, {"download": True}):
        with pytest.raises(UsageError, match="belong to --dump") as error:
            open_request(Request((str(MACHINE_22000),), **asked))  # type: ignore[arg-type]
        assert "is a recording of kdtoken" in error.value.next_step
    assert open_request(Request((str(MACHINE_22000),), symbols="x", lenient=True)).find("4").pid == 4


def test_a_head_is_no_more_than_a_head(tmp_path: Path) -> None:
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"a" * (HEAD * 50), 1))
    head = head_of(str(tmp_path / "bomb.gz"))
    assert len(head.data) == HEAD and head.packed


def test_raw_memory_says_nothing_of_itself_so_its_name_and_size_do(sources: Dict[str, bytes], tmp_path: Path) -> None:
    layouts = load_layouts(WIN11)
    path = write_raw(physical_pages(build(MACHINE, layouts, fake_image(layouts))), tmp_path / "memory.RAW")
    (tmp_path / "symbols.json").write_bytes(sources["symbols"])
    with open_machine(path, str(tmp_path / "symbols.json")) as machine:
        assert machine.find("notepad.exe").pid == 6104

    def kind(name: str, data: bytes, size: int) -> str:
        return kind_of(Head(name, data, size)).name

    noise = bytes(range(256)) * 16
    assert kind("x.vmem", noise, 1 << 30) == kind("x.mem.gz", bytes(4096), 1 << 30) == "memory"
    assert kind("x", vmss([]), 5000) == "memory"  # VMware's magic number
    assert kind("notes.img", b"kd> !process 0 0\n", 1 << 21) == "log"
    for name, data, size in (("x.vmdk", noise, 1 << 30), ("x.img", noise, 5000), ("x.bin", b"PK\3\4" + noise, 1 << 30)):
        with pytest.raises(BadFormat):
            kind(name, data, size)
    with pytest.raises(BadFormat, match="an ELF file, but no core"):
        kind("ls", b"\x7fELF\2\1\1" + bytes(9) + b"\3\0" + noise, 1 << 20)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="FIFOs as POSIX has them")
@pytest.mark.parametrize(
    "words", [["walk", "%s"], ["dump", "%s", "x"], ["audit", "m", "--baseline", "%s"], ["walk", "--services", "%s"]]
)
def test_a_fifo_that_is_named_is_not_waited_for(words: "list[str]", tmp_path: Path) -> None:
    """`walk *` in a shell names it.  A process of its own: where this fails, it never ends."""
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    made = [{"%s": fifo, "m": str(MACHINE_22000)}.get(word, word) for word in words]
    made += ["--session", str(MACHINE_22000)] if "--services" in made else []
    done = subprocess.run(
        [sys.executable, "-m", "kdtoken", *made],
        cwd=str(Path(__file__).parent.parent),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        timeout=30,
    )
    assert done.returncode == 2 and b"fifo is no regular file: only those are read" in done.stderr, done.stderr


class Attached(SyntheticSource):
    """A live kernel that was attached to; remembers how."""

    made: "list[Any]" = []

    def __init__(self, connection: str, patience: float, stay: bool, give_up: Any) -> None:
        super().__init__(kernel_of(WINDOWS_11))
        self.released = 0
        Attached.made.append((connection, patience, stay, self))

    def release(self) -> None:
        self.released += 1


@pytest.mark.parametrize("option", ["", "--attach"])
def test_a_connection_is_attached_to_and_let_go_of(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from kdtoken.source import attach

    monkeypatch.setattr(attach, "AttachedSource", Attached)
    Attached.made.clear()
    word = "net:port=50000,key=1.2.3.4" if not option else "whatever"
    with open_request(Request((word,), option, timeout=5.0, stay=True)) as machine:
        assert len(machine.processes()) == len(MACHINE.processes)
    ((connection, patience, stay, source),) = Attached.made
    assert (connection, patience, stay, source.released) == (word, 5.0, True, 1)
    with pytest.raises(UsageError, match="one connection at a time: net:b"):
        open_request(Request(("net:a", "net:b"), option))
    for asked in ({"symbols": "x"}, {"download": True}):
        with pytest.raises(UsageError, match="belong to --dump") as error:
            open_request(Request((word,), option, **asked))  # type: ignore[arg-type]
        assert error.value.next_step == "a debugger has symbols of its own"
        open_request(Request((word,), option, lenient=True, **asked)).close()  # type: ignore[arg-type]


def test_what_kdtoken_carries_is_found_by_its_word_unless_a_file_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for word in ("tour", "tour-incident", "tour-whoami", "tour-unknown", "practice"):
        assert os.path.isfile(carried(word))
    assert len(open_machine("tour").processes()) == len(MACHINE.processes)
    (tmp_path / "tour").write_text(
        "kd> !process 0 0\n" + "PROCESS ffffc10203042080\n    Image: a.exe\n", encoding="utf-8"
    )
    assert [one.name for one in open_machine("tour").processes()] == ["a.exe"]
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    with pytest.raises(UsageError, match="tour.kdtoken.gz is not installed with this kdtoken"):
        carried("tour")


def test_of_an_unpacked_copy_the_name_that_was_given_is_told(
    sources: Dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "MEMORY.DMP.gz"
    packed.write_bytes(gzip.compress(sources["crash_dump"], 1))
    (tmp_path / "nt.json").write_bytes(sources["symbols"])
    with open_machine(str(packed), symbols=str(tmp_path / "nt.json")) as machine:
        assert machine.about.source.startswith("full memory dump %s" % packed)
    with pytest.raises(KdTokenError) as error:
        open_machine(str(packed), symbols=str(tmp_path / "none.json"))
    assert "kdtoken-" not in error.value.message


def test_several_sources_that_are_no_logs_are_refused_with_the_one_that_is_none(
    sources: Dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "a.log").write_bytes(sources["log"])
    with pytest.raises(UsageError) as error:
        open_machine([str(tmp_path / "a.log"), str(MACHINE_22000)])
    assert error.value.message == (
        "several sources are one machine only if all are logs; %s is a recording of kdtoken" % MACHINE_22000
    )
