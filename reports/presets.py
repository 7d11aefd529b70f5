"""Schemes to begin with: those of the field, complete and ready to be changed. Their numbers are examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reports.schemes import (
    BONUS,
    COUNT,
    DEDUCTION,
    DEPARTMENT,
    DOWN,
    POINTS,
    TOWNSHIP,
    VILLAGE,
    Group,
    Item,
    Line,
    Linear,
    Lists,
    Part,
    PerCase,
    PerPoint,
    SchemeContent,
    Yellow,
)

D = Decimal
PERCENT = Linear(D(0), D(100))


@dataclass(frozen=True, slots=True)
class Preset:
    """A scheme to begin with. `build` takes the codes of the district's political and legal departments."""

    name: str | Promise
    about: str | Promise
    build: Callable[[Sequence[str]], SchemeContent]


def _line(key: str, label: str, weight: int, rule: Linear = PERCENT, **rest: object) -> Line:
    return Line(key, key, label, D(weight), rule, **rest)  # type: ignore[arg-type]


def _items() -> tuple[Item, ...]:
    return (
        Item("experience", _("Experience taken up by a higher level"), BONUS, D(1), D(2), D(3)),
        Item("praise", _("Praise by residents, with evidence"), BONUS, D("0.5"), D(1), D(2)),
        Item("false_record", _("Visits recorded that did not take place"), DEDUCTION, D(1), D(5), D(5), D(2)),
        Item("late_report", _("Reports handed in late or wrong"), DEDUCTION, D("0.2"), D(1), D(2)),
        Item("named", _("Named in a bulletin of a higher level"), DEDUCTION, D(1), D(3), D(5)),
    )


def _township_lines() -> tuple[Line, ...]:
    return (
        _line("coverage", _("Valid visits"), 20),
        _line("priority", _("Visits to priority households"), 10),
        _line("make_up", _("Make-up visits done"), 5),
        _line("spot_check", _("Visits that prove true"), 10),
        _line("place_solvable", _("Solved of what can be solved"), 15),
        _line("on_time", _("Ended in time"), 10),
        Line("solution", "solution", _("Share of problems solved"), D(10), PERCENT),
        _line("place_content", _("Residents content"), 10),
        _line("place_answers", _("Answers to residents"), 5),
        _line("place_look_back", _("Held up at the look-back"), 5),
    )


def township_scheme(_law: Sequence[str] = ()) -> SchemeContent:
    """Townships, 100 marks."""
    return SchemeContent(
        groups=(Group("townships", _("Townships"), TOWNSHIP),),
        lines=_township_lines(),
        items=_items(),
        bonus_cap=D(5),
    )


def village_scheme(_law: Sequence[str] = ()) -> SchemeContent:
    """Villages, ranked inside their township."""
    groups = (Group("villages", _("Villages and communities"), VILLAGE, within_township=True),)
    lines = (
        _line("coverage", _("Valid visits"), 35),
        _line("priority", _("Visits to priority households"), 20),
        _line("make_up", _("Make-up visits done"), 10),
        Line("solution", "solution", _("Share of problems solved"), D(20), PERCENT),
        _line("place_content", _("Residents content"), 15),
    )
    return SchemeContent(groups=groups, lines=lines, items=_items(), bonus_cap=D(5))


def department_scheme(law: Sequence[str] = ()) -> SchemeContent:
    """Departments; the political and legal ones, where there are any, ranked apart."""
    groups = [Group("departments", _("Departments of the district"), DEPARTMENT)]
    if law:
        groups.insert(0, Group("law", _("Political and legal units"), DEPARTMENT, tuple(law)))
    lines = (
        _line("link_tasks", _("Tasks at linked places done"), 20),
        _line("signed", _("Signed for in time"), 10),
        _line("returned_wrongly", _("Wrongly returned"), 8, Linear(D(20), D(0)), direction=DOWN),
        _line("helping", _("Help for other units"), 7),
        _line("solvable", _("Solved of what can be solved"), 15),
        _line("on_time", _("Ended in time"), 10),
        _line("held_solution", _("Share of problems solved"), 10),
        _line("content", _("Residents content"), 10),
        _line("answers", _("Answers to residents"), 5),
        _line("look_back", _("Held up at the look-back"), 5),
    )
    return SchemeContent(groups=tuple(groups), lines=lines, items=_items(), bonus_cap=D(5))


