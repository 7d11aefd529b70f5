"""The write door of plans and tasks: writing a plan, handing out, reporting, judging, ending. Each step leaves a line
of history and tells those it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from issues.attachments import CleanFile
from outreach import access, audit
from outreach.access import Permission
from outreach.models import Campaign, Membership, Unit, User
from outreach.notify import notify
from reports.indicators import INDICATORS
from reports.models import TaskEvent, TaskReport, WorkFile, WorkPlan, WorkTask

Measure, State = WorkTask.Measure, WorkTask.State

MAX_TEXT = 2_000
MAX_TITLE = 200
MAX_REMARK = 500
MAX_FILES = 20
MAX_TASKS = 2_000  # of one plan
MAX_AMOUNT = Decimal(10) ** 9
# Beyond these no plan lies; counting working days up to the year 9999 would take a second for each task.
FIRST_DAY, LAST_DAY = date(2015, 1, 1), date(2045, 12, 31)


class ConflictError(Exception):
    """It is no longer as the user saw it; nothing was written. The message says so."""


@dataclass(frozen=True, slots=True)
class TaskContent:
    """What a task says. `person` is a post; its unit is the responsible unit."""

    title: str
    person: Membership
    due_on: date
    measure: str = Measure.DONE
    target: Decimal | None = None
    target_unit: str = ""
    indicator: str = ""
    starts_on: date | None = None
    detail: str = ""
    helpers: tuple[Unit, ...] = ()


def text_of(text: str, field: str, limit: int = MAX_TEXT, *, is_required: bool = True) -> str:
    """Return `text` without blanks around it; ValidationError (`field`) where it is empty or too long."""
    text = text.strip()
    if (is_required and not text) or len(text) > limit or "\x00" in text:
        raise ValidationError({field: _("Write 1 to %(count)d characters.") % {"count": limit}})
    return text


def check_days(first: date, last: date) -> None:
    """Raise ValidationError where the days are none a plan can have."""
    if not FIRST_DAY <= first <= LAST_DAY or not FIRST_DAY <= last <= LAST_DAY:
        raise ValidationError(_("Choose days between 2015 and 2045."))


def _save(row: Any) -> None:
    """Save after the constraints' own words were asked, so that a refusal by the database reads like a sentence."""
    row.validate_constraints()
    row.save()


@transaction.atomic
def save_plan(
    *,
    by: User,
    plan: WorkPlan | None = None,
    title: str,
    summary: str,
    campaign: Campaign | None,
    starts_on: date,
    ends_on: date,
    files: Sequence[CleanFile] = (),
) -> WorkPlan:
    """Write a plan or change one that is under way. Raises PermissionDenied, ValidationError."""
    access.demand(by, Permission.PLAN_EDIT)
    post = access.post_of(by)
    assert post is not None
    if post.unit.kind != Unit.Kind.DISTRICT:
        raise PermissionDenied(_("Plans are written by the district's office."))
    saved = WorkPlan(district=post.unit, created_by=by) if plan is None else _lock_plan(plan, by)
    check_days(starts_on, ends_on)
    if campaign is not None and campaign.district_id != saved.district_id:
        raise ValidationError({"campaign": _("Choose a campaign of the district.")})
    saved.title, saved.summary = text_of(title, "title", 100), text_of(summary, "summary", is_required=False)
    saved.campaign, saved.starts_on, saved.ends_on = campaign, starts_on, ends_on
    is_new = saved.pk is None
    _save(saved)
    for file in files:
        _store(file, by=by, plan=saved)
    audit.record("plan.create" if is_new else "plan.edit", saved, by=by, name=saved.title)
    return saved


def _lock_plan(plan: WorkPlan, by: User) -> WorkPlan:
    locked = WorkPlan.objects.select_for_update().get(pk=plan.pk)
    if not locked.is_run_by(by):
        raise PermissionDenied(_("Plans are written by the district's office."))
    if not locked.is_running:
        raise ValidationError(_("This plan is completed: nothing can be changed."))
    return locked


