"""What AccessCheck itself insists on: an owner and a group in the descriptor (LEARN AccessCheck, error 1338)."""

from dataclasses import replace

import pytest

from kdtoken.analysis.access_check.check import check
from kdtoken.analysis.access_check.request import ACCESS_CHECK, OPEN
from kdtoken.analysis.access_check.run import STATUS_INVALID_SECURITY_DESCR
from kdtoken.model.descriptor import NOT_SAID, SecurityDescriptor
from tests.test_analysis_access_check_check import asked, guarded


@pytest.mark.parametrize("part", ["owner", "group"])
def test_a_descriptor_without_an_owner_or_a_group(part: str) -> None:
    request = asked("user level=2", "O:{X}G:{X}D:(A;;0x1;;;BU)", 0x1, call=ACCESS_CHECK)
    found = request.object.descriptor
    assert isinstance(found, SecurityDescriptor)
    assert check(request).granted == 0x1
    absent = guarded(request, replace(found, **{part: None, part + "_state": "absent"}))
    assert check(absent).status == STATUS_INVALID_SECURITY_DESCR
    # Opening an object asks for neither; and one that the source does not show is there all the same.
    assert check(replace(absent, call=OPEN)).granted == 0x1
    hidden = guarded(request, replace(found, **{part: None, part + "_state": NOT_SAID}))
    assert check(hidden).granted == 0x1
