"""Models of reports, by topic."""

from reports.models.rollups import DayCount, DirtyDay, Freshness, RosterCount
from reports.models.schemes import AdjustmentEntry, EnteredFigure, EvidenceFile, Scheme
from reports.models.snapshots import Appeal, AppealFile, PastImport, PastScore, Snapshot

__all__ = [
    "AdjustmentEntry",
    "Appeal",
    "AppealFile",
    "DayCount",
    "DirtyDay",
    "EnteredFigure",
    "EvidenceFile",
    "Freshness",
    "PastImport",
    "PastScore",
    "RosterCount",
    "Scheme",
    "Snapshot",
]
