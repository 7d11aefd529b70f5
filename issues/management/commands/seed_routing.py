"""Give each district its first routing rules."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from issues.defaults import create_default_rules
from outreach.models import Unit


class Command(BaseCommand):
    """Adds the usual rules for the departments that exist; running it again changes nothing."""

    help = "Add the usual routing rules for the departments that exist. Running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed every district and say how many rules were added."""
        for district in Unit.objects.districts():
            self.stdout.write(f"{district.name}: {create_default_rules(district)} rules added")
