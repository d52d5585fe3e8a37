"""tour: access tokens step by step, on a small machine that kdtoken carries, and exercises.  No Windows needed.

kdtoken tour                       the list of steps and exercises
kdtoken tour 4                     one step;  kdtoken tour all   every step, one after the other
kdtoken tour --exercise 4          a task;  with --hint, a hint
kdtoken tour --exercise 4 ANSWER   checks the answer
kdtoken tour --write FOLDER        the machine as a crash dump with its symbols, for your own WinDbg

Exit code: 0, of an answer 1 where it is not right, 2 where something could not be done.
"""

import os
import sys
from typing import Dict, List, Optional, Sequence

from kdtoken import cli
from kdtoken.cli.tour.exercises import EXERCISES, answer_lines, task_lines
from kdtoken.cli.tour.practice import practice_files
from kdtoken.cli.tour.steps import STEPS, step_lines, typed
from kdtoken.errors import KdTokenError, UsageError
from kdtoken.files import why, write_whole
from kdtoken.render.words import columns, wrapped


def _contents() -> List[str]:
    lines = ["Access tokens in %d steps, on a machine that kdtoken carries:" % len(STEPS), ""]
    lines += ["  %2d. %s" % (number, step.title) for number, step in enumerate(STEPS, 1)]
    lines += ["", "Exercises:", ""]
    lines += ["  %2d. %s" % (number, one.title) for number, one in enumerate(EXERCISES, 1)]
    examples = (
        ("tour 1", "begins"),
        ("tour all", "shows every step"),
        ("tour --exercise 1", "is the first task"),
        ("tour --write FOLDER", "lays the machine down as a crash dump, for your own WinDbg"),
    )
    room = max(len(typed(command)) for command, _ in examples)
    rows = ("%s  %s" % (typed(command).ljust(room), words) for command, words in examples)
    return lines + [""] + [line for row in rows for line in wrapped(row, columns(), " " * (room + 2))]


def _number(word: str, most: int, what: str) -> int:
    if word.isdecimal() and len(word) < 5 and 1 <= int(word) <= most:
        return int(word)
    step = "a number from 1 to %d%s" % (most, ", or all" if what == "step" else "")
    raise UsageError("there is no %s %s" % (what, word), word, step)


def _steps(words: Sequence[str]) -> None:
    if len(words) > 1:
        raise UsageError("one step at a time: %s" % " ".join(words), words[1], typed("tour all") + " shows every step")
    if not words:
        cli.write_lines(_contents())
    elif words[0] == "all":
        for number in range(1, len(STEPS) + 1):
            cli.write_lines(step_lines(number))
        for number in range(1, len(EXERCISES) + 1):
            cli.write_lines(task_lines(number))
    else:
        number = _number(words[0], len(STEPS), "step")
        following = "tour %d" % (number + 1) if number < len(STEPS) else "tour --exercise 1"
        cli.write_lines([*step_lines(number), "Go on: %s" % typed(following)])


def _write(folder: str) -> None:
    """Lay the practice machine down: all files or none, and none that is there is written over."""
    folder = os.path.abspath(folder)
    files = practice_files(folder)
    paths = {os.path.join(folder, name): data for name, data in files.items()}
    already = {path for path, data in paths.items() if _is_there(path, data)}
    made_folder = not os.path.isdir(folder)
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError) as error:
        step = "a folder that can be made, where you may write"
        raise KdTokenError("cannot make the folder %s: %s" % (folder, why(error)), folder, step) from error
    _write_all({path: data for path, data in paths.items() if path not in already}, folder, made_folder)
    lines = ["%d files are in %s" % (len(paths), folder), ""]
    lines += ["  %9d  %s" % (len(files[name]), name) for name in sorted(files)]
    dump = os.path.join(folder, "practice.dmp")
    lines += ["", "In your own WinDbg:", "", '   windbg -z "%s" -y "%s" -i "%s"' % (dump, folder, folder)]
    lines += ["", "Here:", "", "   " + typed('dump "%s" --symbols "%s" notepad.exe' % (dump, folder))]
    cli.write_lines(lines + ["", "README.txt in the folder tells what to type."])


def _write_all(paths: Dict[str, bytes], folder: str, made_folder: bool) -> None:
    written: List[str] = []
    try:
        for path, data in paths.items():
            write_whole(path, [data], "file")
            written.append(path)
    except BaseException:  # Ctrl+C too: no half of a machine stays
        for path in written:
            os.remove(path)
        if made_folder:
            os.rmdir(folder)
        raise


def _is_there(path: str, data: bytes) -> bool:
    """Whether this very file is there already.  Raises KdTokenError where another one is."""
    if not os.path.lexists(path):
        return False
    try:
        if os.path.isfile(path) and os.path.getsize(path) == len(data):
            with open(path, "rb") as file:
                if file.read() == data:
                    return True
    except OSError as error:
        raise KdTokenError("cannot read %s: %s" % (path, why(error)), path, "give an empty folder") from error
    raise KdTokenError("%s is there already, and another file" % path, path, "give an empty folder, or a new one")


def _main(arguments: List[str]) -> int:
    parser = cli.Parser(prog="kdtoken tour", description="Access tokens in %d steps, no Windows needed." % len(STEPS))
    parser.add_argument(
        "words", metavar="STEP", nargs="*", help="number of a step, or all; behind --exercise: the answer"
    )
    parser.add_argument("--exercise", metavar="N", help="a task, or whether an answer to it is right")
    parser.add_argument("--hint", action="store_true", help="with --exercise: a hint")
    parser.add_argument("--write", metavar="FOLDER", help="lay the machine down as a crash dump, for your own WinDbg")
    options = parser.parse_intermixed_args(arguments)
    if options.write is not None:
        if options.words or options.exercise:
            raise UsageError("--write stands alone", "--write", typed("tour --write FOLDER"))
        _write(options.write)
        return 0
    if options.exercise is None:
        if options.hint:
            raise UsageError("--hint belongs to --exercise N", "--hint", typed("tour --exercise 1 --hint"))
        _steps(options.words)
        return 0
    number = _number(options.exercise, len(EXERCISES), "exercise")
    if options.hint or not options.words:
        cli.write_lines(task_lines(number, options.hint))
        return 0
    right, lines = answer_lines(number, " ".join(options.words))
    cli.write_lines(lines)
    return 0 if right else 1


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the verb with `arguments` (default: sys.argv); returns the exit code."""
    return cli.run(_main, arguments)


if __name__ == "__main__":
    cli.exit_with(main(sys.argv[1:]))
