"""Writes fixtures/practice/: `python -m tests.engine.practice` (wants clang and lld, no Windows, no Wine).

The tour's machine as a crash dump that any debugger opens, with the PDB and the image of its nt, so that WinDbg needs no
symbol server; the same after somebody wrote into its kernel; and two texts of whoami.  All of it is ours: the nt is
compiled from the public types of Windows 11 (image.py) and holds no code of Windows.  The same tools give the same bytes.
"""

import io
import lzma
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Dict

from kdtoken.layout.layout_file import load_layouts
from tests.engine.image import build_image
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.strange import INCIDENT
from tests.machine.whoami_text import whoami_all

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PRACTICE = FIXTURES / "practice"
LAYOUTS = FIXTURES / "layouts" / "nt-10.0.22000.2538.json"
ACCOUNT = "anna-pc\\anna"


def files(work: Path) -> Dict[str, bytes]:
    """Name -> content of what the archive holds."""
    layouts = load_layouts(LAYOUTS)
    image = build_image(layouts, work)
    made = {"ntoskrnl.exe": image.exe.read_bytes(), "ntkrnlmp.pdb": image.pdb.read_bytes()}
    for name, machine in (("practice.dmp", MACHINE), ("incident.dmp", INCIDENT)):
        write_dump(build(machine, layouts, image), work / name)
        made[name] = (work / name).read_bytes()
    return made


def texts() -> Dict[str, str]:
    """Name -> content of the texts of whoami."""
    return {
        "whoami-notepad.txt": whoami_all(MACHINE.tokens["notepad"], ACCOUNT),
        "whoami-unknown.txt": whoami_all(MACHINE.tokens["reader"], ACCOUNT),
    }


def archive(content: Dict[str, bytes]) -> bytes:
    """A .tar.xz with no time, no owner and no path of the machine that made it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(content):
            entry = tarfile.TarInfo(name)
            entry.size = len(content[name])
            tar.addfile(entry, io.BytesIO(content[name]))
    return lzma.compress(out.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def main() -> int:
    """Write the files."""
    PRACTICE.mkdir(exist_ok=True)
    for name, text in texts().items():
        (PRACTICE / name).write_bytes(text.encode("ascii"))
    with tempfile.TemporaryDirectory() as work:
        (PRACTICE / "practice.tar.xz").write_bytes(archive(files(Path(work))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
