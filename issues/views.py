"""Pages of issues: an issue, a new one, photos."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from households.models import Household
from issues import actions, dispute_views, duplicate_views, instruction_views, looks, reminders, workflow
from issues.clock_views import clock_card
from issues.family_views import related
from issues.forms import IssueForm
from issues.history import history_context
from issues.models import Issue
from issues.move_forms import CallBackForm, MoveForm, near_units
from issues.resident_side import resident_side
from outreach.access import Permission, Role, acting, has_permission, permissions_of, post_of, require
from outreach.models import User


def due_mark(issue: Issue, today: date) -> dict[str, str]:
    """The word, tone and icon beside a due day; nothing where there is time or the clock stands."""
    late = issue.days_late(today)
    if issue.is_running and late > 0:
        return {"word": _("%(days)d days overdue") % {"days": late}, "tone": "bad", "icon": "alert"}
    if issue.is_running and late == 0:
        return {"word": _("due today"), "tone": "warn", "icon": "clock"}
    if issue.is_running and late >= -2:
        return {"word": _("due in %(days)d days") % {"days": -late}, "tone": "warn", "icon": "clock"}
    if issue.done_at is not None and late > 0:
        return {"word": _("done %(days)d days late") % {"days": late}, "tone": "warn", "icon": "alert"}
    return {}


@require(Permission.ISSUE_VIEW)
@require_GET
def issue_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One issue: what was said, who holds it and why, its history, and what the user may do next."""
    return render_detail(request, load_issue(request, pk))


def load_issue(request: HttpRequest, pk: int) -> Issue:
    """Return the issue the user may see, with all its names, or raise Http404."""
    issues = Issue.objects.visible_to(request.user).with_names().select_related("recorded_by", "done_by_unit")
    return get_object_or_404(issues.select_related("category__parent", "campaign", "rule"), pk=pk)


