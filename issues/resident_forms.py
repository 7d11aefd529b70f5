"""What residents type on the page of their code. No form saves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import codes
from issues.actions import MAX_REMARK, MAX_REMARK_PHOTOS, MAX_WORDS
from issues.forms import PhotosField
from issues.models import CallBack

YES_NO = [("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))]


class CodeForm(forms.Form):
    """The code, however it is typed."""

    code = forms.CharField(
        label=gettext_lazy("Code on your card or slip"),
        max_length=codes.MAX_TYPED,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "placeholder": "XXXXX-XXXXX-XXXXX",
                "class": "code-input",
            }
        ),
        help_text=gettext_lazy("15 letters and digits; small letters and missing hyphens do not matter."),
    )

    def clean_code(self) -> str:
        """Return the bare code."""
        return codes.clean(self.cleaned_data["code"])


class RemarkForm(forms.Form):
    """Something to add, with photos."""

    text = forms.CharField(
        label=gettext_lazy("What you want to add"),
        max_length=MAX_REMARK,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    photos = PhotosField(
        label=gettext_lazy("Photos"),
        required=False,
        help_text=gettext_lazy("Up to 3 photos, each at most 5 MB."),
    )

    def clean_photos(self) -> list[Any]:
        """Refuse too many before any is read."""
        photos = self.cleaned_data.get("photos") or []
        if len(photos) > MAX_REMARK_PHOTOS:
            raise forms.ValidationError(_("At most %(count)d photos at a time.") % {"count": MAX_REMARK_PHOTOS})
        return photos


class AnswerForm(forms.Form):
    """The three questions."""

    contacted = forms.ChoiceField(
        label=gettext_lazy("Did the unit get in touch with you?"), choices=YES_NO, widget=forms.RadioSelect
    )
    solved = forms.ChoiceField(label=gettext_lazy("Is it solved?"), choices=YES_NO, widget=forms.RadioSelect)
    content = forms.ChoiceField(
        label=gettext_lazy("Are you content with how it was handled?"),
        choices=CallBack.Content.choices,
        widget=forms.RadioSelect,
    )
    words = forms.CharField(
        label=gettext_lazy("Anything you want to say"),
        max_length=MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
    )

    def answers(self) -> dict[str, Any]:
        """Return the answers as keyword arguments of answer_questions."""
        values = self.cleaned_data
        return {
            "contacted": values["contacted"] == "yes",
            "solved": values["solved"] == "yes",
            "content": values["content"],
            "words": values["words"],
        }
