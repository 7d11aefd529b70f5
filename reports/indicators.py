"""Indicators, rates and ranks: pure functions of counted facts (domain.md §5, practice.md)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from math import sqrt
from operator import add, attrgetter, sub
from typing import Any, Generic, Literal, TypeVar, cast

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

# Below so many cases a rate is shown, not ranked; a scheme may say otherwise.
MIN_DENOMINATOR = 10
HUNDREDTH = Decimal("0.01")
ISSUES = _("issues")
MOSTLY = Decimal("0.9")  # what a resident who is mostly content counts


@dataclass(frozen=True, slots=True)
class Facts:
    """What was counted for a unit. Households are distinct; issues are those of the campaign, by their place.

    `by_place` and `by_holder` hold the sums of cases.SUMS: of what arose at the unit, and of what it is charged with.
    """

    households: int = 0
    off_roster: int = 0
    priority: int = 0
    unreachable: int = 0
    covered: int = 0
    met: int = 0
    priority_covered: int = 0
    make_up_done: int = 0
    make_up_overdue: int = 0
    visits: int = 0
    issues_raised: int = 0
    issues_solved: int = 0
    issues_explained: int = 0
    issues_not_accepted: int = 0
    issues_otherwise: int = 0
    issues_in_review: int = 0
    issues_set_aside: int = 0
    overdue: int = 0
    not_due: int = 0
    by_place: Mapping[str, int] = field(default_factory=dict)
    by_holder: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Facts) -> Facts:
        return Facts(*map(add, _values(self), _values(other)))

    def __sub__(self, other: Facts) -> Facts:
        return Facts(*map(sub, _values(self), _values(other)))

    @property
    def to_visit(self) -> int:
        """Households on the roster without those verified empty or moved."""
        return self.households - self.off_roster

    @property
    def unvisited(self) -> int:
        """Households on the roster that no counted visit reached."""
        return self.to_visit - self.covered

    @property
    def judged(self) -> int:
        """Issues a solution rate is taken of: ended in the unit's hands, or open past the due day."""
        return self.issues_solved + self.issues_explained + self.issues_not_accepted + self.overdue


COUNTS = tuple(each.name for each in fields(Facts) if each.type == "int")
# all counts in their order; dataclasses.astuple would copy each of them deeply
_values: Callable[[Facts], tuple[int, ...]] = attrgetter(*COUNTS)

Part = Literal["numerator", "denominator", "missed"]
# figures of households (by key in figures.HOUSEHOLDS) or sums of cases (by key in cases.SUMS, "a-b": a without b)
Rows = Mapping[Part, tuple[str, ...]]


class Basis(StrEnum):
    """Whose figure it is."""

    HOUSEHOLDS = "households"  # of the households that live there
    PLACE = "place"  # of what arose there, whoever held it
    HOLDER = "holder"  # of what the unit itself held
    ENTERED = "entered"  # entered by hand, with evidence and an approver


PLACES = frozenset({"district", "township", "village"})
HOLDERS = frozenset({"district", "township", "village", "department"})


@dataclass(frozen=True, slots=True)
class Indicator:
    """A rate that units are compared by: higher is better unless `higher_is_better` says otherwise.

    `rows`: the figures whose rows lie behind each part. `applies_to`: the kinds of unit it is read for.
    """

    key: str
    name: str | Promise
    formula: str | Promise
    unit: str | Promise  # of the denominator, as it is read aloud: 户, 件
    numerator: Callable[[Facts], int | Decimal]
    denominator: Callable[[Facts], int]
    higher_is_better: bool = True
    min_denominator: int = MIN_DENOMINATOR
    basis: Basis = Basis.HOUSEHOLDS
    rows: Rows = field(default_factory=dict)
    applies_to: frozenset[str] = PLACES

    @property
    def kind(self) -> Literal["counted", "entered"]:
        """Counted by the program, or entered by hand (EnteredFigure)?"""
        return "entered" if self.basis == Basis.ENTERED else "counted"


