"""How much is tried: all where KDTOKEN_EXAMPLES=all, as CI has it; otherwise what shows most in the least time.

examples(n)       how many examples Hypothesis makes up
some(all, n)      every n-th of what is much alike
"""

import os
from typing import List, Sequence, TypeVar

T = TypeVar("T")

ALL = os.environ.get("KDTOKEN_EXAMPLES") == "all"
LEAST = 25


def examples(number: int) -> int:
    """What stands in for `number` examples: a quarter, but 25 at least, or all if there are fewer.

    They are the same in every run, so that a hundred runs of a hundred see no more than one does; the rest
    is for the run that decides whether a change lands.
    """
    return number if ALL else max(number // 4, min(number, LEAST))


def some(all_of_them: Sequence[T], step: int) -> List[T]:
    """Every `step`-th, from the first on, or all.

    For what costs much, and whose parts are tried one by one elsewhere: each rule is, each build, each reader.
    """
    return list(all_of_them) if ALL else list(all_of_them[::step])
