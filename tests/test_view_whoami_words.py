"""whoami's words in its languages: in the code page they were read by, among other words, with letters lost."""

from typing import Optional, Tuple

import pytest

from kdtoken.model.absent import Unreadable
from kdtoken.view.whoami.words import (
    attributes_of,
    leading_attributes,
    says_a_state,
    state_of,
    was_repaired,
    without_kind,
)


@pytest.mark.parametrize(
    ("page", "word"),
    [  # the OEM or Windows code page of the language (learn.microsoft.com, "Code page identifiers")
        ("utf-8", "D\u00e9sactiv\u00e9"),
        ("cp850", "D\u00e9sactiv\u00e9"),
        ("cp852", "Zak\u00e1z\u00e1no"),
        ("cp857", "Devre D\u0131\u015f\u0131"),
        ("cp866", "\u041e\u0442\u043a\u043b\u044e\u0447\u0435\u043d\u043e"),
        ("cp932", "\u7121\u52b9"),
        ("cp936", "\u5df2\u7981\u7528"),
        ("cp949", "\uc0ac\uc6a9 \uc548 \ud568"),
        ("cp950", "\u5df2\u505c\u7528"),
        ("cp1252", "D\u00e9sactiv\u00e9"),
        ("cp1254", "Devre D\u0131\u015f\u0131"),
    ],
)
def test_a_word_in_a_code_page_taken_for_another(page: str, word: str) -> None:
    assert state_of(word) is False
    taken = 0
    for wrong in ("cp437", "cp1252", "latin-1", "cp850"):
        try:
            misread = word.encode(page).decode(wrong)
        except UnicodeError:
            continue  # a byte that this page has nothing for
        assert state_of(misread) is False, wrong
        taken += misread != word
    assert taken >= 2


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("Mandatory group, Enabled by default, Enabled group", 7),
        ("Group used for deny only", 0x10),
        ("Mandatory group,Enabled group,", 5),
        ("", 0),
        # German has a phrase with commas in it.
        ("Gruppe, die nur verwendet wird, um Zugriff zu verweigern", 0x10),
        ("\u5fc5\u9700\u7684\u7ec4, \u542f\u7528\u4e8e\u9ed8\u8ba4, \u542f\u7528\u7684\u7ec4", 7),
        ("\u5fc5\u9700\u7684\u7ec4\uff0c\u542f\u7528\u7684\u7ec4", 5),
        ("Mandatory group", None),  # nobody can disable one: what followed was cut off
        ("Mandatory group, Enabled by default", None),
        ("Enabled by default, Xyzzy", None),
    ],
)
def test_a_list_of_phrases_is_its_bits(text: str, bits: Optional[int]) -> None:
    found = attributes_of(text)
    assert found == bits if bits is not None else isinstance(found, Unreadable) and repr(text) in found.reason


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Enabled by default, Enabled group BUILTIN\\Users", (6, "BUILTIN\\Users")),
        ("Group used for deny onlyBUILTIN", (0x10, "BUILTIN")),
        ("BUILTIN\\Users", (None, "BUILTIN\\Users")),
        ("Enabled group, Xyzzy", (None, "Xyzzy")),  # one phrase of the list is not known
        ("", (None, "")),
    ],
)
def test_the_phrases_that_a_text_begins_with(text: str, found: Tuple[Optional[int], str]) -> None:
    assert leading_attributes(text) == found


def test_a_remark_that_says_a_state_too() -> None:
    assert says_a_state("(disabled!)") and says_a_state("and Enabled") and not says_a_state("-- () mine")


def test_letters_that_were_lost_and_letters_that_were_not() -> None:
    assert was_repaired("D?sactiv?") and not was_repaired("D\u00e9sactiv\u00e9") and not was_repaired("Disabled")
    assert state_of("D?sactiv?") is False and state_of("?nabled") is None and state_of("??") is None
    assert state_of("Habilitad?") is None  # no letter of it that is not ASCII
    assert state_of("x" * 81) is None and state_of("Enabled" + " " * 90) is True


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("BUILTIN\\Users Alias ", "BUILTIN\\Users"),
        ("Everyone Well-known group", "Everyone"),
        ("a Unknown SID type", "a"),
        ("a Deleted account", "a"),
        ("a Group", "a"),
        ("a Label", "a"),
        ("a User", "a"),
        ("a Computer", "a"),
        ("a Domain", "a"),
        ("Jeder Bekannte Gruppe", "Jeder"),
        ("x \u0413\u0440\u0443\u043f\u043f\u0430", "x"),
        ("x \u522b\u540d", "x"),
        ("x Etiqueta", "x"),
        ("BUILTIN\\Users", None),
        ("NoAlias", None),
    ],
)
def test_a_name_without_the_account_s_kind(text: str, name: Optional[str]) -> None:
    assert without_kind(text) == name


