"""What `whoami /all` prints of a declared token, in English: columns as wide as what stands in them."""

from typing import List, Sequence, Tuple

from kdtoken.model.privilege import NAMES
from tests.machine.spec import TokenSpec

_ATTRIBUTES = (
    (0x01, "Mandatory group"),
    (0x02, "Enabled by default"),
    (0x04, "Enabled group"),
    (0x08, "Group owner"),
    (0x10, "Group used for deny only"),
)
# Names and kinds as English Windows gives them (learn.microsoft.com, "Well-known SIDs").
_WELL_KNOWN = {
    "S-1-1-0": "Everyone",
    "S-1-2-0": "LOCAL",
    "S-1-2-1": "CONSOLE LOGON",
    "S-1-5-4": "NT AUTHORITY\\INTERACTIVE",
    "S-1-5-11": "NT AUTHORITY\\Authenticated Users",
    "S-1-5-15": "NT AUTHORITY\\This Organization",
    "S-1-5-113": "NT AUTHORITY\\Local account",
    "S-1-5-114": "NT AUTHORITY\\Local account and member of Administrators group",
    "S-1-5-64-10": "NT AUTHORITY\\NTLM Authentication",
}
_ALIASES = {"S-1-5-32-544": "BUILTIN\\Administrators", "S-1-5-32-545": "BUILTIN\\Users"}
_LABELS = {
    "S-1-16-4096": "Mandatory Label\\Low Mandatory Level",
    "S-1-16-8192": "Mandatory Label\\Medium Mandatory Level",
    "S-1-16-12288": "Mandatory Label\\High Mandatory Level",
}
# learn.microsoft.com, "Privilege Constants": the user rights' names.
_DESCRIPTIONS = {
    19: "Shut down the system",
    23: "Bypass traverse checking",
    25: "Remove computer from docking station",
    33: "Increase a process working set",
    34: "Change the time zone",
}


def whoami_all(token: TokenSpec, account: str) -> str:
    """The text.  whoami shows neither the logon SID, nor a workgroup's primary group, nor what is not held."""
    shown = [one for one in token.groups if not one.attributes & 0xC0000000 and one.sid != token.primary_group]
    rows = [
        (
            _WELL_KNOWN.get(one.sid) or _ALIASES[one.sid],
            "Alias" if one.sid in _ALIASES else "Well-known group",
            one.sid,
            ", ".join(words for bit, words in _ATTRIBUTES if one.attributes & bit),
        )
        for one in shown
    ]
    rows.append((_LABELS[token.integrity], "Label", token.integrity, ""))
    held = [
        (NAMES[number], _DESCRIPTIONS[number], "Enabled" if number in token.privileges.enabled else "Disabled")
        for number in sorted(token.privileges.present)
    ]
    lines = ["C:\\>whoami /all"]
    lines += _section("USER INFORMATION", ("User Name", "SID"), [(account, token.user)])
    lines += _section("GROUP INFORMATION", ("Group Name", "Type", "SID", "Attributes"), rows)
    lines += _section("PRIVILEGES INFORMATION", ("Privilege Name", "Description", "State"), held)
    return "\n".join([*lines, "", "C:\\>"]) + "\n"


def _section(title: str, heads: Sequence[str], rows: Sequence[Tuple[str, ...]]) -> List[str]:
    """A table under its title."""
    widths = [max(len(row[column]) for row in [tuple(heads), *rows]) for column in range(len(heads))]
    table = [tuple(heads), tuple("=" * width for width in widths), *rows]
    shown = [" ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
    return ["", title, "-" * len(title), "", *shown, ""]
