"""What a round came to, read from its counts: measures by place and group, each with n and interval or hidden.

A few queries whatever the number of responses. What is hidden is decided here (suppression.py), never by a page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.db.models.functions import Length
from django.utils.translation import gettext as _

from outreach.models import Unit
from surveys import moments, suppression
from surveys.models import AgeBand, Axis, Channel, Round, Sex, Tally
from surveys.moments import Design, Estimate, Sums
from surveys.quality import Flag
from surveys.questionnaire import CHOICES, Content, Item, Kind
from surveys.tallying import DECLINED, FLAG, GIVEN, RESPONDENTS, SCORE

# value → stratum and cluster → row, of one item in one group
Values = dict[str, dict[moments.Place, Tally]]
ELSEWHERE = ""  # the part of a place that names no unit below it
MOST_RANKED = 60


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that can be estimated for any group. `codes`: whose share; `row`: which line of a matrix."""

    key: str
    label: str
    definition: str
    item: str
    value: str = ""
    codes: frozenset[str] = frozenset()
    is_share: bool = False
    scale: float = 100
    unit: str = "%"


EVERYBODY = Measure("", "", "", RESPONDENTS)


@dataclass(frozen=True, slots=True)
class Figure:
    """What is shown of a group: hidden, or a value with its 95 % interval and the number of answers behind it."""

    n: int = 0
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    is_hidden: bool = False


HIDDEN = Figure(is_hidden=True)


@dataclass(frozen=True, slots=True)
class Line:
    """A group of a breakdown: its name, its figure, and the ranks the figures allow."""

    key: str
    name: str
    figure: Figure
    ranks: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """One item, or one line of a matrix: how many gave which answer, and what it comes to."""

    item: Item
    text: str
    n: int
    is_hidden: bool
    options: list[Option] = field(default_factory=list)
    declined: list[tuple[str, int]] = field(default_factory=list)
    main: tuple[Measure, Figure] | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One answer with its share of those who gave one."""

    label: str
    count: int
    figure: Figure


def measures(content: Content) -> dict[str, Measure]:
    """Return what can be compared of a questionnaire, by key: the score, the dimensions, the items."""
    found: dict[str, Measure] = {}
    score_of = _("marks earned ÷ marks to be had, over the items each respondent answered")
    if content.top_index:
        found["score"] = Measure("score", _("Score"), score_of, SCORE)
        for number, dimension in enumerate(content.dimensions):
            if any(item.top_marks and item.dimension == dimension for item in content.items):
                found[f"d{number}"] = Measure(f"d{number}", dimension, score_of, SCORE, dimension)
    for item in content.items:
        for suffix, label in _lines(item):
            for one in _item_measures(item, f"{item.key}{suffix}", f"{item.text}{label}"):
                found[one.key] = one
    for flag, (label, definition) in flag_names().items():
        key = f"q.{flag}"
        found[key] = Measure(key, label, definition, FLAG, GIVEN, frozenset({flag}), is_share=True)
    return found


def flag_names() -> dict[str, tuple[str, str]]:
    """Return each sign of quality.py with its name and what it says."""
    return {
        Flag.SPEEDING: (_("To be checked: fast"), _("items answered faster than they can be read, on average")),
        Flag.STRAIGHT: (_("To be checked: all in a line"), _("the same place in the list of options all along")),
        Flag.DECLINED: (_("To be checked: hardly answered"), _("more than 7 of 10 items not answered")),
        Flag.SAME: (_("To be checked: same answers"), _("all answers the same as those of others stored with them")),
    }


def _lines(item: Item) -> list[tuple[str, str]]:
    """The item itself, or each line of a matrix, as (suffix of the key, addition to the text)."""
    if item.kind == Kind.MATRIX:
        return [(f".{row.key}", f"：{row.label}") for row in item.rows]
    return [("", "")]


def _item_measures(item: Item, key: str, label: str) -> list[Measure]:
    if item.kind == Kind.NUMBER:
        return [Measure(f"i.{key}", label, _("mean of the numbers given"), key, GIVEN, scale=1, unit="")]
    if item.kind not in CHOICES | {Kind.MULTI, Kind.MATRIX}:
        return []
    good = favourable(item)
    if good:
        chosen = "、".join(option.label for option in item.options if option.code in good)
        definition = _("those who answered “%(options)s” ÷ all who gave an answer") % {"options": chosen}
        return [Measure(f"i.{key}", label, definition, key, codes=good, is_share=True)]
    return [
        Measure(
            f"i.{key}.{option.code}",
            f"{label} — {option.label}",
            _("those who answered “%(options)s” ÷ all who gave an answer") % {"options": option.label},
            key,
            GIVEN if item.kind == Kind.MULTI else "",
            frozenset({option.code}),
            is_share=True,
        )
        for option in item.options
    ]


def favourable(item: Item) -> frozenset[str]:
    """Return the options worth more than half of the best marks; of a yes-or-no item without marks "yes"; of others
    none."""
    if item.kind == Kind.YES_NO and item.top_marks is None:
        return frozenset({"yes"})
    if item.kind == Kind.MULTI or not item.top_marks:
        return frozenset()
    return frozenset(
        option.code for option in item.options if option.marks is not None and 2 * option.marks > item.top_marks
    )


def cells_of(measure: Measure, values: Values) -> dict[moments.Place, Sums]:
    """Return the sums a measure's estimate is made of."""
    if not measure.is_share:
        return {
            place: Sums(row.n, row.wa, row.wb, row.aa, row.ab, row.bb)
            for place, row in values.get(measure.value, {}).items()
        }
    found: dict[moments.Place, Sums] = defaultdict(lambda: Sums(0, 0, 0, 0, 0, 0))
    for value, rows in values.items():
        counts_below = value == GIVEN if measure.value == GIVEN else not value.startswith(DECLINED)
        for place, row in rows.items():
            if counts_below:
                found[place] += Sums(row.n, 0, row.w, 0, 0, row.ww)
            if value in measure.codes:
                found[place] += Sums(0, row.w, 0, row.ww, row.ww, 0)
    return dict(found)


