"""What an issue has to do with others: the card on its page, setting what stands above it, a parent for a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from issues import actions, clusters, looks, workflow
from issues.actions import families
from issues.models import Category, Issue
from issues.project_views import project_card
from outreach.access import Permission, acting, require
from outreach.models import Unit, User

MAX_ROWS = 200


@dataclass
class Relative:
    """Another issue as the card shows it: never whose it is. `url` is "" where the user may not see it."""

    issue: Issue
    tone: str
    url: str


class ParentForm(forms.Form):
    """The number of the issue above; empty takes an issue out again."""

    parent = forms.CharField(
        label=gettext_lazy("Number of the issue above"),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        help_text=gettext_lazy("Left empty, the issue stands for itself again."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "id_family_%s")
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_parent(self) -> Issue | None:
        """Return the issue of that number, of those the user sees."""
        number = str(self.cleaned_data["parent"]).strip()
        if not number:
            return None
        found = Issue.objects.visible_to(self.user).filter(number=number).first()
        if found is None:
            raise forms.ValidationError(_("There is no issue of this number that you may see."))
        return found


class FamilyForm(forms.Form):
    """What the one issue for many says."""

    text = forms.CharField(
        label=gettext_lazy("What these issues have in common"),
        max_length=actions.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("It becomes the text of a new issue above them. Name no resident here."),
    )


def related(issue: Issue, user: User) -> dict[str, Any]:
    """The context of templates/issues/_related.html. Costs the same queries for one relative and for many."""
    one_way = [key for key in (issue.merged_into_id, issue.parent_id) if key is not None]
    others = Issue.objects.filter(Q(pk__in=one_way) | Q(merged_into=issue.pk) | Q(parent=issue.pk))
    rows = list(others.select_related("place", "unit").order_by("pk")[:MAX_ROWS])
    keys = [row.pk for row in rows]
    seen = set(Issue.objects.visible_to(user).filter(pk__in=keys).values_list("pk", flat=True)) if keys else set()
    relatives = [
        Relative(row, looks.STATE_TONES[row.state], reverse("issues:detail", args=[row.pk]) if row.pk in seen else "")
        for row in rows
    ]
    groups = [
        (_("Merged into"), [row for row in relatives if row.issue.pk == issue.merged_into_id]),
        (_("Issue above"), [row for row in relatives if row.issue.pk == issue.parent_id]),
        (_("Merged into this one"), [row for row in relatives if row.issue.merged_into_id == issue.pk]),
        (_("Issues below"), [row for row in relatives if row.issue.parent_id == issue.pk]),
    ]
    form = None
    if issue.refusal(families.SET_PARENT, user) is None and not any(row.parent_id == issue.pk for row in rows):
        above = next((row.number for row in rows if row.pk == issue.parent_id), "")
        form = ParentForm(user=user, initial={"version": issue.version, "parent": above})
    return {
        "relatives": [(title, some) for title, some in groups if some],
        "parent_form": form,
        **project_card(issue, user),
    }


@require(Permission.ISSUE_DISPATCH)
@require_POST
def parent_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the issue under the one whose number was typed, or take it out, and say what came of it."""
    user = acting(request)
    issue = get_object_or_404(Issue.objects.visible_to(user), pk=pk)
    form = ParentForm(request.POST, user=user)
    status = 422
    if form.is_valid():
        try:
            after = actions.set_parent(
                issue=issue, parent=form.cleaned_data["parent"], by=user, version=form.cleaned_data["version"]
            )
        except actions.ConflictError as error:
            form.add_error(None, str(error))
            status = 409
        except ValidationError as error:
            form.add_error("parent", error.messages)
        else:
            text = _("Issue %(number)s stands under %(above)s.") if after.parent else _("%(number)s stands for itself.")
            above = after.parent.number if after.parent else ""
            messages.success(request, text % {"number": after.number, "above": above})
            return redirect("issues:detail", pk=pk)
    context = {"issue": issue, "form": form}
    return render(request, "issues/parent.html", context, status=status)


@require(Permission.ISSUE_DISPATCH)
@require_http_methods(["GET", "POST"])
def cluster_family(request: HttpRequest) -> HttpResponse:
    """Choose among the open issues of a cluster (?category=&place=&days=) and open one issue above them."""
    user = acting(request)
    category = _by_key(Category.objects.filter(is_active=True), request.GET.get("category", ""))
    places = Unit.objects.visible_to(user).active().exclude(kind=Unit.Kind.DEPARTMENT)
    place = _by_key(places, request.GET.get("place", ""))
    if category is None or place is None:
        messages.error(request, _("Choose repeated issues first."))
        return redirect("issues:clusters")
    since = timezone.localdate() - timedelta(days=clusters.period(request.GET.get("days")))
    within = clusters.counted(Issue.objects.visible_to(user), since).filter(
        category=category,
        place__code__startswith=place.code,
        state__in=workflow.ALIVE_STATES,
        parent=None,
        children=None,
    )
    rows = list(within.select_related("place", "unit").order_by("pk")[: families.MAX_FAMILY])
    picked = {key for key in request.POST.getlist("rows") if len(key) < 40}
    form = FamilyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        children = [(row, row.version) for row in rows if f"{row.pk}.{row.version}" in picked]
        try:
            if len(children) != len(picked):
                raise ValidationError(_("Some of these issues were changed in the meantime. Choose again."))
            parent = actions.open_parent(
                by=user, category=category, place=place, text=form.cleaned_data["text"], children=children
            )
        except (ValidationError, actions.ConflictError) as error:
            form.add_error(None, error.messages if isinstance(error, ValidationError) else str(error))
        else:
            messages.success(
                request,
                _("Issue %(number)s now stands above %(count)d issues.")
                % {"number": parent.number, "count": len(children)},
            )
            return redirect("issues:detail", pk=parent.pk)
    context = {
        "category": category,
        "place": place,
        "form": form,
        "rows": [
            {
                "issue": row,
                "key": f"{row.pk}.{row.version}",
                "tone": looks.STATE_TONES[row.state],
                "is_picked": request.method == "GET" or f"{row.pk}.{row.version}" in picked,
            }
            for row in rows
        ],
    }
    return render(request, "issues/family.html", context, status=422 if form.is_bound else 200)


def _by_key(rows: Any, key: str) -> Any:
    """The row of `rows` with the key that stands in a query string, or None."""
    is_number = key.isascii() and key.isdigit() and len(key) < 19
    return rows.filter(pk=key).first() if is_number else None
