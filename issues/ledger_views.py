"""The ledger: the list of issues as a unit keeps it, its saved filters, its columns, its export."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues import actions, columns, exports, looks, search
from issues.bulk_forms import BULK_ACTIONS, MAX_BULK
from issues.columns import Column, Reading
from issues.ledger_forms import ColumnsForm, LedgerForm, SaveFilterForm
from issues.models import Issue, IssueQuerySet, LedgerLayout, Risk, SavedFilter
from issues.views import disposition, due_mark
from outreach.access import Permission, acting, permissions_of, post_of, require
from outreach.counting import count_each
from outreach.models import User

PAGE_ROWS = 30
# Nobody leafs through more; counting further would cost more the larger the district is.
MAX_PAGED = 3_000
MAX_TAB_COUNT = 999
# A cell of the list is cut here; the workbook has the whole text.
MAX_CELL = 60
UNCOUNTED = frozenset({"open", "all"})
# Tabs that show only where something stands in them.
RARE_TABS = frozenset({"returned", "arbitration", "paused", "reported", "merged", "refused"})


class CappedPaginator(Paginator):
    """Pages over the first MAX_PAGED rows, whatever there are."""

    @cached_property
    def count(self) -> int:
        """The rows, at most MAX_PAGED."""
        assert isinstance(self.object_list, IssueQuerySet)
        return self.object_list.order_by()[:MAX_PAGED].count()


@require(Permission.ISSUE_VIEW)
@require_GET
def issue_list(request: HttpRequest) -> HttpResponse:
    """The ledger: tabs by state, filters in the query string, by due day or by the column chosen."""
    return render_ledger(request, LedgerForm(request.GET, user=acting(request)))


def render_ledger(
    request: HttpRequest,
    form: LedgerForm,
    *,
    status: int = 200,
    refusal: str = "",
    save_form: SaveFilterForm | None = None,
) -> HttpResponse:
    """Render the ledger as `form` filters it; `refusal` says why something was not done."""
    user = acting(request)
    rights = permissions_of(user)
    issues = form.narrow(Issue.objects.visible_to(user))
    keys = layout_of(user)
    shown = columns.chosen(keys or columns.LISTED)
    listed = form.ordered(columns.loaded(form.in_tab(issues), shown).select_related("mediation"))
    page = CappedPaginator(listed, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "columns": shown,
        "rows": ledger_rows(page, request, shown, words=form.cleaned_data.get("q", "")),
        "is_vague": form.found is not None and form.found.is_vague,
        "tabs": ledger_tabs(form, issues),
        "is_capped": page.paginator.count >= MAX_PAGED,
        "max_paged": MAX_PAGED,
        "refusal": refusal,
        "may_call_back": Permission.ISSUE_CLOSE in rights,
        "query": form.query().urlencode(),
        "saved": saved_filters(user, form),
        "save_form": save_form or SaveFilterForm(),
        "columns_link": f"{reverse('issues:columns')}?{form.query().urlencode()}",
        "has_layout": bool(keys),
        "bulk_actions": [action for action in BULK_ACTIONS if action.permission in rights],
        "max_bulk": MAX_BULK,
        "may_open": Permission.ISSUE_OPEN in rights,
        "may_export": Permission.ISSUE_EXPORT in rights,
        "may_upload": not rights.isdisjoint({Permission.ISSUE_HANDLE, Permission.ISSUE_DISPATCH}),
        "may_set_up": Permission.ISSUE_SETUP in rights,
    }
    return render(request, "issues/list.html", context, status=status)


def layout_of(user: User) -> list[str]:
    """The columns the user chose; empty: none yet."""
    return next(iter(LedgerLayout.objects.filter(owner=user).values_list("columns", flat=True)), [])


def ledger_rows(
    page: Page[Issue], request: HttpRequest, shown: tuple[Column, ...], *, words: str = ""
) -> list[dict[str, Any]]:
    """Each issue of the page with its cells, what a phone shows of it, and where `words` were found."""
    reading = Reading(user=acting(request), today=timezone.localdate())
    found = search.fields_found(page.object_list, words, reading.user)
    has_head = any(column.key == "head" for column in shown)
    rows = []
    for issue in page.object_list:
        head = columns.head(issue, reading)
        row = {
            "issue": issue,
            "url": reverse("issues:detail", args=[issue.pk]),
            "tone": looks.STATE_TONES[issue.state],
            "due": due_mark(issue, reading.today),
            "head": "" if has_head else head,
            "is_dangerous": is_dangerous(issue),
            "found": field.label if (field := found.get(issue.pk)) else "",
            "title": cut(issue.text, 40),
            "text": " · ".join(filter(None, [issue.number, issue.place.name, head, issue.unit.name])),
            "key": f"{issue.pk}.{issue.version}",
            "cells": [
                {
                    "key": column.key,
                    "text": cut(column.value(issue, reading), MAX_CELL),
                    "nowrap": column.centred,
                }
                for column in shown
            ],
        }
        rows.append(row)
    return rows


def is_dangerous(issue: Issue) -> bool:
    """Is it a dispute of high risk that is still open? `issue` comes with its mediation."""
    mediation = getattr(issue, "mediation", None)
    return issue.is_open and mediation is not None and mediation.risk == Risk.HIGH


def cut(text: str, length: int) -> str:
    """The beginning of a text, with … where something is left out."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def ledger_tabs(form: LedgerForm, issues: IssueQuerySet) -> list[dict[str, Any]]:
    """The tabs with their counts, each counted no further than MAX_TAB_COUNT."""
    counts = count_each(
        {name: form.in_tab(issues, name) for name, _label in form.TABS if name not in UNCOUNTED}, most=MAX_TAB_COUNT
    )
    query = form.query()
    tabs = []
    for name, label in form.TABS:
        count = counts.get(name)
        if name in RARE_TABS and not count and form.tab != name:
            continue
        query["state"] = name
        shown = f"{MAX_TAB_COUNT}+" if count is not None and count > MAX_TAB_COUNT else count
        url = f"?{query.urlencode()}"
        tabs.append({"name": name, "url": url, "label": label, "current": form.tab == name, "count": shown})
    return tabs


