"""What a scoring scheme says (考核办法): groups, parts, lines, items, lists. Pure values in Decimal, canonical JSON.

Content is read strictly: `SchemeContent.from_json` either returns a scheme that can be scored or raises SchemeError
with every place that is wrong. How marks come about from it is scoring.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FORMAT: Final = 1
UP, DOWN = "up", "down"  # higher is better, lower is better
RATE, POINTS, COUNT = "rate", "points", "count"  # a proportion, marks somebody gave, a number of cases
EXACT, FULL, STARTED = "exact", "full", "started"  # how the points below a floor are counted
BONUS, DEDUCTION = "bonus", "deduction"
TOWNSHIP, VILLAGE, DEPARTMENT = "township", "village", "department"

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
CODE = re.compile(r"\d{6,12}|\d{6}D\d{2}(?:\d{2})?")
# Far above anything a scheme needs: what keeps a typed number from growing without end.
MOST = Decimal(100000)
MOST_ROWS = 200

Message = str | Promise
Problems = list[tuple[str, Message]]


class SchemeError(ValueError):
    """A scheme's content is not in order. `problems`: (path, message) pairs, the path as in "lines.2.weight"."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{path}: {message}" for path, message in problems))


def canonical(data: object) -> str:
    """Return `data` as the one JSON text that stands for it: sorted keys, no blanks, no escapes but the needed."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def text_of(number: Decimal) -> str:
    """Return a decimal as it stands in canonical JSON: no exponent, no trailing zeros, no negative zero."""
    return format(number.normalize(), "f") if number else "0"


@dataclass(frozen=True, slots=True)
class Group:
    """Units that are ranked with one another and with nobody else."""

    key: str
    name: str
    kind: str  # township | village | department
    codes: tuple[str, ...] = ()  # these units only; empty: every unit of the kind that no other group names
    within_township: bool = False  # villages: a ranking of its own in each township


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the whole that is marked out of the full marks by itself: 实地 60 %, 暗访 30 %, 民意 10 %."""

    key: str
    name: str
    weight: Decimal  # percent; all parts make 100


@dataclass(frozen=True, slots=True)
class Linear:
    """All marks from `full` on, none up to `zero`, in between in proportion."""

    zero: Decimal
    full: Decimal
    kind: ClassVar[str] = "linear"


@dataclass(frozen=True, slots=True)
class Steps:
    """The marks of the best step reached: (from this value on, these marks); none below the lowest."""

    steps: tuple[tuple[Decimal, Decimal], ...]
    kind: ClassVar[str] = "steps"


@dataclass(frozen=True, slots=True)
class PerPoint:
    """Marks off for every point on the wrong side of a floor: (floor, marks off a point).

    `whole`: all points below the first floor cost what the lowest floor passed says; else each stretch costs its own.
    """

    floors: tuple[tuple[Decimal, Decimal], ...]
    counting: str = EXACT
    whole: bool = False
    kind: ClassVar[str] = "per_point"


@dataclass(frozen=True, slots=True)
class PerCase:
    """Marks off for every case; a case found again at the re-check (`unfixed`: indicator) costs `factor` times."""

    each: Decimal
    unfixed: str = ""
    factor: Decimal = Decimal(2)
    kind: ClassVar[str] = "per_case"


