"""Resident ID numbers: encrypted at rest, found again by a fingerprint, shown masked."""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterator
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings


@lru_cache(maxsize=1)
def _keys(secret: str) -> tuple[AESGCM, bytes]:
    """Derive the two keys from the one secret: never the same key for two purposes."""
    encryption = hmac.digest(secret.encode(), b"id number encryption v1", "sha256")
    fingerprint = hmac.digest(secret.encode(), b"id number fingerprint v1", "sha256")
    return AESGCM(encryption), fingerprint


def encrypt(number: str) -> str:
    """Return `number` under AES-256-GCM with a fresh nonce, base64; "" stays ""."""
    if not number:
        return ""
    nonce = os.urandom(12)
    return base64.b64encode(nonce + _keys(settings.ID_NUMBER_KEY)[0].encrypt(nonce, number.encode(), None)).decode()


class Sealer:
    """`encrypt` and `fingerprint` for many numbers at once: keys looked up once, nonces drawn by the thousand.

    Make one for each batch and drop it: two processes that shared one would repeat nonces.
    """

    def __init__(self) -> None:
        self._cipher, self._fingerprint_key = _keys(settings.ID_NUMBER_KEY)
        self._nonces: Iterator[bytes] = iter(())

    def encrypt(self, number: str) -> str:
        """As `encrypt`; "" stays ""."""
        if not number:
            return ""
        nonce = next(self._nonces, None)
        if nonce is None:
            block = os.urandom(12 * 1000)
            self._nonces = iter([block[at : at + 12] for at in range(0, len(block), 12)])
            nonce = next(self._nonces)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, number.encode(), None)).decode()

    def fingerprint(self, number: str) -> str:
        """As `fingerprint`; "" for ""."""
        return hmac.digest(self._fingerprint_key, number.encode(), "sha256").hex()[:32] if number else ""


def decrypt(stored: str) -> str:
    """Undo `encrypt`. Raises cryptography.exceptions.InvalidTag where the key is another or the text was changed."""
    if not stored:
        return ""
    raw = base64.b64decode(stored)
    return _keys(settings.ID_NUMBER_KEY)[0].decrypt(raw[:12], raw[12:], None).decode()


def fingerprint(number: str) -> str:
    """Return the HMAC by which a number is found again (32 hex digits); "" for ""."""
    if not number:
        return ""
    return hmac.digest(_keys(settings.ID_NUMBER_KEY)[1], number.encode(), hashlib.sha256).hex()[:32]


def mask(number: str) -> str:
    """Return 439900********1234: the area and the last four; "" for ""."""
    return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}" if len(number) > 10 else "*" * len(number)
