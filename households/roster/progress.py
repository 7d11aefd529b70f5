"""How far a worker is: in the cache, because what a transaction writes shows to nobody before its end."""

from __future__ import annotations

from django.core.cache import cache

KEEP_SECONDS = 3600


def report(import_id: int, percent: int) -> None:
    """Note that the import's worker is at `percent`."""
    cache.set(f"roster-progress:{import_id}", percent, KEEP_SECONDS)


def of(import_id: int) -> int:
    """Return the last percentage noted, 0 where none is."""
    return int(cache.get(f"roster-progress:{import_id}", 0))
