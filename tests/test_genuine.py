"""What genuine extensions of three generations printed on the declared machine: the readers return the declaration."""

import lzma
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, List, Tuple

import pytest

from kdtoken.decode.process_dump import Tokens
from kdtoken.model.absent import Fragment, NotSaid, Unreadable, known
from kdtoken.model.group import Group, HalfGroup
from kdtoken.model.luid import Luid
from kdtoken.model.privilege import privileges_of
from kdtoken.model.process import FastRef, Impersonation
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.render.windbg import token_lines
from kdtoken.view.partial import PartialToken
from kdtoken.view.text import AnyText, read_text
from tests.expected import FILES, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.kernel import Kernel
from tests.machine.spec import TokenSpec
from tests.machine.synthetic import SyntheticSource

GENUINE = Path(__file__).resolve().parent.parent / "fixtures" / "genuine"
NEWEST, OLDEST = "10.0.25877", "6.1.7650"
TEXTS = sorted(GENUINE.glob("*.xz"))


def layouts_of(path: Path) -> Path:
    build = path.name.split("-ext-")[0]
    return next(file for file in FILES if build in file.name)


@lru_cache(maxsize=None)
def read(path: Path) -> Tuple[Kernel, AnyText]:
    return kernel_of(layouts_of(path)), read_text(lzma.decompress(path.read_bytes()).decode("latin-1"), path.name)


def pairs(entries: Any) -> List[Tuple[str, int]]:
    assert isinstance(entries, tuple) and not isinstance(entries, Fragment), entries
    return [(str(one.sid), one.attributes) for one in entries]


def of(kernel: Kernel, texts: AnyText, key: str) -> PartialToken:
    (found, *_) = [one for one in texts.tokens if one.token.address == kernel.tokens[key]]
    return found


def check_scalars(token: Token, spec: TokenSpec, kernel: Kernel, extension: str) -> None:
    """What is in the object itself, and printed of every token."""
    present, enabled, default = spec.privileges.masks
    assert token.privileges == privileges_of(present, enabled & present, default & present)
    assert token.session_id == spec.session_id
    assert token.authentication_id == Luid.from_value(spec.auth_id)
    assert token.token_id == Luid.from_value(spec.token_id)
    assert token.parent_token_id == Luid.from_value(spec.parent_id)
    assert token.modified_id == Luid.from_value(spec.modified_id)
    assert token.originating_logon_session == Luid.from_value(spec.originating_id)
    assert (token.token_type, token.impersonation_level) == (spec.type, spec.level)
    assert token.source_name == spec.source_name.rstrip(b"\0 ").decode("latin-1")
    # Only a primary token is in use or not.
    assert token.in_use == int(spec.in_use) if spec.type == 1 else isinstance(token.in_use, NotSaid)
    assert token.restricted_sid_count == len(spec.restricted)
    if extension == OLDEST and spec.restricted:
        # It prints how many there are, and no list.
        assert isinstance(token.restricted_sids, Fragment) and len(token.restricted_sids) == len(spec.restricted)
        assert not any(known(one) for one in token.restricted_sids)
    else:
        assert pairs(token.restricted_sids) == [(one.sid, one.attributes) for one in spec.restricted]
    if kernel.layouts.layout("_TOKEN").has("Package") and extension != OLDEST:
        assert token.flags == spec.flags and str(token.package) == str(spec.package)
        assert pairs(token.capabilities) == [(one.sid, one.attributes) for one in spec.capabilities]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_token_is_what_was_declared(path: Path) -> None:
    kernel, texts = read(path)
    extension = path.name.split("-ext-")[1].replace(".txt.xz", "")
    for key, spec in MACHINE.tokens.items():
        if "token" in spec.paged_out:
            continue
        token = of(kernel, texts, key).token
        check_scalars(token, spec, kernel, extension)
        if "sids" not in spec.paged_out:
            listed = [(one.sid, one.attributes) for one in spec.all_groups]
            # The user's attributes are in no text.
            assert pairs(token.user_and_groups) == [(listed[0][0], 0)] + listed[1:], key
            assert str(token.integrity) == spec.integrity
        if "dynamic" not in spec.paged_out:
            assert str(token.primary_group) == spec.primary_group, key


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_what_was_paged_out_is_not_believed(path: Path) -> None:
    kernel, texts = read(path)
    partial = of(kernel, texts, "sids-paged-out")
    spec, entries = MACHINE.tokens["sids-paged-out"], partial.token.user_and_groups
    assert isinstance(entries, tuple) and len(entries) == len(spec.all_groups)
    # The user's SID crosses into the page that is out: what is printed of it is garbage, and the text does not say so.
    assert isinstance(partial.token.user, Unreadable) and "doubtful" in partial.token.user.reason
    assert len(entries) == 15 and all(isinstance(one, HalfGroup) and one.sid is None for one in entries)
    said = [one.attributes for one in entries[1:] if isinstance(one, HalfGroup)]
    assert said == [one.attributes for one in spec.all_groups[1:]]
    assert isinstance(partial.token.privileges, tuple) and len(partial.token.privileges) == 5
    # One whole token is out: no token, and the debugger's own line.
    address = kernel.tokens["token-paged-out"]
    assert [one.text for one in texts.debugger.errors if one.address == address] == [
        "InitTypeRead(%s%x, nt!_TOKEN) failed - 1" % ("" if NEWEST not in path.name else "0x", address)
    ]
    assert not [one for one in texts.tokens if one.token.address == address]
    group = of(kernel, texts, "dynamic-paged-out").token.primary_group
    assert isinstance(group, Unreadable) and "Unable to get MIN SID header" in group.reason and group.address


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_process_and_thread_is_what_was_declared(path: Path) -> None:
    kernel, texts = read(path)
    # The last commands print some again, without their threads.
    blocks = {one.process.address: one for one in reversed(texts.processes.processes) if known(one.process.token)}
    assert len(blocks) == len(MACHINE.processes)
    for spec in MACHINE.processes:
        block = blocks[kernel.processes[spec.pid]]
        assert (block.process.pid, block.process.parent_pid) == (spec.pid, spec.parent)
        assert block.session == spec.session
        token = 0 if spec.token is None else kernel.tokens[spec.token]
        assert isinstance(block.process.token, FastRef) and block.process.token.value == token
        assert [one.thread.tid for one in block.threads] == [one.tid for one in spec.threads]
        assert not isinstance(block.threads, Fragment)
        for thread, declared in zip(block.threads, spec.threads):
            assert thread.owner == block.process.address
            said = thread.thread.impersonation
            if declared.impersonates is None or declared.stale:
                assert said is None
            else:
                assert isinstance(said, Impersonation)
                assert (said.token, said.level) == (kernel.tokens[declared.impersonates], declared.level)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_nothing_of_a_genuine_text_is_left_over(path: Path) -> None:
    assert [line.text for line in read(path)[1].not_understood] == []


