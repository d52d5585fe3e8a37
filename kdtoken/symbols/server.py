"""Fetching one PDB, or the kernel's image, from a symbol server: only when asked to, and going on where it broke off.

    download("https://msdl.microsoft.com/download/symbols", Path("symbols"), identity)

Protocol: plain HTTP GET of URL/NAME/KEY/NAME ("Using SymSrv", learn.microsoft.com).  Only the kernel PDB's name, GUID
and age leave this machine, and of a dump that does not tell them the kernel image's name, time stamp and size.
"""

import http.client
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Union

from kdtoken.errors import BadFormat, TargetError
from kdtoken.files import why
from kdtoken.layout.pdb.identity import PdbIdentity
from kdtoken.layout.pdb.image import ImageIdentity, read_image
from kdtoken.layout.pdb.pdb import load_pdb

DEFAULT = "https://msdl.microsoft.com/download/symbols"
TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 18
_LIMIT = 1 << 30  # no kernel's PDB is near 1 GB, and no kernel
_AGENT = "Microsoft-Symbol-Server/10.0.0.0 (kdtoken)"  # some servers give nothing to unknown programs

Progress = Callable[[int, int], None]
Wanted = Union[PdbIdentity, ImageIdentity]


def no_progress(done: int, total: int) -> None:
    """Nobody is told of bytes so far, of how many (0: unknown)."""


def download(server: str, store: Path, wanted: Wanted, progress: Progress = no_progress) -> Path:
    """Fetch the file into the store NAME/KEY/NAME; what is there already is not fetched again.

    A partial file stays as NAME.part and is gone on with next time.  The file gets its name only
    when it is whole and is the one that was asked for.  Of many runs at once, one fetches and the others wait.
    Raises TargetError.
    """
    folder = store / wanted.name / wanted.key
    final, part = folder / wanted.name, folder / (wanted.name + ".part")
    if final.is_file():
        return final
    url = "/".join([server.rstrip("/"), urllib.parse.quote(wanted.name), wanted.key, urllib.parse.quote(wanted.name)])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / (wanted.name + ".lock")):
            if not final.is_file():
                _fetch_whole(server, url, part, wanted, progress)
                os.replace(str(part), str(final))
    except OSError as error:
        raise TargetError("cannot keep %s in %s: %s" % (wanted.name, folder, why(error)), url) from error
    return final


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock that this file is; the system lets go of it when its holder dies."""
    with open(str(path), "ab") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # gives up after ten seconds
                    break
                except OSError:
                    continue
            try:
                yield
            finally:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            yield


def _fetch_whole(server: str, url: str, part: Path, wanted: Wanted, progress: Progress) -> None:
    """Leave the whole and right file in `part`.  Raises TargetError: one message for each odd answer."""
    again = "run it again: it goes on where it stopped"
    for attempt in (1, 2):
        try:
            _fetch(url, part, progress)
        except urllib.error.HTTPError as error:
            if error.code == 416 and _is_it(part, wanted):
                return  # asked to go on behind the end: the part is whole already
            if error.code == 416 and attempt == 1:
                part.unlink()  # or it is of another file, or the server has lost count: begin anew
                continue
            what = "has no such file" if error.code == 404 else "answers with the HTTP status %d" % error.code
            if 300 <= error.code < 400:
                what = "sends on to where it is not followed"
            raise TargetError("%s %s: %s" % (server, what, url), url) from error
        except http.client.HTTPException as error:
            raise TargetError("%s does not speak HTTP as it should; nothing was taken from it" % server, url) from error
        except urllib.error.URLError as error:
            reason = error.reason
            words = why(reason) if isinstance(reason, OSError) and reason.strerror else str(reason)
            raise TargetError("cannot fetch %s: %s" % (url, words), url, again) from error
        except _Refused as error:
            raise TargetError("cannot fetch %s: %s" % (url, error), url) from error
        except OSError as error:
            raise TargetError("cannot fetch %s: %s" % (url, _cut(error)), url, again) from error
        except ValueError as error:
            raise TargetError("%s is no address of a symbol server" % server, url, DEFAULT) from error
        break
    if not _is_it(part, wanted):
        part.unlink()
        raise TargetError("%s sent something that is not %s" % (server, wanted), url)


class _Refused(Exception):
    """An answer that is not followed or not taken, in our own words."""


class _Cut(OSError):
    """The connection ended early, in our own words."""


def _cut(error: OSError) -> str:
    return str(error) if isinstance(error, _Cut) else why(error)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A few, and never from HTTPS to anything less."""

    max_redirections = 5

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """What to ask instead.  Raises _Refused."""
        if not re.match("(?i)https://" if req.type == "https" else "(?i)https?://", newurl):
            raise _Refused("the server sends on to %s, which is not followed" % newurl.split("://")[0])
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(url: str, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": _AGENT})
    if have:
        request.add_header("Range", "bytes=%d-" % have)
    with urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT) as answer:
        if have and answer.status != 206:
            have = 0  # this server does not go on in the middle: it sends all again
        announced = answer.headers.get("Content-Length") or "0"
        left = int(announced) if announced.isascii() and announced.isdigit() else 0
        if have + left > _LIMIT:
            raise _Refused("it is said to have %d MB, and no kernel's PDB is that large" % (have + left >> 20))
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
                raise _Refused("it sends more than %d MB, and no kernel's PDB is that large" % (_LIMIT >> 20))
    if total and have < total:
        raise _Cut("the connection ended after %d of %d bytes" % (have, total))


def _is_it(file: Path, wanted: Wanted) -> bool:
    try:
        if isinstance(wanted, ImageIdentity):
            return read_image(file)[0].key == wanted.key
        found = load_pdb(file)
    except BadFormat:
        return False
    same = found.pdb == wanted.key
    found.close()
    return same
