"""A debugger's text as a whole: the tokens, processes and threads of it, and what neither view understood."""

import re
from dataclasses import dataclass
from typing import List, Sequence, Tuple

from kdtoken.model.process import FastRef, Impersonation
from kdtoken.view.debugger.process_command import read_process_lines
from kdtoken.view.debugger.process_text import PartialProcesses
from kdtoken.view.debugger.token_command import read_token_lines
from kdtoken.view.debugger.token_text import PartialTokens
from kdtoken.view.leftovers import among
from kdtoken.view.lines import Line, split_lines
from kdtoken.view.runs import apart
from kdtoken.view.words import has_facts


@dataclass(frozen=True)
class DebuggerText:
    """Both views of one text; `not_understood` are the lines that neither knew."""

    tokens: PartialTokens
    processes: PartialProcesses
    not_understood: Tuple[Line, ...]


def read_debugger_text(text: str, file: str = "text") -> DebuggerText:
    """What `!token`, `!process` and `!thread` printed, wherever it stands in the text."""
    return read_debugger_lines(list(split_lines(text)), file)


def read_debugger_lines(lines: Sequence[Line], file: str = "text") -> DebuggerText:
    """The same of lines."""
    processes = read_process_lines(lines, file)
    lines = apart(lines)  # the first reader keeps no run, but may keep lines of one
    tokens = read_token_lines(lines, file)
    lines = apart(lines)
    lost = {id(line) for line in _lost_addresses(lines, tokens, processes)}
    # The process view keeps no SID and no privilege, whatever else it made of their line.
    neither = tuple(
        line
        for line, token, process in zip(
            lines, among(lines, tokens.not_understood), among(lines, processes.not_understood)
        )
        if (token and (process or has_facts(line.text))) or id(line) in lost
    )
    return DebuggerText(tokens, processes, neither)


# Where an address is a token's, by what stands before it.
_TOKEN_ADDRESS = re.compile(
    r"(?:_TOKEN|[Tt]oken:?) {1,60}(?:0x)?([0-9a-fA-F]{8}`?[0-9a-fA-F]{8}|[0-9a-fA-F]{8})(?![0-9a-fA-F`])"
)


def _lost_addresses(lines: Sequence[Line], tokens: PartialTokens, processes: PartialProcesses) -> List[Line]:
    """Lines with the address of a token that neither view reports: their text was mangled."""
    said = [
        (line, found)
        for line in lines
        if "oken" in line.text or "_TOKEN" in line.text
        for found in _TOKEN_ADDRESS.findall(line.text)
    ]
    if not said:
        return []
    reported = {token.token.address for token in tokens.tokens} | {error.address for error in tokens.errors}
    threads = list(processes.threads)
    for process in processes.processes:
        threads += process.threads
        if isinstance(process.process.token, FastRef):
            reported.add(process.process.token.value)
    for thread in threads:
        if isinstance(thread.thread.impersonation, Impersonation):
            reported.add(thread.thread.impersonation.token)
    commands = {id(line) for line in tokens.commands}
    return [line for line, text in said if int(text.replace("`", ""), 16) not in reported and id(line) not in commands]