def render_detail(
    request: HttpRequest,
    issue: Issue,
    *,
    bound: MoveForm | None = None,
    call_back: CallBackForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the issue with a form for each allowed move; `bound` or `call_back` is the one that was sent and
    refused."""
    user = acting(request)
    allowed, blocked = issue.moves_of(user)
    units = near_units(issue)
    steps = [step for step in allowed if bound is None or bound.step != step]
    forms = [MoveForm(step=step, issue=issue, user=user, units=units) for step in steps]
    household = issue.household if issue.shows_resident_to(user) else None
    context = {
        "issue": issue,
        "may_draft_letter": Permission.ISSUE_CLOSE in permissions_of(user),
        "tone": looks.STATE_TONES[issue.state],
        "outcome_tone": looks.OUTCOME_TONES.get(issue.outcome, "neutral"),
        "due": due_mark(issue, timezone.localdate()),
        "category_path": " › ".join(node.name for node in reversed(issue.category.path())),
        "place_path": f"{issue.place.parent.name} · {issue.place.name}" if issue.place.parent else issue.place.name,
        "recorded": f"{issue.recorded_by.name} · {timezone.localtime(issue.recorded_at):%Y-%m-%d %H:%M}",
        "forms": [form for form in forms if form.variant != "secondary"],
        "more_forms": [form for form in forms if form.variant == "secondary"],
        "blocked": blocked,
        "call_back_form": call_back or call_back_form(issue, user),
        "calls": issue.call_backs.select_related("by", "by_unit"),
        "bound": bound,
        **history_context(issue, user),
        "reminded": reminders.told(issue),
        "household": household,
        "tel": f"tel:{household.phone}" if household else "",
        "household_url": household_url(household, user),
        "clock": clock_card(issue),
        "rule_url": rule_url(issue, user),
        "helpers": issue.helping_units.select_related("unit", "asked_by", "answered_by"),
        **resident_side(issue, user),
        **related(issue, user),
        "dispute": dispute_views.dispute_card(issue, user),
        "instructions": instruction_views.instruction_card(issue, user),
    }
    return render(request, "issues/detail.html", context, status=status)


def rule_url(issue: Issue, user: User) -> str:
    """The page of the rule that sent the issue, for who keeps the rules."""
    may_open = issue.rule_id is not None and has_permission(user, Permission.ISSUE_SETUP)
    return reverse("issues:rule_edit", args=[issue.rule_id]) if may_open else ""


def household_url(household: Household | None, user: User) -> str:
    """The page of the household, where the user may open it."""
    if household is None or not Household.objects.visible_to(user).filter(pk=household.pk).exists():
        return ""
    is_visitor = (post := post_of(user)) is not None and post.role == Role.VISITOR
    return reverse("visits:household" if is_visitor else "households:detail", args=[household.pk])


def call_back_form(issue: Issue, user: User) -> CallBackForm | None:
    """The form for asking the resident, where the issue waits for it and `user` may."""
    if issue.state != workflow.State.VERIFIED or issue.household_id is None:
        return None
    refusal = issue.refusal(workflow.BY_NAME["redo"], user)
    is_theirs = refusal not in (workflow.Refusal.PERMISSION, workflow.Refusal.SIDE)
    return CallBackForm(initial={"version": issue.version}) if is_theirs else None


@require(Permission.ISSUE_OPEN)
@require_http_methods(["GET", "POST"])
def issue_new(request: HttpRequest) -> HttpResponse:
    """Record a new issue about a household in reach (?household=) or about a place."""
    user = acting(request)
    household = None
    if wanted := request.GET.get("household", ""):
        if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
            raise Http404
        household = get_object_or_404(Household.objects.visible_to(user).select_related("village__parent"), pk=wanted)
    form = IssueForm(request.POST or None, request.FILES or None, user=user, household=household)
    is_sent = request.method == "POST" and form.is_valid()
    if is_sent and (answer := record_issue(request, form, household)) is not None:
        return answer
    status = 422 if request.method == "POST" else 200
    return render(request, "issues/new.html", {"form": form, "household": household}, status=status)


@transaction.atomic
def record_issue(request: HttpRequest, form: IssueForm, household: Household | None) -> HttpResponse | None:
    """Record what a valid form says, unless it looks like an issue nobody has looked at yet; None where `form` has
    errors now. A form sent twice at once is asked about the second time, like any other that looks like one before."""
    user = acting(request)
    actions.take_turn(by=user)
    if (answer := duplicate_views.before_saving(request, form, household)) is not None:
        return answer
    if not form.is_valid():  # adding to another issue failed
        return None
    try:
        issue = actions.open_issue(by=user, household=household, **form.cleaned_data)
    except ValidationError as error:
        for field, problems in error.message_dict.items():
            form.add_error(field if field in form.fields else None, problems)
        return None
    messages.success(
        request,
        _("Issue %(number)s is recorded and lies with %(unit)s, due on %(day)s.")
        % {"number": issue.number, "unit": issue.unit.name, "day": issue.due_on},
    )
    return redirect("issues:detail", pk=issue.pk)


@require(Permission.ISSUE_VIEW)
@require_GET
def household_issues(request: HttpRequest, pk: int) -> HttpResponse:
    """The issues of a household, as a fragment for its page."""
    user = acting(request)
    household = get_object_or_404(Household.objects.visible_to(user), pk=pk)
    issues = Issue.objects.visible_to(user).filter(household=household).with_names().order_by("-pk")[:50]
    today = timezone.localdate()
    rows = [
        {
            "issue": row,
            "tone": looks.STATE_TONES[row.state],
            "due": due_mark(row, today),
            "text": f"{row.category.name} · {row.unit.name} · {row.due_on}",
        }
        for row in issues
    ]
    may_open = Permission.ISSUE_OPEN in permissions_of(user)
    new_url = f"{reverse('issues:new')}?household={household.pk}" if may_open else ""
    return render(request, "issues/_household.html", {"rows": rows, "new_url": new_url})


def disposition(as_attachment: bool, name: str) -> str:
    """The Content-Disposition of a file called `name`, whatever characters that holds."""
    return content_disposition_header(as_attachment, name) or "attachment"