def figure_of(measure: Measure, estimate: Estimate | None) -> Figure:
    """Return an estimate as it is shown: percent and numbers with 2 decimals."""
    if estimate is None:
        return Figure()
    low, high = estimate.share_interval if measure.is_share else estimate.interval
    if measure.item == SCORE:
        low, high = max(0.0, low), min(1.0, high)
    value, least, most = (Decimal(f"{measure.scale * part:.2f}") for part in (estimate.value, low, high))
    return Figure(estimate.n, value, least, most)


class Counts:
    """The counts of a round that one page needs, in memory: axis ALL of every place down to the townships (and the
    villages of one), and perhaps one more axis."""

    def __init__(self, place: Unit, axis: str, rows: Iterable[Tally]) -> None:
        """Put `rows` in order; what stands below another township than `place` is left out."""
        self.place, self.axis, self.district = place, axis, place.code[:6]
        self.groups: dict[tuple[str, str, str], dict[str, Values]] = {}
        everybody: list[tuple[moments.Place, int]] = []
        for row in rows:
            if len(row.place) > 9 and not row.place.startswith(place.code):
                continue
            self._keep(row)
            if row.item == RESPONDENTS and row.axis == Axis.ALL and row.place == self.district:
                everybody.append(((row.stratum, row.cluster), row.n))
        self.design: Design = moments.design_of(everybody)

    def _keep(self, row: Tally) -> None:
        items = self.groups.setdefault((row.place, row.axis, row.part), {})
        values = items.setdefault(row.item, {}).setdefault(row.value, {})
        values[row.stratum, row.cluster] = row

    def values(self, place: str, item: str, axis: str = Axis.ALL, part: str = "") -> Values:
        """Return the counts of one item in one group."""
        return self.groups.get((place, axis, part), {}).get(item, {})

    def n(self, measure: Measure, place: str, axis: str = Axis.ALL, part: str = "") -> int:
        """Return how many answers a measure has in a group."""
        return sum(sums.n for sums in cells_of(measure, self.values(place, measure.item, axis, part)).values())

    @property
    def respondents(self) -> int:
        """How many answered at the place; for a place that is hidden 0."""
        return 0 if self.is_hidden(EVERYBODY) else self.n(EVERYBODY, self.place.code)

    def estimate(self, measure: Measure, place: str, axis: str = Axis.ALL, part: str = "") -> Estimate | None:
        """Return a measure's estimate in a group; None where nobody gave an answer."""
        cells = cells_of(measure, self.values(place, measure.item, axis, part))
        return moments.ratio(cells, self.design) if any(sums.wb for sums in cells.values()) else None

    # ---- what is hidden

    def children(self, measure: Measure, place: str) -> dict[str, int]:
        """Return the units below the place with their number of answers; ELSEWHERE for what names none of them."""
        length = len(place) + 3
        codes = {code for code, axis, _part in self.groups if axis == Axis.ALL and len(code) == length}
        found = {code: self.n(measure, code) for code in codes if code.startswith(place)}
        found[ELSEWHERE] = self.n(measure, place) - sum(found.values())
        return found

    def hidden_townships(self, measure: Measure) -> frozenset[str]:
        """Return the townships whose figure is hidden."""
        return suppression.hidden(self.children(measure, self.district))

    def is_hidden(self, measure: Measure) -> bool:
        """Is the measure hidden for the page's place as a whole?"""
        for each in (EVERYBODY, measure):  # of nine respondents not even "nobody was asked this" is told
            if self.n(each, self.district) < suppression.MINIMUM and (each is EVERYBODY or self.n(each, self.district)):
                return True
            if self.place.code != self.district and self.place.code in self.hidden_townships(each):
                return True
        return False

    def hidden_parts(self, measure: Measure) -> frozenset[str]:
        """Return which parts of the page's axis are hidden at the page's place."""
        whole = self._parts(measure, self.district)
        if self.is_hidden(measure):
            return frozenset(self._parts(measure, self.place.code))
        if self.place.code == self.district:
            return suppression.hidden(whole)
        townships = self.children(measure, self.district)
        table = {code: self._parts(measure, code) for code in townships if code}
        table[ELSEWHERE] = {part: n - sum(row.get(part, 0) for row in table.values()) for part, n in whole.items()}
        gone = suppression.hidden_rows(table, whole, self.hidden_townships(measure))
        return frozenset(table[self.place.code]) if self.place.code in gone else frozenset()

    def _parts(self, measure: Measure, place: str) -> dict[str, int]:
        parts = [part for code, axis, part in self.groups if code == place and axis == self.axis]
        return {part: self.n(measure, place, self.axis, part) for part in parts}

    # ---- what a page shows

    def figure(self, measure: Measure) -> Figure:
        """Return a measure for the page's place."""
        return HIDDEN if self.is_hidden(measure) else figure_of(measure, self.estimate(measure, self.place.code))

    def by_unit(self, measure: Measure, names: Mapping[str, str]) -> list[Line]:
        """Return the units below the page's place, in the order of `names`, with the ranks the figures allow."""
        parts = self.children(measure, self.place.code)
        gone = frozenset(parts) if self.is_hidden(measure) else suppression.hidden(parts)
        shown = {code: n for code, n in parts.items() if n and code not in gone}
        estimates = {code: found for code in shown if code and (found := self.estimate(measure, code)) is not None}
        ranks = moments.rank_ranges(estimates) if 1 < len(estimates) <= MOST_RANKED else {}
        lines = []
        for code in [*(code for code in names if code in parts), ELSEWHERE]:
            if code == ELSEWHERE and not parts[code]:
                continue
            name = names.get(code, _("unit not told"))
            if code in gone:
                figure = HIDDEN
            elif code == ELSEWHERE:
                figure = Figure(parts[code])
            else:
                figure = figure_of(measure, estimates.get(code))
            lines.append(Line(code, name, figure, ranks.get(code)))
        return lines

    def by_part(self, measure: Measure) -> list[Line]:
        """Return the parts of the page's axis."""
        parts, gone = self._parts(measure, self.place.code), self.hidden_parts(measure)
        lines = []
        for part in sorted(parts, key=lambda part: _order(self.axis, part)):
            if part in gone:
                figure = HIDDEN
            else:
                figure = figure_of(measure, self.estimate(measure, self.place.code, self.axis, part))
            lines.append(Line(part, part_name(self.axis, part), figure))
        return lines

    def distributions(self, content: Content) -> list[Distribution]:
        """Return every item of the page's place."""
        known = measures(content)
        found = []
        for item in content.items:
            for suffix, label in _lines(item):
                found.append(self._distribution(item, f"{item.key}{suffix}", f"{item.text}{label}", known))
        return found

    def _distribution(self, item: Item, key: str, text: str, known: Mapping[str, Measure]) -> Distribution:
        values = self.values(self.place.code, key)
        n = {value: sum(row.n for row in rows.values()) for value, rows in values.items()}
        declined = [
            (label, n[f"{DECLINED}{value}"])
            for value, label in (("dont_know", _("don't know")), ("refused", _("no answer")))
            if f"{DECLINED}{value}" in n
        ]
        several = item.kind == Kind.MULTI
        codes = [(option.code, option.label) for option in item.options]
        one = {
            code: Measure("", label, "", key, GIVEN if several else "", frozenset({code}), is_share=True)
            for code, label in codes
        }
        base = next(iter(one.values()), Measure("", "", "", key, GIVEN))
        count = self.n(base, self.place.code)
        if self.is_hidden(base):
            return Distribution(item, text, 0, True)
        options = [Option(label, n.get(code, 0), self.figure(one[code])) for code, label in codes]
        main = known.get(f"i.{key}")
        return Distribution(
            item, text, count, False, options if count else [], declined, (main, self.figure(main)) if main else None
        )


