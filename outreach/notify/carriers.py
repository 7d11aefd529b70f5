"""The last step out of the program: one message handed to apprise, and an honest answer whether it was taken.

Robots are a plugin of ours: WeCom and DingTalk refuse with HTTP 200 and an errcode, which apprise 2.3.0 takes for
success; it also encodes DingTalk's signature twice, signs nothing for Feishu, and knows only the public hosts, where
a county's government WeCom has one of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import apprise
import requests
from apprise.plugins.base import NotifyBase
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.email.base import NotifyEmail
from django.utils.translation import gettext as _

from outreach import sealing
from outreach.models import Channel, Delivery, PersonalChannel, User

TIMEOUT = (5.0, 15.0)  # seconds to connect, to read
# apprise's warnings name hosts and addresses: they go into the message's own row, not into the log
logging.getLogger("apprise").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Answer:
    """What became of a message. `is_known` is False where the other side fell silent after it was handed over."""

    is_sent: bool
    error: str = ""
    is_known: bool = True


class UnusableChannelError(Exception):
    """There is nothing to send by: switched off, taken away or unreadable. The text says it to people."""


class Robot(NotifyBase):
    """A group robot of WeCom, DingTalk or Feishu, by its webhook address."""

    service_name: str = "robot"  # type: ignore[assignment]  # apprise calls them None
    secure_protocol: str = "robot"  # type: ignore[assignment]
    title_maxlen = 0  # the title becomes the first line
    body_maxlen = 2000  # WeCom takes 2048 bytes of text, see MAX_BYTES in packing.py
    request_rate_per_sec = 0  # the pace of a group is kept in the database, for all workers together

    def __init__(self, *, kind: str, url: str, secret: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind, self.webhook, self.secret = kind, url, secret
        self.answer = Answer(False)

    def url(self, privacy: bool = False, *args: Any, **kwargs: Any) -> str:
        """What apprise calls an instance; the webhook itself is a secret."""
        return f"{self.secure_protocol}://{self.kind}/"

    def send(self, body: str, title: str = "", notify_type: Any = None, **kwargs: Any) -> bool:
        """Post the message and read the answer's own verdict."""
        params: dict[str, str] = {}
        payload: dict[str, Any]
        if self.kind == Channel.Kind.FEISHU:
            payload = {"msg_type": "text", "content": {"text": body}}
            if self.secret:
                payload |= feishu_signature(self.secret, int(time.time()))
        else:
            payload = {"msgtype": "text", "text": {"content": body}}
            if self.kind == Channel.Kind.DINGTALK and self.secret:
                params = dingtalk_signature(self.secret, int(time.time() * 1000))
        try:
            response = requests.post(self.webhook, json=payload, params=params, timeout=TIMEOUT, allow_redirects=False)
            self.answer = robot_verdict(response)
        except requests.ReadTimeout:
            self.answer = Answer(False, _("The robot's server took the message and did not answer."), is_known=False)
        except requests.RequestException as error:
            self.answer = Answer(False, _("No connection: %(error)s") % {"error": type(error).__name__})
        return self.answer.is_sent


def dingtalk_signature(secret: str, milliseconds: int) -> dict[str, str]:
    """Return the parameters that sign a call (加签)."""
    code = hmac.digest(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256)
    return {"timestamp": str(milliseconds), "sign": base64.b64encode(code).decode()}


def feishu_signature(secret: str, seconds: int) -> dict[str, str]:
    """Return the fields that sign a call (签名校验)."""
    code = hmac.digest(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256)
    return {"timestamp": str(seconds), "sign": base64.b64encode(code).decode()}


def robot_verdict(response: requests.Response) -> Answer:
    """Read a robot's answer: HTTP 2xx and its own code 0."""
    if not 200 <= response.status_code < 300:
        return Answer(False, f"HTTP {response.status_code}")
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return Answer(False, _("The answer is not a robot's. Is the address right?"))
    code = content.get("errcode", content.get("code", content.get("StatusCode")))
    if code == 0:
        return Answer(True)
    words = str(content.get("errmsg") or content.get("msg") or "")
    return Answer(False, f"{code} {words}"[:300])


def deliver(delivery: Delivery) -> Answer:
    """Hand one message over. Raises UnusableChannelError."""
    try:
        carrier = carrier_of(delivery)
    except (KeyError, TypeError, ValueError) as error:  # apprise's own complaint is a TypeError
        raise UnusableChannelError(_("The channel's settings are not complete. Enter them again.")) from error
    return hand_over(carrier, delivery.title, delivery.text)


