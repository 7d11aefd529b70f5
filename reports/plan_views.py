"""Pages of plans: the list, one with its tasks, writing one, its documents, and tasks from a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues.attachments import clean_files
from issues.file_views import hand_out
from outreach.access import Permission, acting, has_permission, post_of, require
from outreach.models import Unit
from reports import tables, task_board, task_lists
from reports.actions import plans as plan_actions
from reports.models import WorkFile, WorkPlan, WorkTask
from reports.plan_forms import FilesForm, ListForm, PlanForm, default_period

PAGE_ROWS = 30


def put_errors(form: forms.Form, error: ValidationError) -> None:
    """Show an action's refusal at its fields; what has no field of the form stands above it."""
    problems = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for field, texts in problems.items():
        form.add_error(field if field in form.fields else None, texts)


def load_plan(request: HttpRequest, pk: int) -> WorkPlan:
    """Return the plan the user may see, or raise Http404."""
    rows = WorkPlan.objects.visible_to(request.user).select_related("district", "campaign", "created_by", "closed_by")
    return get_object_or_404(rows, pk=pk)


def office_of(request: HttpRequest) -> Unit:
    """Return the district whose office the user works in. Raises PermissionDenied."""
    post = post_of(request.user)
    if post is None or post.unit.kind != Unit.Kind.DISTRICT:
        raise PermissionDenied(_("Plans are written by the district's office."))
    return post.unit


def demand_run(plan: WorkPlan, request: HttpRequest) -> None:
    """Raise PermissionDenied unless the user may change the plan."""
    if not plan.is_run_by(request.user):
        raise PermissionDenied(_("Plans are written by the district's office."))


@require(Permission.PLAN_VIEW)
@require_GET
def plan_list(request: HttpRequest) -> HttpResponse:
    """The plans one sees, those under way first, with how far their tasks are."""
    plans = WorkPlan.objects.visible_to(request.user).select_related("campaign")
    seen = WorkTask.objects.visible_to(request.user)
    counts = {
        row["plan"]: row
        for row in seen.exclude(state="cancelled")
        .order_by()
        .values("plan")
        .annotate(
            total=Count("pk"),
            done=Count("pk", filter=Q(state="done")),
            late=Count("pk", filter=Q(state__in=WorkTask.ALIVE, due_on__lt=timezone.localdate())),
            to_judge=Count("pk", filter=Q(state="reported")),
        )
    }
    page = Paginator(plans.order_by("-state", "-starts_on", "-pk"), PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [
            {**counts.get(plan.pk, {"total": 0, "done": 0, "late": 0}), "plan": plan} for plan in page.object_list
        ],
        "may_write": has_permission(request.user, Permission.PLAN_EDIT),
    }
    return render(request, "reports/plans/list.html", context)


@require(Permission.PLAN_VIEW)
@require_GET
def plan_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One plan: its documents, its tasks as far as one sees them, summed up by unit."""
    return render_plan(request, load_plan(request, pk))


def render_plan(request: HttpRequest, plan: WorkPlan, files_form: FilesForm | None = None) -> HttpResponse:
    """Render the page of a plan; `files_form` is one that was refused."""
    tasks = WorkTask.objects.visible_to(request.user).filter(plan=plan).with_names().order_by("number")
    lines = task_board.lines(tasks[: task_board.MAX_TASKS], timezone.localdate())
    total = task_board.Sum(plan.pk, plan.title, lines)
    context = {
        "plan": plan,
        "lines": lines,
        "total": total,
        "sums": task_board.by_unit(lines),
        "files": plan.files.select_related("added_by"),
        "may_run": plan.is_run_by(request.user),
        "files_form": files_form or FilesForm(),
    }
    return render(request, "reports/plans/plan.html", context, status=422 if files_form else 200)


@require(Permission.PLAN_EDIT)
@require_http_methods(["GET", "POST"])
def plan_new(request: HttpRequest) -> HttpResponse:
    """Write a plan, with its document."""
    return edit(request, office_of(request), None)


@require(Permission.PLAN_EDIT)
@require_http_methods(["GET", "POST"])
def plan_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a plan that is under way."""
    plan = load_plan(request, pk)
    demand_run(plan, request)
    return edit(request, plan.district, plan)


