"""Links in WinDbg: text of a target stays text, and never gets into a command."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken import cli, diff, walk
from kdtoken.analysis.audit.rules import audit
from kdtoken.analysis.lineage.parents import How, Parent
from kdtoken.analysis.lineage.tree import tree
from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.machine.kernel import KernelMachine, find_process
from kdtoken.machine.open import open_request
from kdtoken.model.process import ProcessDump
from kdtoken.render.audit import evidence_lines, head_lines
from kdtoken.render.dml import COLOURS, command_of, dml, link, linked, privilege_link, rule_link
from kdtoken.render.lineage import tree_lines
from kdtoken.render.marked import STYLES, styled
from kdtoken.render.screen import screen_lines
from kdtoken.render.text import render_dump
from kdtoken.render.walk import text_lines
from tests.expected import FILES, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource
from tests.sessions import INCIDENT_22000
from tests.snapshots import snapshot_of_machine

HOSTILE = '<link cmd=".quit">a;&"x'
LINK = re.compile(
    r'<link cmd="(?:!py -m kdtoken\.(?:dump(?: --token)?|lineage) 0x[0-9a-f]+(?: --all)?|!thread 0x[0-9a-f]+'
    r'|!py -m kdtoken\.audit --explain [a-z-]+|!py -m kdtoken\.dump --explain Se[A-Za-z]+)">((?:[^<>"]|<col fg="[a-z]+">|</col>)*)</link>'
)
COLOUR = re.compile('<col fg="([a-z]+)">([^<>"]*)</col>')


def commands(line: str) -> List[str]:
    return [mark.command for mark in getattr(line, "marks", ()) if mark.command]


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


@pytest.mark.parametrize(
    "verb, number", [("dump;.quit", 1), ("dump", "4;.quit"), ("dump", True), ("dump", -1), ("thread", 0)]
)
def test_a_command_is_a_verb_and_a_number(verb: Any, number: Any) -> None:
    with pytest.raises(ValueError):
        command_of(verb, number)


def test_what_is_not_there_is_no_link() -> None:
    assert commands(linked("a line", "other", 1)) == []
    assert commands(linked("a line", "a", 0)) == []
    assert commands(linked("a line", "", 1)) == []
    assert commands(link("", 1)) == commands(link("a", 0)) == []
    assert commands(rule_link("x", "x;.quit")) == commands(rule_link("x", "a b")) == commands(rule_link("x", "")) == []
    assert commands(privilege_link("x", "SeDebugPrivilege;.quit")) == []
    assert commands(privilege_link("x", "SeDebugPrivilege")) == ["!py -m kdtoken.dump --explain SeDebugPrivilege"]
    assert commands(rule_link("told", "shared-token")) == ["!py -m kdtoken.audit --explain shared-token"]


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.integers(1, 2**64 - 1))
def test_markup_is_ours_only(before: str, name: str, after: str, address: int) -> None:
    made = dml(linked(before + name + after, name, address, len(before)))
    plain = LINK.sub(r"\1", made)
    assert not set(plain) & set('<>"')
    for escape, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(escape, letter)
    assert plain == (before + name + after).encode("ascii", "backslashreplace").decode("ascii")


# Foreground colours that the DML page of learn.microsoft.com lists.
DOCUMENTED = frozenset("wfg clfg emphfg subfg normfg warnfg errfg verbfg changed".split())


def test_what_parts_mean_is_told_by_the_engines_own_colours() -> None:
    assert set(COLOURS) == STYLES and set(COLOURS.values()) <= DOCUMENTED
    line = "a " + styled(HOSTILE, "impossible") + ' <b> & "'
    escaped = "&lt;link cmd=&quot;.quit&quot;&gt;a;&amp;&quot;x"
    assert dml(line) == 'a <col fg="errfg">%s</col> &lt;b&gt; &amp; &quot;' % escaped
    both = link("t " + styled("0<", "deny"), 0x10, "token")
    assert dml(both) == '<link cmd="!py -m kdtoken.dump --token 0x10">t <col fg="subfg">0&lt;</col></link>'
    assert dml(both, links=False) == 't <col fg="subfg">0&lt;</col>'


def declared_with_hostile_names() -> ProcessDump:
    """The service whose threads impersonate, with names that would be markup, a command or an escape."""
    source = SyntheticSource(kernel_of(FILES[3]))
    process, others, _ = find_process(source, "1120")
    dump = dump_process(Tokens(source), process, tuple(others))
    tokens = {at: replace(one, logon_session=_named(one.logon_session)) for at, one in dump.tokens.items()}
    threads = tuple(replace(one, problems=(HOSTILE,)) for one in dump.threads)
    return replace(
        dump, process=replace(process, image_name=HOSTILE), tokens=tokens, threads=threads, problems=(HOSTILE,)
    )


def _named(session: Any) -> Any:
    return replace(session, account_name=HOSTILE + "\x1b[31m\u202e", authority_name=HOSTILE)


def test_links_and_colours_of_a_dump_hold_no_text_of_the_target() -> None:
    dump = declared_with_hostile_names()
    findings = audit(snapshot_of_machine(MACHINE))
    parent = Parent(How.UNSURE, 724, dump)
    for lines in (
        screen_lines(dump, HOSTILE, findings=findings, parent=parent),
        render_dump(dump, HOSTILE, findings=findings, parent=parent),
        text_lines([dump], HOSTILE, 1, [HOSTILE], True, findings=findings),
    ):
        told = [command for line in lines for command in commands(line)]
        assert {one.split(" 0x")[0] for one in told if " 0x" in one} >= {"!thread", "!py -m kdtoken.dump --token"}
        assert any("--explain shared-token" in one for one in told)
        for line in lines:
            made = dml(line)
            assert made.isascii() and "\x1b" not in made
            bare = COLOUR.sub(r"\2", LINK.sub(r"\1", made))
            bare = COLOUR.sub(r"\2", bare)  # what is coloured within a link
            assert not set(bare) & set('<>"'), made
            for escape, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
                bare = bare.replace(escape, letter)
            assert bare == line.encode("ascii", "backslashreplace").decode("ascii")


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
    assert out.markup and not any("<link" in line for line in out.markup)
    monkeypatch.setattr(cli, "opened", lambda request, record=None: open_request(request, record))
    walk.main(["--tree", "--session", str(session)])  # the same, had nobody said that it is a file
    assert any("notepad.exe (6104)</link>" in line for line in out.markup)


def test_both_sides_of_a_diff_are_links_to_process_thread_and_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a text too, which has no address to ask for; of a file beside it the addresses are another machine's."""
    kernel = kernel_of(FILES[-1])
    monkeypatch.setattr(cli, "open_request", lambda request, *rest: opened(request, SyntheticSource(kernel)))
    out = Out()
    monkeypatch.setattr(sys, "stdout", out)

    def opened(request: Any, live: SyntheticSource) -> Any:
        return open_request(request) if request.sources else KernelMachine(live)

    assert diff.main(["live@1120", "live@1120:1128"]) == 1
    found = [one for line in out.markup for one in re.findall('cmd="([^"]*)"', line)]
    assert found[:4] == [
        "!py -m kdtoken.dump 0x%x" % kernel.processes[1120],
        "!py -m kdtoken.dump --token 0x%x" % kernel.tokens["schedule"],
        "!thread 0x%x" % kernel.threads[1128],
        "!py -m kdtoken.dump --token 0x%x" % kernel.tokens["anonymous"],
    ]
    assert all(LINK.sub("", line).count("<link") == 0 for line in out.markup)
    out.markup.clear()
    assert diff.main(["live@6104", str(INCIDENT_22000) + "@6104"]) == 1
    found = [one for line in out.markup for one in re.findall('cmd="([^"]*0x[^"]*)"', line)]
    assert found == [
        "!py -m kdtoken.dump 0x%x" % kernel.processes[6104],
        "!py -m kdtoken.dump --token 0x%x" % kernel.tokens["notepad"],
    ]


def test_tree_and_findings_are_links() -> None:
    snapshot = snapshot_of_machine(MACHINE)
    nodes = tree(snapshot)
    lines = tree_lines(nodes)
    links = [one for line in lines for one in commands(line) if "--token" not in one]
    assert links == ["!py -m kdtoken.dump 0x%x" % n.row.process.address for n in nodes]
    assert any("&quot;x (6700)</link>" in dml(one) for one in lines)
    findings = audit(snapshot)
    shared = next(one for one in findings if one.rule == "shared-token")
    head = head_lines(findings, 31)
    assert commands(head[0]) == ["!py -m kdtoken.dump 0x%x" % shared.processes[0].process.address]
    assert [one for line in head for one in commands(line)][-3:] == [
        "!py -m kdtoken.audit --explain " + rule for rule in ("shared-token", "parent-and-image", "debug-privilege")
    ]
    told = [one for line in evidence_lines(shared.evidence, "  ") for one in commands(line)]
    assert [one[-16:] for one in told] == ["%x" % row.process.address for row in shared.processes]
