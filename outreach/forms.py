"""The kernel's forms."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlsplit

from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm as AllauthLoginForm
from django import forms
from django.utils.translation import gettext_lazy as _

from outreach import audit, sealing
from outreach.models import Channel, Delivery, Membership, MessageHours, PersonalChannel, Unit, User


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


class ChannelForm(forms.ModelForm):
    """What all channels have; each kind adds its own fields, which leave it as `settings()`.

    A secret is never sent to the browser: left empty it stays what it is.
    """

    SECRETS: tuple[str, ...] = ()
    KEEP = _("Leave empty to keep what is stored.")

    class Meta:
        model = Channel
        fields = ["name", "unit"]

    def __init__(self, *args: Any, user: User, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.kind = kind
        self.stored: dict[str, Any] = {}
        if self.instance.pk:
            with contextlib.suppress(sealing.UnreadableSecretError):
                self.stored = self.instance.settings()
        units = Unit.objects.visible_to(user).active()
        # mail and SMS go out by the district, and everybody of the district uses them
        self.fields["unit"].queryset = units if self.instance.is_group else units.districts()  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            if name in self.SECRETS:
                field.widget.attrs["autocomplete"] = "off"
                if self.stored.get(name):
                    field.required, field.help_text = False, self.KEEP
            elif name in self.stored:
                field.initial = self.stored[name]

    def settings(self) -> dict[str, Any]:
        """The valid form's own fields, secrets left empty as they were stored."""
        names = [name for name in self.fields if name not in ("name", "unit")]
        values = {name: self.cleaned_data.get(name) or "" for name in names}
        return values | {name: values[name] or self.stored.get(name, "") for name in self.SECRETS}


