"""The walk through a DACL, ACE by ACE.

One algorithm serves a definite wish and MAXIMUM_ALLOWED: for each bit the first ACE to speak decides.  For a definite
wish that is the same as stopping at the first deny ACE that hits a bit still missing.  With an object type list there is
such a state for each node ([MS-ADTS] 5.1.3.3.3): what is granted at a node goes to all below it, and up only when all
siblings have it; what is denied at a node is denied to all above it.
"""

from typing import Dict, List, NamedTuple, Optional, Tuple, Union
from uuid import UUID

from kdtoken.analysis.access_check.caller import STATE_WORDS
from kdtoken.analysis.access_check.conditions import condition_of
from kdtoken.analysis.access_check.questions import OF_THE_OBJECT, Question
from kdtoken.analysis.access_check.reason import Reason, ReasonType
from kdtoken.analysis.access_check.request import GENERIC_BITS, GRANTABLE
from kdtoken.analysis.access_check.run import Run
from kdtoken.analysis.access_check.sids import (
    OWNER_RIGHTS,
    SELF,
    RestrictingSids,
    TokenSids,
    hidden_owner,
    meant,
    owns,
    package_matches,
)
from kdtoken.errors import BadFormat
from kdtoken.model.acl import ALLOW_TYPES, CALLBACK_TYPES, DENY_TYPES, INHERIT_ONLY, OBJECT_TYPES, Ace, Acl
from kdtoken.model.condition import Truth
from kdtoken.model.sid import Sid

Sids = Union[TokenSids, RestrictingSids]
COMPOUND = 0x04


class Walked(NamedTuple):
    """What a walk came to: bits granted and denied (first ACE wins), the same if any deny ACE won, reasons, a line an ACE."""

    granted: int
    denied: int
    any_deny: int
    reasons: Tuple[Tuple[int, Reason], ...]
    lines: Tuple[str, ...]


class _Tree:
    """The nodes of the object type list, or a single one; `granted` and `denied` by node."""

    def __init__(self, types: Tuple[Tuple[int, UUID], ...]) -> None:
        self.types = types
        count = len(types) or 1
        self.granted = [0] * count
        self.denied = [0] * count
        self.parent: List[int] = [-1] * count
        stack: List[int] = []
        for index, (level, _) in enumerate(types):
            while stack and types[stack[-1]][0] >= level:
                stack.pop()
            self.parent[index] = stack[-1] if stack else -1
            stack.append(index)

    def find(self, guid: UUID) -> Optional[int]:
        """The node of a GUID, None for none."""
        for index, (_, one) in enumerate(self.types):
            if one == guid:
                return index
        return None

    def below(self, node: int) -> List[int]:
        """The node and all its descendants."""
        found = {node}
        for index in range(node + 1, len(self.parent)):
            if self.parent[index] in found:
                found.add(index)
        return sorted(found)

    def grant(self, node: int, mask: int) -> None:
        """Grant bits at a node: to all below it, and to those above it whose children all have them."""
        for one in self.below(node) if len(self.parent) > 1 else (0,):
            self.granted[one] |= mask & ~self.denied[one]
        above = self.parent[node]
        while above >= 0:
            every = mask
            for child, parent in enumerate(self.parent):
                if parent == above:
                    every &= self.granted[child]
            self.granted[above] |= every & ~self.denied[above]
            above = self.parent[above]

    def deny(self, node: int, mask: int) -> None:
        """Deny bits at a node: to all below it, and to those above it, as far as they have not been granted."""
        new = mask & ~self.granted[node]  # what the node has already is not taken, so nothing goes up from it either
        for one in self.below(node) if len(self.parent) > 1 else (0,):
            self.denied[one] |= mask & ~self.granted[one]
        above = self.parent[node]
        while above >= 0:
            self.denied[above] |= new & ~self.granted[above]
            above = self.parent[above]


