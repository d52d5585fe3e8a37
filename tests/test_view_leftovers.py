"""The net under the views: a line glued out of two forms keeps all its facts, in a result or listed unread."""

from kdtoken.view.debugger.text import read_debugger_text
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
