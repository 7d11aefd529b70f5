"""What is typed about a sample. No form saves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outreach.models import Unit
from surveys.actions.drawing import Wanted
from surveys.models import Draw, Round

MAX_LIST_BYTES = 10 * 1024 * 1024
MOST = 100_000


class DrawForm(forms.Form):
    """Which sample to draw."""

    source = forms.ChoiceField(
        label=gettext_lazy("Drawn from"),
        choices=Draw.Source.choices,
        initial=Draw.Source.ROSTER,
        widget=forms.RadioSelect,
    )
    areas = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Townships"),
        queryset=Unit.objects.none(),
        required=False,
        to_field_name="code",
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: the whole district."),
    )
    only_with_phone = forms.BooleanField(
        label=gettext_lazy("Only households with a telephone number"),
        required=False,
        help_text=gettext_lazy(
            "Households without a number cannot be called. Leaving them out is said beside every result."
        ),
    )
    method = forms.ChoiceField(
        label=gettext_lazy("Method"),
        choices=Draw.Method.choices,
        initial=Draw.Method.STRATIFIED,
        widget=forms.RadioSelect,
    )
    size = forms.IntegerField(
        label=gettext_lazy("How many in all"), required=False, min_value=1, max_value=MOST, initial=400
    )
    equal = forms.BooleanField(
        label=gettext_lazy("The same number from each township"),
        required=False,
        help_text=gettext_lazy("Otherwise in proportion to its households. Equal numbers compare townships better."),
    )
    clusters = forms.IntegerField(
        label=gettext_lazy("How many villages"), required=False, min_value=2, max_value=MOST, initial=20
    )
    members = forms.IntegerField(
        label=gettext_lazy("Households of each village"), required=False, min_value=1, max_value=MOST, initial=10
    )
    seed = forms.RegexField(
        r"^[A-Za-z0-9 .:-]+$",
        label=gettext_lazy("Seed"),
        required=False,
        max_length=64,
        help_text=gettext_lazy(
            "Letters and digits agreed upon in public, for example lottery numbers. Empty: the program makes one."
        ),
    )

    def __init__(self, *args: Any, survey_round: Round, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        townships = Unit.objects.filter(
            kind=Unit.Kind.TOWNSHIP, code__startswith=survey_round.district.code, is_active=True
        )
        self.fields["areas"].queryset = townships  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for the numbers the method needs."""
        values: dict[str, Any] = super().clean() or {}
        needed = ("clusters", "members") if values.get("method") == Draw.Method.CLUSTERS else ("size",)
        for name in needed:
            if not values.get(name) and name not in self.errors:
                self.add_error(name, _("Say how many."))
        return values

    def wanted(self) -> Wanted:
        """The valid form as the action takes it."""
        values = self.cleaned_data
        return Wanted(
            method=values["method"],
            source=values["source"],
            size=values["size"] or 0,
            equal=values["equal"],
            clusters=values["clusters"] or 0,
            members=values["members"] or 0,
            areas=tuple(sorted(unit.code for unit in values["areas"])),
            only_with_phone=values["only_with_phone"],
        )


class ListForm(forms.Form):
    """Upload a list to draw from."""

    file = forms.FileField(
        label=gettext_lazy("Excel list"),
        help_text=gettext_lazy(
            "The first visible sheet, with headings: 电话 (up to five columns), 镇街 or 村, and if you like 姓名. "
            "At most 10 MB. It is checked first; nothing is drawn by uploading it."
        ),
    )

    def clean_file(self) -> Any:
        """Refuse a file too large to be a list."""
        upload = self.cleaned_data["file"]
        if upload.size > MAX_LIST_BYTES:
            raise forms.ValidationError(_("The file is larger than 10 MB."))
        return upload
