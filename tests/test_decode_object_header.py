"""Object headers: what kind of object lies at an address."""

from pathlib import Path

import pytest

from kdtoken.decode.object_header import (
    PROCESS_TYPE,
    THREAD_TYPE,
    TOKEN_TYPE,
    body_offset,
    is_in_type_table,
    is_object_of,
    read_unicode,
    type_name,
    type_object,
    uncounted,
    unicode_string,
)
from kdtoken.decode.structure import read_structure
from kdtoken.decode.token import decode_token
from kdtoken.errors import FieldNotFound
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.privilege import NAMES
from kdtoken.model.token import Token
from kdtoken.source.cached import CachedSource
from tests.expected import FILES, WINDOWS_7, WINDOWS_11, kernel_of
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource

NEWEST, SEVEN = WINDOWS_11, WINDOWS_7


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


def header_byte(source: SyntheticSource, body: int) -> int:
    """Address of TypeIndex in front of an object."""
    return body - body_offset(source) + source.layout("_OBJECT_HEADER").field("TypeIndex").offset


@pytest.mark.parametrize(
    "symbol, kind", [(TOKEN_TYPE, "tokens"), (PROCESS_TYPE, "processes"), (THREAD_TYPE, "threads")]
)
def test_each_object_is_of_its_own_type_only(kernel: Kernel, symbol: str, kind: str) -> None:
    source = SyntheticSource(kernel)
    for name in ("tokens", "processes", "threads"):
        for body in getattr(kernel, name).values():
            assert is_object_of(source, body, symbol) is (name == kind)


def test_names_of_types(kernel: Kernel) -> None:
    source = SyntheticSource(kernel)
    assert type_name(source, kernel.tokens["notepad"]) == "Token"
    assert type_name(source, kernel.processes[4]) == "Process"
    assert type_name(source, kernel.threads[1136]) == "Thread"


def test_the_body_follows_the_header(kernel: Kernel) -> None:
    assert body_offset(SyntheticSource(kernel)) == kernel.layouts.layout("_OBJECT_HEADER").field("Body").offset


@pytest.mark.parametrize("byte", range(0, 256, 5))
def test_any_other_index_is_no_token(byte: int) -> None:
    """Also one past the end of the table, where other variables lie."""
    source = SyntheticSource(kernel_of(NEWEST))
    body = source.kernel.tokens["notepad"]
    right = source.kernel.memory.peek(header_byte(source, body), 1)[0]
    source.poke(header_byte(source, body), bytes([byte]))
    assert is_object_of(source, body, TOKEN_TYPE) is (byte == right)


def test_windows_7_needs_no_cookie() -> None:
    source = SyntheticSource(kernel_of(SEVEN))
    assert is_object_of(source, source.kernel.tokens["notepad"], TOKEN_TYPE) is True
    assert is_object_of(source, source.kernel.processes[4], TOKEN_TYPE) is False


def test_a_cookie_that_the_symbols_lack_makes_no_token_something_else() -> None:
    source = SyntheticSource(kernel_of(NEWEST)).without_symbol("ObHeaderCookie")
    for body in list(source.kernel.tokens.values()) + list(source.kernel.processes.values()):
        assert is_object_of(source, body, TOKEN_TYPE) == Absent("nt!ObHeaderCookie")


def test_a_cookie_that_cannot_be_read_is_unreadable() -> None:
    source = SyntheticSource(kernel_of(NEWEST))
    cookie = source.symbol("ObHeaderCookie")
    source.without_pages([cookie])
    assert isinstance(is_object_of(source, source.kernel.tokens["notepad"], TOKEN_TYPE), Unreadable)


@pytest.mark.parametrize("symbol", [TOKEN_TYPE, "ObTypeIndexTable"])
def test_a_missing_symbol_is_absent(symbol: str) -> None:
    source = SyntheticSource(kernel_of(NEWEST)).without_symbol(symbol)
    assert is_object_of(source, source.kernel.tokens["notepad"], TOKEN_TYPE) == Absent("nt!" + symbol)


