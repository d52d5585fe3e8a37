"""kdtoken.frozen beside the standard library's dataclasses: the same questions, the same answers."""

import copy
import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Mapping, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken import frozen
from kdtoken.model.absent import Absent, Missing, NotAsked, NotSaid, Unreadable
from kdtoken.model.group import HalfGroup
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token


@frozen.dataclass(frozen=True, order=True)
class Ours:
    number: int
    text: str = "x"
    noted: Mapping[str, int] = frozen.field(default_factory=dict, compare=False, repr=False)


@frozen.dataclass(frozen=True, order=True, slots=True)
class Slotted:
    number: int
    text: str = "x"
    noted: Mapping[str, int] = frozen.field(default_factory=dict, compare=False, repr=False)

    @property
    def both(self) -> str:
        return "%d%s" % (self.number, self.text)


@dataclasses.dataclass(frozen=True, order=True)
class Theirs:
    number: int
    text: str = "x"
    noted: Mapping[str, int] = dataclasses.field(default_factory=dict, compare=False, repr=False)


VALUES = st.tuples(st.integers(0, 3), st.sampled_from(["", "x", "y"]), st.dictionaries(st.just("a"), st.integers(0, 1)))


@given(VALUES, VALUES)
def test_answers_what_a_dataclass_answers(one: Tuple[Any, ...], other: Tuple[Any, ...]) -> None:
    a, b, c, d = Ours(*one), Ours(*other), Theirs(*one), Theirs(*other)
    assert (a == b, a != b, a < b, a <= b, a > b, a >= b) == (c == d, c != d, c < d, c <= d, c > d, c >= d)
    assert (hash(a) == hash(b)) == (hash(c) == hash(d))
    assert repr(a) == repr(c).replace("Theirs", "Ours")
    assert vars(a) == vars(c)
    assert pickle.loads(pickle.dumps(a)) == a == copy.copy(a)


@given(VALUES, VALUES)
def test_with_slots_it_answers_the_same(one: Tuple[Any, ...], other: Tuple[Any, ...]) -> None:
    a, b, c, d = Slotted(*one), Slotted(*other), Theirs(*one), Theirs(*other)
    assert (a == b, a != b, a < b, a <= b, a > b, a >= b) == (c == d, c != d, c < d, c <= d, c > d, c >= d)
    assert (hash(a) == hash(b)) == (hash(c) == hash(d))
    assert repr(a) == repr(c).replace("Theirs", "Slotted")
    assert vars(a) == vars(c) == dataclasses.asdict(a) and list(vars(a)) == list(vars(c))
    assert frozen.made_of(Slotted, vars(a)) == a and a.both == "%d%s" % one[:2]
    for again in (pickle.loads(pickle.dumps(a)), copy.copy(a), copy.deepcopy(a)):
        assert type(again) is Slotted and again == a and vars(again) == vars(a)


def test_a_value_with_slots_has_no_room_for_more_and_cannot_be_changed() -> None:
    made: Any = frozen.made_of(Slotted, {"number": 1, "text": "y", "noted": {}})
    for value in (made, Slotted(1, "y"), frozen.replace(made, number=1)):
        for name in ("number", "more", "__class__"):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(value, name, 2)
        with pytest.raises(dataclasses.FrozenInstanceError):
            del value.text
        assert sys.getsizeof(value) < sys.getsizeof(Ours(1)) + sys.getsizeof(vars(Ours(1)))
        vars(value)["number"] = 5  # a copy
        assert (value.number, value.text) == (1, "y")
        assert [one.name for one in dataclasses.fields(value)] == ["number", "text", "noted"]
    with pytest.raises(TypeError, match="derives from a class with slots"):

        @frozen.dataclass(frozen=True)
        class Derived(Slotted):
            more: int = 0


def test_a_class_with_slots_derives_from_one_that_has_no_members() -> None:
    value = NotAsked(7)
    assert isinstance(value, Missing) and vars(value) == {"address": 7} and not vars(Missing())
    assert value == pickle.loads(pickle.dumps(value)) != Absent("7")


def test_members_and_what_stands_in_for_them() -> None:
    assert frozen.member_names(Ours) == frozen.member_names(Ours(1)) == ("number", "text", "noted")
    assert vars(Ours(1)) == {"number": 1, "text": "x", "noted": {}}
    assert Ours(1).noted is not Ours(1).noted
    assert Ours(text="y", number=2) == Ours(2, "y")
    for wrong in ({}, {"number": 1, "other": 2}):
        with pytest.raises(TypeError):
            Ours(**wrong)  # type: ignore[arg-type]
    assert frozen.member_names(3) == () and frozen.member_names(Theirs) == ("number", "text", "noted")


def test_nothing_can_be_changed() -> None:
    value: Any = Ours(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.number = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.text
    assert vars(value) == {"number": 1, "text": "x", "noted": {}}
    with pytest.raises(TypeError, match="frozen"):
        frozen.dataclass(frozen=False)


def test_dataclasses_own_functions_know_the_classes() -> None:
    value = Ours(1, noted={"a": 1})
    assert [one.name for one in dataclasses.fields(Ours)] == ["number", "text", "noted"]
    assert [(one.compare, one.repr) for one in dataclasses.fields(value)] == [
        (True, True),
        (True, True),
        (False, False),
    ]
    assert dataclasses.is_dataclass(Token) and dataclasses.replace(value, number=2) == Ours(2)
    assert dataclasses.asdict(value) == {"number": 1, "text": "x", "noted": {"a": 1}}


def test_replace() -> None:
    value = Ours(1, "y", {"a": 1})
    assert vars(frozen.replace(value, number=2)) == {"number": 2, "text": "y", "noted": {"a": 1}}
    assert vars(frozen.replace(Theirs(1, "y"), number=2)) == {"number": 2, "text": "y", "noted": {}}
    with pytest.raises(TypeError):
        frozen.replace(value, other=1)


def test_a_class_that_is_derived() -> None:
    # HalfGroup(Unreadable): the base's members stand first
    half = HalfGroup(0x10, "paged out", sid=Sid(5, (18,)))
    assert frozen.member_names(half) == ("address", "reason", "hint", "sid", "attributes", "pointer")
    assert (half.address, half.reason, half.hint, half.sid, half.attributes) == (
        0x10,
        "paged out",
        "",
        Sid(5, (18,)),
        None,
    )
    assert half != Unreadable(0x10, "paged out")

    @dataclasses.dataclass(frozen=True)
    class Derived(Unreadable):
        more: int = 0

    made = Derived(1, "why", more=7)
    assert (made.address, made.reason, made.hint, made.more) == (1, "why", "", 7)
    assert frozen.replace(made, more=8) == Derived(1, "why", more=8) and made != Unreadable(1, "why")


def test_classes_with_the_same_members_are_not_the_same() -> None:
    assert Absent("x") != NotSaid("x") and Absent("x") == Absent("x")
    values: Dict[Any, int] = {Absent("x"): 1, Absent("y"): 2}
    assert values[Absent("x")] == 1


def test_dataclasses_is_not_imported() -> None:
    code = "import sys, kdtoken.dump; sys.exit(bool({'dataclasses', 'inspect', 'construct'} & set(sys.modules)))"
    root = Path(__file__).resolve().parent.parent
    assert subprocess.run([sys.executable, "-S", "-c", code], cwd=str(root), check=False).returncode == 0
