"""Layouts kept on disk: used by the same build only, and never when anything about the file is off."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdtoken.errors import TypeNotFound
from kdtoken.layout.layout import Field, Layout, make_layout
from kdtoken.layout.pdb.identity import read_identity
from kdtoken.symbols.file import open_symbols
from kdtoken.symbols.layout_cache import FORMAT, LayoutCache, cache_home, digest_of, digest_of_file
from tests.pdb_bytes import GUID, Pdb
from tests.test_layout_pdb_pdb import small

KEY = "0CE4A95C0CD782A7596B034D8648E5851"
DIGEST = "0123456789abcdef" * 2  # of a PDB's contents
OTHER = "0CE4A95C0CD782A7596B034D8648E5852"  # the same GUID, one age on
LUID = make_layout("_LUID", 8, [Field("LowPart", 0, "Uint4B"), Field("HighPart", 4, "Int4B")])
LEVEL = make_layout("_LEVEL", 4, (), [("SecurityAnonymous", 0), ("SecurityIdentification", 1)])
FLAGS = make_layout("_FLAGS", 8, [Field("Level", 0, "Pos 0, 2 Bits", "Uint4B"), Field("Name", 0, "[4] Wchar")])
UNNAMED = make_layout("_KPROCESS", 8, [Field("u", 0, "__unnamed_2f78")])


class Symbols:
    """Who is asked for types, and what for."""

    def __init__(self, *layouts: Layout) -> None:
        self.layouts: Dict[str, Layout] = {layout.name: layout for layout in layouts}
        self.asked: List[str] = []

    def layout(self, name: str) -> Layout:
        self.asked.append(name)
        if name not in self.layouts:
            raise TypeNotFound("no type %s" % name, name)
        return self.layouts[name]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KDTOKEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def file_of(home: Path, key: str = KEY, digest: str = DIGEST) -> Path:
    return home / FORMAT / ("%s-%s.txt" % (key, digest))


@pytest.mark.parametrize("layout", [LUID, LEVEL, FLAGS, UNNAMED], ids=lambda one: one.name)
def test_the_next_run_does_not_ask_again(home: Path, layout: Layout) -> None:
    symbols = Symbols(layout)
    assert LayoutCache(KEY, DIGEST, "pykd").layout(layout.name, symbols.layout) == layout
    assert LayoutCache(KEY, DIGEST, "pykd").layout(layout.name, symbols.layout) == layout
    assert symbols.asked == [layout.name]


def test_the_file_is_read_once_a_run(home: Path) -> None:
    symbols = Symbols(LUID)
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", symbols.layout)
    cache = LayoutCache(KEY, DIGEST, "pykd")
    assert cache.layout("_LUID", symbols.layout) == LUID
    os.remove(str(file_of(home)))
    assert cache.layout("_LUID", symbols.layout) == LUID and symbols.asked == ["_LUID"]


def test_the_key_of_another_build_or_age_is_another_folder(home: Path) -> None:
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout)
    moved = make_layout("_LUID", 8, [Field("HighPart", 0, "Int4B"), Field("LowPart", 4, "Uint4B")])
    assert LayoutCache(OTHER, DIGEST, "pykd").layout("_LUID", Symbols(moved).layout) == moved
    assert LayoutCache(KEY.lower(), DIGEST, "pykd").layout("_LUID", Symbols().layout) == LUID


def test_a_file_that_was_moved_to_another_builds_name_is_not_believed(home: Path) -> None:
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout)
    os.replace(str(file_of(home)), str(file_of(home, OTHER)))
    asked = Symbols(LUID)
    LayoutCache(OTHER, DIGEST, "pykd").layout("_LUID", asked.layout)
    assert asked.asked == ["_LUID"]


def test_a_line_under_another_types_name_is_not_believed(home: Path) -> None:
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout)
    file_of(home).write_bytes(file_of(home).read_bytes().replace(b"_LUID", b"_luid"))
    small_letters = make_layout("_luid", 4, [Field("x", 0, "Uint4B")])
    assert LayoutCache(KEY, DIGEST, "pykd").layout("_luid", Symbols(small_letters).layout) == small_letters


def test_names_for_what_has_none_are_for_their_own_reader(home: Path) -> None:
    """pykd's <unnamed-tag> is nothing that the PDB reader could look up."""
    LayoutCache(KEY, DIGEST, "pykd").layout("_KPROCESS", Symbols(UNNAMED).layout)
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout)
    asked = Symbols(make_layout("_KPROCESS", 8, [Field("u", 0, "__unnamed_1f15")]))
    pdb = LayoutCache(KEY, DIGEST, "pdb")
    assert pdb.layout("_KPROCESS", asked.layout).field("u").type == "__unnamed_1f15"
    assert pdb.layout("_LUID", asked.layout) == LUID
    assert asked.asked == ["_KPROCESS"]
    assert LayoutCache(KEY, DIGEST, "pykd").layout("_KPROCESS", asked.layout) == UNNAMED  # both are there now