def saved_filters(user: User, form: LedgerForm) -> list[dict[str, Any]]:
    """The filters the user may open, each with its address."""
    now = form.query().urlencode()
    return [
        {
            "filter": row,
            "url": f"{reverse('issues:list')}?{row.query}",
            "is_mine": row.owner_id == user.pk,
            "is_current": row.query == now,
        }
        for row in SavedFilter.objects.visible_to(user).select_related("owner")
    ]


def back_to(query: QueryDict) -> HttpResponseRedirect:
    """Back to the ledger as it was filtered."""
    return redirect(f"{reverse('issues:list')}?{query.urlencode()}")


@require(Permission.ISSUE_VIEW)
@require_POST
def filter_save(request: HttpRequest) -> HttpResponse:
    """Keep the filters of the address under a name; the same name again replaces what stood under it."""
    user = acting(request)
    form, ledger = SaveFilterForm(request.POST), LedgerForm(request.GET, user=user)
    if form.is_valid():
        try:
            kept = actions.save_filter(
                by=user,
                name=form.cleaned_data["name"],
                query=ledger.query().urlencode(),
                is_shared=form.cleaned_data["is_shared"],
            )
        except ValidationError as error:
            form.add_error("name", error)
        else:
            messages.success(request, _("The filter “%(name)s” is kept.") % {"name": kept.name})
            return back_to(ledger.query())
    refusal = " ".join(str(text) for texts in form.errors.values() for text in texts)
    return render_ledger(request, ledger, status=422, refusal=refusal, save_form=form)


@require(Permission.ISSUE_VIEW)
@require_POST
def filter_delete(request: HttpRequest) -> HttpResponse:
    """Forget one's own filter."""
    wanted = request.POST.get("saved", "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
        SavedFilter.objects.filter(owner=acting(request), pk=wanted).delete()
    messages.success(request, _("The filter is deleted."))
    return redirect("issues:list")


@require(Permission.ISSUE_VIEW)
@require_http_methods(["GET", "POST"])
def columns_choose(request: HttpRequest) -> HttpResponse:
    """Keep the columns the user chooses; "default" gives back the usual ones."""
    user = acting(request)
    query = LedgerForm(request.GET, user=user).query()
    if request.method == "POST" and "default" in request.POST:
        LedgerLayout.objects.filter(owner=user).delete()
        return back_to(query)
    keys = layout_of(user)
    form = ColumnsForm(request.POST or None, initial={"columns": keys or columns.LISTED})
    if request.method == "POST" and form.is_valid():
        LedgerLayout.objects.update_or_create(owner=user, defaults={"columns": form.cleaned_data["columns"]})
        return back_to(query)
    context = {"form": form, "query": query.urlencode(), "back": back_to(query).url, "has_layout": bool(keys)}
    return render(request, "issues/columns.html", context, status=422 if form.errors else 200)


@require(Permission.ISSUE_EXPORT)
@require_POST
def issue_export(request: HttpRequest) -> HttpResponse:
    """The ledger exactly as filtered, as .xlsx: the township's columns, or with ?columns=mine those chosen.

    A POST, because the export is written to the audit trail.
    """
    user = acting(request)
    form = LedgerForm(request.GET, user=user)
    if form.errors:
        return render_ledger(request, form, status=422, refusal=_("Correct the filters first, then export again."))
    issues = form.in_tab(form.narrow(Issue.objects.visible_to(user)))
    if issues.order_by()[: exports.MAX_ROWS + 1].count() > exports.MAX_ROWS:
        refusal = _("More than %(count)d issues: narrow the filters, for example by place or date, and export again.")
        return render_ledger(request, form, status=422, refusal=refusal % {"count": exports.MAX_ROWS})
    shown = columns.STANDARD
    if request.GET.get("columns") == "mine":
        shown = columns.chosen(layout_of(user)) or shown
    return workbook(user, form.ordered(issues), shown, filters=form.told())


def workbook(user: User, issues: IssueQuerySet, shown: tuple[Column, ...], *, filters: dict[str, str]) -> HttpResponse:
    """Answer with the workbook of `issues`, and write down that it left."""
    post, today = post_of(user), timezone.localdate()
    assert post is not None
    rows = columns.loaded(issues, shown).iterator(chunk_size=2000)
    content, count = exports.ledger(rows, columns=shown, by=user, unit=post.unit, today=today)
    actions.log_export(by=user, filters=filters, rows=count)
    name = _("%(unit)s issue ledger %(date)s.xlsx") % {"unit": post.unit.name, "date": today}
    response = HttpResponse(content, content_type=exports.XLSX)
    response["Content-Disposition"] = disposition(True, name)
    return response
