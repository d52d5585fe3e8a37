"""Debian's Chromium without a window, driven over its own protocol (Chrome DevTools) through two pipes.

    with Browser.start() as browser:
        page = browser.open(path)
        page.run("document.title")

Each page keeps what went wrong on it: errors, policy violations, dialogs, and every address that it asked for.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

PATIENCE = 20.0
_SWITCHES = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # the bench runs as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
    "--hide-scrollbars",
)


class Browser:
    """A running Chromium: requests go into one pipe, answers and events come out of the other, NUL between them."""

    def __init__(self, into: int, out: int) -> None:
        self._into, self._out = into, out
        self._rest = b""
        self._number = 0
        self._events: List[Dict[str, Any]] = []

    @classmethod
    @contextmanager
    def start(cls) -> Iterator["Browser"]:
        """A browser with a profile of its own; ended afterwards."""
        program = shutil.which("chromium")
        assert program, "chromium is not installed"
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        with tempfile.TemporaryDirectory() as profile:

            def as_three_and_four() -> None:
                # Chromium reads from 3 and writes to 4; the ends may have these numbers already, crosswise.
                read, write = os.dup(theirs_in), os.dup(theirs_out)
                os.dup2(read, 3)
                os.dup2(write, 4)

            process = subprocess.Popen(
                [program, *_SWITCHES, "--user-data-dir=" + profile, "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=as_three_and_four,
                close_fds=False,
            )
            os.close(theirs_in)
            os.close(theirs_out)
            browser = cls(ours_in, ours_out)
            try:
                yield browser
            finally:
                try:
                    browser.ask("Browser.close")
                    process.wait(20)
                except (OSError, EOFError, subprocess.TimeoutExpired):
                    process.kill()
                    process.wait()
                os.close(ours_in)
                os.close(ours_out)

    def ask(self, method: str, session: str = "", **parameters: Any) -> Any:
        """The answer to one request; events that come meanwhile are kept."""
        self._number += 1
        number = self._number
        message: Dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._into, json.dumps(message).encode() + b"\0")
        while True:
            got = self._next()
            if got.get("id") == number:
                assert "error" not in got, (method, got["error"])
                return got["result"]
            self._events.append(got)

    def _next(self) -> Dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._out, 1 << 16)
            if not data:
                raise EOFError("the browser is gone")
            self._rest += data
        one, _, self._rest = self._rest.partition(b"\0")
        made: Dict[str, Any] = json.loads(one.decode("utf-8"))
        return made

    def events(self) -> List[Dict[str, Any]]:
        """What came since; asked for after any request, so that what was sent before its answer is here."""
        found, self._events = self._events, []
        return found

    def open(self, path: Optional[Path] = None, bypass_policy: bool = False, **media: str) -> "Page":
        """A new tab with a file in it, loaded; `media` are CSS media features: scheme="dark"."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            page.ask(domain + ".enable")
        if bypass_policy:
            page.ask("Page.setBypassCSP", enabled=True)
        if media:
            page.scheme(media["scheme"])
        if path is not None:
            page.load(path)
        return page


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.wrong: List[str] = []  # errors of scripts, violations of the policy, dialogs
        self._requests: Dict[str, str] = {}

    @property
    def asked(self) -> List[str]:
        """Every address that was asked for, without those that the page's policy did not let out."""
        return list(self._requests.values())

    def ask(self, method: str, **parameters: Any) -> Any:
        """The answer to one request about this tab."""
        result = self._browser.ask(method, self._session, **parameters)
        for event in self._browser.events():
            self._seen(event.get("method", ""), event.get("params", {}))
        return result

    def _seen(self, method: str, told: Dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self._requests[told["requestId"]] = told["request"]["url"]
        elif method == "Network.loadingFailed" and told.get("blockedReason") == "csp":
            self._requests.pop(told["requestId"], None)  # it never left the page
        elif method == "Runtime.exceptionThrown":
            self.wrong.append("exception: %s" % told["exceptionDetails"])
        elif method == "Log.entryAdded":
            self.wrong.append("log: %s" % told["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.wrong.append("console: %s" % told["args"])
        elif method == "Page.javascriptDialogOpening":
            self.wrong.append("dialog: %s" % told["message"])
            self._browser.ask("Page.handleJavaScriptDialog", self._session, accept=True)

    def load(self, path: Path) -> float:
        """Open a file; the seconds until it is loaded, its script has run and it was drawn."""
        start = time.monotonic()
        self.ask("Page.navigate", url=path.resolve().as_uri())
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
        return time.monotonic() - start

    def run(self, expression: str) -> Any:
        """The value of an expression in the page, as JSON has it."""
        told = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, expression: str, patience: float = PATIENCE) -> None:
        """Wait until it is true."""
        end = time.monotonic() + patience
        while not self.run(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.02)

    def key(self, name: str, code: int = 0, text: str = "") -> None:
        """A key pressed and let go, as a person does: "ArrowDown", "Tab", "Enter"."""
        known = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36}
        known.update({"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40})
        what = {"key": name, "code": name, "windowsVirtualKeyCode": code or known[name]}
        if name == "Enter":
            text = "\r"
        self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **what)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **what)

    def type(self, text: str) -> None:
        """Text into what has the focus."""
        self.ask("Input.insertText", text=text)

    def scheme(self, name: str) -> None:
        """Dark or light, as the system asks for it."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def width(self, pixels: int, height: int = 900) -> None:
        """The size of the window."""
        self.ask("Emulation.setDeviceMetricsOverride", width=pixels, height=height, deviceScaleFactor=1, mobile=False)

    def picture(self, path: Path, whole: bool = False) -> None:
        """What is seen, as a PNG."""
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path: Path) -> None:
        """What a printer would get."""
        data = self.ask("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"]
        path.write_bytes(base64.b64decode(data))


Driver = Callable[[Page], None]
