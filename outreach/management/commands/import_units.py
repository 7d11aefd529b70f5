"""manage.py import_units FILE: create and update units from a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from outreach import actions, units


class Command(BaseCommand):
    help = "Import units from a .csv, .csv.gz or .xlsx file; exit status 1 where rows are wrong, 2 for no such file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="only say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each wrong row, then the figures."""
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                if options["dry_run"]:
                    result = units.plan(units.read(file, path.name))
                else:
                    result = actions.import_units(file=file, filename=path.name, by=None)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}", returncode=2) from error
        except units.UnusableFileError as error:
            raise CommandError(str(error), returncode=2) from error
        for row_error in result.errors:
            self.stderr.write(str(row_error))
        self.stdout.write(" · ".join(f"{name} {count}" for name, count in result.counts().items()))
        if result.errors:
            raise CommandError(f"{len(result.errors)} rows were left out.")
