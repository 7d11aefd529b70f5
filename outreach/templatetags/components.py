"""The declared components: every page is built from these (docs/design-system.md shows each with its attributes).

An unknown attribute is a TemplateSyntaxError when the template is read; an unknown value of `tone`, `variant` or an
icon's name is a ComponentError when it is rendered. Texts are passed ready translated.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from django import template
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from outreach.charts import Chart

if TYPE_CHECKING:
    from django.core.paginator import Page
    from django.forms import BoundField
    from django.template import Context

register = template.Library()

TONE_ICONS = {
    "neutral": "",
    "info": "info",
    "accent": "dot",
    "good": "check-circle",
    "warn": "alert",
    "bad": "x-circle",
}
MESSAGE_TONES = {"debug": "neutral", "info": "info", "success": "good", "warning": "warn", "error": "bad"}
VARIANTS = ("primary", "secondary", "danger", "quiet")
BUTTON_TYPES = ("submit", "button", "reset")


class ComponentError(ImproperlyConfigured):
    """A component was given a value it does not know. A programmer's mistake: tests render every page."""


def _one_of(component: str, attribute: str, value: str, allowed: Any) -> str:
    if value not in allowed:
        raise ComponentError(f"{component}: {attribute}={value!r} is unknown; one of: {', '.join(sorted(allowed))}")
    return value


@cache
def icon_names() -> frozenset[str]:
    """Return the names drawn in static/icons.svg."""
    return frozenset(re.findall(r'<symbol id="([a-z-]+)"', (settings.BASE_DIR / "static/icons.svg").read_text()))


@register.simple_tag
def icon(name: str, *, label: str = "", size: str = "") -> SafeString:
    """Draw an icon. Without `label` it is decoration and hidden from screen readers. `size`: "", "large", "huge"."""
    _one_of("icon", "name", name, icon_names())
    _one_of("icon", "size", size, ("", "large", "huge"))
    classes = f"icon icon--{size}" if size else "icon"
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}"></use></svg>', classes, label, icon_href(name)
        )
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"></use></svg>', classes, icon_href(name))


@cache
def icon_href(name: str) -> str:
    """The address of a drawing. Kept: a list draws hundreds, and the name with its digest is looked up each time."""
    return f"{static('icons.svg')}#{name}"


def _button_classes(variant: str, small: bool, wide: bool, icon_only: bool) -> str:
    _one_of("button", "variant", variant, VARIANTS)
    marks = {"small": small, "wide": wide, "icon": icon_only}
    return " ".join(["button", f"button--{variant}", *(f"button--{mark}" for mark, on in marks.items() if on)])


@register.inclusion_tag("components/button.html")
def button(
    label: str,
    *,
    variant: str = "primary",
    icon: str = "",
    type: str = "submit",
    name: str = "",
    value: str = "",
    form: str = "",
    formaction: str = "",
    small: bool = False,
    wide: bool = False,
    icon_only: bool = False,
    disabled: bool = False,
    id: str = "",
    hx_get: str = "",
    hx_post: str = "",
    hx_target: str = "",
    hx_swap: str = "",
) -> dict[str, Any]:
    """A button of a form. `icon_only` keeps the label for screen readers and as a tooltip."""
    return {
        "label": label,
        "icon": icon,
        "icon_only": icon_only,
        "classes": _button_classes(variant, small, wide, icon_only),
        "disabled": disabled,
        "attributes": {
            "type": _one_of("button", "type", type, BUTTON_TYPES),
            "id": id,
            "name": name,
            "value": value,
            "form": form,
            "formaction": formaction,
            "hx-get": hx_get,
            "hx-post": hx_post,
            "hx-target": hx_target,
            "hx-swap": hx_swap,
        },
    }


@register.inclusion_tag("components/link_button.html")
def link_button(
    label: str,
    url: str,
    *,
    variant: str = "secondary",
    icon: str = "",
    small: bool = False,
    wide: bool = False,
    icon_only: bool = False,
    download: bool = False,
    new_window: bool = False,
) -> dict[str, Any]:
    """A link that looks like a button: it goes somewhere (or downloads) and changes nothing."""
    return {
        "label": label,
        "url": url,
        "icon": icon,
        "icon_only": icon_only,
        "classes": _button_classes(variant, small, wide, icon_only),
        "download": download,
        "new_window": new_window,
    }


