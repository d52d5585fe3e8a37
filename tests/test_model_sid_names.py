"""Names of SIDs: [MS-DTYP] 2.4.2.4, winnt.h, and Microsoft's "Security identifiers" page."""

import subprocess
import sys
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdtoken.model import sid_derive, sid_tables
from kdtoken.model.capability_names import CAPABILITY_NAMES
from kdtoken.model.service_names import SERVICE_NAMES
from kdtoken.model.sid import Sid
from kdtoken.model.sid_lookup import sid_of_name
from kdtoken.model.sid_names import Names, kind_of, name_of


@pytest.mark.parametrize(
    "text, name, kind",
    [
        ("S-1-0-0", "NULL SID", "null authority"),
        ("S-1-1-0", "Everyone", "world authority"),
        ("S-1-2-1", "CONSOLE LOGON", "local authority"),
        ("S-1-3-4", "OWNER RIGHTS", "creator authority"),
        ("S-1-5-18", "NT AUTHORITY\\SYSTEM", "NT authority"),
        ("S-1-5-113", "NT AUTHORITY\\Local account", "NT authority"),
        ("S-1-5-1000", "NT AUTHORITY\\Other Organization", "NT authority"),
        ("S-1-5-32-544", "BUILTIN\\Administrators", "builtin group"),
        ("S-1-5-32-580", "BUILTIN\\Remote Management Users", "builtin group"),
        ("S-1-5-32-999", None, "builtin group"),
        ("S-1-5-64-10", "NT AUTHORITY\\NTLM Authentication", "authentication package"),
        ("S-1-5-65-1", "NT AUTHORITY\\This Organization Certificate", "credential type"),
        ("S-1-5-5-0-74565", "Logon session 0:12345", "logon session"),
        ("S-1-5-21-1-2-3", None, "domain"),
        ("S-1-5-21-1-2-3-500", "<domain>\\Administrator", "domain user or group"),
        ("S-1-5-21-1-2-3-513", "<domain>\\Domain Users", "domain user or group"),
        ("S-1-5-21-1-2-3-1001", None, "domain user or group"),
        ("S-1-5-21-0-0-0-497", "Claims Valid", "NT authority"),
        ("S-1-5-80-0", "NT SERVICE\\ALL SERVICES", "service"),
        ("S-1-5-80-1-2-3-4-5", None, "service"),
        ("S-1-5-82-1-2-3-4-5", None, "IIS application pool"),
        ("S-1-5-90-0-1", "Window Manager\\DWM-1", "window manager"),
        ("S-1-5-96-0-0", "Font Driver Host\\UMFD-0", "font driver host"),
        ("S-1-5-86-1-2-3-4-5", None, "WMI host"),
        ("S-1-5-87-1-2-3-4-5", None, "scheduled task"),
        ("S-1-15-2-1", "APPLICATION PACKAGE AUTHORITY\\ALL APPLICATION PACKAGES", "package"),
        ("S-1-15-2-1-2-3-4-5-6-7", None, "package"),
        ("S-1-15-3-1", "capability internetClient", "capability"),
        ("S-1-15-3-4096", "capability internetExplorer", "capability"),
        ("S-1-15-3-1-2-3-4", None, "capability"),
        ("S-1-16-8192", "Mandatory Label\\Medium Mandatory Level", "integrity label"),
        ("S-1-16-8448", "Mandatory Label\\Medium Plus Mandatory Level", "integrity label"),
        ("S-1-18-1", "Authentication authority asserted identity", "asserted identity"),
        ("S-1-19-512-8192", "Process Trust\\ProtectedLight-WinTcb", "process trust label"),
        ("S-1-19-1024-4096", "Process Trust\\Protected-Windows", "process trust label"),
        ("S-1-19-512-1536", "Process Trust\\ProtectedLight-Antimalware", "process trust label"),
        ("S-1-19-0-0", "Process Trust\\None-None", "process trust label"),
        ("S-1-19-7-9", "Process Trust\\7-9", "process trust label"),
        ("S-1-11-96-1-2", None, "Microsoft account"),
        ("S-1-99-1", None, "unknown authority"),
    ],
)
def test_name_and_kind(text: str, name: Optional[str], kind: str) -> None:
    sid = Sid.from_text(text)
    assert (name_of(sid), kind_of(sid)) == (name, kind)


