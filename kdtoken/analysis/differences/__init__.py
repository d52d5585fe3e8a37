"""Two views of one token compared, field by field."""
