"""Texts damaged as people damage them, and the law about them: what is read from a mutant is what the text says.

A value read from a mutant equals the original's or is not given; a list taken for whole has all that the original's
has.  Run by hand over folders of texts, and over the fixtures:

    python -m tests.mutants [--twice] [--every N] [FOLDER ...]
"""

import html
import re
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from kdtoken.errors import BadFormat
from kdtoken.model.absent import Fragment, known
from kdtoken.model.group import Group
from kdtoken.model.privilege import NAMES
from kdtoken.model.process import FastRef, Impersonation
from kdtoken.view.lines import decode_text
from kdtoken.view.partial import PartialToken
from kdtoken.view.text import read_text
from tests.margins import left_cuts, right_cuts
from tests.mutants_twice import pairs

# Listed, but not how: the law asks nothing of it, and a mutant may tell what the original leaves in doubt.
UNKNOWN = "not known"
WIDTHS = (72, 80, 92, 120)
PROMPTS = ("lab\\anna@HOST C:\\Users\\anna>", "PS C:\\> ", "$ ", "0: kd> ", "C:\\Windows\\system32>")


def _cuts(lines: List[str]) -> Iterator[Tuple[str, List[str]]]:
    for at in range(1, len(lines)):
        yield "tail cut at %d" % at, lines[:at]
        yield "head cut at %d" % at, lines[at:]
        if at + 2 < len(lines):
            yield "snipped at %d" % at, lines[:at] + ["(snip)"] + lines[at + 2 :]
            yield "dots at %d" % at, lines[:at] + ["......"] + lines[at + 1 :]


def _wrapped(lines: List[str]) -> Iterator[Tuple[str, List[str]]]:
    for width in WIDTHS:
        hard: List[str] = []
        soft: List[str] = []
        bare: List[str] = []
        for line in lines:
            pieces = [line[at : at + width] for at in range(0, len(line), width)] or [""]
            hard += pieces
            bare += [piece.rstrip() for piece in pieces]
            soft += textwrap.wrap(line, width, drop_whitespace=True, break_on_hyphens=False) or [""]
        yield "wrapped at %d" % width, hard
        yield "wrapped at %d, blanks at the end lost" % width, bare
        yield "word-wrapped at %d" % width, soft


def _marked_up(lines: List[str]) -> Iterator[Tuple[str, List[str]]]:
    word = re.compile(r"\b(Enabled|Disabled|Se[A-Z]\w+Privilege|Token|S-1-[-0-9]+|Image)\b")
    yield "bold left over", [word.sub(r"**\1**", line) for line in lines]
    yield "bold lines", ["**%s**" % line if line.strip() else line for line in lines]
    yield "half bold", [word.sub(r"**\1", line, 1) for line in lines]
    yield "mail quote", ["> " + line for line in lines]
    yield "mail quote twice", [">> " + line for line in lines]
    yield "mail quote, no blank", [">" + line for line in lines]
    yield "HTML", ["<pre>"] + [html.escape(line) + "<br>" for line in lines] + ["</pre>"]
    yield "HTML spans", ['<span class="x">%s</span>' % html.escape(line) for line in lines]
    page = "".join('<span class="line">%s</span><br>' % html.escape(line) for line in lines)
    yield "HTML on one line", [page]
    for width in WIDTHS:
        pieces = [page[at : at + width] for at in range(0, len(page), width)]
        yield "HTML on one line, wrapped at %d" % width, pieces
        yield "HTML on one line, wrapped at %d, blanks at the end lost" % width, [one.rstrip() for one in pieces]
        yield "HTML on one line, word-wrapped at %d" % width, textwrap.wrap(page, width, break_on_hyphens=False)
    yield "blanks collapsed", [re.sub(r"[ \t]+", " ", line) for line in lines]
    yield "blanks collapsed, edges lost", [re.sub(r"[ \t]+", " ", line).strip() for line in lines]
    yield "edges lost", [line.strip() for line in lines]
    yield "double spaced", [one for line in lines for one in (line, "")]
    yield "tabs", [line.replace("    ", "\t") for line in lines]
    yield "indented", ["        " + line for line in lines]
    yield "no blank lines", [line for line in lines if line.strip()]
    yield "one line", [" ".join(lines)]
    yield "letters lost", [re.sub(r"[^\x00-\x7f]", "?", line) for line in lines]
    yield "letters replaced", [re.sub(r"[^\x00-\x7f]", "\ufffd", line) for line in lines]


def _prompted(lines: List[str]) -> Iterator[Tuple[str, List[str]]]:
    for prompt in PROMPTS:
        yield "prompt %r before each line" % prompt, [prompt + line for line in lines]
        yield "prompt %r around" % prompt, [prompt, *lines, prompt]
    yield (
        "prompts lost",
        [re.sub(r"^.{0,60}?(kd|[A-Za-z]:\\[^>]{0,40})> ?", "", line) if ">" in line else line for line in lines],
    )


