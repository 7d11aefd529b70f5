"""Pages of disputes: the list, the record of a mediation, its papers, and the card on the issue's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from issues import disputes, mediation_papers
from issues.actions import disputes as dispute_actions
from issues.dispute_forms import (
    AgreementForm,
    DisputeFilterForm,
    PartyForm,
    PerformanceForm,
    RiskForm,
    SessionForm,
)
from issues.models import DisputeParty, Issue, IssueQuerySet, Kind, Mediation, Risk
from outreach import papers
from outreach.access import Permission, acting, require
from outreach.models import User

PAGE_ROWS = 30
RISK_LOOKS = {"low": ("neutral", ""), "medium": ("warn", "alert"), "high": ("bad", "flame")}


def risk_mark(risk: str) -> dict[str, str]:
    """The word, tone and icon of a level."""
    tone, icon = RISK_LOOKS.get(risk, RISK_LOOKS["low"])
    return {"word": str(Risk(risk).label) if risk in Risk.values else "", "tone": tone, "icon": icon}


def performance_mark(mediation: Mediation | None) -> dict[str, str]:
    """How the agreement stands, in a word; nothing while nothing was agreed."""
    if mediation is None or not mediation.has_agreement:
        return {}
    if mediation.is_performed is not None:
        word, tone = (_("performed"), "good") if mediation.is_performed else (_("not performed"), "bad")
        return {"word": word, "tone": tone}
    late = mediation.days_overdue(timezone.localdate())
    if late is not None and late > 0:
        return {"word": _("performance %(days)d days overdue") % {"days": late}, "tone": "bad"}
    if late == 0:
        return {"word": _("performance due today"), "tone": "warn"}
    return {"word": _("agreed"), "tone": "info"}


def in_tab(issues: IssueQuerySet, tab: str) -> IssueQuerySet:
    """The disputes of a tab."""
    today = timezone.localdate()
    match tab:
        case "high":
            return issues.open().filter(mediation__risk=Risk.HIGH)
        case "due":
            return issues.filter(mediation__in=Mediation.objects.performance_due(today))
        case "broken":
            return issues.filter(mediation__is_performed=False)
        case "all":
            return issues
    return issues.open()


@require(Permission.ISSUE_VIEW)
@require_GET
def dispute_list(request: HttpRequest) -> HttpResponse:
    """The disputes in reach, the most dangerous first."""
    form = DisputeFilterForm(request.GET)
    issues = Issue.objects.visible_to(acting(request)).filter(kind=Kind.DISPUTE)
    tabs = [
        {
            "url": f"?tab={name}",
            "label": label,
            "current": form.chosen == name,
            "count": None if name in ("open", "all") else in_tab(issues, name).order_by().count(),
        }
        for name, label in form.TABS
    ]
    rows = in_tab(issues, form.chosen).with_names().select_related("mediation")
    rows = rows.annotate(held=Count("sessions")).order_by("due_on", "pk")
    page = Paginator(rows, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [dispute_row(issue) for issue in page.object_list], "tabs": tabs}
    return render(request, "issues/disputes.html", context)


def dispute_row(issue: Issue) -> dict[str, Any]:
    """One line of the list."""
    mediation = mediation_of(issue)
    return {
        "issue": issue,
        "held": getattr(issue, "held", 0),
        "title": Truncator(issue.text).chars(50),
        "text": f"{issue.number} · {issue.place.name} · {issue.unit.name}",
        "risk": risk_mark(mediation.risk) if mediation else {},
        "performance": performance_mark(mediation),
    }


def mediation_of(issue: Issue) -> Mediation | None:
    """The mediation, where somebody has begun one."""
    try:
        return issue.mediation
    except Mediation.DoesNotExist:
        return None


def dispute_card(issue: Issue, user: User) -> dict[str, Any] | None:
    """What the issue's page shows of the mediation; None where the issue is no dispute."""
    if issue.kind != Kind.DISPUTE:
        return None
    mediation = mediation_of(issue)
    return {
        "risk": risk_mark(mediation.risk if mediation else Risk.LOW),
        "performance": performance_mark(mediation),
        "sessions": issue.sessions.count(),
        "has_agreement": mediation is not None and mediation.has_agreement,
        "may_mediate": disputes.may_mediate(issue, user),
    }


def load_dispute(request: HttpRequest, pk: int) -> Issue:
    """Return the dispute the user may see, or raise Http404."""
    issues = Issue.objects.visible_to(request.user).with_names().select_related("done_by_unit")
    return get_object_or_404(issues, pk=pk, kind=Kind.DISPUTE)


def part_forms(issue: Issue, mediation: Mediation | None, user: User) -> dict[str, Callable[..., forms.Form]]:
    """The parts of the record the user may write, by name, each as a maker of its form."""
    parts: dict[str, Callable[..., forms.Form]] = {}
    if disputes.may_rate(issue, user):
        initial = {"risk": mediation.risk if mediation else Risk.LOW}
        if mediation is not None and issue.shows_resident_to(user):
            initial["note"] = mediation.risk_note  # the signs may name people
        parts["risk"] = lambda data=None: RiskForm(data, initial=initial, auto_id="risk_%s")
    if disputes.may_mediate(issue, user):
        parts["party"] = lambda data=None: PartyForm(data, issue=issue, auto_id="party_%s")
        parts["session"] = lambda data=None: SessionForm(data, auto_id="session_%s")
        parts["agreement"] = lambda data=None: AgreementForm(data, mediation=mediation, auto_id="agreement_%s")
    if mediation is not None and mediation.has_agreement and disputes.may_follow_up(issue, user):
        parts["performance"] = lambda data=None: PerformanceForm(data, auto_id="performance_%s")
    return parts


