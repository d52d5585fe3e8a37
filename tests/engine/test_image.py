"""The synthetic nt has the types and symbols that its layouts say, in the genuine engine's own words."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from kdtoken.errors import BadFormat
from kdtoken.layout.dt import parse_dt
from kdtoken.layout.layout import Field, Layout, layout_from_json
from kdtoken.layout.layout_file import LayoutFile, layouts_of, load_layouts
from tests.engine.c_types import c_types, declare
from tests.engine.image import Image, build_image
from tests.engine.windows import Windows
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.symbols import FUNCTIONS, variables_of

FIXTURES = sorted((Path(__file__).parents[2] / "fixtures" / "layouts").glob("nt-*.json"))
Built = Tuple[LayoutFile, Image]


@pytest.fixture(scope="module", params=FIXTURES, ids=lambda path: path.stem)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    layouts = load_layouts(request.param)
    return layouts, build_image(layouts, tmp_path_factory.mktemp("nt"))


def as_dt_tells(layout: Layout) -> Layout:
    """A double is printed as `Float`: nothing in the engine's text tells them apart."""
    return replace(layout, fields=tuple(replace(f, type=f.type.replace("Double", "Float")) for f in layout.fields))


def test_the_engine_shows_every_type_as_its_layout(built: Built, windows: Windows) -> None:
    layouts, image = built
    folder = image.exe.parent
    write_dump(build(MACHINE, layouts, image), folder / "kernel.dmp")
    (folder / "names.json").write_text(json.dumps(sorted(layouts.types)), encoding="ascii")
    done = windows.python(Path(__file__).with_name("dt_all.py"), "kernel.dmp", "names.json", cwd=folder)
    assert done.stdout.startswith("{"), done.stdout[-2000:] + done.stderr
    texts: Dict[str, List[str]] = json.loads(done.stdout)
    for name, layout in layouts.types.items():
        plain, verbose = texts[name]
        expected = as_dt_tells(layout)
        assert parse_dt(name, verbose) == expected
        assert parse_dt(name, plain) == (expected if layout.is_enum else replace(expected, size=None))
        elements = re.match(r"struct \w+, (\d+) elements", verbose)
        assert layout.is_enum or (elements and int(elements[1]) == len(layout.fields)), verbose[:200]
    symbols, module = texts["x"]
    assert "(private pdb symbols)" in module
    assert re.search(r"nt!PsActiveProcessHead = struct _LIST_ENTRY \[ 0x", symbols)
    assert re.search(r"nt!KiProcessorBlock = struct _KPRCB \*\[64\]", symbols)
    seen = set(re.findall(r"nt!(\w+)", symbols))
    assert seen >= set(variables_of(layouts)) | set(FUNCTIONS)


def test_nothing_had_to_be_replaced(built: Built) -> None:
    assert built[1].replaced == ()


def test_the_image_lies_in_memory_as_its_symbols_say(built: Built) -> None:
    image = built[1]
    assert image.memory_image[:2] == b"MZ"
    assert len(image.memory_image) % 0x1000 == 0
    assert all(
        0x1000 <= image.symbols[name] < len(image.memory_image) for name in (*variables_of(built[0]), *FUNCTIONS)
    )
    trap = image.symbols["KeBugCheckEx"]
    assert image.memory_image[trap : trap + 2] == b"\x0f\x0b"  # ud2: code was mapped where the map says
    assert image.memory_image[image.symbols["PsActiveProcessHead"] :][:16] == bytes(16)
    # The PDB's own header names the same GUID (in its stream 1, so somewhere in the file).
    first = bytes.fromhex(image.guid)
    stored = first[3::-1] + first[5:3:-1] + first[7:5:-1] + first[8:]
    assert stored in image.pdb.read_bytes()


def test_the_same_layouts_give_the_same_image(built: Built, tmp_path: Path) -> None:
    layouts, image = built
    written = image.exe.stat().st_mtime_ns
    assert build_image(layouts, image.exe.parent) == image
    assert image.exe.stat().st_mtime_ns == written, "built again though nothing had changed"
    elsewhere = build_image(layouts, tmp_path)
    assert (elsewhere.pdb_id, elsewhere.memory_image) == (image.pdb_id, image.memory_image)


def test_another_kernel_in_the_same_folder_is_built_anew(tmp_path: Path) -> None:
    first, second = (build_image(load_layouts(path), tmp_path) for path in FIXTURES[:2])
    assert first.pdb_id != second.pdb_id


def test_declarations_in_c() -> None:
    assert declare("[4] Ptr64 _TOKEN", "t") == "_TOKEN *t[4]"
    assert declare("Ptr64 [4] Uint2B", "t") == "unsigned short (*t)[4]"
    assert declare("[2] [3] UChar", "t") == "unsigned char t[2][3]"
    assert declare("Ptr64 Ptr64 Function", "t") == "void (**t)()"
    assert declare("[15] Ptr64 Function", "t") == "void (*t[15])()"
    assert declare("Ptr32 Void", "t") == "void * __ptr32 t"


def extra(fields: List[List[object]]) -> LayoutFile:
    """The first fixture and one type more."""
    base = load_layouts(FIXTURES[0])
    layout = layout_from_json("_EXTRA", {"size": 16, "fields": fields})
    return layouts_of(base.build, base.pdb, 8, [*base.types.values(), layout])


def test_what_the_compiler_cannot_hold_becomes_bytes_and_is_said(tmp_path: Path) -> None:
    image = build_image(extra([["Gone", 0, "_NOT_IN_THE_FILE"]]), tmp_path)
    assert image.replaced == ("_EXTRA.Gone: no layout of _NOT_IN_THE_FILE",)


def test_layouts_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(BadFormat, match="_EXTRA.Far is said to lie at 12 to 20, outside the type's 16 bytes"):
        extra([["Far", 12, "Uint8B"]])
    with pytest.raises(BadFormat, match="_EXTRA.Odd"):
        extra([["Odd", 8, "Pos 30, 4 Bits", "Uint4B"]])


def test_an_enum_that_shares_a_name_is_renamed_and_said() -> None:
    enums = [layout_from_json(name, {"size": 4, "values": [["Same", -1]]}) for name in ("_A", "_B")]
    types = c_types(layouts_of("1", "", 8, enums))
    assert types.replaced == ("_B.Same: two enums have this value",)
    assert "{ Same = -1 } _A;" in types.text and "{ Same___B = -1 } _B;" in types.text


def test_bit_fields_without_a_container_get_the_smallest() -> None:
    layout = Layout("_X", 4, (Field("a", 0, "Pos 0, 1 Bit"), Field("b", 0, "Pos 3, 20 Bits")))
    text = c_types(layouts_of("1", "", 8, [layout])).text
    assert "unsigned char a : 1;" in text
    assert "unsigned int b : 20;" in text
