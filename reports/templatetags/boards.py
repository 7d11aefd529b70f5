"""Parts of the boards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from reports.board_links import Count
from reports.indicators import rate
from reports.standing import Headline, Standing

register = template.Library()


@register.simple_tag
def count(shown: Count) -> SafeString | str:
    """A figure, and the way to its rows where there are some and the reader may open them."""
    value = f"{shown.value:,}"
    return format_html('<a href="{}">{}</a>', shown.url, value) if shown.url else value


@register.simple_tag
def opens(text: str, url: str) -> SafeString | str:
    """Words that lead to what they are about."""
    return format_html('<a href="{}">{}</a>', url, text) if url else text


@register.inclusion_tag("boards/_headline.html")
def coverage_figure(figure: Headline, standing: Standing) -> dict[str, Any]:
    """The coverage rate, held against the time that has passed."""
    elapsed = standing.elapsed.percent
    return {
        "figure": figure,
        "title": _("Coverage rate"),
        "icon": "home",
        "parts": _("visited / to visit"),
        "unit": _(" households"),
        "pace": elapsed,
        "pace_label": _("against the time passed, %(percent)s%%") % {"percent": elapsed},
        "gap": None if figure.value is None else figure.value - elapsed,
    }


@register.inclusion_tag("boards/_headline.html")
def solution_figure(figure: Headline, standing: Standing, ended: int, raised: int) -> dict[str, Any]:
    """The solution rate. It judges only what is due or ended, so it is not itself held against the time: what of all
    that was raised has been signed off is."""
    elapsed = standing.elapsed.percent
    share = rate(ended, raised)
    return {
        "figure": figure,
        "title": _("Solution rate"),
        "icon": "check-circle",
        "parts": _("solved / judged"),
        "unit": _(" issues"),
        "pace": "",
        "ended": _("%(share)s%% (%(ended)s/%(raised)s)")
        % {"share": "—" if share is None else share, "ended": f"{ended:,}", "raised": f"{raised:,}"}
        if raised
        else "—",
        "pace_label": _("signed off against the time passed, %(percent)s%%") % {"percent": elapsed},
        "gap": None if share is None else share - elapsed,
    }


@register.filter
def points(value: Decimal | None) -> str:
    """A difference of rates with its sign: +1.20, -0.35, or — without a base."""
    return "—" if value is None else f"{value:+.2f}"