def _framed(lines: List[str]) -> Iterator[Tuple[str, List[str]]]:
    """What editors, logs, forums and scanners put around lines and words."""
    for name, form in (("numbers", "%4d  %s"), ("numbers and colons", "%d: %s"), ("numbers of two digits", "%02d %s")):
        yield name, [form % (at, line) for at, line in enumerate(lines, 1)]
    yield "times", ["[2024-05-01 10:11:%02d] %s" % (at % 60, line) for at, line in enumerate(lines)]
    yield "times of a log", ["10:11:%02d.%03d INFO %s" % (at % 60, at % 999, line) for at, line in enumerate(lines)]
    for mark in ("# ", "// ", "* ", "- ", "+", "<anna> "):
        yield "%r before each line" % mark, [mark + line for line in lines]
    yield "in a box", ["| %s |" % line for line in lines]
    yield "in quotes", ['"%s"' % line for line in lines]
    word = re.compile(r"\b(Enabled|Disabled|Se[A-Z]\w+Privilege|S-1-[-0-9]+)\b")
    yield "BBCode", ["[code]", *(word.sub(r"[b][color=red]\1[/color][/b]", line) for line in lines), "[/code]"]
    for sign in ("*", "_", "`"):
        yield "words in %s" % sign, [word.sub(r"%s\1%s" % (sign, sign), line) for line in lines]
    yield "no-break hyphens", [line.replace("-", "\u2011") for line in lines]
    yield "digits blacked out", [re.sub(r"\d{9,10}", lambda found: found.group()[:4] + "****", line) for line in lines]
    yield "UTF-8 as Windows-1252", [_misread(line) for line in lines]


def _misread(line: str) -> str:
    try:
        return line.encode("utf-8").decode("cp1252")
    except UnicodeDecodeError:
        return line.encode("utf-8").decode("latin-1")


