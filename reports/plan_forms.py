"""What people type about plans and tasks. No form saves."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from issues.forms import FilesField, grouped, unit_choices
from outreach.access import Role
from outreach.models import Campaign, Membership, Unit
from reports import tables
from reports.actions import plans as plan_actions
from reports.actions.plans import TaskContent
from reports.indicators import INDICATORS
from reports.models import WorkPlan, WorkTask
from reports.pace import WORDS, Light

CODE = re.compile(r"\d{9}|\d{12}|\d{6}D\d{2}(?:\d{2})?")
# Posts that answer for nothing of a plan.
NOT_OWNERS = (Role.VISITOR, Role.SYSTEM_ADMIN, Role.DISCIPLINE, Role.PUBLICITY)
DATE = {"type": "date"}
FILES_HINT = gettext_lazy("PDF, .docx, .xlsx up to 10 MB or pictures up to 5 MB, at most 6 at a time.")


def owner_posts(district: Unit, *, within: str = "", keep: int | None = None) -> Any:
    """The posts a task can be given to: in the district or, with `within`, below a unit; `keep` is one's id already."""
    posts = Membership.objects.filter(unit__code__startswith=within or district.code, unit__is_active=True)
    posts = posts.exclude(unit__kind=Unit.Kind.DISTRICT).filter(user__is_active=True).exclude(role__in=NOT_OWNERS)
    rows = Membership.objects.filter(Q(pk__in=posts.values("pk")) | Q(pk=keep))
    return rows.select_related("user", "unit__parent").order_by("unit__sort_order", "unit__code", "pk")


def owner_choices(posts: Any, blank: str) -> list[tuple[Any, Any]]:
    """The posts as options, a group for each unit; one query."""
    groups: dict[str, list[tuple[Any, Any]]] = {}
    for post in posts:
        unit = post.unit
        is_village = unit.kind == Unit.Kind.VILLAGE and unit.parent is not None
        name = f"{unit.parent.name} {unit.name}" if is_village else unit.name
        groups.setdefault(name, []).append((post.pk, f"{post.user.name} · {post.get_role_display()}"))
    return [("", blank), *groups.items()]


class PlanForm(forms.Form):
    """A plan, with its document."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=100)
    summary = forms.CharField(
        label=gettext_lazy("Aim"),
        max_length=plan_actions.MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    campaign = forms.ModelChoiceField(
        label=gettext_lazy("Campaign"),
        queryset=Campaign.objects.none(),
        required=False,
        help_text=gettext_lazy("Tasks measured by a figure take it from this campaign."),
    )
    starts_on = forms.DateField(label=gettext_lazy("Starts on"), widget=forms.DateInput(attrs=DATE))
    ends_on = forms.DateField(label=gettext_lazy("Ends on"), widget=forms.DateInput(attrs=DATE))
    documents = FilesField(label=gettext_lazy("The plan's document"), required=False, help_text=FILES_HINT)

    def __init__(self, *args: Any, district: Unit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["campaign"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Campaign.objects.filter(district=district).exclude(state=Campaign.State.DRAFT)
        field.empty_label = _("none")


class FilesForm(forms.Form):
    """Further documents of a plan."""

    documents = FilesField(label=gettext_lazy("Documents"), help_text=FILES_HINT)


class TaskForm(forms.Form):
    """A task: what, who, until when, measured how."""

    title = forms.CharField(label=gettext_lazy("Task"), max_length=plan_actions.MAX_TITLE)
    person = forms.ModelChoiceField(
        label=gettext_lazy("Responsible unit and person in charge"), queryset=Membership.objects.none()
    )
    due_on = forms.DateField(label=pgettext_lazy("task", "Due on"), widget=forms.DateInput(attrs=DATE))
    measure = forms.ChoiceField(
        label=gettext_lazy("Measured"),
        choices=WorkTask.Measure,
        widget=forms.RadioSelect,
        initial=WorkTask.Measure.DONE,
    )
    indicator = forms.ChoiceField(
        label=gettext_lazy("Figure the program counts"),
        required=False,
        help_text=gettext_lazy("It fills itself: nobody reports the number."),
    )
    target = forms.DecimalField(
        label=gettext_lazy("Target"), required=False, min_value=0, max_digits=12, decimal_places=2
    )
    target_unit = forms.CharField(
        label=gettext_lazy("Unit of the target"),
        required=False,
        max_length=10,
        help_text=gettext_lazy("Households, issues, places …"),
    )
    starts_on = forms.DateField(
        label=gettext_lazy("Starts on"),
        required=False,
        widget=forms.DateInput(attrs=DATE),
        help_text=gettext_lazy("Left open, it is the plan's first day."),
    )
    helpers = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Helping units"),
        required=False,
        queryset=Unit.objects.none(),
        widget=forms.SelectMultiple(attrs={"size": 5}),
    )
    detail = forms.CharField(
        label=gettext_lazy("Requirements"),
        max_length=plan_actions.MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self, *args: Any, plan: WorkPlan, within: str = "", only: str = "", keep: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        posts = owner_posts(plan.district, within=within, keep=keep)
        if only:
            posts = posts.filter(unit__code=only)
        person = self.fields["person"]
        assert isinstance(person, forms.ModelChoiceField)
        person.queryset = posts
        person.choices = owner_choices(posts, _("Choose a person"))
        units = Unit.objects.active().filter(code__startswith=within or plan.district.code)
        helpers = self.fields["helpers"]
        assert isinstance(helpers, forms.ModelMultipleChoiceField)
        helpers.queryset = units if within else units.departments() | units.townships()
        helpers.choices = grouped(helpers.queryset.select_related("parent"), "")[1:]
        indicators = [(key, indicator.name) for key, indicator in INDICATORS.items()]
        self.fields["indicator"].choices = [("", _("none")), *indicators]  # type: ignore[attr-defined]

    def content(self) -> TaskContent:
        """The valid form as a task's content."""
        data = self.cleaned_data
        return TaskContent(
            title=data["title"],
            person=data["person"],
            due_on=data["due_on"],
            measure=data["measure"],
            target=data["target"],
            target_unit=data["target_unit"],
            indicator=data["indicator"],
            starts_on=data["starts_on"],
            detail=data["detail"],
            helpers=tuple(data["helpers"]),
        )


