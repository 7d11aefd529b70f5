"""manage.py import_boundaries: the boundaries of units for the map, from GeoJSON."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from outreach.models import Unit
from reports import boundaries, screen_actions
from reports.models import BoundaryFile


class Command(BaseCommand):
    help = "Import boundaries of units from GeoJSON; exit status 1 where features are left out, 2 for no such file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--district", help="the district's code, where there are several")
        parser.add_argument("--datum", choices=BoundaryFile.Datum.values, default=BoundaryFile.Datum.WGS84)
        parser.add_argument("--dry-run", action="store_true", help="only say what would be imported")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the units found, each feature left out, then import. Raises CommandError where something is wrong."""
        path: Path = options["file"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}", returncode=2) from error
        district = self._district(options["district"])
        units = {unit.code: unit for unit in Unit.objects.filter(code__startswith=district.code)}
        try:
            plan = boundaries.read(content, list(units.values()))
            if not options["dry_run"]:
                file = screen_actions.read_boundaries(
                    district=district, filename=path.name, content=content, datum=options["datum"], by=None
                )
                screen_actions.apply_boundaries(file=file, by=None)
        except boundaries.UnusableBoundariesError as error:
            raise CommandError(str(error), returncode=2) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        for code in sorted(plan.shapes):
            self.stdout.write(f"{code} {units[code].name}")
        for fault in plan.faults:
            self.stderr.write(f"{fault.number} {fault.name}: {fault.reason}")
        done = "would be imported" if options["dry_run"] else "imported"
        self.stdout.write(f"{len(plan.shapes)} units {done}")
        if plan.faults and not options["dry_run"]:
            raise CommandError(f"{len(plan.faults)} feature(s) were left out.")

    def _district(self, code: str | None) -> Unit:
        districts = Unit.objects.districts()
        found = list(districts.filter(code=code) if code else districts)
        if len(found) != 1:
            raise CommandError("Name the district with --district CODE.")
        return found[0]
