"""One object of each kind in 青溪镇, the same next door in 白鹭镇, and in another district: for the walk over all URLs.

`View.url` builds a URL's arguments from them, by the names the project uses: a view is called noun_verb, and its
argument is pk or the noun itself. A URL that fits no rule needs a line in SPECIAL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from households.models import Household, Pairing, Resident, ResidentChange, RosterImport
from issues import clues
from issues.actions import append_event
from issues.models import Attachment, Category, Clue, DisputeParty, Issue, LookBack, RoutingRule, SpecialProject
from outreach.access import Permission, Role
from outreach.models import Campaign, Channel, Delivery, Membership, Notification, Unit, User
from reports.actions import snapshots
from reports.bulletins.content import SECTIONS, Rules
from reports.bulletins.files import keep
from reports.models import (
    AdjustmentEntry,
    Appeal,
    AppealFile,
    BoundaryFile,
    Bulletin,
    Deduction,
    DeductionShare,
    DutyExemption,
    EvidenceFile,
    HallLink,
    PastImport,
    Scheme,
    Shortfall,
    Snapshot,
    TaskReport,
    UnitLink,
    WorkFile,
    WorkPlan,
    WorkTask,
    item_key,
)
from reports.presets import PRESETS
from reports.schemes import Group, Line, Linear, SchemeContent
from surveys.models import PollResult, Round
from tests.cast import Cast, make_user
from tests.surveys.make import ask_round
from visits.models import Assignment, Visit, VisitStandard

# What the clue of every place says: it may show to the discipline office alone.
CLUE_MARKER = "克扣低保金三百元"


@dataclass
class Place:
    """A village and one of each thing that belongs to it."""

    unit: Unit
    campaign: Campaign
    household: Household
    resident: Resident
    roster_import: RosterImport
    change: ResidentChange
    pairing: Pairing
    assignment: Assignment
    visit: Visit
    issue: Issue
    verified: Issue
    look_back: LookBack
    attachment: Attachment
    rule: RoutingRule
    clue: Clue
    dispute: Issue
    party: DisputeParty
    project: SpecialProject
    user: User
    post: Membership
    notification: Notification
    channel: Channel
    delivery: Delivery
    boundary_file: BoundaryFile
    hall_link: HallLink
    snapshot: Snapshot
    appeal: Appeal
    appeal_file: AppealFile
    past_import: PastImport
    bulletin: Bulletin
    survey_round: Round
    poll_result: PollResult
    plan: WorkPlan
    task: WorkTask
    report: TaskReport
    plan_file: WorkFile
    report_file: WorkFile
    deduction: Deduction
    shortfall: Shortfall
    link: UnitLink
    exemption: DutyExemption
    scheme: Scheme
    adjustment: AdjustmentEntry
    evidence: EvidenceFile


def make_adjustment(campaign: Campaign, unit: Unit, by: User) -> AdjustmentEntry:
    """Create an approved deduction."""
    return AdjustmentEntry.objects.create(
        campaign=campaign,
        item="late_report",
        label="迟报错报",
        kind="deduction",
        unit=unit,
        points=1,
        reason="月报迟报两天",
        happened_on=campaign.starts_on,
        proposed_by=by,
        state="approved",
        decided_at=timezone.now(),
        decided_by=User.objects.exclude(pk=by.pk).order_by("pk").first(),
    )


def make_scheme(campaign: Campaign, by: User) -> Scheme:
    """Create the campaign's scheme, in force, where it has none."""
    name = "镇街考核办法"
    return Scheme.objects.filter(campaign=campaign, name=name).first() or Scheme.objects.create(
        campaign=campaign,
        name=name,
        content=PRESETS["township"].build(()).to_json(),
        created_by=by,
        state="published",
        published_at=timezone.now(),
        published_by=by,
    )


