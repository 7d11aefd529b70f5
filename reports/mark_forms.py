"""Forms of entered figures, bonus marks and deductions."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from issues import attachments
from issues.attachments import CleanFile
from outreach.models import Campaign, Unit, User
from reports.entered import Wanted
from reports.models import AdjustmentEntry, EnteredFigure, Scheme
from reports.schemes import Item, SchemeError


class FilesInput(forms.ClearableFileInput):
    """Several files at once."""

    allow_multiple_selected = True


class EvidenceField(forms.FileField):
    """Photos and papers, recognised by content; gives CleanFile values."""

    def __init__(self, **kwargs: Any) -> None:
        widget = FilesInput(attrs={"accept": attachments.ACCEPT})
        super().__init__(widget=widget, required=False, label=_("Evidence"), **kwargs)
        self.help_text = _("Photos, PDF, .docx or .xlsx; at most 6.")

    def clean(self, data: Any, initial: Any = None) -> list[CleanFile]:
        uploads = data if isinstance(data, list | tuple) else [data] if data else []
        return attachments.clean_files([upload for upload in uploads if isinstance(upload, UploadedFile)])


def _day(label: Any, **rest: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **rest)


class PeriodForm(forms.Form):
    """What the figures of one page have in common."""

    first = _day(_("From"))
    last = _day(_("To"))
    evidence = forms.CharField(
        label=_("Source"),
        max_length=300,
        help_text=_("Who checked when and how, or the document the figures stand in."),
    )
    papers = EvidenceField()

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it begins or has not begun."""
        values = super().clean() or {}
        first, last = values.get("first"), values.get("last")
        if first and last and first > last:
            self.add_error("last", _("The period must not end before it begins."))
        if first and first > timezone.localdate():
            self.add_error("first", _("This day has not come yet."))
        return values


class FigureFilterForm(forms.Form):
    """Which figures to list. What cannot be read filters nothing."""

    campaign = forms.ModelChoiceField(label=_("Campaign"), queryset=Campaign.objects.none(), required=False)
    indicator = forms.ChoiceField(label=_("Figure"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("all")), *EnteredFigure.State.choices])

    def __init__(self, *args: Any, user: User, asked: dict[str, Wanted], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["campaign"].queryset = Campaign.objects.visible_to(user)  # type: ignore[attr-defined]
        names = [(key, each.label) for key, each in asked.items()]
        self.fields["indicator"].choices = [("", _("all")), *names]  # type: ignore[attr-defined]

    def value(self, name: str) -> Any:
        """The cleaned value, None where it is empty or wrong."""
        self.is_valid()
        return self.cleaned_data.get(name) or None


class AdjustmentFilterForm(forms.Form):
    """Which bonuses and deductions to list. What cannot be read filters nothing."""

    campaign = forms.ModelChoiceField(label=_("Campaign"), queryset=Campaign.objects.none(), required=False)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("all")), *AdjustmentEntry.State.choices]
    )
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("all")), ("bonus", _("bonus")), ("deduction", _("deduction"))]
    )
    unit = forms.ModelChoiceField(
        label=_("Unit"), queryset=Unit.objects.none(), required=False, to_field_name="code", empty_label=_("all")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units = Unit.objects.visible_to(user).exclude(kind__in=[Unit.Kind.VILLAGE, Unit.Kind.DISTRICT])
        self.fields["campaign"].queryset = Campaign.objects.visible_to(user)  # type: ignore[attr-defined]
        self.fields["unit"].queryset = units  # type: ignore[attr-defined]

    def value(self, name: str) -> Any:
        """The cleaned value, None where it is empty or wrong."""
        self.is_valid()
        return self.cleaned_data.get(name) or None


def open_items(user: User) -> dict[str, tuple[Scheme, Item, frozenset[str]]]:
    """Return what may be proposed: "scheme pk.item key" → scheme in force, item, the kinds of unit it is open to."""
    found = {}
    running = Scheme.objects.visible_to(user).published().exclude(campaign__state=Campaign.State.DRAFT)
    for scheme in running.select_related("campaign__district").order_by("-campaign__starts_on", "name"):
        try:
            content = scheme.read_content()
        except SchemeError:  # pragma: no cover - a scheme in force was read before it was published
            continue
        for item in content.items:
            groups = [group for group in content.groups if not item.groups or group.key in item.groups]
            found[f"{scheme.pk}.{item.key}"] = (scheme, item, frozenset(group.kind for group in groups))
    return found


class ProposeForm(forms.Form):
    """A bonus or deduction with its facts and evidence."""

    item = forms.ChoiceField(label=_("Item of the scheme"))
    unit = forms.ModelChoiceField(label=_("Unit"), queryset=Unit.objects.none(), to_field_name="code")
    points = forms.DecimalField(
        label=_("Marks"), min_value=0, max_digits=6, decimal_places=2, help_text=_("How many to add or take off.")
    )
    happened_on = _day(_("Happened on"))
    reason = forms.CharField(label=_("Facts"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    unfixed = forms.BooleanField(label=_("not put right at the re-check"), required=False)
    papers = EvidenceField()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = open_items(user)
        by_scheme: dict[str, list[tuple[str, str]]] = {}
        for key, (scheme, item, _kinds) in self.items.items():
            kind = _now("bonus") if item.kind == "bonus" else _now("deduction")
            by_scheme.setdefault(str(scheme), []).append((key, f"{kind} · {item.label}"))
        units = Unit.objects.visible_to(user).active().exclude(kind=Unit.Kind.DISTRICT)
        self.fields["item"].choices = [("", "—"), *by_scheme.items()]  # type: ignore[attr-defined]
        self.fields["unit"].queryset = units.order_by("sort_order", "code")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse a unit the item is not open to."""
        values = super().clean() or {}
        chosen, unit = self.items.get(values.get("item", "")), values.get("unit")
        if chosen and unit and unit.kind not in chosen[2]:
            self.add_error("unit", _("The scheme of this item does not judge this kind of unit."))
        return values


class DecisionForm(forms.Form):
    """What is decided on a proposal."""

    decision = forms.CharField(
        label=_("Reason"), max_length=300, required=False, help_text=_("Needed where it is refused.")
    )


class WorkbookForm(forms.Form):
    """The filled-in workbook."""

    workbook = forms.FileField(label=_("Workbook"), help_text=_(".xlsx, at most 10 MB"))


def default_period(campaign: Campaign, today: date) -> dict[str, date]:
    """The campaign's running month, within the campaign."""
    last = min(today, campaign.ends_on)
    return {"first": max(campaign.starts_on, last.replace(day=1)), "last": last}
