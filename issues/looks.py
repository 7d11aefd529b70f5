"""How states, outcomes and moves look on screen: tone and icon. One table, so that a new move cannot lack its looks."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

STATE_TONES = {
    "new": "warn",
    "assigned": "info",
    "accepted": "accent",
    "returned": "warn",
    "arbitration": "warn",
    "paused": "neutral",
    "reported": "neutral",
    "done": "info",
    "verified": "info",
    "closed": "good",
    "merged": "neutral",
    "refused": "neutral",
}
OUTCOME_TONES = {"solved": "good", "explained": "good", "not_accepted": "warn"}

# move → (tone in the history, icon, variant of its button)
MOVE_LOOKS = {
    "open": ("info", "edit", "secondary"),
    "dispatch": ("accent", "send", "primary"),
    "accept": ("accent", "check", "primary"),
    "return": ("warn", "undo", "secondary"),
    "appeal": ("warn", "scale", "secondary"),
    "arbitrate": ("accent", "scale", "primary"),
    "refuse": ("warn", "ban", "danger"),
    "restore": ("info", "refresh", "secondary"),
    "progress": ("info", "edit", "secondary"),
    "remark": ("info", "message", "secondary"),
    "urge": ("warn", "bell", "secondary"),
    "ask_help": ("info", "users", "secondary"),
    "answer_help": ("info", "message", "primary"),
    "ask_time": ("warn", "clock", "secondary"),
    "grant": ("accent", "check", "primary"),
    "ask_pause": ("warn", "pause", "secondary"),
    "pause": ("warn", "pause", "primary"),
    "deny": ("warn", "x", "secondary"),
    "resume": ("accent", "play", "primary"),
    "report_up": ("warn", "arrow-up", "secondary"),
    "answer_up": ("good", "check-circle", "primary"),
    "finish": ("good", "check-circle", "primary"),
    "verify": ("good", "eye", "primary"),
    "redo": ("warn", "undo", "danger"),
    "redo_up": ("warn", "arrow-up", "danger"),
    "close": ("good", "lock", "primary"),
    "close_not_content": ("warn", "lock", "secondary"),
    "merge": ("info", "layers", "secondary"),
    "unmerge": ("info", "swap", "secondary"),
    "merged_here": ("info", "layers", "secondary"),
    "unmerged_here": ("info", "swap", "secondary"),
    "set_parent": ("info", "layers", "secondary"),
    "clear_parent": ("info", "swap", "secondary"),
    "child_here": ("info", "layers", "secondary"),
    "child_left": ("info", "swap", "secondary"),
    "project_open": ("accent", "flag", "secondary"),
    "project_close": ("good", "flag", "secondary"),
    "supervise": ("bad", "flag", "secondary"),
    "release": ("good", "flag", "secondary"),
    "recompute": ("info", "calendar", "secondary"),
    "edit": ("info", "edit", "secondary"),
    "remove_file": ("warn", "trash", "secondary"),
}
# Steps noted in the history beside the moves: label, tone, icon.
NOTED_STEPS = {
    "risk": (_("Risk rated"), "warn", "flame"),
    "session": (_("Mediation session"), "info", "users"),
    "agreement": (_("Agreement recorded"), "good", "check-circle"),
    "performance": (_("Performance followed up"), "info", "refresh"),
    "instruct": (_("Instruction of a leader"), "bad", "flag"),
    "instruct_again": (_("Further instruction of a leader"), "bad", "flag"),
    "instruct_answer": (_("Answer to the instruction"), "info", "message"),
    "instruct_settle": (_("Instruction settled"), "good", "check-circle"),
    "difficult": (_("Put on the list of difficult issues"), "warn", "flag"),
    "not_difficult": (_("Taken off the list of difficult issues"), "info", "undo"),
}
# Entries of a history that are no moves: what another issue's move left there, and what the program did.
ENTRY_TITLES = {
    "merged_here": _("Another issue was merged into this one"),
    "unmerged_here": _("An issue was taken out of this one again"),
    "set_parent": _("Put under another issue"),
    "clear_parent": _("Taken out from under another issue"),
    "child_here": _("An issue was put under this one"),
    "child_left": _("An issue below was taken out"),
    "project_open": _("Special project begun"),
    "project_close": _("Special project completed"),
    "recompute": _("Due day counted again"),
}
# What the note of a move is about, and what stands below the field.
NOTE_LABELS = {
    "dispatch": _("Why this unit"),
    "arbitrate": _("Grounds of the decision"),
    "return": _("On what basis"),
    "appeal": _("On what basis"),
    "refuse": _("What the resident is told"),
    "progress": _("What was done so far"),
    "remark": _("What was said"),
    "urge": _("What is expected"),
    "ask_help": _("What the unit should do"),
    "answer_help": _("Answer"),
    "ask_time": _("Why more time is needed"),
    "ask_pause": _("What it waits for"),
    "report_up": _("What is reported"),
    "answer_up": _("The answer"),
    "finish": _("What was done"),
    "redo": _("What is still to be done"),
    "redo_up": _("What is still to be done"),
    "close_not_content": _("Why nothing more can be done"),
    "supervise": _("What is demanded, until when"),
}
