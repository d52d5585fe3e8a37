"""Laws that hold for every token and every descriptor, with thousands of random ones."""

from dataclasses import replace
from typing import List

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kdtoken.analysis.access_check.caller import DENY_ONLY, DISABLED, ENABLED, Caller
from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.questions import READINGS, Answers
from kdtoken.analysis.access_check.reason import ReasonType
from kdtoken.analysis.access_check.request import ACCESS_SYSTEM_SECURITY, MAXIMUM_ALLOWED, WRITE_OWNER, Request
from kdtoken.analysis.access_check.run import Outcome, Place
from kdtoken.analysis.access_check.truth import Verdict, decide
from kdtoken.analysis.access_check.turn import turns
from kdtoken.model.acl import DENY_TYPES, Ace, Acl
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import documented_type
from kdtoken.model.secured_object import SecuredObject
from kdtoken.model.sid import Sid
from tests import access_sequential
from tests.examples import examples

USER = Sid(5, (21, 1, 2, 3, 1001))
GROUPS = [Sid(5, (32, 544)), Sid(5, (32, 545)), Sid(1, (0,)), Sid(5, (11,))]
PACKAGE, CAPABILITY = Sid(15, (2, 1, 2, 3, 4, 5, 6, 7)), Sid(15, (3, 1))
OTHERS = [
    Sid(5, (21, 1, 2, 3, 1002)),
    Sid(3, (4,)),
    Sid(5, (10,)),
    Sid(15, (2, 1)),
    Sid(15, (2, 2)),
    PACKAGE,
    CAPABILITY,
]
RIGHTS = [0x1, 0x2, 0x20, 0x100, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000]
PRIVILEGES = ["SeSecurityPrivilege", "SeTakeOwnershipPrivilege", "SeRelabelPrivilege", "SeDebugPrivilege"]
LEVELS = st.sampled_from([0, 0x1000, 0x2000, 0x2100, 0x3000, 0x4000])

masks = st.lists(st.sampled_from(RIGHTS), min_size=1, max_size=5).map(lambda bits: sum(set(bits)))
sids = st.sampled_from([USER] + GROUPS + OTHERS)
callers = st.builds(
    Caller,
    name=st.just("a caller"),
    user=st.just(USER),
    sids=st.fixed_dictionaries(
        {USER: st.sampled_from([ENABLED, ENABLED, DENY_ONLY])},
        optional={group: st.sampled_from([ENABLED, DENY_ONLY, DISABLED]) for group in GROUPS},
    ),
    restricting=st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from([USER] + GROUPS), max_size=3)),
    write_restricted=st.booleans(),
    integrity=LEVELS,
    policy=st.sampled_from([0, 1, 2, 3]),
    privileges=st.dictionaries(st.sampled_from(PRIVILEGES), st.booleans()),
    container=st.sampled_from([False, False, True]),
    package=st.just(PACKAGE),
    capabilities=st.frozensets(st.just(CAPABILITY)),
    lpac=st.booleans(),
    trust=st.sampled_from([None, Sid(19, (512, 4096)), Sid(19, (1024, 8192))]),
    level=st.sampled_from([None, None, 0, 1, 2, 3]),
    protection=st.sampled_from([0, 0x31, 0x41, 0x62]),
)
aces = st.builds(
    lambda kind, mask, sid, flags: Ace.build(kind, mask, sid, flags),
    st.sampled_from([0, 0, 0, 1]),
    masks,
    sids,
    st.sampled_from([0, 0, 0, 0, 0x8, 0x10]),
)
sacl_aces = st.one_of(
    st.builds(
        lambda mask, level, flags: Ace.build(0x11, mask, Sid(16, (level,)), flags),
        st.integers(0, 7),
        LEVELS,
        st.sampled_from([0, 0, 0x8]),
    ),
    st.builds(lambda mask: Ace.build(0x14, mask, Sid(19, (512, 4096))), masks),
)


def _descriptor(dacl: List[Ace], sacl: List[Ace], owner: Sid, state: str) -> SecurityDescriptor:
    return SecurityDescriptor(
        owner,
        USER,
        0x8014,
        Acl.build(tuple(dacl)) if state == "present" else None,
        Acl.build(tuple(sacl)),
        state,
        "present",
    )