COVERAGE = Indicator(
    key="coverage",
    name=_("Coverage rate"),
    formula=_(
        "households with a counted visit ÷ households to visit (on the campaign's roster, without those verified "
        "empty or moved)"
    ),
    unit=_("households"),
    numerator=lambda facts: facts.covered,
    denominator=lambda facts: facts.to_visit,
    rows={"numerator": ("covered",), "denominator": ("to_visit",), "missed": ("unvisited",)},
)
MET = Indicator(
    key="met",
    name=_("Met rate"),
    formula=_(
        "households where a resident was met and the talk was finished ÷ households with a counted visit (a visit "
        "that was met but not finished counts as a visit, and as met once it is finished)"
    ),
    unit=_("households"),
    numerator=lambda facts: facts.met,
    denominator=lambda facts: facts.covered,
    rows={"numerator": ("met",), "denominator": ("covered",), "missed": ("not_met",)},
)
PRIORITY = Indicator(
    key="priority",
    name=_("Priority household visits"),
    formula=_(
        "priority households (those with a category that is visited first) with a counted visit ÷ priority households "
        "to visit"
    ),
    unit=_("households"),
    numerator=lambda facts: facts.priority_covered,
    denominator=lambda facts: facts.priority,
    rows={
        "numerator": ("priority_covered",),
        "denominator": ("priority",),
        "missed": ("priority_unvisited",),
    },
)
MAKE_UP = Indicator(
    key="make_up",
    name=_("Make-up completion"),
    formula=_(
        "households settled by going again ÷ (those + households whose make-up visit is overdue); settled: tried more "
        "than once, and nothing left to do at the door"
    ),
    unit=_("households"),
    numerator=lambda facts: facts.make_up_done,
    denominator=lambda facts: facts.make_up_done + facts.make_up_overdue,
    rows={
        "numerator": ("make_up_done",),
        "denominator": ("make_up_done", "make_up_overdue"),
        "missed": ("make_up_overdue",),
    },
)
UNREACHABLE = Indicator(
    key="unreachable",
    name=_("Unreachable households"),
    formula=_("households confirmed as unreachable ÷ households to visit, as of now"),
    unit=_("households"),
    numerator=lambda facts: facts.unreachable,
    denominator=lambda facts: facts.to_visit,
    higher_is_better=False,
    rows={"numerator": ("unreachable",), "denominator": ("to_visit",), "missed": ("unreachable",)},
)
SOLUTION = Indicator(
    key="solution",
    name=_("Solution rate"),
    formula=_(
        "issues solved ÷ (solved + explained and understood + explained, not accepted + open past the due day); only "
        "what was verified and signed off counts as ended; issues not yet due, under review, ended otherwise or set "
        "aside are shown beside it"
    ),
    unit=_("issues"),
    numerator=lambda facts: facts.issues_solved,
    denominator=lambda facts: facts.judged,
    basis=Basis.PLACE,
    rows={
        "numerator": ("ended_solved",),
        "denominator": ("ended_solved", "ended_explained", "ended_not_accepted", "overdue"),
        "missed": ("ended_explained", "ended_not_accepted", "overdue"),
    },
)


def _sum(keys: tuple[str, ...], basis: Basis, weights: Mapping[str, Decimal]) -> Callable[[Facts], int | Decimal]:
    def total(facts: Facts) -> int | Decimal:
        found = facts.by_place if basis == Basis.PLACE else facts.by_holder
        if weights:
            return sum((weight * found.get(key, 0) for key, weight in weights.items()), Decimal(0))
        return sum(found.get(key, 0) for key in keys)

    return total


def _of_cases(
    key: str,
    basis: Basis,
    *,
    name: str | Promise,
    formula: str | Promise,
    over: tuple[str, ...],
    of: tuple[str, ...],
    missed: tuple[str, ...],
    unit: str | Promise = ISSUES,
    weights: Mapping[str, Decimal] | None = None,
    higher_is_better: bool = True,
) -> Indicator:
    return Indicator(
        key=key,
        name=name,
        formula=formula,
        unit=unit,
        numerator=_sum(over, basis, weights or {}),
        denominator=cast("Callable[[Facts], int]", _sum(of, basis, {})),
        higher_is_better=higher_is_better,
        basis=basis,
        rows={"numerator": over, "denominator": of, "missed": missed},
        applies_to=PLACES if basis == Basis.PLACE else HOLDERS,
    )


