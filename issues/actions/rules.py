"""Keeping the routing rules."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from issues.models import RoutingRule
from outreach import access, audit
from outreach.access import Permission
from outreach.models import User


@transaction.atomic
def save_rule(*, rule: RoutingRule, by: User) -> RoutingRule:
    """Store a new or changed routing rule, already validated by its form; a new one goes to the end.

    Issues that were routed before stay where they are.
    """
    access.demand(by, Permission.ISSUE_SETUP)
    if rule.pk is None:
        last = RoutingRule.objects.aggregate(last=Max("sort_order"))["last"] or 0
        rule.sort_order = last + 10
    rule.save()
    audit.record("issue.rule_save", rule, by=by, rule=str(rule), is_active=rule.is_active)
    return rule


@transaction.atomic
def shift_rule(*, rule: RoutingRule, up: bool, by: User) -> None:
    """Let `rule` change places with its neighbour above or below; at either end nothing happens."""
    access.demand(by, Permission.ISSUE_SETUP)
    rules = list(RoutingRule.objects.select_for_update().order_by("sort_order", "pk"))
    index = [row.pk for row in rules].index(rule.pk)
    other = index - 1 if up else index + 1
    if not 0 <= other < len(rules):
        return
    rules[index], rules[other] = rules[other], rules[index]
    # numbered anew, because rules made elsewhere may share a number
    for number, row in enumerate(rules, 1):
        row.sort_order = number * 10
    RoutingRule.objects.bulk_update(rules, ["sort_order"])
    audit.record("issue.rule_shift", rule, by=by, rule=str(rule), up=up)
