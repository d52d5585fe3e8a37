"""`!token` texts: golden expectations by hand, and the round trip through the stand-in's text on every build."""

from pathlib import Path
from typing import List, Tuple

import pytest

from kdtoken.errors import BadFormat
from kdtoken.layout.layout_file import load_layouts
from kdtoken.model import group as groups
from kdtoken.model.absent import Fragment, NotSaid, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import Privilege, privileges_of
from kdtoken.model.sid import Sid
from kdtoken.view.debugger.text import read_debugger_text
from kdtoken.view.debugger.token_command import PartialTokens, read_token_text
from kdtoken.view.partial import PartialToken, TextPlace
from kdtoken.view.text import read_text
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build
from tests.machine.standin_text import commands
from tests.view_facts import facts_in, facts_of_debugger

ROOT = Path(__file__).resolve().parent.parent
VIEWS = ROOT / "fixtures" / "views"
LAYOUTS = sorted((ROOT / "fixtures" / "layouts").glob("nt-*.json"))
ANNA = "S-1-5-21-1000000001-1000000002-1000000003"
ALL = groups.MANDATORY | groups.ENABLED_BY_DEFAULT | groups.ENABLED
LABEL = groups.INTEGRITY | groups.INTEGRITY_ENABLED


def sid(text: str) -> Sid:
    return Sid.from_text(text)


def read(name: str) -> PartialTokens:
    return read_token_text((VIEWS / name).read_text(encoding="utf-8"), name)


def only(name: str) -> PartialToken:
    (token,) = read(name).tokens
    return token


def test_every_value_of_a_windows_10_token() -> None:
    text = only("token-filtered.txt")
    token = text.token
    assert token.address == 0xFFFFD10203046060
    assert token.user_and_groups == (
        Group(sid(ANNA + "-1001"), 0),
        Group(sid(ANNA + "-513"), ALL),
        Group(sid("S-1-1-0"), ALL),
        Group(sid("S-1-5-32-544"), groups.USE_FOR_DENY_ONLY),
        Group(sid("S-1-5-5-0-77777"), ALL | groups.LOGON_ID),
        Group(sid("S-1-16-8192"), LABEL),
    )
    assert token.integrity == sid("S-1-16-8192") and token.integrity_level_index == 5
    assert token.privileges == (
        Privilege(19, "SeShutdownPrivilege", True, False, False),
        Privilege(23, "SeChangeNotifyPrivilege", True, True, True),
        Privilege(34, "SeTimeZonePrivilege", True, True, False),
    )
    assert (token.session_id, token.token_type, token.impersonation_level) == (1, 1, 0)
    assert (token.source_name, token.flags, token.in_use) == ("User32", 0x2A00, 1)
    assert token.authentication_id == Luid(0, 0x12F0A) and token.originating_logon_session == Luid(0, 0x3E7)
    assert token.token_id == Luid(0, 0x4D2C1) and token.parent_token_id == Luid(0, 0x12F0D)
    assert token.modified_id == Luid(0, 0x4D2C8)
    assert (token.package, token.trust_level_sid, token.primary_group) == (None, None, sid(ANNA + "-513"))
    assert (token.restricted_sids, token.capabilities, token.lowbox_number) == ((), (), None)
    assert text.incomplete == () and text.not_understood == ()


def test_what_the_text_does_not_hold_is_absent_and_says_so() -> None:
    token = only("token-filtered.txt").token
    for value in (token.default_dacl, token.expiration_time, token.mandatory_policy, token.logon_session):
        assert value == NotSaid("!token")
        assert str(value) == "not said by !token"


def test_every_value_keeps_its_line() -> None:
    seen = only("token-filtered.txt").places
    assert seen["address"] == TextPlace("token-filtered.txt", 15)
    assert seen["user"] == TextPlace("token-filtered.txt", 17)
    assert seen["groups.S-1-5-32-544"].line == 23
    assert seen["privileges.SeTimeZonePrivilege"].line == 33
    assert str(seen["modified_id"]) == "token-filtered.txt:39"