@register.inclusion_tag("components/post_button.html", takes_context=True)
def post_button(
    context: Context,
    label: str,
    url: str,
    *,
    variant: str = "secondary",
    icon: str = "",
    small: bool = False,
    wide: bool = False,
    icon_only: bool = False,
    name: str = "",
    value: str = "",
) -> dict[str, Any]:
    """A form of one button, posting to `url` (with `name`=`value` where given)."""
    return {
        "csrf_token": context.get("csrf_token"),
        "label": label,
        "url": url,
        "icon": icon,
        "icon_only": icon_only,
        "classes": _button_classes(variant, small, wide, icon_only),
        "name": name,
        "value": value,
    }


@register.simple_tag
def badge(label: str, *, tone: str = "neutral", icon: str | None = None) -> SafeString:
    """A state in one word. Each tone brings its icon, so that colour is never alone; icon="" leaves it out."""
    _one_of("badge", "tone", tone, TONE_ICONS)
    drawn = TONE_ICONS[tone] if icon is None else icon
    return format_html('<span class="badge badge--{}">{}{}</span>', tone, _icon(drawn) if drawn else "", label)


def _icon(name: str) -> SafeString:
    return icon(name)


@register.simple_block_tag
def alert(content: str, *, tone: str = "info", title: str = "", id: str = "") -> SafeString:
    """A boxed notice: what happened, and what to do. Urgent tones are announced to screen readers."""
    _one_of("alert", "tone", tone, TONE_ICONS)
    return mark_safe(
        render_to_string(
            "components/alert.html",
            {
                "content": content.strip(),
                "tone": tone,
                "icon": TONE_ICONS[tone] or "info",
                "title": title,
                "id": id,
                "role": "alert" if tone == "bad" else "status",
            },
        )
    )


@register.inclusion_tag("components/messages.html")
def message_list(messages: Any) -> dict[str, Any]:
    """Django's messages as alerts, each with its icon and the word for its kind."""
    words = {
        "good": _("Success"),
        "warn": _("Please note"),
        "bad": _("Not done"),
        "info": _("Notice"),
        "neutral": _("Notice"),
    }
    rows = []
    for message in messages or ():
        tone = MESSAGE_TONES.get(message.level_tag, "info")
        rows.append({"tone": tone, "icon": TONE_ICONS[tone] or "info", "word": words[tone], "message": message})
    return {"rows": rows}


@register.simple_block_tag
def card(
    content: str, *, title: str = "", icon: str = "", url: str = "", link: str = "", id: str = "", flush: bool = False
) -> SafeString:
    """A white panel. `url` with `link` puts a link right of the title; `flush` lets a table touch the edges."""
    return mark_safe(
        render_to_string(
            "components/card.html",
            {"content": content, "title": title, "icon": icon, "url": url, "link": link, "id": id, "flush": flush},
        )
    )


def percent(numerator: float | None, denominator: float | None) -> float | None:
    """Return 100 × numerator ÷ denominator, or None where there is nothing to divide by."""
    if not denominator or numerator is None:
        return None
    return 100 * numerator / denominator


@register.inclusion_tag("components/rate.html")
def rate(
    numerator: float | None,
    denominator: float | None,
    *,
    label: str = "",
    url: str = "",
    tone: str = "accent",
    unit: str = "",
    plain: bool = False,
) -> dict[str, Any]:
    """A rate with two decimals, its numerator and denominator and a bar; "—" where nothing can be divided.

    `url` leads to the rows behind it; `plain` leaves the bar out (dense tables).
    """
    value = percent(numerator, denominator)
    return {
        "value": value,
        "width": f"{min(max(value or 0, 0), 100):.2f}",
        "numerator": numerator,
        "denominator": denominator,
        "label": label,
        "url": url,
        "unit": unit,
        "tone": _one_of("rate", "tone", tone, ("accent", "good", "warn", "bad", "neutral")),
        "plain": plain,
    }


