"""SIDs computed from names, against pairs that others published: nothing here was made with our own code."""

import uuid

import pytest

from kdtoken.errors import BadFormat
from kdtoken.model import sid_derive


@pytest.mark.parametrize(
    "name, text",
    [
        # winnt.h SECURITY_TRUSTED_INSTALLER_RID1..5
        ("TrustedInstaller", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"),
        # `whoami /all` of an SQL Server service; user rights in security policy exports
        ("MSSQLSERVER", "S-1-5-80-3880718306-3832830129-1677859214-2598158968-1052248003"),
        ("WdiServiceHost", "S-1-5-80-3139157870-2983391045-3678747466-658725712-1809340420"),
        # the descriptor of \\pipe\\eventlog
        ("EventLog", "S-1-5-80-880578595-1860270145-482643319-2788375705-1540778122"),
        ("eventlog", "S-1-5-80-880578595-1860270145-482643319-2788375705-1540778122"),
    ],
)
def test_service(name: str, text: str) -> None:
    assert str(sid_derive.service_sid(name)) == text


def test_restricted_service() -> None:
    # "Impersonate a client" of Windows 11 24H2 names this SID; shown as RESTRICTED SERVICES\PrintSpoolerService.
    text = "S-1-5-99-216390572-1995538116-3857911515-2404958512-2623887229"
    assert str(sid_derive.restricted_service_sid("PrintSpoolerService")) == text


def test_apppool_is_lower_case() -> None:
    # `whoami /all` in an IIS worker process
    text = "S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415"
    assert str(sid_derive.apppool_sid("DefaultAppPool")) == text


@pytest.mark.parametrize(
    "name, text",
    [
        # Chromium sandbox/win sid_unittest.cc, answers of RtlDeriveCapabilitySidsFromName
        ("internetClient", "S-1-15-3-1"),
        ("internetClientServer", "S-1-15-3-2"),
        ("privateNetworkClientServer", "S-1-15-3-3"),
        ("enterpriseAuthentication", "S-1-15-3-8"),
        (
            "registryRead",
            "S-1-15-3-1024-1065365936-1281604716-3511738428-1654721687-432734479-3232135806-4053264122-3456934681",
        ),
        (
            "lpacCryptoServices",
            "S-1-15-3-1024-3203351429-2120443784-2872670797-1918958302-2829055647-4275794519-765664414-2751773334",
        ),
        # Microsoft hcsshim, internal/security/grantvmgroupaccess.go
        (
            "vmWorkerProcess",
            "S-1-15-3-1024-2268835264-3721307629-241982045-173645152-1490879176-104643441-2915960892-1612460704",
        ),
    ],
)
def test_capability(name: str, text: str) -> None:
    assert str(sid_derive.capability_sid(name)) == text
    assert str(sid_derive.capability_sid(name.upper())) == text


# winnt.h, SECURITY_CAPABILITY_*: spelled again.
@pytest.mark.parametrize(
    "number, name",
    [
        (1, "internetClient"),
        (2, "internetClientServer"),
        (3, "privateNetworkClientServer"),
        (4, "picturesLibrary"),
        (5, "videosLibrary"),
        (6, "musicLibrary"),
        (7, "documentsLibrary"),
        (8, "enterpriseAuthentication"),
        (9, "sharedUserCertificates"),
        (10, "removableStorage"),
        (11, "appointments"),
        (12, "contacts"),
        (4096, "internetExplorer"),
    ],
)
def test_capabilities_of_windows_8_have_numbers(number: int, name: str) -> None:
    assert sid_derive.NUMBERED_CAPABILITIES[number] == name and len(sid_derive.NUMBERED_CAPABILITIES) == 13
    assert str(sid_derive.capability_sid(name)) == "S-1-15-3-%d" % number


def test_capability_group_has_the_hash_of_the_app_form() -> None:
    app = sid_derive.capability_sid("registryRead")
    group = sid_derive.capability_group_sid("registryRead")
    assert group.subauthorities == (32,) + app.subauthorities[2:]


def test_package() -> None:
    # `CheckNetIsolation LoopbackExempt -s`
    text = "S-1-15-2-1310292540-1029022339-4008023048-2190398717-53961996-4257829345-603366646"
    assert str(sid_derive.package_sid("Microsoft.Win32WebViewHost_cw5n1h2txyewy")) == text


def test_guid_words() -> None:
    # A Hyper-V worker event: UserID S-1-5-83-1-3655396106-... and VmId D9E0EB0A-5B37-508E-9173-67E9ADE83AC(F).
    words = (3655396106, 1351506743, 3915871121, 3476744365)
    guid = sid_derive.guid_of_words(words)
    assert str(guid).startswith("d9e0eb0a-5b37-508e-9173-67e9ade83ac")
    assert sid_derive.words_of_guid(guid) == words
    assert sid_derive.words_of_guid(uuid.UUID(int=1)) == (0, 0, 0, 0x01000000)
    with pytest.raises(BadFormat, match="four 32-bit words, not 3"):
        sid_derive.guid_of_words((1, 2, 3))
