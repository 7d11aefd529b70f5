"""What the calls of a sample came to: response, cooperation, refusal and contact rates. Pure.

After AAPOR, Standard Definitions, 10th edition (2023): RR1 counts every case whose eligibility is unknown as one that
should have answered, RR3 only the share e of them, estimated from the cases that are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from surveys.models import CallResult

REFUSALS = (CallResult.REFUSED, CallResult.BROKEN_OFF)
NOT_REACHED = (CallResult.APPOINTMENT,)  # somebody was spoken to, the respondent never
UNKNOWN = (CallResult.BUSY, CallResult.NO_ANSWER)
NOT_ELIGIBLE = (CallResult.WRONG_NUMBER, CallResult.NOBODY_FIT)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Cases that are over by kind, and how many are still open."""

    interviews: int
    refusals: int
    not_reached: int
    unable: int
    unknown: int
    not_eligible: int
    open: int

    @property
    def over(self) -> int:
        """Cases that are over."""
        return self.eligible + self.unknown + self.not_eligible

    @property
    def eligible(self) -> int:
        """Cases over that are known to be somebody who should have answered."""
        return self.interviews + self.refusals + self.not_reached + self.unable

    @property
    def e(self) -> float:
        """The share of eligible ones among the cases whose eligibility is known; 1 where none is."""
        known = self.eligible + self.not_eligible
        return self.eligible / known if known else 1.0

    @property
    def rr1(self) -> float | None:
        """Response rate 1, the lowest; None before any case is over."""
        return _share(self.interviews, self.eligible + self.unknown)

    @property
    def rr3(self) -> float | None:
        """Response rate 3: of the unknown only the estimated share e counts."""
        return _share(self.interviews, self.eligible + self.e * self.unknown)

    @property
    def cooperation(self) -> float | None:
        """Cooperation rate 1: interviews among all who were reached."""
        return _share(self.interviews, self.interviews + self.refusals + self.unable)

    @property
    def contact(self) -> float | None:
        """Contact rate 1: reached among all that may be eligible."""
        return _share(self.eligible - self.not_reached, self.eligible + self.unknown)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def outcome(counts: Mapping[str, int], still_open: int) -> Outcome:
    """Sort counts by result (CallResult → cases) into an Outcome."""

    def total(*results: CallResult) -> int:
        return sum(counts.get(result, 0) for result in results)

    return Outcome(
        interviews=total(CallResult.COMPLETE),
        refusals=total(*REFUSALS),
        not_reached=total(*NOT_REACHED),
        unable=total(CallResult.UNABLE),
        unknown=total(*UNKNOWN),
        not_eligible=total(*NOT_ELIGIBLE),
        open=still_open,
    )
