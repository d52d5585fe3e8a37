"""The values in the engine's own `dt TYPE ADDRESS` text, as numbers by member path.

An authority of the bench: nothing of kdtoken reads a value here.
"""

import re
from typing import Dict, List, Optional, Tuple

_LINE = re.compile(r"^(\s*)\+0x[0-9a-f]+ (\S+)\s*: ?(.*?)\s*$")
_NUMBER = re.compile(r"^(0x[0-9a-f`]+|0n-?\d+|0y[01]+|\d+)(?:\s|$)")


def values(text: str) -> Dict[str, int]:
    """path such as "Privileges.Present" -> number, for every member that dt shows as one.

    Members of what a pointer points to stand under the pointer's path with "->".
    """
    found: Dict[str, int] = {}
    above: List[Tuple[int, str]] = []
    for line in text.split("\n"):
        match = _LINE.match(line)
        if not match:
            continue
        depth, name, shown = len(match[1]), match[2], match[3]
        while above and above[-1][0] >= depth:
            above.pop()
        path = above[-1][1] + name if above else name
        number = _value(shown)
        if number is not None:
            found[path] = number
        pointer = bool(re.match(r"^0x[0-9a-f`]+ ", shown)) and not shown.endswith("''")
        above.append((depth, path + ("->" if pointer else ".")))
    return found


def _value(shown: str) -> Optional[int]:
    if shown.startswith("(null)"):
        return 0
    match = _NUMBER.match(shown)
    if match is None:
        return None
    digits = match[1].replace("`", "")
    if digits.startswith("0n"):
        return int(digits[2:])
    if digits.startswith("0y"):
        return int(digits[2:], 2)
    return int(digits, 0)
