"""While a visitor writes a problem down: what looks like it already. Shown with a signal only; it blocks nothing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from households.models import Household
from issues import duplicates, looks
from issues.models import Category, Issue
from outreach.access import Permission, acting, require

MAX_TEXT = 2_000


@require(Permission.VISIT_RECORD)
@require_POST
def visit_lookalikes(request: HttpRequest, pk: int) -> HttpResponse:
    """The issues that look like the problem in the form so far, as a fragment. A POST, because what a resident said has
    no place in a URL; it writes nothing."""
    user = acting(request)
    household = get_object_or_404(Household.objects.visible_to(user).select_related("village"), pk=pk)
    text = request.POST.get("problem_text", "").replace("\x00", "")[:MAX_TEXT].strip()
    codes = [request.POST.get(name, "").replace("\x00", "") for name in ("problem_category", "problem_root")]
    categories = {row.code: row for row in Category.objects.filter(is_active=True, code__in=codes)}
    category = next((categories[code] for code in codes if code in categories), None)
    found = []
    if text or category is not None:
        issues = Issue.objects.visible_to(user)
        found = duplicates.find(
            issues, user=user, category=category, text=text, place=household.village, household=household
        )
    rows = [
        {"issue": row.issue, "reason": row.reason.label, "tone": looks.STATE_TONES[row.issue.state]} for row in found
    ]
    return render(request, "visits/phone/_lookalikes.html", {"rows": rows})