def _order(axis: str, part: str) -> tuple[int, str]:
    choices: dict[str, Sequence[str]] = {
        Axis.CHANNEL: Channel.values,
        Axis.SEX: Sex.values,
        Axis.AGE: AgeBand.values,
    }
    known = choices.get(axis, [])
    return (known.index(part) if part in known else 0), part


def part_name(axis: str, part: str) -> str:
    """Return what a part of an axis is called."""
    kinds: dict[str, type[Channel] | type[Sex] | type[AgeBand]] = {
        Axis.CHANNEL: Channel,
        Axis.SEX: Sex,
        Axis.AGE: AgeBand,
    }
    kind = kinds.get(axis)
    return part if kind is None else str(dict(kind.choices).get(part, part))


def read(survey_round: Round, *, place: Unit, axis: str = Axis.ALL, measure: Measure | None = None) -> Counts:
    """Read the counts of a round, in one query. `measure` None: every item, of axis ALL alone."""
    return Counts(place, axis, _rows([survey_round], place, axis, {measure.item} if measure else None))


def read_whole(survey_round: Round, measure: Measure) -> Counts:
    """Read one measure of every township and village, in one query."""
    rows = Tally.objects.filter(round=survey_round, axis=Axis.ALL, item__in={measure.item, RESPONDENTS})
    return Counts(survey_round.district, Axis.ALL, rows)


