"""Samples: replayable, with the probabilities they claim."""

from __future__ import annotations

from collections import Counter
from datetime import date
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys import sampling
from surveys.sampling import Entry, SamplingError

# three townships of very different size, villages of 5 … 60 households
FRAME = [
    Entry(f"{township}-{village}-{house}", stratum=township, cluster=f"{township}-{village}")
    for township, villages in (("east", (5, 20, 60)), ("west", (10, 12)), ("north", (8,)))
    for village, size in enumerate(villages)
    for house in range(size)
]
DRAWINGS = {
    "simple": lambda seed: sampling.simple(FRAME, 20, seed),
    "stratified": lambda seed: sampling.stratified(FRAME, 20, seed),
    "equal": lambda seed: sampling.stratified(FRAME, 18, seed, equal=True),
    "clusters": lambda seed: sampling.clusters(FRAME, 3, 4, seed),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_same_seed_draws_the_same_sample_from_the_frame_in_any_order(name, monkeypatch):
    once = DRAWINGS[name]("2026-上半年")
    assert DRAWINGS[name]("2026-上半年") == once
    assert DRAWINGS[name]("2026-下半年") != once
    monkeypatch.setattr("tests.surveys.test_sampling.FRAME", FRAME[::-1])
    assert {drawn.entry for drawn in DRAWINGS[name]("2026-上半年")} == {drawn.entry for drawn in once}


def test_a_sample_can_be_replayed_without_this_program():
    """What a citizen would do: sha256 of seed, unit separator, key; first 8 bytes; sort."""
    import hashlib

    order = sorted(entry.key for entry in FRAME)
    order.sort(key=lambda key: hashlib.sha256(f"s\x1f{key}".encode()).digest()[:8])
    assert [drawn.entry.key for drawn in sampling.simple(FRAME, 10, "s")] == order[:10]


@pytest.mark.parametrize("name", DRAWINGS)
def test_everybody_is_drawn_as_often_as_the_probability_says(name):
    runs = 2000
    times: Counter[str] = Counter()
    claimed: dict[str, float] = {}
    weights = 0.0
    for seed in range(runs):
        drawn = DRAWINGS[name](str(seed))
        assert len({one.entry.key for one in drawn}) == len(drawn)
        weights += sum(one.weight for one in drawn)
        for one in drawn:
            times[one.entry.key] += 1
            claimed[one.entry.key] = one.probability
    assert set(claimed) == {entry.key for entry in FRAME}
    for key, probability in claimed.items():
        error = sqrt(runs * probability * (1 - probability))
        assert abs(times[key] - runs * probability) < 5 * error + 1e-9, key
    assert weights / runs == pytest.approx(len(FRAME), rel=0.02)  # the weights estimate the frame without bias


def test_a_village_larger_than_the_step_is_certain_and_the_rest_weigh_alike():
    probabilities = {drawn.entry.cluster: drawn.probability for drawn in sampling.clusters(FRAME, 3, 4, "x")}
    assert probabilities["east-2"] == pytest.approx(4 / 60)
    others = {round(value, 9) for name, value in probabilities.items() if name != "east-2"}
    assert others == {round(2 * 4 / 55, 9)}


def test_strata_share_the_sample_by_size_or_alike_with_two_at_least():
    by_size = Counter(drawn.entry.stratum for drawn in sampling.stratified(FRAME, 23, "x"))
    assert by_size == {"east": 17, "west": 4, "north": 2}
    alike = Counter(drawn.entry.stratum for drawn in sampling.stratified(FRAME, 18, "x", equal=True))
    assert alike == {"east": 6, "west": 6, "north": 6}
    full = Counter(drawn.entry.stratum for drawn in sampling.stratified(FRAME, 60, "x", equal=True))
    assert full == {"east": 30, "west": 22, "north": 8}  # no stratum gives more than it has


shares = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 500), min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(shares, st.integers(0, 600))
def test_counts_of_strata_add_up_and_keep_their_bounds(sizes, extra):
    size = sum(min(2, count) for count in sizes.values()) + extra
    if size > sum(sizes.values()):
        with pytest.raises(SamplingError):
            sampling.allocate(size, sizes, sizes, 2)
        return
    counts = sampling.allocate(size, sizes, sizes, 2)
    assert sum(counts.values()) == size
    total = sum(sizes.values())
    for name, count in counts.items():
        assert min(2, sizes[name]) <= count <= sizes[name]
        # nobody above the floor is more than one and a bit over the exact share
        assert count <= max(2, size * sizes[name] / total + 1)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: sampling.simple(FRAME, 0, "x"),
        lambda: sampling.simple(FRAME, len(FRAME) + 1, "x"),
        lambda: sampling.simple([*FRAME, FRAME[0]], 5, "x"),
        lambda: sampling.stratified(FRAME, 3, "x"),
        lambda: sampling.clusters(FRAME, 7, 4, "x"),
        lambda: sampling.clusters(FRAME, 2, 0, "x"),
        lambda: sampling.clusters([], 1, 1, "x"),
    ],
)
def test_what_the_frame_does_not_carry_is_refused(draw):
    with pytest.raises(SamplingError):
        draw()


def test_the_frame_has_one_digest_whatever_its_order():
    assert sampling.frame_digest(FRAME) == sampling.frame_digest(FRAME[::-1])
    assert sampling.frame_digest(FRAME) != sampling.frame_digest(FRAME[1:])


def test_the_next_birthday_chooses_the_respondent():
    today = date(2026, 11, 24)
    people = [("a", date(1950, 11, 23)), ("b", date(1980, 12, 1)), ("c", date(2000, 1, 5)), ("d", None)]
    assert sampling.next_birthday(people, today) == "b"
    assert sampling.next_birthday(people, date(2026, 12, 2)) == "c"
    assert sampling.next_birthday(people, date(2026, 11, 23)) == "a"
    assert sampling.next_birthday([("d", None)], today) is None
    leap = [("leap", date(2000, 2, 29)), ("april", date(1990, 4, 1))]
    assert sampling.next_birthday(leap, date(2027, 2, 27)) == "leap"
    assert sampling.next_birthday(leap, date(2028, 2, 29)) == "leap"
