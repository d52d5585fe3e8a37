"""`kdtoken mask`: numbers to words and back."""

import json
from typing import Tuple

import pytest

from kdtoken import mask as verb


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Tuple[int, str, str]:
    code = verb.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_a_number_in_the_words_of_its_type(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "0x1410", "process")
    assert code == 0
    # winnt.h: PROCESS_VM_READ 0x10, PROCESS_QUERY_INFORMATION 0x400, PROCESS_QUERY_LIMITED_INFORMATION 0x1000
    assert out.split("\n")[:5] == [
        "0x00001410 for objects of type Process",
        "  VM_READ",
        "  QUERY_INFORMATION",
        "  QUERY_LIMITED_INFORMATION",
        "  SDDL: 0x1410",
    ]


def test_a_number_of_thousands_of_digits_is_no_mask_and_does_not_fill_the_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for digits in ("9" * 5000, "0x" + "9" * 5000):  # the former is one that Python refuses to convert
        code, out, err = run(capsys, digits, "file")
        assert (code, out) == (2, "") and len(err) < 1000 and "...(%d characters)" % len(digits) in err, err


@pytest.mark.parametrize(
    "words, kind, first",
    [
        ("VM_READ|WRITE_DAC", "process", "0x00040010 for objects of type Process"),
        ("KEY_QUERY_VALUE", "key", "0x00000001 for objects of type Key"),
        ("ALL_ACCESS", "process", "0x001fffff for objects of type Process"),
        ("ALL_ACCESS", "job", "0x001f003f for objects of type job"),
        ("maximum", "token", "0x02000000 for objects of type Token"),
    ],
)
def test_words_as_a_number(words: str, kind: str, first: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, words, kind)
    assert code == 0 and out.split("\n")[0] == first


def test_a_generic_right_is_mapped(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--json", "write", "file")
    facts = json.loads(out)
    assert code == 0 and facts["mapped"] == "0x00120116" and "WRITE_DATA" in facts["mapped_words"]
    assert facts["mapping_from"] == "documented" and facts["not_of_the_type"] is None


def test_bits_that_the_type_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "0x2003", "event")
    assert "not among the type's rights: 0x00002000" in out


def test_a_type_whose_mapping_nobody_documents_maps_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "write", "job")
    assert "GENERIC_WRITE" in out and "not documented" in out and "mapped" not in out


def test_without_a_type(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "0xe0010010")
    assert code == 0 and "DELETE" in out and "0x10" in out and "name a type" in out


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["zz", "process"], "no access right zz"),
        (["1", "toaster"], "toaster"),
        (["0x100000000", "process"], "32 bits"),
        ([], "mask"),
    ],
)
def test_errors(arguments: "list[str]", words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *arguments)
    assert code != 0 and out == "" and words in err


@pytest.mark.parametrize(
    "words, message, step",
    [
        ("VM_READ|WRITE_DAC", "VM_READ|WRITE_DAC is a right of process: ", 'kdtoken mask "VM_READ|WRITE_DAC" process'),
        ("DUPLICATE", "DUPLICATE is a right of token: ", 'kdtoken mask "DUPLICATE" token'),
        ("IMPERSONATE", "IMPERSONATE is a right of token, thread and job: ", 'kdtoken mask "IMPERSONATE" token'),
    ],
)
def test_a_right_without_its_type_names_the_type(
    words: str, message: str, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, words)
    assert (code, out) == (2, "") and err.startswith("kdtoken: " + message) and err.endswith("next: %s\n" % step)
    assert run(capsys, "NO_SUCH_RIGHT")[2].startswith("kdtoken: the type (no type) has no access right NO_SUCH_RIGHT")
