"""Numbers of plans, deductions and shortfalls as people write them, and the tabs over their pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

register = template.Library()


@register.filter
def plain(value: Decimal | None) -> str:
    """A number without needless zeros: 0.5, 12, 1.25; — for none."""
    if value is None:
        return "—"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.inclusion_tag("components/tabs.html", takes_context=True)
def work_tabs(context: Context) -> dict[str, Any]:
    """The sibling pages: tasks, plans, units without duty, deductions, shortfalls."""
    path = context["request"].path
    pages = [
        ("task_list", pgettext("navigation", "Tasks")),
        ("plan_list", _("Plans")),
        ("unit_duties", _("Units without duty")),
        ("deduction_list", _("Deductions from above")),
        ("shortfall_list", _("Shortfalls")),
    ]
    items = []
    for name, label in pages:
        url = reverse(f"reports:{name}")
        items.append({"url": url, "label": label, "current": path.startswith(url)})
    return {"items": items, "label": _("Plans and shortfalls")}
