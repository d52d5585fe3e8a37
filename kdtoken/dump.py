"""dump: one process's token, every field of it, and what the process's threads run under.

!py -m kdtoken.dump notepad.exe           in WinDbg, on the session that is open
kdtoken dump --session FILE notepad.exe   anywhere, on a recording
kdtoken dump --log FILE notepad.exe       on a saved log: its memory, else what !process and !token printed
"""

import sys
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple

from kdtoken import cli
from kdtoken.decode.object_header import TOKEN_TYPE, is_object_of, type_name
from kdtoken.decode.process import find_process
from kdtoken.decode.process_argument import choose, parse_process_argument
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.errors import KdTokenError, LookupFailed, MemoryUnreadable, NotAToken, ProcessNotFound, UsageError
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import ProcessDump
from kdtoken.model.sid_names import learn_accounts
from kdtoken.model.token import Token
from kdtoken.render.text import render_dump, render_token
from kdtoken.source.cached import CachedSource

if TYPE_CHECKING:
    from kdtoken.view.partial import TextPlace  # the views are for logs only

FORMATS = ("text", "json", "windbg")


def add_arguments(parser: cli.Parser) -> None:
    """What `dump` understands; `record dump ...` understands the same."""
    parser.add_argument(
        "process",
        nargs="?",
        help="image name (any case, with or without .exe), pid (1234, 0n1234 or 0x4d2) or EPROCESS address",
    )
    parser.add_argument("--token", metavar="ADDRESS", help="dump the token object at this address instead")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="text (default), json for programs, windbg for the form of !token",
    )
    parser.add_argument("--json", action="store_const", dest="format", const="json", help="short for --format json")
    parser.add_argument("--why", action="store_true", help="show where each value was read: field, address, bytes")
    parser.add_argument("--no-check", action="store_true", help="do not ask the debugger's own !process as well")


def report(target: CachedSource, options: Namespace) -> List[str]:
    """The lines that `dump` prints."""
    if options.why and options.format == "windbg":
        raise UsageError("--why has no place in the form of !token", "--why", "use it with text or --json")
    if options.token:
        if options.process:
            raise UsageError("give a process or --token ADDRESS, not both")
        return _token_report(target, _token_at(Tokens(target), options.token), options)
    if not options.process:
        raise UsageError("no process was named", None, "kdtoken dump notepad.exe   (or a pid, or an EPROCESS address)")
    process, others, problems = find_process(target, options.process)
    dump = dump_process(Tokens(target), process, tuple(others) or None, not options.no_check)
    return _dump_report(target, replace(dump, problems=tuple(problems) + dump.problems), options)


def _dump_report(target: CachedSource, dump: ProcessDump, options: Namespace) -> List[str]:
    if options.format == "json":
        from kdtoken.render.json import dump_to_json

        return dump_to_json(dump, cli.about(target), options.why).split("\n")
    if options.format == "windbg":
        from kdtoken.render.windbg import dump_lines

        return dump_lines(dump)
    lines = render_dump(dump, cli.source(target), options.why)
    return lines + page_in_advice(target, dump) + _cost(target, options.why)


def page_in_advice(target: CachedSource, dump: ProcessDump) -> List[str]:
    """What brings paged-out memory in, on a machine that can still run; never done unasked.

    `.pagein` (learn.microsoft.com) lets the machine run until the page is there.
    """
    if not target.about.live:
        return []
    token = dump.token
    values = [token] if isinstance(token, Unreadable) else [] if token is None else list(vars(token).values())
    missing = next((value.address for value in values if isinstance(value, Unreadable)), None)
    if missing is None:
        return []
    return [
        "",
        "Part of the token is not in memory. This brings it in, and lets the machine run for it:",
        "  .pagein /p %x %x   then   g   and, after the break, this dump again" % (dump.process.address, missing),
    ]


def _told_report(target: CachedSource, options: Namespace, error: KdTokenError) -> List[str]:
    """The same of a log that shows no memory, out of what !process and !token printed in it.

    Raises `error`, which says what memory is missing, where nothing of that kind was printed either.
    """
    from kdtoken.source.log.source import log_texts
    from kdtoken.view.merged import account_names, merge_processes, merge_tokens, place_of, read_logs

    texts = read_logs(log_texts(options.log))
    learn_accounts(account_names(texts))
    if options.token:
        text = merge_tokens(texts).get(_address(options.token))
        if text is None:
            raise error
        _say_that_it_is_text(target, [("!token", place_of(text))], len(texts) > 1)
        return _token_report(target, text.token, options)
    told = merge_processes(texts)
    if not told:
        raise error
    kind, value = parse_process_argument(options.process, 4 if told[0].dump.process.address < 1 << 32 else 8)
    try:
        process = choose([one.dump.process for one in told], options.process, kind, value)
    except ProcessNotFound:
        if isinstance(error, ProcessNotFound):
            raise error from None  # the list in memory has more of them, and better advice
        raise
    found = next(one for one in told if one.dump.process == process)
    where = [("!process", found.process_at), ("!token", found.token_at)]
    _say_that_it_is_text(target, where, len(texts) > 1)
    return _dump_report(target, found.dump, options)


def _say_that_it_is_text(target: CachedSource, where: Sequence[Tuple[str, Optional["TextPlace"]]], files: bool) -> None:
    said = ["%s (%s)" % (what, at if files else "line %d" % at.line) for what, at in where if at is not None]
    source = "%s, the text of %s, no memory" % (target.about.source, " and ".join(said))
    target.about = replace(target.about, source=source)


def _token_report(target: CachedSource, token: Token, options: Namespace) -> List[str]:
    if options.format == "json":
        from kdtoken.render.json import token_to_json

        return token_to_json(token, cli.about(target), options.why).split("\n")
    if options.format == "windbg":
        from kdtoken.render.windbg import token_lines

        return token_lines(token)
    return render_token(token, cli.source(target), options.why) + _cost(target, options.why)


def _address(text: str) -> int:
    try:
        return int(text.replace("`", ""), 16)
    except ValueError:
        raise UsageError("%r is no address" % text, text, "hexadecimal, as !process prints it") from None


def _token_at(tokens: Tokens, text: str) -> Token:
    address = _address(text)
    verdict = is_object_of(tokens.target, address, TOKEN_TYPE)
    token = tokens.at(address) if verdict is not False else None
    if isinstance(token, Token):
        return token
    if token is None:
        kind = type_name(tokens.target, address)
        what = "a %s object" % kind if kind else "something else"
        raise NotAToken(
            "0x%x is not a token: its object header says %s" % (address, what),
            address,
            "kdtoken dump PROCESS finds the token by itself; mind the low bits of a fast reference",
        )
    raise NotAToken("there is no readable token at 0x%x: %s" % (address, token), address)


def _cost(target: CachedSource, why: bool) -> List[str]:
    if not why:
        return []
    return ["", "Read in %d requests, %d bytes." % (target.requests, target.bytes_read)]


def _main(arguments: List[str]) -> int:
    parser = cli.parser("dump", "Show a process's token and what its threads run under.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    target = cli.open_source(options)
    try:
        lines = report(target, options)
    except (LookupFailed, MemoryUnreadable, NotAToken, ProcessNotFound) as error:
        if not options.log:
            raise
        lines = _told_report(target, options, error)
    cli.write_lines(lines)
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
