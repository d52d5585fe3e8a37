"""Many machines as tables: each source becomes Parquet files of a folder, which DuckDB is asked and Dask helps to fill.

schema     what the tables and their columns are
rows       one machine -> rows
parts      rows -> Parquet, and back
store      the folder: where parts lie, how they are written, what is there already
work       one source: read, made into parts, written; what a worker does
spread     many sources: over the cores of this machine, or over a Dask cluster
ask        questions in SQL
questions/ those that come along

pyarrow, duckdb, fsspec and distributed are imported where they are used: this is no part of what runs in a debugger.
"""
