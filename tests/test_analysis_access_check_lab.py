"""What a lab run said, worked out again."""

import json
from types import SimpleNamespace
from typing import Any, Dict

import pytest

from kdtoken.analysis.access_check import lab
from kdtoken.analysis.access_check.caller import ENABLED, Caller
from kdtoken.analysis.access_check.lab import lab_answers
from kdtoken.analysis.access_check.truth import Verdict
from kdtoken.errors import BadFormat
from kdtoken.model.sid import Sid

EVERYONE = Sid(1, (0,))
CALLER = Caller("collect", EVERYONE, {EVERYONE: ENABLED}, level=None)
ORDER: Dict[str, Any] = {
    "id": "order",
    "sddl": "O:SYG:SYD:(A;;0x1f;;;WD)(D;;0x2;;;WD)",
    "type": "file",
    "mapping": [0x120089, 0x120116, 0x1200A0, 0x1F01FF],
    "wish": 0x02000000,
}


def answered(**answer: Any) -> bytes:
    return json.dumps({"checks": [dict(ORDER, **answer)]}).encode("ascii")


def test_windows_agrees() -> None:
    (one,) = lab_answers(CALLER, answered(status=0, granted=0x1F))
    assert not one.differs and one.agreeing == () and one.name == "order"
    assert [conflict.reading.name for conflict in one.ours.conflicts] == ["maximum-order"]


def test_windows_sides_with_the_others() -> None:
    (one,) = lab_answers(CALLER, answered(status=0, granted=0x1D))
    assert one.differs and one.agreeing == ("maximum-order",)


def test_windows_says_what_nobody_says() -> None:
    (one,) = lab_answers(CALLER, answered(status=0xC0000022, granted=0))
    assert one.differs and one.agreeing == ()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"\xff\xfe", b'{"checks": [{"sddl": "D:"}]}', b'{"checks": [1]}', b'{"checks": 7}']
)
def test_no_lab_run(data: bytes) -> None:
    with pytest.raises(BadFormat) as caught:
        lab_answers(CALLER, data, "x.json")
    assert "x.json" in caught.value.message and caught.value.next_step


@pytest.mark.parametrize(
    "part", [{"wish": -1}, {"wish": 1 << 40}, {"mapping": [1, 2]}, {"mapping": 7}, {"sddl": "D:("}, {"status": None}]
)
def test_a_check_with_a_part_that_cannot_be(part: Dict[str, Any]) -> None:
    with pytest.raises(BadFormat):
        lab_answers(CALLER, answered(**{"status": 0, "granted": 0, **part}))


@pytest.mark.parametrize(
    "sides, status, granted, differs",
    [
        # What it depends on is not known here, and the machine knew: either side agrees, a third answer does not.
        ((0x1, 0x3), 0, 0x1, False),
        ((0x1, 0x3), 0, 0x3, False),
        ((0x1, 0x3), 0, 0x2, True),
        ((0x1, None), 0xC0000022, 0, False),
        ((0x1, 0x3), 0xC0000022, 0, True),
        ((), 0, 0x7, False),  # our answer, as far as is known
    ],
)
def test_of_what_depends_each_side_agrees(
    sides: Any, status: int, granted: int, differs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcome(mask: Any) -> Any:
        return SimpleNamespace(allowed=mask is not None, granted=mask or 0)

    depends = [SimpleNamespace(if_true=outcome(sides[0]), if_false=outcome(sides[1]))] if sides else []
    ours = SimpleNamespace(outcome=outcome(0x7), verdict=Verdict.DEPENDS, depends=depends)
    monkeypatch.setattr(lab, "decide", lambda request: ours)
    (one,) = lab_answers(CALLER, answered(status=status, granted=granted))
    assert one.differs is differs
    # Of a plain answer no side counts.
    ours.verdict = Verdict.YES
    (one,) = lab_answers(CALLER, answered(status=status, granted=granted))
    assert one.differs is ((status, granted) != (0, 0x7))
