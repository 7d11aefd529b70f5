"""The resident's code: drawn at random, easy to read aloud, with a check character; kept so that a copied database
gives none away. A leaf module: docs/decisions/0018-resident-codes.md gives the reasons.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import unicodedata
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

# Without 0 and O, 1, I and L. A prime number of them: then the weighted sum below finds every wrong character and
# every two that changed places.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
BASE = len(ALPHABET)
RANDOM_CHARACTERS = 14  # 69 bits
LENGTH = RANDOM_CHARACTERS + 1
GROUP = 5
MAX_TYPED = 60
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def make() -> str:
    """Draw a new code, without the hyphens it is printed with."""
    drawn = "".join(secrets.choice(ALPHABET) for _count in range(RANDOM_CHARACTERS))
    return drawn + check_character(drawn)


def check_character(body: str) -> str:
    """Return the character that brings the sum of place × value to zero, modulo BASE."""
    total = sum(place * _VALUES[character] for place, character in enumerate(body, 1))
    return ALPHABET[-total * pow(LENGTH, -1, BASE) % BASE]


def is_valid(code: str) -> bool:
    """Could `code` (as `clean` returns it) have been given out?"""
    if len(code) != LENGTH or any(character not in _VALUES for character in code):
        return False
    return check_character(code[:-1]) == code[-1]


def clean(typed: str) -> str:
    """Return what somebody typed as a code: full-width, small, with spaces or hyphens of any kind, all the same.

    What cannot be a code comes back too, for `is_valid` to refuse; never longer than MAX_TYPED.
    """
    folded = unicodedata.normalize("NFKC", typed[:MAX_TYPED]).upper()
    return "".join(character for character in folded if character.isalnum())[:MAX_TYPED]


def spoken(code: str) -> str:
    """Return a code in groups, as it is printed: ABCDE-FGHJK-MNPQR."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


@lru_cache(maxsize=1)
def _keys(secret: str) -> tuple[AESGCM, bytes]:
    """Derive two keys from the long-lived secret; its other uses (households/idnumber.py) derive others."""
    sealing = hmac.digest(secret.encode(), b"resident code sealing v1", "sha256")
    return AESGCM(sealing), hmac.digest(secret.encode(), b"resident code digest v1", "sha256")


def digest(code: str) -> str:
    """Return the keyed digest by which a code is found (64 hex digits)."""
    return hmac.digest(_keys(settings.ID_NUMBER_KEY)[1], code.encode(), "sha256").hex()


def seal(code: str) -> str:
    """Return `code` encrypted, for printing it again."""
    nonce = os.urandom(12)
    return base64.b64encode(nonce + _keys(settings.ID_NUMBER_KEY)[0].encrypt(nonce, code.encode(), None)).decode()


def unseal(sealed: str) -> str:
    """Undo `seal`. Raises ValueError where the key is another or the text was changed."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        return _keys(settings.ID_NUMBER_KEY)[0].decrypt(raw[:12], raw[12:], None).decode()
    except InvalidTag as error:
        raise ValueError("sealed with another key, or changed") from error
