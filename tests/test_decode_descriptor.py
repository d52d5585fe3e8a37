"""Descriptors in memory: how much is asked for, what a missing end leaves, what is none."""

from typing import List, Tuple

import pytest

from kdtoken.decode.descriptor import read_descriptor
from kdtoken.model.absent import Unreadable
from kdtoken.model.descriptor import SecurityDescriptor
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.namespace import acl_bytes, descriptor_bytes
from tests.machine.spec import AceSpec, DescriptorSpec
from tests.machine.synthetic import SyntheticSource

HERE = 0xFFFFA08077000000
SHORT = DescriptorSpec("S-1-5-18", "S-1-5-32-544", (AceSpec("S-1-1-0", 1),))


def long(count: int) -> DescriptorSpec:
    """36 bytes an ACE."""
    return DescriptorSpec(
        "S-1-5-18", "S-1-5-18", tuple(AceSpec("S-1-5-21-1-2-3-%d" % rid, rid) for rid in range(count))
    )


def source(data: bytes, at: int = HERE) -> SyntheticSource:
    target = SyntheticSource(kernel_of(WINDOWS_11)).poke(at, data)
    target.reset_counters()
    target.log.clear()
    return target


def whole(target: SyntheticSource, at: int = HERE) -> SecurityDescriptor:
    found = read_descriptor(target, at)
    assert isinstance(found, SecurityDescriptor) and not found.problem and not found.is_partial
    return found


@pytest.mark.parametrize("count, requests", [(1, 1), (12, 1), (13, 3), (200, 3), (1800, 3)])
def test_what_lies_in_0x200_bytes_costs_one_request_and_more_costs_three(count: int, requests: int) -> None:
    """20 of header, 8 of the ACL's, 36 an ACE, two SIDs of 12: twelve ACEs end at 0x1ec, thirteen at 0x210.

    The second request ends with what tells how long the last SID is.
    """
    target = source(descriptor_bytes(long(count)))
    found = whole(target)
    assert found.dacl is not None and len(found.dacl.aces) == count
    assert target.requests == requests and all(size <= 0x20200 for _, size in target.log)


def test_the_first_request_ends_with_the_page() -> None:
    at = HERE + 0x1000 - len(descriptor_bytes(SHORT))
    target = source(descriptor_bytes(SHORT), at)
    target.without_mapping([HERE + 0x1000])
    assert whole(target, at).owner is not None and len(target.log) == 1


def test_a_header_that_is_cut_by_the_end_of_memory() -> None:
    for there in (0, 4, 16, 19):
        at = HERE + 0x1000 - there
        target = source(descriptor_bytes(SHORT), at)
        target.without_mapping([HERE + 0x1000])
        found = read_descriptor(target, at)
        assert isinstance(found, Unreadable) and (found.address, found.reason) == (at, "not mapped")
    # Of a whole header without what it names, that is said.
    at = HERE + 0x1000 - 20
    target = source(descriptor_bytes(SHORT), at)
    target.without_mapping([HERE + 0x1000])
    cut = read_descriptor(target, at)
    assert isinstance(cut, SecurityDescriptor) and cut.is_partial
    assert cut.problem.endswith("the bytes from 0x%x on: not mapped" % (HERE + 0x1000))
    assert (cut.owner_state, cut.dacl_state) == ("unreadable", "unreadable")


def offsets(data: bytes, **moved: int) -> bytes:
    places = {"owner": 4, "group": 8, "sacl": 12, "dacl": 16}
    changed = bytearray(data)
    for name, offset in moved.items():
        changed[places[name] : places[name] + 4] = offset.to_bytes(4, "little")
    return bytes(changed)


@pytest.mark.parametrize("part", ["owner", "group", "sacl", "dacl"])
def test_each_part_is_read_to_its_end_wherever_it_lies(part: str) -> None:
    """One part of 12 or 28 bytes at 0x800, the others in front of it."""
    label = (AceSpec("S-1-16-8192", 1, 0x11),)
    spec = DescriptorSpec("S-1-5-18", "S-1-5-18", (AceSpec("S-1-1-0", 1),), label)
    data = descriptor_bytes(spec)
    moved = {
        "owner": bytes.fromhex("010100000000000513000000"),  # S-1-5-19
        "group": bytes.fromhex("010100000000000513000000"),
        "sacl": acl_bytes((AceSpec("S-1-16-4096", 1, 0x11),)),
        "dacl": acl_bytes((AceSpec("S-1-5-32-545", 2),)),
    }[part]
    target = source(offsets(data.ljust(0x800, b"\0"), **{part: 0x800}) + moved)
    found = whole(target)
    told = {
        "owner": str(found.owner),
        "group": str(found.group),
        "sacl": str(found.sacl and found.sacl.aces[0].sid),
        "dacl": str(found.dacl and found.dacl.aces[0].sid),
    }
    usual = {"owner": "S-1-5-18", "group": "S-1-5-18", "sacl": "S-1-16-8192", "dacl": "S-1-1-0"}
    new = {"owner": "S-1-5-19", "group": "S-1-5-19", "sacl": "S-1-16-4096", "dacl": "S-1-5-32-545"}
    assert told == {**usual, part: new[part]}


@pytest.mark.parametrize("offset", [1, 19, 0x20200, 0xFFFFFFFF])
def test_offsets_that_cannot_be_make_nobody_read_on(offset: int) -> None:
    """In the header itself, or behind the most that a descriptor can be: two SIDs and two ACLs of 64 KiB."""
    target = source(offsets(descriptor_bytes(SHORT), group=offset).ljust(0x1000, b"\0"))
    found = read_descriptor(target, HERE)
    assert isinstance(found, SecurityDescriptor) and str(found.owner) == "S-1-5-18"
    assert (found.group_state, target.requests) == ("unreadable", 1)


def test_never_more_is_asked_for_than_a_descriptor_can_be() -> None:
    acl = b"\x02\0\xff\xff\0\0\0\0"  # an ACL that says that it is 65,535 bytes long
    target = source(offsets(descriptor_bytes(SHORT), dacl=0x201F0).ljust(0x201F0, b"\0") + acl.ljust(0x20000, b"\0"))
    read_descriptor(target, HERE)
    asked: List[Tuple[int, int]] = [(at, at + size) for at, size in target.log]
    assert max(end for _, end in asked) == HERE + 0x20200


@pytest.mark.parametrize("part", ["owner", "group", "sacl", "dacl"])
def test_a_part_that_is_none_keeps_nobody_from_reading_the_others_to_their_end(part: str) -> None:
    """Eight bytes of 0xff are no SID and no ACL: how long it is nobody can tell, and a part at 0x800 is read all the same."""
    other = "group" if part == "owner" else "owner"
    label = (AceSpec("S-1-16-8192", 1, 0x11),)
    data = descriptor_bytes(DescriptorSpec("S-1-5-18", "S-1-5-18", (AceSpec("S-1-1-0", 1),), label))
    body = offsets(data + b"\xff" * 8, **{part: len(data), other: 0x800}).ljust(0x800, b"\0")
    bad = acl_bytes(())[:2] + b"\7\0" + bytes(4)  # AclSize 7 is less than the header
    if part in ("sacl", "dacl"):
        body = body[: len(data)] + bad + body[len(data) + 8 :]
    found = read_descriptor(source(body + bytes.fromhex("010100000000000513000000")), HERE)  # S-1-5-19
    assert isinstance(found, SecurityDescriptor) and str(getattr(found, other)) == "S-1-5-19"
    assert found.is_partial
