"""How long the units of a province take to import: 134 counties, 31 676 units, made up here. Leaves nothing behind.

.venv/bin/python bench/bench_units.py
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "outreach.settings")

import django

UNITS = 31_676
COUNTIES = 134
TOWNSHIPS = 15  # in a county
LIMIT_SECONDS = 10
NAMES = "石柳枫荷高青白和向建清溪桥塘林岭鹭洲平阳安宁长乐新华东西南北"


def province() -> bytes:
    """Return a .csv.gz in the layout of the published divisions."""
    lines = ["代码,名称,上级代码,类型"]
    counties = [f"{439000 + n}" for n in range(1, COUNTIES + 1)]
    townships = [f"{county}{100 + n}" for county in counties for n in range(TOWNSHIPS)]
    villages = UNITS - len(counties) - len(townships)
    for n, code in enumerate(counties):
        lines.append(f"{code},{name(n)}县,,区县")
    for n, code in enumerate(townships):
        lines.append(f"{code},{name(n)}镇,{code[:6]},镇街")
    for n in range(villages):
        township = townships[n % len(townships)]
        lines.append(f"{township}{200 + n // len(townships):03},{name(n)}村,{township},村社区")
    return gzip.compress("\n".join(lines).encode())


def name(n: int) -> str:
    """Return a two-character name."""
    return NAMES[n % len(NAMES)] + NAMES[n // len(NAMES) % len(NAMES)]


def main() -> None:
    """Import twice in a transaction that is rolled back; print both times; fail where a limit is missed."""
    from outreach import embedded

    embedded.start_if_unset()
    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    from outreach import actions
    from outreach.models import Unit

    call_command("migrate", verbosity=0)
    content = province()
    with transaction.atomic():
        known = Unit.objects.count()
        times = []
        for _run in range(2):
            start = time.perf_counter()
            result = actions.import_units(file=io.BytesIO(content), filename="province.csv.gz", by=None)
            times.append(time.perf_counter() - start)
            print(f"units import: {UNITS} units in {times[-1]:.2f} s  {result.counts()}")
        assert Unit.objects.count() == known + UNITS
        assert result.counts() == {"created": 0, "updated": 0, "reordered": 0, "unchanged": UNITS, "errors": 0}
        transaction.set_rollback(True)
    if max(times) > LIMIT_SECONDS:
        sys.exit(f"slower than {LIMIT_SECONDS} s")


if __name__ == "__main__":
    main()
