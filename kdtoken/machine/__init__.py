"""One Windows machine, whatever shows it: a kernel's memory or what commands printed, behind one interface."""
