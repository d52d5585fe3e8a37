"""Files, names and values that somebody prepared, given to the verbs: one clean answer, or one clean message; no hang."""

import gzip
import json
import lzma
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from kdtoken import audit, diff, dump, explain, lineage, mask, sid, walk
from kdtoken.errors import BadFormat, KdTokenError
from kdtoken.layout.isf import load_isf
from kdtoken.render.walk import csv_text
from tests import starts
from tests.declared_views import collected
from tests.test_layout_isf import SAMPLE

ROOT = Path(__file__).parent.parent
SESSION = ROOT / "fixtures" / "sessions" / "notepad-22000-synthetic.kdtoken.gz"
# Ends a window's title, clears a screen, turns the direction of writing, and looks like nothing.
EVIL = "x\x1b]0;owned\x07\x1b[2J\u202e\u3164\U000e0041\ufff9"
# What no terminal may be sent: C0 but the line's end, C1, and what moves, hides or looks like nothing.
DIRTY = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def said(capsys: Any) -> str:
    """All that was printed, which is clean."""
    out, err = capsys.readouterr()
    both = out + err
    assert DIRTY.search(both) is None, ascii(both)
    assert "Traceback" not in both and "a fault in kdtoken" not in both
    return str(both)


def rows() -> List[Dict[str, Any]]:
    with gzip.open(str(SESSION), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def recording(folder: Path, made: List[Dict[str, Any]], name: str = "a.kdtoken") -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("member", ["source", "build", "made-by"])
@pytest.mark.parametrize("verb", [dump, walk, lineage, audit])
def test_what_a_recording_says_of_itself_is_printed_clean(verb: Any, member: str, tmp_path: Path, capsys: Any) -> None:
    made = rows()
    made[0][member] = EVIL
    words = ["--session", recording(tmp_path, made)] + (["notepad.exe"] if verb in (dump, lineage) else [])
    assert verb.main(words) in (0, 1, 2)
    said(capsys)
    made[0]["kdtoken-session"] = 7
    assert verb.main(["--session", recording(tmp_path, made), *words[2:]]) == 2
    assert "session format 7" in said(capsys)


def test_a_format_that_is_text_is_told_clean(tmp_path: Path, capsys: Any) -> None:
    made = rows()
    made[0]["kdtoken-session"] = EVIL
    assert walk.main(["--session", recording(tmp_path, made)]) == 2
    assert "session format" in said(capsys)


def test_names_of_members_that_nobody_knows_are_printed_clean(tmp_path: Path, capsys: Any) -> None:
    made = rows()
    for row in made:
        if row.get("layout") == "_TOKEN":
            row["fields"].append(["Spare" + EVIL, 0, "Uint4B"])
            row["fields"].append(["Other", 0, EVIL])
    for words in (["notepad.exe"], ["notepad.exe", "--json"], ["notepad.exe", "--all"]):
        assert dump.main(["--session", recording(tmp_path, made), *words]) in (0, 2)
        said(capsys)


@pytest.mark.parametrize(
    "name", ["a\nb\x1b[31m.kdtoken", "\u202egnp.exe.kdtoken", "a\u3164.kdtoken", "a\udcff.kdtoken"]
)
@pytest.mark.skipif(sys.platform == "win32", reason="names that only POSIX can have")
def test_the_name_of_a_file_is_printed_clean(name: str, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.decompress(SESSION.read_bytes()))
    for run in (
        lambda: walk.main([str(path)]),
        lambda: walk.main([str(path), str(SESSION), "--csv"]),
        lambda: walk.main([str(path), str(SESSION), "--json"]),
        lambda: dump.main([str(path), "nobody.exe"]),
        lambda: diff.main(["%s@notepad.exe" % path, "%s@notepad.exe" % SESSION]),
        lambda: walk.main([str(path) + "x"]),
    ):
        assert run() in (0, 1, 2)
        text = said(capsys)
        assert "a\nb" not in text


def test_the_environment_is_no_way_in(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.test_source_crashdump_fuzz import CONTAINERS

    (tmp_path / "a.dmp").write_bytes(CONTAINERS[0])
    monkeypatch.setenv("_NT_SYMBOL_PATH", "srv*%s*http://%s" % (tmp_path / EVIL, EVIL))
    assert walk.main([str(tmp_path / "a.dmp")]) == 2
    said(capsys)


def test_services_and_outputs_that_name_things_are_printed_clean(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "services.txt").write_text("%s\nSpooler\n" % EVIL, encoding="utf-8")
    assert dump.main(["--session", str(SESSION), "notepad.exe", "--services", str(tmp_path / "services.txt")]) in (0, 2)
    said(capsys)


@pytest.mark.parametrize("member", ["id", "sddl", "want", "type", "question", "problem", "reading"])
def test_what_a_file_of_answers_says_is_printed_clean(member: str, tmp_path: Path, capsys: Any) -> None:
    found = json.loads(collected("notepad"))
    check: Dict[str, Any] = {"id": "a", "sddl": "O:SYG:SYD:(A;;0x1f;;;WD)", "want": "maximum", "type": "file"}
    check.update({"wish": 0x2000000, "status": 0, "granted": 31, "privileges_used": 0, member: EVIL})
    (tmp_path / "a.json").write_text(json.dumps({**found, "checks": [check]}))
    assert explain.main(["--against", str(tmp_path / "a.json")]) in (0, 1, 2)
    said(capsys)


@pytest.mark.parametrize(
    "text", ["D:(A;;FA;;;%s)" % EVIL, "O:%sD:" % EVIL, EVIL, 'D:(XA;;FA;;;WD;(@User.%s=="x"))' % EVIL]
)
def test_a_descriptor_that_is_none_is_told_clean(text: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.sddl").write_text(text, encoding="utf-8")
    for given in (text, str(tmp_path / "a.sddl")):
        words = ["--session", str(SESSION), "notepad.exe", "--to", given, "--type", "file", "--want", "read"]
        assert explain.main(words) in (0, 2, 3)
        said(capsys)


def test_what_is_typed_is_printed_clean(capsys: Any) -> None:
    assert sid.main([EVIL]) == 2
    said(capsys)
    assert mask.main([EVIL, "file"]) == 2
    said(capsys)
    assert mask.main(["0x1", EVIL]) == 2
    said(capsys)
    for option in ("--user", "--integrity"):
        assert walk.main(["--session", str(SESSION), option, EVIL]) in (0, 2)
        said(capsys)


@pytest.mark.parametrize("digits", ["\uff16\uff11\uff10\uff14", "6_104", " 6104 ", "+6104", "\u0666\u0661\u0660\u0664"])
def test_digits_of_other_scripts_are_no_pid_and_no_sid(digits: str, capsys: Any) -> None:
    dump.main(["--session", str(SESSION), digits])
    said(capsys)
    assert sid.main(["S-1-5-%s" % digits.replace(" ", "\u2003")]) == 2
    said(capsys)


# Excel takes the fullwidth forms as it takes the plain ones (OWASP, "CSV Injection").
@pytest.mark.parametrize("separator", list(",;\t|: ^"))
@pytest.mark.parametrize("sign", list("=+-@\uff1d\uff0b\uff0d\uff20"))
def test_a_cell_is_inert_whatever_separates_cells(sign: str, separator: str) -> None:
    text = "\n".join(csv_text([["%scmd|'/C calc'!A0" % sign, "y%s%scmd|'/C calc'!A0" % (separator, sign)]]))
    # Wherever a cell may begin: at a line or at a separator, in quotes or not.
    for cell in re.split("[,;\t|:^\n ]", text):
        assert cell.lstrip('"')[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20"), text


def number(digits: str) -> str:
    return '{"kdtoken-session": %s, "source": "x", "build": "y", "synthetic": true, "made-by": "z"}\n' % digits


@pytest.mark.parametrize("digits", ["9" * 5000, "1" + "0" * 400 + ".5", "-" + "9" * 5000, "1e999", "NaN", "-Infinity"])
def test_a_number_of_thousands_of_digits_is_one_message(digits: str, tmp_path: Path, capsys: Any) -> None:
    for name, text, run in (
        ("a.kdtoken", number(digits), lambda path: walk.main(["--session", path])),
        ("a.kdtoken", number("1") + '{"memory": %s, "bytes": "00"}\n' % digits, lambda path: walk.main(["--session", path])),
        ("a.kdtoken", number("1") + '{"layout": "_X", "size": %s, "fields": []}\n' % digits, lambda path: walk.main([path])),
        ("a.json", '{"kdtoken-collect": 1, "pid": %s}' % digits, lambda path: dump.main([path])),
        ("a.json", '{"machines": [{"findings": [{"identity": %s}]}]}' % digits, lambda path: audit.main([str(SESSION), "--baseline", path])),
        ("a.json", '{"checks": [{"status": %s}]}' % digits, lambda path: explain.main(["--against", path])),
    ):  # fmt: skip
        (tmp_path / name).write_text(text)
        assert run(str(tmp_path / name)) in (0, 1, 2), (name, text[:80])
        assert "digits" not in said(capsys).replace(digits, "")


@pytest.mark.parametrize("table", ["user_types", "base_types", "enums", "symbols", "metadata"])
@pytest.mark.parametrize("value", [None, True, 7, "x", [], [[]], 1.5])
def test_a_table_of_an_isf_that_is_none_is_refused(table: str, value: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({**SAMPLE, table: value}))
    with pytest.raises(BadFormat):
        load_isf(tmp_path / "a.json").names()


STRUCTS = {
    "itself": {"_TOKEN": {"kind": "struct", "size": 8, "fields": {"m": {"offset": 0, "type": {"kind": "struct", "name": "_TOKEN"}}}}},
    "each other": {
        "_TOKEN": {"kind": "struct", "size": 8, "fields": {"m": {"offset": 0, "type": {"kind": "struct", "name": "_B"}}}},
        "_B": {"kind": "struct", "size": 8, "fields": {"m": {"offset": 0, "type": {"kind": "struct", "name": "_TOKEN"}}}},
    },
}  # fmt: skip


@pytest.mark.parametrize("which", sorted(STRUCTS))
def test_a_struct_that_holds_itself_is_read_or_refused(which: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({**SAMPLE, "user_types": {**SAMPLE["user_types"], **STRUCTS[which]}}))
    isf = load_isf(tmp_path / "a.json")
    try:
        isf.layouts(["_TOKEN"], "10.0")
    except KdTokenError as error:
        assert str(error)


@pytest.mark.parametrize("kind", ["_TOKEN", "_EPROCESS", "_LUID", "_LIST_ENTRY"])
def test_a_recorded_struct_that_holds_itself_is_one_message(kind: str, tmp_path: Path, capsys: Any) -> None:
    made = rows()
    for row in made:
        if row.get("layout") == kind:
            row["fields"] = [[name, offset, kind] for name, offset, _ in (one[:3] for one in row["fields"])]
    assert dump.main(["--session", recording(tmp_path, made), "notepad.exe"]) in (0, 2)
    said(capsys)


@pytest.mark.parametrize(
    "text", ["[4294967295] [4294967295] Uint8B", "[-5] Uint4B", "[9] " * 500 + "Uint4B", "Ptr64 " * 500 + "Void"]
)
def test_an_array_of_no_size_that_memory_has_is_one_message(text: str, tmp_path: Path, capsys: Any) -> None:
    for kind in ("_TOKEN", "_EPROCESS"):
        made = rows()
        for row in made:
            if row.get("layout") == kind:
                row["fields"] = [[one[0], one[1], text, *one[3:]] for one in row["fields"]]
        assert dump.main(["--session", recording(tmp_path, made), "notepad.exe"]) in (0, 2)
        said(capsys)


@pytest.mark.parametrize(
    "address", ["0x1_000", "\uff10x10", "-0x10", " 0x10", "0xfffffffffffffff0", "1" * 5000, "0x" + "f" * 17]
)
def test_an_address_that_is_none_is_a_damaged_line(address: str, tmp_path: Path, capsys: Any) -> None:
    made = rows() + [{"memory": address, "bytes": "00" * 64}]
    assert walk.main(["--session", recording(tmp_path, made)]) == 2
    assert "line %d is damaged" % len(made) in said(capsys)


def test_an_xz_that_wants_a_dictionary_of_gigabytes_is_not_given_it(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(json.dumps(SAMPLE).encode(), format=lzma.FORMAT_XZ, filters=filters))
    # The block's header: size, flags, filter's id, size of its properties, dictionary (40: 4 GB - 1); then its CRC.
    assert data[12:16] == b"\2\0\x21\1"
    data[16] = 40
    import zlib

    data[20:24] = zlib.crc32(bytes(data[12:20])).to_bytes(4, "little")
    (tmp_path / "a.json.xz").write_bytes(bytes(data))
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from kdtoken.layout.isf import load_isf; from kdtoken.errors import KdTokenError\n"
        "try: load_isf(sys.argv[1]).names(); print('read')\n"
        "except KdTokenError as error: print('refused', error)"
    )
    if sys.platform == "linux":
        run = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "a.json.xz")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=str(ROOT), universal_newlines=True, timeout=60,
        )  # fmt: skip
        assert run.stdout.startswith(("read", "refused")), run.stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="FIFOs and devices as POSIX has them")
