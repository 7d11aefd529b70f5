"""Work that the beat sends for issues. Each task is safe to run twice."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings

from issues import actions, files, reminders

logger = logging.getLogger(__name__)


@shared_task
def recompute_deadlines() -> None:
    """Every night: move the due days that the working-day calendar moved, and report each in the log."""
    for difference in actions.recompute_deadlines():
        logger.warning("The due day of an issue was counted again: %s", difference)


@shared_task
def remind() -> None:
    """Several times a working day: write the reminders of the ladder that are due and not yet written."""
    reminders.sweep()


@shared_task
def prove_histories() -> None:
    """Every night: read all histories through and seal them, or raise the alarm; sweep files nobody names."""
    for line in actions.prove_histories().lines():
        logger.error("The histories of issues do not hold: %s", line)
    for name in files.sweep_orphans():
        logger.warning("A file no issue names was deleted: %s", name)
    for row in files.missing_files():
        logger.error("Issue %s: the file %s is gone from the disk", row.issue.number, row.pk)


@shared_task
def draw_look_backs() -> None:
    """Every morning: draw the closed issues that are to be looked at again."""
    actions.draw_look_backs(share=settings.LOOK_BACK_SHARE)


@shared_task
def send_texts() -> None:
    """Every few minutes: send residents what waits for them."""
    actions.send_texts()