def test_names_and_lost_indentation_of_xp() -> None:
    text = only("token-xp-names.txt")
    assert text.names[sid("S-1-5-32-544")] == "Alias: BUILTIN\\Administrators"
    assert text.names[sid(ANNA + "-1120")] == "Alias: LAB\\Printers (third floor)"
    listed = text.token.user_and_groups
    assert isinstance(listed, tuple) and listed[4] == Group(sid(ANNA + "-1120"), ALL | groups.RESOURCE)
    # The rank that XP prints is no privilege number; the LUID behind it is.
    assert isinstance(text.token.privileges, tuple)
    assert [(p.number, p.enabled) for p in text.token.privileges] == [(8, False), (20, True), (23, True)]
    assert text.token.in_use == 0 and isinstance(text.token.integrity, NotSaid)


def test_wrapped_sids_are_joined_and_a_page_footer_is_listed() -> None:
    text = only("token-wrapped.txt")
    package = "S-1-15-2-111111111-2222222222-333333333-444444444-555555555-666666666-777777777"
    assert text.token.package == sid(package)
    assert text.token.capabilities == (
        Group(sid("S-1-15-3-1"), groups.ENABLED),
        Group(sid(package.replace("S-1-15-2", "S-1-15-3")), groups.ENABLED),
    )
    assert (text.token.capability_count, text.token.lowbox_number) == (2, 7)
    assert text.token.trust_level_sid == sid("S-1-19-512-4096")
    assert [line.text for line in text.not_understood] == ["CHAPTER 9 Tokens 101"]


def test_a_token_without_a_user_line_says_so_in_the_users_place() -> None:
    text = only("token-wrapped.txt")
    assert text.token.user == NotSaid("this text")  # nobody printed it: that is not unreadable
    assert text.token.address == 0


def test_errors_cuts_and_remarks() -> None:
    texts = read("token-cut.txt")
    assert [(error.address, error.place.line) for error in texts.errors] == [(0xFFFFD10203046065, 2)]
    system, service = texts.tokens
    assert system.incomplete == ("user_and_groups", "privileges")
    listed = system.token.user_and_groups
    assert isinstance(listed, tuple)
    # Entries 01 and 02 were cut: an index into the kernel's list must still fit.
    assert [isinstance(one, Unreadable) for one in listed] == [False, False, False, False, False, True]
    assert system.token.integrity == sid("S-1-16-16384")
    assert "Frobnicated" in str(listed[5]) and "S-1-5-80-1-2-3-4-5" in str(listed[5])
    assert [line.number for line in system.not_understood] == [14, 17]
    assert service.token.address == 0xFFFFD1020304A060 and service.token.impersonation_level == 1
    assert service.token.restricted_sids == (Group(sid("S-1-5-12"), ALL),)


def test_the_source_of_a_web_page() -> None:
    text = only("token-html.txt")
    assert (text.token.address, text.token.session_id) == (0xFFFFD10203046060, 2)
    assert text.token.authentication_id == Luid(1, 0x12F0A)
    assert [one.name for one in text.privileges] == ["SeDebugPrivilege"]


def test_the_user_mode_form() -> None:
    token = only("token-user-mode.txt").token
    assert token.integrity == sid("S-1-16-8192") and token.authentication_id == Luid(0, 0x12F0A)


def test_a_line_that_was_several() -> None:
    joined = " ".join((VIEWS / "token-filtered.txt").read_text(encoding="utf-8").split("\n")[16:40])
    (text,) = read_token_text(joined).tokens
    assert text.token.user_and_groups == only("token-filtered.txt").token.user_and_groups
    assert len(text.privileges) == 3 and text.token.modified_id == Luid(0, 0x4D2C8)


