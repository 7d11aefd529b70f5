"""The marks one line brings: the rule applied to the value as shown, each step of it in words.

Everything here is out of the line's own weight; scoring.py scales it to what the line weighs in the total.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from django.utils.translation import gettext_noop

from reports.schemes import COUNT, EXACT, FULL, POINTS, RATE, UP, Line, Linear, PerCase, PerPoint, Steps, text_of
from reports.scoreboard import Reading, Step

HUNDREDTH = Decimal("0.01")
ZERO = Decimal(0)
Z = Decimal("1.959964")  # the normal quantile of 95 %


@dataclass(frozen=True, slots=True)
class Marks:
    """`marks`: exact, 0 … the line's weight (a line without weight: 0 … what may be taken off); None: not counted."""

    marks: Decimal | None
    steps: tuple[Step, ...]


def rounded(number: Decimal) -> Decimal:
    """Return the number as it is shown: 2 decimals, half up."""
    return number.quantize(HUNDREDTH, ROUND_HALF_UP)


def shown(number: Decimal) -> str:
    """Return a number for the words of the arithmetic: rounded to 2 decimals, without trailing zeros."""
    return text_of(rounded(number))


def value_of(line: Line, reading: Reading | None) -> Decimal | None:
    """Return the value a line is judged by, or None where there is nothing to judge by."""
    if reading is None:
        return None
    if line.measure == COUNT:
        return Decimal(reading.numerator)
    return reading.value


def interval(line: Line, reading: Reading | None) -> tuple[Decimal, Decimal] | None:
    """Return the 95 % Wilson interval of a rate in percent, 2 decimals, never without the value itself; None for
    points and counts, and where there is no base."""
    if line.measure != RATE or reading is None or reading.value is None:
        return None
    hits, cases = Decimal(reading.numerator), Decimal(reading.denominator)
    if not 0 <= hits <= cases or not cases:
        return None
    share, square = hits / cases, Z * Z
    shrink = 1 + square / cases
    centre = (share + square / (2 * cases)) / shrink
    half = Z * (share * (1 - share) / cases + square / (4 * cases * cases)).sqrt() / shrink
    low, high = rounded(max(ZERO, 100 * (centre - half))), rounded(min(Decimal(100), 100 * (centre + half)))
    return min(low, reading.value), max(high, reading.value)


def marks_of(line: Line, readings: Mapping[str, Reading]) -> Marks:
    """Return what `line` brings by `readings` (indicator → reading), or that it is not counted, with the words."""
    reading = readings.get(line.indicator)
    value = value_of(line, reading)
    if reading is None or value is None:
        return Marks(None, (Step(gettext_noop("Not counted: there is nothing to judge by.")),))
    if Decimal(reading.denominator) < line.min_denominator:
        few = {"cases": shown(Decimal(reading.denominator)), "least": str(line.min_denominator)}
        return Marks(None, (_reading_step(line, reading, value), Step(FEW, few)))
    marks, steps = at(line, value, readings)
    return Marks(marks, (_reading_step(line, reading, value), *steps))


FEW = gettext_noop("Not counted: %(cases)s cases are fewer than the %(least)s that a judgement needs.")


def _reading_step(line: Line, reading: Reading, value: Decimal) -> Step:
    parts = {"numerator": shown(Decimal(reading.numerator)), "denominator": shown(Decimal(reading.denominator))}
    if line.measure == RATE:
        return Step(gettext_noop("%(numerator)s ÷ %(denominator)s = %(value)s %%"), {**parts, "value": shown(value)})
    if line.measure == POINTS:
        return Step(gettext_noop("Points given: %(value)s"), {"value": shown(value)})
    return Step(gettext_noop("Cases: %(value)s"), {"value": shown(value)})


def at(line: Line, value: Decimal, readings: Mapping[str, Reading]) -> tuple[Decimal, tuple[Step, ...]]:
    """Return the marks at a value (of the unit, or of an end of its interval) within floor and cap, with the words."""
    most = line.weight or line.most_off or ZERO
    match line.rule:
        case Linear():
            marks, steps = _linear(line, line.rule, value)
        case Steps():
            marks, steps = _steps(line, line.rule, value)
        case PerPoint():
            off, off_steps = _per_point(line, line.rule, value)
            marks, steps = _taken_off(line, off, most), off_steps
        case PerCase():
            off, off_steps = _per_case(line.rule, value, readings)
            marks, steps = _taken_off(line, off, most), off_steps
    if isinstance(line.rule, PerPoint | PerCase):
        steps = (*steps, _off_step(line, off, marks))
    least, cap = line.floor, line.weight if line.cap is None else line.cap
    if not line.weight:
        return marks, steps
    if marks < least:
        return least, (*steps, Step(gettext_noop("Never fewer than %(marks)s marks."), {"marks": shown(least)}))
    if marks > cap:
        return cap, (*steps, Step(gettext_noop("Never more than %(marks)s marks."), {"marks": shown(cap)}))
    return marks, steps


