"""The call-back desk: the queue, one call, what is said; and looking again at closed issues."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues import actions, workflow
from issues import desk as rules
from issues.desk_forms import DeskForm, LookBackForm, ScriptForm
from issues.models import UNREACHED_DAYS, CallBack, Issue, LookBack
from outreach.access import Permission, acting, has_permission, post_of, require
from outreach.models import Unit

PAGE_ROWS = 30
REACHED_TONES = {"reached": "good", "no_answer": "warn", "wrong_number": "warn", "refused": "neutral", "later": "info"}


def desk_tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    """The desk's two tabs with their counts."""
    user = acting(request)
    return [
        {
            "url": reverse("issues:desk"),
            "label": _("To call back"),
            "current": current == "queue",
            "count": rules.queue(user).order_by().values("pk").count(),
        },
        {
            "url": reverse("issues:look_back_list"),
            "label": _("Look back"),
            "current": current == "look_backs",
            "count": len(rules.look_backs_of(user)),
        },
    ]


@require(Permission.ISSUE_CLOSE)
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """The queue, what was verified first at the top, and the figures of the last month."""
    user, now = acting(request), timezone.now()
    page = Paginator(rules.queue(user), PAGE_ROWS).get_page(request.GET.get("page"))
    rows = []
    asked = rules.asked(page.object_list)
    for issue in page.object_list:
        shows, so_far = issue.shows_resident_to(user), asked[issue.pk]
        rows.append(
            {
                "issue": issue,
                "household": issue.household if shows else None,
                "last": CallBack.Reached(so_far.last).label if so_far.last else "",
                "tone": REACHED_TONES.get(so_far.last, "neutral"),
                "is_later": so_far.call_again_at is not None and so_far.call_again_at > now,
                "asked": so_far,
                "other": so_far.claimed_by if so_far.claimed_by_id != user.pk else "",
            }
        )
    context = {
        "page": page,
        "rows": rows,
        "tabs": desk_tabs(request, "queue"),
        "figures": rules.figures(user),
        "figure_days": rules.FIGURE_DAYS,
        "may_set_up": has_permission(user, Permission.ISSUE_SETUP),
    }
    return render(request, "issues/desk/queue.html", context)


def load(request: HttpRequest, pk: int) -> Issue:
    """Return the issue of the queue, or raise Http404."""
    return get_object_or_404(rules.queue(acting(request)).select_related("recorded_by", "done_by_unit"), pk=pk)


@require(Permission.ISSUE_CLOSE)
@require_POST
def desk_issue_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an issue off the queue for a quarter of an hour: nobody else calls meanwhile."""
    issue = load(request, pk)
    try:
        actions.claim_call(issue=issue, by=acting(request))
    except actions.ConflictError as conflict:
        messages.warning(request, str(conflict))
        return redirect("issues:desk")
    return redirect("issues:desk_issue", pk=pk)


@require(Permission.ISSUE_CLOSE)
@require_http_methods(["GET", "POST"])
def desk_issue(request: HttpRequest, pk: int) -> HttpResponse:
    """One call: number, script, questions. A POST keeps what came of it."""
    issue = load(request, pk)
    if request.method == "GET":
        return render_call(request, issue, DeskForm(initial={"version": issue.version}))
    form = DeskForm(request.POST)
    if not form.is_valid():
        return render_call(request, issue, form, status=422)
    try:
        call = actions.record_call_back(issue=issue, by=acting(request), and_close=True, **form.cleaned_data)
    except actions.ConflictError as conflict:
        form.add_error(None, str(conflict))
        return render_call(request, load(request, pk), form, status=409)
    except ValidationError as error:
        form.add_error(None, error.messages)
        return render_call(request, issue, form, status=422)
    after = Issue.objects.get(pk=pk)
    messages.success(
        request,
        _("Kept: %(result)s. Issue %(number)s: %(state)s.")
        % {"result": call.get_reached_display(), "number": after.number, "state": after.get_state_display()},
    )
    return redirect("issues:desk")


def render_call(request: HttpRequest, issue: Issue, form: DeskForm, *, status: int = 200) -> HttpResponse:
    """Render the page of one call."""
    user = acting(request)
    household = issue.household if issue.shows_resident_to(user) else None
    calls = list(issue.call_backs.filter(round=issue.redos).select_related("by"))
    days = len({timezone.localdate(call.at) for call in calls if not call.is_valid})
    context = {
        "issue": issue,
        "form": form,
        "household": household,
        "phones": phones_of(household) if household else [],
        "script": rules.script_of(user),
        "calls": [{"call": call, "tone": REACHED_TONES[call.reached]} for call in calls],
        "other": actions.claimed_by_other(issue, user),
        "is_mine": rules.asked([issue])[issue.pk].claimed_by_id == user.pk,
        "tried_days": days,
        "needed_days": UNREACHED_DAYS,
        "may_close": issue.refusal(workflow.BY_NAME["close"], user) is None,
    }
    return render(request, "issues/desk/call.html", context, status=status)


def phones_of(household: Any) -> list[tuple[str, str]]:
    """The household's numbers, each once, with whose it is."""
    found: dict[str, str] = {}
    if household.phone:
        found[household.phone] = household.head_name
    for resident in household.residents.all():
        for number in (resident.phone, resident.second_phone):
            if number:
                found.setdefault(number, resident.name)
    return list(found.items())


