"""Threads and the tokens that they run under."""

from typing import Any, List

import pytest

from kdtoken.decode.thread import walk_threads
from kdtoken.errors import SymbolNotFound, TypeNotFound
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.process import Impersonation, Thread
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource

NEWEST = WINDOWS_11
SERVER = 1120  # the process whose threads impersonate
CLIENT = 1136  # one of them, under client-network


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


def head(kernel: Kernel, pid: int) -> int:
    return kernel.processes[pid] + kernel.layouts.layout("_EPROCESS").field("ThreadListHead").offset


def threads(target: SyntheticSource, pid: int = SERVER) -> List[Thread]:
    return walk_threads(target, head(target.kernel, pid))[0]


def one(target: SyntheticSource, tid: int = CLIENT) -> Thread:
    return next(thread for thread in threads(target) if thread.tid == tid)


def client(target: SyntheticSource, tid: int = CLIENT) -> int:
    """Address of the thread's ClientSecurity."""
    return target.kernel.threads[tid] + target.layout("_ETHREAD").field("ClientSecurity").offset


def test_every_thread_of_every_process(kernel: Kernel) -> None:
    target = SyntheticSource(kernel)
    for process in MACHINE.processes:
        seen, problems = walk_threads(target, head(kernel, process.pid))
        assert problems == []
        assert [(t.address, t.pid, t.tid) for t in seen] == [
            (kernel.threads[t.tid], process.pid, t.tid) for t in process.threads
        ]


def test_who_runs_under_which_token(kernel: Kernel) -> None:
    """Level and EffectiveOnly too; a word left from an impersonation that ended counts for nothing."""
    target = SyntheticSource(kernel)
    for process in MACHINE.processes:
        for seen, declared in zip(threads(target, process.pid), process.threads):
            want: Any = None
            if declared.impersonates is not None and not declared.stale:
                want = Impersonation(kernel.tokens[declared.impersonates], declared.level, declared.effective_only)
            assert seen.impersonation == want, declared.tid
            assert seen.problems == ()


def test_the_stale_one_really_holds_a_word() -> None:
    """Or the test above would prove nothing."""
    target = SyntheticSource(kernel_of(NEWEST))
    word = int.from_bytes(target.read(client(target, 1148), 8), "little")
    assert word & ~7 == target.kernel.tokens["client-anna"]
    assert one(target, 1148).impersonation is None


def test_a_flag_without_a_token_is_a_problem() -> None:
    target = SyntheticSource(kernel_of(NEWEST))
    target.poke(client(target), bytes(8))
    thread = one(target)
    assert thread.impersonation is None
    assert len(thread.problems) == 1 and "no token" in thread.problems[0]


@pytest.mark.parametrize("member", ["ClientSecurity", "ActiveImpersonationInfo"])
def test_what_the_build_lacks_is_absent_not_none(member: str) -> None:
    target = SyntheticSource(kernel_of(NEWEST)).without_field("_ETHREAD", member)
    assert one(target).impersonation == Absent("_ETHREAD." + member)


def test_an_impersonation_that_is_paged_out_is_unreadable() -> None:
    """A thread whose page border falls between its id and the flags."""
    target = SyntheticSource(kernel_of(NEWEST))
    layout = target.layout("_ETHREAD")
    address = 0xFFFFA08077000000 - layout.field("ActiveImpersonationInfo").offset
    original = target.kernel.threads[CLIENT]
    target.poke(address, target.kernel.memory.peek(original, 0xFFFFA08077000000 - address))
    entry = layout.field("ThreadListEntry").offset
    list_head = 0xFFFFA08078000000
    assert entry < layout.field("ActiveImpersonationInfo").offset
    ring = [list_head, address + entry]
    for index, at in enumerate(ring):
        target.poke(at, ring[1 - index].to_bytes(8, "little") * 2)
    seen, problems = walk_threads(target, list_head)
    assert problems == [] and len(seen) == 1
    assert seen[0].tid == CLIENT
    assert isinstance(seen[0].impersonation, Unreadable)


def test_an_ended_process_has_no_threads() -> None:
    assert threads(SyntheticSource(kernel_of(NEWEST)), 4072) == []


def test_a_torn_thread_list_keeps_all_threads() -> None:
    target = SyntheticSource(kernel_of(NEWEST))
    entry = target.layout("_ETHREAD").field("ThreadListEntry").offset
    target.poke(target.kernel.threads[1128] + entry, (0xFFFFDEAD00000000).to_bytes(8, "little"))
    seen, problems = walk_threads(target, head(target.kernel, SERVER))
    assert [t.tid for t in seen] == [t.tid for t in MACHINE.process(SERVER).threads]
    assert problems