@pytest.mark.parametrize("name", ["user-mode-ext-10.0.25877.txt", "user-mode-ext-10.0.10240.txt"])
def test_the_user_mode_form(name: str) -> None:
    texts = read_text((GENUINE / name).read_text(encoding="utf-8"), name)
    assert len(texts.tokens) == 4
    for one in texts.tokens:
        token = one.token
        assert str(token.user) == "S-1-5-21-0-0-0-1000" and token.authentication_id == Luid(0, 0)
        assert len(pairs(token.user_and_groups)) == 9 and token.session_id == 1
        assert isinstance(token.privileges, tuple) and not isinstance(token.privileges, Fragment)
        assert len(token.privileges) == 21
        assert [p.number for p in token.privileges if p.enabled] == [10, 20, 23, 29, 30]
        # "Illegal!": of a primary token it means nothing.
        assert isinstance(token.impersonation_level, NotSaid)
    named = texts.tokens[1].names
    assert named[Sid.from_text("S-1-5-32-544")] == "Alias: BUILTIN\\Administrators"


@pytest.mark.parametrize("path", [path for path in TEXTS if NEWEST in path.name], ids=lambda path: path.name)
def test_our_windbg_form_is_the_newest_letter_by_letter(path: Path) -> None:
    text = lzma.decompress(path.read_bytes()).decode("latin-1")
    blocks = {
        int(found[1], 16): found[2].split("\n")
        for found in re.finditer(r"kd> !token ([0-9a-f]+)\n(.*?)(?=\nkd> |\Z)", text, re.DOTALL)
    }
    kernel = kernel_of(layouts_of(path), everything_there=False)
    tokens = Tokens(SyntheticSource(kernel))
    for key, spec in MACHINE.tokens.items():
        if "token" in spec.paged_out:
            continue
        token = tokens.at(kernel.tokens[key])
        assert isinstance(token, Token)
        ours, theirs = token_lines(token), blocks[kernel.tokens[key]]
        if "sids" in spec.paged_out:
            # The one line in which we do not repeat what it prints: garbage for the user.
            assert ours[2].startswith("User: ?? unreadable at 0x") and theirs[2].startswith("User: S-1-5-21-")
            ours[2] = theirs[2]
        assert ours == theirs, key


@pytest.mark.parametrize("path", [path for path in TEXTS if NEWEST in path.name], ids=lambda path: path.name)
def test_the_windbg_form_of_a_text_is_that_text(path: Path) -> None:
    text, (kernel, texts) = lzma.decompress(path.read_bytes()).decode("latin-1"), read(path)
    for key, spec in MACHINE.tokens.items():
        if "token" in spec.paged_out:
            continue
        address = kernel.tokens[key]
        printed = re.search(r"kd> !token %x\n(.*?)(?=\nkd> |\Z)" % address, text, re.DOTALL)
        assert printed is not None
        pairs_of_lines = list(zip(token_lines(of(kernel, texts, key).token), printed[1].split("\n")))
        assert len(pairs_of_lines) == printed[1].count("\n") + 1
        for ours, theirs in pairs_of_lines:
            if ours == theirs:
                continue
            # A pointer to something is not kept; a user who is garbage is not repeated as one.
            if ours.startswith("User: ?? unreadable: doubtful"):
                assert "sids" in spec.paged_out and theirs[6:] in ours
            else:
                assert ours.endswith("?? not kept of a text") and ours[:-21] == theirs[: len(ours) - 21]
                assert int(theirs[len(ours) - 21 :], 16)


def test_a_group_that_was_read_is_no_half() -> None:
    kernel, texts = read(TEXTS[0])
    entries = of(kernel, texts, "notepad").token.user_and_groups
    assert isinstance(entries, tuple) and all(type(one) is Group for one in entries)
