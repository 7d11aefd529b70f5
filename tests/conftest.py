"""Fixtures every test may ask for: the cast, and a browser's client that is logged in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from outreach.models import User
from tests.cast import Cast, make_cast


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let transactional tests empty the audit table between them; UPDATE and DELETE stay refused as in production."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outreach_auditevent DISABLE TRIGGER outreach_audit_no_truncate")


@pytest.fixture
def cast(db) -> Cast:
    """The fixed district and its people (tests/cast.py)."""
    return make_cast()


@pytest.fixture
def login() -> Callable[[User], Client]:
    """Give a client logged in as somebody: login(cast.visitor).get(...)."""

    def log_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in
