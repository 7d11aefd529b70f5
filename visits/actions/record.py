"""The write door of visits: one visit is its outcome, needs, issues and corrections, in one transaction.

A visit is not written to the audit chain: the row itself is the record, and the chain's lock would make all visitors
of the district wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

import issues.actions
from households.models import Household, Pairing, Resident, ResidentChange
from issues.models import Category
from outreach import access
from outreach.access import Permission, Role
from outreach.models import Campaign, User
from visits import leases
from visits import photos as photos_on_their_way
from visits.acceptance import Duty, Standing, standing
from visits.actions.campaigns import households_in_scope
from visits.actions.rollup import roll_up_assignment
from visits.attempts import MET_OUTCOMES, band_of, day_of
from visits.models import Assignment, FollowUp, Topic, Visit, VisitConflict, VisitItem, VisitStandard
from visits.payload import Item, VisitPayload

# A phone's clock may be a little ahead; what is further ahead is a wrong clock or a wrong entry.
CLOCK_SKEW = timedelta(minutes=5)


class Result(StrEnum):
    """What became of one sent visit. The phone may forget it after any of these but `refused`."""

    STORED = "stored"
    ALREADY = "already"
    CONFLICT_KEPT = "conflict kept"
    REFUSED = "refused"


@dataclass(frozen=True)
class Receipt:
    """The answer to one visit. `code` and `field` are for programs, `message` is for people; `issues` are the numbers
    of the issues it opened."""

    uuid: str
    result: Result
    code: str = ""
    message: str = ""
    field: str = ""
    issues: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The receipt as the phone reads it."""
        return {**vars(self), "result": str(self.result), "issues": list(self.issues)}


class Refusal(Exception):
    """The visit cannot be stored as it is; nothing was written."""

    def __init__(self, code: str, message: str | Promise, field: str = "") -> None:
        super().__init__(code)
        self.code, self.message, self.field = code, str(message), field


def record_visit(*, by: User, payload: VisitPayload, clock_offset: timedelta | None = None) -> Receipt:
    """Store one visit with all that was heard, open its issues, and bring the duty's state up to date; or refuse it
    and write nothing.

    The same uuid with the same content is stored once; with other content it is kept as a VisitConflict. Of several
    visits to a household in a campaign the earliest valid one counts, whichever arrives first. A visit on a duty that
    passed to somebody else while the phone had no signal is kept and marked late, where the phone proves it held the
    duty. `clock_offset`: how far the phone's clock is ahead of ours. Raises PermissionDenied where the post may not
    record visits at all.
    """
    access.demand(by, Permission.VISIT_RECORD)
    try:
        with transaction.atomic():
            return _record(by=by, payload=payload, clock_offset=clock_offset, now=timezone.now())
    except Refusal as refusal:
        return Receipt(str(payload.uuid), Result.REFUSED, refusal.code, refusal.message, refusal.field)


def _record(*, by: User, payload: VisitPayload, clock_offset: timedelta | None, now: datetime) -> Receipt:
    digest = payload.digest()
    stored = Visit.objects.filter(pk=payload.uuid).first()
    # Before any rule: what was stored stays stored, though the campaign has closed or the duty has gone since.
    if stored is not None and stored.visitor_id == by.pk:
        return _seen_before(stored, by=by, payload=payload, digest=digest)
    household = Household.objects.select_related("village").filter(pk=payload.household).first()
    campaign = _campaign(by, payload)
    assignment = None
    if household is not None and campaign is not None:
        # The lock under which two visitors at one door take turns.
        assignment = (
            Assignment.objects.select_for_update(of=("self",)).filter(campaign=campaign, household=household).first()
        )
    if household is None or not _may_visit(by, household, campaign, assignment, payload):
        raise Refusal(
            "not_yours",
            _("This household is not on your list. Ask your township to assign it to you."),
            "household",
        )
    if stored is not None:
        return _seen_before(stored, by=by, payload=payload, digest=digest)
    visited_at = _check_moment(_by_our_clock(payload.visited_at, clock_offset, now), household, campaign, now)
    if campaign is None:
        if not Pairing.objects.filter(household=household, user=by, ended_on=None).exists():
            raise Refusal(
                "no_campaign",
                _("No campaign is running for this household, and it is not paired with you."),
                "campaign",
            )
    elif assignment is None:
        assignment = _add_to_roster(campaign, household)
    try:
        with transaction.atomic():
            visit = _store(by, payload, digest, household, campaign, assignment, visited_at, now, clock_offset)
    except IntegrityError:
        # Sent twice at the same moment: the other one was faster.
        stored = Visit.objects.filter(pk=payload.uuid).first()
        if stored is None:
            raise
        return _seen_before(stored, by=by, payload=payload, digest=digest)
    _queue_changes(household, payload, by=by)
    # last of what may refuse: a photo's file does not go away with the transaction
    numbers = _store_items(visit, payload.items, by=by)
    if visit.outcome in MET_OUTCOMES:
        FollowUp.objects.open().filter(household=household, asked_at__lte=visited_at).update(visit=visit)
    if assignment is not None:
        roll_up_assignment(assignment)
    return Receipt(str(visit.pk), Result.STORED, issues=tuple(numbers))


