"""Layout files: round trips, damage, and the six fixtures against facts known from outside."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.errors import BadFormat, TypeNotFound
from kdtoken.layout.layout import Layout, array_of, extent, pointer_size, size_of, stride
from kdtoken.layout.layout_file import LayoutFile, layouts_of, load_layouts, loads_layouts
from tests.test_layout_layout import LUID, TOKEN_TYPE, enums, structs

FOLDER = Path(__file__).parent.parent / "fixtures" / "layouts"
LOADED: Dict[str, LayoutFile] = {}
HEAD = '{"format": 1, "build": "b", "pdb": "", "pointer_size": 8, "types": '


def fixture(build: str) -> LayoutFile:
    """The layouts of a build, parsed once for all tests: nobody changes them."""
    if build not in LOADED:
        LOADED[build] = load_layouts(FOLDER / ("nt-%s.json" % build))
    return LOADED[build]


# Size of _TOKEN and offsets in _EPROCESS, in _TOKEN and in _OBJECT_HEADER: as `dt` prints them on such
# machines and as write-ups of token stealing have quoted them for years.
FACTS: List[Dict[str, Any]] = [
    {"build": "6.1.7601.24540", "token": 0x208, "pid": 0x180, "name": 0x2E0, "size": 0x318},
    {"build": "6.3.9600.21620", "token": 0x348, "pid": 0x2E0, "name": 0x438, "size": 0x480},
    {"build": "10.0.17763.5933", "token": 0x358, "pid": 0x2E0, "name": 0x450, "size": 0x498},
    {"build": "10.0.19041.3570", "token": 0x4B8, "pid": 0x440, "name": 0x5A8, "size": 0x498},
    {"build": "10.0.20348.2529", "token": 0x4B8, "pid": 0x440, "name": 0x5A8, "size": 0x498},
    {"build": "10.0.22000.2538", "token": 0x4B8, "pid": 0x440, "name": 0x5A8, "size": 0x498},
]
BUILDS = [str(fact["build"]) for fact in FACTS]


def test_the_facts_cover_all_fixtures() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.json")) == sorted("nt-%s.json" % build for build in BUILDS)


@pytest.mark.parametrize("fact", FACTS, ids=BUILDS)
def test_a_fixture_agrees_with_what_is_published(fact: Dict[str, Any]) -> None:
    file = fixture(fact["build"])
    process, token = file.layout("_EPROCESS"), file.layout("_TOKEN")
    assert process.field("Token").offset == fact["token"]
    assert process.field("Token").type == "_EX_FAST_REF"
    assert process.field("UniqueProcessId").offset == fact["pid"]
    # ActiveProcessLinks has stood right behind the process id since Windows 2000.
    assert process.field("ActiveProcessLinks").offset == fact["pid"] + 8
    assert process.field("ImageFileName").offset == fact["name"]
    assert process.field("ImageFileName").type == "[15] UChar"
    assert token.size == fact["size"]
    assert (token.field("TokenSource").offset, token.field("TokenId").offset) == (0, 0x10)
    assert token.field("AuthenticationId").offset == 0x18
    assert token.field("Privileges").offset == 0x40  # what every privilege-raising write aims at
    privileges = file.layout("_SEP_TOKEN_PRIVILEGES")
    assert [(f.name, f.offset) for f in privileges.fields] == [("Present", 0), ("Enabled", 8), ("EnabledByDefault", 16)]
    assert file.layout("_EX_FAST_REF").field("RefCnt").bits == (0, 4)
    assert file.layout("_OBJECT_HEADER").field("Body").offset == 0x30


@pytest.mark.parametrize("build", BUILDS)
def test_a_fixture_is_whole(build: str) -> None:
    """Every type held by value is there, and no member reaches beyond its struct."""
    file = fixture(build)
    assert (file.build, file.pointer_size) == (build, 8)
    assert re.fullmatch("[0-9A-F]{32}1", file.pdb)
    for layout in file.types.values():
        assert layout.size is not None
        if layout.fields:
            assert extent(layout, file.layout) <= layout.size, layout.name
        for member in layout.fields:
            assert (member.bits is None) == (member.container == ""), (layout.name, member)
            if member.bits is not None:
                assert sum(member.bits) <= 8 * size_of(member.container, file.layout), member


@pytest.mark.parametrize("build", BUILDS)
def test_a_fixture_is_spelled_as_dumps_spells_it(build: str) -> None:
    """Files stay comparable by diff only if nobody edits them by hand."""
    text = (FOLDER / ("nt-%s.json" % build)).read_text(encoding="utf-8")
    assert loads_layouts(text).dumps() == text


@pytest.mark.parametrize("build", BUILDS)
def test_sizes_that_plain_dt_does_not_tell_come_out_right(build: str) -> None:
    """C's rule against the PDB's sizes, for the structs that stand in arrays or in front of something."""
    file = fixture(build)
    untold = {name: replace(layout, size=None) for name, layout in file.types.items()}
    read = "_SID_AND_ATTRIBUTES _LUID_AND_ATTRIBUTES _LUID _LIST_ENTRY _UNICODE_STRING _EX_FAST_REF _ACL _SID"
    for name in (read + " _TOKEN _OBJECT_HEADER _HANDLE_TABLE_ENTRY _SEP_LOGON_SESSION_REFERENCES").split():
        if name in untold:
            assert stride(untold[name], untold.__getitem__) == file.types[name].size, name


def test_what_changed_between_builds() -> None:
    """The differences that decoders must live with, one for each kind."""
    old, new = fixture("6.1.7601.24540"), fixture("10.0.22000.2538")
    assert not old.layout("_TOKEN").has("TrustLevelSid") and new.layout("_TOKEN").has("TrustLevelSid")
    assert "_PS_PROTECTION" not in old.types and "_PS_PROTECTION" in new.types
    assert "ObpInfoMaskToOffset" not in new.types  # a variable is no type
    assert pointer_size(new.layout("_TOKEN").field("UserAndGroups").type) == 8
    assert array_of(new.layout("_SID").field("SubAuthority").type) == (1, "Uint4B")


def test_a_missing_type_is_said_with_the_build() -> None:
    with pytest.raises(TypeNotFound) as caught:
        fixture(BUILDS[0]).layout("_PS_PROTECTION")
    assert str(caught.value) == "the layouts of 6.1.7601.24540 hold no type _PS_PROTECTION"


@given(st.text(max_size=20), st.text(max_size=34), st.sampled_from([4, 8]), st.lists(structs | enums, max_size=4))
def test_round_trip(build: str, pdb: str, width: int, layouts: List[Layout]) -> None:
    made = layouts_of(build, pdb, width, layouts)
    text = made.dumps()
    assert loads_layouts(text) == made
    assert loads_layouts(text).dumps() == text
    # One line for the head, one for each type, one for the end, whatever characters names have.
    assert text.count("\n") == len(made.types) + (3 if not made.types else 2)


def test_the_form_on_disk(tmp_path: Path) -> None:
    file = layouts_of("6.1.7601.24540", "AB1", 8, [LUID, TOKEN_TYPE])
    assert file.dumps() == (
        '{"format": 1, "build": "6.1.7601.24540", "pdb": "AB1", "pointer_size": 8, "types": {\n'
        ' "_LUID": {"size": 8, "fields": [["LowPart", 0, "Uint4B"], ["HighPart", 4, "Int4B"]]},\n'
        ' "_TOKEN_TYPE": {"size": 4, "values": [["TokenPrimary", 1], ["TokenImpersonation", 2]]}\n'
        "}}\n"
    )
    path = tmp_path / "nt.json"
    path.write_text(file.dumps(), encoding="utf-8")
    assert load_layouts(path) == file


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "my.json is not a layout file"),
        ("[]", "my.json is not a layout file"),
        ("{}", "my.json is not a layout file"),
        ('{"format": 2}', "my.json is layout format 2, this kdtoken reads 1"),
        ('{"format": 1, "types": {}}', "my.json is not a layout file"),
        (HEAD + "[]}", "my.json is not a layout file"),
        (HEAD + '{"_X": {}}}', "layout of _X is damaged: it has no 'size'"),
        (HEAD.replace("8", '"x"') + "{}}", "my.json is not a layout file"),
    ],
)
def test_damage_is_named(text: str, why: str) -> None:
    with pytest.raises(BadFormat) as caught:
        loads_layouts(text, "my.json")
    assert caught.value.message.startswith(why)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFormat, match="cannot read the layout file .*absent.json: No such file"):
        load_layouts(tmp_path / "absent.json")
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFormat, match="binary.json is not a layout file: it is not UTF-8"):
        load_layouts(binary)
