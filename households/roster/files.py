"""The uploaded workbooks, kept encrypted: they hold every ID number in plain text."""

from __future__ import annotations

import hmac
import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from households.models import RosterImport

CHUNK = 1 << 20
MAGIC = b"ROSTER1\n"


@lru_cache(maxsize=1)
def _cipher(secret: str) -> AESGCM:
    return AESGCM(hmac.digest(secret.encode(), b"roster file encryption v1", "sha256"))


def encrypt_to(chunks: Iterable[bytes], target: IO[bytes]) -> None:
    """Write `chunks` to `target` under AES-256-GCM, piece by piece; each piece's place and the end are sealed too."""
    cipher = _cipher(settings.ID_NUMBER_KEY)
    prefix = os.urandom(8)
    target.write(MAGIC + prefix)
    buffer = b""
    position = 0
    for chunk in chunks:
        buffer += chunk
        while len(buffer) > CHUNK:
            target.write(_seal(cipher, prefix, position, buffer[:CHUNK], last=False))
            buffer = buffer[CHUNK:]
            position += 1
    target.write(_seal(cipher, prefix, position, buffer, last=True))


def _seal(cipher: AESGCM, prefix: bytes, position: int, data: bytes, *, last: bool) -> bytes:
    sealed = cipher.encrypt(prefix + struct.pack(">I", position), data, b"last" if last else b"more")
    return struct.pack(">I?", len(sealed), last) + sealed


def decrypt_to(source: IO[bytes], target: IO[bytes]) -> None:
    """Undo `encrypt_to`. Raises ValueError where the file was changed, cut off, or written under another key."""
    cipher = _cipher(settings.ID_NUMBER_KEY)
    if source.read(len(MAGIC)) != MAGIC:
        raise ValueError("not an encrypted roster")
    prefix = source.read(8)
    position = 0
    while True:
        header = source.read(5)
        if len(header) < 5:
            raise ValueError("the encrypted roster is cut off")
        length, last = struct.unpack(">I?", header)
        try:
            nonce = prefix + struct.pack(">I", position)
            target.write(cipher.decrypt(nonce, source.read(length), b"last" if last else b"more"))
        except InvalidTag:
            raise ValueError("the encrypted roster was changed, or the key is another") from None
        if last:
            return
        position += 1


@contextmanager
def plain_copy(roster_import: RosterImport) -> Iterator[Path]:
    """Give the path of a decrypted copy of the import's file, readable by this user alone, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="roster-") as folder:
        path = Path(folder) / ("roster" + Path(roster_import.filename).suffix.lower()[:6])
        with roster_import.file.open("rb") as source, path.open("wb") as target:
            decrypt_to(source, target)
        yield path
