"""Words that `whoami` prints for attributes and states, by language, as published output of each language has them.

whoami prints words in the system's language and never the bits, so a word that is in no table stays unknown: a guess
would turn "for deny only" into "enabled".  Add a language by adding its words; nothing else depends on it.
The bits: winnt.h SE_GROUP_*, SE_PRIVILEGE_ENABLED.
"""

from functools import lru_cache
from typing import Dict, Optional, Tuple

from kdtoken.model import group as groups
from kdtoken.model.absent import Maybe, Unreadable

_PHRASES: Tuple[Tuple[int, Tuple[str, ...]], ...] = (
    (
        groups.MANDATORY,
        (
            "Mandatory group",
            "必需的组",
            "強制性群組",
            "固定グループ",
            "Grupo obligatorio",
            "Обязательная группа",
            "Zorunlu grup",
            "Groupe obligatoire",
            "Verbindliche Gruppe",
            "Gruppo obbligatorio",
            "Grupo obrigatório",
            "필수 그룹",
        ),
    ),
    (
        groups.ENABLED_BY_DEFAULT,
        (
            "Enabled by default",
            "启用于默认",
            "預設為啟用",
            "既定で有効",
            "Habilitado de manera predeterminada",
            "Habilitado por defecto",
            "Включены по умолчанию",
            "Varsayılan olarak etkin",
            "Activé par défaut",
            "Standardmäßig aktiviert",
            "Abilitato per impostazione predefinita",
            "Habilitado por padrão",
        ),
    ),
    (
        groups.ENABLED,
        (
            "Enabled group",
            "启用的组",
            "已啟用的群組",
            "有効なグループ",
            "Grupo habilitado",
            "Включенная группа",
            "Etkinleştirilmiş grup",
            "Groupe activé",
            "Aktivierte Gruppe",
            "Gruppo abilitato",
        ),
    ),
    (
        groups.OWNER,
        (
            "Group owner",
            "组的所有者",
            "群組擁有者",
            "グループの所有者",
            "Propietario de grupo",
            "Propietario del grupo",
            "Владелец группы",
            "Grup sahibi",
            "Propriétaire du groupe",
            "Gruppenbesitzer",
            "Proprietario gruppo",
            "Proprietário do grupo",
        ),
    ),
    (
        groups.USE_FOR_DENY_ONLY,
        (
            "Group used for deny only",
            "只用于拒绝的组",
            "僅用於拒絕的群組",
            "拒否のみに使用するグループ",
            "Grupo usado solo para denegar",
            "Группа, используемая только для запрета",
        ),
    ),
    (groups.RESOURCE, ("Local Group", "本地组", "Grupo local", "Локальная группа", "Groupe local", "Lokale Gruppe")),
)

_ENABLED = (
    "Enabled",
    "已启用",
    "已啟用",
    "有効",
    "Habilitada",
    "Habilitado",
    "Activé",
    "Aktiviert",
    "Abilitato",
    "Ativado",
    "включен",
    "Включено",
    "Etkin",
    "Włączone",
    "Włączony",
    "Ingeschakeld",
    "Aktiverad",
    "Povoleno",
    "Engedélyezve",
)
_DISABLED = (
    "Disabled",
    "已禁用",
    "已停用",
    "無効",
    "Deshabilitado",
    "Deshabilitada",
    "Désactivé",
    "Deaktiviert",
    "Disabilitato",
    "Desabilitado",
    "Desativado",
    "отключен",
    "Отключено",
    "Devre Dışı",
    "Wyłączone",
    "Wyłączony",
    "Uitgeschakeld",
    "Inaktiverad",
    "Zakázáno",
    "Letiltva",
    "사용 안 함",
)

# Remote shells decode the console's OEM code page as another: (what they took it for, what it was).
_MISREADINGS = tuple(
    (wrong, right)
    for wrong in ("cp437", "cp1252", "latin-1", "cp850")
    for right in ("utf-8", "cp850", "cp857", "cp852", "cp866", "cp936", "cp932", "cp950", "cp949", "cp1252", "cp1254")
    if wrong != right
)


def _folded(text: str) -> str:
    # Blanks go too: a console's line wrap leaves some inside words.
    return "".join(text.split()).casefold()


_ATTRIBUTES: Dict[str, int] = {_folded(phrase): bit for bit, phrases in _PHRASES for phrase in phrases}
_STATES: Dict[str, bool] = {_folded(word): True for word in _ENABLED}
_STATES.update({_folded(word): False for word in _DISABLED})
LONGEST_STATE = max(len(word.split()) for word in _ENABLED + _DISABLED)


@lru_cache(maxsize=1024)
def readings(text: str) -> Tuple[str, ...]:
    """The text folded for look-up, and as it may have been before somebody took one code page for another."""
    found = [_folded(text)]
    if not text.isascii():
        for wrong, right in _MISREADINGS:
            try:
                found.append(_folded(text.encode(wrong).decode(right)))
            except UnicodeError:
                continue
    return tuple(dict.fromkeys(found))


def state_of(text: str) -> Optional[bool]:
    """True for a word that means enabled, False for disabled, None for a word that is not known.

    Readings that contradict one another count as not known.
    """
    found = {_STATES[one] for one in readings(text.strip()[:80]) if one in _STATES}
    return found.pop() if len(found) == 1 else None


def _bit_of(phrase: str) -> Optional[int]:
    found = {_ATTRIBUTES[one] for one in readings(phrase.strip()[:120]) if one in _ATTRIBUTES}
    return found.pop() if len(found) == 1 else None


def attributes_of(text: str) -> Maybe[int]:
    """The SE_GROUP_* bits that a list of phrases means; Unreadable, with the text, if one is not known.

    Russian has a phrase with a comma in it, so up to three parts are tried as one.
    """
    parts = [one for one in text.replace("、", ",").replace("，", ",").split(",") if one.strip()]
    value, at = 0, 0
    while at < len(parts):
        for length in (3, 2, 1):
            bit = _bit_of(",".join(parts[at : at + length])) if at + length <= len(parts) else None
            if bit is not None:
                value |= bit
                at += length
                break
        else:
            return Unreadable(0, "attribute words not known: %r" % text.strip())
    return value
