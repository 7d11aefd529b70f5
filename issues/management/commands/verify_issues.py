"""manage.py verify_issues: read every issue's history through, name every fault, and seal what holds."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from issues import actions


class Command(BaseCommand):
    """The nightly proof, by hand."""

    help = "Check the hash chains of all issues and seal them; exit status 1 where one does not hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--seal-anew is for after a backup was put back."""
        parser.add_argument(
            "--seal-anew",
            metavar="REASON",
            default="",
            help="seal the histories there are although they are not those of the last seal, with the reason",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault, then fail; or say how much holds."""
        proof = actions.prove_histories(seal_anew_because=options["seal_anew"])
        for line in proof.lines():
            self.stderr.write(line)
        if not proof.holds:
            raise CommandError(f"{max(proof.reading.fault_count, 1)} places where the histories do not hold.")
        self.stdout.write(f"{proof.reading.events} steps of {proof.reading.issues} issues hold; seal {proof.digest}")
