"""A questionnaire's content: items with options, skip rules and limits. Pure: read from JSON, written to JSON.

The same JSON is what a published version keeps, what the builder edits, what the phone holds offline and what
static/js/survey.js asks by; tests/data/surveys/paths.json holds cases both must answer alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

KEY = re.compile(r"^[a-z][a-z0-9_]{0,29}$")
CODE = re.compile(r"^[A-Za-z0-9_-]{1,20}$")
MAX_ITEMS, MAX_OPTIONS, MAX_ROWS, MAX_RULES = 100, 30, 20, 10


class Kind(StrEnum):
    """How an item is answered."""

    SINGLE = "single"
    MULTI = "multi"
    SCALE = "scale"  # options in order, from low to high: 5 or 10 steps
    YES_NO = "yes_no"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    MATRIX = "matrix"  # rows, each answered by one of the options


CHOICES = frozenset({Kind.SINGLE, Kind.SCALE, Kind.YES_NO})
WITH_OPTIONS = CHOICES | {Kind.MULTI, Kind.MATRIX}


class Decline(StrEnum):
    """An answer that gives none: values of their own, never a gap."""

    DONT_KNOW = "dont_know"
    REFUSED = "refused"


class Op(StrEnum):
    """What a skip rule asks of an earlier item."""

    IS = "is"
    IS_NOT = "is_not"
    INCLUDES = "includes"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ANSWERED = "answered"
    DECLINED = "declined"


class ContentError(ValueError):
    """The content is not a questionnaire: `problems` are (where, what to do), such as ("items.3.options", …)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {text}" for where, text in problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose. `marks` None: not scored."""

    code: str
    label: str
    marks: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a matrix."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on the answer of an earlier item."""

    item: str
    op: Op
    value: str = ""


