"""The HTML page: what it shows is what the machine is, and no name on it is ever more than text."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.analysis.audit.finding import Evidence, Finding, Severity
from kdtoken.analysis.audit.rules import BY_ID, audit
from kdtoken.errors import UsageError
from kdtoken.model.privilege import NUMBERS
from kdtoken.model.sid_names import NO_NAMES
from kdtoken.render.audit import Report
from kdtoken.render.html import page as html
from kdtoken.render.html.cards import Strings
from kdtoken.render.html.page import Seen, json_block
from kdtoken.render.html.rows import Colours
from kdtoken.render.words import clean
from tests.machine import spec
from tests.machine.spec import Machine
from tests.machine.strange import (
    CMD,
    EXPLORER,
    NOTEPAD,
    QUIET,
    SERVICES,
    child,
    client,
    fresh,
    impersonating,
    with_new,
    with_process,
)
from tests.report_pages import ACCOUNT, IMAGES, SCRIPT, Page, hostile, sections, seen_of
from tests.snapshots import snapshot_of_machine

pytest.importorskip("jinja2")

STOLEN = impersonating(with_process(QUIET, NOTEPAD, token="system"), SERVICES, client(QUIET, CMD), spec.IMPERSONATE)


def page_of(*machines: Machine) -> Tuple[str, Page]:
    text = html.page([seen_of(machine, "%d.dmp" % at) for at, machine in enumerate(machines)], "today")
    return text, Page(text)


@pytest.fixture(scope="module")
def quiet() -> Page:
    return page_of(QUIET)[1]


@pytest.fixture(scope="module")
def stolen() -> Page:
    return page_of(STOLEN)[1]


@pytest.fixture(scope="module")
def evil() -> Tuple[str, Page]:
    return page_of(hostile())


def name_in(machine: Machine, pid: int) -> str:
    """ImageFileName as declared: 14 characters of the path's last part, the rest is cut off by the kernel."""
    return machine.process(pid).path.rpartition("\\")[2][:14]


def test_every_process_is_a_row_under_its_parent(quiet: Page) -> None:
    declared = {(name_in(QUIET, one.pid), str(one.pid)) for one in QUIET.processes if one.name is None}
    shown = [tuple(row.cells[0].replace("ended", "").split()[-2:]) for row in quiet.rows]
    assert declared <= set(shown) and len(shown) == len(QUIET.processes)
    order = [pid for _, pid in shown]
    assert order.index("4120") < order.index(str(NOTEPAD))
    depth = {value: int(deep or 0) for value, deep in zip(order, depths(quiet))}
    assert depth[str(NOTEPAD)] == depth[str(EXPLORER)] + 1


def depths(page: Page) -> Any:
    return [value for _, name, value in page.attributes if name == "data-depth"]


def row_of(page: Page, pid: int) -> Any:
    return next(row for row in page.rows if row.cells[0].split()[1:2] == [str(pid)])


def test_user_level_and_change_stand_in_the_row(quiet: Page) -> None:
    row = row_of(quiet, CMD)
    assert row.cells[1] == "ANNA-PC\\Anna" and row.cells[2] == "High" and row.cells[3].startswith("elevated")
    assert "changed" in row.classes and "u-0" in row.classes
    service = row_of(quiet, SERVICES)
    assert service.cells[1] == "NT AUTHORITY\\SYSTEM" and service.cells[2] == "System" and "u-system" in service.classes
    assert "changed" not in service.classes and "changed" not in row_of(quiet, NOTEPAD).classes


def test_findings_are_those_of_the_audit_and_come_first(stolen: Page) -> None:
    expected = [one.saw for one in audit(snapshot_of_machine(STOLEN))]
    assert [one.strip().split(" ", 1)[1] for one in stolen.findings] == expected and expected
    assert stolen.text.index("Findings") < stolen.text.index("Processes and their tokens")
    assert "Something needs a look." in stolen.text
    row = row_of(stolen, NOTEPAD)
    assert row.cells[5].startswith("!!") and "boot-token" in row.cells[5]


