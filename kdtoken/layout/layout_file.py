"""A file of layouts for one kernel: fixtures/layouts/*.json, and the disk cache later."""

import json
from pathlib import Path
from typing import Dict, Iterable, Mapping, Union

from kdtoken.errors import BadFormat, TypeNotFound
from kdtoken.files import read_packed
from kdtoken.frozen import dataclass
from kdtoken.layout.layout import Layout, layout_from_json, layout_to_json

FORMAT = 1


@dataclass(frozen=True)
class LayoutFile:
    """Layouts of one build of nt.

    build         "10.0.22000.2538": version of the kernel file
    pdb           GUID and age as the symbol server writes them: 32 hex digits, then the age
    pointer_size  bytes: 4 or 8
    """

    build: str
    pdb: str
    pointer_size: int
    types: Mapping[str, Layout]

    def layout(self, name: str) -> Layout:
        """Raises TypeNotFound where this file does not hold the type."""
        found = self.types.get(name)
        if found is None:
            raise TypeNotFound("the layouts of %s hold no type %s" % (self.build, name), name)
        return found

    def dumps(self) -> str:
        """JSON text, a line a type, so that two builds can be compared with diff."""
        head = {"format": FORMAT, "build": self.build, "pdb": self.pdb, "pointer_size": self.pointer_size}
        lines = [
            " %s: %s" % (json.dumps(name), json.dumps(layout_to_json(layout)))
            for name, layout in sorted(self.types.items())
        ]
        return json.dumps(head)[:-1] + ', "types": {\n' + ",\n".join(lines) + "\n}}\n"


def loads_layouts(text: str, origin: str = "layouts") -> LayoutFile:
    """Parse the text of a layout file.  Raises BadFormat naming `origin`."""
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise BadFormat(
                "%s is layout format %r, this kdtoken reads %d" % (origin, data["format"], FORMAT),
                origin,
            )
        types: Dict[str, Layout] = {
            str(name): layout_from_json(str(name), body) for name, body in data["types"].items()
        }
        return LayoutFile(str(data["build"]), str(data["pdb"]), int(data["pointer_size"]), types)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise BadFormat("%s is not a layout file, or a damaged one" % origin, origin) from error


def load_layouts(path: Union[str, Path]) -> LayoutFile:
    """Read a layout file from disk."""
    try:
        text = read_packed(path, "layout file").decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFormat("%s is not a layout file: it is not UTF-8" % path, str(path)) from error
    return loads_layouts(text, str(path))


def layouts_of(build: str, pdb: str, pointer_size: int, layouts: Iterable[Layout]) -> LayoutFile:
    """Gather single layouts into a file."""
    return LayoutFile(build, pdb, pointer_size, {layout.name: layout for layout in layouts})
