"""Cells of the ranking. Written in Python: a district has 400 villages with 14 cells each."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from reports import ranking as shown
from reports.ranking import Line, Share

register = template.Library()

# Thousands by f"{:,}": Django groups Chinese numbers by four digits, which no table here does.
# the markup of components/rate.html, with a bar beside a desk's narrow columns and below the label on a phone
SHARE = """<div class="rate"><span class="rate-label phone-only">{}</span><span class="rate-figures">{}\
<span class="rate-parts">{}</span></span><svg class="bar bar--{}" viewBox="0 0 100 6" preserveAspectRatio="none" \
aria-hidden="true"><rect class="bar-fill" width="{}" height="6"></rect></svg>{}</div>"""


@register.simple_tag
def figure(line: Line, key: str) -> SafeString | str:
    """A figure, and the way to the rows behind it where there are some and the reader may open them."""
    value = f"{line.count(key):,}"
    url = line.url(key)
    return format_html('<a href="{}">{}</a>', url, value) if url else value


@register.simple_tag
def percent(value: Decimal | None) -> str:
    """86.72%, or — where there is no rate."""
    return shown.percent(value)


@register.simple_tag
def share(rate: Share) -> SafeString:
    """A rate with its parts and bar, leading to the rows of its denominator; with its interval where cases are few."""
    return format_html(
        SHARE,
        rate.indicator.name,
        format_html('<a class="rate-value" href="{}">{}</a>', rate.url, shown.percent(rate.value))
        if rate.url
        else format_html('<span class="rate-value">{}</span>', shown.percent(rate.value)),
        f"{rate.numerator:,}/{rate.denominator:,}",
        "accent" if rate.indicator.key == "coverage" else "good",
        rate.width,
        few(rate),
    )


def few(rate: Share) -> SafeString | str:
    """The interval of a rate of so few cases that it is not ranked."""
    interval = rate.interval
    if interval is None or not rate.is_few:
        return ""
    text = _("95%% interval %(low).0f–%(high).0f%%") % {"low": interval[0], "high": interval[1]}
    return format_html('<span class="rate-parts">{}</span>', text)
