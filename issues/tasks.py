"""Work that the beat sends for issues. Each task is safe to run twice."""

from __future__ import annotations

import logging

from celery import shared_task

from issues import actions

logger = logging.getLogger(__name__)


@shared_task
def recompute_deadlines() -> None:
    """Every night: move the due days that the working-day calendar moved, and report each in the log."""
    for difference in actions.recompute_deadlines():
        logger.warning("The due day of an issue was counted again: %s", difference)
