"""Taking scores of earlier years over from a workbook, and taking that back."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from outreach import audit
from outreach.access import Permission, demand
from outreach.models import Unit, User
from reports import past_scores
from reports.models import PastImport, PastScore
from reports.past_scores import PastRow

MAX_ERRORS = 200


@transaction.atomic
def check_file(*, district: Unit, content: bytes, filename: str, by: User, this_year: int) -> PastImport:
    """Read and check a workbook, and keep what was found until it is taken over. Nothing counts yet.

    Raises past_scores.UnusableFileError where it cannot be read at all.
    """
    demand(by, Permission.SNAPSHOT_MAKE)
    table = past_scores.read_table(content)
    units = list(Unit.objects.filter(code__startswith=district.code))
    stored = PastScore.objects.filter(unit__in=units).values_list("unit_id", "year", "month", "source__filename")
    known = {(unit, year, month): filename for unit, year, month, filename in stored}
    rows, errors = past_scores.check(table, units, known, this_year)
    record = PastImport.objects.create(
        district=district,
        filename=filename.replace("\0", "")[-100:] or "scores.xlsx",
        rows=[row.to_json() for row in rows],
        errors=[[error.number, error.column, error.message] for error in errors[:MAX_ERRORS]],
        created_by=by,
    )
    audit.record("past_scores.check", record, by=by, rows=len(rows), errors=len(errors))
    return record


@transaction.atomic
def commit(*, record: PastImport, by: User) -> int:
    """Take the checked rows over, all or none; return how many.

    Raises ValidationError where it is done already, has errors, or something was stored since it was checked.
    """
    demand(by, Permission.SNAPSHOT_MAKE)
    row = PastImport.objects.select_for_update(of=("self",)).get(pk=record.pk)
    if row.state != PastImport.State.CHECKED:
        raise ValidationError(_("It was taken over or undone already."))
    if row.errors or not row.rows:
        raise ValidationError(_("The file has errors. Correct them in the workbook and upload it again."))
    try:
        with transaction.atomic():
            PastScore.objects.bulk_create(
                PastScore(
                    source=row,
                    unit_id=each.unit_id,
                    year=each.year,
                    month=each.month,
                    score=each.score,
                    rank=each.rank,
                    ranked=each.ranked,
                )
                for each in map(PastRow.from_json, row.rows)
            )
    except IntegrityError as error:
        raise ValidationError(
            _("Scores of the same units were stored since the check, or a unit is gone. Upload the file again.")
        ) from error
    row.state, row.done_at, row.done_by = PastImport.State.DONE, timezone.now(), by
    row.save(update_fields=["state", "done_at", "done_by"])
    audit.record("past_scores.commit", row, by=by, rows=len(row.rows))
    return len(row.rows)


@transaction.atomic
def undo(*, record: PastImport, by: User) -> int:
    """Remove what an import took over; the import stays listed. Raises ValidationError where it is not in force."""
    demand(by, Permission.SNAPSHOT_MAKE)
    row = PastImport.objects.select_for_update(of=("self",)).get(pk=record.pk)
    if row.state != PastImport.State.DONE:
        raise ValidationError(_("Only an import that was taken over can be undone."))
    count, _by_model = PastScore.objects.filter(source=row).delete()
    row.state, row.undone_at, row.undone_by = PastImport.State.UNDONE, timezone.now(), by
    row.save(update_fields=["state", "undone_at", "undone_by"])
    audit.record("past_scores.undo", row, by=by, rows=count)
    return count
