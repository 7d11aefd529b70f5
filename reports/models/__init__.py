"""Models of reports, by topic."""

from reports.models.boards import Confirmation, DayClose
from reports.models.bulletins import Bulletin, BulletinReceipt, BulletinSetup, BulletinVersion
from reports.models.duties import DutyExemption, UnitLink
from reports.models.plans import TaskEvent, TaskReport, WorkFile, WorkPlan, WorkTask
from reports.models.rollups import CaseCount, DayCount, DirtyCase, DirtyDay, Freshness, RepeatCount, RosterCount
from reports.models.schemes import AdjustmentEntry, EnteredFigure, EvidenceFile, Scheme
from reports.models.screens import Boundary, BoundaryFile, HallLink
from reports.models.shortfalls import Deduction, DeductionShare, PeerScore, Shortfall, item_key
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
    "Deduction",
    "DeductionShare",
    "DirtyCase",
    "DirtyDay",
    "DutyExemption",
    "EnteredFigure",
    "EvidenceFile",
    "Freshness",
    "HallLink",
    "PastImport",
    "PastScore",
    "PeerScore",
    "RepeatCount",
    "RosterCount",
    "Scheme",
    "Shortfall",
    "Snapshot",
    "TaskEvent",
    "TaskReport",
    "UnitLink",
    "WorkFile",
    "WorkPlan",
    "WorkTask",
    "item_key",
]
