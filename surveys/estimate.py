"""Estimates from a sample with their error: pure functions, no database.

Every estimate is a value and, for each row, its *influence*: how much the value moves with that row (the linearised
variable, weight included). The variance of any estimate is then the variance of the total of its influences under the
sample's design (Taylor linearisation), and sums and differences of estimates are estimates again, with the dependence
between them accounted for.

Sources: Särndal, Swensson, Wretman, Model Assisted Survey Sampling (1992), §5.5 and §5.7; Lumley, Complex Surveys
(2010), §2 and §7; Wilson (1927) with the effective sample size of Korn and Graubard (1998); Kish, Survey Sampling
(1965), §8.2 and §11.7; Holm (1979). The results equal those of R's `survey` 4.1 (tests/data/surveys).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import atan, cos, isclose, pi, sin, sqrt
from statistics import NormalDist
from typing import TypeVar

CONFIDENCE = 0.95
K = TypeVar("K", bound=Hashable)
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


class EstimateError(ValueError):
    """The data do not carry the estimate asked for; the text says why, in English, for the program's author."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of drawing: for each row its stratum, its cluster, and the clusters the stratum holds in all.

    `population` None: drawn with replacement, or so few of so many that it does not matter. Rows drawn themselves, not
    in clusters, have a cluster each.
    """

    strata: Sequence[Hashable]
    clusters: Sequence[Hashable]
    population: Sequence[float] | None = None


@dataclass(frozen=True)
class Sample:
    """Who was asked: a weight for each row (how many people it stands for), and how they were drawn.

    `post_strata`: each row's class, where weights were scaled to known totals of these classes (`post_stratify`): the
    error between the classes is then gone from every estimate.
    """

    weights: Sequence[float]
    stages: tuple[Stage, ...]
    post_strata: Sequence[Hashable] | None = None

    def __post_init__(self) -> None:
        if not self.stages:
            raise EstimateError("a sample has at least one stage")
        lengths = {len(self.weights)}
        for stage in self.stages:
            lengths |= {len(stage.strata), len(stage.clusters)}
            lengths |= set() if stage.population is None else {len(stage.population)}
        if self.post_strata is not None:
            lengths.add(len(self.post_strata))
        if len(lengths) != 1:
            raise EstimateError("weights, strata, clusters and totals must have one entry for each row")
        if any(not weight > 0 for weight in self.weights):
            raise EstimateError("weights must be above zero")

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def _clusters(self) -> dict[Hashable, int]:
        """Clusters drawn at the first stage, by stratum."""
        seen: dict[Hashable, set[Hashable]] = defaultdict(set)
        for stratum, cluster in zip(self.stages[0].strata, self.stages[0].clusters, strict=True):
            seen[stratum].add(cluster)
        return {stratum: len(clusters) for stratum, clusters in seen.items()}

    @property
    def degrees_of_freedom(self) -> int:
        """Clusters less strata, at the first stage; at least 1."""
        return max(1, sum(self._clusters.values()) - len(self._clusters))


def simple(size: int, population: int | None = None) -> Sample:
    """Return the design of a simple random sample of `size` rows out of `population` (None: many more)."""
    weight = 1.0 if population is None else population / size
    totals = None if population is None else [float(population)] * size
    return Sample([weight] * size, (Stage([0] * size, range(size), totals),))


@dataclass(frozen=True)
class Estimate:
    """A value, its rows' influences (row → influence; rows left out have none), and the number of rows it rests on."""

    sample: Sample
    value: float
    influence: Mapping[int, float]
    n: int

    def __add__(self, other: Estimate) -> Estimate:
        return self._combined(other, 1)

    def __sub__(self, other: Estimate) -> Estimate:
        return self._combined(other, -1)

    def _combined(self, other: Estimate, sign: int) -> Estimate:
        if other.sample is not self.sample:
            raise EstimateError("estimates of different samples are independent: use `difference`")
        influence = dict(self.influence)
        for row, part in other.influence.items():
            influence[row] = influence.get(row, 0.0) + sign * part
        return Estimate(self.sample, self.value + sign * other.value, influence, max(self.n, other.n))

    def times(self, factor: float) -> Estimate:
        """Return the estimate in another unit, such as percent."""
        scaled = {row: factor * part for row, part in self.influence.items()}
        return replace(self, value=factor * self.value, influence=scaled)

    @cached_property
    def variance(self) -> float:
        """The variance under the sample's design."""
        return _variance(self.sample, self.influence)

    @property
    def standard_error(self) -> float:
        """The square root of the variance, in the value's unit."""
        return sqrt(max(0.0, self.variance))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval by Student's t; for a proportion use `wilson`."""
        half = t_quantile(self.sample.degrees_of_freedom) * self.standard_error
        return self.value - half, self.value + half


Values = Sequence[float | None]


