"""The serial KD protocol as bytes: packets, and the messages in them (x64 and ARM64 targets).

Public sources: the Windows SDK's wdbgexts.h (DBGKD_GET_VERSION64, with Microsoft's page on it);
ReactOS' include/reactos/windbgkd.h (names, numbers, struct members); VirtualBox'
DBGCRemoteKd.cpp, radare2's shlr/winkd/kd.h and its authors' notes on the handshake, which speak
the protocol from either end.  winnt.h has CONTEXT.  Numbers are little-endian; a union is as
long as its longest member.
"""

from enum import IntEnum

from construct import Array, Bytes, Const, Int8ul, Int16ul, Int32ul, Int64ul, Padding, Struct

# ---------------------------------------------------------------------------- packets

LEADER = b"0000"  # PACKET_LEADER: data follows
CONTROL_LEADER = b"iiii"  # CONTROL_PACKET_LEADER: nothing follows, and nothing is acknowledged
TRAILER = b"\xaa"  # PACKET_TRAILING_BYTE, after the data
BREAK_IN = 0x62  # BREAKIN_PACKET_BYTE: alone on the wire, outside any packet
INITIAL_ID = 0x80800000  # data packets alternate between this id and this id ^ 1
SYNC_ID = 0x800  # set in the first id after a reset
MAX_DATA = 4000  # PACKET_MAX_SIZE: what KDCOM's buffers hold of message and data


class PacketType(IntEnum):
    """PACKET_TYPE_KD_*."""

    STATE_CHANGE32 = 1
    STATE_MANIPULATE = 2
    DEBUG_IO = 3
    ACKNOWLEDGE = 4
    RESEND = 5
    RESET = 6
    STATE_CHANGE64 = 7
    POLL_BREAKIN = 8
    TRACE_IO = 9
    CONTROL_REQUEST = 10
    FILE_IO = 11


# KD_PACKET.  In a data packet the checksum is the sum of the data's bytes; in a control packet
# the id says which data packet is acknowledged, and checksum and byte count are 0.
PACKET = Struct(
    "leader" / Bytes(4),
    "type" / Int16ul,
    "byte_count" / Int16ul,
    "id" / Int32ul,
    "checksum" / Int32ul,
)
PACKET_SIZE = PACKET.sizeof()


def data_packet(kind: int, number: int, data: bytes) -> bytes:
    """A data packet as it goes on the wire."""
    head = dict(leader=LEADER, type=kind, byte_count=len(data), id=number, checksum=checksum(data))
    return bytes(PACKET.build(head)) + data + TRAILER


def control_packet(kind: int, number: int) -> bytes:
    """A control packet as it goes on the wire."""
    return bytes(PACKET.build(dict(leader=CONTROL_LEADER, type=kind, byte_count=0, id=number, checksum=0)))


def checksum(data: bytes) -> int:
    """The sum of the bytes."""
    return sum(data) & 0xFFFFFFFF


# ---------------------------------------------------------------------------- requests and replies


class Api(IntEnum):
    """DbgKd...Api: what a STATE_MANIPULATE packet asks for."""

    ReadVirtualMemory = 0x3130
    WriteVirtualMemory = 0x3131
    GetContext = 0x3132
    SetContext = 0x3133
    WriteBreakPoint = 0x3134
    RestoreBreakPoint = 0x3135
    Continue = 0x3136
    ReadControlSpace = 0x3137
    WriteControlSpace = 0x3138
    ReadIoSpace = 0x3139
    WriteIoSpace = 0x313A
    Reboot = 0x313B
    Continue2 = 0x313C
    ReadPhysicalMemory = 0x313D
    WritePhysicalMemory = 0x313E
    QuerySpecialCalls = 0x313F
    SetSpecialCall = 0x3140
    ClearSpecialCalls = 0x3141
    SetInternalBreakpoint = 0x3142
    GetInternalBreakpoint = 0x3143
    ReadIoSpaceExtended = 0x3144
    WriteIoSpaceExtended = 0x3145
    GetVersion = 0x3146
    WriteBreakPointEx = 0x3147
    RestoreBreakPointEx = 0x3148
    CauseBugCheck = 0x3149
    SwitchProcessor = 0x3150
    PageIn = 0x3151
    ReadMachineSpecificRegister = 0x3152
    WriteMachineSpecificRegister = 0x3153
    SearchMemory = 0x3156
    GetBusData = 0x3157
    SetBusData = 0x3158
    CheckLowMemory = 0x3159
    ClearAllInternalBreakpoints = 0x315A
    FillMemory = 0x315B
    QueryMemory = 0x315C
    SwitchPartition = 0x315D
    GetContextEx = 0x315F
    SetContextEx = 0x3160


# These look and change nothing: whoever sends only these has only read.
READ_ONLY = frozenset(
    {
        Api.ReadVirtualMemory,
        Api.GetContext,
        Api.ReadControlSpace,
        Api.ReadIoSpace,
        Api.ReadPhysicalMemory,
        Api.QuerySpecialCalls,
        Api.GetInternalBreakpoint,
        Api.ReadIoSpaceExtended,
        Api.GetVersion,
        Api.ReadMachineSpecificRegister,
        Api.SearchMemory,
        Api.GetBusData,
        Api.CheckLowMemory,
        Api.QueryMemory,
        Api.GetContextEx,
    }
)
# These get no answer.
SILENT = frozenset(
    {
        Api.Continue,
        Api.Continue2,
        Api.Reboot,
        Api.CauseBugCheck,
        Api.SetSpecialCall,
        Api.ClearSpecialCalls,
        Api.SetInternalBreakpoint,
        Api.ClearAllInternalBreakpoints,
        Api.SwitchProcessor,
    }
)

