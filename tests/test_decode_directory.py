"""Paths of the object manager's namespace: links, names that cannot be read, what is no directory, old headers."""

from typing import Any, Iterable, List

import pytest

from kdtoken.decode import directory
from kdtoken.decode.directory import Named, bucket_of, find_path, hash_of, object_name
from kdtoken.decode.object_header import body_offset
from kdtoken.errors import ObjectNotFound
from tests.expected import FILES, WINDOWS_11, kernel_of
from tests.machine.synthetic import SyntheticSource

KERNEL = kernel_of(WINDOWS_11)
OPEN = "\\BaseNamedObjects\\Open"
HERE = 0xFFFFA08077000000


def source() -> SyntheticSource:
    return SyntheticSource(KERNEL)


def name_info(target: SyntheticSource, path: str) -> int:
    """Address of the _OBJECT_HEADER_NAME_INFO; names of an odd length have a creator's header behind it."""
    before = target.layout("_OBJECT_HEADER_NAME_INFO").size or 0
    if len(path.rpartition("\\")[2]) % 2:
        before += target.layout("_OBJECT_HEADER_CREATOR_INFO").size or 0
    return KERNEL.named[path] - body_offset(target) - before


def refused(target: SyntheticSource, path: str) -> ObjectNotFound:
    with pytest.raises(ObjectNotFound) as caught:
        find_path(target, path)
    return caught.value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_path_is_told_as_its_names_are_spelled(path: Any) -> None:
    kernel = kernel_of(path)
    target = SyntheticSource(kernel)
    for spelling in (OPEN, OPEN.lower(), OPEN.upper(), OPEN + "\\", "\\\\BaseNamedObjects\\\\Open"):
        assert find_path(target, spelling) == Named(kernel.named[OPEN], OPEN, ())
    root = find_path(target, "\\")
    assert (root.path, root.body) == ("\\", kernel.named["\\"])


def test_links_are_told_in_order_and_what_stands_behind_them_goes_on() -> None:
    found = find_path(source(), "\\global??\\names\\open")
    assert found == Named(KERNEL.named[OPEN], OPEN, ("\\GLOBAL??\\Names -> \\BaseNamedObjects\\open",))
    link = KERNEL.named["\\GLOBAL??\\Loop"]
    target = source()
    # Two links one behind the other.
    target.poke_field(link, "_OBJECT_SYMBOLIC_LINK", "LinkTarget.Length", 2 * len("\\GLOBAL??\\NUL"))
    target.poke_field(link, "_OBJECT_SYMBOLIC_LINK", "LinkTarget.MaximumLength", 2 * len("\\GLOBAL??\\NUL"))
    target.poke(0xFFFFA08077000000, "\\GLOBAL??\\NUL".encode("utf-16-le"))
    target.poke_field(link, "_OBJECT_SYMBOLIC_LINK", "LinkTarget.Buffer", 0xFFFFA08077000000)
    found = find_path(target, "\\GLOBAL??\\Loop")
    assert found.path == "\\Device\\Null" and found.links == (
        "\\GLOBAL??\\Loop -> \\GLOBAL??\\NUL",
        "\\GLOBAL??\\NUL -> \\Device\\Null",
    )


def test_a_link_that_leads_to_itself_or_cannot_be_read() -> None:
    assert refused(source(), "\\GLOBAL??\\Loop").message == (
        "\\GLOBAL??\\Loop -> \\GLOBAL??\\Loop: symbolic links lead in a circle"
    )
    target = source()
    target.poke_field(KERNEL.named["\\GLOBAL??\\NUL"], "_OBJECT_SYMBOLIC_LINK", "LinkTarget.Buffer", 0xFFFFDEAD00000000)
    assert refused(target, "\\GLOBAL??\\NUL").message == "the symbolic link \\GLOBAL??\\NUL cannot be read"
    assert refused(source().without_type("_OBJECT_SYMBOLIC_LINK"), "\\GLOBAL??\\NUL").message == (
        "the symbolic link \\GLOBAL??\\NUL cannot be read"
    )