# The constants of winnt.h (DOMAIN_ALIAS_RID_*, and Samba's security.idl, which numbers them alike up to 580), each with
# the name that an English Windows gives it.  Whole: a group that takes its neighbour's number is a wrong name.
@pytest.mark.parametrize(
    "first, names",
    [
        (544, "Administrators|Users|Guests|Power Users|Account Operators|Server Operators|Print Operators"),
        (551, "Backup Operators|Replicator|RAS and IAS Servers|Pre-Windows 2000 Compatible Access"),
        (555, "Remote Desktop Users|Network Configuration Operators|Incoming Forest Trust Builders"),
        (558, "Performance Monitor Users|Performance Log Users|Windows Authorization Access Group"),
        (561, "Terminal Server License Servers|Distributed COM Users||||||IIS_IUSRS|Cryptographic Operators|"),
        (571, "Allowed RODC Password Replication Group|Denied RODC Password Replication Group|Event Log Readers"),
        (574, "Certificate Service DCOM Access|RDS Remote Access Servers|RDS Endpoint Servers|RDS Management Servers"),
        (578, "Hyper-V Administrators|Access Control Assistance Operators|Remote Management Users"),
        (581, "System Managed Accounts Group|Storage Replica Administrators|Device Owners"),
        (584, "User Mode Hardware Operators|OpenSSH Users"),
    ],
)
def test_each_builtin_group(first: int, names: str) -> None:
    for rid, name in enumerate(names.split("|"), first):
        assert name_of(Sid(5, (32, rid))) == ("BUILTIN\\" + name if name else None)


# DOMAIN_USER_RID_*, DOMAIN_GROUP_RID_* of winnt.h; Samba's security.idl has the numbers of all but 503 and 504.
@pytest.mark.parametrize(
    "first, names",
    [
        (498, "Enterprise Read-only Domain Controllers||Administrator|Guest|krbtgt|DefaultAccount|WDAGUtilityAccount|"),
        (512, "Domain Admins|Domain Users|Domain Guests|Domain Computers|Domain Controllers|Cert Publishers"),
        (518, "Schema Admins|Enterprise Admins|Group Policy Creator Owners|Read-only Domain Controllers"),
        (522, "Cloneable Domain Controllers|||Protected Users|Key Admins|Enterprise Key Admins"),
        (528, "Forest Trusts|External Trusts|"),
        (553, "RAS and IAS Servers|"),
        (571, "Allowed RODC Password Replication Group|Denied RODC Password Replication Group|"),
    ],
)
def test_each_domain_account(first: int, names: str) -> None:
    for rid, name in enumerate(names.split("|"), first):
        assert name_of(Sid(5, (21, 1, 2, 3, rid))) == ("<domain>\\" + name if name else None)


@pytest.mark.parametrize(
    "before, names",  # [MS-DTYP] 2.4.2.4, from S-1-5-1 on; 5 is a logon session's, 16 and 21 are nobody's
    [
        (0, "DIALUP|NETWORK|BATCH|INTERACTIVE||SERVICE|ANONYMOUS LOGON|PROXY|ENTERPRISE DOMAIN CONTROLLERS|SELF"),
        (10, "Authenticated Users|RESTRICTED|TERMINAL SERVER USER|REMOTE INTERACTIVE LOGON|This Organization||IUSR"),
        (17, "SYSTEM|LOCAL SERVICE|NETWORK SERVICE"),
        (32, "WRITE RESTRICTED"),
        (112, "Local account|Local account and member of Administrators group"),
    ],
)
def test_each_authority_of_nt(before: int, names: str) -> None:
    for rid, name in enumerate(names.split("|"), before + 1):
        assert name_of(Sid(5, (rid,))) == ("NT AUTHORITY\\" + name if name else None)


