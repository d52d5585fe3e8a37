"""Where to watch for the next write: addresses by the symbols, and nothing where the way cannot be read."""

from typing import Any, Dict, List

import pytest

from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.decode.watch import watch_points
from kdtoken.frozen import replace
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import FastRef, ProcessDump
from kdtoken.model.watch import WatchPoint
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
TOKEN = KERNEL.tokens["notepad"]
LABEL = "the level in the token's integrity label"
REFERENCE = "the process's reference to its token"


def dumped(source: SyntheticSource) -> ProcessDump:
    return dump_process(Tokens(source), find_process(source, "6104")[0], None, False)


ROW = dumped(SyntheticSource(KERNEL))


def named(points: Any) -> Dict[str, WatchPoint]:
    return {one.what: one for one in points}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_four_places_by_the_symbols_of_each_build(path: Any) -> None:
    kernel = kernel_of(path)
    source = SyntheticSource(kernel)
    found = watch_points(source, dumped(source))
    assert [(one.size, one.what) for one in found] == [
        (8, REFERENCE),
        (8, "_TOKEN.Privileges.Present"),
        (8, "_TOKEN.Privileges.Enabled"),
        (4, LABEL),
    ]
    token = kernel.tokens["notepad"]
    privileges = token + source.layout("_TOKEN").field("Privileges").offset
    present = source.layout("_SEP_TOKEN_PRIVILEGES").field("Present").offset
    assert found[0].address == kernel.processes[6104] + source.layout("_EPROCESS").field("Token").offset
    assert found[1].address == privileges + present
    # Medium, as winnt.h has it, stands at the last of them.
    assert source.read(found[3].address, 4) == (0x2000).to_bytes(4, "little")


def test_a_process_without_a_token_has_its_reference_to_watch() -> None:
    for ref in (FastRef(0, 15), FastRef(7, 15), Unreadable(0x10, "paged out")):
        row = replace(ROW, process=replace(ROW.process, token=ref))
        assert [one.what for one in watch_points(SyntheticSource(KERNEL), row)] == [REFERENCE]


def without(change: Any) -> List[str]:
    source = SyntheticSource(KERNEL)
    change(source)
    return [one.what for one in watch_points(source, ROW)]


PRESENT, ENABLED = "_TOKEN.Privileges.Present", "_TOKEN.Privileges.Enabled"


@pytest.mark.parametrize(
    "change, left",
    [
        (lambda one: one.without_field("_EPROCESS", "Token"), [PRESENT, ENABLED, LABEL]),
        (lambda one: one.without_type("_SEP_TOKEN_PRIVILEGES"), [REFERENCE, LABEL]),
        (lambda one: one.without_field("_SEP_TOKEN_PRIVILEGES", "Enabled"), [REFERENCE, PRESENT, LABEL]),
        (lambda one: one.without_type("_SID_AND_ATTRIBUTES"), [REFERENCE, PRESENT, ENABLED]),
        (lambda one: one.without_field("_TOKEN", "IntegrityLevelIndex"), [REFERENCE, PRESENT, ENABLED]),
        (lambda one: one.poke_field(TOKEN, "_TOKEN", "IntegrityLevelIndex", 14), [REFERENCE, PRESENT, ENABLED, LABEL]),
        (lambda one: one.poke_field(TOKEN, "_TOKEN", "IntegrityLevelIndex", 15), [REFERENCE, PRESENT, ENABLED]),
        (lambda one: one.poke_field(TOKEN, "_TOKEN", "IntegrityLevelIndex", 0xFFFFFFFF), [REFERENCE, PRESENT, ENABLED]),
        (lambda one: one.poke_field(TOKEN, "_TOKEN", "UserAndGroups", 0xFFFFDEAD00000000), [REFERENCE, PRESENT, ENABLED]),
    ],
)  # fmt: skip
def test_what_symbols_or_memory_do_not_give_is_left_out(change: Any, left: List[str]) -> None:
    assert without(change) == left


def test_a_label_of_a_null_pointer_is_no_place() -> None:
    source = SyntheticSource(KERNEL)
    array = KERNEL.pointer_at("_TOKEN", TOKEN, "UserAndGroups")
    source.poke(array + 14 * 16, bytes(8))
    assert LABEL not in named(watch_points(source, ROW))


def test_a_processor_watches_aligned_places_only() -> None:
    """Intel SDM, volume 3, "Debug address registers": a breakpoint's address is a multiple of its length."""
    for address, there in ((TOKEN, True), (TOKEN + 4, False), (TOKEN + 8, True)):
        row = replace(ROW, process=replace(ROW.process, token=FastRef(address, 0)))
        assert (PRESENT in named(watch_points(SyntheticSource(KERNEL), row))) is there
