"""Names back to SIDs."""

import pytest

from kdtoken.model.sid import Sid
from kdtoken.model.sid_lookup import service_named, sid_of_name
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
