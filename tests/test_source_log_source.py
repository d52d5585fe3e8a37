"""A saved log as a target: prompts, commands, types, symbols, machines, and text that is none of it."""

import gzip
import re
from pathlib import Path
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.decode.process_dump import Tokens, dump_process
from kdtoken.dump import main
from kdtoken.errors import BadFormat, KdTokenError, NoCommands, NothingPrinted, SymbolNotFound, TypeNotFound
from kdtoken.layout.layout_file import load_layouts
from kdtoken.machine.kernel import find_process
from kdtoken.model.absent import Unreadable
from kdtoken.model.process import ProcessDump
from kdtoken.model.token import Token
from kdtoken.source.cached import CachedSource
from kdtoken.source.log import listing, scan
from kdtoken.source.log.source import LogSource
from tests.engine.conftest import ROOT
from tests.machine.declared import MACHINE
from tests.machine.kernel import build
from tests.machine.synthetic import SyntheticSource

LOGS = sorted((ROOT / "fixtures" / "logs").glob("capture-*.log.gz"))
LUID = "struct _LUID, 2 elements, 0x8 bytes\n   +0x000 LowPart          : Uint4B\n   +0x004 HighPart         : Int4B\n"
BANNER = "Windows 10 Kernel Version 22000 MP (4 procs) Free x64\n"
BASE = "Kernel base = 0xfffff803`12400000 PsLoadedModuleList = 0xfffff803`12403010\n"


