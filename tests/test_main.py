"""`kdtoken` by itself: usage, version, unknown verbs."""

import gc
import re
import types
from importlib import import_module
from typing import List, Set

import pytest

from kdtoken import __main__ as front
from kdtoken import __version__, dump


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["help"]])
def test_help_names_every_verb(words: "list[str]", capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(words) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: kdtoken VERB")
    for verb, what in front.VERBS.items():
        assert "  %-8s %s\n" % (verb, what) in out
    # The verbs stand as a block of their own between what is typed in a shell and what in WinDbg.
    assert [at for at, line in enumerate(out.split("\n")) if not line] == [
        1,
        2 + len(front.VERBS),
        4 + len(front.VERBS),
    ]


def test_no_verb_shows_the_usage_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main([]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("usage: kdtoken VERB")
    assert err.startswith("kdtoken: no verb was named\n  next: kdtoken tour ")


@pytest.mark.parametrize("word", ["-V", "--version"])
def test_version(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main([word]) == 0
    assert capsys.readouterr().out == "kdtoken %s\n" % __version__


def test_an_unknown_verb_is_answered_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(["frobnicate", "notepad.exe"]) == 2
    out, err = capsys.readouterr()
    wanted = "kdtoken: no verb 'frobnicate'; there are: %s\n  next: kdtoken --help tells what each does\n" % ", ".join(
        front.VERBS
    )
    assert (out, err) == ("", wanted)


def test_a_fault_of_our_own_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(words: "list[str]") -> int:
        raise KeyError("\x1b[2J inner thing")

    monkeypatch.setattr(dump, "main", broken)
    assert front.main(["dump", "a.exe"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("kdtoken: a fault in kdtoken itself (tests.test_main, line ")
    assert "KeyError\n  next: " in err and "inner thing" not in err
    with pytest.raises(KeyError):
        front.main(["dump", "a.exe", "--debug"])


@pytest.mark.parametrize("word, meant", [("dmp", "dump"), ("Dump", "dump"), ("wlak", "walk"), ("recrod", "record")])
def test_a_verb_that_is_near_is_offered(word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main([word, "a.exe"]) == 2
    assert capsys.readouterr().err == "kdtoken: no verb %r; did you mean %s?\n  next: kdtoken %s a.exe\n" % (
        word,
        meant,
        meant,
    )


def test_help_of_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(["help", "dump"]) == 0
    assert capsys.readouterr().out.startswith("usage: kdtoken dump")


# collect stands alone: its parser is plain argparse, which ends the program to show its help.
@pytest.mark.parametrize("verb", sorted(set(front.VERBS) - {"collect"}))
def test_every_verb_of_the_list_is_there_and_tells_its_options(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: kdtoken %s" % verb)


def test_each_verb_is_summed_up_in_the_words_of_its_own_help() -> None:
    def words(text: str) -> Set[str]:
        return {one for one in re.findall("[a-z]+", text.lower()) if len(one) > 2}

    heads = {
        verb: words(str(import_module("kdtoken." + verb).__doc__).strip().split("\n\n")[0]) - {verb}
        for verb in front.VERBS
    }
    for verb, what in front.VERBS.items():
        shared = {other: len(words(what) & heads[other]) for other in heads}
        assert shared[verb] >= 2 and max(shared, key=lambda one: shared[one]) == verb, (verb, shared)


def test_the_collector_rests_while_a_verb_is_loaded_and_at_the_command_s_end(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: List[bool] = []
    ends: List[object] = []

    def load(name: str) -> object:
        seen.append(gc.isenabled())
        if name == "kdtoken.walk":
            raise KeyboardInterrupt
        return types.SimpleNamespace(main=lambda words: seen.append(gc.isenabled()) or len(words))

    monkeypatch.setattr("kdtoken.__main__.import_module", load)
    monkeypatch.setattr("atexit.register", ends.append)
    assert front.main(["dump", "a", "b"]) == 2 and seen == [False, True] and gc.isenabled()
    assert front.main(["walk"]) == 2 and seen == [False, True, False] and gc.isenabled()
    assert ends == []  # a program's own process, or a debugger's
    monkeypatch.setattr("sys.argv", ["kdtoken", "dump", "a"])
    assert front.main() == 1 and ends == [gc.freeze]
    gc.disable()
    try:
        assert front.main(["dump"]) == 0 and seen[-2:] == [False, False] and not gc.isenabled()
    finally:
        gc.enable()
