"""The scheme editor's form: what a person typed, row by row, to a scheme's JSON and back. It saves nothing.

Every field takes what was typed; what is wrong with it is said by SchemeContent alone, whose paths lead back to the
fields. So a row keeps its text whatever is wrong, and rows may be added, moved and removed without being complete.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from outreach.models import Unit
from reports.indicators import INDICATORS
from reports.schemes import (
    BONUS,
    COUNT,
    DEDUCTION,
    DOWN,
    EXACT,
    FULL,
    MOST_ROWS,
    POINTS,
    RATE,
    STARTED,
    UP,
    SchemeError,
)

PAIRS = 5
OWN = "own"  # the answer "another figure" to the question for a line's indicator


def number(text: object) -> str:
    """Return typed digits as the scheme reads them: full-width ones, a percent sign and blanks taken care of."""
    return unicodedata.normalize("NFKC", str(text)).strip().rstrip("%").replace(",", "").strip()


def _number(label: Any, **rest: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=20, widget=widget, **rest)


def _choice(label: Any, choices: Iterable[tuple[str, Any]] = (), **rest: Any) -> forms.CharField:
    # a CharField: an answer no longer offered is said by SchemeContent, at its place
    return forms.CharField(label=label, required=False, max_length=60, widget=forms.Select(choices=choices), **rest)


class Chosen(forms.MultipleChoiceField):
    """Ticks among what is offered. One that is offered no longer, such as a removed group, is dropped later on."""

    def valid_value(self, value: Any) -> bool:
        return True


class RowForm(forms.Form):
    """One row: group, part, line, item or difficulty. `key` ties it to what refers to it."""

    use_required_attribute = False
    needed: tuple[str, ...] = ()  # not marked as optional

    key = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def said(self, name: str) -> str:
        """What stands in a field, "" where it was refused."""
        return str(self.cleaned_data.get(name) or "").strip()


class GroupForm(RowForm):
    needed = ("name", "kind", "codes")
    name = forms.CharField(label=_("Name of the group"), required=False, max_length=50)
    kind = _choice(_("Kind of units"), [(k.value, k.label) for k in Unit.Kind if k != Unit.Kind.DISTRICT])
    within_township = forms.BooleanField(label=_("villages: ranked inside their township"), required=False)
    codes = Chosen(
        label=_("Only these units"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every unit of the kind that no other group names."),
    )


class PartForm(RowForm):
    needed = ("name", "weight")
    name = forms.CharField(label=_("Name of the part"), required=False, max_length=50)
    weight = _number(_("Share in %"))


class LineForm(RowForm):
    needed = (
        *("label", "indicator", "measure", "direction", "weight", "part", "groups", "rule", "full", "zero"),
        *("counting", "each", "factor", "min_denominator"),
    )
    label = forms.CharField(label=_("What is judged"), required=False, max_length=60)
    indicator = _choice(_("Figure"))
    own_indicator = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    measure = _choice(
        _("The figure is"), [(RATE, _("a rate")), (POINTS, _("points given")), (COUNT, _("a number of cases"))]
    )
    direction = _choice(_("Better is"), [(UP, _("more")), (DOWN, _("less"))])
    weight = _number(_("Marks"))
    part = _choice(_("Part"))
    groups = Chosen(label=_("Only for these groups"), required=False, widget=forms.CheckboxSelectMultiple)
    rule = _choice(
        _("Marks by"),
        [
            ("linear", _("proportion between zero and full point")),
            ("steps", _("steps")),
            ("per_point", _("marks off for each point past a floor")),
            ("per_case", _("marks off for each case")),
        ],
    )
    full = _number(_("Full marks at"))
    zero = _number(_("No marks at"))
    counting = _choice(
        _("Points are counted"), [(EXACT, _("exactly")), (FULL, _("full points only")), (STARTED, _("as begun"))]
    )
    whole = forms.BooleanField(label=_("all points at the price of the lowest floor passed"), required=False)
    each = _number(_("Marks off a case"))
    recheck = forms.BooleanField(label=_("cases not put right at the re-check count more"), required=False)
    unfixed = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    factor = _number(_("These count … times"))
    min_denominator = _number(_("Fewest cases"))
    floor = _number(_("Never fewer marks than"))
    cap = _number(_("Never more marks than"))
    most_off = _number(_("Most marks off the total"), help_text=_("Only for a line of 0 marks."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for index in range(PAIRS):
            self.fields[f"at{index}"] = _number(_("Value"))
            self.fields[f"marks{index}"] = _number(_("Marks"))
            for name in (f"at{index}", f"marks{index}"):
                self.fields[name].widget.attrs["aria-label"] = self.fields[name].label

    def pairs(self) -> list[Any]:
        """The rows of steps or floors, as bound fields."""
        return [(self[f"at{index}"], self[f"marks{index}"]) for index in range(PAIRS)]


class ItemForm(RowForm):
    needed = ("label", "kind", "groups", "unfixed_factor")
    label = forms.CharField(label=_("What for"), required=False, max_length=100)
    kind = _choice(_("Kind"), [(BONUS, _("bonus")), (DEDUCTION, _("deduction"))])
    each = _number(_("Marks a case"))
    most_each = _number(_("At most a case"))
    cap = _number(_("At most together"))
    unfixed_factor = _number(_("Not put right: times"))
    evidence = forms.BooleanField(label=_("needs evidence"), required=False)
    groups = Chosen(label=_("Only for these groups"), required=False, widget=forms.CheckboxSelectMultiple)


class DifficultyForm(RowForm):
    needed = ("code", "value")
    code = _choice(_("Unit"))
    value = _number(_("Coefficient"))


class GeneralForm(forms.Form):
    """What holds for the whole scheme."""

    use_required_attribute = False
    needed = ("name", "full", "most_difficulty", "least_counted")

    name = forms.CharField(label=_("Name of the scheme"), max_length=60, required=False)
    full = _number(_("Full marks"))
    bonus_cap = _number(_("Bonus marks together at most"), help_text=_("Empty: no limit."))
    deduction_cap = _number(_("Deductions together at most"), help_text=_("Empty: no limit."))
    most_difficulty = _number(_("Highest difficulty coefficient"))
    least_counted = _number(
        _("Counted at least, % of the marks"), help_text=_("Units of which less can be counted are not ranked.")
    )
    red = _number(_("Red list from"), help_text=_("Empty: no lists."))
    black = _number(_("Black list below"))
    needs = _choice(_("On neither list without"))
    yellow_below = _number(_("Yellow card below"), help_text=_("Empty: no card."))
    yellow_months = _number(_("in so many periods running"))
    basis = forms.CharField(
        label=_("Basis and remarks"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )


FORMS: dict[str, type[RowForm]] = {
    "groups": GroupForm,
    "parts": PartForm,
    "lines": LineForm,
    "items": ItemForm,
    "difficulty": DifficultyForm,
}
LETTERS = {"groups": "g", "parts": "p", "lines": "l", "items": "i", "difficulty": "d"}
NEW_ROWS: dict[str, dict[str, Any]] = {
    "groups": {"kind": "township"},
    "parts": {},
    "lines": {
        "indicator": "coverage",
        "measure": RATE,
        "direction": UP,
        "rule": "linear",
        "zero": "0",
        "full": "100",
        "min_denominator": "10",
        "counting": EXACT,
        "factor": "2",
    },
    "items": {"kind": BONUS, "unfixed_factor": "1", "evidence": True},
    "difficulty": {"value": "1"},
}


class SchemeEditor:
    """A scheme on its way through the browser: its general form and its rows, each bound to what was typed."""

    def __init__(self, general: GeneralForm, rows: dict[str, list[RowForm]], units: Sequence[Unit]) -> None:
        self.general, self.rows, self.units = general, rows, units
        self.problems: list[Any] = []
        self._offer()

    @classmethod
    def of(cls, name: str, content: Mapping[str, Any], units: Sequence[Unit]) -> SchemeEditor:
        """Open a stored scheme."""
        rows = {
            section: [
                form(_posted(row, f"{section}-{index}"), prefix=f"{section}-{index}")
                for index, row in enumerate(_stored_rows(section, content))
            ]
            for section, form in FORMS.items()
        }
        return cls(GeneralForm(_posted(_general_values(name, content))), rows, units)

    @classmethod
    def read(cls, data: MultiValueDict[str, Any], units: Sequence[Unit]) -> SchemeEditor:
        """Read what was posted: `{section}-count` rows of each section, in their order."""
        rows = {}
        for section, form in FORMS.items():
            count = data.get(f"{section}-count", "0")
            count = min(int(count), MOST_ROWS) if count.isascii() and count.isdigit() and len(count) < 5 else 0
            rows[section] = [form(data, prefix=f"{section}-{index}") for index in range(count)]
        return cls(GeneralForm(data), rows, units)

    def act(self, do: str) -> str | None:
        """Add, move or remove a row as a button says ("lines-add", "lines-2-up"); return the row to show, None where
        the button is none of these."""
        section, _dash, rest = do.partition("-")
        index_text, _dash, verb = rest.partition("-")
        if section not in FORMS:
            return None
        rows = [self._values(form) for form in self.rows[section]]
        place = int(index_text) if index_text.isascii() and index_text.isdigit() and len(index_text) < 5 else -1
        if rest == "add" and len(rows) < MOST_ROWS:
            rows.append({**NEW_ROWS[section], "key": self._new_key(section)})
            place = len(rows) - 1
        elif verb == "remove" and 0 <= place < len(rows):
            del rows[place]
            place = min(place, len(rows) - 1)
        elif verb == "up" and 0 < place < len(rows):
            rows[place - 1], rows[place] = rows[place], rows[place - 1]
            place -= 1
        elif verb == "down" and 0 <= place < len(rows) - 1:
            rows[place + 1], rows[place] = rows[place], rows[place + 1]
            place += 1
        else:
            return None
        self.rows[section] = [
            FORMS[section](_posted(row, f"{section}-{index}"), prefix=f"{section}-{index}")
            for index, row in enumerate(rows)
        ]
        self._offer()
        return f"{section}-{max(place, 0)}"

    def content(self) -> dict[str, Any]:
        """Return the scheme's JSON as typed: wrong numbers are still text, for SchemeContent to name."""
        for form in self.every_form:
            form.is_valid()
        said = self.general.cleaned_data
        groups = {form.said("key") for form in self.rows["groups"]}
        red, yellow = said.get("red", ""), said.get("yellow_below", "")
        return {
            "groups": [_group_json(form) for form in self.rows["groups"]],
            "parts": [
                {"key": form.said("key"), "name": form.said("name"), "weight": number(form.said("weight"))}
                for form in self.rows["parts"]
            ],
            "lines": [_line_json(form, groups) for form in self.rows["lines"]],
            "items": [_item_json(form, groups) for form in self.rows["items"]],
            "full": number(said.get("full", "")),
            "bonus_cap": number(said.get("bonus_cap", "")) or None,
            "deduction_cap": number(said.get("deduction_cap", "")) or None,
            "difficulty": {form.said("code"): number(form.said("value")) for form in self.rows["difficulty"]},
            "most_difficulty": number(said.get("most_difficulty", "")),
            "least_counted": number(said.get("least_counted", "")),
            "lists": {"red": number(red), "black": number(said.get("black", "")), "needs": said.get("needs", "")}
            if red
            else None,
            "yellow": {"below": number(yellow), "months": _whole(said.get("yellow_months", ""))} if yellow else None,
            "basis": said.get("basis", ""),
        }

    def show(self, error: SchemeError) -> None:
        """Put what is wrong to its fields; what belongs to no field goes to the top."""
        for path, message in error.problems:
            form, name = self._place(path)
            if form is None or name not in form.fields:
                self.problems.append(message)
            else:
                form.add_error(name, str(message))
                row = form.prefix or ""
                title = self._title(row)
                self.problems.append(f"{title}: {message}" if title else message)

    @property
    def every_form(self) -> list[GeneralForm | RowForm]:
        """All of them."""
        return [self.general, *(form for rows in self.rows.values() for form in rows)]

    @property
    def sections(self) -> list[tuple[str, list[RowForm]]]:
        """Each section with its rows."""
        return list(self.rows.items())

    @property
    def has_field_errors(self) -> bool:
        """Did a field refuse what was typed (too long, an answer not offered)?"""
        return any(form.errors for form in self.every_form)

    def ready(self) -> SchemeEditor:
        """Mark what is needed, for the page alone: what is missing is said by SchemeContent, not by the fields."""
        for form in self.every_form:
            form.is_valid()
            for name in form.needed:
                form.fields[name].required = True
        return self

    def _title(self, prefix: str) -> str:
        section, _dash, index = prefix.partition("-")
        if not index:
            return ""
        form = self.rows[section][int(index)]
        label = form.said("label") or form.said("name")
        return label or str(_("Row %(row)s") % {"row": int(index) + 1})

    def _place(self, path: str) -> tuple[forms.Form | None, str]:
        parts = path.split(".")
        if parts[0] in self.rows and parts[0] != "difficulty":
            if len(parts) < 3 or not parts[1].isdigit() or int(parts[1]) >= len(self.rows[parts[0]]):
                return None, ""
            return self.rows[parts[0]][int(parts[1])], _field_of(parts[2:])
        if parts[0] == "difficulty" and len(parts) > 1:
            return next((form for form in self.rows["difficulty"] if form.said("code") == parts[1]), None), "value"
        names = {"lists.red": "red", "lists.black": "black", "lists.needs": "needs"}
        names |= {"yellow.below": "yellow_below", "yellow.months": "yellow_months"}
        return self.general, names.get(path, parts[0])

    def _values(self, form: RowForm) -> dict[str, Any]:
        form.is_valid()
        values: dict[str, Any] = {}
        for name, field in form.fields.items():
            data = form[name].data
            values[name] = [*(data or [])] if isinstance(field, Chosen) else data
        return values

    def _new_key(self, section: str) -> str:
        used = {str(form["key"].data) for form in self.rows[section]}
        return next(key for n in range(1, 1000) if (key := f"{LETTERS[section]}{n}") not in used)

    def _offer(self) -> None:
        """Give every row's questions their answers: groups, parts, figures, units of this scheme."""
        groups = [(str(form["key"].data), str(form["name"].data or "")) for form in self.rows["groups"]]
        parts = [("", "—"), *((str(form["key"].data), str(form["name"].data or "")) for form in self.rows["parts"])]
        lines = [("", "—"), *((str(form["key"].data), str(form["label"].data or "")) for form in self.rows["lines"])]
        counted = [(key, indicator.name) for key, indicator in INDICATORS.items()]
        figures = [*counted, (OWN, _("another figure, entered by hand"))]
        named = [(unit.code, unit.name) for unit in self.units if unit.kind != Unit.Kind.VILLAGE]
        self.general.fields["needs"].widget.choices = lines
        for form in self.rows["groups"]:
            _answers(form, "codes", named)
        for form in self.rows["lines"]:
            form.fields["indicator"].widget.choices = figures
            form.fields["part"].widget.choices = parts
            _answers(form, "groups", groups)
        for form in self.rows["items"]:
            _answers(form, "groups", groups)
        for form in self.rows["difficulty"]:
            form.fields["code"].widget.choices = [("", "—"), *((u.code, u.name) for u in self.units)]


