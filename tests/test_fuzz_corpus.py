"""Every input that ever failed, and a few hundred new ones for each reader; `make fuzz` tries for as long as you like."""

import random
from pathlib import Path

import pytest

from tests.fuzz.inputs import INPUTS
from tests.fuzz.mutate import mutated

CORPUS = sorted(path for path in (Path(__file__).parent / "fuzz" / "corpus").glob("*/*") if path.is_file())
TRIES = {
    "crashdump": 12,
    "elf": 12,
    "vmss": 40,
    "log": 30,
    "isf": 60,
    "recording": 60,
}  # those that go through a file take longer


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: "%s-%s" % (path.parent.name, path.name))
def test_what_once_failed(path: Path) -> None:
    INPUTS[path.parent.name].run(path.read_bytes())


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_what_is_changed_ends_in_an_answer_or_in_our_own_error(name: str) -> None:
    one = INPUTS[name]
    seeds = one.seeds()
    for data in seeds:
        one.run(data)
    chance = random.Random(name)
    for _ in range(TRIES.get(name, 150)):
        one.run(mutated(chance.choice(seeds), chance.choice(seeds), one.binary, chance))
