"""A report being gathered."""

from kdtoken.model.token import Origin
from kdtoken.render.report import Report, origin_text


def test_rows_sections_and_notes() -> None:
    page = Report(why=False)
    page.section("Title")
    page.row("Label", "value", Origin("_TOKEN", "SessionId", 0x10, b"\1\0\0\0"))
    page.note("only with --why")
    assert page.lines == ["", "Title", "  Label                  value"]


def test_why_says_where_a_value_was() -> None:
    page = Report(why=True)
    page.row("Session", "1", Origin("_TOKEN", "SessionId", 0x10, b"\1\0\0\0"))
    assert page.lines == ["  Session                1", "      <- _TOKEN.SessionId at 0x10: 01 00 00 00"]


def test_long_origins_are_cut() -> None:
    assert origin_text(Origin("_T", "F", 1, bytes(range(30)))) == "<- _T.F at 0x1: 00 01 02 03 ... 30 bytes"
    assert origin_text(Origin("_T", "F", 1, bytes(8))) == "<- _T.F at 0x1: 00 00 00 00 00 00 00 00"


def test_long_values_go_on_below_themselves() -> None:
    page = Report(why=False)
    page.row("Label", "word " * 40)
    assert len(page.lines) > 1
    assert all(len(line) <= 99 for line in page.lines)
    assert page.lines[1].startswith(" " * 28 + "word")


def test_rows_that_say_nothing_are_told_in_one_line() -> None:
    page = Report(why=False)
    page.row("Before", "none")
    page.gathering = True
    page.section("Bare")
    page.row("Trust level", "none")
    page.section("Policy")
    page.row("Lock", "null")
    page.row("  Spare", "none")
    page.row("Session", "0")
    page.row("Count", "0")
    page.row("Other", "-  not in this build")
    page.idle_rows()
    assert page.lines == [
        "  Before                 none",
        "",
        "Policy",
        "  Session                0",
        "  Other                  -  not in this build",
        "",
        "Nothing there, none: Trust level, Spare; null: Lock; 0: Count",
    ]
    why = Report(why=True)
    why.gathering = True
    why.row("Lock", "null")
    why.idle_rows()
    assert why.lines == ["  Lock                   null"]


def test_a_narrow_report() -> None:
    page = Report(False, width=40, label=8)
    page.row("Label", "word " * 20)
    assert all(len(line) <= 40 for line in page.lines) and page.lines[0].startswith("  Label    word")
