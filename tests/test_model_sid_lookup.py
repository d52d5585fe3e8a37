"""Names back to SIDs."""

import pytest

from kdtoken.model.sid import Sid
from kdtoken.model.sid_lookup import capability_named, service_named, sid_of_name
from kdtoken.model.sid_names import name_of
from kdtoken.model.sid_tables import BUILTIN_RIDS, WELL_KNOWN


@pytest.mark.parametrize(
    "name, sid",
    [
        ("Everyone", "S-1-1-0"),
        ("NT AUTHORITY\\SYSTEM", "S-1-5-18"),
        ("nt authority\\system", "S-1-5-18"),
        ("SYSTEM", "S-1-5-18"),
        ("Administrators", "S-1-5-32-544"),
        ("BUILTIN\\Users", "S-1-5-32-545"),
        ("Mandatory Label\\High Mandatory Level", "S-1-16-12288"),
        ("Medium Plus Mandatory Level", "S-1-16-8448"),
        ("S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-500"),
        # `sc showsid TrustedInstaller`; the icacls output of any Windows names it.
        ("NT SERVICE\\TrustedInstaller", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"),
        ("IIS APPPOOL\\DefaultAppPool", "S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415"),
    ],
)
def test_names(name: str, sid: str) -> None:
    assert str(sid_of_name(name)) == sid


@pytest.mark.parametrize("name", ["", "ANNA-PC\\Anna", "Anna", "Domain Users", "Jeder", "S-1-x", "NT SERVICE\\", "S-"])
def test_what_only_a_machine_knows(name: str) -> None:
    assert sid_of_name(name) is None


def test_every_name_of_the_tables_comes_back() -> None:
    for text in WELL_KNOWN:
        sid = Sid.from_text(text)
        assert sid_of_name(str(name_of(sid))) == sid
    for rid in BUILTIN_RIDS:
        sid = Sid(5, (32, rid))
        assert sid_of_name(str(name_of(sid))) == sid


def test_services_by_any_letter_case() -> None:
    assert service_named("trustedinstaller") == "TrustedInstaller" and service_named("no such service") is None


@pytest.mark.parametrize(
    "name, sid",
    [
        ("s-1-5-18", "S-1-5-18"),
        (" S-1-5-18 ", "S-1-5-18"),
        (" everyone\t", "S-1-1-0"),
        ("LocalSystem", "S-1-5-18"),
        ("CREATOR OWNER", "S-1-3-0"),
        ("creator group", "S-1-3-1"),
        ("builtin\\administrators", "S-1-5-32-544"),
        ("authenticated users", "S-1-5-11"),
        ("untrusted mandatory level", "S-1-16-0"),
        ("NT AUTHORITY\\Network Service", "S-1-5-20"),
        # A GUID's 16 bytes in memory are the four words ([MS-DTYP] 2.3.4.2: Data1, 2 and 3 little-endian).
        (
            "NT VIRTUAL MACHINE\\04030201-0605-0807-090A-0B0C0D0E0F10",
            "S-1-5-83-1-67305985-134678021-202050057-269422093",
        ),
        ("AzureAD\\04030201-0605-0807-090a-0b0c0d0e0f10", "S-1-12-1-67305985-134678021-202050057-269422093"),
        ("AzureAD\\<object {04030201-0605-0807-090a-0b0c0d0e0f10}>", "S-1-12-1-67305985-134678021-202050057-269422093"),
        # `CheckNetIsolation LoopbackExempt -s`
        (
            "Microsoft.Win32WebViewHost_cw5n1h2txyewy",
            "S-1-15-2-1310292540-1029022339-4008023048-2190398717-53961996-4257829345-603366646",
        ),
        ("nt service\\trustedinstaller", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"),
        ("restricted services\\TrustedInstaller", "S-1-5-99-956008885-3418522649-1831038044-1853292631-2271478464"),
    ],
)
def test_names_in_each_spelling(name: str, sid: str) -> None:
    assert str(sid_of_name(name)) == sid


@pytest.mark.parametrize(
    "name",
    [
        "NT VIRTUAL MACHINE\\",
        "NT VIRTUAL MACHINE\\x",
        "AzureAD\\Anna",
        "RESTRICTED SERVICES\\",
        "IIS APPPOOL\\",
        "a_123456789012",  # twelve digits of base 32, a publisher's hash has thirteen
        "a_12345678901234",
        "a_123456789012i",  # no I, L, O, U
        "a b_cw5n1h2txyewy",
        "S-1-5-18-",
    ],
)
def test_names_that_no_rule_makes_a_sid_of(name: str) -> None:
    assert sid_of_name(name) is None


def test_capabilities_by_name_are_two_sids() -> None:
    """winnt.h SECURITY_CAPABILITY_INTERNET_CLIENT is 1; its group form is S-1-5-32 and eight words."""
    for name in ("internetClient", " INTERNETCLIENT "):
        own, group = capability_named(name)
        assert str(own) == "S-1-15-3-1" and str(group).startswith("S-1-5-32-") and len(group.subauthorities) == 9
    own, group = capability_named("registryRead")
    assert own.subauthorities[:2] == (3, 1024) and own.subauthorities[2:] == group.subauthorities[1:]
    assert capability_named("no such capability") == []
    assert service_named(" TRUSTEDINSTALLER\n") == "TrustedInstaller"
