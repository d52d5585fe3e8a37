"""Wrong uses as strangers type them: the line, the exit code that docs/reference/exit-codes.md gives it, words that
its answer must have.  The lines stand in a folder that tests.test_cli_wrong_uses makes: its files are named there.

A line is split as a shell does; `a > b` and the like are not.  `{long}` is a name of 300 letters, `{esc}` Escape.
"""

from typing import Dict, List, NamedTuple


class Use(NamedTuple):
    """What is typed, what it ends with, and what is told."""

    line: str
    code: int
    words: str  # parted by ";": each must be in the answer


def _table(text: str) -> List[Use]:
    rows = [[part.strip() for part in line.split(" | ")] for line in text.strip().split("\n")]
    return [Use(line, int(code), words) for line, code, words in rows]


FRONT = _table(
    r"""
'' | 2 | is empty
--bogus | 2 | --bogus
HELP | 2 | HELP
help dmp | 2 | dmp;dump
completion bash | 2 | completion
walks machine.kdtoken.gz | 2 | kdtoken walk machine.kdtoken.gz
show notepad.exe | 2 | show
- | 2 | -
nosuch.dmp | 2 | nosuch.dmp
empty | 2 | empty
!process 0 0 | 2 | !process
"""
)

DUMP = _table(
    r"""
dump missing.dmp notepad.exe | 2 | missing.dmp;no such file
dump empty notepad.exe | 2 | empty
dump junkfolder notepad.exe | 2 | junkfolder
dump nothing.dmp notepad.exe | 2 | nothing.dmp is empty
dump nothing.kdtoken.gz notepad.exe | 2 | nothing.kdtoken.gz
dump nothing.log notepad.exe | 2 | nothing.log is empty
dump junk.bin notepad.exe | 2 | junk.bin
dump picture.png notepad.exe | 2 | picture.png
dump blanks.txt notepad.exe | 2 | blanks.txt
dump cut.dmp.gz notepad.exe | 2 | cut.dmp.gz;breaks off
dump crc.dmp.gz notepad.exe | 2 | crc.dmp.gz;damaged
dump crc.kdtoken.gz notepad.exe | 2 | crc.kdtoken.gz;damaged
dump cut.log.gz notepad.exe | 2 | cut.log.gz;breaks off
dump cut.kdtoken notepad.exe | 2 | cut.kdtoken
dump changed.kdtoken notepad.exe | 2 | changed.kdtoken
dump archive.zip notepad.exe | 2 | archive.zip;unpack
dump program.exe notepad.exe | 2 | program.exe
dump ntkrnlmp.pdb notepad.exe | 2 | ntkrnlmp.pdb;--symbols
dump list.json notepad.exe | 2 | list.json
dump number.json | 2 | number.json
dump deep.json | 2 | deep.json
dump /dev/null notepad.exe | 2 | /dev/null
dump nowhere.dmp notepad.exe | 2 | nowhere.dmp
dump ring.dmp notepad.exe | 2 | ring.dmp
dump pipe.dmp notepad.exe | 2 | pipe.dmp
dump {long}.dmp notepad.exe | 2 | next:
dump 'a{esc}[2Jb.dmp' notepad.exe | 2 | \u001b
dump '' notepad.exe | 2 | next:
dump MEMORY.DMP '' | 2 | next:
dump MEMORY.DMP notepad.exe --symbols missing.pdb | 2 | missing.pdb
dump MEMORY.DMP notepad.exe --symbols junk.txt | 2 | junk.txt
dump MEMORY.DMP notepad.exe --symbols MEMORY.DMP | 2 | MEMORY.DMP
dump MEMORY.DMP notepad.exe --symbols empty | 2 | empty
dump MEMORY.DMP notepad.exe --symbols cut.pdb | 2 | cut.pdb
dump MEMORY.DMP notepad.exe --symbols other.json | 2 | other.json
dump stump.dmp notepad.exe | 2 | the file is cut short;copy the dump again
dump user.dmp notepad.exe | 2 | user.dmp;user-mode
dump --session machine.kdtoken.gz --dump MEMORY.DMP notepad.exe | 2 | --session and --dump
dump --session machine.kdtoken.gz --session after.kdtoken.gz notepad.exe | 2 | --session
dump --session machine.kdtoken.gz after.kdtoken.gz notepad.exe | 2 | next:
dump --log session.log --log missing.log notepad.exe | 2 | missing.log
dump --log session.log:9-2 notepad.exe | 2 | 9-2
dump --log session.log:x-y notepad.exe | 2 | session.log:x-y
dump --log session.log:0-0 notepad.exe | 2 | 0-0
dump --log session.log:99999999- notepad.exe | 2 | session.log;lines
dump --session session.log notepad.exe | 2 | session.log
dump machine.kdtoken.gz 99999999 | 2 | 99999999
dump machine.kdtoken.gz -4 | 2 | -4
dump machine.kdtoken.gz 0xffffffffffffffffff | 2 | 0xffffffffffffffffff
dump machine.kdtoken.gz 6104.0 | 2 | 6104.0
dump machine.kdtoken.gz 6104,1120 | 2 | 6104,1120
dump machine.kdtoken.gz 0n | 2 | 0n
dump machine.kdtoken.gz 0x | 2 | 0x
dump machine.kdtoken.gz 6104:1 | 2 | 6104
dump machine.kdtoken.gz :1132 | 2 | :1132
dump machine.kdtoken.gz 6104: | 2 | 6104:
dump machine.kdtoken.gz 0xffffa08011999060 | 2 | 0xffffa08011999060
dump machine.kdtoken.gz ffff`a0801199`9060 | 2 | ffff`a0801199`9060
dump machine.kdtoken.gz --token 0x1230 | 2 | 0x1230
dump machine.kdtoken.gz --token zz | 2 | zz
dump machine.kdtoken.gz --token | 2 | --token
dump machine.kdtoken.gz --token 0xffffa08011999060 | 2 | 0xffffa08011999060
dump machine.kdtoken.gz --token 0x1234 notepad.exe | 2 | --token
dump machine.kdtoken.gz svchost.exe | 2 | svchost.exe
dump machine.kdtoken.gz * | 2 | *
dump machine.kdtoken.gz %s%n | 2 | %s%n
dump machine.kdtoken.gz "'; .shell calc" | 2 | .shell calc
dump machine.kdtoken.gz notepad.exe notepad.exe | 2 | one process at a time
dump machine.kdtoken.gz notepad.exe --format xml | 2 | xml
dump machine.kdtoken.gz notepad.exe --format | 2 | --format
dump machine.kdtoken.gz notepad.exe --json --format windbg | 2 | json and windbg
dump machine.kdtoken.gz notepad.exe --color red | 2 | red
dump machine.kdtoken.gz notepad.exe --colour never | 2 | --color
dump machine.kdtoken.gz notepad.exe --columns 80 | 2 | --columns
dump machine.kdtoken.gz notepad.exe --all=yes | 2 | --all
dump machine.kdtoken.gz notepad.exe --explain SeNope | 2 | SeNope
dump machine.kdtoken.gz notepad.exe --attach | 2 | --attach
dump --attach com:pipe,port=x notepad.exe | 2 | Windows
dump --attach '' notepad.exe | 2 | next:
dump machine.kdtoken.gz notepad.exe --timeout 5 | 2 | --timeout belongs to --attach
dump --attach com:x notepad.exe --timeout -1 | 2 | -1
dump --attach com:x notepad.exe --timeout nan | 2 | nan
dump machine.kdtoken.gz notepad.exe --stay | 2 | --stay
dump machine.kdtoken.gz notepad.exe --download | 2 | --download
dump machine.kdtoken.gz notepad.exe --services empty | 2 | empty
dump machine.kdtoken.gz notepad.exe --services junk.bin | 2 | junk.bin
dump machine.kdtoken.gz notepad.exe --tree | 2 | --tree;walk
dump machine.kdtoken.gz --all | 2 | no process was named
dump whoami.txt --token 0xffffa08011999060 | 2 | whoami.txt
dump whoami.txt lsass.exe | 2 | whoami.txt
dump collect.json 999 | 2 | collect.json is of pid 6104
dump sd.txt | 2 | sd.txt
dump report.html | 2 | report.html
dump --dump missing.dmp notepad.exe | 2 | missing.dmp
dump --dump whoami.txt | 2 | whoami.txt
dump -notepad.exe | 2 | -notepad.exe
"""
)