def test_symbols_without_threads_name_the_type() -> None:
    with pytest.raises(TypeNotFound, match="_ETHREAD"):
        threads(SyntheticSource(kernel_of(NEWEST)).without_type("_ETHREAD"))


def test_a_walk_costs_a_request_a_thread_and_one() -> None:
    kernel = kernel_of(NEWEST)
    cached = CachedSource(SyntheticSource(kernel))
    walk_threads(cached, head(kernel, SERVER))
    assert cached.requests <= len(MACHINE.process(SERVER).threads) + 1


class Xp(SyntheticSource):
    """_ETHREAD of Windows XP's shape: a pointer to a struct of its own."""

    def layout(self, name: str) -> Layout:
        if name == "_ETHREAD":
            return make_layout(
                name,
                0x40,
                [
                    Field("Cid", 0, "_CLIENT_ID"),
                    Field("ImpersonationInfo", 0x10, "Ptr64 _PS_IMPERSONATION_INFORMATION"),
                    Field("ThreadListEntry", 0x18, "_LIST_ENTRY"),
                    Field("CrossThreadFlags", 0x28, "Uint4B"),
                    Field("ActiveImpersonationInfo", 0x28, "Pos 3, 1 Bit"),
                ],
            )
        if name == "_PS_IMPERSONATION_INFORMATION":
            return make_layout(
                name,
                0x10,
                [
                    Field("Token", 0, "Ptr64 Void"),
                    Field("CopyOnOpen", 8, "UChar"),
                    Field("EffectiveOnly", 9, "UChar"),
                    Field("ImpersonationLevel", 12, "_SECURITY_IMPERSONATION_LEVEL"),
                ],
            )
        return super().layout(name)


def old_thread(active: int, info: int, level: int = 2) -> Thread:
    """One such thread, in a list of its own."""
    target = Xp(kernel_of(NEWEST))
    at, list_head, where = 0xFFFFA08077000000, 0xFFFFA08077000100, 0xFFFFA08077000200
    words = [4, 12, where if info else 0, list_head, list_head, active << 3]
    target.poke(at, b"".join(word.to_bytes(8, "little") for word in words))
    target.poke(list_head, (at + 0x18).to_bytes(8, "little") * 2)
    target.poke(where, info.to_bytes(8, "little") + b"\0\1\0\0" + level.to_bytes(4, "little"))
    seen, problems = walk_threads(target, list_head)
    assert problems == []
    return seen[0]


def test_impersonation_as_windows_xp_kept_it() -> None:
    assert old_thread(1, 0xE265A030).impersonation == Impersonation(0xE265A030, 2, True)


@pytest.mark.parametrize("active, info", [(0, 0xE265A030), (1, 0), (0, 0)])
def test_no_impersonation_in_windows_xp(active: int, info: int) -> None:
    assert old_thread(active, info).impersonation is None


def test_missing_symbol_for_the_type_check_does_no_harm() -> None:
    """nt!PsThreadType is only asked when the chains disagree."""
    target = SyntheticSource(kernel_of(NEWEST)).without_symbol("PsThreadType")
    with pytest.raises(SymbolNotFound):
        target.symbol("PsThreadType")
    assert len(threads(target)) == len(MACHINE.process(SERVER).threads)


GONE = 0xFFFFDEAD00000000


def old_thread_with(member: str) -> Thread:
    """As old_thread(1, ...), where one member of what its pointer leads to is not in the build."""

    class Lacking(Xp):
        def layout(self, name: str) -> Layout:
            whole = super().layout(name)
            if name != "_PS_IMPERSONATION_INFORMATION":
                return whole
            return make_layout(name, whole.size, [one for one in whole.fields if one.name != member])

    target = Lacking(kernel_of(NEWEST))
    at, list_head, where = 0xFFFFA08077000000, 0xFFFFA08077000100, 0xFFFFA08077000200
    words = [4, 12, where, list_head, list_head, 1 << 3]
    target.poke(at, b"".join(word.to_bytes(8, "little") for word in words))
    target.poke(list_head, (at + 0x18).to_bytes(8, "little") * 2)
    target.poke(where, (0xE265A030).to_bytes(8, "little") + b"\0\1\0\0\2\0\0\0")
    return walk_threads(target, list_head)[0][0]


