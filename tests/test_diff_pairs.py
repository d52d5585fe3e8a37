"""Pairs of texts as people give them to `diff`, each with the verdict that is founded, and no word more.

What a part of a list does not show is no difference; who a token speaks for is said only where both tell.
"""
# ruff: noqa: W291  the blanks at the ends of lines are what the tools print

import re
import textwrap
from typing import List, Tuple

import pytest

from kdtoken.analysis.differences.fields import Comparison, compare
from kdtoken.machine.text import view_of
from kdtoken.view.text import read_text
from tests.test_view_cases import LAST_ROW, TAIL, WHOAMI, WHOLE

USER = "S-1-5-21-1-2-3-1001"
# The token that WHOAMI tells of, as `!token` prints it.
COMMAND = """lkd> !token ffffc0001f1d4060
_TOKEN 0xffffc0001f1d4060
TS Session ID: 0x1
User: S-1-5-21-1-2-3-1001
User Groups: 
 00 S-1-1-0
    Attributes - Mandatory Default Enabled 
 01 S-1-5-32-545
    Attributes - Mandatory Default Enabled 
 02 S-1-5-5-0-77777
    Attributes - Mandatory Default Enabled LogonId 
 03 S-1-16-8192
    Attributes - GroupIntegrity GroupIntegrityEnabled 
Primary Group: S-1-5-21-1-2-3-513
Privs: 
 23 0x000000017 SeChangeNotifyPrivilege           Attributes - Enabled Default 
Authentication ID:         (0,77a10)
Impersonation Level:       Anonymous
TokenType:                 Primary
Source: User32             TokenFlags: 0x2a00 ( Token in use ) 
Token ID: 12345            ParentToken ID: 0
Modified ID:               (0, 77b00)
RestrictedSidCount: 0      RestrictedSids: 0x0000000000000000
OriginatingLogonSession: 3e7
"""
GERMAN = """C:\\>whoami /all

BENUTZERINFORMATIONEN
---------------------

Benutzername SID
============ ===================
lab\\anna     S-1-5-21-1-2-3-1001


GRUPPENINFORMATIONEN
--------------------

Gruppenname                                         Typ                SID          Attribute
=================================================== ================== ============ =====================================================================
Jeder                                               Bekannte Gruppe    S-1-1-0      Verbindliche Gruppe, Standardm\u00e4\u00dfig aktiviert, Aktivierte Gruppe
VORDEFINIERT\\Benutzer                               Alias              S-1-5-32-545 Verbindliche Gruppe, Standardm\u00e4\u00dfig aktiviert, Aktivierte Gruppe
Verbindliche Beschriftung\\Mittlere Verbindlichkeitsstufe Bezeichnung S-1-16-8192


BERECHTIGUNGSINFORMATIONEN
--------------------------

Berechtigungsname       Beschreibung                 Status
======================= ============================ =========
SeChangeNotifyPrivilege Auslassen der durchsuchenden Aktiviert
"""
LIST = """C:\\>whoami /priv /fo list

PRIVILEGES INFORMATION
----------------------

Privilege Name: SeChangeNotifyPrivilege
Description:    Bypass traverse checking
State:          Enabled
"""
THREADTOKEN = """0:000> !threadtoken

***Thread is not impersonating, using process token***
    Auth Id    0 : 0x77a10
    Type       Primary
    Imp Level  Anonymous
     Token Id  0 : 0x12345
     Mod Id    0 : 0x77b00
     User      S-1-5-21-1-2-3-1001
     Groups    4
               S-1-1-0
               S-1-5-32-545
               S-1-5-5-0-77777
               S-1-16-8192
     Privileges    1
               SeChangeNotifyPrivilege ( Enabled Default )
"""
AGREE = "A and B agree in all that both can know"
SAME = "A and B are the same token"
NOTHING = "A and B could not be compared: they have nothing in common"
DEBUG = " 20 0x000000014 SeDebugPrivilege                  Attributes - Enabled \n"


def compared(one: str, other: str) -> Comparison:
    (a,), (b,) = read_text(one).tokens, read_text(other).tokens
    return compare(view_of(a, "a"), view_of(b, "b"))


def at(text: str, mark: str) -> Tuple[str, str]:
    """The two halves of a text."""
    place = text.index(mark)
    return text[:place], text[place:]


def wrapped(text: str, width: int) -> str:
    return "\n".join(line[at : at + width] for line in text.split("\n") for at in range(0, max(len(line), 1), width))


def section(text: str, title: str) -> str:
    """One list of whoami's output."""
    found = re.search(r"%s\n-+\n.*?(?=\n\n\n|\Z)" % title, text, re.DOTALL)
    assert found is not None
    return "C:\\>whoami\n\n" + found[0] + "\n\nC:\\>"


