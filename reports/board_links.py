"""Where the rows behind a board's figures are, as far as the reader may open them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.http import urlencode

from outreach.models import Campaign, Unit
from reports import figures
from reports.indicators import COVERAGE
from reports.lists import Window
from reports.ranking import Reader

if TYPE_CHECKING:
    from outreach.models import User

HELD_SOLUTION = "held_solution"  # the indicator of what a unit itself held


@dataclass(frozen=True, slots=True)
class Count:
    """A figure and the way to its rows; "" where there are none, or the reader may not open them."""

    value: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Opener:
    """Makes the addresses of rows for one reader. `mine`: of all units the reader is linked to, not of one."""

    campaign: Campaign
    reader: Reader
    mine: bool = False

    @classmethod
    def of(cls, user: User, campaign: Campaign, *, mine: bool = False) -> Opener:
        return cls(campaign, Reader.of(user), mine)

    def figure(self, unit: Unit, key: str) -> str:
        """The rows of a figure of the ranking."""
        if unit.kind == Unit.Kind.DEPARTMENT:
            return self._judged(unit) if key == "judged" else self.issues(unit, "late" if key == "overdue" else "held")
        if key in figures.HOUSEHOLDS:
            name = "reports:household_rows" if self.reader.opens_households(unit.code) else ""
        else:
            name = "reports:issue_rows" if self.reader.issues else ""
        return reverse(name, args=[self.campaign.pk, unit.code, key]) if name else ""

    def _judged(self, department: Unit) -> str:
        """What a department's solution rate is taken of."""
        if not self.reader.issues:
            return ""
        parts = [self.campaign.pk, department.code, HELD_SOLUTION, "denominator"]
        return reverse("reports:indicator_rows", args=parts)

    def issues(self, unit: Unit, key: str, window: Window | None = None, *, holder: Unit | None = None) -> str:
        """The issues of one of the boards' lists; `holder`: of these the ones it holds itself."""
        if not self.reader.issues:
            return ""
        return self._address("boards:issue_rows", [self.campaign.pk, unit.code, key], window, holder=holder)

    def met(self, unit: Unit, window: Window) -> str:
        """The households met on some days."""
        if not self.reader.opens_households(unit.code):
            return ""
        asked = {"first": window.first.isoformat(), "last": window.last.isoformat()}
        parts = [self.campaign.pk, unit.code, COVERAGE.key, "numerator"]
        return f"{reverse('reports:indicator_rows', args=parts)}?{urlencode(asked)}"

    def visits(self, unit: Unit, window: Window) -> str:
        """The visits of some days."""
        if not self.reader.opens_households(unit.code):
            return ""
        return self._address("boards:visit_rows", [self.campaign.pk, unit.code], window)

    def count(self, value: int, url: str) -> Count:
        """A figure that opens where there is something to open."""
        return Count(value, url if value else "")

    def _address(self, name: str, args: list[object], window: Window | None, *, holder: Unit | None = None) -> str:
        asked: dict[str, str] = {}
        if window is not None:
            asked |= {"first": window.first.isoformat(), "last": window.last.isoformat()}
        if holder is not None:
            asked["holder"] = holder.code
        if self.mine:
            asked["mine"] = "1"
        return reverse(name, args=args) + (f"?{urlencode(asked)}" if asked else "")
