"""A hundred conditional ACEs with the answer that each gets: situations of Samba's conditional_ace_claims.py, which states
that they hold on Windows, written anew with names and values of our own.

Each is one callback ACE that allows 0x1f, and a wish of 0x10; the token has the SIDs, device SIDs and claims given.
"""

import random
from typing import Dict, List, NamedTuple, Sequence, Tuple, Union

from kdtoken.model.condition import Values

INT64, UINT64, STRING = 1, 2, 3
CASE_SENSITIVE = 0x2  # [MS-DTYP] 2.4.10.1 FCI_CLAIM_SECURITY_ATTRIBUTE_VALUE_CASE_SENSITIVE
Claim = Union[int, str, List[int], List[str], Values]


class Case(NamedTuple):
    """One check: what the condition says, who asks, and whether it is allowed."""

    name: str
    allow: bool
    condition: str
    sids: Tuple[str, ...] = ("S-1-1-0", "S-1-5-32-579")
    device: Tuple[str, ...] = ()
    user: Dict[str, Claim] = {}
    machine: Dict[str, Claim] = {}
    sid: str = "S-1-5-32-579"
    resource: str = ""

    @property
    def sddl(self) -> str:
        """The descriptor; a condition that is empty stands for a plain ACE."""
        kind = "(XA;;0x1f;;;%s;%s)" % (self.sid, self.condition) if self.condition else "(A;;0x1f;;;%s)" % self.sid
        return "O:SYG:SYD:%s%s" % (kind, "S:" + self.resource if self.resource else "")


def values(claim: Claim) -> Values:
    """A claim as the model has it."""
    if isinstance(claim, Values):
        return claim
    several = claim if isinstance(claim, list) else [claim]
    return Values(INT64 if several and isinstance(several[0], int) else STRING, tuple(several), 0)


