"""A scheme in words, as the printed 考核办法 says it: every line, item and rule in sentences anyone can check."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.indicators import INDICATORS
from reports.schemes import (
    BONUS,
    COUNT,
    FULL,
    POINTS,
    STARTED,
    UP,
    Item,
    Line,
    Linear,
    PerCase,
    PerPoint,
    SchemeContent,
    Steps,
    text_of,
)


def measure_words(line: Line) -> str:
    """Say what a line's value is taken of: the indicator's own definition, or that it is entered."""
    indicator = INDICATORS.get(line.indicator)
    if indicator is not None:
        return f"{indicator.name} = {indicator.formula}"
    if line.measure == POINTS:
        return _("Points given by those who checked, entered with their source and approved by another person.")
    if line.measure == COUNT:
        return _("Cases found, entered with their source and approved by another person.")
    return _("Rate of what was checked, entered with its source and approved by another person.")


def rule_words(line: Line) -> list[str]:
    """Say how marks come about from the value, limits included."""
    words = {"weight": text_of(line.weight)}
    up, unit = line.direction == UP, "" if line.measure != "rate" else " %"
    said: list[str] = []
    match line.rule:
        case Linear(zero=zero, full=full):
            words |= {"zero": text_of(zero) + unit, "full": text_of(full) + unit}
            said.append(
                _("Full marks (%(weight)s) from %(full)s on, none up to %(zero)s, in between in proportion.") % words
                if up
                else _("Full marks (%(weight)s) up to %(full)s, none from %(zero)s on, in between in proportion.")
                % words
            )
        case Steps(steps=steps):
            pattern = _("from %(at)s on %(marks)s marks") if up else _("up to %(at)s %(marks)s marks")
            parts = [pattern % {"at": text_of(at) + unit, "marks": text_of(marks)} for at, marks in steps]
            said.append(_("By steps: %(steps)s; else none.") % {"steps": _("; ").join(parts)})
        case PerPoint():
            said += _per_point_words(line, line.rule, unit)
        case PerCase(each=each, unfixed=unfixed, factor=factor):
            said.append(_("Each case takes %(each)s marks off.") % {"each": text_of(each)})
            if unfixed:
                words |= {"factor": text_of(factor)}
                said.append(_("A case not put right at the re-check counts %(factor)s times.") % words)
    if line.floor:
        said.append(_("Never fewer than %(marks)s marks.") % {"marks": text_of(line.floor)})
    if line.cap is not None:
        said.append(_("Never more than %(marks)s marks.") % {"marks": text_of(line.cap)})
    if line.most_off is not None:
        said.append(_("Off the total, %(marks)s marks at most.") % {"marks": text_of(line.most_off)})
    if line.min_denominator > 1:
        said.append(
            _("Below %(least)s cases not counted; the marks are shared out among the other lines.")
            % {"least": line.min_denominator}
            if line.weight
            else _("Below %(least)s cases not counted.") % {"least": line.min_denominator}
        )
    return said


def _per_point_words(line: Line, rule: PerPoint, unit: str) -> list[str]:
    up = line.direction == UP
    pattern = (
        _("below %(floor)s, %(each)s marks off a point") if up else _("above %(floor)s, %(each)s marks off a point")
    )
    parts = [pattern % {"floor": text_of(floor) + unit, "each": text_of(each)} for floor, each in rule.floors]
    said = [_("%(stretches)s.") % {"stretches": _("; ").join(parts)}]
    if len(rule.floors) > 1:
        said.append(
            _("All points below the first floor cost what the lowest floor passed says.")
            if rule.whole
            else _("Each stretch costs its own price.")
        )
    if rule.counting == FULL:
        said.append(_("Only full points count."))
    elif rule.counting == STARTED:
        said.append(_("A point begun counts as one."))
    return said


def item_words(item: Item) -> list[str]:
    """Say what an item gives or takes, and its limits."""
    said = []
    if item.each is not None:
        said.append(_("%(marks)s marks a case") % {"marks": text_of(item.each)})
    if item.most_each is not None:
        said.append(_("at most %(marks)s a case") % {"marks": text_of(item.most_each)})
    if item.cap is not None:
        said.append(_("at most %(marks)s together") % {"marks": text_of(item.cap)})
    if item.unfixed_factor != 1:
        words = {"factor": text_of(item.unfixed_factor)}
        said.append(_("%(factor)s times where not put right at the re-check") % words)
    if item.evidence:
        said.append(_("with evidence"))
    return said


def general_words(content: SchemeContent, unit_names: Mapping[str, str]) -> list[str]:
    """Say the rules that hold for the whole: what is missing, rounding, ranks, difficulty, lists, cards."""
    said = [
        _(
            "Marks of a line that is not counted are shared out among the other lines in proportion to theirs; they "
            "are never given in full nor taken away."
        ),
        _("Values, lines and totals are rounded half up to 2 decimals; the total is the sum of the lines as shown."),
        _("Totals equal to 2 decimals share a rank and the next is skipped; inside a tie stands the official order."),
    ]
    if content.least_counted:
        words = {"share": text_of(content.least_counted)}
        said.append(_("A unit of whose marks less than %(share)s %% can be counted is shown, not ranked.") % words)
    if content.difficulty:
        named = _("; ").join(f"{unit_names.get(code, code)} {text_of(value)}" for code, value in content.difficulty)
        said.append(
            _("What the lines give is multiplied by the unit's difficulty coefficient: %(units)s; 1 for all others.")
            % {"units": named}
        )
    if content.bonus_cap is not None:
        said.append(_("Bonus marks: at most %(cap)s together.") % {"cap": text_of(content.bonus_cap)})
    if content.deduction_cap is not None:
        said.append(_("Deductions: at most %(cap)s together.") % {"cap": text_of(content.deduction_cap)})
    if content.items:
        said.append(_("Bonus marks and deductions are proposed by one person and approved by another."))
        said.append(_("A total is never below 0."))
    if content.lists is not None:
        words = {"red": text_of(content.lists.red), "black": text_of(content.lists.black)}
        said.append(_("Red list from %(red)s marks on, black list below %(black)s.") % words)
        line = next((line for line in content.lines if line.key == content.lists.needs), None)
        if line is not None:
            said.append(_("A unit for which “%(line)s” is not counted stands on neither list.") % {"line": line.label})
    if content.yellow is not None:
        words = {"below": text_of(content.yellow.below)}
        said.append(
            ngettext(
                "A yellow card follows %(months)s period below %(below)s marks.",
                "A yellow card follows %(months)s periods running below %(below)s marks.",
                content.yellow.months,
            )
            % {**words, "months": content.yellow.months}
        )
    return said


def kind_words(item: Item) -> str:
    """Say whether it is a bonus or a deduction."""
    return _("bonus") if item.kind == BONUS else _("deduction")