# As whoami prints them, language by language: English, Chinese (simplified, traditional), Japanese, Spanish (two
# generations), Russian, Turkish, French, German, Italian, Portuguese, Korean.  winnt.h SE_GROUP_*.
PHRASES = {
    0x1: "Mandatory group|必需的组|強制性群組|固定グループ|Grupo obligatorio|Обязательная группа|Zorunlu grup|"
    "Groupe obligatoire|Verbindliche Gruppe|Gruppo obbligatorio|Grupo obrigatório|필수 그룹",
    0x2: "Enabled by default|启用于默认|預設為啟用|既定で有効|Habilitado de manera predeterminada|Habilitado por defecto|"
    "Включены по умолчанию|Varsayılan olarak etkin|Activé par défaut|Standardmäßig aktiviert|"
    "Abilitato per impostazione predefinita|Habilitado por padrão",
    0x4: "Enabled group|启用的组|已啟用的群組|有効なグループ|Grupo habilitado|Включенная группа|Etkinleştirilmiş grup|"
    "Groupe activé|Aktivierte Gruppe|Gruppo abilitato",
    0x8: "Group owner|组的所有者|群組擁有者|グループの所有者|Propietario de grupo|Propietario del grupo|Владелец группы|"
    "Grup sahibi|Propriétaire du groupe|Gruppenbesitzer|Proprietario gruppo|Proprietário do grupo",
    0x10: "Group used for deny only|只用于拒绝的组|僅用於拒絕的群組|拒否のみに使用するグループ|Grupo usado solo para denegar|"
    "Группа, используемая только для запрета|Gruppe, die nur verwendet wird, um Zugriff zu verweigern",
    0x20000000: "Local Group|本地组|Grupo local|Локальная группа|Groupe local|Lokale Gruppe",
}
STATES = {
    True: "Enabled|已启用|已啟用|有効|Habilitada|Habilitado|Activé|Aktiviert|Abilitato|Ativado|включен|Включено|Etkin|"
    "Włączone|Włączony|Ingeschakeld|Aktiverad|Povoleno|Engedélyezve",
    False: "Disabled|已禁用|已停用|無効|Deshabilitado|Deshabilitada|Désactivé|Deaktiviert|Disabilitato|Desabilitado|Desativado|"
    "отключен|Отключено|Devre Dışı|Wyłączone|Wyłączony|Uitgeschakeld|Inaktiverad|Zakázáno|Letiltva|사용 안 함",
}
KINDS = (
    "Well-known group|Unknown SID type|Deleted account|Group|Alias|Label|User|Computer|Domain|Bekannte Gruppe|Gruppe|"
    "Grupo conocido|Grupo|Etiqueta|Groupe bien connu|Groupe|Хорошо известная группа|Псевдоним|Группа|Метка|已知组|别名|标签|组|"
    "よく知られたグループ|エイリアス|グループ|ラベル|İyi bilinen grup|Diğer Ad|Etiket|Grup"
)


def _capitals(text: str) -> str:
    return text.upper() if text.isascii() else text  # Turkish has two letters i


def test_each_phrase_of_each_language_is_its_bit() -> None:
    for bit, phrases in PHRASES.items():
        for phrase in phrases.split("|"):
            # Beside the word for enabled, since nobody can disable a mandatory group.
            for text in (
                phrase + ", Enabled group",
                "Enabled group," + _capitals(phrase),
                phrase.replace(" ", "  ") + ",启用的组",
            ):
                assert attributes_of(text) == bit | 0x4, text
            if bit != 0x1:
                assert leading_attributes(phrase + " BUILTIN\\x") == (bit, "BUILTIN\\x"), phrase


def test_each_word_for_a_state_of_each_language() -> None:
    for state, words in STATES.items():
        for word in words.split("|"):
            assert state_of(word) is state and state_of(" %s " % _capitals(word)) is state, word


def test_each_word_for_a_kind_of_account_of_each_language() -> None:
    for kind in KINDS.split("|"):
        assert without_kind("LAB\\x " + kind + " ") == "LAB\\x", kind


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Activ?", True),
        ("Activ\ufffd", True),
        ("D?sactiv?", False),
        ("W??czone", True),
        ("Wy??czone", False),
        ("Enged?lyezve", True),
        ("Zak?z?no", False),
        ("Devre D???", False),
        ("D?????? ", None),  # more letters lost than left: too few to tell by
        ("?ctivé", None),  # no letter of it was lost but an ASCII one, which code pages keep
        ("Enabl?d", None),
    ],
)
def test_a_state_of_which_letters_were_lost_is_the_only_word_that_fits(text: str, state: Optional[bool]) -> None:
    assert state_of(text) is state


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("Activ? par d?faut", 0x2),
        ("Propri?taire du groupe", 0x8),
        ("Standardm??ig aktiviert", 0x2),
        ("Grupo obrigat?rio, Grupo habilitado", 0x5),
        ("Propriet?rio do grupo", 0x8),
        ("Etkinle?tirilmi? grup", 0x4),
    ],
)
def test_attributes_of_which_letters_were_lost(text: str, bits: int) -> None:
    assert attributes_of(text) == bits and was_repaired(text)
