"""Scores: readings and a scheme in, a scoreboard out. Pure, in Decimal, with the arithmetic of every line in words.

Marks are taken of values as they are shown (2 decimals), each line is rounded half up to 2 decimals and the total is
the sum of what is shown: whoever has the sheet of paper and a calculator comes to the same score.
"""

from __future__ import annotations

from reports.schemes import SchemeContent, SchemeError, canonical
from reports.scoreboard import Adjustment, GroupScore, LineScore, Reading, Scoreboard, Step, UnitReadings, UnitScore

__all__ = [
    "Adjustment",
    "GroupScore",
    "LineScore",
    "Reading",
    "SchemeContent",
    "SchemeError",
    "Scoreboard",
    "Step",
    "UnitReadings",
    "UnitScore",
    "canonical",
]
