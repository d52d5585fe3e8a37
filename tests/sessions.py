"""Writes fixtures/sessions/machine-*.kdtoken.gz and incident-*: `python -m tests.sessions`.

Recordings of whole synthetic machines, from which `walk` and `dump` of every process replay: THE machine, and the
tour's incident.
No debugger is involved; what the genuine engine recorded is made by tests.engine.record_sessions.
"""

import sys
from pathlib import Path

from kdtoken import cli, dump, walk
from kdtoken.machine.kernel import KernelMachine
from kdtoken.record import read_guards
from kdtoken.source.cached import CachedSource
from kdtoken.source.session import RecordingSource
from tests.expected import FILES, layouts_of_build
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.spec import Machine
from tests.machine.strange import INCIDENT
from tests.machine.synthetic import SyntheticSource

SESSIONS = Path(__file__).parent.parent / "fixtures" / "sessions"
MACHINE_22000 = SESSIONS / "machine-22000-synthetic.kdtoken.gz"
INCIDENT_22000 = SESSIONS / "incident-22000-synthetic.kdtoken.gz"


def recorded(build_number: str, machine: Machine = MACHINE) -> RecordingSource:
    """Everything that `walk --threads` and `dump` of each process read, each as a run of its own, and for `explain` what
    guards the processes and their tokens.
    """
    path = next(path for path in FILES if ".%s." % build_number in path.name)
    recording = RecordingSource(SyntheticSource(build(machine, layouts_of_build(path))).with_commands())
    runs = [(walk, ["--threads"]), (walk, [])]
    runs += [(dump, ["%d" % process.pid]) for process in machine.processes]
    for verb, arguments in runs:
        parser = cli.parser("", "")
        verb.add_arguments(parser)
        verb.report(KernelMachine(recording), parser.parse_args(arguments))
    read_guards(CachedSource(recording))
    return recording


def main() -> int:
    """Write the files."""
    recorded("22000").save(MACHINE_22000)
    recorded("22000", INCIDENT).save(INCIDENT_22000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
