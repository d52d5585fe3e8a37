"""Single faults at random, and what becomes of what is shown.

    Hunt(kernel).run(seed, count) -> Result

A fault changes what one process's dump reads: a page gone, a bit flipped, a pointer swapped with another of its kind,
a list torn, a token swapped, a member moved in the layout.  What is shown then is compared with what the sound machine
shows: the same (without effect), marked (unreadable, or a notice that is about it), undetectable by name, or silent.
"""

import json
import random
from bisect import bisect_right
from collections import Counter
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from kdtoken.errors import KdTokenError
from kdtoken.layout.layout import Field, Layout, make_layout, size_of
from kdtoken.source.base import PAGE_SIZE, Source
from tests.fault_hunt.places import Part, places_of
from tests.fault_hunt.shown import Shown, changes, shown
from tests.fault_hunt.undetectable import ABOUT, reason_of
from tests.machine.kernel import Kernel
from tests.machine.synthetic import SyntheticSource
from tests.verbs import run_on

KINDS = ("page", "bit", "pointer", "list", "token", "layout")
_LINKS = ("_EPROCESS.ActiveProcessLinks", "_ETHREAD.ThreadListEntry")


class Fault(NamedTuple):
    """kind: one of KINDS; where: the member that it is in; put: does it to a source.

    token  address of the token that the process has afterwards: what is shown of it then is the truth
    """

    kind: str
    where: str
    put: Callable[[SyntheticSource], object]
    words: str
    token: int = 0


class Silent(NamedTuple):
    """A value that is neither the truth nor marked."""

    kind: str
    where: str
    path: str
    words: str


class Result(NamedTuple):
    """counts by kind and outcome; silent: what nobody said anything of; reasons: how often each was why."""

    counts: "Counter[Tuple[str, str]]"
    silent: List[Silent]
    reasons: "Counter[str]"


