"""Pages of the declared machines, and what stands in one, read by Python's own HTML parser."""

import json
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any, Dict, List, Optional, Set, Tuple

from kdtoken import report
from kdtoken.machine.kernel import KernelMachine
from kdtoken.render.html.page import Seen
from tests.machine.spec import Machine
from tests.machine.strange import CMD, NOTEPAD, QUIET, child, fresh, with_new
from tests.machine.synthetic import SyntheticSource
from tests.snapshots import kernel_of_machine

SCRIPT = "</script><script>document.title='ran'</script>"
# What the next one may be called; 15 bytes of ImageFileName, and what an account or its domain may hold.
IMAGES = (
    b"<script>alert(1",
    b"<img src=x onerr",
    b"'\"><svg/onload=",
    b"</title><b>",
    b"{{7*7}}{%x%}",
    b"<!--<script>",
    b"]]>&lt;i&gt;&#60",
    b"javascript:a()",
    b"\x1b]0;x\x07\xe2\x80\xae\xff",
    b"constructor",
    b"__proto__",
    b'#p0 " onfocus=a',
)
ACCOUNT = "x\" onmouseover=alert(1) y='<img src=x onerror=alert(2)>\u202e\u2028"


def hostile() -> Machine:
    """QUIET with a process of each name, all of an account and a domain that are none better."""
    machine = QUIET
    for at, name in enumerate(IMAGES):
        process = replace(child("x.exe", NOTEPAD if at % 2 else CMD, 3000 + at, 9000 + 8 * at), name=name[:15])
        of = fresh(machine, CMD, "hostile-%d" % at, token_id=0x91000 + at, modified_id=0x91000 + at)
        machine = with_new(machine, process, of)
    named = tuple(
        replace(one, account=ACCOUNT, authority=SCRIPT) if one.account == "Anna" else one
        for one in machine.logon_sessions
    )
    assert named != machine.logon_sessions
    return replace(machine, logon_sessions=named)


def seen_of(machine: Machine, name: str = "one.dmp") -> Seen:
    """A declared machine as the verb reads it, judged."""
    return report.judged([report.read(KernelMachine(SyntheticSource(kernel_of_machine(machine))), name)])[0]


@dataclass
class Row:
    """A row of the table of processes: its cells' texts."""

    id: str
    classes: Set[str]
    cells: List[str] = field(default_factory=list)


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: List[str] = []
        self.attributes: List[Tuple[str, str, Optional[str]]] = []
        self.scripts: List[Tuple[Dict[str, Optional[str]], str]] = []
        self.styles: List[str] = []
        self.comments: List[str] = []
        self.rows: List[Row] = []
        self.findings: List[str] = []
        self.text = ""
        self._in: List[str] = []
        self._saw = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        known = dict(attrs)
        if tag == "script":
            self.scripts.append((known, ""))
        if tag == "style":
            self.styles.append("")
        if tag == "tr" and "data-depth" in known:
            self.rows.append(Row(known["id"] or "", set((known["class"] or "").split())))
        if tag == "td" and self.rows:
            self.rows[-1].cells.append("")
        if known.get("class") == "saw":
            self.findings.append("")
            self._saw = True
        self._in.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._in and self._in.pop() != tag:
            pass
        if tag == "p":
            self._saw = False

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        where = self._in[-1] if self._in else ""
        if where == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif where == "style":
            self.styles[-1] += data
        else:
            self.text += data
            if self._saw:
                self.findings[-1] += data
            if "td" in self._in and self.rows:
                self.rows[-1].cells[-1] += data

    @property
    def policy(self) -> Dict[str, str]:
        """The Content-Security-Policy by directive."""
        text = next(value for tag, name, value in self.attributes if tag == "meta" and name == "content")
        parts = [one.strip().partition(" ") for one in (text or "").split(";")]
        return {name: value for name, _, value in parts}

    @property
    def data(self) -> Any:
        """What the page's script is given."""
        return json.loads(next(text for known, text in self.scripts if known.get("type") == "application/json"))


def sections(data: Any, listed: Any) -> Dict[str, Tuple[List[Tuple[str, ...]], List[Tuple[str, ...]]]]:
    """By title: rows (label, value[, where it was read]), and rows of the table without their keys."""
    words = data["strings"]
    return {
        words[title].split(" (")[0]: (
            [tuple(words[one] for one in row) for row in rows],
            [tuple(words[one] for one in row[1:]) for row in table],
        )
        for title, rows, table in listed
    }
