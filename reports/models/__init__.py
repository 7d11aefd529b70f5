"""Models of reports, by topic."""

from reports.models.duties import DutyExemption, UnitLink
from reports.models.plans import TaskEvent, TaskReport, WorkFile, WorkPlan, WorkTask
from reports.models.rollups import DayCount, DirtyDay, Freshness, RosterCount
from reports.models.shortfalls import Deduction, DeductionShare, PeerScore, Shortfall, item_key

__all__ = [
    "DayCount",
    "Deduction",
    "DeductionShare",
    "DirtyDay",
    "DutyExemption",
    "Freshness",
    "PeerScore",
    "RosterCount",
    "Shortfall",
    "TaskEvent",
    "TaskReport",
    "UnitLink",
    "WorkFile",
    "WorkPlan",
    "WorkTask",
    "item_key",
]
