"""Places in a kernel where a write would change whose authority a process has: what a debugger can wait for."""

from kdtoken.frozen import dataclass


@dataclass(frozen=True)
class WatchPoint:
    """`size` bytes (1, 2, 4 or 8, aligned to it, as a processor's data breakpoint wants) at `address`; `what` is it."""

    address: int
    size: int
    what: str