def test_a_type_variable_that_is_null_proves_nothing() -> None:
    """Two zeros are equal, but no type."""
    source = SyntheticSource(kernel_of(NEWEST))
    source.poke(source.symbol(TOKEN_TYPE), bytes(8))
    source.poke(source.symbol("ObTypeIndexTable"), bytes(8 * 256))
    assert is_object_of(source, source.kernel.tokens["notepad"], TOKEN_TYPE) == Absent("nt!SeTokenObjectType is null")


def test_a_header_on_a_missing_page_is_unreadable() -> None:
    source = SyntheticSource(kernel_of(NEWEST))
    body = source.kernel.tokens["notepad"]
    assert isinstance(is_object_of(source.without_pages([body]), body, TOKEN_TYPE), Unreadable)


def test_before_windows_7_the_header_points_to_the_type() -> None:
    """_OBJECT_HEADER.Type, made by taking TypeIndex away and putting the pointer in its place."""
    source = SyntheticSource(kernel_of(NEWEST))
    body = source.kernel.tokens["notepad"]

    class Xp(SyntheticSource):
        def layout(self, name: str) -> Layout:
            if name != "_OBJECT_HEADER":
                return super().layout(name)
            return make_layout(name, 0x38, [Field("Type", 8, "Ptr64 _OBJECT_TYPE"), Field("Body", 0x30, "_QUAD")])

    old = Xp(source.kernel)
    old.poke(body - 0x30 + 8, source.kernel.types["Token"].to_bytes(8, "little"))
    assert is_object_of(old, body, TOKEN_TYPE) is True
    assert type_name(old, body) == "Token"


def test_no_name_where_there_is_no_type() -> None:
    source = SyntheticSource(kernel_of(NEWEST))
    assert type_name(source, 0xFFFF900000000000) is None
    assert type_name(source.without_type("_OBJECT_HEADER"), source.kernel.tokens["notepad"]) is None


def test_symbols_without_a_body_name_it() -> None:
    with pytest.raises(FieldNotFound, match="Body"):
        body_offset(SyntheticSource(kernel_of(NEWEST)).without_field("_OBJECT_HEADER", "Body"))


# --- _UNICODE_STRING

HERE = 0xFFFFA08077000000
BUFFER = HERE + 0x100


def string(length: int, buffer: int, data: bytes = b"", path: Path = NEWEST) -> SyntheticSource:
    """A _UNICODE_STRING at HERE, as the Name of an _OBJECT_TYPE."""
    source = SyntheticSource(kernel_of(path))
    source.poke(HERE, bytes(0x1000))
    name = HERE + source.layout("_OBJECT_TYPE").field("Name").offset
    source.poke(name, length.to_bytes(2, "little") * 2 + bytes(4) + buffer.to_bytes(8, "little"))
    return source.poke(BUFFER, data) if data else source


def text(source: SyntheticSource) -> object:
    return unicode_string(source, read_structure(source, "_OBJECT_TYPE", HERE), "Name")


def test_text_of_other_scripts() -> None:
    data = "Zo\u00eb \u65e5\u672c \U0001f600".encode("utf-16-le")
    assert text(string(len(data), BUFFER, data)) == "Zo\u00eb \u65e5\u672c \U0001f600"


def test_a_null_buffer_is_none() -> None:
    assert text(string(8, 0)) is None


def test_an_empty_string_is_empty() -> None:
    assert text(string(0, BUFFER)) == ""


def test_a_length_that_cannot_be_gives_no_text_from_behind_the_string() -> None:
    assert text(string(5, BUFFER, b"a\0b\0c")) == Unreadable(BUFFER, "no text: its Length 5 is odd")
    whole = string(4, BUFFER, b"a\0b\0c\0")
    whole.poke_field(HERE, "_OBJECT_TYPE", "Name.MaximumLength", 4)
    assert text(whole) == "ab"
    whole.poke_field(HERE, "_OBJECT_TYPE", "Name.Length", 6)
    assert text(whole) == Unreadable(BUFFER, "no text: its Length 6 is over its MaximumLength 4")