@transaction.atomic
def close_plan(*, plan: WorkPlan, by: User) -> WorkPlan:
    """Complete a plan. Raises PermissionDenied, ValidationError while a task is still to be done."""
    locked = _lock_plan(plan, by)
    left = WorkTask.objects.filter(plan=locked).alive().count()
    if left:
        raise ValidationError(
            _("%(count)d tasks are still under way: complete or cancel them first.") % {"count": left}
        )
    locked.state, locked.closed_at, locked.closed_by = WorkPlan.State.CLOSED, timezone.now(), by
    _save(locked)
    audit.record("plan.close", locked, by=by, name=locked.title)
    return locked


@transaction.atomic
def add_plan_files(*, plan: WorkPlan, by: User, files: Sequence[CleanFile]) -> int:
    """Attach documents to a plan; return how many were new. Raises PermissionDenied, ValidationError (files)."""
    locked = _lock_plan(plan, by)
    if not files:
        raise ValidationError({"files": _("Choose a file.")})
    return sum(_store(file, by=by, plan=locked) for file in files)


def _store(file: CleanFile, *, by: User, plan: WorkPlan | None = None, report: TaskReport | None = None) -> bool:
    there = WorkFile.objects.filter(plan=plan) if plan else WorkFile.objects.filter(report=report)
    if there.filter(sha256=file.sha256).exists():
        return False
    if there.count() >= MAX_FILES:
        raise ValidationError({"files": _("At most %(count)d files.") % {"count": MAX_FILES}})
    WorkFile.objects.create(
        plan=plan,
        report=report,
        **file.as_fields(),
        added_by=by,
    )
    return True


def _fill(task: WorkTask, content: TaskContent, *, by: User) -> None:
    """Put `content` into `task`, whose plan and parent are set. Raises ValidationError by field."""
    unit = content.person.unit
    plan, parent = task.plan, task.parent
    if unit.kind == Unit.Kind.DISTRICT or unit.district_code != plan.district.code or not unit.is_active:
        raise ValidationError({"person": _("Choose a person of a township, village or department of the district.")})
    if parent is not None and not unit.code.startswith(parent.unit.code):
        raise ValidationError({"person": _("A part of a task goes to the unit itself or one below it.")})
    starts_on = content.starts_on or (parent.starts_on if parent else plan.starts_on)
    check_days(starts_on, content.due_on)
    latest = parent.due_on if parent else plan.ends_on
    if content.due_on > latest:
        raise ValidationError(
            {"due_on": _("Choose a day up to %(day)s: what this is part of ends then.") % {"day": latest}}
        )
    if content.due_on < starts_on:
        raise ValidationError({"due_on": _("The due day must not lie before the start.")})
    target = content.target
    if content.measure == Measure.INDICATOR:
        if content.indicator not in INDICATORS:
            raise ValidationError({"indicator": _("Choose the figure the program counts.")})
        if plan.campaign_id is None:
            raise ValidationError(
                {"indicator": _("Figures are counted for a campaign: choose the plan's campaign first.")}
            )
    if content.measure == Measure.DONE:
        target = None
    elif target is None or not 0 < target < MAX_AMOUNT:
        raise ValidationError({"target": _("Enter the target, a number above 0.")})
    elif content.measure == Measure.PERCENT and target > 100:
        raise ValidationError({"target": _("A percentage is 100 at most.")})
    task.title, task.detail = (
        text_of(content.title, "title", MAX_TITLE),
        text_of(content.detail, "detail", is_required=False),
    )
    task.unit, task.person = unit, content.person
    task.starts_on, task.due_on, task.measure, task.target = starts_on, content.due_on, content.measure, target
    task.indicator = content.indicator if content.measure == Measure.INDICATOR else ""
    task.target_unit = "%" if content.measure == Measure.PERCENT else content.target_unit[:10]
    if content.measure == Measure.INDICATOR:
        task.target_unit = "%"


