"""How often somebody may try codes. Counted in Redis; where nobody can count, nobody may try."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

# key of the window, seconds, most tries. A whole town may share one address of the mobile network, so the limit by
# address is loose: with 69 bits to guess it only has to keep the server free.
WRONG_OF_ADDRESS = (("short", 10 * 60, 20), ("long", 24 * 3600, 200))
TRIES_OF_CODE = (("code", 10 * 60, 30),)
# Clues handed in without login. Loose by address too; the limit for all keeps the register readable under a flood.
CLUE_SECONDS, CLUES_OF_ADDRESS, CLUES_OF_ALL = 3600, 10, 200


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


def check_clue(*, address: str) -> None:
    """Count a clue handed in without login, and refuse it where this address or all together sent too many.

    The address is hashed with the site's secret and gone after an hour: it must not lead to who sent a clue. Raises
    TooManyError or UncountedError.
    """
    scrambled = hmac.new(settings.SECRET_KEY.encode(), address.encode(), hashlib.sha256).hexdigest()
    try:
        for who, most in ((scrambled, CLUES_OF_ADDRESS), ("everybody", CLUES_OF_ALL)):
            if _count("clue", "hour", who, CLUE_SECONDS) > most:
                raise TooManyError(CLUE_SECONDS)
    except RedisError as error:
        raise UncountedError from error


def clue_number(token: str) -> str:
    """Return the number of the clue that was sent with this form already, or "". Raises UncountedError."""
    try:
        return str(cache.get(_key("clue", "token", token), ""))
    except RedisError as error:
        raise UncountedError from error


def keep_clue_number(token: str, number: str) -> None:
    """Remember for an hour what a form was answered with, so that sending it again hands in nothing new."""
    with suppress(RedisError):  # the clue is kept: a second copy is the smaller harm
        cache.set(_key("clue", "token", token), number, CLUE_SECONDS)


def _count(kind: str, window: str, who: str, seconds: int) -> int:
    key = _key(kind, window, who)
    cache.add(key, 0, seconds)
    try:
        return int(cache.incr(key))
    except ValueError:  # the window ended between the two
        cache.set(key, 1, seconds)
        return 1
