"""Counting how often somebody without an account tries something. In Redis; where nobody can count, nobody may try."""

from __future__ import annotations

import hashlib

from django.core.cache import cache
from redis.exceptions import RedisError


class TooManyError(Exception):
    """Too many tries: `seconds` to wait, at most."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class UncountedError(Exception):
    """The counter does not answer. The caller lets nobody in and says to try again later."""


def _key(kind: str, who: str) -> str:
    # hashed: neither a code nor an address lies readable in Redis, and no odd character reaches its protocol
    return f"tries:{kind}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"


def count(kind: str, who: str, *, seconds: int) -> int:
    """Count one more try of `who` in the window that began with the first and lasts `seconds`; return the number.

    Raises UncountedError.
    """
    key = _key(kind, who)
    try:
        cache.add(key, 0, seconds)
        try:
            return int(cache.incr(key))
        except ValueError:  # the window ended between the two
            cache.set(key, 1, seconds)
            return 1
    except RedisError as error:
        raise UncountedError from error


def counted(kind: str, who: str) -> int:
    """Return the number of tries in the window that runs. Raises UncountedError."""
    try:
        return int(cache.get(_key(kind, who), 0))
    except RedisError as error:
        raise UncountedError from error


def demand(kind: str, who: str, *, seconds: int, most: int) -> None:
    """Count one more try and refuse it beyond `most`. Raises TooManyError or UncountedError."""
    if count(kind, who, seconds=seconds) > most:
        raise TooManyError(seconds)
