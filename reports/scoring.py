"""Scores: readings and a scheme in, a scoreboard out. Pure, in Decimal, with the arithmetic of every line in words.

Marks are taken of values as they are shown (2 decimals), each line is rounded half up to 2 decimals and the total is
the sum of what is shown: whoever has the sheet of paper and a calculator comes to the same score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext_noop

from reports import marks
from reports.marks import HUNDREDTH, ZERO, rounded, shown
from reports.schemes import BONUS, DEDUCTION, Item, Line, SchemeContent, SchemeError, canonical, text_of
from reports.scoreboard import (
    APPEAL_PREFIX,
    BONUS_CAP_LINE,
    DEDUCTION_CAP_LINE,
    DIFFICULTY_LINE,
    ITEM_PREFIX,
    LIMIT_LINE,
    Adjustment,
    GroupScore,
    LineScore,
    Reading,
    Scoreboard,
    Step,
    UnitReadings,
    UnitScore,
)

__all__ = [
    "ENGINE",
    "ENGINES",
    "Adjustment",
    "GroupScore",
    "LineScore",
    "Reading",
    "SchemeContent",
    "SchemeError",
    "Scoreboard",
    "Step",
    "UnitReadings",
    "UnitScore",
    "canonical",
    "score",
    "yellow_cards",
]


@dataclass(frozen=True, slots=True)
class _Scored:
    """A unit's score before it is ranked. `below`, `above`: squares of how far the total may lie from the truth."""

    unit: UnitReadings
    score: UnitScore
    ranked: bool
    below: Decimal
    above: Decimal


def score(scheme: SchemeContent, units: Sequence[UnitReadings]) -> Scoreboard:
    """Return the rankings of `units` under `scheme`; units of groups the scheme does not have are left out.

    The order of `units` and of the scheme's lines changes no number: ties stand in the units' official order.
    """
    groups = []
    for group in scheme.groups:
        inside: dict[str, list[UnitReadings]] = {}
        for unit in sorted(units, key=lambda unit: (unit.order, unit.code)):
            if unit.group == group.key:
                inside.setdefault(unit.within if group.within_township else "", []).append(unit)
        for within, members in inside.items():
            name = f"{group.name} · {members[0].within_name}" if within else group.name
            key = f"{group.key}:{within}" if within else group.key
            groups.append(GroupScore(key, name, _ranked(scheme, [_score_unit(scheme, unit) for unit in members])))
    return Scoreboard(tuple(groups))


def yellow_cards(scheme: SchemeContent, boards: Sequence[Scoreboard]) -> dict[str, int]:
    """Return the units that get a yellow card → low periods running, by the boards of consecutive periods, the newest
    last. A period without a total breaks the run."""
    if scheme.yellow is None or not boards:
        return {}
    cards = {}
    for unit in (unit for group in boards[-1].groups for unit in group.units):
        running = 0
        for board in reversed(boards):
            then = board.unit(unit.code)
            if then is None or then.total is None or then.total >= scheme.yellow.below:
                break
            running += 1
        if running >= scheme.yellow.months:
            cards[unit.code] = running
    return cards


# ---- one unit


