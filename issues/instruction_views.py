"""Pages of difficult issues: the list leaders work through, the card on the issue's page, and the steps."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from issues import actions, difficult
from issues.actions import instructions as instruction_actions
from issues.instruction_forms import AnswerForm, InstructionForm, MarkForm, SeenForm
from issues.models import HelpingUnit, Instruction, Issue, IssueQuerySet
from outreach.access import Permission, acting, require
from outreach.models import User

PAGE_ROWS = 30
TABS = {
    "waiting": gettext_lazy("waits for an instruction"),
    "given": gettext_lazy("instructed"),
    "answered": gettext_lazy("answered"),
    "settled": gettext_lazy("settled"),
}


def loaded(issues: IssueQuerySet) -> IssueQuerySet:
    """Add what rows, cards and forms read, so that a list costs the same for one row and for sixty."""
    helpers = HelpingUnit.objects.select_related("unit__parent__parent")
    current = Instruction.objects.filter(is_current=True).select_related("to_unit", "by", "answered_by")
    return (
        issues.with_names()
        .select_related("unit__parent__parent", "place__parent__parent", "difficult_mark")
        .prefetch_related(
            Prefetch("helping_units", queryset=helpers),
            Prefetch("instructions", queryset=current, to_attr="current_instructions"),
        )
    )


def load_issue(request: HttpRequest, pk: int) -> Issue:
    """Return the issue the user may see, or raise Http404."""
    return get_object_or_404(loaded(Issue.objects.visible_to(request.user)), pk=pk)


def state_mark(instruction: Instruction | None, today: date) -> dict[str, str]:
    """How an instruction stands, in a word."""
    if instruction is None:
        return {"word": str(TABS["waiting"]), "tone": "neutral", "icon": "clock"}
    if late := instruction.days_late(today):
        return {"word": _("answer %(days)d days overdue") % {"days": late}, "tone": "bad", "icon": "alert"}
    if instruction.answered_at is None:
        return {"word": str(TABS["given"]), "tone": "warn", "icon": "clock"}
    if instruction.settled_at is None:
        return {"word": str(TABS["answered"]), "tone": "info", "icon": "message"}
    return {"word": str(TABS["settled"]), "tone": "good", "icon": "check"}


def steps_for(issue: Issue, instruction: Instruction | None, user: User, links: frozenset[str]) -> dict[str, Any]:
    """The forms of the steps the user may take now; each is there or not. `links` is `difficult.links_of(user)`."""
    seen = {"seen": instruction.pk if instruction else None}
    steps: dict[str, Any] = {}
    if difficult.may_instruct(issue, user):
        steps["instruct_form"] = InstructionForm(issue=issue, initial=seen)
        steps["instruct_label"] = _("Write a further instruction") if instruction else _("Write an instruction")
    if instruction is None:
        return steps
    if instruction.answered_at is None and difficult.may_answer(instruction, user):
        steps["answer_form"] = AnswerForm(initial=seen, auto_id=f"id_answer_{issue.pk}_%s")
    is_answered = instruction.answered_at is not None and instruction.settled_at is None
    if is_answered and difficult.may_settle(instruction, user, links):
        steps["settle_form"] = SeenForm(initial=seen, auto_id=f"id_settle_{issue.pk}_%s")
    return steps


@require(Permission.ISSUE_VIEW)
@require_GET
def difficult_list(request: HttpRequest) -> HttpResponse:
    """The difficult issues in reach, by where their instruction stands; the leader writes it here."""
    user, today = acting(request), timezone.localdate()
    cutoff = difficult.cutoff_of(today)
    issues = Issue.objects.visible_to(user)
    chosen = request.GET.get("tab", "")
    chosen = chosen if chosen in TABS else "waiting"
    tabs = [
        {
            "url": f"?tab={name}",
            "label": label,
            "current": name == chosen,
            "count": difficult.in_tab(issues, name, cutoff).order_by().count(),
        }
        for name, label in TABS.items()
    ]
    order = ("-instructions__settled_at", "-pk") if chosen == "settled" else ("due_on", "pk")
    if chosen == "given":
        order = ("instructions__due_on", "pk")
    rows = loaded(difficult.in_tab(issues, chosen, cutoff)).order_by(*order)
    page = Paginator(rows, PAGE_ROWS).get_page(request.GET.get("page"))
    links = difficult.links_of(user)
    context = {
        "page": page,
        "rows": [difficult_row(issue, user, today, cutoff, links) for issue in page.object_list],
        "tabs": tabs,
        "chosen": chosen,
    }
    return render(request, "issues/difficult.html", context)


def difficult_row(issue: Issue, user: User, today: date, cutoff: date, links: frozenset[str]) -> dict[str, Any]:
    """One line of the list."""
    instruction = next(iter(issue.current_instructions), None)  # type: ignore[attr-defined]
    late = issue.days_late(today) if issue.is_running else 0
    return {
        "issue": issue,
        "title": Truncator(issue.text).chars(60),
        "why": "；".join(difficult.reasons(issue, cutoff)),
        "late": max(0, late),
        "instruction": instruction,
        "mark": state_mark(instruction, today),
        **steps_for(issue, instruction, user, links),
    }


def instruction_card(issue: Issue, user: User) -> dict[str, Any] | None:
    """What the issue's page shows of instructions; None where there is nothing and nothing to do."""
    today = timezone.localdate()
    history = list(issue.instructions.select_related("to_unit", "by", "answered_by", "settled_by").order_by("-pk"))
    current = next((row for row in history if row.is_current), None)
    mark = difficult.mark_of(issue)
    card = {
        "why": difficult.reasons(issue, difficult.cutoff_of(today)),
        "rows": [{"instruction": row, "mark": state_mark(row, today) if row.is_current else None} for row in history],
        **steps_for(issue, current, user, difficult.links_of(user)),
    }
    if difficult.may_mark(issue, user):
        card["mark_form"] = None if mark else MarkForm(auto_id="id_difficult_%s")
        card["can_unmark"] = mark is not None
    return card if any(card.values()) else None


