"""How faulty memory reaches the verb: as it is, or by a recording or a WinDbg log of the faulty machine."""

from pathlib import Path
from typing import Callable, Dict

from kdtoken.errors import KdTokenError
from kdtoken.source.base import Source
from kdtoken.source.log.source import LogSource
from kdtoken.source.session import RecordingSource, load_session
from tests.fault_hunt.log_text import log_of
from tests.fault_hunt.shown import shown
from tests.machine.synthetic import SyntheticSource

Through = Callable[[SyntheticSource, str], Source]


def _memory(folder: Path) -> Through:
    return lambda source, process: source


def _recorded(source: SyntheticSource, process: str) -> RecordingSource:
    recording = RecordingSource(source)
    try:
        shown(recording, process)
    except KdTokenError:
        pass
    return recording


def _recording(folder: Path) -> Through:
    """What `record dump PROCESS` keeps, written and read again."""

    def through(source: SyntheticSource, process: str) -> Source:
        recording = _recorded(source, process)
        path = folder / "a.kdtoken"
        recording.save(path)
        return load_session(path)

    return through


def _log(folder: Path) -> Through:
    """The memory and the types of the faulty machine that `dump PROCESS` asks for, logged by WinDbg."""

    def through(source: SyntheticSource, process: str) -> Source:
        recording = _recorded(source, process)
        path = folder / "a.log"
        path.write_bytes(log_of(recording, source).encode("latin-1"))
        return LogSource([str(path)])

    return through


THROUGH: Dict[str, Callable[[Path], Through]] = {"memory": _memory, "recording": _recording, "log": _log}
