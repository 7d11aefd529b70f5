"""The models of issues, by topic."""

from issues.models.clue import Clue, ClueEntry, ClueQuerySet
from issues.models.issue import UNREACHED_DAYS, Attachment, Issue, IssueEvent, IssueQuerySet, Outcome, Solvability
from issues.models.ledger import LedgerLayout, LedgerUpload, SavedFilter
from issues.models.loop import CallBack, HelpingUnit, IssueSegment, UpwardReport
from issues.models.setup import Category, Kind, KindLimit, RoutingRule, line_categories

__all__ = [
    "UNREACHED_DAYS",
    "Attachment",
    "CallBack",
    "Category",
    "Clue",
    "ClueEntry",
    "ClueQuerySet",
    "HelpingUnit",
    "Issue",
    "IssueEvent",
    "IssueQuerySet",
    "IssueSegment",
    "Kind",
    "KindLimit",
    "LedgerLayout",
    "LedgerUpload",
    "Outcome",
    "RoutingRule",
    "SavedFilter",
    "Solvability",
    "UpwardReport",
    "line_categories",
]