descriptors = st.builds(
    _descriptor,
    st.lists(aces, max_size=6),
    st.one_of(st.just([]), st.lists(sacl_aces, max_size=2)),
    st.sampled_from([USER] + GROUPS + OTHERS[:1]),
    st.sampled_from(["present"] * 8 + ["null", "absent"]),
)
wishes = st.one_of(masks, masks, st.just(MAXIMUM_ALLOWED), masks.map(lambda mask: mask | MAXIMUM_ALLOWED))


@st.composite
def requests(draw: st.DrawFn, wish: st.SearchStrategy = wishes) -> Request:  # type: ignore[type-arg]
    """A random request: a file's rights mostly, a process's sometimes."""
    kind = documented_type(draw(st.sampled_from(["file", "file", "process", "key"])))
    thing = SecuredObject(None, "a thing", kind, draw(descriptors))
    protection = draw(st.sampled_from([0, 0, 0, 0x31, 0x61])) if kind.name == "Process" else 0
    extra = draw(st.sampled_from([0, 0, 0, ACCESS_SYSTEM_SECURITY]))
    principal = draw(st.sampled_from([None, USER, OTHERS[0]]))
    return Request(draw(callers), thing, kind, draw(wish) | extra, principal, protection=protection)


def _no_deny(request: Request) -> Request:
    """The same with every deny ACE left out."""
    descriptor = request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor)
    if descriptor.dacl is None:
        return request
    kept = Acl.build(tuple(ace for ace in descriptor.dacl.aces if ace.type not in DENY_TYPES))
    return replace(request, object=replace(request.object, descriptor=replace(descriptor, dacl=kept)))


def _not_more(less: Outcome, more: Outcome) -> None:
    """What the weaker caller gets, the stronger one gets too."""
    assert less.granted & ~more.granted == 0, (hex(less.granted), hex(more.granted))


@settings(max_examples=examples(400), deadline=None)
@given(requests(), st.sampled_from(GROUPS))
def test_without_a_group_nothing_is_granted_more_but_for_deny_aces(request: Request, group: Sid) -> None:
    bare = _no_deny(request)
    sids = {sid: state for sid, state in bare.caller.sids.items() if sid != group}
    _not_more(check(replace(bare, caller=replace(bare.caller, sids=sids))), check(bare))


@settings(max_examples=examples(400), deadline=None)
@given(requests(), st.sampled_from(PRIVILEGES))
def test_without_a_privilege_nothing_is_granted_more(request: Request, name: str) -> None:
    held = {one: state for one, state in (request.caller.privileges or {}).items() if one != name}
    _not_more(check(replace(request, caller=replace(request.caller, privileges=held))), check(request))


@settings(max_examples=examples(400), deadline=None)
@given(requests(), st.sampled_from([USER] + GROUPS))
def test_for_deny_only_nothing_is_granted_more(request: Request, group: Sid) -> None:
    if group in request.caller.sids and request.caller.sids[group] == ENABLED:
        _not_more(check(replace(request, caller=request.caller.with_sid(group, DENY_ONLY))), check(request))


@settings(max_examples=examples(400), deadline=None)
@given(requests())
def test_a_restricted_token_gets_no_more_than_its_parent(request: Request) -> None:
    _not_more(check(request), check(replace(request, caller=replace(request.caller, restricting=frozenset()))))


@settings(max_examples=examples(400), deadline=None)
@given(requests(), LEVELS, st.sampled_from([0, 1, 2, 3]))
def test_a_lower_level_grants_no_more(request: Request, integrity: int, level: int) -> None:
    caller = request.caller
    if integrity <= (caller.integrity or 0):
        _not_more(check(replace(request, caller=replace(caller, integrity=integrity))), check(request))
    if caller.level is None or level <= caller.level:
        _not_more(check(replace(request, caller=replace(caller, level=level))), check(request))