def log(folder: Path, text: str, name: str = "one.log", encoding: str = "latin-1") -> LogSource:
    (folder / name).write_bytes(text.encode(encoding))
    return LogSource([str(folder / name)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(params=LOGS, ids=[path.name for path in LOGS])
def captured(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A log that vm/capture.wds wrote on the bench."""
    path = tmp_path / request.param.name[:-3]
    path.write_bytes(gzip.decompress(request.param.read_bytes()))
    return path


def test_a_captured_log_gives_the_whole_dump(captured: Path) -> None:
    """Equal to what the same kernel says when it is asked directly; the bench compares with the live engine."""
    build_name = captured.name.split("-")[1]
    kernel = build(MACHINE, load_layouts(ROOT / "fixtures" / "layouts" / ("nt-%s.json" % build_name)))
    direct = dump_of(CachedSource(SyntheticSource(kernel)))
    logged = dump_of(CachedSource(LogSource([str(captured)])))
    assert isinstance(logged.token, Token) and isinstance(direct.token, Token)
    assert logged.token.user_and_groups == direct.token.user_and_groups
    assert logged.token.privileges == direct.token.privileges
    assert not any(isinstance(value, Unreadable) for value in vars(logged.token).values())
    assert isinstance(logged.linked, Token)


def dump_of(target: CachedSource) -> ProcessDump:
    found, others, _ = find_process(target, "notepad.exe")
    return dump_process(Tokens(target), found, tuple(others), False)


def test_the_verb_reads_it(captured: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--log", str(captured), "notepad.exe"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("notepad.exe  pid 6104")
    assert "SYNTHETIC" in shown
    assert "log %s" % captured.name in shown


@pytest.mark.parametrize(
    "prompt",
    ["kd> ", "0: kd> ", "lkd> ", "1: kd:x86> ", "||0:0: kd> ", "16.0: kd:x86> ", "  kd> ", "0:000> ", "kd>", "3: kd> "],
)
def test_every_prompt(folder: Path, prompt: str) -> None:
    target = log(
        folder,
        "%s? nt!PsActiveProcessHead\nEvaluate expression: -8782901923840 = fffff803`12403000\n%s!Token  0x1`2  -n\n"
        "_TOKEN 0x12\n\n%s\n" % (prompt, prompt, prompt),
    )
    assert target.symbol("nt!PsActiveProcessHead") == 0xFFFFF80312403000
    assert target.command("!token 12 -N") == "_TOKEN 0x12\n\n"
    with pytest.raises(NoCommands):
        target.command("!token 13")


def test_symbols_from_every_command(folder: Path) -> None:
    target = log(
        folder,
        """kd> x nt!Ps*
fffff803`12403000 nt!PsActiveProcessHead = struct _LIST_ENTRY [ 0xffffa080`110014a8 - 0xffffa080`110514a8 ]
82f7c5b8          nt!PsLow = <no type information>
kd> dq nt!SepLogonSessions L1
fffff803`12403050  ffffcc8a`14200090
kd> dps fffff803`12403470 L1
fffff803`12403470  fffff803`12500000 nt!KeBugCheckEx
kd> ln fffff803`12500010
(fffff803`12500010)   nt!KeBugCheck2   |  (fffff803`12500400)   nt!KeBugCheck3
kd> ? nt!PsNone
Couldn't resolve error at 'nt!PsNone'
kd> dd nt!PsNone2 + 4
fffff803`12600000  00000001
""",
    )
    assert target.symbol("PsActiveProcessHead") == 0xFFFFF80312403000
    assert target.read(0xFFFFF80312403000, 8) == (0xFFFFA080110014A8).to_bytes(8, "little")
    assert target.symbol("SepLogonSessions") == 0xFFFFF80312403050
    assert target.symbol("KeBugCheckEx") == 0xFFFFF80312500000
    assert target.symbol("KeBugCheck2") == 0xFFFFF80312500010
    assert target.symbol("KeBugCheck3") == 0xFFFFF80312500400
    with pytest.raises(SymbolNotFound, match="nt has no symbol PsNone"):
        target.symbol("PsNone")
    with pytest.raises(SymbolNotFound) as caught:
        target.symbol("nt!PsNone2")
    assert caught.value.next_step == "x nt!PsNone2"


def test_types_and_values(folder: Path) -> None:
    target = log(
        folder,
        "0: kd> dt -v nt!_LUID; dt nt!_EX ffffa080`11002380\n"
        + LUID
        + """nt!_EX
   +0x000 Id               : _LUID
      +0x000 LowPart          : 0x3e7
      +0x004 HighPart         : 0n-1
   +0x008 List             : _LIST_ENTRY [ 0xffffa080`110054a8 - 0xfffff803`12403000 ]
   +0x018 Name             : [8]  "cmd"
   +0x020 Bits             : 0y101
   +0x028 Who              : 0x00000000`00000004 Void
0: kd> dt _EX
nt!_EX
   +0x000 Id               : _LUID
   +0x008 List             : _LIST_ENTRY
   +0x018 Name             : [8] UChar
   +0x020 Bits             : Pos 0, 3 Bits
   +0x028 Who              : Ptr64 Void
0: kd> ?? sizeof(nt!_EX)
unsigned int64 0x30
0: kd> dt nt!_EPROCESS Token
   +0x4b8 Token : _EX_FAST_REF
0: kd> dt nt!_NONE
Symbol nt!_NONE not found.
""",
    )
    layout = target.layout("_EX")
    assert (layout.size, [field.name for field in layout.fields]) == (0x30, ["Id", "List", "Name", "Bits", "Who"])
    assert target.layout("_LUID").size == 8
    at = 0xFFFFA08011002380
    assert target.read(at, 8) == bytes.fromhex("e7030000ffffffff")
    assert target.read(at + 8, 8) == (0xFFFFA080110054A8).to_bytes(8, "little")
    assert target.read(at + 0x18, 4) == b"cmd\0"
    assert target.read(at + 0x28, 8) == bytes([4] + [0] * 7)
    for missing in (at + 0x1C, at + 0x20):
        with pytest.raises(KdTokenError):
            target.read(missing, 1)
    with pytest.raises(TypeNotFound, match="only some fields") as caught:
        target.layout("_EPROCESS")
    assert caught.value.next_step == "dt -v nt!_EPROCESS"
    with pytest.raises(TypeNotFound, match="no type _NONE"):
        target.layout("_NONE")
    assert target.where(at) == "one.log, line 7" and target.where(at + 0x20) is None


def test_nested_listings_give_inner_types(folder: Path) -> None:
    target = log(
        folder,
        """1:kd> dt nt!_OUT -r
   +0x000 Id               : _LUID
      +0x000 LowPart          : Uint4B
      +0x004 HighPart         : Int4B
   +0x008 Next             : Ptr64 _NODE
      +0x000 Kind             :
         KindA = 0n0
         KindB = 0n1
      +0x008 Many             : [2] _LUID
         +0x000 LowPart          : Uint4B
         +0x004 HighPart         : Int4B
   +0x010 Last             : UChar
""",
    )
    assert [f.type for f in target.layout("_OUT").fields] == ["_LUID", "Ptr64 _NODE", "UChar"]
    assert [f.type for f in target.layout("_NODE").fields] == ["Uint4B", "[2] _LUID"]
    assert target.layout("_LUID").size is None


def test_a_cut_listing_is_no_type(folder: Path) -> None:
    for text in (
        "kd> dt -v nt!_LUID\n" + LUID[:70],
        "kd> dt nt!_LUID\n" + LUID[36:60],
        "kd> dt nt!_X\n   +0x000 A : Uint4B\n   [...]\n   +0x008 B : Uint4B\n",
    ):
        target = log(folder, text)
        with pytest.raises(TypeNotFound):
            target.layout("_X" if "_X" in text else "_LUID")
    assert "cut in the middle of a line" in log(folder, "kd> dt -v nt!_LUID\n" + LUID[:70]).about.source


@pytest.mark.parametrize(
    "second",
    [
        BANNER.replace("22000", "19041"),
        BASE.replace("12400000", "11800000"),
        "fffff803`aa400000 fffff803`aa404000   nt       (pdb symbols)\n",
        "Connected to Windows 10 19041 x64 target at (Thu Dec  9 22:30:54.719 2021 (UTC + 7:00)), ptr64 TRUE\n",
    ],
)
def test_two_machines_are_refused(folder: Path, second: str) -> None:
    text = BANNER + BASE + "kd> g\n" + second
    with pytest.raises(BadFormat, match=r"one.log, line \d.* and .*one.log, line 4") as caught:
        log(folder, text)
    assert "FILE:FIRST-LAST" in caught.value.next_step
    assert LogSource([str(folder / "one.log:1-3")]).about.build == "10.0.22000"


def test_several_files_are_one_machine(folder: Path) -> None:
    log(folder, BANNER + "kd> dt -v nt!_LUID\n" + LUID, "a.log")
    (folder / "b.log").write_text(BANNER + "fffff803`12403050  ffffcc8a`14200090\n")
    target = LogSource([str(folder / "a.log"), str(folder / "b.log")])
    assert target.layout("_LUID").size == 8
    assert target.where(0xFFFFF80312403050) == "b.log, line 2"
    assert target.about.source == "log a.log, b.log"


@pytest.mark.parametrize(
    "encoding, mark",
    [
        ("utf-16-le", "\ufeff"),
        ("utf-16-be", "\ufeff"),
        ("utf-16-le", ""),
        ("utf-8", "\ufeff"),
        ("cp850", ""),
        ("utf-8", ""),
    ],
)
def test_encodings(folder: Path, encoding: str, mark: str) -> None:
    text = (
        mark
        + "kd> !token 1\r\n_TOKEN \u00fcber\r\nkd> dt -v nt!_LUID\r\n"
        + LUID.replace("\n", "\r\n")
        + "kd> dq fffff80312403050 L1\r\nfffff803`12403050  ffffcc8a`14200090\r\n"
        + "kd> .logclose\r\n"
    )
    target = log(folder, text, "enc.log", encoding)
    assert target.layout("_LUID").size == 8
    assert target.where(0xFFFFF80312403050) == "enc.log, line 8"
    shown = target.command("!token 1")
    assert shown.startswith("_TOKEN ") and shown.endswith("ber\n")
    assert "\u00fc" in shown or encoding == "cp850"


def test_nuls_and_old_line_ends(folder: Path) -> None:
    target = log(folder, "\0\0" * 20 + "kd> dt -v nt!_LUID\r" + LUID.replace("\n", "\r") + "\0" * 9)
    assert target.layout("_LUID").size == 8


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "is empty"),
        (b"\r\n \0\0", "is empty"),
        (bytes(range(256)) * 40, "binary file"),
        (b"Dear all,\nplease find the minutes.\n", "holds nothing"),
    ],
)
def test_what_is_no_log(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "odd.log").write_bytes(data)
    with pytest.raises(BadFormat, match=words):
        LogSource([str(tmp_path / "odd.log")])


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadFormat, match="cannot read the log"):
        LogSource([str(tmp_path / "none.log")])
    with pytest.raises(BadFormat, match="counted from 1"):
        LogSource([str(tmp_path / "none.log:9-3")])


def test_a_log_of_processes_alone_is_no_empty_one(folder: Path) -> None:
    """What they are, the readers of text say (machine/text.py); here it counts as something that a kernel printed."""
    made = log(folder, "PROCESS ffffe68900001080  SessionId: 1  Cid: 17d8    Peb: 5c000  ParentCid: 0f14\n")
    assert not made.is_capture and not made.has_banner
    with pytest.raises(NothingPrinted):
        log(folder, "PROCESS of thought\n    Image: System\n")


def test_progress_and_long_lines(folder: Path) -> None:
    seen: List[int] = []
    (folder / "long.log").write_bytes(b"x" * 3_000_000 + b"\nkd> dt -v nt!_LUID\n" + LUID.encode() + b"y" * 3_000_000)
    target = LogSource([str(folder / "long.log")], lambda done, size: seen.append(done))
    assert target.layout("_LUID").size == 8
    assert seen == sorted(seen) and seen[-1] == (folder / "long.log").stat().st_size


PIECES = st.sampled_from(
    [
        "kd> ",
        "0: kd>",
        "dt nt!_X ffffa080`11002380",
        "dt -r",
        "\n",
        "\r\n",
        "   +0x008 A : ",
        "Uint4B",
        "_LUID",
        "ffffa080`11002380  ",
        "00000001 ",
        "????????`????????",
        "struct _X, 3 elements, 0x10 bytes",
        "x nt!Y",
        "Evaluate expression: 1 = ",
        "fffff803`12403000",
        " nt!Y = ",
        "PROCESS ",
        "Cid: ",
        "[3] ",
        '"ab"',
        "0n-5",
        "0y1",
        "(null)",
        "   A = 0n1",
        "Enum _E,  2 total enums",
        "-> ",
        ";",
        "\0",
        "Ptr64 ",
        "Kernel base = 0x",
        "Windows 10 Kernel Version 22000 ",
        "nt!_X",
        "0x",
        "\xff",
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=60))
def test_no_text_raises_anything_else(folder: Path, pieces: List[str]) -> None:
    (folder / "fuzz.log").write_bytes("".join(pieces).encode("utf-8", "surrogatepass"))
    try:
        target = LogSource([str(folder / "fuzz.log")])
    except KdTokenError:
        return
    for question in (
        lambda: target.read(0xFFFFA08011002380, 24),
        lambda: target.layout("_X"),
        lambda: target.symbol("Y"),
        lambda: target.command("dt nt!_X ffffa08011002380"),
        target.conflicts,
    ):
        try:
            question()
        except KdTokenError:
            pass


@given(st.data())
def test_damaged_captures(folder: Path, data: st.DataObject) -> None:
    """A real log with bytes changed and lines cut never raises anything else, and never invents a machine."""
    whole = gzip.decompress(LOGS[0].read_bytes())[:20000]
    at = data.draw(st.integers(0, len(whole)))
    cut = data.draw(st.integers(0, 400))
    (folder / "hurt.log").write_bytes(whole[:at] + data.draw(st.binary(max_size=20)) + whole[at + cut :])
    try:
        LogSource([str(folder / "hurt.log")])
    except KdTokenError as error:
        assert not re.search("two (builds|kernels)", str(error)) or at < 2000


@pytest.mark.parametrize(
    "flink, blink, size",
    [
        ("0xffffa080`110010c8", "0xffffa080`110027c8", 8),
        ("0xffffa080110010c8", "0xffffa080110027c8", 8),  # the back-quotes lost on the way
        ("0x86a010c8", "0x86a027c8", 4),
    ],
)
def test_the_two_pointers_of_a_list_head(folder: Path, flink: str, blink: str, size: int) -> None:
    text = "kd> x nt!PsActiveProcessHead\nfffff803`12403010 nt!PsActiveProcessHead = struct _LIST_ENTRY [ %s - %s ]\n"
    target = log(folder, text % (flink, blink), "head.log")
    want = b"".join(int(one.replace("`", ""), 16).to_bytes(size, "little") for one in (flink, blink))
    assert target.read(0xFFFFF80312403010, 2 * size) == want


def test_pointers_of_two_widths_give_no_memory(folder: Path) -> None:
    """A damaged line: half of it would pass for an address."""
    line = "fffff803`12403010 nt!PsActiveProcessHead = struct _LIST_ENTRY [ 0x86a010c8 - 0xffffa080`110027c8 ]"
    target = log(folder, "kd> x nt!PsActiveProcessHead\n%s\n" % line, "widths.log")
    assert target.symbol("PsActiveProcessHead") == 0xFFFFF80312403010
    with pytest.raises(KdTokenError):
        target.read(0xFFFFF80312403010, 8)
    listing = "   +0x448 ActiveProcessLinks : _LIST_ENTRY [ 0xffffa080 - 0xffffa080`110027c8ffff ]"
    log(folder, "kd> dt nt!_EPROCESS ffffa08011044060\n%s\n" % listing, "listing.log")


def test_an_unnamed_union_at_the_end_of_a_listing_is_one_of_its_elements(folder: Path) -> None:
    """As dbgeng 10.0.15063 prints it: the header counts it, and it has no offset."""
    listing = (
        "struct _EX_FAST_REF, 4 elements, 0x4 bytes\n"
        "   +0x000 Object           : Ptr32 to Void\n"
        "   +0x000 Value            : Uint4B\n"
        "   +0x000 RefCnt           : Bitfield Pos 0, 3 Bits\n"
        "union , 3 elements, 0x4 bytes\n"
    )
    target = log(folder, "kd> dt -v nt!_EX_FAST_REF\n" + listing + "kd> dt -v nt!_LUID\n" + LUID)
    assert target.layout("_EX_FAST_REF").field("RefCnt").bits == (0, 3)
    assert target.layout("_LUID").size == 8
    # A member less is still a listing that was cut.
    cut = "".join(line + "\n" for line in listing.splitlines() if "Value" not in line and "RefCnt" not in line)
    with pytest.raises(TypeNotFound, match="1 of its 4 members"):
        log(folder, "kd> dt -v nt!_EX_FAST_REF\n" + cut, "cut.log").layout("_EX_FAST_REF")


@pytest.mark.parametrize("mark", ["   ......", "   <--- Truncated --->", "(snip)", "\u2026"])
def test_a_listing_that_its_author_cut_is_a_part_of_the_type(mark: str, folder: Path) -> None:
    whole = "kd> dt nt!_LUID\n   +0x000 LowPart          : Uint4B\n   +0x004 HighPart         : Int4B\n"
    cut = (
        "kd> dt nt!_TOKEN\n   +0x000 TokenSource      : _TOKEN_SOURCE\n   +0x010 TokenId          : _LUID\n%s\n" % mark
    )
    found = log(folder, cut + whole, "cut.log", "utf-8")
    with pytest.raises(TypeNotFound, match=r"ends at \+0x010"):
        found.layout("_TOKEN")
    assert len(found.layout("_LUID").fields) == 2


def test_a_recursive_listing_with_the_values_of_an_enum_is_one_type(folder: Path) -> None:
    values = "%s   TokenPrimary = 0n1\n%s   TokenImpersonation = 0n2\n"
    text = (
        "kd> dt nt!_TOKEN -r\n   +0x000 TokenType        : \n"
        + values % ("   ", "   ")
        + "   +0x008 TrustLinkedToken : Ptr64 _TOKEN\n"
        "      +0x000 TokenType        : \n"
        + values
        % ("      ", "      ")
        + "      +0x008 TrustLinkedToken : Ptr64 _TOKEN\n"
        "         +0x000 TokenType        : _TOKEN_TYPE\n"
        "         +0x008 TrustLinkedToken : Ptr64 _TOKEN\n"
    )
    fields = log(folder, text, "recursive.log").layout("_TOKEN").fields
    assert [(one.name, one.offset, one.type) for one in fields] == [
        ("TokenType", 0, "_TOKEN_TYPE"),
        ("TrustLinkedToken", 8, "Ptr64 _TOKEN"),
    ]


def test_a_listing_of_more_members_than_any_struct_has_is_no_layout(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_MOST_MEMBERS", 5)
    rows = ["   +0x%03x M%d : Uint4B" % (4 * n, n) for n in range(7)]
    long = "kd> dt -v nt!_X\nstruct _X, 7 elements, 0x1c bytes\n%s\n" % "\n".join(rows)
    source = log(folder, BANNER + long + "kd> dt -v nt!_LUID\n" + LUID)
    with pytest.raises(TypeNotFound, match="does not show all of the type _X"):
        source.layout("_X")
    assert source.layout("_LUID").size == 8
    exact = long.replace("7 elements", "5 elements").replace("\n".join(rows), "\n".join(rows[:5]))
    assert len(log(folder, BANNER + exact).layout("_X").fields) == 5


def test_more_commands_than_any_session_has_are_refused_with_a_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_MOST_COMMANDS", 3)
    text = BANNER + "".join("kd> !foo %d\n" % n for n in range(4))
    with pytest.raises(BadFormat, match="over 3 commands") as caught:
        log(folder, text)
    assert "FILE:FIRST-LAST" in str(caught.value)
    same = BANNER + "kd> !process 0 0\nx\n" * 5  # one command, asked again and again
    assert log(folder, same).command("!process 0 0").startswith("x")
