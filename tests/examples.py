"""How many examples Hypothesis makes up: all of them where KDTOKEN_EXAMPLES=all, as CI has it, a quarter otherwise."""

import os

ALL = os.environ.get("KDTOKEN_EXAMPLES") == "all"
LEAST = 25


def examples(number: int) -> int:
    """What stands in for `number` examples: a quarter, but 25 at least, or all if there are fewer.

    They are the same in every run, so that a hundred runs of a hundred see no more than one does; the rest
    is for the run that decides whether a change lands.
    """
    return number if ALL else max(number // 4, min(number, LEAST))
