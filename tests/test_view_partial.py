"""A model with holes: which entry is the label, how lists with gaps line up, and what a privilege needs to count.

Lists and texts with more rows, tokens and outputs than any token or log has: a part is kept, and is marked as one.
"""

from typing import Any, List

import pytest

from kdtoken.analysis.differences.comparison import Outcome
from kdtoken.analysis.differences.fields import compare
from kdtoken.errors import BadFormat
from kdtoken.machine.merged import _MOST_CHANGES, merge_tokens, read_logs
from kdtoken.machine.text import view_of
from kdtoken.model.absent import NOT_SAID_HERE, Fragment, NotSaid, Unreadable
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.privilege import NAMES, Privilege
from kdtoken.model.sid import Sid
from kdtoken.view import partial
from kdtoken.view.debugger import token_lines
from kdtoken.view.debugger.token_command import read_token_text
from kdtoken.view.partial import (
    TOO_MANY,
    PartialGroup,
    PartialPrivilege,
    entries_of,
    label_index,
    partial_token,
    privileges_field,
)
from kdtoken.view.text import read_text
from kdtoken.view.whoami import rows
from kdtoken.view.whoami.reader import read_whoami_text

WHOAMI = "C:\\>whoami /groups\n\nGROUP INFORMATION\n-----------------\n\n"
GROUP = "LAB\\g%d   Group  S-1-5-21-1-2-3-%d Mandatory group, Enabled by default, Enabled group\n"
PRIVILEGE = "SeChangeNotifyPrivilege       Bypass traverse checking             Enabled\n"
TOKEN = "_TOKEN 0xffffd1020300a060\nTS Session ID: 0x1\nUser: S-1-5-18\nUser Groups: \n"
ROW = " %02d S-1-5-21-1-2-3-%d\n    Attributes - Mandatory Default Enabled \n"

EVERYONE, LOW, MEDIUM = (Sid.from_text(one) for one in ("S-1-1-0", "S-1-16-4096", "S-1-16-8192"))
LABEL = 0x60  # winnt.h SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED
GONE = Unreadable(0, "not in the text")


@pytest.mark.parametrize(
    "entries, index",
    [
        ((Group(EVERYONE, 7), Group(MEDIUM, LABEL)), 1),
        ((Group(LOW, 7), Group(MEDIUM, LABEL)), 1),  # a label SID without the attribute is a group like others
        ((Group(LOW, LABEL), Group(MEDIUM, 7)), 0),
        ((Group(LOW, 7), Group(MEDIUM, 7)), 0),  # none has it (a text without attributes): the first
        ((GONE, Group(MEDIUM, 0x20)), 1),
        # Of a label whose attributes are not known, its SID tells; one that has them comes before it.
        ((Group(EVERYONE, 7), HalfGroup(0, "not in the text", sid=MEDIUM)), 1),
        ((HalfGroup(0, "x", sid=LOW), HalfGroup(0, "x", sid=MEDIUM)), 0),
        ((HalfGroup(0, "x", sid=LOW), Group(MEDIUM, LABEL)), 1),
        ((HalfGroup(0, "x", sid=EVERYONE), Group(LOW, 7)), 1),
        ((Group(EVERYONE, LABEL),), None),  # the attribute makes no label of another SID
        ((), None),
    ],
)
def test_which_entry_is_the_label(entries: Any, index: Any) -> None:
    assert label_index(entries) == index


def listed(sid: Sid, index: int = -1, attributes: Any = 7) -> PartialGroup:
    return PartialGroup(sid, attributes, "", index)


def test_numbers_that_were_left_out_are_holes() -> None:
    """Rows 00 and 03 of a list: an index into the kernel's list must be one into this."""
    entries = entries_of((listed(EVERYONE, 0), listed(MEDIUM, 3)))
    assert entries[0] == Group(EVERYONE, 7) and entries[3] == Group(MEDIUM, 7) and len(entries) == 4
    assert entries[1] == NOT_SAID_HERE


@pytest.mark.parametrize("index", [-1, 0, 1, 4096, 1 << 40])
def test_numbers_that_do_not_go_up_or_are_noise_are_not_believed(index: int) -> None:
    assert entries_of((listed(EVERYONE, 0), listed(MEDIUM, index))) == (Group(EVERYONE, 7), Group(MEDIUM, 7))
    assert len(entries_of((listed(EVERYONE, 0), listed(MEDIUM, 4095)))) == 4096


def test_a_list_that_starts_later() -> None:
    assert entries_of((listed(EVERYONE, 1), listed(MEDIUM, 3)), first=1) == (
        Group(EVERYONE, 7),
        NOT_SAID_HERE,
        Group(MEDIUM, 7),
    )


