"""The rules of the tree: who imports whom, and what no file may hold.

Each table says what may be; a file in a folder that no table names fails, so that a new folder is
thought about here first.
"""

import ast
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Dict, FrozenSet, Iterator, List, Set, Tuple

import pytest

from tests.over import over

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kdtoken"


@lru_cache(maxsize=None)
def tracked() -> List[Path]:
    """Files under version control; all of the tree where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    names = [name for name in done.stdout.decode("utf-8").split("\0") if name]
    found = [ROOT / name for name in names] or [path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts]
    return [path for path in found if path.is_file()]


FILES = sorted(path for path in tracked() if PACKAGE in path.parents and path.suffix == ".py")

# part -> the parts of kdtoken that it may import beside itself; kdtoken/__init__.py holds the
# version only and may be asked by anybody.
MAY_IMPORT: Dict[str, FrozenSet[str]] = {
    "errors": frozenset(),
    "frozen": frozenset(),
    "model": frozenset({"errors", "frozen"}),
    "files": frozenset({"errors"}),
    "layout": frozenset({"errors", "frozen", "files"}),
    "symbols": frozenset({"errors", "files", "layout"}),
    "source": frozenset({"errors", "frozen", "files", "layout", "symbols"}),
    "decode": frozenset({"errors", "frozen", "model", "layout", "source"}),
    "view": frozenset({"errors", "frozen", "model"}),
    "analysis": frozenset({"errors", "frozen", "model"}),
    "machine": frozenset({"errors", "frozen", "files", "model", "layout", "symbols", "source", "decode", "view"}),
    "render": frozenset({"errors", "frozen", "model", "analysis"}),
    # analysis: what `walk` and `dump` say first is what the audit saw; `record` and `tour` show the same
    "cli": frozenset({"errors", "frozen", "files", "model", "machine", "analysis", "render"}),
    # many machines as Parquet, asked by DuckDB, spread by Dask: what those packages do is not ours
    "dataset": frozenset({"errors", "files", "model", "machine", "analysis", "render"}),
    # the public API; of a verb its function, when it is first used
    "__init__": frozenset({"errors", "model", "analysis", "machine"}),
    "collect": frozenset(),
    "build_hook": frozenset({"cli", "__main__"}),
}
# Every other file beside these is a verb.
VERBS = frozenset(path.stem for path in FILES if path.parent == PACKAGE) - set(MAY_IMPORT) - {"__main__"}
# What a verb may import: everything but another verb.
BELOW_VERBS = frozenset(
    {
        "errors",
        "frozen",
        "files",
        "model",
        "layout",
        "symbols",
        "source",
        "decode",
        "view",
        "machine",
        "analysis",
        "render",
        "cli",
        "dataset",
    }
)
# Names that are new in the standard library of any Python from 3.8 on, seen from this interpreter.
STDLIB = (
    set(getattr(sys, "stdlib_module_names", ()))
    | set(sys.builtin_module_names)
    | {
        "token",
        "types",
        "code",
        "cmd",
        "profile",
        "struct",
        "json",
        "logging",
        "signal",
        "select",
        "site",
        "test",
        "parser",
        "symbol",
        "string",
        "copy",
        "inspect",
        "dis",
        "trace",
        "platform",
        "queue",
        "random",
        "secrets",
    }
)
MAX_LINES = 400
# Offsets and masks of kernel structs of some build that one might write from memory:
# _EPROCESS.Token of seven builds, _TOKEN's size, and the fast-ref mask.
FORBIDDEN = re.compile(
    r"\b0x(?:4b8|498|490|358|360|348|208|f8|248)\b|& ~0x(?:f|7)\b|\b0xf{15}[08]\b|\b0xf{7}[08]\b", re.IGNORECASE
)
# Formats that never move, and may be spelled in numbers: dump headers, page tables.
FIXED_FORMATS = ("source/crashdump/", "source/paging")
OF_STRUCTS = [
    path
    for path in FILES
    if path.relative_to(PACKAGE).parts[0] in ("decode", "source", "layout")
    and not path.relative_to(PACKAGE).as_posix().startswith(FIXED_FORMATS)
]
# Older than the rules, to be mended: no new name here.  (collect.py has to be one file: it runs alone.)
METHODS_WITHOUT_DOCSTRINGS = ("view/debugger/", "view/whoami/")
TOO_LONG = frozenset({"collect.py"})


def test_one_test_over_all_names_each_that_is_wrong() -> None:
    @over([1, 2, 3, 4])
    def holds(number: int) -> None:
        assert number % 2, "even"

    with pytest.raises(AssertionError, match="2: even\n(.|\n)*4: even"):
        holds()
    with pytest.raises(AssertionError):
        over([])(lambda one: None)()

    @over([("a", 1), ("b", 2)], lambda text, number: "<%s>" % text)
    def both(text: str, number: int) -> None:
        assert number == 1

    with pytest.raises(AssertionError, match="^<b>: ") as told:
        both()
    assert "<a>" not in str(told.value).split("assert (")[0]

    @over([1])
    def breaks(number: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks()


def part_of(path: Path) -> str:
    """ "decode" for kdtoken/decode/token.py, "dump" for kdtoken/dump.py."""
    return path.relative_to(PACKAGE).parts[0].replace(".py", "")


@lru_cache(maxsize=None)
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 8))


@lru_cache(maxsize=None)
def nodes(tree: ast.AST) -> Tuple[ast.AST, ...]:
    """What ast.walk gives, in its order, and three times as fast."""
    found = [tree]
    for node in found:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                found.append(value)
            elif isinstance(value, list):
                found += [one for one in value if isinstance(one, ast.AST)]
    return tuple(found)


def test_all_nodes_are_seen() -> None:
    tree = tree_of(Path(__file__))
    assert nodes(tree) == tuple(ast.walk(tree))


def nodes_of(path: Path) -> Tuple[ast.AST, ...]:
    return nodes(tree_of(path))


@lru_cache(maxsize=None)
def imported(path: Path) -> Tuple[str, ...]:
    """Full names of the modules that a file imports, wherever in the file."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "%s: imports are written in full" % path
            yield node.module or ""
            for alias in node.names:
                yield "%s.%s" % (node.module, alias.name)


