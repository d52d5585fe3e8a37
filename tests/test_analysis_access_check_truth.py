"""The verdict: what it is called, and what of an outcome makes two runs the same."""

from dataclasses import replace

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.truth import Verdict, decide, same
from kdtoken.model.absent import Unreadable
from tests.test_analysis_access_check_check import asked, guarded


def test_reprs() -> None:
    """For a script's prompt: the verdict, the mask in hexadecimal, what stopped it, or what it depends on."""
    assert repr(decide(asked("user", "O:{X}G:{X}D:(A;;0x13;;;BU)", 0x12))) == "<Answer: yes, 0x12>"
    no = decide(asked("user", "O:{X}G:{X}D:", 0x1))
    assert no.outcome.denial is not None
    assert repr(no) == "<Answer: no, by the dacl: %s>" % no.outcome.denial.why
    depends = decide(guarded(asked("user", "nodacl", 0x1), Unreadable(0xFFFF800012345678, "paged out")))
    texts = [one.question.text for one in depends.depends]
    assert texts and repr(depends) == "<Answer: depends on whether %s>" % ", ".join(texts[:2])
    assert repr(depends._replace(depends=depends.depends * 3)).count(texts[0]) == 2, "the first two"
    assert repr(depends._replace(depends=())) == "<Answer: depends on whether much that is not known>"


def test_same_is_the_answer_and_not_the_way_to_it() -> None:
    one = check(asked("user", "O:{X}G:{X}D:(A;;0x13;;;BU)", 0x2000000))
    other = check(asked("user", "O:{X}G:{X}D:(A;;0x11;;;BU)", 0x2000000))
    assert same(one, check(asked("user", "O:{X}G:{X}D:(A;;0x13;;;WD)", 0x2000000)))
    assert not same(one, other), "both are allowed, and one is granted more"
    assert not same(one, check(asked("user", "O:{X}G:{X}D:", 0x1)))


def test_of_a_yes_and_a_no_nothing_depends() -> None:
    for wish, verdict in ((0x1, Verdict.YES), (0x2, Verdict.NO)):
        answer = decide(asked("user", "O:{X}G:{X}D:(A;;0x1;;;BU)", wish))
        assert (answer.verdict, answer.depends, answer.cut_short, answer.runs) == (verdict, (), False, 1)


def test_every_fact_that_can_turn_the_answer_is_named() -> None:
    """0x3 comes from two groups together, or from a third: each of them matters, though none of the two does alone."""
    groups = ["S-1-5-32-545", "S-1-5-11", "S-1-5-4"]
    request = asked("bare", "O:{X}G:{X}D:(A;;0x1;;;%s)(A;;0x2;;;%s)(A;;0x3;;;%s)" % tuple(groups), 0x3)
    answer = decide(replace(request, caller=replace(request.caller, sids_whole=False)))
    assert answer.verdict is Verdict.DEPENDS and not answer.outcome.allowed
    assert [one.question.key for one in answer.depends] == ["sid:%s" % group for group in groups]
    for one in answer.depends:
        assert one.if_true.granted == 0x3 and not one.if_false.allowed
    # The first two alone: a yes needs both, so it is no plain no.
    request = asked("bare", "O:{X}G:{X}D:(A;;0x1;;;%s)(A;;0x2;;;%s)" % tuple(groups[:2]), 0x3)
    answer = decide(replace(request, caller=replace(request.caller, sids_whole=False)))
    assert answer.verdict is Verdict.DEPENDS and len(answer.depends) == 2
