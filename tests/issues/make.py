"""Makes issues for tests, through the write door."""

from __future__ import annotations

from typing import Any

from issues import actions
from issues.models import Category, Issue, RoutingRule
from outreach.models import Unit
from tests.cast import Cast


def category(name: str = "路灯照明") -> Category:
    """A category of the shipped tree, by name."""
    return Category.objects.get(name=name)


def route(to: Unit, name: str = "交通道路", **fields: Any) -> RoutingRule:
    """A rule that sends a category to a unit."""
    order = RoutingRule.objects.count() + 1
    return RoutingRule.objects.create(**{"category": category(name), "unit": to, "sort_order": order, **fields})


def issue_at(cast: Cast, state: str = "assigned", holder: Unit | None = None, **fields: Any) -> Issue:
    """An issue of 石桥村 in `state`, held by the roads department unless another department or 青溪镇 is named."""
    people = {
        cast.roads.pk: cast.department_handler,
        cast.water.pk: cast.outside_handler,
        cast.qingxi.pk: cast.township_admin,
    }
    holder = holder or cast.roads
    values = {"by": cast.district_office, "category": category("其他问题"), "kind": "need", "place": cast.shiqiao}
    issue = actions.open_issue(**{**values, "text": "村口路灯不亮", **fields})
    steps = ["new", "assigned", "accepted", "done", "closed"]
    for target in steps[1 : steps.index(state) + 1]:
        match target:
            case "assigned":
                issue = move(issue, "dispatch", cast.district_office, note="属其职责", unit=holder)
            case "accepted":
                issue = move(issue, "accept", people[holder.pk])
            case "done":
                issue = move(issue, "finish", people[holder.pk], note="已修好", outcome="solved")
            case "closed":
                issue = move(issue, "close", cast.supervisor)
    return issue


def move(issue: Issue, name: str, by: Any, **fields: Any) -> Issue:
    """Move an issue on at the version it has."""
    return actions.move_issue(issue=issue, move=name, by=by, version=issue.version, **fields)
