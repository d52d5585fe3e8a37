"""The declared Windows machine, laid out in memory for any build: what nearly every test uses."""
