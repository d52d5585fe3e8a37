"""whoami's output in its forms and languages: golden expectations by hand."""

from pathlib import Path
from typing import Any, Dict

import pytest

from kdtoken.model import group as groups
from kdtoken.model.absent import Fragment, Unreadable
from kdtoken.model.group import Group
from kdtoken.model.sid import Sid
from kdtoken.view.partial import PartialToken
from kdtoken.view.whoami.reader import WhoamiTexts, read_whoami_text
from kdtoken.view.whoami.words import attributes_of, state_of
from tests.view_facts import facts_in, facts_of_whoami

VIEWS = Path(__file__).resolve().parent.parent / "fixtures" / "views"
ANNA = "S-1-5-21-1000000001-1000000002-1000000003-1001"
ALL = groups.MANDATORY | groups.ENABLED_BY_DEFAULT | groups.ENABLED
LABEL = groups.INTEGRITY | groups.INTEGRITY_ENABLED


def read(name: str) -> WhoamiTexts:
    return read_whoami_text((VIEWS / name).read_text(encoding="utf-8"), name)


def attributes(token: PartialToken) -> Dict[str, object]:
    return {str(one.sid): one.attributes for one in token.groups}


def states(token: PartialToken) -> Dict[str, object]:
    return {one.name: one.enabled for one in token.privileges}


def test_all_in_a_table() -> None:
    texts = read("whoami-all.txt")
    anna, other = texts.tokens
    assert str(anna.token.user) == ANNA and str(other.token.user) == ANNA[:-1] + "2"
    assert attributes(anna) == {
        ANNA: 0,
        "S-1-1-0": ALL,
        "S-1-5-114": groups.USE_FOR_DENY_ONLY,
        "S-1-5-32-544": ALL | groups.OWNER,
        ANNA[:-4] + "1120": ALL | groups.RESOURCE,
        "S-1-16-8192": LABEL,
        "S-1-5-5-0-77777": groups.LOGON_ID,
    }
    assert anna.token.integrity == Sid.from_text("S-1-16-8192")
    assert str(anna.logon_sid) == "S-1-5-5-0-77777"
    assert states(anna) == {
        "SeShutdownPrivilege": False,
        "SeChangeNotifyPrivilege": True,
        "SeIncreaseWorkingSetPrivilege": False,
    }
    assert anna.names[Sid.from_text("S-1-5-114")] == "NT AUTHORITY\\Local account and member of Administrators group"
    assert [line.text for line in texts.names] == ["lab\\anna"]
    assert [line.text for line in texts.claims] == ["User claims unknown."]
    # The author's note behind a row is no part of it.
    assert [line.number for line in texts.not_understood] == [1, 32]


def test_places() -> None:
    seen = read("whoami-all.txt").tokens[0].places
    assert str(seen["user"]) == "whoami-all.txt:11" and seen["privileges.SeShutdownPrivilege"].line == 31
    assert seen["groups.S-1-16-8192"].line == 23 and seen["logon_sid"].line == 41


def test_another_command_in_between_begins_another_token() -> None:
    text = (VIEWS / "whoami-list.txt").read_text(encoding="utf-8")
    assert len(read_whoami_text(text + "C:\\>whoami /priv\n" + text).tokens) == 2
    user, rest = text.split("GROUP INFORMATION")
    assert len(read_whoami_text(user + "C:\\>other.exe\nC:\\>whoami /groups\nGROUP INFORMATION" + rest).tokens) == 2
    assert len(read_whoami_text(user + "C:\\>whoami /groups\nGROUP INFORMATION" + rest).tokens) == 1


def test_a_list_that_is_not_there_is_a_part_and_not_empty() -> None:
    other = read("whoami-all.txt").tokens[1]
    listed = other.token.user_and_groups
    assert isinstance(listed, Fragment) and listed.why == "the text has no list of groups"
    assert other.incomplete == ("user_and_groups",)


def test_chinese_behind_a_remote_shells_prefix() -> None:
    (token,) = read("whoami-zh-netexec.txt").tokens
    assert attributes(token) == {
        "S-1-1-0": ALL,
        "S-1-5-32-544": groups.ENABLED_BY_DEFAULT | groups.ENABLED | groups.OWNER,
        "S-1-16-12288": LABEL,
    }
    assert states(token) == {"SeDebugPrivilege": False, "SeChangeNotifyPrivilege": True}
    assert token.names[Sid.from_text("S-1-16-12288")] == "Mandatory Label\\High"


