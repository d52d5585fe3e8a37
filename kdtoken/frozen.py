"""`@dataclass(frozen=True)` as the standard library means it, made when it is first used.

Each `!py` in WinDbg starts with an empty Python.  There `dataclasses` itself (which brings `inspect` along) and the six
functions that it compiles a class were a third of what `kdtoken dump` took to import.  Here a class costs a look at its
annotations; its `__init__` is compiled when the first value is made, the rest is shared by all classes and reads the
names of the members.

What `dataclasses` offers for its own classes works on these too (`fields`, `replace`, `asdict`, a dataclass derived from
one): it is told by `__dataclass_fields__`, which is made when somebody asks.  Type checkers are shown the original.
"""

from __future__ import annotations

import operator
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple, Type, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:

    def dataclass(*, frozen, order=False, slots=False):
        """The decorator.  `frozen=False` is refused: for what can change, there are ordinary classes.

        slots  as Python 3.10 has it, for what a walk makes by the thousand: a value is a quarter as large.  `vars` tells
               its members all the same
        """
        if not frozen:
            raise TypeError("only frozen=True")
        return lambda made: _prepared(made, order, slots)

    def field(*, default_factory=None, default=None, compare=True, repr=True):
        """A member that is more than its type: made anew for each value, left out of comparing or printing."""
        return _Member("", default_factory or default, default_factory is not None, True, compare, repr)

    def replace(value, **changes):
        """The same value with some members changed."""
        if "__frozen_members__" not in type(value).__dict__:
            import dataclasses

            return dataclasses.replace(value, **changes)
        return type(value)(**{**{name: getattr(value, name) for name in member_names(value)}, **changes})


class _Member:
    """A member of a class: what stands in for it where none is given, and where it counts."""

    __slots__ = ("name", "default", "is_factory", "has_default", "compare", "repr")

    def __init__(
        self, name: str, default: Any, is_factory: bool, has_default: bool, compare: bool = True, repr: bool = True
    ) -> None:
        self.name, self.default, self.is_factory, self.has_default = name, default, is_factory, has_default
        self.compare, self.repr = compare, repr


def member_names(value: Any) -> Tuple[str, ...]:
    """The members of a value, or of a class, in their order; empty where it is no dataclass."""
    kind = value if isinstance(value, type) else type(value)
    own: Optional[Tuple[str, ...]] = kind.__dict__.get("__frozen_names__")
    return own if own is not None else tuple(getattr(kind, "__dataclass_fields__", ()))


def made_of(kind: Type[T], values: Dict[str, Any]) -> T:
    """A value that has these members, which are all that its class has, in their order.

    For those that are made by the thousand: a call with sixty arguments takes as long as all else.  No __post_init__.
    """
    open_class: Any = kind.__dict__.get("__frozen_open__")
    if open_class is None:
        made = object.__new__(kind)
        put = object.__setattr__
        for name, value in values.items():
            put(made, name, value)
        return made
    filled = open_class.__new__(open_class)
    if "fill" not in open_class.__dict__:
        _make_fill(open_class)
    open_class.fill(filled, *values.values())
    filled.__class__ = kind
    return filled  # type: ignore[no-any-return]


def _prepared(made: Any, order: bool, slots: bool) -> Any:
    """The class with all that a dataclass has; its __init__ is a promise."""
    members: Dict[str, _Member] = {}
    for above in reversed(made.__mro__[1:]):
        members.update(above.__dict__.get("__frozen_members__", {}))
    for name in made.__annotations__ if sys.version_info >= (3, 10) else made.__dict__.get("__annotations__", {}):
        given = made.__dict__.get(name, _Member)
        if isinstance(given, _Member):
            member = _Member(name, given.default, given.is_factory, True, given.compare, given.repr)
            if given.is_factory:
                delattr(made, name)
            else:
                setattr(made, name, given.default)
        else:
            member = _Member(name, given, False, given is not _Member)
        members[name] = member
    if slots:
        made = _with_slots(made)
    elif any(getattr(above, "__slots__", ()) for above in made.__mro__):
        raise TypeError("%s derives from a class with slots: slots=True for it, too" % made.__name__)
    made.__frozen_members__ = members
    made.__frozen_names__ = tuple(members)
    type.__setattr__(made, "__match_args__", made.__frozen_names__)
    compared = [name for name in members if members[name].compare]
    # attrgetter of none is an error; of one it gives the value itself
    made.__frozen_key__ = staticmethod(operator.attrgetter(*compared) if compared else _nothing)
    own = made.__dict__
    made.__init__ = _promised(made)
    if "__eq__" not in own:
        made.__eq__ = _equal
    if own.get("__hash__") is None:
        made.__hash__ = _hash
    if "__repr__" not in own:
        made.__repr__ = _repr
    made.__setattr__ = made.__delattr__ = _refuse
    if order:
        made.__lt__, made.__le__ = _ordering(operator.lt), _ordering(operator.le)
        made.__gt__, made.__ge__ = _ordering(operator.gt), _ordering(operator.ge)
    made.__dataclass_fields__, made.__dataclass_params__ = _Told("__dataclass_fields__"), _Told("__dataclass_params__")
    return made


