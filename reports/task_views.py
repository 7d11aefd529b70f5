"""Pages of tasks: the board, the export, one task with its reports and history, and the steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues.attachments import clean_files
from issues.file_views import hand_out
from outreach.access import Permission, acting, require
from outreach.models import Unit
from reports import task_board, task_due, task_exports
from reports.actions import plans as plan_actions
from reports.actions.plans import ConflictError
from reports.indicators import INDICATORS
from reports.models import TaskReport, WorkFile, WorkPlan, WorkTask
from reports.pace import Light
from reports.plan_forms import CODE, EndForm, JudgeForm, ReportForm, TaskFilterForm, TaskForm, initial_of
from reports.plan_views import load_plan, put_errors

PAGE_ROWS = 50
VIEWS = {"unit": gettext_lazy("By unit"), "plan": gettext_lazy("By plan"), "list": gettext_lazy("All tasks")}
STEPS = {
    "open": gettext_lazy("Handed out"),
    "edit": gettext_lazy("Changed"),
    "report": gettext_lazy("Reported"),
    "report_final": gettext_lazy("Reported as completed"),
    "accept": gettext_lazy("Report accepted"),
    "return": gettext_lazy("Report sent back"),
    "finish": gettext_lazy("Taken as completed"),
    "cancel": gettext_lazy("Cancelled"),
    "reopen": gettext_lazy("Taken up again"),
}
STEP_TONES = {"accept": "good", "finish": "good", "return": "warn", "cancel": "neutral", "reopen": "warn"}
MARKS = {
    WorkTask.State.RUNNING: ("accent", ""),
    WorkTask.State.REPORTED: ("warn", "clock"),
    WorkTask.State.DONE: ("good", "check-circle"),
    WorkTask.State.CANCELLED: ("neutral", "ban"),
}


def load_task(request: HttpRequest, pk: int) -> WorkTask:
    """Return the task the user may see, or raise Http404."""
    rows = WorkTask.objects.visible_to(request.user).with_names().select_related("plan__district", "created_by")
    return get_object_or_404(rows, pk=pk)


def filtered(request: HttpRequest, data: Mapping[str, str]) -> tuple[TaskFilterForm, list[task_board.Line]]:
    """Read the filters; return them with the tasks they leave, each with its light."""
    user = acting(request)
    plans = WorkPlan.objects.visible_to(user)
    units = Unit.objects.visible_to(user).active().exclude(kind=Unit.Kind.DISTRICT)
    form = TaskFilterForm(data, plans=plans, units=units)
    tasks = WorkTask.objects.visible_to(user).with_names()
    plan, unit, words, light = (form.value(name) for name in ("plan", "unit", "q", "light"))
    tasks = tasks.filter(plan=plan) if plan else tasks.filter(plan__state=WorkPlan.State.RUNNING)
    if unit:
        tasks = task_due.of_unit(tasks, unit)
    if words:
        words = words.strip()
        tasks = tasks.filter(Q(title__icontains=words) | Q(person__user__name__icontains=words))
    if light == "to_judge":
        tasks = tasks.filter(state=WorkTask.State.REPORTED)
    rows = tasks.order_by("-plan__starts_on", "-plan", "number")[: task_board.MAX_TASKS]
    lines = task_board.lines(rows, timezone.localdate())
    if light == task_due.SOON:
        today = timezone.localdate()
        until = task_due.soon_until(today)
        lines = [line for line in lines if task_due.is_soon(line, today, until)]
    elif light and light != "to_judge":
        lines = [line for line in lines if line.pace.light == light]
    return form, lines


@require(Permission.PLAN_VIEW)
@require_GET
def task_list(request: HttpRequest) -> HttpResponse:
    """The board of tasks: by unit, by plan, or each by itself, with filters."""
    form, lines = filtered(request, request.GET)
    view = request.GET.get("view", "")
    view = view if view in VIEWS else "unit"
    asked = {name: request.GET.get(name, "").replace("\x00", "") for name in ("q", "plan", "unit", "light")}
    asked = {name: value[:50] for name, value in asked.items() if value}
    # the most urgent first; the sort is stable, so the plan's order stands inside
    order = list(Light)
    ranked = sorted(lines, key=lambda line: (order.index(line.pace.light), line.task.due_on))
    sums = task_board.by_plan(lines) if view == "plan" else task_board.by_unit(lines)
    page = Paginator(ranked if view == "list" else sums, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "view": view,
        "asked": asked,
        "query": urlencode(asked),
        "tabs": [
            {"url": "?" + urlencode({**asked, "view": name}), "label": label, "current": name == view}
            for name, label in VIEWS.items()
        ],
        "total": task_board.Sum(0, "", lines),
        "page": page,
        "is_capped": len(lines) >= task_board.MAX_TASKS,
    }
    return render(request, "reports/plans/board.html", context)


@require(Permission.PLAN_VIEW)
@require_POST
def task_export(request: HttpRequest) -> HttpResponse:
    """The tasks as filtered, as .xlsx. A POST, because the export is written to the audit trail."""
    _form, lines = filtered(request, request.POST)
    content = task_exports.export(lines=lines, by=acting(request))
    response = HttpResponse(content, content_type=task_exports.CONTENT_TYPE)
    name = f"{_('Task ledger')} {timezone.localdate():%Y-%m-%d}.xlsx"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    return response


@require(Permission.PLAN_VIEW)
@require_GET
def task_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One task: how far it is, its reports and their evidence, its parts, its history, and the steps one may take."""
    return render_task(request, load_task(request, pk))