WALK = _table(
    r"""
walk missing.dmp | 2 | missing.dmp
walk empty | 2 | empty
walk junkfolder | 2 | junkfolder
walk nothing*.none | 2 | nothing*.none
walk machine.kdtoken.gz missing.dmp | 2 | missing.dmp;notepad.exe
walk machine.kdtoken.gz junk.bin | 2 | junk.bin;notepad.exe
walk 6104 | 2 | 6104
walk tour notepad.exe | 2 | notepad.exe
walk whoami.txt | 2 | whoami.txt
walk machine.kdtoken.gz --integrity -1 | 2 | --integrity
walk machine.kdtoken.gz --integrity '' | 2 | --integrity
walk machine.kdtoken.gz --integrity 4294967296000 | 2 | 4294967296000
walk machine.kdtoken.gz --tree --csv | 2 | --tree
walk machine.kdtoken.gz --format json --csv | 2 | --csv
walk machine.kdtoken.gz --format html | 2 | html
walk machine.kdtoken.gz --color purple | 2 | purple
walk machine.kdtoken.gz --parquet empty | 2 | empty
walk machine.kdtoken.gz --parquet no/x.parquet | 2 | no/x.parquet
walk machine.kdtoken.gz --parquet junk.txt | 2 | junk.txt
walk machine.kdtoken.gz --all | 2 | --all
walk machine.kdtoken.gz --usr anna | 2 | --user
walk machine.kdtoken.gz --user | 2 | --user
walk machine.kdtoken.gz --token 0x1234 | 2 | --token
walk --session machine.kdtoken.gz MEMORY.DMP | 2 | one source at a time
walk --attach com:x MEMORY.DMP | 2 | one source at a time
walk --log junk.txt | 2 | junk.txt
walk half.dmp | 1 | half.dmp;CUT SHORT
walk machine.kdtoken.gz --user nobody-here | 0 | nobody-here
"""
)