def test_a_group_of_which_the_attributes_are_not_known_is_a_hole_that_names_it() -> None:
    nothing = listed(EVERYONE, 0, NotSaid("whoami")).entry
    assert nothing == HalfGroup(0, "it is listed, its attributes are not", sid=EVERYONE)
    assert str(nothing) == "S-1-1-0: it is listed, its attributes are not"
    strange = Unreadable(0, "attribute words not known: 'Xyzzy'")
    assert listed(EVERYONE, 0, strange).entry == HalfGroup(0, "attribute words not known: 'Xyzzy'", sid=EVERYONE)


def test_privileges_by_number_and_none_invented() -> None:
    debug = PartialPrivilege("SeDebugPrivilege", None, True, NotSaid("whoami"))
    notify = PartialPrivilege("SeChangeNotifyPrivilege", 23, False, True)
    assert privileges_field("whoami", (notify, debug)) == (
        Privilege(20, "SeDebugPrivilege", True, True, None),  # whoami never says it
        Privilege(23, "SeChangeNotifyPrivilege", True, False, True),
    )
    assert privileges_field("whoami", ()) == ()


@pytest.mark.parametrize(
    "one",
    [
        PartialPrivilege("SeDebugPrivilege", 20, NotSaid("whoami"), False),
        PartialPrivilege("SeDebugPrivilege", 20, Unreadable(0, "state word not known: 'X'"), False),
        PartialPrivilege("SeNobodyKnowsPrivilege", None, True, False),
        PartialPrivilege("SeDebugPrivilege", 64, True, False),
        PartialPrivilege("SeDebugPrivilege", -1, True, False),
    ],
)
def test_one_privilege_that_is_not_known_leaves_all_unread(one: PartialPrivilege) -> None:
    """Leaving it out would say that the token lacks it."""
    notify = PartialPrivilege("SeChangeNotifyPrivilege", 23, True, True)
    found = privileges_field("whoami", (notify, one))
    assert isinstance(found, Unreadable) and one.name in found.reason


def test_the_highest_bit_is_a_privilege() -> None:
    top = PartialPrivilege("SeTopPrivilege", 63, True, False)
    assert privileges_field("!token", (top,)) == (Privilege(63, "SeTopPrivilege", True, True, False),)
    lowest = PartialPrivilege("SeLowestPrivilege", 0, True, False)  # nobody's, and a bit all the same
    assert privileges_field("!token", (top, lowest)) == (
        Privilege(0, "SeLowestPrivilege", True, True, False),
        Privilege(63, "SeTopPrivilege", True, True, False),
    )