@register.inclusion_tag("components/delta.html")
def delta(value: float | None, *, unit: str = "", better: str = "up", decimals: int = 0) -> dict[str, Any]:
    """A change against the last time: arrow, word and figure, coloured by good or bad, not by up or down.

    `better` says which way is good: "up", "down" or "" (neither). None is shown as "—".
    """
    _one_of("delta", "better", better, ("up", "down", ""))
    if value is None:
        return {"word": "—", "icon": "", "tone": "neutral"}
    if round(value, decimals) == 0:
        return {"word": _("unchanged"), "icon": "minus", "tone": "neutral"}
    way = "up" if value > 0 else "down"
    figure = f"{abs(value):,.{decimals}f}{unit}"
    word = _("up %(figure)s") % {"figure": figure} if way == "up" else _("down %(figure)s") % {"figure": figure}
    tone = "neutral" if not better else "good" if way == better else "bad"
    return {"word": word, "icon": f"arrow-{way}", "tone": tone}


@register.inclusion_tag("components/stat.html")
def stat(
    label: str,
    value: Any,
    *,
    unit: str = "",
    icon: str = "",
    numerator: float | None = None,
    denominator: float | None = None,
    url: str = "",
    note: str = "",
    change: float | None = None,
    change_unit: str = "",
    change_decimals: int = 0,
    better: str = "up",
    tone: str = "neutral",
) -> dict[str, Any]:
    """One figure with its label, what it was counted from, its change, and a link to the rows behind it.

    With `numerator` and `denominator`, a `value` of None is worked out as their rate with two decimals.
    """
    share = percent(numerator, denominator)
    if value is None and denominator is not None:
        value, unit = (f"{share:.2f}", "%") if share is not None else ("—", "")
    return {
        "label": label,
        "value": figure(value),
        "unit": unit,
        "icon": icon,
        "numerator": numerator,
        "denominator": denominator,
        "has_parts": denominator is not None,
        "width": f"{min(max(share or 0, 0), 100):.2f}",
        "url": url,
        "note": note,
        "change": change,
        "change_unit": change_unit,
        "change_decimals": change_decimals,
        "better": better,
        "tone": _one_of("stat", "tone", tone, TONE_ICONS),
    }


@register.inclusion_tag("components/chart.html", name="chart")
def draw_chart(chart: Chart) -> dict[str, Any]:
    """A chart (outreach/charts.py) with the table it is drawn from; it brings its style sheet and script along."""
    if not isinstance(chart, Chart):
        raise ComponentError(f"chart: {chart!r} is no outreach.charts.Chart")
    return {"chart": chart}


@register.inclusion_tag("components/progress.html")
def progress(value: float | None, maximum: float = 100, *, label: str, note: str = "") -> dict[str, Any]:
    """How far a running job is. `value` None: running, no figure yet. Goes inside what htmx polls."""
    return {"value": value, "maximum": maximum, "percent": percent(value, maximum), "label": label, "note": note}


@register.simple_block_tag
def empty(content: str, *, title: str, icon: str = "inbox") -> SafeString:
    """Nothing here: one sentence why, and inside the block what to do next (text, a button)."""
    return mark_safe(
        render_to_string("components/empty.html", {"content": content.strip(), "title": title, "icon": icon})
    )


@register.simple_block_tag
def datatable(
    content: str, *, caption: str, cards: bool = False, wide: bool = False, compact: bool = False, id: str = ""
) -> SafeString:
    """A table's frame; the block holds thead and tbody.

    The header sticks. `cards`: on a phone each row becomes a card, each cell named by its data-label. `wide`: it may
    be wider than the screen and scrolls inside its own box, the first column standing still. `caption` is for
    screen readers.
    """
    return mark_safe(
        render_to_string(
            "components/datatable.html",
            {"content": content, "caption": caption, "cards": cards, "wide": wide, "compact": compact, "id": id},
        )
    )


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(context: Context, label: str, field: str, *, number: bool = False) -> dict[str, Any]:
    """A column header that sorts by ?sort=field, then ?sort=-field; everything else in the query string stays."""
    query = context["request"].GET.copy()
    current = query.get("sort", "")
    query["sort"] = f"-{field}" if current == field else field
    query.pop("page", None)
    state = {field: "ascending", f"-{field}": "descending"}.get(current, "")
    icons = {"ascending": "arrow-up", "descending": "arrow-down", "": "chevrons-up-down"}
    return {"label": label, "url": f"?{query.urlencode()}", "state": state, "icon": icons[state], "number": number}


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: Context, page: Page[Any], *, name: str = "page", target: str = "") -> dict[str, Any]:
    """Pages of a list with the total; keeps the rest of the query string. `target`: swap that element by htmx."""
    query = context["request"].GET.copy()
    query.pop(name, None)
    kept = query.urlencode()
    base = f"?{kept}&{name}=" if kept else f"?{name}="
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return {"page": page, "base": base, "numbers": [str(number) for number in numbers], "target": target}


