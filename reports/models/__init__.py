"""Models of reports, by topic."""

from reports.models.duties import DutyExemption, UnitLink
from reports.models.plans import TaskEvent, TaskReport, WorkFile, WorkPlan, WorkTask
from reports.models.rollups import DayCount, DirtyDay, Freshness, RosterCount
from reports.models.schemes import AdjustmentEntry, EnteredFigure, EvidenceFile, Scheme
from reports.models.shortfalls import Deduction, DeductionShare, PeerScore, Shortfall, item_key
from reports.models.snapshots import Appeal, AppealFile, PastImport, PastScore, Snapshot

__all__ = [
    "AdjustmentEntry",
    "Appeal",
    "AppealFile",
    "DayCount",
    "Deduction",
    "DeductionShare",
    "DirtyDay",
    "DutyExemption",
    "EnteredFigure",
    "EvidenceFile",
    "Freshness",
    "PastImport",
    "PastScore",
    "PeerScore",
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
