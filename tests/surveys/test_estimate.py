"""Estimates: equal to R's `survey` on its own example data, and to what can be worked out by hand."""

from __future__ import annotations

import csv
import json
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys import estimate
from surveys.estimate import EstimateError, Sample, Stage

DATA = Path(__file__).parent.parent / "data" / "surveys"
EXPECTED = json.loads((DATA / "expected.json").read_text())


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def numbers(table: list[dict[str, str]], column: str) -> list[float | None]:
    return [float(row[column]) if row[column] else None for row in table]


def weights(table: list[dict[str, str]]) -> list[float]:
    return [float(row["pw"]) for row in table]


def stratified(fpc: bool = True) -> tuple[list[dict[str, str]], Sample]:
    table = rows("apistrat")
    population = [float(row["fpc"]) for row in table] if fpc else None
    stage = Stage([row["stype"] for row in table], range(len(table)), population)
    return table, Sample(weights(table), (stage,))


def one_stage() -> tuple[list[dict[str, str]], Sample]:
    table = rows("apiclus1")
    stage = Stage([0] * len(table), [row["dnum"] for row in table], [float(row["fpc"]) for row in table])
    return table, Sample(weights(table), (stage,))


def two_stages() -> tuple[list[dict[str, str]], Sample]:
    table = rows("apiclus2")
    districts = [row["dnum"] for row in table]
    first = Stage([0] * len(table), districts, [float(row["fpc1"]) for row in table])
    second = Stage(districts, [row["snum"] for row in table], [float(row["fpc2"]) for row in table])
    return table, Sample(weights(table), (first, second))


def post_stratified() -> tuple[list[dict[str, str]], Sample]:
    table, sample = one_stage()
    totals = {"E": 4421, "H": 755, "M": 1018}
    return table, estimate.post_stratify(sample, [row["stype"] for row in table], totals)


DESIGNS = {
    "strat": stratified,
    "nofpc": lambda: stratified(fpc=False),
    "clus1": one_stage,
    "clus2": two_stages,
    "post": post_stratified,
}


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("name", DESIGNS)
def test_means_proportions_totals_and_ratios_equal_those_of_r(name):
    table, sample = DESIGNS[name]()
    expected = EXPECTED[name]
    api, awards = numbers(table, "api00"), [row["awards"] == "Yes" for row in table]

    found = {
        "mean": estimate.mean(sample, api),
        "proportion": estimate.proportion(sample, awards),
        "total": estimate.total(sample, numbers(table, "enroll")),
        "ratio": estimate.ratio(sample, numbers(table, "api.stu"), numbers(table, "enroll")),
        "sum_of_means": estimate.index(sample, {"00": api, "99": numbers(table, "api99")}),
    }
    for what, result in found.items():
        assert (result.value, result.standard_error) == (near(expected[what]["value"]), near(expected[what]["se"])), (
            what
        )
    for what in ("mean", "proportion"):
        assert sample.degrees_of_freedom == expected[what]["degf"]
        assert found[what].interval == (near(expected[what]["low"]), near(expected[what]["high"]))


@pytest.mark.parametrize("name", DESIGNS)
def test_domains_and_their_difference_equal_those_of_r(name):
    table, sample = DESIGNS[name]()
    api = numbers(table, "api00")

    for kind, expected in EXPECTED[name]["by_type"].items():
        result = estimate.mean(sample, api, [row["stype"] == kind for row in table])
        assert (result.value, result.standard_error) == (
            near(expected["value"]),
            pytest.approx(expected["se"], rel=1e-9, abs=1e-9),
        )
        assert result.n == sum(row["stype"] == kind for row in table)
    yes = estimate.mean(sample, api, [row["awards"] == "Yes" for row in table])
    no = estimate.mean(sample, api, [row["awards"] == "No" for row in table])
    gap = estimate.difference(yes, no)
    expected = EXPECTED[name]["difference"]
    assert (gap.value, gap.standard_error) == (near(expected["value"]), near(expected["se"]))


@pytest.mark.parametrize("name", ["strat", "nofpc", "clus1", "clus2"])
def test_design_effects_equal_those_of_r(name):
    table, sample = DESIGNS[name]()
    assert estimate.design_effect(sample, numbers(table, "api00")) == near(EXPECTED[name]["mean"]["deff"])
    awards = [float(row["awards"] == "Yes") for row in table]
    assert estimate.design_effect(sample, awards) == near(EXPECTED[name]["proportion"]["deff"])


def test_raked_weights_equal_those_of_r():
    table, sample = one_stage()
    margins = [
        ([row["stype"] for row in table], {"E": 4421, "H": 755, "M": 1018}),
        ([row["sch.wide"] for row in table], {"No": 1072, "Yes": 5122}),
    ]
    # R stops as soon as a round changes no more than 1 person in all
    raked = estimate.rake(sample.weights, margins)
    assert raked == pytest.approx(EXPECTED["raked"]["weights"], rel=1e-3)
    for classes, totals in margins:
        for kind, wanted in totals.items():
            assert sum(w for w, k in zip(raked, classes, strict=True) if k == kind) == pytest.approx(wanted, rel=1e-7)


def test_margins_that_contradict_each_other_are_refused():
    with pytest.raises(EstimateError, match="contradict"):
        estimate.rake([1, 1], [(["a", "b"], {"a": 1, "b": 1}), (["x", "x"], {"x": 3})])
    with pytest.raises(EstimateError, match="do not match"):
        estimate.rake([1, 1], [(["a", "b"], {"a": 1})])


def test_holm_equals_that_of_r_and_keeps_the_order():
    assert estimate.holm([0.01, 0.04, 0.03, 0.005, 0.2]) == pytest.approx(EXPECTED["holm"])
    assert estimate.holm([]) == []


