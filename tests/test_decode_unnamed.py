"""Members that this version has no name for: shown raw everywhere, whatever their type, and never lost."""

import json
from dataclasses import replace
from typing import Any, Optional

import pytest

from kdtoken.analysis.differences.comparison import Kind, Outcome
from kdtoken.analysis.differences.fields import compare
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.layout.layout import size_of
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Absent, NotSaid, Unreadable
from kdtoken.model.token import RawMember, Token
from kdtoken.render.diff import diff_lines
from kdtoken.source.cached import CachedSource
from tests.declared_views import command
from tests.declared_views import kernel as kernel_view
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource
from tests.schemas import validator
from tests.verbs import run_on

KERNEL = kernel_of(WINDOWS_11)  # 10.0.22000
SPEC = MACHINE.tokens["notepad"]
AT = KERNEL.tokens["notepad"]
LAYOUT = KERNEL.layouts.layout("_TOKEN")


def offset(member: str, kind: str = "_TOKEN") -> int:
    return KERNEL.layouts.layout(kind).field(member).offset


def source() -> SyntheticSource:
    return SyntheticSource(KERNEL)


def token_of(target: SyntheticSource) -> Token:
    token = Tokens(CachedSource(target)).at(AT)
    assert isinstance(token, Token)
    return token


def only(target: SyntheticSource) -> RawMember:
    (member,) = token_of(target).unnamed
    return member


def with_hole() -> SyntheticSource:
    """A _TOKEN that is two pages longer, the last of them gone."""
    target = source().with_field("_TOKEN", "NewThing", (LAYOUT.size or 0) + 0x2000, "Uint4B")
    return target.without_mapping([AT + (LAYOUT.size or 0) + 0x2000])


TOKEN_ID = SPEC.token_id.to_bytes(8, "little")
FLAGS = SPEC.flags.to_bytes(4, "little")


@pytest.mark.parametrize(
    "kind, over, raw, number",
    [
        ("Uint8B", "TokenId", TOKEN_ID, SPEC.token_id),
        ("Uint4B", "TokenFlags", FLAGS, SPEC.flags),
        ("UChar", "TokenFlags", FLAGS[:1], SPEC.flags & 0xFF),
        # 0x2000 NOT_LOW is bit 13 of an ordinary user's flags: two bits from 12 on are 0b10.
        ("Pos 12, 2 Bits", "TokenFlags", FLAGS[:2], SPEC.flags >> 12 & 3),
        ("Int4B", "IntegrityLevelIndex", (len(SPEC.all_groups) - 1).to_bytes(4, "little"), len(SPEC.all_groups) - 1),
        ("[8] UChar", "TokenId", TOKEN_ID, None),
        ("_LUID", "TokenId", TOKEN_ID, None),
        ("Double", "TokenId", TOKEN_ID, None),
        ("Float", "TokenFlags", FLAGS, None),
        ("Uint2B", "TokenFlags", FLAGS[:2], SPEC.flags & 0xFFFF),
    ],
)
def test_any_type_is_shown_raw(kind: str, over: str, raw: bytes, number: Optional[int]) -> None:
    """The new member lies over one whose bytes are declared."""
    found = only(source().with_field("_TOKEN", "NewThing", offset(over), kind))
    assert found == RawMember("_TOKEN", "NewThing", kind, AT + offset(over), raw, number)


def test_a_negative_number() -> None:
    target = source().with_field("_TOKEN", "NewThing", offset("TokenId"), "Int8B")
    target.poke(AT + offset("TokenId"), b"\xfe" + b"\xff" * 7)
    assert only(target).number == -2


def test_a_pointer() -> None:
    target = source().with_field("_TOKEN", "NewThing", offset("VariablePart"), "Ptr64 _NEW_THING")
    found = only(target)
    # The groups' array is what the variable part begins with.
    assert found.number == token_of(target).variable_part and found.number is not None and len(found.raw) == 8  # type: ignore[arg-type]


