"""A second access check for the tests: a definite wish, worked off bit by bit from what remains.

Written from the sources by itself and in another manner than kdtoken.analysis.access_check: one function, no reasons, no
questions, no readings; a walk that stops at the first deny ACE that hits what remains ([MS-DTYP] 2.5.3.2), the package's wish
beside the user's in the same walk (Windows Security Internals, chapter 7).
"""

from typing import Callable, Optional

from kdtoken.analysis.access_check.request import Request
from kdtoken.model.descriptor import SecurityDescriptor
from kdtoken.model.sid import Sid

SYSTEM_SECURITY, WRITE_OWNER, WRITE_DAC, READ_CONTROL, DELETE, SYNCHRONIZE = (
    0x1000000,
    0x80000,
    0x40000,
    0x20000,
    0x10000,
    0x100000,
)


def allowed(request: Request) -> bool:
    """Whether the whole wish is granted."""
    who, what = request.caller, request.type.mapping
    wish = what.map(request.wish)
    descriptor = request.object.descriptor
    assert isinstance(descriptor, SecurityDescriptor)
    if who.level in (0, 1) or wish == 0:
        return False
    held = {name for name, on in (who.privileges or {}).items() if on}
    process = request.type.name in ("Process", "Thread")
    if process and "SeDebugPrivilege" in held:
        return _unprotected(request, wish)
    sacl = [ace for ace in (descriptor.sacl.aces if descriptor.sacl else ()) if not ace.flags & 8]
    # Trust: type and level.
    for ace in sacl:
        if ace.type == 0x14:
            mine = who.trust.subauthorities if who.trust else (0, 0)
            assert ace.sid is not None and ace.mask is not None
            below = any(have < need for have, need in zip(mine, ace.sid.subauthorities))
            if below and wish & ~(ace.mask | SYSTEM_SECURITY):
                return False
            break
    # Integrity.
    if (who.policy or 0) & 1:
        label, policy = 0x2000, 3 if process else 1
        for ace in sacl:
            if ace.type == 0x11:
                assert ace.sid is not None and ace.mask is not None
                label, policy = ace.sid.subauthorities[0], ace.mask
                break
        level = who.integrity or 0
        if level < label and not _label_lets(request, wish, policy, held):
            if not (who.container and label <= 0x2000 and level >= 0x1000):
                return False
    rest = wish
    if rest & SYSTEM_SECURITY:
        if "SeSecurityPrivilege" not in held:
            return False
        rest &= ~SYSTEM_SECURITY
    if held & {"SeTakeOwnershipPrivilege", "SeRelabelPrivilege"}:
        rest &= ~WRITE_OWNER
    dacl = descriptor.dacl.aces if descriptor.dacl is not None else None
    owner = descriptor.owner
    replaced = any(ace.sid == Sid(3, (4,)) and not ace.flags & 8 for ace in dacl or ())
    if owner is not None and who.sids.get(owner) == 2 and not replaced:
        if not who.restricting or owner in who.restricting:
            rest &= ~(READ_CONTROL | WRITE_DAC)

    def walk(allow: Callable[[Sid], bool], deny: Callable[[Sid], bool], package: int) -> bool:
        left, left_package = rest, package
        for ace in dacl or ():
            if ace.flags & 8:
                continue
            if left == 0 and left_package == 0:
                break
            assert ace.sid is not None and ace.mask is not None
            sid: Optional[Sid] = ace.sid
            if sid == Sid(3, (4,)):
                sid = owner
            elif sid == Sid(5, (10,)):
                sid = request.principal_self
            if sid is not None and ace.type == 0:
                if allow(sid):
                    left &= ~ace.mask
                elif _of_package(request, sid):
                    left_package &= ~ace.mask
            elif sid is not None and ace.type == 1 and deny(sid) and left & ace.mask:
                return False
        return left == 0 and left_package == 0

    if dacl is None:
        return not who.container and _unprotected(request, wish)
    states = who.sids
    if not walk(lambda sid: states.get(sid) == 2, lambda sid: states.get(sid, 0) > 0, wish if who.container else 0):
        return False
    if who.restricting:
        writes = what.write & ~(what.read | what.execute)
        if not who.write_restricted or rest & writes:
            restricting = who.restricting
            if not walk(restricting.__contains__, restricting.__contains__, 0):
                return False
    return _unprotected(request, wish)


def _label_lets(request: Request, wish: int, policy: int, held: "set[str]") -> bool:
    """Bit by bit: a bit is allowed if some category that is not forbidden has it."""
    what = request.type.mapping
    kinds = {
        1: what.write | DELETE | WRITE_DAC | WRITE_OWNER | SYSTEM_SECURITY,
        2: what.read | READ_CONTROL,
        4: (what.execute & ~what.read) | SYNCHRONIZE,
    }
    for bit in range(32):
        one = 1 << bit
        if not wish & one or (one == WRITE_OWNER and "SeRelabelPrivilege" in held):
            continue
        free = [mask for kind, mask in kinds.items() if not policy & kind and mask & one]
        taken = [mask for kind, mask in kinds.items() if policy & kind and mask & one]
        # What no category has: there only if writing is not forbidden and the type has it at all.
        loose = not taken and not policy & 1 and bool(what.all & one)
        if not free and not loose and not (not taken and (what.read | what.execute) & one):
            return False
    return True


def _of_package(request: Request, sid: Sid) -> bool:
    who = request.caller
    if not who.container:
        return False
    if sid == Sid(15, (2, 1)):
        return not who.lpac
    return sid in (who.package, Sid(15, (2, 2))) or sid in who.capabilities


def _unprotected(request: Request, wish: int) -> bool:
    """LEARN's list for processes: DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER, and nine of its own rights.

    Windows Internals, table 3-2, adds TERMINATE where the signer is WinTcb or Antimalware; itm4n: a process can be opened
    with full access by one that is at least as full and whose signer is at least as high.
    """
    if request.type.name != "Process" or not request.protection:
        return True
    mine, other = request.caller.protection or 0, request.protection
    below = mine & 7 < other & 7 or mine >> 4 < other >> 4
    refused = 0xF0000 | 0x80 | 0x2 | 0x40 | 0x400 | 0x200 | 0x100 | 0x8 | 0x10 | 0x20
    if other >> 4 in (6, 3):
        refused |= 0x1
    return not (below and wish & refused)
