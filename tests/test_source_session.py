"""Recordings: what was asked is answered again, what was not says so, damage is one clear message."""

import gzip
import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.decode.process import walk_processes
from kdtoken.decode.thread import walk_threads
from kdtoken.decode.token import decode_token
from kdtoken.errors import (
    BadFormat,
    KdTokenError,
    LookupFailed,
    MemoryUnreadable,
    NoCommands,
    NotRecorded,
    SymbolNotFound,
    TypeNotFound,
)
from kdtoken.layout.layout import layout_from_json
from kdtoken.model.privilege import NAMES
from kdtoken.source import session as sessions
from kdtoken.source.base import Source
from kdtoken.source.cached import CachedSource
from kdtoken.source.session import RecordingSource, SessionSource, load_session
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource
from tests.test_source_base import BASE, Pages, content

PATH = WINDOWS_11


def everything(target: Source, path: Path = PATH) -> List[Any]:
    """A run that asks for all kinds of things, readable and not."""
    kernel = kernel_of(path, False)
    names = NAMES
    answers: List[Any] = [walk_processes(target)]
    head = kernel.layouts.layout("_EPROCESS").field("ThreadListHead").offset
    answers.append(walk_threads(target, kernel.processes[1120] + head))
    answers += [decode_token(target, kernel.tokens[key], names) for key in sorted(kernel.tokens)]
    return answers


def recorded(path: Path = PATH) -> RecordingSource:
    recording = RecordingSource(SyntheticSource(kernel_of(path, False)))
    everything(CachedSource(recording), path)
    return recording


@pytest.fixture(scope="module")
def text() -> str:
    return "\n".join(recorded().lines()) + "\n"