def make_snapshot(campaign: Campaign, by: User) -> Snapshot:
    """Freeze and publish the scores of the campaign's villages, once a campaign."""
    if found := Snapshot.objects.filter(campaign=campaign).first():
        return found
    now = timezone.now()
    content = SchemeContent(
        groups=(Group("villages", "村（社区）", "village", within_township=True),),
        lines=(Line("coverage", "coverage", "走访覆盖率", Decimal(100), Linear(Decimal(0), Decimal(100))),),
    )
    scheme = Scheme.objects.create(
        campaign=campaign,
        name="考核办法",
        state="published",
        content=content.to_json(),
        published_at=now,
        published_by=by,
    )
    yesterday = timezone.localdate() - timedelta(days=1)
    snapshot = snapshots.take(
        campaign=campaign,
        scheme=scheme,
        kind="weekly",
        first=campaign.starts_on,
        last=yesterday,
        by=None,
        today=timezone.localdate(),
    )
    row = Snapshot.objects.filter(pk=snapshot.pk)
    row.update(state="approved", approved_at=now, approved_by=by)
    row.update(state="published", published_at=now, published_by=by, appeals_until=yesterday + timedelta(days=9))
    return row.get()


def make_bulletin(campaign: Campaign, by: User) -> Bulletin:
    """Issue a bulletin in a campaign, once: it is the whole district's."""
    if found := Bulletin.objects.filter(snapshot__campaign=campaign).first():
        return found
    return Bulletin.objects.create(
        snapshot=make_snapshot(campaign, by),
        kind="circular",
        title="通报",
        sections=dict.fromkeys(SECTIONS, "抓紧。"),
        rules=Rules().to_json(),
        state="issued",
        issued_at=timezone.now(),
        issued_by=by,
        sha256=keep(b"docx"),
        annex_sha256=keep(b"xlsx"),
    )


def make_work(campaign: Campaign, village: Unit, holder: Unit, owner: Membership) -> dict[str, Any]:
    """Create a plan with a task of the village that `holder` helps with, and a deduction and a shortfall of both."""
    today, clerk = timezone.localdate(), owner.user
    plan = WorkPlan.objects.create(
        district=campaign.district,
        title=f"{village.name}方案",
        campaign=campaign,
        starts_on=today - timedelta(days=20),
        ends_on=today + timedelta(days=40),
        created_by=clerk,
    )
    task = WorkTask.objects.create(
        plan=plan,
        number=1,
        title=f"{village.name}路灯全覆盖",
        unit=owner.unit,
        person=owner,
        starts_on=plan.starts_on,
        due_on=today + timedelta(days=20),
        measure="count",
        target=40,
        target_unit="盏",
        state="reported",
        created_by=clerk,
    )
    task.helpers.add(holder)
    report = TaskReport.objects.create(task=task, by=clerk, by_unit=owner.unit, amount=10, text="已装十盏")
    files = [
        WorkFile.objects.create(
            file=ContentFile(b"x", name=f"{village.code}.pdf"),
            content_type="application/pdf",
            name="方案.pdf",
            sha256="0" * 64,
            size=1,
            added_by=clerk,
            **of,
        )
        for of in ({"plan": plan}, {"report": report})
    ]
    owned = {"unit": owner.unit, "person": owner, "measure": "逐村更换", "due_on": today, "entered_by": clerk}
    deduction = Deduction.objects.create(
        district=campaign.district,
        year=2026,
        item=f"{village.name}治安",
        item_key=item_key(f"{village.name}治安"),
        points=1,
        basis="省通报第1期",
        deducted_on=today,
        **owned,
    )
    DeductionShare.objects.create(deduction=deduction, unit=holder, points=1)
    shortfall = Shortfall.objects.create(
        district=campaign.district, year=2025, item="治安", item_key="治安", points=1, **owned
    )
    shortfall.helpers.add(holder)
    return {
        "plan": plan,
        "task": task,
        "report": report,
        "plan_file": files[0],
        "report_file": files[1],
        "deduction": deduction,
        "shortfall": shortfall,
        "link": UnitLink.objects.create(unit=holder, place=village, linked_by=clerk),
        "exemption": DutyExemption.objects.create(
            unit=village, reason="撤并", starts_on=today, ends_on=today, granted_by=clerk
        ),
    }