@register.inclusion_tag("components/tabs.html")
def tabs(items: Any, *, label: str) -> dict[str, Any]:
    """Links to sibling views. `items`: dicts of url, label, current and, if wanted, count."""
    return {"items": items, "label": label}


@register.inclusion_tag("components/breadcrumbs.html")
def breadcrumbs(*parts: str) -> dict[str, Any]:
    """Where one is: label, url, label, url, …, label of this page."""
    if len(parts) % 2 == 0:
        raise ComponentError("breadcrumbs: give label, url, label, url, …, and last this page's label")
    return {"links": list(zip(parts[:-1:2], parts[1::2], strict=True)), "current": parts[-1]}


@register.simple_block_tag
def facts(content: str, *, columns: int = 1) -> SafeString:
    """A key-value list; the block holds {% fact %} tags. `columns` 1 to 3 on a desk, always one on a phone."""
    _one_of("facts", "columns", str(columns), ("1", "2", "3"))
    return format_html('<dl class="facts facts--{}">{}</dl>', columns, mark_safe(content))


@register.simple_tag
def fact(label: str, value: Any, *, wide: bool = False) -> SafeString:
    """One line of facts; an empty value is shown as "—"."""
    shown = "—" if value is None or value == "" else value
    classes = "fact fact--wide" if wide else "fact"
    return format_html('<div class="{}"><dt>{}</dt><dd>{}</dd></div>', classes, label, shown)


@register.simple_block_tag
def timeline(content: str, *, label: str) -> SafeString:
    """A history, newest first or last as the page decides; the block holds {% event %} blocks."""
    return format_html('<ol class="timeline" aria-label="{}">{}</ol>', label, mark_safe(content))


@register.simple_block_tag
def event(content: str, *, title: str, time: Any, by: str = "", tone: str = "neutral", icon: str = "") -> SafeString:
    """One moment of a timeline: what, when (a datetime or a text), by whom; the block holds remarks."""
    _one_of("event", "tone", tone, TONE_ICONS)
    return mark_safe(
        render_to_string(
            "components/event.html",
            {
                "content": content.strip(),
                "title": title,
                "time": time,
                "is_moment": hasattr(time, "isoformat"),
                "by": by,
                "tone": tone,
                "icon": icon or TONE_ICONS[tone] or "circle",
            },
        )
    )


@register.inclusion_tag("components/steps.html")
def steps(current: int, *labels: str) -> dict[str, Any]:
    """The steps of a task, the `current`-th (from 1) under way; past the last all are done."""
    states = ("done", "current", "todo")
    return {
        "steps": [
            {"number": number, "label": label, "state": states[(number > current) + (number >= current)]}
            for number, label in enumerate(labels, start=1)
        ],
        "total": len(labels),
        "current": min(current, len(labels)),
    }


@register.simple_block_tag
def confirm(
    content: str, *, label: str, title: str, variant: str = "danger", icon: str = "", small: bool = False
) -> SafeString:
    """A button that asks before acting. The block holds the question and the form that acts.

    Without JavaScript it unfolds in place; with it, it opens as a dialog.
    """
    return mark_safe(
        render_to_string(
            "components/confirm.html",
            {
                "content": content,
                "label": label,
                "title": title,
                "icon": icon,
                "classes": _button_classes(variant, small, False, False),
            },
        )
    )


