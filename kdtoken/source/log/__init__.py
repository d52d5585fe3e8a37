"""A saved debugger log as a source: its commands found, its memory and types put together."""
