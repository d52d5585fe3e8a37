"""What the kernel keeps twice about a process: its pair of logon sessions, its count of threads, the level of a client."""

from typing import List

from tests.expected import WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource
from tests.verbs import run_on

KERNEL = kernel_of(WINDOWS_11)
SESSION = "_SEP_LOGON_SESSION_REFERENCES"


def lines(target: SyntheticSource, process: str = "6104") -> List[str]:
    return run_on(target, "dump", process, "--all")


def test_a_pair_of_logon_sessions_knows_each_other() -> None:
    token = KERNEL.machine.tokens["notepad"]
    own = next(one for one in KERNEL.machine.logon_sessions if one.logon_id == token.auth_id)
    target = SyntheticSource(KERNEL)
    target.poke_field(KERNEL.logon_sessions[own.buddy_id], SESSION, "BuddyLogonId", (0x3E7).to_bytes(8, "little"))
    text = " ".join(" ".join(lines(target)).split())
    assert (
        "no half of this pair: logon session 0x%x is paired with 0x3e7, not with 0x%x" % (own.buddy_id, own.logon_id)
        in text
    )
    assert "no half of this pair" not in " ".join(lines(SyntheticSource(KERNEL)))


def test_a_count_of_threads_above_those_on_the_list_is_told() -> None:
    process = KERNEL.processes[6104]  # one thread
    for count, told in ((0, False), (1, False), (2, True)):
        target = SyntheticSource(KERNEL)
        target.poke_field(process, "_EPROCESS", "ActiveThreads", count)
        said = [one for one in lines(target) if "ActiveThreads is" in one]
        assert bool(said) is told, count
        if told:
            assert "!! ActiveThreads is 2, and 1 thread is on the list" in said[0]


def test_a_torn_list_is_blamed_for_itself_alone() -> None:
    target = SyntheticSource(KERNEL)
    link = KERNEL.threads[4124] + KERNEL.layouts.layout("_ETHREAD").field("ThreadListEntry").offset
    target.poke(link, bytes(8))  # Flink of explorer's first thread
    text = " ".join(lines(target, "4120"))
    assert "_ETHREAD list: torn" in text and "ActiveThreads is" not in text


def test_a_level_above_what_the_client_allowed_is_told() -> None:
    """Thread 1132 runs at Identification (1) under client-anna, which allows that and no more."""
    token = KERNEL.tokens["client-anna"]
    sound = KERNEL.machine.tokens["client-anna"]
    assert sound.type == 2 and not any("impersonates at level" in one for one in lines(SyntheticSource(KERNEL), "1120"))
    target = SyntheticSource(KERNEL)
    target.poke_field(token, "_TOKEN", "ImpersonationLevel", 0)
    said = [one for one in lines(target, "1120") if "impersonates at level" in one]
    assert len(said) == 1 and "!! thread 1132 impersonates at level 1, and its token allows 0" in said[0]
