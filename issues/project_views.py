"""Pages of special projects: the list, one with its steps, and beginning one about an issue."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues import actions, looks, workflow
from issues.forms import unit_choices
from issues.models import Issue, SpecialProject, may_run
from outreach.access import Permission, acting, require
from outreach.models import Unit, User

PAGE_ROWS = 30


class ProjectForm(forms.Form):
    """What a special project is to do, who leads it, until when."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=100)
    unit = forms.ModelChoiceField(label=gettext_lazy("Leading unit"), queryset=Unit.objects.none())
    lead = forms.CharField(label=gettext_lazy("Person in charge"), max_length=60)
    measures = forms.CharField(
        label=gettext_lazy("Measures"), max_length=actions.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4})
    )
    places = forms.CharField(
        label=gettext_lazy("Places to sweep"),
        max_length=actions.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Where the same may be wrong, though nobody has brought it up yet."),
    )
    due_on = forms.DateField(label=gettext_lazy("Due on"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, issue: Issue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["unit"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Unit.objects.active().filter(code__startswith=issue.place.district_code)
        field.choices = unit_choices(field.queryset.departments() | field.queryset.townships(), _("Choose a unit"))


class NoteForm(forms.Form):
    """A note of progress."""

    text = forms.CharField(
        label=gettext_lazy("Progress"), max_length=actions.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )


class CloseForm(forms.Form):
    """What came of the project."""

    result = forms.CharField(
        label=gettext_lazy("What came of it"), max_length=actions.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )


def project_card(issue: Issue, user: User) -> dict[str, Any]:
    """The context of the project's lines in templates/issues/_related.html. Costs a query."""
    project = SpecialProject.objects.filter(issue=issue).first()
    may_begin = project is None and issue.state in workflow.ALIVE_STATES and may_run(issue, user)
    return {"project": project, "may_begin_project": may_begin}


@require(Permission.ISSUE_VIEW)
@require_GET
def project_list(request: HttpRequest) -> HttpResponse:
    """The special projects in reach, those under way first."""
    rows = SpecialProject.objects.visible_to(request.user).select_related("unit", "issue__place", "issue__category")
    page = Paginator(rows.order_by("-state", "due_on", "pk"), PAGE_ROWS).get_page(request.GET.get("page"))
    today = timezone.localdate()
    context = {"page": page, "rows": [{"project": row, "is_late": row.is_late(today)} for row in page.object_list]}
    return render(request, "issues/projects.html", context)


@require(Permission.ISSUE_VIEW)
@require_GET
def project_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One special project: what is to be done, the issues below, the counts, the notes."""
    return _render(request, _load(request, pk))


@require(Permission.ISSUE_DISPATCH)
@require_POST
def project_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Append a note of progress."""
    project, form = _load(request, pk), NoteForm(request.POST)
    if not form.is_valid():
        return _render(request, project, note_form=form)
    try:
        actions.note_project(project=project, by=acting(request), text=form.cleaned_data["text"])
    except ValidationError as error:
        form.add_error(None, error.messages)
        return _render(request, project, note_form=form)
    messages.success(request, _("The progress is noted."))
    return redirect("issues:project_detail", pk=pk)


@require(Permission.ISSUE_DISPATCH)
@require_POST
def project_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the project."""
    project, form = _load(request, pk), CloseForm(request.POST)
    if not form.is_valid():
        return _render(request, project, close_form=form)
    try:
        actions.close_project(project=project, by=acting(request), result=form.cleaned_data["result"])
    except ValidationError as error:
        form.add_error(None, error.messages)
        return _render(request, project, close_form=form)
    messages.success(request, _("The special project is completed."))
    return redirect("issues:project_detail", pk=pk)


@require(Permission.ISSUE_DISPATCH)
@require_http_methods(["GET", "POST"])
def project_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin a special project about an issue; where there is one, lead to it."""
    user = acting(request)
    issue = get_object_or_404(Issue.objects.visible_to(user).with_names(), pk=pk)
    if not may_run(issue, user):
        raise PermissionDenied(_("Special projects are run by those who dispatch issues in the place."))
    if existing := SpecialProject.objects.filter(issue=issue).first():
        return redirect("issues:project_detail", pk=existing.pk)
    form = ProjectForm(request.POST if request.method == "POST" else None, issue=issue)
    if form.is_bound and form.is_valid():
        try:
            project = actions.open_project(issue=issue, by=user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The special project is under way."))
            return redirect("issues:project_detail", pk=project.pk)
    context = {"issue": issue, "form": form}
    return render(request, "issues/project_new.html", context, status=422 if form.is_bound else 200)


def _load(request: HttpRequest, pk: int) -> SpecialProject:
    rows = SpecialProject.objects.visible_to(request.user).select_related("unit", "created_by", "closed_by")
    return get_object_or_404(rows.select_related("issue__place", "issue__unit", "issue__category"), pk=pk)


def _render(
    request: HttpRequest,
    project: SpecialProject,
    *,
    note_form: NoteForm | None = None,
    close_form: CloseForm | None = None,
) -> HttpResponse:
    """The page of a project; a form is the one that was sent and refused."""
    user = acting(request)
    below = Issue.objects.visible_to(user).filter(parent=project.issue).select_related("place", "unit").order_by("pk")
    below = below[: actions.MAX_FAMILY]
    is_mine = project.is_running and project.is_run_by(user)
    context = {
        "project": project,
        "is_late": project.is_late(timezone.localdate()),
        "children": [{"issue": row, "tone": looks.STATE_TONES[row.state]} for row in below],
        "notes": project.notes.select_related("by", "by_unit").order_by("-pk"),
        "note_form": note_form or (NoteForm() if is_mine else None),
        "close_form": close_form or (CloseForm() if is_mine else None),
        "count_days": actions.COUNT_DAYS,
    }
    return render(request, "issues/project.html", context, status=422 if note_form or close_form else 200)
