"""Fixtures every test may ask for: the cast, a client that is logged in, tasks that run at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client

from outreach import celery_app, embedded
from outreach.models import User
from tests.cast import Cast, make_cast


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the tests' own PostgreSQL and Redis, but not where pytest-xdist's workers run the tests."""
    if getattr(session.config.option, "numprocesses", None) and not hasattr(session.config, "workerinput"):
        return
    try:
        embedded.start_if_unset()
    except embedded.EmbeddedError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.INTERNAL_ERROR)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every transactional test the rows of the migrations, which the one before it has emptied away.

    All of them or none: after one without, content types have other numbers and the rows cannot be put back.
    """
    for item in items:
        names = getattr(item, "fixturenames", [])
        marker = item.get_closest_marker("django_db")
        if {"transactional_db", "live_server"} & set(names) or (marker and marker.kwargs.get("transaction")):
            names.append("django_db_serialized_rollback")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let transactional tests empty the audit table between them; UPDATE and DELETE stay refused as in production."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE outreach_auditevent DISABLE TRIGGER outreach_audit_no_truncate")
    # While playwright's event loop runs, this thread has other connections than before, which would not know the rows
    # of the migrations and so leave them out after a transactional test.
    default = connections["default"]
    if contents := getattr(default, "_test_serialized_contents", None):  # only where a test collected asks for them
        type(default)._test_serialized_contents = contents


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Forget failed logins and cached pages of the test before."""
    cache.clear()


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
        session = client.session
        session["seen_at"] = time.time()  # else the first request alone would write it, and cost more than the next
        session.save()
        return client

    return log_in


@pytest.fixture
def run_tasks(django_capture_on_commit_callbacks) -> Callable[[], AbstractContextManager[None]]:
    """Run what an action leaves for after the commit, Celery tasks included: `with run_tasks(): client.post(...)`.

    Elsewhere tasks only go into the queue, which no worker empties, and a test's transaction is never committed.
    """

    @contextmanager
    def running() -> Iterator[None]:
        before = celery_app.conf.task_always_eager, celery_app.conf.task_eager_propagates
        celery_app.conf.update(task_always_eager=True, task_eager_propagates=True)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                yield
        finally:
            celery_app.conf.update(task_always_eager=before[0], task_eager_propagates=before[1])

    return running
