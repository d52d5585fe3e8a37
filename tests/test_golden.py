"""What the verbs print, compared with fixtures/golden/, which people have read."""

import gzip
import json
from typing import Any

import jsonschema
import pytest

from tests.expected import FILES as LAYOUTS
from tests.expected import kernel_of
from tests.golden import GOLDEN, files
from tests.machine.synthetic import SyntheticSource
from tests.schemas import RENDER, schema, validator
from tests.sessions import MACHINE_22000

FILES = files()
JSON = [name for name in FILES if name.endswith(".json")]
# The longest line; a single SID that nothing can break may be longer.
WIDTH = 99


@pytest.mark.parametrize("name", sorted(FILES))
def test_output_is_as_it_was_read(name: str) -> None:
    assert FILES[name]() == (GOLDEN / name).read_bytes().decode("utf-8")


def test_nothing_else_lies_there() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(FILES)


# One thing a line, whatever its length: no output of a verb.
CATALOGUES = ("explain-steps.txt", "explain-questions.txt", "tables.txt")


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".txt") and name not in CATALOGUES])
def test_no_line_is_wide(name: str) -> None:
    for line in (GOLDEN / name).read_text(encoding="utf-8").split("\n"):
        assert len(line) <= WIDTH or max(len(word) for word in line.split()) > 60, line
        assert "windbg" in name or line == line.rstrip()


@pytest.mark.parametrize("verb", ["dump", "walk"])
def test_schema_is_sound_and_strict(verb: str) -> None:
    whole = schema(verb)
    jsonschema.Draft202012Validator.check_schema(whole)

    def strict(part: Any) -> None:
        if isinstance(part, dict):
            if "properties" in part and "required" in part:
                assert part["additionalProperties"] is False
                for key, value in part["properties"].items():
                    assert "description" in value or key in ("value", "words"), key
            for value in part.values():
                strict(value)
        elif isinstance(part, list):
            for value in part:
                strict(value)

    strict(whole)


@pytest.mark.parametrize("name", JSON)
def test_json_follows_its_schema(name: str) -> None:
    data = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    verb = "machines" if name.startswith("diff-machines") else name.split("-")[0]
    known = (RENDER / (verb + ".schema.json")).exists()
    validator(verb if known else "dump").validate(data)


def test_the_schema_in_place_takes_what_the_schema_takes() -> None:
    """The one with references and the one without: of an answer with another value here or there they say the same."""
    written, said = jsonschema.Draft202012Validator(schema("dump")), set()
    data = json.loads((GOLDEN / "notepad-22000.json").read_text(encoding="utf-8"))
    for rows in (data["threads"], *(value for value in data["token"].values() if isinstance(value, list))):
        del rows[1:]  # validation is slow
    for part, key in ((data, "token"), (data["process"], "token"), (data["token"], "flags")):
        for other in (-5, {"absent": "_TOKEN.X"}):
            kept, part[key] = part[key], other
            said.add(validator("dump").is_valid(data))
            assert written.is_valid(data) is validator("dump").is_valid(data), (key, other)
            part[key] = kept
    assert said == {True, False}


def test_an_unknown_key_is_not_let_through() -> None:
    data = json.loads((GOLDEN / JSON[0]).read_text(encoding="utf-8"))
    data["token"]["forgotten"] = 1
    assert not validator("dump").is_valid(data)


def test_the_machine_session_tells_the_truth_of_its_machine() -> None:
    head, *facts = [json.loads(row) for row in gzip.decompress(MACHINE_22000.read_bytes()).split(b"\n") if row]
    assert head["synthetic"] is True
    kernel = kernel_of(next(path for path in LAYOUTS if ".22000." in path.name), everything_there=False)
    source = SyntheticSource(kernel).with_commands()
    for fact in facts:
        if "memory" in fact:
            data = bytes.fromhex(fact["bytes"])
            assert source.read(int(fact["memory"], 16), len(data)) == data
        elif fact.get("symbol") and fact["address"]:
            assert source.symbol(fact["symbol"]) == int(fact["address"], 16)
        elif fact.get("command"):
            assert source.command(fact["command"]) == fact["output"]
