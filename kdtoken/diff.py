"""diff: two views of a token compared by meaning: what differs, what only one side can know, and why.

    kdtoken diff notepad.kdtoken.gz@notepad.exe whoami.txt
    kdtoken diff before.kdtoken.gz@lsass.exe after.kdtoken.gz@lsass.exe
    !py -m kdtoken.diff live@notepad.exe C:\\views\\collect.json

A side is SOURCE or SOURCE@PROCESS.  SOURCE is `live` (the session that this runs in), a recording, a
crash dump, a saved WinDbg log, or the text of whoami, of !token, or the JSON of kdtoken's collect.
Exit code: 0 the same, 1 differences, 2 nothing could be compared.
"""

import argparse
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from kdtoken import cli
from kdtoken.analysis.differences import Kind, View, compare
from kdtoken.decode.process import find_process
from kdtoken.decode.process_dump import Tokens
from kdtoken.errors import BadFormat, KdTokenError, UsageError
from kdtoken.model.process import FastRef
from kdtoken.model.token import Token
from kdtoken.render.diff import diff_json, diff_lines
from kdtoken.view.process_text import ProcessText
from kdtoken.view.seen import TokenText

_KINDS = {"!token": Kind.TOKEN_COMMAND, "whoami": Kind.WHOAMI, "GetTokenInformation": Kind.TOKEN_INFORMATION}


def open_side(text: str, options: argparse.Namespace) -> View:
    """The token that one argument names.  Raises KdTokenError saying what is missing."""
    source, which = _split(text)
    if source == "live" or not source:
        return _kernel_side({}, which, text, options)
    data = _read(source)
    if data[:2] == b"\x1f\x8b" or b'"kdtoken-session"' in data[:200]:
        return _kernel_side({"session": source}, which, text, options)
    if data[:4] == b"PAGE":
        return _kernel_side({"dump": source}, which, text, options)
    if b'"kdtoken-collect"' in data[:4096]:
        return _collected(data, source, which)
    from kdtoken.view.text import decode_text

    decoded = decode_text(data, source)
    return _text_side(decoded.text, source, which, text, options)


def _split(text: str) -> Tuple[str, str]:
    """SOURCE@PROCESS; the last @ divides, so that a folder may have one."""
    source, at, which = text.rpartition("@")
    return (source, which) if at else (text, "")


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            # A crash dump is told by its first bytes, and too long to be read here.
            head = file.read(8)
            return head if head[:4] == b"PAGE" else head + file.read()
    except OSError as error:
        raise BadFormat("cannot read %s: %s" % (path, error.strerror or error), path) from error


def _kernel_side(where: Dict[str, Any], which: str, text: str, options: argparse.Namespace) -> View:
    if not which:
        raise UsageError("%s: which process?" % text, text, "%s@notepad.exe" % (text or "live"))
    wanted = argparse.Namespace(**dict(vars(options), **where))
    target = cli.open_target(wanted)
    process = find_process(target, which)[0]
    token = Tokens(target).of(process)
    if not isinstance(token, Token):
        raise KdTokenError("%s: pid %d has no readable token: %s" % (text, process.pid, token or "null"), text)
    return View(token, Kind.KERNEL, "%s, %s (pid %d)" % (cli.source(target), process.image_name, process.pid))


def _collected(data: bytes, source: str, which: str) -> View:
    from kdtoken.view.token_information import read_token_information

    found = read_token_information(data.decode("utf-8-sig", "replace"), source)
    if which == "linked":
        if found.linked is None:
            raise UsageError("%s holds no linked token" % source, source)
        return _view(found.linked, source)
    return _view(found.token, source)


def _text_side(text: str, source: str, which: str, argument: str, options: argparse.Namespace) -> View:
    """whoami's text, or a debugger's: a log that can be walked, or the text of !token alone."""
    from kdtoken.view.debugger_text import read_debugger_text
    from kdtoken.view.whoami import read_whoami_text

    told = read_debugger_text(text, source)
    tokens = list(told.tokens.tokens)
    if which:
        tokens = [t for t in tokens if _is_of(t, which, told.processes.processes)]
        if not tokens and _can_walk(options):
            return _kernel_side({"log": [source]}, which, argument, options)
    if not tokens and not which:
        tokens = list(read_whoami_text(text, source).tokens)
    if len(tokens) == 1:
        return _view(tokens[0], source)
    if tokens:
        raise UsageError(
            "%s holds %d tokens: %s" % (source, len(tokens), ", ".join(_name(t) for t in tokens[:6])),
            source,
            "%s@ADDRESS chooses one" % source,
        )
    raise BadFormat(
        "%s tells of no token%s" % (source, " of %s" % which if which else ""),
        source,
        "it takes the text of whoami /all or of !token, a log with dt and db, a recording, or collect's JSON",
    )


def _can_walk(options: argparse.Namespace) -> bool:
    """Whether this kdtoken reads logs as targets."""
    return hasattr(options, "log")


def _is_of(text: TokenText, which: str, processes: Sequence[ProcessText]) -> bool:
    """Whether a `!token` text is the token at that address, or of the process of that name or pid."""
    wanted = which.lower().replace("`", "")
    address = text.token.address
    if address and wanted in ("%x" % address, hex(address)):
        return True
    for entry in processes:
        process = entry.process
        ref = process.token
        names = (str(process.image_name).lower(), str(process.pid), hex(process.pid), "%x" % process.address)
        if wanted in names and isinstance(ref, FastRef) and ref.object == address:
            return True
    return False


def _name(text: TokenText) -> str:
    return hex(text.token.address) if text.token.address else "one without an address"


def _view(text: TokenText, source: str) -> View:
    place = min((p.line for p in text.seen.values()), default=0)
    label = "%s, line %d" % (source, place) if place else source
    return View(text.token, _KINDS[text.view], label, text.incomplete)


def _main(arguments: List[str]) -> int:
    parser = cli.parser("diff", "Compare two views of a token.")
    parser.add_argument("a", metavar="A", help="SOURCE or SOURCE@PROCESS: live, a recording, a dump, a log, "
                        "whoami's or !token's text, collect's JSON")  # fmt: skip
    parser.add_argument("b", metavar="B", help="the same")
    parser.add_argument("--all", action="store_true", help="list what is the same too")
    parser.add_argument("--json", action="store_true", help="for programs: JSON instead of text")
    options = parser.parse_args(arguments)
    comparison = compare(open_side(options.a, options), open_side(options.b, options))
    lines = diff_json(comparison).split("\n") if options.json else diff_lines(comparison, options.all)
    cli.write_lines(lines)
    return comparison.exit_code


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); 0 same, 1 differences, 2 could not compare."""
    return cli.run(_main, arguments, failure=2)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
