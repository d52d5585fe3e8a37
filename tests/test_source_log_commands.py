"""Prompts and commands of a log: what was asked, word by word."""

from typing import Any, List, Optional

import pytest

from kdtoken.source.log.commands import Dt, asked_by, folded, parts_of, split_prompt, value_of

HEAD = 0xFFFFF80312403010
SYMBOLS = {"PsActiveProcessHead": HEAD}


@pytest.mark.parametrize(
    "line, command",
    [
        ("kd> !token", "!token"),
        ("lkd> !token  ", "!token"),
        ("0: kd> !token", "!token"),
        ("1: kd:x86> !token", "!token"),
        ("||0:0: kd> !token", "!token"),
        ("0:000> !token", "!token"),
        ("0:000:x86> !token", "!token"),
        ("kd>", ""),
        ("kd> ", ""),
        ("  kd> dt nt!_X", "dt nt!_X"),
        # Echoed by an engine that a program drives: only what is known here.
        ("dt nt!_TOKEN", "dt nt!_TOKEN"),
        ("  ", None),
        ("dq fffff803`12403010 L2", "dq fffff803`12403010 L2"),
        ("x nt!Ps*", "x nt!Ps*"),
        ("? nt!PsActiveProcessHead", "? nt!PsActiveProcessHead"),
        ("?? sizeof(nt!_TOKEN)", "?? sizeof(nt!_TOKEN)"),
        ("!process 0 0", "!process 0 0"),
        ("!processes", None),
        ("lm m nt", "lm m nt"),
        ("lmvm nt", "lmvm nt"),
        ("lm is a command", None),
        ("version", "version"),
        ("version 3 of it", None),
        ("kdx> !token", None),
        ("the kd> prompt", None),
        ("0:00> x", None),
        ("dt", None),
        ("x marks the spot", None),
    ],
)
def test_a_command_is_what_stands_behind_a_prompt_or_is_known(line: str, command: Optional[str]) -> None:
    assert split_prompt(line) == command


def test_how_numbers_are_written_makes_no_other_command() -> None:
    assert folded("  !Token   0xFFFFA080`11002380  -N ") == folded("!token ffffa08011002380 -n")
    assert folded("!token a0x12") == "!token a0x12"  # no number begins within a word
    assert folded("!token 12") != folded("!token 13")


@pytest.mark.parametrize(
    "command, parts",
    [
        ("dq X; dt Y", ["dq X", "dt Y"]),
        (" dq X ;; ", ["dq X"]),
        ('.printf "a;b"; dq X', ['.printf "a;b"', "dq X"]),
        ("j (1) {a; b} ; dq X", ["j (1) {a; b}", "dq X"]),
        ("? poi(a;b); dq X", ["? poi(a;b)", "dq X"]),
        ("a}; b {c; d}", ["a}", "b {c; d}"]),  # an end without its beginning opens nothing
        ('.echo "{"; dq X', ['.echo "{"', "dq X"]),  # nor does what is quoted
        ('.echo ")}"; r {a; b}', ['.echo ")}"', "r {a; b}"]),
        ("{ {a} ; b }; c", ["{ {a} ; b }", "c"]),
        ("", []),
    ],
)
def test_a_line_is_taken_apart_where_a_semicolon_ends_a_command(command: str, parts: List[str]) -> None:
    assert parts_of(command) == parts


@pytest.mark.parametrize(
    "expression, value",
    [
        ("ffffa080`11002380", 0xFFFFA08011002380),
        ("0xffffa08011002380", 0xFFFFA08011002380),
        ("10", 16),  # plain digits are hexadecimal
        ("0n10", 10),
        ("nt!PsActiveProcessHead", HEAD),
        ("&nt!PsActiveProcessHead", HEAD),
        ("ntkrnlmp!PsActiveProcessHead", HEAD),
        ("nt!PsActiveProcessHead+8", HEAD + 8),
        ("nt!PsActiveProcessHead-0x10+0n16", HEAD),
        ("1-1", None),  # no address
        ("1-2", None),
        ("2-1", 1),
        ("nt!Unknown", None),
        ("win32k!PsActiveProcessHead", None),
        ("@$proc", None),
        ("poi(10)", None),
        ("", None),
    ],
)
def test_an_address_that_can_be_told(expression: str, value: Optional[int]) -> None:
    assert value_of(expression, SYMBOLS) == value


AT = 0xFFFFA08011002380