@settings(max_examples=examples(300), deadline=None)
@given(requests(st.just(MAXIMUM_ALLOWED)))
def test_maximum_allowed_is_the_union_of_single_bits(request: Request) -> None:
    """But for what a privilege gives to those who ask for it by name (DDI SeAccessCheck)."""
    request = replace(request, wish=MAXIMUM_ALLOWED)
    maximum = check(request)
    union = 0
    by_name = 0
    for bit in range(24):
        one = check(replace(request, wish=1 << bit), detail=False)
        union |= one.granted
        if one.reason(1 << bit).type is ReasonType.FROM_PRIVILEGE and 1 << bit == WRITE_OWNER:
            by_name |= 1 << bit
    if request.type.name == "Process" and (request.caller.privileges or {}).get("SeDebugPrivilege"):
        union &= request.type.mapping.all  # SeDebugPrivilege gives ALL_ACCESS, and by name whatever is named
        by_name = 0
    descriptor = request.object.descriptor
    if isinstance(descriptor, SecurityDescriptor) and descriptor.dacl is None:
        union &= request.type.mapping.all  # without a DACL, GENERIC_ALL mapped
    assert maximum.granted | by_name == union | by_name, (hex(maximum.granted), hex(union))


@settings(max_examples=examples(600), deadline=None)
@given(requests(masks))
def test_what_is_named_beside_maximum_allowed_is_judged_as_without_it(request: Request) -> None:
    """For instance a write-restricted token, which may read what it likes, but not together with a write."""
    beside = check(replace(request, wish=request.wish | MAXIMUM_ALLOWED), detail=False)
    assert beside.allowed == check(request, detail=False).allowed
    assert not beside.allowed or beside.granted & beside.wish == beside.wish


@settings(max_examples=examples(600), deadline=None)
@given(requests())
def test_the_reasons_add_up_to_the_verdict(request: Request) -> None:
    outcome = check(request)
    for bit in range(32):
        mask, reason = 1 << bit, outcome.reasons[bit]
        if outcome.granted & mask:
            assert reason.grants
        elif outcome.allowed:
            assert not reason.grants
    if outcome.allowed:
        assert outcome.wish & ~outcome.granted == 0 and not outcome.missing
        assert outcome.granted or not outcome.maximum
    else:
        assert outcome.granted == 0 and outcome.status != 0
        assert outcome.place is not None
        if not outcome.maximum and outcome.place not in (Place.LEVEL, Place.WISH):
            assert outcome.missing, "a no has a bit that was refused"
    refusing = [step for step in outcome.steps if step.decided == "refused"]
    assert bool(refusing) == (not outcome.allowed), "exactly the no has a step that refuses"


@settings(max_examples=examples(300), deadline=None)
@given(requests())
def test_what_would_turn_it_turns_it(request: Request) -> None:
    outcome = check(request)
    assume(not outcome.allowed)
    for turn in turns(request, outcome):
        assert check(turn.request).allowed
        assert check(request).denial == outcome.denial, "trying changes nothing"
        for change in turn.changes if len(turn.changes) > 1 else ():
            assert not check(change.apply(request)).allowed, "a pair is for what no single change turns"


@settings(max_examples=examples(300), deadline=None)
@given(requests())
def test_what_is_known_is_decided(request: Request) -> None:
    answer = decide(request)
    assert answer.verdict is (Verdict.YES if answer.outcome.allowed else Verdict.NO)
    assert answer.runs == 1 and not answer.depends


@settings(max_examples=examples(300), deadline=None)
@given(
    requests(), st.sampled_from(["sids_whole", "lpac", "privileges", "restricting", "policy", "container", "integrity"])
)
def test_not_knowing_never_rules_out_the_truth(request: Request, fact: str) -> None:
    """Whatever is taken away from what is known: the verdict is the same, or "depends" with the truth on a side."""
    truth = check(request)
    caller = request.caller
    hidden = {"sids_whole": False, "sids": {USER: caller.sids[USER]}} if fact == "sids_whole" else {fact: None}
    assume(fact != "lpac" or caller.container)
    assume(fact != "restricting" or not caller.restricting)
    assume(fact != "sids_whole" or all(state != DENY_ONLY for state in caller.sids.values()))
    answer = decide(replace(request, caller=replace(caller, **hidden)), False)  # type: ignore[arg-type]
    if answer.verdict is Verdict.DEPENDS:
        assert answer.depends or answer.cut_short
    else:
        assert (answer.verdict is Verdict.YES) == truth.allowed


@settings(max_examples=examples(200), deadline=None)
@given(requests())
def test_readings_come_up_only_where_they_exist(request: Request) -> None:
    answers = Answers()
    check(request, answers)
    assert set(answers.met) <= set(READINGS)


@settings(max_examples=examples(1500), deadline=None)
@given(requests(masks))
def test_a_second_access_check_agrees(request: Request) -> None:
    assert check(request, detail=False).allowed == access_sequential.allowed(request)
