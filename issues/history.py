"""The history of an issue as its page shows it: each step with its looks, its evidence and what it changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from households.models import Household
from issues import chain, looks, workflow
from issues.actions import editable_fields, last_proof_failed, may_remove
from issues.actions.files import MAX_WHY
from issues.models import Attachment, Category, Issue, IssueEvent, Kind, Solvability
from outreach.access import Permission, has_permission
from outreach.alarms import Alarm
from outreach.models import Unit, User

FIELD_LABELS = {
    "text": gettext_lazy("What the resident said"),
    "kind": gettext_lazy("Kind of issue"),
    "category": gettext_lazy("Category"),
    "is_urgent": gettext_lazy("Urgent"),
    "place": gettext_lazy("Place"),
    "household": gettext_lazy("Household"),
    "limit": gettext_lazy("Limit in working days"),
    "due_on": gettext_lazy("Due on"),
}
# Steps that are no moves of the table.
OTHER_STEPS = {
    **looks.ENTRY_TITLES,
    "open": gettext_lazy("Recorded"),
    "edit": gettext_lazy("Corrected"),
    "remove_file": gettext_lazy("File removed"),
}


class RemoveForm(forms.Form):
    """Why a file is taken from sight."""

    why = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MAX_WHY,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("The file is no longer shown. That it was there, and this reason, stay in the history."),
    )


@dataclass
class FileRow:
    """A file beside its step; `form` where the user may remove it."""

    attachment: Attachment
    url: str
    remove_url: str
    label: str
    form: RemoveForm | None

    @property
    def size(self) -> int:
        """In KB, at least 1."""
        return max(1, self.attachment.size // 1024)


@dataclass
class EventRow:
    """One step. `changes` are (label, old, new) in words."""

    event: IssueEvent
    title: str
    who: str
    reason: str
    tone: str
    icon: str
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    files: list[FileRow] = field(default_factory=list)

    @property
    def photos(self) -> list[FileRow]:
        """The files one can look at."""
        return [row for row in self.files if row.attachment.is_photo and not row.attachment.removed_at]

    @property
    def papers(self) -> list[FileRow]:
        """The files one can only download."""
        return [row for row in self.files if not row.attachment.is_photo and not row.attachment.removed_at]

    @property
    def removed(self) -> list[FileRow]:
        """The files that were taken from sight."""
        return [row for row in self.files if row.attachment.removed_at]


def history_context(issue: Issue, user: User) -> dict[str, Any]:
    """What the templates of the history show, and whether `user` may correct the issue."""
    rows = event_rows(issue, user)
    return {
        "events": rows,
        "first_photos": rows[-1].photos if rows and rows[-1].event.move == "open" else [],
        "judgements": judgements(rows),
        "chain_head": short(issue.head_hash),
        "may_edit": bool(editable_fields(issue, user)),
    }


def event_rows(issue: Issue, user: User) -> list[EventRow]:
    """The history, newest first. As many queries for a long history as for a short one."""
    events = list(issue.events.select_related("by", "by_unit", "from_unit", "to_unit").order_by("-seq"))
    files: dict[int, list[FileRow]] = {}
    for attachment in issue.attachments.select_related("removed_by"):
        files.setdefault(attachment.event_id, []).append(file_row(attachment, issue, user))
    names = Names.of_events(events, issue.shows_resident_to(user))
    rows = []
    for event in events:
        step = workflow.BY_NAME.get(event.move)
        tone, icon, _variant = looks.MOVE_LOOKS.get(event.move, ("neutral", "dot", ""))
        title: Any = step.label if step else OTHER_STEPS.get(event.move, event.move)
        if event.move in looks.NOTED_STEPS:
            title, tone, icon = looks.NOTED_STEPS[event.move]
        rows.append(
            EventRow(
                event=event,
                title=str(title),
                who=event.who,
                reason=reason_of(event, step),
                tone=tone,
                icon=icon,
                changes=names.changes(event),
                files=files.get(event.pk, []),
            )
        )
    return rows


def reason_of(event: IssueEvent, step: workflow.Move | None) -> str:
    """The reason in words; as it is stored where the table no longer knows it."""
    if not event.reason:
        return ""
    known = dict(step.reasons.choices) if step and step.reasons else {}
    return str(known.get(event.reason, event.reason))


def file_row(attachment: Attachment, issue: Issue, user: User) -> FileRow:
    """A file with its addresses and what one may do with it."""
    may = attachment.removed_at is None and may_remove(attachment, issue=issue, by=user)
    return FileRow(
        attachment=attachment,
        url=reverse("issues:attachment", args=[issue.pk, attachment.pk]),
        remove_url=reverse("issues:attachment_remove", args=[issue.pk, attachment.pk]),
        label=attachment.name or _("Photo %(number)s") % {"number": attachment.pk},
        form=RemoveForm(auto_id=f"id_remove_{attachment.pk}_%s") if may else None,
    )


class Names:
    """Says in words what corrections changed; looks up what they name all at once."""

    @classmethod
    def of_events(cls, events: list[IssueEvent], knows_resident: bool) -> Names:
        """For all values the steps name."""
        values: dict[str, list[Any]] = {}
        for event in events:
            for name, pair in event.detail.get("changes", {}).items():
                values.setdefault(name, []).extend(pair)
        return cls(values, knows_resident)

    def __init__(self, values: Mapping[str, Iterable[Any]], knows_resident: bool) -> None:
        self.knows_resident = knows_resident
        wanted = {name: {value for value in some if value is not None} for name, some in values.items()}
        self.categories = Category.objects.in_bulk(wanted["category"]) if "category" in wanted else {}
        self.places = Unit.objects.in_bulk(wanted["place"]) if "place" in wanted else {}
        known = "household" in wanted and knows_resident
        self.households = Household.objects.in_bulk(wanted["household"]) if known else {}

    def changes(self, event: IssueEvent) -> list[tuple[str, str, str]]:
        """Return (label, old, new) for each field the step changed, the deadline last."""
        pairs = {**event.detail.get("changes", {}), **event.detail.get("clock", {})}
        return [
            (str(FIELD_LABELS.get(name, name)), self.word(name, pair[0]), self.word(name, pair[1]))
            for name, pair in pairs.items()
        ]

    def word(self, name: str, value: Any) -> str:
        """Return the value of a field in words; “—” for none."""
        match name:
            case "category":
                return self.categories[value].name if value in self.categories else "—"
            case "place":
                return self.places[value].name if value in self.places else "—"
            case "household" if value is not None and not self.knows_resident:
                return _("(known to those who handle it)")
            case "household":
                return str(self.households.get(value, "—"))
            case "kind":
                return str(dict(Kind.choices).get(value, value))
            case "is_urgent":
                return _("yes") if value else _("no")
            case "due_on":
                return date.fromisoformat(value).isoformat()
        return str(value)


def chain_alarms(user: User) -> list[Alarm]:
    """Tell those in charge, and those who read the audit trail, that the last nightly proof failed. Costs a query."""
    wanted = (Permission.SETTINGS_EDIT, Permission.AUDIT_VIEW, Permission.ISSUE_SETUP)
    if not any(has_permission(user, permission) for permission in wanted) or not last_proof_failed():
        return []
    text = _(
        "The nightly check found histories of issues that were changed behind the program. Nothing was repaired. The "
        "system administrator runs manage.py verify_issues, and compares with a backup and with exported ledgers."
    )
    return [Alarm(title=_("Histories of issues"), text=text)]


def judgements(events: list[EventRow]) -> list[dict[str, str]]:
    """Who judged whether the issue can be solved, and who reviewed it, in this round: from the steps, newest first.
    Steps before this was written down say nothing and are left out."""
    told = []
    for row in events:
        if row.event.move in ("redo", "redo_up"):
            break
        value = row.event.detail.get("solvability")
        if value:
            is_review = row.event.move == "verify"
            told.append(
                {
                    "label": _("Reviewed by") if is_review else _("Judged by"),
                    "word": str(dict(Solvability.choices).get(value, value)),
                    "who": row.who,
                }
            )
    return told[::-1]


def short(head: str) -> str:
    """Return a hash as people read it on screen and paper."""
    return head[: chain.SHOWN]
