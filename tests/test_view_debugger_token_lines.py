"""Lines of `!token`, each label and row as it is printed and as people mangle it: the value, its line, or the doubt."""

from typing import Any, List, Optional

import pytest

from kdtoken.model import group as groups
from kdtoken.model.absent import ElevationSaid, Fragment, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.luid import Luid
from kdtoken.model.sid import Sid
from kdtoken.view.debugger.token_command import PartialTokens, read_token_text
from kdtoken.view.debugger.token_labels import RANK
from kdtoken.view.partial import PartialGroup, PartialToken

HEAD = "kd> !token ffff8f0012340060\n_TOKEN 0xffff8f0012340060\n"
ANNA = Sid.from_text("S-1-5-21-1-2-3-1001")
NOTHING = NotSaid("!token")


def read(text: str) -> PartialTokens:
    return read_token_text(text, "a.txt")


def only(text: str) -> PartialToken:
    (token,) = read(text).tokens
    return token


def said(line: str, field: str) -> Any:
    """What a line behind the head makes of a field; the line must have been understood."""
    token = only(HEAD + line + "\n")
    assert token.not_understood == (), line
    return getattr(token.token, field)


def refused(line: str, field: str, value: Any = NOTHING) -> None:
    """A line that is kept as not understood, and the field has this value."""
    found = read(HEAD + line + "\n")
    assert [one.text for one in found.not_understood] == [line]
    assert getattr(found.tokens[0].token, field) == value


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("TS Session ID: 0x1f", "session_id", 0x1F),
        ("TS Session ID: 10", "session_id", 0x10),
        ("TS Session ID: 0xffffffff", "session_id", 0xFFFFFFFF),
        ("Authentication ID:         (0,3e7)", "authentication_id", Luid(0, 0x3E7)),
        ("Auth ID: 1:2f", "authentication_id", Luid(1, 0x2F)),
        ("Impersonation Level:       Delegation", "impersonation_level", 3),
        ("Impersonation Level:       Impersonation", "impersonation_level", 2),
        ("Impersonation Level:       Identification", "impersonation_level", 1),
        ("Impersonation Level:       Anonymous", "impersonation_level", 0),
        ("Impersonation Level:       Illegal!", "impersonation_level", NotSaid("!token")),
        ("TokenType:                 Impersonation", "token_type", 2),
        ("Token Type:                Primary", "token_type", 1),
        ("Source: 12345678", "source_name", "12345678"),
        ("TokenFlags: 0xffffffff", "flags", 0xFFFFFFFF),
        ("TokenFlags: 0x2000 ( Token NOT in use )", "in_use", 0),
        ("TokenFlags: 0x2000 ( Token in use )", "in_use", 1),
        ("Token ID: 3eb", "token_id", Luid(0, 0x3EB)),
        ("ParentToken ID: 3ea", "parent_token_id", Luid(0, 0x3EA)),
        ("Parent Token ID: 3ea", "parent_token_id", Luid(0, 0x3EA)),
        ("Modified ID:               (0, 3ec)", "modified_id", Luid(0, 0x3EC)),
        ("OriginatingLogonSession: 3e7", "originating_logon_session", Luid(0, 0x3E7)),
        ("RestrictedSidCount: 0", "restricted_sids", ()),
        ("RestrictedSdCount: 0", "restricted_sid_count", 0),
        ("CapabilityCount: 999999", "capability_count", 999999),
        ("CapabilityCount: 0", "capabilities", ()),
        ("Primary Group: S-1-5-18", "primary_group", Sid(5, (18,))),
        ("PackageSid: S-1-15-2-1-2", "package", Sid(15, (2, 1, 2))),
        ("Package: (null)", "package", None),
        ("PackageSid: none", "package", None),
        ("PackageSid: NULL", "package", None),
        ("PackageSid: <null>", "package", None),
        ("PackageSid: <NULL>", "package", None),
        ("TrustLevelSid: S-1-19-512-8192", "trust_level_sid", Sid(19, (512, 8192))),
        ("Process Token TrustLevelSid: (null)", "trust_level_sid", None),
        ("Process Trust Label: S-1-19-512-8192", "trust_level_sid", Sid(19, (512, 8192))),
        ("LowboxNumberEntry: 0xffff8f0012340000", "lowbox_number", NotSaid("!token")),
        ("LowboxNumberEntry: 0", "lowbox_number", None),
        ("Lowbox Number: 12", "lowbox_number", 12),
        ("LowboxNumber: 4294967295", "lowbox_number", 4294967295),
    ],
)
def test_each_label_is_its_field(line: str, field: str, value: object) -> None:
    found = said(line, field)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("TS Session ID: 0x100000000", "session_id"),  # more than a ULONG has
        ("TS Session ID: one", "session_id"),
        ("Authentication ID:         (0,3e7", "authentication_id"),
        ("Impersonation Level:       Impers", "impersonation_level"),
        ("TokenType:                 Prim", "token_type"),
        ("TokenFlags: 0x100000000", "flags"),
        ("TokenFlags: none", "flags"),
        ("RestrictedSidCount: 1000000", "restricted_sid_count"),
        ("RestrictedSidCount: 0x1", "restricted_sid_count"),
        ("PackageSid: S-1-15-2-01", "package"),
        ("Primary Group: S-1-5-21-1-2-3", "primary_group"),  # a domain's own: its end was cut off
        ("Lowbox Number: 12345678901", "lowbox_number"),
        ("Lowbox Number: 0x1", "lowbox_number"),
    ],
)
def test_a_value_that_no_such_label_has_is_not_taken(line: str, field: str) -> None:
    refused(line, field)


