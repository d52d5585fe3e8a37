"""Trust labels and access filters: which SIDs dominate, and that every filter is looked at (Windows Security Internals)."""

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.run import Place
from kdtoken.analysis.access_check.sacl import trust_dominates
from kdtoken.model.sid import Sid
from tests.test_analysis_access_check_check import asked


@pytest.mark.parametrize(
    "token, label, dominates",
    [
        # S-1-19-TYPE-LEVEL: 512 ProtectedLight, 1024 Protected; 4096 Windows, 8192 WinTcb.  Both have to reach the label's.
        ((512, 4096), (512, 4096), True),
        ((1024, 8192), (512, 4096), True),
        ((512, 8192), (1024, 4096), False),
        ((1024, 4096), (512, 8192), False),
        # Without a type or a level there is nothing to compare, whichever side it is.
        ((512,), (512, 4096), False),
        ((512, 4096), (512,), False),
        ((), (512, 4096), False),
        ((512, 4096), (), False),
    ],
)
def test_which_trust_dominates(token: object, label: object, dominates: bool) -> None:
    assert trust_dominates(Sid(19, token), Sid(19, label)) is dominates  # type: ignore[arg-type]


def test_a_trust_label_that_is_cut_short_is_passed_by_nobody() -> None:
    outcome = check(asked("user trust:1024-8192", "O:{X}G:{X}D:(A;;0x3;;;BU)S:(TL;;0x1;;;S-1-19-512)", 0x2))
    assert outcome.place is Place.TRUST
    assert check(asked("user", "O:{X}G:{X}D:(A;;0x3;;;BU)S:(TL;;0x1;;;S-1-19-512)", 0x1)).granted == 0x1


TRUE, FALSE = "(Member_of {SID(BU)})", "(Member_of {SID(BA)})"


@pytest.mark.parametrize(
    "filters, wish, granted",
    [
        # Each filter whose condition is not true takes away what its mask lacks; one that is true takes nothing.
        (((0x1, TRUE), (0x1, FALSE)), 0x2, None),
        (((0x1, FALSE), (0x1, TRUE)), 0x2, None),
        (((0x1, TRUE), (0x2, FALSE)), 0x2, 0x2),
        (((0x1, TRUE), (0x1, TRUE)), 0x2, 0x2),
        (((0x3, FALSE), (0x1, FALSE)), 0x2, None),
        (((0x3, FALSE), (0x6, FALSE)), 0x2, 0x2),
        (((0x3, FALSE), (0x6, FALSE)), 0x4, None),
    ],
)
def test_every_access_filter_counts(filters: object, wish: int, granted: object) -> None:
    sacl = "".join("(FL;;0x%x;;;WD;%s)" % one for one in filters)  # type: ignore[attr-defined]
    outcome = check(asked("user", "O:{X}G:{X}D:(A;;0x7;;;BU)S:" + sacl, wish))
    assert (outcome.granted if outcome.allowed else None) == granted
    assert outcome.allowed or outcome.place is Place.FILTER