def mutants(text: str) -> Iterator[Tuple[str, str]]:
    """(what was done, text) of every mutation."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    for make in (_cuts, _wrapped, _marked_up, _prompted, _framed, right_cuts, left_cuts):
        for name, changed in make(lines):
            yield name, "\n".join(changed) + "\n"


class Facts(NamedTuple):
    """What was read: of each token and of each process, name -> value."""

    tokens: List[Dict[str, Any]]
    processes: Dict[int, List[Dict[str, Any]]]


def facts(text: str) -> Facts:
    """Everything that is read from a text."""
    read = read_text(text)
    processes: Dict[int, List[Dict[str, Any]]] = {}
    threads = list(read.processes.threads)
    for one in read.processes.processes:
        process = one.process
        its: Dict[str, Any] = {}
        processes.setdefault(process.address, []).append(its)
        for name, value in (
            ("pid", process.pid),
            ("image", process.image_name),
            ("parent", process.parent_pid),
            ("token", process.token.value if isinstance(process.token, FastRef) else process.token),
            ("session", one.session),
            ("peb", one.peb),
            ("directory base", one.directory_base),
            ("objects", one.object_table),
            ("handles", one.handle_count),
        ):
            if known(value):
                its[name] = value
        threads += one.threads
        for thread in one.threads:
            its["thread %x" % thread.thread.address] = True
    for thread in threads:
        its = {"pid": thread.thread.pid, "tid": thread.thread.tid}
        processes.setdefault(thread.thread.address, []).append(its)
        impersonation = thread.thread.impersonation
        if isinstance(impersonation, Impersonation):
            its["impersonates"] = (impersonation.token, impersonation.level)
        elif impersonation is None:
            its["impersonates"] = None
        for name, value in (("owner", thread.owner), ("image", thread.image)):
            if known(value):
                its[name] = value
    return Facts([_of_token(one) for one in read.tokens], processes)


def _of_token(text: PartialToken) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for name, value in vars(text.token).items():
        if name in ("problems", "origins", "address", "integrity_level_index", "privileges") or not known(value):
            continue
        if name in ("user_and_groups", "restricted_sids", "capabilities"):
            entries = [one for one in value if isinstance(one, Group)]
            if name == "user_and_groups" and isinstance(value[0], Group):
                found["user"] = entries.pop(0).sid
            for entry in entries:
                found["%s %s" % (name, entry.sid)] = entry.attributes
            if name not in text.incomplete and all(isinstance(one, Group) for one in value):
                # The label and the logon SID come apart in some forms; they are compared by themselves.
                found["whole " + name] = sorted(
                    (str(one.sid), one.attributes)
                    for one in entries
                    if not one.sid.is_integrity_label and not one.sid.is_logon_sid
                )
            continue
        found[name] = value
    for one in text.groups:
        if not isinstance(one.attributes, int):
            found["user_and_groups %s" % one.sid] = UNKNOWN
    if text.token.address:
        found["address"] = text.token.address
    if any(one.sid.is_integrity_label and not isinstance(one.attributes, int) for one in text.groups):
        found["integrity"] = UNKNOWN
    if known(text.token.integrity):
        found["integrity"] = text.token.integrity
    for privilege in text.privileges:
        found["enabled " + privilege.name] = privilege.enabled if known(privilege.enabled) else UNKNOWN
        default = privilege.enabled_by_default
        found["default " + privilege.name] = default if known(default) else UNKNOWN
    privileges = text.token.privileges
    if isinstance(privileges, tuple):
        held = {one.number for one in privileges}
        for number in range(64):
            if number not in held and (not isinstance(privileges, Fragment) or privileges.tells(number)):
                found["lacks %d" % number] = True
    for sid, name in text.names.items():
        if name:
            found["name %s" % sid] = name
    return found


def wrong(mutant: Facts, original: Facts) -> List[str]:
    """What the mutant says that the original does not."""
    said = []
    for token in mutant.tokens:
        best = min(
            (_against(token, one) for one in original.tokens if token.get("address") in (None, one.get("address"))),
            key=len,
            default=["a token that is not there: %s" % sorted(token)[:3]] if token else [],
        )
        said += best
    for address, blocks in mutant.processes.items():
        theirs = original.processes.get(address)
        if theirs is None:
            said.append("a process or thread at 0x%x" % address)
            continue
        for its in blocks:
            # An address may have been printed at two times.
            said += min(
                (
                    ["%x %s: %r is %r" % (address, k, one.get(k), v) for k, v in its.items() if one.get(k, ()) != v]
                    for one in theirs
                ),
                key=len,
            )
    return said


def _against(token: Dict[str, Any], original: Dict[str, Any]) -> List[str]:
    said = []
    for name, value in token.items():
        if name.startswith("whole ") and name not in original:
            continue  # the original's own end was not seen; its entries are compared one by one
        if name.startswith("lacks "):
            if "enabled " + NAMES.get(int(name[6:]), "") in original:
                said.append(name)
            continue
        if UNKNOWN not in (value, original.get(name, ())) and original.get(name, ()) != value:
            said.append("%s: %r is %r" % (name, original.get(name), value))
    return said


class Figures(NamedTuple):
    """How many mutants, of how many texts, and what was wrong: (text, mutation, what)."""

    texts: int
    mutants: int
    wrong: Tuple[Tuple[str, str, str], ...]


def judge(texts: Sequence[Tuple[str, str]], every: int = 1) -> Figures:
    """Each `every`-th mutant of each (name, text)."""
    count, found = 0, []
    for name, text in texts:
        original = facts(text)
        for at, (what, mutant) in enumerate(mutants(text)):
            if at % every:
                continue
            count += 1
            found += [(name, what, one) for one in wrong(facts(mutant), original)]
    return Figures(len(texts), count, tuple(found))


def judge_twice(texts: Sequence[Tuple[str, str]], every: int) -> Figures:
    """Each `every`-th pair of mutations that people do one after the other."""
    count, found = 0, []
    for number, (name, text) in enumerate(texts):
        original = facts(text)
        lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
        for what, mutant in pairs(lines, (_cuts, _wrapped, _marked_up, _prompted), every, number):
            count += 1
            found += [(name, what, one) for one in wrong(facts(mutant), original)]
    return Figures(len(texts), count, tuple(found))


def pieces(name: str, text: str, longest: int = 120) -> List[Tuple[str, str]]:
    """A long text in parts at its prompts, so that cutting each at every line takes no hour."""
    lines = text.split("\n")
    if len(lines) <= longest:
        return [(name, text)]
    starts = [at for at, line in enumerate(lines) if re.match(r"\S{0,8} ?kd> \S|PROCESS [0-9a-f]{8}", line)] or [0]
    parts = []
    for at, start in enumerate(starts):
        stop = starts[at + 1] if at + 1 < len(starts) else len(lines)
        parts.append(("%s:%d" % (name, start + 1), "\n".join(lines[start : min(stop, start + longest)])))
    return parts


def texts_of(folder: Path) -> List[Tuple[str, str]]:
    """All texts of a folder."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        try:
            found += pieces(path.name, decode_text(path.read_bytes(), path.name).text)
        except BadFormat as error:
            print("%s: %s" % (path.name, error))
    return found


def main(arguments: Sequence[str]) -> int:
    """Judge the folders, or with --every N each N-th mutant, with --twice pairs of them; 1 if anything was wrong."""
    every, twice = 1, arguments[:1] == ["--twice"]
    arguments = arguments[1:] if twice else arguments
    if arguments[:1] == ["--every"]:
        every, arguments = int(arguments[1]), arguments[2:]
    folders = [Path(one) for one in arguments] or [Path(__file__).resolve().parent.parent / "fixtures" / "views"]
    bad = 0
    for folder in folders:
        figures = judge_twice(texts_of(folder), every) if twice else judge(texts_of(folder), every)
        for row in figures.wrong:
            print("%s | %s | %s" % row)
        print("%s: %d texts, %d mutants, %d wrong values" % (folder, *figures[:2], len(figures.wrong)))
        bad += len(figures.wrong)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
