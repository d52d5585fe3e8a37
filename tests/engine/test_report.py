"""The HTML report in Debian's Chromium: what names on it can do (nothing), how fast it opens, who can use it.

axe-core, the accessibility checker, is the copy that the PyPI package axe-playwright-python carries.
"""

import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from kdtoken.render.html.page import page as html
from tests.engine.browser import Browser, Page
from tests.machine.declared import grown
from tests.machine.spec import Machine
from tests.machine.strange import NOTEPAD, QUIET, with_process
from tests.report_pages import hostile, seen_of

STOLEN = with_process(QUIET, NOTEPAD, token="system")
PROCESSES = 2000
PATIENT = 5.0  # seconds; it is to open in under 2, but a busy machine must not fail a test


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser.start() as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


def written(machine: Machine, folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text(html([seen_of(machine, name)], "today"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def stolen(folder: Path) -> Path:
    return written(STOLEN, folder, "stolen.html")


@pytest.fixture(scope="module")
def evil(folder: Path) -> Path:
    return written(hostile(), folder, "hostile.html")


def opened_rows(page: Page) -> None:
    """Every card, both ways of showing where values were read, every comparison of neighbours, and a print."""
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.run("document.querySelectorAll('table.tree tbody tr').forEach((row) => row.click())")
    page.run(
        "for (const link of document.querySelectorAll('a[href^=\"#\"]'))"
        " link.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))"
    )
    page.run(
        "document.querySelectorAll('table.tree tbody tr').forEach((row) => { row.click();"
        " [...document.querySelectorAll('.card-tools button')].forEach((one) => one.click());"
        " const box = document.getElementById('compare'); if (box.open) box.close(); })"
    )
    page.run("dispatchEvent(new Event('beforeprint'))")


def test_no_name_runs_or_becomes_markup(browser: Browser, evil: Path) -> None:
    page = browser.open(evil)
    opened_rows(page)
    # The title is what the accounts' script would have changed.
    assert page.run("document.title") == "Access tokens: hostile.html"
    assert page.wrong == []
    assert {one for one in page.asked if not one.startswith(evil.as_uri())} == set()
    counts = "[...new Set([...document.querySelectorAll('*')].map((one) => one.localName))].sort().join(' ')"
    tags = page.run(counts).split()
    assert not {"img", "iframe", "object", "embed", "base", "i"} & set(tags)
    assert page.run("document.scripts.length") == 2 and page.run("document.styleSheets.length") == 1
    handlers = (
        "[...document.querySelectorAll('*')].some((one) => one.getAttributeNames().some((name) => /^on/.test(name)))"
    )
    assert page.run(handlers) is False
    assert page.run("document.body.textContent.includes(\"document.title='ran'\")") is True


def test_the_policy_stops_what_is_not_the_pages_own(browser: Browser, folder: Path, stolen: Path) -> None:
    """The same page with a script, a handler, a picture, a style and a form written into it: nothing of them happens."""
    bad = (
        "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
        "<img src='https://example.invalid/x.png'><p style='color:red' id=red>x</p>"
        "<iframe src='data:text/html,<script>parent.document.title=1</script>'></iframe>"
    )
    path = folder / "bad.html"
    path.write_text(stolen.read_text(encoding="utf-8").replace("<main>", "<main>" + bad), encoding="utf-8")
    page = browser.open(path)
    assert page.run("document.title").startswith("Access tokens") and page.wrong
    assert not [one for one in page.asked if "example.invalid" in one]
    assert page.run("getComputedStyle(document.getElementById('red')).color") != "rgb(255, 0, 0)"
    made = page.run(
        "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'made'; } catch (e) { return e.name; } })()"
    )
    assert made == "TypeError"  # Trusted Types


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pixels", [1440, 420])
@pytest.mark.parametrize("state", ["fresh", "card", "compare", "hostile"])
def test_axe_finds_nothing(browser: Browser, stolen: Path, evil: Path, scheme: str, pixels: int, state: str) -> None:
    page = browser.open(bypass_policy=True, scheme=scheme)
    page.width(pixels)
    page.load(evil if state == "hostile" else stolen)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    if state in ("card", "hostile", "compare"):
        # One that has a linked token.
        page.run(
            "[...document.querySelectorAll('table.tree tbody tr')].find((row) =>"
            " row.cells[0].innerText.includes('explorer.exe')).click()"
        )
    if state == "compare":
        page.run("[...document.querySelectorAll('.card-tools button')].pop().click()")
        page.until("document.getElementById('compare').open")
    page.run(axe())
    found: Dict[str, Any] = page.run("axe.run(document, {resultTypes: ['violations']})")
    told = [(one["id"], one["help"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found["violations"]]
    assert told == []
    assert len(found["passes"]) > 15


def axe() -> str:
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8") + ";1"


def test_the_keyboard_is_enough(browser: Browser, stolen: Path) -> None:
    page = browser.open(stolen)
    focus = "(document.activeElement.closest('tr') || document.activeElement).id"
    for _ in range(60):  # the search, the lists and boxes, the graph, then the tree: one stop of it
        page.key("Tab")
        if page.run("document.activeElement.matches('table.tree tbody tr')"):
            break
    first = page.run(focus)
    assert first == page.run("document.querySelector('table.tree tbody tr').id")
    page.key("ArrowDown")
    second = page.run(focus)
    assert second != first
    page.key("End")
    last = page.run(focus)
    page.key("Home")
    assert page.run(focus) == first and last == page.run("[...document.querySelectorAll('tr[id]')].pop().id")
    # Folded away: the first one's children.
    visible = "document.querySelectorAll('table.tree tbody tr:not([hidden])').length"
    before = page.run(visible)
    page.key("ArrowLeft")
    assert page.run(visible) < before and page.run("document.activeElement.getAttribute('aria-expanded')") == "false"
    page.key("ArrowRight")
    assert page.run(visible) == before
    page.key("ArrowDown")
    page.key("Enter")
    assert page.run("document.activeElement.id") == "card-title" and not page.run(
        "document.getElementById('card').hidden"
    )
    page.key("Tab")
    assert page.run("document.activeElement.textContent") == "Close"
    page.key("Escape")
    assert page.run(focus) == second and page.run("document.getElementById('card').hidden")


def test_search_and_filters(browser: Browser, stolen: Path) -> None:
    page = browser.open(stolen)
    page.run("document.getElementById('q').focus()")
    page.type("notepad")
    page.until("document.getElementById('count').textContent.includes(' of ')")
    shown: List[str] = page.run(
        "[...document.querySelectorAll('table.tree tbody tr:not([hidden])')].map((row) => row.cells[0].innerText.trim())"
    )
    declared = {one.pid: one for one in STOLEN.processes}
    # It, and those above it, which give it its place.
    assert shown[-1].split() == ["notepad.exe", str(NOTEPAD)]
    assert shown[-2].split()[:2] == ["explorer.exe", str(declared[NOTEPAD].parent)]
    assert page.run("document.getElementById('count').textContent") == "1 of %d" % len(STOLEN.processes)
    page.run(
        "document.getElementById('q').value = 'sedebugprivilege'; document.getElementById('filter').requestSubmit()"
    )
    holders = sum(
        1
        for one in STOLEN.processes
        if one.token and 20 in STOLEN.tokens[one.token].privileges.enabled and not one.exit_time
    )
    assert page.run("document.getElementById('count').textContent") == "%d of %d" % (holders, len(STOLEN.processes))
    page.run(
        "document.getElementById('q').value = ''; const s = document.getElementById('strange'); s.checked = true;"
        "s.dispatchEvent(new Event('change'))"
    )
    assert page.run("document.getElementById('count').textContent").startswith("1 of ")


def test_two_tokens_side_by_side(browser: Browser, stolen: Path) -> None:
    page = browser.open(stolen)
    rows = "[...document.querySelectorAll('table.tree tbody tr')]"
    pick = rows + ".find((row) => row.cells[0].innerText.includes(%r)).click()"
    page.run(pick % "explorer.exe")
    page.run("[...document.querySelectorAll('.card-tools button')].pop().click()")  # its linked token
    page.until("document.getElementById('compare').open")
    cells = page.run(
        "Object.fromEntries([...document.querySelectorAll('#compare tr.differs')].map((row) =>"
        " [row.cells[0].textContent, [row.cells[1].textContent, row.cells[2].textContent]]))"
    )
    # Declared: the filtered token of Anna beside the full one.
    assert cells["Integrity label"][0].startswith("S-1-16-8192 ") and cells["Integrity label"][1].startswith(
        "S-1-16-12288 "
    )
    assert cells["SeDebugPrivilege"][0] == "not held" and cells["SeDebugPrivilege"][1].startswith("disabled")
    assert "DenyOnly" in cells["S-1-5-32-544"][0] and "Enabled" in cells["S-1-5-32-544"][1]
    assert "User" not in cells and "Source" not in cells
    page.key("Escape")
    assert page.run("document.getElementById('compare').open") is False


def test_two_thousand_processes_open_at_once(browser: Browser, folder: Path) -> None:
    path = written(grown(QUIET, PROCESSES, PROCESSES - 100), folder, "grown.html")
    page = browser.open()
    took = min(page.load(path) for _ in range(3))
    start = time.monotonic()
    page.run("document.querySelectorAll('table.tree tbody tr')[1500].click()")
    card = time.monotonic() - start
    start = time.monotonic()
    page.run("document.getElementById('q').value = 'child1'; document.getElementById('filter').requestSubmit()")
    search = time.monotonic() - start
    size = path.stat().st_size / 1e6
    print(
        "report of %d processes, %.1f MB: opens in %.2f s, a card in %.3f s, a search in %.3f s"
        % (PROCESSES, size, took, card, search),
        file=sys.stderr,
    )
    assert page.run("document.querySelectorAll('table.tree tbody tr').length") == PROCESSES
    assert took < PATIENT and card < 1 and search < 1 and page.wrong == []


def test_it_prints_on_pages_with_the_cards_of_the_findings(browser: Browser, stolen: Path, folder: Path) -> None:
    page = browser.open(stolen)
    page.run(
        "addEventListener('beforeprint', () => { window.cards = document.querySelectorAll('#printed article').length; })"
    )
    page.pdf(folder / "stolen.pdf")
    data = (folder / "stolen.pdf").read_bytes()
    assert data.startswith(b"%PDF") and data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") >= 3
    assert page.run("window.cards") >= 1
    assert page.run("document.querySelectorAll('#printed article, details.more[open]').length") == 0


def test_wide_and_narrow_nothing_is_cut_off(browser: Browser, evil: Path) -> None:
    """The page itself never scrolls sideways; tables and the graph do, in boxes of their own."""
    for pixels in (1440, 900, 420):
        page = browser.open()
        page.width(pixels)
        page.load(evil)
        assert page.run("document.documentElement.scrollWidth") <= pixels, pixels