Rule = Linear | Steps | PerPoint | PerCase


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the scheme: an indicator and the marks it brings.

    A line of weight 0 takes marks off the total, `most_off` at most; its rule is PerPoint or PerCase.
    """

    key: str
    indicator: str
    label: str
    weight: Decimal
    rule: Rule
    measure: str = RATE
    direction: str = UP
    part: str = ""
    groups: tuple[str, ...] = ()  # empty: all
    floor: Decimal = Decimal(0)  # marks are never fewer (保底)
    cap: Decimal | None = None  # marks are never more (封顶)
    most_off: Decimal | None = None
    min_denominator: int = 10  # below it the line is not counted (不计) and its weight shared out


@dataclass(frozen=True, slots=True)
class Item:
    """A bonus or deduction that a person enters with evidence and another person approves."""

    key: str
    label: str
    kind: str  # bonus | deduction
    each: Decimal | None = None  # the usual marks of one case, filled in for who proposes
    most_each: Decimal | None = None  # the most one case may be given
    cap: Decimal | None = None  # the most of all cases together (扣完为止)
    unfixed_factor: Decimal = Decimal(1)  # what was not put right at the re-check counts so many times
    evidence: bool = True
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lists:
    """Red list from `red` marks on, black list below `black`; units where the line `needs` is not counted: neither."""

    red: Decimal
    black: Decimal
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Yellow:
    """A yellow card for a total below `below` in `months` periods running."""

    below: Decimal
    months: int = 2


@dataclass(frozen=True, slots=True)
class SchemeContent:
    """A whole scheme: marks out of `full`. Difficulty multiplies what the lines give, before bonus and deductions."""

    groups: tuple[Group, ...]
    lines: tuple[Line, ...]
    parts: tuple[Part, ...] = ()
    items: tuple[Item, ...] = ()
    full: Decimal = Decimal(100)
    bonus_cap: Decimal | None = None
    deduction_cap: Decimal | None = None
    difficulty: tuple[tuple[str, Decimal], ...] = ()  # unit code → coefficient; 1 for all others
    most_difficulty: Decimal = Decimal("1.15")
    least_counted: Decimal = Decimal(50)  # percent of the weight that must be counted for a unit to be ranked
    lists: Lists | None = None
    yellow: Yellow | None = None
    basis: str = ""  # the document the scheme follows, and what is to be known beside the lines

    def lines_of(self, group: str) -> tuple[Line, ...]:
        """Return the lines that count for a group, in the scheme's order."""
        return tuple(line for line in self.lines if not line.groups or group in line.groups)

    def items_of(self, group: str) -> tuple[Item, ...]:
        """Return the bonus and deduction items open to a group, in the scheme's order."""
        return tuple(item for item in self.items if not item.groups or group in item.groups)

    def group_of(self, code: str, kind: str) -> Group | None:
        """Return the group a unit is ranked in: the one that names it, else the one open to its kind, else None."""
        of_kind = [group for group in self.groups if group.kind == kind]
        named = (group for group in of_kind if code in group.codes)
        return next(named, next((group for group in of_kind if not group.codes), None))

    def difficulty_of(self, code: str) -> Decimal:
        """Return a unit's difficulty coefficient."""
        return dict(self.difficulty).get(code, Decimal(1))

    def to_json(self) -> dict[str, Any]:
        """Return the content for canonical JSON: decimals as strings."""
        return {
            "format": FORMAT,
            "groups": [
                {
                    "key": g.key,
                    "name": g.name,
                    "kind": g.kind,
                    "codes": [*g.codes],
                    "within_township": g.within_township,
                }
                for g in self.groups
            ],
            "parts": [{"key": part.key, "name": part.name, "weight": text_of(part.weight)} for part in self.parts],
            "lines": [_line_json(line) for line in self.lines],
            "items": [
                {
                    "key": item.key,
                    "label": item.label,
                    "kind": item.kind,
                    "each": _text_or_none(item.each),
                    "most_each": _text_or_none(item.most_each),
                    "cap": _text_or_none(item.cap),
                    "unfixed_factor": text_of(item.unfixed_factor),
                    "evidence": item.evidence,
                    "groups": [*item.groups],
                }
                for item in self.items
            ],
            "full": text_of(self.full),
            "bonus_cap": _text_or_none(self.bonus_cap),
            "deduction_cap": _text_or_none(self.deduction_cap),
            "difficulty": {code: text_of(coefficient) for code, coefficient in self.difficulty},
            "most_difficulty": text_of(self.most_difficulty),
            "least_counted": text_of(self.least_counted),
            "lists": self.lists
            and {"red": text_of(self.lists.red), "black": text_of(self.lists.black), "needs": self.lists.needs},
            "yellow": self.yellow and {"below": text_of(self.yellow.below), "months": self.yellow.months},
            "basis": self.basis,
        }

    @classmethod
    def from_json(cls, data: object, *, draft: bool = False) -> SchemeContent:
        """Return the scheme that `data` (parsed JSON) describes. Raises SchemeError with all that is wrong in it.

        `draft`: every field must be well formed, but the fields need not agree yet (see `problems`).
        """
        reader = _Reader()
        root = reader.mapping(data, "")
        if root.get("format", FORMAT) != FORMAT:
            reader.say("format", _("This scheme was written by another version of the program."))
        content = cls(
            groups=tuple(_read_group(reader, *row) for row in reader.rows(root, "groups")),
            parts=tuple(_read_part(reader, *row) for row in reader.rows(root, "parts")),
            lines=tuple(_read_line(reader, *row) for row in reader.rows(root, "lines")),
            items=tuple(_read_item(reader, *row) for row in reader.rows(root, "items")),
            full=reader.number(root, "full", "full", default=Decimal(100)),
            bonus_cap=reader.number_or_none(root, "bonus_cap", "bonus_cap"),
            deduction_cap=reader.number_or_none(root, "deduction_cap", "deduction_cap"),
            difficulty=_read_difficulty(reader, root),
            most_difficulty=reader.number(root, "most_difficulty", "most_difficulty", default=Decimal("1.15")),
            least_counted=reader.number(root, "least_counted", "least_counted", default=Decimal(50)),
            lists=_read_lists(reader, root),
            yellow=_read_yellow(reader, root),
            basis=reader.text(root, "basis", "basis", most=4000, required=False),
        )
        problems = reader.problems or ([] if draft else content.problems())
        if problems:
            raise SchemeError(problems)
        return content

    def problems(self) -> Problems:
        """Return what is wrong between the fields of a scheme whose fields are well formed; empty: it can be scored."""
        return [*_group_problems(self), *_line_problems(self), *_weight_problems(self), *_item_problems(self)]


