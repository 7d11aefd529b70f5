"""Work that the beat sends: keeping the rollups fresh, and proving them every night."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from reports import closing, facts, task_reminders
from reports.actions import bulletins, snapshots

logger = logging.getLogger(__name__)


@shared_task
def refresh_rollups() -> None:
    """Work the dirty log off. Ends at once where another worker is at it, or nothing is logged."""
    limit = 100_000
    while facts.refresh(limit) == limit:
        pass


@shared_task
def check_rollups() -> None:
    """Compare every rollup with its rows and raise the alarm where one differs: that is a fault of the program."""
    for line in facts.differences():
        logger.error("A rollup differs from its rows: %s", line)


@shared_task
def remind_tasks() -> None:
    """Remind of tasks, deductions and shortfalls that are due or overdue."""
    task_reminders.remind()


@shared_task
def close_day() -> None:
    """Keep how every unit stands at the end of today."""
    closing.close_day(timezone.localdate())


@shared_task
def take_daily_snapshots() -> None:
    """Every working morning: freeze yesterday's scores of the running campaigns, as drafts nobody is told of."""
    snapshots.take_daily(today=timezone.localdate())


@shared_task
def replay_snapshots() -> None:
    """Every night: score all snapshots again and raise the alarm where one does not give what it gave."""
    for line in snapshots.prove():
        logger.error("Frozen scores do not hold: %s", line)


@shared_task
def offer_bulletins() -> None:
    """Draft the regular bulletin of each fresh, approved snapshot for the office to look at; nothing is sent."""
    bulletins.offer_drafts(today=timezone.localdate())
