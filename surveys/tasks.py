"""Work that the beat sends: storing anonymous answers among others, forgetting whom a sample named."""

from __future__ import annotations

from celery import shared_task

from surveys.actions import asking, calling


@shared_task
def store_waiting_answers() -> None:
    """Store what waits in every round where enough have come."""
    asking.store_all_waiting()


@shared_task
def forget_contacts() -> None:
    """Delete names and numbers of samples whose round has ended."""
    calling.forget_contacts()