# ---- writing and reading JSON


def _text_or_none(number: Decimal | None) -> str | None:
    return None if number is None else text_of(number)


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "key": line.key,
        "indicator": line.indicator,
        "label": line.label,
        "weight": text_of(line.weight),
        "rule": _rule_json(line.rule),
        "measure": line.measure,
        "direction": line.direction,
        "part": line.part,
        "groups": [*line.groups],
        "floor": text_of(line.floor),
        "cap": _text_or_none(line.cap),
        "most_off": _text_or_none(line.most_off),
        "min_denominator": line.min_denominator,
    }


def _rule_json(rule: Rule) -> dict[str, Any]:
    match rule:
        case Linear():
            return {"kind": rule.kind, "zero": text_of(rule.zero), "full": text_of(rule.full)}
        case Steps():
            return {"kind": rule.kind, "steps": [[text_of(at), text_of(marks)] for at, marks in rule.steps]}
        case PerPoint():
            floors = [[text_of(floor), text_of(each)] for floor, each in rule.floors]
            return {"kind": rule.kind, "floors": floors, "counting": rule.counting, "whole": rule.whole}
        case PerCase():
            factor = text_of(rule.factor)
            return {"kind": rule.kind, "each": text_of(rule.each), "unfixed": rule.unfixed, "factor": factor}


