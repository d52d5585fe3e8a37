"""Puts processes, threads, sessions and PspCidTable in memory."""

from typing import Dict, List, Mapping, Optional

from tests.machine.objects import Objects
from tests.machine.paging import DirectoryBases
from tests.machine.spec import Machine, ProcessSpec, ThreadSpec
from tests.machine.structs import Structs, Value, link

ENTRIES_A_PAGE = 256  # handle table entries of 16 bytes in a leaf page
STATUS_PENDING = 0x103  # ExitStatus of whatever still runs
PROCESS_OBJECT, THREAD_OBJECT = 3, 6  # KOBJECTS: DISPATCHER_HEADER.Type of the two


class ProcessWriter:
    """Puts processes and their threads in memory; keeps where each one landed."""

    def __init__(
        self, structs: Structs, objects: Objects, machine: Machine, tokens: Mapping[str, int], session_space: int
    ) -> None:
        self.structs = structs
        self.objects = objects
        self.machine = machine
        self.tokens = tokens
        self.processes: Dict[int, int] = {}
        self.threads: Dict[int, int] = {}
        self.directory_base: Dict[int, int] = {}
        self.object_tables: Dict[int, int] = {}
        self._bases = DirectoryBases()
        self._session_space = session_space
        self._sessions: Dict[int, int] = {}

    def put_all(self, head: int) -> None:
        """Every process of the machine, and the list from PsActiveProcessHead (at `head`)."""
        for process in self.machine.processes:
            self.processes[process.pid] = self._process(process)
        links = self.structs.offset("_EPROCESS", "ActiveProcessLinks")
        link(self.structs, head, tuple(at + links for at in self.processes.values()))

    def put_idle(self, symbol: int) -> None:
        """The idle process: on no list, known only to PsIdleProcess (at `symbol`)."""
        s = self.structs
        at = self.objects.create("Process", s.size("_EPROCESS"))
        first = next(iter(self.directory_base.values()), DirectoryBases.first)
        s.put("_EPROCESS", at, {"Pcb.Header.Type": PROCESS_OBJECT, "Pcb.DirectoryTableBase": first})
        s.put("_EPROCESS", at, {"ImageFileName": b"Idle"})
        s.pointer(symbol, at)

    def _process(self, process: ProcessSpec) -> int:
        s = self.structs
        at = self.objects.create("Process", s.size("_EPROCESS"), handles=process.handles % 16, creator=process.parent)
        self.directory_base[process.pid] = self._bases.new()
        values: Dict[str, Value] = {
            "Pcb.Header.Type": PROCESS_OBJECT,
            "Pcb.DirectoryTableBase": self.directory_base[process.pid],
            "ObjectTable": self._object_table(process, at),
            "UniqueProcessId": process.pid,
            "InheritedFromUniqueProcessId": process.parent,
            "ImageFileName": process.image_name,
            "CreateTime": process.create_time.to_bytes(8, "little"),
            "ExitTime": process.exit_time.to_bytes(8, "little"),
            "Token.Object": self._fast_reference(process.token),
            "Peb": process.peb,
            "ExitStatus": 0 if process.exit_time else STATUS_PENDING,
            "ActiveThreads": 0 if process.exit_time else len(process.threads),
            "SeAuditProcessCreationInfo.ImageFileName": self._audit_name(process.path),
        }
        s.put("_EPROCESS", at, values)
        present: Dict[str, Value] = {
            "Protection.Level": process.protection,
            "Session": self._session(process.session),
            "PrimaryTokenFrozen": process.frozen,
        }
        if process.exit_time:
            present.update({"ProcessExiting": 1, "ProcessDelete": 1})
        s.put_present("_EPROCESS", at, present)
        addresses = [self._thread(thread, process.pid, at) for thread in process.threads]
        for owner, kind in (("_EPROCESS", "_ETHREAD"), ("_KPROCESS", "_KTHREAD")):
            entry = s.offset(kind, "ThreadListEntry")
            link(s, at + s.offset(owner, "ThreadListHead"), tuple(thread + entry for thread in addresses))
        return at

    def _fast_reference(self, key: Optional[str]) -> int:
        if key is None:
            return 0
        address = self.tokens[key]
        bits = self.structs.layouts.layout("_EX_FAST_REF").field("RefCnt").bits
        mask = (1 << bits[1]) - 1 if bits else 0
        if address & mask:
            raise ValueError("token %s at %#x is not aligned for a fast reference" % (key, address))
        return address | self.machine.tokens[key].fast_ref & mask

    def _object_table(self, process: ProcessSpec, at: int) -> int:
        """An empty handle table; 0 once the process has ended."""
        if process.exit_time:
            return 0
        table = self.objects.block(self.structs.size("_HANDLE_TABLE"), b"Obtb")
        self.structs.put("_HANDLE_TABLE", table, {"QuotaProcess": at, "UniqueProcessId": process.pid})
        self.object_tables[process.pid] = table
        return table

    def _audit_name(self, path: str) -> int:
        if not path:
            return 0
        # One block, as ObQueryNameString fills it: the text right behind the struct that points to it.
        head, text = self.structs.size("_OBJECT_NAME_INFORMATION"), path.encode("utf-16-le")
        at = self.objects.block(head + len(text) + 2, b"SeOn")
        self.structs.put(
            "_UNICODE_STRING",
            at,
            {
                "Length": len(text),
                "MaximumLength": len(text) + 2,
                "Buffer": at + head,
            },
        )
        self.structs.memory.write(at + head, text)
        return at

    def _session(self, number: Optional[int]) -> int:
        if number is None or not self.structs.has("_MM_SESSION_SPACE"):
            return 0
        if number not in self._sessions:
            at = self._session_space + len(self._sessions) * 0x10000
            self.structs.memory.map(at, self.structs.size("_MM_SESSION_SPACE"))
            self.structs.put("_MM_SESSION_SPACE", at, {"SessionId": number})
            self._sessions[number] = at
        return self._sessions[number]

    def _thread(self, thread: ThreadSpec, pid: int, process: int) -> int:
        s = self.structs
        at = self.objects.create("Thread", s.size("_ETHREAD"), creator=pid)
        s.put(
            "_ETHREAD",
            at,
            {
                "Tcb.Header.Type": THREAD_OBJECT,
                "Tcb.Process": process,
                "Tcb.ApcState.Process": process,
                "Cid.UniqueProcess": pid,
                "Cid.UniqueThread": thread.tid,
            },
        )
        if thread.impersonates is not None:
            # The integer first: the bit-fields share it with the pointer.
            s.put(
                "_PS_CLIENT_SECURITY_CONTEXT",
                at + s.offset("_ETHREAD", "ClientSecurity"),
                {
                    "ImpersonationData": self.tokens[thread.impersonates],
                },
            )
            s.put(
                "_PS_CLIENT_SECURITY_CONTEXT",
                at + s.offset("_ETHREAD", "ClientSecurity"),
                {
                    "ImpersonationLevel": thread.level,
                    "EffectiveOnly": int(thread.effective_only),
                },
            )
            s.put("_ETHREAD", at, {"ActiveImpersonationInfo": int(not thread.stale)})
        self.threads[thread.tid] = at
        return at


