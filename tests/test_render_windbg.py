"""`--format windbg` against the text that `!token` prints of the declaration, line by line."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kdtoken.decode.process_dump import Tokens
from kdtoken.model.absent import Unreadable
from kdtoken.model.group import Group
from kdtoken.model.privilege import Privilege, name_of
from kdtoken.model.process import CrossCheck, FastRef, Process, ProcessDump
from kdtoken.model.sid import Sid
from kdtoken.model.token import FIELD_NAMES, AttributeList, Token
from kdtoken.render.windbg import dump_lines, token_lines
from tests.expected import FILES, file_of, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.standin_text import token_text
from tests.machine.synthetic import SyntheticSource


def token_of(source: SyntheticSource, key: str) -> Token:
    found = Tokens(source).at(source.kernel.tokens[key])
    assert isinstance(found, Token)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_token_of_the_machine(path: Path) -> None:
    kernel = kernel_of(path)
    tokens = Tokens(SyntheticSource(kernel))
    for key, declared in MACHINE.tokens.items():
        token = tokens.at(kernel.tokens[key])
        assert isinstance(token, Token)
        assert token_lines(token) == token_text(kernel, declared), key


def test_a_token_with_its_end_paged_out() -> None:
    source = SyntheticSource(kernel_of(file_of("10.0.17763"), everything_there=False))
    lines = token_lines(token_of(source, "sids-paged-out"))
    assert lines[1] == "TS Session ID: 0x1"
    assert lines[2].startswith("User: ?? unreadable at 0x") and lines[2].endswith(": paged out")
    assert any(line.startswith("User Groups: ") for line in lines)
    assert "Privs: " in lines


def test_a_field_that_cannot_be_read_is_never_a_number() -> None:
    source = SyntheticSource(kernel_of(file_of("6.3.9600")))
    nothing = Unreadable(0x1230, "paged out")
    token = token_of(source, "bfe")
    names = FIELD_NAMES
    blind = replace(token, origins={}, **{name: nothing for name in names})
    for line in token_lines(blind)[1:]:
        assert "??" in line or line.endswith(":"), line


@pytest.mark.parametrize(
    "counts, words",
    [
        ((0, 0), "with no claims"),
        ((1, 0), "Unable to get the offset"),
        ((0, 1), "Unable to get the offset"),
        ((2, 3), "Unable to get the offset"),
        ((0, Unreadable(0x20, "paged out")), "Unable to get the offset"),  # there may be some
        ((), "with no claims"),
    ],
)
def test_claims_in_one_list_of_several_are_claims(counts: Any, words: str) -> None:
    token = token_of(SyntheticSource(kernel_of(file_of("10.0.22000"))), "calculator")
    lists = tuple(("List%d" % at, count) for at, count in enumerate(counts))
    lines = token_lines(replace(token, security_attributes=AttributeList(0x1000, lists)))
    assert words in lines[lines.index("Security Attributes:") + 1]


def test_a_group_that_cannot_be_read_keeps_its_number() -> None:
    token = token_of(SyntheticSource(kernel_of(file_of("6.3.9600"))), "notepad")
    assert isinstance(token.user_and_groups, tuple)
    groups = list(token.user_and_groups)
    groups[2] = Unreadable(0xFFFF800000001000, "paged out")
    lines = token_lines(replace(token, user_and_groups=tuple(groups)))
    at = lines.index(" 01 ?? unreadable at 0xffff800000001000: paged out")
    assert lines[at + 1] == "    Attributes - ??"
    assert lines[at + 2].startswith(" 02 ")


def test_bits_without_a_name_are_kept() -> None:
    token = token_of(SyntheticSource(kernel_of(file_of("6.3.9600"))), "notepad")
    odd = Privilege(61, name_of(61), True, True, False)
    group = Group(Sid(1, (0,)), 0x20000004)
    lines = token_lines(replace(token, privileges=(odd,), user_and_groups=(group, group), token_type=7))
    assert " 61 0x00000003d Unknown Privilege                 Attributes - Enabled " in lines
    assert "    Attributes - Enabled GroupResource " in lines
    assert "TokenType:                 unknown (7)" in lines


def test_a_process_without_a_token_and_one_that_disagrees() -> None:
    source = SyntheticSource(kernel_of(file_of("6.3.9600")))
    process = Process(0xFFFF800000002000, 12, "a.exe", FastRef(0, 15), 4)
    dump = ProcessDump(process, Unreadable(0, "paged out"), None, problems=("the list is torn\x1b[31m",))
    assert dump_lines(dump) == [
        "_TOKEN null: pid 12 has no token, as after exit",
        "!! the list is torn\\u001b[31m",
    ]
    dump = replace(dump, token=Unreadable(0x10, "paged out"), problems=())
    assert dump_lines(dump) == ["_TOKEN ?? unreadable at 0x10: paged out"]
    token = token_of(source, "notepad")
    check = CrossCheck("!process ffff800000002000 1", 0x1230, False)
    assert dump_lines(replace(dump, token=token, cross_check=check)) == token_lines(token) + [
        "!! !process ffff800000002000 1 says that the token is 0x1230: one of the two is wrong"
    ]


@pytest.mark.parametrize(
    "address, raw, shown",
    [
        # A pointer of the token tells the target's width; where none was read, the address does.
        (0x8A204060, b"\0" * 4, "_TOKEN 0x8a204060"),
        (0x8A204060, b"\0" * 8, "_TOKEN 0x000000008a204060"),
        (0x8A204060, None, "_TOKEN 0x8a204060"),
        (0xFFFFFFFF, None, "_TOKEN 0xffffffff"),
        (0x100000000, None, "_TOKEN 0x0000000100000000"),
        (0, None, "_TOKEN 0x0000000000000000"),
        (0xFFFF8A8011002380, b"\0" * 8, "_TOKEN 0xffff8a8011002380"),
    ],
)
def test_a_pointer_is_as_wide_as_the_target_s(address: int, raw: Any, shown: str) -> None:
    token = token_of(SyntheticSource(kernel_of(file_of("6.3.9600"))), "notepad")
    origins = {} if raw is None else {"user_and_groups": token.origins["user_and_groups"]._replace(raw=raw)}
    assert token_lines(replace(token, address=address, origins=origins))[0] == shown
