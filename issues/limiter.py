"""How often somebody may try residents' codes."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from outreach.limits import TooManyError, UncountedError, count, counted, demand

__all__ = [
    "TRIES_OF_CODE",
    "WRONG_OF_ADDRESS",
    "TooManyError",
    "UncountedError",
    "check",
    "check_clue",
    "clue_number",
    "keep_clue_number",
    "wrong",
]

# name of the window, seconds, most tries. A whole town may share one address of the mobile network, so the limit by
# address is loose: with 69 bits to guess it only has to keep the server free.
WRONG_OF_ADDRESS = (("short", 10 * 60, 20), ("long", 24 * 3600, 200))
TRIES_OF_CODE = (("code", 10 * 60, 30),)
# Clues handed in without login. Loose by address too; the limit for all keeps the register readable under a flood.
CLUE_SECONDS, CLUES_OF_ADDRESS, CLUES_OF_ALL = 3600, 10, 200


def check(*, address: str, digest: str) -> None:
    """Count a try of the code with `digest`, and refuse it where the code or the address had too many.

    Raises TooManyError or UncountedError.
    """
    for window, seconds, most in WRONG_OF_ADDRESS:
        if counted(f"resident-address-{window}", address) >= most:
            raise TooManyError(seconds)
    for window, seconds, most in TRIES_OF_CODE:
        demand(f"resident-code-{window}", digest, seconds=seconds, most=most)


def wrong(*, address: str) -> None:
    """Count a wrong code against the address. Raises UncountedError."""
    for window, seconds, _most in WRONG_OF_ADDRESS:
        count(f"resident-address-{window}", address, seconds=seconds)


def check_clue(*, address: str) -> None:
    """Count a clue handed in without login, and refuse it where this address or all together sent too many.

    The address is hashed with the site's secret and gone after an hour: it must not lead to who sent a clue. Raises
    TooManyError or UncountedError.
    """
    scrambled = hmac.new(settings.SECRET_KEY.encode(), address.encode(), hashlib.sha256).hexdigest()
    demand("clue-address", scrambled, seconds=CLUE_SECONDS, most=CLUES_OF_ADDRESS)
    demand("clue-all", "everybody", seconds=CLUE_SECONDS, most=CLUES_OF_ALL)


def clue_number(token: str) -> str:
    """Return the number of the clue that was sent with this form already, or "". Raises UncountedError."""
    try:
        return str(cache.get(_token_key(token), ""))
    except RedisError as error:
        raise UncountedError from error


def keep_clue_number(token: str, number: str) -> None:
    """Remember for an hour what a form was answered with, so that sending it again hands in nothing new."""
    with suppress(RedisError):  # the clue is kept: a second copy is the smaller harm
        cache.set(_token_key(token), number, CLUE_SECONDS)


def _token_key(token: str) -> str:
    return f"clue-token:{hashlib.sha256(token.encode()).hexdigest()[:32]}"
