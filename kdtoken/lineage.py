"""lineage: where a process's token came from: its parents, its token's steps, the story of its logon session.

    kdtoken lineage MEMORY.DMP notepad.exe
    kdtoken lineage --session machine.kdtoken.gz 6104 --json
    !py -m kdtoken.lineage notepad.exe

`kdtoken walk --tree` shows the whole tree.  What cannot be told (the type of a logon, say) is said to be so.
"""

import sys
from typing import List, Optional, Sequence

from kdtoken import cli
from kdtoken.cli.lineage_report import add_arguments, report
from kdtoken.errors import UsageError
from kdtoken.machine.sniff import looks_like_file


def _main(arguments: List[str]) -> int:
    parser = cli.parser("lineage", "Tell where a process's token came from.")
    add_arguments(parser)
    options = parser.parse_intermixed_args(arguments)
    if len(options.words) > 2:
        raise UsageError(
            "one source and one process: %s" % " ".join(options.words), None, "kdtoken lineage FILE notepad.exe"
        )
    word = options.words[0]
    source = options.session or options.dump or options.log or options.attach
    if len(options.words) == 1 and not source and looks_like_file(word):
        cli.open_machine(options, [word]).processes()  # a text of a token has none, and says so
        step = "kdtoken lineage %s notepad.exe   (a name, a pid or an EPROCESS address)" % word
        raise UsageError("no process was named", None, step)
    machine = cli.open_machine(options, options.words[:-1])
    cli.write_lines(report(machine, options))
    cli.tell_unread(machine.unread(), options)
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