def make_place(campaign: Campaign, village: Unit, holder: Unit, visitor: User, clerk: User) -> Place:
    """Create the things of one village."""
    now = timezone.now()
    roster = RosterImport.objects.create(
        unit=village, filename="花名册.xlsx", file=ContentFile(b"x", name=f"{village.code}.xlsx"), created_by=clerk
    )
    household = Household.objects.create(
        village=village,
        number="1",
        head_name=f"{village.name[0]}三",
        address=f"{village.name}一组1号",
        phone="13900009999",
        source_import=roster,
    )
    resident = Resident.objects.create(household=household, name="张三", relation=Resident.Relation.HEAD)
    standard, _new = VisitStandard.objects.get_or_create(campaign=campaign, counted_outcomes=["met", "partly_met"])
    issue = Issue.objects.create(
        number=f"{village.code}-1",
        kind="need",
        category=Category.objects.get_or_create(code=f"s-{village.code}", defaults={"name": "路灯"})[0],
        text="路灯不亮",
        place=village,
        household=household,
        campaign=campaign,
        state="accepted",
        unit=holder,
        limit_workdays=5,
        due_on=timezone.localdate() + timedelta(days=5),
        recorded_by=visitor,
        dispatched_at=now,
        accepted_at=now,
    )
    opening = append_event(issue, "open", by=visitor, at=now, from_state="", from_unit=None, note="")
    dispute = Issue.objects.create(
        number=f"{village.code}-2",
        kind="dispute",
        category=issue.category,
        text="两家争地界",
        place=village,
        household=household,
        campaign=campaign,
        state="accepted",
        unit=holder,
        limit_workdays=5,
        due_on=issue.due_on,
        recorded_by=visitor,
        dispatched_at=now,
        accepted_at=now,
    )
    verified = Issue.objects.create(
        number=f"{village.code}-3",
        kind="need",
        category=issue.category,
        text="路灯又不亮",
        place=village,
        household=household,
        state="verified",
        unit=holder,
        limit_workdays=7,
        due_on=timezone.localdate() + timedelta(days=5),
        recorded_by=visitor,
        dispatched_at=now,
        accepted_at=now,
        done_at=now,
        done_by=visitor,
        done_by_unit=holder,
        outcome="solved",
        verified_at=now,
        verified_by=clerk,
    )
    adjustment = make_adjustment(campaign, village, clerk)
    channel = Channel.objects.create(unit=village, kind="wecom", name="群", is_active=False)
    change = ResidentChange.objects.create(household=household, changes={"phone": "13900008888"}, proposed_by=visitor)
    snapshot = make_snapshot(campaign, clerk)
    appeal = Appeal.objects.create(
        snapshot=snapshot, unit=village, line="coverage", statement="两户外出", filed_by=clerk
    )
    return Place(
        unit=village,
        campaign=campaign,
        household=household,
        resident=resident,
        roster_import=roster,
        change=change,
        pairing=Pairing.objects.create(household=household, user=visitor),
        survey_round=Round.objects.filter(district=campaign.district).first() or ask_round(campaign.district, clerk),
        poll_result=PollResult.objects.get_or_create(
            district=campaign.district,
            year=2025,
            level="province",
            item_key="安全感",
            defaults={"item": "安全感", "score": 90, "full_marks": 100, "entered_by": clerk},
        )[0],
        scheme=make_scheme(campaign, clerk),
        adjustment=adjustment,
        evidence=EvidenceFile.objects.create(
            adjustment=adjustment,
            file=ContentFile(b"x", name=f"e{village.code}.jpg"),
            content_type="image/jpeg",
            sha256="0" * 64,
            size=1,
            added_by=clerk,
        ),
        assignment=Assignment.objects.create(campaign=campaign, household=household, visitor=visitor),
        visit=Visit.objects.create(
            payload_hash="0" * 64,
            household=household,
            campaign=campaign,
            standard=standard,
            visitor=visitor,
            visitor_unit=village,
            outcome="met",
            visited_at=now - timedelta(hours=1),
            time_band="morning",
            is_counted=True,
        ),
        issue=issue,
        verified=verified,
        look_back=LookBack.objects.create(issue=verified, closed_at=now, months=1),
        attachment=Attachment.objects.create(
            issue=issue,
            event=opening,
            file=ContentFile(b"x", name=f"{village.code}.jpg"),
            content_type="image/jpeg",
            sha256="0" * 64,
            size=1,
            added_by=visitor,
        ),
        rule=RoutingRule.objects.create(category=issue.category, unit=holder),
        dispute=dispute,
        party=DisputeParty.objects.create(issue=dispute, side="applicant", name="张三", added_by=visitor),
        clue=Clue.objects.create(
            number=f"X{village.code}",
            district=campaign.district,
            sealed=clues.seal(clues.Content(text=CLUE_MARKER), f"X{village.code}"),
            reported_by=visitor,
        ),
        project=SpecialProject.objects.create(
            issue=issue,
            title="路灯专项整治",
            unit=holder,
            lead="周局长",
            measures="逐村更换",
            places="全镇",
            due_on=issue.due_on,
            created_by=clerk,
            recorded_before=1,
            open_before=1,
        ),
        user=visitor,
        post=visitor.memberships.get(),
        notification=Notification.objects.create(user=visitor, kind="test", title="问题", url="/", key="scenery"),
        channel=channel,
        boundary_file=BoundaryFile.objects.create(
            district=campaign.district, filename="边界.geojson", shapes={}, faults=[]
        ),
        hall_link=HallLink.objects.create(
            district=campaign.district,
            name="大厅",
            token_hash=village.code,
            created_by=clerk,
            expires_at=now + timedelta(days=1),
        ),
        delivery=Delivery.objects.create(
            channel=channel, district_code=village.district_code, title="问题", text="/", state="dead"
        ),
        **make_work(campaign, village, holder, clerk.memberships.select_related("unit", "user").get()),
        snapshot=snapshot,
        appeal=appeal,
        appeal_file=AppealFile.objects.create(
            appeal=appeal,
            file=ContentFile(b"x", name=f"{village.code}.pdf"),
            content_type="application/pdf",
            name="说明.pdf",
            sha256="0" * 64,
            size=1,
        ),
        past_import=PastImport.objects.create(
            district=campaign.district,
            filename="往年.xlsx",
            created_by=clerk,
            rows=[
                {
                    "number": 4,
                    "unit_id": village.pk,
                    "code": village.code,
                    "name": village.name,
                    "year": 2024,
                    "month": 0,
                    "score": "80",
                    "rank": 1,
                    "ranked": 2,
                }
            ],
        ),
        bulletin=make_bulletin(campaign, clerk),
    )