@pytest.mark.parametrize("kind", ["fifo", "/dev/zero", "folder", "loop", "socket"])
@pytest.mark.parametrize(
    "words",
    [
        ["walk", "{}"],
        ["walk", "--session", "{}"],
        ["walk", "--log", "{}"],
        ["walk", "--dump", "{}"],
        ["dump", "{}"],
        ["dump", "SESSION", "notepad.exe", "--services", "{}"],
        ["audit", "SESSION", "--baseline", "{}"],
        ["explain", "--against", "{}"],
        ["explain", "SESSION", "notepad.exe", "--to", "{}", "--type", "file", "--want", "read"],
        ["walk", "DUMP", "--symbols", "{}"],
        ["diff", "{}", "SESSION"],
        ["lake", "{}", "ask", "SELECT 1"],
        ["lake", "LAKE", "add", "{}"],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_what_is_no_file_is_not_waited_for(kind: str, words: List[str], tmp_path: Path) -> None:
    from tests.test_source_crashdump_fuzz import CONTAINERS

    path = kind if kind.startswith("/dev") else str(tmp_path / "thing")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    elif kind == "loop":
        os.symlink(path, path)
    elif kind == "socket":
        import socket

        socket.socket(socket.AF_UNIX).bind(path)
    (tmp_path / "a.dmp").write_bytes(CONTAINERS[0])
    places = {"SESSION": str(SESSION), "DUMP": str(tmp_path / "a.dmp"), "LAKE": str(tmp_path / "lake")}
    run = starts.run([places.get(word, word.replace("{}", path)) for word in words], limits=_little_memory())
    assert run.returncode in (0, 1, 2) and "Traceback" not in run.stderr, run.stderr
    if run.returncode == 2:
        assert run.stderr.startswith("kdtoken: "), run.stderr
        assert "memory" not in run.stderr or "image" in run.stderr, run.stderr


def _little_memory() -> starts.Limits:
    import resource

    return {resource.RLIMIT_AS: (2 << 30, 2 << 30)}


def test_a_text_packed_many_times_is_one_message(tmp_path: Path, capsys: Any) -> None:
    data = b"kd> !process 0 0\n"
    for _ in range(30):
        data = gzip.compress(data)
    (tmp_path / "a.log.gz").write_bytes(data)
    assert walk.main([str(tmp_path / "a.log.gz")]) == 2
    said(capsys)


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        "[]",
        "7",
        '{"kdtoken-lake": %s}' % ("[" * 3000),
        '{"kdtoken-lake": "\\u001b[2J"}',
        '{"kdtoken-lake": 1e999}',
        "",
    ],
)
def test_the_marker_of_a_lake_that_is_none_is_one_message(document: str, tmp_path: Path, capsys: Any) -> None:
    from kdtoken import lake

    pytest.importorskip("duckdb")
    (tmp_path / "kdtoken-lake.json").write_text(document)
    assert lake.main([str(tmp_path), "ask", "SELECT 1"]) == 2
    said(capsys)


def test_names_of_folders_in_a_lake_are_printed_clean(tmp_path: Path, capsys: Any) -> None:
    from kdtoken import lake

    pytest.importorskip("duckdb")
    assert lake.main([str(tmp_path / "L"), "add", str(SESSION)]) in (0, 1)
    capsys.readouterr()
    part = next((tmp_path / "L" / "sources").rglob("*.parquet"))
    part.write_bytes(b"PAR1" + os.urandom(64))
    for words in (
        ["ask", "SELECT * FROM running"],
        ["ask", "SELECT '%s'" % EVIL.replace("\x00", "")],
        ["ask", EVIL],
        ["ask", "SELECT '%s'" % EVIL, "--csv"],
    ):
        assert lake.main([str(tmp_path / "L"), *words]) in (0, 1, 2)
        said(capsys)