def test_what_stands_behind_a_value_is_listed_and_the_value_kept() -> None:
    refused("Source: 123456789", "source_name", "12345678")
    refused("TokenFlags: 0x2000 ( Token in use ) and more", "flags", 0x2000)
    refused("Primary Group: S-1-5-18 and more", "primary_group", Sid(5, (18,)))


def test_a_value_that_is_given_twice_is_believed_only_if_it_is_the_same() -> None:
    token = only(HEAD + "Package: S-1-15-2-1-2\nPackageSid: S-1-15-2-1-2\n").token
    assert token.package == Sid(15, (2, 1, 2)) and token.problems == ()
    found = read(HEAD + "Package: S-1-15-2-1-2\nPackageSid: S-1-15-2-1-3\n")
    assert found.tokens[0].token.package == Unreadable(0, "the text gives two")
    assert found.tokens[0].token.problems == ("line 4: package is given twice",)
    # Neither is in the result: both lines are listed.
    assert [line.number for line in found.not_understood] == [3, 4]


def test_a_label_whose_call_failed_says_so() -> None:
    """The user-mode form prints which call failed; of the trust label it is a line of its own, understood."""
    line = "Process Trust Label: NtQueryInformationToken failed"
    found = read(HEAD + line + "\n")
    assert found.not_understood == () and found.tokens[0].token.problems == (
        "line 3: processtrustlabel: NtQueryInformationToken failed",
    )
    found = read(HEAD + "PackageSid: not there\n")
    assert [one.number for one in found.not_understood] == [3]
    assert found.tokens[0].token.problems == ("line 3: packagesid: not there",)
    # An empty one, and one with a fact in it, are no error of a call.
    for line in ("Process Trust Label:", "PackageSid: of S-1-15-2-1"):
        found = read(HEAD + line + "\n")
        assert [one.number for one in found.not_understood] == [3] and found.tokens[0].token.problems == ()


def test_facts_that_a_token_keeps_as_bits_are_noted() -> None:
    for line in ("Is restricted token: no", "SandBoxInert: 0", "Mandatory Policy: 0x1"):
        token = only(HEAD + line + "\n")
        label, value = line.replace(" ", "").lower().split(":")[0], line.split(": ")[1]
        assert token.token.problems == ("line 3: %s: %s (not kept)" % (label, value),) and token.not_understood == ()
    found = read(HEAD + "Elevation Type: of S-1-5-18\n")
    assert [line.number for line in found.not_understood] == [3]


@pytest.mark.parametrize("value, kind", [("1 (Default)", 1), ("2 (Full)", 2), ("3 (Limited)", 3)])
def test_the_elevation_type_of_the_user_mode_form_is_kept(value: str, kind: int) -> None:
    """TOKEN_ELEVATION_TYPE (winnt.h): 1 default, 2 full, 3 limited."""
    token = only(HEAD + "Elevation Type: %s\n" % value)
    assert token.token.logon_session == ElevationSaid("!token", elevation=kind)
    assert token.token.problems == () and token.not_understood == ()
    assert str(token.places["logon_session"]) == "a.txt:3"


