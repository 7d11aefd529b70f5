"""The write door of issues: opening one, moving one on. Nothing else writes to Issue, IssueEvent or Attachment.

The steps of an issue are their own append-only history (IssueEvent, guarded by the database); they are not written to
the audit chain as well, whose lock would make all visitors of the district wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from households.models import Household
from issues import attachments, clock, routing, workflow
from issues.models import Attachment, Category, Issue, IssueEvent, Kind, KindLimit, Outcome, RoutingRule
from issues.workflow import State
from outreach import access, audit, calendar
from outreach.access import Permission
from outreach.models import Campaign, Unit, User

MAX_TEXT = 2000


class ConflictError(Exception):
    """Somebody else changed the issue since the page was loaded; nothing was written. The message is for people."""


@transaction.atomic
def open_issue(
    *,
    by: User,
    category: Category,
    kind: str,
    text: str,
    place: Unit,
    household: Household | None = None,
    campaign: Campaign | None = None,
    is_urgent: bool = False,
    photos: Sequence[UploadedFile] = (),
) -> Issue:
    """Record an issue, route it and give it a due day. Where a rule matches it is dispatched at once (assigned);
    else the township of the place holds it (new) until a person dispatches it.

    The caller has loaded `household` and `place` through `visible_to(by)`. Raises PermissionDenied without
    ISSUE_OPEN, ValidationError (keyed by argument) for what does not fit together.
    """
    access.demand(by, Permission.ISSUE_OPEN)
    text = text.strip()
    check_issue(
        category=category, kind=kind, text=text, place=place, household=household, campaign=campaign, photos=photos
    )
    try:
        clean = attachments.clean_photos(photos)
    except ValidationError as error:
        raise ValidationError({"photos": error.messages}) from error
    now = timezone.now()
    route = routing.choose(active_rules(), category=category, place=place, kind=kind, text=text)
    issue = Issue.objects.create(
        number=next_number(now),
        kind=kind,
        category=category,
        text=text,
        is_urgent=is_urgent,
        place=place,
        household=household,
        campaign=campaign,
        state=State.NEW if route.rule is None else State.ASSIGNED,
        unit=route.unit,
        rule=route.rule,
        rule_text=route.why,
        due_on=due_day(category=category, kind=kind, is_urgent=is_urgent, dispatched_on=timezone.localdate(now)),
        recorded_at=now,
        recorded_by=by,
        dispatched_at=None if route.rule is None else now,
    )
    append_event(issue, "open", by=by, at=now, from_state="", from_unit=None, note=route.why)
    for photo in clean:
        Attachment.objects.create(
            issue=issue,
            file=ContentFile(photo.content, name=f"{photo.sha256[:16]}.jpg"),
            content_type="image/jpeg",
            sha256=photo.sha256,
            size=len(photo.content),
            added_at=now,
            added_by=by,
        )
    return issue


@transaction.atomic
def move_issue(
    *, issue: Issue, move: str, by: User, note: str = "", outcome: str = "", unit: Unit | None = None, version: int
) -> Issue:
    """Make one move of workflow.MOVES: the single write door for an issue's state. Returns the issue as it now is.

    `version` is the version the user saw. Raises ConflictError where it is stale, PermissionDenied where the move is
    not for this user, ValidationError where the state does not allow it or a required field is missing.
    """
    step = workflow.BY_NAME.get(move)
    if step is None:
        raise ValidationError(_("There is no such step."))
    locked = (
        Issue.objects.select_for_update(of=("self",))
        .select_related("place", "unit", "done_by_unit", "category__parent")
        .get(pk=issue.pk)
    )
    # The right first: whoever may not take the step learns nothing of versions. The state last: after a stale version
    # "somebody was faster" is the truer answer than "not in this state".
    refusal = locked.refusal(step, by)
    if refusal in (workflow.Refusal.PERMISSION, workflow.Refusal.SIDE):
        raise PermissionDenied(refusal.label)
    if locked.version != version:
        raise ConflictError(
            _("Somebody else changed issue %(number)s in the meantime. Nothing was saved: look at it again.")
            % {"number": locked.number}
        )
    if refusal is not None:
        raise ValidationError(refusal.label)
    note = note.strip()
    check_move(step, locked, note=note, outcome=outcome, unit=unit)
    before, holder, now = locked.state, locked.unit, timezone.now()
    apply_move(step, locked, by=by, at=now, note=note, outcome=outcome, unit=unit)
    locked.version += 1
    locked.save()
    append_event(locked, step.name, by=by, at=now, from_state=before, from_unit=holder, note=note)
    return locked


def apply_move(
    step: workflow.Move, issue: Issue, *, by: User, at: datetime, note: str, outcome: str, unit: Unit | None
) -> None:
    """Set on `issue` (unsaved) what a checked move sets: state, holder, who and when, and the due day where the clock
    starts: at the first dispatch. Dispatching again never gives more time."""
    post = access.post_of(by)
    assert post is not None
    issue.state = step.target
    if step.name == "dispatch" and unit is not None:
        issue.unit = unit
        issue.rule, issue.rule_text = None, routing.by_hand(post.unit, note)
        if issue.dispatched_at is None:
            issue.due_on = due_day(
                category=issue.category,
                kind=issue.kind,
                is_urgent=issue.is_urgent,
                dispatched_on=timezone.localdate(at),
            )
            issue.dispatched_at = at
    elif step.name == "accept":
        issue.accepted_at = at
    elif step.name == "finish":
        issue.outcome, issue.result = outcome, note
        issue.done_at, issue.done_by, issue.done_by_unit = at, by, post.unit
    elif step.name == "close":
        issue.closed_at, issue.closed_by = at, by
    elif step.name == "redo":
        issue.outcome = ""
        issue.done_at = issue.done_by = issue.done_by_unit = None


def check_issue(
    *,
    category: Category,
    kind: str,
    text: str,
    place: Unit,
    household: Household | None,
    campaign: Campaign | None,
    photos: Sequence[UploadedFile],
) -> None:
    """Raise ValidationError, keyed by argument, for every part of a new issue that does not fit."""
    errors: dict[str, str] = {}
    if not text or len(text) > MAX_TEXT or "\x00" in text:
        errors["text"] = _("Write what the resident said, in at most %(count)d characters.") % {"count": MAX_TEXT}
    if kind not in Kind.values:
        errors["kind"] = _("Choose one of the kinds.")
    if not category.is_active:
        errors["category"] = _("This category is no longer in use. Choose another.")
    if not place.is_active or place.kind == Unit.Kind.DEPARTMENT:
        errors["place"] = _("Choose a place: a village, a township or the district.")
    if household is not None and household.village_id != place.pk:
        errors["household"] = _("The household does not belong to this place.")
    if campaign is not None and not place.code.startswith(campaign.district.code):
        errors["campaign"] = _("The campaign belongs to another district.")
    if errors:
        raise ValidationError(errors)


def check_move(step: workflow.Move, issue: Issue, *, note: str, outcome: str, unit: Unit | None) -> None:
    """Raise ValidationError, keyed by field, for what `step` requires and is missing or wrong."""
    errors: dict[str, str] = {}
    if ("note" in step.required and not note) or len(note) > MAX_TEXT or "\x00" in note:
        errors["note"] = _("Write a note of at most %(count)d characters.") % {"count": MAX_TEXT}
    if "outcome" in step.required and outcome not in Outcome.values:
        errors["outcome"] = _("Choose how it ended.")
    if "unit" in step.required:
        if unit is None or not unit.is_active or unit.district_code != issue.place.district_code:
            errors["unit"] = _("Choose a unit of the district.")
        elif unit.pk == issue.unit_id and issue.state != State.NEW:
            errors["unit"] = _("This unit holds the issue already.")
    if errors:
        raise ValidationError(errors)


def append_event(
    issue: Issue, move: str, *, by: User, at: datetime, from_state: str, from_unit: Unit | None, note: str
) -> IssueEvent:
    """Append one step to the history of `issue`, as it now is."""
    post = access.post_of(by)
    assert post is not None
    return IssueEvent.objects.create(
        issue=issue,
        at=at,
        by=by,
        by_unit=post.unit,
        move=move,
        from_state=from_state,
        to_state=issue.state,
        from_unit=from_unit,
        to_unit=issue.unit,
        note=note,
    )


def active_rules() -> list[RoutingRule]:
    """Load the rules in use, in order, with all that matching needs."""
    return list(RoutingRule.objects.filter(is_active=True).select_related("category", "area", "unit"))


def due_day(*, category: Category, kind: str, is_urgent: bool, dispatched_on: date) -> date:
    """Return the due day by today's limits and calendar."""
    return clock.due_on(
        dispatched_on=dispatched_on,
        kind=kind,
        category_limits=[node.workdays for node in category.path()],
        kind_limits={row.kind: (row.workdays, row.urgent_workdays) for row in KindLimit.objects.all()},
        is_urgent=is_urgent,
        table=calendar.overrides(),
    )


