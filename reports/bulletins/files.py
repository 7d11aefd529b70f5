"""The files of issued bulletins, each under the hash of its content: nobody can change one without it showing."""

from __future__ import annotations

import hashlib

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

FOLDER = "bulletins"


class ChangedFileError(Exception):
    """A kept file is gone or no longer what was issued."""


def keep(content: bytes) -> str:
    """Store `content` and return its SHA-256, hex. Storing the same again changes nothing."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"{FOLDER}/{digest}"
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))
    return digest


def kept(digest: str) -> bytes:
    """Return the content that was stored as `digest`. Raises ChangedFileError."""
    try:
        with default_storage.open(f"{FOLDER}/{digest}") as file:
            content: bytes = file.read()
    except FileNotFoundError as error:
        raise ChangedFileError(digest) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ChangedFileError(digest)
    return content