def make_campaign(district: Unit, units: list[Unit], by: User) -> Campaign:
    """Create a running campaign."""
    today = timezone.localdate()
    campaign = Campaign.objects.create(
        name="群众工作月",
        district=district,
        starts_on=today - timedelta(days=20),
        ends_on=today + timedelta(days=20),
        state=Campaign.State.OPEN,
        created_by=by,
    )
    campaign.units.set(units)
    return campaign


@dataclass
class Scenery:
    """`inside` is what the cast of 青溪镇 works on; `next_door` is 白鹭镇's; `elsewhere` is another district's."""

    inside: Place
    next_door: Place
    elsewhere: Place


@transaction.atomic
def make_scenery(cast: Cast) -> Scenery:
    """Create the three places."""
    county = Unit.objects.create(code="439800", name="邻县", kind="district", sort_order=90)
    township = Unit.objects.create(code="439800101", name="邻镇", kind="township", parent=county, sort_order=91)
    village = Unit.objects.create(code="439800101201", name="邻村", kind="village", parent=township, sort_order=92)
    office = Unit.objects.create(code="439800D01", name="邻县水利局", kind="department", parent=county, sort_order=93)
    visitor = make_user("N001", "韩邻村", Role.VISITOR, township)
    clerk = make_user("N002", "杨邻村", Role.VILLAGE_CLERK, village)
    campaign = make_campaign(cast.district, [cast.qingxi, cast.bailu], cast.district_office)
    return Scenery(
        inside=make_place(campaign, cast.shiqiao, cast.roads, cast.visitor, cast.village_clerk),
        next_door=make_place(campaign, cast.luzhou, cast.water, cast.outside_visitor, cast.outside_admin),
        elsewhere=make_place(make_campaign(county, [township], clerk), village, office, visitor, clerk),
    )


