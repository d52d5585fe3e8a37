"""Structure-aware fuzzers for everything that reads what a stranger wrote, and every input that ever failed."""