HELD = (
    _of_cases(
        "signed",
        Basis.HOLDER,
        name=_("Signed for in time"),
        formula=_(
            "issues sent to the unit that it signed for or sent back within 1 working day ÷ (those + later ones + "
            "those still not signed for after it)"
        ),
        over=("signed_in_time",),
        of=("signed_in_time", "signed_late", "unsigned"),
        missed=("signed_late", "unsigned"),
    ),
    _of_cases(
        "on_time",
        Basis.HOLDER,
        name=_("On-time rate"),
        formula=_(
            "issues the unit reported done without having held them on a working day after the due day ÷ (issues it "
            "reported done + issues it holds past the due day + issues it held past the due day and handed on); an "
            "approved extension moves the due day, so it is on time; days others held the issue are not charged"
        ),
        over=("done_on_time",),
        of=("done", "overdue", "passed_late"),
        missed=("done-done_on_time", "overdue", "passed_late"),
    ),
    _of_cases(
        "closing",
        Basis.HOLDER,
        name=_("Closing rate, as the units report it"),
        formula=_(
            "issues the unit reported done, verified or not ÷ (those + issues it holds); its own word, not the "
            "residents': read it beside the solution rate"
        ),
        over=("done",),
        of=("done", "running"),
        missed=("running",),
    ),
    _of_cases(
        "held_solution",
        Basis.HOLDER,
        name=_("Solution rate of the unit that held the issue"),
        formula=_(
            "issues the unit solved ÷ (those + explained and understood + explained, not accepted + held past the due "
            "day); only what was verified and signed off counts as ended"
        ),
        over=("ended_solved",),
        of=("ended_solved", "ended_explained", "ended_not_accepted", "overdue"),
        missed=("ended_explained", "ended_not_accepted", "overdue"),
    ),
    _of_cases(
        "returned_wrongly",
        Basis.HOLDER,
        name=_("Wrongly returned"),
        formula=_("issues that were sent to the unit again ÷ issues it sent back as not its own; lower is better"),
        unit=_("returns"),
        over=("returned_wrongly",),
        of=("returned",),
        missed=("returned_wrongly",),
        higher_is_better=False,
    ),
    _of_cases(
        "helping",
        Basis.HOLDER,
        name=_("Help for other units"),
        formula=_(
            "requests of other units that the unit answered within 5 working days ÷ (those + later answers + requests "
            "not answered after that)"
        ),
        unit=_("requests"),
        over=("help_in_time",),
        of=("help_in_time", "help_late", "help_overdue"),
        missed=("help_late", "help_overdue"),
    ),
)


def _either(basis: Basis) -> tuple[Indicator, ...]:
    """Those that judge a unit by what it held, and again a place by what arose there (key "place_…")."""
    start = "place_" if basis == Basis.PLACE else ""

    def named(name: str | Promise) -> str | Promise:
        return format_lazy(_("{name}, by place"), name=name) if basis == Basis.PLACE else name

    calls: dict[str, Any] = {"unit": _("valid call-backs"), "of": ("asked",)}
    valid = _("only valid call-backs count: those not reached and those who did not wish to answer are left out")
    return (
        _of_cases(
            f"{start}solvable",
            basis,
            name=named(_("Solved of what can be solved")),
            formula=_("issues judged solvable and solved ÷ (issues judged solvable and signed off + those overdue)"),
            over=("solvable_solved",),
            of=("solvable_ended", "solvable_overdue"),
            missed=("solvable_ended-solvable_solved", "solvable_overdue"),
        ),
        _of_cases(
            f"{start}response",
            basis,
            name=named(_("Response rate")),
            formula=format_lazy("{} ÷ {}; {}", _("residents whom the unit contacted"), _("valid call-backs"), valid),
            over=("said_contacted",),
            missed=("asked-said_contacted",),
            **calls,
        ),
        _of_cases(
            f"{start}resident_solved",
            basis,
            name=named(_("Solution rate, as residents say")),
            formula=format_lazy("{} ÷ {}; {}", _("residents who say it is solved"), _("valid call-backs"), valid),
            over=("said_solved",),
            missed=("asked-said_solved",),
            **calls,
        ),
        _of_cases(
            f"{start}content",
            basis,
            name=named(_("Content rate")),
            formula=format_lazy("{} ÷ {}; {}", _("(content + 0.9 × mostly content)"), _("valid call-backs"), valid),
            over=("said_content", "said_mostly"),
            missed=("said_not_content",),
            weights={"said_content": Decimal(1), "said_mostly": MOSTLY},
            **calls,
        ),
        _of_cases(
            f"{start}three_rates",
            basis,
            name=named(_("The three rates together")),
            formula=format_lazy(
                "{}; {}", _("0.1 × response rate + 0.5 × solution rate as residents say + 0.4 × content rate"), valid
            ),
            over=("said_contacted", "said_solved", "said_content", "said_mostly"),
            missed=("said_not_content",),
            weights={
                "said_contacted": Decimal("0.1"),
                "said_solved": Decimal("0.5"),
                "said_content": Decimal("0.4"),
                "said_mostly": Decimal("0.4") * MOSTLY,
            },
            **calls,
        ),
        _of_cases(
            f"{start}redo",
            basis,
            name=named(_("Redo rate")),
            formula=_("issues sent back after they were reported done ÷ times issues were reported done"),
            unit=_("reports"),
            over=("redone",),
            of=("finished",),
            missed=("redone",),
            higher_is_better=False,
        ),
        _of_cases(
            f"{start}answers",
            basis,
            name=named(_("Answers to residents")),
            formula=_(
                "news of an issue that reached the resident, by text message or in person ÷ (those + news still not "
                "told after 3 working days)"
            ),
            unit=_("answers"),
            over=("answered",),
            of=("answered", "unanswered"),
            missed=("unanswered",),
        ),
        _of_cases(
            f"{start}look_back",
            basis,
            name=named(_("Held up at the look-back")),
            formula=_("closed issues that held up when looked at again 1 and 3 months later ÷ issues looked at again"),
            over=("held_up",),
            of=("looked_at",),
            missed=("looked_at-held_up",),
        ),
    )