# The words of view names and arguments, and the thing each means; the first that matches wins.
NOUNS: list[tuple[str, Callable[[Place], Any]]] = [
    ("plan", lambda place: place.plan),
    ("task", lambda place: place.task),
    ("deduction", lambda place: place.deduction),
    ("shortfall", lambda place: place.shortfall),
    ("link", lambda place: place.link),
    ("exemption", lambda place: place.exemption),
    ("boundary", lambda place: place.boundary_file),
    ("scheme", lambda place: place.scheme),
    ("adjustment", lambda place: place.adjustment),
    ("evidence", lambda place: place.evidence),
    ("notification", lambda place: place.notification),
    ("bulletin", lambda place: place.bulletin),
    ("channel", lambda place: place.channel),
    ("delivery", lambda place: place.delivery),
    ("clue", lambda place: place.clue),
    ("party", lambda place: place.party),
    ("dispute", lambda place: place.dispute),
    ("attachment", lambda place: place.attachment),
    ("photo", lambda place: place.attachment),
    ("version", lambda place: place.survey_round.version),
    ("questionnaire", lambda place: place.survey_round.version.questionnaire),
    ("round", lambda place: place.survey_round),
    ("look_back", lambda place: place.look_back),
    ("snapshot", lambda place: place.snapshot),
    ("score", lambda place: place.snapshot),
    ("appeal", lambda place: place.appeal),
    ("past", lambda place: place.past_import),
    ("project", lambda place: place.project),
    ("rule", lambda place: place.rule),
    ("import", lambda place: place.roster_import),
    ("change", lambda place: place.change),
    ("pairing", lambda place: place.pairing),
    ("resident", lambda place: place.resident),
    ("assignment", lambda place: place.assignment),
    ("household", lambda place: place.household),
    ("campaign", lambda place: place.campaign),
    ("visit", lambda place: place.visit),
    ("issue", lambda place: place.issue),
    ("user", lambda place: place.user),
    ("post", lambda place: place.post),
    ("unit", lambda place: place.unit),
]
# A pk under a view name without a noun (households:detail) is the app's main thing.
MAIN = {"households": "household", "issues": "issue", "visits": "household", "reports": "campaign", "clues": "clue"}
MAIN["surveys"] = "round"
# url name → argument → value, where the rules above do not fit.
SPECIAL: dict[str, dict[str, Callable[[Place], Any]]] = {
    "reports:hall_link_end": {"pk": lambda place: place.hall_link.pk},
    "issues:attachment": {"pk": lambda place: place.issue.pk},
    "issues:desk_issue": {"pk": lambda place: place.verified.pk},
    "issues:desk_issue_take": {"pk": lambda place: place.verified.pk},
    "issues:resident_slip": {"pk": lambda place: place.issue.pk},
    "resident_answer": {"pk": lambda place: place.issue.pk},
    "resident_remark": {"pk": lambda place: place.issue.pk},
    "issues:attachment_remove": {"pk": lambda place: place.issue.pk},
    "issues:project_new": {"pk": lambda place: place.issue.pk},
    "issues:move": {"name": lambda place: "finish"},
    "issues:dispute_detail": {"pk": lambda place: place.dispute.pk},
    "issues:dispute_write": {"pk": lambda place: place.dispute.pk, "part": lambda place: "risk"},
    "issues:dispute_party_remove": {"pk": lambda place: place.dispute.pk},
    "issues:dispute_paper": {"pk": lambda place: place.dispute.pk, "paper": lambda place: "record"},
    "visits:phone_photo": {"digest": lambda place: "a" * 64},
    "surveys:poll_delete": {"pk": lambda place: place.poll_result.pk},
    "survey_start": {"code": lambda place: place.survey_round.code},
    "survey_answer": {"code": lambda place: place.survey_round.code},
    "survey_start_here": {"code": lambda place: place.survey_round.code, "unit": lambda place: place.unit.code},
    "survey_answer_here": {"code": lambda place: place.survey_round.code, "unit": lambda place: place.unit.code},
    "surveys:questionnaire_item": {"key": lambda place: "safe"},
    "clues:step": {"name": lambda place: "note"},
    "reports:plan_file": {"file": lambda place: place.plan_file.pk},
    "reports:task_file": {"file": lambda place: place.report_file.pk},
    "reports:task_new": {"pk": lambda place: place.plan.pk},
    "reports:task_judge": {"report": lambda place: place.report.pk},
    "boards:issue_rows": {"key": lambda place: "held"},
    "boards:unit": {"code": lambda place: place.unit.code},
    "reports:figure_enter": {"indicator": lambda place: "spot_check"},
    "reports:figure_template": {"indicator": lambda place: "spot_check"},
    "reports:household_rows": {"figure": lambda place: "covered"},
    "reports:issue_rows": {"figure": lambda place: "solved"},
    "reports:indicator_rows": {"indicator": lambda place: "coverage", "part": lambda place: "denominator"},
    "reports:score_rows": {"line": lambda place: "coverage", "part": lambda place: "missed"},
    "reports:appeal_new": {"pk": lambda place: place.snapshot.pk, "line": lambda place: "coverage"},
    "reports:appeal_file": {"file": lambda place: place.appeal_file.pk},
    "reports:snapshot_act": {"name": lambda place: "approve"},
}
# A page about things that also asks for the right to see the things themselves.
ALSO_NEEDS = {
    "issues:household_issues": Permission.HOUSEHOLD_VIEW,
    "boards:confirmations": Permission.ISSUE_VIEW,
    "boards:issue_rows": Permission.ISSUE_VIEW,
    "boards:visit_rows": Permission.HOUSEHOLD_VIEW,
    "reports:household_rows": Permission.HOUSEHOLD_VIEW,
    "reports:evidence": Permission.HOUSEHOLD_VIEW,
    "reports:issue_rows": Permission.ISSUE_VIEW,
    "reports:indicator_rows": Permission.HOUSEHOLD_VIEW,
    "reports:score_rows": Permission.HOUSEHOLD_VIEW,
    # what a village files or is told is for those who reach the village: no department, no publicity
    "reports:appeal_new": Permission.HOUSEHOLD_VIEW,
    "reports:appeal_detail": Permission.HOUSEHOLD_VIEW,
    "reports:appeal_file": Permission.HOUSEHOLD_VIEW,
}
# Figures are the whole district's to compare; the rows behind them show only as far as one's reach.
FIGURES_OF_NEIGHBOURS = {
    "reports:household_rows",
    "reports:issue_rows",
    "reports:score_rows",
    "reports:score_unit",
    "reports:adjustment",
    "reports:unit_indicators",
    "reports:indicator_rows",
    "boards:issue_rows",
    "boards:unit",
    "boards:visit_rows",
}


