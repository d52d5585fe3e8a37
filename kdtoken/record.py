"""record: run a verb and keep every read, layout, symbol and command output in one file.

    !py -m kdtoken.record -o notepad.kdtoken.gz dump notepad.exe
    kdtoken dump --session notepad.kdtoken.gz notepad.exe          later, anywhere
"""

import sys
from importlib import import_module
from typing import List, Optional, Sequence

from kdtoken import cli
from kdtoken.errors import UsageError
from kdtoken.target.session import RecordingTarget

# Verbs whose reads can be recorded; each has add_arguments and report.
RECORDABLE = ("dump", "walk")


def _main(arguments: List[str]) -> int:
    outer = cli.parser("record", "Run a verb and keep all that it read, for replay with --session.")
    outer.add_argument("-o", "--output", metavar="FILE", required=True, help="the recording; .gz packs it")
    outer.add_argument("--synthetic", action="store_true", help="mark the recording as not from a real machine")
    outer.add_argument("verb", choices=RECORDABLE)
    split = next((at for at, word in enumerate(arguments) if word in RECORDABLE), len(arguments))
    options = outer.parse_args(arguments[: split + 1])
    verb = import_module("kdtoken." + options.verb)
    inner = cli.parser("record ... " + options.verb, "Options of the verb that is recorded.")
    verb.add_arguments(inner)
    inner_options = inner.parse_args(arguments[split + 1 :])
    if inner_options.session and options.session and inner_options.session != options.session:
        raise UsageError("--session is given twice, with different files")
    inner_options.session = inner_options.session or options.session
    recordings: List[RecordingTarget] = []
    target = cli.open_target(inner_options, recordings)
    cli.write_lines(verb.report(target, inner_options))
    recording = recordings[0]
    if options.synthetic:
        recording.mark_synthetic()
    recording.save(options.output)
    cli.write_lines(["", "recorded in %s: %d requests, %d bytes" % (options.output, target.requests, target.bytes_read)])
    return 0


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