def back(request: HttpRequest, pk: int) -> HttpResponse:
    """Back to where the step was taken: the list, or the issue."""
    if request.POST.get("back") == "list":
        return redirect("issues:difficult")
    return redirect("issues:detail", pk=pk)


def render_step(
    request: HttpRequest, issue: Issue, form: forms.Form, *, url: str, title: str, status: int, reason: str = ""
) -> HttpResponse:
    """Render a step that was refused: why, how it stands now, and what was typed."""
    instruction = next(iter(issue.current_instructions), None)  # type: ignore[attr-defined]
    context = {
        "issue": issue,
        "form": form,
        "url": url,
        "title": title,
        "reason": reason,
        "instruction": instruction,
        "mark": state_mark(instruction, timezone.localdate()),
        "back": "list" if request.POST.get("back") == "list" else "",
        "can_send": status == 422,
    }
    return render(request, "issues/instruct.html", context, status=status)


def take_step(
    request: HttpRequest, pk: int, form: forms.Form, action: Any, *, url: str, title: str, done: str
) -> HttpResponse:
    """Run `action` with a valid form, or show the form again: 422 to correct it, 409 where somebody was faster."""
    reason, status = "", 422
    if form.is_valid():
        try:
            action(by=acting(request), **form.cleaned_data)
        except actions.ConflictError as conflict:
            reason, status = str(conflict), 409
        except ValidationError as error:
            problems = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
            for field, texts in problems.items():
                form.add_error(field if field in form.fields else None, texts)
        else:
            messages.success(request, done)
            return back(request, pk)
    return render_step(request, load_issue(request, pk), form, url=url, title=title, status=status, reason=reason)


@require(Permission.ISSUE_INSTRUCT)
@require_POST
def instruct(request: HttpRequest, pk: int) -> HttpResponse:
    """Write an instruction, from the list or the issue's page."""
    issue = load_issue(request, pk)
    return take_step(
        request,
        pk,
        InstructionForm(request.POST, issue=issue),
        lambda **values: instruction_actions.give_instruction(issue=issue, **values),
        url="issues:instruct",
        title=_("Write an instruction"),
        done=_("The instruction is given."),
    )


@require(Permission.ISSUE_HANDLE)
@require_POST
def instruct_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the current instruction for the unit it went to."""
    issue = load_issue(request, pk)
    return take_step(
        request,
        pk,
        AnswerForm(request.POST),
        lambda **values: instruction_actions.answer_instruction(issue=issue, **values),
        url="issues:instruct_answer",
        title=_("Answer the instruction"),
        done=_("The answer is kept; the leader is told."),
    )


@require(Permission.ISSUE_INSTRUCT)
@require_POST
def instruct_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the answer as enough."""
    issue = load_issue(request, pk)
    return take_step(
        request,
        pk,
        SeenForm(request.POST),
        lambda **values: instruction_actions.settle_instruction(issue=issue, **values),
        url="issues:instruct_settle",
        title=_("Take the answer"),
        done=_("The instruction is settled."),
    )


@require(Permission.ISSUE_MARK_DIFFICULT)
@require_POST
def difficult_mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Put an issue on the list of difficult ones."""
    issue = load_issue(request, pk)
    return take_step(
        request,
        pk,
        MarkForm(request.POST),
        lambda **values: instruction_actions.mark_difficult(issue=issue, **values),
        url="issues:difficult_mark",
        title=_("Put on the list of difficult issues"),
        done=_("The issue is on the list of difficult ones."),
    )


@require(Permission.ISSUE_MARK_DIFFICULT)
@require_POST
def difficult_unmark(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a person's mark off again."""
    issue = load_issue(request, pk)
    try:
        instruction_actions.unmark_difficult(issue=issue, by=acting(request))
    except actions.ConflictError as conflict:
        messages.error(request, str(conflict))
    else:
        messages.success(request, _("The mark is taken off."))
    return back(request, pk)
