"""Runs in the Windows Python: `dt` and `dt -v` of all types named in a file, as JSON on stdout.

python dt_all.py DUMP NAMES.json        symbols are found by _NT_SYMBOL_PATH
"""

import json
import sys

import pykd

pykd.initialize()
pykd.loadDump(sys.argv[1])
pykd.dbgCommand(".reload /f nt")
with open(sys.argv[2]) as file:
    names = json.load(file)
answers = {name: [pykd.dbgCommand(how + name) for how in ("dt nt!", "dt -v nt!")] for name in names}
answers["x"] = [pykd.dbgCommand("x nt!*"), pykd.dbgCommand("lm m nt")]
print(json.dumps(answers))