def _linear(line: Line, rule: Linear, value: Decimal) -> tuple[Decimal, tuple[Step, ...]]:
    up = line.direction == UP
    words = {"value": shown(value), "zero": shown(rule.zero), "full": shown(rule.full), "weight": shown(line.weight)}
    if (value >= rule.full) if up else (value <= rule.full):
        msgid = (
            gettext_noop("%(value)s reaches %(full)s: full marks, %(weight)s")
            if up
            else gettext_noop("%(value)s is not above %(full)s: full marks, %(weight)s")
        )
        return line.weight, (Step(msgid, words),)
    if (value <= rule.zero) if up else (value >= rule.zero):
        msgid = (
            gettext_noop("%(value)s is not above %(zero)s: no marks")
            if up
            else gettext_noop("%(value)s reaches %(zero)s: no marks")
        )
        return ZERO, (Step(msgid, words),)
    marks = line.weight * (value - rule.zero) / (rule.full - rule.zero)
    msgid = gettext_noop("(%(value)s − %(zero)s) ÷ (%(full)s − %(zero)s) × %(weight)s = %(marks)s")
    return marks, (Step(msgid, {**words, "marks": shown(marks)}),)


def _steps(line: Line, rule: Steps, value: Decimal) -> tuple[Decimal, tuple[Step, ...]]:
    up = line.direction == UP
    for reached, marks in rule.steps:
        if (value >= reached) if up else (value <= reached):
            words = {"value": shown(value), "at": shown(reached), "marks": shown(marks)}
            msgid = (
                gettext_noop("%(value)s reaches the step of %(at)s: %(marks)s marks")
                if up
                else gettext_noop("%(value)s keeps within the step of %(at)s: %(marks)s marks")
            )
            return marks, (Step(msgid, words),)
    return ZERO, (Step(gettext_noop("%(value)s reaches no step: no marks"), {"value": shown(value)}),)


def _per_point(line: Line, rule: PerPoint, value: Decimal) -> tuple[Decimal, tuple[Step, ...]]:
    """The marks off. Passed floors are counted from the first: by stretches, or all of it at the last one's price."""
    up = line.direction == UP
    passed = [(floor, each) for floor, each in rule.floors if ((value < floor) if up else (value > floor))]
    if not passed:
        words = {"value": shown(value), "floor": shown(rule.floors[0][0])}
        msgid = (
            gettext_noop("%(value)s is not below %(floor)s") if up else gettext_noop("%(value)s is not above %(floor)s")
        )
        return ZERO, (Step(msgid, words),)
    if rule.whole:
        passed = [(passed[0][0], passed[-1][1])]
    off, steps = ZERO, []
    for index, (floor, each) in enumerate(passed):
        end = passed[index + 1][0] if index + 1 < len(passed) else value
        points = _counted(abs(floor - end), rule.counting)
        off += points * each
        words = {"floor": shown(floor), "end": shown(end), "points": text_of(points), "each": text_of(each)}
        words["off"] = text_of(points * each)
        msgid = (
            gettext_noop("From %(floor)s down to %(end)s: %(points)s points × %(each)s = %(off)s off")
            if up
            else gettext_noop("From %(floor)s up to %(end)s: %(points)s points × %(each)s = %(off)s off")
        )
        steps.append(Step(msgid, words))
    return off, tuple(steps)


def _counted(points: Decimal, counting: str) -> Decimal:
    if counting == EXACT:
        return points
    return points.to_integral_value(ROUND_FLOOR if counting == FULL else ROUND_CEILING)


def _per_case(rule: PerCase, cases: Decimal, readings: Mapping[str, Reading]) -> tuple[Decimal, tuple[Step, ...]]:
    off = cases * rule.each
    words = {"cases": shown(cases), "each": text_of(rule.each), "off": text_of(off)}
    steps = [Step(gettext_noop("%(cases)s cases × %(each)s = %(off)s off"), words)]
    again = readings.get(rule.unfixed) if rule.unfixed else None
    if again is not None and again.numerator and rule.factor > 1:
        unfixed = min(Decimal(again.numerator), cases)
        more = unfixed * rule.each * (rule.factor - 1)
        off += more
        words = {
            "cases": shown(unfixed),
            "each": text_of(rule.each),
            "factor": text_of(rule.factor),
            "off": text_of(more),
        }
        msgid = gettext_noop(
            "Of these not put right at the re-check, counted %(factor)s times: %(cases)s × %(each)s × (%(factor)s − 1) "
            "= another %(off)s off"
        )
        steps.append(Step(msgid, words))
    return off, tuple(steps)


def _taken_off(line: Line, off: Decimal, most: Decimal) -> Decimal:
    return max(ZERO, line.weight - off) if line.weight else min(off, most)


def _off_step(line: Line, off: Decimal, marks: Decimal) -> Step:
    if line.weight:
        words = {"weight": shown(line.weight), "off": shown(off), "marks": shown(marks)}
        if off > line.weight:
            return Step(gettext_noop("%(weight)s − %(off)s: no marks are left"), words)
        return Step(gettext_noop("%(weight)s − %(off)s = %(marks)s"), words)
    if off > marks:
        return Step(gettext_noop("%(off)s off, at most %(marks)s"), {"off": shown(off), "marks": shown(marks)})
    return Step(gettext_noop("%(off)s off"), {"off": shown(off)})
