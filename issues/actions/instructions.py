"""The write door of difficult issues: the mark, the instruction, its answer, and that the leader took the answer."""

from __future__ import annotations

from datetime import date, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from issues import difficult, workflow
from issues.actions.history import MAX_TEXT, append_event
from issues.actions.moving import ConflictError
from issues.models import DifficultMark, Instruction, Issue
from issues.notices import tell_of_instruction
from outreach import access
from outreach.access import Permission
from outreach.models import Unit, User

MAX_REASON = 200
MAX_DAYS = 366


def lock(issue: Issue, by: User) -> Issue:
    """Return the issue locked, of those `by` sees; PermissionDenied where he does not."""
    rows = Issue.objects.visible_to(by).select_for_update(of=("self",))
    locked = rows.select_related("place__parent__parent", "unit__parent__parent").filter(pk=issue.pk).first()
    if locked is None:
        raise PermissionDenied(_("This issue is not in your reach."))
    return locked


def demand_alive(issue: Issue) -> None:
    """Raise ValidationError where the issue has ended."""
    if issue.state not in workflow.ALIVE_STATES:
        raise ValidationError(_("The issue has ended: there is nothing left to instruct."))


def clean(text: str, field: str, limit: int = MAX_TEXT) -> str:
    """Return `text` without blanks around it; ValidationError (`field`) where it is empty or too long."""
    text = text.strip()
    if not text or len(text) > limit or "\x00" in text:
        raise ValidationError({field: _("Write 1 to %(count)d characters.") % {"count": limit}})
    return text


def current_of(issue: Issue, seen: int | None) -> Instruction | None:
    """Return the newest instruction; ConflictError where it is not the one the user saw (None: saw none)."""
    newest = issue.instructions.filter(is_current=True).select_related("to_unit").first()
    if (newest.pk if newest else None) != seen:
        raise ConflictError(_("Somebody else wrote an instruction in the meantime. Nothing was saved: look again."))
    return newest


@transaction.atomic
def give_instruction(
    *, issue: Issue, by: User, text: str, to_unit: Unit | None, due_on: date | None, seen: int | None
) -> Instruction:
    """Write an instruction on `issue`; one on top of an earlier instruction takes its place as the current one.

    `seen` is the id of the current instruction the leader saw, None for none. Raises PermissionDenied, ConflictError
    where another came in between (a double click too), ValidationError by field.
    """
    access.demand(by, Permission.ISSUE_INSTRUCT)
    locked = lock(issue, by)
    earlier = current_of(locked, seen)
    demand_alive(locked)
    text = clean(text, "text")
    today = timezone.localdate()
    if to_unit is None or to_unit.pk not in {unit.pk for unit in difficult.units_for(locked)}:
        raise ValidationError({"to_unit": _("Choose the holder, a helping unit, or a unit above them.")})
    if due_on is None or not today <= due_on <= today + timedelta(days=MAX_DAYS):
        raise ValidationError({"due_on": _("Choose a day from today on, within a year.")})
    if earlier is not None:
        earlier.is_current = False
        earlier.save(update_fields=["is_current"])
    given = Instruction.objects.create(issue=locked, by=by, text=text, to_unit=to_unit, due_on=due_on)
    note = _("%(unit)s answers by %(day)s: %(text)s") % {"unit": to_unit.name, "day": due_on, "text": text}
    move = "instruct_again" if earlier is not None else "instruct"
    append_step(locked, move, by=by, note=note)
    tell_of_instruction(given, locked, "given", by=by)
    return given


@transaction.atomic
def answer_instruction(*, issue: Issue, by: User, answer: str, seen: int | None) -> Instruction:
    """Answer the current instruction on `issue`. Raises PermissionDenied, ConflictError where it is not the one that
    was seen or is answered already, ValidationError (answer)."""
    access.demand(by, Permission.ISSUE_HANDLE)
    locked = lock(issue, by)
    current = current_of(locked, seen)
    if current is None:
        raise ValidationError(_("There is no instruction to answer."))
    if not difficult.may_answer(current, by):
        raise PermissionDenied(_("The instruction is for another unit to answer."))
    if current.answered_at is not None:
        raise ConflictError(_("The instruction was answered in the meantime. Nothing was saved: look again."))
    current.answer = clean(answer, "answer")
    current.answered_at, current.answered_by = timezone.now(), by
    current.save(update_fields=["answer", "answered_at", "answered_by"])
    append_step(locked, "instruct_answer", by=by, note=current.answer)
    tell_of_instruction(current, locked, "answered", by=by)
    return current


@transaction.atomic
def settle_instruction(*, issue: Issue, by: User, seen: int | None) -> Instruction:
    """Take the answer to the current instruction as enough. Raises PermissionDenied, ConflictError where it is not the
    one that was seen or was settled already, ValidationError where there is no answer yet."""
    access.demand(by, Permission.ISSUE_INSTRUCT)
    locked = lock(issue, by)
    current = current_of(locked, seen)
    if current is None or current.answered_at is None:
        raise ValidationError(_("The unit has not answered yet."))
    if not difficult.may_settle(current, by, difficult.links_of(by)):
        raise PermissionDenied(_("Who wrote the instruction settles it, or a leader who answers for the unit."))
    if current.settled_at is not None:
        raise ConflictError(_("The instruction was settled in the meantime. Nothing was saved: look again."))
    current.settled_at, current.settled_by = timezone.now(), by
    current.save(update_fields=["settled_at", "settled_by"])
    append_step(locked, "instruct_settle", by=by, note="")
    tell_of_instruction(current, locked, "settled", by=by)
    return current


@transaction.atomic
def mark_difficult(*, issue: Issue, by: User, reason: str) -> DifficultMark:
    """Put `issue` on the list of difficult ones. Raises PermissionDenied, ConflictError where somebody did already,
    ValidationError (reason, or the issue has ended)."""
    access.demand(by, Permission.ISSUE_MARK_DIFFICULT)
    locked = lock(issue, by)
    demand_alive(locked)
    reason = clean(reason, "reason", MAX_REASON)
    if difficult.mark_of(locked) is not None:
        raise ConflictError(_("It is on the list of difficult issues already."))
    mark = DifficultMark.objects.create(issue=locked, reason=reason, marked_by=by)
    append_step(locked, "difficult", by=by, note=reason)
    return mark


@transaction.atomic
def unmark_difficult(*, issue: Issue, by: User) -> None:
    """Take a person's mark off again; what the rules say stands. Raises PermissionDenied, ConflictError where it is
    gone already."""
    access.demand(by, Permission.ISSUE_MARK_DIFFICULT)
    locked = lock(issue, by)
    mark = difficult.mark_of(locked)
    if mark is None:
        raise ConflictError(_("It was taken off the list already."))
    mark.delete()
    append_step(locked, "not_difficult", by=by, note="")


def append_step(issue: Issue, move: str, *, by: User, note: str) -> None:
    """Note the step in the issue's history; its state stays."""
    append_event(
        issue,
        move,
        by=by,
        at=timezone.now(),
        from_state=issue.state,
        from_unit=issue.unit,
        note=note[:MAX_TEXT],
    )
