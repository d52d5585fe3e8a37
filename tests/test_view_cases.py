"""Texts that were misread, in the shapes of public reports: each stands for a kind, with the value that is right.

Names, SIDs and hosts are neutral.
"""
# ruff: noqa: W291  the blanks at the ends of lines are what the tools print

from typing import Dict, List

import pytest

from kdtoken.analysis.differences.comparison import Kind, View
from kdtoken.analysis.differences.fields import Comparison, compare
from kdtoken.machine.merged import merge_processes, names_of, read_logs
from kdtoken.model import group as groups
from kdtoken.model.absent import Fragment, NotSaid, Unreadable, known
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.luid import Luid
from kdtoken.model.process import FastRef
from kdtoken.model.sid import Sid
from kdtoken.view.debugger.text import DebuggerText, read_debugger_text
from kdtoken.view.partial import PartialToken
from kdtoken.view.text import read_text

ON = groups.MANDATORY | groups.ENABLED_BY_DEFAULT | groups.ENABLED
LABEL = groups.INTEGRITY | groups.INTEGRITY_ENABLED
KINDS = {"!token": Kind.TOKEN_COMMAND, "whoami": Kind.WHOAMI}

TAIL = """Authentication ID:         (0,3e7)
Impersonation Level:       Anonymous
TokenType:                 Primary
Source: *SYSTEM*           TokenFlags: 0x2000 ( Token NOT in use ) 
Token ID: 3eb              ParentToken ID: 0
Modified ID:               (0, 3ec)
RestrictedSidCount: 0      RestrictedSids: 0x0000000000000000
OriginatingLogonSession: 0
"""
LAST_ROW = " 35 0x000000023 SeCreateSymbolicLinkPrivilege     Attributes - Enabled Default \n"
WHOLE = (
    """kd> !token fffff8a000004040
_TOKEN 0xfffff8a000004040
TS Session ID: 0
User: S-1-5-18
User Groups: 
 00 S-1-16-16384
    Attributes - GroupIntegrity GroupIntegrityEnabled 
Primary Group: S-1-5-18
Privs: 
 20 0x000000014 SeDebugPrivilege                  Attributes - Enabled Default 
"""
    + LAST_ROW
    + TAIL
)
WHOAMI = """C:\\>whoami /all

USER INFORMATION
----------------

User Name SID
========= ===================
lab\\anna  S-1-5-21-1-2-3-1001


GROUP INFORMATION
-----------------

Group Name                             Type             SID          Attributes
====================================== ================ ============ ==================================================
Everyone                               Well-known group S-1-1-0      Mandatory group, Enabled by default, Enabled group
BUILTIN\\Users                          Alias            S-1-5-32-545 Mandatory group, Enabled by default, Enabled group
Mandatory Label\\Medium Mandatory Level Label            S-1-16-8192


PRIVILEGES INFORMATION
----------------------

Privilege Name          Description              State
======================= ======================== =======
SeChangeNotifyPrivilege Bypass traverse checking Enabled
"""


def tokens(text: str) -> List[PartialToken]:
    return list(read_text(text).tokens)


def only(text: str) -> PartialToken:
    (token,) = tokens(text)
    return token


def view(token: PartialToken) -> View:
    listed = tuple(one.sid for one in token.groups if not isinstance(one.attributes, int))
    return View(token.token, KINDS[token.view], "text", token.incomplete, listed)


def compared(one: str, other: str) -> Comparison:
    return compare(view(only(one)), view(only(other)))


def attributes(token: PartialToken) -> Dict[str, object]:
    return {str(one.sid): one.attributes for one in token.groups}


def states(token: PartialToken) -> Dict[str, object]:
    return {one.name: one.enabled for one in token.privileges}


# --- cut texts ---


