"""Pages of households: the list, a household, its edits, the export, and the corrections waiting for a decision."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from households import actions, exports
from households.forms import DecideForm, DoNotVisitForm, HouseholdFilterForm, HouseholdForm, RevealForm
from households.models import Category, Household, HouseholdQuerySet, Resident, ResidentChange
from outreach import audit
from outreach.access import Permission, acting, has_permission, require

PAGE_ROWS = 50
# Nobody leafs through more; counting further would cost more the larger the district is.
MAX_PAGED = 3_000
STATE_TONES = {"in_residence": "good", "verified_empty": "neutral", "moved": "warn"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class CappedPaginator(Paginator):
    """Pages over the first MAX_PAGED rows, whatever there are."""

    @cached_property
    def count(self) -> int:
        """The rows, at most MAX_PAGED."""
        assert isinstance(self.object_list, HouseholdQuerySet)
        return self.object_list.order_by()[:MAX_PAGED].count()


@require(Permission.HOUSEHOLD_VIEW)
@require_GET
def household_list(request: HttpRequest) -> HttpResponse:
    """The roster of the units in reach, filtered by the query string."""
    return _render_list(request)


def _render_list(request: HttpRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    user = acting(request)
    form = HouseholdFilterForm(request.GET, user=user)
    households = form.narrow(Household.objects.visible_to(user)).select_related("village__parent")
    page = CappedPaginator(households, PAGE_ROWS).get_page(request.GET.get("page"))
    names = dict(Category.objects.values_list("code", "name"))
    context = {
        "form": form,
        "page": page,
        "rows": [
            {
                "household": household,
                "categories": [names.get(code, code) for code in household.categories],
                "tone": STATE_TONES[household.roster_state],
            }
            for household in page.object_list
        ],
        "is_capped": page.paginator.count >= MAX_PAGED,
        "max_paged": MAX_PAGED,
        "query": request.GET.urlencode(),
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "refusal": refusal,
        "may_export": has_permission(user, Permission.HOUSEHOLD_EXPORT),
        "may_import": has_permission(user, Permission.ROSTER_IMPORT),
        "may_print_cards": has_permission(user, Permission.HOUSEHOLD_EDIT),
        "waiting_changes": waiting_changes(request).count()
        if has_permission(user, Permission.RESIDENT_CHANGE_DECIDE)
        else 0,
    }
    return render(request, "households/list.html", context, status=status)


@require(Permission.HOUSEHOLD_EXPORT)
@require_POST
def household_export(request: HttpRequest) -> HttpResponse:
    """The filtered list as .xlsx with masked ID numbers; recorded."""
    user = acting(request)
    form = HouseholdFilterForm(request.GET, user=user)
    households = form.narrow(Household.objects.visible_to(user))
    count = households.order_by()[: exports.MAX_HOUSEHOLDS + 1].count()
    if count > exports.MAX_HOUSEHOLDS:
        refusal = _("More than %(count)d households: narrow the filters, for example to one township.")
        return _render_list(request, refusal=refusal % {"count": exports.MAX_HOUSEHOLDS}, status=400)
    residents = Prefetch("residents", Resident.objects.order_by("relation", "pk"))
    unit = form.cleaned_data.get("unit")
    content = exports.household_list(
        households.select_related("village__parent").prefetch_related(residents).iterator(chunk_size=1000),
        title=_("Roster of %(unit)s") % {"unit": unit.name if unit else user.post.unit.name if user.post else ""},
    )
    audit.record("household.export", "households.household", by=user, count=count, unit=unit.code if unit else "")
    return xlsx(content, exports.stamped(_("Roster")))


def xlsx(content: bytes, filename: str) -> HttpResponse:
    """Return a workbook as a download."""
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    response["Cache-Control"] = "no-store"
    return response


@require(Permission.HOUSEHOLD_VIEW)
@require_GET
def household_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A household: residents, state, wish, lineage."""
    household = get_object_or_404(_with_names(request), pk=pk)
    return render(request, "households/detail.html", detail_context(request, household))


def _with_names(request: HttpRequest) -> HouseholdQuerySet:
    related = ("village__parent", "source_import", "do_not_visit_by")
    return Household.objects.visible_to(acting(request)).select_related(*related)


def detail_context(
    request: HttpRequest, household: Household, *, revealed: dict[int, str] | None = None, **forms: Any
) -> dict[str, Any]:
    """Return what the household page shows; another app's page may include its parts with the same context."""
    user = acting(request)
    residents = household.residents.order_by("relation", "pk").select_related("source_import")
    names = dict(Category.objects.values_list("code", "name"))
    may_edit = has_permission(user, Permission.HOUSEHOLD_EDIT)
    return {
        "household": household,
        "residents": [
            {
                "resident": resident,
                "id_number": (revealed or {}).get(resident.pk, resident.id_number_masked),
                "reveal_form": forms.get("reveal_form") or RevealForm(auto_id=f"reveal_{resident.pk}_%s"),
            }
            for resident in residents
        ],
        "categories": [names.get(code, code) for code in household.categories],
        "state_tone": STATE_TONES[household.roster_state],
        "changes": household.changes.filter(state=ResidentChange.State.WAITING).count(),
        "may_edit": may_edit,
        "may_reveal": has_permission(user, Permission.ID_NUMBER_REVEAL),
        "may_decide": has_permission(user, Permission.RESIDENT_CHANGE_DECIDE),
        "revealed": set(revealed or {}),
        "do_not_visit_form": forms.get("do_not_visit_form") or DoNotVisitForm(auto_id="wish_%s"),
    }


