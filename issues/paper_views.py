"""The ledger on paper: the printed list, the handling slip of an issue, supervision letters as .docx."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from issues import actions, columns, letters
from issues.columns import Reading
from issues.history import event_rows
from issues.ledger_forms import LedgerForm
from issues.ledger_views import layout_of, render_ledger
from issues.models import Issue, IssueQuerySet
from issues.views import disposition, load_issue
from outreach import papers
from outreach.access import Permission, acting, post_of, require

# Forty pages; who needs more exports the workbook and prints that.
MAX_PRINTED = 500


@require(Permission.ISSUE_EXPORT)
@require_POST
def issue_print(request: HttpRequest) -> HttpResponse:
    """The ledger exactly as filtered, as a page to print: A4 landscape, title, numbered pages.

    A POST, because it leaves as surely as the workbook does and is written to the audit trail.
    """
    user = acting(request)
    form = LedgerForm(request.GET, user=user)
    if form.errors:
        return render_ledger(request, form, status=422, refusal=_("Correct the filters first, then print again."))
    issues = form.in_tab(form.narrow(Issue.objects.visible_to(user)))
    keys = layout_of(user)
    shown = columns.chosen(keys) if keys else columns.STANDARD
    rows = list(columns.loaded(form.ordered(issues), shown)[: MAX_PRINTED + 1])
    if len(rows) > MAX_PRINTED:
        refusal = _("More than %(count)d issues: narrow the filters, or export the workbook and print that.")
        return render_ledger(request, form, status=422, refusal=refusal % {"count": MAX_PRINTED})
    post, reading = post_of(user), Reading(user=user, today=timezone.localdate())
    assert post is not None
    actions.log_export(by=user, filters={**form.told(), "printed": "1"}, rows=len(rows))
    context = {
        "unit": post.unit,
        "by": user,
        "today": reading.today,
        "chips": form.chips(),
        "tab": dict(form.TABS)[form.tab],
        "columns": shown,
        "rows": [
            [{"text": column.value(issue, reading), "centred": column.centred} for column in shown] for issue in rows
        ],
        "count": len(rows),
        "late": sum(columns.is_late(issue, reading.today) for issue in rows),
    }
    return render(request, "issues/print_list.html", context)


@require(Permission.ISSUE_VIEW)
@require_GET
def issue_slip(request: HttpRequest, pk: int) -> HttpResponse:
    """One issue as a handling slip to print and put into the file."""
    issue = load_issue(request, pk)
    return render(request, "issues/print_slips.html", {"slips": [slip(request, issue)]})


def slips_response(request: HttpRequest, issues: IssueQuerySet) -> HttpResponse:
    """Answer with the slips of several issues, each on a page of its own."""
    rows = issues.with_names().select_related("recorded_by", "campaign")
    return render(request, "issues/print_slips.html", {"slips": [slip(request, issue) for issue in rows]})


def slip(request: HttpRequest, issue: Issue) -> dict[str, Any]:
    """What the slip of one issue says. The resident stands there only where the reader may know them."""
    user = acting(request)
    reading = Reading(user=user, today=timezone.localdate())
    knows = issue.household is not None and issue.shows_resident_to(user)
    return {
        "issue": issue,
        "category": columns.category_path(issue, reading),
        "household": issue.household if knows else None,
        "events": list(reversed(event_rows(issue, reading.user))),
        "today": reading.today,
    }


@require(Permission.ISSUE_CLOSE)
@require_POST
def issue_letter(request: HttpRequest, pk: int) -> HttpResponse:
    """The supervision letter of one issue, drafted as .docx."""
    issue = load_issue(request, pk)
    return letters_response(request, Issue.objects.filter(pk=issue.pk))


def letters_response(request: HttpRequest, issues: IssueQuerySet) -> HttpResponse:
    """Answer with the drafted letters of `issues`, which the user sees, and write down that they left."""
    user = acting(request)
    post, today = post_of(user), timezone.localdate()
    assert post is not None
    rows = list(columns.load_progress(issues.with_names()))
    content = letters.supervision_letters(rows, unit=post.unit, today=today)
    actions.log_export(by=user, filters={"letters": "、".join(issue.number for issue in rows)[:400]}, rows=len(rows))
    name = f"督办单_{rows[0].number}.docx" if len(rows) == 1 else f"督办单_{today:%Y%m%d}_{len(rows)}件.docx"
    response = HttpResponse(content, content_type=papers.CONTENT_TYPE)
    response["Content-Disposition"] = disposition(True, name)
    return response
