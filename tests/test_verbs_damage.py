"""Any page gone, any pointer wild: dump and walk end, in a message of ours or a report, and lie about nothing.

Beside that: nothing that lies in the target's memory reaches a terminal unescaped.
"""

import json
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdtoken.errors import KdTokenError, MemoryUnreadable
from tests.examples import examples
from tests.expected import WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource
from tests.verbs import run_on

KERNEL = kernel_of(WINDOWS_11)
PAGES = sorted(number * 0x1000 for number in KERNEL.memory.pages)
PIDS = [6104, 5716, 1120, 1048, 6488]
WALKS = [[], ["--threads"], ["--csv"], ["--json", "--threads"]]
FORMS: List[List[str]] = [[], ["--why"], ["--json"], ["--format", "windbg"]]


def offset(type_name: str, name: str) -> int:
    return KERNEL.layouts.layout(type_name).field(name).offset


def pointer(at: int) -> int:
    return int.from_bytes(KERNEL.memory.peek(at, 8), "little")


def interesting() -> Iterator[int]:
    """Addresses of members whose ruin leads decoders astray: pointers, links, counts, indexes."""
    for pid in PIDS:
        process = KERNEL.processes[pid]
        for name in ("Token", "ActiveProcessLinks", "ThreadListHead", "UniqueProcessId", "ImageFileName"):
            yield process + offset("_EPROCESS", name)
        declared = MACHINE.process(pid)
        for thread in declared.threads:
            for name in ("ThreadListEntry", "ClientSecurity", "Cid"):
                yield KERNEL.threads[thread.tid] + offset("_ETHREAD", name)
        token = KERNEL.tokens[str(declared.token)]
        yield token - 0x18  # TypeIndex and its neighbours in the object header
        for name in (
            "UserAndGroups",
            "UserAndGroupCount",
            "RestrictedSids",
            "RestrictedSidCount",
            "VariableLength",
            "DefaultDacl",
            "PrimaryGroup",
            "DynamicPart",
            "LogonSession",
            "IntegrityLevelIndex",
            "DefaultOwnerIndex",
            "TokenFlags",
            "Package",
            "Capabilities",
            "CapabilityCount",
            "LowboxNumberEntry",
            "pSecurityAttributes",
            "TrustLevelSid",
            "SidHash",
            "ExpirationTime",
        ):
            yield token + offset("_TOKEN", name)
        yield pointer(token + offset("_TOKEN", "UserAndGroups"))
        yield pointer(pointer(token + offset("_TOKEN", "UserAndGroups")))
        yield pointer(token + offset("_TOKEN", "DefaultDacl"))
        yield pointer(token + offset("_TOKEN", "LogonSession")) + 0x20
    yield KERNEL.symbols["PsActiveProcessHead"]
    yield KERNEL.symbols["SepLogonSessions"]


PLACES = sorted(set(interesting()))
VALUES = st.one_of(
    st.sampled_from([0, 1, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0xFFFFDEAD00000000, 0x8000000000000000]),
    st.sampled_from(PLACES),
    st.sampled_from(sorted(KERNEL.tokens.values())),
    st.integers(0, 2**64 - 1),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("page"), st.sampled_from(PAGES), st.booleans()),
        st.tuples(st.just("page"), st.sampled_from(PLACES), st.booleans()),
        st.tuples(st.just("write"), st.sampled_from(PLACES), VALUES),
    ),
    min_size=1,
    max_size=4,
)


def damaged(steps: List[Tuple[str, int, int]]) -> Tuple[SyntheticSource, List[int]]:
    """The machine after the damage, and the addresses where 8 bytes were overwritten."""
    target = SyntheticSource(KERNEL).with_commands()
    written = []
    for what, address, value in steps:
        if what == "page":
            (target.without_pages if value else target.without_mapping)([address])
            continue
        try:
            target.read(address & ~0xFFF, 1)
        except MemoryUnreadable:
            continue
        target.poke(address, value.to_bytes(8, "little"))
        written.append(address)
    return target, written


def attempt(target: SyntheticSource, *arguments: str) -> List[str]:
    """The report, or none where the verb says why there is none; anything else is a failure."""
    try:
        return run_on(target, *arguments)
    except KdTokenError as error:
        assert str(error)
        return []


@settings(max_examples=examples(60))
@given(STEPS, st.sampled_from(PIDS), st.sampled_from(FORMS))
def test_dump_ends(steps: Any, pid: int, form: List[str]) -> None:
    target, _ = damaged(steps)
    for line in attempt(target, "dump", "%d" % pid, *form):
        assert line.isprintable(), line


