"""The models of issues, by topic."""

from issues.models.issue import Attachment, Issue, IssueEvent, IssueQuerySet, Outcome
from issues.models.setup import Category, Kind, KindLimit, RoutingRule

__all__ = [
    "Attachment",
    "Category",
    "Issue",
    "IssueEvent",
    "IssueQuerySet",
    "Kind",
    "KindLimit",
    "Outcome",
    "RoutingRule",
]