def test_half_a_surrogate_pair_is_escaped() -> None:
    assert text(string(4, BUFFER, b"a\0\x00\xd8")) == "a\\x00\\xd8"


def test_a_buffer_that_is_not_there() -> None:
    seen = text(string(8, 0xFFFFDEAD00000000))
    assert isinstance(seen, Unreadable) and seen.address == 0xFFFFDEAD00000000


def test_a_length_of_64_kib_into_nothing_is_unreadable() -> None:
    assert isinstance(text(string(0xFFFF, BUFFER, b"a\0")), Unreadable)


def test_read_unicode_gives_text_or_nothing() -> None:
    source = string(2, BUFFER, b"a\0")
    assert read_unicode(source, read_structure(source, "_OBJECT_TYPE", HERE), "Name") == "a"
    gone = string(2, 0xFFFFDEAD00000000)
    assert read_unicode(gone, read_structure(gone, "_OBJECT_TYPE", HERE), "Name") is None
    assert read_unicode(gone, read_structure(gone, "_OBJECT_TYPE", HERE), "Nope") is None


def test_an_index_that_leads_to_the_variable_that_it_is_compared_with_is_no_token() -> None:
    """One past the table's end may lie nt!SeTokenObjectType itself, which holds the very pointer looked for."""

    class Adjacent(SyntheticSource):
        def symbol(self, name: str) -> int:
            # As if the table ended right before the variable: entry 255 of it is the variable.
            return super().symbol(TOKEN_TYPE) - 8 * 255 if name == "ObTypeIndexTable" else super().symbol(name)

    source = Adjacent(kernel_of(NEWEST))
    body = source.kernel.processes[4]
    header = body - body_offset(source)
    cookie = source.kernel.memory.peek(source.symbol("ObHeaderCookie"), 1)[0]
    source.poke(header_byte(source, body), bytes([255 ^ cookie ^ (header >> 8 & 0xFF)]))
    assert is_object_of(source, body, TOKEN_TYPE) is False


@pytest.mark.parametrize(
    "pointers, handles, says",
    [
        (1, 0, None),
        (3, 3, None),
        (0x7FFF, 1, None),  # newer kernels count what their handles keep in advance
        (0, 0, "PointerCount of its header is 0"),
        (-2, 0, "PointerCount of its header is -2"),
        (2, 3, "HandleCount of its header is 3, and PointerCount, which has the handles in it, 2"),
        (2, -1, "HandleCount of its header is -1"),
    ],
)
def test_an_object_that_nothing_holds_is_gone(kernel: Kernel, pointers: int, handles: int, says: str) -> None:
    source = SyntheticSource(kernel)
    body = kernel.tokens["notepad"]
    width = kernel.layouts.pointer_size
    for name, value in (("PointerCount", pointers), ("HandleCount", handles)):
        at = body - body_offset(source)
        source.poke_field(at, "_OBJECT_HEADER", name, value & (1 << 8 * width) - 1)
    found = uncounted(source, body)
    assert found == [] if says is None else len(found) == 1 and found[0].startswith(says)
    token = decode_token(source, body, NAMES)
    assert isinstance(token, Token) and list(token.problems) == found


def test_of_counts_that_cannot_be_read_nothing_is_said() -> None:
    kernel = kernel_of(NEWEST)
    body = kernel.tokens["notepad"]
    source = SyntheticSource(kernel)
    assert uncounted(source.without_mapping([body - body_offset(source)]), body) == []
    assert uncounted(SyntheticSource(kernel).without_field("_OBJECT_HEADER", "HandleCount"), body) == []


