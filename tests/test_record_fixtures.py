"""The recordings among the fixtures are of the machines that their README names: each fact in them is that machine's."""

import gzip
import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from kdtoken.errors import LookupFailed, MemoryUnreadable
from kdtoken.source.session import load_session
from tests.expected import FILES, layouts_of_build
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.spec import Machine
from tests.machine.strange import INCIDENT
from tests.machine.synthetic import SyntheticSource
from tests.sessions import INCIDENT_22000, MACHINE_22000

BUILD_22000 = next(path for path in FILES if ".22000." in path.name)


@pytest.mark.parametrize(
    "path, machine, holes",  # pages that no request could read: the incident has none
    [(MACHINE_22000, MACHINE, True), (INCIDENT_22000, INCIDENT, False)],
    ids=["machine", "incident"],
)
def test_what_is_recorded_is_what_the_declared_machine_has_there(path: Path, machine: Machine, holes: bool) -> None:
    source = SyntheticSource(build(machine, layouts_of_build(BUILD_22000))).with_commands()
    facts: List[Dict[str, Any]] = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    recorded = load_session(path)
    compared = {"memory", "symbol", "unreadable", "command", "layout"}
    for fact in facts:
        if "memory" in fact:
            data = bytes.fromhex(fact["bytes"])
            assert source.read(int(fact["memory"], 16), len(data)) == data, fact["memory"]
        elif "symbol" in fact:
            assert fact["address"] == "0x%x" % source.symbol(fact["symbol"]), fact
        elif "unreadable" in fact:
            with pytest.raises(MemoryUnreadable):
                source.read(int(fact["unreadable"], 16), 1)
        elif "command" in fact:
            assert source.command(fact["command"]) == fact["output"], fact["command"]
        elif "layout" in fact:
            assert recorded.layout(fact["layout"]) == source.layout(fact["layout"]), fact["layout"]
    assert compared & {kind for fact in facts for kind in fact} == compared - (set() if holes else {"unreadable"})


def test_a_fact_of_another_machine_would_be_noticed() -> None:
    """The two differ: the incident's machine has processes that THE machine has not."""
    with pytest.raises((AssertionError, LookupFailed)):
        test_what_is_recorded_is_what_the_declared_machine_has_there(INCIDENT_22000, MACHINE, False)