def carrier_of(delivery: Delivery) -> NotifyBase:
    """Return the apprise object that reaches a message's address. Raises UnusableChannelError."""
    key = str(delivery.key)
    if delivery.channel is not None:
        if not delivery.channel.is_active:
            raise UnusableChannelError(_("The channel is switched off."))
        return group_carrier(delivery.channel, key)
    assert delivery.personal is not None and delivery.user is not None
    if not delivery.personal.is_active or not delivery.user.is_active:
        raise UnusableChannelError(_("The person has switched this channel off."))
    return personal_carrier(delivery.personal, delivery.user, delivery.district_code, key)


def group_carrier(channel: Channel, key: str) -> NotifyBase:
    """Return the apprise object of a group's channel. Raises UnusableChannelError."""
    settings = opened(channel)
    if channel.kind == Channel.Kind.WEBHOOK:
        return gateway(settings, key, {})
    return Robot(kind=channel.kind, url=settings["url"], secret=settings.get("secret", ""))


def personal_carrier(personal: PersonalChannel, user: User, district_code: str, key: str) -> NotifyBase:
    """Return the apprise object that reaches one person. Raises UnusableChannelError."""
    settings = opened(personal)
    if personal.kind not in (PersonalChannel.Kind.EMAIL, PersonalChannel.Kind.SMS):
        return Robot(kind=personal.kind, url=settings["url"], secret=settings.get("secret", ""))
    way = Channel.objects.active().filter(unit__code=district_code, kind=personal.kind).first()
    if way is None:
        raise UnusableChannelError(_("The district has no gateway for this channel."))
    if personal.kind == PersonalChannel.Kind.EMAIL:
        return mail(opened(way), settings["address"], key)
    if not user.phone:
        raise UnusableChannelError(_("The account has no mobile number."))
    return text_message(opened(way), user.phone, key)


def opened(channel: Channel | PersonalChannel) -> dict[str, Any]:
    """Open a channel's settings. Raises UnusableChannelError."""
    try:
        return channel.settings()
    except sealing.UnreadableSecretError as error:
        raise UnusableChannelError(_("The channel's settings cannot be read. Enter them again.")) from error


def mail(settings: dict[str, Any], address: str, key: str) -> NotifyBase:
    """Return a mail to one address by the district's mail server."""
    sender = settings["sender"]
    return NotifyEmail(
        host=sender.rpartition("@")[2],
        smtp_host=settings["host"],
        port=settings["port"],
        user=settings.get("user") or None,
        password=settings.get("password") or None,
        from_addr=sender,
        secure_mode=settings["security"],
        targets=[address],
        headers={"X-Idempotency-Key": key},
        cto=TIMEOUT[0],
        rto=TIMEOUT[1],
    )


def text_message(settings: dict[str, Any], number: str, key: str) -> NotifyBase:
    """Return an SMS by the district's gateway, whose names for number and text are part of its settings."""
    return gateway(settings, key, {settings["number_field"]: number})


def gateway(settings: dict[str, Any], key: str, more: dict[str, str]) -> NotifyBase:
    """Return a JSON POST to a gateway: the text under the name it asks for, and the key by which it may know a
    message again."""
    parts = urlsplit(settings["url"])
    headers = {"X-Idempotency-Key": key}
    if settings.get("token"):
        headers["Authorization"] = f"Bearer {settings['token']}"
    # apprise's own fields: an empty new name leaves one out
    fields = {"version": "", "title": "", "attachments": "", "type": "", "message": settings["text_field"]}
    query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    return NotifyJSON(
        host=parts.hostname,
        port=parts.port,
        secure=parts.scheme == "https",
        fullpath=parts.path or "/",
        headers=headers,
        payload=fields | more,
        params={unquote(name): unquote(value) for name, value in query.items()},
        cto=TIMEOUT[0],
        rto=TIMEOUT[1],
        redirect=False,
        format="text",
    )


def hand_over(carrier: NotifyBase, title: str, text: str) -> Answer:
    """Send by apprise; its own words about a failure become the answer's error."""
    out = apprise.Apprise()
    out.add(carrier)
    if not isinstance(carrier, NotifyEmail | Robot):
        title, text = "", f"{title}\n{text}"
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
        is_sent = bool(out.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT))
        words = said.getvalue().strip()
    if isinstance(carrier, Robot):
        return carrier.answer
    return Answer(is_sent, "" if is_sent else (words.splitlines() or [_("The message was not taken.")])[-1][:300])
