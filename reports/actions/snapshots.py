"""Freezing scores, scoring them again, approving, publishing, withdrawing and revising them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from issues.models import Issue
from outreach import audit, calendar
from outreach.access import ROLE_PERMISSIONS, Permission, demand
from outreach.models import AuditEvent, Campaign, Membership, Unit, User
from outreach.notify import notify
from reports import facts, gathering, readings
from reports.models import Appeal, Scheme, Snapshot
from reports.models.snapshots import digest_of
from reports.schemes import SchemeContent
from reports.scoreboard import APPEAL_PREFIX
from reports.scoring import ENGINE, ENGINES, Adjustment, UnitReadings

FORMAT = 1
FIRST_ENGINE = 1  # of snapshots frozen before their engine was written down
MAX_DAYS = 800


def refuse(message: str) -> ValidationError:
    """Return the error that tells a person why nothing was done."""
    return ValidationError(message)


# ---- freezing


@transaction.atomic
def take(
    *, campaign: Campaign, scheme: Scheme, kind: str, first: date, last: date, by: User | None, today: date
) -> Snapshot:
    """Freeze the scores of `first` … `last` as of now, and return the draft. `by` None: the beat.

    Raises ValidationError where the scheme is not in force in the campaign, or the days cannot be scored.
    """
    if by is not None:
        demand(by, Permission.SNAPSHOT_MAKE)
    if scheme.campaign_id != campaign.pk or scheme.state != Scheme.State.PUBLISHED:
        raise refuse(_("Scores are frozen by a published scheme of the campaign. Publish the scheme first."))
    if last < first:
        raise refuse(_("The last day must not lie before the first."))
    if last > today:
        raise refuse(_("The last day must not lie in the future."))
    if (last - first).days > MAX_DAYS:
        raise refuse(_("Choose at most %(days)d days.") % {"days": MAX_DAYS})
    inputs = _read_inputs(campaign, scheme, first=first, last=last, today=today)
    return _freeze(campaign, scheme, kind=kind, first=first, last=last, by=by, inputs=inputs)


def _read_inputs(campaign: Campaign, scheme: Scheme, *, first: date, last: date, today: date) -> dict[str, Any]:
    """Return everything the scores are made of, as canonical JSON values."""
    hold_rollups()
    content = SchemeContent.from_json(scheme.content)
    judged_on = min(today, last + timedelta(days=1))  # what is late, is late as of the day after the last
    since = counted_since(first, campaign.starts_on)
    units = gathering.gather(campaign, content, first=since, last=last, today=judged_on)
    counts = readings.counts(campaign, first=since, last=last, today=judged_on)
    return {
        "format": FORMAT,
        "engine": ENGINE,
        "campaign": {
            "name": campaign.name,
            "starts_on": campaign.starts_on.isoformat(),
            "ends_on": campaign.ends_on.isoformat(),
        },
        "today": judged_on.isoformat(),
        "scheme": content.to_json(),
        "units": [unit.to_json() for unit in with_carried(units, campaign, first, last)],
        "counts": counts,
        "overdue": _overdue(campaign, judged_on),
        "overdue_here": _overdue_here(campaign, judged_on),
    }


def counted_since(first: date, starts_on: date) -> date | None:
    """Return from which day to read: None for all of the campaign so far, which is what the live ranking shows."""
    return None if first <= starts_on else first


def hold_rollups() -> None:
    """Work the dirty log off and let nobody count until the transaction ends, so that all figures are of one moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [facts.RECOUNT_LOCK])
    limit = 100_000
    while facts.refresh(limit) == limit:  # the lock is ours: a session may take it again
        pass


def _overdue(campaign: Campaign, today: date) -> dict[str, list[str]]:
    """Return the holding unit's code → numbers of its open issues past their due day, in order."""
    late = Issue.objects.running().filter(campaign=campaign, due_on__lt=today)
    found: dict[str, list[str]] = {}
    for code, number in late.order_by("unit__code", "number").values_list("unit__code", "number"):
        found.setdefault(code, []).append(number)
    return found


def _overdue_here(campaign: Campaign, today: date) -> dict[str, int]:
    """Return the code of the place → how many open issues past their due day arose there: of all days, also where the
    snapshot's own days are fewer."""
    late = Issue.objects.running().filter(campaign=campaign, due_on__lt=today)
    return dict(late.order_by("place__code").values_list("place__code").annotate(Count("pk")))


