"""manage.py seed_demo: fill an empty database with the demo district."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reports.demo import district, staff


class Command(BaseCommand):
    help = "Fill an empty database with the invented district 星河区: its units and staff, and work done so far."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stage", choices=list(district.STAGES), default="midway")
        parser.add_argument("--today", type=date.fromisoformat, help="the day the demo stands at (default: today)")
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there are units or accounts")
        parser.add_argument("--force", action="store_true", help="also where DEMO is off: the passwords are published!")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, then say how to log in. Raises CommandError where that would endanger real data."""
        if not settings.DEMO and not options["force"]:
            raise CommandError(
                "DEMO is off here, so this may be a real district's database. The demo's accounts have a published "
                "password. Set DEMO=1, or add --force if you are sure."
            )
        if not district.is_empty():
            if options["if_empty"]:
                return
            raise CommandError(
                "The database is not empty; nothing was changed. Use a new one: point VAR_DIR at an empty folder, or "
                "DATABASE_URL at an empty database, and run migrate."
            )
        today = options["today"] or timezone.localdate()
        if today > timezone.localdate():
            raise CommandError("--today lies in the future: visits cannot have been made then.")
        district.seed(stage=options["stage"], today=today)
        self.stdout.write(f"Demo district 星河区 is ready (stage {options['stage']}, {today}).")
        self.stdout.write(f"The password of all accounts is {staff.PASSWORD}; manage.py demo_logins lists them.")