@transaction.atomic
def add_tasks(
    *, plan: WorkPlan, by: User, contents: Iterable[TaskContent], parent: WorkTask | None = None
) -> list[WorkTask]:
    """Hand out tasks, all or none: of the plan by its office, or parts of `parent` by the unit that has it.

    Raises PermissionDenied, ValidationError by field.
    """
    locked = WorkPlan.objects.select_for_update().select_related("district").get(pk=plan.pk)
    if not locked.is_running:
        raise ValidationError(_("This plan is completed: nothing can be changed."))
    if parent is None:
        if not locked.is_run_by(by):
            raise PermissionDenied(_("Tasks of a plan are handed out by the district's office."))
    elif not parent.is_done_by(by):
        raise PermissionDenied(_("Parts of a task are handed down by the unit that has it."))
    elif not parent.is_alive:
        raise ValidationError(_("This task is over: nothing can be handed down."))
    last = WorkTask.objects.filter(plan=locked).aggregate(last=Max("number"))["last"] or 0
    added = []
    for number, content in enumerate(contents, last + 1):
        if number > MAX_TASKS:
            raise ValidationError(_("A plan takes at most %(count)d tasks.") % {"count": MAX_TASKS})
        task = WorkTask(plan=locked, parent=parent, number=number, created_by=by)
        _fill(task, content, by=by)
        _save(task)
        task.helpers.set(content.helpers)
        _note(task, "open", by=by, before="", note=task.title)
        added.append(task)
    for task in added:
        _tell(task, "given", _("Task %(code)s is yours") % {"code": task.code}, users=[task.person.user_id], but=by)
    return added


# field → its name in the history
SHOWN = ("title", "unit", "person", "due_on", "starts_on", "target", "measure")


def _shown(task: WorkTask) -> dict[str, str]:
    values = {name: getattr(task, name) for name in SHOWN}
    values["person"] = task.person.user.name
    values["measure"] = task.get_measure_display()
    return {name: "" if value is None else str(value) for name, value in values.items()}


@transaction.atomic
def edit_task(*, task: WorkTask, by: User, content: TaskContent) -> WorkTask:
    """Change a task that is under way; the history keeps what it was. Raises PermissionDenied, ValidationError."""
    locked = _lock(task)
    if not locked.is_run_by(by):
        raise PermissionDenied(_("A task is changed by whoever handed it out."))
    _demand_alive(locked)
    before, unit_before = _shown(locked), locked.unit_id
    _fill(locked, content, by=by)
    if locked.unit_id != unit_before and WorkTask.objects.filter(parent=locked).exists():
        raise ValidationError({"person": _("Parts of this task are handed down already: it stays with its unit.")})
    _save(locked)
    locked.helpers.set(content.helpers)
    after = _shown(locked)
    changes = [
        [str(WorkTask._meta.get_field(name).verbose_name), before[name], after[name]]  # type: ignore[union-attr]
        for name in SHOWN
        if before[name] != after[name]
    ]
    _note(locked, "edit", by=by, before=locked.state, changes=changes)
    if before["person"] != after["person"] or unit_before != locked.unit_id:
        _tell(
            locked,
            f"given:{_steps(locked)}",
            _("Task %(code)s is yours") % {"code": locked.code},
            users=[locked.person.user_id],
            but=by,
        )
    return locked


