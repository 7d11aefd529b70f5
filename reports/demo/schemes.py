"""Schemes of the demo: one in force for townships and villages, one for departments, a draft to try; figures entered
and approved, and a few bonuses and deductions in every state."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from outreach.models import Campaign, Unit, User
from reports.actions import marks
from reports.actions import schemes as actions
from reports.demo import scores
from reports.models import Scheme
from reports.presets import PRESETS
from reports.schemes import SchemeContent

BASIS = "示例办法：分值、满分点和扣分标准均可在“考核办法”中修改，发布后不再变动。"
DEPARTMENTS = "区直部门考核办法"
LEGAL = ("439900D01", "439900D02", "439900D03", "439900D04", "439900D05")
# code → visits found true, visits checked
SPOT_CHECKS = {"439900101": (47, 50), "439900102": (43, 48), "439900001": (39, 40)}


def add_schemes(campaign: Campaign, staff: dict[str, User], today: date) -> None:
    """Write and publish, enter and approve, as the office and the supervisor would have done."""
    office, supervisor = staff["O001"], staff["S001"]
    townships = townships_and_villages()
    content = townships.to_json()
    scheme = actions.create_scheme(campaign=campaign, name=scores.NAME, content=content, by=office)
    actions.publish_scheme(scheme=scheme, by=office)
    for_departments = replace(PRESETS["department"].build(LEGAL), basis=BASIS).to_json()
    departments = actions.create_scheme(campaign=campaign, name=DEPARTMENTS, content=for_departments, by=office)
    actions.publish_scheme(scheme=departments, by=office)
    _draft(scheme, townships, office)
    last = min(campaign.starts_on + timedelta(days=6), today)
    units = {unit.code: unit for unit in Unit.objects.filter(code__startswith=campaign.district.code)}
    rows = [
        marks.FigureRow(
            indicator_key="spot_check",
            unit=units[code],
            first=campaign.starts_on,
            last=last,
            numerator=Decimal(true),
            denominator=Decimal(checked),
            value=(Decimal(100 * true) / checked).quantize(Decimal("0.01")),
            evidence="区督查组电话抽查，名单由系统随机抽取",
        )
        for code, (true, checked) in SPOT_CHECKS.items()
    ]
    figures = marks.enter_figures(campaign=campaign, rows=rows, by=office)
    marks.decide_figures(figures=figures, approve=True, by=supervisor)
    _entries(scheme, units, campaign.starts_on, office, supervisor)


def townships_and_villages() -> SchemeContent:
    """The two schemes of the field in one: each group with lines of its own."""
    towns, villages = (PRESETS[key].build(()) for key in ("township", "village"))
    lines = [replace(line, groups=("townships",)) for line in towns.lines]
    lines += [replace(line, key=f"village_{line.key}", groups=("villages",)) for line in villages.lines]
    return replace(towns, groups=towns.groups + villages.groups, lines=tuple(lines), basis=BASIS)


def _draft(scheme: Scheme, content: SchemeContent, office: User) -> None:
    """The next version: solving weighs more, visiting less."""
    weights = {"coverage": Decimal(10), "place_solvable": Decimal(25)}
    lines = tuple(replace(line, weight=weights.get(line.key, line.weight)) for line in content.lines)
    changed = replace(content, lines=lines).to_json()
    actions.create_scheme(campaign=scheme.campaign, name=scheme.name, content=changed, by=office)


def _entries(scheme: Scheme, units: dict[str, Unit], start: date, office: User, supervisor: User) -> None:
    items = {item.key: replace(item, evidence=False) for item in scheme.read_content().items}
    told = [
        ("praise", "439900101", "0.5", "群众送锦旗一面，感谢解决饮水问题", False, True),
        ("late_report", "439900102", "0.2", "第一周周报迟报一天", False, True),
        ("false_record", "439900102", "1", "抽查发现一户走访记录不实，复查仍未更正", True, True),
        ("experience", "439900001", "1", "“楼栋议事”做法被市简报采用", False, None),
        ("praise", "439900001", "0.5", "电话表扬，未能核实来电人", False, False),
    ]
    for key, code, points, reason, unfixed, approve in told:
        entry = marks.propose_adjustment(
            campaign=scheme.campaign,
            item=items[key],
            unit=units[code],
            points=Decimal(points),
            reason=reason,
            happened_on=start,
            unfixed=unfixed,
            by=office,
        )
        if approve is not None:
            decision = "" if approve else "佐证不足"
            marks.decide_adjustment(entry=entry, approve=approve, decision=decision, by=supervisor)
