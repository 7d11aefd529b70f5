"""Photos on their way: a phone sends them apart from the visit, piece by piece, and goes on where it broke off.

A file under MEDIA_ROOT for each sender and content; it becomes evidence only with the visit that names its SHA-256, and
is swept after two weeks without one.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from django.conf import settings

from visits.payload import MAX_PHOTO

KEEP_SECONDS = 14 * 24 * 3600
MAX_WAITING = 60  # photos of one sender; the outbox of a phone holds fewer


class PieceError(ValueError):
    """A piece that does not fit: `have` is where to go on, `code` says why."""

    def __init__(self, code: str, have: int) -> None:
        super().__init__(code)
        self.code, self.have = code, have


def _folder(user: int) -> Path:
    return Path(settings.MEDIA_ROOT) / "phone-photos" / str(user)


def _whole(user: int, digest: str) -> Path:
    return _folder(user) / f"{digest}.jpg"


def _part(user: int, digest: str) -> Path:
    return _folder(user) / f"{digest}.part"


def have(*, user: int, digest: str) -> tuple[int, bool]:
    """Return how many bytes have arrived, and whether these are all. `digest`: 64 hex digits."""
    whole, part = _whole(user, digest), _part(user, digest)
    if whole.exists():
        return whole.stat().st_size, True
    return (part.stat().st_size, False) if part.exists() else (0, False)


def add_piece(*, user: int, digest: str, offset: int, piece: bytes, is_last: bool) -> tuple[int, bool]:
    """Append a piece at `offset` and return (bytes there are, complete). What is there already is passed over.

    Raises PieceError: `gap` where pieces before it are missing, `too_big`, `too_many`, or `wrong_content` where the
    last piece makes another content than the digest says (all of it is then thrown away).
    """
    size, is_complete = have(user=user, digest=digest)
    if is_complete:
        return size, True
    folder = _folder(user)
    if size == 0 and folder.exists() and sum(1 for _file in folder.iterdir()) >= MAX_WAITING:
        raise PieceError("too_many", 0)
    if offset > size:
        raise PieceError("gap", size)
    if offset + len(piece) > MAX_PHOTO:
        raise PieceError("too_big", size)
    part = _part(user, digest)
    folder.mkdir(parents=True, exist_ok=True)
    with part.open("ab") as file:
        file.write(piece[size - offset :])
    size = part.stat().st_size
    if not is_last:
        return size, False
    if hashlib.sha256(part.read_bytes()).hexdigest() != digest:
        part.unlink()
        raise PieceError("wrong_content", 0)
    part.replace(_whole(user, digest))
    return size, True


def read(*, user: int, digest: str) -> bytes | None:
    """Return a photo that has arrived whole; None where it has not."""
    whole = _whole(user, digest)
    return whole.read_bytes() if whole.exists() else None


def forget(*, user: int, digest: str) -> None:
    """Drop a photo that became evidence."""
    _whole(user, digest).unlink(missing_ok=True)


def sweep() -> int:
    """Drop what no visit has named for two weeks; returns how many."""
    root, dropped = Path(settings.MEDIA_ROOT) / "phone-photos", 0
    for file in root.glob("*/*"):
        if file.stat().st_mtime < time.time() - KEEP_SECONDS:
            file.unlink(missing_ok=True)
            dropped += 1
    return dropped
