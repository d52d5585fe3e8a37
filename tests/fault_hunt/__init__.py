"""Single faults in a declared machine's memory: what is shown then is the truth, is marked, or cannot be known to be wrong."""