def test_list_form() -> None:
    (token,) = read("whoami-list.txt").tokens
    assert attributes(token) == {ANNA: 0, "S-1-1-0": ALL, "S-1-5-32-544": groups.USE_FOR_DENY_ONLY}
    assert states(token) == {"SeShutdownPrivilege": False, "SeTimeZonePrivilege": True}
    assert read("whoami-list.txt").not_understood == ()


def test_list_form_as_a_strings_repr() -> None:
    (token,) = read("whoami-list-repr.txt").tokens
    assert attributes(token) == {"S-1-1-0": ALL, "S-1-5-32-545": groups.USE_FOR_DENY_ONLY, "S-1-16-8192": LABEL}
    assert token.names[Sid.from_text("S-1-5-32-545")] == "LAB\\docker-users"


def test_csv_form() -> None:
    (token,) = read("whoami-csv-es.txt").tokens
    assert attributes(token) == {
        ANNA: 0,
        "S-1-1-0": ALL,
        "S-1-5-32-544": groups.USE_FOR_DENY_ONLY,
        "S-1-16-8192": LABEL,
    }
    assert states(token) == {"SeShutdownPrivilege": False, "SeChangeNotifyPrivilege": True}
    assert read("whoami-csv-es.txt").not_understood == ()


def test_an_unknown_language_is_read_by_shape_and_never_guessed() -> None:
    (token,) = read("whoami-unknown-language.txt").tokens
    assert str(token.token.user) == ANNA and token.token.integrity == Sid.from_text("S-1-16-8192")
    everyone = attributes(token)["S-1-1-0"]
    assert isinstance(everyone, Unreadable) and "Wibble, Wobble" in everyone.reason
    for word, state in zip(("Garply", "Waldo"), states(token).values()):
        assert isinstance(state, Unreadable) and word in state.reason
    # Leaving privileges out would say that the token lacks them.
    assert isinstance(token.token.privileges, Unreadable)


def test_rows_that_a_narrow_console_broke() -> None:
    (token,) = read("whoami-narrow.txt").tokens
    assert states(token) == {"SeImpersonatePrivilege": True, "SeAuditPrivilege": False}


def test_a_code_page_taken_for_another() -> None:
    (token,) = read("whoami-tr-mojibake.txt").tokens
    assert token.token.user_and_groups == (
        Group(Sid.from_text(ANNA), 0),
        Group(Sid.from_text("S-1-1-0"), ALL),
        Group(Sid.from_text("S-1-5-32-544"), ALL | groups.OWNER),
    )


def test_words() -> None:
    assert (state_of("Enabled"), state_of("DISABLED"), state_of("Devre Dışı"), state_of("")) == (
        True,
        False,
        False,
        None,
    )
    assert attributes_of("Группа, используемая только для запрета") == groups.USE_FOR_DENY_ONLY
    assert isinstance(attributes_of("Mandatory group, Wobble"), Unreadable)
    assert attributes_of("") == 0


