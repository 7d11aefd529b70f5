"""What people type about bulletins. No form saves."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from reports.bulletins.content import FLOORS, SECTIONS, Rules
from reports.models import Bulletin, Snapshot
from reports.models.bulletins import MAX_ANSWER, MAX_SECTION, MAX_TITLE, MAX_WHY


def floor_field(label: Any) -> forms.DecimalField:
    """A percentage, or nothing: the rule is off."""
    widget = forms.NumberInput(attrs={"inputmode": "decimal"})
    return forms.DecimalField(
        label=label, required=False, min_value=0, max_value=100, max_digits=5, decimal_places=2, widget=widget
    )


class RulesForm(forms.Form):
    """By which rules the bulletin names units."""

    lowest = forms.IntegerField(
        label=_("Lowest of each group"), min_value=0, max_value=20, help_text=_("Never more than a third; 0: nobody.")
    )
    overdue = forms.IntegerField(
        label=_("Overdue issues, from"), min_value=0, max_value=9999, help_text=_("0: not named for this.")
    )
    fallen = forms.IntegerField(
        label=_("Places lost, from"), min_value=0, max_value=99, help_text=_("0: not named for this.")
    )
    coverage_floor = floor_field(_("Coverage below, %"))
    solution_floor = floor_field(_("Solution rate below, %"))
    content_floor = floor_field(_("Content rate below, %"))

    RULES = ("lowest", "overdue", "fallen", *FLOORS)

    @property
    def rule_fields(self) -> list[forms.BoundField]:
        """The fields of the rules, for the template."""
        return [self[name] for name in self.RULES]

    def rules(self) -> Rules:
        """Return the rules of a valid form."""
        return Rules(**{name: self.cleaned_data[name] for name in self.RULES})

    def rules_or(self, fallback: Rules) -> Rules:
        """Return the rules as far as they can be read; for a preview."""
        read = {name: self.cleaned_data[name] for name in self.RULES if name in getattr(self, "cleaned_data", {})}
        return Rules(**{**{name: getattr(fallback, name) for name in self.RULES}, **read})


def initial_of(rules: Rules) -> dict[str, int | Decimal | None]:
    """Return the initial values of a RulesForm."""
    return {name: getattr(rules, name) for name in RulesForm.RULES}


class SnapshotChoice(forms.ModelChoiceField):
    """Scores by kind, last day and state."""

    def label_from_instance(self, obj: Any) -> str:
        """What the choice says."""
        taken = timezone.localtime(obj.as_of)
        return gettext("%(title)s, taken %(moment)s (%(state)s)") % {
            "title": obj.title,
            "moment": f"{taken:%Y-%m-%d %H:%M}",
            "state": obj.get_state_display(),
        }


class DraftForm(RulesForm):
    """A new bulletin: on which scores, of which kind, with which requests."""

    snapshot = SnapshotChoice(queryset=Snapshot.objects.none(), label=_("Scores"), empty_label=None)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=Bulletin.Kind.choices, initial=Bulletin.Kind.CIRCULAR, widget=forms.RadioSelect
    )
    requests = forms.CharField(
        label=_("Requests"),
        max_length=MAX_SECTION,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("One a line; they are numbered by themselves."),
    )

    def __init__(self, *args: Any, snapshots: QuerySet[Snapshot], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["snapshot"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = snapshots


def section_field(label: Any, rows: int) -> forms.CharField:
    """The text of one part."""
    return forms.CharField(label=label, max_length=MAX_SECTION, widget=forms.Textarea(attrs={"rows": rows}))


class BulletinForm(RulesForm):
    """A draft's text and rules. `version`: the one the person began from."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    title = forms.CharField(
        label=_("Title"),
        max_length=MAX_TITLE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("A line break here is one on the paper."),
    )
    overview = section_field(_("1. The district as a whole"), 7)
    units = section_field(_("2. Unit by unit (above the tables)"), 3)
    problems = section_field(_("3. Problems"), 9)
    demands = section_field(_("4. Requests"), 7)

    def sections(self) -> dict[str, str]:
        """Return what was typed, valid or not."""
        return {key: str(self.data.get(key, "")).replace("\x00", "")[:MAX_SECTION] for key in SECTIONS}


class WithdrawForm(forms.Form):
    """Why a bulletin is withdrawn."""

    why = forms.CharField(label=_("Why it is withdrawn"), max_length=MAX_WHY)


class AnswerForm(forms.Form):
    """What a named unit does about it."""

    answer = forms.CharField(
        label=_("What your unit does about it"), max_length=MAX_ANSWER, widget=forms.Textarea(attrs={"rows": 4})
    )


class SetupForm(RulesForm):
    """What the district's bulletins begin with. `version` 0: there is nothing of its own yet."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)
    requests = forms.CharField(
        label=_("Requests"),
        max_length=MAX_SECTION,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("One a line; they are numbered by themselves."),
    )
