"""Words that `whoami` prints for attributes and states, by language, as published output of each language has them.

whoami prints words in the system's language and never the bits, so a word that is in no table stays unknown: a guess
would turn "for deny only" into "enabled".  Add a language by adding its words; nothing else depends on it.
The bits: winnt.h SE_GROUP_*, SE_PRIVILEGE_ENABLED.
"""

import re
from functools import lru_cache
from typing import Any, Dict, Optional, Pattern, Tuple, TypeVar

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
            "Gruppe, die nur verwendet wird, um Zugriff zu verweigern",
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
# By letters as they are printed: folding makes two of one German letter.
_LETTERS: Dict[int, Tuple[Tuple[str, Any], ...]] = {
    id(_ATTRIBUTES): tuple(("".join(one.split()).lower(), bit) for bit, phrases in _PHRASES for one in phrases),
    id(_STATES): tuple(
        ("".join(one.split()).lower(), state)
        for words, state in ((_ENABLED, True), (_DISABLED, False))
        for one in words
    ),
}
LONGEST_STATE = max(len(word.split()) for word in _ENABLED + _DISABLED)


# Words for kinds of accounts (SID_NAME_USE) in the column between name and SID.
_KINDS = (
    "Well-known group",
    "Unknown SID type",
    "Deleted account",
    "Group",
    "Alias",
    "Label",
    "User",
    "Computer",
    "Domain",
    "Bekannte Gruppe",
    "Gruppe",
    "Grupo conocido",
    "Grupo",
    "Etiqueta",
    "Groupe bien connu",
    "Groupe",
    "Хорошо известная группа",
    "Псевдоним",
    "Группа",
    "Метка",
    "已知组",
    "别名",
    "标签",
    "组",
    "よく知られたグループ",
    "エイリアス",
    "グループ",
    "ラベル",
    "İyi bilinen grup",
    "Diğer Ad",
    "Etiket",
    "Grup",
)
_KIND_AT_END = re.compile(
    "(?:^|(?<=\\s))(?:%s)$" % "|".join(re.escape(one) for one in sorted(_KINDS, key=len, reverse=True))
)
_MARKS = "()[]{}<>*_~`'\"!?.,;:=#|-"
V = TypeVar("V")


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


def _is_lost(c: str) -> bool:
    """Whether a character stands where a letter was lost: a question mark, U+FFFD, a box or another sign."""
    return c in "?\ufffd\u00bf" or (not c.isascii() and not c.isalpha())


@lru_cache(maxsize=1024)
def _lossy(text: str) -> Optional[Pattern[str]]:
    """The text with a gap wherever letters that are not ASCII were lost; None where too few letters are left."""
    folded = "".join(text.split()).lower()
    lost = sum(map(_is_lost, folded))
    if not lost or sum(c.isalpha() for c in folded) < max(3, 2 * lost):
        return None
    parts = re.split("([?\ufffd\u00bf]+|[^\x00-\x7f\\w]+)", folded)
    form = ""
    for at, part in enumerate(parts):
        # One letter may have become several signs, and no sign stands for more than one letter.
        form += "[^\x00-\x7f]{1,%d}" % len(part) if at % 2 else re.escape(part)
    return re.compile(form)


def _meant(text: str, table: Dict[str, V]) -> Optional[V]:
    """What a word means, in any of its readings; readings that contradict one another count as not known."""
    found = {table[one] for one in readings(text) if one in table}
    if not found:
        lossy = _lossy(text)
        found = {value for word, value in _LETTERS[id(table)] if lossy.fullmatch(word)} if lossy else set()
    return found.pop() if len(found) == 1 else None


def state_of(text: str) -> Optional[bool]:
    """True for a word that means enabled, False for disabled, None for a word that is not known."""
    return _meant(text.strip()[:80], _STATES)


def says_a_state(text: str) -> bool:
    """Whether a remark behind a row has a state in it too, in whatever brackets: then the row says two things."""
    return any(state_of(word.strip(_MARKS)) is not None for word in text.split() if word.strip(_MARKS))


def was_repaired(text: str) -> bool:
    """Whether words are understood only in spite of letters that were lost."""
    if text.isascii() and "?" not in text:
        return False
    lost = [one for one in re.split("[,，、]", text) if any(map(_is_lost, one))]
    return any(_folded(one) not in _STATES and _folded(one) not in _ATTRIBUTES for one in lost)


def _bit_of(phrase: str) -> Optional[int]:
    return _meant(phrase.strip()[:120], _ATTRIBUTES)


def attributes_of(text: str) -> Maybe[int]:
    """The SE_GROUP_* bits that a list of phrases means; Unreadable, with the text, if one is not known.

    Some languages have a phrase with a comma in it, so up to three parts are tried as one.
    """
    return _attributes_of(text) if len(text) <= _SHORT else _attributes_of.__wrapped__(text)


_SHORT = 200  # longer texts are not worth keeping


@lru_cache(maxsize=1024)  # the same few in each list
def _attributes_of(text: str) -> Maybe[int]:
    text = text.replace("、", ",").replace("，", ",")
    parts = [one for one in text.split(",") if one.strip()]
    value, at = 0, 0
    while at < len(parts):
        for length in (3, 2, 1):
            bit = _bit_of(",".join(parts[at : at + length]))
            if bit is not None:
                value |= bit
                at += length
                break
        else:
            return Unreadable(0, "attribute words not known: %r" % text.strip())
    if value & (groups.MANDATORY | groups.ENABLED | groups.USE_FOR_DENY_ONLY) == groups.MANDATORY:
        # Nobody can disable a mandatory group (winnt.h SE_GROUP_MANDATORY): a margin has cut what followed.
        return Unreadable(0, "attribute words are cut off: %r" % text.strip())
    return value


@lru_cache(maxsize=1)
def _phrase_forms() -> Pattern[str]:
    phrases = sorted((phrase for _, phrases in _PHRASES for phrase in phrases), key=len, reverse=True)
    return re.compile(
        "|".join("(?:%s)" % r"\s*".join(re.escape(c) for c in phrase if c != " ") for phrase in phrases), re.IGNORECASE
    )


def leading_attributes(text: str) -> Tuple[Optional[int], str]:
    """The bits of the phrases that a text begins with, and what stands behind them; None where it begins with none."""
    bits: Optional[int] = None
    rest = text.lstrip()
    while True:
        found = _phrase_forms().match(rest)
        bit = _bit_of(found.group()) if found else None
        if found is None or bit is None:
            # A comma with nothing known behind it: one phrase of the list is not known.
            return (
                (bits, rest)
                if bits is None or text[: len(text) - len(rest)].rstrip()[-1:] not in ",，、"
                else (None, rest)
            )
        bits = (bits or 0) | bit
        rest = rest[found.end() :].lstrip()
        if rest[:1] not in (",", "，", "、"):
            return bits, rest
        rest = rest[1:].lstrip()


def without_kind(text: str) -> Optional[str]:
    """The name in front of the words for an account's kind; None where no such words end the text."""
    found = _KIND_AT_END.search(text.strip())
    return text.strip()[: found.start()].strip() if found else None