class Hunt:
    """Faults in one kernel.

    through   how the faulty memory reaches the verb, as it is by default
    straight  a hunt in the same kernel as it is: what is read of the sound machine need not be found out again
    """

    def __init__(
        self,
        kernel: Kernel,
        through: Optional[Callable[[SyntheticSource, str], Source]] = None,
        straight: "Optional[Hunt]" = None,
    ) -> None:
        self.kernel = kernel
        self.through = through
        self.places = places_of(kernel)
        self._pointers = self.places.pointers()
        self._straight = straight
        self._reads: Dict[str, Dict[str, List[Part]]] = {}
        self._alone: Dict[int, Dict[str, object]] = {}
        self._sound: Dict[str, Tuple[Shown, List[Tuple[int, int]]]] = {}
        names = [one.image_name for one in kernel.machine.processes]
        self.processes = [
            one.image_name.decode("ascii")
            if names.count(one.image_name) == 1 and one.image_name.endswith(b".exe") and one.image_name.isascii()
            else str(one.pid)
            for one in kernel.machine.processes
        ]

    def run(self, seed: int, count: int, kinds: Tuple[str, ...] = KINDS) -> Result:
        """`count` faults; the same seed gives the same ones."""
        chance = random.Random(seed)
        result = Result(Counter(), [], Counter())
        for _ in range(count):
            process = chance.choice(self.processes)
            fault = self._fault(chance.choice(kinds), process, chance)
            if fault is not None:
                self._judge(process, fault, result)
        return result

    def _judge(self, process: str, fault: Fault, result: Result) -> None:
        sound, _ = self.sound(process)
        source = SyntheticSource(self.kernel)
        fault.put(source)
        seen = self._seen(source, process)
        if seen.error:
            result.counts[fault.kind, "marked"] += 1
            return
        found = changes(sound.facts, seen.facts)
        if fault.token:
            # The process does run under it: each value is to be that token's, whoever put it there.
            right = self._token_alone(fault.token & ~0xF)
            found = changes(right, seen.facts["token"], "token")
            told = [one for one in seen.notices if one not in sound.notices]
            result.counts["token", "true, and noted" if told else "true"] += not found
            if not found:
                return
        if not found:
            marked = sound.facts != seen.facts
            result.counts[fault.kind, "marked" if marked else "without effect"] += 1
            return
        notices = [one for one in seen.notices if one not in sound.notices]
        outcome = "marked"
        for path, before, after in found:
            if any(about.search(notice) and paths.match(path) for notice in notices for about, paths in ABOUT):
                continue
            reason = reason_of(fault.kind, fault.where, path)
            if reason:
                result.reasons[reason] += 1
                outcome = "undetectable" if outcome == "marked" else outcome
                continue
            outcome = "silent"
            words = "%s: %s -> %s; said: %s" % (fault.words, str(before)[:90], str(after)[:90], notices)
            result.silent.append(Silent(fault.kind, fault.where, path, "dump %s, %s" % (process, words)))
        result.counts[fault.kind, outcome] += 1

    def _seen(self, source: SyntheticSource, process: str) -> Shown:
        try:
            return shown(self.through(source, process) if self.through else source, process)
        except KdTokenError as error:  # a log or a recording that is refused as a whole
            return Shown({}, (), str(error))

    def _token_alone(self, address: int) -> Dict[str, object]:
        if address not in self._alone:
            lines = run_on(SyntheticSource(self.kernel), "dump", "--token", hex(address), "--json")
            self._alone[address] = json.loads("\n".join(lines))["token"]
        return self._alone[address]

    def sound(self, process: str) -> Tuple[Shown, List[Tuple[int, int]]]:
        """What the sound machine shows, and what is read for it."""
        if process not in self._sound:
            source = SyntheticSource(self.kernel)
            told, log = shown(self.through(source, process) if self.through else source, process), source.log
            if self.through and self._straight:
                log = self._straight.sound(process)[1]
            elif self.through:
                source = SyntheticSource(self.kernel)
                shown(source, process)
                log = source.log
            self._sound[process] = told, log
        return self._sound[process]

    def _fault(self, kind: str, process: str, chance: random.Random) -> Optional[Fault]:
        return {
            "page": self._page,
            "bit": self._bit,
            "pointer": self._pointer,
            "list": self._list,
            "token": self._token,
            "layout": self._layout,
        }[kind](process, chance)

    def _visited(self, process: str, chance: random.Random) -> Optional[int]:
        log = self.sound(process)[1]
        if not log:
            return None
        at, size = chance.choice(log)
        return at + chance.randrange(size) if size else None

    def _page(self, process: str, chance: random.Random) -> Optional[Fault]:
        at = self._visited(process, chance)
        if at is None:
            return None
        gone = chance.random() < 0.5
        words = "page 0x%x %s" % (at // PAGE_SIZE * PAGE_SIZE, "unmapped" if gone else "paged out")
        return Fault("page", "page", lambda s: s.without_mapping([at]) if gone else s.without_pages([at]), words)

    def _bit(self, process: str, chance: random.Random) -> Optional[Fault]:
        at = self._visited(process, chance)
        if at is None or at // PAGE_SIZE not in self.kernel.memory.pages:
            return None
        part = self.places.at(at)
        if part.end - part.start > 1 << 12:
            return None
        bit = chance.randrange(8)
        old = self.kernel.memory.peek(at, 1)[0]
        words = "bit %d of byte %d of %s at 0x%x" % (bit, at - part.start, part.name, at)
        return Fault("bit", part.name, lambda s: s.poke(at, bytes([old ^ 1 << bit])), words)

    def _pointer(self, process: str, chance: random.Random) -> Optional[Fault]:
        """A pointer becomes another of its kind: the same member of another struct."""
        visited = self._visited_pointers(process)
        if not visited:
            return None
        part = chance.choice(visited[chance.choice(sorted(visited))])
        other = chance.choice(self._pointers[part.name])
        value = self.kernel.memory.peek(other.start, other.end - other.start)
        words = "%s at 0x%x became %s" % (part.name, part.start, hex(int.from_bytes(value, "little")))
        return Fault("pointer", self._whose(part, value), lambda s: s.poke(part.start, value), words)

    def _whose(self, part: Part, value: bytes) -> str:
        """The pointer's name; for one of a token's SIDs also whether it leads to another token's now."""
        if not part.name.startswith("pointer in ") or part.name == "pointer in Capabilities":
            return part.name
        layout = self.kernel.layouts.layout("_TOKEN")
        start, size = layout.field("VariablePart").offset, layout.field("VariableLength").offset
        for key, address in self.kernel.tokens.items():
            length = int.from_bytes(self.kernel.memory.peek(address + size, 4), "little")
            own = range(address + start, address + start + length)
            if part.start not in own:
                continue
            last = self.kernel.machine.tokens[key].all_groups
            if part.name == "pointer in UserAndGroups" and part.start == own.start + 16 * (len(last) - 1):
                return "label " + part.name
            return part.name if int.from_bytes(value, "little") in own else "foreign " + part.name
        return part.name

    def _visited_pointers(self, process: str) -> Dict[str, List[Part]]:
        if process not in self._reads:
            pages = {at: size for at, size in self.sound(process)[1]}
            starts = sorted(pages)
            ends = [at + pages[at] for at in starts]
            # How far any of the 64 reads goes that begin at or before an address, by how many begin there.
            furthest = [max(ends[max(count - 64, 0) : count], default=0) for count in range(len(starts) + 1)]
            found: Dict[str, List[Part]] = {}
            for name, parts in self._pointers.items():
                for part in parts:
                    if part.end <= furthest[bisect_right(starts, part.start)]:
                        found.setdefault(name, []).append(part)
            self._reads[process] = found
        return self._reads[process]

    def _list(self, process: str, chance: random.Random) -> Optional[Fault]:
        """A link of a list leads elsewhere: to another entry, to itself, to nothing."""
        member = chance.choice(_LINKS)
        step = chance.choice((".Flink", ".Blink"))
        entries = self.places.alike(member + step)
        part = chance.choice(entries)
        to = chance.choice([0, part.start, *(one.start for one in entries)])
        if step == ".Blink" and to:
            to -= part.end - part.start
        words = "%s%s at 0x%x leads to 0x%x" % (member, step, part.start, to)
        return Fault("list", member, lambda s: s.poke(part.start, to.to_bytes(part.end - part.start, "little")), words)

    def _token(self, process: str, chance: random.Random) -> Optional[Fault]:
        """A process's token becomes another process's, as who writes into a kernel does it; or a thread's."""
        kernel = self.kernel
        key = chance.choice(sorted(kernel.tokens))
        address = kernel.tokens[key] | 5
        if chance.random() < 0.7:
            pid = int(process) if process.isdigit() else self._pid(process)
            at = kernel.processes[pid]
            return Fault(
                "token",
                "_EPROCESS.Token",
                lambda s: s.poke_field(at, "_EPROCESS", "Token.Object", address),
                "the token of %s became that of %s" % (process, key),
                address,
            )
        parts = self.places.alike("_ETHREAD.ClientSecurity.ImpersonationData")
        if not parts:
            return None
        part = chance.choice(parts)
        low = kernel.memory.peek(part.start, 1)[0] & 7
        value = (kernel.tokens[key] | low).to_bytes(part.end - part.start, "little")
        return Fault(
            "token",
            part.name,
            lambda s: s.poke(part.start, value),
            "a thread's token at 0x%x became that of %s" % (part.start, key),
        )

    def _pid(self, name: str) -> int:
        return next(one.pid for one in self.kernel.machine.processes if one.image_name == name.encode())

    def _layout(self, process: str, chance: random.Random) -> Optional[Fault]:
        """A member of a type lies where another of its size does: the symbols are of another build."""
        kind = chance.choice(("_TOKEN", "_EPROCESS", "_ETHREAD", "_SEP_LOGON_SESSION_REFERENCES"))
        layout = self.kernel.layouts.layout(kind)
        resolve = self.kernel.layouts.layout

        def width(one: Field) -> int:
            return size_of(one.type, resolve)

        plain = [one for one in layout.fields if one.bits is None]
        one = chance.choice(plain)
        others = [two for two in plain if two.offset != one.offset and width(two) == width(one)]
        if not others:
            return None
        two = chance.choice(others)
        changed = moved(layout, one, two.offset)
        words = "%s.%s is looked for at 0x%x" % (kind, one.name, two.offset)
        return Fault("layout", "%s.%s" % (kind, one.name), lambda s: s._changed.update({kind: changed}), words)


def moved(layout: Layout, member: Field, offset: int) -> Layout:
    """The layout with one member elsewhere."""
    fields = [Field(one.name, offset, one.type, one.container) if one is member else one for one in layout.fields]
    return make_layout(layout.name, layout.size, fields, layout.values)
