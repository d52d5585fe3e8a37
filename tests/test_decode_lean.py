"""What a walk takes out of a token at once is what its members' readers say one by one."""

import pytest

from kdtoken.decode.lean import plan_of, take
from kdtoken.decode.object_header import TOKEN_TYPE, is_sound
from kdtoken.decode.structure import Structure, luid_of, read_structure
from kdtoken.decode.token import MEMBERS, decode_token
from kdtoken.frozen import member_names
from kdtoken.model.absent import Absent
from kdtoken.model.privilege import NAMES
from kdtoken.model.token import Token
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, WINDOWS_7, WINDOWS_11, kernel_of
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


def test_at_once_is_as_one_by_one(kernel: Kernel) -> None:
    one_by_one = SyntheticSource(kernel)
    assert one_by_one.memo is None  # so that no plan is kept: every member goes through its reader
    at_once = CachedSource(SyntheticSource(kernel))
    for address in kernel.tokens.values():
        slow, fast = (decode_token(source, address, NAMES, follow=False) for source in (one_by_one, at_once))
        assert isinstance(fast, Token) and fast == slow
        assert tuple(vars(fast)) == member_names(Token)
        assert fast.origins == {} and fast.unnamed == ()
    assert ("plan", "_TOKEN") in at_once.memo


def test_a_plan_holds_each_member_once() -> None:
    for file in (WINDOWS_7, WINDOWS_11):
        target = SyntheticSource(kernel_of(file))
        s = read_structure(target, "_TOKEN", target.kernel.tokens["notepad"])
        plan = plan_of("_TOKEN", s.place, MEMBERS)
        absent = [name for name, value in plan.values.items() if isinstance(value, Absent)]
        made, several = [name for name, _, _ in plan.made], [name for name, _, _, _ in plan.several]
        rest = [name for name, _, _ in plan.rest]
        taken = [*absent, *plan.numbers, *made, *several, *rest]
        assert sorted(taken) == sorted(one.attribute for one in MEMBERS)
        # _TOKEN of every build has five LUIDs beside the one of its source; the walk takes all six.
        assert sum(make is luid_of for _, make, _ in plan.made) == 6 and len(plan.numbers) > 12
        # A walk reads a logon session and, outside the token, capabilities; nothing else has a reader to itself.
        lacking = {"capabilities_hash"} if file == WINDOWS_7 else set()  # in a build without AppContainers
        assert set(rest) == {"logon_session", "capabilities"} | lacking
        assert {"privileges", "user_and_groups", "restricted_sids", "sid_hash"} <= set(several)
        # Before Windows 8 there were no AppContainers.
        assert ("package" in absent) == (file == WINDOWS_7)


HEADER = 0x30  # of the build's _OBJECT_HEADER: PointerCount at 0, HandleCount at 8, TypeIndex at 0x18; Body behind it


