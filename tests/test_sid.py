"""`kdtoken sid`: both ways, without a machine."""

import json
from typing import List, Tuple

import pytest

from kdtoken import sid as verb
from kdtoken.errors import UsageError
from kdtoken.model.sid import Sid


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Tuple[int, str, str]:
    code = verb.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_a_sid_and_what_is_known_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "S-1-5-32-544")
    assert code == 0
    assert out.split("\n") == [
        "S-1-5-32-544",
        "  name   BUILTIN\\Administrators",
        "  kind   builtin group",
        "  SDDL   BA",
        "  bytes  01 02 00 00 00 00 00 05 20 00 00 00 20 02 00 00",
        "",
    ]


@pytest.mark.parametrize(
    "name, sids",
    [
        ("BUILTIN\\Users", ["S-1-5-32-545"]),
        ("everyone", ["S-1-1-0"]),
        ("SY", ["S-1-5-18"]),
        ("s-1-5-18", ["S-1-5-18"]),
        # A service's name alone, and with its authority; `sc showsid` says the same.
        ("trustedinstaller", ["S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"]),
        ("NT SERVICE\\TrustedInstaller", ["S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"]),
        # "Impersonate a client" of Windows 11 24H2
        (
            "restricted services\\PrintSpoolerService",
            ["S-1-5-99-216390572-1995538116-3857911515-2404958512-2623887229"],
        ),
        # `CheckNetIsolation LoopbackExempt -s`
        (
            "Microsoft.Win32WebViewHost_cw5n1h2txyewy",
            ["S-1-15-2-1310292540-1029022339-4008023048-2190398717-53961996-4257829345-603366646"],
        ),
        # A Hyper-V worker event shows both forms.
        (
            "NT VIRTUAL MACHINE\\D9E0EB0A-5B37-508E-9173-67E9ADE83ACF",
            ["S-1-5-83-1-3655396106-1351506743-3915871121-3476744365"],
        ),
        # The GUID's bytes are 00 .. 0f: four little-endian words.
        (
            "AzureAD\\{03020100-0504-0706-0809-0a0b0c0d0e0f}",
            ["S-1-12-1-50462976-117835012-185207048-252579084"],
        ),
    ],
)
def test_names(name: str, sids: List[str]) -> None:
    assert [str(one) for one in verb.sids_of(name)] == sids


def test_what_was_hashed_keeps_the_name_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """No list holds every package: only who asks knows what the hash is of."""
    _, out, _ = run(capsys, "Contoso.App_8wekyb3d8bbwe")
    assert "  name   Contoso.App_8wekyb3d8bbwe\n" in out
    _, out, _ = run(capsys, "S-1-15-2-1-2-3-4-5-6-7")
    assert "  name   (only the machine or domain that made it knows)\n" in out


@pytest.mark.parametrize("name", ["Contoso.App_8wekyb3d8bbw", "Contoso.App_8wekyb3d8bbwu", "NT VIRTUAL MACHINE\\x"])
def test_what_only_looks_like_one_is_none(name: str) -> None:
    with pytest.raises(UsageError):
        verb.sids_of(name)


def test_a_capability_has_two() -> None:
    """Its own SID (SECURITY_CAPABILITY_INTERNET_CLIENT of winnt.h), and the group that stands for it."""
    own, group = verb.sids_of("internetClient")
    assert str(own) == "S-1-15-3-1" and str(group).startswith("S-1-5-32-")


def test_an_alias_of_a_domain_needs_the_domain(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "DA")
    assert (code, out) == (2, "") and "--domain" in err and "RID 512" in err
    code, _, again = run(capsys, "da")
    assert code == 2 and "kdtoken sid DA --domain S-1-5-21-A-B-C" in err and "kdtoken sid DA --domain" in again
    assert verb.sids_of("da", Sid.from_text("S-1-5-21-1-2-3")) == [Sid.from_text("S-1-5-21-1-2-3-512")]
    assert verb.sids_of("DA", Sid.from_text("S-1-5-21-1-2-3")) == [Sid.from_text("S-1-5-21-1-2-3-512")]
    code, out, _ = run(capsys, "LA", "--domain", "S-1-5-21-1-2-3")
    assert code == 0 and out.startswith("S-1-5-21-1-2-3-500\n")


@pytest.mark.parametrize("name", ["Anna", "ANNA-PC\\Anna", "S-1-x", "S-1-5-4294967296", "QQ"])
def test_what_only_a_machine_knows_is_never_guessed(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        verb.sids_of(name)
    assert caught.value.next_step


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--json", "S-1-5-21-1-2-3-1001", "SYSTEM")
    first, second = json.loads(out)
    assert code == 0
    assert (first["sid"], first["name"], first["sddl"]) == ("S-1-5-21-1-2-3-1001", None, None)
    assert (second["name"], second["sddl"], second["bytes"]) == (
        "NT AUTHORITY\\SYSTEM",
        "SY",
        "010100000000000512000000",
    )


@pytest.mark.parametrize("text", ["S-1-x", "s-1-x", "s-"])
def test_what_begins_as_a_sid_is_told_as_one(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, text)
    assert (code, out) == (
        2,
        "",
    ) and err == "kdtoken: '%s' is not the text of a SID\n  next: kdtoken sid S-1-5-32-544\n" % text