@pytest.mark.parametrize(
    "path, message, step",
    [
        (
            OPEN + "\\x",
            OPEN + " is of type Event, no directory, so nothing named x is in it",
            OPEN + " itself can be asked about",
        ),
        (
            "\\Device\\Null\\x\\y",
            "\\Device\\Null is of type Device, no directory, so nothing named x is in it",
            "the rest of the path belongs to the driver behind it, which no dump shows",
        ),
        ("\\Nope", "there is no object Nope in \\", "!object \\ lists what is there"),
        ("\\Device\\x", "there is no object x in \\Device", "!object \\Device lists what is there"),
        (
            "\\basenamedobjects\\x",
            "there is no object x in \\BaseNamedObjects",
            "names of programs of a user's session are in \\Sessions\\N\\BaseNamedObjects",
        ),
    ],
)
def test_what_is_not_there_is_said_with_the_next_step(path: str, message: str, step: str) -> None:
    error = refused(source(), path)
    assert (error.message, error.next_step) == (message, step)


def test_an_object_whose_type_cannot_be_told_is_no_directory() -> None:
    target = source()
    header = KERNEL.named["\\BaseNamedObjects"] - body_offset(target)
    target.poke_field(header, "_OBJECT_HEADER", "TypeIndex", 0)
    error = refused(target, OPEN)
    assert error.message == "\\BaseNamedObjects is unreadable, no directory, so nothing named Open is in it"
    assert error.next_step == "!object \\BaseNamedObjects tells what the debugger sees there"


def test_names_that_cannot_be_read_are_counted_where_one_is_not_found() -> None:
    target = source()
    for path in (OPEN, "\\BaseNamedObjects\\ServiceReady"):
        target.poke_field(name_info(target, path), "_OBJECT_HEADER_NAME_INFO", "Name.Buffer", 0xFFFFDEAD00000000)
    assert refused(target, "\\BaseNamedObjects\\x").message == (
        "there is no object x in \\BaseNamedObjects; 2 names there cannot be read"
    )
    assert refused(target, OPEN).message.endswith("; 2 names there cannot be read")
    assert find_path(target, "\\BaseNamedObjects\\Bare").body == KERNEL.named["\\BaseNamedObjects\\Bare"]


def test_a_directory_that_is_torn_or_gone() -> None:
    target = source()
    gone = target.symbol("ObpRootDirectoryObject")
    target.without_pages([gone])
    assert refused(target, OPEN).message.startswith("nt!ObpRootDirectoryObject cannot be read: ")
    target = source()
    target.without_pages([KERNEL.named["\\"]])
    assert refused(target, OPEN).message == (
        "\\ is unreadable, no directory, so nothing named BaseNamedObjects is in it"
    )
    # The header is there, and the buckets lie on the next page.
    whole = KERNEL.named["\\BaseNamedObjects"]
    start = body_offset(target)
    target = source()
    target.poke(HERE - start, target.read(whole - start, start + 0x200))
    header = target.layout("_OBJECT_HEADER").field("TypeIndex").offset
    hidden = target.read(whole - start + header, 1)[0] ^ ((whole - start) >> 8 & 0xFF) ^ ((HERE - start) >> 8 & 0xFF)
    target.poke(HERE - start + header, bytes([hidden]))
    target.poke(target.symbol("ObpRootDirectoryObject"), HERE.to_bytes(8, "little"))
    assert find_path(target, "\\Open").body == KERNEL.named[OPEN]
    target.without_pages([HERE])
    assert refused(target, "\\Open").message.startswith("the directory at 0x%x cannot be read: " % HERE)
    # A chain that runs in a circle ends.
    target = source()
    buckets = target.layout("_OBJECT_DIRECTORY").field("HashBuckets").offset
    for number in range(37):
        place = KERNEL.named["\\BaseNamedObjects"] + buckets + 8 * number
        entry = int.from_bytes(target.read(place, 8), "little")
        if entry:
            target.poke_field(entry, "_OBJECT_DIRECTORY_ENTRY", "ChainLink", entry)
    assert refused(target, "\\BaseNamedObjects\\x").message == "there is no object x in \\BaseNamedObjects"


