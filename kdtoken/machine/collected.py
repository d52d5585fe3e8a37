"""A machine by one run of `collect`: one process, its token, and the linked one, as user mode sees them."""

from dataclasses import replace
from typing import Optional, Union

from kdtoken.errors import NotAToken, ProcessNotFound, UsageError
from kdtoken.files import read_bounded
from kdtoken.machine.base import Machine, Walk
from kdtoken.machine.process import MachineProcess, MachineThread, Processes
from kdtoken.machine.text import view_of
from kdtoken.model.absent import Maybe, NotSaid
from kdtoken.model.process import Process, ProcessDump
from kdtoken.model.sid_names import NO_NAMES, Names
from kdtoken.model.token import Token
from kdtoken.model.view import View
from kdtoken.source.base import About
from kdtoken.view.collect.token_information import VIEW, read_token_information
from kdtoken.view.lines import decode_text

LINKED = "linked"
_LARGEST = 1 << 24  # bytes; of a token of 1,024 groups it is 300 KB


class CollectedMachine(Machine):
    """What GetTokenInformation said of one process."""

    has_memory = False

    def __init__(self, path: str, name: str, names: Names = NO_NAMES) -> None:
        """Raises BadFormat where the file is no output of `collect`."""
        text = decode_text(read_bounded(path, "output of collect", _LARGEST), name).text
        self._name = name
        self._found = read_token_information(text, name)
        super().__init__(
            About("what GetTokenInformation said in %s" % name), names.with_accounts(self._found.token.names)
        )
        about = self._found.about
        pid, image = about.get("pid"), about.get("image")
        image = self._image = image if isinstance(image, str) else ""  # null where Windows did not tell it
        process = Process(
            0,
            pid if isinstance(pid, int) and not isinstance(pid, bool) else NotSaid(VIEW),
            image.replace("\\", "/").rpartition("/")[2] or NotSaid(VIEW),
            NotSaid(VIEW),
            NotSaid(VIEW),
        )
        linked = self._found.linked
        self._dump = ProcessDump(
            process,
            NotSaid(VIEW),
            self._found.token.token,
            linked=linked.token if linked else NotSaid(VIEW),
            image_path=image if "\\" in image else NotSaid(VIEW),
        )

    def processes(self) -> Processes:
        return Processes([MachineProcess(self, self._dump.process)])

    def find(self, argument: Union[str, int]) -> MachineProcess:
        process = self._dump.process
        wanted, name = str(argument).lower(), process.image_name
        names = [
            str(process.pid),
            hex(process.pid) if isinstance(process.pid, int) else "",
            self._image.lower(),
            str(name).lower(),
        ]
        if wanted not in names and wanted + ".exe" not in names:
            raise ProcessNotFound(
                "%s is of pid %s, %s" % (self._name, process.pid, name if isinstance(name, str) else "of no name"),
                self._name,
                "give it without a process",
            )
        return MachineProcess(self, process)

    def dump(self, process: MachineProcess, check: bool = True) -> ProcessDump:
        return self._dump

    def primary_token(self, process: MachineProcess) -> Maybe[Optional[Token]]:
        return self._dump.token

    def token(self, address: int) -> Token:
        raise NotAToken("%s tells no token's address: user mode does not see it" % self._name, address)

    def walk(self, threads: bool = False) -> Walk:
        return Walk(self.about, 1, iter([self._dump]), [])

    def view(self, which: Union[str, MachineProcess, MachineThread] = "") -> View:
        if which == LINKED:
            if self._found.linked is None:
                raise UsageError("%s holds no linked token" % self._name, self._name)
            return view_of(self._found.linked, self._name, self.names)
        if which and isinstance(which, str):
            self.find(which)
        view = view_of(self._found.token, self._name, self.names)
        return replace(view, less_privileged=self._found.is_less_privileged)
