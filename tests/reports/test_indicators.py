"""Rates, intervals and ranks."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.indicators import COVERAGE, MET, RANKED, SOLUTION, Facts, ranking, rate, wilson

counts = st.integers(0, 3000)


@st.composite
def facts(draw):
    to_visit, off = draw(counts), draw(st.integers(0, 50))
    covered = draw(st.integers(0, to_visit))
    return Facts(
        households=to_visit + off,
        off_roster=off,
        covered=covered,
        met=draw(st.integers(0, covered)),
        issues_raised=draw(counts),
        issues_solved=draw(counts),
        issues_explained=draw(counts),
        issues_not_accepted=draw(counts),
        overdue=draw(counts),
    )


def coverage(covered, to_visit):
    return Facts(households=to_visit, covered=covered)


def test_rates_of_a_unit_follow_their_formulas():
    unit = Facts(
        households=100,
        off_roster=10,
        covered=60,
        met=45,
        issues_raised=20,
        issues_solved=6,
        issues_explained=2,
        issues_not_accepted=1,
        issues_otherwise=3,
        overdue=1,
        not_due=7,
    )
    found = {i.key: (i.numerator(unit), i.denominator(unit)) for i in RANKED.values()}
    assert found == {"coverage": (60, 90), "met": (45, 60), "solution": (6, 10)}
    assert {key: rate(*pair) for key, pair in found.items()} == {
        "coverage": Decimal("66.67"),
        "met": Decimal("75.00"),
        "solution": Decimal("60.00"),
    }
    assert unit.unvisited == 30


@pytest.mark.parametrize(
    ("numerator", "denominator", "percent"),
    [(0, 0, None), (0, 7, "0.00"), (7, 7, "100.00"), (1, 3, "33.33"), (2, 3, "66.67"), (1, 800, "0.13")],
)
def test_rate_has_two_decimals_rounded_half_up_and_none_without_a_denominator(numerator, denominator, percent):
    assert rate(numerator, denominator) == (None if percent is None else Decimal(percent))


@pytest.mark.parametrize("pair", [(-1, 2), (1, -2)])
def test_rate_refuses_negative_counts(pair):
    with pytest.raises(ValueError, match="negative"):
        rate(*pair)


def test_wilson_interval_of_known_cases():
    low, high = wilson(180, 200)
    assert (round(low, 1), round(high, 1)) == (85.1, 93.4)
    assert wilson(0, 0) is None
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 100.0


@given(st.integers(1, 10_000).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d))))
def test_wilson_interval_holds_the_rate_and_narrows_with_more_cases(pair):
    numerator, denominator = pair
    low, high = wilson(numerator, denominator)
    assert 0 <= low <= 100 * numerator / denominator <= high <= 100
    more_low, more_high = wilson(4 * numerator, 4 * denominator)
    assert more_high - more_low < high - low


def test_wilson_interval_refuses_more_hits_than_cases():
    with pytest.raises(ValueError, match="numerator"):
        wilson(3, 2)


def test_ranking_gives_equal_values_one_rank_and_skips_the_next():
    units = [("a", coverage(50, 100)), ("b", coverage(90, 100)), ("c", coverage(45, 50)), ("d", coverage(1, 100))]
    assert [(p.key, p.rank) for p in ranking(units, COVERAGE)] == [("b", 1), ("c", 1), ("a", 3), ("d", 4)]


def test_ranking_ties_values_that_differ_only_past_two_decimals():
    units = [("first", coverage(33_333, 100_000)), ("second", coverage(10, 30)), ("third", coverage(33_340, 100_000))]
    assert [(p.key, p.rank) for p in ranking(units, COVERAGE)] == [("third", 1), ("first", 2), ("second", 2)]


def test_ranking_shows_but_does_not_rank_few_cases_and_none():
    units = [("none", Facts()), ("few", coverage(9, 9)), ("b", coverage(1, 10)), ("a", coverage(2, 10))]
    places = ranking(units, COVERAGE)
    assert [(p.key, p.value, p.rank) for p in places] == [
        ("a", Decimal("20.00"), 1),
        ("b", Decimal("10.00"), 2),
        ("few", Decimal("100.00"), None),
        ("none", None, None),
    ]
    assert ranking(units, COVERAGE, min_denominator=9)[0].key == "few"


@given(st.lists(facts(), max_size=30))
def test_ranking_places_every_unit_once_by_the_number_of_better_ones(units):
    for indicator in (COVERAGE, MET, SOLUTION):
        places = ranking(list(enumerate(units)), indicator)
        assert sorted(p.key for p in places) == list(range(len(units)))
        ranked = [p for p in places if p.rank is not None]
        assert places[: len(ranked)] == ranked
        assert all(p.denominator >= 10 for p in ranked)
        for place in ranked:
            assert place.rank == 1 + sum(other.value > place.value for other in ranked)
        # inside a tie, and among the unranked, the official order
        for before, after in itertools.pairwise(ranked):
            assert before.rank < after.rank or before.key < after.key
        few = [p.key for p in places[len(ranked) :] if p.value is not None]
        assert few == sorted(few)


@given(st.permutations(range(8)))
def test_ranking_of_distinct_values_does_not_depend_on_the_order_given(order):
    units = [(n, coverage(10 * n, 100)) for n in order]
    assert [p.key for p in ranking(units, COVERAGE)] == list(range(7, -1, -1))


@given(st.lists(facts(), min_size=1, max_size=10))
def test_facts_of_units_add_up(units):
    total = sum(units, Facts())
    assert total.covered == sum(unit.covered for unit in units)
    assert total - units[0] == sum(units[1:], Facts())
    assert SOLUTION.denominator(total) == sum(SOLUTION.denominator(unit) for unit in units)
