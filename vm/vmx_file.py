"""A .vmx file as lines of bytes: what is read or changed is one value, all else stays as it was, to the byte.

What a .vmx is (VMware's configuration files, as Workstation 12 to 25, Player and Fusion write them): one
`key = "value"` a line, keys without regard to case, `#` for comments, `.encoding` naming the character set
of the file itself. All the character sets that VMware writes keep ASCII, so lines and keys are found in the
bytes, and only the values of this tool's own keys are ever encoded.
"""

import codecs
import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

_KEY = re.compile(rb"[ \t]*([A-Za-z0-9_.:\-]+)[ \t]*=[ \t]*")
_LARGEST = 1 << 20  # bytes: a .vmx has some hundred lines


class Parts(NamedTuple):
    """A `key = "value"` line in four parts that make it up again, and the key. end: the line break, if any."""

    key: str
    head: bytes
    value: bytes
    tail: bytes
    end: bytes


def parts_of(line: bytes) -> Optional[Parts]:
    """None for a comment, an empty line, and whatever else is no `key = "value"`.  In linear time."""
    found = _KEY.match(line)
    if found is None:
        return None
    body = line.rstrip(b"\r\n")
    end = line[len(body) :]
    if end not in (b"\r\n", b"\n", b"") or b"\r" in body or b"\n" in body:
        return None
    head, rest = found.group(), body[found.end() :]
    if rest.startswith(b'"'):
        close = rest.find(b'"', 1)
        if close < 0:
            return None
        value, tail = rest[: close + 1], rest[close + 1 :]
        if tail.strip(b" \t") and not tail.lstrip(b" \t").startswith(b"#"):
            return None
    else:
        value = rest.partition(b"#")[0].rstrip(b" \t")
        tail = rest[len(value) :]
        if b'"' in value:
            return None
    return Parts(found.group(1).decode("ascii").lower(), head, value, tail, end)


_UTF8_BOM = codecs.BOM_UTF8
# Every .vmx that VMware opens names the hardware version; the older key is config.version.
_MARKS = ("virtualhw.version", "config.version")


class Refused(Exception):
    """Nothing was changed. The text is one sentence on why, and `command` what to do first."""

    def __init__(self, why: str, command: str = "") -> None:
        super().__init__(why)
        self.command = command


class Entry(NamedTuple):
    """One `key = "value"` line."""

    number: int
    key: str
    value: bytes