@pytest.mark.parametrize("member", ["Token", "EffectiveOnly", "ImpersonationLevel"])
def test_what_windows_xp_s_own_struct_lacks_is_absent(member: str) -> None:
    assert old_thread_with(member).impersonation == Absent("_PS_IMPERSONATION_INFORMATION." + member)


def test_what_windows_xp_points_to_and_cannot_be_read() -> None:
    target = Xp(kernel_of(NEWEST))
    at, list_head = 0xFFFFA08077000000, 0xFFFFA08077000100
    words = [4, 12, GONE, list_head, list_head, 1 << 3]
    target.poke(at, b"".join(word.to_bytes(8, "little") for word in words))
    target.poke(list_head, (at + 0x18).to_bytes(8, "little") * 2)
    assert isinstance(walk_threads(target, list_head)[0][0].impersonation, Unreadable)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("only", [0, 1])
def test_level_and_effective_only_come_out_of_the_word(level: int, only: int) -> None:
    """_PS_CLIENT_SECURITY_CONTEXT: ImpersonationLevel is bits 0 and 1, EffectiveOnly bit 2 (public symbols)."""
    target = SyntheticSource(kernel_of(NEWEST))
    token = target.kernel.tokens["client-network"]
    target.poke(client(target), (token | level | only << 2).to_bytes(8, "little"))
    assert one(target).impersonation == Impersonation(token, level, bool(only))


def test_a_triage_dump_has_the_thread_that_ran() -> None:
    target = SyntheticSource(kernel_of(NEWEST))
    target.kept_threads = (target.kernel.threads[CLIENT],)  # type: ignore[misc, assignment]
    seen, problems = walk_threads(target, 0)
    assert [thread.tid for thread in seen] == [CLIENT] and isinstance(seen[0].impersonation, Impersonation)
    assert problems == ["a triage dump has no list of threads: this is the one that ran at the crash"]


def test_a_build_without_the_bit_fields_tells_of_no_impersonation() -> None:
    for name in ("ImpersonationLevel", "EffectiveOnly"):
        target = SyntheticSource(kernel_of(NEWEST)).without_field("_PS_CLIENT_SECURITY_CONTEXT", name)
        assert one(target).impersonation == Absent("_ETHREAD.ClientSecurity bit-fields")


def test_a_word_that_is_paged_out_is_unreadable_though_its_flag_is_there() -> None:
    """A page ends between the flags and ClientSecurity, whichever comes first: the one that is left decides nothing."""
    target = SyntheticSource(kernel_of(NEWEST))
    layout = target.layout("_ETHREAD")
    flags, word = layout.field("CrossThreadFlags").offset, layout.field("ClientSecurity").offset
    border = 0xFFFFA08077001000
    address = border - max(flags, word)
    original = target.kernel.threads[CLIENT]
    target.poke(address, target.kernel.memory.peek(original, max(flags, word) + 8))
    entry, list_head = layout.field("ThreadListEntry").offset, 0xFFFFA08078000000
    ring = [list_head, address + entry]
    for index, at in enumerate(ring):
        target.poke(at, ring[1 - index].to_bytes(8, "little") * 2)
    ((whole,), _) = walk_threads(target, list_head)
    assert isinstance(whole.impersonation, Impersonation)
    gone = border - 1 if word < flags else border
    target.without_pages([gone])
    found = walk_threads(target, list_head)[0]
    # Where the links lie on that page too, the thread itself is not reached.
    assert all(isinstance(one.impersonation, Unreadable) for one in found)


def test_an_old_build_without_the_flag_tells_of_no_impersonation() -> None:
    class Lacking(Xp):
        def layout(self, name: str) -> Layout:
            whole = super().layout(name)
            if name != "_ETHREAD":
                return whole
            return make_layout(name, whole.size, [one for one in whole.fields if one.name != "ActiveImpersonationInfo"])

    target = Lacking(kernel_of(NEWEST))
    at, list_head = 0xFFFFA08077000000, 0xFFFFA08077000100
    words = [4, 12, 0xFFFFA08077000200, list_head, list_head, 1 << 3]
    target.poke(at, b"".join(word.to_bytes(8, "little") for word in words))
    target.poke(list_head, (at + 0x18).to_bytes(8, "little") * 2)
    assert walk_threads(target, list_head)[0][0].impersonation == Absent("_ETHREAD.ActiveImpersonationInfo")