DIFF = _table(
    r"""
diff machine.kdtoken.gz@notepad.exe machine.kdtoken.gz@nobody.exe | 2 | nobody.exe
diff machine.kdtoken.gz@ machine.kdtoken.gz@6104 | 2 | next:
diff @6104 @1120 | 2 | next:
diff machine.kdtoken.gz@notepad.exe | 2 | B is missing;kdtoken diff tour@notepad.exe tour@cmd.exe
report machine.kdtoken.gz | 2 | -o FILE is missing;kdtoken report tour -o report.html
lake CASE | 2 | are missing;kdtoken lake CASE add tour
sid | 2 | SID|NAME is missing;kdtoken sid S-1-5-32-544
mask | 2 | MASK is missing;kdtoken mask 0x1410 process
record -o x.gz | 2 | verb is missing;kdtoken record -o machine.kdtoken.gz all --session tour
diff a b c d | 2 | next:
diff whoami.txt junk.txt | 2 | junk.txt
diff whoami.txt nothing.log | 2 | nothing.log
diff whoami.txt empty | 2 | empty
diff - - | 2 | -
diff machine.kdtoken.gz machine.kdtoken.gz | 0 | compared
diff machine.kdtoken.gz after.kdtoken.gz | 1 | two starts of one;Run in another context
diff --session machine.kdtoken.gz | 2 | missing
diff --session machine.kdtoken.gz 6104 77777 | 2 | 77777
diff machine.kdtoken.gz@6104:99 machine.kdtoken.gz@6104 | 2 | 99
diff machine.kdtoken.gz@6104@1120 whoami.txt | 2 | next:
diff machine.kdtoken.gz 6104 1120 --format json | 2 | --format
diff machine.kdtoken.gz 6104 1120 --csv | 2 | --csv
diff missing.dmp@6104 whoami.txt | 2 | missing.dmp
diff machine.kdtoken.gz@svchost.exe whoami.txt | 2 | svchost.exe
diff sd.txt whoami.txt | 2 | sd.txt
diff MEMORY.DMP@6104 whoami.txt --symbols empty | 2 | empty
diff machine.kdtoken.gz@0 whoami.txt | 2 | next:
diff machine.kdtoken.gz@6104 machine.kdtoken.gz@1120 | 1 | A and B
"""
)

