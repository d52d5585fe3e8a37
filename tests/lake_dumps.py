"""Many small crash dumps for the tests of `lake`: of six builds, some tampered, some cut or broken.

A machine is built and written once for each build; what makes a dump another machine's is put into its bytes: the
name of the machine, which is as long as ANNA-PC, and the time in the header.
"""

import json
import os
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from kdtoken.layout.layout_file import load_layouts
from tests.engine.volatility import isf
from tests.expected import FILES
from tests.fake_image import as_image, fake_image
from tests.machine.crashdump import FIELDS, write_dump
from tests.machine.declared import MACHINE
from tests.machine.guilty import GUILTY
from tests.machine.kernel import build
from tests.machine.spec import Machine
from tests.machine.strange import QUIET

NAME = "ANNA-PC"
TIME = 0x01D8F0A0B0C0D0E0  # what write_dump puts into every header: FILETIME, 2022-11-04 22:56:35 UTC
DAY = 864_000_000_000  # of FILETIME
_CUT = 0x40000  # bytes of a cut dump: its head and some pages


def host_of(number: int) -> str:
    """The name of a dump's machine."""
    return "PC-%04d" % number


class Dumps:
    """A folder of symbols, and dumps beside it, made on demand.

    tampered  of each build's dumps, every other is of a machine on which something is strange
    """

    def __init__(self, folder: Path, machines: Sequence[Machine] = (QUIET,), builds: int = len(FILES)) -> None:
        self.folder = folder
        self.symbols = folder / "symbols"
        self.symbols.mkdir(parents=True)
        self._plain: List[bytes] = []
        for at, layout_file in enumerate(FILES[:builds]):
            layouts = load_layouts(layout_file)
            image = fake_image(layouts, at + 1)
            # As a tree of ISF files has it, so that no other kernel's is opened to look for it.
            place = self.symbols / "ntkrnlmp.pdb" / ("%s-%d.json" % (image.guid, image.age))
            place.parent.mkdir(exist_ok=True)
            place.write_text(json.dumps(isf(layouts, as_image(image))))
            path = folder / "made.tmp"
            write_dump(build(machines[at % len(machines)], layouts, image), path)
            self._plain.append(path.read_bytes())
            path.unlink()

    def write(self, number: int, path: Path = Path()) -> str:
        """One dump; its build is number modulo the builds."""
        data = self._plain[number % len(self._plain)].replace(
            NAME.encode("utf-16-le"), host_of(number).encode("utf-16-le")
        )
        at = FIELDS["SystemTime"][0]
        data = data[:at] + (TIME + number * DAY).to_bytes(8, "little") + data[at + 8 :]
        file = self.folder / ("%04d.dmp" % number) if path == Path() else path
        file.write_bytes(data)
        return str(file)

    def cut(self, number: int) -> str:
        """A dump that a copy broke off."""
        path = Path(self.write(number))
        os.truncate(str(path), _CUT)
        return str(path)

    def broken(self, number: int) -> str:
        """What is called a dump, and is none."""
        path = self.folder / ("%04d.dmp" % number)
        path.write_bytes(b"no dump at all, number %d\n" % number)
        return str(path)


def some(dumps: Dumps, count: int) -> List[str]:
    """That many sources: every tenth is cut, and every tenth behind it is broken."""
    makers = {4: dumps.cut, 5: dumps.broken}
    return [makers.get(number % 10, dumps.write)(number) for number in range(count)]


def strange_machines(count: int) -> Tuple[Machine, ...]:
    """Machines, every second of which has something written into it."""
    guilty = [one.machine for one in GUILTY]
    return tuple(guilty[at % len(guilty)] if at % 2 else QUIET for at in range(count))


def tree(folder: str) -> Dict[str, bytes]:
    """All files of a lake, by their paths in it."""
    return {
        os.path.relpath(os.path.join(at, name), folder): Path(at, name).read_bytes()
        for at, _, names in os.walk(folder)
        for name in names
    }


__all__ = ["Dumps", "MACHINE", "host_of", "some", "strange_machines", "tree"]
