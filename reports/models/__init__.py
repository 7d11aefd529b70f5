"""Models of reports, by topic."""

from reports.models.boards import Confirmation, DayClose
from reports.models.bulletins import Bulletin, BulletinReceipt, BulletinSetup, BulletinVersion
from reports.models.rollups import CaseCount, DayCount, DirtyCase, DirtyDay, Freshness, RepeatCount, RosterCount
from reports.models.schemes import AdjustmentEntry, EnteredFigure, EvidenceFile, Scheme
from reports.models.screens import Boundary, BoundaryFile, HallLink
from reports.models.snapshots import Appeal, AppealFile, PastImport, PastScore, Snapshot

__all__ = [
    "AdjustmentEntry",
    "Appeal",
    "AppealFile",
    "Boundary",
    "BoundaryFile",
    "Bulletin",
    "BulletinReceipt",
    "BulletinSetup",
    "BulletinVersion",
    "CaseCount",
    "Confirmation",
    "DayClose",
    "DayCount",
    "DirtyCase",
    "DirtyDay",
    "EnteredFigure",
    "EvidenceFile",
    "Freshness",
    "HallLink",
    "PastImport",
    "PastScore",
    "RepeatCount",
    "RosterCount",
    "Scheme",
    "Snapshot",
]
