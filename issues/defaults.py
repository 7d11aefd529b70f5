"""A first routing table for a district: which department usually answers for which category."""

from __future__ import annotations

from django.db import transaction

from issues.models import Category, RoutingRule
from outreach.models import Unit

# category (root, or root › child) → what the department's name contains
DEPARTMENTS = {
    "交通道路": ("交通运输局",),
    "水利饮水": ("水利局",),
    "环境卫生": ("城市管理", "城管", "生态环境"),
    "社会救助": ("民政局",),
    "残疾人服务": ("残联", "残疾人联合会"),
    "医疗卫生": ("卫生健康局", "卫健局"),
    "医保报销": ("医疗保障局", "医保局"),
    "教育": ("教育局",),
    "就业社保": ("人力资源和社会保障局", "人社局"),
    "住房建设": ("住房和城乡建设局", "住建局"),
    "宅基地审批": ("农业农村局", "自然资源局"),
    "产权办证": ("自然资源局",),
    "治安安全": ("公安局", "公安分局"),
    "消防隐患": ("消防", "应急管理局"),
    "农业生产": ("农业农村局",),
    "法律咨询": ("司法局",),
}
# What the township settles itself, near the people it concerns.
TOWNSHIP = ("矛盾纠纷",)


@transaction.atomic
def create_default_rules(district: Unit) -> int:
    """Add a rule for each category above whose department exists in `district`; return how many were added.

    A category that has a rule in the district already is left as it is, so that running it again changes nothing.
    Rules for a child category stand before those for its root, since the first match wins.
    """
    departments = list(Unit.objects.within(district).departments().active())
    order = RoutingRule.objects.count() * 10
    added = 0
    wanted = {name: find(departments, parts) for name, parts in DEPARTMENTS.items()}
    categories = Category.objects.filter(name__in=[*wanted, *TOWNSHIP], is_active=True)
    # children first: their codes are longer than their root's
    for category in sorted(categories, key=lambda row: (row.parent_id is None, row.sort_order)):
        unit = wanted.get(category.name)
        if unit is None and category.name not in TOWNSHIP:
            continue
        rules = RoutingRule.objects.filter(category=category)
        mine = rules.filter(unit__code__startswith=district.code) if unit else rules.exclude(target="unit")
        if mine.exists():
            continue
        order += 10
        target = RoutingRule.Target.UNIT if unit else RoutingRule.Target.TOWNSHIP
        RoutingRule.objects.create(sort_order=order, category=category, target=target, unit=unit)
        added += 1
    return added


def find(departments: list[Unit], parts: tuple[str, ...]) -> Unit | None:
    """Return the first department whose name contains one of `parts`, trying them in turn, or None."""
    return next((unit for part in parts for unit in departments if part in unit.name), None)