def test_a_line_of_a_type_is_read_once_and_never_taken_for_another(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = text.split("\n")
    number = next(number for number, line in enumerate(lines) if line.startswith('{"layout": "_TOKEN"'))
    read: List[str] = []
    monkeypatch.setattr(sessions, "_KNOWN", {})
    monkeypatch.setattr(
        sessions, "layout_from_json", lambda name, data: read.append(name) or layout_from_json(name, data)
    )
    first = SessionSource(text, "a")
    again = SessionSource(text, "b")
    assert len(read) == len(set(read)) > 10 and read.count("_TOKEN") == 1
    assert again.layout("_TOKEN") == first.layout("_TOKEN") == kernel_of(PATH).layouts.layout("_TOKEN")
    # Another offset: another line, of the same name.
    data = json.loads(lines[number])
    data["fields"][1][1] += 4
    changed = SessionSource("\n".join([*lines[:number], json.dumps(data), *lines[number + 1 :]]), "c")
    assert read.count("_TOKEN") == 2 and changed.layout("_TOKEN") != first.layout("_TOKEN")
    # A first line that is one of these is no recording's.
    with pytest.raises(BadFormat, match="d is not a recorded kdtoken session"):
        SessionSource(lines[number], "d")


@pytest.mark.parametrize("name", ["run.kdtoken", "run.kdtoken.gz"])
def test_a_replay_gives_equal_answers(tmp_path: Path, name: str) -> None:
    recorded().save(tmp_path / name)
    replay = load_session(tmp_path / name)
    right = everything(CachedSource(SyntheticSource(kernel_of(PATH, False))))
    assert everything(CachedSource(replay)) == right


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_build_replays(path: Path) -> None:
    replay = SessionSource("\n".join(recorded(path).lines()), "memory")
    assert everything(CachedSource(replay), path) == everything(SyntheticSource(kernel_of(path, False)), path)


def test_a_replay_needs_no_cache() -> None:
    """The recorded reads were wide; narrow ones are inside them.  (Of refused pages a cache keeps
    more than was asked, so this holds for a machine with all its pages.)"""
    recording = RecordingSource(SyntheticSource(kernel_of(PATH)))
    right = everything(CachedSource(recording))
    assert everything(SessionSource("\n".join(recording.lines()), "memory")) == right


@pytest.mark.parametrize("name", ["run.kdtoken", "run.kdtoken.gz"])
def test_the_same_run_gives_the_same_bytes(tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        recorded().save(tmp_path / folder / name)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_packed_file_tells_neither_name_nor_time(tmp_path: Path) -> None:
    recorded().save(tmp_path / "secret-name.gz")
    data = (tmp_path / "secret-name.gz").read_bytes()
    assert data[4:8] == bytes(4) and b"secret" not in data


def test_a_recording_of_a_replay_is_the_recording(text: str) -> None:
    again = RecordingSource(SessionSource(text, "memory"))
    everything(CachedSource(again))
    assert list(again.lines())[1:] == text.splitlines()[1:]


def test_the_first_line_says_what_it_is(text: str) -> None:
    head = json.loads(text.splitlines()[0])
    assert head["kdtoken-session"] == 1
    assert (head["synthetic"], head["build"], head["source"]) == (True, "10.0.22000.2538", "synthetic kernel")


def test_a_replay_says_that_it_is_one(text: str) -> None:
    about = SessionSource(text, "run.gz").about
    assert about.source == "recording run.gz of synthetic kernel"
    assert (about.build, about.synthetic) == ("10.0.22000.2538", True)


def test_what_was_not_asked_is_not_recorded(text: str) -> None:
    session = SessionSource(text, "memory")
    with pytest.raises(NotRecorded, match="0x1234000") as error:
        session.read(0x1234000, 16)
    assert (error.value.address, error.value.size) == (0x1234000, 16)
    assert "kdtoken record" in error.value.next_step
    with pytest.raises(TypeNotFound, match="does not hold the type _KPRCB"):
        session.layout("_KPRCB")
    with pytest.raises(SymbolNotFound, match="does not hold the symbol KiProcessorBlock"):
        session.symbol("KiProcessorBlock")
    with pytest.raises(NoCommands, match="does not hold the command"):
        session.command("!process 0 0")


def test_a_read_that_runs_out_of_the_recording_gives_what_there_is() -> None:
    recording = RecordingSource(Pages())
    recording.read(BASE, 32)
    session = SessionSource("\n".join(recording.lines()), "memory")
    with pytest.raises(NotRecorded) as error:
        session.read(BASE + 16, 64)
    assert error.value.partial == content(BASE + 16, 16)


def test_what_was_unreadable_stays_so() -> None:
    recording = RecordingSource(Pages((0,)))
    with pytest.raises(MemoryUnreadable):
        recording.read(BASE + 64, 128)
    session = SessionSource("\n".join(recording.lines()), "memory")
    for offset, size in ((64, 128), (64, 8), (100, 92)):
        with pytest.raises(MemoryUnreadable) as error:
            session.read(BASE + offset, size)
        assert error.value.reason == "paged out" and not isinstance(error.value, NotRecorded)
    with pytest.raises(NotRecorded):
        session.read(BASE + 60, 8)


def test_the_readable_part_of_a_failed_read_is_kept() -> None:
    recording = RecordingSource(Pages((1,)))
    with pytest.raises(MemoryUnreadable):
        recording.read(BASE + 0xFF0, 64)
    session = SessionSource("\n".join(recording.lines()), "memory")
    assert session.read(BASE + 0xFF0, 16) == content(BASE + 0xFF0, 16)
    with pytest.raises(MemoryUnreadable) as error:
        session.read(BASE + 0xFF0, 64)
    assert error.value.partial == content(BASE + 0xFF0, 16)


def test_pieces_that_touch_or_overlap_join() -> None:
    recording = RecordingSource(Pages())
    for offset, size in ((0, 16), (8, 24), (32, 8), (100, 4), (4, 2)):
        recording.read(BASE + offset, size)
    session = SessionSource("\n".join(recording.lines()), "memory")
    assert session.read(BASE, 40) == content(BASE, 40)
    with pytest.raises(NotRecorded):
        session.read(BASE + 40, 1)


def test_missing_names_are_recorded_as_missing() -> None:
    recording = RecordingSource(SyntheticSource(kernel_of(PATH)))
    for ask, name, error in (
        (recording.layout, "_NOPE", TypeNotFound),
        (recording.symbol, "Nope", SymbolNotFound),
        (recording.command, "!nope", NoCommands),
    ):
        with pytest.raises(error):
            ask(name)
    session = SessionSource("\n".join(recording.lines()), "memory")
    with pytest.raises(TypeNotFound, match="the symbols of nt have no type _NOPE"):
        session.layout("_NOPE")
    with pytest.raises(SymbolNotFound, match="nt has no symbol Nope"):
        session.symbol("Nope")
    with pytest.raises(NoCommands):
        session.command("!nope")


def test_commands_come_back_as_they_were() -> None:
    output = "PROCESS ffffa080\r\n  \u201cZo\u00eb\u201d \ud800\n"
    recording = RecordingSource(SyntheticSource(kernel_of(PATH)).answer("!process 0 0", output))
    recording.command("!process 0 0")
    assert SessionSource("\n".join(recording.lines()), "memory").command("!process 0 0") == output


def test_a_recording_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(KdTokenError, match="cannot write the recording") as error:
        recorded().save(tmp_path / "no-such-folder" / "run.gz")
    assert str(tmp_path) in str(error.value.subject)


# --- damaged files

HEAD = '{"kdtoken-session": 1, "source": "x", "build": "", "synthetic": false, "made-by": "kdtoken 0"}\n'
DAMAGED: Dict[str, Tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "blank": (b"\n \n\n", "is empty"),
    "binary": (bytes(range(256)), "it is not UTF-8 text"),
    "another file": (b"PK\x03\x04 zip", "line 1 is damaged"),
    "other JSON": (b'{"format": 1}\n', "is not a recorded kdtoken session"),
    "a list": (b"[1, 2]\n", "is not a recorded kdtoken session"),
    "later version": (HEAD.replace(": 1,", ": 2,").encode(), "session format 2; this kdtoken reads format 1"),
    "no source": (b'{"kdtoken-session": 1}\n', "line 1 is damaged"),
    "no JSON": ((HEAD + '{"memory": "0x10", "by\n').encode(), "line 2 is damaged"),
    "no hex": ((HEAD + '{"memory": "0x10", "bytes": "zz"}\n').encode(), "line 2 is damaged"),
    "no address": ((HEAD + '{"memory": 16, "bytes": ""}\n').encode(), "line 2 is damaged"),
    "unknown kind": (
        (HEAD + "\n" + '{"registers": {}}\n').encode(),
        "line 2 is damaged: unknown kind of line: registers",
    ),
    "a number": ((HEAD + "5\n").encode(), "line 2 is damaged"),
    "a list in between": ((HEAD + "[1]\n").encode(), "line 2 is damaged"),
    "bad layout": ((HEAD + '{"layout": "_T", "size": -1, "fields": []}\n').encode(), "line 2 is damaged"),
    "infinite size": ((HEAD + '{"unreadable": "0x1", "size": Infinity, "reason": ""}\n').encode(), "line 2 is damaged"),
    "brackets": ((HEAD + "[" * 100000 + "\n").encode(), "line 2 is damaged"),
    "cut gzip": (gzip.compress(HEAD.encode() * 50)[:-20], "is cut short"),
    "broken gzip": (gzip.compress(HEAD.encode() * 50)[:20] + b"\xff" * 40, "is cut short"),
    "gzip of nothing": (gzip.compress(b""), "is empty"),
    "only the mark of gzip": (b"\x1f\x8b", "is cut short"),
    "below zero": ((HEAD + '{"memory": "-0x537", "bytes": "00"}\n').encode(), "there is no address -0x537"),
    "past the end": ((HEAD + '{"memory": "0xffffffffffffffff", "bytes": "0000"}\n').encode(), "there is no address"),
    "a symbol nowhere": (
        (HEAD + '{"symbol": "X", "address": "0x10000000000000000"}\n').encode(),
        "there is no address",
    ),
    "a size of nothing": ((HEAD + '{"unreadable": "0x10", "size": -8, "reason": ""}\n').encode(), "with -8 bytes"),
    "more types than a kernel has": (
        (HEAD + "".join('{"layout": "_T%d", "missing": true}\n' % number for number in range(65537))).encode(),
        "line 65538 is damaged: it has over 65536 types",
    ),
    "a huge type": (
        (HEAD + '{"layout": "_TOKEN", "size": 1152921504606846976, "fields": []}\n').encode(),
        "they say that _TOKEN takes 1152921504606846976 bytes",
    ),
}


@pytest.mark.parametrize("kind", sorted(DAMAGED))
def test_a_damaged_file_is_one_clear_message(tmp_path: Path, kind: str) -> None:
    data, says = DAMAGED[kind]
    (tmp_path / "run.kdtoken").write_bytes(data)
    with pytest.raises(BadFormat) as error:
        load_session(tmp_path / "run.kdtoken")
    assert says in str(error.value) and "run.kdtoken" in str(error.value)
    assert len(error.value.message) < 400


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BadFormat, match="cannot read the recording .*nothing.gz: No such file"):
        load_session(tmp_path / "nothing.gz")


def test_a_later_version_says_what_made_it() -> None:
    with pytest.raises(BadFormat) as error:
        SessionSource(HEAD.replace(": 1,", ": 2,"), "run.kdtoken")
    assert "kdtoken 0" in error.value.next_step


@given(st.binary(max_size=300))
def test_no_file_does_worse_than_bad_format(data: bytes) -> None:
    try:
        SessionSource(data.decode("latin-1"), "fuzz")
    except BadFormat:
        pass


@given(st.integers(0, 10**6), st.sampled_from([b"\0", b"9", b"}", b'"', b"\n", b"f"]))
def test_one_byte_changed_is_found_or_harmless(at: int, byte: bytes) -> None:
    recording = RecordingSource(SyntheticSource(kernel_of(PATH)))
    recording.layout("_LUID")
    recording.symbol("PsActiveProcessHead")
    recording.read(kernel_of(PATH).tokens["system"], 64)
    data = bytearray("\n".join(recording.lines()).encode())
    data[at % len(data)] = byte[0]
    try:
        SessionSource(data.decode("latin-1"), "fuzz")
    except BadFormat as error:
        assert "fuzz" in str(error)


Ask = Tuple[str, int, int]
ASKS = st.lists(st.tuples(st.integers(0, 0x4000), st.integers(1, 0x1800)), min_size=1, max_size=10)


@given(ASKS, st.sets(st.integers(0, 5), max_size=3), st.booleans(), st.randoms(use_true_random=False))
def test_whatever_was_asked_is_answered_alike(
    asks: List[Tuple[int, int]], bad: "set[int]", partial: bool, dice: Any
) -> None:
    """In any order, and after a second recording of the replay."""
    recording = RecordingSource(Pages(tuple(bad), partial))
    for offset, size in asks:
        outcome(recording.read, offset, size)
    session = SessionSource("\n".join(recording.lines()), "memory")
    again = RecordingSource(session)
    dice.shuffle(asks)
    for offset, size in asks:
        right = outcome(Pages(tuple(bad), partial).read, offset, size)
        assert outcome(again.read, offset, size) == right
        assert outcome(SessionSource("\n".join(again.lines()), "memory").read, offset, size) == right


def outcome(read: Callable[[int, int], bytes], offset: int, size: int) -> Tuple[bytes, str]:
    try:
        return read(BASE + offset, size), ""
    except MemoryUnreadable as error:
        return b"", error.reason


# --- what a recording says, line by line

HEAD_LINE = '{"kdtoken-session": 1, "source": "x", "build": "10.0.22000", "synthetic": false, "made-by": "kdtoken 1"}'


def session(*rows: str) -> SessionSource:
    return SessionSource("\n".join((HEAD_LINE, *rows)) + "\n", "r.kdtoken")


def memory(at: int, data: bytes) -> str:
    return '{"memory": "0x%x", "bytes": "%s"}' % (at, data.hex())


def gone(at: int, size: int, pieces: bool = False) -> str:
    return '{"unreadable": "0x%x", "size": %d, "reason": "paged out"%s}' % (
        at,
        size,
        ', "pieces": true' if pieces else "",
    )


def test_pieces_answer_up_to_their_last_byte_and_no_further() -> None:
    source = session(memory(0x1000, b"abcd"), memory(0x1004, b"efgh"), memory(0x1010, b"ijkl"), memory(0x1002, b"c"))
    assert source.read(0x1000, 8) == b"abcdefgh" and source.read(0x1007, 1) == b"h" and source.read(0x1003, 2) == b"de"
    for at, size, partial in (
        (0x1000, 9, b"abcdefgh"),
        (0x1008, 1, b""),
        (0xFFF, 2, b""),
        (0x100F, 2, b""),
        (0x1014, 1, b""),
    ):
        with pytest.raises(NotRecorded) as error:
            source.read(at, size)
        assert (error.value.partial, error.value.known) == (partial, ()) and "record it again" in error.value.next_step


def test_of_two_pieces_for_one_address_the_longer_is_kept_and_the_later_bytes_count() -> None:
    assert session(memory(0x1000, b"abcd"), memory(0x1000, b"ab")).read(0x1000, 4) == b"abcd"
    assert session(memory(0x1000, b"abcd"), memory(0x1002, b"XY")).read(0x1000, 4) == b"abXY"


@pytest.mark.parametrize(
    "at, size, reason",
    [
        (0x1000, 0x20, True),
        (0x1000, 0x10, True),
        (0x1010, 0x10, True),
        (0x1008, 8, True),
        (0xFFF, 0x20, False),
        (0x1000, 0x21, False),
        (0x1020, 1, False),
    ],
)
def test_what_could_not_be_read_covers_what_lies_in_it(at: int, size: int, reason: bool) -> None:
    with pytest.raises(MemoryUnreadable) as error:
        session(gone(0x1000, 0x20)).read(at, size)
    assert isinstance(error.value, NotRecorded) is not reason
    assert (error.value.reason == "paged out") is reason


def test_of_what_could_not_be_read_whole_the_beginning_and_the_parts_behind_are_there() -> None:
    rows = (memory(0x1000, b"abcd"), memory(0x1010, b"ijkl"), memory(0x101C, b"mnopqrst"))
    with pytest.raises(MemoryUnreadable) as error:
        session(*rows, gone(0x1000, 0x20)).read(0x1000, 0x20)
    assert error.value.partial == b"abcd" and not isinstance(error.value, NotRecorded)
    with pytest.raises(NotRecorded) as kept:
        session(*rows, gone(0x1000, 0x20, pieces=True)).read(0x1000, 0x20)
    assert (kept.value.partial, kept.value.reason) == (b"abcd", "paged out")
    assert kept.value.known == ((0x1010, b"ijkl"), (0x101C, b"mnop"))  # up to where was asked
    # The same question once more: that it failed counts, though the bytes came otherwise.
    with pytest.raises(MemoryUnreadable):
        session(memory(0x1000, bytes(0x20)), gone(0x1000, 0x20)).read(0x1000, 0x20)
    assert session(memory(0x1000, bytes(0x20)), gone(0x1000, 0x20)).read(0x1000, 0x10) == bytes(0x10)


@pytest.mark.parametrize(
    "row, said",
    [
        ('{"memory": "0xfffffffffffffffe", "bytes": "000000"}', "there is no address 0xfffffffffffffffe with 3 bytes"),
        ('{"memory": "-0x10", "bytes": "00"}', "there is no address -0x10"),
        ('{"memory": "0x10 ", "bytes": "00"}', "there is no address 0x10"),
        ('{"memory": "0x1_0", "bytes": "00"}', "there is no address 0x1_0"),
        ('{"memory": "0x10000000000000000", "bytes": "00"}', "there is no address"),
        ('{"memory": "0x10"}', "it has no 'bytes'"),
        ('{"unreadable": "0x10", "size": -1, "reason": ""}', "there is no address 0x10 with -1 bytes"),
        ('{"unreadable": "0x10", "size": 18446744073709551601, "reason": ""}', "there is no address"),
        ('{"symbol": "A", "address": "x"}', "there is no address x"),
        ('{"symbol": "A"}', "it has no 'address'"),
        ('{"what": 1}', "unknown kind of line: what"),
        ("[1]", "unknown kind of line: 1"),
        ("5", "a wrong value"),
        ("{", "it is no JSON, cut off or changed"),
    ],
)
def test_a_line_that_makes_no_sense_is_named_with_what_is_wrong(row: str, said: str) -> None:
    with pytest.raises(BadFormat) as error:
        session(memory(0x10, b"a"), row)
    assert error.value.message.startswith("r.kdtoken, line 3 is damaged: ") and said in error.value.message


def test_the_last_address_is_one() -> None:
    source = session(memory((1 << 64) - 2, b"ab"), '{"symbol": "A", "address": "0XFF"}', gone((1 << 64) - 16, 14))
    assert source.read((1 << 64) - 2, 2) == b"ab" and source.symbol("A") == 255


def test_what_was_asked_and_not_there_is_told_from_what_was_never_asked() -> None:
    source = session(
        '{"symbol": "A", "address": null}', '{"layout": "_A", "missing": true}', '{"command": "x", "output": null}'
    )
    for ask, name, absent in ((source.symbol, "A", "nt has no symbol A"), (source.layout, "_A", "nt have no type _A")):
        with pytest.raises(LookupFailed, match=absent) as error:
            ask(name)
        assert not error.value.next_step
        with pytest.raises(LookupFailed, match="the recording does not hold the") as never:
            ask("B")
        assert "record it again" in never.value.next_step
    for text in ("x", "y"):
        with pytest.raises(NoCommands):
            source.command(text)
    assert session('{"command": "x", "output": ""}').command("x") == ""
    assert source.kept_processes is None


def test_whose_memory_a_triage_dump_kept_is_told_by_the_first_line() -> None:
    head = HEAD_LINE[:-1] + ', "processes": ["0x10"], "threads": []}'
    source = SessionSource(head + "\n", "r")
    assert (source.kept_processes, source.kept_threads) == ((0x10,), ())
    assert (source.about.source, source.about.build, source.about.synthetic) == (
        "recording r of x",
        "10.0.22000",
        False,
    )


def test_of_two_failed_reads_that_cover_it_the_first_tells_why() -> None:
    later = gone(0x0FF0, 0x40).replace("paged out", "not mapped")
    for rows, reason in (((gone(0x1000, 0x20), later), "paged out"), ((later, gone(0x1000, 0x20)), "not mapped")):
        with pytest.raises(MemoryUnreadable) as error:
            session(*rows).read(0x1008, 8)
        assert error.value.reason == reason
