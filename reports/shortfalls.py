"""What deductions and shortfalls add up to, and the two flags: peers lost nothing here, lost again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum

from outreach.models import Unit
from reports.models import Deduction, DeductionShare, PeerScore, Shortfall


@dataclass(frozen=True, slots=True)
class Flags:
    """What stands beside an item of a year. `peers`: how many counties' scores are entered; `years`: others it cost."""

    peers: int = 0
    peers_losing: int = 0
    years: tuple[int, ...] = ()

    @property
    def only_we(self) -> bool:
        """Are other counties' scores known, and did none of them lose here?"""
        return self.peers > 0 and not self.peers_losing

    @property
    def again(self) -> bool:
        """Did it cost points in another year too?"""
        return bool(self.years)


def flags(district: Unit, rows: Iterable[Shortfall | Deduction]) -> dict[tuple[int, str], Flags]:
    """Return (year, item key) → flags, of the years and items of `rows`. Three queries, whatever the number of rows."""
    wanted = {(row.year, row.item_key) for row in rows}
    keys = {key for _year, key in wanted}
    scores = (
        PeerScore.objects.filter(district=district, item_key__in=keys)
        .order_by()
        .values("year", "item_key")
        .annotate(peers=Count("pk"), losing=Count("pk", filter=Q(points_lost__gt=0)))
    )
    peers = {(row["year"], row["item_key"]): (row["peers"], row["losing"]) for row in scores}
    lost: dict[str, set[int]] = {}
    for model in (Shortfall, Deduction):
        found = model.objects.filter(district=district, item_key__in=keys)
        for year, key in found.order_by().values_list("year", "item_key").distinct():
            lost.setdefault(key, set()).add(year)
    return {
        (year, key): Flags(*peers.get((year, key), (0, 0)), years=tuple(sorted(lost.get(key, set()) - {year})))
        for year, key in wanted
    }


@dataclass(frozen=True, slots=True)
class Total:
    """Points together, of one unit or one item."""

    name: str
    count: int
    points: Decimal


def totals_by_unit(rows: Sequence[Deduction], reach: str) -> list[Total]:
    """Sum the shares of `rows` by unit, of the units within `reach`, the most points first; ties in official order."""
    shares = DeductionShare.objects.filter(deduction__in=[row.pk for row in rows], unit__code__startswith=reach)
    found = (
        shares.order_by()
        .values("unit__name", "unit__sort_order", "unit__code")
        .annotate(count=Count("pk"), points=Sum("points"))
        .order_by("-points", "unit__sort_order", "unit__code")
    )
    return [Total(row["unit__name"], row["count"], row["points"]) for row in found]


def totals_by_item(rows: Sequence[Deduction | Shortfall]) -> list[Total]:
    """Sum the points of `rows` by item, the most first; the item is called as in the newest row."""
    sums: dict[str, list[Deduction | Shortfall]] = {}
    for row in rows:
        sums.setdefault(row.item_key, []).append(row)
    found = [
        Total(group[0].item, len(group), sum((row.points for row in group), Decimal(0))) for group in sums.values()
    ]
    return sorted(found, key=lambda total: (-total.points, total.name))