@pytest.mark.parametrize("zeros", [False, True], ids=["cut", "zeros, as after a power cut"])
def test_a_torn_line_counts_as_none_and_its_type_is_added_again(home: Path, zeros: bool) -> None:
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout)
    first = len(file_of(home).read_bytes())
    LayoutCache(KEY, DIGEST, "pykd").layout("_FLAGS", Symbols(FLAGS).layout)
    whole = file_of(home).read_bytes()
    for length in range(first, len(whole) - 1):  # the very last byte is a line break, which nobody needs
        file_of(home).write_bytes(whole[:length] + bytes(len(whole) - length if zeros else 0))
        asked = Symbols(FLAGS)
        assert LayoutCache(KEY, DIGEST, "pykd").layout("_FLAGS", asked.layout) == FLAGS
        assert asked.asked == ["_FLAGS"], length
        again = LayoutCache(KEY, DIGEST, "pykd")
        assert [again.layout(name, asked.layout) for name in ("_LUID", "_FLAGS")] == [LUID, FLAGS]
        assert asked.asked == ["_FLAGS"], length


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 1 << 16), bit=st.integers(0, 7))
def test_a_flipped_bit_never_becomes_an_offset(home: Path, at: int, bit: int) -> None:
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout)
    data = bytearray(file_of(home).read_bytes())
    data[at % len(data)] ^= 1 << bit
    file_of(home).write_bytes(data)
    assert LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout) == LUID


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"size": -1}', b"[" * 100000, b"\xff", b""], ids=range(6))
def test_a_line_that_is_well_sealed_and_senseless_is_not_believed(home: Path, body: bytes) -> None:
    cache = LayoutCache(KEY, DIGEST, "pykd")
    cache.layout("_LUID", Symbols(LUID).layout)
    file_of(home).write_bytes(b"_LUID any %s %s\n" % (cache._file._seal("_LUID", "any", body), body))
    assert LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout) == LUID


def test_two_sessions_at_once(home: Path) -> None:
    """Both looked before either wrote: a type may be there twice, and nothing is lost."""
    one, other = LayoutCache(KEY, DIGEST, "pykd"), LayoutCache(KEY, DIGEST, "pykd")
    for cache in (one, other):
        with pytest.raises(TypeNotFound):
            cache.layout("_NONE", Symbols().layout)
    one.layout("_LUID", Symbols(LUID).layout)
    other.layout("_FLAGS", Symbols(FLAGS).layout)
    other.layout("_LUID", Symbols(LUID).layout)
    assert [LayoutCache(KEY, DIGEST, "x").layout(name, Symbols().layout) for name in ("_LUID", "_FLAGS")] == [
        LUID,
        FLAGS,
    ]


def test_what_is_not_there_is_asked_each_time(home: Path) -> None:
    """A PDB with private symbols has the GUID of the public one, and more types."""
    asked = Symbols()
    for _ in range(2):
        with pytest.raises(TypeNotFound):
            LayoutCache(KEY, DIGEST, "pykd").layout("_SECRET", asked.layout)
    assert asked.asked == ["_SECRET", "_SECRET"]
    assert LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout) == LUID


@pytest.mark.parametrize(
    "name", ["../_LUID", "a/b", "a\\b", "<unnamed-tag>", "con.txt", "", "_LUID\n", "x" * 101, "_Ü"]
)
def test_a_hostile_name_becomes_no_file(home: Path, name: str) -> None:
    layout = make_layout(name, 1, [Field("x", 0, "UChar")])
    for _ in range(2):
        assert LayoutCache(KEY, DIGEST, "pykd").layout(name, Symbols(layout).layout) == layout
    assert not home.exists()


@pytest.mark.parametrize("key", ["", "..", KEY[:32], "../" + KEY, KEY + "\n", "G" * 33])
def test_what_is_no_guid_and_age_keeps_nothing(home: Path, key: str) -> None:
    assert LayoutCache(key, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout) == LUID
    assert not home.exists()


def test_a_layout_that_is_not_whole_is_not_kept(home: Path) -> None:
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(make_layout("_LUID", None, LUID.fields)).layout)
    assert not home.exists()


def test_a_place_where_nothing_can_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("KDTOKEN_CACHE", str(tmp_path / "file"))
    assert LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout) == LUID


def test_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KDTOKEN_CACHE", "OFF")
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout)
    assert cache_home() is None and list(tmp_path.iterdir()) == []


