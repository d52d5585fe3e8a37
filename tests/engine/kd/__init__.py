"""A kernel at the other end of a serial debugging cable: the KD target simulator.

wire.py       the bytes: packets and messages, with the public source of each
ram.py        a synthetic kernel's physical memory, read through its own page tables
line.py       the packet layer: acknowledgements, resends, break-in
target.py     what the kernel answers to each request
faults.py     what goes wrong on demand
counters.py   what crossed the wire
serve.py      TCP, unix socket, pty; the control connection

with Server(KdTarget(kernel)) as server:
    ...                                  # a debugger connects to 127.0.0.1:server.port
    server.counters().requests["ReadVirtualMemory"]
"""
