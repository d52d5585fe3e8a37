"""The list of tables: complete, and told to whoever reads the docs."""

import re
from pathlib import Path

import pytest

from kdtoken.dataset import schema

ROOT = Path(__file__).resolve().parent.parent


def test_names_are_plain_and_stand_once() -> None:
    assert [table.name for table in schema.TABLES] == (
        ["sources", "processes", "tokens", "groups", "privileges", "threads", "findings"]
    )
    for table in schema.TABLES:
        names = [column.name for column in schema.columns_of(table.name)]
        assert len(names) == len(set(names)) and names[:3] == list(schema.PARTITION)
        assert all(re.fullmatch("[a-z][a-z_]*", name) for name in names)
        for column in table.columns:
            assert column.c_type and column.type and "|" not in column.c_type
            # An address or a LUID that was signed, or of 32 bits, would be a wrong one.
            assert not column.kind or column.type == "uint64"


def test_the_page_tells_every_column_and_the_version() -> None:
    told = schema.markdown()
    for table in schema.TABLES:
        part = told.split("### %s\n" % table.name)[1].split("### ")[0]
        assert table.doc[1:] in part
        for column in table.columns:
            assert "| `%s` |" % column.name in part
    assert all(line.count("|") - line.count("\\|") == 5 for line in told.split("\n") if line.startswith("|"))
    page = (ROOT / "docs" / "reference" / "lake.md").read_text(encoding="utf-8")
    assert "{include} ../_generated/lake.md" in page and "version %d" % schema.VERSION in page


@pytest.mark.parametrize("name", sorted(schema.HEXADECIMAL))
def test_what_is_shown_in_hexadecimal_is_so_in_every_table(name: str) -> None:
    """A name that is an address in one table and a count in another would be shown wrongly in one of them."""
    kinds = {column.kind for table in schema.TABLES for column in table.columns if column.name == name}
    assert "" not in kinds


def test_the_page_shows_the_member_of_the_kernel_or_nothing() -> None:
    lines = schema.markdown().split("\n")
    assert "| `sid` | string | `SID` | S-1-... |" in lines
    address = "address of the token object; with host, captured, source it joins"
    assert "| `token` | uint64 (address) | `_TOKEN *` | %s |" % address in lines
    hashed = "hash of the source's content: 32 hex digits, the same wherever the file lies"
    assert "| `source` | string |  | %s |" % hashed in lines
    assert any(line.startswith("| `missing` | map&lt;string, string> |  |") for line in lines)