def test_an_object_without_a_name_of_its_own() -> None:
    target = source()
    assert object_name(target, KERNEL.named[OPEN]) == "Open"
    assert object_name(target, KERNEL.named["\\BaseNamedObjects\\A file"]) == "A file"
    for body in (KERNEL.processes[4], KERNEL.tokens["cmd"]):
        assert object_name(target, body) is None
    header = KERNEL.named[OPEN] - body_offset(target)
    target.poke_field(header, "_OBJECT_HEADER", "InfoMask", 1)
    assert object_name(target, KERNEL.named[OPEN]) is None
    target.without_pages([header])
    assert object_name(target, KERNEL.named[OPEN]) is None


@pytest.mark.parametrize("offset, name", [(None, "Open"), (0, None)])
def test_before_windows_7_the_header_says_how_far_in_front_the_name_lies(offset: Any, name: Any) -> None:
    """_OBJECT_HEADER.NameInfoOffset of Vista and older (UChar), put where InfoMask is today."""
    target = source()
    place = target.layout("_OBJECT_HEADER").field("InfoMask").offset
    target.without_field("_OBJECT_HEADER", "InfoMask").with_field("_OBJECT_HEADER", "NameInfoOffset", place, "UChar")
    header = KERNEL.named[OPEN] - body_offset(target)
    away = header - name_info(target, OPEN) if offset is None else offset
    target.poke(header + place, bytes([away]))
    assert object_name(target, KERNEL.named[OPEN]) == name


@pytest.mark.parametrize(
    "name, expected",
    [
        ("", 0),
        ("A", 65),
        ("a", 65),
        ("AB", 65 * 3 + 32 + 66),  # h += 2h + h/2, then the letter
        ("ab", 65 * 3 + 32 + 66),
    ],
)
def test_the_hash_of_a_name(name: str, expected: int) -> None:
    """Of each upper-case character h += 2h + h/2, h += c, 32 bits (the open object manager of ReactOS)."""
    assert hash_of(name) == expected and bucket_of(name, 37) == expected % 37


def test_the_hash_keeps_to_32_bits() -> None:
    def plain(letters: Iterable[int]) -> int:
        hashed = 0
        for letter in letters:
            hashed = (hashed * 3 + hashed // 2 + letter) % (1 << 32)
        return hashed

    long: List[int] = [ord(letter) for letter in "WINDOWSSESSIONOBJECTS" * 3]
    assert hash_of("WindowsSessionObjects" * 3) == plain(long) < 1 << 32


def test_a_directory_is_told_by_its_type_s_name_where_the_root_is_not_of_that_type() -> None:
    """The root's header says that it is an event: what its names lead to are directories all the same."""
    target = source()
    start = body_offset(target)
    place = target.layout("_OBJECT_HEADER").field("TypeIndex").offset
    root, event = KERNEL.named["\\"] - start, KERNEL.named[OPEN] - start
    # The index is hidden by a cookie and by the second byte of the header's address.
    index = target.read(event + place, 1)[0] ^ (event >> 8 & 0xFF) ^ (root >> 8 & 0xFF)
    target.poke(root + place, bytes([index]))
    assert find_path(target, OPEN) == Named(KERNEL.named[OPEN], OPEN, ())


@pytest.mark.parametrize("count, found", [(0, True), (1, True), (16, True), (17, False)])
def test_sixteen_links_are_followed_and_no_more(count: int, found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(target: Any, path: str) -> Any:
        number = int(path[2:])
        return Named(0x1000, "\\end", ()) if number == count else (path, "\\L%d" % (number + 1))

    monkeypatch.setattr(directory, "_walk", walk)
    if found:
        links = find_path(None, "\\L0").links  # type: ignore[arg-type]
        assert links == tuple("\\L%d -> \\L%d" % (at, at + 1) for at in range(count))
    else:
        with pytest.raises(ObjectNotFound, match="symbolic links lead in a circle"):
            find_path(None, "\\L0")  # type: ignore[arg-type]