def test_where_things_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KDTOKEN_CACHE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", os.path.join(os.sep, "home", "ana"))
    monkeypatch.setenv("USERPROFILE", os.path.join(os.sep, "home", "ana"))
    assert cache_home() == os.path.join(os.path.expanduser("~/.cache"), "kdtoken")
    monkeypatch.setenv("LOCALAPPDATA", "C:\\Users\\ana\\AppData\\Local")
    assert cache_home() == os.path.join("C:\\Users\\ana\\AppData\\Local", "kdtoken")


def test_a_pdb_says_who_it_is_without_being_read(tmp_path: Path) -> None:
    """GUID bytes 0..15: the first three numbers are little-endian; the age is that of the symbol stream."""
    (tmp_path / "nt.pdb").write_bytes(small().data())
    assert read_identity(str(tmp_path / "nt.pdb")).key == "030201000504070608090A0B0C0D0E0F" + "3"
    assert GUID == bytes(range(16))
    (tmp_path / "nt.pdb").write_bytes(Pdb(age=0, info_age=0x1A).data())
    assert read_identity(str(tmp_path / "nt.pdb")).age == 0x1A  # nobody left one there


def test_types_of_a_pdb_come_from_the_disk_the_second_time(home: Path, tmp_path: Path) -> None:
    (tmp_path / "nt.pdb").write_bytes(small().data())
    first = open_symbols(tmp_path / "nt.pdb").layout("_LUID")
    digest = hashlib.blake2b(small().data(), digest_size=16).hexdigest()
    assert b'["LowPart", 0, "Uint4B"]' in file_of(home, "030201000504070608090A0B0C0D0E0F3", digest).read_bytes()
    assert open_symbols(tmp_path / "nt.pdb").layout("_LUID") == first


def test_a_pdb_with_the_right_guid_and_other_contents_does_not_answer_for_the_genuine_one(
    home: Path, tmp_path: Path
) -> None:
    """A customer's, a damaged or a hostile one: two members of _LUID are swapped in it, GUID and age are the same."""
    genuine, other = small().data(), small().data().replace(b"LowPart", b"LowPaxx", 1)
    assert genuine != other and len(genuine) == len(other)
    for name, data in (("other.pdb", other), ("genuine.pdb", genuine)):
        (tmp_path / name).write_bytes(data)
    assert open_symbols(tmp_path / "other.pdb").layout("_LUID").has("LowPaxx")
    assert open_symbols(tmp_path / "genuine.pdb").layout("_LUID").has("LowPart")
    assert digest_of(genuine) == digest_of_file(str(tmp_path / "genuine.pdb"))
    assert digest_of_file(str(tmp_path / "absent.pdb")) == ""


@pytest.mark.skipif(os.name == "nt", reason="on Windows the access list of the folder says it")
def test_what_others_could_have_written_is_not_believed(home: Path) -> None:
    LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout)
    path = file_of(home)
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    for open_to_all in (path, path.parent):
        mode = open_to_all.stat().st_mode
        open_to_all.chmod(mode | 0o022)
        asked = Symbols(LUID)
        assert LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", asked.layout) == LUID
        assert asked.asked == ["_LUID"], open_to_all
        open_to_all.chmod(mode)
    asked = Symbols()
    assert LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", asked.layout) == LUID and asked.asked == []


@pytest.mark.skipif(os.name == "nt", reason="FIFOs and links as POSIX has them")
def test_a_fifo_or_a_link_in_the_folder_is_not_waited_for(home: Path) -> None:
    file_of(home).parent.mkdir(parents=True, mode=0o700)
    os.mkfifo(str(file_of(home)))
    assert LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout) == LUID
    file_of(home).unlink()
    file_of(home).symlink_to(home / "elsewhere")
    assert LayoutCache(KEY, DIGEST, "pykd").layout("_LUID", Symbols(LUID).layout) == LUID
    assert not (home / "elsewhere").exists()


def test_twenty_writers_at_once(home: Path) -> None:
    """Each line is one write behind all others: nothing is torn, and each type can be had."""
    layouts = [make_layout("_T%d" % n, 8 * n + 8, [Field("x", 8 * n, "Uint8B")]) for n in range(20)]

    def write(own: Layout) -> None:
        for layout in [own] + layouts:
            LayoutCache(KEY, DIGEST, "pykd").layout(layout.name, Symbols(*layouts).layout)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, layouts))
    nobody = Symbols()
    assert [LayoutCache(KEY, DIGEST, "pykd").layout(one.name, nobody.layout) for one in layouts] == layouts


def test_an_isf_and_a_layout_file_are_never_kept(home: Path) -> None:
    """Anybody can write a GUID into those."""
    file = Path(__file__).parent.parent / "fixtures" / "layouts" / "nt-10.0.22000.2538.json"
    assert open_symbols(file).layout("_LUID").size == 8
    assert not home.exists()
