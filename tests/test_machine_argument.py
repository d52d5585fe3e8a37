"""What a person types for a process, by its form."""

from typing import Any

import pytest

from kdtoken.errors import UsageError
from kdtoken.machine.argument import parse_process_argument


@pytest.mark.parametrize(
    "text, width, parsed",
    [
        ("1234", 8, ("pid", 1234)),
        ("0n1234", 8, ("pid", 1234)),
        ("0x4d2", 8, ("pid", 1234)),
        ("8237dc70", 4, ("address", 0x8237DC70)),
        ("0x8237dc70", 4, ("address", 0x8237DC70)),
        ("8237dc70", 8, ("name", "8237dc70")),
        ("ffffe001`2c3d4080", 8, ("address", 0xFFFFE0012C3D4080)),
        ("0x1234abcd", 4, ("pid", 0x1234ABCD)),
        ("notepad.exe", 8, ("name", "notepad.exe")),
        ("7zip.exe", 8, ("name", "7zip.exe")),
    ],
)
def test_the_form_of_an_argument(text: str, width: int, parsed: Any) -> None:
    assert parse_process_argument(text, width) == parsed


def test_no_argument_at_all() -> None:
    with pytest.raises(UsageError, match="no process was named"):
        parse_process_argument("  ", 8)
