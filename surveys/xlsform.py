"""A questionnaire as an XLSForm workbook (sheets survey, choices, settings) and back: a clear subset.

Types select_one, select_multiple, integer, decimal, text, date, note (the words before and after), and a group with
the appearance table-list for a matrix. Conditions: comparisons of ${item} with a value, selected(${item}, 'code'),
joined by and, or by or. Limits: `.` compared with a value, string-length(.), count-selected(.). Columns of our own:
kind, declines, dimension, unit (sheet survey) and marks (sheet choices); other programs pass over them. What is none
of this is refused with its row, never left out in silence.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import python_calamine
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

from outreach import workbooks
from surveys.questionnaire import (
    CHOICES,
    Content,
    ContentError,
    Item,
    Kind,
    Op,
    Rule,
    from_json,
)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_BYTES = 5 * 1024 * 1024
# what zipfile and calamine raise over a file that is damaged, encrypted or no workbook
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, python_calamine.CalamineError, RuntimeError, NotImplementedError, EOFError),
    *(OSError, ValueError, LookupError),
)
SURVEY = ("type", "name", "label", "hint", "required", "relevant", "constraint", "parameters", "appearance")
OURS = ("kind", "declines", "dimension", "unit")
CHOICE_COLUMNS = ("list_name", "name", "label", "marks")
IGNORED = ("constraint_message", "required_message", "guidance_hint", "read_only", "readonly", "note")
COMPARE = {Op.IS: "=", Op.IS_NOT: "!=", Op.AT_LEAST: ">=", Op.AT_MOST: "<="}
OPS = {sign: op for op, sign in COMPARE.items()}
CONDITION = re.compile(r"^\$\{(\w+)\}\s*(=|!=|>=|<=)\s*('[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?)$", re.ASCII)
SELECTED = re.compile(r"^selected\(\s*\$\{(\w+)\}\s*,\s*('[^']*'|\"[^\"]*\")\s*\)$", re.ASCII)
LIMIT = re.compile(
    r"^(\.|string-length\(\.\)|count-selected\(\.\))\s*(>=|<=)\s*(-?\d+(?:\.\d+)?|date\(\s*'[\d-]+'\s*\)|'[\d-]+')$",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What cannot be taken over: `row` is the line of the sheet, or the item's key when writing; "" the whole file."""

    sheet: str
    row: str
    text: str


