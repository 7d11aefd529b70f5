"""The models of issues, by topic."""

from issues.models.clue import Clue, ClueEntry, ClueQuerySet
from issues.models.issue import Attachment, Issue, IssueEvent, IssueQuerySet, Outcome
from issues.models.setup import Category, Kind, KindLimit, RoutingRule

__all__ = [
    "Attachment",
    "Category",
    "Clue",
    "ClueEntry",
    "ClueQuerySet",
    "Issue",
    "IssueEvent",
    "IssueQuerySet",
    "Kind",
    "KindLimit",
    "Outcome",
    "RoutingRule",
]
