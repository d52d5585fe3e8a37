"""Texts to which two of the things happened that people do to texts: a sample of all pairs, for the law of tests/mutants.py.

python -m tests.mutants --twice --every 997 [FOLDER ...]
"""

import math
from typing import Callable, Iterator, List, Sequence, Tuple

Damage = Callable[[List[str]], Iterator[Tuple[str, List[str]]]]


def pairs(lines: List[str], damages: Sequence[Damage], every: int, start: int = 0) -> Iterator[Tuple[str, str]]:
    """(what was done, text) of each `every`-th pair; another `start` gives others of them."""
    step = max(1, math.isqrt(every))
    rest = max(1, every // step)

    def once(lines: List[str]) -> Iterator[Tuple[str, List[str]]]:
        for damage in damages:
            yield from damage(lines)

    for at, (first, damaged) in enumerate(once(lines)):
        if (at + start) % step:
            continue
        for number, (second, again) in enumerate(once("\n".join(damaged).split("\n"))):
            # A prompt behind a table is its end: who cuts one and types a prompt there has made a whole table.
            if first.startswith("tail cut") and second.endswith("around"):
                continue
            if (number + at // step + start) % rest == 0:
                yield "%s, then %s" % (first, second), "\n".join(again) + "\n"