def render_task(
    request: HttpRequest,
    task: WorkTask,
    *,
    status: int = 200,
    refusal: str = "",
    report_form: ReportForm | None = None,
    judge_form: JudgeForm | None = None,
    end_form: EndForm | None = None,
) -> HttpResponse:
    """Render the page of a task; a form given is one that was sent and refused."""
    user, today = acting(request), timezone.localdate()
    [line] = task_board.lines([task], today)
    parts = WorkTask.objects.visible_to(user).filter(parent=task).with_names().order_by("number")
    reports = list(
        task.reports.select_related("by", "by_unit", "decided_by", "decided_by_unit").prefetch_related("files")
    )
    pending = next((report for report in reports if report.state == TaskReport.State.PENDING), None)
    may_run, may_report = task.is_run_by(user), task.is_done_by(user)
    tone, icon = MARKS[WorkTask.State(task.state)]
    context: dict[str, Any] = {
        "task": task,
        "line": line,
        "state": {"tone": tone, "icon": icon},
        "indicator": INDICATORS.get(task.indicator),
        "helpers": list(task.helpers.order_by("sort_order", "code")),
        "sees_parent": task.parent is not None and task.parent.unit.code.startswith(user_code(request)),
        "parts": task_board.lines(parts, today),
        "reports": [
            {"report": report, "tone": {"accepted": "good", "returned": "warn"}.get(report.state, "info")}
            for report in reports
        ],
        "events": [
            {"event": event, "title": STEPS.get(event.step, event.step), "tone": STEP_TONES.get(event.step, "neutral")}
            for event in task.events.select_related("by", "by_unit")
        ],
        "states": dict(WorkTask.State.choices),
        "refusal": refusal,
        "pending": pending if may_run else None,
        "may_edit": may_run and task.is_alive,
        "may_hand_down": may_report and task.is_alive,
        "waits": may_report and pending is not None,
    }
    if may_report and task.state == WorkTask.State.RUNNING:
        context["report_form"] = report_form or ReportForm(task=task)
    if may_run and pending is not None:
        context["judge_form"] = judge_form or JudgeForm()
    if may_run and pending is None:
        context["end_form"] = end_form or EndForm()
        context["end_steps"] = (
            [("finish", _("Complete")), ("cancel", _("Cancel the task"))]
            if task.is_alive
            else [("reopen", _("Take up again"))]
        )
    return render(request, "reports/plans/task.html", context, status=status)


def user_code(request: HttpRequest) -> str:
    """The code of the unit of the current post."""
    post = acting(request).post
    return post.unit.code if post is not None else ""


@require(Permission.PLAN_EDIT)
@require_http_methods(["GET", "POST"])
def task_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand out a task of a plan; ?unit= narrows the people to one unit."""
    plan = load_plan(request, pk)
    if not plan.is_run_by(request.user):
        raise PermissionDenied(_("Tasks of a plan are handed out by the district's office."))
    asked = request.GET.get("unit", "")
    only = asked if CODE.fullmatch(asked) else ""
    form = TaskForm(request.POST or None, plan=plan, only=only)
    return save_task(request, form, plan=plan, title=_("Hand out a task"))


@require(Permission.TASK_REPORT)
@require_http_methods(["GET", "POST"])
def task_part(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a part of one's task down, to the unit itself or one below."""
    task = load_task(request, pk)
    if not task.is_done_by(request.user):
        return led_back(request, task, _("Parts of a task are handed down by the unit that has it."))
    form = TaskForm(request.POST or None, plan=task.plan, within=task.unit.code, initial={"due_on": task.due_on})
    return save_task(request, form, plan=task.plan, parent=task, title=_("Hand a part down"))


