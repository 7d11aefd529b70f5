"""Pages of the restricted register: handing a clue in, one's own by number and state, and the discipline office's.

No page is kept by a browser, and a report of a fault shows nothing that was typed or read here.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView
from functools import wraps
from types import FrameType
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.debug import SafeExceptionReporterFilter
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from households.models import Household
from issues import actions, clues
from issues.clue_forms import ClueForm, ClueStepForm
from issues.models import Clue, ClueEntry, Issue
from outreach.access import Permission, Role, ViewT, acting, post_of, require
from outreach.models import Membership, Unit, User

PAGE_ROWS = 30
STATE_TONES = {"received": "warn", "looking": "accent", "concluded": "good", "refused": "neutral"}
STEP_LOOKS = {
    "look": ("accent", "search"),
    "note": ("neutral", "edit"),
    "hand_over": ("info", "send"),
    "conclude": ("good", "check-circle"),
    "refuse": ("warn", "ban"),
}


class SealedReportFilter(SafeExceptionReporterFilter):
    """Leaves every posted value and every local variable out of error pages and error mails, debugging or not."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {} if request is None else dict.fromkeys(request.POST, self.cleansed_substitute)

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()


def sealed(view: ViewT) -> ViewT:
    """Keep what a view reads and writes out of caches and error reports."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.exception_reporter_filter = SealedReportFilter()
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded  # type: ignore[return-value]


@require(Permission.CLUE_VIEW)
@require_GET
@sealed
def clue_list(request: HttpRequest) -> HttpResponse:
    """The register: numbers, states and days. What a clue says shows only when it is opened."""
    user = acting(request)
    rows = Clue.objects.visible_to(user)
    wanted = request.GET.get("state", "")
    state = wanted if wanted in clues.State.values else ""
    tabs = [
        {
            "url": f"?state={value}" if value else "?",
            "label": label,
            "current": value == state,
            "count": rows.filter(state=value).count() if value else None,
        }
        for value, label in (*clues.State.choices, ("", _("All")))
    ]
    chosen = (rows.filter(state=state) if state else rows).select_related("reported_by")
    page = Paginator(chosen, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [{"clue": clue, "tone": STATE_TONES[clue.state]} for clue in page.object_list],
        "tabs": tabs,
        "readers": readers(user),
    }
    return render(request, "clues/list.html", context)


def readers(user: User) -> list[str]:
    """The names of all who may read the register of the user's district, so that a stranger among them is noticed."""
    post = post_of(user)
    if post is None:
        return []
    posts = Membership.objects.filter(
        role=Role.DISCIPLINE,
        unit__code__startswith=post.unit.district_code,
        unit__kind__in=[Unit.Kind.DISTRICT, Unit.Kind.DEPARTMENT],
        user__is_active=True,
    )
    return [f"{row.user.name}（{row.unit.name}）" for row in posts.select_related("user", "unit").order_by("pk")]


def load_clue(request: HttpRequest, pk: int) -> Clue:
    """Return the clue the user may read, or raise Http404."""
    return get_object_or_404(Clue.objects.visible_to(request.user).select_related("reported_by"), pk=pk)


