"""dump: one process's token, every field of it, and what the process's threads run under.

!py -m kdtoken.dump notepad.exe       in WinDbg, on the session that is open
kdtoken dump MEMORY.DMP notepad.exe   anywhere, on a crash dump, a recording or a saved log: its content tells which
kdtoken dump whoami.txt               the token that a text tells of
"""

from __future__ import annotations

import sys
from typing import List, Optional, Sequence

from kdtoken import cli
from kdtoken.cli.dump_report import add_arguments, explained, report, split
from kdtoken.cli.output import nothing_collected


def _main(arguments: List[str]) -> int:
    parser = cli.parser("dump", "Show a process's token and what its threads run under.")
    add_arguments(parser)
    options = parser.parse_intermixed_args(arguments)
    if options.explain:
        lines = explained(options)  # a word that says nothing is told before a source is opened
        if options.explain == "all" or not (options.words or options.token):
            cli.write_lines(lines)
            return 0
    with nothing_collected():
        lines = report(cli.open_machine(options, split(options)[0]), options)
    cli.write_lines(lines)
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