class _Reader:
    """Reads parsed JSON field by field and collects what is wrong instead of stopping at the first."""

    def __init__(self) -> None:
        self.problems: Problems = []

    def say(self, path: str, message: Message) -> None:
        self.problems.append((path, message))

    def mapping(self, value: object, path: str) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self.say(path, _("Something is missing here."))
        return {}

    def rows(self, data: Mapping[str, Any], key: str) -> list[tuple[Mapping[str, Any], str]]:
        value = data.get(key, [])
        if not isinstance(value, list) or len(value) > MOST_ROWS:
            self.say(key, _("A list of at most 200 rows is expected here."))
            return []
        return [(self.mapping(row, f"{key}.{index}"), f"{key}.{index}") for index, row in enumerate(value)]

    def text(self, data: Mapping[str, Any], key: str, path: str, *, most: int = 200, required: bool = True) -> str:
        value = data.get(key, "")
        if not isinstance(value, str) or "\0" in value:
            self.say(path, _("Text is expected here."))
            return ""
        value = value.strip()
        if required and not value:
            self.say(path, _("Fill this in."))
        if len(value) > most:
            self.say(path, _("This is too long."))
        return value

    def key(self, data: Mapping[str, Any], key: str, path: str, *, required: bool = True) -> str:
        value = self.text(data, key, path, required=required)
        if value and not KEY.fullmatch(value):
            self.say(path, _("Lower-case letters, digits and underscores only, beginning with a letter."))
        return value

    def choice(self, data: Mapping[str, Any], key: str, path: str, choices: Iterable[str], default: str = "") -> str:
        value = data.get(key, default)
        if not isinstance(value, str) or value not in choices:
            self.say(path, _("Choose one of the answers offered."))
            return default
        return value

    def flag(self, data: Mapping[str, Any], key: str, path: str, default: bool = False) -> bool:
        value = data.get(key, default)
        if not isinstance(value, bool):
            self.say(path, _("Choose yes or no."))
            return default
        return value

    def number_or_none(self, data: Mapping[str, Any], key: str, path: str) -> Decimal | None:
        return None if data.get(key) is None else self.number(data, key, path)

    def number(self, data: Mapping[str, Any], key: str, path: str, default: Decimal | None = None) -> Decimal:
        return self.decimal(data.get(key, default), path)

    def decimal(self, value: object, path: str) -> Decimal:
        # a float is refused: 0.1 would come in as what a float makes of it
        if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            try:
                number = Decimal(value)
            except InvalidOperation:
                number = Decimal("NaN")
            if number.is_finite() and 0 <= number <= MOST and int(number.as_tuple().exponent) >= -4:
                return number
        self.say(path, _("A number from 0 to 100000 with at most 4 decimals is expected here."))
        return Decimal(0)

    def count(self, data: Mapping[str, Any], key: str, path: str, default: int, most: int = 100000) -> int:
        value = data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            self.say(path, _("A whole number is expected here."))
            return default
        return value

    def keys(self, data: Mapping[str, Any], key: str, path: str, pattern: re.Pattern[str] = KEY) -> tuple[str, ...]:
        value = data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and pattern.fullmatch(each) for each in value):
            self.say(path, _("Choose from the list."))
            return ()
        return tuple(dict.fromkeys(value))

    def pairs(self, data: Mapping[str, Any], key: str, path: str) -> tuple[tuple[Decimal, Decimal], ...]:
        value = data.get(key, [])
        if not isinstance(value, list) or not 1 <= len(value) <= 20:
            self.say(path, _("Enter at least one row, 20 at most."))
            return ()
        pairs = []
        for index, pair in enumerate(value):
            if not isinstance(pair, list) or len(pair) != 2:
                self.say(f"{path}.{index}", _("Two numbers are expected here."))
                continue
            pairs.append((self.decimal(pair[0], f"{path}.{index}"), self.decimal(pair[1], f"{path}.{index}")))
        return tuple(pairs)


def _read_group(reader: _Reader, row: Mapping[str, Any], path: str) -> Group:
    return Group(
        key=reader.key(row, "key", f"{path}.key"),
        name=reader.text(row, "name", f"{path}.name", most=50),
        kind=reader.choice(row, "kind", f"{path}.kind", (TOWNSHIP, VILLAGE, DEPARTMENT), TOWNSHIP),
        codes=reader.keys(row, "codes", f"{path}.codes", CODE),
        within_township=reader.flag(row, "within_township", f"{path}.within_township"),
    )


