"""The write door of special projects: beginning one about an issue, noting progress, closing it."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from issues import clusters, workflow
from issues.actions.history import MAX_TEXT, append_event
from issues.actions.moving import lock
from issues.models import Issue, ProjectNote, SpecialProject, may_run
from issues.notices import tell_units
from outreach import access
from outreach.models import Unit, User

COUNT_DAYS = 30


@transaction.atomic
def open_project(
    *, issue: Issue, by: User, title: str, unit: Unit, lead: str, measures: str, places: str, due_on: date
) -> SpecialProject:
    """Begin a project about `issue` and keep how many like issues there were in the 30 days before.

    Raises PermissionDenied outside the area of `by`, ValidationError (keyed by argument) for an issue that has ended or
    has a project, texts that are empty or too long, a unit of another district, a day that is past.
    """
    locked = lock(issue)
    _demand(locked, by)
    if locked.state not in workflow.ALIVE_STATES:
        raise ValidationError(_("That issue has ended: choose one that is under way."))
    if SpecialProject.objects.filter(issue=locked).exists():
        raise ValidationError(_("There is a special project about this issue already."))
    texts = {"title": (title, 100), "lead": (lead, 60), "measures": (measures, MAX_TEXT), "places": (places, MAX_TEXT)}
    errors = {name: fault for name, (text, most) in texts.items() if (fault := _text_fault(text, most))}
    if not unit.is_active or unit.district_code != locked.place.district_code:
        errors["unit"] = _("Choose a unit of the district.")
    if due_on < timezone.localdate():
        errors["due_on"] = _("This day is past.")
    if errors:
        raise ValidationError(errors)
    recorded, still_open = like_issues(locked)
    project = SpecialProject.objects.create(
        issue=locked,
        title=title.strip(),
        unit=unit,
        lead=lead.strip(),
        measures=measures.strip(),
        places=places.strip(),
        due_on=due_on,
        created_by=by,
        recorded_before=recorded,
        open_before=still_open,
    )
    key = _tell_history(locked, "project_open", by=by, note=project.title)
    _tell_units(project, locked, by=by, key=key)
    return project


@transaction.atomic
def note_project(*, project: SpecialProject, by: User, text: str) -> ProjectNote:
    """Append a note of progress. Raises PermissionDenied outside the area of `by`, ValidationError for no text or a
    project that is closed."""
    locked = _lock(project)
    _demand(locked.issue, by)
    _demand_running(locked)
    if fault := _text_fault(text, MAX_TEXT):
        raise ValidationError({"text": fault})
    post = access.post_of(by)
    assert post is not None
    return ProjectNote.objects.create(project=locked, by=by, by_unit=post.unit, text=text.strip())


@transaction.atomic
def close_project(*, project: SpecialProject, by: User, result: str) -> SpecialProject:
    """Close the project with what came of it, and keep how many like issues there were in the 30 days before. The
    issues go their own way. Raises PermissionDenied, ValidationError: no text, closed already."""
    locked = _lock(project)
    _demand(locked.issue, by)
    _demand_running(locked)
    if fault := _text_fault(result, MAX_TEXT):
        raise ValidationError({"result": fault})
    locked.state, locked.result = SpecialProject.State.CLOSED, result.strip()
    locked.closed_at, locked.closed_by = timezone.now(), by
    locked.recorded_after, locked.open_after = like_issues(locked.issue)
    locked.save()
    key = _tell_history(locked.issue, "project_close", by=by, note=locked.title)
    _tell_units(locked, locked.issue, by=by, key=key)
    return locked


def like_issues(issue: Issue) -> tuple[int, int]:
    """Return how many issues of its category were recorded in its place and below in the last COUNT_DAYS days, and how
    many of those are not claimed done. The issue itself, merged ones and ones not taken up do not count."""
    since = timezone.localdate() - timedelta(days=COUNT_DAYS)
    rows = clusters.counted(Issue.objects.all(), since).exclude(pk=issue.pk)
    rows = rows.filter(category=issue.category_id, place__code__startswith=issue.place.code)
    counts = rows.aggregate(recorded=Count("pk"), still_open=Count("pk", filter=Q(state__in=workflow.OPEN_STATES)))
    return counts["recorded"], counts["still_open"]


def _lock(project: SpecialProject) -> SpecialProject:
    rows = SpecialProject.objects.select_for_update(of=("self",)).select_related("issue__place", "issue__unit")
    return rows.get(pk=project.pk)


def _demand(issue: Issue, by: User) -> None:
    if not may_run(issue, by):
        raise PermissionDenied(_("Special projects are run by those who dispatch issues in the place."))


def _demand_running(project: SpecialProject) -> None:
    if not project.is_running:
        raise ValidationError(_("This special project is completed: nothing can be added."))


def _text_fault(text: str, most: int) -> str:
    text = text.strip()
    if text and len(text) <= most and "\x00" not in text:
        return ""
    return _("Write something, in at most %(count)d characters.") % {"count": most}


def _tell_history(issue: Issue, move: str, *, by: User, note: str) -> str:
    """Append the step; return the key of its notice."""
    event = append_event(issue, move, by=by, at=timezone.now(), from_state=issue.state, from_unit=issue.unit, note=note)
    return f"project:{event.pk}"


def _tell_units(project: SpecialProject, issue: Issue, *, by: User, key: str) -> None:
    """Tell the leading unit, and those that hold the issue and the issues below it. The project's title is not told: it
    is a person's words, and the notice leaves the program."""
    with translation.override(settings.LANGUAGE_CODE):
        words = _("Special project about issue %(number)s: begun, led by %(unit)s")
        if not project.is_running:
            words = _("Special project about issue %(number)s: completed by %(unit)s")
        title = words % {"number": issue.number, "unit": project.unit.name}
    page = reverse("issues:project_detail", args=[project.pk])
    tell_units([project.unit, issue.unit], title=title, url=page, key=key, by=by)
    # whoever holds an issue below may not see the one above: the notice leads to their own
    below = {child.unit: child for child in issue.children.select_related("unit").order_by("-pk")}
    for unit, child in below.items():
        tell_units([unit], title=title, url=reverse("issues:detail", args=[child.pk]), key=key, by=by)
