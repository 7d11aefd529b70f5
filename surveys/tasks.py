"""Work that the beat sends: storing anonymous answers among others."""

from __future__ import annotations

from celery import shared_task

from surveys.actions import asking


@shared_task
def store_waiting_answers() -> None:
    """Store what waits in every round where enough have come."""
    asking.store_all_waiting()
