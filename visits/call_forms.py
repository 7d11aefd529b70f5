"""What is typed after a call. The form does not save."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from surveys.actions.calling import MAX_PHONES
from surveys.models import CallResult

MOMENT = "%Y-%m-%dT%H:%M"


class CallForm(forms.Form):
    """What came of a call without an interview."""

    phone_number = forms.IntegerField(min_value=1, max_value=MAX_PHONES, initial=1, widget=forms.HiddenInput)
    result = forms.ChoiceField(
        label=gettext_lazy("What came of the call"),
        choices=[choice for choice in CallResult.choices if choice[0] != CallResult.COMPLETE],
        widget=forms.RadioSelect,
    )
    call_again_at = forms.DateTimeField(
        label=gettext_lazy("When to call again"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
        input_formats=[MOMENT, "%Y-%m-%d %H:%M"],
    )

    def __init__(self, *args: Any, phones: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(phones) > 1:
            self.fields["phone_number"] = forms.TypedChoiceField(
                label=_("Number called"),
                choices=[(number, phone) for number, phone in enumerate(phones, 1)],
                coerce=int,
                initial=1,
                widget=forms.RadioSelect,
            )
            self.order_fields(["phone_number", "result", "call_again_at"])
