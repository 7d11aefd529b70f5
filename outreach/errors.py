"""The pages for when something went wrong: calm, in the reader's language, saying what to do next.

They are drawn without the database, the session and the context processors, because any of these may be what failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Explanation:
    """What a page says: what happened, and what to do next."""

    title: str | Promise
    what: str | Promise
    next: str | Promise


EXPLANATIONS = {
    400: Explanation(
        _("This request could not be read"),
        _("What reached us was incomplete or altered on the way. Nothing was saved."),
        _("Go back, reload the page and try once more."),
    ),
    403: Explanation(
        _("Your post may not do this"),
        _("You are logged in, but the post you act in does not include this page."),
        _("Switch to another of your posts, or ask your unit's administrator."),
    ),
    404: Explanation(
        _("Nothing to see here"),
        _("The page does not exist, or it lies outside the units your post reaches."),
        _("Check the address, or start again from the first page."),
    ),
    405: Explanation(
        _("This address cannot be opened like this"),
        _("The page only takes what its own form or button sends. Nothing was changed."),
        _("Start again from the first page and use the button there."),
    ),
    413: Explanation(
        _("The file or form is too large"),
        _("We stopped reading before the end, so nothing was saved."),
        _("Send fewer rows or smaller files: split a workbook by village, and take photos out of it."),
    ),
    429: Explanation(
        _("Too many attempts"),
        _("To protect accounts we pause after many attempts in a short time."),
        _("Wait five minutes and try again. Your unit's administrator can set a new password."),
    ),
    500: Explanation(
        _("The program made a mistake"),
        _("This is our fault, not yours. What you had saved before is safe; the last step was not saved."),
        _("Try once more in a minute. If it happens again, tell the system administrator the time shown above."),
    ),
}
CSRF = Explanation(
    _("This page was open too long"),
    _("For safety a form is only accepted from a page opened recently, and this one has expired. Nothing was saved."),
    _("Go back, reload the page and send the form again. Cookies must be allowed."),
)

LAST_RESORT = """<!DOCTYPE html><html lang="zh-Hans"><meta charset="utf-8"><title>500</title>
<h1>系统出错了</h1><p>此前保存的内容不受影响，刚才这一步没有保存。请稍后再试；若仍不行，请告知系统管理员。</p>
<p lang="en">The program made a mistake. The last step was not saved; please try again in a minute.</p></html>"""


def page(code: int, explanation: Explanation | None = None) -> HttpResponse:
    """Return the error page for an HTTP status code."""
    try:
        html: str = render_to_string(
            "errors/error.html",
            {
                "code": code,
                "explanation": explanation or EXPLANATIONS[code],
                # not {% static %}: where the manifest of hashed names is missing, that itself raises
                "static_url": settings.STATIC_URL,
                "language": "zh-Hans" if (get_language() or "").startswith("zh") else "en",
            },
        )
    except Exception:
        logger.exception("The error page itself failed")
        html = LAST_RESORT
    return HttpResponse(html, status=code)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400; what is too large gets 413."""
    too_large = isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent)
    return page(413 if too_large else 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    return page(403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return page(404)


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler429, which django-allauth calls after too many attempts."""
    return page(429)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500."""
    return page(500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: nearly always a page left open past the session's end."""
    return page(403, CSRF)


class ExplainBareErrors:
    """Middleware: give the empty 405 and 413 answers of Django and its decorators a page."""

    CODES = (405, 413)

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Replace only what has no body of its own; keep the headers (405 must carry Allow)."""
        response = self.get_response(request)
        if response.status_code in self.CODES and not response.streaming and not response.content:
            explained = page(response.status_code)
            response.content = explained.content
            response["Content-Type"] = explained["Content-Type"]
        return response