def _score_unit(scheme: SchemeContent, unit: UnitReadings) -> _Scored:
    lines = scheme.lines_of(unit.group)
    weighted = [line for line in lines if line.weight]
    found = {line.key: marks.marks_of(line, unit.readings) for line in lines}
    counted = [line for line in weighted if found[line.key].marks is not None]
    nominal, effective = _weights(scheme, weighted), _weights(scheme, counted)
    scores, below, above = [], ZERO, ZERO
    for line in weighted:
        full, now = nominal[line.key], effective.get(line.key, ZERO)
        scores.append(_line_score(scheme, line, unit, found[line.key], full, now))
        down, up = _spread(line, unit, found[line.key].marks, now)
        below, above = below + down * down, above + up * up
    base = sum((each.marks for each in scores if each.marks is not None), ZERO)
    difficulty = min(max(unit.difficulty, Decimal(1)), scheme.most_difficulty)
    extra = [
        *_difficulty_line(base, difficulty),
        *(_off_line(line, unit, found[line.key]) for line in lines if not line.weight),
        *_item_lines(scheme, unit, BONUS, scheme.bonus_cap, BONUS_CAP_LINE),
        *_item_lines(scheme, unit, DEDUCTION, scheme.deduction_cap, DEDUCTION_CAP_LINE),
        *_appeal_lines(scheme, unit),
    ]
    total: Decimal | None = None
    if counted:
        total = base + sum((each.marks for each in extra if each.marks is not None), ZERO)
        if total < 0:
            step = Step(gettext_noop("A total is never below 0."))
            extra.append(_extra(LIMIT_LINE, gettext_noop("Lowest total"), "limit", -total, (step,)))
            total = ZERO
        total = total.quantize(HUNDREDTH)
    share = sum((nominal[line.key] for line in counted), ZERO) * 100
    ranked = total is not None and share >= scheme.least_counted * scheme.full
    result = UnitScore(
        code=unit.code,
        name=unit.name,
        order=unit.order,
        total=total,
        rank=None,
        band=0,
        rank_from=None,
        rank_to=None,
        mark=_mark(scheme, total, scores) if ranked else "",
        lines=(*scores, *extra),
    )
    return _Scored(unit, result, ranked, below * difficulty**2, above * difficulty**2)


def _weights(scheme: SchemeContent, lines: Iterable[Line]) -> dict[str, Decimal]:
    """Return what each of `lines` weighs in the total when these are counted: line key → marks, 2 decimals.

    What is missing is shared out in proportion inside the part, a part without lines among the other parts. The sum is
    always the full marks: what rounding leaves goes to the largest remainders, by key where they are equal.
    """
    lines = list(lines)
    part_weight = {part.key: part.weight for part in scheme.parts} or {"": Decimal(100)}
    in_part: dict[str, Decimal] = {}
    for line in lines:
        in_part[line.part] = in_part.get(line.part, ZERO) + line.weight
    all_parts = sum((part_weight[part] for part in in_part), ZERO)
    cents = {
        line.key: Fraction(line.weight)
        / Fraction(in_part[line.part])
        * Fraction(part_weight[line.part])
        / Fraction(all_parts)
        * Fraction(scheme.full)
        * 100
        for line in lines
    }
    whole = {key: int(exact) for key, exact in cents.items()}
    left = int(scheme.full * 100) - sum(whole.values()) if lines else 0
    for key in sorted(cents, key=lambda key: (whole[key] - cents[key], key))[:left]:
        whole[key] += 1
    return {key: Decimal(number) / 100 for key, number in whole.items()}


def _line_score(
    scheme: SchemeContent, line: Line, unit: UnitReadings, found: marks.Marks, full: Decimal, now: Decimal
) -> LineScore:
    steps = list(found.steps)
    scaled: Decimal | None = None
    if found.marks is None:
        steps.append(
            Step(gettext_noop("Its %(weight)s marks are shared out among the other lines."), {"weight": text_of(full)})
        )
    else:
        scaled = rounded(found.marks * now / line.weight)
        if now != line.weight:
            steps += _scaling_steps(scheme, line, found.marks, full, now, scaled)
    return LineScore(
        key=line.key,
        label=line.label,
        kind="line",
        weight=full,
        effective_weight=now,
        reading=unit.readings.get(line.indicator),
        interval=marks.interval(line, unit.readings.get(line.indicator)),
        marks=scaled,
        steps=tuple(steps),
    )