@pytest.mark.parametrize(
    "value", ["3 (Full)", "0 (Default)", "4 (Limited)", "3", "Limited", "3 (Limi", "3 (Limited) x"]
)
def test_an_elevation_type_that_is_none_is_not_understood(value: str) -> None:
    found = read(HEAD + "Elevation Type: %s\n" % value)
    assert [line.number for line in found.not_understood] == [3]
    assert type(found.tokens[0].token.logon_session) is NotSaid


# --- the user ---


def test_the_user_has_a_name_where_one_is_printed() -> None:
    token = only(HEAD + "User: S-1-5-21-1-2-3-1001 (LAB\\anna)\n")
    assert token.groups[0] == PartialGroup(ANNA, 0, "LAB\\anna") and token.names == {ANNA: "LAB\\anna"}
    assert token.token.user_and_groups[0] == Group(ANNA, 0)
    assert str(token.places["user"]) == "a.txt:3"
    unnamed = only(HEAD + "User: S-1-5-21-1-2-3-1001 (no name mapped)\n")
    assert unnamed.names == {} and unnamed.groups[0].name == "no name mapped"
    # A name that a line's end cut is none; what is no word is decoration.
    cut = read(HEAD + "User: S-1-5-21-1-2-3-1001 (LAB\\an\n")
    assert cut.tokens[0].names == {} and [line.number for line in cut.not_understood] == [3]
    assert only(HEAD + "User: S-1-5-21-1-2-3-1001 <--\n").not_understood == ()


def test_a_second_user_is_another_token() -> None:
    found = read(HEAD + "User: S-1-5-18\nUser: S-1-5-19\n")
    assert [one.token.user_and_groups[0] for one in found.tokens] == [
        Group(Sid(5, (number,)), 0) for number in (18, 19)
    ]


def test_a_user_that_the_debugger_could_not_read() -> None:
    unread = HEAD + "User: ffff8f0012340900: Unable to read SID at it\n"
    found = read(unread + "ffff8f0012340900: Unable to read SID at it\n")
    (entry, *_) = found.tokens[0].token.user_and_groups
    assert entry == Unreadable(0xFFFF8F0012340900, "Unable to read SID at it")
    assert found.not_understood == ()
    # The second line is of the same address, or it is somebody else's.
    other = read(unread + "ffff8f0012340908: Unable to read SID at it\n")
    assert [line.number for line in other.not_understood] == [4]


def test_other_sids_that_the_debugger_could_not_read() -> None:
    why = "Unable to read SID at it"
    for label, field in (("Primary Group", "primary_group"), ("PackageSid", "package")):
        found = read(HEAD + "%s: ffff8f0012340900: %s\n" % (label, why))
        assert getattr(found.tokens[0].token, field) == Unreadable(0xFFFF8F0012340900, why)
        assert found.not_understood == ()
    found = read(HEAD + "Source: ffff8f0012340900: %s\n" % why)
    assert [line.number for line in found.not_understood] == [3]


# --- lists ---

GROUPS = """User: S-1-5-21-1-2-3-1001
User Groups:
 00 S-1-5-21-1-2-3-513 (LAB\\Domain Users)
    Attributes - Mandatory Default Enabled
%s 01 S-1-16-8192
    Attributes - GroupIntegrity GroupIntegrityEnabled
Primary Group: S-1-5-21-1-2-3-513
"""
DOMAIN = Sid.from_text("S-1-5-21-1-2-3-513")
LABEL = Group(Sid(16, (8192,)), groups.INTEGRITY | groups.INTEGRITY_ENABLED)


def test_groups_with_their_attributes_names_and_lines() -> None:
    token = only(HEAD + GROUPS % "")
    assert token.token.user_and_groups == (Group(ANNA, 0), Group(DOMAIN, 7), LABEL)
    assert token.token.integrity_level_index == 2 and token.incomplete == () and token.token.problems == ()
    assert token.names == {DOMAIN: "LAB\\Domain Users"}
    assert str(token.places["groups.S-1-16-8192"]) == "a.txt:7"


