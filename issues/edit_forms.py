"""What people type to correct an issue. The form carries, signed, what they were shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from households.models import Household
from issues import facts
from issues.actions import MAX_TEXT
from issues.forms import category_choices, unit_choices
from issues.models import Category, Issue, Kind
from outreach.models import Unit, User

SALT = "issues.edit"


class EditForm(forms.Form):
    """The fields of an issue this user may correct, filled with what stands there now.

    `base` holds what was shown, and the version it was: signed, because what the person changed is worked out from it.
    With a `draft`, a form that was sent and refused, the fields show what was typed there.
    """

    text = forms.CharField(
        label=gettext_lazy("What the resident said"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 6})
    )
    category = forms.ModelChoiceField(label=gettext_lazy("Category"), queryset=Category.objects.none())
    kind = forms.ChoiceField(label=gettext_lazy("Kind of issue"), choices=Kind, widget=forms.RadioSelect)
    is_urgent = forms.BooleanField(
        label=gettext_lazy("Urgent"),
        required=False,
        help_text=gettext_lazy("Danger to life or property, or a deadline."),
    )
    place = forms.ModelChoiceField(label=gettext_lazy("Place"), queryset=Unit.objects.none())
    household = forms.CharField(
        label=gettext_lazy("Household number"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("As in the roster of this place. Left as it is, the household stays."),
    )
    no_household = forms.BooleanField(label=gettext_lazy("About no particular household"), required=False)
    note = forms.CharField(
        label=gettext_lazy("Why it is corrected"),
        max_length=MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    base = forms.CharField(widget=forms.HiddenInput, max_length=40_000)

    def __init__(
        self, *args: Any, issue: Issue, user: User, names: tuple[str, ...], draft: EditForm | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.issue, self.user, self.names = issue, user, names
        shown = facts.of(issue)
        self.shown: facts.Facts = {}
        typed = issue.household.number if issue.household else ""
        self.initial = {
            **shown,
            "household": typed,
            "no_household": issue.household_id is None,
            "base": signing.dumps(
                {"issue": issue.pk, "version": issue.version, "facts": shown, "household": typed}, salt=SALT
            ),
            **kwargs.get("initial", {}),
        }
        if draft is not None:
            self.initial |= draft.typed()
        for name in facts.FIELDS:
            if name not in names:
                del self.fields[name]
        if "household" not in names:
            del self.fields["no_household"]
        self.offer("category", Category.objects.filter(is_active=True) | Category.objects.filter(pk=issue.category_id))
        if "category" in self.fields:
            self.fields["category"].choices = category_choices(_("Choose a category"))  # type: ignore[attr-defined]
        places = Unit.objects.visible_to(user).active().exclude(kind=Unit.Kind.DEPARTMENT)
        places = places.filter(code__startswith=issue.place.district_code) | Unit.objects.filter(pk=issue.place_id)
        self.offer("place", places)
        if "place" in self.fields:
            self.fields["place"].choices = unit_choices(places, _("Choose a place"))  # type: ignore[attr-defined]

    def offer(self, name: str, rows: Any) -> None:
        """Let the field, where the form has it, choose among `rows`."""
        field = self.fields.get(name)
        if field is not None:
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows

    def clean_base(self) -> dict[str, Any]:
        """Take what was shown out of its envelope."""
        try:
            shown = signing.loads(self.cleaned_data["base"], salt=SALT)
        except signing.BadSignature as error:
            raise forms.ValidationError(
                _("The page was damaged on its way. Open the issue and correct it again.")
            ) from error
        if shown["issue"] != self.issue.pk:
            raise forms.ValidationError(_("The page was damaged on its way. Open the issue and correct it again."))
        self.shown = shown["facts"]
        return dict(shown)

    def clean(self) -> dict[str, Any]:
        """Find the household by its number."""
        values = self.cleaned_data
        if "household" not in self.fields or "base" not in values:
            return values
        typed = (values.get("household") or "").strip()
        if values.get("no_household"):
            values["household"] = None
        elif typed == values["base"]["household"]:
            values["household"] = self.shown["household"]
        else:
            place = values.get("place") or self.issue.place
            found = (
                Household.objects.visible_to(self.user).filter(village=place, number=typed).first() if typed else None
            )
            if found is None:
                self.add_error("household", _("There is no household of this number at this place."))
            else:
                values["household"] = found.pk
        return values

    def wanted(self) -> facts.Facts:
        """Return the fields as plain values, for correct_issue."""
        values = {name: self.cleaned_data[name] for name in self.names}
        plain = {name: getattr(value, "pk", value) for name, value in values.items()}
        # a browser sends every line end as two characters; that alone is no correction
        if "text" in plain and (text := plain["text"].replace("\r\n", "\n")) != plain["text"]:
            plain["text"] = self.shown["text"] if text == self.shown["text"].replace("\r\n", "\n") else text
        return plain

    def typed(self) -> dict[str, Any]:
        """Return what was changed here against what was shown, as a new form shows it."""
        changed = {name: value for name, value in self.wanted().items() if value != self.shown[name]}
        if "household" in changed:
            changed |= {"household": self.data.get("household", ""), "no_household": changed["household"] is None}
        return {**changed, "note": self.cleaned_data["note"]}