def _scaling_steps(
    scheme: SchemeContent, line: Line, exact: Decimal, full: Decimal, now: Decimal, scaled: Decimal
) -> Iterable[Step]:
    part = next((part for part in scheme.parts if part.key == line.part), None)
    if part is not None:
        words = {
            "part": part.name,
            "share": text_of(part.weight),
            "weight": text_of(line.weight),
            "full": text_of(full),
        }
        yield Step(
            gettext_noop("%(part)s makes %(share)s %% of the whole: %(weight)s marks of it are %(full)s in the total"),
            words,
        )
    if now != full:
        words = {"full": text_of(full), "now": text_of(now)}
        yield Step(gettext_noop("With what other lines left: %(now)s marks instead of %(full)s"), words)
    words = {"marks": shown(exact), "now": text_of(now), "weight": text_of(line.weight), "scaled": text_of(scaled)}
    yield Step(gettext_noop("%(marks)s × %(now)s ÷ %(weight)s = %(scaled)s"), words)


def _spread(line: Line, unit: UnitReadings, at_value: Decimal | None, now: Decimal) -> tuple[Decimal, Decimal]:
    """Return how many marks the line could lie lower and higher at the ends of its interval."""
    ends = marks.interval(line, unit.readings.get(line.indicator))
    if ends is None or at_value is None:
        return ZERO, ZERO
    there = [marks.at(line, end, unit.readings)[0] for end in ends]
    scale = now / line.weight
    return (at_value - min(at_value, *there)) * scale, (max(at_value, *there) - at_value) * scale


def _extra(key: str, label: str, kind: str, points: Decimal | None, steps: tuple[Step, ...]) -> LineScore:
    return LineScore(key, label, kind, ZERO, ZERO, None, None, points, steps)


def _difficulty_line(base: Decimal, difficulty: Decimal) -> Iterable[LineScore]:
    if difficulty == 1:
        return
    more = rounded(base * difficulty) - base
    words = {"base": text_of(base), "difficulty": text_of(difficulty), "result": text_of(base + more)}
    step = Step(gettext_noop("%(base)s × difficulty %(difficulty)s = %(result)s"), words)
    yield _extra(DIFFICULTY_LINE, gettext_noop("Difficulty coefficient"), "difficulty", more, (step,))


def _off_line(line: Line, unit: UnitReadings, found: marks.Marks) -> LineScore:
    off = None if found.marks is None else -rounded(found.marks)
    reading = unit.readings.get(line.indicator)
    return replace(
        _extra(line.key, line.label, "off", off, found.steps), reading=reading, interval=marks.interval(line, reading)
    )


def _item_lines(
    scheme: SchemeContent, unit: UnitReadings, kind: str, cap: Decimal | None, cap_key: str
) -> Iterable[LineScore]:
    sign, together = (1 if kind == BONUS else -1), ZERO
    for item in scheme.items_of(unit.group):
        entries = [entry for entry in unit.adjustments if entry.item == item.key]
        if item.kind != kind or not entries:
            continue
        points, steps = _item_points(item, entries)
        together += points
        yield _extra(ITEM_PREFIX + item.key, item.label, kind, sign * points, steps)
    if cap is not None and together > cap:
        words = {"together": text_of(together), "cap": text_of(cap)}
        if kind == BONUS:
            step, label = (
                Step(gettext_noop("Bonus marks %(together)s, at most %(cap)s together"), words),
                gettext_noop("Limit of bonuses"),
            )
        else:
            step = Step(gettext_noop("Deductions %(together)s, at most %(cap)s together"), words)
            label = gettext_noop("Limit of deductions")
        yield _extra(cap_key, label, "limit", sign * (cap - together), (step,))


def _appeal_lines(scheme: SchemeContent, unit: UnitReadings) -> Iterable[LineScore]:
    """What appeals against a line were granted: marks of their own, outside the limits of bonuses and deductions."""
    labels = {line.key: line.label for line in scheme.lines}
    labels |= {ITEM_PREFIX + item.key: item.label for item in scheme.items}
    granted = [entry for entry in unit.adjustments if entry.item.startswith(APPEAL_PREFIX)]
    for item in dict.fromkeys(entry.item for entry in granted):
        entries = [entry for entry in granted if entry.item == item]
        points = sum((entry.points for entry in entries), ZERO)
        words = [{"note": entry.note, "points": text_of(entry.points), "id": str(entry.id)} for entry in entries]
        steps = tuple(Step(gettext_noop("No. %(id)s: %(points)s — %(note)s"), each) for each in words)
        key = item.removeprefix(APPEAL_PREFIX)
        yield _extra(item, labels.get(key, key), "appeal", points, steps)


