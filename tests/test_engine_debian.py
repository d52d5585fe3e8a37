"""The bench's Debian packages: installed before a test is collected, also while another apt is at work.

An `apt-get` of our own stands on PATH: it says what it is told to, and writes down how it was called.
"""

import os
from pathlib import Path
from typing import List

import pytest

from tests.engine import debian

LISTS_BUSY = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4242 (apt-get)"
CUT_SHORT = "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."


class Apt:
    """A folder of programs that is all of PATH, and what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.slept: List[float] = []

    def program(self, name: str, *answers: str) -> None:
        """A program whose nth call prints the nth answer and fails; it works when there is none."""
        for number, text in enumerate(answers):
            (self.folder / ("%s.%d" % (name, number))).write_text(text + "\n", encoding="ascii")
        path = self.folder / name
        path.write_text(
            '#!/bin/sh\nn=0; while [ -e "$0.said.$n" ]; do n=$((n+1)); done; : > "$0.said.$n"\n'
            'echo "$(basename $0) $*" >> %s/calls\n'
            'if [ -e "$0.$n" ]; then while read -r line; do echo "$line"; done < "$0.$n"; exit 100; fi\n' % self.folder,
            encoding="ascii",
        )
        path.chmod(0o755)

    def calls(self) -> List[str]:
        return (
            (self.folder / "calls")
            .read_text(encoding="ascii")
            .replace(" ".join(debian.OPTIONS) + " ", "")
            .split("\n")[:-1]
        )

    def get(self, *command: str, patience: float = 60) -> None:
        debian.apt_get(command, dict(os.environ), patience, self.slept.append)


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apt:
    monkeypatch.setenv("PATH", "%s:/usr/bin:/bin" % tmp_path)
    made = Apt(tmp_path)
    made.program("dpkg")
    return made


def test_a_busy_apt_is_waited_for(apt: Apt) -> None:
    apt.program("apt-get", LISTS_BUSY, LISTS_BUSY)
    apt.get("update", "-q")
    assert apt.calls() == ["apt-get update -q"] * 3 and apt.slept == [debian.PAUSE] * 2


def test_an_install_that_was_cut_short_is_finished_first(apt: Apt) -> None:
    apt.program("apt-get", CUT_SHORT)
    apt.get("install", "clang")
    assert apt.calls() == ["apt-get install clang", "dpkg --configure -a", "apt-get install clang"]


def test_a_lock_that_never_goes_is_named(apt: Apt) -> None:
    apt.program("apt-get", *[LISTS_BUSY] * 9)
    with pytest.raises(debian.NotInstalled, match="another apt held its lock for 6 s:(?s:.*)process 4242"):
        apt.get("update", patience=6)
    assert len(apt.calls()) == 3


def test_any_other_failure_is_said_at_once(apt: Apt) -> None:
    apt.program("apt-get", "E: Unable to locate package wine64")
    with pytest.raises(debian.NotInstalled, match="apt-get install wine64 failed:\nE: Unable to locate package wine64"):
        apt.get("install", "wine64")
    assert apt.slept == []


def test_what_is_missing_is_installed_by_its_packages(apt: Apt, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is missing, once each, lists first; a library that cannot be loaded counts as a program does."""
    apt.program("apt-get")
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        debian, "PROGRAMS", {"sh": "dash", "no-such-wine": "wine wine64", "no-such-server": "wine wine64"}
    )
    monkeypatch.setattr(debian, "LIBRARIES", {"libc.so.6": "libc6", "libno-such.so.0": "libusb-1.0-0"})
    with pytest.raises(debian.NotInstalled, match="still not found .*: libno-such.so.0, no-such-server, no-such-wine"):
        debian.install()
    assert apt.calls() == [
        "apt-get update -q",
        "apt-get install -y -q --no-install-recommends libusb-1.0-0 wine wine64",
    ]


def test_without_root_it_says_what_to_type(apt: Apt, monkeypatch: pytest.MonkeyPatch) -> None:
    apt.program("apt-get")
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(debian, "PROGRAMS", {"no-such-wine": "wine wine64"})
    monkeypatch.setattr(debian, "LIBRARIES", {})
    with pytest.raises(debian.NotInstalled, match="not found: no-such-wine. As root: apt-get install wine wine64$"):
        debian.install()


def test_nothing_is_run_where_all_is_there(apt: Apt, monkeypatch: pytest.MonkeyPatch) -> None:
    apt.program("apt-get")
    monkeypatch.setattr(debian, "PROGRAMS", {"sh": "dash"})
    monkeypatch.setattr(debian, "LIBRARIES", {"libc.so.6": "libc6"})
    debian.install()
    assert not (apt.folder / "calls").exists()