def test_a_text_that_begins_inside_the_privileges_accuses_nobody() -> None:
    part = only(LAST_ROW + TAIL)
    held = part.token.privileges
    assert isinstance(held, Fragment) and [one.number for one in held] == [35]
    # Rows are in ascending order: what would stand behind the last is not held, of what stood before nothing is said.
    assert held.tells(36) and held.tells(63) and not held.tells(34) and not held.tells(20)
    found = compared(LAST_ROW + TAIL, WHOLE)
    assert found.exit_code == 0 and "without" not in found.verdict


def test_a_gap_between_two_rows_is_an_absence() -> None:
    held = only(WHOLE.replace("Privs: \n", "Privs: \n...\n")).token.privileges
    assert isinstance(held, Fragment)
    assert held.tells(21) and held.tells(34) and held.tells(40) and not held.tells(19)


def test_a_list_that_was_left_out_is_not_said() -> None:
    start = WHOLE.index(" 20 0x")
    token = only(WHOLE[:start] + "(snip)\n" + TAIL)
    assert not known(token.token.privileges) and "privileges" in token.incomplete
    assert isinstance(token.token.user_and_groups, tuple) and not isinstance(token.token.user_and_groups, Fragment)


@pytest.mark.parametrize("mark", ["(snip)", "......", "<--- Truncated --->", "[...]"])
def test_a_mark_inside_a_list_makes_a_part_of_it(mark: str) -> None:
    token = only(WHOLE.replace(LAST_ROW, mark + "\n"))
    held = token.token.privileges
    assert isinstance(held, Fragment) and [one.number for one in held] == [20] and not held.tells(35)


def test_a_whole_text_is_whole() -> None:
    token = only(WHOLE)
    assert token.incomplete == () and not isinstance(token.token.privileges, Fragment)
    assert token.token.user_and_groups == (Group(Sid(5, (18,)), 0), Group(Sid(16, (16384,)), LABEL))


def test_whoami_that_stops_inside_the_groups_is_cut() -> None:
    cut = WHOAMI[: WHOAMI.index("BUILTIN\\Users")]
    assert only(cut).incomplete == ("user_and_groups",)
    found = compared(WHOAMI, cut)
    assert found.exit_code == 0 and "different identity" not in found.verdict


def test_whoamis_list_has_an_end_where_a_blank_line_or_a_prompt_stands_behind_it() -> None:
    assert only(WHOAMI).incomplete == ("privileges",)
    assert only(WHOAMI + "\nC:\\>\n").incomplete == ()
    assert only(WHOAMI + "\n\n").incomplete == ("privileges",)  # one row: the text may be double spaced


# --- what a row is ---


def test_a_label_that_findstr_picked_is_no_user() -> None:
    row = "Mandatory Label\\High Mandatory Level Label            S-1-16-12288\n"
    token = only("C:\\>whoami /groups | findstr /i level\n" + row)
    assert token.token.integrity == Sid(16, (12288,)) and not known(token.token.user)
    assert token.names[Sid(16, (12288,))] == "Mandatory Label\\High Mandatory Level"


PRIV = """PRIVILEGES INFORMATION
----------------------

Privilege Name          Description              State
======================= ======================== ========
SeDebugPrivilege        Debug programs           %s
SeChangeNotifyPrivilege Bypass traverse checking Enabled

"""


@pytest.mark.parametrize("prompt", ["lab\\anna@HOST C:\\Users\\anna>", "PS > ", "$ ", "PS C:\\> ", "anna@host:~$ "])
def test_two_outputs_behind_any_prompt_are_two_tokens(prompt: str) -> None:
    one, other = tokens(
        (prompt + "whoami /priv\n\n" + PRIV) % "Disabled" + (prompt + "whoami /priv\n\n" + PRIV) % "Enabled"
    )
    assert states(one)["SeDebugPrivilege"] is False and states(other)["SeDebugPrivilege"] is True