@transaction.atomic
def report_task(
    *, task: WorkTask, by: User, text: str, amount: Decimal | None, is_final: bool, files: Sequence[CleanFile] = ()
) -> TaskReport:
    """Report on a task for its unit. Raises PermissionDenied, ConflictError where a report waits to be judged already,
    ValidationError by field."""
    locked = _lock(task)
    if not locked.is_done_by(by):
        raise PermissionDenied(_("The responsible unit reports on its task."))
    if locked.state == State.REPORTED:
        raise ConflictError(_("A report of this task waits to be judged already. Nothing was saved."))
    _demand_alive(locked)
    text = text_of(text, "text")
    if locked.measure in (Measure.DONE, Measure.INDICATOR):
        amount = None  # the program counts it, or there is nothing to count
    elif amount is None or not 0 <= amount < MAX_AMOUNT:
        raise ValidationError({"amount": _("Enter what is reached so far, a number from 0.")})
    elif locked.measure == Measure.PERCENT and amount > 100:
        raise ValidationError({"amount": _("A percentage is 100 at most.")})
    if is_final and WorkTask.objects.filter(parent=locked).filter(state__in=WorkTask.ALIVE).exists():
        raise ValidationError({"is_final": _("Parts of this task are still under way.")})
    post = access.post_of(by)
    assert post is not None
    report = TaskReport.objects.create(
        task=locked, by=by, by_unit=post.unit, text=text, amount=amount, is_final=is_final
    )
    for file in files:
        _store(file, by=by, report=report)
    before, locked.state = locked.state, State.REPORTED
    _save(locked)
    _note(locked, "report_final" if is_final else "report", by=by, before=before, note=_said(text, amount, locked))
    title = _("Task %(code)s: a report to be judged") % {"code": locked.code}
    _tell(locked, f"report:{report.pk}", title, users=_judges(locked), but=by)
    return report


def _said(text: str, amount: Decimal | None, task: WorkTask) -> str:
    return text if amount is None else f"{amount.normalize():f}{task.target_unit} · {text}"


@transaction.atomic
def judge_report(*, report: TaskReport, by: User, accept: bool, remark: str) -> WorkTask:
    """Accept a report or send it back with the reason; never the reporting unit itself.

    Raises PermissionDenied, ConflictError where it is judged already, ValidationError (remark).
    """
    locked = _lock(report.task)
    if not locked.is_run_by(by):
        raise PermissionDenied(_("The office that handed the task out judges its reports, never the unit itself."))
    post = access.post_of(by)
    assert post is not None
    held = TaskReport.objects.select_for_update().get(pk=report.pk, task=locked)
    if held.state != TaskReport.State.PENDING:
        raise ConflictError(_("This report is judged already. Nothing was saved."))
    if post.unit_id == held.by_unit_id or by.pk == held.by_id:
        raise PermissionDenied(_("The reporting unit never judges its own report."))
    held.remark = text_of(remark, "remark", MAX_REMARK, is_required=not accept)
    held.state = TaskReport.State.ACCEPTED if accept else TaskReport.State.RETURNED
    held.decided_at, held.decided_by, held.decided_by_unit = timezone.now(), by, post.unit
    _save(held)
    before, step = locked.state, "accept" if accept else "return"
    locked.state = State.RUNNING
    if accept and held.amount is not None:
        locked.reached = held.amount
    if accept and held.is_final:
        locked.state, locked.ended_at, locked.ended_by = State.DONE, timezone.now(), by
    _save(locked)
    _note(locked, step, by=by, before=before, note=held.remark)
    title = _("Task %(code)s: the report is accepted") if accept else _("Task %(code)s: the report is sent back")
    _tell(locked, f"judged:{held.pk}", title % {"code": locked.code}, users=[held.by_id, locked.person.user_id], but=by)
    return locked


@transaction.atomic
def finish_task(*, task: WorkTask, by: User, note: str) -> WorkTask:
    """Take a task as completed without a last report, such as one whose figure has reached its target.

    Raises PermissionDenied, ValidationError: over, a report waiting, parts under way.
    """
    return _end(task, by=by, state=State.DONE, step="finish", note=note)


@transaction.atomic
def cancel_task(*, task: WorkTask, by: User, note: str) -> WorkTask:
    """Cancel a task, with the reason. Raises PermissionDenied, ValidationError: over, no reason, parts under way."""
    return _end(task, by=by, state=State.CANCELLED, step="cancel", note=note)


