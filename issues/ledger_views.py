"""The ledger: the list of issues as a unit keeps it, and its export."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from issues import actions, exports, looks, search
from issues.ledger_forms import LedgerForm
from issues.models import Issue, IssueQuerySet
from issues.views import disposition, due_mark
from outreach.access import Permission, acting, has_permission, post_of, require

PAGE_ROWS = 30
# Nobody leafs through more; counting further would cost more the larger the district is.
MAX_PAGED = 3_000
MAX_TAB_COUNT = 999
# Folded away until one of them is used.
MORE_FILTERS = ("kind", "outcome", "campaign", "recorded_from", "recorded_to", "mine", "helped", "line")


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
    """The ledger: tabs by state, filters in the query string, by due day."""
    return render_ledger(request, LedgerForm(request.GET, user=acting(request)))


def render_ledger(request: HttpRequest, form: LedgerForm, *, status: int = 200, refusal: str = "") -> HttpResponse:
    """Render the ledger as `form` filters it; `refusal` says why something was not done."""
    user = acting(request)
    issues = form.narrow(Issue.objects.visible_to(user))
    page = CappedPaginator(form.in_tab(issues.with_names()), PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "more_open": any(request.GET.get(name) for name in MORE_FILTERS),
        "page": page,
        "rows": ledger_rows(page, request, words=form.cleaned_data.get("q", "")),
        "is_vague": form.found is not None and form.found.is_vague,
        "tabs": ledger_tabs(form, issues, request),
        "is_capped": page.paginator.count >= MAX_PAGED,
        "max_paged": MAX_PAGED,
        "max_export": exports.MAX_ROWS,
        "refusal": refusal,
        "query": request.GET.urlencode(),
        "may_open": has_permission(user, Permission.ISSUE_OPEN),
        "may_export": has_permission(user, Permission.ISSUE_EXPORT),
        "may_set_up": has_permission(user, Permission.ISSUE_SETUP),
    }
    return render(request, "issues/list.html", context, status=status)


def ledger_rows(page: Page[Issue], request: HttpRequest, *, words: str = "") -> list[dict[str, Any]]:
    """Each issue of the page with what its line says of the due day and the resident, and where `words` were found."""
    user, today = acting(request), timezone.localdate()
    found = search.fields_found(page.object_list, words, user)
    rows = []
    for issue in page.object_list:
        head = issue.household.head_name if issue.household and issue.shows_resident_to(user) else ""
        rows.append(
            {
                "issue": issue,
                "tone": looks.STATE_TONES[issue.state],
                "due": due_mark(issue, today),
                "head": head,
                "found": field.label if (field := found.get(issue.pk)) else "",
                "title": Truncator(issue.text).chars(40),
                "text": " · ".join(filter(None, [issue.number, issue.place.name, head, issue.unit.name])),
            }
        )
    return rows


def ledger_tabs(form: LedgerForm, issues: IssueQuerySet, request: HttpRequest) -> list[dict[str, Any]]:
    """The tabs with their counts, each counted no further than MAX_TAB_COUNT."""
    query = request.GET.copy()
    query.pop("page", None)
    tabs = []
    for name, label in form.TABS:
        query["state"] = name
        count = None
        if name not in ("open", "all"):
            count = form.in_tab(issues, name).order_by()[: MAX_TAB_COUNT + 1].count()
        shown = f"{MAX_TAB_COUNT}+" if count is not None and count > MAX_TAB_COUNT else count
        url = f"?{query.urlencode()}"
        tabs.append({"url": url, "label": label, "current": form.tab == name, "count": shown})
    return tabs


@require(Permission.ISSUE_EXPORT)
@require_POST
def issue_export(request: HttpRequest) -> HttpResponse:
    """The ledger exactly as filtered, as .xlsx. A POST, because the export is written to the audit trail."""
    user = acting(request)
    form = LedgerForm(request.GET, user=user)
    if form.errors:
        return render_ledger(request, form, status=422, refusal=_("Correct the filters first, then export again."))
    issues = form.in_tab(form.narrow(Issue.objects.visible_to(user).with_names()))
    if issues.order_by()[: exports.MAX_ROWS + 1].count() > exports.MAX_ROWS:
        refusal = _("More than %(count)d issues: narrow the filters, for example by place or date, and export again.")
        return render_ledger(request, form, status=422, refusal=refusal % {"count": exports.MAX_ROWS})
    post, today = post_of(user), timezone.localdate()
    assert post is not None
    content, count = exports.ledger(issues.iterator(chunk_size=2000), by=user, unit=post.unit, today=today)
    actions.log_export(by=user, filters=form.told(), rows=count)
    name = _("%(unit)s issue ledger %(date)s.xlsx") % {"unit": post.unit.name, "date": today}
    response = HttpResponse(content, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = disposition(True, name)
    return response
