"""manage.py recompute_deadlines: count the due days of open issues again, or only say which differ."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from issues import actions


class Command(BaseCommand):
    help = "Count the due days of open issues again by today's working-day calendar; running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail where a due day differs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each difference. Raises CommandError with --check where there is one."""
        differences = list(actions.deadline_differences()) if options["check"] else actions.recompute_deadlines()
        for difference in differences:
            self.stdout.write(str(difference))
        if options["check"] and differences:
            raise CommandError(
                f"{len(differences)} due days differ from their clocks; run without --check to set them."
            )
        self.stdout.write(f"{len(differences)} due days {'differ' if options['check'] else 'moved'}.")