@pytest.mark.parametrize(
    "text",
    [
        "kd> !sd ffff8f00123400a0\n->Owner   : S-1-5-32-544\n->Sacl    : ->Ace[0]: ->AceType: SYSTEM_MANDATORY_LABEL_ACE_TYPE\n"
        "->Sacl    : ->Ace[0]: ->SID: S-1-16-4096\n",
        "kd> !tokenfields\n TOKEN structure offsets:\n    TokenType:             0x70\n    TokenFlags:            0x78\n",
        "PRIVILEGE INFORMATION\n---------------------\nName                   Luid              Enabled\n"
        "----                   ----              -------\nSeShutdownPrivilege    00000000-00000013 False\n",
        "1. S-1-5-18 is Local System\n2. S-1-5-19 is Local Service\n",
        "0: kd> !getpriv 5704\n\nPrivilege Name                             State\n"
        "========================================== ========\nSeShutdownPrivilege                        Disabled\n",
    ],
    ids=["sd", "tokenfields", "other tool", "a list", "other extension"],
)
def test_what_other_commands_print_is_no_token(text: str) -> None:
    assert tokens(text) == []


def test_rows_that_a_console_broke_at_92_columns() -> None:
    text = """C:\\>whoami /groups

GROUP INFORMATION
-----------------

Group Name                                                    Type             SID          
Attributes
============================================================= ================ ============ 
==================================================
Everyone                                                      Well-known group S-1-1-0      
Mandatory group, Enabled by default, Enabled group
NT AUTHORITY\\Local account and member of Administrators group Well-known group S-1-5-114    
Group used for deny only
BUILTIN\\Administrators                                        Alias            S-1-5-32-544 
Group used for deny only
Mandatory Label\\Medium Mandatory Level                        Label            S-1-16-8192

C:\\>
"""
    for changed in (text, text.replace(" \n", "\n")):
        token = only(changed)
        assert attributes(token) == {
            "S-1-1-0": ON,
            "S-1-5-114": groups.USE_FOR_DENY_ONLY,
            "S-1-5-32-544": groups.USE_FOR_DENY_ONLY,
            "S-1-16-8192": LABEL,
        }
        assert not known(token.token.user) and token.incomplete == ()
        assert token.names[Sid(5, (114,))] == "NT AUTHORITY\\Local account and member of Administrators group"


def test_rows_without_the_rule_have_names_without_the_kind() -> None:
    words = "Mandatory group, Enabled by default, Enabled group\n"
    token = only(
        "BUILTIN\\Pre-Windows 2000 Compatible Access Alias          S-1-5-32-554 "
        + words
        + "BUILTIN\\Users                              Alias          S-1-5-32-545 "
        + words
        + "                                           Unknown SID type S-1-5-82-0 "
        + words
    )
    assert {str(sid): name for sid, name in token.names.items()} == {
        "S-1-5-32-554": "BUILTIN\\Pre-Windows 2000 Compatible Access",
        "S-1-5-32-545": "BUILTIN\\Users",
    }
    assert token.incomplete == ("user_and_groups",)


def test_a_token_and_whoami_in_one_text_are_two_tokens_in_their_order() -> None:
    one, other = tokens(WHOLE + "\nkd> g\n" + WHOAMI)
    assert (one.view, other.view) == ("!token", "whoami")
    assert str(other.token.user) == "S-1-5-21-1-2-3-1001" and one.incomplete == ()


# --- half-understood words ---


def test_letters_that_were_lost_are_said_to_be_repaired() -> None:
    text = """PS C:\\> whoami /priv

Informations de privil?ges
----------------------

Nom de privil?ge        Description                           ?tat
======================= ===================================== =========
SeShutdownPrivilege     Arr?ter le syst?me                    D?sactiv?
SeChangeNotifyPrivilege Contourner la v?rification de parcours Activ?
"""
    for changed in (text, text.replace("?", "\ufffd")):
        token = only(changed)
        assert states(token) == {"SeShutdownPrivilege": False, "SeChangeNotifyPrivilege": True}
        assert len([one for one in token.token.problems if "lost letters" in one]) == 2
    # Nothing is left to tell the words by.
    assert not known(only(text.replace("D?sactiv?", "?????????").replace("Activ?", "?????")).token.privileges)