def test_hashed_names() -> None:
    assert name_of(sid_derive.service_sid("TrustedInstaller")) == "NT SERVICE\\TrustedInstaller"
    assert name_of(sid_derive.apppool_sid("DefaultAppPool")) == "IIS APPPOOL\\DefaultAppPool"
    assert name_of(sid_derive.capability_sid("registryRead")) == "capability registryRead"
    assert name_of(sid_derive.capability_group_sid("internetClient")) == "capability group internetClient"
    assert name_of(sid_derive.restricted_service_sid("PrintSpoolerService")) == (
        "RESTRICTED SERVICES\\PrintSpoolerService"
    )


def test_services_of_the_caller() -> None:
    sid = sid_derive.service_sid("MyOwnService")
    assert name_of(sid) is None
    assert name_of(sid, ["Other", "MyOwnService"]) == "NT SERVICE\\MyOwnService"
    assert name_of(sid, {"MyOwnService": "a mapping will do"}) == "NT SERVICE\\MyOwnService"
    # The caller's spelling wins over the built-in list.
    assert name_of(sid_derive.service_sid("w32time"), ["w32time"]) == "NT SERVICE\\w32time"


def test_virtual_machine_and_entra_show_the_guid() -> None:
    sid = Sid.from_text("S-1-5-83-1-3655396106-1351506743-3915871121-3476744365")
    name = name_of(sid)
    assert name is not None and name.startswith("NT VIRTUAL MACHINE\\D9E0EB0A-5B37-508E-9173-67E9ADE83AC")
    # Published conversion: object id 73d664e4-0886-4a73-b745-c694da45ddb4 <-> this SID.
    entra = Sid.from_text("S-1-12-1-1943430372-1249052806-2496021943-3034400218")
    assert name_of(entra) == "AzureAD\\<object 73d664e4-0886-4a73-b745-c694da45ddb4>"


def test_tables_are_well_formed() -> None:
    for text in sid_tables.WELL_KNOWN:
        assert str(Sid.from_text(text)) == text
    for names in (SERVICE_NAMES, CAPABILITY_NAMES):
        assert len({name.upper() for name in names}) == len(names)
    assert len(SERVICE_NAMES) > 150


@given(st.integers(0, 25), st.lists(st.one_of(st.integers(0, 100), st.integers(0, 2**32 - 1)), max_size=10))
def test_any_sid_has_a_kind_and_naming_never_fails(authority: int, numbers: "list[int]") -> None:
    sid = Sid(authority, tuple(numbers))
    assert kind_of(sid)
    name_of(sid)


