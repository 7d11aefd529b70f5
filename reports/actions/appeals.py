"""What a unit says against a line of its published score, and the decision on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from issues.attachments import ENDINGS, CleanFile
from outreach import access, audit
from outreach.access import ROLE_PERMISSIONS, Permission, demand
from outreach.models import Membership, Unit, User
from outreach.notify import notify
from reports.actions.snapshots import tell_units
from reports.models import Appeal, AppealFile, Snapshot

MAX_POINTS = Decimal(100)


@transaction.atomic
def file_appeal(
    *,
    snapshot: Snapshot,
    unit: Unit,
    line: str,
    statement: str,
    files: Sequence[CleanFile],
    by: User,
    today: date,
) -> Appeal:
    """File `unit`'s appeal against a line of its score and tell the district's deciders.

    Raises ValidationError where the days of appeal are over, the unit has no such line, it lies outside the filer's
    reach, nothing is said, or the line was appealed against already.
    """
    demand(by, Permission.APPEAL_FILE)
    row = Snapshot.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign").get(pk=snapshot.pk)
    if not may_file(by, unit):
        raise ValidationError(_("You may appeal for your own unit and those below it alone."))
    if not row.takes_appeals(today):
        raise ValidationError(_("Appeals against these scores can no longer be filed."))
    group = row.group_of(unit.code)
    scored = next((each for each in group.units if each.code == unit.code), None) if group else None
    if scored is None or scored.line(line) is None:
        raise ValidationError(_("The unit's score has no such line. Open the score again and choose the line there."))
    if not statement.strip():
        raise ValidationError(_("Say what is wrong and why."))
    if Appeal.objects.filter(snapshot=row, unit=unit, line=line).exists():
        raise ValidationError(_("The unit has already appealed against this line of this snapshot."))
    appeal = Appeal.objects.create(snapshot=row, unit=unit, line=line, statement=statement.strip(), filed_by=by)
    for number, each in enumerate(files, 1):
        name = each.name or f"{appeal.pk}-{number}.{ENDINGS[each.content_type]}"
        AppealFile.objects.create(appeal=appeal, **each.as_fields() | {"name": name})
    roles = [role for role, may in ROLE_PERMISSIONS.items() if Permission.SCORE_DECIDE in may]
    posts = Membership.objects.filter(
        role__in=roles, user__is_active=True, unit__code=unit.district_code
    )  # whoever sits in the district is outside every unit that is ranked
    notify(
        kind="appeal",
        title=_("%(unit)s appeals against a line of its score") % {"unit": unit.name},
        url=appeal_url(appeal),
        key=f"appeal:{appeal.pk}:filed",
        users=set(posts.values_list("user_id", flat=True)) - {by.pk},
        in_digest=True,
    )
    audit.record("appeal.file", appeal, by=by, unit=unit.code, line=line, files=len(files))
    return appeal


def may_file(user: User, unit: Unit) -> bool:
    """Say whether `user` may appeal for `unit`: his own unit, or one below it that is no department of a district."""
    post = access.post_of(user)
    if post is None or not access.has_permission(user, Permission.APPEAL_FILE):
        return False
    return unit.code.startswith(post.unit.code) and len(post.unit.code) > 6


def may_decide(user: User, unit: Unit) -> bool:
    """Say whether `user` may decide an appeal of `unit`: one whose post lies outside it and above it."""
    post = access.post_of(user)
    if post is None or not access.has_permission(user, Permission.SCORE_DECIDE):
        return False
    return unit.code.startswith(post.unit.code) and post.unit.code != unit.code


@transaction.atomic
def decide_appeal(
    *, appeal: Appeal, granted: bool, decision: str, points: Decimal | None, carries: bool, by: User
) -> None:
    """Grant an appeal with the marks the line gains or loses, or refuse it, with reasons; tell the unit.

    The published score stays as it is: a revision works the marks in. Raises ValidationError where it is decided
    already, `by` filed it or sits in the unit, reasons are missing, or the marks do not fit.
    """
    demand(by, Permission.SCORE_DECIDE)
    row = Appeal.objects.select_for_update(of=("self",)).select_related("unit", "snapshot").get(pk=appeal.pk)
    if row.state != Appeal.State.FILED:
        raise ValidationError(_("It is decided already. Reload the page to see the decision."))
    post = access.post_of(by)
    if post is None or not may_decide(by, row.unit) or row.filed_by_id == by.pk:
        raise ValidationError(_("An appeal is decided outside the unit that filed it, and not by who filed it."))
    if not decision.strip():
        raise ValidationError(_("Give the reasons of the decision: the unit reads them."))
    if granted and (points is None or not points or abs(points) > MAX_POINTS or points != round(points, 2)):
        raise ValidationError(_("Enter the marks the line gains, with at most 2 decimals, such as 0.50."))
    row.state = Appeal.State.GRANTED if granted else Appeal.State.REFUSED
    row.decision, row.points, row.carries = decision.strip(), points if granted else None, carries and granted
    row.decided_at, row.decided_by, row.decided_in = timezone.now(), by, post.unit
    row.save(update_fields=["state", "decision", "points", "carries", "decided_at", "decided_by", "decided_in"])
    outcome = _("granted") if granted else _("refused")
    tell_units(
        [row.unit.code],
        kind="appeal",
        title=_("The appeal of %(unit)s is decided: %(outcome)s") % {"unit": row.unit.name, "outcome": outcome},
        key=f"appeal:{row.pk}:decided",
        url=appeal_url(row),
        also={row.filed_by_id},
    )
    audit.record("appeal.decide", row, by=by, unit=row.unit.code, line=row.line, granted=granted, points=str(points))


def appeal_url(appeal: Appeal) -> str:
    """Return where the appeal stands."""
    return reverse("reports:appeal_detail", args=[appeal.pk])
