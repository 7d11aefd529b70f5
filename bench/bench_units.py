"""How long the units of a province take to import: 134 counties, 31 676 units, made up here."""

from __future__ import annotations

import gzip
import io
import time
from collections.abc import Iterator

from bench.figure import Figure

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


def measure() -> Iterator[Figure]:
    """Import the same file twice: all new, then all unchanged."""
    from outreach import actions

    content = province()
    for run, outcome in (("first", "created"), ("again", "unchanged")):
        start = time.perf_counter()
        result = actions.import_units(file=io.BytesIO(content), filename="province.csv.gz", by=None)
        seconds = time.perf_counter() - start
        assert result.counts()[outcome] == UNITS, result.counts()
        yield Figure(f"units_import_{run}", seconds, "s", "<=", LIMIT_SECONDS)