def with_carried(units: Iterable[UnitReadings], campaign: Campaign, first: date, last: date) -> list[UnitReadings]:
    """Add what earlier appeals were granted for good: of snapshots of the campaign whose days lie in first … last."""
    granted = Appeal.objects.filter(
        state=Appeal.State.GRANTED,
        carries=True,
        snapshot__campaign=campaign,
        snapshot__first__gte=first,
        snapshot__last__lte=last,
    )
    return _with_appeals(units, granted)


def _with_appeals(units: Iterable[UnitReadings], granted: Iterable[Appeal]) -> list[UnitReadings]:
    found: dict[str, list[Adjustment]] = {}
    for appeal in sorted(granted, key=lambda each: each.pk):
        assert appeal.points is not None
        note = _("appeal %(number)d") % {"number": appeal.pk}
        found.setdefault(appeal.unit.code, []).append(
            Adjustment(item=APPEAL_PREFIX + appeal.line, points=appeal.points, note=note, id=appeal.pk)
        )
    added = []
    for unit in units:
        known = {(each.item, each.id) for each in unit.adjustments}
        new = [each for each in found.get(unit.code, []) if (each.item, each.id) not in known]
        added.append(replace(unit, adjustments=(*unit.adjustments, *new)))
    return added


def engine_of(inputs: Mapping[str, Any]) -> int:
    """Return the number of the rules of arithmetic that scored `inputs`."""
    return int(inputs.get("engine", FIRST_ENGINE))


def result_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result that the frozen `inputs` give, by the rules they were frozen with where the program still has
    them, else by today's: nothing else is read."""
    content = SchemeContent.from_json(inputs["scheme"])
    score = ENGINES.get(engine_of(inputs), ENGINES[ENGINE])
    return score(content, [UnitReadings.from_json(unit) for unit in inputs["units"]]).to_json()


def _freeze(
    campaign: Campaign,
    scheme: Scheme,
    *,
    kind: str,
    first: date,
    last: date,
    by: User | None,
    inputs: dict[str, Any],
    revises: Snapshot | None = None,
    why: str = "",
) -> Snapshot:
    result = result_of(inputs)
    snapshot = Snapshot.objects.create(
        campaign=campaign,
        scheme=scheme,
        kind=kind,
        first=first,
        last=last,
        as_of=timezone.now() if revises is None else revises.as_of,
        inputs=inputs,
        result=result,
        digest=digest_of(inputs, result),
        taken_by=by,
        revises=revises,
        root_id=revises.first_of_line if revises else None,
        revision=_next_revision(revises) if revises else 0,
        revised_why=why,
    )
    audit.record(
        "snapshot.revise" if revises else "snapshot.take",
        snapshot,
        by=by,
        kind=kind,
        first=first.isoformat(),
        last=last.isoformat(),
        digest=snapshot.digest,
        reason=why,
    )
    return snapshot


def _next_revision(revises: Snapshot) -> int:
    line = Snapshot.objects.filter(root=revises.first_of_line)
    return 1 + max(line.values_list("revision", flat=True), default=0)


def take_daily(*, today: date) -> list[Snapshot]:
    """Freeze yesterday's state of every running campaign by each of its published schemes, once a working day.

    Returns what was taken; running it again takes nothing. On a day off, before the campaign's second day, and once it
    is over it does nothing.
    """
    if not calendar.is_workday(today):
        return []
    last = today - timedelta(days=1)
    taken = []
    schemes = Scheme.objects.filter(state=Scheme.State.PUBLISHED, campaign__state=Campaign.State.OPEN)
    for scheme in schemes.select_related("campaign__district").order_by("pk"):
        campaign = scheme.campaign
        if not campaign.starts_on <= last <= campaign.ends_on:
            continue
        daily = Snapshot.objects.filter(campaign=campaign, scheme=scheme, kind=Snapshot.Kind.DAILY, last=last)
        with transaction.atomic():
            # two beats at once: the second waits here and then finds the first's snapshot
            Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
            if not daily.exists():
                taken.append(
                    take(
                        campaign=campaign,
                        scheme=scheme,
                        kind=Snapshot.Kind.DAILY,
                        first=campaign.starts_on,
                        last=last,
                        by=None,
                        today=today,
                    )
                )
    return taken


