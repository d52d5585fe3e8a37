"""Where bytes come from: a live debugger, a recording, a log, a dump.  One file a source."""
