"""How far a worker is: in the cache, because what a transaction writes shows to nobody before its end."""

from __future__ import annotations

from contextlib import suppress

from django.core.cache import cache
from redis.exceptions import RedisError

KEEP_SECONDS = 3600


def report(import_id: int, percent: int) -> None:
    """Note that the import's worker is at `percent`."""
    with suppress(RedisError):  # the work itself does not need the cache
        cache.set(f"roster-progress:{import_id}", percent, KEEP_SECONDS)


def of(import_id: int) -> int:
    """Return the last percentage noted, 0 where none is or the cache does not answer."""
    try:
        return int(cache.get(f"roster-progress:{import_id}", 0))
    except RedisError:
        return 0