AA, WD, BA, BG, WR = ("SID(S-1-5-32-579)", "SID(S-1-1-0)", "SID(S-1-5-32-544)", "SID(S-1-5-32-546)", "SID(S-1-5-33)")
ADMIN_MACHINE = ("S-1-5-32-544", "S-1-5-32-546")
STRANGER = "S-1-77-12-13"
_MEMBERS: List[Case] = [
    Case("device and user member", True, "(Device_Member_of{%s} && Member_of{%s})" % (BA, WD), device=ADMIN_MACHINE),
    Case("or, second true", True, "(Device_Member_of{%s} || Member_of{%s})" % (AA, WD), device=ADMIN_MACHINE),
    Case("or, first true", True, "(Device_Member_of{%s} || Member_of{%s})" % (BG, WR), device=ADMIN_MACHINE),
    Case("or, both true", True, "(Device_Member_of{%s} || Member_of{%s})" % (BA, WD), device=ADMIN_MACHINE),
    Case("and, both false", False, "(Device_Member_of{%s} && Member_of{%s})" % (AA, WR), device=ADMIN_MACHINE),
    Case("and, first false", False, "(Device_Member_of{%s} && Member_of{%s})" % (AA, WD), device=ADMIN_MACHINE),
    Case("and, second false", False, "(Device_Member_of{%s} && Member_of{%s})" % (BA, BA), device=ADMIN_MACHINE),
    Case("or, both false", False, "(Device_Member_of{%s} || Member_of{%s})" % (AA, WR), device=ADMIN_MACHINE),
    Case("one SID, any of", True, "(Member_of_Any{SID(%s)})" % STRANGER, (STRANGER,), sid=STRANGER),
    Case("one SID, not braced", True, "(Member_of %s)" % WD),
    Case("one SID, any of, not braced", True, "(Member_of_Any %s)" % WD),
    Case("line break before the SID", True, "(Member_of\n%s)" % WD),
    Case("any of two, second", True, "(Member_of_Any{SID(S-1-18-1),%s})" % WD),
    Case(
        "any of two, both", True, "(Member_of_Any{%s, SID(%s)})" % (WD, STRANGER), ("S-1-1-0", STRANGER), sid="S-1-1-0"
    ),
    Case(
        "any of two, one not",
        True,
        "(Member_of_Any{SID(S-1-1-99), SID(%s)})" % STRANGER,
        ("S-1-1-0", STRANGER),
        sid="S-1-1-0",
    ),
    Case(
        "any of one, other ACE SID", True, "(Member_of_Any{SID(%s)})" % STRANGER, ("S-1-1-0", STRANGER), sid="S-1-1-0"
    ),
    Case("any of, not mine", False, "(Member_of_Any{SID(%s)})" % STRANGER, ("S-1-1-0", "S-1-77-9"), sid="S-1-1-0"),
    Case(
        "any of, true, but the ACE is not mine",
        False,
        "(Member_of_Any{SID(%s)})" % STRANGER,
        (STRANGER,),
        sid="S-1-1-0",
    ),
    Case("member of what one is", True, "(Member_of{SID(%s)})" % STRANGER, (STRANGER, "S-1-5-32-579")),
    Case("plain ACE", True, "", sid="S-1-1-0"),
    Case("plain ACE, not mine", False, "", sid="S-1-3-0"),
    Case("member of everyone", True, "(Member_of{%s})" % WD, sid="S-1-1-0"),
    Case("member of everyone, more SIDs", True, "(Member_of{%s})" % WD, ("S-1-1-0", STRANGER), sid="S-1-1-0"),
    Case("member of both", True, "(Member_of{%s,%s})" % (WD, AA)),
    Case("member of both, one missing", False, "(Member_of{%s,%s})" % (WD, BA)),
    Case("device member", True, "(Device_Member_of{%s})" % BA, device=ADMIN_MACHINE),
    Case("device member, no device", False, "(Device_Member_of{%s})" % BA),
]
_NOTS: List[Case] = [
    Case("not false", True, "(!(Member_of{%s}))" % BA),
    Case("not true", False, "(!(Member_of{%s}))" % AA),
    Case("not not true", True, "(!(!(Member_of{%s})))" % AA),
    Case("not not false", False, "(!(!(Member_of{%s})))" % BA),
    Case("three nots, true", False, "(!(!(!(Member_of{%s}))))" % AA),
    Case("three nots of Not_Member_of", False, "(!(!(!(Not_Member_of{%s}))))" % BA),
    Case("eight nots, true", True, "(" + "!(" * 8 + "Member_of{%s}" % AA + ")" * 8 + ")"),
    Case("eight nots, false", False, "(" + "!(" * 8 + "Member_of{%s}" % BA + ")" * 8 + ")"),
    Case("nine nots, false", True, "(" + "!(" * 9 + "Member_of{%s}" % BA + ")" * 9 + ")"),
    Case("nine nots of Not_Member_of", True, "(" + "!(" * 9 + "Not_Member_of{%s}" % AA + ")" * 9 + ")"),
]
_CLAIMS: List[Case] = [
    Case("device claim, list equal", True, '(@Device.fruit == {"fig", "date"})', machine={"fruit": ["fig", "date"]}),
    Case("device claim, list against one", False, '(@Device.fruit == "date")', machine={"fruit": ["fig", "date"]}),
    Case("device claim, one against one", True, '(@Device.fruit == "fig")', machine={"fruit": "fig"}),
    Case("device claim, at least", True, "(@Device.doors >= 1)", machine={"doors": 4}),
    Case("device claim, number", True, "(@Device.doors == 1)", machine={"doors": 1}),
    Case("user against device", True, "(@User.fruit == @Device.fruit)", user={"fruit": "fig"}, machine={"fruit": "fig"}),
    Case("device contains resource", True, "(@Device.fruit Contains @Resource.fruit)", machine={"fruit": ["fig"]},
         resource='(RA;;;;;WD;("fruit",TS,0,"fig"))'),
    Case("device equals resource", True, "(@Device.fruit == @Resource.fruit)", machine={"fruit": ["fig"]},
         resource='(RA;;;;;WD;("fruit",TS,0,"fig"))'),
    Case("device contains all of resource", True, "(@Device.fruit Contains @Resource.fruit)",
         machine={"fruit": ["fig", "date"]}, resource='(RA;;;;;WD;("fruit",TS,0,"fig","date"))'),
    Case("device lacks one of resource", False, "(@Device.fruit Contains @Resource.fruit)", machine={"fruit": ["fig"]},
         resource='(RA;;;;;WD;("fruit",TS,0,"fig","date"))'),
]  # fmt: skip