@require(Permission.ISSUE_SETUP)
@require_http_methods(["GET", "POST"])
def desk_script(request: HttpRequest) -> HttpResponse:
    """What is said at call-backs, for the whole district."""
    user = acting(request)
    post = post_of(user)
    assert post is not None
    district = Unit.objects.filter(code=post.unit.district_code).first()
    if district is None:
        raise Http404
    form = ScriptForm(request.POST or None, initial={"text": rules.script_of(user)})
    if request.method == "POST" and form.is_valid():
        actions.save_script(district=district, text=form.cleaned_data["text"], by=user)
        messages.success(request, _("What is said at call-backs is kept."))
        return redirect("issues:desk")
    status = 422 if request.method == "POST" else 200
    return render(request, "issues/desk/script.html", {"form": form}, status=status)


@require(Permission.ISSUE_CLOSE)
@require_GET
def look_back_list(request: HttpRequest) -> HttpResponse:
    """Closed issues drawn to be looked at again, oldest first."""
    waiting = (
        LookBack.objects.filter(pk__in=rules.look_backs_of(acting(request)))
        .select_related("issue__category", "issue__place", "issue__unit")
        .order_by("pk")
    )
    page = Paginator(waiting, PAGE_ROWS).get_page(request.GET.get("page"))
    return render(request, "issues/desk/look_backs.html", {"page": page, "tabs": desk_tabs(request, "look_backs")})


@require(Permission.ISSUE_CLOSE)
@require_http_methods(["GET", "POST"])
def look_back_detail(request: HttpRequest, look_back: int) -> HttpResponse:
    """Look again at one closed issue. A relapse sends it back to be redone."""
    user = acting(request)
    row = get_object_or_404(LookBack.objects.select_related("issue"), pk=look_back, issue__in=rules.judged_by(user))
    form = LookBackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.record_look_back(look_back=row, by=user, **form.cleaned_data)
        except ValidationError as error:
            if hasattr(error, "error_dict"):
                for field, problems in error.message_dict.items():
                    form.add_error(field, problems)
            else:
                form.add_error(None, error.messages)
        else:
            messages.success(request, _("Kept what was found."))
            return redirect("issues:look_back_list")
    issue = Issue.objects.with_names().get(pk=row.issue_id)
    household = issue.household if issue.shows_resident_to(user) else None
    context = {
        "row": row,
        "issue": issue,
        "form": form,
        "household": household,
        "phones": phones_of(household) if household else [],
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "issues/desk/look_back.html", context, status=status)
