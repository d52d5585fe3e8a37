"""diff: two views of a token compared by meaning: what differs, what only one side can know, and why.

    kdtoken diff notepad.kdtoken.gz@notepad.exe whoami.txt
    kdtoken diff before.kdtoken.gz@lsass.exe after.kdtoken.gz@lsass.exe
    kdtoken diff --session machine.kdtoken.gz @explorer.exe @cmd.exe
    !py -m kdtoken.diff live@notepad.exe C:\\views\\collect.json

A side is SOURCE or SOURCE@PROCESS.  SOURCE is a recording, a crash dump, a saved WinDbg log, the text
of whoami or of !token, or the JSON of kdtoken's collect; `live`, or nothing before the @, is the
session that this runs in, or what --session, --dump, --log or --attach names.  In a text, @ may also
choose a token by its address, as @#2 by its place in the text; in collect's JSON, @linked the linked one.
Exit code: 0 the same, 1 differences, 2 nothing could be compared.
"""

import argparse
import os
import sys
from typing import Dict, List, Optional, Sequence, Tuple

from kdtoken import cli
from kdtoken.analysis.differences.fields import Comparison, Kind, View, compare
from kdtoken.decode.process import find_process, process_details
from kdtoken.decode.process_dump import Tokens
from kdtoken.errors import BadFormat, KdTokenError, ProcessNotFound, UsageError
from kdtoken.model.absent import known
from kdtoken.model.process import FastRef, Process
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.render.diff import diff_json, diff_lines
from kdtoken.source.cached import CachedSource
from kdtoken.view.debugger.process_text import PartialProcess
from kdtoken.view.partial import PartialToken

_KINDS = {"!token": Kind.TOKEN_COMMAND, "whoami": Kind.WHOAMI, "GetTokenInformation": Kind.TOKEN_INFORMATION}
_TAKES = "it takes the text of whoami /all or of !token, a log with dt and db, a recording, or collect's JSON"


class Sides:
    """Opens sides; a source that both name is opened once (a kernel can be attached to only once)."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._targets: Dict[Tuple[str, str], CachedSource] = {}

    def open(self, text: str) -> View:
        """The token that one argument names.  Raises KdTokenError saying what is missing."""
        source, which = _split(text)
        if source in ("", "live") and not os.path.exists(source):
            return self._kernel("", "", which, text)
        data = _read(source)
        if data[:2] == b"\x1f\x8b" or b'"kdtoken-session"' in data[:200]:
            return self._kernel("session", source, which, text)
        if data[:4] == b"PAGE":
            return self._kernel("dump", source, which, text)
        from kdtoken.view.lines import decode_text

        decoded = decode_text(data, source).text
        if decoded.lstrip()[:1] == "{":
            if '"kdtoken-collect"' in decoded:
                return _collected(decoded, source, which)
            if '"kdtoken":' in decoded[:200]:
                raise BadFormat(
                    "%s is what a verb printed with --json, which keeps no token to compare" % source,
                    source,
                    "keep the run itself: kdtoken record -o FILE dump NAME",
                )
        return self._text(decoded, source, which, text)

    def _kernel(self, option: str, source: str, which: str, text: str) -> View:
        if not which:
            raise UsageError("%s: which process?" % (text or "live"), text, "%s@notepad.exe" % (source or "live"))
        target = self._target(option, source)
        process = find_process(target, which)[0]
        token = Tokens(target).of(process)
        if token is None:
            raise KdTokenError("%s: pid %d has no token: its reference is null" % (text, process.pid), text)
        if not isinstance(token, Token):
            raise KdTokenError("%s: the token of pid %d is %s" % (text, process.pid, token), text)
        label = "%s, %s (pid %d)" % (cli.source(target), process.image_name, process.pid)
        return View(token, Kind.KERNEL, label, process=_identity(target, process))

    def _target(self, option: str, source: str) -> CachedSource:
        if (option, source) not in self._targets:
            wanted = argparse.Namespace(**vars(self._options))
            if option:
                wanted.session = wanted.dump = wanted.log = wanted.attach = None
                setattr(wanted, option, [source] if option == "log" else source)
            if not wanted.dump:
                # Symbols were given for the other side, which is a crash dump.
                wanted.symbols, wanted.download = "", False
            self._targets[option, source] = cli.open_source(wanted)
        return self._targets[option, source]

    def _text(self, text: str, source: str, which: str, argument: str) -> View:
        """whoami's text, or a debugger's: a log that can be walked, or the text of !token alone."""
        from kdtoken.view.debugger.text import read_debugger_text

        told = read_debugger_text(text, source)
        tokens = list(told.tokens.tokens) or _whoami(text, source)
        chosen = _choose(tokens, which, told.processes.processes)
        found = self._log(source, which, argument, tokens, chosen)
        if found is not None:
            return found
        if len(chosen) == 1:
            return _view(chosen[0], source)
        if chosen:
            raise UsageError(
                "%s holds %d tokens: %s" % (source, len(chosen), _names(chosen, tokens)),
                source,
                "choose one by its place in the text: %s@#1" % source,
            )
        if tokens:
            raise UsageError(
                "%s tells of no token of %s; it holds %s" % (source, which, _names(tokens, tokens)),
                source,
                "choose one by its place in the text: %s@#1" % source,
            )
        raise BadFormat("%s tells of no token%s" % (source, " of %s" % which if which else ""), source, _TAKES)

    def _log(
        self, source: str, which: str, argument: str, tokens: List[PartialToken], chosen: List[PartialToken]
    ) -> Optional[View]:
        """A log that shows the token's memory says more than the text of !token in it; None for any other text."""
        if not which or which.startswith("#"):
            return None
        from kdtoken.source.log.source import LogSource

        try:
            self._targets["log", source] = CachedSource(LogSource([source]))
            found = self._kernel("log", source, which, argument)
        except KdTokenError as error:
            # A text that tells of tokens need not be a log; of one that tells of none, what it lacks is worth a word.
            if chosen or isinstance(error, BadFormat) or (tokens and not isinstance(error, ProcessNotFound)):
                return None
            raise
        return found if known(found.token.user) or not chosen else None


