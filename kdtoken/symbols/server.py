"""Fetching one PDB from a symbol server: only when asked to, and going on where it broke off.

    download("https://msdl.microsoft.com/download/symbols", Path("symbols"), identity)

Protocol: plain HTTP GET of URL/NAME/GUIDAGE/NAME ("Using SymSrv", learn.microsoft.com).  Only the
kernel PDB's name, GUID and age leave this machine.
"""

import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Callable

from kdtoken.errors import BadFormat, TargetError
from kdtoken.layout.pdb.identity import PdbIdentity
from kdtoken.layout.pdb.pdb import load_pdb

TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 18
_LIMIT = 1 << 30  # no kernel's PDB is near 1 GB
_AGENT = "Microsoft-Symbol-Server/10.0.0.0 (kdtoken)"  # some servers give nothing to unknown programs

Progress = Callable[[int, int], None]


def show_progress(done: int, total: int) -> None:
    """A line on stderr that is written over: bytes so far, of how many (0: unknown)."""
    if total:
        bar = "#" * (30 * done // total)
        sys.stderr.write("\r[%-30s] %3d%% of %.1f MB" % (bar, 100 * done // total, total / 1e6))
        if done >= total:
            sys.stderr.write("\n")
    else:
        sys.stderr.write("\r%.1f MB" % (done / 1e6))


def download(server: str, store: Path, wanted: PdbIdentity, progress: Progress = show_progress) -> Path:
    """Fetch the PDB into the store NAME/GUIDAGE/NAME; what is there already is not fetched again.

    A partial file stays as NAME.part and is gone on with next time.  The file gets its name only
    when it is whole and is the one that was asked for.  Raises TargetError.
    """
    folder = store / wanted.name / wanted.key
    final, part = folder / wanted.name, folder / (wanted.name + ".part")
    if final.is_file():
        return final
    url = "/".join([server.rstrip("/"), urllib.parse.quote(wanted.name), wanted.key, urllib.parse.quote(wanted.name)])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # asked to go on behind the end: the part is whole, or of another file
            if _is_it(part, wanted):
                os.replace(str(part), str(final))
                return final
            part.unlink()
        what = "has no such file" if error.code == 404 else "answers %d %s" % (error.code, error.reason)
        raise TargetError("%s %s: %s" % (server, what, url), url) from error
    except (OSError, ValueError) as error:
        raise TargetError(
            "cannot fetch %s: %s" % (url, error), url, "run it again: it goes on where it stopped"
        ) from error
    if not _is_it(part, wanted):
        part.unlink()
        raise TargetError("%s sent something that is not %s" % (server, wanted), url)
    os.replace(str(part), str(final))
    return final


def _fetch(url: str, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": _AGENT})
    if have:
        request.add_header("Range", "bytes=%d-" % have)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        if have and answer.status != 206:
            have = 0  # this server does not go on in the middle: it sends all again
        left = int(answer.headers.get("Content-Length") or 0)
        _write(answer, part, have, have + left if left else 0, progress)


def _write(answer: Any, part: Path, have: int, total: int, progress: Progress) -> None:
    with open(str(part), "ab" if have else "wb") as out:
        while True:
            chunk = answer.read(_CHUNK)
            if not chunk:
                break
            out.write(chunk)
            have += len(chunk)
            progress(have, total)
            if have > _LIMIT:
                raise ValueError("more than %d bytes" % _LIMIT)
    if total and have < total:
        raise OSError("the connection ended after %d of %d bytes" % (have, total))


def _is_it(file: Path, wanted: PdbIdentity) -> bool:
    try:
        found = load_pdb(file)
    except BadFormat:
        return False
    same = found.pdb == wanted.key
    found.close()
    return same
