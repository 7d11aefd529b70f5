"""The kernel's forms."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm as AllauthLoginForm
from django import forms
from django.utils.translation import gettext_lazy as _

from outreach import audit
from outreach.models import Membership, User


class LoginForm(AllauthLoginForm):
    """Log in by staff number or phone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Staff number or phone")
        self.fields["login"].widget.attrs.update({"placeholder": "", "autocomplete": "username"})
        self.fields["password"].label = _("Password")
        self.fields["password"].widget.attrs["placeholder"] = ""
        self.fields["password"].help_text = ""


class ChangePasswordForm(AllauthChangePasswordForm):
    """Change one's password; the labels say what the placeholders would repeat."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class PostForm(forms.Form):
    """Choose the post to act in, among one's own."""

    post = forms.ModelChoiceField(queryset=Membership.objects.none())

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["post"].queryset = user.posts  # type: ignore[attr-defined]


class AuditFilterForm(forms.Form):
    """Filter the audit trail. What cannot be read filters nothing; the form says so at the field."""

    action = forms.ChoiceField(label=_("Action"), required=False)
    person = forms.CharField(label=_("Name or staff number"), required=False, max_length=50)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["action"].choices = [("", _("All actions")), *audit.LABELS.items()]  # type: ignore[attr-defined]

    def value(self, name: str) -> Any:
        """Return the cleaned value, None where it is empty or wrong."""
        self.is_valid()
        return self.cleaned_data.get(name) or None


class UnitFileForm(forms.Form):
    """Upload a list of units."""

    MAX_BYTES = 10 * 1024 * 1024

    file = forms.FileField(
        label=_("File"),
        help_text=_(".csv, .csv.gz or .xlsx with the columns 代码, 名称, 上级代码, 类型; at most 10 MB."),
    )

    def clean_file(self) -> Any:
        """Return the upload. Refuses one that is too large to be a list of units."""
        upload = self.cleaned_data["file"]
        if upload.size > self.MAX_BYTES:
            raise forms.ValidationError(_("The file is too large for a list of units."))
        return upload
