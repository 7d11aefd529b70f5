"""A pasted or uploaded list of tasks or shortfalls, row by row into what the actions take; errors stay with the row."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from outreach.models import Unit
from reports.actions.plans import MAX_TITLE, TaskContent
from reports.actions.shortfalls import ShortfallContent
from reports.indicators import INDICATORS
from reports.models import PeerScore, Shortfall, WorkPlan, WorkTask, item_key
from reports.tables import Owners, Row, day_of, folded, number_of

Measure = WorkTask.Measure

TASK_COLUMNS: dict[str, tuple[str, ...]] = {
    "title": ("任务", "工作任务", "任务内容", "重点任务", "工作内容", "任务名称", "task"),
    "unit": ("责任单位", "牵头单位", "承办单位", "责任部门", "responsible unit", "unit"),
    "person": ("责任人", "负责人", "责任领导", "承办人", "person in charge", "person"),
    "due_on": ("完成时限", "时限", "完成时间", "时间节点", "截止日期", "due on"),
    "target": ("目标值", "目标", "量化指标", "目标任务", "target"),
    "helpers": ("配合单位", "协办单位", "helping units"),
    "detail": ("工作要求", "要求", "具体措施", "工作措施", "requirements"),
}
SHORTFALL_COLUMNS: dict[str, tuple[str, ...]] = {
    "item": ("失分项目", "失分事项", "项目", "指标", "考核项目", "item"),
    "points": ("失分", "失分值", "扣分", "失分分值", "points lost"),
    "cause": ("失分原因", "原因", "cause"),
    "unit": ("责任单位", "牵头单位", "责任部门", "responsible unit"),
    "person": ("责任人", "负责人", "责任领导", "person in charge"),
    "measure": ("整改措施", "措施", "measure"),
    "due_on": ("完成时限", "整改时限", "时限", "due on"),
    "helpers": ("配合单位", "协办单位", "helping units"),
}
PEER_COLUMNS: dict[str, tuple[str, ...]] = {
    "item": ("失分项目", "项目", "指标", "考核项目", "item"),
    "peer": ("县区", "县（区）", "县市区", "单位", "county"),
    "points": ("失分", "失分值", "扣分", "points lost"),
}
AMOUNT = re.compile(r"(?:≥|>=|不低于|达到|不少于)?([\d.,]+)(%|％)?([^\d%％]{0,6})")
NAMES = re.compile(r"[、，,;；/／]")


def tasks_of(rows: list[Row], plan: WorkPlan) -> list[tuple[Row, TaskContent | None]]:
    """Return each row with the task it makes, None where it has errors. A fixed number of queries."""
    owners = Owners(plan.district)
    there = {
        (unit, folded(title)) for unit, title in plan.tasks.exclude(state="cancelled").values_list("unit", "title")
    }
    names = indicator_names()
    return [(row, task_of(row, plan, owners, there, names)) for row in rows]


def task_of(
    row: Row, plan: WorkPlan, owners: Owners, there: set[tuple[int, str]], names: dict[str, str]
) -> TaskContent | None:
    """Return the task of one row, or None having written into the row what is wrong."""
    cells = row.cells
    title = cells["title"]
    if not title or len(title) > MAX_TITLE:
        row.errors.append(_("The task must have 1 to %(count)d characters.") % {"count": MAX_TITLE})
    unit = owners.unit(cells["unit"], row)
    person = owners.person(cells["person"], unit, row) if unit else None
    due_on = day_of(cells["due_on"], plan.starts_on.year)
    if due_on is not None and due_on < plan.starts_on:
        due_on = day_of(cells["due_on"], plan.ends_on.year)  # a plan over New Year, a day without its year
    if due_on is None:
        row.errors.append(_("The due day “%(text)s” is none: write it as 2026-04-17.") % {"text": cells["due_on"]})
    elif not plan.starts_on <= due_on <= plan.ends_on:
        row.errors.append(
            _("The due day %(day)s is outside the plan (%(first)s – %(last)s).")
            % {"day": due_on, "first": plan.starts_on, "last": plan.ends_on}
        )
    if unit is not None and title:
        key = (unit.pk, folded(title))
        if key in there:
            row.errors.append(_("This unit has this task in the plan already."))
        there.add(key)
    helpers = units_of(cells["helpers"], owners, row)
    measured = measure_of(cells["target"], title, plan, names, row)
    if row.errors or person is None or due_on is None:
        return None
    return TaskContent(title=title, person=person, due_on=due_on, detail=cells["detail"], helpers=helpers, **measured)


def units_of(text: str, owners: Owners, row: Row) -> tuple[Unit, ...]:
    """Return the helping units a cell names; writes an error into the row for each that is none."""
    found = [owners.unit(name.strip(), row) for name in NAMES.split(text) if name.strip()]
    return tuple({unit.pk: unit for unit in found if unit is not None}.values())


def indicator_names() -> dict[str, str]:
    """The names of the figures the program counts, in both languages → key."""
    names: dict[str, str] = {}
    for language in ("zh-hans", "en"):
        with override(language):
            names |= {folded(str(indicator.name)): key for key, indicator in INDICATORS.items()}
    return names


def measure_of(text: str, title: str, plan: WorkPlan, names: dict[str, str], row: Row) -> dict[str, Any]:
    """Read a target: “入户率 ≥95%” is a figure the program counts, “100%” a percentage, “500户” a number, and words
    that hold no number mean done or not."""
    match = AMOUNT.search(folded(text))
    amount = number_of(match[1]) if match else None
    if match is None or amount is None or amount <= 0:
        if text:
            row.notes.append(_("target in words: done or not"))
        return {"measure": Measure.DONE}
    if match[2]:
        named = next((key for name, key in names.items() if name in folded(text)), "")
        if named and plan.campaign_id:
            row.notes.append(_("the program counts it: %(name)s") % {"name": INDICATORS[named].name})
            return {"measure": Measure.INDICATOR, "indicator": named, "target": amount}
        if amount > 100:
            row.errors.append(_("A percentage is 100 at most."))
        return {"measure": Measure.PERCENT, "target": amount}
    return {"measure": Measure.COUNT, "target": amount, "target_unit": match[3][:10]}


def shortfalls_of(rows: list[Row], district: Unit, year: int) -> list[tuple[Row, ShortfallContent | None]]:
    """Return each row with the shortfall it makes, None where it has errors. A fixed number of queries."""
    owners = Owners(district)
    there = set(Shortfall.objects.filter(district=district, year=year).values_list("item_key", "unit"))
    return [(row, shortfall_of(row, year, owners, there)) for row in rows]


def shortfall_of(row: Row, year: int, owners: Owners, there: set[tuple[str, int]]) -> ShortfallContent | None:
    """Return the shortfall of one row, or None having written into the row what is wrong."""
    cells = row.cells
    if not cells["item"] or len(cells["item"]) > 100:
        row.errors.append(_("The item must have 1 to %(count)d characters.") % {"count": 100})
    points = points_of(cells["points"], row, least=Decimal("0.001"))
    unit = owners.unit(cells["unit"], row)
    person = owners.person(cells["person"], unit, row) if unit else None
    if not cells["measure"]:
        row.errors.append(_("The measure is missing."))
    due_on: date | None = day_of(cells["due_on"], year + 1)
    if due_on is None:
        row.errors.append(_("The due day “%(text)s” is none: write it as 2026-04-17.") % {"text": cells["due_on"]})
    elif not 2015 <= due_on.year <= 2045:
        row.errors.append(_("Choose days between 2015 and 2045."))
    if unit is not None:
        key = (item_key(cells["item"]), unit.pk)
        if key in there:
            row.errors.append(_("This shortfall of this unit is on the list already."))
        there.add(key)
    helpers = units_of(cells["helpers"], owners, row)
    if row.errors or points is None or person is None or due_on is None:
        return None
    return ShortfallContent(
        year=year,
        item=cells["item"],
        points=points,
        cause=cells["cause"],
        person=person,
        measure=cells["measure"],
        due_on=due_on,
        helpers=helpers,
    )


def points_of(text: str, row: Row, *, least: Decimal) -> Decimal | None:
    """Return the points a cell names, to 3 decimals, or None having written into the row what is wrong."""
    points = number_of(text.replace("分", "").lstrip("-－"))
    if points is None or not least <= points < 1000:
        row.errors.append(_("“%(text)s” is no number of points.") % {"text": text})
        return None
    return points.quantize(Decimal("0.001"))


def peers_of(rows: list[Row]) -> list[tuple[Row, tuple[str, str, Decimal] | None]]:
    """Return each row of other counties' scores as (item, county, points lost), None where it has errors."""
    found = []
    for row in rows:
        cells = row.cells
        for key, most in (("item", 100), ("peer", PeerScore._meta.get_field("peer").max_length or 50)):
            if not cells[key] or len(cells[key]) > most:
                row.errors.append(_("A cell is empty or too long."))
        points = points_of(cells["points"], row, least=Decimal(0))
        good = None if row.errors or points is None else (cells["item"], cells["peer"], points)
        found.append((row, good))
    return found
