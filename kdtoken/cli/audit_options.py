"""What `audit` and `report` tell of their findings: only some rules, and nothing that a good machine has as well."""

from argparse import Namespace
from typing import FrozenSet, Iterable, List, NamedTuple, Optional, Tuple

from kdtoken import cli
from kdtoken.analysis.audit.finding import Finding, Rule
from kdtoken.analysis.audit.rules import BY_ID, RULES
from kdtoken.analysis.audit.rules import audit as run_rules
from kdtoken.errors import BadFormat, UsageError
from kdtoken.files import json_of, read_packed
from kdtoken.model.snapshot import Snapshot


def add_arguments(parser: cli.Parser) -> None:
    """--baseline and --rule."""
    parser.add_argument(
        "--baseline", metavar="FILE", help="audit --json of a machine that is known to be good: not told again"
    )
    parser.add_argument("--rule", metavar="ID", action="append", default=[], help="only this rule; repeatable")


class Chosen(NamedTuple):
    """What is told: the rules that are wanted (None: all that need no asking), and identities that are known."""

    wanted: Optional[List[str]]
    known: FrozenSet[str]

    def findings(self, snapshot: Snapshot, between: Iterable[Finding]) -> Tuple[Tuple[Finding, ...], int]:
        """(what is told of one machine, how many more the baseline has); `between` is across machines."""
        extra = [rule.id for rule in RULES if rule.extra and rule.id in (self.wanted or ())]
        found = tuple(one for one in between if self.wanted is None or one.rule in self.wanted)
        found += run_rules(snapshot, extra, self.wanted)
        new = tuple(one for one in found if one.identity not in self.known)
        return new, len(found) - len(new)


ALL = Chosen(None, frozenset())


def chosen(options: Namespace) -> Chosen:
    """What the options choose.  Raises UsageError, before anything is read."""
    return Chosen([rule_named(one).id for one in options.rule] or None, _baseline(options.baseline))


def rule_named(text: str) -> Rule:
    """The rule of that id.  Raises UsageError with near ones."""
    rule = BY_ID.get(text)
    if rule is None:
        import difflib

        near = difflib.get_close_matches(text, list(BY_ID), 3, 0.4)
        raise UsageError(
            "no rule is called %r" % text,
            text,
            ("near: %s; " % ", ".join(near) if near else "") + "kdtoken audit --explain lists them",
        )
    return rule


def _baseline(path: Optional[str]) -> FrozenSet[str]:
    """Identities of the findings of a known-good machine.  Raises UsageError."""
    if not path:
        return frozenset()
    how = "kdtoken audit GOOD.dmp --json > good.json makes one"
    try:
        data = json_of(read_packed(path, "baseline").decode("utf-8-sig"), path, "baseline")
        return frozenset(str(finding["identity"]) for machine in data["machines"] for finding in machine["findings"])
    except BadFormat as error:
        raise UsageError(error.message, path, how) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError("%s is no output of audit --json" % path, path, how) from error