EXPLAIN = _table(
    r"""
explain | 2 | next:
explain machine.kdtoken.gz --to lsass.exe --want VM_READ | 2 | next:
explain machine.kdtoken.gz nobody.exe --to lsass.exe --want VM_READ | 2 | nobody.exe
explain machine.kdtoken.gz svchost.exe --to lsass.exe --want VM_READ | 2 | svchost.exe
explain machine.kdtoken.gz 6104 --to nowhere.exe --want VM_READ | 2 | nowhere.exe
explain machine.kdtoken.gz 6104 --to 99999 --want VM_READ | 2 | 99999
explain machine.kdtoken.gz 6104 --to 0x1234 --want read | 2 | 0x1234
explain machine.kdtoken.gz 6104 --to '\Device\Nope' --want read | 2 | Nope
explain machine.kdtoken.gz 6104 --to 'key:HKLM\SAM' --want read | 2 | HKLM
explain machine.kdtoken.gz 6104 --to token:nobody.exe --want read | 2 | nobody.exe
explain machine.kdtoken.gz 6104 --to token: --want read | 2 | token:
explain machine.kdtoken.gz 6104 --to thread:6104:1 --want read | 2 | 6104
explain machine.kdtoken.gz 6104 --to thread:x --want read | 2 | no thread x
explain machine.kdtoken.gz 6104 --to sd.txt --want read | 2 | --type
explain machine.kdtoken.gz 6104 --to junk.txt --type file --want read | 2 | junk.txt
explain machine.kdtoken.gz 6104 --to nothing.log --type file --want read | 2 | nothing.log
explain machine.kdtoken.gz 6104 --to 'D:(A;;FA;;;QQ)' --type file --want read | 2 | QQ
explain machine.kdtoken.gz 6104 --to 'D:(A;;FLY;;;BA)' --type file --want read | 2 | FLY
explain machine.kdtoken.gz 6104 --to '' --type file --want read | 2 | --to
explain machine.kdtoken.gz 6104 --to lsass.exe --want '' | 2 | --want
explain machine.kdtoken.gz 6104 --to lsass.exe | 2 | --want
explain machine.kdtoken.gz 6104 --to lsass.exe --want 0xffffffffff | 2 | 0xffffffffff
explain machine.kdtoken.gz 6104 --to lsass.exe --want -1 | 2 | next:
explain machine.kdtoken.gz 6104 --to lsass.exe --want 0 | 1 | for nothing
explain machine.kdtoken.gz 6104 --to sd.txt --type key --want VM_READ | 2 | VM_READ
explain machine.kdtoken.gz 6104 --to lsass.exe --want read --object-type x | 2 | x
explain machine.kdtoken.gz 6104 --to lsass.exe --want read --type file | 2 | --type
explain machine.kdtoken.gz 6104 --who --to lsass.exe --want VM_READ | 2 | --who;and 6104 is one
explain --to lsass.exe --want VM_READ | 2 | name a caller;kdtoken explain tour --who --to lsass.exe --want VM_READ
explain machine.kdtoken.gz 6104 --to lsass.exe --want VM_READ --threads | 2 | --threads
explain machine.kdtoken.gz 6104:77 --to lsass.exe --want VM_READ | 2 | 77
explain machine.kdtoken.gz 6104 1120 --to lsass.exe --want VM_READ | 0 | 0 of 2
explain --against missing.json | 2 | missing.json
explain --against junk.txt | 2 | junk.txt
explain --against list.json | 2 | list.json
explain --against whoami.txt | 2 | whoami.txt
explain whoami.txt --to lsass.exe --want VM_READ | 2 | lsass.exe
explain machine.kdtoken.gz 6104 --to lsass.exe --want VM_READ --named x | 2 | --named
explain machine.kdtoken.gz 6104 --to 'D:(A;;FA;;;BA)' --type file --want read | 1 | no
"""
)

