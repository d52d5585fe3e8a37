"""SeAuditProcessCreationInfo: the whole path of an image, and each way in which there may be none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kdtoken.decode.image_path import POINTER, image_path
from kdtoken.decode.process import process_at
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.decode.structure import Structure
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.absent import Absent, NotAsked, Unreadable
from kdtoken.render.screen import screen_lines
from kdtoken.render.text import image_words, render_dump
from kdtoken.source.base import Span
from kdtoken.source.cached import CachedSource
from tests.expected import FEW_FILES, WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
NOTEPAD = KERNEL.processes[6104]
NAME = "_OBJECT_NAME_INFORMATION"


def place(source: SyntheticSource, path: str = POINTER) -> int:
    """Address of a member of notepad's _EPROCESS, from the layout."""
    return Structure(source, "_EPROCESS", NOTEPAD, Span(NOTEPAD, 0, ())).address_of(path)


def pointer(source: SyntheticSource) -> int:
    return int.from_bytes(source.read(place(source), 8), "little")


@pytest.mark.parametrize("path", FEW_FILES, ids=lambda path: path.stem)
def test_the_path_of_every_declared_process_costs_one_request(path: Path) -> None:
    kernel = kernel_of(path)
    for declared in MACHINE.processes:
        source = CachedSource(SyntheticSource(kernel))
        process = process_at(source, kernel.processes[declared.pid])
        dump = dump_process(Tokens(source), process, check=False)
        assert dump.image_path == (declared.path or None)
        with_it = source.requests
        source = CachedSource(_without(SyntheticSource(kernel)))
        dump_process(Tokens(source), process_at(source, process.address), check=False)
        assert with_it - source.requests <= (1 if declared.path else 0), declared.path


def _without(source: SyntheticSource) -> SyntheticSource:
    """The same, with symbols that do not describe the name."""
    return source.without_type(NAME)


def test_a_walk_does_not_ask() -> None:
    machine = KernelMachine(CachedSource(SyntheticSource(KERNEL)))
    assert {row.image_path for row in machine.walk().rows} == {NotAsked(0)}


def test_symbols_without_the_name_are_not_asked_and_without_the_member_have_none() -> None:
    assert image_path(_without(SyntheticSource(KERNEL)), NOTEPAD) == NotAsked(NOTEPAD)
    source = SyntheticSource(KERNEL).without_field("_EPROCESS", "SeAuditProcessCreationInfo")
    assert image_path(source, NOTEPAD) == Absent("_EPROCESS.SeAuditProcessCreationInfo.ImageFileName")


def test_null_empty_paged_out_and_torn_are_four_things() -> None:
    source = SyntheticSource(KERNEL)
    at = pointer(source)
    null = SyntheticSource(KERNEL).poke(place(source), bytes(8))
    assert image_path(null, NOTEPAD) is None
    # UNICODE_STRING: Length 0, MaximumLength 2, as the kernel's own processes have it
    assert image_path(SyntheticSource(KERNEL).poke(at, b"\x00\x00\x02\x00"), NOTEPAD) is None
    gone = image_path(SyntheticSource(KERNEL).poke(place(source), (0xFFFFBEEF00000000).to_bytes(8, "little")), NOTEPAD)
    assert isinstance(gone, Unreadable) and gone.address == 0xFFFFBEEF00000000
    odd = image_path(SyntheticSource(KERNEL).poke(at, b"\x03\x00\x10\x00"), NOTEPAD)
    assert isinstance(odd, Unreadable) and "odd" in odd.reason
    dump = dump_process(Tokens(source), process_at(source, NOTEPAD), check=False)
    for value, words in (
        (None, "the kernel keeps no path"),
        (gone, "?? %s" % gone),
        (NotAsked(1), ""),
        (Absent("x"), ""),
        (Unreadable(1, "not recorded"), ""),
    ):
        told = replace(dump, image_path=value)
        assert image_words(told) == words
        assert any(line.startswith("  Image  ") for line in screen_lines(told, "")) is bool(words)


def test_a_hostile_path_is_shown_and_obeyed_by_nobody() -> None:
    text = "\\Device\\X\\\x1b[31m\u202egnp.exe"
    source = SyntheticSource(KERNEL)
    data = text.encode("utf-16-le")
    at = pointer(source)
    source.poke(at, len(data).to_bytes(2, "little") * 2).poke(at + 16, data)
    dump = dump_process(Tokens(source), process_at(source, NOTEPAD), check=False)
    assert dump.image_path == text
    for lines in (screen_lines(dump, ""), render_dump(dump, "")):
        (line,) = [one for one in lines if one.startswith("  Image  ")]
        assert line.endswith("\\Device\\X\\\\\\u001b[31m\\u202egnp.exe")


@pytest.mark.parametrize("live", [True, False])
def test_the_parent_of_a_pid_is_asked_where_asking_is_free(live: bool) -> None:
    source: Any = SyntheticSource(KERNEL)
    source.about = replace(source.about, live=live)
    machine = KernelMachine(CachedSource(source))
    found = machine.find("1120")
    before = machine.cost
    parent = machine.parent(found)
    if live:
        assert parent is None and machine.cost == before
    else:
        assert parent is not None and parent.process.image_name == "services.exe" and parent.process.pid == 724
    by_name = machine.parent(machine.find("notepad.exe"))  # the list was read anyway
    assert by_name is not None and by_name.process.pid == 4120
    assert machine.parent(machine.find("4")) is None or not live


def test_a_member_that_is_paged_out_is_not_a_kernel_that_keeps_no_path() -> None:
    source = SyntheticSource(KERNEL)
    at = place(source)
    gone = image_path(source.without_pages([at]), NOTEPAD)
    assert isinstance(gone, Unreadable) and gone.reason == "paged out"