@require(Permission.PLAN_VIEW)
@require_http_methods(["GET", "POST"])
def task_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a task that is under way."""
    task = load_task(request, pk)
    if not task.is_run_by(request.user):
        return led_back(request, task, _("A task is changed by whoever handed it out."))
    within = task.parent.unit.code if task.parent else ""
    form = TaskForm(request.POST or None, plan=task.plan, within=within, keep=task.person_id, initial=initial_of(task))
    return save_task(request, form, plan=task.plan, task=task, title=_("Change the task"))


def led_back(request: HttpRequest, task: WorkTask, why: str) -> HttpResponse:
    """Back to the task, with the reason; a refusal where something was sent."""
    if request.method == "POST":
        raise PermissionDenied(why)
    messages.info(request, why)
    return redirect("reports:task_detail", pk=task.pk)


def save_task(
    request: HttpRequest,
    form: TaskForm,
    *,
    plan: WorkPlan,
    title: str,
    task: WorkTask | None = None,
    parent: WorkTask | None = None,
) -> HttpResponse:
    """The form of a task, and what is done with it."""
    user = acting(request)
    if request.method == "POST" and form.is_valid():
        try:
            if task is not None:
                plan_actions.edit_task(task=task, by=user, content=form.content())
                messages.success(request, _("The task is changed."))
                return redirect("reports:task_detail", pk=task.pk)
            [added] = plan_actions.add_tasks(plan=plan, by=user, contents=[form.content()], parent=parent)
        except ValidationError as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The task is handed out; the person in charge is told."))
            return redirect("reports:task_detail", pk=added.pk)
    context = {
        "form": form,
        "plan": plan,
        "task": task,
        "parent": parent,
        "title": title,
    }
    return render(request, "reports/plans/task_form.html", context, status=422 if request.method == "POST" else 200)


@require(Permission.TASK_REPORT)
@require_POST
def task_report(request: HttpRequest, pk: int) -> HttpResponse:
    """Report progress for the responsible unit."""
    task = load_task(request, pk)
    form = ReportForm(request.POST, request.FILES, task=task)
    if form.is_valid():
        data = form.cleaned_data
        try:
            plan_actions.report_task(
                task=task,
                by=acting(request),
                text=data["text"],
                amount=data.get("amount"),
                is_final=data["is_final"],
                files=clean_files(data["evidence"]),
            )
        except ConflictError as conflict:
            return render_task(request, load_task(request, pk), status=409, refusal=str(conflict), report_form=form)
        except ValidationError as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The report is sent; another unit judges it."))
            return redirect("reports:task_detail", pk=pk)
    return render_task(request, task, status=422, report_form=form)


@require(Permission.PLAN_VIEW)
@require_POST
def task_judge(request: HttpRequest, pk: int, report: int) -> HttpResponse:
    """Accept a report or send it back."""
    task = load_task(request, pk)
    form = JudgeForm(request.POST)
    row = get_object_or_404(TaskReport.objects.select_related("task"), pk=report, task=task)
    if form.is_valid():
        try:
            plan_actions.judge_report(report=row, by=acting(request), **form.cleaned_data)
        except ConflictError as conflict:
            return render_task(request, load_task(request, pk), status=409, refusal=str(conflict))
        except ValidationError as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The report is judged; the unit is told."))
            return redirect("reports:task_detail", pk=pk)
    return refused(request, task, form, judge_form=form)


@require(Permission.PLAN_VIEW)
@require_POST
def task_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Complete, cancel or take up again."""
    task = load_task(request, pk)
    form = EndForm(request.POST)
    if form.is_valid():
        action = {
            "finish": plan_actions.finish_task,
            "cancel": plan_actions.cancel_task,
            "reopen": plan_actions.reopen_task,
        }[form.cleaned_data["step"]]
        try:
            action(task=task, by=acting(request), note=form.cleaned_data["note"])
        except ValidationError as error:
            put_errors(form, error)
        else:
            messages.success(request, _("It is done; the person in charge is told."))
            return redirect("reports:task_detail", pk=pk)
    return refused(request, task, form, end_form=form)


def refused(request: HttpRequest, task: WorkTask, form: forms.Form, **forms_sent: Any) -> HttpResponse:
    """The page of the task with what was wrong, also where the form itself is no longer offered."""
    if not task.is_run_by(request.user):
        raise PermissionDenied(_("A task is judged and ended by whoever handed it out."))
    refusal = " ".join(str(text) for texts in form.errors.values() for text in texts)
    return render_task(request, task, status=422, refusal=refusal, **forms_sent)


@require(Permission.PLAN_VIEW)
@require_GET
def task_file(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    """The evidence of a report, for those who see the task."""
    visible = WorkTask.objects.visible_to(request.user).filter(pk=pk)
    return hand_out(get_object_or_404(WorkFile, pk=file, report__task__in=visible))