def _split(text: str) -> Tuple[str, str]:
    """SOURCE@PROCESS; the last @ divides, unless the whole is a file's name."""
    source, at, which = text.rpartition("@")
    return (source, which) if at and not os.path.isfile(text) else (text, "")


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            # A crash dump is told by its first bytes, and too long to be read here.
            head = file.read(8)
            return head if head[:4] == b"PAGE" else head + file.read()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BadFormat("cannot read %s: %s" % (path, getattr(error, "strerror", None) or error), path) from error


def _identity(target: CachedSource, process: Process) -> str:
    """What two looks at one process have in common; pids and addresses are used again, so with its birth."""
    born = process_details(target, process).create_time
    return "pid %d at 0x%x, created %d" % (process.pid, process.address, born) if isinstance(born, int) else ""


def _collected(text: str, source: str, which: str) -> View:
    from kdtoken.view.collect.token_information import read_token_information

    found = read_token_information(text, source)
    if which == "linked":
        if found.linked is None:
            raise UsageError("%s holds no linked token" % source, source)
        return _view(found.linked, source)
    whose = [str(found.about.get(key, "")) for key in ("pid", "image")]
    whose.append(whose[1].replace("\\", "/").rpartition("/")[2])
    if which and which.lower() not in [one.lower() for one in whose]:
        raise UsageError(
            "%s is of pid %s, %s" % (source, whose[0], whose[2] or "of no name"), source, "give it without @"
        )
    return _view(found.token, source)


def _whoami(text: str, source: str) -> List[PartialToken]:
    from kdtoken.view.whoami.reader import read_whoami_text

    return list(read_whoami_text(text, source).tokens)


def _choose(tokens: List[PartialToken], which: str, processes: Sequence[PartialProcess]) -> List[PartialToken]:
    if which[:1] == "#":
        place = int(which[1:]) if which[1:].isdecimal() else 0
        return tokens[place - 1 : place] if place else []
    return [one for one in tokens if _is_of(one, which, processes)] if which else tokens


def _is_of(text: PartialToken, which: str, processes: Sequence[PartialProcess]) -> bool:
    """Whether a text is of the token at that address, of that user, or of the process of that name or pid."""
    wanted = which.lower().replace("`", "")
    address = text.token.address
    if address and wanted in ("%x" % address, hex(address)):
        return True
    user = text.token.user
    if isinstance(user, Sid) and wanted in (str(user).lower(), text.names.get(user, "").lower()):
        return True
    for entry in processes:
        process = entry.process
        ref = process.token
        names = (str(process.image_name).lower(), str(process.pid), hex(process.pid), "%x" % process.address)
        if wanted in names and isinstance(ref, FastRef) and address and ref.object == address:
            return True
    return False


def _names(chosen: List[PartialToken], tokens: List[PartialToken]) -> str:
    words = []
    for text in chosen[:6]:
        user = text.token.user
        what = hex(text.token.address) if text.token.address else "of %s" % user if known(user) else "one"
        words.append("#%d %s (line %d)" % (tokens.index(text) + 1, what, _line(text)))
    return ", ".join(words) + (" and %d more" % (len(chosen) - 6) if len(chosen) > 6 else "")


def _line(text: PartialToken) -> int:
    return min((place.line for place in text.places.values()), default=0)


def _view(text: PartialToken, source: str) -> View:
    label = "%s, line %d" % (source, _line(text)) if _line(text) else source
    # Listed, with attributes that nobody here knows the words for: the Token has a hole in their place.
    listed = tuple(one.sid for one in text.groups if not isinstance(one.attributes, int))
    return View(text.token, _KINDS[text.view], label, text.incomplete, listed)


def report(options: argparse.Namespace) -> Comparison:
    """Open both sides and compare them."""
    sides = Sides(options)
    return compare(sides.open(options.a), sides.open(options.b))


def _main(arguments: List[str]) -> int:
    parser = cli.parser("diff", "Compare two views of a token.")
    parser.add_argument(
        "a",
        metavar="A",
        help="SOURCE or SOURCE@PROCESS: live, a recording, a dump, a log, whoami's or !token's text, collect's JSON",
    )
    parser.add_argument("b", metavar="B", help="the same")
    parser.add_argument("--all", action="store_true", help="list what is the same too")
    parser.add_argument("--json", action="store_true", help="for programs: JSON instead of text")
    options = parser.parse_args(arguments)
    comparison = report(options)
    lines = diff_json(comparison).split("\n") if options.json else diff_lines(comparison, options.all)
    cli.write_lines(lines)
    return comparison.exit_code


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); 0 same, 1 differences, 2 could not compare."""
    return cli.run(_main, arguments, failure=2)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
