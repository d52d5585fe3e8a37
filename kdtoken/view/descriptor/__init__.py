"""Security descriptors as texts show them: SDDL, !sd and !acl, Get-Acl, icacls, accesschk -l, hex."""

from kdtoken.view.descriptor.partial import DescriptorText, PartialDescriptor
from kdtoken.view.descriptor.read import read_descriptor_bytes, read_descriptor_text

__all__ = ["DescriptorText", "PartialDescriptor", "read_descriptor_bytes", "read_descriptor_text"]
