"""Rules of the session: it ends when idle, and a password somebody else has set is changed before anything else."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from outreach.access import Permission, has_permission

# The session is written at most this often: a write on every request would double a page's cost.
RENEW_SECONDS = 300
OPEN_WHILE_PASSWORD_IS_OLD = {"account_change_password", "account_logout", "set_language"}


class AccountRulesMiddleware:
    """Runs after authentication, for those who are logged in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Renew the session's end; a page that asks by itself (static/js/live.js) is no sign of somebody there."""
        is_person = request.headers.get("X-Live") != "1"
        seen_at = request.session.get("seen_at", 0) if is_person and request.user.is_authenticated else None
        if seen_at is not None and time.time() - seen_at > RENEW_SECONDS:
            visitor = has_permission(request.user, Permission.VISIT_RECORD)
            age = settings.SESSION_COOKIE_AGE_OF_VISITORS if visitor else settings.SESSION_COOKIE_AGE
            request.session.set_expiry(age)
            request.session["seen_at"] = int(time.time())
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., HttpResponse], _args: tuple[object], _kwargs: dict[str, object]
    ) -> HttpResponse | None:
        """Lead to the form for a new password, whatever was asked for."""
        if not request.user.is_authenticated or not request.user.must_change_password:
            return None
        if request.resolver_match and request.resolver_match.view_name in OPEN_WHILE_PASSWORD_IS_OLD:
            return None
        messages.warning(request, _("Choose a password of your own before you go on."))
        return redirect("account_change_password")