def _rows(sample: Sample, values: Values, domain: Sequence[bool] | None) -> list[int]:
    if len(values) != len(sample) or (domain is not None and len(domain) != len(sample)):
        raise EstimateError("values and domain must have one entry for each row of the sample")
    return [row for row, value in enumerate(values) if value is not None and (domain is None or domain[row])]


def total(sample: Sample, values: Values, domain: Sequence[bool] | None = None) -> Estimate:
    """Estimate the population's sum of `values`. A value None, and a row outside `domain`, counts as not there."""
    influence = {row: sample.weights[row] * (values[row] or 0.0) for row in _rows(sample, values, domain)}
    return Estimate(sample, sum(influence.values()), influence, len(influence))


def ratio(sample: Sample, above: Values, below: Values, domain: Sequence[bool] | None = None) -> Estimate:
    """Estimate the sum of `above` over the sum of `below`, rows without either left out.

    Raises EstimateError where the sum below is 0.
    """
    weights = sample.weights
    rows = [row for row in _rows(sample, above, domain) if below[row] is not None]
    upper = sum(weights[row] * (above[row] or 0.0) for row in rows)
    lower = sum(weights[row] * (below[row] or 0.0) for row in rows)
    if not lower:
        raise EstimateError("nothing to divide by")
    value = upper / lower
    influence = {row: weights[row] * ((above[row] or 0.0) - value * (below[row] or 0.0)) / lower for row in rows}
    return Estimate(sample, value, influence, len(rows))


def mean(sample: Sample, values: Values, domain: Sequence[bool] | None = None) -> Estimate:
    """Estimate the population's mean of `values`. Raises EstimateError where no row has one."""
    return ratio(sample, values, [1.0] * len(sample), domain)


def proportion(sample: Sample, is_so: Sequence[bool | None], domain: Sequence[bool] | None = None) -> Estimate:
    """Estimate the share (0 … 1) of those who are so among those who are so or not (None: neither)."""
    return mean(sample, [None if answer is None else float(answer) for answer in is_so], domain)


def index(sample: Sample, marks: Mapping[str, Values], domain: Sequence[bool] | None = None) -> Estimate:
    """Estimate an index: the sum over the items of the mean marks, each item over those who answered it."""
    if not marks:
        raise EstimateError("an index needs an item")
    means = [mean(sample, values, domain) for values in marks.values()]
    result = means[0]
    for item in means[1:]:
        result = result + item
    return result


def net_promoters(sample: Sample, answers: Values, domain: Sequence[bool] | None = None) -> Estimate:
    """Estimate the net promoter score, −100 … 100: percent of 9 and 10 less percent of 0 … 6, of answers 0 … 10."""
    return mean(sample, [None if a is None else 100.0 * ((a >= 9) - (a <= 6)) for a in answers], domain)


def wilson(estimate: Estimate) -> tuple[float, float]:
    """Return the 95 % interval of a proportion: Wilson's, with the effective sample size of the design.

    The effective size is p(1 − p) ÷ variance, less where few clusters make the variance itself unsure (Korn and
    Graubard). Where everybody answered alike the variance is 0 and Kish's size, (Σw)² ÷ Σw², stands in.
    """
    return wilson_of(estimate.value, effective_size(estimate))


def effective_size(estimate: Estimate) -> float:
    """Return how many people of a simple random sample would tell as much as a proportion's rows do."""
    p, variance = estimate.value, estimate.variance
    if variance > 0 and 0 < p < 1 and not isclose(p * (1 - p), 0, abs_tol=1e-12):
        size = p * (1 - p) / variance
    else:
        weights = [estimate.sample.weights[row] for row in estimate.influence]
        size = sum(weights) ** 2 / sum(weight * weight for weight in weights)
    return size * (Z / t_quantile(estimate.sample.degrees_of_freedom)) ** 2


