"""manage.py import_roster FILE --unit CODE [--commit]: the roster import without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from households.models import RosterError, RosterImport
from households.roster import actions
from households.roster.errors import RowError
from households.roster.read import MAX_FILE, UnusableFile
from outreach.models import Unit


class Command(BaseCommand):
    help = (
        "Check a roster for a unit and print one JSON line; with --commit, import the households without errors. "
        "Exit status: 0 clean, 1 with row errors, 2 unusable file or unknown unit."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--unit", required=True, help="code of the township, village or district")
        parser.add_argument("--commit", action="store_true", help="write; without it nothing is kept")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        unit = Unit.objects.filter(code=options["unit"]).first()
        if unit is None or unit.kind == Unit.Kind.DEPARTMENT:
            raise CommandError(f"No district, township or village has the code {options['unit']}.", returncode=2)
        if not path.is_file():
            raise CommandError(f"There is no file {path}.", returncode=2)
        try:
            report = import_file(path, unit=unit, commit=options["commit"])
        except UnusableFile as problem:
            empty = {"households": 0, "residents": 0, "created": 0, "updated": 0, "unchanged": 0}
            error = {"sheet": "", "row": 0, "column": "", "code": problem.code, "message": problem.message}
            self.stdout.write(json.dumps({**empty, "errors": [error]}, ensure_ascii=False))
            raise SystemExit(2) from None
        self.stdout.write(json.dumps(report, ensure_ascii=False))
        if report["errors"]:
            raise SystemExit(1)


@transaction.atomic
def import_file(path: Path, *, unit: Unit, commit: bool) -> dict[str, Any]:
    """Check the file and, with `commit`, write it; without, nothing of it stays. Raises UnusableFile.

    created, updated and unchanged count households and residents together; an updated one may also have moved.
    """
    if path.stat().st_size > MAX_FILE:
        raise UnusableFile("too_large")
    if commit:
        with path.open("rb") as file:
            roster_import = actions.keep_file(
                unit=unit, chunks=iter(lambda: file.read(1 << 20), b""), filename=path.name
            )
    else:
        roster_import = RosterImport.objects.create(unit=unit, filename=path.name[:200])
    actions.check_file(roster_import, path)
    counts = roster_import.summary["counts"]
    errors = RosterError.objects.filter(roster_import=roster_import)
    report = {
        "households": roster_import.summary["households"],
        "residents": roster_import.summary["residents"],
        "created": counts["household_new"] + counts["resident_new"],
        "updated": counts["household_changed"] + counts["resident_changed"] + counts["resident_moved"],
        "unchanged": counts["household_same"] + counts["resident_same"],
        "errors": [
            {"sheet": error.sheet, "row": error.row, "column": error.column, "code": error.code, "message": message}
            for error in errors
            for message in [RowError(error.sheet, error.row, error.column, error.code, -1, error.detail).message]
        ],
    }
    if commit:
        actions.write_import(roster_import, by=None)
    else:
        transaction.set_rollback(True)
    return report
