"""What crossed the wire."""

import copy
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any, Dict, List
from typing import Counter as CounterOf

BITS_A_BYTE = 10  # on a serial line: a start bit, eight, a stop bit


@dataclass
class Counters:
    """Counts of one target since its start; the difference of two is what happened between.

    requests             API name -> how many of these messages were carried out
    bytes_asked          bytes that ReadVirtualMemory and ReadPhysicalMemory named
    bytes_given          bytes of them that went back
    packets_in/_out      whole packets, resent ones too; `in` is from the debugger
    bytes_in/_out        raw bytes on the wire, break-ins too
    resends_in/_out      how often each side asked for a packet again
    changes              API names, in order, of each message that could change the machine
    """

    requests: CounterOf[str] = field(default_factory=Counter)
    bytes_asked: int = 0
    bytes_given: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    resends_in: int = 0
    resends_out: int = 0
    break_ins: int = 0
    resets: int = 0
    faults: CounterOf[str] = field(default_factory=Counter)
    changes: List[str] = field(default_factory=list)

    @property
    def packets(self) -> int:
        """Both ways."""
        return self.packets_in + self.packets_out

    @property
    def round_trips(self) -> int:
        """Requests of any kind that something waited for."""
        return sum(self.requests.values())

    @property
    def reads(self) -> int:
        """Requests for memory."""
        return self.requests["ReadVirtualMemory"] + self.requests["ReadPhysicalMemory"]

    def seconds(self, baud: int = 115200) -> float:
        """How long all of this would have taken on a serial line."""
        return (self.bytes_in + self.bytes_out) * BITS_A_BYTE / baud

    def copy(self) -> "Counters":
        """As it is now."""
        return copy.deepcopy(self)

    def since(self, before: "Counters") -> "Counters":
        """What happened after `before`."""
        values: Dict[str, Any] = {}
        for one in fields(self):
            now, then = getattr(self, one.name), getattr(before, one.name)
            values[one.name] = now[len(then) :] if isinstance(now, list) else now - then
        return Counters(**values)
