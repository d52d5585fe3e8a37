"""vm/vmx.py: the serial port gets into a .vmx, and nothing else in it changes by a byte.

The files are made up here, in the shape of what Workstation 12 to 25, Fusion and hand-made ones look like.
"""

from pathlib import Path
from typing import Any, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vm_tools import tool

vmx: Any = tool("vmx")
vmx_file: Any = tool("vmx_file")
Refused = vmx_file.Refused

WORKSTATION_12 = """\
.encoding = "windows-1252"
config.version = "8"
virtualHW.version = "12"
numvcpus = "2"
memsize = "4096"
scsi0.virtualDev = "lsisas1068"
scsi0.present = "TRUE"
scsi0:0.fileName = "Poste de débogage.vmdk"
scsi0:0.present = "TRUE"
ethernet0.connectionType = "nat"
serial0.fileType = "thinprint"
serial0.fileName = "thinprint"
ethernet0.present = "TRUE"
serial0.present = "TRUE"
displayName = "Poste de débogage"
guestOS = "windows9-64"
checkpoint.vmState = ""
"""
WORKSTATION_17 = """\
.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "21"
displayName = "Windows 11 – лаборатория"
guestOS = "windows11-64"
firmware = "efi"
uefi.secureBoot.enabled = "TRUE"
managedvm.autoAddVTPM = "software"
vtpm.present = "TRUE"
vmx.encryptionType = "partial"
encryption.keySafe = "vmware:key/list/(pair/(phrase/AbC%3d/pass2key%3dPBKDF2))"
encryption.data = "Zm9vYmFy"
nvme0.present = "TRUE"
nvme0:0.fileName = "Windows 11.vmdk"
nvme0:0.present = "TRUE"
vmxstats.filename = "Windows 11.scoreboard"
"""
WORKSTATION_25 = (
    WORKSTATION_17.replace('"21"', '"22"')
    + """\
# added by hand
serial0.present = "TRUE"
serial0.fileType = "file"
serial0.fileName = "boot log.txt"
serial1.present = "FALSE"
usb_xhci.present = "TRUE"
"""
)
FUSION = """\
#!/usr/bin/vmware
.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "20"
displayName = "Win11"
guestOS = "arm-windows11-64"
annotation = "first line|0Asecond |22quoted|22"
tools.syncTime = "TRUE"
"""
CHINESE = """\
.encoding = "GBK"
config.version = "8"
virtualHW.version = "16"
displayName = "调试虚拟机"
"""
JAPANESE = CHINESE.replace("GBK", "Shift_JIS").replace("调试虚拟机", "表示ソ検証")
FILES = {
    "workstation-12-thinprint": (WORKSTATION_12, "windows-1252", "\r\n"),
    "workstation-17-windows-11": (WORKSTATION_17, "utf-8", "\r\n"),
    "workstation-25-other-ports": (WORKSTATION_25, "utf-8", "\r\n"),
    "fusion": (FUSION, "utf-8", "\n"),
    "chinese-gbk": (CHINESE, "gbk", "\r\n"),
    "japanese-shift-jis": (JAPANESE, "shift_jis", "\r\n"),
}
OURS = ("present", "fileType", "fileName", "pipe.endPoint", "tryNoRxLoss", "yieldOnMsrRead", "startConnected")


def made(name: str) -> bytes:
    text, encoding, end = FILES[name]
    return text.replace("\n", end).encode(encoding)


def edited(data: bytes, **how: Any) -> Tuple[bytes, Any]:
    vm = vmx_file.VmxFile(data)
    port = vmx.edit(vm, how.pop("host", "windows"), **how)
    return vm.data(), port


@pytest.fixture
def on_disk(tmp_path: Path) -> Path:
    path = tmp_path / "Windows 11.vmx"
    path.write_bytes(made("workstation-17-windows-11"))
    return path


# -- what is written


