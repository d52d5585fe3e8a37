"""Layouts straight from a PDB: the container, its type records, its symbols."""