@pytest.mark.parametrize("text", ["", "\n\n", "User: nobody", "Groups:", "S-1-5-18", "Token ID: x", "kd> !token"])
def test_a_text_without_a_token_has_none(text: str) -> None:
    assert read_token_text(text).tokens == ()


@pytest.mark.parametrize("path", sorted(VIEWS.glob("token-*.txt")), ids=lambda path: path.stem)
def test_no_fact_of_a_fixture_is_lost(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert facts_in(text) - facts_of_debugger(read_debugger_text(text)) == set()


@pytest.fixture(scope="module", params=LAYOUTS, ids=lambda path: path.stem)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return build(MACHINE, load_layouts(request.param))


def test_the_stand_ins_text_gives_the_declared_tokens(kernel: Kernel) -> None:
    texts = commands(kernel)
    for key, spec in MACHINE.tokens.items():
        if spec.paged_out:
            continue
        (found,) = read_token_text(texts["!token %x" % kernel.tokens[key]]).tokens
        token = found.token
        listed = [(str(one.sid), one.attributes) for one in spec.all_groups]
        # The user's attributes are not in the text.
        expected = [(listed[0][0], 0)] + listed[1:]
        assert _pairs(token.user_and_groups) == expected, key
        assert (token.address, str(token.primary_group)) == (kernel.tokens[key], str(spec.primary_group))
        present, enabled, default = spec.privileges.masks
        assert token.privileges == privileges_of(present, enabled & present, default & present), key
        assert token.session_id == spec.session_id
        assert token.in_use == int(bool(spec.in_use)) if spec.type == 1 else isinstance(token.in_use, NotSaid)
        assert token.authentication_id == Luid.from_value(spec.auth_id)
        assert token.token_id == Luid.from_value(spec.token_id)
        assert token.parent_token_id == Luid.from_value(spec.parent_id)
        assert token.modified_id == Luid.from_value(spec.modified_id)
        assert token.originating_logon_session == Luid.from_value(spec.originating_id)
        assert (token.token_type, token.impersonation_level) == (spec.type, spec.level)
        # Blanks at its end (Advapi has two) cannot be told from the columns'.
        assert token.source_name == spec.source_name.rstrip(b"\0 ").decode("latin-1")
        assert _pairs(token.restricted_sids) == [(str(one.sid), one.attributes) for one in spec.restricted]
        if kernel.layouts.layout("_TOKEN").has("Package"):
            assert token.flags == spec.flags
            assert str(token.package) == str(spec.package)
            assert _pairs(token.capabilities) == [(str(one.sid), one.attributes) for one in spec.capabilities]
            assert str(token.trust_level_sid) == str(spec.trust_sid)
        assert found.not_understood == () and found.incomplete == (), key


def _pairs(entries: object) -> List[Tuple[str, int]]:
    assert isinstance(entries, tuple), entries
    return [(str(one.sid), one.attributes) for one in entries]


@pytest.mark.parametrize("strangers, goes_on", [(19, True), (20, True), (21, False), (40, False)])
def test_many_lines_that_nobody_knows_end_a_token(strangers: int, goes_on: bool) -> None:
    """Behind twenty lines of something else, a row with a number is not this token's."""
    text = "_TOKEN 0xffffd10203046060\nTS Session ID: 0x1\nUser: S-1-5-18\nUser Groups: \n 00 S-1-1-0\n    Attributes - Mandatory\n"
    text += "".join("of something else altogether, line %d of a long story\n" % at for at in range(strangers))
    text += " 01 S-1-5-11\n    Attributes - Mandatory\n"
    token = read_token_text(text).tokens[0]
    assert ("S-1-5-11" in [str(one.sid) for one in token.groups]) is goes_on


HEAD = "kd> !token ffff8f0012340060\n_TOKEN 0xffff8f0012340060\n"
LASTS = "RestrictedSidCount: 0      RestrictedSids: 0x0000000000000000\nOriginatingLogonSession: 0\n"


def unknown(text: str) -> List[int]:
    return [line.number for line in read_token_text(text).not_understood]


def test_behind_a_token_s_last_lines_a_blank_line_ends_it() -> None:
    """What follows is not the token's; a blank line in its middle ends nothing, and a double-spaced text goes on."""
    row = "PackageSid: S-1-15-2-1-2\n"
    (token,) = read_token_text(HEAD + LASTS + "\n" + "CapabilityCount x\n").tokens
    assert token.not_understood == ()
    (whole,) = read_token_text(HEAD + LASTS + row).tokens
    assert str(whole.token.package) == "S-1-15-2-1-2"
    one, *others = read_token_text(HEAD + LASTS + "\n" + row).tokens
    assert one.token.package == NotSaid("!token")
    (spaced,) = read_token_text("\n\n".join((HEAD + LASTS + row).split("\n"))).tokens
    assert str(spaced.token.package) == "S-1-15-2-1-2"
    (middle,) = read_token_text(HEAD + "User: S-1-5-18\n\n" + LASTS + row).tokens
    assert str(middle.token.package) == "S-1-15-2-1-2" and middle.token.session_id == NotSaid("!token")


def test_what_follows_a_command_is_not_the_token_before() -> None:
    for command in ("kd> k", "kd>", "kd> !token ffff8f0012340070"):
        found = read_token_text(HEAD + "User: S-1-5-18\n" + command + "\nSource: *SYSTEM*\n")
        assert found.tokens[0].token.source_name == NotSaid("!token"), command
        assert found.tokens[0].token.address == 0xFFFF8F0012340060
    # `!token` asks for one, so a lone label is its; behind another command it is anybody's.
    assert [one.token.source_name for one in read_token_text("kd> !token\nSource: *SYSTEM*\n").tokens] == ["*SYSTEM*"]
    found = read_token_text("kd> k\nSource: *SYSTEM*\n")
    assert found.tokens == () and [line.number for line in found.not_understood] == [1, 2]
    assert [line.number for line in read_token_text("kd> !token\nkd> !EXTS.TOKEN 0\n").commands] == [1, 2]
    assert read_token_text("kd> !tokenfields\n").commands == ()


def test_lines_of_nothing_that_a_debugger_prints_are_listed_and_a_bare_prompt_is_not() -> None:
    long = "of something else altogether, in more than forty letters\n"
    assert unknown(long + "and a second line\n" + long) == [1, 2, 3]
    # A label that may be a token's first, and is not by what stands behind it.
    assert unknown("User: S-1-5-18\n" + long) == [1, 2] and unknown("TS Session ID: 0x1\n" + long) == [2]
    assert unknown("kd>\n0: kd> \n") == [] and read_token_text("kd>\n").commands == ()
    assert unknown("kd> k\n") == [1]
    # What may be the first line of a token is held until the next one tells; that is none of it.
    assert unknown("User: S-1-5-18\nshort\n") == [1, 2]
    # So it is where another token says the same of itself; and of half a SID whose rest did not come.
    assert unknown("User: S-1-5-18\nshort\n" + HEAD + "User: S-1-5-18\n") == [1, 2]
    assert unknown(HEAD + "PackageSid: S-1-15-2-1\n" + LASTS + "Package: S-1-15-2-1-\n\nshort\n") == [6, 8]


def test_a_head_behind_other_words_begins_a_token() -> None:
    """Two lines that somebody joined: what stands in front of the head is listed, and is no part of it."""
    for ahead in ("text before ", "x ", "Session: 1 "):
        found = read_token_text(ahead + "_TOKEN 0xffff8f0012340060\nTS Session ID: 0x1\n")
        assert [(one.token.address, one.token.session_id) for one in found.tokens] == [(0xFFFF8F0012340060, 1)]
        assert [line.number for line in found.not_understood] == [1]
    two = read_token_text("kd> !token\nUser: S-1-5-18 _TOKEN 0xffff8f0012340060\nTS Session ID: 0x1\n").tokens
    assert [(str(one.token.user), one.token.address) for one in two][0] == ("S-1-5-18", 0)
    assert (two[1].token.address, two[1].token.session_id) == (0xFFFF8F0012340060, 1)


def test_more_sids_than_memory_is_for_are_refused_whichever_lists_they_are_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdtoken.view.partial.MOST_SIDS", 4)
    rows = " 00 S-1-1-0\n    Attributes - Mandatory\n 01 S-1-5-11\n    Attributes - Mandatory\n"
    groups_of_two = "User Groups:\n" + rows
    restricted = "RestrictedSidCount: 2      RestrictedSids: 0xffff8f0012340800\nRestricted SIDs: \n" + rows
    capabilities = "CapabilityCount: 2      Capabilities: 0xffff8f0012340800\nCapabilities: \n" + rows
    for text in (groups_of_two + restricted, groups_of_two + capabilities, restricted + capabilities):
        assert len(read_token_text(HEAD + text, "a.txt").tokens) == 1
        with pytest.raises(BadFormat) as caught:
            read_token_text((HEAD + text) * 2, "a.txt")
        assert caught.value.message == "a.txt tells of over 4 groups of tokens, which is too much to be read at once"
    assert len(read_token_text((HEAD + groups_of_two) * 2, "a.txt").tokens) == 2


def test_a_privilege_behind_the_end_of_its_list_is_another_token_s() -> None:
    """A label closed the list; a row with its number and state is of a token whose head was lost."""
    row = " 20 0x000000014 SeDebugPrivilege                  Attributes - Enabled\n"
    other = " 23 0x000000017 SeChangeNotifyPrivilege           Attributes - Enabled\n"
    for behind, numbers in (
        ("Authentication ID:         (0,3e7)\n", [[20], [23]]),
        ("Token ID: 12\n", [[20], [23]]),
        ("User: S-1-5-18\n", [[20], [23]]),  # which stands in front of the list, where nothing is lost
        ("Odd: 1\n", [[20, 23]]),  # no label of any token's: the list goes on behind it
    ):
        tokens = read_token_text(HEAD + "Privs: \n" + row + behind + other).tokens
        assert [[one.number for one in token.privileges] for token in tokens] == numbers, behind


def test_a_row_of_privileges_without_numbers_is_one_only_below_their_heading() -> None:
    row = " SeDebugPrivilege                  Attributes - Enabled\n"
    (token,) = read_token_text(HEAD + "Privs: \n" + row + "Authentication ID:         (0,3e7)\n").tokens
    assert [(one.number, one.enabled) for one in token.privileges] == [(20, True)]
    assert unknown(HEAD + row) == [3] and unknown(row) == [1]
    # With a rank alone, behind the list or without a token, it is nobody's.
    ranked = " 00" + row
    behind = HEAD + "Privs: \n 20 0x000000014 SeDebugPrivilege    Attributes - \nToken ID: 12\n" + ranked
    assert unknown(behind) == [6] and unknown(ranked) == [1]
    assert unknown(behind.replace(ranked, " 23 0x000000017 SeChangeNotifyPrivilege\n")) == [6]


def test_output_behind_a_prompt_on_its_line_is_output() -> None:
    (token,) = read_token_text("0: kd> _TOKEN 0xffff8f0012340060\nTS Session ID: 0x1\n").tokens
    assert (token.token.address, token.token.session_id) == (0xFFFF8F0012340060, 1)
    assert str(token.places["address"]) == "text:1"


def test_the_form_without_an_argument_names_the_process() -> None:
    """It prints `_EPROCESS A, _TOKEN B` in the place of the head."""
    text = "kd> !token\n_EPROCESS ffffab887e89d080, _TOKEN 0\n_TOKEN ffff8f00`12340060\nUser: S-1-5-18\n"
    found = read_token_text("kd> !token\n_EPROCESS ffffab88`7e89d080, _TOKEN ffff8f0012340060\nUser: S-1-5-18\n")
    (token,) = found.tokens
    assert (token.process, token.token.address) == (0xFFFFAB887E89D080, 0xFFFF8F0012340060)
    assert {one.process for one in read_token_text(text).tokens} == {0xFFFFAB887E89D080, 0}
    (plain,) = read_token_text(HEAD + "User: S-1-5-18\n").tokens
    assert plain.process == 0


def test_no_token_is_an_error_with_its_address_and_line() -> None:
    said = "The address 0xffff8f0012340060 does not point to a token object."
    for text in ("kd> !token ffff8f0012340060\n" + said, HEAD + said):
        found = read_token_text(text + "\n", "a.txt")
        assert found.tokens == ()
        (error,) = found.errors
        assert (error.text, error.address, str(error.place)) == (
            said,
            0xFFFF8F0012340060,
            "a.txt:%d" % text.count("\n").__add__(1),
        )
    # Of another one than that whose head was printed, or behind lines of its own: the token stays.
    for text in (HEAD + said.replace("60 ", "70 ") + "\nUser: S-1-5-18", HEAD + "User: S-1-5-18\n" + said):
        found = read_token_text(text + "\n")
        assert len(found.tokens) == 1 == len(found.errors)


def test_a_head_with_nothing_behind_it_is_no_token() -> None:
    """The line behind it, cut off or broken, may have said that it is none: nothing of a token is told."""
    said = "InitTypeRead(ffff8f0012340060, nt!_TOKEN) failed - 1\n"
    assert read_token_text(HEAD + said).tokens == ()
    for rest in ("", said[:30], said[1:], said[:20] + "\n" + said[20:], "(snip)\n", "what somebody wrote of it\n"):
        found = read_token_text(HEAD + rest)
        assert found.tokens == () == found.errors, rest
        # The head is listed, and what was not understood.
        listed = [line.text for line in read_text(HEAD + rest).not_understood]
        assert HEAD.split("\n")[1] in listed, rest
    # An error in general is about the address that was asked for.
    (error,) = read_token_text(HEAD + "Unable to read it\n").errors
    assert (error.text, error.address) == ("Unable to read it", 0xFFFF8F0012340060)
    # With a value behind it, whatever one, it is a token; whose token it is, is such a value.
    for one in ("TS Session ID: 0x1\n", " 20 0x000000014 SeDebugPrivilege  Attributes - \n", "User Groups:\n"):
        assert [token.token.address for token in read_token_text(HEAD + one).tokens] == [0xFFFF8F0012340060], one
    (token,) = read_token_text("kd> !token\n_EPROCESS ffffab887e89d080, _TOKEN ffff8f0012340060\n").tokens
    assert token.process == 0xFFFFAB887E89D080


def test_another_error_behind_the_command_is_kept() -> None:
    found = read_token_text("kd> !token ffff8f0012340060\nUnable to read ffff8f0012340060\n")
    (error,) = found.errors
    assert (error.text, error.address) == ("Unable to read ffff8f0012340060", 0xFFFF8F0012340060)
    # Where nobody asked for a token, an error is of something else.
    assert read_token_text("Unable to read ffff8f0012340060\n").errors == ()


def test_a_lone_label_of_something_else_is_no_token() -> None:
    for text in ("Source: *SYSTEM*\n", "User: S-1-5-18\n", "kd> !token\nPackage: of the parcel service\n"):
        assert read_token_text(text).tokens == (), text
    assert unknown("User: S-1-5-18\n") == [1] and unknown("User: S-1-5-18\nFull Name: x\n") == [1, 2]
    (token,) = read_token_text("User: S-1-5-18\nUser Groups:\n 00 S-1-1-0\n    Attributes - Mandatory\n").tokens
    assert [str(one.sid) for one in token.groups] == ["S-1-5-18", "S-1-1-0"] and token.not_understood == ()


def test_a_privilege_row_begins_a_token_only_with_number_and_attributes() -> None:
    row = " 20 0x000000014 SeDebugPrivilege                  Attributes - Enabled Default\n"
    (token,) = read_token_text(row).tokens
    assert [(one.number, one.enabled) for one in token.privileges] == [(20, True)] and token.incomplete == (
        "privileges",
    )
    for part in (" 20 SeDebugPrivilege                  Attributes - Enabled\n", " 20 0x000000014 SeDebugPrivilege\n"):
        assert read_token_text(part).tokens == () and unknown(part) == [1]
    # Behind its privileges a token has no more of them: another's.
    behind = HEAD + "Authentication ID: (0,3e7)\n" + row
    one, other = read_token_text(behind).tokens
    assert one.privileges == () and [held.number for held in other.privileges] == [20]
    # Before them, they are its own whose heading was lost.
    (same,) = read_token_text(HEAD + "User: S-1-5-18\n" + row).tokens
    assert [held.number for held in same.privileges] == [20]


def test_rows_of_sids_behind_the_groups_are_of_no_known_list() -> None:
    rows = " 00 S-1-1-0\n    Attributes - Mandatory\n"
    (token,) = read_token_text(HEAD + "User: S-1-5-18\n" + rows + "Primary Group: S-1-5-18\n").tokens
    assert [str(one.sid) for one in token.groups] == ["S-1-5-18", "S-1-1-0"]
    one, other = read_token_text(HEAD + "Primary Group: S-1-5-18\n" + rows + "Primary Group: S-1-5-19\n").tokens
    assert one.groups == () and [str(group.sid) for group in other.groups] == ["S-1-1-0"]
    # Without a number a SID may be anybody's.
    assert unknown(HEAD + "Source: X\nS-1-5-11\n") == [4]
    assert unknown(HEAD + "Source: X\n01 S-1-5-11-\n") == [4]


def test_what_other_commands_print_under_the_same_labels_ends_a_token() -> None:
    for other in ("TOKEN structure offsets:", "->Owner   : S-1-5-32-544", "+0x0c8 TokenFlags : 0x2000"):
        found = read_token_text(HEAD + "User: S-1-5-18\n" + other + "\nTokenFlags: 0x78\n")
        assert found.tokens[0].token.flags == NotSaid("!token")
        assert 4 in [line.number for line in found.not_understood] and found.tokens[0].not_understood == ()


def test_lines_of_a_token_are_its_taken_lines() -> None:
    text = "a note\n" + HEAD + "User: S-1-5-18\nwhat is this\nSource: *SYSTEM*\n"
    found = read_token_text(text)
    assert [line.number for line in found.taken] == [3, 4, 6] and [line.number for line in found.commands] == [2]
    assert unknown(text) == [1, 5] and [line.number for line in found.tokens[0].not_understood] == [5]


def test_broken_mark_up_in_a_list_tears_it() -> None:
    rows = "User Groups:\n 00 S-1-1-0\n    Attributes - Mandatory <b\n"
    (token,) = read_token_text(HEAD + rows + "Primary Group: S-1-5-18\n").tokens
    held = token.token.user_and_groups
    assert isinstance(held, Fragment) and "(line 5)" in held.why


@pytest.mark.parametrize("behind", ["", "kd> k\n", "PackageSid: (null)\n", "01-\n", "->Owner : x\n"])
@pytest.mark.parametrize("line", ["01 S-1-5-11-", "User: S-1-5-21-1-2-", "Primary Group: S-1-5-21-"])
def test_half_a_sid_whose_rest_does_not_come_is_listed(line: str, behind: str) -> None:
    """Its line was cut behind a hyphen: it is no SID, and nothing else would tell that one stood there."""
    assert 3 in unknown(HEAD + line + "\n" + behind)