@pytest.mark.parametrize(
    ("words", "bits"),
    [  # winnt.h SE_GROUP_*
        ("Mandatory", 1),
        ("Default", 2),
        ("Enabled", 4),
        ("Owner", 8),
        ("DenyOnly", 0x10),
        ("GroupIntegrity", 0x20),
        ("GroupIntegrityEnabled", 0x40),
        ("GroupResource", 0x20000000),
        ("Resource", 0x20000000),
        ("LogonId", 0xC0000000),
        ("Mandatory Mandatory", 1),
        ("", 0),
    ],
)
def test_each_word_is_its_bit(words: str, bits: int) -> None:
    text = (HEAD + GROUPS % "").replace("Attributes - Mandatory Default Enabled", "Attributes - " + words)
    assert only(text).groups[1] == PartialGroup(DOMAIN, bits, "LAB\\Domain Users", 0)


def test_a_word_that_nobody_knows_is_said_with_whose_it_is() -> None:
    text = (HEAD + GROUPS % "").replace("Mandatory Default Enabled", "Mandatory Odd")
    found = read(text)
    token = found.tokens[0]
    assert token.token.problems == ("line 6: unknown attribute 'odd' of S-1-5-21-1-2-3-513",)
    assert [line.number for line in found.not_understood] == [6]
    assert token.groups[1].attributes == Unreadable(0, "attribute words not known: 'Mandatory Odd'")
    text = HEAD + "Privs: \n 20 0x000000014 SeDebugPrivilege                  Attributes - Odd\n"
    assert only(text).token.problems == ("line 4: unknown attribute 'odd' of SeDebugPrivilege",)
    assert numbers(read(text)) == [4]
    # Whose attributes may stand on the next line is understood so far.
    assert numbers(read(HEAD + "Privs: \n 20 0x000000014 SeDebugPrivilege\n")) == []


def test_attributes_are_of_the_row_right_above_them() -> None:
    """Behind a line that nobody knows, and behind other attributes, they are another's."""
    for between in ("what is this\n", "    Attributes - Mandatory\n"):
        text = HEAD + "User Groups:\n 00 S-1-1-0\n" + between + "    Attributes - Owner\n"
        found = read(text)
        assert found.tokens[0].groups[0].attributes in (NotSaid("!token"), 1)
        assert found.not_understood[-1].number == 6
    found = read(HEAD + "User Groups:\n    Attributes - Owner\n")
    assert [line.number for line in found.not_understood] == [4]


def test_words_that_a_console_broke_off_are_added() -> None:
    token = only((HEAD + GROUPS % "").replace("Default Enabled", "Default\nEnabled"))
    assert token.groups[1].attributes == 7 and token.not_understood == ()
    for odd in ("Enabled too", "what\nEnabled"):  # words among others; and behind what nobody knows
        found = read((HEAD + GROUPS % "").replace("Default Enabled", "Default\n" + odd))
        # They may be its own: then without them it is another value.
        assert isinstance(found.tokens[0].groups[1].attributes, Unreadable)
        assert found.not_understood[-1].number == 6 + odd.count("\n") + 1


@pytest.mark.parametrize(
    "above",
    [
        "User Groups:\n 00 S-1-1-0\n",  # a row without any attributes yet
        "User Groups:\n",
        "Source: X\n",
        "",
    ],
)
def test_words_of_attributes_alone_are_nobody_s_where_no_others_stand_above_them(above: str) -> None:
    found = read(HEAD + above + "Enabled\n")
    assert numbers(found) == [3 + above.count("\n")]


def test_a_row_that_the_debugger_could_not_read_keeps_its_number() -> None:
    """The SID before it may be garbage in its second half: it is doubted."""
    row = " 01 ffff8f0012340900: Unable to read SID at it\nffff8f0012340900: Unable to read SID at it\n"
    row += "    Attributes - Mandatory Default Enabled\n"
    text = (HEAD + GROUPS % row).replace(" 01 S-1-16", " 02 S-1-16")
    found = read(text)
    entries = found.tokens[0].token.user_and_groups
    assert isinstance(entries, tuple) and not isinstance(entries, Fragment)
    assert entries[0] == Group(ANNA, 0) and entries[3] == LABEL
    doubted, unread = entries[1], entries[2]
    assert isinstance(doubted, HalfGroup) and (doubted.sid, doubted.attributes) == (None, 7)
    assert isinstance(unread, HalfGroup) and (unread.pointer, unread.attributes) == (0xFFFF8F0012340900, 7)
    assert unread.reason == "Unable to read SID at it" and found.not_understood == ()
    # Outside of every list it is nobody's row.
    outside = read(HEAD + "Source: X\n 01 ffff8f0012340900: Unable to read SID at it\n")
    assert [line.number for line in outside.not_understood] == [4]


