"""What to run so that VirtualBox, QEMU/KVM or Hyper-V gives a VM the debugger's serial port. Printed, never run.

Sources: VirtualBox User Manual, "Serial Ports" and "VBoxManage modifyvm" (version 7 spells --uart-mode1 and
takes the older --uartmode1 too); QEMU, "Invocation" (-chardev pipe and socket, -serial); libvirt, "Domain
XML", consoles; learn.microsoft.com, Set-VMComPort, Set-VMFirmware, and "Setting Up Kernel-Mode Debugging of
a Virtual Machine Manually using a Virtual COM Port" (which says where `resets=0,reconnect` belongs).
"""

import re
from typing import Callable, Dict, List


def short_name(vm: str, pipe: str) -> str:
    r"""The pipe's bare name: as given (\\.\pipe\ and folders cut off), or kd_ and the VM's name."""
    bare = re.split(r"[\\/]", pipe)[-1]
    return bare or "kd_" + (re.sub(r"[^A-Za-z0-9]+", "_", vm).strip("_") or "vm")


def virtualbox(vm: str, pipe: str, host: str) -> List[str]:
    name = short_name(vm, pipe)
    place = "\\\\.\\pipe\\" + name if host == "windows" else "/tmp/" + name
    lines = [
        "with the VM powered off:",
        "",
        '  VBoxManage modifyvm "%s" --uart1 0x3F8 4 --uartmode1 server %s' % (vm, place),
        '  VBoxManage showvminfo "%s" | %s UART' % (vm, "findstr" if host == "windows" else "grep"),
        "",
        "if the guest has Secure Boot (Windows 11):",
        "",
        '  VBoxManage modifynvram "%s" secureboot --disable' % vm,
        "",
        "in the guest: debug-on.cmd 1",
    ]
    return lines + _then(name, "virtualbox", host, "COM1")


def qemu(vm: str, pipe: str, host: str) -> List[str]:
    name = short_name(vm, pipe)
    if host == "windows":
        return [
            "add to the command line of qemu-system-x86_64.exe (QEMU makes the pipe %s):" % ("\\\\.\\pipe\\" + name),
            "",
            "  -chardev pipe,id=kd,path=%s -serial chardev:kd" % name,
            "",
            "QEMU waits at its start until the debugger has opened the pipe. In the guest: debug-on.cmd 1",
        ] + _then(name, "qemu", host, "COM1")
    return [
        "add to qemu-system-x86_64 of the VM to be debugged:",
        "",
        "  -chardev socket,id=kd,path=/tmp/%s,server=on,wait=off -serial chardev:kd" % name,
        "",
        "or, with libvirt (virsh edit %s), inside <devices>:" % vm,
        "",
        "  <serial type='unix'><source mode='bind' path='/tmp/%s'/><target port='0'/></serial>" % name,
        "",
        "in the guest: debug-on.cmd 1",
        "and to the VM that WinDbg runs in:",
        "",
        "  -chardev socket,id=kd,path=/tmp/%s -serial chardev:kd" % name,
    ] + _then(name, "qemu", host, "COM1")


def hyperv(vm: str, pipe: str, host: str) -> List[str]:
    name = short_name(vm, pipe)
    return [
        "in an elevated PowerShell on the host, with the VM off (COM ports cannot be added to a running VM):",
        "",
        "  Set-VMComPort -VMName '%s' -Number 1 -Path '\\\\.\\pipe\\%s'" % (vm, name),
        "  Get-VMComPort -VMName '%s'" % vm,
        "",
        "a generation 2 VM, whose Secure Boot refuses `bcdedit /debug on`, needs this too:",
        "",
        "  Set-VMFirmware -VMName '%s' -EnableSecureBoot Off" % vm,
        "",
        "in the guest: debug-on.cmd 1     then start the debugger BEFORE the VM is started again",
    ] + _then(name, "hyperv", "windows", "COM1")


def _then(name: str, hypervisor: str, host: str, com: str) -> List[str]:
    if host == "windows":
        return ["on the host:  python vm/start.py --pipe %s --hypervisor %s" % (name, hypervisor)]
    return ["in the VM with WinDbg, as administrator:  windbg -k com:port=%s,baud=115200" % com]


PRINTED: Dict[str, Callable[[str, str, str], List[str]]] = {"virtualbox": virtualbox, "qemu": qemu, "hyperv": hyperv}
