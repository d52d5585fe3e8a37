"""What the debugger's own commands print: !process, !thread, !token."""
