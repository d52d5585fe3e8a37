"""Every input that ever failed, and a few hundred new ones for each reader; `make fuzz` tries for as long as you like."""

import random
import time
from pathlib import Path

import pytest

from tests.examples import examples
from tests.fuzz.inputs import INPUTS, SECONDS
from tests.fuzz.mutate import mutated

CORPUS = sorted(path for path in (Path(__file__).parent / "fuzz" / "corpus").glob("*/*") if path.is_file())
TRIES = {
    "crashdump": 20,
    "image": 40,
    "elf": 30,
    "vmss": 60,
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
    for _ in range(examples(TRIES.get(name, 150))):
        one.run(mutated(chance.choice(seeds), chance.choice(seeds), one.binary, chance))


# (reader, where in a line of its own, what is repeated): a pattern that goes back over it takes minutes.
LONG = [
    ("log", "PROCESS ffffc10203040080\n    SessionId: 1  Cid: 0010\n    Image: notepad", " ", ".exe\n"),
    ("log", "dt nt!_TOKEN ffffd10203046060\n   +0x000 TokenId : _LUID", "\t", "x\n"),
    ("dt", "   +0x000 LowPart : Uint4B", " ", "x\n"),
    ("debugger_text", "dt nt!_TOKEN ffffd10203046060\n   +0x078 SessionId : 1", " ", "x\n"),
    ("debugger_text", "_TOKEN ffffd10203046060\nTS Session ID: 1", "\r", "x\n"),
    ("whoami", "C:\\>whoami /all\n", "\r", "x\n"),
    ("descriptor_text", "Path   : x\nOwner  : a\nAccess : a", " ", "Deny\n"),
    ("descriptor_text", "->Dacl    : ->Ace[0]: ->AceType:", " ", "x\n"),
    ("descriptor_text", "O:BAG:SYD:(A;GR,GE)", "\r\n", "[[[\n"),
    ("doctor", "serial0.fileName =", " ", "x\n"),
]


@pytest.mark.parametrize("name, before, run, after", LONG, ids=lambda value: ascii(value)[:12])
def test_a_long_run_in_a_line_is_read_in_linear_time(name: str, before: str, run: str, after: str) -> None:
    start = time.process_time()
    INPUTS[name].run((before + run * 100_000 + after).encode())
    assert time.process_time() - start < SECONDS
