"""The packet layer of the target's end: framing, acknowledgements, resends, reset, break-in.

Each side numbers its data packets with one of two ids by turns and sends no further one before
the last is acknowledged.  A packet whose checksum is wrong is asked for again (RESEND); one that
nobody acknowledges is sent again after a while; one that comes twice is acknowledged and dropped.
"""

import time
from collections import deque
from typing import Callable, Deque, Optional, Tuple

from tests.engine.kd import wire
from tests.engine.kd.counters import Counters
from tests.engine.kd.faults import Faults
from tests.engine.kd.wire import PacketType

# The debugger's own patience is 4 s.  A target asks sooner, or a lost packet would cost a test that.
RESEND_AFTER = 1.0
RESENDS = 20  # then the debugger is taken for gone, and nothing more is sent unasked


class PacketLine:
    """Turns bytes into messages and messages into bytes.

    on_message   (packet type, data) of each new data packet
    on_break_in  the debugger wants the machine stopped
    on_reset     the debugger starts anew and wants to be told again why the machine stopped
    deaf         asked before each byte: a running machine polls for a break-in, and drops all else
    """

    def __init__(
        self,
        counters: Counters,
        faults: Faults,
        on_message: Callable[[int, bytes], None],
        on_break_in: Callable[[], None],
        on_reset: Callable[[], None],
        deaf: Callable[[], bool],
    ) -> None:
        self.counters = counters
        self.faults = faults
        self._on_message = on_message
        self._on_break_in = on_break_in
        self._on_reset = on_reset
        self._deaf = deaf
        self._write: Optional[Callable[[bytes], None]] = None
        self._heard = b""
        self._outbox: Deque[Tuple[float, bytes]] = deque()  # (when, bytes), in the order of sending
        self._unsent: Deque[Tuple[int, bytes]] = deque()  # messages waiting for an acknowledgement
        self._pending: Optional[Tuple[int, bytes]] = None
        self._sent_at = 0.0
        self._resent = 0
        self._requests = 0
        self._next_out = wire.INITIAL_ID | wire.SYNC_ID
        self._next_in = wire.INITIAL_ID

    # ------------------------------------------------------------------ the cable

    def plug(self, write: Optional[Callable[[bytes], None]]) -> None:
        """A cable is plugged in (None: pulled); what was on its way is lost."""
        self._write = write
        self._heard = b""
        self._outbox.clear()
        self._requests = 0  # faults are told by the number of a request in its session

    def feed(self, data: bytes) -> None:
        """Bytes from the debugger, in pieces of any size."""
        self.counters.bytes_in += len(data)
        self._heard += data
        while self._heard:
            if not self._take():
                break
        self.tick()

    def tick(self) -> None:
        """Let time pass: send what is due, send again what nobody acknowledged."""
        now = time.monotonic()
        if self._pending and now - self._sent_at > RESEND_AFTER and self._resent < RESENDS and self._write:
            self._resent += 1
            self._transmit()
        while self._outbox and self._outbox[0][0] <= now:
            _, data = self._outbox.popleft()
            self.counters.bytes_out += len(data)
            if self._write is not None:
                self._write(data)

    # ------------------------------------------------------------------ sending

    def send(self, kind: int, data: bytes) -> None:
        """A data packet, after those before it have been acknowledged."""
        if self._pending:
            self._unsent.append((kind, data))
            return
        self._pending = (kind, data)
        self._resent = 0
        self._transmit()

    def forget(self) -> None:
        """Nothing that was to be sent counts any more."""
        self._pending = None
        self._unsent.clear()

    def _transmit(self) -> None:
        assert self._pending is not None
        kind, data = self._pending
        self._sent_at = time.monotonic()
        self._put(wire.data_packet(kind, self._next_out, data))

    def _control(self, kind: int, number: int) -> None:
        self.counters.resends_out += kind == PacketType.RESEND
        self._put(wire.control_packet(kind, number))

    def _put(self, packet: bytes) -> None:
        self.counters.packets_out += 1
        due = max(time.monotonic(), self._outbox[-1][0] if self._outbox else 0.0)
        for wait, data in self.faults.sent(packet, self.counters.faults):
            due += wait
            self._outbox.append((due, data))

    def _acknowledged(self) -> None:
        self._pending = None
        self._next_out = (self._next_out & ~wire.SYNC_ID) ^ 1
        if self._unsent:
            self._pending = self._unsent.popleft()
            self._resent = 0
            self._transmit()

    # ------------------------------------------------------------------ receiving

    def _take(self) -> bool:
        """Consume one thing from what was heard; False when the rest of it has yet to come."""
        heard = self._heard
        if self._dead():
            self._heard = b""
            return False
        if heard[0] == wire.BREAK_IN:
            self._heard = heard.lstrip(bytes([wire.BREAK_IN]))
            self.counters.break_ins += 1
            self._on_break_in()
            return True
        leader = heard[:4]
        if self._deaf() or leader not in (wire.LEADER[: len(leader)], wire.CONTROL_LEADER[: len(leader)]):
            self._heard = heard[1:]
            return True
        if len(heard) < wire.PACKET_SIZE:
            return False
        head = wire.PACKET.parse(heard)
        if leader == wire.CONTROL_LEADER:
            size = wire.PACKET_SIZE
        elif head.byte_count > wire.MAX_DATA:
            self._heard = heard[4:]
            return True
        else:
            size = wire.PACKET_SIZE + head.byte_count + len(wire.TRAILER)
            if len(heard) < size:
                return False
        self._heard = heard[size:]
        for packet in self.faults.received(heard[:size], self.counters.faults):
            self._packet(packet)
        return True

    def _dead(self) -> bool:
        return not self.faults.silent_for and self.faults.silent(self._requests + 1)

    def _packet(self, packet: bytes) -> None:
        self.counters.packets_in += 1
        head = wire.PACKET.parse(packet)
        if head.leader == wire.CONTROL_LEADER:
            self._control_packet(head.type, head.id)
            return
        data = packet[wire.PACKET_SIZE : wire.PACKET_SIZE + head.byte_count]
        if packet[-1:] != wire.TRAILER or wire.checksum(data) != head.checksum:
            self._control(PacketType.RESEND, 0)
            return
        self._requests += 1
        if self.faults.silent(self._requests):
            self.counters.faults["silence"] += 1
            return
        number = head.id & ~wire.SYNC_ID
        if head.id & wire.SYNC_ID:
            self._next_in = number
        self._control(PacketType.ACKNOWLEDGE, number)
        if number != self._next_in:
            return
        self._next_in ^= 1
        if self._pending:
            self._acknowledged()  # a new request says that the answer to the last one arrived
        self._on_message(head.type, data)

    def _control_packet(self, kind: int, number: int) -> None:
        if kind == PacketType.ACKNOWLEDGE:
            if self._pending and number == self._next_out & ~wire.SYNC_ID:
                self._acknowledged()
        elif kind == PacketType.RESEND:
            self.counters.resends_in += 1
            if self._pending:
                self._transmit()
        elif kind == PacketType.RESET:
            self.counters.resets += 1
            self._next_out = self._next_in = wire.INITIAL_ID
            self._control(PacketType.RESET, 0)
            if self._pending:
                self._transmit()
            else:
                self._on_reset()
