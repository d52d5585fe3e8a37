"""What is strange about a machine: one small function a rule, each with its innocent causes and its source."""