def _with_slots(made: Any) -> Any:
    """The class again, with a slot a member.

    The slots are those of a class between it and its bases, which refuses nothing: a value that is filled there and then
    handed over costs a tenth of one whose members are put past `_refuse` one by one.
    """
    names = tuple(made.__annotations__ if sys.version_info >= (3, 10) else made.__dict__.get("__annotations__", {}))
    scope: Dict[str, Any] = {"__slots__": names, "__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    between = type("_" + made.__name__, made.__bases__, scope)
    left_out = (*names, "__dict__", "__weakref__")
    own = {name: value for name, value in made.__dict__.items() if name not in left_out}
    own.update(__slots__=(), __dict__=property(_values), __reduce__=_reduced, __frozen_open__=between)
    slotted = type(made.__name__, (between,), own)
    slotted.__qualname__ = made.__qualname__
    return slotted


def _make_fill(between: Any) -> None:
    """Gives it `fill`, compiled when it is first of use, which it is for few classes."""
    names = between.__slots__
    lines = ["def fill(self, %s):" % ", ".join(names), " pass", *(" self.%s = %s" % (name, name) for name in names)]
    scope: Dict[str, Any] = {}
    exec("\n".join(lines), scope)
    between.fill = scope["fill"]


def _values(self: Any) -> Dict[str, Any]:
    """What `vars` gives of a value with slots: anew for each that asks."""
    return {name: getattr(self, name) for name in self.__frozen_names__}


def _reduced(self: Any) -> Any:
    return made_of, (type(self), dict(vars(self)))


def _promised(made: Any) -> Callable[..., None]:
    def __init__(self: Any, *values: Any, **named: Any) -> None:
        _compile(made)
        made.__init__(self, *values, **named)

    return __init__


def _compile(made: Any) -> None:
    """Give the class its real __init__: one line a member.

    Never by way of `__dict__`: from Python 3.11 on a value whose dictionary was asked for is slower to read ever after,
    and the rules read a token a hundred times.
    """
    scope: Dict[str, Any] = {"_nothing": _nothing, "_put": object.__setattr__}
    slots = "__frozen_open__" in made.__dict__
    heads, lines = ["self"], [" pass"]
    for name, member in made.__frozen_members__.items():
        value = name
        if member.is_factory:
            scope["_make_" + name] = member.default
            heads.append("%s=_nothing" % name)
            value = "_make_%s() if %s is _nothing else %s" % (name, name, name)
        elif member.has_default:
            scope["_default_" + name] = member.default
            heads.append("%s=_default_%s" % (name, name))
        else:
            heads.append(name)
        if slots:
            scope["_set_" + name] = getattr(made, name).__set__
            lines.append(" _set_%s(self, %s)" % (name, value))
        else:
            lines.append(" _put(self, %r, %s)" % (name, value))
    if hasattr(made, "__post_init__"):
        lines.append(" self.__post_init__()")
    exec("def __init__(%s):\n%s" % (", ".join(heads), "\n".join(lines)), scope)
    init = scope["__init__"]
    init.__qualname__, init.__module__ = made.__qualname__ + ".__init__", made.__module__
    init.__annotations__ = {**_annotations(made), "return": None}
    made.__init__ = init


def _annotations(made: Any) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for above in reversed(made.__mro__[:-1]):
        own = above.__annotations__ if sys.version_info >= (3, 10) else above.__dict__.get("__annotations__", {})
        found.update((name, kind) for name, kind in own.items() if name in made.__frozen_members__)
    return {name: found[name] for name in made.__frozen_members__}


def _nothing(value: Any = None) -> Tuple[()]:
    """The key of a value that has no members; and, by itself, the sign that no value was given."""
    return ()


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    key = self.__frozen_key__
    return key(self) == key(other)


def _hash(self: Any) -> int:
    return hash(self.__frozen_key__(self))


def _repr(self: Any) -> str:
    shown = ["%s=%r" % (name, getattr(self, name)) for name, one in self.__frozen_members__.items() if one.repr]
    return "%s(%s)" % (self.__class__.__qualname__, ", ".join(shown))


def _refuse(self: Any, name: str, value: Any = None) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError("cannot change %r of a %s" % (name, type(self).__name__))


def _ordering(question: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        key = self.__frozen_key__
        return question(key(self), key(other))

    return compare


class _Told:
    """What `dataclasses` calls by this name, of a class that it did not make: made by it, of a copy, when asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, value: Any, made: Any) -> Any:
        import dataclasses

        owner = next(one for one in made.__mro__ if "__frozen_members__" in one.__dict__)
        fields = []
        kinds = _annotations(owner)
        for name, one in owner.__frozen_members__.items():
            how: Dict[str, Any] = {"compare": one.compare, "repr": one.repr}
            if one.has_default:
                how["default_factory" if one.is_factory else "default"] = one.default
            fields.append((name, kinds[name], dataclasses.field(**how)))
        twin = dataclasses.make_dataclass(owner.__name__, fields, frozen=True, order="__lt__" in owner.__dict__)
        for each in ("__dataclass_fields__", "__dataclass_params__"):
            setattr(owner, each, getattr(twin, each))
        return getattr(owner, self._name)
