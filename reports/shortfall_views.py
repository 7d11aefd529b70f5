"""Pages of deductions from above (R7) and of earlier years' shortfalls (R11): lists, one, writing, answering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach.access import Permission, acting, has_permission, post_of, require
from outreach.models import Unit
from reports import shortfalls, task_lists
from reports.actions import shortfalls as shortfall_actions
from reports.actions.plans import ConflictError
from reports.models import Deduction, PeerScore, Shortfall
from reports.models.shortfalls import Remedy
from reports.plan_views import put_errors, run_list
from reports.shortfall_forms import (
    AnswerForm,
    DeductionForm,
    ProposeForm,
    RemarkForm,
    RemedyFilterForm,
    ShortfallForm,
    YearListForm,
    campaign_of,
    initial_of_deduction,
    initial_of_shortfall,
)
from reports.task_exports import CONTENT_TYPE, export_remedies

PAGE_ROWS = 50
MAX_ROWS = 2_000  # a district's list has some hundred; beyond, the filters narrow it
FLAGS = (("only_we", gettext_lazy("peers lost nothing here")), ("again", gettext_lazy("lost again")))
MARKS = {"open": ("accent", ""), "answered": ("warn", "clock"), "settled": ("good", "check-circle")}


def office_of(request: HttpRequest) -> Unit:
    """The district whose lists the user keeps. Raises PermissionDenied elsewhere."""
    post = post_of(request.user)
    if post is None or post.unit.kind != Unit.Kind.DISTRICT:
        raise PermissionDenied(_("These lists are kept by the district's office."))
    return post.unit


def district_of(request: HttpRequest) -> Unit:
    """The district the user's post belongs to."""
    post = post_of(request.user)
    assert post is not None
    return Unit.objects.get(code=post.unit.district_code, kind=Unit.Kind.DISTRICT)


def filtered(request: HttpRequest, rows: QuerySet[Any], data: Any) -> tuple[RemedyFilterForm, list[Any]]:
    """Read the filters; return them with the rows they leave."""
    years = sorted(set(rows.order_by().values_list("year", flat=True)), reverse=True)
    units = Unit.objects.visible_to(request.user).active().exclude(kind=Unit.Kind.DISTRICT)
    form = RemedyFilterForm(data, years=years, units=units, flags=FLAGS)
    words, year, unit, state = (form.value(name) for name in ("q", "year", "unit", "state"))
    if words:
        rows = rows.filter(Q(item__icontains=words.strip()) | Q(measure__icontains=words.strip()))
    if year:
        rows = rows.filter(year=year)
    if unit:
        of_unit = Q(unit__code__startswith=unit.code)
        if rows.model is Deduction:
            of_unit |= Q(shares__unit__code__startswith=unit.code)
        rows = rows.filter(of_unit).distinct()
    if state == "late":
        rows = rows.filter(state=Remedy.State.OPEN, due_on__lt=timezone.localdate())
    elif state in Remedy.State.values:
        rows = rows.filter(state=state)
    found = list(rows.select_related("unit", "person__user")[:MAX_ROWS])
    if state in dict(FLAGS):
        known = shortfalls.flags(district_of(request), found)
        found = [row for row in found if getattr(known[row.year, row.item_key], state)]
    return form, found


def line_of(row: Any, known: dict[tuple[int, str], shortfalls.Flags]) -> dict[str, Any]:
    """One line of a list."""
    tone, icon = MARKS[row.state]
    return {
        "row": row,
        "is_late": row.is_late(timezone.localdate()),
        "tone": tone,
        "icon": icon,
        "flags": known.get((row.year, row.item_key), shortfalls.Flags()),
    }


@require(Permission.PLAN_VIEW)
@require_GET
def deduction_list(request: HttpRequest) -> HttpResponse:
    """Every point deducted from above that one sees, with totals by unit and by item."""
    form, rows = filtered(request, Deduction.objects.visible_to(request.user), request.GET)
    return render_list(request, form, rows, "reports/plans/deductions.html", Deduction)


