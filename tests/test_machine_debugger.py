"""What debuggers look for, put where any build has it: also builds of which the repository has no layouts."""

import struct
from dataclasses import replace
from typing import Dict, Tuple

import pytest

from kdtoken.layout.layout import Field, Layout
from kdtoken.layout.layout_file import LayoutFile
from tests.expected import FILES, layouts_of_build
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build

KDBG_PRCB_IN_PCR, KDBG_PCR_SELF = 0x2E6, 0x2E2  # of KdDebuggerDataBlock: OffsetPcrContainedPrcb, OffsetPcrSelfPcr


def with_types(layouts: LayoutFile, types: Dict[str, Layout]) -> LayoutFile:
    return replace(layouts, types={**layouts.types, **types})


def q(kernel: Kernel, address: int) -> int:
    return int(struct.unpack("<Q", kernel.memory.peek(address, 8))[0])


def processor(kernel: Kernel) -> Tuple[int, int]:
    """(KPRCB as KiProcessorBlock has it, its distance from the KPCR as KdDebuggerDataBlock has it)."""
    prcb = q(kernel, kernel.symbols["KiProcessorBlock"])
    block = kernel.symbols["KdDebuggerDataBlock"]
    return prcb, struct.unpack("<H", kernel.memory.peek(block + KDBG_PRCB_IN_PCR, 2))[0]


@pytest.mark.parametrize("path", [path for path in FILES if path.stem.startswith("nt-10.")], ids=lambda path: path.stem)
def test_a_kpcr_whose_type_ends_before_its_kprcb(path: "object") -> None:
    """As from 22H2 on: nothing else moves, the KPRCB still lies 0x180 behind, where CurrentPrcb (+0x20) points."""
    layouts = layouts_of_build(path)  # type: ignore[arg-type]
    whole = layouts.layout("_KPCR")
    cut = tuple(field for field in whole.fields if field.name != "Prcb")
    with_member = build(MACHINE, layouts)
    without = build(MACHINE, with_types(layouts, {"_KPCR": replace(whole, size=0x180, fields=cut)}))
    for kernel in (with_member, without):
        prcb, distance = processor(kernel)
        assert distance == 0x180 and q(kernel, prcb - 0x180 + 0x20) == prcb
        current = layouts.layout("_KPRCB").field("CurrentThread").offset
        assert q(kernel, prcb + current) in kernel.threads.values()
    assert without.context == with_member.context != b""


def test_a_vad_whose_node_is_a_member_of_its_own() -> None:
    """As in Windows 8: _MMVAD_SHORT.VadNode is an _MM_AVL_NODE, and the parent is in its u1."""
    path = next(path for path in FILES if path.stem.startswith("nt-6.1."))
    layouts = layouts_of_build(path)
    seven = layouts.layout("_MMVAD_SHORT")
    node = Layout("_MM_AVL_NODE", 24, tuple(field for field in seven.fields if field.offset < 24))
    eight = (Field("VadNode", 0, "_MM_AVL_NODE"), *(field for field in seven.fields if field.offset >= 24))
    made = with_types(layouts, {"_MM_AVL_NODE": node, "_MMVAD_SHORT": replace(seven, fields=eight)})
    old, new = build(MACHINE, layouts), build(MACHINE, made)
    root = layouts.layout("_EPROCESS").field("VadRoot").offset
    roots = [process + root for process in new.processes.values()]
    trees = [(at, q(new, at + 16)) for at in roots if q(new, at + 16)]  # BalancedRoot.RightChild
    assert trees  # System's at least
    assert all(q(new, vad) == at == q(old, vad) for at, vad in trees)
    assert not [name for name in new.dropped_fields if name.startswith("_MMVAD")]
