"""序时进度: how far a task is against the working time that has passed, as a light with a word. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from outreach import calendar

HUNDRED = Decimal(100)
ZERO = Decimal(0)
TENTH = Decimal("0.1")
# So many points behind the time elapsed are still "slightly behind".
SLACK = Decimal(10)


class Light(StrEnum):
    """How a task stands; the order is that of urgency."""

    LATE = "late"
    BEHIND = "behind"
    SLOW = "slow"
    WAITING = "waiting"
    ON_TIME = "on_time"
    NOT_BEGUN = "not_begun"
    REACHED = "reached"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def word(self) -> str:
        """What it says; colour never stands alone."""
        return str(WORDS[self])

    @property
    def tone(self) -> str:
        """Its tone in the design system."""
        return LOOKS[self][0]

    @property
    def icon(self) -> str:
        """Its icon."""
        return LOOKS[self][1]


WORDS: dict[Light, str | Promise] = {
    Light.LATE: _("overdue"),
    Light.BEHIND: _("behind schedule"),
    Light.SLOW: _("slightly behind schedule"),
    Light.WAITING: _("under way, without a number"),
    Light.ON_TIME: _("on schedule"),
    Light.NOT_BEGUN: _("not begun yet"),
    Light.REACHED: _("target reached"),
    Light.DONE: _("completed"),
    Light.CANCELLED: _("cancelled"),
}
LOOKS = {
    Light.LATE: ("bad", "alert"),
    Light.BEHIND: ("bad", "arrow-down"),
    Light.SLOW: ("warn", "clock"),
    Light.WAITING: ("info", "dot"),
    Light.ON_TIME: ("good", "check"),
    Light.NOT_BEGUN: ("neutral", "calendar"),
    Light.REACHED: ("good", "target"),
    Light.DONE: ("good", "check-circle"),
    Light.CANCELLED: ("neutral", "ban"),
}


@dataclass(frozen=True, slots=True)
class Pace:
    """Progress and elapsed time, both in percent of the whole; progress None: nothing to measure it by."""

    progress: Decimal | None
    elapsed: Decimal
    light: Light

    @property
    def gap(self) -> Decimal | None:
        """Progress minus elapsed time, in points; None without progress."""
        return None if self.progress is None else self.progress - self.elapsed


class WorkingTime:
    """Counts working days quickly, however many tasks ask: a sum over the days, made once and lengthened as needed."""

    def __init__(self, table: calendar.Overrides) -> None:
        self._table = table
        self._first = self._next = date(2000, 1, 1)
        self._sums: list[int] = [0]  # working days before the n-th day from the first one

    def _before(self, day: date) -> int:
        if len(self._sums) == 1:
            self._first = self._next = day - timedelta(days=400)
        while self._next < day:
            self._sums.append(self._sums[-1] + calendar.is_workday(self._next, self._table))
            self._next += timedelta(days=1)
        at = (day - self._first).days
        if at >= 0:
            return self._sums[at]
        # what lies before the sum is counted by itself: rare, and right
        one = timedelta(days=1)
        return -calendar.workdays_between(day - one, self._first - one, self._table)

    def count(self, first: date, last: date) -> int:
        """Return how many working days lie from `first` to `last`, both included; 0 where last comes first."""
        return max(0, self._before(last + timedelta(days=1)) - self._before(first)) if first <= last else 0

    def elapsed(self, first: date, last: date, today: date) -> Decimal:
        """Return the share of the working days `first` … `last` that is over at the end of `today`, in percent."""
        if today < first:
            return ZERO
        whole = self.count(first, last)
        if today >= last or not whole:
            return HUNDRED if today >= last else ZERO
        return rounded(HUNDRED * self.count(first, today) / whole)


def rounded(value: Decimal) -> Decimal:
    """To one decimal, half up."""
    return Decimal(value).quantize(TENTH, ROUND_HALF_UP)


def progress_of(reached: Decimal | None, target: Decimal | None, *, higher_is_better: bool = True) -> Decimal | None:
    """Return how much of `target` is reached, in percent, 0 to 100; None without a target.

    Nothing reached yet is 0. Where less is better, anything up to the target is all of it.
    """
    if target is None:
        return None
    if reached is None:
        return ZERO
    if not higher_is_better:
        return HUNDRED if reached <= target else rounded(HUNDRED * max(target, ZERO) / reached)
    if target <= 0:
        return HUNDRED
    return min(HUNDRED, rounded(HUNDRED * max(reached, ZERO) / target))


def light_of(
    *, state: str, progress: Decimal | None, elapsed: Decimal, starts_on: date, due_on: date, today: date
) -> Light:
    """Return the light of a task: its state first, then its due day, then progress against elapsed time."""
    if state in (Light.DONE, Light.CANCELLED):
        return Light(state)
    if progress is not None and progress >= HUNDRED:
        return Light.REACHED
    if due_on < today:
        return Light.LATE
    if today < starts_on:
        return Light.NOT_BEGUN
    if progress is None:
        return Light.WAITING
    gap = elapsed - progress
    return Light.ON_TIME if gap <= 0 else Light.SLOW if gap <= SLACK else Light.BEHIND
