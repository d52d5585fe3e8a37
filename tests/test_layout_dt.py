"""Layouts from the text of `dt`: what the engine prints comes back as the layout it was printed from.

The renderer below writes the engine's form, as seen from dbgeng 10.0.15063: name padded to 16, `to`
behind Ptr64 and the elements behind struct names with -v, enums with two blanks and an empty line.
"""

from dataclasses import replace
from pathlib import Path
from typing import Callable, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat
from kdtoken.layout.dt import parse_dt, type_text
from kdtoken.layout.layout import PRIMITIVE_SIZES, Field, Layout, array_of, make_layout
from kdtoken.layout.layout_file import LayoutFile
from tests.expected import FILES, WINDOWS_11, layouts_of_build

# As the engine printed it; the last line is about an unnamed union and comes of -v.
FAST_REF_VERBOSE = """\
struct _EX_FAST_REF, 4 elements, 0x8 bytes
   +0x000 Object           : Ptr64 to Void
   +0x000 Value            : Uint8B
   +0x000 RefCnt           : Bitfield Pos 0, 4 Bits
union , 6 elements, 0x8 bytes
"""
FAST_REF_PLAIN = """\
   +0x000 Object           : Ptr64 Void
   +0x000 Value            : Uint8B
   +0x000 RefCnt           : Pos 0, 4 Bits
"""
FAST_REF = make_layout(
    "_EX_FAST_REF",
    8,
    [Field("Object", 0, "Ptr64 Void"), Field("Value", 0, "Uint8B"), Field("RefCnt", 0, "Pos 0, 4 Bits")],
)
ENUM_VERBOSE = "Enum _TOKEN_TYPE,  2 total enums\n   TokenImpersonation = 0n2\n   TokenPrimary = 0n1\n"
ENUM = make_layout("_TOKEN_TYPE", 4, (), [("TokenPrimary", 1), ("TokenImpersonation", 2)])


def shown(kind: str, layouts: LayoutFile, verbose: bool, pointed: bool = False) -> str:
    """A type in the engine's words."""
    if kind.startswith("Ptr64 "):
        source = kind[6:]
        if source == "Function":
            return "Ptr64 to     void" if verbose else "Ptr64     void"
        return ("Ptr64 to " if verbose else "Ptr64 ") + shown(source, layouts, verbose, True)
    array = array_of(kind)
    if array is not None:
        return "[%d] %s" % (array[0], shown(array[1], layouts, verbose))
    if kind.startswith("Pos "):
        return ("Bitfield " if verbose else "") + kind
    if kind == "Double":
        return "Float"  # the engine tells the two by the same word
    if kind in PRIMITIVE_SIZES or not verbose:
        return kind
    layout = layouts.types.get(kind)
    if layout is not None and layout.is_enum:
        return "Enum %s,  %d total enums\n" % (kind, len(layout.values))
    if layout is None:
        return "struct %s, 0 elements, 0x0 bytes" % kind
    return "struct %s, %d elements, 0x%x bytes" % (kind, len(layout.fields), layout.size or 0)


def dt(layout: Layout, layouts: LayoutFile, verbose: bool) -> str:
    """What the engine prints for the type."""
    lines: List[str] = []
    if layout.is_enum:
        if verbose:
            lines.append("Enum %s,  %d total enums" % (layout.name, len(layout.values)))
        for name, value in sorted(layout.values):
            number = "0n%d" % value if value >= 0 else "0x%x" % (value & 0xFFFFFFFF)
            lines.append("   %s = %s" % (name, number))
        return "\n".join(lines) + "\n"
    if verbose:
        lines.append("struct %s, %d elements, 0x%x bytes" % (layout.name, len(layout.fields), layout.size or 0))
    for member in layout.fields:
        kind = shown(member.type, layouts, verbose)
        lines.append("   +0x%03x %-16s : %s" % (member.offset, member.name, kind))
    return "\n".join(lines) + "\n"


def as_told(layout: Layout) -> Layout:
    """The layout as far as `dt` tells it."""
    return replace(layout, fields=tuple(replace(f, type=f.type.replace("Double", "Float")) for f in layout.fields))