def next_number(now: datetime) -> str:
    """Return the next number: the year and a count that never repeats, 2026000123."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('issues_issue_number')")
        return f"{timezone.localdate(now).year}{cursor.fetchone()[0]:06d}"


@transaction.atomic
def log_export(*, by: User, filters: dict[str, str], rows: int) -> None:
    """Write to the audit trail that `by` took `rows` issues out of the program, and by which filters."""
    access.demand(by, Permission.ISSUE_EXPORT)
    audit.record("issue.export", "issues", by=by, filters=filters, rows=rows)


@transaction.atomic
def save_rule(*, rule: RoutingRule, by: User) -> RoutingRule:
    """Store a new or changed routing rule, already validated by its form; a new one goes to the end.

    Issues that were routed before stay where they are.
    """
    access.demand(by, Permission.ISSUE_SETUP)
    if rule.pk is None:
        last = RoutingRule.objects.aggregate(last=Max("sort_order"))["last"] or 0
        rule.sort_order = last + 10
    rule.save()
    audit.record("issue.rule_save", rule, by=by, rule=str(rule), is_active=rule.is_active)
    return rule


@transaction.atomic
def shift_rule(*, rule: RoutingRule, up: bool, by: User) -> None:
    """Let `rule` change places with its neighbour above or below; at either end nothing happens."""
    access.demand(by, Permission.ISSUE_SETUP)
    rules = list(RoutingRule.objects.select_for_update().order_by("sort_order", "pk"))
    index = [row.pk for row in rules].index(rule.pk)
    other = index - 1 if up else index + 1
    if not 0 <= other < len(rules):
        return
    rules[index], rules[other] = rules[other], rules[index]
    # numbered anew, because rules made elsewhere may share a number
    for number, row in enumerate(rules, 1):
        row.sort_order = number * 10
    RoutingRule.objects.bulk_update(rules, ["sort_order"])
    audit.record("issue.rule_shift", rule, by=by, rule=str(rule), up=up)