class CidTable:
    """PspCidTable: a `_HANDLE_TABLE` whose handles are process and thread ids.

    TableCode's two low bits count the levels of pages above the leaves.  Entry i belongs to id
    4 * i; unlike a process's handle table it points to the objects themselves, not their headers.
    """

    def __init__(self, structs: Structs, objects: Objects) -> None:
        self.structs = structs
        self.objects = objects

    def put(self, by_id: Mapping[int, int], symbol: int) -> int:
        """Build the table for id -> object address, and point the variable at `symbol` to it."""
        s = self.structs
        width = s.layouts.pointer_size
        top = max(by_id, default=0) // 4
        leaves: List[int] = []
        for _ in range(top // ENTRIES_A_PAGE + 1):
            leaves.append(self.objects.block(ENTRIES_A_PAGE * s.size("_HANDLE_TABLE_ENTRY"), b"Obtb"))
        code = leaves[0]
        if len(leaves) > 1:
            if len(leaves) > 0x1000 // width:
                raise ValueError("ids above %#x need a third level" % (len(leaves) * ENTRIES_A_PAGE * 4))
            code = self.objects.block(0x1000 + 16, b"Obtb")  # a whole page, so that the level bits are free
            s.memory.write(code, b"".join(leaf.to_bytes(width, "little") for leaf in leaves))
            code |= 1
        for number, address in by_id.items():
            index = number // 4
            entry = leaves[index // ENTRIES_A_PAGE] + index % ENTRIES_A_PAGE * s.size("_HANDLE_TABLE_ENTRY")
            s.put("_HANDLE_TABLE_ENTRY", entry, self._entry(address))
        table = self.objects.block(s.size("_HANDLE_TABLE"), b"Obtb")
        s.put("_HANDLE_TABLE", table, {"TableCode": code, "NextHandleNeedingPool": len(leaves) * ENTRIES_A_PAGE * 4})
        s.put_present("_HANDLE_TABLE", table, {"StrictFIFO": 1})
        s.pointer(symbol, table)
        return table

    def _entry(self, address: int) -> Dict[str, Value]:
        if not self.structs.has("_HANDLE_TABLE_ENTRY", "ObjectPointerBits"):
            return {"Object": address | 1}  # Windows 7: bit 0 is set while nobody locks the entry
        bits = self.structs.layouts.layout("_HANDLE_TABLE_ENTRY").field("ObjectPointerBits").bits
        assert bits is not None
        # The top bits are all ones and are left out, as are the four that alignment makes 0.
        return {"ObjectPointerBits": address >> 4 & (1 << bits[1]) - 1, "Unlocked": 1, "RefCnt": 0x7FFF}
