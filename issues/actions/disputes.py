"""The write door of mediations: the risk, the parties, the sessions, the agreement and whether it is kept."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from households.models import Household
from issues import disputes
from issues.actions.history import append_event
from issues.models import DisputeParty, Issue, IssueEvent, Mediation, MediationSession, Risk
from issues.notices import tell_of_risk
from outreach import access, audit
from outreach.models import User

MAX_PARTIES = 20


def lock_dispute(issue: Issue) -> tuple[Issue, Mediation]:
    """Return the issue and its mediation, locked; a first touch makes the mediation."""
    locked = (
        Issue.objects.select_for_update(of=("self",)).select_related("place", "unit", "done_by_unit").get(pk=issue.pk)
    )
    mediation, _new = Mediation.objects.get_or_create(issue=locked)
    return locked, mediation


def note_step(issue: Issue, move: str, *, by: User, note: str = "") -> IssueEvent:
    """Append a step of the mediation to the issue's history. The note holds no word of what the parties said: more
    people read the history than may know the parties."""
    return append_event(issue, move, by=by, at=timezone.now(), from_state=issue.state, from_unit=issue.unit, note=note)


def demand(allowed: bool) -> None:
    """Raise PermissionDenied unless `allowed`."""
    if not allowed:
        raise PermissionDenied(_("This step is for the unit that holds the dispute and for the place's own units."))


@transaction.atomic
def rate_risk(*, issue: Issue, risk: str, note: str, by: User) -> Mediation:
    """Say how dangerous the dispute is. Raises PermissionDenied, ValidationError: no such level, high without signs."""
    locked, mediation = lock_dispute(issue)
    demand(disputes.may_rate(locked, by))
    if risk not in Risk.values:
        raise ValidationError({"risk": _("Choose one of the levels.")})
    if risk == Risk.HIGH and not note.strip():
        raise ValidationError({"note": _("Write which signs there are: threats, weapons, earlier violence.")})
    is_new_warning = risk == Risk.HIGH and mediation.risk != Risk.HIGH
    mediation.risk, mediation.risk_note = risk, note.strip()
    mediation.risk_at, mediation.risk_by = timezone.now(), by
    mediation.save()
    event = note_step(locked, "risk", by=by, note=str(Risk(risk).label))
    if is_new_warning:
        tell_of_risk(locked, by=by, key=f"risk:{event.pk}")
    return mediation


@transaction.atomic
def add_party(
    *, issue: Issue, by: User, side: str, name: str, contact: str, household: Household | None
) -> DisputeParty:
    """Add one who is at odds. The caller has loaded `household` through `visible_to(by)`. Raises PermissionDenied,
    ValidationError: too many."""
    locked, _mediation = lock_dispute(issue)
    demand(disputes.may_mediate(locked, by))
    if locked.parties.count() >= MAX_PARTIES:
        raise ValidationError(_("At most %(count)d parties.") % {"count": MAX_PARTIES})
    return DisputeParty.objects.create(
        issue=locked, side=side, name=name, contact=contact, household=household, added_by=by
    )


@transaction.atomic
def remove_party(*, party: DisputeParty, by: User) -> None:
    """Take out a party entered by mistake; after an agreement its parties stand. Raises PermissionDenied,
    ValidationError."""
    locked, mediation = lock_dispute(party.issue)
    demand(disputes.may_mediate(locked, by))
    if mediation.has_agreement:
        raise ValidationError(_("An agreement stands: its parties stay."))
    party.delete()


@transaction.atomic
def record_session(
    *,
    issue: Issue,
    by: User,
    held_at: datetime,
    place: str,
    mediators: str,
    attended: str,
    said: str,
    result: str,
) -> MediationSession:
    """Record one attempt. Raises PermissionDenied, ValidationError: in the future."""
    locked, _mediation = lock_dispute(issue)
    demand(disputes.may_mediate(locked, by))
    if held_at > timezone.now():
        raise ValidationError({"held_at": _("This is still to come. Record the session when it is over.")})
    post = access.post_of(by)
    assert post is not None
    session = MediationSession.objects.create(
        issue=locked,
        held_at=held_at,
        place=place,
        mediators=mediators,
        attended=attended,
        said=said,
        result=result,
        recorded_by=by,
        recorded_unit=post.unit,
    )
    note_step(locked, "session", by=by, note=str(MediationSession.Result(result).label))
    return session


@transaction.atomic
def record_agreement(
    *, issue: Issue, by: User, agreement: str, agreed_on: date, signed_by: str, perform_by: date | None
) -> Mediation:
    """Record what the parties agreed, or correct it while the dispute is open. Raises PermissionDenied and
    ValidationError: fewer than two parties, no session, a day that cannot be."""
    locked, mediation = lock_dispute(issue)
    demand(disputes.may_mediate(locked, by))
    errors: dict[str, str] = {}
    if locked.parties.count() < 2:
        errors["agreement"] = _("Enter both parties first.")
    elif not locked.sessions.exists():
        errors["agreement"] = _("Record the session first in which this was agreed.")
    if agreed_on > timezone.localdate():
        errors["agreed_on"] = _("This day is still to come.")
    if perform_by is not None and perform_by < agreed_on:
        errors["perform_by"] = _("It cannot be performed before it was agreed.")
    if errors:
        raise ValidationError(errors)
    mediation.agreement, mediation.agreed_on = agreement, agreed_on
    mediation.signed_by, mediation.perform_by = signed_by, perform_by
    # what was said of an earlier wording says nothing of this one
    mediation.is_performed = mediation.performance_at = mediation.performance_by = None
    mediation.performance_note = ""
    mediation.save()
    note_step(locked, "agreement", by=by)
    return mediation


@transaction.atomic
def record_performance(*, issue: Issue, by: User, is_performed: bool, note: str) -> Mediation:
    """Say whether the agreement was kept, whatever state the issue is in. Raises PermissionDenied, ValidationError:
    nothing was agreed, not kept without a word why."""
    locked, mediation = lock_dispute(issue)
    demand(disputes.may_follow_up(locked, by))
    if not mediation.has_agreement:
        raise ValidationError(_("Nothing was agreed yet."))
    if not is_performed and not note.strip():
        raise ValidationError({"note": _("Write what was not performed, and what happens next.")})
    mediation.is_performed, mediation.performance_note = is_performed, note.strip()
    mediation.performance_at, mediation.performance_by = timezone.now(), by
    mediation.save()
    note_step(locked, "performance", by=by, note=_("performed") if is_performed else _("not performed"))
    return mediation


@transaction.atomic
def log_paper(*, issue: Issue, paper: str, by: User) -> None:
    """Write to the audit trail that `by` took a paper with the parties' names out of the program."""
    audit.record("issue.mediation_paper", issue, by=by, paper=paper)


def content_of(issue: Issue) -> dict[str, Any]:
    """The mediation of an issue with its parties and sessions, for pages and papers; None where there is none yet."""
    return {
        "mediation": Mediation.objects.filter(issue=issue).select_related("risk_by", "performance_by").first(),
        "parties": list(issue.parties.select_related("household")),
        "sessions": list(issue.sessions.select_related("recorded_by", "recorded_unit")),
    }