def test_a_field_that_nobody_has_is_a_mistake_of_the_reader() -> None:
    with pytest.raises(KeyError):
        partial_token("!token", 0, {"nonsense": 1})
    token = partial_token("!token", 0x1000, {"session_id": 1})
    assert (token.address, token.session_id, token.flags) == (0x1000, 1, NotSaid("!token"))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows a list instead of 4,096."""
    for module in (rows, token_lines):
        monkeypatch.setattr(module, "MOST_ROWS", 3)


def sids(entries: Any) -> List[int]:
    return [one.sid.rid for one in entries if isinstance(one, Group)]


def test_of_whoamis_groups_so_many_are_kept_and_the_others_are_listed(few: None) -> None:
    text = WHOAMI + "".join(GROUP % (n, 1000 + n) for n in range(5)) + "\nC:\\>"
    (token,) = read_whoami_text(text).tokens
    listed = token.token.user_and_groups
    assert sids(listed) == [1000, 1001, 1002]
    assert isinstance(listed, Fragment) and listed.why == TOO_MANY
    assert token.incomplete == ("user_and_groups",)
    assert [line.number for line in token.not_understood] == [9, 10]
    # Behind the last that is kept, words on a line of their own are not its own, but another row's.
    heads = (
        "Group Name  Type   SID                  Attributes\n=========== ====== ==================== ==============\n"
    )
    row = "LAB\\x       Group  S-1-5-21-1-2-3-1009\n"
    (token,) = read_whoami_text(WHOAMI + heads + (row + "Enabled group\n") * 2 + row * 2 + "Enabled group\n").tokens
    assert [isinstance(one.attributes, int) for one in token.groups] == [True, True, False]
    # In the other forms too, what follows is no other token's.
    csv = '"LAB\\g","Group","S-1-5-21-1-2-3-%d","Enabled group"\n'
    lists = "Group Name: LAB\\g\nType:       Group\nSID:        S-1-5-21-1-2-3-%d\nAttributes: Enabled group\n\n"
    for form in (csv, lists):
        (token,) = read_whoami_text(WHOAMI + "".join(form % (1000 + n) for n in range(40))).tokens
        assert (len(token.groups), len(token.not_understood)) == (3, 37) and token.incomplete == ("user_and_groups",)
    # As many as there may be are all of them.
    (token,) = read_whoami_text(WHOAMI + "".join(GROUP % (n, 1000 + n) for n in range(3)) + "\nC:\\>").tokens
    assert (token.incomplete, token.not_understood) == ((), ())


def test_the_same_of_privileges(few: None) -> None:
    (token,) = read_whoami_text("C:\\>whoami /priv\n\nPRIVILEGES INFORMATION\n------\n\n" + PRIVILEGE * 5).tokens
    assert (len(token.privileges), token.incomplete) == (3, ("privileges",))
    assert isinstance(token.token.privileges, Fragment) and token.token.privileges.why == TOO_MANY
    row = " %02d 0x0000000%02x %s           Attributes - Enabled Default \n"
    rows_of = "".join(row % (number, number, NAMES[number]) for number in range(5, 10))
    found = read_token_text(TOKEN.replace("User Groups", "Privs") + rows_of)
    (token,) = found.tokens
    assert (len(token.privileges), token.incomplete) == (3, ("user_and_groups", "privileges"))
    assert [line.number for line in found.not_understood] == [8, 9]


def test_of_token_s_groups_so_many_are_kept_and_no_other_token_is_made_of_the_rest(few: None) -> None:
    text = TOKEN + "".join(ROW % (n, 1000 + n) for n in range(40)) + "Primary Group: S-1-5-18\nPrivs: \n"
    found = read_token_text(text)
    (token,) = found.tokens
    listed = token.token.user_and_groups
    assert sids(listed)[1:] == [1000, 1001, 1002] and [one.attributes for one in token.groups[1:]] == [7, 7, 7]
    assert isinstance(listed, Fragment) and listed.why == TOO_MANY
    assert token.token.primary_group == token.token.user  # what stands behind the list is the token's
    assert [line.number for line in found.not_understood] == list(range(11, 85, 2))
    # A width that broke the attributes' lines makes no difference.
    broken = TOKEN + "".join(ROW.replace(" Enabled", "\nEnabled") % (n, 1000 + n) for n in range(40))
    assert len(read_token_text(broken).tokens) == 1


def test_nothing_is_concluded_from_a_part(few: None) -> None:
    many = "".join(GROUP % (n, 1000 + n) for n in range(5))
    whoami = view_of(read_whoami_text(WHOAMI + many + "\nC:\\>").tokens[0], "a")
    token = view_of(
        read_token_text(TOKEN + ROW % (0, 1000) + ROW % (1, 1004) + "Primary Group: S-1-5-18\n").tokens[0], "b"
    )
    for pair in ((whoami, token), (token, whoami)):
        rows_of = [one for one in compare(*pair).rows if "S-1-5-21-1-2-3-1004" in one.name]
        assert rows_of and not {one.outcome for one in rows_of} & {Outcome.DIFFERS, Outcome.EXPECTED}


def test_more_tokens_than_memory_is_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "MOST_TOKENS", 3)
    token = "_TOKEN ffffd1020300%x060\nUser: S-1-5-18\n"
    whoami = "C:\\>whoami /user\n\nUSER INFORMATION\n----------------\n\nlab\\a S-1-5-21-1-2-3-100%d\n\n"
    dt = "kd> dt nt!_TOKEN ffffd1020300%x060\n   +0x078 SessionId : 1\n   +0x0c4 TokenType                        : 1 ( TokenPrimary )\n"
    for form in (token, whoami, dt):
        assert len(read_text("".join(form % n for n in range(1, 4))).tokens) == 3
        with pytest.raises(BadFormat, match=r"a.txt tells of over 3 tokens, which is too much") as caught:
            read_text("".join(form % n for n in range(1, 5)), "a.txt")
        assert caught.value.next_step == "choose lines of it: FILE:FIRST-LAST, or cut the file"
    monkeypatch.setattr(partial, "MOST_TOKENS", 10)
    monkeypatch.setattr(partial, "MOST_SIDS", 5)
    one = TOKEN + ROW % (0, 1000) + ROW % (1, 1001) + "Primary Group: S-1-5-18\n"
    other = WHOAMI + GROUP % (0, 1000) + GROUP % (1, 1001) + GROUP % (2, 1002) + "\n"
    for form in (one, other):
        assert len(read_text(form * 2).tokens) == 2 if form is other else read_text(form).tokens
        with pytest.raises(BadFormat, match=r"a.txt tells of over 5 groups of tokens, which is too much"):
            read_text(form * 3, "a.txt")


def test_a_token_printed_again_and_again_is_put_together_in_linear_time() -> None:
    """What each output differs in is told of so many; all of them count."""
    outputs = 3 * _MOST_CHANGES
    text = "".join(
        "0: kd> !token ffffd1020300a060\n" + TOKEN.replace("0x1\n", "0x%x\n" % n) + ROW % (0, 1000 + n)
        for n in range(outputs)
    )
    token = merge_tokens(read_logs([("log", text)]))[0xFFFFD1020300A060]
    assert token.token.session_id == outputs - 1
    assert "groups.S-1-5-21-1-2-3-1000" in token.places and "groups.S-1-5-21-1-2-3-%d" % (999 + outputs) in token.places
    told = [one for one in token.token.problems if "two outputs of it" in one]
    assert len(told) == _MOST_CHANGES
    assert ["of more outputs it is not told" in one for one in told] == [False] * (_MOST_CHANGES - 1) + [True]