# ---- proving


def differences(snapshots: Iterable[Snapshot] | None = None) -> Iterator[str]:
    """Score every snapshot again from its frozen inputs and yield a line for each that is not what it was."""
    return (line for line, is_fault in compare(snapshots) if is_fault)


def compare(snapshots: Iterable[Snapshot] | None = None) -> Iterator[tuple[str, bool]]:
    """Score every snapshot again and yield for each that differs a line, and whether it is a fault.

    No fault: the program no longer has the rules the snapshot was frozen with, and its contents have their digest; so
    nobody changed it, it can only not be shown again.
    """
    rows = Snapshot.objects.order_by("pk").iterator(chunk_size=20) if snapshots is None else snapshots
    for snapshot in rows:
        if not snapshot.is_intact:
            yield f"snapshot {snapshot.pk}: its contents do not have the digest {snapshot.digest}", True
            continue
        try:
            engine = engine_of(snapshot.inputs)
            if engine not in ENGINES:
                # of rules that never were, nobody froze anything
                is_fault = not FIRST_ENGINE <= engine < ENGINE
                yield f"snapshot {snapshot.pk}: engine changed from {engine} to {ENGINE}; its digest holds", is_fault
                continue
            again = digest_of(snapshot.inputs, result_of(snapshot.inputs))
        except Exception as error:  # whatever breaks: the answer is that it cannot be shown to be right
            yield f"snapshot {snapshot.pk}: cannot be scored again: {type(error).__name__}", True
            continue
        if again != snapshot.digest:
            yield f"snapshot {snapshot.pk}: scored again it gives {again}, not {snapshot.digest}", True


HELD, BROKEN = "snapshot.replay", "snapshot.replay_failed"


def prove() -> list[str]:
    """Score all snapshots again, write the outcome to the audit trail, and return a line for each that differs."""
    lines = list(differences())
    with transaction.atomic():
        audit.record(
            BROKEN if lines else HELD,
            "reports.snapshot",
            by=None,
            snapshots=Snapshot.objects.count(),
            faults=len(lines),
        )
    return lines


def last_proof_failed() -> bool:
    """Say whether the last proof found something: the alarm."""
    last = AuditEvent.objects.filter(action__in=[HELD, BROKEN]).order_by("-pk").values_list("action", flat=True)
    return last.first() == BROKEN


# ---- approving, publishing, withdrawing, revising


def _locked(snapshot: Snapshot) -> Snapshot:
    return Snapshot.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign").get(pk=snapshot.pk)


@transaction.atomic
def approve(*, snapshot: Snapshot, by: User) -> None:
    """Approve a draft. Raises ValidationError where it is none, or `by` took it."""
    demand(by, Permission.SNAPSHOT_APPROVE)
    row = _locked(snapshot)
    if row.state != Snapshot.State.DRAFT:
        raise refuse(_("Only a draft can be approved. Reload the page to see where it stands."))
    if row.taken_by_id == by.pk:
        raise refuse(_("Somebody else than who took the snapshot must approve it."))
    row.state, row.approved_at, row.approved_by = Snapshot.State.APPROVED, timezone.now(), by
    row.save(update_fields=["state", "approved_at", "approved_by"])
    audit.record("snapshot.approve", row, by=by, digest=row.digest)


@transaction.atomic
def publish(*, snapshot: Snapshot, by: User, today: date) -> None:
    """Publish an approved snapshot, begin the days of appeal, and tell the units.

    Raises ValidationError where it is not approved, or the snapshot it revises is not published.
    """
    demand(by, Permission.SNAPSHOT_APPROVE)
    row = _locked(snapshot)
    if row.state != Snapshot.State.APPROVED:
        raise refuse(_("Only an approved snapshot can be published."))
    row.state, row.published_at, row.published_by = Snapshot.State.PUBLISHED, timezone.now(), by
    row.appeals_until = calendar.add_workdays(today, settings.APPEAL_WORKDAYS)
    row.save(update_fields=["state", "published_at", "published_by", "appeals_until"])
    codes = [unit["code"] for group in row.result["groups"] for unit in group["units"]]
    title = _("%(name)s are published. Appeals until %(day)s.") % {"name": row.title, "day": row.appeals_until}
    tell_units(codes, kind="scores", title=title, key=f"snapshot:{row.pk}:published", url=score_url(row))
    audit.record("snapshot.publish", row, by=by, digest=row.digest)


