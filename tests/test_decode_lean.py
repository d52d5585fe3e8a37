"""What a walk takes out of a token at once is what its members' readers say one by one."""

import pytest

from kdtoken.decode.lean import plan_of, take
from kdtoken.decode.structure import Structure, read_structure
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
        taken = [*absent, *plan.numbers, *(name for name, _, _ in plan.rest)]
        assert sorted(taken) == sorted(one.attribute for one in MEMBERS)
        # _TOKEN of every build has five LUIDs beside the one of its source; the walk takes all six.
        assert len(plan.luids) == 6 and len(plan.numbers) > 20
        # Before Windows 8 there were no AppContainers.
        assert ("package" in absent) == (file == WINDOWS_7)


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
    end = plan.first + plan.format.size
    whole = take(plan, s, s.data[:end], 0)
    assert whole is not None and whole["flags"] == s.uint("TokenFlags")
    assert take(plan, s, s.data[: end - 1], 0) is None
    assert take(plan, s, s.data, -plan.first - 1) is None


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
