"""Security descriptors as text: SDDL, [MS-DTYP] 2.5.1 and sddl.h, in both directions."""

from kdtoken.model.sddl.reader import from_sddl
from kdtoken.model.sddl.words import rights_text
from kdtoken.model.sddl.writer import ace_to_sddl, to_sddl

__all__ = ["ace_to_sddl", "from_sddl", "rights_text", "to_sddl"]