def test_boxes_in_the_place_of_umlauts() -> None:
    head = """GRUPPENINFORMATIONEN
--------------------

Gruppenname                                           Typ             SID          Attribute
===================================================== =============== ============ ===============================================================
"""
    clean = (
        "Jeder                                                 Bekannte Gruppe S-1-1-0      Verbindliche Gruppe, "
        "Standardm\u00e4\u00dfig aktiviert, Aktivierte Gruppe\n"
        "VORDEFINIERT\\Administratoren                          Alias           S-1-5-32-544 Gruppe, die nur verwendet wird, "
        "um Zugriff zu verweigern\n"
    )
    lost = clean.replace("\u00e4", "\u2500").replace("\u00df", "\ufffd")
    assert (
        attributes(only(head + clean))
        == attributes(only(head + lost))
        == {
            "S-1-1-0": ON,
            "S-1-5-32-544": groups.USE_FOR_DENY_ONLY,
        }
    )


ROWS = """kd> !token ffff8f0012340060
_TOKEN 0xffff8f0012340060
User: S-1-5-21-1-2-3-1001
Privs: 
 20 0x000000014 SeDebugPrivilege                  Attributes - %s
 23 0x000000017 SeChangeNotifyPrivilege           Attributes - Enabled Default 
Authentication ID:         (0,1234)
"""


@pytest.mark.parametrize(
    ("words", "enabled", "default"),
    [
        ("**Enabled** Default ", True, True),
        ("**Enabled Default ", True, True),
        ("Enabled Def|ault ", True, None),
        ("En?bled Default ", None, True),
        ("(Disabled)", None, None),
        # What somebody remarked behind the words says nothing of the row.
        ("//token Enabled", None, None),
        ("Enabled  <- not the default", True, None),
        ("", False, False),
    ],
)
def test_one_word_that_nobody_knows_is_one_bit_that_is_not_known(words: str, enabled: object, default: object) -> None:
    token = only(ROWS % words)
    row = token.privileges[0]
    assert (row.enabled if known(row.enabled) else None) is enabled
    assert (row.enabled_by_default if known(row.enabled_by_default) else None) is default
    held = token.token.privileges
    assert isinstance(held, tuple) and [one.number for one in held] == (
        [20, 23] if None not in (enabled, default) else [23]
    )
    # The other row is believed all the same, and the doubtful one is no absence.
    assert not isinstance(held, Fragment) or (not held.tells(20) and held.notes)


def test_words_that_a_console_broke_off() -> None:
    row = " 36 0x000000024 SeDelegateSessionUserImpersonatePrivilege  Attributes - Enabled \n"
    head, tail = ROWS.split(" 20 0x")[0], "Authentication ID:         (0,1234)\n"
    assert only(head + row + "Default \n" + tail).privileges[0].enabled_by_default is True
    # As wide as the text is, and what comes behind is no row: more words may have stood there.
    assert not known(only(head + row + "Defa\n" + tail).privileges[0].enabled_by_default)
    assert not known(only(head + row).privileges[0].enabled_by_default)


def test_a_sid_that_goes_on_in_the_next_line_is_never_a_shorter_one() -> None:
    package = "S-1-15-2-466767348-3739614953-2700836392-1801644223-4227750657-1087833535-2488631167"
    text = WHOLE + "PackageSid: " + package + "\n"
    for width in range(60, 95):
        broken = "\n".join(
            line[at : at + width] for line in text.split("\n") for at in range(0, max(len(line), 1), width)
        )
        for one in tokens(broken):
            assert not isinstance(one.token.package, Sid) or str(one.token.package) == package


# --- the debugger's own error lines ---


def test_unknown_privilege_with_a_number_has_a_name() -> None:
    row = " 36 0x000000024 Unknown Privilege                 Attributes - Enabled Default \n"
    token = only(ROWS.split(" 20 0x")[0] + row + "Authentication ID:         (0,1234)\n")
    assert token.privileges[0].name == "SeDelegateSessionUserImpersonatePrivilege"
    assert isinstance(token.token.privileges, tuple) and token.token.privileges[0].number == 36