def _entered(key: str, name: str | Promise, formula: str | Promise, unit: str | Promise) -> Indicator:
    """An indicator without rows in the program: its figures are entered, with evidence and an approver."""
    return Indicator(key, name, formula, unit, lambda facts: 0, lambda facts: 0, True, 1, Basis.ENTERED, {}, HOLDERS)


ENTERED = (
    _entered(
        "spot_check",
        _("Spot checks that hold true"),
        _("visits found true ÷ visits checked, those who could not be reached left out; entered by the office"),
        _("visits checked"),
    ),
    _entered(
        "survey_score",
        _("Survey score"),
        _("marks earned ÷ marks to be had in the campaign's last ended survey round, or as entered by the office"),
        _("respondents"),
    ),
    _entered(
        "link_tasks",
        _("Tasks at linked places"),
        _("tasks done at the linked places ÷ tasks due there; entered by the office"),
        _("tasks"),
    ),
)
RANKED = {indicator.key: indicator for indicator in (COVERAGE, MET, SOLUTION)}  # by which the ranking page ranks
INDICATORS = {
    indicator.key: indicator
    for indicator in (
        COVERAGE,
        MET,
        PRIORITY,
        MAKE_UP,
        UNREACHABLE,
        SOLUTION,
        *HELD,
        *_either(Basis.HOLDER),
        *_either(Basis.PLACE),
        *ENTERED,
    )
}


def rate(numerator: int | Decimal, denominator: int | Decimal) -> Decimal | None:
    """Return the rate in percent, rounded half up to 2 decimals, or None where there is nothing to divide by.

    Raises ValueError for a negative number.
    """
    if numerator < 0 or denominator < 0:
        raise ValueError("counts are not negative")
    if denominator == 0:
        return None
    return (100 * Decimal(numerator) / Decimal(denominator)).quantize(HUNDREDTH, ROUND_HALF_UP)


def wilson(numerator: int | Decimal, denominator: int | Decimal, z: float = 1.959964) -> tuple[float, float] | None:
    """Return the Wilson interval of a proportion in percent, (low, high); None where the denominator is 0.

    `z`: the normal quantile, 1.96 for 95 %. Raises ValueError where numerator is not within 0 … denominator.
    """
    if not 0 <= numerator <= denominator:
        raise ValueError("a proportion's numerator lies between 0 and its denominator")
    if denominator == 0:
        return None
    share, cases = float(numerator) / float(denominator), float(denominator)
    shrink = 1 + z * z / cases
    centre = (share + z * z / (2 * cases)) / shrink
    half = z * sqrt(share * (1 - share) / cases + z * z / (4 * cases * cases)) / shrink
    # the formula touches 0 and 1 exactly at the ends, floating point does not
    low = 0.0 if numerator == 0 else max(0.0, centre - half)
    high = 1.0 if numerator == denominator else min(1.0, centre + half)
    return 100 * low, 100 * high


K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Place(Generic[K]):
    """Where a unit stands. `rank` is None where the rate is not ranked; `value` is in percent, None without a rate."""

    key: K
    numerator: int | Decimal
    denominator: int
    value: Decimal | None
    rank: int | None


def ranking(
    units: Iterable[tuple[K, Facts]], indicator: Indicator, min_denominator: int | None = None
) -> list[Place[K]]:
    """Rank `units`, given in official order, by `indicator`.

    Values equal at 2 decimals share a rank and the next skips (1, 1, 3); inside a tie the official order holds. Then
    follow, in official order, those below the minimum denominator (`min_denominator`, else the indicator's own), and
    those without a denominator.
    """
    least = indicator.min_denominator if min_denominator is None else min_denominator
    places: list[Place[K]] = []
    for key, facts in units:
        numerator, denominator = indicator.numerator(facts), indicator.denominator(facts)
        places.append(Place(key, numerator, denominator, rate(numerator, denominator), None))
    ranked = [place for place in places if place.value is not None and place.denominator >= least]
    # sort is stable, also in reverse: the official order stands inside a tie
    ranked.sort(key=_value, reverse=indicator.higher_is_better)
    few = [place for place in places if place.value is not None and place.denominator < least]
    none = [place for place in places if place.value is None]
    return [*_numbered(ranked), *few, *none]


def _value(place: Place[K]) -> Decimal:
    assert place.value is not None
    return place.value


def _numbered(places: Sequence[Place[K]]) -> Iterable[Place[K]]:
    rank = 0
    before: Decimal | None = None
    for position, place in enumerate(places, 1):
        if place.value != before:
            rank, before = position, place.value
        yield Place(place.key, place.numerator, place.denominator, place.value, rank)