def _seen_before(stored: Visit, *, by: User, payload: VisitPayload, digest: str) -> Receipt:
    if stored.payload_hash == digest and stored.visitor_id == by.pk:
        return Receipt(str(stored.pk), Result.ALREADY, message=_("This visit was saved before; nothing was added."))
    conflict = VisitConflict(visit=stored, payload=payload.as_json(with_photos=True), payload_hash=digest, sent_by=by)
    VisitConflict.objects.bulk_create([conflict], ignore_conflicts=True)
    return Receipt(
        str(stored.pk),
        Result.CONFLICT_KEPT,
        message=_("This visit was saved before with other content. Both are kept; the first one stands."),
    )


def _campaign(by: User, payload: VisitPayload) -> Campaign | None:
    if payload.campaign is None:
        return None
    campaign = Campaign.objects.visible_to(by).filter(pk=payload.campaign).first()
    if campaign is None:
        raise Refusal("unknown_campaign", _("There is no such campaign."), "campaign")
    return campaign


def _may_visit(
    by: User, household: Household, campaign: Campaign | None, assignment: Assignment | None, payload: VisitPayload
) -> bool:
    """Assigned now; or assigned before and gone there before it was handed over, or without having heard of it; or
    within a clerk's reach; or paired.

    An old duty in another campaign is not enough: a visitor's households are those of this one.
    """
    if campaign is None:
        return Household.objects.visible_to(by).filter(pk=household.pk).exists()
    if assignment is not None and _standing(by, payload, assignment) != Standing.NONE:
        return True
    post = access.post_of(by)
    assert post is not None
    if post.role != Role.VISITOR and Household.objects.visible_to(by).filter(pk=household.pk).exists():
        return True
    return Pairing.objects.filter(household=household, user=by, ended_on=None).exists()


def _standing(by: User, payload: VisitPayload, assignment: Assignment) -> Standing:
    """What the sender is to the duty, by its row and the proof the phone sends along."""
    duty = Duty(assignment.visitor_id, assignment.previous_visitor_id, assignment.epoch, assignment.assigned_at)
    proven = payload.epoch
    if proven is not None and not leases.holds(payload.lease, user=by.pk, assignment=assignment.pk, epoch=proven):
        proven = None
    return standing(duty, by=by.pk, visited_at=payload.visited_at, proven_epoch=proven)


def _by_our_clock(moment: datetime, clock_offset: timedelta | None, now: datetime) -> datetime:
    """Return the moment as said; by our clock where the phone's is ahead and would put the visit into the future."""
    if clock_offset is not None and moment > now + CLOCK_SKEW and moment - clock_offset <= now + CLOCK_SKEW:
        return moment - clock_offset
    return moment


def _check_moment(said: datetime, household: Household, campaign: Campaign | None, now: datetime) -> datetime:
    """Return when the visit was, never after now; raise Refusal for a wrong clock, campaign or household."""
    if said > now + CLOCK_SKEW:
        raise Refusal(
            "in_future", _("The time of the visit lies in the future: check the phone's clock."), "visited_at"
        )
    visited_at = min(said, now)
    # A visit made before they asked is still a visit that took place.
    if household.do_not_visit_at is not None and visited_at >= household.do_not_visit_at:
        raise Refusal(
            "do_not_visit",
            _(
                "This household asked not to be visited (%(reason)s). Nothing was saved. If they themselves asked you "
                "to come, have the village or township take the mark off first, then save again."
            )
            % {"reason": household.do_not_visit_reason},
            "household",
        )
    if campaign is not None:
        if campaign.state != Campaign.State.OPEN:
            message = (
                _("The campaign “%(name)s” is closed: no more visits can be recorded.")
                if campaign.state == Campaign.State.CLOSED
                else _("The campaign “%(name)s” has not been opened yet.")
            )
            raise Refusal("campaign_not_open", message % {"name": campaign.name}, "campaign")
        day = day_of(visited_at)
        if day < campaign.starts_on:
            raise Refusal(
                "before_campaign",
                _("The visit lies before the campaign began (%(day)s).") % {"day": campaign.starts_on},
                "visited_at",
            )
        if day > campaign.ends_on:
            raise Refusal(
                "after_campaign",
                _("The campaign ended on %(day)s: later visits do not belong to it.") % {"day": campaign.ends_on},
                "visited_at",
            )
    return visited_at


