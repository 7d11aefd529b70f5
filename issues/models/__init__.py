"""The models of issues, by topic."""

from issues.models.attachment import Attachment, AttachmentQuerySet, StoredFile
from issues.models.clue import Clue, ClueEntry, ClueQuerySet
from issues.models.dispute import DisputeParty, Mediation, MediationSession, Risk
from issues.models.instruction import DifficultMark, Instruction
from issues.models.issue import UNREACHED_DAYS, Issue, IssueEvent, IssueQuerySet, Outcome, Solvability
from issues.models.ledger import LedgerLayout, LedgerUpload, SavedFilter
from issues.models.loop import CallBack, HelpingUnit, IssueSegment, UpwardReport
from issues.models.project import ProjectNote, SpecialProject, SpecialProjectQuerySet, may_run
from issues.models.reminder import Reminder, Rung
from issues.models.resident import CallClaim, CallScript, LookBack, ResidentCode, ResidentMessage
from issues.models.setup import Category, Kind, KindLimit, RoutingRule, line_categories

__all__ = [
    "UNREACHED_DAYS",
    "Attachment",
    "AttachmentQuerySet",
    "CallBack",
    "CallClaim",
    "CallScript",
    "Category",
    "Clue",
    "ClueEntry",
    "ClueQuerySet",
    "DifficultMark",
    "DisputeParty",
    "HelpingUnit",
    "Instruction",
    "Issue",
    "IssueEvent",
    "IssueQuerySet",
    "IssueSegment",
    "Kind",
    "KindLimit",
    "LedgerLayout",
    "LedgerUpload",
    "LookBack",
    "Mediation",
    "MediationSession",
    "Outcome",
    "ProjectNote",
    "Reminder",
    "ResidentCode",
    "ResidentMessage",
    "Risk",
    "RoutingRule",
    "Rung",
    "SavedFilter",
    "Solvability",
    "SpecialProject",
    "SpecialProjectQuerySet",
    "StoredFile",
    "UpwardReport",
    "line_categories",
    "may_run",
]
