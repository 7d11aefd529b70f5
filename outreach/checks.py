"""System checks: a view without a guard cannot ship."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

# The login pages and the language switch are for everyone; the admin asks User.has_perm for each of its views.
OPEN_MODULES = ("allauth.account.", "django.views.i18n")
ADMIN_PREFIX = "admin/"


def views(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield (path, pattern) of every view of the site."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from views(entry.url_patterns, path)
        else:
            yield path, entry


@register()
def every_view_is_guarded(**_kwargs: Any) -> list[CheckMessage]:
    """Name each view that says neither which permission it takes nor that it is open to all who are logged in."""
    return [
        Error(
            f"The view at /{path} has no guard.",
            hint="Add @require(Permission.X), @any_post or @open_to_all from outreach.access.",
            id="outreach.E001",
        )
        for path, pattern in views()
        if not hasattr(pattern.callback, "permission")
        and not path.startswith(ADMIN_PREFIX)
        and not (getattr(pattern.callback, "__module__", "") or "").startswith(OPEN_MODULES)
    ]