AUDIT = _table(
    r"""
audit missing.dmp | 2 | missing.dmp
audit empty | 2 | empty
audit junk.bin | 2 | junk.bin
audit whoami.txt | 2 | whoami.txt
audit machine.kdtoken.gz missing.dmp | 2 | missing.dmp
audit machine.kdtoken.gz --rule nosuch | 2 | nosuch
audit machine.kdtoken.gz --rule '' | 2 | next:
audit machine.kdtoken.gz --baseline missing.json | 2 | missing.json
audit machine.kdtoken.gz --baseline empty | 2 | empty
audit machine.kdtoken.gz --baseline list.json | 2 | list.json
audit machine.kdtoken.gz --baseline number.json | 2 | number.json
audit machine.kdtoken.gz --baseline deep.json | 2 | deep.json
audit machine.kdtoken.gz --baseline walk.json | 2 | walk.json
audit machine.kdtoken.gz --baseline machine.kdtoken.gz | 2 | machine.kdtoken.gz
audit --explain nosuch-rule | 2 | nosuch-rule
audit machine.kdtoken.gz --format json | 2 | --format
audit machine.kdtoken.gz --csv | 2 | --csv
audit machine.kdtoken.gz notepad.exe | 2 | notepad.exe
audit machine.kdtoken.gz --strange | 2 | --strange
audit after.kdtoken.gz | 1 | !!
"""
)

LINEAGE = _table(
    r"""
lineage | 2 | next:
lineage machine.kdtoken.gz nobody.exe | 2 | nobody.exe
lineage machine.kdtoken.gz | 2 | no process was named
lineage missing.dmp notepad.exe | 2 | missing.dmp
lineage whoami.txt notepad.exe | 2 | whoami.txt
lineage machine.kdtoken.gz svchost.exe | 2 | svchost.exe
lineage machine.kdtoken.gz -1 | 2 | -1
lineage machine.kdtoken.gz 6104:6108 | 2 | 6104
lineage machine.kdtoken.gz 6104 --csv | 2 | --csv
lineage machine.kdtoken.gz 6104 --tree | 2 | --tree
lineage junk.bin 4 | 2 | junk.bin
lineage notepad.exe --session machine.kdtoken.gz --log session.log | 2 | --session and --log
"""
)

RECORD = _table(
    r"""
record | 2 | verb is missing
record -o new.gz | 2 | next:
record -o new.gz lake | 2 | lake
record -o new.gz dump | 2 | next:
record -o new.gz dump notepad.exe --session missing.gz | 2 | missing.gz
record -o new.gz walk --session machine.kdtoken.gz --user | 2 | --user
record -o new.gz dump nobody.exe --session machine.kdtoken.gz | 2 | nobody.exe
record -o new.gz dump whoami.txt | 2 | whoami.txt
record -o empty dump notepad.exe --session machine.kdtoken.gz | 2 | empty
record -o no/new.gz all --session machine.kdtoken.gz | 2 | no
record -o '' all --session machine.kdtoken.gz | 2 | next:
record -o junk.txt all --session machine.kdtoken.gz | 2 | junk.txt
record -o whoami.txt all --session machine.kdtoken.gz | 2 | whoami.txt
record -o MEMORY.DMP dump notepad.exe --session machine.kdtoken.gz | 2 | MEMORY.DMP
record -o machine.kdtoken.gz dump notepad.exe --session machine.kdtoken.gz | 2 | machine.kdtoken.gz
record -o same.kdtoken.gz walk machine.kdtoken.gz | 2 | same.kdtoken.gz
record -o /dev/full dump notepad.exe --session machine.kdtoken.gz | 2 | /dev/full
record dump notepad.exe -o empty --session machine.kdtoken.gz | 2 | empty
record -o a.gz dump notepad.exe -o b.gz --session machine.kdtoken.gz | 2 | two
record dump machine.kdtoken.gz 6104 | 2 | -o FILE is missing;kdtoken record -o
record -o half.dmp walk half.dmp | 2 | half.dmp
record -o new.gz diff machine.kdtoken.gz@4 whoami.txt | 2 | diff
record -o a.gz -o b.gz all --session machine.kdtoken.gz | 2 | -o
"""
)

