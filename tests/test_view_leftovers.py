"""Leftovers: a line glued out of two forms keeps all its facts, in a result or listed unread."""

from typing import List

from kdtoken.model.absent import Unreadable
from kdtoken.model.group import Group
from kdtoken.model.sid import Sid
from kdtoken.view.debugger.text import read_debugger_text
from kdtoken.view.leftovers import among, read_each, with_leftovers
from kdtoken.view.lines import Line
from kdtoken.view.partial import PartialGroup, PartialPrivilege, PartialToken, partial_token
from kdtoken.view.whoami.reader import read_whoami_text


def test_a_record_glued_out_of_two_keeps_both() -> None:
    """A SID within a privilege's record: the privilege's form has no place for it."""
    text = "\n".join(
        [
            "Privilege Name: SeTimeZonePrivilege",
            "----------------     SID:       S-1-5-21-1-2-3-1001",
            "Attributes: Group used for deny only",
            "PS C:\\> whoami /all /fo list      Group Name: BUILTIN\\Administrators",
        ]
    )
    result = read_whoami_text(text)
    told = {str(group.sid) for token in result.tokens for group in token.groups}
    unread = " ".join(line.text for line in result.not_understood)
    assert "S-1-5-21-1-2-3-1001" in told or "S-1-5-21-1-2-3-1001" in unread


def test_a_line_that_was_understood_is_not_listed() -> None:
    text = "kd> !token ffffd10203046060\n_TOKEN 0xffffd10203046060\nTS Session ID: 0x1\nUser: S-1-5-18\n"
    assert read_debugger_text(text).not_understood == ()


def test_an_address_of_a_token_that_no_form_fits_is_listed() -> None:
    line = "and then the Token  ffffd10203046060 was gone"
    assert [one.text for one in read_debugger_text(line + "\n").not_understood] == [line]


def test_a_line_of_which_one_fact_was_kept_and_another_was_not_is_listed() -> None:
    """The promise is of every SID and every privilege, not of one a line."""
    token = partial_token("!token", 0, {"user_and_groups": (Group(Sid.from_text("S-1-1-0"), 7),)})
    result = PartialToken("!token", token, {}, groups=(PartialGroup(Sid.from_text("S-1-1-0"), 7),))
    both, kept, lost = Line(1, "S-1-1-0 S-1-5-18"), Line(2, "s-1-1-0"), Line(3, "SeDebugPrivilege")
    assert with_leftovers([both, kept, lost], [result], [], []) == (both, lost)
    # In the order of the text, each once, and not what the result keeps elsewhere.
    assert with_leftovers([both, kept, lost], [result], [lost], [kept]) == (both, kept)
    assert with_leftovers([both, kept], [result], [], [both]) == (both,)


def test_what_a_token_did_not_understand_is_reported_by_it() -> None:
    line = Line(7, "S-1-5-32-544 ???")
    result = PartialToken("!token", partial_token("!token", 0, {}), {}, not_understood=(line,))
    assert with_leftovers([line], [result], [], []) == ()


def test_every_sid_field_counts() -> None:
    for name in ("primary_group", "package", "trust_level_sid"):
        token = partial_token("!token", 0, {name: Sid.from_text("S-1-5-18")})
        assert with_leftovers([Line(1, "S-1-5-18")], [PartialToken("!token", token, {})], [], []) == ()
    privilege = PartialPrivilege("SeDebugPrivilege", 20, True, False)
    result = PartialToken("!token", partial_token("!token", 0, {}), {}, privileges=(privilege,))
    assert with_leftovers([Line(1, "SeDebugPrivilege")], [result], [], []) == ()


def test_each_line_is_read_once_and_those_with_facts_come_back() -> None:
    lines = [Line(1, "S-1-1-0"), Line(2, "nothing"), Line(3, "SeDebugPrivilege")]
    given: List[Line] = []
    assert read_each(lines, given.append) == [lines[0], lines[2]]
    assert given == lines


def test_what_a_doubt_names_is_reported_by_it() -> None:
    """An entry or a field that is not believed keeps its SID in the reason; the line is not listed once more."""
    for name in ("user_and_groups", "restricted_sids", "capabilities"):
        token = partial_token("!token", 0, {name: (Unreadable(0, "S-1-5-18: words not known"),)})
        result = PartialToken("!token", token, {})
        assert with_leftovers([Line(1, "S-1-5-18")], [result], [], []) == (), name
        assert with_leftovers([Line(1, "S-1-5-19")], [result], [], []) == (Line(1, "S-1-5-19"),), name
    token = partial_token("!token", 0, {"primary_group": Unreadable(0, "given twice: S-1-5-18")})
    assert with_leftovers([Line(1, "S-1-5-18")], [PartialToken("!token", token, {})], [], []) == ()


def test_lines_are_found_among_others_by_identity_and_in_any_order() -> None:
    lines = [Line(1, "a"), Line(2, "b"), Line(2, "b"), Line(3, "c")]  # the second line came in two equal pieces
    some = [lines[3], lines[1], Line(2, "b")]  # the last is in no text
    assert list(among(lines, some)) == [0, 1, 0, 1]
    assert list(among(lines, some[::-1])) == [0, 1, 0, 1]
    assert list(among(lines, [lines[2], lines[1]])) == [0, 1, 1, 0] and not any(among(lines, []))
