"""What holds of every score, whatever the scheme and the figures: found by hypothesis, not by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.schemes import (
    COUNT,
    DOWN,
    EXACT,
    FULL,
    POINTS,
    RATE,
    STARTED,
    UP,
    Group,
    Item,
    Line,
    Linear,
    Part,
    PerCase,
    PerPoint,
    SchemeContent,
    Steps,
    canonical,
)
from reports.scoring import Adjustment, Reading, Scoreboard, UnitReadings, score

D = Decimal
settings.register_profile("scores", deadline=None, max_examples=60)
settings.load_profile("scores")


def decimals(low: int, high: int, places: int = 2) -> st.SearchStrategy[Decimal]:
    return st.integers(low * 10**places, high * 10**places).map(lambda number: D(number) / 10**places)


@st.composite
def rules(draw, weight: Decimal, direction: str):
    up = direction == UP
    kind = draw(st.sampled_from(["linear", "steps", "per_point"]))
    ats = sorted(draw(st.lists(decimals(0, 100), min_size=2, max_size=4, unique=True)), reverse=up)
    if kind == "linear":
        return Linear(zero=ats[-1], full=ats[0])
    if kind == "steps":
        marks = sorted(draw(st.lists(st.integers(0, int(weight)), min_size=len(ats), max_size=len(ats))), reverse=True)
        return Steps(tuple(zip(ats, map(D, marks), strict=True)))
    each = sorted(draw(st.lists(decimals(0, 2), min_size=len(ats), max_size=len(ats))))
    floors = tuple(zip(ats, each, strict=True))
    return PerPoint(floors, draw(st.sampled_from([EXACT, FULL, STARTED])), draw(st.booleans()))


@st.composite
def lines(draw, part: str, prefix: str):
    cuts = sorted(draw(st.lists(st.integers(1, 99), max_size=3, unique=True)))
    result = []
    for index, (low, high) in enumerate(zip([0, *cuts], [*cuts, 100], strict=True)):
        weight, direction = D(high - low), draw(st.sampled_from([UP, DOWN]))
        floor = draw(st.sampled_from([D(0), weight / 4]))
        key = f"{prefix}{index}"
        line = Line(key, key, key, weight, Linear(D(0), D(1)), direction=direction, part=part, floor=floor)
        if direction == DOWN and draw(st.booleans()):
            line = replace(line, rule=PerCase(draw(decimals(0, 3)), unfixed="again"), measure=COUNT, min_denominator=0)
        else:
            line = replace(line, rule=draw(rules(weight, direction)), measure=draw(st.sampled_from([RATE, POINTS])))
        result.append(line)
    return result


@st.composite
def schemes(draw):
    parts = draw(st.sampled_from([(), (Part("x", "甲", D(70)), Part("y", "乙", D(30)))]))
    all_lines = [
        line for part in (parts or [None]) for line in draw(lines(part.key if part else "", part.key if part else "l"))
    ]
    items = (Item("plus", "加", "bonus", cap=draw(st.sampled_from([None, D(3)]))), Item("minus", "减", "deduction"))
    content = SchemeContent(
        groups=(Group("towns", "镇", "township"),),
        lines=tuple(all_lines),
        parts=parts,
        items=items,
        bonus_cap=D(5),
    )
    assert content.problems() == []
    return content


@st.composite
def readings(draw):
    cases = draw(st.integers(0, 400))
    hits = draw(st.integers(0, cases))
    value = (100 * D(hits) / D(cases)).quantize(D("0.01"), ROUND_HALF_UP) if cases else None
    return Reading(hits, cases, value)


@st.composite
def districts(draw):
    content = draw(schemes())
    units = []
    for index in range(draw(st.integers(1, 5))):
        found = {line.indicator: draw(readings()) for line in content.lines if draw(st.integers(0, 4))}
        points = draw(st.lists(decimals(0, 9), max_size=3))
        units.append(
            UnitReadings(
                f"43990010{index}",
                f"镇{index}",
                draw(st.integers(0, 3)),
                "towns",
                found | {"again": Reading(draw(st.integers(0, 9)), 1, None)},
                tuple(Adjustment(draw(st.sampled_from(["plus", "minus"])), p, "", n) for n, p in enumerate(points)),
                draw(st.sampled_from([D(1), D("1.1")])),
            )
        )
    return content, units


@given(districts(), st.randoms(use_true_random=False))
def test_the_order_of_units_and_of_lines_changes_nothing(district, random):
    content, units = district
    shuffled_units, shuffled_lines = list(units), list(content.lines)
    random.shuffle(shuffled_units)
    random.shuffle(shuffled_lines)
    board = score(content, units)
    assert canonical(score(content, shuffled_units).to_json()) == canonical(board.to_json())
    other = score(replace(content, lines=tuple(shuffled_lines)), shuffled_units)
    for before, after in zip(board.groups[0].units, other.groups[0].units, strict=True):
        assert replace(before, lines=()) == replace(after, lines=())
        assert {line.key: line for line in before.lines} == {line.key: line for line in after.lines}


@given(districts())
def test_marks_stay_within_their_weight_and_totals_within_the_caps(district):
    content, units = district
    for unit in score(content, units).groups[0].units:
        for line in unit.lines:
            if line.kind == "line" and line.marks is not None:
                assert 0 <= line.marks <= line.effective_weight
        if unit.total is not None:
            assert 0 <= unit.total <= 100 * content.most_difficulty + content.bonus_cap
            assert unit.total == sum((line.marks for line in unit.lines if line.marks is not None), D(0))
            assert unit.total == unit.total.quantize(D("0.01"))


@given(districts())
def test_sharing_out_keeps_the_full_marks(district):
    content, units = district
    for unit in score(content, units).groups[0].units:
        own = [line for line in unit.lines if line.kind == "line"]
        assert sum(line.weight for line in own) == 100
        assert sum(line.effective_weight for line in own) == (100 if any(line.marks is not None for line in own) else 0)
        assert all(line.effective_weight == 0 for line in own if line.marks is None)


@given(districts(), st.data())
def test_a_better_figure_never_costs_marks(district, data):
    content, units = district
    unit = units[0]
    line = data.draw(st.sampled_from(content.lines))
    low, high = sorted((data.draw(st.integers(0, 200)), data.draw(st.integers(0, 200))))
    values = [D(number) if line.measure == COUNT else D(number) / 2 for number in (low, high)]
    if line.direction == DOWN:
        values.reverse()
    worse, better = (
        score(content, [replace(unit, readings={**unit.readings, line.indicator: Reading(value, 200, value)})])
        .groups[0]
        .units[0]
        for value in values
    )
    if line.measure != COUNT or "again" not in getattr(line.rule, "unfixed", ""):
        assert worse.total <= better.total
    assert worse.line(line.key).marks <= better.line(line.key).marks


@given(districts())
def test_ranks_follow_totals_and_bands_follow_ranks(district):
    content, units = district
    placed = [unit for unit in score(content, units).groups[0].units if unit.rank is not None]
    for position, unit in enumerate(placed):
        above = [other for other in placed if other.total > unit.total]
        assert unit.rank == len(above) + 1
        assert unit.rank_from <= unit.rank and position + 1 <= unit.rank_to
        assert all(other.band <= unit.band for other in above)
        ties = [other.order for other in placed if other.total == unit.total]
        assert ties == sorted(ties)


@given(districts())
def test_json_comes_back_as_it_went(district):
    content, units = district
    board = score(content, units)
    text = canonical(board.to_json())
    assert Scoreboard.from_json(json.loads(text)) == board
    assert canonical(Scoreboard.from_json(json.loads(text)).to_json()) == text
    assert SchemeContent.from_json(json.loads(canonical(content.to_json()))) == content
    assert [UnitReadings.from_json(json.loads(canonical(unit.to_json()))) for unit in units] == units


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(schemes(), st.data())
def test_a_scheme_with_anything_broken_in_it_is_refused_with_a_place_and_never_falls_over(content, data):
    from reports.schemes import SchemeError

    broken = content.to_json()
    target = broken
    while True:
        keys = sorted(target) if isinstance(target, dict) else list(range(len(target)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(target[key], dict | list) and data.draw(st.booleans()):
            target = target[key]
            continue
        target[key] = data.draw(JSON)
        break
    try:
        read = SchemeContent.from_json(broken)
    except SchemeError as error:
        assert error.problems and all(isinstance(path, str) and str(message) for path, message in error.problems)
    else:
        assert read.problems() == []
        score(read, [UnitReadings("439900101", "镇", 1, "towns", {"l0": Reading(5, 20, D(25))})])
