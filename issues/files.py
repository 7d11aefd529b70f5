"""Compares the files on disk with the rows that name them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from issues.models import Attachment

FOLDER = "issues"
SPARED = timedelta(days=1)  # a file is written before its row is committed


def sweep_orphans() -> list[str]:
    """Delete the files no row names and that are older than SPARED: left by transactions that failed. Returns their
    names. Running it again finds nothing."""
    root = Path(settings.MEDIA_ROOT)
    before = (timezone.now() - SPARED).timestamp()
    swept = []
    for folder, _folders, names in os.walk(root / FOLDER):
        paths = {str((Path(folder) / name).relative_to(root)): Path(folder) / name for name in names}
        known = set(Attachment.objects.filter(file__in=list(paths)).values_list("file", flat=True))
        for name in sorted(set(paths) - known):
            if paths[name].stat().st_mtime < before:
                paths[name].unlink(missing_ok=True)
                swept.append(name)
    return swept


def missing_files() -> Iterator[Attachment]:
    """Yield the rows whose file is gone, the issue loaded."""
    for row in Attachment.objects.select_related("issue").iterator(chunk_size=2000):
        if not row.file.storage.exists(str(row.file.name)):
            yield row
