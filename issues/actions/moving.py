"""Moving an issue on: the one door through which its state changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues import attachments, routing, workflow
from issues.actions import merging
from issues.actions.files import files_detail, new_files, store_files
from issues.actions.history import MAX_TEXT, append_event
from issues.actions.telling import tell_resident
from issues.actions.timing import limit_of, turn_clock
from issues.attachments import CleanFile
from issues.models import HelpingUnit, Issue, Outcome, Solvability, UpwardReport
from issues.workflow import Actor, Move, Request, State
from outreach import access, calendar
from outreach.models import Unit, User

MAX_WORKDAYS = 30  # of one extension
MAX_PAUSE_WORKDAYS = 120
# What a handler may choose; the others follow from the steps report_up, merge and close_not_content.
FINISH_OUTCOMES = (Outcome.SOLVED, Outcome.EXPLAINED, Outcome.NOT_ACCEPTED, Outcome.WITHDRAWN)
# Those who can take work on: the district itself decides and dispatches, or nobody could judge the result.
WORKING_KINDS = (Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE, Unit.Kind.DEPARTMENT)


# Those that say whether an issue can be solved at all: the holder's, and the review.
JUDGING_STEPS = ("finish", "answer_up", "verify")


class ConflictError(Exception):
    """Somebody else changed the issue since the page was loaded; nothing was written. The message is for people."""


@dataclass(frozen=True)
class Given:
    """What was filled in for a move; workflow.Move.required names these fields."""

    note: str = ""
    reason: str = ""
    outcome: str = ""
    solvability: str = ""
    unit: Unit | None = None
    main: Issue | None = None
    workdays: int | None = None
    until: date | None = None
    to_whom: str = ""
    document: str = ""


@transaction.atomic
def move_issue(
    *,
    issue: Issue,
    move: str,
    by: User | None,
    version: int,
    actor: str = Actor.STAFF,
    note: str = "",
    reason: str = "",
    outcome: str = "",
    solvability: str = "",
    unit: Unit | None = None,
    main: Issue | None = None,
    workdays: int | None = None,
    until: date | None = None,
    to_whom: str = "",
    document: str = "",
    evidence: Sequence[UploadedFile] = (),
) -> Issue:
    """Make one move of workflow.MOVES: the single write door for an issue's state. Returns the issue as it now is.

    `version` is the version the user saw; `evidence` are files, where the move takes any. `by` is None exactly where
    `actor` is the resident or the program. Raises ConflictError where the version is stale, PermissionDenied where the
    move is not for this user, ValidationError where the state or a guard does not allow it or a required field is
    missing or a file is refused.
    """
    step = workflow.BY_NAME.get(move)
    if step is None:
        raise ValidationError(_("There is no such step."))
    clean = clean_evidence(step, evidence)  # before the lock: making a picture anew takes its time
    if step.name in merging.MOVES:
        merging.lock_both(issue, main)
    locked = lock(issue)
    refusal = refusal_of(step, locked, by=by, actor=actor)
    # The right first: whoever may not take the step learns nothing of versions. The state last: after a stale version
    # "somebody was faster" is the truer answer than "not in this state".
    demand_right(refusal)
    demand_version(locked, version)
    if refusal is not None:
        raise ValidationError(str(refusal.label))
    given = Given(
        note=note.strip(),
        reason=reason,
        outcome=outcome,
        solvability=solvability,
        unit=unit,
        main=main,
        workdays=workdays,
        until=until,
        to_whom=to_whom.strip(),
        document=document.strip(),
    )
    check_move(step, locked, given)
    added = new_files(locked, clean)
    before, holder, now, merged_into = locked.state, locked.unit, timezone.now(), locked.merged_into
    apply_move(step, locked, given, by=by, at=now)
    if step.turns_clock:
        turn_clock(locked, at=now)
    locked.version += 1
    locked.save()
    event = append_event(
        locked,
        step.name,
        by=by,
        actor=actor,
        at=now,
        from_state=before,
        from_unit=holder,
        reason=given.reason,
        note=told_note(step, given),
        detail={**files_detail(added), **judgement(step, locked)},
    )
    store_files(event, added)
    tell_resident(locked, event)
    if step.name in merging.MOVES:
        merging.tell_main(step.name, main or merged_into, locked, by=by, at=now)
    return locked


def clean_evidence(step: Move, files: Sequence[UploadedFile]) -> list[CleanFile]:
    """Return the files as they are stored; ValidationError (evidence) where one is refused, or the step takes none."""
    if files and not step.can_attach:
        raise ValidationError({"evidence": _("This step takes no files.")})
    try:
        return attachments.clean_files(files)
    except ValidationError as error:
        raise ValidationError({"evidence": error.messages}) from error


def lock(issue: Issue) -> Issue:
    """Return `issue` fresh from the database, locked until the transaction ends, with what moves read of it."""
    return (
        Issue.objects.select_for_update(of=("self",))
        .select_related("place__parent", "unit__parent__parent", "done_by_unit", "category__parent")
        .get(pk=issue.pk)
    )


def demand_right(refusal: workflow.Refusal | workflow.Guard | None) -> None:
    """Raise PermissionDenied where `refusal` says that the step is not for this person, whatever the state."""
    if refusal in (workflow.Refusal.PERMISSION, workflow.Refusal.SIDE):
        raise PermissionDenied(str(refusal.label))


def demand_version(issue: Issue, version: int) -> None:
    """Raise ConflictError unless `issue`, locked, still is at the version the person saw."""
    if issue.version != version:
        raise ConflictError(
            _("Somebody else changed issue %(number)s in the meantime. Nothing was saved: look at it again.")
            % {"number": issue.number}
        )


def refusal_of(step: Move, issue: Issue, *, by: User | None, actor: str) -> workflow.Refusal | workflow.Guard | None:
    """Why the step is refused to `by`, or to the resident or program where the table names them; else None."""
    if actor == Actor.STAFF:
        return workflow.Refusal.PERMISSION if by is None else issue.refusal(step, by)
    if by is not None or actor not in step.actors:
        return workflow.Refusal.PERMISSION
    return issue.obstacle(step)


def apply_move(step: Move, issue: Issue, given: Given, *, by: User | None, at: datetime) -> None:
    """Set on `issue` (unsaved) what a checked move sets: state, holder, who and when."""
    post = access.post_of(by) if by else None
    if step.target is not None:
        issue.state = step.target
    if step.name == "grant":
        issue.extended_workdays += issue.requested_workdays or 0
    if issue.state != State.ACCEPTED or step.name in ("grant", "deny"):
        issue.request, issue.requested_workdays, requested_until = Request.NONE, None, issue.requested_until
        issue.requested_until = None
        if step.name == "pause":
            issue.paused_until = requested_until
    if issue.state != State.PAUSED:
        issue.paused_until = None
    match step.name:
        case "dispatch" | "arbitrate":
            assert given.unit is not None and post is not None
            dispatch(issue, unit=given.unit, why=routing.by_hand(post.unit, given.note), at=at)
            issue.is_bound = step.name == "arbitrate"
        case "accept":
            issue.accepted_at = at
        case "return":
            issue.returns += 1
            issue.unit = dispatcher_of(issue)
        case "appeal":
            issue.returns += 1
            issue.unit = routing.ancestor(issue.place, Unit.Kind.DISTRICT) or issue.unit
        case "restore" | "unmerge":
            go_back(issue)
        case "ask_time":
            issue.request, issue.requested_workdays = Request.TIME, given.workdays
        case "ask_pause":
            issue.request, issue.requested_until = Request.PAUSE, given.until
        case "finish":
            finish(issue, outcome=given.outcome, result=given.note, solvability=given.solvability, by=by, at=at)
        case "answer_up":
            finish(issue, outcome=Outcome.REPORTED, result=given.note, solvability=Solvability.ABOVE, by=by, at=at)
        case "verify":
            issue.verified_at, issue.verified_by = at, by
            issue.solvability = given.solvability or issue.solvability
        case "close" | "close_not_content":
            issue.closed_at, issue.closed_by = at, by
            if step.name == "close_not_content":
                issue.outcome = Outcome.NOT_ACCEPTED
        case "redo" | "redo_up":
            issue.outcome = ""
            issue.redos += 1
            issue.done_at = issue.done_by = issue.done_by_unit = None
            issue.verified_at = issue.verified_by = issue.closed_at = issue.closed_by = None
            if step.name == "redo_up":
                issue.unit = one_level_up(issue.unit)
                issue.is_bound = False
        case "merge":
            issue.merged_into, issue.outcome = given.main, Outcome.DUPLICATE
        case "supervise":
            issue.supervised_at, issue.supervised_by = at, by
        case "release":
            issue.supervised_at = issue.supervised_by = None
    apply_beside(step, issue, given, by=by, at=at)


def apply_beside(step: Move, issue: Issue, given: Given, *, by: User | None, at: datetime) -> None:
    """Write the rows beside the issue that a move makes or answers: more time, helping units, reports upward."""
    match step.name:
        case "ask_help":
            assert given.unit is not None and by is not None
            HelpingUnit.objects.create(issue=issue, unit=given.unit, asked_at=at, asked_by=by, question=given.note)
        case "answer_help":
            post = access.post_of(by) if by else None
            asked = issue.helping_units.filter(answered_at=None, unit=post.unit if post else None)
            asked.update(answered_at=at, answered_by=by, answer=given.note)
        case "report_up":
            assert by is not None
            UpwardReport.objects.create(
                issue=issue,
                unit=issue.unit,
                to_whom=given.to_whom,
                document=given.document,
                text=given.note,
                reported_at=at,
                reported_by=by,
            )
        case "answer_up" | "resume":
            issue.upward_reports.filter(answered_at=None).update(answered_at=at, answered_by=by, answer=given.note)


def dispatch(issue: Issue, *, unit: Unit, why: str, at: datetime) -> None:
    """Send `issue` to `unit`. The first dispatch starts the clock; a later one never gives more time."""
    issue.unit, issue.rule, issue.rule_text, issue.accepted_at = unit, None, why, None
    if issue.dispatched_at is None:
        issue.dispatched_at = at
        issue.limit_workdays = limit_of(category=issue.category, kind=issue.kind, is_urgent=issue.is_urgent)


def finish(issue: Issue, *, outcome: str, result: str, solvability: str, by: User | None, at: datetime) -> None:
    """Set what reporting done sets."""
    post = access.post_of(by) if by else None
    assert post is not None
    issue.outcome, issue.result = outcome, result
    issue.solvability = solvability or (Solvability.SOLVABLE if outcome == Outcome.SOLVED else issue.solvability)
    issue.done_at, issue.done_by, issue.done_by_unit = at, by, post.unit


def go_back(issue: Issue) -> None:
    """Put a merged or refused issue back where it stood before that step."""
    last = issue.events.filter(to_state=issue.state).exclude(from_state=issue.state).order_by("-pk").first()
    issue.state = last.from_state if last else State.NEW
    issue.merged_into, issue.outcome = None, ""


def dispatcher_of(issue: Issue) -> Unit:
    """Return the unit a returned issue goes back to: the one whose people sent it, else the township of the place, else
    the district. Never the unit that returns it."""
    by_hand = issue.events.filter(move__in=["dispatch", "arbitrate"]).order_by("-pk").select_related("by_unit").first()
    candidates = [by_hand.by_unit if by_hand else None, routing.ancestor(issue.place, Unit.Kind.TOWNSHIP)]
    district = routing.ancestor(issue.place, Unit.Kind.DISTRICT) or issue.place
    return next((unit for unit in candidates if unit and unit.is_active and unit.pk != issue.unit_id), district)


def one_level_up(unit: Unit) -> Unit:
    """Return the township or district above `unit`; itself where there is none."""
    node = unit.parent
    while node is not None and node.kind not in (Unit.Kind.TOWNSHIP, Unit.Kind.DISTRICT):
        node = node.parent
    return node or unit


def check_move(step: Move, issue: Issue, given: Given) -> None:
    """Raise ValidationError, keyed by field, for what `step` requires and is missing or wrong."""
    errors: dict[str, str] = {}
    if ("note" in step.required and not given.note) or len(given.note) > MAX_TEXT or "\x00" in given.note:
        errors["note"] = _("Write a note of at most %(count)d characters.") % {"count": MAX_TEXT}
    if step.reasons is not None and given.reason not in step.reasons.values:
        errors["reason"] = _("Choose a reason.")
    if "outcome" in step.required and given.outcome not in FINISH_OUTCOMES:
        errors["outcome"] = _("Choose how it ended.")
    elif step.name == "finish":
        wanted = workflow.OUTCOME_GUARDS.get(given.outcome, ())
        missing = [str(guard.label) for guard in wanted if not guard.holds(issue.facts)]
        errors |= {"outcome": " ".join(missing)} if missing else {}
    if given.solvability not in Solvability.values:
        errors["solvability"] = _("Choose one of the answers.")
    elif step.name == "finish" and given.outcome in FINISH_OUTCOMES[1:] and not given.solvability:
        errors["solvability"] = _("Say whether it can be solved at all.")
    elif is_revised(step, issue, given) and not given.note:
        errors["note"] = _("The holder judged it otherwise: write why.")
    if "unit" in step.required:
        errors |= unit_errors(step, issue, given.unit)
    if "main" in step.required:
        errors |= main_errors(issue, given.main)
    if "workdays" in step.required and (given.workdays is None or not 1 <= given.workdays <= MAX_WORKDAYS):
        errors["workdays"] = _("Ask for 1 to %(days)d working days.") % {"days": MAX_WORKDAYS}
    if "until" in step.required:
        today = timezone.localdate()
        last = calendar.add_workdays(today, MAX_PAUSE_WORKDAYS, calendar.overrides())
        if given.until is None or not today < given.until <= last:
            errors["until"] = _("Choose a day after today and not after %(day)s.") % {"day": last}
    if "to_whom" in step.required and (not given.to_whom or len(given.to_whom) > 100 or "\x00" in given.to_whom):
        errors["to_whom"] = _("Say to whom, in at most 100 characters.")
    if len(given.document) > 60 or "\x00" in given.document:
        errors["document"] = _("A document number has at most 60 characters.")
    if errors:
        raise ValidationError(errors)


def is_revised(step: Move, issue: Issue, given: Given) -> bool:
    """Does whoever verifies judge otherwise than the holder whether the issue can be solved?"""
    is_other = given.solvability not in ("", issue.solvability)
    return step.name == "verify" and issue.solvability != "" and is_other


def judgement(step: Move, issue: Issue) -> dict[str, str]:
    """Return what the step's detail says of whether `issue`, as it now is, can be solved; of judging steps alone."""
    if step.name not in JUDGING_STEPS or not issue.solvability:
        return {}
    return {"solvability": issue.solvability}