def test_an_enum_has_its_word_by_the_targets_symbols() -> None:
    target = source().with_enum("_NEW_KIND", ("NewKindNone", 0), ("NewKindPrimary", 1))
    found = only(target.with_field("_TOKEN", "NewKind", offset("TokenType"), "_NEW_KIND"))
    assert (found.number, found.word) == (1, "NewKindPrimary")  # notepad's is a primary token
    target.poke(AT + offset("TokenType"), b"\x07\0\0\0")
    assert (only(target).number, only(target).word) == (7, "")


def test_a_type_that_the_symbols_do_not_have_reaches_up_to_the_next_member() -> None:
    target = source().with_field("_TOKEN", "NewThing", offset("TokenId"), "_NEW_THING")
    found = only(target)
    assert (found.raw, found.number) == (TOKEN_ID, None)  # AuthenticationId follows after eight bytes


def test_the_last_member_of_such_a_type_reaches_to_the_end_of_the_struct() -> None:
    last = LAYOUT.fields[-1]
    size = (LAYOUT.size or 0) - last.offset
    target = source().with_field("_TOKEN", "zNewThing", last.offset, "_NEW_THING")
    assert len(only(target).raw) == size > 0  # type: ignore[arg-type]


def test_a_new_member_of_a_struct_that_is_known_in_part() -> None:
    """A fourth mask of privileges would change what the first three mean."""
    target = source().with_field("_SEP_TOKEN_PRIVILEGES", "NewMask", 8, "Uint8B")
    found = only(target)
    present, enabled, _ = SPEC.privileges.masks
    assert (found.member, found.number) == ("Privileges.NewMask", enabled) and enabled != present
    assert found.address == AT + offset("Privileges") + 8


@pytest.mark.parametrize("struct, path", [("_SEP_AUDIT_POLICY", "AuditPolicy"), ("_TOKEN_SOURCE", "TokenSource")])
def test_structs_of_which_the_table_names_members(struct: str, path: str) -> None:
    target = source().with_field(struct, "NewThing", 0, "UChar")
    assert only(target).member == path + ".NewThing"


def test_what_cannot_be_read_says_so() -> None:
    found = only(with_hole())
    assert isinstance(found.raw, Unreadable) and found.number is None


def test_a_lean_decode_does_not_look() -> None:
    target = source().with_field("_TOKEN", "NewThing", offset("TokenId"), "Uint8B")
    token = Tokens(CachedSource(target), follow=False).at(AT)
    assert isinstance(token, Token) and token.unnamed == ()


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_known_builds_have_none_and_cost_no_request(file: Any) -> None:
    target = CachedSource(SyntheticSource(kernel_of(file)))
    process, _, _ = find_process(target, "notepad.exe")
    dump = dump_process(Tokens(target), process, check=False)
    assert isinstance(dump.token, Token) and dump.token.unnamed == ()
    assert dump.details.unnamed == ()  # type: ignore[union-attr]


# --- _EPROCESS


@pytest.mark.parametrize("name", ["ShadowToken", "ImpersonationThing", "SecurityThing"])
def test_members_of_eprocess_that_have_to_do_with_tokens(name: str) -> None:
    target = source().with_field("_EPROCESS", name, offset("UniqueProcessId", "_EPROCESS"), "Uint8B")
    lines = run_on(target, "dump", "notepad.exe", "--all")
    at = lines.index("Members of _EPROCESS this version has no name for (1)")
    assert lines[at + 1].split() == [name, "0x17d8", "Uint8B"]  # pid 6104


def test_members_of_eprocess_that_have_not() -> None:
    target = source().with_field("_EPROCESS", "NewVadThing", offset("UniqueProcessId", "_EPROCESS"), "Uint8B")
    assert not any("no name for" in line for line in run_on(target, "dump", "notepad.exe", "--all"))


# --- what a person sees