@register.simple_block_tag
def menu(content: str, *, label: str, icon: str = "", icon_only: bool = False) -> SafeString:
    """A button that unfolds a list of links and small forms (each direct child is an entry)."""
    return mark_safe(
        render_to_string(
            "components/menu.html", {"content": content, "label": label, "icon": icon, "icon_only": icon_only}
        )
    )


@register.inclusion_tag("components/copy.html")
def copy(text: str, *, label: str, rows: int = 0) -> dict[str, Any]:
    """Text people paste elsewhere, with a button that copies it. `rows` shows it as a box of that many lines."""
    return {"text": text, "label": label, "rows": rows}


@register.simple_block_tag
def list_row(
    content: str, *, url: str, title: str, text: str = "", aside: str = "", icon: str = "", tone: str = "neutral"
) -> SafeString:
    """A row of a phone list (inside <ul class="list">): wholly a link; the block holds badges."""
    _one_of("list_row", "tone", tone, TONE_ICONS)
    return mark_safe(
        render_to_string(
            "components/list_row.html",
            {
                "content": content.strip(),
                "url": url,
                "title": title,
                "text": text,
                "aside": aside,
                "icon": icon,
                "tone": tone,
            },
        )
    )


@register.simple_block_tag(takes_context=True)
def filterbar(
    context: Context, content: str, *, label: str, clear: str = "", target: str = "", auto: bool = True
) -> SafeString:
    """A GET form over a list; the block holds the fields. `clear` is the URL without filters.

    `auto` sends it on each change where JavaScript runs; `target` (a CSS selector) swaps only that element by htmx.
    """
    request = context["request"]
    return mark_safe(
        render_to_string(
            "components/filterbar.html",
            {
                "content": content,
                "label": label,
                "clear": clear if any(value for key, value in request.GET.items() if key != "page") else "",
                "target": target,
                "auto": auto,
                "path": request.path,
            },
        )
    )


@register.simple_tag
def field(
    bound: BoundField,
    *,
    chips: bool = False,
    label: str = "",
    hint: str = "",
    suffix: str = "",
    width: str = "",
    hide_label: bool = False,
) -> SafeString:
    """A form field with label, help and errors: what {{ field.as_field_group }} gives, with some choices.

    `chips` shows radio buttons and tick boxes as chips; `width` is "", "short" or "medium"; `suffix` is a unit
    after the input; `hint` replaces the help text.
    """
    _one_of("field", "width", width, ("", "short", "medium"))
    context = {
        "field": bound,
        "chips": chips,
        "label": label,
        "hint": hint,
        "suffix": suffix,
        "width": width,
        "hide_label": hide_label,
    }
    return bound.render(template_name="components/field.html", context=context)


@register.inclusion_tag("components/dropzone.html")
def dropzone(bound: BoundField, *, title: str, hint: str = "") -> dict[str, Any]:
    """A file field as a large target: tap to choose, or drop a file on it."""
    return {"field": bound, "title": title, "hint": hint}


@register.inclusion_tag("components/phone_tabs.html", takes_context=True)
def phone_tabs(context: Context) -> dict[str, Any]:
    """The bar at the bottom of a phone: my list, issues, me. Empty for who records no visits."""
    from outreach.navigation import phone_entries

    request = context.get("request")
    tabs = phone_entries(request) if request is not None else []
    for tab in tabs:
        tab["unread"] = unread_label(context.get("unread", 0)) if tab["counts_unread"] else ""
    return {"tabs": tabs}


@register.filter
def unread_label(count: Any) -> str:
    """Return the number on a badge: "" for none, "99+" past 99."""
    number = int(str(count or 0))  # a lazy object has no int of its own
    return "" if number == 0 else "99+" if number > 99 else str(number)


@register.filter
def figure(value: Any) -> str:
    """Return a number with thousands separated, the same in both languages; anything else as it is, None as "—"."""
    if value is None:
        return "—"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


@register.filter
def count_label(count: int) -> str:
    """Return the number of rows of a list in words."""
    return ngettext("%(count)s row", "%(count)s rows", count) % {"count": f"{count:,}"}
