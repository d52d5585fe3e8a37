"""Kernels of the time of XP and Server 2003, 32 and 64 bits wide, through the verbs: privileges behind a pointer, clients
behind another, types in the header, no levels.
"""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from kdtoken.analysis.differences.comparison import Outcome
from kdtoken.analysis.differences.fields import compare
from kdtoken.decode.process_dump import Tokens
from kdtoken.errors import KdTokenError, NotAToken, ProcessNotFound
from kdtoken.machine.kernel import KernelMachine
from kdtoken.model.absent import Absent
from kdtoken.model.privilege import NAMES
from kdtoken.model.process import Impersonation
from kdtoken.model.token import Token
from kdtoken.source.session import RecordingSource, SessionSource
from tests.expected import seen_aces
from tests.machine.nt52 import Old, attributes_of, old_machine, pairs
from tests.machine.spec import PrivilegesSpec
from tests.verbs import run_on

MACHINE = old_machine()
ROOT = {4: 0x80550000, 8: 0xFFFFF80080550000}


@pytest.fixture(scope="module", params=[4, 8], ids=["x86", "x64"])
def old(request: pytest.FixtureRequest) -> Old:
    return Old(request.param, MACHINE)


def token_of(old: Old, key: str) -> Token:
    token = Tokens(old).at(old.tokens[key])
    assert isinstance(token, Token), token
    return token


def attributes(token: Token) -> Any:
    """number -> LUID_AND_ATTRIBUTES.Attributes"""
    assert isinstance(token.privileges, tuple)
    return {one.number: one.enabled_by_default + 2 * one.enabled for one in token.privileges if one.present}


def test_the_types_are_as_wide_as_the_real_ones() -> None:
    """Server 2003's _TOKEN takes 0xa8 bytes, with Privileges at 0x74 and VariablePart at 0xa4; 64 bits wide, 0xd0."""
    narrow, wide = Old(4, MACHINE).layout("_TOKEN"), Old(8, MACHINE).layout("_TOKEN")
    assert (narrow.size, narrow.field("Privileges").offset, narrow.field("VariablePart").offset) == (0xA8, 0x74, 0xA4)
    assert (wide.size, wide.field("Privileges").offset) == (0xD0, 0x80)


@pytest.mark.parametrize("key", sorted(MACHINE.tokens))
def test_every_token(old: Old, key: str) -> None:
    want, seen = MACHINE.tokens[key], token_of(old, key)
    assert attributes(seen) == attributes_of(want)
    assert seen.token_id.value == want.token_id and seen.authentication_id.value == want.auth_id  # type: ignore
    assert [(str(one.sid), one.attributes) for one in seen.user_and_groups] == pairs(want)  # type: ignore
    assert [str(one.sid) for one in seen.restricted_sids] == [one.sid for one in want.restricted]  # type: ignore
    assert str(seen.primary_group) == want.primary_group
    dacl = None if want.default_dacl is None else tuple((a.kind, a.flags, a.mask, a.sid) for a in want.default_dacl)
    assert seen_aces(seen.default_dacl) == dacl
    assert (seen.token_type, seen.impersonation_level, seen.expiration_time) == (want.type, want.level, want.expiration)
    assert isinstance(seen.integrity_level_index, Absent) and isinstance(seen.mandatory_policy, Absent)
    assert seen.problems == ()
    # What the privileges were read by is no member without a name; what nobody decodes is shown raw.
    assert [one.member for one in seen.unnamed] == ["AuditPolicy.Overlay", "ProxyData", "AuditData"]


def test_a_walk_has_every_process_its_user_and_what_its_threads_run_under(old: Old) -> None:
    rows = json.loads("\n".join(run_on(old, "walk", "--threads", "--json")))["processes"]
    assert [row["process"]["pid"] for row in rows] == [one.pid for one in MACHINE.processes]
    for row, process in zip(rows, MACHINE.processes):
        if process.token is None:
            assert row["token"] is None
            continue
        assert row["token"]["user"]["sid"] == MACHINE.tokens[process.token].user
        on = [NAMES[number] for number in sorted(MACHINE.tokens[process.token].privileges.enabled)]
        assert row["token"]["enabled_privileges"] == on
        clients = {
            thread["tid"]: int(thread["impersonation"]["token"], 16)
            for thread in row["threads"]
            if thread["impersonation"]
        }
        assert clients == {
            one.tid: old.tokens[one.impersonates] for one in process.threads if one.impersonates and not one.stale
        }


def test_the_table_for_spreadsheets_has_the_privileges_that_are_on(old: Old) -> None:
    rows = {row["pid"]: row for row in csv.DictReader(io.StringIO("\n".join(run_on(old, "walk", "--csv"))))}
    assert "SeDebugPrivilege" in rows["6488"]["privileges"].split()
    assert "SeDebugPrivilege" not in rows["6104"]["privileges"].split()
    assert rows["6488"]["integrity"] == "?"


