"""The KD target simulator, spoken to by a small client over each of its transports; no Wine."""

import os
import socket
from pathlib import Path
from typing import Callable, Iterator, Tuple

import pytest

from tests.engine.kd import wire
from tests.engine.kd.faults import Faults
from tests.engine.kd.ram import Ram
from tests.engine.kd.serve import Server
from tests.engine.kd.target import KdTarget
from tests.engine.kd.wire import Api, PacketType
from tests.expected import file_of, layouts_of_build
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel, build


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return build(MACHINE, layouts_of_build(file_of("10.0.17763")))


class Client:
    """A debugger that knows four requests, and asks again for what arrives damaged."""

    def __init__(self, receive: Callable[[int], bytes], send: Callable[[bytes], None]) -> None:
        self.receive, self.send = receive, send
        self.heard = b""
        self.number = wire.INITIAL_ID | wire.SYNC_ID
        self.last = 0

    def packet(self) -> Tuple[int, bytes]:
        """(type, data) of the next whole packet."""
        head = wire.PACKET.parse(self._take(wire.PACKET_SIZE))
        if head.leader == wire.CONTROL_LEADER:
            return head.type, b""
        data = self._take(head.byte_count)
        assert self._take(1) == wire.TRAILER
        if wire.checksum(data) != head.checksum:
            self.send(wire.control_packet(PacketType.RESEND, 0))
            return self.packet()
        self.send(wire.control_packet(PacketType.ACKNOWLEDGE, head.id & ~wire.SYNC_ID))
        again, self.last = head.id == self.last, head.id
        return self.packet() if again else (head.type, data)

    def data(self, kind: int) -> bytes:
        """The next packet of that type; what else comes (acknowledgements) is passed over."""
        for _ in range(50):
            got, data = self.packet()
            if got == kind:
                return data
        raise AssertionError("no packet of type %d" % kind)

    def ask(self, api: int, u: bytes = b"", extra: bytes = b"", answer: bool = True) -> Tuple[int, bytes, bytes]:
        """(status, union, data) of the answer to a request."""
        head = wire.MANIPULATE.build(dict(api=api, processor_level=0, processor=0, status=0, u=u.ljust(40, b"\0")))
        self.send(wire.data_packet(PacketType.STATE_MANIPULATE, self.number, head + extra))
        self.number = (self.number & ~wire.SYNC_ID) ^ 1
        if not answer:
            return 0, b"", b""
        data = self.data(PacketType.STATE_MANIPULATE)
        parsed = wire.MANIPULATE.parse(data)
        assert parsed.api == api
        return parsed.status, parsed.u, data[wire.MANIPULATE_SIZE :]

    def read(self, address: int, size: int, api: int = Api.ReadVirtualMemory) -> bytes:
        """Memory, virtual or physical."""
        return self.ask(api, wire.MEMORY.build(dict(address=address, count=size, done=0)))[2]

    def _take(self, size: int) -> bytes:
        while len(self.heard) < size:
            more = self.receive(4096)
            assert more, "the target hung up"
            self.heard += more
        taken, self.heard = self.heard[:size], self.heard[size:]
        return taken


def _over(channel: socket.socket) -> Client:
    channel.settimeout(10)
    return Client(channel.recv, channel.sendall)


@pytest.fixture(params=["tcp", "unix", "pty"])
def session(request: pytest.FixtureRequest, kernel: Kernel, tmp_path: Path) -> Iterator[Tuple[Server, Client]]:
    target = KdTarget(kernel)
    if request.param == "tcp":
        with Server(target) as server, socket.create_connection(("127.0.0.1", server.port)) as channel:
            yield server, _over(channel)
    elif request.param == "unix":
        with Server(target, unix=tmp_path / "s") as server, socket.socket(socket.AF_UNIX) as channel:
            channel.connect(str(tmp_path / "s"))
            yield server, _over(channel)
    else:
        with Server(target, pty=True) as server:
            device = os.open(server.terminal, os.O_RDWR | os.O_NOCTTY)
            try:
                yield server, Client(lambda size: os.read(device, size), lambda data: _write(device, data))
            finally:
                os.close(device)


def _write(device: int, data: bytes) -> None:
    assert os.write(device, data) == len(data)


def test_a_session(session: Tuple[Server, Client], kernel: Kernel) -> None:
    server, client = session
    stopped = wire.STATE_CHANGE.parse(client.data(PacketType.STATE_CHANGE64))
    assert stopped.program_counter == kernel.symbols["DbgBreakPointWithStatus"]
    version = wire.VERSION.parse(client.ask(Api.GetVersion)[1])
    assert (version.kernel_base, version.minor) == (kernel.base, kernel.version[2])
    token = kernel.tokens["notepad"]
    assert client.read(token, 700) == kernel.memory.read(token, 700)
    physical = Ram(kernel).translate(token)
    assert physical is not None
    assert client.read(physical, 64, Api.ReadPhysicalMemory) == kernel.memory.read(token, 64)
    assert client.read(0x1234000, 8) == b""
    before = server.counters()
    assert before.changes == []
    assert before.requests["ReadVirtualMemory"] == 2
    assert before.bytes_asked == 700 + 64 + 8
    where = wire.MEMORY.build(dict(address=token, count=2, done=0))
    assert client.ask(Api.WriteVirtualMemory, where, b"ab")[0] == wire.SUCCESS
    assert client.read(token, 2) == b"ab" != kernel.memory.read(token, 2)
    client.ask(Api.Continue2, answer=False)
    assert server.wait_until_running()
    assert server.counters().since(before).changes == ["WriteVirtualMemory", "Continue2"]
    client.send(bytes([wire.BREAK_IN]))
    client.data(PacketType.STATE_CHANGE64)
    assert not server.target.running


def test_faults_are_told_and_survived(kernel: Kernel) -> None:
    faults = Faults(corrupt=3, duplicate=4, delay=5, delay_seconds=0.01, both_ways=False)
    token = kernel.tokens["notepad"]
    with Server(KdTarget(kernel, faults)) as server, socket.create_connection(("127.0.0.1", server.port)) as channel:
        client = _over(channel)
        client.data(PacketType.STATE_CHANGE64)
        for at in range(0, 600, 24):
            assert client.read(token + at, 24) == kernel.memory.read(token + at, 24)
        counters = server.counters()
    assert min(counters.faults[kind] for kind in ("corrupted", "duplicated", "delayed")) > 0
    assert counters.resends_in > 0


def test_a_page_goes_away_between_two_reads(kernel: Kernel) -> None:
    token = kernel.tokens["notepad"]
    faults = Faults(page_out={1: [token]})
    with Server(KdTarget(kernel, faults)) as server, socket.create_connection(("127.0.0.1", server.port)) as channel:
        client = _over(channel)
        client.data(PacketType.STATE_CHANGE64)
        assert client.read(token, 8) == kernel.memory.read(token, 8)
        assert client.read(token, 8) == b""