@require(Permission.HOUSEHOLD_EDIT)
@require_http_methods(["GET", "POST"])
def household_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a household's own fields."""
    household = get_object_or_404(_with_names(request), pk=pk)
    form = HouseholdForm(request.POST or None, instance=Household.objects.get(pk=household.pk))
    if request.method == "POST" and form.is_valid():
        actions.edit_household(household=household, by=acting(request), **form.cleaned_data)
        messages.success(request, _("The household was saved."))
        return redirect("households:detail", pk)
    status = 400 if request.method == "POST" else 200
    return render(request, "households/edit.html", {"household": household, "form": form}, status=status)


@require(Permission.HOUSEHOLD_EDIT)
@require_POST
def household_wish(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the wish not to be visited, or withdraw it where the form says so."""
    household = get_object_or_404(_with_names(request), pk=pk)
    if "withdraw" in request.POST:
        actions.withdraw_do_not_visit(household=household, by=acting(request))
        messages.success(request, _("The household may be visited again."))
        return redirect("households:detail", pk)
    form = DoNotVisitForm(request.POST, auto_id="wish_%s")
    if not form.is_valid():
        context = detail_context(request, household, do_not_visit_form=form)
        return render(request, "households/detail.html", context, status=400)
    actions.set_do_not_visit(household=household, reason=form.cleaned_data["reason"], by=acting(request))
    messages.success(request, _("The wish not to be visited was kept."))
    return redirect("households:detail", pk)


@require(Permission.ID_NUMBER_REVEAL)
@require_POST
@never_cache
def resident_reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one resident's whole ID number, once, on the page that answers; recorded with the reason."""
    resident = get_object_or_404(Resident.objects.visible_to(acting(request)).select_related("household"), pk=pk)
    household = get_object_or_404(_with_names(request), pk=resident.household_id)
    form = RevealForm(request.POST)
    if not form.is_valid():
        context = detail_context(request, household, reveal_form=form)
        return render(request, "households/detail.html", context, status=400)
    number = actions.reveal_id_number(resident=resident, reason=form.cleaned_data["reason"], by=acting(request))
    context = detail_context(request, household, revealed={resident.pk: number})
    return render(request, "households/detail.html", context)


# --- corrections -----------------------------------------------------------------------------------------------------


def waiting_changes(request: HttpRequest) -> Any:
    """The corrections in reach that nobody decided on yet, oldest first."""
    households = Household.objects.visible_to(acting(request))
    return ResidentChange.objects.filter(state=ResidentChange.State.WAITING, household__in=households)


@require(Permission.RESIDENT_CHANGE_DECIDE)
@require_GET
def change_list(request: HttpRequest) -> HttpResponse:
    """The corrections visitors wrote down at the door."""
    return render(request, "households/changes.html", _changes_context(request))


def _changes_context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    related = ("household__village", "resident", "proposed_by")
    page = Paginator(waiting_changes(request).select_related(*related), 30).get_page(request.GET.get("page"))
    return {"page": page, "rows": [{"change": change, "lines": change_lines(change)} for change in page], **more}


def change_lines(change: ResidentChange) -> list[dict[str, str]]:
    """Each corrected field with its old and new value, in words."""
    lines = []
    for name, label in actions.CORRECTABLE.items():
        if name not in change.changes:
            continue
        old = str(getattr(change.resident, name)) if change.resident else ""
        new = str(change.changes[name])
        if name == "relation":
            words = dict(Resident.Relation.choices)
            old, new = str(words.get(old, old)), str(words.get(new, new))
        lines.append({"label": str(label), "old": old, "new": new})
    return lines


@require(Permission.RESIDENT_CHANGE_DECIDE)
@require_POST
def change_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept or refuse a correction."""
    visible = ResidentChange.objects.filter(household__in=Household.objects.visible_to(acting(request)))
    change = get_object_or_404(visible, pk=pk)
    form = DecideForm(request.POST)
    problem = _("Choose whether to accept or refuse the correction.")
    if form.is_valid():
        accept = form.cleaned_data["decision"] == "accept"
        try:
            actions.decide_change(change=change, accept=accept, reason=form.cleaned_data["reason"], by=acting(request))
        except ValidationError as error:
            problem = " ".join(error.messages)
        else:
            done = _("The correction was written to the roster.") if accept else _("The correction was refused.")
            messages.success(request, done)
            return redirect("households:change_list")
    context = _changes_context(request, refusal=problem, now=timezone.now())
    return render(request, "households/changes.html", context, status=400)