@require(Permission.PLAN_VIEW)
@require_GET
def shortfall_list(request: HttpRequest) -> HttpResponse:
    """Where points were lost in earlier years, each with its owner and measure."""
    form, rows = filtered(request, Shortfall.objects.visible_to(request.user), request.GET)
    return render_list(request, form, rows, "reports/plans/shortfalls.html", Shortfall)


def render_list(
    request: HttpRequest, form: RemedyFilterForm, rows: list[Any], template: str, model: type[Any]
) -> HttpResponse:
    """Render a list with what it adds up to."""
    post = post_of(request.user)
    assert post is not None
    known = shortfalls.flags(district_of(request), rows)
    lines = [line_of(row, known) for row in rows]
    page = Paginator(lines, PAGE_ROWS).get_page(request.GET.get("page"))
    if model is Deduction:
        pks = [line["row"].pk for line in page.object_list]
        shares: dict[int, list[Any]] = {}
        for share in shortfalls.DeductionShare.objects.filter(deduction__in=pks).select_related("unit"):
            shares.setdefault(share.deduction_id, []).append(share)
        for line in page.object_list:
            line["shares"] = shares.get(line["row"].pk, [])
    context = {
        "form": form,
        "page": page,
        "asked": {name: request.GET.get(name, "")[:50] for name in ("q", "year", "unit", "state")},
        "count": len(rows),
        "points": sum((row.points for row in rows), start=shortfalls.Decimal(0)),
        "open": sum(row.state == Remedy.State.OPEN for row in rows),
        "late": sum(line["is_late"] for line in lines),
        "answered": sum(row.state == Remedy.State.ANSWERED for row in rows),
        "settled": sum(row.state == Remedy.State.SETTLED for row in rows),
        "only_we": sum(line["flags"].only_we for line in lines),
        "again": sum(line["flags"].again for line in lines),
        "by_unit": shortfalls.totals_by_unit(rows, post.unit.code) if model is Deduction else [],
        "by_item": shortfalls.totals_by_item(rows),
        "may_edit": has_permission(request.user, Permission.SHORTFALL_EDIT) and post.unit.kind == Unit.Kind.DISTRICT,
    }
    return render(request, template, context)