def _read_part(reader: _Reader, row: Mapping[str, Any], path: str) -> Part:
    return Part(
        key=reader.key(row, "key", f"{path}.key"),
        name=reader.text(row, "name", f"{path}.name", most=50),
        weight=reader.number(row, "weight", f"{path}.weight"),
    )


def _read_rule(reader: _Reader, row: Mapping[str, Any], path: str) -> Rule:
    kind = reader.choice(row, "kind", f"{path}.kind", _RULES, Linear.kind)
    return _RULES[kind](reader, row, path)


_RULES: dict[str, Callable[[_Reader, Mapping[str, Any], str], Rule]] = {
    Linear.kind: lambda reader, row, path: Linear(
        zero=reader.number(row, "zero", f"{path}.zero"), full=reader.number(row, "full", f"{path}.full")
    ),
    Steps.kind: lambda reader, row, path: Steps(steps=reader.pairs(row, "steps", f"{path}.steps")),
    PerPoint.kind: lambda reader, row, path: PerPoint(
        floors=reader.pairs(row, "floors", f"{path}.floors"),
        counting=reader.choice(row, "counting", f"{path}.counting", (EXACT, FULL, STARTED), EXACT),
        whole=reader.flag(row, "whole", f"{path}.whole"),
    ),
    PerCase.kind: lambda reader, row, path: PerCase(
        each=reader.number(row, "each", f"{path}.each"),
        unfixed=reader.key(row, "unfixed", f"{path}.unfixed", required=False),
        factor=reader.number(row, "factor", f"{path}.factor", default=Decimal(2)),
    ),
}


def _read_line(reader: _Reader, row: Mapping[str, Any], path: str) -> Line:
    return Line(
        key=reader.key(row, "key", f"{path}.key"),
        indicator=reader.key(row, "indicator", f"{path}.indicator"),
        label=reader.text(row, "label", f"{path}.label", most=60),
        weight=reader.number(row, "weight", f"{path}.weight"),
        rule=_read_rule(reader, reader.mapping(row.get("rule"), f"{path}.rule"), f"{path}.rule"),
        measure=reader.choice(row, "measure", f"{path}.measure", (RATE, POINTS, COUNT), RATE),
        direction=reader.choice(row, "direction", f"{path}.direction", (UP, DOWN), UP),
        part=reader.key(row, "part", f"{path}.part", required=False),
        groups=reader.keys(row, "groups", f"{path}.groups"),
        floor=reader.number(row, "floor", f"{path}.floor", default=Decimal(0)),
        cap=reader.number_or_none(row, "cap", f"{path}.cap"),
        most_off=reader.number_or_none(row, "most_off", f"{path}.most_off"),
        min_denominator=reader.count(row, "min_denominator", f"{path}.min_denominator", 10),
    )


def _read_item(reader: _Reader, row: Mapping[str, Any], path: str) -> Item:
    return Item(
        key=reader.key(row, "key", f"{path}.key"),
        label=reader.text(row, "label", f"{path}.label", most=100),
        kind=reader.choice(row, "kind", f"{path}.kind", (BONUS, DEDUCTION), BONUS),
        each=reader.number_or_none(row, "each", f"{path}.each"),
        most_each=reader.number_or_none(row, "most_each", f"{path}.most_each"),
        cap=reader.number_or_none(row, "cap", f"{path}.cap"),
        unfixed_factor=reader.number(row, "unfixed_factor", f"{path}.unfixed_factor", default=Decimal(1)),
        evidence=reader.flag(row, "evidence", f"{path}.evidence", default=True),
        groups=reader.keys(row, "groups", f"{path}.groups"),
    )


