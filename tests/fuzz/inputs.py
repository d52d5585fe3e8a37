"""What each reader is fed: small sound inputs to start from, and the call that may only end in our own errors.

    INPUTS["pdb"].seeds()          # sound files, as bytes
    INPUTS["pdb"].run(data)        # returns, or raises what is a finding

A KdTokenError (for vm/: Refused) is an answer and is swallowed here; any other exception is a finding, and so is a
run that takes over SECONDS.
"""

import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple

from kdtoken.errors import KdTokenError
from tests.vm_tools import tool

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
SECONDS = 20


class Input(NamedTuple):
    """One kind of input.  binary: whether it is changed as numbers or as text."""

    seeds: Callable[[], List[bytes]]
    run: Callable[[bytes], None]
    binary: bool


@contextmanager
def _file(data: bytes, ending: str = "") -> Iterator[str]:
    handle, path = tempfile.mkstemp(ending)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        yield path
    finally:
        os.remove(path)


def _text(data: bytes) -> str:
    from kdtoken.view.lines import decode_text

    return decode_text(data, "input").text


def _own(run: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def quietly(data: bytes) -> None:
        try:
            run(data)
        except KdTokenError as error:
            assert str(error)

    return quietly


def _memory_of(kind: str) -> Input:
    """Dumps or images, by what is changed in them (tests/fuzz/memory.py)."""

    def seeds() -> List[bytes]:
        from tests.fuzz import memory

        return memory.seeds(kind)

    def run(data: bytes) -> None:
        from tests.fuzz import memory

        memory.run(kind, data)

    return Input(seeds, _own(run), True)


def _side_files() -> List[bytes]:
    from tests.test_source_image_fuzz import SIDE

    return [SIDE]


def _run_side_file(data: bytes) -> None:
    """A .vmss beside a .vmem of a few MB of zeros: its regions are what a stranger may have written."""
    from kdtoken.source.crashdump.dump import open_dump

    with tempfile.TemporaryDirectory() as folder:
        memory = Path(folder) / "a.vmem"
        with open(str(memory), "wb") as out:
            out.truncate(6 << 20)
        memory.with_suffix(".vmss").write_bytes(data)
        open_dump(memory, str(folder))


def _cores() -> List[bytes]:
    """An ELF core's head and its table of segments, without the memory: some hundred bytes."""
    from tests.machine.containers import physical_pages, write_elf
    from tests.test_source_image_fuzz import DUMP, KERNEL

    pages = dict(sorted(physical_pages(KERNEL).items())[:2])
    with tempfile.TemporaryDirectory() as folder:
        return [write_elf(pages, Path(folder) / "a.elf", DUMP.root).read_bytes()]


def _run_core(data: bytes) -> None:
    from kdtoken.source.crashdump.dump import open_dump

    with _file(data, ".elf") as path:
        open_dump(path, os.path.dirname(path) + "/nowhere")


def _pdbs() -> List[bytes]:
    from tests.test_layout_pdb_pdb import small

    return [small().data()]


def _run_pdb(data: bytes) -> None:
    from kdtoken.layout.pdb.pdb import PdbFile

    pdb = PdbFile(data, "input")
    for name in pdb.names()[:50]:
        try:
            pdb.layout(name)
        except KdTokenError:
            continue
    for name in ("PsActiveProcessHead", "SeTokenObjectType"):
        pdb.rva(name)
    pdb.symbol_names()


def _isfs() -> List[bytes]:
    from tests.test_layout_isf import SAMPLE

    return [json.dumps(SAMPLE).encode()]


def _run_isf(data: bytes) -> None:
    from kdtoken.layout.isf import load_isf

    with _file(data) as path:
        isf = load_isf(path)
        for name in isf.names()[:50]:
            try:
                isf.layout(name)
            except KdTokenError:
                continue


def _recordings() -> List[bytes]:
    head = '{"kdtoken-session": 1, "source": "x", "build": "10.0", "synthetic": true, "made-by": "kdtoken 0"}'
    rows = [
        '{"layout": "_LUID", "size": 8, "fields": [["LowPart", 0, "Uint4B"], ["HighPart", 4, "Int4B"]]}',
        '{"layout": "_NONE", "missing": true}',
        '{"symbol": "PsActiveProcessHead", "address": "0xfffff80312403010"}',
        '{"memory": "0xffffa08011000670", "bytes": "2a53595354454d2a"}',
        '{"unreadable": "0xffffa08011003000", "size": 64, "reason": "paged out"}',
        '{"command": "!process 0 0", "output": "PROCESS ffffa08011002380"}',
    ]
    return ["\n".join([head] + rows).encode()]


def _run_recording(data: bytes) -> None:
    from kdtoken.source.session import load_session

    with _file(data) as path:
        source = load_session(path)
        for question in (
            lambda: source.read(0xFFFFA08011000670, 16),
            lambda: source.layout("_LUID"),
            lambda: source.symbol("PsActiveProcessHead"),
            lambda: source.command("!process 0 0"),
        ):
            try:
                question()
            except KdTokenError:
                continue


def _texts(*patterns: str) -> List[bytes]:
    return [
        path.read_bytes()[:60000] for pattern in patterns for path in sorted(FIXTURES.glob(pattern)) if path.is_file()
    ]


def _run_log(data: bytes) -> None:
    from kdtoken.decode.process import walk_processes
    from kdtoken.source.cached import CachedSource
    from kdtoken.source.log.source import LogSource

    with _file(data, ".log") as path:
        walk_processes(CachedSource(LogSource([path])))


def _run_debugger_text(data: bytes) -> None:
    from kdtoken.view.debugger.text import read_debugger_text

    read_debugger_text(_text(data), "input")


def _run_whoami(data: bytes) -> None:
    from kdtoken.view.whoami.reader import read_whoami_text

    read_whoami_text(_text(data), "input")


def _descriptor_texts() -> List[bytes]:
    from tests.test_view_descriptor_read import DUMP, GET_ACL, ICACLS, PLAIN, REGISTRY, SD

    return [text.encode() for text in (SD, ICACLS, GET_ACL, REGISTRY, DUMP, PLAIN)]


def _run_descriptor_text(data: bytes) -> None:
    from kdtoken.view.descriptor.read import read_descriptor_text

    read_descriptor_text(_text(data), "input")


def _listings() -> List[bytes]:
    return [
        b"nt!_LUID\n   +0x000 LowPart          : Uint4B\n   +0x004 HighPart         : Int4B\n",
        b"struct _TOKEN_SOURCE, 2 elements, 0x10 bytes\n   +0x000 SourceName       : [8] Char\n"
        b"   +0x008 SourceIdentifier : struct _LUID, 2 elements, 0x8 bytes\n",
        b"Enum _TOKEN_TYPE,  2 total enums\n   TokenPrimary = 0n1\n   TokenImpersonation = 0n2\n",
    ]


def _run_listing(data: bytes) -> None:
    from kdtoken.layout.dt import parse_dt

    parse_dt("_LUID", data.decode("utf-8", "replace"))


def _words() -> List[bytes]:
    return [
        b"6104", b"0x17d8", b"notepad.exe", b"6104:6108", b"0xffffa08011044060", b"S-1-5-32-544", b"VM_READ|WRITE_DAC", b"0x1410",
        b"User32 ", b"medium", b"file.txt#2", b"a@b",
    ]  # fmt: skip


def _run_words(data: bytes) -> None:
    """What a person types: the words of every verb that takes more than a file's name."""
    from kdtoken.cli.walk_report import level_of
    from kdtoken.machine.argument import parse_process_argument, split_thread
    from kdtoken.model.object_type import documented_type
    from kdtoken.model.sid import Sid

    text = data.decode("utf-8", "replace")
    for question in (
        lambda: parse_process_argument(text, 8),
        lambda: parse_process_argument(text, 4),
        lambda: split_thread(text),
        lambda: Sid.from_text(text),
        lambda: documented_type("process").parse_access(text),
        lambda: level_of(text),
    ):
        try:
            question()
        except KdTokenError as error:
            assert str(error)


def _collected() -> List[bytes]:
    from tests.declared_views import collected

    return [collected("notepad").encode()]


def _run_collect(data: bytes) -> None:
    from kdtoken.view.collect.token_information import read_token_information

    read_token_information(data.decode("utf-8", "replace"), "input")


def _sddls() -> List[bytes]:
    return [
        b"O:BAG:SYD:PAI(A;OICI;FA;;;SY)(D;;0x1f;;;BG)S:(ML;;NW;;;HI)(AU;SAFA;WP;;;WD)",
        b'O:BAD:(XA;;FX;;;S-1-1-0;(@User.Title=="PM" && (Member_of {SID(BA)} || @Device.x Any_of {1,2})))',
        b"O:BAD:(OA;CI;RPWP;bf967aba-0de6-11d0-a285-00aa003049e2;;S-1-5-21-1-2-3-500)",
        b'S:(RA;;;;;WD;("Secrecy",TU,0,3,7))(TL;;0x1;;;S-1-19-512-8192)(SP;;;;;S-1-17-1)',
    ]


def _run_sddl(data: bytes) -> None:
    from kdtoken.model.sddl.reader import from_sddl
    from kdtoken.model.sddl.writer import to_sddl

    descriptor = from_sddl(data.decode("utf-8", "replace"))
    to_sddl(descriptor)


def _descriptors() -> List[bytes]:
    from kdtoken.model.sddl.reader import from_sddl

    return [from_sddl(text.decode()).to_bytes() for text in _sddls()]


def _run_descriptor(data: bytes) -> None:
    from kdtoken.model.descriptor import SecurityDescriptor
    from kdtoken.model.sddl.writer import to_sddl

    to_sddl(SecurityDescriptor.parse(data))


def _vmxs() -> List[bytes]:
    from tests.test_vm_vmx import FILES, made

    return [made(name) for name in FILES]


def _run_vmx(data: bytes) -> None:
    vmx, vmx_file = tool("vmx"), tool("vmx_file")
    try:
        file = vmx_file.VmxFile(data)
        vmx.edit(file, "windows")
        file.data()
    except vmx_file.Refused:
        pass


def _doctor_texts() -> List[bytes]:
    return [
        b'windbg -k "com:pipe,port=\\\\.\\pipe\\kd_Win11"\nOpened \\\\.\\pipe\\kd_Win11\nConnected to Windows 10 22621 x64\n'
        b"kd> lm m nt\nnt (pdb symbols) C:\\Symbols\n",
        b"Windows Boot Loader\n-------------------\nidentifier              {current}\ndebug                   Yes\n"
        b"debugtype               Serial\ndebugport               1\nbaudrate                115200\n",
    ]


def _run_doctor(data: bytes) -> None:
    doctor, refused = tool("doctor"), tool("vmx_file").Refused
    with _file(data) as path:
        try:
            found = doctor.check_text(doctor.text_of(path), doctor.Seen())
            doctor.report(found)
        except refused:
            pass


INPUTS: Dict[str, Input] = {
    "crashdump": _memory_of("dump"),
    "image": _memory_of("image"),
    "vmss": Input(_side_files, _own(_run_side_file), True),
    "elf": Input(_cores, _own(_run_core), True),
    "pdb": Input(_pdbs, _own(_run_pdb), True),
    "isf": Input(_isfs, _own(_run_isf), False),
    "recording": Input(_recordings, _own(_run_recording), False),
    "log": Input(lambda: _texts("views/token-*.txt", "views/process-*.txt"), _own(_run_log), False),
    "debugger_text": Input(lambda: _texts("views/token-*.txt", "views/process-*.txt"), _own(_run_debugger_text), False),
    "whoami": Input(lambda: _texts("views/whoami-*.txt"), _own(_run_whoami), False),
    "collect": Input(_collected, _own(_run_collect), False),
    "descriptor_text": Input(_descriptor_texts, _own(_run_descriptor_text), False),
    "dt": Input(_listings, _own(_run_listing), False),
    "words": Input(_words, _run_words, False),
    "sddl": Input(_sddls, _own(_run_sddl), False),
    "descriptor": Input(_descriptors, _own(_run_descriptor), True),
    "vmx": Input(_vmxs, _run_vmx, False),
    "doctor": Input(_doctor_texts, _own(_run_doctor), False),
}
