"""SIDs of a token that lie in somebody else's memory."""

from pathlib import Path

import pytest

from kdtoken.analysis.classification import token_remarks
from kdtoken.decode.object_header import body_offset
from kdtoken.decode.token import decode_token
from kdtoken.model.privilege import NAMES
from kdtoken.model.token import Token
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource
from tests.verbs import run_on

KERNEL = kernel_of(WINDOWS_11)
ENTRY = 16  # bytes of a _SID_AND_ATTRIBUTES


def groups_at(key: str, kernel: Kernel = KERNEL) -> int:
    return kernel.pointer_at("_TOKEN", kernel.tokens[key], "UserAndGroups")


def sid_of(key: str, entry: int, kernel: Kernel = KERNEL) -> int:
    return int.from_bytes(kernel.memory.peek(groups_at(key, kernel) + ENTRY * entry, 8), "little")


def problems(target: SyntheticSource, key: str = "notepad", follow: bool = True) -> "tuple[str, ...]":
    token = decode_token(target, target.kernel.tokens[key], NAMES, follow)
    assert isinstance(token, Token)
    return token.problems


def foreign(entry: int, key: str = "notepad", kernel: Kernel = KERNEL) -> SyntheticSource:
    """The SID of that entry becomes the user of System's token."""
    return SyntheticSource(kernel).poke(
        groups_at(key, kernel) + ENTRY * entry, sid_of("system", 0, kernel).to_bytes(8, "little")
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_token_as_it_was_made_has_strays(path: Path) -> None:
    kernel = kernel_of(path)
    for key in kernel.tokens:
        for follow in (True, False):
            assert problems(SyntheticSource(kernel), key, follow) == (), key


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("follow", [True, False])
def test_a_pointer_into_another_tokens_groups_is_told(path: Path, follow: bool) -> None:
    kernel = kernel_of(path)
    length = kernel.layouts.layout("_TOKEN").field("VariableLength").offset
    size = int.from_bytes(kernel.memory.peek(kernel.tokens["notepad"] + length, 4), "little")
    assert problems(foreign(3, kernel=kernel), follow=follow) == (
        "UserAndGroups: SIDs of entries 3 (0x%x ...) lie outside the %d bytes that the token has for them, so they may be "
        "another's" % (sid_of("system", 0, kernel), size),
    )


def test_the_first_and_the_last_byte_are_the_tokens_own() -> None:
    start = KERNEL.tokens["notepad"] + KERNEL.layouts.layout("_TOKEN").field("VariablePart").offset
    length = int.from_bytes(
        KERNEL.memory.peek(
            KERNEL.tokens["notepad"] + KERNEL.layouts.layout("_TOKEN").field("VariableLength").offset, 4
        ),
        "little",
    )
    for at, told in ((start - 1, True), (start, False), (start + length - 1, False), (start + length, True)):
        target = SyntheticSource(KERNEL).poke(groups_at("notepad") + ENTRY * 2, at.to_bytes(8, "little"))
        assert any("entries 2 " in one for one in problems(target)) is told, hex(at)


def test_a_label_that_was_set_later_may_lie_elsewhere() -> None:
    last = len(KERNEL.machine.tokens["notepad"].all_groups) - 1
    assert problems(foreign(last)) == ()


def test_where_a_block_of_shared_sids_is_named_nobody_is_blamed() -> None:
    target = foreign(3)
    target.poke_field(KERNEL.tokens["notepad"], "_TOKEN", "TokenSidValues", 0xFFFFCC8A00001000)
    assert problems(target, follow=False) == ()


def test_a_token_with_no_sid_in_its_own_memory_is_of_a_build_that_keeps_them_elsewhere() -> None:
    target = SyntheticSource(KERNEL)
    for entry in range(len(KERNEL.machine.tokens["notepad"].all_groups)):
        target.poke(groups_at("notepad") + ENTRY * entry, sid_of("system", 0).to_bytes(8, "little"))
    assert problems(target) == ()


def test_a_restricting_sid_by_itself_is_told_too() -> None:
    key = next(key for key, one in KERNEL.machine.tokens.items() if len(one.restricted) == 1)
    at = KERNEL.pointer_at("_TOKEN", KERNEL.tokens[key], "RestrictedSids")
    target = SyntheticSource(KERNEL).poke(at, sid_of("system", 0).to_bytes(8, "little"))
    assert [one.partition(" (")[0] for one in problems(target, key)] == ["RestrictedSids: SIDs of entries 0"]


def test_it_is_noted_of_the_token_of_the_linked_one_and_of_a_threads() -> None:
    own = "\n".join(run_on(foreign(3), "dump", "6104", "--all"))
    assert " UserAndGroups: SIDs of entries 3 " in own and "!! User" not in own
    linked = "\n".join(run_on(foreign(3, "anna-full"), "dump", "6104", "--all"))
    assert " the linked token: UserAndGroups: SIDs of entries 3 " in linked and "!! the linked" not in linked
    key = "client-anna"  # under which a thread of 1120 runs
    thread = "\n".join(run_on(foreign(3, key), "dump", "1120", "--all"))
    assert " the impersonation token at 0x%x: UserAndGroups: SIDs of" % KERNEL.tokens[key] in thread


def test_a_hash_of_another_list_is_noted_of_the_linked_token_too() -> None:
    target = SyntheticSource(KERNEL)
    target.poke_field(KERNEL.tokens["anna-full"], "_TOKEN", "SidHash.SidCount", 3)
    lines = "\n".join(run_on(target, "dump", "6104", "--all"))
    assert "!! the linked token: SidHash.SidCount is 3, the list has" in lines


@pytest.mark.parametrize("name", ["PrimaryGroup", "DefaultDacl"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_dynamic_part_does_not_hold_is_told(path: Path, name: str) -> None:
    kernel = kernel_of(path)
    target = SyntheticSource(kernel)
    part = kernel.pointer_at("_TOKEN", kernel.tokens["notepad"], "DynamicPart")
    for pointer, told in ((part - 8, True), (part, False), (part + 0xFFF, False), (part + 0x1000, True), (0, False)):
        target.poke_field(kernel.tokens["notepad"], "_TOKEN", name, pointer)
        said = [one for one in problems(target, follow=False) if one.startswith(name)]
        assert (
            said
            == [
                "%s is 0x%x, outside the 4096 bytes of DynamicPart at 0x%x: it may be another's" % (name, pointer, part)
            ]
            * told
        )


def test_where_the_dynamic_part_is_not_known_nobody_is_blamed() -> None:
    for member in ("DynamicPart", "DynamicCharged"):
        target = SyntheticSource(KERNEL).without_field("_TOKEN", member)
        target.poke_field(KERNEL.tokens["notepad"], "_TOKEN", "PrimaryGroup", sid_of("system", 0))
        assert problems(target, follow=False) == ()
        target = SyntheticSource(KERNEL)
        target.poke_field(KERNEL.tokens["notepad"], "_TOKEN", "PrimaryGroup", sid_of("system", 0))
        target.poke_field(KERNEL.tokens["notepad"], "_TOKEN", member, 0)
        assert problems(target, follow=False) == ()


def test_where_a_sid_lies_is_a_doubt_and_accuses_nobody() -> None:
    """Two published tokens and one open kernel speak for it, and no document."""
    token = decode_token(foreign(3), KERNEL.tokens["notepad"], NAMES)
    assert isinstance(token, Token)
    (told,) = [one for one in token_remarks(token) if "may be another's" in one.text]
    assert not told.serious
    assert [line[:22] for line in run_on(foreign(3), "dump", "6104", "--format", "windbg") if "another's" in line] == [
        "! UserAndGroups: SIDs "
    ]
    # What the kernel says itself stays an accusation.
    target = SyntheticSource(KERNEL)
    target.poke_field(KERNEL.tokens["notepad"] - body_offset(target), "_OBJECT_HEADER", "PointerCount", 0)
    token = decode_token(target, KERNEL.tokens["notepad"], NAMES)
    assert isinstance(token, Token)
    assert [one.text[:12] for one in token_remarks(token) if one.serious] == ["PointerCount"]
