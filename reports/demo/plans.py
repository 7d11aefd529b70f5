"""What must not look empty in the demo: a plan with tasks, a deduction, last year's shortfalls, a linked department.

Written through the actions, so that the demo shows nothing a user could not have done.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from outreach.models import Campaign, Membership, User
from reports.actions import plans as plan_actions
from reports.actions import shortfalls as shortfall_actions
from reports.actions.plans import TaskContent
from reports.actions.shortfalls import DeductionContent, ShortfallContent
from reports.models import WorkTask

Measure = WorkTask.Measure

PLAN = "群众工作·平安建设活动实施方案"
AIM = "走访全覆盖、问题见底清零，群众安全感和满意度排名进位。"


def add_plans(campaign: Campaign, staff: dict[str, User], today: date) -> None:
    """Write the plan of the campaign, hand out its tasks, let units report on some; enter what was lost before."""
    office = staff["O001"]
    roads = post_of(staff["H082"])
    towns = [post_of(staff[number]) for number in ("A101", "A201", "A301")]
    clerk = post_of(staff["C101"])
    ends_on = max(campaign.ends_on, today + timedelta(days=21))
    plan = plan_actions.save_plan(
        by=office,
        title=PLAN,
        summary=AIM,
        campaign=campaign,
        starts_on=campaign.starts_on,
        ends_on=ends_on,
    )
    soon = today + timedelta(days=3)
    contents = [
        TaskContent(
            title="走访入户全覆盖",
            person=town,
            due_on=ends_on,
            measure=Measure.INDICATOR,
            indicator="coverage",
            target=Decimal(98),
        )
        for town in towns
    ]
    contents += [
        TaskContent(
            title="排查整治农村公路临水临崖路段",
            person=roads,
            due_on=ends_on,
            measure=Measure.COUNT,
            target=Decimal(24),
            target_unit="处",
            helpers=tuple(town.unit for town in towns),
        ),
        TaskContent(title="建立镇村矛盾纠纷周排查制度", person=towns[0], due_on=soon),
        TaskContent(
            title="平安建设宣传入户",
            person=towns[1],
            due_on=soon,
            measure=Measure.PERCENT,
            target=Decimal(100),
        ),
        TaskContent(title="重点人群关爱帮扶台账", person=towns[2], due_on=ends_on),
    ]
    tasks = plan_actions.add_tasks(plan=plan, by=office, contents=contents)
    plan_actions.add_tasks(
        plan=plan,
        by=staff["A101"],
        parent=tasks[4],
        contents=[TaskContent(title="石桥村每周开展矛盾纠纷排查", person=clerk, due_on=soon)],
    )
    first = plan_actions.report_task(
        task=tasks[3], by=staff["H082"], text="已完成9处护栏和警示标志安装。", amount=Decimal(9), is_final=False
    )
    plan_actions.judge_report(report=first, by=office, accept=True, remark="抓紧推进剩余点位")
    plan_actions.report_task(
        task=tasks[5], by=staff["A201"], text="宣传单已发放至各村，入户讲解过半。", amount=Decimal(55), is_final=False
    )
    last = plan_actions.report_task(
        task=tasks[6], by=staff["A301"], text="台账已建立，逐户落实帮扶人。", amount=None, is_final=True
    )
    plan_actions.judge_report(report=last, by=office, accept=True, remark="")
    add_losses(office, roads, towns, today)
    place = towns[0].unit
    shortfall_actions.link_place(unit=roads.unit, place=place, by=office)


def add_losses(office: User, roads: Membership, towns: list[Membership], today: date) -> None:
    """Last year's shortfalls, what other counties lost, and a deduction of this year."""
    year = today.year - 1
    rows = [
        ("公众安全感", "1.8", "入户率不实，见面率低", towns[0], "带着名单逐户走访，未见面的及时补访", 20),
        ("群众对政法工作满意度", "1.2", "回访反馈不及时", towns[1], "问题办结后三日内回访", 30),
        ("道路交通安全", "0.6", "临水临崖路段隐患未清零", roads, "隐患点位逐处销号", -4),
    ]
    shortfall_actions.save_shortfalls(
        by=office,
        contents=[
            ShortfallContent(year, item, Decimal(points), cause, person, measure, today + timedelta(days=days))
            for item, points, cause, person, measure, days in rows
        ],
    )
    scores = [
        (item, county, Decimal(points))
        for county, lost in (
            ("云岭县", ("0.9", "0", "0")),
            ("清河县", ("1.1", "0.4", "0")),
            ("南屏区", ("0.3", "0", "0")),
        )
        for item, points in zip([row[0] for row in rows], lost, strict=True)
    ]
    shortfall_actions.save_peer_scores(by=office, year=year, scores=scores)
    shortfall_actions.save_deduction(
        by=office,
        content=DeductionContent(
            level="province",
            year=today.year,
            round="上半年",
            item="道路交通安全",
            points=Decimal("0.5"),
            basis="省平安建设工作情况通报（第3期）",
            deducted_on=today - timedelta(days=40),
            person=roads,
            measure="会同镇街对通报点位逐处整改，举一反三排查同类路段",
            due_on=today + timedelta(days=15),
            lesson="隐患排查停留在台账上，没有到现场核对",
            shares=[(roads.unit, Decimal("0.3")), (towns[1].unit, Decimal("0.2"))],
        ),
    )


def post_of(user: User) -> Membership:
    """The first post of a demo account."""
    return user.memberships.select_related("unit", "user").order_by("pk")[0]