class Walk:
    """One walk: who the SIDs are matched with, and which bits are asked about."""

    def __init__(self, run: Run, sids: Sids, interest: int) -> None:
        self.run, self.sids, self.interest = run, sids, interest
        self.tree = _Tree(run.request.type_list)
        self.any_allow = self.any_deny = 0
        self.reasons: List[Tuple[int, Reason]] = []
        self.lines: List[str] = []

    def through(self, dacl: Acl) -> Walked:
        """Walk; for a definite wish no further than it takes."""
        run, interest, tree = self.run, self.interest, self.tree
        for index, ace in enumerate(dacl.aces):
            if not run.maximum:
                if not interest & ~tree.granted[0]:
                    self._line("ACE %d and what follows are not looked at: all is granted", index)
                    break
                if tree.denied[0] & interest:
                    self._line("ACE %d and what follows are not looked at: a bit is denied", index)
                    break
            self._ace(index, ace)
        if dacl.problem and interest & ~(tree.granted[0] | tree.denied[0]):
            self._unread(dacl, interest & ~(tree.granted[0] | tree.denied[0]))
        return Walked(tree.granted[0], tree.denied[0], self.any_deny, tuple(self.reasons), tuple(self.lines))

    def _unread(self, dacl: Acl, rest: int) -> None:
        text = "the ACEs that could not be read (%s) grant 0x%x" % (dacl.problem, rest)
        if self.run.answers.ask(Question("dacl-rest", text, OF_THE_OBJECT), False):
            self.tree.grant(0, rest)
            self.reasons.append((rest, Reason(ReasonType.ALLOWED_ACE, len(dacl.aces), "not readable, taken as said")))

    def _ace(self, index: int, ace: Ace) -> None:
        run = self.run
        if ace.flags & INHERIT_ONLY:
            self._line("ACE %d is for what inherits it only", index)
            return
        if ace.type == COMPOUND:
            self._compound(index, ace)
            return
        allow = ace.type in ALLOW_TYPES
        if not allow and ace.type not in DENY_TYPES:
            self._line("ACE %d (%s) neither allows nor denies", index, ace.type_name)
            return
        mask = ace.mask or 0
        if (ace.sid is not None or not ace.problem) and not self._matches(index, ace, allow):
            return
        if ace.problem:  # a part of it is not told or cannot be read: it is asked about, never passed over
            text = "ACE %d (%s, %s) is the caller's and applies" % (index, ace.type_name, ace.problem)
            if not run.answers.ask(Question("ace:%d" % index, text, OF_THE_OBJECT), False):
                self._line("ACE %d (%s) is taken as not the caller's: %s", index, ace.type_name, ace.problem)
                return
            mask = self.interest if ace.mask is None else mask
        elif ace.type in CALLBACK_TYPES:
            truth, text = condition_of(run, ace, "dacl:%d" % index, not allow)
            if truth is Truth.FALSE or (allow and truth is Truth.UNKNOWN):
                self._line("ACE %d: its condition %s is %s", index, text, truth.value)
                return
        if mask & GENERIC_BITS:
            run.notes.append("ACE %d has generic rights (0x%x), which count for nothing in a check" % (index, mask))
            if run.answers.other("generic-ace"):
                mask = run.mapping.map(mask)
        node = 0
        if ace.type in OBJECT_TYPES and ace.object_type is not None:
            found = self._node(index, ace.object_type, allow)
            if found is None:
                return
            node = found
        self._apply(index, allow, node, mask & GRANTABLE)

    def _node(self, index: int, guid: UUID, allow: bool) -> Optional[int]:
        answers = self.run.answers
        if not self.run.request.type_list:
            plain = answers.other("object-ace-no-list") or (
                not allow and not answers.other("object-ace-no-list-ignored")
            )
            if not plain:
                self._line("ACE %d is for %s, and no object type list is given", index, guid)
            return 0 if plain else None
        node = self.tree.find(guid)
        if node is None:
            self._line("ACE %d is for %s, which the object type list lacks", index, guid)
        return node

    def _matches(self, index: int, ace: Ace, allow: bool) -> bool:
        sid = None if ace.sid is None else meant(self.run, ace.sid)
        if sid is not None and (self.sids.allows(sid) if allow else self.sids.denies(sid)):
            return True
        if ace.sid == OWNER_RIGHTS and hidden_owner(self.run) and owns(self.run):
            return True
        if self.run.detail:
            why = self._why_not(ace.sid, sid)
            self._line("ACE %d (%s 0x%x %s): %s", index, _verb(allow), ace.mask or 0, ace.sid, why)
        return False

    def _why_not(self, said: Optional[Sid], sid: Optional[Sid]) -> str:
        """Why an ACE is not the caller's.  Of a list that is not whole, nothing is said to be absent from it."""
        if sid is None:
            if said == SELF:
                return "no principal is given that it would stand for"
            return "taken as not the caller's: the source does not show the owner"
        state = self.sids.state(sid)
        if state is not None:
            return "that SID is %s in the token" % STATE_WORDS[state]
        if self.sids.word != "the token":
            return "not among %s" % self.sids.word
        if self.run.caller.may_have(sid):
            return "taken as not the caller's: not all of the token's SIDs are known"
        return "not among the token's SIDs"

    def _compound(self, index: int, ace: Ace) -> None:
        """A server's and a client's SID, both of which have to be the caller's (Windows Security Internals)."""
        data = ace.application_data
        try:
            server = Sid.parse(data, 8)
            client = Sid.parse(data, 8 + server.size)
        except BadFormat:
            self._line("ACE %d (compound) cannot be read", index)
            return
        if self.sids.allows(server) and self.sids.allows(client):
            self._apply(index, True, 0, int.from_bytes(data[:4], "little") & GRANTABLE)

    def _apply(self, index: int, allow: bool, node: int, mask: int) -> None:
        tree = self.tree
        before = tree.granted[0] | tree.denied[0]
        (tree.grant if allow else tree.deny)(node, mask)
        new = (tree.granted[0] | tree.denied[0]) & ~before & self.interest
        if allow:
            self.any_allow |= mask
        else:
            self.any_deny |= mask
        if new:
            self.reasons.append((new, Reason(ReasonType.ALLOWED_ACE if allow else ReasonType.DENIED_ACE, index)))
        if self.run.detail:
            ace = self._dacl_ace(index)
            what = "grants" if allow else "denies"
            effect = "%s 0x%x" % (what, new) if new else "%s nothing that is still open" % what
            self._line("ACE %d (%s 0x%x %s): %s", index, _verb(allow), mask, ace, effect)

    def _dacl_ace(self, index: int) -> str:
        dacl = getattr(self.run.request.object.descriptor, "dacl", None)
        return str(dacl.aces[index].sid) if dacl is not None else ""

    def _line(self, text: str, *values: object) -> None:
        if self.run.detail:
            self.lines.append(text % values)