@pytest.mark.parametrize("mark", ["...", "(snip)", "[truncated]"])
def test_a_cut_in_the_groups_is_of_the_groups(mark: str) -> None:
    token = only(HEAD + GROUPS % (mark + "\n"))
    assert token.incomplete == ("user_and_groups",) and token.token.problems == ("line 7: lines are left out here",)
    held = token.token.user_and_groups
    assert isinstance(held, Fragment) and held.why == "lines are left out in it (line 7)"
    # Of two it is the first, from which on nobody knows.
    held = only(HEAD + GROUPS % (mark + "\n" + mark + "\n")).token.user_and_groups
    assert isinstance(held, Fragment) and held.why == "lines are left out in it (line 7)"
    behind = only(HEAD + GROUPS % "" + mark + "\n")
    assert behind.incomplete == ("the rest",) and not isinstance(behind.token.user_and_groups, Fragment)


def test_a_list_whose_end_is_not_in_the_text_may_go_on() -> None:
    text = HEAD + GROUPS % ""
    cut = only(text[: text.index("Primary Group")])
    assert cut.incomplete == ("user_and_groups",)
    held = cut.token.user_and_groups
    assert isinstance(held, Fragment) and held.why == "its end is not in the text"
    # Another label than the one that comes there: lines between are missing.
    other = only(text.replace("Primary Group: S-1-5-21-1-2-3-513", "Authentication ID: (0,3e7)"))
    held = other.token.user_and_groups
    assert isinstance(held, Fragment) and held.why == "lines behind its last row are missing"


@pytest.mark.parametrize(
    ("closing", "field"),
    [
        ("Primary Group: S-1-5-18\n", "user_and_groups"),
        ("OriginatingLogonSession: 0\n", "restricted_sids"),
        ("PackageSid: (null)\n", "restricted_sids"),
        ("Is restricted token: yes\n", "restricted_sids"),
        ("LowboxNumberEntry: 0\n", "capabilities"),
        ("Source: X\n", None),
        ("Token ID: 12\n", None),
    ],
)
def test_rows_without_a_heading_are_of_the_list_that_what_follows_closes(closing: str, field: Optional[str]) -> None:
    rows = " 00 S-1-1-0\n    Attributes - Mandatory Default Enabled\n 01 S-1-5-11\n    Attributes - Mandatory\n"
    token = only(rows + closing)
    lists = {"user_and_groups": token.groups, "restricted_sids": token.restricted, "capabilities": token.capabilities}
    found = [name for name, listed in lists.items() if [str(one.sid) for one in listed] == ["S-1-1-0", "S-1-5-11"]]
    assert found == ([field] if field else [])
    assert set(token.incomplete) == ({field} if field else {"the rest"})


@pytest.mark.parametrize(
    ("head", "field", "count"),
    [
        ("RestrictedSidCount: %d      RestrictedSids: 0xffff8f0012340800\n", "restricted_sids", "restricted_sid_count"),
        ("CapabilityCount: %d      Capabilities: 0xffff8f0012340800\n", "capabilities", "capability_count"),
    ],
)
def test_a_counted_list_is_whole_when_it_has_as_many_rows(head: str, field: str, count: str) -> None:
    heading = "Restricted SIDs: \n" if field == "restricted_sids" else "Capabilities: \n"
    rows = heading + " 00 S-1-1-0\n    Attributes - Mandatory Default Enabled\n"
    whole = only(HEAD + head % 1 + rows)
    assert getattr(whole.token, field) == (Group(Sid(1, (0,)), 7),) and whole.incomplete == ()
    assert getattr(whole.token, count) == 1
    part = only(HEAD + head % 2 + rows)
    held = getattr(part.token, field)
    assert isinstance(held, Fragment) and held.why == "the text counts 2 and lists 1" and part.incomplete == (field,)
    none = only(HEAD + head % 2)
    assert isinstance(getattr(none.token, field), Fragment) and none.incomplete == (field,)