def test_a_search_names_only_the_process_that_it_found() -> None:
    listing = """**** NT ACTIVE PROCESS DUMP ****
PROCESS ffffa08011001060
    SessionId: none  Cid: 0004    Peb: 00000000  ParentCid: 0000
    DirBase: 001ad000  ObjectTable: ffffcc8a14214800  HandleCount: 1000.
    Image: System
"""
    (one,) = read_text("Searching for Process with Cid == 1f40\nkd> !process 0 0\n" + listing).processes.processes
    assert one.process.pid == 4
    (one,) = read_text("Searching for Process with Cid == 1f40\n" + listing).processes.processes
    assert one.process.pid == 4


def test_a_thread_list_that_ended_in_an_error_is_torn_and_says_so() -> None:
    text = """kd> !process 0 7
PROCESS ffffa08011044060
    SessionId: 1  Cid: 17d8    Peb: 5d417d8000  ParentCid: 1018
    DirBase: 001c4000  ObjectTable: ffffcc8a142161d0  HandleCount: 100.
    Image: notepad.exe
    Token                             ffffcc8a1420a800

        THREAD ffffa08011045060  Cid 17d8.17dc  Teb: 0000000000000000 Win32Thread: 0000000000000000 INITIALIZED
        Not impersonating
TYPE mismatch for thread object at ffffac8db0408db8
 a1c.------  NO ETHREAD DATA
"""
    (merged,) = merge_processes(read_logs([("log", text)]))
    assert isinstance(merged.dump.threads, Fragment) and len(merged.dump.threads) == 1
    assert "TYPE mismatch for thread object" in merged.dump.problems[0]


def test_a_token_that_could_not_be_read_keeps_the_debuggers_line() -> None:
    text = """kd> !process ffffa08011044060 1
PROCESS ffffa08011044060
    SessionId: 1  Cid: 17d8    Peb: 5d417d8000  ParentCid: 1018
    DirBase: 001c4000  ObjectTable: ffffcc8a142161d0  HandleCount: 100.
    Image: notepad.exe
    Token                             ffffcc8a14211060
kd> !token ffffcc8a14211060
_TOKEN 0xffffcc8a14211060
InitTypeRead(0xffffcc8a14211060, nt!_TOKEN) failed - 1
"""
    (merged,) = merge_processes(read_logs([("log", text)]))
    assert isinstance(merged.dump.token, Unreadable) and "InitTypeRead" in merged.dump.token.reason


def test_sids_that_are_paged_out_leave_the_rest_in_one_piece() -> None:
    text = WHOLE.replace(
        " 00 S-1-16-16384\n",
        " 00 ffffcc8a1420f00c: Unable to get MIN SID header\nffffcc8a1420f00c: Unable to read in SID\n",
    )
    token = only(text).token
    assert isinstance(token.user, Unreadable) and "doubtful" in token.user.reason
    assert token.user_and_groups[1] == HalfGroup(  # type: ignore[index]
        0xFFFFCC8A1420F00C, "Unable to get MIN SID header", attributes=LABEL, pointer=0xFFFFCC8A1420F00C
    )
    assert token.primary_group == Sid(5, (18,)) and len(token.privileges) == 2  # type: ignore[arg-type]


# --- nothing is shown that nobody said ---


def test_the_handle_count_of_another_object_is_not_the_processs() -> None:
    text = """kd> !handle 14 3
PROCESS 80559800  SessionId: 0  Cid: 0004    Peb: 00000000  ParentCid: 0000
    DirBase: 00039000  ObjectTable: e1000d60  TableSize: 380.
    Image: System

0014: Object: e12751d0  GrantedAccess: 0002001f
Object: e12751d0  Type: (80ec8db8) Key
    ObjectHeader: e12751b8
        HandleCount: 7  PointerCount: 9
"""
    (process,) = read_text(text).processes.processes
    assert process.process.pid == 4 and isinstance(process.handle_count, NotSaid)