@pytest.mark.parametrize(
    "name, number",
    [
        ("workstation-12-thinprint", 1),
        ("workstation-17-windows-11", 0),
        ("workstation-25-other-ports", 1),
        ("fusion", 0),
        ("chinese-gbk", 0),
        ("japanese-shift-jis", 0),
    ],
)
def test_port_goes_into_the_first_free_number_and_only_our_lines_change(name: str, number: int) -> None:
    before = made(name)
    after, port = edited(before)
    assert port.number == number
    end = b"\r\n" if FILES[name][2] == "\r\n" else b"\n"
    assert after.count(end) == after.count(b"\n")
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    ours = b"serial%d." % number
    assert [line for line in old if not line.startswith(ours)] == [line for line in new if not line.startswith(ours)]
    for key, value in zip(OURS, ("TRUE", "pipe", port.pipe, "server", "TRUE", "TRUE", "TRUE")):
        assert new.count(b'serial%d.%s = "%s"' % (number, key.encode(), value.encode()) + end) == 1


@pytest.mark.parametrize("name", sorted(FILES))
def test_second_run_changes_nothing(name: str) -> None:
    once, port = edited(made(name))
    assert edited(once) == (once, port)


def test_pipe_has_the_name_of_the_vm_without_letters_that_a_command_line_needs_quotes_for() -> None:
    assert edited(made("workstation-12-thinprint"))[1].pipe == r"\\.\pipe\kd_Poste_de_d_bogage"
    assert edited(made("chinese-gbk"))[1].pipe == r"\\.\pipe\kd_vm"
    assert edited(made("fusion"), host="mac")[1].pipe == "/tmp/kd_Win11"


def test_pipe_that_is_there_is_kept_and_corrected_in_place() -> None:
    data = made("fusion") + (
        b'Serial2.Present = "true"\nserial2.filetype=pipe   # mine\nserial2.fileName = "\\\\.\\pipe\\com_1"\n'
        b'serial2.pipe.endPoint = "client"\nusb.present = "TRUE"\n'
    )
    after, port = edited(data)
    assert (port.number, port.pipe) == (2, r"\\.\pipe\com_1")
    assert after == data.replace(
        b'"client"\n',
        b'"server"\nserial2.tryNoRxLoss = "TRUE"\nserial2.yieldOnMsrRead = "TRUE"\nserial2.startConnected = "TRUE"\n',
    )


def test_pipe_with_lost_backslashes_is_mended() -> None:
    data = made("fusion") + b'serial0.present = "TRUE"\nserial0.fileType = "pipe"\nserial0.fileName = "\\.\\pipe\\x"\n'
    after, port = edited(data)
    assert (port.number, port.pipe) == (0, r"\\.\pipe\kd_Win11")
    assert b'"\\.\\pipe\\x"' not in after


def test_file_without_a_last_newline_still_has_none() -> None:
    data = made("fusion").rstrip(b"\n")
    after, _ = edited(data)
    assert after.startswith(data + b"\n") and after.endswith(b'startConnected = "TRUE"')


def test_byte_order_mark_stays() -> None:
    after, _ = edited(b"\xef\xbb\xbf" + made("fusion"))
    assert after.startswith(b"\xef\xbb\xbf#!/usr") and after.count(b"\xef\xbb\xbf") == 1


def test_character_set_that_python_does_not_know_loses_no_byte() -> None:
    data = made("fusion").replace(b"UTF-8", b"VISCII-9") + b'x = "\xff\x9d"\n'
    after, _ = edited(data)
    assert after.startswith(data)


def test_client_end_for_the_vm_that_debugs() -> None:
    after, _ = edited(made("fusion"), pipe="/tmp/kd", end_point="client", other_end="vm", host="mac")
    assert b'serial0.fileName = "/tmp/kd"' in after and b'endPoint = "client"' in after and b'RxLoss = "FALSE"' in after


def test_secure_boot_can_be_switched() -> None:
    after, _ = edited(made("workstation-17-windows-11"), secure_boot=False)
    assert b'uefi.secureBoot.enabled = "FALSE"\r\n' in after and after.count(b"uefi.secureBoot") == 1


# -- what is refused


@pytest.mark.parametrize(
    "data, word",
    [
        (b"", "not a .vmx"),
        (b"hello\n", "not a .vmx"),
        (b"# Disk DescriptorFile\nversion=1\n", ".vmdk"),
        (b"<?xml version='1.0'?>\n<VirtualBox/>", "XML"),
        ('virtualHW.version = "19"\n'.encode("utf-16"), "UTF-16"),
        (b'.encoding = "UTF-8"\ndisplayName = "x"\nencryption.keySafe = "k"\nencryption.data = "d"\n', "encrypted"),
    ],
)
def test_what_is_no_vmx_is_refused(data: bytes, word: str) -> None:
    with pytest.raises(Refused, match=word):
        vmx_file.VmxFile(data)


