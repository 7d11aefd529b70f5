"""What workers do for issues."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings


@shared_task
def draw_look_backs() -> None:
    """Once a day, draw the closed issues that are to be looked at again."""
    from issues import actions

    actions.draw_look_backs(share=settings.LOOK_BACK_SHARE)