def part_looks() -> dict[str, tuple[str, str]]:
    """The label and icon of each part's button."""
    return {
        "risk": (_("Rate the risk"), "flame"),
        "party": (_("Add a party"), "users"),
        "session": (_("Record a session"), "message"),
        "agreement": (_("Record the agreement"), "check-circle"),
        "performance": (_("Follow up the performance"), "refresh"),
    }


def render_dispute(
    request: HttpRequest, issue: Issue, *, bound: tuple[str, forms.Form] | None = None, status: int = 200
) -> HttpResponse:
    """Render the record; `bound` is the part that was sent and refused, with its form."""
    user = acting(request)
    content = dispute_actions.content_of(issue)
    mediation = content["mediation"]
    shows = issue.shows_resident_to(user)
    looks = part_looks()
    parts = [
        {"name": name, "form": make(), "label": looks[name][0], "icon": looks[name][1]}
        for name, make in part_forms(issue, mediation, user).items()
        if bound is None or bound[0] != name
    ]
    context = {
        "issue": issue,
        "mediation": mediation,
        "risk": risk_mark(mediation.risk if mediation else Risk.LOW),
        "performance": performance_mark(mediation),
        "shows": shows,
        "held": len(content["sessions"]),
        "parties": content["parties"] if shows else [],
        "sessions": content["sessions"] if shows else [],
        "parts": parts,
        "bound": {"name": bound[0], "form": bound[1], "label": looks[bound[0]][0]} if bound else None,
        "may_mediate": disputes.may_mediate(issue, user),
        "can_print": shows and bool(content["sessions"]),
    }
    return render(request, "issues/dispute.html", context, status=status)


@require(Permission.ISSUE_VIEW)
@require_GET
def dispute_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The record of a mediation; what the parties said only for those who may know the resident."""
    return render_dispute(request, load_dispute(request, pk))


@require(Permission.ISSUE_VIEW)
@require_POST
def dispute_write(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """Write one part of the record, or say why not and keep what was typed."""
    issue, user = load_dispute(request, pk), acting(request)
    if part not in part_looks():
        raise Http404
    make = part_forms(issue, mediation_of(issue), user).get(part)
    if make is None:
        dispute_actions.demand(False)
        raise Http404
    form = make(request.POST)
    if form.is_valid():
        try:
            write(part, issue, form, user)
        except ValidationError as error:
            problems = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
            for field, texts in problems.items():
                form.add_error(field if field in form.fields else None, texts)
        else:
            messages.success(request, _("The record of the mediation was saved."))
            return redirect("issues:dispute_detail", pk=pk)
    return render_dispute(request, issue, bound=(part, form), status=422)


def write(part: str, issue: Issue, form: forms.Form, by: User) -> None:
    """Hand a valid form to its action."""
    values = form.cleaned_data
    match part:
        case "risk":
            dispute_actions.rate_risk(issue=issue, by=by, **values)
        case "party":
            assert isinstance(form, PartyForm)
            dispute_actions.add_party(issue=issue, by=by, **form.values())
        case "session":
            dispute_actions.record_session(issue=issue, by=by, **values)
        case "agreement":
            dispute_actions.record_agreement(issue=issue, by=by, **values)
        case "performance":
            dispute_actions.record_performance(issue=issue, by=by, **values)


@require(Permission.ISSUE_VIEW)
@require_POST
def dispute_party_remove(request: HttpRequest, pk: int, party: int) -> HttpResponse:
    """Take out a party entered by mistake."""
    issue = load_dispute(request, pk)
    row = get_object_or_404(DisputeParty.objects.select_related("issue"), pk=party, issue=issue)
    try:
        dispute_actions.remove_party(party=row, by=acting(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("issues:dispute_detail", pk=pk)


@require(Permission.ISSUE_VIEW)
@require_POST
def dispute_paper(request: HttpRequest, pk: int, paper: str) -> HttpResponse:
    """The agreement or the record as .docx. A POST, because it is written to the audit trail."""
    issue, user = load_dispute(request, pk), acting(request)
    if paper not in mediation_papers.PAPERS:
        raise Http404
    if not issue.shows_resident_to(user):
        dispute_actions.demand(False)
    content = dispute_actions.content_of(issue)
    mediation, parties, sessions = content["mediation"], content["parties"], content["sessions"]
    if not sessions or (paper == "agreement" and (mediation is None or not mediation.has_agreement)):
        messages.error(request, _("There is nothing to print yet: record the session and the agreement first."))
        return redirect("issues:dispute_detail", pk=pk)
    if paper == "agreement":
        file = mediation_papers.agreement(issue, mediation, parties, sessions)
    else:
        file = mediation_papers.record(issue, parties, sessions)
    dispute_actions.log_paper(issue=issue, paper=paper, by=user)
    response = HttpResponse(file, content_type=papers.CONTENT_TYPE)
    name = f"{mediation_papers.PAPERS[paper]} {issue.number}.docx"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
