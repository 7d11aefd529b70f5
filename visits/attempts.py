"""From the attempts at a door to the state of the duty: pure, and the same in whatever order the attempts arrive.

Phones send late and out of order, so nothing here looks at when a visit was received.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from outreach import calendar


class Outcome(models.TextChoices):
    """What came of knocking at a door (domain.md §2)."""

    MET = "met", _("met")
    PARTLY_MET = "partly_met", _("met, not finished")
    COME_BACK = "come_back", _("asked to come back")
    REFUSED = "refused", _("refused")
    NOBODY_HOME = "nobody_home", _("nobody home")
    AWAY_LONG = "away_long", _("away for long or empty")
    MOVED = "moved", _("moved or no such household")
    NO_ACCESS = "no_access", _("no access")
    LEAFLET_LEFT = "leaflet_left", _("leaflet left only")


class TimeBand(models.TextChoices):
    """The part of the day; a household must be tried in at least two before it may be called unreachable."""

    MORNING = "morning", _("morning (before 12:00)")
    AFTERNOON = "afternoon", _("afternoon (12:00–18:00)")
    EVENING = "evening", _("evening (after 18:00)")


class State(models.TextChoices):
    """Where the duty to visit a household stands."""

    TO_VISIT = "to_visit", _("to visit")
    MAKE_UP = "make_up", _("make-up visit")
    TO_CONFIRM = "to_confirm", _("to be confirmed")
    MET = "met", _("met")
    REFUSED = "refused", _("refused")
    UNREACHABLE = "unreachable", _("unreachable, confirmed")
    OFF_ROSTER = "off_roster", _("empty or moved")


MET_OUTCOMES = frozenset({Outcome.MET, Outcome.PARTLY_MET})
# Outcomes that ask for another attempt; "leaflet left" is no visit at all, so it asks too.
MAKE_UP_OUTCOMES = frozenset(
    {Outcome.PARTLY_MET, Outcome.COME_BACK, Outcome.NOBODY_HOME, Outcome.NO_ACCESS, Outcome.LEAFLET_LEFT}
)
# Outcomes that say the household does not live there: somebody above the visitor confirms it.
GONE_OUTCOMES = frozenset({Outcome.AWAY_LONG, Outcome.MOVED})
# Attempts that prove a household cannot be reached: somebody knocked in earnest and met nobody.
FRUITLESS_OUTCOMES = frozenset({Outcome.NOBODY_HOME, Outcome.NO_ACCESS, Outcome.AWAY_LONG})

# Most people missed in the daytime are at home in the evening.
BANDS_BY_PROMISE = (TimeBand.EVENING, TimeBand.MORNING, TimeBand.AFTERNOON)


@dataclass(frozen=True)
class Attempt:
    """One visit, as far as the duty is concerned. `valid`: its outcome counts by the standard of its moment."""

    uuid: UUID
    outcome: str
    visited_at: datetime
    valid: bool = False
    makeup_workdays: int = 5
    appointment_at: datetime | None = None


@dataclass(frozen=True)
class Decisions:
    """What people above the visitor decided about the household, and when it is best to call."""

    best_time: str = ""
    is_off_roster: bool = False
    is_unreachable: bool = False
    recheck_at: datetime | None = None
    recheck_due_on: date | None = None


@dataclass(frozen=True)
class RollUp:
    """The duty's columns, field by field; `counted` names the one visit that counts."""

    state: str
    attempts: int = 0
    last_outcome: str = ""
    last_visit_at: datetime | None = None
    covered_on: date | None = None
    met_on: date | None = None
    due_on: date | None = None
    suggested_band: str = ""
    appointment_at: datetime | None = None
    counted: UUID | None = None


def band_of(moment: datetime) -> TimeBand:
    """Return the part of the day, by the clock of the district."""
    hour = timezone.localtime(moment).hour
    return TimeBand.MORNING if hour < 12 else TimeBand.AFTERNOON if hour < 18 else TimeBand.EVENING


def day_of(moment: datetime) -> date:
    """Return the day, by the clock of the district."""
    return timezone.localtime(moment).date()


def better_band(tried: Iterable[TimeBand], best_time: str) -> TimeBand:
    """Return the part of the day to try next: the household's own best time, else one not tried yet, else the one
    tried least."""
    counts = Counter(tried)
    order = sorted(BANDS_BY_PROMISE, key=lambda band: (band != best_time, BANDS_BY_PROMISE.index(band)))
    return min(order, key=lambda band: counts[band])


def roll_up(
    attempts: Iterable[Attempt], decisions: Decisions, calendar_table: Mapping[date, bool] | None = None
) -> RollUp:
    """Compute the duty's state from all attempts of one household in one campaign.

    Any order of `attempts` gives the same answer, and so does asking again. A household that was met stays met
    whatever was decided before or happens after. `calendar_table` is calendar.overrides(); None reads it.
    """
    visits = sorted(attempts, key=lambda attempt: (attempt.visited_at, attempt.uuid))
    outcomes = {visit.outcome for visit in visits}
    counted = next((visit for visit in visits if visit.valid), None)
    first_met = next((visit for visit in visits if visit.outcome in MET_OUTCOMES), None)
    last = visits[-1] if visits else None
    state, due_on, band, appointment = State.TO_VISIT, None, "", None
    if last is not None:
        appointment = last.appointment_at
        recheck = decisions.recheck_at is not None and decisions.recheck_at >= last.visited_at
        if Outcome.MET in outcomes:
            state = State.MET
        elif decisions.is_off_roster:
            state = State.OFF_ROSTER
        elif decisions.is_unreachable and first_met is None:
            state = State.UNREACHABLE
        elif last.outcome in MAKE_UP_OUTCOMES or (last.outcome in GONE_OUTCOMES and recheck):
            state = State.MAKE_UP
        elif last.outcome in GONE_OUTCOMES:
            state = State.TO_CONFIRM
        else:
            state = State.MET if first_met else State.REFUSED
        if state == State.MAKE_UP:
            if last.outcome in GONE_OUTCOMES:
                due_on = decisions.recheck_due_on
            elif appointment:
                due_on = day_of(appointment)
            if due_on is None:
                due_on = calendar.add_workdays(day_of(last.visited_at), last.makeup_workdays, calendar_table)
            tried = (band_of(visit.visited_at) for visit in visits if visit.outcome not in MET_OUTCOMES)
            band = band_of(appointment) if appointment else better_band(tried, decisions.best_time)
    elif decisions.is_off_roster:
        state = State.OFF_ROSTER
    return RollUp(
        state=state,
        attempts=len(visits),
        last_outcome=last.outcome if last else "",
        last_visit_at=last.visited_at if last else None,
        covered_on=day_of(counted.visited_at) if counted else None,
        met_on=day_of(first_met.visited_at) if first_met else None,
        due_on=due_on,
        suggested_band=band,
        appointment_at=appointment,
        counted=counted.uuid if counted else None,
    )
