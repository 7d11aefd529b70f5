"""django-helpdesk beside us: its ticket list and the making of a ticket, against the same PostgreSQL. No part of ours.

Run by bench_ledger.py with the interpreter of a throw-away environment into which that installed it:

    python peer_helpdesk.py '{"NAME": …, "USER": …, "PASSWORD": …, "HOST": …, "PORT": …}' FOLDER TICKETS RUNS

Prints one line of JSON: name → [queries, seconds], the seconds the middle one of RUNS.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

DATABASE, FOLDER, TICKETS, RUNS = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import include, path  # noqa: E402

settings.configure(
    DEBUG=False,
    SECRET_KEY="measured-and-thrown-away",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **DATABASE}},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "django.contrib.sites",
        "django.contrib.humanize",
        "rest_framework",
        "helpdesk",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    MEDIA_ROOT=FOLDER,
    STATIC_URL="/static/",
    SITE_ID=1,
    USE_TZ=True,
    TIME_ZONE="Asia/Shanghai",
    HELPDESK_TEAMS_MODE_ENABLED=False,
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import reverse  # noqa: E402
from helpdesk.models import FollowUp, Queue, Ticket  # noqa: E402
from helpdesk.query import query_to_base64  # noqa: E402

urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]

QUEUES, PEOPLE = 10, 40


def fill() -> Any:
    """Write queues, people and TICKETS open tickets by one statement; return who reads the list."""
    queues = [Queue.objects.create(title=f"区第{n}局", slug=f"queue{n}") for n in range(QUEUES)]
    people = [User.objects.create_user(f"staff{n}", is_staff=True) for n in range(PEOPLE)]
    reader = User.objects.create_superuser("reader", "reader@example.com", "measured")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {Ticket._meta.db_table} (title, queue_id, created, modified, submitter_email,
                assigned_to_id, status, on_hold, description, priority, secret_key)
            SELECT '村口路灯不亮 ' || n, %s + n %% %s, now() - interval '1 minute' * n, now(),
                'r' || n || '@example.com', %s + n %% %s,
                1, false, '村口路灯不亮', 3, md5(n::text)
            FROM generate_series(1, %s) n""",
            [queues[0].pk, QUEUES, people[0].pk, PEOPLE, TICKETS],
        )
        # what its own form writes with every ticket
        cursor.execute(
            f"""INSERT INTO {FollowUp._meta.db_table} (ticket_id, date, title, comment, public, user_id, message_id)
            SELECT id, created, 'Ticket Opened', description, true, %s, '' FROM {Ticket._meta.db_table}""",
            [reader.pk],
        )
        cursor.execute(f"VACUUM ANALYZE {Ticket._meta.db_table}, {FollowUp._meta.db_table}")
    return reader


def measured(call: Callable[[], Any]) -> tuple[int, float]:
    """Return the queries of one call and the middle one of the seconds of RUNS."""
    call()
    with CaptureQueriesContext(connection) as captured:
        call()
        queries = len(captured)
    times = []
    for _run in range(RUNS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return queries, statistics.median(times)


def main() -> None:
    """Migrate, fill, measure, print."""
    call_command("migrate", verbosity=0)
    reader = fill()
    client = Client()
    client.force_login(reader)
    # what its page asks for as soon as it is open: the open tickets, by age
    wanted = {"filtering": {"status__in": [1, 2]}, "sorting": "created", "search_string": "", "sortreverse": False}
    rows = reverse("helpdesk:datatables_ticket_list", args=[query_to_base64(wanted)])
    ticket = {
        "queue": Queue.objects.order_by("pk")[0].pk,
        "title": "村口路灯不亮",
        "body": "村口路灯不亮，晚上出门看不见路",
        "priority": 3,
        "submitter_email": "resident@example.com",
    }

    def read_list() -> None:
        assert client.get(reverse("helpdesk:list")).status_code == 200
        response = client.get(rows, {"draw": 1, "start": 0, "length": 25})
        assert response.status_code == 200 and len(response.json()["data"]) == 25

    def make() -> None:
        response = client.post(reverse("helpdesk:submit"), ticket)
        assert response.status_code == 302, response.content[:2000]

    figures = {"list": measured(read_list), "create": measured(make)}
    assert Ticket.objects.count() == TICKETS + RUNS + 2
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
