"""Due days, in Chinese working days. Pure: the limits and the calendar's table are handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from outreach import calendar


def limit(
    *, kind: str, category_limits: Sequence[int | None], kind_limits: Mapping[str, tuple[int, int]], is_urgent: bool
) -> int:
    """Return the working days an issue may take.

    `category_limits`: of the category, its parent and so on up to the root; the first that is not None holds.
    `kind_limits`: kind → (limit, limit when urgent), for when no category has one. An urgent issue never has longer
    than its kind's urgent limit. Raises KeyError for an unknown kind.
    """
    ordinary, urgent = kind_limits[kind]
    days = next((own for own in category_limits if own is not None), ordinary)
    return min(days, urgent) if is_urgent else days


def due_on(
    *,
    dispatched_on: date,
    kind: str,
    category_limits: Sequence[int | None],
    kind_limits: Mapping[str, tuple[int, int]],
    is_urgent: bool,
    table: calendar.Overrides,
) -> date:
    """Return the last day in time: the limit's number of working days after the day of dispatch (domain.md §4).

    `table` is `calendar.overrides()`, read once. For the other arguments and errors see `limit`.
    """
    days = limit(kind=kind, category_limits=category_limits, kind_limits=kind_limits, is_urgent=is_urgent)
    return calendar.add_workdays(dispatched_on, days, table)