class VmxFile:
    """The lines of a .vmx. `get` reads, `put` corrects in place or adds, `data` gives the bytes back."""

    def __init__(self, data: bytes) -> None:
        """Raises Refused when this is no .vmx, or one that cannot be edited as text."""
        if len(data) > _LARGEST:
            raise Refused("the file has over %d MB, and no .vmx has" % (_LARGEST >> 20))
        self._bom = _UTF8_BOM if data.startswith(_UTF8_BOM) else b""
        self._lines: List[bytes] = data[len(self._bom) :].splitlines(keepends=True) if _plain(data) else []
        # bytes.splitlines also splits at a lone CR, which old Mac editors leave; join() gives the same bytes back.
        self._where: Dict[str, int] = {}
        self._twice: Dict[str, Tuple[int, int]] = {}
        self._index()
        self._check(data)

    def _index(self) -> None:
        self._where.clear()
        self._twice.clear()
        for number, line in enumerate(self._lines):
            found = parts_of(line)
            if found is None:
                continue
            key = found.key
            if key in self._where:
                self._twice[key] = (self._where[key] + 1, number + 1)
            self._where[key] = number

    def _check(self, data: bytes) -> None:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
            raise Refused(
                "the file is UTF-16 or binary; VMware writes a .vmx in the character set that its "
                ".encoding names. If an editor saved it so, save it again as UTF-8"
            )
        if any(mark in self._where for mark in _MARKS):
            return
        if "encryption.data" in self._where or "encryption.keysafe" in self._where:
            raise Refused(
                "this VM is encrypted as a whole, and its settings cannot be seen from outside; add the "
                "port in VMware's window: VM > Settings > Add > Serial Port > Output to named pipe"
            )
        head = data.lstrip()[:400].lower()
        if head.startswith(b"# disk descriptorfile") or head.startswith(b"kdmv"):
            raise Refused(
                "this is a virtual disk (.vmdk), not the VM's configuration: the .vmx lies in the same folder"
            )
        if head.startswith(b"<"):
            raise Refused(
                "this is XML (VirtualBox's .vbox, an .ovf or libvirt's), not a .vmx",
                "python vm/vmx.py --virtualbox NAME",
            )
        raise Refused("this is not a .vmx: no line `virtualHW.version = ...`")

    # -- reading

    @property
    def encoding(self) -> str:
        """The character set that `.encoding` names, in VMware's words; empty when there is no such line."""
        return self._raw(".encoding").decode("ascii", "replace")

    def codec(self) -> str:
        """Python's name for it; Latin-1, which loses no byte, for one that Python does not know or that keeps no ASCII.

        A file of which this code reads ASCII keys in the bytes cannot be UTF-16, whatever its .encoding says.
        """
        return _codec("utf-8" if self._bom else self.encoding or "utf-8") or "latin-1"

    def _raw(self, key: str) -> bytes:
        number = self._where.get(key.lower())
        found = parts_of(self._lines[number]) if number is not None else None
        return found.value.strip().strip(b'"') if found else b""

    def get(self, key: str) -> Optional[str]:
        """The value, or None where the key is missing. VMware's |XX stands for a byte, as |22 for a quote."""
        if key.lower() not in self._where:
            return None
        plain = re.sub(rb"\|([0-9A-Fa-f]{2})", lambda hit: bytes([int(hit.group(1), 16)]), self._raw(key))
        return plain.decode(self.codec(), "replace")

    def is_true(self, key: str) -> bool:
        return (self.get(key) or "").strip().upper() in ("TRUE", "1", "YES", "ON")

    def entries(self, prefix: str) -> Iterator[Entry]:
        """The lines whose key starts with prefix, in the file's order; numbers count from 1."""
        for key, number in sorted(self._where.items(), key=lambda pair: pair[1]):
            if key.startswith(prefix.lower()):
                yield Entry(number + 1, key, self._raw(key))

    def refuse_if_twice(self, prefix: str) -> None:
        """VMware does not open a file that defines a key twice ("Variable ... is already defined")."""
        for key, (first, second) in self._twice.items():
            if key.startswith(prefix.lower()):
                raise Refused(
                    "%s stands on lines %d and %d, and VMware opens no such file: delete one of the two"
                    % (key, first, second)
                )

    # -- writing

    def put(self, key: str, value: str, after: str) -> bool:
        """Set one value; returns whether a byte changed. A new line goes behind the last key starting with `after`."""
        self.refuse_if_twice(key)
        quoted = b'"' + self._encode(key, value) + b'"'
        number = self._where.get(key.lower())
        if number is not None:
            found = parts_of(self._lines[number])
            assert found is not None  # _index only keeps lines that have these parts
            # TRUE and "true" are the same to VMware, and so is a value without quotes.
            if found.value.strip().strip(b'"') == quoted.strip(b'"'):
                return False
            if value.upper() in ("TRUE", "FALSE") and self.is_true(key) == (value.upper() == "TRUE"):
                return False
            self._lines[number] = found.head + quoted + found.tail + found.end
            return True
        self._insert(b"%s = %s" % (key.encode("ascii"), quoted), after)
        self._index()
        return True

    def _encode(self, key: str, value: str) -> bytes:
        escaped = value.replace("|", "|7C").replace('"', "|22")
        try:
            if not escaped.isascii() and (_codec(self.encoding or "utf-8") is None or not self._fits()):
                raise UnicodeError("a guess at the character set is good enough to read by, not to write by")
            return escaped.encode(self.codec())
        except UnicodeError:
            raise Refused(
                "%s: %r cannot be written in this file's character set, %s; use a name in ASCII"
                % (key, value, self.encoding or "UTF-8")
            ) from None

    def _fits(self) -> bool:
        """Whether the file is in the character set that it says."""
        try:
            b"".join(self._lines).decode(self.codec())
        except UnicodeError:
            return False
        return True

    def _insert(self, line: bytes, after: str) -> None:
        places = [entry.number for entry in self.entries(after)]
        at = places[-1] if places else len(self._lines)
        end = self.line_end()
        if at == len(self._lines) and self._lines and not self._lines[-1].endswith((b"\n", b"\r")):
            # The file ends without a newline: it still does afterwards.
            self._lines[-1] += end
            end = b""
        self._lines.insert(at, line + end)

    def line_end(self) -> bytes:
        """What most lines end with."""
        crlf = sum(line.endswith(b"\r\n") for line in self._lines)
        ended = sum(line.endswith(b"\n") for line in self._lines)
        return b"\r\n" if 2 * crlf > ended else b"\n"

    def data(self) -> bytes:
        return self._bom + b"".join(self._lines)


def _codec(name: str) -> Optional[str]:
    """Python's name for a character set in VMware's words; None unless ASCII stays ASCII in it."""
    ascii_bytes = bytes(byte for byte in range(128) if byte != 0x1B)  # ISO-2022 sets begin with an escape
    for candidate in (name, re.sub(r"(?i)^(?:windows|x-windows|ibm)-", "cp", name)):
        try:
            if ascii_bytes.decode(candidate) == ascii_bytes.decode("ascii"):
                return codecs.lookup(candidate).name
        except (LookupError, UnicodeError, ValueError):  # ValueError: a NUL in the name
            continue
    return None


def _plain(data: bytes) -> bool:
    return b"\0" not in data
