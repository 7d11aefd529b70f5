"""The residents' pages, open to all who hold a code: how an issue stands, adding to it, answering the questions.

The code is sent in a form's body, never in an address (a QR code carries it behind the #, which no server sees), so it
stands in no log and no referrer; what a browser keeps afterwards is a signed cookie with the number of the code.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues import actions, codes, limiter
from issues.models import Issue, IssueQuerySet, Kind, ResidentCode
from issues.progress import STAGES, progress_of
from issues.resident_forms import AnswerForm, CodeForm, RemarkForm
from outreach.access import open_to_all

logger = logging.getLogger(__name__)

COOKIE = "resident_code"
COOKIE_SECONDS = 2 * 60 * 60
MAX_ISSUES = 30

View = Callable[..., HttpResponse]


def for_residents(view: View) -> View:
    """Guard of all views here: open to all, kept by no cache, found by no search engine, named to no other site."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        # not no-referrer: browsers would then send "Origin: null", which the CSRF check refuses
        response["Referrer-Policy"] = "same-origin"
        return response

    return open_to_all(never_cache(guarded))


def code_of(request: HttpRequest) -> ResidentCode | None:
    """Return the code this browser was let in with, if it is still in force."""
    value = request.get_signed_cookie(COOKIE, default="", salt=COOKIE, max_age=COOKIE_SECONDS) or ""
    if not (value.isascii() and value.isdigit()):
        return None
    return ResidentCode.objects.filter(pk=int(value), withdrawn_at=None).first()


def issues_of(code: ResidentCode) -> IssueQuerySet:
    """The issues a code opens: its own, or those of its household. Disputes only by their own code: a card on the wall
    must not tell one member of the household what another has complained about."""
    issues = Issue.objects.select_related(
        "unit", "done_by_unit", "category", "household", "merged_into__unit", "merged_into__household"
    )
    if code.issue_id is not None:
        return issues.filter(pk=code.issue_id)
    return issues.filter(household=code.household_id).exclude(kind=Kind.DISPUTE).order_by("-pk")


@for_residents
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("code")
def resident_start(request: HttpRequest) -> HttpResponse:
    """The form for the code; what it opens is shown on the pages it leads to."""
    if request.method == "GET":
        return render(
            request, "issues/resident/start.html", {"form": CodeForm(), "is_in": code_of(request) is not None}
        )
    form = CodeForm(request.POST)
    if not form.is_valid():
        return start_again(request, form, status=422)
    typed = form.cleaned_data["code"]
    address = get_adapter(request).get_client_ip(request)
    try:
        limiter.check(address=address, digest=codes.digest(typed))
        code = actions.find_code(codes.digest(typed)) if codes.is_valid(typed) else None
        if code is None:
            limiter.wrong(address=address)
    except limiter.TooManyError as error:
        wait = _("Too many tries from here. Please wait %(minutes)d minutes, or call the number on your card.")
        return start_again(request, form, wait % {"minutes": min(error.seconds // 60, 60)}, status=429)
    except limiter.UncountedError:
        logger.error("Residents cannot open their pages: the cache that counts tries does not answer.")
        return start_again(request, form, _("This is not possible just now. Try again in a few minutes."), status=503)
    if code is None:
        wrong = _("No issue is found under this code. Compare it with your card or slip, character by character.")
        return start_again(request, form, wrong, status=422)
    response = redirect("resident_issues")
    response.set_signed_cookie(
        COOKIE,
        str(code.pk),
        salt=COOKIE,
        max_age=COOKIE_SECONDS,
        path=reverse("resident_start"),
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


def start_again(request: HttpRequest, form: CodeForm, problem: str = "", *, status: int) -> HttpResponse:
    """The form once more, and why. What was typed stands in it, for comparing."""
    if problem:
        form.add_error("code", problem)
    return render(request, "issues/resident/start.html", {"form": form}, status=status)


@for_residents
@require_GET
def resident_issues(request: HttpRequest) -> HttpResponse:
    """The issues of a household's code; a code of one issue leads straight to it."""
    code = code_of(request)
    if code is None:
        return redirect("resident_start")
    if code.issue_id is not None:
        return redirect("resident_issue", pk=code.issue_id)
    rows = [progress_of(issue, shows_text=False) for issue in issues_of(code)[:MAX_ISSUES]]
    return render(request, "issues/resident/issues.html", {"rows": rows})


@for_residents
@require_GET
def resident_issue(request: HttpRequest, pk: int) -> HttpResponse:
    """How one issue stands."""
    code, issue = opened(request, pk)
    if code is None or issue is None:
        return redirect("resident_start")
    return render_issue(request, code, issue)


def opened(request: HttpRequest, pk: int) -> tuple[ResidentCode | None, Issue | None]:
    """Return the code this browser came with and the issue, where that code opens it."""
    code = code_of(request)
    return code, issues_of(code).filter(pk=pk).first() if code else None


def render_issue(
    request: HttpRequest,
    code: ResidentCode,
    issue: Issue,
    *,
    remark: RemarkForm | None = None,
    answer: AnswerForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page of an issue; the forms are those that were sent and refused."""
    context = {
        "progress": progress_of(issue, shows_text=code.issue_id is not None),
        "stages": [str(stage) for stage in STAGES],
        "has_list": code.issue_id is None,
        "remark_form": remark or RemarkForm(auto_id="remark_%s"),
        "answer_form": answer or AnswerForm(auto_id="answer_%s"),
    }
    return render(request, "issues/resident/issue.html", context, status=status)


@for_residents
@require_POST
def resident_remark(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what the resident adds."""
    code, issue = opened(request, pk)
    if code is None or issue is None:
        return redirect("resident_start")
    form = RemarkForm(request.POST, request.FILES, auto_id="remark_%s")
    if form.is_valid():
        try:
            actions.add_remark(issue=issue, **form.cleaned_data)
        except ValidationError as error:
            take_over(form, error)
        else:
            messages.success(request, _("Thank you. What you added has reached those who handle the issue."))
            return redirect("resident_issue", pk=pk)
    return render_issue(request, code, issue, remark=form, status=422)


@for_residents
@require_POST
def resident_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the answers to the three questions."""
    code, issue = opened(request, pk)
    if code is None or issue is None:
        return redirect("resident_start")
    form = AnswerForm(request.POST, auto_id="answer_%s")
    if request.user.is_authenticated:
        form.add_error(None, _("You are logged in as staff. Only residents answer here; staff use the call-back desk."))
    if form.is_valid():
        try:
            call = actions.answer_questions(issue=issue, **form.answers())
        except ValidationError as error:
            take_over(form, error)
        else:
            thanks = (
                _("Thank you. Your answer is kept.")
                if call.satisfies(issue.outcome)
                else _("Thank you. Your answer is kept, and the issue is being handled again.")
            )
            messages.success(request, thanks)
            return redirect("resident_issue", pk=pk)
    return render_issue(request, code, issue, answer=form, status=422)


def take_over(form: RemarkForm | AnswerForm, error: ValidationError) -> None:
    """Show an action's complaints beside the form's fields."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error.messages)
        return
    for field, problems in error.message_dict.items():
        form.add_error(field if field in form.fields else None, problems)


@for_residents
@require_POST
def resident_leave(request: HttpRequest) -> HttpResponse:
    """Forget the code in this browser: the phone may be somebody else's."""
    response = redirect("resident_start")
    response.delete_cookie(COOKIE, path=reverse("resident_start"), samesite="Lax")
    return response
