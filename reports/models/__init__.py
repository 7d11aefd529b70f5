"""Models of reports, by topic."""

from reports.models.rollups import DayCount, DirtyDay, Freshness, RosterCount
from reports.models.schemes import AdjustmentEntry, EnteredFigure, EvidenceFile, Scheme
from reports.models.screens import Boundary, BoundaryFile, HallLink
from reports.models.snapshots import Appeal, AppealFile, PastImport, PastScore, Snapshot

__all__ = [
    "AdjustmentEntry",
    "Appeal",
    "AppealFile",
    "Boundary",
    "BoundaryFile",
    "DayCount",
    "DirtyDay",
    "EnteredFigure",
    "EvidenceFile",
    "Freshness",
    "HallLink",
    "PastImport",
    "PastScore",
    "RosterCount",
    "Scheme",
    "Snapshot",
]