@transaction.atomic
def withdraw(*, snapshot: Snapshot, why: str, by: User) -> None:
    """Take a snapshot out of force, with the reason; it stays in its line of revisions.

    Raises ValidationError without a reason, where it is withdrawn already, or where a revision of it stands.
    """
    demand(by, Permission.SNAPSHOT_APPROVE if snapshot.published_at else Permission.SNAPSHOT_MAKE)
    row = _locked(snapshot)
    if not why.strip():
        raise refuse(_("Say why it is withdrawn."))
    if row.state == Snapshot.State.WITHDRAWN:
        raise refuse(_("It is withdrawn already."))
    if row.revisions.standing().exists():
        raise refuse(_("A revision of it stands. Withdraw the revision first."))
    was_published = row.state == Snapshot.State.PUBLISHED
    row.state, row.withdrawn_at, row.withdrawn_by = Snapshot.State.WITHDRAWN, timezone.now(), by
    row.withdrawn_why = why.strip()
    row.save(update_fields=["state", "withdrawn_at", "withdrawn_by", "withdrawn_why"])
    if was_published:
        codes = [unit["code"] for group in row.result["groups"] for unit in group["units"]]
        title = _("%(name)s are withdrawn.") % {"name": row.title}
        tell_units(codes, kind="scores", title=title, key=f"snapshot:{row.pk}:withdrawn", url=score_url(row))
    audit.record("snapshot.withdraw", row, by=by, reason=row.withdrawn_why)


@transaction.atomic
def revise(*, snapshot: Snapshot, why: str, by: User) -> Snapshot:
    """Freeze a revision of a published snapshot and return the draft: its frozen inputs, with the appeals granted.

    The data of the old one are not read again: what changes is what was decided. Raises ValidationError where it is
    not published, a revision of it stands, there is no reason, or no granted appeal would change anything.
    """
    demand(by, Permission.SNAPSHOT_MAKE)
    row = _locked(snapshot)
    if row.state != Snapshot.State.PUBLISHED:
        raise refuse(_("Only a published snapshot is revised. Withdraw the draft and take it again."))
    if row.revisions.standing().exists():
        raise refuse(_("A revision of it stands already."))
    if not why.strip():
        raise refuse(_("Say why it is revised."))
    granted = Appeal.objects.filter(snapshot=row, state=Appeal.State.GRANTED).select_related("unit")
    units = [UnitReadings.from_json(unit) for unit in row.inputs["units"]]
    engine = engine_of(row.inputs)
    inputs = {**row.inputs, "units": [unit.to_json() for unit in _with_appeals(units, granted)]}
    if inputs == row.inputs:
        raise refuse(_("No granted appeal waits to be worked in, so the revision would be the same."))
    inputs["engine"] = engine if engine in ENGINES else ENGINE
    return _freeze(
        row.campaign,
        row.scheme,
        kind=row.kind,
        first=row.first,
        last=row.last,
        by=by,
        inputs=inputs,
        revises=row,
        why=why.strip(),
    )


# ---- telling


def score_url(snapshot: Snapshot) -> str:
    """Return where the snapshot's ranking stands."""
    return reverse("reports:scores", args=[snapshot.pk])


def tell_units(codes: Iterable[str], *, kind: str, title: str, key: str, url: str, also: Iterable[int] = ()) -> None:
    """Tell the people of the units who may appeal, the units' groups, and the people `also` names by id."""
    units = list(Unit.objects.filter(code__in=set(codes)).values_list("pk", flat=True))
    roles = [role for role, may in ROLE_PERMISSIONS.items() if Permission.APPEAL_FILE in may]
    posts = Membership.objects.filter(unit__in=units, role__in=roles, user__is_active=True)
    people = {*posts.values_list("user_id", flat=True), *also}
    notify(kind=kind, title=title, url=url, key=key, users=people, units=units)
