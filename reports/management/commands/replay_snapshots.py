"""`manage.py replay_snapshots`: score every snapshot again from its frozen inputs and compare."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reports.actions import snapshots
from reports.models import Snapshot


class Command(BaseCommand):
    """Change nothing; with --check exit 1 where a snapshot does not give what it gave."""

    help = "Score every snapshot again from its frozen inputs and name those that do not give the same result."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="exit 1 where a snapshot differs")
        parser.add_argument("--snapshot", type=int, help="one snapshot's id; without it, all")

    def handle(self, *args: Any, check: bool, snapshot: int | None, **options: Any) -> None:
        """Print a line for each difference. Raises CommandError for an unknown id; with --check, for a difference."""
        rows = None
        if snapshot is not None:
            rows = list(Snapshot.objects.filter(pk=snapshot))
            if not rows:
                raise CommandError(f"There is no snapshot {snapshot}.", returncode=2)
        found = list(snapshots.compare(rows))
        for line, _is_fault in found:
            self.stdout.write(line)
        wrong = [line for line, is_fault in found if is_fault]
        if wrong and check:
            raise CommandError(f"{len(wrong)} snapshots do not give what they gave.")
        if not wrong:
            self.stdout.write(f"{len(rows) if rows is not None else Snapshot.objects.count()} snapshots hold.")
