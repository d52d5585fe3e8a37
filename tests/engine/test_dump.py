"""The main job on the genuine engine: every value against the engine's own dt and the declaration.

For each of the six builds.  Slow parts (starting Wine, the engine) are shared by the tests of a build.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

from kdtoken.decode.token import MEMBERS
from kdtoken.layout.dt import parse_dt
from kdtoken.layout.layout import array_of, layout_from_json, size_of
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import FastRef
from kdtoken.model.sid import Sid
from kdtoken.model.token import Token
from kdtoken.symbols.layout_cache import FORMAT, digest_of_file
from tests import expected
from tests.engine.conftest import Lab, make_lab
from tests.engine.dt_values import values
from tests.engine.volatility import Volatility
from tests.engine.windows import Windows, answers, wine_path
from tests.machine.crashdump import write_dump
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.spec import IMPERSONATE, Machine, ThreadSpec
from tests.machine.standin_text import write_standin


def test_the_process_list_is_the_declared_one(lab: Lab, seen: Dict[str, Any]) -> None:
    assert seen["problems"] == []
    declared = [(p.pid, lab.kernel.processes[p.pid]) for p in lab.kernel.machine.processes]
    assert [(d.process.pid, d.process.address) for d in seen["dumps"]] == declared


def test_every_token_equals_its_declaration(lab: Lab, seen: Dict[str, Any]) -> None:
    by_address = {address: key for key, address in lab.kernel.tokens.items()}
    checked = 0
    for dump in seen["dumps"]:
        for token in [dump.token, *dump.tokens.values()]:
            if isinstance(token, Token) and not _partly_gone(token):
                expected.assert_equal(token, lab.kernel, by_address[token.address])
                session = token.logon_session
                for name, value in expected.logon(lab.kernel, token.authentication_id.value).items():
                    assert getattr(session, name) == value, (by_address[token.address], name)
                checked += 1
    assert checked >= 30


def _partly_gone(token: Token) -> bool:
    values = list(vars(token).values()) + list(token.groups)
    return any(isinstance(value, Unreadable) for value in values) or isinstance(token.user, Unreadable)


def test_each_process_has_its_declared_token(lab: Lab, seen: Dict[str, Any]) -> None:
    for dump in seen["dumps"]:
        declared = lab.kernel.machine.process(dump.process.pid)
        ref = dump.process.token
        assert isinstance(ref, FastRef)
        assert ref.object == (lab.kernel.tokens[declared.token] if declared.token and ref.object else 0)


def test_each_image_path_is_the_declared_one(lab: Lab, seen: Dict[str, Any]) -> None:
    for dump in seen["dumps"]:
        assert dump.image_path == (lab.kernel.machine.process(dump.process.pid).path or None)


def test_every_field_of_every_token_equals_the_engines_own_dt(lab: Lab, seen: Dict[str, Any]) -> None:
    layouts = lab.kernel.layouts
    compared: Dict[str, int] = {}
    for address, token in seen["tokens"].items():
        said = values(seen["token_dt"][address])
        for origin in token.origins.values():
            start, _ = _place(layouts.layout, "_TOKEN", origin.field)
            assert origin.address == address + start
            for path, number in said.items():
                if path != origin.field and not path.startswith(origin.field + ".") or "->" in path:
                    continue
                at, kind = _place(layouts.layout, "_TOKEN", path)
                size = size_of(kind, layouts.layout)
                raw = int.from_bytes(origin.raw[at - start : at - start + size], "little")
                assert raw == number % (1 << 8 * size), (hex(address), path)
                compared[path.split(".")[0]] = compared.get(path.split(".")[0], 0) + 1
    # dt shows every member as a number but a string, two arrays of bytes and what has no value of its own.
    members = {field.name for field in layouts.layout("_TOKEN").fields}
    silent = members - set(compared)
    assert silent <= {"TokenSource", "SidHash", "RestrictedSidHash", "CapabilitiesHash", "AuditPolicy"}, silent
    assert {one.path.split(".")[0] for one in MEMBERS} >= members


def _place(resolve: Any, type_name: str, path: str) -> Tuple[int, str]:
    """(offset, type) of a path, from the layout."""
    offset, kind = 0, type_name
    for name in path.split("."):
        member = resolve(kind).field(name)
        offset, kind = offset + member.offset, member.type
    return offset, kind


def test_volatility_sees_the_same_processes_sids_and_privileges(lab: Lab, seen: Dict[str, Any]) -> None:
    judge = Volatility(lab.dump, lab.kernel.layouts, lab.image, lab.folder.parent)
    names = {d.process.pid: d.process.image_name for d in seen["dumps"]}
    listed = {row["PID"]: row["ImageFileName"] for row in judge.rows("windows.pslist")}
    assert set(listed) == set(names)
    for pid, name in listed.items():
        # Volatility shows bytes outside ASCII its own way.
        assert names[pid] == name or "\\x" in names[pid], pid
    sids: Dict[int, list] = {}
    for row in judge.rows("windows.getsids"):
        sids.setdefault(int(str(row["PID"])), []).append(row["SID"])
    held: Dict[int, list] = {}
    for row in judge.rows("windows.privileges"):
        held.setdefault(int(str(row["PID"])), []).append(row)
    judged = 0
    for dump in seen["dumps"]:
        token = dump.token
        if not isinstance(token, Token) or _partly_gone(token):
            continue
        pid = dump.process.pid
        assert sids[pid] == [str(group.sid) for group in token.user_and_groups], names[pid]
        present = {
            int(str(row["Value"])): row["Attributes"]
            for row in held.get(pid, ())
            if "Present" in str(row["Attributes"])
        }
        assert set(present) == {p.number for p in token.privileges if p.present}, names[pid]
        for privilege in token.privileges:
            if privilege.present:
                words = str(present[privilege.number])
                assert ("Enabled" in words) == privilege.enabled, (names[pid], privilege)
                assert ("Default" in words) == privilege.enabled_by_default, (names[pid], privilege)
        judged += 1
    assert judged >= 25


def test_all_sources_of_layouts_agree(lab: Lab, seen: Dict[str, Any]) -> None:
    for name, live in seen["layouts"].items():
        declared = lab.kernel.layouts.layout(name)
        assert live == declared, name
        assert parse_dt(name, seen["dt_v"][name]) == declared, name
        plain = parse_dt(name, seen["dt"][name])
        assert (plain.fields, plain.values) == (declared.fields, declared.values), name


def test_the_ways_in_from_the_debugger(lab: Lab, windows: Windows, seen: Dict[str, Any]) -> None:
    address = lab.kernel.processes[6104]
    commands = [
        ".reload /f nt",
        "!py -m kdtoken.dump notepad.exe",
        "!py kdtoken.dump notepad.exe",
        "!py -m kdtoken.dump %x --json" % address,
        "!py -m kdtoken.dump nopad.exe",
        "!py -m kdtoken.dump svchost.exe",
        "!py -m kdtoken.dump %x" % lab.kernel.processes[6700],
        "!py -m kdtoken.walk",
    ]
    printed = dict(answers(windows.debugger(lab.dump, commands, lab.folder, "bootstrapper", lab.standin)))
    report = printed["!py -m kdtoken.dump notepad.exe"]
    assert report == printed["!py kdtoken.dump notepad.exe"]
    lines = report.split("\n")
    assert lines[0] == "notepad.exe  pid 6104 (0x17d8)  EPROCESS 0x%x" % address
    assert any(line.startswith("  Runs as      ANNA-PC\\Anna") for line in lines)
    assert max(map(len, lines)) < 110
    token = lab.kernel.tokens["notepad"]
    assert "  Token        0x%x, primary; !process agrees" % token in report
    data = json.loads(printed["!py -m kdtoken.dump %x --json" % address])
    assert data["token"]["address"] == hex(token)
    assert Sid.from_text(data["token"]["user"]["sid"]) == Sid.from_text(lab.kernel.machine.tokens["notepad"].user)
    assert "no process has the name nopad.exe" in printed["!py -m kdtoken.dump nopad.exe"]
    assert "notepad.exe" in printed["!py -m kdtoken.dump nopad.exe"]
    assert "processes are called svchost.exe" in printed["!py -m kdtoken.dump svchost.exe"]
    # The engine takes the markup of links and colours, and shows a name that looks like a command as it is.
    hostile = printed["!py -m kdtoken.dump %x" % lab.kernel.processes[6700]]
    assert hostile.startswith('a;.quit"x  pid 6700 (0x1a2c)  EPROCESS 0x%x\n' % lab.kernel.processes[6700])
    listed = printed["!py -m kdtoken.walk"]
    assert '\n6700  a;.quit"x ' in listed
    assert not any(mark in text for text in printed.values() for mark in ("<link", "<col", "&quot;", "&amp;"))


def test_py_runs_as_often_as_one_likes(windows: Windows) -> None:
    """Each !py is a new sub-interpreter, and not every C module of Python can be loaded twice."""
    lab = make_lab("10.0.22000.2538")
    verbs = ["dump notepad.exe", "walk", "dump 1120 --json", "walk --json", "dump 6104 --why", "walk --csv"]
    commands = [".reload /f nt"] + ["!py -m kdtoken." + verb for verb in verbs * 3]
    printed = answers(windows.debugger(lab.dump, commands, lab.folder, "bootstrapper", lab.standin))
    texts = [(command, text) for command, text in printed if command.startswith("!py")]
    assert len(texts) == 18
    for command, text in texts:
        assert "Traceback" not in text and len(text) > 1000, (command, text[:600])
    assert texts[:6] == texts[6:12] == texts[12:]


def test_a_line_longer_than_the_engine_keeps_of_one_write_arrives_whole(windows: Windows, tmp_path: Path) -> None:
    """The engine keeps 16,376 characters of a write; the JSON of a process with 200 impersonating threads is one line."""
    lab = make_lab("10.0.22000.2538")
    threads = (ThreadSpec(1124), *(ThreadSpec(20000 + 4 * at, "client-network", IMPERSONATE) for at in range(200)))
    busy = [replace(one, threads=threads) if one.pid == 1120 else one for one in MACHINE.processes]
    layouts = lab.kernel.layouts
    kernel = build(Machine(tuple(busy), MACHINE.tokens, MACHINE.logon_sessions), layouts, lab.image)
    dump, standin = tmp_path / "busy.dmp", tmp_path / "busy.txt"
    write_dump(kernel, dump)
    write_standin(kernel, standin)
    command = "!py -m kdtoken.walk --json --threads"
    printed = dict(answers(windows.debugger(dump, [".reload /f nt", command], lab.folder, "bootstrapper", standin)))
    text = printed[command]
    assert max(map(len, text.split("\n"))) > 2 * 16376
    (row,) = [one for one in json.loads(text)["processes"] if one["process"]["pid"] == 1120]
    assert [one["tid"] for one in row["threads"]] == [one.tid for one in threads]


def test_types_that_one_py_keeps_serve_the_next(windows: Windows, tmp_path: Path) -> None:
    """What is on the disk is what the build declares, the reports are the same, and a foreign file changes nothing."""
    lab = make_lab("10.0.22000.2538")
    command = "!py -m kdtoken.dump notepad.exe --why"
    env = {"KDTOKEN_CACHE": wine_path(tmp_path)}

    def reports(times: int, env: Dict[str, str]) -> List[str]:
        typed = [".reload /f nt"] + [command] * times
        printed = answers(windows.debugger(lab.dump, typed, lab.folder, "bootstrapper", lab.standin, env))
        return [text for one, text in printed if one == command]

    plain = reports(1, {})
    assert len(plain[0]) > 1000 and not list(tmp_path.iterdir())
    assert reports(2, env) == plain * 2
    # Named by the PDB's GUID and age, and by its contents.
    (file,) = (tmp_path / FORMAT).glob(lab.image.pdb_id + "-*.txt")
    assert file.stem.rpartition("-")[2] == digest_of_file(str(lab.image.pdb))
    kept = [line.split(" ", 3) for line in file.read_text(encoding="ascii").split("\n") if line]
    names = [name for name, _reader, _seal, _body in kept]
    assert {"_EPROCESS", "_ETHREAD", "_TOKEN", "_OBJECT_HEADER", "_SEP_LOGON_SESSION_REFERENCES"} <= set(names)
    assert len(set(names)) == len(names)
    for name, _reader, _seal, body in kept:
        assert layout_from_json(name, json.loads(body)) == lab.kernel.layouts.layout(name)
    file.write_bytes(file.read_bytes().replace(b"UserAndGroups", b"UserAndGroupz").replace(b", 8, ", b", 16, "))
    assert reports(1, env) == plain


def test_pykds_own_py_takes_its_arguments_from_the_alias(lab: Lab, windows: Windows) -> None:
    commands = [
        ".reload /f nt",
        "!py kdtoken.dump notepad.exe",
        "as KDARGS notepad.exe",
        "!py  kdtoken.dump notepad.exe",
        "!py kdtoken.dump notepad.exe --why",
    ]
    printed = answers(windows.debugger(lab.dump, commands, lab.folder, "pykd.pyd"))
    without, with_alias, stale = (text for command, text in printed if command.startswith("!py"))
    assert "destroys its arguments; put them in the alias KDARGS first" in without
    assert "as KDARGS notepad.exe" in without
    assert with_alias.startswith("arguments, from the alias KDARGS: notepad.exe")
    assert "notepad.exe  pid 6104" in with_alias
    assert "2 argument(s) were typed, but the alias KDARGS holds 1" in stale


def test_a_disagreement_with_process_is_shown(lab: Lab, windows: Windows) -> None:
    address, token = lab.kernel.processes[6104], lab.kernel.tokens["notepad"]
    lying = lab.folder / "lying.txt"
    text = lab.standin.read_text(encoding="utf-8")
    assert "%x" % token in text
    lying.write_text(text.replace("%x" % token, "%x" % (token + 0x10)), encoding="utf-8")
    printed = windows.debugger(
        lab.dump, [".reload /f nt", "!py -m kdtoken.dump notepad.exe --all"], lab.folder, "bootstrapper", lying
    )
    assert "!process %x 1: 0x%x, DISAGREES" % (address, token + 0x10) in printed
    assert "one of the two is wrong" in printed


def test_what_a_dump_costs(lab: Lab, seen: Dict[str, Any], record_property: Any) -> None:
    cost = seen["cost"]
    print("\n%s: %s" % (lab.folder.name, cost))
    record_property("cost", cost)
    processes = len(lab.kernel.machine.processes)
    assert cost["walk"] <= processes + 5  # nt's variables lie in five places
    assert cost["requests"] - cost["walk"] <= 25


def test_array_of_is_what_dt_means(seen: Dict[str, Any]) -> None:
    name = seen["layouts"]["_EPROCESS"].field("ImageFileName")
    assert array_of(name.type) == (15, "UChar")
