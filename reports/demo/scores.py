"""Frozen scores of the demo: two published weeks with an appeal granted and a revision, a third week with an appeal
that waits, this morning's draft, and last year's scores."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from outreach.models import Campaign, Unit, User
from reports.actions import appeals, snapshots
from reports.models import Appeal, PastImport, PastScore, Scheme, Snapshot
from reports.schemes import Group, Line, Linear, SchemeContent

NAME = "镇街和村（社区）综合考核办法"
# code, year → score and rank of three; the same township is not first every year
PAST = {
    ("439900101", 2): ("84.60", 2),
    ("439900102", 2): ("81.25", 3),
    ("439900001", 2): ("88.10", 1),
    ("439900101", 1): ("87.45", 1),
    ("439900102", 1): ("82.90", 3),
    ("439900001", 1): ("86.30", 2),
}

PAST_MONTH = {"439900101": "70.10", "439900102": "52.40", "439900001": "58.75"}


def add_scores(campaign: Campaign, staff: dict[str, User], today: date) -> None:
    """Freeze, publish and appeal, as the office, a leader and a township would have done."""
    scheme = campaign.schemes.filter(state=Scheme.State.PUBLISHED).order_by("pk").first() or add_scheme(campaign, staff)
    last = min(today - timedelta(days=1), campaign.ends_on)
    add_past_scores(staff["O001"], last.year, last.month)
    weeks = [last - timedelta(days=days) for days in (14, 7, 0)]
    taken = [_publish(_take(scheme, week, staff, today), staff, today) for week in weeks if week > campaign.starts_on]
    code = "439900102"
    if len(taken) == 3:
        row = _appeal(taken[1], code, "有两件问题已按期办结，因系统外办理未及时录入，请予核减。", staff, today)
        if row is not None:
            appeals.decide_appeal(
                appeal=row,
                granted=True,
                decision="经核查办理记录，情况属实，予以更正。",
                points=Decimal("0.80"),
                carries=False,
                by=staff["S001"],
            )
            revision = snapshots.revise(snapshot=taken[1], why="采纳白鹭镇申诉，更正一项得分", by=staff["O001"])
            _publish(revision, staff, today)
        _appeal(taken[2], code, "部分农户长期外出，已两次上门未遇，建议从应访户中核减。", staff, today)
    snapshots.take_daily(today=today)


def add_scheme(campaign: Campaign, staff: dict[str, User]) -> Scheme:
    """Put a scheme in force that judges townships and their villages by the counted rates."""
    content = SchemeContent(
        groups=(
            Group("townships", "镇街", "township"),
            Group("villages", "村（社区）", "village", within_township=True),
        ),
        lines=(
            Line("coverage", "coverage", "走访覆盖率", Decimal(50), Linear(Decimal(0), Decimal(100))),
            Line("met", "met", "见面率", Decimal(20), Linear(Decimal(50), Decimal(100))),
            Line("solution", "solution", "问题解决率", Decimal(30), Linear(Decimal(0), Decimal(95))),
        ),
        basis="示例办法，数字可在“考核办法”中修改。",
    )
    return Scheme.objects.create(
        campaign=campaign,
        name=NAME,
        state=Scheme.State.PUBLISHED,
        content=content.to_json(),
        created_by=staff["O001"],
        published_at=timezone.now(),
        published_by=staff["L001"],
    )


def add_past_scores(by: User, year: int, month: int) -> None:
    """Store the scores of the two years before, and of the same month last year, as an import would."""
    units = {unit.code: unit for unit in Unit.objects.townships()}
    now = timezone.now()
    source = PastImport.objects.create(
        district=Unit.objects.districts().get(code="439900"),
        filename="往年考核得分.xlsx",
        state=PastImport.State.DONE,
        created_by=by,
        done_at=now,
        done_by=by,
    )
    for (code, before), (score, rank) in PAST.items():
        PastScore.objects.create(
            source=source, unit=units[code], year=year - before, score=Decimal(score), rank=rank, ranked=len(units)
        )
    for code, score in PAST_MONTH.items():
        PastScore.objects.create(source=source, unit=units[code], year=year - 1, month=month, score=Decimal(score))


def _take(scheme: Scheme, last: date, staff: dict[str, User], today: date) -> Snapshot:
    campaign = scheme.campaign
    return snapshots.take(
        campaign=campaign,
        scheme=scheme,
        kind=Snapshot.Kind.WEEKLY,
        first=campaign.starts_on,
        last=last,
        by=staff["O001"],
        today=today,
    )


def _publish(snapshot: Snapshot, staff: dict[str, User], today: date) -> Snapshot:
    snapshots.approve(snapshot=snapshot, by=staff["L001"])
    snapshots.publish(snapshot=snapshot, by=staff["L001"], today=today)
    snapshot.refresh_from_db()
    return snapshot


def _appeal(snapshot: Snapshot, code: str, statement: str, staff: dict[str, User], today: date) -> Appeal | None:
    """File an appeal against the line of the unit's score that lost the most; None where it has no such score."""
    score = snapshot.board.unit(code)
    lines = [line for line in score.lines if line.marks is not None and line.kind == "line"] if score else []
    if not lines:
        return None
    worst = max(lines, key=lambda line: line.effective_weight - (line.marks or 0))
    return appeals.file_appeal(
        snapshot=snapshot,
        unit=Unit.objects.get(code=code),
        line=worst.key,
        statement=statement,
        files=[],
        by=staff["A201"],
        today=today,
    )
