"""make mutants [FILE=kdtoken/model/group.py]: small faults put in by machine, and which of them no test notices.

The tool is cosmic-ray.  mutmut is quicker, but leaves module-level tables and decorated functions (every property)
alone, and there this code keeps its facts; nor do its changed strings say anything, since texts are tested as a whole.
cosmic-ray changes files in place, so it works on a copy of the tree.  Each fault runs the file's own tests, then
those of its folder that import it, up to the first that notices: a second or two a fault, minutes a file.

Python 3.9 or later.  A survivor is looked at by hand: either a test is missing, or the fault changes nothing.
"""

import argparse
import ast
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Set

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("model", "decode", "view", "analysis")
# One other operator for each, the nearest: < for <=, not every one of eleven for +.
OPERATORS = (
    "ReplaceComparisonOperator_(?:Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is)",
    "ReplaceBinaryOperator_(?:Add_Sub|Sub_Add|Mul_Add|FloorDiv_Mul|Mod_Add|BitAnd_BitOr|BitOr_BitAnd|BitXor_BitOr"
    "|LShift_RShift|RShift_LShift)",
    "NumberReplacer",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "AddNot",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ZeroIterationForLoop",
    "ReplaceUnaryOperator_(?:Delete_Not|Delete_Invert|Delete_USub)",
)
CONFIG = """[cosmic-ray]
module-path = "%(file)s"
timeout = %(timeout)d
excluded-modules = []
test-command = "%(python)s -m pytest -x -q -n0 -p no:cacheprovider %(tests)s"

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = ['^(?!core/(?:%(operators)s)$)']
"""


def importers(root: Path) -> Dict[str, Set[Path]]:
    """Module -> the files that import it, by name."""
    found: Dict[str, Set[Path]] = {}
    for path in [*root.glob("kdtoken/**/*.py"), *root.glob("tests/test_*.py"), *root.glob("tests/[a-z]*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: List[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *("%s.%s" % (node.module, alias.name) for alias in node.names)]
            for name in names:
                found.setdefault(name, set()).add(path)
    return found


def module_of(path: Path, root: Path) -> str:
    """ "kdtoken.model.sid" for kdtoken/model/sid.py."""
    return ".".join(path.relative_to(root).with_suffix("").parts).replace(".__init__", "")


def tests_of(file: Path, root: Path) -> List[str]:
    """Its own test files first, then those of its folder that import it; where there are none, whoever imports it.

    In that order, since a run ends with the first test that notices.
    """
    who = importers(root)
    folder, *rest = file.relative_to(root / "kdtoken").with_suffix("").parts
    own = sorted((root / "tests").glob("test_%s.py" % "_".join([folder, *rest])))
    level, near, far = {file}, set(), set()  # type: ignore[var-annotated]
    for _ in range(3):
        level = {path for one in level for path in who.get(module_of(one, root), ())}
        far = {path for path in level if path.name.startswith("test_") and path.name != "test_tree.py"}
        near = {path for path in far if path.name.startswith("test_%s_" % folder)}
        if own or far:
            break
    found = [*own, *sorted(near - set(own))] or sorted(far)
    return [path.relative_to(root).as_posix() for path in found]


def run(file: Path, root: Path, timeout: int) -> "tuple[int, int, List[str]]":
    """(faults, noticed, diffs of the others) of one file of the copy."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import TestOutcome

    tests = tests_of(file, root)
    if not tests:
        return 0, 0, ["no test imports %s" % file.relative_to(root)]
    config, session = root / "mutants.toml", root / "mutants.sqlite"
    session.unlink(missing_ok=True)
    values = {
        "file": file.relative_to(root).as_posix(),
        "timeout": timeout,
        "python": Path(sys.executable).as_posix(),
        "tests": " ".join(tests),
        "operators": "|".join(OPERATORS),
    }
    config.write_text(CONFIG % values, encoding="utf-8")
    tool = [sys.executable, "-m", "cosmic_ray.cli"]
    subprocess.run([*tool, "init", config.name, session.name], cwd=root, check=True, stdout=subprocess.DEVNULL)
    chosen = [sys.executable, "-m", "cosmic_ray.tools.filters.operators_filter", session.name, config.name]
    subprocess.run(chosen, cwd=root, check=True, stdout=subprocess.DEVNULL)
    baseline = subprocess.run(
        [*tool, "baseline", config.name], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if baseline.returncode:
        return 0, 0, ["the tests of %s fail as they are:\n%s" % (values["file"], baseline.stdout.decode()[-2000:])]
    subprocess.run([*tool, "exec", config.name, session.name], cwd=root, check=True)
    faults, noticed, left = 0, 0, []
    with use_db(str(session), WorkDB.Mode.open) as found:
        for _, result in found.completed_work_items:
            if result.test_outcome is None or result.worker_outcome.value == "skipped":
                continue
            faults += 1
            if result.test_outcome is TestOutcome.SURVIVED:
                changed = [line for line in (result.diff or "").split("\n") if re.match(r"@@|[-+][^-+]", line)]
                left.append("\n".join(changed))
            else:
                noticed += 1
    return faults, noticed, left


def main() -> int:
    parser = argparse.ArgumentParser(description="Small faults put in by machine: which of them does no test notice?")
    parser.add_argument(
        "file", nargs="*", type=Path, help="files or folders of kdtoken/ (default: %s)" % ", ".join(FOLDERS)
    )
    parser.add_argument("--timeout", type=int, default=120, help="seconds after which a fault counts as noticed")
    options = parser.parse_args()
    wanted: List[Path] = [path.resolve() for path in options.file] or [ROOT / "kdtoken" / name for name in FOLDERS]
    with tempfile.TemporaryDirectory(prefix="kdtoken-faults-") as folder:
        root = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".mypy_cache", ".hypothesis", ".ruff_cache")
        shutil.copytree(ROOT, root, ignore=ignored)
        total = seen = 0
        for path in wanted:
            inside = root / path.relative_to(ROOT)
            for file in sorted(inside.rglob("*.py")) if inside.is_dir() else [inside]:
                if file.name == "__init__.py":
                    continue
                faults, noticed, left = run(file, root, options.timeout)
                total, seen = total + faults, seen + noticed
                print("%s: %d of %d noticed" % (file.relative_to(root).as_posix(), noticed, faults))
                for one in left:
                    print("  " + one.replace("\n", "\n  "))
                sys.stdout.flush()
        print("%d of %d faults noticed (%.0f %%)" % (seen, total, 100.0 * seen / max(total, 1)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
