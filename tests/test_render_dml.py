"""Links in WinDbg: text of a target stays text, and never gets into a command."""

import re
import sys
from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken import cli, walk
from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.lineage.tree import tree
from kdtoken.machine.open import open_request
from kdtoken.render.audit import evidence_lines, head_lines
from kdtoken.render.dml import Linked, command_of, dml, linked
from kdtoken.render.lineage import tree_lines
from tests.machine.declared import MACHINE
from tests.snapshots import snapshot_of_machine

HOSTILE = '<link cmd=".quit">a;&"x'
LINK = re.compile(r'<link cmd="!py -m kdtoken\.(?:dump|lineage) 0x[0-9a-f]+">([^<>"]*)</link>')


def test_a_link() -> None:
    line = linked("  ! notepad.exe (6104) runs", "notepad.exe (6104)", 0xFFFFA08011044060, 4)
    assert line == "  ! notepad.exe (6104) runs"
    assert dml(line) == '  ! <link cmd="!py -m kdtoken.dump 0xffffa08011044060">notepad.exe (6104)</link> runs'


def test_hostile_names() -> None:
    line = linked(HOSTILE + " & <b>", HOSTILE, 0x1000)
    assert dml(line) == (
        '<link cmd="!py -m kdtoken.dump 0x1000">&lt;link cmd=&quot;.quit&quot;&gt;a;&amp;&quot;x</link> &amp; &lt;b&gt;'
    )
    assert dml(HOSTILE) == "&lt;link cmd=&quot;.quit&quot;&gt;a;&amp;&quot;x"
    assert dml("Zo\u00eb") == "Zo\\xeb"


@pytest.mark.parametrize("verb, number", [("dump;.quit", 1), ("dump", "4;.quit"), ("dump", True), ("dump", -1)])
def test_a_command_is_a_verb_and_a_number(verb: Any, number: Any) -> None:
    with pytest.raises(ValueError):
        command_of(verb, number)


def test_what_is_not_there_is_no_link() -> None:
    assert not isinstance(linked("a line", "other", 1), Linked)
    assert not isinstance(linked("a line", "a", 0), Linked)
    assert not isinstance(linked("a line", "", 1), Linked)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.integers(1, 2**64 - 1))
def test_markup_is_ours_only(before: str, name: str, after: str, address: int) -> None:
    made = dml(linked(before + name + after, name, address, len(before)))
    plain = LINK.sub(r"\1", made)
    assert not set(plain) & set('<>"')
    for escape, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(escape, letter)
    assert plain == (before + name + after).encode("ascii", "backslashreplace").decode("ascii")


class Out:
    """pykd's stdout, as the bootstrapper leaves it: arguments arrive."""

    encoding = "ascii"

    def __init__(self) -> None:
        self.plain: List[str] = []
        self.markup: List[str] = []

    def write(self, text: str) -> None:
        self.plain.append(text)

    def writedml(self, text: str) -> None:
        self.markup.append(text)


class Destroying(Out):
    """pykd.pyd's own, whose !py would lose the address that a link gives it."""


Destroying.__module__ = "pykd"


def test_only_links_are_written_as_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["plain & <b>", linked("cmd.exe (4)", "cmd.exe (4)", 0x10)]
    out = Out()
    monkeypatch.setattr(sys, "stdout", out)
    cli.write_lines(lines)
    assert out.plain == ["plain & <b>\n"]
    assert out.markup == ['<link cmd="!py -m kdtoken.dump 0x10">cmd.exe (4)</link>\n']
    other = Destroying()
    monkeypatch.setattr(sys, "stdout", other)
    cli.write_lines(lines)
    assert (other.plain, other.markup) == (["plain & <b>\n", "cmd.exe (4)\n"], [])


def test_a_file_in_windbg_has_no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its addresses are of another machine than a click would ask."""
    out = Out()
    monkeypatch.setattr(sys, "stdout", out)
    session = Path(__file__).parents[1] / "fixtures" / "sessions" / "machine-22000-synthetic.kdtoken.gz"
    walk.main(["--tree", "--session", str(session)])
    assert any("notepad.exe (6104)" in line for line in out.plain)
    assert out.markup == []
    monkeypatch.setattr(cli, "opened", lambda request, record=None: open_request(request, record))
    walk.main(["--tree", "--session", str(session)])  # the same, had nobody said that it is a file
    assert any("notepad.exe (6104)</link>" in line for line in out.markup)


def test_tree_and_findings_are_links() -> None:
    snapshot = snapshot_of_machine(MACHINE)
    nodes = tree(snapshot)
    links = [line for line in tree_lines(nodes) if isinstance(line, Linked)]
    assert [one.command for one in links] == ["!py -m kdtoken.dump 0x%x" % n.row.process.address for n in nodes]
    assert any("&quot;x (6700)</link>" in dml(one) for one in links)
    findings = audit(snapshot)
    shared = next(one for one in findings if one.rule == "shared-token")
    head = next(line for line in head_lines(findings, 31) if isinstance(line, Linked))
    assert head.command == "!py -m kdtoken.dump 0x%x" % shared.processes[0].process.address
    told = [line for line in evidence_lines(shared.evidence, "  ") if isinstance(line, Linked)]
    assert [one.command[-16:] for one in told] == ["%x" % row.process.address for row in shared.processes]