def _item_points(item: Item, entries: Iterable[Adjustment]) -> tuple[Decimal, tuple[Step, ...]]:
    points, steps = ZERO, []
    for entry in sorted(entries, key=lambda entry: entry.id):
        factor = item.unfixed_factor if entry.unfixed else Decimal(1)
        points += rounded(entry.points * factor)
        words = {"note": entry.note, "points": text_of(entry.points), "id": str(entry.id)}
        if factor == 1:
            steps.append(Step(gettext_noop("No. %(id)s: %(points)s — %(note)s"), words))
        else:
            words |= {"factor": text_of(factor), "result": text_of(rounded(entry.points * factor))}
            msgid = gettext_noop(
                "No. %(id)s: %(points)s × %(factor)s (not put right at the re-check) = %(result)s — %(note)s"
            )
            steps.append(Step(msgid, words))
    if item.cap is not None and points > item.cap:
        words = {"points": text_of(points), "cap": text_of(item.cap)}
        steps.append(Step(gettext_noop("Together %(points)s, at most %(cap)s of this item"), words))
        points = item.cap
    return points, tuple(steps)


def _mark(scheme: SchemeContent, total: Decimal | None, lines: Iterable[LineScore]) -> str:
    if scheme.lists is None or total is None:
        return ""
    if any(line.key == scheme.lists.needs and (line.marks is None) for line in lines):
        return ""
    return "red" if total >= scheme.lists.red else "black" if total < scheme.lists.black else ""


# ---- the units of one ranking


def _ranked(scheme: SchemeContent, scored: Sequence[_Scored]) -> tuple[UnitScore, ...]:
    """Return the units by rank, then those not ranked in official order; `scored` stands in official order."""
    placed = sorted((each for each in scored if each.ranked), key=lambda each: -_total(each))
    apart_above = {each.unit.code: 0 for each in placed}  # how many surely stand above
    apart_below = dict(apart_above)
    first = list(range(len(placed)))  # the highest place that this one, or one below it, cannot be told from
    for low, lower in enumerate(placed):
        for high, higher in enumerate(placed[:low]):
            gap = _total(higher) - _total(lower)
            if gap * gap > higher.below + lower.above:
                apart_above[lower.unit.code] += 1
                apart_below[higher.unit.code] += 1
            else:
                first[low] = min(first[low], high)
    for place in range(len(placed) - 2, -1, -1):
        first[place] = min(first[place], first[place + 1])
    result, rank, band = [], 0, 0
    before: Decimal | None = None
    for place, each in enumerate(placed):
        if each.score.total != before:
            rank, before = place + 1, each.score.total
        if first[place] == place:
            band += 1
        code = each.unit.code
        result.append(
            replace(
                each.score,
                rank=rank,
                band=band,
                rank_from=apart_above[code] + 1,
                rank_to=len(placed) - apart_below[code],
            )
        )
    return (*result, *(each.score for each in scored if not each.ranked))


def _total(scored: _Scored) -> Decimal:
    assert scored.score.total is not None
    return scored.score.total


# The rules of arithmetic by number; a snapshot names those it was frozen with. Whoever changes what `score` gives for
# the same inputs gives it the next number here, and keeps the old function under its own as long as snapshots by it
# matter: without it they can be told from forged ones by their digest alone, not by scoring them again.
ENGINES: Mapping[int, Callable[[SchemeContent, Sequence[UnitReadings]], Scoreboard]] = {1: score}
ENGINE = 1  # by which new snapshots are scored
