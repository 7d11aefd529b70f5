"""The write door of the restricted register: handing a clue in, opening it, following it up."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from issues import clues
from issues.actions.history import MAX_TEXT
from issues.models import Clue, ClueEntry
from outreach import access, audit
from outreach.access import Permission
from outreach.models import Unit, User

MAX_LINE = 200


@dataclass(frozen=True)
class OpenedEntry:
    """A step with what was noted."""

    entry: ClueEntry
    said: dict[str, str]


@dataclass(frozen=True)
class OpenedClue:
    """A clue as the discipline office reads it."""

    clue: Clue
    content: clues.Content
    entries: list[OpenedEntry]


@sensitive_variables()
@transaction.atomic
def report_clue(*, by: User | None, district: Unit, content: clues.Content) -> Clue:
    """Hand a clue in; `by` None: a resident did. Returns it, sealed.

    Not written to the audit trail, which others than the discipline office read: it would tell who handed something in.
    Raises PermissionDenied without CLUE_REPORT, ValidationError keyed by the content's fields.
    """
    if by is not None:
        access.demand(by, Permission.CLUE_REPORT)
    errors = {}
    if not content.text.strip() or len(content.text) > MAX_TEXT:
        errors["text"] = _("Write what happened, in at most %(count)d characters.") % {"count": MAX_TEXT}
    for name in ("about", "occurred", "contact", "source"):
        if len(getattr(content, name)) > MAX_LINE:
            errors[name] = _("At most %(count)d characters.") % {"count": MAX_LINE}
    if errors:
        raise ValidationError(errors)
    number = next_clue_number()
    return Clue.objects.create(number=number, district=district, sealed=clues.seal(content, number), reported_by=by)


@sensitive_variables()
@transaction.atomic
def open_clue(*, clue: Clue, by: User) -> OpenedClue:
    """Unseal a clue for reading. Every opening is written to the audit trail, without a word of the content."""
    access.demand(by, Permission.CLUE_VIEW)
    content = clue.content()
    entries = [OpenedEntry(row, row.said()) for row in clue.entries.select_related("by", "clue")]
    audit.record("clue.open", clue, by=by)
    return OpenedClue(clue, content, entries)


@sensitive_variables()
@transaction.atomic
def step_clue(*, clue: Clue, step: str, by: User, version: int, said: dict[str, str]) -> Clue:
    """Take one step of clues.STEPS and append it to the clue's own history, sealed.

    Raises PermissionDenied without CLUE_VIEW, ValidationError where somebody was faster, the state does not allow the
    step, or a field is missing.
    """
    access.demand(by, Permission.CLUE_VIEW)
    taken = clues.BY_NAME.get(step)
    if taken is None:
        raise ValidationError(_("There is no such step."))
    locked = Clue.objects.select_for_update().get(pk=clue.pk)
    if locked.version != version or locked.state not in taken.sources:
        raise ValidationError(_("Somebody else took a step in the meantime. Nothing was saved: open the clue again."))
    limits = {"note": MAX_TEXT}
    errors = {
        name: _("Fill this in, with at most %(count)d characters.") % {"count": limits.get(name, MAX_LINE)}
        for name in taken.fields
        if not 0 < len(said.get(name, "").strip()) <= limits.get(name, MAX_LINE)
    }
    if errors:
        raise ValidationError(errors)
    locked.state = taken.target or locked.state
    locked.version += 1
    locked.save(update_fields=["state", "version"])
    ClueEntry.objects.create(
        clue=locked,
        at=timezone.now(),
        by=by,
        step=taken.name,
        to_state=locked.state,
        sealed=clues.seal({name: said[name].strip() for name in taken.fields}, locked.number),
    )
    audit.record("clue.step", locked, by=by, step=taken.name)
    return locked


def next_clue_number() -> str:
    """Return the next number: X, the year and a count that never repeats."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('issues_clue_number')")
        return f"X{timezone.localdate().year}{cursor.fetchone()[0]:05d}"
