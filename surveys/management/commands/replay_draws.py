"""manage.py replay_draws: draw every sample again from its frame and seed, and say whether it is the one kept."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from surveys.actions import drawing
from surveys.models import Draw


class Command(BaseCommand):
    help = "Draw every sample again from the frame and seed that were kept. It names no household and no person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="end with an error where a sample does not agree")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each draw. Raises CommandError with --check where one does not agree."""
        wrong = 0
        for draw in Draw.objects.select_related("round").order_by("pk"):
            problems = drawing.replay(draw)
            wrong += bool(problems)
            result = "; ".join(problems) or "agrees"
            self.stdout.write(f"draw {draw.pk}: seed {draw.seed}, frame {draw.frame_digest[:12]}, {result}")
        if wrong and options["check"]:
            raise CommandError(f"{wrong} draws do not agree with their frame and seed")