@settings(max_examples=examples(20))
@given(STEPS, st.sampled_from(WALKS + [["--user", "anna"]]))
def test_walk_ends(steps: Any, form: List[str]) -> None:
    target, _ = damaged(steps)
    for line in attempt(target, "walk", *form):
        assert line.isprintable(), line


def same_or_unknown(seen: Any, whole: Any, where: str) -> None:
    """What is told is what the sound machine tells; what cannot be told is Unreadable."""
    if isinstance(seen, dict) and "unreadable" in seen:
        return
    if isinstance(whole, dict) and isinstance(seen, dict):
        assert set(seen) == set(whole), where
        for key in whole:
            same_or_unknown(seen[key], whole[key], where + "." + key)
    elif isinstance(whole, list) and isinstance(seen, list) and len(seen) == len(whole):
        for at, (one, other) in enumerate(zip(seen, whole)):
            same_or_unknown(one, other, "%s[%d]" % (where, at))
    else:
        assert seen == whole, where


# Worked out of several fields; null or "unknown" where one of them is missing, or not made at all.
DERIVED = ("account", "integrity_level", "elevation", "confined", "problems")


def token_json(target: SyntheticSource, pid: int) -> Dict[str, Any]:
    data: Dict[str, Any] = json.loads("\n".join(run_on(target, "dump", "%d" % pid, "--json")))
    return data


WHOLE = {pid: token_json(SyntheticSource(KERNEL), pid) for pid in PIDS}


@settings(max_examples=examples(50))
@given(
    st.lists(st.one_of(st.sampled_from(PAGES), st.sampled_from(PLACES)), min_size=1, max_size=4), st.sampled_from(PIDS)
)
def test_without_pages_no_wrong_value_is_shown(pages: List[int], pid: int) -> None:
    """Nothing was overwritten, so whatever is told must be what the whole machine tells."""
    target = SyntheticSource(KERNEL).without_pages(pages)
    try:
        seen = token_json(target, pid)
    except KdTokenError:
        return
    whole = WHOLE[pid]
    if not isinstance(seen["token"], dict) or "unreadable" in seen["token"]:
        return
    for key, value in whole["token"].items():
        if key not in DERIVED:
            same_or_unknown(seen["token"][key], value, "token." + key)
    assert seen["token"]["account"] in (whole["token"]["account"], None)
    assert seen["token"]["integrity_level"] in (whole["token"]["integrity_level"], None)
    assert seen["token"]["elevation"] in (whole["token"]["elevation"], "unknown")
    assert set(seen["token"]["confined"]) <= set(whole["token"]["confined"])
    known = {remark["text"] for remark in whole["remarks"]}
    for remark in seen["remarks"]:
        if remark["serious"] and remark["text"] not in seen["problems"]:
            assert remark["text"] in known or "read" in remark["text"] or "check" in remark["text"], remark


NAMES = st.binary(min_size=1, max_size=15)
TEXTS = st.text(max_size=20)


@settings(max_examples=examples(20))
@given(NAMES, st.binary(min_size=8, max_size=8), TEXTS, st.sampled_from(WALKS))
def test_nothing_of_the_target_reaches_a_terminal_unescaped(
    image: bytes, source: bytes, account: str, walk: List[str]
) -> None:
    target = SyntheticSource(KERNEL)
    process, token = KERNEL.processes[6104], KERNEL.tokens["notepad"]
    target.poke(process + offset("_EPROCESS", "ImageFileName"), image.ljust(15, b"\0"))
    target.poke(token + offset("_TOKEN", "TokenSource"), source)
    session = pointer(token + offset("_TOKEN", "LogonSession"))
    name = session + offset("_SEP_LOGON_SESSION_REFERENCES", "AccountName")
    data = account.encode("utf-16-le", "surrogatepass")[:40]
    target.poke(name, len(data).to_bytes(2, "little") * 2)
    target.poke(pointer(name + 8), data)
    for form in FORMS:
        for line in run_on(target, "dump", "6104", *form):
            assert line.isprintable(), (form, line)
    for line in run_on(target, "walk", *walk):
        assert line.isprintable(), line


@pytest.mark.parametrize("count", [0xFFFFFFFF, 0x10000, 4097])
def test_a_huge_count_is_not_believed(count: int) -> None:
    target = SyntheticSource(KERNEL)
    target.poke_field(KERNEL.tokens["notepad"], "_TOKEN", "UserAndGroupCount", count)
    lines = run_on(target, "dump", "6104", "--all")
    assert any("a count of %d" % count in line for line in lines)
    assert target.bytes_read < 1 << 20
