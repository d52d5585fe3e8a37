"""The one list of verbs gives both script files for each verb, so that `!py kdtoken.VERB` works both ways."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Dict

import pytest

from kdtoken.__main__ import VERBS

ROOT = Path(__file__).parent.parent
HOOK = ROOT / "kdtoken" / "build_hook.py"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The hook's module, on a stand-in for hatchling where that is not installed."""
    try:
        import hatchling.builders.hooks.plugin.interface  # noqa: F401
    except ImportError:
        name = ""
        for part in "hatchling.builders.hooks.plugin.interface".split("."):
            name = name + "." + part if name else part
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        sys.modules[name].BuildHookInterface = object  # type: ignore[attr-defined]
    spec = importlib.util.spec_from_file_location("build_hook", HOOK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_is_read_without_importing_it(hook: Any) -> None:
    assert hook.verbs((ROOT / "kdtoken" / "__main__.py").read_text(encoding="utf-8")) == list(VERBS)


def test_a_source_without_the_list_is_refused(hook: Any) -> None:
    with pytest.raises(ValueError, match="has no list VERBS"):
        hook.verbs("VERBS = {}\n")


@pytest.mark.parametrize("version, key", [("standard", "force_include"), ("editable", "force_include_editable")])
def test_two_files_a_verb(hook: Any, tmp_path: Path, version: str, key: str) -> None:
    (tmp_path / "kdtoken").mkdir()
    source = (ROOT / "kdtoken" / "__main__.py").read_text(encoding="utf-8")
    (tmp_path / "kdtoken" / "__main__.py").write_text(source, encoding="utf-8")
    data: Dict[str, Dict[str, str]] = {"shared_scripts": {}, "force_include": {}, "force_include_editable": {}}
    made = object.__new__(hook.WinDbgScripts)
    made.__dict__["_BuildHookInterface__root"] = str(tmp_path)
    if "root" not in dir(hook.WinDbgScripts):
        made.root = str(tmp_path)
    made.initialize(version, data)
    assert sorted(data["shared_scripts"].values()) == sorted("kdtoken." + verb for verb in VERBS)
    assert sorted(data[key].values()) == sorted("kdtoken.%s.py" % verb for verb in VERBS)
    for script, name in data["shared_scripts"].items():
        text = Path(script).read_text(encoding="utf-8")
        compile(text, script, "exec")
        assert "from kdtoken.%s import main" % name.split(".")[1] in text and "run_in_windbg(main)" in text