class MailChannelForm(ChannelForm):
    """The district's mail server."""

    SECRETS = ("password",)

    sender = forms.EmailField(label=_("Sender's address"), max_length=100)
    host = forms.RegexField(
        r"^[A-Za-z0-9.-]+$", label=_("Mail server"), max_length=100, help_text=_("For example smtp.example.gov.cn")
    )
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, initial=465)
    security = forms.ChoiceField(
        label=_("Encryption"), choices=[("ssl", "SSL/TLS"), ("starttls", "STARTTLS"), ("insecure", _("none"))]
    )
    user = forms.CharField(label=_("Login name"), max_length=100, required=False)
    password = forms.CharField(
        label=_("Login password or authorisation code"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput,
    )


class GatewayForm(ChannelForm):
    """A message gateway that takes JSON."""

    SECRETS = ("url", "token")

    url = forms.URLField(label=_("Address of the gateway"), max_length=500, assume_scheme="https")
    token = forms.CharField(
        label=_("Token"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput,
        help_text=_("Sent as the header Authorization: Bearer …; empty where the gateway asks for none."),
    )
    text_field = forms.RegexField(r"^\w+$", label=_("Field of the text"), max_length=40, initial="content")

    def clean_url(self) -> str:
        return clean_webhook(self.cleaned_data["url"])


class SmsChannelForm(GatewayForm):
    """The district's SMS gateway."""

    number_field = forms.RegexField(r"^\w+$", label=_("Field of the number"), max_length=40, initial="mobile")


class RobotChannelForm(ChannelForm):
    """A group's robot, by the webhook its group shows."""

    SECRETS = ("url", "secret")

    url = forms.URLField(
        label=_("Webhook address"),
        max_length=500,
        assume_scheme="https",
        help_text=_("In the group: settings, group robots, add, copy the webhook address. Whoever has it can write."),
    )
    secret = forms.CharField(
        label=_("Signing secret"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput,
        help_text=_("Only where the robot was set to check signatures."),
    )

    def clean_url(self) -> str:
        return clean_webhook(self.cleaned_data["url"])


def clean_webhook(url: str) -> str:
    """Return an http(s) address without login part; "" stays. Raises ValidationError."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise forms.ValidationError(_("An address beginning with https://, as the group or gateway shows it."))
    return url


CHANNEL_FORMS: dict[str, type[ChannelForm]] = {
    Channel.Kind.EMAIL: MailChannelForm,
    Channel.Kind.SMS: SmsChannelForm,
    Channel.Kind.WECOM: RobotChannelForm,
    Channel.Kind.DINGTALK: RobotChannelForm,
    Channel.Kind.FEISHU: RobotChannelForm,
    Channel.Kind.WEBHOOK: GatewayForm,
}


class ChannelTestForm(forms.Form):
    """To whom a test message goes, where the channel reaches single people."""

    to = forms.CharField(max_length=100, required=False)

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind == Channel.Kind.EMAIL:
            self.fields["to"] = forms.EmailField(label=_("E-mail address for the test"), max_length=100)
        elif kind == Channel.Kind.SMS:
            self.fields["to"] = forms.RegexField(r"^1[3-9]\d{9}$", label=_("Mobile number for the test"))
        else:
            del self.fields["to"]


class MessageHoursForm(forms.ModelForm):
    """When messages may leave."""

    class Meta:
        model = MessageHours
        fields = ["opens_at", "closes_at", "workdays_only", "keep_days"]
        widgets = {
            "opens_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            "closes_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        }


class PersonalChannelForm(forms.Form):
    """One of a person's own channels: on or off, and where to."""

    is_on = forms.BooleanField(label=_("Tell me this way"), required=False)
    address = forms.EmailField(label=_("E-mail address"), max_length=100, required=False)
    url = forms.URLField(
        label=_("Webhook address of your own group's robot"), max_length=500, required=False, assume_scheme="https"
    )
    secret = forms.CharField(
        label=_("Signing secret"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, kind: str, stored: dict[str, Any], hosts: set[str], **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "prefix": kind})
        self.kind, self.stored, self.hosts = kind, stored, hosts
        wanted = {PersonalChannel.Kind.EMAIL: ["address"], PersonalChannel.Kind.SMS: []}.get(
            PersonalChannel.Kind(kind), ["url", "secret"]
        )
        for name in ("address", "url", "secret"):
            if name not in wanted:
                del self.fields[name]
            elif stored.get(name) and name != "address":
                self.fields[name].help_text = ChannelForm.KEEP
        self.fields["is_on"].initial = bool(stored)
        if "address" in self.fields:
            self.fields["address"].initial = stored.get("address", "")

    def clean_url(self) -> str:
        url = clean_webhook(self.cleaned_data["url"])
        if url and (urlsplit(url).hostname not in self.hosts or urlsplit(url).scheme != "https"):
            raise forms.ValidationError(
                _("The address must begin with https:// and lie at one of: %(hosts)s.")
                % {"hosts": ", ".join(sorted(self.hosts))}
            )
        return url

    def clean(self) -> dict[str, Any]:
        """Ask for the address where the channel is switched on."""
        values = super().clean() or {}
        if values.get("is_on"):
            for name in ("address", "url"):
                if name in self.fields and name not in self.errors and not (values.get(name) or self.stored.get(name)):
                    self.add_error(name, _("Where should the messages go?"))
        return values

    def settings(self) -> dict[str, Any] | None:
        """What to store, None for switched off."""
        if not self.cleaned_data["is_on"]:
            return None
        names = [name for name in ("address", "url", "secret") if name in self.fields]
        values: dict[str, Any] = {name: self.cleaned_data.get(name) or self.stored.get(name, "") for name in names}
        return values or {"on": True}


class DeliveryFilterForm(forms.Form):
    """Filter the messages that did not arrive."""

    state = forms.ChoiceField(required=False, choices=[("", "")])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = [("", _("all")), *[(s.value, s.label) for s in Delivery.STUCK_STATES]]  # type: ignore[attr-defined]

    def state_value(self) -> str:
        """The state asked for, "" for all or junk."""
        return self.cleaned_data.get("state", "") if self.is_valid() else ""
