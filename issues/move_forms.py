"""What people type for a step of an issue, and for a call-back. No form saves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import looks
from issues.actions import FINISH_OUTCOMES, MAX_TEXT
from issues.forms import Choices, FilesField, unit_choices
from issues.models import CallBack, Issue, Solvability
from issues.workflow import Move
from outreach.models import Unit, UnitQuerySet, User

YES_NO = [("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))]


def district_units(issue: Issue) -> UnitQuerySet:
    """The units in use of the issue's district."""
    return Unit.objects.active().filter(code__startswith=issue.place.district_code)


def near_units(issue: Issue) -> Callable[[], Choices]:
    """What a step that sends the issue somewhere offers: departments, townships and the villages near the place."""
    code, district = issue.place.code, district_units(issue)
    units = district.departments() | district.townships()
    if len(code) > 6:
        units = units | district.villages().filter(code__startswith=code[:9])
    return unit_choices(units, _("Choose a unit"))


class MoveForm(forms.Form):
    """The fields of one move of workflow.MOVES, required and optional, and the version the person saw."""

    unit = forms.ModelChoiceField(label=gettext_lazy("Unit"), queryset=Unit.objects.none())
    outcome = forms.ChoiceField(
        label=gettext_lazy("How it ended"),
        choices=[(value.value, value.label) for value in FINISH_OUTCOMES],
        widget=forms.RadioSelect,
    )
    solvability = forms.ChoiceField(
        label=gettext_lazy("Can it be solved at all?"),
        choices=[choice for choice in Solvability.choices if choice[0]],
        widget=forms.RadioSelect,
        required=False,
    )
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), widget=forms.RadioSelect)
    workdays = forms.IntegerField(label=gettext_lazy("Working days more"), min_value=1, max_value=250)
    until = forms.DateField(label=gettext_lazy("Until"), widget=forms.DateInput(attrs={"type": "date"}))
    to_whom = forms.CharField(label=gettext_lazy("Reported to"), max_length=100)
    document = forms.CharField(label=gettext_lazy("Document number"), max_length=60, required=False)
    main = forms.CharField(
        label=gettext_lazy("Number of the issue it goes into"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4}), required=False
    )
    evidence = FilesField(
        label=gettext_lazy("Photos and papers"),
        required=False,
        help_text=gettext_lazy(
            "At most 6 photos or papers (PDF, .docx, .xlsx); a photo up to 5 MB, a paper up to 10 MB. "
            "What is sent stays in the history."
        ),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def __init__(
        self,
        *args: Any,
        step: Move,
        issue: Issue,
        user: User,
        units: Callable[[], Choices] | None = None,
        **kwargs: Any,
    ) -> None:
        """`units` is `near_units(issue)`, where several forms of one page share it."""
        kwargs.setdefault("auto_id", f"id_{step.name}_%s")
        super().__init__(*args, **kwargs)
        self.step, self.issue, self.user = step, issue, user
        _tone, self.icon, self.variant = looks.MOVE_LOOKS[step.name]
        for name in [
            name
            for name in self.fields
            if name not in (*step.fields, "version", *(["evidence"] if step.can_attach else []))
        ]:
            del self.fields[name]
        self.fields["version"].initial = issue.version
        if "note" in self.fields:
            self.fields["note"].required = "note" in step.required
            self.fields["note"].label = looks.NOTE_LABELS.get(step.name, gettext_lazy("Note"))
        if step.reasons is not None:
            self.fields["reason"].choices = step.reasons.choices  # type: ignore[attr-defined]
        if step.name == "verify":
            self.fields["solvability"].initial = issue.solvability
        if "unit" in self.fields:
            field = self.fields["unit"]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = district_units(issue).exclude(kind=Unit.Kind.DISTRICT)
            field.choices = units or near_units(issue)

    def clean_main(self) -> Issue:
        """Return the issue of that number, of those the user sees."""
        number = str(self.cleaned_data["main"]).strip()
        found = Issue.objects.visible_to(self.user).select_related("place").filter(number=number).first()
        if found is None:
            raise forms.ValidationError(_("There is no issue of this number that you may see."))
        return found

    @property
    def chips(self) -> tuple[str, ...]:
        """The fields shown as chips."""
        return ("outcome", "solvability", "reason")

    def given(self) -> dict[str, Any]:
        """Return what was filled in, as keyword arguments of move_issue."""
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "", [])}


class CallBackForm(forms.Form):
    """One attempt to ask the resident: whether reached, and if so the three questions."""

    channel = forms.ChoiceField(
        label=gettext_lazy("How asked"),
        choices=[choice for choice in CallBack.Channel.choices if choice[0] != CallBack.Channel.PAGE],
        widget=forms.RadioSelect,
        initial=CallBack.Channel.PHONE,
    )
    reached = forms.ChoiceField(
        label=gettext_lazy("Result of the call"), choices=CallBack.Reached.choices, widget=forms.RadioSelect
    )
    contacted = forms.ChoiceField(
        label=gettext_lazy("Did the unit contact you?"), choices=YES_NO, widget=forms.RadioSelect, required=False
    )
    solved = forms.ChoiceField(
        label=gettext_lazy("Is it solved?"), choices=YES_NO, widget=forms.RadioSelect, required=False
    )
    content = forms.ChoiceField(
        label=gettext_lazy("Are you content?"),
        choices=CallBack.Content.choices,
        widget=forms.RadioSelect,
        required=False,
    )
    words = forms.CharField(
        label=gettext_lazy("In the resident's words"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def clean(self) -> dict[str, Any]:
        """Ask for all three answers where the resident was reached, and drop them where not."""
        values = self.cleaned_data
        reached = values.get("reached") == CallBack.Reached.REACHED
        for name in ("contacted", "solved"):
            answer = values.get(name)
            values[name] = {"yes": True, "no": False}.get(answer or "") if reached else None
            if reached and values[name] is None and name not in self.errors:
                self.add_error(name, _("Ask this question too."))
        if not reached:
            values["content"] = ""
        elif not values.get("content") and "content" not in self.errors:
            self.add_error("content", _("Ask this question too."))
        return values
