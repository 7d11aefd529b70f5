"""Models of reports, by topic."""

from reports.models.rollups import DayCount, DirtyDay, Freshness, RosterCount

__all__ = ["DayCount", "DirtyDay", "Freshness", "RosterCount"]