def words(count: int, again: int = 0, seed: int = 0, mixed: bool = False) -> List[str]:
    """`count` different words, `again` more that repeat some; in order for seed 0, else shuffled; `mixed` letter case."""
    made = ["w%d" % number for number in range(count)]
    dice = random.Random(seed)
    made += [made[number % count] if not seed else dice.choice(made) for number in range(again)]
    if seed:
        dice.shuffle(made)
    return [word.upper() if mixed and dice.random() < 0.5 else word for word in made]


def _claim(texts: Sequence[str], flags: int = 0) -> Values:
    return Values(STRING, tuple(texts), flags)


def _list(texts: Sequence[str]) -> str:
    return "{%s}" % ", ".join('"%s"' % text for text in texts)


def _numbers(count: int, seed: int) -> Values:
    made = list(range(count))
    random.Random(seed).shuffle(made)
    return Values(INT64, tuple(made), 0)


def _ra(texts: Sequence[str], flags: int = 0) -> str:
    return '(RA;;;;;WD;("c",TS,%d,%s))' % (flags, ",".join('"%s"' % text for text in texts))


def _against_list(name: str, allow: bool, claim: Sequence[str], other: Sequence[str], flags: int = 0) -> Case:
    return Case(name, allow, "(@User.c == %s)" % _list(other), user={"c": _claim(claim, flags)})


def _two(name: str, allow: bool, one: Values, other: Values, operator: str = "==") -> Case:
    return Case(name, allow, "(@User.c %s @User.d)" % operator, user={"c": one, "d": other})


