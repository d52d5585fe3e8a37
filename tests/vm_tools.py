"""Brings vm/ into reach of its tests: its files stand alone and import each other by their bare names."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

VM = Path(__file__).resolve().parent.parent / "vm"


def tool(name: str) -> ModuleType:
    """The module vm/NAME.py, imported as `python vm/NAME.py` would import it."""
    if str(VM) not in sys.path:
        sys.path.append(str(VM))
    return importlib.import_module(name)