REPORT = _table(
    r"""
report | 2 | -o
report machine.kdtoken.gz | 2 | -o
report machine.kdtoken.gz -o | 2 | -o
report machine.kdtoken.gz -o empty | 2 | empty
report machine.kdtoken.gz -o no/r.html | 2 | no
report machine.kdtoken.gz -o '' | 2 | next:
report machine.kdtoken.gz -o junk.txt | 2 | junk.txt
report machine.kdtoken.gz -o machine.kdtoken.gz | 2 | machine.kdtoken.gz
report MEMORY.DMP -o MEMORY.DMP | 2 | MEMORY.DMP
report missing.dmp -o new.html | 2 | missing.dmp
report junk.bin -o new.html | 2 | junk.bin
report empty -o new.html | 2 | empty
report -o new.html | 2 | name a file
report machine.kdtoken.gz -o new.html --json | 2 | --json
report machine.kdtoken.gz notepad.exe -o new.html | 2 | notepad.exe
report half.dmp -o /dev/null | 1 | processes
report junkfolder -o new.html | 2 | junkfolder
report whoami.txt -o whoami.txt | 2 | whoami.txt
report machine.kdtoken.gz -o new.html --baseline junk.txt | 2 | junk.txt
report machine.kdtoken.gz -o new.html --rule nosuch | 2 | nosuch
report sd.txt -o new.html | 2 | sd.txt
"""
)

LAKE = _table(
    r"""
lake | 2 | next:
lake LAKE | 2 | add
lake LAKE fly | 2 | fly
lake LAKE ask "SELEC 1" | 2 | SELEC
lake LAKE ask "SELECT nosuch FROM running" | 2 | nosuch
lake LAKE ask "SELECT * FROM nosuch" | 2 | nosuch
lake LAKE ask "SELECT pid FROM running WHERE pid = 'x'" | 2 | x
lake LAKE ask "DROP TABLE running" | 2 | SELECT
lake LAKE ask "SELECT 1; SELECT 2" | 2 | next:
lake LAKE ask "SELECT * FROM read_csv('/etc/passwd')" | 2 | next:
lake LAKE ask "COPY running TO 'out.csv'" | 2 | next:
lake LAKE ask "ATTACH 'x.db'" | 2 | next:
lake LAKE ask "SELECT * FROM running WHERE" | 2 | next:
lake LAKE ask ';' | 2 | next:
lake LAKE ask SELECT host FROM running | 2 | quotes
lake LAKE ask --named nosuch | 2 | nosuch
lake LAKE ask --named stolen-tokn | 2 | stolen-token
lake LAKE ask --named stolen-token "SELECT 1" | 2 | one question
lake LAKE ask --show | 2 | --named
lake LAKE ask --named stolen-token --csv --json | 2 | --csv
lake LAKE ask "SELECT 1" --parquet empty | 2 | empty
lake LAKE ask "SELECT 1" --parquet junk.txt | 2 | junk.txt
lake LAKE ask "SELECT 1" --symbols . | 2 | --symbols
lake LAKE ask "SELECT 1" --download | 2 | --download
lake LAKE ask "SELECT 1" --format json | 2 | --format
lake missing ask "SELECT 1" | 2 | missing
lake junk.txt ask "SELECT 1" | 2 | junk.txt
lake junkfolder ask "SELECT 1" | 2 | junkfolder
lake '' ask "SELECT 1" | 2 | next:
lake LAKE add | 2 | LAKE add
lake LAKE add missing.dmp | 2 | missing.dmp;not-read
lake LAKE add - | 2 | standard input
lake LAKE add com:pipe,port=x | 2 | live machine
lake LAKE add machine.kdtoken.gz --csv | 2 | --csv
lake junkfolder add machine.kdtoken.gz | 2 | junkfolder
lake junk.txt add machine.kdtoken.gz | 2 | junk.txt
lake foo://bucket/x ask "SELECT 1" | 2 | foo://bucket/x
lake LAKE add machine.kdtoken.gz --cluster nonsense | 2 | nonsense
lake LAKE add machine.kdtoken.gz --services junk.bin | 2 | junk.bin
lake ask LAKE "SELECT 1" | 2 | next:
"""
)

