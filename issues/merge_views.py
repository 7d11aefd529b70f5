"""Choosing the issue another is merged into: what looks alike first, and a search. The step itself is move_views'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from issues import duplicates, looks, search, workflow
from issues.models import Issue
from issues.move_forms import MoveForm
from issues.views import load_issue
from outreach.access import Permission, acting, require

MAX_FOUND = 20


class SearchForm(forms.Form):
    """What to look for; the ledger's own search."""

    q = forms.CharField(label=gettext_lazy("Number, resident, place or words"), max_length=100, required=False)


@require(Permission.ISSUE_DISPATCH)
@require_GET
def merge_choose(request: HttpRequest, pk: int) -> HttpResponse:
    """The issues this one may go into: of those the user sees and that are under way, the likeliest or those found."""
    user, issue = acting(request), load_issue(request, pk)
    step = workflow.BY_NAME["merge"]
    if issue.refusal(step, user) is not None:
        return redirect("issues:detail", pk=pk)
    form = SearchForm(request.GET)
    words = form.cleaned_data["q"] if form.is_valid() else ""
    if words:
        found = search.find(Issue.objects.visible_to(user), words, user).issues
        rows = list(
            found.filter(state__in=workflow.ALIVE_STATES).exclude(pk=issue.pk).with_names().order_by("-pk")[:MAX_FOUND]
        )
        offered = [_row(row, user, "") for row in rows]
    else:
        alike = [row for row in duplicates.like(issue, user=user) if row.issue.state in workflow.ALIVE_STATES]
        offered = [_row(row.issue, user, str(row.reason.label)) for row in alike]
    context = {
        "issue": issue,
        "search": form,
        "words": words,
        "rows": offered,
        "form": MoveForm(step=step, issue=issue, user=user),
        "title": _("Merge issue %(number)s") % {"number": issue.number},
    }
    return render(request, "issues/merge.html", context)


def _row(issue: Issue, user: Any, reason: str) -> dict[str, Any]:
    head = issue.household.head_name if issue.household and issue.shows_resident_to(user) else ""
    return {"issue": issue, "tone": looks.STATE_TONES[issue.state], "reason": reason, "head": head}
