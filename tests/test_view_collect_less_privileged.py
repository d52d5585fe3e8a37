"""A less privileged AppContainer in collect's JSON: by its class, by the token's attribute, or not told."""

import io
import json
import struct
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Dict, Optional

import pytest

from kdtoken import explain
from kdtoken.errors import BadFormat
from kdtoken.view.collect.token_bytes import Block
from kdtoken.view.collect.token_information import read_token_information
from tests.declared_views import collected

BASE = 0x10000
CLASS = "TokenIsLessPrivilegedAppContainer"


def attributes(*names: str, width: int = 8, count: Optional[int] = None) -> bytes:
    """TOKEN_SECURITY_ATTRIBUTES_INFORMATION of `names`, each a TOKEN_SECURITY_ATTRIBUTE_V1 without values."""
    code, head, step = ("Q", 16, 40) if width == 8 else ("I", 12, 24)
    texts = [name.encode("utf-16-le") for name in names]
    at = BASE + head + step * len(texts)  # where the first text lies
    # Version 1, Reserved, AttributeCount, pointer to the array behind this header
    data = struct.pack("<HHI" + code, 1, 0, len(texts) if count is None else count, BASE + head)
    data = data.ljust(head, b"\0")
    for text in texts:
        name = struct.pack("<HH", len(text), len(text)).ljust(width, b"\0") + struct.pack("<" + code, at)
        data += (name + struct.pack("<HHII", 2, 0, 0, 0)).ljust(step, b"\0")  # UINT64, Reserved, Flags, ValueCount
        at += len(text)
    return data + b"".join(texts)


def document(key: str, **more: bytes) -> str:
    """What collect writes for a declared token, with more classes; an empty one is refused by Windows."""
    data: Dict[str, Any] = json.loads(collected(key))
    for name, raw in more.items():
        data["classes"][name] = (
            {"base": hex(BASE), "raw": raw.hex()} if raw else {"error": 87, "message": "no such class"}
        )
    return json.dumps(data, indent=1)


@pytest.mark.parametrize("width", [4, 8])
def test_names_of_attributes(width: int) -> None:
    found = Block(BASE, attributes("TSA://ProcUnique", "WIN://NOALLAPPPKG", width=width), width).attribute_names()
    assert found == {"TSA://ProcUnique", "WIN://NOALLAPPPKG"}
    assert Block(BASE, attributes(width=width), width).attribute_names() == frozenset()


@pytest.mark.parametrize(
    "data",
    [
        b"\2" + attributes()[1:],  # another version
        attributes("a", count=3),  # more than there are
        attributes("name")[:-2],  # the text cut
        attributes("a", count=0xFFFFFFFF),
        attributes()[:6],
    ],
)
def test_attributes_that_are_none(data: bytes) -> None:
    with pytest.raises(BadFormat):
        Block(BASE, data, 8).attribute_names()


@pytest.mark.parametrize(
    "classes, told",
    [
        ({CLASS: b"\1\0\0\0"}, True),
        ({CLASS: b"\0\0\0\0"}, False),
        ({CLASS: b"", "TokenSecurityAttributes": attributes("WIN://NOALLAPPPKG")}, True),  # Windows 10 before the class
        ({"TokenSecurityAttributes": attributes("WIN://SYSAPPID")}, False),
        ({CLASS: b""}, None),
        ({}, None),
    ],
)
def test_less_privileged_or_not_or_not_told(classes: Dict[str, bytes], told: Optional[bool]) -> None:
    assert read_token_information(document("calculator", **classes)).is_less_privileged is told


@pytest.mark.parametrize(
    "classes, code, words",
    [
        ({CLASS: b"\0\0\0\0"}, 0, "YES"),
        ({CLASS: b"\1\0\0\0"}, 1, "the AppContainer's side"),
        ({}, 3, "less privileged AppContainer"),  # what is not told is asked about
    ],
)
def test_all_application_packages_leaves_it_out(
    tmp_path: Path, classes: Dict[str, bytes], code: int, words: str
) -> None:
    path = tmp_path / "collect.json"
    path.write_text(document("calculator", **classes), encoding="utf-8")
    out = io.StringIO()
    with redirect_stdout(out):
        found = explain.main(
            [str(path), "--to", "O:SYG:SYD:(A;;FR;;;WD)(A;;FR;;;AC)", "--type", "file", "--want", "READ_DATA"]
        )
    assert found == code and words in out.getvalue(), out.getvalue()