@pytest.mark.parametrize(
    "data, how, word",
    [
        (b'serial0.present = "TRUE"\nserial0.present = "FALSE"\n', {}, "lines 9 and 10"),
        (
            b"".join(b'serial%d.present = "TRUE"\nserial%d.fileType = "device"\n' % (n, n) for n in range(4)),
            {},
            "all four",
        ),
        (b'serial0.present = "TRUE"\nserial0.fileType = "thinprint"\n', {"number": 0}, "thinprint"),
        (b"", {"pipe": r"\.\pipe\x"}, "no pipe"),
        (b"", {"pipe": "//./pipe/x"}, "no pipe"),
    ],
)
def test_edit_that_vmware_would_not_take_is_refused(data: bytes, how: Any, word: str) -> None:
    with pytest.raises(Refused, match=word):
        edited(made("fusion") + data, **how)


def test_taken_port_can_be_replaced_on_demand() -> None:
    _, port = edited(made("workstation-12-thinprint"), number=0, replace=True)
    assert port.debugport == 1


def test_name_outside_the_character_set_is_refused() -> None:
    with pytest.raises(Refused, match="ASCII"):
        edited(made("workstation-12-thinprint"), pipe="отладка")


# -- the command


def run(capsys: Any, *words: Any) -> Tuple[int, str, str]:
    code = vmx.main([str(word) for word in words] + ["--host", "windows"])
    out, err = capsys.readouterr()
    return code, out, err


def test_backup_first_then_the_change_then_nothing(on_disk: Path, capsys: Any) -> None:
    old = on_disk.read_bytes()
    code, out, err = run(capsys, on_disk)
    assert (code, err) == (0, "")
    assert on_disk.with_name("Windows 11.vmx.before-kd").read_bytes() == old
    assert "debug-on.cmd 1" in out and "vm/start.py" in out and "--secure-boot off" in out
    new = on_disk.read_bytes()
    code, out, _ = run(capsys, on_disk)
    assert code == 0 and "nothing to change" in out and on_disk.read_bytes() == new
    run(capsys, on_disk, "--pipe", "other", "--port", "0", "--replace")
    assert sorted(path.name for path in on_disk.parent.iterdir()) == [
        "Windows 11.vmx",
        "Windows 11.vmx.before-kd",
        "Windows 11.vmx.before-kd-2",
    ]


def test_dry_run_prints_a_unified_diff_and_writes_nothing(on_disk: Path, capsys: Any) -> None:
    old = on_disk.read_bytes()
    code, out, _ = run(capsys, on_disk, "--dry-run")
    changed = [line for line in out.splitlines() if line.startswith(("+", "-")) and line[:3] not in ("+++", "---")]
    assert code == 0 and out.startswith("--- Windows 11.vmx\n+++ ") and len(changed) == 7
    assert all(line.startswith("+serial0.") for line in changed)
    assert on_disk.read_bytes() == old and len(list(on_disk.parent.iterdir())) == 1


@pytest.mark.parametrize("lock", ["Windows 11.vmx.lck/M12345.lck", "Windows 11.vmdk.lck/M1.lck", "Windows 11.vmx.lck"])
def test_running_vm_is_left_alone(on_disk: Path, capsys: Any, lock: str) -> None:
    path = on_disk.parent / lock
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    old = on_disk.read_bytes()
    code, out, err = run(capsys, on_disk)
    assert (code, out, on_disk.read_bytes()) == (2, "", old) and "running" in err and len(err.splitlines()) == 2
    assert run(capsys, on_disk, "--dry-run")[0] == 0


def test_empty_lock_folder_and_locks_of_other_vms_do_not_count(on_disk: Path, capsys: Any) -> None:
    (on_disk.parent / "Windows 11.vmx.lck").mkdir()
    for other in ("Other.vmx.lck", "Other.vmdk.lck"):
        (on_disk.parent / other).mkdir()
        (on_disk.parent / other / "M1.lck").write_text("")
    assert run(capsys, on_disk)[0] == 0