def test_the_renderer_writes_what_the_engine_wrote() -> None:
    layouts = layouts_of_build(WINDOWS_11)
    assert dt(FAST_REF, layouts, False).splitlines() == FAST_REF_PLAIN.splitlines()
    assert dt(FAST_REF, layouts, True).splitlines()[1:] == FAST_REF_VERBOSE.splitlines()[1:4]
    assert dt(ENUM, layouts, True) == ENUM_VERBOSE
    token = dt(layouts.layout("_TOKEN"), layouts, True).splitlines()
    assert "   +0x0b8 DefaultDacl      : Ptr64 to struct _ACL, 5 elements, 0x8 bytes" in token
    assert "   +0x0c0 TokenType        : Enum _TOKEN_TYPE,  2 total enums" in token
    assert token[token.index("   +0x0c0 TokenType        : Enum _TOKEN_TYPE,  2 total enums") + 1] == ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_verbose_text_of_every_type_is_its_layout(path: Path) -> None:
    layouts = layouts_of_build(path)
    for name, layout in layouts.types.items():
        assert parse_dt(name, dt(layout, layouts, True)) == as_told(layout), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_plain_text_tells_all_but_the_size(path: Path) -> None:
    layouts = layouts_of_build(path)
    for name, layout in layouts.types.items():
        if not layout.is_enum and not layout.fields:
            continue
        seen = parse_dt(name, dt(layout, layouts, False))
        assert seen == (layout if layout.is_enum else replace(as_told(layout), size=None)), name


def test_genuine_text() -> None:
    assert parse_dt("_EX_FAST_REF", FAST_REF_VERBOSE) == FAST_REF
    assert parse_dt("_EX_FAST_REF", FAST_REF_PLAIN) == replace(FAST_REF, size=None)
    assert parse_dt("_TOKEN_TYPE", ENUM_VERBOSE) == ENUM


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "".join("    " + line for line in text.splitlines(True)),
        lambda text: "".join("\t" + line for line in text.splitlines(True)),
        lambda text: text.replace("\n", "   \n"),
        lambda text: "0: kd> dt -v nt!_EX_FAST_REF\n" + text + "0: kd> ",
        lambda text: "\n\n" + text.replace("\n", "\n\n"),
        lambda text: "nt!_EX_FAST_REF\n" + text,
        lambda text: text.rstrip("\n"),
    ],
    ids=[
        "CRLF",
        "blanks before",
        "tabs before",
        "blanks behind",
        "prompts",
        "empty lines",
        "heading",
        "no last newline",
    ],
)
def test_what_copying_does_to_text_does_no_harm(change: Callable[[str], str]) -> None:
    assert parse_dt("_EX_FAST_REF", change(FAST_REF_VERBOSE)) == FAST_REF


@pytest.mark.parametrize(
    "printed, kind",
    [
        ("Ptr64 to struct _ACL, 5 elements, 0x8 bytes", "Ptr64 _ACL"),
        ("Ptr64 to Ptr64 to Void", "Ptr64 Ptr64 Void"),
        ("Ptr64     void", "Ptr64 Function"),
        ("Ptr64 to     unsigned char ", "Ptr64 Function"),
        ("Ptr64 to function", "Ptr64 Function"),
        ("Ptr64 void (int, Ptr64)", "Ptr64 Function"),
        ("Ptr32 to Ptr32 to   long", "Ptr32 Ptr32 Function"),
        ("Ptr64 to (unnamed)", "Ptr64 Function"),
        ("[2] [4] Uint4B", "[2] [4] Uint4B"),
        ("[4] struct _KWAIT_BLOCK, 12 elements, 0x30 bytes", "[4] _KWAIT_BLOCK"),
        ("Bitfield Pos 3, 1 Bit", "Pos 3, 1 Bit"),
        ("Enum _TOKEN_TYPE,  2 total enums", "_TOKEN_TYPE"),
        ("union _LARGE_INTEGER, 5 elements, 0x8 bytes", "_LARGE_INTEGER"),
        ("<unnamed-tag>", "<unnamed-tag>"),
        ("WChar", "Wchar"),
        ("Ptr32 _ERESOURCE", "Ptr32 _ERESOURCE"),
    ],
)
def test_types(printed: str, kind: str) -> None:
    assert type_text(printed) == kind


@pytest.mark.parametrize(
    "printed",
    [
        "0xffffa080`11002380 Void",
        "1 ( TokenPrimary )",
        '[15]  "notepad.exe"',
        "(null) ",
        "0y1111",
        "0n7",
        "0x1 ''",
        " [ 0xffff8000`1 - 0x0 ]",
        "",
        "_LARGE_INTEGER 0x7fffffff`ffffffff",
        "Ptr64",
        "[15]",
        "Ptr64 Ptr64",
        "[1] " * 5000 + "UChar",
        "Ptr64 " * 5000 + "Void",
        "[%s] UChar" % ("9" * 6000),
        "Pos %s, 1 Bit" % ("9" * 6000),
    ],
)
def test_values_are_no_types(printed: str) -> None:
    assert type_text(printed) is None


