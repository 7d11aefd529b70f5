"""The doors of a phone that works without signal: its data down, what it kept up, photos piece by piece."""

from __future__ import annotations

import gzip
import json
import re
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach.access import Permission, acting, require
from visits import phone_data, photos
from visits.actions.sync import MAX_BATCH, take_item, take_visit

MAX_PIECE = 512 * 1024
MAX_OFFSET_DAYS = 3650
DIGEST = re.compile(r"[0-9a-f]{64}")


@require(Permission.VISIT_RECORD)
@never_cache
@ensure_csrf_cookie
@require_GET
def phone_data_view(request: HttpRequest) -> HttpResponse:
    """The caller's households for working offline; with ?have= and ?shared= only what differs from the phone's copy."""
    data = phone_data.build(
        user=acting(request),
        have=phone_data.read_have(request.GET.get("have", "")),
        have_shared=request.GET.get("shared", "")[:16],
    )
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    response = HttpResponse(content_type="application/json")
    response["Vary"] = "Accept-Encoding"
    # Nothing in it repeats what the request said, so that its length tells nobody anything (BREACH).
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, compresslevel=5, mtime=0)
        response["Content-Encoding"] = "gzip"
    response.content = body
    return response


@require(Permission.VISIT_RECORD)
@require_POST
def sync(request: HttpRequest) -> HttpResponse:
    """Take in a batch: {"items": […], "sent_at": the phone's time}, at most MAX_BATCH; one receipt each, in order.

    {"visits": […]}, as phones sent before, is taken as ever. Each item stands for itself: one that is refused holds up
    no other. The phone may forget an item only against a receipt that is not `refused`.
    """
    try:
        batch = json.loads(request.body)
        is_old = "visits" in batch
        items = batch["visits"] if is_old else batch["items"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return _bad_batch("invalid_json", _("The visits could not be read. Nothing was stored."))
    if not isinstance(items, list):
        return _bad_batch("wrong_type", _("The visits could not be read. Nothing was stored."))
    if len(items) > MAX_BATCH:
        message = _("At most %(count)d visits at once. Nothing was stored: send fewer.") % {"count": MAX_BATCH}
        return _bad_batch("too_many", message)
    user = acting(request)
    offset = clock_offset(batch.get("sent_at"))
    if is_old:
        receipts = [take_visit(by=user, raw=raw, clock_offset=offset) for raw in items]
    else:
        receipts = [take_item(by=user, item=item, clock_offset=offset) for item in items]
    return JsonResponse(
        {"receipts": [receipt.as_json() for receipt in receipts], "server_time": timezone.now().isoformat()}
    )


def clock_offset(sent_at: Any) -> timedelta | None:
    """How far the phone's clock is ahead of ours, from the moment of sending by that clock; None if unreadable."""
    try:
        moment = parse_datetime(sent_at) if isinstance(sent_at, str) and len(sent_at) <= 40 else None
        if moment is None or timezone.is_naive(moment):
            return None
        offset = moment - timezone.now()
    except (ValueError, OverflowError):
        return None
    return offset if abs(offset) < timedelta(days=MAX_OFFSET_DAYS) else None


def _bad_batch(code: str, message: str) -> JsonResponse:
    return JsonResponse({"code": code, "message": message}, status=400)


@require(Permission.VISIT_RECORD)
@never_cache
@require_http_methods(["GET", "PUT"])
def phone_photo(request: HttpRequest, digest: str) -> HttpResponse:
    """A photo piece by piece: GET says how much has arrived, PUT ?offset= adds a piece (&last=1: there is no more)."""
    user = acting(request)
    if request.method == "GET":
        return _photo_state(*photos.have(user=user.pk, digest=digest))
    offset = request.GET.get("offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 9) or len(request.body) > MAX_PIECE:
        return _bad_batch("bad_piece", _("The photo could not be read: it is sent again."))
    try:
        state = photos.add_piece(
            user=user.pk,
            digest=digest,
            offset=int(offset),
            piece=request.body,
            is_last=request.GET.get("last") == "1",
        )
    except photos.PieceError as error:
        message = _("The photo could not be read: it is sent again.")
        return JsonResponse({"code": error.code, "message": message, "have": error.have}, status=409)
    return _photo_state(*state)


def _photo_state(have: int, is_complete: bool) -> JsonResponse:
    return JsonResponse({"have": have, "complete": is_complete})
