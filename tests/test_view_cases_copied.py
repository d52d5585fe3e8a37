"""Texts that were blacked out, scanned, cut at the right margin or put side by side: a value that lost a part is none."""
# ruff: noqa: W291  the blanks at the ends of lines are what the tools print

import pytest

from kdtoken.model.absent import known
from kdtoken.view.debugger.process_command import read_process_text
from kdtoken.view.text import read_text
from kdtoken.view.words import SID
from tests.test_view_cases import WHOAMI, WHOLE

PROCESS = """PROCESS ffffab8812340080
    SessionId: 1  Cid: 1b40    Peb: 92bee25000  ParentCid: 0c70
    DirBase: 469ed002  ObjectTable: ffff898d05d6ee00  HandleCount:  70.
    Image: cmd.exe
    Token                             ffff898d04004040

        THREAD ffffab8812345080  Cid 1b40.0b44  Teb: 0000000000000000 Win32Thread: 0000000000000000 WAIT
            Impersonation token:  ffff898d0400a060 (Level Impersonation)
            Owning Process            ffffab8812340080       Image:         cmd.exe
"""
BLACKED_OUT = [
    "S-1-5-21-2778****-3541****-500",
    "S-1-5-21-2778XXXX-1001",
    "S-1-5-21-27783O3-3541",  # a scanner's letter for a digit
    "S-1-5-21-2778...-500",
    "S-1-5-21-2778\u2026-500",
    "S-1-5-21-27\u2588\u2588\u2588-1001",
    "S-1-5-21-2778[redacted]-500",
    "S-1-5-21-1-2-3-10##",
    "S-1-5-21-xxx-1001",
    "S-1-5-21-2778 3541-500",
    "S-1-5-21-1-2-3 -500",
]


@pytest.mark.parametrize("sid", BLACKED_OUT)
def test_a_sid_of_which_a_part_is_missing_is_no_shorter_one(sid: str) -> None:
    assert SID.search("User: %s" % sid) is None
    for text in (
        WHOLE.replace("User: S-1-5-18", "User: " + sid),
        WHOLE.replace("00 S-1-16-16384", "00 " + sid),
        WHOLE.replace("Group: S-1-5-18", "Group: " + sid),
        WHOAMI.replace("S-1-5-21-1-2-3-1001", sid),
        WHOAMI.replace("S-1-5-32-545", sid),
    ):
        read = read_text(text)
        for token in read.tokens:
            said = [token.token.user, token.token.primary_group, *(one.sid for one in token.groups)]
            assert not [one for one in said if str(one).startswith("S-1-5-21-") and str(one) != "S-1-5-21-1-2-3-1001"]
        # What stands there instead is listed, for whoever can complete it.
        assert any(sid in line.text for line in read.not_understood)


def test_a_list_with_such_a_row_is_a_part_of_it() -> None:
    (token,) = read_text(WHOLE.replace("00 S-1-16-16384", "00 S-1-5-21-2778****-500")).tokens
    assert token.incomplete == ("user_and_groups",)


@pytest.mark.parametrize("width", range(20, 75))
def test_what_the_right_margin_cut_is_not_told(width: int) -> None:
    (whole,) = read_process_text(PROCESS).processes
    cut = "\n".join(line[:width] for line in PROCESS.split("\n"))
    for one in read_process_text(cut).processes:
        assert one.process.address == whole.process.address
        for name in ("session", "peb", "directory_base", "object_table", "handle_count"):
            assert not known(getattr(one, name)) or getattr(one, name) == getattr(whole, name), name
        for name in ("pid", "parent_pid", "token"):
            said = getattr(one.process, name)
            assert not known(said) or said == getattr(whole.process, name), name
        for thread in one.threads:
            assert (thread.thread.pid, thread.thread.tid) == (0x1B40, 0xB44)
            acts = thread.thread.impersonation
            assert not known(acts) or acts == whole.threads[0].thread.impersonation


@pytest.mark.parametrize("address", ["ffffab88****0080", "ffffab88l2340080", "ffffab88`1234OO80", "ffffab88?"])
def test_half_an_address_is_no_address(address: str) -> None:
    assert read_process_text(PROCESS.replace("PROCESS ffffab8812340080", "PROCESS " + address)).processes == ()
    (one,) = read_process_text(PROCESS.replace("ffff898d04004040", address)).processes
    assert not known(one.process.token)


def test_a_column_beside_it_is_no_part_of_a_name() -> None:
    beside = "\n".join("%-70s | %s" % (line, "kd> dt nt!_EPROCESS") for line in PROCESS.split("\n"))
    for one in read_process_text(beside).processes:
        assert not known(one.process.image_name) or one.process.image_name == "cmd.exe"
        assert all(not known(thread.image) or thread.image == "cmd.exe" for thread in one.threads)