def test_no_process_has_a_number_that_nobody_said() -> None:
    (process,) = read_text("kd> !process\nPROCESS ffffa08011044060\n    Image: a.exe\n").processes.processes
    assert isinstance(process.process.pid, NotSaid)


def test_restricting_sids_that_were_not_listed_are_not_none() -> None:
    token = only(WHOLE.replace("RestrictedSidCount: 0 ", "RestrictedSidCount: 3 ")).token
    assert isinstance(token.restricted_sids, Fragment) and len(token.restricted_sids) == 3


# --- several outputs, and the form without an argument ---


def test_of_two_outputs_the_later_is_shown_and_the_difference_told() -> None:
    before = WHOLE.replace(" 20 0x000000014 SeDebugPrivilege                  Attributes - Enabled Default \n", "")
    (merged,) = merge_processes(
        read_logs(
            [
                (
                    "log",
                    "kd> !process fffffa8000001040 1\nPROCESS fffffa8000001040\n    Image: a.exe\n"
                    "    Token                             fffff8a000004040\n" + before + WHOLE,
                )
            ]
        )
    )
    token = merged.dump.token
    assert [one.number for one in token.privileges] == [20, 35]  # type: ignore[union-attr]
    assert any("SeDebugPrivilege only in the later" in one for one in token.problems)  # type: ignore[union-attr]


def test_the_form_without_an_argument_is_of_the_process_that_it_names() -> None:
    token = WHOLE.split("_TOKEN 0x")[1].partition("\n")[2]
    text = (
        "lkd> !token\nThread is not impersonating. Using process token...\n"
        "_EPROCESS 0xffffd40312340080, _TOKEN 0x0000000000000000\n" + token
    )
    head = "PROCESS ffffd40312340080\n    SessionId: 2  Cid: 1234    Peb: 92bee25000  ParentCid: 0c70\n    Image: cmd.exe\n"
    for before, pid in ((head, 0x1234), ("", None)):
        (merged,) = merge_processes(read_logs([("log", before + text)]))
        assert merged.dump.process.address == 0xFFFFD40312340080
        assert merged.dump.process.pid == pid if pid else isinstance(merged.dump.process.pid, NotSaid)
        assert str(merged.dump.token.user) == "S-1-5-18"  # type: ignore[union-attr]


def test_a_thread_alone_is_its_processs() -> None:
    text = """0: kd> !thread
THREAD ffff878ff0503500  Cid 1f64.1fa0  Teb: 0000000004aa7000 Win32Thread: 0000000000000000 RUNNING on processor 0
Impersonation token:  ffffc0001f1d4060 (Level Impersonation)
DeviceMap                 ffffb40ac8a36b40
Owning Process            ffff878fefe6b080       Image:         spooler.exe
"""
    (merged,) = merge_processes(read_logs([("log", text)]))
    process = merged.dump.process
    assert (process.address, process.pid, process.image_name) == (0xFFFF878FEFE6B080, 0x1F64, "spooler.exe")
    assert isinstance(process.token, NotSaid) and len(merged.dump.threads) == 1


def test_names_that_the_text_gives_are_names() -> None:
    named = names_of(tokens(WHOAMI))
    assert named[Sid.from_text("S-1-5-21-1-2-3-1001")] == "lab\\anna"


def test_a_process_block_keeps_its_token_when_nothing_is_missing() -> None:
    found = read_debugger_text("PROCESS ffffa08011044060\n    Token                             ffffcc8a1420a800\n")
    assert found.processes.processes[0].process.token == FastRef(0xFFFFCC8A1420A800, 0)


# --- what a person can read, kdtoken gives ---


