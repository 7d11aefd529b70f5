"""Compare every round's counts with its responses, and count anew what differs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from surveys import tallying
from surveys.actions import asking
from surveys.models import Round


class Command(BaseCommand):
    """`recount_surveys [--check] [--round ID]`: with --check nothing is written and a difference is an error."""

    help = "Compare the counts of survey rounds with their responses; count anew what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare --check and --round."""
        parser.add_argument("--check", action="store_true", help="write nothing; a difference is an error")
        parser.add_argument("--round", type=int, help="one round's id alone")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the rounds."""
        rounds = Round.objects.select_related("version")
        if options["round"]:
            rounds = rounds.filter(pk=options["round"])
        wrong = 0
        for survey_round in rounds:
            found = tallying.differences(survey_round)
            wrong += bool(found)
            if found and not options["check"]:
                asking.recount(survey_round=survey_round)
            self.stdout.write(f"{survey_round.pk}: {len(found)} counts differ")
        if wrong and options["check"]:
            raise CommandError(f"{wrong} rounds do not hold")
