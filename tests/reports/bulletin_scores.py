"""Snapshots with figures that tests know, as the database would hold them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from outreach.models import Campaign
from reports.models import Scheme, Snapshot
from reports.models.snapshots import digest_of
from reports.scoring import GroupScore, Reading, Scoreboard, UnitReadings, UnitScore

LAST = date(2026, 4, 17)


def campaign_of(cast, name="2026年群众工作·平安建设") -> Campaign:
    """The district's campaign, made once."""
    found = Campaign.objects.filter(name=name).first()
    return found or Campaign.objects.create(
        name=name,
        district=cast.district,
        starts_on=LAST - timedelta(days=40),
        ends_on=LAST + timedelta(days=40),
        state=Campaign.State.OPEN,
        created_by=cast.district_office,
    )


def scored(unit, order, rank, total) -> UnitScore:
    """A unit's score without lines."""
    return UnitScore(
        code=unit.code,
        name=unit.name,
        order=order,
        total=None if total is None else Decimal(total),
        rank=rank,
        band=1 if rank else 0,
        rank_from=rank,
        rank_to=rank,
        mark="",
        lines=(),
    )


def frozen(
    cast,
    *,
    last=LAST,
    kind="weekly",
    state="published",
    scores=None,
    counts=None,
    overdue=None,
    content=None,
    campaign=None,
) -> Snapshot:
    """A snapshot of the cast's district. `scores`: group name → [(unit, rank, total)]; `counts`: code → counts;
    `overdue`: code → numbers; `content`: code → (content, asked)."""
    campaign = campaign or campaign_of(cast)
    scheme, _new = Scheme.objects.get_or_create(
        campaign=campaign,
        name="考核办法",
        defaults={
            "content": {},
            "state": "published",
            "published_at": timezone.now(),
            "published_by": cast.district_office,
        },
    )
    scores = scores or {
        "镇街": [(cast.qingxi, 1, "93.50"), (cast.bailu, 2, "81.25")],
        "区直部门": [(cast.roads, 1, "95.00"), (cast.water, 2, "90.00")],
    }
    groups = tuple(
        GroupScore(name, name, tuple(scored(unit, at, rank, total) for at, (unit, rank, total) in enumerate(rows, 1)))
        for name, rows in scores.items()
    )
    content = content or {}
    units = [
        UnitReadings(
            code=unit.code,
            name=unit.name,
            order=at,
            group=name,
            readings={"content": Reading(good, asked, (Decimal(good * 100) / asked).quantize(Decimal("0.01")))}
            if (found := content.get(unit.code)) and (good := found[0]) is not None and (asked := found[1])
            else {},
        ).to_json()
        for name, rows in scores.items()
        for at, (unit, _rank, _total) in enumerate(rows, 1)
    ]
    inputs = {
        "format": 1,
        "campaign": {
            "name": campaign.name,
            "starts_on": campaign.starts_on.isoformat(),
            "ends_on": campaign.ends_on.isoformat(),
        },
        "today": (last + timedelta(days=1)).isoformat(),
        "scheme": {},
        "units": units,
        "counts": counts or default_counts(cast),
        "overdue_here": {cast.qingxi.code: 1},
        "overdue": overdue if overdue is not None else {cast.water.code: ["439900-2026-00017"]},
    }
    result = Scoreboard(groups).to_json()
    now = timezone.now()
    stamps = {}
    if state in ("approved", "published"):
        stamps |= {"approved_at": now, "approved_by": cast.leader}
    if state == "published":
        stamps |= {"published_at": now, "published_by": cast.leader, "appeals_until": last + timedelta(days=3)}
    return Snapshot.objects.create(
        campaign=campaign,
        scheme=scheme,
        kind=kind,
        first=campaign.starts_on,
        last=last,
        as_of=now,
        inputs=inputs,
        result=result,
        digest=digest_of(inputs, result),
        state=state,
        taken_by=cast.district_office,
        **stamps,
    )


def default_counts(cast) -> dict[str, dict[str, int]]:
    """Figures that cannot be mixed up with each other."""
    return {
        cast.district.code: {"to_visit": 3021, "covered": 1907, "raised": 213, "solved": 141, "judged": 187},
        cast.qingxi.code: {"to_visit": 1811, "covered": 1404, "raised": 118, "solved": 91, "judged": 109},
        cast.bailu.code: {"to_visit": 1210, "covered": 503, "raised": 95, "solved": 50, "judged": 78},
        cast.roads.code: {"held_received": 61, "held_ended_solved": 44, "held_ended_explained": 8},
        cast.water.code: {"raised": 2, "held_received": 33, "held_ended_solved": 19, "held_overdue": 10},
    }