class XlsFormError(ValueError):
    """The workbook, or the questionnaire, goes beyond the subset."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.sheet} {fault.row}: {fault.text}" for fault in faults))
        self.faults = faults


# ---- writing


def write(content: Content) -> bytes:
    """Return the questionnaire as a workbook. Raises XlsFormError naming the items that XLSForm has no words for."""
    survey: list[Mapping[str, Any]] = []
    choices: list[tuple[Any, ...]] = []
    faults: list[Fault] = []
    if content.intro:
        survey.append({"type": "note", "name": "note_intro", "label": content.intro})
    for item in content.items:
        try:
            survey += _item_rows(item, content)
        except ValueError as error:
            faults.append(Fault("survey", item.key, str(error)))
        for option in item.options:
            marks = "" if option.marks is None else str(option.marks)
            choices.append((f"list_{item.key}", option.code, option.label, marks))
    if content.thanks:
        survey.append({"type": "note", "name": "note_thanks", "label": content.thanks})
    if faults:
        raise XlsFormError(faults)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "survey"
    columns = (*SURVEY, *OURS)
    _fill(sheet, columns, [tuple(row.get(name, "") for name in columns) for row in survey])
    _fill(book.create_sheet("choices"), CHOICE_COLUMNS, choices)
    _fill(book.create_sheet("settings"), ("form_title",), [(content.title,)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _fill(sheet: Any, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    for place, cells in enumerate([columns, *rows], 1):
        for column, value in enumerate(cells, 1):
            cell = sheet.cell(place, column)
            cell.value = value or None
            cell.data_type = "s" if value else "n"  # a text stays a text: no formula, no lost zero
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if place == 1:
                cell.font = Font(bold=True)
    for column, name in enumerate(columns):
        sheet.column_dimensions[chr(65 + column)].width = 40 if name in ("label", "hint") else 18
    sheet.freeze_panes = "A2"


def _item_rows(item: Item, content: Content) -> list[dict[str, Any]]:
    row: dict[str, Any] = {
        "name": item.key,
        "label": item.text,
        "hint": item.explanation,
        "required": "no" if item.is_optional else "yes",
        "relevant": _relevant(item, content),
        "constraint": " and ".join(_constraints(item)),
        "parameters": "randomize=true" if item.shuffle else "",
        "kind": item.kind.value,
        "declines": " ".join(item.declines) or "none",
        "dimension": item.dimension,
        "unit": item.unit,
    }
    if item.kind == Kind.MATRIX:
        lines = [
            {"type": f"select_one list_{item.key}", "name": f"{item.key}__{line.key}", "label": line.label}
            for line in item.rows
        ]
        return [row | {"type": "begin_group", "appearance": "table-list"}, *lines, {"type": "end_group"}]
    types = {Kind.MULTI: f"select_multiple list_{item.key}", Kind.TEXT: "text", Kind.DATE: "date"}
    types |= dict.fromkeys(CHOICES, f"select_one list_{item.key}")
    types[Kind.NUMBER] = "integer" if item.is_whole else "decimal"
    return [row | {"type": types[item.kind]}]


def _relevant(item: Item, content: Content) -> str:
    if item.show_if is None:
        return ""
    parts = [_condition(rule, content.by_key[rule.item]) for rule in item.show_if.rules]
    return (" or " if item.show_if.any else " and ").join(parts)


def _condition(rule: Rule, other: Item) -> str:
    if rule.op == Op.DECLINED:
        raise ValueError(_("XLSForm has no words for “was not answered” as a condition."))
    if rule.op == Op.ANSWERED:
        if other.kind == Kind.MATRIX:
            raise ValueError(_("XLSForm has no words for a condition on a matrix."))
        return f"${{{rule.item}}} != ''"
    if rule.op == Op.INCLUDES:
        return f"selected(${{{rule.item}}}, '{rule.value}')"
    value = rule.value if rule.op in (Op.AT_LEAST, Op.AT_MOST) else f"'{rule.value}'"
    return f"${{{rule.item}}} {COMPARE[rule.op]} {value}"


def _constraints(item: Item) -> list[str]:
    def quoted(value: str) -> str:
        return f"date('{value}')" if item.kind == Kind.DATE else value

    parts = [f". >= {quoted(item.minimum)}"] if item.minimum else []
    parts += [f". <= {quoted(item.maximum)}"] if item.maximum else []
    parts += [f"count-selected(.) >= {item.min_choices}"] if item.min_choices else []
    parts += [f"count-selected(.) <= {item.max_choices}"] if item.max_choices else []
    parts += [f"string-length(.) <= {item.max_length}"] if item.kind == Kind.TEXT and item.max_length != 500 else []
    return parts


# ---- reading


@dataclass
class _Row:
    number: int
    cells: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


@dataclass
class _Reader:
    choices: dict[str, list[dict[str, str]]]
    items: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # the sheet's row of each item
    faults: list[Fault] = field(default_factory=list)
    intro: str = ""
    thanks: str = ""
    group: dict[str, Any] | None = None

    def wrong(self, row: _Row, text: str) -> None:
        self.faults.append(Fault("survey", str(row.number), text))

    def take(self, row: _Row) -> None:
        kind = " ".join(row["type"].split()).replace("begin group", "begin_group").replace("end group", "end_group")
        name, _blank, listed = kind.partition(" ")
        if self.group is not None and name not in ("end_group", "select_one"):
            return self.wrong(row, _("A matrix holds lines of the type select_one only."))
        if name == "note":
            return self._note(row)
        if name == "begin_group":
            if row["appearance"] not in ("table-list", "label"):
                return self.wrong(row, _("Groups can be taken over only as a matrix: appearance table-list."))
            self.group = self._common(row) | {"kind": Kind.MATRIX.value, "rows": [], "options": []}
            self.lines.append(row.number)
            return None
        if name == "end_group":
            if self.group is None:
                return self.wrong(row, _("A group ends here that never began."))
            self.items.append(self.group)
            self.group = None
            return None
        if name in ("select_one", "select_multiple"):
            if listed not in self.choices:
                return self.wrong(row, _("The sheet choices has no list named “%(name)s”.") % {"name": listed})
            if self.group is not None:
                return self._line(row, listed)
            return self._add(row, self._select(row, name, self.choices[listed]))
        if name == "integer" or name == "decimal":
            whole = {"is_whole": True} if name == "integer" else {}
            return self._add(row, {"kind": Kind.NUMBER.value} | whole)
        if name in ("text", "date"):
            return self._add(row, {"kind": name})
        return self.wrong(row, _("The type “%(type)s” cannot be taken over.") % {"type": kind[:40]})

    def _note(self, row: _Row) -> None:
        if not self.items and not self.intro and row["name"] != "note_thanks":
            self.intro = row["label"]
        elif not self.thanks:
            self.thanks = row["label"]
        else:
            self.wrong(row, _("Only one note before the items and one after them can be taken over."))

    def _line(self, row: _Row, listed: str) -> None:
        assert self.group is not None
        options = self.choices[listed]
        if self.group["options"] and self.group["options"] != options:
            return self.wrong(row, _("All lines of a matrix need the same list of choices."))
        self.group["options"] = options
        key = row["name"].removeprefix(f"{self.group['key']}__")
        self.group["rows"].append({"key": key, "label": row["label"]})
        return None

    def _select(self, row: _Row, name: str, options: list[dict[str, str]]) -> dict[str, Any]:
        codes = [option["code"] for option in options]
        kind = Kind.MULTI if name == "select_multiple" else Kind.SINGLE
        if kind == Kind.SINGLE and row["kind"] in (Kind.SCALE, Kind.YES_NO, Kind.SINGLE):
            kind = Kind(row["kind"])
        elif kind == Kind.SINGLE and set(codes) == {"yes", "no"}:
            kind = Kind.YES_NO
        return {"kind": kind.value, "options": options}

    def _add(self, row: _Row, made: dict[str, Any]) -> None:
        item = self._common(row) | made
        try:
            item |= _limits(row["constraint"], item["kind"])
        except ValueError as error:
            self.wrong(row, str(error))
        self.items.append(item)
        self.lines.append(row.number)

    def _common(self, row: _Row) -> dict[str, Any]:
        item: dict[str, Any] = {
            "key": row["name"],
            "text": row["label"],
            "explanation": row["hint"],
            "dimension": row["dimension"],
            "unit": row["unit"],
            "is_optional": row["required"].lower() not in ("yes", "true", "true()", "1", "是"),
        }
        if "declines" in row.cells and row["declines"]:
            item["declines"] = [] if row["declines"] == "none" else row["declines"].split()
        if "randomize=true" in row["parameters"].replace(" ", "").lower():
            item["shuffle"] = True
        elif row["parameters"]:
            self.wrong(row, _("Of the parameters only randomize=true can be taken over."))
        if row["relevant"]:
            try:
                item["show_if"] = _show_if(row["relevant"], {one["key"]: one for one in self.items})
            except ValueError as error:
                self.wrong(row, str(error))
        return item


def _split(text: str) -> tuple[list[str], bool]:
    """Return the parts joined by and, or by or. ValueError where both stand, or brackets join them."""
    all_of = re.split(r"\s+and\s+", text.strip())
    any_of = re.split(r"\s+or\s+", text.strip())
    if len(all_of) > 1 and len(any_of) > 1:
        raise ValueError(_("“and” and “or” together cannot be taken over."))
    return (any_of, True) if len(any_of) > 1 else (all_of, False)


def _show_if(text: str, earlier: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    parts, is_any = _split(text)
    return {"any": is_any, "rules": [_rule(part.strip(), earlier) for part in parts]}


def _rule(part: str, earlier: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    if found := SELECTED.match(part):
        name, value = found[1], found[2][1:-1]
        multi = earlier.get(name, {}).get("kind") == Kind.MULTI.value
        return {"item": name, "op": (Op.INCLUDES if multi else Op.IS).value, "value": value}
    found = CONDITION.match(part)
    if not found:
        raise ValueError(_("The condition “%(text)s” cannot be taken over.") % {"text": part[:80]})
    name, sign, value = found[1], found[2], found[3].strip("'\"")
    op = OPS[sign]
    if not value:
        if op != Op.IS_NOT:
            raise ValueError(_("The condition “%(text)s” cannot be taken over.") % {"text": part[:80]})
        op = Op.ANSWERED
    return {"item": name, "op": op.value, "value": value}


def _limits(text: str, kind: str) -> dict[str, Any]:
    if not text:
        return {}
    parts, is_any = _split(text)
    limits: dict[str, Any] = {}
    for part in parts:
        found = LIMIT.match(part.strip())
        if not found or is_any:
            raise ValueError(_("The constraint “%(text)s” cannot be taken over.") % {"text": part[:80]})
        what, is_least = found[1], found[2] == ">="
        value = found[3].removeprefix("date(").rstrip(")").strip().strip("'")
        if what == ".":
            limits["minimum" if is_least else "maximum"] = value
        elif what.startswith("count") and kind == Kind.MULTI.value and value.isdigit():
            limits["min_choices" if is_least else "max_choices"] = int(value[:6])
        elif what.startswith("string") and kind == Kind.TEXT.value and not is_least and value.isdigit():
            limits["max_length"] = int(value[:6])
        else:
            raise ValueError(_("The constraint “%(text)s” cannot be taken over.") % {"text": part[:80]})
    return limits


def read(data: bytes) -> Content:
    """Return the questionnaire of a workbook. Raises XlsFormError with every row that cannot be taken over."""
    sheets = _sheets(data)
    if "survey" not in sheets:
        raise XlsFormError([Fault("", "", _("The workbook has no sheet named survey: this is no XLSForm."))])
    faults: list[Fault] = []
    reader = _Reader(_choices(_rows("choices", sheets.get("choices", []), faults)))
    reader.faults += faults
    for row in _rows("survey", sheets["survey"], reader.faults):
        if row["type"] not in ("start", "end", "today", "deviceid"):  # about the phone: nothing a respondent is asked
            reader.take(row)
    if reader.group is not None:
        reader.faults.append(Fault("survey", "", _("A group is never ended.")))
    settings = _rows("settings", sheets.get("settings", []), reader.faults)
    title = next((row["form_title"] for row in settings if row["form_title"]), "") or _("Questionnaire")
    if reader.faults:
        raise XlsFormError(reader.faults)
    try:
        return from_json({"title": title, "intro": reader.intro, "thanks": reader.thanks, "items": reader.items})
    except ContentError as error:
        raise XlsFormError(
            [Fault("survey", _line_of(place, reader), text) for place, text in error.problems]
        ) from error


def _line_of(place: str, reader: _Reader) -> str:
    parts = place.split(".")
    at = int(parts[1]) if parts[0] == "items" and len(parts) > 1 else -1
    return str(reader.lines[at]) if 0 <= at < len(reader.lines) else ""


def _choices(rows: list[_Row]) -> dict[str, list[dict[str, str]]]:
    lists: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        option = {"code": row["name"], "label": row["label"]} | ({"marks": row["marks"]} if row["marks"] else {})
        lists.setdefault(row["list_name"] or row["list name"], []).append(option)
    return lists


def _rows(sheet: str, table: list[list[str]], faults: list[Fault]) -> list[_Row]:
    if not table:
        return []
    header = [re.sub(r"::.*$", "", cell).strip().lower() for cell in table[0]]
    known = {*SURVEY, *OURS, *CHOICE_COLUMNS, *IGNORED, "list name", "form_title"}
    rows = []
    for number, cells in enumerate(table[1:], 2):
        named: dict[str, str] = {}
        for name, cell in zip(header, cells, strict=False):
            if name and cell:
                named.setdefault(name, cell)  # of several languages the first
        if named:
            rows.append(_Row(number, named))
        # settings tell other programs how to run a form: of them only the title is ours
        strangers = [name for name in named if name not in known] if sheet == "survey" else []
        faults += [
            Fault(sheet, str(number), _("The column “%(name)s” cannot be taken over.") % {"name": name[:40]})
            for name in strangers
        ]
    return rows


def _sheets(data: bytes) -> dict[str, list[list[str]]]:
    if len(data) > MAX_BYTES:
        raise XlsFormError([Fault("", "", _("The file is larger than 5 MB."))])
    try:
        workbooks.guard(data)
        book = python_calamine.load_workbook(io.BytesIO(data))
        sheets = {}
        for name in book.sheet_names:
            if name.lower() not in ("survey", "choices", "settings"):
                continue
            table = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            sheets[name.lower()] = [[_cell(value) for value in row] for row in table]
        return sheets
    except workbooks.OversizedError as error:
        text = _("The sheet is too large.") if error.part else _("The file is larger than 5 MB.")
        raise XlsFormError([Fault(error.part, "", text)]) from error
    except BROKEN as error:
        text = _("This is not an .xlsx workbook, or it is damaged. Save it as .xlsx and upload that.")
        raise XlsFormError([Fault("", "", text)]) from error


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
