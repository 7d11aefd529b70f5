"""Schemes and snapshots for tests: the townships of the cast, judged by two lines and a bonus item."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from outreach.models import Campaign
from reports.actions import appeals, snapshots
from reports.models import Appeal, Scheme, Snapshot
from reports.schemes import Group, Item, Line, Linear, SchemeContent
from tests.cast import Cast
from tests.reports.rows import START, make_campaign, make_duty, make_issue

D = Decimal
LAST = START + timedelta(days=10)
TODAY = LAST + timedelta(days=1)


def content(**rest) -> SchemeContent:
    fields = {
        "groups": (
            Group("townships", "镇街", "township"),
            Group("departments", "区直部门", "department"),
            Group("villages", "村（社区）", "village", within_township=True),
        ),
        "lines": (
            Line("coverage", "coverage", "走访覆盖率", D(60), Linear(D(0), D(100)), min_denominator=1),
            Line("solution", "solution", "问题解决率", D(40), Linear(D(0), D(100)), min_denominator=1),
        ),
        "items": (Item("praise", "表扬", "bonus", cap=D(5)),),
        "least_counted": D(10),
        **rest,
    }
    made = SchemeContent(**fields)
    assert made.problems() == []
    return made


def make_scheme(cast: Cast, campaign: Campaign, name: str = "镇街考核办法", **rest) -> Scheme:
    return Scheme.objects.create(
        campaign=campaign,
        name=name,
        state="published",
        content=content(**rest).to_json(),
        created_by=cast.district_office,
        published_at=timezone.now(),
        published_by=cast.leader,
    )


def make_work(cast: Cast) -> Campaign:
    """青溪镇: 2 of 4 households visited, 1 of 2 issues solved; 白鹭镇: 3 of 4 and 1 of 1."""
    campaign = make_campaign(cast)
    for village, covered in ((cast.shiqiao, 2), (cast.luzhou, 3)):
        for number in range(4):
            make_duty(campaign, village, covered_on=START if number < covered else None)
    make_issue(cast, campaign, cast.shiqiao, state="closed")
    make_issue(cast, campaign, cast.shiqiao, state="accepted", due_on=START + timedelta(days=2))
    make_issue(cast, campaign, cast.luzhou, state="closed")
    return campaign


def take(cast: Cast, scheme: Scheme, *, last: date = LAST, kind: str = "weekly", by=None) -> Snapshot:
    return snapshots.take(
        campaign=scheme.campaign,
        scheme=scheme,
        kind=kind,
        first=START,
        last=last,
        by=by or cast.district_office,
        today=timezone.localdate(),
    )


def publish(cast: Cast, snapshot: Snapshot) -> Snapshot:
    snapshots.approve(snapshot=snapshot, by=cast.leader)
    snapshots.publish(snapshot=snapshot, by=cast.leader, today=timezone.localdate())
    snapshot.refresh_from_db()
    return snapshot


def granted_appeal(cast: Cast, snapshot: Snapshot, points: str = "5.00", carries: bool = False) -> Appeal:
    appeal = appeals.file_appeal(
        snapshot=snapshot,
        unit=cast.qingxi,
        line="solution",
        statement="一件已按期办结",
        files=[],
        by=cast.township_admin,
        today=timezone.localdate(),
    )
    appeals.decide_appeal(
        appeal=appeal, granted=True, decision="核实属实", points=D(points), carries=carries, by=cast.supervisor
    )
    appeal.refresh_from_db()
    return appeal
