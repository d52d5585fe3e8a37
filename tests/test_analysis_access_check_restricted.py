"""The second pass of a write-restricted token when all that can be had is asked for, and what its steps say."""

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.request import MAXIMUM_ALLOWED
from kdtoken.analysis.access_check.restricted import write_bits
from kdtoken.analysis.access_check.run import Place
from kdtoken.model.object_type import GenericMapping
from tests.test_analysis_access_check_check import asked

# Users have READ_DATA 1, WRITE_DATA 2, APPEND_DATA 4, READ_EA 8, WRITE_EA 0x10; the restricting SID has WRITE_DATA alone.
SDDL = "O:{X}G:{X}D:(A;;0x1f;;;BU)(A;;0x2;;;S-1-5-33)"


@pytest.mark.parametrize(
    "token, wish, granted",
    [
        # LEARN, CreateRestrictedToken, WRITE_RESTRICTED: the restricting SIDs are looked at for writing only.  What is
        # write is the write mapping of files, 0x120116, without what 0x120089 and 0x1200a0 have: 0x116.
        ("user r:S-1-5-33 wr", MAXIMUM_ALLOWED, 0xB),
        ("user r:S-1-5-33 wr", MAXIMUM_ALLOWED | 0x1, 0xB),  # named, and no write: it stays, as without MAXIMUM_ALLOWED
        ("user r:S-1-5-33 wr", MAXIMUM_ALLOWED | 0x2, 0xB),
        ("user r:S-1-5-33 wr", MAXIMUM_ALLOWED | 0x4, None),  # a write that they lack
        # "The rest of the wish" has a write bit, so all of the rest is tested, and they lack READ_DATA.
        ("user r:S-1-5-33 wr", MAXIMUM_ALLOWED | 0x3, None),
        # A restricted token that is not write-restricted keeps what both passes grant.
        ("user r:S-1-5-33", MAXIMUM_ALLOWED, 0x2),
        ("user r:S-1-5-33", MAXIMUM_ALLOWED | 0x1, None),
    ],
)
def test_all_that_a_restricted_token_can_have(token: str, wish: int, granted: object) -> None:
    outcome = check(asked(token, SDDL, wish))
    assert (outcome.granted if outcome.allowed else None) == granted
    assert outcome.allowed or outcome.place is Place.RESTRICTED


def test_the_second_pass_that_grants_too_is_a_step_of_its_own() -> None:
    (step,) = [one for one in check(asked("user r:S-1-5-33", SDDL, 0x2)).steps if one.name == "restricted"]
    assert (step.looked_at, step.decided) == ("1 restricting SID", "goes on")
    assert step.why == "the restricting SIDs are granted it too"
    # Whose list an ACE's SID is absent from: the restricting SIDs', and not the token's, where Users are.
    assert "not among the restricting SIDs" in step.lines[0] and "grants 0x2" in step.lines[1]


def test_the_first_pass_tells_of_the_token_s_sids() -> None:
    (step,) = [one for one in check(asked("bare", SDDL, 0x2)).steps if one.name == "DACL"]
    assert all(line.endswith("not among the token's SIDs") for line in step.lines) and len(step.lines) == 2


def test_what_is_a_write_is_in_no_other_mapping() -> None:
    """A bit that reading or executing has as well is none (NtCoreLib GenericMapping.HasWrite)."""
    assert write_bits(GenericMapping(0x1, 0x7, 0x4, 0xF)) == 0x2
    assert write_bits(GenericMapping(0x120089, 0x120116, 0x1200A0, 0x1F01FF)) == 0x116
