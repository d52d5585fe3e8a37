"""The guest's .cmd files as files: cmd.exe misreads labels behind bare LF, and characters beyond ASCII in any code page."""

import re
from pathlib import Path

import pytest

GUEST = Path(__file__).resolve().parent.parent / "vm" / "guest"
FILES = sorted(GUEST.glob("*.cmd"))


def test_three_files_are_there() -> None:
    assert [path.name for path in FILES] == ["collect-views.cmd", "debug-off.cmd", "debug-on.cmd"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_line_ends_with_cr_lf_and_is_ascii(path: Path) -> None:
    data = path.read_bytes()
    assert data.endswith(b"\r\n") and data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    assert all(byte < 128 for byte in data)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_header_says_what_was_not_shown_and_every_goto_has_its_label(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    assert "rem Not run on Windows itself" in text
    labels = set(re.findall(r"(?m)^:(\w+)", text))
    assert labels == set(re.findall(r"\bgoto (\w+)", text))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_name_that_somebody_chose_is_read_as_commands(path: Path) -> None:
    """A folder named a&b, or a user's name with & in it: `echo %OUT%` would run b."""
    for line in path.read_text(encoding="ascii").splitlines():
        outside = "".join(line.split('"')[::2])
        if not line.lower().startswith("rem"):
            assert not re.search(r"%(OUT|COLLECT|USERNAME|COMPUTERNAME|CD|~\d|~dp0)%?", outside), line
