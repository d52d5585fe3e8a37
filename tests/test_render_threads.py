"""The thread map."""

from dataclasses import replace

from kdtoken.decode.process_dump import Tokens
from kdtoken.model.absent import Fragment, NotSaid, Unreadable
from kdtoken.model.privilege import Privilege
from kdtoken.model.process import FastRef, Impersonation, Process, ProcessDump, Thread
from kdtoken.model.token import Token
from kdtoken.render.threads import differences, impersonation_lines, thread_lines
from tests.expected import file_of, kernel_of
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(file_of("6.3.9600"))
TOKENS = Tokens(SyntheticSource(KERNEL))


def token(key: str) -> Token:
    found = TOKENS.at(KERNEL.tokens[key])
    assert isinstance(found, Token)
    return found


def dump(*threads: Thread, primary: str = "notepad", **tokens: Token) -> ProcessDump:
    process = Process(0x1000, 8, "a.exe", FastRef(0x2000, 15), 4)
    return ProcessDump(process, Unreadable(0, ""), token(primary), threads, {t.address: t for t in tokens.values()})


def test_no_threads() -> None:
    assert thread_lines(dump()) == ["", "Threads", "  none on the process's list"]


def test_many_plain_threads_are_counted() -> None:
    threads = [Thread(0x3000 + at, 8, 12 + at, None) for at in range(20)]
    lines = thread_lines(dump(*threads))
    assert lines == [
        "",
        "Threads (20)",
        "  20 under the primary token: 12 13 14 15 16 17 18 19 20 21 22 23 and 8 more",
    ]


def test_one_that_impersonates_says_whom_and_what_differs() -> None:
    client = token("client-anna-full")
    lines = thread_lines(dump(Thread(0x3000, 8, 12, Impersonation(client.address, 3, True)), client=client))
    assert lines[2:4] == [
        "  1 impersonating:",
        "    12  ANNA-PC\\Anna  Delegation, EffectiveOnly  token 0x%x" % client.address,
    ]
    assert "integrity High" in lines[4] and "other user" not in lines[4]


def test_low_levels_say_what_they_are_not_good_for() -> None:
    client = token("client-anna")
    for level, words in ((0, "can neither act as the client"), (1, "good for asking who"), (2, ""), (9, "")):
        lines = impersonation_lines(dump(Thread(1, 8, 12, Impersonation(client.address, level, False)), client=client))
        assert words in " ".join(" ".join(lines).split())
        if level == 9:
            assert "unknown (9)" in lines[0]


def test_what_cannot_be_read_is_not_taken_for_the_primary_token() -> None:
    lines = thread_lines(dump(Thread(1, 8, 12, Unreadable(0x10, "paged out"))))
    assert lines[2:] == ["    12  token not known: ?? unreadable at 0x10: paged out"]
    lines = impersonation_lines(dump(Thread(1, 8, 12, Impersonation(0x5000, 2, False))))
    assert lines == ["  12  ?  Impersonation  token 0x5000", "        its token was not read"]


def test_problems_are_shown_and_clean() -> None:
    lines = thread_lines(dump(Thread(1, 8, 12, None, ("torn\x1b[m",))))
    assert lines[-1].lstrip() == "!! thread 12: torn\\u001b[m"


def test_differences() -> None:
    primary, client = token("notepad"), token("client-network")
    found = differences(primary, client)
    assert found[:2] == ["other user", "integrity System"]
    assert found[2].startswith("gains SeCreateGlobalPrivilege")
    assert differences(None, client) == []
    blind = replace(client, privileges=Unreadable(0, "paged out"), user_and_groups=Unreadable(0, "paged out"))
    assert differences(primary, blind) == []
    assert differences(primary, primary) == []


def test_twelve_threads_are_named_and_one_more_is_counted() -> None:
    for count, end in ((12, " 22 23"), (13, " 22 23 and 1 more")):
        lines = thread_lines(dump(*[Thread(0x3000 + at, 8, 12 + at, None) for at in range(count)]))
        assert lines[1] == "Threads (%d)" % count and lines[2].endswith(end)


def test_a_list_of_threads_that_is_a_part_says_at_least() -> None:
    part = replace(dump(), threads=Fragment([Thread(1, 8, 12, None)], "torn"))
    assert thread_lines(part)[1:] == ["Threads (at least 1)", "  1 under the primary token: 12"]
    torn = replace(dump(), problems=("threads cannot be listed: torn",))
    assert thread_lines(torn)[2] == "  ?? not listed, as noted"
    told = replace(dump(), details=NotSaid("!process"))
    assert thread_lines(told)[2] == "  none are told of; !process 1000 6 lists them"


def held(*numbers: int) -> Token:
    """The primary token, with these privileges on."""
    return replace(
        token("notepad"), privileges=tuple(Privilege(one, "Se%02d" % one, True, True, False) for one in numbers)
    )


def test_of_privileges_gained_and_lost_three_are_named() -> None:
    few, many = held(1, 2), held(1, 2, 3, 4, 5)
    assert differences(few, many) == ["gains Se03 Se04 Se05"]
    assert differences(few, held(1, 2, 3, 4, 5, 6)) == ["gains Se03 Se04 Se05 and 1 more"]
    assert differences(many, few) == ["loses 3 of the 5 enabled privileges"]
    assert differences(held(1), held(2)) == ["gains Se02", "loses 1 of the 1 enabled privileges"]
    assert differences(few, few) == []
    # Where one side's privileges are not known, nothing is said of them.
    assert differences(replace(few, privileges=Unreadable(0, "x")), many) == []


def test_a_level_that_one_side_does_not_tell_is_no_difference() -> None:
    primary, client = token("notepad"), token("client-network")
    assert "integrity System" in differences(primary, client)
    for one, other in (
        (replace(primary, user_and_groups=Unreadable(0, "x")), client),
        (primary, replace(client, user_and_groups=Unreadable(0, "x"))),
    ):
        assert not [word for word in differences(one, other) if word.startswith("integrity")]
        assert "other user" not in differences(one, other)
