"""What is typed at the call-back desk. No form saves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues.actions.callbacks import MAX_SCRIPT
from issues.models import CallBack, LookBack
from issues.move_forms import CallBackForm


class DeskForm(CallBackForm):
    """A call-back at the desk: also when to call again."""

    call_again_at = forms.DateTimeField(
        label=gettext_lazy("Call again at"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )

    def clean(self) -> dict[str, Any]:
        """Ask when to call again where that is the result, and only then keep it."""
        values = super().clean()
        if values.get("reached") != CallBack.Reached.LATER:
            values["call_again_at"] = None
        elif not values.get("call_again_at"):
            if "call_again_at" not in self.errors:
                self.add_error("call_again_at", _("Say when to call again."))
        elif values["call_again_at"] <= timezone.now():
            self.add_error("call_again_at", _("Choose a time that is still to come."))
        return values


class ScriptForm(forms.Form):
    """What is said at call-backs."""

    text = forms.CharField(
        label=gettext_lazy("What is said"),
        max_length=MAX_SCRIPT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=gettext_lazy("Neutral and the same for everybody. Empty: the text the program ships with."),
    )


class LookBackForm(forms.Form):
    """What looking again found."""

    result = forms.ChoiceField(label=gettext_lazy("Result"), choices=LookBack.Result.choices, widget=forms.RadioSelect)
    words = forms.CharField(
        label=gettext_lazy("What was found"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