def _rows(rounds: Sequence[Round], place: Unit, axis: str, items: set[str] | None) -> QuerySet[Tally]:
    """Return the counts down to the townships, and to the villages of the township `place`."""
    rows = Tally.objects.filter(round__in=rounds, axis__in={Axis.ALL.value, axis}).annotate(length=Length("place"))
    narrowed = Q(axis=Axis.ALL) if items is None else Q(item__in={*items, RESPONDENTS})
    rows = rows.filter(narrowed)
    inside = Q(length__lte=9)
    return rows.filter(inside | Q(place__startswith=place.code) if len(place.code) == 9 else inside)


@dataclass(frozen=True, slots=True)
class Point:
    """A round on the trend."""

    round: Round
    figure: Figure


def trend(rounds: Sequence[Round], measure_key: str, place: Unit) -> list[Point]:
    """Return a measure in each of the rounds, oldest first; rounds that do not have it are left out. One query."""
    known = {survey_round.pk: measures(survey_round.version.parsed).get(measure_key) for survey_round in rounds}
    items = {measure.item for measure in known.values() if measure}
    rows: dict[int, list[Tally]] = defaultdict(list)
    for row in _rows(rounds, place, Axis.ALL, items):
        rows[row.round_id].append(row)
    points = []
    for survey_round in sorted(rounds, key=lambda one: (one.starts_on, one.pk)):
        measure = known[survey_round.pk]
        if measure is not None and rows[survey_round.pk]:
            counts = Counts(place, Axis.ALL, rows[survey_round.pk])
            points.append(Point(survey_round, counts.figure(measure)))
    return points