def test_a_label_is_nobodys_user() -> None:
    text = "C:\\>whoami /user\n\n12: Mandatory Label\\System Mandatory Level\nSID: S-1-16-16384\n"
    assert all(not known(token.token.user) for token in read_text(text).tokens)


@pytest.mark.parametrize("width", range(40, 110))
def test_whoami_that_the_right_margin_cut_tells_no_less_than_it_says(width: int) -> None:
    (whole,) = read_text(WHOAMI).tokens
    said = {str(one.sid): one.attributes for one in whole.groups}
    cut = "\n".join(line[:width] for line in WHOAMI.split("\n"))
    for token in read_text(cut).tokens:
        assert not known(token.token.user) or token.token.user == whole.token.user
        for one in token.groups:
            assert not isinstance(one.attributes, int) or said[str(one.sid)] == one.attributes
        assert all(not isinstance(one.enabled, bool) or one.enabled for one in token.privileges)


def test_a_domains_own_sid_is_nobodys() -> None:
    # The margin was there; `!token` lists accounts and groups, which have one number more.
    for cut in ("S-1-5-21-1004336348-1177238915-682003330", "S-1-5-21-1004336348"):
        for token in read_text(WHOLE.replace("User: S-1-5-18", "User: " + cut)).tokens:
            assert not known(token.token.user)


def test_a_number_that_a_console_broke_is_not_its_first_half() -> None:
    text = "kd> dt nt!_EPROCESS ffffab8812340080\n   +0x2e8 UniqueProcessId  : 0x00000000\n`000002a8 Void\n"
    wide = text.replace("UniqueProcessId  :", "UniqueProcessId" + " " * 40 + ":")
    (one,) = read_text(wide).processes.processes
    assert not known(one.process.pid)
    (one,) = read_text(wide.replace("\n`", "`")).processes.processes
    assert one.process.pid == 0x2A8


def test_dx_of_a_token_tells_what_dt_of_it_does() -> None:
    text = """lkd> dx -r1 (*((nt!_TOKEN *)0xffffe10f5a1c2060))
(*((nt!_TOKEN *)0xffffe10f5a1c2060))                 [Type: _TOKEN]
    [+0x010] TokenId          [Type: _LUID]
    [+0x040] Privileges       [Type: _SEP_TOKEN_PRIVILEGES]
    [+0x078] SessionId        : 0x1 [Type: unsigned long]
    [+0x0c0] TokenType        : TokenPrimary (1) [Type: _TOKEN_TYPE]
    [+0x0c8] TokenFlags       : 0x2a00 [Type: unsigned long]
lkd> dx -r1 (*((nt!_SEP_TOKEN_PRIVILEGES *)0xffffe10f5a1c20a0))
(*((nt!_SEP_TOKEN_PRIVILEGES *)0xffffe10f5a1c20a0))                 [Type: _SEP_TOKEN_PRIVILEGES]
    [+0x000] Present          : 0x602880000 [Type: unsigned __int64]
    [+0x008] Enabled          : 0x800000 [Type: unsigned __int64]
    [+0x010] EnabledByDefault : 0x40800000 [Type: unsigned __int64]
"""
    (token,) = read_text(text).tokens
    said = token.token
    assert (said.address, said.session_id, said.token_type, said.flags) == (0xFFFFE10F5A1C2060, 1, 1, 0x2A00)
    # Bits 19, 23, 25, 33 and 34; of those that are enabled bit 23, of those by default 23 (30 is not held).
    assert isinstance(said.privileges, tuple)
    assert [(one.number, one.enabled, one.enabled_by_default) for one in said.privileges if one.present] == [
        (19, False, False),
        (23, True, True),
        (25, False, False),
        (33, False, False),
        (34, False, False),
    ]
    # The masks of another place are another token's.
    (token,) = read_text(text.replace("20a0))", "20b0))")).tokens
    assert not known(token.token.privileges)


@pytest.mark.parametrize("frame", ["2  %s", "02 %s", "# %s", "- %s", "[3] %s", "> %s"])
def test_what_stands_in_front_of_a_lone_row_is_no_part_of_its_name(frame: str) -> None:
    row = "Mandatory Label\\High Mandatory Level Label            S-1-16-12288"
    for token in read_text("PS C:\\> whoami /groups | findstr Label\n%s\n" % (frame % row)).tokens:
        assert set(token.names.values()) <= {"Mandatory Label\\High Mandatory Level"}