def render_clue(
    request: HttpRequest,
    clue: Clue,
    *,
    opened: actions.OpenedClue | None = None,
    bound: ClueStepForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a clue closed, or `opened`; `bound` is the form that was sent and refused."""
    forms = [
        bound if bound is not None and bound.step == step else ClueStepForm(step=step, version=clue.version)
        for step in clues.STEPS
        if clue.state in step.sources
    ]
    entries = opened.entries if opened else [actions.OpenedEntry(row, {}) for row in clue.entries.select_related("by")]
    context = {
        "clue": clue,
        "tone": STATE_TONES[clue.state],
        "opened": opened,
        "bound": bound,
        "forms": [{"form": form, "looks": STEP_LOOKS[form.step.name]} for form in forms],
        "entries": [entry_row(row.entry, row.said) for row in reversed(entries)],
    }
    return render(request, "clues/detail.html", context, status=status)


def entry_row(entry: ClueEntry, said: dict[str, str]) -> dict[str, Any]:
    """One line of the clue's history."""
    step = clues.BY_NAME.get(entry.step)
    tone, icon = STEP_LOOKS.get(entry.step, ("neutral", "dot"))
    return {"entry": entry, "said": said, "title": step.label if step else entry.step, "tone": tone, "icon": icon}


@require(Permission.CLUE_VIEW)
@require_GET
@sealed
def clue_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A clue, closed: its number, its state, the steps taken."""
    return render_clue(request, load_clue(request, pk))


@require(Permission.CLUE_VIEW)
@require_POST
@sealed
def clue_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a clue says, once, on the page that answers. A POST, because it is written to the audit trail."""
    clue = load_clue(request, pk)
    return render_clue(request, clue, opened=actions.open_clue(clue=clue, by=acting(request)))


@require(Permission.CLUE_VIEW)
@require_POST
@sealed
def clue_step(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Take one step, or say why not and keep what was typed."""
    clue = load_clue(request, pk)
    step = clues.BY_NAME.get(name)
    if step is None:
        raise Http404
    form = ClueStepForm(request.POST, step=step, version=clue.version)
    if not form.is_valid():
        return render_clue(request, clue, bound=form, status=422)
    try:
        moved = actions.step_clue(
            clue=clue, step=name, by=acting(request), version=form.cleaned_data["version"], said=form.said()
        )
    except ValidationError as error:
        form.add_error(None, error.messages)
        return render_clue(request, clue, bound=form, status=409)
    messages.success(
        request, _("Clue %(number)s: %(state)s.") % {"number": moved.number, "state": moved.get_state_display()}
    )
    return redirect("clues:detail", pk=pk)


@require(Permission.CLUE_REPORT)
@require_http_methods(["GET", "POST"])
@sealed
def clue_new(request: HttpRequest) -> HttpResponse:
    """Hand in a clue, perhaps heard with an issue (?issue=) or at a household (?household=)."""
    user = acting(request)
    post = post_of(user)
    assert post is not None
    source = source_of(request, user)
    form = ClueForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            clue = actions.report_clue(
                by=user,
                district=Unit.objects.districts().get(code=post.unit.district_code),
                content=clues.Content(source=source, **form.cleaned_data),
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            messages.success(
                request,
                _("Handed in as %(number)s. Only the discipline office can read it; here you follow its state.")
                % {"number": clue.number},
            )
            return redirect("clues:mine")
    return render(
        request, "clues/new.html", {"form": form, "source": source}, status=422 if request.method == "POST" else 200
    )


def source_of(request: HttpRequest, user: User) -> str:
    """Where the clue came up, in words, from the query string; only what the user sees. Raises Http404."""
    found: list[str] = []
    lookups: list[tuple[str, Callable[[int], str]]] = [
        (
            "issue",
            lambda pk: _("issue %(number)s") % {"number": get_object_or_404(Issue.objects.visible_to(user), pk=pk)},
        ),
        ("household", lambda pk: household_words(get_object_or_404(Household.objects.visible_to(user), pk=pk))),
    ]
    for name, look_up in lookups:
        if wanted := request.GET.get(name, ""):
            if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
                raise Http404
            found.append(look_up(int(wanted)))
    return " · ".join(found)[: actions.clues.MAX_LINE]


def issue_words(issue: Issue) -> str:
    """An issue in words."""
    return _("issue %(number)s") % {"number": issue.number}


def household_words(household: Household) -> str:
    """A household in words."""
    return _("visit to %(head)s, %(address)s") % {"head": household.head_name, "address": household.address}


@require(Permission.CLUE_REPORT)
@require_GET
@sealed
def clue_mine(request: HttpRequest) -> HttpResponse:
    """What I handed in: number, day and state, nothing else."""
    page = Paginator(Clue.objects.reported_by(acting(request)), PAGE_ROWS).get_page(request.GET.get("page"))
    rows = [{"clue": clue, "tone": STATE_TONES[clue.state]} for clue in page.object_list]
    return render(request, "clues/mine.html", {"page": page, "rows": rows})
