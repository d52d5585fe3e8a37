"""Where fields are: type names, fields and offsets.  No memory, no target."""
