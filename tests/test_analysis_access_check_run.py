"""What a refusal lacks, bit by bit; a yes lacks nothing."""

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.reason import ReasonType
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED
from tests.test_analysis_access_check_check import asked


@pytest.mark.parametrize(
    "sddl, wish, missing",
    [
        # READ_DATA 1, WRITE_DATA 2, APPEND_DATA 4: of what is asked, what no ACE grants (LEARN, "How AccessCheck Works").
        ("O:{X}G:{X}D:(A;;0x5;;;BU)", 0x7, 0x2),
        ("O:{X}G:{X}D:(A;;0x5;;;BU)", 0x2, 0x2),
        ("O:{X}G:{X}D:(A;;0x1;;;BU)", 0x7, 0x6),
        ("O:{X}G:{X}D:", 0x7, 0x7),
        ("O:{X}G:{X}D:(D;;0x1;;;BU)(A;;0x2;;;BU)", 0x1, 0x1),
        ("O:{X}G:{X}D:(A;;0x5;;;BU)", 0x5, 0),
        ("O:{X}G:{X}D:(A;;0x5;;;BU)", MAXIMUM_ALLOWED, 0),
        ("O:{X}G:{X}D:(A;;0x5;;;BU)", MAXIMUM_ALLOWED | 0x2, 0x2),
    ],
)
def test_what_is_missing(sddl: str, wish: int, missing: int) -> None:
    outcome = check(asked("user", sddl, wish))
    assert (outcome.missing, outcome.allowed) == (missing, not missing)
    for bit in range(32):  # nothing that was not granted has a reason that grants, in a yes
        if outcome.allowed and not outcome.granted >> bit & 1:
            assert outcome.reasons[bit].type is ReasonType.NONE or not outcome.reasons[bit].grants
