"""Estimates from sums instead of rows: equal to estimate.py's for every design a response knows (strata, clusters,
weights), at a cost that does not grow with the number of responses. Pure.

A row's influence on a ratio R = Σwa ÷ Σwb is w(a − Rb) ÷ Σwb. Its sum over a cluster, and for rows drawn themselves
the sum of its squares, follow from Σwa, Σwb, Σw²a², Σw²ab and Σw²b²: nothing else is needed for the variance.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isclose, sqrt
from typing import TypeVar

from surveys.estimate import Difference, EstimateError, Z, difference_of, ranges_of, t_quantile, wilson_of

K = TypeVar("K", bound=Hashable)
Place = tuple[str, str]  # stratum and cluster; cluster "": rows drawn themselves


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the rows of a stratum and cluster; w: weight, a and b: numerator and denominator of a row."""

    n: int
    wa: float
    wb: float
    aa: float
    ab: float
    bb: float

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.n + other.n,
            self.wa + other.wa,
            self.wb + other.wb,
            self.aa + other.aa,
            self.ab + other.ab,
            self.bb + other.bb,
        )


Cells = Mapping[Place, Sums]


@dataclass(frozen=True, slots=True)
class Design:
    """How many clusters, or rows drawn themselves, each stratum of the whole sample has."""

    units: Mapping[str, int]

    @property
    def degrees_of_freedom(self) -> int:
        """Clusters less strata; at least 1."""
        return max(1, sum(self.units.values()) - len(self.units))


def design_of(everybody: Iterable[tuple[Place, int]]) -> Design:
    """Return the design of a sample from its rows' number by stratum and cluster."""
    units: dict[str, int] = {}
    for (stratum, cluster), rows in everybody:
        units[stratum] = units.get(stratum, 0) + (1 if cluster else rows)
    return Design(units)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A ratio with what its variance is made of: (sum of influences, sum of their squares) by stratum and cluster."""

    value: float
    n: int
    parts: Mapping[Place, tuple[float, float]]
    design: Design
    kish: float  # (Σw)² ÷ Σw²

    @property
    def variance(self) -> float:
        """The variance under the design, clusters taken as drawn with replacement."""
        return variance_of(self.parts, self.design)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval by Student's t; for a share use `share_interval`."""
        half = t_quantile(self.design.degrees_of_freedom) * sqrt(max(0.0, self.variance))
        return self.value - half, self.value + half

    @property
    def share_interval(self) -> tuple[float, float]:
        """The 95 % interval of a share: Wilson's with the effective size, as estimate.wilson."""
        p, variance = self.value, self.variance
        is_inside = variance > 0 and 0 < p < 1 and not isclose(p * (1 - p), 0, abs_tol=1e-12)
        size = p * (1 - p) / variance if is_inside else self.kish
        return wilson_of(p, size * (Z / t_quantile(self.design.degrees_of_freedom)) ** 2)


def variance_of(parts: Mapping[Place, tuple[float, float]], design: Design) -> float:
    """Return the variance of a total of influences: n ÷ (n − 1) × (ΣT² − (ΣT)² ÷ n), summed over the strata."""
    totals: dict[str, tuple[float, float]] = {}
    for (stratum, cluster), (total, squares) in parts.items():
        before = totals.get(stratum, (0.0, 0.0))
        totals[stratum] = before[0] + total, before[1] + (total * total if cluster else squares)
    variance = 0.0
    for stratum, (total, squares) in totals.items():
        n = design.units[stratum]
        # a stratum with one cluster: its distance from the whole sample's mean, which is 0, stands in
        variance += n / (n - 1) * max(0.0, squares - total * total / n) if n > 1 else squares
    return variance


def ratio(cells: Cells, design: Design) -> Estimate:
    """Estimate Σwa ÷ Σwb. Raises EstimateError where there is nothing to divide by."""
    whole = sum(cells.values(), Sums(0, 0, 0, 0, 0, 0))
    if not whole.wb:
        raise EstimateError("nothing to divide by")
    value, lower = whole.wa / whole.wb, whole.wb
    parts = {
        place: (
            (sums.wa - value * sums.wb) / lower,
            max(0.0, sums.aa - 2 * value * sums.ab + value * value * sums.bb) / lower**2,
        )
        for place, sums in cells.items()
    }
    return Estimate(value, whole.n, parts, design, whole.wb**2 / whole.bb)


def difference(first: Estimate, second: Estimate) -> Difference:
    """Compare two groups of one sample that share nobody, or two samples."""
    freedom = min(first.design.degrees_of_freedom, second.design.degrees_of_freedom)
    gap = first.value - second.value
    if first.design is not second.design:
        return difference_of(gap, sqrt(first.variance + second.variance), freedom)
    parts = dict(first.parts)
    for place, (total, squares) in second.parts.items():
        before = parts.get(place, (0.0, 0.0))
        parts[place] = before[0] - total, before[1] + squares
    return difference_of(gap, sqrt(variance_of(parts, first.design)), freedom)


def rank_ranges(estimates: Mapping[K, Estimate]) -> dict[K, tuple[int, int]]:
    """Return the best and the worst rank of each group, groups sharing nobody; see estimate.rank_ranges."""
    keys: Sequence[K] = list(estimates)
    pairs = [(a, b) for position, a in enumerate(keys) for b in keys[position + 1 :]]
    return ranges_of(keys, {(a, b): difference(estimates[a], estimates[b]) for a, b in pairs})
