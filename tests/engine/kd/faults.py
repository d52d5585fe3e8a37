"""What goes wrong on demand: on the line, with the target, in its memory.

A packet here is one of either direction.  "1 in N" means every Nth packet that has the fault;
`Faults(corrupt=7, lose=31)` counts each kind by itself, so the same traffic meets the same faults.
"""

from dataclasses import dataclass, field
from typing import Counter as CounterOf
from typing import Dict, List, Sequence, Tuple

DAMAGE = 0x55  # XORed into a byte
_DATA_HEADER = 16


@dataclass
class Faults:
    """0 or an empty table: that never happens.

    corrupt        damage one byte of 1 in N data packets
    lose           drop 1 in N packets, acknowledgements too
    duplicate      send 1 in N packets twice
    delay          hold 1 in N packets back for `delay_seconds`
    once           kind -> number of the packet of its direction, from 1, that alone has the fault: "lose out" (of the
                   target), "lose in" (of the debugger), and so for corrupt, duplicate and "delay out"
    silent_from    number of the session's request from which on the target answers nothing ...
    silent_for     ... for so many requests (0: for good); a debugger asks again, and each time counts
    page_out       number of a request -> addresses whose pages are gone when it has been answered
    both_ways      the debugger's packets suffer, too (else only the target's)
    """

    corrupt: int = 0
    lose: int = 0
    duplicate: int = 0
    delay: int = 0
    delay_seconds: float = 0.05
    once: Dict[str, int] = field(default_factory=dict)
    silent_from: int = 0
    silent_for: int = 0
    page_out: Dict[int, Sequence[int]] = field(default_factory=dict)
    both_ways: bool = True
    _seen: Dict[str, int] = field(default_factory=dict)

    def sent(self, packet: bytes, counts: CounterOf[str]) -> List[Tuple[float, bytes]]:
        """(seconds to wait, bytes) to put on the line instead of a packet of the target."""
        if self._hits("lose out", self.lose):
            counts["lost"] += 1
            return []
        if len(packet) > _DATA_HEADER and self._hits("corrupt out", self.corrupt):
            counts["corrupted"] += 1
            packet = damaged(packet)
        wait = 0.0
        if self._hits("delay out", self.delay):
            counts["delayed"] += 1
            wait = self.delay_seconds
        if self._hits("duplicate out", self.duplicate):
            counts["duplicated"] += 1
            return [(wait, packet), (0.0, packet)]
        return [(wait, packet)]

    def received(self, packet: bytes, counts: CounterOf[str]) -> List[bytes]:
        """What of a debugger's packet gets through."""
        if not self.both_ways:
            return [packet]
        if self._hits("lose in", self.lose):
            counts["lost"] += 1
            return []
        if len(packet) > _DATA_HEADER and self._hits("corrupt in", self.corrupt):
            counts["corrupted"] += 1
            packet = damaged(packet)
        if self._hits("duplicate in", self.duplicate):
            counts["duplicated"] += 1
            return [packet, packet]
        return [packet]

    def silent(self, request: int) -> bool:
        """Whether the target leaves its request number `request` (from 1) without any answer."""
        if not self.silent_from or request < self.silent_from:
            return False
        return not self.silent_for or request < self.silent_from + self.silent_for

    def _hits(self, kind: str, every: int) -> bool:
        if not every and kind not in self.once:
            return False
        self._seen[kind] = self._seen.get(kind, 0) + 1
        return self._seen[kind] == self.once.get(kind) or bool(every) and self._seen[kind] % every == 0


def damaged(packet: bytes) -> bytes:
    """The packet with one byte of its data changed, so that its checksum is wrong."""
    at = _DATA_HEADER + (len(packet) - _DATA_HEADER - 1) // 2
    return packet[:at] + bytes([packet[at] ^ DAMAGE]) + packet[at + 1 :]