def test_the_values_that_dt_prints_are_a_token() -> None:
    text = """0: kd> dt nt!_TOKEN ffff898d05006670
   +0x040 Privileges       : _SEP_TOKEN_PRIVILEGES
   +0x078 SessionId        : 1
   +0x0c0 TokenType        : 1 ( TokenPrimary )
   +0x0c8 TokenFlags       : 0x2a00
   +0x0d0 IntegrityLevelIndex : 0xe
   +0x0d4 MandatoryPolicy  : 3
0: kd> dt nt!_SEP_TOKEN_PRIVILEGES ffff898d05006670+0x40
   +0x000 Present          : 0x00000006`02880000
   +0x008 Enabled          : 0x800000
   +0x010 EnabledByDefault : 0x40800000
"""
    token = only(text).token
    assert (token.address, token.session_id, token.token_type, token.flags) == (0xFFFF898D05006670, 1, 1, 0x2A00)
    assert (token.integrity_level_index, token.mandatory_policy) == (14, 3)
    held = [(p.number, p.enabled) for p in token.privileges if p.present]  # type: ignore[union-attr]
    assert held == [(19, False), (23, True), (25, False), (33, False), (34, False)]
    assert isinstance(token.user_and_groups, NotSaid)
    # Masks at another address are another token's.
    assert isinstance(only(text.replace("+0x40\n", "+0x48\n")).token.privileges, NotSaid)


def test_a_process_by_dt_its_reference_and_its_token() -> None:
    text = """kd> !dml_proc
Address  PID  Image file name
869eb920 4    System         
99bfc158 bfc  cmd.exe        
kd> dt _EPROCESS 869eb920 ; system process
ntdll!_EPROCESS
   ...
   +0x0b4 UniqueProcessId  : 0x00000004 Void
   +0x0f8 Token            : _EX_FAST_REF
   ...
kd> dt _EX_FAST_REF 869eb920+f8
ntdll!_EX_FAST_REF
   +0x000 Object           : 0x8d4012d5 Void
   +0x000 RefCnt           : 0y101
   +0x000 Value            : 0x8d4012d5
kd> !token 8d4012d0
_TOKEN 8d4012d0
TS Session ID: 0
User: S-1-5-18
"""
    read = read_text(text)
    merged = merge_processes([DebuggerText(read.debugger, read.processes, ())])
    assert [(one.dump.process.pid, one.dump.process.image_name) for one in merged] == [
        (4, "System"),
        (0xBFC, "cmd.exe"),
    ]
    assert merged[0].dump.process.token == FastRef(0x8D4012D5, 7)
    assert str(merged[0].dump.token.user) == "S-1-5-18"  # type: ignore[union-attr]
    # A reference at another place is not this process's.
    read = read_text(text.replace("+f8", "+f4"))
    assert isinstance(read.processes.processes[2].process.token, NotSaid)


@pytest.mark.parametrize("cut", ["S-1-5-21-", "S-1-5-21-1-2-3-...", "S-1-5-21-1-2-3-"])
def test_the_next_row_is_not_the_rest_of_a_sid_that_was_cut(cut: str) -> None:
    rows = " 01 %s\n 10 S-1-5-11\n    Attributes - Mandatory Default Enabled \nPrimary Group: S-1-5-18" % cut
    token = only(WHOLE.replace("Primary Group: S-1-5-18", rows))
    assert [str(one.sid) for one in token.groups] == ["S-1-5-18", "S-1-16-16384", "S-1-5-11"]
    assert token.incomplete == ("user_and_groups",) and any(cut in one.text for one in token.not_understood)
    # Where its author put dots, a number below is no rest of it either.
    token = only(WHOLE.replace("Primary Group: S-1-5-18", rows.replace(" 10 S-1-5-11", "500")))
    assert ("S-1-5-21-1-2-3-500" in attributes(token)) is (cut == "S-1-5-21-1-2-3-")