def kdtoken_parts(path: Path) -> Set[str]:
    """The parts of kdtoken that a file imports."""
    found = set()
    for name in imported(path):
        words = name.split(".")
        if words[0] == "kdtoken" and len(words) > 1 and words[1] != "__version__":
            found.add(words[1])
    return found


@over(FILES)
def test_imports_follow_the_table(path: Path) -> None:
    part = part_of(path)
    if part == "__main__":
        return  # the list of verbs: the one place that knows them all
    if part == "__init__":
        assert kdtoken_parts(path) - MAY_IMPORT[part] <= VERBS
        return
    allowed = BELOW_VERBS if part in VERBS else MAY_IMPORT.get(part)
    assert allowed is not None, "kdtoken/%s is in no table of this test" % part
    assert kdtoken_parts(path) - allowed - {part} == set()


@over(FILES)
def test_nobody_imports_a_verb(path: Path) -> None:
    """Nor by a string; only the list of verbs and the list of public names know them."""
    if path in (PACKAGE / "__main__.py", PACKAGE / "__init__.py"):
        return
    assert kdtoken_parts(path) & VERBS - {part_of(path)} == set()
    assert verbs_in_strings(tree_of(path)) == []


def verbs_in_strings(tree: ast.Module) -> List[str]:
    """What could be the name of a verb's module, or its beginning, put into an import: "kdtoken.dump", "kdtoken."."""
    return [
        node.value
        for node in nodes(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and (node.value == "kdtoken." or node.value in ["kdtoken." + verb for verb in VERBS])
    ]


def test_the_rule_about_strings_bites() -> None:
    assert verbs_in_strings(ast.parse('import_module("kdtoken." + verb)')) == ["kdtoken."]
    assert verbs_in_strings(ast.parse('import_module("kdtoken.dump").main()')) == ["kdtoken.dump"]
    assert verbs_in_strings(ast.parse('"kdtoken.dump shows a token"')) == []


def printing(tree: ast.Module) -> List[str]:
    """What a file does that only a verb may: write to a person, or end the program."""
    found = []
    for node in nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input"):
            found.append("line %d: %s" % (node.lineno, node.func.id))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = "%s.%s" % (node.value.id, node.attr)
            if name in ("sys.stdout", "sys.stderr", "sys.exit", "os._exit"):
                found.append("line %d: %s" % (node.lineno, name))
    return found


@over(FILES)
def test_only_verbs_and_cli_print_or_end_the_program(path: Path) -> None:
    """One line is __init__'s: that this Python is too old for all the others."""
    if part_of(path) not in VERBS | {"cli", "__main__", "collect"}:
        assert len(printing(tree_of(path))) == (path == PACKAGE / "__init__.py")


def test_the_rule_about_printing_bites() -> None:
    assert printing(ast.parse("print(1)")) == ["line 1: print"]
    assert printing(ast.parse("sys.stderr.write('x')")) == ["line 1: sys.stderr"]
    assert printing(ast.parse("os._exit(1)")) == ["line 1: os._exit"]
    assert printing(ast.parse("sys.stdin.buffer; out.print(1)")) == []


@over(FILES)
def test_only_live_imports_pykd(path: Path) -> None:
    imports_it = any(name.split(".")[0] == "pykd" for name in imported(path))
    assert imports_it == (path == PACKAGE / "source" / "live.py")


def test_importing_kdtoken_imports_nothing_of_it() -> None:
    """Not even pykd where there is one; --version has to work anywhere."""
    code = "import sys, kdtoken; print([n for n in sys.modules if n.startswith(('kdtoken.', 'pykd', 'construct'))])"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, cwd=str(ROOT))
    assert done.stdout.decode().strip() == "[]"


