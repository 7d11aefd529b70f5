"""Correcting what an issue says."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from issues import actions, edits
from issues.edit_forms import EditForm
from issues.history import FIELD_LABELS, Names
from issues.models import Issue
from issues.views import load_issue
from outreach.access import Permission, acting, require


@require(Permission.ISSUE_VIEW)
@require_http_methods(["GET", "POST"])
def issue_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The form with what stands there now; what was corrected meanwhile is merged, and where two people corrected the
    same thing the page shows both and keeps the draft."""
    issue, user = load_issue(request, pk), acting(request)
    names = actions.editable_fields(issue, user)
    if request.method == "GET":
        if not names:
            messages.info(
                request,
                _("Who recorded an issue corrects it until it is accepted, then who dispatches above. Add a remark."),
            )
            return redirect("issues:detail", pk=pk)
        return render_form(request, issue, EditForm(issue=issue, user=user, names=names))
    if not names:
        raise PermissionDenied(_("This issue is not yours to correct now."))
    form = EditForm(request.POST, issue=issue, user=user, names=names)
    if not form.is_valid():
        return render_form(request, issue, form, status=422)
    try:
        after = actions.correct_issue(
            issue=issue, by=user, base=form.shown, fields=form.wanted(), note=form.cleaned_data["note"]
        )
    except actions.EditConflictError as conflict:
        return render_clash(request, load_issue(request, pk), form, conflict.clashes)
    except ValidationError as error:
        for field, problems in error.message_dict.items():
            form.add_error(field if field in form.fields else None, problems)
        return render_form(request, issue, form, status=422)
    messages.success(request, told(issue, after))
    still_seen = Issue.objects.visible_to(user).filter(pk=pk).exists()
    return redirect("issues:detail", pk=pk) if still_seen else redirect("issues:list")


def told(before: Issue, after: Issue) -> str:
    """What is said after saving: that it is kept, and where it changed what people go by."""
    parts = [_("Issue %(number)s is corrected.") % {"number": after.number}]
    if after.due_on != before.due_on:
        parts.append(_("It is due on %(day)s now.") % {"day": after.due_on})
    if after.unit_id != before.unit_id:
        parts.append(_("It went to %(unit)s.") % {"unit": after.unit.name})
    return " ".join(parts)


def render_form(
    request: HttpRequest, issue: Issue, form: EditForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    """Render the form."""
    return render(request, "issues/edit.html", {"issue": issue, "form": form, **context}, status=status)


def render_clash(request: HttpRequest, issue: Issue, form: EditForm, clashes: list[edits.Clash]) -> HttpResponse:
    """Answer 409: theirs and mine side by side, and the form again with the draft, now against what stands there."""
    user = acting(request)
    names = Names({clash.name: [clash.theirs, clash.mine] for clash in clashes}, issue.shows_resident_to(user))
    rows = [
        (FIELD_LABELS[clash.name], names.word(clash.name, clash.theirs), names.word(clash.name, clash.mine))
        for clash in clashes
    ]
    again = EditForm(issue=issue, user=user, names=actions.editable_fields(issue, user), draft=form)
    return render_form(request, issue, again, status=409, clashes=rows)