@pytest.mark.parametrize(
    "at, data, why",
    [
        (0, bytes(8), "PointerCount of its header is 0"),
        (0, bytes(16), "PointerCount of its header is 0"),  # and no handle either
        (0, b"\xff" * 8, "PointerCount of its header is -1"),
        (8, b"\xff" * 7 + b"\x7f", "HandleCount of its header is %d" % ((1 << 63) - 1)),
        (8, b"\xff" * 8, "HandleCount of its header is -1"),
        (0x18, b"\x00", "by its object header"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_header_is_no_less_doubted_where_many_are_looked_at(at: int, data: bytes, why: str, first: bool) -> None:
    """Whether the odd one comes first or behind others that are sound."""
    kernel = kernel_of(WINDOWS_11)
    odd = kernel.tokens["notepad"]
    target = SyntheticSource(kernel)
    target.poke(odd - HEADER + at, data)
    slow = decode_token(target, odd, NAMES, follow=False)
    source = CachedSource(target)
    others = [address for address in kernel.tokens.values() if address != odd]
    found = {}
    for address in [odd, *others] if first else [*others, odd]:
        found[address] = decode_token(source, address, NAMES, follow=False)
    assert found[odd] == slow and why in str(slow.problems if isinstance(slow, Token) else slow)
    assert all(not one.problems for address, one in found.items() if address != odd and isinstance(one, Token))


def test_a_hash_of_nothing_that_leads_somewhere_keeps_its_pointer() -> None:
    kernel = kernel_of(WINDOWS_11)
    target = SyntheticSource(kernel)
    notepad = kernel.tokens["notepad"]
    s = read_structure(target, "_TOKEN", notepad)
    for path, data in (("SidHash.SidCount", bytes(4)), ("RestrictedSidHash.SidAttr", bytes(range(1, 9)))):
        target.poke(s.address_of(path), data)
    slow, fast = (decode_token(source, notepad, NAMES, follow=False) for source in (target, CachedSource(target)))
    assert isinstance(fast, Token) and fast == slow
    assert fast.sid_hash.count == 0 and fast.sid_hash.sid_attr == fast.sid_hash.list_at != 0  # type: ignore[union-attr]
    assert fast.restricted_sid_hash.sid_attr == 0x0807060504030201  # type: ignore[union-attr]


def test_a_sound_header_is_told_by_its_bytes_alone() -> None:
    kernel = kernel_of(WINDOWS_11)
    target = SyntheticSource(kernel)
    source = CachedSource(target)
    notepad = kernel.tokens["notepad"]
    header = target.read(notepad - HEADER, HEADER)
    assert not is_sound(target, notepad, TOKEN_TYPE, header)  # a target without a memory is asked in the usual way
    assert is_sound(source, notepad, TOKEN_TYPE, header)
    target.reset_counters()
    assert is_sound(source, notepad, TOKEN_TYPE, header) and target.log == []
    assert not is_sound(source, notepad, TOKEN_TYPE, header[:0x18])
    # Windows 10 hides the index behind the address of the header, too.
    assert not is_sound(source, notepad + 0x100, TOKEN_TYPE, header)


def test_members_over_others_are_left_to_their_readers() -> None:
    s = read_structure(SyntheticSource(kernel_of(WINDOWS_11)), "_TOKEN", kernel_of(WINDOWS_11).tokens["notepad"])
    twice = [one for one in MEMBERS if one.attribute in ("flags", "in_use")]
    first = s.place("TokenFlags")
    plan = plan_of("_TOKEN", lambda path: first, twice)
    assert plan.numbers == ("flags",) and [name for name, _, _ in plan.rest] == ["in_use"]
    # Those behind them are taken all the same.
    three = [*twice, *(one for one in MEMBERS if one.attribute == "variable_part")]
    plan = plan_of("_TOKEN", lambda path: first if path != "VariablePart" else s.place(path), three)
    assert plan.numbers == ("flags", "variable_part") and [name for name, _, _ in plan.rest] == ["in_use"]


def test_bytes_that_do_not_hold_all_numbers_give_nothing() -> None:
    target = SyntheticSource(kernel_of(WINDOWS_11))
    s = read_structure(target, "_TOKEN", target.kernel.tokens["notepad"])
    plan = plan_of("_TOKEN", s.place, [one for one in MEMBERS if one.read is Structure.uint])
    end = plan.packed.first + plan.packed.form.size
    whole = take(plan, s, s.data[:end], 0)
    assert whole is not None and whole["flags"] == s.uint("TokenFlags")
    assert take(plan, s, s.data[: end - 1], 0) is None
    assert take(plan, s, s.data, -plan.packed.first - 1) is None


def test_tokens_with_the_same_groups_and_privileges_share_them() -> None:
    """Equal lists are one object, so that whoever compares two need not look into them."""
    target = SyntheticSource(kernel_of(WINDOWS_11))
    source = CachedSource(target)
    tokens = [decode_token(source, address, NAMES, follow=False) for address in target.kernel.tokens.values()]
    lists = [one.user_and_groups for one in tokens if isinstance(one, Token)]
    sets = [one.privileges for one in tokens if isinstance(one, Token)]
    for kept in (lists, sets):
        distinct = {value for value in kept if isinstance(value, tuple)}
        assert len({id(value) for value in kept if isinstance(value, tuple) and value}) == len(distinct - {()})
