"""What goes into a score and what comes out: readings, adjustments, and the board with the arithmetic of every line.

All of it has canonical JSON both ways, so that a snapshot can be made again bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from reports.schemes import text_of

# The keys of lines that the scheme's own lines cannot have (they begin with a letter).
DIFFICULTY_LINE, BONUS_CAP_LINE, DEDUCTION_CAP_LINE, LIMIT_LINE = (
    "*difficulty",
    "*bonus_cap",
    "*deduction_cap",
    "*limit",
)
ITEM_PREFIX = "+"  # an item's line: "+" and the item's key
APPEAL_PREFIX = "="  # what an appeal was granted: "=" and the key of the line appealed against


@dataclass(frozen=True, slots=True)
class Reading:
    """One indicator of one unit in one period. `value`: percent with 2 decimals, or points; None: no base."""

    numerator: int | Decimal
    denominator: int | Decimal
    value: Decimal | None

    def to_json(self) -> list[str | None]:
        """Return [numerator, denominator, value] as strings."""
        value = None if self.value is None else text_of(self.value)
        return [text_of(Decimal(self.numerator)), text_of(Decimal(self.denominator)), value]

    @classmethod
    def from_json(cls, data: Sequence[str | None]) -> Reading:
        """Return the reading of what to_json wrote."""
        numerator, denominator, value = data
        return cls(Decimal(numerator or 0), Decimal(denominator or 0), None if value is None else Decimal(value))


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An approved bonus or deduction. `points` is positive for both; `unfixed`: not put right at the re-check."""

    item: str
    points: Decimal
    note: str
    id: int
    unfixed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it for canonical JSON."""
        return {
            "item": self.item,
            "points": text_of(self.points),
            "note": self.note,
            "id": self.id,
            "unfixed": self.unfixed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Adjustment:
        """Return the adjustment of what to_json wrote."""
        return cls(data["item"], Decimal(data["points"]), data["note"], data["id"], data["unfixed"])


@dataclass(frozen=True, slots=True)
class UnitReadings:
    """What a unit is judged by. `group`: the scheme's group; `within`, `within_name`: its township where it is ranked
    inside it."""

    code: str
    name: str
    order: int
    group: str
    readings: Mapping[str, Reading]
    adjustments: tuple[Adjustment, ...] = ()
    difficulty: Decimal = Decimal(1)
    within: str = ""
    within_name: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it for canonical JSON."""
        return {
            "code": self.code,
            "name": self.name,
            "order": self.order,
            "group": self.group,
            "readings": {key: reading.to_json() for key, reading in self.readings.items()},
            "adjustments": [each.to_json() for each in sorted(self.adjustments, key=lambda each: each.id)],
            "difficulty": text_of(self.difficulty),
            "within": self.within,
            "within_name": self.within_name,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> UnitReadings:
        """Return the readings of what to_json wrote."""
        return cls(
            code=data["code"],
            name=data["name"],
            order=data["order"],
            group=data["group"],
            readings={key: Reading.from_json(value) for key, value in data["readings"].items()},
            adjustments=tuple(Adjustment.from_json(each) for each in data["adjustments"]),
            difficulty=Decimal(data["difficulty"]),
            within=data["within"],
            within_name=data["within_name"],
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the arithmetic: a msgid with %(name)s places, and what stands in them."""

    msgid: str
    params: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return gettext(self.msgid) % self.params

    def to_json(self) -> list[Any]:
        """Return [msgid, params]."""
        return [self.msgid, {**self.params}]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Step:
        """Return the step of what to_json wrote."""
        return cls(data[0], data[1])


@dataclass(frozen=True, slots=True)
class LineScore:
    """The marks of one line: its share of the total. `kind`: line | off | bonus | deduction | difficulty | limit |
    appeal.

    `weight`: the line's marks in the total when all is counted; `effective_weight`: with what was shared out to it;
    `interval`: 95 % Wilson interval of the rate in percent; `marks`: None where the line is not counted (不计).
    """

    key: str
    label: str
    kind: str
    weight: Decimal
    effective_weight: Decimal
    reading: Reading | None
    interval: tuple[Decimal, Decimal] | None
    marks: Decimal | None
    steps: tuple[Step, ...]

    @property
    def title(self) -> str:
        """The line's name for people: the scheme's own words, or those of a line the arithmetic added."""
        return gettext(self.label)

    def to_json(self) -> dict[str, Any]:
        """Return it for canonical JSON."""
        return {
            "key": self.key,
            "label": self.label,
            "kind": self.kind,
            "weight": text_of(self.weight),
            "effective_weight": text_of(self.effective_weight),
            "reading": self.reading and self.reading.to_json(),
            "interval": self.interval and [text_of(end) for end in self.interval],
            "marks": None if self.marks is None else text_of(self.marks),
            "steps": [step.to_json() for step in self.steps],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LineScore:
        """Return the line of what to_json wrote."""
        interval = data["interval"]
        return cls(
            key=data["key"],
            label=data["label"],
            kind=data["kind"],
            weight=Decimal(data["weight"]),
            effective_weight=Decimal(data["effective_weight"]),
            reading=Reading.from_json(data["reading"]) if data["reading"] else None,
            interval=(Decimal(interval[0]), Decimal(interval[1])) if interval else None,
            marks=None if data["marks"] is None else Decimal(data["marks"]),
            steps=tuple(Step.from_json(step) for step in data["steps"]),
        )


@dataclass(frozen=True, slots=True)
class UnitScore:
    """A unit's score. `total`: 2 decimals, the sum of its lines' marks; None where nothing could be counted.

    `rank`: None where too little was counted to rank it. `band`: 1 from the top; units in different bands can be told
    apart, units of one band not all; 0: not ranked. `rank_from`, `rank_to`: the ranks the numbers can carry.
    `mark`: "red" | "black" | "".
    """

    code: str
    name: str
    order: int
    total: Decimal | None
    rank: int | None
    band: int
    rank_from: int | None
    rank_to: int | None
    mark: str
    lines: tuple[LineScore, ...]

    def line(self, key: str) -> LineScore | None:
        """Return the line of a key, or None."""
        return next((line for line in self.lines if line.key == key), None)

    def to_json(self) -> dict[str, Any]:
        """Return it for canonical JSON."""
        return {
            "code": self.code,
            "name": self.name,
            "order": self.order,
            "total": None if self.total is None else text_of(self.total),
            "rank": self.rank,
            "band": self.band,
            "rank_from": self.rank_from,
            "rank_to": self.rank_to,
            "mark": self.mark,
            "lines": [line.to_json() for line in self.lines],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> UnitScore:
        """Return the score of what to_json wrote."""
        return cls(
            code=data["code"],
            name=data["name"],
            order=data["order"],
            total=None if data["total"] is None else Decimal(data["total"]),
            rank=data["rank"],
            band=data["band"],
            rank_from=data["rank_from"],
            rank_to=data["rank_to"],
            mark=data["mark"],
            lines=tuple(LineScore.from_json(line) for line in data["lines"]),
        )


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A ranking: units by rank, then those not ranked in official order. `key`: "group" or "group:township code"."""

    key: str
    name: str
    units: tuple[UnitScore, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it for canonical JSON."""
        return {"key": self.key, "name": self.name, "units": [unit.to_json() for unit in self.units]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GroupScore:
        """Return the group of what to_json wrote."""
        return cls(data["key"], data["name"], tuple(UnitScore.from_json(unit) for unit in data["units"]))


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """All rankings of a scheme, in the scheme's order of groups."""

    groups: tuple[GroupScore, ...]

    def unit(self, code: str) -> UnitScore | None:
        """Return the score of a unit, or None where the scheme does not judge it."""
        return next((unit for group in self.groups for unit in group.units if unit.code == code), None)

    def to_json(self) -> dict[str, Any]:
        """Return it for canonical JSON."""
        return {"groups": [group.to_json() for group in self.groups]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scoreboard:
        """Return the board of what to_json wrote."""
        return cls(tuple(GroupScore.from_json(group) for group in data["groups"]))
