"""How often somebody may try codes. Counted in Redis; where nobody can count, nobody may try."""

from __future__ import annotations

import hashlib

from django.core.cache import cache
from redis.exceptions import RedisError

# key of the window, seconds, most tries. A whole town may share one address of the mobile network, so the limit by
# address is loose: with 69 bits to guess it only has to keep the server free.
WRONG_OF_ADDRESS = (("short", 10 * 60, 20), ("long", 24 * 3600, 200))
TRIES_OF_CODE = (("code", 10 * 60, 30),)


class TooManyError(Exception):
    """Too many tries: `seconds` to wait, at most."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


class UncountedError(Exception):
    """The counter does not answer. The caller lets nobody in and says to try again later."""


def _key(kind: str, window: str, who: str) -> str:
    # hashed: neither a code nor an address lies readable in Redis, and no odd character reaches its protocol
    return f"resident-try:{kind}:{window}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"


def check(*, address: str, digest: str) -> None:
    """Count a try of the code with `digest`, and refuse it where the code or the address had too many.

    Raises TooManyError or UncountedError.
    """
    try:
        for window, seconds, most in WRONG_OF_ADDRESS:
            if int(cache.get(_key("address", window, address), 0)) >= most:
                raise TooManyError(seconds)
        for window, seconds, most in TRIES_OF_CODE:
            if _count("code", window, digest, seconds) > most:
                raise TooManyError(seconds)
    except RedisError as error:
        raise UncountedError from error


def wrong(*, address: str) -> None:
    """Count a wrong code against the address. Raises UncountedError."""
    try:
        for window, seconds, _most in WRONG_OF_ADDRESS:
            _count("address", window, address, seconds)
    except RedisError as error:
        raise UncountedError from error


def _count(kind: str, window: str, who: str, seconds: int) -> int:
    key = _key(kind, window, who)
    cache.add(key, 0, seconds)
    try:
        return int(cache.incr(key))
    except ValueError:  # the window ended between the two
        cache.set(key, 1, seconds)
        return 1