THREADTOKEN = """0:000> !threadtoken

***Thread is not impersonating, using process token***
    Auth Id    0 : 0x1c93d
    Type       Primary
    Imp Level  Anonymous
     Token Id  0 : 0x5e8c19
     Mod Id    0 : 0x5e8c12
     User      S-1-5-21-1-2-3-1001
     Groups    2
               S-1-1-0
               S-1-5-32-544
     Privileges    2
               SeShutdownPrivilege ( )
               SeChangeNotifyPrivilege ( Enabled Default )
"""


def test_the_form_of_threadtoken() -> None:
    token = only(THREADTOKEN).token
    assert str(token.user) == "S-1-5-21-1-2-3-1001" and token.authentication_id == Luid(0, 0x1C93D)
    assert (token.token_id, token.modified_id) == (Luid(0, 0x5E8C19), Luid(0, 0x5E8C12))
    assert [(p.number, p.enabled) for p in token.privileges] == [(19, False), (23, True)]  # type: ignore[union-attr]
    listed = token.user_and_groups
    assert isinstance(listed, tuple) and not isinstance(listed, Fragment)
    # Of the groups only the SIDs are printed.
    assert [one.sid for one in listed[1:] if isinstance(one, HalfGroup)] == [Sid(1, (0,)), Sid(5, (32, 544))]


def test_threadtokens_own_counts_say_what_is_missing() -> None:
    cut = only(THREADTOKEN[: THREADTOKEN.index("               SeChangeNotify")])
    assert cut.incomplete == ("privileges",)
    cut = only(THREADTOKEN.replace("               S-1-1-0\n", ""))
    assert cut.incomplete == ("user_and_groups",)


def test_a_piece_of_a_broken_row_that_is_all_blanks_ends_no_list() -> None:
    rule = "=" * 30 + " " + "=" * 16 + " " + "=" * 100 + " " + "=" * 50
    rows = [
        "%-30s %-16s %-100s %s" % (name, "Well-known group", sid, "Mandatory group, Enabled by default, Enabled group")
        for name, sid in (("Everyone", "S-1-1-0"), ("LOCAL", "S-1-2-0"))
    ]
    text = ["C:\\>whoami /groups", "", "GROUP INFORMATION", "-----------------", ""]
    for line in (rule, *rows):
        text += [line[at : at + 60].rstrip() for at in range(0, len(line), 60)]
    token = only("\n".join(text + ["", "C:\\>", ""]))
    assert token.incomplete == ("user_and_groups",)


def test_a_row_that_was_put_together_of_two_lines_stands_where_it_stood() -> None:
    head, tail = ROWS.split(" 20 0x")[0], "Authentication ID:         (0,1234)\n"
    row = " 36 0x000000024 SeDelegateSessionUserImpersonatePrivilege  Attributes - Enabled \nDefault \n"
    held = only(head + "......\n" + row + tail).token.privileges
    assert isinstance(held, Fragment) and not held.tells(35) and held.tells(37)


def test_a_label_whose_row_may_go_on_has_its_level_all_the_same() -> None:
    # A console of 60 columns broke each row; behind the last nothing tells whether words would have followed.
    rule = "=" * 38 + " " + "=" * 16 + " " + "=" * 12 + " \n" + "=" * 50 + "\n"
    row = "%-38s %-16s %-12s\n"
    text = (
        "C:\\>whoami /groups\n\nGROUP INFORMATION\n-----------------\n\n"
        + row % ("Group Name", "Type", "SID")
        + "Attributes\n"
        + rule
        + row % ("Everyone", "Well-known group", "S-1-1-0")
        + "Mandatory group, Enabled by default, Enabled group\n"
        + (row % ("Mandatory Label\\Medium Mandatory Level", "Label", "S-1-16-8192")).rstrip()
    )
    token = only(text)
    assert token.token.integrity == Sid(16, (8192,))
    assert not isinstance(attributes(token)["S-1-16-8192"], int) and attributes(token)["S-1-1-0"] == ON
    # A number that is no level's name may be the beginning of one.
    cut = only(text[: -len("2")])
    assert not known(cut.token.integrity)
