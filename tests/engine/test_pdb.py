"""PDBs that lld made with a real build's types, read with no other program.

The judges are the layouts that the PDB was made of, the linker's map, and llvm-pdbutil.
"""

import re
import shutil
import subprocess
from typing import Dict, List, Tuple

import pytest

from kdtoken.layout.layout import Layout
from kdtoken.layout.pdb.pdb import PdbFile, load_pdb
from tests.engine.conftest import Lab

_RECORD = re.compile(r"^ +0x([0-9A-F]+) \| (LF_\w+) .*?(?:`(.*)`)?$")


def test_every_type_is_the_fixtures(lab: Lab) -> None:
    pdb = load_pdb(lab.image.pdb)
    types = lab.kernel.layouts.types
    assert {name: pdb.layout(name) for name in types} == types
    for name, layout in types.items():
        for mine, theirs in zip(pdb.layout(name).fields, layout.fields):
            assert mine.container == theirs.container or not theirs.container, (name, mine.name)
    assert len(types) > 200


def test_every_symbol_is_the_link_maps(lab: Lab) -> None:
    pdb = load_pdb(lab.image.pdb)
    assert {name: pdb.rva(name) for name in lab.image.symbols} == lab.image.symbols
    assert set(lab.image.symbols) <= set(pdb.symbol_names())
    assert pdb.pdb == lab.image.pdb_id


def _pdbutil() -> str:
    found = shutil.which("llvm-pdbutil") or next(
        (path for path in map(shutil.which, ("llvm-pdbutil-%d" % number for number in range(20, 11, -1))) if path), ""
    )
    if not found:
        pytest.skip("no llvm-pdbutil here (Debian: llvm)")
    return found


def _members(text: str) -> Dict[str, List[Tuple[str, int]]]:
    """`llvm-pdbutil dump -types`: name of a struct or union -> its (member, offset) pairs."""
    lists: Dict[str, List[Tuple[str, int]]] = {}
    found: Dict[str, List[Tuple[str, int]]] = {}
    index, name = "", ""
    for line in text.splitlines():
        record = _RECORD.match(line)
        if record:
            index, name = record[1], record[3] or ""
            kind = record[2]
            continue
        member = re.match(r"^ +- LF_MEMBER \[name = `(.*)`, Type = .*, offset = (\d+), ", line)
        if member:
            lists.setdefault(index, []).append((member[1], int(member[2])))
        held = re.search(r"field list: 0x([0-9A-F]+)", line)
        if held and kind in ("LF_STRUCTURE", "LF_UNION") and "forward ref" not in line:
            found[name] = lists.get(held[1], [])
    return found


def test_members_and_offsets_are_those_that_llvm_reads(lab: Lab) -> None:
    command = [_pdbutil(), "dump", "-types", str(lab.image.pdb)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60)
    said = _members(done.stdout.decode("utf-8", "replace"))
    pdb = load_pdb(lab.image.pdb)
    compared = 0
    for name, members in said.items():
        if name in lab.kernel.layouts.types:
            assert sorted((one.name, one.offset) for one in pdb.layout(name).fields) == sorted(members), name
            compared += 1
    structs = [one for one in lab.kernel.layouts.types.values() if not one.is_enum]
    assert compared == len(structs)


def test_every_type_of_the_file_can_be_decoded(lab: Lab) -> None:
    """Not only those that the fixtures have: the compiler's own too."""
    pdb = PdbFile(lab.image.pdb.read_bytes(), "x")
    made: List[Layout] = [pdb.layout(name) for name in pdb.names()]
    assert len(made) >= len(lab.kernel.layouts.types)