@pytest.mark.parametrize(
    "name, text, says",
    [
        # the engine's own errors
        ("_NO_SUCH", "Symbol nt!_NO_SUCH not found.\n", "Symbol nt!_NO_SUCH not found"),
        ("_TOKEN", "", "nothing"),
        ("_TOKEN", "   \n\t\n", "nothing"),
        # dt with an address
        ("_LUID", "   +0x000 LowPart          : 0x3e7\n   +0x004 HighPart         : 0n0\n", "LowPart shows '0x3e7'"),
        ("_EPROCESS", "   +0x440 UniqueProcessId  : 0x00000000`00000834 Void\n", "UniqueProcessId"),
        ("_TOKEN", "   +0x0c0 TokenType        : 1 ( TokenPrimary )\n", "TokenType"),
        # dt -r
        ("_T", "   +0x000 A : _LUID\n      +0x000 LowPart : Uint4B\n", "nested"),
        # dt -b does not say where pointers lead
        ("_EX_FAST_REF", "   +0x000 Object           : Ptr64 \n", "Object"),
    ],
)
def test_what_is_no_layout_says_what_it_is(name: str, text: str, says: str) -> None:
    with pytest.raises(BadFormat) as error:
        parse_dt(name, text)
    assert says in str(error.value) and name in str(error.value)
    assert error.value.subject == name


def test_a_listing_of_values_says_what_to_type_instead() -> None:
    with pytest.raises(BadFormat) as error:
        parse_dt("_LUID", "   +0x000 LowPart : 0x3e7\n")
    assert "dt nt!_LUID" in error.value.next_step


def test_negative_values_of_an_enum() -> None:
    text = "   Lowest = 0xffffffff\n   Zero = 0n0\n   Padded = 007\n   Minus = 0n-5\n"
    assert parse_dt("_E", text).values == (("Minus", -5), ("Lowest", -1), ("Zero", 0), ("Padded", 7))


def test_the_size_of_another_type_is_not_taken() -> None:
    text = "struct _OTHER, 1 elements, 0x99 bytes\n   +0x000 A : Uint4B\n"
    assert parse_dt("_T", text).size is None


def test_an_empty_struct_with_a_size_is_one() -> None:
    assert parse_dt("_T", "struct _T, 0 elements, 0x8 bytes\n") == Layout("_T", 8)


LINES = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"\s{0,8}\+0x[0-9a-f]{1,5} \w{1,8} +: .{0,30}", fullmatch=True),
    st.from_regex(r"   \w{1,8} = -?(0n|0x)?[0-9a-f]{1,30}", fullmatch=True),
    st.from_regex(
        r"(struct|Enum|union) \w{0,5},  ?[0-9]{1,30} (elements|total enums), 0x[0-9a-f]{1,30} bytes", fullmatch=True
    ),
    st.sampled_from(FAST_REF_VERBOSE.splitlines() + ENUM_VERBOSE.splitlines()),
)


@given(st.lists(LINES, max_size=8))
def test_no_text_does_worse_than_bad_format(lines: List[str]) -> None:
    try:
        layout = parse_dt("_T", "\n".join(lines))
    except BadFormat:
        return
    assert layout.fields or layout.values or layout.size is not None


@given(st.text(max_size=200))
def test_any_text_at_all(text: str) -> None:
    try:
        parse_dt("_T", text)
    except BadFormat:
        pass


@given(st.text(alphabet="Ptr64 to[]0123456789,struct_XEnumBitsPos()", max_size=60))
def test_any_type_has_one_form(text: str) -> None:
    """What type_text gives is what it takes: reading it again changes nothing."""
    once = type_text(text)
    assert once is None or type_text(once) == once


def test_a_mark_that_something_was_left_out_makes_a_cut_only_where_no_size_vouches_for_the_rest() -> None:
    """`dt -v` tells how large the type is; a plain listing that ends in dots is a part of it."""
    rows = "   +0x000 LowPart          : Uint4B\n   +0x004 HighPart         : Int4B\n"
    for mark in ("...", "\u2026", "(snip)", "[cut]", "<--- truncated --->"):
        with pytest.raises(BadFormat, match=r"this dt of _LUID was cut: its text ends at \+0x004"):
            parse_dt("_LUID", rows + mark + "\n")
        assert parse_dt("_LUID", mark + "\n" + rows).size is None  # before it nothing of it was left out
        headed = parse_dt("_LUID", "struct _LUID, 2 elements, 0x8 bytes\n" + rows + mark + "\n")
        assert (headed.size, len(headed.fields)) == (8, 2)


def test_of_a_long_line_that_is_no_field_the_beginning_is_shown() -> None:
    with pytest.raises(BadFormat) as failed:
        parse_dt("_TOKEN", "\n  " + "x" * 119 + "yz and more\nanother\n")
    assert failed.value.message == "dt of _TOKEN shows no fields: " + "x" * 119 + "y"
    with pytest.raises(BadFormat, match="dt of _TOKEN shows no fields: nothing$"):
        parse_dt("_TOKEN", " \n\n")