def _end(task: WorkTask, *, by: User, state: str, step: str, note: str) -> WorkTask:
    locked = _lock(task)
    if not locked.is_run_by(by):
        raise PermissionDenied(_("A task is ended by whoever handed it out."))
    _demand_alive(locked)
    if locked.state == State.REPORTED:
        raise ValidationError(_("A report waits to be judged: accept it or send it back first."))
    if WorkTask.objects.filter(parent=locked).filter(state__in=WorkTask.ALIVE).exists():
        raise ValidationError(_("Parts of this task are still under way: end them first."))
    note = text_of(note, "note", MAX_REMARK)
    before = locked.state
    locked.state, locked.ended_at, locked.ended_by = state, timezone.now(), by
    _save(locked)
    _note(locked, step, by=by, before=before, note=note)
    title = _("Task %(code)s: %(state)s") % {"code": locked.code, "state": locked.get_state_display()}
    _tell(locked, f"ended:{_steps(locked)}", title, users=[locked.person.user_id], but=by)
    return locked


@transaction.atomic
def reopen_task(*, task: WorkTask, by: User, note: str) -> WorkTask:
    """Take up a completed or cancelled task again, with the reason. Raises PermissionDenied, ValidationError."""
    locked = _lock(task)
    if not locked.is_run_by(by):
        raise PermissionDenied(_("A task is ended by whoever handed it out."))
    if locked.is_alive:
        raise ValidationError(_("This task is under way."))
    if not locked.plan.is_running or (locked.parent is not None and not locked.parent.is_alive):
        raise ValidationError(_("What this task is part of is over: it cannot be taken up again."))
    note = text_of(note, "note", MAX_REMARK)
    before = locked.state
    locked.state, locked.ended_at, locked.ended_by = State.RUNNING, None, None
    _save(locked)
    _note(locked, "reopen", by=by, before=before, note=note)
    title = _("Task %(code)s is taken up again") % {"code": locked.code}
    _tell(locked, f"reopened:{_steps(locked)}", title, users=[locked.person.user_id], but=by)
    return locked


def _lock(task: WorkTask) -> WorkTask:
    rows = WorkTask.objects.select_for_update(of=("self",))
    return rows.select_related("plan__district", "unit", "person__user", "parent__unit").get(pk=task.pk)


def _demand_alive(task: WorkTask) -> None:
    if not task.is_alive:
        raise ValidationError(_("This task is over: nothing can be changed."))


def _note(
    task: WorkTask, step: str, *, by: User, before: str, note: str = "", changes: Sequence[Sequence[str]] = ()
) -> TaskEvent:
    post = access.post_of(by)
    assert post is not None
    return TaskEvent.objects.create(
        task=task,
        by=by,
        by_unit=post.unit,
        step=step,
        from_state=before,
        to_state=task.state,
        note=note,
        changes=[list(change) for change in changes],
    )


def _judges(task: WorkTask) -> set[int]:
    """Those who judge the reports of a task: the unit that handed it down, else the office."""
    if task.parent is not None and task.parent.unit_id != task.unit_id:
        return able(task.parent.unit_id, Permission.TASK_REPORT)
    return able(task.plan.district_id, Permission.PLAN_EDIT)


def able(unit: int, permission: Permission) -> set[int]:
    """The active people of a unit whose post allows `permission`. One query."""
    posts = Membership.objects.filter(unit=unit, user__is_active=True)
    return {
        user
        for role, grants, user in posts.values_list("role", "grants", "user")
        if permission in access.ROLE_PERMISSIONS[role] or permission in grants
    }


def _tell(task: WorkTask, what: str, title: str, *, users: Iterable[int], but: User) -> None:
    """Tell people in their day's one message; the title leaves the program and names no person and no content."""
    notify(
        kind="task",
        title=title,
        text=task.title,
        url=reverse("reports:task_detail", args=[task.pk]),
        key=f"task:{what}:{task.pk}",
        users=set(users) - {but.pk},
        in_digest=True,
    )


def _steps(task: WorkTask) -> int:
    return TaskEvent.objects.filter(task=task).count()
