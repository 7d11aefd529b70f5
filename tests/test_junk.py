"""Junk in every part of a request, at every URL: the answer may be anything but a fault of the program.

New URLs are walked by themselves (tests/scenery.py fills their arguments), and so are the fields of new forms. The
people are those who get furthest: posts with every permission there is, and a visitor.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import got_request_exception
from django.db import transaction
from django.forms import BaseForm
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from django.urls import reverse

from outreach.access import Permission
from outreach.models import Membership
from tests.scenery import Scenery, make_scenery, views

pytestmark = pytest.mark.django_db

HUGE = str(10**30)
# What comes where a number, a code, a day or a word was meant; as bytes, so that it need not be UTF-8.
WORST = [
    *(b"abc", b"-1", HUGE.encode(), "²".encode(), "张\x00三".encode(), b"\xff\xfe", b"9999-12-31", "长".encode() * 300),
]
RARE = [
    *(b"", b"1.5", b"1e999", b"NaN", "１".encode(), b"\xed\xa0\x80", b"2026-13-45", b"0001-01-01", b"'\")--;"),
    *(b"%s{{7}}%(a)s", b"9" * 400, b"2147483648", b"9223372036854775808"),
]
# Names that views take from the query string or from a post without a form.
BARE_NAMES = {
    *("page", "q", "view", "tab", "unit", "campaign", "household", "resident", "after", "candidates", "decision", "on"),
    *("end", "everybody", "gone", "others", "outside", "next", "way", "who", "uuid", "visitors", "import_file_name"),
    *("period", "quiet", "scope", "first", "last", "holder", "mine", "do", "saves", "other", "version", "kind"),
    *("options-count", "rows-count", "rules-count"),
    *("topics", "items", "visited_at", "appointment_at", "seconds", "outcome", "photo", "photos", "file", "language"),
}
APPS = ("outreach", "households", "issues", "surveys", "visits", "reports")
BODIES = [
    b"null",
    b"[]",
    b"\xff\xfe\x00not utf-8",
    b'{"visits": {"0": 1}}',
    b'{"visits": [null, 1, [], {}, {"uuid": 5, "household": NaN, "outcome": ["met"], "items": {"a": 1}}]}',
    b'{"visits": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    json.dumps({"visits": [{"household": 10**40, "uuid": "0" * 36, "visited_at": "9999-99-99T99:99"}]}).encode(),
    b"--x\r\nContent-Disposition: form-data; name=a",
]
TYPES = [
    *("application/json", "application/x-www-form-urlencoded; charset=nonsense", "multipart/form-data", ""),
    *("multipart/form-data; boundary=x", "multipart/form-data; boundary=\x00é"),
]
HEADERS = [
    {"HTTP_ACCEPT_LANGUAGE": "\x00,;q=,zh-" + "x" * 600},
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "\xff", "HTTP_HX_CURRENT_URL": "http://[::1", "HTTP_HX_TRIGGER": "%"},
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "%zz", "HTTP_HX_CURRENT_URL_URI_AUTOENCODED": "true"},
    {"HTTP_HOST": "a b\x00"},
    {"HTTP_REFERER": "http://[bad", "HTTP_ORIGIN": "null", "HTTP_RANGE": "bytes=9-1", "HTTP_IF_NONE_MATCH": "\x00"},
    {"HTTP_X_FORWARDED_FOR": "x" * 5_000, "HTTP_X_FORWARDED_PROTO": "\xff", "HTTP_IF_MODIFIED_SINCE": "never"},
    {"HTTP_ACCEPT": "\x00/*;q=x, application/json", "CONTENT_LENGTH": "abc"},
]
COOKIES = [
    {"sessionid": "\x01", "django_language": "\x01"},
    {"sessionid": "x" * 3_000, "csrftoken": "é" * 100, "messages": "junk"},
    {"django_language": "../../etc", "sessionid": "%00"},
]


def field_names() -> set[str]:
    """Every name a form of the site may ask for."""
    names = set(BARE_NAMES)
    modules = (
        importlib.import_module(f"{app}.{module.name}")
        for app in APPS
        for module in pkgutil.iter_modules(importlib.import_module(app).__path__)
        if module.name.endswith("forms")
    )
    for module in modules:
        for form in vars(module).values():
            if isinstance(form, type) and issubclass(form, BaseForm):
                names |= set(form.base_fields)  # type: ignore[attr-defined]
    return names


NAMES = sorted(field_names())


def rounds(number: int) -> Iterator[str]:
    """Every name with every one of the worst words, and with two of the rare ones, others for each URL: all pairs of
    all three would take two minutes."""
    for first, words in [*((at, WORST) for at in range(len(WORST))), (number, RARE), (number + 5, RARE)]:
        pairs = [(name, words[(first + at * 3) % len(words)]) for at, name in enumerate(NAMES)]
        yield "&".join(f"{name}={quote(word)}" for name, word in [*pairs, *pairs[::7]])


class Walk:
    """Sends requests as several people, undoes what they do, and keeps what the program could not answer."""

    def __init__(self, clients: dict[str, Client]) -> None:
        self.clients = clients
        self.faults: list[str] = []
        self.sent = 0

    def send(self, method: str, url: str, what: object, people: tuple[str, ...] = (), **request) -> None:
        for name, client in self.clients.items():
            if people and name not in people:
                continue
            errors: list[str] = []
            note = lambda errors=errors, **_kwargs: errors.append(repr(sys.exc_info()[1])[:300])  # noqa: E731
            got_request_exception.connect(note)
            with transaction.atomic():
                response = client.generic(method, url, **request)
                b"".join(response) if response.streaming else response.content
                transaction.set_rollback(True)
            got_request_exception.disconnect(note)
            self.sent += 1
            if response.status_code >= 500:
                self.faults.append(f"{method} {url} {str(what)[:60]} as {name}: {response.status_code} {errors}")


@pytest.fixture
def scenery(cast) -> Scenery:
    return make_scenery(cast)


@pytest.fixture
def walk(cast, scenery, login) -> Iterator[Walk]:
    everything = [permission.value for permission in Permission]
    Membership.objects.filter(user__in=[cast.township_admin, cast.district_office]).update(grants=everything)
    clients = {name: login(getattr(cast, name)) for name in ("township_admin", "district_office", "visitor")}
    for client in clients.values():
        client.raise_request_exception = False
    walk = Walk(clients)
    yield walk
    assert walk.sent, "nothing was walked"
    assert walk.faults == []


@pytest.fixture
def urls(scenery) -> list[str]:
    """Every URL but logging out, which would end the walk, and the admin's, which Django answers for."""
    names = {view.url(scenery.inside) for view in views()}
    return sorted(names | {reverse(name) for name in ("account_login", "set_language", "account_change_password")})


