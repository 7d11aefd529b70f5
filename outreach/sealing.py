"""Secrets of channels (webhook addresses, passwords of gateways): encrypted at rest, never shown again."""

from __future__ import annotations

import base64
import hmac
import json
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings


class UnreadableSecretError(Exception):
    """What was sealed cannot be opened: the key is another, or the text was changed."""


@lru_cache(maxsize=1)
def _cipher(secret: str) -> AESGCM:
    """Derive the key from ID_NUMBER_KEY; the label keeps it apart from the keys of ID numbers."""
    return AESGCM(hmac.digest(secret.encode(), b"channel secret encryption v1", "sha256"))


def seal(values: dict[str, Any]) -> str:
    """Return `values` (JSON) under AES-256-GCM with a fresh nonce, base64."""
    nonce = os.urandom(12)
    text = json.dumps(values, ensure_ascii=False).encode()
    return base64.b64encode(nonce + _cipher(settings.ID_NUMBER_KEY).encrypt(nonce, text, None)).decode()


def unseal(stored: str) -> dict[str, Any]:
    """Undo `seal`; "" gives {}. Raises UnreadableSecretError."""
    if not stored:
        return {}
    try:
        raw = base64.b64decode(stored, validate=True)
        opened: dict[str, Any] = json.loads(_cipher(settings.ID_NUMBER_KEY).decrypt(raw[:12], raw[12:], None))
    except (InvalidTag, ValueError) as error:
        raise UnreadableSecretError("sealed with another key") from error
    return opened


def mask(secret: str) -> str:
    """Return •••• and the last four characters; of a short one nothing but the dots."""
    return f"••••{secret[-4:]}" if len(secret) >= 12 else "••••" if secret else ""