def test_suspended_vm_is_refused(on_disk: Path, capsys: Any) -> None:
    on_disk.write_bytes(on_disk.read_bytes() + b'checkpoint.vmState = "Windows 11-1234.vmss"\r\n')
    code, _, err = run(capsys, on_disk)
    assert code == 2 and "suspended" in err


def test_fusion_bundle_is_a_folder(tmp_path: Path, capsys: Any) -> None:
    bundle = tmp_path / "Win11.vmwarevm"
    bundle.mkdir()
    (bundle / "Win11.vmx").write_bytes(made("fusion"))
    assert vmx.main([str(bundle), "--host", "mac"]) == 0
    out = capsys.readouterr().out
    assert "/tmp/kd_Win11" in out and "windbg -k com:port=COM1" in out
    assert run(capsys, tmp_path)[0] == 2
    assert run(capsys, tmp_path / "none.vmx")[0] == 2


@pytest.mark.parametrize(
    "words, has",
    [
        (["--virtualbox", "Win 11"], 'modifyvm "Win 11" --uart1 0x3F8 4 --uartmode1 server \\\\.\\pipe\\kd_Win_11'),
        (["--hyperv", "Win 11"], "Set-VMComPort -VMName 'Win 11' -Number 1 -Path '\\\\.\\pipe\\kd_Win_11'"),
        (["--qemu", "Win 11"], "-chardev pipe,id=kd,path=kd_Win_11 -serial chardev:kd"),
        (["--qemu", "Win 11", "--host", "linux"], "-chardev socket,id=kd,path=/tmp/kd_Win_11,server=on,wait=off"),
        (["--virtualbox", "Win 11", "--pipe", r"\\.\pipe\com_1"], "server \\\\.\\pipe\\com_1"),
    ],
)
def test_other_hypervisors_are_told_what_to_run(words: List[str], has: str, capsys: Any) -> None:
    assert vmx.main(["--host", "windows"] + words) == 0
    assert has in capsys.readouterr().out


# -- any file

KEYS = st.sampled_from(
    [
        "memsize",
        "serial0.present",
        "serial1.fileType",
        "SERIAL0.fileName",
        "ethernet0.address",
        "serial0.pipe.endPoint",
        "serial3.present",
        "displayname",
        "a:b.c",
        "serial2.autodetect",
    ]
)
TEXT = st.text(alphabet="aZ0 é漢ß=#|\\.-'", max_size=12)
LINE = st.one_of(
    st.builds('{} = "{}"'.format, KEYS, TEXT),
    st.builds("{}={}".format, KEYS, st.sampled_from(["TRUE", "false", "pipe"])),
    st.builds("# {}".format, TEXT),
    st.just(""),
    TEXT,
    st.builds('  {}  =  "{}" # x'.format, KEYS, TEXT),
)


@given(
    st.lists(LINE, max_size=14),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from(["utf-8", "gbk", "shift_jis", "windows-1252"]),
    st.sampled_from([None, 0, 1, 2, 3]),
    st.booleans(),
)
def test_any_edit_leaves_every_other_line_as_it_was(
    lines: List[str], end: str, last: bool, encoding: str, number: Optional[int], replace: bool
) -> None:
    text = end.join(['.encoding = "%s"' % encoding, 'virtualHW.version = "19"'] + lines) + (end if last else "")
    data = text.encode(encoding, "replace")
    try:
        after, port = edited(data, number=number, replace=replace)
    except Refused:
        return
    ours = b"serial%d." % port.number

    def others(content: bytes) -> List[bytes]:
        every = content.splitlines(keepends=True)
        return [line for line in every if not line.strip().lower().startswith(ours)]

    kept, left = others(data), others(after)
    if not last and kept and not kept[-1].endswith(b"\n") and left[-1].endswith(b"\n"):
        kept[-1] += end.encode()  # our lines now stand behind it
    assert kept == left
    assert edited(after)[0] == after or number is not None
    assert edited(after, number=number, replace=replace)[0] == after
    assert vmx_file.VmxFile(after).get("serial%d.fileName" % port.number) == port.pipe