@pytest.mark.parametrize("path", sorted(VIEWS.glob("whoami-*.txt")), ids=lambda path: path.stem)
def test_no_fact_of_a_fixture_is_lost(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert facts_in(text) - facts_of_whoami(read_whoami_text(text)) == set()


GROUPS_OF_TWO = """GROUP INFORMATION
-----------------

Group Name    Type             SID          Attributes
============= ================ ============ ==================================================
Everyone      Well-known group S-1-1-0      Mandatory group, Enabled by default, Enabled group
BUILTIN\\Users Alias            S-1-5-32-545 Mandatory group, Enabled by default, Enabled group
"""


@pytest.mark.parametrize("stray", ["Group used for deny only", "              Group used for deny only"])
def test_attributes_that_follow_a_whole_row_are_no_part_of_it(stray: str) -> None:
    """They may be of a row whose beginning is gone: Users is not taken for deny only, and no line is lost."""
    text = "C:\\>whoami /groups\n\n" + GROUPS_OF_TWO + stray + "\n"
    found = read_whoami_text(text)
    (token,) = found.tokens
    doubted = Unreadable(0, "the line behind it was not understood")
    assert attributes(token) == {"S-1-1-0": ALL, "S-1-5-32-545": doubted}
    assert [line.text.strip() for line in found.not_understood] == [stray.strip()]


def test_attributes_before_the_first_row_are_nobodys() -> None:
    text = GROUPS_OF_TWO.replace("Everyone ", "Group used for deny only\nEveryone ")
    found = read_whoami_text("C:\\>whoami /groups\n\n" + text)
    assert attributes(found.tokens[0]) == {"S-1-1-0": ALL, "S-1-5-32-545": ALL}
    assert [line.text for line in found.not_understood] == ["Group used for deny only"]


def test_a_row_behind_lines_that_were_left_out_is_not_the_user() -> None:
    head = "C:\\>whoami /all\n\nUSER INFORMATION\n----------------\n\nUser Name SID\n========= ====\n"
    (token,) = read_whoami_text(head + "lab\\anna  %s\n" % ANNA).tokens
    assert str(token.token.user) == ANNA
    for found in read_whoami_text(head + "(snip)\nLAB\\Printers  %s\n" % (ANNA[:-4] + "1120")).tokens:
        assert not isinstance(found.token.user, Sid)


# As whoami of that language prints them: its four words of an administrator's group, and its one of a filtered token's.
OF_LANGUAGES = {
    "en": ("Mandatory group, Enabled by default, Enabled group, Group owner", "Group used for deny only"),
    "zh": ("必需的组, 启用于默认, 启用的组, 组的所有者", "只用于拒绝的组"),
    "ja": ("固定グループ, 既定で有効, 有効なグループ, グループの所有者", "拒否のみに使用するグループ"),
    "ru": (
        "Обязательная группа, Включены по умолчанию, Включенная группа, Владелец группы",
        "Группа, используемая только для запрета",
    ),
    "de": (
        "Verbindliche Gruppe, Standardmäßig aktiviert, Aktivierte Gruppe, Gruppenbesitzer",
        "Gruppe, die nur verwendet wird, um Zugriff zu verweigern",
    ),
    "es": (
        "Grupo obligatorio, Habilitado de manera predeterminada, Grupo habilitado, Propietario de grupo",
        "Grupo usado solo para denegar",
    ),
    "fr": ("Groupe obligatoire, Activé par défaut, Groupe activé, Propriétaire du groupe", ""),
    "tr": ("Zorunlu grup, Varsayılan olarak etkin, Etkinleştirilmiş grup, Grup sahibi", ""),
    "it": ("Gruppo obbligatorio, Abilitato per impostazione predefinita, Gruppo abilitato, Proprietario gruppo", ""),
}
STATES = {
    "en": "Enabled Disabled",
    "zh": "已启用 已禁用",
    "ja": "有効 無効",
    "ru": "включен отключен",
    "de": "Aktiviert Deaktiviert",
    "es": "Habilitada Deshabilitado",
    "fr": "Activé Désactivé",
    "it": "Abilitato Disabilitato",
    "sv": "Aktiverad Inaktiverad",
    "nl": "Ingeschakeld Uitgeschakeld",
    "pl": "Włączone Wyłączone",
}


@pytest.mark.parametrize("language", OF_LANGUAGES)
def test_attributes_in_each_language(language: str) -> None:
    administrators, denied = OF_LANGUAGES[language]
    assert attributes_of(administrators) == ALL | groups.OWNER
    if denied:
        assert attributes_of(denied) == groups.USE_FOR_DENY_ONLY


@pytest.mark.parametrize("language", STATES)
def test_states_in_each_language(language: str) -> None:
    on, off = STATES[language].split()
    assert state_of(on) is True and state_of(off) is False


@pytest.mark.parametrize(
    "row, state",
    [
        # A row that somebody picked out of the table: name, a description of some words, the state.
        ("SeDebugPrivilege              Debug programs                   Enabled", True),
        ("SeTimeZonePrivilege           Change the time zone             Disabled", False),
        # Prose that names a privilege and ends in a word for a state is no row.
        ("SeDebugPrivilege is Enabled", None),
        ("SeDebugPrivilege Enabled", None),
        ("SeDebugPrivilege must be Disabled", False),
    ],
)
def test_a_privilege_s_row_without_its_table_needs_a_description(row: str, state: Any) -> None:
    texts = read_whoami_text("C:\\>whoami /priv\n" + row + "\n", "a.txt")
    found = [one.enabled for token in texts.tokens for one in token.privileges]
    assert found == ([] if state is None else [state])
    if state is None:
        assert row in [line.text for line in texts.not_understood]