def _add_to_roster(campaign: Campaign, household: Household) -> Assignment:
    """Put a household the roster should have (imported yesterday, say) on it, locked; raise Refusal if out of scope."""
    if not households_in_scope(campaign).filter(pk=household.pk).exists():
        raise Refusal(
            "not_on_roster",
            _("This household does not take part in the campaign “%(name)s”.") % {"name": campaign.name},
            "campaign",
        )
    Assignment.objects.bulk_create([Assignment(campaign=campaign, household=household)], ignore_conflicts=True)
    return Assignment.objects.select_for_update(of=("self",)).get(campaign=campaign, household=household)


def _store(
    by: User,
    payload: VisitPayload,
    digest: str,
    household: Household,
    campaign: Campaign | None,
    assignment: Assignment | None,
    visited_at: datetime,
    now: datetime,
    clock_offset: timedelta | None,
) -> Visit:
    if payload.resident is not None and not Resident.objects.filter(pk=payload.resident, household=household).exists():
        raise Refusal("foreign_resident", _("This person does not belong to the household."), "resident")
    if payload.topics and Topic.objects.filter(pk__in=payload.topics).count() != len(payload.topics):
        raise Refusal("unknown_topic", _("One of the topics does not exist any more: open the page again."), "topics")
    post = access.post_of(by)
    assert post is not None
    epoch, is_late = None, False
    if assignment is not None:
        is_late = _standing(by, payload, assignment) == Standing.HELD_BEFORE
        handed_over = assignment.previous_visitor_id == by.pk and assignment.visitor_id != by.pk
        epoch = max(assignment.epoch - 1, 0) if handed_over else assignment.epoch
        epoch = payload.epoch if is_late else epoch
    visit = Visit.objects.create(
        uuid=payload.uuid,
        payload_hash=digest,
        household=household,
        campaign=campaign,
        standard=VisitStandard.objects.in_force(campaign, visited_at) if campaign else None,
        visitor=by,
        visitor_unit=post.unit,
        epoch=epoch,
        outcome=payload.outcome,
        visited_at=visited_at,
        time_band=band_of(visited_at),
        seconds=payload.seconds,
        received_at=now,
        clock_offset=None if clock_offset is None else round(clock_offset.total_seconds()),
        timing=dict(payload.timing),
        is_late=is_late,
        resident_id=payload.resident,
        met_other=payload.met_other,
        note=payload.note,
        help_given=payload.help_given,
        appointment_at=payload.appointment_at,
    )
    Visit.topics.through.objects.bulk_create(
        [Visit.topics.through(visit_id=visit.pk, topic_id=topic) for topic in payload.topics]
    )
    return visit


def _store_items(visit: Visit, items: Sequence[Item], *, by: User) -> list[str]:
    """Keep what was heard; each problem becomes an issue in the same transaction. Returns the issues' numbers."""
    codes = {item.category for item in items if item.category}
    categories = {category.code: category for category in Category.objects.filter(code__in=codes)} if codes else {}
    rows = []
    for number, item in enumerate(items):
        category = categories.get(item.category)
        if item.category and category is None:
            raise Refusal(
                "unknown_category",
                _("This kind of problem does not exist any more: choose another."),
                f"items.{number}.category",
            )
        row = VisitItem(visit=visit, kind=item.kind, category=category, text=item.text)
        if item.kind == VisitItem.Kind.PROBLEM:
            assert category is not None  # the payload demands it
            photo = item.photo or _photo_sent_apart(item, by, f"items.{number}.photo_sha256")
            photos = [SimpleUploadedFile("photo.jpg", photo, "image/jpeg")] if photo else []
            try:
                row.issue = issues.actions.open_issue(
                    by=by,
                    category=category,
                    kind=category.kind,
                    text=item.text,
                    place=visit.household.village,
                    household=visit.household,
                    campaign=visit.campaign,
                    is_urgent=item.is_urgent,
                    photos=photos,
                )
            except ValidationError as error:
                raise Refusal("bad_problem", " ".join(error.messages), f"items.{number}") from error
        rows.append(row)
    VisitItem.objects.bulk_create(rows)
    return [row.issue.number for row in rows if row.issue is not None]


def _photo_sent_apart(item: Item, by: User, where: str) -> bytes:
    if not item.photo_sha256:
        return b""
    content = photos_on_their_way.read(user=by.pk, digest=item.photo_sha256)
    if content is None:
        raise Refusal("photo_missing", _("The photo has not arrived yet: it is sent again before the visit."), where)
    digest = item.photo_sha256
    transaction.on_commit(lambda: photos_on_their_way.forget(user=by.pk, digest=digest))
    return content


def _queue_changes(household: Household, payload: VisitPayload, *, by: User) -> None:
    """Queue corrections to the roster for the clerk who decides on them."""
    named = {change.resident for change in payload.changes if change.resident is not None}
    if named and Resident.objects.filter(pk__in=named, household=household).count() != len(named):
        raise Refusal("foreign_resident", _("This person does not belong to the household."), "roster")
    ResidentChange.objects.bulk_create(
        ResidentChange(household=household, resident_id=change.resident, changes=dict(change.values), proposed_by=by)
        for change in payload.changes
    )