@require(Permission.PLAN_VIEW)
@require_POST
def shortfall_export(request: HttpRequest) -> HttpResponse:
    """The shortfalls as filtered, as .xlsx. A POST, because the export is written to the audit trail."""
    _form, rows = filtered(request, Shortfall.objects.visible_to(request.user), request.POST)
    known = shortfalls.flags(district_of(request), rows)
    content = export_remedies(rows=[line_of(row, known) for row in rows], by=acting(request))
    response = HttpResponse(content, content_type=CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="shortfalls-{timezone.localdate():%Y-%m-%d}.xlsx"'
    return response


def load(request: HttpRequest, model: type[Any], pk: int) -> Any:
    """Return the deduction or shortfall the user may see, or raise Http404."""
    rows = model.objects.visible_to(request.user).select_related(
        "district", "unit", "person__user", "entered_by", "answered_by", "settled_by"
    )
    return get_object_or_404(rows, pk=pk)


@require(Permission.PLAN_VIEW)
@require_GET
def deduction_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One deduction: whose it is, the lesson, what is done, and what was proposed of it."""
    return render_remedy(request, load(request, Deduction, pk))


@require(Permission.PLAN_VIEW)
@require_GET
def shortfall_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One shortfall: cause, measure, other counties, what is done."""
    return render_remedy(request, load(request, Shortfall, pk))


def render_remedy(request: HttpRequest, row: Any, *, status: int = 200, refusal: str = "", **sent: Any) -> HttpResponse:
    """Render a deduction or shortfall; a form in `sent` is one that was refused."""
    user = acting(request)
    is_deduction = isinstance(row, Deduction)
    may_judge = row.is_judged_by(user)
    context = {
        **line_of(row, shortfalls.flags(row.district, [row])),
        "name": "deduction" if is_deduction else "shortfall",
        "may_edit": may_judge and row.state != Remedy.State.SETTLED,
        "refusal": refusal,
        "answer_form": sent.get("answer_form", AnswerForm()) if row.is_answered_by(user) else None,
        "judge_form": sent.get("judge_form", RemarkForm()) if may_judge and row.state == "answered" else None,
    }
    if is_deduction:
        shares = list(row.shares.select_related("unit", "adjustment"))
        context["shares"] = shares
        campaign = campaign_of(row.district)
        left = [share for share in shares if share.adjustment is None]
        if may_judge and left and campaign and has_permission(user, Permission.SCORE_PROPOSE):
            items = shortfall_actions.deduction_items(campaign)
            context |= {"campaign": campaign, "can_propose": True}
            context["propose_form"] = sent.get("propose_form") or (ProposeForm(items=items) if items else None)
    else:
        context["helpers"] = list(row.helpers.order_by("sort_order", "code"))
        context["peers"] = PeerScore.objects.filter(district=row.district, year=row.year, item_key=row.item_key)
    template = "reports/plans/deduction.html" if is_deduction else "reports/plans/shortfall.html"
    return render(request, template, context, status=status)


@require(Permission.SHORTFALL_EDIT)
@require_http_methods(["GET", "POST"])
def deduction_new(request: HttpRequest) -> HttpResponse:
    """Enter a deduction."""
    initial = {"year": timezone.localdate().year}
    form = DeductionForm(request.POST or None, district=office_of(request), initial=initial)
    return save_deduction(request, form, None)


@require(Permission.SHORTFALL_EDIT)
@require_http_methods(["GET", "POST"])
def deduction_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct a deduction that is not settled."""
    row = load(request, Deduction, pk)
    form = DeductionForm(
        request.POST or None,
        district=row.district,
        keep=row.person_id,
        shares=list(row.shares.all()),
        initial=initial_of_deduction(row),
    )
    return save_deduction(request, form, row)


def save_deduction(request: HttpRequest, form: DeductionForm, row: Deduction | None) -> HttpResponse:
    """The form of a deduction, and what is done with it."""
    if request.method == "POST" and form.is_valid():
        try:
            saved = shortfall_actions.save_deduction(by=acting(request), content=form.content(), deduction=row)
        except ValidationError as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The deduction is saved."))
            return redirect("reports:deduction_detail", pk=saved.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "reports/plans/deduction_form.html", {"form": form, "row": row}, status=status)


@require(Permission.SHORTFALL_EDIT)
@require_http_methods(["GET", "POST"])
def shortfall_new(request: HttpRequest) -> HttpResponse:
    """Put a shortfall on the list."""
    initial = {"year": timezone.localdate().year - 1}
    form = ShortfallForm(request.POST or None, district=office_of(request), initial=initial)
    return save_shortfall(request, form, None)


@require(Permission.SHORTFALL_EDIT)
@require_http_methods(["GET", "POST"])
def shortfall_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct a shortfall that is not settled."""
    row = load(request, Shortfall, pk)
    form = ShortfallForm(
        request.POST or None, district=row.district, keep=row.person_id, initial=initial_of_shortfall(row)
    )
    return save_shortfall(request, form, row)


def save_shortfall(request: HttpRequest, form: ShortfallForm, row: Shortfall | None) -> HttpResponse:
    """The form of a shortfall, and what is done with it."""
    if request.method == "POST" and form.is_valid():
        try:
            [saved] = shortfall_actions.save_shortfalls(by=acting(request), contents=[form.content()], shortfall=row)
        except ValidationError as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The shortfall is saved."))
            return redirect("reports:shortfall_detail", pk=saved.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "reports/plans/shortfall_form.html", {"form": form, "row": row}, status=status)


@require(Permission.SHORTFALL_EDIT)
@require_http_methods(["GET", "POST"])
def shortfall_import(request: HttpRequest) -> HttpResponse:
    """Shortfalls from a list: a trial first, then all of them or none."""
    district = office_of(request)
    year: list[int] = []

    def commit(contents: list[Any]) -> str:
        saved = shortfall_actions.save_shortfalls(by=acting(request), contents=contents)
        return _("%(count)d shortfalls are on the list; their owners are told.") % {"count": len(saved)}

    return run_list(
        request,
        columns=task_lists.SHORTFALL_COLUMNS,
        prepare=lambda form: year.append(form.cleaned_data["year"]),
        read=lambda rows: task_lists.shortfalls_of(rows, district, year[0]),
        commit=commit,
        template="reports/plans/shortfall_import.html",
        done_url="reports:shortfall_list",
        form_class=YearListForm,
        context={"titles": [titles[0] for titles in task_lists.SHORTFALL_COLUMNS.values()], "what": "shortfalls"},
    )


@require(Permission.SHORTFALL_EDIT)
@require_http_methods(["GET", "POST"])
def peer_import(request: HttpRequest) -> HttpResponse:
    """What other counties lost, from a list."""
    office_of(request)
    year: list[int] = []

    def commit(scores: list[Any]) -> str:
        count = shortfall_actions.save_peer_scores(by=acting(request), year=year[0], scores=scores)
        return _("%(count)d scores are entered.") % {"count": count}

    return run_list(
        request,
        columns=task_lists.PEER_COLUMNS,
        prepare=lambda form: year.append(form.cleaned_data["year"]),
        read=task_lists.peers_of,
        commit=commit,
        template="reports/plans/shortfall_import.html",
        done_url="reports:shortfall_list",
        form_class=YearListForm,
        context={"titles": [titles[0] for titles in task_lists.PEER_COLUMNS.values()], "what": "peers"},
    )


@require(Permission.TASK_REPORT)
@require_POST
def deduction_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Say for the responsible unit what was done about a deduction."""
    return answer(request, load(request, Deduction, pk))


@require(Permission.TASK_REPORT)
@require_POST
def shortfall_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Say for the responsible unit what was done about a shortfall."""
    return answer(request, load(request, Shortfall, pk))


@require(Permission.SHORTFALL_EDIT)
@require_POST
def deduction_judge(request: HttpRequest, pk: int) -> HttpResponse:
    """Settle a deduction, or send it back."""
    return judge(request, load(request, Deduction, pk))


@require(Permission.SHORTFALL_EDIT)
@require_POST
def shortfall_judge(request: HttpRequest, pk: int) -> HttpResponse:
    """Settle a shortfall, or send it back."""
    return judge(request, load(request, Shortfall, pk))


def answer(request: HttpRequest, row: Any) -> HttpResponse:
    """Keep the unit's answer."""
    form = AnswerForm(request.POST)
    return take_step(
        request,
        row,
        form,
        lambda: shortfall_actions.answer_remedy(row=row, by=acting(request), **form.cleaned_data),
        name="answer_form",
        done=_("The answer is kept; the office checks it."),
    )


def judge(request: HttpRequest, row: Any) -> HttpResponse:
    """Settle or send back."""
    form = RemarkForm(request.POST)
    return take_step(
        request,
        row,
        form,
        lambda: shortfall_actions.judge_remedy(row=row, by=acting(request), **form.cleaned_data),
        name="judge_form",
        done=_("It is kept; the unit is told."),
    )


def take_step(
    request: HttpRequest, row: Any, form: Any, action: Callable[[], object], *, name: str, done: str
) -> HttpResponse:
    """Run an action with a valid form, or show the page again: 422 to correct it, 409 where somebody was faster."""
    if form.is_valid():
        try:
            action()
        except ConflictError as conflict:
            return render_remedy(request, load(request, type(row), row.pk), status=409, refusal=str(conflict))
        except ValidationError as error:
            put_errors(form, error)
        else:
            messages.success(request, done)
            return redirect(f"reports:{row._meta.model_name}_detail", pk=row.pk)
    refusal = " ".join(str(text) for texts in form.errors.values() for text in texts)
    return render_remedy(request, row, status=422, refusal=refusal, **{name: form})


@require(Permission.SHORTFALL_EDIT)
@require_POST
def deduction_propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose the shares as deductions of the district's own scores."""
    row = load(request, Deduction, pk)
    campaign = campaign_of(row.district)
    if campaign is None:
        return render_remedy(request, row, status=422, refusal=_("There is no campaign to propose it for."))
    form = ProposeForm(request.POST, items=shortfall_actions.deduction_items(campaign))
    return take_step(
        request,
        row,
        form,
        lambda: shortfall_actions.propose_deduction(
            deduction=row, by=acting(request), campaign=campaign, item=form.cleaned_data["item"]
        ),
        name="propose_form",
        done=_("It is proposed; somebody else decides on it."),
    )