def test_tokens_that_differ_in_one_privilege_are_not_the_same() -> None:
    notepad = MACHINE.tokens["notepad"]
    more = replace(notepad, key="more", privileges=PrivilegesSpec((*notepad.privileges.present, 20), (20,), ()))
    old = Old(4, replace(MACHINE, tokens={**MACHINE.tokens, "more": more}))
    processes = tuple(replace(one, token="more") if one.pid == 6240 else one for one in MACHINE.processes)
    old = Old(4, replace(old.machine, processes=processes))
    machine = KernelMachine(old)
    found = compare(machine.view("6104"), machine.view("6240"))
    assert [row.shown for row in found.rows if row.outcome is Outcome.DIFFERS and "SeDebug" in row.shown]
    assert "same identity and policy" not in found.verdict


def test_levels_that_this_build_has_not_are_not_looked_for_in_silence(old: Old) -> None:
    assert any("no integrity level" in line for line in run_on(old, "walk", "--integrity", "high"))


@pytest.mark.parametrize("form", ["0x%x", "%x", "sign"])
def test_an_address_of_a_process_in_each_form(old: Old, form: str) -> None:
    at = old.processes[6104]
    text = form % at if form != "sign" else "0x%016x" % (at | 0xFFFFFFFF00000000 if at < 1 << 32 else at)
    assert run_on(old, "dump", text)[0].startswith("notepad.exe  pid 6104")


def test_an_address_of_a_token_is_told_as_one(old: Old) -> None:
    """Typed where a process is wanted, its reference count with it, as `dt` prints it."""
    at = old.tokens["notepad"]
    for text in ("%x" % at, "%x" % (at | 5)):
        with pytest.raises(ProcessNotFound) as error:
            run_on(old, "dump", text)
        assert error.value.next_step == "kdtoken dump --token 0x%x shows it" % at
    assert run_on(old, "dump", "--token", "%x" % (at | 5))[0] == "TOKEN 0x%x" % at
    with pytest.raises(NotAToken, match="its object header says a Process object"):
        run_on(old, "dump", "--token", "%x" % old.processes[6104])


def replayed(old: Old, *, headers: bool) -> SessionSource:
    """A recording of every dump and walk; without headers, as one that was made before they were asked for."""
    recording = RecordingSource(old)
    for process in KernelMachine(recording).processes():
        process.dump(False)
    lines = list(recording.lines())
    if not headers:
        lines = [line for line in lines if not ('"symbol"' in line and ("TokenObject" in line or "PsProcess" in line))]
        lines += ['{"symbol": "%s", "address": null}' % name for name in ("SeTokenObjectType", "PsProcessType")]
    return SessionSource("\n".join(lines), "a.kdtoken")


def test_a_recording_says_the_same(old: Old) -> None:
    again = replayed(old, headers=True)
    for process in MACHINE.processes:
        then, now = (
            json.loads("\n".join(run_on(one, "dump", "%d" % process.pid, "--json", "--no-check")))
            for one in (old, again)
        )
        assert now.pop("about")["source"] == "recording a.kdtoken of synthetic kernel"
        assert now == {key: value for key, value in then.items() if key != "about"}


def test_a_recording_without_headers_knows_a_token_by_who_presents_it(old: Old) -> None:
    again = replayed(old, headers=False)
    with pytest.raises(ProcessNotFound, match=r"it is the primary token of notepad.exe \(6104\)"):
        run_on(again, "dump", "%x" % (old.tokens["notepad"] | 7))
    with pytest.raises(ProcessNotFound, match=r"it is the token that thread 1132 of svchost.exe \(1120\) impersonates"):
        run_on(again, "dump", "%x" % old.tokens["client-anna"])
    with pytest.raises(ProcessNotFound, match="no process of the list has that address"):
        run_on(again, "dump", "%x" % (old.processes[6104] + 0x20))


def test_bytes_that_are_no_token_are_not_shown_as_one(old: Old) -> None:
    """Where no header can be asked, what would be the type has to be one."""
    again = replayed(old, headers=False)
    assert run_on(again, "dump", "--token", "%x" % old.tokens["notepad"])[0].startswith("TOKEN")
    with pytest.raises(NotAToken, match="its object header cannot be asked"):
        run_on(again, "dump", "--token", "%x" % (old.tokens["notepad"] + 0x10))


def test_impersonation_at_each_level(old: Old) -> None:
    dump = KernelMachine(old).find("1120").dump(False)
    seen = {
        thread.tid: (thread.impersonation.token, thread.impersonation.level, thread.impersonation.effective_only)
        for thread in dump.threads
        if isinstance(thread.impersonation, Impersonation)
    }
    want = next(one for one in MACHINE.processes if one.pid == 1120)
    assert seen == {
        one.tid: (old.tokens[one.impersonates], one.level, one.effective_only)
        for one in want.threads
        if one.impersonates and not one.stale
    }


def test_nothing_here_ends_in_a_library_s_error(old: Old) -> None:
    for text in (
        "0x10",
        "ffffffff",
        "%x" % ROOT[old.layouts.pointer_size],
        "%x" % old.threads[696 if 696 in old.threads else 1132],
    ):
        with pytest.raises(KdTokenError):
            run_on(old, "dump", text)


def test_a_header_that_names_no_type_is_no_token_s(old: Old) -> None:
    """Nothing hides a pointer: a recording that has no type object but the one that was asked for can tell as well."""
    again = replayed(old, headers=True)
    with pytest.raises(NotAToken, match="its object header says something else"):
        run_on(again, "dump", "--token", "%x" % (old.tokens["notepad"] + 0x10))
