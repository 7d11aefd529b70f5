"""Figures entered by hand, bonus marks and deductions: each entered by one person and decided on by another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues.attachments import CleanFile
from outreach import access, audit
from outreach.access import Permission, demand
from outreach.models import Campaign, Unit, User
from reports.models import AdjustmentEntry, EnteredFigure, EvidenceFile
from reports.schemes import Item

MAX_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure to be entered; see EnteredFigure."""

    indicator_key: str
    unit: Unit
    first: date
    last: date
    numerator: Decimal | None
    denominator: Decimal
    value: Decimal
    evidence: str


@transaction.atomic
def enter_figures(
    *, campaign: Campaign, rows: Sequence[FigureRow], files: Sequence[CleanFile] = (), by: User
) -> list[EnteredFigure]:
    """Enter figures, all or none; `files` prove each of them. They count once another person has approved them.

    Raises ValidationError, naming the unit, where one is there already or has impossible sizes; PermissionDenied for
    units that `by` does not judge.
    """
    demand(by, Permission.SCORE_DECIDE)
    if len(rows) > MAX_AT_ONCE:
        raise ValidationError(_("At most %(count)d figures at once.") % {"count": MAX_AT_ONCE})
    figures = []
    for row in rows:
        _demand_judge(row.unit, by)
        figure = EnteredFigure(
            campaign=campaign,
            indicator_key=row.indicator_key,
            unit=row.unit,
            first=row.first,
            last=row.last,
            numerator=row.numerator,
            denominator=row.denominator,
            value=row.value,
            evidence=row.evidence,
            entered_by=by,
        )
        try:
            with transaction.atomic():
                figure.save(force_insert=True)
        except IntegrityError as error:
            raise ValidationError(f"{row.unit.name}: {_said(figure, error)}") from error
        figures.append(figure)
    for figure in figures:
        _store(files, by=by, figure=figure)
    if figures:
        audit.record("figure.enter", figures[0], by=by, count=len(figures))
    return figures


def _said(figure: EnteredFigure, error: IntegrityError) -> str:
    """What the constraint that refused a figure has to say."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    for constraint in EnteredFigure._meta.constraints:
        if constraint.name == name:
            return str(constraint.violation_error_message)
    return str(_("this figure cannot be stored."))


@transaction.atomic
def decide_figures(*, figures: Sequence[EnteredFigure], approve: bool, by: User) -> int:
    """Approve or refuse figures that somebody else entered; return how many. Those decided on already stay.

    Raises PermissionDenied for one's own and for units that `by` does not judge.
    """
    demand(by, Permission.SCORE_DECIDE)
    pks = [figure.pk for figure in figures]
    rows = EnteredFigure.objects.select_for_update(of=("self",)).select_related("unit").filter(pk__in=pks)
    done = 0
    for row in rows.order_by("pk"):
        if row.state != EnteredFigure.State.ENTERED:
            continue
        if row.entered_by_id == by.pk:
            raise PermissionDenied(_("A figure is approved by somebody else than who entered it."))
        _demand_judge(row.unit, by)
        row.state = EnteredFigure.State.APPROVED if approve else EnteredFigure.State.REFUSED
        row.decided_at, row.decided_by = timezone.now(), by
        row.save(update_fields=["state", "decided_at", "decided_by"])
        audit.record("figure.approve" if approve else "figure.refuse", row, by=by, unit=row.unit.name)
        done += 1
    return done


@transaction.atomic
def propose_adjustment(
    *,
    campaign: Campaign,
    item: Item,
    unit: Unit,
    points: Decimal,
    reason: str,
    happened_on: date,
    unfixed: bool = False,
    files: Sequence[CleanFile] = (),
    by: User,
) -> AdjustmentEntry:
    """Propose a bonus or deduction of a scheme's item for a unit within reach. It counts once another has approved it.

    Raises ValidationError keyed by argument: marks beyond what one case may be given, no facts, no evidence where the
    item asks for it, a day that has not come yet.
    """
    demand(by, Permission.SCORE_PROPOSE)
    if not unit.code.startswith(access.reach(by) or "?"):
        raise PermissionDenied(_("This unit lies outside your reach."))
    errors: dict[str, str] = {}
    if not 0 < points <= 100:
        errors["points"] = _("Marks lie above 0 and not above 100.")
    elif item.most_each is not None and points > item.most_each:
        errors["points"] = _("One case of this item is given at most %(most)s marks.") % {"most": item.most_each}
    if not reason.strip():
        errors["reason"] = _("State the facts.")
    if item.evidence and not files:
        errors["files"] = _("This item needs evidence: add a photo or a paper.")
    if happened_on > timezone.localdate():
        errors["happened_on"] = _("This day has not come yet.")
    if errors:
        raise ValidationError(errors)
    entry = AdjustmentEntry.objects.create(
        campaign=campaign,
        item=item.key,
        label=item.label,
        kind=item.kind,
        unit=unit,
        points=points,
        unfixed=unfixed,
        reason=reason.strip(),
        happened_on=happened_on,
        proposed_by=by,
    )
    _store(files, by=by, adjustment=entry)
    audit.record("adjustment.propose", entry, by=by, unit=unit.name, item=item.label, points=str(points))
    return entry


@transaction.atomic
def decide_adjustment(*, entry: AdjustmentEntry, approve: bool, decision: str, by: User) -> AdjustmentEntry:
    """Approve or refuse what somebody else proposed; a refusal gives its reason.

    Raises PermissionDenied for one's own proposal and for units that `by` does not judge, ValidationError where it is
    decided already or a refusal has no reason.
    """
    demand(by, Permission.SCORE_DECIDE)
    row = AdjustmentEntry.objects.select_for_update(of=("self",)).select_related("unit").get(pk=entry.pk)
    if row.state != AdjustmentEntry.State.PROPOSED:
        raise ValidationError(_("This was decided on already."))
    if row.proposed_by_id == by.pk:
        raise PermissionDenied(_("Marks are decided on by somebody else than who proposed them."))
    _demand_judge(row.unit, by)
    if not approve and not decision.strip():
        raise ValidationError({"decision": _("Say why it is refused.")})
    row.state = AdjustmentEntry.State.APPROVED if approve else AdjustmentEntry.State.REFUSED
    row.decided_at, row.decided_by, row.decision = timezone.now(), by, decision.strip()
    row.save(update_fields=["state", "decided_at", "decided_by", "decision"])
    action = "adjustment.approve" if approve else "adjustment.refuse"
    audit.record(action, row, by=by, unit=row.unit.name, item=row.label, points=str(row.points))
    return row


def may_judge(unit: Unit, user: User) -> bool:
    """May `user` decide on marks of `unit`? Only from above it: no unit decides on its own."""
    post = access.post_of(user)
    if post is None or not access.has_permission(user, Permission.SCORE_DECIDE):
        return False
    return post.unit_id != unit.pk and unit.code.startswith(post.unit.code)


def _demand_judge(unit: Unit, by: User) -> None:
    if not may_judge(unit, by):
        raise PermissionDenied(_("Only a unit above decides on a unit's marks."))


def _store(
    files: Sequence[CleanFile],
    *,
    by: User,
    adjustment: AdjustmentEntry | None = None,
    figure: EnteredFigure | None = None,
) -> None:
    for file in files:
        EvidenceFile.objects.create(
            adjustment=adjustment,
            figure=figure,
            **file.as_fields(),
            added_by=by,
        )