@pytest.mark.parametrize(
    "command, dt",
    [
        ("dt nt!_TOKEN", Dt("_TOKEN", None, True, False, False)),
        ("dt _TOKEN", Dt("_TOKEN", None, True, False, False)),
        ("dt -v nt!_TOKEN ffffa080`11002380", Dt("_TOKEN", AT, True, False, False)),
        ("dt ffffa080`11002380 nt!_TOKEN", Dt("_TOKEN", AT, True, False, False)),
        ("dt nt!_EPROCESS nt!PsActiveProcessHead-448", Dt("_EPROCESS", HEAD - 0x448, True, False, False)),
        ("dt nt!_TOKEN ffffa080`11002380 -r", Dt("_TOKEN", AT, True, False, True)),
        ("dt nt!_TOKEN -r2", Dt("_TOKEN", None, True, False, True)),
        ("dt -b nt!_TOKEN", Dt("_TOKEN", None, True, False, True)),
        ("dt nt!_TOKEN -v -r", Dt("_TOKEN", None, True, False, True)),
        ("dt nt!_TOKEN -r -v", Dt("_TOKEN", None, True, False, True)),
        # Some fields only, or another shape than one line a member.
        ("dt nt!_EPROCESS Token", Dt("_EPROCESS", None, True, True, False)),
        ("dt nt!_EPROCESS Token ffffa080`11002380", Dt("_EPROCESS", AT, True, True, False)),
        ("dt nt!_EPROCESS ffffa080`11002380 Pcb.", Dt("_EPROCESS", AT, True, True, False)),
        ("dt nt!_EPROCESS Tok*", Dt("_EPROCESS", None, True, True, False)),
        ("dt -y Tok nt!_EPROCESS", Dt("_EPROCESS", None, True, True, False)),
        ("dt nt!_EPROCESS -n Token", Dt("_EPROCESS", None, True, True, False)),
        ("dt -a4 nt!_LUID", Dt("_LUID", None, True, True, False)),
        ("dt -c nt!_LUID", Dt("_LUID", None, True, True, False)),
        ("dt nt!_EPROCESS -l ActiveProcessLinks.Flink", Dt("_EPROCESS", None, True, True, False)),
        ("dt -i nt!_LUID", Dt("_LUID", None, True, True, False)),
        ("dt -s 8 nt!_LUID", None),
        ("dt -o nt!_LUID", Dt("_LUID", None, True, False, False)),  # without offsets: no member line at all
        # An address that cannot be told is none, and no field either.
        ("dt nt!_TOKEN @$t0", Dt("_TOKEN", None, True, False, False)),
        ("dt nt!_TOKEN poi(10)", Dt("_TOKEN", None, True, False, False)),
        ("dt nt!_TOKEN //", Dt("_TOKEN", None, True, False, False)),
        # Of another module's type nothing is known; any case, and each name of the kernel.
        ("dt win32k!_TOKEN", Dt("_TOKEN", None, False, False, False)),
        *(("dt %s!_LUID" % name, Dt("_LUID", None, True, False, False)) for name in
          ("NT", "ntdll", "ntkrnlmp", "ntkrnlpa", "ntoskrnl", "ntkrpamp", "ntkrla57")),
        # Six digits and less may be a name; more are an address.
        ("dt nt!_X 10000", Dt("_X", 0x10000, True, False, False)),
        ("dt nt!_X ffff", Dt("_X", None, True, True, False)),
        ("dt 1000000 nt!_X", Dt("_X", 0x1000000, True, False, False)),
        ("dt ffffff", Dt("ffffff", None, True, False, False)),
        ("dt nt!_X 10000 20000", Dt("_X", 0x10000, True, False, False)),  # the first is the address
        ("dt", None),
        ("dtx nt!_TOKEN", None),
        ("dt ffffa080`11002380", None),
        ("dt -v", None),
        ("dt !!", None),
    ],
)  # fmt: skip
def test_what_a_dt_asks_for(command: str, dt: Optional[Dt]) -> None:
    found = asked_by(command, SYMBOLS).dts
    assert found == (() if dt is None else (dt,))


@pytest.mark.parametrize(
    "command, what",
    [
        ("? nt!SepToken", {"evaluated": "SepToken"}),
        ("? &nt!SepToken", {"evaluated": "SepToken"}),
        ("? nt!SepToken + 8", {}),
        ("? nt!SepToken; dq 1", {}),  # whose output a line is, is not told
        ("?? sizeof(nt!_TOKEN)", {"sizeof": "_TOKEN"}),
        ("?? sizeof(struct nt!_TOKEN)", {"sizeof": "_TOKEN"}),
        ("? @@c++(sizeof(nt!_TOKEN))", {"sizeof": "_TOKEN"}),
        ("? @@(sizeof ( _TOKEN ) )", {"sizeof": "_TOKEN"}),
        ("?? sizeof(nt!_TOKEN) * 2", {}),
        ("?? 1 + sizeof(nt!_TOKEN)", {}),
        ("dq nt!SepToken L1", {"dumped": "SepToken", "dumps": True}),
        ("dq nt!SepToken l1", {"dumped": "SepToken", "dumps": True}),
        ("dps nt!SepToken", {"dumped": "SepToken", "dumps": True}),
        ("dq /c1 nt!SepToken L1", {"dumped": "SepToken", "dumps": True}),
        ("dq /c 1 nt!SepToken L1", {"dumped": "SepToken", "dumps": True}),
        ("dq nt!SepToken+8 L1", {"dumps": True}),
        ("dq nt!SepToken nt!SepToken", {"dumps": True}),  # a range's two ends
        ("dq nt!SepToken L1 x", {"dumps": True}),
        ("dq", {"dumps": True}),
        ("dq nt!SepToken L1; dq nt!SepToken L1", {"dumps": True}),
        ("dq nt!SepToken; r", {}),
        ("ds nt!SepToken", {}),
        # What an extension prints may have the shape of memory and be none.
        ("!vtop 0 1", {"memory": False}),
        ("r; !vtop 0 1", {"memory": False}),
        *((passes, {}) for passes in
          ("!list -x dq 1", "!for_each_process dq 1", "!py a.py", "!dml_proc", "!dd 1", "!dq 1")),
        ("!dqs 1", {"memory": False}),
        ("", {}),
    ],
)  # fmt: skip
def test_what_a_command_line_says_of_its_output(command: str, what: Any) -> None:
    asked = asked_by(command, SYMBOLS)
    plain = {"evaluated": None, "sizeof": None, "dumped": None, "memory": True, "dumps": False}
    assert {name: getattr(asked, name) for name in plain} == {**plain, **what}
