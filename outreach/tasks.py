"""The kernel's periodic tasks."""

from __future__ import annotations

import logging

from celery import shared_task

from outreach import calendar
from outreach.notify import retention, sending

logger = logging.getLogger(__name__)


@shared_task
def report_unknown_years() -> None:
    """Once a day, put into the log which year's working days somebody must enter."""
    for year in calendar.unknown_years():
        logger.error(
            "The working days of %s are not known: deadlines count weekends only. "
            "Enter the days of the State Council's notice under Administration, working-day calendar.",
            year,
        )


@shared_task
def send_messages() -> None:
    """Every few seconds: make messages of what people are to be told, and send what is due."""
    sending.run()


@shared_task
def forget_messages() -> None:
    """Once a night: delete notifications and messages older than their district keeps them."""
    retention.forget()