def _read_difficulty(reader: _Reader, root: Mapping[str, Any]) -> tuple[tuple[str, Decimal], ...]:
    data = reader.mapping(root.get("difficulty", {}), "difficulty")
    pairs = []
    for code in sorted(data, key=str):
        if not isinstance(code, str) or not CODE.fullmatch(code):
            reader.say("difficulty", _("Choose a unit from the list."))
            continue
        pairs.append((code, reader.number(data, code, f"difficulty.{code}")))
    return tuple(pairs)


def _read_lists(reader: _Reader, root: Mapping[str, Any]) -> Lists | None:
    if root.get("lists") is None:
        return None
    row = reader.mapping(root["lists"], "lists")
    return Lists(
        red=reader.number(row, "red", "lists.red"),
        black=reader.number(row, "black", "lists.black"),
        needs=reader.key(row, "needs", "lists.needs", required=False),
    )


def _read_yellow(reader: _Reader, root: Mapping[str, Any]) -> Yellow | None:
    if root.get("yellow") is None:
        return None
    row = reader.mapping(root["yellow"], "yellow")
    months = reader.count(row, "months", "yellow.months", 2, most=12)
    return Yellow(below=reader.number(row, "below", "yellow.below"), months=months)


# ---- what must hold between fields

K = TypeVar("K")


def _repeated(keys: Iterable[K]) -> Iterable[int]:
    seen: set[K] = set()
    for index, key in enumerate(keys):
        if key in seen:
            yield index
        seen.add(key)


def _group_problems(content: SchemeContent) -> Problems:
    problems: Problems = []
    if not content.groups:
        problems.append(("groups", _("A scheme needs at least one group of units.")))
    for index in _repeated(group.key for group in content.groups):
        problems.append((f"groups.{index}.key", _("Another group has this key.")))
    for index in _repeated((group.kind, group.codes) for group in content.groups):
        problems.append((f"groups.{index}.codes", _("Another group takes in the same units.")))
    named: set[str] = set()
    for index, group in enumerate(content.groups):
        if group.within_township and group.kind != VILLAGE:
            problems.append((f"groups.{index}.within_township", _("Only villages are ranked inside their township.")))
        if named & {*group.codes}:
            problems.append((f"groups.{index}.codes", _("One of these units stands in another group already.")))
        named |= {*group.codes}
    for index in _repeated(part.key for part in content.parts):
        problems.append((f"parts.{index}.key", _("Another part has this key.")))
    if content.parts and sum(part.weight for part in content.parts) != 100:
        problems.append(("parts", _("The parts' shares must make 100 % together.")))
    if any(part.weight == 0 for part in content.parts):
        problems.append(("parts", _("A part without a share counts nothing: remove it.")))
    if content.full == 0:
        problems.append(("full", _("Full marks cannot be 0.")))
    if content.least_counted > 100:
        problems.append(("least_counted", _("A share in percent is 100 at most.")))
    for code, coefficient in content.difficulty:
        if not 1 <= coefficient <= content.most_difficulty:
            problems.append((f"difficulty.{code}", _("A coefficient lies between 1 and the highest allowed.")))
    if content.most_difficulty < 1:
        problems.append(("most_difficulty", _("The highest difficulty coefficient is 1 or more.")))
    if content.lists and content.lists.black > content.lists.red:
        problems.append(("lists.black", _("The black list must begin below the red list.")))
    if content.lists and content.lists.needs and content.lists.needs not in {line.key for line in content.lines}:
        problems.append(("lists.needs", _("Choose a line of this scheme.")))
    if content.yellow and content.yellow.months < 1:
        problems.append(("yellow.months", _("At least one period is needed.")))
    return problems


