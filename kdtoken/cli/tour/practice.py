"""The practice machine: the tour's Windows as a crash dump for the reader's own debugger, with the symbols of its nt.

The archive is made by tests/engine/practice.py; what is in it is our own, and holds no code of Windows.
"""

import lzma
import os
import tarfile
from typing import Dict

from kdtoken.errors import KdTokenError
from kdtoken.machine.open import carried

_TYPE = """\
kdtoken's practice machine: a small Windows 11 that never was, as two crash dumps that any debugger opens.

practice.dmp    the machine of `kdtoken tour`
incident.dmp    the same on another day, after somebody wrote into its kernel (exercise 4)
ntkrnlmp.pdb    the symbols of its nt: the types of a real Windows 11 (10.0.22000), three empty functions
ntoskrnl.exe    its nt, without any code of Windows
whoami.txt      what `whoami /all` says of notepad.exe
unknown.txt     what it says of a process that nobody wrote down (exercise 1)

In WinDbg, on any Windows, with no virtual machine and no network:

    windbg -z "{practice}" -y "{folder}" -i "{folder}"

    dt nt!_EPROCESS Token
    !process 0 0
    !process 0 1 notepad.exe
    !token ADDRESS                  the Token that !process printed
    dt nt!_TOKEN ADDRESS
    .load pykd                      see README.md: kdtoken and pykd in the Python that pykd uses
    !py -m kdtoken.dump notepad.exe
    !py -m kdtoken.tour

Without a debugger:

    kdtoken dump "{practice}" --symbols "{folder}" notepad.exe
    kdtoken diff "{practice}@notepad.exe" "{whoami}" --symbols "{folder}"
    kdtoken audit "{incident}" --symbols "{folder}"
"""


def practice_files(folder: str) -> Dict[str, bytes]:
    """Name -> content of what is laid down in a folder, which the README names.

    Raises KdTokenError where this kdtoken carries no archive, or a damaged one.
    """
    path = carried("practice")
    found: Dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:xz") as archive:
            for entry in archive:
                file = archive.extractfile(entry)
                found[entry.name] = file.read() if file is not None else b""
    except (OSError, tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise KdTokenError("%s is damaged" % path, path, "install kdtoken again") from error
    for name, word in (("whoami.txt", "tour-whoami"), ("unknown.txt", "tour-unknown")):
        with open(carried(word), "rb") as text:
            found[name] = text.read()
    named = {"practice": "practice.dmp", "incident": "incident.dmp", "whoami": "whoami.txt"}
    paths = {word: os.path.join(folder, name) for word, name in named.items()}
    found["README.txt"] = _TYPE.format(folder=folder, **paths).encode("utf-8", "surrogateescape")
    return found
