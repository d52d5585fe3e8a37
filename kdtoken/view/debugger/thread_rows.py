"""The threads of a run: what process_command reads line by line, where one stands behind the other."""

from functools import lru_cache
from typing import Iterator, Optional

from kdtoken.view.debugger.process_forms import CUT_WORDS, NO_NAME
from kdtoken.view.debugger.process_text import ThreadBuilder
from kdtoken.view.partial import TextPlace
from kdtoken.view.runs import THREAD, Run


class ThreadRows:
    """Iterated over once, the threads of a run in their order.

    wide        whether their addresses have 16 digits
    most        no more threads than these are in it
    image_ends  columns of its last line if that ends with an image's name, which may go on behind it; else 0
    """

    def __init__(self, run: Run, file: str) -> None:
        self._run, self._file = run, file
        self.most = run.text.count("THREAD ")
        self.wide = THREAD[True].match(run.text) is not None
        self.image_ends = 0

    def __iter__(self) -> Iterator[ThreadBuilder]:
        text, file = self._run.text, self._file
        number, counted = self._run.number, 0
        for found in THREAD[self.wide].finditer(text):
            begin = found.start(1)
            number += text.count("\n", counted, begin)
            counted = begin
            address, pid, tid, not_impersonating, owning, owner, name = found.groups()
            thread = ThreadBuilder(int(address, 16), int(pid, 16), int(tid, 16), number, file)
            self.image_ends = 0
            if not_impersonating is not None:
                thread.impersonation = None
                thread.places["impersonation"] = TextPlace(file, number + text.count("\n", begin, found.start(4)))
            if owning is not None:
                thread.owner = int(owner, 16)
                thread.places["owner"] = TextPlace(file, number + text.count("\n", begin, found.start(5)))
                image = _image(name)
                if image is not None:
                    thread.image = image
                    end = found.end(7)
                    self.image_ends = end - found.start(5) if end == len(text) else 0
            yield thread


@lru_cache(1024)  # of a process's threads it is nearly always the same
def _image(name: str) -> Optional[str]:
    """An image's name as `Owning Process` has it; None for what is none, or may be half of one."""
    return None if name in CUT_WORDS or NO_NAME.search(name) else name
