"""The district's own survey as an indicator: what the last ended round of a campaign came to, for each unit.

A figure that was entered and approved for the unit and period stands before it. What is hidden on the pages of results
is no reading either. `cases` are the respondents, or fewer where the design makes them tell as little as fewer: so the
interval of a score is never too narrow, and a scheme's least number of cases is a number of respondents.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from outreach.models import Campaign, Unit
from reports.indicators import HUNDREDTH
from reports.scoreboard import Reading
from surveys import moments, results, suppression
from surveys.models import Round

INDICATOR = "survey_score"


def last_round(campaign: Campaign, first: date | None, last: date) -> Round | None:
    """Return the round whose score counts: the campaign's last one that ended, its last day within the days given."""
    rows = Round.objects.filter(campaign=campaign, state=Round.State.CLOSED, ends_on__lte=last)
    if first is not None:
        rows = rows.filter(ends_on__gte=first)
    return rows.select_related("version", "district").order_by("-ends_on", "-pk").first()


def read(campaign: Campaign, *, first: date | None, last: date, units: Sequence[Unit]) -> dict[str, Reading]:
    """Return unit code → reading of the survey score, of the townships and villages among `units`. Two queries."""
    survey_round = last_round(campaign, first, last)
    measure = None if survey_round is None else results.measures(survey_round.version.parsed).get("score")
    if survey_round is None or measure is None:
        return {}
    counts = results.read_whole(survey_round, measure)
    if counts.is_hidden(measure):
        return {}
    shown = _shown(counts, measure, counts.district)
    for code in [code for code in shown if len(code) == 9]:
        shown |= _shown(counts, measure, code)
    found = {}
    for unit in units:
        estimate = counts.estimate(measure, unit.code) if unit.code in shown else None
        if estimate is not None:
            found[unit.code] = reading_of(estimate)
    return found


def _shown(counts: results.Counts, measure: results.Measure, place: str) -> set[str]:
    parts = counts.children(measure, place)
    gone: frozenset[str] = suppression.hidden(parts)
    return {code for code, n in parts.items() if code and n} - gone


def reading_of(estimate: moments.Estimate) -> Reading:
    """Return a score as a rate: its value in percent, and the cases that make a rate's interval no narrower than it."""
    share = min(1.0, max(0.0, estimate.value))
    cases = float(estimate.n)
    if 0 < share < 1 and estimate.variance > 0:
        cases = min(cases, share * (1 - share) / estimate.variance)
    denominator = Decimal(cases).quantize(HUNDREDTH, ROUND_HALF_UP)
    value = (100 * Decimal(share)).quantize(HUNDREDTH, ROUND_HALF_UP)
    return Reading((value * denominator / 100).quantize(HUNDREDTH, ROUND_HALF_UP), denominator, value)