def wilson_of(p: float, size: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of the share `p` among `size` people; `size` need not be whole."""
    if size <= 0:
        raise EstimateError("an interval needs somebody who answered")
    middle = (p + Z * Z / (2 * size)) / (1 + Z * Z / size)
    half = Z / (1 + Z * Z / size) * sqrt(max(0.0, p * (1 - p) / size + Z * Z / (4 * size * size)))
    return max(0.0, middle - half), min(1.0, middle + half)


def design_effect(sample: Sample, values: Values) -> float:
    """Return the variance of the mean over that of a simple random sample of as many rows without replacement."""
    estimate = mean(sample, values)
    rows = list(estimate.influence)
    everybody = sum(sample.weights[row] for row in rows)
    spread = sum(sample.weights[row] * ((values[row] or 0.0) - estimate.value) ** 2 for row in rows) / everybody
    simple_variance = spread / (len(rows) - 1) * (everybody - len(rows)) / everybody
    if simple_variance <= 0:
        raise EstimateError("a design effect needs answers that differ, and a population larger than the sample")
    return estimate.variance / simple_variance


# ---- the variance of a total under the design


def _variance(sample: Sample, influence: Mapping[int, float]) -> float:
    if sample.post_strata is not None:
        influence = _within_post_strata(sample, influence)
    # with a further stage every row of a cluster counts as drawn there, also those the estimate leaves out
    rows = influence if len(sample.stages) == 1 else range(len(sample))
    return _stage_variance(sample.stages, rows, influence, sample._clusters)


def _within_post_strata(sample: Sample, influence: Mapping[int, float]) -> dict[int, float]:
    """Take each post-stratum's mean away: what varies between them is known."""
    assert sample.post_strata is not None
    weights = sample.weights
    weight_sums: dict[Hashable, float] = defaultdict(float)
    sums: dict[Hashable, float] = defaultdict(float)
    for row, stratum in enumerate(sample.post_strata):
        weight_sums[stratum] += weights[row]
        sums[stratum] += influence.get(row, 0.0)
    return {
        row: influence.get(row, 0.0) - weights[row] * sums[stratum] / weight_sums[stratum]
        for row, stratum in enumerate(sample.post_strata)
    }


def _stage_variance(
    stages: Sequence[Stage],
    rows: Iterable[int],
    influence: Mapping[int, float],
    drawn: Mapping[Hashable, int] | None = None,
) -> float:
    """Sum over the strata: (1 − f) n ÷ (n − 1) × squared deviations of the clusters' totals, and f × what varies inside
    each cluster, stage by stage. `drawn`: clusters by stratum where `rows` may lack some; their total is 0."""
    stage, *further = stages
    totals: dict[Hashable, dict[Hashable, float]] = defaultdict(lambda: defaultdict(float))
    inside: dict[tuple[Hashable, Hashable], list[int]] = defaultdict(list)
    population: dict[Hashable, float] = {}
    deeper = bool(further) and stage.population is not None
    for row in rows:
        stratum, cluster = stage.strata[row], stage.clusters[row]
        totals[stratum][cluster] += influence.get(row, 0.0)
        if stage.population is not None:
            population[stratum] = stage.population[row]
        if deeper:
            inside[stratum, cluster].append(row)
    variance = 0.0
    for stratum, sums in totals.items():
        n = len(sums) if drawn is None else drawn[stratum]
        fraction = n / population[stratum] if stratum in population else 0.0
        if fraction > 1 + 1e-9:
            raise EstimateError(f"stratum {stratum!r}: more clusters drawn than there are")
        # a stratum with one cluster: its distance from the whole sample's mean, which is 0, stands in
        centre = sum(sums.values()) / n if n > 1 else 0.0
        squares = sum((part - centre) ** 2 for part in sums.values()) + (n - len(sums)) * centre**2
        variance += max(0.0, 1 - fraction) * (n / (n - 1) if n > 1 else 1) * squares
        if deeper:
            variance += fraction * sum(
                _stage_variance(further, inside[stratum, cluster], influence) for cluster in sums
            )
    return variance


# ---- weights


def non_response(weights: Sequence[float], classes: Sequence[Hashable], answered: Sequence[bool]) -> list[float]:
    """Return the weights of all drawn, raised so that those who answered stand for their class; the others' are 0.

    Raises EstimateError where a class has nobody who answered: join it to another one first.
    """
    drawn: dict[Hashable, float] = defaultdict(float)
    heard: dict[Hashable, float] = defaultdict(float)
    for weight, kind, did in zip(weights, classes, answered, strict=True):
        drawn[kind] += weight
        heard[kind] += weight if did else 0.0
    silent = [kind for kind in drawn if not heard[kind]]
    if silent:
        raise EstimateError(f"nobody answered in {silent!r}")
    return [
        weight * drawn[kind] / heard[kind] if did else 0.0
        for weight, kind, did in zip(weights, classes, answered, strict=True)
    ]


def post_stratify(sample: Sample, classes: Sequence[Hashable], totals: Mapping[Hashable, float]) -> Sample:
    """Scale the weights so that each class adds up to its known total.

    Raises EstimateError where a class of the sample has no total, or a total above 0 nobody who stands for it.
    """
    sums: dict[Hashable, float] = defaultdict(float)
    for weight, kind in zip(sample.weights, classes, strict=True):
        sums[kind] += weight
    unmatched = [kind for kind in {*sums, *totals} if (kind in sums) != (totals.get(kind, 0) > 0)]
    if unmatched:
        raise EstimateError(f"classes and totals do not match: {unmatched!r}")
    weights = [weight * totals[kind] / sums[kind] for weight, kind in zip(sample.weights, classes, strict=True)]
    return replace(sample, weights=weights, post_strata=classes)


def rake(
    weights: Sequence[float], margins: Sequence[tuple[Sequence[Hashable], Mapping[Hashable, float]]]
) -> list[float]:
    """Scale the weights until every margin (each row's class, the classes' known totals) fits to 1 in 10⁸.

    Raises EstimateError where classes and totals do not match, or 100 rounds do not suffice.
    """
    result = list(weights)
    for _round in range(100):
        off = 0.0
        for classes, totals in margins:
            sums: dict[Hashable, float] = defaultdict(float)
            for weight, kind in zip(result, classes, strict=True):
                sums[kind] += weight
            if set(sums) != {kind for kind, wanted in totals.items() if wanted > 0}:
                raise EstimateError("classes and totals do not match")
            off = max(off, *(abs(sums[kind] / totals[kind] - 1) for kind in sums))
            result = [weight * totals[kind] / sums[kind] for weight, kind in zip(result, classes, strict=True)]
        if off < 1e-8:
            return result
    raise EstimateError("the margins contradict each other")


# ---- comparing


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two estimates, its 95 % interval and the probability of one as large where there is none."""

    value: float
    standard_error: float
    low: float
    high: float
    p: float


def difference(first: Estimate, second: Estimate) -> Difference:
    """Compare two estimates: of one sample with the dependence between them, of two samples as independent ones."""
    if first.sample is second.sample:
        combined = first - second
        return difference_of(combined.value, combined.standard_error, first.sample.degrees_of_freedom)
    freedom = min(first.sample.degrees_of_freedom, second.sample.degrees_of_freedom)
    return difference_of(first.value - second.value, sqrt(first.variance + second.variance), freedom)


def difference_of(value: float, error: float, freedom: int) -> Difference:
    """Judge a difference whose standard error is known."""
    half = t_quantile(freedom) * error
    p = float(value == 0) if error == 0 else 2 * (1 - t_cumulative(abs(value) / error, freedom))
    return Difference(value, error, value - half, value + half, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for having looked at all of them (Holm's step-down), in the order given."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for position, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - position) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def rank_ranges(
    estimates: Mapping[K, Estimate], *, higher_is_better: bool = True, alpha: float = 1 - CONFIDENCE
) -> dict[K, tuple[int, int]]:
    """Return for each unit the best and the worst rank the figures allow (1 is best).

    Of k units one that is surely worse than b others and surely better than w has a rank from 1 + b to k − w; sure is
    a pair whose difference stands after Holm's adjustment over all pairs. Units whose ranges overlap share a band.
    """
    keys = list(estimates)
    pairs = [(a, b) for position, a in enumerate(keys) for b in keys[position + 1 :]]
    gaps = {(a, b): difference(estimates[a], estimates[b]) for a, b in pairs}
    return ranges_of(keys, gaps, higher_is_better=higher_is_better, alpha=alpha)


def ranges_of(
    keys: Sequence[K],
    gaps: Mapping[tuple[K, K], Difference],
    *,
    higher_is_better: bool = True,
    alpha: float = 1 - CONFIDENCE,
) -> dict[K, tuple[int, int]]:
    """Return the ranks that differences of all pairs allow; see `rank_ranges`. `gaps`: (a, b) → a less b."""
    better, worse = dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)
    for ((a, b), gap), p in zip(gaps.items(), holm([gap.p for gap in gaps.values()]), strict=True):
        if p < alpha and gap.value != 0:
            leads, trails = (a, b) if (gap.value > 0) == higher_is_better else (b, a)
            worse[leads] += 1
            better[trails] += 1
    return {key: (1 + better[key], len(keys) - worse[key]) for key in keys}


# ---- Student's t, whose degrees of freedom are whole here


def t_cumulative(t: float, freedom: int) -> float:
    """Return P(T ≤ t) by the finite series for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4);
    beyond 10 000 the normal's: the series has half as many terms as there are degrees."""
    if freedom > 10_000:
        return NormalDist().cdf(t)
    theta = atan(t / sqrt(freedom))
    square = cos(theta) ** 2
    if freedom % 2:
        term, series = cos(theta), 0.0
        for k in range(3, freedom + 1, 2):
            series += term
            term *= square * (k - 1) / k
        inner = 2 / pi * (theta + sin(theta) * series)
    else:
        term, series = 1.0, 0.0
        for k in range(2, freedom + 1, 2):
            series += term
            term *= square * (k - 1) / k
        inner = sin(theta) * series
    return (1 + inner) / 2


@lru_cache(maxsize=1024)
def t_quantile(freedom: int) -> float:
    """Return the t that a variable of Student's passes, either way, in 5 % of cases; beyond 10 000 the normal's."""
    if freedom > 10_000:
        return Z
    low, high = Z, 13.0
    for _step in range(60):
        middle = (low + high) / 2
        if t_cumulative(middle, freedom) < (1 + CONFIDENCE) / 2:
            low = middle
        else:
            high = middle
    return high
