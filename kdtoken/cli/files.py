"""Of a command line that names many sources: which files are meant."""

import os
from typing import Iterable, List

from kdtoken import cli
from kdtoken.errors import UsageError
from kdtoken.machine.sniff import STDIN, inside, is_source, looks_like_file, matching


def files_of(names: Iterable[str], verb: str) -> List[str]:
    """The sources that were named; a pattern that the shell left alone (on Windows it does) is looked up, and of a
    folder all that can be read is taken.  Raises UsageError where there is nothing.
    """
    files: List[str] = []
    for name in names:
        if os.path.isdir(name):
            files += _in_folder(name)
            continue
        found = matching(name)
        if not found and any(mark in name for mark in "*?") and not os.path.exists(name):
            raise UsageError("no file is called as %s asks" % name, name, "name the files, or their folder")
        if not found and not looks_like_file(name) and name != STDIN:
            source = "".join(one + " " for one in files[-1:])
            raise UsageError(
                "%s takes files, and there is none called %s" % (verb, name),
                name,
                "kdtoken dump %s%s shows one process" % (source, name),
            )
        files += found or [name]
    return files


def _in_folder(folder: str) -> List[str]:
    """The sources of a folder; what is passed over is said, so that nobody takes it for read."""
    names = inside(folder)
    files = [name for name in names if os.path.isfile(name)]
    found = [name for name in files if is_source(name)]
    if not found:
        raise UsageError("nothing in %s is a dump, a recording, a log or a text" % folder, folder, "name the files")
    if len(found) < len(names):
        passed = [os.path.basename(name) + (os.sep if name not in files else "") for name in names if name not in found]
        more = ", ..." if len(passed) > 5 else ""
        cli.complain("%s: passed over, being no source: %s%s" % (folder, ", ".join(passed[:5]), more))
    return found
