"""Pages that refresh themselves (static/js/live.js): what they poll costs next to nothing while nothing changed."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils import timezone, translation

from outreach.access import acting
from reports.models import Freshness

# What a board shows beside rollups (messages, imports, instructions) is at most this old.
SLICE_SECONDS = 300
POLL_SECONDS = 30


def tag(request: HttpRequest) -> str:
    """Return the ETag of what this reader sees at this address now. One query."""
    user = acting(request)
    now = timezone.localtime()
    changed = Freshness.objects.values_list("changed_at", flat=True).first()
    parts = (
        user.pk,
        user.post.pk if user.post else None,
        request.get_full_path(),
        translation.get_language(),
        now.date(),
        int(now.timestamp()) // SLICE_SECONDS,
        changed,
    )
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def unchanged(request: HttpRequest, etag: str) -> HttpResponse | None:
    """Return the 304 for a poll that names `etag`, else None: build the page. Only polls are answered so: a page
    opened anew may have messages to show."""
    if request.headers.get("HX-Request") and request.headers.get("If-None-Match") == etag:
        response = HttpResponseNotModified()
        response["ETag"] = etag
        return response
    return None