def test_a_quiet_machine_is_said_to_be_so(quiet: Page) -> None:
    assert "Nothing strange was found." in quiet.text and "needs a look" not in quiet.text


def test_every_token_has_one_card() -> None:
    """Also one that is a process's own and another's linked twin, as cmd's is here of explorer's."""
    addresses = [one[0] for one in page_of(with_process(QUIET, CMD, token="anna-full"))[1].data["tokens"]]
    assert len(addresses) == len(set(addresses))


def test_a_root_says_why_it_is_one() -> None:
    """A parent's id that a later process has now: that one is named, as safely as everywhere."""
    orphan = with_new(QUIET, child("orphan.exe", 9008, 3000), fresh(QUIET, CMD))
    later = replace(child("x.exe", NOTEPAD, 4000, 9008), name=b"<b>\\u202e")  # as six characters
    text, page = page_of(with_new(orphan, later, fresh(QUIET, CMD, "later", token_id=0x92000, modified_id=0x92000)))
    assert row_of(page, 4).cells[3] == "made by the kernel"
    told = row_of(page, 9000).cells[3]
    assert told.startswith("its parent is gone, and that id belongs to a later process: <b>\\\\u202e (9008)")
    assert "\u202e" not in text


def test_a_card_holds_every_field_with_where_it_was_read(quiet: Page) -> None:
    data = quiet.data
    number = next(one[1] for one in data["processes"] if data["strings"][one[0]] == "cmd.exe, pid %d" % CMD)
    address, who, listed, untold = data["tokens"][number]
    assert data["strings"][who] == "ANNA-PC\\Anna, High" and untold == []
    card = sections(data, listed)
    declared = QUIET.tokens["of-%d" % CMD]
    shown = {name: (state, default == "default") for state, name, default, _ in card["Privileges"][1]}
    assert {NUMBERS[name]: state for name, (state, _) in shown.items() if state != "removed"} == {
        one: "enabled" if one in declared.privileges.enabled else "disabled" for one in declared.privileges.present
    }
    assert [row[2] for row in card["Groups"][1]] == [one.sid for one in declared.all_groups[1:]]
    rows: Dict[str, Tuple[str, ...]] = {row[0]: row for _, (all_rows, _) in card.items() for row in all_rows}
    assert rows["Integrity label"][1].startswith("S-1-16-12288 ")
    assert rows["Token id"][1] == hex(declared.token_id) and "<-" not in rows["Token id"][2]
    assert rows["Session"][1:2] == ("1",) and rows["Session"][2].startswith("_TOKEN.SessionId at 0xffff")
    assert rows["Session"][2].endswith(": 01 00 00 00")
    assert rows["TokenFlags"][1] == hex(declared.flags)
    assert len(card["Default DACL"][1]) == len(declared.default_dacl or ())
    assert data["strings"][address].startswith("0xffff")


def test_threads_and_linked_tokens(stolen: Page) -> None:
    data = stolen.data
    words = data["strings"]
    service = next(one for one in data["processes"] if words[one[0]] == "services.exe, pid %d" % SERVICES)
    ((cells, token, _),) = service[4]
    assert [words[one] for one in cells][:3] == [str(SERVICES + 44), "ANNA-PC\\Anna", "Impersonation"]
    assert words[data["tokens"][token][0]] == words[cells[3]][len("token ") :]
    shell = next(one for one in data["processes"] if words[one[0]] == "explorer.exe, pid %d" % EXPLORER)
    assert shell[2] >= 0 and words[data["tokens"][shell[2]][1]] == "ANNA-PC\\Anna, High"
    assert row_of(stolen, SERVICES).cells[4].endswith("1 impersonating")
    # Both lead to a card, and are listed where no process has them as its own.
    listed = {value for tag, name, value in stolen.attributes if tag == "li" and name == "id"}
    assert {"t%d" % token, "t%d" % shell[2]} <= listed


