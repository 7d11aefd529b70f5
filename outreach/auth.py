"""Logging in: by staff number or phone, locked after failures, on record; and no self-service sign-up."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from outreach import audit
from outreach.models import User

logger = logging.getLogger(__name__)


class StaffNumberOrPhoneBackend(BaseBackend):
    """Find the account by staff number or phone and check its password."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_kwargs: Any
    ) -> User | None:
        """Return the account, or None: unknown, wrong password, switched off."""
        if not username or password is None or "\x00" in username:
            return None
        user = User.objects.filter(Q(staff_number=username) | Q(phone=username)).first()
        if user is None:
            User().set_password(password)  # the same time whether the account exists or not
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """Load the account of a session."""
        user = User.objects.filter(pk=user_id).first()
        return user if user and user.is_active else None


class StaffAccountAdapter(DefaultAccountAdapter):
    """allauth's adapter: accounts are made by administrators; logins and new passwords are on record."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt against the account, by whichever name it is called; refuse it where there were too many.

        Without the cache nobody can count, and guessing without limit must not be the price of an outage.
        """
        login = str(credentials.get("username") or "").replace("\x00", "").strip()
        number = User.objects.filter(phone=login).values_list("staff_number", flat=True).first()
        try:
            super().pre_authenticate(request, **{**credentials, "username": number or login})
        except RedisError as error:
            logger.error("Nobody can log in: the cache that counts failed logins does not answer.")
            raise ValidationError(_("Logging in is not possible just now. Try again in a few minutes.")) from error

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record the failure where the account exists; a name nobody has may be a mistyped password."""
        login = str(credentials.get("username") or "").replace("\x00", "")
        user = User.objects.filter(Q(staff_number=login) | Q(phone=login)).first()
        if user:
            audit.record("login.failed", user, by=None, ip=self.get_client_ip(request))

    @transaction.atomic
    def login(self, request: HttpRequest, user: Any) -> None:
        """Log in and record it."""
        super().login(request, user)
        audit.record("login", user, by=user, ip=self.get_client_ip(request))

    @transaction.atomic
    def set_password(self, user: Any, password: str) -> None:
        """Store the new password of somebody changing his own and record it."""
        super().set_password(user, password)
        audit.record("password.change", user, by=user)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Go back to work."""
        return reverse("home")
