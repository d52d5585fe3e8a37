"""One test of what holds for each of hundreds: a test for each costs more than what it says, where that takes no time."""

from pathlib import Path
from typing import Any, Callable, Optional, Sequence

ROOT = Path(__file__).resolve().parent.parent


def over(
    all_of_them: Sequence[Any], called: Optional[Callable[..., object]] = None
) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """A decorator: the test calls the function with each (with its parts, if it is a plain tuple), and fails if one did.

    It names every one that is wrong.  What is no failed assertion ends it at once, as it does in any test.

    called  what one is called in that list; a path is called by its place in the tree, everything else as str has it
    """

    def test_of(holds: Callable[..., None]) -> Callable[[], None]:
        def test() -> None:
            wrong = []
            for one in all_of_them:
                parts = one if type(one) is tuple else (one,)
                try:
                    holds(*parts)
                except AssertionError as error:
                    wrong.append("%s: %s" % (_name(one) if called is None else called(*parts), error))
            assert all_of_them and not wrong, "\n".join(wrong)

        test.__name__, test.__doc__ = holds.__name__, holds.__doc__
        return test

    return test_of


def _name(one: Any) -> object:
    return one.relative_to(ROOT) if isinstance(one, Path) else one