def test_junk_in_the_query_string_is_no_fault(walk, urls):
    for number, url in enumerate(urls):
        for at, query in enumerate(rounds(number)):
            walk.send("GET", url, query, () if at == 0 else ("township_admin",), QUERY_STRING=query)


def test_junk_in_a_form_is_no_fault(walk, urls):
    kind = "application/x-www-form-urlencoded"
    for number, url in enumerate(urls):
        for body in rounds(number):
            walk.send("POST", url, body, ("township_admin",), data=body, content_type=kind)
        walk.send("POST", url, "huge", ("township_admin",), data="a=" + "x" * 11_000_000, content_type=kind)


def test_files_where_words_were_meant_and_words_where_files_were_meant_are_no_fault(walk, urls):
    for url in urls:
        client = walk.clients["township_admin"]
        files = {name: SimpleUploadedFile("\u202e花.xlsx\r\n", b"PK\x03\x04junk", "a/b") for name in NAMES}
        body = client._encode_data(files, MULTIPART_CONTENT)
        walk.send("POST", url, "files", ("township_admin", "visitor"), data=body, content_type=MULTIPART_CONTENT)


def test_a_body_of_the_wrong_kind_is_no_fault(walk, urls):
    for url in urls:
        for number, body in enumerate(BODIES):
            # only where JSON is read does the kind not decide by itself
            for kind in TYPES if url == reverse("visits:sync") else TYPES[number % len(TYPES) :][: number % 2]:
                walk.send("POST", url, body, ("township_admin",), data=body, content_type=kind)


def test_a_method_nobody_asked_for_is_no_fault(walk, urls):
    for url in urls:
        for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "X\x00"):
            walk.send(method, url, "", ("township_admin",), data=b"[]", content_type="application/json")


def test_junk_in_headers_is_no_fault(walk, urls):
    for url in urls:
        for number, headers in enumerate(HEADERS):
            walk.send("POST" if number % 2 else "GET", url, headers, ("township_admin",), **headers)


def test_junk_in_cookies_is_no_fault(walk, urls, login, cast):
    client = Client(raise_request_exception=False)
    stranger = Walk({"stranger": client})
    for url in urls:
        for cookies in COOKIES:
            client.cookies.load(cookies)
            stranger.send("GET", url, cookies)
            stranger.send("POST", url, cookies)
    walk.faults += stranger.faults
    walk.sent += stranger.sent


def test_junk_in_the_path_is_no_fault(walk, urls):
    for url in urls:
        parts = url.split("/")
        for junk in (HUGE, "9" * 18, "0", "%00", "²", "x" * 2_000, "%ff"):
            for place, part in enumerate(parts):
                if part:
                    odd = "/".join([*parts[:place], junk, *parts[place + 1 :]])
                    walk.send("GET", odd, junk, ("township_admin",))
