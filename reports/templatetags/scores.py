"""What pages of scores say in words."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from outreach.templatetags.components import icon

register = template.Library()


@register.simple_tag
def ahead(points: Decimal | None) -> SafeString | str:
    """Progress against elapsed time: ahead or behind by so many percentage points; — without a base."""
    if points is None:
        return "—"
    figure = _("%(points)s percentage points") % {"points": f"{abs(points):.2f}"}
    if points >= 0:
        words, tone, name = _("ahead %(figure)s"), "good", "check-circle"
    else:
        words, tone, name = _("behind %(figure)s"), "bad", "alert"
    return format_html('<span class="delta delta--{}">{} {}</span>', tone, icon(name), words % {"figure": figure})
