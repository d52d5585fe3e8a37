"""A file that holds descriptors: which of them is meant, of what type, and what it names without a SID."""

from pathlib import Path

import pytest

from kdtoken.errors import BadFormat, UsageError
from kdtoken.machine.descriptor_file import descriptor_of_file
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.object_type import documented_type
from kdtoken.model.sid import Sid

ONE = "D:(A;;FA;;;BA)\n"
TWO = ONE + "\nD:(A;;FR;;;WD)\n"
FILE = documented_type("file")
ANNA = Sid(5, (21, 1, 2, 3, 1001))


def file(folder: Path, text: str) -> str:
    (folder / "d.txt").write_text(text, encoding="utf-8")
    return str(folder / "d.txt")


def first_ace(path: str, number: int = 0) -> str:
    found = descriptor_of_file(path, number, FILE).descriptor
    assert isinstance(found, SecurityDescriptor) and found.dacl is not None
    return str(found.dacl.aces[0].sid)


def test_the_only_descriptor_needs_no_number(tmp_path: Path) -> None:
    path = file(tmp_path, ONE)
    assert first_ace(path) == first_ace(path, 1) == "S-1-5-32-544"
    seen = descriptor_of_file(path, 0, FILE)
    assert (seen.address, seen.name, seen.type) == (None, path, FILE)
    for number in (2, -1):
        with pytest.raises(UsageError, match=r"holds 1 descriptor\(s\), no #%d" % number):
            descriptor_of_file(path, number, FILE)


def test_of_several_one_is_chosen_by_its_place(tmp_path: Path) -> None:
    path = file(tmp_path, TWO)
    assert (first_ace(path, 1), first_ace(path, 2)) == ("S-1-5-32-544", "S-1-1-0")
    with pytest.raises(UsageError, match="holds 2 descriptors") as error:
        descriptor_of_file(path, 0, FILE)
    assert "#NUMBER: #1 " in error.value.next_step and "(line 1), #2 " in error.value.next_step
    assert error.value.next_step.endswith("(line 3)")
    with pytest.raises(UsageError, match="no #3"):
        descriptor_of_file(path, 3, FILE)


def test_what_type_it_guards_is_said_by_somebody(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say what type of object it guards") as error:
        descriptor_of_file(file(tmp_path, ONE))
    assert error.value.next_step.startswith("--type file")
    icacls = file(tmp_path, "C:\\a.txt BUILTIN\\Administrators:(F)\n\nSuccessfully processed 1 files\n")
    seen = descriptor_of_file(icacls)
    assert seen.name == "C:\\a.txt" and getattr(seen.type, "name", "") == "File"
    assert getattr(descriptor_of_file(icacls, 0, documented_type("key")).type, "name", "") == "Key"


def test_an_account_that_only_has_a_name_is_the_one_that_the_caller_s_source_calls_so(tmp_path: Path) -> None:
    path = file(tmp_path, "C:\\a.txt LAB\\anna:(R)\n\nSuccessfully processed 1 files\n")
    seen = descriptor_of_file(path, 0, None, {ANNA: "lab\\Anna"})
    assert isinstance(seen.descriptor, SecurityDescriptor) and seen.descriptor.dacl is not None
    assert [ace.sid for ace in seen.descriptor.dacl.aces] == [ANNA]
    assert any("names lab\\Anna without a SID: it is taken for %s" % ANNA in note for note in seen.notes)
    other = descriptor_of_file(path, 0, None, {ANNA: "lab\\boris"})
    assert not any("taken for" in note for note in other.notes)


def test_what_is_no_descriptor_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(BadFormat):
        descriptor_of_file(file(tmp_path, "hello\n"), 0, FILE)
    with pytest.raises(BadFormat, match="cannot read the descriptor"):
        descriptor_of_file(str(tmp_path / "gone"), 0, FILE)
