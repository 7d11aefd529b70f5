"""Clues about conduct: the states and steps, and the sealing of what was said. A leaf module: it knows no models."""

from __future__ import annotations

import base64
import hmac
import json
import os
from dataclasses import asdict, dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """All that whoever handed a clue in is told afterwards."""

    RECEIVED = "received", _("received")
    LOOKING = "looking", _("being looked into")
    CONCLUDED = "concluded", _("concluded")
    REFUSED = "refused", _("not accepted")


@dataclass(frozen=True)
class Step:
    """What the discipline office may do. `target` None: the state stays. `fields` are those its form asks for; all of
    them are compulsory and are sealed."""

    name: str
    label: str | Promise
    sources: tuple[State, ...]
    target: State | None
    fields: tuple[str, ...] = ("note",)


STEPS = (
    Step("look", _("Look into it"), (State.RECEIVED, State.REFUSED, State.CONCLUDED), State.LOOKING),
    Step("note", _("Write an internal note"), tuple(State), None),
    Step(
        "hand_over",
        _("Hand over to another body"),
        (State.RECEIVED, State.LOOKING),
        State.LOOKING,
        ("to_whom", "document_number", "note"),
    ),
    Step("conclude", _("Conclude"), (State.LOOKING,), State.CONCLUDED),
    Step("refuse", _("Do not accept"), (State.RECEIVED, State.LOOKING), State.REFUSED),
)
BY_NAME = {step.name: step for step in STEPS}


@dataclass(frozen=True)
class Content:
    """What is sealed: the account, about whom, where and when, how to reach who told it, where it came up."""

    text: str
    about: str = ""
    occurred: str = ""
    contact: str = ""
    source: str = ""


@lru_cache(maxsize=1)
def _key(secret: str) -> AESGCM:
    """Derive the key from the one secret: never the same key for two purposes."""
    return AESGCM(hmac.digest(secret.encode(), b"clue encryption v1", "sha256"))


def seal(content: Content | dict[str, str], number: str) -> str:
    """Return `content` under AES-256-GCM with a fresh nonce, base64. The clue's number is bound in: a row's content
    moved to another row does not open."""
    nonce = os.urandom(12)
    values = asdict(content) if isinstance(content, Content) else content
    plain = json.dumps(values, ensure_ascii=False).encode()
    return base64.b64encode(nonce + _key(settings.ID_NUMBER_KEY).encrypt(nonce, plain, number.encode())).decode()


def unseal(sealed: str, number: str) -> dict[str, str]:
    """Undo `seal`. Raises cryptography.exceptions.InvalidTag where the key is another or the row was altered."""
    raw = base64.b64decode(sealed)
    opened = json.loads(_key(settings.ID_NUMBER_KEY).decrypt(raw[:12], raw[12:], number.encode()))
    return {str(key): str(value) for key, value in opened.items()}
