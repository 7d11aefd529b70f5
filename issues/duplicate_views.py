"""While an issue is recorded: what looks like it, and adding to one of those instead of opening another."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from households.models import Household
from issues import actions, duplicates
from issues.duplicates import Lookalike
from issues.forms import IssueForm
from issues.models import Issue, IssueQuerySet
from outreach.access import Permission, acting, require
from outreach.models import User


@require(Permission.ISSUE_OPEN)
@require_POST
def lookalikes(request: HttpRequest) -> HttpResponse:
    """What looks like the issue in the form so far, as a fragment of the form. A POST, because what a resident said
    has no place in a URL; it writes nothing."""
    user = acting(request)
    household = None
    wanted = request.POST.get("household", "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
        household = Household.objects.visible_to(user).select_related("village").filter(pk=wanted).first()
    form = IssueForm(request.POST, user=user, household=household)
    form.is_valid()
    issues = Issue.objects.visible_to(user)
    found = duplicates.load(issues, _like_form(issues, form, user, household))
    return render(request, "issues/_lookalikes.html", lookalike_context(found, user))


def before_saving(request: HttpRequest, form: IssueForm, household: Household | None) -> HttpResponse | None:
    """Answer a valid form of a new issue where it is added to another, or looks like others nobody has looked at yet;
    None where it is to be saved."""
    user = acting(request)
    if "add_to" in request.POST:
        return _add(request, form, request.POST["add_to"])
    seen = set(request.POST.get("seen", "")[:200].split(","))
    issues = Issue.objects.visible_to(user)
    best = _like_form(issues, form, user, household)
    if not any(must_look and str(pk) not in seen for pk, (_score, _reason, must_look) in best.items()):
        return None
    found = duplicates.load(issues, best)
    if not any(row.must_look and str(row.issue.pk) not in seen for row in found):
        return None  # those shown were all looked at
    context = {"form": form, "household": household, "must_look": True, "has_photos": bool(request.FILES)}
    context |= lookalike_context(found, user)
    return render(request, "issues/new.html", context, status=409)


def _add(request: HttpRequest, form: IssueForm, wanted: str) -> HttpResponse | None:
    user = acting(request)
    issue = None
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
        issue = Issue.objects.visible_to(user).filter(pk=wanted).first()
    if issue is None:
        form.add_error(None, _("That issue is not there. Record this one, or choose another."))
        return None
    try:
        actions.move_issue(issue=issue, move="remark", by=user, version=issue.version, note=form.cleaned_data["text"])
    except (ValidationError, actions.ConflictError) as error:
        form.add_error(None, error.messages if isinstance(error, ValidationError) else str(error))
        return None
    messages.success(request, _("What was said is added to issue %(number)s.") % {"number": issue.number})
    if request.FILES:
        messages.warning(request, _("The photos were not added: only words are added to another issue."))
    return redirect("issues:detail", pk=issue.pk)


def _like_form(
    issues: IssueQuerySet, form: IssueForm, user: User, household: Household | None
) -> dict[int, duplicates.Likeness]:
    """What looks like the form, as far as it is filled in."""
    values = getattr(form, "cleaned_data", {})
    place = household.village if household else values.get("place")
    if place is None or (values.get("category") is None and not values.get("text")):
        return {}
    return duplicates.compare(
        issues,
        user=user,
        category=values.get("category"),
        text=values.get("text") or "",
        place=place,
        household=household,
    )


def lookalike_context(found: list[Lookalike], user: User) -> dict[str, Any]:
    """Return what templates/issues/_lookalikes.html shows of each."""
    rows = [
        {
            "issue": row.issue,
            "reason": row.reason.label,
            "must_look": row.must_look,
            "has_ended": row.issue.closed_at is not None,
            "head": row.issue.household.head_name if row.issue.household and row.issue.shows_resident_to(user) else "",
        }
        for row in found
    ]
    return {"lookalikes": rows, "seen": ",".join(str(row.issue.pk) for row in found)}
