"""Models of reports, by topic."""

from reports.models.boards import Confirmation, DayClose
from reports.models.rollups import DayCount, DirtyDay, Freshness, RosterCount

__all__ = ["Confirmation", "DayClose", "DayCount", "DirtyDay", "Freshness", "RosterCount"]
