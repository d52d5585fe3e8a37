"""Source and layouts -> model: the walk through the kernel's memory."""