def unit_errors(step: Move, issue: Issue, unit: Unit | None) -> dict[str, str]:
    """Say what is wrong with the unit an issue is to go to, or that is to help."""
    if unit is None or not unit.is_active or unit.district_code != issue.place.district_code:
        return {"unit": _("Choose a unit of the district.")}
    if unit.kind not in WORKING_KINDS:
        return {"unit": _("The district itself handles no issues: choose a township, village or department.")}
    if step.name == "ask_help" and unit.pk == issue.unit_id:
        return {"unit": _("This unit holds the issue already.")}
    if step.name == "ask_help" and unit.code in issue.helper_codes:
        return {"unit": _("This unit was asked already and has not answered yet.")}
    if step.name == "dispatch" and unit.pk == issue.unit_id and issue.state == State.ASSIGNED:
        return {"unit": _("This unit holds the issue already.")}
    return {}


def main_errors(issue: Issue, main: Issue | None) -> dict[str, str]:
    """Say what is wrong with the issue another is to be merged into."""
    if main is None or main.place.district_code != issue.place.district_code:
        return {"main": _("Choose the issue it is to be merged into.")}
    if main.pk == issue.pk:
        return {"main": _("An issue cannot be merged into itself.")}
    if main.state in (State.MERGED, State.REFUSED):
        return {"main": _("That issue is merged or not taken up itself: choose the one it went into.")}
    if Issue.objects.filter(merged_into=issue).exists():
        return {"main": _("Others were merged into this issue: merge those first, or merge the other way round.")}
    return {}


def told_note(step: Move, given: Given) -> str:
    """Return the note of the history: what was filled in besides the note comes first, in the district's words."""
    parts = []
    if step.name == "ask_time":
        parts.append(_("%(days)d working days more.") % {"days": given.workdays or 0})
    if step.name == "ask_pause":
        parts.append(_("Until %(day)s.") % {"day": given.until})
    if step.name == "ask_help" and given.unit:
        parts.append(f"{given.unit.name}：")
    if step.name == "report_up":
        parts.append(f"{given.to_whom} {given.document}：")
    if step.name == "merge" and given.main:
        parts.append(f"→ {given.main.number}")
    return " ".join([*parts, given.note]).strip()[:MAX_TEXT]
