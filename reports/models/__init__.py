"""Models of reports, by topic."""

from reports.models.rollups import DayCount, DirtyDay, Freshness, RosterCount
from reports.models.schemes import AdjustmentEntry, EnteredFigure, EvidenceFile, Scheme

__all__ = [
    "AdjustmentEntry",
    "DayCount",
    "DirtyDay",
    "EnteredFigure",
    "EvidenceFile",
    "Freshness",
    "RosterCount",
    "Scheme",
]
