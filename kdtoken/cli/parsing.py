"""argparse in our words: a wrong line is one message with a next step, and nothing ends the program."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import Any, Optional

from kdtoken.cli.output import COLOUR, write_lines
from kdtoken.errors import UsageError


class Parser(argparse.ArgumentParser):
    """argparse without sys.exit: inside WinDbg that would vanish with its message."""

    _adding = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._asked = False
        self.add_argument(
            "--color",
            choices=("auto", "always", "never"),
            action=_Colour,
            help="colour: auto (default) on a terminal, as NO_COLOR and FORCE_COLOR say; needs rich",
        )

    def add_argument(self, *arguments: Any, **named: Any) -> argparse.Action:
        """argparse lays out each option to see that it can be; the terminal's width, which imports shutil, is of no use there."""
        self._adding = True
        try:
            return super().add_argument(*arguments, **named)
        finally:
            self._adding = False

    def _get_formatter(self) -> argparse.HelpFormatter:
        return argparse.HelpFormatter(prog=self.prog, width=80) if self._adding else super()._get_formatter()

    def error(self, message: str) -> None:  # type: ignore[override]
        """A wrong option: UsageError, since argparse would end the program."""
        near = self._near(message) if "unrecognized" in message else ""
        known = "%s --help" % self.prog
        verb = self.prog.rpartition(" ")[2]
        if "required" in message and verb in _EXAMPLES:
            known = "for instance kdtoken %s   (%s tells more)" % (_EXAMPLES[verb], known)
        raise UsageError(_own_words(message), None, "did you mean %s?  %s" % (near, known) if near else known)

    def _parse_optional(self, arg_string: str) -> Any:
        """`-@notepad.exe` is a process of what stdin holds, and no option."""
        return None if arg_string.startswith("-@") else super()._parse_optional(arg_string)

    def _near(self, message: str) -> str:
        """The option that a mistyped one is nearest to, "" where none is near."""
        import difflib  # costs time, which only this error should

        typed = [word.split("=")[0] for word in message.split() if word.startswith("--")]
        known = [option for action in self._actions for option in action.option_strings]
        found = difflib.get_close_matches(typed[0], known, 1, 0.7) if typed and typed[0] not in known else []
        return found[0] if found else ""

    def parse_known_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Without argparse's usage in front, which only its own errors show: to lay it out imports shutil and more."""
        words = sys.argv[1:] if args is None else args
        self._complete()
        if self.usage is not None or any(word.startswith(("-h", "--h")) for word in words):
            return super().parse_known_intermixed_args(args, namespace)
        self.usage = "%(prog)s"
        try:
            return super().parse_known_intermixed_args(args, namespace)
        finally:
            self.usage = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The ordinary way in; a shell that asks what may come next is answered here."""
        self._complete()
        return super().parse_known_args(args, namespace)

    def _complete(self) -> None:
        if "_ARGCOMPLETE" in os.environ and not self._asked:
            from kdtoken.cli.completion import complete

            self._asked = True  # argcomplete parses the line with this very parser
            complete(self)

    def exit(self, status: int = 0, message: Optional[str] = None) -> None:  # type: ignore[override]
        """argparse's end of the program, made an exception that `run` knows."""
        raise Done(message or "")

    def print_help(self, file: object = None) -> None:
        """The help, line by line: pykd cuts long writes."""
        write_lines(self.format_help().rstrip().split("\n"))


# What a verb is typed like, for whoever left away what it needs; each can be typed as it stands.
_EXAMPLES = {
    "diff": "diff tour@notepad.exe tour@cmd.exe",
    "report": "report tour -o report.html",
    "lake": "lake CASE add tour",
    "sid": "sid S-1-5-32-544",
    "mask": "mask 0x1410 process",
    "record": "record -o machine.kdtoken.gz all --session tour",
}
# argparse's message -> ours, and the verb that has an option which another one lacks.
_WORDS = (
    (r"unrecognized arguments: (-.*)", r"there is no option \1"),
    (r"unrecognized arguments: (.*)", r"nothing takes the word \1"),
    (r"argument (\S+): invalid choice: ('.*') \(choose from (.*)\)", r"\1 takes one of \3, not \2"),
    (r"argument (\S+): invalid (?:int|float) value: (.*)", r"\1 takes a number, not \2"),
    (r"argument (\S+): expected .*", r"\1 needs a word behind it"),
    (r"argument (\S+): ignored explicit argument .*", r"\1 takes no word"),
    (r"the following arguments are required: (.*)", r"\1 is missing"),
    (r"ambiguous option: (\S+) could match (.*)", r"\1 may be each of \2"),
    (r"argument (\S+): not allowed with argument (\S+)", r"\1 and \2 exclude each other"),
)
_ELSEWHERE = {"--csv": "walk", "--parquet": "walk", "--tree": "walk", "--strange": "walk", "--user": "walk"}
_ELSEWHERE.update({"--why": "dump", "--who": "explain", "--to": "explain", "--baseline": "audit", "--all": "diff"})
_ELSEWHERE.update({"--want": "explain", "--integrity": "walk", "--threads": "walk", "--rule": "audit"})
_ELSEWHERE.update({"--named": "lake", "--cluster": "lake", "--write": "tour", "--exercise": "tour"})


def _own_words(message: str) -> str:
    message = re.sub(r"(required: .*), \.\.\.$", r"\1", message)  # a verb's own words, which only follow it
    message = message.replace("-o/--output", "-o FILE" if "required" in message else "-o")
    for pattern, words in _WORDS:
        found = re.match(pattern + "$", message, re.DOTALL)
        if found:
            typed = re.match(r"unrecognized arguments: ([^ =]+)", message)
            verb = _ELSEWHERE.get(typed.group(1)) if typed else None
            own = found.expand(words).replace("'", "") + (": kdtoken %s has it" % verb if verb else "")
            # Only what is required has a list of names in front.
            return re.sub(" is missing$", " are missing", own) if ", " in found.group(1) else own
    return message


class Done(Exception):
    """--help or --version has said all there is to say."""


class _Colour(argparse.Action):
    """--color, which holds for all that the run writes."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Optional[str] = None) -> None:
        COLOUR.append(values)


class Once(argparse.Action):
    """An option that may stand once; argparse itself would keep the last and forget the others."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Optional[str] = None) -> None:
        if getattr(namespace, self.dest):
            raise UsageError("%s names one file" % option_string, None, "several dumps: kdtoken walk A.dmp B.dmp")
        setattr(namespace, self.dest, values)