def test_what_hides_the_index_is_read_once_by_a_target_that_remembers() -> None:
    """Windows 10's cookie, and a type's place in the table, stay for a boot."""
    kernel = kernel_of(NEWEST)
    source = SyntheticSource(kernel)
    cached = CachedSource(source)
    assert is_object_of(cached, kernel.tokens["notepad"], TOKEN_TYPE) is True
    source.log.clear()
    assert is_object_of(cached, kernel.tokens["cmd"], TOKEN_TYPE) is True
    at = source.symbol("ObHeaderCookie")
    assert not any(start <= at < start + size for start, size in source.log)


@pytest.mark.parametrize("symbol", [TOKEN_TYPE, PROCESS_TYPE, THREAD_TYPE])
def test_a_type_variable_that_cannot_be_read_proves_nothing(symbol: str) -> None:
    kernel = kernel_of(NEWEST)
    source = SyntheticSource(kernel)
    source.poke(source.symbol(symbol), bytes(8))
    body = {TOKEN_TYPE: kernel.tokens["cmd"], PROCESS_TYPE: kernel.processes[4], THREAD_TYPE: kernel.threads[1136]}[
        symbol
    ]
    assert is_object_of(source, body, symbol) == Absent("nt!%s is null" % symbol)


def test_the_table_of_types_has_a_type_at_its_own_index() -> None:
    source = SyntheticSource(kernel_of(NEWEST))
    kind = type_object(source, source.kernel.tokens["cmd"])
    assert kind == source.kernel.types["Token"] and isinstance(kind, int)
    index = source.read(kind + source.layout("_OBJECT_TYPE").field("Index").offset, 1)[0]
    assert is_in_type_table(source, kind, index) is True
    assert is_in_type_table(source, kind, index + 1) is False and is_in_type_table(source, kind + 8, index) is False
    assert is_in_type_table(source.without_symbol("ObTypeIndexTable"), kind, index) is True


def test_before_windows_7_a_header_of_another_type_is_simply_no_token() -> None:
    source = SyntheticSource(kernel_of(NEWEST))

    class Xp(SyntheticSource):
        def layout(self, name: str) -> Layout:
            if name != "_OBJECT_HEADER":
                return super().layout(name)
            return make_layout(name, 0x38, [Field("Type", 8, "Ptr64 _OBJECT_TYPE"), Field("Body", 0x30, "_QUAD")])

    old = Xp(source.kernel).without_symbol("ObHeaderCookie")
    body = source.kernel.tokens["notepad"]
    old.poke(body - 0x30 + 8, source.kernel.types["Process"].to_bytes(8, "little"))
    assert is_object_of(old, body, TOKEN_TYPE) is False and is_object_of(old, body, PROCESS_TYPE) is True
    old.poke(body - 0x30 + 8, bytes(8))
    assert is_object_of(old, body, TOKEN_TYPE) is False and type_name(old, body) is None


@pytest.mark.parametrize("gone", [0, 1])
def test_a_string_that_is_cut_by_the_end_of_memory_between_its_length_and_its_buffer(gone: int) -> None:
    """_UNICODE_STRING of x64: Length and MaximumLength in the last eight bytes of a page, Buffer in the first of the next."""
    source = SyntheticSource(kernel_of(NEWEST))
    border = HERE + 0x1000
    at = border - 8 - source.layout("_OBJECT_TYPE").field("Name").offset
    source.poke(border - 8, b"\2\0\2\0\0\0\0\0" + (BUFFER + 0x2000).to_bytes(8, "little"))
    source.poke(BUFFER + 0x2000, b"a\0")
    assert unicode_string(source, read_structure(source, "_OBJECT_TYPE", at), "Name") == "a"
    source.without_mapping([border if gone else border - 1])
    found = unicode_string(source, read_structure(source, "_OBJECT_TYPE", at), "Name")
    assert found == Unreadable(border if gone else border - 8, "not mapped")
