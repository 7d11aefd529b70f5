"""Makes issues for tests, through the write door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from issues import actions, workflow
from issues.models import CallBack, Category, Issue, RoutingRule
from outreach.models import Unit
from tests.cast import Cast


def category(name: str = "路灯照明") -> Category:
    """A category of the shipped tree, by name."""
    return Category.objects.get(name=name)


def route(to: Unit, name: str = "交通道路", **fields: Any) -> RoutingRule:
    """A rule that sends a category to a unit."""
    order = RoutingRule.objects.count() + 1
    return RoutingRule.objects.create(**{"category": category(name), "unit": to, "sort_order": order, **fields})


STRAIGHT = ["new", "assigned", "accepted", "done", "verified", "closed"]
# the states beside the straight way, by the steps that lead there
WAYS = {
    "returned": ["assigned", "returned"],
    "arbitration": ["assigned", "arbitration"],
    "paused": ["assigned", "accepted", "paused"],
    "reported": ["assigned", "accepted", "reported"],
    "merged": ["merged"],
    "refused": ["refused"],
}


def answer(issue: Issue, by: Any, *, solved: bool = True, content: str = "content", **fields: Any) -> CallBack:
    """The resident was called and answered."""
    values = {"channel": "phone", "reached": "reached", "contacted": True, "solved": solved, "content": content}
    return actions.record_call_back(issue=issue, by=by, version=issue.version, **{**values, **fields})


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
    for target in WAYS.get(state, STRAIGHT[1 : STRAIGHT.index(state) + 1] if state in STRAIGHT else []):
        match target:
            case "assigned":
                issue = move(issue, "dispatch", cast.district_office, note="属其职责", unit=holder)
            case "accepted":
                issue = move(issue, "accept", people[holder.pk])
            case "done":
                issue = move(issue, "finish", people[holder.pk], note="已修好", outcome="solved")
            case "verified":
                issue = move(issue, "verify", cast.supervisor)
            case "closed":
                if issue.household_id is not None:
                    answer(issue, cast.supervisor)
                    issue.refresh_from_db()
                issue = move(issue, "close", cast.supervisor)
            case "returned":
                issue = move(issue, "return", people[holder.pk], note="不属本单位职责", reason="not_mine")
            case "arbitration":
                for _time in range(workflow.MAX_RETURNS):
                    issue = move(issue, "return", people[holder.pk], note="不属本单位职责", reason="not_mine")
                    issue = move(issue, "dispatch", cast.district_office, note="属其职责", unit=holder)
                issue = move(issue, "appeal", people[holder.pk], note="第三次退回", reason="not_mine")
            case "paused":
                until = timezone.localdate() + timedelta(days=20)
                issue = move(issue, "ask_pause", people[holder.pk], note="等汛期过", reason="weather", until=until)
                issue = move(issue, "pause", cast.district_office)
            case "reported":
                issue = move(issue, "report_up", people[holder.pk], note="需省里立项", to_whom="省交通运输厅")
            case "merged":
                main = issue_at(cast, "new", text="同一盏路灯")
                issue = move(issue, "merge", cast.district_office, note="同一件事", main=main)
            case "refused":
                issue = move(issue, "refuse", cast.district_office, note="已由法院受理", reason="court")
    return issue


def move(issue: Issue, name: str, by: Any, **fields: Any) -> Issue:
    """Move an issue on at the version it has."""
    return actions.move_issue(issue=issue, move=name, by=by, version=issue.version, **fields)
