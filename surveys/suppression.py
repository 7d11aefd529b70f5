"""Which figures are not shown, so that no group of fewer than 10 respondents can be read off or worked out. Pure.

Two shapes are shown: a tree (the district, its townships, their villages; or a place and its parts by sex), and a table
of townships by parts whose margins are shown too. What is hidden in either cannot be computed from the rest:
tests/surveys/test_suppression.py solves the equations.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

MINIMUM = 10
K = TypeVar("K", bound=Hashable)
P = TypeVar("P", bound=Hashable)


def hidden(parts: Mapping[K, int], minimum: int = MINIMUM) -> frozenset[K]:
    """Return which of the parts of a shown whole are hidden: those too small, and as many of the smallest others as
    keep the hidden ones from being what the whole leaves. An empty part hides nobody."""
    gone = {key for key, n in parts.items() if 0 < n < minimum}
    others = sorted((key for key, n in parts.items() if n >= minimum), key=lambda key: (parts[key], str(key)))
    for key in others:
        if not gone or (len(gone) > 1 and sum(parts[one] for one in gone) >= minimum):
            break
        gone.add(key)
    return frozenset(gone)


def hidden_rows(
    table: Mapping[K, Mapping[P, int]],
    whole: Mapping[P, int],
    also: frozenset[K] = frozenset(),
    minimum: int = MINIMUM,
) -> frozenset[K]:
    """Return which rows of a table, whose sums down (`whole`) are shown, are hidden all along: all where the sums
    themselves hide something, otherwise those with a part too small, those whose own sum is hidden (`also`), and as
    many others as keep the hidden together large enough in every part."""
    if hidden(whole, minimum):
        return frozenset(table)
    filled = {key: row for key, row in table.items() if any(row.values())}
    gone = {key for key, row in filled.items() if key in also or any(0 < n < minimum for n in row.values())}
    others = sorted(filled.keys() - gone, key=lambda key: (sum(filled[key].values()), str(key)))
    for key in others:
        if not gone or (len(gone) > 1 and not _small_together(gone, filled, minimum)):
            break
        gone.add(key)
    return frozenset(gone)


def _small_together(gone: set[K], table: Mapping[K, Mapping[P, int]], minimum: int) -> bool:
    sums: dict[P, int] = {}
    for key in gone:
        for part, n in table[key].items():
            sums[part] = sums.get(part, 0) + n
    return any(0 < n < minimum for n in sums.values())