def test_t_quantiles_equal_those_of_r():
    for freedom, quantile in zip(EXPECTED["t"]["df"], EXPECTED["t"]["q"], strict=True):
        assert estimate.t_quantile(freedom) == near(quantile)
    assert estimate.t_quantile(10_001) == estimate.Z


def test_wilson_of_a_simple_sample_is_the_textbook_interval():
    # 200 asked, 180 safe: 90 % and about ± 4.2 points (practice.md)
    sample = estimate.simple(200)
    result = estimate.proportion(sample, [True] * 180 + [False] * 20)
    low, high = estimate.wilson_of(0.9, 200)
    assert (low, high) == (pytest.approx(0.8506, abs=1e-4), pytest.approx(0.9343, abs=1e-4))
    # the sample's own: n − 1 in place of n, and t in place of the normal
    assert estimate.wilson(result) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_wilson_where_all_answered_alike_still_tells_how_few_they_were():
    low, high = estimate.wilson(estimate.proportion(estimate.simple(30), [True] * 30))
    assert high == 1.0
    assert 0.87 < low < 0.90


def test_weights_of_those_who_answered_stand_for_their_whole_class():
    adjusted = estimate.non_response([2, 2, 2, 5], ["a", "a", "a", "b"], [True, False, True, True])
    assert adjusted == [3, 0, 3, 5]
    with pytest.raises(EstimateError, match="nobody answered"):
        estimate.non_response([1, 1], ["a", "b"], [True, False])


def test_net_promoters_are_the_share_of_nine_and_ten_less_that_of_six_and_under():
    sample = estimate.simple(10)
    result = estimate.net_promoters(sample, [10, 9, 9, 8, 7, 6, 0, 10, None, 10])
    assert result.value == pytest.approx(100 * (5 - 2) / 9)
    assert result.n == 9


def test_index_is_the_sum_of_item_means_each_over_those_who_answered_it():
    result = estimate.index(estimate.simple(4), {"safe": [10, 8, None, 6], "police": [4, None, None, 2]})
    assert result.value == pytest.approx(8 + 3)
    assert result.n == 3


def test_units_far_apart_have_ranks_and_units_alike_share_a_band():
    sample = Sample([1.0] * 900, (Stage([row // 300 for row in range(900)], range(900)),))
    is_so = [(row % 300) < (270, 266, 120)[row // 300] for row in range(900)]
    units = {
        name: estimate.proportion(sample, is_so, [row // 300 == number for row in range(900)])
        for number, name in enumerate(("east", "west", "north"))
    }
    assert estimate.rank_ranges(units) == {"east": (1, 2), "west": (1, 2), "north": (3, 3)}
    assert estimate.rank_ranges(units, higher_is_better=False) == {"east": (2, 3), "west": (2, 3), "north": (1, 1)}


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Sample([1, 1], (Stage([0], [0]),)), "one entry for each row"),
        (lambda: Sample([1, 0], (Stage([0, 0], [0, 1]),)), "above zero"),
        (lambda: Sample([1], ()), "at least one stage"),
        (lambda: estimate.mean(estimate.simple(2), [None, None]), "nothing to divide by"),
        (lambda: estimate.mean(estimate.simple(2), [1.0]), "one entry for each row"),
        (lambda: estimate.mean(Sample([1, 1], (Stage([0, 0], [0, 1], [1, 1]),)), [1, 2]).variance, "more clusters"),
        (lambda: estimate.post_stratify(estimate.simple(2), ["a", "b"], {"a": 5}), "do not match"),
        (lambda: estimate.index(estimate.simple(1), {}), "needs an item"),
        (lambda: estimate.wilson_of(0.5, 0), "somebody who answered"),
    ],
)
def test_what_the_data_do_not_carry_is_refused(make, text):
    with pytest.raises(EstimateError, match=text):
        make()


answers = st.lists(st.one_of(st.none(), st.integers(0, 10)), min_size=4, max_size=40).filter(
    lambda found: sum(answer is not None for answer in found) > 1
)


@settings(max_examples=200, deadline=None)
@given(answers, st.randoms())
def test_order_of_rows_never_matters_and_missing_answers_are_as_if_not_asked(found, random):
    sample = estimate.simple(len(found))
    once = estimate.mean(sample, found)
    shuffled = random.sample(found, len(found))
    again = estimate.mean(sample, shuffled)
    assert again.value == pytest.approx(once.value)
    assert again.standard_error == pytest.approx(once.standard_error)
    known = [answer for answer in found if answer is not None]
    assert once.value == pytest.approx(sum(known) / len(known))
    assert once.n == len(known)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.booleans(), min_size=2, max_size=60), st.floats(0.1, 50))
def test_the_scale_of_weights_changes_no_proportion_and_wilson_holds_it(found, scale):
    plain = estimate.proportion(estimate.simple(len(found)), found)
    scaled = estimate.proportion(Sample([scale] * len(found), (Stage([0] * len(found), range(len(found))),)), found)
    assert scaled.value == pytest.approx(plain.value)
    assert scaled.standard_error == pytest.approx(plain.standard_error)
    low, high = estimate.wilson(scaled)
    assert 0 <= low <= scaled.value + 1e-9 and scaled.value - 1e-9 <= high <= 1


def test_drawing_everybody_leaves_no_error():
    sample = estimate.simple(5, population=5)
    assert estimate.mean(sample, [1, 2, 3, 4, 5]).standard_error == 0
    assert estimate.mean(estimate.simple(5), [1, 2, 3, 4, 5]).standard_error == pytest.approx(sqrt(2.5 / 5))
