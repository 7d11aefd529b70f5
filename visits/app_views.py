"""The phone's app: one page for all its parts, the same for everybody, and the service worker that keeps it.

Neither holds anything of a person: what a visitor works with comes from phone_sync and lies encrypted on the phone.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from outreach.access import Permission, open_to_all, require
from surveys.models import AgeBand, Sex
from surveys.texts import survey_texts
from visits.app_texts import app_texts, wish_texts
from visits.forms import heard_kinds

# What the app's page loads; the service worker keeps these and nothing else.
ASSETS = (
    "css/tokens.css",
    "css/base.css",
    "css/components.css",
    "css/forms.css",
    "css/tables.css",
    "css/desk.css",
    "css/phone.css",
    "css/visits.css",
    "css/survey.css",
    "css/phone-app.css",
    "css/print.css",
    "icons.svg",
    "img/emblem.svg",
    "img/emblem-light.svg",
    "img/tick.svg",
    "img/chevron.svg",
    "js/survey-rules.js",
    "js/survey-wish.js",
    "js/survey.js",
    "js/phone/app.js",
    "js/phone/dom.js",
    "js/phone/households.js",
    "js/phone/outbox.js",
    "js/phone/vault.js",
    "js/phone/visit.js",
    "vendor/idb/idb-8.0.4.js",
)


@require(Permission.VISIT_RECORD)
@require_GET
def phone_app(request: HttpRequest) -> HttpResponse:
    """The app's page. static/js/phone/app.js fills it from the phone's own store."""
    texts: dict[str, Any] = app_texts() | {
        "survey": survey_texts(),
        "wish": wish_texts(),
        "about": {
            "sex": [(value, str(label)) for value, label in Sex.choices if value],
            "age_band": [(value, str(label)) for value, label in AgeBand.choices if value],
        },
    }
    context = {
        "texts": texts,
        "heard_kinds": heard_kinds(),
        "is_template": True,
        "photo_url": reverse("visits:phone_photo", args=["0" * 64]),
    }
    return render(request, "visits/phone/app.html", context)


@open_to_all
@never_cache
@require_GET
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker. Its text changes with any of the app's files, and so the phone takes the new version."""
    urls = [static(name) for name in ASSETS]
    content = {"version": app_version(get_language()), "shell": reverse("visits:phone_app"), "assets": urls}
    response = render(request, "visits/phone/sw.js", content, content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = "/"
    return response


@cache
def app_version(language: str) -> str:
    """Return a name for the state of the app's files and words: of what they hold, not of when they were written."""
    digest = hashlib.sha256(language.encode())
    for name in ASSETS:
        path = finders.find(name)
        assert path is not None, f"{name} is missing"
        digest.update(static(name).encode() + Path(path).read_bytes())
    for page in ("app.html", "_form.html", "sw.js"):
        digest.update(Path(settings.BASE_DIR / "templates/visits/phone" / page).read_bytes())
    for text in (*app_texts().values(), *survey_texts().values(), *wish_texts().values()):
        digest.update(text.encode())
    return digest.hexdigest()[:16]


@open_to_all
@require_GET
def manifest(request: HttpRequest) -> HttpResponse:
    """What a phone needs to put the app on its home screen."""
    icons = [{"src": static("img/emblem.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}]
    content = {
        "name": _("Mass Work and Safe Communities"),
        "short_name": _("Visits"),
        "start_url": reverse("visits:phone_app"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#f4f6f9",
        "theme_color": "#ffffff",
        "lang": "zh-Hans" if get_language() == "zh-hans" else "en",
        "icons": icons,
    }
    return JsonResponse(content, content_type="application/manifest+json")
