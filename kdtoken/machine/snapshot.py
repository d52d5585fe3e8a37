"""A machine as printed text shows it: what `!process`, `!thread` and `!token` told, with a hole for all else."""

from typing import Dict, List, Sequence

from kdtoken.machine.merged import merge_processes, place_of
from kdtoken.model.absent import NotSaid
from kdtoken.model.snapshot import BootTokens, Look, Snapshot
from kdtoken.model.token_words import counted
from kdtoken.view.debugger.text import DebuggerText

_VIEW = "the text"


def snapshot_of_texts(texts: Sequence[DebuggerText], label: str, build: str = "") -> Snapshot:
    """The processes and tokens of the texts; every output of `!token` is kept, in order, as a look of its own.

    A text is of many moments, and nothing in it says that a list is whole.
    """
    looks: Dict[int, List[Look]] = {}
    for text in texts:
        for one in text.tokens.tokens:
            if one.token.address:
                place = place_of(one)
                listed = tuple(group.sid for group in one.groups if not isinstance(group.attributes, int))
                look = Look(one.token, str(place) if place else "", one.incomplete, listed, True)
                looks.setdefault(one.token.address, []).append(look)
    rows = tuple(one.dump for one in merge_processes(texts))
    problems = [problem for row in rows for problem in row.problems]
    untold = sum(isinstance(row.token, NotSaid) for row in rows)
    if untold:
        problems.append(
            "of the tokens of %d of %s the text tells nothing" % (untold, counted(len(rows), "process", "processes"))
        )
    said = NotSaid(_VIEW)
    return Snapshot(
        label=label,
        processes=rows,
        build=build,
        boot=BootTokens(said, said, said),
        logon_sessions=said,
        captures={address: tuple(several) for address, several in looks.items()},
        at_once=False,
        printed=True,
        whole=False,
        problems=tuple(dict.fromkeys(problems)),
    )