def _verb(allow: bool) -> str:
    return "allow" if allow else "deny"


def package_granted(run: Run, dacl: Acl, interest: int) -> Tuple[int, Dict[int, int]]:
    """The package side of an AppContainer: (bits, index of the ACE -> bits)."""
    tree = _Tree(run.request.type_list)
    by: Dict[int, int] = {}
    for index, ace in enumerate(dacl.aces):
        if ace.flags & INHERIT_ONLY or ace.sid is None or not interest & ~tree.granted[0]:
            continue
        allow = ace.type in ALLOW_TYPES
        if not allow and ace.type not in DENY_TYPES:
            continue
        mask = ace.mask or 0
        if mask & GENERIC_BITS and run.answers.other("generic-ace"):
            mask = run.mapping.map(mask)
        mask &= interest & ~(tree.granted[0] | tree.denied[0])
        if not mask or not package_matches(run, ace.sid):
            continue
        if ace.problem:
            text = "ACE %d (%s, %s) applies" % (index, ace.type_name, ace.problem)
            if not run.answers.ask(Question("ace:%d" % index, text, OF_THE_OBJECT), False):
                continue
        elif ace.type in CALLBACK_TYPES:
            truth, _ = condition_of(run, ace, "dacl:%d" % index, not allow)
            if truth is Truth.FALSE or (allow and truth is Truth.UNKNOWN):
                continue
        node = _package_node(run, tree, ace)
        before = tree.granted[0]
        if node is not None and allow:
            tree.grant(node, mask)
            by[index] = tree.granted[0] & ~before
        elif node is not None and run.answers.other("package-deny"):
            tree.deny(node, mask)
    return tree.granted[0], {index: mask for index, mask in by.items() if mask}


def _package_node(run: Run, tree: _Tree, ace: Ace) -> Optional[int]:
    """Where an ACE counts for the package; None for an object ACE, but by those who take it as a user's."""
    if ace.type not in OBJECT_TYPES or ace.object_type is None:
        return 0
    if not run.request.type_list:
        return 0 if run.answers.other("object-ace-no-list") else None
    return tree.find(ace.object_type) if run.answers.other("package-object-ace") else None
