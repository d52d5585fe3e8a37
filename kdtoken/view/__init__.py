"""The same token, told by others: text or JSON in, model out.  No target, no I/O: any machine will do."""
