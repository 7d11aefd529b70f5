"""What can be done with many issues of the ledger at once, and what each asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import looks, workflow
from issues.actions import MAX_TEXT
from issues.forms import category_choices, unit_choices
from issues.models import Category
from outreach import access
from outreach.access import Permission
from outreach.models import Unit, User

# More at once nobody has looked at.
MAX_BULK = 200


@dataclass(frozen=True)
class BulkAction:
    """`move` is a step of the workflow taken with each; without it the view knows what to do."""

    name: str
    label: str | Promise
    permission: Permission
    move: workflow.Move | None = None


BULK_ACTIONS = (
    *(
        BulkAction(name, workflow.BY_NAME[name].label, workflow.BY_NAME[name].permission, workflow.BY_NAME[name])
        for name in ("accept", "dispatch", "urge", "supervise")
    ),
    BulkAction("edit", gettext_lazy("Set category or urgency"), Permission.ISSUE_DISPATCH),
    BulkAction("export", gettext_lazy("Export to Excel"), Permission.ISSUE_EXPORT),
    BulkAction("letters", gettext_lazy("Draft supervision letters (.docx)"), Permission.ISSUE_CLOSE),
    BulkAction("slips", gettext_lazy("Print handling slips"), Permission.ISSUE_VIEW),
)
BY_NAME = {action.name: action for action in BULK_ACTIONS}


class BulkForm(forms.Form):
    """What is asked once for all chosen issues."""

    unit = forms.ModelChoiceField(label=gettext_lazy("Unit"), queryset=Unit.objects.none())
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"), queryset=Category.objects.filter(is_active=True), required=False
    )
    urgent = forms.ChoiceField(
        label=gettext_lazy("Urgent"),
        choices=[("", gettext_lazy("as it is")), ("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))],
        required=False,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4}), required=False
    )

    def __init__(self, *args: Any, action: BulkAction, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.action = action
        asked = ("category", "urgent") if action.move is None else (*action.move.fields, "note")
        for name in [name for name in self.fields if name not in asked]:
            del self.fields[name]
        if action.move is not None:
            self.fields["note"].required = "note" in action.move.required
            self.fields["note"].label = looks.NOTE_LABELS.get(action.name, gettext_lazy("Note"))
        if "unit" in self.fields:
            post = access.post_of(user)
            units = Unit.objects.active().filter(code__startswith=post.unit.district_code if post else "-")
            field = self.fields["unit"]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = units.exclude(kind=Unit.Kind.DISTRICT)
            field.choices = unit_choices(units.departments() | units.townships(), _("Choose a unit"))
        if "category" in self.fields:
            self.fields["category"].choices = category_choices(_("as it is"))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse an edit that changes nothing."""
        values = self.cleaned_data
        if self.action.name == "edit" and not self.errors and not (values.get("category") or values.get("urgent")):
            raise forms.ValidationError(_("Choose a category or the urgency."))
        return values
