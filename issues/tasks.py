"""The periodic tasks of issues."""

from __future__ import annotations

from celery import shared_task

from issues import reminders


@shared_task
def remind() -> None:
    """Several times a working day: write the reminders of the ladder that are due and not yet written."""
    reminders.sweep()
