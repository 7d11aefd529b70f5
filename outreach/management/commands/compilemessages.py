"""Compile the message catalogues. Takes the place of Django's command, which needs gettext's msgfmt."""

from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Write each .po of LOCALE_PATHS as .mo where the .mo is missing or older."""

    help = "Compile the message catalogues (.po to .mo) with polib; skips those up to date."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Compile what has changed."""
        for folder in settings.LOCALE_PATHS:
            for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
                target = source.with_suffix(".mo")
                if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
                    continue
                part = target.with_suffix(".mo.part")  # a program reading the old one must not see half a new one
                catalogue = polib.pofile(str(source), check_for_duplicates=True)
                catalogue.save_as_mofile(str(part))
                part.replace(target)
                self.stdout.write(
                    f"{target.parent.parent.name}: {len(catalogue.translated_entries())} messages compiled"
                )
