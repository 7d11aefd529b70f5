"""Pinyin initials, by which people search names on a phone: 张三 → zs."""

import os
from functools import lru_cache

# Its table of phrases takes 60 MB and half a second in every process; single characters do not need it.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")

from pypinyin import Style, pinyin


@lru_cache(maxsize=20_000)
def _initial(character: str) -> str:
    return pinyin(character, style=Style.FIRST_LETTER, errors="default")[0][0][:1].lower()


def initials(text: str) -> str:
    """Return the pinyin initials of `text`, character by character; letters and digits stand for themselves."""
    if text.isalnum():
        return "".join(map(_initial, text))
    return "".join(_initial(character) for character in text if character.isalnum())