def test_the_label_of_the_user_mode_form_is_the_last_of_the_groups() -> None:
    """`!token` in user mode prints `Integrity Level:` apart; it is in no list of groups there."""
    text = HEAD + (GROUPS % "").replace(" 01 S-1-16-8192\n    Attributes - GroupIntegrity GroupIntegrityEnabled\n", "")
    token = only(text + "Integrity Level: S-1-16-12288 (Mandatory Label\\High Mandatory Level)\n")
    assert token.token.user_and_groups == (Group(ANNA, 0), Group(DOMAIN, 7), Group(Sid(16, (12288,)), LABEL.attributes))
    assert token.token.integrity == Sid(16, (12288,)) and token.token.integrity_level_index == 2
    assert not isinstance(token.token.user_and_groups, Fragment) and str(token.places["integrity"]) == "a.txt:8"
    assert token.names[Sid(16, (12288,))] == "Mandatory Label\\High Mandatory Level"
    refused("Integrity Level: High", "user_and_groups")


def test_a_user_before_a_group_that_could_not_be_read_is_doubted() -> None:
    text = HEAD + "User: S-1-5-21-1-2-3-1001\nUser Groups:\n 00 ffff8f0012340900: Unable to read SID at it\n"
    token = only(text + "    Attributes - Mandatory\nPrimary Group: S-1-5-18\n")
    (user, *_) = token.token.user_and_groups
    assert isinstance(user, HalfGroup) and user.sid is None and "S-1-5-21-1-2-3-1001" in user.reason
    assert token.groups == ()


PRIVS = "Privs: \n 20 0x000000014 SeDebugPrivilege                  %s\n%sAuthentication ID:         (0,3e7)\n"


@pytest.mark.parametrize(
    ("row", "behind", "enabled", "default"),
    [
        ("Attributes - Enabled Default", "", True, True),
        ("Attributes - Enabled", "Default\n", True, True),
        ("Attributes - Default", "Enabled\n", True, True),
        ("", "    Attributes - Enabled\n", True, False),
    ],
)
def test_a_privilege_whose_words_stand_on_the_next_line(row: str, behind: str, enabled: bool, default: bool) -> None:
    token = only(HEAD + PRIVS % (row, behind))
    (held,) = token.privileges
    assert (held.number, held.enabled, held.enabled_by_default) == (20, enabled, default)
    assert token.not_understood == () and token.incomplete == ()
    assert str(token.places["privileges.SeDebugPrivilege"]) == "a.txt:4"


def test_attributes_behind_those_of_a_privilege_are_not_its_own() -> None:
    found = read(HEAD + PRIVS % ("Attributes - Enabled", "    Attributes - Default\n"))
    assert found.tokens[0].privileges[0].enabled_by_default is False
    assert [line.number for line in found.not_understood] == [5]
    found = read(HEAD + PRIVS % ("", "what is this\n    Attributes - Enabled\n"))
    assert [line.number for line in found.not_understood] == [5, 6]


def test_a_list_of_privileges_that_is_empty() -> None:
    token = only(HEAD + "Privs: \nAuthentication ID:         (0,3e7)\n")
    assert token.token.privileges == () and token.incomplete == ()
    torn = only(HEAD + "Privs: \nSource: X\n")
    assert torn.token.privileges == NotSaid("!token") and torn.incomplete == ("privileges",)


# --- SIDs that a line's end cut, and lines that may go on ---


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("PackageSid: S-1-15-2-\n1-2\n", "package", Sid(15, (2, 1, 2))),
        ("Primary Group: S-1-5-21-1-\n2-3-513\n", "primary_group", DOMAIN),
    ],
)
def test_a_sid_that_goes_on_in_the_next_line(text: str, field: str, value: Sid) -> None:
    token = only(HEAD + text)
    assert getattr(token.token, field) == value and token.not_understood == ()


def test_a_user_and_a_row_that_go_on_in_the_next_line() -> None:
    token = only(HEAD + "User: S-1-5-21-1-2-\n3-1001\n")
    assert token.groups == (PartialGroup(ANNA, 0),)
    text = (HEAD + GROUPS % "").replace("S-1-5-21-1-2-3-513 (LAB\\Domain Users)", "S-1-5-21-1-2-\n3-513")
    token = only(text)
    assert token.groups[1] == PartialGroup(DOMAIN, 7, "", 0) and token.not_understood == ()


