"""vm/README.md names commands that exist, and vm/ keeps its rule: it stands alone."""

import ast
import re
import shlex
from pathlib import Path
from typing import List

import pytest

from tests.vm_tools import VM, tool

README = (VM / "README.md").read_text(encoding="utf-8")
COMMANDS: List[str] = sorted(set(re.findall(r"python vm\\(\w+\.py [^`\n]*)", README)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_is_understood(command: str) -> None:
    words = shlex.split(command.replace("\\", "/"))
    module = tool(words[0][:-3])
    if words[0] != "doctor.py":
        module.parser().parse_args(words[1:])
    else:
        assert words[1:] == ["--text", "session.txt"]


def test_page_has_enough_commands_to_be_worth_the_test() -> None:
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\b([\w-]+\.(?:cmd|py|wds))\b", README)) - {"collect.py"}))
def test_every_file_that_the_page_names_is_there(name: str) -> None:
    assert (VM / name).exists() or (VM / "guest" / name).exists()


@pytest.mark.parametrize("path", sorted(VM.glob("*.py")), ids=lambda path: path.name)
def test_tool_needs_the_standard_library_only_and_parses_as_python_3_8(path: Path) -> None:
    own = {one.stem for one in VM.glob("*.py")}
    standard = {
        "argparse",
        "unicodedata",
        "codecs",
        "ctypes",
        "difflib",
        "enum",
        "os",
        "pathlib",
        "re",
        "shutil",
        "subprocess",
        "sys",
        "tempfile",
        "typing",
        "winreg",
    }
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    named = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            named.add((node.module or "").split(".")[0])
    assert named <= own | standard
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
