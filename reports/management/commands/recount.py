"""`manage.py recount`: count the rollups again from the rows, or prove that they are right."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from outreach.models import Campaign
from reports import facts


class Command(BaseCommand):
    """Recount all, or with --check change nothing and exit 1 with every difference named."""

    help = "Count the rollups behind the rankings again from the rows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--campaign", type=int, help="the campaign's id; without it, every campaign")
        parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a rollup is wrong")

    def handle(self, *args: Any, campaign: int | None, check: bool, **options: Any) -> None:
        chosen = None
        if campaign is not None:
            chosen = Campaign.objects.filter(pk=campaign).first()
            if chosen is None:
                raise CommandError(f"There is no campaign {campaign}.", returncode=2)
        if not check:
            facts.recount_all(chosen)
            self.stdout.write("Recounted.")
            return
        wrong = facts.differences(chosen)
        for line in wrong:
            self.stdout.write(line)
        if wrong:
            raise CommandError(f"{len(wrong)} rollups differ from the rows. Run `manage.py recount` to set them right.")
        self.stdout.write("Every rollup equals its rows.")