def edit(request: HttpRequest, district: Unit, plan: WorkPlan | None) -> HttpResponse:
    """The form of a plan, new or not."""
    names = ("title", "summary", "campaign", "starts_on", "ends_on")
    initial = {name: getattr(plan, name) for name in names} if plan else default_period()
    form = PlanForm(request.POST or None, request.FILES or None, district=district, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            files = clean_files(data.pop("documents"))
            saved = plan_actions.save_plan(by=acting(request), plan=plan, files=files, **data)
        except ValidationError as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The plan is saved."))
            return redirect("reports:plan_detail", pk=saved.pk)
    context = {"form": form, "plan": plan}
    return render(request, "reports/plans/plan_form.html", context, status=422 if request.method == "POST" else 200)


@require(Permission.PLAN_EDIT)
@require_POST
def plan_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Complete a plan."""
    plan = load_plan(request, pk)
    try:
        plan_actions.close_plan(plan=plan, by=acting(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The plan is completed."))
    return redirect("reports:plan_detail", pk=pk)


@require(Permission.PLAN_EDIT)
@require_POST
def plan_files(request: HttpRequest, pk: int) -> HttpResponse:
    """Attach documents."""
    plan = load_plan(request, pk)
    form = FilesForm(request.POST, request.FILES)
    if not form.is_valid():
        return render_plan(request, plan, form)
    try:
        plan_actions.add_plan_files(
            plan=plan, by=acting(request), files=clean_files(form.cleaned_data["documents"], already=plan.files.count())
        )
    except ValidationError as error:
        put_errors(form, error)
        return render_plan(request, plan, form)
    messages.success(request, _("The document is attached."))
    return redirect("reports:plan_detail", pk=pk)


@require(Permission.PLAN_VIEW)
@require_GET
def plan_file(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    """A plan's document, for those who see the plan."""
    visible = WorkPlan.objects.visible_to(request.user).filter(pk=pk)
    return hand_out(get_object_or_404(WorkFile, pk=file, plan__in=visible))


@require(Permission.PLAN_EDIT)
@require_http_methods(["GET", "POST"])
def plan_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Tasks from a list: a trial first, which writes nothing, then all of them or none."""
    plan = load_plan(request, pk)
    demand_run(plan, request)

    def commit(contents: list[Any]) -> str:
        added = plan_actions.add_tasks(plan=plan, by=acting(request), contents=contents)
        return _("%(count)d tasks are handed out.") % {"count": len(added)}

    return run_list(
        request,
        columns=task_lists.TASK_COLUMNS,
        read=lambda rows: task_lists.tasks_of(rows, plan),
        commit=commit,
        template="reports/plans/import.html",
        done_url="reports:plan_detail",
        done_kwargs={"pk": pk},
        context={"plan": plan, "titles": [titles[0] for titles in task_lists.TASK_COLUMNS.values()]},
    )


def run_list(
    request: HttpRequest,
    *,
    columns: dict[str, tuple[str, ...]],
    read: Callable[[list[tables.Row]], list[Any]],
    commit: Callable[[list[Any]], str],
    template: str,
    done_url: str,
    context: dict[str, Any],
    done_kwargs: dict[str, Any] | None = None,
    form_class: type[ListForm] = ListForm,
    prepare: Callable[[ListForm], None] | None = None,
) -> HttpResponse:
    """The trial of a list and its import. A file becomes text in the box, so that a wrong row is put right there.

    `read` gives (row, content or None where it has errors); `commit` writes all of them and says so.
    """
    form = form_class(request.POST or None, request.FILES or None)
    found: list[Any] = []
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if prepare is not None:
                prepare(form)
            text = form.cleaned_data["text"]
            try:
                found = read(tables.parse(text, columns))
                good = [content for _row, content in found if content is not None]
                if len(good) == len(found):
                    status = 200
                    if request.POST.get("commit"):
                        messages.success(request, commit(good))
                        return redirect(done_url, **(done_kwargs or {}))
            except ValidationError as error:
                status = 422
                put_errors(form, error)
            # what was read is what stands in the box from now on
            values = {**request.POST.dict(), "text": text}
            shown = form_class(values)
            shown.full_clean()
            for message in form.non_field_errors():
                shown.add_error(None, message)
            form = shown
    rows = [{"row": row, "content": content} for row, content in found]
    wrong = sum(bool(row["row"].errors) for row in rows)
    context |= {"form": form, "rows": rows, "wrong": wrong, "good": len(rows) - wrong, "is_ready": rows and not wrong}
    return render(request, template, context, status=status)
