"""The write door of deductions from above, shortfalls, other counties' scores, and of who needs no duty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from outreach import access, audit
from outreach.access import Permission
from outreach.models import Campaign, Membership, Unit, User
from outreach.notify import notify
from reports.actions.plans import MAX_REMARK, ConflictError, able, check_days, text_of
from reports.models import (
    AdjustmentEntry,
    Deduction,
    DeductionShare,
    DutyExemption,
    PeerScore,
    Scheme,
    Shortfall,
    UnitLink,
    item_key,
)
from reports.models.shortfalls import Remedy
from reports.schemes import DEDUCTION

RemedyT = TypeVar("RemedyT", Deduction, Shortfall)

MAX_POINTS = Decimal(1000)
MAX_SHARES = 12
CENT = Decimal("0.01")
MAX_EXEMPTION = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class DeductionContent:
    """What a deduction says; `shares` add up to `points`. `person` is a post; its unit answers."""

    level: str
    year: int
    round: str
    item: str
    points: Decimal
    basis: str
    deducted_on: date
    person: Membership
    measure: str
    due_on: date
    lesson: str
    shares: Sequence[tuple[Unit, Decimal]]


@dataclass(frozen=True, slots=True)
class ShortfallContent:
    """What a shortfall says. `person` is a post; its unit answers."""

    year: int
    item: str
    points: Decimal
    cause: str
    person: Membership
    measure: str
    due_on: date
    helpers: tuple[Unit, ...] = ()


def _office(by: User) -> Unit:
    """Return the district of whoever keeps the lists. Raises PermissionDenied."""
    access.demand(by, Permission.SHORTFALL_EDIT)
    post = access.post_of(by)
    assert post is not None
    if post.unit.kind != Unit.Kind.DISTRICT:
        raise PermissionDenied(_("These lists are kept by the district's office."))
    return post.unit


def _check_owner(person: Membership, district: Unit) -> None:
    unit = person.unit
    if unit.kind == Unit.Kind.DISTRICT or unit.district_code != district.code or not unit.is_active:
        raise ValidationError({"person": _("Choose a person of a township, village or department of the district.")})


def _check_points(points: Decimal) -> None:
    if not 0 < points < MAX_POINTS:
        raise ValidationError({"points": _("Enter the points, above 0.")})


def _check_remedy(content: DeductionContent | ShortfallContent, district: Unit) -> None:
    _check_owner(content.person, district)
    _check_points(content.points)
    check_days(content.due_on, content.due_on)


@transaction.atomic
def save_deduction(*, by: User, content: DeductionContent, deduction: Deduction | None = None) -> Deduction:
    """Enter a deduction with its shares, or correct one that is not settled.

    Raises PermissionDenied, ValidationError by field: the shares must add up to the points, each unit once.
    """
    district = _office(by)
    if deduction is None:
        saved = Deduction(district=district, entered_by=by)
    else:
        saved = _lock(Deduction, deduction, district)
        if saved.state == Remedy.State.SETTLED:
            raise ValidationError(_("This is settled: nothing can be changed."))
    _check_remedy(content, district)
    check_days(content.deducted_on, content.deducted_on)
    _check_shares(content, district)
    saved.level, saved.year, saved.round = content.level, content.year, content.round.strip()[:30]
    saved.item = text_of(content.item, "item", 100)
    saved.item_key, saved.points = item_key(saved.item), content.points
    saved.basis, saved.deducted_on = text_of(content.basis, "basis", 200), content.deducted_on
    saved.unit, saved.person = content.person.unit, content.person
    saved.measure, saved.due_on = text_of(content.measure, "measure"), content.due_on
    saved.lesson = text_of(content.lesson, "lesson", is_required=False)
    saved.validate_constraints()
    saved.save()
    kept = {share.unit_id: share for share in saved.shares.all()}
    for unit, points in content.shares:
        share = kept.pop(unit.pk, None) or DeductionShare(deduction=saved, unit=unit)
        share.points = points
        share.save()
    for share in kept.values():
        share.delete()
    audit.record(
        "deduction.save",
        saved,
        by=by,
        name=saved.item,
        points=saved.points,
        units=[f"{unit.name} {points}" for unit, points in content.shares],
    )
    if deduction is None:
        _tell(saved, "given", _("A deduction from above is yours to put right"), users=[saved.person.user_id], but=by)
    return saved


def _check_shares(content: DeductionContent, district: Unit) -> None:
    units = [unit.pk for unit, _points in content.shares]
    problem = ""
    if not 1 <= len(units) <= MAX_SHARES:
        problem = _("Attribute the deduction to 1 to %(count)d units.") % {"count": MAX_SHARES}
    elif len(set(units)) < len(units):
        problem = _("Each unit once.")
    elif any(unit.district_code != district.code for unit, _points in content.shares):
        problem = _("Choose units of the district.")
    elif any(points <= 0 for _unit, points in content.shares):
        problem = _("Each share is above 0.")
    elif (whole := sum(points for _unit, points in content.shares)) != content.points:
        problem = _("The shares come to %(whole)s points, the deduction is %(points)s: they must be equal.") % {
            "whole": whole,
            "points": content.points,
        }
    if problem:
        raise ValidationError({"points": problem})


@transaction.atomic
def save_shortfalls(
    *, by: User, contents: Iterable[ShortfallContent], shortfall: Shortfall | None = None
) -> list[Shortfall]:
    """Put shortfalls on the list, all or none, or correct the one given. Raises PermissionDenied, ValidationError."""
    district = _office(by)
    saved = []
    for content in contents:
        if shortfall is None:
            row = Shortfall(district=district, entered_by=by)
        else:
            row = _lock(Shortfall, shortfall, district)
            if row.state == Remedy.State.SETTLED:
                raise ValidationError(_("This is settled: nothing can be changed."))
        _check_remedy(content, district)
        row.year, row.item, row.points = content.year, text_of(content.item, "item", 100), content.points
        row.item_key = item_key(row.item)
        row.unit, row.person = content.person.unit, content.person
        row.cause = text_of(content.cause, "cause", is_required=False)
        row.measure, row.due_on = text_of(content.measure, "measure"), content.due_on
        row.validate_constraints()
        row.save()
        row.helpers.set(content.helpers)
        saved.append(row)
        if shortfall is None:
            _tell(row, "given", _("A shortfall is yours to put right"), users=[row.person.user_id], but=by)
    if shortfall is None and saved:
        audit.record("shortfall.enter", district, by=by, count=len(saved))
    elif saved:
        audit.record("shortfall.edit", saved[0], by=by, name=saved[0].item)
    return saved


@transaction.atomic
def save_peer_scores(*, by: User, year: int, scores: Iterable[tuple[str, str, Decimal]]) -> int:
    """Enter what other counties lost in `year`, as (item, county, points lost); an earlier entry is replaced.

    Returns how many. Raises PermissionDenied, ValidationError.
    """
    district = _office(by)
    count = 0
    for item, peer, points in scores:
        item, peer = text_of(item, "item", 100), text_of(peer, "peer", 50)
        if not 0 <= points < MAX_POINTS:
            raise ValidationError({"points": _("Points lost are 0 or more.")})
        PeerScore.objects.update_or_create(
            district=district,
            year=year,
            item_key=item_key(item),
            peer=peer,
            defaults={"item": item, "points_lost": points, "entered_by": by, "entered_at": timezone.now()},
        )
        count += 1
    audit.record("peer_scores.enter", district, by=by, count=count)
    return count


@transaction.atomic
def answer_remedy(*, row: RemedyT, by: User, answer: str) -> RemedyT:
    """Say for the responsible unit what was done. Raises PermissionDenied, ConflictError, ValidationError (answer)."""
    locked = _lock(type(row), row)
    if locked.state != Remedy.State.OPEN:
        raise ConflictError(_("This is answered already. Nothing was saved."))
    if not locked.is_answered_by(by):
        raise PermissionDenied(_("The responsible unit answers."))
    locked.answer = text_of(answer, "answer")
    locked.state, locked.answered_at, locked.answered_by = Remedy.State.ANSWERED, timezone.now(), by
    locked.save()
    audit.record("remedy.answer", locked, by=by, name=locked.item)
    office = able(locked.district_id, Permission.SHORTFALL_EDIT)
    _tell(
        locked,
        f"answered:{locked.answered_at:%Y%m%d%H%M%S}",
        _("What was put right is to be checked"),
        users=office,
        but=by,
    )
    return locked


@transaction.atomic
def judge_remedy(*, row: RemedyT, by: User, accept: bool, remark: str) -> RemedyT:
    """Settle what the unit answered, or send it back with the reason; never the responsible unit itself.

    Raises PermissionDenied, ConflictError, ValidationError (remark).
    """
    locked = _lock(type(row), row)
    if not locked.is_judged_by(by) or by.pk == locked.answered_by_id:
        raise PermissionDenied(_("The office settles it, never the responsible unit itself."))
    if locked.state != Remedy.State.ANSWERED:
        raise ConflictError(_("There is no answer waiting any more. Nothing was saved."))
    locked.remark = text_of(remark, "remark", MAX_REMARK, is_required=not accept)
    now = timezone.now()
    if accept:
        locked.state, locked.settled_at, locked.settled_by = Remedy.State.SETTLED, now, by
    else:
        locked.state, locked.answered_at, locked.answered_by = Remedy.State.OPEN, None, None
    locked.save()
    audit.record("remedy.settle" if accept else "remedy.return", locked, by=by, name=locked.item, reason=locked.remark)
    title = _("What you put right is settled") if accept else _("What you put right is sent back")
    _tell(locked, f"judged:{now:%Y%m%d%H%M%S}", title, users=[locked.person.user_id], but=by)
    return locked


def _lock(model: type[RemedyT], row: RemedyT, district: Unit | None = None) -> RemedyT:
    rows = model.objects.select_for_update(of=("self",)).select_related("unit", "person__user")
    locked = rows.get(pk=row.pk)
    if district is not None and locked.district_id != district.pk:
        raise PermissionDenied(_("These lists are kept by the district's office."))
    return locked


def _tell(row: Deduction | Shortfall, what: str, title: str, *, users: Iterable[int], but: User) -> None:
    name = row._meta.model_name
    notify(
        kind=f"{name}",
        title=title,
        text=row.item,
        url=reverse(f"reports:{name}_detail", args=[row.pk]),
        key=f"{name}:{what}:{row.pk}",
        users=set(users) - {but.pk},
        in_digest=True,
    )


@transaction.atomic
def link_place(*, unit: Unit, place: Unit, by: User) -> UnitLink:
    """Link a department to a township or village of its district. Raises PermissionDenied, ValidationError."""
    district = _plan_office(by)
    is_place = place.kind in (Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE)
    if unit.kind != Unit.Kind.DEPARTMENT or unit.district_code != district.code:
        raise ValidationError({"unit": _("Choose a department of the district.")})
    if not is_place or place.district_code != district.code or not place.is_active:
        raise ValidationError({"place": _("Choose a township or village of the district.")})
    link = UnitLink(unit=unit, place=place, linked_by=by)
    link.validate_constraints()
    link.save()
    audit.record("unit.link", unit, by=by, name=unit.name, places=[place.name])
    return link


@transaction.atomic
def unlink_place(*, link: UnitLink, by: User) -> None:
    """End a link; ending it twice changes nothing. Raises PermissionDenied."""
    district = _plan_office(by)
    locked = UnitLink.objects.select_for_update(of=("self",)).select_related("unit", "place").get(pk=link.pk)
    if locked.unit.district_code != district.code:
        raise PermissionDenied(_("Links are kept by the district's office."))
    if locked.ended_at is None:
        locked.ended_at, locked.ended_by = timezone.now(), by
        locked.save()
        audit.record("unit.unlink", locked.unit, by=by, name=locked.unit.name, places=[locked.place.name])


@transaction.atomic
def exempt_unit(*, unit: Unit, by: User, reason: str, ends_on: date) -> DutyExemption:
    """Exempt a unit from needing a duty until a day within a year; an exemption that runs gives way to it.

    Raises PermissionDenied, ValidationError (reason, ends_on).
    """
    district = _plan_office(by)
    if unit.kind == Unit.Kind.DISTRICT or unit.district_code != district.code:
        raise PermissionDenied(_("This unit is not in your reach."))
    reason = text_of(reason, "reason", 300)
    today = timezone.localdate()
    if not today <= ends_on <= today + MAX_EXEMPTION:
        raise ValidationError({"ends_on": _("Choose a day from today on, within a year.")})
    Unit.objects.select_for_update().get(pk=unit.pk)  # two at once would leave two running
    running = DutyExemption.objects.filter(unit=unit, ended_at=None)
    running.update(ended_at=timezone.now(), ended_by=by)
    granted = DutyExemption.objects.create(unit=unit, reason=reason, starts_on=today, ends_on=ends_on, granted_by=by)
    audit.record("unit.exempt", unit, by=by, name=unit.name, reason=reason, ends_on=ends_on)
    return granted


@transaction.atomic
def end_exemption(*, exemption: DutyExemption, by: User) -> None:
    """End an exemption before its day; ending it twice changes nothing. Raises PermissionDenied."""
    district = _plan_office(by)
    locked = DutyExemption.objects.select_for_update(of=("self",)).select_related("unit").get(pk=exemption.pk)
    if locked.unit.district_code != district.code:
        raise PermissionDenied(_("This unit is not in your reach."))
    if locked.ended_at is None:
        locked.ended_at, locked.ended_by = timezone.now(), by
        locked.save()
        audit.record("unit.unexempt", locked.unit, by=by, name=locked.unit.name)


def _plan_office(by: User) -> Unit:
    access.demand(by, Permission.PLAN_EDIT)
    post = access.post_of(by)
    assert post is not None
    if post.unit.kind != Unit.Kind.DISTRICT:
        raise PermissionDenied(_("Duties are given out by the district's office."))
    return post.unit


@transaction.atomic
def propose_deduction(*, deduction: Deduction, by: User, campaign: Campaign, item: str) -> int:
    """Propose each share as a deduction of the district's own scores, under an item of a published scheme; shares that
    are proposed already stay as they are. Somebody else decides. Returns how many were proposed.

    Raises PermissionDenied, ValidationError (item).
    """
    access.demand(by, Permission.SCORE_PROPOSE)
    district = _office(by)
    locked = _lock(Deduction, deduction, district)
    label = dict(deduction_items(campaign)).get(item) if campaign.district_id == district.pk else None
    if label is None:
        raise ValidationError({"item": _("Choose an item of a published scheme.")})
    count = 0
    for share in locked.shares.filter(adjustment=None).select_related("unit"):
        entry = AdjustmentEntry(
            campaign=campaign,
            item=item,
            label=label[:100],
            kind="deduction",
            unit=share.unit,
            points=max(CENT, share.points.quantize(CENT, ROUND_HALF_UP)),
            reason=f"{locked.year} {locked.round} {locked.item} · {locked.basis}"[:500],
            happened_on=locked.deducted_on,
            proposed_by=by,
        )
        entry.validate_constraints()
        entry.save()
        share.adjustment = entry
        share.save()
        count += 1
    if not count:
        raise ValidationError({"item": _("All shares are proposed already.")})
    audit.record("deduction.propose", locked, by=by, name=locked.item, count=count)
    return count


def deduction_items(campaign: Campaign) -> list[tuple[str, str]]:
    """The deduction items of the campaign's published schemes, as (key, label). One query."""
    items: dict[str, str] = {}
    for scheme in Scheme.objects.filter(campaign=campaign, state=Scheme.State.PUBLISHED).order_by("pk"):
        items |= {item.key: item.label for item in scheme.read_content().items if item.kind == DEDUCTION}
    return list(items.items())
