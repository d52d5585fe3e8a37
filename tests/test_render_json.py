"""JSON: every kind of value has a form, absences say what they are, and the schemas hold for every machine."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kdtoken.decode.process_dump import Tokens
from kdtoken.model.absent import Absent, Unreadable
from kdtoken.model.acl import Ace
from kdtoken.model.luid import Luid
from kdtoken.model.process import Impersonation, ProcessDetails
from kdtoken.model.token import FIELD_NAMES, SidHash, Token
from kdtoken.render.json import named, plain
from tests.expected import FEW_FILES, WINDOWS_11, kernel_of
from tests.machine.declared import MACHINE
from tests.machine.synthetic import SyntheticSource
from tests.schemas import in_place, schema, validator
from tests.verbs import run_on

KERNEL = kernel_of(WINDOWS_11)


@pytest.mark.parametrize(
    "value, form",
    [
        (Unreadable(16, "paged out"), {"unreadable": "0x10", "reason": "paged out"}),
        (Unreadable(16, "r", "do this"), {"unreadable": "0x10", "reason": "r", "hint": "do this"}),
        (Absent("_TOKEN.Package"), {"absent": "_TOKEN.Package"}),
        (None, None),
        (True, True),
        (b"\1\xff", "01ff"),
        (Luid(1, 2), "0x1:2"),
        ((1, "a"), [1, "a"]),
        (2**53 - 1, 2**53 - 1),
        (2**53, "0x20000000000000"),
        (-(2**60), "-0x1000000000000000"),
        (SidHash(1, 16, (0, 2**63)), {"count": 1, "sid_attr": "0x10", "words": ["0x0", "0x8000000000000000"]}),
    ],
)
def test_forms(value: Any, form: Any) -> None:
    assert plain(value) == form
    json.dumps(plain(value))


def test_addresses_are_hexadecimal_and_names_go_beside_numbers() -> None:
    assert plain(16, "address") == "0x10"
    assert named(1, "token_type") == {"value": 1, "words": "Primary"}
    assert named(9, "token_type") == {"value": 9, "words": "unknown (9)"}
    assert named(0x7FFFFFFFFFFFFFFF, "expiration_time") == {"value": "0x7fffffffffffffff", "words": "never"}
    # As the kernel answers of its own token on NT 5.2.
    assert named(-1, "expiration_time") == {"value": "0xffffffffffffffff", "words": "0xffffffffffffffff"}
    assert named(Absent("x"), "flags") == {"absent": "x"}
    assert plain(Impersonation(16, 2, True)) == {
        "token": "0x10",
        "level": {"value": 2, "words": "Impersonation"},
        "effective_only": True,
    }
    assert plain(ProcessDetails(0, 0, 0x41, 1, 16))["protection"] == {
        "value": 0x41,
        "words": "PsProtectedSignerLsa-Light",
    }


def test_an_entry_without_a_mask_has_none() -> None:
    row = plain(Ace(0x99, 0, b"\x99\0\4\0"))
    assert (row["mask"], row["rights"], row["sid"]) == (None, None, None)


def test_what_has_no_form_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="no JSON form for object"):
        plain(object())


@pytest.mark.parametrize("path", FEW_FILES, ids=lambda path: path.stem)
def test_every_process_follows_the_schema(path: Path) -> None:
    source = SyntheticSource(kernel_of(path, everything_there=False)).with_commands()
    check = validator("dump")
    for process in MACHINE.processes[::10]:
        check.validate(json.loads("\n".join(run_on(source, "dump", "%d" % process.pid, "--json", "--why"))))
    walk = json.loads("\n".join(run_on(source, "walk", "--json", "--threads")))
    validator("walk").validate(walk)


def test_every_field_may_be_unreadable_or_absent() -> None:
    found = Tokens(SyntheticSource(KERNEL)).at(KERNEL.tokens["notepad"])
    assert isinstance(found, Token)
    whole = schema("dump")
    token = {"$ref": "#/$defs/token", "$defs": whole["$defs"]}
    check = jsonschema.Draft202012Validator(in_place(token))
    check.validate(plain(found))
    for name in vars(found):
        if name not in FIELD_NAMES:
            continue
        for gap in (Unreadable(16, "paged out"), Absent("_TOKEN.X")):
            assert name in token["$defs"]["token"]["properties"]
            check.validate(plain(replace(found, **{name: gap})))


def test_a_token_by_itself_follows_the_schema() -> None:
    source = SyntheticSource(KERNEL)
    for key in ("bfe", "calculator"):
        data = json.loads("\n".join(run_on(source, "dump", "--json", "--token", "%x" % KERNEL.tokens[key])))
        validator("dump").validate(data)