LOOKUP = _table(
    r"""
sid | 2 | SID|NAME
sid '' | 2 | next:
sid S-1 | 2 | S-1
sid S-1-5- | 2 | S-1-5-
sid S-2-5-18 | 2 | S-2-5-18
sid S-1-5-99999999999 | 2 | 99999999999
sid S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16 | 2 | S-1-5-1
sid S-1-5-32-544 nosuchname | 2 | nosuchname
sid nosuchname | 2 | nosuchname
sid DA | 2 | --domain
sid DA --domain x | 2 | x
sid DA --domain S-1-5-18 | 2 | S-1-5-18
sid DA --domain | 2 | --domain
sid 544 | 2 | 544
sid BUILTIN\Nobody | 2 | Nobody
sid S-1-5-32-544 --csv | 2 | --csv
mask | 2 | mask
mask '' | 2 | next:
mask -1 | 2 | -1
mask 0x1ffffffff | 2 | 0x1ffffffff
mask 99999999999 file | 2 | 99999999999
mask VM_READ | 2 | VM_READ
mask VM_READ file | 2 | VM_READ
mask 0x10 process thread | 2 | thread
mask 1.5 process | 2 | 1.5
mask process 0x1410 | 2 | next:
mask 0x10 process --type file | 2 | --type
"""
)

TOUR = _table(
    r"""
tour 0 | 2 | 0
tour -1 | 2 | -1
tour x | 2 | x
tour 1.5 | 2 | 1.5
tour 18 | 2 | 18
tour 1 2 | 2 | next:
tour all 3 | 2 | next:
tour --exercise 0 | 2 | 0
tour --exercise 9 | 2 | 9
tour --exercise x | 2 | x
tour --exercise 1 nonsense | 2 | nonsense
tour --exercise 1 cmd.exe | 1 | cmd.exe
tour --hint | 2 | --exercise
tour --write junk.txt | 2 | junk.txt
tour --write occupied | 2 | practice.dmp
tour --write '' | 2 | next:
tour --write laid 1 | 2 | --write stands alone
tour --session machine.kdtoken.gz | 2 | --session
"""
)

COLLECT = _table(
    r"""
collect | 2 | Windows
collect --pid 4 | 2 | Windows
collect --pid -1 | 2 | -1
collect --pid 0x10 | 2 | 0x10
collect --pid 4 --thread 8 | 2 | --thread
collect -o | 2 | -o
collect notepad.exe | 2 | --pid PID
collect --check 'D:(A;;FA' | 2 | next:
collect --questions missing.json | 2 | next:
collect --json | 2 | --json
"""
)

TABLES: Dict[str, List[Use]] = {
    "front": FRONT,
    "dump": DUMP,
    "walk": WALK,
    "diff": DIFF,
    "explain": EXPLAIN,
    "audit": AUDIT,
    "lineage": LINEAGE,
    "record": RECORD,
    "report": REPORT,
    "lake": LAKE,
    "sid and mask": LOOKUP,
    "tour": TOUR,
    "collect": COLLECT,
}