OTHER = COMMAND.replace(USER, USER[:-1] + "2").replace("1f1d4060", "1f1e4060").replace("12345", "12399")
ADDED = COMMAND.replace(" 23 0x", DEBUG + " 23 0x")
MORE_GROUPS = WHOAMI.replace(
    "BUILTIN\\Users ",
    "BUILTIN\\Backup Operators               Alias            S-1-5-32-551 Enabled group\nBUILTIN\\Users ",
)
PAIRS: List[Tuple[str, str, str, str]] = [
    ("whoami, and !token of its parent", WHOAMI, COMMAND, AGREE),
    ("two languages", WHOAMI, GERMAN, AGREE),
    ("!token, and another language", COMMAND, GERMAN, AGREE),
    ("a list of one kind, and all", LIST, WHOAMI, AGREE),
    ("a list of one kind, and !token", LIST, COMMAND, AGREE),
    ("user mode, and the kernel's", THREADTOKEN, COMMAND, "A and B are the same token"),
    ("user mode, and whoami", THREADTOKEN, WHOAMI, AGREE),
    ("one text twice", COMMAND, COMMAND, SAME),
    (
        "the groups, and the privileges",
        section(WHOAMI, "GROUP INFORMATION"),
        section(WHOAMI, "PRIVILEGES INFORMATION"),
        NOTHING,
    ),
    ("cut in the groups", WHOAMI, at(WHOAMI, "BUILTIN\\Users")[0], AGREE),
    ("begun in the groups", at(WHOAMI, "BUILTIN\\Users")[1], WHOAMI, AGREE),
    ("cut in the privileges", COMMAND, at(COMMAND, " 23 0x")[0], AGREE),
    ("cut behind the privileges", at(COMMAND, "Authentication ID")[0], COMMAND, AGREE),
    ("begun in the privileges", at(COMMAND, " 23 0x")[1], COMMAND, SAME),
    ("both halves of one", *at(COMMAND, "Primary Group"), NOTHING),
    (
        "the author's dots",
        COMMAND.replace(" 01 S-1-5-32-545\n    Attributes - Mandatory Default Enabled \n", "...\n"),
        COMMAND,
        SAME,
    ),
    ("a snip in whoami", WHOAMI.replace("SeChangeNotify", "(snip)\nSeChangeNotify"), WHOAMI, AGREE),
    ("a console of 80", wrapped(COMMAND, 80), COMMAND, SAME),
    ("a console of 60", wrapped(COMMAND, 60), COMMAND, SAME),
    ("whoami in a console of 80", wrapped(WHOAMI, 80), WHOAMI, AGREE),
    ("whoami in a console of 120", wrapped(WHOAMI, 120), COMMAND, AGREE),
    ("blanks collapsed", re.sub(" +", " ", WHOAMI), WHOAMI, AGREE),
    ("quoted in mail", textwrap.indent(COMMAND, "> ", lambda _: True), COMMAND, SAME),
    ("letters destroyed", GERMAN.replace("\u00e4", "?").replace("\u00df", "?"), WHOAMI, AGREE),
    # --- what differs, and how much of it is founded ---
    ("another user", COMMAND, OTHER, "A and B speak for different users"),
    ("whoami of another user", COMMAND, WHOAMI.replace(USER, USER[:-1] + "2"), "A and B speak for different users"),
    (
        "written to",
        COMMAND,
        ADDED,
        "one token, changed between A and B without the kernel's own trace of it: SeDebugPrivilege",
    ),
    ("adjusted", COMMAND, ADDED.replace("77b00", "77c00"), "one token, adjusted between A and B: SeDebugPrivilege"),
    # A row that is there differs from a list that is whole; the other way round nothing follows.
    (
        "a part with more than the whole",
        at(ADDED, DEBUG)[1],
        COMMAND,
        "one token, changed between A and B without the kernel's own trace of it: SeDebugPrivilege",
    ),
    ("the whole with more than a part", at(COMMAND, " 23 0x")[1], ADDED, SAME),
    (
        "privileges alone",
        section(WHOAMI, "PRIVILEGES INFORMATION"),
        ADDED,
        "they differ in SeDebugPrivilege (not both name their user)",
    ),
    (
        "one group more",
        section(MORE_GROUPS, "GROUP INFORMATION"),
        section(WHOAMI, "GROUP INFORMATION"),
        "they differ in identity: group BUILTIN\\Backup Operators (not both name their user)",
    ),
    ("one group more, cut", at(WHOAMI, "BUILTIN\\Users")[0], MORE_GROUPS, AGREE),
    (
        "two tokens of two machines",
        WHOLE,
        at(WHOLE, LAST_ROW)[0] + TAIL.replace("3ec", "3ed").replace("3eb", "3ef"),
        "the same identity under another policy: SeCreateSymbolicLinkPrivilege",
    ),
]


@pytest.mark.parametrize(("one", "other", "verdict"), [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_a_verdict_says_what_both_texts_found(one: str, other: str, verdict: str) -> None:
    found = compared(one, other)
    assert found.verdict.replace(", as far as both could be read", "") == verdict
    # Either way round it is the same.
    assert compared(other, one).exit_code == found.exit_code