def three_rates(weights: tuple[int, int, int]) -> Callable[[Sequence[str]], SchemeContent]:
    """Contacted, solved, content, by valid call-backs: with these weights in percent."""

    def build(_law: Sequence[str] = ()) -> SchemeContent:
        contacted, solved, content = weights
        lines = (
            _line("place_response", _("Contacted"), contacted),
            _line("place_resident_solved", _("Solved, as residents say"), solved),
            _line("place_content", _("Residents content"), content),
        )
        return SchemeContent(groups=(Group("townships", _("Townships"), TOWNSHIP),), lines=lines)

    return build


def month_scheme(_law: Sequence[str] = ()) -> SchemeContent:
    """A month: inspection on the spot 60 %, unannounced 30 %, opinion 10 %, times difficulty; lists and yellow card."""
    parts = (
        Part("field", _("Inspection on the spot"), D(60)),
        Part("covert", _("Unannounced inspection"), D(30)),
        Part("opinion", _("Residents' opinion"), D(10)),
    )
    lines = tuple(
        Line(
            key=f"{part.key}_marks",
            indicator=f"{part.key}_marks",
            label=part.name,
            weight=D(100),
            rule=PERCENT,
            measure=POINTS,
            part=part.key,
            min_denominator=1,
        )
        for part in parts
    )
    return SchemeContent(
        groups=(Group("townships", _("Townships"), TOWNSHIP),),
        lines=lines,
        parts=parts,
        most_difficulty=D("1.15"),
        lists=Lists(D(90), D(85), needs="field_marks"),
        yellow=Yellow(D(85), 2),
    )


def inspection_scheme(_law: Sequence[str] = ()) -> SchemeContent:
    """Inspection: every problem found takes marks off, twice where it is not put right at the re-check."""
    found = Line(
        "found",
        "problems_found",
        _("Problems found by inspection"),
        D(100),
        PerCase(D("0.5"), unfixed="problems_unfixed", factor=D(2)),
        COUNT,
        DOWN,
        min_denominator=1,
    )
    return SchemeContent(groups=(Group("townships", _("Townships"), TOWNSHIP),), lines=(found,))


def safety_scheme(_law: Sequence[str] = ()) -> SchemeContent:
    """The default for townships, with marks off for a sense of safety below its floors."""
    safety = Line(
        "safety",
        "safety",
        _("Sense of safety"),
        D(0),
        PerPoint(((D(96), D("0.25")), (D(90), D("0.5")))),
        POINTS,
        most_off=D(5),
        min_denominator=1,
    )
    return SchemeContent(
        groups=(Group("townships", _("Townships"), TOWNSHIP),),
        lines=(*_township_lines(), safety),
        items=_items(),
        bonus_cap=D(5),
    )


PRESETS: dict[str, Preset] = {
    "township": Preset(
        gettext_lazy("Townships, 100 marks"),
        gettext_lazy("Visits 45, issues 55, bonus at most 5, deductions by rule."),
        township_scheme,
    ),
    "department": Preset(
        gettext_lazy("Departments, 100 marks"),
        gettext_lazy("Linked places, signing in time, returns, help, and the issues they hold; legal units apart."),
        department_scheme,
    ),
    "village": Preset(
        gettext_lazy("Villages, inside their township"),
        gettext_lazy("Each township's villages are ranked among themselves."),
        village_scheme,
    ),
    "three_rates": Preset(
        gettext_lazy("Three rates 10/50/40"),
        gettext_lazy("Contacted 10 %, solved 50 %, content 40 %, of valid call-backs."),
        three_rates((10, 50, 40)),
    ),
    "three_rates_even": Preset(
        gettext_lazy("Three rates 30/35/35"),
        gettext_lazy("Contacted 30 %, solved 35 %, content 35 %, of valid call-backs."),
        three_rates((30, 35, 35)),
    ),
    "month": Preset(
        gettext_lazy("Month by inspection 60/30/10"),
        gettext_lazy("On the spot 60 %, unannounced 30 %, opinion 10 %, times difficulty; red and black list."),
        month_scheme,
    ),
    "inspection": Preset(
        gettext_lazy("Inspection by problems found"),
        gettext_lazy("Marks off for each problem, twice where it is not put right at the re-check."),
        inspection_scheme,
    ),
    "safety": Preset(
        gettext_lazy("Townships, with marks off below floors of safety"),
        gettext_lazy("Below 96 % 0.25 marks off a point, below 90 % 0.5."),
        safety_scheme,
    ),
}
