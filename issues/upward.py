"""Reports upward (向上反映): who reported what to whom, and how long the answer has been waited for."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from issues.exports import put, styled
from issues.models import Issue, UpwardReport
from outreach import calendar, workbooks
from outreach.models import Unit, User

PATIENCE = 5  # working days an answer may take before it is overdue
MAX_ROWS = 10_000
HEADER_ROWS = 3


@dataclass(frozen=True)
class Waiting:
    """A report with the working days waited, until the answer or today, and whether that is too long."""

    report: UpwardReport
    days: int
    is_overdue: bool


def reports_for(user: User) -> QuerySet[UpwardReport]:
    """The reports on the issues the user sees, the longest waiting first; all a row shows is loaded."""
    rows = UpwardReport.objects.filter(issue__in=Issue.objects.visible_to(user))
    return rows.select_related("issue__place", "unit", "reported_by", "answered_by").order_by("reported_at", "pk")


def in_tab(reports: QuerySet[UpwardReport], tab: str, today: date) -> QuerySet[UpwardReport]:
    """The reports of a tab: waiting (overdue ones too), overdue, answered, all."""
    match tab:
        case "overdue":
            last = calendar.more_than_workdays_ago(today, PATIENCE)
            until = timezone.make_aware(datetime.combine(last + timedelta(days=1), time.min))
            return reports.filter(answered_at=None, reported_at__lt=until)
        case "answered":
            return reports.filter(answered_at__isnull=False).order_by("-answered_at", "-pk")
        case "all":
            return reports.order_by("-reported_at", "-pk")
    return reports.filter(answered_at=None)


@dataclass(frozen=True)
class Figures:
    """How many reports a unit sent, how many were answered, for how many the answer is overdue."""

    name: str
    sent: int
    answered: int
    overdue: int


def figures(reports: QuerySet[UpwardReport], today: date) -> list[Figures]:
    """The figures of each unit that reported, in official order. Costs two queries."""
    late = in_tab(reports, "overdue", today).order_by().values("pk")
    rows = (
        reports.order_by()
        .values("unit__name", "unit__sort_order", "unit__code")
        .annotate(
            sent=Count("pk"),
            answered=Count("pk", filter=Q(answered_at__isnull=False)),
            overdue=Count("pk", filter=Q(pk__in=late)),
        )
        .order_by("unit__sort_order", "unit__code")
    )
    return [Figures(row["unit__name"], row["sent"], row["answered"], row["overdue"]) for row in rows]


def waiting(report: UpwardReport, today: date, table: Mapping[date, bool]) -> Waiting:
    """Count the working days `report` waited; `table` is calendar.overrides(), read once for many."""
    end = timezone.localdate(report.answered_at) if report.answered_at else today
    days = calendar.workdays_between(timezone.localdate(report.reported_at), end, table)
    return Waiting(report=report, days=days, is_overdue=report.answered_at is None and days > PATIENCE)


def state_word(row: Waiting) -> str:
    """How the report stands, in a word."""
    if row.report.answered_at is not None:
        return _("answered")
    return _("answer overdue") if row.is_overdue else _("waiting for the answer")


def workbook(rows: Iterable[Waiting], *, by: User, unit: Unit, today: date) -> bytes:
    """Return the list as .xlsx: text always as text, never as a formula; A4 landscape."""
    columns = [
        *((_("No."), 6), (_("Number"), 20), (_("Issue"), 40), (_("By whom"), 18), (_("Reported to"), 20)),
        *((_("Document number"), 18), (_("Reported on"), 12), (_("What was reported"), 40)),
        *((_("Working days waited"), 10), (_("State"), 12), (_("Answer"), 40), (_("Answered on"), 12)),
    ]
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(_("Upward reports"))
    for at, (_title, width) in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.freeze_panes = f"A{HEADER_ROWS + 1}"
    workbooks.print_landscape(sheet, head=HEADER_ROWS)
    sheet.append([styled(sheet, _("%(unit)s reports upward") % {"unit": unit.name}, size=18, bold=True)])
    line = _("Unit: %(unit)s    Filled in by: %(name)s    Date: %(date)s")
    values = {"unit": unit.name, "name": by.name, "date": today.isoformat()}
    sheet.append([styled(sheet, line % values, horizontal="left")])
    sheet.append([styled(sheet, title, bold=True, border=True) for title, _width in columns])
    cells = [styled(sheet, "", border=True, horizontal="left") for _column in columns]
    for count, row in enumerate(rows, 1):
        for cell, value in zip(cells, (count, *values_of(row)), strict=True):
            put(cell, value)
        sheet.append(cells)
    for at in (1, 2):
        sheet.merged_cells.add(f"A{at}:{get_column_letter(len(columns))}{at}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def values_of(row: Waiting) -> tuple[str | int, ...]:
    """The cells of one report after its running number."""
    report = row.report
    return (
        report.issue.number,
        report.issue.text,
        report.unit.name,
        report.to_whom,
        report.document,
        timezone.localdate(report.reported_at).isoformat(),
        report.text,
        row.days,
        state_word(row),
        report.answer,
        timezone.localdate(report.answered_at).isoformat() if report.answered_at else "",
    )
