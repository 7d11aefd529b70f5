"""The visits' work in the background."""

from celery import shared_task

from visits import photos


@shared_task
def sweep_photos() -> int:
    """Drop photos that were sent two weeks ago and that no visit has named since; returns how many."""
    return photos.sweep()