def test_a_label_whose_sid_could_not_be_read_goes_back_no_further_than_any_other() -> None:
    """Behind a token's last lines a label of the middle is another token's, whatever stands between."""
    unread = "Primary Group: ffff8f0012340900: Unable to read SID at it\n"
    lasts = "RestrictedSidCount: 0      RestrictedSids: 0x0000000000000000\nOriginatingLogonSession: 0\n"
    for between in ("", unread):
        tokens = read(HEAD + lasts + between + "Source: X\n").tokens
        assert [one.token.source_name for one in tokens] == [NotSaid("!token"), "X"], between
    assert tokens[0].token.primary_group == Unreadable(0xFFFF8F0012340900, "Unable to read SID at it")


def test_words_behind_a_label_are_no_rest_of_it() -> None:
    """Only a row of a list goes on with attributes, where nothing is as wide as a console."""
    assert only(HEAD + "Source: X\nEnabled by nobody\n").token.source_name == "X"
    found = read(HEAD + "User Groups:\n 00 S-1-1-0\n    Attributes - Mandatory\nEnabled by nobody\n")
    assert isinstance(found.tokens[0].groups[0].attributes, Unreadable) and numbers(found) == [6]


@pytest.mark.parametrize("line", ["User: S-1-5-21-1-2-...", "PackageSid: S-1-15-2-...", " 00 S-1-5-21-1-2-..."])
def test_a_sid_that_its_author_cut_does_not_go_on(line: str) -> None:
    found = read(HEAD + "User Groups:\n" + line + "\n3-1001\n")
    assert {one.number for one in found.not_understood} == {4, 5}
    assert [one.sid for one in found.tokens[0].groups] == [] and found.tokens[0].token.package == NotSaid("!token")


def test_half_a_sid_with_no_rest_is_not_understood() -> None:
    found = read(HEAD + "User: S-1-5-21-1-2-\nUser Groups:\n 00 S-1-1-0\n    Attributes - Mandatory\n")
    assert [line.number for line in found.not_understood] == [3]
    assert [str(one.sid) for one in found.tokens[0].groups] == ["S-1-1-0"]


PAD = "a line of sixty columns, which a console of that width has   "[:60]


@pytest.mark.parametrize("width, doubted", [(60, True), (61, False)])
def test_a_value_at_the_width_of_the_console_may_go_on(width: int, doubted: bool) -> None:
    """The widest line is 60 columns or 61; the value's own line has 60, and what follows is nobody's."""
    wide = "y" * width + "\n"
    for line, field in (
        ("PackageSid:".ljust(48) + "S-1-15-2-1-2", "package"),
        ("Authentication ID:".ljust(53) + "(0,3e7)", "authentication_id"),
    ):
        assert len(line) == 60
        token = only(wide + HEAD + line + "\nstray rest\n")
        value = getattr(token.token, field)
        assert isinstance(value, Unreadable) is doubted, value
        if doubted:
            said = line.split()[-1]
            assert value.reason.startswith("the line behind it may be its rest: 'stray rest' (")
            assert said.strip("()").split(",")[-1] in value.reason


def test_a_row_at_the_width_of_the_console_may_go_on() -> None:
    wide = "y" * 60 + "\n"
    row = " 00 S-1-1-0 (%s)" % ("E" * 46)
    assert len(row) == 60
    text = wide + HEAD + "User Groups:\n" + row + "\nstray rest\n"
    (entry,) = [one for one in only(text).token.user_and_groups if isinstance(one, HalfGroup)]
    assert entry.sid is None and entry.reason.endswith("(S-1-1-0)")
    words = "    Attributes -".ljust(53) + "Enabled"
    token = only(wide + HEAD + "User Groups:\n 00 S-1-1-0\n" + words + "\nstray rest\n")
    assert isinstance(token.groups[0].attributes, Unreadable)
    # Words that nobody knew stay what they were: what is not known is not made known by what may follow.
    words = "    Attributes -".ljust(57) + "Odd"
    token = only(wide + HEAD + "User Groups:\n 00 S-1-1-0\n" + words + "\nstray rest\n")
    assert token.groups[0].attributes == Unreadable(0, "attribute words not known: '%s'" % words[17:].strip())
    user = "User:".ljust(41) + "S-1-5-21-1-2-3-1001"
    token = only(wide + HEAD + user + "\nstray rest\n")
    (entry,) = token.token.user_and_groups
    assert isinstance(entry, Unreadable) and "S-1-5-21-1-2-3-1001" in entry.reason and token.groups == ()
    # Of a privilege only the word that is not there is doubted.
    privilege = " 20 0x000000014 SeDebugPrivilege Attributes -".ljust(53) + "Enabled"
    token = only(wide + HEAD + "Privs: \n" + privilege + "\nstray rest\n")
    assert token.privileges[0].enabled is True and isinstance(token.privileges[0].enabled_by_default, Unreadable)