def test_every_link_leads_to_something_in_the_page(stolen: Page) -> None:
    ids = {value for _, name, value in stolen.attributes if name == "id"}
    links = {value or "" for _, name, value in stolen.attributes if name == "href"}
    count = len(stolen.data["tokens"])
    assert links and all(one[0] == "#" and (one[1:] in ids or int(one[2:]) < count) for one in links)


def test_nothing_is_loaded_and_only_this_script_runs(evil: Tuple[str, Page]) -> None:
    text, page = evil
    policy = page.policy
    assert policy["default-src"] == "'none'" and policy["base-uri"] == "'none'" and policy["form-action"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'" and "unsafe" not in str(policy)
    ((known, code),) = [one for one in page.scripts if not one[0]]
    assert policy["script-src"] == hashed(code) and policy["style-src"] == hashed(page.styles[0])
    assert len(page.scripts) == 2 and len(page.styles) == 1 and not known
    assert page.tags.index("meta") < page.tags.index("style")
    # In front of the policy nothing may stand that it should have stopped.
    assert [tag for tag in page.tags[: page.tags.index("style")] if tag not in ("html", "head", "meta", "title")] == []
    assert not {name for _, name, _ in page.attributes} & {"src", "srcset", "style", "action", "formaction", "ping"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?://", page.styles[0] + code)
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function", "fetch("):
        assert forbidden not in code


def hashed(text: str) -> str:
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_no_tag_comes_from_a_name(evil: Tuple[str, Page], stolen: Page) -> None:
    _, page = evil
    usual = set(stolen.tags)
    assert set(page.tags) == usual and page.comments == []
    tree = [row.cells[0] for row in page.rows]
    for name in IMAGES:
        shown = clean("".join(chr(one) if 0x20 <= one < 0x7F else "\\x%02x" % one for one in name[:15]))
        if "\x1b" not in name.decode("latin-1"):
            assert any(shown in cell for cell in tree), name
    assert any("alert(1) y='<img" in row.cells[1] for row in page.rows)
    assert any(SCRIPT.replace("\\", "\\\\") in row.cells[1] for row in page.rows)
    assert any("\\u202e\\u2028" in one for one in page.data["strings"])
    assert ACCOUNT not in page.text and "7*7" in page.text and not set("\x1b\x07\u202e\u2028") & set(evil[0])


def test_a_name_in_the_data_is_the_name(evil: Tuple[str, Page]) -> None:
    text, page = evil
    strings = page.data["strings"]
    assert any(one.startswith("<script>alert(1, pid ") for one in strings)
    block = text[text.index('id="data">') :]
    block = block[len('id="data">') : block.index("</script>")]
    assert not set("<>&\u2028\u2029") & set(block) and block.isascii()


@given(st.recursive(st.text() | st.integers() | st.none(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_json_in_a_script_element_is_the_same_json(value: Any) -> None:
    block = json_block(value)
    assert json.loads(block) == value
    assert not set("<>&") & set(block) and block.isascii()


def test_two_machines_on_one_page_have_ids_of_their_own() -> None:
    _, page = page_of(QUIET, STOLEN)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids)) and len(page.rows) == len(QUIET.processes) + len(STOLEN.processes)
    assert "1 of 2 machines needs a look." in page.text and "0.dmp" in page.text and "1.dmp" in page.text


def test_a_source_that_could_not_be_read_is_said_and_names_nothing_strange() -> None:
    bad = Seen(Report("x<b>.dmp", error="it is <i>nothing</i>\u202e"), None)
    page = Page(html.page([bad]))
    assert "x<b>.dmp: it is <i>nothing</i>\\u202e" in page.text and not {"b", "i"} & set(page.tags) - {"b"}
    assert "Nothing strange" not in page.text and "1 could not be read" in page.text


def test_the_same_twice_is_the_same_text() -> None:
    assert page_of(QUIET)[0] == page_of(QUIET)[0]


def test_without_jinja2_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs the package jinja2") as caught:
        html.page([seen_of(QUIET)])
    assert "kdtoken[report]" in caught.value.next_step


def finding(severity: Severity, *evidence: Evidence, rule: str = "boot-token") -> Finding:
    return Finding(rule, severity, "saw", evidence)


def test_the_tiles_count_what_they_say() -> None:
    worst, odd, quiet = (finding(one) for one in Severity)
    reports = [Report("a", findings=(worst, odd, odd, quiet)), Report("b", findings=(odd,))]
    row: Any = [SimpleNamespace(changed=True, impersonating=2), SimpleNamespace(changed=False, impersonating=1)]
    machines = [{"rows": row}, {"rows": row[:1]}]
    assert html._tiles(reports, machines, 7) == [
        (1, "cannot happen innocently", "worst"),
        (3, "unusual", "odd"),
        (3, "processes", ""),
        (7, "tokens", ""),
        (2, "with another token than their parent's", ""),
        (5, "threads impersonating", ""),
    ]
    # A text of tokens alone has nothing to count but them.
    assert html._tiles([Report("a")], [{"rows": []}], 7) == [(7, "tokens", "")]


@pytest.mark.parametrize(
    "reports, words",
    [
        ([Report("a", processes=1)], "Nothing strange was found."),
        ([Report("a", processes=1, problems=("torn",))], "Nothing strange in what could be read."),
        ([Report("a")], "It tells of no process, so there was nothing to judge."),
        ([Report("a", processes=1, findings=(finding(Severity.UNUSUAL),))], "Something needs a look."),
        ([Report("a", processes=1, findings=(finding(Severity.INFORMATION),))], "Nothing strange was found."),
        ([Report("a", error="gone")], "0 of 1 machines need a look. 1 could not be read."),
        ([Report("a", processes=1)] * 2, "0 of 2 machines need a look."),
        (
            [Report("a", processes=1, findings=(finding(Severity.UNUSUAL),)), Report("b", error="x")],
            "1 of 2 machines needs a look. 1 could not be read.",
        ),
        ([Report("a", processes=1, findings=(finding(Severity.IMPOSSIBLE),))] * 2, "2 of 2 machines need a look."),
    ],
)
def test_the_verdict_of_a_page(reports: Any, words: str) -> None:
    assert html._verdict(reports) == words


@pytest.mark.parametrize(
    "value, address, shown",
    [
        ("SeDebugPrivilege", 0xABC0, "0xabc0"),
        ("0xabc0", 0xABC0, ""),  # it says so itself
        ("a.exe, Token 0xabcf", 0xABC0, "0xabc0"),
        ("nothing", 0, ""),  # it has no address
    ],
)
def test_evidence_has_an_address_where_its_words_have_none(value: str, address: int, shown: str) -> None:
    made = html._finding(finding(Severity.UNUSUAL, Evidence("what", value, address)), {}, {})
    assert made["evidence"] == [("what", value, shown)]


@pytest.mark.parametrize("rule", ["boot-token", "impersonates-stronger"])
def test_a_finding_names_the_innocent_causes_of_its_rule(rule: str) -> None:
    for severity in Severity:
        assert html._finding(finding(severity, rule=rule), {}, {})["innocent"] == BY_ID[rule].innocent


@pytest.mark.parametrize(
    "count, said",
    [
        (0, []),
        (1, ["1 line of the text was not understood; --unread lists it"]),
        (2, ["2 lines of the text were not understood; --unread lists them"]),
    ],
)
def test_lines_that_were_not_understood_are_counted(count: int, said: List[str]) -> None:
    seen = replace(seen_of(QUIET), unread=count)
    made = html._machine(seen, Strings(), Colours(), [], [])
    assert [one for one in made["problems"] if "understood" in one] == said


def test_a_token_beside_the_processes_says_where_it_lies() -> None:
    token = seen_of(QUIET).snapshot.processes[-1].token  # type: ignore[union-attr]
    for one, what, said in (
        (token, "linked token", "linked token, at 0x%x" % token.address),
        (token, "", "at 0x%x" % token.address),
        (replace(token, address=0), "", ""),
        (replace(token, token_type=2), "", "impersonation token, at 0x%x" % token.address),
    ):
        assert html._other(one, 7, what, NO_NAMES, Colours())["what"] == said