def _line_problems(content: SchemeContent) -> Problems:
    problems: Problems = []
    groups, parts = {group.key for group in content.groups}, {part.key for part in content.parts}
    for index in _repeated(line.key for line in content.lines):
        problems.append((f"lines.{index}.key", _("Another line has this key.")))
    for index, line in enumerate(content.lines):
        path = f"lines.{index}"
        if not {*line.groups} <= groups:
            problems.append((f"{path}.groups", _("Choose groups of this scheme.")))
        if line.weight and (bool(parts) != bool(line.part) or (line.part and line.part not in parts)):
            problems.append((f"{path}.part", _("Choose the part this line belongs to.")))
        if line.weight == 0 and (line.part or not isinstance(line.rule, PerPoint | PerCase) or not line.most_off):
            problems.append(
                (
                    f"{path}.weight",
                    _(
                        "A line without marks of its own takes marks off the total: it needs a rule of marks off, the "
                        "most it may take, and no part."
                    ),
                )
            )
        if line.weight and line.most_off is not None:
            problems.append((f"{path}.most_off", _("Only a line without marks of its own has this limit.")))
        if line.floor > line.weight or (line.cap is not None and line.cap > line.weight):
            problems.append((f"{path}.floor", _("Lowest and highest marks lie within the line's marks.")))
        elif line.cap is not None and line.cap < line.floor:
            problems.append((f"{path}.cap", _("The highest marks lie above the lowest.")))
        problems += [(f"{path}.rule.{place}", message) for place, message in _rule_problems(line)]
    return problems


def _rule_problems(line: Line) -> Problems:
    up = line.direction == UP
    match line.rule:
        case Linear(zero=zero, full=full):
            if zero == full or (full > zero) != up:
                return [("full", _("Full marks lie on the better side of zero marks: above where higher is better."))]
        case Steps(steps=steps):
            ats, marks = [at for at, _marks in steps], [marks for _at, marks in steps]
            if ats != sorted(set(ats), reverse=up) or marks != sorted(marks, reverse=True):
                return [("steps", _("Begin with the best step; each further one is worse and brings no more marks."))]
            if marks[0] > line.weight:
                return [("steps", _("A step brings no more than the line's marks."))]
        case PerPoint(floors=floors):
            ats, each = [at for at, _each in floors], [each for _at, each in floors]
            if ats != sorted(set(ats), reverse=up) or each != sorted(each):
                return [("floors", _("Begin with the first floor; each further one is worse and costs no less."))]
        case PerCase():
            if line.direction != DOWN or line.measure != COUNT:
                return [("kind", _("Marks off for every case need a number of cases, where lower is better."))]
            if line.rule.factor < 1:
                return [("factor", _("What was not put right counts at least once."))]
    if line.measure == COUNT and isinstance(line.rule, PerPoint):
        return [("kind", _("Marks off for every point need a rate or points, not a number of cases."))]
    return []


def _weight_problems(content: SchemeContent) -> Problems:
    problems: Problems = []
    for group in content.groups:
        lines = [line for line in content.lines_of(group.key) if line.weight]
        for part in content.parts or (Part("", "", Decimal(100)),):
            total = sum((line.weight for line in lines if line.part == part.key), Decimal(0))
            if total != content.full:
                problems.append(("lines", _weight_message(group, part, total, content.full)))
    return problems


def _weight_message(group: Group, part: Part, total: Decimal, full: Decimal) -> str:
    place = f"{group.name} · {part.name}" if part.name else group.name
    return _("%(place)s: the lines make %(total)s marks together; they must make %(full)s.") % {
        "place": place,
        "total": text_of(total),
        "full": text_of(full),
    }


def _item_problems(content: SchemeContent) -> Problems:
    problems: Problems = []
    groups = {group.key for group in content.groups}
    for index in _repeated(item.key for item in content.items):
        problems.append((f"items.{index}.key", _("Another item has this key.")))
    for index, item in enumerate(content.items):
        if not {*item.groups} <= groups:
            problems.append((f"items.{index}.groups", _("Choose groups of this scheme.")))
        if item.unfixed_factor < 1:
            problems.append((f"items.{index}.unfixed_factor", _("What was not put right counts at least once.")))
        if item.most_each is not None and item.each is not None and item.each > item.most_each:
            problems.append((f"items.{index}.each", _("The usual marks are no more than the most of one case.")))
    return problems