@pytest.mark.parametrize("folder", ["vm"])
def test_the_lab_stands_alone(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert not any(name.split(".")[0] == "kdtoken" for name in imported(path)), path


@over(FILES)
def test_parses_as_python_3_8(path: Path) -> None:
    assert isinstance(tree_of(path), ast.Module)


# Method -> keywords that it got later than Python 3.8; the parser takes them, and only a run on 3.8 would tell.
LATER = {
    "write_text": {"newline"},
    "zip": {"strict"},
    "removeprefix": set(),
    "hardlink_to": set(),
    "is_relative_to": set(),
}


def later_than_3_8(tree: ast.Module) -> List[str]:
    found = []
    for node in nodes(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            keywords = LATER.get(name)
            if keywords is not None and (not keywords or keywords & {one.arg for one in node.keywords}):
                found.append("%s in line %d" % (name, node.lineno))
    return found


def test_nothing_asks_for_a_later_python() -> None:
    for path in tracked():
        if path.suffix == ".py" and _may_be_later(path.read_text(encoding="utf-8")):
            assert later_than_3_8(tree_of(path)) == [], path


def _may_be_later(text: str) -> bool:
    """Whether the words of one are there at all: parsing every file takes a second."""
    return any(name in text and (not words or any(word in text for word in words)) for name, words in LATER.items())


def test_the_rule_about_later_pythons_bites() -> None:
    text = "path.write_text(x, newline='')\nzip(a, b, strict=True)\n'ab'.removeprefix('a')\npath.write_text(x)\nzip(a, b)\n"
    assert len(later_than_3_8(ast.parse(text))) == 3
    assert [_may_be_later(line) for line in text.splitlines()] == [True, True, True, False, False]


@over(FILES)
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    older = path.relative_to(PACKAGE).as_posix() in TOO_LONG
    assert len(path.read_text(encoding="utf-8").splitlines()) <= (600 if older else MAX_LINES)


def test_no_top_level_name_is_a_stdlib_module() -> None:
    """Run as a plain file, kdtoken/ is sys.path[0]: a token.py there would end every import."""
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert names & STDLIB - {"__init__", "__main__"} == set()


def public(tree: ast.AST) -> Iterator[ast.AST]:
    """Public functions and classes of a module, and the public methods of public classes."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (one for one in public(node) if not _is_told_above(node, one.name))  # type: ignore[attr-defined]


@lru_cache(maxsize=None)
def classes() -> Dict[str, ast.ClassDef]:
    return {node.name: node for path in FILES for node in nodes_of(path) if isinstance(node, ast.ClassDef)}


def _is_told_above(child: ast.ClassDef, method: str) -> bool:
    """Whether a class that this one is derived from says what the method does."""
    for base in child.bases:
        name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
        above = classes().get(name)
        if above is None or above is child:
            continue
        if any(getattr(one, "name", "") == method and ast.get_docstring(one) for one in above.body):  # type: ignore[arg-type]
            return True
        if _is_told_above(above, method):
            return True
    return False


@over(FILES)
def test_public_names_have_docstrings(path: Path) -> None:
    tree = tree_of(path)
    names = [one for one in public(tree)]
    if path.relative_to(PACKAGE).as_posix().startswith(METHODS_WITHOUT_DOCSTRINGS):
        names = [one for one in names if one in tree.body]
    silent: List[str] = [
        node.name  # type: ignore[attr-defined]
        for node in names
        if ast.get_docstring(node) is None  # type: ignore[arg-type]
    ]
    assert silent == []
    assert ast.get_docstring(tree) is not None or not tree.body


def test_the_rule_about_docstrings_bites() -> None:
    tree = ast.parse("class A:\n  def told(self):\n    'x'\n  def silent(self): pass\n  def _own(self): pass\n")
    assert [one.name for one in public(tree)] == ["A", "told", "silent"]  # type: ignore[attr-defined]


@over(FILES)
def test_values_of_the_model_and_conclusions_stay_as_they_were_made(path: Path) -> None:
    if part_of(path) in ("model", "analysis"):
        for node in nodes_of(path):
            if isinstance(node, ast.ClassDef):
                made = [ast.dump(one) for one in node.decorator_list if "'dataclass'" in ast.dump(one)]
                assert all("arg='frozen', value=Constant(value=True" in one for one in made), node.name


TESTS = sorted(path.stem for path in (ROOT / "tests").glob("test_*.py"))
# Tests of the whole: no file or folder of kdtoken/ has their name.
OF_THE_WHOLE = frozenset(
    "golden readme tree verbs windbg engine vm docs doors api main fuzz fault genuine mutants cases laws".split()
)


@over(TESTS)
def test_tests_mirror_the_tree(name: str) -> None:
    """test_<folder>_<file>.py, or test_<folder>_<what>.py for what several files do together."""
    words = name.split("_")[1:]
    tops = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    names = {"_".join(words[: length + 1]) for length in range(len(words))}
    assert names & (tops | OF_THE_WHOLE), "tests/%s.py: no file or folder of kdtoken/ is called so" % name


@over(FILES)
def test_every_folder_has_tests_of_its_name(path: Path) -> None:
    folders = path.relative_to(PACKAGE).parts[:-1]
    if folders:
        own = "test_" + "_".join(folders)
        assert any(name == own or name.startswith(own + "_") for name in TESTS), "/".join(folders)


# Where anything at all is caught; each passes it on, and says beside it why it does not name what can come.
# `with dataset.store.Answered(...)` does so for what a cloud's file system raises.
WIDE = ("'Exception'", "'BaseException'")
ENDS = tuple(ast.dump(ast.parse(text, mode="eval").body) for text in ("sys.exit", "exit"))


@over(FILES)
def test_no_bare_except_and_no_exit_with_text(path: Path) -> None:
    """Ctrl+Break is a SystemExit inside WinDbg, and a SystemExit's text is swallowed there."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in nodes_of(path):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, "line %d" % node.lineno
            if any(name in ast.dump(node.type) for name in WIDE):
                assert any(isinstance(one, ast.Raise) for one in nodes(node)), "line %d" % node.lineno
                reason = lines[node.lineno - 1].partition("#")[2].strip()
                assert reason and not reason.startswith("noqa"), "line %d" % node.lineno
        if isinstance(node, ast.Call) and ast.dump(node.func) in ENDS:
            assert not any(
                isinstance(one, (ast.Constant, ast.JoinedStr)) and isinstance(getattr(one, "value", ""), str)
                for one in node.args
            ), "line %d" % node.lineno


@over(OF_STRUCTS)
def test_no_offset_or_mask_of_a_kernel_struct(path: Path) -> None:
    found = FORBIDDEN.findall(_code_only(path))
    assert found == []


def _code_only(path: Path) -> str:
    """The file's expressions, without comments and docstrings, which may tell of offsets."""
    words = []
    for node in nodes_of(path):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
            right = node.right
            if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.Invert):
                mask = getattr(right.operand, "value", None)
                words.append("& ~%s" % (hex(mask) if isinstance(mask, int) else "?"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            words.append(hex(node.value))
    return "\n".join(words)


@over([path for path in FILES if part_of(path) == "decode"])
def test_decoders_add_no_number_to_an_address(path: Path) -> None:
    """Whatever the number: where a member lies is asked of the layout."""
    assert _literal_steps(tree_of(path)) == []


def _literal_steps(tree: ast.Module) -> List[str]:
    return [
        "line %d: %d" % (node.lineno, side.value)
        for node in nodes(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
        for side in (node.left, node.right)
        if isinstance(side, ast.Constant) and isinstance(side.value, int) and side.value >= 8
    ]


def test_the_rule_about_steps_bites() -> None:
    assert _literal_steps(ast.parse("target.read(process + 0x4b8, 8)")) == ["line 1: 1208"]
    assert _literal_steps(ast.parse("at = 0x30 + at; at - 8")) == ["line 1: 48", "line 1: 8"]
    assert _literal_steps(ast.parse("at + offset; count + 1")) == []


def test_the_rule_about_offsets_bites() -> None:
    assert FORBIDDEN.search("& ~0xf") and FORBIDDEN.search("0x4b8") and FORBIDDEN.search("0xfffffffffffffff0")
    assert not FORBIDDEN.search("0x1000") and not FORBIDDEN.search("& ~0xfff") and not FORBIDDEN.search("0x20")


def test_no_text_points_out_of_the_repository() -> None:
    """Neither at a neighbour's folder nor at a path of one machine."""
    away = re.compile(rb"/(?:home/[a-z]|root/)|" + re.escape(str(ROOT)).encode())
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data and path != Path(__file__).resolve():
            assert away.search(data) is None, path
