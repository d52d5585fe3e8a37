"""Records fixtures/sessions/*.kdtoken.gz on the genuine engine: `python -m tests.engine.record_sessions`.

The kernel is synthetic, so the recordings say so; everything else in them is what pykd and dbgeng
answered.  The same kernel gives the same files, byte for byte.
"""

import sys
from typing import Dict, List

from tests.engine.conftest import ROOT, make_lab
from tests.engine.windows import answers, build, wine_path

SESSIONS = ROOT / "fixtures" / "sessions"
# file -> (build, the verb that is recorded)
RECORDED: Dict[str, List[str]] = {
    "notepad-22000-synthetic.kdtoken.gz": ["10.0.22000.2538", "dump notepad.exe"],
}


def main() -> int:
    """Record all; prints what the engine printed last."""
    windows = build()
    windows.install(ROOT)
    for name, (build_name, verb) in RECORDED.items():
        lab = make_lab(build_name)
        out = SESSIONS / name
        out.parent.mkdir(parents=True, exist_ok=True)
        command = "!py -m kdtoken.record -o %s --synthetic %s" % (wine_path(out), verb)
        printed = windows.debugger(lab.dump, [".reload /f nt", command], lab.folder, "bootstrapper", lab.standin)
        print(name, answers(printed)[-1][1].strip().split("\n")[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
