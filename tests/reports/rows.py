"""Rows to count: each function writes one thing straight into the tables, as imports and corrections may."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta

from django.utils import timezone

from households.models import Household
from issues.models import Category, Issue
from outreach.models import Campaign, Unit
from tests.cast import Cast
from visits.models import Assignment, Visit

START = date(2026, 3, 2)
number = itertools.count(1)


def make_campaign(cast: Cast, name: str = "春季走访", **fields) -> Campaign:
    fields = {"starts_on": START, "ends_on": START + timedelta(days=90), "state": Campaign.State.OPEN, **fields}
    return Campaign.objects.create(name=name, district=cast.district, **fields)


def make_household(village: Unit, **fields) -> Household:
    n = next(number)
    return Household.objects.create(village=village, number=str(n), head_name=f"户主{n}", address=f"{n}号", **fields)


def make_duty(campaign: Campaign, village: Unit, *, covered_on: date | None = None, met=True, **fields) -> Assignment:
    """A household on the roster; covered on a day, and met unless the talk is not finished."""
    if covered_on is not None:
        state = Assignment.State.MET if met else Assignment.State.MAKE_UP
        fields = {"state": state, "met_on": covered_on, "attempts": 1, "last_outcome": "met", **fields}
        if not met:
            fields = {**fields, "due_on": covered_on + timedelta(days=7), "last_outcome": "partly_met"}
    return Assignment.objects.create(
        campaign=campaign, household=make_household(village), covered_on=covered_on, **fields
    )


def at(day: date, hour: int = 10) -> datetime:
    """A moment of the district's day; hour 1 lies in the day before by UTC."""
    return timezone.make_aware(datetime(day.year, day.month, day.day, hour))


def make_visit(cast: Cast, campaign: Campaign | None, household: Household, day: date, hour: int = 10) -> Visit:
    return Visit.objects.create(
        payload_hash="0" * 64,
        household=household,
        campaign=campaign,
        visitor=cast.visitor,
        visitor_unit=cast.qingxi,
        outcome="met",
        visited_at=at(day, hour),
        time_band="morning",
    )


def issue_fields(state: str, cast: Cast, done_on: date, outcome: str = "solved") -> dict:
    """What the constraints ask of an issue in `state`."""
    fields = {"state": state, "outcome": "", "done_at": None, "done_by": None, "done_by_unit": None}
    fields |= {"dispatched_at": None, "accepted_at": None, "closed_at": None, "closed_by": None}
    fields |= {"verified_at": None, "verified_by": None, "paused_until": None, "limit_workdays": 7}
    if state not in ("new", "refused"):
        fields["dispatched_at"] = at(done_on)
    if state in ("accepted", "paused", "reported", "done", "verified", "closed"):
        fields["accepted_at"] = at(done_on)
    if state in ("done", "verified", "closed"):
        fields |= {"outcome": outcome, "done_at": at(done_on)}
        fields |= {"done_by": cast.department_handler, "done_by_unit": cast.roads}
    if state in ("verified", "closed"):
        fields |= {"verified_at": at(done_on), "verified_by": cast.supervisor}
    if state == "closed":
        fields |= {"closed_at": at(done_on), "closed_by": cast.supervisor}
    if state == "paused":
        fields["paused_until"] = done_on + timedelta(days=30)
    return fields


def make_issue(
    cast: Cast,
    campaign: Campaign | None,
    place: Unit,
    *,
    state: str = "new",
    outcome: str = "solved",
    raised_on: date = START,
    due_on: date | None = None,
    done_on: date | None = None,
) -> Issue:
    return Issue.objects.create(
        number=f"W{next(number)}",
        kind="need",
        category=Category.objects.get_or_create(code="T-LIGHT", defaults={"name": "路灯"})[0],
        text="村口路灯不亮",
        place=place,
        campaign=campaign,
        unit=cast.roads,
        due_on=due_on or raised_on + timedelta(days=7),
        recorded_at=at(raised_on),
        recorded_by=cast.supervisor,
        **issue_fields(state, cast, done_on or raised_on + timedelta(days=3), outcome),
    )