def test_importing_hashes_nothing() -> None:
    # The tables of hashes are built when first asked for: a fresh interpreter has empty caches after the import.
    code = (
        "from kdtoken.model import sid_names as s\n"
        "print(s._services.cache_info().currsize, s._capabilities.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert done.stdout.split() == [b"0", b"0"]


def test_services_that_the_user_names() -> None:
    odd = sid_derive.service_sid("AnOddServiceOfOurs")
    assert name_of(odd) is None
    names = Names().with_services(["AnOddServiceOfOurs\n", "\n"])
    assert names.of(odd) == "NT SERVICE\\AnOddServiceOfOurs"
    assert name_of(odd) is None  # nobody else knows it now
    assert names.with_accounts({}).of(odd) == "NT SERVICE\\AnOddServiceOfOurs"


def test_names_of_one_source_are_no_others() -> None:
    anna, users = Sid.from_text("S-1-5-21-1-2-3-1001"), Sid.from_text("S-1-5-21-1-2-3-513")
    system = Sid.from_text("S-1-5-18")
    names = Names().with_accounts({anna: "LAB\\anna", system: "LAB\\impostor"})
    assert names.of(anna) == "LAB\\anna" and Names().of(anna) is None and name_of(anna) is None
    assert names.of(users) == "<domain>\\Domain Users"  # not told of: as everywhere
    assert names.of(system) == "NT AUTHORITY\\SYSTEM"  # no text renames what Windows names everywhere
    more = names.with_accounts({users: "LAB\\Users"})
    assert (more.of(anna), more.of(users)) == ("LAB\\anna", "LAB\\Users")
    assert names.of(users) == "<domain>\\Domain Users"


# winnt.h DOMAIN_ALIAS_RID_*, spelt as "Security identifiers" (learn.microsoft.com) does; Samba's security.idl has the
# same numbers up to 0x246.
ALIASES = {
    0x220: "Administrators",  # ADMINS
    0x221: "Users",  # USERS
    0x222: "Guests",  # GUESTS
    0x223: "Power Users",  # POWER_USERS
    0x224: "Account Operators",  # ACCOUNT_OPS
    0x225: "Server Operators",  # SYSTEM_OPS
    0x226: "Print Operators",  # PRINT_OPS
    0x227: "Backup Operators",  # BACKUP_OPS
    0x228: "Replicator",  # REPLICATOR
    0x229: "RAS and IAS Servers",  # RAS_SERVERS
    0x22A: "Pre-Windows 2000 Compatible Access",  # PREW2KCOMPACCESS
    0x22B: "Remote Desktop Users",  # REMOTE_DESKTOP_USERS
    0x22C: "Network Configuration Operators",  # NETWORK_CONFIGURATION_OPS
    0x22D: "Incoming Forest Trust Builders",  # INCOMING_FOREST_TRUST_BUILDERS
    0x22E: "Performance Monitor Users",  # MONITORING_USERS
    0x22F: "Performance Log Users",  # LOGGING_USERS
    0x230: "Windows Authorization Access Group",  # AUTHORIZATIONACCESS
    0x231: "Terminal Server License Servers",  # TS_LICENSE_SERVERS
    0x232: "Distributed COM Users",  # DCOM_USERS
    0x238: "IIS_IUSRS",  # IUSERS
    0x239: "Cryptographic Operators",  # CRYPTO_OPERATORS
    0x23B: "Allowed RODC Password Replication Group",  # CACHEABLE_PRINCIPALS_GROUP
    0x23C: "Denied RODC Password Replication Group",  # NON_CACHEABLE_PRINCIPALS_GROUP
    0x23D: "Event Log Readers",  # EVENT_LOG_READERS_GROUP
    0x23E: "Certificate Service DCOM Access",  # CERTSVC_DCOM_ACCESS_GROUP
    0x23F: "RDS Remote Access Servers",  # RDS_REMOTE_ACCESS_SERVERS
    0x240: "RDS Endpoint Servers",  # RDS_ENDPOINT_SERVERS
    0x241: "RDS Management Servers",  # RDS_MANAGEMENT_SERVERS
    0x242: "Hyper-V Administrators",  # HYPER_V_ADMINS
    0x243: "Access Control Assistance Operators",  # ACCESS_CONTROL_ASSISTANCE_OPS
    0x244: "Remote Management Users",  # REMOTE_MANAGEMENT_USERS
    0x245: "System Managed Accounts Group",  # DEFAULT_ACCOUNT
    0x246: "Storage Replica Administrators",  # STORAGE_REPLICA_ADMINS
    0x247: "Device Owners",  # DEVICE_OWNERS
    0x248: "User Mode Hardware Operators",  # USER_MODE_HARDWARE_OPERATORS
    0x249: "OpenSSH Users",  # OPENSSH_USERS
}
# winnt.h DOMAIN_USER_RID_*, DOMAIN_GROUP_RID_* and the aliases that a domain has itself; [MS-DTYP] 2.4.2.4.
OF_A_DOMAIN = {
    0x1F2: "Enterprise Read-only Domain Controllers",
    0x1F4: "Administrator",
    0x1F5: "Guest",
    0x1F6: "krbtgt",
    0x1F7: "DefaultAccount",
    0x1F8: "WDAGUtilityAccount",
    0x200: "Domain Admins",
    0x201: "Domain Users",
    0x202: "Domain Guests",
    0x203: "Domain Computers",
    0x204: "Domain Controllers",
    0x205: "Cert Publishers",
    0x206: "Schema Admins",
    0x207: "Enterprise Admins",
    0x208: "Group Policy Creator Owners",
    0x209: "Read-only Domain Controllers",
    0x20A: "Cloneable Domain Controllers",
    0x20D: "Protected Users",
    0x20E: "Key Admins",
    0x20F: "Enterprise Key Admins",
    0x210: "Forest Trusts",
    0x211: "External Trusts",
    0x229: "RAS and IAS Servers",
    0x23B: "Allowed RODC Password Replication Group",
    0x23C: "Denied RODC Password Replication Group",
}
# S-1-5-N: winnt.h SECURITY_*_RID; Samba's util_wellknown.c has those up to 20 by the same names.
OF_NT_AUTHORITY = {
    1: "DIALUP",
    2: "NETWORK",
    3: "BATCH",
    4: "INTERACTIVE",
    6: "SERVICE",
    7: "ANONYMOUS LOGON",
    8: "PROXY",
    9: "ENTERPRISE DOMAIN CONTROLLERS",
    10: "SELF",
    11: "AUTHENTICATED USERS",
    12: "RESTRICTED",
    13: "TERMINAL SERVER USER",
    14: "REMOTE INTERACTIVE LOGON",
    15: "THIS ORGANIZATION",
    17: "IUSR",
    18: "SYSTEM",
    19: "LOCAL SERVICE",
    20: "NETWORK SERVICE",
    33: "WRITE RESTRICTED",
    113: "LOCAL ACCOUNT",
    114: "LOCAL ACCOUNT AND MEMBER OF ADMINISTRATORS GROUP",
    1000: "OTHER ORGANIZATION",
}


def test_every_rid_has_its_own_name_and_no_other() -> None:
    """Each row: one that slipped by one names a group by its neighbour, and the neighbour may be nobody's to fear."""
    for rid in range(0x1F0, 0x300):
        alias, account = ALIASES.get(rid), OF_A_DOMAIN.get(rid)
        assert name_of(Sid(5, (32, rid))) == (alias and "BUILTIN\\" + alias), hex(rid)
        assert name_of(Sid(5, (21, 1, 2, 3, rid))) == (account and "<domain>\\" + account), hex(rid)
    for rid, name in OF_NT_AUTHORITY.items():
        assert (name_of(Sid(5, (rid,))) or "").upper() == "NT AUTHORITY\\" + name


@pytest.mark.parametrize(
    "text, name",
    [
        ("S-1-2-0", "LOCAL"),
        ("S-1-3-0", "CREATOR OWNER"),
        ("S-1-3-1", "CREATOR GROUP"),
        ("S-1-3-2", "CREATOR OWNER SERVER"),
        ("S-1-3-3", "CREATOR GROUP SERVER"),
        ("S-1-5-64-14", "NT AUTHORITY\\SChannel Authentication"),
        ("S-1-5-64-21", "NT AUTHORITY\\Digest Authentication"),
        ("S-1-5-83-0", "NT VIRTUAL MACHINE\\Virtual Machines"),
        ("S-1-5-84-0-0-0-0-0", "NT AUTHORITY\\USER MODE DRIVERS"),
        ("S-1-5-90-0", "Window Manager\\Window Manager Group"),
        ("S-1-5-21-0-0-0-496", "Compounded Authentication"),
        ("S-1-15-2-2", "APPLICATION PACKAGE AUTHORITY\\ALL RESTRICTED APPLICATION PACKAGES"),
        ("S-1-18-2", "Service asserted identity"),
        ("S-1-18-3", "Fresh public key identity"),
        ("S-1-18-4", "Key trust identity"),
        ("S-1-18-5", "Key property multi-factor authentication"),
        ("S-1-18-6", "Key property attestation"),
        ("S-1-19-1024-1024", "Process Trust\\Protected-Authenticode"),
        ("S-1-19-512-2048", "Process Trust\\ProtectedLight-App"),
    ],
)
def test_the_other_names_of_ms_dtyp(text: str, name: str) -> None:
    assert name_of(Sid.from_text(text)) == name


# Microsoft's pages "Well-known SIDs" and "Security identifiers", and [MS-DTYP] 2.4.2.4, beyond the tables above; with the
# kind that each prefix has (winnt.h SECURITY_*_BASE_RID).
OTHERS = {
    "S-1-2-0": "LOCAL",
    "S-1-3-0": "CREATOR OWNER",
    "S-1-3-1": "CREATOR GROUP",
    "S-1-3-2": "CREATOR OWNER SERVER",
    "S-1-3-3": "CREATOR GROUP SERVER",
    "S-1-5-22": "NT AUTHORITY\\ENTERPRISE READ-ONLY DOMAIN CONTROLLERS BETA",
    "S-1-5-32": "BUILTIN",
    "S-1-5-64-14": "NT AUTHORITY\\SChannel Authentication",
    "S-1-5-64-21": "NT AUTHORITY\\Digest Authentication",
    "S-1-5-83-0": "NT VIRTUAL MACHINE\\Virtual Machines",
    "S-1-5-84-0-0-0-0-0": "NT AUTHORITY\\USER MODE DRIVERS",
    "S-1-5-90-0": "Window Manager\\Window Manager Group",
    "S-1-5-93-2-1": "User Manager\\ContainerAdministrator",
    "S-1-5-93-2-2": "User Manager\\ContainerUser",
    "S-1-5-99-0": "RESTRICTED SERVICES\\ALL RESTRICTED SERVICES",
    "S-1-5-21-0-0-0-496": "Compounded Authentication",
    "S-1-15-2-2": "APPLICATION PACKAGE AUTHORITY\\ALL RESTRICTED APPLICATION PACKAGES",
    "S-1-18-2": "Service asserted identity",
    "S-1-18-3": "Fresh public key identity",
    "S-1-18-4": "Key trust identity",
    "S-1-18-5": "Key property multi-factor authentication",
    "S-1-18-6": "Key property attestation",
    "S-1-19-512-1024": "Process Trust\\ProtectedLight-Authenticode",
    "S-1-19-512-2048": "Process Trust\\ProtectedLight-App",
}
OF_PREFIXES = {
    "S-1-5-83-1-2": "virtual machine",
    "S-1-5-84-1-2": "user-mode driver host",
    "S-1-5-85-1-2": "cloud infrastructure service",
    "S-1-5-88-1-2": "NFS account",
    "S-1-5-89-1-2": "COM identity",
    "S-1-5-91-1-2": "remote graphics",
    "S-1-5-92-1-2": "device association host",
    "S-1-5-93-1-2": "container user",
    "S-1-5-94-1-2": "WinRM virtual user",
    "S-1-5-95-1-2": "container credential guard",
    "S-1-5-97-1-2": "per-user service",
    "S-1-5-98-1-2": "edge cloud service",
    "S-1-5-99-1-2": "restricted service",
    "S-1-12-1-2-3-4-5": "Entra ID user or group",
    "S-1-15-1": "app package authority",
    "S-1-17-1-2": "central access policy",
    "S-1-22-1-1000": "Unix account (Samba)",
}


def test_the_other_well_known_names_and_prefixes() -> None:
    assert {text: name_of(Sid.from_text(text)) for text in OTHERS} == OTHERS
    assert {text: kind_of(Sid.from_text(text)) for text in OF_PREFIXES} == OF_PREFIXES


@pytest.mark.parametrize(
    "text, name",
    [
        # One number more, less, or another than those that make the name.
        ("S-1-5-32", "BUILTIN"),
        ("S-1-5-32-544-1", None),
        ("S-1-4-32-544", None),
        ("S-1-5-90-0", "Window Manager\\Window Manager Group"),
        ("S-1-5-90-1-1", None),
        ("S-1-5-90-0-1-1", None),
        ("S-1-5-96-1-0", None),
        ("S-1-5-91-0-1", None),
        ("S-1-5-80", None),
        ("S-1-15-90-0-1", None),
        ("S-1-12-1-1-2-3", None),
        ("S-1-12-2-1-2-3-4", None),
        ("S-1-12-1-67305985-134678021-202050057-269422093", "AzureAD\\<object 04030201-0605-0807-090a-0b0c0d0e0f10>"),
        (
            "S-1-5-83-1-67305985-134678021-202050057-269422093",
            "NT VIRTUAL MACHINE\\04030201-0605-0807-090A-0B0C0D0E0F10",
        ),
        ("S-1-5-83-0-67305985-134678021-202050057-269422093", None),
        ("S-1-5-84-1-67305985-134678021-202050057-269422093", None),
        ("S-1-15-3-1023-1-2-3-4-5-6-7-8", None),
        ("S-1-15-3-13", None),
        ("S-1-16-8192-1", None),
        ("S-1-19-512-1", "Process Trust\\ProtectedLight-1"),
        ("S-1-5-5-1-2", "Logon session 1:2"),
        ("S-1-5-5-16-255", "Logon session 10:ff"),
    ],
)
def test_names_at_the_edges_of_their_rules(text: str, name: Optional[str]) -> None:
    assert name_of(Sid.from_text(text)) == name


def test_each_kind_of_virtual_account_by_its_own_hash() -> None:
    service = sid_derive.service_sid("TrustedInstaller")
    assert name_of(service) == "NT SERVICE\\TrustedInstaller"
    assert name_of(sid_derive.restricted_service_sid("TrustedInstaller")) == "RESTRICTED SERVICES\\TrustedInstaller"
    assert name_of(sid_derive.apppool_sid("DefaultAppPool")) == "IIS APPPOOL\\DefaultAppPool"
    # The words of a service below the base of application pools name nothing, and the other way.
    assert name_of(Sid(5, (82, *service.subauthorities[1:]))) is None
    assert name_of(Sid(5, (80, *sid_derive.apppool_sid("DefaultAppPool").subauthorities[1:]))) is None
    for name in ("internetClient", "registryRead"):
        group = sid_derive.capability_group_sid(name)
        assert name_of(group) == "capability group " + name
        assert name_of(Sid(15, (3, 1024, *group.subauthorities[1:]))) == "capability " + name
    assert name_of(Sid(5, (32, 1, 2, 3, 4, 5, 6, 7, 8))) is None


def test_a_source_s_own_names_come_first_and_are_of_accounts_alone() -> None:
    anna, system = Sid.from_text("S-1-5-21-1-2-3-1001"), Sid.from_text("S-1-5-18")
    names = Names({anna: "PC\\Anna", system: "PC\\Somebody"})
    assert names.of(anna) == "PC\\Anna" and names.of(system) == "NT AUTHORITY\\SYSTEM"
    assert names.of(Sid.from_text("S-1-5-21-1-2-3-500")) == "<domain>\\Administrator"
    more = names.with_accounts({Sid.from_text("S-1-5-21-1-2-3-500"): "PC\\Admin"})
    assert more.of(anna) == "PC\\Anna" and more.of(Sid.from_text("S-1-5-21-1-2-3-500")) == "PC\\Admin"
    told = Names().with_services([" MyService ", "", "  "])
    assert told.services == ("MyService",)
    assert told.of(sid_derive.service_sid("MyService")) == "NT SERVICE\\MyService"
    assert Names().of(sid_derive.service_sid("MyService")) is None


@pytest.mark.parametrize(
    "text, kind",
    [
        ("S-1-5-21", "NT authority"),
        ("S-1-5-21-1-2", "NT authority"),
        ("S-1-5-21-1-2-3-4-5", "NT authority"),
        ("S-1-5-21-1-2-3-4", "domain user or group"),
        ("S-1-5", "NT authority"),
        ("S-1-4-21-1-2-3", "unknown authority"),
    ],
)
def test_the_kind_of_what_is_nearly_a_domain_s(text: str, kind: str) -> None:
    assert kind_of(Sid.from_text(text)) == kind


# The pools that IIS 7 to 10 make when they are set up ("Application Pool Identities", learn.microsoft.com/iis).
@pytest.mark.parametrize("pool", ["DefaultAppPool", "Classic .NET AppPool", ".NET v4.5", ".NET v4.5 Classic"])
def test_pools_of_iis_are_named(pool: str) -> None:
    sid = sid_of_name("IIS APPPOOL\\" + pool)
    assert sid is not None and str(sid).startswith("S-1-5-82-") and name_of(sid) == "IIS APPPOOL\\" + pool
