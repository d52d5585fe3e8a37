"""The clock beside an engine that waits without end: it says once that nobody answers, and leaves the rest to others."""

import time
import warnings
from typing import List

import pytest

from kdtoken.source.attach import Watch, nobody_answers, warn


def wait_for(said: List[str], count: int) -> None:
    for _ in range(100):
        if len(said) >= count:
            return
        time.sleep(0.05)


def test_it_gives_up_once_and_only_while_it_is_told_to_watch() -> None:
    said: List[str] = []
    watch = Watch(said.append)
    try:
        with watch.limit(60, "never"):
            with watch.limit(0, "nobody answers"):
                wait_for(said, 1)
                time.sleep(0.5)  # the watching thread looks five times a second
        time.sleep(0.3)
        assert said == ["nobody answers"]
    finally:
        watch.stop()


def test_a_library_warns_and_does_not_end_the_program() -> None:
    with pytest.warns(RuntimeWarning, match="nobody answers"):
        warn("nobody answers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warn("x")  # still here


def test_who_gives_up_says_that_the_machine_may_stand_still_and_what_to_type() -> None:
    said = nobody_answers("com:pipe,port=x", 30.0)
    for words in ("nobody answers at com:pipe,port=x (30 s)", "--timeout", "stands still", "`qd`", "type `g`"):
        assert words in said
