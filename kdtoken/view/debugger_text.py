"""A debugger's text as a whole: the tokens, processes and threads of it, and what neither view understood."""

from dataclasses import dataclass
from typing import Tuple

from kdtoken.view.process_command import ProcessTexts, read_process_lines
from kdtoken.view.text import Line, split_lines
from kdtoken.view.token_command import TokenTexts, read_token_lines


@dataclass(frozen=True)
class DebuggerText:
    """Both views of one text; `not_understood` are the lines that neither knew."""

    tokens: TokenTexts
    processes: ProcessTexts
    not_understood: Tuple[Line, ...]


def read_debugger_text(text: str, file: str = "text") -> DebuggerText:
    """What `!token`, `!process` and `!thread` printed, wherever it stands in the text."""
    lines = list(split_lines(text))
    tokens, processes = read_token_lines(lines, file), read_process_lines(lines, file)
    # By identity: two lines of one text may be equal, and only one of them unknown.
    neither = {id(line) for line in tokens.not_understood} & {id(line) for line in processes.not_understood}
    return DebuggerText(tokens, processes, tuple(line for line in lines if id(line) in neither))