class UnknownArgumentError(Exception):
    """The rules do not say what to put into a URL."""


@dataclass(frozen=True)
class View:
    """A view of the site as its URL names it."""

    namespace: str
    name: str
    permission: Any
    arguments: tuple[str, ...]

    def url(self, place: Place) -> str:
        """Return the view's URL for the things of `place`."""
        values = {argument: _value(self.namespace, self.name, argument, place) for argument in self.arguments}
        return reverse(self.name, kwargs=values)


def views(patterns: list[Any] | None = None, namespace: str = "", above: tuple[str, ...] = ()) -> Iterator[View]:
    """Yield every view of the site that carries a guard; the admin's have tests of their own."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        # a path() has converters, a re_path() named groups
        arguments = (*above, *(entry.pattern.converters or entry.pattern.regex.groupindex))
        if isinstance(entry, URLResolver):
            if entry.namespace != "admin":
                yield from views(entry.url_patterns, entry.namespace or namespace, arguments)
        elif hasattr(entry.callback, "permission"):
            assert entry.name, f"the view at {entry.pattern} needs a name"
            name = f"{namespace}:{entry.name}" if namespace else entry.name
            yield View(namespace, name, entry.callback.permission, arguments)


def _value(namespace: str, name: str, argument: str, place: Place) -> Any:
    if argument in SPECIAL.get(name, {}):
        return SPECIAL[name][argument](place)
    words = name.replace(":", "_").split("_")[1 if namespace else 0 :]
    spoken = argument if argument not in ("pk", "uuid") else ""
    for noun, thing in NOUNS:
        if noun == spoken or spoken in (f"{noun}_pk", f"{noun}_id"):
            return thing(place).pk
        if spoken == "code":
            return place.unit.code
        if not spoken and (noun in words or f"{noun}s" in words):
            return thing(place).pk
    if not spoken and namespace in MAIN:
        return dict(NOUNS)[MAIN[namespace]](place).pk
    raise UnknownArgumentError(f"What is {argument} in the URL {name}? Add a line to SPECIAL in tests/scenery.py.")
