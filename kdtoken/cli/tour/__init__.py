"""The tour: its steps, its exercises, and the practice machine for the reader's own debugger."""
