"""The builder's forms: what a person typed to a draft's JSON and back. It saves nothing.

A draft is kept as it was typed, complete or not: no field refuses an answer but for its length. What is wrong is said
by questionnaire.from_json alone, whose places ("items.3.options.1.label") lead back to the fields.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from outreach.models import Unit
from surveys.questionnaire import (
    KEY,
    MAX_ITEMS,
    MAX_OPTIONS,
    MAX_ROWS,
    MAX_RULES,
    WITH_OPTIONS,
    ContentError,
    Kind,
    Op,
    from_json,
)

KIND_LABELS: dict[Kind, str | Promise] = {
    Kind.SINGLE: _("one answer among options"),
    Kind.MULTI: _("several answers among options"),
    Kind.SCALE: pgettext_lazy("item", "scale"),
    Kind.YES_NO: _("yes or no"),
    Kind.NUMBER: pgettext_lazy("item", "number"),
    Kind.TEXT: pgettext_lazy("item", "text"),
    Kind.DATE: pgettext_lazy("item", "date"),
    Kind.MATRIX: _("matrix: lines answered by the same options"),
}
OP_LABELS: dict[Op, str | Promise] = {
    Op.IS: pgettext_lazy("skip rule", "is"),
    Op.IS_NOT: pgettext_lazy("skip rule", "is not"),
    Op.INCLUDES: pgettext_lazy("skip rule", "includes"),
    Op.AT_LEAST: pgettext_lazy("skip rule", "is at least"),
    Op.AT_MOST: pgettext_lazy("skip rule", "is at most"),
    Op.ANSWERED: pgettext_lazy("skip rule", "was answered"),
    Op.DECLINED: pgettext_lazy("skip rule", "was not answered (don't know, no answer)"),
}
Draft = dict[str, Any]


def number(text: object) -> str:
    """Return typed digits as JSON keeps them: full-width ones and blanks taken care of."""
    return unicodedata.normalize("NFKC", str(text)).strip()


def _text(data: Any, name: str) -> str:
    value = data.get(name, "") if isinstance(data, Mapping) else ""
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _listed(data: Any, name: str) -> list[Any]:
    value = data.get(name) if isinstance(data, Mapping) else None
    return value if isinstance(value, list) else []


# ---- a draft's items


def items_of(content: Any) -> list[Draft]:
    """Return a draft's items, each with a key of its own: the key is what the builder's pages name them by."""
    items = [dict(item) for item in _listed(content, "items") if isinstance(item, Mapping)]
    for item in items:
        key = item.get("key")
        if not isinstance(key, str) or not KEY.match(key) or sum(other.get("key") == key for other in items) > 1:
            item["key"] = free_key(items)
    return items


def free_key(items: Iterable[Mapping[str, Any]]) -> str:
    """Return a key that no item has yet."""
    used = {item.get("key") for item in items}
    return next(key for place in range(1, 1000) if (key := f"q{place}") not in used)


def new_item(kind: Kind, items: Sequence[Draft]) -> Draft:
    """Return an empty item of a kind, with as many empty options as its kind begins with."""
    item: Draft = {"key": free_key(items), "kind": kind.value, "text": ""}
    if kind == Kind.YES_NO:
        # an interface text would follow the writer's language; a questionnaire is asked in Chinese
        item["options"] = [{"code": "yes", "label": "是"}, {"code": "no", "label": "否"}]
    elif kind in WITH_OPTIONS:
        count = 5 if kind in (Kind.SCALE, Kind.MATRIX) else 2
        item["options"] = [{"code": str(place), "label": ""} for place in range(1, count + 1)]
    if kind == Kind.MATRIX:
        item["rows"] = [{"key": "r1", "label": ""}, {"key": "r2", "label": ""}]
    return item


def act(items: list[Draft], do: str) -> str | None:
    """Move, copy or remove an item as a button says ("up-q3"); return the key to show, None where it is no such button.

    Changes `items`.
    """
    verb, _dash, key = do.partition("-")
    place = next((place for place, item in enumerate(items) if item["key"] == key), None)
    if place is None:
        return None
    if verb == "up" and place > 0:
        items[place - 1], items[place] = items[place], items[place - 1]
    elif verb == "down" and place + 1 < len(items):
        items[place + 1], items[place] = items[place], items[place + 1]
    elif verb == "copy" and len(items) < MAX_ITEMS:
        items.insert(place + 1, items[place] | {"key": free_key(items)})
        return str(items[place + 1]["key"])
    elif verb == "remove":
        del items[place]
        return str(items[min(place, len(items) - 1)]["key"]) if items else ""
    else:
        return None
    return key


def rename(items: Iterable[Draft], old: str, new: str) -> None:
    """Let the skip rules that name an item follow its new key."""
    for item in items:
        for rule in _listed(item.get("show_if"), "rules"):
            if isinstance(rule, dict) and rule.get("item") == old:
                rule["item"] = new


def problems(content: Any) -> list[tuple[str, str]]:
    """Say what keeps a draft from being published: (place, what to do)."""
    try:
        from_json(content)
    except ContentError as error:
        return error.problems
    return []


# ---- forms


def _line(label: Any, limit: int, **rest: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=limit, **rest)


def _digits(label: Any, **rest: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=20, widget=widget, **rest)


def _area(label: Any, limit: int, rows: int, **rest: Any) -> forms.CharField:
    return _line(label, limit, widget=forms.Textarea(attrs={"rows": rows}), **rest)


class KeepsForm(forms.Form):
    """Takes what was typed; marks as optional only what may stay empty."""

    use_required_attribute = False
    needed: tuple[str, ...] = ()

    def said(self, name: str) -> str:
        """What stands in a field, "" where it was refused."""
        return str(self.cleaned_data.get(name) or "").strip()

    def ready(self) -> None:
        """Mark what is needed, for the page alone."""
        self.is_valid()
        for name in self.needed:
            self.fields[name].required = True


class HeadForm(KeepsForm):
    """What stands around the items."""

    needed = ("title",)
    title = _line(_("Title, as respondents see it"), 100)
    intro = _area(_("Words before the first item"), 1000, 4)
    thanks = _area(_("Words of thanks at the end"), 500, 2)


class OptionForm(KeepsForm):
    needed = ("code", "label")
    code = _line(pgettext_lazy("option", "Code"), 20)
    label = _line(pgettext_lazy("option", "Answer"), 200)
    marks = _digits(_("Marks"))


class LineForm(KeepsForm):
    needed = ("key", "label")
    key = _line(_("Key"), 30)
    label = _line(pgettext_lazy("matrix", "Line"), 200)


class RuleForm(KeepsForm):
    needed = ("item", "op", "value")
    item = _line(_("Earlier item"), 30, widget=forms.Select)
    op = _line(_("Condition"), 20, widget=forms.Select(choices=[("", "—"), *((op.value, OP_LABELS[op]) for op in Op)]))
    value = _line(_("Option code or number"), 40)


class ItemForm(KeepsForm):
    """One item without its options, lines and skip rules."""

    needed = ("key", "kind", "text")
    text = _area(_("Question"), 500, 2)
    kind = _line(_("How it is answered"), 20, widget=forms.Select)
    key = _line(_("Key"), 30, help_text=_("The item's name in exports and skip rules: small letters, digits and _."))
    explanation = _area(
        _("Explanation"),
        1000,
        3,
        help_text=_(
            "Says what the words of the question mean; the same for every interviewer. Never which answer to give."
        ),
    )
    dimension = _line(_("Dimension"), 40, help_text=_("Items of one dimension are read together."))
    unit = _line(
        pgettext_lazy("item", "Responsible unit"),
        12,
        widget=forms.Select,
        help_text=_("Answers for what the item asks about."),
    )
    is_optional = forms.BooleanField(label=_("may be left empty"), required=False)
    shuffle = forms.BooleanField(label=_("options in another order for each respondent"), required=False)
    dont_know = forms.BooleanField(label=_("“don't know” may be chosen"), required=False)
    refused = forms.BooleanField(label=_("“no answer” may be chosen"), required=False)
    minimum = _line(_("Smallest value"), 20, help_text=_("Of a number, or a date such as 2026-04-17."))
    maximum = _line(_("Largest value"), 20)
    is_whole = forms.BooleanField(label=_("whole numbers only"), required=False)
    max_length = _digits(_("Longest text, characters"))
    min_choices = _digits(_("Fewest choices"))
    max_choices = _digits(_("Most choices"), help_text=_("0: any number."))
    join = forms.CharField(
        label=_("The item is asked where"),
        required=False,
        max_length=5,
        widget=forms.Select(choices=[("all", _("all rules hold")), ("any", _("any rule holds"))]),
    )


SECTIONS: dict[str, tuple[type[KeepsForm], int]] = {
    "options": (OptionForm, MAX_OPTIONS),
    "rows": (LineForm, MAX_ROWS),
    "rules": (RuleForm, MAX_RULES),
}


class ItemEditor:
    """One item on its way through the browser: its form and its rows, each bound to what was typed."""

    def __init__(self, form: ItemForm, rows: dict[str, list[KeepsForm]], earlier: Sequence[Draft]) -> None:
        self.form, self.rows, self.earlier = form, rows, earlier
        self.problems: list[str] = []

    @classmethod
    def of(cls, item: Draft, earlier: Sequence[Draft]) -> ItemEditor:
        """Open a stored item; `earlier`: the items before it, which its skip rules may ask of."""
        show_if = item.get("show_if")
        stored = {
            "options": [{n: _text(o, n) for n in ("code", "label", "marks")} for o in _listed(item, "options")],
            "rows": [{n: _text(o, n) for n in ("key", "label")} for o in _listed(item, "rows")],
            "rules": [{n: _text(o, n) for n in ("item", "op", "value")} for o in _listed(show_if, "rules")],
        }
        names = ("text", "kind", "key", "explanation", "dimension", "unit", "minimum", "maximum", "max_length")
        values: Draft = {name: _text(item, name) for name in (*names, "min_choices", "max_choices")}
        values |= {name: item.get(name) is True for name in ("is_optional", "shuffle", "is_whole")}
        declines = item["declines"] if isinstance(item.get("declines"), list) else ["dont_know", "refused"]
        values |= {name: name in declines for name in ("dont_know", "refused")}
        values["join"] = "any" if isinstance(show_if, Mapping) and show_if.get("any") is True else "all"
        return cls(ItemForm(_posted(values)), {name: _bound(name, rows) for name, rows in stored.items()}, earlier)

    @classmethod
    def read(cls, data: MultiValueDict[str, Any], earlier: Sequence[Draft]) -> ItemEditor:
        """Read what was posted: `{section}-count` rows of each section, in their order."""
        rows = {}
        for section, (form, most) in SECTIONS.items():
            given = data.get(f"{section}-count", "0")
            count = min(int(given), most) if given.isascii() and given.isdigit() and len(given) < 5 else 0
            rows[section] = [form(data, prefix=f"{section}-{place}") for place in range(count)]
        return cls(ItemForm(data), rows, earlier)

    def act(self, do: str) -> bool:
        """Add, move or remove a row as a button says ("options-add", "options-2-up"); False where it is none."""
        section, _dash, rest = do.partition("-")
        if section not in SECTIONS:
            return False
        rows = [{name: form[name].data or "" for name in form.fields} for form in self.rows[section]]
        given, _dash, verb = rest.partition("-")
        place = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else -1
        if rest == "add" and len(rows) < SECTIONS[section][1]:
            rows.append(self._new_row(section, rows))
        elif verb == "remove" and 0 <= place < len(rows):
            del rows[place]
        elif verb == "up" and 0 < place < len(rows):
            rows[place - 1], rows[place] = rows[place], rows[place - 1]
        elif verb == "down" and 0 <= place < len(rows) - 1:
            rows[place + 1], rows[place] = rows[place], rows[place + 1]
        else:
            return False
        if section == "options" and self.form["kind"].data == Kind.SCALE.value:
            for step, row in enumerate(rows, 1):  # a scale's steps are their numbers
                row["code"] = str(step)
        self.rows[section] = _bound(section, rows)
        return True

    @staticmethod
    def _new_row(section: str, rows: list[Draft]) -> Draft:
        if section == "rules":
            return {"op": Op.IS.value}
        name, letter = ("code", "") if section == "options" else ("key", "r")
        used = {row[name] for row in rows}
        return {name: next(code for n in range(1, 1000) if (code := f"{letter}{n}") not in used)}

    @property
    def key(self) -> str:
        """The key typed, once valid() was asked."""
        return self.form.said("key")

    def valid(self) -> bool:
        """Say whether every field took what was typed (nothing is too long)."""
        refused = [form for form in self.every_form if not form.is_valid()]
        return not refused

    def item(self) -> Draft:
        """Return the item's JSON as typed; what does not belong to its kind is left out, so that a changed kind never
        leaves a remnant that no field shows."""
        said = self.form.said
        kind = said("kind")
        made: Draft = {"key": said("key"), "kind": kind, "text": said("text")}
        made |= {name: said(name) for name in ("explanation", "dimension", "unit") if said(name)}
        made |= {name: True for name in ("is_optional",) if self.form.cleaned_data[name]}
        if kind in WITH_OPTIONS:
            made["options"] = [
                {"code": row.said("code"), "label": row.said("label")}
                | ({"marks": number(row.said("marks"))} if row.said("marks") else {})
                for row in self.rows["options"]
            ]
        if kind in (Kind.SINGLE, Kind.MULTI) and self.form.cleaned_data["shuffle"]:
            made["shuffle"] = True
        if kind == Kind.MATRIX:
            made["rows"] = [{"key": row.said("key"), "label": row.said("label")} for row in self.rows["rows"]]
        if kind in (Kind.NUMBER, Kind.DATE):
            made |= {name: number(said(name)) for name in ("minimum", "maximum") if said(name)}
        if kind == Kind.NUMBER and self.form.cleaned_data["is_whole"]:
            made["is_whole"] = True
        counted = {Kind.TEXT.value: ("max_length",), Kind.MULTI.value: ("min_choices", "max_choices")}
        made |= {name: _whole(said(name)) for name in counted.get(kind, ()) if said(name)}
        made["declines"] = [name for name in ("dont_know", "refused") if self.form.cleaned_data[name]]
        if self.rows["rules"]:
            rules = [{name: row.said(name) for name in ("item", "op", "value")} for row in self.rows["rules"]]
            for rule in rules:
                if rule["op"] in (Op.ANSWERED, Op.DECLINED):
                    rule["value"] = ""
            made["show_if"] = {"any": said("join") == "any", "rules": rules}
        return made

    def show(self, place: int, found: Iterable[tuple[str, str]]) -> None:
        """Put what is wrong with the `place`-th item to its fields; what belongs to no field goes to the top."""
        for where, text in found:
            start = f"items.{place}."
            if not where.startswith(start):
                continue
            parts = where.removeprefix(start).removeprefix("show_if.").split(".")
            form: KeepsForm = self.form
            if len(parts) == 3 and parts[0] in self.rows and int(parts[1]) < len(self.rows[parts[0]]):
                form = self.rows[parts[0]][int(parts[1])]
            form.is_valid()
            if parts[-1] in form.fields and (len(parts) == 1 or form is not self.form):
                form.add_error(parts[-1], text)
            else:
                self.problems.append(text)

    @property
    def every_form(self) -> list[KeepsForm]:
        """All of them."""
        return [self.form, *(form for rows in self.rows.values() for form in rows)]

    @property
    def sections(self) -> list[tuple[str, int]]:
        """Each section with its number of rows."""
        return [(name, len(rows)) for name, rows in self.rows.items()]

    def ready(self, units: Iterable[Unit]) -> ItemEditor:
        """Offer the answers of the selects, and mark what is needed."""
        _offer(self.form, "kind", [(kind.value, KIND_LABELS[kind]) for kind in Kind])
        _offer(self.form, "unit", [("", "—"), *((unit.code, unit.name) for unit in units)])
        items = [
            (item["key"], f"{place}. {_text(item, 'text')[:30] or item['key']}")
            for place, item in self.earlier_numbered
        ]
        for form in self.rows["rules"]:
            _offer(form, "item", [("", "—"), *items])
        for form in self.every_form:
            form.ready()
        return self

    @property
    def earlier_numbered(self) -> list[tuple[int, Draft]]:
        """The items before, with their numbers."""
        return list(enumerate(self.earlier, 1))

    @property
    def earlier_options(self) -> list[tuple[int, str, list[tuple[str, str]]]]:
        """The codes a skip rule may name: number and text of the item, its options."""
        return [
            (place, _text(item, "text"), [(_text(o, "code"), _text(o, "label")) for o in _listed(item, "options")])
            for place, item in self.earlier_numbered
            if _listed(item, "options")
        ]


def _whole(text: str) -> int | str:
    digits = number(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else digits


def _offer(form: forms.Form, name: str, choices: list[tuple[str, Any]]) -> None:
    given = form[name].data
    if given and given not in [value for value, _label in choices]:
        choices = [*choices, (given, given)]  # what was typed stays on the page; from_json says what is wrong with it
    form.fields[name].widget.choices = choices


def _posted(values: Mapping[str, Any], prefix: str = "") -> MultiValueDict[str, Any]:
    named = {f"{prefix}-{name}" if prefix else name: value for name, value in values.items()}
    return MultiValueDict(
        {name: ["on" if value is True else value] for name, value in named.items() if value is not False}
    )


def _bound(section: str, rows: Iterable[Mapping[str, Any]]) -> list[KeepsForm]:
    form = SECTIONS[section][0]
    return [form(_posted(row, f"{section}-{place}"), prefix=f"{section}-{place}") for place, row in enumerate(rows)]
