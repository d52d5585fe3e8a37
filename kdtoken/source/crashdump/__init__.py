"""A kernel crash dump as a source: header, pages, page tables."""