def test_text_why_and_json() -> None:
    target = source().with_field("_TOKEN", "NewThing", offset("TokenId"), "Uint8B")
    lines = run_on(target, "dump", "notepad.exe", "--all")
    at = lines.index("Members of _TOKEN this version has no name for (1)")
    assert lines[at + 1].split() == ["NewThing", hex(SPEC.token_id), "Uint8B"]
    why = run_on(target, "dump", "notepad.exe", "--why")
    at = next(at for at, line in enumerate(why) if line.startswith("  NewThing "))
    raw = " ".join("%02x" % byte for byte in TOKEN_ID)
    assert why[at + 1].strip() == "<- _TOKEN.NewThing at 0x%x: %s" % (AT + offset("TokenId"), raw)
    data = json.loads("\n".join(run_on(target, "dump", "notepad.exe", "--json")))
    validator("dump").validate(data)
    assert data["token"]["unnamed"] == [
        {
            "member": "NewThing",
            "type": "Uint8B",
            "address": hex(AT + offset("TokenId")),
            "raw": TOKEN_ID.hex(),
            "value": hex(SPEC.token_id),
            "word": None,
        }
    ]


def test_a_struct_is_shown_byte_by_byte_and_a_hole_as_one() -> None:
    target = source().with_field("_TOKEN", "NewThing", offset("TokenId"), "_LUID")
    (line,) = [line for line in run_on(target, "dump", "notepad.exe", "--all") if line.startswith("  NewThing")]
    assert line.split() == ["NewThing", *("%02x" % byte for byte in TOKEN_ID), "_LUID"]
    target = with_hole()
    (line,) = [line for line in run_on(target, "dump", "notepad.exe", "--all") if line.startswith("  NewThing")]
    assert "?? unreadable at 0x%x" % (AT + (LAYOUT.size or 0) + 0x2000) in line
    data = json.loads("\n".join(run_on(target, "dump", "notepad.exe", "--json")))
    validator("dump").validate(data)


def test_names_from_symbols_are_not_trusted() -> None:
    name = "New\x1b[2JThing" + "x" * 40
    target = source().with_field("_TOKEN", name, offset("TokenId"), "_EVIL\x1b[2J")
    lines = run_on(target, "dump", "notepad.exe", "--all")
    assert not any("\x1b" in line for line in lines) and all(len(line) < 100 for line in lines)
    assert any("New\\u001b[2JThing" in line for line in lines)


# --- diff


def view(number: Optional[int], c_type: str = "Uint4B", raw: Any = b"\x07") -> Any:
    found = kernel_view("notepad")
    member = RawMember("_TOKEN", "NewThing", c_type, 0x1000, raw, number)
    return replace(found, token=replace(found.token, unnamed=(member,)))


def rows(a: Any, b: Any) -> Any:
    return [(row.outcome, row.a, row.b) for row in compare(a, b).rows if row.name == "member NewThing"]


def test_diff_compares_them() -> None:
    assert rows(view(1), view(1)) == [(Outcome.SAME, 1, 1)]
    assert rows(view(1), view(2)) == [(Outcome.DIFFERS, 1, 2)]
    assert rows(view(None, "_LUID", b"\1"), view(None, "_LUID", b"\2")) == [(Outcome.DIFFERS, b"\1", b"\2")]
    assert rows(view(1, "Ptr64 Void"), view(2, "Ptr64 Void")) == []  # where things lie is nobody's business
    assert rows(view(None, raw=Unreadable(1, "gone")), view(1))[0][0] is Outcome.UNREADABLE


def test_diff_with_a_side_that_lacks_the_member() -> None:
    assert rows(view(1), kernel_view("notepad")) == [(Outcome.ONLY_A, 1, Absent("_TOKEN.NewThing"))]
    assert rows(command("notepad"), view(1)) == [(Outcome.ONLY_B, NotSaid(Kind.TOKEN_COMMAND.value), 1)]


def test_diff_in_words() -> None:
    lines = diff_lines(compare(view(16), view(32)))
    assert any(line.split() == ["member", "NewThing", "0x10", "->", "0x20"] for line in lines)
    lines = diff_lines(compare(view(None, "_LUID", b"\0"), view(None, "_LUID", b"\2")))
    assert any(line.split() == ["member", "NewThing", "00", "->", "02"] for line in lines)
    assert compare(view(16), view(32)).verdict.endswith("member NewThing")


def test_the_sizes_used_here() -> None:
    assert size_of("_LUID", KERNEL.layouts.layout) == 8
