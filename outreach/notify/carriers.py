"""The last step out of the program: one message handed to apprise, and an honest answer whether it was taken.

The plugins are ours: WeCom and DingTalk refuse with HTTP 200 and an errcode, which apprise 2.3.0 takes for success; it
also encodes DingTalk's signature twice, signs nothing for Feishu, and knows only the public hosts, where a county's
government WeCom has one of its own. And of a mail server or gateway that fell silent after it was handed a message it
says "no", which would have the message sent twice.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import smtplib
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

import apprise
import requests
from apprise.plugins.base import NotifyBase
from django.utils.translation import gettext as _
from urllib3.exceptions import ProtocolError

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


class Carrier(NotifyBase):
    """What all our plugins have: the answer of the last message, which apprise's own reduce to yes or no."""

    service_name: str = "outreach"  # type: ignore[assignment]  # apprise calls them None
    secure_protocol: str = "outreach"  # type: ignore[assignment]
    request_rate_per_sec = 0  # the pace of a group is kept in the database, for all workers together

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answer = Answer(False, _("The message was not taken."))

    def url(self, privacy: bool = False, *args: Any, **kwargs: Any) -> str:
        """What apprise calls an instance; the address itself may be a secret."""
        return f"{self.secure_protocol}://{type(self).__name__.lower()}/"


class Gateway(Carrier):
    """A JSON POST to a gateway."""

    def __init__(self, *, url: str, headers: dict[str, str], fields: dict[str, str], text_field: str) -> None:
        super().__init__()
        self.address, self.fields, self.text_field = url, fields, text_field
        self.headers = {"User-Agent": "outreach", **headers}

    def send(self, body: str, title: str = "", notify_type: Any = None, **kwargs: Any) -> bool:
        """Post the message; any 2xx is a yes."""
        payload = {**self.fields, self.text_field: body}
        try:
            response = requests.post(
                self.address, json=payload, headers=self.headers, timeout=TIMEOUT, allow_redirects=False
            )
            is_sent = 200 <= response.status_code < 300
            self.answer = Answer(is_sent, "" if is_sent else f"HTTP {response.status_code}")
        except requests.RequestException as error:
            self.answer = answer_of(error)
        return self.answer.is_sent


class Handing:
    """Beside smtplib's client: remembers that the letter itself is on its way, from where on silence is no refusal."""

    is_handed = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Hand the letter over."""
        self.is_handed = True
        return super().data(msg)  # type: ignore[misc]


class Client(Handing, smtplib.SMTP):
    """A connection to a mail server, plain or by STARTTLS."""


class SecureClient(Handing, smtplib.SMTP_SSL):
    """A connection to a mail server, encrypted from the first byte."""


class Mail(Carrier):
    """A letter by the district's mail server."""

    def __init__(self, *, settings: dict[str, Any], to: str, key: str) -> None:
        super().__init__()
        self.settings, self.to, self.key = settings, to, key

    def send(self, body: str, title: str = "", notify_type: Any = None, **kwargs: Any) -> bool:
        """Send the letter. A refusal is known; silence after the letter was handed over is not."""
        letter = EmailMessage()
        letter["Subject"], letter["From"], letter["To"] = title, self.settings["sender"], self.to
        letter["Date"] = formatdate()
        letter["Message-ID"] = f"<{self.key}@{self.settings['sender'].rpartition('@')[2]}>"
        letter["X-Idempotency-Key"] = self.key
        letter.set_content(body)
        client: Client | SecureClient | None = None
        try:
            client = self.connect()
            client.send_message(letter)
            self.answer = Answer(True)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
            code = error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else ""
            self.answer = Answer(False, f"{type(error).__name__} {code}".strip())
        except (OSError, smtplib.SMTPException) as error:
            is_handed = client is not None and client.is_handed
            words = _("The mail server took the letter and did not answer.") if is_handed else no_connection(error)
            self.answer = Answer(False, words, is_known=not is_handed)
        finally:
            if client is not None:
                with suppress(OSError, smtplib.SMTPException):
                    client.quit()
        return self.answer.is_sent

    def connect(self) -> Client | SecureClient:
        """Connect and log in. Raises OSError, smtplib.SMTPException."""
        host, port, security = self.settings["host"], self.settings["port"], self.settings["security"]
        context = ssl.create_default_context()
        client: Client | SecureClient
        if security == "ssl":
            client = SecureClient(host, port, timeout=TIMEOUT[0], context=context)
        else:
            client = Client(host, port, timeout=TIMEOUT[0])
        try:
            if security == "starttls":
                client.starttls(context=context)
            if self.settings.get("user") and self.settings.get("password"):
                client.login(self.settings["user"], self.settings["password"])
        except (OSError, smtplib.SMTPException):
            client.close()
            raise
        if client.sock is not None:
            client.sock.settimeout(TIMEOUT[1])
        return client


