"""Logging in: by staff number or phone, and no self-service sign-up."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.backends import BaseBackend
from django.db.models import Q
from django.http import HttpRequest

from outreach.models import User


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
        """Load the account of a session with its current post, which every page needs."""
        user = User.objects.select_related("current_post__unit").filter(pk=user_id).first()
        return user if user and user.is_active else None


class StaffAccountAdapter(DefaultAccountAdapter):
    """allauth's adapter: accounts are made by administrators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
