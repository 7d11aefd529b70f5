"""A campaign that runs in 青溪镇, with households assigned to the cast's visitors."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from households.models import Household, Resident
from outreach.models import Campaign, Unit
from outreach.pinyin import initials
from tests.cast import Cast
from visits.models import Assignment, Visit, VisitStandard
from visits.payload import VisitPayload, parse


def make_household(village: Unit, number: int, name: str = "张三", **fields: Any) -> Household:
    """A household of two people in group 1, whose door order is its number."""
    household = Household.objects.create(
        **{
            "village": village,
            "number": f"{number:03}",
            "group": "一组",
            "address": f"一组{number}号",
            "door_key": f"1-{number:05}",
            "head_name": name,
            "head_pinyin": initials(name),
            "phone": f"138{village.pk % 100:02}{number:06}",
            **fields,
        }
    )
    Resident.objects.create(household=household, name=name, pinyin=initials(name), relation="01")
    Resident.objects.create(household=household, name=f"{name[0]}小妹", pinyin=f"{initials(name[0])}xm", relation="10")
    return household


def make_campaign(cast: Cast, **fields: Any) -> Campaign:
    """A running campaign of 青溪镇 that began ten days ago, with the usual standard."""
    today = timezone.localdate()
    campaign = Campaign.objects.create(
        **{
            "name": "冬季大走访",
            "district": cast.district,
            "starts_on": today - timedelta(days=10),
            "ends_on": today + timedelta(days=20),
            "state": Campaign.State.OPEN,
            **fields,
        }
    )
    campaign.units.set([cast.qingxi])
    standard = VisitStandard.objects.create(campaign=campaign)
    VisitStandard.objects.filter(pk=standard.pk).update(created_at=timezone.now() - timedelta(days=30))
    return campaign


def raw_visit(household: Household, campaign: Campaign | None, outcome: str = "met", **fields: Any) -> dict[str, Any]:
    """What a phone sends for one visit a minute ago."""
    return {
        "uuid": str(uuid.uuid4()),
        "household": household.pk,
        "campaign": campaign.pk if campaign else None,
        "outcome": outcome,
        "visited_at": (timezone.now() - timedelta(minutes=1)).isoformat(),
        **fields,
    }


@dataclass
class Round:
    """The campaign and its doors: `doors` are the visitor's, `door` the first of them, `foreign` one in 白鹭镇."""

    cast: Cast
    campaign: Campaign
    doors: list[Household]
    foreign: Household

    @property
    def door(self) -> Household:
        return self.doors[0]

    @property
    def duty(self) -> Assignment:
        return Assignment.objects.get(campaign=self.campaign, household=self.door)

    def raw(self, outcome: str = "met", **fields: Any) -> dict[str, Any]:
        return raw_visit(self.door, self.campaign, outcome) | fields

    def payload(self, outcome: str = "met", **fields: Any) -> VisitPayload:
        return parse(self.raw(outcome, **fields))

    def counted(self) -> list[Visit]:
        return list(Visit.objects.filter(campaign=self.campaign, household=self.door, is_counted=True))


def make_round(cast: Cast) -> Round:
    campaign = make_campaign(cast)
    doors = [make_household(cast.shiqiao, number, name) for number, name in enumerate(["张三", "李四", "王五"], 1)]
    foreign = make_household(cast.luzhou, 1, "卫外人")
    Assignment.objects.bulk_create(
        Assignment(
            campaign=campaign,
            household=door,
            visitor=cast.visitor,
            epoch=1,
            assigned_at=timezone.now() - timedelta(days=9),
        )
        for door in doors
    )
    return Round(cast=cast, campaign=campaign, doors=doors, foreign=foreign)


@pytest.fixture
def round_(cast) -> Round:
    """A running campaign with three doors of the visitor's."""
    return make_round(cast)


@pytest.fixture
def days_ago() -> Callable[..., str]:
    """A moment so many days ago at an hour of the district's clock, as a phone writes it."""

    def at(days: int, hour: int = 10) -> str:
        moment = timezone.localtime(timezone.now() - timedelta(days=days))
        return moment.replace(hour=hour, minute=0, second=0, microsecond=0).isoformat()

    return at