def test_a_value_at_the_end_of_a_text_as_wide_as_its_console_may_go_on() -> None:
    line = "PackageSid:".ljust(48) + "S-1-15-2-1-2"
    assert isinstance(only(HEAD + line).token.package, Unreadable)
    assert only(HEAD + line + "\nPackage: S-1-15-2-1-2\n").token.package == Sid(15, (2, 1, 2))
    assert isinstance(only(HEAD + line + "\nkd> k\n").token.package, Unreadable)


def numbers(found: PartialTokens) -> List[int]:
    return [line.number for line in found.not_understood]


def test_an_error_in_a_token_is_its_problem() -> None:
    found = read(HEAD + "User: S-1-5-18\nCould not read the rest\n")
    assert found.tokens[0].token.problems == ("line 4: Could not read the rest",) and numbers(found) == []
    # What a 22H2 extension prints of every token says nothing of this one.
    claims = "Invalid AUTHZBASEP_SECURITY_ATTRIBUTES_INFORMATION with no claims"
    assert only(HEAD + "User: S-1-5-18\n" + claims + "\n").token.problems == ()
    assert numbers(read(HEAD + "Could not read S-1-5-18\n")) == [3]


def test_what_no_output_of_token_ever_shows_is_said() -> None:
    """The user's attributes, removed privileges, blanks behind a source, and members that it does not print."""
    never = only(HEAD + "User: S-1-5-18\n").never_shown
    assert [one.split(":")[0] for one in never] == [
        "user_and_groups[0].attributes",
        "privileges",
        "source_name",
        "expiration_time, default_dacl, default_owner_index, mandatory_policy, audit_policy",
    ]
    assert never[1] == "privileges: those that were removed are not listed"


# The labels of `!token` in the order of its output, those that stand for each other on one line.
ORDER = """tssessionid
user
groups usergroups usersgroups
primarygroup
privs privileges
authenticationid authid
impersonationlevel
tokentype
isrestrictedtoken
source
tokenflags
tokenid
parenttokenid
modifiedid
restrictedsidcount restrictedsdcount
restrictedsids restrictingsids
sandboxinert originatinglogonsession
elevationtype packagesid package
mandatorypolicy capabilitycount
integritylevel capabilities
processtrustlabel lowboxnumberentry
lowboxnumber
securityattributes
processtokentrustlevelsid trustlevelsid"""


def test_the_labels_stand_in_one_order() -> None:
    assert RANK == {label: rank for rank, same in enumerate(ORDER.splitlines()) for label in same.split()}
    # In it they are one token's; one that goes back behind the last ones is another's.
    lasts = "RestrictedSidCount: 0      RestrictedSids: 0x0000000000000000\nOriginatingLogonSession: 0\n"
    (token,) = read(
        HEAD + lasts + "Elevation Type: 2 (Full)\nMandatory Policy: TOKEN_MANDATORY_POLICY_VALID_MASK\n"
    ).tokens
    assert token.token.logon_session == ElevationSaid("!token", elevation=2)
    assert len(read(HEAD + lasts + "Elevation Type: 2 (Full)\nTokenType: Primary\n").tokens) == 2


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("RestrictedSidCount: 0      RestrictedSids: 0x0000000000000000", True),
        ("OriginatingLogonSession: 0", True),
        ("LowboxNumberEntry: 0000000000000000", True),
        ("Modified ID: (0,1)", False),
        ("CapabilityCount: 0      Capabilities: 0x0000000000000000", False),
    ],
)
def test_behind_which_lines_a_blank_one_ends_a_token(line: str, ends: bool) -> None:
    """Those that come last in one generation's output or another's."""
    token = read(HEAD + line + "\n\nProcess Token TrustLevelSid: S-1-19-512-4096\n").tokens[0]
    assert token.token.trust_level_sid == (NotSaid("!token") if ends else Sid(19, (512, 4096)))
