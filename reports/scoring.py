"""What an indicator came to for a unit in a period."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Reading:
    """One indicator of one unit in one period."""

    numerator: int | Decimal
    denominator: int | Decimal  # 0: nothing to judge by
    value: Decimal | None  # as shown: percent with 2 decimals, or points for entered figures; None: no base
