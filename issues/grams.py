"""Pairs of neighbouring characters: by them a text is searched and compared, for Chinese has no spaces between words.

The database's own function `search_grams` (migration 0006) gives the same pairs, and a GIN index keeps them.
"""

from __future__ import annotations

import re

from django.contrib.postgres.fields import ArrayField
from django.db import models

NOISE = re.compile(r"[\W_]+")


class Grams(models.Func):
    """`search_grams(text)`: every pair of neighbouring characters, in lower case, and the last character alone."""

    function = "search_grams"
    arity = 1
    output_field = ArrayField(models.TextField())


def pairs(text: str) -> list[str]:
    """Return the pairs of `text` as the index has them: what a text must contain to contain `text`."""
    low = text.lower()
    return list(dict.fromkeys(low[at : at + 2] for at in range(len(low) - 1)))


def shape(text: str) -> frozenset[str]:
    """Return the pairs of `text` without punctuation and spaces: what two texts are compared by."""
    return frozenset(pairs(NOISE.sub("", text)))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return how alike two shapes are, 0 to 1: shared pairs by all pairs, or by those of the shorter text where it is
    much shorter, for one resident says in four words what another says in forty."""
    if not one or not other:
        return 0.0
    shared = len(one & other)
    short, long = sorted((len(one), len(other)))
    return max(shared / (short + long - shared), 0.8 * shared / short if short >= 3 else 0.0)
