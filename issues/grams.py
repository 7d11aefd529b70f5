"""Pairs of neighbouring characters: by them a text is searched and compared, for Chinese has no spaces between words.

The database's function `search_grams` (migration 0007) gives the pairs and the single characters; a GIN index has them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.contrib.postgres.fields import ArrayField
from django.db import models

NOISE = re.compile(r"[\W_]+")


class Grams(models.Func):
    """`search_grams(text)`: every character and every pair of neighbouring characters, in lower case."""

    function = "search_grams"
    arity = 1
    output_field = ArrayField(models.TextField())


def pieces(words: str) -> list[str]:
    """Return the pairs that make up `words`, or the one character they are: a text that has the words has all these.

    Each character once where that can be: overlapping pairs would let the planner think the words rarer than they are.
    """
    low = words.lower()
    cut = [low[at : at + 2] for at in range(0, len(low) - 1, 2)]
    return [*cut, low[-2:]] if len(low) % 2 else cut


@lru_cache(maxsize=4_096)
def shape(text: str) -> frozenset[str]:
    """Return the pairs of `text` without punctuation and spaces: what two texts are compared by. Kept for a few
    townships: while one issue is typed it is compared again and again, mostly with the same."""
    plain = NOISE.sub("", text).lower()
    return frozenset(plain[at : at + 2] for at in range(len(plain) - 1))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return how alike two shapes are, 0 to 1: shared pairs by all pairs, or by those of the shorter text where it is
    much shorter, for one resident says in four words what another says in forty."""
    if not one or not other:
        return 0.0
    shared = len(one & other)
    short, long = sorted((len(one), len(other)))
    return max(shared / (short + long - shared), 0.8 * shared / short if short >= 3 else 0.0)
