"""The project package and shared kernel: settings, accounts, units, access, audit, calendar."""

from outreach.celery import app as celery_app

__all__ = ["celery_app"]
