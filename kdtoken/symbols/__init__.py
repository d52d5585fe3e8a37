"""Which symbol file: path, store, server, and the cache of layouts."""
