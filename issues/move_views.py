"""The steps of an issue, and asking the resident."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from issues import actions, workflow
from issues.history import event_rows
from issues.models import Issue
from issues.move_forms import CallBackForm, MoveForm
from issues.views import load_issue, render_detail
from outreach.access import Permission, acting, require


@require(Permission.ISSUE_VIEW)
@require_POST
def issue_move(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Make one move, or say why not and keep what was typed."""
    issue = load_issue(request, pk)
    step = workflow.BY_NAME.get(name)
    if step is None:
        raise Http404
    form = MoveForm(request.POST, request.FILES, step=step, issue=issue, user=acting(request))
    if not form.is_valid():
        refusal = issue.refusal(step, request.user)
        actions.demand_right(refusal)
        if refusal is not None:
            return render_conflict(request, issue, form, str(refusal.label))
        return render_detail(request, issue, bound=form, status=422)
    try:
        moved = actions.move_issue(issue=issue, move=name, by=acting(request), **form.given())
    except actions.ConflictError as conflict:
        return render_conflict(request, load_issue(request, pk), form, str(conflict))
    except ValidationError as error:
        if not hasattr(error, "error_dict"):
            return render_conflict(request, load_issue(request, pk), form, " ".join(error.messages))
        for field, problems in error.message_dict.items():
            form.add_error(field if field in form.fields else None, problems)
        return render_detail(request, issue, bound=form, status=422)
    messages.success(
        request,
        _("Issue %(number)s: %(state)s, with %(unit)s.")
        % {"number": moved.number, "state": moved.get_state_display(), "unit": moved.unit.name},
    )
    # who sends an issue out of their own reach has no page of it left to return to
    still_seen = Issue.objects.visible_to(request.user).filter(pk=pk).exists()
    return redirect("issues:detail", pk=pk) if still_seen else redirect("issues:list")


def render_conflict(request: HttpRequest, issue: Issue, form: MoveForm | CallBackForm, reason: str) -> HttpResponse:
    """Answer 409: what stands there now, and the typed text to take along."""
    last = event_rows(issue, acting(request))[0]
    context = {
        "issue": issue,
        "form": form,
        "reason": reason,
        "typed": str(form.data.get("note") or form.data.get("words") or "")[: actions.MAX_TEXT],
        "last_step": f"{last.title} · {last.who} · {timezone.localtime(last.event.at):%Y-%m-%d %H:%M}",
    }
    return render(request, "issues/conflict.html", context, status=409)


@require(Permission.ISSUE_CLOSE)
@require_POST
def call_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep one attempt to ask the resident; not content sends the issue back at once."""
    issue = load_issue(request, pk)
    form = CallBackForm(request.POST)
    if not form.is_valid():
        return render_detail(request, issue, call_back=form, status=422)
    try:
        actions.record_call_back(issue=issue, by=acting(request), **form.cleaned_data)
    except actions.ConflictError as conflict:
        return render_conflict(request, load_issue(request, pk), form, str(conflict))
    except ValidationError as error:
        return render_conflict(request, load_issue(request, pk), form, " ".join(error.messages))
    after = load_issue(request, pk)
    messages.success(
        request,
        _("The call-back is kept. Issue %(number)s: %(state)s.")
        % {"number": after.number, "state": after.get_state_display()},
    )
    return redirect("issues:detail", pk=pk)
