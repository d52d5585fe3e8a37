"""Both views of a debugger's text together: a line is not understood only where neither view knew it."""

from typing import List

import pytest

from kdtoken.view.debugger.text import read_debugger_text

TOKEN = "kd> !token ffff8f0012340060\n_TOKEN 0xffff8f0012340060\nTS Session ID: 0x1\nUser: S-1-5-18\n"
PROCESS = "kd> !process ffffab887e89d080 7\nPROCESS ffffab887e89d080\n    Image: cmd.exe\n    Token                             ffff898d050a6670\n"
THREAD = (
    "        THREAD ffffc10203052080  Cid 0460.0468  Teb: 0\n"
    "        Impersonation token:  ffffd1020300a060 (Level Impersonation)\n"
)


def unknown(text: str) -> List[int]:
    return [line.number for line in read_debugger_text(text, "a.txt").not_understood]


def test_what_one_of_the_views_knows_is_understood() -> None:
    assert unknown(TOKEN + PROCESS + THREAD) == []
    found = read_debugger_text(TOKEN + PROCESS + THREAD, "a.txt")
    assert [one.token.address for one in found.tokens.tokens] == [0xFFFF8F0012340060]
    assert [one.process.address for one in found.processes.processes] == [0xFFFFAB887E89D080]
    assert str(found.processes.processes[0].places["token"]) == "a.txt:8"


def test_equal_lines_are_told_apart() -> None:
    """Behind the token's head the label is its own; in front of it nobody's."""
    line = "Source: *SYSTEM*\n"
    assert unknown(line + TOKEN + line) == [1]


def test_a_line_with_a_fact_that_only_the_process_view_passed_is_listed() -> None:
    """It keeps no SID and no privilege."""
    assert unknown(PROCESS + "    DeviceMap S-1-5-32-544 of it\n") == [5]
    assert unknown(PROCESS + "    DeviceMap ffffd10203002000\n") == []


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ("the Token  ffffd10203046060 was gone", True),
        ("the token: ffffd102`03046060 was gone", True),
        ("the Token  ffff8f0012340060 is this one", True),  # a line that nobody knows, whatever it says
    ],
)
def test_the_address_of_a_token_that_nothing_reports_is_listed(line: str, lost: bool) -> None:
    assert (5 in unknown(TOKEN + line + "\n")) is lost


def test_a_command_that_names_a_token_is_no_lost_one() -> None:
    assert unknown("kd> !token ffffd10203046060\n") == []
    # An error names it, a process or a thread has it.
    said = "The address 0xffffd10203046060 does not point to a token object.\n"
    assert unknown("kd> !token ffffd10203046060\n" + said) == []
    assert unknown(PROCESS + THREAD) == [] and unknown(THREAD) == []