def initial_of(task: WorkTask) -> dict[str, Any]:
    """What the form of a task begins with."""
    names = ("title", "person", "due_on", "measure", "indicator", "target", "target_unit", "starts_on", "detail")
    values: dict[str, Any] = {name: getattr(task, name) for name in names}
    return values | {"person": task.person_id, "helpers": list(task.helpers.values_list("pk", flat=True))}


class ListForm(forms.Form):
    """A list as a file or as text; the file becomes text."""

    file = forms.FileField(label=gettext_lazy("File"), required=False)
    text = forms.CharField(
        label=gettext_lazy("The list"),
        required=False,
        max_length=tables.MAX_TEXT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono"}),
        help_text=gettext_lazy("Paste rows from Excel, or type them with | between the columns."),
    )

    def clean(self) -> dict[str, Any]:
        """Put the file's rows into `text`. Refuses when there is neither."""
        data = self.cleaned_data
        if data.get("file"):
            data["text"] = tables.text_of_upload(data["file"])
        elif not (data.get("text") or "").strip() and not self.errors:
            raise forms.ValidationError(_("Choose a file, or paste the list."))
        return data


class ReportForm(forms.Form):
    """What a unit reports of its task."""

    amount = forms.DecimalField(
        label=gettext_lazy("Reached so far"), required=False, min_value=0, max_digits=12, decimal_places=2
    )
    text = forms.CharField(
        label=gettext_lazy("Progress"), max_length=plan_actions.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4})
    )
    is_final = forms.BooleanField(label=gettext_lazy("The task is completed"), required=False)
    evidence = FilesField(label=gettext_lazy("Evidence"), required=False, help_text=FILES_HINT)

    def __init__(self, *args: Any, task: WorkTask, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if task.measure in (WorkTask.Measure.DONE, WorkTask.Measure.INDICATOR):
            del self.fields["amount"]
        else:
            target = f"{task.target.normalize():f}{task.target_unit}" if task.target is not None else "—"
            self.fields["amount"].required = True
            self.fields["amount"].help_text = _("Target: %(target)s") % {"target": target}


class JudgeForm(forms.Form):
    """Accept, or send back with the reason."""

    accept = forms.TypedChoiceField(
        choices=[("1", pgettext_lazy("task", "Accept")), ("0", gettext_lazy("Send back"))],
        coerce=lambda value: value == "1",
    )
    remark = forms.CharField(
        label=gettext_lazy("Remark"),
        required=False,
        max_length=plan_actions.MAX_REMARK,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Needed when it is sent back."),
    )


class EndForm(forms.Form):
    """Complete, cancel or take up again, with the reason."""

    step = forms.ChoiceField(
        choices=[
            ("finish", gettext_lazy("Complete")),
            ("cancel", gettext_lazy("Cancel the task")),
            ("reopen", gettext_lazy("Take up again")),
        ]
    )
    note = forms.CharField(
        label=gettext_lazy("Reason"), max_length=plan_actions.MAX_REMARK, widget=forms.Textarea(attrs={"rows": 2})
    )


class TaskFilterForm(forms.Form):
    """Filters of the board; what cannot be read filters nothing."""

    q = forms.CharField(label=gettext_lazy("Words"), required=False, max_length=50)
    plan = forms.ModelChoiceField(label=gettext_lazy("Plan"), required=False, queryset=WorkPlan.objects.none())
    unit = forms.ModelChoiceField(label=gettext_lazy("Unit"), required=False, queryset=Unit.objects.none())
    light = forms.ChoiceField(label=gettext_lazy("State"), required=False)

    def __init__(self, *args: Any, plans: Any, units: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows, blank in (("plan", plans, _("All plans under way")), ("unit", units, _("All units"))):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset, field.empty_label = rows, blank
        self.fields["unit"].choices = unit_choices(units, _("All units"))  # type: ignore[attr-defined]
        lights = [(light.value, WORDS[light]) for light in Light]
        judge = ("to_judge", _("report to be judged"))
        soon = ("soon", _("due within 5 working days"))
        self.fields["light"].choices = [("", _("All states")), judge, soon, *lights]  # type: ignore[attr-defined]

    def value(self, name: str) -> Any:
        """Return the cleaned value, None where it is empty or wrong."""
        self.is_valid()
        return self.cleaned_data.get(name) or None


class ExemptionForm(forms.Form):
    """Why a unit needs no duty for now, and until when."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    ends_on = forms.DateField(label=gettext_lazy("Until"), widget=forms.DateInput(attrs=DATE))


class LinkForm(forms.Form):
    """The place a department is linked to."""

    place = forms.ModelChoiceField(label=gettext_lazy("Township or village"), queryset=Unit.objects.none())

    def __init__(self, *args: Any, district: Unit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units = Unit.objects.active().filter(code__startswith=district.code)
        field = self.fields["place"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = units.townships() | units.villages()
        field.choices = unit_choices(field.queryset, _("Choose a place"))


def default_period() -> dict[str, Any]:
    """The days a new plan begins with: from today to the end of the year."""
    today = timezone.localdate()
    return {"starts_on": today, "ends_on": today.replace(month=12, day=31)}
