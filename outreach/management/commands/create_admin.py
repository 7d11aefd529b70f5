"""manage.py create_admin: the first account of a district, which makes all others."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from outreach import actions
from outreach.models import Unit


class Command(BaseCommand):
    help = "Make a district's system administrator, or let one back in; prints a one-time password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--unit", required=True, help="the district's code, 6 digits; import the units first")
        parser.add_argument("--staff-number", required=True)
        parser.add_argument("--name", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the password. Raises CommandError for an unknown district or a bad number."""
        unit = Unit.objects.districts().filter(code=options["unit"]).first()
        if unit is None:
            raise CommandError(f"There is no district with the code {options['unit']}: run import_units first.")
        try:
            password = actions.create_admin(unit=unit, staff_number=options["staff_number"], name=options["name"])
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"{options['name']} administers {unit.name}. One-time password: {password}")