# Sets: order and repetition do not count, but a claim that repeats a value is no valid claim, and equals nothing.
_SETS: List[Case] = [
    _against_list("50 in order", True, words(50), words(50)),
    _against_list("50, same disorder", True, words(50, seed=1), words(50, seed=1)),
    _against_list("200, other disorder", True, words(200, seed=1), words(200, seed=2)),
    _against_list("50 in order against disorder", True, words(50), words(50, seed=1)),
    _against_list("50 in disorder against order", True, words(50, seed=1), words(50)),
    _against_list("99 in order", True, words(99), words(99)),
    _against_list("99, other disorder", True, words(99, seed=1), words(99, seed=2)),
    _against_list("99 in order against disorder", True, words(99), words(99, seed=1)),
    _against_list("99 in disorder against order", True, words(99, seed=1), words(99)),
    _against_list("39 against a list that repeats 60", True, words(39), words(39, 60)),
    _against_list("39 in disorder against a list that repeats 60", True, words(39, seed=1), words(39, 60, 1)),
    _against_list("39 in order against disorder that repeats", True, words(39), words(39, 60, 1)),
    _against_list("39 in disorder against order that repeats", True, words(39, seed=1), words(39, 60)),
    _against_list("3 against a list that repeats 60", True, words(3), words(3, 60)),
    _against_list("3 in disorder against a list that repeats 60", True, words(3, seed=1), words(3, 60, 1)),
    _against_list("3 in order against disorder that repeats 60", True, words(3), words(3, 60, 1)),
    _against_list("3 in disorder against order that repeats 60", True, words(3, seed=1), words(3, 60)),
    _against_list("3 against a list that repeats 61", True, words(3), words(3, 61)),
    _against_list("63 against 62 of which one repeats", False, words(63), words(62, 1)),
    _against_list("63 in disorder against 62 of which one repeats", False, words(63, seed=1), words(62, 1, 1)),
    _against_list("63 in disorder against 63 that repeat 800", True, words(63, seed=1), words(63, 800, 1)),
    _against_list("63 in disorder against 62 that repeat 800", False, words(63, seed=1), words(62, 800, 1)),
    _against_list("a claim that repeats a value, many", False, words(102, 1), words(102, 1)),
    _against_list("a claim that repeats a value, few", False, words(2, 1), words(2, 1)),
    _against_list("9 in order", True, words(9), words(9)),
    _against_list("9 against a list that repeats 90", True, words(9, seed=1), words(9, 90, 1)),
    _against_list("9, letter case counts, same case", True, words(9, seed=1), words(9, 90, 2), CASE_SENSITIVE),
    _against_list("9, mixed case, case does not count", True, words(9, seed=1, mixed=True), words(9, 90, 2, True)),
    _against_list("9, mixed case, case counts", False, words(9, seed=1, mixed=True), words(9, 90, 2, True), CASE_SENSITIVE),
    _against_list("99 against 9 that repeat", False, words(99, seed=1, mixed=True), words(9, 90, 2, True)),
    _two("none against one", False, _claim([]), _claim(words(1))),
    _two("900 against 900", True, _claim(words(900, seed=1)), _claim(words(900, seed=1))),
    _two("mixed case against a claim whose case counts", False, _claim(words(9, seed=3, mixed=True)), _claim(words(9), CASE_SENSITIVE)),
    _two("against mixed case whose case counts", False, _claim(words(9, seed=1)), _claim(words(9, seed=3, mixed=True), CASE_SENSITIVE)),
    _two("both mixed case, case counts", False, _claim(words(9, seed=1, mixed=True)), _claim(words(9, seed=4, mixed=True), CASE_SENSITIVE)),
    _two("not equal, case counts", True, _claim(words(9, seed=1)), _claim(words(9, seed=3, mixed=True), CASE_SENSITIVE), "!="),
    _two("a repeated value in a claim whose case counts", False, _claim(words(5, seed=2, mixed=True)),
         _claim(words(5, 5, 3, True), CASE_SENSITIVE)),
    _two("a repeated value in a long claim", False, _claim(words(90, seed=2)), _claim(words(90, 90, 3), CASE_SENSITIVE)),
    _two("words against numbers", False, _claim(words(90, seed=2)), _numbers(90, 3)),
    _two("numbers against words", False, _numbers(90, 2), _claim(words(90, seed=3))),
    Case("a claim against itself, none", True, "(@User.c == @User.c)", user={"c": _claim([])}),
    Case("a claim against itself, 1", True, "(@User.c == @User.c)", user={"c": _claim(words(1))}),
    Case("a claim against itself, 9", True, "(@User.c == @User.c)", user={"c": _claim(words(9))}),
    Case("a claim against itself, 300", True, "(@User.c == @User.c)", user={"c": _claim(words(300))}),
    Case("a claim not equal to itself, none", False, "(@User.c != @User.c)", user={"c": _claim([])}),
    Case("a claim not equal to itself, 1", False, "(@User.c != @User.c)", user={"c": _claim(words(1))}),
    Case("a claim against a missing one", False, "(@User.c == @User.d)", user={"c": _claim(words(90, seed=2))}),
    Case("a missing claim against one", False, "(@User.z == @User.c)", user={"c": _claim(words(90, seed=2))}),
    Case("resource of 99 against 9", False, "(@Resource.c == %s)" % _list(words(9, 90, 1, True)), resource=_ra(words(99, seed=2))),
    Case("resource that repeats", False, "(@Resource.c == %s)" % _list(words(9, 90, 1)), resource=_ra(words(9, 90, 2))),
    Case("resource against claim, the same", True, "(@Resource.c == @User.c)", user={"c": _claim(words(9, seed=1))},
         resource=_ra(words(9, seed=2))),
    Case("claim against resource, mixed case", True, "(@user.c == @resource.c)", user={"c": _claim(words(9, seed=1, mixed=True))},
         resource=_ra(words(9, seed=2))),
    Case("resource against claim, one short", False, "(@Resource.c == @User.c)", user={"c": _claim(words(28, seed=1))},
         resource=_ra(words(29, seed=2))),
]  # fmt: skip
CASES: List[Case] = _MEMBERS + _NOTS + _CLAIMS + _SETS