SUCCESS, UNSUCCESSFUL, NOT_IMPLEMENTED, NOT_FOUND = 0, 0xC0000001, 0xC0000002, 0xC0000225
UNION_SIZE = 40

# DBGKD_MANIPULATE_STATE64: request and reply alike; bytes to write, or that were read, come after it.
MANIPULATE = Struct(
    "api" / Int32ul,
    "processor_level" / Int16ul,
    "processor" / Int16ul,
    "status" / Int32ul,  # NTSTATUS, in a reply
    Padding(4),
    "u" / Bytes(UNION_SIZE),
)
MANIPULATE_SIZE = MANIPULATE.sizeof()

# The members of its union that this target understands.
# DBGKD_READ_MEMORY64, DBGKD_WRITE_MEMORY64; of the same shape DBGKD_READ/WRITE_CONTROL_SPACE64
MEMORY = Struct("address" / Int64ul, "count" / Int32ul, "done" / Int32ul)
# DBGKD_CONTEXT_EX
CONTEXT_EX = Struct("offset" / Int32ul, "count" / Int32ul, "done" / Int32ul)
# DBGKD_READ_WRITE_MSR
MSR = Struct("number" / Int32ul, "low" / Int32ul, "high" / Int32ul)
# DBGKD_SEARCH_MEMORY: SearchAddress is FoundAddress in the reply
SEARCH = Struct("address" / Int64ul, "length" / Int64ul, "pattern_length" / Int32ul)
# DBGKD_WRITE_BREAKPOINT64 and DBGKD_RESTORE_BREAKPOINT
BREAKPOINT = Struct("address" / Int64ul, "handle" / Int32ul)
BREAKPOINT_HANDLE = Struct("handle" / Int32ul)
# DBGKD_QUERY_MEMORY: the space is 0 process, 1 session, 2 kernel; flags are read, write, execute
QUERY = Struct("address" / Int64ul, "reserved" / Int64ul, "space" / Int32ul, "flags" / Int32ul)

# DBGKD_GET_VERSION64.
VERSION = Struct(
    "major" / Int16ul,  # 0xF: a free build
    "minor" / Int16ul,  # the build number
    "protocol" / Const(6, Int8ul),  # DBGKD_64BIT_PROTOCOL_VERSION2
    "secondary" / Int8ul,  # KD_SECONDARY_VERSION_AMD64_CONTEXT (2), of other machines DEFAULT (0)
    "flags" / Const(0x47, Int16ul),  # multiprocessor, data, 64-bit pointers, hypervisor-aware
    "machine" / Int16ul,  # IMAGE_FILE_MACHINE_*
    "max_packet" / Const(PacketType.FILE_IO + 1, Int8ul),
    "max_state_change" / Const(3, Int8ul),
    # Highest api, counted from the first: with this one the engine uses GetContextEx.
    "max_manipulate" / Const(0x31, Int8ul),
    "simulation" / Const(0, Int8ul),
    "unused" / Const(0, Int16ul),
    "kernel_base" / Int64ul,
    "loaded_module_list" / Int64ul,
    "debugger_data_list" / Int64ul,
)

# ---------------------------------------------------------------------------- state changes

EXCEPTION_STATE_CHANGE = 0x3030  # DbgKdExceptionStateChange
STATUS_BREAKPOINT = 0x80000003
INSTRUCTIONS = 16  # DBGKD_MAXSTREAM

# DBGKD_ANY_WAIT_STATE_CHANGE with a DBGKM_EXCEPTION64, then the machine's ..._DBGKD_CONTROL_REPORT: why the
# target stopped, and what a debugger wants to show at once.
_STOPPED = (
    "new_state" / Const(EXCEPTION_STATE_CHANGE, Int32ul),
    "processor_level" / Int16ul,
    "processor" / Int16ul,
    "processors" / Int32ul,
    Padding(4),
    "thread" / Int64ul,
    "program_counter" / Int64ul,
    "code" / Const(STATUS_BREAKPOINT, Int32ul),  # EXCEPTION_RECORD64
    "flags" / Const(0, Int32ul),
    "record" / Const(0, Int64ul),
    "address" / Int64ul,
    "parameters" / Const(1, Int32ul),
    Padding(4),
    "information" / Array(15, Int64ul),
    "first_chance" / Const(1, Int32ul),
    Padding(4),
)
# AMD64_DBGKD_CONTROL_REPORT
STATE_CHANGE = Struct(
    *_STOPPED,
    "dr6" / Const(0xFFFF0FF0, Int64ul),
    "dr7" / Const(0x400, Int64ul),
    "eflags" / Int32ul,
    "instruction_count" / Int16ul,
    "report_flags" / Const(3, Int16ul),  # REPORT_INCLUDES_SEGS | REPORT_INCLUDES_CS
    "instructions" / Bytes(INSTRUCTIONS),
    "cs" / Const(0x10, Int16ul),
    "ds" / Const(0x2B, Int16ul),
    "es" / Const(0x2B, Int16ul),
    "fs" / Const(0x53, Int16ul),
)
# ARM64_DBGKD_CONTROL_REPORT, in the room of the longest of them
STATE_CHANGE_ARM64 = Struct(
    *_STOPPED,
    "breakpoint_value" / Const(0, Int64ul),
    "watchpoint_value" / Const(0, Int64ul),
    "instruction_count" / Int32ul,
    "instructions" / Bytes(INSTRUCTIONS),
    Padding(12),
)
assert STATE_CHANGE.sizeof() == STATE_CHANGE_ARM64.sizeof() == 240

# CONTEXT of winnt.h, x64: where the two members are that this target itself looks at.
CONTEXT_EFLAGS, CONTEXT_RIP = 0x44, 0xF8
