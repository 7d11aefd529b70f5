"""The write door of issues: opening one, moving one on. Nothing else writes to Issue, IssueEvent or Attachment.

The steps of an issue are their own append-only history (IssueEvent, guarded by the database); they are not written to
the audit chain as well, whose lock would make all visitors of the district wait for each other.
"""

from issues.actions.callbacks import (
    claim_call,
    claimed_by_other,
    draw_look_backs,
    record_call_back,
    record_look_back,
    save_script,
)
from issues.actions.clues import OpenedClue, OpenedEntry, open_clue, report_clue, step_clue
from issues.actions.correcting import EditConflictError, correct_issue, editable_fields
from issues.actions.deadlines import deadline_differences, recompute_deadline, recompute_deadlines
from issues.actions.editing import EDITS, edit_issue
from issues.actions.exporting import log_export, log_upward_export
from issues.actions.families import MAX_FAMILY, open_parent, set_parent
from issues.actions.files import may_remove, remove_file
from issues.actions.history import MAX_TEXT, append_event
from issues.actions.ledger import save_filter
from issues.actions.moving import FINISH_OUTCOMES, ConflictError, demand_right, move_issue
from issues.actions.opening import active_rules, next_number, open_issue, take_turn
from issues.actions.projects import COUNT_DAYS, close_project, note_project, open_project
from issues.actions.resident_codes import (
    find_code,
    may_print_code,
    print_household_codes,
    print_issue_code,
    renew_household_code,
    renew_issue_code,
)
from issues.actions.residents import MAX_REMARK, MAX_REMARK_PHOTOS, MAX_WORDS, add_remark, answer_questions
from issues.actions.rules import save_rule, shift_rule
from issues.actions.sealing import last_proof_failed, prove_histories
from issues.actions.telling import mark_told
from issues.actions.texting import send_texts
from issues.actions.uploads import commit_upload, discard_upload, keep_upload

__all__ = [
    "COUNT_DAYS",
    "EDITS",
    "FINISH_OUTCOMES",
    "MAX_FAMILY",
    "MAX_REMARK",
    "MAX_REMARK_PHOTOS",
    "MAX_TEXT",
    "MAX_WORDS",
    "ConflictError",
    "EditConflictError",
    "OpenedClue",
    "OpenedEntry",
    "active_rules",
    "add_remark",
    "answer_questions",
    "append_event",
    "claim_call",
    "claimed_by_other",
    "close_project",
    "commit_upload",
    "correct_issue",
    "deadline_differences",
    "demand_right",
    "discard_upload",
    "draw_look_backs",
    "edit_issue",
    "editable_fields",
    "find_code",
    "keep_upload",
    "last_proof_failed",
    "log_export",
    "log_upward_export",
    "mark_told",
    "may_print_code",
    "may_remove",
    "move_issue",
    "next_number",
    "note_project",
    "open_clue",
    "open_issue",
    "open_parent",
    "open_project",
    "print_household_codes",
    "print_issue_code",
    "prove_histories",
    "recompute_deadline",
    "recompute_deadlines",
    "record_call_back",
    "record_look_back",
    "remove_file",
    "renew_household_code",
    "renew_issue_code",
    "report_clue",
    "save_filter",
    "save_rule",
    "save_script",
    "send_texts",
    "set_parent",
    "shift_rule",
    "step_clue",
    "take_turn",
]
