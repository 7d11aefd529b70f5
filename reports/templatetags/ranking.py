"""Cells of the ranking."""

from __future__ import annotations

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reports.ranking import Line

register = template.Library()


@register.simple_tag
def figure(line: Line, key: str) -> SafeString | str:
    """A figure, and the way to the rows behind it where there are some and the reader may open them."""
    value = intcomma(line.count(key))
    url = line.url(key)
    return format_html('<a href="{}">{}</a>', url, value) if url else value
