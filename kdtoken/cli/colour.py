"""Colour on a terminal: what a part of a line is -> how rich shows it.  Nothing in pipes, in WinDbg, without rich.

Who wins: --color, then NO_COLOR (no-color.org), then FORCE_COLOR (force-color.org), then whether a terminal is there.
"""

from __future__ import annotations

import os
import sys
from typing import Callable, Dict, Optional

from kdtoken.errors import UsageError
from kdtoken.render.marked import Marked, segments

WHEN = ("auto", "always", "never")
# Colours of the 256 that can be read on black and on white alike: a test works out both contrasts.
LOOK: Dict[str, str] = {
    "impossible": "bold color(196)",  # red
    "unusual": "bold color(166)",  # orange
    "untrusted": "italic color(30)",  # teal
    "low": "color(30)",
    "high": "color(166)",
    "system": "color(133)",  # violet
    "deny": "color(102)",  # grey: it grants nothing
    "sensitive": "color(166)",
    "yes": "bold color(28)",  # green
    "no": "bold color(196)",
    "depends": "bold color(166)",
    "gap": "italic",
}
Painter = Callable[[str, Callable[[str], str]], str]


def is_wanted(when: str) -> bool:
    """Whether colour is asked for; `when` is one of WHEN, what --color says."""
    if when != "auto":
        return when == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and sys.stdout.isatty()


def painter(when: str) -> Optional[Painter]:
    """What turns a marked line into one with the terminal's colours; None where lines stay as they are.

    Its second argument makes a piece of text fit for the terminal's encoding.
    Raises UsageError where --color always was typed and rich is not installed.
    """
    if not is_wanted(when):
        return None
    from importlib.util import find_spec

    if find_spec("rich") is None:
        if when == "always":
            raise UsageError(
                "--color needs the package rich, which is not here", "rich", 'pip install "kdtoken[color]"'
            )
        return None
    from rich.console import COLOR_SYSTEMS, Console  # costs time, which only a terminal pays
    from rich.style import Style

    console = Console(file=sys.stdout, force_terminal=True, no_color=False, highlight=False)
    if console.legacy_windows:
        return None  # a console that would print the escapes
    system = COLOR_SYSTEMS[console.color_system or "standard"]  # none: rich sees no terminal, but colour was asked for
    looks = {name: Style.parse(look) for name, look in LOOK.items()}

    def paint(line: str, fit: Callable[[str], str]) -> str:
        if not isinstance(line, Marked):
            return fit(line)
        made = ""
        for text, style, _ in segments(line):
            look = looks.get(style)
            made += fit(text) if look is None else look.render(fit(text), color_system=system)
        return made

    return paint