def no_connection(error: Exception) -> str:
    """Say that nothing was handed over; of the error its name alone, for its text names hosts."""
    return _("No connection: %(error)s") % {"error": type(error).__name__}


def answer_of(error: requests.RequestException) -> Answer:
    """Return what a failed call by HTTP means. Where no connection came about, nothing was handed over; a connection
    that fell silent or broke may have carried the message."""
    broke = isinstance(error, requests.ConnectionError) and any(isinstance(arg, ProtocolError) for arg in error.args)
    unread = isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError)
    if isinstance(error, requests.ReadTimeout) or broke or unread:
        return Answer(False, _("The server took the message and did not answer."), is_known=False)
    return Answer(False, no_connection(error))


class Robot(Carrier):
    """A group robot of WeCom, DingTalk or Feishu, by its webhook address."""

    title_maxlen = 0  # the title becomes the first line
    body_maxlen = 2000  # WeCom takes 2048 bytes of text, see MAX_BYTES in packing.py

    def __init__(self, *, kind: str, url: str, secret: str = "") -> None:
        super().__init__()
        self.kind, self.webhook, self.secret = kind, url, secret

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
        except requests.RequestException as error:
            self.answer = answer_of(error)
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


def carrier_of(delivery: Delivery) -> Carrier:
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


def group_carrier(channel: Channel, key: str) -> Carrier:
    """Return the apprise object of a group's channel. Raises UnusableChannelError."""
    settings = opened(channel)
    if channel.kind == Channel.Kind.WEBHOOK:
        return gateway(settings, key, {})
    return Robot(kind=channel.kind, url=settings["url"], secret=settings.get("secret", ""))


def personal_carrier(personal: PersonalChannel, user: User, district_code: str, key: str) -> Carrier:
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


def mail(settings: dict[str, Any], address: str, key: str) -> Mail:
    """Return a mail to one address by the district's mail server."""
    return Mail(settings=settings, to=address, key=key)


def text_message(settings: dict[str, Any], number: str, key: str) -> Gateway:
    """Return an SMS by the district's gateway, whose names for number and text are part of its settings."""
    return gateway(settings, key, {settings["number_field"]: number})


def gateway(settings: dict[str, Any], key: str, more: dict[str, str]) -> Gateway:
    """Return a JSON POST to a gateway: the text under the name it asks for, and the key by which it may know a
    message again."""
    headers = {"X-Idempotency-Key": key}
    if settings.get("token"):
        headers["Authorization"] = f"Bearer {settings['token']}"
    return Gateway(url=settings["url"], headers=headers, fields=more, text_field=settings["text_field"])


def hand_over(carrier: Carrier, title: str, text: str) -> Answer:
    """Send by apprise, and return what the other side answered."""
    out = apprise.Apprise()
    out.add(carrier)
    if isinstance(carrier, Gateway):
        title, text = "", f"{title}\n{text}"
    out.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT)
    return carrier.answer
