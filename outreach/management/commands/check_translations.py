"""Fail where a text of the program has no Chinese, or the catalogue is not what makemessages would write."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%[sdf]|\{\w*\}")
COMMAND = "makemessages -l zh_Hans --no-location --no-obsolete -i .venv -i var"


class Command(BaseCommand):
    """Compare locale/zh_Hans with the program's texts. Needs gettext (xgettext, msgmerge)."""

    help = "Fail where locale/zh_Hans is out of date, has untranslated or fuzzy entries, or loses a placeholder."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every fault; raise CommandError where there is one."""
        path = Path(settings.LOCALE_PATHS[0]) / "zh_Hans/LC_MESSAGES/django.po"
        before, times = path.read_bytes(), path.stat()
        with tempfile.NamedTemporaryFile(suffix=".po") as copy:
            copy.write(before)
            copy.flush()
            catalogue = polib.pofile(copy.name)
        try:
            call_command(
                "makemessages",
                locale=["zh_Hans"],
                no_location=True,
                no_obsolete=True,
                ignore_patterns=[".venv", "var", "var-*"],
                verbosity=0,
            )
            wanted = {key(entry) for entry in polib.pofile(str(path))}
        finally:
            path.write_bytes(before)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        present = {key(entry) for entry in catalogue if not entry.obsolete}
        faults = [f"not in the catalogue: {text!r}" for _, text in sorted(wanted - present)]
        faults += [f"no longer in the program: {text!r}" for _, text in sorted(present - wanted)]
        faults += [fault for entry in catalogue if not entry.obsolete for fault in faults_of(entry)]
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} faults in {path}. Run: manage.py {COMMAND}, then translate.")
        self.stdout.write(f"{len(catalogue)} texts, all translated")


def key(entry: polib.POEntry) -> tuple[str, str]:
    """Return what makes an entry one: its context and its English."""
    return entry.msgctxt or "", entry.msgid


def faults_of(entry: polib.POEntry) -> list[str]:
    """Return what is wrong with one entry's translation."""
    if entry.fuzzy:
        return [f"fuzzy: {entry.msgid!r}"]
    texts = list(entry.msgstr_plural.values()) or [entry.msgstr]
    if not all(texts):
        return [f"not translated: {entry.msgid!r}"]
    # the plural form is the one that names every placeholder: "One visit", "%(n)s visits"
    english = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    wrong = [text for text in texts if set(PLACEHOLDER.findall(text)) != english]
    return [f"placeholders differ: {entry.msgid!r} and {text!r}" for text in wrong]
