"""What is kept of a boot: given back to the same boot of the same build only, and only whole."""

from pathlib import Path

import pytest

from kdtoken.symbols.boot_cache import FORMAT, BootCache

KEY, DIGEST = "0CE4A95C0CD782A7596B034D8648E5851", "0123456789abcdef" * 2
PLACE, TIME = 0xFFFFF80312437A40, bytes.fromhex("0080c5f2d1ced701")
VALUES = {"PspCidTable": bytes.fromhex("102022148accffff"), "ObHeaderCookie": b"\x9c"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KDTOKEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def file_of(home: Path) -> Path:
    return home / FORMAT / ("%s-%s.txt" % (KEY, DIGEST))


def test_the_same_boot_gets_it_back_and_no_other(home: Path) -> None:
    BootCache(KEY, DIGEST).keep(PLACE, TIME, VALUES)
    assert BootCache(KEY, DIGEST).recall(PLACE, TIME) == VALUES
    assert BootCache(KEY, DIGEST).recall(PLACE + 0x1000, TIME) is None  # nt was loaded elsewhere
    assert BootCache(KEY, DIGEST).recall(PLACE, TIME[:-1] + b"\x02") is None  # started later
    assert BootCache(KEY[:-1] + "2", DIGEST).recall(PLACE, TIME) is None  # another PDB
    assert BootCache(KEY, "f" * 32).recall(PLACE, TIME) is None  # the same name, other contents


def test_two_machines_of_one_build_keep_their_own(home: Path) -> None:
    other = {"PspCidTable": bytes(7) + b"\x01"}
    BootCache(KEY, DIGEST).keep(PLACE, TIME, VALUES)
    BootCache(KEY, DIGEST).keep(PLACE + 0x200000, TIME, other)
    assert BootCache(KEY, DIGEST).recall(PLACE, TIME) == VALUES
    assert BootCache(KEY, DIGEST).recall(PLACE + 0x200000, TIME) == other


def test_the_later_line_counts(home: Path) -> None:
    BootCache(KEY, DIGEST).keep(PLACE, TIME, VALUES)
    BootCache(KEY, DIGEST).keep(PLACE, TIME, {"ObHeaderCookie": b"\x01"})
    assert BootCache(KEY, DIGEST).recall(PLACE, TIME) == {"ObHeaderCookie": b"\x01"}


def test_who_kept_it_can_ask_for_it(home: Path) -> None:
    cache = BootCache(KEY, DIGEST)
    assert cache.recall(PLACE, TIME) is None
    for values in (VALUES, {"ObHeaderCookie": b"\x01"}):
        cache.keep(PLACE, TIME, values)
        assert cache.recall(PLACE, TIME) == values
    assert BootCache(KEY, DIGEST).recall(PLACE, TIME) == values


def test_a_byte_that_was_changed_is_noticed(home: Path) -> None:
    BootCache(KEY, DIGEST).keep(PLACE, TIME, VALUES)
    text = file_of(home).read_bytes()
    assert text.count(b'"9c"') == 1
    file_of(home).write_bytes(text.replace(b'"9c"', b'"9d"'))
    assert BootCache(KEY, DIGEST).recall(PLACE, TIME) is None


@pytest.mark.parametrize(
    "value",
    [
        [],  # no names at all
        {"ObHeaderCookie": 1},  # no text
        {"ObHeaderCookie": "9"},  # half a byte
        {"ObHeaderCookie": ""},  # nothing, where a variable has a byte at least
        {"ObHeaderCookie": "00" * 0x1001},  # longer than any variable asked for
    ],
)
def test_what_is_well_sealed_and_senseless_is_not_believed(home: Path, value: object) -> None:
    cache = BootCache(KEY, DIGEST)
    cache._file.add("%x" % PLACE, TIME.hex(), value)
    assert BootCache(KEY, DIGEST).recall(PLACE, TIME) is None


def test_nothing_is_kept_where_that_is_wanted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDTOKEN_CACHE", "off")
    BootCache(KEY, DIGEST).keep(PLACE, TIME, VALUES)
    assert BootCache(KEY, DIGEST).recall(PLACE, TIME) is None and not home.exists()


@pytest.mark.parametrize("data, kept", [(b"", False), (b"\1", True), (bytes(0x1000), True), (bytes(0x1001), False)])
def test_one_value_that_cannot_be_leaves_none_to_be_believed(home: Path, data: bytes, kept: bool) -> None:
    """A variable of no bytes, or of more than a page: whatever stands beside it."""
    for values in ({"A": data}, {"A": data, "B": b"\x9c"}, {"B": b"\x9c", "A": data}):
        BootCache(KEY, DIGEST).keep(PLACE, TIME, values)
        assert BootCache(KEY, DIGEST).recall(PLACE, TIME) == (values if kept else None)