@dataclass(frozen=True, slots=True)
class ShowIf:
    """An item is asked where all, or any, of the rules hold."""

    rules: tuple[Rule, ...]
    any: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `explanation` is read out word for word: neutral, the same for every interviewer."""

    key: str
    kind: Kind
    text: str
    explanation: str = ""
    options: tuple[Option, ...] = ()
    rows: tuple[Row, ...] = ()
    is_optional: bool = False  # may be left empty; otherwise an answer, or a decline, is needed
    shuffle: bool = False  # the options stand in another order for each respondent
    declines: tuple[Decline, ...] = (Decline.DONT_KNOW, Decline.REFUSED)
    dimension: str = ""
    unit: str = ""  # code of the unit responsible for what the item asks about
    show_if: ShowIf | None = None
    minimum: str = ""  # of a number (decimal) or a date (ISO); choices of a multi are counted by min/max_choices
    maximum: str = ""
    is_whole: bool = False  # a number without decimals
    max_length: int = 500
    min_choices: int = 0
    max_choices: int = 0  # 0: any number

    @property
    def codes(self) -> frozenset[str]:
        """The options' codes."""
        return frozenset(option.code for option in self.options)

    @property
    def top_marks(self) -> Decimal | None:
        """The best marks an answer can earn; None where the item is not scored. A matrix earns the mean of its rows, an
        item with several answers the sum of those chosen."""
        marks = sorted((option.marks for option in self.options if option.marks is not None), reverse=True)
        if self.kind != Kind.MULTI or not marks:
            return marks[0] if marks else None
        return sum((mark for mark in marks[: self.max_choices or len(marks)] if mark > 0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Content:
    """A whole questionnaire."""

    title: str
    items: tuple[Item, ...]
    intro: str = ""
    thanks: str = ""
    by_key: Mapping[str, Item] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", {item.key: item for item in self.items})

    @property
    def dimensions(self) -> list[str]:
        """The dimensions named, in the items' order."""
        return list(dict.fromkeys(item.dimension for item in self.items if item.dimension))

    @property
    def top_index(self) -> Decimal:
        """The best index there is: the sum of the items' best marks."""
        return sum((item.top_marks for item in self.items if item.top_marks is not None), Decimal(0))


# ---- writing


def to_json(content: Content) -> dict[str, Any]:
    """Return the content as JSON values; what stands at its default is left out."""
    return _without_defaults(content, ("title", "intro", "thanks")) | {
        "items": [_item_json(item) for item in content.items]
    }


def canonical(content: Content) -> str:
    """Return the one text that this content has, for its digest."""
    return json.dumps(to_json(content), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


PLAIN = [name for name in Item.__dataclass_fields__ if name not in ("kind", "options", "rows", "declines", "show_if")]


def _without_defaults(thing: Any, names: Sequence[str]) -> dict[str, Any]:
    fields = type(thing).__dataclass_fields__
    return {name: getattr(thing, name) for name in names if getattr(thing, name) != fields[name].default}


def _item_json(item: Item) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": item.kind.value} | _without_defaults(item, PLAIN)
    if item.options:
        data["options"] = [
            {"code": option.code, "label": option.label}
            | ({} if option.marks is None else {"marks": str(option.marks)})
            for option in item.options
        ]
    if item.rows:
        data["rows"] = [{"key": row.key, "label": row.label} for row in item.rows]
    if item.declines != (Decline.DONT_KNOW, Decline.REFUSED):
        data["declines"] = [decline.value for decline in item.declines]
    if item.show_if:
        data["show_if"] = {
            "any": item.show_if.any,
            "rules": [{"item": rule.item, "op": rule.op.value, "value": rule.value} for rule in item.show_if.rules],
        }
    return data


# ---- reading


class _Reader:
    """Takes JSON values apart and collects what is wrong with them, each with its place."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []

    def wrong(self, where: str, text: str) -> None:
        self.problems.append((where, text))

    def text(self, data: Mapping[str, Any], name: str, where: str, limit: int, *, needed: bool = False) -> str:
        value: Any = data.get(name, "")
        if not isinstance(value, str):
            self.wrong(f"{where}{name}", _("Write a text here."))
            return ""
        # a NUL cannot be stored, other control characters cannot be seen
        value = "".join(letter for letter in value if letter == "\n" or letter.isprintable()).strip()
        if needed and not value:
            self.wrong(f"{where}{name}", _("Fill this in."))
        if len(value) > limit:
            self.wrong(f"{where}{name}", _("At most %(limit)s characters.") % {"limit": limit})
        return str(value[:limit])

    def flag(self, data: Mapping[str, Any], name: str, where: str) -> bool:
        value = data.get(name, False)
        if not isinstance(value, bool):
            self.wrong(f"{where}{name}", _("Choose yes or no."))
        return value is True

    def whole(self, data: Mapping[str, Any], name: str, where: str, default: int, low: int, high: int) -> int:
        value = data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.wrong(f"{where}{name}", _("A whole number from %(low)s to %(high)s.") % {"low": low, "high": high})
            return default
        return value

    def listed(self, data: Mapping[str, Any], name: str, where: str, limit: int) -> list[Mapping[str, Any]]:
        value = data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(part, Mapping) for part in value):
            self.wrong(f"{where}{name}", _("This list cannot be read."))
            return []
        if len(value) > limit:
            self.wrong(f"{where}{name}", _("At most %(limit)s entries.") % {"limit": limit})
        return value[:limit]


def from_json(data: Any) -> Content:
    """Read a questionnaire. Raises ContentError with everything that is wrong, each with its place."""
    reader = _Reader()
    if not isinstance(data, Mapping):
        raise ContentError([("", _("This is no questionnaire."))])
    title = reader.text(data, "title", "", 100, needed=True)
    intro = reader.text(data, "intro", "", 1000)
    thanks = reader.text(data, "thanks", "", 500)
    items: list[Item] = []
    earlier: dict[str, Item] = {}
    for number, part in enumerate(reader.listed(data, "items", "", MAX_ITEMS)):
        item = _item(reader, part, f"items.{number}.", earlier)
        if item.key in earlier:
            reader.wrong(f"items.{number}.key", _("Another item has this key already."))
        earlier.setdefault(item.key, item)
        items.append(item)
    if not items:
        reader.wrong("items", _("A questionnaire needs at least one item."))
    if reader.problems:
        raise ContentError(reader.problems)
    return Content(title, tuple(items), intro, thanks)


def _item(reader: _Reader, data: Mapping[str, Any], where: str, earlier: Mapping[str, Item]) -> Item:
    key = reader.text(data, "key", where, 30, needed=True)
    if key and not KEY.match(key):
        reader.wrong(f"{where}key", _("Small letters, digits and _ only, a letter first."))
    try:
        kind = Kind(data.get("kind", ""))
    except ValueError:
        reader.wrong(f"{where}kind", _("Choose a kind of item."))
        kind = Kind.TEXT
    options = _options(reader, data, where, kind)
    rows = tuple(
        Row(
            reader.text(part, "key", f"{where}rows.{number}.", 30, needed=True),
            reader.text(part, "label", f"{where}rows.{number}.", 200, needed=True),
        )
        for number, part in enumerate(reader.listed(data, "rows", where, MAX_ROWS))
    )
    if (kind == Kind.MATRIX) != bool(rows):
        reader.wrong(f"{where}rows", _("A matrix needs lines, other items have none."))
    if len({row.key for row in rows}) < len(rows) or not all(KEY.match(row.key) for row in rows):
        reader.wrong(f"{where}rows", _("Each line needs a key of its own: small letters, digits and _."))
    item = Item(
        key=key,
        kind=kind,
        text=reader.text(data, "text", where, 500, needed=True),
        explanation=reader.text(data, "explanation", where, 1000),
        options=options,
        rows=rows,
        is_optional=reader.flag(data, "is_optional", where),
        shuffle=reader.flag(data, "shuffle", where),
        declines=_declines(reader, data, where),
        dimension=reader.text(data, "dimension", where, 40),
        unit=reader.text(data, "unit", where, 12),
        show_if=_show_if(reader, data, where, earlier),
        minimum=reader.text(data, "minimum", where, 20),
        maximum=reader.text(data, "maximum", where, 20),
        is_whole=reader.flag(data, "is_whole", where),
        max_length=reader.whole(data, "max_length", where, 500, 1, 2000),
        min_choices=reader.whole(data, "min_choices", where, 0, 0, MAX_OPTIONS),
        max_choices=reader.whole(data, "max_choices", where, 0, 0, MAX_OPTIONS),
    )
    _check_limits(reader, item, where)
    return item


def _options(reader: _Reader, data: Mapping[str, Any], where: str, kind: Kind) -> tuple[Option, ...]:
    options = []
    for number, part in enumerate(reader.listed(data, "options", where, MAX_OPTIONS)):
        place = f"{where}options.{number}."
        code = reader.text(part, "code", place, 20, needed=True)
        if code and not CODE.match(code):
            reader.wrong(f"{place}code", _("Letters, digits, - and _ only."))
        marks = None
        if part.get("marks") not in (None, ""):
            marks = decimal(part["marks"])
            if marks is None or not -1000 <= marks <= 1000:
                reader.wrong(f"{place}marks", _("A number from −1000 to 1000."))
        options.append(Option(code, reader.text(part, "label", place, 200, needed=True), marks))
    codes = [option.code for option in options]
    if len(set(codes)) < len(codes):
        reader.wrong(f"{where}options", _("Each option needs a code of its own."))
    if kind in WITH_OPTIONS and len(options) < 2:
        reader.wrong(f"{where}options", _("At least two options are needed."))
    if kind not in WITH_OPTIONS and options:
        reader.wrong(f"{where}options", _("An item of this kind has no options."))
    if kind == Kind.YES_NO and options and set(codes) != {"yes", "no"}:
        reader.wrong(f"{where}options", _("A yes-or-no item has the options yes and no."))
    if kind == Kind.SCALE and options and codes != [str(step) for step in range(1, len(codes) + 1)]:
        reader.wrong(f"{where}options", _("The steps of a scale are numbered 1, 2, 3 …"))
    return tuple(options)


def _declines(reader: _Reader, data: Mapping[str, Any], where: str) -> tuple[Decline, ...]:
    given = data.get("declines", [decline.value for decline in Decline])
    if not isinstance(given, list) or not all(value in [d.value for d in Decline] for value in given):
        reader.wrong(f"{where}declines", _("Choose among “don't know” and “no answer”."))
        return ()
    return tuple(decline for decline in Decline if decline.value in given)


def _show_if(reader: _Reader, data: Mapping[str, Any], where: str, earlier: Mapping[str, Item]) -> ShowIf | None:
    given = data.get("show_if")
    if given is None:
        return None
    if not isinstance(given, Mapping):
        reader.wrong(f"{where}show_if", _("This rule cannot be read."))
        return None
    rules = []
    for number, part in enumerate(reader.listed(given, "rules", f"{where}show_if.", MAX_RULES)):
        place = f"{where}show_if.rules.{number}."
        name = reader.text(part, "item", place, 30, needed=True)
        value = reader.text(part, "value", place, 40)
        try:
            op = Op(part.get("op", ""))
        except ValueError:
            reader.wrong(f"{place}op", _("Choose a condition."))
            continue
        other = earlier.get(name)
        if other is None:
            reader.wrong(f"{place}item", _("A rule may only ask of an item that stands before."))
            continue
        problem = _rule_problem(other, op, value)
        if problem:
            reader.wrong(f"{place}value", problem)
        rules.append(Rule(name, op, value))
    if not rules:
        reader.wrong(f"{where}show_if", _("A condition needs at least one rule."))
        return None
    return ShowIf(tuple(rules), reader.flag(given, "any", f"{where}show_if."))


def _rule_problem(other: Item, op: Op, value: str) -> str:
    """Say why the rule can never be asked of that item, or ""."""
    if op in (Op.ANSWERED, Op.DECLINED):
        return ""
    if op == Op.INCLUDES:
        if other.kind != Kind.MULTI:
            return _("“Includes” asks of an item with several answers.")
        return "" if value in other.codes else _("The item has no such option.")
    if op in (Op.IS, Op.IS_NOT):
        if other.kind not in CHOICES:
            return _("“Is” asks of an item with one answer among options.")
        return "" if value in other.codes else _("The item has no such option.")
    if other.kind not in (Kind.NUMBER, Kind.SCALE):
        return _("“At least” and “at most” ask of a number or a scale.")
    return "" if decimal(value) is not None else _("Give a number.")


def _check_limits(reader: _Reader, item: Item, where: str) -> None:
    reading: Callable[[str], Any] = iso_date if item.kind == Kind.DATE else decimal
    limits = []
    for name in ("minimum", "maximum"):
        given = getattr(item, name)
        if not given:
            continue
        if item.kind not in (Kind.NUMBER, Kind.DATE):
            reader.wrong(f"{where}{name}", _("Only numbers and dates have limits."))
        elif reading(given) is None:
            reader.wrong(f"{where}{name}", _("The limit cannot be read."))
        else:
            limits.append(reading(given))
    if len(limits) == 2 and limits[0] > limits[1]:
        reader.wrong(f"{where}maximum", _("The largest value is below the smallest."))
    if item.kind == Kind.MULTI:
        most = item.max_choices or len(item.options)
        if item.min_choices > most or most > len(item.options):
            reader.wrong(f"{where}max_choices", _("There are not that many options."))
    elif item.min_choices or item.max_choices:
        reader.wrong(f"{where}max_choices", _("Only items with several answers limit their number."))
    if item.shuffle and item.kind not in (Kind.SINGLE, Kind.MULTI):
        reader.wrong(f"{where}shuffle", _("Only options without an order of their own may be shuffled."))


def decimal(value: Any) -> Decimal | None:
    """Read a finite decimal of reasonable length from a text or a number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)) or len(str(value)) > 20:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal("1e15") else None


def iso_date(value: Any) -> date | None:
    """Read a date written 2026-04-17; None where it is none."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