def _answers(form: forms.Form, name: str, choices: list[tuple[str, Any]]) -> None:
    field = form.fields[name]
    assert isinstance(field, Chosen)
    field.choices = choices


# ---- stored content ↔ what stands in the fields


def _stored_rows(section: str, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    if section == "difficulty":
        pairs = enumerate(content["difficulty"].items(), 1)
        return [{"key": f"d{row}", "code": code, "value": value} for row, (code, value) in pairs]
    if section == "lines":
        return [_line_values(row) for row in content["lines"]]
    return [{name: "" if value is None else value for name, value in row.items()} for row in content[section]]


def _line_values(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: "" if value is None else value for name, value in row.items() if name != "rule"}
    rule = {"counting": EXACT, "factor": "2", "unfixed": "", **row["rule"]}
    for index, (place, marks) in enumerate(rule.pop("steps", None) or rule.pop("floors", None) or []):
        values |= {f"at{index}": place, f"marks{index}": marks}
    values |= {"rule": rule.pop("kind"), "recheck": bool(rule["unfixed"]), **rule}
    if row["indicator"] not in INDICATORS:
        values |= {"indicator": OWN, "own_indicator": row["indicator"]}
    return values


def _general_values(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    lists, yellow = content["lists"] or {}, content["yellow"] or {}
    values = {key: content[key] for key in ("full", "bonus_cap", "deduction_cap", "most_difficulty", "least_counted")}
    values |= {"name": name, "basis": content["basis"], **lists}
    values |= {"yellow_below": yellow.get("below"), "yellow_months": yellow.get("months")}
    return {key: "" if value is None else value for key, value in values.items()}


def _posted(values: Mapping[str, Any], prefix: str = "") -> MultiValueDict[str, Any]:
    """Return values as a browser would post them: what is not ticked is not there."""
    start = f"{prefix}-" if prefix else ""
    data: MultiValueDict[str, Any] = MultiValueDict()
    for name, value in values.items():
        if isinstance(value, list):
            data.setlist(start + name, value)
        elif value is not None and value is not False:
            data[start + name] = "on" if value is True else str(value)
    return data


def _field_of(path: Sequence[str]) -> str:
    """The line's field of a path such as rule.steps.2."""
    if path[0] != "rule" or len(path) == 1:
        return path[0]
    if path[1] in ("steps", "floors"):
        return f"at{path[2]}" if len(path) > 2 else "at0"
    return "rule" if path[1] == "kind" else path[1]


def _whole(text: str) -> int | str:
    digits = number(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 7 else digits


def _group_json(form: RowForm) -> dict[str, Any]:
    return {
        "key": form.said("key"),
        "name": form.said("name"),
        "kind": form.said("kind"),
        "codes": form.cleaned_data.get("codes", []),
        "within_township": bool(form.cleaned_data.get("within_township")),
    }


def _line_json(form: RowForm, groups: set[str]) -> dict[str, Any]:
    indicator = form.said("indicator")
    if indicator == OWN:
        indicator = form.said("own_indicator") or f"own_{form.said('key')}"
    kind = form.said("rule")
    rule: dict[str, Any] = {"kind": kind}
    if kind == "linear":
        rule |= {"zero": number(form.said("zero")), "full": number(form.said("full"))}
    elif kind in ("steps", "per_point"):
        pairs = [[number(form.said(f"at{row}")), number(form.said(f"marks{row}"))] for row in range(PAIRS)]
        rule["steps" if kind == "steps" else "floors"] = [pair for pair in pairs if any(pair)]
        if kind == "per_point":
            rule |= {"counting": form.said("counting"), "whole": bool(form.cleaned_data.get("whole"))}
    elif kind == "per_case":
        again = form.said("unfixed") or f"{indicator[:32]}_unfixed"
        rule |= {"each": number(form.said("each")), "factor": number(form.said("factor"))}
        rule["unfixed"] = again if form.cleaned_data.get("recheck") else ""
    return {
        "key": form.said("key"),
        "indicator": indicator,
        "label": form.said("label"),
        "weight": number(form.said("weight")),
        "rule": rule,
        "measure": form.said("measure"),
        "direction": form.said("direction"),
        "part": form.said("part"),
        "groups": [key for key in form.cleaned_data.get("groups", []) if key in groups],
        "floor": number(form.said("floor")) or "0",
        "cap": number(form.said("cap")) or None,
        "most_off": number(form.said("most_off")) or None,
        "min_denominator": _whole(form.said("min_denominator")),
    }


def _item_json(form: RowForm, groups: set[str]) -> dict[str, Any]:
    return {
        "key": form.said("key"),
        "label": form.said("label"),
        "kind": form.said("kind"),
        "each": number(form.said("each")) or None,
        "most_each": number(form.said("most_each")) or None,
        "cap": number(form.said("cap")) or None,
        "unfixed_factor": number(form.said("unfixed_factor")) or "1",
        "evidence": bool(form.cleaned_data.get("evidence")),
        "groups": [key for key in form.cleaned_data.get("groups", []) if key in groups],
    }
