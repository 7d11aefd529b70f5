"""How far a round has come: answers by township against what is wanted. Pure, but for the count.

A place with fewer than LEAST answers shows no figure; where one place alone would be hidden, the next smallest is
hidden too, so that nobody works it out from the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count
from django.db.models.functions import Substr

from outreach.models import Unit
from surveys.models import Response, Round

LEAST = 10


@dataclass(frozen=True, slots=True)
class PlaceProgress:
    """A township's answers: `count` None where too few have come to be shown."""

    unit: Unit
    count: int | None
    wanted: int


def count_by_township(survey_round: Round) -> dict[str, int]:
    """Return the answers stored, by the township's code ("" where only the district is known)."""
    rows = (
        Response.objects.filter(round=survey_round)
        .annotate(township=Substr("unit__code", 1, 9))
        .values("township")
        .annotate(count=Count("pk"))
        .values_list("township", "count")
    )
    found: dict[str, int] = {}
    for code, count in rows:
        key = code if len(code) == 9 else ""
        found[key] = found.get(key, 0) + count
    return found


def hidden(counts: Mapping[str, int]) -> set[str]:
    """Return the keys whose counts must not be shown. A place without any answer counts as one with few."""
    few = {key for key, count in counts.items() if count < LEAST}
    others = sorted((count, key) for key, count in counts.items() if key not in few)
    # one hidden count, or several that are all nought, follow from the total
    while few and others and (len(few) == 1 or sum(counts[key] for key in few) < LEAST):
        few.add(others.pop(0)[1])
    return few


def progress(townships: Sequence[Unit], counts: Mapping[str, int], target: int) -> list[PlaceProgress]:
    """Return each township's progress, in the order given; the answers wanted are shared out evenly, rounded up."""
    all_counts = {"": 0, **{unit.code: 0 for unit in townships}} | dict(counts)
    if not all_counts[""]:
        del all_counts[""]
    few = hidden(all_counts)
    wanted = -(-target // len(townships)) if townships else 0
    return [PlaceProgress(unit, None if unit.code in few else all_counts[unit.code], wanted) for unit in townships]
