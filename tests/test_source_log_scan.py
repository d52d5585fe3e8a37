"""What a log tells, read once: outputs by their commands, and rows of memory that a reader of text is spared."""

from pathlib import Path
from typing import List, Tuple

import pytest

from kdtoken.source.log.lines import Gap
from kdtoken.source.log.scan import Scan, line_in_file
from tests.test_source_log_lines import file
from tests.test_source_log_memory import BASE, rendered

ROW = len(rendered("dq", BASE, bytes(16)))  # of the bytes of one row


def memory(rows: int, at: int = BASE, form: str = "dq", data: bytes = b"") -> str:
    return rendered(form, at, (data or bytes(16)) * rows)


def scanned(folder: Path, text: str) -> Scan:
    scan = Scan()
    scan.read(file(folder, text.encode("ascii")))
    return scan


def gaps(folder: Path, text: str) -> List[Tuple[int, int, int]]:
    """(where each begins, how many characters it has, how many lines)."""
    found = scanned(folder, text).gaps
    assert len(found) == 1 and all(isinstance(one, Gap) for one in found[0])
    return [(one.start, one.stop - one.start, one.lines) for one in found[0]]


@pytest.mark.parametrize("rows, left_out", [(2, 0), (29, 0), (30, 0), (31, 1), (100, 70)])
def test_of_rows_of_memory_thirty_are_left_to_a_reader_of_text(rows: int, left_out: int, tmp_path: Path) -> None:
    """So many unknown lines end whatever it was in."""
    head = "kd> dq X\n"
    found = gaps(tmp_path, head + memory(rows) + "kd> g\n")
    assert found == ([(len(head) + 30 * ROW, left_out * ROW, left_out)] if left_out else [])


def test_behind_other_memory_two_rows_are_left(tmp_path: Path) -> None:
    one, two = "kd> dq X\n" + memory(30), "kd> dq Y\n" + memory(5, BASE + 0x1000)
    assert gaps(tmp_path, one + two) == [(len(one) + len("kd> dq Y\n") + 2 * ROW, 3 * ROW, 3)]
    # Also where no command stands between: rows of another form.
    other = "kd> dq X\n" + memory(30)
    assert gaps(tmp_path, other + memory(5, BASE + 0x1000, "dd")) == [(len(other) + 2 * ROW, 3 * ROW, 3)]
    # Where the first were not enough, or something else stands between, it is a beginning again.
    assert gaps(tmp_path, "kd> dq X\n" + memory(29) + two) == []
    assert gaps(tmp_path, one + "kd> g\n" + two) == []
    assert gaps(tmp_path, one + "kd> lm\nstart end\n" + two) == []


@pytest.mark.parametrize(
    "words, spared", [(b"S-1-5-18 is here", False), (b"SeTcbPrivilege a", False), (b"nothing of these", True)]
)
def test_rows_whose_text_may_be_a_fact_are_left(words: bytes, spared: bool, tmp_path: Path) -> None:
    found = gaps(tmp_path, "kd> db X\n" + memory(40, form="db", data=words))
    assert bool(found) is spared and (not spared or found[0][2] == 10)


def test_outputs_lie_between_their_command_and_the_next(tmp_path: Path) -> None:
    text = "kd> lm\none\ntwo\nkd> !process 0 0\nthree\nkd> LM  \nlast\n"
    scan = scanned(tmp_path, text)
    found = {name: text[one.start : one.stop] for name, one in scan.outputs.items()}
    assert found == {"lm": "last\n", "!process 0 0": "three\n"}  # of one command the last answer counts
    assert {name: line_in_file(one.line) for name, one in scan.outputs.items()} == {"lm": 6, "!process 0 0": 4}
    assert [one.file for one in scan.outputs.values()] == [0, 0]


def test_nothing_carries_over_from_one_file_to_the_next(tmp_path: Path) -> None:
    scan = Scan()
    for number, text in enumerate((b"kd> lm\none\n", b"two\nkd> version\nthree\n")):
        folder = tmp_path / str(number)
        folder.mkdir()
        scan.read(file(folder, text))
    assert [(one.file, line_in_file(one.line), one.start, one.stop) for one in scan.outputs.values()] == [
        (0, 1, 7, 11),
        (1, 2, 16, 22),
    ]
    assert scan.where(scan.outputs["version"].line).endswith(", line 2") and scan.cut == []
